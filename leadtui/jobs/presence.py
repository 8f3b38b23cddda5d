"""That this process lives, and what it did last: kept in memory, written every twenty seconds (`services.workers`)."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from leadtui import clock
from leadtui.errors import LeadtuiError
from leadtui.services import workers

if TYPE_CHECKING:
    from leadtui.services.office import Office

    from .routine import Lane, Routine, Tally

_LOG = logging.getLogger("leadtui.jobs")


class Presence:
    """One process. `ticked` is called by the threads of its lanes."""

    def __init__(self, office: Office, kind: str, holder: str) -> None:
        self._office = office
        self._kind = kind
        self._holder = holder
        self._lock = threading.Lock()
        self._started_at = clock.now()
        self._written: float | None = None
        self._ticked_at: datetime | None = None
        self._tick_ms: int | None = None
        self._did: dict[str, Any] = {}
        self._total: dict[str, int] = {}
        self._failing: dict[Lane, dict[str, str]] = {}

    def ticked(self, lane: Lane, routine: Routine, done: Tally, seconds: float) -> None:
        """A tick ended; write that we live when it is time. Only the lane `now` writes, for it never waits long."""
        with self._lock:
            self._note(lane, routine, done, seconds)
            due = self._written is None or monotonic() - self._written >= workers.BEAT_S
            if lane != "now" or not due:
                return
            self._written = monotonic()
            sign = workers.Beat(
                self._holder, self._kind, self._started_at, self._ticked_at, self._tick_ms,
                {"did": self._did, "total": self._total, "failing": self._all_failing()} if self._ticked_at else None,
            )  # fmt: skip
        try:
            workers.beat(self._office, sign, prune=routine.is_at_work)
        except LeadtuiError as error:
            _LOG.warning("no sign of life was written: %s", error.message)

    def _note(self, lane: Lane, routine: Routine, done: Tally, seconds: float) -> None:
        self._failing[lane] = dict(routine.failing)
        if not routine.is_at_work:
            return
        self._ticked_at = clock.now()
        if lane == "now":
            self._tick_ms = round(seconds * 1000)
        if not done.is_empty:
            self._did = {"at": self._ticked_at.astimezone(UTC).isoformat(), **done.done()}
            for name, number in done.done().items():
                self._total[name] = self._total.get(name, 0) + number

    def _all_failing(self) -> dict[str, str]:
        return {name: words for found in self._failing.values() for name, words in found.items()}

    def leave(self) -> None:
        """The process ends."""
        with self._lock:
            written, self._written = self._written, None
        if written is not None:
            workers.leave(self._office, self._holder)
