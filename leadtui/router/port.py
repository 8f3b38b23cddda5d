"""What the program may ask of a router: the port, its plain results, and the kinds of failure.

This module is cheap to import and knows no library: services, screens and tests depend on it alone. The adapter
for RouterOS is `leadtui.router.mikrotik`, reached by `leadtui.router.open_router`.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Never, Protocol, Self, runtime_checkable

from leadtui.errors import RouterError

Service = Literal["pppoe", "hotspot"]
TlsMode = Literal["plain", "ca", "pin", "anonymous"]
Outcome = Literal["created", "updated", "unchanged"]
OnStep = Callable[[str], None]

SERVICES: tuple[Service, ...] = ("pppoe", "hotspot")
TLS_MODES: tuple[TlsMode, ...] = ("plain", "ca", "pin", "anonymous")
PLAIN_PORT = 8728
TLS_PORT = 8729
TAG_PREFIX = "leadtui:"

DEFAULT_DEADLINE_S = 10.0
"""How long one job (open, every call, close) may take altogether, in seconds."""

CONNECT_LIMIT_S = 5.0
"""The most that name lookup and TCP connect together may take of the deadline, in seconds."""


class Secret:
    """A text that never shows itself: `repr`, `str`, formatting, `asdict` and pickling hide it, `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Call it only where it goes onto the wire or before the eyes of who asked for it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('•••')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash(self._value)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> Never:
        raise TypeError("a Secret is not pickled")


@dataclass(frozen=True, slots=True)
class RouterAddress:
    """Where a router is and how to log in.

    `tls`: `plain` no TLS · `ca` certificate checked against `tls_ca` (file or PEM text; None: the system's own) and
    the host name · `pin` the certificate's SHA-256 must equal `tls_pin` (hex, colons allowed) · `anonymous`
    encrypted but unauthenticated Diffie-Hellman, only by explicit choice. `name` is what people call the router.
    """

    host: str
    port: int
    username: str
    password: Secret
    tls: TlsMode = "plain"
    tls_pin: str | None = None
    tls_ca: str | None = None
    name: str = ""

    @property
    def label(self) -> str:
        """The name for messages; the host and port when it has none."""
        return self.name or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a router says about itself. `latency_ms` is one round trip of a small command."""

    identity: str
    version: str
    board: str
    latency_ms: float
    uptime: str = ""
    cpu_load_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A PPP or Hotspot profile. In `rate_limit` the first figure is the customer's upload (facts/mikrotik, Menus)."""

    name: str
    rate_limit: str | None = None
    local_address: str | None = None
    remote_address: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """An address pool. `used` is None when the router would not say."""

    name: str
    ranges: str
    total: int
    used: int | None = None
    next_pool: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RouterUser:
    """A user as it stands on the router; the password is deliberately not part of it.

    `service` is the router's own word (`pppoe`, `any`, `l2tp` … for PPP secrets; `hotspot` for Hotspot users).
    `password_matches` is set only by reads that had a password to compare with and were allowed to see it.
    """

    username: str
    service: str
    profile: str
    ip: str | None = None
    disabled: bool = False
    comment: str = ""
    caller_id: str | None = None
    last_logged_out: str | None = None
    password_matches: bool | None = None

    @property
    def tag(self) -> str | None:
        """Our ownership token, the first token of the comment, or None when the user is not ours."""
        return owner_tag(self.comment)


@dataclass(frozen=True, slots=True)
class WantedUser:
    """A user as it should be. `ip=None` means a dynamic address: the row then holds no address at all.

    `tag` is the ownership token, see `tag_for`.
    """

    username: str
    password: Secret
    service: Service
    profile: str
    tag: str
    ip: str | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """A running session. `uptime` is the router's own text (`1h2m3s`)."""

    username: str
    service: str
    address: str | None = None
    caller_id: str | None = None
    uptime: str = ""


@dataclass(frozen=True, slots=True)
class EnsureResult:
    """What `ensure_user` did, the row as read back, and the row as it was before (None if none)."""

    outcome: Outcome
    user: RouterUser
    before: RouterUser | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that is not as wanted. A password is never shown: both sides read `•••`."""

    field: str
    wanted: str
    actual: str


def tag_for(lead_number: str) -> str:
    """The ownership token for a lead: ASCII, one token, first in the comment (facts/mikrotik §c, better 1)."""
    return f"{TAG_PREFIX}{lead_number}"


def owner_tag(comment: str) -> str | None:
    """Our token when it is the first token of `comment`, else None."""
    first, *_ = comment.split(None, 1) or [""]
    return first if first.startswith(TAG_PREFIX) and len(first) > len(TAG_PREFIX) else None


class RouterFault(RouterError):
    """Base of every failure of this port.

    `outcome_unknown` is True when the call may have changed the router although it failed: only a fresh read by
    name and tag can tell (facts/mikrotik §0.2). `router_said` is the router's own text, cleaned, or None.
    """

    code = "router"

    def __init__(
        self,
        message: str,
        *,
        outcome_unknown: bool = False,
        router_said: str | None = None,
        field: str | None = None,
        hint: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, field=field, hint=hint, data=data)
        self.outcome_unknown = outcome_unknown
        self.router_said = router_said


class RouterUnreachable(RouterFault):
    """No connection could be made: nothing was sent, nothing changed."""

    code = "router_unreachable"


class RouterTimeout(RouterFault):
    """The router did not answer within the job's deadline."""

    code = "router_timeout"


class RouterDropped(RouterFault):
    """The connection ended in the middle of a call (end of stream, reset, `!fatal`)."""

    code = "router_dropped"


class RouterCancelled(RouterFault):
    """The program itself gave the job up, by `cancel()`."""

    code = "router_cancelled"


class RouterTlsError(RouterFault):
    """The TLS handshake failed or the certificate is not the expected one.

    `fingerprint` is the SHA-256 (hex) of the certificate that was presented, when there was one.
    """

    code = "router_tls"

    def __init__(self, message: str, *, fingerprint: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, data={"fingerprint": fingerprint} if fingerprint else None)
        self.fingerprint = fingerprint


class RouterLoginRefused(RouterFault):
    """The router does not accept this name and password."""

    code = "router_login"


class RouterPermissionDenied(RouterFault):
    """The router account lacks a policy (read, write, …) for this command."""

    code = "router_permission"


class RouterRefused(RouterFault):
    """The router understood and said no; `router_said` is its reason."""

    code = "router_refused"


class RouterMenuMissing(RouterFault):
    """The router (its version or packages) has no such menu or command."""

    code = "router_menu_missing"


class RouterConflict(RouterFault):
    """A user of that name exists and is not ours; it was left untouched. `row` is the router's row."""

    code = "router_conflict"

    def __init__(self, message: str, *, row: RouterUser, hint: str | None = None) -> None:
        super().__init__(message, field="username", hint=hint)
        self.row = row


class ProfileMissing(RouterFault):
    """The router has no profile of exactly this name; nothing was written. `available` are the names it has."""

    code = "profile_missing"

    def __init__(self, message: str, *, profile: str, available: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, field="profile", hint=hint)
        self.profile = profile
        self.available = available


class RouterMismatch(RouterFault):
    """The router accepted the change, but what reads back is not what was wanted. `user` is None when absent."""

    code = "router_mismatch"

    def __init__(self, message: str, *, user: RouterUser | None, differences: tuple[Difference, ...] = ()) -> None:
        super().__init__(message, outcome_unknown=user is None)
        self.user = user
        self.differences = differences


class RouterProtocolError(RouterFault):
    """What came back is not the RouterOS API protocol."""

    code = "router_protocol"


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

    def profiles(self, service: Service) -> tuple[Profile, ...]:
        """All profiles of the service, in the router's order."""

    def pools(self) -> tuple[Pool, ...]:
        """All address pools with how many addresses they hold and how many are taken."""

    def users(self, service: Service) -> tuple[RouterUser, ...]:
        """All users of the service. For audits; never used to find one user."""

    def read_user(self, service: Service, username: str, password: Secret | None = None) -> RouterUser | None:
        """The user of exactly this name, or None. With `password`, `password_matches` compares it with the one set."""

    def find_tagged(self, service: Service, tag: str) -> tuple[RouterUser, ...]:
        """The users that carry this ownership token (normally one or none), whatever their name."""

    def ensure_user(self, wanted: WantedUser, on_step: OnStep | None = None) -> EnsureResult:
        """Make the router hold exactly this user, then read it back and compare.

        Absent: added. Ours by tag (under this or another name): only what differs is set. Foreign: `RouterConflict`,
        untouched. `ProfileMissing` before any write. `RouterMismatch` when the read-back differs. `on_step` is told
        each step as a short sentence.
        """

    def set_disabled(self, service: Service, username: str, tag: str, disabled: bool) -> RouterUser:
        """Disable or enable our user, read back. `RouterConflict` when not ours, `RouterRefused` when absent."""

    def remove_user(self, service: Service, username: str, tag: str) -> bool:
        """Remove the user if its tag is `tag`, and re-read. False when absent; `RouterConflict` when not ours."""

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
