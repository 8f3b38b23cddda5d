"""Suspend, resume, change the package: whom it concerns, what the store shall say then, what a router says now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from leadtui.domain.addresses import rate_limit
from leadtui.domain.catalog import Product
from leadtui.domain.subscriptions import Act, Change, ChangePackage, Suspend, kind_of
from leadtui.errors import Invalid, LeadtuiError, NotPermitted, Refused
from leadtui.router.port import (
    ActiveSession,
    ProfileMissing,
    Queue,
    RouterConflict,
    RouterPort,
    RouterUser,
    Secret,
    WantedQueue,
    WantedUser,
    is_marked,
)
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import addresses, agreement, customers, package_profiles
from . import lead_writes as w

if TYPE_CHECKING:
    from .addresses import AddressOrder


@dataclass(frozen=True)
class Target:
    """One router user that the act concerns: rows of `router_user`, `router` and its lead."""

    user: Any
    router: Any
    lead: Any

    @property
    def title(self) -> str:
        """How to name it to a person."""
        return f"{self.user.username} on {self.router.name}"


@dataclass(frozen=True)
class Order:
    """An act on a customer, checked. `product` is that of a change of package, `reason` that of a suspension."""

    customer_id: int
    act: Act
    targets: tuple[Target, ...]
    product: Product | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Goal:
    """What the store will say of a router user. `address`: the router must be asked which one `ip` becomes."""

    state: str
    product_id: int | None
    profile: str | None
    ip: str | None
    queue_up_bps: int | None
    queue_down_bps: int | None
    address: AddressOrder | None = None

    def columns(self) -> dict[str, Any]:
        """The columns of `router_user`."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = ("state", "product_id", "profile", "ip", "queue_up_bps", "queue_down_bps")
"""What an act may change of a router user."""


# -- whom it concerns ------------------------------------------------------------------------------------------------
def order(tx: ReadTx, ref: str | int, act: Act, user: str | None) -> Order:
    """Find the customer and the router users meant, and check the right to each.

    Raises NotFound, NotPermitted, Invalid (fields `user`, `package`, `reason`).
    """
    customer_id = customers.resolve(tx, ref)
    product = _product(tx, act) if isinstance(act, ChangePackage) else None
    reason = w.reason_text(act.reason) if isinstance(act, Suspend) else None
    found = chosen(tx, customer_id, user)
    if product is not None and len(found) > 1:
        raise Invalid(
            "this customer has several router users: say which one gets the package", field="user",
            hint="one of: " + ", ".join(names(found)),
        )  # fmt: skip
    if not found:
        customers.require(tx, customer_id, action="convert")
    for target in found:
        allow(tx, target)
    return Order(customer_id, act, found, product, reason)


def chosen(tx: ReadTx, customer_id: int, user: str | None) -> tuple[Target, ...]:
    """All the customer's router users, or those called `user` (or `ROUTER/user`). Raises Invalid (field `user`)."""
    found = targets(tx, customer_id)
    if not user:
        return found
    wanted = user.strip()
    meant = tuple(x for x in found if wanted in (x.user.username, f"{x.router.name}/{x.user.username}"))
    if not meant:
        known = ", ".join(names(found))
        raise Invalid(
            f"this customer has no router user '{wanted[:80]}'", field="user",
            hint=f"one of: {known}" if known else "it has none",
        )  # fmt: skip
    return meant


def targets(tx: ReadTx, customer_id: int) -> tuple[Target, ...]:
    """The customer's router users, oldest first."""
    user = t.router_user
    rows = tx.conn.execute(select(user).where(user.c.customer_id == customer_id).order_by(user.c.id)).all()
    return tuple(target_of(tx, row) for row in rows)


def target_of(tx: ReadTx, row: Any) -> Target:
    """A row of `router_user` with its router and lead."""
    lead = t.lead.c
    router = tx.conn.execute(select(t.router).where(t.router.c.id == row.router_id)).one()
    query = select(lead.id, lead.number, lead.assigned_to_id, lead.branch_id).where(lead.id == row.lead_id)
    found = tx.conn.execute(query).one_or_none()
    if found is None:
        raise Refused(
            f"{row.username} on {router.name} belongs to no lead, so nothing can be journaled for it", code="no_lead"
        )
    return Target(row, router, found)


def allow(tx: ReadTx, target: Target) -> None:
    """What a conversion needs: `convert` on the lead of the router user. Raises NotPermitted."""
    lead = target.lead
    if not tx.actor.may_on("convert", assigned_to_id=lead.assigned_to_id, branch_id=lead.branch_id):
        raise NotPermitted(
            f"you may not change the router user {target.user.username}", field="user",
            hint="it needs the right to convert its lead; --user names the one you mean",
        )  # fmt: skip


def names(found: Sequence[Target]) -> list[str]:
    """The user names; with their routers where one name stands on several."""
    known = [x.user.username for x in found]
    return [name if known.count(name) == 1 else f"{x.router.name}/{name}" for x, name in zip(found, known, strict=True)]


def _product(tx: ReadTx, act: ChangePackage) -> Product:
    if not act.package.strip():
        raise Invalid("which package?", field="package", hint="see: leadtui package list")
    product = tx.catalog.find_product(act.package)
    if product.kind != "package":
        raise Invalid(f"{product.name} is no package", field="package", hint="see: leadtui package list")
    return product


# -- what the store shall say ----------------------------------------------------------------------------------------
def goal_of(tx: ReadTx, target: Target, what: Order) -> Goal:
    """What the store will say of this router user. Raises Invalid, Duplicate (fields `package`, `ip`)."""
    row = target.user
    before = Goal(*(getattr(row, name) for name in COLUMNS))
    product = what.product
    if product is None or not isinstance(what.act, ChangePackage):
        return replace(before, state=agreement.SUSPENDED if isinstance(what.act, Suspend) else "active")
    if not product.is_active and product.id != row.product_id:
        raise Invalid(f"the package {product.name} is retired", field="package", hint="see: leadtui package list")
    profile = package_profiles.profile_on(tx, product, row.router_id, row.service)
    if not profile:
        raise Invalid(
            f"the package {product.name} has no router profile", field="package",
            hint="an administrator can set it: leadtui package edit … --profile",
        )  # fmt: skip
    rates = addresses.queue_rates(product)
    address = _address(tx, target, product, what.act.ip)
    up, down = rates if rates is not None else (None, None)
    return Goal(before.state, product.id, profile, address.ip, up, down, address if address.is_fixed else None)


def _address(tx: ReadTx, target: Target, product: Product, text: str | None) -> AddressOrder:
    """What was asked for; nothing asked keeps an address that was not the old package's own."""
    row = target.user
    asked = addresses.read_address(tx, target.router, product, text, lead_id=row.lead_id, prior_ip=row.ip)
    if (text or "").strip() or asked.is_fixed or row.ip is None:
        return asked
    old = tx.catalog.product_by_id.get(row.product_id)
    return asked if old is not None and old.addressing != addresses.DYNAMIC else addresses.AddressOrder(row.ip)


def could_be_so(target: Target, goal: Goal) -> bool:
    """Whether the store says it all already, as far as can be told without the router."""
    drawn = goal.address is not None and goal.address.pool is not None and target.user.ip is not None
    return is_so(target, replace(goal, ip=target.user.ip) if drawn else goal)


def is_so(target: Target, goal: Goal) -> bool:
    """Whether the store says it all already."""
    return all(getattr(target.user, name) == value for name, value in goal.columns().items())


# -- what the router says --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Facts:
    """What stands on the router, and the goal with the address settled. `problem` hinders the act."""

    row: RouterUser | None
    sessions: tuple[ActiveSession, ...]
    queues: tuple[Queue, ...]
    goal: Goal
    rates: tuple[str | None, str | None] = (None, None)
    warnings: tuple[str, ...] = ()
    problem: LeadtuiError | None = None


def ask(
    port: RouterPort, target: Target, goal: Goal, what: Order, secret: Secret | None, taken: Sequence[str]
) -> Facts:
    """Look at everything the act would touch; writes nothing. Raises a RouterFault, or what the address is refused for.

    `taken` are the addresses of others in the store, which a drawn one must avoid.
    """
    row, service = target.user, target.user.service
    found = port.read_user(service, row.username, secret)
    if found is None:  # renamed by hand perhaps: its mark tells
        found = next(iter(port.find_tagged(service, row.tag)), None)
    sessions = port.active(service, found.username if found is not None else row.username)
    problem: LeadtuiError | None = None
    if found is not None and not is_marked(found.comment, row.tag):
        problem = RouterConflict(
            f"the user {row.username} on {target.router.name} is not ours", row=found,
            hint=f"its comment: {found.comment}" if found.comment else "it has no comment",
        )  # fmt: skip
    if what.product is None and found is not None and found.username == row.username:
        return Facts(found, sessions, (), goal, problem=problem)
    profiles = {profile.name: profile for profile in port.profiles(service)}
    warnings: tuple[str, ...] = ()
    if goal.address is not None:
        lease = profiles[goal.profile].remote_address if goal.profile in profiles else None
        goal, warnings = _settled(port, target, goal, goal.address, lease, taken)
    if goal.profile not in profiles:
        problem = problem or _lacking(target, goal, what, tuple(profiles))
    if secret is None:
        problem = problem or Refused(
            f"the password of {row.username} is not stored here, so its user cannot be written", code="no_secret",
            hint="suspending and resuming works; for all else make the user anew",
        )  # fmt: skip
    before = profiles.get(found.profile) if found is not None else None
    after = profiles.get(goal.profile or "")
    rates = (before.rate_limit if before else None, after.rate_limit if after else None)
    return Facts(found, sessions, port.find_queues(row.tag), goal, rates, warnings, problem)


def _settled(
    port: RouterPort, target: Target, goal: Goal, address: AddressOrder, lease: str | None, taken: Sequence[str]
) -> tuple[Goal, tuple[str, ...]]:
    """The goal with the address that the router has free, and what a person should know of it."""
    found = addresses.settle_address(
        port, address, router=target.router.name, username=target.user.username, profile_pool=lease, taken=taken
    )
    return replace(goal, ip=found.ip, address=None), found.warnings


def _lacking(target: Target, goal: Goal, what: Order, available: tuple[str, ...]) -> ProfileMissing:
    name = what.product.name if what.product is not None else None
    return ProfileMissing(
        f"{target.router.name} lacks the profile {goal.profile}", profile=goal.profile or "", available=available,
        hint=package_profiles.push_hint(name, target.router.name) if name else None,
    )  # fmt: skip


def wanted(target: Target, goal: Goal, secret: Secret) -> tuple[WantedUser, WantedQueue | None]:
    """The user and the queue as the router must hold them."""
    row = SimpleNamespace(**{**target.user._mapping, **goal.columns()})
    return agreement.wanted_of(row, secret), agreement.queue_of(row)


def changes(target: Target, facts: Facts, what: Order) -> list[Change]:
    """What the act will change on the router; empty when it is all so."""
    row, goal, found = target.user, facts.goal, facts.row
    off = goal.state == agreement.SUSPENDED
    if found is None:
        made = [Change("user", "missing", "made anew, disabled" if off else "made anew")]
        return made + (_queue_changes(target, facts) if what.product is not None else [])
    changed: list[Change] = []
    if found.disabled != off:
        changed.append(Change("disabled", "yes" if found.disabled else "no", "yes" if off else "no"))
    if found.username != row.username:
        changed.append(Change("user name", found.username, row.username))
    elif what.product is None:
        return changed
    if found.profile != goal.profile:
        before, after = facts.rates
        changed.append(Change("profile", _with(found.profile, before), _with(goal.profile, after)))
    if found.ip != goal.ip:
        changed.append(Change("address", found.ip or "dynamic", goal.ip or "dynamic"))
    if found.password_matches is False:
        changed.append(Change("password", "•••", "the stored one"))
    return changed + _queue_changes(target, facts)


def _with(name: str | None, rate: str | None) -> str | None:
    return f"{name} ({rate})" if name and rate and rate != name else name


def _queue_changes(target: Target, facts: Facts) -> list[Change]:
    row = SimpleNamespace(**{**target.user._mapping, **facts.goal.columns()})
    queue = agreement.queue_of(row)
    have = facts.queues[0] if facts.queues else None
    before = rate_limit(have.upload_bps, have.download_bps) or "unlimited" if have is not None else None
    after = rate_limit(queue.upload_bps, queue.download_bps) if queue is not None else None
    changed = [] if before == after else [Change("queue", before, after)]
    if have is not None and queue is not None:
        if have.target.removesuffix("/32") != queue.address:
            changed.append(Change("queue for", have.target, queue.address))
        if have.disabled or len(facts.queues) > 1:
            changed.append(Change("queue", "disabled" if have.disabled else "several", "one, enabled"))
    return changed


def lock(tx: WriteTx, target: Target) -> Target:
    """The same read anew, its lead and customer held against other writers. Raises Refused when it is gone."""
    w.load(tx, target.lead.id)
    user = t.router_user
    row = tx.conn.execute(select(user).where(user.c.id == target.user.id)).one_or_none()
    if row is None or row.customer_id != target.user.customer_id:
        raise Refused(f"{target.title} belongs to this customer no more", code="conflict", hint="look again")
    tx.conn.execute(select(t.customer.c.id).where(t.customer.c.id == row.customer_id).with_for_update())
    return target_of(tx, row)


def title_of(act: Act, product: Product | None) -> str:
    """The act in the words of a batch: `suspend`, `package 50 Mbps Home`."""
    return f"package {product.name}" if product is not None else kind_of(act)
