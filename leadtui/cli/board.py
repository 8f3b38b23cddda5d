"""`leadtui pipeline show`: the board of a pipeline as a table, its statuses with count, value, value × probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadtui.cli import complete
from leadtui.cli.context import office
from leadtui.cli.output import emit, table
from leadtui.domain.money import format_money

if TYPE_CHECKING:
    from leadtui.services.board import Board


def show(
    pipeline: Annotated[
        str | None,
        typer.Argument(
            metavar="[PIPELINE]", help="its key or name; else the usual one", autocompletion=complete.pipelines
        ),
    ] = None,
    where: Annotated[str | None, typer.Option("--where", metavar="FILTER", help="only what this finds")] = None,
) -> None:  # fmt: skip
    """Show the statuses of a pipeline: how many leads, what they are worth, and that times the probability."""
    from leadtui.services import board

    with office() as opened:
        found = board.show(opened, where, pipeline)
    emit(found.as_json(), lambda: _text(found))


def _text(found: Board) -> str:
    from leadtui.services.board import total

    rows = [
        (
            f"{one.stage.mark} {one.stage.name}",
            f"{one.stage.probability:.0%}",
            (one.count, one.value_minor, one.weighted_minor),
        )
        for one in found.columns
    ]
    rows += [("open together", "", total(one for one in found.columns if one.is_open))]
    rows += [("all together", "", total(found.columns))]
    lines = [
        (name, f"{count:,}", format_money(value, found.currency), share, format_money(weighted, found.currency))
        for name, share, (count, value, weighted) in rows
    ]
    heads = ("status", "leads", f"value {found.currency}", "probability", "weighted")
    return f"{found.pipeline.name}\n\n{table(heads, lines, right=[1, 2, 3, 4])}"
