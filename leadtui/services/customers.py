"""Customers: found by phone or email, made from a lead or linked to it, with the lead's documents (spec §L, AH13)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from leadtui.domain.conversion import TaxIds
from leadtui.errors import Duplicate, Invalid, NotFound
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

if TYPE_CHECKING:
    from .office import Office

DUPLICATE_WORDS = {"email": "Duplicate customer email", "phone": "Duplicate customer mobile"}
"""The failures S1's bulk conversion names (spec §L 109), by the key that matched."""


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as it is shown and answered in JSON."""

    id: int
    name: str
    type: str
    phone: str | None
    email: str | None
    pan: str | None
    aadhar: str | None
    gst: str | None
    family_group: str | None
    package: str | None
    branch: str | None
    state: str
    created_at: datetime

    def as_json(self) -> dict[str, Any]:
        """Plain values; the time stays a datetime for the command line to write."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CustomerHit:
    """A customer that shares the lead's phone or email. `name` is None where the actor may see none of its leads."""

    id: int
    key: str
    name: str | None

    @property
    def label(self) -> str:
        """How to name it to a person."""
        return f"{self.id} {self.name}" if self.name else str(self.id)


def get(tx: ReadTx, customer_id: int) -> CustomerRow:
    """The customer with this id. Raises NotFound."""
    query = (
        select(t.customer, t.family_group.c.name.label("group_name"))
        .outerjoin(t.family_group, t.family_group.c.id == t.customer.c.family_group_id)
        .where(t.customer.c.id == customer_id)
    )
    r = tx.conn.execute(query).one_or_none()
    if r is None:
        raise NotFound(f"there is no customer {customer_id}")
    product = tx.catalog.product_by_id.get(r.product_id)
    branch = tx.catalog.branch_by_id.get(r.branch_id)
    return CustomerRow(
        r.id, r.name, r.type, r.phone_e164, r.email, r.pan, r.aadhar, r.gst, r.group_name,
        product.name if product else None, branch.name if branch else None, r.state, r.created_at,
    )  # fmt: skip


def of_text(tx: ReadTx, text: str | int) -> int:
    """The id of the customer named by an option. Raises Invalid with field `customer`."""
    word = str(text).strip()
    found = None
    if word.isdecimal() and len(word) < 19:
        found = tx.conn.execute(select(t.customer.c.id).where(t.customer.c.id == int(word))).scalar()
    if found is None:
        raise Invalid(f"there is no customer '{word}'", field="customer", hint="the customer's id")
    return int(found)


def family_group(tx: ReadTx, text: str | None) -> int | None:
    """The id of the family group of that name or id. Raises Invalid with field `family_group` (spec §L 105)."""
    word = (text or "").strip()
    if not word:
        return None
    group = t.family_group.c
    same = func.lower(group.name) == word.lower()
    if word.isdecimal() and len(word) < 19:
        same = or_(same, group.id == int(word))
    found = tx.conn.execute(select(group.id).where(same).order_by(group.id).limit(1)).scalar()
    if found is None:
        names = ", ".join(tx.conn.execute(select(group.name).order_by(group.name).limit(12)).scalars())
        raise Invalid(
            f"there is no family group '{word}'", field="family_group",
            hint=f"one of: {names}" if names else "there is none yet",
        )  # fmt: skip
    return int(found)


def family_groups(tx: ReadTx) -> tuple[str, ...]:
    """The names of the family groups."""
    return tuple(tx.conn.execute(select(t.family_group.c.name).order_by(t.family_group.c.name)).scalars())


def add_family_group(office: Office, name: str) -> int:
    """A new family group; the existing one of that name when there is one. Needs `convert`."""
    from leadtui.errors import NotPermitted
    from leadtui.text import clean_line

    cleaned = clean_line(name, field="family_group", limit=100)
    if not cleaned:
        raise Invalid("a family group needs a name", field="family_group")
    with office.write() as tx:
        if not tx.actor.may("convert"):
            raise NotPermitted("you may not add family groups")
        same = select(t.family_group.c.id).where(func.lower(t.family_group.c.name) == cleaned.lower())
        if (found := tx.conn.execute(same).scalar()) is not None:
            return int(found)
        group_id = insert_id(tx.conn, t.family_group, name=cleaned)
        tx.audit("create", "family_group", group_id, None, {"name": cleaned})
        return group_id


def sharing(tx: ReadTx, lead: Any) -> list[CustomerHit]:
    """Customers with the lead's phone or email (spec §L 106 (2)); keys that are missing match nothing (AJ13)."""
    c = t.customer.c
    hits: list[CustomerHit] = []
    for key, column, value in (("email", c.email_norm, lead.email_norm), ("phone", c.phone_e164, lead.phone_e164)):
        if not value:
            continue
        for row in tx.conn.execute(select(c.id, c.name).where(column == value).order_by(c.id).limit(3)):
            if row.id not in {hit.id for hit in hits}:
                hits.append(CustomerHit(row.id, key, row.name if _may_see(tx, row.id) else None))
    return hits


def refuse_sharing(tx: ReadTx, lead: Any) -> None:
    """Raises Duplicate, with the customer to link to, when one has the lead's phone or email already."""
    for hit in sharing(tx, lead):
        raise Duplicate(
            DUPLICATE_WORDS[hit.key], field=hit.key, hint=f"link the lead to it: --customer {hit.id}",
            data={"customer_id": hit.id, "customer_name": hit.name},
        )  # fmt: skip


def _may_see(tx: ReadTx, customer_id: int) -> bool:
    """Whether one of the customer's leads lies in the actor's scope (spec AJ34)."""
    query = select(t.lead.c.id).where(t.lead.c.customer_id == customer_id, scope_clause(tx.actor, "read")).limit(1)
    return tx.actor.scope("read") == "all" or tx.conn.execute(query).first() is not None


def one_at_a_time(tx: WriteTx) -> None:
    """On PostgreSQL let no two transactions look for duplicates and insert at once; SQLite has one writer anyway."""
    if not tx.is_sqlite:
        tx.conn.execute(select(func.pg_advisory_xact_lock(0x1EAD0C05)))


def create(tx: WriteTx, lead: Any, *, kind: str, ids: TaxIds, group_id: int | None, product_id: int | None) -> int:
    """A customer made from a lead; answers its id."""
    values = {
        "name": lead.name or lead.phone_raw or lead.phone_e164 or lead.number, "type": kind,
        "phone_e164": lead.phone_e164, "email": lead.email, "email_norm": lead.email_norm, "pan": ids.pan,
        "aadhar": ids.aadhar, "gst": ids.gst, "family_group_id": group_id, "product_id": product_id,
        "branch_id": lead.branch_id, "state": "active",
    }  # fmt: skip
    customer_id = insert_id(tx.conn, t.customer, **values, created_by_id=tx.actor.user_id, created_at=tx.now)
    tx.audit("create", "customer", customer_id, None, {k: v for k, v in values.items() if v is not None})
    return customer_id


def fill(tx: WriteTx, customer_id: int, *, ids: TaxIds, group_id: int | None, product_id: int | None) -> None:
    """What a link adds to an existing customer: only what it lacks; a different tax id is refused. Raises Invalid."""
    row = tx.conn.execute(select(t.customer).where(t.customer.c.id == customer_id).with_for_update()).one()
    given = {**asdict(ids), "family_group_id": group_id, "product_id": product_id}
    for key in ("pan", "aadhar", "gst"):
        if given[key] and getattr(row, key) and given[key] != getattr(row, key):
            raise Invalid(f"customer {customer_id} has another {key} already", field=key, hint="leave it empty")
    values = {key: value for key, value in given.items() if value is not None and getattr(row, key) is None}
    if values:
        tx.conn.execute(update(t.customer).where(t.customer.c.id == customer_id).values(**values))
        tx.audit("edit", "customer", customer_id, dict.fromkeys(values), values)


def copy_documents(tx: WriteTx, lead_id: int, customer_id: int) -> int:
    """Copy the lead's documents to the customer (spec §H 75): new rows of the same files; those it has stay one."""
    d = t.document.c
    kept = tx.conn.execute(select(d.sha256, d.name).where(d.customer_id == customer_id))
    has = {(row.sha256, row.name) for row in kept}
    fields = ("name", "path", "mime", "bytes", "sha256", "uploaded_by_id", "at")
    rows = tx.conn.execute(select(*(d[f] for f in fields)).where(d.lead_id == lead_id, d.customer_id.is_(None)))
    copies = [
        {**r._asdict(), "lead_id": None, "customer_id": customer_id, "batch_id": tx.batch_id}
        for r in rows
        if (r.sha256, r.name) not in has
    ]
    if copies:
        tx.conn.execute(insert(t.document), copies)
        tx.audit("documents", "customer", customer_id, None, {"documents": [c["name"] for c in copies]})
    return len(copies)
