"""When to follow up: the delay of a context, the lead's best hour, working hours and holidays (spec §I2, AJ3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from leadtui.errors import Invalid
from leadtui.text import clean_line, fold, shorten

from .working_hours import Holidays, QuietHours, Rule, WorkingHours, first_moment, first_where

DELAYS: Final = "property_inquiry 2h, showing_followup 24h, offer_response 4h, general_nurturing 72h, default 24h"
"""The delays of spec §I2 84, as the setting `follow_up_delays` is written."""

SHORTEST: Final = timedelta(hours=1)
"""A hot lead's delay is halved, never below this (spec §I2 86)."""

_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DELAY: Final = re.compile(r"(\d{1,4}) ?(m|min|h|d)")
_CONTEXT: Final = re.compile(r"[a-z0-9][a-z0-9_:.-]{0,39}")
_LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Delays:
    """How long to wait, by context; `default` is for all others."""

    by_context: Mapping[str, timedelta]

    @classmethod
    def parse(cls, text: str, *, field: str = "follow_up_delays") -> Delays:
        """Read `property_inquiry 2h, default 24h`. Raises Invalid."""
        found: dict[str, timedelta] = {}
        for part in text.split(","):
            words = fold(part).split()
            if not words:
                continue
            name = words[0].replace("-", "_")
            if len(words) < 2 or not _CONTEXT.fullmatch(name):
                raise Invalid(f"'{shorten(part.strip(), 40)}' is no delay", field=field, hint="such as default 24h")
            found[name] = parse_delay(" ".join(words[1:]), field=field)
        if "default" not in found:
            raise Invalid("a delay for all other cases is needed", field=field, hint="such as default 24h")
        return cls(found)

    def __str__(self) -> str:
        """As it is typed."""
        return ", ".join(f"{name} {show_delay(delay)}" for name, delay in self.by_context.items())

    def of(self, context: str | None) -> timedelta:
        """The delay of a context."""
        return self.by_context.get(context or "", self.by_context["default"])


def context_of(text: str | None) -> str | None:
    """The name of a context as kept. Raises Invalid when it is over-long."""
    return "_".join(fold(clean_line(text or "", field="context", limit=40)).replace("-", " ").split()) or None


def parse_delay(text: str, *, field: str) -> timedelta:
    """Read `30m`, `4h` or `2d`: more than nothing, at most a year. Raises Invalid."""
    found = _DELAY.fullmatch(fold(text).strip())
    delay = int(found[1]) * _UNITS[found[2][0]] if found else timedelta()
    if not timedelta() < delay <= _LONGEST:
        raise Invalid(f"'{shorten(text.strip(), 30)}' is not a delay", field=field, hint="such as 30m, 4h or 2d")
    return delay


def show_delay(delay: timedelta) -> str:
    """A delay as it is typed: `30m`, `4h`, `24h`, `3d`."""
    minutes = int(delay.total_seconds() // 60)
    if minutes % 60:
        return f"{minutes}m"
    hours = minutes // 60
    return f"{hours // 24}d" if hours % 24 == 0 and hours > 72 else f"{hours}h"


def smart_time(
    now: datetime,
    *,
    context: str | None,
    delays: Delays,
    score: int | None,
    hot: int,
    preferred_hour: int | None,
    hours: WorkingHours,
    holidays: Holidays,
    quiet: QuietHours,
    tz: tzinfo,
    hours_tz: tzinfo | None = None,
) -> datetime:
    """When to contact a lead next (spec §I2, AJ3), to the whole minute.

    The first moment at least the context's delay from `now` that lies in working hours, on no holiday and not in quiet
    hours, and whose hour is `preferred_hour` where one is known. A hot lead (score above `hot`) waits half as long,
    never less than an hour, and its short delay wins over the preferred hour. A preferred hour that never is a
    working hour (20, say) counts only as "not before". `tz` is the lead's zone, for the preferred hour, holidays and
    quiet hours; `hours_tz` that of the person who works (the same when left out).
    """
    delay = delays.of(context)
    is_hot = score is not None and score > hot
    if is_hot:
        delay = min(delay, max(delay / 2, SHORTEST))
    base = _whole_minute(now + delay)
    rules = _working(hours, holidays, quiet, tz, hours_tz)
    if preferred_hour is not None and not is_hot:
        wished = _at_hour(preferred_hour, tz)
        found = first_moment(base, (*rules, wished))
        if found is not None:
            return found
        base = wished(base) or base
    return first_moment(base, rules) or base


def next_working(
    at: datetime,
    *,
    hours: WorkingHours,
    holidays: Holidays,
    quiet: QuietHours,
    tz: tzinfo,
    hours_tz: tzinfo | None = None,
) -> datetime:
    """The first moment from `at` on in working hours, on no holiday, not in quiet hours; `at` where there is none."""
    return first_moment(_whole_minute(at), _working(hours, holidays, quiet, tz, hours_tz)) or at


def _working(
    hours: WorkingHours, holidays: Holidays, quiet: QuietHours, tz: tzinfo, hours_tz: tzinfo | None
) -> tuple[Rule, ...]:
    zone = hours_tz or tz
    return (
        lambda at: hours.next_open(at, zone),
        lambda at: quiet.next_open(at, tz),
        lambda at: holidays.next_open(at, tz),
    )


def _at_hour(hour: int, tz: tzinfo) -> Rule:
    return lambda at: first_where(at, tz, (hour * 60,), lambda local: local.hour == hour)


def _whole_minute(at: datetime) -> datetime:
    """The minute, or the next one when seconds of it have passed: never before what was asked for."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)
