"""What can be done with leads from the list and from the detail screen: which are meant, what is refused, dialogs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from leadtui.commands import Command
from leadtui.domain.permissions import verb
from leadtui.domain.records import BulkResult, Done, LeadRow
from leadtui.screens.base import LeadScreen

_ONE_ONLY: Final = frozenset(
    f"leads.{name}" for name in ("edit", "documents", "promise", "booking", "message", "behavior", "journey")
)
_NO_LEAD: Final = frozenset({"leads.new", "leads.imports", "leads.exports", "leads.campaign"})
_MOVES: Final = frozenset({"leads.convert", "leads.status", "board.forward", "board.backward"})
_SCOPES: Final = {"own": "leads assigned to you", "team": "leads of your team", "branch": "leads of your branch"}


@dataclass(frozen=True, slots=True)
class Target:
    """The leads a command is for: some ids, or everything a filter finds."""

    ids: tuple[int, ...] = ()
    where: str | None = None
    count: int = 0


class LeadCommands(LeadScreen[Any]):
    """The commands on leads. Subclasses say which lead is in front and which are meant."""

    def lead(self) -> LeadRow | None:
        """The lead in front, when it is read."""
        return None

    def target(self) -> Target:
        """The leads a command is for."""
        row = self.lead()
        return Target((row.id,), None, 1) if row is not None else Target()

    def acted(self, result: object) -> None:
        """A dialog did something (its result is not None)."""

    # What cannot be done, and why

    def why_disabled(self, command: Command) -> str | None:
        """The rule that forbids the command on these leads, in words for a toast."""
        if command.permission is None or "app" in command.scope or command.id in _NO_LEAD or self.office is None:
            return None
        target = self.target()
        if target.count == 0:
            return "there is no lead here"
        if target.count > 1:
            if command.id in _ONE_ONLY:
                return f"{command.label}: one lead at a time; esc takes the marks away"
            return None if self.office.actor.may("bulk") else "your role may not " + verb("bulk", many=True)
        row = self.lead()
        if row is None or target.ids != (row.id,):
            return None
        return refusal(command, row, self.office.actor)

    # Commands

    def open_dialog(self, module: str, name: str, *arguments: Any) -> None:
        """Import the dialog now, not before, and show it."""
        screen = getattr(import_module(f"leadtui.screens.{module}"), name)(*arguments)
        self.app.push_screen(screen, lambda result: None if result is None else self.acted(result))

    def _act(self, module: str, name: str) -> None:
        target = self.target()
        self.open_dialog(module, name, target.ids, target.where)

    def do_new(self) -> None:
        """Add a lead."""
        self.open_dialog("lead_form", "LeadForm", None)

    def do_edit(self) -> None:
        """Edit the lead."""
        self.open_dialog("lead_form", "LeadForm", self.target().ids[0])

    def do_status(self) -> None:
        """Move to another status."""
        self._act("status_dialog", "StatusDialog")

    def do_assign(self) -> None:
        """Assign."""
        self._act("assign_dialog", "AssignDialog")

    def do_log(self) -> None:
        """Log a contact."""
        self._act("log_dialog", "LogDialog")

    def do_convert(self) -> None:
        """Make a customer of the lead; of several after a preview."""
        target = self.target()
        if target.count > 1:
            self.open_dialog("convert", "ConvertMany", target.ids, target.where)
        else:
            self.open_dialog("convert", "ConvertWizard", target.ids[0])

    def do_lose(self) -> None:
        """Mark as lost; a lost or converted lead is opened again."""
        row = self.lead()
        if row is not None and (row.is_lost or row.is_converted) and self.target().ids == (row.id,):
            self._act("reopen_dialog", "ReopenDialog")
        else:
            self._act("lose_dialog", "LoseDialog")

    def do_tag(self) -> None:
        """Add and take away tags."""
        self._act("tag_dialog", "TagDialog")

    def do_follow_up(self) -> None:
        """Set when to make contact next."""
        self._act("follow_up_dialog", "FollowUpDialog")

    def do_promise(self) -> None:
        """Note, clear or call off a promise to clear a loan."""
        self.open_dialog("loan_dialogs", "LoanDialog", self.target().ids)

    def do_message(self) -> None:
        """Write to the lead. This is no act on the list: marks stay, and work mode stays with the lead."""
        from leadtui.screens.message_dialog import MessageDialog

        self.app.push_screen(MessageDialog(self.target().ids))

    def do_enroll(self) -> None:
        """Put into a drip."""
        self._act("enroll_dialog", "EnrollDialog")

    def do_interest(self) -> None:
        """Choose what the lead wants."""
        self._act("interest_dialog", "InterestDialog")

    def do_protect(self) -> None:
        """Protect, or lift the protection."""
        self._act("protect_dialog", "ProtectDialog")

    def do_delete(self) -> None:
        """Delete."""
        self._act("delete_dialog", "DeleteDialog")

    def do_booking(self) -> None:
        """Note a booking of the lead."""
        from leadtui.screens.booking_dialog import booking_form

        row = self.lead()
        if row is None:
            return

        def noted(result: Any) -> None:
            if result is not None:
                self.changed([row.id])
                self.done(f"{row.title}: booking {result.intake.ref}", undo=result.batch is not None)
                self.acted(result)

        self.app.push_screen(booking_form(self.office, row), noted)

    def do_behavior(self) -> None:
        """Note what the lead did elsewhere."""
        from leadtui.screens.behavior_dialog import behavior_form

        row = self.lead()
        if row is None:
            return

        def noted(result: Any) -> None:
            if result is not None:
                self.changed([row.id])
                self.done(f"{row.title}: {result.event.replace('_', ' ')} noted")

        self.app.push_screen(behavior_form(self.office, row), noted)

    def do_journey(self) -> None:
        """The lead's way so far. Looking is no act on the list: marks stay."""
        from leadtui.screens.journey import JourneyScreen

        self.app.push_screen(JourneyScreen(self.target().ids[0]))

    def do_documents(self) -> None:
        """Attach a file."""
        self.open_dialog("attach_dialog", "AttachDialog", self.target().ids)

    def do_restore(self) -> None:
        """Restore deleted leads: one at once, several after a preview."""
        target = self.target()
        if target.count > 1:
            from leadtui.screens.bulk import BulkScreen

            def written(result: BulkResult | None) -> None:
                if result is not None:
                    self._restored(target.ids, result.batch, f"{result.changed:,} leads")

            self.app.push_screen(BulkScreen(target.ids, target.where, {"restore": True}, "restored"), written)
            return
        office = self.office

        def restore() -> Done:
            from leadtui.services import lifecycle

            done: Done = lifecycle.restore(office, target.ids[0])
            return done

        self.run_blocking(restore, then=lambda done: self._restored(target.ids, done.batch, done.lead.title))

    def _restored(self, ids: tuple[int, ...], batch: int | None, what: str) -> None:
        self.changed(ids)
        self.done(f"{what} restored", undo=batch is not None)
        self.acted(None)


def refusal(command: Command, row: LeadRow, actor: Any) -> str | None:
    """Why this actor may not do this with this lead now; None when nothing speaks against it."""
    action = command.permission or ""
    is_loss = command.id == "leads.lose"
    may_reopen = actor.may_on("reopen", assigned_to_id=row.assigned_to_id, branch_id=row.branch_id)
    if is_loss and row.is_lost:
        action = "reopen"
    if not actor.may_on(action, assigned_to_id=row.assigned_to_id, branch_id=row.branch_id):
        scope = _SCOPES.get(actor.scope(action))
        words = verb(action, many=True)
        return f"your role may {words} only {scope}" if scope else f"your role may not {words}"
    if command.id == "leads.restore":
        return None if row.is_deleted else "this lead is not deleted"
    if row.is_deleted:
        return "this lead is deleted; D restores it"
    if row.is_converted and (command.id in _MOVES or (is_loss and not may_reopen)):
        return "this lead is a customer already; its status is locked"
    if row.is_lost and command.id == "leads.convert":
        return "this lead is lost; x reopens it first"
    if row.is_protected and command.id == "leads.delete":
        return "this lead is protected; p lifts the protection"
    return None
