"""Profiles on a router: made and changed to what a package says, never removed, never while foreign users have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leadtui.router import menus
from leadtui.router.dialect import MENUS, Row
from leadtui.router.marks import is_of_office, marked, office_of, owner_tag
from leadtui.router.matching import match_profile, profile_differences
from leadtui.router.port import (
    Difference,
    EnsureProfileResult,
    OnStep,
    Outcome,
    Profile,
    ProfileInUse,
    ProfileUse,
    RouterConflict,
    RouterMismatch,
    RouterRefused,
    Service,
    WantedProfile,
)
from leadtui.router.rows import check_wanted_profile, profile_of, profile_words
from leadtui.router.wire import shown, storable

if TYPE_CHECKING:
    from leadtui.router.mikrotik import Session

_NAMED_POOLS_MAX = 20

Listed = Sequence[tuple[Profile, Row]]


def _listed(session: Session, service: Service) -> Listed:
    menu = MENUS[service]
    rows = menus.print_rows(session, menu.profiles, menu.profile_properties, doing="list its profiles")
    return [(profile_of(service, row), row) for row in rows]


def list_profiles(session: Session, service: Service) -> tuple[Profile, ...]:
    """All profiles of the service, in the router's order."""
    return tuple(profile for profile, _ in _listed(session, service))


def find_profile(session: Session, wanted: WantedProfile) -> tuple[Profile | None, bool]:
    """The profile that stands for `wanted` and whether it is ours."""
    return match_profile(wanted, list_profiles(session, wanted.service))


def profile_use(session: Session, service: Service, name: str, office_id: str) -> ProfileUse:
    """How many users of the profile are this office's, and how many are not."""
    rows = menus.print_rows(
        session, MENUS[service].users, (".id", "comment"), [f"?profile={name}"], doing="count the users of a profile"
    )
    ours = sum(is_of_office(owner_tag(row.get("comment", "")), office_id) for row in rows)
    return ProfileUse(ours, len(rows) - ours)


def ensure_profile(session: Session, wanted: WantedProfile, on_step: OnStep | None) -> EnsureProfileResult:
    """Make the router hold this profile; see the port."""
    step = on_step or menus.nothing
    check_wanted_profile(wanted)
    session.unsettled = False
    step(f"Looking for the profile {wanted.name}")
    before, row = _ours(session, wanted)
    outcome: Outcome = "unchanged"
    changed: tuple[str, ...] = ()
    if before is None:
        _require_pool(session, wanted)
        step(f"Adding the profile {wanted.name}")
        words = {name: value for name, value in profile_words(wanted).items() if value}
        if menus.add(session, MENUS[wanted.service].profiles, words, doing="add the profile"):
            outcome = "created"
        else:  # it appeared meanwhile: perhaps our own earlier add, whose answer was lost (§0.2)
            before, row = _ours(session, wanted)
            if before is None:
                raise RouterRefused(
                    f"{session.label} says that the profile {wanted.name} exists, but does not show it.",
                    field="profile",
                )
    if before is not None and (found := profile_differences(wanted, before)):
        changed = _set_differences(session, wanted, before, row, found, step)
        outcome = "updated"
    step(f"Reading the profile {wanted.name} back")
    return EnsureProfileResult(outcome, _verify(session, wanted), before, changed)


def _ours(session: Session, wanted: WantedProfile) -> tuple[Profile | None, Row]:
    """Our profile and its row, or None when there is none and the name is free. `RouterConflict` otherwise."""
    listed = _listed(session, wanted.service)
    found, is_ours = match_profile(wanted, [profile for profile, _ in listed])
    if found is None:
        return None, {}
    named = next((entry for entry in listed if entry[0].name == wanted.name), None)
    if named is not None and not (is_ours and named[0] is found):
        taken, row = named
        raise _conflict(session, wanted, taken, row)
    return found, next(row for profile, row in listed if profile is found)


def _conflict(session: Session, wanted: WantedProfile, taken: Profile, row: Row) -> RouterConflict:
    if wanted.service == "pppoe":
        return menus.conflict(row, wanted.tag, "profile", session.label, taken)
    return RouterConflict(
        f"A profile {wanted.name} exists on {session.label} and is not known to be ours; it was left as it is.",
        row=taken,
        field="profile",
        hint="choose another profile name",
    )


def _require_pool(session: Session, wanted: WantedProfile) -> None:
    """`RouterRefused` unless the pool exists by its exact name: routers complete prefixes, or accept an address."""
    if wanted.pool is None:
        return
    rows = menus.print_rows(session, "/ip/pool", (".id", "name"), doing="list its pools")
    names = [storable(row.get("name", "")) for row in rows]
    if wanted.pool in names:
        return
    there = ", ".join(shown(name) for name in names[:_NAMED_POOLS_MAX])
    raise RouterRefused(
        f"{session.label} has no address pool {shown(wanted.pool)}; the profile was left as it is.",
        field="pool",
        hint=f"it has: {there}" if there else "make one on the router first",
    )


def _set_differences(
    session: Session, wanted: WantedProfile, before: Profile, row: Row, found: Sequence[Difference], step: OnStep
) -> tuple[str, ...]:
    """Rename and set what differs, unless users that are not ours would feel it."""
    menu = MENUS[wanted.service]
    changed = tuple(difference.field for difference in found)
    use = profile_use(session, wanted.service, row.get("name", ""), office_of(wanted.tag))
    if use.foreign:
        users = "1 user that is" if use.foreign == 1 else f"{use.foreign} users that are"
        raise ProfileInUse(
            f"The profile {shown(before.name)} on {session.label} has {users} not ours; it was left as it is.",
            profile=before.name,
            foreign=use.foreign,
            ours=use.ours,
            hint="give them another profile on the router, or this package another profile name",
        )
    if "pool" in changed:
        _require_pool(session, wanted)
    step(f"Changing {', '.join(changed)} of the profile {shown(before.name)}")
    words = {name: value for name, value in profile_words(wanted).items() if menu.profile_fields[name] in changed}
    if "comment" in changed:
        words["comment"] = marked(row.get("comment", ""), wanted.tag)
    if sets := {name: value for name, value in words.items() if value}:
        menus.change(session, menu.profiles, row, sets, doing="change the profile")
    for name in (name for name, value in words.items() if not value):
        menus.clear(session, menu.profiles, row, name, doing="change the profile")
    return changed


def _verify(session: Session, wanted: WantedProfile) -> Profile:
    """Read back and compare; `RouterMismatch` names what differs."""
    menu = MENUS[wanted.service]
    rows = menus.named(session, menu.profiles, menu.profile_properties, wanted.name, doing="look the profile up")
    if not rows:
        raise RouterMismatch(f"{session.label} accepted the profile {wanted.name}, but does not hold it.", row=None)
    profile = profile_of(wanted.service, rows[0])
    if found := profile_differences(wanted, profile):
        names = ", ".join(difference.field for difference in found)
        raise RouterMismatch(
            f"{session.label} holds the profile {wanted.name} with another {names} than it was given.",
            row=profile,
            differences=found,
        )
    session.unsettled = False
    return profile
