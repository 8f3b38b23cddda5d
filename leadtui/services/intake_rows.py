"""What came in from elsewhere, for reading: what it means, who may see it, lists."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from leadtui.domain.fields import find_field
from leadtui.domain.records import IntakeRow
from leadtui.errors import Invalid, NotFound, UsageError
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import clean_block, clean_line

from . import lead_writes as w

if TYPE_CHECKING:
    from .office import Office

STATES: Final = ("created", "linked", "failed", "dropped")
MOST_BYTES: Final = 200_000
"""A payload is at most so long as JSON: a booking is not a file."""
_DEPTH: Final = 8


# -- what came --------------------------------------------------------------------------------------------------------
def as_came(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as plain JSON that both databases keep. Raises Invalid when it is over-long."""
    plain: dict[str, Any] = {str(key): _plain(value, _DEPTH) for key, value in payload.items()}
    if len(json.dumps(plain)) > MOST_BYTES:
        raise Invalid(
            f"this is longer than {MOST_BYTES // 1000:,} KB", field="payload", code="too_long",
            hint="send what belongs to the lead, not files",
        )  # fmt: skip
    return plain


def _plain(value: Any, depth: int) -> Any:
    match value:
        case None | bool() | str() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case Mapping() if depth:
            return {str(key): _plain(one, depth - 1) for key, one in value.items()}
        case list() | tuple() if depth:
            return [_plain(one, depth - 1) for one in value]
        case _:
            return str(value)


def as_text(value: Any) -> str:
    """A value of a payload as a person would type it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case list() if not any(isinstance(one, dict | list) for one in value):
            return ", ".join(as_text(one) for one in value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def split_payload(payload: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """A payload as (fields of a lead → text, what else came → text, keys that name no field).

    What stands under `details` is not meant for the lead's fields, `custom` holds its custom ones. Raises Invalid where
    a field is given twice.
    """
    values: dict[str, str] = {}
    details: dict[str, str] = {}
    strange: list[str] = []
    for key, value in payload.items():
        if key.casefold() == "custom" and isinstance(value, dict):
            values |= {f"custom.{name}": text for name, one in value.items() if (text := as_text(one)).strip()}
            continue
        if key.casefold() == "details" and isinstance(value, dict):
            details |= dict(_detail(name, text) for name, one in value.items() if (text := as_text(one)).strip())
            continue
        text = as_text(value)
        if not text.strip():
            continue
        field = find_field(key)
        if field is not None and field.editable:
            if values.setdefault(field.key, text) != text:
                raise Invalid(f"{field.label.lower()} is given twice", field=field.key, hint=f"as '{key[:60]}' too")
        elif key.casefold().startswith("custom."):
            values[key.casefold()] = text
        else:
            name, text = _detail(key, text)
            details[name] = text
            strange.append(name)
    return values, details, strange


def _detail(key: str, text: str) -> tuple[str, str]:
    name = clean_line(key[:60], field="payload", limit=60) or "value"
    return name, clean_block(text[:2000], field=name, limit=2000)


def name_of(key: str) -> str:
    """What a key of a payload stands for: the key of a field, else itself."""
    field = find_field(key)
    return field.key if field is not None and field.editable else key.strip().casefold()


# -- who may see it ---------------------------------------------------------------------------------------------------
def visible(tx: ReadTx) -> ColumnElement[bool]:
    """What the actor may see: what he brought in himself, what belongs to leads he sees, or all where he sees all."""
    actor, i = tx.actor, t.intake.c
    scope = actor.scope("read")
    if scope == "all":
        return true()
    users = {actor.user_id}
    if scope == "branch" and actor.branch_id is not None:
        users |= {user.id for user in tx.catalog.users if user.branch_id == actor.branch_id}
    elif scope == "team":
        users |= set(actor.team_user_ids)
    leads = select(t.lead.c.id).where(scope_clause(actor, "read"))
    mine = and_(i.by_id.in_(users), or_(i.lead_id.is_(None), i.by_id == actor.user_id))
    return or_(mine, i.lead_id.in_(leads))


def rows(tx: ReadTx, *where: ColumnElement[bool], limit: int | None = None, offset: int = 0) -> list[IntakeRow]:
    """What came in, newest first. The scope is the caller's to put in."""
    i = t.intake.c
    query = (
        select(t.intake, t.lead.c.number, t.lead.c.name, t.lead.c.assigned_to_id, t.lead.c.branch_id)
        .outerjoin(t.lead, t.lead.c.id == i.lead_id)
        .where(*where)
        .order_by(i.id.desc())
    )
    if limit is not None:
        query = query.limit(limit).offset(offset)
    return [_row(tx, r) for r in tx.conn.execute(query)]


def _row(tx: ReadTx, r: Any) -> IntakeRow:
    users, actor = tx.catalog.user_by_id, tx.actor
    kept = r.payload_json if isinstance(r.payload_json, dict) else {}
    sees = r.lead_id is not None and actor.may_on("read", assigned_to_id=r.assigned_to_id, branch_id=r.branch_id)
    return IntakeRow(
        id=r.id, kind=r.kind, ref=r.external_ref, state=r.state,
        payload=_shown(actor.hidden_fields, kept.get("came") or {}),
        corrections=_shown(actor.hidden_fields, kept.get("corrected") or {}),
        lead_id=r.lead_id if sees else None, lead_number=r.number if sees else None,
        lead_name=r.name if sees and "name" not in actor.hidden_fields else None,
        error=r.last_error, field=kept.get("field"), attempts=r.attempts,
        by=users[r.by_id].login if r.by_id in users else "?", at=r.at, tried_at=r.tried_at,
    )  # fmt: skip


def _shown(hidden: frozenset[str], payload: Mapping[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in payload.items() if ((f := find_field(key)) is None or f.key not in hidden)}


# -- lists ------------------------------------------------------------------------------------------------------------
def list_all(
    office: Office, *, kind: str | None = None, state: str | None = None, limit: int | None = None, offset: int = 0
) -> tuple[int, tuple[IntakeRow, ...]]:
    """What came in, newest first, with its count. Raises NotPermitted, UsageError for a state that there is not."""
    if state is not None and state not in STATES:
        raise UsageError(f"there is no state '{state}'", field="state", hint="one of: " + ", ".join(STATES))
    with office.read() as tx:
        w.require(tx, "create")
        return _list(tx, kind, state, limit, offset)


def list_failed(office: Office, *, limit: int = 50, offset: int = 0) -> tuple[int, tuple[IntakeRow, ...]]:
    """What failed and waits for a person, newest first, with its count; nothing for whoever may not add leads."""
    with office.read() as tx:
        return _list(tx, None, "failed", limit, offset) if tx.actor.may("create") else (0, ())


def _list(
    tx: ReadTx, kind: str | None, state: str | None, limit: int | None, offset: int
) -> tuple[int, tuple[IntakeRow, ...]]:
    i = t.intake.c
    where = [visible(tx)]
    where += [i.kind == kind] if kind is not None else []
    where += [i.state == state] if state is not None else []
    total = tx.conn.execute(select(func.count()).select_from(t.intake).where(*where)).scalar_one()
    return int(total), tuple(rows(tx, *where, limit=limit, offset=offset))


def get(office: Office, wanted: str | int, *, kind: str | None = None) -> IntakeRow:
    """One by its id, or by its reference among those of a kind. Raises NotFound, NotPermitted."""
    with office.read() as tx:
        w.require(tx, "create")
        (row,) = rows(tx, t.intake.c.id == id_of(tx, wanted, kind=kind))
        return row


def id_of(tx: ReadTx, wanted: str | int, *, kind: str | None = None) -> int:
    """The id of what `wanted` names and the actor may see. Raises NotFound."""
    i, text = t.intake.c, str(wanted).strip()
    base = select(i.id).where(visible(tx), *([i.kind == kind] if kind is not None else []))
    found = None
    if text.isascii() and text.isdigit() and 0 < int(text) < 2**31:
        found = tx.conn.execute(base.where(i.id == int(text))).scalar()
    if found is None and not isinstance(wanted, int):
        found = tx.conn.execute(base.where(i.external_ref == text).order_by(i.id).limit(1)).scalar()
    if found is None:
        raise NotFound(
            f"nothing that came in is called '{text[:60]}'", field="id",
            hint="its id, or its reference; see: leadtui booking list",
        )  # fmt: skip
    return int(found)
