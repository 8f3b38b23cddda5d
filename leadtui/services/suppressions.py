"""Who wants no messages: addresses, on every channel or on one (facts/messaging §5.9, AJ28).

The list is of addresses, not of leads: it outlives them, and an import of the same phone changes nothing about it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, true

from leadtui.domain import phones
from leadtui.domain.dates import iso_z
from leadtui.errors import Invalid, LeadtuiError, NotFound, NotPermitted
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_block, clean_line, fold, shorten

from . import consent
from .lead_values import clean_email

if TYPE_CHECKING:
    from .office import Office

REASONS: Final = ("by_hand", "stop_word", "provider", "bounced", "stopped_marketing", "import")
FAMILIES: Final = ("whatsapp", "sms", "email")
"""Beside the channels: what holds on all channels of a kind."""

_MOST_SHOWN = 50
_HEADER = ("address", "channel", "reason", "note", "at")


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """An address that is not written to. `channel` empty: on every one; `by` is a login."""

    id: int
    address: str
    address_key: str
    channel: str
    reason: str
    note: str | None
    by: str
    at: datetime

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return {key: value for key, value in asdict(self).items() if key != "address_key"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import of addresses did, or would do; `failed` are (line, what stood there, why), the first fifty."""

    rows: int
    added: int
    known: int
    failed_count: int
    failed: tuple[tuple[int, str, str], ...]


# -- asking ------------------------------------------------------------------------------------------------------------
def is_suppressed(tx: ReadTx, address_key: str, channel: str) -> bool:
    """Whether nothing may be sent there on this channel."""
    s = t.suppression.c
    found = select(s.id).where(s.address_key == address_key, s.channel.in_(consent.covering(channel))).limit(1)
    return tx.conn.execute(found).first() is not None


def list_all(
    office: Office, *, search: str | None = None, channel: str | None = None, limit: int | None = 50, offset: int = 0
) -> tuple[int, tuple[SuppressionRow, ...]]:
    """The list, newest first, with its count; `search` is a part of an address or of the note. Raises NotPermitted."""
    with office.read() as tx:
        _may_see(tx)
        wanted = _matching(tx, search, channel)
        total = int(tx.conn.execute(select(func.count()).select_from(t.suppression).where(wanted)).scalar_one())
        query = select(t.suppression).where(wanted).order_by(t.suppression.c.id.desc()).limit(limit).offset(offset)
        return total, tuple(_row(tx, row) for row in tx.conn.execute(query))


def _matching(tx: ReadTx, search: str | None, channel: str | None) -> ColumnElement[bool]:
    s = t.suppression.c
    wanted: list[ColumnElement[bool]] = [true()]
    if channel is not None:
        wanted.append(s.channel == channel)
    if text := (search or "").strip():
        parts = [text.casefold()]
        if digits := phones.search_digits(text):
            parts.append(digits.removeprefix("0"))
        found = [s.address_key.contains(part, autoescape=True) for part in parts]
        wanted.append(or_(*found, func.lower(s.note).contains(text.lower(), autoescape=True)))
    return and_(*wanted)


def _row(tx: ReadTx, row: Any) -> SuppressionRow:
    by = tx.catalog.user_by_id.get(row.by_id)
    return SuppressionRow(
        row.id, row.address, row.address_key, row.channel, row.reason, row.note, "" if by is None else by.login, row.at
    )


def _may_see(tx: ReadTx) -> None:
    if not (tx.actor.may("campaign") or tx.actor.may("log")):
        raise NotPermitted("you may not see who wants no messages", hint="it needs the right to log contacts")


# -- writing -----------------------------------------------------------------------------------------------------------
def add(
    office: Office, address: str, *, channel: str = "", reason: str = "by_hand", note: str | None = None
) -> SuppressionRow:
    """Put an address on the list, a phone in any spelling or an e-mail address; one that is there already stays.

    Whoever may log a contact may do this: people say it on the phone. Raises Invalid, NotFound (the channel),
    NotPermitted.
    """
    with office.write() as tx:
        _may_see(tx)
        if reason not in REASONS:
            raise Invalid(f"'{shorten(reason, 40)}' is no reason", field="reason", hint="one of: " + ", ".join(REASONS))
        place = channel_word(channel)
        clean = typed_address(tx, address)
        add_tx(tx, clean, place, reason, clean_block(note or "", field="note", limit=2000) or None)
        s = t.suppression.c
        query = select(t.suppression).where(s.address_key == consent.address_key(clean), s.channel == place)
        return _row(tx, tx.conn.execute(query).one())


def add_tx(tx: WriteTx, address: str, channel: str, reason: str, note: str | None = None) -> bool:
    """Put an address on the list inside a transaction, whoever acts; False: it was there."""
    key, s = consent.address_key(address), t.suppression.c
    if tx.conn.execute(select(s.id).where(s.address_key == key, s.channel == channel)).first() is not None:
        return False
    values = {
        "address": address[:255], "address_key": key, "channel": channel, "reason": reason, "note": note,
        "by_id": tx.actor.user_id, "at": tx.now, "batch_id": tx.batch_id,
    }  # fmt: skip
    made = tx.conn.execute(_insert(tx, values)).first()
    if made is None:  # another process, in the same instant
        return False
    tx.audit("suppress", "suppression", made.id, None, {"address": address, "channel": channel, "reason": reason})
    return True


def _insert(tx: WriteTx, values: dict[str, Any]) -> Any:
    statement: Any
    if tx.is_sqlite:
        from sqlalchemy.dialects import sqlite

        statement = sqlite.insert(t.suppression)
    else:
        from sqlalchemy.dialects import postgresql

        statement = postgresql.insert(t.suppression)
    new = statement.values(values).on_conflict_do_nothing(index_elements=["address_key", "channel"])
    return new.returning(t.suppression.c.id)


def lift(office: Office, suppression_id: int, *, reason: str) -> SuppressionRow:
    """Take an address off the list, with the reason why it may be written to again. Needs `campaign`.

    Raises NotFound, Invalid (no reason), NotPermitted. What the lead itself refused (`consent`) stays.
    """
    with office.write() as tx:
        if not tx.actor.may("campaign"):
            raise NotPermitted(
                "you may not let anybody be written to again", hint="it needs the right to run campaigns"
            )
        why = clean_block(reason, field="reason", limit=2000)
        if not why:
            raise Invalid("a reason is needed", field="reason", hint="say how this person asked for messages again")
        s = t.suppression.c
        row = tx.conn.execute(select(t.suppression).where(s.id == suppression_id).with_for_update()).one_or_none()
        if row is None:
            raise NotFound(f"there is no suppression {suppression_id}", field="id", hint="leadtui suppression list")
        tx.conn.execute(delete(t.suppression).where(s.id == suppression_id))
        before = {"address": row.address, "channel": row.channel, "reason": row.reason, "note": row.note}
        tx.audit("lift", "suppression", suppression_id, before, {"lifted": why})
        return _row(tx, row)


def refusing(office: Office, address: str) -> tuple[str, ...]:
    """The live leads of an address, as far as they are seen, that want nothing themselves: lifting changes nothing."""
    c = t.lead.c
    with office.read() as tx:
        _may_see(tx)
        theirs = or_(c.phone_e164 == address, c.alt_phone_e164 == address, c.email_norm == consent.address_key(address))
        seen = and_(theirs, c.consent == consent.REFUSED, c.deleted_at.is_(None), scope_clause(tx.actor, "read"))
        return tuple(tx.conn.execute(select(c.number).where(seen).order_by(c.id).limit(_MOST_SHOWN)).scalars())


def find(office: Office, which: str) -> int:
    """The id of the suppression that `which` names: its id, or an address that stands there once.

    Raises NotFound.
    """
    text = which.strip()
    with office.read() as tx:
        _may_see(tx)
        s = t.suppression.c
        if text.isascii() and text.isdigit() and len(text) < 10:
            found = list(tx.conn.execute(select(s.id).where(s.id == int(text))).scalars())
            if found:
                return int(found[0])
        try:
            key = consent.address_key(typed_address(tx, text))
        except Invalid as error:
            raise NotFound(f"'{shorten(text, 60)}' is not on the list", field="id", hint=error.hint) from None
        found = list(tx.conn.execute(select(s.id).where(s.address_key == key)).scalars())
        if len(found) > 1:
            raise NotFound(
                f"'{shorten(text, 60)}' stands there for several channels", field="id", code="ambiguous",
                hint="name it by its id: " + ", ".join(map(str, found)),
            )  # fmt: skip
        if not found:
            raise NotFound(f"'{shorten(text, 60)}' is not on the list", field="id", hint="leadtui suppression list")
        return int(found[0])


def typed_address(tx: ReadTx, text: str, *, field: str = "address") -> str:
    """A phone or an e-mail address as it is stored. Raises Invalid."""
    clean = clean_line(text, field=field, limit=255)
    if "@" in clean:
        return clean_email(clean, field=field)
    return phones.parse(clean, tx.catalog.country, field=field).e164


def channel_word(text: str) -> str:
    """A channel, a kind of channels, or nothing: every channel. Raises NotFound naming them."""
    from leadtui.channels import registry

    word = fold(text).strip().replace("-", "_")
    if word in {"", "all", "every", "any"}:
        return ""
    if word in FAMILIES:
        return word
    try:
        return registry.found(word).name
    except NotFound as error:
        raise NotFound(
            error.message, field="channel", hint=", ".join(dict.fromkeys((*FAMILIES, *registry.names()))) + ", or none"
        ) from None


def place_of(channel: str) -> str:
    """Where somebody who stopped one channel is not written to: on all of its kind."""
    kind = consent.family(channel)
    return kind if kind in FAMILIES else channel


# -- whole lists -------------------------------------------------------------------------------------------------------
def import_(office: Office, source: Path | str, *, channel: str = "", dry_run: bool = False) -> Imported:
    """Put many addresses on the list: a CSV file with a column `address`, `phone` or `email`, or one in each line.

    A column `channel` or `note` is kept; `channel` is for rows without one. Lines that are no address are named and
    left out. `source` is a file, or the text itself. Needs `campaign`. Raises Invalid where the file cannot be read.
    """
    place = channel_word(channel)
    text = _text_of(source)
    failed: list[tuple[int, str, str]] = []
    rows = added = known = failures = 0
    with office.write() as tx:
        if not tx.actor.may("campaign"):
            raise NotPermitted("you may not import who wants no messages", hint="it needs the right to run campaigns")
        wanted: dict[tuple[str, str], tuple[str, str | None]] = {}
        for line, address, where, note in _lines(text):
            rows += 1
            try:
                clean = typed_address(tx, address)
                wanted.setdefault((consent.address_key(clean), channel_word(where) if where else place), (clean, note))
            except LeadtuiError as error:
                failures += 1
                if len(failed) < _MOST_SHOWN:
                    failed.append((line, shorten(address, 60), error.message))
        there = _known(tx, [key for key, _ in wanted])
        new = {which: kept for which, kept in wanted.items() if which not in there}
        known, added = rows - failures - len(new), len(new)
        if new and not dry_run:
            tx.conn.execute(insert(t.suppression), [
                {"address": address, "address_key": key, "channel": on, "reason": "import", "note": note,
                 "by_id": tx.actor.user_id, "at": tx.now, "batch_id": tx.batch_id}
                for (key, on), (address, note) in new.items()
            ])  # fmt: skip
            tx.audit("suppress", "suppression", None, None, {"imported": len(new)})
        return Imported(rows, added, known, failures, tuple(failed))


def _known(tx: ReadTx, keys: list[str]) -> set[tuple[str, str]]:
    s, found = t.suppression.c, set()
    for start in range(0, len(keys), 500):
        query = select(s.address_key, s.channel).where(s.address_key.in_(keys[start : start + 500]))
        found |= {(row.address_key, row.channel) for row in tx.conn.execute(query)}
    return found


def _text_of(source: Path | str) -> str:
    if isinstance(source, str):
        return source
    try:
        data = source.expanduser().read_bytes()
    except OSError as error:
        raise Invalid(f"'{source}' cannot be read: {error.strerror}", field="file", hint="check the path") from error
    return data.decode("utf-8-sig", "replace")


def _lines(text: str) -> Iterator[tuple[int, str, str, str | None]]:
    """Line number, address, channel, note."""
    lines = text.replace("\0", "").splitlines()
    header = [fold(name).strip() for name in next(csv.reader(lines[:1]), [])]
    column = next((header.index(name) for name in ("address", "phone", "email", "mobile") if name in header), None)
    places = {name: header.index(name) for name in ("channel", "note") if name in header}
    for number, cells in enumerate(csv.reader(io.StringIO("\n".join(lines))), 1):
        if (number == 1 and column is not None) or not any(cell.strip() for cell in cells):
            continue

        def cell(place: int | None, cells: list[str] = cells) -> str:
            return cells[place].strip() if place is not None and place < len(cells) else ""

        note = clean_block(cell(places.get("note")), field="note", limit=2000) or None
        yield number, cell(column or 0).removeprefix("'"), cell(places.get("channel")), note


def export(office: Office, out: BinaryIO) -> int:
    """Write the list as CSV, which `import_` reads again; answers how many rows. Needs `campaign`."""
    with office.read() as tx:
        if not tx.actor.may("campaign"):
            raise NotPermitted("you may not export who wants no messages", hint="it needs the right to run campaigns")
        found = tx.conn.execute(select(t.suppression).order_by(t.suppression.c.id))
        count = 0
        for text in _csv(found):
            out.write(text.encode())
            count += 1
    return count - 1


def export_file(office: Office, path: Path) -> int:
    """`export` to a file, whole or not at all. Raises as `export` does, and Invalid where it cannot be written."""
    from .whole_file import whole_file

    with whole_file(path, field="out") as out:
        return export(office, out)


def _csv(rows: Iterable[Any]) -> Iterator[str]:
    from .exporting import csv_cell

    yield ",".join(_HEADER) + "\r\n"
    for row in rows:
        cells = (row.address, row.channel, row.reason, row.note or "", iso_z(row.at))
        yield ",".join(map(csv_cell, cells)) + "\r\n"
