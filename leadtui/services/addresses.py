"""A customer's fixed address: what was asked for, what the store and the router say to it, the next free of a pool.

An address is asked for as `10.20.0.15`, `next` (the next free one of the package's pool), `next:POOL` or `dynamic`;
nothing said means what the package means (spec §L2 114). The unique index on `router_user` is the last guard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any

from sqlalchemy import or_, select, update

from leadtui.domain.addresses import Ranges, check_address, contains, next_free, parse_ranges
from leadtui.domain.catalog import Product
from leadtui.domain.packages import figures
from leadtui.errors import Duplicate, Invalid, Refused
from leadtui.router.port import Pool, RouterPort
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import provision_jobs

NEXT = "next"
DYNAMIC = "dynamic"
_EXAMPLE = f"such as 10.20.0.15, or {NEXT}, or {NEXT}:POOL"


@dataclass(frozen=True, slots=True)
class AddressOrder:
    """The address asked for: `ip` itself, or the next free one of `pool`; neither: a dynamic one.

    `prior` is the address that the lead's user has: kept where it lies in the pool. `is_kept`: `ip` is that one, and
    `pool` merely where the package would have it.
    """

    ip: str | None = None
    pool: str | None = None
    prior: str | None = None
    is_kept: bool = False

    @property
    def is_fixed(self) -> bool:
        """Whether the user gets an address of its own."""
        return self.ip is not None or self.pool is not None


@dataclass(frozen=True, slots=True)
class AddressFound:
    """What the router says: the address to take, the pool it lies in, and what a person should know."""

    ip: str | None = None
    pool: str | None = None
    warnings: tuple[str, ...] = ()


def read_address(
    tx: ReadTx, router: Any, product: Product, text: str | None, *, lead_id: int, prior_ip: str | None = None
) -> AddressOrder:
    """What the words mean for this package. `prior_ip`: the address the lead's user has already.

    It is kept when nothing is asked for, and when the next one is asked for and it lies in that pool.

    Raises Invalid or Duplicate, with field `ip`.
    """
    word = (text or "").strip()
    name, colon, pool = word.partition(":")
    match name.strip().lower():
        case "" if product.addressing == DYNAMIC:
            return AddressOrder()
        case "dynamic":
            if product.addressing != DYNAMIC:
                raise Invalid(f"the package {product.name} needs a fixed address", field="ip", hint=_EXAMPLE)
            return AddressOrder()
        case "next" if colon:
            if not pool.strip():
                raise Invalid("the pool is missing behind next:", field="ip", hint=_EXAMPLE)
            return AddressOrder(pool=pool.strip(), prior=prior_ip)
        case "next" if product.pool:
            return AddressOrder(pool=product.pool, prior=prior_ip)
        case "" | "next":
            if prior_ip is not None:
                return AddressOrder(prior_ip, product.pool, is_kept=True)
            if product.pool:
                return AddressOrder(pool=product.pool)
            wants = "needs a fixed address and names no pool" if not word else "names no pool"
            raise Invalid(
                f"the package {product.name} {wants}", field="ip",
                hint=f'type an address or {NEXT}:POOL, or set its pool: leadtui package edit "{product.name}" --pool …',
            )  # fmt: skip
    address = _ipv4(word)
    refuse_taken_address(tx, router, address, lead_id)
    return AddressOrder(address)


def _ipv4(word: str) -> str:
    try:
        address = IPv4Address(check_address(word))
    except Invalid as error:
        raise Invalid(error.message, field="ip", hint=_EXAMPLE) from None
    if address.is_multicast or address.is_loopback or address.is_reserved:
        raise Invalid(f"{address} is not an address for a customer", field="ip", hint=_EXAMPLE)
    return str(address)


def queue_rates(product: Product) -> tuple[int, int] | None:
    """The upload and download of the simple queue a package asks for, in bits a second; None when it asks for none.

    Raises Invalid when it asks for one and has no speed.
    """
    if product.addressing != "queue":
        return None
    upload, download = figures(product)
    if upload is None or download is None:
        raise Invalid(
            f"the package {product.name} asks for a queue and has no speed", field="package",
            hint=f'set it: leadtui package edit "{product.name}" --upload 5M --download 20M',
        )  # fmt: skip
    return upload, download


def follow_figures(tx: WriteTx, product_id: int) -> int:
    """The package's speed changed: its customers' queues shall have it too. How many rows say so now.

    The store says what must stand on the routers; their audits find the old limits there, and mend them.
    """
    product = _as_it_is(tx, product_id)
    if product.addressing != "queue":
        return 0
    up, down = queue_rates(product) or (None, None)
    user = t.router_user.c
    behind = (
        user.product_id == product_id, user.queue_up_bps.is_not(None),
        or_(user.queue_up_bps != up, user.queue_down_bps != down),
    )  # fmt: skip
    return int(
        tx.conn.execute(update(t.router_user).where(*behind).values(queue_up_bps=up, queue_down_bps=down)).rowcount
    )


def rates_now(tx: WriteTx, product_id: int | None, given: tuple[int, int] | None) -> tuple[int, int] | None:
    """The rates of a customer's queue to write down: those of the package as it is now, not as it was when `given`.

    Holds the package against being edited until the transaction ends.
    """
    if given is None or product_id is None:
        return given
    product = _as_it_is(tx, product_id)
    return queue_rates(product) if product.addressing == "queue" else given


def _as_it_is(tx: WriteTx, product_id: int) -> Product:
    """What the package says in this very moment, whatever was read when the transaction began."""
    c = t.product.c
    query = select(c.addressing, c.upload_bps, c.download_bps, c.speed).where(c.id == product_id)
    row = tx.conn.execute(query.with_for_update(read=True)).one()
    return replace(tx.catalog.product_by_id[product_id], **row._mapping)


# -- the store --------------------------------------------------------------------------------------------------------
def taken_in_store(tx: ReadTx, router_id: int, lead_id: int) -> dict[str, str]:
    """The fixed addresses of other leads on this router, with whose they are: of users, and of users being made."""
    user, job = t.router_user.c, t.provision_job.c
    rows = select(user.ip, user.username).where(
        user.router_id == router_id, user.ip.is_not(None), user.lead_id.is_distinct_from(lead_id)
    )
    coming = select(job.request_json, job.username).where(
        job.router_id == router_id, job.lead_id != lead_id, job.state.in_(provision_jobs.OPEN_STATES)
    )
    taken = {str(row.ip): str(row.username) for row in tx.conn.execute(rows)}
    for asked, username in tx.conn.execute(coming):
        if isinstance(asked, dict) and asked.get("ip"):
            taken.setdefault(str(asked["ip"]), str(username))
    return taken


def refuse_taken_address(tx: ReadTx, router: Any, ip: str, lead_id: int) -> None:
    """The address must be free among our users on this router and those being made. Raises Duplicate."""
    if (name := taken_in_store(tx, router.id, lead_id).get(ip)) is not None:
        raise taken_error(ip, name, router.name)


def taken_error(ip: str, whose: str, router: str) -> Duplicate:
    """Another one has this address."""
    return Duplicate(
        f"the address {ip} is {whose}'s on {router}", field="ip", hint=f"choose another one, or {NEXT} for a free one"
    )


# -- the router -------------------------------------------------------------------------------------------------------
def settle_address(
    port: RouterPort, order: AddressOrder, *, router: str, username: str, profile_pool: str | None,
    taken: Collection[str],
) -> AddressFound:  # fmt: skip
    """Ask the router about the address asked for, or draw the next free one that is not `taken` either.

    `profile_pool`: where the user's profile leases from. Raises Duplicate (another has it there), Invalid (there is no
    such pool), Refused (the pool is full), or a RouterFault.
    """
    if not order.is_fixed:
        return AddressFound()
    pools = port.pools()
    used = {ip: holder for ip, holder in port.used_addresses().items() if holder != username}
    if order.ip is not None:
        if order.ip in used:
            raise taken_error(order.ip, used[order.ip], router)
        return AddressFound(order.ip, _pool_of(order.ip, pools), _warnings(order, pools, router, profile_pool))
    chain = list(_chain(pools, order.pool or "", router))
    if order.prior is not None and order.prior not in used and (kept := _pool_of(order.prior, chain)) is not None:
        return AddressFound(order.prior, kept)
    for pool in chain:
        drawn = next_free(_ranges(pool), {*used, *taken})
        if drawn is not None:
            return AddressFound(drawn, pool.name)
    raise Refused(
        f"the pool {order.pool} on {router} has no free address", field="ip", code="pool_full",
        hint="choose another pool, or type an address",
    )  # fmt: skip


def _chain(pools: Sequence[Pool], name: str, router: str) -> Iterator[Pool]:
    """The pool of that name, and those the router goes on with when it is full. Raises Invalid when there is none."""
    known = {pool.name: pool for pool in pools}
    if name not in known:
        raise Invalid(
            f"{router} has no pool {name}", field="ip", hint=f"it has: {', '.join(known)}" if known else "it has none"
        )
    seen: set[str] = set()
    while name in known and name not in seen:
        seen.add(name)
        yield known[name]
        name = known[name].next_pool or ""


def _pool_of(ip: str, pools: Sequence[Pool]) -> str | None:
    return next((pool.name for pool in pools if contains(_ranges(pool), ip)), None)


def _ranges(pool: Pool) -> Ranges:
    """Where a pool's addresses lie; none where its words are not understood: that stops no other pool."""
    try:
        return parse_ranges(pool.ranges)
    except Invalid:
        return Ranges()


def _warnings(order: AddressOrder, pools: Sequence[Pool], router: str, profile_pool: str | None) -> tuple[str, ...]:
    """What is allowed with an address that was not drawn, but worth knowing."""
    ip, names = order.ip or "", {pool.name for pool in pools}
    inside = _pool_of(ip, pools)
    if order.is_kept:
        is_elsewhere = order.pool in names and _pool_of(ip, list(_chain(pools, order.pool or "", router))) is None
        return (f"{ip} is kept, though it lies outside the package's pool {order.pool}",) if is_elsewhere else ()
    if inside is None:
        return (f"{ip} lies outside every pool of {router}",)
    if profile_pool in names and inside in {pool.name for pool in _chain(pools, profile_pool or "", router)}:
        return (f"{ip} lies in {inside}, which the profile leases from: another customer may be given it",)
    return ()
