"""The clock: ticks that come, never two at a time, and a process that ends although a tick hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadtui.jobs import clock as clock_module
from leadtui.jobs.clock import Clock

HANGING = """
import sys, threading
from leadtui.jobs.clock import Clock

begun, never = threading.Event(), threading.Event()

def tick():
    begun.set()
    never.wait()

clock = Clock()
clock.call(tick, seconds=0.05)
clock.start()
assert begun.wait(20)
clock.stop()
print("LEFT", threading.active_count())
"""


def test_ticks_come_and_end() -> None:
    ticks = threading.Semaphore(0)
    clock = Clock()
    clock.call(ticks.release, seconds=0.02)
    clock.start()
    for _ in range(4):
        assert ticks.acquire(timeout=10)
    clock.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "APScheduler"]


def test_never_two_at_a_time_and_nothing_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ticks = threading.Semaphore(0), threading.Semaphore(0)
    inside, most = [0], [0]
    go_on = threading.Event()
    original = clock_module._DaemonThreads.submit_job

    def submit(self: Any, job: Any, run_times: Any) -> None:
        asked.release()
        original(self, job, run_times)

    def tick() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        go_on.wait(10)
        inside[0] -= 1
        ticks.release()

    monkeypatch.setattr(clock_module._DaemonThreads, "submit_job", submit)
    clock = Clock()
    clock.call(tick, seconds=0.02)
    clock.start()
    for _ in range(6):  # the first one hangs, five come due meanwhile
        assert asked.acquire(timeout=10)
    assert not ticks.acquire(blocking=False)
    go_on.set()
    for _ in range(3):
        assert ticks.acquire(timeout=10)
    clock.stop()
    assert most == [1]


def test_one_that_hangs_holds_up_no_other() -> None:
    ticks, go_on, begun = threading.Semaphore(0), threading.Event(), threading.Event()

    def hangs() -> None:
        begun.set()
        go_on.wait(10)

    clock = Clock()
    clock.call(hangs, seconds=0.02, name="slow")
    clock.call(ticks.release, seconds=0.02, name="now")
    clock.start()
    assert begun.wait(10)
    for _ in range(4):
        assert ticks.acquire(timeout=10)
    go_on.set()
    clock.stop()


def test_the_first_may_come_later() -> None:
    clock = Clock()
    clock.call(lambda: None, seconds=15, first_after_s=3600)
    clock.start()
    job = clock._scheduler.get_job("tick")
    clock.stop()
    assert job.next_run_time > datetime.now(UTC) + timedelta(minutes=59)


def test_a_hanging_tick_and_a_zone_that_does_not_exist() -> None:
    """`TZ` comes with the SSH session; Python waits at its end for the threads of pools."""
    done = subprocess.run(
        [sys.executable, "-c", HANGING], env={**os.environ, "TZ": "EAT-3"}, capture_output=True, text=True,
        timeout=60, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("LEFT 2")  # this thread and the tick
