"""Customers of the training router going online and offline: sessions, fixed addresses, leases of pools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from leadtui.domain.addresses import next_free, parse_ranges
from leadtui.errors import Refused
from leadtui.router.simulator.menus import MENUS
from leadtui.router.simulator.state import SESSION_USER, RouterState

Row = Mapping[str, str]

_LEASES = "/ip/pool/used"


def dial_in(state: RouterState, username: str, *, caller_id: str, uptime: str) -> str:
    """A PPP user comes online; the address. `Refused` when the router would not let the user in.

    The address is the secret's, before the profile's; a pool of the profile gives the first that is free, its next
    pool when it is full. Where the profile says only-one, the user's former session ends.
    """
    with state.lock:
        secret = _enabled(state, "/ppp/secret", username)
        profile = _profile(state, "/ppp/profile", secret)
        if profile.get("only-one") == "yes":
            hang_up(state, "/ppp/active", username)
        source = secret.get("remote-address") or profile.get("remote-address", "")
        address = _address(state, source, username, owner="PPPoE")
        session = {"name": username, "service": "pppoe", "caller-id": caller_id, "address": address, "uptime": uptime}
        state.put("/ppp/active", session)
        return address


def log_in(state: RouterState, username: str, *, mac_address: str, uptime: str) -> str:
    """A Hotspot user logs in; the address. `Refused` when the router would not let the user in.

    `shared-users` of the profile is how many may be logged in at once.
    """
    with state.lock:
        user = _enabled(state, "/ip/hotspot/user", username)
        profile = _profile(state, "/ip/hotspot/user/profile", user)
        online = sum(row["user"] == username for row in _rows(state, "/ip/hotspot/active"))
        shared = profile.get("shared-users", "1")
        if shared.isdecimal() and online >= int(shared):
            raise Refused(f"No more sessions are allowed for the user {username}.", field="username")
        address = _address(state, user.get("address") or profile.get("address-pool", ""), username, owner="hotspot")
        session = {"user": username, "address": address, "mac-address": mac_address, "uptime": uptime, "server": "all"}
        state.put("/ip/hotspot/active", session)
        return address


def hang_up(state: RouterState, menu: str, username: str) -> int:
    """End the sessions of a user and give their leases back; how many there were."""
    with state.lock:
        ids = [row[".id"] for row in _rows(state, menu) if row.get(SESSION_USER[menu]) == username]
        if ids:
            state.remove(MENUS[menu], ",".join(ids))
        return len(ids)


def _rows(state: RouterState, path: str) -> Iterator[dict[str, str]]:
    return state.print_rows(MENUS[path], (), secrets=False)


def _named(state: RouterState, path: str, name: str) -> Row | None:
    return next(state.print_rows(MENUS[path], (f"?name={name}",), secrets=False), None)


def _enabled(state: RouterState, path: str, username: str) -> Row:
    user = _named(state, path, username)
    if user is None or user["disabled"] == "true":
        raise Refused(f"The training router has no enabled user {username}.", field="username")
    return user


def _profile(state: RouterState, path: str, user: Row) -> Row:
    profile = _named(state, path, user["profile"])
    if profile is None:  # a removed one prints as its id
        raise Refused(f"The profile of {user['name']} is not on the training router any more.", field="profile")
    return profile


def _address(state: RouterState, source: str, username: str, *, owner: str) -> str:
    """`source` itself when it is an address, else one leased from the pool of that name or the pools behind it."""
    seen: set[str] = set()
    pool = _named(state, "/ip/pool", source)
    if source and pool is None:
        return source
    used = {row["address"] for row in _rows(state, _LEASES)}
    while pool is not None and pool["name"] not in seen:
        seen.add(pool["name"])
        address = next_free(parse_ranges(pool["ranges"]), used)
        if address is not None:
            state.put(_LEASES, {"pool": pool["name"], "address": address, "owner": owner, "info": username})
            return address
        pool = _named(state, "/ip/pool", pool.get("next-pool", ""))
    raise Refused(f"The training router has no free address for {username}.")
