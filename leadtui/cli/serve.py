"""`leadtui serve`: what comes in over HTTP."""

from __future__ import annotations

import ipaddress
import signal
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leadtui.cli import tree
from leadtui.cli.context import note, open_log, options, warn
from leadtui.cli.output import emit
from leadtui.cli.until_told import signals, wait
from leadtui.errors import NotPermitted, Refused, UsageError

if TYPE_CHECKING:
    from leadtui.services.office import Office

_LOOK_EVERY_S: Final = 1.0

app = tree.noun("What comes in over HTTP: the API, website forms, webhooks")
app.default_verb = "run"  # type: ignore[attr-defined]  # `serve --bind …` is `serve run --bind …`


@app.command("run", hidden=True)
def serve(
    bind: Annotated[
        str, typer.Option("--bind", metavar="HOST:PORT", help="where to listen; port 0: a free one")
    ] = "127.0.0.1:8099",
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="a proxy with TLS stands before it: believe its X-Forwarded-…")
    ] = False,
    public_url: Annotated[
        str | None, typer.Option("--public-url", metavar="URL", help="how the world calls it; Twilio signs that")
    ] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="listen beyond this machine without TLS, all the same")
    ] = False,
) -> None:
    """Serve the HTTP API, website forms and webhooks until stopped.

    Operations are under /api, described at /api/docs; callers need a key: leadtui user key add LOGIN. What
    comes in is kept and answered at once; a worker (or an open screen) applies it. Put a proxy with TLS
    before it. Any number may run. It needs the right to configure the office, or the owner of the database.
    """
    from leadtui.services.office import open_office

    host, port = _place(bind)
    if not (_is_local(host) or behind_proxy or plain_http):
        raise UsageError(
            f"{host} is reached from other machines, and nothing encrypts what is sent", field="bind",
            hint="put a proxy with TLS before 127.0.0.1, or add --behind-proxy; --plain-http takes the risk",
        )  # fmt: skip
    open_log()
    _need_the_extra()
    opened = open_office(options().db, as_login=options().as_login, origin="serve")
    try:
        if not (opened.is_owner or opened.actor.may("config")):
            raise NotPermitted("you may not run the server", hint="it needs the right to configure the office")
        came = _serve(opened, host, port, behind_proxy=behind_proxy, public_url=public_url)
    finally:
        opened.close()
    if came == signal.SIGINT:
        raise KeyboardInterrupt


def _serve(opened: Office, host: str, port: int, *, behind_proxy: bool, public_url: str | None) -> int:
    """Serve until a signal comes: its number."""
    from leadtui.api.app import create_app
    from leadtui.api.server import Server
    from leadtui.services import workers

    server = Server(create_app(opened, behind_proxy=behind_proxy, public_url=public_url), host, port)
    with signals() as (pipe, _):
        server.start()
        emit({"listening": server.address}, f"LISTENING {server.address}")
        if not (_is_local(host) or behind_proxy):
            warn("other machines reach this address, and keys and leads go over the network as plain text")
        if not workers.is_anybody_there(opened):
            note("nobody applies what comes in: start a worker (leadtui worker); an open screen does it too")
        while not (came := wait(pipe, _LOOK_EVERY_S)) and server.is_running:
            pass
        server.stop()
    return came


def _place(bind: str) -> tuple[str, int]:
    """Host and port of `--bind`. Raises UsageError."""
    host, colon, port = bind.strip().rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdigit() or int(port) > 65_535:
        raise UsageError(f"--bind {bind}: HOST:PORT is expected", field="bind", hint="such as 127.0.0.1:8099")
    return host, int(port)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _need_the_extra() -> None:
    """Raises Refused with how to install what is missing."""
    import importlib.util

    for module in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(module) is None:
            raise Refused(
                f"the server needs {module}, which is not installed", code="missing_extra",
                hint="install it with: pip install 'leadtui[api]'",
            )  # fmt: skip
