"""One message to one lead: what there is to choose, what is queued, what is refused and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.errors import Invalid, LeadtuiError, NotFound, Refused, UsageError
from leadtui.services import activities, channels, lifecycle, messages, suppressions, templates, writing
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.services.lead_help import acting_as, add, add_users

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def by_mail(office: Office) -> None:
    channels.set_account(office, "email", {"host": "localhost", "from": "office@example.ke", "security": "none"})


def test_the_channel_it_answers_on_stands_first_and_the_rest_says_why_not(office: Office) -> None:
    by_mail(office)
    channels.set_account(office, "manual", {})
    lead = add(office, email="a@b.example", package="20 Mbps Home")
    templates.add(office, {"name": "Old", "body": "gone"})
    templates.retire(office, "Old")
    templates.add(office, {"name": "New", "body": "here", "channel": "sms"})
    activities.log(office, lead, activities.LogEntry("email", outcome="positive"))
    found = writing.choices(office, lead)
    ready = [one.channel for one in found.ways if one.ready]
    assert ready[0] == "email" and ready[-1] == "file" and "manual" in ready
    assert found.ways[0].answered == "1 of 1 answered" and found.ways[0].has_subject
    assert {one.channel: one.why_not for one in found.ways if not one.ready}["sms"].startswith("not set up")
    assert [one.name for one in found.texts] == ["New"]
    assert found.values["package"] == "20 Mbps Home" and found.values["current_isp"] in (None, "")


def test_a_message_is_queued_before_all_campaigns_and_written_down(office: Office) -> None:
    lead = add(office, name="Achieng Odhiambo")
    done = writing.write_to(office, lead, channel="file", body="Hi {first_name}, {custom.meter|no meter} {{ok}}")
    row = done.message
    assert row is not None and (row.purpose, row.state, row.body) == ("single", "pending", "Hi Achieng, no meter {ok}")
    with office.read() as tx:
        kept = tx.conn.execute(select(t.message).where(t.message.c.id == row.id)).one()
        audit = tx.conn.execute(select(t.audit).where(t.audit.c.entity == "message")).one()
    assert (kept.priority, kept.is_urgent, kept.dedupe_key) == (0, True, None)
    assert (audit.action, audit.entity_id) == ("write", row.id)
    assert writing.write_to(office, lead, channel="file", body="x", dry_run=True).message is None
    assert len(messages.of_lead(office, lead)) == 1


def test_by_hand_it_is_handed_over_at_once(office: Office) -> None:
    lead = add(office, phone="0722 000 111")
    row = writing.write_to(office, lead, channel="manual", body="Hallo & tschüss").message
    assert row is not None and row.state == "handed_off"
    assert row.link == "https://wa.me/254722000111?text=Hallo%20%26%20tsch%C3%BCss"


@pytest.mark.parametrize(
    ("options", "kind", "field"),
    [
        ({"body": "a", "template": "b"}, UsageError, "text"), ({}, UsageError, "text"),
        ({"template": "b"}, NotFound, "template"), ({"body": "{first_nam}"}, Invalid, "text"),
        ({"body": "Hi {email}"}, Invalid, "text"), ({"body": " "}, Invalid, "text"),
        ({"body": "a", "channel": "email"}, Refused, "channel"), ({"body": "a", "channel": "x"}, NotFound, "channel"),
        ({"template": "mail"}, Refused, "template"), ({"body": "x" * 4097, "channel": "manual"}, Invalid, "text"),
    ],
)  # fmt: skip
def test_what_is_refused(office: Office, options: dict[str, Any], kind: type[LeadtuiError], field: str) -> None:
    templates.add(office, {"name": "mail", "body": "x", "channel": "email", "subject": "y"})
    lead = add(office)
    with pytest.raises(kind) as caught:
        writing.write_to(office, lead, **{"channel": "file", **options})
    assert caught.value.field == field
    assert messages.of_lead(office, lead) == ()


def test_who_wants_nothing_and_who_may_not(office: Office) -> None:
    lead = add(office, phone="0722 000 111")
    suppressions.add(office, "0722000111")
    with pytest.raises(Refused, match="suppression list"):
        writing.write_to(office, lead, channel="file", body="hi")
    other_lead = add(office, phone="0722 000 222")
    add_users(office, "agent:agent", "tech:technician")
    lifecycle.assign(office, lead, "agent")
    for login, lead_id, kind in (("agent", lead, Refused), ("agent", other_lead, NotFound), ("tech", lead, NotFound)):
        with acting_as(office, login) as other, pytest.raises(kind):
            writing.write_to(other, lead_id, channel="file", body="hi")


def test_whatsapp_takes_other_texts_than_approved_ones_only_for_a_day(office: Office) -> None:
    lead = add(office, name="Achieng")
    cloud = {"phone_id": "1", "waba_id": "2"}
    channels.set_account(office, "whatsapp_cloud", cloud, {"token": "x", "app_secret": "y", "verify_token": "z"})
    if not channels.get(office, "whatsapp_cloud").ready:
        pytest.skip(channels.get(office, "whatsapp_cloud").why_not)
    with pytest.raises(Invalid, match="only approved templates"):
        writing.write_to(office, lead, channel="whatsapp_cloud", body="hi")
    with office.write() as tx:
        came = messages.Draft("inbound", "whatsapp_cloud", "+254722000111", "hello", lead_id=lead)
        message_id = messages.enqueue(tx, came)
        row = t.message.c
        values = {"direction": "in", "state": "received", "created_at": tx.now - timedelta(hours=23)}
        tx.conn.execute(t.message.update().where(row.id == message_id).values(**values))
    assert writing.write_to(office, lead, channel="whatsapp_cloud", body="hi").message is not None
    approved = {"name": "offer", "body": "Hi {first_name}", "channel": "whatsapp_cloud",
                "provider": {"name": "offer", "language": "en", "params": ["{first_name|there}"]}}  # fmt: skip
    templates.add(office, approved)
    done = writing.write_to(office, lead, channel="whatsapp_cloud", template="offer").message
    assert done is not None
    with office.read() as tx:
        kept = tx.conn.execute(select(t.message.c.provider_json).where(t.message.c.id == done.id)).scalar_one()
    assert kept["params"] == ["Achieng"]
