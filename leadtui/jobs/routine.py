"""What one tick does under the lease: settle open jobs, ask routers that are due, handle open events.

Everything here may be done twice, or by two processes at once, without harm, so a holder that lost the lease in the
middle of a step does no damage: settling claims each job by comparing, an event is marked in the transaction that
handles it, the figures of a poll give way to newer ones, "first online" is set where nothing was set. The lease only
keeps the work from being done by everybody. What must never be done twice (a message to a lead) must ask `Lease.holds`
in the transaction that writes it down.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from leadtui.background import log_exception
from leadtui.errors import LeadtuiError

from .lease import Lease

if TYPE_CHECKING:
    from leadtui.router.port import CancelToken
    from leadtui.services.capacity import Capacity
    from leadtui.services.office import Office

EVENTS_AT_ONCE = 50
"""Between two looks at the lease."""

_LOG = logging.getLogger("leadtui.jobs")


@dataclass
class Tally:
    """What was done. `errors` counts what could not be: a router that did not answer, a job still open, a step that
    failed; the log names each.
    """

    ticks: int = 0
    settled: int = 0
    events: int = 0
    polled: int = 0
    first_online: int = 0
    errors: int = 0

    def add(self, other: Tally) -> None:
        """Count the other one too."""
        for key, count in asdict(other).items():
            setattr(self, key, getattr(self, key) + count)

    def as_json(self) -> dict[str, int]:
        """As the command line prints it."""
        return asdict(self)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done, and nothing went wrong."""
        return not any((self.settled, self.events, self.polled, self.first_online, self.errors))


class Routine:
    """The work of one process: `tick` is called from one thread at a time."""

    def __init__(self, office: Office, lease: Lease, cancel: CancelToken) -> None:
        self._office = office
        self._lease = lease
        self._cancel = cancel
        self._steps: tuple[tuple[str, Callable[[Tally], None]], ...] = (
            ("settle", self._settle),
            ("poll", self._poll),
            ("events", self._events),  # last: what the steps before it made happen is handled in the same tick
        )

    def tick(self, *, insist: bool = False) -> Tally:
        """Do what is due, if the lease is ours. A step that fails is logged and counted, the others are done.

        Raises a LeadtuiError when the lease cannot be asked for: then the database is out of reach.
        """
        done = Tally(ticks=1)
        if self._cancel.cancelled or not self._lease.take(insist=insist):
            return done
        for name, step in self._steps:
            try:
                if not self._may_go_on():
                    break
                step(done)
            except LeadtuiError as error:
                done.errors += 1
                _LOG.warning("%s: %s", name, error.message)
            except Exception as error:  # noqa: BLE001 - one step must not stop the others, nor the clock
                done.errors += 1
                log_exception(error)
        return done

    def _may_go_on(self) -> bool:
        return not self._cancel.cancelled and self._lease.keep()

    def _settle(self, done: Tally) -> None:
        from leadtui.services import settling

        for answer in settling.settle_due(self._office, cancel=self._cancel, may_go_on=self._may_go_on):
            if answer.outcome == "unknown":
                done.errors += 1
                _LOG.warning("job %d of %s is still open: %s", answer.job_id, answer.lead_number, answer.message)
            elif answer.outcome != "busy":
                done.settled += 1

    def _poll(self, done: Tally) -> None:
        from leadtui.services import capacity

        def count(answer: Capacity) -> None:
            done.first_online += answer.first_seen
            if answer.error is None:
                done.polled += 1
            else:
                done.errors += 1

        capacity.poll_due(self._office, cancel=self._cancel, on_answer=count)

    def _events(self, done: Tally) -> None:
        from leadtui.services import events

        while self._may_go_on():
            handled = events.handle_open(self._office, EVENTS_AT_ONCE)
            done.events += handled
            if handled < EVENTS_AT_ONCE:
                return
