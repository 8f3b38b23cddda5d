"""What becomes of messages after they went: reports in any order, what people decide, what leads answer, who is left
in peace.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.channels.port import Accepted, Final, HandedOff, Retry, Unknown
from leadtui.channels.reports import Inbound, Preference, StatusUpdate
from leadtui.errors import Invalid, NotFound, NotPermitted
from leadtui.services import consent, events, inbound, leads, messages, notifying, suppressions
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import ONE_ENGINE, acting_as, add, add_users
from .message_help import (
    NAME,
    Scripted,
    campaign,
    change,
    history,
    row,
    scripted,
    send,
    states,
    to_leads,
)

__all__ = ["notifying", "scripted"]

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def report(office: Office, state: str, **named: Any) -> bool:
    with office.as_system() as tx:
        return messages.apply_status(tx, state=state, at=AT, by="webhook", **named)


def open_events(office: Office, kind: str) -> list[int | None]:
    with office.store.read() as tx:
        return list(tx.conn.execute(select(t.event.c.lead_id).where(t.event.c.kind == kind)).scalars())


# -- reports -----------------------------------------------------------------------------------------------------------
def test_reports_never_take_anything_back(office: Office, scripted: Scripted) -> None:
    (one,) = to_leads(office, [add(office)], campaign(office))
    scripted.answers = [Accepted("w1")]
    send(office)
    assert report(office, "read", provider_id="w1") and not report(office, "delivered", provider_id="w1")
    assert not report(office, "failed", provider_id="w1") and not report(office, "read", provider_id="w1")
    kept = row(office, one)
    assert kept.state == "read" and kept.sent_at == kept.delivered_at == kept.read_at == AT
    with pytest.raises(NotFound, match="no message"):
        report(office, "sent", provider_id="w2")


@ONE_ENGINE
def test_a_failure_may_follow_and_says_so_on_the_timeline(office: Office, scripted: Scripted) -> None:
    lead = add(office)
    (one,) = to_leads(office, [lead], campaign(office))
    scripted.answers = [Accepted("w1")]
    send(office)
    assert report(office, "sent", provider_id="w1") and report(office, "failed", provider_id="w1", code="131026")
    assert (row(office, one).reason, row(office, one).error) == ("reported", "[131026]")
    with office.store.read() as tx:
        said = tx.conn.execute(select(t.activity.c.outcome_note).where(t.activity.c.id == row(office, one).activity_id))
        assert said.scalar() == "not delivered: [131026]"
    assert not report(office, "sent", provider_id="w1") and report(office, "delivered", provider_id="w1")


def test_a_report_settles_what_nobody_knew_and_stops_a_second_try(office: Office, scripted: Scripted) -> None:
    lost, again = to_leads(office, [add(office), add(office, "0733000111")], campaign(office))
    scripted.answers = [Unknown("timeout", "no answer"), Retry(1, "busy", "later")]
    send(office)
    assert states(office, [lost, again]) == ["unknown", "retry"]
    assert report(office, "delivered", message_id=lost, provider_id="w1") and row(office, lost).provider_id == "w1"
    assert report(office, "sent", message_id=again) and states(office, [lost, again]) == ["delivered", "sent"]
    assert row(office, again).next_at is None and len(scripted.sent) == 2


def test_a_webhook_may_be_faster_than_our_own_commit(office: Office, scripted: Scripted) -> None:
    lead = add(office)
    (one,) = to_leads(office, [lead], campaign(office))

    def told_first(message: Any) -> Any:
        assert report(office, "delivered", message_id=message.message_id)
        return Accepted("w1")

    scripted.answers = [told_first]
    assert send(office) == {"sent": 1}
    kept = row(office, one)
    assert (kept.state, kept.provider_id) == ("delivered", "w1") and history(office, one)[-1] == "delivered"
    assert [a.type for a in leads.get(office, lead).activities].count("whatsapp") == 1


# -- what people decide ------------------------------------------------------------------------------------------------
def test_a_person_says_whether_it_went(office: Office, scripted: Scripted) -> None:
    ids = to_leads(office, [add(office), add(office, "0733000111"), add(office, "0744000111")], campaign(office))
    scripted.answers = [HandedOff("https://wa.me/1"), Unknown("timeout", "?"), Final("x", "never")]
    send(office)
    total, asked = messages.waiting_for_confirmation(office)
    assert total == 1 and (asked[0].id, asked[0].link) == (ids[0], "https://wa.me/1")
    done = messages.resolve(office, ids, True)
    assert done.count == 2 and done.refused == ((ids[2], "it is failed: nothing is to be confirmed"),)
    assert states(office, ids) == ["sent", "sent", "failed"] and row(office, ids[0]).confirmed_by_id == office.user_id
    assert messages.get(office, ids[0]).row.confirmed_by == "boss" and messages.unknown_ones(office)[0] == 0
    with office.store.read() as tx:
        found = messages.counts(tx, [row(office, ids[0]).campaign_id]).popitem()[1]
    assert (found.total, found.sent, found.failed, found.unknown, found.pending) == (3, 2, 1, 0, 0)


@ONE_ENGINE
def test_what_did_not_go_may_be_tried_again_by_a_person_only(office: Office, scripted: Scripted) -> None:
    (one,) = to_leads(office, [add(office)], campaign(office))
    scripted.answers = [Unknown("timeout", "?")]
    send(office)
    assert messages.resolve(office, [one], False).count == 1 and send(office) == {}
    assert (row(office, one).state, row(office, one).reason) == ("failed", "not_sent")
    assert messages.retry(office, [one]).count == 1
    change(office, one, next_at=None)
    assert send(office) == {"sent": 1} and len(scripted.sent) == 2


def test_one_decides_only_on_what_one_may(office: Office, scripted: Scripted) -> None:
    add_users(office, "tom:agent")
    mine, other = add(office, assigned_to="tom"), add(office, "0733000111")
    ids = to_leads(office, [mine, other])
    scripted.answers = [Unknown("t", "?"), Unknown("t", "?")]
    send(office)
    with acting_as(office, "tom") as tom:
        assert [one.id for one in messages.of_lead(tom, mine)] == [ids[0]]
        assert messages.unknown_ones(tom)[0] == 1
        with pytest.raises(NotFound):
            messages.resolve(tom, [ids[1]], True)
        assert messages.resolve(tom, ids, True) == messages.Resolved(1, ((ids[1], "there is no such message"),))
        with pytest.raises(NotFound):
            messages.get(tom, ids[1])
        with pytest.raises(NotPermitted):
            messages.unplaced(tom)


def test_what_has_not_begun_can_be_taken_back(office: Office, scripted: Scripted) -> None:
    which = campaign(office)
    ids = to_leads(office, [add(office), add(office, "0733000111"), add(office, "0744000111")], which)
    assert messages.withdraw(office, ids[:1]).count == 1
    with office.write() as tx:
        assert messages.cancel_waiting(tx, "cancelled", campaign_id=which) == 2
        with pytest.raises(ValueError, match="of which"):
            messages.cancel_waiting(tx, "cancelled")
    assert states(office, ids) == ["skipped"] * 3 and send(office) == {}
    total, found = messages.of_campaign(office, which, state="skipped")
    assert total == 3 and {one.reason for one in found} == {"withdrawn", "cancelled"}


# -- what comes in -----------------------------------------------------------------------------------------------------
def came(office: Office, text: str, address: str = "+254722000111", **more: Any) -> inbound.Received:
    with office.as_system() as tx:
        given = {"channel": "whatsapp_cloud", "provider_id": text, "at": AT, "text": text, "address": address} | more
        return inbound.receive(tx, Inbound(**given))


def test_an_answer_belongs_to_every_lead_of_the_phone(office: Office) -> None:
    add_users(office, "tom:agent")
    first = add(office, assigned_to="tom")
    second = add(office, "0733000111", alt_phone="0722000111")
    got = came(office, "Yes please", user_id="KE.99")
    assert set(got.lead_ids) == {first, second} and got.is_new and not got.is_stop
    assert not came(office, "Yes please").is_new, "told twice is one message"
    for lead in (first, second):
        (message,) = messages.of_lead(office, lead)
        assert (message.direction, message.state, message.body) == ("in", "received", "Yes please")
        assert leads.get(office, lead).activities[0].subject == "WhatsApp: answered"
    assert sorted(open_events(office, inbound.REPLIED)) == sorted([first, second])
    assert set(came(office, "and now by name only", address="", user_id="KE.99").lead_ids) == {first, second}
    with office.store.read() as tx:
        n = t.notification.c
        told = tx.conn.execute(select(n.text, n.lead_id).where(n.kind == "reply").order_by(n.id)).all()
    assert tuple(told[0]) == ("answered on whatsapp_cloud: Yes please", first)
    assert events.handle_open(office) and all(kind in events.HANDLERS for kind in (inbound.REPLIED, inbound.OPTED_OUT))


@ONE_ENGINE
@pytest.mark.parametrize("word", ["STOP", " stop! ", "«Stop.»", "ACHA", "un-subscribe", "Stop all"])
def test_stop_words_in_any_spelling(office: Office, word: str) -> None:
    lead = add(office)
    got = came(office, word)
    stops = word not in {"un-subscribe", "Stop all"}
    assert got.is_stop is stops
    if stops:
        assert leads.get(office, lead).fields["consent"] == "refused"
        assert open_events(office, inbound.OPTED_OUT) == [lead] and not open_events(office, inbound.REPLIED)
        with office.store.read() as tx:
            assert suppressions.is_suppressed(tx, "+254722000111", "sms")


@ONE_ENGINE
def test_a_sentence_with_the_word_stops_nothing(office: Office) -> None:
    lead = add(office)
    assert not came(office, "please don't stop the router").is_stop
    assert leads.get(office, lead).fields["consent"] is None


def test_somebody_unknown_is_kept_and_his_stop_counts(office: Office) -> None:
    assert came(office, "Stop", address="+254799000111").lead_ids == ()
    total, found = messages.unplaced(office)
    assert total == 1 and (found[0].address, found[0].lead_id) == ("+254799000111", None)
    lead = add(office, "0799000111")
    with office.store.read() as tx:
        kept = tx.conn.execute(select(t.lead).where(t.lead.c.id == lead)).mappings().one()
        assert consent.judge(tx, kept, "sms", "+254799000111", purpose="single") == "suppressed"


@ONE_ENGINE
def test_stopping_one_kind_of_channel_at_the_provider(office: Office) -> None:
    lead = add(office, email="a@b.example")
    with office.as_system() as tx:
        stop = Preference("whatsapp_cloud", False, AT, address="+254722000111")
        assert inbound.apply(tx, stop, "webhook") and suppressions.is_suppressed(tx, "+254722000111", "manual")
        assert not suppressions.is_suppressed(tx, "+254722000111", "sms")
        inbound.apply(
            tx, Preference("whatsapp_cloud", True, AT - timedelta(days=1), address="+254722000111"), "webhook"
        )
        assert suppressions.is_suppressed(tx, "+254722000111", "whatsapp_web"), "an earlier wish lifts nothing"
        inbound.apply(tx, Preference("whatsapp_cloud", True, tx.now, address="+254722000111"), "webhook")
        assert not suppressions.is_suppressed(tx, "+254722000111", "whatsapp_web")
    assert open_events(office, inbound.OPTED_OUT) == [lead]


@ONE_ENGINE
def test_any_report_goes_its_way(office: Office, scripted: Scripted) -> None:
    (one,) = to_leads(office, [add(office)])
    scripted.answers = [Accepted("w1")]
    send(office)
    with office.as_system() as tx:
        assert inbound.apply(tx, StatusUpdate(NAME, "delivered", AT, provider_id="w1"), "webhook")
    assert came(office, "thanks", reply_to="w1").is_new and states(office, [one]) == ["read"]


# -- who wants nothing -------------------------------------------------------------------------------------------------
def test_the_list_outlives_its_leads_and_is_lifted_with_a_reason(office: Office) -> None:
    first = suppressions.add(office, "0722 000 111", note="on the phone")
    assert suppressions.add(office, "+254722000111").id == first.id and first.by == "boss"
    second = suppressions.add(office, "A@b.example", channel="email")
    assert [one.id for one in suppressions.list_all(office, search="0722")[1]] == [first.id]
    assert suppressions.list_all(office, search="PHONE")[0] == 1 and suppressions.list_all(office, channel="")[0] == 1
    assert suppressions.find(office, "a@B.example") == second.id
    with pytest.raises(Invalid, match="reason"):
        suppressions.lift(office, first.id, reason=" ")
    assert suppressions.lift(office, first.id, reason="asked again").address == "+254722000111"
    for wrong in ("nobody", "0711000111"):
        with pytest.raises((NotFound, Invalid)):
            suppressions.find(office, wrong)
    with pytest.raises(NotFound, match="pigeon"):
        suppressions.add(office, "0722000111", channel="pigeon")
    add_users(office, "tom:agent", "ann:technician")
    with acting_as(office, "tom") as tom:
        assert suppressions.add(tom, "0711000111").by == "tom"
        with pytest.raises(NotPermitted):
            suppressions.lift(tom, second.id, reason="x")
    with office.store.read() as tx:
        a = t.audit.c
        said = list(tx.conn.execute(select(a.action).where(a.entity == "suppression").order_by(a.id)).scalars())
    assert said == ["suppress", "suppress", "lift", "suppress"]


def test_lists_come_in_and_go_out(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Phone,Channel,Note\n0722000111,,=bad()\n0722 000 111,sms,\nnonsense,,\nA@b.example,,\n", "utf-8")
    dry = suppressions.import_(office, file, dry_run=True)
    assert (dry.rows, dry.added, dry.known, dry.failed_count) == (4, 3, 0, 1) and suppressions.list_all(office)[0] == 0
    done = suppressions.import_(office, file)
    assert done.failed[0][:2] == (4, "nonsense") and suppressions.list_all(office)[0] == 3
    out = io.BytesIO()
    assert suppressions.export(office, out) == 3 and b"'=bad()" in out.getvalue()
    again = suppressions.import_(office, out.getvalue().decode())
    assert (again.rows, again.added, again.known) == (3, 0, 3)
    assert suppressions.import_(office, "0733000111\n\n0744000111\n").added == 2
