"""Routers that keep one waiting, without waiting: a deadline is over as soon as the training router hangs.

A test with a deadline of half a second breaks on a machine that is slow for half a second, and waits half a second on
any other. With these patches the deadlines of daily life hold, and end early for the one conversation that would never
be answered: the training router says when it begins to hang. That a deadline ends by the clock as well is tested in
`tests/router/test_deadlines`.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leadtui.router.line import Deadline, Line
from leadtui.router.simulator.peer import Peer

_SLICE_S = 0.005
_WEARISOME_S = 0.1
"""Bytes that come so slowly are as good as none."""


class Hangs:
    """How often a training router of this process began to let somebody wait; written to `file` for other processes.

    Without `counting` a router that hangs is waited for. After `hold` a command that is answered late (`late`) takes
    effect at `let_go`, whatever its rule says.
    """

    def __init__(self, patch: pytest.MonkeyPatch, file: Path | None = None) -> None:
        self.count = 0
        self.counting = True
        self.file = file
        self._go: threading.Event | None = None
        if file is not None:
            file.write_bytes(b"")
        fail, fail_after, delayed = Peer._fail, Peer._fail_after, Peer._delayed

        def failing(peer: Peer, rule: Any, tag: Any, apply: Any) -> None:
            if rule.action in ("hang_before", "late"):
                self._note()
            fail(peer, rule, tag, apply)

        def failing_after(peer: Peer, rule: Any, tag: Any, sentences: Any) -> None:
            if rule.action == "hang_after" or (rule.action == "slow_bytes" and rule.delay_s >= _WEARISOME_S):
                self._note()
            fail_after(peer, rule, tag, sentences)

        def delaying(peer: Peer, rule: Any, tag: Any, apply: Any) -> None:
            if rule.action == "late" and self._go is not None:
                while not self._go.wait(_SLICE_S) and not peer._stop.is_set():
                    pass
                rule = dataclasses.replace(rule, delay_s=0.0)
            delayed(peer, rule, tag, apply)

        patch.setattr(Peer, "_fail", failing)
        patch.setattr(Peer, "_fail_after", failing_after)
        patch.setattr(Peer, "_delayed", delaying)

    def _note(self) -> None:
        if not self.counting:
            return
        self.count += 1
        if self.file is not None:
            with self.file.open("ab") as out:
                out.write(b"!")

    def hold(self) -> None:
        """Late commands wait for `let_go`."""
        self._go = threading.Event()

    def let_go(self) -> None:
        """They take effect."""
        assert self._go is not None
        self._go.set()


def impatient(patch: pytest.MonkeyPatch, hung: Callable[[], int]) -> None:
    """End a deadline when `hung`, asked again and again, counts more than when the deadline began."""
    begin, remaining, read = Deadline.__init__, Deadline.remaining, Line.read

    def beginning(deadline: Any, seconds: float) -> None:
        deadline.hung_before, deadline.is_reading = hung(), False
        begin(deadline, seconds)

    def left(deadline: Any) -> float:
        seconds = remaining(deadline)
        if hung() > deadline.hung_before:
            raise TimeoutError("the router hangs")
        return min(seconds, _SLICE_S) if deadline.is_reading else seconds

    def reading(line: Any, length: int) -> bytes:
        deadline = line._deadline
        while True:
            deadline.is_reading = True
            try:
                return read(line, length)
            except TimeoutError:
                deadline.is_reading = False
                deadline.remaining()  # raises when it is over; else it was only a slice
            finally:
                deadline.is_reading = False

    patch.setattr(Deadline, "__init__", beginning)
    patch.setattr(Deadline, "remaining", left)
    patch.setattr(Line, "read", reading)


def hanging_ends_at_once(patch: pytest.MonkeyPatch, file: Path | None = None) -> Hangs:
    """Both sides in this process."""
    hangs = Hangs(patch, file)
    impatient(patch, lambda: hangs.count)
    return hangs
