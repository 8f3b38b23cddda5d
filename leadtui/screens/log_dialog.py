"""Logging a contact: one key says what happened, everything else is optional and quick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, TextArea

from leadtui import clock
from leadtui.domain.dates import relative
from leadtui.screens.act_dialog import ActDialog, Acted, Plan, Read, label
from leadtui.screens.activity_dialog import OUTCOMES
from leadtui.text import shorten
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.text import one_line
from leadtui.widgets.when_input import WhenInput

if TYPE_CHECKING:
    from leadtui.domain.quick_logs import QuickLogItem
    from leadtui.domain.records import LeadDetail
    from leadtui.services.quick_log import Offer

TYPES = (
    Key("c", "call", "call"), Key("e", "email", "email"), Key("m", "meeting", "meeting"),
    Key("v", "site_visit", "visit"), Key("w", "whatsapp", "WhatsApp"), Key("s", "sms", "SMS"),
    Key("n", "note", "note"), Key("q", "quotation", "quotation"), Key("o", "other", "other"),
)  # fmt: skip


_KEYS = "123456789"
_MINUTES_OF_AN_HOUR = 60


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
        yield from _row("quick", ChoiceRow((), id="quick"))
        yield from _row("type", ChoiceRow(TYPES, "call", id="type"))
        yield from _row("outcome", ChoiceRow(OUTCOMES, id="outcome"))
        yield from _row("subject", Input(id="subject", placeholder="the type, when left empty", max_length=255))
        yield from _row("details", TextArea(id="details", tab_behavior="focus"))
        yield from _row("next", Input(id="next_action", placeholder="what is to be done next"))
        yield from _row("when", WhenInput(id="next_at", field="next_at", smart="by rule, per lead"))
        with Horizontal(classes="row", id="status-row"):
            yield label("status")
            yield ChoiceRow((), id="status")
        with Horizontal(classes="row", id="due-row"):
            yield label("was due")
            yield ChoiceRow((), id="due")

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None) -> None:
        super().__init__(lead_ids, where)
        self._quick: QuickLogItem | None = None
        self._ruled = ""

    def on_mount(self) -> None:
        """What was due is shown when there is something."""
        super().on_mount()
        self.query_one("#due-row").display = False
        self.query_one("#status-row").display = False

    def read_more(self, office: Any, detail: LeadDetail | None) -> Any:
        """The outcomes of the lead's pipeline; of the default one where several leads are meant."""
        from leadtui.services import quick_log

        if detail is not None:
            return quick_log.offers(office, detail.row.id)
        return tuple(quick_log.Offer(item, None, None) for item in quick_log.items(office))

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The quick answers."""
        found: tuple[Offer, ...] = self.read.more if self.read is not None and self.read.more else ()
        return found[: len(_KEYS)]

    def ready(self, read: Read) -> None:
        """Say what was due; the quick answers have the focus."""
        self.query_one(WhenInput).use_zone(read.catalog.tz)
        keys = [Key(key, key, offer.item.name) for key, offer in zip(_KEYS, self.offers, strict=False)]
        self.query_one("#quick", ChoiceRow).show_choices(keys)
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
        offer = next((one for key, one in zip(_KEYS, self.offers, strict=False) if key == event.value), None)
        if offer is None:
            return
        item = self._quick = offer.item
        self.query_one("#type", ChoiceRow).value = item.type
        self.query_one("#outcome", ChoiceRow).value = item.outcome or ""
        self.query_one("#subject", Input).value = item.subject or item.name
        self.query_one("#next_action", Input).value = item.next_action or ""
        when = self.query_one(WhenInput)
        when.value = self._ruled = self._when(offer)
        self.query_one("#due", ChoiceRow).value = "yes"
        self._offer_status(offer)
        if item.ask == "when":
            when.focus()
        elif item.ask is not None:
            self.query_one("#details").focus()
        else:
            self.query_one("#do").focus()

    def _when(self, offer: Offer) -> str:
        """When the rule wants the next contact, as it is typed: for several leads each by its own rule."""
        if offer.at is not None and self.read is not None:
            return offer.at.astimezone(self.read.catalog.tz).strftime("%Y-%m-%d %H:%M")
        item = offer.item
        if item.delay_minutes is not None:
            hours, minutes = divmod(item.delay_minutes, _MINUTES_OF_AN_HOUR)
            return f"+{item.delay_minutes}m" if minutes else f"+{hours}h"
        return "smart" if item.context is not None else ""

    def _offer_status(self, offer: Offer) -> None:
        """Where the answer takes the lead, if that is ahead and the role may move it."""
        read = self.read
        may = read is not None and read.detail is not None and "status" in read.detail.allowed
        target = offer.status if may else None
        choices = [Key("m", target, f"move to {target}"), Key("k", "", "keep")] if target else []
        self.query_one("#status", ChoiceRow).show_choices(choices, target or "")
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
        status = self.query_one("#status", ChoiceRow).value or None
        details = self.query_one("#details", TextArea).text.strip() or None
        if status and not details and any(stage.is_lost and stage.name == status for stage in self.stages()):
            self.refuse("Why was it lost? Write it into the details", "#details")
            return None
        quick = self._quick
        values = {
            "type": kind,
            "subject": self._line("#subject"),
            "details": details,
            "outcome": self.query_one("#outcome", ChoiceRow).value or None,
            "next_action": next_action or None,
            "next_at": when.value or None,
            "status": status,
            "context": quick.context if quick is not None and when.value else None,
            "drop_open": quick is not None,
            "by_rule": quick.name if quick is not None and when.value and when.value == self._ruled else None,
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
