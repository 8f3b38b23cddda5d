"""`leadtui demo`: look around in a throw-away database."""

from __future__ import annotations

from typing import Annotated

import typer

from leadtui.cli import tree
from leadtui.cli.complete import presets
from leadtui.cli.context import options
from leadtui.cli.output import emit
from leadtui.errors import UsageError


def demo(
    leads: Annotated[int, typer.Option("--leads", metavar="N", help="how many invented leads")] = 500,
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="isp, insurance, real-estate, estate or travel", autocompletion=presets)
    ] = "isp",
    no_tui: Annotated[bool, typer.Option("--no-tui", help="only build the database and say where it is")] = False,
) -> None:
    """Open a throw-away database with invented leads, people and history, and a training router.

    It is removed when you leave. With --no-tui it stays; `router simulate` then serves its router.
    """
    from leadtui.services.demo import start_demo

    if no_tui:
        _build(leads, preset)
        return
    if options().json:
        raise UsageError("the screens cannot be shown as JSON", field="json", hint="add --no-tui")
    from leadtui.start import refuse_terminal, run_tui

    if (reason := refuse_terminal()) is not None:
        raise UsageError(reason, code="no_terminal", hint="build it for the command line with: leadtui demo --no-tui")
    running = start_demo(leads=leads, preset=preset)
    try:
        code = run_tui(demo=running)
    finally:
        running.close()
    raise typer.Exit(code)


def _build(leads: int, preset: str) -> None:
    """The database alone: where --db says, else in a new temporary folder."""
    import tempfile
    from pathlib import Path

    from leadtui.services.demo import build_demo

    wanted = options().db
    if wanted and "://" in wanted:
        raise UsageError("a demo is an SQLite file", field="db", hint="name a path, or leave --db out")
    path = Path(wanted) if wanted else Path(tempfile.mkdtemp(prefix="leadtui-demo-")) / "demo.db"
    info = build_demo(path, leads=leads, preset=preset)

    def text() -> str:
        lines = [f"made {info.db}: {info.leads:,} leads", f"look at it with: leadtui --db {info.db}"]
        if info.router is not None:
            lines.append(f"serve its router with: leadtui --db {info.db} router simulate")
        return "\n".join(lines)

    emit(info.as_json(), text)


app = tree.single(demo)
