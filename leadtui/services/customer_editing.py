"""Changing a customer: its fields, with another's change since refused (spec §L 105)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from leadtui.domain import phones
from leadtui.domain.conversion import customer_type, tax_ids
from leadtui.domain.customers import LABELS, TAX_IDS, audited, check_keys, form_values, search_text
from leadtui.domain.records import CustomerDone, CustomerRow
from leadtui.errors import Duplicate, EditedElsewhere, Invalid
from leadtui.store import schema as t
from leadtui.store.customers import may
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_line, fold

from .customer_finding import get, require, resolve
from .family_groups import family_group
from .lead_values import clean_email

if TYPE_CHECKING:
    from .office import Office

_COLUMN = {"phone": "phone_e164", "branch": "branch_id", "family_group": "family_group_id"}
"""The column of a field, where it is not called the same."""


def edit(
    office: Office, ref: str | int, values: Mapping[str, str | None], *, base: Mapping[str, str] | None = None
) -> CustomerDone:
    """Change fields of a customer: name type phone email pan aadhar gst family_group branch, as typed; "" clears one.

    `base`: what the form saw (`domain.customers.form_values`). A field that somebody else changed since is refused with
    EditedElsewhere, as for leads. Needs `convert` on one of its leads.
    Raises NotFound, NotPermitted, Invalid, Duplicate, EditedElsewhere.
    """
    given = {key.strip().lower(): value or "" for key, value in values.items()}
    with office.write() as tx:
        customer_id = resolve(tx, ref)
        require(tx, customer_id)
        check_keys(given, tx.actor.hidden_fields)
        if given.get("phone") or given.get("email"):
            one_at_a_time(tx)  # before the row is locked, as a conversion does: two must not wait for each other
        row = tx.conn.execute(select(t.customer).where(t.customer.c.id == customer_id).with_for_update()).one()
        seen = get(tx, customer_id)
        columns = _columns(tx, given)
        changed = {key: value for key, value in columns.items() if value != getattr(row, key)}
        if base is not None:
            _refuse_changed(tx, seen, given, changed, base)
        if not changed:
            return CustomerDone(seen, None)
        _refuse_taken(tx, customer_id, changed)
        tx.open_batch("customer", f"edit customer {row.name}")
        merged = {**row._mapping, **changed}
        searched = search_text(merged["name"], merged["email"], merged["phone_e164"])
        tx.conn.execute(
            update(t.customer).where(t.customer.c.id == customer_id).values(**changed, search_text=searched)
        )
        shown = [key for key in changed if key != "email_norm"]
        tx.audit(
            "edit", "customer", customer_id, audited({key: getattr(row, key) for key in shown}),
            audited({key: changed[key] for key in shown}),
        )  # fmt: skip
        keys = tuple(key for key in given if _COLUMN.get(key, key) in changed)
        return CustomerDone(get(tx, customer_id), tx.batch_id, keys)


def _columns(tx: ReadTx, given: Mapping[str, str]) -> dict[str, Any]:
    """What was typed as columns. Raises Invalid naming the field."""
    found: dict[str, Any] = {}
    for key, text in given.items():
        match key:
            case "name":
                found["name"] = clean_line(text, field="name", limit=255)
                if not found["name"]:
                    raise Invalid("a customer needs a name", field="name", code="required")
            case "type":
                found["type"] = customer_type(text)
            case "phone":
                found["phone_e164"] = phones.parse(text, tx.catalog.country).e164 if text.strip() else None
            case "email":
                email = clean_email(text) if text.strip() else None
                found |= {"email": email, "email_norm": fold(email)[:255] if email else None}
            case "family_group":
                found["family_group_id"] = family_group(tx, text)
            case "branch":
                found["branch_id"] = tx.catalog.find_branch(text, field="branch").id if text.strip() else None
            case _:
                found[key] = getattr(tax_ids(**{key: text}), key)
    return found


def _refuse_taken(tx: WriteTx, customer_id: int, changed: Mapping[str, Any]) -> None:
    """Raises Duplicate when another customer has the phone or email (AG7)."""
    from .customers import DUPLICATE_WORDS

    customer = t.customer.c
    keys = {"phone": ("phone_e164", customer.phone_e164), "email": ("email_norm", customer.email_norm)}
    for key, (name, column) in keys.items():
        if not changed.get(name):
            continue
        query = select(customer.id, customer.name).where(column == changed[name], customer.id != customer_id)
        taken = tx.conn.execute(query.order_by(customer.id).limit(1)).one_or_none()
        if taken is not None:
            who = f" {taken.name}" if may(tx, taken.id, "read") and "name" not in tx.actor.hidden_fields else ""
            raise Duplicate(
                DUPLICATE_WORDS[key], field=key, hint=f"customer {taken.id}{who} has it",
                data={"customer_id": taken.id, "customer_name": taken.name if who else None},
            )  # fmt: skip


def one_at_a_time(tx: WriteTx) -> None:
    """On PostgreSQL let no two transactions look for duplicates and insert at once; SQLite has one writer anyway."""
    if not tx.is_sqlite:
        tx.conn.execute(select(func.pg_advisory_xact_lock(0x1EAD0C05)))


def _refuse_changed(
    tx: ReadTx, row: CustomerRow, given: Mapping[str, str], changed: Mapping[str, Any], base: Mapping[str, str]
) -> None:
    """Raises EditedElsewhere with whose change it was, field by field; as it happens, both may have made the same."""
    now = form_values(row)
    keys = [key for key in given if _COLUMN.get(key, key) in changed and now[key] != base.get(key, now[key])]
    if not keys:
        return
    who = _last_changes(tx, row.id)
    conflicts: list[dict[str, Any]] = []
    for key in keys:
        by, at = who.get(_COLUMN.get(key, key), (None, None))
        one = {"field": key, "label": LABELS[key], "mine": given[key], "theirs": now[key], "by": by, "at": at}
        conflicts.append(one)
    first = next((one["by"] for one in conflicts if one["by"]), "somebody")
    names = ", ".join(LABELS[key] if key in TAX_IDS else LABELS[key].lower() for key in keys)
    raise EditedElsewhere(
        f"{first} changed this customer since you opened it: {names}", field=keys[0], hint="look at it, then decide",
        data={"conflicts": conflicts},
    )  # fmt: skip


def _last_changes(tx: ReadTx, customer_id: int) -> dict[str, tuple[str, Any]]:
    """Who last changed each column of a customer, and when."""
    a = t.audit.c
    query = (
        select(a.user_id, a.at, a.after_json)
        .where(a.entity == "customer", a.entity_id == customer_id)
        .order_by(a.id.desc())
        .limit(20)
    )
    found: dict[str, tuple[str, Any]] = {}
    for r in tx.conn.execute(query):
        user = tx.catalog.user_by_id.get(r.user_id)
        for column in r.after_json or {}:
            found.setdefault(column, (user.login if user else "somebody", r.at))
    return found
