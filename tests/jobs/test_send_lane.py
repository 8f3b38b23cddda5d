"""The lane that sends messages: it holds up nothing, and nothing holds up whoever leaves."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from leadtui.channels.port import Sent
from leadtui.jobs import status, steps
from leadtui.jobs.runner import Runner
from leadtui.services.office import Office
from tests.services.lead_help import add
from tests.services.message_help import Scripted, campaign, change, scripted, send, states, to_leads

__all__ = ["scripted"]

WAIT_S = 20.0


@pytest.fixture
def two(office: Office, scripted: Scripted) -> list[int]:
    """Two messages of a campaign that runs."""
    return to_leads(office, [add(office), add(office, "0733000111")], campaign(office))


def test_once_sends_what_the_rate_permits(office: Office, two: list[int]) -> None:
    done = Runner(office, "worker").once()
    assert done["sent"] == 2 and done.errors == 0 and states(office, two) == ["sent", "sent"]


def test_what_waits_and_what_nobody_knows_is_shown(sqlite_office: Office, scripted: Scripted) -> None:
    ids = to_leads(sqlite_office, [add(sqlite_office), add(sqlite_office, "0733000111")])
    change(sqlite_office, ids[0], state="unknown")
    waiting = {one.name: one.count for one in status.status(sqlite_office).queue}
    assert (waiting["sent"], waiting["messages_unknown"]) == (1, 1)


def test_leaving_waits_for_no_answer(sqlite_office: Office, scripted: Scripted) -> None:
    ids = to_leads(sqlite_office, [add(sqlite_office), add(sqlite_office, "0733000111")], campaign(sqlite_office))
    came, go_on = threading.Event(), threading.Event()

    def hangs(_message: object) -> Any:
        came.set()
        go_on.wait(WAIT_S)
        return Sent("late")

    scripted.answers = [hangs]
    runner = Runner(sqlite_office, "worker", first_slow_after_s=3600)
    runner.start()
    assert came.wait(WAIT_S)
    assert runner.stop(WAIT_S) and states(sqlite_office, ids) == ["sending", "pending"]
    go_on.set()  # in time after all: the message ends in its own thread
    for thread in threading.enumerate():
        if thread.name == "leadtui-call":
            thread.join(WAIT_S)
    assert states(sqlite_office, ids) == ["sent", "pending"]


def test_a_display_has_one_who_types(office: Office, scripted: Scripted, two: list[int]) -> None:
    scripted.caps_ |= {"lease": "chan:pywhatkit:a-host-with-a-long-name.example:0"}
    with steps.alone(office, scripted.caps_["lease"]) as ours:
        assert ours
        with steps.alone(office, scripted.caps_["lease"]) as theirs:
            assert not theirs
        assert steps.send(office, limit=10, may_go_on=lambda: True) == {} and send(office) == {}
    assert steps.send(office, limit=10, may_go_on=lambda: True) == {"sent": 2}
