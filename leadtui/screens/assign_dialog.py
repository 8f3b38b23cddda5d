"""Assigning leads: users with what they have on their hands, search, nobody, or whoever the rules choose, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.act_dialog import ActDialog, Plan, Read
from leadtui.text import fold
from leadtui.widgets.keyed_list import Entry, KeyedList
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import UserItem
    from leadtui.domain.records import LeadDetail
    from leadtui.services.rule_preview import Chosen

NOBODY = "none"
AUTO = "auto"


FEW = 5
"""Of so many leads the dialog says whom the rules would choose."""


@dataclass(frozen=True, slots=True)
class Desks:
    """What is known before a choice: open leads by login, and whom the rules would choose for the first leads."""

    loads: Mapping[str, int] = field(default_factory=dict)
    chosen: tuple[Chosen, ...] = ()
    refusal: str = ""
    """Why the rules cannot choose."""


class AssignDialog(ActDialog):
    """Type a part of a name, enter assigns. Beside each user: the open leads, and whether away.

    Below the list, while the cursor is on `auto`: whom the rules choose, and why.
    """

    HEADING: ClassVar[str] = "Assign to"
    DO: ClassVar[str] = "Assign"
    DEFAULT_CSS: ClassVar[str] = """
    AssignDialog KeyedList { max-height: 8; }
    AssignDialog.-tall KeyedList { max-height: 14; }
    AssignDialog #choice { height: auto; max-height: 6; }
    AssignDialog.-tall #choice { max-height: 14; }
    """

    def fields(self) -> ComposeResult:
        """The search line over the list."""
        yield Input(id="assigned_to", placeholder="type a name; ↓ goes to the list")
        yield KeyedList(id="users")
        yield Static("", id="choice", classes="note", markup=False)

    def read_more(self, office: Any, detail: LeadDetail | None) -> Desks:
        """Open leads by login, and whom the rules would choose for these leads."""
        from leadtui.services import leads, lifecycle, rule_preview

        loads = dict(lifecycle.workloads(office))
        ids = self.lead_ids[:FEW]
        if self.where is not None:
            ids = tuple(one.id for one in leads.search(office, self.where, limit=FEW, total=False).rows)
        try:
            return Desks(loads, rule_preview.chosen(office, ids))
        except LeadtuiError as error:
            return Desks(loads, refusal=error.message)

    def ready(self, read: Read) -> None:
        """Show the users."""
        self._fill("")
        self.query_one("#assigned_to").focus()

    def _fill(self, text: str) -> None:
        if self.read is None:
            return
        wanted = fold(text.strip())
        entries: list[Entry] = []
        if wanted in "auto" or wanted in "rules":
            entries.append(Entry(AUTO, "whoever the rules choose", " · ".join(("auto", *self._who_chosen()))))
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

    @property
    def desks(self) -> Desks:
        """What was read."""
        return self.read.more if self.read is not None else Desks()

    def _load(self, user: UserItem) -> int:
        return self.desks.loads.get(user.login, 0)

    def _who_chosen(self) -> list[str]:
        """Whom the rules choose, in the line of `auto`."""
        found = self.desks.chosen
        if len(found) != 1:
            return []
        return [one_line(found[0].words)]

    @on(KeyedList.OptionHighlighted, "#users")
    def _explain(self) -> None:
        """While the cursor is on `auto`: why the rules choose whom they choose."""
        line = self.query_one("#choice", Static)
        lines = self._why() if self.query_one(KeyedList).value == AUTO else []
        line.update(Content("\n".join(lines)))
        line.display = bool(lines)

    def _why(self) -> list[str]:
        desks = self.desks
        if desks.refusal:
            return [one_line(desks.refusal)]
        if len(desks.chosen) == 1:
            return [one_line(line) for line in desks.chosen[0].lines]
        found = [one_line(f"{one.lead.title}: {one.words}") for one in desks.chosen]
        rest = (self.read.matched if self.read is not None else 0) - len(found)
        return [*found, f"and {rest:,} more, by the same rules"] if rest > 0 else found

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

        words = {NOBODY: "assigned to nobody", AUTO: "assigned by the rules"}.get(login, f"assigned to {login}")
        return Plan(one, {"assign": login}, words)

    def written(self, plan: Plan, done: Any) -> None:
        """Say who it became where the program chose."""
        login = getattr(getattr(done, "lead", None), "assigned_to", None)
        if plan.act["assign"] == AUTO:
            words = f"assigned to {login}" if login else "offered: who claims it first has it"
            plan = Plan(plan.one, plan.act, words)
        super().written(plan, done)
