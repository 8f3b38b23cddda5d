"""Uvicorn around the app: one process, no access log, an end within seconds."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Final

from leadtui.errors import OtherSide

if TYPE_CHECKING:
    from fastapi import FastAPI

PATIENCE_S: Final = 5
"""So long what is under way may take when the server is told to end."""


class Server:
    """A server in a thread of its own, so that signals stay the main thread's."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        """Bind the address; port 0 takes a free one. Raises OtherSide."""
        import uvicorn

        self._socket = _bound(host, port)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, proxy_headers=False, lifespan="on",
            timeout_graceful_shutdown=PATIENCE_S, timeout_keep_alive=20, h11_max_incomplete_event_size=64_000,
            ws="none",
        )  # fmt: skip
        _quiet()
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True, name="leadtui-serve")

    @property
    def address(self) -> str:
        """host:port, as it is bound."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Begin to answer; what connects meanwhile waits in the queue of the socket."""
        self._thread.start()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    @property
    def is_running(self) -> bool:
        """Whether it still answers."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish what is under way, a few seconds at most, and end."""
        self._server.should_exit = True
        self._thread.join(PATIENCE_S + 2)
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, proto)
    except OSError as error:
        raise OtherSide(f"{host} is no address of this machine: {error.strerror or error}", field="bind") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(1024)
    except OSError as error:
        made.close()
        raise OtherSide(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            field="bind",
            hint="another port: --bind HOST:0",
        ) from None
    return made


def _quiet() -> None:
    """Uvicorn's own words go to our log: they hold no bodies, and the terminal stays clean."""
    ours = logging.getLogger("leadtui")
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = list(ours.handlers), False
        logger.setLevel(logging.WARNING)
