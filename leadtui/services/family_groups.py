"""Family groups: customers who belong together (spec §L 105)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from leadtui.domain.records import FamilyGroupRow
from leadtui.errors import Invalid
from leadtui.store import customers as queries
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, insert_id
from leadtui.text import clean_line, fold

from . import lead_writes as w

if TYPE_CHECKING:
    from .office import Office

_MAX_ID = 2**31 - 1


def family_group(tx: ReadTx, text: str | None) -> int | None:
    """The id of the family group of that name or id. Raises Invalid with field `family_group` (spec §L 105)."""
    word = (text or "").strip()
    if not word:
        return None
    group = t.family_group.c
    exact = tx.conn.execute(select(group.id).where(group.name == word)).scalar()
    if exact is not None:
        return int(exact)
    for found in tx.conn.execute(select(group.id, group.name).order_by(group.id)):
        if fold(found.name) == fold(word):
            return int(found.id)
    if word.isascii() and word.isdecimal() and int(word) <= _MAX_ID:
        by_id = tx.conn.execute(select(group.id).where(group.id == int(word))).scalar()
        if by_id is not None:
            return int(by_id)
    names = ", ".join(family_group_names(tx, limit=12))
    known = f"one of: {names}; " if names else "there is none yet; "
    hint = f"{known}add it with: leadtui customer group add"
    raise Invalid(f"there is no family group '{word}'", field="family_group", hint=hint)


def family_group_names(tx: ReadTx, limit: int | None = None) -> tuple[str, ...]:
    """The names of the family groups, in order."""
    name = t.family_group.c.name
    return tuple(tx.conn.execute(select(name).order_by(func.lower(name), name).limit(limit)).scalars())


def family_groups(office: Office) -> tuple[FamilyGroupRow, ...]:
    """The family groups by name, and how many members each has. Needs `read`."""
    group, customer = t.family_group.c, t.customer.c
    with office.read() as tx:
        w.require(tx, "read")
        sizes = (
            select(customer.family_group_id, func.count().label("members"))
            .where(customer.family_group_id.is_not(None), queries.visible(tx))
            .group_by(customer.family_group_id)
            .subquery()
        )
        query = (
            select(group.id, group.name, func.coalesce(sizes.c.members, 0).label("members"))
            .outerjoin(sizes, sizes.c.family_group_id == group.id)
            .order_by(func.lower(group.name), group.name)
        )
        return tuple(FamilyGroupRow(r.id, r.name, int(r.members)) for r in tx.conn.execute(query))


def add_family_group(office: Office, name: str) -> int:
    """A new family group; the existing one of that name when there is one. Needs `convert`. Answers its id."""
    cleaned = clean_line(name, field="family_group", limit=100)
    if not cleaned:
        raise Invalid("a family group needs a name", field="family_group")
    with office.write() as tx:
        w.require(tx, "convert")
        group = t.family_group.c
        for row in tx.conn.execute(select(group.id, group.name)):
            if fold(row.name) == fold(cleaned):
                return int(row.id)
        group_id = insert_id(tx.conn, t.family_group, name=cleaned)
        tx.audit("create", "family_group", group_id, None, {"name": cleaned})
        return group_id
