"""Recipients of a campaign as the list shows them: columns, cells, pages of a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from leadtui import clock
from leadtui.domain.campaigns import RecipientRow
from leadtui.domain.catalog import Catalog
from leadtui.domain.message_states import mark
from leadtui.domain.phones import format_phone
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.lead_cells import plain_signs, short_day
from leadtui.widgets.text import one_line

COLUMNS: Final = (
    Column("lead", "Lead", 20, 14, grow=3),
    Column("address", "To", 16, 13, grow=1, drop=3),
    Column("state", "State", 13, 13),
    Column("when", "When", 7, 7, drop=1),
    Column("retries", "Tries", 5, 5, align="right", drop=4),
    Column("why", "Why", 24, 18, grow=5, drop=2),
    Column("number", "Number", 14, 14, drop=5),
)
STATES: Final = ("", "waiting", "in_hand", "handed_off", "sent", "delivered", "read", "failed", "unknown", "skipped")
"""What `f` goes through; groups are as the monitor counts them."""
_NAMES: Final = {
    "waiting": "waiting", "in_hand": "being sent", "retry": "tried again later", "handed_off": "handed over",
    "skipped": "left out",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecipientCells:
    """Cells of recipients in one office. `reasons` are words of reasons."""

    catalog: Catalog
    reasons: Mapping[str, str]
    plain: bool = False

    def __call__(self, row: RecipientRow, key: str) -> Cell:
        """The cell of `row` in the column `key`."""
        words, style = self._cell(row, key)
        return (plain_signs(words, self.plain), style) if words else (plain_signs("–", self.plain), "muted")

    def _cell(self, row: RecipientRow, key: str) -> tuple[str, str]:
        match key:
            case "lead":
                return row.lead_name or row.lead_number, ""
            case "address":
                address = row.address or row.phone or ""
                return format_phone(address, self.catalog.country) if address.startswith("+") else address, ""
            case "state":
                sign, word, style = mark(row.status)
                return f"{sign} {word}", style
            case "when":
                return self.when(row), ""
            case "retries":
                return (f"{row.retry_count:,}", "") if row.retry_count else ("", "")
            case "why":
                return one_line(self.why(row)), "error" if row.status == "failed" else "muted"
            case _:
                return row.lead_number, "muted"

    def when(self, row: RecipientRow) -> str:
        """When it came to its state; of one that waits, when it goes."""
        at = row.read_at or row.delivered_at or row.sent_at or row.sending_at
        if row.status in ("pending", "retry"):
            at = row.next_at
        return short_day(at, clock.now(), self.catalog.tz) if at is not None else ""

    def why(self, row: RecipientRow) -> str:
        """The channel's words, or those of the reason."""
        if row.error:
            return row.error
        return self.reasons.get(row.reason, row.reason.replace("_", " ")) if row.reason else ""


@dataclass(frozen=True, slots=True)
class RecipientView:
    """What the list shows."""

    state: str = ""
    words: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether nothing narrows it."""
        return not self.state and not self.words

    @property
    def shown(self) -> str:
        """The filter for the first row."""
        return " · ".join(one for one in (_NAMES.get(self.state, self.state), one_line(self.words)) if one)


class RecipientPages:
    """Pages of recipients. Every method runs in a thread."""

    def __init__(self, office: Any, campaign_id: int, view: RecipientView) -> None:
        self.office, self.campaign_id, self.view = office, campaign_id, view

    def read(self, limit: int | None, offset: int = 0) -> tuple[int, Sequence[RecipientRow]]:
        """How many there are, and some of them."""
        from leadtui.services import campaigns

        total, rows = campaigns.recipients(
            self.office, self.campaign_id, state=self.view.state or None, words=self.view.words, limit=limit,
            offset=offset,
        )  # fmt: skip
        return total, rows

    def fetch(self, offset: int, limit: int) -> Sequence[RecipientRow]:
        """The rows from `offset` on."""
        return self.read(limit, offset)[1]

    def count(self) -> int:
        """How many there are."""
        return self.read(0)[0]
