"""What a person is to do today, and in plain words why each thing stands there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from leadtui.text import fold

from .dates import local_day, relative
from .records import LeadRow

SECTIONS: Final = {
    "offers": "Offered to you: T claims, the first has it",
    "overdue": "Overdue",
    "now": "Due now",
    "missed": "Missed, planned anew",
    "later": "Later today",
    "tasks": "Tasks",
    "handed": "Messages handed over: did they go?",
    "loans": "Loan promises due",
    "unassigned": "Nobody's leads",
    "new": "Never contacted",
    "rotting": "Too long in one status",
    "intakes": "Bookings that failed",
}
"""The parts of the day by key, the most pressing first."""
WHOSE: Final = ("mine", "team", "all")
"""Whose work is shown: the acting user's, his team's, or that of all leads he may see."""
MANNERS: Final = {
    "follow_up": "follow-up",
    "site_visit": "site visit",
    "whatsapp": "WhatsApp",
    "sms": "SMS",
    "other": "contact",
}


@dataclass(frozen=True, slots=True)
class TodayRow:
    """One thing to do. `key` is unique on the whole screen; `late` says that it should have been done before now.

    `lead` is None only for an intake that no lead came of, and for an offer, whose lead the person may not see yet;
    `title` then says what it is. `target_id` is the id of the intake, of the lead that is offered, else of the
    activity, promise or message.
    """

    key: str
    section: str
    title: str
    reason: str
    lead: LeadRow | None = None
    target_id: int | None = None
    at: datetime | None = None
    all_day: bool = False
    late: bool = False
    who: str | None = None


@dataclass(frozen=True, slots=True)
class TodaySection:
    """A part of the day: how many there are in all, and the first of them."""

    key: str
    count: int
    rows: tuple[TodayRow, ...]

    @property
    def name(self) -> str:
        """Its heading."""
        return SECTIONS[self.key]


@dataclass(frozen=True, slots=True)
class Today:
    """The whole day of a person; empty parts are left out. `choices` are the values `whose` may take for him."""

    sections: tuple[TodaySection, ...]
    whose: str
    choices: tuple[str, ...]
    read_at: datetime

    def count(self, *keys: str) -> int:
        """How many there are in these parts together; in all without a key."""
        return sum(part.count for part in self.sections if not keys or part.key in keys)


def moment_words(at: datetime, all_day: bool, now: datetime, tz: tzinfo) -> str:
    """A moment near today as a sentence says it: "today 14:00", "yesterday", "Wednesday 10:00", "3 Nov 10:00"."""
    day, today = local_day(at, tz), local_day(now, tz)
    days = (day - today).days
    if days == 0:
        words = "today"
    elif days in (-1, 1):
        words = "yesterday" if days < 0 else "tomorrow"
    elif -7 < days < 7:
        words = _DAYS[day.weekday()]
    else:
        words = f"{day.day} {_MONTHS[day.month - 1]}" + ("" if day.year == today.year else f" {day.year}")
    return words if all_day else f"{words} {at.astimezone(tz):%H:%M}"


_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def manner_words(kind: str) -> str:
    """A kind of activity as a sentence says it."""
    return MANNERS.get(kind, kind.replace("_", " "))


def follow_up_reason(
    kind: str, at: datetime, all_day: bool, subject: str, now: datetime, tz: tzinfo, late_since: datetime | None = None
) -> str:
    """Why a follow-up stands there: "follow-up was due Wednesday 10:00 — ask about the landlord"."""
    when, what = moment_words(at, all_day, now, tz), manner_words(kind)
    is_today = local_day(at, tz) == local_day(now, tz)
    if all_day and is_today:
        words = f"{what} is for today"
    elif at <= now:
        words = f"{what} was due {when.removeprefix('today ') if is_today else when}"
    else:
        words = f"{what} at {at.astimezone(tz):%H:%M}" if is_today else f"{what} {when}"
    if late_since is not None:
        whole = late_since.astimezone(tz).time() == time()  # it was for a day, not for a minute
        words += f", late since {moment_words(late_since, whole, now, tz)}"
    about = " ".join(subject.split())
    says_more = fold(about).replace("-", " ") not in {"", fold(what).replace("-", " "), "follow up"}
    return f"{words} — {about}" if says_more else words


def span_words(span: timedelta) -> str:
    """A span in hours up to two days, then in days: "5 hours", "9 days"."""
    hours = max(int(span.total_seconds() // 3600), 0)
    count, unit = (hours, "hour") if hours < 48 else (hours // 24, "day")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def rotting_reason(status: str, since: datetime, hours: int, now: datetime) -> str:
    """Why a lead is said to rot: "in Contacted for 9 days, 3 days at most"."""
    return f"in {status} for {span_words(now - since)}, {span_words(timedelta(hours=hours))} at most"


def lateness(at: datetime | None, all_day: bool, now: datetime, tz: tzinfo) -> str:
    """When something is or was due, in at most eleven cells; nothing for what has no time."""
    return "" if at is None else relative(at, all_day, now, tz)
