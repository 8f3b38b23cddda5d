"""Campaigns as the list shows them: columns, cells, pages of a filter; and the words other screens use too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from leadtui import clock
from leadtui.domain.campaigns import CampaignRow
from leadtui.domain.catalog import Catalog
from leadtui.domain.dates import relative
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.lead_cells import how_long, plain_signs, short_day
from leadtui.widgets.progress import bar
from leadtui.widgets.text import one_line

PROGRESS: Final = 16
"""Cells for bar and figures in a row of the list; the bar takes what the figures leave, at most half."""
COLUMNS: Final = (
    Column("name", "Name", 20, 16, grow=4),
    Column("status", "State", 11, 11),
    Column("channel", "Channel", 9, 8, grow=1, drop=3),
    Column("progress", "Sent", 20, 16, grow=1),
    Column("failed", "Failed", 6, 6, align="right", drop=1),
    Column("unknown", "Unkn.", 5, 5, align="right", drop=2),
    Column("when", "When", 9, 8, drop=1),
    Column("rate", "Rate", 7, 7, align="right", drop=5),
    Column("by", "By", 10, 7, grow=1, drop=6),
)
WHICH: Final = ("", "active", "paused", "scheduled", "draft", "completed", "cancelled")
"""What `f` goes through."""
STYLES: Final = {
    "draft": "", "scheduled": "accent", "active": "success", "paused": "warning", "completed": "", "cancelled": "muted",
}  # fmt: skip


def status_words(row: CampaignRow, plain: bool = False) -> str:
    """Mark and word: never colour alone."""
    return plain_signs(f"{row.mark} {row.status}", plain)


def in_time(at: datetime, now: datetime) -> str:
    """How long until then: "in 5 minutes"; "now" for what is past."""
    if at <= now + timedelta(seconds=30):
        return "now"
    return f"in {how_long(max(at - now, timedelta(minutes=1)))}"


def until(at: datetime, now: datetime) -> str:
    """The same in at most nine cells: "in 12 min", "in 5 h", "in 3 d", "in 4 mo"."""
    count, _, unit = in_time(at, now).removeprefix("in ").partition(" ")
    short = {"minute": "min", "hour": "h", "day": "d", "week": "w", "month": "mo"}.get(unit.rstrip("s"), unit)
    return f"in {count} {short}" if unit else count


def rate_words(per_minute: int) -> str:
    """ "60/min"."""
    return f"{per_minute:,}/min"


@dataclass(frozen=True, slots=True)
class CampaignCells:
    """Cells of campaigns in one office. `titles` names its channels."""

    catalog: Catalog
    plain: bool = False

    def __call__(self, row: CampaignRow, key: str) -> Cell:
        """The cell of `row` in the column `key`."""
        words, style = self._cell(row, key)
        return (plain_signs(words, self.plain), style) if words else (plain_signs("–", self.plain), "muted")

    def _cell(self, row: CampaignRow, key: str) -> tuple[str, str]:
        counted = row.counters
        match key:
            case "name":
                return row.name, "muted" if row.is_cancelled else ""
            case "status":
                return status_words(row), STYLES[row.status]
            case "channel":
                return row.channel, ""
            case "progress":
                return self.progress(row)
            case "failed":
                return (f"{counted.failed:,}", "error") if counted.failed else ("", "")
            case "unknown":
                return (f"{counted.unknown:,}", "warning") if counted.unknown else ("", "")
            case "when":
                return self.when(row)
            case "rate":
                return (rate_words(row.rate_now), "") if row.is_active else (rate_words(row.per_minute), "muted")
            case _:
                return row.created_by, "muted"

    def progress(self, row: CampaignRow) -> tuple[str, str]:
        """A small bar, and sent of all; before the start nothing."""
        counted = row.counters
        if row.is_freezing:
            return f"choosing… {counted.total + counted.skipped:,}", "accent"
        if not counted.total:
            return "", ""
        figures = f" {counted.sent:,}/{counted.total:,}"
        cells = min(PROGRESS // 2, PROGRESS - len(figures))
        return bar(counted.sent, counted.total, cells, self.plain) + figures, ""

    def when(self, row: CampaignRow) -> tuple[str, str]:
        """When a scheduled one starts, an active one ends, an ended one ended."""
        now, tz = clock.now(), self.catalog.tz
        if row.scheduled_at is not None and (row.is_scheduled or row.is_draft):
            return relative(row.scheduled_at, False, now, tz), "accent"
        if row.is_active:
            return until(row.eta, now) if row.eta is not None else "", ""
        if row.completed_at is not None:
            return short_day(row.completed_at, now, tz), "muted"
        return "", ""


@dataclass(frozen=True, slots=True)
class CampaignView:
    """What the list shows."""

    status: str = ""
    words: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether nothing narrows it."""
        return self == CampaignView()

    @property
    def shown(self) -> str:
        """The filter for the first row."""
        return " · ".join(one for one in (self.status, one_line(self.words)) if one)

    def next_status(self) -> CampaignView:
        """With the next status."""
        return replace(self, status=WHICH[(WHICH.index(self.status) + 1) % len(WHICH)])


class CampaignPages:
    """Pages of the list. Every method runs in a thread."""

    def __init__(self, office: Any, view: CampaignView) -> None:
        self.office = office
        self.view = view
        self.is_moving = False
        """Whether one of the rows read last changes by itself."""

    def fetch(self, offset: int, limit: int) -> Sequence[CampaignRow]:
        """The rows from `offset` on."""
        from leadtui.services import campaigns

        view = self.view
        _, rows = campaigns.list_all(
            self.office, status=view.status or None, words=view.words, limit=limit, offset=offset
        )
        self.is_moving = any(row.is_active or row.counters.in_hand for row in rows)
        return rows

    def count(self) -> int:
        """How many there are."""
        from leadtui.services import campaigns

        total, _ = campaigns.list_all(
            self.office, status=self.view.status or None, words=self.view.words, limit=0, offset=0
        )
        return int(total)
