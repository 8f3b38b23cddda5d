"""`message`: one message to one lead, what became of it, what only a person can say."""

from __future__ import annotations

import json

import pytest

from .conftest import Office


@pytest.fixture
def ref(office: Office) -> str:
    """A lead that can be written to by hand and into a file."""
    office("channel", "set", "file", "--set", f"path={office.folder}/out.jsonl")
    office("template", "add", "--name", "Welcome", "--text", "Hello {first_name|there}, about {package}: soon.")
    number: str = office.lead(name="Achieng Odhiambo", phone="0722000111", package="20 Mbps Home")["number"]
    return number


def test_a_message_by_hand_is_confirmed_by_a_person(office: Office, ref: str) -> None:
    dry = office.json("message", "send", ref, "--template", "Welcome", "--channel", "manual", "--dry-run")
    assert (dry["message"], dry["text"]) == (None, "Hello Achieng, about 20 Mbps Home: soon.")
    sent = office.json("message", "send", ref, "--template", "welcome", "--channel", "manual")["message"]
    assert sent["state"] == "handed_off" and sent["link"].startswith("https://wa.me/254722000111?text=Hello%20Ach")
    waiting = office.json("message", "list", "--waiting")
    assert (waiting["total"], waiting["messages"][0]["id"]) == (1, sent["id"])
    assert office.json("message", "resolve", str(sent["id"]), "--went") == {"changed": 1, "refused": []}
    again = office("--json", "message", "resolve", str(sent["id"]), "--not-sent")
    assert again.code == 5 and again.error["code"] == "partly_done"
    shown = office.json("message", "show", str(sent["id"]))
    assert [one["state"] for one in shown["events"]][-2:] == ["handed_off", "sent"]
    assert "Achieng" in office("message", "list", "--lead", ref).out
    assert "a person says that it went" in office("message", "show", str(sent["id"])).out


def test_a_queued_message_is_sent_by_the_worker_or_taken_back(office: Office, ref: str) -> None:
    first = office.json("message", "send", ref, "--text", "One {{for}} {name}", "--channel", "file")["message"]
    second = office.json("message", "send", ref, "--text", "Two", "--channel", "file")["message"]
    assert office.json("message", "withdraw", str(second["id"]))["changed"] == 1
    office.json("worker", "--once")
    lines = [json.loads(line) for line in (office.folder / "out.jsonl").read_text().splitlines()]
    assert [(one["recipient_id"], one["text"]) for one in lines] == [(first["id"], "One {for} Achieng Odhiambo")]
    states = [one["state"] for one in office.json("message", "list", "--lead", ref)["messages"]]
    assert states == ["skipped", "sent"]


@pytest.mark.parametrize(
    ("argv", "code", "field"),
    [
        (["--text", "a", "--template", "b"], 2, "text"),
        (["--template", "Nothing"], 4, "template"),
        (["--text", "{nmae}"], 5, "text"),
        (["--text", "{email}"], 5, "text"),
        (["--text", "hi", "--channel", "sms"], 5, "channel"),
        (["--text", "hi", "--channel", "pigeon"], 4, "channel"),
    ],
)
def test_what_is_refused(office: Office, ref: str, argv: list[str], code: int, field: str) -> None:
    found = office("--json", "message", "send", ref, *argv)
    assert (found.code, found.error["field"]) == (code, field)
    assert office.json("message", "list", "--lead", ref)["total"] == 0


def test_who_wants_nothing_is_not_written_to(office: Office, ref: str) -> None:
    office("lead", "edit", ref, "--set", "consent=refused")
    found = office("--json", "message", "send", ref, "--text", "hi")
    assert found.code == 5 and found.error["code"] == "channel_not_ready"
    assert "does not want to be contacted" in found.error["hint"]
