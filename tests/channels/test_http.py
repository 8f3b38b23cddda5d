"""Channel http, and SMS over HTTP: what leaves is well-formed whoever it is for, and each answer has its class."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.channels import registry, wire
from leadtui.channels.http import PLUGIN, _filled
from leadtui.channels.port import Accepted, Final, Pause, Retry, Unknown
from leadtui.errors import Invalid, Refused

from .double import DROP, HANG, Double, Says
from .making import PHONE, account, message

SECRET = "key-of-the-gateway"


@pytest.fixture
def gateway() -> Iterator[Double]:
    with Double() as running:
        yield running


def send(gateway: Double, settings: dict[str, Any] | None = None, deadline_s: float = 5, **changes: Any) -> Any:
    """Send one message through a gateway with these settings."""
    config = {"url": gateway.url + "/send", **(settings or {})}
    return PLUGIN.open(account("http", config, {"secret": SECRET})).send(message(**changes), deadline_s)


def test_the_usual_request(gateway: Double) -> None:
    gateway.script(Says(200, {"messages": [{"id": "g-1"}]}))
    text = 'He said "hi" {to}\n\\ 👋'
    assert send(gateway, {"id_path": "messages.0.id"}, text=text, campaign_id=3).id == "g-1"
    (asked,) = gateway.asked
    assert (asked.method, asked.path) == ("POST", "/send")
    assert asked.json == {"to": PHONE, "text": text, "id": "c.3.7"}
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.headers["idempotency-key"] == "c.3.7"


def test_a_form_with_the_secret_in_it_and_the_number_in_the_address(gateway: Double) -> None:
    gateway.script(Says(201, "OK"))
    settings = {
        "url": gateway.url + "/to/{to_digits}?id={id}&k={secret}", "content": "form",
        "body": json.dumps({"key": "{secret}", "msg": "{text}"}), "headers": json.dumps({"X-Id": "{id}/{text}"}),
    }  # fmt: skip
    assert isinstance(send(gateway, settings, text="a&key=b"), Accepted)
    (asked,) = gateway.asked
    assert asked.form == {"key": SECRET, "msg": "a&key=b"}
    assert asked.path == "/to/254722000111?id=m.7&k="
    assert asked.headers["x-id"] == "m.7/{text}"
    assert "authorization" not in asked.headers


def test_a_get_puts_nothing_but_its_address(gateway: Double) -> None:
    gateway.script(Says(200, "OK"))
    assert isinstance(
        send(gateway, {"method": "GET", "url": gateway.url + "/s?t={text}&to={to}"}, text="a b&c=d"), Accepted
    )
    assert parse_qs(urlsplit(gateway.asked[0].path).query) == {"t": ["a b&c=d"], "to": [PHONE]}


@pytest.mark.parametrize(
    ("step", "settings", "kind", "code"),
    [
        (Says(200, {"ok": True}), {"id_path": "id"}, Unknown, "no_id"),
        (Says(200, "<html>"), {"id_path": "id"}, Unknown, "no_id"),
        (Says(200, {"status": "error"}), {"ok_path": "status", "ok_value": "ok"}, Final, "not_taken"),
        (Says(200, {"status": "OK"}), {"ok_path": "status", "ok_value": "ok"}, Accepted, ""),
        (Says(200, {}), {"ok_path": "status", "ok_value": "ok"}, Unknown, "odd_answer"),
        (Says(302, "", {"Location": "/x"}), {}, Pause, "302"),
        (Says(400, "bad number"), {}, Final, "400"),
        (Says(401, f"no such key: {SECRET}"), {}, Pause, "401"),
        (Says(429, "", {"Retry-After": "17"}), {}, Retry, "429"),
        (Says(502, "<html>Bad Gateway"), {}, Unknown, "502"),
        (Says(503, "later"), {"statuses": '{"503": "retry"}'}, Retry, "503"),
        (Says(409, "blocked"), {"statuses": '{"4xx": "retry", "409": "suppress"}'}, Final, "409"),
        (DROP, {}, Unknown, "no_answer"),
    ],
)
def test_each_answer_has_its_class(gateway: Double, step: Any, settings: Any, kind: Any, code: str) -> None:
    gateway.script(step)
    result = send(gateway, settings)
    assert isinstance(result, kind)
    assert getattr(result, "code", "") == code
    assert SECRET not in repr(result)
    if code == "429":
        assert (result.after_s, result.scope) == (17, "account")
    if code == "409":
        assert result.suppress == "provider"


def test_what_was_not_written_may_be_tried_again_and_what_was_may_not(gateway: Double) -> None:
    gateway.script(HANG)
    assert isinstance(send(gateway, deadline_s=0.1), Unknown)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert isinstance(send(gateway, {"url": closed}), Retry)
        assert registry.probe("http", account("http", {"url": closed})).code == "unreachable"
    gateway.script(Says(404))
    assert registry.probe("http", account("http", {"url": gateway.url})).ok


def test_an_answer_that_never_ends_is_left_at_the_deadline(gateway: Double) -> None:
    gateway.script(Says(200, "abc", {"Content-Length": "1000"}))
    assert isinstance(send(gateway, deadline_s=0.2), Unknown)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "url"), ({"url": "http://gateway.example/"}, "url"), ({"url": "https://u:p@gateway.example/"}, "url"),
        ({"url": "ftp://gateway.example"}, "url"), ({"url": "https://g.example", "body": "{"}, "body"),
        ({"url": "https://g.example", "statuses": '{"400": "perhaps"}'}, "statuses"),
        ({"url": "https://g.example", "content": "form", "body": "[]"}, "body"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_when_it_is_opened(config: dict[str, str], field: str) -> None:
    with pytest.raises((Refused, Invalid)) as raised:
        registry.open("http", account("http", config))
    assert raised.value.field == field


@given(st.dictionaries(st.sampled_from(["to", "text", "subject", "id", "campaign", "to_digits", "secret"]), st.text(),
                       min_size=7))  # fmt: skip
def test_values_never_change_the_shape_of_a_body(values: dict[str, str]) -> None:
    template = {"a": ["{to}", {"b": "x{text}y"}], "c": 1, "d": "{subject}"}
    filled = json.loads(json.dumps(_filled(template, values)))
    assert filled == {"a": [values["to"], {"b": f"x{values['text']}y"}], "c": 1, "d": values["subject"]}


def test_sms_over_a_gateway_of_ones_own(gateway: Double) -> None:
    gateway.script(Says(200, {"id": "s1"}))
    config = {"provider": "http", "url": gateway.url, "id_path": "id"}
    channel = registry.open("sms", account("sms", config))
    assert (channel.name, channel.caps().segments, channel.caps().activity) == ("sms", True, "sms")
    assert channel.send(message(), 5) == Accepted("s1", '{"id": "s1"}')


def test_the_proxy_of_the_environment_is_used(gateway: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", gateway.url.replace("://", "://user:pa%20ss@"))
    monkeypatch.setenv("https_proxy", gateway.url)
    monkeypatch.delenv("no_proxy", raising=False)
    gateway.script(Says(200, "OK"))
    answer = wire.call("POST", "http://gateway.lan/x?y=1", body=b"z", deadline_s=5)
    (asked,) = gateway.asked
    assert (answer.status, asked.path, asked.body) == (200, "http://gateway.lan/x?y=1", b"z")
    assert asked.headers["proxy-authorization"] == "Basic dXNlcjpwYSBzcw=="
    assert asked.headers["host"] == "gateway.lan"
    with pytest.raises(wire.NotConnected):  # it lets no tunnel through
        wire.call("GET", "https://gateway.example/", deadline_s=5)


def test_only_the_own_net_is_spoken_to_in_clear() -> None:
    assert wire.check_url("http://192.168.1.5:8080/sms", field="url")
    assert wire.check_url("http://gateway/sms", field="url")
    assert wire.check_url("http://sms.lan/", field="url")
    for text in ("http://8.8.8.8/", "https://", "https://host:99999/", "https://ho st/", "javascript:alert(1)", ""):
        with pytest.raises(Invalid):
            wire.check_url(text, field="url")
