"""The engine: what goes out, once and at its rate, what comes of it, and what processes leave behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from leadtui import clock
from leadtui.channels.port import Accepted, Final, HandedOff, Pause, Retry, Sent, StatusUpdate, Unknown
from leadtui.errors import Invalid, NotFound, NotPermitted, Refused
from leadtui.services import channels, leads, lifecycle, messages, sending, sending_calls, settings, suppressions
from leadtui.services import sending_claims as claims
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import ONE_ENGINE, acting_as, add, add_users
from .message_help import (
    NAME,
    Scripted,
    campaign,
    campaign_row,
    change,
    history,
    lease_of,
    most_in_a_window,
    row,
    scripted,
    send,
    states,
    to_leads,
)

__all__ = ["scripted"]

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
Move = Callable[[datetime], None]


@pytest.fixture(autouse=True)
def _noon(frozen_clock: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still, for PostgreSQL too, whose own clock counts otherwise."""
    from leadtui.services import message_moves, sending_outcomes, throttles

    for module in (messages, sending, claims, sending_outcomes, message_moves, throttles):
        monkeypatch.setattr(module, "moment", lambda _tx: clock.now())


def people(office: Office, count: int) -> list[int]:
    return [add(office, f"07220001{n:02}", name=f"Lead {n}") for n in range(count)]


# -- the way of a message ----------------------------------------------------------------------------------------------
def test_a_message_goes_once_and_stands_on_the_timeline(office: Office, scripted: Scripted) -> None:
    lead = people(office, 1)[0]
    ids = to_leads(office, [lead], campaign(office))
    assert send(office) == {"sent": 1} and send(office) == {}
    assert [one.text for one in scripted.sent] == [f"Hi {lead}"] and scripted.sent[0].address == "+254722000100"
    kept = row(office, ids[0])
    assert (kept.state, kept.provider_id, kept.sent_at, kept.claim_token) == ("sent", f"id-{ids[0]}", NOON, None)
    assert history(office, ids[0]) == ["pending", "sending", "sent"]
    found = leads.get(office, lead)
    assert found.activities[0].type == "whatsapp" and found.activities[0].subject == "WhatsApp: May"
    with office.store.read() as tx:
        one = tx.conn.execute(select(t.activity).where(t.activity.c.id == kept.activity_id)).one()
        assert (one.direction, one.metadata_json["message"]) == ("outbound", ids[0])
        assert tx.conn.execute(select(t.lead.c.last_activity_at).where(t.lead.c.id == lead)).scalar() == NOON


def test_the_same_message_cannot_be_made_twice(office: Office, scripted: Scripted) -> None:
    lead, which = people(office, 1)[0], campaign(office)
    to_leads(office, [lead], which)
    with office.write() as tx:
        again = messages.Draft("broadcast", NAME, "+254722000100", "Hi", lead_id=lead, campaign_id=which)
        assert messages.enqueue(tx, again) is None
        key = messages.Draft("drip", NAME, "+254722000100", "Hi", lead_id=lead, dedupe_key="d1:0")
        assert messages.enqueue(tx, key) and messages.enqueue(tx, key) is None
        assert messages.enqueue_many(tx, [again, key, messages.Draft("single", NAME, "a@B.example", "x")]) == 1
        found = tx.conn.execute(select(t.message.c.address_key).order_by(t.message.c.id.desc())).scalars().first()
        assert found == "a@b.example"


@ONE_ENGINE
@pytest.mark.parametrize(
    ("answer", "state", "counted"),
    [
        (Accepted("wamid.1"), "accepted", "sent"),
        (Sent(), "sent", "sent"),
        (HandedOff("https://wa.me/1"), "handed_off", "handed_off"),
        (Retry(5, "busy", "try later"), "retry", "retried"),
        (Final("131026", "not on WhatsApp"), "failed", "messages_failed"),
        (Unknown("timeout", "no answer", id="wamid.9"), "unknown", "messages_unknown"),
    ],
)
def test_every_answer_has_its_state(office: Office, scripted: Scripted, answer: Any, state: str, counted: str) -> None:
    ids = to_leads(office, people(office, 1), campaign(office))
    scripted.answers = [answer]
    assert send(office) == {counted: 1}
    assert states(office, ids) == [state] and send(office) == {} and len(scripted.sent) == 1
    detail = messages.get(office, ids[0])
    assert detail.row.link == getattr(answer, "link", None) and detail.events[-1].state == state


@ONE_ENGINE
def test_what_a_channel_raises_is_unknown(office: Office, scripted: Scripted) -> None:
    def breaks(_message: object) -> Any:
        raise KeyError("wamid")

    ids = to_leads(office, people(office, 1), campaign(office))
    scripted.answers = [breaks]
    assert send(office) == {"messages_unknown": 1} and "KeyError" in (row(office, ids[0]).error or "")


# -- trying again ------------------------------------------------------------------------------------------------------
@ONE_ENGINE
def test_what_may_be_tried_again_is_with_pauses_and_not_for_ever(
    office: Office, scripted: Scripted, frozen_clock: Move
) -> None:
    ids = to_leads(office, people(office, 1), campaign(office, max_retries=2))
    scripted.answers = [Retry(5, "busy", "later")] * 3
    waited = []
    for _ in range(2):
        assert send(office) == {"retried": 1}
        kept = row(office, ids[0])
        waited.append((kept.next_at - clock.now()).total_seconds())
        frozen_clock(kept.next_at - timedelta(seconds=1))
        assert send(office) == {}
        frozen_clock(kept.next_at)
    assert 60.5 <= waited[0] <= 73 and 121 <= waited[1] <= 146
    assert send(office) == {"messages_failed": 1}
    kept = row(office, ids[0])
    assert (kept.state, kept.reason, kept.retry_count, kept.error) == ("failed", "retries", 2, "[busy] later")
    assert messages.retry(office, campaign_id=kept.campaign_id).count == 1
    frozen_clock(clock.now() + timedelta(seconds=61))
    assert send(office) == {"sent": 1}


@ONE_ENGINE
def test_no_retry_fails_at_once_and_a_provider_may_set_its_own_limit(office: Office, scripted: Scripted) -> None:
    first = to_leads(office, people(office, 1), campaign(office, auto_retry=False))
    scripted.answers = [Retry(5, "busy", "later"), Retry(90_000, "131049", "parked", most=0)]
    assert send(office) == {"messages_failed": 1}
    second = to_leads(office, [add(office, "0733000111")], campaign(office))
    assert send(office) == {"messages_failed": 1} and states(office, first + second) == ["failed", "failed"]


def test_a_throttle_of_the_provider_holds_back_the_whole_account(
    office: Office, scripted: Scripted, frozen_clock: Move
) -> None:
    ids = to_leads(office, people(office, 3), campaign(office))
    scripted.answers = [Retry(300, "130429", "too fast", scope="account")]
    assert send(office) == {"retried": 1} and len(scripted.sent) == 1
    assert row(office, ids[0]).retry_count == 0
    with office.store.read() as tx:
        from leadtui.services import throttles

        assert throttles.may_send(tx, NAME) == NOON + timedelta(seconds=300)
    frozen_clock(NOON + timedelta(seconds=301))
    assert send(office) == {"sent": 3}


@ONE_ENGINE
def test_what_is_final_is_not_tried_again_and_may_suppress(office: Office, scripted: Scripted) -> None:
    ids = to_leads(office, people(office, 2), campaign(office))
    scripted.answers = [Final("131050", "wants none", suppress="stopped_marketing"), Final("131026", "no WhatsApp")]
    assert send(office) == {"messages_failed": 2}
    assert messages.retry(office, ids).count == 0
    total, found = suppressions.list_all(office)
    assert total == 1 and (found[0].channel, found[0].reason) == ("whatsapp", "stopped_marketing")


# -- pauses ------------------------------------------------------------------------------------------------------------
def test_trouble_with_the_account_pauses_campaigns_and_spends_no_message(office: Office, scripted: Scripted) -> None:
    which, other = campaign(office), campaign(office, name="June")
    ids = to_leads(office, people(office, 2), which)
    scripted.answers = [Pause("190", "the token ran out", "account")]
    assert send(office) == {"held_back": 1} and states(office, ids) == ["pending", "pending"]
    for one in (which, other):
        assert (campaign_row(office, one).status, campaign_row(office, one).pause_reason) == ("paused", "account")
    assert channels.get(office, NAME).stopped_code == "190" and send(office) == {}
    with office.store.read() as tx:
        told = list(tx.conn.execute(select(t.notification.c.text)).scalars())
    assert any("the token ran out" in text and "May" in text for text in told)
    channels.resume(office, NAME)
    with office.write() as tx:
        tx.conn.execute(t.campaign.update().where(t.campaign.c.id == which).values(status="active"))
    assert send(office) == {"sent": 2}


@ONE_ENGINE
def test_a_pause_of_one_campaign_lets_the_others_go_on(office: Office, scripted: Scripted) -> None:
    one, two = people(office, 2)
    which, other = campaign(office), campaign(office)
    ids = to_leads(office, [one], which) + to_leads(office, [two], other)
    scripted.answers = [Pause("132015", "the template is paused", "campaign")]
    assert send(office) == {"held_back": 1, "sent": 1} and states(office, ids) == ["pending", "sent"]
    assert campaign_row(office, which).pause_reason == "132015" and campaign_row(office, other).status == "active"


@ONE_ENGINE
def test_failures_one_after_another_pause_the_campaign(office: Office, scripted: Scripted) -> None:
    settings.set_setting(office, "max_failures", "3")
    which = campaign(office)
    ids = to_leads(office, people(office, 7), which)
    bad = Final("131026", "no WhatsApp")
    scripted.answers = [bad, bad, Sent("x"), bad, bad, bad]
    assert send(office) == {"messages_failed": 5, "sent": 1}
    assert states(office, ids)[-1] == "pending" and campaign_row(office, which).pause_reason == "failures"
    assert "3 messages failed" in campaign_row(office, which).pause_text


@ONE_ENGINE
def test_a_pause_by_a_person_acts_before_the_next_message(office: Office, scripted: Scripted) -> None:
    which = campaign(office)
    ids = to_leads(office, people(office, 4), which)

    def pause(_message: object) -> Any:
        with office.write() as tx:
            tx.conn.execute(t.campaign.update().where(t.campaign.c.id == which).values(status="paused"))
        return Sent("x")

    scripted.answers = [pause]
    assert send(office) == {"sent": 1} and states(office, ids) == ["sent", "pending", "pending", "pending"]
    assert row(office, ids[1]).claim_token is None


@ONE_ENGINE
def test_a_half_frozen_campaign_is_not_sent(office: Office, scripted: Scripted) -> None:
    to_leads(office, people(office, 1), campaign(office, frozen_at=None))
    assert send(office) == {} and not scripted.sent


# -- judged again ------------------------------------------------------------------------------------------------------
def test_who_must_not_be_written_to_any_more_is_skipped_at_the_last_moment(office: Office, scripted: Scripted) -> None:
    wants, stopped, refused, lost, gone = people(office, 5)
    ids = to_leads(office, [wants, stopped, refused, lost, gone], campaign(office))
    suppressions.add(office, "0722 000 101", note="said so on the phone")
    leads.edit(office, refused, {"consent": "refused"})
    lifecycle.lose(office, lost, "too expensive")
    lifecycle.delete(office, gone)
    assert send(office) == {"sent": 1, "skipped": 4}
    assert [row(office, one).reason for one in ids] == [None, "suppressed", "refused", "lost", "deleted"]


@ONE_ENGINE
def test_consent_may_be_required(office: Office, scripted: Scripted) -> None:
    settings.set_setting(office, "consent", "required")
    given, unknown = people(office, 2)
    leads.edit(office, given, {"consent": "given"})
    ids = to_leads(office, [given, unknown], campaign(office))
    assert send(office) == {"sent": 1, "skipped": 1} and row(office, ids[1]).reason == "no_consent"


# -- the rate ----------------------------------------------------------------------------------------------------------
def test_no_window_of_sixty_seconds_holds_more_than_the_rate(
    office: Office, scripted: Scripted, frozen_clock: Move
) -> None:
    to_leads(office, people(office, 12), campaign(office, per_minute=4))
    at, wired = NOON, []
    for _ in range(1000):
        before = len(scripted.sent)
        send(office)
        wired += [at] * (len(scripted.sent) - before)
        if len(wired) == 12:
            break
        at += timedelta(seconds=7)
        frozen_clock(at)
    assert len(wired) == 12 and most_in_a_window(wired) == 4 and wired[3] == NOON
    assert wired[-1] - NOON <= timedelta(seconds=140)


def test_a_message_in_flight_counts_for_as_long_as_it_is(
    office: Office, scripted: Scripted, frozen_clock: Move
) -> None:
    which = campaign(office, per_minute=1)
    ids = to_leads(office, people(office, 2), which)

    def slow(_message: object) -> Any:
        frozen_clock(NOON + timedelta(seconds=50))  # its answer comes late: it touched the wire at any time before
        return Sent("x")

    scripted.answers = [slow]
    assert send(office) == {"sent": 1}
    frozen_clock(NOON + timedelta(seconds=70))
    assert send(office) == {}
    frozen_clock(NOON + timedelta(seconds=111))
    assert send(office) == {"sent": 1} and states(office, ids) == ["sent", "sent"]


@ONE_ENGINE
def test_limits_of_the_account_hold_for_all_its_campaigns(
    office: Office, scripted: Scripted, frozen_clock: Move
) -> None:
    scripted.caps_ |= {"per_minute": 3}
    leads_ = people(office, 4)
    to_leads(office, leads_[:2], campaign(office))
    to_leads(office, leads_[2:], campaign(office))
    assert send(office) == {"sent": 3}
    frozen_clock(NOON + timedelta(seconds=61))
    assert send(office) == {"sent": 1}


@ONE_ENGINE
def test_some_channels_are_spaced_evenly(office: Office, scripted: Scripted, frozen_clock: Move) -> None:
    scripted.caps_ |= {"per_minute": 4, "spaced": True, "lease": "chan:x"}
    to_leads(office, people(office, 3), campaign(office))
    assert send(office) == {}, "without the lease it is left alone"
    assert send(office, exclusive=lease_of) == {"sent": 1}
    frozen_clock(NOON + timedelta(seconds=14))
    assert send(office, exclusive=lease_of) == {}
    frozen_clock(NOON + timedelta(seconds=15))
    assert send(office, exclusive=lease_of) == {"sent": 1}


def test_so_many_different_people_a_day(office: Office, scripted: Scripted, frozen_clock: Move) -> None:
    scripted.caps_ |= {"daily_unique": 2}
    ids = to_leads(office, people(office, 3), campaign(office))
    assert send(office) == {"sent": 2}
    again = to_leads(office, [1], is_urgent=True)
    assert send(office) == {"sent": 1}, "who was written to today is no new one"
    frozen_clock(NOON + timedelta(hours=23))
    assert send(office) == {}
    frozen_clock(NOON + timedelta(hours=24, seconds=1))
    assert send(office) == {"sent": 1} and states(office, [*ids, *again]) == ["sent"] * 4


def test_seconds_between_two_to_the_same_address(office: Office, scripted: Scripted, frozen_clock: Move) -> None:
    scripted.caps_ |= {"gap_s": 6}
    lead = people(office, 1)[0]
    ids = to_leads(office, [lead, lead, add(office, "0733000111")])
    assert send(office) == {"sent": 2} and row(office, ids[1]).next_at == NOON + timedelta(seconds=6)
    frozen_clock(NOON + timedelta(seconds=6))
    assert send(office) == {"sent": 1}


@ONE_ENGINE
def test_quiet_hours_hold_back_what_is_not_urgent(office: Office, scripted: Scripted, frozen_clock: Move) -> None:
    night = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)  # 22:00 in Nairobi
    morning = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
    frozen_clock(night)
    one, two, three = people(office, 3)
    to_leads(office, [one], campaign(office, quiet_hours=None))
    stage = to_leads(office, [two], purpose="stage")
    to_leads(office, [three], is_urgent=True)
    assert send(office) == {"sent": 1} and row(office, stage[0]).next_at == morning
    frozen_clock(morning)
    assert send(office) == {"sent": 2}


@ONE_ENGINE
def test_automatic_messages_obey_the_cap_of_a_day(office: Office, scripted: Scripted, frozen_clock: Move) -> None:
    lead = people(office, 1)[0]
    drip = to_leads(office, [lead], purpose="drip") + to_leads(office, [lead], purpose="trigger")
    to_leads(office, [lead])
    assert send(office) == {"sent": 2} and row(office, drip[1]).next_at == NOON + timedelta(hours=24)
    settings.set_setting(office, "frequency_cap", "0")
    change(office, drip[1], next_at=None)
    assert send(office) == {"sent": 1}


# -- what others left --------------------------------------------------------------------------------------------------
def test_what_a_dead_process_left_waits_again_or_is_unknown(
    office: Office, scripted: Scripted, frozen_clock: Move
) -> None:
    ids = to_leads(office, people(office, 3), campaign(office))
    elsewhere = "other-host/12/boot/ns/99/1"
    until = NOON + timedelta(seconds=60)
    for one, state in zip(ids, ("claimed", "sending", "pending"), strict=True):
        change(office, one, state=state, claim_token="x", claimed_by=elsewhere, claimed_until=until, sending_at=NOON)
    assert send(office) == {"sent": 1} and states(office, ids) == ["claimed", "sending", "sent"]
    frozen_clock(until)
    assert send(office) == {"messages_unknown": 1, "sent": 1} and states(office, ids) == ["sent", "unknown", "sent"]
    assert len(scripted.sent) == 2 and send(office) == {}
    total, found = messages.unknown_ones(office)
    assert total == 1 and found[0].id == ids[1] and "other-host/12" in (found[0].error or "")


def test_who_comes_back_from_the_dead_settles_his_own(office: Office, scripted: Scripted, frozen_clock: Move) -> None:
    ids = to_leads(office, people(office, 2), campaign(office))

    def frozen(_message: object) -> Any:
        frozen_clock(NOON + timedelta(minutes=10))
        assert sending.sweep(office) == 2 - len(scripted.sent) or True
        return Accepted("wamid.late")

    scripted.answers = [frozen]
    send(office, limit=1)
    assert history(office, ids[0]) == ["pending", "sending", "unknown", "accepted"]
    # one that was stopped before its call knows that nothing left
    with office.store.read() as tx:
        group = claims.waiting_groups(tx, NAME)[0]
    (one,), token = claims.claim_some(office, group, 1)
    begun = claims.begin(office, one, token, 30)
    assert isinstance(begun, claims.Begun)
    frozen_clock(NOON + timedelta(minutes=20))
    assert sending.sweep(office) == 1 and states(office, [one]) == ["unknown"]
    assert claims.put_back(office, begun) and states(office, [one]) == ["pending"]
    assert row(office, one).sending_at is None and send(office) == {"sent": 1}


def test_a_claim_that_passed_to_another_is_worth_nothing(
    office: Office, scripted: Scripted, frozen_clock: Move
) -> None:
    to_leads(office, people(office, 1), campaign(office))
    with office.store.read() as tx:
        group = claims.waiting_groups(tx, NAME)[0]
    (one,), token = claims.claim_some(office, group, 1)
    frozen_clock(NOON + timedelta(minutes=2))
    sending.sweep(office)
    assert send(office) == {"sent": 1}
    assert claims.begin(office, one, token, 30) == claims.Held() and states(office, [one]) == ["sent"]


@ONE_ENGINE
def test_whoever_leaves_gives_back_what_was_not_begun(office: Office, scripted: Scripted) -> None:
    ids = to_leads(office, people(office, 3), campaign(office))
    stop: list[bool] = []
    scripted.answers = [lambda _message: (stop.append(True), Sent("x"))[1]]
    assert send(office, may_go_on=lambda: not stop) == {"sent": 1}
    assert states(office, ids) == ["sent", "pending", "pending"] and scripted.closed == 1


# -- reports -----------------------------------------------------------------------------------------------------------
def test_polling_moves_messages_on(office: Office, scripted: Scripted, frozen_clock: Move) -> None:
    scripted.caps_ |= {"can_poll": True}
    ids = to_leads(office, people(office, 2), campaign(office))
    scripted.answers = [Accepted("a"), Unknown("timeout", "?", id="b")]
    send(office)
    scripted.told = [
        StatusUpdate(NAME, "delivered", NOON, provider_id="a"), StatusUpdate(NAME, "failed", NOON, provider_id="b"),
        StatusUpdate(NAME, "sent", NOON, provider_id="nobody"),
    ]  # fmt: skip
    assert sending.poll_due(office, may_go_on=lambda: True) == 2 and sorted(scripted.asked) == ["a", "b"]
    assert states(office, ids) == ["delivered", "failed"]
    assert sending.poll_due(office, may_go_on=lambda: True) == 0 and len(scripted.asked) == 2


# -- one's own ---------------------------------------------------------------------------------------------------------
def test_a_persons_message_goes_at_once(office: Office, scripted: Scripted, frozen_clock: Move) -> None:
    frozen_clock(datetime(2026, 11, 20, 20, 0, tzinfo=UTC))
    one, two = to_leads(office, people(office, 2), is_urgent=True, priority=0)
    assert sending.send_now(office, two).state == "sent" and states(office, [one]) == ["pending"]
    with pytest.raises(NotFound):
        sending.send_now(office, 999)
    add_users(office, "tom:agent")
    with acting_as(office, "tom") as tom, pytest.raises(NotFound):
        sending.send_now(tom, one)


@ONE_ENGINE
def test_a_test_is_marked_not_counted_and_bypasses_suppression(office: Office, scripted: Scripted) -> None:
    which = campaign(office, status="draft", quiet_hours="00:00-23:59")
    suppressions.add(office, "0722000999")
    row_ = sending.send_test(office, NAME, "0722 000 999", "Hi {name}", campaign_id=which)
    assert (row_.state, row_.body, row_.purpose) == ("sent", "TEST: Hi {name}", "test")
    with office.store.read() as tx:
        assert messages.counts(tx, [which])[which].total == 0
    with pytest.raises(Invalid):
        sending.send_test(office, NAME, "a@b.example", "Hi")
    scripted.answers = [Pause("190", "no token")]
    with pytest.raises(Refused, match="no token"):
        sending.send_test(office, NAME, "0722000999", "Hi")
    assert channels.get(office, NAME).stopped_code is None, "a test stops nothing"
    scripted.caps_ |= {"per_minute": 1}
    with pytest.raises(Refused, match="the next message at"):
        sending.send_test(office, NAME, "0722000999", "Hi")
    add_users(office, "tom:technician")
    with acting_as(office, "tom") as tom, pytest.raises(NotPermitted):
        sending.send_test(tom, NAME, "0722000999", "Hi")


@ONE_ENGINE
def test_a_channel_that_hangs_is_left_alone_and_may_still_answer(
    office: Office, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = to_leads(office, people(office, 2), campaign(office))
    go_on = threading.Event()
    monkeypatch.setattr(sending_calls, "DEADLINE_S", 0.05)

    def hangs(_message: object) -> Any:
        go_on.wait(20)
        return Accepted("late")

    scripted.answers = [hangs]
    assert send(office) == {"messages_unknown": 1} and states(office, ids) == ["unknown", "pending"]
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "leadtui-call":
            thread.join(20)
    assert states(office, ids) == ["accepted", "pending"] and send(office) == {"sent": 1}
