"""Records of the services as the contract's JSON objects and as text: the one place that knows both shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from leadtui.cli.output import pairs, table, terminal_width, words
from leadtui.cli.render_loans import loan_json, loans_of_lead_text
from leadtui.domain.dates import iso_z, local_day
from leadtui.domain.fields import BY_KEY, LEAD_FIELDS, LEAD_OBJECT, find_field
from leadtui.domain.money import format_money, to_json
from leadtui.domain.records import (
    ActivityRow,
    BookingRow,
    DocumentRow,
    FollowUpRow,
    LeadDetail,
    LeadRow,
    RouterUserRow,
    StatusEntry,
)
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.services.office import Office
    from leadtui.services.serving import Serving

_MONEY: Final = ("installation_fee", "monthly_fee", "total_amount")
_SAME: Final = {"next_follow_up": "follow_up"}  # key of the lead object → key of the field catalogue
COLUMNS: Final = (*LEAD_OBJECT, "pipeline")
"""What `--columns` may name."""


@dataclass(frozen=True, slots=True)
class View:
    """How an office's values are written: its zone, its currency, what the role does not see."""

    tz: ZoneInfo
    currency: str
    hidden: frozenset[str]

    @classmethod
    def of(cls, office: Office) -> View:
        """The view of the acting user."""
        return cls(office.catalog.tz, office.catalog.currency, frozenset(office.actor.hidden_fields))

    def hides(self, key: str) -> bool:
        """Whether the role does not see this key of the lead object; a total would tell its parts."""
        if key == "total_amount" and self.hidden & {"installation_fee", "monthly_fee"}:
            return True
        return _SAME.get(key, key) in self.hidden

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


# -- leads -----------------------------------------------------------------------------------------------------------
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
    if key in _MONEY:
        return to_json(getattr(lead, key), view.currency)
    if key == "next_follow_up":
        return view.due(lead.next_follow_up, lead.next_follow_up_all_day)
    if key == "router_user":
        return router_user_json(lead.router_user)
    value = getattr(lead, key)
    if isinstance(value, datetime):
        return iso_z(value)
    return list(value) if isinstance(value, tuple) else value


def _lead_words(lead: LeadRow, key: str, view: View) -> str:
    """One cell of a lead for people."""
    if view.hides(key):
        return ""
    if key in _MONEY:
        return format_money(getattr(lead, key), view.currency)
    if key == "next_follow_up":
        return view.local(lead.next_follow_up, lead.next_follow_up_all_day)
    if key == "router_user":
        return lead.router_user.username if lead.router_user else ""
    value = getattr(lead, key)
    return view.local(value) if isinstance(value, datetime) else words(value)


def column_keys(text: str | None) -> tuple[str, ...]:
    """The keys that `--columns a,b,c` names. Raises UsageError."""
    if text is None:
        room = terminal_width()
        more = ("source", "created_at") if room is None or room >= 120 else ()
        return ("number", "name", "phone", "status", "assigned_to", "next_follow_up", *more)
    keys = []
    for word in text.split(","):
        field = find_field(word)
        key = word.strip() if word.strip() in COLUMNS else field.key if field else word.strip()
        key = "next_follow_up" if key == "follow_up" else key
        if key not in COLUMNS:
            hint = "one of: " + ", ".join(COLUMNS)
            raise UsageError(f"there is no column '{word.strip()}'", field="columns", hint=hint)
        keys.append(key)
    return tuple(keys)


def lead_table(leads: Sequence[LeadRow], keys: Sequence[str], view: View) -> str:
    """Leads under each other."""
    keys = [key for key in keys if not view.hides(key)]
    headers = [BY_KEY[_SAME.get(key, key)].label if _SAME.get(key, key) in BY_KEY else key for key in keys]
    right = [i for i, key in enumerate(keys) if key in _MONEY or key in ("id", "score", "version")]
    whole = [i for i, key in enumerate(keys) if key in ("number", "phone")]
    return table(headers, [[_lead_words(lead, key, view) for key in keys] for lead in leads], right=right, whole=whole)


def lead_line(lead: LeadRow, view: View) -> str:
    """A lead on one line, as every act on one lead answers."""
    owner = "not assigned" if lead.assigned_to is None else f"assigned to {lead.assigned_to}"
    name = "" if view.hides("name") or not lead.name else lead.name
    phone = "" if view.hides("phone") or not lead.phone else lead.phone
    due = view.local(lead.next_follow_up, lead.next_follow_up_all_day)
    parts = [lead.number, name, phone, lead.status, owner, f"follow-up {due}" if due else ""]
    return "  ".join(words(part) for part in parts if part)


# -- a lead with everything ------------------------------------------------------------------------------------------
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


def detail_json(lead: LeadDetail, view: View, serving: Serving | None = None) -> dict[str, Any]:
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
        "score_breakdown": [],
        "raw_score": lead.row.score,
        "bookings": [booking_json(booking) for booking in lead.bookings],
        "pending_job": lead.pending_job,
        "can_serve": serving_json(serving),
        "allowed": sorted(lead.allowed),
    }
    return found


def serving_json(serving: Serving | None) -> dict[str, Any] | None:
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


def follow_ups_text(rows: Sequence[FollowUpRow], view: View) -> str:
    """What is to be done, for reading."""
    if not rows:
        return "nothing to be done"
    return table(
        ("id", "when", "", "lead", "name", "phone", "what", "who"),
        [
            (r.id, view.local(r.at, r.all_day), "late" if r.overdue else "", r.lead_number, r.lead_name, r.phone,
             r.subject, r.assigned_to)
            for r in rows
        ],
        right=[0],
    )  # fmt: skip


def activities_text(rows: Sequence[ActivityRow], view: View) -> str:
    """Activities, for reading."""
    if not rows:
        return "no activities"
    return table(
        ("id", "when", "type", "lead", "name", "subject", "outcome", "by", ""),
        [
            (a.id, view.local(a.scheduled_at or a.created_at, a.all_day), a.type, a.lead_number, a.lead_name,
             a.subject, a.outcome, a.created_by, activity_state(a))
            for a in rows
        ],
        right=[0],
    )  # fmt: skip


def activity_state(activity: ActivityRow) -> str:
    """Whether it is still to be done, was called off, or was late and planned anew."""
    if activity.escalated_at is not None:
        return "late, planned anew"
    if activity.cancelled_at is not None:
        return "called off"
    return "open" if activity.is_open else ""


def document_json(document: DocumentRow) -> dict[str, Any]:
    """A file kept with a lead."""
    return {
        "id": document.id, "name": document.name, "mime": document.mime, "bytes": document.bytes,
        "sha256": document.sha256, "uploaded_by": document.uploaded_by, "at": iso_z(document.at),
        "path": document.path,
    }  # fmt: skip


def detail_text(lead: LeadDetail, view: View, serving: Serving | None = None) -> str:
    """Everything about a lead, for reading."""
    parts = [f"{lead.row.number}  {lead.row.title}", _detail_pairs(lead, view, serving)]
    history = [(view.local(e.changed_at), e.status, e.changed_by, e.reason) for e in lead.status_history]
    done = [
        (view.local(a.scheduled_at or a.created_at, a.all_day), a.type, a.outcome, a.subject, a.created_by,
         "" if not a.is_open else "open")
        for a in lead.activities
    ]  # fmt: skip
    files = [(d.name, d.mime, d.bytes, d.uploaded_by, view.local(d.at)) for d in lead.documents]
    if history:
        parts.append("Status history\n" + table(("when", "status", "by", "reason"), history))
    if lead.loans:
        parts.append("Loan promises\n" + loans_of_lead_text(lead.loans, view))
    if done:
        parts.append("Activities\n" + table(("when", "type", "outcome", "subject", "by", ""), done))
    if lead.bookings:
        booked = [(b.ref, view.local(b.at), ", ".join(f"{k} {v}" for k, v in b.details.items())) for b in lead.bookings]
        parts.append("Bookings\n" + table(("ref", "when", "what"), booked))
    if files:
        parts.append("Documents\n" + table(("name", "kind", "bytes", "by", "when"), files, right=[2]))
    return "\n\n".join(parts)


def _detail_pairs(lead: LeadDetail, view: View, serving: Serving | None) -> str:
    rows: list[tuple[str, Any]] = []
    for field in LEAD_FIELDS:
        if view.hides(field.key) or field.key == "number":
            continue
        key = "next_follow_up" if field.key == "follow_up" else field.key
        if getattr(lead.row, key, None) is False:
            continue
        if key in COLUMNS:
            rows.append((field.label, _lead_words(lead.row, key, view)))
            continue
        value = lead.fields.get(field.key)
        shown = format_money(value, view.currency) if field.kind == "money" else value
        rows.append((field.label, view.local(shown) if isinstance(shown, datetime) else shown))
    rows += [(f"custom.{name}", value) for name, value in lead.custom.items()]
    rows += [("Milestones", ", ".join(f"{one.name} {view.local(one.at, True)}" for one in lead.milestones))]
    rows += [("Interests", lead.interests), ("Deleted", lead.row.is_deleted or None)]
    rows += [("Router user", _router_words(lead.row.router_user)), ("Open job", lead.pending_job)]
    if serving is not None:
        at = f" ({view.local(serving.answered_at)})" if serving.answered_at else ""
        rows.append(("Service", f"{serving.verdict}{at}"))
    return pairs((label, None if value is False else value) for label, value in rows)


def _router_words(user: RouterUserRow | None) -> str | None:
    return None if user is None else f"{user.username} on {user.router} ({user.state})"


def records_text(records: Sequence[Mapping[str, Any]], keys: Sequence[str] | None = None) -> str:
    """Plain records as a table of those of their fields that hold anything."""
    if not records:
        return "none"
    every = keys or list(dict.fromkeys(key for record in records for key in record))
    shown = [key for key in every if any(words(record.get(key)) != "" for record in records)]
    return table([key.replace("_", " ") for key in shown], [[record.get(key) for key in shown] for record in records])
