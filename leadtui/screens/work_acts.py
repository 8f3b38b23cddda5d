"""What work mode writes: outcomes saved behind the screen, brought back when that fails, and taken back again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from leadtui import clock
from leadtui.domain.records import Done
from leadtui.errors import LeadtuiError
from leadtui.screens.lead_commands import LeadCommands
from leadtui.screens.work_ask import Ask
from leadtui.screens.work_rows import Tally, done_words

if TYPE_CHECKING:
    from leadtui.services.work_queue import Card, Queue


@dataclass(frozen=True, slots=True)
class Typed:
    """What was chosen and typed for a lead and is not yet written."""

    number: int = 0
    when: str = ""
    reason: str = ""
    note: str = ""


@dataclass(eq=False)
class Act:
    """An outcome on its way to the database, or there: then it has a batch."""

    card: Card
    typed: Typed
    keys: int
    batch: int | None = None
    undo_wanted: bool = False


@dataclass(eq=False)
class Turn:
    """A lead before the person, with what was typed for it and why it came back."""

    card: Card
    typed: Typed = field(default_factory=Typed)
    problem: str = ""


class WorkActs(LeadCommands):
    """The state of work mode and its writing. The screen shows it."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self.queue = queue
        self.turn: Turn | None = None
        self.waiting: deque[Turn] = deque()
        """Those that come next: given back by a failure or an undo, then the one read ahead."""
        self.passed: list[int] = []
        """Leads that had their turn."""
        self.acts: list[Act] = []
        self.saving = 0
        self.tally = Tally(clock.now())
        self.total: int | None = None
        self.keys = 0
        self.is_at_end = self.is_over = False
        self._reading = False
        self._shown_at = clock.now()

    def advance(self) -> None:
        """The next lead."""
        raise NotImplementedError

    def draw(self) -> None:
        """The lead before us, anew."""
        raise NotImplementedError

    # Saving

    def save(self, turn: Turn) -> None:
        """Write it behind; the next lead is shown at once."""
        office, typed, card = self.office, turn.typed, turn.card
        item = card.offers[typed.number - 1].item
        act = Act(card, typed, self.keys)
        self.acts.append(act)
        self.passed.append(card.lead_id)
        self.saving += 1
        self.tally.count(item.name, self.keys, clock.now())

        def write() -> Done:
            from leadtui.services import quick_log

            return quick_log.apply(
                office, card.lead_id, item.id, when=typed.when or None, reason=typed.reason or None,
                note=typed.note or None,
            )  # fmt: skip

        self.run_blocking(
            write, then=partial(self._saved, act), failed=partial(self._not_saved, act), title=f"Saving {item.name}"
        )
        self.advance()

    def _saved(self, act: Act, done: Done) -> None:
        self.saving -= 1
        act.batch = done.batch
        if act.undo_wanted:
            self._take_back(act)
            return
        name = act.card.offers[act.typed.number - 1].item.name
        self.done(done_words(name, done, self.office.catalog, self.office.actor.user_id), undo=True)
        if self.is_over:
            self.draw()

    def _not_saved(self, act: Act, error: Exception) -> None:
        """The lead comes back with what was typed; not into a sentence that is being typed for another."""
        self.saving -= 1
        self._forget(act)
        words = error.message if isinstance(error, LeadtuiError) else "it could not be written; the log says why"
        if isinstance(error, LeadtuiError) and error.hint:
            words = f"{words} ({error.hint})"
        back = Turn(act.card, replace(act.typed, number=0), f"Not saved: {words}")
        if act.undo_wanted:
            back = Turn(act.card)
        asking = self.query_one(Ask)
        if asking.is_open and self.turn is not None:
            self.waiting.appendleft(back)
            self.app.notify(f"{act.card.detail.row.title}: not saved, comes next. {words}", severity="warning")
            return
        self.bring(back)
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)

    def bring(self, turn: Turn) -> None:
        """Show this lead now; the one before us comes after it."""
        self.query_one(Ask).close()
        if self.turn is not None:
            self.waiting.appendleft(self.turn)
        self.waiting.appendleft(turn)
        self.is_over = False
        self.advance()

    def _forget(self, act: Act) -> None:
        """The outcome is not, or no more, in the database."""
        self.acts.remove(act)
        if act.card.lead_id in self.passed:
            self.passed.remove(act.card.lead_id)
        self.tally.uncount(act.card.offers[act.typed.number - 1].item.name, act.keys)

    # Undo

    def do_undo(self) -> None:
        """Take back the outcome logged last, and go back to its lead."""
        act = next((one for one in reversed(self.acts) if not one.undo_wanted), None)
        if act is None:
            self.done("Nothing was logged here yet")
        elif act.batch is None:  # still being written
            act.undo_wanted = True
            self.done("It is taken back as soon as it is written")
        else:
            act.undo_wanted = True
            self._take_back(act)

    def _take_back(self, act: Act) -> None:
        office = self.office

        def undo() -> Card:
            from leadtui.services import history, work_queue

            history.undo(office, act.batch)
            return work_queue.card(office, act.card.lead_id)

        self.run_blocking(
            undo, then=partial(self._taken_back, act), failed=partial(self._stays, act), title="Taking it back"
        )

    def _taken_back(self, act: Act, card: Card) -> None:
        name = act.card.offers[act.typed.number - 1].item.name
        self._forget(act)
        self.bring(Turn(card))
        self.done(f"Taken back: {name}")

    def _stays(self, act: Act, error: Exception) -> None:
        act.undo_wanted = False
        self.lead_app.report(error)

    def keep_typed(self, turn: Turn) -> None:
        office, typed, card = self.office, turn.typed, turn.card

        def write() -> None:
            from leadtui.services import activities

            if typed.note:
                activities.log(office, card.lead_id, activities.LogEntry("note", details=typed.note))
            if typed.when and card.due is not None:
                activities.reschedule(office, card.due.id, typed.when)
            elif typed.when:
                activities.add_follow_up(office, card.lead_id, typed.when)

        self.saving += 1

        def failed(error: Exception) -> None:
            self.saving -= 1
            self.lead_app.report(error)

        def kept(_nothing: None) -> None:
            self.saving -= 1
            self.done(f"{card.detail.row.title}: what was typed is kept", undo=True)

        self.run_blocking(write, then=kept, failed=failed, title="Saving a note")
