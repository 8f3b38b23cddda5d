"""The only place where pywhatkit is imported: a process of its own that does one thing and ends (facts/messaging §1).

pywhatkit asks the internet while it is imported and may hang there, ends the program where tkinter is missing, prints
to the terminal, and writes numbers and texts into the current folder. So: one JSON document on standard input, exactly
one JSON line on the standard output, everything it prints goes nowhere, the folder is a temporary one, and whoever
started this kills its process group when it takes too long.

Nothing of leadtui is imported here.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    """Read the order, carry it out, say what came of it."""
    answer = os.dup(1)
    os.dup2(2, 1)  # what pywhatkit prints goes where errors go: nowhere
    order = json.load(sys.stdin)
    try:
        said = _carry_out(order)
    except BaseException as error:  # noqa: BLE001 - SystemExit among them: pyautogui ends the program without tkinter
        said = {"code": _code_of(error), "error": type(error).__name__, "opened": _Opened.is_so}
    os.write(answer, json.dumps(said).encode("ascii") + b"\n")
    os._exit(0)  # threads of a library must not keep this alive


class _Opened:
    """Whether the browser was told to open the chat: from then on nobody knows what happened."""

    is_so = False


def _carry_out(order: dict[str, Any]) -> dict[str, Any]:
    import pywhatkit
    from pywhatkit.core import core

    if order["do"] == "probe":
        return {"code": "ready", "width": core.WIDTH, "height": core.HEIGHT}
    if not core.check_number(number=order["phone"]):
        return {"code": "bad_address", "opened": False}
    _Opened.is_so = True
    pywhatkit.sendwhatmsg_instantly(
        order["phone"], order["text"], wait_time=order["wait_s"], tab_close=order["close_tab"], close_time=2
    )
    return {"code": "handed_off", "opened": True}


def _code_of(error: BaseException) -> str:
    """The probe's code of what pywhatkit raised while it was imported; by name, for the classes are its own."""
    match type(error).__name__:
        case "KeyError":
            return "no_display"
        case "DisplayConnectionError" | "DisplayNameError":
            return "display_refused"
        case "XauthError":
            return "no_xauthority"
        case "SystemExit":
            return "no_tkinter"
        case "InternetException":
            return "no_internet"
        case "ModuleNotFoundError" | "ImportError":
            return "no_tkinter" if "tkinter" in str(error) else "not_installed"
        case _:
            return "failed"


if __name__ == "__main__":
    main()
