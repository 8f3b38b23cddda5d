"""Looking at campaigns: lists, one, its recipients and how their messages stand (spec §P2, Z 178)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import ColumnElement, and_, func, or_, select

from leadtui.domain.campaigns import BROADCAST, STATUSES, CampaignRow, RecipientRow
from leadtui.domain.csv_text import guard
from leadtui.domain.dates import iso_z
from leadtui.domain.message_states import IN_HAND, LEFT, STATES, WAITING
from leadtui.errors import UsageError
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import fold

from . import consent
from .campaign_rows import found, row_of, rows_of, visible
from .office import Office
from .whole_file import whole_file

STATE_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "waiting": frozenset(WAITING), "in_hand": frozenset(IN_HAND), "sent": frozenset(LEFT),
    "delivered": frozenset({"delivered", "read"}),
}  # fmt: skip
"""Words for more than one state; every other word is the state of that name."""

_COLUMNS: Final = (
    "lead_number", "lead_name", "phone", "address", "status", "reason", "error", "sending_at", "sent_at",
    "delivered_at", "read_at", "next_at", "retry_count", "provider_id",
)  # fmt: skip
_CHUNK: Final = 2_000


def get(office: Office, ref: str | int) -> CampaignRow:
    """One campaign with its counters, by id or whole name. Raises NotFound, NotPermitted."""
    with office.read() as tx:
        return row_of(tx, found(tx, ref)["id"])


def list_all(
    office: Office, *, status: str | None = None, words: str = "", limit: int | None = None, offset: int = 0
) -> tuple[int, tuple[CampaignRow, ...]]:
    """Broadcasts the actor may see with their count, newest first. `words`: each must stand in name or channel."""
    with office.read() as tx:
        where = _condition(tx, status, words)
        total = tx.conn.execute(select(func.count()).select_from(t.campaign).where(where)).scalar_one()
        return int(total), tuple(rows_of(tx, where, limit=limit, offset=offset))


def _condition(tx: ReadTx, status: str | None, words: str) -> ColumnElement[bool]:
    c, terms = t.campaign.c, [visible(tx)]
    if status is not None:
        wanted = [one.strip().lower() for one in status.split(",") if one.strip()]
        for one in wanted:
            if one not in STATUSES:
                raise UsageError(f"no campaign is '{one[:30]}'", field="status", hint="one of: " + ", ".join(STATUSES))
        terms.append(c.status.in_(wanted))
    for word in fold(words).split():
        texts = (func.lower(column).contains(word, autoescape=True) for column in (c.name, c.channel, c.status))
        terms.append(or_(*texts))
    return and_(*terms)


# -- recipients ----------------------------------------------------------------------------------------------------
def recipients(
    office: Office,
    ref: str | int,
    *,
    state: str | None = None,
    words: str = "",
    limit: int | None = None,
    offset: int = 0,
) -> tuple[int, tuple[RecipientRow, ...]]:
    """The leads of a campaign and how their messages stand, with their count, by lead.

    `state` is one of STATES, or a word for several: waiting, in_hand, sent (all that left), delivered. `words` must
    stand in number, name or address. Leads that the actor may not read are left out. Raises NotFound, UsageError.
    """
    with office.read() as tx:
        where = _recipients(tx, found(tx, ref)["id"], state, words)
        total = tx.conn.execute(select(func.count()).select_from(_joined()).where(where)).scalar_one()
        return int(total), tuple(_rows(tx, where, limit=limit, offset=offset))


def recipient_states(office: Office, ref: str | int) -> Mapping[str, int]:
    """How many of its messages are in each state, in the order of STATES."""
    return _grouped(office, ref, t.message.c.state, None, order=STATES)


def skip_reasons(office: Office, ref: str | int) -> Mapping[str, int]:
    """How many leads got no message, by reason (`consent.REASONS`), most first."""
    return _grouped(office, ref, t.message.c.reason, "skipped")


def errors(office: Office, ref: str | int, limit: int = 5) -> tuple[tuple[str, int, datetime], ...]:
    """What went wrong last: words, how often, and when last."""
    m = t.message.c
    words, last = func.coalesce(m.error, m.reason, "?"), func.max(m.updated_at)
    with office.read() as tx:
        one = m.campaign_id == found(tx, ref)["id"]
        query = select(words, func.count(), last).where(
            one, m.purpose == BROADCAST, m.state.in_(["failed", "retry", "unknown"])
        )
        rows = tx.conn.execute(query.group_by(words).order_by(last.desc()).limit(limit))
        return tuple((str(text), int(count), at) for text, count, at in rows)


def _grouped(
    office: Office, ref: str | int, column: Any, state: str | None, order: tuple[str, ...] = ()
) -> Mapping[str, int]:
    m = t.message.c
    with office.read() as tx:
        query = select(column, func.count()).where(m.campaign_id == found(tx, ref)["id"], m.purpose == BROADCAST)
        if state is not None:
            query = query.where(m.state == state)
        counted = {str(key): int(count) for key, count in tx.conn.execute(query.group_by(column))}
    if order:
        return {key: counted[key] for key in order if key in counted}
    return dict(sorted(counted.items(), key=lambda one: -one[1]))


def recipients_csv(office: Office, ref: str | int, out: BinaryIO, *, state: str | None = None) -> int:
    """Write the recipients as CSV, texts guarded against being run by a spreadsheet; answers how many.

    Needs the permission `export`, too.
    """
    from . import lead_writes as w

    written = 0
    with office.read() as tx:
        w.require(tx, "export")
        where = and_(_recipients(tx, found(tx, ref)["id"], state, ""), scope_clause(tx.actor, "export"))
        out.write(_line(_COLUMNS))
        last = 0
        while rows := _rows(tx, and_(where, t.message.c.lead_id > last), limit=_CHUNK):
            out.writelines(_line([_cell(getattr(row, key)) for key in _COLUMNS]) for row in rows)
            written, last = written + len(rows), rows[-1].lead_id
    return written


def recipients_file(office: Office, ref: str | int, path: Path, *, state: str | None = None) -> int:
    """The same to a file, which is there whole or not at all."""
    with whole_file(path.expanduser(), field="out") as out:
        return recipients_csv(office, ref, out, state=state)


def _line(cells: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([guard(cell) for cell in cells])
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return iso_z(value) if isinstance(value, datetime) else str(value)


def _joined() -> Any:
    return t.message.join(t.lead, t.lead.c.id == t.message.c.lead_id)


def _recipients(tx: ReadTx, campaign_id: int, state: str | None, words: str) -> ColumnElement[bool]:
    m, lead = t.message.c, t.lead.c
    terms = [m.campaign_id == campaign_id, m.purpose == BROADCAST, scope_clause(tx.actor, "read")]
    if state:
        wanted = STATE_WORDS.get(state, frozenset({state}))
        if not wanted <= set(STATES):
            names = ", ".join(dict.fromkeys((*STATE_WORDS, *STATES)))
            raise UsageError(f"no message is '{state[:30]}'", field="state", hint=f"one of: {names}")
        terms.append(m.state.in_(wanted))
    for word in fold(words).split():
        texts = [func.lower(lead.number).contains(word, autoescape=True)]
        if "name" not in tx.actor.hidden_fields:
            texts.append(lead.name_key.contains(word, autoescape=True))
        if not tx.actor.hidden_fields & {"phone", "email"}:
            texts.append(m.address_key.contains(word, autoescape=True))
        terms.append(or_(*texts))
    return and_(*terms)


def _rows(tx: ReadTx, where: ColumnElement[bool], *, limit: int | None = None, offset: int = 0) -> list[RecipientRow]:
    m, lead = t.message.c, t.lead.c
    query = (
        select(
            m.id, m.lead_id, lead.number, lead.name, lead.phone_e164, lead.phone_raw, m.address, m.state, m.reason,
            m.error, m.sending_at, m.sent_at, m.delivered_at, m.read_at, m.next_at, m.retry_count, m.provider_id,
        )
        .select_from(_joined())
        .where(where)
        .order_by(m.lead_id)
    )  # fmt: skip
    if limit is not None:
        query = query.limit(limit).offset(offset)
    hidden = tx.actor.hidden_fields
    return [
        RecipientRow(
            message_id=r.id, lead_id=r.lead_id, lead_number=r.number, lead_name=None if "name" in hidden else r.name,
            phone=None if "phone" in hidden else r.phone_e164 or r.phone_raw,
            address=None if hidden & {"phone", "email"} else r.address, status=r.state, reason=r.reason,
            error=r.error or (consent.words(r.reason) if r.state == "skipped" else None), sending_at=r.sending_at,
            sent_at=r.sent_at, delivered_at=r.delivered_at, read_at=r.read_at, next_at=r.next_at,
            retry_count=r.retry_count, provider_id=r.provider_id,
        )
        for r in tx.conn.execute(query)
    ]  # fmt: skip
