"""Setting when a lead is contacted next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from leadtui import clock
from leadtui.domain.dates import relative
from leadtui.screens.act_dialog import ActDialog, Plan, Read, label
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.text import one_line
from leadtui.widgets.when_input import WhenInput, moment_words

if TYPE_CHECKING:
    from leadtui.domain.records import LeadDetail

SOON = (
    Key("1", "tomorrow", "tomorrow"),
    Key("2", "+2d", "2 days"),
    Key("3", "+1w", "a week"),
    Key("4", "+4w", "4 weeks"),
    Key("5", "smart", "by rule"),
)


class FollowUpDialog(ActDialog):
    """Day or time in relative words, or one key; what about."""

    HEADING: ClassVar[str] = "Contact next"
    DO: ClassVar[str] = "Set"

    def fields(self) -> ComposeResult:
        """Quick answers, the day, the subject."""
        yield Static("", classes="note", id="due", markup=False)
        yield ChoiceRow(SOON, id="soon")
        with Horizontal(classes="row"):
            yield label("when")
            yield WhenInput(id="follow_up", field="follow_up", smart="by rule, per lead")
        with Horizontal(classes="row"):
            yield label("about")
            yield Input(id="subject", placeholder="what to ask or do")

    def read_more(self, office: Any, detail: LeadDetail | None) -> Any:
        """When the rule would have it."""
        from leadtui.services import follow_ups

        return follow_ups.smart_time_of(office, detail.row.id) if detail is not None else None

    def ready(self, read: Read) -> None:
        """Say what is set now, and what the rule would set."""
        when = self.query_one(WhenInput)
        when.use_zone(read.catalog.tz)
        if read.more is not None:
            when.say_smart(moment_words(read.more, read.catalog.tz))
        note = "No follow-up is set."
        if read.detail is not None and read.detail.follow_ups:
            due = min(read.detail.follow_ups, key=lambda item: item.scheduled_at or clock.now())
            if due.scheduled_at is not None:
                at = relative(due.scheduled_at, due.all_day, clock.now(), read.catalog.tz)
                note = f"Now: {at} · {one_line(due.subject)}"
        line = self.query_one("#due", Static)
        line.update(Content(note))
        line.display = self.single
        self.query_one("#soon").focus()

    @on(ChoiceRow.Chosen, "#soon")
    def _soon(self, event: ChoiceRow.Chosen) -> None:
        """A quick answer fills the day and goes on to what about."""
        event.stop()
        self.query_one(WhenInput).value = event.value
        if event.value:
            self.query_one("#subject").focus()

    def plan(self) -> Plan | None:
        """The follow-up."""
        when = self.query_one(WhenInput)
        if not when.value:
            self.refuse("When? A day such as fri or +3d, or a time such as tomorrow 14:00", "#follow_up")
            return None
        if problem := when.error():
            self.refuse(problem, "#follow_up")
            return None
        at, subject = when.value, self.query_one("#subject", Input).value.strip() or None

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import activities

            return activities.add_follow_up(office, ref, at, subject=subject)

        shown = "by rule" if when.is_smart else f"for {at}"
        return Plan(one, {"follow_up": at, "follow_up_subject": subject}, f"set {shown}")
