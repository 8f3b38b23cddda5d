"""Writing to one lead: by what and by what not, the text as it is read, sending; handing over and saying it went."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TextArea

from leadtui.channels.reports import Inbound
from leadtui.domain.drips import parse_step
from leadtui.screens.channels import ChannelsScreen
from leadtui.screens.drip_detail import DripScreen
from leadtui.screens.drip_editor import DripEditor
from leadtui.screens.drips import DripsScreen
from leadtui.screens.enroll_dialog import EnrollDialog
from leadtui.screens.handing_over import HandingOver, HandOver
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.message_dialog import MessageDialog
from leadtui.screens.message_pages import MessageItem
from leadtui.screens.reach_dialog import ReachDialog
from leadtui.screens.suppressions import SuppressionsScreen
from leadtui.screens.templates import TemplatesScreen
from leadtui.screens.today import TodayScreen
from leadtui.screens.work_mode import WorkMode
from leadtui.services import (
    activities,
    channels,
    drips,
    history,
    inbound,
    leads,
    lifecycle,
    messages,
    sending,
    suppressions,
    templates,
    writing,
)
from leadtui.services.office import Office
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, acting_as, add_lead, copy_of, opened, prepared

Snapshot = Callable[[Any, str], None]
WIDE = (120, 40)


def _fill(made: Office) -> None:
    """Two leads; mail and the file can be sent, WhatsApp by hand; two templates."""
    add_lead(made, package="20 Mbps Home", email="achieng@example.ke")
    add_lead(made, "Brian Kamau", "0722000112")
    channels.set_account(made, "file", {"path": "/srv/nowhere.jsonl"})
    channels.set_account(made, "email", {"host": "localhost", "from": "office@example.ke", "security": "none"})
    channels.set_active(made, "whatsapp_web", False)
    templates.add(made, {"name": "Welcome", "body": "Hello {first_name|there}, your {package} is on its way."})
    templates.add(made, {"name": "News", "channel": "email", "subject": "For {name}", "body": "Nothing new, {name}."})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once."""
    return prepared(tmp_path_factory.mktemp("office"), _fill, NOW)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Office:
    """A copy."""
    return copy_of(made, tmp_path)


def sent_to(office: Office, lead: int) -> list[tuple[str, str, str]]:
    return [(one.channel, one.state, one.body) for one in messages.of_lead(office, lead)]


async def test_three_keys_send_a_template(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, lambda: LeadDetailScreen(1)) as run:
        await run.press("w")
        assert isinstance(run.app.screen, MessageDialog)
        await run.press("2")
        snapshot(run.app, "message_80x24")
        assert "Hello Achieng, your 20 Mbps Home is on its way." in " ".join(run.text.replace("│", " ").split())
        await run.press("enter")
        assert isinstance(run.app.screen, LeadDetailScreen)
        ((channel, state, body),) = sent_to(office, 1)
        assert (channel, state) == ("email", "pending") and body.startswith("Hello Achieng")
        assert "it is sent next" in run.text and "waiting" in run.text


async def test_by_hand_the_link_is_shown_and_the_agent_says_that_it_went(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, lambda: LeadDetailScreen(2)) as run:
        await run.press("w")
        assert run.app.screen.way.channel == "manual"
        run.app.screen.query_one(TextArea).text = "Hello {first_name}, shall we call?"
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, HandOver)
        snapshot(run.app, "hand_over_80x24")
        assert run.app.clipboard == "https://wa.me/254722000112?text=Hello%20Brian%2C%20shall%20we%20call%3F"
        await run.press("o")
        assert run.app.screen.has_class("-qr") and "▀" in run.text
        await run.pilot.resize_terminal(60, 20)
        await run.settle()
        assert "too small for a QR code" in run.text and "Went (y)" in run.text, "never cut off, buttons in sight"
        await run.pilot.resize_terminal(80, 24)
        await run.press("o")
        assert run.app.screen.has_class("-qr")
        await run.press("escape", "y")
        assert sent_to(office, 2) == [("manual", "sent", "Hello Brian, shall we call?")]
        assert "sent, as you say" in run.text
        snapshot(run.app, "lead_messages_80x24")
        await run.press("home", "down", "enter")
        assert isinstance(run.app.screen, MessageItem)
        assert "a person says that it went" in run.text


async def test_by_all_channels_one_after_another(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, lambda: MessageDialog(1)) as run:
        await run.press("up", "a")
        assert isinstance(run.app.screen, ReachDialog)
        await run.press("1")
        snapshot(run.app, "reach_80x24")
        await run.press("enter")
        assert "is reached by" in run.text and "u takes it back" in run.text
        assert [one.purpose for one in messages.of_lead(office, 1)]
        history.undo(office)
        assert {state for _, state, _ in sent_to(office, 1)} == {"skipped"}


async def test_why_a_lead_is_not_written_to(office: Office) -> None:
    suppressions.add(office, "0722000112", channel="whatsapp")
    leads.edit(office, 1, {"consent": "refused"})
    async with opened(office, lambda: MessageDialog(2)) as run:
        words = " ".join(run.text.replace("│", " ").split())
        assert "suppression list" in words and "HTTP (not set up)" in words
    async with opened(office, lambda: MessageDialog(1)) as run:
        words = " ".join(run.text.replace("│", " ").split())
        assert "does not want to be contacted" in words and "Nobody can write to this lead now" in words
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, MessageDialog)
    assert sent_to(office, 1) == [] == sent_to(office, 2)


async def test_what_is_missing_stops_it(office: Office) -> None:
    async with opened(office, lambda: MessageDialog(2)) as run:
        await run.press("1")
        assert "The lead has no {package}" in run.text
        await run.press("enter")
        assert sent_to(office, 2) == []
        run.app.screen.query_one(TextArea).text = "{custom.meter|none} {emali}"
        await run.settle()
        assert "'emali' is no placeholder" in " ".join(run.text.replace("│", " ").split())
        await run.press("escape")
        assert "What you typed here will be lost" in run.text


async def test_everything_handed_over_is_settled_with_a_key_each(office: Office, snapshot: Snapshot) -> None:
    for place in range(3):
        writing.write_to(office, 1 + place % 2, channel="manual", body=f"Number {place} for {{name}}")
    async with opened(office, HandingOver) as run:
        snapshot(run.app, "handing_over_80x24")
        await run.press("enter", "y", "n", "s")  # one after another
        states = [one.state for one in reversed(messages.of_lead(office, 1) + messages.of_lead(office, 2))]
        assert sorted(states) == ["failed", "handed_off", "sent"]
        assert run.app.screen.table.row_count == 1
        await run.press("c")
        assert "Number%202" in run.app.clipboard
        await run.press("w", "n")
        assert run.app.screen.table.row_count == 1, "it is asked first: nothing takes it back"
        await run.press("asterisk", "w", "y")
        assert "Nothing waits" in run.text


async def test_a_message_can_be_taken_back_and_tried_again(office: Office, snapshot: Snapshot) -> None:
    done = writing.write_to(office, 1, channel="email", body="Soon")
    assert done.message is not None
    async with opened(office, lambda: MessageItem(done.message.id)) as run:
        snapshot(run.app, "message_item_80x24")
        run.app.screen.query_one("#call_off").press()
        await run.settle()
        assert sent_to(office, 1) == [("email", "skipped", "Soon")]
    sending.send_now(office, writing.write_to(office, 1, channel="email", body="Later").message.id)
    async with opened(office, lambda: LeadDetailScreen(1)) as run:
        assert "taken back before it was sent" in run.text


async def test_untrusted_words_are_only_words(office: Office) -> None:
    lead = add_lead(office, NASTY, "0722000999")
    message = writing.write_to(office, lead, channel="manual", body="{name} [/oops]").message
    for make in (
        lambda: MessageDialog(lead), HandingOver, lambda: HandOver(message), lambda: MessageItem(message.id),
        lambda: LeadDetailScreen(lead),
    ):  # fmt: skip
        async with opened(office, make) as run:
            assert "[b]x[/]" in run.text


async def test_what_a_lead_answers_stands_on_its_timeline_once(office: Office) -> None:
    writing.write_to(office, 1, channel="file", body="Shall we come on Friday?")
    with office.as_system() as tx:
        inbound.receive(tx, Inbound("sms", "x1", NOW, "Yes, [b]please[/]", address="+254722000111"))
    async with opened(office, lambda: LeadDetailScreen(1)) as run:
        assert "SMS · received “Yes, [b]please[/]”" in run.text and run.text.count("please") == 1
        assert "file · waiting “Shall we come on Friday?”" in run.text
        await run.press("down", "enter")
        assert isinstance(run.app.screen, MessageItem) and "Came in by SMS" in run.text


async def test_what_another_program_settled_is_not_settled_twice(office: Office) -> None:
    first, other = (writing.write_to(office, 1, channel="manual", body=word).message for word in ("One", "Two"))
    async with opened(office, HandingOver) as run:
        messages.resolve(office, [first.id], False)
        await run.press("w", "y")
        assert "settled already" in run.text
        assert [body for _, state, body in sent_to(office, 1) if state == "handed_off"] == ["Two"]
        async with opened(acting_as(office, "root"), HandingOver) as second:  # another terminal, at the same time
            await second.press("w", "y")
        await run.press("r", "w")
        assert "There is nothing" in run.toasts or "Nothing waits here" in run.toasts
    assert messages.get(office, other.id).row.state == "sent"


async def test_today_asks_and_a_lead_in_work_mode_is_written_to(office: Office) -> None:
    writing.write_to(office, 1, channel="manual", body="Hello")
    lifecycle.assign(office, 2, "root")
    activities.add_follow_up(office, 2, "today")
    async with opened(office, TodayScreen) as run:
        assert "Messages handed over: did they go?" in run.text
        await run.press("home")
        while getattr(run.app.screen.row, "section", "") != "handed":
            await run.press("down")
        await run.press("enter")
        assert isinstance(run.app.screen, HandingOver)
        await run.press("escape", "W", "w")
        assert isinstance(run.app.screen, MessageDialog)
        run.app.screen.query_one(TextArea).text = "Shall we call?"
        await run.press("ctrl+s", "y")
        assert isinstance(run.app.screen, WorkMode) and run.app.screen.turn is not None
        assert sent_to(office, 2) == [("manual", "sent", "Shall we call?")]


async def test_sixty_by_twenty_is_enough(office: Office) -> None:
    message = writing.write_to(office, 1, channel="manual", body="Hello {name}, " + "and so on, " * 40).message
    drips.create(office, {"name": "Welcome", "channel": "file"}, [parse_step("0h message by file: Hello {name}")])
    drips.enroll(office, "welcome", [1])
    async with opened(office, lambda: LeadDetailScreen(1), size=(60, 20)) as run:
        for make, words in (
            (lambda: MessageDialog(1), "Send     Cancel"), (HandingOver, "Did it go?"),
            (lambda: HandOver(message), "Went (y)"), (lambda: MessageItem(message.id), "Close"),
            (TemplatesScreen, "Welcome"), (ChannelsScreen, "ready"), (SuppressionsScreen, "Nobody has refused"),
            (DripsScreen, "running"), (lambda: DripScreen("welcome"), "in it"),
            (lambda: DripEditor("welcome", {}), "Hello"), (lambda: EnrollDialog((1, 2)), "Enroll     Cancel"),
        ):  # fmt: skip
            run.app.push_screen(make())
            await run.settle()
            assert words in run.text, run.text
            for hints in run.app.screen.query("Hints"):
                assert "? all keys" in run.text and hints.size.width == 60
            run.app.pop_screen()
            await run.settle()


async def test_a_wide_terminal(office: Office, snapshot: Snapshot) -> None:
    message = writing.write_to(office, 1, channel="manual", body="Hello {first_name}, shall we call?").message
    async with opened(office, lambda: LeadDetailScreen(1), size=WIDE) as run:
        snapshot(run.app, "lead_messages_120x40")
        for make, name in (
            (lambda: MessageDialog(1), "message"), (lambda: HandOver(message), "hand_over"),
            (HandingOver, "handing_over"), (lambda: ReachDialog(1), "reach"),
        ):  # fmt: skip
            run.app.push_screen(make())
            await run.settle()
            snapshot(run.app, f"{name}_120x40")
            run.app.pop_screen()
            await run.settle()
