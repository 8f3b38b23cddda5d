"""Taking back a batch: as a whole, or it says which rows changed since (contract answer 12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, select, update

from leadtui.domain.records import Refusal, UndoResult
from leadtui.errors import NotFound, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, typed

from . import drip_undo, milestones, routing, scoring, stage_actions, undo_escalated
from . import lead_writes as w
from .batches import FINAL, NOT_SHOWN, key_of, visible_batch
from .lead_values import derived_columns
from .lifecycle import refuse_taken_phone
from .office import Office
from .undo_alone import Alone
from .undo_beside import Beside
from .undo_escalated import Escalated

_CHUNK = 5_000
# What a log or a document says of the lead: it hinders no undo of an earlier change.
_BESIDE = {
    "last_activity_at", "document", "sha256", "loan", "drip", "reach", "score", "score_bonus", "trigger", "run",
}  # fmt: skip
_ADDING = {"log", "attach", "enroll", "reach", "score"}


@dataclass
class _Plan:
    """What an undo would do."""

    batch: Any
    created: list[int] = field(default_factory=list)
    updated: dict[int, dict[str, Any]] = field(default_factory=dict)
    contacted: dict[int, Any] = field(default_factory=dict)
    """`last_activity_at` as the batch left it, by lead."""
    activities: dict[int, dict[str, Any]] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
    alone: Alone = field(default_factory=Alone)
    escalated: Escalated = field(default_factory=Escalated)
    refused: list[Refusal] = field(default_factory=list)


def undo(office: Office, batch: int | None = None, *, dry_run: bool = False) -> UndoResult:
    """Take back a batch (the actor's last one unless named): the rows nobody touched since are put back exactly.

    The others are named with who changed what since, and left as they are (contract answer 12). Raises NotFound,
    Refused for what cannot be undone or was undone already.
    """
    if dry_run:
        with office.read() as tx:
            return _result(_plan(tx, _find_batch(tx, batch)), dry_run=True)
    with office.write() as tx:
        plan = _plan(tx, _find_batch(tx, batch))
        if plan.created or plan.updated or plan.alone.rows:
            tx.open_batch("undo", f"undo of {plan.batch.kind} {plan.batch.id}", undoes_id=plan.batch.id)
            _apply(tx, plan)
    if plan.alone.rows:  # perhaps a rule of scores
        scoring.catch_up(office)
    return _result(plan, dry_run=False)


def done_since(office: Office, batch: int) -> str | None:
    """What the actor did after a batch that no undo takes back ("campaign: pause"), the newest; None when nothing.

    Whoever presses `u` right after it means that, and is to be told that an older act would be taken back instead.
    """
    a = t.audit.c
    with office.read() as tx:
        ended = select(func.max(a.id)).where(a.batch_id == batch).scalar_subquery()
        query = (
            select(a.entity, a.action)
            .where(a.user_id == tx.actor.user_id, a.batch_id.is_(None), a.id > ended)
            .order_by(a.id.desc())
            .limit(1)
        )
        found = tx.conn.execute(query).one_or_none()
    return f"{found.entity}: {found.action}".replace("_", " ") if found is not None else None


def _result(plan: _Plan, *, dry_run: bool) -> UndoResult:
    b = plan.batch
    restored = len(plan.created) + len(plan.updated) + len(plan.alone.rows)
    return UndoResult(b.id, b.kind, b.label, restored, tuple(plan.refused), dry_run)


def _find_batch(tx: ReadTx, batch: int | None) -> Any:
    b = t.batch.c
    batches_ = select(t.batch)
    if isinstance(tx, WriteTx):  # two who undo one batch: the second sees that it is done
        batches_ = batches_.with_for_update()
    if batch is None:
        query = (
            batches_.where(b.by_id == tx.actor.user_id, b.undone_at.is_(None), b.kind != "undo", b["count"] > 0)
            .order_by(b.id.desc())
            .limit(1)
        )
        found = tx.conn.execute(query).one_or_none()
        if found is None:
            raise NotFound("there is nothing to undo", field="batch", code="nothing_to_undo")
    else:
        found = tx.conn.execute(batches_.where(b.id == batch, visible_batch(tx))).one_or_none()
        if found is None:
            raise NotFound(f"there is no batch {batch}", field="batch", hint="see: leadtui undo list")
    if found.undone_at is not None:
        raise Refused(f"batch {found.id} was undone already", code="already_undone", field="batch")
    if found.kind in FINAL:
        raise Refused(
            f"batch {found.id} ({found.kind}) cannot be undone", code="final", field="batch", hint=FINAL[found.kind]
        )
    return found


def _plan(tx: ReadTx, batch: Any) -> _Plan:
    a = t.audit.c
    entries = tx.conn.execute(select(t.audit).where(a.batch_id == batch.id).order_by(a.id)).all()
    plan = _Plan(batch)
    if not entries:
        return plan
    for entry in entries:
        if plan.beside.note(entry) or plan.alone.note(entry):
            continue
        if entry.entity == "lead" and entry.before_json is None and entry.action in {"create", "import", "intake"}:
            plan.created.append(entry.entity_id)
        elif entry.entity == "lead":
            # The first entry's value wins: it is what was there before the batch.
            had = plan.updated.setdefault(entry.entity_id, {})
            for key, value in (entry.before_json or {}).items():
                had.setdefault(key, value)
            if "last_activity_at" in (entry.after_json or {}):
                plan.contacted[entry.entity_id] = entry.after_json["last_activity_at"]
        elif entry.entity == "activity":
            had = plan.activities.setdefault(entry.entity_id, {})
            for key, value in (entry.before_json or {}).items():
                had.setdefault(key, value)
    for lead_id in plan.created:
        plan.updated.pop(lead_id, None)
    plan.escalated = undo_escalated.find(tx, batch.id, plan.activities)
    _refuse_changed(tx, plan, entries[-1].id)
    plan.refused += plan.alone.refuse_changed(tx, batch.id, entries[-1].id)
    return plan


def _refuse_changed(tx: ReadTx, plan: _Plan, last_audit_id: int) -> None:
    """Take the leads that somebody changed since out of the plan, naming who, when and what."""
    if isinstance(tx, WriteTx) and not tx.is_sqlite:  # from here on nobody changes them
        for chunk in _chunks(sorted({*plan.created, *plan.updated})):
            lead_id = t.lead.c.id
            tx.conn.execute(select(lead_id).where(lead_id.in_(chunk)).order_by(lead_id).with_for_update())
    created = set(plan.created)
    later: dict[int, list[str]] = {}
    for chunk in _chunks([*plan.created, *plan.updated]):
        for r in _later_entries(tx, chunk, last_audit_id, plan.batch.id):
            touched = {k for k in r.after_json or {} if k not in NOT_SHOWN and k not in _BESIDE}
            beside = r.action in _ADDING or (r.action == "loan" and plan.batch.kind != "loan")
            if not touched and r.entity_id not in created and beside:
                continue
            if stage_actions.is_because_of(r, plan.batch.id):
                continue
            if plan.escalated.is_of(r):
                continue
            words = ", ".join(sorted(key_of(k).replace("_", " ") for k in touched)[:4]) or r.action
            who = tx.catalog.user_by_id[r.user_id].login
            when = r.at.astimezone(tx.catalog.tz).strftime("%d %b %H:%M")
            later.setdefault(r.entity_id, []).append(f"{words} ({r.action} by {who}, {when})")
    if not later:
        return
    numbers = _numbers(tx, list(later))
    plan.refused = [
        Refusal(i, numbers.get(i, str(i)), "changed since: " + "; ".join(sentences[:3]), "changed_since")
        for i, sentences in sorted(later.items())
    ]
    plan.created = [i for i in plan.created if i not in later]
    plan.updated = {i: v for i, v in plan.updated.items() if i not in later}


def _later_entries(tx: ReadTx, ids: Sequence[int], after_id: int, batch_id: int) -> Iterable[Any]:
    a, b = t.audit.c, t.batch.c
    undo, entry = t.batch.alias("undo_batch"), t.audit.alias("undo_entry")
    # A batch that was undone may have left this very lead as it was, because it had changed since.
    taken_back = (
        exists()
        .where(undo.c.undoes_id == b.id, entry.c.batch_id == undo.c.id)
        .where(entry.c.entity == "lead", entry.c.entity_id == a.entity_id)
    )
    standing = or_(a.batch_id.is_(None), and_(b.kind != "undo", or_(b.undone_at.is_(None), ~taken_back)))
    query = (
        select(t.audit)
        .select_from(t.audit.outerjoin(t.batch, b.id == a.batch_id))
        .where(
            a.entity == "lead", a.entity_id.in_(ids), a.id > after_id, a.batch_id.is_distinct_from(batch_id), standing
        )
        .order_by(a.id)
    )
    return tx.conn.execute(query)


def _numbers(tx: ReadTx, ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for chunk in _chunks(ids):
        query = select(t.lead.c.id, t.lead.c.number).where(t.lead.c.id.in_(chunk))
        found |= {r.id: r.number for r in tx.conn.execute(query)}
    return found


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[i : i + _CHUNK] for i in range(0, len(ids), _CHUNK))


def _apply(tx: WriteTx, plan: _Plan) -> None:
    reached = milestones.of_batch(tx, plan.batch.id)
    planned = _planned(tx, plan)
    plan.escalated.take_back(tx, {*plan.created, *plan.updated})
    _restore_updated(tx, plan)
    _restore_activities(tx, plan)
    plan.beside.take_back(tx, {*plan.created, *plan.updated}, typed)
    plan.alone.take_back(tx, typed)
    milestones.forget(tx, reached, plan.updated)
    stage_actions.take_back(tx, plan.batch, plan.updated)
    routing.take_back(tx, plan.batch.id, {*plan.created, *plan.updated}, whole=not plan.refused)
    drip_undo.take_back(tx, plan.batch, plan.updated)
    _derive_follow_ups(tx, plan, planned)
    for lead_id in plan.updated:
        scoring.touch(tx, lead_id)
    for chunk in _chunks(plan.created):
        for table in (t.activity, t.stage_change, t.lead_tag, t.lead_product, t.lead_custom, t.document):
            tx.conn.execute(delete(table).where(table.c.lead_id.in_(chunk)))
        tx.conn.execute(delete(t.lead).where(t.lead.c.id.in_(chunk)))
    for lead_id in plan.created:
        tx.audit("undo", "lead", lead_id, None, None)
    if plan.created or plan.updated or plan.alone.rows:  # else all of it was refused, and may be tried again
        tx.conn.execute(update(t.batch).where(t.batch.c.id == plan.batch.id).values(undone_at=tx.now))


def _restore_updated(tx: WriteTx, plan: _Plan) -> None:
    ids = list(plan.updated)
    for chunk in _chunks(ids):
        for row in w.load_many(tx, chunk):
            before = plan.updated[row["id"]]
            columns = {k: typed(t.lead.c[k], v) for k, v in before.items() if k in t.lead.c}
            contacted = t.lead.c.last_activity_at
            if row["last_activity_at"] != typed(contacted, plan.contacted.get(row["id"])):
                columns.pop("last_activity_at", None)  # there was a contact since
            if columns.get("probability") is not None and columns.get("stage_id") in tx.catalog.stage_by_id:
                # that of its status, which may be another one by now
                columns["probability"] = tx.catalog.stage_by_id[columns["stage_id"]].probability
            merged = {**row, **columns}
            try:
                if "deleted_at" in columns or ("phone_key" in columns and merged["deleted_at"] is None):
                    refuse_taken_phone(tx, merged)
            except Refused as error:
                plan.refused.append(Refusal(row["id"], row["number"], error.message, error.code))
                del plan.updated[row["id"]]
                continue
            columns |= derived_columns(
                merged,
                number=row["number"],
                phone_unique=tx.catalog.phone_unique,
                deleted=merged["deleted_at"] is not None,
            )
            tx.update_later(t.lead, row["id"], {**columns, "version": row["version"] + 1})
            _restore_beside(tx, row["id"], before)
            shown = {k: row[k] for k in columns if k in before}
            tx.audit("undo", "lead", row["id"], shown, {k: v for k, v in before.items() if k not in NOT_SHOWN})
        alive = [i for i in chunk if i in plan.updated]
        _keep_calls(tx, plan.batch.id, alive)
        for table in (t.activity, t.stage_change, t.document):
            tx.conn.execute(delete(table).where(table.c.batch_id == plan.batch.id, table.c.lead_id.in_(alive)))


def _keep_calls(tx: WriteTx, batch_id: int, lead_ids: Sequence[int]) -> None:
    """What calls said that go now, for the audit: `past_rows` asks what was known before the undo."""
    a = t.activity.c
    calls = select(a.id, a.lead_id, a.type, a.outcome, a.completed_at, a.created_at).where(
        a.batch_id == batch_id, a.lead_id.in_(lead_ids), a.type == "call", a.completed_at.is_not(None)
    )
    for row in tx.conn.execute(calls).mappings().all():
        tx.audit("undo", "activity", row["id"], dict(row), None)


def _restore_beside(tx: WriteTx, lead_id: int, before: Mapping[str, Any]) -> None:
    """What an edit changed outside the lead's row."""
    if "tags" in before:
        w.set_tags(tx, lead_id, before["tags"] or ())
    if "interests" in before:
        w.set_interests(tx, lead_id, before["interests"] or ())
    custom = {k[7:]: v for k, v in before.items() if k.startswith("custom.")}
    if custom:
        w.set_custom(tx, lead_id, custom)


def _restore_activities(tx: WriteTx, plan: _Plan) -> None:
    for chunk in _chunks(list(plan.activities)):
        for row in tx.conn.execute(select(t.activity).where(t.activity.c.id.in_(chunk))).mappings().all():
            if row["lead_id"] not in plan.updated:
                continue
            columns = {k: typed(t.activity.c[k], v) for k, v in plan.activities[row["id"]].items()}
            tx.conn.execute(update(t.activity).where(t.activity.c.id == row["id"]).values(**columns))
            # A calendar that subscribed to it must see one change more, not one less.
            tx.audit("undo", "activity", row["id"], {k: row[k] for k in columns}, columns)


def _planned(tx: ReadTx, plan: _Plan) -> set[int]:
    """The leads whose open follow-ups the batch made, moved or closed."""
    a = t.activity.c
    made = select(a.lead_id).where(a.batch_id == plan.batch.id, a.scheduled_at.is_not(None)).distinct()
    found = set(tx.conn.execute(made).scalars())
    for chunk in _chunks(list(plan.activities)):
        found |= set(tx.conn.execute(select(a.lead_id).where(a.id.in_(chunk)).distinct()).scalars())
    return found | {i for i, before in plan.updated.items() if "next_follow_up_at" in before}


def _derive_follow_ups(tx: WriteTx, plan: _Plan, planned: Iterable[int]) -> None:
    """The lead's date is that of its earliest open follow-up, though it was another before the batch: a log since may
    have added one behind it, which hinders no undo.
    """
    tx.flush()
    a = t.activity.c
    for chunk in _chunks(sorted(plan.updated.keys() & set(planned))):
        query = select(a.lead_id, a.scheduled_at, a.all_day).where(
            a.lead_id.in_(chunk), a.scheduled_at.is_not(None), a.completed_at.is_(None), a.cancelled_at.is_(None)
        )
        first: dict[int, tuple[datetime, bool]] = {}
        for r in tx.conn.execute(query.order_by(a.scheduled_at, a.id)):
            first.setdefault(r.lead_id, (r.scheduled_at, r.all_day))
        for row in w.load_many(tx, chunk):
            at, all_day = first.get(row["id"], (None, True))
            if row["next_follow_up_at"] != at or (at is not None and row["next_follow_up_all_day"] != all_day):
                columns = {"next_follow_up_at": at, "next_follow_up_all_day": all_day}
                tx.update_later(t.lead, row["id"], columns)
                tx.audit("undo", "lead", row["id"], {k: row[k] for k in columns}, columns)
