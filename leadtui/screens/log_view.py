"""The last lines of the program's log, as plain text."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Log

from leadtui.screens.base import LeadScreen
from leadtui.text import strip_controls

KEPT_BYTES = 200_000


def tail(path: Path, most: int = KEPT_BYTES) -> list[str]:
    """The last lines of a file; nothing when there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - most, 0))
            data = file.read()
    except OSError:
        return []
    text = strip_controls(data.decode("utf-8", "replace"))
    lines = text.splitlines()
    return lines[1:] if size > most else lines


class LogView(LeadScreen[None]):
    """Read-only; `r` reads again, `Y` copies all."""

    SCOPE = "log"
    HEADING = "Log"
    HINTS: ClassVar[tuple[str, ...]] = ("app.back", "app.refresh", "log.copy_all")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.lines: list[str] = []

    def body(self) -> ComposeResult:
        """The lines."""
        yield Log(highlight=False, auto_scroll=True)

    def on_mount(self) -> None:
        """Read."""
        self.heading(f"Log {self.path}")
        self.do_refresh()

    def do_refresh(self) -> None:
        """Read the file again."""
        self.run_blocking(tail, self.path, then=self._show, group="log")

    def _show(self, lines: list[str]) -> None:
        self.lines = lines
        log = self.query_one(Log)
        log.clear()
        log.write_lines(lines or ["Nothing has been logged yet."])
        log.focus()

    def do_copy_all(self) -> None:
        """Everything that is shown."""
        self.app.copy_to_clipboard("\n".join(self.lines))
        self.done(f"Copied {len(self.lines):,} lines")

    def copy_text(self) -> str:
        """The last line."""
        return self.lines[-1] if self.lines else ""
