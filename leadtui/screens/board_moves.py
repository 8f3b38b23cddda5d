"""Moving cards of the board to the status beside, one or the marked ones, by the same services as everywhere."""

from __future__ import annotations

from typing import Any

from leadtui.domain.catalog import Stage
from leadtui.domain.records import BulkResult, Done
from leadtui.domain.stages import needs_reason
from leadtui.errors import LeadtuiError
from leadtui.screens.board_cards import neighbour
from leadtui.screens.lead_commands import Target
from leadtui.screens.lead_filter import FilteredLeads


class BoardMoves(FilteredLeads):
    """`<` and `>`. Subclasses say what is on the board, and where the cursor goes."""

    def __init__(self) -> None:
        super().__init__()
        self._moving = False
        self._steps: list[int] = []
        """Steps asked for while one was under way: `>` twice is two statuses on."""
        self._followed: int | None = None

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

    def do_forward(self) -> None:
        """To the status on the right."""
        self._shift(1)

    def do_backward(self) -> None:
        """To the status on the left."""
        self._shift(-1)

    def _shift(self, step: int) -> None:
        if self._moving:
            self._steps.append(step)
            return
        stage, target = self.stage(), self.target()
        if stage is None or target.count == 0:
            return
        to = neighbour(self.stages(), stage.id, step)
        if to is None:
            self.done(f"No status stands {'right' if step > 0 else 'left'} of {stage.name}")
        elif to.is_converted:
            self.app.call_later(self.lead_app.run_command, "leads.convert")
        elif to.is_lost:
            self._lose(target, to)
        elif stage.is_lost or needs_reason(self.office.catalog.pipeline_by_id[stage.pipeline_id], stage, to):
            self.open_dialog("status_dialog", "StatusDialog", target.ids, target.where, to.id)
        elif target.where is None and len(target.ids) == 1:
            self._move(target.ids[0], to)
        else:
            self._move_many(target, to)

    def _lose(self, target: Target, to: Stage) -> None:
        """With the reason, by its dialog; who may not is told why."""
        if (reason := self.lead_app.disabled_reason("leads.lose")) is not None:
            self.lead_app.notify(reason, severity="warning")
            return
        self.open_dialog("lose_dialog", "LoseDialog", target.ids, target.where, to.name)

    def _move(self, lead_id: int, to: Stage) -> None:
        """One card. The version read with it goes along: who moved it meanwhile is not moved over."""
        office, row = self.office, self.lead()
        known = row if row is not None and row.id == lead_id else None
        self._moving = True

        def move() -> Done:
            from leadtui.services import lifecycle

            version = None if known is None else known.version
            done: Done = lifecycle.set_status(office, lead_id, to.name, version=version)
            return done

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
        """The card that was moved is under the cursor again: a step asked for meanwhile is taken now."""
        row = self.lead()
        if self._steps and not self._moving and row is not None and row.id == self._followed:
            self._shift(self._steps.pop(0))

    def acted(self, result: Any) -> None:
        """A dialog did something: marks have served; the cursor follows the one lead it was done with."""
        ids: tuple[int, ...] = getattr(result, "ids", ())
        self.unmark()
        if len(ids) == 1:
            self.follow(ids[0])
