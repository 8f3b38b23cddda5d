"""What hangs on a lead beside its row: the person who brought it, tags, interests, custom fields.

Used by the services inside their transaction; nothing here begins or ends one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from .lead_values import PERSON_NAME, PERSON_PHONE, clean_tag, person_key, tag_key


def person_for(tx: WriteTx, name: str, phone: tuple[str, str] | None) -> int:
    """The person of this name (and phone), found or made (spec AG25)."""
    p = t.person.c
    key = person_key(name)
    same = select(p.id).where(p.name_key == key).order_by(p.id).limit(1)
    if phone is None:
        found = tx.conn.execute(same).scalar()
    else:
        found = tx.conn.execute(same.where(p.phone_e164 == phone[0])).scalar()
    if found is not None:
        return int(found)
    return insert_id(
        tx.conn,
        t.person,
        name=name,
        name_key=key,
        phone_e164=phone[0] if phone else None,
        phone_raw=phone[1] if phone else None,
        is_active=True,
    )


def referrer_column(tx: WriteTx, columns: dict[str, Any], current: int | None) -> None:
    """Replace "brought in by" and its phone, as parsed, by the person they name."""
    if PERSON_NAME not in columns and PERSON_PHONE not in columns:
        return
    known = tx.conn.execute(select(t.person).where(t.person.c.id == current)).one_or_none() if current else None
    had_phone = (known.phone_e164, known.phone_raw) if known is not None and known.phone_e164 else None
    name = columns.pop(PERSON_NAME, known.name if known is not None else None)
    phone = columns.pop(PERSON_PHONE, had_phone)
    if name is None and phone is None:
        columns["referrer_id"] = None
    else:
        columns["referrer_id"] = person_for(tx, name or phone[1], phone)


def tag_ids(tx: WriteTx, names: Iterable[str]) -> dict[str, int]:
    """The ids of tags by name, made where new."""
    ids: dict[str, int] = {}
    for name in dict.fromkeys(clean_tag(n) for n in names):
        key = tag_key(name)
        same = select(t.tag.c.id).where(t.tag.c.key == key)
        found = tx.conn.execute(same).scalar()
        if found is None:
            try:
                with tx.conn.begin_nested():
                    found = insert_id(tx.conn, t.tag, name=name, key=key, is_active=True)
            except IntegrityError:  # PostgreSQL: another process made the tag in the same instant
                found = tx.conn.execute(same).scalar_one()
        ids[name] = int(found)
    return ids


def tags_of(tx: ReadTx, lead_id: int) -> list[str]:
    """A lead's tags by name."""
    query = (
        select(t.tag.c.name)
        .join(t.lead_tag, t.lead_tag.c.tag_id == t.tag.c.id)
        .where(t.lead_tag.c.lead_id == lead_id)
        .order_by(t.tag.c.key)
    )
    return list(tx.conn.execute(query).scalars())


def set_tags(tx: WriteTx, lead_id: int, names: Iterable[str]) -> None:
    """Give a lead exactly these tags."""
    wanted = set(tag_ids(tx, names).values())
    link = t.lead_tag.c
    had = set(tx.conn.execute(select(link.tag_id).where(link.lead_id == lead_id)).scalars())
    if had - wanted:
        tx.conn.execute(delete(t.lead_tag).where(link.lead_id == lead_id, link.tag_id.in_(had - wanted)))
    for tag_id in sorted(wanted - had):
        tx.conn.execute(t.lead_tag.insert().values(lead_id=lead_id, tag_id=tag_id))


def interests_of(tx: ReadTx, lead_id: int) -> list[str]:
    """The names of the products a lead is interested in."""
    query = (
        select(t.product.c.name)
        .join(t.lead_product, t.lead_product.c.product_id == t.product.c.id)
        .where(t.lead_product.c.lead_id == lead_id)
        .order_by(t.product.c.name)
    )
    return list(tx.conn.execute(query).scalars())


def set_interests(tx: WriteTx, lead_id: int, names: Iterable[str]) -> None:
    """Make these the products a lead is interested in. Raises Invalid for one that does not exist."""
    wanted = {tx.catalog.find_product(n, field="interest").id for n in names}
    link = t.lead_product.c
    had = set(tx.conn.execute(select(link.product_id).where(link.lead_id == lead_id)).scalars())
    if had - wanted:
        tx.conn.execute(delete(t.lead_product).where(link.lead_id == lead_id, link.product_id.in_(had - wanted)))
    for product_id in sorted(wanted - had):
        tx.conn.execute(t.lead_product.insert().values(lead_id=lead_id, product_id=product_id))


def custom_of(tx: ReadTx, lead_id: int) -> dict[str, str]:
    """A lead's custom fields."""
    c = t.lead_custom.c
    return {r.key: r.value for r in tx.conn.execute(select(c.key, c.value).where(c.lead_id == lead_id).order_by(c.key))}


def set_custom(tx: WriteTx, lead_id: int, values: Mapping[str, str | None]) -> None:
    """Set custom fields; an empty value removes one."""
    from leadtui.domain.keys import custom_key

    c = t.lead_custom.c
    for key, value in values.items():
        tx.conn.execute(delete(t.lead_custom).where(c.lead_id == lead_id, c.key == key))
        if value:
            tx.conn.execute(
                t.lead_custom.insert().values(lead_id=lead_id, key=key, value=value, value_key=custom_key(value)[:2000])
            )
