"""The list of leads: VirtualTable with the columns of spec §V and the fields beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar

from leadtui import clock
from leadtui.domain.dates import local_day, relative
from leadtui.domain.money import format_money
from leadtui.domain.records import LeadRow
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.pages import ListProvider, Marks, PageProvider, TableState
from leadtui.widgets.virtual_table import VirtualTable

__all__ = [
    "COLUMNS_BY_KEY",
    "DEFAULT_COLUMNS",
    "LEAD_COLUMNS",
    "Column",
    "LeadCells",
    "LeadTable",
    "ListProvider",
    "Marks",
    "PageProvider",
    "TableState",
    "VirtualTable",
    "choose_columns",
]

LEAD_COLUMNS: tuple[Column, ...] = (
    Column("name", "Name", 24, 12, grow=3, sort="name"),
    Column("phone", "Phone", 15, 12, sort="phone", drop=1),
    Column("source", "Source", 13, 8, grow=1, sort="source", drop=3),
    Column("status", "Status", 15, 11, grow=1, sort="status"),
    Column("brought_in_by", "By", 10, 7, grow=1, sort="brought_in_by", drop=5),
    Column("next_follow_up", "Due", 9, 8, sort="next_follow_up", drop=1),
    Column("created_at", "Created", 10, 8, sort="created_at", drop=6),
    Column("number", "Number", 14, 14, sort="number", drop=4),
    Column("assigned_to", "Agent", 11, 7, sort="assigned_to", drop=4),
    Column("score", "Score", 5, 5, align="right", sort="score", drop=4),
    Column("priority", "Priority", 8, 6, sort="priority", drop=5),
    Column("package", "Package", 14, 8, grow=1, sort="package", drop=5),
    Column("monthly_fee", "Monthly", 11, 9, align="right", sort="monthly_fee", drop=5),
    Column("installation_fee", "Install.", 11, 9, align="right", sort="installation_fee", drop=6),
    Column("total_amount", "Total", 11, 9, align="right", sort="total_amount", drop=5),
    Column("email", "Email", 22, 10, grow=1, sort="email", drop=6),
    Column("location", "Location", 18, 8, grow=1, sort="location", drop=6),
    Column("branch", "Branch", 12, 6, sort="branch", drop=6),
    Column("tags", "Tags", 14, 6, grow=1, drop=6),
    Column("updated_at", "Changed", 10, 8, sort="updated_at", drop=6),
    Column("current_isp", "ISP now", 12, 6, drop=6),
)
"""Every column that can be chosen; narrow screens drop those with the highest `drop` first."""

COLUMNS_BY_KEY: Mapping[str, Column] = {column.key: column for column in LEAD_COLUMNS}
DEFAULT_COLUMNS = ("name", "phone", "source", "status", "brought_in_by", "next_follow_up", "created_at")


def choose_columns(keys: tuple[str, ...] | list[str]) -> tuple[Column, ...]:
    """The columns of these keys, in this order; unknown keys are passed over."""
    return tuple(COLUMNS_BY_KEY[key] for key in keys if key in COLUMNS_BY_KEY)


@dataclass
class LeadCells:
    """How a lead's values are written in cells: short, relative dates, a mark beside the status."""

    tz: tzinfo = UTC
    currency: str = "KES"
    stage_marks: Mapping[int, str] = field(default_factory=dict)
    """Stage id → the sign of its kind."""
    plain: bool = False
    _PLAIN_MARKS: ClassVar[Mapping[str, str]] = {"●": "=", "×": "x", "◇": "~", "○": "o", "◐": "+", "◑": "+"}

    def __call__(self, row: LeadRow, key: str) -> Cell:
        """The cell of `row` in the column `key`."""
        match key:
            case "name":
                return row.title if not row.is_protected else f"{row.title} {'P' if self.plain else '⚿'}"
            case "status":
                return self.status(row)
            case "next_follow_up":
                return self.due(row)
            case "created_at" | "updated_at":
                return local_day(getattr(row, key), self.tz).strftime("%d %b %y"), "muted"
            case "monthly_fee" | "installation_fee" | "total_amount":
                return format_money(getattr(row, key), self.currency) if getattr(row, key) is not None else "–"
            case "tags":
                return ", ".join(row.tags)
            case "phone":
                return row.phone_raw or row.phone or "–"
        value: Any = getattr(row, key, None)
        return "–" if value is None or value == "" else str(value)

    def status(self, row: LeadRow) -> Cell:
        """Mark and word."""
        if row.is_deleted:
            return f"{'x' if self.plain else '⌫'} deleted", "muted"
        mark = self.stage_marks.get(row.stage_id, "●" if row.is_converted else "×" if row.is_lost else "○")
        if self.plain:
            mark = self._PLAIN_MARKS.get(mark, mark if mark.isascii() else "o")
        style = "success" if row.is_converted else "muted" if row.is_lost else ""
        return f"{mark} {row.status}", style

    def due(self, row: LeadRow) -> Cell:
        """When to contact next, as a person says it; late ones stand out by word and colour."""
        at: datetime | None = row.next_follow_up
        if at is None:
            return "–", "muted"
        now = clock.now()
        words = relative(at, row.next_follow_up_all_day, now, self.tz)
        late = local_day(at, self.tz) < local_day(now, self.tz)
        return words, "error" if late else "strong" if local_day(at, self.tz) == local_day(now, self.tz) else ""


class LeadTable(VirtualTable[LeadRow]):
    """Leads; `cells` is set when the office is open (its time zone, currency and status marks)."""

    def __init__(self, columns: tuple[str, ...] = DEFAULT_COLUMNS, *, id: str | None = None) -> None:
        self.cells = LeadCells()
        super().__init__(
            choose_columns(columns),
            self._cell_of_lead,
            empty="No leads here — n adds one, F shows all",
            sort="created_at",
            descending=True,
            id=id,
        )

    def _cell_of_lead(self, row: LeadRow, key: str) -> Cell:
        return self.cells(row, key)

    def on_mount(self) -> None:
        """Plain terminals get plain marks."""
        self.cells.plain = bool(getattr(self.app, "plain", False))
