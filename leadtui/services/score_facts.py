"""What is known of leads as the mappings that rules are asked about: many leads in few statements (spec AH6, AJ6).

Keys are those of `domain/fields.py` (and `custom.NAME`), values as the store has them; None or no key is unknown:
`status`, `source`, `package`, `branch`, `pipeline`, `assigned_to`, `manager`: an id · money: minor units · counters and
other numbers as they are · `has_router`, `pre_approved` …: a boolean · `date_of_birth`: a day · `created_at`,
`converted_at`, `stage_changed_at`, `last_activity_at`: aware moments · texts as typed · `phone`, `alt_phone`: E.164 ·
`brought_in_by`: the person's name, folded. Beside them `now` (the moment all this is of), `age` (whole years at that
day, from the birth date, else as stated in the custom field `age_stated`, AG22), `reached` (the id of the furthest
status), `last_call` (the outcome of the last finished call), `lost_reason` (an id), `tags` (a frozenset of folded
names), `is_protected`.

`Maker.make` builds the mapping from a lead's columns, of now or of any other moment: it asks nothing of the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select

from leadtui.domain.ages import AGE_STATED, age_of
from leadtui.domain.catalog import Catalog
from leadtui.domain.conditions import fields
from leadtui.domain.dates import local_day
from leadtui.domain.fields import BY_KEY
from leadtui.store import schema as t
from leadtui.store.many_rows import among
from leadtui.store.unit_of_work import ReadTx, WriteTx

CUSTOM: Final = "custom."
_COLUMNS: Final[Mapping[str, str]] = {
    **{f.key: f.column for key in fields() if (f := BY_KEY.get(key)) is not None and f.column},
    "reached": "furthest_stage_id",
    "lost_reason": "lost_reason_id",
    "is_protected": "is_protected",
}
_BESIDE: Final = ("tags", "brought_in_by", "last_call", "age")
KEYS: Final[frozenset[str]] = frozenset({*_COLUMNS, *_BESIDE})
"""All facts but custom fields."""
CHUNK: Final = 500


class Maker:
    """Makes facts of some keys (all, and every custom field, without them)."""

    def __init__(self, catalog: Catalog, keys: Collection[str] | None = None) -> None:
        wanted = KEYS if keys is None else frozenset(keys)
        self.all_custom = keys is None
        self.wants_age = "age" in wanted
        self.wants = wanted
        self._tz = catalog.tz
        self._plain = tuple((key, column) for key, column in _COLUMNS.items() if key in wanted and key not in _BESIDE)
        self.custom = frozenset(key[len(CUSTOM) :] for key in wanted if key.startswith(CUSTOM)) | (
            {AGE_STATED} if self.wants_age else set()
        )
        self.columns: tuple[str, ...] = tuple(
            dict.fromkeys(
                (
                    *(column for _, column in self._plain),
                    *(("referrer_id",) if "brought_in_by" in wanted else ()),
                    *(("date_of_birth",) if self.wants_age else ()),
                )
            )
        )
        """The columns of the lead that `make` looks at."""

    def make(
        self,
        row: Mapping[Any, Any],
        *,
        at: datetime,
        tags: Iterable[str] = (),
        custom: Mapping[str, str] | None = None,
        last_call: str | None = None,
        brought_in_by: str | None = None,
    ) -> dict[str, Any]:
        """The facts of a lead from its columns as of the moment `at`.

        `tags` by their keys, `custom` by names, `brought_in_by` folded; `furthest_stage_id` is a column like others
        (`conditions.furthest` finds it among the statuses a lead had until then).
        """
        facts: dict[str, Any] = {key: row.get(column) for key, column in self._plain}
        facts["now"] = at
        facts["tags"] = frozenset(tags)
        facts["last_call"] = last_call
        facts["brought_in_by"] = brought_in_by
        for name, value in (custom or {}).items():
            facts[CUSTOM + name] = value
        if self.wants_age:
            facts["age"] = self._age(row.get("date_of_birth"), (custom or {}).get(AGE_STATED), at)
        return facts

    def _age(self, born: date | None, stated: str | None, at: datetime) -> int | None:
        return age_of(born, stated, local_day(at, self._tz))


def of(tx: ReadTx, ids: Sequence[int], keys: Collection[str] | None = None) -> dict[int, dict[str, Any]]:
    """The present facts of those of these leads that are there and not deleted; of `keys`, else all."""
    maker = Maker(tx.catalog, keys)
    return {row["id"]: facts for row, facts in read(tx, ids, maker)}


def read(
    tx: ReadTx, ids: Sequence[int], maker: Maker, more: Sequence[str] = (), *, deleted: bool = False
) -> list[tuple[Mapping[Any, Any], dict[str, Any]]]:
    """Leads with their facts: the row has `id`, `more` columns and those the facts are made of.

    Deleted ones only where asked for. In a write transaction the rows are locked, in the order of their ids.
    """
    found: list[tuple[Mapping[Any, Any], dict[str, Any]]] = []
    for start in range(0, len(ids), CHUNK):
        found += _read(tx, ids[start : start + CHUNK], maker, more, deleted)
    return found


def _read(
    tx: ReadTx, ids: Sequence[int], maker: Maker, more: Sequence[str], deleted: bool
) -> list[tuple[Mapping[Any, Any], dict[str, Any]]]:
    lead = t.lead.c
    names = dict.fromkeys(("id", *more, *maker.columns))
    query = select(*(lead[name] for name in names)).where(_among(lead.id, ids, tx))
    if not deleted:
        query = query.where(lead.deleted_at.is_(None))
    if isinstance(tx, WriteTx):
        query = query.order_by(lead.id).with_for_update()
    rows = [dict(zip(names, row, strict=True)) for row in tx.conn.execute(query)]
    ids = [row["id"] for row in rows]
    if not ids:
        return []
    tags = _tags(tx, ids) if "tags" in maker.wants else {}
    custom = _custom(tx, ids, maker) if maker.custom or maker.all_custom else {}
    calls = _last_calls(tx, ids) if "last_call" in maker.wants else {}
    brought = people(tx, rows) if "brought_in_by" in maker.wants else {}
    return [
        (
            row,
            maker.make(
                row, at=tx.now, tags=tags.get(row["id"], ()), custom=custom.get(row["id"]),
                last_call=calls.get(row["id"]), brought_in_by=brought.get(row.get("referrer_id")),
            ),
        )
        for row in rows
    ]  # fmt: skip


def _among(column: Any, ids: Sequence[int], tx: ReadTx) -> Any:
    return column == ids[0] if len(ids) == 1 else among(column, ids, sqlite=tx.is_sqlite)


def _tags(tx: ReadTx, ids: Sequence[int]) -> dict[int, list[str]]:
    link, found = t.lead_tag.c, dict[int, list[str]]()
    query = select(link.lead_id, t.tag.c.key).join(t.tag, t.tag.c.id == link.tag_id)
    for lead_id, key in tx.conn.execute(query.where(_among(link.lead_id, ids, tx))):
        found.setdefault(lead_id, []).append(key)
    return found


def _custom(tx: ReadTx, ids: Sequence[int], maker: Maker) -> dict[int, dict[str, str]]:
    c, found = t.lead_custom.c, dict[int, dict[str, str]]()
    query = select(c.lead_id, c.key, c.value).where(_among(c.lead_id, ids, tx))
    if not maker.all_custom:
        query = query.where(c.key.in_(maker.custom))
    for lead_id, key, value in tx.conn.execute(query):
        found.setdefault(lead_id, {})[key] = value
    return found


def _last_calls(tx: ReadTx, ids: Sequence[int]) -> dict[int, str | None]:
    """What came of each lead's last finished call."""
    a = t.activity.c
    query = (
        select(a.lead_id, a.outcome)
        .where(_among(a.lead_id, ids, tx), a.type == "call", a.completed_at.is_not(None), a.cancelled_at.is_(None))
        .order_by(a.completed_at, a.id)
    )
    return {row.lead_id: row.outcome for row in tx.conn.execute(query)}


def people(tx: ReadTx, rows: Sequence[Mapping[Any, Any]]) -> dict[Any, str]:
    """The folded names of those who brought these leads, by id."""
    ids = sorted({row["referrer_id"] for row in rows} - {None})
    if not ids:
        return {}
    p = t.person.c
    query = select(p.id, p.name_key).where(_among(p.id, ids, tx))
    return {row.id: row.name_key for row in tx.conn.execute(query)}
