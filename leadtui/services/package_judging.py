"""What pushing a package to a router comes to, judged from what the router says; nothing here writes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from leadtui.domain.catalog import Product
from leadtui.errors import LeadtuiError, Refused, RouterError
from leadtui.router.matching import match_profile, profile_differences
from leadtui.router.port import (
    Difference,
    Profile,
    ProfileInUse,
    RouterConflict,
    RouterFault,
    RouterPort,
    RouterRefused,
    WantedProfile,
    is_of_office,
    number_of,
    office_of,
)

Outcome = Literal["create", "change", "rename", "same", "foreign", "in_use", "missing_pool", "error"]
"""create · change · rename: what would be, or was, done. same: nothing to do. foreign: the profile of that name is not
ours. in_use: ours, but users of others have it, or it cannot be renamed now. missing_pool: the router lacks the pool.
"""

CHANGES: frozenset[str] = frozenset({"create", "change", "rename"})
FINE: frozenset[str] = CHANGES | {"same"}
_PACKAGE = "package:"


class NotNow(Refused):
    """The profile cannot be renamed while users are being made on the router."""

    code = "open_jobs"


@dataclass(frozen=True)
class Order:
    """A package's profile on one router. `known` is its name there as last read back; `packages` names all by id."""

    product: Product
    router: Any
    wanted: WantedProfile
    known: str | None
    packages: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class PushRow:
    """One router (empty: none was asked), and what the push of a package to it comes to or came to.

    `name` is the profile's name as it should be. `differences` say wanted and actual of each property: name,
    rate_limit ("<upload>/<download>" of the customer), pool, gateway, comment (the mark). `foreign_users` is counted
    where it matters. `error` says why nothing was done, `hint` what helps, `exit_code` is 6 when the router failed.
    """

    router: str
    service: str
    package: str
    name: str
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    foreign_users: int = 0
    error: str | None = None
    hint: str | None = None
    exit_code: int = 0
    old_names: frozenset[str] = frozenset()

    @property
    def is_change(self) -> bool:
        """Whether the router is, or was, written to."""
        return self.outcome in CHANGES

    @property
    def is_fine(self) -> bool:
        """Whether the profile stands as the package says, or will after a push."""
        return self.outcome in FINE

    def as_json(self) -> dict[str, Any]:
        """The row as the command line prints it."""
        return {
            "router": self.router or None, "service": self.service or None, "name": self.name or None,
            "outcome": self.outcome,
            "differences": [
                {"field": d.field, "expected": d.wanted or None, "actual": d.actual or None} for d in self.differences
            ],
            "foreign_users": self.foreign_users, "error": self.error,
        }  # fmt: skip


def judge(order: Order, profiles: Sequence[Profile], port: RouterPort) -> PushRow:
    """What a push would do, from all profiles of the service. Raises a RouterFault.

    The router is asked further only where something would change.
    """
    wanted = order.wanted
    profile, is_ours = match_profile(wanted, profiles)
    if profile is None:
        blank = profile_differences(wanted, Profile(""))
        return _unless_pool_missing(order, "create", tuple(d for d in blank if d.field in _FIGURES), port)
    if not is_ours:
        return _foreign(order, profile)
    differences = profile_differences(wanted, profile)
    has_moved = order.known not in (None, wanted.name)
    if not differences and not has_moved:
        return _row(order, "same")
    if profile.name != wanted.name:
        taken = next((other for other in profiles if other.name == wanted.name), None)
        if taken is not None:
            return _foreign(order, taken)
    elif has_moved:  # the router has the new name already: an earlier answer was lost, our users follow now
        differences = (Difference("name", wanted.name, order.known or ""), *differences)
    if any(d.field != "name" or profile.name != wanted.name for d in differences):
        use = port.profile_use(wanted.service, profile.name, office_of(wanted.tag))
        if use.foreign:
            return _in_use(order, use.foreign, profile.name, differences)
    is_rename = any(d.field == "name" for d in differences)
    old = frozenset({profile.name, order.known or profile.name}) if is_rename else frozenset()
    return _unless_pool_missing(order, "rename" if is_rename else "change", differences, port, old)


_FIGURES = ("rate_limit", "pool", "gateway")


def _row(order: Order, outcome: Outcome, differences: tuple[Difference, ...] = (), **more: Any) -> PushRow:
    return PushRow(
        order.router.name, order.wanted.service, order.product.name, order.wanted.name, outcome, differences, **more
    )


def _unless_pool_missing(
    order: Order,
    outcome: Outcome,
    differences: tuple[Difference, ...],
    port: RouterPort,
    old: frozenset[str] = frozenset(),
) -> PushRow:
    pool = order.wanted.pool
    if pool is not None and any(d.field == "pool" for d in differences):
        names = [found.name for found in port.pools()]
        if pool not in names:
            here = ", ".join(names[:12]) or "it has none"
            return _row(
                order, "missing_pool", differences, error=f"{order.router.name} has no address pool {pool}",
                hint=f"add it on the router, or let the package name another one ({here})", exit_code=5,
            )  # fmt: skip
    return _row(order, outcome, differences, old_names=old)


def _foreign(order: Order, profile: Profile) -> PushRow:
    """A profile of that name that is not this package's: whose it is, and whether it gives what was promised."""
    wanted, router = order.wanted, order.router.name
    # What the package leaves open is none of its business on somebody else's profile.
    differences = tuple(d for d in profile_differences(wanted, profile) if d.field in _FIGURES and d.wanted)
    is_limited = any(d.field == "rate_limit" for d in differences)
    rate = (
        f"its rate limit is {profile.rate_limit or 'none'}, not the package's"
        if is_limited
        else "its rate limit is the package's"
    )
    number, office = number_of(profile.tag), office_of(wanted.tag)
    hint = f"choose another name: leadtui package edit {shlex.quote(order.product.name)} --profile NAME"
    if number.startswith(_PACKAGE) and is_of_office(profile.tag, office):
        other = order.packages.get(int(number.removeprefix(_PACKAGE)) if number[len(_PACKAGE) :].isdecimal() else -1)
        whose = f"is the profile of the package {other}" if other else "is the profile of a package that is gone"
    elif profile.tag:
        whose = "was made by another office's database"
    else:
        whose = "was not made by this program"
        if wanted.service == "pppoe":
            hint += f"; to hand it over, set its comment on the router to: {wanted.tag}"
    return _row(
        order, "foreign", differences,
        error=f"the profile {wanted.name} on {router} {whose}; it is left as it is, {rate}", hint=hint, exit_code=5,
    )  # fmt: skip


def _in_use(order: Order, foreign: int, name: str, differences: tuple[Difference, ...]) -> PushRow:
    users, have = ("1 user", "has") if foreign == 1 else (f"{foreign} users", "have")
    return _row(
        order, "in_use", differences, foreign_users=foreign, exit_code=5,
        error=f"{users} on {order.router.name} not made by this program {have} the profile {name}; it is left as it is",
        hint="give them another profile on the router, then push again",
    )  # fmt: skip


def failed(order: Order, error: LeadtuiError, *, several: bool = False) -> PushRow:
    """The row of a router that failed or refused; with `several` it stands for all packages."""
    message = error.message
    outcome: Outcome = "error"
    foreign = 0
    if isinstance(error, ProfileInUse):
        outcome, foreign = "in_use", error.foreign
    elif isinstance(error, NotNow):
        outcome = "in_use"
    elif isinstance(error, RouterConflict):
        outcome = "foreign"
    elif isinstance(error, RouterRefused) and error.field == "pool":  # removed since we looked
        outcome = "missing_pool"
    elif isinstance(error, RouterFault) and error.outcome_unknown:
        message = f"{message.rstrip('.')}; whether the profile was changed is not known: push again to see"
    code = 5 if outcome != "error" else 6 if isinstance(error, RouterError) else error.exit_code
    return PushRow(
        order.router.name, order.wanted.service, "" if several else order.product.name,
        "" if several else order.wanted.name, outcome, foreign_users=foreign, error=message, hint=error.hint,
        exit_code=code,
    )  # fmt: skip


def unpushable(product: Product, error: LeadtuiError) -> PushRow:
    """A package that no router can be given, because it does not say enough."""
    return PushRow(
        "", "", product.name, product.profile or "", "error", error=error.message, hint=error.hint,
        exit_code=error.exit_code,
    )  # fmt: skip
