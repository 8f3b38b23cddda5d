"""What operations answer, described for the OpenAPI document; the values themselves come from `domain.shapes`.

Every key of a lead may be missing: a role may hide it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, create_model

from leadtui.domain.fields import LEAD_FIELDS, LEAD_OBJECT

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-20T11:00:00Z"])]
Money = Annotated[str, Field(description="decimal text of major units", examples=["2500.00"])]


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class RouterUser(_Open):
    """The user on the router of a converted lead."""

    router: str
    username: str
    service: str | None = None
    profile: str | None = None
    ip: str | None = None
    state: str | None = None


_KINDS: Final[dict[str, Any]] = {
    "id": int, "number": str, "score": int | None, "tags": list[str], "has_router": bool | None, "is_converted": bool,
    "is_lost": bool, "is_protected": bool, "customer_id": int | None, "router_user": RouterUser | None, "version": int,
    "created_at": Moment, "updated_at": Moment, "installation_fee": Money | None, "monthly_fee": Money | None,
    "total_amount": Money | None,
}  # fmt: skip

_FIELDS: dict[str, Any] = {key: (_KINDS.get(key, str | None), Field(default=None)) for key in LEAD_OBJECT}
_FIELDS |= {
    "id": (int, ...), "number": (str, ...),
    "warnings": (list[str] | None, Field(default=None, description="of what was done just now")),
}  # fmt: skip
Lead: Any = create_model("Lead", __base__=_Open, __doc__="A lead, as `lead show --json` begins.", **_FIELDS)


class LeadList(BaseModel):
    """A page of leads."""

    total: int
    page: int
    limit: int
    leads: list[Lead]


class Activity(_Open):
    """Something that was done with a lead, or is to be done."""

    id: int
    lead_number: str
    type: str
    subject: str | None = None
    details: str | None = None
    outcome: str | None = None
    next_action: str | None = None
    scheduled_at: str | None = None
    completed_at: Moment | None = None
    created_by: str | None = None
    created_at: Moment


class Activities(BaseModel):
    """Activities, the newest first."""

    total: int
    activities: list[Activity]


class FollowUp(_Open):
    """Something that is to be done."""

    id: int
    lead_number: str
    lead_name: str | None = None
    phone: str | None = None
    at: str | None
    all_day: bool
    subject: str | None = None
    assigned_to: str | None = None
    overdue: bool


class FollowUps(BaseModel):
    """What is to be done, the earliest first."""

    total: int
    followups: list[FollowUp]


class Loan(_Open):
    """A promise to clear a loan."""

    id: int
    lead_number: str
    amount: Money
    promised_clear_date: str
    status: str
    note: str | None = None


class Loans(BaseModel):
    """Promises."""

    total: int
    loans: list[Loan]


class Refusal(BaseModel):
    """A lead that an act was refused for."""

    lead_id: int
    lead_number: str
    error: str


class Bulk(_Open):
    """What an act on many leads did; one undo takes the batch back."""

    matched: int
    changed: int
    refused: list[Refusal]
    batch: int | None


class Conversion(BaseModel):
    """What a conversion came to."""

    success: bool
    message: str
    lead: Lead
    customer: dict[str, Any] | None
    router_user: RouterUser | None


class ConvertedLead(_Open):
    """A lead that became a customer."""

    lead_id: int
    customer_id: int | None
    lead_number: str


class BulkConversion(BaseModel):
    """What became of each lead; one that failed never stops the rest."""

    total: int
    successful: list[ConvertedLead]
    failed: list[Refusal]


class StatusCount(BaseModel):
    """How many leads have a status."""

    status: str
    count: int


class MonthCount(BaseModel):
    """A month of the office's calendar."""

    month: str
    created: int
    converted: int


class Statistics(BaseModel):
    """The office in figures."""

    total_leads: int
    new_this_month: int
    total_converted: int
    by_status: list[StatusCount]
    by_month: list[MonthCount]
    year: int


class SourceShare(BaseModel):
    """What came of the leads of a source; the rate in percent."""

    source_name: str
    total: int
    converted: int
    rate: float


class UserShare(BaseModel):
    """What came of the leads of a user; the rate in percent."""

    user_name: str
    login: str | None
    total: int
    converted: int
    rate: float


class ConversionStats(BaseModel):
    """What became of the leads created in a time."""

    total_leads: int
    converted_count: int
    lost_count: int
    active_count: int
    conversion_rate: float
    lost_rate: float
    average_conversion_time_days: float | None
    by_source: list[SourceShare]
    by_user: list[UserShare]


class Revenue(BaseModel):
    """What converted leads agreed to pay, in major units; null where the role may not see it."""

    installation: str | None
    monthly: str | None


class LeadReport(BaseModel):
    """The leads created in a time; the rate in percent."""

    total_leads: int
    qualified_leads: int
    converted_leads: int
    conversion_rate: float
    average_lead_score: float | None
    leads_by_source: list[SourceShare]
    leads_by_stage: list[StatusCount]
    time_to_conversion_days: float | None
    revenue_generated: Revenue


class CampaignFigures(BaseModel):
    """How the messages of a campaign stand; rates in percent."""

    id: int
    name: str
    status: str
    total: int
    sent: int
    delivered: int
    delivery_rate: float
    read: int
    read_rate: float
    failed: int
    pending: int
    success_rate: float


class CampaignsInFigures(BaseModel):
    """All campaigns one may see, newest first."""

    total: int
    campaigns: list[CampaignFigures]


class Kept(BaseModel):
    """What came in was kept; the worker applies it. `new` is how much of it was not known before."""

    accepted: bool
    new: int


class Health(BaseModel):
    """Whether the server and its database answer, and whether a worker applies what comes in."""

    status: str
    version: str
    worker: bool


def lead_fields() -> dict[str, Any]:
    """The fields a lead may be given, described; for the body of create and update."""
    value = {"anyOf": [{"type": kind} for kind in ("string", "number", "boolean", "null")]}
    found: dict[str, Any] = {}
    for field in LEAD_FIELDS:
        if field.editable:
            found[field.key] = value | {"description": field.label + (f": {field.help}" if field.help else "")}
    found["tags"] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    found["custom"] = {"type": "object", "additionalProperties": value, "description": "the office's own fields"}
    return found
