"""Keys of the program while routers hang, dribble, flood and drop: from the key to what it changes on the screen.

`python -m bench.hanging [MANNER …]` opens the program in a terminal of its own over one good router and many bad ones,
and presses keys on every screen that talks to routers while all of them are being asked. Routers, program and clock
are three processes: none measures another's interpreter. A key is held until the first byte of its answer; "at rest"
is the last one, with whatever else is drawn meanwhile. On a busy machine any program waits for a processor: the kernel
counts how long its first thread did, and that is taken off.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.table import Table, middle, ms
from bench.terminal import Terminal, terminal

GOAL_S = 0.050
OURS = [sys.executable, "-m", "leadtui"]
KEYS = ("j", "k") * 15


class BadRouter:
    """A port that takes every caller and then behaves badly: `silent`, `dribble`, `flood`, `drop`, or `full` (a queue
    of callers that nobody takes, so that even the connection hangs)."""

    def __init__(self, manner: str) -> None:
        self.manner = manner
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(0 if manner == "full" else 64)
        self.port = int(self._socket.getsockname()[1])
        self._held: list[socket.socket] = []
        if manner == "full":
            for _ in range(4):
                caller = socket.socket()
                caller.setblocking(False)
                caller.connect_ex(("127.0.0.1", self.port))
                self._held.append(caller)
        else:
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self._held.append(caller)
            if self.manner == "drop":
                caller.close()
            elif self.manner != "silent":
                threading.Thread(target=self._torment, args=(caller,), daemon=True).start()

    def _torment(self, caller: socket.socket) -> None:
        with contextlib.suppress(OSError):
            caller.recv(4096)
            if self.manner == "dribble":  # a row with a word of 16 kB, a byte at a time
                caller.sendall(b"\x03!re\xbf\xff=")
            while True:
                if self.manner == "dribble":
                    caller.sendall(b"x")
                    time.sleep(0.05)
                else:  # rows without end, as fast as they are taken
                    caller.sendall(b"\x03!re\x07=.id=*1\x00" * 100)


MANNERS = ("silent",) * 5 + ("full",) * 3 + ("dribble",) * 2 + ("flood",) * 2 + ("drop",) * 2


def serve(manners: Sequence[str]) -> None:
    """One good router and the bad ones, until standard input ends; their ports as JSON."""
    from leadtui.router.simulator import Simulator

    with Simulator() as good:
        made = [BadRouter(manner) for manner in manners]
        print(json.dumps([["good", good.port], *([one.manner, one.port] for one in made)]), flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def routers_beside(manners: Sequence[str]) -> Iterator[list[tuple[str, int]]]:
    """The routers in a process of their own, while the block lasts: manner and port."""
    command = [sys.executable, "-m", "bench.hanging", "--serve", *manners]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield [(manner, int(port)) for manner, port in json.loads(process.stdout.readline())]
        assert process.stdin is not None
        process.stdin.close()


def fill(path: str, served: Sequence[tuple[str, int]]) -> None:
    """The routers on the list, and eight customers on the good one."""
    from leadtui.services import leads, routers
    from leadtui.services.conversion import ConvertRequest, RouterRequest, convert
    from leadtui.services.office import open_office

    office = open_office(path)

    def lead(number: int) -> int:
        values = {"source": "Website", "status": "Interested", "package": "20 Mbps Home"}
        return leads.create(office, {**values, "name": f"Customer {number}", "phone": f"+25412{number:07d}"}).lead.id

    for number, (manner, port) in enumerate(served):
        address = {"host": "127.0.0.1", "port": str(port), "username": "admin", "password": "admin"}
        name = "A-good" if manner == "good" else f"B{number:02d}-{manner}"
        routers.add(office, {"name": name, **address})
        if manner == "good":
            for customer in range(8):
                convert(office, lead(100 + customer), ConvertRequest(router=RouterRequest(name)))
    office.close()


class Keyboard:
    """Presses keys in the program and writes down how long each was held."""

    def __init__(self, app: Terminal, table: Table) -> None:
        self.app = app
        self.table = table
        self._schedstat = f"/proc/{app.process.pid}/schedstat"

    def _waited_s(self) -> float:
        """How long the program's first thread, which draws, has waited for a processor so far; 0 where unknown."""
        try:
            with open(self._schedstat, encoding="ascii") as file:
                return int(file.read().split()[1]) / 1e9
        except OSError:
            return 0.0

    def go(self, *keys: str) -> None:
        """Press keys that are not measured."""
        for key in keys:
            os.write(self.app.master, key.encode())
            self.app.quiet(0.3)

    def press(self, what: str, keys: Sequence[str]) -> None:
        """Press keys, each when the answer to the one before has come to rest; a line of the table."""
        held, settled = [], []
        for key in keys:
            before = self._waited_s()
            if times := self.app.answers(key):
                waited = self._waited_s() - before
                held.append(max(0.0, times[0] - waited))
                settled.append(max(0.0, times[-1] - waited))
        if not held:
            raise RuntimeError(f"{what}: no key was answered")
        slowest = max(held)
        words = f"at rest {ms(middle(settled))}, most {ms(max(settled))}"
        self.table.row(
            f"{what}, slowest of {len(held)}", ms(slowest), words, None, f"≤ {ms(GOAL_S)}", slowest <= GOAL_S
        )


def hanging(table: Table, env: Mapping[str, str], manners: Sequence[str] = MANNERS) -> None:
    """Press keys in every place that talks to routers, while most of them are bad."""
    with routers_beside(manners) as served:
        fill(env["LEADTUI_DB"], served)
        with terminal(OURS, env) as app:
            app.until("Customer")
            app.quiet()
            board = Keyboard(app, table)
            table.head(f"Keys held, {len(manners)} of {len(served)} routers hang, dribble, flood or drop (80×24)")
            board.go("3")
            board.press("routers, nobody is asked", KEYS)
            board.go("T")
            board.press("routers, all are tested", KEYS)
            board.go("\x1b", "c")
            board.press("routers, the load of all is read", KEYS)
            board.go("\x1b", "A")
            board.press("audit of all", KEYS)


def main() -> int:
    """Measure it alone, or (`--serve`) be the routers."""
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2:])
        return 0
    from bench.__main__ import environment, init

    table = Table()
    print(f"load before the run {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="leadtui-bench-") as name:
        env = environment(Path(name))
        init(env)
        hanging(table, env, sys.argv[1:] or MANNERS)
    return 1 if table.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
