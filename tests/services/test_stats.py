"""Leads in figures: S1's case, S2's chart, scopes, and both databases beside a slow recount (AK2, AK4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from leadtui.errors import Invalid, NotPermitted
from leadtui.services import admin, leads, lifecycle, stats
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users

BOUNDS = datetime(2024, 12, 31, 20, 30, tzinfo=UTC)  # half an hour before the year begins in Nairobi
OFFSETS = st.integers(0, 800 * 24 * 2).map(lambda halves: BOUNDS + timedelta(minutes=30 * halves))


def put(office: Office, rows: list[dict[str, Any]]) -> None:
    """Leads straight into the table: what a year of work leaves."""
    first = leads.create(office, {"phone": "0722999999", "source": "Website"}).lead.id
    with office.as_system() as tx:
        base = dict(tx.conn.execute(select(t.lead).where(t.lead.c.id == first)).mappings().one())
        tx.conn.execute(t.lead.delete().where(t.lead.c.id == first))
        own = {"phone_e164": None, "phone_key": None}
        made = [{**base, **own, "id": 1000 + n, "number": f"X-{n}", **row} for n, row in enumerate(rows)]
        if made:
            tx.conn.execute(t.lead.insert(), made)


def stage_ids(office: Office) -> dict[str, int]:
    """The stages of the office by name."""
    return {stage.name: stage.id for stage in office.catalog.stages}


def test_s1s_five_hundred_leads(office: Office) -> None:
    stage = stage_ids(office)
    at = datetime(2026, 1, 10, tzinfo=UTC)
    won = {"stage_id": stage["Converted"], "created_at": at, "converted_at": at + timedelta(days=2, hours=12)}
    lost = {"stage_id": stage["Not Interested"], "created_at": at}
    put(office, [won] * 120 + [lost] * 50 + [{"stage_id": stage["New"], "created_at": at}] * 330)
    found = stats.conversion(office).as_json()
    assert {key: found[key] for key in list(found)[:7]} == {
        "total_leads": 500, "converted_count": 120, "lost_count": 50, "active_count": 330,
        "conversion_rate": 24.0, "lost_rate": 10.0, "average_conversion_time_days": 2.5,
    }  # fmt: skip
    assert found["by_source"] == [{"source_name": "Website", "total": 500, "converted": 120, "rate": 24.0}]
    assert found["by_user"] == [
        {"user_name": "Unassigned", "login": None, "total": 500, "converted": 120, "rate": 24.0}
    ]


@ONE_ENGINE
def test_months_are_those_of_the_office(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    stage = stage_ids(office)
    october_there = datetime(2026, 10, 31, 20, 59, tzinfo=UTC)
    rows = [
        {"created_at": october_there},
        {"created_at": october_there + timedelta(minutes=1)},
        {"created_at": october_there, "converted_at": october_there + timedelta(minutes=1),
         "stage_id": stage["Converted"]},
        {"created_at": october_there, "deleted_at": october_there},
        {"created_at": datetime(2024, 5, 5, tzinfo=UTC)},
    ]  # fmt: skip
    put(office, rows)
    found = stats.overview(office)
    chart = {one.month: (one.created, one.converted) for one in found.by_month}
    assert list(chart) == [f"2026-{month:02d}" for month in range(1, 13)]
    assert {month: counts for month, counts in chart.items() if counts != (0, 0)} == {
        "2026-10": (2, 0), "2026-11": (1, 1),
    }  # fmt: skip
    assert (found.total_leads, found.new_this_month, found.total_converted) == (4, 1, 1)
    assert found.years == (2024, 2025, 2026)  # the year between the first and the last, too
    assert list(found.as_json()) == [
        "total_leads", "new_this_month", "total_converted", "by_status", "by_month", "year",
    ]  # fmt: skip
    assert stats.overview(office, year=2025).by_month[0].created == 0


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            OFFSETS, st.none() | st.integers(0, 2_000), st.integers(0, 6), st.sampled_from([None, "jane", "boss"]),
            st.sampled_from(["Website", "Referral"]), st.booleans(),
        ),
        max_size=40,
    ),
    st.integers(2024, 2027),
)  # fmt: skip
def test_both_databases_equal_a_slow_recount(office: Office, drawn: list[tuple[Any, ...]], year: int) -> None:
    with office.as_system() as tx:
        tx.conn.execute(t.activity.delete())
        tx.conn.execute(t.stage_change.delete())
        tx.conn.execute(t.lead.delete())
    if not any(user["login"] == "jane" for user in admin.users(office)):
        add_users(office, "jane:agent")
    catalog = office.catalog
    stages = catalog.stages_of(catalog.default_pipeline.id)
    users = {user.login: user.id for user in catalog.users}
    rows = [
        {
            "created_at": at,
            "converted_at": at + timedelta(hours=after) if after is not None and stages[stage].is_converted else None,
            "stage_id": stages[stage].id, "assigned_to_id": users[who] if who else None,
            "source_id": catalog.find_source(source).id, "deleted_at": at if is_deleted else None,
        }
        for at, after, stage, who, source, is_deleted in drawn
    ]  # fmt: skip
    put(office, rows)
    live = [row for row in rows if row["deleted_at"] is None]
    names = {stage.id: stage for stage in stages}
    won = [row for row in live if names[row["stage_id"]].is_converted]

    found = stats.overview(office, year=year).as_json()
    assert found["total_leads"] == len(live)
    assert {one["status"]: one["count"] for one in found["by_status"] if one["count"]} == Counter(
        names[row["stage_id"]].name for row in live
    )

    def by_month(key: str, some: list[dict[str, Any]]) -> Counter[str]:
        return Counter(row[key].astimezone(office.tz).strftime("%Y-%m") for row in some if row[key] is not None)

    created, converted = by_month("created_at", live), by_month("converted_at", won)
    assert [(one["month"], one["created"], one["converted"]) for one in found["by_month"]] == [
        (month, created[month], converted[month]) for month in (f"{year}-{number:02d}" for number in range(1, 13))
    ]

    rates = stats.conversion(office, date_from=f"{year}-01-01", date_to=f"{year}-12-31", source="Website").as_json()
    source = catalog.find_source("Website").id
    some = [row for row in live if row["source_id"] == source and row["created_at"].astimezone(office.tz).year == year]
    some_won = [row for row in some if names[row["stage_id"]].is_converted]
    assert rates["total_leads"] == len(some)
    assert rates["converted_count"] == len(some_won)
    assert rates["lost_count"] == sum(names[row["stage_id"]].is_lost for row in some)
    assert rates["active_count"] + rates["lost_count"] + rates["converted_count"] == len(some)
    days = [
        (row["converted_at"] - row["created_at"]).total_seconds() / 86_400
        for row in some_won if row["converted_at"] is not None
    ]  # fmt: skip
    assert rates["average_conversion_time_days"] == (round(sum(days) / len(days), 1) if days else None)
    assert {one["login"]: one["total"] for one in rates["by_user"]} == Counter(
        {users[who]: who for who in ("jane", "boss")}.get(row["assigned_to_id"]) for row in some
    )
    assert sum(one["converted"] for one in rates["by_source"]) == len(some_won)


@ONE_ENGINE
def test_the_scope_is_that_of_the_action(office: Office) -> None:
    add_users(office, "jane:agent", "tom:technician")
    add(office, "0722000111", assigned_to="jane")
    gone = add(office, "0722000222")
    lifecycle.delete(office, gone)
    add(office, "0722000333")
    assert stats.overview(office).total_leads == 2
    with acting_as(office, "jane") as jane:
        assert stats.overview(jane).total_leads == 1
        assert [one.login for one in stats.conversion(jane).by_user] == ["jane"]
    with acting_as(office, "tom") as tom, pytest.raises(NotPermitted):
        stats.overview(tom)


@ONE_ENGINE
def test_filters_and_what_means_nothing(office: Office) -> None:
    add_users(office, "jane:agent")
    add(office, "0722000111", assigned_to="jane", source="Referral")
    add(office, "0722000222")
    assert stats.conversion(office, assigned_to="jane").total_leads == 1
    assert stats.conversion(office, assigned_to="none").total_leads == 1
    assert stats.conversion(office, assigned_to="me").total_leads == 0
    assert stats.conversion(office, source="referral").total_leads == 1
    assert stats.conversion(office, date_to="yesterday").total_leads == 0
    assert stats.conversion(office, date_from="today", date_to="today").total_leads == 2
    for options, field in (
        ({"source": "Moon"}, "source"), ({"assigned_to": "nobody"}, "assigned_to"), ({"date_from": "never"}, "from"),
        ({"date_from": "tomorrow", "date_to": "yesterday"}, "to"), ({"date_from": "2027", "date_to": "2026"}, "to"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            stats.conversion(office, **options)
        assert refused.value.field == field


@ONE_ENGINE
def test_a_source_that_was_renamed_and_a_status_of_two_pipelines(make_office: Callable[..., Office]) -> None:
    office = make_office("isp")
    admin.add_preset(office, "insurance")
    add(office, "0722000111")
    leads.create(office, {"phone": "0722000222", "name": "B", "source": "Website", "pipeline": "insurance"})
    with office.as_system() as tx:
        contacted = [stage.id for stage in tx.catalog.find_stages("Contacted")]
        for lead_id, stage_id in zip((1, 2), contacted, strict=True):
            tx.conn.execute(update(t.lead).where(t.lead.c.id == lead_id).values(stage_id=stage_id))
    counts = {one.status: one.count for one in stats.overview(office).by_status}
    assert counts["Contacted"] == 2
    assert {"New", "New Lead", "Lost"} <= set(counts)
