"""Every way a router fails, by name. Import them from `leadtui.router.port`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadtui.errors import RouterError

if TYPE_CHECKING:
    from leadtui.router.values import Difference, Profile, Queue, RouterUser


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
    """A user, profile or queue of that name exists and is not ours; it was left untouched. `row` is the router's row.

    Also: more than one row carries the mark of what is wanted, and nobody can say which one counts.
    """

    code = "router_conflict"

    def __init__(
        self, message: str, *, row: RouterUser | Profile | Queue, hint: str | None = None, field: str = "username"
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.row = row


class ProfileMissing(RouterFault):
    """The router has no profile of exactly this name; nothing was written. `available` are the names it has."""

    code = "profile_missing"

    def __init__(self, message: str, *, profile: str, available: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, field="profile", hint=hint)
        self.profile = profile
        self.available = available


class ProfileInUse(RouterFault):
    """A profile of ours has to change, but users that are not ours have it too; nothing was written.

    `foreign` is how many (unmarked, or another office's), `ours` how many of this office. Foreign users are not named.
    """

    code = "profile_in_use"

    def __init__(self, message: str, *, profile: str, foreign: int, ours: int = 0, hint: str | None = None) -> None:
        super().__init__(message, field="profile", hint=hint, data={"foreign": foreign, "ours": ours})
        self.profile = profile
        self.foreign = foreign
        self.ours = ours


class RouterMismatch(RouterFault):
    """The router accepted the change, but what reads back is not what was wanted. `row` is None when it is absent."""

    code = "router_mismatch"

    def __init__(
        self, message: str, *, row: RouterUser | Profile | Queue | None, differences: tuple[Difference, ...] = ()
    ) -> None:
        super().__init__(message, outcome_unknown=row is None)
        self.row = row
        self.differences = differences


class RouterProtocolError(RouterFault):
    """What came back is not the RouterOS API protocol."""

    code = "router_protocol"
