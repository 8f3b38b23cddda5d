"""What a router tells of itself: who it is, how busy it is, its address pools and who holds which address."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from leadtui.router import dialect, menus
from leadtui.router.dialect import MENUS, QUEUES, Row
from leadtui.router.port import SERVICES, Load, Pool, Probe, RouterMenuMissing, RouterRefused, Service
from leadtui.router.rows import optional
from leadtui.router.wire import shown, storable

if TYPE_CHECKING:
    from leadtui.router.mikrotik import Session

_POOLS = "/ip/pool"
_LEASES = "/ip/pool/used"
_RANGES_MAX = 4000


def probe(session: Session) -> Probe:
    """Identity, version, board, load; the latency is that of the first, small command."""
    started = time.monotonic()
    identity = session.call("/system/identity/print", doing="tell its name").rows
    latency_ms = (time.monotonic() - started) * 1000
    resource = session.call("/system/resource/print", doing="tell its version").rows
    row: Row = resource[0] if resource else {}
    load = row.get("cpu-load", "")
    return Probe(
        identity=shown(identity[0].get("name", "")) if identity else "",
        version=shown(row.get("version", "")),
        board=shown(row.get("board-name", "")),
        latency_ms=round(latency_ms, 1),
        uptime=shown(row.get("uptime", "")),
        cpu_load_percent=int(load) if load.isdecimal() else None,
    )


def capacity(session: Session) -> Load:
    """The probe, the number of sessions and the pools. Everything is counted by the router: what comes over the line
    does not grow with its customers.
    """
    return Load(probe(session), sum(_count_sessions(session, service) for service in SERVICES), pools(session))


def _count(session: Session, menu: str, queries: list[str], *, doing: str) -> int | None:
    reply = session.call(f"{menu}/print", {"count-only": ""}, queries, doing=doing)
    count = reply.done.get("ret", "")
    return int(count) if count.isdecimal() else None


def _count_sessions(session: Session, service: Service) -> int:
    try:
        return _count(session, MENUS[service].active, [], doing="count the running sessions") or 0
    except RouterMenuMissing:
        return 0


def pools(session: Session) -> tuple[Pool, ...]:
    """All address pools with their use."""
    properties = (".id", "name", "ranges", "next-pool", "comment")
    rows = menus.print_rows(session, _POOLS, properties, doing="list its pools")
    return tuple(
        Pool(
            name=storable(row.get("name", "")),
            ranges=shown(row.get("ranges", ""), _RANGES_MAX),
            total=dialect.pool_size(row.get("ranges", "")),
            used=_count_used(session, row.get("name", "")),
            next_pool=optional(row, "next-pool"),
            comment=shown(row.get("comment", "")),
        )
        for row in rows
    )


def _count_used(session: Session, pool: str) -> int | None:
    try:
        return _count(session, _LEASES, [f"?pool={pool}"], doing="count the used addresses")
    except (RouterRefused, RouterMenuMissing):
        return None  # the pool is still worth showing


def used_addresses(session: Session, pool: str | None) -> dict[str, str]:
    """Address → who holds it: fixed ones before leases, for a lease of a fixed address is of the same user."""
    held: dict[str, str] = {}

    def hold(menu: str, name: str, address: str, *, queries: tuple[str, ...] = (), who: str = "{}") -> None:
        try:
            rows = menus.print_rows(
                session, menu, (".id", name, address), queries, doing="tell which addresses are taken"
            )
        except RouterMenuMissing:
            return
        for row in rows:
            for part in row.get(address, "").split(","):
                found = dialect.single_address(part)
                if found is not None:
                    held.setdefault(found, who.format(storable(row.get(name, ""))))

    for service in SERVICES:
        address = MENUS[service].address
        hold(MENUS[service].users, "name", address, queries=(f"?{address}",))
    hold(QUEUES, "name", "target")
    hold(MENUS["pppoe"].profiles, "name", "local-address", who="the gateway of the profile {}")
    hold(_LEASES, "info", "address", queries=() if pool is None else (f"?pool={pool}",))
    return held
