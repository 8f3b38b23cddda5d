"""Rows of the router and the port's values: from one to the other, and where they differ. Pure."""

from __future__ import annotations

import hmac

from leadtui.domain import addresses
from leadtui.errors import Invalid
from leadtui.router import dialect
from leadtui.router.credentials import check_name, check_password, check_username
from leadtui.router.dialect import MENUS, Row
from leadtui.router.marks import HOTSPOT_PROFILE_PREFIX, owner_tag
from leadtui.router.values import (
    Difference,
    Profile,
    Queue,
    RouterUser,
    Secret,
    Service,
    WantedProfile,
    WantedQueue,
    WantedUser,
)
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


def _check_tag(tag: str) -> None:
    if owner_tag(tag) != tag or not tag.isascii():
        raise Invalid("The mark is not of the form leadtui:NUMBER office:ID.", field="tag")


def check_wanted(wanted: WantedUser) -> None:
    """Refuse what must never reach a router; raises `Invalid` with the field's name."""
    check_username(wanted.username)
    check_password(wanted.password.reveal())
    _check_tag(wanted.tag)
    if not wanted.profile:
        raise Invalid("A profile is needed.", field="profile")
    if wanted.ip is not None:
        addresses.check_address(wanted.ip)


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
        found.append(Difference(menu.address, wanted.ip or "", shown(actual_ip or "")))
    return (*found, *_other_mark(wanted.tag, row))


def _other_mark(tag: str, row: Row) -> tuple[Difference, ...]:
    """The comment as a difference when it does not begin with exactly this mark."""
    comment = row.get("comment", "")
    mark = owner_tag(comment)
    return () if mark == tag else (Difference("comment", tag, shown(mark or comment)),)


# Profiles


def profile_of(service: Service, row: Row) -> Profile:
    """A row of a profile menu as the port shows it."""
    pool = optional(row, "remote-address" if service == "pppoe" else "address-pool")
    return Profile(
        name=storable(row.get("name", "")),
        rate_limit=optional(row, "rate-limit"),
        local_address=optional(row, "local-address"),
        remote_address=None if service == "hotspot" and pool == "none" else pool,
        comment=shown(row.get("comment", "")),
    )


def check_wanted_profile(wanted: WantedProfile) -> None:
    """Refuse what must never reach a router; raises `Invalid` with the field's name."""
    check_name(wanted.name, field="profile", what="profile name")
    _check_tag(wanted.tag)
    if wanted.service == "hotspot" and not wanted.name.startswith(HOTSPOT_PROFILE_PREFIX):
        raise Invalid(
            f"A Hotspot profile must be called {HOTSPOT_PROFILE_PREFIX}…: it has no comment to tell whose it is.",
            field="profile",
        )
    _check_speeds(wanted.upload_bps, wanted.download_bps)
    if wanted.pool is not None and (not wanted.pool or dialect.single_address(wanted.pool)):
        raise Invalid("A pool is given by its name, not by an address.", field="pool")
    if wanted.gateway is not None:
        addresses.check_address(wanted.gateway, field="gateway")


def _check_speeds(upload_bps: int | None, download_bps: int | None) -> None:
    for field, speed in (("upload", upload_bps), ("download", download_bps)):
        if speed is not None and not addresses.RATE_MIN_BPS <= speed <= addresses.RATE_MAX_BPS:
            raise Invalid(f"{speed} bit/s is no {field} speed.", field=field)


def profile_words(wanted: WantedProfile) -> dict[str, str]:
    """The properties of a wanted profile by the router's names; an empty text is a property to be absent."""
    values = {
        "name": wanted.name,
        "rate_limit": addresses.rate_limit(wanted.upload_bps, wanted.download_bps) or "",
        "pool": wanted.pool or "",
        "gateway": wanted.gateway or "",
        "comment": wanted.tag,
    }
    return {name: values[field] for name, field in MENUS[wanted.service].profile_fields.items()}


# Simple queues


def queue_of(row: Row) -> Queue:
    """A row of `/queue/simple` as the port shows it."""
    upload, download = addresses.read_rate_limit(row.get("max-limit", "")) or (None, None)
    return Queue(
        name=storable(row.get("name", "")),
        target=shown(row.get("target", "")),
        upload_bps=upload,
        download_bps=download,
        disabled=dialect.is_true(row.get("disabled")),
        comment=shown(row.get("comment", "")),
    )


def check_wanted_queue(wanted: WantedQueue) -> None:
    """Refuse what must never reach a router; raises `Invalid` with the field's name."""
    check_name(wanted.name, field="queue", what="queue name")
    _check_tag(wanted.tag)
    addresses.check_address(wanted.address)
    if wanted.upload_bps is None and wanted.download_bps is None:
        raise Invalid("A queue without any speed limits nothing.", field="download")
    _check_speeds(wanted.upload_bps, wanted.download_bps)


def queue_words(wanted: WantedQueue) -> dict[str, str]:
    """The properties of a wanted queue by the router's names, without the comment; upload first, as in profiles."""
    return {
        "name": wanted.name,
        "target": f"{addresses.check_address(wanted.address)}/32",
        "max-limit": f"{wanted.upload_bps or 0}/{wanted.download_bps or 0}",
        "disabled": "no",
    }


def queue_differences(wanted: WantedQueue, row: Row) -> tuple[Difference, ...]:
    """Where `row` is not as wanted, both sides normalised; the fields are the router's words."""
    words = queue_words(wanted)
    found = []
    for name, value in words.items():
        actual = row.get(name, "")
        if _in_queue_spelling(name, actual) != _in_queue_spelling(name, value):
            found.append(Difference(name, value, shown(actual)))
    return (*found, *_other_mark(wanted.tag, row))


def _in_queue_spelling(name: str, value: str) -> object:
    """A value of a queue such that two spellings of one thing are equal."""
    if name == "target":
        return dialect.single_address(value) or value
    if name == "max-limit":
        return addresses.read_rate_limit(value) if value else (None, None)
    return dialect.is_true(value) if name == "disabled" else value
