"""The menus of the training router: their properties, what each accepts, how it is stored, and the exact refusals.

Texts and categories are those of facts/mikrotik, "Trap texts" and "Menus".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

DUPLICATE_PROFILE = "failure: profile with the same name already exists"


class Trap(Exception):
    """A refusal: one or more `(message, category)` that become `!trap` sentences."""

    def __init__(self, *traps: tuple[str, int | None]) -> None:
        super().__init__(*traps)
        self.traps = traps


def no_item() -> Trap:
    """The refusal of an id that is not there."""
    return Trap(("no such item (4)", 0))


Normalise = Callable[[str, str], str]
"""(property name, given value) → stored value, or `Trap`."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `refers` names the menu whose row it points to; `default` is what a new row gets (None: absent)."""

    normalise: Normalise
    default: str | None = None
    refers: str | None = None
    secret: bool = False
    read_only: bool = False
    unsettable: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """A menu of rows. `unique` are the properties that together may occur once; `verbs` what it can do."""

    path: str
    properties: Mapping[str, Property]
    unique: tuple[str, ...] = ("name",)
    duplicate: str = "failure: already have such entry"
    verbs: frozenset[str] = field(
        default_factory=lambda: frozenset({"print", "getall", "add", "set", "remove", "unset", "comment"})
    )
    required: tuple[str, ...] = ("name",)
    check: Callable[[Mapping[str, str]], None] = lambda _: None
    """Refuses, with `Trap`, a row whose properties do not go together."""


def _text(_: str, value: str) -> str:
    return value


def _name(name: str, value: str) -> str:
    if not value:
        raise Trap((f"value of {name} should not be empty", 1))
    return value


def _boolean(name: str, value: str) -> str:
    if value in ("yes", "true"):
        return "true"
    if value in ("no", "false"):
        return "false"
    raise Trap((f"input does not match any value of {name}", 1))


def _ipv4(name: str, value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        raise Trap((f"invalid value for argument {name}", 1)) from None


def _choice(*allowed: str) -> Normalise:
    def check(name: str, value: str) -> str:
        if value not in allowed:
            raise Trap((f"input does not match any value of {name}", 1))
        return value

    return check


def _mac(name: str, value: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}", value):
        raise Trap((f"invalid value of {name}, mac address required", 1))
    return value.replace("-", ":").upper()


def _ranges(name: str, value: str) -> str:
    if not value:
        raise Trap((f"value of {name} expects range of ip addresses", 1))
    for part in value.split(","):
        low, dash, high = part.partition("-")
        for end, side in ((low, "before"), (high, "after")) if dash else ((part.partition("/")[0], ""),):
            try:
                ipaddress.IPv4Address(end.strip())
            except ValueError:
                text = f"value of range must have ip address {side} '-'" if side else None
                raise Trap((text or "value of range expects range of ip addresses", 1)) from None
    return value


def _target(name: str, value: str) -> str:
    """What a queue is for: addresses and networks, with commas; a single address becomes a network of one."""
    try:
        return ",".join(str(ipaddress.IPv4Network(part.strip())) for part in value.split(","))
    except ValueError:
        raise Trap((f"invalid value for argument {name}", 1)) from None


_RATE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def _rates(name: str, value: str) -> str:
    """Upload and download as a queue stores them: in bit/s. One figure stands for both."""
    parts = value.split("/")
    figures = [re.fullmatch(r"(\d{1,15})([kmg]?)", part, re.IGNORECASE | re.ASCII) for part in parts]
    if len(parts) > 2 or not all(figures):
        raise Trap((f"invalid value for argument {name}", 1))
    bits = [int(found[1]) * _RATE_UNITS[found[2].lower()] for found in figures if found]
    return f"{bits[0]}/{bits[-1]}"


def _check_queue(row: Mapping[str, str]) -> None:
    limits, guaranteed = (list(map(int, row[name].split("/"))) for name in ("max-limit", "limit-at"))
    for way, limit, at_least in zip(("upload", "download"), limits, guaranteed, strict=True):
        if 0 < limit < at_least:
            raise Trap((f"failure: {way}-max-limit less than {way}-limit", None))


_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def duration(name: str, value: str) -> str:
    """A duration as RouterOS writes it back: `3600` → `1h`, `30d` → `4w2d`."""
    if value.isdecimal():
        seconds = int(value)
    elif re.fullmatch(r"(\d+[wdhms])+", value):
        seconds = sum(int(n) * dict(_UNITS)[unit] for n, unit in re.findall(r"(\d+)([wdhms])", value))
    else:
        raise Trap((f"invalid value for argument {name}", 1))
    out = ""
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        out += f"{count}{unit}" if count else ""
    return out or "0s"


_TEXT = Property(_text)
_COMMENT = Property(_text, unsettable=True)
_TEXT_UNSET = Property(_text, unsettable=True)
_READ_ONLY = Property(_text, read_only=True)
_WITH_SWITCH = frozenset({"print", "getall", "add", "set", "remove", "unset", "comment", "enable", "disable"})
_SESSION_VERBS = frozenset({"print", "getall", "remove"})
_PPP_SERVICES = ("any", "async", "l2tp", "ovpn", "pppoe", "pptp", "sstp")
IP_OR_POOL = "/ip/pool"

MENUS: Mapping[str, Menu] = {
    menu.path: menu
    for menu in (
        Menu(
            "/ppp/secret",
            {
                "name": Property(_name),
                "password": Property(_text, default="", secret=True),
                "service": Property(_choice(*_PPP_SERVICES), default="any"),
                "profile": Property(_text, default="*0", refers="/ppp/profile"),
                "caller-id": Property(_text, default=""),
                "local-address": Property(_ipv4, unsettable=True),
                "remote-address": Property(_ipv4, unsettable=True),
                "routes": Property(_text, default=""),
                "limit-bytes-in": Property(_text, default="0"),
                "limit-bytes-out": Property(_text, default="0"),
                "last-logged-out": Property(_text, default="1970-01-01 00:00:00", read_only=True),
                "disabled": Property(_boolean, default="false"),
                "comment": _COMMENT,
            },
            duplicate="failure: secret with the same name already exists",
            verbs=_WITH_SWITCH,
        ),
        Menu(
            "/ppp/profile",
            {
                "name": Property(_name),
                # An address or a pool's name; the state resolves which.
                "local-address": Property(_text, refers=IP_OR_POOL, unsettable=True),
                "remote-address": Property(_text, refers=IP_OR_POOL, unsettable=True),
                "rate-limit": _TEXT_UNSET,  # a plain text: a typing error bites only when a customer dials in
                "only-one": Property(_choice("default", "yes", "no"), default="default"),
                "use-encryption": Property(_text, default="default"),
                "session-timeout": Property(duration, unsettable=True),
                "address-list": Property(_text, default=""),
                "dns-server": Property(_text, unsettable=True),
                "parent-queue": Property(_text, unsettable=True),
                "on-up": Property(_text, default=""),
                "on-down": Property(_text, default=""),
                "comment": _COMMENT,
            },
            duplicate=DUPLICATE_PROFILE,
        ),
        Menu(
            "/ppp/active",
            dict.fromkeys(("name", "service", "caller-id", "address", "uptime", "encoding", "session-id"), _READ_ONLY),
            unique=(),
            verbs=_SESSION_VERBS,
            required=(),
        ),
        Menu(
            "/ip/pool",
            {
                "name": Property(_name),
                "ranges": Property(_ranges),
                "next-pool": Property(_text, refers="/ip/pool", unsettable=True),
                "comment": _COMMENT,
            },
            duplicate="failure: pool with such name exists",
            required=("name", "ranges"),
        ),
        Menu(
            "/ip/pool/used",
            dict.fromkeys(("pool", "address", "owner", "info"), _READ_ONLY),
            unique=(),
            verbs=frozenset({"print", "getall"}),
            required=(),
        ),
        Menu(
            "/ip/hotspot/user",
            {
                "name": Property(_name),
                "password": Property(_text, unsettable=True, secret=True),
                "server": Property(_text, default="all"),
                "profile": Property(_text, default="*0", refers="/ip/hotspot/user/profile"),
                "address": Property(_ipv4, unsettable=True),
                "mac-address": Property(_mac, unsettable=True),
                "limit-uptime": Property(duration, unsettable=True),
                "limit-bytes-total": Property(_text, unsettable=True),
                "email": _TEXT_UNSET,
                "uptime": Property(_text, default="0s", read_only=True),
                "disabled": Property(_boolean, default="false"),
                "comment": _COMMENT,
            },
            unique=("name", "server"),
            duplicate="failure: already have user with this name for this server",
            verbs=_WITH_SWITCH,
        ),
        Menu(
            "/ip/hotspot/user/profile",  # has no comment property (facts/mikrotik §0.7)
            {
                "name": Property(_name),
                "rate-limit": _TEXT_UNSET,
                "address-pool": Property(_text, refers="/ip/pool", unsettable=True),
                "shared-users": Property(_text, default="1"),
                "session-timeout": Property(duration, unsettable=True),
                "idle-timeout": Property(_text, default="none"),
                "keepalive-timeout": Property(duration, default="2m"),
            },
            duplicate=DUPLICATE_PROFILE,
            verbs=frozenset({"print", "getall", "add", "set", "remove", "unset"}),
        ),
        Menu(
            "/ip/hotspot/active",
            dict.fromkeys(("user", "address", "mac-address", "uptime", "server"), _READ_ONLY),
            unique=(),
            verbs=_SESSION_VERBS,
            required=(),
        ),
        Menu(
            "/queue/simple",
            {
                "name": Property(_name),
                "target": Property(_target),
                "max-limit": Property(_rates, default="0/0"),
                "limit-at": Property(_rates, default="0/0"),
                "parent": Property(_text, default="none"),
                "disabled": Property(_boolean, default="false"),
                "comment": _COMMENT,
            },
            duplicate="failure: already have such name",
            verbs=_WITH_SWITCH,
            required=("name", "target"),
            check=_check_queue,
        ),
    )
}
