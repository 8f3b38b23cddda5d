"""Users on a router: look one up, make it as wanted, disable, remove, end its sessions.

The order of every change is: look by exact name → absent, ours (by mark) or foreign → write only what differs → read
back (facts/mikrotik §c, "What must be better" 1 and 2). Nothing here trusts a router's acknowledgement.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from leadtui.router import dialect, menus
from leadtui.router.dialect import MENUS, Row
from leadtui.router.marks import is_marked, marked, owner_tag
from leadtui.router.port import (
    ActiveSession,
    EnsureResult,
    OnStep,
    Outcome,
    ProfileMissing,
    RouterMismatch,
    RouterRefused,
    RouterUser,
    Secret,
    Service,
    WantedUser,
)
from leadtui.router.rows import check_wanted, differences, optional, user_of, words_for, yes_no
from leadtui.router.wire import shown, storable

if TYPE_CHECKING:
    from leadtui.router.mikrotik import Session

_NAMED_PROFILES_MAX = 50


def _properties(service: Service, *, with_password: bool) -> tuple[str, ...]:
    return tuple(name for name in MENUS[service].user_properties if with_password or name != "password")


# Reading


def list_users(session: Session, service: Service) -> tuple[RouterUser, ...]:
    """All users of the service, without asking for passwords."""
    properties = _properties(service, with_password=False)
    rows = menus.print_rows(session, MENUS[service].users, properties, doing="list its users")
    return tuple(user_of(service, row) for row in rows)


def read_user(session: Session, service: Service, username: str, password: Secret | None) -> RouterUser | None:
    """The user of exactly this name, or None."""
    rows = _named(session, service, username, with_password=password is not None)
    return user_of(service, rows[0], password) if rows else None


def _named(session: Session, service: Service, username: str, *, with_password: bool = True) -> tuple[Row, ...]:
    properties = _properties(service, with_password=with_password)
    return menus.named(session, MENUS[service].users, properties, username, doing="look the user up")


def find_tagged(session: Session, service: Service, tag: str) -> tuple[RouterUser, ...]:
    """The users that carry this mark, whatever their name."""
    menu, properties = MENUS[service].users, _properties(service, with_password=False)
    rows = menus.all_with_mark(session, menu, properties, tag, doing="look the user up by its mark")
    return tuple(user_of(service, row) for row in rows)


def active(session: Session, service: Service, username: str | None) -> tuple[ActiveSession, ...]:
    """The running sessions, of one user or of all."""
    return tuple(
        ActiveSession(
            username=storable(row.get(MENUS[service].active_name, "")),
            service=shown(row.get("service", service)),
            address=dialect.address_or_none(optional(row, "address")),
            caller_id=optional(row, "caller-id") or optional(row, "mac-address"),
            uptime=shown(row.get("uptime", "")),
        )
        for row in _active_rows(session, service, username)
    )


def _active_rows(session: Session, service: Service, username: str | None) -> tuple[Row, ...]:
    menu = MENUS[service]
    queries = [] if username is None else [f"?{menu.active_name}={username}"]
    rows = menus.print_rows(session, menu.active, menu.active_properties, queries, doing="list the running sessions")
    return tuple(row for row in rows if username is None or row.get(menu.active_name) == username)


# Writing


def ensure_user(
    session: Session, wanted: WantedUser, on_step: OnStep | None, *, reclaim: bool, known_as: str | None
) -> EnsureResult:
    """Make the router hold exactly this user; see the port."""
    step = on_step or menus.nothing
    service, menu = wanted.service, MENUS[wanted.service].users
    check_wanted(wanted)
    session.unsettled = False
    session.hide(wanted.password.reveal())
    step(f"Looking for the profile {wanted.profile}")
    _require_profile(session, service, wanted.profile)
    step(f"Looking for the user {wanted.username}")
    row = _ours(session, wanted, reclaim=reclaim)
    if row is None:  # an earlier attempt under another name: it is renamed rather than made twice (AJ18)
        rows = menus.with_mark(
            session, menu, _properties(service, with_password=True), wanted.tag, doing="look the user up by its mark"
        )
        if not rows and known_as is not None:  # somebody may have written on after the mark
            named = _named(session, service, known_as)
            rows = tuple(one for one in named if is_marked(one.get("comment", ""), wanted.tag))
        row = menus.the_only(rows, "user", session.label, partial(user_of, service))
    before: Row | None = row
    outcome: Outcome = "unchanged"
    changed: tuple[str, ...] = ()
    if row is None:
        step(f"Adding the user {wanted.username}")
        if menus.add(session, menu, {**words_for(wanted), "comment": wanted.tag}, doing="add the user"):
            outcome = "created"
        else:  # it appeared meanwhile: perhaps our own earlier add, whose answer was lost (§0.2)
            row = before = _ours(session, wanted, reclaim=reclaim)
            if row is None:
                raise RouterRefused(
                    f"{session.label} says that {wanted.username} exists, but does not show it.",
                    field="username",
                    hint="choose another user name",
                )
    if row is not None:
        changed = _set_differences(session, wanted, row, step)
        outcome = "updated" if changed else "unchanged"
    step(f"Reading the user {wanted.username} back")
    user = _verify(session, wanted)
    return EnsureResult(outcome, user, user_of(service, before) if before else None, changed)


def _require_profile(session: Session, service: Service, profile: str) -> None:
    """`ProfileMissing` unless a profile of exactly this name exists: routers complete prefixes of names."""
    menu = MENUS[service].profiles
    if menus.named(session, menu, (".id", "name"), profile, doing="look the profile up"):
        return
    rows = menus.print_rows(session, menu, (".id", "name"), doing="list its profiles")
    names = tuple(storable(row.get("name", "")) for row in rows)
    raise ProfileMissing(
        f"{session.label} has no profile {shown(profile)}.",
        profile=profile,
        available=names[:_NAMED_PROFILES_MAX],
        hint="push the package to the router or choose another package",
    )


def _ours(session: Session, wanted: WantedUser, *, reclaim: bool) -> Row | None:
    """Our row of the wanted name, or None when it is free. `RouterConflict` when it belongs to anyone else.

    To be reclaimed, a row must carry no mark at all, and our password: nobody else knows it.
    """
    rows = _named(session, wanted.service, wanted.username)
    unmarked = [row for row in rows if owner_tag(row.get("comment", "")) is None] if reclaim else []
    if len(rows) == len(unmarked) == 1 and user_of(wanted.service, rows[0], wanted.password).password_matches:
        return rows[0]
    return menus.ours_or_none(rows, wanted.tag, "user", session.label, partial(user_of, wanted.service))


def _set_differences(session: Session, wanted: WantedUser, row: Row, step: OnStep) -> tuple[str, ...]:
    menu = MENUS[wanted.service]
    words = {**words_for(wanted), "comment": marked(row.get("comment", ""), wanted.tag)}
    changes = {d.field: words[d.field] for d in differences(wanted, row) if d.field in words}
    if "password" not in row:  # one that the account may not see cannot be compared, so it is set again
        changes["password"] = wanted.password.reveal()
    clears = wanted.ip is None and dialect.address_or_none(row.get(menu.address)) is not None
    names = (*changes, *([menu.address] if clears else []))
    if not names:
        return ()
    step(f"Changing {', '.join(names)} of the user {wanted.username}")
    if changes:
        menus.change(session, menu.users, row, changes, doing="change the user")
    if clears:
        menus.clear(session, menu.users, row, menu.address, doing="clear the address")
    return names


def _verify(session: Session, wanted: WantedUser) -> RouterUser:
    """Read back and compare; `RouterMismatch` names what differs."""
    found = [
        row for row in _named(session, wanted.service, wanted.username) if is_marked(row.get("comment", ""), wanted.tag)
    ]
    if not found:
        raise RouterMismatch(f"{session.label} accepted the user {wanted.username}, but does not hold it.", row=None)
    user = user_of(wanted.service, found[0], wanted.password)
    if other := differences(wanted, found[0]):
        names = ", ".join(d.field for d in other)
        raise RouterMismatch(
            f"{session.label} holds the user {wanted.username} with another {names} than it was given.",
            row=user,
            differences=other,
        )
    session.unsettled = False
    return user


def _ours_by_name(session: Session, service: Service, username: str, tag: str) -> Row | None:
    rows = _named(session, service, username, with_password=False)
    return menus.ours_or_none(rows, tag, "user", session.label, partial(user_of, service))


def set_disabled(session: Session, service: Service, username: str, tag: str, disabled: bool) -> RouterUser:
    """Disable or enable our user, read back."""
    session.unsettled = False
    row = _ours_by_name(session, service, username, tag)
    doing = "disable the user" if disabled else "enable the user"
    if row is None:
        raise RouterRefused(f"{session.label} has no user {username}.", field="username")
    if dialect.is_true(row.get("disabled")) != disabled:
        menus.change(session, MENUS[service].users, row, {"disabled": yes_no(disabled)}, doing=doing)
        row = _ours_by_name(session, service, username, tag)
    if row is None or dialect.is_true(row.get("disabled")) != disabled:
        raise RouterMismatch(
            f"{session.label} accepted to {doing} {username}, but did not do it.",
            row=user_of(service, row) if row else None,
        )
    session.unsettled = False
    return user_of(service, row)


def remove_user(session: Session, service: Service, username: str, tag: str) -> bool:
    """Remove our user and re-read; False when it was absent."""
    session.unsettled = False
    row = _ours_by_name(session, service, username, tag)
    if row is None:
        return False
    menus.remove(session, MENUS[service].users, row, doing="remove the user")
    left = _ours_by_name(session, service, username, tag)
    if left is not None:
        raise RouterMismatch(
            f"{session.label} accepted to remove {username}, but still holds it.", row=user_of(service, left)
        )
    session.unsettled = False
    return True


def disconnect(session: Session, service: Service, username: str) -> int:
    """End the user's running sessions; how many were ended."""
    session.unsettled = False
    # One session of a hotspot user may take the others along.
    ended = sum(
        menus.remove(session, MENUS[service].active, row, doing="end the session")
        for row in _active_rows(session, service, username)
    )
    session.unsettled = False
    return ended
