"""The filter line: read while it is typed, errors pointed at, completions offered, nothing typed ever lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from leadtui.errors import FilterError, LeadtuiError
from leadtui.widgets.text import one_line

LIVE_SECONDS = 0.2
SHOWN = 8
"""Completions shown at once."""


@dataclass(frozen=True, slots=True)
class Completion:
    """`text` would stand in place of the characters `start`…`end`; `label` and `help` are shown in the list."""

    start: int
    end: int
    text: str
    label: str = ""
    help: str = ""


class _Line(Input):
    """The input; the bar sees keys first."""

    def __init__(self, bar: FilterBar, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True, id="filter-text", select_on_focus=False)
        self._bar = bar

    async def _on_key(self, event: events.Key) -> None:
        if self._bar.take_key(event.key):
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)


class FilterBar(Widget):
    """A filter text with its meaning. `parse` and `complete` are pure and quick: they run at each key."""

    DEFAULT_CSS: ClassVar[str] = """
    FilterBar { height: 1; layout: vertical; }
    FilterBar > Horizontal { height: 1; }
    FilterBar .prompt { width: 3; padding: 0 1; color: $text-accent; }
    FilterBar Input { width: 1fr; background: $background; border: none; padding: 0; height: 1; }
    FilterBar Input:focus { background: $boost; border: none; }
    FilterBar:ansi Input, FilterBar:ansi Input:focus { background: ansi_default; }
    FilterBar #filter-error { overlay: screen; display: none; width: auto; max-width: 100%; height: auto;
        background: $panel; color: $text-error; padding: 0 1 0 3; constrain: inside none; }
    FilterBar #filter-list { overlay: screen; display: none; width: auto; min-width: 24; max-width: 76; height: auto;
        max-height: 8; border: none; padding: 0; background: $panel; offset-x: 3; constrain: inside none; }
    FilterBar:ansi #filter-list, FilterBar:ansi #filter-error { background: ansi_default; border: round ansi_default; }
    """

    class _OfBar(Message):
        def __init__(self, bar: FilterBar, text: str = "", tree: object = None) -> None:
            super().__init__()
            self.bar = bar
            self.text = text
            self.tree = tree

        @property
        def control(self) -> FilterBar:
            """The bar."""
            return self.bar

    class Changed(_OfBar):
        """The text was changed and can be read; sent a moment after the last key."""

    class Submitted(_OfBar):
        """Enter on a text that can be read."""

    class Left(_OfBar):
        """esc or ↓: the focus goes to the list; what was typed stays."""

    def __init__(
        self,
        parse: Callable[[str], object],
        complete: Callable[[str, int], Sequence[Completion]] | None = None,
        *,
        history: Iterable[str] = (),
        placeholder: str = "name, phone, status:interested due:<=today -tag:vip …",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._parse = parse
        self._complete = complete
        self.history: list[str] = list(history)
        self._placeholder = placeholder
        self._found: list[Completion] = []
        self._timer: Timer | None = None
        self._back = -1
        self._draft = ""
        self._said = ""

    def compose(self) -> ComposeResult:
        """Prompt and line; error and completions lie over the list below."""
        with Horizontal():
            yield Static("/", classes="prompt", markup=False)
            yield _Line(self, self._placeholder)
        yield Static("", id="filter-error", markup=False)
        yield OptionList(id="filter-list", markup=False)

    @property
    def value(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    @property
    def error(self) -> str:
        """What is wrong with the text; empty when it can be read."""
        return self._error_text

    _error_text: str = ""

    def set_value(self, text: str, *, quiet: bool = True) -> None:
        """Put a text there; unless `quiet`, as if it were typed."""
        line = self.query_one(Input)
        if quiet:
            with self.prevent(Input.Changed):
                line.value = text
            self._said = text
        else:
            line.value = text
        line.cursor_position = len(text)
        self._check(text)
        self._close_list()

    def focus(self, scroll_visible: bool = True) -> FilterBar:
        """Give the line the focus."""
        self.query_one(Input).focus(scroll_visible)
        return self

    def remember(self, text: str) -> None:
        """Put a text in front of the history."""
        if text.strip():
            self.history = [text, *(old for old in self.history if old != text)][:50]

    # Keys

    def take_key(self, key: str) -> bool:
        """A key in the line, before the line sees it. True: it is dealt with."""
        listed = self.query_one(OptionList)
        if listed.display:
            if key in ("down", "up"):
                step = listed.action_cursor_down if key == "down" else listed.action_cursor_up
                if key == "up" and listed.highlighted in (None, 0):
                    self._close_list()
                else:
                    step()
                return True
            if key == "tab" or (key == "enter" and listed.highlighted is not None):
                self._accept(listed.highlighted or 0)
                return True
            if key == "escape":
                self._close_list()
                return True
        if key == "enter":
            self._submit()
        elif key in ("escape", "down"):
            if key == "down" and self._back >= 0:
                self._from_history(-1)
            else:
                self.post_message(self.Left(self, self.value))
        elif key == "up":
            self._from_history(1)
        elif key == "ctrl+space" or (key == "tab" and self._offer()):
            self._offer()
        else:
            return False
        return True

    def _from_history(self, step: int) -> None:
        if self._back < 0:
            self._draft = self.value
        self._back = max(-1, min(self._back + step, len(self.history) - 1))
        self.set_value(self._draft if self._back < 0 else self.history[self._back], quiet=False)

    def _submit(self) -> None:
        text = self.value
        tree = self._check(text)
        self._close_list()
        if self._error_text:
            return
        self._stop_timer()
        self._said = text
        self._back = -1
        self.remember(text)
        self.post_message(self.Submitted(self, text, tree))

    # Live reading

    @on(Input.Changed)
    def typed(self, event: Input.Changed) -> None:
        """Each key: point at an error, offer completions; the list follows a moment later."""
        event.stop()
        self._check(event.value)
        self._stop_timer()
        if not self._error_text:
            self._timer = self.set_timer(LIVE_SECONDS, self._say)
        if self.query_one(Input).has_focus and self._back < 0:
            self._offer()

    def _say(self) -> None:
        text = self.value
        if text == self._said:
            return
        tree = self._check(text)
        if not self._error_text:
            self._said = text
            self.post_message(self.Changed(self, text, tree))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _check(self, text: str) -> object:
        """The meaning of the text; sets or clears the error below it."""
        tree: object = None
        self._error_text = ""
        note = self.query_one("#filter-error", Static)
        try:
            tree = self._parse(text)
        except FilterError as error:
            before = cell_len(one_line(text[: error.column - 1])) - self.query_one(Input).scroll_offset.x
            self._error_text = error.message
            hint = f" — {error.hint}" if error.hint else ""
            note.update(" " * max(before, 0) + "^\n" + one_line(f"{error.message}{hint}"))
        except LeadtuiError as error:
            self._error_text = error.message
            note.update(one_line(error.message))
        note.display = bool(self._error_text)
        return tree

    # Completions

    def _offer(self) -> bool:
        """Show what could stand at the cursor."""
        line = self.query_one(Input)
        offered = self._complete(line.value, line.cursor_position) if self._complete else ()
        if any(found.text.casefold() == line.value[found.start : found.end].casefold() for found in offered):
            offered = ()  # it is written out: nothing lies over the list
        self._found = [found for found in offered if found.text != line.value[found.start : found.end]][:50]
        listed = self.query_one(OptionList)
        listed.clear_options()
        for found in self._found:
            label = one_line(found.label or found.text)
            listed.add_option(Option(Content.assemble(label, "  ", (one_line(found.help), "dim"))))
        listed.highlighted = None
        listed.display = bool(self._found)
        if self._found:
            self.query_one("#filter-error").display = False
        return bool(self._found)

    def _close_list(self) -> None:
        self.query_one(OptionList).display = False
        self.query_one("#filter-error").display = bool(self._error_text)

    def _accept(self, index: int) -> None:
        found = self._found[index]
        line = self.query_one(Input)
        line.value = line.value[: found.start] + found.text + line.value[found.end :]
        line.cursor_position = found.start + len(found.text)
        self._close_list()

    @on(OptionList.OptionSelected)
    def chosen(self, event: OptionList.OptionSelected) -> None:
        """A click in the list."""
        event.stop()
        self._accept(event.option_index)
        self.focus()

    def on_descendant_blur(self) -> None:
        """The focus went elsewhere: nothing lies over the list."""
        self.query_one(OptionList).display = False
