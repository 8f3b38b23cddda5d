"""What must be true of a rule about behaviour, beside its own words: its texts, its template, its drip, its filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadtui.domain import templates as texts
from leadtui.domain.triggers import check_trigger, item_from
from leadtui.errors import Invalid, NotFound
from leadtui.store.unit_of_work import ReadTx


def check_trigger_row(tx: ReadTx, row: Mapping[str, Any]) -> None:
    """Check a rule as it would be written (its columns). Raises Invalid with its field, FilterError."""
    from . import drip_events, drip_rows, drip_values

    missing = [key for key in ("event", "action") if not row.get(key)]
    if missing:
        raise Invalid(f"a trigger needs its {missing[0]}", field=missing[0], code="required")
    item = item_from({"id": 0, "is_active": True, **row})
    check_trigger(item)
    p = item.params
    for key in ("text", "body"):
        texts.parse(p.get(key) or "", hidden=tx.actor.hidden_fields, field=key)
    drip_events.check_filter(p.get("where"), field="where")
    if item.action == "message":
        word = drip_values.channel_word(p.get("channel") or "whatsapp")
        check_template(tx, p.get("template"), word)
        if word == "email" and p.get("body") and not p.get("text"):
            raise Invalid("a mail needs a subject", field="text", code="required")
    if item.action == "enroll":
        try:
            drip_rows.find(tx, str(p["drip"]))
        except NotFound as error:
            raise Invalid(error.message, field="drip", hint=error.hint) from error


def check_template(tx: ReadTx, name: str | None, channel: str | None) -> None:
    """Whether there is a template of this name, for this channel. Raises Invalid (field `template`)."""
    from . import drip_values

    if name:
        drip_values.template_id(tx, name, channel or "", "template")
