"""Channel `whatsapp_web`: what is missing has its code, a child that hangs is cut off, nothing is left behind."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from leadtui import clock
from leadtui.channels import registry, whatsapp_web
from leadtui.channels.port import Account, Channel, Final, HandedOff, Outgoing, Pause, Retry, Unknown
from tests.channels import whatsapp_web_rig

LACKING = whatsapp_web_rig.missing()
needs_all = pytest.mark.skipif(bool(LACKING), reason=f"not installed here: {LACKING}")
needs_pywhatkit = pytest.mark.skipif(
    importlib.util.find_spec("pywhatkit") is None, reason="not installed here: pywhatkit"
)


def message(text: str = "Hi Amina", address: str = "+254722000111") -> Outgoing:
    return Outgoing(message_id=1, address=address, text=text, at=clock.now())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a key file and a browser, but no display yet; its folder for what is temporary is empty."""
    (tmp_path / "bin").mkdir()
    for name in ("chromium", "lynx"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "temporary").mkdir()
    (tmp_path / "xauthority").touch()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("XAUTHORITY", str(tmp_path / "xauthority"))
    monkeypatch.delenv("DISPLAY", raising=False)
    return tmp_path


def opened(**config: str) -> Channel:
    return registry.open("whatsapp_web", Account("whatsapp_web", config))


def test_what_is_missing_is_told_at_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whatsapp_web, "_ask", lambda *_: pytest.fail("no child is started for that"))
    if importlib.util.find_spec("pywhatkit") is None:
        assert opened(display=":1").probe().code == "not_installed"
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert opened().probe().code == "no_display"
    assert opened(display=":1", xauthority=str(place / "none")).probe().code == "no_xauthority"
    assert opened(display=":1", browser="nobrowser").probe().code == "no_browser"
    assert opened(display=":1", browser="lynx").probe().code == "text_browser"
    assert opened(display=":1", browser="chromium --proxy-server=a:1").probe().code == "bad_browser"
    assert opened(display=":1", browser='chromium "').probe().code == "no_browser"
    assert opened().send(message(), 30) == Pause("no_display", whatsapp_web._WORDS["no_display"][0], "account")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    probe = opened(display=":1").probe()
    assert probe.code == "not_installed" and "leadtui[whatsapp-web]" in probe.hint


def test_python_never_takes_a_browser_for_terminals(place: Path) -> None:
    """Over SSH `webbrowser` would choose lynx, which takes over the agent's terminal."""
    (place / "bin" / "chromium").unlink()
    (place / "bin" / "chromium").symlink_to(place / "bin" / "lynx")
    assert whatsapp_web._browser("chromium") == ("", "text_browser")


@needs_pywhatkit
def test_a_display_that_is_not_there(place: Path) -> None:
    assert opened(display=":987").probe().code == "display_refused"
    answer = opened(display=":987").send(message(), 30)
    assert isinstance(answer, Pause) and answer.code == "display_refused", "nothing was sent"
    assert list((place / "temporary").iterdir()) == []


@needs_all
def test_what_pywhatkit_does_when_it_is_imported(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with whatsapp_web_rig._display(place) as display, socket.create_server(("127.0.0.1", 0)) as hole:
        closed = socket.create_server(("127.0.0.1", 0))
        closed.close()
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        assert opened(display=display).probe().code == "no_internet"
        answer = opened(display=display).send(message(), 30)
        assert isinstance(answer, Retry) and answer.scope == "account"

        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{hole.getsockname()[1]}")
        monkeypatch.setattr(whatsapp_web, "_PROBE_S", 2.0)
        assert opened(display=display).probe().code == "timeout"

        without = place / "without"
        without.mkdir()
        (without / "tkinter.py").write_text("raise ImportError('no tkinter')\n")
        monkeypatch.setenv("PYTHONPATH", str(without))
        assert opened(display=display).probe().code == "no_tkinter", "pyautogui ends its program then"
    assert list((place / "temporary").iterdir()) == []


def test_a_child_that_hangs_is_killed_with_all_it_started(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of pywhatkit one that starts a process and waits: nobody knows whether it sent."""
    fake = place / "fake"
    (fake / "pywhatkit" / "core").mkdir(parents=True)
    (fake / "pywhatkit" / "core" / "__init__.py").touch()
    (fake / "pywhatkit" / "core" / "core.py").write_text("check_number = lambda number: True\n")
    pipe = place / "alive"
    os.mkfifo(pipe)
    (fake / "pywhatkit" / "__init__.py").write_text(
        "import subprocess, time\n"
        "def sendwhatmsg_instantly(*a, **k):\n"
        f"    subprocess.Popen(['sleep', '600'], stdout=open({str(pipe)!r}, 'w'))\n"
        "    open('PyWhatKit_DB.txt', 'w').write(str(a))\n    print('noise')\n    time.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(fake))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(whatsapp_web, "_GRACE_S", -3.0)
    over = threading.Event()

    def until_nobody_writes() -> None:
        with pipe.open() as end:
            end.read()
        over.set()

    threading.Thread(target=until_nobody_writes, daemon=True).start()
    monkeypatch.setattr(
        whatsapp_web, "_environment", lambda place, _made=whatsapp_web._environment: _made(place) | {
            "PYTHONPATH": f"{fake}:{Path(whatsapp_web.__file__).parents[2]}"}
    )  # fmt: skip
    answer = opened(display=":1", browser="chromium", wait_s="6").send(message(), 30)
    assert isinstance(answer, Unknown) and answer.code == "timeout"
    assert over.wait(10), "what the child started is gone, too"
    assert list((place / "temporary").iterdir()) == [], "numbers and texts do not stay in a folder"


def test_what_no_page_can_carry() -> None:
    channel = opened(display=":1")
    for one in (message("x" * 4097), message(address="0722000111"), message(address="group")):
        assert isinstance(channel.send(one, 5), Final)


def test_one_message_at_a_time_on_a_display() -> None:
    first, second = (registry.caps("whatsapp_web", Account("whatsapp_web", {"display": name})) for name in (":0", ":1"))
    assert first.lease and second.lease and first.lease != second.lease
    assert first.is_local and first.spaced and first.by_hand and not first.can_confirm
    assert (first.per_minute, first.daily_unique) == (3, 30)
    assert len(whatsapp_web._lease("h" * 80, ":0")) <= 40 != whatsapp_web._lease("h" * 80, ":1")
    assert "forbids" in first.warning


def test_our_processes_never_import_it() -> None:
    """Opening, probing and listing channels leaves pywhatkit and what it brings outside."""
    code = (
        "import os, sys; os.environ.pop('DISPLAY', None)\n"
        "from leadtui.channels import registry\nfrom leadtui.channels.port import Account\n"
        "[registry.caps(name) for name in registry.names()]\n"
        "registry.probe('whatsapp_web', Account('whatsapp_web'))\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('pywhatkit', 'pyautogui', 'Xlib', 'requests')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert said.stdout.strip() == "[]"


@needs_all
def test_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real browser on a display without a screen, a page that answers in WhatsApp's name, nothing patched."""
    (tmp_path / "temporary").mkdir()
    with whatsapp_web_rig.rig(tmp_path) as page:
        for name, value in page.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
        monkeypatch.setattr("tempfile.tempdir", None)
        channel = opened(browser=page.browser, wait_s="20")
        assert channel.probe().code == "ready"
        text = "Hi Amina é 👋!\nyour line is ready & working"
        assert isinstance(channel.send(message(text), 60), HandedOff)
        sent = page.wait_for("sent")
        assert (sent["phone"].strip(), sent["text"]) == ("254722000111", text)
        assert len(page.events("sent")) == 1
    assert not [path for path in (tmp_path / "temporary").iterdir() if path.name.startswith("leadtui-")]
