"""Promises to clear a loan as a list and a lead show them: columns, cells, lines, pages of a filter."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.dates import day_start, relative
from leadtui.domain.filters.writer import in_quotes
from leadtui.domain.loans import LoanRow, LoanTotals, day_words, late_words
from leadtui.domain.money import format_money
from leadtui.domain.phones import format_phone
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.lead_cells import moment, plain_signs
from leadtui.widgets.sheet_lines import Line, text
from leadtui.widgets.text import one_line

COLUMNS: Final = (
    Column("due", "Due", 11, 10),
    Column("amount", "Amount", 13, 11, align="right"),
    Column("status", "State", 12, 12, drop=4),
    Column("lead", "Lead", 20, 14, grow=3),
    Column("phone", "Phone", 13, 12, grow=1),
    Column("who", "Who", 9, 8, grow=1, drop=2),
    Column("note", "Note", 14, 8, grow=2, drop=1),
    Column("promised", "Promised for", 15, 15, drop=5),
    Column("number", "Number", 14, 14, drop=6),
)
WHICH: Final = ("open", "overdue", "due", "all")
"""What `f` goes through."""
_NAMES: Final = {"open": "", "overdue": "overdue", "due": "due by today", "all": "all, settled ones too"}
_STATES: Final = {
    "pending": ("○ pending", ""), "overdue": ("! overdue", "error"), "cleared": ("● cleared", "success"),
    "cancelled": ("× called off", "muted"), "replaced": ("· replaced", "muted"),
}  # fmt: skip
MOST: Final = 4
"""So many settled promises are shown on a lead; the command line lists them all."""


def due_cell(row: LoanRow, catalog: Catalog) -> tuple[str, str]:
    """When the money is awaited, relative to today, and the style that goes with it."""
    words = relative(day_start(row.promised, catalog.tz), True, clock.now(), catalog.tz)
    if not row.is_open:
        return words.removesuffix(" late") + (" ago" if words.endswith("late") else ""), "muted"
    return words, "error" if row.days_late else "warning" if row.is_today else ""


@dataclass(frozen=True, slots=True)
class LoanCells:
    """Cells of promises in one office."""

    catalog: Catalog
    plain: bool = False

    def __call__(self, row: LoanRow, key: str) -> Cell:
        """The cell of `row` in the column `key`."""
        words, style = self._cell(row, key)
        return (plain_signs(words, self.plain), style) if words else (plain_signs("–", self.plain), "muted")

    def _cell(self, row: LoanRow, key: str) -> tuple[str, str]:
        match key:
            case "due":
                return due_cell(row, self.catalog)
            case "amount":
                return format_money(row.amount_minor, self.catalog.currency), "strong" if row.is_open else "muted"
            case "status":
                return _STATES.get(row.status, (row.status, ""))
            case "lead":
                return row.title, ""
            case "phone":
                return format_phone(row.phone, self.catalog.country) if row.phone else "", ""
            case "who":
                return row.assigned_to or "", ""
            case "note":
                return one_line(row.note or ""), "muted"
            case "promised":
                return day_words(row.promised), "muted"
            case _:
                return row.lead_number, "muted"


@dataclass(frozen=True, slots=True)
class LoanView:
    """What the list shows."""

    which: str = "open"
    mine: bool = False
    search: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether nothing narrows it."""
        return self == LoanView()

    @property
    def where(self) -> str | None:
        """The words looked for, as a filter of leads: as they stand, without its language."""
        return " ".join(in_quotes(word) for word in self.search.split()) or None

    @property
    def words(self) -> str:
        """The filter for the first row."""
        shown = [_NAMES[self.which], "mine" if self.mine else "", one_line(self.search)]
        return " · ".join(one for one in shown if one)

    def next_which(self) -> LoanView:
        """With the next list."""
        return replace(self, which=WHICH[(WHICH.index(self.which) + 1) % len(WHICH)])


class LoanPages:
    """Pages of a list. Every method runs in a thread."""

    def __init__(self, office: Any, view: LoanView) -> None:
        self.office = office
        self.view = view

    def fetch(self, offset: int, limit: int) -> Sequence[LoanRow]:
        """The rows from `offset` on."""
        from leadtui.services import loans

        view = self.view
        rows = loans.page(
            self.office, view.which, mine=view.mine, where=view.where, limit=limit, offset=offset
        )  # fmt: skip
        country = self.office.catalog.country
        for row in rows:  # what drawing will ask for: the first look at a number is slow
            if row.phone:
                format_phone(row.phone, country)
        return rows

    def count(self) -> int:
        """How many there are."""
        return self.totals().count

    def totals(self) -> LoanTotals:
        """How many there are, and what they come to."""
        from leadtui.services import loans

        return loans.totals(self.office, self.view.which, mine=self.view.mine, where=self.view.where)

    def find(self, row_id: Hashable) -> int | None:
        """Where a promise is in the list."""
        from leadtui.services import loans

        view = self.view
        if not isinstance(row_id, int):
            return None
        return loans.position(self.office, view.which, row_id, mine=view.mine, where=view.where)


def sum_words(found: LoanTotals, currency: str) -> str:
    """What a list comes to, for the first row."""
    words = f"{found.count:,} · {format_money(found.amount_minor, currency)} {currency}"
    if found.late and found.late != found.count:
        words += f" · {found.late:,} late: {format_money(found.late_minor, currency)}"
    return words


# -- on a lead --------------------------------------------------------------------------------------------------------


def lines_of(loans: Sequence[LoanRow], catalog: Catalog) -> list[Line]:
    """The promises of a lead: the open one, then what became of the others. Nothing where there are none."""
    if not loans:
        return []
    lines = [Line(rule=f"Loan promise ({catalog.currency})")]
    shown = [one for one in loans if one.is_open]
    settled = [one for one in loans if not one.is_open]
    for one in (*shown, *settled[:MOST]):
        amount = format_money(one.amount_minor, catalog.currency)
        said = f" · {one_line(one.note)}" if one.note else ""
        if one.is_open:
            words, style = due_cell(one, catalog)
            left = text((f"{words:13}", style), f"to be cleared by {day_words(one.promised)}", (said, "muted"))
            lines.append(Line(left, text((amount, "strong")), one, f"l{one.id}"))
        else:
            words = _STATES[one.status][0][2:]
            left = text((f"{words:13}", "muted"), (f"it was for {day_words(one.promised)}{said}", "muted"))
            lines.append(Line(left, text((amount, "muted")), one, f"l{one.id}"))
    if (more := len(settled) - MOST) > 0:
        lines.append(Line(text((f"and {more:,} earlier", "muted"))))
    return lines


def describe(one: LoanRow, catalog: Catalog) -> tuple[str, list[tuple[str, str]], list[str]]:
    """A promise whole: heading, facts as (label, words), long texts."""
    now, tz = clock.now(), catalog.tz
    facts = [
        ("amount", f"{format_money(one.amount_minor, catalog.currency)} {catalog.currency}"),
        ("promised for", day_words(one.promised)),
        ("state", " · ".join(word for word in (_STATES[one.status][0][2:], late_words(one.days_late)) if word)),
        ("overdue", f"since {moment(one.overdue_at, now, tz).strip()}" if one.overdue_at else ""),
        ("settled", f"{moment(one.settled_at, now, tz).strip()} by {one.settled_by}" if one.settled_at else ""),
        ("noted", f"{moment(one.created_at, now, tz).strip()} by {one.created_by}"),
    ]
    return "Loan promise", [(label, words) for label, words in facts if words], [one.note] if one.note else []
