"""The work of a process from its start to its end: a clock, the routine, the lease, and leaving within a second.

Cheap to import: what is heavy is loaded by `start` and `once`, which are called in a thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from leadtui.errors import LeadtuiError

if TYPE_CHECKING:
    from leadtui.services.office import Office

    from .clock import Clock
    from .routine import Routine, Tally

TICK_S = 15.0
"""Seconds from one tick to the next."""

PATIENCE_S = 0.6
"""How long leaving waits for a tick to end; a router that hangs is cut off, a database that hangs is left alone."""

_LOG = logging.getLogger("leadtui.jobs")


class Runner:
    """Ticks until it is stopped. Every method may be called from any thread, none raises but `once`."""

    def __init__(
        self,
        office: Office,
        kind: Literal["worker", "tui"],
        *,
        seconds: float = TICK_S,
        first_after_s: float = 0.0,
        on_tick: Callable[[Tally], object] | None = None,
    ) -> None:
        """`on_tick` is told what each tick did, in its thread."""
        self._office = office
        self._kind = kind
        self._seconds = seconds
        self._first_after_s = first_after_s
        self._on_tick = on_tick
        self._lock = threading.Lock()
        self._ticking = threading.Lock()
        self._leaving = threading.Event()
        self._ended = threading.Event()
        self._clock: Clock | None = None
        self._routine: Routine | None = None
        self._give_up: Callable[[], None] = lambda: None
        self._release: Callable[[], None] = lambda: None

    @property
    def is_running(self) -> bool:
        """Whether ticks come."""
        return self._clock is not None and not self._leaving.is_set()

    def start(self) -> None:
        """Begin ticking. Loads the scheduler: not for the UI thread."""
        from .clock import Clock

        with self._lock:
            if self._leaving.is_set() or self._clock is not None:
                return
            self._prepare()
            self._clock = Clock(self._tick, seconds=self._seconds, first_after_s=self._first_after_s)
            self._clock.start()

    def once(self) -> Tally:
        """Everything that is due, now and in this thread, whoever else holds the lease. Raises LeadtuiError."""
        with self._lock:
            routine = self._prepare()
        with self._ticking:
            return routine.tick(insist=True)

    def _prepare(self) -> Routine:
        from leadtui.router.port import CancelToken

        from .lease import Lease
        from .routine import Routine

        if self._routine is None:
            cancel = CancelToken()
            if self._leaving.is_set():
                cancel.cancel()
            lease = Lease(self._office, self._kind)
            self._routine = Routine(self._office, lease, cancel)
            self._give_up, self._release = cancel.cancel, lease.release
        return self._routine

    def _tick(self) -> None:
        """One tick of the clock; whatever happens in it, the next one comes."""
        from leadtui.background import log_exception

        from .routine import Tally

        routine = self._routine
        if routine is None or self._leaving.is_set():
            return
        with self._ticking:
            try:
                done = routine.tick() if self._may_work() else Tally(ticks=1)
            except LeadtuiError as error:
                done = Tally(ticks=1, errors=1)
                _LOG.warning("no work was done: %s", error.message)
            except Exception as error:  # noqa: BLE001 - see above
                done = Tally(ticks=1, errors=1)
                log_exception(error)
            if self._on_tick is not None:
                self._on_tick(done)

    def _may_work(self) -> bool:
        """A TUI works for the office only where its person may speak to routers; a worker was asked at its start."""
        return self._kind == "worker" or self._office.actor.may("convert") or self._office.actor.may("config")

    def ask_to_stop(self) -> None:
        """Begin leaving: no more ticks, a router that is being talked to is cut off. Returns at once."""
        if self._leaving.is_set():
            return
        self._leaving.set()
        threading.Thread(target=self._wind_up, daemon=True, name="leadtui-jobs-end").start()

    def _wind_up(self) -> None:
        with self._lock:
            self._give_up()
            if self._clock is not None:
                self._clock.stop()
        with self._ticking:  # the tick under way ends first
            self._release()
        self._ended.set()

    def stop(self, patience_s: float = PATIENCE_S) -> bool:
        """Leave, and wait a moment for it: whether everything ended. What did not, ends with the process."""
        self.ask_to_stop()
        return self._ended.wait(patience_s)
