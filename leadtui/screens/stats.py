"""Statistics: cards, leads over time, funnel, sources, agents, …; every figure opens the leads behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from leadtui import clock
from leadtui.commands import Command
from leadtui.domain.dates import local_day
from leadtui.domain.figure_words import counted, opened
from leadtui.domain.figures import Question
from leadtui.errors import LeadtuiError, NotPermitted
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.lead_pages import FilterWords, change_mark, read_opening
from leadtui.screens.stats_rows import PANELS, Behind, OneCampaign, StatsRows, age_words
from leadtui.screens.wall_screen import WallScreen
from leadtui.widgets.area_chart import AreaChart, Chart
from leadtui.widgets.bars import Bars, BarTable
from leadtui.widgets.cards import Cards
from leadtui.widgets.filter_bar import Completion, FilterBar
from leadtui.widgets.panel import Panel
from leadtui.widgets.wall import Wall

if TYPE_CHECKING:
    from leadtui.domain.figures import Figures
    from leadtui.screens.lead_pages import Opening

LOOK_S, LOOK_S_SLOW = 1.0, 5.0
"""So often it is looked whether anybody changed anything."""
SELDOM = 5
"""Messages going out are no change of a lead: while a campaign is sent, every so manieth look reads anew."""
LINE_KEYS = "enter counts those · tab completes · ↑ earlier · esc leaves"


class StatsScreen(WallScreen):
    """A main screen, key %."""

    SCOPE = "stats"
    HEADING = "Stats"
    CSS_PATH = "stats.tcss"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "stats.year", "stats.dates", "stats.filter", "stats.pipeline", "stats.exports",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.question = Question()
        self.figures: Figures | None = None
        self.words: FilterWords | None = None
        self._draft = ""
        self._asking: Question | None = None
        self._again = False
        self._known_at = monotonic()
        self._looks = 0
        self.watch_changes = ChangeWatch(self, self._reload, every=(LOOK_S, LOOK_S_SLOW), looked=self._looked)

    def body(self) -> ComposeResult:
        """Filter line (while it is used), cards, the wall; in their place words, where there is nothing to be seen."""
        yield FilterBar(self._parse, self._complete)
        yield Static("", id="words", markup=False)
        yield Cards(id="cards")
        with Wall():
            for key in PANELS:
                chart = key in ("time", "activations")
                yield AreaChart(Chart("…"), id=key) if chart else Bars(BarTable("…", empty=""), id=key)

    def on_mount(self) -> None:
        """The cards take the keys; what anybody changes is seen soon."""
        self._panel("activations").display = False
        self.cards.focus()
        self.watch_changes.start()
        self.set_interval(LOOK_S_SLOW if self.lead_app.slow else LOOK_S, self._title)

    def office_ready(self) -> None:
        """Read the figures, and the words of the filter line."""
        self.run_blocking(read_opening, self.office, then=self._opened, group="stats.words")
        self._load()

    def _opened(self, opened: Opening) -> None:
        self.words = opened.words

    def on_screen_resume(self) -> None:
        """In front again: what was changed meanwhile is looked for at once."""
        if self.figures is not None:
            self.watch_changes.look(at_once=True)

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Leads were changed, here or elsewhere; also `r`."""
        self._reload()

    # Reading

    def ask(self, question: Question) -> None:
        """Other figures: of another year, filter, range, pipeline."""
        if question != self.question:
            self.question = question
            self._load()

    def _reload(self) -> None:
        """The same figures anew: after those that are being read, so that many changes never starve the screen."""
        if self._asking == self.question:
            self._again = True
        elif self.office is not None:
            self._load()

    def _load(self) -> None:
        office, question = self.office, self.question
        self._asking, self._again = question, False

        def read() -> tuple[object, Figures]:
            from leadtui.services import figures

            mark = change_mark(office)  # before the figures: what comes between is seen with the next look
            return mark, figures.ask(office, question)

        self.run_blocking(read, then=self._came, failed=self._failed, group="stats.read")

    def _came(self, answer: tuple[object, Figures]) -> None:
        mark, figures = answer
        self.watch_changes.known(mark)
        self._show(figures)

    def _show(self, figures: Figures) -> None:
        first = self.figures is None
        self.figures, self._asking = figures, None
        self._known_at = monotonic()
        self.remove_class("-without")
        today = local_day(figures.asked_at, self.office.catalog.tz)
        rows = StatsRows(figures, today)
        self.cards.show(rows.cards())
        shown: dict[str, Callable[[], Any]] = {
            "time": rows.over_time, "sources": rows.sources, "funnel": rows.funnel, "agents": rows.agents,
            "open": rows.open_statuses, "ageing": rows.ageing, "lost": rows.reasons, "campaigns": rows.campaigns,
            "activations": rows.activations,
        }  # fmt: skip
        present = today.month - 1 if today.year == figures.year else None
        for key, make in shown.items():
            panel = self._panel(key)
            if isinstance(panel, AreaChart):
                panel.show(make(), present if first else None)
            elif isinstance(panel, Bars):
                panel.show(make())
        self._panel("activations").display = rows.has_activations()
        self.wall.share_anew()
        self._title()
        self.lead_app.refresh_hints()
        if self._again:
            self._load()

    def _failed(self, error: Exception) -> None:
        """What was good stays; where there is nothing yet, or nothing may be seen any more, words stand instead."""
        self._asking = None
        if self.figures is not None and not isinstance(error, NotPermitted):
            self.lead_app.report(error)
            if self.question.filter != self.figures.question.filter:
                self._draft = self.question.filter  # what was typed waits in the line
            self.question = self.figures.question
            self._title()
            return
        self.figures = None
        said = error.message if isinstance(error, LeadtuiError) else "The figures could not be read; r tries again"
        self.query_one("#words", Static).update(said[:1].upper() + said[1:])
        self.add_class("-without")
        self.heading(right="")

    def _looked(self) -> None:
        """Nobody changed anything up to now; but time passes, and messages go out."""
        self._known_at = monotonic() if self._asking is None else self._known_at
        if self.figures is None:
            return
        self._looks += 1
        zone = self.office.catalog.tz
        sending = any(one.status == "active" and one.pending for one in self.figures.campaigns)
        new_day = local_day(clock.now(), zone) != local_day(self.figures.asked_at, zone)
        if new_day or (sending and self._looks % SELDOM == 0):
            self._reload()

    # Heading

    def _title(self) -> None:
        """What is counted on the left, how old that is at most on the right; drawn only when the words differ."""
        if self.figures is None:
            return
        dash = "-" if self.lead_app.plain else "─"
        left = f"Stats {dash} {' · '.join(self._counted())}"
        right = age_words(monotonic() - self._known_at)
        line = self.query_one("TitleLine")
        if (getattr(line, "left", ""), getattr(line, "right", "")) != (left, right):
            self.heading(left, right)

    def _counted(self) -> tuple[str, ...]:
        actor, year = self.office.actor, self.figures.year if self.figures is not None else None
        return counted(
            self.question, year=year, scope=actor.scope("stats"), zone=self.office.catalog.tz, now=clock.now()
        )  # fmt: skip

    # Panels

    def _panel(self, key: str) -> Panel:
        return self.query_one(f"#{key}", Panel)

    @on(Panel.Opened)
    def open_figure(self, event: Panel.Opened) -> None:
        """Enter: the leads behind the figure, or the campaign."""
        item = event.item
        if isinstance(item, Behind):
            from leadtui.screens.figure_leads import FigureLeads

            self.app.push_screen(FigureLeads(opened(item.filter, self.office.actor), item.title))
        elif isinstance(item, OneCampaign):
            from leadtui.screens.campaign_monitor import CampaignMonitor

            self.app.push_screen(CampaignMonitor(item.id))

    def copy_text(self) -> str:
        """The figure, and the filter that finds its leads."""
        item = self.panel.current
        where = opened(item.filter, self.office.actor) if isinstance(item, Behind) else ""
        return "  ".join(part for part in (self.panel.caption, where) if part)

    # Commands

    def commands(self) -> tuple[Command, ...]:
        """`y` is the year here."""
        return tuple(one for one in super().commands() if one.id != "app.copy")

    def why_disabled(self, command: Command) -> str | None:
        """What needs figures, and what needs more than one pipeline."""
        if command.id == "list.open":
            return None if self.panel.current is not None else "nothing stands behind this"
        if command.id == "stats.pipeline" and self.office is not None and len(self._pipelines()) < 2:
            return "there is only one pipeline"
        if command.id.startswith("stats.") and self.figures is None:
            return "there are no figures to be seen"
        return None

    def _pipelines(self) -> list[Any]:
        return [one for one in self.office.catalog.pipelines if one.is_active]

    def do_year(self) -> None:
        """Choose the year of the months."""
        from leadtui.screens.picker import Choice, Picker

        years = self.figures.years if self.figures is not None else ()
        choices = [Choice(str(year), str(year)) for year in reversed(years)]

        def chosen(year: str | None) -> None:
            if year is not None:
                self.ask(replace(self.question, year=int(year)))

        self.app.push_screen(Picker("Which year?", choices), chosen)

    def do_year_before(self) -> None:
        """The year before."""
        self._other_year(-1)

    def do_year_after(self) -> None:
        """The year after."""
        self._other_year(1)

    def _other_year(self, step: int) -> None:
        if self.figures is None:
            return
        year = (self.question.year or self.figures.year) + step
        if year in self.figures.years:
            self.ask(replace(self.question, year=year))
        else:
            self.done(f"There are no leads of {year}")

    def do_dates(self) -> None:
        """Only leads created in a time."""
        from leadtui.screens.stats_dialogs import DatesDialog

        def chosen(dates: tuple[str, str] | None) -> None:
            if dates is not None:
                self.ask(replace(self.question, date_from=dates[0] or None, date_to=dates[1] or None))

        self.app.push_screen(DatesDialog(self.question.date_from or "", self.question.date_to or ""), chosen)

    def do_pipeline(self) -> None:
        """One pipeline, or all."""
        from leadtui.screens.picker import Choice, Picker

        choices = [Choice("", "All pipelines"), *(Choice(one.name, one.name) for one in self._pipelines())]

        def chosen(name: str | None) -> None:
            if name is not None:
                self.ask(replace(self.question, pipeline=name or None))

        self.app.push_screen(Picker("Which pipeline?", choices), chosen)

    def do_exports(self) -> None:
        """Write the figures to a file."""
        from leadtui.screens.stats_dialogs import FiguresExport

        self.app.push_screen(FiguresExport(self.question))

    def do_copy_figure(self) -> None:
        """`Y`: the figure and its filter."""
        self.lead_app.do_copy()

    def do_forecast(self) -> None:
        """What the open leads are expected to bring."""
        from leadtui.screens.forecast import ForecastScreen

        self.app.push_screen(ForecastScreen(self.question))

    # The filter line

    def _parse(self, text: str) -> object:
        return self.words.parse(text) if self.words is not None else None

    def _complete(self, text: str, cursor: int) -> Sequence[Completion]:
        return self.words.complete(text, cursor) if self.words is not None else []

    def do_filter(self) -> None:
        """Write the filter, or go on with what was written and could not be read."""
        if self.words is None:
            return
        self.words = self.words.fresh(self.office.catalog)
        bar = self.query_one(FilterBar)
        self.add_class("-filtering")
        bar.set_value(self._draft or self.question.filter)
        bar.focus()
        self.hints.show_status(LINE_KEYS if self.size.width >= 80 else LINE_KEYS.rpartition(" · ")[0], 3600)

    def do_clear(self) -> None:
        """Count everything: no filter, no dates, no pipeline; the year stays."""
        self._draft = ""
        if self.question.filter:
            self.query_one(FilterBar).remember(self.question.filter)
        self.ask(Question(year=self.question.year))

    @on(FilterBar.Submitted)
    def filter_entered(self, event: FilterBar.Submitted) -> None:
        """Enter: count those."""
        self._draft = ""
        self.ask(replace(self.question, filter=event.text.strip()))
        self._close_bar()

    @on(FilterBar.Left)
    def filter_left(self, event: FilterBar.Left) -> None:
        """esc or ↓: the filter stays as it was; what was typed waits for the next time."""
        typed = event.text.strip()
        self._draft = typed if typed != self.question.filter else ""
        self._close_bar()

    def _close_bar(self) -> None:
        self.remove_class("-filtering")
        self.hints.show_status("")
        self.go(self.panel)
