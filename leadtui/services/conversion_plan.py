"""Before a conversion: what a person chooses from, and the plan, with what the router says to it. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from leadtui.domain.conversion import CUSTOMER_TYPES, PlanStep, converted_stage, plan_rows, refuse_finished
from leadtui.domain.records import LeadRow
from leadtui.errors import LeadtuiError, RouterError
from leadtui.router.credentials import generate_password
from leadtui.router.port import CancelToken, RouterPort, Secret
from leadtui.store import schema as t

from . import conversion_steps as steps
from . import customers, provision_jobs, routers, settling
from . import lead_writes as w
from .conversion_steps import ConvertRequest, Order, RouterRequest, UserOrder
from .customers import CustomerHit
from .provisioning import ROUTER_DEADLINE_S, answered, free_name, refuse_other_box

if TYPE_CHECKING:
    from .office import Office


@dataclass(frozen=True, slots=True)
class PackageChoice:
    """A package that can be chosen, and the router profile it means."""

    name: str
    profile: str | None
    speed: str | None


@dataclass(frozen=True, slots=True)
class RouterChoice:
    """A router that can be chosen."""

    name: str
    service: str
    identity: str | None
    version: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class ConvertSuggestion:
    """What the wizard begins with. `makes_router_user`: whether the pipeline offers one (spec AI1)."""

    lead: LeadRow
    target: str
    is_locked: bool
    makes_customer: bool
    makes_router_user: bool
    username: str
    password: Secret
    package: str | None
    profile: str | None
    packages: tuple[PackageChoice, ...]
    routers: tuple[RouterChoice, ...]
    router: str | None
    duplicate_customers: tuple[CustomerHit, ...]
    documents: tuple[str, ...]
    types: tuple[str, ...]
    family_groups: tuple[str, ...]
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class ConversionPlan:
    """What would be made. `is_ready`: nothing speaks against it. The names and password are those to convert with."""

    steps: tuple[PlanStep, ...]
    warnings: tuple[str, ...]
    is_ready: bool
    request: ConvertRequest
    problem: LeadtuiError | None = None


def suggest(office: Office, ref: str | int) -> ConvertSuggestion:
    """Everything a person chooses from. Raises NotFound, NotPermitted, Refused (converted or lost already, busy)."""
    with office.read() as tx:
        lead_id = w.resolve(tx, ref)
        lead = steps.read_lead(tx, lead_id)
        w.allow(tx, lead._mapping, "convert")
        pipeline, stage = tx.catalog.pipeline_by_id[lead.pipeline_id], tx.catalog.stage_by_id[lead.stage_id]
        refuse_finished(lead.number, stage, is_converted=stage.is_converted, is_deleted=lead.deleted_at is not None)
        target = converted_stage(pipeline, tx.catalog.stages_of(pipeline.id))
        job = provision_jobs.open_job_of(tx, lead_id)
        settling.refuse_held(tx, job)
        product = tx.catalog.product_by_id.get(lead.product_id)
        choices = _router_choices(tx)
        prior = tx.conn.execute(
            select(t.router_user.c.username, t.router.c.name)
            .join(t.router, t.router.c.id == t.router_user.c.router_id)
            .where(t.router_user.c.lead_id == lead_id)
        ).first()
        documents = select(t.document.c.name).where(t.document.c.lead_id == lead_id)
        return ConvertSuggestion(
            lead=w.row_of(tx, lead_id), target=target.name, is_locked=target.is_locked,
            makes_customer="customer" in pipeline.conversion_steps,
            makes_router_user="router_user" in pipeline.conversion_steps,
            username=prior.username if prior else steps.suggested_name(tx, lead),
            password=Secret(generate_password()), package=product.name if product else None,
            profile=product.profile if product else None,
            packages=tuple(
                PackageChoice(p.name, p.profile, p.speed)
                for p in tx.catalog.products
                if p.kind == "package" and (p.is_active or p.id == lead.product_id)
            ),
            routers=choices, router=prior.name if prior else choices[0].name if len(choices) == 1 else None,
            duplicate_customers=tuple(customers.sharing(tx, lead)),
            documents=tuple(tx.conn.execute(documents).scalars()), types=CUSTOMER_TYPES,
            family_groups=customers.family_groups(tx), warning=_open_warning(job),
        )  # fmt: skip


def _router_choices(tx: Any) -> tuple[RouterChoice, ...]:
    r = t.router.c
    rows = tx.conn.execute(select(t.router).where(r.is_active).order_by(r.name))
    return tuple(RouterChoice(x.name, x.service, x.identity, x.version, x.last_error) for x in rows)


def _open_warning(job: Any | None) -> str | None:
    return f"an earlier attempt ({job.username}) is not settled yet; it is looked at first" if job is not None else None


def plan(
    office: Office, ref: str | int, request: ConvertRequest, *, cancel: CancelToken | None = None
) -> ConversionPlan:
    """What would be made, asking the router what it knows; writes nothing.

    Raises what `convert` would refuse in the store. A router's failure is part of the plan (`problem`, a `bad` row).
    """
    with office.read() as tx:
        lead_id = w.resolve(tx, ref)
        settling.refuse_held(tx, provision_jobs.open_job_of(tx, lead_id))
        order = steps.check(tx, lead_id, request)
        linked = customers.get(tx, order.link_to) if order.link_to is not None else None
        where = routers.address(tx, office, order.user.router) if order.user else None
    named = f"{linked.id} {linked.name}" if linked else None
    user = order.user
    if user is None or where is None:
        return ConversionPlan(tuple(plan_rows(order.facts(named))), (), True, request)
    problem: LeadtuiError | None = None
    asked: list[PlanStep] = []
    try:
        with routers.connect(where, deadline_s=ROUTER_DEADLINE_S, cancel=cancel) as port:
            user, asked = _ask(office, port, order, user)
    except RouterError as fault:
        problem = fault
        asked = [PlanStep(user.router.name, fault.message, fault.hint or "", "bad")]
    rows = plan_rows(replace(order, user=user).facts(named))
    at = next(i for i, row in enumerate(rows) if row.where == user.router.name) + 1
    made = RouterRequest(user.router.name, user.username, user.password, user.service, user.product.name, user.ip)
    fixed = replace(request, router=made)
    bad = tuple(row.what for row in asked if row.state == "bad")
    return ConversionPlan((*rows[:at], *asked, *rows[at:]), bad, not bad, fixed, problem)


def _ask(office: Office, port: RouterPort, order: Order, user: UserOrder) -> tuple[UserOrder, list[PlanStep]]:
    """What the router says to the order: who it is, whether profile and name fit; the user with a free name."""
    service: Any = user.service
    probe = port.probe()
    refuse_other_box(user.router, probe)
    name = user.router.name
    asked = [PlanStep(name, answered(probe), state="ok")]
    profile = next((p for p in port.profiles(service) if p.name == user.profile), None)
    if profile is None:
        remedy = "push it to the router, or choose another package"
        asked.append(PlanStep(name, f"{name} lacks the profile {user.profile}", remedy, "bad"))
    else:
        pool = f", pool {profile.remote_address}" if profile.remote_address and not user.ip else ""
        rate = f", {profile.rate_limit}" if profile.rate_limit else ""
        asked.append(PlanStep(name, f"profile {user.profile} is there ✓", f"{rate}{pool}".lstrip(", "), "ok"))
    if user.auto_name and user.prior is None:

        def other(taken: frozenset[str]) -> str:
            with office.read() as tx:
                return steps.suggested_name(tx, order.lead, taken)

        user = replace(user, username=free_name(port, other, user))
    found = port.read_user(service, user.username)
    if found is not None and found.tag != user.tag:
        whose = f"its comment: {found.comment}" if found.comment else "it has no comment"
        what = f"a user {user.username} is there already and is not ours"
        asked.append(PlanStep(name, what, f"profile {found.profile}, {whose}", "bad"))
    elif found is not None:
        what = f"{user.username} is there already, made for this lead"
        asked.append(PlanStep(name, what, "it will be adopted", "warn"))
    return user, asked
