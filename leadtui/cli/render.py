"""Records of the services as text for people; their JSON objects are in `leadtui.domain.shapes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from leadtui.cli.output import pairs, table, terminal_width, words
from leadtui.cli.render_loans import loans_of_lead_text
from leadtui.domain.fields import BY_KEY, LEAD_FIELDS, LEAD_OBJECT, find_field
from leadtui.domain.money import format_money
from leadtui.domain.records import ActivityRow, FollowUpRow, LeadDetail, LeadRow, RouterUserRow
from leadtui.domain.shapes import (
    MONEY,
    SAME,
)
from leadtui.domain.shapes import View as View
from leadtui.domain.shapes import activity_json as activity_json
from leadtui.domain.shapes import booking_json as booking_json
from leadtui.domain.shapes import detail_json as detail_json
from leadtui.domain.shapes import document_json as document_json
from leadtui.domain.shapes import follow_up_json as follow_up_json
from leadtui.domain.shapes import lead_json as lead_json
from leadtui.domain.shapes import router_user_json as router_user_json
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.services.serving import Serving

COLUMNS: Final = (*LEAD_OBJECT, "pipeline")
"""What `--columns` may name."""


# -- leads -----------------------------------------------------------------------------------------------------------
def _lead_words(lead: LeadRow, key: str, view: View) -> str:
    """One cell of a lead for people."""
    if view.hides(key):
        return ""
    if key in MONEY:
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
    headers = [BY_KEY[SAME.get(key, key)].label if SAME.get(key, key) in BY_KEY else key for key in keys]
    right = [i for i, key in enumerate(keys) if key in MONEY or key in ("id", "score", "version")]
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
