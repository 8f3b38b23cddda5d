"""A line for a path on this machine, with what lies there below it: type, arrows, enter goes in or takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from leadtui.widgets.keyed_list import Entry, KeyedList
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.screens.base import LeadScreen


class _Suggester(Suggester):
    """Offers the rest of a path; the right arrow takes it."""

    def __init__(self, field: PathField) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._field = field

    async def get_suggestion(self, value: str) -> str | None:
        """The first path that was found for this text."""
        return next((path for path, _ in self._field.found if path.startswith(value)), None)


class PathField(Vertical):
    """`Taken` when a file was chosen or enter was pressed on a path that is complete."""

    DEFAULT_CSS: ClassVar[str] = """
    PathField { height: auto; }
    PathField KeyedList { max-height: 8; }
    """

    @dataclass
    class Taken(Message):
        """This path is meant."""

        field: PathField
        path: str

    def __init__(self, value: str = "~/", *, new: bool = False, id: str | None = None) -> None:
        """`new`: the path of a file to be made, so that any text is complete that is no folder."""
        super().__init__(id=id)
        self._first = value
        self._new = new
        self.found: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        """The line, and what is there."""
        yield Input(self._first, id="path", suggester=_Suggester(self), select_on_focus=False)
        yield KeyedList(id="paths")

    @property
    def line(self) -> Input:
        """The line."""
        return self.query_one("#path", Input)

    @property
    def value(self) -> str:
        """What is written."""
        return self.line.value.strip()

    def close(self) -> None:
        """Fold the list away: the path is chosen."""
        self.query_one(KeyedList).display = False

    @on(Input.Changed, "#path")
    def _typed(self, event: Input.Changed) -> None:
        from leadtui.screens.attach_dialog import matching_paths

        event.stop()
        screen: LeadScreen[Any] = self.screen  # type: ignore[assignment]
        screen.run_blocking(matching_paths, event.value, then=self._show, group="path.field")

    def _show(self, found: list[tuple[str, str]]) -> None:
        self.found = found
        entries = [
            Entry(path, one_line(path.rstrip("/").rpartition("/")[2]) + "/" * path.endswith("/"), note)
            for path, note in found
        ]
        listed = self.query_one(KeyedList)
        listed.display = bool(entries)
        listed.show_entries(entries)

    def on_key(self, event: Any) -> None:
        """The arrows move in the list while the path is written."""
        if self.line.has_focus and event.key in ("down", "up") and self.query_one(KeyedList).display:
            event.stop()
            event.prevent_default()
            listed = self.query_one(KeyedList)
            listed.action_cursor_down() if event.key == "down" else listed.action_cursor_up()

    @on(Input.Submitted, "#path")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        written = self.value
        listed = self.query_one(KeyedList).value
        is_file = any(path == written and not path.endswith("/") for path, _ in self.found)
        if is_file or (self._new and written and not written.endswith("/")):
            self._take(written)
        elif listed is not None:
            self._take(listed)

    @on(KeyedList.Chosen, "#paths")
    def _chosen(self, event: KeyedList.Chosen) -> None:
        event.stop()
        self._take(event.value)

    def _take(self, path: str) -> None:
        line = self.line
        line.value = path
        line.cursor_position = len(path)
        if path.endswith("/"):
            line.focus()
        else:
            self.post_message(self.Taken(self, path))
