"""The office's settings (spec AH1), and what each user chose on screen."""

from __future__ import annotations

from datetime import time
from typing import Any

from sqlalchemy import func, select, update

from leadtui.domain import stop_words
from leadtui.domain.follow_up_times import Delays
from leadtui.domain.money import check_currency
from leadtui.domain.orchestration import Strategy
from leadtui.domain.working_hours import Holidays, QuietHours, WorkingHours, first_moment
from leadtui.errors import Invalid, Refused, UsageError
from leadtui.store import schema as t
from leadtui.store import tallies
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_line, fold

from . import lead_writes as w
from . import scoring
from .office import Office, country_code, zone_key

_CHOICES = {
    "phone_unique": ("block", "warn", "off"),
    "number_period": ("month", "year"),
    "consent": ("required", "unless_refused"),
    "scheduler": ("any", "worker-only"),
    "auto_assign": ("off", "intake", "all"),
}
SETTINGS: tuple[str, ...] = (
    "country",
    "currency",
    "timezone",
    "phone_unique",
    "number_prefix",
    "number_period",
    "score_qualified",
    "score_hot",
    "quiet_hours",
    "page_size",
    "stage_word",
    "consent",
    "default_source",
    "never_online_days",
    "router_poll_minutes",
    "working_hours",
    "holidays",
    "follow_up_delays",
    "escalate_after",
    "alert_after_minutes",
    "digest_at",
    "scheduler",
    "frequency_cap",
    "stop_words",
    "start_grace_minutes",
    "max_failures",
    "orchestration",
    "company",
    "auto_assign",
    "service_areas",
)


def settings(office: Office) -> dict[str, Any]:
    """The office's settings."""
    with office.read() as tx:
        return {key: tx.catalog.settings.get(key) for key in SETTINGS}


def set_setting(office: Office, key: str, value: str) -> dict[str, Any]:
    """Change one setting of the office. Raises UsageError for an unknown key, Invalid for a bad value."""
    with office.write() as tx:
        w.require(tx, "config")
        if key not in SETTINGS:
            raise UsageError(f"the office has no setting '{key}'", field=key, hint="one of: " + ", ".join(SETTINGS))
        new = _setting_value(tx, key, value.strip())
        old = tx.catalog.settings.get(key)
        if new != old:
            if key == "phone_unique":
                _rekey_phones(tx, str(new))
            done = tx.conn.execute(update(t.setting).where(t.setting.c.key == key).values(value_json=new)).rowcount
            if not done:
                tx.conn.execute(t.setting.insert().values(key=key, value_json=new))
            tx.audit("edit", "setting", None, {key: old}, {key: new})
            tx.catalog_changed()
            if key == "timezone":  # months begin at other moments now
                tallies.rebuild(tx.conn, tx.catalog.tz)
            if key in {"timezone", "country", "service_areas"}:  # ages, phones, areas: rules look at them
                scoring.changed(tx)
    scoring.catch_up(office)
    return {key: new}


def _setting_value(tx: ReadTx, key: str, value: str) -> Any:
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise Invalid(f"{key} cannot be '{value}'", field=key, hint="one of: " + ", ".join(_CHOICES[key]))
        return value
    match key:
        case "country":
            return country_code(value)
        case "currency":
            new = check_currency(value)
            if new != tx.catalog.currency and tx.conn.execute(select(t.lead.c.id).limit(1)).first():
                raise Refused("there are amounts in the present currency already", code="in_use", field=key)
            return new
        case "timezone":
            return zone_key(value)
        case "score_qualified" | "score_hot":
            return _bounded(key, value, 0, 100)
        case "page_size":
            return _bounded(key, value, 1, 500)
        case "never_online_days":
            return _bounded(key, value, 1, 365)
        case "router_poll_minutes":  # 0: routers are asked only when a person asks
            return _bounded(key, value, 0, 1440)
        case "number_prefix":
            if not value.isalnum() or not value.isascii() or len(value) > 10 or not value[0].isalpha():
                raise Invalid(f"'{value}' cannot begin a lead number", field=key, hint="letters, such as LD")
            return value.upper()
        case "default_source":
            return tx.catalog.find_source(value, field=key).name
        case "quiet_hours" | "working_hours" | "holidays":
            return hours_setting(tx, key, value)
        case "follow_up_delays":
            return str(Delays.parse(value))
        case "escalate_after":  # day: overdue from the next day on (spec AG11); else minutes after the time (spec §I3)
            return value if fold(value) == "day" else str(_bounded(key, value, 0, 10_080))
        case "alert_after_minutes":  # 0: never
            return _bounded(key, value, 0, 1440)
        case "digest_at":
            return _time_of_day(value) if value else ""
        case "frequency_cap":  # 0: no limit
            return _bounded(key, value, 0, 100)
        case "start_grace_minutes":
            return _bounded(key, value, 0, 10_080)
        case "max_failures":  # 0: never
            return _bounded(key, value, 0, 10_000)
        case "stop_words":
            return ", ".join(stop_words.parse(value))
        case "orchestration":
            return str(Strategy.parse(value))
        case "service_areas":  # empty: those of the active users
            areas = (" ".join(one.split()) for one in clean_line(value, field=key, limit=2000).split(","))
            return ", ".join(dict.fromkeys(one for one in areas if one))
        case "company":  # what {company} is in a message; empty: it has no value
            return clean_line(value, field=key, limit=100)
        case _:
            word = clean_line(value, field=key, limit=40)
            if not word:
                raise Invalid(f"{key.replace('_', ' ')} cannot be empty", field=key)
            return word


def _bounded(key: str, value: str, low: int, high: int) -> int:
    number = whole_number(value, key)
    if not low <= number <= high:
        raise Invalid(f"{key} cannot be {number}", field=key, hint=f"{low} to {high}")
    return number


def hours_setting(tx: ReadTx, key: str, value: str) -> str:
    """Working hours, holidays or quiet hours, as kept. Raises Invalid, also where no hour would be left to work in."""
    kept = {name: str(tx.catalog.settings.get(name) or "") for name in ("working_hours", "holidays", "quiet_hours")}
    kept[key] = value
    hours = WorkingHours.parse(kept["working_hours"])
    holidays, quiet = Holidays.parse(kept["holidays"]), QuietHours.parse(kept["quiet_hours"])
    rules = (
        lambda at: hours.next_open(at, tx.catalog.tz),
        lambda at: quiet.next_open(at, tx.catalog.tz),
        lambda at: holidays.next_open(at, tx.catalog.tz),
    )
    if first_moment(tx.now, rules) is None:
        raise Invalid(
            "no hour would be left to work in: working hours, quiet hours and holidays exclude each other", field=key,
            hint=", ".join(f"{name.replace('_', ' ')}: {text or 'none'}" for name, text in kept.items() if name != key),
        )  # fmt: skip
    return str({"working_hours": hours, "holidays": holidays, "quiet_hours": quiet}[key])


def _time_of_day(value: str) -> str:
    try:
        return f"{time.fromisoformat(value):%H:%M}"
    except ValueError:
        raise Invalid(
            f"'{value}' is not a time of day", field="digest_at", hint="such as 07:30; empty: never"
        ) from None


def _rekey_phones(tx: WriteTx, rule: str) -> None:
    """Let the unique index follow the rule. Raises Refused naming a phone that two live leads share."""
    lead = t.lead.c
    if rule != "block":
        tx.conn.execute(update(t.lead).values(phone_key=None))
        return
    shared = tx.conn.execute(
        select(lead.phone_e164)
        .where(lead.deleted_at.is_(None), lead.phone_e164.is_not(None))
        .group_by(lead.phone_e164)
        .having(func.count() > 1)
        .limit(1)
    ).scalar()
    if shared:
        raise Refused(
            f"two leads share the phone {shared}",
            code="duplicate",
            field="phone_unique",
            hint="delete or change one of each pair first",
        )
    tx.conn.execute(update(t.lead).where(lead.deleted_at.is_(None)).values(phone_key=lead.phone_e164))


def preference(office: Office, key: str, default: Any = None) -> Any:
    """What the acting user chose on screen."""
    with office.read() as tx:
        p = t.preference.c
        query = select(p.value_json).where(p.user_id == tx.actor.user_id, p.key == key)
        found = tx.conn.execute(query).first()
        return default if found is None else found.value_json


def set_preference(office: Office, key: str, value: Any) -> None:
    """Remember what the acting user chose. No audit: it concerns nobody else."""
    with office.write() as tx:
        p = t.preference.c
        mine = (p.user_id == tx.actor.user_id, p.key == key)
        if not tx.conn.execute(update(t.preference).where(*mine).values(value_json=value)).rowcount:
            tx.conn.execute(t.preference.insert().values(user_id=tx.actor.user_id, key=key, value_json=value))


def whole_number(text: str, key: str) -> int:
    """A whole number of a modest size, as typed. Raises Invalid naming `key`."""
    if not text.lstrip("-").isdigit() or not -100_000 <= int(text) <= 100_000:
        raise Invalid(f"{key} '{text}' is not a whole number", field=key)
    return int(text)
