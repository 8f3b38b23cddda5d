"""How a router's row of a push or of a drift is drawn: a mark and a word, the differences, the row in full. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadtui.domain.packages import difference_words
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.services.package_push import PushRow

PUSH_COLUMNS = (
    Column("router", "Router", 12, min_width=10, grow=1),
    Column("service", "Service", 7, drop=2),
    Column("name", "Profile", 10, min_width=8, grow=1, drop=1),
    Column("state", "State", 10, min_width=10),
    Column("differences", "Differences", 30, min_width=16, grow=3),
)
DRIFT_COLUMNS = (
    Column("router", "Router", 10, min_width=9, grow=1),
    Column("package", "Package", 14, min_width=12, grow=1),
    Column("service", "Service", 7, drop=2),
    Column("state", "State", 10, min_width=10),
    Column("differences", "Differences", 30, min_width=16, grow=3),
)

_WANTED: Mapping[str, Cell] = {
    "create": ("+ missing", "accent"), "change": ("~ differs", "accent"), "rename": ("~ name", "accent"),
    "same": ("✓ fits", "success"), "foreign": ("! not ours", "warning"), "in_use": ("! in use", "warning"),
    "missing_pool": ("✗ no pool", "error"), "error": ("✗ failed", "error"),
}  # fmt: skip
_DONE: Mapping[str, Cell] = {
    "create": ("✓ made", "success"), "change": ("✓ changed", "success"), "rename": ("✓ renamed", "success"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A router of the push screen: what it said last, whether it is busy and with what, whether it was written to."""

    router: str
    service: str
    row: PushRow | None = None
    busy: str = ""
    is_done: bool = False


def line_cell(line: Line, key: str) -> Cell:
    """A cell of the push screen."""
    if key == "router":
        return one_line(line.router)
    if key == "service":
        return one_line(line.row.service if line.row else line.service)
    if key == "state" and line.busy:
        return f"… {line.busy}", "accent"
    if line.row is None:
        return "–", "muted"
    return row_cell(line.row, key, is_done=line.is_done)


def row_cell(row: PushRow, key: str, *, is_done: bool = False) -> Cell:
    """A cell of a row that a router gave."""
    match key:
        case "state":
            return (_DONE if is_done else {}).get(row.outcome) or _WANTED[row.outcome]
        case "differences":
            return one_line("; ".join(_differences(row)) or row.error or "")
        case "router":
            return one_line(row.router or "no router")
        case "package":
            return one_line(row.package or "all packages")
        case _:
            return one_line(getattr(row, key))


def _differences(row: PushRow) -> list[str]:
    return [difference_words(d.field, d.wanted, d.actual, is_change=row.is_change) for d in row.differences]


def in_full(row: PushRow | None) -> str:
    """Everything about a row, for below the list: what differs, why it is left as it is, what helps."""
    if row is None:
        return ""
    lines = [one_line("; ".join(_differences(row)))]
    if row.error:
        lines.append(one_line(row.error))
    if row.hint and not row.is_fine:
        lines.append(one_line(row.hint))
    return "\n".join(line for line in lines if line)


def in_short(rows: Sequence[PushRow]) -> str:
    """What came of a push: "2 done, 1 left as it is, 1 failed"."""
    done = sum(row.is_fine for row in rows)
    failed = sum(row.outcome == "error" for row in rows)
    left = len(rows) - done - failed
    parts = [(done, "done"), (left, "left as it is" if left == 1 else "left as they are"), (failed, "failed")]
    return ", ".join(f"{count} {words}" for count, words in parts if count)
