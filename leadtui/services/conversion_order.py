"""What a conversion is asked for, and the order that comes of it: every value checked in one transaction (spec §L)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from leadtui.domain import conversion as rules
from leadtui.domain.catalog import Pipeline, Product, Stage
from leadtui.domain.conversion_plan import PlanFacts
from leadtui.errors import Duplicate, Invalid, NotPermitted, Refused
from leadtui.router.credentials import check_password, check_username, generate_password, suggest_username
from leadtui.router.port import SERVICES, Secret, tag_for
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import clean_block

from . import addresses, bookings, customers, provision_jobs, routers
from . import lead_writes as w
from .addresses import AddressOrder
from .package_profiles import profile_on

_STEM = 20
"""So many letters of a user name stay the same, whatever number is put behind it."""


@dataclass(frozen=True, slots=True)
class RouterRequest:
    """The router user asked for. Nothing given: user name and password are made, package is the lead's desired one,
    service the router's usual one, address as the package means it. `ip`: see `services.addresses`.
    """

    router: str
    username: str | None = None
    password: Secret | str | None = field(default=None, repr=False)
    service: str | None = None
    package: str | None = None
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """What a person asks for, as typed. `customer_id` links to an existing customer instead of making one."""

    notes: str | None = None
    type: str | None = "Retail"
    pan: str | None = field(default=None, repr=False)
    aadhar: str | None = field(default=None, repr=False)
    gst: str | None = None
    family_group: str | None = None
    customer_id: int | str | None = None
    router: RouterRequest | None = None


@dataclass(frozen=True)
class UserOrder:
    """A router user, every value checked. `auto_name`: the program chose the name and may choose another.

    `queue`: upload and download in bits a second, of the simple queue beside it. `ip` is what `address` came to.
    """

    router: Any
    service: str
    username: str
    auto_name: bool
    password: Secret
    product: Product
    profile: str
    address: AddressOrder
    queue: tuple[int, int] | None
    tag: str
    prior: Any | None = None
    ip: str | None = None


@dataclass(frozen=True)
class Order:
    """A conversion, every value checked against the store in one transaction.

    `bookings`: references of the lead's bookings, where its pipeline links them.
    """

    lead: Any
    pipeline: Pipeline
    stage: Stage
    target: Stage
    kind: str
    ids: rules.TaxIds
    group_id: int | None
    link_to: int | None
    notes: str | None
    documents: int
    user: UserOrder | None = None
    bookings: tuple[str, ...] = ()

    @property
    def left_to_people(self) -> dict[str, str]:
        """The steps that only a person can do, and the task each becomes; a booking that is there is linked at once."""
        return rules.steps_of_people(self.pipeline.conversion_steps, has_booking=bool(self.bookings))

    @property
    def title(self) -> str:
        """What to call the lead."""
        return str(self.lead.name or self.lead.phone_e164 or self.lead.number)

    def facts(self, linked: str | None = None) -> PlanFacts:
        """The same for the plan."""
        u = self.user
        return PlanFacts(
            pipeline=self.pipeline, stage=self.stage, target=self.target, customer_type=self.kind,
            linked_customer=linked, documents=self.documents, router=u.router.name if u else None,
            bookings=self.bookings,
        )  # fmt: skip


def read_lead(tx: ReadTx, lead_id: int) -> Any:
    """The lead's row, within the actor's sight, held against other writers. Raises NotFound."""
    query = select(t.lead).where(t.lead.c.id == lead_id, scope_clause(tx.actor, "read"))
    row = tx.conn.execute(query.with_for_update() if isinstance(tx, WriteTx) else query).one_or_none()
    if row is None:
        raise w.not_found(lead_id)
    return row


def check(tx: ReadTx, lead_id: int, request: ConvertRequest) -> Order:
    """Every rule of the store: permission, state of the lead, duplicates, formats, names. Raises a LeadtuiError."""
    lead = read_lead(tx, lead_id)
    if isinstance(tx, WriteTx):  # before a name is chosen: two of one name at once would both take it, and both fail
        customers.one_at_a_time(tx)
    if not tx.actor.may_on("convert", assigned_to_id=lead.assigned_to_id, branch_id=lead.branch_id):
        raise NotPermitted(f"you may not convert {lead.number}", hint="ask somebody whose role may convert it")
    pipeline, stage = tx.catalog.pipeline_by_id[lead.pipeline_id], tx.catalog.stage_by_id[lead.stage_id]
    rules.refuse_finished(lead.number, stage, is_converted=stage.is_converted, is_deleted=lead.deleted_at is not None)
    ids = rules.tax_ids(request.pan, request.aadhar, request.gst)
    documents = select(t.document.c.id).where(t.document.c.lead_id == lead.id, t.document.c.customer_id.is_(None))
    order = Order(
        lead=lead, pipeline=pipeline, stage=stage,
        target=rules.converted_stage(pipeline, tx.catalog.stages_of(pipeline.id)),
        kind=rules.customer_type(request.type), ids=ids,
        group_id=customers.family_group(tx, request.family_group),
        link_to=_linked(tx, lead, request, pipeline),
        notes=clean_block(request.notes, field="notes", limit=5000) or None if request.notes else None,
        documents=len(tx.conn.execute(documents).all()),
        user=_user_order(tx, lead, pipeline, request.router) if request.router else None,
        bookings=bookings.refs_of(tx, lead.id) if "booking_link" in pipeline.conversion_steps else (),
    )  # fmt: skip
    if order.link_to is None and "customer" in pipeline.conversion_steps:
        customers.refuse_sharing(tx, lead)
    return order


def _linked(tx: ReadTx, lead: Any, request: ConvertRequest, pipeline: Pipeline) -> int | None:
    """The customer to link to: the one asked for; else the one this lead was before it was reopened (AG19)."""
    if request.customer_id not in (None, ""):
        return customers.of_text(tx, request.customer_id or "")
    if "customer" not in pipeline.conversion_steps:
        return None
    a = t.activity.c
    past = select(a.metadata_json).where(a.lead_id == lead.id, a.type == "conversion").order_by(a.id.desc())
    for told in tx.conn.execute(past).scalars():
        customer_id = told.get("customer_id") if isinstance(told, dict) else None
        if customer_id and tx.conn.execute(select(t.customer.c.id).where(t.customer.c.id == customer_id)).first():
            return int(customer_id)
    return None


def _user_order(tx: ReadTx, lead: Any, pipeline: Pipeline, request: RouterRequest) -> UserOrder:
    rules.refuse_router(pipeline)
    if not request.router.strip():
        raise Invalid("a router user needs a router", field="router", hint="choose one of the list")
    router = routers.find(tx, request.router, field="router")
    if not router.is_active:
        raise Invalid(f"the router {router.name} is not in use any more", field="router")
    service = (request.service or router.service).strip().lower()
    if service not in SERVICES:
        raise Invalid(f"'{request.service}' is no service", field="service", hint="one of: " + ", ".join(SERVICES))
    product = _product(tx, lead, request.package)
    prior = _prior_user(tx, lead, router, service)
    auto_name = not (request.username or "").strip()
    if auto_name:
        username = prior.username if prior is not None else suggested_name(tx, lead)
    else:
        username = check_username((request.username or "").strip())
    refuse_taken(tx, lead, router, username)
    password = request.password
    if isinstance(password, str):
        password = Secret(password) if password else None
    if password is not None:
        check_password(password.reveal())
    address = addresses.read_address(
        tx, router, product, request.ip, lead_id=lead.id, prior_ip=prior.ip if prior is not None else None
    )
    return UserOrder(
        router=router, service=service, username=username, auto_name=auto_name,
        password=password or Secret(generate_password()), product=product,
        profile=_profile(tx, product, router, service), address=address, queue=addresses.queue_rates(product),
        tag=tag_for(lead.number, tx.catalog.office_id), prior=prior, ip=address.ip,
    )  # fmt: skip


def _product(tx: ReadTx, lead: Any, name: str | None) -> Product:
    if name and name.strip():
        product = tx.catalog.find_product(name)
    elif lead.product_id is not None:
        product = tx.catalog.product_by_id[lead.product_id]
    else:
        raise Invalid("a router user needs a package", field="package", hint="the lead desires none yet: choose one")
    return product


def _profile(tx: ReadTx, product: Product, router: Any, service: str) -> str:
    """The name of the package's profile on that router. Raises Invalid when it has none."""
    name = profile_on(tx, product, router.id, service)
    if not name:
        raise Invalid(
            f"the package {product.name} has no router profile", field="package",
            hint="an administrator can set it: leadtui package edit … --profile",
        )  # fmt: skip
    return name


def _prior_user(tx: ReadTx, lead: Any, router: Any, service: str) -> Any | None:
    """The router user this lead has from a conversion that was reopened. Raises Refused when it is elsewhere."""
    user = t.router_user
    query = (
        select(user, t.router.c.name.label("router_name"))
        .join(t.router, t.router.c.id == user.c.router_id)
        .where(user.c.lead_id == lead.id)
    )
    for row in tx.conn.execute(query):
        if row.router_id != router.id or row.service != service:
            raise Refused(
                f"{lead.number} still has the {row.service} user {row.username} on {row.router_name}", code="has_user",
                hint="convert it with that router and service, or without a router user",
            )  # fmt: skip
        return row
    return None


def refuse_taken(tx: ReadTx, lead: Any, router: Any, username: str) -> None:
    """The name must be free among our users and among those being made (AG37); the router itself is asked later."""
    user, job = t.router_user.c, t.provision_job.c
    ours = select(user.id).where(
        user.router_id == router.id, user.username == username, user.lead_id.is_distinct_from(lead.id)
    )
    coming = select(job.id).where(
        job.router_id == router.id, job.username == username, job.lead_id != lead.id,
        job.state.in_(provision_jobs.OPEN_STATES),
    )  # fmt: skip
    for query in (ours, coming):
        if tx.conn.execute(query).first() is not None:
            raise Duplicate(
                f"the user name {username} is taken on {router.name}", field="username", hint="choose another one"
            )


def suggested_name(tx: ReadTx, lead: Any, also_taken: frozenset[str] = frozenset()) -> str:
    """A free user name from the lead's name (its number when it has none: no phone numbers on routers)."""
    user, job = t.router_user.c, t.provision_job.c
    taken: set[str] | None = None

    def is_taken(name: str) -> bool:
        nonlocal taken
        if taken is None:  # the first one asked for is the name without a number: those that begin like it, at once
            begins = name[:_STEM]
            ours = select(user.username).where(
                user.username.startswith(begins, autoescape=True), user.lead_id.is_distinct_from(lead.id)
            )
            coming = select(job.username).where(
                job.username.startswith(begins, autoescape=True), job.lead_id != lead.id,
                job.state.in_(provision_jobs.OPEN_STATES),
            )  # fmt: skip
            taken = {*also_taken, *tx.conn.execute(ours).scalars(), *tx.conn.execute(coming).scalars()}
        return name in taken

    return suggest_username(lead.name or lead.number, is_taken)
