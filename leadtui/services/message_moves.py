"""The one way a message changes its state: compare, set, and write down who did it; and what follows from success.

Nothing else updates `message.state`. Locks are taken in the order lead, message, so that two never wait in a ring.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, literal_column, or_, select, update

from leadtui.domain.activity_types import SUBJECTS
from leadtui.domain.message_states import LEFT, may_follow
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import WriteTx
from leadtui.text import shorten

from . import consent
from . import lead_writes as w


def _in(*states: str) -> ColumnElement[bool]:
    """The condition of a partial index: as literals, for the planner cannot see it in bound values."""
    return t.message.c.state.in_([literal_column(f"'{state}'") for state in states])


IS_WAITING = _in("pending", "retry")
IS_IN_HAND = _in("claimed", "sending")
IS_ASKING = _in("handed_off", "unknown")

_FREE: Mapping[str, Any] = {"claim_token": None, "claimed_by": None, "claimed_until": None}


def move(
    tx: WriteTx,
    message_id: int,
    before: str | Collection[str],
    after: str,
    *,
    by: str,
    token: str | None = None,
    detail: str | None = None,
    told: bool = False,
    **values: Any,
) -> bool:
    """Set the state to `after` if it still is `before` (one of them), and `token` still has it; False: it moved on.

    `values` are further columns. The claim is given up unless `values` say otherwise or the message is unknown: who had
    it may come back, and know what became of it. `by` and `detail` go into the message's history. `told`: a report
    says so, which counts whatever was believed.
    """
    m, befores = t.message.c, (before,) if isinstance(before, str) else before
    if not told and not all(may_follow(one, after) for one in befores):
        raise ValueError(f"a message that is {before} does not become {after}")
    wanted = [m.id == message_id, m.state.in_(befores)]
    if token is not None:
        wanted.append(m.claim_token == token)
    columns = ({} if after in {"sending", "unknown"} else dict(_FREE)) | values
    columns |= {"state": after, "updated_at": moment(tx)}
    if not tx.conn.execute(update(t.message).where(*wanted).values(**columns)).rowcount:
        return False
    note(tx, message_id, after, by, detail)
    return True


def back(tx: WriteTx, message_id: int, before: str, after: str, token: str, **values: Any) -> bool:
    """`move` of a message that was only looked at: no line of its history."""
    if not may_follow(before, after):
        raise ValueError(f"a message that is {before} does not become {after}")
    m = t.message.c
    mine = update(t.message).where(m.id == message_id, m.state == before, m.claim_token == token)
    columns = {**_FREE, **values, "state": after, "updated_at": moment(tx)}
    return bool(tx.conn.execute(mine.values(**columns)).rowcount)


def note(tx: WriteTx, message_id: int, state: str, by: str, detail: str | None = None) -> None:
    """Write a line of the message's history."""
    tx.conn.execute(
        insert(t.message_event).values(
            message_id=message_id, at=moment(tx), state=state, by=by[:255], detail=(detail or None) and detail[:2000]
        )
    )


def lock(tx: WriteTx, message_id: int) -> Mapping[Any, Any] | None:
    """All columns of a message, it and its lead locked until the transaction ends; None when it is gone."""
    m = t.message.c
    if not tx.is_sqlite:
        lead_id = tx.conn.execute(select(m.lead_id).where(m.id == message_id)).scalar()
        if lead_id is not None:
            tx.conn.execute(select(t.lead.c.id).where(t.lead.c.id == lead_id).with_for_update(key_share=True))
    query = select(t.message).where(m.id == message_id).with_for_update()
    return tx.conn.execute(query).mappings().one_or_none()


def succeeded(tx: WriteTx, row: Mapping[Any, Any], at: datetime) -> None:
    """What follows when a message first counts as sent: it stands on the lead's timeline, whose last contact it is.

    `row` is the message as it was before. A test, and a message whose lead is not known, leave no trace.
    """
    if row["lead_id"] is None or row["purpose"] == "test" or row["activity_id"] is not None:
        return
    kind = consent.family(row["channel"])
    kind = kind if kind in SUBJECTS else "other"
    activity_id = w.insert_activity(
        tx, row["lead_id"], kind, _subject(tx, row, kind), row["body"], scheduled_at=at, completed_at=at,
        channel=row["channel"], direction="outbound", created_by_id=row["created_by_id"], batch_id=None,
        metadata_json={"message": row["id"], "campaign": row["campaign_id"]},
    )  # fmt: skip
    tx.conn.execute(update(t.message).where(t.message.c.id == row["id"]).values(activity_id=activity_id))
    touched(tx, row["lead_id"], at)


def touched(tx: WriteTx, lead_id: int, at: datetime) -> None:
    """The lead's last contact was at `at`, unless it had a later one. No change that an editor must know of."""
    last = t.lead.c.last_activity_at
    newer = or_(last.is_(None), last < at)
    tx.conn.execute(update(t.lead).where(t.lead.c.id == lead_id, newer).values(last_activity_at=at))


def failed_after_all(tx: WriteTx, row: Mapping[Any, Any], words: str) -> None:
    """A message that counted as sent did not arrive: its line on the timeline says so."""
    if row["activity_id"] is not None and row["state"] in LEFT:
        values = {"outcome_note": f"not delivered: {words}"[:2000], "updated_at": tx.now}
        tx.conn.execute(update(t.activity).where(t.activity.c.id == row["activity_id"]).values(**values))


def _subject(tx: WriteTx, row: Mapping[Any, Any], kind: str) -> str:
    if row["subject"]:
        return shorten(row["subject"], 255)
    if row["campaign_id"] is not None:
        name = tx.conn.execute(select(t.campaign.c.name).where(t.campaign.c.id == row["campaign_id"])).scalar()
        return shorten(f"{SUBJECTS[kind]}: {name}", 255)
    return SUBJECTS[kind]
