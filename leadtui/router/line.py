"""The line to a router: a socket with one overall deadline that another thread can cut at once.

A plain socket time-out counts per `recv`, so a peer that dribbles bytes holds a call for ever (facts/mikrotik §a,
Timeouts). Here every wait gets what is left of the whole job's time.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading
import time

from leadtui.router.port import CONNECT_LIMIT_S, CancelToken, RouterCancelled, RouterUnreachable
from leadtui.router.wire import MAX_WORD_BYTES

_RECV_BYTES = 64 * 1024
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}


class Deadline:
    """A moment in monotonic time, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; `TimeoutError` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the deadline of {self.seconds:g} s is over")
        return left


class LineClosedError(ConnectionError):
    """The peer closed the line in the middle of something."""


def dial(host: str, port: int, deadline: Deadline, cancel: CancelToken, label: str) -> Line:
    """Connect by TCP within the deadline and `CONNECT_LIMIT_S`; `RouterUnreachable` or `RouterCancelled` otherwise.

    Name lookup and connect cannot be interrupted, so they run on a daemon thread that is left behind when time is up
    or the job is cancelled; whatever it still opens it closes by itself.
    """
    try:
        limit_s = min(CONNECT_LIMIT_S, deadline.remaining())
    except TimeoutError:
        limit_s = 0.0
    done = threading.Event()
    lock = threading.Lock()
    found: list[socket.socket | Exception] = []
    abandoned = False

    def connect() -> None:
        result: socket.socket | Exception
        try:
            result = socket.create_connection((host, port), timeout=max(limit_s, 0.001))
        except (OSError, ValueError, OverflowError) as error:  # ValueError: a host name that IDNA cannot encode
            result = error
        with lock:
            if not abandoned:
                found.append(result)
            elif isinstance(result, socket.socket):
                result.close()
        done.set()

    wake = done.set
    cancel.on_cancel(wake)
    threading.Thread(target=connect, name=f"dial {label}", daemon=True).start()
    done.wait(limit_s)
    cancel.forget(wake)
    with lock:
        abandoned = True
        result = found[0] if found else None
    if cancel.cancelled:
        if isinstance(result, socket.socket):
            result.close()
        raise RouterCancelled(f"Connecting to {label} was cancelled.")
    if isinstance(result, socket.socket):
        with contextlib.suppress(OSError):
            result.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Line(result, deadline, cancel)
    raise _unreachable(host, port, label, result, limit_s) from result


def _unreachable(host: str, port: int, label: str, error: Exception | None, limit_s: float) -> RouterUnreachable:
    place = f"{host}:{port}"
    who = label if label == place else f"{label} ({place})"
    if error is None or isinstance(error, TimeoutError):
        return RouterUnreachable(
            f"{who} did not answer within {limit_s:.0f} s.",
            hint="check the address; a router silently drops callers that its API service does not allow",
        )
    if isinstance(error, ConnectionRefusedError):
        return RouterUnreachable(
            f"{who} refuses connections on that port.", hint="enable the api or api-ssl service on the router"
        )
    if isinstance(error, socket.gaierror | ValueError | OverflowError):
        return RouterUnreachable(f"The host name of {who} cannot be found.", hint="check the host name", field="host")
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return RouterUnreachable(f"There is no route to {who}.", hint="check this computer's network connection")
    return RouterUnreachable(f"No connection to {who}: {getattr(error, 'strerror', None) or error}.")


class Line:
    """An open line. Has the shape of the library's transport: `read`, `write`, `close`."""

    def __init__(self, sock: socket.socket, deadline: Deadline, cancel: CancelToken) -> None:
        self._sock = sock
        self._deadline = deadline
        self._cancel = cancel
        self._buffer = bytearray()
        self._closed = False
        cancel.on_cancel(self.cut)

    def start_tls(self, context: ssl.SSLContext, server_hostname: str | None) -> bytes | None:
        """Do the TLS handshake; the peer's certificate (DER), or None when it showed none. Raises as `ssl` does."""
        # The handshake is a step of its own: only then is the wrapped socket known to `cut` while it waits.
        wrapped = context.wrap_socket(self._sock, server_hostname=server_hostname, do_handshake_on_connect=False)
        self._sock = wrapped
        if self._cancel.cancelled:
            raise LineClosedError("cancelled")
        wrapped.settimeout(self._deadline.remaining())
        wrapped.do_handshake()
        return wrapped.getpeercert(binary_form=True)

    def read(self, length: int) -> bytes:
        """Exactly `length` bytes. `TimeoutError`, `LineClosedError` or `OSError` otherwise."""
        if length > MAX_WORD_BYTES:
            raise ValueError(f"a word of {length} bytes was announced")
        while len(self._buffer) < length:
            self._sock.settimeout(self._deadline.remaining())
            got = self._sock.recv(_RECV_BYTES)
            if not got:
                raise LineClosedError("the peer closed the connection")
            self._buffer += got
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`. `TimeoutError` or `OSError` otherwise."""
        self._sock.settimeout(self._deadline.remaining())
        self._sock.sendall(data)

    def cut(self) -> None:
        """End both directions at once, from any thread: a waiting `read` returns. The descriptor stays ours."""
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown: that takes the TLS object away under the thread that is reading with it.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close; never blocks, may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._cancel.forget(self.cut)
        self.cut()
        self._sock.close()
