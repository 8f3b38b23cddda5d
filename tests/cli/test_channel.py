"""`leadtui channel`: setting up, secrets from where they belong, exit codes, what JSON tells."""

from __future__ import annotations

import pytest

from tests.channels.cloud_double import TOKEN, CloudDouble

from .conftest import Office


def test_list_and_show(office: Office) -> None:
    document = office.json("channel", "list")
    rows = {row["channel"]: row for row in document["channels"]}
    assert document["total"] == len(rows)
    assert rows["file"]["ready"]
    assert rows["sms"]["why_not"] == "not set up"
    shown = office("channel", "show", "email")
    assert shown.code == 0
    assert "password" in shown.out
    assert office("channel", "show", "fax").code == 4


def test_an_account_is_set_up_and_its_secret_never_shown(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    args = ("channel", "set", "email", "--set", "host=mail.safi.example", "--set", "from=a@safi.example")
    row = office("--json", *args, "--secret-stdin", "--daily", "200", "--gap", "5", stdin="password=pa=ss word\n")
    assert row.code == 0
    assert row.json["secrets"] == ["password"]
    assert (row.json["daily"], row.json["gap"], row.json["config"]["host"]) == (200, 5, "mail.safi.example")
    assert "pa=ss word" not in row.out + row.err + office("channel", "show", "email").out
    monkeypatch.setenv("LEADTUI_CHANNEL_SECRET", "password=other")
    assert office.json("channel", "set", "email")["secrets"] == ["password"]


@pytest.mark.parametrize(
    ("args", "code", "field"),
    [
        (("set", "email"), 2, "set"), (("set", "email", "--set", "host"), 2, "set"),
        (("set", "email", "--set", "colour=red"), 5, "colour"),
        (("set", "email", "--set", "password=x"), 5, "password"),
        (("set", "email", "--daily", "many"), 5, "daily"), (("set", "email", "--ask"), 2, "ask"),
        (("probe", "email"), 6, "channel"), (("resume", "fax"), 4, "channel"), (("templates", "file"), 5, "channel"),
        (("templates",), 5, "phone_id"),
    ],
)  # fmt: skip
def test_what_goes_wrong_has_its_exit_code(office: Office, args: tuple[str, ...], code: int, field: str) -> None:
    result = office("--json", "channel", *args)
    assert result.code == code
    assert result.error["field"] == field


def test_a_channel_is_tried_switched_and_let_go_on(office: Office) -> None:
    with CloudDouble() as meta:
        settings = [part for key, value in meta.settings().items() for part in ("--set", f"{key}={value}")]
        secrets = "\n".join(f"{key}={value}" for key, value in meta.secrets().items())
        assert office("channel", "set", "whatsapp_cloud", *settings, "--secret-stdin", stdin=secrets).code == 0
        assert office.json("channel", "probe", "whatsapp_cloud")["code"] == "ready"
        meta.templates = [{"name": "offer", "language": "en", "status": "APPROVED"}]
        assert office.json("channel", "templates")["templates"][0]["name"] == "offer"
        assert "offer" in office("channel", "templates").out
        meta.token_is_valid = False
        refused = office("--json", "channel", "probe", "whatsapp_cloud")
        assert (refused.code, refused.error["code"]) == (6, "190")
        assert TOKEN not in refused.err
    assert not office.json("channel", "disable", "whatsapp_cloud")["is_active"]
    assert office.json("channel", "enable", "whatsapp_cloud")["ready"]
    assert office.json("channel", "resume", "whatsapp_cloud")["stopped"] is None
