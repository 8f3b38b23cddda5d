"""The lead form's fields: from the catalogue of fields, the pipeline's rules and the office's lists. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from leadtui.domain.fields import BY_KEY, LeadField
from leadtui.domain.money import format_money, parse_money, total
from leadtui.domain.phones import format_phone
from leadtui.domain.rules import field_states
from leadtui.errors import Invalid, LeadtuiError
from leadtui.widgets.form_field import FieldSpec, FieldState

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog, Pipeline
    from leadtui.domain.permissions import Actor
    from leadtui.domain.records import LeadDetail

ORDER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Contact", ("phone", "name", "email", "alt_phone", "location", "unit_number")),
    ("Wants", ("source", "package", "product_interest", "property_type", "current_isp", "reason", "brought_in_by",
               "brought_in_by_contact", "has_router", "router_type")),
    ("Money", ("installation_fee", "monthly_fee", "total_amount", "budget", "timeline", "pre_approved",
               "pre_approval_in_progress", "down_payment_ready")),
    ("Next", ("status", "priority", "follow_up", "preferred_hour", "assigned_to", "tags")),
    ("Notes", ("remarks", "consent")),
    ("Person", ("date_of_birth", "occupation", "employment_status", "passport", "national_id", "language")),
    ("Place", ("address", "city", "state", "pincode", "lat", "lon")),
    ("Office", ("pipeline", "branch", "manager")),
)  # fmt: skip
"""The form from top to bottom: what is asked on the phone first, what the office keeps last."""

ONLY_NEW = frozenset({"status", "pipeline"})
"""Set when the lead is made; later a status is moved, with its reason, by its own dialog."""
DUPLICATE_KEYS = frozenset({"phone", "alt_phone", "email", "passport", "national_id"})
"""Typing into these looks for leads that have the same."""
YES_NO = (("yes", "yes"), ("no", "no"))
_KINDS = {"block": "block", "phone": "phone", "money": "money", "date": "date", "when": "date", "bool": "bool",
          "tribool": "choice", "choice": "choice", "lookup": "choice", "computed": "readonly"}  # fmt: skip
_PLACEHOLDER = {"phone": "such as 0712 345 678", "follow_up": "fri, +3d, tomorrow 14:00"}
"""Examples only where they help: in a terminal without colours an example looks like a value."""
_HELP = {
    "tags": "words with commas between them",
    "package": "fills the fees while they are empty",
    "date_of_birth": "such as 1990-05-17",
}


def specs_for(catalog: Catalog, actor: Actor, pipeline: Pipeline, detail: LeadDetail | None) -> tuple[FieldSpec, ...]:
    """The fields to show, in order. `detail` is the lead being edited, None for a new one."""
    specs: list[FieldSpec] = []
    for group, keys in ORDER:
        for key in keys:
            if _left_out(key, catalog, actor, new=detail is None):
                continue
            field = BY_KEY[key]
            choices = choices_for(field, catalog, pipeline, detail)
            spec = FieldSpec(
                key,
                label_for(field, catalog),
                kind=_KINDS.get(field.kind, "line"),
                choices=choices,
                help=_HELP.get(key, field.help),
                group=group,
                placeholder=_PLACEHOLDER.get(key, " " if field.kind in ("phone", "money") else ""),
            )
            specs.append(spec)
    custom = sorted(detail.custom) if detail is not None else ()
    specs += [FieldSpec(f"custom.{name}", name, group="Own fields") for name in custom]
    states = states_for(pipeline, {}, specs)
    return tuple(
        replace(spec, required=states[spec.key].required, visible=states[spec.key].visible)
        if spec.key in states
        else spec
        for spec in specs
    )


def _left_out(key: str, catalog: Catalog, actor: Actor, *, new: bool) -> bool:
    """Whether the form never shows this field to this person in this office."""
    match key:
        case _ if key in actor.hidden_fields or (key in ONLY_NEW and not new):
            return True
        case "branch":
            return not catalog.branches  # an office without branches never shows them (spec AG26)
        case "pipeline":
            return sum(pipeline.is_active for pipeline in catalog.pipelines) < 2
        case "assigned_to":
            return not actor.may("assign")
        case "package":
            return not catalog.products
        case _:
            return False


def label_for(field: LeadField, catalog: Catalog) -> str:
    """Money fields name the currency (spec C 27)."""
    return (
        f"{field.label} ({catalog.currency})" if field.kind == "money" or field.key == "total_amount" else field.label
    )


def choices_for(
    field: LeadField, catalog: Catalog, pipeline: Pipeline, detail: LeadDetail | None
) -> tuple[tuple[str, str], ...]:
    """(value, label) pairs of a choice field; what the lead has stays choosable when it was retired since."""
    match field.kind, field.lookup:
        case "choice", _:
            found = [(value, value.replace("_", " ")) for value in field.choices]
        case "tribool", _:
            found = list(YES_NO)
        case "lookup", "source":
            found = _names(catalog.sources)
        case "lookup", "product":
            found = _names(catalog.products)
        case "lookup", "branch":
            found = _names(catalog.branches)
        case "lookup", "pipeline":
            found = [(one.key, one.name) for one in catalog.pipelines if one.is_active]
        case "lookup", "stage":
            found = status_choices(catalog, pipeline)
        case "lookup", "user":
            users = [user for user in catalog.users if user.is_active and user.login != "system"]
            found = [(user.login, f"{user.name} ({user.login})") for user in sorted(users, key=lambda user: user.name)]
            if field.key == "assigned_to" and detail is None:
                found.insert(0, ("auto", "by the rules of assignment"))
        case _:
            return ()
    if detail is not None:
        own = text_of(field, detail.fields.get(field.key), detail, catalog)
        if own and own not in dict(found):
            found.append((own, f"{own} (retired)"))
    return tuple(found)


def status_choices(catalog: Catalog, pipeline: Pipeline) -> list[tuple[str, str]]:
    """The statuses a new lead may start in: not converted (that is the wizard's), not lost (that wants a reason)."""
    return [
        (stage.name, f"{stage.mark} {stage.name}")
        for stage in catalog.stages_of(pipeline.id)
        if stage.is_active and not stage.is_converted and not stage.is_lost
    ]


def _names(items: Iterable[Any]) -> list[tuple[str, str]]:
    return [(item.name, item.name) for item in items if item.is_active]


def states_for(pipeline: Pipeline, values: Mapping[str, str], specs: Iterable[FieldSpec]) -> dict[str, FieldState]:
    """What the pipeline's rules say of the shown fields now (spec AB, S2: Router type only when Has router)."""
    shown = {spec.key for spec in specs}
    return {
        key: FieldState(state.required, state.visible)
        for key, state in field_states(pipeline, values).items()
        if key in shown
    }


def unreadable(office: Any, pipeline: Pipeline, values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with each of these values by itself, in words. To be called in a thread."""
    from leadtui import clock
    from leadtui.services.lead_values import ValueContext, parse_value

    ctx = ValueContext(office.catalog, office.actor, clock.now(), pipeline.id)
    wrong: dict[str, str] = {}
    for key, text in values.items():
        field = BY_KEY.get(key)
        if field is None or field.kind == "computed" or not text.strip():
            continue
        try:
            parse_value(field, text, ctx)
        except LeadtuiError as error:
            wrong[key] = f"{error.message} ({error.hint})" if error.hint else error.message
    return wrong


def computed(values: Mapping[str, str], currency: str) -> dict[str, str]:
    """The total while the fees are typed (spec C 28, AJ17); empty while one of them cannot be read."""
    fees: list[int | None] = []
    for key in ("installation_fee", "monthly_fee"):
        text = values.get(key, "").strip()
        try:
            fees.append(parse_money(text, currency, field=key) if text else None)
        except Invalid:
            return {"total_amount": "…"}
    amount = total(fees[0], fees[1])
    return {"total_amount": "" if amount is None else format_money(amount, currency)}


def values_of(detail: LeadDetail, catalog: Catalog) -> dict[str, str]:
    """The lead's values as the form holds them."""
    values = {key: text_of(BY_KEY[key], detail.fields.get(key), detail, catalog) for _, keys in ORDER for key in keys}
    values |= {f"custom.{name}": text for name, text in detail.custom.items()}
    return values


def text_of(field: LeadField, value: Any, detail: LeadDetail | None, catalog: Catalog) -> str:
    """One value as text that the services read back to the same value."""
    if value is None or value == ():
        return ""
    match field.kind:
        case "bool":
            return "yes" if value else ""
        case "tribool":
            return "yes" if value else "no"
        case "money" if isinstance(value, int):
            return format_money(value, catalog.currency)
        case "tags" if not isinstance(value, str):
            return ", ".join(value)
        case "when" if isinstance(value, datetime):
            local = value.astimezone(catalog.tz)
            all_day = detail is not None and detail.row.next_follow_up_all_day
            return f"{local:%Y-%m-%d}" if all_day else f"{local:%Y-%m-%d %H:%M}"
        case "phone":
            return format_phone(str(value), catalog.country)
        case "date" if isinstance(value, date):
            return value.isoformat()
        case _:
            return str(value)
