"""The board as its widget reads it, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from leadtui.domain.catalog import Catalog, Stage
from leadtui.domain.figure_texts import Names, both
from leadtui.domain.phones import format_phone
from leadtui.domain.records import LeadRow
from leadtui.screens.lead_pages import FilterWords, filter_words, readable

if TYPE_CHECKING:
    from leadtui.services.board import Board, Card

PREFERENCE = "board.view"


class BoardReading:
    """One look at a pipeline. Its sums are asked once, by whoever wants them first; every method runs in a thread."""

    def __init__(self, office: Any, where: str, pipeline: str) -> None:
        self.office = office
        self.where = where or None
        self.pipeline = pipeline
        self._lock = Lock()
        self._board: Board | None = None

    def board(self) -> Board:
        """Statuses and sums."""
        from leadtui.services import board

        with self._lock:
            if self._board is None:
                self._board = board.show(self.office, self.where, self.pipeline)
            return self._board

    def count(self, stage_id: int) -> int:
        """How many cards a column has."""
        return next((one.count for one in self.board().columns if one.stage.id == stage_id), 0)


class CardPages:
    """The cards of one column."""

    def __init__(self, reading: BoardReading, stage_id: int) -> None:
        self.reading = reading
        self.stage_id = stage_id

    def fetch(self, offset: int, limit: int) -> Sequence[Card]:
        """The cards from `offset` on."""
        from leadtui.services import board

        office = self.reading.office
        cards = board.cards(office, self.reading.where, self.stage_id, offset, limit)
        for card in cards:  # what drawing will ask for: the first look at a number is slow
            if card.lead.phone:
                format_phone(card.lead.phone, office.catalog.country)
        return cards

    def count(self) -> int:
        """How many there are."""
        return self.reading.count(self.stage_id)

    def find(self, row_id: Hashable) -> int | None:
        """Where a lead is in the column."""
        from leadtui.services import board

        if not isinstance(row_id, int):
            return None
        return board.position(self.reading.office, self.reading.where, self.stage_id, row_id)


@dataclass(frozen=True, slots=True)
class BoardView:
    """What is remembered: filter, pipeline, columns turned round (folded, or not), the place, filters used before."""

    where: str = ""
    pipeline: str = ""
    turned: tuple[int, ...] = ()
    stage_id: int | None = None
    cursor_id: int | None = None
    history: tuple[str, ...] = ()

    def as_preference(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def view_from(value: object, pipelines: Sequence[str], hidden: frozenset[str]) -> BoardView:
    """The remembered view; what cannot be used any more (a filter no longer read, a pipeline gone) is left out."""
    found: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    where, pipeline = found.get("where"), found.get("pipeline")
    turned, history = found.get("turned"), found.get("history")
    stage, cursor = found.get("stage_id"), found.get("cursor_id")
    return BoardView(
        where if isinstance(where, str) and readable(where, hidden) else "",
        next((key for key in pipelines if key == pipeline), pipelines[0]),
        tuple(one for one in turned if isinstance(one, int)) if isinstance(turned, (list, tuple)) else (),
        stage if isinstance(stage, int) else None,
        cursor if isinstance(cursor, int) else None,
        tuple(one for one in history if isinstance(one, str))[:50] if isinstance(history, (list, tuple)) else (),
    )


def read_opening(office: Any) -> tuple[BoardView, FilterWords]:
    """What the person left last time, and the words of the filter line."""
    from leadtui.services import admin

    catalog = office.catalog
    first = catalog.default_pipeline.key
    keys = [first, *(one.key for one in catalog.pipelines if one.key != first)]
    view = view_from(admin.preference(office, PREFERENCE), keys, office.actor.hidden_fields)
    return view, filter_words(office)


def remember(office: Any, view: BoardView) -> None:
    """Keep the view for the next visit."""
    from leadtui.services import admin

    admin.set_preference(office, PREFERENCE, view.as_preference())


def column_filter(where: str, stage: Stage, catalog: Catalog) -> str:
    """The filter that finds exactly the cards of a column."""
    return both(where, Names(catalog).statuses(stage.name, {stage.id}))


def read_row(office: Any, lead_id: int) -> LeadRow | None:
    """A lead as it is now, when it is there and in scope."""
    from leadtui.services import leads

    rows: tuple[LeadRow, ...] = leads.rows(office, [lead_id])
    return rows[0] if rows else None
