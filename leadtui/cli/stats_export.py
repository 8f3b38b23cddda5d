"""`leadtui stats export`: the figures of the stats screen as a table, a page or a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leadtui.cli.context import office
from leadtui.cli.lead_find import pointed_at
from leadtui.cli.output import emit
from leadtui.cli.stats_forecast import From, Pipeline, To, Where

FORMATS = ("csv", "html", "png")


def export(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="where to; it appears whole or not at all")],
    format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="csv|html|png", help="else by the ending of FILE", autocompletion=lambda: FORMATS
        ),
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", metavar="YEAR", min=1900, max=2200, help="of the months; else this one")
    ] = None,
    where: Where = None,
    from_: From = None,
    to: To = None,
    pipeline: Pipeline = None,
    force: Annotated[bool, typer.Option("--force", help="replace a file that is there")] = False,
) -> None:
    """Write all figures to a file: table (csv), page (html), picture (png).

    Each figure carries the filter that finds its leads. The picture needs pip install 'leadtui[charts]'.
    """
    from leadtui.domain.figures import Question
    from leadtui.services import figure_export

    chosen = format or figure_export.format_for(out)
    with office() as opened, pointed_at(where):
        question = Question(where or "", from_, to, pipeline, year)
        size = figure_export.write(opened, question, out, format=chosen, force=force)
    emit({"out": str(out), "format": chosen, "bytes": size}, lambda: f"Figures written to {out}")


def register(app: typer.Typer) -> None:
    """Put the verb under `stats`."""
    app.command("export")(export)
