"""Alert addresses: kept as secrets, shown to nobody; what was not looked at is sent once, a failure stays."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import insert, select

from leadtui.errors import Invalid, NotFound, NotPermitted, OtherSide, Refused
from leadtui.services import activities, admin, alerts, history, job_failures, reminders
from leadtui.services.office import Office
from leadtui.store import schema as t

from .lead_help import ONE_ENGINE, acting_as, add, add_users, everything
from .test_reminders import NOON, Move

pytest.importorskip("apprise")


class Post:
    """A post office on loopback that keeps what comes, and answers as it is told."""

    def __init__(self) -> None:
        self.came: list[dict[str, Any]] = []
        self.code = 200
        post = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                post.came.append(json.loads(self.rfile.read(size)))
                self.send_response(post.code)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"json://token-s3cret@127.0.0.1:{self.server.server_port}/box"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def post() -> Iterator[Post]:
    """The post office."""
    made = Post()
    yield made
    made.server.shutdown()
    made.server.server_close()


def go(office: Office) -> int:
    """The step of the slow lane."""
    return alerts.send_due(office, limit=50, may_go_on=lambda: True)


def remind(office: Office, *subjects: str) -> None:
    """Reminders that came due at noon."""
    for n, subject in enumerate(subjects):
        activities.add_follow_up(
            office, add(office, f"07220002{n:02}", name=f"Lead {n}"), "2026-11-20 12:00", subject=subject
        )
    reminders.make_due(office)


def rows(office: Office) -> list[tuple[bool, str | None]]:
    """Of each notice whether it was sent, and the words of its failure."""
    n = t.notification.c
    with office.read() as tx:
        query = select(n.alerted_at, n.alert_error).order_by(n.id)
        return [(row.alerted_at is not None, row.alert_error) for row in tx.conn.execute(query)]


def test_sent_once_after_a_while(office: Office, frozen_clock: Move, post: Post) -> None:
    frozen_clock(NOON)
    assert alerts.set_addresses(office, "boss", f"{post.address}\n{post.address}") == ("json",)
    remind(office, "ask the landlord", "send the offer")
    frozen_clock(NOON + timedelta(minutes=14))
    assert go(office) == 0
    frozen_clock(NOON + timedelta(minutes=15))
    assert (go(office), go(office)) == (2, 0)
    (message,) = post.came
    assert message["title"] == "leadtui: 2 reminders"
    assert message["message"] == "Lead 1: send the offer (15m late)\nLead 0: ask the landlord (15m late)"
    assert rows(office) == [(True, None), (True, None)]


@ONE_ENGINE
def test_a_flood_is_one_message(office: Office, frozen_clock: Move, post: Post) -> None:
    """Thousands of overdue follow-ups that came with an import are passed on one by one, and told of once."""
    frozen_clock(NOON)
    alerts.set_addresses(office, "boss", post.address)
    lead = add(office)
    with office.as_system() as tx:
        base = {"kind": "escalation", "lead_id": lead, "text": "call", "due_at": tx.now, "created_at": tx.now}
        boss = tx.catalog.find_user("boss").id
        flood = [{**base, "user_id": boss, "occurrence": f"escalation:{n}", "snoozes": 0} for n in range(1200)]
        tx.conn.execute(insert(t.notification), flood)
    frozen_clock(NOON + timedelta(minutes=16))
    assert (go(office), go(office)) == (1200, 0)
    (message,) = post.came
    assert message["title"] == "leadtui: 1200 reminders"
    assert message["message"].count("\n") == 12


@ONE_ENGINE
def test_what_was_seen_or_done_is_not_sent(office: Office, frozen_clock: Move, post: Post) -> None:
    frozen_clock(NOON)
    alerts.set_addresses(office, "boss", post.address)
    remind(office, "one", "two", "three")
    three, two, _ = reminders.mine(office)
    reminders.seen(office, [three.id])
    activities.complete(office, two.activity_id or 0)
    frozen_clock(NOON + timedelta(hours=1))
    assert go(office) == 1
    assert post.came[0]["message"].startswith("Lead 0: one")
    admin.set_setting(office, "alert_after_minutes", "0")
    activities.add_follow_up(office, "0722000200", "2026-11-20 12:30", subject="four")
    reminders.make_due(office)
    frozen_clock(NOON + timedelta(hours=5))
    assert go(office) == 0, "the office sends none"


def test_a_failure_stays_until_somebody_tries_again(office: Office, frozen_clock: Move, post: Post) -> None:
    frozen_clock(NOON)
    alerts.set_addresses(office, "boss", post.address)
    remind(office, "ask the landlord")
    frozen_clock(NOON + timedelta(hours=1))
    post.code = 500
    go(office)
    go(office)
    assert len(post.came) == 1
    assert rows(office) == [(False, "not taken by json")]
    post.code = 200
    assert job_failures.retry(office) == 1
    assert go(office) == 1
    assert rows(office) == [(True, None)]


def test_a_program_that_died_while_sending(
    office: Office, frozen_clock: Move, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> Any:
        raise Killed

    frozen_clock(NOON)
    alerts.set_addresses(office, "boss", post.address)
    remind(office, "ask the landlord")
    frozen_clock(NOON + timedelta(hours=1))
    with monkeypatch.context() as patched:
        patched.setattr(alerts, "send", die)
        with pytest.raises(Killed):
            go(office)
    assert go(office) == 0, "never twice by itself"
    assert rows(office) == [(False, alerts.SENDING)]


def test_an_address_that_never_answers_is_given_up(frozen_clock: Move) -> None:
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        sent = alerts.send([f"json://127.0.0.1:{deaf.getsockname()[1]}/"], "x", "y", deadline_s=0.05)
    assert sent.failed == ("json",)
    assert "no answer" in sent.error


@ONE_ENGINE
def test_the_address_is_nowhere_to_be_read(office: Office, post: Post) -> None:
    alerts.set_addresses(office, "boss", post.address)
    assert alerts.addresses_shown(office, "boss") == ("json://…",)
    assert [user["has_alerts"] for user in admin.users(office)] == [True]
    assert "s3cret" not in str(everything(office))
    assert "s3cret" not in str(admin.users(office)) + str(history.audit(office))
    alerts.set_addresses(office, "boss", "")
    assert alerts.addresses_shown(office, "boss") == ()
    with office.read() as tx:
        assert tx.conn.execute(select(t.secret.c.ref)).all() == []


@ONE_ENGINE
def test_no_address(office: Office) -> None:
    for bad in ("tgram://", "nonsense", "nosuch://a/b?token=s3cret", "syslog://", "dbus://"):
        with pytest.raises(Invalid) as caught:
            alerts.set_addresses(office, "boss", bad)
        assert caught.value.field == "alerts"
        assert "s3cret" not in str(caught.value)


@ONE_ENGINE
def test_whose_addresses_one_may_set(office: Office, post: Post) -> None:
    add_users(office, "wanjiku:agent")
    with acting_as(office, "wanjiku") as agent:
        assert alerts.set_addresses(agent, "wanjiku", post.address) == ("json",)
        with pytest.raises(NotPermitted):
            alerts.set_addresses(agent, "boss", "")
        with pytest.raises(NotPermitted):
            alerts.test_alert(agent, "boss")
    assert alerts.test_alert(office, "wanjiku") == ("json",)
    assert post.came[0]["title"] == "leadtui: a test"
    post.code = 404
    with pytest.raises(OtherSide):
        alerts.test_alert(office, "wanjiku")
    with pytest.raises(Refused):
        alerts.test_alert(office, "boss")
    with pytest.raises(NotFound):
        alerts.test_alert(office, "nobody")


@ONE_ENGINE
def test_without_the_package(office: Office, post: Post, monkeypatch: pytest.MonkeyPatch, frozen_clock: Move) -> None:
    import sys

    frozen_clock(NOON)
    alerts.set_addresses(office, "boss", post.address)
    remind(office, "ask the landlord")
    frozen_clock(NOON + timedelta(hours=1))
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(Refused) as caught:
        alerts.test_alert(office, "boss")
    assert "pip install" in (caught.value.hint or "")
    go(office)
    assert "not installed" in (rows(office)[0][1] or "")
