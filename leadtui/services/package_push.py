"""Packages and the profiles of routers: what a push would do, doing it, and where the two have drifted apart.

Never removes a profile, and never changes one that is not ours or that users of others have. A push is not journalled
as a job: a profile is no customer's user, a push may be repeated at will, and the next preview shows what stands on
the router. Two audit rows tell of it, one before the router is written to and one after. Only the name of a new
Hotspot profile is written down beforehand, because it is the only mark that it will have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select

from leadtui.domain.catalog import Product
from leadtui.domain.packages import figures
from leadtui.errors import Invalid, LeadtuiError
from leadtui.router.port import (
    SERVICES,
    CancelToken,
    RouterAddress,
    RouterCancelled,
    RouterFault,
    RouterMismatch,
    RouterPort,
    Service,
)
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import catalogue, routers
from . import lead_writes as w
from . import package_profiles as profiles
from .package_judging import CHANGES, FINE, NotNow, Order, Outcome, PushRow, failed, judge, unpushable
from .package_profiles import profile_on, push_hint
from .provision_jobs import OPEN_STATES
from .router_values import one_of
from .side_by_side import side_by_side

if TYPE_CHECKING:
    from .office import Office

PUSH_DEADLINE_S = 10.0
"""How long one router may take for one package, in seconds; every router has its own."""

DRIFT_DEADLINE_S = 15.0
"""How long one router may take for all packages."""

_GRACE_S = 30.0
"""How much longer a row is waited for: before and after its router is asked, the database may be busy."""

OnRow = Callable[[PushRow], object]


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be asked of one router. `where` is how to reach it, or why its password cannot be opened."""

    router: Any
    where: RouterAddress | LeadtuiError
    orders: tuple[Order, ...]


# -- what people call --------------------------------------------------------------------------------------------------
def preview(
    office: Office,
    package: str,
    routers: Sequence[str] | None = None,
    *,
    service: str | None = None,
    on_row: OnRow | None = None,
    cancel: CancelToken | None = None,
) -> tuple[PushRow, ...]:
    """What pushing a package would do, one row a router (all in use when None), in their order; writes nothing.

    `service`: pppoe or hotspot instead of each router's own. `on_row` is told each row as it comes, in this thread.
    A router that fails is a row. Raises NotFound (package), Invalid (router, service, what the package lacks),
    NotPermitted (needs `config`).
    """
    jobs = _jobs_of_package(office, package, routers, service)
    return _carry_out(
        jobs, lambda job: _look(job, PUSH_DEADLINE_S, cancel), on_row, cancel, within_s=PUSH_DEADLINE_S + _GRACE_S
    )


def push(
    office: Office,
    package: str,
    routers: Sequence[str] | None = None,
    *,
    service: str | None = None,
    on_row: OnRow | None = None,
    cancel: CancelToken | None = None,
) -> tuple[PushRow, ...]:
    """Bring a package's profile to routers, as `preview` says; each router is looked at again before it is written to.

    The rows say what was done. Repeating it does nothing more. Raises as `preview` does.
    """
    jobs = _jobs_of_package(office, package, routers, service)
    return _carry_out(
        jobs, lambda job: [_push(office, job, cancel)], on_row, cancel, within_s=PUSH_DEADLINE_S + _GRACE_S
    )


def drift(
    office: Office,
    router: str | None = None,
    *,
    on_row: OnRow | None = None,
    cancel: CancelToken | None = None,
) -> tuple[PushRow, ...]:
    """Where packages and routers in use (or one) differ; what is as it should be is left out.

    Every package with a profile is looked for, a retired one where it was pushed. Somebody else's profile that gives
    what the package promises is no drift. A package that cannot be pushed at all is one row without a router. Raises
    Invalid (router), NotPermitted.
    """
    with office.read() as tx:
        w.require(tx, "config")
        rows = _routers(tx, None if router is None else [router])
        jobs, problems = [], dict[str, PushRow]()
        for row in rows:
            orders = []
            for product, service in _drifting(tx, row):
                try:
                    orders.append(_order(tx, product, row, service))
                except Invalid as error:
                    problems[product.name] = unpushable(product, error)
            jobs.append(_Job(row, _where(tx, office, row), tuple(orders)))
    _tell(problems.values(), on_row)
    asked = _carry_out(
        [job for job in jobs if job.orders], lambda job: _look(job, DRIFT_DEADLINE_S, cancel), on_row, cancel,
        within_s=DRIFT_DEADLINE_S + _GRACE_S, only=_is_drift,
    )  # fmt: skip
    return (*problems.values(), *asked)


def _is_drift(row: PushRow) -> bool:
    return row.outcome != "same" and not (row.outcome == "foreign" and not row.differences)


# -- who is to be asked what -------------------------------------------------------------------------------------------
def _jobs_of_package(office: Office, package: str, names: Sequence[str] | None, service: str | None) -> list[_Job]:
    with office.read() as tx:
        w.require(tx, "config")
        product = tx.catalog.product_by_id[catalogue.find(tx, "package", package)["id"]]
        chosen = one_of(service, SERVICES, "service") if service else None
        rows = _routers(tx, names)
        if not rows:
            profiles.wanted_profile(product, cast("Service", chosen or "pppoe"), tx.catalog.office_id)
        return [_Job(row, _where(tx, office, row), (_order(tx, product, row, chosen or row.service),)) for row in rows]


def _routers(tx: ReadTx, names: Sequence[str] | None) -> list[Any]:
    """The routers named, each once, or all in use, by name. Raises Invalid."""
    if names is None:
        query = select(t.router).where(t.router.c.is_active.is_(True)).order_by(func.lower(t.router.c.name))
        return list(tx.conn.execute(query))
    found = {row.id: row for row in (routers.find(tx, name, field="router") for name in names)}
    for row in found.values():
        if not row.is_active:
            raise Invalid(
                f"{row.name} is not in use",
                field="router",
                hint=f"take it back: leadtui router edit {row.name} --active",
            )
    return list(found.values())


def _where(tx: ReadTx, office: Office, row: Any) -> RouterAddress | LeadtuiError:
    try:
        return routers.address(tx, office, row)
    except LeadtuiError as error:  # a password that cannot be opened stops one router, not all
        return error


def _order(tx: ReadTx, product: Product, router: Any, service: str) -> Order:
    """What is wanted of one router. Raises Invalid where the package does not say enough."""
    row = profiles.remembered(tx, router.id, product.id, service)
    wanted = profiles.wanted_profile(
        product, cast("Service", service), tx.catalog.office_id, known_as=profiles.name_in(row)
    )
    packages = {p.id: p.name for p in tx.catalog.products}
    return Order(product, router, wanted, profiles.confirmed_name(row), packages)


def _drifting(tx: ReadTx, router: Any) -> Iterable[tuple[Product, str]]:
    """The packages that a router should have, with their service: those offered, and whatever was pushed there."""
    c = t.router_profile.c
    query = select(c.product_id, c.service).where(c.router_id == router.id)
    pushed = {(r.product_id, r.service) for r in tx.conn.execute(query)}
    for product in tx.catalog.products:
        if product.kind != "package" or not product.profile:
            continue
        for service in SERVICES:
            if (product.id, service) in pushed or (product.is_active and service == router.service):
                yield product, service


# -- asking the routers ------------------------------------------------------------------------------------------------
def _carry_out(
    jobs: Sequence[_Job],
    work: Callable[[_Job], list[PushRow]],
    on_row: OnRow | None,
    cancel: CancelToken | None,
    *,
    within_s: float,
    only: Callable[[PushRow], bool] = lambda row: True,
) -> tuple[PushRow, ...]:
    """All routers side by side; rows in the order of the jobs, told as they come. Who was given up has a row too."""
    found: dict[int, list[PushRow]] = {}
    for job, answer in side_by_side(jobs, work, cancel=cancel or CancelToken(), within_s=within_s, name="profiles"):
        if isinstance(answer, TimeoutError):
            rows = [_given_up(job, f"{job.router.name} took too long")]
        elif isinstance(answer, Exception):
            raise answer
        else:
            rows = answer
        found[job.router.id] = [row for row in rows if only(row)]
        _tell(found[job.router.id], on_row)
    for job in jobs:
        if job.router.id not in found:
            found[job.router.id] = [_given_up(job, "given up before it answered")]
            _tell(found[job.router.id], on_row)
    return tuple(row for job in jobs for row in found[job.router.id])


def _tell(rows: Iterable[PushRow], on_row: OnRow | None) -> None:
    if on_row is not None:
        for row in rows:
            on_row(row)


def _given_up(job: _Job, words: str) -> PushRow:
    error = RouterCancelled(words, hint="look again: it shows what stands on the router")
    return failed(job.orders[0], error, several=len(job.orders) > 1)


def _connect(job: _Job, deadline_s: float, cancel: CancelToken | None) -> RouterPort:
    if isinstance(job.where, LeadtuiError):
        raise job.where
    return routers.connect(job.where, deadline_s=deadline_s, cancel=cancel)


def _look(job: _Job, deadline_s: float, cancel: CancelToken | None) -> list[PushRow]:
    """In one conversation what every order of a router comes to. A failure is one row."""
    from .saga import refuse_other_box

    try:
        with _connect(job, deadline_s, cancel) as port:
            refuse_other_box(job.router, port.probe())
            found = {order.wanted.service: port.profiles(order.wanted.service) for order in _one_each(job.orders)}
            return [judge(order, found[order.wanted.service], port) for order in job.orders]
    except LeadtuiError as error:
        return [failed(job.orders[0], error, several=len(job.orders) > 1)]


def _one_each(orders: Sequence[Order]) -> Iterable[Order]:
    """One order of every service."""
    return {order.wanted.service: order for order in orders}.values()


def _push(office: Office, job: _Job, cancel: CancelToken | None) -> PushRow:
    """Look, write the intent, write to the router and read back, write what is true."""
    from .saga import refuse_other_box

    (order,) = job.orders
    row: PushRow | None = None
    try:
        with _connect(job, PUSH_DEADLINE_S, cancel) as port:
            probe = port.probe()
            refuse_other_box(job.router, probe)
            row = judge(order, port.profiles(order.wanted.service), port)
            if row.outcome in CHANGES:
                order = _intend(office, order, row)
                port.ensure_profile(order.wanted)
        if row.outcome in FINE:
            with office.write() as tx:
                _write_truth(tx, order, row)
                routers.remember_answer(tx, job.router.id, routers.RouterAnswer.of(probe))
        return row
    except LeadtuiError as error:
        outcome = failed(order, error)
        if row is not None and row.outcome in CHANGES:
            _write_failure(office, job.orders[0], row, outcome, error)
        return outcome


def _intend(office: Office, order: Order, row: PushRow) -> Order:
    """Say beforehand what is written to the router. Raises NotNow while users are being made under the old name."""
    with office.write(durable=True) as tx:
        w.require(tx, "config")
        if row.outcome == "rename":
            _refuse_under_way(tx, order)
        tx.audit("plan", "package", order.product.id, None, _told(order, row))
        if order.wanted.service == "hotspot" and row.outcome == "create":
            profiles.remember_intent(tx, order.router.id, order.product.id, order.wanted)
            return replace(order, wanted=replace(order.wanted, known_as=order.wanted.name))
    return order


def _refuse_under_way(tx: ReadTx, order: Order) -> None:
    job = t.provision_job.c
    query = select(job.id).where(job.router_id == order.router.id, job.state.in_(OPEN_STATES)).limit(1)
    if tx.conn.execute(query).first() is not None:
        raise NotNow(
            f"users are being made on {order.router.name}: its profiles are not renamed meanwhile", code="open_jobs",
            hint="try again in a moment; what was left open is settled by: leadtui router pending --resolve",
        )  # fmt: skip


def _write_truth(tx: WriteTx, order: Order, row: PushRow) -> None:
    """The profile stands on the router as wanted: remember it; after a renaming our users have it by its new name."""
    wanted = order.wanted
    before = profiles.remembered(tx, order.router.id, order.product.id, wanted.service)
    profiles.remember_pushed(tx, order.router.id, order.product.id, wanted)
    told: dict[str, Any] = _told(order, row)
    if row.outcome == "rename":
        told["users"] = profiles.follow_rename(tx, order.router.id, wanted.service, row.old_names, wanted.name)
    if row.outcome != "same" or profiles.confirmed_name(before) is None:
        tx.audit("push", "package", order.product.id, None, told)


def _write_failure(office: Office, order: Order, row: PushRow, outcome: PushRow, error: LeadtuiError) -> None:
    """Say how it ended. `order` as it was before: an intent of this push goes, unless the profile may be there."""
    untouched = isinstance(error, RouterFault) and not (error.outcome_unknown or isinstance(error, RouterMismatch))
    try:
        with office.write() as tx:
            if untouched and order.wanted.known_as is None:
                profiles.forget_intent(tx, order.router.id, order.product.id, order.wanted.service)
            told = {**_told(order, row), "outcome": outcome.outcome, "error": error.message}
            tx.audit("push", "package", order.product.id, None, told)
    except LeadtuiError:  # the store fails now too; the next preview shows what stands on the router
        return


def _told(order: Order, row: PushRow) -> dict[str, Any]:
    """What the audit says of a push."""
    figures = {d.field: d.wanted for d in row.differences if d.field not in ("name", "comment")}
    told = {"router": order.router.name, "service": order.wanted.service, "profile": order.wanted.name}
    return {**told, "outcome": row.outcome, **figures}


__all__ = ["OnRow", "Outcome", "PushRow", "drift", "figures", "preview", "profile_on", "push", "push_hint"]
