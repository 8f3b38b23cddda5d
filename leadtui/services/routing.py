"""Who gets a lead by itself (spec §J 91, AJ4): the agents as they stand, the office's rules, and carrying out a choice.

A `Desk` gives leads away within one transaction: it reads agents and rules once, and counts what it gives, so that many
leads at once are spread. On PostgreSQL it takes a lock first, until the transaction ends: two programs that give leads
away at the same moment count each other's. On SQLite a write transaction is alone by its nature.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import delete, func, or_, select, update

from leadtui.domain import conditions
from leadtui.domain.areas import area_keys
from leadtui.domain.catalog import Catalog, UserItem
from leadtui.domain.money import format_money
from leadtui.domain.routing import Agent, Choice, LeadFacts, RuleStep, choose, word_keys
from leadtui.errors import LeadtuiError, Refused
from leadtui.store import schema as t
from leadtui.store import tallies
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import fold, shorten

from . import lead_writes as w
from .notifying import Notice, notify_many
from .office import SYSTEM, Office
from .ownership import first_follow_up, hand_to

AUTO: Final = "auto"
HOW: Final = "automatically"
ASSIGNED: Final = "assignment"
"""The kind of a notice that says what somebody was given."""
_LOCK: Final = 7_242_002
_CHUNK: Final = 5_000
BASIC: Final = (
    "city", "location", "property_type", "package", "product_interest", "budget", "source", "branch", "language",
    "assigned_to",
)  # fmt: skip
"""What kinds of rules ask of a lead, beside their conditions."""


def is_auto(login: str | None) -> bool:
    """Whether a person typed that the rules are to choose."""
    return fold(login or "").strip() == AUTO


def lock(tx: ReadTx) -> None:
    """Let one program at a time give leads away, until this transaction ends. Before any lead that exists is locked."""
    if isinstance(tx, WriteTx) and not tx.is_sqlite:
        tx.conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))


# -- rules and agents as they stand -----------------------------------------------------------------------------------
def rules(tx: ReadTx, pipeline_id: int | None, *, active_only: bool = True) -> tuple[RuleStep, ...]:
    """The rules for leads of a pipeline, with those for all, in their order; None: of every pipeline."""
    r = t.assignment_rule.c
    query = select(t.assignment_rule).order_by(r.order, r.id)
    if pipeline_id is not None:
        query = query.where(or_(r.pipeline_id == pipeline_id, r.pipeline_id.is_(None)))
    if active_only:
        query = query.where(r.is_active.is_(True))
    return tuple(step_of(row) for row in tx.conn.execute(query).mappings())


def step_of(row: Mapping[Any, Any]) -> RuleStep:
    """A row of the table as the domain knows it."""
    return RuleStep(
        id=row["id"], kind=row["kind"], key=row["key"], name=row["name"], order=row["order"],
        pipeline_id=row["pipeline_id"], params=row["params_json"] or {}, condition=row["condition"],
        only_if_any=row["only_if_any"], last_id=(row["state_json"] or {}).get("last"), is_active=row["is_active"],
    )  # fmt: skip


def workers(catalog: Catalog) -> list[UserItem]:
    """Who leads are given to: active users who edit only their own; where the office has none, all who edit leads."""
    active = [u for u in catalog.users if u.is_active and u.login != SYSTEM]
    scope = {u.id: catalog.role_by_id[u.role_id].grants.get("edit") for u in active}
    own = [u for u in active if (grant := scope[u.id]) is not None and grant.scope == "own"]
    return own or [u for u in active if (grant := scope[u.id]) is not None and grant.scope != "none"]


def agents(tx: ReadTx) -> tuple[Agent, ...]:
    """Everybody who works leads, with their open leads and their conversion rate as they are in this transaction."""
    if isinstance(tx, WriteTx):
        tx.flush()
    found = workers(tx.catalog)
    ids = [u.id for u in found]
    stages = tx.catalog.stage_by_id
    every, converted, opened = dict.fromkeys(ids, 0), dict.fromkeys(ids, 0), dict.fromkeys(ids, 0)
    for cell in tallies.cells(tx, "c", ("assigned_to_id", "first_id")):
        user_id, stage = cell.key[0], stages[cell.key[1]]
        if user_id not in every:
            continue
        every[user_id] += cell.n
        converted[user_id] += cell.n if stage.is_converted else 0
        opened[user_id] += 0 if stage.is_converted or stage.is_lost else cell.n
    return tuple(agent_of(u, opened[u.id], converted[u.id] / every[u.id] if every[u.id] else 0.0) for u in found)


def agent_of(user: UserItem, load: int = 0, rate: float = 0.0) -> Agent:
    """A user as the rules see him."""
    return Agent(
        id=user.id, login=user.login, branch_id=user.branch_id, areas=area_keys(user.service_areas),
        types=word_keys(user.specializations), languages=word_keys(user.languages),
        min_price_minor=user.min_price_minor, max_price_minor=user.max_price_minor, capacity=user.capacity,
        is_available=user.is_available, is_active=user.is_active, load=load, conversion_rate=rate,
    )  # fmt: skip


def lead_facts(catalog: Catalog, facts: Mapping[str, Any]) -> LeadFacts:
    """A lead as the rules see it, from what is known of it (`score_facts.of`, `past_facts.at`)."""
    product = catalog.product_by_id.get(facts.get("package") or 0)
    source = catalog.source_by_id.get(facts.get("source") or 0)
    branch = catalog.branch_by_id.get(facts.get("branch") or 0)
    wanted = [facts.get("property_type"), facts.get("product_interest")]
    wanted[1:1] = [product.name, product.kind] if product is not None else []
    return LeadFacts(
        area=facts.get("city") or facts.get("location"),
        types=tuple(dict.fromkeys(word for word in wanted if word)),
        budget_minor=facts.get("budget"),
        source_id=facts.get("source"),
        source=source.name if source else None,
        branch_id=facts.get("branch"),
        branch=branch.name if branch else None,
        language=facts.get("language"),
        is_assigned=facts.get("assigned_to") is not None,
        facts=facts,
    )


def basic_facts(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What kinds of rules ask, from all columns of a lead, as `score_facts` would have it."""
    ids = {"package": "product_id", "source": "source_id", "branch": "branch_id", "assigned_to": "assigned_to_id"}
    return {key: row[ids.get(key, "budget_minor" if key == "budget" else key)] for key in BASIC}


class Conditions:
    """Whether rules count for a lead; each condition is read once."""

    def __init__(self, tx: ReadTx, steps: Iterable[RuleStep] = ()) -> None:
        self._catalog = tx.catalog
        self._read: dict[str, Any] = {}
        for step in steps:
            if step.condition:
                self._of(step.condition)

    @property
    def keys(self) -> frozenset[str]:
        """The facts that they read."""
        return frozenset(key for one in self._read.values() if one is not None for key in one.keys)

    def _of(self, text: str) -> Any:
        if text not in self._read:
            try:
                self._read[text] = conditions.read(text, self._catalog)
            except LeadtuiError:  # what it names is gone: it counts for no lead, and the list of rules says so
                self._read[text] = None
        return self._read[text]

    def holds(self, step: RuleStep, lead: LeadFacts) -> bool:
        """Whether the rule counts for this lead."""
        if not step.condition:
            return True
        found = self._of(step.condition)
        return found is not None and bool(found.holds(lead.facts))


# -- giving leads away ------------------------------------------------------------------------------------------------
class Desk:
    """Gives leads away in one transaction. `choose` changes nothing; `give` and `carry_out` write and count."""

    def __init__(self, tx: ReadTx, ids: Sequence[int] = (), *, steps: Sequence[RuleStep] | None = None) -> None:
        """`ids`: the leads it will be asked about, where they are many: what conditions ask is then read at once.

        `steps`: rules that are tried instead of those of the office.
        """
        lock(tx)
        self.tx = tx
        self.agents = agents(tx)
        self.loads = {a.id: a.load for a in self.agents}
        self._turns: dict[int, int] = {}
        self._all = rules(tx, None) if steps is None else tuple(steps)
        self._rules: dict[int, tuple[RuleStep, ...]] = {}
        self._conditions = Conditions(tx, self._all)
        self._ids = tuple(ids)
        self._facts: dict[int, Mapping[str, Any]] = {}
        self._given: dict[int, tuple[int | None, int]] = {}
        self.has_offered = False
        # Who reads the timeline later may not see amounts; who looks now may.
        self._money: Callable[[int], str] | None = None
        if not isinstance(tx, WriteTx) and "budget" not in tx.actor.hidden_fields:
            self._money = partial(shown_money, currency=tx.catalog.currency)

    def rules_of(self, pipeline_id: int) -> tuple[RuleStep, ...]:
        """The rules of a pipeline."""
        if pipeline_id not in self._rules:
            self._rules[pipeline_id] = tuple(r for r in self._all if r.pipeline_id in (None, pipeline_id))
        return self._rules[pipeline_id]

    def choose(self, row: Mapping[Any, Any], *, may_offer: bool = True) -> Choice:
        """Who would get this lead (all its columns)."""
        steps = self.rules_of(row["pipeline_id"])
        facts = {**basic_facts(row), **self._more(row["id"], steps)}
        return choose(
            steps, lead_facts(self.tx.catalog, facts), self.agents, loads=self._loads_beside(row), turns=self._turns,
            holds=self._conditions.holds, may_offer=may_offer, show_money=self._money,
        )  # fmt: skip

    def _loads_beside(self, row: Mapping[Any, Any]) -> Mapping[int, int]:
        """What each agent has beside this lead: who has it is not busier by it than his equal."""
        owner = row["assigned_to_id"]
        is_counted = owner in self.loads and self._is_open(row)
        return {**self.loads, owner: self.loads[owner] - 1} if is_counted else self.loads

    def _is_open(self, row: Mapping[Any, Any]) -> bool:
        stage = self.tx.catalog.stage_by_id[row["stage_id"]]
        return not stage.is_converted and not stage.is_lost

    def _more(self, lead_id: int, steps: Sequence[RuleStep]) -> Mapping[str, Any]:
        """What the conditions of the rules ask of a lead."""
        if not any(step.condition for step in steps):
            return {}
        from . import score_facts

        if lead_id not in self._facts:
            some = [lead_id, *(i for i in self._ids if i not in self._facts)][:_CHUNK]
            if isinstance(self.tx, WriteTx):
                self.tx.flush()
            self._facts |= score_facts.of(self.tx, some, self._conditions.keys)
        return self._facts.get(lead_id, {})

    def give(
        self, row: Mapping[Any, Any], *, plans: bool = True
    ) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
        """Choose for a locked lead and write it: (columns to change, what the audit says beside, what to tell).

        Raises Refused (code `no_agent`) where nobody can have it.
        """
        choice = self.choose(row)
        if choice.is_nobody:
            raise _no_agent(choice)
        return self.carry_out(row, choice, plans=plans)

    def carry_out(
        self, row: Mapping[Any, Any], choice: Choice, *, plans: bool = True
    ) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
        """Write what was chosen for a locked lead; answers as `give` does."""
        from . import offers

        tx = self.tx
        assert isinstance(tx, WriteTx)  # noqa: S101 - a desk that gives stands in a write transaction
        if choice.offered:
            until, names = offers.make(tx, row, choice)
            self.has_offered = True
            words = f"offered to {', '.join(names)} until {until:%H:%M}: whoever claims it first has it"
            return {}, {"offered": names}, (words,)
        user_id = choice.agent_id
        if user_id is None or user_id == row["assigned_to_id"]:
            return {}, {}, ()
        self.count(row, user_id)
        self._turns |= choice.turns
        columns = hand_to(tx, row, user_id, how=HOW, lines=choice.lines)
        if plans:
            columns |= first_follow_up(tx, row, user_id)
        tx.at_end(self._finish, row["id"])
        return columns, {}, ()

    def count(self, row: Mapping[Any, Any], user_id: int) -> None:
        """Remember that a lead is given to somebody: the next one finds him with one more."""
        if not self._is_open(row):
            return
        self._given[row["id"]] = (row["assigned_to_id"], user_id)
        self._move(row["assigned_to_id"], user_id)

    def _move(self, old: int | None, new: int | None) -> None:
        for user_id, step in ((old, -1), (new, 1)):
            if user_id in self.loads:
                self.loads[user_id] += step

    def forget(self, lead_id: int) -> None:
        """A lead that was given is not: what belonged to it was refused."""
        if lead_id in self._given:
            old, new = self._given.pop(lead_id)
            self._move(new, old)

    def _finish(self, tx: WriteTx, ids: Sequence[int]) -> None:
        """Remember whose turn it was, and tell each agent what he has got."""
        for rule_id, user_id in self._turns.items():
            r = t.assignment_rule.c
            tx.conn.execute(update(t.assignment_rule).where(r.id == rule_id).values(state_json={"last": user_id}))
        tell(tx, ids)


def _no_agent(choice: Choice) -> Refused:
    return Refused(
        "there is no available user to assign to", code="no_agent", field="assigned_to",
        hint=shorten("; ".join(choice.lines[:-1]) or "enable an agent, or name a user", 200),
    )  # fmt: skip


def takes_new(tx: ReadTx, named: str | None, *, came_in: bool) -> bool:
    """Whether a new lead is given away by the rules: "auto" was named for it; or nobody was, its maker does not keep
    it (spec AI10), and the setting `auto_assign` says so: `intake` for what comes in by itself, `all` for every lead.
    """
    if named is not None and named.strip():
        return is_auto(named)
    mode = str(tx.catalog.settings.get("auto_assign", "off"))
    if tx.actor.scope("read") in {"own", "team"}:
        return False
    by_itself = came_in or (isinstance(tx, WriteTx) and tx.origin.startswith("api:"))
    return mode == "all" or (mode == "intake" and by_itself)


def give_new(tx: WriteTx, lead_id: int) -> list[str]:
    """Give away a lead that this transaction made; answers warnings. Where nobody can have it, it is kept all the same
    and waits with the unassigned, and supervisors are told (spec AJ4).
    """
    from . import unassigned

    tx.flush()
    desk = Desk(tx)
    row = w.load(tx, lead_id)
    choice = desk.choose(row)
    if choice.is_nobody:
        unassigned.wait(tx, lead_id)
        return ["nobody is available to get it: it waits with the unassigned leads"]
    columns, extra, words = desk.carry_out(row, choice)
    if columns:  # its first version: nobody has seen it yet
        tx.update_later(t.lead, lead_id, columns)
    tx.audit("assign", "lead", lead_id, {key: row[key] for key in columns}, {**columns, **extra})
    return list(words)


def tell(tx: WriteTx, ids: Sequence[int]) -> None:
    """Tell agents which of these leads are theirs since this transaction: one notice each. Not who did it himself."""
    tx.flush()
    c = t.lead.c
    got: dict[int, list[Any]] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        query = (
            select(c.id, c.number, c.assigned_to_id, c.city, c.location, c.product_id, c.product_interest)
            .where(c.id.in_(wanted[start : start + _CHUNK]), c.assigned_to_id.is_not(None), c.assigned_at == tx.now)
            .order_by(c.id)
        )
        for row in tx.conn.execute(query).mappings():
            got.setdefault(row["assigned_to_id"], []).append(row)
    notices = []
    for user_id, rows in got.items():
        if user_id == tx.actor.user_id:
            continue
        last = rows[-1]
        more = f"{len(rows):,} leads were assigned to you, the last is {last['number']}"
        one = f"{last['number']} was assigned to you" + about(tx.catalog, last)
        occurrence = f"{ASSIGNED}:b{tx.batch_id or 0}:{last['id']}"
        lead_id = last["id"] if len(rows) == 1 else None
        notices.append(Notice(user_id, ASSIGNED, occurrence, one if len(rows) == 1 else more, lead_id))
    notify_many(tx, notices)


def take_back(tx: WriteTx, batch_id: int, ids: Collection[int], *, whole: bool) -> None:
    """A batch is undone: nobody is told any more what it gave him of these leads; `whole`: nor of many at once."""
    n = t.notification.c
    mine = (n.kind == ASSIGNED, n.seen_at.is_(None), n.occurrence.like(f"{ASSIGNED}:b{batch_id}:%"))
    found = tx.conn.execute(select(n.id, n.lead_id).where(*mine)).all()
    gone = [row.id for row in found if row.lead_id in ids or (whole and row.lead_id is None)]
    tx.conn.execute(delete(t.notification).where(n.id.in_(gone)))


def about(catalog: Catalog, row: Mapping[Any, Any]) -> str:
    """Where a lead is and what it wants, in brackets: what may be said of it to whoever may not see it yet."""
    product = catalog.product_by_id.get(row["product_id"] or 0)
    wants = product.name if product is not None else row["product_interest"]
    words = [shorten(str(one), 60) for one in (row["city"] or row["location"], wants) if one]
    return f" ({', '.join(words)})" if words else ""


def shown_money(minor: int, *, currency: str) -> str:
    """An amount as explanations show it."""
    return f"{currency} {format_money(minor, currency)}"


# -- for others -------------------------------------------------------------------------------------------------------
def preview(office: Office, ref: str | int) -> Choice:
    """Who would get a lead now, with the explanation. Raises NotFound, NotPermitted."""
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        w.allow(tx, row, "assign")
        return Desk(tx).choose(row)


def load_of(tx: ReadTx, user: UserItem) -> int:
    """The open leads of one user, as they are in this transaction."""
    return w.workload(tx, user.id).get(user.id, 0)
