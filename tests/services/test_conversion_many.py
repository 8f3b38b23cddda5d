"""Bulk conversion: many single ones, a result list, and a router that is gone (spec §L 109, AG17)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from leadtui.errors import NotPermitted
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import conversion_many, customers
from leadtui.services.conversion import ConvertRequest, convert, convert_many, preview_many
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

from .conversion_help import Target, acting, add_router, check_agreement, jobs, new_lead, status_of, wanting


def test_bulk_is_many_single_conversions(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    made = [new_lead(office, f"Lead {n}") for n in range(4)]
    convert(office, made[1].id, ConvertRequest())
    simulator.faults.add(FaultRule("/ppp/secret/add", "drop_after", skip=1))
    target = Target(ids=tuple(lead.id for lead in made))
    assert len(preview_many(office, target, wanting()).successful) == 3
    seen: list[int] = []
    result = convert_many(office, target, wanting(), on_progress=lambda at, *_: seen.append(at))
    document = result.as_json()
    assert set(document) == {"total", "successful", "failed"}
    assert document["total"] == 4
    assert [row["lead_number"] for row in document["successful"]] == [made[0].number, made[3].number]
    assert set(document["successful"][0]) == {"lead_id", "customer_id", "lead_number"}
    assert document["failed"][0] == {
        "lead_id": made[1].id, "error": "Lead already converted", "lead_number": made[1].number,
    }  # fmt: skip
    assert document["failed"][1]["lead_id"] == made[2].id
    assert seen == [1, 2, 3, 4]
    check_agreement(office, simulator)


def test_bulk_goes_on_whatever_one_lead_meets(
    office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_router(office, simulator)
    made = [new_lead(office, f"Lead {n}", email=f"{n % 3}@example.com") for n in range(5)]
    broken = customers.create

    def sometimes(tx: WriteTx, lead: Any, **values: Any) -> int:
        if lead.id == made[1].id:
            raise ValueError("a bug, with a s3cret in its words")
        return broken(tx, lead, **values)

    monkeypatch.setattr(customers, "create", sometimes)
    ids = (made[0].id, 9999, *(lead.id for lead in made[1:]))
    result = convert_many(office, Target(ids=ids), wanting())
    assert [one.lead_number for one in result.successful] == [made[0].number, made[2].number, made[4].number]
    refused = {one.lead_number: one.error for one in result.failed}
    assert refused["9999"].startswith("there is no lead")
    assert refused[made[1].number] == "an error of the program (ValueError); see the log"
    assert refused[made[3].number] == "Duplicate customer email"
    check_agreement(office, simulator)


def test_a_router_that_stumbles_is_not_given_up(office: Office, simulator: Simulator) -> None:
    """Three leads in a row find it closed to them; asked by itself it answers, and the rest is converted."""
    add_router(office, simulator)
    made = [new_lead(office, f"Lead {n}") for n in range(5)]
    simulator.faults.add(FaultRule("/login", "refuse", count=3, text="invalid user name or password (6)"))
    result = convert_many(office, Target(ids=tuple(lead.id for lead in made)), wanting())
    assert [one.code for one in result.failed] == ["router_login"] * 3
    assert len(result.successful) == 2
    check_agreement(office, simulator)


def test_bulk_by_filter_and_stopping(office: Office) -> None:
    for n in range(3):
        new_lead(office, f"Lead {n}")
    new_lead(office, "Other", status="New")
    stops = iter([False, True])
    stopped = convert_many(office, Target(where="status:interested"), ConvertRequest(), should_stop=lambda: next(stops))
    assert (stopped.total, len(stopped.successful), stopped.stopped) == (3, 1, True)
    rest = convert_many(office, Target(where="status:interested"), ConvertRequest())
    assert (rest.total, len(rest.successful)) == (2, 2)


def test_bulk_needs_the_permission(office: Office) -> None:
    lead = new_lead(office)
    agent = acting(office, "agent")
    with office.write() as tx:
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead.id).values(assigned_to_id=agent.actor.user_id))
    with pytest.raises(NotPermitted):
        convert_many(agent, Target(ids=(lead.id,)), ConvertRequest())
    assert convert(agent, lead.id, ConvertRequest()).success


def test_a_dead_router_is_not_asked_for_every_lead(
    office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion_many, "PATIENCE_S", (0.0, 0.01))
    add_router(office, simulator)
    made = [new_lead(office, f"Lead {n}") for n in range(6)]
    simulator.stop()
    result = convert_many(office, Target(ids=tuple(lead.id for lead in made)), wanting())
    assert len(result.failed) == 6
    assert len(jobs(office)) == 3
    assert all("is gone" in one.error for one in result.failed[3:])
    assert {status_of(office, lead.id) for lead in made} == {"Interested"}
