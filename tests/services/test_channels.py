"""Accounts of channels: set up, tried, stopped and resumed; secrets are stored, told to nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leadtui import clock
from leadtui.errors import Invalid, NotFound, NotPermitted, Refused, UsageError
from leadtui.services import admin, channels, history
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.channels.cloud_double import TOKEN, CloudDouble
from tests.channels.double import Double, Says
from tests.channels.making import message

SECRET = "pass-of-safi"


@pytest.fixture
def meta() -> Iterator[CloudDouble]:
    with CloudDouble() as running:
        yield running


def add_agent(office: Office) -> None:
    """Somebody who only works with leads."""
    admin.add_user(office, {"login": "asha", "name": "Asha", "role": "agent"})


def test_every_channel_is_listed_and_says_what_is_missing(sqlite_office: Office) -> None:
    office = sqlite_office
    rows = {row.channel: row for row in channels.list_all(office)}
    assert set(rows) >= {"file", "manual", "whatsapp_web", "whatsapp_cloud", "sms", "email", "http"}
    assert rows["file"].ready
    assert rows["file"].why_not == ""
    assert not rows["email"].ready
    assert rows["email"].why_not == "not set up"
    half = channels.set_account(office, "email", {"host": "mail.safi.example"})
    assert (half.is_set_up, half.why_not) == (False, "not set up: from missing")
    sms = channels.set_account(office, "sms", {"provider": "twilio"})
    assert sms.why_not == "not set up: account_sid, auth_token missing"
    assert channels.set_account(office, "sms", {"provider": "africastalking"}).why_not == (
        "not set up: username, api_key missing"
    )


def test_an_account_and_its_secrets(office: Office) -> None:
    values = {"host": "mail.safi.example", "from": "sales@safi.example", "username": "safi", "per_minute": "30",
              "daily": "200", "gap": "5", "price": "0.355"}  # fmt: skip
    row = channels.set_account(office, "email", values, {"password": SECRET})
    assert (row.ready, row.secret_keys_set, row.per_minute, row.daily_unique, row.gap_s) == (
        True, ("password",), 30, 200, 5)  # fmt: skip
    with office.read() as tx:
        account = channels.account(tx, office, "email")
        assert account.secret("password") == SECRET
        assert account.currency == office.currency
        assert channels.price_minor(tx, "email", "x" * 500) == Decimal("35.5")
        assert channels.price_minor(tx, "sms", "x") is None
        kept = json.dumps([dict(found._mapping) for found in tx.conn.execute(select(t.channel_account))], default=str)
        audited = json.dumps([dict(found._mapping) for found in tx.conn.execute(select(t.audit))], default=str)
    assert SECRET not in kept + audited + repr(row) + repr(account)
    assert "changed: password" in audited
    again = channels.set_account(office, "email", {"host": "other.example", "gap": "", "per_minute": "0"})
    assert (again.config["host"], again.gap_s, again.per_minute, again.secret_keys_set) == (
        "other.example", None, None, ("password",))  # fmt: skip
    assert channels.set_account(office, "email", {}, {"password": ""}).secret_keys_set == ()


def test_secrets_are_replaced_one_by_one(office: Office) -> None:
    channels.set_account(office, "whatsapp_cloud", {"phone_id": "1"}, {"token": "t1", "app_secret": "a1"})
    row = channels.set_account(office, "whatsapp_cloud", {}, {"token": "t2", "verify_token": "v"})
    assert row.secret_keys_set == ("app_secret", "token", "verify_token")
    account = channels.webhook_account(office, "whatsapp_cloud")
    assert [account.secret(key) for key in ("token", "app_secret", "verify_token")] == ["t2", "a1", "v"]


@pytest.mark.parametrize(
    ("name", "values", "field"),
    [
        ("email", {"colour": "red"}, "colour"), ("email", {"password": "x"}, "password"),
        ("email", {"security": "rot13"}, "security"), ("email", {"port": "smtp"}, "port"),
        ("email", {"per_minute": "-1"}, "per_minute"), ("email", {"daily": "1e3"}, "daily"),
        ("email", {"price": "cheap"}, "price"), ("email", {"ca": "ca.pem"}, "ca"),
        ("http", {"url": "http://gateway.example"}, "url"), ("http", {"body": "{"}, "body"),
        ("sms", {"provider": "pigeon"}, "provider"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(
    sqlite_office: Office, name: str, values: dict[str, str], field: str
) -> None:
    office = sqlite_office
    with pytest.raises(Invalid) as raised:
        channels.set_account(office, name, values)
    assert raised.value.field == field
    assert channels.get(office, name).config == {}


def test_unknown_channels_and_secrets(sqlite_office: Office) -> None:
    office = sqlite_office
    with pytest.raises(NotFound):
        channels.set_account(office, "fax", {"host": "x"})
    with pytest.raises(Invalid) as raised:
        channels.set_account(office, "email", {}, {"token": "x"})
    assert raised.value.field == "secret"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("email", "pa ss=word\n", {"password": "pa ss=word"}), ("email", "password=x=y\n", {"password": "x=y"}),
        ("whatsapp_cloud", "token=a\n\nverify_token = b\n", {"token": "a", "verify_token": "b"}),
        ("whatsapp_cloud", '{"token": "a", "app_secret": null}', {"token": "a", "app_secret": ""}),
    ],
)  # fmt: skip
def test_secrets_as_they_are_piped_in(name: str, text: str, found: dict[str, str]) -> None:
    assert channels.parse_secrets(name, text) == found


@pytest.mark.parametrize(
    ("name", "text"), [("whatsapp_cloud", "naked"), ("whatsapp_cloud", "{naked"), ("email", ""), ("file", "naked")]
)
def test_secrets_that_cannot_be_read_are_not_repeated(name: str, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        channels.parse_secrets(name, text)
    assert "naked" not in repr(raised.value.as_json())


def test_only_who_configures_changes_and_sees_the_settings(office: Office, acting: Callable[[str], Office]) -> None:
    channels.set_account(office, "email", {"host": "mail.safi.example", "from": "a@b.example"})
    add_agent(office)
    theirs = acting("asha")
    row = channels.get(theirs, "email")
    assert (row.ready, row.config) == (True, {})
    for act in (
        lambda: channels.set_account(theirs, "email", {"host": "x"}),
        lambda: channels.set_active(theirs, "email", False),
        lambda: channels.resume(theirs, "email"),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_a_stopped_account_says_why_until_somebody_lets_it_go_on(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    channels.set_account(office, "email", {"host": "mail.safi.example", "from": "a@b.example"})
    with office.as_system() as tx:
        assert channels.stop(tx, "email", "190", "the token is over")
        assert not channels.stop(tx, "email", "other", "again")
    row = channels.get(office, "email")
    assert (row.ready, row.why_not, row.stopped_code) == (False, "stopped: the token is over", "190")
    with office.read() as tx:
        assert not channels.is_open(tx, "email")
        assert channels.limits(tx, "email").stopped_code == "190"
        assert channels.problem(tx, office, "email") == "stopped: the token is over"
    assert channels.resume(office, "email").ready
    assert not channels.set_active(office, "email", False).ready
    assert channels.get(office, "email").why_not == "switched off"
    assert channels.set_active(office, "email", True).ready
    _, rows = history.audit(office, entity="channel")
    assert [found.action for found in rows] == ["edit", "edit", "resume", "stop", "edit"]


def test_a_probe_is_remembered_and_a_good_one_lets_it_go_on(
    office: Office, meta: CloudDouble, acting: Callable[[str], Office]
) -> None:
    channels.set_account(office, "whatsapp_cloud", meta.settings(), meta.secrets())
    meta.token_is_valid = False
    assert channels.probe(office, "whatsapp_cloud").code == "190"
    with office.as_system() as tx:
        channels.stop(tx, "whatsapp_cloud", "190", "over")
    row = channels.get(office, "whatsapp_cloud")
    assert (row.probe_code, row.stopped_code) == ("190", "190")
    assert TOKEN not in repr(row)
    meta.token_is_valid = True
    add_agent(office)
    theirs = acting("asha")
    assert channels.probe(theirs, "whatsapp_cloud").ok
    assert channels.get(office, "whatsapp_cloud").stopped_code == "190"  # not theirs to decide
    assert channels.probe(office, "whatsapp_cloud").ok
    assert channels.get(office, "whatsapp_cloud").ready


def test_a_probe_without_the_key_of_the_secrets_says_so(sqlite_office: Office, tmp_path: Path) -> None:
    office = sqlite_office
    from leadtui.services.secrets import key_path

    channels.set_account(office, "email", {"host": "127.0.0.1", "from": "a@b.example"}, {"password": SECRET})
    key_path(office).unlink()
    assert channels.probe(office, "email").code == "secret_key"
    assert channels.get(office, "email").secret_keys_set == ("password",)


def test_what_a_channel_remembers_is_shared_and_ends(
    office: Office, meta: CloudDouble, tmp_path: Path, frozen_clock: Callable[[datetime], None]
) -> None:
    from leadtui.channels.port import Attachment

    channels.set_account(office, "whatsapp_cloud", meta.settings(), meta.secrets())
    path = tmp_path / "offer.png"
    path.write_bytes(b"\x89PNG")
    sent = message(in_window=True, attachment=Attachment(path, "offer.png", "image/png"))
    for days in (0, 20, 26):
        frozen_clock(datetime(2026, 11, 20, 9, tzinfo=UTC) + timedelta(days=days))
        channel = channels.open_for(office, "whatsapp_cloud")  # each time as another process would
        channel.send(sent, 5)
        channel.close()
    assert meta.uploads == 2
    assert [body["image"]["id"] for body in meta.messages] == ["media-1", "media-1", "media-2"]


def test_templates_are_asked_for_once_a_day(sqlite_office: Office, meta: CloudDouble) -> None:
    office = sqlite_office
    channels.set_account(office, "whatsapp_cloud", meta.settings(), meta.secrets())
    body = {"type": "BODY", "text": "Hi {{1}}"}
    meta.templates = [{"name": "offer", "language": "en", "status": "APPROVED", "components": [body]}]
    assert [found.name for found in channels.templates(office)] == ["offer"]
    meta.templates = []
    assert [found.params for found in channels.templates(office)] == [1]
    assert channels.templates(office, refresh=True) == ()
    with pytest.raises(Refused) as raised:
        channels.templates(office, "file")
    assert raised.value.code == "no_templates"


def test_where_channel_file_writes(sqlite_office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    office = sqlite_office

    def path() -> Any:
        with office.read() as tx:
            return channels.account(tx, office, "file").config["path"]

    assert path().endswith(".jsonl")
    channels.set_account(office, "file", {"path": str(tmp_path / "account.jsonl")})
    assert path() == str(tmp_path / "account.jsonl")
    config = tmp_path / "config.toml"
    config.write_text(f'[channels.file]\npath = "{tmp_path}/config.jsonl"\n')
    monkeypatch.setenv("LEADTUI_CONFIG", str(config))
    assert path() == f"{tmp_path}/config.jsonl"
    channel = channels.open_for(office, "file")
    channel.send(message(at=clock.now()), 5)
    assert (tmp_path / "config.jsonl").exists()


def test_limits_are_the_channels_own_where_none_are_set(sqlite_office: Office) -> None:
    office = sqlite_office
    with office.read() as tx:
        cloud = channels.limits(tx, "whatsapp_cloud")
        assert (cloud.gap_s, cloud.daily_unique, cloud.is_active, cloud.stopped_code) == (6, 250, True, None)
        assert channels.limits(tx, "file").per_minute is None
        assert channels.caps(tx, "sms").segments


def test_sms_costs_by_parts(sqlite_office: Office) -> None:
    office = sqlite_office
    with Double().script(Says(200, "OK")) as gateway:
        channels.set_account(office, "sms", {"provider": "http", "url": gateway.url, "price": "0.80"})
    with office.read() as tx:
        assert channels.price_minor(tx, "sms", "x" * 161) == 160
        assert channels.price_minor(tx, "sms", "x") == 80
