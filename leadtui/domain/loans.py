"""Promises to clear a loan: what a list shows of one, and the words for them (spec §N, AH16, AJ21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

PENDING, OVERDUE, CLEARED, CANCELLED, REPLACED = STATUSES = ("pending", "overdue", "cleared", "cancelled", "replaced")
OPEN: Final = (PENDING, OVERDUE)
"""A lead has at most one promise with one of these; the others are its history."""

WHICH: Final = ("open", "overdue", "due", "all")
"""Lists: still open, marked overdue, open and promised for today or before, or all with the settled ones."""


@dataclass(frozen=True, slots=True)
class LoanRow:
    """A promise with what a list shows of its lead.

    `amount_minor` in minor units, `promised` a day of the office. `days_late` counts from the day after the promised
    one, while the promise is open; 0 before. `lead_name` and `phone` are None where the role does not see them.
    """

    id: int
    lead_id: int
    lead_number: str
    lead_name: str | None
    phone: str | None
    amount_minor: int
    promised: date
    status: str
    note: str | None
    days_late: int
    is_today: bool
    assigned_to: str | None
    branch_id: int | None
    assigned_to_id: int | None
    lead_status: str
    lead_status_mark: str
    created_by: str
    created_at: datetime
    overdue_at: datetime | None
    settled_at: datetime | None
    settled_by: str | None

    @property
    def is_open(self) -> bool:
        """Whether the money is still awaited."""
        return self.status in OPEN

    @property
    def title(self) -> str:
        """What to call the lead."""
        return self.lead_name or self.phone or self.lead_number


@dataclass(frozen=True, slots=True)
class LoanTotals:
    """How many promises a list has and what they come to in minor units; of those, the ones past their day."""

    count: int = 0
    amount_minor: int = 0
    late: int = 0
    late_minor: int = 0


def day_words(day: date) -> str:
    """A day for reading, the same in every locale: "Fri 20 Nov 2026"."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def late_words(days_late: int) -> str:
    """How late a promise is: "1 day late", "3 days late"; "" when it is not."""
    if days_late <= 0:
        return ""
    return f"{days_late:,} day{'' if days_late == 1 else 's'} late"


def days_late(promised: date, today: date, status: str) -> int:
    """Days since the promised one, while the promise is open; 0 on the day itself and before."""
    return max(0, (today - promised).days) if status in OPEN else 0


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
