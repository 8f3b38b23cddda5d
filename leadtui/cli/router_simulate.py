"""`leadtui router simulate`: the training router."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from leadtui.cli.context import office, options
from leadtui.cli.output import emit
from leadtui.errors import Invalid, LeadtuiError


def simulate(
    port: Annotated[int | None, typer.Option("--port", min=0, max=65_535, help="0 for any free one")] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="where it keeps its users; else in memory")
    ] = None,
) -> None:
    """Serve a training RouterOS on this machine (admin/admin) until interrupted.

    Prints `LISTENING <port>` once it answers. With a demo's database it answers where the demo recorded it.
    """
    import signal
    import threading

    from leadtui.router.simulator import run_simulator

    if state is not None and (state.is_dir() or not os.access(state.absolute().parent, os.W_OK)):
        raise Invalid(f"{state} cannot be written", field="state", hint="what is made there would be lost")
    identity: dict[str, str] = {}
    if port is None and state is None:
        port, state, identity = _recorded()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    run_simulator(
        port or 0, state, on_listening=lambda at: emit({"listening": at}, f"LISTENING {at}"), stop=stop, **identity
    )


def _recorded() -> tuple[int | None, Path | None, dict[str, Any]]:
    """Port, state file and name of the demo's router, when the database is a demo's."""
    if not options().db and not os.environ.get("LEADTUI_DB"):
        return None, None, {}
    try:
        with office() as opened:
            from leadtui.services.demo import recorded_router

            found = recorded_router(opened)
    except (ImportError, LeadtuiError):
        return None, None, {}
    return (found.port, found.state_file, {"identity": found.name}) if found is not None else (None, None, {})


def register(app: typer.Typer) -> None:
    """Put the verb on `router`."""
    app.command("simulate")(simulate)
