"""Choosing from a long list by typing: agents, packages, leads to link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from leadtui.screens.base import LeadModal
from leadtui.widgets.text import one_line

DEBOUNCE_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: its value, how it is called, and a few words beside it."""

    value: str
    label: str
    help: str = ""


class Picker(LeadModal[Any]):
    """Answers the chosen value (with `multiple` a tuple of values), None when left.

    `source` is a list of choices, or a function `search(text)` that is called in a thread a moment after the last key.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Picker OptionList { height: 1fr; border: none; background: $surface; padding: 0; }
    Picker:ansi OptionList { background: ansi_default; }
    Picker #picker-note { height: 1; color: $text-muted; }
    """

    def __init__(
        self,
        title: str,
        source: Sequence[Choice] | Callable[[str], Sequence[Choice]],
        *,
        multiple: bool = False,
        chosen: Sequence[str] = (),
        text: str = "",
    ) -> None:
        super().__init__()
        self.heading_text = title
        self._source = source
        self.multiple = multiple
        self.chosen: dict[str, None] = dict.fromkeys(chosen)
        self._text = text
        self._shown: list[Choice] = []
        self._timer: Timer | None = None

    def body(self) -> ComposeResult:
        """Search line, list, a note."""
        with Vertical(classes="dialog -tall"):
            yield Static(Content(one_line(self.heading_text)), classes="title")
            yield Input(self._text, placeholder="type to search", compact=True)
            yield OptionList(markup=False)
            keys = "enter chooses · ctrl+space marks · esc leaves" if self.multiple else "enter chooses · esc leaves"
            yield Static(keys, id="picker-note", markup=False)

    def on_mount(self) -> None:
        """Show what there is."""
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._search()

    @on(Input.Changed)
    def typed(self) -> None:
        """Search a moment after the last key."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_SECONDS if callable(self._source) else 0.01, self._search)

    def _search(self) -> None:
        text = self.query_one(Input).value.strip()
        if callable(self._source):
            self.run_blocking(self._source, text, then=self._show, group="picker")
            return
        words = text.casefold().split()
        self._show(
            [
                choice
                for choice in self._source
                if all(word in f"{choice.label} {choice.help}".casefold() for word in words)
            ]
        )

    def _show(self, found: Sequence[Choice]) -> None:
        self._shown = list(found)[:500]
        listed = self.query_one(OptionList)
        place = listed.highlighted or 0
        listed.clear_options()
        listed.add_options([Option(self._line(choice)) for choice in self._shown])
        if self._shown:
            listed.highlighted = min(place, len(self._shown) - 1)
        more = f" · {len(found):,} found, type more" if len(found) > len(self._shown) else ""
        note = "Nothing found" if not found else f"{len(self.chosen)} marked" if self.multiple else "enter chooses"
        self.query_one("#picker-note", Static).update(f"{note}{more} · esc leaves")

    def _line(self, choice: Choice) -> Content:
        mark = ("[x] " if choice.value in self.chosen else "[ ] ") if self.multiple else ""
        return Content.assemble(f"{mark}{one_line(choice.label)}", "  ", (one_line(choice.help), "dim"))

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while the line keeps the focus; ctrl+space marks."""
        listed = self.query_one(OptionList)
        moves: dict[str, Callable[[], None]] = {
            "down": listed.action_cursor_down,
            "up": listed.action_cursor_up,
            "pagedown": listed.action_page_down,
            "pageup": listed.action_page_up,
        }
        if event.key in moves:
            moves[event.key]()
            event.stop()
            event.prevent_default()

    @on(Input.Submitted)
    def entered(self) -> None:
        """Enter chooses the highlighted one, or the marked ones."""
        index = self.query_one(OptionList).highlighted
        self._choose(index)

    @on(OptionList.OptionSelected)
    def clicked(self, event: OptionList.OptionSelected) -> None:
        """A click marks, or chooses."""
        if self.multiple:
            self.toggle(event.option_index)
        else:
            self._choose(event.option_index)

    def toggle(self, index: int) -> None:
        """Mark or unmark one of the shown choices."""
        choice = self._shown[index]
        if choice.value in self.chosen:
            del self.chosen[choice.value]
        else:
            self.chosen[choice.value] = None
        self._show(self._shown)

    def _choose(self, index: int | None) -> None:
        if self.multiple:
            if not self.chosen and index is not None:
                self.chosen[self._shown[index].value] = None
            self.dismiss(tuple(self.chosen))
        elif index is not None and index < len(self._shown):
            self.dismiss(self._shown[index].value)

    BINDINGS: ClassVar[list[Any]] = [("ctrl+space,insert", "toggle_here")]

    def action_toggle_here(self) -> None:
        """Mark the highlighted one."""
        index = self.query_one(OptionList).highlighted
        if self.multiple and index is not None:
            self.toggle(index)
