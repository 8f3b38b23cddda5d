"""Drips: a lead gets one step after another (spec §Q). What they are called, their records, their rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leadtui.errors import IllegalMove, Invalid
from leadtui.text import clean_line, fold, shorten

from .dates import iso_z
from .drip_reading import parse_step, parse_until, step_from, steps_from_toml
from .drip_steps import CHANNELS, TYPES, DripStep, Until, check_steps

__all__ = [
    "CHANNELS", "REASONS", "STATES", "STATUSES", "TYPES", "DripDetail", "DripRow", "DripStep", "EnrollResult",
    "EnrollRule", "EnrollmentRow", "StepPreview", "Until", "check_move", "check_steps", "parse_step", "parse_until",
    "step_from", "steps_from_toml",
]  # fmt: skip

STATUSES: Final[tuple[str, ...]] = ("draft", "active", "paused", "cancelled")
"""Of a drip. draft: nobody started it, leads in it wait · cancelled: a person stopped it, with all its leads."""

_MOVES: Final[Mapping[str, tuple[str, ...]]] = {
    "draft": ("active", "cancelled"),
    "active": ("paused", "cancelled"),
    "paused": ("active", "cancelled"),
    "cancelled": ("active",),
}
_VERBS: Final = {"active": "started", "paused": "paused", "cancelled": "stopped"}

STATES: Final[tuple[str, ...]] = ("active", "paused", "completed", "stopped")
"""Of an enrollment. The first two are open: a lead has at most one open enrollment in a drip."""

REASONS: Final[Mapping[str, str]] = {
    "lead_not_eligible": "may not be written to",
    "missing_value": "a value for the text is missing",
    "no_channel": "there is no way to write",
    "failed": "a step could not be carried out",
    "by_hand": "by a person",
    "reply": "the lead answered",
    "converted": "the lead was converted",
    "lost": "the lead was lost",
    "opt_out": "the lead wants no messages",
    "deleted": "the lead was deleted",
    "timeout": "what it waited for did not come",
    "undone": "the enrollment was taken back",
    "drip_stopped": "the drip was stopped",
    "drip_deleted": "the drip was deleted",
}
"""Why an enrollment is paused or has ended, with the words."""

ENROLL_HELP: Final = "created, status:NAME, or nothing"


@dataclass(frozen=True, slots=True)
class EnrollRule:
    """Which leads come into a drip by themselves: those that are added (`created`), or that get to a `status`.

    `where` narrows them by a filter; `status` is a status's name, `pipeline` the key of its pipeline.
    """

    on: str | None = None
    status: str | None = None
    pipeline: str | None = None
    where: str | None = None

    @classmethod
    def parse(cls, text: str | None, where: str | None = None, *, field: str = "enroll") -> EnrollRule:
        """Read `created` or `status:Interested`; nothing typed: nobody by itself. Raises Invalid."""
        typed = clean_line(text or "", field=field, limit=120)
        narrowed = clean_line(where or "", field="enroll_where", limit=1000) or None
        word, _, name = typed.partition(":")
        if fold(word) in {"", "never", "no", "none", "hand", "by hand"} and not name:
            return cls(where=narrowed)
        if fold(word) == "created" and not name:
            return cls("created", where=narrowed)
        if fold(word) == "status" and name.strip():
            return cls("status", status=name.strip().strip('"'), where=narrowed)
        raise Invalid(f"'{shorten(typed, 40)}' enrolls nobody", field=field, hint=ENROLL_HELP)

    @classmethod
    def of(cls, options: Mapping[str, Any] | None) -> EnrollRule:
        """From a drip's `options_json`."""
        found: Mapping[str, Any] = (options or {}).get("enroll") or {}
        return cls(found.get("on"), found.get("status"), found.get("pipeline"), found.get("where"))

    def as_option(self) -> dict[str, str] | None:
        """As `options_json` keeps it; None when it says nothing."""
        said = {"on": self.on, "status": self.status, "pipeline": self.pipeline, "where": self.where}
        return {key: value for key, value in said.items() if value} or None

    @property
    def text(self) -> str:
        """As it is typed; "" for by hand."""
        return f"status:{self.status}" if self.on == "status" else self.on or ""

    @property
    def words(self) -> str:
        """For a list: "new leads", "leads that become Interested", "by hand"."""
        if self.on is None:
            return "by hand"
        found = "new leads" if self.on == "created" else f"leads that become {self.status}"
        return f"{found} ({self.where})" if self.where else found


def check_move(status: str, to: str, name: str) -> None:
    """Whether a drip may go from one status to another. Raises IllegalMove naming what is allowed."""
    if to not in _MOVES[status]:
        allowed = ", ".join(_VERBS[one] for one in _MOVES[status])
        word = "stopped" if status == "cancelled" else status
        raise IllegalMove(
            f"the drip '{name}' is {word}: it cannot be {_VERBS[to]}", field="drip", hint=f"it can be {allowed}"
        )


# -- records -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class DripRow:
    """A drip in a list. The numbers of its enrollments are counted, never kept."""

    id: int
    key: str
    name: str
    description: str | None
    channel: str
    subject: str | None
    status: str
    version: int
    step_count: int
    enroll: EnrollRule
    quiet_hours: str | None
    per_minute: int
    out: str | None
    enrolled: int
    active: int
    paused: int
    completed: int
    stopped: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    row_version: int

    @property
    def status_word(self) -> str:
        """The status as people say it."""
        return "stopped" if self.status == "cancelled" else self.status

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "id": self.id, "key": self.key, "name": self.name, "description": self.description,
            "channel": self.channel, "subject": self.subject, "status": self.status, "version": self.version,
            "step_count": self.step_count, "enroll": self.enroll.text or None, "enroll_where": self.enroll.where,
            "quiet_hours": self.quiet_hours, "per_minute": self.per_minute, "out": self.out,
            "enrolled": self.enrolled, "active": self.active, "paused": self.paused, "completed": self.completed,
            "stopped": self.stopped, "created_by": self.created_by, "created_at": iso_z(self.created_at),
            "updated_at": iso_z(self.updated_at), "started_at": iso_z(self.started_at) if self.started_at else None,
            "row_version": self.row_version,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class DripDetail:
    """A drip with the steps of one of its versions; `in_version` counts the open enrollments of each version."""

    drip: DripRow
    version: int
    steps: tuple[DripStep, ...]
    versions: tuple[int, ...]
    in_version: Mapping[int, int]
    warnings: tuple[str, ...] = ()
    batch: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it: the drip, its steps in their order."""
        steps = [{"order": order, **one.as_json(), "words": one.words} for order, one in enumerate(self.steps)]
        return self.drip.as_json() | {
            "steps": steps, "steps_version": self.version, "versions": list(self.versions),
            "open_by_version": {str(version): count for version, count in self.in_version.items()},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class EnrollmentRow:
    """A lead in a drip. `current_step` counts from 0: so many steps are done; `next_step` is the next one in words."""

    id: int
    drip_id: int
    drip_key: str
    drip_name: str
    drip_status: str
    version: int
    lead_id: int
    lead_number: str
    lead_name: str | None
    phone: str | None
    state: str
    reason: str | None
    detail: str | None
    current_step: int
    step_count: int
    next_step: str | None
    next_run_at: datetime | None
    last_executed_at: datetime | None
    enrolled_by: str
    enrolled_at: datetime
    ended_at: datetime | None

    @property
    def why(self) -> str:
        """The reason in words, "" without one."""
        words = REASONS.get(self.reason or "", self.reason or "")
        return f"{words}: {self.detail}" if self.detail else words

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "id": self.id, "drip": self.drip_key, "drip_name": self.drip_name, "version": self.version,
            "lead_id": self.lead_id, "lead_number": self.lead_number, "lead_name": self.lead_name,
            "phone": self.phone, "state": self.state, "reason": self.reason, "detail": self.detail,
            "current_step": self.current_step, "steps": self.step_count, "next_step": self.next_step,
            **{
                key: iso_z(at) if (at := getattr(self, key)) else None
                for key in ("next_run_at", "last_executed_at", "enrolled_at", "ended_at")
            },
            "enrolled_by": self.enrolled_by,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class EnrollResult:
    """What an enrollment of many did: `refused` names each lead with the reason."""

    drip: str
    matched: int
    enrolled: int
    refused: Sequence[Mapping[str, Any]] = ()
    batch: int | None = None
    dry_run: bool = False
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "drip": self.drip, "matched": self.matched, "enrolled": self.enrolled, "refused": list(self.refused),
            "batch": self.batch, "dry_run": self.dry_run,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepPreview:
    """A step as it would be for one lead, if it were enrolled now. `reason`: why it would not be carried out."""

    order: int
    step: DripStep
    at: datetime
    channel: str | None = None
    address: str | None = None
    subject: str | None = None
    text: str = ""
    missing: tuple[str, ...] = ()
    reason: str | None = None
