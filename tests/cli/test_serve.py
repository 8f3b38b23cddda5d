"""`leadtui serve` as a process: it says where it listens, several share one database, and it ends when told to."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Office


@contextlib.contextmanager
def serving(office: Office, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "leadtui", "serve", "--bind", "127.0.0.1:0", *options], env=office.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=office.folder,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("LISTENING 127.0.0.1:"), process.communicate()
        yield process, f"http://{line.split()[1]}"
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_says_where_it_listens_and_ends_when_told_to(office: Office) -> None:
    key = office.json("user", "key", "add", "boss", "--name", "test")
    headers = {"Authorization": f"Bearer {key['token']}"}
    with serving(office) as (process, base), httpx.Client(headers=headers, base_url=base, trust_env=False) as client:
        assert client.post("/api/leads", json={"phone": "0722000111"}).status_code == 201
        assert client.post("/api/bookings", json={"ref": "B-1", "phone": "0722000888"}).status_code == 202
        office.json("user", "key", "remove", key["prefix"])  # by another process: counts at once
        assert client.get("/api/leads").status_code == 401
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert "start a worker" in err
    assert office.json("lead", "list", "phone:0722000888")["total"] == 0
    office.json("worker", "--once")
    assert office.json("lead", "list", "phone:0722000888")["total"] == 1
    log = "".join(path.read_text() for path in Path(office.folder).rglob("*.log"))
    assert key["token"] not in log + err
    assert "0722000" not in log


def test_what_cannot_be_served(office: Office) -> None:
    refused = office.fails("serve", "--bind", "0.0.0.0:0", code=2)
    assert "encrypts" in refused["message"]
    assert "--behind-proxy" in (refused["hint"] or "")
    for bind in ("8099", "here", "127.0.0.1:99999", ":1"):
        assert office.fails("serve", "--bind", bind, code=2)["field"] == "bind"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert office.fails("serve", "--bind", f"127.0.0.1:{port}", code=6)["field"] == "bind"


def test_forms_and_their_addresses(office: Office) -> None:
    made = office.json("form", "add", "Landing page", "--source", "referral", "--origin", "https://isp.example/a")
    assert made["path"] == f"/api/intake/form/landing-page?key={made['key']}"
    assert (made["source"], made["origins"]) == ("Referral", ["https://isp.example"])
    assert office.json("form", "list")["forms"] == [made]
    assert office.fails("form", "add", "landing-page", code=5)["code"] == "duplicate"
    office.json("form", "remove", "landing-page")
    assert office.json("form", "list") == {"total": 0, "forms": []}
    assert office.fails("form", "remove", "landing-page", code=4)["field"] == "name"


def test_keys_are_shown_once_and_listed_without_themselves(staffed: Office) -> None:
    made = staffed.json("user", "key", "add", "jane", "--name", "website", "--expires", "+90d")
    assert made["token"].startswith(made["prefix"])
    listed = staffed("user", "key", "list", "jane", "--json")
    assert made["token"] not in listed.out
    assert listed.json["keys"][0]["state"] == "active"
    plain = staffed("user", "key", "add", "ann")
    assert plain.out.startswith("lt_")
    assert "only now" in plain.err
    assert staffed.json("user", "key", "list")["total"] == 2
    assert staffed.json("user", "key", "remove", str(made["id"]))["state"] == "revoked"
    assert staffed.fails("user", "key", "add", "nobody", code=4)["field"] == "login"
    assert staffed.fails("user", "key", "add", "jane", "--expires", "yesterday", code=5)["field"] == "expires"
    assert staffed.fails("user", "key", "remove", "lt_nothing", code=4)["field"] == "key"
    audit = staffed("audit", "list", "--json").out
    assert "create" in audit
    assert made["token"] not in audit


def test_figures(staffed: Office) -> None:
    staffed.lead("0722000111", source="Referral", assign="jane")
    staffed.lead("0722000222")
    found = staffed.json("stats", "--year", "2025")
    assert list(found) == ["total_leads", "new_this_month", "total_converted", "by_status", "by_month", "year"]
    assert (found["total_leads"], found["new_this_month"], found["year"], len(found["by_month"])) == (2, 2, 2025, 12)
    assert found["by_status"][0] == {"status": "New", "count": 2}
    rates = staffed.json("stats", "conversion", "--source", "referral", "--from", "today")
    assert list(rates) == [
        "total_leads", "converted_count", "lost_count", "active_count", "conversion_rate", "lost_rate",
        "average_conversion_time_days", "by_source", "by_user",
    ]  # fmt: skip
    assert rates["by_user"] == [{"user_name": "Jane", "login": "jane", "total": 1, "converted": 0, "rate": 0.0}]
    assert "Referral" in staffed("stats", "conversion").out
    assert "2026-01" in staffed("stats", "--year", "2026").out
    assert staffed.fails("stats", "conversion", "--source", "Moon", code=5)["field"] == "source"
    assert staffed.fails("stats", "conversion", "--assigned-to", "nobody", code=5)["field"] == "assigned_to"
    staffed.fails("--as", "tom", "stats", code=3)
    staffed.fails("stats", "--year", "1", code=2)


@pytest.mark.parametrize("noun", ["serve", "stats"])
def test_every_verb_has_help(office: Office, noun: str) -> None:
    assert office(noun, "--help").code == 0


def test_what_failed_of_a_form_is_corrected_on_the_command_line(office: Office) -> None:
    from leadtui.services import forms
    from leadtui.services.office import open_office

    opened = open_office(str(office.db))
    form = forms.add(opened, "site")
    forms.take(opened, "site", {"phone": "not a phone", "name": "Amina"}, form=form, address="a")
    opened.close()
    office.json("worker", "--once")
    (failed,) = office.json("form", "received", "--failed")["forms"]
    assert (failed["state"], failed["field"]) == ("failed", "phone")
    assert "not a phone" in office("form", "show", str(failed["id"])).out
    done = office.json("form", "retry", str(failed["id"]), "--set", "phone=0722000111")
    assert (done["result"], done["lead"]["phone"], done["lead"]["source"]) == ("created", "+254722000111", "Website")
    assert office.json("form", "received", "--failed")["total"] == 0
