"""The journey of one lead: how it went through its statuses, who was in touch with it, where it left off (spec §Z 176).

Pure: from what the database holds of a lead (its moves, contacts and events) to a `Journey`. Durations are seconds,
moments aware UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from .catalog import Stage
from .dates import iso_z
from .slas import over

TOUCHES: Final = ("call", "email", "whatsapp", "sms", "meeting", "site_visit")
"""The kinds of activity that are a communication: notes, quotations and what the program writes are none."""

IDLE: Final = timedelta(days=7)
"""A stretch longer than this in which nothing happened with an open lead is a gap."""


@dataclass(frozen=True, slots=True)
class Move:
    """A lead came into a status; `left` is None where it came in with it. `by` is a login."""

    at: datetime
    left: Stage | None
    to: Stage
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Touch:
    """A communication: its kind, whether it came from the lead, who wrote it down and what came of it."""

    at: datetime
    type: str
    is_in: bool = False
    by: str = ""
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something of a conversion: converted, reopened, customer_made, customer_linked, router_user_made, first_online.

    `detail` is the name of what was made.
    """

    event: str
    at: datetime
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"event": self.event, "at": iso_z(self.at), "detail": self.detail or None}


@dataclass(frozen=True, slots=True)
class Stay:
    """A lead in a status. `left_at` None: it is there; `seconds` None: there it came to its end (converted, lost)."""

    stage: Stage
    entered_at: datetime
    left_at: datetime | None
    seconds: int | None
    by: str
    reason: str | None
    moved_back: bool
    reopened: bool

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "status": self.stage.name, "entered_at": iso_z(self.entered_at), "left_at": _iso(self.left_at),
            "seconds": self.seconds, "by": self.by, "reason": self.reason, "moved_back": self.moved_back,
            "reopened": self.reopened,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class DropOff:
    """Where a lead left off. kind `lost`: the status it was lost from (None: it came in lost), when and why.

    kind `rotting`: it is open and has stood in this status for longer than allowed; `over_s` by how much, `at` since
    when it is there.
    """

    kind: str
    status: str | None
    at: datetime
    seconds: int | None = None
    reason: str | None = None
    over_s: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "kind": self.kind, "status": self.status, "at": iso_z(self.at), "seconds_in_status": self.seconds,
            "reason": self.reason, "over_s": self.over_s,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of more than `IDLE` in which nothing happened with the lead; `until` None: it goes on."""

    since: datetime
    until: datetime | None
    seconds: int
    status: str

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "from": iso_z(self.since), "to": _iso(self.until), "seconds": self.seconds, "status": self.status
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Journey:
    """A lead from its creation to its end, or to now. `total_s` is that time; `state` open, converted or lost."""

    lead_id: int
    number: str
    title: str
    state: str
    created_at: datetime
    ended_at: datetime | None
    total_s: int
    stays: tuple[Stay, ...]
    touches: tuple[Touch, ...]
    first_response_s: int | None
    events: tuple[Event, ...]
    drop_off: DropOff | None
    gaps: tuple[Gap, ...]

    @property
    def by_type(self) -> dict[str, dict[str, int]]:
        """Communications by kind: how many went out and came in, in the order of `TOUCHES`; kinds there are."""
        counted = Counter((one.type, one.is_in) for one in self.touches)
        return {
            kind: {"out": counted[kind, False], "in": counted[kind, True]}
            for kind in TOUCHES
            if counted[kind, False] or counted[kind, True]
        }

    @property
    def incoming(self) -> int:
        """How many of the communications came from the lead."""
        return sum(one.is_in for one in self.touches)

    def as_json(self) -> dict[str, Any]:
        """The object of `lead journey`: S4's names, with the units in them."""
        return {
            "lead_id": self.lead_id, "lead_number": self.number, "state": self.state,
            "created_at": iso_z(self.created_at), "ended_at": _iso(self.ended_at),
            "total_duration_s": self.total_s,
            "stage_progression": [one.as_json() for one in self.stays],
            "touchpoints": len(self.touches),
            "touchpoints_out": len(self.touches) - self.incoming, "touchpoints_in": self.incoming,
            "touchpoints_by_type": self.by_type,
            "first_response_s": self.first_response_s,
            "conversion_events": [one.as_json() for one in self.events],
            "drop_off_point": self.drop_off.as_json() if self.drop_off else None,
            "idle_gaps": [one.as_json() for one in self.gaps],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a lead: `stage` and `stage_since` as it stands, the moves oldest first; `lost_reason` in words.

    `made` are the events that moves do not tell: customer, router user, first online.
    """

    lead_id: int
    number: str
    title: str
    created_at: datetime
    stage: Stage
    stage_since: datetime
    moves: Sequence[Move]
    touches: Sequence[Touch] = ()
    made: Sequence[Event] = ()
    lost_reason: str | None = None
    created_by: str = ""


def journey(past: Past, now: datetime) -> Journey:
    """The journey, seen from `now`."""
    moves = tuple(past.moves) or (Move(past.stage_since, None, past.stage, past.created_by),)
    end = None if _is_open(past.stage) else moves[-1].at
    until = now if end is None else end
    stays = tuple(_stays(moves, now))
    touches = tuple(sorted(past.touches, key=lambda one: one.at))
    answered = next((one.at for one in touches if not one.is_in), None)
    events = sorted([*_turns(moves), *past.made], key=lambda one: one.at)
    return Journey(
        past.lead_id, past.number, past.title,
        "converted" if past.stage.is_converted else "lost" if past.stage.is_lost else "open",
        past.created_at, end, _seconds(past.created_at, until), stays, touches,
        None if answered is None else _seconds(past.created_at, answered),
        tuple(events), _drop_off(past, moves, stays, now), tuple(_gaps(past, moves, touches, end, now)),
    )  # fmt: skip


def moved_back(left: Stage | None, to: Stage) -> bool:
    """Whether a move goes back in the order of its pipeline: not into lost or parked, nor out of them."""
    if left is None or left.pipeline_id != to.pipeline_id:
        return False
    aside = left.is_lost or left.is_parked or to.is_lost or to.is_parked
    return not aside and to.order < left.order


def _is_open(stage: Stage) -> bool:
    return not (stage.is_converted or stage.is_lost)


def _stays(moves: Sequence[Move], now: datetime) -> Iterable[Stay]:
    for place, move in enumerate(moves):
        after = moves[place + 1].at if place + 1 < len(moves) else None
        if after is not None:
            seconds: int | None = _seconds(move.at, after)
        else:
            seconds = _seconds(move.at, now) if _is_open(move.to) else None
        reopened = move.left is not None and not _is_open(move.left) and _is_open(move.to)
        yield Stay(move.to, move.at, after, seconds, move.by, move.reason, moved_back(move.left, move.to), reopened)


def _turns(moves: Sequence[Move]) -> Iterable[Event]:
    """The conversions among the moves, and where one was taken back."""
    for move in moves:
        if move.to.is_converted and not (move.left is not None and move.left.is_converted):
            yield Event("converted", move.at, move.to.name)
        elif move.left is not None and move.left.is_converted and not move.to.is_converted:
            yield Event("reopened", move.at, move.to.name)


def _drop_off(past: Past, moves: Sequence[Move], stays: Sequence[Stay], now: datetime) -> DropOff | None:
    if past.stage.is_lost:
        # From one lost status to another it was lost no second time.
        place = max((i for i, one in enumerate(moves) if one.left is None or not one.left.is_lost), default=0)
        move, before = moves[place], stays[place - 1] if place else None
        came_from = move.left.name if move.left is not None else None
        reason = past.lost_reason or moves[-1].reason
        return DropOff("lost", came_from, move.at, before.seconds if before else None, reason)
    late = over(past.stage, past.stage_since, now)
    if late is None:
        return None
    here = _seconds(past.stage_since, now)
    return DropOff("rotting", past.stage.name, past.stage_since, here, None, int(late.total_seconds()))


def _gaps(
    past: Past, moves: Sequence[Move], touches: Sequence[Touch], end: datetime | None, now: datetime
) -> Iterable[Gap]:
    """Idle stretches between what happened, while the lead was open: one that rests converted or lost is not idle."""
    until = now if end is None else end
    happened = sorted({past.created_at, *(one.at for one in moves), *(one.at for one in touches)})
    happened = [at for at in happened if past.created_at <= at <= until]
    if end is None:
        happened.append(until)
    for since, at in pairwise(happened):
        stage = next((one.to for one in reversed(moves) if one.at <= since), moves[0].left or moves[0].to)
        if at - since > IDLE and _is_open(stage):
            yield Gap(since, None if end is None and at == until else at, _seconds(since, at), stage.name)


def _seconds(since: datetime, until: datetime) -> int:
    """From one to the other; 0 where records disagree about which came first."""
    return max(0, int((until - since).total_seconds()))


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso_z(at)


def span_words(seconds: int | None) -> str:
    """A duration in two units at most: "3d 4h", "2h 5m", "45m", "30s"; "" for None."""
    if seconds is None:
        return ""
    for size, unit, part, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m")):
        if seconds >= size:
            rest = seconds % size // part
            return f"{seconds // size:,}{unit}" + (f" {rest}{smaller}" if rest else "")
    return f"{seconds // 60}m" if seconds >= 60 else f"{seconds}s"


EVENT_WORDS: Final[Mapping[str, str]] = {
    "converted": "converted", "reopened": "reopened", "customer_made": "customer made",
    "customer_linked": "customer linked", "router_user_made": "router user made", "first_online": "first online",
}  # fmt: skip
"""Events as people read them."""
