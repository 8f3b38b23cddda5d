"""A process that settles what was left open, or suspends and changes, in processes that die where a test says.

As `fork_server`, which converts: started once, it forks for each case read from standard input (a JSON line). The child
opens its own connections and kills itself with SIGKILL before its N-th word to the router, at its N-th step, or inside
a transaction.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from leadtui.router.mikrotik import Session
from leadtui.services import provision_jobs, settling, subscription_run
from leadtui.services.conversion import resolve
from leadtui.services.office import Office, open_office
from leadtui.services.subscriptions import Act, ChangePackage, Resume, Suspend, carry_out

_office: Office | None = None
_MOMENTS: dict[str, tuple[Any, str]] = {
    "uncommitted claim": (provision_jobs, "claim"),
    "looked": (settling, "look"),
    "uncommitted end": (settling, "record"),
    "uncommitted guard": (subscription_run.ServiceRun, "guard"),
    "uncommitted truth": (subscription_run, "write_marks"),
}


def main() -> None:
    for line in sys.stdin:
        case = json.loads(line)
        if "open" in case:
            _open(case)
            continue
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            _child(case, write)
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as pipe:
            told = pipe.read()
        _, status = os.waitpid(pid, 0)
        _say({"killed": os.WIFSIGNALED(status), "told": told})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _open(case: dict[str, Any]) -> None:
    """Open the office and do everything once: the children inherit the statements compiled for it, most of the work.

    No connection survives a fork.
    """
    global _office  # noqa: PLW0603 - one database after the other
    os.environ.update(case["env"])
    _office = open_office(case["open"], as_login="boss", origin="test")
    assert [one.outcome for one in resolve(_office)] == ["removed"]
    for act in (Suspend(), Resume(), ChangePackage(case["plain"]), ChangePackage(case["package"])):
        assert carry_out(_office, case["customer"], act).done
    _office.close()
    _say({"opened": True})


def _act(case: dict[str, Any]) -> Act:
    match case["deed"]:
        case "suspend":
            return Suspend()
        case "resume":
            return Resume()
    return ChangePackage(case["package"])


def _child(case: dict[str, Any], write: int) -> None:
    assert _office is not None
    seen = 0

    def step(_: object) -> None:
        nonlocal seen
        seen += 1
        if case["point"] == f"step {seen}":
            _die()

    _die_within(case["point"])
    try:
        if case["deed"] == "resolve":
            told = [one.outcome for one in resolve(_office)]
        else:
            done = carry_out(_office, case["customer"], _act(case), on_step=step)
            told = [*(one.outcome for one in done.done), *(one.error.message for one in done.failed)]
    except BaseException as error:  # noqa: BLE001 - the test must hear of it
        told = [f"bug {error!r}"]
    os.write(write, " ".join(told).encode())
    os._exit(0)


def _die_within(point: str) -> None:
    kind, _, number = point.partition(" ")
    if kind == "call":
        call, made = Session.call, 0

        def counting(*args: Any, **kwargs: Any) -> Any:
            nonlocal made
            made += 1
            if made == int(number):
                _die()
            return call(*args, **kwargs)

        Session.call = counting  # type: ignore[method-assign]
    elif point in _MOMENTS:
        where, name = _MOMENTS[point]
        function = getattr(where, name)

        def dying(*args: Any, **kwargs: Any) -> None:
            function(*args, **kwargs)
            _die()

        setattr(where, name, dying)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


if __name__ == "__main__":
    main()
