"""A short list whose entries have keys: the key takes the entry at once, arrows and enter work too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from textual import events

DIGITS = "123456789"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list. `value` is what it stands for; `note` is muted behind the label; `key` may be empty."""

    value: str
    label: str
    note: str = ""
    key: str = ""
    disabled: bool = False


def numbered(entries: Iterable[Entry]) -> list[Entry]:
    """The entries with 1–9 as keys, as far as they reach; disabled entries keep their number."""
    result: list[Entry] = []
    for number, entry in enumerate(entries):
        key = DIGITS[number] if number < len(DIGITS) else ""
        result.append(Entry(entry.value, entry.label, entry.note, key, entry.disabled))
    return result


class KeyedList(OptionList):
    """Entries one below the other; `Chosen` when one is taken."""

    BINDINGS: ClassVar = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    KeyedList { height: auto; max-height: 12; border: none; padding: 0; background: $surface; }
    KeyedList:focus { border: none; }
    KeyedList:ansi { background: ansi_default; }
    KeyedList:ansi > .option-list--option-highlighted { text-style: bold reverse; }
    """

    @dataclass
    class Chosen(Message):
        """An entry was taken."""

        list: KeyedList
        value: str

        @property
        def control(self) -> KeyedList:
            """The list, for `@on` selectors."""
            return self.list

    def __init__(self, entries: Sequence[Entry] = (), *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.entries: tuple[Entry, ...] = ()
        self._first = tuple(entries)

    def on_mount(self) -> None:
        """The entries given at the start."""
        self.show_entries(self._first) if self._first else None

    def show_entries(self, entries: Sequence[Entry], at: str | None = None) -> None:
        """Other entries; the cursor goes to the value `at`, else stays on its value, else to the first."""
        wanted = at if at is not None else self.value
        self.entries = tuple(entries)
        self.clear_options()
        self.add_options([Option(self._line(entry), disabled=entry.disabled) for entry in entries])
        values = [entry.value for entry in entries]
        if wanted in values and not entries[values.index(wanted)].disabled:
            self.highlighted = values.index(wanted)
        else:
            self.highlighted = next((n for n, entry in enumerate(entries) if not entry.disabled), None)

    @property
    def value(self) -> str | None:
        """The value under the cursor."""
        place = self.highlighted
        return self.entries[place].value if place is not None and place < len(self.entries) else None

    @staticmethod
    def _line(entry: Entry) -> Content:
        return Content.assemble(
            (f"{entry.key or ' '} ", "bold $accent"),
            entry.label,
            (f"  {entry.note}" if entry.note else "", "dim"),
        )

    def on_key(self, event: events.Key) -> None:
        """An entry's own key takes it."""
        for place, entry in enumerate(self.entries):
            if entry.key and event.character == entry.key:
                event.stop()
                event.prevent_default()
                if not entry.disabled:
                    self.highlighted = place
                    self.post_message(self.Chosen(self, entry.value))
                return

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        event.stop()
        self.post_message(self.Chosen(self, self.entries[event.option_index].value))
