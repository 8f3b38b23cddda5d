"""How long many messages take: so many a minute, so many different people a day, and none at quiet hours. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from .working_hours import QuietHours, first_where

WINDOW = timedelta(seconds=60)
MARGIN = timedelta(milliseconds=500)
"""Added to the window in which the rate is counted: clocks differ a little, and the wire takes its time."""
DAY = timedelta(hours=24)

NEVER_QUIET = QuietHours()

_ROUNDS = 20_000


@dataclass(frozen=True, slots=True)
class Pace:
    """What holds messages back. None: not limited; `spaced`: evenly over the minute, not in bursts."""

    per_minute: int | None = None
    daily: int | None = None
    quiet: QuietHours = NEVER_QUIET
    spaced: bool = False

    def span(self, count: int) -> timedelta:
        """How long it takes from the first to the last of `count`, when nothing else holds them back."""
        if self.per_minute is None or count <= 1:
            return timedelta()
        if self.spaced:
            return (count - 1) * (WINDOW / self.per_minute)
        return (count - 1) // self.per_minute * (WINDOW + MARGIN)

    def fitting(self, room: timedelta) -> int | None:
        """How many begin within `room`; None: any number."""
        if self.per_minute is None:
            return None
        if self.spaced:
            return int(room / (WINDOW / self.per_minute)) + 1
        return (int(room / (WINDOW + MARGIN)) + 1) * self.per_minute


@dataclass(frozen=True, slots=True)
class Eta:
    """When the first and the last of many messages go, None: never; `days`: on how many days something is sent."""

    begins_at: datetime | None
    ends_at: datetime | None
    days: int
    per_minute: int | None
    daily: int | None


def eta(pace: Pace, count: int, start: datetime, tz: tzinfo, *, used: int = 0) -> Eta:
    """When `count` messages are through that begin at `start`; never, where every hour is quiet.

    `used`: to how many different people the account wrote in the day before.
    """
    begins = pace.quiet.next_open(start, tz)
    if begins is None or pace.per_minute == 0 or pace.daily == 0:
        return Eta(begins, None, 0, pace.per_minute, pace.daily)
    quota = None if pace.daily is None else max(0, pace.daily - used)
    at, last, day_began, left = begins, begins, begins, count
    for _ in range(_ROUNDS):
        if left <= 0:
            break
        if quota == 0:
            later = pace.quiet.next_open(day_began + DAY, tz)
            at = day_began = later or day_began + DAY
            quota = pace.daily
        some = left if quota is None else min(left, quota)
        until = _quiet_from(pace.quiet, at, tz)
        fits = None if until is None else pace.fitting(until - at - timedelta(microseconds=1))
        now = some if fits is None else min(some, fits)
        last = at + pace.span(now)
        left -= now
        quota = None if quota is None else quota - now
        if now < some and until is not None:
            at = pace.quiet.next_open(until, tz) or until
        else:
            at = last + (timedelta() if pace.per_minute is None else WINDOW + MARGIN)
            at = pace.quiet.next_open(at, tz) or at
    else:
        return Eta(begins, None, 0, pace.per_minute, pace.daily)
    days = (last.astimezone(tz).date() - begins.astimezone(tz).date()).days + 1
    return Eta(begins, last, days, pace.per_minute, pace.daily)


def _quiet_from(quiet: QuietHours, at: datetime, tz: tzinfo) -> datetime | None:
    """When the next quiet hours begin; None: there are none."""
    if quiet.start == quiet.end:
        return None
    return first_where(at, tz, (quiet.start,), quiet.covers)
