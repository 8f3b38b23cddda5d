"""Deliveries of providers: proved by what they sign, kept once, applied by the worker, never taken back."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from base64 import b64encode
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from leadtui import clock
from leadtui.services import channels, suppressions
from leadtui.store import schema as t
from tests.api.conftest import Api, phone, problem

SECRET, VERIFY, WORD, TOKEN = "app-secret", "verify-me", "w0rd-of-ours", "twilio-token"


@pytest.fixture(scope="module")
def hooked(api: Api) -> Api:
    """The same server, its channels set up."""
    channels.set_account(
        api.office, "whatsapp_cloud", {"phone_id": "111"},
        {"token": "t", "app_secret": SECRET, "verify_token": VERIFY},
    )  # fmt: skip
    return api


def signed(api: Api, payload: Any, *, secret: str = SECRET, body: bytes | None = None) -> httpx.Response:
    """A delivery of the Cloud API."""
    raw = json.dumps(payload).encode() if body is None else body
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
    return api.stranger.post("/api/webhooks/whatsapp", content=raw, headers=headers)


def delivery(*, statuses: list[dict[str, Any]] = (), messages: list[dict[str, Any]] = ()) -> dict[str, Any]:  # type: ignore[assignment]
    value = {"metadata": {"phone_number_id": "111"}, "statuses": list(statuses), "messages": list(messages)}
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}


def told(name: str, state: str, at: int = 1_790_000_000) -> dict[str, Any]:
    return {"id": name, "status": state, "timestamp": str(at), "recipient_id": "254722000111"}


def sent_message(api: Api, name: str, channel: str = "whatsapp_cloud") -> int:
    """A message of ours that the provider accepted."""
    lead = api.lead()
    with api.office.as_system() as tx:
        row = {
            "purpose": "single", "direction": "out", "lead_id": lead["id"], "channel": channel,
            "address": lead["phone"], "address_key": lead["phone"], "body": "Hello", "state": "accepted",
            "provider_id": name, "sending_at": tx.now, "accepted_at": tx.now, "created_by_id": tx.actor.user_id,
            "created_at": tx.now, "updated_at": tx.now, "step": 0, "priority": 5, "is_urgent": False, "retry_count": 0,
        }  # fmt: skip
        return int(tx.conn.execute(t.message.insert().values(**row)).inserted_primary_key[0])


def state_of(api: Api, message_id: int) -> str:
    with api.office.read() as tx:
        return str(tx.conn.execute(select(t.message.c.state).where(t.message.c.id == message_id)).scalar_one())


def test_the_challenge_comes_back_to_whoever_knows_the_word(hooked: Api) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
    answer = hooked.stranger.get("/api/webhooks/whatsapp", params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    for wrong in ({"hub.verify_token": "x"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": ""}):
        assert (
            problem(hooked.stranger.get("/api/webhooks/whatsapp", params=asked | wrong), 403)["code"] == "bad_signature"
        )
    problem(hooked.stranger.get("/api/webhooks/whatsapp"), 403)


def test_what_is_not_signed_with_our_secret_is_refused_and_not_kept(hooked: Api) -> None:
    name = "wamid.forged"
    message = sent_message(hooked, name)
    payload = delivery(statuses=[told(name, "read")])
    problem(signed(hooked, payload, secret="another"), 403)
    problem(hooked.stranger.post("/api/webhooks/whatsapp", json=payload), 403)
    raw = json.dumps(payload).encode()
    digest = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    changed = raw.replace(b"read", b"sent")
    headers = {"X-Hub-Signature-256": f"sha256={digest}"}
    problem(hooked.stranger.post("/api/webhooks/whatsapp", content=changed, headers=headers), 403)
    hooked.apply()
    assert state_of(hooked, message) == "accepted"


def test_a_delivery_is_kept_once_and_applied_in_any_order_never_downwards(hooked: Api) -> None:
    name = "wamid.order"
    message = sent_message(hooked, name)
    first = signed(hooked, delivery(statuses=[told(name, "read")]))
    assert (first.status_code, first.json()) == (200, {"accepted": True, "new": 1})
    assert signed(hooked, delivery(statuses=[told(name, "read")])).json()["new"] == 0  # repeated
    hooked.apply()
    assert state_of(hooked, message) == "read"
    late = signed(hooked, delivery(statuses=[told(name, "sent"), told(name, "delivered"), told(name, "failed")]))
    assert late.json()["new"] == 3
    assert hooked.apply()["errors"] == 0
    assert state_of(hooked, message) == "read"
    assert signed(hooked, delivery(statuses=[told(name, "sent"), told(name, "delivered")])).json()["new"] == 0
    hooked.apply()
    assert state_of(hooked, message) == "read"


def test_every_order_of_three_reports_ends_alike(hooked: Api) -> None:
    chance = random.Random(5)
    for number in range(6):
        name = f"wamid.mixed{number}"
        message = sent_message(hooked, name)
        reports = [told(name, state) for state in ("sent", "delivered", "read")]
        chance.shuffle(reports)
        for one in reports:
            signed(hooked, delivery(statuses=[one]))
            hooked.apply()
        assert state_of(hooked, message) == "read"


def test_a_report_before_our_own_answer_is_written_waits_for_it(hooked: Api) -> None:
    name = "wamid.early"
    assert signed(hooked, delivery(statuses=[told(name, "delivered")])).json()["new"] == 1
    assert hooked.apply()["errors"] == 0  # no failure: it is tried again
    message = sent_message(hooked, name)
    with hooked.office.as_system() as tx:  # its pause is over
        tx.conn.execute(update(t.inbox_event).values(retry_at=None))
    hooked.apply()
    assert state_of(hooked, message) == "delivered"


def test_a_message_that_comes_in_stands_on_the_timeline_and_stop_is_obeyed(hooked: Api) -> None:
    lead = hooked.lead()
    came = {
        "from": lead["phone"].lstrip("+"), "id": "wamid.in1", "timestamp": str(int(clock.now().timestamp())),
        "type": "text", "text": {"body": "When do you come?"},
    }  # fmt: skip
    assert signed(hooked, delivery(messages=[came])).json()["new"] == 1
    assert signed(hooked, delivery(messages=[came])).json()["new"] == 0
    hooked.apply()
    timeline = hooked().get(f"/api/leads/{lead['id']}/activities").json()["activities"]
    assert [one["details"] for one in timeline if one["type"] == "whatsapp"] == ["When do you come?"]
    signed(hooked, delivery(messages=[came | {"id": "wamid.in2", "text": {"body": "STOP"}}]))
    hooked.apply()
    assert lead["phone"] in {one.address for one in suppressions.list_all(hooked.office)[1]}


def test_stop_of_somebody_who_hides_the_number_holds_for_the_phone_that_we_know(hooked: Api) -> None:
    lead = hooked.lead()
    row = {"timestamp": str(int(clock.now().timestamp())), "type": "text", "from_user_id": "KE.4711"}
    known = row | {"id": "wamid.h1", "from": lead["phone"].lstrip("+"), "text": {"body": "Hello"}}
    hidden = row | {"id": "wamid.h2", "text": {"body": "stop"}}
    signed(hooked, delivery(messages=[known, hidden]))
    hooked.apply()
    assert lead["phone"] in {one.address for one in suppressions.list_all(hooked.office)[1]}


def test_what_no_database_can_hold_is_kept_all_the_same(hooked: Api) -> None:
    body = json.dumps(delivery(statuses=[told("wamid.\0\ud800x", "sent")])).encode()
    assert signed(hooked, None, body=body).json()["new"] == 1
    assert hooked.apply()["errors"] == 0  # nobody's message, and no error of ours


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b'"x"', b"{}", b'{"entry": 5}', b"[" * 100_000, b"\xff\xfe",
             b'{"entry":[{"changes":[{"value":{"statuses":[7]}}]}]}']
)  # fmt: skip
def test_what_is_rightly_signed_and_not_understood_is_answered(hooked: Api, body: bytes) -> None:
    answer = signed(hooked, None, body=body)
    assert (answer.status_code, answer.json()) == (200, {"accepted": True, "new": 0})


def test_a_delivery_of_three_megabytes_is_taken(hooked: Api) -> None:
    many = [told(f"wamid.many{number}", "sent") | {"pricing": "x" * 10_000} for number in range(300)]
    answer = signed(hooked, delivery(statuses=many))
    assert answer.json()["new"] == 300
    with hooked.office.as_system() as tx:
        tx.conn.execute(t.inbox_event.delete())


def test_sms_reports_of_africas_talking_come_to_an_address_with_a_word(hooked: Api) -> None:
    channels.set_account(
        hooked.office, "sms", {"provider": "africastalking", "username": "sandbox"},
        {"api_key": "k", "webhook_word": WORD},
    )  # fmt: skip
    message = sent_message(hooked, "ATXid_1", "sms")
    report = {"id": "ATXid_1", "status": "Success", "phoneNumber": phone()}
    problem(hooked.stranger.post("/api/webhooks/africastalking/guess", data=report), 403)
    problem(hooked.stranger.post("/api/webhooks/twilio", data=report), 403)
    answer = hooked.stranger.post(f"/api/webhooks/africastalking/{WORD}", data=report)
    assert answer.json() == {"accepted": True, "new": 1}
    hooked.apply()
    assert state_of(hooked, message) == "delivered"


def test_sms_reports_of_twilio_are_signed_over_their_address(hooked: Api) -> None:
    channels.set_account(
        hooked.office, "sms", {"provider": "twilio", "account_sid": "AC" + "0" * 32, "from": "+15005550006"},
        {"auth_token": TOKEN},
    )  # fmt: skip
    message = sent_message(hooked, "SM1", "sms")
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": phone()}
    url = f"{hooked.base}/api/webhooks/twilio"

    def post(url_signed: str, token: str = TOKEN) -> httpx.Response:
        text = url_signed + "".join(f"{key}{form[key]}" for key in sorted(form))
        signature = b64encode(hmac.new(token.encode(), text.encode(), "sha1").digest()).decode()
        return hooked.stranger.post("/api/webhooks/twilio", data=form, headers={"X-Twilio-Signature": signature})

    problem(post(url, "another"), 403)
    problem(post("https://elsewhere.example/api/webhooks/twilio"), 403)
    answer = post(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    hooked.apply()
    assert state_of(hooked, message) == "delivered"
