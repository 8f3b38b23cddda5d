"""Customers: found by phone or email, made from a lead or linked to it, with the lead's documents (spec §L, AH13).

Reading is `customer_finding`, changing `customer_editing`; their names are reached through here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import insert, select, update

from leadtui.domain.conversion import TaxIds
from leadtui.domain.customers import ACTIVE, CustomerFilter, audited, search_text
from leadtui.domain.records import CustomerDetail, CustomerDone, CustomerPage, CustomerRow, FamilyGroupRow
from leadtui.errors import Duplicate, Invalid
from leadtui.store import schema as t
from leadtui.store.customers import may
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from .customer_editing import edit, one_at_a_time
from .customer_finding import (
    count,
    detail,
    document_path,
    find,
    get,
    page,
    position,
    require,
    resolve,
    rows,
)
from .family_groups import add_family_group, family_group, family_group_names, family_groups

DUPLICATE_WORDS = {"email": "Duplicate customer email", "phone": "Duplicate customer mobile"}
"""The failures S1's bulk conversion names (spec §L 109), by the key that matched."""


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


def of_text(tx: ReadTx, text: str | int) -> int:
    """The id of the customer named by an option. Raises Invalid with field `customer`."""
    word = str(text).strip()
    found = None
    if word.isdecimal() and len(word) < 19:
        found = tx.conn.execute(select(t.customer.c.id).where(t.customer.c.id == int(word))).scalar()
    if found is None:
        raise Invalid(f"there is no customer '{word}'", field="customer", hint="the customer's id")
    return int(found)


def sharing(tx: ReadTx, lead: Any) -> list[CustomerHit]:
    """Customers with the lead's phone or email (spec §L 106 (2)); keys that are missing match nothing (AJ13)."""
    c = t.customer.c
    hits: list[CustomerHit] = []
    for key, column, value in (("email", c.email_norm, lead.email_norm), ("phone", c.phone_e164, lead.phone_e164)):
        if not value:
            continue
        for row in tx.conn.execute(select(c.id, c.name).where(column == value).order_by(c.id).limit(3)):
            if row.id not in {hit.id for hit in hits}:
                hits.append(CustomerHit(row.id, key, row.name if may(tx, row.id, "read") else None))
    return hits


def refuse_sharing(tx: ReadTx, lead: Any) -> None:
    """Raises Duplicate, with the customer to link to, when one has the lead's phone or email already."""
    for hit in sharing(tx, lead):
        raise Duplicate(
            DUPLICATE_WORDS[hit.key], field=hit.key, hint=f"link the lead to it: --customer {hit.id}",
            data={"customer_id": hit.id, "customer_name": hit.name},
        )  # fmt: skip


def create(tx: WriteTx, lead: Any, *, kind: str, ids: TaxIds, group_id: int | None, product_id: int | None) -> int:
    """A customer made from a lead; answers its id."""
    values = {
        "name": lead.name or lead.phone_raw or lead.phone_e164 or lead.number, "type": kind,
        "phone_e164": lead.phone_e164, "email": lead.email, "email_norm": lead.email_norm, "pan": ids.pan,
        "aadhar": ids.aadhar, "gst": ids.gst, "family_group_id": group_id, "product_id": product_id,
        "branch_id": lead.branch_id, "state": ACTIVE,
    }  # fmt: skip
    made = {"created_by_id": tx.actor.user_id, "created_at": tx.now, "search_text": _searched(values)}
    customer_id = insert_id(tx.conn, t.customer, **values, **made)
    tx.audit("create", "customer", customer_id, None, audited({k: v for k, v in values.items() if v is not None}))
    return customer_id


def _searched(values: dict[str, Any]) -> str:
    return search_text(values["name"], values["email"], values["phone_e164"])


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
        tx.audit("edit", "customer", customer_id, dict.fromkeys(values), audited(values))


def keep_package(tx: WriteTx, customer_id: int, product_id: int) -> None:
    """The customer has the package that its router user was just given, unless another user has the recorded one."""
    c, user = t.customer.c, t.router_user.c
    recorded = tx.conn.execute(select(c.product_id).where(c.id == customer_id)).scalar_one()
    if recorded == product_id:
        return
    has_it = select(user.id).where(user.customer_id == customer_id, user.product_id == recorded).limit(1)
    if recorded is None or tx.conn.execute(has_it).first() is None:
        tx.conn.execute(update(t.customer).where(c.id == customer_id).values(product_id=product_id))
        tx.audit("package", "customer", customer_id, {"product_id": recorded}, {"product_id": product_id})


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


__all__ = [
    "DUPLICATE_WORDS", "CustomerDetail", "CustomerDone", "CustomerFilter", "CustomerHit", "CustomerPage", "CustomerRow",
    "FamilyGroupRow", "add_family_group", "copy_documents", "count", "create", "detail", "document_path", "edit",
    "family_group", "family_group_names", "family_groups", "fill", "find", "get", "keep_package", "of_text",
    "one_at_a_time", "page",
    "position", "refuse_sharing", "require", "resolve", "rows", "sharing",
]  # fmt: skip
