"""`stats report`, `stats campaigns`, `stats figures`: reports, and all figures with the filters behind them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from leadtui.cli.context import office
from leadtui.cli.lead_find import pointed_at
from leadtui.cli.output import emit, pairs, table
from leadtui.cli.stats_forecast import From, Pipeline, To, Where

if TYPE_CHECKING:
    from leadtui.domain.figures import CampaignLine, Figure, Figures
    from leadtui.domain.figures import Share as FigureShare
    from leadtui.services.stats import Report, Share

Year = Annotated[
    int | None, typer.Option("--year", metavar="YEAR", min=1900, max=2200, help="of the months; else this one")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the noun."""
    app.command("report")(report)
    app.command("campaigns")(campaigns)
    app.command("figures")(figures)


def report(from_: From = None, to: To = None, pipeline: Pipeline = None) -> None:
    """Report the leads created in a time: how many, how good, what became of them, and what they pay."""
    from leadtui.services import stats

    with office() as opened:
        found = stats.report(opened, date_from=from_, date_to=to, pipeline=pipeline)
    emit(found.as_json(), lambda: _report_text(found))


def campaigns() -> None:
    """Show how the messages of every campaign stand."""
    from leadtui.services import stats

    with office() as opened:
        found = stats.campaigns(opened)
    emit({"total": len(found), "campaigns": [asdict(one) for one in found]}, lambda: _campaigns_text(found))


def figures(
    year: Year = None, where: Where = None, from_: From = None, to: To = None, pipeline: Pipeline = None
) -> None:
    """Show all figures of the statistics screen, each with the filter that finds its leads."""
    from leadtui.services import figures as asked

    with office() as opened, pointed_at(where):
        found = asked.ask(opened, asked.Question(where or "", from_, to, pipeline, year))
    emit(found.as_json(), lambda: _figures_text(found))


def shares_text(noun: str, shares: tuple[Share, ...]) -> str:
    """What became of leads, by source or by user."""
    rows = [(one.name, f"{one.total:,}", f"{one.converted:,}", f"{one.rate} %") for one in shares]
    return table((noun, "leads", "converted", "rate"), rows, right=[1, 2, 3])


def _report_text(found: Report) -> str:
    document = found.as_json()
    days, score, paid = found.time_to_conversion_days, found.average_lead_score, document["revenue_generated"]
    head = pairs(
        (
            ("Leads", f"{found.total_leads:,}"),
            ("Qualified", f"{found.qualified_leads:,}"),
            ("Converted", f"{found.converted_leads:,}  ({document['conversion_rate']} %)"),
            ("Average score", "" if score is None else f"{score}"),
            ("On average after", "" if days is None else f"{days:,} days"),
            ("Installation fees", "" if paid["installation"] is None else f"{found.currency} {paid['installation']}"),
            ("Monthly fees", "" if paid["monthly"] is None else f"{found.currency} {paid['monthly']}"),
        )
    )
    parts = [head]
    if found.leads_by_source:
        parts.append(shares_text("source", found.leads_by_source))
    if found.leads_by_stage:
        rows = [(one.status, f"{one.count:,}") for one in found.leads_by_stage]
        parts.append(table(("status", "leads"), rows, right=[1]))
    return "\n\n".join(parts)


def _campaigns_text(found: tuple[CampaignLine, ...]) -> str:
    if not found:
        return "No campaigns yet."
    head = ("id", "campaign", "status", "leads", "sent", "delivered", "read", "failed", "pending", "success")
    rows = [
        (str(one.id), one.name, one.status, f"{one.total:,}", f"{one.sent:,}",
         f"{one.delivered:,} ({one.delivery_rate} %)", f"{one.read:,} ({one.read_rate} %)", f"{one.failed:,}",
         f"{one.pending:,}", f"{one.success_rate} %")
        for one in found
    ]  # fmt: skip
    return table(head, rows, right=[0, 3, 4, 5, 6, 7, 8, 9])


def _figures_text(found: Figures) -> str:
    def rows(some: tuple[Figure, ...]) -> list[tuple[str, str, str]]:
        return [(one.label, _value(one, found.currency), one.filter) for one in some]

    named = (
        ("figure", found.cards), ("reached", tuple(one.figure for one in found.funnel)), ("status", found.statuses),
        ("lost for", found.reasons), ("in its status", (*found.ageing, found.rotting)),
    )  # fmt: skip
    parts = [table((head, "", "filter"), rows(some), right=[1]) for head, some in named if some]
    if found.months:
        months = [
            (one.month, *(_value(each, "") for each in (one.created, one.converted, one.activated)))
            for one in found.months
        ]
        parts.append(table(("month", "created", "converted", "activated"), months, right=[1, 2, 3]))
    parts += [_shares(noun, some) for noun, some in (("source", found.sources), ("agent", found.agents)) if some]
    return "\n\n".join(parts)


def _shares(noun: str, shares: tuple[FigureShare, ...]) -> str:
    head = (noun, "leads", "converted", "rate", "open", "lost", "filter")
    rows = [
        (one.name, _value(one.total, ""), _value(one.converted, ""), f"{one.rate} %", _value(one.open, ""),
         _value(one.lost, ""), one.total.filter)
        for one in shares
    ]  # fmt: skip
    return table(head, rows, right=[1, 2, 3, 4, 5])


def _value(one: Figure, currency: str) -> str:
    if one.value is None:
        return ""
    if one.unit == "minor":
        from leadtui.domain.money import format_money

        return format_money(int(one.value), currency)
    return f"{one.value:,}" + {"percent": " %", "days": " days"}.get(one.unit, "")
