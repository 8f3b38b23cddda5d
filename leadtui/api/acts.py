"""What is done with leads: status, assignment, loss, conversion (spec AE 205–208, 213)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StrictBool, StrictInt

from leadtui.domain.shapes import View, bulk_json, conversion_json
from leadtui.errors import Invalid, Refused
from leadtui.services import bulk, conversion, leads, lifecycle
from leadtui.services.bulk import Act, Target
from leadtui.services.conversion import ConvertRequest, RouterRequest
from leadtui.services.office import Office

from . import problems, shapes
from .answers import Answer
from .leads import LeadRef, answer
from .names import one_of, stage_named, user_named
from .requests import Acting, Body, Ref, Route

router = APIRouter(prefix="/api/leads", tags=["acts on leads"], route_class=Route, responses=problems.responses())
mikrotik = APIRouter(prefix="/api/mikrotik", tags=["acts on leads"], route_class=Route, responses=problems.responses())

Text = Annotated[str, Field(max_length=2000)]
Word = Annotated[str, Field(max_length=100)]
Named = Annotated[Word | StrictInt, Field(description="its name or its id")]
Refs = Annotated[list[Ref], Field(min_length=1, max_length=1000)]


# -- status, assignment, loss -----------------------------------------------------------------------------------------
class StatusBody(Body):
    """Where a lead is to move: `status` or `status_id`."""

    status: Named | None = None
    status_id: Named | None = None
    reason: Text | None = Field(None, description="needed for a loss, and where moves back need one")
    notes: Text | None = None
    version: StrictInt | None = None


@router.post("/{ref}/update-status", response_model=shapes.Lead, summary="Move a lead to another status")
def update_status(office: Acting, ref: LeadRef, body: StatusBody) -> Answer:
    """Move a lead; a converted status is reached by conversion only."""
    status = stage_named(office, one_of("status", body.status, body.status_id))
    done = lifecycle.set_status(office, ref, status, reason=body.reason, notes=body.notes, version=body.version)
    return answer(office, done)


class AssignBody(Body):
    """Who works the lead: a login or an id; `auto` chooses; `none` nobody."""

    assigned_to: Named


def _login(office: Office, given: str | int) -> str:
    word = str(given).strip()
    return word if word.casefold() in {"auto", "none", ""} else user_named(office, word)


@router.post("/{ref}/assign", response_model=shapes.Lead, summary="Assign a lead")
def assign(office: Acting, ref: LeadRef, body: AssignBody) -> Answer:
    """Give a lead to somebody."""
    return answer(office, lifecycle.assign(office, ref, _login(office, body.assigned_to)))


class BulkAssignBody(AssignBody):
    """The leads, and who works them."""

    lead_ids: Refs


def _ids(office: Office, refs: list[str | int]) -> tuple[int, ...]:
    """The leads named, each once. Raises NotFound."""
    return tuple(dict.fromkeys(leads.lead_id_of(office, ref) for ref in refs))


@router.post("/bulk-assign", response_model=shapes.Bulk, summary="Assign many leads")
def bulk_assign(office: Acting, body: BulkAssignBody) -> Answer:
    """Give many leads to somebody, as one batch; those it is refused for are named, the others are done."""
    done = bulk.apply(office, Target(_ids(office, body.lead_ids)), Act(assign=_login(office, body.assigned_to)))
    return Answer(bulk_json(done, View.of(office)))


class LoseBody(Body):
    """Why a lead is lost, and which lost status where there are several."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    status: Named | None = None


@router.post("/{ref}/mark-as-lost", response_model=shapes.Lead, summary="Mark a lead as lost")
@router.put("/lost/{ref}", response_model=shapes.Lead, summary="Mark a lead as lost")
def lose(office: Acting, ref: LeadRef, body: LoseBody) -> Answer:
    """Mark a lead as lost, with the reason."""
    status = stage_named(office, body.status) if body.status is not None else None
    return answer(office, lifecycle.lose(office, ref, body.reason, status=status))


# -- conversion -------------------------------------------------------------------------------------------------------
class CustomerBody(Body):
    """The customer that a conversion makes; the names of the source documents are understood beside the short ones."""

    type: Word | None = Field(None, description="Retail or Corporate")
    pan: Word | None = None
    pan_card_number: Word | None = None
    aadhar: Word | None = None
    aadhar_card_number: Word | None = None
    gst: Word | None = None
    gst_number: Word | None = None
    family_group: Named | None = None
    family_group_id: Named | None = None
    notes: Text | None = None
    conversion_notes: Text | None = None

    def request(self, *, customer: str | int | None = None, router: RouterRequest | None = None) -> ConvertRequest:
        """As the service takes it."""
        group = self.family_group if self.family_group is not None else self.family_group_id
        return ConvertRequest(
            notes=self.notes or self.conversion_notes, type=self.type or "Retail", pan=self.pan or self.pan_card_number,
            aadhar=self.aadhar or self.aadhar_card_number, gst=self.gst or self.gst_number,
            family_group=None if group is None else str(group), customer_id=customer, router=router,
        )  # fmt: skip


class RouterUserBody(Body):
    """The user on a router. What is left out is made: name and password; the package is the lead's desired one."""

    router: Named | None = None
    username: Word | None = None
    password: str | None = Field(None, max_length=200, repr=False)
    service: Word | None = Field(None, description="pppoe or hotspot")
    package: Named | None = None
    ip: Word | None = Field(None, description="a fixed address; next; next:POOL")

    def wanted(self, office: Office) -> RouterRequest | None:
        """The user asked for; None when none is. Raises Invalid for details without a router."""
        if self.router is None:
            for field in ("username", "password", "service", "package", "ip"):
                if getattr(self, field) is not None:
                    raise Invalid(f"{field} is for a router user", field="router", hint="name the router too")
            return None
        package = self.package
        if isinstance(package, int):
            product = office.catalog.product_by_id.get(package)
            if product is None:
                raise Invalid(f"there is no package {package}", field="package")
            package = product.name
        return RouterRequest(_router(office, self.router), self.username, self.password, self.service, package, self.ip)


def _router(office: Office, given: str | int) -> str:
    """The name of a router. Raises Invalid."""
    if isinstance(given, str):
        return given
    from leadtui.services import routers

    name = next((str(one["name"]) for one in routers.list_routers(office) if one["id"] == given), None)
    if name is None:
        raise Invalid(f"there is no router {given}", field="router")
    return name


class ConvertBody(CustomerBody, RouterUserBody):
    """How a lead becomes a customer. `customer_id` links to one that is there; `router` makes a user there too."""

    customer_id: Named | None = None
    show_secret: StrictBool = Field(False, description="answer the router user's password, this once")


class LinkBody(Body):
    """The customer that a lead is linked to."""

    customer_id: Named
    notes: Text | None = None


def _converted(office: Office, ref: str | int, request: ConvertRequest, *, show_secret: bool = False) -> Answer:
    result = conversion.convert(office, ref, request)
    return Answer(conversion_json(result, View.of(office), show_secret=show_secret))


@router.post("/{ref}/convert-auto", response_model=shapes.Conversion, summary="Convert: a new customer")
def convert_auto(office: Acting, ref: LeadRef, body: CustomerBody | None = None) -> Answer:
    """Make a customer of a lead's own data; a duplicate customer is refused."""
    return _converted(office, ref, (body or CustomerBody()).request())


@router.post("/{ref}/convert", response_model=shapes.Conversion, summary="Convert: link to a customer")
def convert_link(office: Acting, ref: LeadRef, body: LinkBody) -> Answer:
    """Link a lead to a customer that is there."""
    return _converted(office, ref, ConvertRequest(notes=body.notes, customer_id=body.customer_id))


@router.post("/convert/{ref}", response_model=shapes.Conversion, summary="Convert, with a router user if asked for")
@router.put("/convert/{ref}", response_model=shapes.Conversion, summary="Convert, with a router user if asked for")
def convert(office: Acting, ref: LeadRef, body: ConvertBody | None = None) -> Answer:
    """All or nothing: when the router fails, the lead keeps its status and 502 says why."""
    asked = body or ConvertBody()
    request = asked.request(customer=asked.customer_id, router=asked.wanted(office))
    return _converted(office, ref, request, show_secret=asked.show_secret)


class BulkConvertBody(CustomerBody):
    """The leads, and what their customers have in common."""

    lead_ids: Refs


@router.post("/bulk-convert", response_model=shapes.BulkConversion, summary="Convert many leads")
def bulk_convert(office: Acting, body: BulkConvertBody) -> Answer:
    """Convert each lead by itself; one that fails never stops the rest."""
    done = conversion.convert_many(office, Target(_ids(office, body.lead_ids)), body.request())
    return Answer(done.as_json())


class MikrotikBody(RouterUserBody):
    """The lead that becomes a customer, and its user on the router."""

    lead: Ref | None = None
    lead_id: Ref | None = None
    notes: Text | None = None
    show_secret: StrictBool = False


@mikrotik.post("/users", response_model=shapes.Conversion, status_code=201, summary="Make a user on a router")
def create_user(office: Acting, body: MikrotikBody) -> Answer:
    """The router's part of a conversion: of a lead, with a router. No user is made for nobody."""
    asked: Any = body.wanted(office)
    ref = body.lead if body.lead is not None else body.lead_id
    if ref is None or asked is None:
        raise Refused(
            "a user on a router is made by converting a lead", code="needs_lead",
            field="lead" if ref is None else "router", hint="name the lead and the router",
        )  # fmt: skip
    result = conversion.convert(office, ref, ConvertRequest(notes=body.notes, router=asked))
    return Answer(conversion_json(result, View.of(office), show_secret=body.show_secret), 201)
