"""The day of a person: what is overdue, due now, due later, waiting or going stale, each with its reason.

Every part is a count and its first rows. Each open activity is a thing of its own; of the parts about leads nobody
looks after, a lead stands in the first that fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, true

from leadtui.domain.channel_words import channel_word
from leadtui.domain.dates import day_bounds, local_day
from leadtui.domain.follow_up_words import OVERDUE
from leadtui.domain.money import format_money
from leadtui.domain.permissions import Actor
from leadtui.domain.records import FollowUpRow, LeadRow
from leadtui.domain.slas import has_limit
from leadtui.domain.today import (
    SECTIONS,
    WHOSE,
    Today,
    TodayRow,
    TodaySection,
    follow_up_reason,
    moment_words,
    rotting_reason,
)
from leadtui.errors import UsageError
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx

from . import follow_ups as f
from . import intake_rows, message_lists
from . import offers as offer_rows
from .office import Office

FIRST = 6
"""Rows of a part that are read before somebody asks for more."""
PLANNED_ANEW = timedelta(days=14)
"""A missed follow-up is planned anew for one of the next working days; what somebody moved further away is his plan."""
_OPEN_LOANS = ("pending", "overdue")


def choices(actor: Actor) -> tuple[str, ...]:
    """Whose work this user may look at: his own; his team's where he has one; that of all leads in his scope."""
    if actor.scope("read") in ("own", "none"):
        return ("mine",)
    others = set(actor.team_user_ids) - {actor.user_id}
    return ("mine", "team", "all") if others and actor.scope("read") != "team" else ("mine", "all")


def sections(
    office: Office, *, whose: str = "mine", more: Mapping[str, int] | None = None, first: int = FIRST
) -> Today:
    """Everything the acting user is to do or to look after today, the most pressing part first.

    `more` says for a part how many rows are wanted instead of the `first`. `whose` is one of `WHOSE`; what the user
    has no right to becomes "mine". Raises UsageError.
    """
    if whose not in WHOSE:
        raise UsageError(f"'{whose}' is nobody's day", field="whose", hint="one of: " + ", ".join(WHOSE))
    with office.read() as tx:
        may = choices(tx.actor)
        reader = _Day(tx, whose if whose in may else "mine", dict(more or {}), first)
        parts_of_it = (reader.handed(), reader.loans(), *reader.leads(), reader.intakes())
        found = [reader.offers(), *reader.follow_ups(), *parts_of_it]
    parts = tuple(part for part in found if part is not None and part.count)
    return Today(parts, reader.whose, may, tx.now)


class _Day:
    """Reads the parts of one user's day in one transaction."""

    def __init__(self, tx: ReadTx, whose: str, more: dict[str, int], first: int) -> None:
        self.tx, self.whose, self.more, self.first = tx, whose, more, first
        self.actor = tx.actor
        self.tz = tx.catalog.zone_of(tx.actor.user_id)
        self.bounds = f.bounds(tx.catalog, tx.actor.user_id, tx.now)
        self.live = and_(t.lead.c.deleted_at.is_(None), scope_clause(tx.actor))

    def limit(self, key: str) -> int:
        """Rows wanted of a part."""
        return max(self.more.get(key, 0), self.first)

    def _part(self, key: str, count: int, rows: Sequence[TodayRow]) -> TodaySection:
        return TodaySection(key, count, tuple(rows))

    # -- offers

    def offers(self) -> TodaySection | None:
        """Leads that are offered to the person: who claims one first has it, whosever day is shown."""
        found = [one for one in offer_rows.open_rows(self.tx) if one.mine]
        rows = []
        for one in found[: self.limit("offers")]:
            what = ", ".join(word for word in (one.area, one.package) if word)
            until = self._when(one.until)
            reason = f"{what}; until {until}" if what else f"until {until}"
            rows.append(TodayRow(f"c{one.id}", "offers", one.lead_number, reason, None, one.lead_id, one.until))
        return self._part("offers", len(found), rows)

    # -- follow-ups and tasks

    def follow_ups(self) -> list[TodaySection]:
        """Overdue, due now, later today, tasks: one statement counts them all."""
        a, now = t.activity.c, self.tx.now
        due = f.due_clause(self.bounds)
        task, overdue = a.type == "task", f.overdue_clause(self.bounds)
        passed = or_(a.all_day.is_(True), a.scheduled_at <= now)
        tests = {
            "overdue": and_(~task, overdue),
            "now": and_(~task, ~overdue, passed),
            "later": and_(~task, ~overdue, ~passed),
            "tasks": task,
        }
        wanted = and_(f.open_clause(), due, self.live, _to_do(self.tx, self.whose))
        joined = t.activity.join(t.lead, t.lead.c.id == a.lead_id)
        sums = [func.sum(case((test, 1), else_=0)) for test in tests.values()]
        counts = [int(n or 0) for n in self.tx.conn.execute(select(*sums).select_from(joined).where(wanted)).one()]
        found = {
            key: f.rows(self.tx, and_(wanted, test), self.bounds, limit=self.limit(key)) if count else []
            for (key, test), count in zip(tests.items(), counts, strict=True)
        }
        every = [row for rows in found.values() for row in rows]
        leads = self._leads_by_id(row.lead_id for row in every)
        since = self._late_since([row.id for row in every if row.context == OVERDUE])
        parts = [
            self._part(key, count, [self._follow_up(key, row, leads, since) for row in rows if row.lead_id in leads])
            for (key, rows), count in zip(found.items(), counts, strict=True)
        ]
        return [*parts[:2], self.missed(), *parts[2:]]

    def missed(self) -> TodaySection:
        """What was late, passed on and planned anew for another day: it is still late, and can be done sooner."""
        wanted = and_(missed_clause(self.bounds), self.live, _to_do(self.tx, self.whose))
        joined = t.activity.join(t.lead, t.lead.c.id == t.activity.c.lead_id)
        count = int(self.tx.conn.execute(select(func.count()).select_from(joined).where(wanted)).scalar_one())
        rows = f.rows(self.tx, wanted, self.bounds, limit=self.limit("missed")) if count else []
        leads = self._leads_by_id(row.lead_id for row in rows)
        since = self._late_since([row.id for row in rows])
        found = [self._follow_up("missed", row, leads, since) for row in rows if row.lead_id in leads]
        return self._part("missed", count, found)

    def _follow_up(
        self, key: str, row: FollowUpRow, leads: Mapping[int, LeadRow], since: Mapping[int, datetime]
    ) -> TodayRow:
        reason = follow_up_reason(
            row.type, row.at, row.all_day, row.subject, self.tx.now, self.tz, since.get(row.id)
        )  # fmt: skip
        late = row.overdue or (not row.all_day and row.at <= self.tx.now)
        lead = leads[row.lead_id]
        return TodayRow(
            f"f{row.id}", key, lead.title, reason, lead, row.id, row.at, row.all_day, late, row.assigned_to
        )  # fmt: skip

    def _late_since(self, ids: Sequence[int]) -> dict[int, datetime]:
        """Since when follow-ups that replaced a missed one are really late."""
        if not ids:
            return {}
        a = t.activity.c
        found = self.tx.conn.execute(select(a.id, a.metadata_json).where(a.id.in_(ids)))
        known = {r.id: (r.metadata_json or {}).get("late_since") for r in found}
        return {i: datetime.fromisoformat(text) for i, text in known.items() if isinstance(text, str)}

    # -- messages

    def handed(self) -> TodaySection | None:
        """Messages handed to a phone or a browser: nobody has said whether they went."""
        if not self.actor.may("log"):
            return None
        m = t.message.c
        mine = or_(m.created_by_id == self.actor.user_id, _of_leads(self.actor, self.whose))
        wanted = and_(message_lists.asking(self.tx, "handed_off", "log"), m.lead_id.is_not(None))
        wanted = and_(wanted, mine) if self.whose != "all" else wanted
        count, found = message_lists.page(
            self.tx, wanted, limit=self.limit("handed"), order=(m.sending_at, m.id)
        )  # fmt: skip
        leads = self._leads_by_id(one.lead_id for one in found)
        rows = []
        for one in found:
            if (lead := leads.get(one.lead_id or 0)) is None:
                continue
            at = one.sending_at or one.created_at
            reason = f"handed over {self._when(at)}, {channel_word(one.channel)}: did it go?"
            rows.append(
                TodayRow(f"h{one.id}", "handed", lead.title, reason, lead, one.id, at, False, False, one.created_by)
            )
        return self._part("handed", count, rows)

    # -- loans

    def loans(self) -> TodaySection | None:
        """Promises to clear a loan whose day has come."""
        if not self.actor.may("loans"):
            return None
        c = t.loan_commitment.c
        day = local_day(self.tx.now, self.tx.catalog.tz)
        mine = true() if self.whose == "all" else _of_leads(self.actor, self.whose)
        wanted = and_(
            c.status.in_(_OPEN_LOANS), c.promised_clear_date <= day, self.live, scope_clause(self.actor, "loans"), mine
        )
        joined = t.loan_commitment.join(t.lead, t.lead.c.id == c.lead_id)
        count = int(self.tx.conn.execute(select(func.count()).select_from(joined).where(wanted)).scalar_one())
        if not count:
            return None
        query = (
            select(c.id, c.lead_id, c.amount_minor, c.promised_clear_date)
            .select_from(joined)
            .where(wanted)
            .order_by(c.promised_clear_date, c.id)
            .limit(self.limit("loans"))
        )
        found = self.tx.conn.execute(query).all()
        leads = self._leads_by_id(r.lead_id for r in found)
        rows = []
        for r in found:
            if r.lead_id not in leads:
                continue
            amount = f"{self.tx.catalog.currency} {format_money(r.amount_minor, self.tx.catalog.currency)}"
            at = day_bounds(r.promised_clear_date, self.tx.catalog.tz)[0]
            when = moment_words(at, True, self.tx.now, self.tx.catalog.tz)
            lead = leads[r.lead_id]
            rows.append(
                TodayRow(
                    f"p{r.id}", "loans", lead.title, f"promised to clear {amount} by {when}", lead, r.id, at, True,
                    r.promised_clear_date < day, lead.assigned_to,
                )
            )  # fmt: skip
        return self._part("loans", count, rows)

    # -- leads that nobody looks after

    def leads(self) -> list[TodaySection | None]:
        """Leads of nobody, never contacted, too long in a status: each lead in the first of them."""
        lead = t.lead.c
        clauses = lead_clauses(self.tx, self.whose)
        nobody = None
        if self.whose == "all" and self.actor.may("assign"):
            wanted = and_(lead.assigned_to_id.is_(None), clauses.in_work)
            nobody = self._lead_part("unassigned", wanted, lead.created_at, self._unassigned)
        return [
            nobody,
            self._lead_part("new", clauses.untouched, lead.created_at, self._new),
            self._lead_part("rotting", clauses.rotting, lead.stage_changed_at, self._old),
        ]

    def _lead_part(self, key: str, wanted: ColumnElement[bool], order: Any, row: Any) -> TodaySection | None:
        lead = t.lead.c
        found = and_(wanted, self.live)
        count = int(self.tx.conn.execute(select(func.count()).select_from(t.lead).where(found)).scalar_one())
        if not count:
            return None
        query = select(lead.id, lead.stage_changed_at).where(found).order_by(order, lead.id).limit(self.limit(key))
        since = {r.id: r.stage_changed_at for r in self.tx.conn.execute(query)}
        return self._part(key, count, [row(one, since[one.id]) for one in lead_queries.rows(self.tx, list(since))])

    def _when(self, at: datetime) -> str:
        return moment_words(at, False, self.tx.now, self.tz)

    def _unassigned(self, one: LeadRow, _since: datetime) -> TodayRow:
        reason = f"waits for somebody since {self._when(one.created_at)}"
        return TodayRow(f"u{one.id}", "unassigned", one.title, reason, one, None, one.created_at, False, True)

    def _new(self, one: LeadRow, _since: datetime) -> TodayRow:
        source = f" from {one.source}" if one.source else ""
        reason = f"came in {self._when(one.created_at)}{source}; nobody has made contact"
        return TodayRow(
            f"n{one.id}", "new", one.title, reason, one, None, one.created_at, False, True, one.assigned_to
        )  # fmt: skip

    def _old(self, one: LeadRow, since: datetime) -> TodayRow:
        hours = self.tx.catalog.stage_by_id[one.stage_id].sla_hours or 0
        reason = rotting_reason(one.status, since, hours, self.tx.now)
        end = since + timedelta(hours=hours)
        return TodayRow(f"r{one.id}", "rotting", one.title, reason, one, None, end, False, True, one.assigned_to)

    # -- intakes

    def intakes(self) -> TodaySection | None:
        """What came in from elsewhere and could not be made a lead of."""
        i = t.intake.c
        wanted = and_(i.state == "failed", intake_rows.visible(self.tx))
        count = int(self.tx.conn.execute(select(func.count()).select_from(t.intake).where(wanted)).scalar_one())
        if not count:
            return None
        rows = [
            TodayRow(
                f"i{one.id}", "intakes", one.title, one.error or "could not be taken in", None, one.id, one.at, False,
                True, one.by,
            )
            for one in intake_rows.rows(self.tx, wanted, limit=self.limit("intakes"))
        ]  # fmt: skip
        return self._part("intakes", count, rows)

    def _leads_by_id(self, ids: Any) -> dict[int, LeadRow]:
        return {one.id: one for one in lead_queries.rows(self.tx, list(dict.fromkeys(ids)))}


# -- conditions, of use to work mode too ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeadClauses:
    """Which leads of somebody's day there are: with something due by now, missed and planned anew,
    never contacted, too long in a status."""

    live: ColumnElement[bool]
    in_work: ColumnElement[bool]
    due_lead_ids: Select[Any]
    missed_lead_ids: Select[Any]
    untouched: ColumnElement[bool]
    rotting: ColumnElement[bool]


def lead_clauses(tx: ReadTx, whose: str) -> LeadClauses:
    """The conditions over `lead`; those of the last two are no lead's together, nor with one that is due or missed."""
    lead, a, actor = t.lead.c, t.activity.c, tx.actor
    bounds = f.bounds(tx.catalog, actor.user_id, tx.now)
    live = and_(lead.deleted_at.is_(None), scope_clause(actor))
    open_stages = [s.id for s in tx.catalog.stages if not (s.is_converted or s.is_lost or s.is_parked)]
    in_work = lead.stage_id.in_(open_stages)
    of_them = _of_leads(actor, whose)
    by_now = and_(f.due_clause(bounds), or_(a.all_day.is_(True), a.scheduled_at <= tx.now))
    joined = t.activity.join(t.lead, lead.id == a.lead_id)
    due = select(a.lead_id).select_from(joined).where(f.open_clause(), by_now, _to_do(tx, whose))
    waits = or_(lead.next_follow_up_at.is_(None), lead.next_follow_up_at >= bounds.end)
    contacted = or_(lead.last_activity_at.is_not(None), lead.next_follow_up_at.is_not(None))
    untouched = and_(lead.last_activity_at.is_(None), lead.next_follow_up_at.is_(None), in_work, of_them)
    missed = select(a.lead_id).select_from(joined).where(missed_clause(bounds), _to_do(tx, whose))
    rotting = and_(_rots(tx), waits, contacted, of_them, lead.id.not_in(missed))
    return LeadClauses(live, in_work, due, missed, untouched, rotting)


def missed_clause(bounds: f.Bounds) -> ColumnElement[bool]:
    """Open follow-ups of the coming days that took the place of a missed one."""
    a = t.activity.c
    soon = a.scheduled_at < bounds.end + PLANNED_ANEW
    return and_(f.open_clause(), f.upcoming_clause(bounds), soon, a.context == OVERDUE)


def _rots(tx: ReadTx) -> ColumnElement[bool]:
    lead = t.lead.c
    limits = [
        and_(lead.stage_id == s.id, lead.stage_changed_at < tx.now - timedelta(hours=s.sla_hours or 0))
        for s in tx.catalog.stages
        if has_limit(s)
    ]
    return or_(*limits) if limits else false()


def _to_do(tx: ReadTx, whose: str) -> ColumnElement[bool]:
    """Open activities of somebody's day, over `activity` and `lead`."""
    actor, meant = tx.actor, f.still_meant(tx.catalog)
    match whose:
        case "mine":
            return and_(meant, f.done_by(actor.user_id))
        case "team":
            a, team = t.activity.c, _team(actor)
            by_lead = and_(a.assigned_to_id.is_(None), t.lead.c.assigned_to_id.in_(team))
            return and_(meant, or_(a.assigned_to_id.in_(team), by_lead))
        case _:
            return meant


def _of_leads(actor: Actor, whose: str) -> ColumnElement[bool]:
    """Leads that somebody looks after."""
    match whose:
        case "mine":
            return t.lead.c.assigned_to_id == actor.user_id
        case "team":
            return t.lead.c.assigned_to_id.in_(_team(actor))
        case _:
            return t.lead.c.assigned_to_id.is_not(None)


def _team(actor: Actor) -> set[int]:
    return {*actor.team_user_ids, actor.user_id}


__all__ = ["SECTIONS", "LeadClauses", "choices", "lead_clauses", "missed_clause", "sections"]
