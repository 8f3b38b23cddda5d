"""A process killed at any step of a conversion: after the next settling router and store agree (answer 10)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from leadtui.router.simulator import Simulator
from leadtui.services.conversion import convert, pending, resolve, settle_on_start
from leadtui.services.office import Office

from .conversion_help import ROUTER, add_router, check_agreement, jobs, new_lead, secrets_stored, status_of, wanting

SCRIPT = Path(__file__).with_name("convert_and_wait.py")


def kill_at(office: Office, lead_id: int, words: str) -> None:
    """Run a conversion in a process of its own and kill it without notice at that step."""
    db = office.store.url.render_as_string(hide_password=False)
    command = [sys.executable, str(SCRIPT), db, str(lead_id), ROUTER, words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "REACHED\n"
        process.kill()
        process.wait(10)


POINTS = (
    ("intent done", "planned"),
    ("connect started", "planned"),
    ("connect done", "planned"),
    ("user started Looking for the profile", "applying"),
    ("user started Adding", "applying"),
    ("user started Reading", "applying"),
    ("user done", "applying"),
    ("customer started", "applying"),
)


@pytest.mark.parametrize("how", ["resolve", "start"])
def test_killed_before_the_last_transaction(office: Office, simulator: Simulator, how: str) -> None:
    add_router(office, simulator)
    for words, state in POINTS:
        lead = new_lead(office)
        kill_at(office, lead.id, words)
        killed = jobs(office)[-1]
        assert (killed.lead_id, killed.state) == (lead.id, state), words
        assert [row.is_held for row in pending(office) if row.id == killed.id] == [False], words
        answers = resolve(office, killed.id) if how == "resolve" else settle_on_start(office)
        assert [answer.outcome for answer in answers if answer.job_id == killed.id] in (["absent"], ["removed"]), words
        assert jobs(office)[-1].state == "failed"
        assert status_of(office, lead.id) == "Interested"
        check_agreement(office, simulator)
        assert convert(office, lead.id, wanting()).success
        check_agreement(office, simulator)
    assert len(secrets_stored(office)) == len(POINTS)


def test_killed_after_the_last_transaction(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    kill_at(office, lead.id, "customer done")
    assert [job.state for job in jobs(office)] == ["verified"]
    assert resolve(office) == []
    assert status_of(office, lead.id) == "Converted"
    check_agreement(office, simulator)


def test_a_retry_needs_no_settling_by_hand(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    kill_at(office, lead.id, "user done")
    assert convert(office, lead.id, wanting(username="another.name")).success
    check_agreement(office, simulator)
