"""Protecting leads against deletion, and lifting the protection."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from leadtui.screens.act_dialog import ActDialog, Plan, Read


class ProtectDialog(ActDialog):
    """One protected lead is offered the lifting; anything else the protection, with its reason (spec C 39)."""

    HEADING: ClassVar[str] = "Protection"
    DO: ClassVar[str] = "Protect"

    def fields(self) -> ComposeResult:
        """What will happen, then the reason."""
        yield Static("", classes="note", id="what", markup=False)
        yield Input(id="reason", placeholder="why is it protected?")

    @property
    def lifting(self) -> bool:
        """Whether the protection is to be lifted."""
        return self.row is not None and self.row.is_protected

    def ready(self, read: Read) -> None:
        """Say what will happen."""
        what = "A protected lead cannot be deleted, merged away or purged; it can be edited."
        if self.lifting:
            what = "It is protected. Lifting the protection lets it be deleted, merged and purged again."
            self.query_one("#do").label = Content("Lift")  # type: ignore[attr-defined]
        self.query_one("#what", Static).update(Content(what))
        self.query_one("#reason").display = not self.lifting
        self.query_one("#do" if self.lifting else "#reason").focus()

    def plan(self) -> Plan | None:
        """The protection, or its end."""
        if self.lifting:

            def lift(office: Any, ref: int) -> Any:
                from leadtui.services import lifecycle

                return lifecycle.unprotect(office, ref)

            return Plan(lift, {"unprotect": True}, "no longer protected")
        reason = self.query_one("#reason", Input).value.strip()
        if not reason:
            self.refuse("A reason is required", "#reason")
            return None

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import lifecycle

            return lifecycle.protect(office, ref, reason)

        return Plan(one, {"protect": reason}, "protected")
