"""A form for what a lead did elsewhere, told by hand: it is counted, and rules about it are looked at by the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadtui.domain.triggers import EVENTS
from leadtui.errors import Invalid
from leadtui.screens.record_form import RecordForm
from leadtui.widgets.form import FieldSpec

if TYPE_CHECKING:
    from leadtui.domain.records import LeadRow


def behavior_form(office: Any, lead: LeadRow) -> RecordForm:
    """What the lead did, about what, and when. Answers the `Recorded`."""
    specs = [
        FieldSpec("event", "What", required=True, help=", ".join(EVENTS[:4]) + " …", max_length=40),
        FieldSpec("meta", "About", help="such as property=B12, one on each line", kind="block"),
        FieldSpec("at", "When", help="now when left empty: today 9:00, -2h, -1d …"),
    ]

    def save(values: dict[str, str]) -> Any:
        from leadtui import clock
        from leadtui.domain.dates import parse_when
        from leadtui.services import behavior

        typed = values.get("at", "").strip()
        at = parse_when(typed, tz=office.tz, now=clock.now(), field="at").at if typed else None
        return behavior.record(office, lead.id, values.get("event", ""), _about(values.get("meta", "")), at=at)

    note = "It is counted for the lead, and rules about it are looked at. It cannot be taken back."
    return RecordForm(f"What {lead.title} did", specs, {}, save, new=True, note=note)


def _about(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise Invalid(f"'{line[:60]}' is not a word with a value", field="meta", hint="such as property=B12")
        found[key.strip()] = value.strip()
    return found
