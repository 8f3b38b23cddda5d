"""Campaigns as rows, read and locked: what the rooms of `services.campaigns` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update

from leadtui.domain.campaigns import BROADCAST, REOPENED, CampaignRow
from leadtui.domain.filters import from_criteria, to_text
from leadtui.domain.permissions import Actor
from leadtui.errors import EditedElsewhere, NotFound
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import lead_writes as w
from . import messages, throttles

ENTITY = "campaign"
"""The audit's word for one, and the kind of its batches."""

Row = Mapping[Any, Any]


# -- which ---------------------------------------------------------------------------------------------------------
def visible(tx: ReadTx) -> ColumnElement[bool]:
    """The broadcasts the actor may see: those made by whom his scope of `campaign` covers. Raises NotPermitted."""
    w.require(tx, "campaign")
    c = t.campaign.c
    live = and_(c.kind == BROADCAST, c.deleted_at.is_(None))
    makers = _makers(tx, tx.actor)
    return live if makers is None else and_(live, c.created_by_id.in_(makers))


def _makers(tx: ReadTx, actor: Actor) -> set[int] | None:
    """Whose campaigns the actor may run; None: everybody's."""
    match actor.scope("campaign"):
        case "all":
            return None
        case "branch":
            mates = {u.id for u in tx.catalog.users if u.branch_id is not None and u.branch_id == actor.branch_id}
            return mates | {actor.user_id}
        case "team":
            return {*actor.team_user_ids, actor.user_id}
        case _:
            return {actor.user_id}


def found(tx: ReadTx, ref: str | int) -> Row:
    """The campaign that `ref` names by id or whole name; locked in a write transaction. Raises NotFound."""
    text, c = str(ref).strip(), t.campaign.c
    query = select(t.campaign).where(visible(tx))
    if isinstance(tx, WriteTx):
        query = query.with_for_update()
    if text.isascii() and text.isdigit() and int(text) < 2**31:
        rows = tx.conn.execute(query.where(c.id == int(text))).mappings().all()
        if rows or isinstance(ref, int):
            return _only(rows, ref)
    return _only(tx.conn.execute(query.where(c.name == text).limit(2)).mappings().all(), ref)


def _only(rows: Sequence[Row], ref: object) -> Row:
    if len(rows) > 1:
        raise NotFound(
            f"several campaigns are called '{str(ref)[:60]}'", field="ref", code="ambiguous", hint="name it by its id"
        )
    if not rows:
        raise NotFound(f"there is no campaign '{str(ref)[:60]}'", field="ref", hint="see: leadtui campaign list")
    return rows[0]


def check_version(tx: ReadTx, row: Row, version: int | None) -> None:
    """Raises EditedElsewhere when somebody changed it since `version`."""
    if version is not None and version != row["version"]:
        raise EditedElsewhere(
            f"'{row['name']}' was changed since", field="version", hint="look at it again, then repeat",
            data={"version": row["version"]},
        )  # fmt: skip


# -- changing ------------------------------------------------------------------------------------------------------
def change(tx: WriteTx, row: Row, columns: Mapping[str, Any], action: str) -> bool:
    """Set columns of a locked campaign: only what differs, with a new version and the audit. False: nothing did."""
    changed = {key: value for key, value in columns.items() if row[key] != value}
    if not changed:
        return False
    stamp = {"version": row["version"] + 1, "updated_at": tx.now}
    tx.conn.execute(update(t.campaign).where(t.campaign.c.id == row["id"]).values(**changed, **stamp))
    tx.audit(action, ENTITY, row["id"], {key: row[key] for key in changed}, changed)
    return True


def reopen(tx: WriteTx, row: Row) -> bool:
    """A completed campaign (its locked row) runs on: some of it is tried again. False when it is not completed."""
    if row["status"] != REOPENED[0]:
        return False
    return change(tx, row, {"status": REOPENED[1], "completed_at": None, "failure_streak": 0}, "reopen")


# -- rows ----------------------------------------------------------------------------------------------------------
def row_of(tx: ReadTx, campaign_id: int) -> CampaignRow:
    """One campaign as it is now."""
    return rows_of(tx, t.campaign.c.id == campaign_id)[0]


def rows_of(
    tx: ReadTx, where: ColumnElement[bool], *, order: Sequence[Any] = (), limit: int | None = None, offset: int = 0
) -> list[CampaignRow]:
    """Campaigns with their counters, newest first unless `order` says other: four statements, however many."""
    c = t.campaign.c
    joined = t.campaign.outerjoin(t.template, t.template.c.id == c.template_id)
    query = select(t.campaign, t.template.c.name.label("template_name")).select_from(joined).where(where)
    query = query.order_by(*(order or (c.id.desc(),)))
    if limit is not None:
        query = query.limit(limit).offset(offset)
    rows = tx.conn.execute(query).mappings().all()
    counted = messages.counts(tx, [row["id"] for row in rows])
    begun = _begun(tx, [row["id"] for row in rows if row["status"] in {"active", "paused"}])
    return [_row(tx, row, counted, begun) for row in rows]


def _begun(tx: ReadTx, ids: Sequence[int]) -> dict[int, int]:
    """How many messages of each were begun within the last minute."""
    if not ids:
        return {}
    m = t.message.c
    query = select(m.campaign_id, func.count()).where(
        m.campaign_id.in_(ids), m.sending_at > tx.now - timedelta(minutes=1)
    )
    return {one[0]: one[1] for one in tx.conn.execute(query.group_by(m.campaign_id))}


def _row(tx: ReadTx, row: Row, counted: Mapping[int, Any], begun: Mapping[int, int]) -> CampaignRow:
    user, options = tx.catalog.user_by_id.get(row["created_by_id"]), row["options_json"] or {}
    same = (
        "id", "kind", "name", "description", "channel", "subject", "template_id", "template_name", "attachment_name",
        "attachment_type", "attachment_path", "status", "pause_reason", "pause_text", "scheduled_at", "started_at",
        "completed_at", "frozen_at", "per_minute", "auto_retry", "max_retries", "daily_unique", "quiet_hours",
        "created_by_id", "created_at", "updated_at", "version",
    )  # fmt: skip
    made = CampaignRow(
        **{key: row[key] for key in same}, template=row["template"] or "", where=_where(row),
        criteria=row["criteria_json"], out=options.get("out"), skip_missing=bool(options.get("skip_missing")),
        created_by=user.login if user else "?", rate_now=begun.get(row["id"], 0),
        **({"counters": counted[row["id"]]} if row["id"] in counted else {}),
    )  # fmt: skip
    return with_eta(tx, made) if made.is_active else made


def _where(row: Row) -> str | None:
    """The audience as filter text: as it was typed, else as its criteria read."""
    if row["where_text"] or row["criteria_json"] is None:
        return None if row["where_text"] is None else str(row["where_text"])
    return to_text(from_criteria(row["criteria_json"]))


def with_eta(tx: ReadTx, row: CampaignRow) -> CampaignRow:
    """The same with the moment at which its last message would go."""
    left = row.counters.waiting + row.counters.in_hand
    if not left:
        return row
    at = throttles.eta(
        tx, row.channel, left, per_minute=row.per_minute, daily_unique=row.daily_unique, quiet_hours=row.quiet_hours,
        campaign_id=row.id,
    )  # fmt: skip
    return replace(row, eta=at.ends_at if at else None)
