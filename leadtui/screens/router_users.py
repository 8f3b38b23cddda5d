"""The users this program made on a router, as they stand there now; those of others are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken
from leadtui.screens.base import LeadModal
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.hints import Hints, TitleLine
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

COLUMNS = (
    Column("username", "User name", 22, min_width=14, grow=2),
    Column("service", "Service", 7, drop=2),
    Column("profile", "Profile", 10, min_width=6, grow=1),
    Column("ip", "Address", 15, min_width=9, drop=1),
    Column("state", "State", 12, min_width=10),
    Column("lead_number", "Lead", 14, min_width=14),
)
_STATES: Mapping[str, Cell] = {
    "active": ("✓ active", "success"), "disabled": ("○ disabled", "muted"), "missing": ("✗ missing", "error"),
    "orphaned": ("! orphaned", "warning"), "renamed": ("! renamed", "warning"), "unmarked": ("! unmarked", "warning"),
}  # fmt: skip


def user_cell(row: Any, key: str) -> Cell:
    """A cell; what is not as it should be is said in a word."""
    if key == "state":
        return _STATES.get(row["state"], row["state"])
    if key == "ip" and not row["ip"]:
        return "dynamic", "muted"
    return one_line(row.get(key) or "–")


class RouterUsers(LeadModal[None]):
    """Read from the router itself, in the background; esc leaves at once, answered or not."""

    SCOPE = "list"
    DEFAULT_CSS: ClassVar[str] = """
    RouterUsers #sheet { width: 100%; height: 100%; background: $background; }
    RouterUsers #said { padding: 1 2; height: auto; }
    """

    def __init__(self, router: str) -> None:
        super().__init__()
        self.router = router

    def body(self) -> ComposeResult:
        """First row, what is said, the list, hints."""
        with Vertical(id="sheet"):
            yield TitleLine(f"Users on {self.router}")
            yield Static("", id="said", markup=False)
            yield VirtualTable(
                COLUMNS, user_cell, row_id=lambda row: (row["service"], row["username"]),
                empty="This program made no user here yet", markable=False, id="users",
            )  # fmt: skip
            yield Hints(("list.down", "list.up", "app.back"))

    def office_ready(self) -> None:
        """Ask the router."""
        office, token = self.office, CancelToken()
        self._say(f"Asking {self.router} …")

        def read() -> dict[str, Any]:
            from leadtui.services import routers

            return routers.users(office, self.router, cancel=token)

        self.run_blocking(read, then=self._show, failed=self._failed, group="users", cancel=token.cancel)

    def _show(self, found: dict[str, Any]) -> None:
        self._say("")
        table = self.query_one("#users", VirtualTable)
        table.show(ListProvider(found["users"]))
        table.focus()
        hidden = f" · {found['hidden_count']} not yours" if found["hidden_count"] else ""
        self.heading(right=f"{found['total']} of ours{hidden} · {found['foreign_count']} of others, left alone")

    def _failed(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError):
            self._say(f"{error.message}\n{error.hint or ''}")
        else:
            self.lead_app.report(error)
            self._say("The users could not be read")

    def _say(self, words: str) -> None:
        line = self.query_one("#said", Static)
        line.update(Content(words))
        line.display = bool(words)
        self.query_one("#users").display = not words
