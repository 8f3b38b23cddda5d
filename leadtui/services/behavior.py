"""What a lead does elsewhere (a page looked at, a mail opened): told by other programs, counted, looked at by triggers.

An event and the lead's counter are written in one transaction; told twice under one `external_ref`, it is one event.
The counters are no edit: neither the lead's version nor its last change moves, so that nobody who types in its form
stumbles over a visit of its web page (spec §S, AH6, AH19).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update

from leadtui.domain.dates import iso_z
from leadtui.domain.triggers import COUNTERS, EVENTS, event_name
from leadtui.errors import Invalid
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_line

from . import lead_writes as w
from . import scoring
from .office import Office

__all__ = ["EVENTS", "RECORDED", "Recorded", "of_lead", "record", "record_in"]

RECORDED: Final = "behavior.recorded"
"""The event that lets triggers look; its payload names the `event`."""

MOST_CHARS: Final = 4_000
"""So much may be told of one event."""
_AHEAD: Final = timedelta(minutes=5)
"""Clocks of other machines may be so far ahead."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an event that was told. `is_new` False: it was known, and nothing was counted."""

    id: int | None
    is_new: bool
    lead_id: int
    lead_number: str
    event: str
    at: datetime
    counters: Mapping[str, int | None]

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "id": self.id, "is_new": self.is_new, "lead_id": self.lead_id, "lead_number": self.lead_number,
            "event": self.event, "at": iso_z(self.at), "counters": dict(self.counters),
        }  # fmt: skip


def record(
    office: Office,
    ref: str | int,
    event: str,
    metadata: Mapping[str, Any] | None = None,
    *,
    external_ref: str | None = None,
    at: datetime | None = None,
) -> Recorded:
    """Note what a lead did. Needs `log` on the lead. Raises NotFound, NotPermitted, Invalid (with its field)."""
    with office.write() as tx:
        row = w.open_for(tx, ref, "log")
        name = event_name(event)
        event_id = record_in(tx, row["id"], name, metadata, external_ref=external_ref, at=at)
        tx.flush()
        counters = tx.conn.execute(select(*_counters()).where(t.lead.c.id == row["id"])).mappings().one()
        return Recorded(event_id, event_id is not None, row["id"], row["number"], name, at or tx.now, dict(counters))


def _counters() -> list[Any]:
    return [t.lead.c[name] for name in dict.fromkeys(COUNTERS.values())]


def record_in(
    tx: WriteTx,
    lead_id: int,
    event: str,
    metadata: Mapping[str, Any] | None = None,
    *,
    external_ref: str | None = None,
    at: datetime | None = None,
) -> int | None:
    """`record` in a transaction that is open already, the right to it checked. None: it was told before."""
    name = event_name(event)
    if at is not None and at > tx.now + _AHEAD:
        raise Invalid("what happened cannot lie ahead", field="at", hint="leave it out for now")
    told = clean_line(external_ref or "", field="external_ref", limit=120) or None
    happened = min(at or tx.now, tx.now)
    values = {
        "lead_id": lead_id, "event": name, "metadata_json": _checked(metadata), "external_ref": told, "at": happened,
    }  # fmt: skip
    event_id = tx.conn.execute(_statement(tx).values(**values).returning(t.behavior_event.c.id)).scalar()
    if event_id is None:
        return None
    counter = COUNTERS.get(name)
    if counter is not None:
        column = t.lead.c[counter]
        added = {counter: func.coalesce(column, 0) + 1}
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead_id).values(added))
        scoring.touch(tx, lead_id)
    if _is_watched(tx, name):
        w.note_event(tx, RECORDED, lead_id, {"event": event_id})
    return int(event_id)


def _statement(tx: WriteTx) -> Any:
    """An insert that passes over an event that is known."""
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(t.behavior_event).on_conflict_do_nothing(index_elements=["external_ref"])
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(t.behavior_event).on_conflict_do_nothing(index_elements=["external_ref"])


def _checked(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What was told beside the name, as it is kept: untrusted, so small and without control characters."""
    if not metadata:
        return None
    if not isinstance(metadata, Mapping):
        raise Invalid("what is told of an event is a list of names with values", field="metadata")
    try:
        size = len(json.dumps(metadata, ensure_ascii=False, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise Invalid("what is told of an event cannot be read", field="metadata", hint="names with values") from None
    if size > MOST_CHARS:
        raise Invalid(f"too much is told of one event: {size:,} characters", field="metadata",
                      hint=f"at most {MOST_CHARS:,}")  # fmt: skip
    return {_clean(str(key)): _clean(value) for key, value in metadata.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_line(value, field="metadata", limit=MOST_CHARS)
    if isinstance(value, Mapping):
        return {_clean(str(key)): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value


def _is_watched(tx: ReadTx, event: str) -> bool:
    """Whether a trigger looks at events of this name."""
    c = t.trigger.c
    return tx.conn.execute(select(c.id).where(c.event == event, c.is_active.is_(True)).limit(1)).first() is not None


def of_lead(office: Office, ref: str | int, *, limit: int = 50, offset: int = 0) -> tuple[int, list[dict[str, Any]]]:
    """What a lead did, the newest first, with the count. Raises NotFound."""
    with office.read() as tx:
        b = t.behavior_event.c
        mine = b.lead_id == w.resolve(tx, ref)
        total = tx.conn.execute(select(func.count()).select_from(t.behavior_event).where(mine)).scalar_one()
        query = select(t.behavior_event).where(mine).order_by(b.at.desc(), b.id.desc()).limit(limit).offset(offset)
        return int(total), [
            {
                "id": r["id"], "event": r["event"], "metadata": r["metadata_json"], "external_ref": r["external_ref"],
                "at": r["at"],
            }
            for r in tx.conn.execute(query).mappings()
        ]  # fmt: skip
