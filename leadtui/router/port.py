"""What the program may ask of a router: the port, its plain results, and the kinds of failure.

This module is cheap to import and knows no library: services, screens and tests depend on it alone. The values live in
`values`, the failures in `faults`, the mark of what is ours in `marks`; all are imported from here. The adapter for
RouterOS is `leadtui.router.mikrotik`, reached by `leadtui.router.open_router`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from leadtui.router.faults import (
    ProfileInUse,
    ProfileMissing,
    RouterCancelled,
    RouterConflict,
    RouterDropped,
    RouterFault,
    RouterLoginRefused,
    RouterMenuMissing,
    RouterMismatch,
    RouterPermissionDenied,
    RouterProtocolError,
    RouterRefused,
    RouterTimeout,
    RouterTlsError,
    RouterUnreachable,
)
from leadtui.router.marks import (
    HOTSPOT_PROFILE_PREFIX,
    TAG_PREFIX,
    is_marked,
    is_of_office,
    number_of,
    office_of,
    owner_tag,
    package_tag,
    tag_for,
)
from leadtui.router.values import (
    SERVICES,
    TLS_MODES,
    ActiveSession,
    Comparison,
    Difference,
    Drift,
    EnsureProfileResult,
    EnsureResult,
    Load,
    Outcome,
    Pool,
    Probe,
    Profile,
    ProfileUse,
    Queue,
    RouterAddress,
    RouterUser,
    Secret,
    Service,
    TlsMode,
    WantedProfile,
    WantedQueue,
    WantedUser,
)

__all__ = [
    "CONNECT_LIMIT_S",
    "DEFAULT_DEADLINE_S",
    "HOTSPOT_PROFILE_PREFIX",
    "PLAIN_PORT",
    "SERVICES",
    "TAG_PREFIX",
    "TLS_MODES",
    "TLS_PORT",
    "ActiveSession",
    "CancelToken",
    "Comparison",
    "Difference",
    "Drift",
    "EnsureProfileResult",
    "EnsureResult",
    "Load",
    "OnStep",
    "Outcome",
    "Pool",
    "Probe",
    "Profile",
    "ProfileInUse",
    "ProfileMissing",
    "ProfileUse",
    "Queue",
    "RouterAddress",
    "RouterCancelled",
    "RouterConflict",
    "RouterDropped",
    "RouterFault",
    "RouterLoginRefused",
    "RouterMenuMissing",
    "RouterMismatch",
    "RouterPermissionDenied",
    "RouterPort",
    "RouterProtocolError",
    "RouterRefused",
    "RouterTimeout",
    "RouterTlsError",
    "RouterUnreachable",
    "RouterUser",
    "Secret",
    "Service",
    "TlsMode",
    "WantedProfile",
    "WantedQueue",
    "WantedUser",
    "is_marked",
    "is_of_office",
    "number_of",
    "office_of",
    "owner_tag",
    "package_tag",
    "tag_for",
]

OnStep = Callable[[str], None]

PLAIN_PORT = 8728
TLS_PORT = 8729

DEFAULT_DEADLINE_S = 10.0
"""How long one job (open, every call, close) may take altogether, in seconds."""

CONNECT_LIMIT_S = 5.0
"""The most that name lookup and TCP connect together may take of the deadline, in seconds."""


@dataclass(slots=True)
class CancelToken:
    """Gives up, from any thread, a job that is connecting or waiting for an answer. Once cancelled it stays so."""

    _event: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _hooks: list[Callable[[], None]] = field(default_factory=list)

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Unblock at once whatever waits under this token; returns immediately and may be called twice."""
        with self._lock:
            self._event.set()
            hooks, self._hooks = self._hooks, []
        for hook in hooks:
            hook()

    def on_cancel(self, hook: Callable[[], None]) -> None:
        """Call `hook` when cancelled; at once when that already happened. Hooks must not block."""
        with self._lock:
            if not self._event.is_set():
                self._hooks.append(hook)
                return
        hook()

    def forget(self, hook: Callable[[], None]) -> None:
        """Drop a hook that is no longer needed."""
        with self._lock:
            if hook in self._hooks:
                self._hooks.remove(hook)


@runtime_checkable
class RouterPort(Protocol):
    """One job's conversation with one router: own connection, one overall deadline, closed at the end.

    Every method may raise any `RouterFault`. After a timeout, drop or protocol error the connection is gone and
    later calls raise `RouterDropped`: open a new one (facts/mikrotik §0.1). Not for use by two threads at once,
    except `cancel`.
    """

    def probe(self) -> Probe:
        """Identity, version, board and latency."""

    def capacity(self) -> Load:
        """The probe, the number of running sessions (a service whose menu is missing has none) and the pools."""

    def pools(self) -> tuple[Pool, ...]:
        """All address pools with how many addresses they hold and how many are taken."""

    def used_addresses(self, pool: str | None = None) -> Mapping[str, str]:
        """Address → who holds it, so that nobody else is given it; never a password.

        The fixed addresses of users of every service, the single addresses that simple queues are for, the gateways of
        PPP profiles, and the leases of `pool` (None: of every pool). A menu that is missing holds none.
        """

    # Profiles: made and changed, never removed

    def profiles(self, service: Service) -> tuple[Profile, ...]:
        """All profiles of the service, in the router's order."""

    def find_profile(self, wanted: WantedProfile) -> tuple[Profile | None, bool]:
        """The profile that stands for `wanted` and whether it is ours, judged by `matching.match_profile`."""

    def profile_use(self, service: Service, name: str, office_id: str = "") -> ProfileUse:
        """How many users have this profile: of `office_id` (or of no office named), and of anybody else."""

    def ensure_profile(self, wanted: WantedProfile, on_step: OnStep | None = None) -> EnsureProfileResult:
        """Make the router hold this profile, then read it back and compare.

        Absent: added. Ours: renamed (its users follow) and set where it differs, unless users that are not ours have
        it: `ProfileInUse`. Foreign: `RouterConflict`. `RouterRefused` (field `pool`) when there is no such pool.
        Nothing is written in any of these. `RouterMismatch` when the read-back differs.
        """

    # Simple queues

    def queues(self) -> tuple[Queue, ...]:
        """All simple queues, in the router's order."""

    def find_queues(self, tag: str) -> tuple[Queue, ...]:
        """The queues that carry this mark (normally one or none), whatever their name."""

    def ensure_queue(self, wanted: WantedQueue, on_step: OnStep | None = None) -> Queue:
        """Make the router hold exactly this queue, enabled, then read it back and compare.

        As `ensure_user`: absent, ours under this or another name, or foreign (`RouterConflict`).
        """

    def remove_queue(self, name: str, tag: str) -> bool:
        """Remove the queue if its mark is `tag`, and re-read. False when absent; `RouterConflict` when not ours."""

    # Users

    def users(self, service: Service) -> tuple[RouterUser, ...]:
        """All users of the service. Never used to find one user."""

    def compare(self, service: Service, wanted: Sequence[WantedUser], office_id: str) -> Comparison:
        """The router's users of the service against those wanted, in one listing; nothing is written.

        Wanted users of another service are left out. Passwords are compared here and never handed out; one that the
        router's account may not see is no difference, and counted (`passwords_unseen`). A user found by its mark under
        another name differs in `username`. One found by name without our mark differs in `comment`; it is ours only
        when it carries no mark at all and its password is the wanted one: `ensure_user(…, reclaim=True)` marks it
        again.
        """

    def read_user(self, service: Service, username: str, password: Secret | None = None) -> RouterUser | None:
        """The user of exactly this name, or None. With `password`, `password_matches` compares it with the one set."""

    def find_tagged(self, service: Service, tag: str) -> tuple[RouterUser, ...]:
        """The users that carry this mark (normally one or none), whatever their name and whatever stands behind it."""

    def ensure_user(
        self, wanted: WantedUser, on_step: OnStep | None = None, *, reclaim: bool = False, known_as: str | None = None
    ) -> EnsureResult:
        """Make the router hold exactly this user, then read it back and compare.

        Absent: added. Ours by its mark (under this or another name): only what differs is set, a mark without office
        is completed and what a person wrote behind it is kept. Foreign: `RouterConflict`, untouched. `ProfileMissing`
        before any write. `RouterMismatch` when the read-back differs. `on_step` is told each step as a short sentence.

        `reclaim`: a user of this name without any mark, whose password is the wanted one, lost its mark and gets it
        again. Only for mending what `compare` called ours; a conversion must never take over a user.
        `known_as`: the name under which `find_tagged` saw it, for one whose comment a person wrote on in.
        """

    def set_disabled(self, service: Service, username: str, tag: str, disabled: bool) -> RouterUser:
        """Disable or enable our user, read back. `RouterConflict` when not ours, `RouterRefused` when absent."""

    def remove_user(self, service: Service, username: str, tag: str) -> bool:
        """Remove the user if its mark is `tag`, and re-read. False when absent; `RouterConflict` when not ours."""

    def active(self, service: Service, username: str | None = None) -> tuple[ActiveSession, ...]:
        """The running sessions, of one user or of all."""

    def disconnect(self, service: Service, username: str) -> int:
        """End the user's running sessions; how many were ended. The user can dial in again unless disabled first."""

    def cancel(self) -> None:
        """From another thread: unblock the running call at once; it raises `RouterCancelled`."""

    def close(self) -> None:
        """Close the connection. May be called twice; never blocks."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
