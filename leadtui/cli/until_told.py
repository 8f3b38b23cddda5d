"""Commands that go on until they are told to stop: SIGTERM and SIGINT as something the main thread waits for."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

DONE: Final = 0
"""What is written into the pipe when the work is done; a signal writes its number."""


def wait(pipe: int, seconds: float | None) -> int:
    """Wait for a signal (its number), or 0 for the end of the work or of the time."""
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if end is None else max(0.0, end - time.monotonic())
        if select.select([pipe], [], [], left)[0]:
            return os.read(pipe, 1)[0]
        if left == 0.0:
            return DONE


@contextlib.contextmanager
def signals() -> Iterator[tuple[int, Callable[[], None]]]:
    """A pipe that tells of SIGTERM and SIGINT, and a function that writes `DONE` into it.

    The handlers themselves do nothing: one that took a lock could meet the main thread holding it.
    """
    reads, writes = os.pipe()
    os.set_blocking(writes, False)

    lock, is_open = threading.Lock(), [True]

    def tell() -> None:
        with lock:  # a thread that comes too late must not write into whatever has this number then
            if is_open[0]:
                os.write(writes, bytes([DONE]))

    def nothing(_number: int, _frame: FrameType | None) -> None:
        """The number goes into the pipe."""

    before = {number: signal.signal(number, nothing) for number in (signal.SIGTERM, signal.SIGINT)}
    woken = signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    try:
        yield reads, tell
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        with lock:
            is_open[0] = False
            os.close(reads)
            os.close(writes)
