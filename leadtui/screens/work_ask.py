"""The line of work mode in which a time, a reason or a note is typed; one digit takes one of the known reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.dates import parse_when
from leadtui.errors import Invalid
from leadtui.widgets.text import one_line
from leadtui.widgets.when_input import when_words

_FIELDS = {"when": "+3d, fri, tomorrow 14:00", "reason": "in a few words", "note": ""}


class Ask(Vertical):
    """Hidden until something is asked."""

    DEFAULT_CSS: ClassVar[str] = """
    Ask { height: auto; display: none; background: $panel; padding: 0 1; }
    Ask.-open { display: block; }
    Ask Horizontal { height: 1; }
    Ask Input { width: 1fr; height: 1; border: none; padding: 0 1; }
    Ask Input:focus { border: none; }
    Ask #meaning { width: auto; max-width: 40; color: $text-muted; padding: 0 1; }
    Ask #question { width: auto; text-style: bold; }
    Ask #offers { color: $text-muted; height: auto; max-height: 3; }
    """

    class Answered(Message):
        """Enter: `value` was typed for `what` (when, reason, note)."""

        def __init__(self, what: str, value: str) -> None:
            super().__init__()
            self.what = what
            self.value = value

    class Typed(Message):
        """A key went into the line."""

    def __init__(self) -> None:
        super().__init__()
        self.what = ""
        self.reasons: list[str] = []
        self._tz: tzinfo = UTC
        self._before = ""
        self.may_be_empty = True

    def compose(self) -> ComposeResult:
        """Question, line and meaning; below, the known reasons."""
        with Horizontal():
            yield Static("", id="question", markup=False)
            yield Input(select_on_focus=False, id="answer")
            yield Static("", id="meaning", markup=False)
        yield Static("", id="offers", markup=False)

    @property
    def is_open(self) -> bool:
        """Whether something is asked now."""
        return self.has_class("-open")

    def open(
        self, what: str, words: str, value: str, catalog: Catalog, reasons: Sequence[str] = (), *, empty: bool = True
    ) -> None:
        """Ask for a `when`, `reason` or `note`; unless `empty`, it must be answered. What is typed replaces `value`."""
        self.may_be_empty = empty
        self.what, self._tz, self.reasons = what, catalog.tz, list(reasons[:9])
        self.query_one("#question", Static).update(Content(words))
        offers = "   ".join(f"{number} {one_line(name)}" for number, name in enumerate(self.reasons, 1))
        self.query_one("#offers", Static).update(Content(offers))
        self.query_one("#offers").display = bool(offers)
        line = self.query_one(Input)
        line.placeholder = _FIELDS[what]
        self._before = line.value = value
        self._say()
        self.add_class("-open")
        line.focus()
        line.action_select_all()

    def close(self) -> None:
        """Ask nothing."""
        if self.is_open:
            self.remove_class("-open")
            self.screen.set_focus(None)

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        """The meaning follows what is typed; a digit alone is one of the reasons."""
        event.stop()
        if event.value == self._before:
            return
        self._before = event.value
        self.post_message(self.Typed())
        self._say()
        if self.what == "reason" and event.value.isdecimal() and 0 < int(event.value) <= len(self.reasons):
            self._answer(self.reasons[int(event.value) - 1])

    def _say(self, wrong: str = "") -> None:
        words = wrong
        if self.what == "when" and not wrong and (value := self._before.strip()):
            try:
                words = f"= {self._read(value)}"
            except Invalid:
                words = "? not a time yet"
        self.query_one("#meaning", Static).update(Content(words))

    def _read(self, value: str) -> str:
        return when_words(parse_when(value, tz=self._tz, now=clock.now(), field="when"), self._tz)

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        """Enter: what must be said is said, and can be read."""
        event.stop()
        value = event.value.strip()
        if self.what == "when":
            try:
                if value:
                    self._read(value)
            except Invalid as error:
                self._say(error.message)
                return
        if not value and not self.may_be_empty:
            self._say("something must be said; esc leaves it")
            return
        self._answer(value)

    def _answer(self, value: str) -> None:
        self.close()
        self.post_message(self.Answered(self.what, value))
