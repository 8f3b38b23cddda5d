"""One HTTP request of ours, with the one distinction that matters: was anything written before it failed?

Standard library only. `NotConnected` is safe to try again; after `Lost` nobody knows. The deadline is for all of it.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import socket
import ssl
import time
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from leadtui.errors import Invalid

CONNECT_LIMIT_S = 10.0
"""The most that connecting may take of a deadline."""
MOST_BYTES = 1 << 20
"""More of an answer than this is not read."""

_OWN_NAMES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")


class NotConnected(Exception):
    """No connection was made: nothing left us, it is safe to try again."""


class Lost(Exception):
    """The request was written, at least begun, and no whole answer came: nobody knows what became of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def retry_after_s(self) -> float:
        """The seconds of `Retry-After`; 0.0 without one (a date there is read as none)."""
        value = self.headers.get("retry-after", "").strip()
        return min(float(value), 86_400.0) if value.isascii() and value.isdecimal() else 0.0


def check_url(text: str, *, field: str) -> str:
    """`text` as an address of HTTP; plain HTTP only to this machine or a private network. Raises Invalid."""
    try:
        parts = urlsplit(text)
        port_is_right = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        port_is_right, parts = False, urlsplit("")
    if _UNSAFE.search(text) or parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_right:
        raise Invalid(f"'{text[:80]}' is not a web address", field=field, hint="such as https://host/path")
    if parts.username or parts.password:
        raise Invalid("a web address with a password in it would be shown", field=field, hint="put it in the secret")
    if parts.scheme == "http" and not _is_near(parts.hostname):
        raise Invalid(
            f"'{parts.hostname}' would be spoken to unencrypted",
            field=field,
            hint="https, or an address of your own net",
        )
    return text


def _is_near(host: str) -> bool:
    """This machine, a private network, or a name without a dot."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.lower().endswith(_OWN_NAMES)
    return address.is_loopback or address.is_private


def call(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, deadline_s: float
) -> Answer:
    """Make one request; redirects are answers. Raises NotConnected or Lost. Proxies of the environment are used."""
    until = time.monotonic() + deadline_s
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection, prefix, extra = _connection(parts, min(deadline_s, CONNECT_LIMIT_S))
    try:
        try:
            connection.connect()
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise NotConnected(_words(error)) from None
        try:
            _limit(connection, until)
            connection.request(method, prefix + path, body=body, headers={**extra, **(headers or {})})
            _limit(connection, until)
            response = connection.getresponse()
            return Answer(
                response.status, {key.lower(): value for key, value in response.getheaders()},
                _read(connection, response, until),
            )  # fmt: skip
        except (OSError, http.client.HTTPException) as error:
            raise Lost(_words(error)) from None
    finally:
        connection.close()


def _connection(parts: Any, timeout_s: float) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    """A connection to the host or through the environment's proxy, what stands before the path, and more headers."""
    host, port = parts.hostname, parts.port
    secure = parts.scheme == "https"
    proxy = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(parts.scheme)
    if not proxy:
        return _to(host, port, timeout_s, secure=secure), "", {}
    via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    login: dict[str, str] = {}
    if via.username:
        word = f"{unquote(via.username)}:{unquote(via.password or '')}"
        login = {"Proxy-Authorization": "Basic " + b64encode(word.encode()).decode("ascii")}
    if secure:
        tunnel = _to(via.hostname or "", via.port, timeout_s, secure=True)
        tunnel.set_tunnel(host, port or 443, headers=login)
        return tunnel, "", {}
    return _to(via.hostname or "", via.port, timeout_s, secure=False), f"http://{parts.netloc}", login


def _to(host: str, port: int | None, timeout_s: float, *, secure: bool) -> http.client.HTTPConnection:
    if secure:
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=_tls())
    return http.client.HTTPConnection(host, port, timeout=timeout_s)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _limit(connection: http.client.HTTPConnection, until: float) -> None:
    """Let the next wait on the socket end at the deadline. Raises TimeoutError when that is over."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline is over")
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _read(connection: http.client.HTTPConnection, response: http.client.HTTPResponse, until: float) -> bytes:
    """The body, up to a megabyte of it, before the deadline."""
    found = bytearray()
    while len(found) < MOST_BYTES:
        _limit(connection, until)
        if not (piece := response.read1(65_536)):
            break
        found += piece
    return bytes(found)


def _words(error: Exception) -> str:
    """What failed, in a few words without an address."""
    if isinstance(error, TimeoutError | socket.timeout):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "the host is not known"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
