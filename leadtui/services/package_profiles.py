"""A package as a profile on a router: what it should be there, what the store remembers of it, and its name there."""

from __future__ import annotations

import shlex
from typing import Any

from sqlalchemy import delete, insert, null, select, update

from leadtui.domain.catalog import Product
from leadtui.domain.packages import pushed_figures
from leadtui.errors import Invalid
from leadtui.router.credentials import check_name
from leadtui.router.port import HOTSPOT_PROFILE_PREFIX, Service, WantedProfile, package_tag
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

NAME_MAX = 63
"""The longest name of a profile, in characters."""


def profile_on(tx: ReadTx, product: Product, router_id: int, service: str) -> str | None:
    """The name that a package's profile has on a router: as it was pushed there, else as the package says.

    None when the package names no profile and was never pushed.
    """
    return confirmed_name(remembered(tx, router_id, product.id, service)) or product.profile


def push_hint(package: str, router: str) -> str:
    """What to do when a router lacks the profile of a package."""
    return f"push it first: leadtui package push {shlex.quote(package)} --router {shlex.quote(router)}"


def wanted_name(product: Product, service: str) -> str:
    """The name that the package's profile should have on a router; on a Hotspot with our prefix. Raises Invalid."""
    if not product.profile:
        raise Invalid(
            f"{product.name} has no router profile", field="profile",
            hint=f"name it: leadtui package edit {shlex.quote(product.name)} --profile 20M",
        )  # fmt: skip
    name = check_name(product.profile, field="profile", what="profile name")
    if service != "hotspot":
        return name
    if not name.startswith(HOTSPOT_PROFILE_PREFIX):
        name = HOTSPOT_PROFILE_PREFIX + name
    if len(name) > NAME_MAX:
        raise Invalid(
            f"the profile name of {product.name} is too long for a Hotspot", field="profile",
            hint=f"at most {NAME_MAX - len(HOTSPOT_PROFILE_PREFIX)} characters: {HOTSPOT_PROFILE_PREFIX} goes first",
        )  # fmt: skip
    return name


def wanted_profile(product: Product, service: Service, office_id: str, known_as: str | None = None) -> WantedProfile:
    """The package's profile as it should stand on a router. Raises Invalid when the package does not say enough.

    A package whose customers have queues carries no rate limit in its profile.
    """
    name = wanted_name(product, service)
    upload, download = pushed_figures(product)
    return WantedProfile(
        service, name, package_tag(product.id, office_id), upload, download, pool=product.pool,
        gateway=product.gateway if service == "pppoe" else None, known_as=known_as,
    )  # fmt: skip


# -- what the store remembers ------------------------------------------------------------------------------------------
def remembered(tx: ReadTx, router_id: int, product_id: int, service: str) -> Any | None:
    """The row of `router_profile`: the name there and what was sent; `sent_json` None is an intent, not yet seen."""
    query = select(t.router_profile).where(*_is(router_id, product_id, service))
    return tx.conn.execute(query).one_or_none()


def name_in(row: Any | None) -> str | None:
    """The name in a row of `remembered`, also of an intent."""
    return str(row.name) if row is not None else None


def confirmed_name(row: Any | None) -> str | None:
    """The name under which the profile was read back on the router; None for an intent and for no row."""
    return str(row.name) if row is not None and row.sent_json is not None else None


def _is(router_id: int, product_id: int, service: str) -> tuple[Any, ...]:
    c = t.router_profile.c
    return c.router_id == router_id, c.product_id == product_id, c.service == service


def remember_intent(tx: WriteTx, router_id: int, product_id: int, wanted: WantedProfile) -> None:
    """Before a Hotspot profile is made: its name is the only mark it will have, and the answer may be lost."""
    _put(tx, router_id, product_id, wanted, None)


def remember_pushed(tx: WriteTx, router_id: int, product_id: int, wanted: WantedProfile) -> None:
    """The profile was read back on the router as wanted."""
    sent = {
        "upload_bps": wanted.upload_bps, "download_bps": wanted.download_bps, "pool": wanted.pool,
        "gateway": wanted.gateway,
    }  # fmt: skip
    _put(tx, router_id, product_id, wanted, sent)


def _put(tx: WriteTx, router_id: int, product_id: int, wanted: WantedProfile, sent: dict[str, Any] | None) -> None:
    # Two pushes of one package at once: the second waits here (PostgreSQL; on SQLite transactions that write do).
    tx.conn.execute(select(t.product.c.id).where(t.product.c.id == product_id).with_for_update(key_share=True))
    values = {"name": wanted.name, "sent_json": null() if sent is None else sent, "pushed_at": tx.now}
    mine = _is(router_id, product_id, wanted.service)
    if not tx.conn.execute(update(t.router_profile).where(*mine).values(**values)).rowcount:
        keys = {"router_id": router_id, "product_id": product_id, "service": wanted.service}
        tx.conn.execute(insert(t.router_profile).values(**keys, **values))


def forget_intent(tx: WriteTx, router_id: int, product_id: int, service: str) -> None:
    """Nothing was made: the intent goes. A profile that was read back stays remembered."""
    unseen = t.router_profile.c.sent_json.is_(null())
    mine = (*_is(router_id, product_id, service), unseen)
    tx.conn.execute(delete(t.router_profile).where(*mine))


def follow_rename(tx: WriteTx, router_id: int, service: str, names: frozenset[str], new: str) -> int:
    """The router's users go with a renamed profile; ours in the store do the same. How many did."""
    user = t.router_user.c
    mine = (user.router_id == router_id, user.service == service, user.profile.in_(sorted(names - {new})))
    return int(tx.conn.execute(update(t.router_user).where(*mine).values(profile=new)).rowcount)
