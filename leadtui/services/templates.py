"""Texts that are sent again and again: kept under a name, with places for a lead's fields (`domain.templates`).

Who may run campaigns may use and keep them. What was sent from one keeps its text: it is rendered when it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select, update

from leadtui.channels import registry
from leadtui.domain.templates import MOST_CHARS, parse
from leadtui.errors import Duplicate, Invalid, NotFound
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import clean_block, clean_line

from . import lead_writes as w
from .office import Office

_MAY = ("campaign", "log", "config")
"""Reading needs one of them: whoever writes to one lead chooses from these, too."""


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template as lists and JSON show it. `channel` None: for any. `provider` is an approved one of the Cloud API."""

    id: int
    name: str
    channel: str | None
    subject: str | None
    body: str
    provider: Mapping[str, Any] | None
    is_active: bool
    created_by: str
    created_at: datetime
    updated_at: datetime
    fields: tuple[str, ...] = ()


def list_all(office: Office, *, channel: str | None = None, retired: bool = False) -> tuple[TemplateRow, ...]:
    """The templates by name; of a `channel` those made for it and those for any."""
    c = t.template.c
    query = _select().order_by(func.lower(c.name), c.id)
    if channel is not None:
        query = query.where(or_(c.channel.is_(None), c.channel == channel))
    if not retired:
        query = query.where(c.is_active.is_(True))
    with office.read() as tx:
        _may_read(tx)
        return tuple(_row(tx, one) for one in tx.conn.execute(query).mappings())


def get(office: Office, ref: str | int) -> TemplateRow:
    """One template, by its id or name. Raises NotFound."""
    with office.read() as tx:
        _may_read(tx)
        return _row(tx, _found(tx, ref))


def find(tx: ReadTx, ref: str | int) -> Mapping[Any, Any]:
    """The row of an active template that a value names, for services. Raises Invalid (field `template`)."""
    found = _by_ref(tx, ref)
    if found is None or not found["is_active"]:
        names = tx.conn.execute(select(t.template.c.name).where(t.template.c.is_active).limit(8)).scalars().all()
        hint = "one of: " + ", ".join(names) if names else "add one: leadtui template add"
        raise Invalid(f"there is no template '{str(ref)[:60]}'", field="template", hint=hint)
    return found


def add(office: Office, values: Mapping[str, Any]) -> TemplateRow:
    """Keep a new template: `name`, `body`, and where wanted `channel`, `subject`, `provider`.

    Raises Invalid naming the field and, for the text, the column; Duplicate for a name that is taken.
    """
    with office.write() as tx:
        w.require(tx, "campaign")
        columns = _columns(tx, values)
        for key, label in (("name", "name"), ("body", "text")):
            if not columns.get(key):
                raise Invalid(f"a template needs a {label}", field=key)
        _refuse_taken(tx, columns["name"], None)
        tx.open_batch("template", f"template {columns['name']}")
        stamp = {"created_by_id": tx.actor.user_id, "created_at": tx.now, "updated_at": tx.now}
        new_id = insert_id(tx.conn, t.template, **columns, is_active=True, **stamp)
        tx.audit("create", "template", new_id, None, columns)
        return _row(tx, _found(tx, new_id))


def edit(office: Office, ref: str | int, values: Mapping[str, Any]) -> TemplateRow:
    """Change a template: what is named in `values`. Raises as `add` does, and NotFound."""
    with office.write() as tx:
        w.require(tx, "campaign")
        row = _found(tx, ref)
        changed = {key: value for key, value in _columns(tx, values).items() if row[key] != value}
        for key, label in (("name", "name"), ("body", "text")):
            if key in changed and not changed[key]:
                raise Invalid(f"a template needs a {label}", field=key)
        if "name" in changed:
            _refuse_taken(tx, changed["name"], row["id"])
        return _changed(tx, row, "edit", changed)


def retire(office: Office, ref: str | int) -> TemplateRow:
    """Offer it no more; what refers to it stays."""
    return _switch(office, ref, False)


def restore(office: Office, ref: str | int) -> TemplateRow:
    """Offer it again."""
    return _switch(office, ref, True)


def _switch(office: Office, ref: str | int, active: bool) -> TemplateRow:
    with office.write() as tx:
        w.require(tx, "campaign")
        row = _found(tx, ref)
        changed = {} if row["is_active"] == active else {"is_active": active}
        return _changed(tx, row, "restore" if active else "retire", changed)


def _changed(tx: WriteTx, row: Mapping[Any, Any], action: str, changed: Mapping[str, Any]) -> TemplateRow:
    if changed:
        tx.open_batch("template", f"template {changed.get('name') or row['name']}: {action}")
        stamp = {"updated_at": tx.now}
        tx.conn.execute(update(t.template).where(t.template.c.id == row["id"]).values(**changed, **stamp))
        before = {key: row[key] for key in (*changed, *stamp)}
        tx.audit(action, "template", row["id"], before, {**changed, **stamp})
    return _row(tx, _found(tx, row["id"]))


def _columns(tx: ReadTx, values: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, as stored; only what was named."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        text = "" if value is None else value
        match key:
            case "name":
                found[key] = clean_line(str(text), field=key, limit=100)
            case "body":
                found[key] = clean_block(str(text), field=key, limit=MOST_CHARS)
                parse(found[key], hidden=tx.actor.hidden_fields, field=key)
            case "subject":
                found[key] = clean_line(str(text), field=key, limit=255) or None
                parse(found[key] or "", hidden=tx.actor.hidden_fields, field=key)
            case "channel":
                found[key] = channel_name(str(text)) if text else None
            case "provider":
                found["provider_json"] = provider_json(value, tx.actor.hidden_fields)
            case _:
                raise Invalid(f"a template has no '{key}'", field=key, hint="name, body, channel, subject, provider")
    return found


def channel_name(text: str) -> str:
    """A channel that exists, by its name. Raises Invalid (field `channel`)."""
    name = text.strip().lower().replace("-", "_")
    names = registry.names()
    if name not in names:
        raise Invalid(f"there is no channel '{text[:40]}'", field="channel", hint="one of: " + ", ".join(names))
    return name


def provider_json(value: Any, hidden: frozenset[str] = frozenset()) -> dict[str, Any] | None:
    """An approved template of a provider: its name, language and the templates of its parameters. Raises Invalid."""
    if not value:
        return None
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str) or not value["name"]:
        raise Invalid("an approved template needs its name", field="provider", hint='{"name": …, "language": "en"}')
    params = [str(one) for one in value.get("params") or ()]
    for one in params:
        parse(one, hidden=hidden, field="provider")
    return {**value, "language": str(value.get("language") or "en"), "params": params}


def _refuse_taken(tx: ReadTx, name: str, own_id: int | None) -> None:
    taken = tx.conn.execute(select(t.template.c.id).where(t.template.c.name == name)).scalar()
    if taken is not None and taken != own_id:
        raise Duplicate(f"there is a template '{name}' already", field="name", hint="another name, or edit that one")


def _select() -> Select[Any]:
    return select(t.template)


def _by_ref(tx: ReadTx, ref: str | int) -> Mapping[Any, Any] | None:
    text, c = str(ref).strip(), t.template.c
    query = _select()
    if isinstance(tx, WriteTx):
        query = query.with_for_update()
    named = tx.conn.execute(query.where(c.name == text)).mappings().one_or_none()
    if named is None and text.isascii() and text.isdigit() and int(text) < 2**31:
        named = tx.conn.execute(query.where(c.id == int(text))).mappings().one_or_none()
    return named


def _found(tx: ReadTx, ref: str | int) -> Mapping[Any, Any]:
    found = _by_ref(tx, ref)
    if found is None:
        raise NotFound(f"there is no template '{str(ref)[:60]}'", field="ref", hint="see: leadtui template list")
    return found


def _may_read(tx: ReadTx) -> None:
    if not any(tx.actor.may(action) for action in _MAY):
        w.require(tx, "campaign")


def _row(tx: ReadTx, row: Mapping[Any, Any]) -> TemplateRow:
    user = tx.catalog.user_by_id.get(row["created_by_id"])
    fields = dict.fromkeys(key for text in (row["body"], row["subject"] or "") for key in parse(text).fields)
    return TemplateRow(
        row["id"], row["name"], row["channel"], row["subject"], row["body"], row["provider_json"], row["is_active"],
        user.login if user else "?", row["created_at"], row["updated_at"], tuple(fields),
    )  # fmt: skip
