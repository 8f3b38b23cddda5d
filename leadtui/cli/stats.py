"""`leadtui stats`: leads in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadtui.cli import complete, stats_export, stats_figures, stats_forecast, tree
from leadtui.cli.context import office
from leadtui.cli.lead_find import pointed_at
from leadtui.cli.output import emit, pairs, table
from leadtui.cli.stats_figures import Year, shares_text
from leadtui.cli.stats_forecast import From, Pipeline, To, Where

if TYPE_CHECKING:
    from leadtui.services.stats import ConversionStats, Statistics

app = tree.noun("Leads in figures: how many, by status and month; what became of them")
app.default_verb = "overview"  # type: ignore[attr-defined]  # `stats --year 2026` is `stats overview --year 2026`
stats_figures.register(app)
stats_forecast.register(app)
stats_export.register(app)


@app.command("overview", hidden=True)
def overview(
    year: Year = None, where: Where = None, from_: From = None, to: To = None, pipeline: Pipeline = None
) -> None:
    """Show how many leads there are, by status, and month by month."""
    from leadtui.services import stats
    from leadtui.services.figures import Question

    with office() as opened, pointed_at(where):
        found = stats.overview(opened, Question(where or "", from_, to, pipeline, year))
    emit(found.as_json(), lambda: _overview_text(found))


@app.command("conversion")
def conversion(
    from_: From = None,
    to: To = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="only from there", autocompletion=complete.sources)
    ] = None,
    assigned_to: Annotated[
        str | None, typer.Option("--assigned-to", metavar="LOGIN|me|none", help="only theirs",
                                 autocompletion=complete.logins)
    ] = None,
) -> None:  # fmt: skip
    """Show how many of the leads created in a time became customers, by source and by user."""
    from leadtui.services import stats

    with office() as opened:
        found = stats.conversion(opened, date_from=from_, date_to=to, source=source, assigned_to=assigned_to)
    emit(found.as_json(), lambda: _conversion_text(found))


def _overview_text(found: Statistics) -> str:
    parts = [
        pairs(
            (
                ("Total leads", f"{found.total_leads:,}"),
                ("New this month", f"{found.new_this_month:,}"),
                ("Total converted", f"{found.total_converted:,}"),
            )
        ),
        table(("status", "leads"), [(one.status, f"{one.count:,}") for one in found.by_status], right=[1]),
        table(
            ("month", "created", "converted"),
            [(one.month, f"{one.created:,}", f"{one.converted:,}") for one in found.by_month],
            right=[1, 2],
        ),
    ]
    return "\n\n".join(parts)


def _conversion_text(found: ConversionStats) -> str:
    document = found.as_json()
    days = found.average_conversion_time_days
    head = pairs(
        (
            ("Leads", f"{found.total_leads:,}"),
            ("Converted", f"{found.converted_count:,}  ({document['conversion_rate']} %)"),
            ("Lost", f"{found.lost_count:,}  ({document['lost_rate']} %)"),
            ("Active", f"{found.active_count:,}"),
            ("On average after", "" if days is None else f"{days:,} days"),
        )
    )
    parts = [head]
    if found.by_source:
        parts.append(shares_text("source", found.by_source))
    if found.by_user:
        parts.append(shares_text("user", found.by_user))
    return "\n\n".join(parts)
