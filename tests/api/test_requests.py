"""Whom a proxy is believed, and what a request calls itself."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request

from leadtui.api.requests import address_of, own_url, read_json
from tests.api.conftest import Api, problem


def request(*, behind_proxy: bool, public_url: str | None = None, **headers: str) -> Request:
    state = SimpleNamespace(behind_proxy=behind_proxy, public_url=public_url)
    pairs = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope: dict[str, Any] = {
        "type": "http", "method": "POST", "scheme": "http", "path": "/api/webhooks/twilio", "query_string": b"a=1",
        "raw_path": b"/api/webhooks/twilio/", "headers": pairs, "client": ("10.0.0.7", 5), "server": ("127.0.0.1", 80),
        "app": SimpleNamespace(state=state),
    }  # fmt: skip
    return Request(scope)


def test_only_our_own_proxy_says_where_a_request_comes_from() -> None:
    told = {"x_forwarded_for": "6.6.6.6, 41.90.1.2", "x_forwarded_proto": "https", "host": "crm.isp.example"}
    assert address_of(request(behind_proxy=False, **told)) == "10.0.0.7"
    assert address_of(request(behind_proxy=True, **told)) == "41.90.1.2"  # the last: what our proxy saw itself
    assert own_url(request(behind_proxy=False, **told)) == "http://crm.isp.example/api/webhooks/twilio/?a=1"
    assert own_url(request(behind_proxy=True, **told)) == "https://crm.isp.example/api/webhooks/twilio/?a=1"
    public = request(behind_proxy=True, public_url="https://x.example/", **told)
    assert own_url(public) == "https://x.example/api/webhooks/twilio/?a=1"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"NaN", b"1e999", b'{"a": 1, "a": 2}', b"[" * 100_000, b"9" * 5_000])
def test_what_is_no_json_is_said_in_one_way(body: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        read_json(body)


def test_strings_are_made_such_as_databases_hold() -> None:
    assert read_json(b'{"a\\u0000": ["x\\ud800y", {"b": "\\u0000"}], "n": 1.5}') == {
        "a": ["x\ufffdy", {"b": ""}],
        "n": 1.5,
    }


def test_a_body_that_is_not_called_json_is_said_so(api: Api) -> None:
    raw = b'{"phone": "0722 000 111", "source": "Website"}'
    for kind in ({}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain"}):
        error = problem(api().post("/api/leads", content=raw, headers=kind), 415)
        assert (error["field"], "application/json" in error["hint"]) == ("Content-Type", True)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/leads/1/update-status", {"status_id": True}, "status_id"),
        ("/api/events", {"lead": 1}, "event"),
        ("/api/leads/bulk-assign", {"lead_ids": [1, [2]], "assigned_to": "boss"}, "lead_ids.1"),
    ],
)
def test_the_field_that_is_wrong_is_named_as_it_was_sent(api: Api, path: str, body: Any, field: str) -> None:
    assert problem(api().post(path, json=body), 422)["field"] == field


@pytest.mark.parametrize("name", ["date_from", "date_to", "next_followup_date"])
def test_a_parameter_that_is_no_date_is_named(api: Api, name: str) -> None:
    assert problem(api().get("/api/leads", params={name: "2026-13-01"}), 422)["field"] == name
