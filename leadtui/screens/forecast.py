"""What open leads are likely to bring, beside how true the probabilities have proved; the measured ones at one key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.commands import Command
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.forecast_rows import Behind, Shown, change_words, sheet
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.task_bar import Report, TaskBar

if TYPE_CHECKING:
    from leadtui.domain.backtests import BackTest
    from leadtui.domain.figures import Question
    from leadtui.domain.forecasts import Forecast
    from leadtui.services.backtest import Used
    from leadtui.services.conversion_times import ConversionTimes

MOST_BEHIND = 2_000
"""Leads shown of those that came into a status: the newest."""


def options_of(how: Mapping[str, str]) -> dict[str, Any]:
    """How the past is looked at, as typed, for the service. Raises Invalid with the field."""
    from leadtui.services.settings import whole_number

    found: dict[str, Any] = {"date_from": how.get("from") or None, "date_to": how.get("to") or None}
    for key, option in (("age", "age_days"), ("min_cases", "min_cases")):
        if typed := how.get(key, "").strip():
            found[option] = whole_number(typed, key)
    return found


class ForecastScreen(LeadScreen[None]):
    """Answers nothing. `question` says which leads the forecast counts; the past is that of its pipeline."""

    SCOPE = "forecast"
    HEADING = "Forecast"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "forecast.use", "forecast.next_pipeline", "forecast.how", "app.refresh", "app.back",
    )  # fmt: skip

    def __init__(self, question: Question | None = None) -> None:
        super().__init__()
        self.question = question
        self.shown = Shown()
        self.how: dict[str, str] = {}
        """How the past is looked at, as typed: from, to, age, min_cases."""
        self._again = False
        self.watch_changes = ChangeWatch(self, lambda: self.leads_changed(frozenset()))

    def body(self) -> ComposeResult:
        """One sheet, and how far the measuring is."""
        yield Sheet(id="forecast")
        yield TaskBar()

    def on_mount(self) -> None:
        """The sheet takes the keys."""
        self.query_one(Sheet).focus()
        self.watch_changes.start()

    def office_ready(self) -> None:
        """Read the forecast, and measure."""
        self.shown = Shown(plain=self.lead_app.plain)
        self.do_refresh()

    def do_refresh(self) -> None:
        """All of it anew."""
        self._read()
        self._read_times()
        self._measure()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """The forecast is read anew; the past is measured anew where a status has another probability than is shown."""
        if self.office is None:
            return
        self._read()
        test, now = self.shown.test, self.office.catalog.stage_by_id
        if test is not None and any(
            one.stage.id in now and now[one.stage.id].probability != one.stage.probability for one in test.rows
        ):
            self._measure()

    # Reading

    def _read(self) -> None:
        office, asked = self.office, self.question

        def read() -> tuple[Question, Forecast]:
            from leadtui.domain.figures import Question
            from leadtui.services import forecasts

            question = asked or Question()
            return question, forecasts.forecast(office, question)

        self.run_blocking(read, then=lambda found: self._forecast(*found), failed=self._failed, group="forecast")

    def _read_times(self) -> None:
        """By itself and not again with every change: the middle of many conversions wants each of them read."""
        office, asked = self.office, self.question

        def read() -> ConversionTimes:
            from leadtui.services import conversion_times

            return conversion_times.conversion_times(office, asked)

        # What is wrong with the question, the forecast says.
        self.run_blocking(read, then=lambda found: self._show(times=found), failed=lambda _: None, group="times")

    def _failed(self, error: Exception) -> None:
        self.lead_app.report(error)
        if self.shown.forecast is None and isinstance(error, LeadtuiError):
            self.dismiss(None)

    def _forecast(self, question: Question, forecast: Forecast) -> None:
        self.question = question
        self._show(forecast=forecast)

    def _show(self, **parts: Any) -> None:
        is_first = self.shown.forecast is None
        self.shown = shown = replace(self.shown, **parts)
        self._title()
        # Whichever came first: the cursor begins at the head.
        self.query_one(Sheet).show(lambda width: sheet(shown, width), keep_place=not is_first)
        self.lead_app.refresh_hints()

    def _title(self) -> None:
        asked = self.question
        parts = [asked.pipeline or "all pipelines", asked.filter or "all leads"] if asked is not None else []
        if asked is not None and (asked.date_from or asked.date_to):
            parts.append(f"{asked.date_from or '…'} to {asked.date_to or 'today'}")
        scope = self.office.actor.scope("stats")
        whose = {"own": "your own", "team": "your team's", "branch": "your branch's"}.get(scope, "")
        dash, dot = (" - ", " - ") if self.lead_app.plain else (" ─ ", " · ")
        self.heading("Forecast" + dash + dot.join([*parts, *([whose] if whose else [])]))

    def _measure(self, *, anew: bool = False) -> None:
        """Try the probabilities on the past: it may take a while, esc stops it. `anew`: something else was asked."""
        bar = self.query_one(TaskBar)
        if bar.busy:
            # It cannot be begun before the one under way has ended.
            self._again |= anew
            if anew:
                bar.stop()
            return
        if anew:
            self._show(test=None, said="measuring …")
        office, how, pipeline = self.office, self.how, self.question.pipeline if self.question is not None else None

        def work(report: Report, should_stop: Callable[[], bool]) -> BackTest:
            from leadtui.services import backtest

            return backtest.measure(
                office, pipeline, **options_of(how), on_progress=lambda done, total: report(done, total, ""),
                should_stop=should_stop,
            )  # fmt: skip

        if self.shown.test is None:
            self._show(said="measuring …")
        bar.run(self, work, title="Looking at the past", then=self._measured, failed=self._missed)

    def _measured(self, found: BackTest) -> None:
        if self._again:
            self._again = False
            self._measure(anew=True)
        else:
            self._show(test=found)

    def _missed(self, error: Exception) -> None:
        if self._again:
            self._again = False
            self._measure(anew=True)
            return
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
        words = error.message if isinstance(error, LeadtuiError) else "it could not be measured"
        self._show(test=None, said=f"{words}; r tries again")

    # Commands

    def why_disabled(self, command: Command) -> str | None:
        """What can be taken over."""
        if command.id != "forecast.use":
            return None
        if self.query_one(TaskBar).busy or self.shown.test is None:
            return "nothing is measured yet"
        if self.office.actor.scope("stats") != "all":
            return "probabilities are everybody's, and you see only a part of the leads"
        return None if self.shown.test.changes else "no status has another share than is set, in enough cases"

    def do_use(self) -> None:
        """Give the statuses the probabilities that were measured, after showing each."""
        from leadtui.screens.confirm import Confirm

        office, found = self.office, self.shown.test
        if found is None:
            return

        def use() -> Used:
            from leadtui.services import backtest

            return backtest.use(office, found)

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_blocking(use, then=self._used)

        lines = ["These statuses get the probability that was measured. Their open leads follow; u takes it back.", ""]
        self.app.push_screen(Confirm("\n".join([*lines, *change_words(found)]), yes="Use them"), answered)

    def _used(self, used: Used) -> None:
        count = len(used.changes)
        self.done(f"{count} probabilit{'y' if count == 1 else 'ies'} changed", undo=True)
        self.changed()
        self._measure()

    def do_next_pipeline(self) -> None:
        """The next pipeline; behind the last one all of them (the past is that of the default one then)."""
        if self.question is None:
            return
        keys: list[str | None] = [None, *(one.key for one in self.office.catalog.pipelines if one.is_active)]
        at = keys.index(self.question.pipeline) if self.question.pipeline in keys else 0
        self.question = replace(self.question, pipeline=keys[(at + 1) % len(keys)])
        self._read()
        self._read_times()
        self._measure(anew=True)

    def do_how(self) -> None:
        """Which time of the past counts, and what counts as a case."""
        from leadtui.domain.backtests import AGE_DAYS, MIN_CASES
        from leadtui.screens.record_form import RecordForm

        specs = [
            FieldSpec("from", "Came in from", help="2026-01-01, 2026-01, last-year; empty: all there is"),
            FieldSpec("to", "To", help="both days included"),
            FieldSpec("age", "Wait for", help=f"undecided for so many days counts as not converted; {AGE_DAYS}"),
            FieldSpec("min_cases", "At least", help=f"so many cases, or a share is not taken over; {MIN_CASES}"),
        ]
        office = self.office

        def save(values: dict[str, str]) -> dict[str, str]:
            from leadtui.services import backtest

            backtest.check(office, **options_of(values))
            return values

        def answered(how: dict[str, str] | None) -> None:
            if how is not None:
                self.how = how
                self._measure(anew=True)

        form = RecordForm("How to look at the past", specs, self.how, save, new=True)
        form.do = "Measure"
        self.app.push_screen(form, answered)

    @on(Sheet.Opened)
    def opened(self, event: Sheet.Opened) -> None:
        """The leads behind a row."""
        behind: Any = event.item
        if not isinstance(behind, Behind):
            return
        if behind.where:
            from leadtui.screens.figure_leads import FigureLeads

            self.app.push_screen(FigureLeads(behind.where, behind.title))
            return
        office, found = self.office, self.shown.test
        if found is None:
            return

        def read() -> tuple[int, ...]:
            from leadtui.services import backtest

            return backtest.came_in(office, found, behind.stage_id, limit=MOST_BEHIND)

        self.run_blocking(read, then=lambda ids: self._open(behind, ids), group="forecast.behind")

    def _open(self, behind: Behind, ids: tuple[int, ...]) -> None:
        from leadtui.screens.leads_of import LeadsOf

        more = f", the newest {MOST_BEHIND:,}" if len(ids) == MOST_BEHIND else ""
        self.app.push_screen(LeadsOf(behind.title + more, ids))

    def copy_text(self) -> str:
        """`y`: the sheet as it stands."""
        return "\n".join(self.query_one(Sheet).lines)
