"""A process that mends what an audit finds and stops at a named step, for the test that kills it there."""

from __future__ import annotations

import sys

from leadtui.services import router_audit
from leadtui.services.conversion import StepEvent
from leadtui.services.office import open_office


def main(db: str, router: str, words: str) -> None:
    def step(event: StepEvent) -> None:
        if f"{event.key} {event.state} {event.text}".startswith(words):
            print("REACHED", flush=True)
            sys.stdin.readline()

    office = open_office(db, as_login="boss", origin="test")
    router_audit.mend_all(office, router_audit.fixes(office, router_audit.audit(office, router)), on_step=step)
    print("DONE", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
