"""What the person at the terminal sees and hears of a reminder: toast, bell, badge, title, and the list behind `!`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from leadtui import clock
from leadtui.screens import reminding, terminal
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.notifications import NotificationsScreen, age
from leadtui.screens.snooze_dialog import SnoozeDialog
from leadtui.services import activities, alerts, escalation, reminders
from tests.screens.conftest import NOW
from tests.screens.office_for_tests import ESCAPES
from tests.screens.pictures import at_rest, dump, press


def at(moment: datetime) -> None:
    """The clock shows this time."""
    clock.set_clock(lambda: moment)


def remind(office: Any, *subjects: str, ref: str = "0722000111") -> None:
    """Reminders that came due just now, one minute after the other."""
    for n, subject in enumerate(subjects):
        at(NOW - timedelta(hours=1))
        activities.add_follow_up(office, ref, f"2026-11-20 11:{25 + n:02}", subject=subject)
        at(NOW + timedelta(minutes=n - len(subjects)))
        reminders.make_due(office)
    at(NOW)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was written to the terminal past Textual."""
    written: list[str] = []
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setattr(terminal, "_write", lambda app, sequence: written.append(sequence))
    return written


@pytest.fixture
def quiet(office: Any) -> Any:
    """The office, after what lay in it was reminded of and dealt with."""
    reminders.make_due(office)
    reminders.seen(office)
    return office


def toasts(app: Any) -> list[str]:
    """The words of the toasts that are up."""
    return [f"{one.title}: {one.message}" for one in app._notifications]


async def look(pilot: Any) -> None:
    """As the timer does every few seconds."""
    pilot.app.reminding.look()
    await at_rest(pilot)


async def test_told_once_on_whatever_screen(run: Any, quiet: Any, said: list[str], monkeypatch: Any) -> None:
    async with run(quiet) as pilot:
        app, rung = pilot.app, []
        monkeypatch.setattr(app, "bell", lambda: rung.append(1))
        assert said == ["\x1b[22;2t", "\x1b]2;leadtui\x07"]
        assert "! 1" not in dump(app)
        await press(pilot, "6")
        remind(quiet, "ask the landlord")
        await look(pilot)
        assert toasts(app) == ["Due: Achieng Odhiambo: ask the landlord\n! shows it"]
        assert (len(rung), said[2:]) == (1, ["\x1b]2;(1) leadtui\x07"])
        await look(pilot)
        assert (len(toasts(app)), len(rung)) == (1, 1)
        app.clear_notifications()
        await at_rest(pilot)
        assert dump(app).splitlines()[-1].endswith(" ! 1")

        remind(quiet, "send the offer", "call the plumber")
        await look(pilot)
        assert toasts(app) == ["2 notices: 2 due\nAchieng Odhiambo: call the plumber\n! shows all"]
        (newest, *_) = reminders.mine(quiet)
        reminders.snooze(quiet, newest.id, "10m")
        await look(pilot)
        assert app.reminding.badge == "2"
        app.clear_notifications()
        at(NOW + timedelta(minutes=11))
        await look(pilot)
        assert len(toasts(app)) == 1, "a snoozed one is new when it comes back"
        reminders.seen(quiet)
        await look(pilot)
        assert (app.reminding.badge, said[-1]) == ("", "\x1b]2;leadtui\x07")
        app.leave()
    assert said[-1] == "\x1b[23;2t", "the title it had before"


async def test_no_toast_over_what_is_being_typed(run: Any, quiet: Any) -> None:
    async with run(quiet) as pilot:
        await press(pilot, "c")
        remind(quiet, "ask the landlord")
        await look(pilot)
        assert pilot.app.screen.is_modal
        assert toasts(pilot.app) == []
        await press(pilot, "escape")
        await look(pilot)
        assert len(toasts(pilot.app)) == 1


async def test_a_toast_makes_room_for_what_opens(run: Any, quiet: Any, monkeypatch: Any) -> None:
    moment = [100.0]
    monkeypatch.setattr(reminding, "monotonic", lambda: moment[0])
    async with run(quiet) as pilot:
        remind(quiet, "ask the landlord")
        await look(pilot)
        assert len(toasts(pilot.app)) == 1
        await press(pilot, "c")
        assert toasts(pilot.app) == []
        await press(pilot, "escape")
        await look(pilot)
        assert len(toasts(pilot.app)) == 1, "there was no time to read it"
        moment[0] += 5
        await press(pilot, "c", "escape")
        await look(pilot)
        assert toasts(pilot.app) == [], "it has been read"

        remind(quiet, "send the offer")
        await look(pilot)
        assert len(toasts(pilot.app)) == 1
        await press(pilot, "!")
        await at_rest(pilot)
        assert toasts(pilot.app) == []
        remind(quiet, "call the plumber")
        await look(pilot)
        assert toasts(pilot.app) == []
        assert "call the plumber" in dump(pilot.app), "the list itself shows what is new"
        await press(pilot, "escape")
        await look(pilot)
        assert toasts(pilot.app) == [], "it was seen in the list"


async def test_a_flood_is_one_toast(run: Any, quiet: Any) -> None:
    async with run(quiet) as pilot:
        at(NOW - timedelta(hours=1))
        for n in range(102):
            activities.add_follow_up(quiet, "0722000111", "2026-11-20 11:25", subject=f"no. {n}")
        at(NOW)
        reminders.make_due(quiet, limit=1000)
        await look(pilot)
        assert len(toasts(pilot.app)) == 1
        assert pilot.app.reminding.badge == "99+"
        hints = pilot.app.screen.hints
        for width in range(50, 121):
            shown = "".join(f"{key} {label}  " for _, key, label in hints.hints_for_width(width))
            assert cell_len(f" {shown}! 99+ ") <= width, "the number is never cut"
        pilot.app.clear_notifications()
        reminders.seen(quiet, [row.id for row in reminders.mine(quiet, limit=50)])
        await look(pilot)
        assert toasts(pilot.app) == [], "those that come up from below were told with the others"


async def test_a_hostile_name_ends_no_escape_sequence(run: Any, quiet: Any, said: list[str]) -> None:
    async with run(quiet) as pilot:
        await press(pilot, "!", "o")
        remind(quiet, f"call{ESCAPES}", ref="0727500600")
        await look(pilot)
        (notice,) = [text for text in said if text.startswith("\x1b]9;")]
        assert notice.startswith("\x1b]9;leadtui: ")
        assert notice.endswith("\x07")
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e" for c in notice[1:-1])
        await press(pilot, "o")
        remind(quiet, "once more")
        await look(pilot)
        assert len([text for text in said if text.startswith("\x1b]9;")]) == 1


def test_through_tmux_and_not_to_terminals_without_titles(monkeypatch: pytest.MonkeyPatch) -> None:
    class Driver:
        written = ""

        def write(self, text: str) -> None:
            self.written += text

        def flush(self) -> None:
            pass

    class App:
        _driver = Driver()

    app: Any = App()
    monkeypatch.setenv("TERM", "linux")
    terminal.desktop_notice(app, "x")
    terminal.set_title(app, "x")
    assert app._driver.written == ""
    monkeypatch.setenv("TERM", "tmux-256color")
    monkeypatch.setenv("TMUX", "yes")
    terminal.desktop_notice(app, "a\x1b\\b")
    assert app._driver.written == "\x1bPtmux;\x1b\x1b]9;leadtui: a\\b\x07\x1b\\"


async def test_the_list_of_notices(run: Any, quiet: Any, size: tuple[int, int], snapshot: Any) -> None:
    remind(quiet, "ask the landlord", "send the offer")
    activities.add_follow_up(quiet, "0711222333", "2026-11-17 09:00", subject="confirm the date")
    escalation.process_overdue(quiet)
    async with run(quiet, size) as pilot:
        pilot.app.clear_notifications()
        await press(pilot, "!")
        snapshot(pilot.app, f"notifications_{size[0]}x{size[1]}")
        await press(pilot, "s")
        assert isinstance(pilot.app.screen, SnoozeDialog)
        snapshot(pilot.app, f"notifications_snooze_{size[0]}x{size[1]}")


async def test_open_snooze_and_deal_with(run: Any, quiet: Any) -> None:
    remind(quiet, "one", "two", "three", "four", "five")
    async with run(quiet) as pilot:
        await press(pilot, "!")
        assert isinstance(pilot.app.screen, NotificationsScreen)
        await press(pilot, "!")
        assert len(pilot.app.screen_stack) == 2, "not over itself"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, LeadDetailScreen)
        await press(pilot, "escape", "s", "2")
        assert [row.text for row in reminders.mine(quiet)] == ["four", "three", "two", "one"]
        await press(pilot, "s", "4", "text:16:00", "enter")
        assert [row.text for row in reminders.mine(quiet)] == ["three", "two", "one"]
        await press(pilot, "s", "4", "text:2026-11-20 09:00", "enter")
        assert "passed already" in dump(pilot.app)
        await press(pilot, "escape")
        assert len(reminders.mine(quiet)) == 3
        await press(pilot, "s", "right", "right", "enter")
        assert len(reminders.mine(quiet)) == 2
        await press(pilot, "d")
        assert [row.text for row in reminders.mine(quiet)] == ["one"]
        assert pilot.app.reminding.badge == "1"
        await press(pilot, "D")
        assert reminders.mine(quiet) == ()
        await press(pilot, "v")
        assert "two" in dump(pilot.app)
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, NotificationsScreen)


async def test_alert_addresses_are_typed_unseen(run: Any, quiet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("apprise")
    sent: list[tuple[str, ...]] = []

    def send(addresses: Any, title: str, body: str) -> alerts.Sent:
        sent.append(tuple(addresses))
        return alerts.Sent(("json",), ())

    monkeypatch.setattr(alerts, "send", send)
    async with run(quiet) as pilot:
        await press(pilot, "!", "a", "text:json://s3cret@127.0.0.1:9/x")
        assert "s3cret" not in dump(pilot.app)
        await press(pilot, "ctrl+s")
        assert "alerts go to json://…" in dump(pilot.app)
        await press(pilot, "t")
        assert sent == [("json://s3cret@127.0.0.1:9/x",)]
        assert "a test was sent to json" in dump(pilot.app)
        await press(pilot, "a", "text:bogus", "ctrl+s")
        assert "address 1 is none" in dump(pilot.app)
        await press(pilot, "escape", "y", "escape", "4", "t")
        assert len(sent) == 2
        await press(pilot, "e")
        assert "s3cret" not in dump(pilot.app)
        pilot.app.screen.form.set_values({"alerts": "none"})
        await press(pilot, "ctrl+s")
        assert alerts.addresses_shown(quiet, "wanjiku") == ()


def test_age_in_words() -> None:
    words = {0: "now", 59: "59m", 60: "1h", 47 * 60 + 59: "47h", 48 * 60: "2d", -5: "in 5m", -26 * 60: "in 26h"}
    assert {n: age(NOW - timedelta(minutes=n), NOW) for n in words} == words
