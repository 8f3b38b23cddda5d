"""When people work and when nobody is to be disturbed: working hours, holidays, quiet hours (spec §I2, AJ3).

Each is a rule about the wall clock of a zone. `first_moment` finds the first instant that keeps several rules at once,
right over changes of the clocks: an hour that is skipped is not there, one that comes twice counts both times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from leadtui.errors import Invalid
from leadtui.text import fold, shorten

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
HORIZON_DAYS = 400
"""So far ahead a moment is looked for: beyond a whole year of holidays nobody plans."""

HOURS_HELP = "such as mon-fri 08:00-18:00, sat 09:00-13:00"

Rule = Callable[[datetime], datetime | None]
"""The first instant from the given one on that a rule allows; None when it allows none within the horizon."""

_SPAN = re.compile(r"(\d{1,2}):(\d{2}) ?[-–] ?(\d{1,2}):(\d{2})")
_FULL = {"monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6}


# -- the search ---------------------------------------------------------------------------------------------------


def first_moment(at: datetime, rules: Sequence[Rule]) -> datetime | None:
    """The first instant from `at` on that all rules allow; None when there is none within the horizon.

    Each rule answers the smallest instant it allows, so going round until nothing moves never skips one.
    """
    found, last = at, at + timedelta(days=HORIZON_DAYS)
    while found <= last:
        start = found
        for rule in rules:
            allowed = rule(found)
            if allowed is None:
                return None
            found = allowed
        if found == start:
            return found
    return None


def first_where(at: datetime, tz: tzinfo, starts: Iterable[int], good: Callable[[datetime], bool]) -> datetime | None:
    """The first instant from `at` on whose local time is `good`; it may become so only at one of `starts`.

    `starts` are minutes of the day. None when there is none within the horizon.
    """
    if good(at.astimezone(tz)):
        return at
    minutes = sorted({0, *starts})
    day = at.astimezone(tz).date()
    for offset in range(HORIZON_DAYS):
        for moment in _moments(day + timedelta(days=offset), tz, minutes):
            if moment > at and good(moment.astimezone(tz)):
                return moment
    return None


def _moments(day: date, tz: tzinfo, minutes: Sequence[int]) -> Iterator[datetime]:
    """The instants of a day at which its clock shows one of `minutes`, and those at which the clocks are changed."""
    begin = datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=tz).astimezone(UTC)
    if _offset(begin, tz) == _offset(end, tz) and end - begin == timedelta(days=1):
        yield from (begin + timedelta(minutes=m) for m in minutes if m < _DAY)
        return
    found = {begin, *_changes(begin - timedelta(hours=3), end, tz)}
    for minute in minutes:
        if minute < _DAY:
            wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=tz)
            found |= {wall.replace(fold=fold_).astimezone(UTC) for fold_ in (0, 1)}
    yield from sorted(found)


def _offset(at: datetime, tz: tzinfo) -> timedelta:
    return at.astimezone(tz).utcoffset() or timedelta()


def _changes(begin: datetime, end: datetime, tz: tzinfo) -> Iterator[datetime]:
    """The instants between the two at which the offset changes."""
    at = begin
    while at < end:
        step = min(at + timedelta(hours=1), end)
        if _offset(at, tz) != _offset(step, tz):
            low, high = at, step
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if _offset(middle, tz) == _offset(at, tz) else (low, middle)
            yield high
        at = step


# -- working hours --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """The hours of each weekday (Monday first) as spans of minutes, half-open; without any day: at any time."""

    days: tuple[tuple[tuple[int, int], ...], ...] = ()

    @classmethod
    def parse(cls, text: str, *, field: str = "working_hours") -> WorkingHours:
        """Read `mon-fri 08:00-18:00, sat 09:00-13:00`. Nothing typed: at any time.

        Several spans a day stand behind each other (`mon 08:00-12:00 13:00-17:00`); one that ends before it begins
        goes on into the next day; `24:00` is the end of the day. Raises Invalid.
        """
        clean = " ".join(fold(text).split())
        if not clean:
            return cls()
        found: list[list[tuple[int, int]]] = [[] for _ in DAYS]
        named: list[int] = []
        for part in clean.replace(";", ",").split(","):
            spans = list(_SPAN.finditer(part))
            words = part[: spans[0].start()] if spans else part
            if words.strip():
                named = _days(words, field)
            rest = _SPAN.sub(" ", part[len(words) :]).strip()
            if not spans or rest or not named:
                raise _bad(part, field)
            for span in spans:
                start, end = _minute(span[1], span[2], field), _minute(span[3], span[4], field)
                if start in {end, _DAY}:
                    raise _bad(part, field)
                for day in named:
                    if start < end:
                        found[day].append((start, end))
                    else:
                        found[day].append((start, _DAY))
                        if end:
                            found[(day + 1) % 7].append((0, end))
        return cls(tuple(_merged(spans) for spans in found))

    def __str__(self) -> str:
        """As it is typed, days of the same hours together."""
        parts: list[str] = []
        day = 0
        while day < len(self.days):
            last = day
            while last + 1 < 7 and self.days[last + 1] == self.days[day]:
                last += 1
            if self.days[day]:
                name = DAYS[day] if last == day else f"{DAYS[day]}-{DAYS[last]}"
                spans = " ".join(f"{_clock(start)}-{_clock(end)}" for start, end in self.days[day])
                parts.append(f"{name} {spans}")
            day = last + 1
        return ", ".join(parts)

    def covers(self, local: datetime) -> bool:
        """Whether a local time lies within."""
        if not self.days:
            return True
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.days[local.weekday()])

    def is_open(self, at: datetime, tz: tzinfo) -> bool:
        """Whether people work at this instant in the zone `tz`."""
        return self.covers(at.astimezone(tz))

    def next_open(self, at: datetime, tz: tzinfo) -> datetime | None:
        """The first instant from `at` on at which people work; None: never."""
        return first_where(at, tz, (start for spans in self.days for start, _ in spans), self.covers)


def _days(words: str, field: str) -> list[int]:
    found: list[int] = []
    for word in words.split():
        first, dash, last = word.replace("–", "-").partition("-")
        if word == "daily":
            found += range(7)
            continue
        start = _day(first, field)
        end = _day(last, field) if dash else start
        found += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return found


def _day(word: str, field: str) -> int:
    for name, number in _FULL.items():
        if len(word) >= 3 and name.startswith(word):
            return number
    raise Invalid(f"'{shorten(word, 20)}' is not a day of the week", field=field, hint=HOURS_HELP)


def _minute(hour: str, minute: str, field: str) -> int:
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > _DAY:
        raise Invalid(f"'{hour}:{minute}' is not a time of day", field=field, hint="00:00 to 24:00")
    return found


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _merged(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _bad(part: str, field: str) -> Invalid:
    return Invalid(f"the hours '{shorten(part.strip(), 40)}' cannot be read", field=field, hint=HOURS_HELP)


# -- holidays and quiet hours ----------------------------------------------------------------------------------------

HOLIDAYS_HELP = "dates such as 2026-12-25, or 12-26 for every year"


@dataclass(frozen=True, slots=True)
class Holidays:
    """Days on which nobody works: dates, and days of every year as (month, day)."""

    dates: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    @classmethod
    def parse(cls, text: str, *, field: str = "holidays") -> Holidays:
        """Read `2026-12-25, 12-26`. Raises Invalid."""
        dates: set[date] = set()
        yearly: set[tuple[int, int]] = set()
        for word in text.replace(";", ",").replace("\n", ",").split(","):
            if not (one := word.strip()):
                continue
            try:
                if re.fullmatch(r"\d{1,2}-\d{1,2}", one):
                    month, day = map(int, one.split("-"))
                    date(2024, month, day)  # a leap year: 29 February is a day of every year that has it
                    yearly.add((month, day))
                else:
                    dates.add(date.fromisoformat(one))
            except ValueError:
                raise Invalid(f"'{shorten(one, 30)}' is not a day", field=field, hint=HOLIDAYS_HELP) from None
        return cls(frozenset(dates), frozenset(yearly))

    def __str__(self) -> str:
        """As it is typed, in order."""
        fixed = [day.isoformat() for day in sorted(self.dates)]
        return ", ".join([*(f"{month:02}-{day:02}" for month, day in sorted(self.yearly)), *fixed])

    def is_holiday(self, day: date) -> bool:
        """Whether nobody works on this day."""
        return day in self.dates or (day.month, day.day) in self.yearly

    def next_open(self, at: datetime, tz: tzinfo) -> datetime | None:
        """The first instant from `at` on that lies on no holiday."""
        return first_where(at, tz, (), lambda local: not self.is_holiday(local.date()))


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of every day in which nobody is disturbed, as minutes; over midnight when they end before they begin."""

    start: int = 0
    end: int = 0

    @classmethod
    def parse(cls, text: str, *, field: str = "quiet_hours") -> QuietHours:
        """Read `21:00-08:00`; nothing, or the same twice: none. Raises Invalid."""
        if not text.strip():
            return cls()
        found = _SPAN.fullmatch(" ".join(text.split()))
        if not found:
            words = f"quiet hours '{shorten(text.strip(), 30)}' cannot be read"
            raise Invalid(words, field=field, hint="such as 21:00-08:00")
        return cls(_minute(found[1], found[2], field) % _DAY, _minute(found[3], found[4], field))

    def __str__(self) -> str:
        """As it is typed; nothing where no hour is quiet."""
        return "" if self.start == self.end else f"{_clock(self.start)}-{_clock(self.end)}"

    def covers(self, local: datetime) -> bool:
        """Whether a local time is quiet."""
        minute = local.hour * 60 + local.minute
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def is_quiet(self, at: datetime, tz: tzinfo) -> bool:
        """Whether nobody is to be disturbed at this instant in the zone `tz`."""
        return self.covers(at.astimezone(tz))

    def next_open(self, at: datetime, tz: tzinfo) -> datetime | None:
        """The first instant from `at` on that is not quiet."""
        return first_where(at, tz, (self.end,), lambda local: not self.covers(local))
