"""How a lead becomes cells: the columns of the list (spec §V 161), short dates, a mark beside the status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from leadtui import clock
from leadtui.domain.catalog import Catalog, Stage
from leadtui.domain.dates import local_day, relative
from leadtui.domain.money import format_money
from leadtui.domain.phones import format_phone
from leadtui.domain.records import LeadRow
from leadtui.domain.slas import over
from leadtui.widgets.columns import Cell, Column

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ASCII: Final = str.maketrans(
    {
        "●": "=", "×": "x", "◇": "~", "○": "o", "◐": "+", "→": ">", "─": "-", "·": "-", "▇": "#", "▁": ".", "☏": "t",
        "✎": "n", "✉": "e", "▤": "d", "⌂": "v", "◷": "@", "’": "'", "–": "-", "…": "~", "“": '"', "”": '"', "┃": "|",
        "│": "|", "▸": ">", "✓": "v", "⚿": "P", "★": "*", "▶": ">", "‖": "|",
    }
)  # fmt: skip

LEAD_COLUMNS: Final[tuple[Column, ...]] = (
    Column("name", "Name", 20, 16, grow=3, sort="name"),
    Column("phone", "Phone", 13, 12, grow=1, sort="phone", drop=1),
    Column("source", "Source", 13, 9, grow=1, sort="source", drop=3),
    Column("status", "Status", 14, 12, grow=2, sort="status"),
    Column("brought_in_by", "By", 10, 6, grow=1, sort="brought_in_by", drop=4),
    Column("follow_up", "Due", 8, 8, sort="follow_up", drop=1),
    Column("created_at", "Added", 7, 7, sort="created_at", drop=5),
    Column("number", "Number", 14, 14, sort="number", drop=6),
    Column("assigned_to", "Agent", 12, 7, grow=1, sort="assigned_to", drop=6),
    Column("score", "Score", 6, 5, align="right", sort="score", drop=6),
    Column("priority", "Priority", 8, 8, sort="priority", drop=6),
    Column("package", "Package", 16, 8, grow=1, sort="package", drop=6),
    Column("monthly_fee", "Monthly", 12, 9, align="right", sort="monthly_fee", drop=6),
    Column("installation_fee", "Install.", 12, 9, align="right", drop=7),
    Column("total_amount", "Total", 12, 9, align="right", drop=7),
    Column("email", "Email", 24, 12, grow=1, sort="email", drop=7),
    Column("location", "Location", 20, 9, grow=1, sort="location", drop=7),
    Column("unit_number", "Unit", 8, 5, sort="unit_number", drop=7),
    Column("branch", "Branch", 12, 7, grow=1, sort="branch", drop=7),
    Column("tags", "Tags", 16, 8, grow=1, drop=7),
    Column("current_isp", "ISP now", 12, 7, grow=1, drop=7),
    Column("router_user", "Router user", 16, 10, grow=1, drop=7),
    Column("updated_at", "Changed", 8, 7, sort="updated_at", drop=7),
)
"""Every column that can be chosen. Narrow screens drop those with the highest `drop` first."""

COLUMNS_BY_KEY: Final[Mapping[str, Column]] = {column.key: column for column in LEAD_COLUMNS}
DEFAULT_COLUMNS: Final = ("name", "phone", "source", "status", "brought_in_by", "follow_up", "created_at")


def choose_columns(keys: Iterable[str], hidden: frozenset[str] = frozenset()) -> tuple[Column, ...]:
    """The columns of these keys in this order, without unknown ones and those hidden from the role; never none."""
    chosen = tuple(COLUMNS_BY_KEY[key] for key in dict.fromkeys(keys) if key in COLUMNS_BY_KEY and key not in hidden)
    return chosen or (COLUMNS_BY_KEY["name"],)


def plain_signs(text: str, plain: bool = True) -> str:
    """`text` with our own signs in ASCII for terminals without UTF-8; names keep their letters."""
    return text.translate(_ASCII) if plain else text


def mark_of(stage: Stage | None, row: LeadRow | None = None) -> str:
    """The sign of a status."""
    if stage is not None:
        return stage.mark
    return "●" if row is not None and row.is_converted else "×" if row is not None and row.is_lost else "○"


def short_day(at: datetime, now: datetime, tz: tzinfo) -> str:
    """A past moment in at most seven cells: "14:05" today, "19 Nov" within a year, else "Nov ’24"."""
    day, today = local_day(at, tz), local_day(now, tz)
    if day == today:
        return at.astimezone(tz).strftime("%H:%M")
    if abs((today - day).days) < 300:
        return f"{day.day} {_MONTHS[day.month - 1]}"
    return f"{_MONTHS[day.month - 1]} ’{day.year % 100:02}"


def moment(at: datetime, now: datetime, tz: tzinfo) -> str:
    """A moment in exactly twelve cells or fewer: "19 Nov 11:00", in other years "19 Nov 2025"."""
    local = at.astimezone(tz)
    day = f"{local.day:2} {_MONTHS[local.month - 1]}"
    return f"{day} {local:%H:%M}" if local.year == now.astimezone(tz).year else f"{day} {local.year}"


def how_long(span: timedelta) -> str:
    """A span as a person says it: "12 minutes", "5 hours", "3 days", "7 weeks", "14 months"."""
    minutes = max(int(span.total_seconds() // 60), 0)
    for size, unit, least in ((43_830, "month", 4), (10_080, "week", 3), (1_440, "day", 1), (60, "hour", 1)):
        if minutes >= size * least:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}" if minutes else "just now"


def stay_words(stage: Stage | None, since: datetime, now: datetime) -> tuple[str, bool]:
    """For how long a lead has been in its status, and whether that is too long: "9 days, 2 over"."""
    span = how_long(now - since)
    late = over(stage, since, now) if stage is not None else None
    if late is None:
        return span, False
    words = how_long(late)
    count, _, unit = words.partition(" ")
    if not count.isdigit():
        return f"{span}, just over", True
    same = unit.rstrip("s") == span.partition(" ")[2].rstrip("s")
    return f"{span}, {count if same else words} over", True


@dataclass(frozen=True, slots=True)
class LeadCells:
    """Cells of leads in one office: its time zone, currency, country and statuses."""

    catalog: Catalog
    plain: bool = False

    def __call__(self, row: LeadRow, key: str) -> Cell:
        """The cell of `row` in the column `key`."""
        words, style = self._cell(row, key)
        if not words:
            return "-" if self.plain else "–", "muted"
        return words, style

    def _cell(self, row: LeadRow, key: str) -> tuple[str, str]:
        match key:
            case "name":
                return row.title, "" if row.name else "muted"
            case "phone":
                return self.phone(row), ""
            case "status":
                return self.status(row)
            case "follow_up":
                return self.due(row)
            case "created_at" | "updated_at":
                at: datetime = getattr(row, key)
                return plain_signs(short_day(at, clock.now(), self.catalog.tz), self.plain), "muted"
            case "monthly_fee" | "installation_fee" | "total_amount":
                return format_money(getattr(row, key), self.catalog.currency), ""
            case "tags":
                return ", ".join(row.tags), ""
            case "router_user":
                return row.router_user.username if row.router_user else "", ""
        value: Any = getattr(row, key, None)
        return "" if value is None else str(value), ""

    def phone(self, row: LeadRow) -> str:
        """The number as people here write it."""
        return format_phone(row.phone, self.catalog.country) if row.phone else row.phone_raw or ""

    def status(self, row: LeadRow) -> tuple[str, str]:
        """Mark and word; "!" where the lead has been in its status for longer than that allows."""
        if row.is_deleted:
            return plain_signs("× deleted", self.plain), "muted"
        stage = self.catalog.stage_by_id.get(row.stage_id)
        if stage is not None and row.stage_changed_at and over(stage, row.stage_changed_at, clock.now()):
            return f"{plain_signs(stage.mark, self.plain)} {row.status} !", "warning"
        style = "success" if row.is_converted else "muted" if row.is_lost or (stage and stage.is_parked) else ""
        return f"{plain_signs(mark_of(stage, row), self.plain)} {row.status}", style

    def due(self, row: LeadRow) -> tuple[str, str]:
        """When to contact next, as a person says it; late ones stand out by word and colour."""
        if row.next_follow_up is None:
            return "", "muted"
        return due_words(row.next_follow_up, row.next_follow_up_all_day, self.catalog.tz)


def due_words(at: datetime, all_day: bool, tz: tzinfo) -> tuple[str, str]:
    """A due date relative to now, and the style that goes with it."""
    now = clock.now()
    words = relative(at, all_day, now, tz)
    if words.endswith("late"):
        return words, "error"
    return words, "strong" if local_day(at, tz) == local_day(now, tz) else ""
