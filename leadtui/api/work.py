"""Follow-ups, promises, contacts (spec AE 209, 210, 214)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import Field, StrictFloat, StrictInt

from leadtui.domain.records import Done
from leadtui.domain.shapes import View, activity_json, follow_up_json, lead_json, loan_json
from leadtui.services import activities, follow_ups, loans
from leadtui.services.activities import LogEntry
from leadtui.services.intake_rows import as_text
from leadtui.services.office import Office

from . import problems, shapes
from .answers import Answer
from .leads import LeadRef
from .names import one_of
from .requests import Acting, Body, Ref, Route

router = APIRouter(tags=["work"], route_class=Route, responses=problems.responses())

Text = Annotated[str, Field(max_length=4000)]
Line = Annotated[str, Field(max_length=255)]
When = Annotated[str, Field(max_length=60, examples=["2026-11-24", "2026-11-24 14:00", "+3d"])]
Limit = Annotated[int | None, Query(ge=1, le=10_000, description="so many; else all")]
PageNo = Annotated[int, Query(alias="page", ge=1, le=1_000_000)]


def _offset(limit: int | None, number: int) -> int:
    return (number - 1) * limit if limit else 0


# -- follow-ups -------------------------------------------------------------------------------------------------------
class FollowUpBody(Body):
    """A follow-up of a lead: `at` (or a date, as the source documents name it)."""

    lead: Ref | None = None
    lead_id: Ref | None = None
    at: When | None = None
    date: When | None = None
    next_followup_date: When | None = None
    follow_up_date: When | None = None
    subject: Line | None = None
    notes: Line | None = None


class MadeFollowUp(shapes.FollowUp):
    """The follow-up, its lead, and the batch that undo takes back."""

    batch: int | None = None
    lead: Any = None
    warnings: list[str] | None = None


@router.post("/api/leads/followup", response_model=MadeFollowUp, status_code=201, summary="Add a follow-up")
def add_follow_up(office: Acting, body: FollowUpBody) -> Answer:
    """Add a follow-up to a lead."""
    ref = one_of("lead", body.lead, body.lead_id)
    at = one_of("at", body.at, body.date, body.next_followup_date, body.follow_up_date)
    done = activities.add_follow_up(office, ref, at, subject=body.subject or body.notes)
    _, made = follow_ups.list_open(office, batch=done.batch)
    view = View.of(office)
    return Answer((follow_up_json(made[0], view) if made else {}) | _about(done, view), 201)


def _about(done: Done, view: View) -> dict[str, Any]:
    warned = {"warnings": list(done.warnings)} if done.warnings else {}
    return {"batch": done.batch, "lead": lead_json(done.lead, view), **warned}


@router.get("/api/leads/followup", response_model=shapes.FollowUps, summary="What is to be done")
def list_follow_ups(
    office: Acting,
    which: Annotated[str, Query(pattern="^(all|due|overdue|today|upcoming)$")] = "all",
    mine: bool = False,
    limit: Limit = None,
    page: PageNo = 1,
) -> Answer:
    """What is to be done, the earliest first; due is up to the end of today, overdue before it."""
    return _follow_ups(office, which, mine=mine, limit=limit, offset=_offset(limit, page))


@router.get("/api/leads/followup/today", response_model=shapes.FollowUps, summary="What is to be done today")
def today(office: Acting, mine: bool = False, limit: Limit = None, page: PageNo = 1) -> Answer:
    """What is to be done today."""
    return _follow_ups(office, "today", mine=mine, limit=limit, offset=_offset(limit, page))


def _follow_ups(office: Office, which: str, *, mine: bool, limit: int | None, offset: int) -> Answer:
    total, found = follow_ups.list_open(office, which, mine=mine, limit=limit, offset=offset)
    view = View.of(office)
    return Answer({"total": total, "followups": [follow_up_json(one, view) for one in found]})


# -- promises ---------------------------------------------------------------------------------------------------------
class LoanBody(Body):
    """A promise to clear a loan: a new one takes the place of the open one."""

    lead: Ref | None = None
    lead_id: Ref | None = None
    amount: Annotated[str, Field(max_length=40)] | StrictInt | StrictFloat
    date: When | None = None
    promised_clear_date: When | None = None
    note: Text | None = None


class MadeLoan(shapes.Loan):
    """The promise, its lead, and the batch that undo takes back."""

    batch: int | None = None
    lead: Any = None
    warnings: list[str] | None = None


@router.post("/api/leads/loan-promise", response_model=MadeLoan, status_code=201, summary="Note a promise")
def promise(office: Acting, body: LoanBody) -> Answer:
    """Note that a lead promised to clear a loan, or promise anew."""
    ref = one_of("lead", body.lead, body.lead_id)
    day = one_of("date", body.date, body.promised_clear_date)
    done = loans.promise(office, ref, as_text(body.amount), day, body.note)
    _, made = loans.list_loans(office, "open", batch=done.batch)
    view = View.of(office)
    return Answer((loan_json(made[0], view) if made else {}) | _about(done, view), 201)


@router.get("/api/leads/overdue-loans", response_model=shapes.Loans, summary="Promises that were not kept")
def overdue(office: Acting, mine: bool = False, limit: Limit = None, page: PageNo = 1) -> Answer:
    """Promises marked overdue, those awaited longest first."""
    total, found = loans.list_loans(office, "overdue", mine=mine, limit=limit, offset=_offset(limit, page))
    view = View.of(office)
    return Answer({"total": total, "loans": [loan_json(one, view) for one in found]})


# -- contacts ---------------------------------------------------------------------------------------------------------
class LogBody(Body):
    """A contact with a lead; `scheduled_at` plans one. What happens next may be said with it."""

    type: Annotated[str, Field(max_length=50, examples=["call", "meeting", "Site-Visit"])]
    subject: Line | None = None
    details: Text | None = None
    description: Text | None = None
    outcome: Annotated[str, Field(max_length=40)] | None = None
    next_action: Line | None = None
    next_at: When | None = None
    next_action_date: When | None = None
    at: When | None = None
    scheduled_at: When | None = None


@router.post("/api/leads/{ref}/activities", response_model=shapes.Lead, status_code=201, summary="Log a contact")
@router.post("/api/leads/{ref}/interactions", response_model=shapes.Lead, status_code=201, summary="Log a contact")
def log(office: Acting, ref: LeadRef, body: LogBody) -> Answer:
    """Put a contact on a lead's timeline; answers the lead as it is then."""
    entry = LogEntry(
        type=body.type, subject=body.subject or "", details=body.details or body.description, outcome=body.outcome,
        next_action=body.next_action, next_at=body.next_at or body.next_action_date, at=body.at,
        schedule=body.scheduled_at,
    )  # fmt: skip
    done = activities.log(office, ref, entry)
    warned = {"warnings": list(done.warnings)} if done.warnings else {}
    return Answer(lead_json(done.lead, View.of(office)) | warned, 201)


@router.get("/api/leads/{ref}/activities", response_model=shapes.Activities, summary="A lead's timeline")
@router.get("/api/leads/{ref}/interactions", response_model=shapes.Activities, summary="A lead's timeline")
def timeline(
    office: Acting, ref: LeadRef, limit: Annotated[int, Query(ge=1, le=1000)] = 50, page: PageNo = 1
) -> Answer:
    """What was done with a lead, newest first."""
    return _activities(office, ref=ref, limit=limit, offset=_offset(limit, page))


@router.get("/api/activities", response_model=shapes.Activities, summary="Activities of all leads")
def list_activities(
    office: Acting,
    scope: Annotated[
        str | None, Query(pattern="^(scheduled|completed|pending|overdue|today|upcoming|cancelled)$")
    ] = None,
    type_: Annotated[str | None, Query(alias="type", max_length=200, description="separated by commas")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    page: PageNo = 1,
) -> Answer:
    """Activities, newest first; plans by their time."""
    types = [word for word in (type_ or "").split(",") if word.strip()]
    scopes = [scope] if scope else []
    return _activities(office, scopes=scopes, types=types, limit=limit, offset=_offset(limit, page))


def _activities(office: Office, **wanted: Any) -> Answer:
    total, found = activities.list_all(office, **wanted)
    view = View.of(office)
    return Answer({"total": total, "activities": [activity_json(one, view) for one in found]})


class CompleteBody(Body):
    """What came of it."""

    outcome: Annotated[str, Field(max_length=40)] | None = None
    note: Text | None = None


@router.post("/api/activities/{id}/complete", response_model=shapes.Activity, summary="A plan was carried out")
def complete(
    office: Acting,
    id_: Annotated[int, InPath(alias="id", ge=1, le=2**31 - 1)],
    body: CompleteBody | None = None,
) -> Answer:
    """Mark a planned activity as done."""
    said = body or CompleteBody()
    activities.complete(office, id_, outcome=said.outcome, note=said.note)
    return Answer(activity_json(activities.get_activity(office, id_), View.of(office)))
