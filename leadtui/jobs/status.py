"""How the work that goes on by itself stands, for people to look at: who does it, what waits, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from leadtui.services import job_failures, workers
from leadtui.services.job_failures import Failure, give_up, retry
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import ReadTx

from .lease import NOW
from .routine import STEPS, WORDS

if TYPE_CHECKING:
    from leadtui.services.office import Office


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows a step has before it: `words` as people read it ("reminders due")."""

    name: str
    words: str
    count: int


@dataclass(frozen=True, slots=True)
class Status:
    """All of it. `may_act`: whether the acting user sees all that failed; without, only his own alerts.

    `ticked_at` is when the holder of the lease last renewed it, at most some seconds ago.
    """

    at: datetime
    scheduler: str
    programs: tuple[workers.Program, ...]
    ticked_at: datetime | None
    queue: tuple[Waiting, ...]
    failures: tuple[Failure, ...]
    failed: int
    may_act: bool

    @property
    def at_work(self) -> workers.Program | None:
        """Who does what is due now; None: nobody."""
        now = workers.LEASES[NOW.name]
        return next((one for one in self.programs if now in one.does), None)

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return {
            "at": self.at, "scheduler": self.scheduler, "ticked_at": self.ticked_at,
            "workers": [one.as_json() for one in self.programs], "queue": {one.name: one.count for one in self.queue},
            "failed": self.failed, "failures": [asdict(one) for one in self.failures],
        }  # fmt: skip


def did_words(did: Mapping[str, Any]) -> str:
    """What a tick did, as a program keeps it (`Program.tally["did"]`), in words; empty for nothing."""
    parts = [f"{did[name]:,} {words}" for name, words in WORDS.items() if did.get(name)]
    if did.get("errors"):
        parts.append(f"{did['errors']:,} not done")
    return ", ".join(parts)


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max(0, round((now - at).total_seconds()))
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name} ago"
    return f"{seconds} s ago"


def status(office: Office) -> Status:
    """How it stands. Everybody may see who works and what waits; failures need `config`, but for one's own alerts."""
    with office.read() as tx:
        programs = workers.programs(tx)
        may_act = tx.actor.may("config")
        count, found = job_failures.failed(tx)
        steps = _failing(programs) if may_act else []
        return Status(
            moment(tx), str(tx.catalog.settings.get("scheduler") or "any"), programs,
            workers.last_tick(tx, NOW.name), _queue(tx),
            (*steps, *found), count + len(steps), may_act,
        )  # fmt: skip


def _queue(tx: ReadTx) -> tuple[Waiting, ...]:
    found: list[Waiting] = []
    for step in STEPS:
        if step.waiting:
            module, _, function = step.waiting.partition(":")
            found.append(Waiting(step.name, step.waits, int(getattr(import_module(module), function)(tx))))
    unknown = import_module("leadtui.services.sending").unknown_count(tx)
    found.append(Waiting("messages_unknown", "messages of which nobody knows whether they went", unknown))
    return tuple(found)


def _failing(programs: Sequence[workers.Program]) -> list[Failure]:
    """Steps that failed when those at work last tried them; the next tick tries them again."""
    return [
        Failure("", "step", WORDS.get(name, name), words, 1, one.ticked_at or one.beat_at, None, False)
        for one in programs
        if one.does
        for name, words in one.tally.get("failing", {}).items()
    ]


__all__ = ["Failure", "Status", "Waiting", "ago", "did_words", "give_up", "retry", "status"]
