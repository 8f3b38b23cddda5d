"""Rules about how leads behave, carried out once per event that makes them go off (spec §S 148–152, AJ5).

`evaluate` handles the event `behavior.recorded` as `system`, in the transaction that closes it: what a rule does and
the row that says so are written together, one row per (rule, event). A rule leaves a lead alone that is excluded from
it, lost or deleted, for which it went off within its pause, or for an event that was told days after it happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, select

from leadtui.domain.dates import day_bounds, local_day
from leadtui.domain.triggers import Condition, Seen, TriggerItem, breaking, event_name, goes_off, item_from
from leadtui.errors import LeadtuiError
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import catalogue, trigger_actions
from . import lead_writes as w
from .drip_events import locked, matches
from .office import Office

STALE: Final = timedelta(days=2)
"""What is told so long after it happened is counted, but sets nothing off: nobody is written to about last month."""

_MOST_SEEN: Final = 1_000


# -- the handler -------------------------------------------------------------------------------------------------------
def evaluate(tx: WriteTx, event: Any) -> None:
    """Look at what a lead did with every rule that is in use for it."""
    b = t.behavior_event.c
    wanted = select(t.behavior_event).where(b.id == (event.payload_json or {}).get("event"))
    found = tx.conn.execute(wanted).mappings().one_or_none()
    lead = locked(tx, event.lead_id) if found is not None else None
    if found is None or lead is None or not _is_looked_at(tx, lead) or event.at - found["at"] > STALE:
        return
    for item in _rules(tx, found["event"]):
        if _why_not(tx, item, lead, found) is not None:
            continue
        _go_off(tx, item, lead, found)


def _is_looked_at(tx: ReadTx, lead: Mapping[Any, Any]) -> bool:
    return lead["deleted_at"] is None and not tx.catalog.stage_by_id[lead["stage_id"]].is_lost


def _rules(tx: ReadTx, event: str | None = None) -> list[TriggerItem]:
    c = t.trigger.c
    query = select(t.trigger).where(c.is_active.is_(True)).order_by(c.order, c.id)
    if event is not None:
        query = query.where(c.event == event)
    return [item_from(row) for row in tx.conn.execute(query).mappings()]


def _go_off(tx: WriteTx, item: TriggerItem, lead: Mapping[Any, Any], found: Mapping[Any, Any]) -> None:
    """Write that the rule went off, then do what it says; what cannot be done is the result, not an error."""
    values = {"trigger_id": item.id, "lead_id": lead["id"], "event_id": found["id"], "at": tx.now, "result": ""}
    statement: Any
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        statement = sqlite.insert(t.trigger_run)
    else:
        from sqlalchemy.dialects import postgresql

        statement = postgresql.insert(t.trigger_run)
    r = t.trigger_run.c
    run_id = tx.conn.execute(statement.values(**values).on_conflict_do_nothing().returning(r.id)).scalar()
    if run_id is None:
        return
    tx.flush()
    savepoint = tx.conn.begin_nested()
    try:
        result = trigger_actions.carry_out(tx, item, w.load(tx, lead["id"]), run_id)
        tx.flush()
        savepoint.commit()
    except LeadtuiError as error:  # a drip that is gone, a text that cannot be read
        savepoint.rollback()
        tx.forget_pending()
        result = f"not done: {error.message}"
    tx.conn.execute(t.trigger_run.update().where(r.id == run_id).values(result=result[:255]))


# -- whether it goes off -----------------------------------------------------------------------------------------------
def _why_not(tx: ReadTx, item: TriggerItem, lead: Mapping[Any, Any], found: Mapping[Any, Any]) -> str | None:
    """Why the rule does not go off for this event; None: it does."""
    x, r = t.trigger_exclusion.c, t.trigger_run.c
    excluded = select(x.lead_id).where(x.trigger_id == item.id, x.lead_id == lead["id"])
    if tx.conn.execute(excluded).first() is not None:
        return "the lead is excluded from it"
    b = t.behavior_event.c
    runs = (
        select(r.at, b.at.label("seen_at"))
        .join(t.behavior_event, b.id == r.event_id)
        .where(r.trigger_id == item.id, r.lead_id == lead["id"])
        .order_by(r.at.desc(), r.id.desc())
        .limit(1)
    )
    last = tx.conn.execute(runs).one_or_none()
    if last is not None and tx.now - last.at < item.cooldown:
        return f"it went off {_hours(tx.now - last.at)} ago"
    if not matches(tx, lead["id"], item.params.get("where")):
        return "its filter does not find the lead"
    now = Seen(found["event"], found["at"], found["metadata_json"])
    today = local_day(now.at, tx.catalog.tz)
    before = _before(tx, lead["id"], found, last)
    days = _days(tx, lead["id"], item.condition, now.event, today) if item.condition.daily_for_days else frozenset()
    return None if goes_off(item.condition, now, before, days, today) else "not often enough yet"


def _before(tx: ReadTx, lead_id: int, found: Mapping[Any, Any], last: Any) -> list[Seen]:
    b = t.behavior_event.c
    names = (found["event"], *breaking(found["event"]))
    earlier = and_(b.lead_id == lead_id, b.event.in_(names), b.at <= found["at"], b.id != found["id"])
    if last is not None:
        earlier = and_(earlier, b.at > last.seen_at)
    query = select(b.event, b.at, b.metadata_json).where(earlier).order_by(b.at.desc(), b.id.desc()).limit(_MOST_SEEN)
    return [Seen(row.event, row.at, row.metadata_json) for row in tx.conn.execute(query)]


def _days(tx: ReadTx, lead_id: int, condition: Condition, event: str, today: Any) -> frozenset[Any]:
    """Of the days that count, those with such an event; one short look each, until one is missing."""
    b = t.behavior_event.c
    found = set()
    for back in range(condition.daily_for_days or 0):
        day = today - timedelta(days=back)
        start, end = day_bounds(day, tx.catalog.tz)
        query = select(b.id).where(b.lead_id == lead_id, b.event == event, b.at >= start, b.at < end).limit(1)
        if tx.conn.execute(query).first() is None:
            break
        found.add(day)
    return frozenset(found)


def _hours(ago: timedelta) -> str:
    minutes = max(0, int(ago.total_seconds() // 60))
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"


# -- exclusions --------------------------------------------------------------------------------------------------------
def exclude(office: Office, ref: str, leads: Sequence[str | int]) -> int:
    """Let a rule leave these leads alone; answers how many are new. Needs `config`, or `edit` on the leads."""
    return _change_exclusions(office, ref, leads, add=True)


def include(office: Office, ref: str, leads: Sequence[str | int]) -> int:
    """Let a rule look at these leads again; answers how many it had left alone."""
    return _change_exclusions(office, ref, leads, add=False)


def _change_exclusions(office: Office, ref: str, leads: Sequence[str | int], *, add: bool) -> int:
    x = t.trigger_exclusion.c
    changed = 0
    with office.write() as tx:
        row = catalogue.find(tx, "trigger", ref)
        for one in leads:
            lead = w.load(tx, w.resolve(tx, one)) if tx.actor.may("config") else w.open_for(tx, one, "edit")
            mine = (x.trigger_id == row["id"], x.lead_id == lead["id"])
            has = tx.conn.execute(select(x.lead_id).where(*mine)).first() is not None
            if has == add:
                continue
            if add:
                tx.conn.execute(t.trigger_exclusion.insert().values(trigger_id=row["id"], lead_id=lead["id"]))
            else:
                tx.conn.execute(delete(t.trigger_exclusion).where(*mine))
            action = "exclude" if add else "include"
            tx.audit(action, "trigger", row["id"], None, {"lead": lead["number"], "trigger": row["key"]})
            changed += 1
    return changed


def exclusions(office: Office, ref: str) -> tuple[dict[str, Any], ...]:
    """The leads in scope that a rule leaves alone."""
    with office.read() as tx:
        row = catalogue.find(tx, "trigger", ref)
        x, lead = t.trigger_exclusion.c, t.lead.c
        query = (
            select(lead.id, lead.number, lead.name)
            .join(t.trigger_exclusion, x.lead_id == lead.id)
            .where(x.trigger_id == row["id"], lead.deleted_at.is_(None), scope_clause(tx.actor))
            .order_by(lead.id)
        )
        hides = "name" in tx.actor.hidden_fields
        return tuple(
            {"lead_id": r.id, "lead_number": r.number, "lead_name": None if hides else r.name}
            for r in tx.conn.execute(query)
        )


# -- looking at them ---------------------------------------------------------------------------------------------------
def runs(
    office: Office, *, ref: str | None = None, lead: str | int | None = None, limit: int = 50, offset: int = 0
) -> tuple[int, list[dict[str, Any]]]:
    """What rules did, the newest first, with the count: of leads in scope, of one rule or one lead."""
    with office.read() as tx:
        r, b = t.trigger_run.c, t.behavior_event.c
        wanted: list[ColumnElement[bool]] = [scope_clause(tx.actor), t.lead.c.deleted_at.is_(None)]
        if ref is not None:
            wanted.append(r.trigger_id == catalogue.find(tx, "trigger", ref)["id"])
        if lead is not None:
            wanted.append(r.lead_id == w.resolve(tx, lead))
        joined = (
            t.trigger_run.join(t.trigger, t.trigger.c.id == r.trigger_id)
            .join(t.behavior_event, b.id == r.event_id)
            .join(t.lead, t.lead.c.id == r.lead_id)
        )
        total = tx.conn.execute(select(func.count()).select_from(joined).where(*wanted)).scalar_one()
        query = (
            select(r.id, r.at, t.trigger.c.key, r.lead_id, t.lead.c.number, b.event, r.result)
            .select_from(joined)
            .where(*wanted)
            .order_by(r.id.desc())
            .limit(limit)
            .offset(offset)
        )
        names = ("id", "at", "trigger", "lead_id", "lead_number", "event", "result")
        return int(total), [dict(zip(names, row, strict=True)) for row in tx.conn.execute(query)]


def rehearse(office: Office, ref: str | int, event: str | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How each rule in use would take it if the lead did `event` now (each rule its own, when left out). Changes
    nothing. Answers the lead, and one record per rule. Raises NotFound.
    """
    with office.read() as tx:
        lead = w.load(tx, w.resolve(tx, ref))
        hides = "name" in tx.actor.hidden_fields
        told = {"lead_number": lead["number"], "lead_name": None if hides else lead["name"]}
        found = []
        for item in _rules(tx, event_name(event) if event else None):
            now = {"id": 0, "event": item.event, "at": tx.now, "metadata_json": _newest(tx, lead["id"], item.event)}
            why = None if _is_looked_at(tx, lead) else "the lead is lost"
            why = why or _why_not(tx, item, lead, now)
            found.append(
                {
                    "id": item.id, "key": item.key, "name": item.name, "event": item.event, "when": item.when,
                    "does": item.does, "would": why is None, "why": why or "",
                }
            )  # fmt: skip
        return told, found


def _newest(tx: ReadTx, lead_id: int, event: str) -> Any:
    """What the lead's last event of this name was about: for a rule that counts the same thing."""
    b = t.behavior_event.c
    query = select(b.metadata_json).where(b.lead_id == lead_id, b.event == event).order_by(b.at.desc(), b.id.desc())
    return tx.conn.execute(query.limit(1)).scalar()
