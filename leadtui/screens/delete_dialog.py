"""Deleting leads: softly, with a reason if there is one; protected leads are refused and shown."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from leadtui.screens.act_dialog import ActDialog, Plan, Read
from leadtui.widgets.text import one_line


class DeleteDialog(ActDialog):
    """A deleted lead leaves every list and count, and can be restored."""

    HEADING: ClassVar[str] = "Delete"
    DO: ClassVar[str] = "Delete"
    DANGER: ClassVar[bool] = True

    def fields(self) -> ComposeResult:
        """What will happen, then the reason."""
        yield Static("", classes="note", id="what", markup=False)
        yield Input(id="reason", placeholder="reason, if there is one")

    def ready(self, read: Read) -> None:
        """Say what will happen; a protected lead is refused at once."""
        row, detail = self.row, read.detail
        what = "Leaves every list and count; u or `restore` brings it back."
        if row is not None and row.is_protected:
            why = one_line((detail.fields.get("protected_reason") if detail else None) or "")
            what = "This lead is protected" + (f": {why}" if why else "") + ". Lift the protection first."
            self.query_one("#do").disabled = True
        self.query_one("#what", Static).update(Content(what))
        self.query_one("#reason").focus()

    def plan(self) -> Plan | None:
        """The deletion."""
        row = self.row
        if row is not None and row.is_protected:
            self.refuse("A protected lead cannot be deleted")
            return None
        reason = self.query_one("#reason", Input).value.strip() or None

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import lifecycle

            return lifecycle.delete(office, ref, reason)

        return Plan(one, {"delete": True, "reason": reason}, "deleted")
