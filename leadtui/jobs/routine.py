"""What goes on by itself: the table of steps, and a tick that does those of one lane under its lease.

Everything here may be done twice, or by two processes at once, without harm, so a holder that lost the lease in the
middle of a step does no damage: rows are claimed by comparing and setting, an event is marked in the transaction that
handles it, a notice is unique by its occurrence, the figures of a poll give way to newer ones. The lease only keeps
the work from being done by everybody. What must never be done twice (a message to a lead) is claimed row by row, in the
transaction that writes it down.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

from leadtui.background import log_exception
from leadtui.errors import LeadtuiError

from .lease import Lease

if TYPE_CHECKING:
    from leadtui.router.port import CancelToken
    from leadtui.services.office import Office

Lane = Literal["now", "slow", "send"]

_LOG = logging.getLogger("leadtui.jobs")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that goes on by itself.

    `name` is its key in a tally; `words` are those behind its number ("3 reminders made"), empty for housekeeping that
    nobody is told of. `does` is `module:function`, imported when it is first needed:
    `(office, *, limit, may_go_on) -> int` does at most `limit` rows in short transactions and answers how many; called
    again while it answers `limit`. It may answer a mapping instead, where more than one thing is counted ("errors"
    among them). With `limit` 0 one call does everything. `cancel`: it is
    given the token that cuts off a talk with a router, too.
    """

    name: str
    does: str
    words: str
    limit: int = 100
    lane: Lane = "now"
    cancel: bool = False
    also: tuple[tuple[str, str], ...] = ()
    """Further names it counts, with their words."""
    waiting: str = ""
    """`module:function`, `(tx) -> int`: how many rows it has before it; one indexed count."""
    waits: str = ""
    """How people read that number: "reminders due"."""

    def run(self, office: Office, may_go_on: Callable[[], bool], token: CancelToken) -> Mapping[str, int]:
        """Do some of it, and answer what was counted."""
        module, _, function = self.does.partition(":")
        options: dict[str, Any] = {"cancel": token} if self.cancel else {}
        done = getattr(import_module(module), function)(office, limit=self.limit, may_go_on=may_go_on, **options)
        return done if isinstance(done, Mapping) else {self.name: done}


STEPS: Final[tuple[Step, ...]] = (
    Step(
        "settled", "leadtui.jobs.steps:settle", "settled", limit=0, lane="slow", cancel=True,
        waiting="leadtui.services.provision_jobs:waiting", waits="orders to routers open",
    ),
    Step(
        "polled", "leadtui.jobs.steps:poll", "routers asked", limit=0, lane="slow", cancel=True,
        also=(("first_online", "first online"),),
    ),
    Step(
        "reminders", "leadtui.services.reminders:make_due", "reminders made", limit=500,
        waiting="leadtui.services.reminders:waiting", waits="reminders due",
    ),
    Step(
        "escalations", "leadtui.services.escalation:step", "overdue escalated", limit=50,
        waiting="leadtui.services.escalation:waiting", waits="follow-ups overdue",
    ),
    Step(
        "loans_overdue", "leadtui.services.loans_overdue:step", "promises overdue",
        waiting="leadtui.services.loans_overdue:late_count", waits="promises past their day",
    ),
    Step(
        "inbox", "leadtui.services.inbox:apply_open", "taken from the inbox", limit=100,
        waiting="leadtui.services.inbox:waiting", waits="messages from outside to apply",
    ),
    Step(
        "offers", "leadtui.services.offers:lapse", "offers ended",
        waiting="leadtui.services.offers:waiting", waits="offers whose time is over",
    ),
    Step(
        "assigned", "leadtui.services.unassigned:step", "leads assigned", limit=500,
        waiting="leadtui.services.unassigned:waiting", waits="leads waiting for an agent",
    ),
    Step(
        "scores", "leadtui.services.scoring:step", "leads scored anew", limit=500,
        waiting="leadtui.services.scoring:waiting", waits="leads to score anew",
    ),
    Step(
        "tallied", "leadtui.services.figures:settle", "", limit=2_000,
        waiting="leadtui.services.figures:waiting", waits="changes to sum up for figures",
    ),
    Step("digests", "leadtui.services.digest:morning", "digests"),
    Step("forgotten", "leadtui.services.old_notices:forget", "old notices forgotten", limit=500),
    Step(
        "audience", "leadtui.services.campaign_due:step", "recipients of campaigns", limit=2_000,
        also=(
            ("campaigns_started", "campaigns begun"), ("campaigns_held", "campaigns that could not begin"),
            ("campaigns_finished", "campaigns done"),
        ),
        waiting="leadtui.services.campaign_due:waiting", waits="campaigns due",
    ),
    Step(
        "drips", "leadtui.services.drips:run_due", "steps of drips",
        waiting="leadtui.services.drips:waiting", waits="steps of drips due",
    ),
    Step(
        "alerts", "leadtui.services.alerts:send_due", "alerts sent", limit=50, lane="slow",
        waiting="leadtui.services.alerts:waiting", waits="alerts to send",
    ),
    Step(
        "sent", "leadtui.jobs.steps:send", "messages sent", limit=200, lane="send",
        also=(
            ("handed_off", "messages handed over"), ("retried", "messages to be tried again"),
            ("messages_failed", "messages failed"), ("messages_unknown", "messages of unknown outcome"),
            ("skipped", "messages not to be sent any more"), ("held_back", "messages held back"),
            ("reports", "reports on messages"),
        ),
        waiting="leadtui.services.sending:waiting", waits="messages to send",
    ),
    Step(
        "events", "leadtui.jobs.steps:handle_events", "events", limit=50,
        waiting="leadtui.services.events:waiting", waits="events to handle",
    ),
)  # fmt: skip
"""All of it, in the order of a tick; events last, for the steps before make some. The lane `now` needs only the
database, `slow` waits for others (routers, the network), `send` for the channels of messages to leads.
"""

MOST_S = 8.0
"""After so many seconds a tick ends, though there is more to do: the next one follows soon, and begins at the top."""


SURE_S = 0.5
"""So long a holder relies on having held the lease; a process that was frozen finds that more time has gone by."""


class Tally:
    """What was done, by name. `errors` counts what could not be: a router that did not answer, a job still open, a step
    that failed; the log names each.
    """

    def __init__(self, ticks: int = 0, errors: int = 0, **counts: int) -> None:
        self.ticks = ticks
        self.errors = errors
        self.counts: Counter[str] = Counter(counts)

    def __getitem__(self, name: str) -> int:
        return self.counts[name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.as_json() == other.as_json()

    def __repr__(self) -> str:
        done = {name: count for name, count in self.as_json().items() if count}
        return f"Tally({', '.join(f'{name}={count}' for name, count in done.items())})"

    __hash__ = None  # type: ignore[assignment]  # it changes

    def count(self, done: Mapping[str, int]) -> None:
        """Count what a step answered."""
        for name, number in done.items():
            if name == "errors":
                self.errors += number
            else:
                self.counts[name] += number

    def add(self, other: Tally) -> None:
        """Count the other one too."""
        self.ticks += other.ticks
        self.errors += other.errors
        self.counts.update(other.counts)

    def as_json(self) -> dict[str, int]:
        """As the command line prints it: every name, done or not."""
        return {"ticks": self.ticks, **{name: self.counts[name] for name in WORDS}, "errors": self.errors}

    def done(self) -> dict[str, int]:
        """Only what is not nothing."""
        counts = {name: self.counts[name] for name in WORDS if self.counts[name]}
        return counts | ({"errors": self.errors} if self.errors else {})

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done, and nothing went wrong."""
        return not self.errors and not any(self.counts[name] for name in WORDS)


WORDS: Final[Mapping[str, str]] = {
    name: words for step in STEPS for name, words in ((step.name, step.words), *step.also) if words
}
"""Every name a tally counts, with the words behind its number."""


class Routine:
    """The work of one lane in one process: `tick` is called from one thread at a time."""

    def __init__(
        self, office: Office, lease: Lease, cancel: CancelToken, lane: Lane = "now", steps: Sequence[Step] = ()
    ) -> None:
        """`steps`: those of STEPS in the lane, when not given."""
        self._office = office
        self._lease = lease
        self._cancel = cancel
        self._steps = tuple(steps) or tuple(step for step in STEPS if step.lane == lane)
        self._kept_at = float("-inf")
        self.failing: dict[str, str] = {}
        """The steps that failed when they were last tried, with the words."""

    @property
    def is_at_work(self) -> bool:
        """Whether the lease was ours when it was last looked at."""
        return self._lease.token is not None

    def tick(self, *, insist: bool = False, to_the_end: bool = False) -> Tally:
        """Do what is due, if the lease is ours. A step that fails is logged and counted, the others are done.

        Steps take turns, each with as many rows as it does at once, and every turn begins at the top: a reminder that
        comes due meanwhile waits for one turn, not for thousands of follow-ups. It ends when no step has more to do, or
        when the tick has lasted long enough; `to_the_end` goes on until nothing at all was done in a turn. Raises a
        LeadtuiError when the lease cannot be asked for: then the database is out of reach.
        """
        done = Tally(ticks=1)
        if self._cancel.cancelled or not self._lease.take(insist=insist):
            return done
        begun, steps = monotonic(), list(self._steps)
        while steps:
            before, has_more = done.counts.total(), False
            for step in steps:
                if not self._may_go_on():
                    return done
                has_more |= self._do(step, done)
            steps = [step for step in steps if step.limit and step.name not in self.failing]
            if to_the_end:
                if done.counts.total() == before:
                    break
            elif not has_more or monotonic() - begun > MOST_S:
                break
        return done

    def _do(self, step: Step, done: Tally) -> bool:
        """One call of a step; whether there is more of it."""
        try:
            counted = step.run(self._office, self._may_go_on, self._cancel)
        except LeadtuiError as error:
            done.errors += 1
            self.failing[step.name] = error.message
            _LOG.warning("%s: %s", step.name, error.message)
            return False
        except Exception as error:  # noqa: BLE001 - one step must not stop the others, nor the clock
            done.errors += 1
            self.failing[step.name] = f"an error of the program ({type(error).__name__}); the log has more"
            log_exception(error)
            return False
        self.failing.pop(step.name, None)
        done.count(counted)
        return 0 < step.limit <= counted.get(step.name, 0)

    def _may_go_on(self) -> bool:
        """Whether we may: nobody told us to stop, and the lease was ours a moment ago (steps ask after each row)."""
        if self._cancel.cancelled:
            return False
        if self._lease.token is None or monotonic() - self._kept_at >= SURE_S:
            if not self._lease.keep():
                return False
            self._kept_at = monotonic()
        return True
