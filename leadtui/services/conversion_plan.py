"""Before a conversion: what a person chooses from, and the plan, with what the router says to it. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from leadtui.domain.addresses import rate_limit, read_rate_limit
from leadtui.domain.conversion import (
    CUSTOMER_TYPES,
    PlanStep,
    RowState,
    Sign,
    converted_stage,
    refuse_finished,
    tax_warnings,
)
from leadtui.domain.conversion_plan import HIDDEN, Property, lead_rows, rates_words, store_rows, thing_rows
from leadtui.domain.records import LeadRow
from leadtui.errors import Duplicate, Invalid, LeadtuiError, Refused, RouterError
from leadtui.router.credentials import generate_password
from leadtui.router.port import CancelToken, Profile, RouterPort, RouterUser, Secret, is_marked
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from . import addresses, customers, provision_jobs, routers, saga, serving, settling
from . import conversion_order as orders
from . import lead_writes as w
from .conversion_order import ConvertRequest, Order, RouterRequest, UserOrder
from .customers import CustomerHit
from .package_profiles import push_hint
from .provisioning import free_name, wanted_queue
from .serving import Serving

if TYPE_CHECKING:
    from .office import Office


@dataclass(frozen=True, slots=True)
class PackageChoice:
    """A package that can be chosen, the router profile it means, and how its customers get their addresses."""

    name: str
    profile: str | None
    speed: str | None
    addressing: str = "dynamic"
    pool: str | None = None


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
    """What the wizard begins with. `makes_router_user`: whether the pipeline offers one (spec AI1).

    `why_router` says in words why `router` is suggested; `address` is what the lead's user has already.
    """

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
    why_router: str
    address: str | None
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
    served = serving.can_serve(office, ref)
    chosen, why = _suggested_router(served)
    with office.read() as tx:
        lead_id = w.resolve(tx, ref)
        lead = orders.read_lead(tx, lead_id)
        w.allow(tx, lead._mapping, "convert")
        pipeline, stage = tx.catalog.pipeline_by_id[lead.pipeline_id], tx.catalog.stage_by_id[lead.stage_id]
        refuse_finished(lead.number, stage, is_converted=stage.is_converted, is_deleted=lead.deleted_at is not None)
        target = converted_stage(pipeline, tx.catalog.stages_of(pipeline.id))
        job = provision_jobs.open_job_of(tx, lead_id)
        settling.refuse_held(tx, job)
        product = tx.catalog.product_by_id.get(lead.product_id)
        choices = router_choices(tx)
        prior = tx.conn.execute(
            select(t.router_user.c.username, t.router_user.c.ip, t.router.c.name)
            .join(t.router, t.router.c.id == t.router_user.c.router_id)
            .where(t.router_user.c.lead_id == lead_id)
        ).first()
        documents = select(t.document.c.name).where(t.document.c.lead_id == lead_id)
        if prior is not None:
            chosen, why = prior.name, f"its user {prior.username} is there already"
        return ConvertSuggestion(
            lead=w.row_of(tx, lead_id), target=target.name, is_locked=target.is_locked,
            makes_customer="customer" in pipeline.conversion_steps,
            makes_router_user="router_user" in pipeline.conversion_steps,
            username=prior.username if prior else orders.suggested_name(tx, lead),
            password=Secret(generate_password()), package=product.name if product else None,
            profile=product.profile if product else None,
            packages=package_choices(tx, lead.product_id),
            routers=choices, router=chosen, why_router=why, address=prior.ip if prior else None,
            duplicate_customers=tuple(customers.sharing(tx, lead)),
            documents=tuple(tx.conn.execute(documents).scalars()), types=CUSTOMER_TYPES,
            family_groups=customers.family_group_names(tx), warning=_open_warning(job),
        )  # fmt: skip


def _suggested_router(served: Serving | None) -> tuple[str | None, str]:
    """The router that serves the lead's place, and why, with the room it has."""
    if served is None or served.router is None:
        return None, served.verdict if served is not None else ""
    room = f"; {served.free:,} of {served.total:,} free" if served.free is not None and served.total else ""
    return served.router, f"{served.why}{room}"


def package_choices(tx: ReadTx, own_id: int | None = None) -> tuple[PackageChoice, ...]:
    """The packages that are sold, and the one a lead wants though it is sold no more."""
    return tuple(
        PackageChoice(p.name, p.profile, p.speed, p.addressing, p.pool)
        for p in tx.catalog.products
        if p.kind == "package" and (p.is_active or p.id == own_id)
    )


def router_choices(tx: ReadTx) -> tuple[RouterChoice, ...]:
    """The routers in use."""
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
        order = orders.check(tx, lead_id, request)
        linked = customers.get(tx, order.link_to) if order.link_to is not None else None
        where = routers.address(tx, office, order.user.router) if order.user else None
    typed = [PlanStep("store", words, "", "warn") for words in tax_warnings(order.ids)]
    facts = order.facts(f"{linked.id} {linked.name}" if linked else None)
    user = order.user
    if user is None or where is None:
        told = tuple(row.what for row in typed)
        return ConversionPlan((*store_rows(facts), *typed, *lead_rows(facts)), told, True, request)
    problem: LeadtuiError | None = None
    talk = _Talk(office, order, user)
    try:
        with routers.connect(where, deadline_s=saga.ROUTER_DEADLINE_S, cancel=cancel) as port:
            talk.ask(port)
    except RouterError as fault:
        problem = fault
        talk.say(fault.message, fault.hint or "", "bad")
    user = talk.user
    ip = request.router.ip if request.router is not None else None
    made = RouterRequest(user.router.name, user.username, user.password, user.service, user.product.name, ip)
    told = tuple(row.what for row in (*typed, *talk.rows) if row.state in {"bad", "warn"})
    is_ready = not any(row.state == "bad" for row in talk.rows)
    rows = (*store_rows(facts), *typed, *talk.rows, *lead_rows(facts))
    return ConversionPlan(rows, told, is_ready, replace(request, router=made), problem)


class _Talk:
    """What the router says to an order: who it is, whether profile, name and address fit, what would change."""

    def __init__(self, office: Office, order: Order, user: UserOrder) -> None:
        self.office = office
        self.order = order
        self.user = user
        self.rows: list[PlanStep] = []

    @property
    def router(self) -> str:
        """The router's name."""
        return str(self.user.router.name)

    def say(self, what: str, detail: str = "", state: RowState = "ok", sign: Sign = "") -> None:
        """One more line."""
        self.rows.append(PlanStep(self.router, what, detail, state, sign))

    def ask(self, port: RouterPort) -> None:
        """Ask for everything, only reading."""
        user = self.user
        probe = port.probe()
        saga.refuse_other_box(user.router, probe)
        self.say(saga.answered(probe))
        found = next((p for p in port.profiles(user.service) if p.name == user.profile), None)  # type: ignore[arg-type]
        self._profile(found)
        if user.auto_name and user.prior is None:
            self.user = replace(user, username=free_name(port, self._other_name, user))
        self._address(port, found)
        self._user(port.read_user(user.service, self.user.username, user.password))  # type: ignore[arg-type]
        self._queue(port)

    def _other_name(self, taken: frozenset[str]) -> str:
        with self.office.read() as tx:
            return orders.suggested_name(tx, self.order.lead, taken)

    def _profile(self, found: Profile | None) -> None:
        user = self.user
        if found is None:
            remedy = push_hint(user.product.name, self.router)
            self.say(f"{self.router} lacks the profile {user.profile}", remedy, "bad")
            return
        pool = f"pool {found.remote_address}" if found.remote_address and not user.address.is_fixed else ""
        told = ", ".join(part for part in (found.rate_limit, pool) if part)
        product = user.product
        meant = rate_limit(product.upload_bps, product.download_bps)
        given = read_rate_limit(found.rate_limit or "")
        if meant and product.addressing != "queue" and given != read_rate_limit(meant):  # a queue slows by itself
            gives = f"it gives {told or 'no limit of speed'}; the package means {meant}"
            self.say(f"profile {user.profile} is there", gives, "warn", "=")
            return
        self.say(f"profile {user.profile} is there ✓", told, "ok", "=")

    def _address(self, port: RouterPort, profile: Profile | None) -> None:
        user = self.user
        if not user.address.is_fixed:
            return
        with self.office.read() as tx:
            taken = addresses.taken_in_store(tx, user.router.id, self.order.lead.id)
        try:
            found = addresses.settle_address(
                port, user.address, router=self.router, username=user.username,
                profile_pool=profile.remote_address if profile is not None else None, taken=taken,
            )  # fmt: skip
        except (Duplicate, Invalid, Refused) as error:
            self.say(error.message, error.hint or "", "bad")
            return
        self.user = replace(user, ip=found.ip)
        drawn = f"the next free one of {found.pool}; another, should it be taken meanwhile"
        inside = f"of the pool {found.pool}" if found.pool else ""
        self.say(f"address {found.ip} is free ✓", inside if user.address.ip else drawn, "ok")
        for warning in found.warnings:
            self.say(warning, "", "warn")

    def _user(self, found: RouterUser | None) -> None:
        user = self.user
        menu = "/ppp/secret" if user.service == "pppoe" else "/ip/hotspot/user"
        if found is not None and not is_marked(found.comment, user.tag):
            whose = f"its comment: {found.comment}" if found.comment else "it has no comment"
            what = f"a user {user.username} is there already and is not ours"
            self.say(what, f"profile {found.profile}, {whose}", "bad")
            return
        if found is not None and user.prior is None:
            self.say(f"{user.username} is there already, made for this lead", "it will be adopted", "warn")
        same_password = found is not None and bool(found.password_matches)
        properties = [
            Property("profile", found.profile if found else None, user.profile),
            Property("address", (found.ip or "dynamic") if found else None, self._address_words()),
        ]
        if found is not None:
            properties += [
                Property("password", HIDDEN if same_password else "the one it has", HIDDEN if same_password else "new"),
                Property("disabled", "yes" if found.disabled else "no", "no"),
            ]
        note = f"comment {user.tag}" if found is None else ""
        self.rows += thing_rows(self.router, f"{menu} {user.username}", properties, note=note)

    def _address_words(self) -> str:
        user = self.user
        return user.ip or (f"the next free of {user.address.pool}" if user.address.pool else "dynamic")

    def _queue(self, port: RouterPort) -> None:
        user = self.user
        had = user.prior is not None and bool(user.prior.queue_up_bps or user.prior.queue_down_bps)
        if user.queue is None and not had:
            return
        queue = wanted_queue(user)
        ours = [have for have in port.queues() if have.name == user.username or is_marked(have.comment, user.tag)]
        if queue is None:
            for have in ours if user.queue is None else ():
                if is_marked(have.comment, user.tag):
                    self.say(f"/queue/simple {have.name}", "the package asks for none", "will", "-")
            return
        now = next((have for have in ours if have.name == queue.name), None)
        if now is not None and not is_marked(now.comment, user.tag):
            self.say(f"a queue {queue.name} is there already and is not ours", f"target {now.target}", "bad")
            return
        limits = rates_words((now.upload_bps or 0, now.download_bps or 0)) if now is not None else None
        self.rows += thing_rows(
            self.router, f"/queue/simple {queue.name}",
            [
                Property("limits", limits, rates_words((queue.upload_bps or 0, queue.download_bps or 0))),
                Property("target", now.target.removesuffix("/32") if now is not None else None, queue.address),
            ],
        )  # fmt: skip
