"""Channel `whatsapp_web`: WhatsApp Web in a browser on this machine, driven by pywhatkit (facts/messaging §1).

pywhatkit cannot know whether a message went: it reports success with no browser, without a login, for numbers that do
not exist. The best answer here is `HandedOff`; a person says whether it went. It runs in a child process
(`_pywhatkit_child`), never in ours. One message at a time on a display: two at once lose both texts but one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadtui.channels.port import (
    Account,
    Caps,
    Channel,
    Final,
    HandedOff,
    Outgoing,
    Pause,
    Plugin,
    Probe,
    Result,
    Retry,
    Setting,
    Spec,
    StatusUpdate,
    Unknown,
)

TERMS = (
    "WhatsApp forbids automated and bulk messages from a personal account, and closes accounts for them. "
    "Write only to people who asked for it, and few a day."
)

SPEC = Spec(
    name="whatsapp_web",
    title="WhatsApp Web (browser on this machine)",
    settings=(
        Setting("browser", "the browser's command; empty: the first of chromium, google-chrome, firefox"),
        Setting("display", "the X display it is shown on; empty: that of the program ($DISPLAY)"),
        Setting("xauthority", "the file with the display's key; empty: $XAUTHORITY or ~/.Xauthority", kind="file"),
        Setting("wait_s", "seconds until the page of a chat is there", default="15", kind="number"),
        Setting("close_tab", "whether each tab is closed afterwards", default="yes", choices=("yes", "no")),
    ),
    extra="whatsapp-web",
    needs_account=False,
)

MOST_CHARACTERS = 4_096
_PER_MINUTE, _DAILY = 3, 30
_LONGEST_LEASE_NAME = 40
_PROBE_S = 8.0
"""A black hole of a network holds pywhatkit's import for ever; cut off after so long."""
_GRACE_S = 15.0
"""Beyond the wait for the page: the import, the click, the closing of the tab."""
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 6, 120
_BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "firefox", "firefox-esr", "brave-browser",
    "microsoft-edge",
)  # fmt: skip
_TEXT_BROWSERS = frozenset({"lynx", "links", "links2", "elinks", "w3m", "www-browser", "browsh"})
"""Python would choose one of these over SSH, and it would take over the agent's terminal."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "not_installed": ("pywhatkit is not installed here", "pip install 'leadtui[whatsapp-web]'"),
    "no_display": ("there is no display here (no $DISPLAY)", "run a worker on a desktop, or use the channel manual"),
    "display_refused": ("the display does not let this program in", "check the setting display, and xhost or xauth"),
    "no_tkinter": ("Python's tkinter is missing", "install the package python3-tk"),
    "no_xauthority": ("the file with the display's key is missing", "touch ~/.Xauthority, or set xauthority"),
    "no_browser": ("there is no browser here", "install chromium, or set browser"),
    "text_browser": ("the browser is one for terminals", "set browser to chromium or firefox"),
    "bad_browser": ("the browser's command holds a colon or a percent sign", "put it into a script, and name that"),
    "no_internet": ("the internet is out of reach", "check the network of this machine"),
    "timeout": ("no answer in time; the network may swallow what is sent", "check the network of this machine"),
    "failed": ("pywhatkit failed", "look at the browser on the display"),
}
"""Code → words and what to do (facts/messaging §1.4)."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where it would be sent from: display, key, browser. `trouble` is a probe's code when something is missing."""

    display: str
    xauthority: str
    browser: str
    trouble: str = ""


class WhatsAppWebChannel:
    """Hands each message to a browser on this machine's display."""

    name = "whatsapp_web"

    def __init__(self, account: Account) -> None:
        self._account = account

    def caps(self) -> Caps:
        """Text only: pictures go through a shell command that breaks at a file's name (facts §1.1)."""
        return _caps(self._account)

    def probe(self) -> Probe:
        """Whether pywhatkit could be loaded here; opens no browser."""
        place = _place(self._account)
        if place.trouble:
            return _trouble(place.trouble)
        said = _ask({"do": "probe"}, place, _PROBE_S)
        if said is None:
            return _trouble("timeout")
        if said.get("code") != "ready":
            return _trouble(str(said.get("code") or "failed"))
        size = f"{said.get('width')}x{said.get('height')}"
        return Probe(True, "ready", f"{Path(shlex.split(place.browser)[0]).name} on display {place.display}, {size}")

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """`HandedOff` once the keys were pressed; what the page made of them only a person can see."""
        if len(message.text) > MOST_CHARACTERS:
            return Final("too_long", f"{len(message.text)} characters; WhatsApp takes {MOST_CHARACTERS}")
        if not (message.address.startswith("+") and message.address[1:].isdigit()):
            return Final("bad_address", "the address is no phone number with its country code")
        place = _place(self._account)
        if place.trouble:
            return Pause(place.trouble, _words(place.trouble), "account")
        wait_s = _wait_s(self._account)
        order = {
            "do": "send", "phone": message.address, "text": message.text, "wait_s": wait_s,
            "close_tab": self._account.get("close_tab", "yes") != "no",
        }  # fmt: skip
        said = _ask(order, place, wait_s + _GRACE_S)
        return _result(said)

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """Nothing: the page tells nobody."""
        return ()

    def close(self) -> None:
        """Nothing is held open; a browser stays for whoever uses the display."""


def _result(said: Mapping[str, Any] | None) -> Result:
    if said is None:
        return Unknown("timeout", "the browser did not come to an end in time; look at the chat before trying again")
    code = str(said.get("code") or "failed")
    if code == "handed_off":
        return HandedOff("", "typed and sent off in the browser; look at the chat and confirm")
    if code == "bad_address":
        return Final(code, "pywhatkit takes the address for no phone number")
    if said.get("opened", True):
        return Unknown(code, "the chat was opened, then something failed; look at it before trying again")
    if code == "no_internet":
        return Retry(60, code, _words(code), "account")
    return Pause(code, _words(code), "account")


def _ask(order: Mapping[str, Any], place: _Place, limit_s: float) -> Mapping[str, Any] | None:
    """What the child says; None when it had to be killed, {"code": "failed"} when it died without a word.

    Its folder is a temporary one and gone afterwards: pywhatkit writes numbers and texts into it.
    """
    folder = tempfile.mkdtemp(prefix="leadtui-")
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "leadtui.channels._pywhatkit_child"], cwd=folder, env=_environment(place),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            out, _ = child.communicate(json.dumps(order).encode("ascii"), timeout=limit_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # the browser with it, when this child started it
            child.communicate()
            return None
        lines = out.splitlines()
        with suppress(ValueError):
            if lines and isinstance(said := json.loads(lines[-1]), dict):
                return said
        return {"code": "failed"}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(place: _Place) -> dict[str, str]:
    """The child's: it finds this program, and opens the browser in the background.

    Without the `&` Python waits until the browser is closed.
    """
    ours = {key: value for key, value in os.environ.items() if not key.startswith("LEADTUI_")}
    package = str(Path(__file__).resolve().parents[2])
    found = os.pathsep.join(part for part in (package, ours.get("PYTHONPATH", "")) if part)
    return ours | {
        "DISPLAY": place.display, "XAUTHORITY": place.xauthority, "BROWSER": f"{place.browser} %s &",
        "PYTHONPATH": found,
    }  # fmt: skip


def _place(account: Account) -> _Place:
    """Where it would be sent from; what can be told without starting anything is told here."""
    display = account.get("display", os.environ.get("DISPLAY", ""))
    given = account.get("xauthority", os.environ.get("XAUTHORITY", ""))
    xauthority = Path(given).expanduser() if given else Path.home() / ".Xauthority"
    browser, trouble = _browser(account.get("browser"))
    if importlib.util.find_spec("pywhatkit") is None:
        trouble = "not_installed"
    elif not display:
        trouble = "no_display"
    elif not xauthority.is_file():
        trouble = "no_xauthority"
    return _Place(display, str(xauthority), browser, trouble)


def _browser(chosen: str) -> tuple[str, str]:
    """(the command, a probe's code or nothing)."""
    if not chosen:
        found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
        return (shlex.quote(found), "") if found else ("", "no_browser")
    try:
        words = shlex.split(chosen)
    except ValueError:
        return "", "no_browser"
    command = shutil.which(os.path.expanduser(words[0])) if words else None
    if command is None:
        return "", "no_browser"
    if Path(words[0]).name in _TEXT_BROWSERS or Path(command).resolve().name in _TEXT_BROWSERS:
        return "", "text_browser"
    whole = shlex.join([command, *words[1:]])
    return ("", "bad_browser") if os.pathsep in whole or "%" in whole else (whole, "")


def _wait_s(account: Account) -> int:
    try:
        wanted = int(float(account.get("wait_s", "15")))
    except ValueError:
        wanted = 15
    return max(_SHORTEST_WAIT_S, min(_LONGEST_WAIT_S, wanted))


def _words(code: str) -> str:
    return _WORDS.get(code, _WORDS["failed"])[0]


def _trouble(code: str) -> Probe:
    text, hint = _WORDS.get(code, _WORDS["failed"])
    return Probe(False, code, text, hint)


def _caps(account: Account) -> Caps:
    display = account.get("display", os.environ.get("DISPLAY", ""))
    return Caps(
        address="phone", activity="whatsapp", max_len=MOST_CHARACTERS, by_hand=True, packages=("pywhatkit",),
        lease=_lease(socket.gethostname(), display), is_local=True, spaced=True, per_minute=_PER_MINUTE,
        daily_unique=_DAILY, warning=TERMS,
    )  # fmt: skip


def _lease(host: str, display: str) -> str:
    """One for each display of each machine, no longer than the name of a lease may be."""
    name = f"chan:pywhatkit:{host}:{display}"
    if len(name) <= _LONGEST_LEASE_NAME:
        return name
    return "chan:pywhatkit:" + hashlib.sha256(name.encode()).hexdigest()[:24]


def _open(account: Account) -> Channel:
    return WhatsAppWebChannel(account)


PLUGIN = Plugin(SPEC, _open, _caps)
