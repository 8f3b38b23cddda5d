"""Moving about the board, and moving cards to the status beside, by the same services as everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadtui.commands import Command
from leadtui.domain.catalog import Stage
from leadtui.domain.records import BulkResult, Done, LeadRow
from leadtui.domain.stages import needs_reason
from leadtui.errors import LeadtuiError
from leadtui.screens.board_cards import neighbour
from leadtui.screens.board_pages import read_row
from leadtui.screens.lead_commands import Target
from leadtui.screens.lead_filter import FilteredLeads
from leadtui.widgets.board import Board

if TYPE_CHECKING:
    from leadtui.services.board import Card


class BoardMoves(FilteredLeads):
    """The cursor, marks, `<` and `>`. Subclasses say what is on the board, and how the cursor follows a card."""

    def __init__(self) -> None:
        super().__init__()
        self._moving = False
        self._steps: list[int] = []
        """Steps asked for while one was under way: `>` twice is two statuses on."""
        self._followed: int | None = None

    @property
    def board(self) -> Board[Card]:
        """The columns."""
        raise NotImplementedError

    def stages(self) -> list[Stage]:
        """The statuses that have a column, in their order on the screen."""
        raise NotImplementedError

    def stage(self) -> Stage | None:
        """The status of the column with the cursor."""
        raise NotImplementedError

    def aim(self, lead_id: int, stage_id: int) -> None:
        """The cursor goes to a card."""
        raise NotImplementedError

    def follow(self, lead_id: int) -> None:
        """The cursor goes to a lead wherever it is now."""
        raise NotImplementedError

    def unmark(self) -> None:
        """Take the marks away."""
        raise NotImplementedError

    # The cursor and marks

    def do_down(self) -> None:
        """One card down."""
        self.board.move(1)

    def do_up(self) -> None:
        """One card up."""
        self.board.move(-1)

    def do_left(self) -> None:
        """One column to the left."""
        self.board.beside(-1)

    def do_right(self) -> None:
        """One column to the right."""
        self.board.beside(1)

    def do_page_down(self) -> None:
        """One screen down."""
        self.board.move_page(1)

    def do_page_up(self) -> None:
        """One screen up."""
        self.board.move_page(-1)

    def do_first(self) -> None:
        """The first card."""
        self.board.move_end(last=False)

    def do_last(self) -> None:
        """The last card."""
        self.board.move_end(last=True)

    def do_mark(self) -> None:
        """Mark the card."""
        if not self.board.toggle_mark():
            self.done("All cards of another column are marked; esc takes the marks away")

    def do_mark_all(self) -> None:
        """Mark the column."""
        self.board.toggle_all()

    # Moving cards

    def do_forward(self) -> None:
        """To the status on the right."""
        self._shift(1)

    def do_backward(self) -> None:
        """To the status on the left."""
        self._shift(-1)

    @property
    def _under_way(self) -> bool:
        """Whether a card is being moved, or the cursor has not got to it yet."""
        return self._moving or (self._followed is not None and self.lead() is None)

    def why_disabled(self, command: Command) -> str | None:
        """A step while another is under way waits for it."""
        if command.id in ("board.forward", "board.backward") and self._under_way:
            return None
        return super().why_disabled(command)

    def _shift(self, step: int) -> None:
        if self._under_way:
            self._steps.append(step)
            return
        stage, target = self.stage(), self.target()
        if stage is None or target.count == 0:
            return
        to = neighbour(self.stages(), stage.id, step)
        pipeline = self.office.catalog.pipeline_by_id[stage.pipeline_id]
        asks = to is not None and (stage.is_lost or needs_reason(pipeline, stage, to))
        if to is not None and not (asks or to.is_converted) and target.where is None and len(target.ids) == 1:
            self._move(target.ids[0], to)
            return
        self._steps.clear()
        if to is None:
            self.done(f"No status stands {'right' if step > 0 else 'left'} of {stage.name}")
        elif to.is_converted:
            self.app.call_later(self.lead_app.run_command, "leads.convert")
        elif to.is_lost:
            self._lose(target, to)
        elif asks:
            self.open_dialog("status_dialog", "StatusDialog", target.ids, target.where, to.id)
        else:
            self._move_many(target, to)

    def _lose(self, target: Target, to: Stage) -> None:
        """With the reason, by its dialog; who may not is told why."""
        if (reason := self.lead_app.disabled_reason("leads.lose")) is not None:
            self.lead_app.notify(reason, severity="warning")
            return
        self.open_dialog("lose_dialog", "LoseDialog", target.ids, target.where, to.name)

    def _move(self, lead_id: int, to: Stage) -> None:
        """One card, and the cursor with it."""
        office, row = self.office, self.lead()
        known = row if row is not None and row.id == lead_id else None
        self._moving = True
        self._followed = None

        def move() -> Done:
            return move_card(office, lead_id, to.name, known)

        def moved(done: Done) -> None:
            self._moving = False
            self._followed = lead_id
            for warning in done.warnings:
                self.lead_app.notify(warning, severity="warning")
            self.unmark()
            self.aim(lead_id, to.id)
            self.changed([lead_id])
            self.done(f"{done.lead.title} moved to {to.name}", undo=done.batch is not None)

        self.run_blocking(move, then=moved, failed=self._not_moved)

    def _not_moved(self, error: Exception) -> None:
        """The card stays; what somebody else changed is shown."""
        self._moving = False
        self._steps.clear()
        if isinstance(error, LeadtuiError) and error.code in ("edited_elsewhere", "not_found"):
            self.changed(())
            words = "Somebody changed this lead a moment ago: look again, then repeat"
            self.lead_app.notify(words, severity="warning")
            return
        self.lead_app.report(error)

    def _move_many(self, target: Target, to: Stage) -> None:
        """The marked ones, after a preview: one batch, one undo."""
        from leadtui.screens.bulk import BulkScreen

        def written(result: BulkResult | None) -> None:
            if result is None:
                return
            self.changed(target.ids)
            refused = f", {len(result.refused):,} refused" if result.refused else ""
            noun = "lead" if result.changed == 1 else "leads"
            self.done(f"{result.changed:,} {noun} moved to {to.name}{refused}", undo=result.batch is not None)
            self.unmark()

        screen = BulkScreen(target.ids, target.where, {"status": to.name, "reason": None}, f"moved to {to.name}")
        self.app.push_screen(screen, written)

    def go_on(self) -> None:
        """The cursor has got to a card: where it is the one that was moved, a step asked for meanwhile is taken now."""
        row = self.lead()
        if self._moving or self._followed is None or row is None:
            return
        arrived, self._followed = row.id == self._followed, None
        steps, self._steps = self._steps, []
        if arrived and steps:
            self._steps = steps[1:]
            self._shift(steps[0])

    def acted(self, result: Any) -> None:
        """A dialog did something: marks have served; the cursor follows the one lead it was done with."""
        ids: tuple[int, ...] = getattr(result, "ids", ())
        self.unmark()
        if len(ids) == 1:
            self.follow(ids[0])


def move_card(office: Any, lead_id: int, status: str, seen: LeadRow | None) -> Done:
    """Move a card that was seen in a column. Who moved it meanwhile is not moved over; any other change is no matter.

    Raises Refused (code `edited_elsewhere`) when it stands in another status by now, and what `set_status` raises.
    """
    from leadtui.services import lifecycle

    version = None if seen is None else seen.version
    try:
        done: Done = lifecycle.set_status(office, lead_id, status, version=version)
    except LeadtuiError as error:
        now = read_row(office, lead_id) if error.code == "edited_elsewhere" else None
        if now is None or seen is None or now.stage_id != seen.stage_id:
            raise
        done = lifecycle.set_status(office, lead_id, status, version=now.version)
    return done
