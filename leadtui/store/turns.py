"""Whose turn it is to write to an SQLite file: a fair queue in front of BEGIN IMMEDIATE.

SQLite's own waiting polls with growing pauses, so that among fifty writers one can starve until it gives up (bench,
"50 writers"). The kernel's file lock wakes the next waiter at once. The lock lies on a file of its own beside the
database: closing a second handle of the database itself would drop SQLite's locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from leadtui.errors import DatabaseUnreachable

# How long a writer waits for its turn: longer than any import holds it.
PATIENCE_S = 60.0


class Turns:
    """The queue of one database file, shared by all processes that write to it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + "-turn")
        self._mine = threading.local()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn and hold it. Raises DatabaseUnreachable (code `database_busy`) after PATIENCE_S.

        A thread that holds it must not ask again: a transaction inside a transaction is a mistake of ours.
        """
        if getattr(self._mine, "held", False):
            raise RuntimeError("a write transaction was begun inside another one")
        handle = self._open()
        try:
            if handle is not None:
                self._wait(handle)
            self._mine.held = True
            yield
        finally:
            self._mine.held = False
            if handle is not None:
                os.close(handle)  # gives the turn to the next

    def _open(self) -> int | None:
        """A handle of the queue's file; None where it cannot be made (a read-only folder): SQLite then waits alone."""
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except PermissionError:
            try:
                return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return None
        except OSError:
            return None

    def _wait(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        # flock() waits without a limit, and a process stopped in the middle of its turn would hold everybody for ever:
        # a thread waits, and gives the turn back at once if it comes too late.
        waiting = _Waiting(os.dup(handle))
        waiting.start()
        if not waiting.came_within(PATIENCE_S):
            raise DatabaseUnreachable(
                "the database is busy: another program has been writing to it for a long time",
                code="database_busy",
                hint="try again in a moment",
            )


class _Waiting(threading.Thread):
    """Waits for the lock on a handle of its own; the lock belongs to every handle of the same opening."""

    def __init__(self, handle: int) -> None:
        super().__init__(daemon=True, name="leadtui-turn")
        self._handle = handle
        self._lock = threading.Lock()
        self._came = threading.Event()
        self._too_late = False

    def run(self) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(self._handle, fcntl.LOCK_EX)
        with self._lock:
            self._came.set()
            if self._too_late:
                fcntl.flock(self._handle, fcntl.LOCK_UN)
        os.close(self._handle)

    def came_within(self, seconds: float) -> bool:
        """Whether the lock is ours; after a no it is given back when it comes."""
        if self._came.wait(seconds):
            return True
        with self._lock:
            self._too_late = not self._came.is_set()
            return self._came.is_set()
