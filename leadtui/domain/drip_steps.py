"""A step of a drip: what is done, so long after the step before; what it is, and the rules (spec §Q 141). Pure.

How a step is typed; `drip_reading` reads it:

    0h whatsapp: Hello {first_name|there}, thank you for asking.
    48h task for technician: Call {name} | ask for the best day
    5d email: News for you | Dear {name}, …
    1d sms template Offer
    0h wait_until: mon-fri 09:00
    0h wait_until: status Interested within 7d else stop
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, Final, Literal

from leadtui.errors import Invalid
from leadtui.text import shorten

from .follow_up_times import show_delay
from .working_hours import DAYS, first_where

TYPES: Final[tuple[str, ...]] = ("message", "task", "follow_up", "wait_until")
"""message: written to the lead by a channel · task: somebody of the office does something · follow_up: the next contact
is planned · wait_until: the drip goes on at a time of day, in a status, or when a filter finds the lead."""

SOURCE_TYPES: Final[Mapping[str, str]] = {"email": "email", "sms": "sms", "property_alert": ""}
"""What the source documents call a message (spec §Q 141), and the channel that means ("": the drip's own)."""

ALERT: Final = "property_alert"
"""A message with what the office offers that fits the lead."""

CHANNELS: Final[tuple[str, ...]] = (
    "whatsapp", "whatsapp_cloud", "whatsapp_web", "manual", "sms", "email", "http", "file",
)  # fmt: skip
"""Words that stand for a message by that channel. `whatsapp` is whichever way of WhatsApp the office has."""

MAX_STEPS: Final = 50
WAITS_FOR: Final = timedelta(days=30)
"""How long a status or a filter is waited for where nothing else is said."""

STEP_HELP: Final = "such as '48h task: Call {name}' or '0h whatsapp: Hello {first_name|there}'"
UNTIL_HELP: Final = "such as 'mon-fri 09:00', 'status Interested within 7d' or 'where tag:vip within 3d else stop'"


@dataclass(frozen=True, slots=True)
class Until:
    """What a step waits for: a time of day (`at`, on `days`, Monday 0; none: any), a status, or a filter (`value`)."""

    kind: Literal["time", "status", "where"]
    days: tuple[int, ...] = ()
    at: time | None = None
    value: str | None = None
    timeout_minutes: int | None = None
    on_timeout: Literal["go_on", "stop"] = "go_on"

    @property
    def text(self) -> str:
        """As it is typed."""
        if self.kind == "time":
            clock = f"{self.at:%H:%M}"
            return f"{' '.join(DAYS[day] for day in self.days)} {clock}".strip()
        wait = f" within {show_delay(timedelta(minutes=self.timeout_minutes))}" if self.timeout_minutes else ""
        return f"{self.kind} {self.value}{wait}{' else stop' if self.on_timeout == 'stop' else ''}"

    @property
    def timeout(self) -> timedelta:
        """How long is waited at most."""
        return timedelta(minutes=self.timeout_minutes) if self.timeout_minutes else WAITS_FOR

    def next_moment(self, at: datetime, tz: tzinfo) -> datetime | None:
        """Of a time of day: its first moment from `at` on; None when there is none (never, for a valid one)."""
        if self.at is None:
            return None
        clock = self.at
        starts = (clock.hour * 60 + clock.minute,)

        def good(local: datetime) -> bool:
            return (local.hour, local.minute) == (clock.hour, clock.minute) and (
                not self.days or local.weekday() in self.days
            )

        return first_where(at, tz, starts, good)


@dataclass(frozen=True, slots=True)
class DripStep:
    """One step. `delay_minutes` counts from the step before, the first one's from the enrollment.

    A message has a `body` (with its `subject`, by mail) or a `template` by its name; a task and a follow-up begin with
    `subject`, `body` says more, `to` names who does it, `context` the rule of its time. `word`: ALERT, for such a one.
    """

    delay_minutes: int = 0
    type: str = "message"
    channel: str | None = None
    subject: str | None = None
    body: str | None = None
    template: str | None = None
    context: str | None = None
    to: str | None = None
    until: Until | None = None
    word: str | None = None

    @property
    def delay(self) -> str:
        """The delay as it is typed: `0h`, `48h`, `5d`."""
        return show_delay(timedelta(minutes=self.delay_minutes)) if self.delay_minutes else "0h"

    @property
    def says(self) -> str:
        """What it says or waits for, in one line."""
        if self.type == "wait_until":
            return self.until.text if self.until else ""
        if self.template:
            return f"template {self.template}"
        words = self.body if self.type == "message" and not self.subject else self.subject
        return " ".join((words or "").split())

    @property
    def does(self) -> str:
        """What it is, in words: "message by whatsapp", "task for technician", "wait until mon 09:00"."""
        match self.type:
            case "message":
                return f"message by {self.channel}" if self.channel else "message"
            case "wait_until":
                return "wait until"
            case _:
                what = self.type.replace("_", "-")
                return f"{what} for {self.to}" if self.to else what

    @property
    def words(self) -> str:
        """For a list: "after 48h: task: Call {name}"."""
        when = "at once" if not self.delay_minutes else f"after {self.delay}"
        return f"{when}: {self.does}: {shorten(self.says, 80)}"

    @property
    def text(self) -> str:
        """As `drip_reading.parse_step` reads it again."""
        head = self.delay
        if self.type == "message":
            is_word = self.channel in CHANNELS and self.word is None
            head += f" {self.channel}" if is_word else f" {self.word or 'message'}"
            if self.channel and not is_word:
                head += f" by {self.channel}"
            if self.template:
                return f"{head} template {self.template}"
        else:
            head += f" {self.type}"
            head += f" for {self.to}" if self.to else ""
            head += f" by {self.context}" if self.context else ""
        if self.type == "wait_until":
            return f"{head}: {self.until.text if self.until else ''}"
        parts = (self.subject, self.body) if self.subject else (self.body,)
        return f"{head}: {' | '.join(p for p in parts if p)}"

    def as_json(self) -> dict[str, Any]:
        """As a record; `drip_reading.step_from` reads it again."""
        return {
            "delay": self.delay, "delay_minutes": self.delay_minutes, "type": self.type, "channel": self.channel,
            "subject": self.subject, "body": self.body, "template": self.template, "context": self.context,
            "to": self.to, "until": self.until.text if self.until else None, "word": self.word, "text": self.text,
        }  # fmt: skip


def check_steps(steps: Sequence[DripStep], *, channel: str | None = None, subject: str | None = None) -> None:
    """What must be true of the steps of a drip whose own channel and subject these are. Raises Invalid with its field:
    `steps[2].body` is the second one's.
    """
    if not steps:
        raise Invalid("a drip needs at least one step", field="steps", code="required", hint=STEP_HELP)
    if len(steps) > MAX_STEPS:
        raise Invalid(f"a drip has at most {MAX_STEPS} steps", field="steps")
    for number, one in enumerate(steps, 1):
        where = f"steps[{number}]"
        if one.type == "message":
            _check_message(one, where, one.channel or channel, subject)
        elif one.type == "wait_until":
            if one.until is None:
                raise Invalid("what is to be waited for?", field=f"{where}.until", code="required", hint=UNTIL_HELP)
            if number == len(steps):
                raise Invalid("nothing comes after this step: there is nothing to wait for", field=f"{where}.type")
        elif not one.subject:
            raise Invalid("say what is to be done", field=f"{where}.subject", code="required", hint=STEP_HELP)
        if one.until is not None and one.type != "wait_until":
            raise Invalid("only a wait_until step waits for something", field=f"{where}.until")


def _check_message(one: DripStep, where: str, channel: str | None, subject: str | None) -> None:
    if bool(one.body) == bool(one.template):
        words = "a message has its own text or a template, not both" if one.body else "what is to be written?"
        raise Invalid(words, field=f"{where}.body", code="required" if not one.body else "invalid", hint=STEP_HELP)
    if channel is None:
        raise Invalid("by which channel?", field=f"{where}.channel", code="required",
                      hint="one of: " + ", ".join(CHANNELS))  # fmt: skip
    if channel == "email" and one.body and not (one.subject or subject):
        raise Invalid("a mail needs a subject", field=f"{where}.subject", code="required",
                      hint="such as '5d email: News for you | Dear {name}, …'")  # fmt: skip
