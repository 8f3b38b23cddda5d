"""What can be done with a campaign from the list and from the monitor: what is refused and why, questions, answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from leadtui.commands import Command
from leadtui.domain.campaigns import CampaignRow
from leadtui.screens.base import LeadScreen
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.campaigns import CampaignDone

NONE_HERE: Final = "there is no campaign here"
_ENDED: Final = "it has ended; Y makes a copy that can be sent"
_CHECKS: Final[dict[str, tuple[Callable[[CampaignRow], bool], str]]] = {
    "campaigns.edit": (lambda row: row.can_edit, "it has started: what was chosen and written stays; Y makes a copy"),
    "campaigns.start": (lambda row: row.can_execute, "it is being sent already"),
    "campaigns.schedule": (lambda row: row.can_schedule or row.can_unschedule, "it has started"),
    "campaigns.pause": (lambda row: row.can_pause, "only one that is being sent can be paused"),
    "campaigns.resume": (lambda row: row.can_resume, "only one that was paused can be resumed"),
    "campaigns.cancel": (lambda row: row.can_cancel, "it is being sent; P pauses it first"),
    "campaigns.delete": (lambda row: row.can_delete, "it is not over; P pauses it, x ends it"),
    "campaigns.recipients": (
        lambda row: row.started_at is not None,
        "nobody was chosen yet: that is done at the start",
    ),
    "campaigns.exports": (lambda row: row.started_at is not None, "nobody was chosen yet: that is done at the start"),
    "campaigns.retry": (lambda row: row.counters.failed > 0, "nothing failed"),
    "campaigns.unsettled": (lambda row: row.counters.unknown > 0, "of every message it is known what became of it"),
}
"""For each command, when it can be done, and why not otherwise."""
_NEED_ONE: Final = frozenset({*_CHECKS, "campaigns.duplicate", "campaigns.test"})


def refusal(command_id: str, row: CampaignRow) -> str | None:
    """Why this cannot be done with this campaign now; None when it can."""
    if (check := _CHECKS.get(command_id)) is None or check[0](row):
        return None
    if row.is_completed or row.is_cancelled:
        ended = ("campaigns.start", "campaigns.resume", "campaigns.edit", "campaigns.pause", "campaigns.cancel")
        return _ENDED if command_id in (*ended, "campaigns.schedule") else check[1]
    if command_id == "campaigns.resume" and row.is_paused:
        return "it was never begun; S starts it"
    return check[1]


def what_now(row: CampaignRow) -> tuple[str, ...]:
    """What one would do next with a campaign that stands so, the most wanted first: for the line of hints."""
    if row.can_edit:
        return ("campaigns.edit", "campaigns.start", "campaigns.schedule", "campaigns.test")
    if row.is_paused:
        return ("campaigns.resume" if row.can_resume else "campaigns.start", "campaigns.cancel", "campaigns.recipients")
    counted = row.counters
    asked = ("campaigns.handed",) if counted.handed_off else ()
    if row.is_active:
        return ("campaigns.pause", "campaigns.recipients", *asked)
    return ("campaigns.recipients", *asked, "campaigns.duplicate")


class CampaignCommands(LeadScreen[Any]):
    """Subclasses say which campaign is meant, and read again what they show."""

    def campaign(self) -> CampaignRow | None:
        """The campaign in front, when it is read."""
        return None

    def acted(self, row: CampaignRow | None) -> None:
        """Something was done with a campaign, or one came or went: read again. `row` is how it stands now."""

    def started(self, row: CampaignRow | None) -> None:
        """Back from the rehearsal: `row` was started there, None: it was not."""
        if row is not None:
            self.acted(row)

    def why_disabled(self, command: Command) -> str | None:
        """The rule that forbids it, in words for a toast."""
        if command.id not in _NEED_ONE:
            return None
        row = self.campaign()
        return NONE_HERE if row is None else refusal(command.id, row)

    # One service call after another

    def _do(self, name: str, words: str, *arguments: Any, **options: Any) -> None:
        """Call a service of campaigns with the campaign in front, and say what was done."""
        row, office = self.campaign(), self.office
        if row is None:
            return
        campaign_id = row.id

        def work() -> CampaignDone:
            from leadtui.services import campaigns

            done: CampaignDone = getattr(campaigns, name)(office, campaign_id, *arguments, **options)
            return done

        self.run_blocking(work, then=lambda done: self._did(done, words), failed=self._refused, group="campaign.act")

    def _did(self, done: CampaignDone, words: str) -> None:
        self.acted(done.campaign)
        self.done(f"{one_line(done.campaign.name)}: {words}", undo=done.batch is not None)
        for warning in done.warnings:
            self.app.notify(warning, severity="warning")

    def _refused(self, error: Exception) -> None:
        self.lead_app.report(error)
        self.acted(self.campaign())

    # Commands

    def do_new(self) -> None:
        """Write a new one."""
        self._edit(None)

    def do_edit(self) -> None:
        """Change the text, the audience, the limits."""
        if (row := self.campaign()) is not None:
            self._edit(row.id)

    def _edit(self, campaign_id: int | None) -> None:
        from leadtui.screens.campaign_editor import CampaignEditor

        def written(done: CampaignDone | None) -> None:
            if done is not None:
                self.acted(done.campaign)

        self.app.push_screen(CampaignEditor(campaign_id), written)

    def do_start(self) -> None:
        """First look at who would get what; there it is started."""
        from leadtui.screens.campaign_rehearsal import RehearsalScreen

        row = self.campaign()
        if row is None:
            return
        if row.can_resume:
            self.do_resume()
        else:
            self.app.push_screen(RehearsalScreen(row.id), self.started)

    def do_pause(self) -> None:
        """Nothing more goes out until it is resumed."""
        self._do("pause", "paused; what is in hand just now may still go")

    def do_resume(self) -> None:
        """Go on with those who wait."""
        self._do("resume", "goes on")

    def do_cancel(self) -> None:
        """End it, after a question that says how many will never get it."""
        from leadtui.screens.confirm import Confirm

        row = self.campaign()
        if row is None:
            return
        waiting = row.counters.pending
        lost = f"{waiting:,} of {row.counters.total:,} were not sent and never will be. " if waiting else ""
        words = f"End {one_line(row.name)}?\n\n{lost}What was sent is sent; the record of it stays."

        def answered(yes: bool | None) -> None:
            if yes:
                self._do("cancel", "ended")

        self.app.push_screen(Confirm(words, yes="End it", no="Leave it", danger=True), answered)

    def do_delete(self) -> None:
        """Off the list, after a question."""
        from leadtui.screens.confirm import Confirm

        row = self.campaign()
        if row is None:
            return
        kept = " What was sent stays on the leads." if row.counters.sent else ""

        def answered(yes: bool | None) -> None:
            if yes:
                self._do("delete", "deleted")

        words = f"Delete {one_line(row.name)}?{kept}"
        self.app.push_screen(Confirm(words, yes="Delete", no="Keep it", danger=True), answered)

    def do_duplicate(self) -> None:
        """A draft with the same text and audience."""
        self._do("copy", "made; e changes it, S starts it")

    def do_schedule(self) -> None:
        """When it starts by itself; an empty line takes that back."""
        from leadtui.screens.campaign_dialogs import schedule_form

        row = self.campaign()
        if row is None:
            return

        def set_at(done: CampaignDone | None) -> None:
            if done is not None:
                self._did(done, "scheduled" if done.campaign.is_scheduled else "not scheduled any more")

        self.app.push_screen(schedule_form(self.office, row), set_at)

    def do_test(self) -> None:
        """One message to oneself."""
        from leadtui.screens.campaign_dialogs import push_test_form

        if (row := self.campaign()) is not None:
            push_test_form(self, row)

    def do_recipients(self) -> None:
        """Who, and what became of each message."""
        self.show_recipients("")

    def show_recipients(self, state: str) -> None:
        """Those in one state; "" are all."""
        from leadtui.screens.campaign_recipients import RecipientsScreen

        if (row := self.campaign()) is not None:
            self.app.push_screen(RecipientsScreen(row.id, state), lambda _: self.acted(None))

    def do_unsettled(self) -> None:
        """Those of whom nobody knows."""
        self.show_recipients("unknown")

    def do_exports(self) -> None:
        """All recipients to a file."""
        from leadtui.screens.campaign_dialogs import push_export_form

        if (row := self.campaign()) is not None:
            push_export_form(self, row, None)

    def do_retry(self) -> None:
        """Everything that failed and may be tried again, after a question."""
        from leadtui.screens.campaign_dialogs import ask_retry

        if (row := self.campaign()) is not None:
            ask_retry(self, row, None, self.acted)

    def copy_text(self) -> str:
        """`y`: name, state and figures."""
        row = self.campaign()
        if row is None:
            return ""
        counted = row.counters
        return f"{row.name}  {row.status}  sent {counted.sent:,} of {counted.total:,}, failed {counted.failed:,}"
