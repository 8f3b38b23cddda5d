"""A program in a terminal of its own: when its first words appear, and how long a key takes to settle."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence

CODES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[PX^_].*?\x1b\\|\x1b.")
LIMIT_S = 60.0


class Terminal:
    """A process whose standard streams are a pseudo-terminal of 80×24."""

    def __init__(self, args: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (80, 24)) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            args, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, close_fds=True,
            env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )  # fmt: skip
        os.close(slave)
        self.seen = b""

    def read(self, wait_s: float) -> bool:
        """Take what has come within `wait_s`; False when nothing did."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return False
        try:
            chunk = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += chunk
        return bool(chunk)

    def until(self, words: str) -> float:
        """Seconds from the start of the process until `words` have been written."""
        wanted = words.encode()
        while wanted not in CODES.sub(b"", self.seen):
            if time.perf_counter() - self.started > LIMIT_S or (not self.read(5) and self.process.poll() is not None):
                shown = CODES.sub(b"", self.seen)[-600:].decode(errors="replace")
                raise RuntimeError(f"{words!r} never appeared; the screen said: {shown}")
        return time.perf_counter() - self.started

    def quiet(self, silence_s: float = 0.6) -> None:
        """Wait until nothing has been written for a while."""
        while self.read(silence_s):
            pass

    def settle(self, key: str, silence_s: float = 0.12) -> float | None:
        """Press a key: seconds until the last byte of the answer, or None when nothing changed."""
        times = self.answers(key, silence_s)
        return times[-1] if times else None

    def answers(self, key: str, silence_s: float = 0.12) -> list[float]:
        """Press a key: seconds until each piece of the answer has come; none when nothing changed."""
        begun = time.perf_counter()
        os.write(self.master, key.encode())
        times: list[float] = []
        while self.read(silence_s if times else 0.5):
            times.append(time.perf_counter() - begun)
        return times

    def peak_mb(self) -> float:
        """The most memory the process has held, in megabytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status)
        return int(lines["VmHWM"].split()[0]) / 1024

    def close(self) -> None:
        """End the process: this one, by its id."""
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


@contextlib.contextmanager
def terminal(args: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (80, 24)) -> Iterator[Terminal]:
    """A program in a terminal, ended in any case."""
    running = Terminal(args, env, size)
    try:
        yield running
    finally:
        running.close()
