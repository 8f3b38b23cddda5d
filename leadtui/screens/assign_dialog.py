"""Assigning leads: users with what they have on their hands, search, nobody, or whoever has least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from leadtui.screens.act_dialog import ActDialog, Plan, Read
from leadtui.text import fold
from leadtui.widgets.keyed_list import Entry, KeyedList

if TYPE_CHECKING:
    from leadtui.domain.catalog import UserItem
    from leadtui.domain.records import LeadDetail

NOBODY = "none"
AUTO = "auto"


class AssignDialog(ActDialog):
    """Type a part of a name, enter assigns. Beside each user: the open leads, and whether away."""

    HEADING: ClassVar[str] = "Assign to"
    DO: ClassVar[str] = "Assign"

    def fields(self) -> ComposeResult:
        """The search line over the list."""
        yield Input(id="assigned_to", placeholder="type a name; ↓ goes to the list")
        yield KeyedList(id="users")

    def read_more(self, office: Any, detail: LeadDetail | None) -> dict[str, int]:
        """Open leads by login."""
        from leadtui.services import lifecycle

        return dict(lifecycle.workloads(office))

    def ready(self, read: Read) -> None:
        """Show the users."""
        self._fill("")
        self.query_one("#assigned_to").focus()

    def _fill(self, text: str) -> None:
        if self.read is None:
            return
        wanted = fold(text.strip())
        entries: list[Entry] = []
        if wanted in "auto" or wanted in "least":
            entries.append(Entry(AUTO, "whoever has least", "auto"))
        if wanted in "nobody" or wanted in "none":
            entries.append(Entry(NOBODY, "nobody", "to the unassigned"))
        found = [user for user in self.read.catalog.users if self._offered(user, wanted)]
        entries += [self._entry(user) for user in sorted(found, key=lambda user: (self._load(user), user.name))]
        users = self.query_one(KeyedList)
        first = entries[0].value if wanted and entries else None
        if wanted and found:
            first = next((entry.value for entry in entries if entry.value not in (AUTO, NOBODY)), first)
        users.show_entries(entries, first)

    def _offered(self, user: UserItem, wanted: str) -> bool:
        return user.is_active and user.login != "system" and (wanted in fold(user.name) or wanted in fold(user.login))

    def _load(self, user: UserItem) -> int:
        loads: dict[str, int] = self.read.more if self.read is not None else {}
        return loads.get(user.login, 0)

    def _entry(self, user: UserItem) -> Entry:
        row = self.row
        count = self._load(user)
        notes = [user.login, f"{count:,} open {'lead' if count == 1 else 'leads'}"]
        if not user.is_available:
            notes.append("away")
        if row is not None and row.assigned_to == user.login:
            notes.append("has it now")
        return Entry(user.login, user.name, " · ".join(notes))

    @on(Input.Changed, "#assigned_to")
    def _typed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_key(self, event: Any) -> None:
        """The arrows move in the list while the search line is written."""
        if self.query_one("#assigned_to").has_focus and event.key in ("down", "up"):
            event.stop()
            users = self.query_one(KeyedList)
            users.action_cursor_down() if event.key == "down" else users.action_cursor_up()

    @on(KeyedList.Chosen, "#users")
    def _chosen(self, event: KeyedList.Chosen) -> None:
        event.stop()
        self.do_save()

    def typed(self) -> bool:
        """A half-typed name is no loss."""
        return False

    def plan(self) -> Plan | None:
        """The assignment."""
        login = self.query_one(KeyedList).value
        if login is None:
            self.refuse("There is no such user", "#assigned_to")
            return None

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import lifecycle

            return lifecycle.assign(office, ref, login)

        words = {NOBODY: "assigned to nobody", AUTO: "assigned to whoever has least"}.get(login, f"assigned to {login}")
        return Plan(one, {"assign": login}, words)

    def written(self, plan: Plan, done: Any) -> None:
        """Say who it became where the program chose."""
        login = getattr(getattr(done, "lead", None), "assigned_to", None)
        if plan.act["assign"] == AUTO and login:
            plan = Plan(plan.one, plan.act, f"assigned to {login}")
        super().written(plan, done)
