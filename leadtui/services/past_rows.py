"""Leads as they stood at a moment: rows, tags and the rest, walked back from now through what was written of them.

Nothing but dated records is believed. A column is what the audit says stood there before its first change behind the
moment; the furthest status comes from the status history, the last call from the timeline, a counter is less what
was counted since. What an undo took away since is put back in. A lead that was not in the database yet, or of which
nothing was recorded, has no past; what cannot be told of the others is named in `unknown`.

What other programs told late, of a time before the moment, counts from that time: when it was told is not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, select

from leadtui.domain.conditions import furthest
from leadtui.domain.triggers import COUNTERS
from leadtui.store import schema as t
from leadtui.store.many_rows import among
from leadtui.store.unit_of_work import ReadTx, typed

NO_RECORD: Final = "nothing was recorded of how they began"
LATER: Final = "they were put into the database later"

_CREATING: Final = "create"
_COUNTED: Final = frozenset(COUNTERS.values())
_BESIDE: Final = ("tags", "custom.")
_KEPT_OTHERWISE: Final = _COUNTED | {
    "id", "created_at", "furthest_stage_id", "router_user_at", "last_activity_at", "score_bonus", "wa_user_id",
}  # fmt: skip
"""Columns that are written without a word in the audit, and found by other ways."""


@dataclass(slots=True)
class PastLead:
    """A lead as it stood: its columns, its tags by name, its custom fields, the outcome of its last call.

    `unknown` names the columns (or `tags`, `last_call`, `custom.KEY`) of which the past cannot be told; they are empty.
    """

    row: dict[str, Any]
    tags: tuple[str, ...] = ()
    custom: dict[str, str] = field(default_factory=dict)
    last_call: str | None = None
    unknown: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Past:
    """Leads as they stood, by id; and why the others are not there."""

    leads: dict[int, PastLead]
    left_out: dict[int, str]


@dataclass(slots=True)
class _Walk:
    """What stood in a lead before its first change behind the moment, by column, and when that change was."""

    before: dict[str, Any] = field(default_factory=dict)
    changed_at: dict[str, datetime] = field(default_factory=dict)
    # what an undo behind the moment took back: the batch it undid, and the batch it was
    undone: dict[int, int] = field(default_factory=dict)
    # beside the row an undo says what it left, not what it found: what the undone batch had made of it
    from_batch: dict[str, int] = field(default_factory=dict)


def read(tx: ReadTx, moments: Mapping[int, datetime], columns: Collection[str], *, beside: bool = True) -> Past:
    """These leads, each at its moment; at most some thousand at once. `beside`: with tags and custom fields.

    `columns` are those of `lead` that are asked for, and `last_call`. Leads that are gone are in neither answer.
    """
    began = _began(tx, list(moments))
    left_out = {
        i: NO_RECORD if i not in began else LATER for i in moments if i not in began or began[i][0] > moments[i]
    }
    asked = {i: at for i, at in moments.items() if i not in left_out}
    if not asked:
        return Past({}, left_out)
    since = min(asked.values())
    walks = _walks(tx, asked, since)
    wanted = {*columns, "id", "pipeline_id", "created_at"} - {"last_call"}
    found = {i: PastLead(row) for i, row in _rows(tx, list(asked), wanted).items()}
    undone = _undone(tx, walks)
    for lead_id, lead in found.items():
        _walk_back(lead, walks.get(lead_id), undone.get(lead_id, ()), asked[lead_id])
    _doubt(tx, found, asked, {i: began[i][1] for i in found})
    if beside:
        _tags(tx, found, walks)
        _custom(tx, found, walks)
    if _COUNTED & wanted:
        _counters(tx, found, walks, asked, sorted(_COUNTED & wanted))
    if "furthest_stage_id" in wanted:
        _furthest(tx, found, undone, asked)
    if "last_call" in columns:
        _last_calls(tx, found, walks, undone, asked)
    return Past(found, left_out)


def _began(tx: ReadTx, ids: Sequence[int]) -> dict[int, tuple[datetime, dict[str, Any]]]:
    """Since when each lead has been in the database, and as what it came."""
    a = t.audit.c
    query = (
        select(a.entity_id, a.at, a.after_json)
        .where(a.entity == "lead", _one_of(tx, a.entity_id, ids), a.action == _CREATING)
        .order_by(a.id.desc())
    )
    return {lead_id: (at, after or {}) for lead_id, at, after in tx.conn.execute(query)}


def _rows(tx: ReadTx, ids: Sequence[int], columns: Iterable[str]) -> dict[int, dict[str, Any]]:
    query = select(*(t.lead.c[name] for name in sorted(columns))).where(_one_of(tx, t.lead.c.id, ids))
    return {row["id"]: dict(row) for row in tx.conn.execute(query).mappings()}


# -- the audit, backwards ----------------------------------------------------------------------------------------------


def _walks(tx: ReadTx, moments: Mapping[int, datetime], since: datetime) -> dict[int, _Walk]:
    a, b = t.audit.c, t.batch.c
    query = (
        # what an act left is needed of undos only; of an import it is the whole lead
        select(a.entity_id, a.at, a.batch_id, b.undoes_id, a.before_json, case((a.action == "undo", a.after_json)))
        .select_from(t.audit.outerjoin(t.batch, b.id == a.batch_id))
        .where(a.entity == "lead", _one_of(tx, a.entity_id, moments), a.at > since, a.action != _CREATING)
        .order_by(a.id)
    )
    found: dict[int, _Walk] = {}
    for lead_id, at, batch_id, undoes_id, before, after in tx.conn.execute(query):
        if at <= moments[lead_id]:
            continue
        walk = found.setdefault(lead_id, _Walk())
        known = walk.before
        for name, value in (before or {}).items():
            if name not in known:
                known[name] = value
                walk.changed_at[name] = at
        if undoes_id is None:
            continue
        walk.undone[undoes_id] = batch_id
        for name in after or {}:
            if name not in known and name.startswith(_BESIDE):
                known[name] = None
                walk.from_batch[name] = undoes_id
    return found


def _undone(tx: ReadTx, walks: Mapping[int, _Walk]) -> dict[int, list[Any]]:
    """What was done at these leads by batches that were undone behind their moments, in order."""
    batches = {batch for walk in walks.values() for batch in walk.undone}
    if not batches:
        return {}
    a = t.audit.c
    ids = [lead_id for lead_id, walk in walks.items() if walk.undone]
    query = (
        select(a.entity_id, a.batch_id, a.at, a.after_json, t.batch.c.label)
        .join(t.batch, t.batch.c.id == a.batch_id)
        .where(a.entity == "lead", _one_of(tx, a.entity_id, ids), _one_of(tx, a.batch_id, batches))
        .order_by(a.id)
    )
    found: dict[int, list[Any]] = {}
    for row in tx.conn.execute(query):
        if row.batch_id in walks[row.entity_id].undone:
            found.setdefault(row.entity_id, []).append(row)
    return found


def _walk_back(lead: PastLead, walk: _Walk | None, undone: Iterable[Any], moment: datetime) -> None:
    """The columns of the row as they stood; what only an undo tells, from the batch that it undid."""
    row = lead.row
    if walk is not None:
        for name in row.keys() & walk.before.keys():
            row[name] = typed(t.lead.c[name], walk.before[name])
        for name, batch_id in walk.from_batch.items():
            made = [one.after_json for one in undone if one.batch_id == batch_id and name in (one.after_json or {})]
            if made:
                walk.before[name] = made[-1][name]
            else:
                lead.unknown.add(name)
    # Kept by the database itself, or moved by a message without a word in the audit.
    for name in ("router_user_at", "last_activity_at"):
        if row.get(name) is not None and row[name] > moment:
            row[name] = None
            if name == "last_activity_at":
                lead.unknown.add(name)


def _doubt(
    tx: ReadTx,
    found: Mapping[int, PastLead],
    moments: Mapping[int, datetime],
    began: Mapping[int, Mapping[str, Any]],
) -> None:
    """A column that is not as the lead came, though nothing says that it was changed until then, was written past the
    audit: nobody can tell when."""
    odd: dict[int, set[str]] = {}
    for lead_id, lead in found.items():
        told = began[lead_id]
        for name, value in lead.row.items():
            # nothing told is the same as no or none: that is what a column begins with
            if name not in _KEPT_OTHERWISE and (value or None) != (typed(t.lead.c[name], told.get(name)) or None):
                odd.setdefault(lead_id, set()).add(name)
    if not odd:
        return
    a = t.audit.c
    query = select(a.entity_id, a.at, a.before_json, a.after_json).where(
        a.entity == "lead", _one_of(tx, a.entity_id, odd), a.action != _CREATING, a.at <= max(moments.values())
    )
    for lead_id, at, before, after in tx.conn.execute(query):
        if at <= moments[lead_id]:
            odd[lead_id] -= {*(before or {}), *(after or {})}
    for lead_id, names in odd.items():
        found[lead_id].row |= dict.fromkeys(names)
        found[lead_id].unknown |= names


# -- beside the row ----------------------------------------------------------------------------------------------------


def _tags(tx: ReadTx, found: Mapping[int, PastLead], walks: Mapping[int, _Walk]) -> None:
    link, tag = t.lead_tag.c, t.tag.c
    query = select(link.lead_id, tag.name).join(t.tag, tag.id == link.tag_id).where(_one_of(tx, link.lead_id, found))
    present: dict[int, list[str]] = {}
    for lead_id, name in tx.conn.execute(query.order_by(tag.key)):
        present.setdefault(lead_id, []).append(name)
    for lead_id, lead in found.items():
        walk = walks.get(lead_id)
        if walk is not None and "tags" in walk.before:
            lead.tags = tuple(walk.before["tags"] or ())
        else:
            lead.tags = tuple(present.get(lead_id, ()))


def _custom(tx: ReadTx, found: Mapping[int, PastLead], walks: Mapping[int, _Walk]) -> None:
    c = t.lead_custom.c
    for lead_id, key, value in tx.conn.execute(select(c.lead_id, c.key, c.value).where(_one_of(tx, c.lead_id, found))):
        found[lead_id].custom[key] = value
    for lead_id, walk in walks.items():
        if lead_id not in found:
            continue
        custom = found[lead_id].custom
        for name, value in walk.before.items():
            if not name.startswith("custom."):
                continue
            if value:
                custom[name[7:]] = value
            else:
                custom.pop(name[7:], None)


def _counters(
    tx: ReadTx,
    found: Mapping[int, PastLead],
    walks: Mapping[int, _Walk],
    moments: Mapping[int, datetime],
    names: Sequence[str],
) -> None:
    """What leads did elsewhere is counted in the row without an audit: less what was counted since."""
    b = t.behavior_event.c
    events = [event for event, counter in COUNTERS.items() if counter in names]
    query = select(b.lead_id, b.event, b.at).where(
        _one_of(tx, b.lead_id, found), b.event.in_(events), b.at > min(moments.values())
    )
    since: dict[tuple[int, str], int] = {}
    for lead_id, event, at in tx.conn.execute(query):
        name, walk = COUNTERS[event], walks.get(lead_id)
        end = walk.changed_at.get(name) if walk is not None else None
        if at > moments[lead_id] and (end is None or at <= end):
            since[lead_id, name] = since.get((lead_id, name), 0) + 1
    empty: list[tuple[int, str]] = []
    for (lead_id, name), count in since.items():
        lead = found[lead_id]
        value = (lead.row[name] or 0) - count
        lead.row[name] = value if value > 0 else None
        if value == 0:
            empty.append((lead_id, name))
        elif value < 0:
            lead.unknown.add(name)
    _zeros(tx, found, moments, empty)


def _zeros(
    tx: ReadTx,
    found: Mapping[int, PastLead],
    moments: Mapping[int, datetime],
    empty: Sequence[tuple[int, str]],
) -> None:
    """A counter without anything counted is unknown, unless a person had said that it is zero (spec AH6)."""
    if not empty:
        return
    a = t.audit.c
    query = (
        select(a.entity_id, a.at, a.after_json)
        .where(
            a.entity == "lead",
            _one_of(tx, a.entity_id, {lead_id for lead_id, _ in empty}),
            a.at <= max(moments.values()),
        )
        .order_by(a.id)
    )
    said: dict[int, dict[str, Any]] = {}
    for lead_id, at, after in tx.conn.execute(query):
        if at <= moments[lead_id]:
            said.setdefault(lead_id, {}).update(after or {})
    for lead_id, name in empty:
        if said.get(lead_id, {}).get(name) == 0:
            found[lead_id].row[name] = 0


# -- what the history tells --------------------------------------------------------------------------------------------


def _furthest(
    tx: ReadTx,
    found: Mapping[int, PastLead],
    undone: Mapping[int, Sequence[Any]],
    moments: Mapping[int, datetime],
) -> None:
    """The furthest of the statuses until then."""
    c = t.stage_change.c
    ever: dict[int, set[int]] = {}
    query = select(c.lead_id, c.to_stage_id, c.at).where(_one_of(tx, c.lead_id, found), c.at <= max(moments.values()))
    for lead_id, stage_id, at in tx.conn.execute(query):
        if at <= moments[lead_id]:
            ever.setdefault(lead_id, set()).add(stage_id)
    for lead_id, entries in undone.items():
        for one in entries:
            moved = (one.after_json or {}).get("stage_id")
            if moved is not None and one.at <= moments[lead_id]:
                ever.setdefault(lead_id, set()).add(moved)
    for lead_id, lead in found.items():
        lead.row["furthest_stage_id"] = furthest(tx.catalog, ever.get(lead_id, ()))


def _last_calls(
    tx: ReadTx,
    found: Mapping[int, PastLead],
    walks: Mapping[int, _Walk],
    undone: Mapping[int, Sequence[Any]],
    moments: Mapping[int, datetime],
) -> None:
    """The outcome of the last finished call by the rule of `last_call:`; what an undo took away is in the audit."""
    a, said = t.activity.c, t.audit.c
    mine = (_one_of(tx, a.lead_id, found), a.type == "call", a.created_at <= max(moments.values()))
    names = ("id", "lead_id", "outcome", "completed_at", "cancelled_at", "created_at")
    calls = {row["id"]: dict(row) for row in tx.conn.execute(select(*(a[n] for n in names)).where(*mine)).mappings()}
    if calls:
        later = (
            select(said.entity_id, said.at, said.before_json)
            .join(t.activity, a.id == said.entity_id)
            .where(said.entity == "activity", said.at > min(moments.values()), *mine)
            .order_by(said.id.desc())  # so that the first change behind the moment has the last word
        )
        for call_id, at, before in tx.conn.execute(later):
            call = calls[call_id]
            if at > moments[call["lead_id"]] and at > call["created_at"]:
                for name in names[2:5]:
                    if name in (before or {}):
                        call[name] = typed(a[name], before[name])
    kept = _taken_away(tx, found, walks)
    known = {(call["lead_id"], call["batch_id"]) for call in kept}
    best: dict[int, tuple[datetime, int, str | None]] = {}
    for call in (*calls.values(), *kept):
        moment, at = moments[call["lead_id"]], call["completed_at"]
        if call["created_at"] > moment or at is None or at > moment or call.get("cancelled_at") is not None:
            continue
        if call["lead_id"] not in best or (at, call["id"]) > best[call["lead_id"]][:2]:
            best[call["lead_id"]] = at, call["id"], call["outcome"]
    for lead_id, lead in found.items():
        lead.last_call = best[lead_id][2] if lead_id in best else None
        for one in undone.get(lead_id, ()):
            if one.label == "log call" and one.at <= moments[lead_id] and (lead_id, one.batch_id) not in known:
                lead.last_call = None  # undone before undos kept what calls had said
                lead.unknown.add("last_call")


def _taken_away(tx: ReadTx, found: Mapping[int, PastLead], walks: Mapping[int, _Walk]) -> list[dict[str, Any]]:
    """Calls that undos behind the moments took away, each with the batch that had made it."""
    by_undo = {undo: batch for i in found if i in walks for batch, undo in walks[i].undone.items()}
    if not by_undo:
        return []
    a, said = t.activity.c, t.audit.c
    query = select(said.batch_id, said.entity_id, said.before_json).where(
        _one_of(tx, said.batch_id, by_undo), said.entity == "activity", said.action == "undo"
    )
    kept: list[dict[str, Any]] = []
    for undo_id, call_id, before in tx.conn.execute(query):
        if before and before.get("type") == "call" and before.get("lead_id") in found:
            values = {name: typed(a[name], value) for name, value in before.items()}
            kept.append({**values, "id": call_id, "batch_id": by_undo[undo_id]})
    return kept


def _one_of(tx: ReadTx, column: Any, values: Iterable[int]) -> Any:
    return among(column, values, sqlite=tx.is_sqlite)
