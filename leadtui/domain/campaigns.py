"""Broadcasts: their statuses and which follow which, what may be done in each, and the four rates (spec §P). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from leadtui.errors import IllegalMove

from .dates import iso_z
from .filters.catalogue import listing
from .message_states import Counters

BROADCAST: Final = "broadcast"

STATUSES: Final[tuple[str, ...]] = ("draft", "scheduled", "active", "paused", "completed", "cancelled")

MOVES: Final[Mapping[str, tuple[str, ...]]] = {
    "draft": ("scheduled", "active", "cancelled"),
    "scheduled": ("active", "draft", "cancelled"),
    "active": ("paused", "completed"),
    "paused": ("active", "cancelled"),
    "completed": (),
    "cancelled": (),
}
"""What may follow a status: what the source allows, and what spec AJ14 adds; anything else is refused. Beside
these, a scheduled one stands still by itself when it cannot begin, and `REOPENED` is the one way back from the end.
"""

REOPENED: Final = ("completed", "active")
"""What `retry_failed` does to a campaign that was done: there is something to send again."""

MARKS: Final[Mapping[str, str]] = {
    "draft": "○", "scheduled": "◷", "active": "▶", "paused": "‖", "completed": "●", "cancelled": "×",
}  # fmt: skip
"""A sign of one cell for each status, beside its word."""

PAUSE_WORDS: Final[Mapping[str, str]] = {
    "by_hand": "paused by a person",
    "missed": "its time to start was missed: start it if it is still wanted",
    "missing_values": "leads lack a value that its text needs",
    "empty_audience": "it finds no lead to send to",
    "not_permitted": "who started it may not run campaigns any more",
    "channel_not_ready": "its channel is not ready",
    "account": "the channel's account was stopped",
    "failures": "too many failures one after another",
}
"""Why a campaign stands still, by `pause_reason`; others are codes of its channel, and `pause_text` says them."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A part of a whole: the fraction is always shown beside the percent (spec AG30)."""

    part: int
    whole: int

    @property
    def percent(self) -> float:
        """With one decimal; 0.0 of nothing."""
        return round(100 * self.part / self.whole, 1) if self.whole else 0.0

    @property
    def words(self) -> str:
        """ "3/4 · 75.0 %"; of nothing only a dash."""
        return f"{self.part:,}/{self.whole:,} · {self.percent} %" if self.whole else "–"


@dataclass(frozen=True, slots=True)
class Rates:
    """The four rates as the source defines them (spec §P4): success is delivered of sent, delivery delivered of all."""

    success: Rate
    delivery: Rate
    read: Rate
    failure: Rate

    @classmethod
    def of(cls, counted: Counters) -> Rates:
        """From counters that are cumulative: who read it has had it delivered, and sent (spec AJ15)."""
        return cls(
            Rate(counted.delivered, counted.sent),
            Rate(counted.delivered, counted.total),
            Rate(counted.read, counted.delivered),
            Rate(counted.failed, counted.total),
        )


def check_move(status: str, to: str) -> None:
    """Raises IllegalMove naming what is allowed (spec AJ14)."""
    allowed = MOVES[status]
    if to in allowed:
        return
    if status == to:
        raise IllegalMove(f"the campaign is {status} already", field="status", hint=_allowed(allowed))
    raise IllegalMove(f"a campaign that is {status} cannot become {to}", field="status", hint=_allowed(allowed))


def _allowed(statuses: tuple[str, ...]) -> str:
    return f"it can become {listing(statuses)}" if statuses else "nothing follows on it; copy it instead"


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign as lists, the monitor and JSON show it; its counters are counted from its messages (spec AH17).

    `where` is the filter as it was typed, `criteria` what it means. `rate_now` are the messages begun in the last
    minute, `eta` when the last would go, None where nobody can say. `out` is where channel `file` appends.
    """

    id: int
    kind: str
    name: str
    description: str | None
    channel: str
    subject: str | None
    template: str
    template_id: int | None
    template_name: str | None
    attachment_name: str | None
    attachment_type: str | None
    attachment_path: str | None
    status: str
    pause_reason: str | None
    pause_text: str | None
    where: str | None
    criteria: Any
    scheduled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    frozen_at: datetime | None
    per_minute: int
    auto_retry: bool
    max_retries: int
    daily_unique: int | None
    quiet_hours: str | None
    out: str | None
    skip_missing: bool
    created_by_id: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int
    counters: Counters = field(default_factory=Counters)
    rate_now: int = 0
    eta: datetime | None = None

    @property
    def rates(self) -> Rates:
        """S1's four rates."""
        return Rates.of(self.counters)

    @property
    def moves(self) -> tuple[str, ...]:
        """The statuses that may follow."""
        return MOVES[self.status]

    @property
    def mark(self) -> str:
        """A sign of one cell for its status."""
        return MARKS[self.status]

    # -- the checks of the source (spec §P 131), and those beside them -------------------------------------------------
    @property
    def is_draft(self) -> bool:
        """Being written."""
        return self.status == "draft"

    @property
    def is_scheduled(self) -> bool:
        """Waiting for its time."""
        return self.status == "scheduled"

    @property
    def is_active(self) -> bool:
        """Being sent."""
        return self.status == "active"

    @property
    def is_paused(self) -> bool:
        """Standing still."""
        return self.status == "paused"

    @property
    def is_completed(self) -> bool:
        """Done."""
        return self.status == "completed"

    @property
    def is_cancelled(self) -> bool:
        """Called off."""
        return self.status == "cancelled"

    @property
    def can_execute(self) -> bool:
        """Whether it may be started: from draft, scheduled or paused."""
        return self.status in {"draft", "scheduled", "paused"}

    @property
    def can_pause(self) -> bool:
        """Whether it is running."""
        return self.status == "active"

    @property
    def can_resume(self) -> bool:
        """Whether it stands still with its audience fixed; one that was never begun is started instead."""
        return self.status == "paused" and self.started_at is not None

    @property
    def can_edit(self) -> bool:
        """Whether its text and audience may still be changed."""
        return self.status in {"draft", "scheduled"}

    @property
    def can_schedule(self) -> bool:
        """Whether a time may be set, or another one."""
        return self.can_edit

    @property
    def can_unschedule(self) -> bool:
        """Whether it waits for a time."""
        return self.status == "scheduled"

    @property
    def can_cancel(self) -> bool:
        """Whether it may be called off."""
        return "cancelled" in MOVES[self.status]

    @property
    def can_delete(self) -> bool:
        """Whether it may be put away: not while it is being sent."""
        return self.status not in {"active", "paused"}

    @property
    def has_attachment(self) -> bool:
        """Whether a file goes with it."""
        return self.attachment_path is not None

    @property
    def is_freezing(self) -> bool:
        """Whether its audience is still being written down."""
        return self.started_at is not None and self.frozen_at is None and self.status in {"active", "paused"}

    @property
    def why_paused(self) -> str:
        """Why it stands still, in words; empty when it does not."""
        if self.status != "paused":
            return ""
        return self.pause_text or PAUSE_WORDS.get(self.pause_reason or "", (self.pause_reason or "").replace("_", " "))

    def as_json(self) -> dict[str, Any]:
        """The object of the contract, and what stands beside it; rates in percent, with their fractions."""
        counted, rates = self.counters, self.rates
        return {
            "id": self.id, "name": self.name, "status": self.status, "channel": self.channel,
            "total_leads": counted.total, "sent_count": counted.sent, "delivered_count": counted.delivered,
            "read_count": counted.read, "failed_count": counted.failed, "pending_count": counted.pending,
            "unknown_count": counted.unknown, "skipped_count": counted.skipped,
            "handed_off_count": counted.handed_off, "retrying_count": counted.retrying,
            "success_rate": rates.success.percent, "delivery_rate": rates.delivery.percent,
            "read_rate": rates.read.percent, "failure_rate": rates.failure.percent,
            "fractions": {
                "success": f"{rates.success.part}/{rates.success.whole}",
                "delivery": f"{rates.delivery.part}/{rates.delivery.whole}",
                "read": f"{rates.read.part}/{rates.read.whole}",
                "failure": f"{rates.failure.part}/{rates.failure.whole}",
            },
            "scheduled_at": _z(self.scheduled_at), "started_at": _z(self.started_at),
            "completed_at": _z(self.completed_at), "frozen_at": _z(self.frozen_at), "eta": _z(self.eta),
            "rate_now": self.rate_now, "pause_reason": self.pause_reason, "why_paused": self.why_paused,
            "description": self.description, "template": self.template, "template_name": self.template_name,
            "subject": self.subject, "attachment": self.attachment_name, "attachment_type": self.attachment_type,
            "where": self.where, "criteria": self.criteria, "messages_per_minute": self.per_minute,
            "auto_retry_failed": self.auto_retry, "max_retry_attempts": self.max_retries,
            "daily": self.daily_unique, "quiet_hours": self.quiet_hours, "out": self.out,
            "skip_missing": self.skip_missing, "created_by": self.created_by, "created_at": _z(self.created_at),
            "updated_at": _z(self.updated_at), "version": self.version, "can_become": list(self.moves),
        }  # fmt: skip


def _z(at: datetime | None) -> str | None:
    return None if at is None else iso_z(at)


@dataclass(frozen=True, slots=True)
class CampaignDone:
    """What a change of a campaign answers: the campaign as it is now, the batch that `undo` takes back, warnings."""

    campaign: CampaignRow
    batch: int | None = None
    warnings: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """A lead of a campaign, and how its message stands. Name and phone are None where the role does not see them."""

    message_id: int
    lead_id: int
    lead_number: str
    lead_name: str | None
    phone: str | None
    address: str | None
    status: str
    reason: str | None
    error: str | None
    sending_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    next_at: datetime | None
    retry_count: int
    provider_id: str | None

    @property
    def id(self) -> int:
        """The message's id."""
        return self.message_id

    def as_json(self) -> dict[str, Any]:
        """The object of the contract, and what stands beside it."""
        return {
            "lead_number": self.lead_number, "phone": self.phone, "status": self.status, "sent_at": _z(self.sent_at),
            "delivered_at": _z(self.delivered_at), "read_at": _z(self.read_at), "retry_count": self.retry_count,
            "error": self.error, "message_id": self.message_id, "lead_id": self.lead_id, "lead_name": self.lead_name,
            "address": self.address, "reason": self.reason, "sending_at": _z(self.sending_at),
            "next_at": _z(self.next_at), "provider_id": self.provider_id,
        }  # fmt: skip


def is_missed(due: datetime, now: datetime, grace_minutes: int) -> bool:
    """Whether the time of a scheduled campaign lies so far back that a person is asked first (facts/messaging §5.5)."""
    return now - due > timedelta(minutes=grace_minutes)
