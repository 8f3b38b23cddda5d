"""All keys that work here: searchable, and enter runs what it lists (facts §4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from leadtui.commands import Command, effective_keys, in_scope, show_key
from leadtui.screens.base import LeadModal, LeadScreen
from leadtui.widgets.text import fit


class Help(LeadModal[str]):
    """Answers the id of the command to run, or None."""

    DEFAULT_CSS: ClassVar[str] = """
    Help OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    Help OptionList { height: 1fr; border: none; background: $surface; padding: 0; }
    Help:ansi OptionList { background: ansi_default; }
    Help Input { background: $boost; }
    """
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, behind: Screen[Any]) -> None:
        """`behind` is the screen the help is about."""
        super().__init__()
        self.behind = behind
        self.commands_here: tuple[Command, ...] = (
            behind.commands() if isinstance(behind, LeadScreen) else in_scope("app")
        )
        self.shown: list[Command] = []

    def body(self) -> ComposeResult:
        """Search line and list."""
        with Vertical(classes="dialog -big"):
            yield Input(placeholder="type to search · enter runs · esc or ? closes", compact=True)
            yield OptionList(markup=False)
            yield Static("", id="help-note", classes="-muted", markup=False)

    def on_mount(self) -> None:
        """Show all."""
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._show("")

    @on(Input.Changed)
    def typed(self, event: Input.Changed) -> None:
        """The same key closes; everything else searches."""
        if "?" in event.value:
            self.dismiss(None)
            return
        self._show(event.value)

    def _show(self, text: str) -> None:
        words = text.casefold().split()
        listed = self.query_one(OptionList)
        listed.clear_options()
        self.shown = []
        group = ""
        reason = getattr(self.app, "disabled_reason_on", None)
        first: int | None = None
        for command in self.commands_here:
            keys = self._keys(command)
            haystack = f"{keys} {command.label} {command.sentence} {command.group} {command.id}".casefold()
            if not all(word in haystack for word in words):
                continue
            if command.group != group:
                group = command.group
                listed.add_option(Option(Content.styled(group, "bold"), disabled=True))
            off = reason(command.id, self.behind) if reason is not None else None
            first = listed.option_count if first is None else first
            listed.add_option(Option(self._line(command, keys, off), id=command.id))
            self.shown.append(command)
        listed.highlighted = first
        count = len(self.shown)
        noun = "key" if count == 1 else "keys"
        none = "Nothing of that name here" if words else "No keys of its own: what can be done stands on its buttons"
        self.query_one("#help-note", Static).update(f"{count} {noun}" if count else none)

    def _keys(self, command: Command) -> str:
        keymap = getattr(self.app, "keymap", {})
        return " ".join(show_key(key) for key in effective_keys(command, keymap))

    def _line(self, command: Command, keys: str, off: str | None) -> Content:
        if off is not None:
            return Content.styled(f" {fit(keys, 12)} {fit(command.label, 10)} ({off}) {command.sentence}", "dim")
        return Content.assemble(
            " ", (fit(keys, 12), "bold $text-accent"), " ", (fit(command.label, 10), "bold"), f" {command.sentence}"
        )

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while the search line keeps the focus; f1 closes like `?`."""
        listed = self.query_one(OptionList)
        moves: dict[str, Callable[[], None]] = {
            "down": listed.action_cursor_down,
            "up": listed.action_cursor_up,
            "pagedown": listed.action_page_down,
            "pageup": listed.action_page_up,
        }
        if event.key == "f1":
            self.dismiss(None)
        elif event.key in moves:
            moves[event.key]()
        else:
            return
        event.stop()
        event.prevent_default()

    @on(Input.Submitted)
    def entered(self) -> None:
        """Run the highlighted one."""
        listed = self.query_one(OptionList)
        if listed.highlighted is not None:
            self.dismiss(listed.get_option_at_index(listed.highlighted).id)

    @on(OptionList.OptionSelected)
    def clicked(self, event: OptionList.OptionSelected) -> None:
        """Run the clicked one."""
        self.dismiss(event.option.id)
