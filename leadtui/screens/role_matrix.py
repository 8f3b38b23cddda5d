"""What each role may do: actions down, roles across, the scope in each cell."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import DataTable, Static

from leadtui.domain.permissions import ACTIONS, OFFICE_ACTIONS
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.text import shorten
from leadtui.widgets.text import one_line

WIDTH = 8
"""Cells of a role's column."""
KEYS = {"a": "all", "b": "branch", "t": "team", "o": "own", "n": "none"}
MEANING = {
    "read": "see leads", "create": "add leads", "edit": "change leads", "status": "move to another status",
    "log": "log contacts", "assign": "assign leads", "convert": "make customers", "lose": "mark as lost",
    "reopen": "open lost and converted leads again", "delete": "delete and restore leads", "purge": "remove for good",
    "protect": "protect against deletion", "bulk": "change many at once", "export": "write leads to files",
    "import": "read leads from files", "campaign": "send campaigns", "loans": "loan promises", "stats": "see figures",
    "config": "packages, sources, statuses, routers, settings", "users": "users and roles", "backups": "backups",
    "impersonate": "act as another user",
}  # fmt: skip


class RoleMatrix(LeadScreen[None]):
    """Letters change the cell under the cursor: all, branch, team, own, none. Needs the action `users`."""

    HEADING = "What each role may do"
    HINTS: ClassVar[tuple[str, ...]] = ("app.back",)
    DEFAULT_CSS: ClassVar[str] = """
    RoleMatrix DataTable { height: 1fr; }
    RoleMatrix #meaning { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.roles: list[dict[str, Any]] = []

    def body(self) -> ComposeResult:
        """The matrix, and what the cell under the cursor means."""
        yield DataTable(cursor_type="cell", fixed_columns=1, cell_padding=0, header_height=2)
        yield Static("", id="meaning", markup=False)

    @property
    def matrix(self) -> DataTable[Text]:
        """The table."""
        return self.query_one(DataTable)

    def office_ready(self) -> None:
        """Read the roles."""
        office = self.office

        def read() -> list[dict[str, Any]]:
            from leadtui.services import admin

            return list(admin.roles(office))

        self.run_blocking(read, then=self._show, failed=self._unreadable, group="roles")

    def _unreadable(self, error: Exception) -> None:
        self.dismiss(None)
        self.lead_app.report(error)

    def _show(self, roles: list[dict[str, Any]]) -> None:
        self.roles = roles
        table = self.matrix
        table.clear(columns=True)
        table.add_column(Text(" \n may"), key="action", width=13)
        for role in roles:
            table.add_column(Text(_two_lines(role["key"])), key=str(role["key"]), width=WIDTH)
        for action in ACTIONS:
            table.add_row(
                Text(f" {action}", style="bold"), *[_cell(_scope(role, action)) for role in roles], key=action
            )
        table.focus()
        table.move_cursor(row=0, column=1)
        self._say()

    def _place(self) -> tuple[dict[str, Any], str] | None:
        """(role, action) under the cursor."""
        row, column = self.matrix.cursor_coordinate
        if not 1 <= column <= len(self.roles):
            return None
        return self.roles[column - 1], ACTIONS[row]

    def _say(self) -> None:
        place = self._place()
        if place is None:
            return
        role, action = place
        scope = _scope(role, action)
        may = {
            "all": "all leads",
            "branch": "those of the branch",
            "team": "those of the team",
            "own": "those assigned",
        }
        which = "no" if scope == "none" else "yes" if action in OFFICE_ACTIONS else may.get(scope, scope)
        keys = "a yes n no" if action in OFFICE_ACTIONS else "a all b branch t team o own n none"
        self.query_one("#meaning", Static).update(
            Content(f"{one_line(role['name'])} · {MEANING.get(action, action)}: {which} · {keys}")
        )

    @on(DataTable.CellHighlighted)
    def _moved(self) -> None:
        self._say()

    def on_key(self, event: events.Key) -> None:
        """A letter changes the cell."""
        scope = KEYS.get(event.character or "")
        place = self._place() if scope is not None and self.matrix.has_focus else None
        if scope is None or place is None:
            return
        event.stop()
        role, action = place
        before = _scope(role, action)
        if scope == before:
            return
        actor = self.office.actor
        if not (actor.may("users") or actor.may("config")):
            self.app.notify("Your role may not change this (users)", severity="warning")
            return
        office, key = self.office, str(role["key"])

        def write() -> dict[str, Any]:
            from leadtui.services import admin

            return admin.set_role(office, key, action, scope)

        def written(_: object) -> None:
            self._put(key, action, scope)
            self.done(f"{key}: {action} {before} → {scope}")
            self.lead_app.refresh_hints()

        self.run_blocking(write, then=written, failed=self._refused)

    def _refused(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        self.app.notify(error.message if error.hint is None else f"{error.message}\n{error.hint}", severity="warning")

    def _put(self, role_key: str, action: str, scope: str) -> None:
        for role in self.roles:
            if role["key"] == role_key:
                role["permissions"] = {**role["permissions"], action: scope}
        self.matrix.update_cell(action, role_key, _cell(scope))
        self._say()


def _scope(role: dict[str, Any], action: str) -> str:
    """The scope of a role's action."""
    return str(role["permissions"].get(action, "none"))


def _two_lines(key: Any) -> str:
    """A role's key over two short lines: eight roles stand side by side in 80 cells."""
    first, _, second = one_line(key).partition("_")
    if not second and len(first) >= WIDTH:
        cut = min(WIDTH - 2, (len(first) + 2) // 2)
        first, second = f"{first[:cut]}-", first[cut:]
    return f"{shorten(first, WIDTH - 1)}\n{shorten(second, WIDTH - 1)}"


def _cell(scope: str) -> Text:
    """A dash where nothing is permitted; words, so that colour is never needed."""
    return Text("–", style="dim") if scope == "none" else Text(scope)
