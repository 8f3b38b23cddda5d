"""By which channels a lead is reached best: those it answers on, one after another (spec §R 146–147). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from leadtui.errors import Invalid
from leadtui.text import fold, shorten

from .dates import iso_z
from .follow_up_times import parse_delay, show_delay

CHANNELS: Final[tuple[str, ...]] = ("whatsapp", "email", "sms", "phone", "social")
"""All there are; of equals the earlier one goes first. The last two are for people (spec AJ27)."""

BY_HAND: Final = frozenset({"phone", "social"})

LAST: Final = 50
"""So many of a lead's last communications are looked at (spec §R 147)."""

DEFAULT: Final = "channels 2, delay 24h"
MOST_CHANNELS: Final = len(CHANNELS)


@dataclass(frozen=True, slots=True)
class Strategy:
    """How many channels are tried, and how long after each other; the setting `orchestration`."""

    channels: int = 2
    delay: timedelta = timedelta(hours=24)

    @classmethod
    def parse(cls, text: str, *, field: str = "orchestration") -> Strategy:
        """Read `channels 2, delay 24h`. Raises Invalid."""
        found = cls()
        for part in text.split(","):
            word, _, value = fold(part).strip().partition(" ")
            if word == "channels":
                found = cls(channels_of(value, field=field), found.delay)
            elif word == "delay":
                found = cls(found.channels, delay_of(value, field=field))
            elif word:
                raise Invalid(
                    f"'{shorten(part.strip(), 30)}' is not understood", field=field, hint=f"such as {DEFAULT}"
                )
        return found

    def __str__(self) -> str:
        """As it is typed."""
        return f"channels {self.channels}, delay {show_delay(self.delay) if self.delay else '0h'}"


def channels_of(text: str | int, *, field: str = "channels") -> int:
    """How many channels. Raises Invalid."""
    typed = str(text).strip()
    if not typed.isdigit() or not 1 <= int(typed) <= MOST_CHANNELS:
        raise Invalid(f"'{shorten(typed, 20)}' channels cannot be", field=field, hint=f"1 to {MOST_CHANNELS}")
    return int(typed)


def delay_of(text: str, *, field: str = "delay") -> timedelta:
    """How long between two channels; `0h` for all at once. Raises Invalid."""
    return timedelta() if fold(text).strip() in {"0", "0h", "0m", "0d"} else parse_delay(text, field=field)


# -- preference --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Talk:
    """One communication with a lead: by which channel, from it (`is_answer`) or to it, and whether it was taken up."""

    channel: str
    is_from_lead: bool
    is_taken_up: bool = False


@dataclass(frozen=True, slots=True)
class Preference:
    """How often a lead responded on a channel to how much was sent."""

    channel: str
    sent: int = 0
    responded: int = 0

    @property
    def ratio(self) -> float:
        """responded ÷ sent; 0 when nothing was sent (spec §R 147)."""
        return self.responded / self.sent if self.sent else 0.0


def preferences(talks: Iterable[Talk]) -> dict[str, Preference]:
    """By channel, from the communications with a lead, the newest first; at most LAST are looked at.

    What came from the lead answers the last thing sent before it on that channel, once; a call that was answered is
    taken up by itself.
    """
    found: dict[str, list[int]] = {channel: [0, 0] for channel in CHANNELS}
    answers: dict[str, bool] = {}
    for place, one in enumerate(talks):
        if place >= LAST:
            break
        if one.channel not in found:
            continue
        if one.is_from_lead:
            answers[one.channel] = True
            continue
        found[one.channel][0] += 1
        if one.is_taken_up or answers.pop(one.channel, False):
            found[one.channel][1] += 1
            answers.pop(one.channel, None)
    return {channel: Preference(channel, sent, responded) for channel, (sent, responded) in found.items()}


def ranked(known: Mapping[str, Preference], ready: Mapping[str, bool]) -> list[str]:
    """The available channels (keys of `ready`), the best first: by preference, then those that can be sent on now."""
    return sorted(ready, key=lambda one: (-known[one].ratio, not ready[one], CHANNELS.index(one)))


# -- records -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ReachStep:
    """One try: on which channel, when (i × delay), in which words. `kind` task: a person does it, `reason` says why."""

    channel: str
    by: str | None
    address: str | None
    priority: int
    at: datetime
    preference: Preference
    kind: str
    subject: str | None
    text: str
    missing: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def sent(self) -> int:
        """How much was sent on it, of the last communications."""
        return self.preference.sent

    @property
    def responded(self) -> int:
        """How often the lead responded."""
        return self.preference.responded

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "priority": self.priority, "channel": self.channel, "by": self.by, "address": self.address,
            "at": iso_z(self.at), "kind": self.kind, "preference": round(self.preference.ratio, 3),
            "sent": self.sent, "responded": self.responded, "subject": self.subject, "text": self.text,
            "missing": list(self.missing), "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReachPlan:
    """How a lead would be reached; `left_out` names the other channels with why."""

    lead_id: int
    lead_number: str
    template: str | None
    steps: Sequence[ReachStep]
    left_out: Sequence[tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "lead_id": self.lead_id, "lead_number": self.lead_number, "template": self.template,
            "total": len(self.steps), "steps": [one.as_json() for one in self.steps],
            "left_out": [{"channel": channel, "reason": why} for channel, why in self.left_out],
        }  # fmt: skip
