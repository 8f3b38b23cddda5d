"""The users of the office: list, add, edit, disable, and the way to what each role may do."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual import on

from leadtui.screens.alert_form import alerts_field, send_test, set_alerts
from leadtui.screens.record_list import Record, RecordList
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

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


def _as_text(value: Any) -> str:
    """A value as its field holds it: lists with commas between."""
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


class UsersScreen(RecordList):
    """Main screen 4."""

    SCOPE = "users"
    HEADING = "Users"
    HINTS: ClassVar[tuple[str, ...]] = ("list.open", "users.new", "users.edit", "users.disable", "users.roles")
    TABLE = "users"
    COLUMNS = COLUMNS
    KEY = "login"
    EMPTY = "No users"
    NEEDS = frozenset({"users.edit", "users.disable", "users.test_alert"})
    NONE_HERE = "There is no user here"

    def read(self, office: Any) -> list[Record]:
        """The users, those disabled last."""
        from leadtui.services import admin

        users = [user for user in admin.users(office) if user["login"] != "system"]
        return sorted(users, key=lambda user: (not user.get("is_active", True), user["login"]))

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        return user_cell(row, key)

    def shown(self, rows: list[Record]) -> None:
        """How many there are."""
        away = sum(not user.get("is_active", True) for user in rows)
        self.heading("Users", f"{len(rows)}" + (f" · {away} disabled" if away else ""))

    def copy_text(self) -> str:
        """The login."""
        return str(self.record["login"]) if self.record is not None else ""

    # Commands

    @on(VirtualTable.Opened, "#users")
    def _opened(self) -> None:
        self.lead_app.run_command("users.edit")

    def _specs(self, *, new: bool, has_alerts: bool = False) -> tuple[FieldSpec, ...]:
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
            FieldSpec("timezone", "Time zone", placeholder=str(catalog.tz), help="of this person's days and reminders"),
            FieldSpec(
                "working_hours",
                "Works",
                placeholder=str(catalog.settings.get("working_hours") or ""),
                help="such as mon-fri 08:00-17:00, sat 09:00-13:00",
                max_length=255,
            ),
            FieldSpec("service_areas", "Serves", help="cities or places, with commas between", max_length=2000),
            FieldSpec("specializations", "Knows", help="property types or packages, with commas", max_length=2000),
            FieldSpec("languages", "Speaks", help="with commas between", max_length=500),
            FieldSpec("min_price", f"Budgets from ({catalog.currency})"),
            FieldSpec("max_price", f"Budgets to ({catalog.currency})"),
            FieldSpec("capacity", "Open leads", help="at most so many by automatic assignment; empty: no limit"),
            *(() if new else (alerts_field(has=has_alerts),)),
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

        user = self.record
        if user is None:
            return
        office, login = self.office, str(user["login"])
        values = {key: _as_text(value) for key, value in user.items() if not isinstance(value, bool)}
        values["alerts"] = ""
        values["is_available"] = "yes" if user.get("is_available", True) else ""

        def save(changed: dict[str, str]) -> Any:
            from leadtui.services import admin

            if "is_available" in changed:
                changed["is_available"] = changed["is_available"] or "no"
            set_alerts(office, login, changed.pop("alerts", ""))
            return admin.edit_user(office, login, changed)

        form = RecordForm(
            f"User {login}", self._specs(new=False, has_alerts=bool(user.get("has_alerts"))), values, save, new=False
        )
        self.app.push_screen(form, partial(self._saved, "changed"))

    def _saved(self, words: str, answer: Any) -> None:
        if answer is not None:
            self.changed_record(answer.get("login"), f"User {answer.get('login', '')} {words}")

    def do_disable(self) -> None:
        """Disable the user under the cursor, or enable again."""
        user = self.record
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

    def do_test_alert(self) -> None:
        """A test to the alert addresses of the user under the cursor."""
        if self.record is not None:
            send_test(self, str(self.record["login"]))

    def do_keys(self) -> None:
        """The keys of other programs; the cursor's user is whom a new one is for."""
        from leadtui.screens.api_keys import KeysScreen

        self.app.push_screen(KeysScreen(str(self.record["login"]) if self.record is not None else ""))

    def do_roles(self) -> None:
        """What each role may do."""
        from leadtui.screens.role_matrix import RoleMatrix

        self.app.push_screen(RoleMatrix())
