"""Options that rules of scores and rules of assignment have alike, and what was given of them as text."""

from __future__ import annotations

from typing import Annotated

import typer

from leadtui.cli import complete

Of = Annotated[
    str | None,
    typer.Option("--pipeline", metavar="KEY", help="of this pipeline only", autocompletion=complete.pipelines),
]
NewOf = Annotated[
    str | None,
    typer.Option(
        "--pipeline", metavar="KEY", help="for leads of this one instead of the default; '' for all",
        autocompletion=complete.pipelines,
    ),
]  # fmt: skip
Order = Annotated[int | None, typer.Option("--order", metavar="N", help="its place: the lower, the earlier")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="check it and show it, change nothing")]


def typed(**given: object) -> dict[str, str]:
    """What was given, as text; what was not is left out."""
    return {
        key: ("yes" if value else "no") if isinstance(value, bool) else str(value)
        for key, value in given.items()
        if value is not None
    }
