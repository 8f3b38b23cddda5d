"""A process that converts a lead and stops at a named step, for the test that kills it there."""

from __future__ import annotations

import sys

from leadtui.services.conversion import ConvertRequest, RouterRequest, StepEvent, convert
from leadtui.services.office import open_office


def main(db: str, lead: str, router: str, words: str) -> None:
    def step(event: StepEvent) -> None:
        if f"{event.key} {event.state} {event.text}".startswith(words):
            print("REACHED", flush=True)
            sys.stdin.readline()

    office = open_office(db, as_login="boss", origin="test")
    convert(office, int(lead), ConvertRequest(router=RouterRequest(router)), on_step=step)
    print("DONE", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
