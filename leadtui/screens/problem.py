"""The database could not be opened: what is wrong, what to do, try again or leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal

NEXT_STEPS = {
    "database": "Is the path or address right, and does the server run? `leadtui --db …` names another database.",
    "newer_database": "Install the newer leadtui, or name another database with `leadtui --db …`.",
    "unknown_user": "Ask a principal to add you, or say who you are with `leadtui --as LOGIN`.",
}


class Problem(LeadModal[Any]):
    """An error that stands in the way of everything."""

    BINDINGS: ClassVar[list[BindingType]] = [("t", "again"), ("q", "leave")]

    def __init__(self, error: Exception, again: Callable[[], object], log: Path) -> None:
        super().__init__()
        self.error = error
        self.again = again
        self.log_file = log

    def body(self) -> ComposeResult:
        """What is wrong, what to do."""
        with Vertical(classes="dialog -danger"):
            yield Static(Content.styled("leadtui cannot start its work", "bold"))
            if isinstance(self.error, LeadtuiError):
                yield Static(Content(self.error.message))
                step = self.error.hint or NEXT_STEPS.get(self.error.code)
                if step:
                    yield Static(Content(f"→ {step}"))
            else:
                yield Static(Content("Something unexpected happened."))
            yield Static(Content(f"The log is at {self.log_file}"), classes="-muted")
            with Horizontal(classes="buttons"):
                yield Button(Content("Try again (t)"), id="again", variant="primary")
                yield Button(Content("Leave (q)"), id="leave")

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """A click, or enter."""
        if event.button.id == "again":
            self.action_again()
        else:
            self.action_leave()

    def action_again(self) -> None:
        """Once more."""
        self.dismiss(None)
        self.again()

    def action_leave(self) -> None:
        """Leave the program; nothing could be begun."""
        code = self.error.exit_code if isinstance(self.error, LeadtuiError) else 1
        self.app.exit(code)

    def do_back(self) -> None:
        """There is nothing to go back to."""
        self.action_leave()
