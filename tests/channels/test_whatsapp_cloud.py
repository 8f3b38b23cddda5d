"""Channel whatsapp_cloud over a real socket: what the Cloud API answers, and what it does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadtui.channels.port import Accepted, Attachment, Final, Pause, Probe, ProviderTemplate, Retry, Unknown
from leadtui.channels.whatsapp_cloud import PLUGIN, WhatsAppCloud
from leadtui.errors import OtherSide, Refused

from .cloud_double import PHONE_ID, TOKEN, CloudDouble
from .making import PHONE, account, message


@pytest.fixture
def meta() -> Iterator[CloudDouble]:
    with CloudDouble() as running:
        yield running


@pytest.fixture
def channel(meta: CloudDouble) -> Iterator[WhatsAppCloud]:
    made = WhatsAppCloud(account("whatsapp_cloud", meta.settings(), meta.secrets()))
    yield made
    made.close()


def test_a_text_within_the_window_carries_our_name_for_it(meta: CloudDouble, channel: WhatsAppCloud) -> None:
    assert channel.send(message(in_window=True, text="Hi 👋 https://x.example"), 5) == Accepted("wamid.1", "accepted")
    assert meta.messages == [{
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "254722000111", "type": "text",
        "text": {"body": "Hi 👋 https://x.example", "preview_url": True}, "biz_opaque_callback_data": "leadtui:7",
    }]  # fmt: skip
    assert meta.asked[0].path == f"/v26.0/{PHONE_ID}/messages"


def test_outside_the_window_only_templates_go_and_nothing_else_touches_the_wire(
    meta: CloudDouble, channel: WhatsAppCloud
) -> None:
    refused = channel.send(message(), 5)
    assert isinstance(refused, Final)
    assert refused.code == "window_closed"
    assert meta.messages == []
    template = ProviderTemplate("offer", "en_US", ("Amina", "20 Mbps"), header=("Safi",), buttons=("", "a/b"))
    assert isinstance(channel.send(message(template=template), 5), Accepted)
    named = ProviderTemplate("offer", "sw", ("Amina",), names=("first_name",))
    assert isinstance(channel.send(message(template=named), 5), Accepted)
    assert meta.messages[0]["template"] == {
        "name": "offer", "language": {"code": "en_US"}, "components": [
            {"type": "header", "parameters": [{"type": "text", "text": "Safi"}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Amina"}, {"type": "text", "text": "20 Mbps"}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "a/b"}]},
        ],
    }  # fmt: skip
    assert meta.messages[1]["template"]["components"][0]["parameters"][0]["parameter_name"] == "first_name"


def test_without_webhooks_whatsapp_itself_says_whether_the_window_is_closed(meta: CloudDouble) -> None:
    channel = WhatsAppCloud(account("whatsapp_cloud", meta.settings(), meta.secrets(webhook=False)))
    meta.behave(PHONE, "window")
    refused = channel.send(message(), 5)
    assert isinstance(refused, Final)
    assert refused.code == "131047"
    assert isinstance(channel.send(message(), 5), Accepted)
    channel.close()


@pytest.mark.parametrize(
    ("behaviour", "kind", "code"),
    [
        ("throttle", Retry, "130429"), ("pair", Retry, "131056"), ("busy", Retry, "131000"),
        ("healthy", Retry, "131049"), ("expired", Pause, "190"), ("paused", Pause, "132015"),
        ("spam", Pause, "131048"), ("not_on_whatsapp", Final, "131026"), ("stopped", Final, "131050"),
        ("wrong", Final, "100"), ("lost", Unknown, "no_answer"), ("no_id", Unknown, "no_id"),
        ("html", Unknown, "http_502"), ("html_after", Unknown, "http_504"),
    ],
)  # fmt: skip
def test_each_answer_has_its_class(
    meta: CloudDouble, channel: WhatsAppCloud, behaviour: str, kind: type[Any], code: str
) -> None:
    meta.behave(PHONE, behaviour)
    result = channel.send(message(in_window=True), 5)
    assert isinstance(result, kind)
    assert result.code == code
    assert result.text
    assert TOKEN not in repr(result)
    assert isinstance(channel.send(message(in_window=True), 5), Accepted)


def test_scopes_waits_and_suppression(meta: CloudDouble, channel: WhatsAppCloud) -> None:
    def result(behaviour: str, attempt: int = 0) -> Any:
        meta.behave(PHONE, behaviour)
        return channel.send(message(in_window=True, attempt=attempt), 5)

    assert result("throttle").scope == "account"
    assert [result("pair", n).after_s for n in range(4)] == [4, 16, 64, 256]
    assert result("pair").scope == "message"
    assert (result("healthy").after_s, result("healthy").most) == (86_400, 1)
    assert result("expired").scope == "account"
    assert result("paused").scope == "campaign"
    assert result("stopped").suppress == "stopped_marketing"
    assert result("not_on_whatsapp").suppress == ""


def test_no_answer_in_time_is_not_tried_again(meta: CloudDouble, channel: WhatsAppCloud) -> None:
    meta.behave(PHONE, "hang")
    assert isinstance(channel.send(message(in_window=True), 0.15), Unknown)
    assert meta.delivered_to["254722000111"] == 1


def test_who_cannot_be_reached_was_not_written_to(meta: CloudDouble) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        config = meta.settings() | {"graph_url": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        channel = WhatsAppCloud(account("whatsapp_cloud", config, meta.secrets()))
        result = channel.send(message(in_window=True), 5)
        assert isinstance(result, Retry)
        assert (result.code, result.scope) == ("unreachable", "account")
        assert channel.probe().code == "unreachable"
        channel.close()


def test_a_file_goes_up_once_and_again_when_it_is_gone(
    meta: CloudDouble, channel: WhatsAppCloud, tmp_path: Path
) -> None:
    path = tmp_path / "offer.pdf"
    path.write_bytes(b"%PDF-1.4 offer")
    sent = message(in_window=True, attachment=Attachment(path, "offer.pdf", "application/pdf"))
    assert isinstance(channel.send(sent, 5), Accepted)
    assert isinstance(channel.send(sent, 5), Accepted)
    assert meta.uploads == 1
    assert meta.messages[0]["document"] == {"id": "media-1", "caption": "Hi Amina", "filename": "offer.pdf"}
    meta.behave(PHONE, "wrong")
    again = channel.send(sent, 5)
    assert isinstance(again, Retry)
    assert again.most == 1
    assert isinstance(channel.send(sent, 5), Accepted)
    assert meta.uploads == 2
    path.unlink()
    assert channel.send(sent, 5) == Pause("attachment", "the attachment cannot be read: No such file or directory",
                                          "campaign")  # fmt: skip
    assert isinstance(channel.send(message(in_window=True, text="x" * 4097), 5), Final)


def test_somebody_with_a_user_name_is_written_to_without_a_number(meta: CloudDouble, channel: WhatsAppCloud) -> None:
    assert isinstance(channel.send(message(in_window=True, address="KE.13491208655302741918"), 5), Accepted)
    assert meta.messages[0]["recipient"] == "KE.13491208655302741918"
    assert "to" not in meta.messages[0]


def test_probe_and_templates(meta: CloudDouble, channel: WhatsAppCloud) -> None:
    assert channel.probe() == Probe(True, "ready", "sends as Safi Net +254 700 000000, quality green")
    meta.templates = [
        {"name": "offer", "language": "en_US", "category": "MARKETING", "status": "APPROVED", "components": [
            {"type": "HEADER", "format": "TEXT", "text": "For {{1}}"},
            {"type": "BODY", "text": "Hi {{1}}, {{2}} for you, {{1}}"},
            {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://x.example/{{1}}"}]}]},
        {"name": "named", "language": "sw", "status": "PAUSED", "parameter_format": "NAMED",
         "components": [{"type": "BODY", "text": "Habari {{first_name}}"}]},
        {"name": "bare"},
    ]  # fmt: skip
    offer, named, bare = channel.approved_templates()
    assert (offer.params, offer.header_params, offer.buttons, offer.names) == (2, 1, 1, ())
    assert (named.status, named.names) == ("PAUSED", ("first_name",))
    assert bare.params == 0
    meta.token_is_valid = False
    probe = channel.probe()
    assert (probe.ok, probe.code) == (False, "190")
    with pytest.raises(OtherSide) as raised:
        channel.approved_templates()
    assert raised.value.code == "190"


def test_a_number_that_is_not_ours_stops_the_account_and_not_each_recipient(meta: CloudDouble) -> None:
    config = meta.settings() | {"phone_id": "5"}
    channel = WhatsAppCloud(account("whatsapp_cloud", config, meta.secrets()))
    result = channel.send(message(in_window=True), 5)
    assert isinstance(result, Pause)
    assert (result.code, result.scope) == ("100", "account")
    channel.close()


def test_a_version_that_is_none_is_said_before_anything_is_sent() -> None:
    with pytest.raises(Refused) as raised:
        PLUGIN.open(account("whatsapp_cloud", {"phone_id": "1", "graph_version": "latest"}, {"token": "t"}))
    assert (raised.value.code, raised.value.field) == ("channel_setup", "graph_version")
    with pytest.raises(Refused):
        PLUGIN.open(account("whatsapp_cloud", {"phone_id": "1"}))
