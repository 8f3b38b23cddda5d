"""Channel sms over real sockets: Africa's Talking and Twilio through their SDKs, each code with its class."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from leadtui.channels import registry
from leadtui.channels.port import Accepted, Final, Pause, Retry, Unknown
from leadtui.errors import OtherSide, Refused

from .double import DROP, HANG, Double, Says
from .making import PHONE, account, message


@pytest.fixture
def provider() -> Iterator[Double]:
    with Double() as running:
        yield running


def africastalking(double: Double) -> Any:
    config = {"provider": "africastalking", "username": "safi", "sender_id": "SAFI", "base_url": double.url}
    return registry.open("sms", account("sms", config, {"api_key": "atsk-key"}))


def twilio(double: Double, **changes: str) -> Any:
    config = {"provider": "twilio", "account_sid": "AC1", "from": "+15005550006", "base_url": double.url, **changes}
    return registry.open("sms", account("sms", config, {"auth_token": "tok-of-twilio"}))


def row(code: int, **changes: Any) -> Says:
    """Africa's Talking's answer for one recipient: 201 whatever became of it."""
    one = {"statusCode": code, "number": PHONE, "status": "words", "cost": "KES 0.8000", "messageId": "ATXid_1"}
    return Says(201, {"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": [one | changes]}})


def test_africastalking_takes_one(provider: Double) -> None:
    provider.script(row(101))
    channel = africastalking(provider)
    assert channel.send(message(text="Hi é & co"), 5) == Accepted("ATXid_1", "words", 80)
    (asked,) = provider.asked
    assert asked.path == "/version1/messaging"
    assert asked.headers["apikey"] == "atsk-key"
    assert asked.form == {"username": "safi", "to": PHONE, "message": "Hi é & co", "bulkSMSMode": "1", "from": "SAFI",
                          "enqueue": "1"}  # fmt: skip
    assert (channel.caps().can_poll, channel.caps().can_confirm, channel.poll(["x"])) == (False, True, ())


@pytest.mark.parametrize(
    ("step", "kind", "code"),
    [
        (row(100, cost="USD 0.01"), Accepted, ""), (row(401), Pause, "401"), (row(402), Pause, "402"),
        (row(403), Final, "403"), (row(405), Pause, "405"), (row(406), Final, "406"), (row(407), Final, "407"),
        (row(409), Final, "409"), (row(500), Retry, "500"), (row(502), Retry, "502"),
        (row(101, messageId="None"), Unknown, "no_id"),
        (Says(201, {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}), Pause, "402"),
        (Says(201, {"SMSMessageData": {"Message": "Sent to 0/1", "Recipients": []}}), Final, "not_taken"),
        (Says(200, "<html>"), Unknown, "odd_answer"),
        (Says(401, "The supplied authentication is invalid: atsk-key"), Pause, "401"),
        (Says(429, "slow down"), Retry, "429"), (Says(400, "bad"), Final, "400"),
        (Says(502, "<html>502"), Unknown, "502"), (DROP, Unknown, "no_answer"),
    ],
)  # fmt: skip
def test_each_code_of_africastalking(provider: Double, step: Any, kind: Any, code: str) -> None:
    provider.script(step)
    result = africastalking(provider).send(message(), 5)
    assert isinstance(result, kind)
    assert getattr(result, "code", "") == code
    assert "atsk-key" not in repr(result)
    if code == "406":
        assert result.suppress == "provider"
    if code == "":
        assert result.cost_minor is None  # another currency than the office's


def test_numbers_that_are_none_never_leave(provider: Double) -> None:
    assert isinstance(africastalking(provider).send(message(address="0722,+254711000001"), 5), Final)
    assert provider.asked == []


def test_africastalking_is_probed_without_sending(provider: Double) -> None:
    provider.script(Says(200, {"SMSMessageData": {"Messages": []}}))
    assert africastalking(provider).probe().ok
    assert provider.asked[0].path == "/version1/messaging?username=safi&lastReceivedId=0"
    provider.script(Says(401, "no"))
    assert africastalking(provider).probe().code == "login"
    provider.script(DROP)
    assert africastalking(provider).probe().code == "no_answer"


def sid(**changes: Any) -> Says:
    return Says(200, {"sid": "SM1", "status": "queued", "price": None, "price_unit": "USD", **changes})


def refused(status: int, code: int) -> Says:
    return Says(status, {"status": status, "code": code, "message": "words of Twilio tok-of-twilio"})


def test_twilio_takes_one(provider: Double) -> None:
    provider.script(sid())
    channel = twilio(provider, status_callback="https://safi.example/hook")
    assert channel.send(message(text="Hi"), 5) == Accepted("SM1", "queued")
    (asked,) = provider.asked
    assert asked.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert asked.form == {"To": PHONE, "From": "+15005550006", "Body": "Hi",
                          "StatusCallback": "https://safi.example/hook"}  # fmt: skip
    assert asked.headers["authorization"].startswith("Basic ")
    service = twilio(provider, messaging_service_sid="MG1")
    assert isinstance(service.send(message(), 5), Accepted)
    assert provider.asked[1].form["MessagingServiceSid"] == "MG1"


@pytest.mark.parametrize(
    ("step", "kind", "code"),
    [
        (refused(400, 21211), Final, "21211"), (refused(400, 21614), Final, "21614"),
        (refused(400, 21610), Final, "21610"), (refused(429, 20429), Retry, "20429"),
        (refused(401, 20003), Pause, "20003"), (refused(400, 21606), Pause, "21606"),
        (refused(400, 63016), Final, "63016"), (refused(503, 20503), Retry, "20503"),
        (refused(500, 20500), Unknown, "20500"), (Says(502, "<html>502"), Unknown, "502"),
        (Says(201, "<html>"), Unknown, "odd_answer"), (sid(sid=None), Unknown, "no_id"), (DROP, Unknown, "no_answer"),
    ],
)  # fmt: skip
def test_each_code_of_twilio(provider: Double, step: Any, kind: Any, code: str) -> None:
    provider.script(step)
    result = twilio(provider).send(message(), 5)
    assert isinstance(result, kind)
    assert result.code == code
    assert "tok-of-twilio" not in repr(result)
    if code == "21610":
        assert result.suppress == "provider"


def test_twilio_is_asked_what_became_of_messages(provider: Double) -> None:
    channel = twilio(provider)
    assert channel.caps().can_poll
    provider.script(
        sid(status="delivered", price="-0.02", price_unit="KES"), sid(status="sending"),
        sid(status="undelivered", error_code=30003, error_message="Unreachable"), refused(404, 20404),
        sid(status="failed", error_code=21610),
    )  # fmt: skip
    done, lost, out = channel.poll(["SM1", "SM2", "SM3", "SM4", "SM5"])
    assert (done.state, done.provider_id, done.cost_minor) == ("delivered", "SM1", 2)
    assert (lost.state, lost.code, lost.text) == ("failed", "30003", "Unreachable")
    assert (out.provider_id, out.suppress) == ("SM5", "provider")
    provider.script(Says(502, "<html>"))
    with pytest.raises(OtherSide):
        channel.poll(["SM1"])


def test_twilio_is_probed_without_sending(provider: Double) -> None:
    provider.script(Says(200, {"sid": "AC1", "status": "active", "friendly_name": "Safi"}))
    assert twilio(provider).probe().ok
    provider.script(Says(200, {"sid": "AC1", "status": "suspended", "friendly_name": "Safi"}))
    assert twilio(provider).probe().code == "account"
    provider.script(refused(401, 20003))
    assert twilio(provider).probe().code == "login"


@pytest.mark.parametrize("make", [africastalking, twilio])
def test_what_was_not_written_may_be_tried_again_and_what_was_may_not(provider: Double, make: Any) -> None:
    provider.script(HANG)
    assert isinstance(make(provider).send(message(), 0.1), Unknown)
    channel = make(provider)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        class Closed:
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        channel = make(Closed)
        result = channel.send(message(), 5)
        assert isinstance(result, Retry)
        assert (result.code, result.scope, channel.probe().code) == ("unreachable", "account", "unreachable")


@pytest.mark.parametrize(
    ("config", "field"),
    [({}, "provider"), ({"provider": "pigeon"}, "provider"), ({"provider": "africastalking"}, "username"),
     ({"provider": "twilio"}, "from"), ({"provider": "twilio", "from": "+1"}, "account_sid")],
)  # fmt: skip
def test_what_is_missing_is_said_when_it_is_opened(config: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as raised:
        registry.open("sms", account("sms", config))
    assert (raised.value.code, raised.value.field) == ("channel_setup", field)
    assert registry.probe("sms", account("sms", config)).code == "not_set_up"
