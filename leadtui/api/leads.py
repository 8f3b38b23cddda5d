"""Leads: find, read, add, change, delete (spec AE 200–204, 211, 212)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, BinaryIO, Final, cast

from fastapi import APIRouter, Header, Query
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, RootModel
from starlette.responses import StreamingResponse

from leadtui import clock
from leadtui.domain.dates import parse_day_range
from leadtui.domain.fields import LEAD_OBJECT, find_field
from leadtui.domain.filters import Node, Op, Term, Text, every
from leadtui.domain.filters.writer import in_quotes
from leadtui.domain.records import Done
from leadtui.domain.shapes import View, detail_json, lead_json
from leadtui.errors import Invalid, UsageError
from leadtui.services import exporting, journeys, leads, lifecycle
from leadtui.services.office import Office
from leadtui.services.serving import can_serve

from . import problems, shapes
from .answers import Answer
from .names import source_named, stage_named, user_named
from .requests import Acting, Route, as_text

router = APIRouter(prefix="/api/leads", tags=["leads"], route_class=Route, responses=problems.responses())

LeadRef = Annotated[str, InPath(max_length=100, description="a lead's number, id or phone")]
_FORMATS: Final = {"csv": "text/csv", "jsonl": "application/jsonl", "vcf": "text/vcard",
                   "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}  # fmt: skip


def answer(office: Office, done: Done, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """The lead as it is now, with what the service warns of."""
    found = lead_json(done.lead, View.of(office))
    if done.warnings:
        found["warnings"] = list(done.warnings)
    return Answer(found, status, dict(headers or {}))


def page(office: Office, where: Node | str | None, *, sort: str, limit: int, number: int) -> Answer:
    """A page of what a filter finds."""
    found = leads.search(office, where, sort=sort, limit=limit, offset=(number - 1) * limit)
    view = View.of(office)
    return Answer(
        {
            "total": found.total or 0,
            "page": number,
            "limit": limit,
            "leads": [lead_json(one, view) for one in found.rows],
        }
    )


# -- finding ----------------------------------------------------------------------------------------------------------
class Filters(BaseModel):
    """The filter language, or the parameters of the source documents; all that is given must hold."""

    model_config = ConfigDict(extra="ignore")

    filter: str | None = Query(None, max_length=4000, description='status:interested source:"Field Sales" due:<=today')
    status_id: str | None = Query(None, max_length=500, description="ids or names, separated by commas")
    lead_status: str | None = Query(None, max_length=500)
    source_id: str | None = Query(None, max_length=500, description="ids or names, separated by commas")
    assigned_to: str | None = Query(None, max_length=500, description="a login or an id; me; none")
    branch_id: str | None = Query(None, max_length=200, description="a branch by id or name")
    priority: str | None = Query(None, max_length=50)
    search: str | None = Query(None, max_length=500, description="in name, phone, email and number")
    date_from: str | None = Query(None, max_length=40, description="created on or after this day")
    date_to: str | None = Query(None, max_length=40, description="created on or before this day")
    next_followup_date: str | None = Query(None, max_length=40, description="the day of the next follow-up")

    def node(self, office: Office) -> Node | None:
        """All of it as one filter. Raises FilterError, Invalid."""
        parts: list[Node] = []
        if typed := leads.as_filter(office, self.filter or ""):
            parts.append(typed)
        for text in (self.status_id, self.lead_status):
            parts += _any("status", [stage_named(office, one) for one in _words(text)])
        parts += _any("source", [source_named(office, one) for one in _words(self.source_id)])
        if self.assigned_to and self.assigned_to.strip().casefold() == "none":
            parts.append(Term("assigned_to", "is_null"))
        else:
            parts += _any("assigned_to", [user_named(office, one) for one in _words(self.assigned_to)])
        if self.branch_id:
            parts += _any("branch", [_branch(office, one) for one in _words(self.branch_id)])
        parts += _any("priority", _words(self.priority))
        if self.search and self.search.split():
            parts.append(Text(tuple(self.search.split())))
        parts += _dated(office, "created_at", "ge", "date_from", self.date_from)
        parts += _dated(office, "created_at", "le", "date_to", self.date_to)
        parts += _dated(office, "follow_up", "eq", "next_followup_date", self.next_followup_date)
        hidden = [one.field for one in parts if isinstance(one, Term) and one.field in office.actor.hidden_fields]
        if hidden:
            raise UsageError(f"there is no field '{hidden[0]}'", field=hidden[0])
        return every(parts) if parts else None


def _words(text: str | None) -> list[str]:
    return [one.strip() for one in (text or "").split(",") if one.strip()][:200]


def _any(field: str, values: list[str]) -> list[Node]:
    if not values:
        return []
    return [Term(field, "eq" if len(values) == 1 else "in", tuple(values))]


def _dated(office: Office, field: str, op: Op, parameter: str, text: str | None) -> list[Node]:
    """A date as it is typed, so that it is read like one in a filter. Raises Invalid naming the parameter."""
    if not text or not text.strip():
        return []
    parse_day_range(text, tz=office.tz, now=clock.now(), field=parameter)
    return [Term(field, op, (text,))]


def _branch(office: Office, text: str) -> str:
    by_id = office.catalog.branch_by_id.get(int(text)) if text.isascii() and text.isdigit() else None
    return by_id.name if by_id is not None else office.catalog.find_branch(text, field="branch_id").name


class Order(BaseModel):
    """Which page, in which order."""

    sort: str | None = Query(None, max_length=60, description="a field; -field backwards", examples=["-created_at"])
    sort_by: str | None = Query(None, max_length=60)
    sort_order: str | None = Query(None, pattern="^(asc|desc|ASC|DESC)$")
    limit: int | None = Query(None, ge=1, le=1000, description="leads on a page; 15")
    per_page: int | None = Query(None, ge=1, le=1000)
    page: int = Query(1, ge=1, le=10_000_000)

    @property
    def text(self) -> str:
        """The order as the services take it: newest first where nothing is said."""
        if self.sort or not self.sort_by:
            return self.sort or "-created_at"
        return ("-" if (self.sort_order or "desc").casefold() == "desc" else "") + self.sort_by

    @property
    def size(self) -> int:
        """How many on a page."""
        return self.limit or self.per_page or 15


@router.get("", response_model=shapes.LeadList, summary="List leads")
@router.get("/list", response_model=shapes.LeadList, summary="List leads")
def list_leads(office: Acting, filters: Annotated[Filters, Query()], order: Annotated[Order, Query()]) -> Answer:
    """Leads that a filter finds, newest first, 15 on a page."""
    return page(office, filters.node(office), sort=order.text, limit=order.size, number=order.page)


@router.get("/search", response_model=shapes.LeadList, summary="Find by passport, phone or words")
def search(
    office: Acting,
    passport: Annotated[str | None, Query(max_length=60)] = None,
    contact: Annotated[str | None, Query(max_length=60, description="a phone, in any spelling")] = None,
    q: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 15,
    page_: Annotated[int, Query(alias="page", ge=1, le=10_000_000)] = 1,
) -> Answer:
    """Leads with this passport, this phone, these words; in any spacing and case (spec AJ23)."""
    asked = [(field, text) for field, text in (("passport", passport), ("phone", contact)) if text and text.strip()]
    if not asked and not (q and q.strip()):
        raise UsageError("say what to look for", field="contact", hint="passport=, contact= or q=")
    parts: list[Node] = [
        found for field, text in asked if (found := leads.as_filter(office, f"{field}:{in_quotes(text)}"))
    ]
    parts += [Text(tuple(q.split()))] if q and q.split() else []
    return page(office, every(parts), sort="-created_at", limit=limit, number=page_)


@router.get(
    "/export", summary="All that a filter finds, as a file", response_model=None,
    responses={200: {"content": {kind: {} for kind in _FORMATS.values()}, "description": "the file"}},
)  # fmt: skip
def export(
    office: Acting,
    filters: Annotated[Filters, Query()],
    format_: Annotated[str, Query(alias="format", pattern="^(csv|jsonl|xlsx|vcf)$")] = "csv",
) -> StreamingResponse:
    """Every lead the filter finds, with all fields; the CSV can be imported again unchanged."""
    node = filters.node(office)
    # Written first, sent afterwards: a slow caller holds no transaction. The file has no name: nothing is left behind.
    out = tempfile.TemporaryFile(prefix="leadtui-")  # noqa: SIM115 - closed by the one who reads it
    try:
        exporting.export(office, node, format=format_, out=cast("BinaryIO", out))
        size = out.tell()
        out.seek(0)
    except BaseException:
        out.close()
        raise
    headers = {
        "Content-Disposition": f'attachment; filename="leads.{format_}"', "Cache-Control": "no-store",
        "Content-Length": str(size),
    }  # fmt: skip
    return StreamingResponse(_pieces(cast("BinaryIO", out)), media_type=_FORMATS[format_], headers=headers)


def _pieces(out: BinaryIO) -> Iterator[bytes]:
    with out:
        while piece := out.read(65_536):
            yield piece


# -- one lead ---------------------------------------------------------------------------------------------------------
Value = str | bool | int | float | None
Values = dict[str, Value | list[Value] | dict[str, Value]]


_EXAMPLE: Final[Any] = {"phone": "0722 000 111", "name": "Amina Otieno", "source": "Website", "package": "20 Mbps Home"}


class LeadBody(RootModel[Values]):
    """Fields of a lead: the keys of the lead object, and every other field, by any of its names."""

    model_config = ConfigDict(json_schema_extra={"properties": shapes.lead_fields(), "examples": [_EXAMPLE]})


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Field → text as typed. Raises Invalid where a field is given twice."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if key.casefold() == "custom" and isinstance(value, Mapping):
            found |= {f"custom.{name}": text for name, text in as_text(value).items()}
            continue
        if isinstance(value, Mapping):
            raise Invalid(f"{key[:60]} is one value", field=key[:60], hint="only custom holds several, by name")
        named = None if key.casefold().startswith("custom.") else find_field(key)
        name = named.key if named is not None else key.strip()
        text = as_text({name: value})[name]
        if found.setdefault(name, text) != text:
            raise Invalid(f"{name} is given twice", field=name, hint=f"as '{key[:60]}' too")
    return found


@router.post("", status_code=201, response_model=shapes.Lead, summary="Add a lead")
@router.post("/create", status_code=201, response_model=shapes.Lead, summary="Add a lead")
def create(
    office: Acting,
    body: LeadBody,
    allow_duplicate: Annotated[bool, Query(description="even if the phone is known, where the office allows")] = False,
    idempotency_key: Annotated[str | None, Header(max_length=200, description="the same key adds one lead")] = None,
) -> Answer:
    """Add a lead. With an `Idempotency-Key`, sending it again answers the lead that was made the first time."""
    values = _texts(body.root)
    if idempotency_key:
        done, is_new = leads.create_once(office, idempotency_key, values)
        headers = {} if is_new else {"Idempotency-Replayed": "true"}
        return answer(office, done, 201, headers | {"Location": f"/api/leads/{done.lead.number}"})
    done = leads.create(office, values, allow_duplicate=allow_duplicate)
    return answer(office, done, 201, {"Location": f"/api/leads/{done.lead.number}"})


@router.get("/{ref}", response_model=shapes.Lead, summary="Read a lead")
@router.get("/detail/{ref}", response_model=shapes.Lead, summary="Read a lead")
def read(office: Acting, ref: LeadRef) -> Answer:
    """The lead with its status history, activities, documents, promises, bookings, custom fields."""
    found = leads.get(office, ref)
    open_door = not (found.row.is_converted or found.row.is_lost or found.row.is_deleted)
    serving = can_serve(office, found.row.id) if open_door else None
    return Answer(detail_json(found, View.of(office), serving))


@router.get("/{ref}/journey", summary="The way of a lead")
def journey(office: Acting, ref: LeadRef) -> Answer:
    """Its statuses with how long, contacts, what the conversion made, where it left off, idle times (seconds)."""
    return Answer(journeys.of(office, ref).as_json())


@router.put("/{ref}", response_model=shapes.Lead, summary="Change a lead")
@router.put("/update/{ref}", response_model=shapes.Lead, summary="Change a lead")
def update(office: Acting, ref: LeadRef, body: LeadBody) -> Answer:
    """Change the fields given, the status among them; null clears one.

    A whole lead object may be sent back: with its `version`, a change by somebody else since refuses it, and what
    cannot be written must stand as it is.
    """
    values, version = dict(body.root), None
    if (given := values.pop("version", None)) is not None:
        if isinstance(given, bool) or not isinstance(given, int):
            raise Invalid("version is a whole number", field="version")
        version = given
    values.pop("warnings", None)
    fixed = {key: values.pop(key) for key in list(values) if key in _FIXED}
    if fixed:
        _must_stand(office, ref, fixed, version)
    if not values:
        return answer(office, Done(leads.get(office, ref).row, None))
    return answer(office, leads.edit(office, ref, _texts(values), version=version))


_FIXED: Final = frozenset(
    key for key in LEAD_OBJECT if key == "id" or (field := find_field(key)) is None or not field.editable
)
"""Keys of the lead object that nobody types."""


def _must_stand(office: Office, ref: str, fixed: Mapping[str, Any], version: int | None) -> None:
    """What cannot be written may be sent back as it is. With a version, an older state is told apart by that."""
    now = lead_json(leads.get(office, ref).row, View.of(office))
    if version is not None and version != now["version"]:
        return
    for key, value in fixed.items():
        if key in now and now[key] != value:
            raise Invalid(f"{key} is not set by hand", field=key, hint="leave it out")


@router.delete("/{ref}", response_model=shapes.Lead, summary="Delete a lead")
def delete(office: Acting, ref: LeadRef, reason: Annotated[str | None, Query(max_length=500)] = None) -> Answer:
    """Delete a lead; it can be restored. A protected one is refused with its reason."""
    return answer(office, lifecycle.delete(office, ref, reason))
