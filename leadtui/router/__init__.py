"""The router room: a narrow port, its RouterOS adapter, and a training router.

Import the port's names from `leadtui.router.port`; `open_router` below loads the adapter (and its library) only when
a router is really spoken to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadtui.router.port import CancelToken, RouterAddress, RouterPort


def open_router(address: RouterAddress, *, deadline_s: float = 10.0, cancel: CancelToken | None = None) -> RouterPort:
    """Connect and log in; the whole job, from here to `close`, must end within `deadline_s` seconds.

    Raises a `RouterFault`: `RouterUnreachable`, `RouterTlsError`, `RouterLoginRefused`, `RouterTimeout`,
    `RouterCancelled` … Use it as a context manager. `cancel` lets another thread give up even the connecting.
    """
    from leadtui.router.mikrotik import open_router as open_mikrotik

    return open_mikrotik(address, deadline_s=deadline_s, cancel=cancel)


def read_fingerprint(host: str, port: int, *, deadline_s: float = 5.0, cancel: CancelToken | None = None) -> str:
    """The SHA-256 (hex) of the certificate a router presents, for a person to compare before pinning it.

    Trusts nothing and sends nothing but the handshake. Raises `RouterUnreachable`, `RouterTlsError`, `RouterTimeout`.
    """
    from leadtui.router.tls import read_fingerprint as read

    return read(host, port, deadline_s=deadline_s, cancel=cancel)
