"""The question before something that cannot simply be taken back."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from leadtui.screens.base import LeadModal


class Confirm(LeadModal[bool]):
    """Says what will happen, and asks. True, False, or None for esc; bulk acts want their count typed."""

    BINDINGS: ClassVar[list[BindingType]] = [("y", "answer(True)"), ("n", "answer(False)")]

    def __init__(
        self, text: str, *, yes: str = "Yes", no: str = "No", danger: bool = False, typed: str | None = None
    ) -> None:
        """`typed` must be typed before "yes" counts: the number of rows of a bulk act."""
        super().__init__()
        self.text = text
        self.yes, self.no = yes, no
        self.danger = danger
        self.typed = typed

    def body(self) -> ComposeResult:
        """The words, the number to type, two buttons; the safe one has the focus."""
        with Vertical(classes="dialog -danger" if self.danger else "dialog"):
            yield Static(Content(self.text), classes="words")
            if self.typed is not None:
                yield Label(Content(f"Type {self.typed} to go on:"))
                yield Input(id="typed", max_length=20)
                yield Label("", id="wrong", classes="-error", markup=False)
            with Horizontal(classes="buttons"):
                no, yes = ("", "") if self.typed is not None else (" (n)", " (y)")  # letters go into the field
                yield Button(Content(self.no + no), id="no")
                yield Button(Content(self.yes + yes), id="yes", variant="error" if self.danger else "primary")

    def on_mount(self) -> None:
        """The safe button, or the field where the count is typed."""
        self.query_one("#no" if self.typed is None else "#typed").focus()

    def action_answer(self, yes: bool) -> None:
        """y or n; "yes" only with the right count."""
        if yes and self.typed is not None and self.query_one(Input).value.strip() != self.typed:
            self.query_one("#wrong", Label).update(f"That is not {self.typed}")
            self.query_one(Input).focus()
            return
        self.dismiss(yes)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """A click, or enter."""
        self.action_answer(event.button.id == "yes")

    @on(Input.Submitted)
    def entered(self) -> None:
        """Enter in the field."""
        self.action_answer(True)
