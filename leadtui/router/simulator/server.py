"""The training router as a server: start, stop, and what tests and demos do to it from the outside."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal, Self

from leadtui.errors import Refused
from leadtui.router.dialect import Version
from leadtui.router.port import RouterAddress as Address
from leadtui.router.port import Secret, TlsMode
from leadtui.router.simulator import certificate, sessions
from leadtui.router.simulator.commands import Commands, SimulatorUser
from leadtui.router.simulator.faults import FaultPlan
from leadtui.router.simulator.menus import MENUS
from leadtui.router.simulator.peer import Peer
from leadtui.router.simulator.seed import SEED
from leadtui.router.simulator.state import SESSION_USER, RouterState
from leadtui.router.tls import fingerprint_of

DEFAULT_VERSION = "7.18.2 (stable)"
DEFAULT_IDENTITY = "WL-RTR-1"
DEFAULT_BOARD = "CCR2004-16G-2S+"
_MAX_SESSIONS = 64
_HANDSHAKE_LIMIT_S = 10.0


class Simulator:
    """A RouterOS API server on a real TCP port.

    `state_file`: where it keeps its rows (None: in memory). `port` 0 picks a free one; read `.port` after `start`.
    `version` decides the dialect (6.x or 7.x). `users` are accounts, name → password or `SimulatorUser`; admin/admin
    when None. `tls`: True for a self-signed certificate (`.fingerprint`, `.certificate_pem`), `"anonymous"` for
    Diffie-Hellman without one. `max_sessions` further callers are turned away. `without` are menus that this router
    does not have, with all below them (`/ip/hotspot`: the package is not installed). Raises `Refused` when the port is
    taken or the state file is not one.
    """

    def __init__(
        self,
        state_file: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        version: str = DEFAULT_VERSION,
        identity: str = DEFAULT_IDENTITY,
        board: str = DEFAULT_BOARD,
        users: Mapping[str, str | SimulatorUser] | None = None,
        tls: bool | Literal["anonymous"] = False,
        faults: FaultPlan | None = None,
        max_sessions: int = _MAX_SESSIONS,
        without: Iterable[str] = (),
    ) -> None:
        self.host = host
        self.port = port
        self.faults = faults or FaultPlan()
        self.state = RouterState(state_file, SEED, identity=identity, is_v7=Version.parse(version).major >= 7)
        self.certificate_pem = ""
        self.fingerprint = ""
        self._tls = tls
        self._version = Version.parse(version)
        self._commands = Commands(self.state, version=version, board=board, without=without)
        self._users = {
            name: user if isinstance(user, SimulatorUser) else SimulatorUser(user)
            for name, user in ({"admin": "admin"} if users is None else users).items()
        }
        self._max_sessions = max_sessions
        self._context = self._make_context()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._peers: dict[Peer, threading.Thread] = {}
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    def _make_context(self) -> ssl.SSLContext | None:
        if self._tls == "anonymous":
            return certificate.anonymous_context()
        if not self._tls:
            return None
        self.certificate_pem, key_pem = certificate.self_signed(self.host, self.state.identity)
        self.fingerprint = fingerprint_of(ssl.PEM_cert_to_DER_cert(self.certificate_pem))
        return certificate.server_context(self.certificate_pem, key_pem)

    # Running

    def start(self) -> Self:
        """Listen; returns when callers are accepted."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
            listener.listen(128)
        except (OSError, OverflowError) as error:
            listener.close()
            raise Refused(
                f"The training router cannot listen on {self.host}:{self.port}: "
                f"{getattr(error, 'strerror', None) or error}.",
                field="port",
                hint="choose another port, or 0 for any free one",
            ) from error
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._stop.clear()
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), name="router accept", daemon=True)
        self._acceptor.start()
        return self

    def _accept(self, listener: socket.socket) -> None:
        while not self._stop.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                full = len(self._peers) >= self._max_sessions
                if self._stop.is_set() or full:
                    sock.close()
                    continue
                peer = Peer(
                    sock,
                    commands=self._commands,
                    users=self._users,
                    faults=self.faults,
                    version=self._version,
                    stop=self._stop,
                    secure=self._secure if self._context else None,
                )
                thread = threading.Thread(target=self._serve, args=(peer,), name="router peer", daemon=True)
                self._peers[peer] = thread
            thread.start()

    def _serve(self, peer: Peer) -> None:
        try:
            peer.run()
        finally:
            with self._lock:
                self._peers.pop(peer, None)

    def _secure(self, sock: socket.socket) -> socket.socket:
        if self._context is None:
            return sock
        sock.settimeout(_HANDSHAKE_LIMIT_S)
        try:
            secured = self._context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            raise
        secured.settimeout(None)
        return secured

    def stop(self) -> None:
        """Stop listening and end every conversation, also a hanging one. May be called twice."""
        self._stop.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # close alone does not wake a thread in accept
            self._listener.close()
            self._listener = None
        if self._acceptor is not None:
            self._acceptor.join(5)
            self._acceptor = None
        with self._lock:
            peers = dict(self._peers)
        for peer in peers:
            peer.cut()
        for thread in peers.values():
            thread.join(5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def sessions(self) -> int:
        """How many callers are connected."""
        with self._lock:
            return len(self._peers)

    # From the outside: tests and demos

    def address(
        self,
        username: str = "admin",
        password: str = "admin",  # noqa: S107 - the training account
        *,
        tls: TlsMode | None = None,
        name: str = "",
    ) -> Address:
        """How to reach this router; `tls` is chosen to fit when not given (the pin of its certificate)."""
        mode: TlsMode = tls or ("plain" if not self._tls else "anonymous" if self._tls == "anonymous" else "pin")
        return Address(
            host=self.host,
            port=self.port,
            username=username,
            password=Secret(password),
            tls=mode,
            tls_pin=self.fingerprint if mode == "pin" else None,
            tls_ca=self.certificate_pem if mode == "ca" else None,
            name=name or self.state.identity,
        )

    def rows(self, path: str) -> list[dict[str, str]]:
        """The rows of a menu as a fully privileged print gives them."""
        return list(self.state.print_rows(MENUS[path], (), secrets=True))

    def secrets(self) -> list[dict[str, str]]:
        """The PPP secrets, passwords included."""
        return self.rows("/ppp/secret")

    def add(self, path: str, /, **values: str) -> str:
        """Add a row as an operator at the router would (`remote_address` for `remote-address`); its id."""
        return self.state.add(MENUS[path], {name.replace("_", "-"): value for name, value in values.items()})

    def change(self, path: str, which: str, /, **values: str) -> None:
        """Change the row named `which` as an operator would."""
        self.state.set(MENUS[path], which, {key.replace("_", "-"): value for key, value in values.items()})

    def remove(self, path: str, name: str) -> None:
        """Remove the row of that name as an operator would."""
        self.state.remove(MENUS[path], name)

    def dial_in(self, username: str, caller_id: str = "4C:5E:0C:77:88:99", *, uptime: str = "1s") -> str:
        """A PPP user comes online: a row in `/ppp/active` and, where the address is of a pool, in `/ip/pool/used`.

        Returns the address. `Refused` when the secret is absent or disabled, its profile is gone, or no address is
        free.
        """
        return sessions.dial_in(self.state, username, caller_id=caller_id, uptime=uptime)

    def log_in(self, username: str, mac_address: str = "4C:5E:0C:66:55:44", *, uptime: str = "1s") -> str:
        """A Hotspot user logs in, as `dial_in`; `Refused` also when as many as the profile allows are logged in."""
        return sessions.log_in(self.state, username, mac_address=mac_address, uptime=uptime)

    def hang_up(self, username: str) -> int:
        """The user's sessions of every service end and their leases are free again; how many there were."""
        return sum(sessions.hang_up(self.state, menu, username) for menu in SESSION_USER)


def run_simulator(
    port: int = 0,
    state_file: Path | None = None,
    on_listening: Callable[[int], None] | None = None,
    *,
    host: str = "127.0.0.1",
    stop: threading.Event | None = None,
    identity: str = DEFAULT_IDENTITY,
) -> None:
    """Serve the training router (admin/admin) until `stop` is set or the caller is interrupted.

    `on_listening` gets the port once callers are accepted. Raises `Refused` as `Simulator` does.
    """
    done = stop or threading.Event()
    with Simulator(state_file, host, port, identity=identity) as simulator:
        if on_listening is not None:
            on_listening(simulator.port)
        # A wait without limit cannot be interrupted by a signal on every system.
        while not done.wait(0.5):
            pass
