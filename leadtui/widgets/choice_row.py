"""A row of choices, each with its key: one keystroke chooses. For a handful of fixed answers, not for long lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from textual import events
    from textual.app import RenderResult


@dataclass(frozen=True, slots=True)
class Key:
    """One choice: the key that takes it, its value, and the words beside the key."""

    key: str
    value: str
    label: str


class ChoiceRow(Widget, can_focus=True):
    """Choices side by side, wrapped where the line ends. The chosen one is marked by a sign and by reversed letters."""

    BINDINGS: ClassVar = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("backspace,delete", "clear", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    ChoiceRow { height: auto; padding: 0 1; }
    ChoiceRow:focus { background: $boost; }
    """

    @dataclass
    class Chosen(Message):
        """A choice was made, or taken back (`value` is then empty)."""

        row: ChoiceRow
        value: str

        @property
        def control(self) -> ChoiceRow:
            """The row, for `@on` selectors."""
            return self.row

    def __init__(self, choices: Sequence[Key], value: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices = tuple(choices)
        self._value = value

    @property
    def value(self) -> str:
        """The chosen value; empty when none is."""
        return self._value

    @value.setter
    def value(self, value: str) -> None:
        self._value = value
        self.refresh()

    def show_choices(self, choices: Sequence[Key], value: str = "") -> None:
        """Other choices."""
        self.choices = tuple(choices)
        self._value = value
        self.refresh(layout=True)

    def choose(self, value: str, *, tell: bool = True) -> None:
        """Take this choice, and say so."""
        self.value = value
        if tell:
            self.post_message(self.Chosen(self, value))

    def _lines(self, width: int) -> list[list[Key]]:
        lines: list[list[Key]] = [[]]
        used = 0
        for choice in self.choices:
            need = cell_len(f"{choice.key} {one_line(choice.label)}") + 4
            if lines[-1] and used + need > width + 2:
                lines.append([])
                used = 0
            lines[-1].append(choice)
            used += need
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the choices need."""
        return len(self._lines(width))

    def render(self) -> RenderResult:
        """The choices with their keys."""
        parts: list[str | tuple[str, str]] = []
        for number, line in enumerate(self._lines(self.content_size.width)):
            parts += ["\n"] if number else []
            for choice in line:
                label = one_line(choice.label)
                if choice.value == self._value:
                    parts += [(f"›{choice.key} {label}", "bold reverse"), "  "]
                else:
                    parts += [" ", (choice.key, "bold $accent"), f" {label}  "]
        return Content.assemble(*parts)

    def on_key(self, event: events.Key) -> None:
        """A choice's own key takes it."""
        for choice in self.choices:
            if event.character == choice.key:
                event.stop()
                event.prevent_default()
                self.choose(choice.value)
                return

    def on_click(self, event: events.Click) -> None:
        """The choice under the mouse."""
        lines = self._lines(self.content_size.width)
        row = int(event.y)
        if row >= len(lines):
            return
        left = 1  # the padding
        for choice in lines[row]:
            width = cell_len(f"{choice.key} {one_line(choice.label)}") + 4
            if left <= event.x < left + width:
                self.choose(choice.value)
                return
            left += width

    def action_step(self, step: int) -> None:
        """The choice beside this one."""
        values = [choice.value for choice in self.choices]
        if not values:
            return
        place = values.index(self._value) + step if self._value in values else (0 if step > 0 else -1)
        self.choose(values[place % len(values)])

    def action_clear(self) -> None:
        """No choice."""
        if self._value:
            self.choose("")
