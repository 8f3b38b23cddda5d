"""Leads that share a phone, an email or an identity paper, and the office's rule for phones (spec AG5, AG7, AJ34)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from leadtui.domain import phones
from leadtui.domain.fields import BY_KEY
from leadtui.domain.records import DuplicateHit
from leadtui.errors import Duplicate, LeadtuiError
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import lead_writes as w
from .lead_values import (
    ValueContext,
    parse_value,
)
from .office import Office


def duplicates(office: Office, values: Mapping[str, str], *, exclude_id: int | None = None) -> tuple[DuplicateHit, ...]:
    """Leads that share a phone, email or identity paper with what is being typed. Half-typed values find nothing.

    A lead outside the actor's scope is told of without its record: "exists, owned by X" (spec AJ34).
    """
    with office.read() as tx:
        return tuple(find_duplicates(tx, values, exclude_id))


def find_duplicates(tx: ReadTx, values: Mapping[str, str], exclude_id: int | None) -> list[DuplicateHit]:
    lead = t.lead.c
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, tx.catalog.default_pipeline.id)
    hits: dict[int, DuplicateHit] = {}
    for key in ("phone", "alt_phone", "email", "national_id", "passport"):
        try:
            parsed = parse_value(BY_KEY[key], values.get(key), ctx)
        except LeadtuiError:
            continue
        match key:
            case "phone" | "alt_phone":
                e164 = parsed[f"{key}_e164"]
                clauses = [lead.phone_e164 == e164, lead.alt_phone_e164 == e164] if e164 else []
            case "email":
                clauses = [lead.email_norm == parsed["email_norm"]] if parsed["email_norm"] else []
            case _:
                norm = parsed[f"{key}_norm"]
                clauses = [lead[f"{key}_norm"] == norm] if norm else []
        for clause in clauses:
            query = select(t.lead).where(clause, lead.deleted_at.is_(None)).order_by(lead.id).limit(5)
            for row in tx.conn.execute(query).mappings():
                if row["id"] != exclude_id and row["id"] not in hits:
                    hits[row["id"]] = hit_of(tx, row, BY_KEY[key].label.lower(), key)
    return list(hits.values())


def hit_of(tx: ReadTx, row: Mapping[Any, Any], label: str, key: str) -> DuplicateHit:
    owner = tx.catalog.user_by_id.get(row["assigned_to_id"])
    blocks = key == "phone" and tx.catalog.phone_unique == "block"
    if not tx.actor.may_on("read", assigned_to_id=row["assigned_to_id"], branch_id=row["branch_id"]):
        return DuplicateHit(label, None, None, None, owner.login if owner else None, blocks=blocks)
    status = tx.catalog.stage_by_id[row["stage_id"]].name
    return DuplicateHit(label, row["number"], row["id"], row["name"], owner.login if owner else None, status, blocks)


def phone_rule(tx: WriteTx, columns: Mapping[str, Any], exclude_id: int | None) -> list[str]:
    """The office's rule for a phone that exists (spec AG5). Raises Duplicate where it blocks; else warnings."""
    warnings: list[str] = []
    for key in ("phone_e164", "alt_phone_e164"):
        e164 = columns.get(key)
        if not e164:
            continue
        if not phones.parse(e164, tx.catalog.country).is_valid:
            shown = phones.format_phone(e164, tx.catalog.country)
            warnings.append(f"{shown} is an unlikely phone number; it is kept as typed")
        if tx.catalog.phone_unique == "off":
            continue
        taken = w.phone_taken(tx, e164, exclude_id)
        if taken is None:
            continue
        hit = hit_of(tx, taken, "phone", "phone")
        if key == "phone_e164" and tx.catalog.phone_unique == "block" and taken["phone_e164"] == e164:
            raise Duplicate(
                hit.sentence,
                field="phone",
                hint="open that lead, or change the number",
                data={"lead_id": hit.lead_id, "number": hit.number},
            )
        warnings.append(hit.sentence)
    return warnings
