"""The tally says what counting the leads would say: after any act, summed up or not, on both databases."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from leadtui.domain.dates import local_day
from leadtui.services import admin
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store import tallies
from leadtui.store.unit_of_work import ReadTx, WriteTx

KEYS = ("month", "first_id", "second_id", "source_id", "assigned_to_id", "branch_id")


def counted(tx: ReadTx, kind: str) -> dict[tuple[int, ...], tuple[int, ...]]:
    """What the tally says."""
    return {
        one.key: (one.n, one.installation_minor, one.monthly_minor, one.value_minor, one.seconds)
        for one in tallies.cells(tx, kind, KEYS)
    }


def recounted(tx: ReadTx, kind: str) -> dict[tuple[int, ...], tuple[int, ...]]:
    """What reading every lead says."""
    order = {s.id: s.order for s in tx.catalog.stages if s.is_step}
    reached: dict[int, int] = {}
    for row in tx.conn.execute(select(t.stage_change)):
        if row.to_stage_id in order and order[row.to_stage_id] > order.get(reached.get(row.lead_id, 0), -1):
            reached[row.lead_id] = row.to_stage_id
    routers: dict[int, datetime] = {}
    for row in tx.conn.execute(select(t.router_user).where(t.router_user.c.lead_id.is_not(None))):
        routers[row.lead_id] = min(row.created_at, routers.get(row.lead_id, row.created_at))
    sums: dict[tuple[int, ...], list[int]] = {}
    for lead in tx.conn.execute(select(t.lead).where(t.lead.c.deleted_at.is_(None))):
        at, first, second = {
            "c": (lead.created_at, lead.stage_id, reached.get(lead.id, 0)),
            "l": (lead.created_at if lead.lost_reason_id else None, lead.lost_reason_id, lead.stage_id),
            "w": (lead.converted_at, lead.stage_id, 0),
            "r": (routers.get(lead.id), lead.stage_id, 0),
        }[kind]
        if at is None:
            continue
        day = local_day(at, tx.catalog.tz)
        fee, monthly = lead.installation_fee_minor, lead.monthly_fee_minor
        value = (lead.budget_minor or 0) if fee is None and monthly is None else (fee or 0) + 12 * (monthly or 0)
        took = 0
        if lead.converted_at is not None:
            took = int(lead.converted_at.timestamp() // 1) - int(lead.created_at.timestamp() // 1)
        key = (day.year * 100 + day.month, first, second, lead.source_id or 0, lead.assigned_to_id or 0,
               lead.branch_id or 0)  # fmt: skip
        known = sums.setdefault(key, [0] * 5)
        for place, amount in enumerate((1, fee or 0, monthly or 0, value, took)):
            known[place] += amount
    return {key: tuple(found) for key, found in sums.items()}


def agree(office: Office) -> Counter[str]:
    """Hold one against the other; answers how many cells there are of each kind."""
    found: Counter[str] = Counter()
    with office.store.read() as tx:
        for kind in "clwr":
            assert counted(tx, kind) == recounted(tx, kind), kind
            found[kind] = len(counted(tx, kind))
    return found


@pytest.fixture
def writing(office: Office) -> Any:
    """Acts that no service need do: whoever writes to the tables, it is counted."""
    return lambda: office.store.write(lambda catalog: catalog.actor_for(catalog.find_user("boss")), "test")


def plant(tx: WriteTx, dice: random.Random, number: int) -> int:
    stages, now = tx.catalog.stages, datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    made = now - timedelta(seconds=dice.randrange(3 * 365 * 86_400))
    stage = dice.choice(stages)
    reasons = [one.id for one in tx.catalog.lost_reasons]
    row = {
        "number": f"LD-202611-{number:04d}", "name": f"lead {number}", "pipeline_id": stage.pipeline_id,
        "stage_id": stage.id, "stage_changed_at": made, "source_id": dice.choice([s.id for s in tx.catalog.sources]),
        "assigned_to_id": dice.choice([None, *(u.id for u in tx.catalog.users)]), "created_by_id": 1,
        "updated_by_id": 1, "created_at": made, "updated_at": made, "search_text": "", "has_router": False,
        "next_follow_up_all_day": True, "is_protected": False, "version": 1,
        "installation_fee_minor": dice.choice([None, 250_000]), "monthly_fee_minor": dice.choice([None, 199_900]),
        "budget_minor": dice.choice([None, 10_000_000]),
        "converted_at": made + timedelta(hours=5, microseconds=7) if stage.is_converted else None,
        "lost_reason_id": dice.choice([None, *reasons]) if stage.is_lost else None,
    }  # fmt: skip
    lead_id = tx.conn.execute(t.lead.insert().values(**row)).inserted_primary_key[0]
    history = [*dice.sample(stages, dice.randrange(3)), stage]
    changes = [{"lead_id": lead_id, "to_stage_id": one.id, "by_id": 1, "at": made} for one in history]
    tx.conn.execute(t.stage_change.insert(), changes)
    return int(lead_id)


def act(tx: WriteTx, dice: random.Random, ids: list[int]) -> None:
    """One thing that may happen to some leads."""
    some = dice.sample(ids, min(len(ids), dice.randrange(1, 6)))
    c, these = t.lead.c, t.lead.c.id.in_(some)
    stage = dice.choice(tx.catalog.stages)
    match dice.randrange(8):
        case 0:
            tx.conn.execute(update(t.lead).where(these).values(stage_id=stage.id))
            tx.conn.execute(t.stage_change.insert(), [
                {"lead_id": one, "to_stage_id": stage.id, "by_id": 1, "at": tx.now} for one in some
            ])  # fmt: skip
        case 1:
            tx.conn.execute(update(t.lead).where(these).values(deleted_at=tx.now, assigned_to_id=None))
        case 2:
            tx.conn.execute(update(t.lead).where(these).values(deleted_at=None, created_at=c.converted_at).where(
                c.converted_at.is_not(None)))  # fmt: skip
        case 3:
            changes = select(t.stage_change.c.id).where(t.stage_change.c.lead_id.in_(some)).limit(4)
            tx.conn.execute(delete(t.stage_change).where(t.stage_change.c.id.in_(changes.scalar_subquery())))
        case 4:
            moved = update(t.stage_change).where(t.stage_change.c.lead_id == some[0]).values(lead_id=some[-1])
            tx.conn.execute(moved)
        case 5:
            at = tx.now - timedelta(days=dice.randrange(90))
            tx.conn.execute(t.router_user.insert(), [{
                "router_id": 1, "lead_id": one, "username": f"u{dice.random()}", "service": "pppoe", "tag": "x",
                "state": "active", "created_at": at,
            } for one in some])  # fmt: skip
        case 6:
            tx.conn.execute(update(t.lead).where(these).values(monthly_fee_minor=dice.randrange(10**6), name="other"))
        case _:
            tx.conn.execute(delete(t.router_user).where(t.router_user.c.lead_id.in_(some)))
            tx.conn.execute(delete(t.stage_change).where(t.stage_change.c.lead_id == some[0]))
            tx.conn.execute(delete(t.lead).where(c.id == some[0]))
            ids.remove(some[0])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_tally_is_what_counting_says_after_any_act(office: Office, writing: Any, seed: int) -> None:
    dice = random.Random(seed)
    with writing() as tx:
        tx.conn.execute(t.router.insert().values(
            id=1, name="r", host="h", port=1, secret_ref="s", username="u", created_at=tx.now))  # fmt: skip
        ids = [plant(tx, dice, number) for number in range(1, 60)]
    assert min(agree(office)[kind] for kind in "clw") > 0
    for _ in range(25):
        with writing() as tx:
            act(tx, dice, ids)
            act(tx, dice, ids)
        agree(office)
        if dice.random() < 0.4:
            with writing() as tx:
                tallies.settle(tx, dice.randrange(1, 40))
            agree(office)
    with writing() as tx:
        while tallies.settle(tx):
            pass
        assert tallies.waiting(tx) == 0
    assert agree(office)["r"] > 0
    with writing() as tx:
        tallies.rebuild(tx.conn, tx.catalog.tz)
    agree(office)


def test_counting_anew_waits_for_who_sums_up_before_it_locks_anything(office: Office, writing: Any) -> None:
    if office.store.path is not None:
        return  # SQLite has one writer at a time
    with writing() as tx:
        plant(tx, random.Random(5), 1)
        assert tallies.settle(tx) > 0
        with office.store.engine.connect() as other:
            other.exec_driver_sql("SET lock_timeout = '20ms'")
            with pytest.raises(OperationalError, match="advisory"):
                tallies.rebuild(other, tx.catalog.tz)
    agree(office)


def test_months_are_those_of_the_offices_zone_and_follow_it(office: Office, writing: Any) -> None:
    with writing() as tx:
        lead = plant(tx, random.Random(3), 1)
        late = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)  # 1 November in Nairobi
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead).values(created_at=late, deleted_at=None))

    def months() -> list[int]:
        with office.store.read() as tx:
            return [cell.key[0] for cell in tallies.cells(tx, "c", ["month"])]

    assert months() == [202611]
    admin.set_setting(office, "timezone", "UTC")
    assert months() == [202610]


def test_a_status_that_changes_its_place_changes_how_far_leads_got(office: Office, writing: Any) -> None:
    by_name = {stage.name: stage for stage in office.catalog.stages}
    with writing() as tx:
        lead = plant(tx, random.Random(4), 1)
        tx.conn.execute(delete(t.stage_change))
        for name in ("New", "Contacted", "Interested", "New"):
            tx.conn.execute(t.stage_change.insert().values(
                lead_id=lead, to_stage_id=by_name[name].id, by_id=1, at=tx.now))  # fmt: skip
        tx.conn.execute(update(t.lead).values(stage_id=by_name["New"].id))

    def furthest() -> int:
        with office.store.read() as tx:
            return int(tx.conn.execute(select(t.lead.c.furthest_stage_id)).scalar_one())

    assert furthest() == by_name["Interested"].id
    admin.edit(office, "status", "Contacted", {"order": "40"})
    assert furthest() == by_name["Contacted"].id
    agree(office)
