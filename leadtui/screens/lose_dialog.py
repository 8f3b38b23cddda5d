"""Marking leads as lost: a counted reason, and words of one's own."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from leadtui.screens.act_dialog import ActDialog, Plan, Read, label
from leadtui.widgets.keyed_list import Entry, KeyedList, numbered


class LoseDialog(ActDialog):
    """A reason is always asked for (spec M 119): one of the counted ones by its key, or free text, or both."""

    HEADING: ClassVar[str] = "Mark as lost: why?"
    DO: ClassVar[str] = "Mark as lost"
    DANGER: ClassVar[bool] = True

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None, to: str | None = None) -> None:
        """`to` is the lost status to begin with, where there are several."""
        super().__init__(lead_ids, where)
        self._to = to

    def fields(self) -> ComposeResult:
        """The counted reasons, the free text, the lost status where there are several."""
        yield KeyedList(id="counted")
        yield label("in your words (instead of a reason, or besides)")
        yield Input(id="reason", placeholder="reason")
        yield label("as")
        yield KeyedList(id="as")

    def ready(self, read: Read) -> None:
        """Show reasons and lost statuses."""
        reasons = [reason for reason in read.catalog.lost_reasons if reason.is_active]
        counted = self.query_one("#counted", KeyedList)
        counted.show_entries(numbered(Entry(reason.name, reason.name) for reason in reasons))
        counted.display = bool(reasons)
        lost = [stage for stage in self.stages() if stage.is_lost]
        statuses = self.query_one("#as", KeyedList)
        statuses.show_entries([Entry(stage.name, f"{stage.mark} {stage.name}") for stage in lost], self._to)
        several = self.single and len(lost) > 1
        statuses.display = several
        self.query(".label").last().display = several
        (counted if reasons else self.query_one("#reason")).focus()

    @on(KeyedList.Chosen, "#counted")
    def _counted(self, event: KeyedList.Chosen) -> None:
        """A counted reason is enough: do it."""
        event.stop()
        if self._words:
            self.do_save()
            return
        self.query_one("#reason", Input).value = event.value
        self.do_save()

    @on(KeyedList.Chosen, "#as")
    def _as(self, event: KeyedList.Chosen) -> None:
        event.stop()
        self.do_save()

    @property
    def _words(self) -> str:
        return self.query_one("#reason", Input).value.strip()

    def plan(self) -> Plan | None:
        """The loss; refused without a reason."""
        counted = self.query_one("#counted", KeyedList)
        reason = self._words
        if not reason:
            self.refuse("A reason is required", "#counted" if counted.display else "#reason")
            return None
        status = self.query_one("#as", KeyedList).value if self.query_one("#as").display else None

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import lifecycle

            return lifecycle.lose(office, ref, reason, status=status)

        return Plan(one, {"lose": reason}, "marked as lost")
