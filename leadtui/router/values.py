"""The values that pass through the port: where a router is, what stands on it, what should. Import them from
`leadtui.router.port`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from leadtui.domain.hidden import Secret as Secret
from leadtui.router.marks import owner_tag

Service = Literal["pppoe", "hotspot"]
TlsMode = Literal["plain", "ca", "pin", "anonymous"]
Outcome = Literal["created", "updated", "unchanged"]

SERVICES: tuple[Service, ...] = ("pppoe", "hotspot")
TLS_MODES: tuple[TlsMode, ...] = ("plain", "ca", "pin", "anonymous")


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

    @property
    def tag(self) -> str | None:
        """The mark at the beginning of the comment, or None without one. Hotspot profiles never have one."""
        return owner_tag(self.comment)


@dataclass(frozen=True, slots=True)
class WantedProfile:
    """A package's profile as it should be on a router.

    `name` is the full name there; a Hotspot profile's begins with `lt-`. `tag` is `package_tag(…)`. The speeds are
    bit/s as the customer sees them: the router gets "<upload>/<download>". Both None: no rate limit; one None: no limit
    that way. `pool` is the name of an address pool; `gateway` the router's own address towards the customer, which PPP
    needs to serve and Hotspot does not know. None in any of these: the property is absent on the router.

    `known_as` is what the store says the Hotspot profile is called on this router: there it is the mark. Write it down
    after `find_profile` found the name free and before `ensure_profile`, so that a lost answer leaves no profile that
    nobody knows. PPP profiles go by their comment, `known_as` is not looked at.
    """

    service: Service
    name: str
    tag: str
    upload_bps: int | None = None
    download_bps: int | None = None
    pool: str | None = None
    gateway: str | None = None
    known_as: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileUse:
    """How many users of a profile are this office's, and how many are not (unmarked, or another office's)."""

    ours: int
    foreign: int


@dataclass(frozen=True, slots=True)
class Queue:
    """A simple queue as it stands on the router. Speeds in bit/s, None without a limit; `target` as the router has it
    (`10.0.0.5/32`, an interface, several with commas).
    """

    name: str
    target: str
    upload_bps: int | None = None
    download_bps: int | None = None
    disabled: bool = False
    comment: str = ""

    @property
    def tag(self) -> str | None:
        """The mark at the beginning of the comment, or None without one."""
        return owner_tag(self.comment)


@dataclass(frozen=True, slots=True)
class WantedQueue:
    """A simple queue as it should be: enabled, for one IPv4 address; speeds in bit/s, None for no limit that way."""

    name: str
    address: str
    upload_bps: int | None
    download_bps: int | None
    tag: str


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
        """The mark at the beginning of the comment (ours or another office's), or None without one."""
        return owner_tag(self.comment)


@dataclass(frozen=True, slots=True)
class WantedUser:
    """A user as it should be. `ip=None` means a dynamic address: the row then holds no address at all.

    `tag` is the mark, see `tag_for`.
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
class Load:
    """How busy a router is: what it says of itself, its running sessions of every service, its pools with their use."""

    probe: Probe
    sessions: int
    pools: tuple[Pool, ...]


@dataclass(frozen=True, slots=True)
class EnsureResult:
    """What `ensure_user` did, the row as read back, and the row as it was before (None if none).

    `changed` names the properties that were set, in the router's words.
    """

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


@dataclass(frozen=True, slots=True)
class EnsureProfileResult:
    """What `ensure_profile` did, the profile as read back, and as it was before (None if none).

    `changed` names what was set, in our words: name, rate_limit, pool, gateway, comment.
    """

    outcome: Outcome
    profile: Profile
    before: Profile | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """A wanted user that stands on the router otherwise: `username` is the wanted name, `row` what is there.

    `differences` are in our words: username, password, service, profile, ip, disabled, comment. `is_ours` False: the
    name is taken by a user that is not ours, which nothing may change.
    """

    username: str
    differences: tuple[Difference, ...]
    row: RouterUser
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A router's users of one service against those wanted.

    `matched` stand as wanted; `missing` are nowhere; `orphaned` carry a mark of this office (or of none) that no wanted
    user has, or has already on another row; `drifted` differ; `foreign` is the count of all other rows.
    `passwords_unseen` of those that stand there were compared without their passwords: the router did not show any.
    """

    matched: int
    missing: tuple[WantedUser, ...]
    orphaned: tuple[RouterUser, ...]
    drifted: tuple[Drift, ...]
    foreign: int
    passwords_unseen: int = 0
