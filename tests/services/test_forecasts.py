"""What open leads are likely to bring, and how long conversions took: every row opens its leads, sums agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import pytest
from sqlalchemy import insert, select

from leadtui.domain.figures import Question
from leadtui.domain.values import value_minor, weighted_minor
from leadtui.errors import FilterError, NotPermitted
from leadtui.services import admin, figures, leads
from leadtui.services.conversion_times import conversion_times
from leadtui.services.forecasts import forecast
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import acting_as, add_users
from .test_backtest import NOW


def plant(office: Office, count: int, seed: int) -> None:
    """Leads of two pipelines in any status, with any fees, users and sources."""
    dice = random.Random(seed)
    catalog = office.catalog
    users = [None, *(one.id for one in catalog.users if one.login != "system")]
    rows = []
    for n in range(1, count + 1):
        stage = dice.choice(catalog.stages)
        created = NOW - timedelta(days=dice.uniform(0, 400))
        converted = created + timedelta(days=dice.uniform(0, 60)) if stage.is_converted else None
        rows.append({
            "number": f"LD-{n}", "pipeline_id": stage.pipeline_id, "stage_id": stage.id, "stage_changed_at": created,
            "search_text": "", "has_router": False, "next_follow_up_all_day": True, "is_protected": False, "version": 1,
            "created_by_id": 2, "updated_by_id": 2, "created_at": created, "updated_at": created,
            "source_id": dice.choice([None, *(one.id for one in catalog.sources)]),
            "assigned_to_id": dice.choice(users), "converted_at": converted,
            "installation_fee_minor": dice.choice([None, 250_000, 123_457]),
            "monthly_fee_minor": dice.choice([None, 199_900, 33_333]), "budget_minor": dice.choice([None, 1_000_001]),
            "deleted_at": NOW if dice.random() < 0.1 else None,
        })  # fmt: skip
    with office.write() as tx:
        tx.conn.execute(insert(t.lead), rows)


def slowly(office: Office, asked: Callable[[Any], bool]) -> dict[int, tuple[int, int, int, int]]:
    """By status: how many, value, installation, monthly."""
    with office.read() as tx:
        rows = tx.conn.execute(select(t.lead).where(t.lead.c.deleted_at.is_(None))).all()
    found: dict[int, tuple[int, int, int, int]] = {}
    for r in rows:
        if asked(r):
            n, value, once, monthly = found.get(r.stage_id, (0, 0, 0, 0))
            worth = value_minor(r.installation_fee_minor, r.monthly_fee_minor, r.budget_minor) or 0
            found[r.stage_id] = (
                n + 1, value + worth, once + (r.installation_fee_minor or 0), monthly + (r.monthly_fee_minor or 0)
            )  # fmt: skip
    return found


def test_the_forecast_is_what_a_slow_recount_finds(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:  # fmt: skip
    add_users(office, "amy:agent", "ben:agent", "tech:technician")
    admin.add_preset(office, "insurance")
    plant(office, 250, seed=3)
    catalog = office.catalog
    amy = catalog.find_user("amy").id
    web = catalog.find_source("Website").id
    asked: list[tuple[Question, Callable[[Any], bool]]] = [
        (Question(), lambda r: True),
        (Question("source:Website or assigned:amy"), lambda r: r.source_id == web or r.assigned_to_id == amy),
        (Question("monthly_fee:>1000", pipeline="insurance"), lambda r: (r.monthly_fee_minor or 0) > 100_000),
    ]
    for question, counts in asked:
        found, slow = forecast(office, question), slowly(office, counts)
        rows = [one for one in catalog.stages if not (one.is_converted or one.is_lost) and slow.get(one.id)]
        rows = [
            one for one in rows if not question.pipeline or catalog.pipeline_by_id[one.pipeline_id].key == "insurance"
        ]
        expected = {
            (catalog.pipeline_by_id[one.pipeline_id].key, one.name): (
                slow[one.id][0], slow[one.id][1], *(weighted_minor(v, one.probability) for v in slow[one.id][1:])
            )
            for one in rows
        }  # fmt: skip
        assert {
            (r.pipeline, r.status): (
                r.count, r.value_minor, r.weighted_minor, r.installation_minor, r.monthly_minor
            )
            for r in found.rows
        } == expected  # fmt: skip
        for one in (*found.rows, *found.users, *found.sources):
            assert leads.count(office, one.filter) == one.count, one.filter
        assert leads.count(office, found.filter) == found.count == sum(one.count for one in found.users)
        assert sum(one.count for one in found.sources) == found.count
        cards = figures.ask(office, question)
        assert (cards.card("value").value, cards.card("forecast").value) == (found.value_minor, found.weighted_minor)
    assert found.as_json()["currency"] == "KES"
    with acting_as(office, "amy") as agent:
        own = forecast(agent)
        assert own.count == leads.count(agent, "is:active") and [one.login for one in own.users] == ["amy"]
    with pytest.raises(FilterError):
        forecast(office, Question("nonsense:1"))
    times(office)
    admin.set_role(office, "agent", "stats", "none")
    with acting_as(office, "amy") as agent:
        for refused in (forecast, conversion_times):
            with pytest.raises(NotPermitted):
                refused(agent)


def times(office: Office) -> None:
    """Average and middle, whole and by source, on the same leads."""
    with office.read() as tx:
        won = [one.id for one in tx.catalog.stages if one.is_converted]
        rows = tx.conn.execute(select(t.lead).where(t.lead.c.deleted_at.is_(None), t.lead.c.stage_id.in_(won))).all()
        names = {one.id: one.name for one in tx.catalog.sources}
    by_source: dict[str, list[int]] = {}
    for r in rows:
        lasted = int(r.converted_at.timestamp()) - int(r.created_at.timestamp())
        by_source.setdefault(names.get(r.source_id, "No source"), []).append(lasted)
    found = conversion_times(office)
    assert {one.name: (one.count, one.average_s, one.median_s) for one in found.by_source} == {
        name: (len(all_), sum(all_) // len(all_), int(median(all_))) for name, all_ in by_source.items()
    }
    every = [one for all_ in by_source.values() for one in all_]
    assert (found.count, found.average_s, found.median_s) == (
        len(every), sum(every) // len(every), int(median(every)),
    )  # fmt: skip
    assert leads.count(office, found.filter) == found.count
    assert all(leads.count(office, one.filter) == one.count for one in found.by_source)
    assert conversion_times(office, Question("city:Nowhere")).as_json()["average_s"] is None
