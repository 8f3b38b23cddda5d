"""The states of a message, which may follow which, and what is counted (spec §P2, AJ15; facts/messaging §4.3). Pure.

    pending → claimed → sending → accepted | handed_off → sent → delivered → read
                                ↘ retry, failed, unknown          skipped: it was never to be sent

`sending` outlives a crash as `unknown`: nobody knows whether it left, so it is never sent again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

WAITING: Final = frozenset({"pending", "retry"})
"""To be sent when their time has come."""
IN_HAND: Final = frozenset({"claimed", "sending"})
"""A process has them; what it leaves behind is swept up."""
OPEN: Final = WAITING | IN_HAND
ASKS: Final = frozenset({"handed_off", "unknown"})
"""A person, or a report, must say whether they went."""
LEFT: Final = frozenset({"accepted", "sent", "delivered", "read"})
"""They count as sent."""
STATES: Final[tuple[str, ...]] = (
    "pending", "claimed", "sending", "accepted", "handed_off", "sent", "delivered", "read", "retry", "failed",
    "skipped", "unknown",
)  # fmt: skip
"""Of a message that goes out; one that came in is `received`."""
RECEIVED: Final = "received"

FOLLOWERS: Final[Mapping[str, frozenset[str]]] = {
    "pending": frozenset({"claimed", "skipped"}),
    "retry": frozenset({"claimed", "skipped"}),
    "claimed": frozenset({"sending", "pending", "retry", "skipped"}),
    # pending: it is known that nothing left (the process was frozen before the call, or everything was stopped)
    "sending": frozenset({"accepted", "handed_off", "sent", "retry", "failed", "unknown", "pending"}),
    "accepted": frozenset({"sent", "delivered", "read", "failed"}),
    "handed_off": frozenset({"sent", "delivered", "read", "failed"}),
    "sent": frozenset({"delivered", "read", "failed"}),
    "delivered": frozenset({"read"}),
    "read": frozenset(),
    # by a person: tried again; by evidence: it had arrived after all
    "failed": frozenset({"pending", "sent", "delivered", "read"}),
    "skipped": frozenset(),
    # pending, retry: the process that had it comes back and knows that nothing left
    "unknown": frozenset(
        {"accepted", "handed_off", "sent", "delivered", "read", "failed", "pending", "retry", "unknown"}
    ),
    RECEIVED: frozenset(),
}
"""Every arrow there is, but for those of a report: what a provider tells counts (`after_report`)."""

NOT_SENT: Final = "not_sent"
"""Why it failed: a person said that it had not gone."""
NOT_RETRYABLE: Final = frozenset({"final", "suppressed"})
"""Reasons of a failure that trying again does not mend."""

_RANK: Final = {"accepted": 1, "sent": 2, "delivered": 3, "read": 4}


def may_follow(state: str, new: str) -> bool:
    """Whether `new` may come after `state`."""
    return new in FOLLOWERS.get(state, frozenset())


def after_report(state: str, told: str, reason: str | None = None) -> str | None:
    """The state after a report (`sent`, `delivered`, `read`, `failed`); None: nothing changes.

    Reports come late, twice and out of order: read > delivered > sent, never back; `failed` may follow `sent`. What
    arrived has arrived, also when it was believed to have failed; a late `sent` does not undo a failure that was
    reported, only one that a person supposed (`reason` `not_sent`). A report settles `unknown`, and holds back a
    message that was to be sent again. The failure of an earlier try says nothing about the next one.
    """
    if told == "failed":
        return "failed" if state in {"sending", "accepted", "handed_off", "sent", "unknown"} else None
    if told not in _RANK or state == RECEIVED:
        return None
    if state == "failed" and told == "sent" and reason != NOT_SENT:
        return None
    return told if _RANK[told] > _RANK.get(state, 0) else None


@dataclass(frozen=True, slots=True)
class Counters:
    """How many of a campaign's messages got how far; cumulative: what was read was delivered and sent too (AJ15).

    `total` are those to whom it is to be sent, skipped ones stand beside it. `sent + failed + pending + unknown` is
    `total`: one that was handed to a person and not confirmed is pending. `waiting`, `in_hand`, `handed_off` and
    `retrying` are parts of `pending`.
    """

    total: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    pending: int = 0
    unknown: int = 0
    skipped: int = 0
    handed_off: int = 0
    waiting: int = 0
    in_hand: int = 0
    retrying: int = 0


def counters(by_state: Mapping[str, int]) -> Counters:
    """The counters of messages, of how many there are in each state."""

    def of(*states: str) -> int:
        return sum(by_state.get(state, 0) for state in states)

    total = of(*STATES) - of("skipped")
    sent, failed, unknown = of(*LEFT), of("failed"), of("unknown")
    return Counters(
        total=total, sent=sent, delivered=of("delivered", "read"), read=of("read"), failed=failed,
        pending=total - sent - failed - unknown, unknown=unknown, skipped=of("skipped"), handed_off=of("handed_off"),
        waiting=of(*WAITING), in_hand=of(*IN_HAND), retrying=of("retry"),
    )  # fmt: skip


MARKS: Final[Mapping[str, tuple[str, str, str]]] = {
    "pending": ("○", "waiting", "muted"),
    "retry": ("◷", "tried again", "warning"),
    "claimed": ("○", "waiting", "muted"),
    "sending": ("▸", "being sent", "accent"),
    "accepted": ("✓", "accepted", "success"),
    "handed_off": ("→", "handed over", "warning"),
    "sent": ("✓", "sent", "success"),
    "delivered": ("●", "delivered", "success"),
    "read": ("★", "read", "success"),
    "failed": ("×", "failed", "error"),
    "skipped": ("–", "not sent", "muted"),
    "unknown": ("?", "unknown", "warning"),
    RECEIVED: ("✉", "received", "accent"),
}


def mark(state: str) -> tuple[str, str, str]:
    """The sign of a state, its word, and the name of its style: one place for screens and text."""
    return MARKS.get(state, ("?", state, "muted"))
