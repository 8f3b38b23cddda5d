"""How the training router is told to fail: rules that match a command and say what goes wrong, and how often."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

FaultAction = Literal[
    "refuse",  # `!trap` with `text`, nothing applied
    "no_permission",  # the trap for a missing policy, nothing applied
    "no_menu",  # the traps for a menu that this version does not have
    "hang_before",  # nothing applied, no answer for as long as the peer waits
    "hang_after",  # applied, no answer
    "drop_before",  # closed instead of applied
    "drop_after",  # applied, then closed without an answer
    "rst_before",  # reset instead of applied
    "rst_after",  # applied, then reset
    "fatal",  # `!fatal` with `text`, closed, nothing applied
    "fatal_after",  # applied, then `!fatal`
    "garbage",  # bytes that are not the protocol instead of an answer, nothing applied
    "garbage_after",  # applied, then such bytes
    "truncate",  # applied, half of the answer, closed
    "slow_bytes",  # applied, the answer one byte per `delay_s`
    "delay",  # waits `delay_s`, applies, answers
    "late",  # no answer; applied `delay_s` later whether or not the peer is still there
    "forget",  # answers as if applied, but is not
]


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault. `command` is a prefix (`/ppp/secret/add`, `/login`, `/`); it is let pass `skip` times, then the fault
    strikes `count` times (-1: always), each time with probability `chance`.
    """

    command: str
    action: FaultAction
    count: int = 1
    skip: int = 0
    text: str = ""
    delay_s: float = 0.05
    chance: float = 1.0


class FaultPlan:
    """The rules in force, the first matching one wins. Safe to change while the router runs.

    `seed` makes the draws of `chance` repeatable; `fired` lists `(command, action)` of what has struck so far.
    """

    def __init__(self, rules: Iterable[FaultRule] = (), *, seed: int = 0) -> None:
        self._changed = threading.Condition()
        self._random = random.Random(seed)
        self._rules: list[list[int]] = []
        self._texts: list[FaultRule] = []
        self.fired: list[tuple[str, FaultAction]] = []
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> FaultPlan:
        """One more rule, after those in force."""
        with self._changed:
            self._texts.append(rule)
            self._rules.append([rule.skip, rule.count])
        return self

    def clear(self) -> None:
        """No more faults."""
        with self._changed:
            self._texts.clear()
            self._rules.clear()

    def take(self, command: str) -> FaultRule | None:
        """The rule that strikes this command, counted as used; None when it may pass."""
        with self._changed:
            for rule, state in zip(self._texts, self._rules, strict=True):
                if not command.startswith(rule.command) or state[1] == 0:
                    continue
                if state[0] > 0:
                    state[0] -= 1
                    continue
                if rule.chance < 1.0 and self._random.random() >= rule.chance:
                    continue
                if state[1] > 0:
                    state[1] -= 1
                self.fired.append((command, rule.action))
                self._changed.notify_all()
                return rule
        return None

    def wait_fired(self, count: int = 1, timeout_s: float = 10.0) -> bool:
        """Wait until `count` faults have struck; False when they did not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.fired) >= count, timeout_s)
