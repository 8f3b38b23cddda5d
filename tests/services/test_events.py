"""Events: written where something happened, handled once, whoever fails in between (spec AC 194, AH23)."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from sqlalchemy import select, update

from leadtui.errors import RouterError
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import activities, events, leads, lifecycle, users
from leadtui.services.conversion import ConvertRequest, convert
from leadtui.services.events import handle_open
from leadtui.services.lead_writes import STAGE_CHANGED
from leadtui.services.office import Office
from leadtui.store import schema as t

from .conversion_help import ROUTER, add_router, new_lead, wanting


def rows(office: Office) -> list[Any]:
    """The events, but for those of every move (test_stage_actions)."""
    with office.read() as tx:
        query = select(t.event).where(t.event.c.kind != STAGE_CHANGED).order_by(t.event.c.id)
        return list(tx.conn.execute(query))


def tasks(office: Office, lead_id: int) -> list[tuple[str | None, str]]:
    """Open tasks of a lead: whose, and what."""
    found = leads.get(office, lead_id).activities
    return sorted((a.assigned_to, a.subject) for a in found if a.type == "task" and a.completed_at is None)


def add_agent(office: Office, login: str) -> int:
    users.add_user(office, {"login": login, "name": login.capitalize(), "role": "agent"})
    return office.catalog.find_user(login).id


def test_a_conversion_says_that_it_happened(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    done = convert(office, lead.id, wanting(password="Gr3at-secret"))
    (event,) = rows(office)
    assert (event.kind, event.lead_id, event.handled_at, event.attempts) == ("lead.converted", lead.id, None, 0)
    assert event.payload_json == {
        "customer_id": done.customer.id if done.customer else None, "router": ROUTER, "username": "achieng.odhiambo",
        "service": "pppoe", "profile": "20M",
    }  # fmt: skip
    assert "Gr3at-secret" not in json.dumps(event.payload_json)
    assert handle_open(office) == 2  # and the move
    assert handle_open(office) == 0
    assert rows(office)[0].handled_at is not None


def test_what_did_not_happen_is_no_event(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    simulator.faults.add(FaultRule("/ppp/secret/add", "refuse", text="failure: no"))
    with pytest.raises(RouterError):
        convert(office, new_lead(office).id, wanting())
    assert rows(office) == []


def test_who_works_the_lead_is_told_that_somebody_else_converted_it(office: Office) -> None:
    wanjiku, peter = add_agent(office, "wanjiku"), add_agent(office, "peter")
    lead, own = new_lead(office), new_lead(office, "Own Lead")
    with office.write() as tx:
        values = {"assigned_to_id": wanjiku, "manager_id": peter}
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead.id).values(**values))
        mine = {"assigned_to_id": tx.actor.user_id, "manager_id": tx.actor.user_id}
        tx.conn.execute(update(t.lead).where(t.lead.c.id == own.id).values(**mine))
    convert(office, lead.id, ConvertRequest())
    convert(office, own.id, ConvertRequest())
    assert handle_open(office) == 4  # and two moves
    words = "Greet the new customer: boss converted your lead"
    assert tasks(office, lead.id) == [("peter", words), ("wanjiku", words)]
    assert tasks(office, own.id) == []
    assert leads.get(office, lead.id).row.next_follow_up is not None
    mine_first = next(a for a in leads.get(office, lead.id).activities if a.type == "task")
    activities.complete(office, mine_first.id)  # it can be done, and is then gone
    assert len(tasks(office, lead.id)) == 1


def test_a_lead_reopened_meanwhile_leaves_nothing_to_do(office: Office) -> None:
    wanjiku = add_agent(office, "wanjiku")
    lead = new_lead(office)
    with office.write() as tx:
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead.id).values(assigned_to_id=wanjiku))
    convert(office, lead.id, ConvertRequest())
    lifecycle.reopen(office, lead.id, "a mistake")
    assert handle_open(office) == 3  # and two moves
    assert tasks(office, lead.id) == []


def test_a_handler_that_fails_takes_nothing_with_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it wrote is taken back, the reason is kept, the next event is handled, and later it is tried again."""
    first, second = new_lead(office), new_lead(office, "Second")
    for lead in (first, second):
        convert(office, lead.id, ConvertRequest())
    broken = [first.id]

    def handler(tx: Any, event: Any) -> None:
        tx.conn.execute(update(t.lead).where(t.lead.c.id == event.lead_id).values(remarks="handled"))
        if event.lead_id in broken:
            raise ValueError("no")

    monkeypatch.setattr(events, "HANDLERS", {events.CONVERTED: (handler,)})
    assert handle_open(office) == 1
    failed, handled = rows(office)
    assert (failed.handled_at, failed.attempts, failed.last_error) == (None, 1, "an error of the program (ValueError)")
    assert handled.handled_at is not None
    with office.read() as tx:
        remarks = dict(tx.conn.execute(select(t.lead.c.id, t.lead.c.remarks)).all())  # type: ignore[arg-type]
    assert remarks == {first.id: None, second.id: "handled"}
    assert failed.retry_at - failed.at >= events.FIRST_PAUSE
    assert handle_open(office) == 0
    assert rows(office)[0].attempts == 1  # left alone for a while
    for _ in range(events.TRIES):
        with office.write() as tx:
            tx.conn.execute(update(t.event).values(retry_at=None))
        assert handle_open(office) == 0
    assert (rows(office)[0].attempts, rows(office)[0].retry_at) == (events.TRIES, None)  # not tried for ever
    with office.write() as tx:
        tx.conn.execute(update(t.event).values(attempts=0))
    broken.clear()
    assert handle_open(office) == 1
    assert rows(office)[0].last_error is None


def test_an_event_of_a_newer_program_is_left_to_it(office: Office) -> None:
    with office.write() as tx:
        events.emit(tx, "moon.rose", lead_id=None)
        events.emit(tx, events.FIRST_ONLINE, lead_id=None, payload={"ip": "10.20.0.2"})
    assert handle_open(office) == 1
    assert [(row.kind, row.handled_at is None) for row in rows(office)] == [
        ("moon.rose", True), (events.FIRST_ONLINE, False),
    ]  # fmt: skip


def test_two_workers_handle_each_event_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [new_lead(office, f"Lead {n}") for n in range(6)]
    for lead in made:
        convert(office, lead.id, ConvertRequest())
    seen: list[int] = []
    together = threading.Barrier(2)

    monkeypatch.setattr(events, "HANDLERS", {events.CONVERTED: (lambda _tx, event: seen.append(event.lead_id),)})
    counts: list[int] = []

    def work() -> None:
        together.wait(10)
        counts.append(handle_open(office))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(counts) == len(made)
    assert sorted(seen) == [lead.id for lead in made]
