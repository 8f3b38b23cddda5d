"""What services answer with: plain frozen rows, ready to be shown. Times are aware UTC, money is in minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .loans import LoanRow

if TYPE_CHECKING:
    from .scoring import Explained


@dataclass(frozen=True, slots=True)
class RouterUserRow:
    """A user on a router that belongs to a lead or customer."""

    id: int
    router: str
    username: str
    service: str
    profile: str | None
    ip: str | None
    state: str
    lead_number: str | None = None
    customer_id: int | None = None
    first_online_at: datetime | None = None
    first_online_ip: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead as lists show it; the names of the contract's lead object. `*_id` beside names are for services."""

    id: int
    number: str
    name: str | None
    phone: str | None
    phone_raw: str | None
    email: str | None
    pipeline_id: int
    pipeline: str
    stage_id: int
    status: str
    source: str | None
    priority: str | None
    score: int | None
    assigned_to_id: int | None
    assigned_to: str | None
    branch_id: int | None
    branch: str | None
    package: str | None
    current_isp: str | None
    reason: str | None
    brought_in_by: str | None
    brought_in_by_contact: str | None
    installation_fee: int | None
    monthly_fee: int | None
    total_amount: int | None
    has_router: bool
    router_type: str | None
    location: str | None
    unit_number: str | None
    next_follow_up: datetime | None
    next_follow_up_all_day: bool
    tags: tuple[str, ...]
    is_converted: bool
    is_lost: bool
    is_protected: bool
    is_deleted: bool
    customer_id: int | None
    router_user: RouterUserRow | None
    created_at: datetime
    updated_at: datetime
    version: int
    stage_changed_at: datetime | None = None

    @property
    def title(self) -> str:
        """What to call the lead: its name, else its phone, else its number (spec AG6)."""
        return self.name or self.phone or self.number


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `total` counts everything the filter finds, or is None when it was not asked for."""

    total: int | None
    rows: tuple[LeadRow, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One line of the status history, oldest first."""

    status: str
    previous: str | None
    changed_by: str
    changed_at: datetime
    reason: str | None
    seconds_in_stage: int | None


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """Something done or to be done with a lead."""

    id: int
    lead_id: int
    lead_number: str
    type: str
    subject: str
    details: str | None
    outcome: str | None
    outcome_note: str | None
    next_action: str | None
    scheduled_at: datetime | None
    all_day: bool
    completed_at: datetime | None
    cancelled_at: datetime | None
    assigned_to: str | None
    created_by: str
    created_by_name: str
    created_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    lead_name: str | None = None
    context: str | None = None
    priority: str | None = None
    escalated_at: datetime | None = None
    replaced_by_id: int | None = None

    @property
    def is_open(self) -> bool:
        """Scheduled and neither done nor cancelled: a follow-up."""
        return self.scheduled_at is not None and self.completed_at is None and self.cancelled_at is None


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    """Something to be done with a lead, as lists and calendars show it.

    `at` is the office's day when `all_day`. `overdue` is before today, as the acting user's days go (spec AG11).
    `phone` and `lead_name` are None where the role does not see them; `status_mark` is a sign of one cell.
    """

    id: int
    lead_id: int
    lead_number: str
    lead_name: str | None
    phone: str | None
    type: str
    at: datetime
    all_day: bool
    subject: str
    details: str | None
    context: str | None
    priority: str | None
    assigned_to_id: int | None
    assigned_to: str | None
    overdue: bool
    status: str
    status_mark: str
    score: int | None
    escalated_at: datetime | None = None

    @property
    def title(self) -> str:
        """What to call the lead."""
        return self.lead_name or self.phone or self.lead_number


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """Something a user is told. `due_at` is when it was, or is again, to be shown.

    `at` and `all_day` are those of the activity it is about; `late` says that this lies before today (spec AG11).
    `lead_name` and `phone` are None where the role does not see them, all of the lead where there is none.
    """

    id: int
    kind: str
    text: str
    lead_id: int | None
    lead_number: str | None
    lead_name: str | None
    phone: str | None
    activity_id: int | None
    at: datetime | None
    all_day: bool
    late: bool
    due_at: datetime
    created_at: datetime
    seen_at: datetime | None
    snoozes: int
    alerted_at: datetime | None = None
    alert_error: str | None = None

    @property
    def title(self) -> str:
        """What to call the lead; empty without one."""
        return self.lead_name or self.phone or self.lead_number or ""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A file kept with a lead."""

    id: int
    name: str
    mime: str
    bytes: int
    sha256: str
    uploaded_by: str
    at: datetime
    path: str


@dataclass(frozen=True, slots=True)
class BookingRow:
    """A booking of another program, linked to its lead. `details` is what came with it, as texts."""

    id: int
    lead_id: int
    ref: str
    details: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class IntakeRow:
    """What came in from elsewhere, as it came, and what became of it: created, linked, failed or dropped.

    `error` says why it failed or was dropped, `field` which value is to be corrected. `corrections` are the values a
    person gave instead. `lead_id` and `lead_number` are None where the actor may not see the lead.
    """

    id: int
    kind: str
    ref: str
    state: str
    payload: Mapping[str, Any]
    corrections: Mapping[str, str]
    lead_id: int | None
    lead_number: str | None
    lead_name: str | None
    error: str | None
    field: str | None
    attempts: int
    by: str
    at: datetime
    tried_at: datetime

    @property
    def title(self) -> str:
        """What to call it: its kind and its reference."""
        return f"{self.kind} {self.ref}"


@dataclass(frozen=True, slots=True)
class MilestoneRow:
    """Something a lead reached, and when."""

    key: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadDetail:
    """Everything about one lead. `fields` holds the typed value of every field of the catalogue by key."""

    row: LeadRow
    fields: Mapping[str, Any]
    status_history: tuple[StatusEntry, ...]
    activities: tuple[ActivityRow, ...]
    follow_ups: tuple[ActivityRow, ...]
    documents: tuple[DocumentRow, ...]
    interests: tuple[str, ...]
    custom: Mapping[str, str]
    pending_job: str | None = None
    allowed: frozenset[str] = frozenset()
    loans: tuple[LoanRow, ...] = ()
    """Promises, the open one first; empty, too, where the actor may not note loans of the lead."""
    bookings: tuple[BookingRow, ...] = ()
    milestones: tuple[MilestoneRow, ...] = ()
    scored: Explained | None = None
    """Why it has its score, as the rules stand now; None where the role does not see scores."""


@dataclass(frozen=True, slots=True)
class DuplicateHit:
    """A lead (or customer) that shares a key. `lead_id` and `name` are None where the actor may not see it (AJ34)."""

    key: str
    number: str | None
    lead_id: int | None
    name: str | None
    owner: str | None
    status: str | None = None
    blocks: bool = False

    @property
    def sentence(self) -> str:
        """What to tell the person who typed it."""
        owner = f", owned by {self.owner}" if self.owner else ", not assigned"
        if self.lead_id is None:
            return f"a lead with this {self.key} exists already{owner}"
        return f"{self.number} {self.name or ''} has this {self.key} already ({self.status}{owner})".replace("  ", " ")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of a bulk act that was refused, and why."""

    lead_id: int
    lead_number: str
    error: str
    code: str = "refused"


@dataclass(frozen=True, slots=True)
class Done:
    """What a write on one lead answers: the lead as it is now, the batch that `undo` takes back, and warnings."""

    lead: LeadRow
    batch: int | None
    warnings: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a bulk act did."""

    matched: int
    changed: int
    refused: tuple[Refusal, ...]
    batch: int | None
    examples: tuple[LeadRow, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What an undo restored, and which rows it left because they changed since."""

    batch: int
    kind: str
    label: str
    restored: int
    refused: tuple[Refusal, ...]
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch as `undo list` and the history screen show it."""

    id: int
    kind: str
    label: str
    by: str
    at: datetime
    count: int
    undone_at: datetime | None
    can_undo: bool


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A line of the audit; `changes` maps field to (before, after) in words."""

    id: int
    at: datetime
    user: str
    origin: str
    action: str
    entity: str
    entity_id: int | None
    changes: Mapping[str, tuple[Any, Any]]
    batch: int | None
    lead_number: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as lists show it and JSON answers it. `leads` are numbers, those the actor may see.

    A tax id that the actor may not read whole is masked; a field hidden from the role is None.
    """

    id: int
    name: str
    type: str
    phone: str | None
    email: str | None
    pan: str | None
    aadhar: str | None
    gst: str | None
    family_group: str | None
    package: str | None
    branch: str | None
    state: str
    created_at: datetime
    leads: tuple[str, ...] = ()
    router_users: tuple[RouterUserRow, ...] = ()

    @property
    def title(self) -> str:
        """What to call the customer."""
        return self.name or f"customer {self.id}"

    def as_json(self) -> dict[str, Any]:
        """Plain values; times stay datetimes for the command line to write."""
        keys = ("router", "username", "service", "profile", "ip", "state", "first_online_at")
        users = [{key: getattr(user, key) for key in keys} for user in self.router_users]
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**own, "leads": list(self.leads), "router_users": users}


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One page of customers. `total` counts everything that was found, or is None when it was not asked for."""

    total: int | None
    rows: tuple[CustomerRow, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CustomerLead:
    """A lead of a customer, in short; fees in minor units, None when hidden or not agreed."""

    id: int
    number: str
    name: str | None
    status: str
    assigned_to: str | None
    created_at: datetime
    converted_at: datetime | None
    installation_fee: int | None = None
    monthly_fee: int | None = None


@dataclass(frozen=True, slots=True)
class CustomerDetail:
    """Everything about one customer. `others` and `family_others` count what the actor may not see."""

    customer: CustomerRow
    leads: tuple[CustomerLead, ...] = ()
    users: tuple[RouterUserRow, ...] = ()
    documents: tuple[DocumentRow, ...] = ()
    history: tuple[AuditRow, ...] = ()
    family: tuple[tuple[int, str], ...] = ()
    """The other members of the family group: id and name."""
    others: int = 0
    family_others: int = 0
    allowed: frozenset[str] = frozenset()
    """Of edit, suspend, resume, package, reveal: what the actor may do, and what makes sense now."""


@dataclass(frozen=True, slots=True)
class CustomerDone:
    """What a change of a customer answers: the customer as it is now, its batch, the fields that changed."""

    customer: CustomerRow
    batch: int | None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FamilyGroupRow:
    """Customers who belong together, and how many they are."""

    id: int
    name: str
    members: int
