"""What happens by itself when a lead gets to a status (spec §T): tasks, follow-ups, notices, messages.

`run` handles the event `stage.changed` as `system`, in the transaction that closes the event, so each action happens
once per event. Nothing happens for a lead that was deleted or is lost, nor where it left the status meanwhile: what a
status asks for is meant for leads that are in it; nor where a converted lead was reopened, which goes back to where it
was. Two things are not made twice: a task whose earlier one is still open, and a follow-up where whoever moved the lead
planned the next contact in the same act.

**Undo.** Taking a move back takes back what the status made of it (`take_back`, in the undo's transaction): open tasks
are called off, with the reason, and stay on the timeline; notices nobody has seen yet go away; messages that were not
begun are not sent. An event not handled yet
finds the lead elsewhere and does nothing. What a person has done meanwhile (a task completed, moved, called off) is a
later change of the lead, and the undo says so instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from leadtui.domain.catalog import Stage
from leadtui.domain.follow_up_words import words_for
from leadtui.domain.stage_actions import StageActionItem, fill, fill_block, item_from
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import follow_ups as f
from . import lead_writes as w
from . import stage_messages
from .notifying import notify
from .office import Office
from .stage_messages import StageMessage
from .whom import time_of, to_tell, who_does

ACTION = "stage_action"
"""The audit's word for what a status did to a lead; with the batch it happened because of."""
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Planned:
    """What an action does to one lead. `at` is None for a notice; `told` are those it is for, by id."""

    item: StageActionItem
    type: str
    subject: str
    details: str | None
    at: datetime | None
    all_day: bool
    told: tuple[int, ...]
    priority: str | None = None
    suggested: tuple[str, ...] = ()
    message: StageMessage | None = None
    """What is written to the lead, for a message that can be; `told` is empty then."""


# -- the handler ------------------------------------------------------------------------------------------------------


def run(tx: WriteTx, event: Any) -> None:
    """Do what the status asks for, if the lead is still where the event left it."""
    row = tx.conn.execute(select(t.lead).where(t.lead.c.id == event.lead_id).with_for_update()).mappings().one_or_none()
    told = event.payload_json or {}
    if row is None or row["deleted_at"] is not None or row["stage_id"] != told.get("to"):
        return
    stage = tx.catalog.stage_by_id[row["stage_id"]]
    if stage.is_lost or row["stage_changed_at"] != event.at:
        return
    before = tx.catalog.stage_by_id.get(told.get("from") or 0)
    items = items_of(tx, stage.id)
    if not items or (before is not None and before.is_converted):
        return
    open_ones, planned_by_person = _what_is_open(tx, row["id"], told.get("batch"))
    done: list[str] = []
    for one in plan(tx, row, stage, before, items, since=event.at):
        if one.item.id in open_ones or (one.item.kind == "follow_up" and planned_by_person):
            continue
        _do(tx, row, one, event, told.get("batch"))
        done.append(one.item.name)
    if not done:
        return
    tx.flush()
    due = w.next_follow_up(tx, row["id"])
    extra = {"stage_actions": done, "cause_batch": told.get("batch")}
    if any(row[key] != value for key, value in due.items()):
        w.change(tx, row, due, ACTION, extra_after=extra)
    else:  # no change of the lead that its editor must know of
        tx.audit(ACTION, "lead", row["id"], None, extra)


def _what_is_open(tx: ReadTx, lead_id: int, batch: int | None) -> tuple[set[int], bool]:
    """The actions that still have a task open with the lead; whether this very act planned its next contact."""
    found = w.open_follow_ups(tx, lead_id)
    mine = {(one["metadata_json"] or {}).get("stage_action") for one in found}
    by_person = any(batch is not None and one["batch_id"] == batch and one["type"] != "task" for one in found)
    return {i for i in mine if isinstance(i, int)}, by_person


def _do(tx: WriteTx, row: Mapping[Any, Any], one: Planned, event: Any, batch: int | None) -> None:
    because = {"stage_action": one.item.id, "event": event.id, "cause": batch}
    users = tx.catalog.user_by_id
    if one.at is None:
        occurrence = f"stage:b{batch or 0}:e{event.id}:a{one.item.id}"
        for user_id in one.told:
            notify(tx, user_id, "stage", occurrence, _for_notice(tx, row, one), lead_id=row["id"])
        names = ", ".join(users[i].login for i in one.told if i in users)
        subject = f"told {names}: {one.subject}"
        w.add_activity(tx, row["id"], "note", subject, one.details, metadata_json=because)
        return
    if one.message is not None:
        key = f"s{event.id}:{one.item.id}"
        stage_messages.write(tx, row, one.message, key=key, at=one.at, batch=batch)
        return
    w.add_activity(
        tx, row["id"], one.type, one.subject, one.details, scheduled_at=one.at, all_day=one.all_day, completed_at=None,
        assigned_to_id=one.told[0] if one.told else None, context=one.item.context, priority=one.priority,
        metadata_json=because | ({"suggested_actions": list(one.suggested)} if one.suggested else {}),
    )  # fmt: skip


def _for_notice(tx: ReadTx, row: Mapping[Any, Any], one: Planned) -> str:
    """A notice never holds the lead's name: that is put beside it by what the reader may see."""
    stage = tx.catalog.stage_by_id[row["stage_id"]]
    return fill(one.item.subject, _values(tx, row, stage, None) | {"name": row["number"]})


# -- what would be done -----------------------------------------------------------------------------------------------


def items_of(tx: ReadTx, stage_id: int) -> list[StageActionItem]:
    """The actions of a status that are in use, in their order."""
    s = t.stage_action.c
    query = select(t.stage_action).where(s.stage_id == stage_id, s.is_active.is_(True)).order_by(s.order, s.id)
    return [item_from(row) for row in tx.conn.execute(query).mappings()]


def plan(
    tx: ReadTx,
    row: Mapping[Any, Any],
    stage: Stage,
    before: Stage | None,
    items: Sequence[StageActionItem],
    *,
    since: datetime | None = None,
) -> list[Planned]:
    """What the actions mean for this lead (all columns) in `stage`; a delay counts from `since`, and is never past."""
    values = _values(tx, row, stage, before)
    return [_planned(tx, row, one, values, since or tx.now) for one in items]


def _planned(
    tx: ReadTx, row: Mapping[Any, Any], item: StageActionItem, values: Mapping[str, str], since: datetime
) -> Planned:
    subject = fill(item.subject, values)[:255] or item.name
    body = fill_block(item.body, values) if item.body else None
    if item.kind == "notify":
        return Planned(item, "note", subject, body, None, False, to_tell(tx, row, item.to))
    who = who_does(tx, row, item.to)
    at, all_day = time_of(
        tx, row, delay_minutes=item.delay_minutes, context=item.context, is_contact=item.kind == "follow_up",
        since=since, who=who,
    )  # fmt: skip
    told = () if who is None else (who,)
    if item.kind == "follow_up":
        said = words_for(
            item.context, row["name"] or row["number"], values["package"] or None, row["priority"],
            hot=f.is_hot(tx.catalog, row["score"]),
        )  # fmt: skip
        details, suggested = (body or said.description, said.actions) if item.context else (body, ())
        return Planned(item, "follow_up", subject, details, at, all_day, told, said.priority, suggested)
    if item.kind == "message":
        found = stage_messages.message_for(tx, row, item, values)
        words = found.text.body if found.text else body
        if found.text is not None and not found.why:
            then = max(since + timedelta(minutes=item.delay_minutes or 0), tx.now)
            return Planned(item, "message", found.text.subject or subject, words, then, False, (), message=found)
        body = f"{found.why}\n\n{words}" if words else found.why
    return Planned(item, "task", subject, body, at, all_day, told, row["priority"])


def _values(tx: ReadTx, row: Mapping[Any, Any], stage: Stage, before: Stage | None) -> dict[str, str]:
    catalog = tx.catalog
    product, agent = (
        catalog.product_by_id.get(row["product_id"] or 0),
        catalog.user_by_id.get(row["assigned_to_id"] or 0),
    )
    return {
        "name": row["name"] or row["number"],
        "number": row["number"],
        "stage": stage.name,
        "from": before.name if before else "",
        "pipeline": catalog.pipeline_by_id[row["pipeline_id"]].name,
        "package": product.name if product else row["product_interest"] or "",
        "agent": agent.name if agent else "",
    }


# -- undo -------------------------------------------------------------------------------------------------------------


def is_because_of(entry: Any, batch_id: int) -> bool:
    """Whether an entry of the audit is what a status did because of this batch: no hindrance to undoing it."""
    return entry.action == ACTION and (entry.after_json or {}).get("cause_batch") == batch_id


def take_back(tx: WriteTx, batch: Any, ids: Iterable[int]) -> None:
    """Call off what statuses made of these leads because of a batch that is being undone."""
    a, n = t.activity.c, t.notification.c
    wanted = sorted(ids)
    tx.flush()
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        query = select(t.activity).where(a.lead_id.in_(chunk), f.open_clause(), a.created_at >= batch.at)
        found = [
            one
            for one in tx.conn.execute(query).mappings().all()
            if (one["metadata_json"] or {}).get("cause") == batch.id and "stage_action" in one["metadata_json"]
        ]
        for one in found:
            columns = {"cancelled_at": tx.now, "outcome_note": "the move that asked for it was taken back"}
            w.change_activity(tx, one, columns, "cancel")
        stage_messages.call_off(tx, batch.id, chunk)
        told = (n.kind == "stage", n.seen_at.is_(None), n.occurrence.like(f"stage:b{batch.id}:%"))
        tx.conn.execute(delete(t.notification).where(n.lead_id.in_(chunk), *told))
        for lead_id in dict.fromkeys(one["lead_id"] for one in found):
            tx.update_later(t.lead, lead_id, w.next_follow_up(tx, lead_id))
    tx.flush()


# -- rehearsal --------------------------------------------------------------------------------------------------------


def rehearse(
    office: Office, ref: str | int, *, status: str | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What would happen if this lead got to a status now (its present one unless named). Changes nothing.

    Answers the lead (number, name, status) and one record per action: what, for whom (logins), when, in which words.
    Raises NotFound, Invalid.
    """
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        current = tx.catalog.stage_by_id[row["stage_id"]]
        stage = tx.catalog.find_stage(status, row["pipeline_id"]) if status else current
        hides = "name" in tx.actor.hidden_fields
        row = {**row, "name": None} if hides else row
        planned = [] if stage.is_lost else plan(tx, row, stage, current, items_of(tx, stage.id))
        told = {"lead_number": row["number"], "lead_name": row["name"], "status": stage.name}
        users = tx.catalog.user_by_id
        return told, [
            {
                "id": one.item.id, "name": one.item.name, "kind": one.item.kind, "type": one.type,
                "subject": one.subject, "details": one.details, "at": one.at, "all_day": one.all_day,
                "assigned_to": [users[i].login for i in one.told if i in users],
                "channel": one.message.by.channel if one.message else None,
            }
            for one in planned
        ]  # fmt: skip


def rehearse_moves(office: Office, lead_id: int) -> dict[int, tuple[str, ...]]:
    """For each status this lead may go to: the subjects of what would happen by itself there. Raises NotFound."""
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, lead_id))
        row = {**row, "name": None} if "name" in tx.actor.hidden_fields else row
        current = tx.catalog.stage_by_id[row["stage_id"]]
        return {
            stage.id: tuple(one.subject for one in plan(tx, row, stage, current, items_of(tx, stage.id)))
            for stage in tx.catalog.stages_of(row["pipeline_id"])
            if stage.is_active and not stage.is_lost and stage.id != current.id
        }
