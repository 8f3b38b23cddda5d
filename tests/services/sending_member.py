"""Programs that send one round and are killed, or stop themselves, at a chosen moment of their first message.

Started once with everything imported and a single thread, it forks for each case read from standard input (a JSON line:
db, moment, blow) and answers with the child's pid, then with how it ended and what it counted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from leadtui.channels import file
from leadtui.services import sending, sending_calls, sending_claims
from leadtui.services.office import open_office

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_MOMENTS: dict[str, tuple[Any, str]] = {
    "claimed": (sending_claims, "claim_some"),
    "marked": (sending_claims, "begin"),
    "written": (file.FileChannel, "send"),
}


def main() -> None:
    for line in sys.stdin:
        case = json.loads(line)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            try:
                _child(case, write)
            finally:
                os._exit(0)
        os.close(write)
        _say({"pid": pid})
        with os.fdopen(read, encoding="utf-8") as pipe:
            told = pipe.read()
        _, status = os.waitpid(pid, 0)
        _say({"killed": os.WIFSIGNALED(status), "sent": int(told or 0)})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _child(case: dict[str, str], write: int) -> None:
    struck: list[bool] = []
    target, name = _MOMENTS[case["moment"]]
    real: Callable[..., Any] = getattr(target, name)

    def then_struck(*given: Any, **more: Any) -> Any:
        found = real(*given, **more)
        if not struck:
            struck.append(True)
            os.kill(os.getpid(), _SIGNALS[case["blow"]])
        return found

    setattr(target, name, then_struck)
    if case["blow"] == "stop":
        sending_calls.FROZEN_S = 0.5  # the test does not wait for longer
    office = open_office(case["db"], as_login="boss", origin="worker")
    done = sending.send_due(office, limit=200, may_go_on=lambda: True)
    os.write(write, str(sum(done.values())).encode())


if __name__ == "__main__":
    main()
