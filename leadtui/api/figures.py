"""Figures, the office's lists, campaigns, and whether the server is well (spec AE 212)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from leadtui import __version__
from leadtui.domain.figures import Question
from leadtui.services import admin, forecasts, stats, workers

from . import problems, shapes
from .answers import Answer
from .names import source_named, user_named
from .requests import Acting, House, Route

router = APIRouter(tags=["figures and lists"], route_class=Route, responses=problems.responses())

Day = Annotated[str | None, Query(max_length=40)]


@router.get("/api/leads/statistics", response_model=shapes.Statistics, summary="Leads in figures")
@router.get("/api/stats", response_model=shapes.Statistics, summary="Leads in figures")
def statistics(office: Acting, year: Annotated[int | None, Query(ge=1900, le=2200)] = None) -> Answer:
    """How many leads there are, by status, and month by month."""
    return Answer(stats.overview(office, year=year).as_json())


@router.get("/api/leads/conversion-stats", response_model=shapes.ConversionStats, summary="What became of leads")
def conversion_stats(
    office: Acting,
    date_from: Day = None,
    date_to: Day = None,
    source: Annotated[str | None, Query(max_length=200)] = None,
    source_id: Annotated[str | None, Query(max_length=200, description="an id or a name")] = None,
    assigned_to: Annotated[str | None, Query(max_length=200, description="a login or an id; me; none")] = None,
) -> Answer:
    """Of the leads created in a time: how many were converted or lost, by source and by user; rates in percent."""
    from_where = source or source_id
    whose = (
        assigned_to if (assigned_to or "").strip().casefold() in {"", "none"} else user_named(office, assigned_to or "")
    )
    found = stats.conversion(
        office, date_from=date_from, date_to=date_to, assigned_to=whose or None,
        source=source_named(office, from_where) if from_where else None,
    )  # fmt: skip
    return Answer(found.as_json())


@router.get("/api/leads/report", response_model=shapes.LeadReport, summary="Report of a time")
def report(
    office: Acting,
    date_from: Day = None,
    date_to: Day = None,
    pipeline: Annotated[str | None, Query(max_length=200)] = None,
) -> Answer:
    """Of the leads created in a time: how many, how good, where from, what became of them, what they pay."""
    return Answer(stats.report(office, date_from=date_from, date_to=date_to, pipeline=pipeline).as_json())


@router.get("/api/stats/campaigns", response_model=shapes.CampaignsInFigures, summary="Campaigns in figures")
def campaigns_in_figures(office: Acting) -> Answer:
    """How the messages of every campaign stand."""
    found = [asdict(one) for one in stats.campaigns(office)]
    return Answer({"total": len(found), "campaigns": found})


@router.get("/api/stats/forecast", summary="What open leads are likely to bring")
def forecast(
    office: Acting,
    where: Annotated[str | None, Query(max_length=2000, description="a filter")] = None,
    date_from: Day = None,
    date_to: Day = None,
    pipeline: Annotated[str | None, Query(max_length=200)] = None,
) -> Answer:
    """By status, user and source: count, value, and value times the probability of the status."""
    question = Question(where or "", date_from, date_to, pipeline)
    return Answer(forecasts.forecast(office, question).as_json())


# -- what ids mean ----------------------------------------------------------------------------------------------------
_LISTS = {
    "statuses": "status", "sources": "source", "packages": "package", "tags": "tag", "branches": "branch",
    "pipelines": "pipeline",
}  # fmt: skip


@router.get("/api/lists/{noun}", summary="Statuses, sources, packages, users … with their ids")
def items(
    office: Acting, noun: Annotated[str, InPath(pattern="^(statuses|sources|packages|tags|branches|pipelines|users)$")]
) -> Answer:
    """The records that leads refer to."""
    found = admin.users(office) if noun == "users" else admin.items(office, _LISTS[noun], include_retired=False)
    return Answer({"total": len(found), noun: found})


# -- campaigns --------------------------------------------------------------------------------------------------------
CampaignId = Annotated[int, InPath(alias="id", ge=1, le=2**31 - 1)]


@router.get("/api/campaigns", summary="List campaigns")
def list_campaigns(
    office: Acting,
    status: Annotated[str | None, Query(pattern="^(draft|scheduled|active|paused|completed|cancelled)$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> Answer:
    """The campaigns with their counters and rates, newest first."""
    from leadtui.services import campaigns

    total, found = campaigns.list_all(office, status=status, limit=limit, offset=(page - 1) * limit)
    return Answer({"total": total, "campaigns": [one.as_json() for one in found]})


@router.get("/api/campaigns/{id}", summary="A campaign with its counters and rates")
def campaign(office: Acting, id_: CampaignId) -> Answer:
    """One campaign."""
    from leadtui.services import campaigns

    return Answer(campaigns.get(office, id_).as_json())


@router.get("/api/campaigns/{id}/recipients", summary="Who got it, and what became of each")
def recipients(
    office: Acting,
    id_: CampaignId,
    status: Annotated[str | None, Query(max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> Answer:
    """The recipients of a campaign."""
    from leadtui.services import campaigns

    total, found = campaigns.recipients(office, id_, state=status, limit=limit, offset=(page - 1) * limit)
    return Answer({"total": total, "recipients": [one.as_json() for one in found]})


# -- well or not ------------------------------------------------------------------------------------------------------
@router.get("/api/health", response_model=shapes.Health, summary="Whether the server and its database answer")
def health(office: House) -> Answer:
    """For monitors: needs no token and tells nothing of the office."""
    return Answer({"status": "ok", "version": __version__, "worker": workers.is_anybody_there(office)})
