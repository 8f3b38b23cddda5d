"""What the tests of packages on routers share: a package, routers on the list, what stands there and in the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from leadtui.router.simulator import Simulator
from leadtui.services import admin, conversion, package_push
from leadtui.services.office import Office
from leadtui.services.package_push import PushRow
from leadtui.store import schema as t

from .conversion_help import ROUTER, add_router, new_lead, wanting

HOME = "Fibre Home"
PPP, HOTSPOT = "/ppp/profile", "/ip/hotspot/user/profile"


def convert(office: Office, name: str, package: str) -> Any:
    """A lead becomes a customer with a user on the router; the result."""
    return conversion.convert(office, new_lead(office, name, package=package).id, wanting())


def add_package(office: Office, **values: str) -> int:
    """A package of 5 up and 20 down with the profile FH, or as `values` say."""
    given = {"name": HOME, "profile": "FH", "upload": "5M", "download": "20M"} | values
    return int(admin.add(office, "package", given)["id"])


def profile(router: Simulator, name: str, path: str = PPP) -> dict[str, str]:
    """The profile of that name as the router holds it."""
    (found,) = [row for row in router.rows(path) if row["name"] == name]
    return found


def without(office: Office, *names: str) -> None:
    """Retire the packages of the preset, whose profiles stand on every training router and are not ours."""
    for item in admin.items(office, "package"):
        if item["name"] not in names:
            admin.retire(office, "package", item["name"])


def outcomes(rows: tuple[PushRow, ...]) -> dict[str, str]:
    """Router → outcome."""
    return {row.router: row.outcome for row in rows}


def remembered(office: Office) -> list[tuple[str, str, Any]]:
    """The rows of router_profile."""
    with office.read() as tx:
        c = t.router_profile.c
        return [tuple(row) for row in tx.conn.execute(select(c.service, c.name, c.sent_json).order_by(c.id))]


def name_on(office: Office, package: str = HOME, service: str = "pppoe", router_id: int = 1) -> str | None:
    """The name that conversions use."""
    with office.read() as tx:
        return package_push.profile_on(tx, tx.catalog.find_product(package), router_id, service)


__all__ = [
    "HOME", "HOTSPOT", "PPP", "ROUTER", "add_package", "add_router", "convert", "name_on", "outcomes", "profile",
    "remembered", "without",
]  # fmt: skip
