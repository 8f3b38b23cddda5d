"""The day as lines of a sheet: parts with their counts, a line for each thing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from leadtui.domain.catalog import Catalog
from leadtui.domain.today import Today, TodayRow, TodaySection, lateness
from leadtui.widgets.lead_cells import LeadCells, plain_signs
from leadtui.widgets.sheet_lines import Line, Row, Span, stack, text
from leadtui.widgets.text import fit, one_line

_WHEN: Final = 10
"""Cells of "23h late"."""


@dataclass(frozen=True, slots=True)
class More:
    """The line below a part that shows only its first rows."""

    section: str
    shown: int
    count: int


@dataclass(frozen=True, slots=True)
class InList:
    """The heading that opens all leads of a part in the list, where many are marked and assigned at once."""

    where: str
    title: str


UNASSIGNED: Final = InList("is:unassigned is:active", "Nobody's leads")


@dataclass(frozen=True)
class TodayRows:
    """A day, ready to be laid out in any width."""

    today: Today
    catalog: Catalog
    actor: Any
    plain: bool = False

    def sheet(self, width: int) -> list[Row]:
        """All parts below each other."""
        if not self.today.sections:
            words = "Nothing is left for today; W goes through the leads that wait"
            return stack([Line(text((words, "muted")))], width)
        lines: list[Line] = []
        for part in self.today.sections:
            lines.append(self._heading(part))
            lines += [self.row(one, width) for one in part.rows]
            lines += self._more(part)
        return stack(lines, width)

    @staticmethod
    def _heading(part: TodaySection) -> Line:
        """Name and count; that of nobody's leads opens them all, to be marked and given away together."""
        if part.key != "unassigned":
            return Line(rule=part.name, right=text(f"{part.count:,}"))
        right = text(("enter: all in the list ", "muted"), f"{part.count:,}")
        return Line(rule=part.name, right=right, item=UNASSIGNED, key="list unassigned")

    def _more(self, part: TodaySection) -> list[Line]:
        hidden = part.count - len(part.rows)
        if hidden <= 0:
            return []
        item = More(part.key, len(part.rows), part.count)
        words = plain_signs(f"… {hidden:,} more", self.plain)
        return [Line(text((words, "muted")), (), item, f"more {part.key}")]

    def row(self, one: TodayRow, width: int) -> Line:
        """Who, how to reach him, why; how late at the right edge."""
        left: list[Span] = [(cell(one.title, _name(width)), "strong" if one.late else "")]
        lead = one.lead
        if lead is not None and width >= 70:
            cells = LeadCells(self.catalog, self.plain)
            left.append((cell(cells.phone(lead), 14), ""))
            if width >= 110:
                words, style = cells.status(lead)
                left.append((cell(words, 18), style))
        reason = one.reason if width >= 110 else one.reason.removeprefix("follow-up ")
        left.append((plain_signs(reason, self.plain), ""))
        right: list[Span] = []
        if width >= 100 and self.today.whose != "mine":
            right.append((cell(one.who or ("–" if not self.plain else "-"), 11), "muted"))
        right.append(self._when(one))
        return Line(tuple(left), tuple(right), one, one.key)

    def _when(self, one: TodayRow) -> Span:
        tz = self.catalog.zone_of(self.actor.user_id)
        words = lateness(one.at, one.all_day, self.today.read_at, tz)
        if one.section in ("new", "unassigned", "intakes", "handed"):  # nothing was promised: how long it waits
            words = words.replace(" late", " ago")
        style = "error" if words.endswith("late") else "warning" if words.endswith("ago") else "strong"
        return f"{words:>{_WHEN}}", style


def _name(width: int) -> int:
    return 26 if width >= 110 else 19 if width >= 70 else 16


def cell(words: str, width: int) -> str:
    """Text in exactly `width` cells, the last one empty."""
    return fit(one_line(words), width - 1) + " "
