"""The steps every write on a lead is made of: find it, check the right to it, change it, leave the audit.

Used by the services inside their transaction; nothing here begins or ends one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select

from leadtui.domain import phones
from leadtui.domain.catalog import Stage
from leadtui.domain.permissions import verb
from leadtui.domain.records import Done, LeadRow
from leadtui.errors import Invalid, LeadtuiError, NotFound, NotPermitted
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_block, clean_line

from . import scoring
from .lead_activities import (
    activity_columns as activity_columns,
)
from .lead_activities import (
    add_activity as add_activity,
)
from .lead_activities import (
    add_follow_up as add_follow_up,
)
from .lead_activities import (
    change_activity as change_activity,
)
from .lead_activities import (
    insert_activity as insert_activity,
)
from .lead_activities import (
    look_at_milestones as look_at_milestones,
)
from .lead_activities import (
    next_follow_up as next_follow_up,
)
from .lead_activities import (
    open_follow_ups as open_follow_ups,
)
from .lead_activities import (
    set_follow_up as set_follow_up,
)
from .lead_beside import (
    custom_of as custom_of,
)
from .lead_beside import (
    interests_of as interests_of,
)
from .lead_beside import (
    person_for as person_for,
)
from .lead_beside import (
    referrer_column as referrer_column,
)
from .lead_beside import (
    set_custom as set_custom,
)
from .lead_beside import (
    set_interests as set_interests,
)
from .lead_beside import (
    set_tags as set_tags,
)
from .lead_beside import (
    tag_ids as tag_ids,
)
from .lead_beside import (
    tags_of as tags_of,
)
from .lead_values import derived_columns

_NUMBER = re.compile(r"[^\W\d_][\w]*-\d{4,6}-\d{4,}")
_MAX_ID = 2**31 - 1
_DERIVED_FROM = {"name", "phone_e164", "alt_phone_e164", "email"}

STAGE_CHANGED = "stage.changed"
"""The event of a move; its payload names the statuses `from` and `to`, and the `batch` it belongs to."""
CREATED, DELETED = "lead.created", "lead.deleted"
"""The events of a lead that was added (told only where a drip takes new leads, never by an import) or deleted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act on one lead did inside an open transaction: the keys that changed, and warnings."""

    changed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def answer(tx: WriteTx, row: Mapping[Any, Any], outcome: Outcome) -> Done:
    """The outcome with the lead as it is now: what a service answers for one lead. A bulk act never asks for it."""
    return Done(row_of(tx, row["id"]), tx.batch_id, outcome.warnings, outcome.changed)


# -- finding ------------------------------------------------------------------------------------------------------


def not_found(ref: object) -> NotFound:
    """The same words for a lead that does not exist and one outside the actor's scope (contract answer 4)."""
    return NotFound(f"there is no lead '{str(ref)[:80]}'", field="ref", hint="a lead's number, id or phone")


def resolve(tx: ReadTx, ref: str | int, *, deleted: bool = False, action: str = "read") -> int:
    """The id of the lead that `ref` names, within the actor's scope. Raises NotFound."""
    lead = t.lead.c
    live = lead.deleted_at.is_not(None) if deleted else lead.deleted_at.is_(None)
    base = select(lead.id).where(live, scope_clause(tx.actor, action))
    text = str(ref).strip()
    if isinstance(ref, int) or (text.isascii() and text.isdigit() and int(text) <= _MAX_ID):
        number = int(ref)
        found = tx.conn.execute(base.where(lead.id == number)).scalar() if 0 < number <= _MAX_ID else None
        if found is not None or isinstance(ref, int):
            if found is None:
                raise not_found(ref)
            return int(found)
    if _NUMBER.fullmatch(text):
        found = tx.conn.execute(base.where(lead.number == text.upper())).scalar()
        if found is None:
            raise not_found(ref)
        return int(found)
    try:
        e164 = phones.parse(text, tx.catalog.country).e164
    except LeadtuiError as error:
        raise not_found(ref) from error
    # One statement per column: each has its own index over the live leads.
    ids = set(tx.conn.execute(base.where(lead.phone_e164 == e164).limit(2)).scalars())
    if not ids:
        ids = set(tx.conn.execute(base.where(lead.alt_phone_e164 == e164).limit(2)).scalars())
    if len(ids) > 1:
        raise NotFound(
            f"several leads have the phone '{text}'", field="ref", code="ambiguous", hint="name the lead by its number"
        )
    if not ids:
        raise not_found(ref)
    return int(ids.pop())


def load(tx: ReadTx, lead_id: int) -> Mapping[Any, Any]:
    """All columns of a lead; locked until the transaction ends on PostgreSQL, as SQLite's write lock does."""
    query = select(t.lead).where(t.lead.c.id == lead_id)
    if isinstance(tx, WriteTx):
        query = query.with_for_update()
    row = tx.conn.execute(query).mappings().one_or_none()
    if row is None:
        raise not_found(lead_id)
    return row


def load_many(tx: WriteTx, ids: Iterable[int]) -> list[Mapping[Any, Any]]:
    """All columns of these leads, locked, in the order of their ids (so that two bulk acts never wait in a ring)."""
    wanted = sorted(set(ids))
    found: list[Mapping[Any, Any]] = []
    for start in range(0, len(wanted), 5_000):
        query = (
            select(t.lead).where(t.lead.c.id.in_(wanted[start : start + 5_000])).order_by(t.lead.c.id).with_for_update()
        )
        found += tx.conn.execute(query).mappings().all()
    return found


def allow(tx: ReadTx, row: Mapping[Any, Any], action: str) -> None:
    """Raises NotFound for a lead the actor cannot see, NotPermitted where he may see it but not do this."""
    seen = tx.actor.may_on("read", assigned_to_id=row["assigned_to_id"], branch_id=row["branch_id"])
    if tx.actor.may_on(action, assigned_to_id=row["assigned_to_id"], branch_id=row["branch_id"]):
        if seen or action in {"restore", "purge"}:
            return
        raise not_found(row["number"])
    if not seen:
        raise not_found(row["number"])
    raise NotPermitted(f"you may not {verb(action)} this lead", hint=f"the role '{tx.actor.role}' does not permit it")


def require(tx: ReadTx, action: str) -> None:
    """Raises NotPermitted where the actor may not do `action` on anything."""
    if not tx.actor.may(action):
        raise NotPermitted(
            f"you may not {verb(action, many=True)}", hint=f"the role '{tx.actor.role}' does not permit it"
        )


def open_for(tx: ReadTx, ref: str | int, action: str, *, deleted: bool = False) -> Mapping[Any, Any]:
    """Find, lock and check in one: the row of the lead that `ref` names, on which the actor may do `action`."""
    row = load(tx, resolve(tx, ref, deleted=deleted))
    if (row["deleted_at"] is not None) != deleted:  # somebody was quicker, while this transaction waited for the lock
        raise not_found(ref)
    allow(tx, row, action)
    return row


# -- changing -----------------------------------------------------------------------------------------------------


def change(
    tx: WriteTx,
    row: Mapping[Any, Any],
    columns: Mapping[str, Any],
    action: str,
    *,
    extra_before: Mapping[str, Any] | None = None,
    extra_after: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Set columns of a locked lead: only what differs, with what follows from it, a new version and the audit.

    `extra_*` are changes outside the row (tags, interests, custom fields) under their field's name.
    Returns what changed; nothing is written when nothing did.
    """
    changed = {k: v for k, v in columns.items() if row[k] != v}
    if _DERIVED_FROM & changed.keys() or "deleted_at" in changed:
        merged = {**row, **changed}
        derived = derived_columns(
            merged,
            number=row["number"],
            phone_unique=tx.catalog.phone_unique,
            deleted=merged["deleted_at"] is not None,
        )
        changed |= {k: v for k, v in derived.items() if row[k] != v}
    before_extra, after_extra = dict(extra_before or {}), dict(extra_after or {})
    if not changed and before_extra == after_extra:
        return {}
    stamp = {"version": row["version"] + 1, "updated_at": tx.now, "updated_by_id": tx.actor.user_id}
    tx.update_later(t.lead, row["id"], {**changed, **stamp})
    scoring.touch(tx, row["id"])
    before = {k: row[k] for k in (*changed, "updated_at", "updated_by_id")} | before_extra
    tx.audit(
        action,
        "lead",
        row["id"],
        before,
        {**changed, "updated_at": tx.now, "updated_by_id": tx.actor.user_id} | after_extra,
    )
    return changed | after_extra


def note_status(
    tx: WriteTx, row: Mapping[Any, Any], target: Stage, reason: str | None, *, notes: str | None = None
) -> None:
    """The status history row and the activity of a move (spec §E2 54, 55), and the event that it happened (AC 194).

    Every way a lead moves leads through here; a new lead begins in its status, and an undo puts it back: no moves.
    """
    current = tx.catalog.stage_by_id[row["stage_id"]]
    tx.later(
        t.stage_change,
        lead_id=row["id"],
        from_stage_id=row["stage_id"],
        to_stage_id=target.id,
        reason=reason,
        by_id=tx.actor.user_id,
        at=tx.now,
        batch_id=tx.batch_id,
        seconds_in_stage=max(0, int((tx.now - row["stage_changed_at"]).total_seconds())),
    )
    note = "\n".join(x for x in (reason, notes) if x) or None
    add_activity(tx, row["id"], "status_change", f"{current.name} → {target.name}", note)
    note_event(tx, STAGE_CHANGED, row["id"], {"from": row["stage_id"], "to": target.id, "batch": tx.batch_id})
    tx.at_end(look_at_milestones, row["id"])


def note_event(tx: WriteTx, kind: str, lead_id: int, payload: Mapping[str, Any]) -> None:
    """That something happened to a lead, written with all the rest: `events.emit` for one of many."""
    tx.later(
        t.event,
        kind=kind,
        lead_id=lead_id,
        payload_json=dict(payload),
        by_id=tx.actor.user_id,
        at=tx.now,
        attempts=0,
    )


def stage_columns(tx: ReadTx, target: Stage) -> dict[str, Any]:
    """The columns that say which status a lead has (spec §E2 57)."""
    return {"stage_id": target.id, "stage_changed_at": tx.now, "probability": target.probability}


# -- the phone rule, answers ----------------------------------------------------------------------------------------


def phone_taken(tx: ReadTx, e164: str, exclude_id: int | None) -> Mapping[Any, Any] | None:
    """A live lead with this phone as its first or second one, whoever owns it; None if there is none."""
    lead = t.lead.c
    for column in (lead.phone_e164, lead.alt_phone_e164):
        query = (
            select(lead.id, lead.number, lead.name, lead.assigned_to_id, lead.branch_id, lead.stage_id, lead.phone_e164)
            .where(and_(column == e164, lead.deleted_at.is_(None)))
            .order_by(lead.id)
            .limit(2)
        )
        for row in tx.conn.execute(query).mappings():
            if row["id"] != exclude_id:
                return row
    return None


def row_of(tx: ReadTx, lead_id: int) -> LeadRow:
    """The lead as it is now in this transaction, even where an act just moved it out of the actor's scope."""
    if isinstance(tx, WriteTx):
        tx.flush()
        scoring.settle(tx, lead_id)
    found = lead_queries.rows_unscoped(tx, [lead_id])
    if not found:
        raise not_found(lead_id)
    return found[0]


def reason_text(text: str | None, *, field: str = "reason", required: bool = False) -> str | None:
    """A reason as stored. Raises Invalid when it is required and empty."""
    value = clean_block(text or "", field=field, limit=2000)
    if required and not value:
        raise Invalid("a reason is needed", field=field, code="reason_required", hint="say why in a few words")
    return value or None


def one_line(text: str | None, *, field: str, limit: int = 255) -> str | None:
    """A one-line text as stored, or None."""
    return clean_line(text or "", field=field, limit=limit) or None


def workload(tx: ReadTx, user_id: int | None = None) -> dict[int, int]:
    """Open leads by the id of the user they are assigned to (spec §J 95); of one user only, when he is named."""
    closed = [s.id for s in tx.catalog.stages if s.is_converted or s.is_lost]
    lead = t.lead.c
    query = (
        select(lead.assigned_to_id, func.count())
        .where(lead.deleted_at.is_(None), lead.assigned_to_id.is_not(None), or_(lead.stage_id.not_in(closed)))
        .group_by(lead.assigned_to_id)
    )
    if user_id is not None:
        query = query.where(lead.assigned_to_id == user_id)
    return {int(r[0]): int(r[1]) for r in tx.conn.execute(query)}


def earlier_stages(tx: ReadTx, lead_id: int) -> list[int]:
    """The statuses a lead left, latest first."""
    c = t.stage_change.c
    query = select(c.from_stage_id).where(c.lead_id == lead_id, c.from_stage_id.is_not(None)).order_by(c.id.desc())
    return [int(i) for i in tx.conn.execute(query).scalars()]


def has_router_user(tx: ReadTx, lead_id: int) -> bool:
    """Whether a user on a router was made for this lead."""
    return tx.conn.execute(select(t.router_user.c.id).where(t.router_user.c.lead_id == lead_id)).first() is not None
