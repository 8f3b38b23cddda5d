"""What providers tell webhooks: signatures on the very bytes, reports with parts missing, and rubbish."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.channels import sms_reports as sms
from leadtui.channels import whatsapp_cloud_webhook as hook
from leadtui.channels.port import Inbound, Preference, StatusUpdate
from leadtui.channels.reports import from_payload, to_payload

from .cloud_double import PHONE_ID, VERIFY_TOKEN, CloudDouble
from .making import account

CLOUD = account("whatsapp_cloud", {"phone_id": PHONE_ID}, CloudDouble.secrets())
NUMBER = "254722000111"


def test_the_challenge_is_answered_only_to_our_word() -> None:
    assert hook.challenge(CLOUD, "subscribe", VERIFY_TOKEN, "1158201444") == "1158201444"
    assert hook.challenge(CLOUD, "subscribe", VERIFY_TOKEN + "x", "1") is None
    assert hook.challenge(CLOUD, "unsubscribe", VERIFY_TOKEN, "1") is None
    assert hook.challenge(account("whatsapp_cloud", {}), "subscribe", "", "1") is None


def test_the_signature_is_of_the_very_bytes() -> None:
    body, signature = CloudDouble.signed(CloudDouble.inbound(NUMBER, "Hi é"))
    assert hook.verify(CLOUD, body, signature)
    assert not hook.verify(CLOUD, body + b" ", signature)
    assert not hook.verify(CLOUD, json.dumps(json.loads(body), indent=1).encode(), signature)
    assert not hook.verify(CLOUD, body, "")
    assert not hook.verify(CLOUD, body, signature.replace("=", "=é"))
    assert not hook.verify(account("whatsapp_cloud", {}), body, CloudDouble.signed(json.loads(body), "")[1])


def test_statuses_name_the_message_by_both_names() -> None:
    payload = CloudDouble.status("wamid.1", NUMBER, "leadtui:7", "delivered", at=1_795_000_001)
    (report,) = hook.parse(payload)
    at = datetime.fromtimestamp(1_795_000_001, UTC)
    assert report == StatusUpdate("whatsapp_cloud", "delivered", at, "wamid.1", 7)
    assert report.key == "wamid.1:delivered"
    assert hook.parse(payload, phone_id="another") == ()
    assert hook.parse(payload, phone_id=PHONE_ID) == (report,)
    (played,) = hook.parse(CloudDouble.status("wamid.1", NUMBER, "somebody:else", "played"))
    assert (played.state, played.message_id) == ("read", None)
    assert hook.parse(CloudDouble.status("wamid.1", NUMBER, "", "warning")) == ()


def test_a_failed_status_says_why_and_whether_to_stop_writing() -> None:
    def failed(code: int) -> Any:
        error = {"code": code, "title": "Not sent", "message": "m", "error_data": {"details": "the reason"}}
        return hook.parse(CloudDouble.status("wamid.1", NUMBER, "", "failed", errors=[error]))[0]

    assert (failed(131026).code, failed(131026).text, failed(131026).suppress) == ("131026", "Not sent: the reason", "")
    assert failed(131050).suppress == "stopped_marketing"
    (bare,) = hook.parse(CloudDouble.status("wamid.1", NUMBER, "", "failed"))
    assert (bare.state, bare.code) == ("failed", "")


def test_messages_with_and_without_a_number() -> None:
    (known,) = hook.parse(CloudDouble.inbound(NUMBER, "STOP\x1b[2J"))
    assert isinstance(known, Inbound)
    assert (known.address, known.user_id, known.name, known.text) == ("+254722000111", "KE.77", "Amina", "STOP[2J")
    (hidden,) = hook.parse(CloudDouble.inbound("", "Hello"))
    assert (hidden.address, hidden.user_id, hidden.text) == ("", "KE.77", "Hello")
    assert known.key == "wamid.in.1:in"


@pytest.mark.parametrize(
    ("row", "kind", "text"),
    [
        ({"type": "button", "button": {"text": "Yes", "payload": "y"}}, "button", "Yes"),
        ({"type": "interactive", "interactive": {"list_reply": {"title": "20 Mbps"}}}, "button", "20 Mbps"),
        ({"type": "image", "image": {"id": "1", "caption": "my roof"}}, "image", "my roof"),
        ({"type": "document", "document": {"filename": "id.pdf"}}, "document", "id.pdf"),
        ({"type": "location", "location": {"name": "Home", "latitude": 1.2, "longitude": 36.8}}, "location",
         "Home 1.2 36.8"),
        ({"type": "contacts", "contacts": [{"name": {"formatted_name": "Juma"}}]}, "contact", "Juma"),
        ({"type": "reaction", "reaction": {"emoji": "👍"}}, "reaction", "👍"),
        ({"type": "unsupported"}, "other", ""),
    ],
)  # fmt: skip
def test_every_kind_of_message_has_its_words(row: dict[str, Any], kind: str, text: str) -> None:
    payload = CloudDouble.inbound(NUMBER, "")
    message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    del message["text"]
    message.update(row)
    (found,) = hook.parse(payload)
    assert (found.type, found.text) == (kind, text)


def test_who_wants_no_more_marketing_is_told() -> None:
    row = {"wa_id": NUMBER, "value": "stop", "category": "marketing_messages", "timestamp": "1795000000", "detail": "d"}
    payload = CloudDouble.inbound(NUMBER, "")
    value = payload["entry"][0]["changes"][0]["value"]
    del value["messages"]
    value["user_preferences"] = [row, row | {"value": "resume", "timestamp": "1795000100"}, {"value": "stop"}, 5]
    stop, resume, *rest = hook.parse(payload)
    assert isinstance(stop, Preference)
    assert (stop.wants, stop.address, resume.wants) == (False, "+254722000111", True)
    assert stop.key != resume.key
    assert len(rest) == 1  # the third is of the only contact there is


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["entry", "changes", "value", "statuses", "messages", "contacts", "user_preferences", "id",
                         "status", "type", "text", "from", "timestamp", "errors", "metadata", "context", "wa_id"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(_JSON)
def test_rubbish_is_no_report_and_no_error(value: Any) -> None:
    wrapped = {"entry": [{"changes": [{"value": value}]}]}
    for report in (*hook.parse(value), *hook.parse(wrapped)):
        assert from_payload(report.kind, json.loads(json.dumps(to_payload(report)))) == report
        assert len(report.key) <= 255


# -- SMS ---------------------------------------------------------------------------------------------------------------
def test_africastalking_tells_three_things_apart() -> None:
    (done,) = sms.africastalking({"id": "ATXid_1", "status": "Success", "phoneNumber": "+254711000001"})
    assert (done.kind, done.state, done.provider_id) == ("status", "delivered", "ATXid_1")
    (black,) = sms.africastalking({"id": "ATXid_1", "status": "Rejected", "failureReason": "UserInBlackList"})
    assert (black.state, black.code, black.suppress) == ("failed", "UserInBlackList", "provider")
    assert sms.africastalking({"id": "ATXid_1", "status": "Buffered"}) == ()
    (came,) = sms.africastalking(
        {"id": "9", "from": "+254711000001", "to": "22384", "text": "Stop", "date": "2026-11-20 09:15:00"}
    )
    assert isinstance(came, Inbound)
    assert (came.address, came.text, came.at) == ("+254711000001", "Stop", datetime(2026, 11, 20, 9, 15, tzinfo=UTC))
    (out,) = sms.africastalking({"phoneNumber": "+254711000001", "senderId": "SAFI"})
    assert isinstance(out, Preference)
    assert not out.wants
    assert sms.africastalking({}) == ()


def test_the_word_in_the_address_of_africastalking() -> None:
    ours = account("sms", {}, {"webhook_word": "kiboko-31"})
    assert sms.africastalking_verify(ours, "kiboko-31")
    assert not sms.africastalking_verify(ours, "kiboko-32")
    assert not sms.africastalking_verify(account("sms", {}), "")


def test_twilio_signs_as_its_own_sdk_checks() -> None:
    from twilio.request_validator import RequestValidator

    ours = account("sms", {}, {"auth_token": "12345"})
    url = "https://mycompany.example/myapp.php?foo=1&bar=2"
    form = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212"}
    signature = RequestValidator("12345").compute_signature(url, form)
    assert sms.twilio_verify(ours, url, form, signature)
    assert sms.twilio_verify(ours, url.replace(".example", ".example:443"), form, signature)
    assert not sms.twilio_verify(ours, url, form | {"Digits": "12345"}, signature)
    assert not sms.twilio_verify(ours, url + "3", form, signature)
    assert not sms.twilio_verify(account("sms", {}), url, form, signature)


def test_twilio_statuses_and_messages() -> None:
    (done,) = sms.twilio_report({"MessageSid": "SM1", "MessageStatus": "delivered"})
    assert (done.state, done.key) == ("delivered", "SM1:delivered")
    (lost,) = sms.twilio_report({"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003"})
    assert (lost.state, lost.code, lost.suppress) == ("failed", "30003", "")
    (out,) = sms.twilio_report({"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "21610"})
    assert out.suppress == "provider"
    assert sms.twilio_report({"MessageSid": "SM1", "MessageStatus": "queued"}) == ()
    (came,) = sms.twilio_report({"MessageSid": "SM2", "From": "whatsapp:+254711000001", "Body": "Hi"})
    assert isinstance(came, Inbound)
    assert (came.address, came.text, came.type) == ("+254711000001", "Hi", "text")
    assert sms.twilio_report({}) == ()
