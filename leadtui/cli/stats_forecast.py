"""`stats forecast`, `stats backtest`, `stats times`: what open leads are likely to bring, how true that has proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadtui.cli import complete
from leadtui.cli.context import note, office
from leadtui.cli.importing import progress
from leadtui.cli.lead_find import pointed_at
from leadtui.cli.output import emit, pairs, table
from leadtui.domain.backtests import AGE_DAYS, MIN_CASES
from leadtui.domain.journeys import span_words
from leadtui.domain.money import format_money
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.domain.backtests import BackTest
    from leadtui.domain.forecasts import Forecast
    from leadtui.services.backtest import Used
    from leadtui.services.conversion_times import ConversionTimes

Pipeline = Annotated[
    str | None, typer.Option(metavar="KEY", help="only this pipeline", autocompletion=complete.pipelines)
]
Where = Annotated[
    str | None, typer.Option(metavar="FILTER", help="only these leads", autocompletion=complete.filter_terms)
]
From = Annotated[str | None, typer.Option("--from", metavar="DAY", help="created on or after: 2026-01-01")]
To = Annotated[str | None, typer.Option("--to", metavar="DAY", help="created on or before: today")]


def forecast(pipeline: Pipeline = None, where: Where = None, from_: From = None, to: To = None) -> None:
    """Show what the open leads are likely to bring: value × probability by status; by user and source."""
    from leadtui.domain.figures import Question
    from leadtui.services import forecasts

    with office() as opened, pointed_at(where):
        found = forecasts.forecast(opened, Question(where or "", from_, to, pipeline))
    emit(found.as_json(), lambda: _forecast_text(found))


def times(pipeline: Pipeline = None, where: Where = None, from_: From = None, to: To = None) -> None:
    """Show how long it takes from a lead's creation to its conversion: average and median, by source."""
    from leadtui.domain.figures import Question
    from leadtui.services import conversion_times

    with office() as opened, pointed_at(where):
        found = conversion_times.conversion_times(opened, Question(where or "", from_, to, pipeline))
    emit(found.as_json(), lambda: _times_text(found))


def backtest(
    pipeline: Annotated[
        str | None, typer.Option(metavar="KEY", help="instead of the default", autocompletion=complete.pipelines)
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="DAY", help="came into a status on or after")] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DAY", help="came into a status on or before")] = None,
    age: Annotated[
        int, typer.Option(metavar="DAYS", help="undecided for so long counts as not converted; younger is left out")
    ] = AGE_DAYS,
    min_cases: Annotated[int, typer.Option(metavar="N", help="a share of fewer leads is not taken over")] = MIN_CASES,
    use: Annotated[bool, typer.Option("--use", help="give the statuses the measured probabilities")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="with --use: only show what would change")] = False,
) -> None:
    """Try the probabilities of the statuses on what became of the leads that came into them."""
    from leadtui.services import backtest as tests

    if dry_run and not use:
        raise UsageError("--dry-run goes with --use", field="dry_run")
    with office() as opened:
        if use:
            tests.may_use(opened)
        with progress("measuring") as tell:
            found = tests.measure(
                opened, pipeline, date_from=from_, date_to=to, age_days=age, min_cases=min_cases,
                on_progress=None if tell is None else lambda done, total: tell(done, total, "measuring"),
            )  # fmt: skip
        if use:
            used = tests.use(opened, found, dry_run=dry_run)
            emit(used.as_json(), lambda: _used_text(used))
            return
    emit(found.as_json(), lambda: _backtest_text(found))
    if found.changes:
        note("--use gives the statuses what was measured; undo takes it back")


# -- text --------------------------------------------------------------------------------------------------------------
def _percent(share: float | None, signed: bool = False) -> str:
    if share is None:
        return ""
    return f"{share * 100:+.1f}" if signed else f"{share * 100:.1f} %"


def _forecast_text(found: Forecast) -> str:
    def money(minor: int | None) -> str:
        return format_money(minor, found.currency)

    parts = [
        pairs(
            (
                ("Open leads", f"{found.count:,}"),
                (f"Value ({found.currency})", money(found.value_minor)),
                ("Forecast", money(found.weighted_minor)),
                ("Expected customers", f"{found.customers:,.1f}"),
                ("Expected installation", money(found.installation_minor)),
                ("Expected monthly", money(found.monthly_minor)),
            )
        )
    ]
    for pipeline in dict.fromkeys(one.pipeline for one in found.rows):
        rows = [
            (one.status, f"{one.count:,}", money(one.value_minor), _percent(one.probability),
             money(one.weighted_minor), f"{one.customers:,.1f}")
            for one in found.rows if one.pipeline == pipeline
        ]  # fmt: skip
        heads = (pipeline, "leads", "value", "chance", "forecast", "customers")
        parts.append(table(heads, rows, right=range(1, 6)))
    for noun, lines in (("user", found.users), ("source", found.sources)):
        if lines:
            cells = [
                (one.name, f"{one.count:,}", money(one.value_minor), money(one.weighted_minor), f"{one.customers:,.1f}")
                for one in lines
            ]
            parts.append(table((noun, "leads", "value", "forecast", "customers"), cells, right=range(1, 5)))
    return "\n\n".join(parts)


def _backtest_text(found: BackTest) -> str:
    rows = []
    for one in found.rows:
        interval = one.interval
        rows.append(
            (
                one.stage.name, f"{one.entered:,}", f"{one.cases:,}", f"{one.converted:,}", f"{one.lost:,}",
                f"{one.old:,}", f"{one.young:,}", _percent(one.share),
                "" if interval is None else f"{interval[0] * 100:.0f}–{interval[1] * 100:.0f}",
                _percent(one.stage.probability), _percent(one.difference, signed=True),
                "" if one.median_s is None else span_words(round(one.median_s)), one.why_not,
            )
        )  # fmt: skip
    heads = ("status", "came in", "cases", "converted", "lost", "old", "left out", "measured", "95 %", "in use",
             "differs", "median time", "")  # fmt: skip
    parts = [table(heads, rows, right=range(1, 12))]
    if found.brier_in_use is not None and found.split is not None:
        parts.append(
            f"Judged on {found.judged:,} cases of leads created since {found.split} (measured on those before): "
            f"Brier {found.brier_in_use:.4f} in use, {found.brier_measured:.4f} measured; less is better."
        )
    parts.append(
        f"old: undecided for {found.age_days:,} days or more, counted as not converted; left out: younger ones."
    )
    return "\n\n".join(parts)


def _used_text(used: Used) -> str:
    rows = [(one.status, _percent(one.before), _percent(one.after)) for one in used.changes]
    said = "would change" if used.dry_run else f"changed; batch {used.batch}, undo takes it back"
    return table(("status", "was", "is" if not used.dry_run else "would be"), rows, right=[1, 2]) + f"\n{said}"


def _times_text(found: ConversionTimes) -> str:
    rows = [
        (one.name, f"{one.count:,}", span_words(one.average_s), span_words(one.median_s)) for one in found.by_source
    ]
    head = pairs(
        (
            ("Converted", f"{found.count:,}"),
            ("On average after", span_words(found.average_s)),
            ("Half of them within", span_words(found.median_s)),
        )
    )
    return head + ("\n\n" + table(("source", "converted", "average", "median"), rows, right=[1, 2, 3]) if rows else "")


def register(app: typer.Typer) -> None:
    """Put the verbs on `stats`."""
    app.command("forecast")(forecast)
    app.command("backtest")(backtest)
    app.command("times")(times)
