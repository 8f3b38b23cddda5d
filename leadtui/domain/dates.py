"""Days and moments: what people type, the office's day in UTC, and short words for a due date.

A moment is an aware UTC datetime. A day belongs to the office's time zone; an all-day date is kept as the UTC instant
at which that day starts there, so that one column sorts and compares both kinds. Weeks start on Monday.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from leadtui.errors import Invalid

YEARS = range(1900, 2201)
"""Years that are believed; outside them a date is a slip of the keys."""

WHEN_HELP = "2026-11-20, today, tomorrow, +3d, fri or 2026-11-20 14:00"
RANGE_HELP = "2026-11-20, 2026-11, 2026, today, -7d, fri, this-week, last-month or this-year"

_WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_WEEKDAYS |= {name[:3]: number for name, number in _WEEKDAYS.items()} | {"tues": 1, "wednes": 2, "thur": 3, "thurs": 3}
_NAMED_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_UNITS = {"d": timedelta(days=1), "w": timedelta(weeks=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_UNITS["min"] = _UNITS["m"]

_OFFSET = re.compile(r"([+-])(\d{1,6}) ?(min|[dwhm])")
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_YEAR = re.compile(r"\d{4}")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?(?: ?([ap]m))?|(\d{1,2}) ?([ap]m)")
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?(z|[+-]\d{2}:?\d{2})")


@dataclass(frozen=True, slots=True)
class When:
    """A day or a moment: `at` in UTC; `all_day` when no time of day was given; `day` the office's calendar day of
    `at`.
    """

    at: datetime
    all_day: bool
    day: date


def day_start(day: date, tz: tzinfo) -> datetime:
    """Return the first instant of `day` in `tz`, in UTC.

    Where clocks jump over midnight (Cairo in April) the day starts at the jump; where midnight comes twice (Havana) it
    starts at the first.
    """
    # fold=0 reads a skipped midnight by the offset before the jump, which is exactly the instant of the jump.
    return datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)


def day_bounds(day: date, tz: tzinfo) -> tuple[datetime, datetime]:
    """Return the UTC instants at which `day` starts and the next day starts (half-open)."""
    return day_start(day, tz), day_start(day + timedelta(days=1), tz)


def month_bounds(year: int, month: int, tz: tzinfo) -> tuple[datetime, datetime]:
    """Return the UTC instants at which the month and the next month start (half-open)."""
    first = date(year, month, 1)
    return day_start(first, tz), day_start(_add_months(first, 1), tz)


def local_day(at: datetime, tz: tzinfo) -> date:
    """Return the calendar day of a moment in `tz`."""
    return at.astimezone(tz).date()


def all_day(day: date, tz: tzinfo) -> When:
    """Return `day` as a `When` without a time of day."""
    return When(day_start(day, tz), True, day)


def parse_when(text: str, *, tz: tzinfo, now: datetime, field: str) -> When:
    """Read a day or a moment as people type it in the office zone `tz`, seen from `now` (aware).

    Days: `2026-11-20`, `today`, `tomorrow`, `yesterday`, `+3d`, `-7d`, `+2w`, `fri` (the next one: on a Friday it is a
    week away, for today has its own word). Moments: a day with a time (`2026-11-20 14:00`, `2026-11-20T14:00`,
    `fri 9:30`, `today 2pm`), a time alone (today, or tomorrow when it has passed), `+4h`, `+30m` (from now, to the
    whole minute), and ISO 8601 with `Z` or an offset. A wall-clock time that clocks skip moves on by the jump; one that
    comes twice is the first.

    Raises:
        Invalid: none of these, no such day, or a year outside `YEARS`.
    """
    spelled = " ".join(text.split()).lower()
    try:
        when = _read_when(spelled, tz, now)
        believable = when is not None and when.day.year in YEARS
    except (ValueError, OverflowError):  # 2026-02-30, 25:00, +999999d
        when, believable = None, False
    if when is None or not believable:
        raise _refusal(text, field, WHEN_HELP)
    return when


def _refusal(text: str, field: str, expected: str) -> Invalid:
    shown = text if len(text) <= 40 else text[:39] + "…"
    return Invalid(f'{field.replace("_", " ")} "{shown}" is not a date', field=field, hint=f"write {expected}")


def _read_when(text: str, tz: tzinfo, now: datetime) -> When | None:
    today = local_day(now, tz)
    if found := _ISO.fullmatch(text):
        return _moment(datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3].upper()}"), tz)
    if (clock := _time(text)) is not None:
        at = _at(today, clock, tz)
        return at if at.at > now else _at(today + timedelta(days=1), clock, tz)
    if found := _OFFSET.fullmatch(text):
        if found[3] in "dw":
            return all_day(today + _delta(found), tz)
        return _moment((now + _delta(found)).replace(second=0, microsecond=0), tz)
    if (day := _day(text, today)) is not None:
        return all_day(day, tz)
    for blank in ("t", " "):
        head, found_blank, tail = text.partition(blank)
        if found_blank and (blank == " " or _DAY.fullmatch(head)):
            day, clock = _day(head, today), _time(tail)
            if day is not None and clock is not None:
                return _at(day, clock, tz)
    return None


def _delta(found: re.Match[str]) -> timedelta:
    return _UNITS[found[3]] * int(found[1] + found[2])


def _day(text: str, today: date) -> date | None:
    if text in _NAMED_DAYS:
        return today + timedelta(days=_NAMED_DAYS[text])
    if text in _WEEKDAYS:
        return today + timedelta(days=(_WEEKDAYS[text] - today.weekday() - 1) % 7 + 1)
    if (found := _OFFSET.fullmatch(text)) and found[3] in "dw":
        return today + _delta(found)
    if found := _DAY.fullmatch(text):
        return date(int(found[1]), int(found[2]), int(found[3]))
    return None


def _time(text: str) -> time | None:
    found = _TIME.fullmatch(text)
    if not found:
        return None
    hour, half = int(found[1] or found[5]), found[4] or found[6]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, int(found[2] or 0), int(found[3] or 0))


def _at(day: date, clock: time, tz: tzinfo) -> When:
    return _moment(datetime.combine(day, clock, tzinfo=tz), tz)


def _moment(at: datetime, tz: tzinfo) -> When:
    at = at.astimezone(UTC)
    return When(at, False, local_day(at, tz))


def _add_months(first: date, months: int) -> date:
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


_Period = Callable[[date, int], tuple[date, date]]


def _week(today: date, offset: int) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=offset)
    return monday, monday + timedelta(weeks=1)


def _month(today: date, offset: int) -> tuple[date, date]:
    first = _add_months(today.replace(day=1), offset)
    return first, _add_months(first, 1)


def _year(today: date, offset: int) -> tuple[date, date]:
    return date(today.year + offset, 1, 1), date(today.year + offset + 1, 1, 1)


_PERIODS: dict[str, _Period] = {"week": _week, "month": _month, "year": _year}
_OFFSETS = {"last": -1, "this": 0, "next": 1}
RANGE_WORDS = (*_NAMED_DAYS, *(f"{which}-{period}" for period in _PERIODS for which in _OFFSETS))
"""Every named day and period that `parse_day_range` knows, for completion and help."""


def parse_day_range(text: str, *, tz: tzinfo, now: datetime, field: str = "date") -> tuple[datetime, datetime]:
    """Return the half-open span of UTC instants that a date in a filter covers.

    A day (`2026-11-20`, `today`, `-7d` = the day seven days ago, `fri`), a week, month or year (`this-week`,
    `last_month`, `2026-11`, `2026`), or a minute (`2026-11-20 14:00`). `-4h` and `+30m` are an instant: the span is
    empty, its start is what comparisons use. `<` and `>=` compare with the start of the span, `<=` and `>` with its
    end; `a..b` runs from the start of a to the end of b.

    Raises:
        Invalid: not a date; `field` names the input.
    """
    spelled = " ".join(text.split()).lower()
    try:
        span = _read_range(spelled, tz, now)
    except (ValueError, OverflowError):
        span = None
    if span is None:
        raise _refusal(text, field, RANGE_HELP)
    return span


def _read_range(text: str, tz: tzinfo, now: datetime) -> tuple[datetime, datetime] | None:
    today = local_day(now, tz)
    days = None
    if (day := _day(text, today)) is not None:
        days = day, day + timedelta(days=1)
    elif found := _MONTH.fullmatch(text):
        days = _month(date(int(found[1]), int(found[2]), 1), 0)
    elif _YEAR.fullmatch(text):
        days = _year(date(int(text), 1, 1), 0)
    else:
        which, _, period = text.replace("_", "-").replace(" ", "-").partition("-")
        if which in _OFFSETS and period in _PERIODS:
            days = _PERIODS[period](today, _OFFSETS[which])
    if days is not None:
        if days[0].year not in YEARS:
            return None
        return day_start(days[0], tz), day_start(days[1], tz)
    # A time alone is today's here, passed or not: a filter looks at what is there, it does not plan.
    when = _at(today, clock, tz) if (clock := _time(text)) is not None else _read_when(text, tz, now)
    if when is None or when.day.year not in YEARS:
        return None
    return when.at, when.at if _OFFSET.fullmatch(text) else when.at.replace(second=0, microsecond=0) + timedelta(
        minutes=1
    )


def relative(at: datetime, all_day: bool, now: datetime, tz: tzinfo) -> str:
    """Return a due date in at most eleven cells, seen from `now`: "today", "14:00", "tomorrow", "Fri", "12 Jan",
    "3 Feb 2028" ahead; "2h late", "2d late" behind.

    A day is late from the next day on; a moment of today from its minute on.
    """
    day, today = local_day(at, tz), local_day(now, tz)
    days = (day - today).days
    if days == 0:
        if all_day:
            return "today"
        if at >= now - timedelta(minutes=1):
            return at.astimezone(tz).strftime("%H:%M")
        minutes = int((now - at).total_seconds() // 60)
        return f"{minutes // 60}h late" if minutes >= 60 else f"{minutes}m late"
    if -99 <= days < 0:
        return f"{-days}d late"
    if days == 1:
        return "tomorrow"
    if 1 < days < 7:
        return _ABBREVIATED_DAYS[day.weekday()]
    shown = f"{day.day} {_ABBREVIATED_MONTHS[day.month - 1]}"
    return shown if day.year == today.year else f"{shown} {day.year}"


# Not calendar.day_abbr: that follows the locale of the process, and scripts and tests read these words.
_ABBREVIATED_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ABBREVIATED_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def iso_z(at: datetime) -> str:
    """Return a moment as JSON carries it: "2026-11-20T11:00:00Z", whole seconds.

    Raises:
        ValueError: `at` has no zone; guessing one is how reminders ring at the wrong hour (facts/field §1.18).
    """
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
