"""A process that contends for the lease: takes, keeps, releases it as it is told on its input."""

from __future__ import annotations

import os
import sys

from leadtui.jobs.lease import Lease
from leadtui.services.office import open_office


def main(db: str, kind: str) -> None:
    office = open_office(db, as_login="boss", origin="test")
    lease = Lease(office, "worker" if kind == "worker" else "tui")
    print("READY", flush=True)
    for line in sys.stdin:
        match line.strip():
            case "take":
                done = lease.take()
            case "insist":
                done = lease.take(insist=True)
            case "keep":
                done = lease.keep()
            case "holds":
                with office.as_system() as tx:
                    done = lease.holds(tx)
            case "die holding the write lock":
                with office.as_system() as tx:
                    print("HOLDING", flush=True)
                    os.kill(os.getpid(), 9)
            case _:
                lease.release()
                done = True
        print(done, lease.token, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
