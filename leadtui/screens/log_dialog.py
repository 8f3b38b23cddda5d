"""Logging a contact: one key says what happened, everything else is optional and quick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, TextArea

from leadtui import clock
from leadtui.domain.dates import relative
from leadtui.screens.act_dialog import ActDialog, Acted, Plan, Read, label
from leadtui.text import shorten
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.text import one_line
from leadtui.widgets.when_input import WhenInput

TYPES = (
    Key("c", "call", "call"), Key("e", "email", "email"), Key("m", "meeting", "meeting"),
    Key("v", "site_visit", "visit"), Key("w", "whatsapp", "WhatsApp"), Key("s", "sms", "SMS"),
    Key("n", "note", "note"), Key("q", "quotation", "quotation"), Key("o", "other", "other"),
)  # fmt: skip
OUTCOMES = (
    Key("+", "positive", "positive"), Key("0", "neutral", "neutral"), Key("-", "negative", "negative"),
    Key("f", "follow_up", "follow up"), Key("a", "no_answer", "no answer"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quick:
    """One key that fills the dialog (spec AI18)."""

    key: str
    label: str
    type: str
    outcome: str
    subject: str
    next_action: str = ""
    next_at: str = ""
    statuses: tuple[str, ...] = ()
    """The first of these that the pipeline has is where the lead goes, if that is forward."""


QUICK = (
    Quick("1", "no answer", "call", "no_answer", "No answer", "try again", "+4h"),
    Quick(
        "2",
        "interested",
        "call",
        "positive",
        "Answered, interested",
        "call about the next step",
        "+1d",
        ("Interested", "Qualified"),
    ),
    Quick("3", "call back", "call", "follow_up", "Answered, call back", "call back", "", ("Contacted",)),
    Quick("4", "not interested", "call", "negative", "Not interested"),
    Quick("5", "visited", "site_visit", "positive", "Visited the site", "ask for the decision", "+2d"),
    Quick("6", "WhatsApp sent", "whatsapp", "neutral", "WhatsApp sent", "look for the answer", "+2d"),
)
_QUICK = {quick.key: quick for quick in QUICK}


class LogDialog(ActDialog):
    """A quick answer, or type, subject, details, outcome and the next step."""

    HEADING: ClassVar[str] = "Log a contact"
    DO: ClassVar[str] = "Log"
    CSS = """
    LogDialog > .dialog { width: 80; }
    LogDialog .row { height: auto; }
    LogDialog ChoiceRow { width: 1fr; }
    LogDialog #details { width: 1fr; height: 3; }
    LogDialog .buttons { margin-top: 0; }
    """

    def fields(self) -> ComposeResult:
        """From the quickest to the rarest."""
        yield from _row("quick", ChoiceRow([Key(quick.key, quick.key, quick.label) for quick in QUICK], id="quick"))
        yield from _row("type", ChoiceRow(TYPES, "call", id="type"))
        yield from _row("outcome", ChoiceRow(OUTCOMES, id="outcome"))
        yield from _row("subject", Input(id="subject", placeholder="the type, when left empty", max_length=255))
        yield from _row("details", TextArea(id="details", tab_behavior="focus"))
        yield from _row("next", Input(id="next_action", placeholder="what is to be done next"))
        yield from _row("when", WhenInput(id="next_at", field="next_at"))
        with Horizontal(classes="row", id="status-row"):
            yield label("status")
            yield ChoiceRow((), id="status")
        with Horizontal(classes="row", id="due-row"):
            yield label("was due")
            yield ChoiceRow((), id="due")

    def on_mount(self) -> None:
        """What was due is shown when there is something."""
        super().on_mount()
        self.query_one("#due-row").display = False
        self.query_one("#status-row").display = False

    def ready(self, read: Read) -> None:
        """Say what was due; the quick answers have the focus."""
        self.query_one(WhenInput).use_zone(read.catalog.tz)
        words, done = "", True
        if read.detail is not None and read.detail.follow_ups:
            due = min(read.detail.follow_ups, key=lambda item: item.scheduled_at or clock.now())
            if due.scheduled_at is not None:
                when = relative(due.scheduled_at, due.all_day, clock.now(), read.catalog.tz)
                words, done = shorten(f"done: {when}, {one_line(due.subject)}", 44), due.scheduled_at <= clock.now()
        elif not self.single:
            words = "done"
        if words:
            row = self.query_one("#due", ChoiceRow)
            row.show_choices([Key("y", "yes", words), Key("l", "", "leave it open")], "yes" if done else "")
            self.query_one("#due-row").display = True
        self.query_one("#quick").focus()

    def typed(self) -> bool:
        """Anything written."""
        return super().typed() or bool(self.query_one("#details", TextArea).text.strip())

    @on(ChoiceRow.Chosen, "#quick")
    def _filled(self, event: ChoiceRow.Chosen) -> None:
        """A quick answer fills the rest; what is missing gets the focus, else the button."""
        event.stop()
        if (quick := _QUICK.get(event.value)) is None:
            return
        self.query_one("#type", ChoiceRow).value = quick.type
        self.query_one("#outcome", ChoiceRow).value = quick.outcome
        self.query_one("#subject", Input).value = quick.subject
        self.query_one("#next_action", Input).value = quick.next_action
        when = self.query_one(WhenInput)
        when.value = quick.next_at
        self.query_one("#due", ChoiceRow).value = "yes"
        self._offer_status(quick)
        if quick.key == "3":
            when.focus()
        else:
            self.query_one("#do").focus()

    def _offer_status(self, quick: Quick) -> None:
        """Where the answer takes the lead, if the pipeline has such a status ahead and the role may move it."""
        row, read = self.row, self.read
        target = None
        if row is not None and read is not None and read.detail is not None and "status" in read.detail.allowed:
            now = read.catalog.stage_by_id[row.stage_id]
            ahead = {stage.name: stage for stage in self.stages() if stage.order > now.order}
            target = next((ahead[name] for name in quick.statuses if name in ahead), None)
        choices = [Key("m", target.name, f"move to {target.name}"), Key("k", "", "keep")] if target else []
        self.query_one("#status", ChoiceRow).show_choices(choices, target.name if target else "")
        self.query_one("#status-row").display = target is not None

    @on(ChoiceRow.Chosen, "#type")
    def _typed_type(self, event: ChoiceRow.Chosen) -> None:
        event.stop()
        self.query_one("#outcome").focus()

    @on(ChoiceRow.Chosen, "#outcome")
    def _typed_outcome(self, event: ChoiceRow.Chosen) -> None:
        event.stop()
        self.query_one("#subject").focus()

    def plan(self) -> Plan | None:
        """The entry."""
        when = self.query_one(WhenInput)
        if problem := when.error():
            self.refuse(problem, "#next_at")
            return None
        kind = self.query_one("#type", ChoiceRow).value
        if not kind:
            self.refuse("Choose the type of contact", "#type")
            return None
        next_action = self._line("#next_action")
        if next_action and not when.value and self.single:
            self.refuse("When is that to be done? (or leave the next step empty)", "#next_at")
            return None
        values = {
            "type": kind,
            "subject": self._line("#subject"),
            "details": self.query_one("#details", TextArea).text.strip() or None,
            "outcome": self.query_one("#outcome", ChoiceRow).value or None,
            "next_action": next_action or None,
            "next_at": when.value or None,
            "status": self.query_one("#status", ChoiceRow).value or None,
            "complete_due": bool(self.query_one("#due", ChoiceRow).value and self.query_one("#due-row").display),
        }
        entry = _Entry(values)

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import activities

            return activities.log(office, ref, entry.made())

        words = next(choice.label for choice in TYPES if choice.value == kind)
        return Plan(one, {"log": entry}, f"logged: {words}")

    def _line(self, selector: str) -> str:
        return self.query_one(selector, Input).value.strip()

    def finish(self, acted: Acted) -> None:
        """One quiet line, with what comes next."""
        when = self.query_one(WhenInput)
        text = f"{acted.text}, next {when.value}" if when.value else acted.text
        super().finish(Acted(acted.ids, acted.batch, text))


@dataclass(frozen=True)
class _Entry:
    """The values of a `LogEntry`; the services are imported in the thread that writes."""

    values: dict[str, Any]

    def made(self) -> Any:
        """The entry as the service wants it."""
        from leadtui.services.activities import LogEntry

        return LogEntry(**self.values)


def _row(words: str, field: Any) -> ComposeResult:
    with Horizontal(classes="row"):
        yield label(words)
        yield field
