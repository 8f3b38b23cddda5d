"""The pipeline board: statuses as columns with their sums, leads as cards that a key moves on."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.timer import Timer

from leadtui.domain.catalog import Pipeline, Stage
from leadtui.domain.records import LeadRow
from leadtui.screens.board_cards import BoardCells, is_folded
from leadtui.screens.board_moves import BoardMoves
from leadtui.screens.board_pages import (
    BoardReading,
    BoardView,
    CardPages,
    column_filter,
    read_opening,
    read_row,
    remember,
)
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.lead_commands import Target
from leadtui.screens.lead_pages import FilterWords, all_but
from leadtui.widgets.board import Board
from leadtui.widgets.card_column import Lane
from leadtui.widgets.filter_bar import FilterBar
from leadtui.widgets.pages import Marks, PageProvider

if TYPE_CHECKING:
    from leadtui.app import LeadApp
    from leadtui.services import board as service

SAVE_SECONDS = 1.0
"""How long after a change of the view it is kept for the next visit."""


class BoardScreen(BoardMoves):
    """One pipeline as a board."""

    SCOPE = "board"
    HEADING = "Board"
    HINTS: ClassVar[tuple[str, ...]] = (
        "board.open", "board.forward", "board.backward", "leads.log", "leads.status", "leads.search",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.view = BoardView()
        self.cells: BoardCells | None = None
        self.found: service.Board | None = None
        """The sums as they were read last."""
        self._asked: str | None = None
        self._told = ""
        self._kept = BoardView()
        self._save_timer: Timer | None = None
        self.watch_changes = ChangeWatch(self, lambda: self.leads_changed(frozenset()))

    def body(self) -> ComposeResult:
        """Filter line (while it is used), then the columns."""
        yield FilterBar(self._parse, self._complete)
        yield Board(lambda card: self.cells(card) if self.cells is not None else (), id="board")

    @property
    def board(self) -> Board[service.Card]:
        """The columns."""
        return self.query_one("#board", Board)

    def on_mount(self) -> None:
        """The board takes the keys; changes made by others are looked for while this screen is in front."""
        self.board.focus()
        self.watch_changes.start()

    def on_unmount(self) -> None:
        """Remember the place."""
        self._remember()

    def on_resize(self, event: events.Resize) -> None:
        """Where there is height, cards have a blank line between them."""
        self.board.set_card_height(4 if event.size.height >= 30 else 3)

    # Opening

    def office_ready(self) -> None:
        """Read what was remembered, then the board."""
        self.run_blocking(read_opening, self.office, then=self._opened, group="board.open")

    def _opened(self, opened: tuple[BoardView, FilterWords]) -> None:
        self.view, self.words = opened
        self._kept = self.view
        if self._asked is not None:
            self.view = replace(self.view, where=self._asked)
        self.cells = BoardCells(self.office.catalog, self.lead_app.plain)
        self.bar.history = list(self.view.history)
        self._show()
        if self.view.stage_id is not None:
            self.board.aim(self.view.stage_id, self.view.cursor_id)
            self._read()

    def ask(self, where: str) -> None:
        """Show what this filter finds: it comes from another screen."""
        if self.cells is None:
            self._asked = where
        else:
            self.apply(where)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that is shown."""
        pipeline: Pipeline = self.office.catalog.find_pipeline(self.view.pipeline)
        return pipeline

    def stages(self) -> list[Stage]:
        """The statuses that have a column, in their order on the screen."""
        if self.found is not None and self.found.pipeline.id == self.pipeline.id:
            return [one.stage for one in self.found.columns]
        found: list[Stage] = [stage for stage in self.office.catalog.stages_of(self.pipeline.id) if stage.is_active]
        return sorted(found, key=lambda stage: (stage.is_lost, stage.is_parked, stage.is_converted))

    def _lanes(self) -> list[Lane]:
        cells = self.cells
        assert cells is not None  # noqa: S101 - made before anything is shown
        sums = {one.stage.id: one for one in self.found.columns} if self.found is not None else {}
        turned = self.view.turned
        return [cells.lane(stage, sums.get(stage.id), folded=is_folded(stage, turned)) for stage in self.stages()]

    def _show(self) -> None:
        """Another filter or pipeline: the sums are not known yet."""
        self.found = None
        self._read()

    def _read(self) -> None:
        """Read sums and what is seen of the cards."""
        reading = BoardReading(self.office, self.view.where, self.view.pipeline)
        self._told = ""
        self._show_columns(reading)
        self._title()

        def summed(found: service.Board) -> None:
            before = [stage.id for stage in self.stages()]
            self.found = found
            if before == [stage.id for stage in self.stages()]:
                self.board.update_lanes(self._lanes())
            else:
                self._show_columns(reading)
            self._title()

        self.run_blocking(reading.board, then=summed, failed=self._not_read, group="board.sums")

    def _show_columns(self, reading: BoardReading) -> None:
        pages: dict[Hashable, PageProvider[service.Card]] = {
            stage.id: CardPages(reading, stage.id) for stage in self.stages()
        }
        self.board.show(self._lanes(), pages)

    def _title(self) -> None:
        dash = "-" if self.lead_app.plain else "─"
        left = " ".join(filter(None, (f"Board {dash} {self.pipeline.name}", dash if self.where else "", self.where)))
        marked = f"{self.board.marked_count:,} marked, " if self.board.marks else ""
        totals = self.cells.totals(self.found) if self.cells is not None and self.found is not None else "…"
        self.heading(left, marked + totals)

    # Filter and pipeline

    @property
    def where(self) -> str:
        """The present filter."""
        return self.view.where

    def apply(self, where: str) -> None:
        """Show what a filter finds. The cursor stays on its card when it is there."""
        where = where.strip()
        if where == self.view.where:
            return
        self.view = replace(self.view, where=where)
        if self.board.marks.all:  # "all" would now mean others
            self.unmark()
        self._show()
        self._remember_soon()

    def filters_used(self, history: tuple[str, ...]) -> None:
        """A filter was entered."""
        self.view = replace(self.view, history=history)
        self._remember_soon()

    def shown_list(self) -> Board[service.Card]:
        """The board takes the keys."""
        return self.board

    def do_pipeline(self) -> None:
        """Another pipeline, where there are several."""
        from leadtui.screens.picker import Choice, Picker

        pipelines = [one for one in self.office.catalog.pipelines if one.is_active]
        if len(pipelines) < 2:
            self.done(f"There is one pipeline: {self.pipeline.name}")
            return

        def chosen(key: Any) -> None:
            if isinstance(key, str) and key != self.view.pipeline:
                self.view = replace(self.view, pipeline=key, stage_id=None, cursor_id=None)
                self.unmark()
                self._show()
                self._remember_soon()

        self.app.push_screen(Picker("Which pipeline?", [Choice(one.key, one.name) for one in pipelines]), chosen)

    def do_board(self) -> None:
        """This is it."""

    # The cursor

    def do_open(self) -> None:
        """The lead in full; on a folded column: unfold it."""
        column = self.board.column
        if column is not None and column.lane.folded:
            self.do_fold()
            return
        row, stage = self.lead(), self.stage()
        if row is None or stage is None:
            return
        from leadtui.screens.lead_detail import LeadDetailScreen

        where = column_filter(self.where, stage, self.office.catalog)
        self.app.push_screen(LeadDetailScreen(row.id, where, "next_follow_up"), self._returned)

    def _returned(self, lead_id: int | None) -> None:
        """Back from a lead: the cursor goes to the one shown last."""
        if lead_id is not None:
            self.follow(lead_id)

    def do_fold(self) -> None:
        """Fold or unfold the column."""
        stage = self.stage()
        if stage is not None:
            turned = {*self.view.turned} ^ {stage.id}
            self.view = replace(self.view, turned=tuple(sorted(turned)))
            self.board.update_lanes(self._lanes())
            self._remember_soon()
            self.lead_app.refresh_hints()

    def do_work(self) -> None:
        """What the column holds (the marked ones, when there are any), one lead after another."""
        from leadtui.screens.work_mode import open_work_mode

        target, stage = self.target(), self.stage()
        where = target.where if target.where is not None else "id:" + ",".join(str(one) for one in target.ids)
        if not self.board.marks and stage is not None:
            where = column_filter(self.where, stage, self.office.catalog)
        open_work_mode(self, where=where)

    # What the commands need

    def stage(self) -> Stage | None:
        """The status of the column with the cursor."""
        column = self.board.column
        return None if column is None else self.office.catalog.stage_by_id.get(column.lane.key)

    def lead(self) -> LeadRow | None:
        """The lead under the cursor."""
        return None if self.board.card is None else self.board.card.lead

    def target(self) -> Target:
        """The marked leads, else the one under the cursor."""
        marks = self.board.marks
        ids = tuple(sorted(one for one in marks.ids if isinstance(one, int)))
        if marks.all:
            stage = self.office.catalog.stage_by_id[self.board.marked_in]
            where = all_but(column_filter(self.where, stage, self.office.catalog), ids)
            return Target((), where, self.board.marked_count)
        return Target(ids, None, len(ids)) if ids else super().target()

    def unmark(self) -> None:
        """Take the marks away."""
        if self.board.marks:
            self.board.set_marks(Marks())

    @property
    def marked_count(self) -> int:
        """How many cards are marked."""
        return self.board.marked_count if self.board.marks else 0

    def copy_text(self) -> str:
        """`y`: the card as it is shown, tabs between."""
        if self.board.card is None or self.cells is None:
            return ""
        cells = [cell for line in self.cells(self.board.card) for cell in line]
        return "\t".join(cell[0] if isinstance(cell, tuple) else cell for cell in cells)

    # What happens

    @on(Board.Highlighted)
    def highlighted(self) -> None:
        """Another card under the cursor."""
        self.watch_changes.touched()
        card, stage = self.board.card, self.stage()
        self.view = replace(
            self.view, stage_id=None if stage is None else stage.id, cursor_id=None if card is None else card.id
        )
        self._remember_soon()
        self.lead_app.refresh_hints()
        self.go_on()

    @on(Board.MarksChanged)
    def marks_changed(self) -> None:
        """Commands are now for the marked ones."""
        self._title()
        self.lead_app.refresh_hints()

    @on(Board.Opened)
    def opened(self) -> None:
        """A second click."""
        self.do_open()

    @on(Board.FoldWanted)
    def fold_wanted(self) -> None:
        """A click on a folded column."""
        self.do_fold()

    @on(Board.Failed)
    def reading_failed(self, event: Board.Failed) -> None:
        """What was good stays; the reason is said."""
        if isinstance(event.card, Exception):
            self._not_read(event.card)

    def _not_read(self, error: Exception) -> None:
        """The sums and several columns fail of one cause: it is told once."""
        if self._told != str(error):
            self._told = str(error)
            self.lead_app.report(error)

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Leads were changed, came or went: what is seen is read again, cursor and marks stay on their leads."""
        if self.cells is None:
            return
        self.cells = BoardCells(self.office.catalog, self.lead_app.plain)
        self._read()

    def on_screen_resume(self) -> None:
        """In front again."""
        if self.cells is not None:
            self.watch_changes.look(at_once=True)

    def follow(self, lead_id: int) -> None:
        """The cursor goes to a lead wherever it is on the board now; it stays when it is nowhere or folded away."""

        def found(row: LeadRow | None) -> None:
            if row is not None:
                self.aim(row.id, row.stage_id)
                self._read()

        self.run_blocking(read_row, self.office, lead_id, then=found, group="board.follow")

    def aim(self, lead_id: int, stage_id: int) -> None:
        """What is read next has the cursor on this card in this column, unless that is folded."""
        stage = self.office.catalog.stage_by_id[stage_id]
        if stage in self.stages() and not is_folded(stage, self.view.turned):
            self.board.aim(stage_id, lead_id)

    # Remembering

    def _remember_soon(self) -> None:
        if self._save_timer is not None:
            self._save_timer.stop()
        self._save_timer = self.set_timer(SAVE_SECONDS, self._remember)

    def _remember(self) -> None:
        """Keep filter, pipeline, folding and place for the next visit."""
        if self.cells is None or self.office is None or self.view == self._kept:
            return
        self._kept = view = self.view
        self.run_blocking(remember, self.office, view, failed=lambda error: None, group="board.view")


def open_board(app: LeadApp, where: str | None) -> None:
    """Go to the board; with a filter: to what that finds."""
    app.action_go_to("board")
    screen = app.screen_stack[0]
    if where is not None and isinstance(screen, BoardScreen):
        screen.ask(where)
