"""One trigger: what it did lately, and the leads it leaves alone."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button

from leadtui import clock
from leadtui.screens.base import LeadModal
from leadtui.widgets.lead_cells import moment
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, stack, text
from leadtui.widgets.text import one_line

MOST = 50
"""So many runs are shown; the command line lists them all."""


class TriggerDialog(LeadModal[Any]):
    """Enter opens the lead of a run; on a lead that is left alone it is looked at again."""

    CSS = """
    TriggerDialog > .dialog { width: 90; height: 20; }
    TriggerDialog.-tall > .dialog { height: 32; }
    TriggerDialog Sheet { height: 1fr; }
    """

    def __init__(self, ref: str, name: str) -> None:
        super().__init__()
        self.ref = ref
        self.name_words = name

    def body(self) -> ComposeResult:
        """Leads left alone, runs, buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(one_line(self.name_words))
            yield Sheet(id="runs")
            with Horizontal(classes="buttons"):
                yield Button("Leave a lead alone", id="exclude")
                yield Button("Close", id="close")

    def on_mount(self) -> None:
        """The sheet takes the keys."""
        self.query_one(Sheet).focus()

    def office_ready(self) -> None:
        """Read both."""
        self._load()

    def _load(self) -> None:
        office, ref = self.office, self.ref

        def read() -> tuple[tuple[dict[str, Any], ...], int, list[dict[str, Any]]]:
            from leadtui.services import triggers

            total, runs = triggers.runs(office, ref=ref, limit=MOST)
            return triggers.exclusions(office, ref), total, runs

        self.run_blocking(read, then=lambda found: self._show(*found), failed=self._unreadable, group="trigger.read")

    def _unreadable(self, error: Exception) -> None:
        self.dismiss(None)
        self.lead_app.report(error)

    def _show(self, alone: tuple[dict[str, Any], ...], total: int, runs: list[dict[str, Any]]) -> None:
        now, tz = clock.now(), self.office.catalog.tz
        lines = [Line(rule="Leaves alone", right=text(f"{len(alone):,}"))]
        for one in alone:
            words = text((f"{one['lead_number']}  ", "muted"), one_line(one["lead_name"] or ""))
            lines.append(Line(words, text(("enter: look at it again", "muted")), ("alone", one), f"x{one['lead_id']}"))
        if not alone:
            lines.append(Line(text(("no lead", "muted"))))
        lines.append(Line(rule="Went off", right=text(f"{total:,}")))
        for run in runs:
            left = text(
                (f"{moment(run['at'], now, tz):13}", "muted"), f"{run['lead_number']}  ", one_line(run["result"])
            )
            lines.append(Line(left, text((run["event"], "muted")), ("run", run), f"r{run['id']}"))
        if not runs:
            lines.append(Line(text(("never yet", "muted"))))
        self.query_one(Sheet).show(lambda width: stack(lines, width))

    @on(Sheet.Opened)
    def _opened(self, event: Sheet.Opened) -> None:
        item: Any = event.item
        kind, one = item
        if kind == "run":
            from leadtui.screens.lead_detail import LeadDetailScreen

            self.app.push_screen(LeadDetailScreen(one["lead_id"]))
            return
        self._write("include", one["lead_id"], f"{one['lead_number']} is looked at again")

    @on(Button.Pressed, "#exclude")
    def exclude(self) -> None:
        """Which lead."""
        from leadtui.screens.loan_dialogs import find_leads
        from leadtui.screens.picker import Picker

        office = self.office

        def chosen(lead_id: str | None) -> None:
            if lead_id is not None:
                self._write("exclude", int(lead_id), "that lead is left alone")

        self.app.push_screen(Picker("Leave which lead alone?", lambda words: find_leads(office, words, "edit")), chosen)

    def _write(self, name: str, lead_id: int, words: str) -> None:
        office, ref = self.office, self.ref

        def write() -> int:
            from leadtui.services import triggers

            return int(getattr(triggers, name)(office, ref, [lead_id]))

        def done(_count: int) -> None:
            self._load()
            self.lead_app.say(f"{one_line(self.name_words)}: {words}")

        self.run_blocking(write, then=done, group="trigger.write")

    @on(Button.Pressed, "#close")
    def close_it(self) -> None:
        """Back."""
        self.dismiss(None)
