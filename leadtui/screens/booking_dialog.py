"""Forms of what came in from elsewhere: a booking typed by hand, one that failed corrected, one that is dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leadtui.domain.fields import BY_KEY, find_field
from leadtui.screens.record_form import RecordForm
from leadtui.widgets.form import FieldSpec

if TYPE_CHECKING:
    from leadtui.domain.records import IntakeRow, LeadRow

_USUAL: Final = ("name", "phone", "email", "source")
_WHAT: Final = FieldSpec("what", "What is booked", help="tour, dates, seats …", kind="block")


def booking_form(office: Any, lead: LeadRow | None = None) -> RecordForm:
    """A booking by hand: of this lead, else of whoever has that phone or email. Answers the IntakeResult."""
    specs = [FieldSpec("ref", "Booking", required=True, help="what the other program calls it", max_length=100)]
    if lead is None:
        specs += [FieldSpec(key, BY_KEY[key].label) for key in _USUAL]
    specs.append(_WHAT)

    def save(values: dict[str, str]) -> Any:
        from leadtui.services import bookings

        what = values.pop("what", "")
        payload: dict[str, Any] = {key: text for key, text in values.items() if key != "ref"}
        if what:
            payload["details"] = {"what": what}
        result = bookings.add(office, values["ref"], payload, lead=lead.id if lead is not None else None)
        if (refused := result.refusal()) is not None:
            raise refused
        return result

    note = "" if lead is not None else "It is linked to the lead of that phone or email, else the lead is made."
    title = f"Booking of {lead.title}" if lead is not None else "A booking"
    return RecordForm(title, specs, {}, save, new=True, note=note)


def correction_form(office: Any, one: IntakeRow) -> RecordForm:
    """Correct what failed and try again: only what was changed is given. Answers the IntakeResult."""
    now: dict[str, str] = {}
    for key, value in {**one.payload, **one.corrections}.items():
        field = find_field(key)
        if field is not None and field.editable and not isinstance(value, (dict, list)):
            now[field.key] = "" if value is None else str(value)
        elif key.casefold().startswith("custom."):
            now[key.casefold()] = str(value)
    wanted = [one.field] if one.field in BY_KEY and BY_KEY[str(one.field)].editable else []
    keys = list(dict.fromkeys([*wanted, *_USUAL, *now]))
    hidden = office.actor.hidden_fields
    specs = [
        FieldSpec(
            key, BY_KEY[key].label if key in BY_KEY else key, error=(one.error or "") if key == one.field else "",
            kind="block" if key in BY_KEY and BY_KEY[key].kind == "block" else "line",
        )
        for key in keys
        if key not in hidden
    ]  # fmt: skip
    lead = FieldSpec("lead", "Lead", help="number or phone: it is this lead's", error=(one.error or "")
                     if one.field == "lead" else "")  # fmt: skip
    specs.insert(0 if one.field == "lead" else len(specs), lead)
    specs.append(FieldSpec("ref", "Booking" if one.kind == "booking" else "Reference", max_length=100))

    def save(changes: dict[str, str]) -> Any:
        from leadtui.services import intake

        named, ref = changes.pop("lead", None), changes.pop("ref", None)
        result = intake.retry(office, one.id, changes, lead=named or None, ref=ref or None)
        if result.error is not None:
            raise result.error
        return result

    return RecordForm(f"Correct {one.title}", specs, {**now, "ref": one.ref}, save, new=False, note=one.error or "")


def drop_form(office: Any, one: IntakeRow) -> RecordForm:
    """Give something up that failed, with the reason. Answers the IntakeRow."""

    def save(values: dict[str, str]) -> Any:
        from leadtui.services import intake

        return intake.drop(office, one.id, values.get("reason", ""))

    specs = [FieldSpec("reason", "Reason", required=True)]
    note = "It is not taken, and stays to be read. It can still be retried."
    return RecordForm(f"Drop {one.title}", specs, {}, save, new=True, note=note)
