"""Blocking work off the UI thread: daemon threads, stale answers dropped, nothing that can hold up leaving.

Textual's own thread workers run in an executor that Python joins at exit, so one router that does not answer would
keep the process alive (facts/textual.md §0.7). Daemon threads do not.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from leadtui.errors import LeadtuiError

T = TypeVar("T")
LOGGER = logging.getLogger("leadtui.screens")


class Node(Protocol):
    """What background work needs of an app, screen or widget: thread-safe delivery into its own message queue."""

    def call_later(self, callback: Callable[..., Any], *args: Any) -> bool:
        """Run `callback` on the UI thread once earlier messages are done."""


@dataclass(eq=False)
class Job:
    """One piece of work under way. `should_stop` is what services are given to look at between steps."""

    group: str
    title: str = ""
    """Set for work that should not be left alone: leaving the program asks first."""
    cancel: Callable[[], None] | None = None
    """Called by `stop`, from the UI thread: closes a socket, interrupts a query. Must not block."""
    done: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Ask the work to stop; what it has committed stays."""
        self._stop.set()
        if self.cancel is not None:
            self.cancel()

    def should_stop(self) -> bool:
        """Whether the work was asked to stop."""
        return self._stop.is_set()


class Background:
    """All work under way in one app. Every method but `_run` is called on the UI thread."""

    def __init__(self) -> None:
        self._latest: dict[tuple[int, str], Job] = {}
        self._jobs: set[Job] = set()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What is under way."""
        return tuple(self._jobs)

    @property
    def idle(self) -> bool:
        """Nothing is under way (tests wait for this)."""
        return not self._jobs

    def start(
        self,
        node: Node,
        func: Callable[..., T],
        *args: Any,
        then: Callable[[T], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
        group: str = "",
        title: str = "",
        cancel: Callable[[], None] | None = None,
    ) -> Job:
        """Run `func(*args)` in a thread and hand its answer to `then` on the UI thread of `node`.

        With a `group`, a later start for the same node and group makes this one's answer stale: it is dropped and the
        work asked to stop. Without a group answers are never dropped. Answers for a closed node are dropped.
        """
        job = Job(group, title, cancel)
        if group:
            key = (id(node), group)
            if (old := self._latest.get(key)) is not None:
                old.stop()
            self._latest[key] = job
        self._jobs.add(job)

        def deliver(callback: Callable[[Any], object] | None, value: object) -> None:
            stale = bool(group) and self._latest.get((id(node), group)) is not job
            self._finish(job, node)
            if callback is not None and not stale:
                callback(value)

        def run() -> None:
            callback: Callable[[Any], object] | None
            value: object
            try:
                value = func(*args)
                callback = then
            except Exception as error:  # noqa: BLE001 - handed to the UI thread, which decides
                if not isinstance(error, LeadtuiError):
                    log_exception(error)
                value, callback = error, cast("Callable[[Any], object] | None", failed)
            try:
                if not node.call_later(deliver, callback, value):
                    self._finish(job, node)
            except RuntimeError:  # the event loop is gone: the program is leaving
                self._finish(job, node)

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run,), daemon=True, name=f"leadtui-{group or 'work'}").start()
        return job

    def stop(self, node: Node, group: str) -> None:
        """Make what `node` has under way in `group` stale and ask it to stop."""
        if (job := self._latest.pop((id(node), group), None)) is not None:
            job.stop()

    def forget(self, node: Node) -> None:
        """The node is closing: its work is asked to stop and its answers are dropped."""
        for key in [key for key in self._latest if key[0] == id(node)]:
            self._latest.pop(key).stop()

    def stop_all(self) -> None:
        """The program is leaving: everything is asked to stop; nothing is waited for."""
        for job in tuple(self._jobs):
            try:
                job.stop()
            except Exception as error:  # noqa: BLE001 - leaving goes on whatever a closing socket says
                log_exception(error)

    def _finish(self, job: Job, node: Node) -> None:
        job.done = True
        self._jobs.discard(job)
        key = (id(node), job.group)
        if self._latest.get(key) is job:
            del self._latest[key]


def log_exception(error: BaseException) -> None:
    """Write an unexpected error to the log: file, line and function of each step, never local variables."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    steps = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    LOGGER.error("%s: %s [%s]", type(error).__name__, _first_line(error), steps)


def _first_line(error: BaseException) -> str:
    """The first line of the message: SQLAlchemy puts statement and parameters, which may be secret, in later lines."""
    return str(error).partition("\n")[0][:300]
