"""Rows of the router and the port's values: from one to the other, and where they differ. Pure."""

from __future__ import annotations

import hmac
import ipaddress

from leadtui.errors import Invalid
from leadtui.router import dialect
from leadtui.router.credentials import check_password, check_username
from leadtui.router.dialect import MENUS, Row
from leadtui.router.port import Difference, RouterUser, Secret, Service, WantedUser, owner_tag
from leadtui.router.wire import shown, storable

_HIDDEN = "•••"


def optional(row: Row, name: str) -> str | None:
    """A property fit to store, or None when absent or empty."""
    value = row.get(name)
    return storable(value) if value else None


def yes_no(value: bool) -> str:
    """A boolean in the router's words."""
    return "yes" if value else "no"


def _same_secret(mine: str, theirs: str) -> bool:
    return hmac.compare_digest(mine.encode("utf-8", "surrogatepass"), theirs.encode("utf-8", "surrogatepass"))


def user_of(service: Service, row: Row, password: Secret | None = None) -> RouterUser:
    """A row as the port shows it; `password`, when given and visible, is compared and not kept."""
    matches = None
    if password is not None and "password" in row:
        matches = _same_secret(password.reveal(), row["password"])
    return RouterUser(
        username=storable(row.get("name", "")),
        service=shown(row.get("service", "any" if service == "pppoe" else service)),
        profile=storable(row.get("profile", "")),
        ip=dialect.address_or_none(optional(row, MENUS[service].address)),
        disabled=dialect.is_true(row.get("disabled")),
        comment=shown(row.get("comment", "")),
        caller_id=optional(row, "caller-id") or optional(row, "mac-address"),
        last_logged_out=dialect.router_time(row.get("last-logged-out")),
        password_matches=matches,
    )


def check_wanted(wanted: WantedUser) -> None:
    """Refuse what must never reach a router; raises `Invalid` with the field's name."""
    check_username(wanted.username)
    check_password(wanted.password.reveal())
    if owner_tag(wanted.tag) != wanted.tag or not wanted.tag.isascii():
        raise Invalid("The ownership tag is not of the form leadtui:NUMBER.", field="tag")
    if not wanted.profile:
        raise Invalid("A profile is needed.", field="profile")
    if wanted.ip is not None:
        try:
            address = ipaddress.IPv4Address(wanted.ip)
        except ValueError:
            raise Invalid(
                f"{shown(wanted.ip, 50)} is not an IPv4 address.", field="ip", hint="for example 10.20.0.15"
            ) from None
        if int(address) == 0:
            raise Invalid("0.0.0.0 is not an address for a user.", field="ip", hint="leave it empty for a dynamic one")


def words_for(wanted: WantedUser) -> dict[str, str]:
    """The properties of a wanted user by the router's names, without the comment. A dynamic address has no word."""
    menu = MENUS[wanted.service]
    words = {"name": wanted.username, "password": wanted.password.reveal(), **menu.fixed, "profile": wanted.profile}
    if wanted.ip is not None:
        words[menu.address] = wanted.ip
    return {**words, "disabled": yes_no(wanted.disabled)}


def differences(wanted: WantedUser, row: Row) -> tuple[Difference, ...]:
    """Where `row` is not as wanted, both sides normalised; an unreadable password is no difference."""
    menu = MENUS[wanted.service]
    found = []
    for name, value in words_for(wanted).items():
        actual = row.get(name, "")
        if name == "password":
            if "password" in row and not _same_secret(value, actual):
                found.append(Difference(name, _HIDDEN, _HIDDEN))
        elif name == "disabled":
            if dialect.is_true(actual) != wanted.disabled:
                found.append(Difference(name, value, yes_no(not wanted.disabled)))
        elif name != menu.address and actual != value:
            found.append(Difference(name, value, shown(actual)))
    actual_ip = dialect.address_or_none(row.get(menu.address))
    if actual_ip != dialect.address_or_none(wanted.ip):
        found.append(Difference(menu.address, wanted.ip or "", actual_ip or ""))
    return tuple(found)
