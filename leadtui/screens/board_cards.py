"""How a status becomes a column of the board, and a lead a card: texts only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from leadtui import clock
from leadtui.domain.catalog import Catalog, Stage
from leadtui.domain.money import to_decimal
from leadtui.domain.slas import over
from leadtui.widgets.card_column import Lane, Line
from leadtui.widgets.lead_cells import LeadCells
from leadtui.widgets.text import brief

if TYPE_CHECKING:
    from leadtui.services.board import Board, BoardColumn, Card


def short_stay(span: timedelta) -> str:
    """How long, in at most four cells: "40m", "5h", "12d", "14mo"."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 24:
        return f"{hours}h"
    days = hours // 24
    return f"{days}d" if days < 100 else f"{days // 30}mo"


@dataclass(frozen=True, slots=True)
class BoardCells:
    """Columns and cards of one office: its currency, zone and statuses."""

    catalog: Catalog
    plain: bool = False

    def money(self, minor: int | None) -> str:
        """An amount in few cells; nothing where there is none."""
        return "" if minor is None else brief(float(to_decimal(minor, self.catalog.currency)))

    def lane(self, stage: Stage, column: BoardColumn | None, *, folded: bool) -> Lane:
        """A status as a column; without its sums while they are not known."""
        count = "…" if column is None else f"{column.count:,}"
        share = f"{stage.probability:.0%}"
        sums = share
        if column is not None and column.value_minor is not None:
            sums = f"{self.money(column.value_minor)} × {share} = {self.money(column.weighted_minor)}"
        if not stage.is_active:
            sums = f"retired · {sums}"
        head: tuple[Line, Line] = ((f"{stage.mark} {stage.name}", count), (sums, ""))
        few = "…" if column is None else count if len(count) <= 7 else brief(column.count)
        return Lane(stage.id, stage.name, head, few, folded)

    def __call__(self, card: Card) -> tuple[Line, ...]:
        """A lead as a card: who and how warm, how to reach it and when, what it is worth, whose it is and how long."""
        row, now = card.lead, clock.now()
        cells = LeadCells(self.catalog, self.plain)
        stage = self.catalog.stage_by_id.get(row.stage_id)
        score = "" if row.score is None else f"★{row.score}" if card.hot else str(row.score)
        due, due_style = cells.due(row)
        stay = ("", "")
        if row.stage_changed_at is not None:
            late = stage is not None and over(stage, row.stage_changed_at, now)
            words = short_stay(now - row.stage_changed_at)
            stay = (f"{words} !", "warning") if late else (words, "muted")
        money = self.money(card.value_minor)
        who = f"{money} · {row.assigned_to}" if money and row.assigned_to else money or row.assigned_to or ""
        reach = cells.phone(row) if row.name else row.number
        return (
            ((row.title, "strong"), (score, "warning" if card.hot else "muted")),
            ((reach, ""), (due, due_style)),
            ((who, "muted"), stay),
        )

    def totals(self, board: Board) -> str:
        """What is open, with its value, and its value × probability."""
        from leadtui.services.board import total

        count, value, weighted = total(one for one in board.columns if one.is_open)
        worth = "" if value is None else f" · {self.money(value)} → {self.money(weighted)}"
        return f"{count:,} open{worth}"


def is_folded(stage: Stage, turned: Collection[int]) -> bool:
    """Whether a column shows only its count: what is converted, lost or for later does, unless turned round."""
    closed = stage.is_converted or stage.is_lost or stage.is_parked
    return closed != (stage.id in turned)


def neighbour(stages: list[Stage], stage_id: int, step: int) -> Stage | None:
    """The status a card moves to, one column to the right or left; None at the ends.

    Retired statuses take no leads; and from the lost or parked ones nobody goes back to Converted by a step.
    """
    places = [stage.id for stage in stages]
    if stage_id not in places:
        return None
    here = stages[places.index(stage_id)]
    place = places.index(stage_id) + step
    while 0 <= place < len(stages):
        stage = stages[place]
        passed = not stage.is_active or (stage.is_converted and (here.is_lost or here.is_parked))
        if not passed:
            return stage
        place += step
    return None
