"""How RouterOS says things: menus and property names per service, versions, and the meaning of its traps and values.

All differences between RouterOS 6 and 7 that provisioning meets are settled here (facts/mikrotik, "v6 against v7").
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from leadtui.router.values import Service

Row = Mapping[str, str]
TrapKind = Literal["duplicate", "permission", "no_menu", "no_item", "no_profile", "other"]


@dataclass(frozen=True, slots=True)
class ServiceMenu:
    """Where the users of a service live on the router, and what its properties are called there.

    `profile_fields`: the properties of a profile that are ours to set, and what they are called in our words.
    """

    users: str
    profiles: str
    active: str
    address: str
    active_name: str
    fixed: Mapping[str, str]
    user_properties: tuple[str, ...]
    profile_properties: tuple[str, ...]
    profile_fields: Mapping[str, str]
    active_properties: tuple[str, ...]


MENUS: Mapping[Service, ServiceMenu] = {
    "pppoe": ServiceMenu(
        users="/ppp/secret",
        profiles="/ppp/profile",
        active="/ppp/active",
        address="remote-address",
        active_name="name",
        fixed={"service": "pppoe"},
        user_properties=(
            *(".id", "name", "password", "service", "profile", "remote-address", "disabled", "comment"),
            *("caller-id", "last-logged-out"),
        ),
        profile_properties=(".id", "name", "rate-limit", "local-address", "remote-address", "comment"),
        profile_fields={
            "name": "name",
            "rate-limit": "rate_limit",
            "remote-address": "pool",
            "local-address": "gateway",
            "comment": "comment",
        },
        active_properties=(".id", "name", "service", "address", "caller-id", "uptime"),
    ),
    "hotspot": ServiceMenu(
        users="/ip/hotspot/user",
        profiles="/ip/hotspot/user/profile",
        active="/ip/hotspot/active",
        address="address",
        active_name="user",
        fixed={},
        user_properties=(
            *(".id", "name", "password", "profile", "address", "disabled", "comment"),
            *("mac-address", "server"),
        ),
        # No comment here: asking for it is an "unknown parameter" (facts/mikrotik §0.7).
        profile_properties=(".id", "name", "rate-limit", "address-pool"),
        profile_fields={"name": "name", "rate-limit": "rate_limit", "address-pool": "pool"},
        active_properties=(".id", "user", "address", "mac-address", "uptime"),
    ),
}

QUEUES = "/queue/simple"
QUEUE_PROPERTIES = (".id", "name", "target", "max-limit", "disabled", "comment")

_TRAPS: tuple[tuple[TrapKind, re.Pattern[str]], ...] = (
    ("permission", re.compile(r"not enough permissions")),
    ("no_menu", re.compile(r"no such command")),
    ("no_item", re.compile(r"no such item")),
    ("duplicate", re.compile(r"already exists|already have|with such name exists")),
    ("no_profile", re.compile(r"(?:any value of|ambiguous value of) profile")),
)


def trap_kind(message: str) -> TrapKind:
    """What a trap means, by its text: categories are not reliable (facts/mikrotik, "Trap texts")."""
    return next((kind for kind, pattern in _TRAPS if pattern.search(message.lower())), "other")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A RouterOS version; `7.18.2 (stable)` is (7, 18, 2). Unreadable text is (0, 0, 0)."""

    major: int
    minor: int = 0
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Version:
        """The leading figures of `text`."""
        found = re.match(r"\s*(\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?", text)
        return cls(*(int(part or 0) for part in found.groups())) if found else cls(0)


CHALLENGE_UNTIL = Version(6, 43)
"""Below this the login is a challenge only."""
PLAIN_ONLY_FROM = Version(6, 45, 1)
"""From here on the challenge is gone."""
EMPTY_REPLY_FROM = Version(7, 18)
"""From here on an empty print answers `!empty` before `!done`."""


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d)")
_V6_TIME = re.compile(r"([a-z]{3})/(\d\d)/(\d{4}) (\d\d:\d\d:\d\d)")


def is_true(value: str | None) -> bool:
    """A router's boolean: `true` from print, `yes` from elsewhere."""
    return value in ("true", "yes")


def address_or_none(value: str | None) -> str | None:
    """An address property in its normal spelling; unset, empty and 0.0.0.0 are None."""
    if not value or value == "0.0.0.0":  # noqa: S104 - the router's word for "none", nothing is bound to it
        return None
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return value


def single_address(value: str) -> str | None:
    """The address of `10.0.0.5` or `10.0.0.5/32`; None for a network, a name, several, 0.0.0.0 or nothing."""
    try:
        address = ipaddress.IPv4Address(value.strip().removesuffix("/32"))
    except ValueError:
        return None
    return str(address) if int(address) else None


def router_time(value: str | None) -> str | None:
    """A router's time (`jan/02/2006 15:04:05`, ISO from 7.10) as `YYYY-MM-DD HH:MM:SS`, the router's own zone.

    The epoch, which means never, and what cannot be read are None.
    """
    if found := _ISO_TIME.fullmatch(value or ""):
        year, month, day, clock = int(found[1]), int(found[2]), int(found[3]), found[4]
    elif (found := _V6_TIME.fullmatch(value or "")) and found[1] in _MONTHS:
        year, month, day, clock = int(found[3]), _MONTHS.index(found[1]) + 1, int(found[2]), found[4]
    else:
        return None
    return None if year == 1970 else f"{year:04}-{month:02}-{day:02} {clock}"


def pool_size(ranges: str) -> int:
    """How many addresses a pool's `ranges` (`a-b`, single, prefix; comma list) hold; unreadable parts count 0."""
    total = 0
    for part in ranges.split(","):
        try:
            if "-" in part:
                low, high = (ipaddress.ip_address(end.strip()) for end in part.split("-", 1))
                total += max(0, int(high) - int(low) + 1)
            elif part.strip():
                total += ipaddress.ip_network(part.strip(), strict=False).num_addresses
        except ValueError:
            continue
    return total
