"""The users of the office: list, add, edit, disable, and the way to what each role may do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

UserDict = Mapping[str, Any]

COLUMNS = (
    Column("name", "Name", 22, min_width=18, grow=2),
    Column("login", "Login", 14, min_width=10, grow=1),
    Column("role", "Role", 14, min_width=12),
    Column("branch", "Branch", 12, min_width=8, drop=2),
    Column("os_account", "OS account", 12, min_width=10, drop=1),
    Column("state", "State", 8),
)


def user_cell(row: Any, key: str) -> Cell:
    """A cell; a disabled user is said in words and drawn muted."""
    active = bool(row.get("is_active", True))
    if key == "state":
        if not active:
            return "disabled", "muted"
        return ("here", "") if row.get("is_available", True) else ("away", "warning")
    text = one_line(row.get(key) or "–")
    return text if active else (text, "muted")


class UsersScreen(LeadScreen[None]):
    """Main screen 3."""

    SCOPE = "users"
    HEADING = "Users"
    HINTS: ClassVar[tuple[str, ...]] = ("list.open", "users.new", "users.edit", "users.disable", "users.roles")
    DEFAULT_CSS: ClassVar[str] = "UsersScreen #refused { padding: 1 2; height: auto; }"

    def body(self) -> ComposeResult:
        """The list, or why there is none."""
        yield Static("", id="refused", markup=False)
        yield VirtualTable(
            COLUMNS, user_cell, row_id=lambda row: row["login"], empty="No users", markable=False, id="users"
        )

    def on_mount(self) -> None:
        """Nothing is refused yet."""
        self.query_one("#refused").display = False

    def office_ready(self) -> None:
        """Read the users."""
        self._load()
        self.table.focus()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r` reads again."""
        if not ids:
            self._load()

    @property
    def table(self) -> VirtualTable[UserDict]:
        """The list."""
        return self.query_one("#users", VirtualTable)

    @property
    def user(self) -> UserDict | None:
        """The user under the cursor."""
        row: UserDict | None = self.table.cursor_row
        return row

    def _load(self) -> None:
        office = self.office

        def read() -> list[dict[str, Any]]:
            from leadtui.services import admin

            return [user for user in admin.users(office) if user["login"] != "system"]

        self.run_blocking(read, then=self._show, failed=self._unreadable, group="users")

    def _show(self, users: list[dict[str, Any]]) -> None:
        self.query_one("#refused").display = False
        self.table.display = True
        self.table.show(ListProvider(sorted(users, key=lambda user: (not user.get("is_active", True), user["login"]))))
        away = sum(not user.get("is_active", True) for user in users)
        self.heading("Users", f"{len(users)}" + (f" · {away} disabled" if away else ""))

    def _unreadable(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        line = self.query_one("#refused", Static)
        line.update(Content(f"{error.message}\n{error.hint or ''}"))
        line.display = True
        self.table.display = False

    def why_disabled(self, command: Command) -> str | None:
        """What needs a user under the cursor."""
        if command.id in ("users.edit", "users.disable") and self.user is None:
            return "There is no user here"
        return None

    def copy_text(self) -> str:
        """The login."""
        return str(self.user["login"]) if self.user is not None else ""

    # Commands

    @on(VirtualTable.Opened, "#users")
    def _opened(self) -> None:
        self.lead_app.run_command("users.edit")

    def _specs(self, *, new: bool) -> tuple[FieldSpec, ...]:
        catalog = self.office.catalog
        roles = tuple((role.key, role.name) for role in catalog.roles)
        branches = tuple((branch.name, branch.name) for branch in catalog.branches if branch.is_active)
        teams = tuple((team.name, team.name) for team in catalog.teams if team.is_active)
        specs = [
            FieldSpec("login", "Login", "line" if new else "readonly", required=new, max_length=50),
            FieldSpec("name", "Name", required=True, max_length=255),
            FieldSpec("role", "Role", "choice", required=True, choices=roles),
        ]
        if branches:
            specs.append(FieldSpec("branch", "Branch", "choice", choices=branches))
        if teams:
            specs.append(FieldSpec("team", "Team", "choice", choices=teams))
        specs += [
            FieldSpec("phone", "Phone", "phone", placeholder=" "),
            FieldSpec("email", "Email"),
            *(() if new else (FieldSpec("is_available", "Takes new leads", "bool"),)),
            FieldSpec("os_account", "OS account", help="who this is on this machine: `id -un` says it"),
        ]
        return tuple(specs)

    def do_new(self) -> None:
        """Add a user."""
        from leadtui.screens.record_form import RecordForm

        office = self.office

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import admin

            return admin.add_user(office, values)

        form = RecordForm("New user", self._specs(new=True), {}, save, new=True)
        self.app.push_screen(form, partial(self._saved, "added"))

    def do_edit(self) -> None:
        """Edit the user under the cursor."""
        from leadtui.screens.record_form import RecordForm

        user = self.user
        if user is None:
            return
        office, login = self.office, str(user["login"])
        values = {
            key: "" if value is None else str(value) for key, value in user.items() if not isinstance(value, bool)
        }

        values["is_available"] = "yes" if user.get("is_available", True) else ""

        def save(changed: dict[str, str]) -> Any:
            from leadtui.services import admin

            if "is_available" in changed:
                changed["is_available"] = changed["is_available"] or "no"
            return admin.edit_user(office, login, changed)

        form = RecordForm(f"User {login}", self._specs(new=False), values, save, new=False)
        self.app.push_screen(form, partial(self._saved, "changed"))

    def _saved(self, words: str, answer: Any) -> None:
        if answer is None:
            return
        self.table.aim(answer.get("login"))
        self._load()
        self.done(f"User {answer.get('login', '')} {words}")

    def do_disable(self) -> None:
        """Disable the user under the cursor, or enable again."""
        user = self.user
        if user is None:
            return
        office, login, active = self.office, str(user["login"]), bool(user.get("is_active", True))

        def write() -> Any:
            from leadtui.services import admin

            return admin.set_user_active(office, login, not active)

        def go(yes: bool | None) -> None:
            if yes:
                self.run_blocking(write, then=lambda answer: self._saved("disabled" if active else "enabled", answer))

        if not active:
            go(True)
            return
        from leadtui.screens.confirm import Confirm

        words = (
            f"{one_line(user['name'])} ({login}) can no longer open the program. The leads stay assigned as they are."
        )
        self.app.push_screen(Confirm(words, yes="Disable", no="Leave it", danger=True), go)

    def do_roles(self) -> None:
        """What each role may do."""
        from leadtui.screens.role_matrix import RoleMatrix

        self.app.push_screen(RoleMatrix())
