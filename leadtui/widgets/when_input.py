"""A line for a day or a moment in relative words (`+3d`, `fri`, `tomorrow 14:00`), with what it means beside it."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from leadtui import clock
from leadtui.domain.dates import When, local_day, parse_when
from leadtui.errors import Invalid


def when_words(when: When, tz: tzinfo) -> str:
    """A day or moment in full: "Fri 27 Nov 2026", "Fri 27 Nov 2026 14:00"."""
    local = when.at.astimezone(tz)
    day = f"{_DAYS[when.day.weekday()]} {when.day.day} {_MONTHS[when.day.month - 1]} "
    return f"{day}{when.day.year}" if when.all_day else f"{day}{when.day.year} {local:%H:%M}"


def moment_words(at: datetime, tz: tzinfo) -> str:
    """A moment in full, in the zone `tz`."""
    return when_words(When(at, False, local_day(at, tz)), tz)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class WhenInput(Horizontal):
    """The line and its meaning. `value` is the text as typed; services read it themselves."""

    DEFAULT_CSS: ClassVar[str] = """
    WhenInput { height: 1; }
    WhenInput Input { width: 1fr; }
    WhenInput Static { width: 26; padding: 0 1; color: $text-muted; }
    WhenInput.-wrong Static { color: $text-error; }
    """

    def __init__(self, value: str = "", *, field: str = "date", id: str | None = None, smart: str = "") -> None:
        super().__init__(id=id)
        self._first = value
        self.field = field
        self.smart = smart
        """What `smart` typed here means; empty: it means nothing here."""
        self.tz: tzinfo | None = None
        """The office's zone; nothing is said about the meaning before it is known."""

    def compose(self) -> ComposeResult:
        """The line, then what it means."""
        yield Input(self._first, placeholder="+3d, fri, 2026-11-27 14:00", select_on_focus=False)
        yield Static("", markup=False)

    def use_zone(self, tz: tzinfo) -> None:
        """The office's zone is known."""
        self.tz = tz
        self._say()

    @property
    def value(self) -> str:
        """The text as typed, without blanks at the ends."""
        return self.query_one(Input).value.strip()

    @value.setter
    def value(self, text: str) -> None:
        self.query_one(Input).value = text

    @property
    def is_smart(self) -> bool:
        """Whether the program is to find the time."""
        return bool(self.smart) and self.value.casefold() == "smart"

    def say_smart(self, words: str) -> None:
        """What `smart` means is known now."""
        self.smart = words
        self._say()

    def error(self) -> str:
        """What is wrong with the text; empty when nothing is, or nothing was typed."""
        if not self.value or self.tz is None or self.is_smart:
            return ""
        try:
            parse_when(self.value, tz=self.tz, now=clock.now(), field=self.field)
        except Invalid as error:
            return f"{error.message} ({error.hint})"
        return ""

    def focus(self, scroll_visible: bool = True) -> WhenInput:
        """The focus goes to the line."""
        self.query_one(Input).focus(scroll_visible)
        return self

    @on(Input.Changed)
    def _say(self) -> None:
        words = ""
        wrong = False
        if self.is_smart:
            words = f"= {self.smart}"
        elif self.value and self.tz is not None:
            try:
                when = parse_when(self.value, tz=self.tz, now=clock.now(), field=self.field)
            except Invalid:
                words, wrong = "? not a date yet", True
            else:
                words = f"= {when_words(when, self.tz)}"
        self.set_class(wrong, "-wrong")
        self.query_one(Static).update(Content(words))
