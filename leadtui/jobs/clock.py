"""When a tick is due: APScheduler with nothing to remember, in this process alone.

Truth lies in rows (`lease`, jobs, events), so the scheduler keeps its jobs in memory and a tick that was missed is
not made up for. Its own thread pool is not used: Python waits at its end for the threads of pools, and a router that
hangs would hold up quitting (facts/messaging §4.2). The zone is given, for the one of the person's terminal may not
even exist.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

_LOG = logging.getLogger("leadtui.jobs.clock")


class _DaemonThreads(BaseExecutor):  # type: ignore[misc]  # the library is untyped
    """Each tick in a daemon thread of its own; there is one at a time of each job."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        threading.Thread(target=self._run, args=(job,), daemon=True, name=f"leadtui-{job.id}").start()

    def _run(self, job: Any) -> None:
        try:
            job.func()
        finally:
            self._run_job_success(job.id, [])


class Clock:
    """Calls what it is given every so often, in a thread; the same never twice at a time."""

    def __init__(self) -> None:
        _LOG.setLevel(logging.ERROR)  # it would warn of each tick that is still running
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": _DaemonThreads()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            logger=_LOG,
        )

    def call(
        self, tick: Callable[[], object], *, seconds: float, first_after_s: float = 0.0, name: str = "tick"
    ) -> None:
        """Call `tick`, which must not raise, `first_after_s` from now and then every `seconds`."""
        every = IntervalTrigger(seconds=seconds, timezone=UTC)
        first = datetime.now(UTC) + timedelta(seconds=first_after_s)
        self._scheduler.add_job(tick, every, id=name, next_run_time=first)

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no more ticks; one that is running is not waited for. Once."""
        self._scheduler.shutdown(wait=False)
