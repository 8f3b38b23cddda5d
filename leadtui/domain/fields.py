"""The one table of lead fields: forms, `--set`, import mapping, export columns, filters and audit all read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "line",
    "block",
    "phone",
    "email",
    "money",
    "int",
    "number",
    "date",
    "when",
    "bool",
    "tribool",
    "choice",
    "lookup",
    "person",
    "tags",
    "computed",
]

PRIORITIES = ("low", "medium", "high")
TIMELINES = ("immediate", "3_months", "6_months", "1_year", "later")
CONSENTS = ("given", "refused")
"""Whether a lead agreed to messages, or wants none; empty: nobody asked."""


@dataclass(frozen=True, slots=True)
class LeadField:
    """One field of a lead.

    `column` is its column in the store (None: it lives elsewhere or is computed); `lookup` names the small table a
    `lookup` value is looked up in; `aliases` are other words accepted in import headers and filters;
    `limit` is the longest text in characters, `highest` the largest whole number; `editable` says whether `--set` and
    forms may write it.
    """

    key: str
    label: str
    kind: Kind
    column: str | None = None
    group: str = "more"
    limit: int | None = None
    highest: int | None = None
    lookup: str | None = None
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    editable: bool = True
    sortable: bool = True
    filterable: bool = True
    help: str = ""


def _f(key: str, label: str, kind: Kind, column: str | None = "", **more: object) -> LeadField:
    return LeadField(key, label, kind, key if column == "" else column, **more)  # type: ignore[arg-type]


LEAD_FIELDS: tuple[LeadField, ...] = (
    # identity and contact (spec §B)
    _f("number", "Number", "line", group="identity", editable=False, aliases=("lead_number", "lead no", "ref")),
    _f(
        "name",
        "Name",
        "line",
        group="contact",
        limit=255,
        aliases=("lead_name", "lead name", "customer name", "full name", "client", "contact name", "names"),
    ),
    _f(
        "phone",
        "Phone",
        "phone",
        "phone_e164",
        group="contact",
        limit=40,
        aliases=(
            "phone number",
            "phonenumber",
            "mobile",
            "mobile_number",
            "mobile number",
            "contact",
            "tel",
            "telephone",
            "cell",
            "msisdn",
            "phone no",
        ),
    ),
    _f(
        "alt_phone",
        "Second phone",
        "phone",
        "alt_phone_e164",
        group="contact",
        limit=40,
        aliases=("alternate_mobile", "alternate mobile", "alt phone", "other phone", "phone 2", "second phone"),
    ),
    _f("email", "Email", "email", group="contact", limit=255, aliases=("e-mail", "mail", "email address")),
    _f("unit_number", "Unit", "line", group="contact", limit=50, aliases=("unitnumber", "unit", "house", "door")),
    _f("location", "Location", "line", group="contact", limit=255, aliases=("area", "estate", "place")),
    _f("address", "Address", "block", group="contact", limit=1000, sortable=False, aliases=("street",)),
    _f("city", "City", "line", group="contact", limit=100, sortable=False, aliases=("town",)),
    _f("state", "State", "line", group="contact", limit=100, sortable=False, aliases=("county", "province", "region")),
    _f(
        "pincode",
        "Pincode",
        "line",
        group="contact",
        limit=10,
        sortable=False,
        aliases=("zip", "postcode", "postal code", "pin code"),
    ),
    _f("lat", "Latitude", "number", group="contact", sortable=False, aliases=("latitude",)),
    _f("lon", "Longitude", "number", group="contact", sortable=False, aliases=("longitude", "lng")),
    # person
    _f("date_of_birth", "Born", "date", group="person", aliases=("dob", "birth date", "birthday")),
    _f("age", "Age", "computed", None, group="person", editable=False, sortable=False, filterable=False),
    _f("occupation", "Occupation", "line", group="person", limit=255, sortable=False, aliases=("job",)),
    _f(
        "employment_status",
        "Employment",
        "line",
        group="person",
        limit=50,
        sortable=False,
        aliases=("employmentstatus", "employment"),
    ),
    _f("passport", "Passport", "line", group="person", limit=50, sortable=False, aliases=("passport no",)),
    _f(
        "national_id",
        "National id",
        "line",
        group="person",
        limit=50,
        sortable=False,
        aliases=("cnic", "id number", "national id"),
    ),
    _f("language", "Language", "line", group="person", limit=50, sortable=False),
    # where it stands
    _f(
        "pipeline",
        "Pipeline",
        "lookup",
        "pipeline_id",
        group="state",
        lookup="pipeline",
        sortable=False,
        help="can be set when the lead is made",
    ),
    _f(
        "status",
        "Status",
        "lookup",
        "stage_id",
        group="state",
        lookup="stage",
        aliases=("stage", "lead_status", "lead status"),
    ),
    _f(
        "source",
        "Source",
        "lookup",
        "source_id",
        group="state",
        lookup="source",
        aliases=("lead_source", "lead source", "leadsource", "origin"),
    ),
    _f("priority", "Priority", "choice", group="state", choices=PRIORITIES),
    _f("score", "Score", "int", group="state", editable=False, aliases=("lead_score", "leadscore")),
    _f(
        "assigned_to",
        "Assigned to",
        "lookup",
        "assigned_to_id",
        group="state",
        lookup="user",
        aliases=("assigned", "agent", "owner", "assignedto", "assigned to"),
    ),
    _f(
        "manager",
        "Manager",
        "lookup",
        "manager_id",
        group="state",
        lookup="user",
        sortable=False,
        aliases=("relationship_manager", "relationship manager"),
    ),
    _f("branch", "Branch", "lookup", "branch_id", group="state", lookup="branch", aliases=("office",)),
    _f(
        "follow_up",
        "Follow-up",
        "when",
        "next_follow_up_at",
        group="state",
        aliases=(
            "next_follow_up",
            "due",
            "follow-up",
            "followup",
            "followupdate",
            "follow_up_date",
            "follow-up date",
            "follow up date",
            "next_follow_up_date",
            "next_followup_date",
        ),
    ),
    _f(
        "preferred_hour",
        "Best hour",
        "int",
        group="state",
        highest=23,
        sortable=False,
        aliases=("preferred hour", "preferredtimeofday", "preferred time", "best time", "best hour to call"),
        help="0 to 23: when this person likes to be called",
    ),
    _f("tags", "Tags", "tags", None, group="state", sortable=False, aliases=("tag", "labels")),
    # interest (spec §C)
    _f(
        "package",
        "Package",
        "lookup",
        "product_id",
        group="interest",
        lookup="product",
        aliases=("desired_package", "desired package", "desiredpackage", "plan"),
    ),
    _f(
        "product_interest",
        "Interested in",
        "line",
        group="interest",
        limit=255,
        sortable=False,
        aliases=("interest", "product interest"),
    ),
    _f("property_type", "Property type", "line", group="interest", limit=50, sortable=False, aliases=("propertytype",)),
    _f(
        "current_isp",
        "Current ISP",
        "line",
        group="interest",
        limit=100,
        sortable=False,
        aliases=("currentisp", "current isp", "isp", "current provider"),
    ),
    _f(
        "reason",
        "Reason",
        "block",
        "interest_reason",
        group="interest",
        limit=4000,
        sortable=False,
        aliases=(
            "reason_for_interest",
            "reason for interest",
            "dissatisfaction",
            "interest_reason",
            "reason for interest/dissatisfaction",
        ),
    ),
    _f(
        "brought_in_by",
        "Brought in by",
        "person",
        "referrer_id",
        group="interest",
        limit=255,
        aliases=("by", "referrer", "brought in by", "referred by", "broughtinby", "reference"),
    ),
    _f(
        "brought_in_by_contact",
        "Their phone",
        "phone",
        None,
        group="interest",
        limit=40,
        sortable=False,
        filterable=False,
        aliases=("brought in by contact", "referrer phone", "referrer contact"),
    ),
    _f(
        "has_router",
        "Has router",
        "bool",
        group="interest",
        sortable=False,
        aliases=("customer has router", "hasrouter", "router"),
    ),
    _f(
        "router_type",
        "Router type",
        "line",
        group="interest",
        limit=100,
        sortable=False,
        aliases=("routertype", "router model"),
    ),
    # money
    _f(
        "installation_fee",
        "Installation",
        "money",
        "installation_fee_minor",
        group="money",
        sortable=False,
        aliases=("installation", "agreed installation fee", "install fee", "installation fee", "setup fee"),
    ),
    _f(
        "monthly_fee",
        "Monthly",
        "money",
        "monthly_fee_minor",
        group="money",
        aliases=(
            "monthly",
            "fee",
            "agreed monthly subscription",
            "subscription",
            "monthly fee",
            "monthly subscription",
        ),
    ),
    _f(
        "total_amount",
        "Total",
        "computed",
        None,
        group="money",
        editable=False,
        sortable=False,
        filterable=False,
        aliases=("total", "total amount"),
    ),
    _f("budget", "Budget", "money", "budget_minor", group="money", sortable=False),
    _f("timeline", "Timeline", "choice", group="money", choices=TIMELINES, sortable=False),
    _f("pre_approved", "Pre-approved", "tribool", group="money", sortable=False, aliases=("preapproved",)),
    _f(
        "pre_approval_in_progress",
        "Approval pending",
        "tribool",
        group="money",
        sortable=False,
        aliases=("preapprovalinprogress",),
    ),
    _f("down_payment_ready", "Down payment", "tribool", group="money", sortable=False, aliases=("downpaymentready",)),
    # notes and consent
    _f(
        "remarks",
        "Remarks",
        "block",
        group="notes",
        limit=10000,
        sortable=False,
        aliases=("notes", "note", "comments", "comment"),
    ),
    _f(
        "consent",
        "Consent",
        "choice",
        group="notes",
        choices=CONSENTS,
        sortable=False,
        aliases=("opt_in", "opt in", "marketing consent"),
        help="given, or refused: then nothing is sent",
    ),
    # behaviour (contract answer 13)
    _f("page_views", "Page views", "int", group="behaviour", sortable=False, aliases=("pageviews",)),
    _f("property_views", "Property views", "int", group="behaviour", sortable=False, aliases=("propertyviews",)),
    _f("searches", "Searches", "int", group="behaviour", sortable=False, aliases=("searchesperformed",)),
    _f("email_opens", "Email opens", "int", group="behaviour", sortable=False, aliases=("emailopens",)),
    _f("email_clicks", "Email clicks", "int", group="behaviour", sortable=False, aliases=("emailclicks",)),
    _f("social", "Social", "int", group="behaviour", sortable=False, aliases=("socialengagement",)),
    _f(
        "avg_response_min",
        "Response minutes",
        "int",
        group="behaviour",
        sortable=False,
        aliases=("averageresponsetime",),
    ),
    _f("communications", "Communications", "int", group="behaviour", sortable=False, aliases=("communicationcount",)),
    _f(
        "has_appointment",
        "Appointment",
        "tribool",
        group="behaviour",
        sortable=False,
        aliases=("hasscheduledappointment",),
    ),
    # what became of it
    _f(
        "is_converted", "Converted", "computed", None, group="outcome", editable=False, sortable=False, filterable=False
    ),
    _f("is_lost", "Lost", "computed", None, group="outcome", editable=False, sortable=False, filterable=False),
    _f(
        "is_protected",
        "Protected",
        "computed",
        "is_protected",
        group="outcome",
        editable=False,
        sortable=False,
        filterable=False,
    ),
    _f(
        "lost_reason",
        "Lost reason",
        "computed",
        None,
        group="outcome",
        editable=False,
        sortable=False,
        filterable=False,
    ),
    _f("converted_at", "Converted at", "when", group="outcome", editable=False, aliases=("converted",)),
    _f(
        "conversion_notes",
        "Conversion notes",
        "block",
        group="outcome",
        editable=False,
        sortable=False,
        filterable=False,
    ),
    _f("customer_id", "Customer", "int", group="outcome", editable=False, sortable=False),
    _f(
        "created_at",
        "Created",
        "when",
        group="record",
        editable=False,
        aliases=("created", "createdat", "date created", "created_date"),
    ),
    _f("updated_at", "Updated", "when", group="record", editable=False, aliases=("updated", "updatedat")),
    _f(
        "last_activity_at",
        "Last contact",
        "when",
        group="record",
        editable=False,
        sortable=False,
        aliases=("last_activity", "last contact"),
    ),
    _f(
        "stage_changed_at",
        "In status since",
        "when",
        group="record",
        editable=False,
        sortable=False,
        aliases=("in_status_since",),
    ),
)

BY_KEY: dict[str, LeadField] = {f.key: f for f in LEAD_FIELDS}
BY_COLUMN: dict[str, LeadField] = {f.column: f for f in LEAD_FIELDS if f.column}
EDITABLE: tuple[LeadField, ...] = tuple(f for f in LEAD_FIELDS if f.editable)

# The lead object of the contract, in its order. `id` and `version` are not fields of the catalogue: nobody edits them.
LEAD_OBJECT: tuple[str, ...] = (
    "id",
    "number",
    "name",
    "phone",
    "email",
    "status",
    "source",
    "priority",
    "score",
    "assigned_to",
    "branch",
    "package",
    "current_isp",
    "reason",
    "brought_in_by",
    "brought_in_by_contact",
    "installation_fee",
    "monthly_fee",
    "total_amount",
    "has_router",
    "router_type",
    "location",
    "unit_number",
    "next_follow_up",
    "tags",
    "is_converted",
    "is_lost",
    "is_protected",
    "customer_id",
    "router_user",
    "created_at",
    "updated_at",
    "version",
)

# The columns of the list screen (spec §V 161), and of `lead list` without --columns.
LIST_COLUMNS: tuple[str, ...] = (
    "name",
    "phone",
    "source",
    "status",
    "brought_in_by",
    "follow_up",
    "created_at",
)


def header_key(text: str) -> str:
    """A header or field word in the one spelling used for comparing: lower case, blanks for `_` and `-`."""
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split())


def _names(fields: Iterable[LeadField]) -> dict[str, LeadField]:
    names: dict[str, LeadField] = {}
    for f in fields:
        for word in (f.key, f.label, *f.aliases):
            names.setdefault(header_key(word), f)
    for f in fields:  # a key always wins over another field's alias
        names[header_key(f.key)] = f
    return names


_NAMES = _names(LEAD_FIELDS)


def find_field(word: str) -> LeadField | None:
    """The field that `word` names by key, label or alias, in any case and spelling; None if there is none."""
    return _NAMES.get(header_key(word))
