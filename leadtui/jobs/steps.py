"""Steps of the routine around services that answer more than a number."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from .lease import Lease, Terms

if TYPE_CHECKING:
    from leadtui.router.port import CancelToken
    from leadtui.services.capacity import Capacity
    from leadtui.services.office import Office

_LOG = logging.getLogger("leadtui.jobs")

MayGoOn = Callable[[], bool]

_NAME_LIMIT = 39


def settle(office: Office, *, limit: int, may_go_on: MayGoOn, cancel: CancelToken) -> Mapping[str, int]:
    """Settle what was asked of routers and broke off, all that is due."""
    from leadtui.services import settling

    done: Counter[str] = Counter()
    for answer in settling.settle_due(office, cancel=cancel, may_go_on=may_go_on):
        if answer.outcome == "unknown":
            done["errors"] += 1
            _LOG.warning("job %d of %s is still open: %s", answer.job_id, answer.lead_number, answer.message)
        elif answer.outcome != "busy":
            done["settled"] += 1
    return done


def poll(office: Office, *, limit: int, may_go_on: MayGoOn, cancel: CancelToken) -> Mapping[str, int]:
    """Ask the routers that are due for their load, side by side."""
    from leadtui.services import capacity

    done: Counter[str] = Counter()

    def count(answer: Capacity) -> None:
        done["first_online"] += answer.first_seen
        done["polled" if answer.error is None else "errors"] += 1

    capacity.poll_due(office, cancel=cancel, on_answer=count)
    return done


def send(office: Office, *, limit: int, may_go_on: MayGoOn) -> Mapping[str, int]:
    """Send the messages to leads that are due, then ask what became of those that were sent."""
    from leadtui.services import sending

    done = Counter(
        sending.send_due(office, limit=limit, may_go_on=may_go_on, exclusive=lambda name: alone(office, name))
    )
    if may_go_on():
        done["reports"] += sending.poll_due(office, may_go_on=may_go_on)
    return +done


@contextmanager
def alone(office: Office, name: str) -> Iterator[bool]:
    """The lease of this name, such as that of a display only one may type on: whether it is ours, while we are here."""
    short = name if len(name) <= _NAME_LIMIT else f"{name[:23]}{sha256(name.encode()).hexdigest()[:16]}"
    lease = Lease(office, "worker", Terms(short, timedelta(seconds=180), timedelta(seconds=30)))
    ours = lease.take()
    try:
        yield ours
    finally:
        if ours:
            lease.release()


def handle_events(office: Office, *, limit: int, may_go_on: MayGoOn) -> int:
    """Hand open events to their handlers."""
    from leadtui.services import events

    return events.handle_open(office, limit, may_go_on)
