"""Every step of the routine twice in a row, over an office where all of them have something to do.

A new step is tried by itself: what it needs to have something to do belongs into `busy_office`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from leadtui import clock
from leadtui.domain.drips import parse_step
from leadtui.jobs.routine import STEPS, Step
from leadtui.jobs.runner import Runner
from leadtui.router.port import CancelToken
from leadtui.router.simulator import Simulator
from leadtui.services import admin, behavior, drips, events, settings
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.services.lead_help import add
from tests.services.watch_help import customer_user, online, router

ASIDE = {"worker", "lease", "alembic_version", "sequence"}
"""Who works, and not what was done."""

AGO = timedelta(days=2)


def busy_office(office: Office, simulator: Simulator) -> None:
    """Something for everybody: late and due activities, a promise that was not kept, an event, a router, a notice."""
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "agent"})
    an_hour_ago = (clock.now() - timedelta(hours=1)).astimezone(office.tz)
    settings.set_setting(office, "working_hours", "mon-sun 00:00-24:00")
    settings.set_setting(office, "digest_at", f"{an_hour_ago:%H:%M}")
    customer_user(office, router(office, "WL-1", simulator), "achieng")
    online(simulator, "achieng")
    lead_id = add(office, "0722000999", name="Late")
    with office.as_system() as tx:
        tom = tx.catalog.find_user("tom").id
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead_id).values(assigned_to_id=tom))
        base = {
            "lead_id": lead_id, "subject": "call back", "all_day": False, "assigned_to_id": tom,
            "created_by_id": tx.actor.user_id, "created_at": tx.now - AGO, "updated_at": tx.now - AGO,
        }  # fmt: skip
        for at in (tx.now - AGO, tx.now - timedelta(minutes=1), tx.now + AGO):
            tx.conn.execute(insert(t.activity).values(**base, type="follow_up", scheduled_at=at))
        tx.conn.execute(
            insert(t.loan_commitment).values(
                lead_id=lead_id, amount_minor=500_000, promised_clear_date=date(2026, 1, 5), status="pending",
                created_by_id=tx.actor.user_id, created_at=tx.now - AGO, updated_at=tx.now - AGO,
            )
        )  # fmt: skip
        events.emit(tx, events.CONVERTED, lead_id=lead_id, payload={})
        tx.conn.execute(
            insert(t.notification).values(
                user_id=tom, kind="reminder", occurrence="an old one", text="call", lead_id=lead_id,
                due_at=tx.now - timedelta(hours=3), created_at=tx.now - timedelta(hours=3), snoozes=0,
            )
        )  # fmt: skip
        long_ago = tx.now - timedelta(days=200)
        tx.conn.execute(
            insert(t.notification).values(
                user_id=tom, kind="loan", occurrence="dealt with long ago", text="paid", lead_id=lead_id,
                due_at=long_ago, created_at=long_ago, seen_at=long_ago, snoozes=0,
            )
        )  # fmt: skip
    drips.create(office, {"name": "Busy"}, [parse_step("0h task: Call"), parse_step("24h task: Call again")])
    drips.enroll(office, "busy", [lead_id])
    for _ in range(3):  # a rule of the preset asks for a call
        behavior.record(office, lead_id, "page_view")


def everything(office: Office) -> dict[str, list[Any]]:
    """Every row of every table, but for who works."""
    with office.store.read() as tx:
        return {
            table.name: [tuple(row) for row in tx.conn.execute(table.select().order_by(*table.primary_key.columns))]
            for table in t.metadata.sorted_tables
            if table.name not in ASIDE
        }


def to_the_end(office: Office, step: Step) -> int:
    """Call it as the routine does, until it has no more to do; answers how much it did."""
    total = 0
    for _ in range(100):
        done = step.run(office, lambda: True, CancelToken()).get(step.name, 0)
        total += done
        if not 0 < step.limit <= done:
            return total
    raise AssertionError(f"{step.name} never ends")


@pytest.fixture
def simulator() -> Any:
    with Simulator() as running:
        yield running


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_twice_in_a_row_changes_nothing_the_second_time(
    office: Office, simulator: Simulator, step: Step
) -> None:
    busy_office(office, simulator)
    to_the_end(office, step)
    before = everything(office)
    assert to_the_end(office, step) == 0
    assert everything(office) == before


def test_all_of_them_twice(office: Office, simulator: Simulator) -> None:
    """And what they did to one another's rows comes to rest."""
    busy_office(office, simulator)
    first = Runner(office, "worker").once()
    assert first.errors == 0 and first["reminders"] and first["escalations"] and first["events"] and first["polled"]
    assert first["loans_overdue"] and first["digests"] and first["forgotten"] and first["drips"]
    before = everything(office)
    second = Runner(office, "worker").once()
    assert second.is_empty, second
    assert everything(office) == before


def test_what_waits_is_what_is_then_done(sqlite_office: Office, simulator: Simulator) -> None:
    """The queue of the Jobs screen counts what the steps find."""
    from leadtui.jobs.status import status

    busy_office(sqlite_office, simulator)
    waiting = {one.name: one.count for one in status(sqlite_office).queue}
    assert waiting["reminders"] > 0 and waiting["escalations"] > 0 and waiting["events"] > 0 and waiting["drips"] > 0
    Runner(sqlite_office, "worker").once()
    assert [one.name for one in status(sqlite_office).queue if one.count] == []


def test_three_hours_later_and_a_day_later(sqlite_office: Office, simulator: Simulator) -> None:
    """Work of a day is done once however long nobody was there: the days between are not made up for."""
    office = sqlite_office
    start = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    held = [start]
    clock.set_clock(lambda: held[0])
    try:
        busy_office(office, simulator)
        Runner(office, "worker").once()
        held[0] = start + timedelta(days=4)
        Runner(office, "worker").once()
        before = everything(office)
        assert Runner(office, "worker").once().is_empty
        assert everything(office) == before
        jobs = [(row[1], row[2]) for row in before["job_run"]]
        assert len(jobs) == len(set(jobs))
        for between in ("2026-11-21", "2026-11-22", "2026-11-23"):
            assert not [one for one in jobs if one[1].startswith(between)]
    finally:
        clock.set_clock(None)
