"""A process that converts leads in processes of its own, and has them die where a test says (test_fault_matrix).

Started once with everything imported and a single thread, it forks for each case it reads from standard input (a JSON
line) and answers with JSON lines: the child's pid, then how it ended and the events it reported until then. The child
opens its own connections, as another program on the same machine would, and kills itself with SIGKILL. The first case
of a database is carried out by the server itself: its children inherit the statements compiled for it, half the work.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from leadtui.errors import LeadtuiError
from leadtui.services import conversion_steps, provisioning
from leadtui.services.conversion import ConvertRequest, RouterRequest, StepEvent, convert
from leadtui.services.office import Office, open_office
from tests.hangs import impatient

_offices: dict[str, Office] = {}


def main() -> None:
    for line in sys.stdin:
        case = json.loads(line)
        if case["db"] not in _offices:
            _warm_up(case)
            continue
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            _child(case, write)
        os.close(write)
        _say({"pid": pid})
        with os.fdopen(read, encoding="utf-8") as pipe:
            told = [json.loads(one) for one in pipe]
        _, status = os.waitpid(pid, 0)
        _say({"killed": os.WIFSIGNALED(status), "told": told})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _warm_up(case: dict[str, Any]) -> None:
    for office in _offices.values():
        office.close()
    _offices.clear()
    os.environ.update(case["env"])
    office = _offices[case["db"]] = open_office(case["db"], as_login="boss", origin="test")
    convert(office, case["lead"], _request(case))
    office.close()  # no connection survives a fork
    _say({"warm": True})


def _request(case: dict[str, Any]) -> ConvertRequest:
    return ConvertRequest(router=RouterRequest(**case["request"]))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def _child(case: dict[str, Any], write: int) -> None:
    """Convert, and die at the point: the number of an event, or the name of a moment inside a transaction."""

    def tell(**values: str) -> None:
        os.write(write, (json.dumps(values) + "\n").encode())

    impatient(pytest.MonkeyPatch(), lambda: os.path.getsize(case["hangs"]))
    point, seen = case["point"], [0]

    def step(event: StepEvent) -> None:
        tell(event=f"{event.key} {event.state} {event.text}")
        if seen[0] == point:
            _die()
        seen[0] += 1

    _die_within(point)
    try:
        convert(_offices[case["db"]], case["lead"], _request(case), on_step=step)
        tell(outcome="converted")
    except LeadtuiError as error:
        tell(outcome=error.code, message=error.message)
    except BaseException as error:  # noqa: BLE001 - the test must hear of it
        tell(outcome=f"bug {error!r}")
    os._exit(0)


def _die_within(point: int | str | None) -> None:
    """Die with a transaction written, but not committed."""
    if point == "uncommitted applying":
        provisioning.Provisioning.guard = _dying_after(provisioning.Provisioning.guard)  # type: ignore[method-assign]
    elif point == "uncommitted truth":
        conversion_steps.finish = _dying_after(conversion_steps.finish)


def _dying_after(function: Callable[..., Any]) -> Callable[..., Any]:
    def dying(*args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)
        _die()

    return dying


if __name__ == "__main__":
    main()
