"""To whom a campaign goes: the leads that a filter finds, and for each whether it is written to and what (spec §P 137).

The filter is that of lists; the leads are those on which whoever runs the campaign may do so, and which are neither
converted nor lost (parked ones are in, AG4). `Look` goes through them in the order of their ids and judges each by the
one judge (`services.consent`); counting while somebody types, the rehearsal and the freeze all look through it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, select

from leadtui.domain.campaigns import BROADCAST
from leadtui.domain.catalog import Catalog
from leadtui.domain.criteria_ids import without_ids
from leadtui.domain.filters import EVERYTHING, Node, from_criteria, to_criteria
from leadtui.domain.lead_filters import filter_fields, parse_lead_filter
from leadtui.domain.permissions import Actor
from leadtui.domain.templates import Template, parse
from leadtui.errors import Invalid, NotPermitted
from leadtui.store import schema as t
from leadtui.store.leads import condition as lead_condition
from leadtui.store.leads import lookup_of
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx

from . import consent
from . import lead_writes as w
from .lead_texts import LeadTexts, had_one_since
from .office import Office

CHUNK: Final = 1_000
MOST_NAMED: Final = 5_000
"""Of the leads dropped for one reason, so many are named."""
DUPLICATE: Final = "duplicate"
MISSING: Final = "missing_value"
REASONS: Final = consent.REASONS
"""Why a lead is not written to: code → words."""

_PARAMS: Final = ("params", "header", "buttons")
"""The parts of an approved template of a provider that may hold places."""

Row = Mapping[Any, Any]


# -- who -----------------------------------------------------------------------------------------------------------
def node_of(
    catalog: Catalog, actor: Actor, where: str | None = None, criteria: Any = None
) -> tuple[Node | None, str | None, Any]:
    """The audience as a tree, as it was typed, and as the criteria JSON that is kept.

    `criteria` is JSON text or what it means, the source's short form with ids too; a filter and criteria do not go
    together. Raises FilterError, Invalid (field `criteria`).
    """
    if criteria in (None, "") and not (where or "").strip():
        return None, None, None
    if criteria in (None, ""):
        node = parse_lead_filter(where or "", actor.hidden_fields)
        return node, (where or "").strip(), to_criteria(node) if node is not None else None
    if (where or "").strip():
        raise Invalid("a filter and criteria do not go together", field="criteria", hint="give one of them")
    node = from_criteria(without_ids(_json(criteria), catalog), filter_fields(actor.hidden_fields))
    if node == EVERYTHING:
        return None, None, None
    return node, None, to_criteria(node)


def _json(criteria: Any) -> Any:
    if not isinstance(criteria, str):
        return criteria
    try:
        return json.loads(criteria)
    except ValueError as error:
        hint = 'such as {"priority": "high", "status_id": [1, 2]}'
        raise Invalid(f"the criteria are not JSON: {error}", field="criteria", hint=hint) from None


def stored_node(criteria: Any, actor: Actor) -> Node | None:
    """The tree of kept criteria, for whoever runs the campaign."""
    return None if criteria is None else from_criteria(criteria, filter_fields(actor.hidden_fields))


def condition(tx: ReadTx, node: Node | None) -> ColumnElement[bool]:
    """The leads of an audience, for the transaction's actor. Raises FilterError for a value that names nothing."""
    open_stages = [stage.id for stage in tx.catalog.stages if not stage.is_converted and not stage.is_lost]
    c = t.lead.c
    return and_(
        lead_condition(tx, node, action="campaign", lookup=lookup_of(tx)),
        scope_clause(tx.actor, "read"), c.deleted_at.is_(None), c.stage_id.in_(open_stages),
    )  # fmt: skip


@dataclass(frozen=True)
class Texts:
    """The templates of a campaign, read: the text, the subject where its channel has one, a provider's parameters."""

    body: Template
    subject: Template | None = None
    params: Mapping[str, tuple[Template, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, body: str, subject: str | None, provider: Any = None, hidden: frozenset[str] = frozenset()) -> Texts:
        """Raises Invalid (fields `template`, `subject`, `provider`)."""
        found: dict[str, tuple[Template, ...]] = {}
        for key in _PARAMS:
            some = (provider or {}).get(key) or ()
            found[key] = tuple(parse(str(one), hidden=hidden, field="provider") for one in some)
        return cls(
            parse(body, hidden=hidden), parse(subject, hidden=hidden, field="subject") if subject else None, found
        )

    @cached_property
    def all(self) -> tuple[Template, ...]:
        """Every one of them."""
        params = [one for some in self.params.values() for one in some]
        return (self.body, *((self.subject,) if self.subject else ()), *params)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The placeholders used."""
        return tuple(dict.fromkeys(key for one in self.all for key in one.fields))

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Those that must have a value."""
        return tuple(dict.fromkeys(key for one in self.all for key in one.required))

    def render(self, values: Mapping[str, str | None], provider: Any = None) -> tuple[str, str | None, Any]:
        """The text, the subject (one line), and the provider's template with its parameters, for one lead."""
        subject = " ".join(self.subject.render(values).text.split())[:255] if self.subject else None
        if provider:
            rendered = {key: [one.render(values).text for one in some] for key, some in self.params.items()}
            provider = {**provider, **rendered}
        return self.body.render(values).text, subject, provider


@dataclass(frozen=True, slots=True)
class Judged:
    """A lead of the audience: written to at `address`, or not, for a `reason`. `values` are those of placeholders."""

    row: Row
    address: str | None
    key: str | None
    reason: str | None
    values: Mapping[str, str | None]
    missing: tuple[str, ...] = ()


class Look:
    """Goes through an audience within one read transaction, judging each lead."""

    def __init__(self, tx: ReadTx, node: Node | None, channel: str, texts: Texts) -> None:
        self._tx, self._judge = tx, consent.Judge(tx, channel, BROADCAST)
        self.texts, self.values = texts, LeadTexts(tx, texts.fields)
        self.where = condition(tx, node)
        base = ("id", "number", "name", "consent", "referrer_id", "assigned_to_id", *consent.COLUMNS)
        self._columns = [t.lead.c[name] for name in dict.fromkeys((*base, *self.values.columns))]

    def count(self, *, upto: int | None = None) -> int:
        """How many leads the filter finds, whether they are written to or not; `upto` an id."""
        query = select(func.count()).select_from(t.lead).where(self.where)
        if upto is not None:
            query = query.where(t.lead.c.id <= upto)
        return int(self._tx.conn.execute(query).scalar_one())

    def chunks(self, *, after: int = 0, upto: int | None = None, size: int = CHUNK) -> Iterator[list[Judged]]:
        """The leads by id, `size` at a time; duplicates are judged by `unique`."""
        c = t.lead.c
        query = select(*self._columns).where(self.where, c.id > after)
        if upto is not None:
            query = query.where(c.id <= upto)
        found = self._tx.conn.execute(query.order_by(c.id).execution_options(yield_per=size))
        for rows in found.mappings().partitions(size):
            yield self._judged(rows)

    def _judged(self, rows: Sequence[Row]) -> list[Judged]:
        self.values.load(rows)
        ways = [self._judge.address(row) or (None, None) for row in rows]
        self._judge.load(key for _, key in ways if key is not None)
        return [self._one(row, *way) for row, way in zip(rows, ways, strict=True)]

    def _one(self, row: Row, address: str | None, key: str | None) -> Judged:
        values = self.values.of(row)
        missing = tuple(name for name in self.texts.required if not values.get(name))
        reason = self._judge.reason(row, address, key) or (MISSING if missing else None)
        return Judged(row, address, key, reason, values, missing)

    def of_lead(self, lead_id: int) -> Judged:
        """One lead, whether the filter finds it or not."""
        query = select(*self._columns).where(t.lead.c.id == lead_id)
        rows = self._tx.conn.execute(query).mappings().all()
        if not rows:
            raise w.not_found(lead_id)
        return self._judged(rows)[0]


def unique(judged: Judged, seen: set[str]) -> str | None:
    """Why this lead is not written to: its own reason, or that a lead before it has the same address."""
    if judged.reason is not None:
        return judged.reason
    if judged.key in seen:
        return DUPLICATE
    seen.add(judged.key or "")
    return None


# -- counting ------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class AudienceCount:
    """An audience in numbers. `found` are the leads of the filter, `to_send` those who are written to.

    `by_reason` are the others; `missing` says which values they lack. Of those written to: `unknown_consent` never said
    yes, `had_one_today` had a message within the last day.
    """

    found: int = 0
    to_send: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    missing_leads: list[str] = field(default_factory=list)
    unknown_consent: int = 0
    had_one_today: int = 0

    def add(self, one: Judged, reason: str | None, recent: set[int]) -> None:
        """Count one lead."""
        self.found += 1
        if reason is None:
            self.to_send += 1
            self.unknown_consent += one.row["consent"] is None
            self.had_one_today += one.row["id"] in recent
            return
        self.by_reason[reason] += 1
        if reason == MISSING:
            self.missing.update(one.missing)
            if len(self.missing_leads) < 5:
                self.missing_leads.append(one.row["number"])


class Stopped(Exception):
    """Nobody wants the answer any more."""


def survey(
    look: Look,
    tx: ReadTx,
    *,
    each: Callable[[Judged, str | None], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> AudienceCount:
    """Go through the whole audience. `each` is called with every lead and why it is left out. Raises Stopped."""
    counted, seen = AudienceCount(), set[str]()
    recent = had_one_since(tx, tx.now - timedelta(days=1))
    for chunk in look.chunks():
        if should_stop is not None and should_stop():
            raise Stopped
        for one in chunk:
            reason = unique(one, seen)
            counted.add(one, reason, recent)
            if each is not None:
                each(one, reason)
    return counted


def count(
    office: Office,
    where: str | None = None,
    *,
    criteria: Any = None,
    channel: str = "file",
    template: str = "",
    subject: str | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> AudienceCount | None:
    """An audience while it is typed; None when stopped. Raises FilterError, Invalid, NotPermitted."""
    with office.read() as tx:
        w.require(tx, "campaign")
        node, _, _ = node_of(tx.catalog, tx.actor, where, criteria)
        look = Look(tx, node, channel, Texts.read(template, subject, hidden=tx.actor.hidden_fields))
        try:
            return survey(look, tx, should_stop=should_stop)
        except Stopped:
            return None


def ids_by_reason(tx: ReadTx, look: Look, reason: str) -> tuple[int, ...]:
    """The leads left out for a reason (`missing` is `missing_value`), at most MOST_NAMED."""
    wanted = MISSING if reason == "missing" else reason
    found: list[int] = []

    def note(one: Judged, why: str | None) -> None:
        if why == wanted and len(found) < MOST_NAMED:
            found.append(one.row["id"])

    survey(look, tx, each=note)
    return tuple(found)


# -- one lead ------------------------------------------------------------------------------------------------------
def values_in(tx: ReadTx, row: Row, fields: Sequence[str]) -> Mapping[str, str | None]:
    """The values of these placeholders for a lead whose whole row was read."""
    values = LeadTexts(tx, fields)
    values.load([row])
    return values.of(row)


def values_of(office: Office, ref: str | int, text: str) -> Mapping[str, str | None]:
    """The values that a template needs of one lead the actor may see. Raises Invalid, NotFound."""
    with office.read() as tx:
        template = parse(text, hidden=tx.actor.hidden_fields)
        return values_in(tx, w.load(tx, w.resolve(tx, ref)), template.fields)


def neighbour(office: Office, where: str | None, criteria: Any, lead_id: int | None, step: int = 1) -> int | None:
    """The next (or, with -1, the one before) lead of an audience by id; without `lead_id` the first, or the last."""
    with office.read() as tx:
        w.require(tx, "campaign")
        node, _, _ = node_of(tx.catalog, tx.actor, where, criteria)
        c = t.lead.c.id
        query = select(c).where(condition(tx, node)).order_by(c if step > 0 else c.desc()).limit(1)
        if lead_id is not None:
            query = query.where(c > lead_id if step > 0 else c < lead_id)
        return tx.conn.execute(query).scalar()


def acting(catalog: Catalog, user_id: int | None) -> Actor:
    """Who runs a campaign, as he may now. Raises NotPermitted when he may no more."""
    user = catalog.user_by_id.get(user_id or 0)
    actor = catalog.actor_for(user) if user is not None and user.is_active else None
    if actor is None or not actor.may("campaign"):
        login = user.login if user is not None else "nobody"
        raise NotPermitted(f"{login} may not run campaigns any more", code="not_permitted", field="campaign")
    return actor
