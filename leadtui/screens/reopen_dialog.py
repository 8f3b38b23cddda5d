"""Opening a lost or converted lead again: where it goes, and why."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from leadtui.screens.act_dialog import ActDialog, Plan, Read, label
from leadtui.widgets.keyed_list import Entry, KeyedList, numbered


class ReopenDialog(ActDialog):
    """Takes a lead out of a lost or converted status. The router is not touched (spec AG19)."""

    HEADING: ClassVar[str] = "Open again"
    DO: ClassVar[str] = "Open again"

    def fields(self) -> ComposeResult:
        """Why, then where to."""
        yield label("why is it opened again?")
        yield Input(id="reason", placeholder="reason")
        yield label("to")
        yield KeyedList(id="status")
        yield label("a router user stays as it is")

    def ready(self, read: Read) -> None:
        """Offer the open statuses; the service's own choice first."""
        entries = [Entry("", "where it was before")]
        if self.single:
            open_ones = [stage for stage in self.stages() if not (stage.is_lost or stage.is_converted)]
            entries += [Entry(stage.name, f"{stage.mark} {stage.name}") for stage in open_ones]
        self.query_one("#status", KeyedList).show_entries(numbered(entries))
        row = self.row
        self.query(".label").last().display = row is not None and row.is_converted
        self.query_one("#reason").focus()

    @on(KeyedList.Chosen)
    def _chosen(self, event: KeyedList.Chosen) -> None:
        event.stop()
        self.do_save()

    def plan(self) -> Plan | None:
        """The reopening; refused without a reason."""
        reason = self.query_one("#reason", Input).value.strip()
        if not reason:
            self.refuse("A reason is required", "#reason")
            return None
        status = self.query_one("#status", KeyedList).value or None

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import lifecycle

            return lifecycle.reopen(office, ref, reason, status=status)

        return Plan(one, {"reopen": reason}, "opened again")
