"""The demo's packages as profiles of its training router: ours, as pushed, but for one changed at the router."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from leadtui.router.port import package_tag
from leadtui.services import admin, package_profiles
from leadtui.services.office import Office
from leadtui.store import schema as t

_POOL, _GATEWAY = "pppoe-wl", "10.20.0.1"
_CHANGED = ("100M", "50M/100M")
"""The profile whose limit was changed at the router itself, and what it was set to: `package drift` finds it."""


def fit_profiles(office: Office, router: str, state_file: Path) -> None:
    """Give the packages the pool and gateway of the training router, and its profiles of their names our mark."""
    from leadtui.router.simulator import Simulator

    for product in office.catalog.products:
        if product.profile:
            admin.edit(office, "package", str(product.id), {"pool": _POOL, "gateway": _GATEWAY})
    simulator = Simulator(state_file, identity=router)
    there = {row["name"] for row in simulator.rows("/ppp/profile")}
    with office.write() as tx:
        router_id = int(tx.conn.execute(select(t.router.c.id).where(t.router.c.name == router)).scalar_one())
        for product in tx.catalog.products:
            if product.profile in there:
                wanted = package_profiles.wanted_profile(product, "pppoe", tx.catalog.office_id)
                mark = package_tag(product.id, tx.catalog.office_id)
                simulator.change("/ppp/profile", wanted.name, comment=mark)
                package_profiles.remember_pushed(tx, router_id, product.id, wanted)
    name, limit = _CHANGED
    if name in there:
        simulator.change("/ppp/profile", name, rate_limit=limit)
