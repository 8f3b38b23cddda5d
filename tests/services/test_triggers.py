"""What leads do elsewhere is counted once, and each rule goes off once per event (spec §S 148–152, AJ5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadtui.errors import Invalid, NotFound, NotPermitted
from leadtui.services import admin, behavior, channels, drips, events, history, leads, lifecycle, triggers
from leadtui.services.office import Office, create_office
from leadtui.store import schema as t
from tests.services import drip_help as h
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users, dump

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")
Clock = Callable[[datetime], None]


def rule(office: Office, event: str, **values: str) -> dict[str, Any]:
    """A rule without a pause, the only one in use."""
    for one in admin.items(office, "trigger"):
        admin.retire(office, "trigger", str(one["id"]))
    return admin.add(office, "trigger", {"name": f"Rule {event}", "event": event, "cooldown": "0h", **values})


def did(office: Office, lead_id: int, event: str, *, at: datetime | None = None, **about: Any) -> list[str]:
    """The lead does something; answers what rules did about it."""
    before = triggers.runs(office, lead=lead_id)[0]
    behavior.record(office, lead_id, event, about or None, at=at)
    events.handle_open(office)
    total, found = triggers.runs(office, lead=lead_id)
    return [one["result"] for one in reversed(found[: total - before])]


# -- counting ----------------------------------------------------------------------------------------------------------
def test_told_twice_is_one_event_and_no_edit(office: Office) -> None:
    lead_id = add(office)
    version = leads.get(office, lead_id).row.version
    first = behavior.record(office, lead_id, "Email Open", {"message": "m1"}, external_ref="e1")
    assert (first.is_new, first.event, first.counters["email_opens"]) == (True, "email_open", 1)
    again = behavior.record(office, lead_id, "email_open", {"message": "m1"}, external_ref="e1")
    assert (again.id, again.is_new, again.counters["email_opens"]) == (None, False, 1)
    behavior.record(office, lead_id, "email_open")
    detail = leads.get(office, lead_id)
    assert (detail.fields["email_opens"], detail.row.version) == (2, version)
    assert behavior.of_lead(office, lead_id)[0] == 2


@ONE_ENGINE
def test_what_is_told_is_not_trusted(office: Office) -> None:
    lead_id = add(office)
    for event, metadata, at, field in (
        ("", None, None, "event"), ("DROP TABLE lead;", None, None, "event"), ("x" * 60, None, None, "event"),
        ("page_view", {"a": "x" * 5000}, None, "metadata"), ("page_view", {"a": float("nan")}, None, "metadata"),
        ("page_view", None, NOW + timedelta(hours=1), "at"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            behavior.record(office, lead_id, event, metadata, at=at)
        assert caught.value.field == field
    behavior.record(office, lead_id, "page_view", {"page": "a\x1b[31m\nb", "more": ["x\x00", {"y": 1}]})
    assert behavior.of_lead(office, lead_id)[1][0]["metadata"] == {"page": "a[31m b", "more": ["x", {"y": 1}]}
    add_users(office, "tom:agent")
    with acting_as(office, "tom") as tom, pytest.raises(NotFound):
        behavior.record(tom, lead_id, "page_view")


# -- when a rule goes off ----------------------------------------------------------------------------------------------
def test_so_often_within_a_time_and_what_counted_counts_no_more(office: Office, frozen_clock: Clock) -> None:
    lead_id, other = add(office, name="Amina"), add(office, "0722000222")
    rule(office, "property_view", count="3", within="24h", action="task", text="Call {name}")
    assert did(office, lead_id, "property_view", at=NOW - timedelta(hours=25)) == []
    for _ in range(2):
        assert did(office, lead_id, "property_view") == did(office, other, "page_view") == []
    assert did(office, lead_id, "property_view") == ["task"]
    assert h.tasks(office, lead_id) == ["Call Amina"]
    before = dump(office, ("trigger_run", "activity", "lead", "audit"), but=())
    assert events.handle_open(office) == 0
    with office.as_system() as tx:  # the same event handed over once more
        tx.conn.execute(t.event.update().values(handled_at=None))
    events.handle_open(office)
    assert dump(office, ("trigger_run", "activity", "lead", "audit"), but=()) == before
    frozen_clock(NOW + timedelta(minutes=1))
    assert [did(office, lead_id, "property_view") for _ in range(3)] == [[], [], ["task"]]


@ONE_ENGINE
def test_in_a_row_raises_the_score_each_time_once(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office)
    rule(office, "email_open", consecutive="3", action="score", points="10")
    results = []
    for minute, event in enumerate(["email_open", "email_open", "email_ignored", *["email_open"] * 7]):
        frozen_clock(NOW + timedelta(minutes=minute))
        results += did(office, lead_id, event)
    assert results == ["score +10: 0 → 10", "score +10: 10 → 20"]
    assert leads.get(office, lead_id).fields["score"] == 20
    assert [one.changes["score"] for one in history.audit(office, lead_ref=lead_id)[1] if "score" in one.changes] == [
        (10, 20), (0, 10),
    ]  # fmt: skip


@ONE_ENGINE
def test_daily_for_days_by_the_offices_calendar(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office)
    rule(office, "website_visit", daily_for_days="3", action="notify", text="{name} comes daily", to="boss")
    for day, hour in ((15, 12), (17, 22), (18, 12), (19, 12)):  # 22:00 UTC is the 18th in Nairobi
        at = datetime(2026, 11, day, hour, tzinfo=UTC)
        frozen_clock(at)
        assert did(office, lead_id, "website_visit") == []
    frozen_clock(NOW)
    assert did(office, lead_id, "website_visit") == ["told boss"]


@ONE_ENGINE
def test_the_same_search_again_and_again(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office)
    rule(office, "search_performed", same="criteria", count="3", action="tag", tag="searching")
    about = [
        {"rooms": 3, "city": "Nairobi"},
        {"rooms": 2},
        {"city": "nairobi", "rooms": 3},
        {"rooms": 3, "city": "Nairobi"},
    ]
    results = []
    for minute, criteria in enumerate(about):
        frozen_clock(NOW + timedelta(minutes=minute))
        results.append(did(office, lead_id, "search_performed", criteria=criteria))
    assert results == [[], [], [], ["tag searching"]]
    assert leads.get(office, lead_id).row.tags == ("searching",)


@ONE_ENGINE
def test_a_pause_an_exclusion_a_filter_and_a_stale_event(office: Office, frozen_clock: Clock) -> None:
    lead_id, out, lost = add(office), add(office, "0722000222"), add(office, "0722000333")
    rule(office, "page_view", count="1", action="task", text="Call", cooldown="24h", where="source:Website")
    assert triggers.exclude(office, "Rule page_view", [out]) == 1
    assert triggers.exclude(office, "Rule page_view", [out]) == 0
    lifecycle.lose(office, lost, "gone")
    events.handle_open(office)
    assert did(office, lead_id, "page_view", at=NOW - timedelta(days=3)) == []  # told days later
    assert did(office, lead_id, "page_view") == ["task"]
    assert [did(office, one, "page_view") for one in (lead_id, out, lost)] == [[], [], []]
    would = {one["why"] for one in triggers.rehearse(office, lead_id)[1]}
    assert would == {"it went off 0 min ago"}
    frozen_clock(NOW + timedelta(hours=24))
    assert triggers.rehearse(office, lead_id)[1][0]["would"]
    assert did(office, lead_id, "page_view") == ["task"]
    assert [one["lead_id"] for one in triggers.exclusions(office, "Rule page_view")] == [out]
    assert triggers.include(office, "Rule page_view", [out]) == 1
    assert did(office, out, "page_view") == ["task"]
    leads.edit(office, out, {"source": "Referral"})
    frozen_clock(NOW + timedelta(days=3))
    assert did(office, out, "page_view") == []


# -- what it does ------------------------------------------------------------------------------------------------------
@ONE_ENGINE
def test_a_message_where_it_can_be_sent_else_a_task_never_silence(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office, name="Amina Otieno")
    rule(office, "page_view", count="1", action="message", channel="file", body="Dear {first_name}")
    assert did(office, lead_id, "page_view") == ["message 1 by file"]
    assert h.written(office, lead_id) == ["Dear Amina"]
    rule(office, "search", count="1", action="message", channel="sms", body="Dear {first_name}")
    frozen_clock(NOW + timedelta(minutes=1))
    assert did(office, lead_id, "search") == [
        "a task instead of a message: the office has no account for this channel"
    ]  # fmt: skip
    assert h.tasks(office, lead_id) == ["Send Amina Otieno a message by sms"]
    leads.edit(office, lead_id, {"consent": "refused"})
    frozen_clock(NOW + timedelta(minutes=2))
    assert did(office, lead_id, "search") == ["not written: does not want to be contacted"]
    leads.edit(office, lead_id, {"consent": None})
    admin.edit(office, "trigger", "Rule search", {"channel": "file", "body": "Dear {email}"})
    frozen_clock(NOW + timedelta(minutes=3))
    assert did(office, lead_id, "search") == ["a task instead of a message: {email} missing"]
    channels.set_active(office, "file", False)
    leads.edit(office, lead_id, {"email": "a@b.example"})
    frozen_clock(NOW + timedelta(minutes=4))
    assert did(office, lead_id, "search")[0].endswith("no account for this channel")


@ONE_ENGINE
def test_into_a_drip_and_what_cannot_be_done_is_said(office: Office, frozen_clock: Clock) -> None:
    lead_id = add(office)
    h.drip(office, "1h message: Hi")
    rule(office, "page_view", count="1", action="enroll", drip="welcome")
    assert did(office, lead_id, "page_view") == ["into welcome"]
    frozen_clock(NOW + timedelta(minutes=1))
    assert did(office, lead_id, "page_view") == ["not into welcome: is in this drip"]
    drips.delete(office, "welcome")
    frozen_clock(NOW + timedelta(minutes=2))
    (result,) = did(office, lead_id, "page_view")
    assert result.startswith("not done: there is no drip")


def test_properties_that_fit_go_with_the_mail(tmp_path: Any) -> None:
    office = create_office(str(tmp_path / "estate.db"), preset="real-estate", admin="boss")
    for name, price in (("Villa Rosa", "240000"), ("Villa Grande", "900000"), ("Loft", "200000")):
        admin.add(office, "package", {"name": name, "monthly": price, "installation": "0", "kind": "property"})
    lead = leads.create(
        office,
        {
            "name": "Ann Bee",
            "phone": "+12125550123",
            "source": "Referrals",
            "budget": "250000",
            "property_type": "villa",
        },
    ).lead
    for _ in range(4):
        assert did(office, lead.id, "search_performed", criteria="villa") == []
    (result,) = did(office, lead.id, "search_performed", criteria="villa")
    assert result.startswith("a task instead of a message")  # no mail account here: a person gets the text
    (task,) = [one for one in leads.get(office, lead.id).activities if one.is_open]
    assert "• Villa Rosa: " in (task.details or "")
    assert "Villa Grande" not in (task.details or "")
    office.close()


@ONE_ENGINE
def test_rules_that_make_no_sense_are_refused(office: Office) -> None:
    good = {"name": "x", "event": "page_view", "count": "1", "action": "task", "text": "Call"}
    for change, field in (
        ({"count": None}, "count"), ({"consecutive": "2"}, "count"), ({"count": "0"}, "count"),
        ({"action": "sing"}, "action"), ({"text": None}, "text"), ({"action": "score"}, "points"),
        ({"action": "score", "points": "500"}, "points"), ({"action": "message"}, "body"),
        ({"action": "message", "body": "Hi {nmae}"}, "body"), ({"action": "enroll", "drip": "none"}, "drip"),
        ({"action": "message", "channel": "email", "body": "Hi", "text": None}, "text"), ({"action": "tag"}, "tag"),
        ({"event": None}, "event"), ({"count": None, "consecutive": "2", "within": "24h"}, "within"),
        ({"where": "assigned:me"}, "where"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            admin.add(office, "trigger", {**good, **change})
        assert caught.value.field == field, change
    add_users(office, "tom:agent")
    with acting_as(office, "tom") as tom, pytest.raises(NotPermitted):
        admin.add(tom, "trigger", good)
