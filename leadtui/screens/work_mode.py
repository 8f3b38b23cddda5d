"""Work mode: one lead after another, one key for each outcome; saving goes on behind while the next lead is shown."""

from __future__ import annotations

from dataclasses import replace
from functools import partialmethod
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.events import Key

from leadtui import clock
from leadtui.commands import Command
from leadtui.domain.records import LeadRow
from leadtui.screens.lead_commands import LeadCommands
from leadtui.screens.work_acts import Turn, WorkActs
from leadtui.screens.work_ask import Ask
from leadtui.screens.work_rows import CardRows, summary
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import stack

if TYPE_CHECKING:
    from leadtui.services.work_queue import Card

TICK_S, TICK_S_SLOW = 1.0, 10.0
"""How often the seconds of the title are drawn."""


def open_work_mode(screen: LeadCommands, *, where: str | None = None, whose: str = "mine") -> None:
    """Work through somebody's day, or (`where`) through what a filter finds; "" are all leads."""

    def load() -> Any:
        from leadtui.services.work_queue import Queue  # in a thread: the screen must not wait for the import

        return Queue(where, whose)

    screen.run_blocking(load, then=lambda queue: screen.app.push_screen(WorkMode(queue)), group="work")


class WorkMode(WorkActs):
    """The screen. Answers nothing; the leads that were changed are told to all screens at the end."""

    SCOPE = "work"
    HEADING = "Work"
    AUTO_FOCUS = ""  # letters are commands until something is asked
    HINTS: ClassVar[tuple[str, ...]] = (
        "work.note", "work.when", "work.skip", "leads.convert", "app.undo", "app.back",
    )  # fmt: skip

    def body(self) -> ComposeResult:
        """The lead with the outcomes, and below a line for what is asked."""
        yield Sheet(cursor=False, id="card")
        yield Ask()

    # Reading

    def office_ready(self) -> None:
        """The first lead, and how many there are."""
        self.set_interval(TICK_S_SLOW if self.lead_app.slow else TICK_S, self._title)
        self._read_ahead()
        office, queue = self.office, self.queue

        def count() -> int:
            from leadtui.services import work_queue

            return work_queue.count(office, queue)

        self.run_blocking(count, then=self._counted, failed=lambda error: None, group="work.count")

    def _counted(self, total: int) -> None:
        self.total = total
        self._title()

    def _known(self) -> list[int]:
        here = [self.turn] if self.turn is not None else []
        return [turn.card.lead_id for turn in (*here, *self.waiting)]

    def _read_ahead(self) -> None:
        """One lead more than is shown is always at hand."""
        if self._reading or self.is_at_end or self.is_over or self.waiting:
            return
        self._reading = True
        office, queue, keep = self.office, self.queue, self._known()
        after = [*self.passed, *keep]

        def read() -> Card | None:
            from leadtui.services import work_queue

            return work_queue.next(office, queue, after=after, keep=keep)

        self.run_blocking(read, then=self._came, failed=self._unreadable)

    def _came(self, card: Card | None) -> None:
        self._reading = False
        if card is None:
            self.is_at_end = True
        elif card.lead_id not in (*self.passed, *self._known()):
            self.waiting.append(Turn(card))
        if self.turn is None:
            self.advance()
        else:
            self._title()

    def _unreadable(self, error: Exception) -> None:
        self._reading, self.is_at_end = False, True
        self.lead_app.report(error)
        if self.turn is None:
            self.advance()

    # One lead after another

    def advance(self) -> None:
        """The next lead, at once when it is at hand; at the end what was done."""
        self.turn = self.waiting.popleft() if self.waiting else None
        self.keys = 0
        self._shown_at = clock.now()
        if self.turn is None and self.is_at_end:
            self._finish()
            return
        self.draw()
        self._read_ahead()

    def _finish(self) -> None:
        self.is_over = True
        self.query_one(Ask).close()
        self.draw()

    def draw(self) -> None:
        sheet, turn = self.query_one(Sheet), self.turn
        if self.is_over:
            lines = summary(self.tally, self.total, self.saving, self.is_at_end)
            sheet.show(lambda width: stack(lines, width), keep_place=False)
        elif turn is None:
            sheet.show(lambda width: [], keep_place=False)
        else:
            rows = CardRows(turn.card, self.office.catalog, self.office.actor, self.lead_app.plain)
            typed, problem = turn.typed, turn.problem
            sheet.show(lambda width: rows.sheet(width, typed.when, typed.note, problem), keep_place=False)
        self._title()
        self.lead_app.refresh_hints()

    def _title(self) -> None:
        spent = int((clock.now() - self._shown_at).total_seconds())
        here = len(self.passed) + (self.turn is not None)
        of = "" if self.total is None else f" of {max(self.total, here):,}"
        left = f"Work - {self.queue.where}" if self.queue.where else "Work"
        place = f"lead {here:,}{of}" if not self.is_over else "done"
        keys = f"   {self.tally.keys_each:.1f} keys each" if self.tally.logged else ""
        time = "" if self.is_over else f"   {spent // 60:02}:{spent % 60:02}"
        self.heading(left if self.lead_app.plain else left.replace(" - ", " ─ ", 1), f"{place}{time}{keys}")

    # Outcomes

    def on_key(self, event: Key) -> None:
        """Every key is counted that did not go into the line."""
        if self.focused is None or not event.is_printable:
            self.keys += 1

    @on(Ask.Typed)
    def typing(self) -> None:
        """Those that did, too."""
        self.keys += 1

    def _outcome(self, number: int) -> None:
        turn = self.turn
        if turn is None or self.is_over or number > len(turn.card.offers):
            return
        item = turn.card.offers[number - 1].item
        turn.typed = typed = replace(turn.typed, number=number)
        wanted = item.ask
        if wanted == "when" and not typed.when:
            self._ask("when", f"{item.name}: when?", turn.card.suggested, empty=False)
        elif wanted == "reason":
            self._ask("reason", f"{item.name}: why?", typed.reason, empty=False)
        elif wanted == "note" and not typed.note:
            self._ask("note", f"{item.name}: note? (may stay empty)", typed.note)
        else:
            self.save(turn)

    do_outcome_1 = partialmethod(_outcome, 1)
    do_outcome_2 = partialmethod(_outcome, 2)
    do_outcome_3 = partialmethod(_outcome, 3)
    do_outcome_4 = partialmethod(_outcome, 4)
    do_outcome_5 = partialmethod(_outcome, 5)
    do_outcome_6 = partialmethod(_outcome, 6)
    do_outcome_7 = partialmethod(_outcome, 7)
    do_outcome_8 = partialmethod(_outcome, 8)
    do_outcome_9 = partialmethod(_outcome, 9)

    def _ask(self, what: str, words: str, value: str, *, empty: bool = True) -> None:
        reasons = [one.name for one in self.office.catalog.lost_reasons] if what == "reason" else []
        self.query_one(Ask).open(what, words, value, self.office.catalog, reasons, empty=empty)

    @on(Ask.Answered)
    def answered(self, event: Ask.Answered) -> None:
        """Enter in the line: with an outcome chosen it is written, without one it waits for the outcome."""
        turn = self.turn
        if turn is None:
            return
        match event.what:
            case "when":
                turn.typed = replace(turn.typed, when=event.value)
            case "reason":
                turn.typed = replace(turn.typed, reason=event.value)
            case _:
                turn.typed = replace(turn.typed, note=event.value)
        if turn.typed.number:
            self.save(turn)
        else:
            self.draw()

    # Other keys

    def do_note(self) -> None:
        """A note to go with the outcome."""
        if self.turn is not None:
            self.turn.typed = replace(self.turn.typed, number=0)
            self._ask("note", "Note, goes with the outcome:", self.turn.typed.note)

    def do_when(self) -> None:
        """Another time for the next contact."""
        if self.turn is not None:
            self.turn.typed = replace(self.turn.typed, number=0)
            self._ask("when", "Next contact, instead of the rule's:", self.turn.typed.when)

    def do_skip(self) -> None:
        """The next lead. What was typed for this one is not thrown away: it stays with a note of its own."""
        turn = self.turn
        if turn is None:
            return
        self.passed.append(turn.card.lead_id)
        self.tally.skipped += 1
        if turn.typed.note or turn.typed.when:
            self.keep_typed(turn)
        self.advance()

    def do_open(self) -> None:
        """All about the lead; at the end, back to where work began."""
        if self.is_over:
            self.do_close()
        elif self.turn is not None:
            from leadtui.screens.lead_detail import LeadDetailScreen

            self.app.push_screen(LeadDetailScreen(self.turn.card.lead_id), lambda _: self._read_again())

    def acted(self, result: object) -> None:
        """The lead was converted: it has had its turn."""
        if self.turn is not None:
            self.passed.append(self.turn.card.lead_id)
            self.tally.converted += 1
            self.advance()

    def _read_again(self) -> None:
        turn, office = self.turn, self.office
        if turn is None:
            return

        def read() -> Card:
            from leadtui.services import work_queue

            return work_queue.card(office, turn.card.lead_id)

        def came(card: Card) -> None:
            turn.card = card
            if self.turn is turn:
                self.draw()

        self.run_blocking(read, then=came, group="work.again")

    # What the commands need

    def commands(self) -> tuple[Command, ...]:
        """The digits are the outcomes there are, not the main screens."""
        count = len(self.turn.card.offers) if self.turn is not None else 0
        missing = {f"work.outcome_{number}" for number in range(count + 1, 10)}
        return tuple(
            one for one in super().commands() if one.id not in missing and not one.action.startswith("app.go_to")
        )

    def lead(self) -> LeadRow | None:
        """The lead before us."""
        return self.turn.card.detail.row if self.turn is not None else None

    def why_disabled(self, command: Command) -> str | None:
        """What there is no lead or no outcome for."""
        if command.id.startswith("work.outcome_"):
            count = len(self.turn.card.offers) if self.turn is not None else 0
            return None if int(command.id[-1]) <= count else f"there is no outcome {command.id[-1]} here"
        if command.id == "app.undo":
            return None if self.acts else "nothing was logged here yet"
        if command.id.startswith("work.") and self.turn is None and not (self.is_over and command.id == "work.open"):
            return "there is no lead here"
        return super().why_disabled(command)

    def unsaved(self) -> str | None:
        """What is still being written."""
        return "The last outcome is still being written. Leave all the same?" if self.saving else None

    def copy_text(self) -> str:
        """`y`: number, name and phone."""
        row = self.lead()
        return "" if row is None else "  ".join(one for one in (row.number, row.name, row.phone) if one)

    def do_back(self) -> None:
        """esc: out of the line; then what was done; then back."""
        if self.query_one(Ask).is_open:
            self.query_one(Ask).close()
            if self.turn is not None:
                self.turn.typed = replace(self.turn.typed, number=0)
        elif not self.is_over and (self.tally.logged or self.tally.skipped or self.saving):
            if self.turn is not None:
                self.waiting.appendleft(self.turn)
                self.turn = None
            self._finish()
        else:
            self.do_close()

    def dismiss(self, result: Any = None) -> Any:
        """Give the leads back and tell the other screens what was changed."""
        office: Any = self.office

        def give_back() -> None:
            from leadtui.services import work_queue

            work_queue.release(office)

        if office is not None:
            self.lead_app.background.start(self.lead_app, give_back, failed=lambda error: None)
        self.changed(self.passed)
        return super().dismiss(result)
