"""A lead is reached by the channels it answers on (spec §R); a status writes a real message where it can (§T, AJ27)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadtui.domain.orchestration import Strategy
from leadtui.errors import Invalid, NotPermitted, Refused
from leadtui.services import (
    activities,
    admin,
    channels,
    drips,
    events,
    history,
    leads,
    lifecycle,
    messages,
    orchestration,
)
from leadtui.services import templates as kept
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.services import drip_help as h
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")
Clock = Callable[[datetime], None]


def talk(office: Office, lead_id: int, kind: str, outcome: str | None = None) -> None:
    activities.log(office, lead_id, activities.LogEntry(kind, outcome=outcome))


def offer(office: Office, name: str = "Offer", body: str = "Hi {first_name|there}", **more: Any) -> None:
    kept.add(office, {"name": name, "body": body, **more})


def by_manual(office: Office) -> None:
    """The office writes WhatsApp by hand: the word `whatsapp` has a way."""
    channels.set_account(office, "manual", {})


# -- which channels ----------------------------------------------------------------------------------------------------
def test_the_channel_it_answers_on_goes_first(office: Office) -> None:
    lead_id = add(office, email="a@b.example")
    for outcome in ("positive", "no_answer", "positive"):
        talk(office, lead_id, "call", outcome)
    for outcome in ("no_answer", "positive"):
        talk(office, lead_id, "whatsapp", outcome)
    talk(office, lead_id, "email")
    found = orchestration.plan(office, lead_id, channels=5)
    assert [(one.channel, one.responded, one.sent, one.priority) for one in found.steps] == [
        ("phone", 2, 3, 1), ("whatsapp", 1, 2, 2), ("email", 0, 1, 3), ("sms", 0, 0, 4),
    ]  # fmt: skip
    assert dict(found.left_out) == {"social": "has no address for this channel"}
    assert [one.at - NOW for one in found.steps] == [timedelta(days=n) for n in range(4)]


@ONE_ENGINE
def test_only_those_it_has_and_none_for_who_wants_none(office: Office) -> None:
    lead_id = add(office)
    found = orchestration.plan(office, lead_id, channels=5)
    assert {one.channel for one in found.steps} == {"whatsapp", "sms", "phone"}
    assert {one.kind for one in found.steps} == {"task"}  # this office has no account for any of them
    leads.edit(office, lead_id, {"custom.facebook": "amina.o"})
    assert "social" in {one.channel for one in orchestration.plan(office, lead_id, channels=5).steps}
    leads.edit(office, lead_id, {"consent": "refused"})
    assert orchestration.plan(office, lead_id, channels=5).steps == ()
    offer(office)
    with pytest.raises(Refused):
        orchestration.reach(office, lead_id, template="Offer")


# -- doing it ----------------------------------------------------------------------------------------------------------
def test_messages_and_tasks_one_after_another_until_it_answers(office: Office) -> None:
    lead_id = add(office, name="Amina Otieno")
    by_manual(office)
    offer(office)
    talk(office, lead_id, "call", "positive")
    plan, batch = orchestration.reach(office, lead_id, template="Offer", channels=3, delay="24h")
    assert [(one.channel, one.by, one.kind) for one in plan.steps] == [
        ("phone", None, "task"), ("whatsapp", "manual", "message"), ("sms", None, "task"),
    ]  # fmt: skip
    (message,) = messages.of_lead(office, lead_id)
    assert (message.body, message.next_at, message.state) == ("Hi Amina", NOW + timedelta(hours=24), "pending")
    assert h.tasks(office, lead_id) == ["Call Amina Otieno", "Send Amina Otieno a message by sms"]
    h.emit(office, "message.replied", lead_id)
    assert h.states(office, lead_id) == ["skipped"]
    assert history.undo(office, batch).refused == ()
    assert h.tasks(office, lead_id) == []


@ONE_ENGINE
def test_its_own_words_by_each_channel_and_no_gaps_in_them(office: Office) -> None:
    lead_id = add(office)
    by_manual(office)
    offer(office, "Offer", "Dear {first_name}, a long text")
    offer(office, "Offer/sms", "Short")
    found = orchestration.plan(office, lead_id, template="Offer", channels=5)
    assert {one.channel: one.text for one in found.steps}["sms"] == "Short"
    with pytest.raises(Refused) as caught:
        orchestration.reach(office, lead_id, template="Offer", channels=1)
    assert caught.value.code == "missing_value"
    with pytest.raises(Invalid):
        orchestration.plan(office, lead_id, template="Nothing")
    add_users(office, "tess:technician", "coll:collections")
    with acting_as(office, "coll") as coll, pytest.raises(NotPermitted):
        orchestration.plan(coll, lead_id, template="Offer")


def test_the_setting_is_read_and_written() -> None:
    assert str(Strategy.parse("delay 48h,  Channels 3")) == "channels 3, delay 48h"
    assert str(Strategy.parse("")) == "channels 2, delay 24h"
    for text in ("channels 9", "delay soon", "colour red"):
        with pytest.raises(Invalid):
            Strategy.parse(text)


# -- statuses ----------------------------------------------------------------------------------------------------------
def status_message(office: Office, **values: str) -> None:
    for one in admin.items(office, "stage_action"):
        admin.retire(office, "stage_action", str(one["id"]))
    told = {"name": "Welcome", "status": "Contacted", "kind": "message", "text": "Write to {name}", "channel": "file"}
    admin.add(office, "stage_action", told | values)


def test_a_status_writes_once_and_its_undo_calls_it_off(office: Office) -> None:
    lead_id = add(office, name="Amina")
    status_message(office, body="Hello {name}, you are now {stage}", delay="2h")
    moved = lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    with office.as_system() as tx:  # handed over once more
        tx.conn.execute(t.event.update().values(handled_at=None))
    events.handle_open(office)
    (message,) = messages.of_lead(office, lead_id)
    assert (message.body, message.purpose, message.next_at) == (
        "Hello Amina, you are now Contacted", "stage", NOW + timedelta(hours=2),
    )  # fmt: skip
    assert h.tasks(office, lead_id) == []
    assert history.undo(office, moved.batch).refused == ()
    assert h.states(office, lead_id) == ["skipped"]


@ONE_ENGINE
@pytest.mark.parametrize(
    ("values", "lead", "why"),
    [
        ({"body": "Hello {name}"}, {}, "Not sent by itself: {name} has no value."),
        ({"body": "Hello"}, {"consent": "refused"}, "Not sent: the lead does not want to be contacted."),
        ({"body": "Hello", "channel": "sms"}, {}, "Not sent by itself: the office has no account for this channel."),
        ({"body": "Hello", "channel": "email"}, {}, "Not sent by itself: has no address for this channel."),
        ({}, {}, "Nothing sends this by itself: send it by file by hand"),
        ({"body": "Hello", "channel": "post"}, {}, "Not sent by itself: the office has no account"),
    ],
)
def test_else_it_is_a_task_with_the_reason(
    office: Office, values: dict[str, str], lead: dict[str, str], why: str
) -> None:
    lead_id = add(office, **lead)
    status_message(office, **values)
    lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    (task,) = [one for one in leads.get(office, lead_id).activities if one.is_open]
    assert (task.details or "").startswith(why)
    assert messages.of_lead(office, lead_id) == ()


@ONE_ENGINE
def test_a_status_with_a_template(office: Office) -> None:
    lead_id = add(office, name="Amina Otieno")
    offer(office, "Hello", "Dear {first_name}")
    with pytest.raises(Invalid) as caught:
        status_message(office, template="Nothing")
    assert caught.value.field == "template"
    status_message(office, template="Hello")
    lifecycle.set_status(office, lead_id, "Contacted")
    events.handle_open(office)
    assert h.written(office, lead_id) == ["Dear Amina"]
    assert drips.enrollments_of_lead(office, lead_id) == ()
