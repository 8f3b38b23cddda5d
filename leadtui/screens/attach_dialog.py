"""Attaching a file to a lead: its path with completion, and a name to keep it under."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.suggester import Suggester
from textual.widgets import Input

from leadtui.screens.act_dialog import ActDialog, Plan, Read, label
from leadtui.widgets.keyed_list import Entry, KeyedList
from leadtui.widgets.text import one_line

MOST = 50
"""Names offered at once."""


def matching_paths(text: str) -> list[tuple[str, str]]:
    """(path as to be typed, note) of what `text` may become: folders end in `/`, hidden names only when asked for."""
    expanded = Path(text).expanduser() if text else Path()
    folder, start = (expanded, "") if text.endswith("/") or not text else (expanded.parent, expanded.name)
    prefix = text[: len(text) - len(start)] if start else text
    try:
        found = [item for item in folder.iterdir() if item.name.lower().startswith(start.lower())]
    except OSError:
        return []
    shown = [item for item in found if start.startswith(".") or not item.name.startswith(".")]
    rows: list[tuple[str, str]] = []
    for item in sorted(shown, key=lambda item: item.name.lower())[:MOST]:
        try:
            is_folder, size = item.is_dir(), item.stat().st_size
        except OSError:
            continue
        rows.append((f"{prefix}{item.name}{'/' if is_folder else ''}", "" if is_folder else file_size(size)))
    return rows


def file_size(size: int) -> str:
    """A size in words: "14 KB"."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= step:
            return f"{size / step:.1f} {unit}" if size < 10 * step else f"{size // step} {unit}"
    return f"{size} B"


class PathSuggester(Suggester):
    """Offers the rest of a path; the right arrow takes it."""

    def __init__(self, screen: AttachDialog) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._screen = screen

    async def get_suggestion(self, value: str) -> str | None:
        """The first path that was found for this text."""
        return next((path for path, _ in self._screen.found if path.startswith(value)), None)


class AttachDialog(ActDialog):
    """Type the path; the list shows what is there, enter goes into a folder or takes the file."""

    HEADING: ClassVar[str] = "Attach a file"
    DO: ClassVar[str] = "Attach"

    def __init__(self, lead_ids: tuple[int, ...] | int) -> None:
        super().__init__(lead_ids)
        self.found: list[tuple[str, str]] = []

    def fields(self) -> ComposeResult:
        """The path, what is there, the name."""
        with Horizontal(classes="row"):
            yield label("file")
            yield Input(id="path", placeholder="~/Documents/id-card.pdf", suggester=PathSuggester(self))
        yield KeyedList(id="found")
        with Horizontal(classes="row"):
            yield label("keep as")
            yield Input(id="name", placeholder="the file's own name")

    def ready(self, read: Read) -> None:
        """Begin at home."""
        line = self.query_one("#path", Input)
        line.value = line.value or "~/"
        line.focus()
        line.cursor_position = len(line.value)

    @on(Input.Changed, "#path")
    def _typed(self, event: Input.Changed) -> None:
        """Look into the folder, off the UI thread: it may be a slow disk."""
        self.refuse("")
        self.run_blocking(matching_paths, event.value, then=self._show, group="attach.paths")

    def _show(self, found: list[tuple[str, str]]) -> None:
        self.found = found
        entries = [
            Entry(path, one_line(path.rstrip("/").rpartition("/")[2]) + "/" * path.endswith("/"), note)
            for path, note in found
        ]
        self.query_one(KeyedList).show_entries(entries)

    def on_key(self, event: Any) -> None:
        """The arrows move in the list while the path is written."""
        if self.query_one("#path").has_focus and event.key in ("down", "up"):
            event.stop()
            found = self.query_one(KeyedList)
            found.action_cursor_down() if event.key == "down" else found.action_cursor_up()

    @on(Input.Submitted, "#path")
    def _entered_path(self, event: Input.Submitted) -> None:
        event.stop()
        event.prevent_default()
        value = self.query_one(KeyedList).value
        exact = any(path == event.value and not path.endswith("/") for path, _ in self.found)
        if exact or value is None:
            self.do_save()
        else:
            self._take(value)

    @on(KeyedList.Chosen, "#found")
    def _chosen(self, event: KeyedList.Chosen) -> None:
        event.stop()
        self._take(event.value)

    def _take(self, path: str) -> None:
        line = self.query_one("#path", Input)
        line.value = path
        line.cursor_position = len(path)
        line.focus() if path.endswith("/") else self.query_one("#name").focus()

    def typed(self) -> bool:
        """A path is quickly typed again."""
        return False

    def plan(self) -> Plan | None:
        """The attaching; whether the file is there is seen in the thread."""
        text = self.query_one("#path", Input).value.strip()
        name = self.query_one("#name", Input).value.strip() or None
        if not text or text.endswith("/"):
            self.refuse("Which file?", "#path")
            return None
        path = Path(text).expanduser()

        def one(office: Any, ref: int) -> Any:
            from leadtui.errors import Invalid
            from leadtui.services import lifecycle

            if not path.is_file():
                raise Invalid(f"there is no file {path}", field="path")
            return lifecycle.attach(office, ref, path, name=name)

        return Plan(one, {}, f"has the file {name or path.name}")
