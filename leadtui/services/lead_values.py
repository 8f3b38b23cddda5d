"""From what a person typed to the columns of a lead: the one place that knows how each field is read.

`parse_value` is a pure function of (field, text, context), so that an import may remember its answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from leadtui.domain import dates, phones
from leadtui.domain.catalog import Catalog
from leadtui.domain.fields import BY_KEY, LeadField, find_field
from leadtui.domain.keys import squeeze
from leadtui.domain.money import parse_money
from leadtui.domain.permissions import Actor
from leadtui.errors import Invalid
from leadtui.text import clean_block, clean_line, fold

# Keys of `parse_value`'s answer that are no columns: the service turns them into rows of other tables.
PERSON_NAME = "@person_name"
PERSON_PHONE = "@person_phone"
TAGS = "@tags"

_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+")
_CUSTOM_KEY = re.compile(r"[^\W_][\w-]{0,39}")
_YES = {"yes", "y", "true", "t", "1", "on", "x"}
_NO = {"no", "n", "false", "f", "0", "off"}
_MAX_COUNT = 2_000_000_000


@dataclass(frozen=True, slots=True)
class ValueContext:
    """What reading a value needs to know. `pipeline_id` decides which statuses there are."""

    catalog: Catalog
    actor: Actor
    now: datetime
    pipeline_id: int


def parse_value(field: LeadField, text: str | None, ctx: ValueContext) -> dict[str, Any]:
    """The columns that `text` typed into `field` means; nothing typed clears it. Raises Invalid naming the field."""
    typed = "" if text is None else text
    if not typed.strip():
        return _cleared(field)
    match field.kind:
        case "line":
            value = clean_line(typed, field=field.key, limit=field.limit or 255)
            return _line(field, value)
        case "block":
            return {_column(field): clean_block(typed, field=field.key, limit=field.limit or 4000)}
        case "phone":
            return _phone(field, typed, ctx)
        case "email":
            return _email(field, typed)
        case "money":
            return {_column(field): parse_money(typed, ctx.catalog.currency, field=field.key)}
        case "int":
            return {_column(field): _whole(field, typed)}
        case "number":
            return {_column(field): _decimal(field, typed)}
        case "bool" | "tribool":
            return {_column(field): _yes_no(field, typed)}
        case "date":
            return {_column(field): _birth_date(field, typed, ctx)}
        case "when":
            when = dates.parse_when(typed, tz=ctx.catalog.tz, now=ctx.now, field=field.key)
            return {"next_follow_up_at": when.at, "next_follow_up_all_day": when.all_day}
        case "choice":
            return {_column(field): _choice(field, typed)}
        case "lookup":
            return _lookup(field, typed, ctx)
        case "person":
            return {PERSON_NAME: clean_line(typed, field=field.key, limit=field.limit or 255)}
        case "tags":
            return {TAGS: tuple(clean_tag(word) for word in typed.replace(";", ",").split(",") if word.strip())}
        case _:
            raise Invalid(f"{field.label.lower()} cannot be set", field=field.key)


def _column(field: LeadField) -> str:
    return field.column or field.key


def _cleared(field: LeadField) -> dict[str, Any]:
    match field.key:
        case "phone":
            return {"phone_e164": None, "phone_raw": None}
        case "alt_phone":
            return {"alt_phone_e164": None, "alt_phone_raw": None}
        case "email":
            return {"email": None, "email_norm": None}
        case "passport" | "national_id":
            return {field.key: None, f"{field.key}_norm": None}
        case "follow_up":
            return {"next_follow_up_at": None, "next_follow_up_all_day": True}
        case "brought_in_by":
            return {PERSON_NAME: None}
        case "brought_in_by_contact":
            return {PERSON_PHONE: None}
        case "tags":
            return {TAGS: ()}
        case "has_router":
            return {"has_router": False}
        case "source" | "status" | "pipeline":
            raise Invalid(f"{field.label.lower()} cannot be empty", field=field.key)
        case _:
            return {_column(field): None}


def _line(field: LeadField, value: str) -> dict[str, Any]:
    found: dict[str, Any] = {_column(field): value or None}
    if field.key in {"passport", "national_id"}:
        found[f"{field.key}_norm"] = squeeze(value)[:50] or None
    return found


def _phone(field: LeadField, typed: str, ctx: ValueContext) -> dict[str, Any]:
    phone = phones.parse(typed, ctx.catalog.country, field=field.key)
    if field.key == "brought_in_by_contact":
        return {PERSON_PHONE: (phone.e164, phone.raw)}
    return {_column(field): phone.e164, f"{field.key}_raw": phone.raw}


def _email(field: LeadField, typed: str) -> dict[str, Any]:
    value = clean_email(typed, field=field.key, limit=field.limit or 255)
    return {"email": value, "email_norm": fold(value)[:255]}


def clean_email(text: str, *, field: str = "email", limit: int = 255) -> str:
    """An email address as stored. Raises Invalid."""
    value = clean_line(text, field=field, limit=limit)
    if not _EMAIL.fullmatch(value):
        raise Invalid(f"'{value}' is not an email address", field=field, hint="such as name@example.com")
    return value


def _whole(field: LeadField, typed: str) -> int:
    text = typed.strip().replace(",", "")
    try:
        value = int(text)
    except ValueError:
        value = -1
    highest = _MAX_COUNT if field.highest is None else field.highest
    if not 0 <= value <= highest:
        raise Invalid(
            f"{field.label.lower()} '{typed.strip()[:40]}' is not a whole number"
            + ("" if field.highest is None else f" from 0 to {highest}"),
            field=field.key,
            hint="a whole number of 0 or more" if field.highest is None else f"0 to {highest}",
        )
    return value


def _decimal(field: LeadField, typed: str) -> float:
    limit = 90.0 if field.key == "lat" else 180.0
    try:
        value = float(typed.strip())
    except ValueError:
        value = float("nan")
    if not -limit <= value <= limit:
        raise Invalid(
            f"{field.label.lower()} '{typed.strip()[:40]}' is not a coordinate",
            field=field.key,
            hint=f"a number from -{limit:g} to {limit:g}",
        )
    return value


def _yes_no(field: LeadField, typed: str) -> bool:
    word = fold(typed).strip()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Invalid(f"{field.label.lower()} is yes or no, not '{typed.strip()[:40]}'", field=field.key, hint="yes or no")


def _birth_date(field: LeadField, typed: str, ctx: ValueContext) -> date:
    when = dates.parse_when(typed, tz=ctx.catalog.tz, now=ctx.now, field=field.key)
    if when.day > dates.local_day(ctx.now, ctx.catalog.tz):
        raise Invalid("a birth date cannot lie ahead", field=field.key, hint="a date such as 1990-05-17")
    return when.day


_CONSENT_WORDS: Mapping[str, str | None] = {
    **dict.fromkeys((*_YES, "agreed"), "given"),
    **dict.fromkeys((*_NO, "stop"), "refused"),
    "unknown": None,
}
"""What other programs, and older files of ours, call it."""


def _choice(field: LeadField, typed: str) -> str | None:
    word = "_".join(fold(typed).split())
    if word in field.choices:
        return word
    if field.key == "consent" and word in _CONSENT_WORDS:
        return _CONSENT_WORDS[word]
    raise Invalid(
        f"{field.label.lower()} cannot be '{typed.strip()[:40]}'",
        field=field.key,
        hint="one of: " + ", ".join(field.choices),
    )


def _lookup(field: LeadField, typed: str, ctx: ValueContext) -> dict[str, Any]:
    catalog, column = ctx.catalog, _column(field)
    name = clean_line(typed, field=field.key, limit=255)
    match field.lookup:
        case "stage":
            stage = catalog.find_stage(name, ctx.pipeline_id, field=field.key)
            return {column: stage.id, "probability": stage.probability}
        case "source":
            source = catalog.find_source(name, field=field.key)
            return {column: source.id}
        case "product":
            return {column: catalog.find_product(name, field=field.key).id}
        case "branch":
            return {column: catalog.find_branch(name, field=field.key).id}
        case "pipeline":
            return {column: catalog.find_pipeline(name, field=field.key).id}
        case _:
            if fold(name) == "none":
                return {column: None}
            user = catalog.find_user(ctx.actor.login if fold(name) == "me" else name, field=field.key)
            if not user.is_active:
                raise Invalid(f"the user '{user.login}' is disabled", field=field.key, hint="choose an active user")
            return {column: user.id}


def clean_tag(text: str, *, field: str = "tag") -> str:
    """A tag as stored. Raises Invalid."""
    tag = clean_line(text, field=field, limit=50)
    if not tag:
        raise Invalid("a tag cannot be empty", field=field, hint="a word such as vip")
    if "," in tag:
        raise Invalid("a tag cannot hold a comma", field=field, hint="give several tags one by one")
    return tag


# Folding may lengthen a text (one Arabic ligature becomes eighteen letters): keys are cut to their column.
def tag_key(name: str) -> str:
    """What a tag is known by, whatever its spelling."""
    return fold(name)[:50]


def person_key(name: str) -> str:
    """What a person is looked up by."""
    return fold(name)[:300]


def custom_name(text: str) -> str:
    """The name of a custom field, folded. Raises Invalid."""
    name = fold(text).strip()
    if not _CUSTOM_KEY.fullmatch(name):
        raise Invalid(
            f"'{text[:60]}' cannot name a custom field",
            field="custom",
            hint="letters, digits and underscore, at most 40",
        )
    return name


def custom_value(name: str, text: str) -> str:
    """The value of a custom field as stored. Raises Invalid when over-long."""
    return clean_line(text, field=f"custom.{name}", limit=1000)


def split_values(values: Mapping[str, str | None]) -> tuple[dict[LeadField, str | None], dict[str, str | None]]:
    """What was given as (fields of the catalogue, custom fields). Raises Invalid for a name that is neither."""
    fields: dict[LeadField, str | None] = {}
    custom: dict[str, str | None] = {}
    for key, value in values.items():
        if key.casefold().startswith("custom."):
            custom[custom_name(key[7:])] = value
            continue
        field = find_field(key)
        if field is None:
            import difflib

            near = difflib.get_close_matches(key, list(BY_KEY), n=3)
            raise Invalid(
                f"a lead has no field '{key[:60]}'",
                field=key[:60],
                hint="did you mean: " + ", ".join(near) if near else "custom.NAME makes a field of your own",
            )
        if not field.editable:
            raise Invalid(f"{field.label.lower()} cannot be set", field=field.key, hint="it follows from other values")
        fields[field] = value
    return fields, custom


def derived_columns(
    columns: Mapping[str, Any], *, number: str, phone_unique: str, deleted: bool = False
) -> dict[str, Any]:
    """The columns that follow from others: folded name, searched text, the key of the phone rule (spec AG5, AH24)."""
    name = columns.get("name")
    e164 = columns.get("phone_e164")
    return {
        "name_key": fold(name)[:600] if name else None,
        "search_text": search_text(name, e164, columns.get("alt_phone_e164"), columns.get("email"), number),
        "phone_key": e164 if phone_unique == "block" and not deleted else None,
    }


def search_text(name: str | None, phone: str | None, alt: str | None, email: str | None, number: str) -> str:
    """What substring search looks at: name, digits of both phones in every spelling, email, number; folded."""
    parts = [fold(name) if name else ""]
    for e164 in (phone, alt):
        if e164:
            parts.append(_digits(e164))
    if email:
        parts.append(fold(email))
    parts.append(number.lower())
    return "\n".join(parts)


@lru_cache(maxsize=4096)
def _digits(e164: str) -> str:
    return phones.digits_for_search(e164, phones.national_digits(e164))


def age_on(born: date | None, now: datetime) -> int | None:
    """Whole years since birth (spec AG22)."""
    if born is None:
        return None
    today = now.astimezone(UTC).date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
