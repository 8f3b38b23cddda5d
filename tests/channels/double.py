"""A local HTTP server that answers as a script says, and keeps what it was asked: for channels that speak HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

DROP = "drop"
"""Read the request, answer nothing, hang up."""
HANG = "hang"
"""Read the request, and never answer while the test lasts."""


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return {key: values[0] for key, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass(frozen=True)
class Says:
    """One answer."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        """The body as bytes, and its type."""
        if isinstance(self.body, str):
            return self.body.encode(), "text/html"
        return json.dumps(self.body).encode(), "application/json"


Step = Says | str


class Double:
    """Serves on loopback while it is open. `answers` is asked for each request."""

    def __init__(self, answers: Callable[[Asked], Step] | None = None) -> None:
        self.asked: list[Asked] = []
        self._steps: list[Step] = []
        self._answers = answers or self._next
        self._over = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one piece

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {key.lower(): value for key, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, body)
                with outer._lock:
                    outer.asked.append(asked)
                    step = outer._answers(asked)
                if step == HANG:
                    outer._over.wait(20)
                if isinstance(step, str):
                    self.close_connection = True
                    return
                data, kind = step.encoded()
                self.send_response(step.status)
                for key, value in {"Content-Type": kind, "Content-Length": str(len(data)), **step.headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - names of the library

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # the other side hung up: that is what is tried

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def script(self, *steps: Step) -> Self:
        """The next answers, in order; the last one stays."""
        self._steps = list(steps)
        return self

    def _next(self, _: Asked) -> Step:
        return self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
