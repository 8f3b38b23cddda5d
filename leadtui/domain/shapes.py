"""Records of the services as the JSON objects of the contract: what `--json` prints and the HTTP face answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from .catalog import Catalog
from .dates import iso_z, local_day
from .fields import BY_KEY, LEAD_FIELDS, LEAD_OBJECT
from .loans import LoanRow
from .money import to_json
from .permissions import Actor
from .records import (
    ActivityRow,
    BookingRow,
    BulkResult,
    DocumentRow,
    FollowUpRow,
    LeadDetail,
    LeadRow,
    Refusal,
    RouterUserRow,
    StatusEntry,
)

MONEY: Final = ("installation_fee", "monthly_fee", "total_amount")
"""Keys of the lead object that hold money."""
SAME: Final[Mapping[str, str]] = {"next_follow_up": "follow_up"}
"""Key of the lead object → key of the field catalogue, where they differ."""


class ActsInOffice(Protocol):
    """An office at work: what values are written by."""

    @property
    def catalog(self) -> Catalog: ...

    @property
    def actor(self) -> Actor: ...


class Serves(Protocol):
    """Whether the office can connect a lead (`services.serving.Serving`)."""

    @property
    def router(self) -> str | None: ...

    @property
    def why(self) -> str: ...

    @property
    def free(self) -> int | None: ...

    @property
    def total(self) -> int | None: ...

    @property
    def asked_at(self) -> datetime | None: ...

    @property
    def verdict(self) -> str: ...


@dataclass(frozen=True, slots=True)
class View:
    """How an office's values are written: its zone, its currency, what the role does not see."""

    tz: ZoneInfo
    currency: str
    hidden: frozenset[str]

    @classmethod
    def of(cls, office: ActsInOffice) -> View:
        """The view of the acting user."""
        return cls(office.catalog.tz, office.catalog.currency, frozenset(office.actor.hidden_fields))

    def hides(self, key: str) -> bool:
        """Whether the role does not see this key of the lead object; a total would tell its parts."""
        if key == "total_amount" and self.hidden & {"installation_fee", "monthly_fee"}:
            return True
        return SAME.get(key, key) in self.hidden

    def due(self, at: datetime | None, all_day: bool) -> str | None:
        """A due date as JSON has it: the office's day, or a moment in UTC (contract answer 8)."""
        if at is None:
            return None
        return local_day(at, self.tz).isoformat() if all_day else iso_z(at)

    def local(self, at: datetime | None, all_day: bool = False) -> str:
        """A moment as people read it, in the office's zone."""
        if at is None:
            return ""
        return at.astimezone(self.tz).strftime("%Y-%m-%d" if all_day else "%Y-%m-%d %H:%M")


def router_user_json(user: RouterUserRow | None) -> dict[str, Any] | None:
    """The router user inside the lead object."""
    if user is None:
        return None
    return {
        "router": user.router, "username": user.username, "service": user.service, "profile": user.profile,
        "ip": user.ip, "state": user.state,
    }  # fmt: skip


def lead_json(lead: LeadRow, view: View) -> dict[str, Any]:
    """The lead object of the contract."""
    found: dict[str, Any] = {}
    for key in LEAD_OBJECT:
        if not view.hides(key):
            found[key] = _lead_value(lead, key, view)
    return found


def _lead_value(lead: LeadRow, key: str, view: View) -> Any:
    if key in MONEY:
        return to_json(getattr(lead, key), view.currency)
    if key == "next_follow_up":
        return view.due(lead.next_follow_up, lead.next_follow_up_all_day)
    if key == "router_user":
        return router_user_json(lead.router_user)
    value = getattr(lead, key)
    if isinstance(value, datetime):
        return iso_z(value)
    return list(value) if isinstance(value, tuple) else value


def field_json(key: str, value: Any, view: View) -> Any:
    """The typed value of a field of the catalogue as JSON."""
    if isinstance(value, datetime):
        return iso_z(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    field = BY_KEY.get(key)
    money = field is not None and (field.kind == "money" or key == "total_amount")
    return to_json(value, view.currency) if money and isinstance(value, int) else value


def detail_json(lead: LeadDetail, view: View, serving: Serves | None = None) -> dict[str, Any]:
    """The lead object with everything that `show` adds; `serving` is whether the office can connect the lead."""
    found = lead_json(lead.row, view)
    found["pipeline"] = lead.row.pipeline
    for field in LEAD_FIELDS:
        if field.key not in found and field.key != "follow_up" and not view.hides(field.key):
            found[field.key] = field_json(field.key, lead.fields.get(field.key), view)
    found |= {
        "is_deleted": lead.row.is_deleted,
        "interests": list(lead.interests),
        "custom": dict(lead.custom),
        "status_history": [status_json(entry) for entry in lead.status_history],
        "activities": [activity_json(activity, view) for activity in lead.activities],
        "documents": [document_json(document) for document in lead.documents],
        **({"loans": [loan_json(loan, view) for loan in lead.loans]} if "loans" in lead.allowed else {}),
        "milestones": [{"key": one.key, "name": one.name, "at": iso_z(one.at)} for one in lead.milestones],
        **_score_json(lead, view),
        "bookings": [booking_json(booking) for booking in lead.bookings],
        "pending_job": lead.pending_job,
        "can_serve": serving_json(serving),
        "allowed": sorted(lead.allowed),
    }
    return found


def _score_json(lead: LeadDetail, view: View) -> dict[str, Any]:
    """Why it has its score."""
    if view.hides("score"):
        return {}
    scored = lead.scored
    return {
        "score_breakdown": scored.breakdown() if scored else [], "raw_score": scored.raw if scored else lead.row.score,
    }  # fmt: skip


def serving_json(serving: Serves | None) -> dict[str, Any] | None:
    """Whether the office can connect a lead, and by which router; null where that is not asked."""
    if serving is None:
        return None
    return {
        "router": serving.router, "why": serving.why, "free": serving.free, "total": serving.total,
        "asked_at": iso_z(serving.asked_at) if serving.asked_at else None, "verdict": serving.verdict,
    }  # fmt: skip


def status_json(entry: StatusEntry) -> dict[str, Any]:
    """One line of the status history (answer 7)."""
    return {
        "status": entry.status, "changed_by": entry.changed_by, "changed_at": iso_z(entry.changed_at),
        "reason": entry.reason,
    }  # fmt: skip


def activity_json(activity: ActivityRow, view: View) -> dict[str, Any]:
    """An activity (answer 7)."""
    return {
        "id": activity.id, "lead_number": activity.lead_number, "type": activity.type, "subject": activity.subject,
        "details": activity.details, "outcome": activity.outcome, "next_action": activity.next_action,
        "scheduled_at": view.due(activity.scheduled_at, activity.all_day),
        "completed_at": iso_z(activity.completed_at) if activity.completed_at else None,
        "created_by": activity.created_by, "created_at": iso_z(activity.created_at),
    }  # fmt: skip


def booking_json(booking: BookingRow) -> dict[str, Any]:
    """A booking linked to a lead."""
    return {"id": booking.id, "ref": booking.ref, "at": iso_z(booking.at), "details": dict(booking.details)}


def follow_up_json(row: FollowUpRow, view: View) -> dict[str, Any]:
    """Something to be done (answer 7)."""
    return {
        "id": row.id, "lead_number": row.lead_number, "lead_name": row.lead_name, "phone": row.phone,
        "at": view.due(row.at, row.all_day), "all_day": row.all_day, "subject": row.subject,
        "assigned_to": row.assigned_to, "overdue": row.overdue,
    }  # fmt: skip


def document_json(document: DocumentRow) -> dict[str, Any]:
    """A file kept with a lead."""
    return {
        "id": document.id, "name": document.name, "mime": document.mime, "bytes": document.bytes,
        "sha256": document.sha256, "uploaded_by": document.uploaded_by, "at": iso_z(document.at),
        "path": document.path,
    }  # fmt: skip


def loan_json(loan: LoanRow, view: View) -> dict[str, Any]:
    """A promise (contract answer 7)."""
    return {
        "id": loan.id, "lead_number": loan.lead_number, "amount": to_json(loan.amount_minor, view.currency),
        "promised_clear_date": loan.promised.isoformat(), "status": loan.status, "note": loan.note,
    }  # fmt: skip


def refusal_json(refusal: Refusal) -> dict[str, Any]:
    """A row that was refused."""
    return {"lead_id": refusal.lead_id, "lead_number": refusal.lead_number, "error": refusal.error}


def bulk_json(result: BulkResult, view: View) -> dict[str, Any]:
    """What a bulk act did, or with `--dry-run` would do."""
    found: dict[str, Any] = {
        "matched": result.matched, "changed": result.changed,
        "refused": [refusal_json(refusal) for refusal in result.refused], "batch": result.batch,
    }  # fmt: skip
    if result.dry_run:
        found |= {"dry_run": True, "examples": [lead_json(lead, view) for lead in result.examples]}
    return found


def plain(value: Any) -> Any:
    """What `json` does not know, as the contract writes it: moments in UTC, days, sets, mappings; else its text."""
    if isinstance(value, datetime):
        return iso_z(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


class Converted(Protocol):
    """What a conversion came to (`services.conversion.ConversionResult`)."""

    @property
    def success(self) -> bool: ...

    @property
    def message(self) -> str: ...

    @property
    def lead(self) -> LeadRow: ...

    @property
    def customer(self) -> Any: ...

    @property
    def router_user(self) -> RouterUserRow | None: ...

    @property
    def password(self) -> Any: ...


def conversion_json(result: Converted, view: View, *, show_secret: bool = False) -> dict[str, Any]:
    """What a conversion came to; the user's password only where it was asked for."""
    user = router_user_json(result.router_user)
    if user is not None and show_secret and result.password is not None:
        user["password"] = result.password.reveal()
    return {
        "success": result.success, "message": result.message, "lead": lead_json(result.lead, view),
        "customer": result.customer.as_json() if result.customer else None, "router_user": user,
    }  # fmt: skip
