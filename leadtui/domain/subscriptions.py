"""What may be done with a customer's service, what would change by it, what came of it: plain values, their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from leadtui.errors import LeadtuiError

from .conversion import PlanStep

if TYPE_CHECKING:
    from .records import CustomerRow

Kind = Literal["suspend", "resume", "package"]
Outcome = Literal["suspended", "resumed", "changed", "unchanged"]

KINDS: tuple[Kind, ...] = ("suspend", "resume", "package")
"""The kinds of acts, which are also those of their jobs and batches."""

OUTCOMES: dict[Kind, Outcome] = {"suspend": "suspended", "resume": "resumed", "package": "changed"}
NOUNS: dict[str, str] = {"suspend": "Suspension", "resume": "Resumption", "package": "Change of package"}
DONE: dict[str, str] = {"suspend": "Suspended", "resume": "Resumed", "package": "Package changed"}


@dataclass(frozen=True, slots=True)
class Suspend:
    """The customer's router users are disabled and their sessions ended."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """The customer's router users are enabled again."""


@dataclass(frozen=True, slots=True)
class ChangePackage:
    """One router user gets another package. `ip`: an address, `next` free of the package's pool, `next:POOL`, or None:
    what the package asks for.
    """

    package: str
    ip: str | None = None


Act = Suspend | Resume | ChangePackage


def kind_of(act: Act) -> Kind:
    """The act in one word."""
    return "suspend" if isinstance(act, Suspend) else "resume" if isinstance(act, Resume) else "package"


@dataclass(frozen=True, slots=True)
class PackageOffer:
    """A package to choose: its price in minor units a month, its speed as people say it."""

    name: str
    price_minor: int | None
    speed: str | None
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class UserOffer:
    """A router user to choose. `name` is what `user` of an act takes."""

    name: str
    title: str
    package: str | None
    state: str


@dataclass(frozen=True, slots=True)
class ServiceChoices:
    """What a person chooses from before a change of package: the customer's router users, and the packages."""

    customer: CustomerRow
    currency: str
    users: tuple[UserOffer, ...]
    packages: tuple[PackageOffer, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between what stands on the router now and what will; `None` is "nothing"."""

    what: str
    before: str | None
    after: str | None

    @property
    def words(self) -> str:
        """`profile 20M → 50M`."""
        return f"{self.what} {self.before or 'none'} → {self.after or 'none'}"


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """What an act would do. `steps` are its lines, with what each router answered.

    `problems` hinder the act for some user; `is_possible`: something is to be done, and it can be done for one user at
    least; `nothing_to_do`: store and routers are already so. `sessions`: how many will end.
    """

    customer: CustomerRow
    act: Act
    steps: tuple[PlanStep, ...]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_possible: bool = True
    nothing_to_do: bool = False
    users: int = 0
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class UserDone:
    """One router user for which the act is done; `changes` in words."""

    router: str
    service: str
    username: str
    outcome: Outcome
    sessions_ended: int = 0
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One line for a person."""
        if self.outcome == "unchanged":
            return f"{self.username} on {self.router}: nothing to do"
        said = [*self.changes, *([ended_words(self.sessions_ended)] if self.sessions_ended else [])]
        return f"{self.username} on {self.router}: {self.outcome}" + (f" ({', '.join(said)})" if said else "")


@dataclass(frozen=True, slots=True)
class UserFailed:
    """One router user for which the act failed; the error's hint says what exists now."""

    router: str
    service: str
    username: str
    error: LeadtuiError

    @property
    def words(self) -> str:
        """One line for a person."""
        return f"{self.username} on {self.router}: failed: {self.error.message}"


@dataclass(frozen=True, slots=True)
class ServiceResult:
    """What an act did, user by user; `lead_ids` are the leads with something new on their timeline.

    `marked`: the customer's own record was changed without any router user's.
    """

    customer: CustomerRow
    act: Act
    done: tuple[UserDone, ...] = ()
    failed: tuple[UserFailed, ...] = ()
    message: str = ""
    lead_ids: frozenset[int] = field(default_factory=frozenset)
    marked: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything was done at all."""
        return self.marked or any(user.outcome != "unchanged" for user in self.done)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Of all users."""
        return tuple(words for user in self.done for words in user.warnings)


def ended_words(count: int) -> str:
    """`1 session ended`."""
    return f"{count} session{'' if count == 1 else 's'} ended"


def counted(count: int) -> str:
    """`2 router users`."""
    return f"{count} router user{'' if count == 1 else 's'}"


def result_words(act: Act, done: Sequence[UserDone], failed: Sequence[UserFailed], *, marked: bool) -> str:
    """The whole result in one sentence. `marked`: the customer's own record changed."""
    kind = kind_of(act)
    acted = [user for user in done if user.outcome != "unchanged"]
    if failed:
        total = counted(len(done) + len(failed))
        return f"{NOUNS[kind]} failed for {len(failed)} of {total}"
    if acted:
        ended = sum(user.sessions_ended for user in acted)
        who = f"{acted[0].username} on {acted[0].router}" if len(acted) == 1 else counted(len(acted))
        return f"{DONE[kind]}: {who}" + (f", {ended_words(ended)}" if ended else "")
    if done:
        return (
            f"{DONE[kind]} in the records; the router{'s' * (len(done) > 1)} had it so" if marked else "nothing to do"
        )
    return f"{DONE[kind]}; there is no router user" if marked else "nothing to do; there is no router user"
