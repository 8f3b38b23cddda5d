"""A process that suspends a customer or changes the package and stops at a named step, for the test that kills it."""

from __future__ import annotations

import sys

from leadtui.services.conversion import StepEvent
from leadtui.services.office import open_office
from leadtui.services.subscriptions import ChangePackage, Suspend, carry_out


def main(db: str, customer: str, package: str, words: str) -> None:
    def step(event: StepEvent) -> None:
        if f"{event.key} {event.state} {event.text}".startswith(words):
            print("REACHED", flush=True)
            sys.stdin.readline()

    office = open_office(db, as_login="boss", origin="test")
    carry_out(office, int(customer), ChangePackage(package) if package else Suspend(), on_step=step)
    print("DONE", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
