"""The work of a process from its start to its end: a clock, three lanes with their leases, and leaving within a second.

The lane `now` ticks every two seconds and needs only the database; the lane `slow` waits for routers and other
addresses, `send` for the channels of messages to leads, each in a thread of its own, so that a reminder never waits for
a router, nor a message for either. The process says every twenty seconds
that it lives. Cheap to import: what is heavy is loaded by `start` and `once`, which are called in a thread.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from leadtui.errors import LeadtuiError, NotPermitted

if TYPE_CHECKING:
    from leadtui.services.office import Office

    from .clock import Clock
    from .presence import Presence
    from .routine import Lane, Routine, Tally

TICK_S = 2.0
"""Seconds from one tick to the next of what only needs the database: about what a reminder may be late."""

SLOW_TICK_S = 15.0
"""Seconds from one tick to the next of what talks to routers and the network."""

PATIENCE_S = 0.6
"""How long leaving waits for a tick to end; a router that hangs is cut off, a database that hangs is left alone."""

_RIGHTS: Final = {"slow": ("convert", "config"), "send": ("campaign", "log", "config")}
"""One of them a person must have, that the program beside him does a lane's work."""

_LOG = logging.getLogger("leadtui.jobs")


@dataclass
class _Lane:
    """One lane of this process."""

    name: Lane
    routine: Routine
    release: Callable[[], None]
    ticking: threading.Lock = field(default_factory=threading.Lock)
    has_looked: bool = False
    has_ticked: bool = False


class Runner:
    """Ticks until it is stopped. Every method may be called from any thread, none raises but `once`."""

    def __init__(
        self,
        office: Office,
        kind: Literal["worker", "tui"],
        *,
        seconds: float = TICK_S,
        slow_seconds: float = SLOW_TICK_S,
        first_slow_after_s: float = 0.0,
        on_tick: Callable[[Tally], object] | None = None,
    ) -> None:
        """`on_tick` is told what each tick did, in its thread."""
        self._office = office
        self._kind = kind
        self._seconds = {"now": seconds, "slow": slow_seconds, "send": seconds}
        self._first_after_s = {"now": 0.0, "slow": first_slow_after_s, "send": 0.0}
        self._on_tick = on_tick
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._ended = threading.Event()
        self._clock: Clock | None = None
        self._lanes: tuple[_Lane, ...] = ()
        self._presence: Presence | None = None
        self._give_up: Callable[[], None] = lambda: None

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
            self._clock = Clock()
            for lane in self._lanes:
                self._clock.call(
                    self._ticker(lane), seconds=self._seconds[lane.name], name=f"tick-{lane.name}",
                    first_after_s=self._first_after_s[lane.name],
                )  # fmt: skip
            self._clock.start()

    def _ticker(self, lane: _Lane) -> Callable[[], None]:
        return lambda: self._tick(lane)

    def once(self) -> Tally:
        """Everything that is due, now and in this thread, whoever else holds the leases. Raises LeadtuiError."""
        from .routine import Tally

        with self._lock:
            self._prepare()
        total = Tally(ticks=1)
        now, slow, send = self._lanes
        # What routers answer makes things happen, which makes messages; what those did makes things happen again, and
        # some of all that goes to the network.
        for lane in (slow, now, send, now, send, slow):
            with lane.ticking:
                done = lane.routine.tick(insist=True, to_the_end=True)
            done.ticks = 0
            total.add(done)
        return total

    def _prepare(self) -> None:
        from leadtui.router.port import CancelToken

        from .lease import NETWORK, NOW, SEND, Lease, new_holder
        from .presence import Presence
        from .routine import Routine

        if self._lanes:
            return
        token, holder = CancelToken(), new_holder()
        if self._leaving.is_set():
            token.cancel()
        now = Lease(self._office, self._kind, NOW, holder=holder)
        slow = Lease(self._office, self._kind, NETWORK, holder=holder)
        send = Lease(self._office, self._kind, SEND, holder=holder)
        self._lanes = (
            _Lane("now", Routine(self._office, now, token, "now"), now.release),
            _Lane("slow", Routine(self._office, slow, token, "slow"), slow.release),
            _Lane("send", Routine(self._office, send, token, "send"), send.release),
        )
        self._presence = Presence(self._office, self._kind, holder)
        self._give_up = token.cancel

    def _tick(self, lane: _Lane) -> None:
        """One tick of the clock; whatever happens in it, the next one comes."""
        from leadtui.background import log_exception

        from .routine import Tally

        if self._leaving.is_set() or self._stands_by(lane):
            return
        with lane.ticking:
            begun = monotonic()
            try:
                done = lane.routine.tick() if self._may_work(lane) else Tally(ticks=1)
            except LeadtuiError as error:
                done = Tally(ticks=1, errors=1)
                _LOG.warning("no work was done: %s", error.message)
            except Exception as error:  # noqa: BLE001 - see above
                done = Tally(ticks=1, errors=1)
                log_exception(error)
            self._say(lane, done, monotonic() - begun)
            if self._kind == "tui" and not lane.has_ticked:
                # What the first tick imported stays for good. A collection that walked through it would hold the
                # screens still for a tenth of a second (bench.ui_gap), whichever thread it falls upon.
                gc.freeze()
            lane.has_ticked = True
            if self._on_tick is not None:
                self._on_tick(done)

    def _stands_by(self, lane: _Lane) -> bool:
        """Whether this tick is left out: where another process works, a look at every second tick is enough."""
        looks = lane.routine.is_at_work or lane.name == "slow" or not lane.has_looked
        lane.has_looked = looks
        return not looks

    def _may_work(self, lane: _Lane) -> bool:
        """Whoever may use the program helps to remind: it is done as `system`, and shows him nothing.

        Routers are asked only beside a person who may speak to routers, messages sent beside one who may write to
        leads: their passwords are opened in this process. A worker was asked at its start. A user who was disabled
        meanwhile helps no more.
        """
        if self._kind == "worker":
            return True
        try:
            with self._office.read() as tx:
                may = lane.name == "now" or any(tx.actor.may(action) for action in _RIGHTS[lane.name])
        except NotPermitted:
            may = False
        if not may:
            lane.release()
        return may

    def _say(self, lane: _Lane, done: Tally, seconds: float) -> None:
        if self._presence is not None and not self._leaving.is_set():
            self._presence.ticked(lane.name, lane.routine, done, seconds)

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
        for lane in self._lanes:
            with lane.ticking:  # the tick under way ends first
                lane.release()
        if self._presence is not None:
            self._presence.leave()
        self._ended.set()

    def stop(self, patience_s: float = PATIENCE_S) -> bool:
        """Leave, and wait a moment for it: whether everything ended. What did not, ends with the process."""
        self.ask_to_stop()
        return self._ended.wait(patience_s)
