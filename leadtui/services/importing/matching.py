"""Who is in the file twice, and who is in the store already (facts/field §3): and what becomes of each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from leadtui.services.importing.preparing import Prepared, RowError
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

POLICIES = ("skip", "fill", "update", "create")
_WORDS = {"phone": "phone", "email": "email", "national_id": "national id", "passport": "passport", "name": "name"}
_CHUNK = 5_000
_SHOWN = 100

Key = tuple[str, str]


@dataclass(slots=True)
class Decision:
    """What is to be done with the rows: indexes into the prepared rows."""

    create: list[int] = field(default_factory=list)
    merge: dict[int, list[int]] = field(default_factory=dict)
    """Index of a row that is created → later rows of the file that add to it."""
    update: dict[int, list[int]] = field(default_factory=dict)
    """Id of a lead in the store → rows that change it, in order."""
    skipped: int = 0
    skips: list[RowError] = field(default_factory=list)
    """The first skipped rows, with what they are duplicates of."""
    failed: list[int] = field(default_factory=list)
    refusals: dict[int, RowError] = field(default_factory=dict)
    """Why rows failed that are good by themselves."""

    def same_as(self, other: Decision) -> bool:
        """Whether the same is to be written."""
        mine = (self.create, self.merge, self.update, self.failed)
        return mine == (other.create, other.merge, other.update, other.failed)


def decide(tx: ReadTx, rows: Sequence[Prepared], policy: str) -> Decision:
    """Sort the rows by what becomes of them. A row that is skipped as a duplicate may be wrong in other cells."""
    keys = [row.keys() for row in rows]
    stored = _stored(tx, keys)
    blocks = tx.catalog.phone_unique == "block"
    decision = Decision()
    first: dict[Key, int] = {}
    for index, row in enumerate(rows):
        hit = _hit(keys[index], stored) if stored else None
        twin = _hit(keys[index], first) if hit is None else None
        if hit is None and twin is None:
            (decision.failed if row.errors else decision.create).append(index)
            if not row.errors:
                _remember(first, keys[index], index)
        elif policy == "skip":
            decision.skipped += 1
            if len(decision.skips) < _SHOWN:
                kind, words = _why(tx, rows, hit, twin)
                decision.skips.append(RowError(row.record.line, kind, words))
        elif row.errors:
            decision.failed.append(index)
        elif policy == "create":
            kind = (hit or twin or ("", 0))[0]
            if blocks and kind == "phone":  # a second lead, except where the office's rule blocks it (answer 3)
                words = f"a lead with this phone is in the {'store' if hit is not None else 'file'} already"
                decision.refusals[index] = RowError(row.record.line, "phone", words, "import with skip or fill")
                decision.failed.append(index)
            else:
                decision.create.append(index)
                _remember(first, keys[index], index)
        elif hit is not None:
            decision.update.setdefault(hit[1], []).append(index)
        elif twin is not None:
            decision.merge.setdefault(twin[1], []).append(index)
    return decision


def _remember(first: dict[Key, int], keys: Iterable[Key], index: int) -> None:
    for key in keys:
        first.setdefault(key, index)


def _hit(keys: Iterable[Key], known: Mapping[Key, int]) -> tuple[str, int] | None:
    for key in keys:
        found = known.get(key)
        if found is not None:
            return key[0], found
    return None


def _why(
    tx: ReadTx, rows: Sequence[Prepared], hit: tuple[str, int] | None, twin: tuple[str, int] | None
) -> tuple[str, str]:
    """(key, words) for a skipped row."""
    if hit is not None:
        return hit[0], _described(tx, *hit)
    kind, first = twin or ("", 0)
    return kind, f"line {rows[first].record.line} of the file has this {_WORDS.get(kind, kind)} already"


def _described(tx: ReadTx, kind: str, lead_id: int) -> str:
    """The duplicate in the store, without its record where the actor may not see it (spec AJ34)."""
    c = t.lead.c
    found = tx.conn.execute(select(c.number, c.assigned_to_id, c.branch_id).where(c.id == lead_id)).one()
    if not tx.actor.may_on("read", assigned_to_id=found.assigned_to_id, branch_id=found.branch_id):
        return f"a lead with this {_WORDS[kind]} exists already"
    return f"{found.number} has this {_WORDS[kind]} already"


def _stored(tx: ReadTx, keys: Sequence[Sequence[Key]]) -> dict[Key, int]:
    """Key → the oldest live lead that has it, whoever owns it."""
    by_kind: dict[str, set[str]] = {}
    for row in keys:
        for kind, value in row:
            by_kind.setdefault(kind, set()).add(value)
    c = t.lead.c
    found: dict[Key, int] = {}
    columns: dict[str, tuple[ColumnElement[Any], ...]] = {
        "phone": (c.phone_e164, c.alt_phone_e164), "email": (c.email_norm,), "national_id": (c.national_id_norm,),
        "passport": (c.passport_norm,),
    }  # fmt: skip
    for kind, of_kind in columns.items():
        for column in of_kind:
            for value, lead_id in _look_up(tx, column, by_kind.get(kind, set())):
                _oldest(found, (kind, value), lead_id)
    nothing_else = and_(c.phone_e164.is_(None), c.email_norm.is_(None))
    for value, lead_id in _look_up(tx, c.name_key, by_kind.get("name", set()), nothing_else):
        _oldest(found, ("name", value), lead_id)
    return found


def _oldest(found: dict[Key, int], key: Key, lead_id: int) -> None:
    known = found.get(key)
    if known is None or lead_id < known:
        found[key] = lead_id


def _look_up(
    tx: ReadTx, column: ColumnElement[Any], values: set[str], *more: ColumnElement[bool]
) -> Iterator[tuple[str, int]]:
    wanted = sorted(values)
    for start in range(0, len(wanted), _CHUNK):
        query = select(column, t.lead.c.id).where(
            column.in_(wanted[start : start + _CHUNK]), t.lead.c.deleted_at.is_(None), *more
        )
        for row in tx.conn.execute(query):
            yield row[0], row[1]
