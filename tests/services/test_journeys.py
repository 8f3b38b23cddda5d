"""The journey of a lead, read from what the services wrote: nothing here is planted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from leadtui.errors import NotFound
from leadtui.services import activities, conversion, journeys, leads, lifecycle
from leadtui.services.activities import LogEntry
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import ONE_ENGINE, acting_as, add, add_users

DAY = timedelta(days=1)
T0 = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


def test_a_journey_to_the_first_time_online(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    frozen_clock(T0)
    lead = add(office, name="Achieng Odhiambo", package="20 Mbps Home")
    frozen_clock(T0 + timedelta(minutes=45))
    activities.log(office, lead, LogEntry("call", outcome="no_answer"))
    activities.log(office, lead, LogEntry("note", subject="a note is no contact"))
    frozen_clock(T0 + 2 * DAY)
    lifecycle.set_status(office, lead, "Interested")
    activities.log(office, lead, LogEntry("whatsapp"))
    activities.log(office, lead, LogEntry("meeting", schedule="+3d"))  # planned, it has not taken place
    with office.write() as tx:
        came_in = {"type": "whatsapp", "subject": "answered", "direction": "inbound", "completed_at": tx.now}
        tx.conn.execute(insert(t.activity).values(
            lead_id=lead, created_by_id=2, created_at=tx.now, updated_at=tx.now, all_day=False, **came_in
        ))  # fmt: skip
    frozen_clock(T0 + 3 * DAY)
    lifecycle.set_status(office, lead, "Contacted", reason="not sure yet")
    frozen_clock(T0 + 13 * DAY)
    conversion.convert(office, lead, conversion.ConvertRequest())
    plant_router_user(office, lead, T0 + 13 * DAY, T0 + 15 * DAY)
    frozen_clock(T0 + 19 * DAY)
    found = journeys.of(office, lead).as_json()
    assert found["lead_number"] == "LD-202611-0001"
    assert found["total_duration_s"] == 13 * 86_400 and found["state"] == "converted"
    assert [
        (one["status"], one["seconds"], one["by"], one["reason"], one["moved_back"])
        for one in found["stage_progression"]
    ] == [
        ("New", 2 * 86_400, "boss", None, False), ("Interested", 86_400, "boss", None, False),
        ("Contacted", 10 * 86_400, "boss", "not sure yet", True), ("Converted", None, "boss", None, False),
    ]  # fmt: skip
    assert found["stage_progression"][0]["entered_at"] == "2026-11-01T06:00:00Z"
    assert (found["touchpoints"], found["touchpoints_out"], found["touchpoints_in"]) == (3, 2, 1)
    assert found["touchpoints_by_type"] == {"call": {"out": 1, "in": 0}, "whatsapp": {"out": 1, "in": 1}}
    assert found["first_response_s"] == 45 * 60
    assert [(one["event"], one["detail"]) for one in found["conversion_events"]] == [
        ("converted", "Converted"), ("customer_made", "Achieng Odhiambo"), ("router_user_made", "achieng on WL-1"),
        ("first_online", "achieng"),
    ]  # fmt: skip
    assert found["drop_off_point"] is None
    assert [(one["from"], one["to"], one["status"]) for one in found["idle_gaps"]] == [
        ("2026-11-04T06:00:00Z", "2026-11-14T06:00:00Z", "Contacted")
    ]


def plant_router_user(office: Office, lead: int, at: datetime, online: datetime) -> None:
    with office.write() as tx:
        router = tx.conn.execute(insert(t.router).values(
            name="WL-1", host="h", port=8728, tls="plain", username="admin", secret_ref="x", service="pppoe",
            is_active=True, created_at=at,
        )).inserted_primary_key  # fmt: skip
        assert router is not None
        tx.conn.execute(insert(t.router_user).values(
            router_id=router[0], lead_id=lead, username="achieng", service="pppoe", tag="x", state="active",
            first_online_at=online, created_at=at,
        ))  # fmt: skip


def test_lost_reopened_and_undone(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    from leadtui.services import history

    frozen_clock(T0)
    lead = add(office)
    frozen_clock(T0 + DAY)
    lifecycle.set_status(office, lead, "Interested")
    frozen_clock(T0 + 3 * DAY)
    lifecycle.lose(office, lead, "Too expensive")
    lost = journeys.of(office, lead)
    assert lost.drop_off is not None
    assert (lost.drop_off.status, lost.drop_off.reason, lost.drop_off.at) == (
        "Interested", "Too expensive", T0 + 3 * DAY,
    )  # fmt: skip
    assert lost.total_s == 3 * 86_400 and lost.first_response_s is None
    frozen_clock(T0 + 4 * DAY)
    lifecycle.reopen(office, lead, "has money again")
    assert [one.reopened for one in journeys.of(office, lead).stays] == [False, False, False, True]
    history.undo(office)
    frozen_clock(T0 + 9 * DAY)
    assert journeys.of(office, lead) == lost  # a lost lead's journey does not go on


@ONE_ENGINE
def test_whose_journey_one_may_read(office: Office) -> None:
    add_users(office, "amy:agent")
    lead = add(office)
    with acting_as(office, "amy") as amy, pytest.raises(NotFound):
        journeys.of(amy, lead)
    lifecycle.assign(office, lead, "amy")
    with acting_as(office, "amy") as amy:
        assert journeys.of(amy, "0722 000 111").lead_id == lead
    lifecycle.delete(office, lead)
    with pytest.raises(NotFound):
        journeys.of(office, lead)


@ONE_ENGINE
def test_hostile_names_and_reasons_are_kept_as_they_are(office: Office) -> None:
    lead = add(office, name="[red]x[/red] =1+1")
    lifecycle.lose(office, lead, "[bold]\x1b no")
    found = journeys.of(office, lead)
    assert found.title == "[red]x[/red] =1+1" and found.drop_off is not None
    assert found.drop_off.reason == leads.get(office, lead).fields["lost_reason"]
