"""Steps of the routine around services that answer more than a number."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadtui.router.port import CancelToken
    from leadtui.services.capacity import Capacity
    from leadtui.services.office import Office

_LOG = logging.getLogger("leadtui.jobs")

MayGoOn = Callable[[], bool]


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


def handle_events(office: Office, *, limit: int, may_go_on: MayGoOn) -> int:
    """Hand open events to their handlers."""
    from leadtui.services import events

    return events.handle_open(office, limit, may_go_on)
