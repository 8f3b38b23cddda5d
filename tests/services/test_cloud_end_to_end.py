"""A campaign over the Cloud API from the first claim to the last report: each recipient ends in the right state.

The double throttles, lets the token run out, pauses the template, answers nothing, reports late, twice and out of
order. Whatever it does, nobody is written to twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from leadtui import clock
from leadtui.errors import NotPermitted
from leadtui.services import campaigns, channels, inbox, messages, sending, webhooks
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.channels.cloud_double import CloudDouble

from .lead_help import add
from .message_help import campaign, campaign_row, send, states, to_leads

Move = Callable[[datetime], None]
NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

PLANS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "plain": (("accept",), "read", 1),
    "throttled": (("throttle", "accept"), "read", 1),
    "busy": (("busy", "accept"), "read", 1),
    "pair": (("pair", "accept"), "read", 1),
    "lost": (("lost",), "read", 1),
    "after plain": (("accept",), "read", 1),
    "no id": (("no_id",), "read", 1),
    "gateway": (("html_after",), "read", 1),
    "token": (("expired", "accept"), "read", 1),
    "template": (("paused", "accept"), "read", 1),
    "not there": (("not_on_whatsapp",), "failed", 0),
    "stopped": (("stopped",), "failed", 0),
    "nobody knows": (("html",), "unknown", 0),
    "last": (("accept",), "read", 1),
}
"""A lead → how its messages fare, the state it must end in, and how often it may have been written to."""


@pytest.fixture
def meta() -> Iterator[CloudDouble]:
    with CloudDouble() as running:
        yield running


@pytest.fixture(autouse=True)
def _noon(frozen_clock: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still, for PostgreSQL too, whose own clock counts otherwise."""
    from leadtui.services import message_moves, sending_claims, sending_outcomes, throttles

    for module in (messages, sending, sending_claims, sending_outcomes, message_moves, throttles, inbox):
        monkeypatch.setattr(module, "moment", lambda _tx: clock.now())


def prepare(office: Office, meta: CloudDouble) -> tuple[int, dict[str, int]]:
    """An account, a lead for each plan, and a running campaign with a template; its id and the messages by plan."""
    channels.set_account(office, "whatsapp_cloud", meta.settings(), meta.secrets())
    leads = {name: add(office, f"07220001{place:02}", name=name) for place, name in enumerate(PLANS)}
    for place, (plan, _, _) in enumerate(PLANS.values()):
        meta.behave(f"+2547220001{place:02}", *plan)
    which = campaign(office, channel="whatsapp_cloud", max_retries=5)
    template = {"name": "offer", "language": "en", "params": ["Amina"]}
    made = to_leads(office, leads.values(), which, channel="whatsapp_cloud", provider_json=template)
    return which, dict(zip(leads, made, strict=True))


def run(office: Office, which: int, meta: CloudDouble, move: Move) -> list[str]:
    """Send until nothing waits, letting time pass and mending what stopped; why it stopped, in order."""
    stops: list[str] = []
    for _ in range(40):
        send(office)
        if campaign_row(office, which).status == "paused":
            stops.append(campaign_row(office, which).pause_reason)
            if channels.get(office, "whatsapp_cloud").stopped_code:
                assert channels.probe(office, "whatsapp_cloud").ok
            campaigns.resume(office, which)
        with office.store.read() as tx:
            waiting = tx.conn.execute(select(t.message.c.id).where(t.message.c.state.in_(["pending", "retry"]))).all()
        if not waiting:
            break
        move(clock.now() + timedelta(minutes=20))
    return stops


def told(office: Office, *payloads: Any) -> int:
    """Deliveries of Meta's, in this order, and what the worker makes of them; how many things were new."""
    new = sum(webhooks.whatsapp(office, *CloudDouble.signed(payload)) for payload in payloads)
    while inbox.apply_open(office, limit=100, may_go_on=lambda: True).get("inbox"):
        pass
    return new


def test_every_recipient_ends_in_the_right_state(office: Office, meta: CloudDouble, frozen_clock: Move) -> None:
    which, made = prepare(office, meta)
    stops = run(office, which, meta, frozen_clock)
    assert stops == ["account", "132015"]
    before = dict(zip(made, states(office, made.values()), strict=True))
    assert {name for name, state in before.items() if state == "unknown"} == {
        "lost", "no id", "gateway", "nobody knows"}  # fmt: skip
    assert before["not there"] == before["stopped"] == "failed"

    payloads = meta.statuses(("sent", "delivered", "read"), repeat=2, seed=5)
    assert told(office, *payloads) == len(payloads) // 2
    after = dict(zip(made, states(office, made.values()), strict=True))
    assert after == {name: state for name, (_, state, _) in PLANS.items()}
    assert [meta.delivered_to[f"2547220001{place:02}"] for place in range(len(PLANS))] == [
        count for _, _, count in PLANS.values()]  # fmt: skip
    assert told(office, *meta.statuses(("delivered",))) == 0  # late, and told before
    send(office)
    assert dict(zip(made, states(office, made.values()), strict=True)) == after
    with office.store.read() as tx:
        kept = tx.conn.execute(select(t.suppression.c.address_key, t.suppression.c.reason)).all()
        ids = tx.conn.execute(select(t.message.c.provider_id).where(t.message.c.state == "read")).scalars().all()
    assert [tuple(row) for row in kept] == [("+254722000111", "stopped_marketing")]
    assert len(set(ids)) == sum(count for _, _, count in PLANS.values())


def test_what_fails_on_the_phone_is_failed_and_a_reply_opens_the_window(
    sqlite_office: Office, meta: CloudDouble, frozen_clock: Move
) -> None:
    office = sqlite_office
    channels.set_account(office, "whatsapp_cloud", meta.settings(), meta.secrets())
    lead = add(office, "0722000100", name="Amina")
    text = to_leads(office, [lead], channel="whatsapp_cloud")  # no template, and she never wrote
    send(office)
    assert states(office, text) == ["failed"]
    assert meta.messages == []
    at = int(clock.now().timestamp())
    payload = CloudDouble.inbound("+254722000100", "Yes please")
    payload["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = str(at)
    assert told(office, payload) == 1
    again = to_leads(office, [lead], channel="whatsapp_cloud")
    frozen_clock(clock.now() + timedelta(seconds=10))  # the gap between two messages to one person
    send(office)
    assert states(office, again) == ["accepted"]
    error = {"code": 131026, "title": "Undeliverable", "message": "not on WhatsApp"}
    assert told(office, CloudDouble.status("wamid.1", "254722000100", "", "failed", at=at, errors=[error])) == 1
    assert states(office, again) == ["failed"]
    assert "Undeliverable" in (messages.get(office, again[0]).row.error or "")


def test_a_delivery_that_nobody_signed_changes_nothing(sqlite_office: Office, meta: CloudDouble) -> None:
    office = sqlite_office
    channels.set_account(office, "whatsapp_cloud", meta.settings(), meta.secrets())
    body, _ = CloudDouble.signed(CloudDouble.inbound("+254722000100", "STOP"))
    with pytest.raises(NotPermitted):
        webhooks.whatsapp(office, body, "sha256=" + "0" * 64)
    assert inbox.apply_open(office, limit=10, may_go_on=lambda: True).get("inbox", 0) == 0
