"""Probabilities tried on the office's past: what is counted, and what taking them over does and undoes."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from leadtui.domain.backtests import BackTest
from leadtui.errors import Invalid, NotPermitted, Refused, UsageError
from leadtui.services import admin, backtest, events, history, lifecycle
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import ONE_ENGINE, acting_as, add_users, everything

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OPEN = ("New", "Contacted", "Interested", "Site Survey Scheduled", "Future Prospect")
ENDS = ("Converted", "Not Interested")

Way = list[tuple[str, float]]
"""Statuses with how many days ago the lead came into each, oldest first."""


def plant(office: Office, ways: list[Way], **more: Any) -> None:
    """Leads with these histories, written as they are."""
    stages = {one.name: one for one in office.catalog.stages_of(office.catalog.default_pipeline.id)}
    leads, changes = [], []
    with office.write() as tx:
        for number, way in enumerate(ways, 1):
            name, since = way[-1]
            last, at = stages[name], NOW - since * DAY
            leads.append({
                "id": number, "number": f"LD-{number}", "pipeline_id": last.pipeline_id, "stage_id": last.id,
                "stage_changed_at": at, "probability": last.probability, "search_text": "", "has_router": False,
                "next_follow_up_all_day": True, "is_protected": False, "version": 1, "created_by_id": 2,
                "updated_by_id": 2, "created_at": NOW - way[0][1] * DAY, "updated_at": at,
                "converted_at": at if last.is_converted else None, "deleted_at": None, "assigned_to_id": None,
            } | more)  # fmt: skip
            before = None
            for status, ago in way:
                changes.append({
                    "lead_id": number, "from_stage_id": before, "to_stage_id": stages[status].id, "by_id": 2,
                    "at": NOW - ago * DAY,
                })  # fmt: skip
                before = stages[status].id
        tx.conn.execute(insert(t.lead), leads)
        tx.conn.execute(insert(t.stage_change), changes)


def some_ways(count: int, seed: int) -> list[Way]:
    """Leads that go on, back, jump, are lost, reopened, converted and reopened, in any order."""
    dice = random.Random(seed)
    ways: list[Way] = []
    for _ in range(count):
        ago, way = dice.uniform(1, 300), [("New" if dice.random() < 0.9 else "Interested", 0.0)]
        way[0] = (way[0][0], ago)
        while dice.random() < 0.8 and ago > 0.01:
            ago = dice.uniform(0, ago)
            status = dice.choice([one for one in (*OPEN, *ENDS, "Converted") if one != way[-1][0]])
            way.append((status, ago))
        ways.append(way)
    return ways


def slowly(ways: list[Way], status: str, age: int, since: float = 1e9, until: float = -1) -> tuple[int, int, int, int]:
    """Converted, lost, old and young ones, counted by hand."""
    found = [0, 0, 0, 0]
    for way in ways:
        came = [ago for name, ago in way if name == status]
        if not came or not since >= came[0] > until:
            continue
        end = way[-1][0]
        found[0 if end == "Converted" else 1 if end == "Not Interested" else 2 if came[0] >= age else 3] += 1
    return (found[0], found[1], found[2], found[3])


def _first(way: Way, status: str) -> float | None:
    return next((ago for name, ago in way if name == status), None)


def counted(found: BackTest) -> dict[str, tuple[int, int, int, int]]:
    return {one.stage.name: (one.converted, one.lost, one.old, one.young) for one in found.rows}


@pytest.fixture
def at_noon(frozen_clock: Callable[[datetime], None]) -> Callable[[datetime], None]:
    return frozen_clock


@pytest.mark.usefixtures("at_noon")
def test_what_is_measured_is_what_a_slow_recount_finds(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = some_ways(150, seed=1)
    plant(office, ways)
    monkeypatch.setattr(backtest, "CHUNK", 40)
    told: list[tuple[int, int]] = []
    found = backtest.measure(office, on_progress=lambda done, all_: told.append((done, all_)))
    assert counted(found) == {name: slowly(ways, name, 90) for name in (*OPEN, *ENDS)}
    assert told[-1] == (150, 150) and len(told) == 4
    for one in found.rows:
        lasted = sorted(
            round((came - way[-1][1]) * 86_400)
            for way in ways
            if way[-1][0] == "Converted" and (came := _first(way, one.stage.name)) is not None
        )
        half = len(lasted) // 2
        slow = None if not lasted else lasted[half] if len(lasted) % 2 else (lasted[half - 1] + lasted[half]) / 2
        assert one.median_s is None if slow is None else abs((one.median_s or 0) - slow) <= 2
        ids = backtest.came_in(office, found, one.stage.id, limit=1_000)
        came = sorted((ago, n) for n, way in enumerate(ways, 1) for ago in [_first(way, one.stage.name)] if ago)
        assert list(ids) == [n for _, n in came] and len(ids) == one.entered
    # another age, and only what came in from the 60th to the 30th day ago
    day = (NOW - 60 * DAY).date().isoformat(), (NOW - 30 * DAY).date().isoformat()
    found = backtest.measure(office, age_days=45, date_from=day[0], date_to=day[1])
    # the office's day begins at 21:00 UTC of the day before, 12 hours before now
    assert counted(found) == {name: slowly(ways, name, 45, 60.5, 29.5) for name in (*OPEN, *ENDS)}


@pytest.mark.usefixtures("at_noon")
@ONE_ENGINE
def test_planted_probabilities_are_found(office: Office) -> None:
    ways: list[Way] = []
    for number in range(200):  # of those in Interested 30 in 100 convert; the survey is where 9 in 10 do
        won = number % 10 < 3
        surveyed = won or number % 30 == 29
        way = [("New", 250.0 - number), ("Interested", 249.5 - number)]
        way += [("Site Survey Scheduled", 249.0 - number)] * surveyed
        ways.append([*way, ("Converted" if won else "Not Interested", 248.0 - number)])
    plant(office, ways)
    found = {one.stage.name: one for one in backtest.measure(office).rows}
    assert found["Interested"].new == 0.3 and found["Site Survey Scheduled"].share == pytest.approx(60 / 66)
    assert found["Contacted"].entered == 0  # all of them jumped over it
    whole = backtest.measure(office)
    assert whole.brier_measured is not None and whole.brier_in_use is not None
    assert whole.brier_measured < whole.brier_in_use
    assert found["Interested"].median_s == 1.5 * 86_400


@pytest.mark.usefixtures("at_noon")
def test_the_measured_ones_are_taken_over_and_given_back(office: Office) -> None:
    ways: list[Way] = [[("New", 200.0), ("Converted" if n % 4 else "Not Interested", 100.0)] for n in range(40)]
    plant(office, [*ways, [("New", 5.0)], [("New", 4.0)], [("Contacted", 4.0)]])
    found = backtest.measure(office)
    before = everything(office)
    planned = backtest.use(office, found, dry_run=True)
    assert everything(office) == before
    assert [(one.status, one.before, one.after) for one in planned.changes] == [("New", 0.05, 0.75)]
    used = backtest.use(office, found)
    assert used.batch is not None and used.changes == planned.changes
    assert stage(office, "New") == 0.75 and stage(office, "Contacted") == 0.15
    assert stage(office, "Converted") == 1.0
    assert events.handle_open(office) == 1
    assert probabilities(office) == {"LD-41": 0.75, "LD-42": 0.75, "LD-43": 0.15}
    total, entries = history.audit(office, entity="status")
    assert total == 1 and entries[0].batch == used.batch
    with pytest.raises(Refused, match="changed since it was measured"):
        backtest.use(office, found)
    with pytest.raises(Refused, match="nothing to take over"):
        backtest.use(office, backtest.measure(office))
    undone = history.undo(office)
    assert (undone.batch, undone.restored, undone.refused) == (used.batch, 1, ())
    assert stage(office, "New") == 0.05
    events.handle_open(office)
    assert probabilities(office)["LD-41"] == 0.05


@pytest.mark.usefixtures("at_noon")
@ONE_ENGINE
def test_an_edit_of_the_status_since_is_not_undone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(office, [[("New", 200.0), ("Converted", 100.0)]] * 25 + [[("New", 5.0)]] * 3)
    backtest.use(office, backtest.measure(office))
    admin.edit(office, "status", "New", {"probability": "0.6"})
    from leadtui.services import probabilities as following

    monkeypatch.setattr(following, "CHUNK", 10)  # leads follow range by range, whoever was first
    assert sum(iter(lambda: events.handle_open(office), 0)) == 6
    assert set(probabilities(office).values()) == {0.6}
    lifecycle.lose(office, 26, "no")
    admin.edit(office, "status", "New", {"probability": "0.5"})
    while events.handle_open(office):
        pass
    history.undo(office)
    assert set(probabilities(office).values()) == {0.5}  # the lead that was lost meanwhile too
    undone = history.undo(office)
    assert undone.restored == 0 and "changed since: edit by boss" in undone.refused[0].error
    assert stage(office, "New") == 0.5


@pytest.mark.usefixtures("at_noon")
@ONE_ENGINE
def test_who_may_measure_and_who_may_take_over(office: Office) -> None:
    add_users(office, "sue:director", "amy:agent", "tech:technician")
    plant(office, [[("New", 200.0), ("Converted", 100.0)]] * 25)
    found = backtest.measure(office)
    with acting_as(office, "amy") as amy:
        assert sum(one.entered for one in backtest.measure(amy).rows) == 0  # only what is assigned to her
        with pytest.raises(NotPermitted):
            backtest.use(amy, found)
    with acting_as(office, "sue") as sue, pytest.raises(NotPermitted):
        backtest.use(sue, found)
    admin.set_role(office, "technician", "stats", "none")
    with acting_as(office, "tech") as tech, pytest.raises(NotPermitted):
        backtest.measure(tech)
    admin.set_role(office, "director", "config", "all")
    admin.set_role(office, "director", "stats", "branch")
    with acting_as(office, "sue") as sue, pytest.raises(NotPermitted, match="the leads of the whole office"):
        backtest.use(sue, found)


@pytest.mark.usefixtures("at_noon")
@ONE_ENGINE
def test_what_cannot_be_asked(office: Office) -> None:
    with pytest.raises(Invalid):
        backtest.measure(office, age_days=0)
    with pytest.raises(Invalid):
        backtest.measure(office, min_cases=0)
    with pytest.raises(Invalid):
        backtest.measure(office, date_from="2026-11-02", date_to="2026-11-01")
    assert [one.entered for one in backtest.measure(office).rows] == [0] * 7
    plant(office, [[("New", 3.0)]])
    with pytest.raises(UsageError, match="stopped"):
        backtest.measure(office, should_stop=lambda: True)
    plant_deleted(office)
    assert sum(one.entered for one in backtest.measure(office).rows) == 0


def plant_deleted(office: Office) -> None:
    with office.write() as tx:
        tx.conn.execute(t.lead.update().values(deleted_at=NOW))


def stage(office: Office, name: str) -> float:
    return next(one["probability"] for one in admin.items(office, "status") if one["name"] == name)


def probabilities(office: Office) -> dict[str, float]:
    """What each open lead carries."""
    with office.read() as tx:
        closed = [one.id for one in tx.catalog.stages if one.is_converted or one.is_lost]
        query = select(t.lead.c.number, t.lead.c.probability).where(t.lead.c.stage_id.not_in(closed))
        return {row.number: row.probability for row in tx.conn.execute(query)}
