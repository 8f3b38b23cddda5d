"""The message that a status sends to its leads (spec §T, AJ27): a real one where that is possible, else why it is not.

Only what has words for the lead is written to it: a template, or a `body`. One with a mere `text` ("Send the welcome
packet to {name}") tells a colleague what to do, and stays a task.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from leadtui.domain.stage_actions import StageActionItem, fill, fill_block
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import automatic, messages

PURPOSE: Final = "stage"
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_UNWANTED: Final = frozenset({"refused", "suppressed", "no_consent"})
_CALLED_OFF: Final = (PURPOSE, "single")
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class StageMessage:
    """What would be written, and by which way; `why` it is not, in words for the task that stands for it."""

    by: automatic.Way
    text: automatic.Text | None = None
    why: str = ""


def message_for(tx: ReadTx, row: Mapping[Any, Any], item: StageActionItem, values: Mapping[str, str]) -> StageMessage:
    """The message of a status for this lead (all columns); `values` are those of its own placeholders."""
    channel = item.channel or ""
    how = f" by {channel}" if channel else ""
    if not (item.body or item.template) or not channel:
        words = f"Nothing sends this by itself: send it{how} by hand, then mark it done."
        return StageMessage(automatic.Way(channel), None, words)
    by = automatic.way(tx, channel, row, purpose=PURPOSE)
    text = _text(tx, row, item, values)
    if by.reason in _UNWANTED:
        return StageMessage(by, text, f"Not sent: the lead {by.words}. Decide whether to speak to it at all.")
    if by.reason is not None or text.missing:
        missing = ", ".join(f"{{{one}}}" for one in text.missing)
        reason = by.words or f"{missing} has no value"
        return StageMessage(by, text, f"Not sent by itself: {reason}. Send it{how} by hand, then mark it done.")
    return StageMessage(by, text)


def _text(tx: ReadTx, row: Mapping[Any, Any], item: StageActionItem, values: Mapping[str, str]) -> automatic.Text:
    if item.template:
        return automatic.text_of(tx, row, body=None, subject=item.name, template=item.template)
    known = dict(values) | ({} if row["name"] else {"name": ""})  # a number is for colleagues
    body = item.body or ""
    missing = tuple(dict.fromkeys(name for name in _PLACE.findall(body) if not known.get(name)))
    return automatic.Text(fill(item.name, values), fill_block(body, known), None, missing)


def write(
    tx: WriteTx, row: Mapping[Any, Any], message: StageMessage, *, key: str, at: datetime, batch: int | None
) -> int | None:
    """Make the message, once per `key`; not before `at`. `batch` is the move whose undo calls it off."""
    if message.text is None:
        raise ValueError("there is nothing to write")
    next_at = at if at > tx.now else None
    return automatic.write(
        tx, row, message.by, message.text, purpose=PURPOSE, dedupe_key=key, next_at=next_at, batch_id=batch
    )


def call_off(tx: WriteTx, batch_id: int, lead_ids: Iterable[int]) -> int:
    """Undo: what was not begun yet of the messages of an act (a move, a reach) is not sent. What was sent is final."""
    m, wanted, done = t.message.c, sorted(lead_ids), 0
    for start in range(0, len(wanted), _CHUNK):
        mine = (m.batch_id == batch_id, m.purpose.in_(_CALLED_OFF), m.lead_id.in_(wanted[start : start + _CHUNK]))
        for message_id in tx.conn.execute(select(m.id).where(*mine).order_by(m.id)).scalars().all():
            done += messages.cancel_one(tx, message_id)
    return done
