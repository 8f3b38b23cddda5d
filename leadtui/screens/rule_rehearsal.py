"""A change of the rules on the office's own past, before it goes live: what gets better, who moves, who has more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult

from leadtui.commands import Command
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.screens.rule_rehearsal_rows import AssignRows, Opens, ScoreRows
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, stack, text
from leadtui.widgets.task_bar import Report, TaskBar
from leadtui.widgets.text import one_line

MONTHS: Final = (1, 3, 6, 12, 24)
LOOK_AHEAD: Final = (0, 1, 3, 7, 14, 30)
"""Days after it came in at which a lead is looked at; never later than what became of it."""
Tried = tuple[str, int | None, Mapping[str, str]]
"""What is tried with a rule: the act, the rule's id, its texts."""


class RuleRehearsalScreen(LeadScreen[bool]):
    """Answers True when the change is to be taken over, None when left. Nothing is written here.

    `kind`: score or assign. `changes` are made together, each as `rule_rehearsal.Change` has it. Without any every rule
    is looked at: as it would be without it, or, where it is off, with it.
    """

    SCOPE = "replay"
    HEADING = "Rehearsal"
    HINTS: ClassVar[tuple[str, ...]] = ("replay.save", "list.open", "replay.months", "replay.look_ahead", "app.back")

    def __init__(
        self,
        kind: str,
        label: str,
        changes: Sequence[Tried] = (),
        *,
        pipeline: str | None = None,
    ) -> None:
        super().__init__()
        self.kind, self.label = kind, label
        self.changes = tuple(changes)
        self.pipeline = pipeline
        self.months = 6
        self.look_ahead = 3
        self.found: Any = None
        self._again = False
        """Whether it is to begin anew when what is under way has stopped."""

    def body(self) -> ComposeResult:
        """What came of it; how far it is."""
        yield Sheet(id="replay")
        yield TaskBar()

    @property
    def sheet(self) -> Sheet:
        """What came of it."""
        return self.query_one("#replay", Sheet)

    # Going through the past

    def office_ready(self) -> None:
        """Begin."""
        self.sheet.focus()
        self._run()

    def _run(self) -> None:
        bar = self.query_one(TaskBar)
        if bar.busy:
            self._again = True
            bar.stop()
            return
        self.found = None
        self._title()
        self._say("Going through what came in, as it stood then…")
        office, kind, months, look_ahead, pipeline = (
            self.office, self.kind, self.months, self.look_ahead, self.pipeline,
        )  # fmt: skip
        tried, label = self.changes, self.label

        def work(report: Report, should_stop: Callable[[], bool]) -> Any:
            from leadtui.services import rule_rehearsal as service

            made = tuple(service.Change(act, rule, values) for act, rule, values in tried)
            changes = [service.Candidate(label, made)] if made else []
            options: dict[str, Any] = {
                "months": months, "pipeline": pipeline, "should_stop": should_stop,
                "on_progress": lambda done, total: report(done, total, "leads"),
            }  # fmt: skip
            try:
                if kind == "score":
                    return service.scores(office, changes, look_ahead_days=look_ahead, **options)
                return service.assignment(office, changes, **options)
            except service.Stopped:
                return None

        bar.run(self, work, title="Rehearsing", then=self._came, failed=self._failed)
        self.lead_app.refresh_hints()

    def _came(self, found: Any) -> None:
        if self._again:
            self._again = False
            self._run()
            return
        if found is None:
            self._say("Stopped; nothing was changed.", "r begins again, esc goes back to the rule as you left it.")
            return
        self.found = found
        rows = ScoreRows if self.kind == "score" else AssignRows
        self.sheet.show(rows(found, self.lead_app.plain, self.office.catalog.tz).sheet, keep_place=False)
        self._title()
        self.lead_app.refresh_hints()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError):
            self._say(error.message, error.hint or "", "esc goes back to the rule as you left it.")
        else:
            self.lead_app.report(error)

    def _say(self, *words: str) -> None:
        lines = [Line(text(one)) for one in words if one]
        self.sheet.show(lambda width: stack(lines, width), keep_place=False)

    def _title(self) -> None:
        dash = "-" if self.lead_app.plain else "─"
        months = f"{self.months} month{'' if self.months == 1 else 's'}"
        days = f", {self.look_ahead} day{'' if self.look_ahead == 1 else 's'} after they came in"
        right = f"{months}{days if self.kind == 'score' else ''}"
        self.heading(f"Rehearsal {dash} {one_line(self.label)}", right)

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r` begins anew; what becomes of leads meanwhile does not."""
        if not ids and self.found is None and self.office is not None and not self.query_one(TaskBar).busy:
            self._run()

    # Commands

    def why_disabled(self, command: Command) -> str | None:
        """What there is to save; where days mean nothing."""
        if command.id == "replay.save":
            if not self.changes:
                return "Nothing is changed here: open a rule, and rehearse it from there"
            return "It is still being rehearsed" if self.query_one(TaskBar).busy else None
        if command.id == "replay.look_ahead" and self.kind != "score":
            return "Leads are given away when they come in"
        return None

    def do_save(self) -> None:
        """Take the change over."""
        self.dismiss(True)

    def do_months(self) -> None:
        """Further back; after the furthest the nearest."""
        self.months = MONTHS[(MONTHS.index(self.months) + 1) % len(MONTHS)]
        self._run()

    def do_look_ahead(self) -> None:
        """Later after they came in; after the latest at once."""
        self.look_ahead = LOOK_AHEAD[(LOOK_AHEAD.index(self.look_ahead) + 1) % len(LOOK_AHEAD)]
        self._run()

    @on(Sheet.Opened)
    def opened(self, event: Sheet.Opened) -> None:
        """The lead that moves."""
        from leadtui.screens.lead_detail import LeadDetailScreen

        if isinstance(event.item, Opens):
            self.app.push_screen(LeadDetailScreen(event.item.lead_id))

    def copy_text(self) -> str:
        """`y`: the whole sheet."""
        return "\n".join(self.sheet.lines)
