"""The list of campaigns: how far each is, and everything that can be done with one, by its keys."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update
from textual.widgets import Input

from leadtui.screens.campaign_editor import CampaignEditor
from leadtui.screens.campaign_monitor import CampaignMonitor
from leadtui.screens.campaign_recipients import RecipientsScreen
from leadtui.screens.campaign_rehearsal import RehearsalScreen
from leadtui.screens.campaign_rows import until
from leadtui.screens.campaigns import CampaignsScreen
from leadtui.screens.confirm import Confirm
from leadtui.screens.record_form import RecordForm
from leadtui.services import admin, campaigns
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.widgets.progress import bar, percent
from tests.screens.campaign_help import DRAFT, RUNNING, of, pictures, write
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, Run, acting_as, opened


def status(office: Office, ref: int | str) -> str:
    return campaigns.get(office, ref).status


def listed(run: Run) -> CampaignsScreen:
    assert isinstance(run.app.screen, CampaignsScreen), run.text
    return run.app.screen


async def test_the_list_says_how_far_each_is(campaigned: Office) -> None:
    async with opened(campaigned, CampaignsScreen) as run:
        await pictures(run, "campaigns")
        await run.press("R", "v")
        assert "only one that was paused can be resumed" in run.toasts or "nobody was chosen yet" in run.toasts
        await run.press("f")
        assert "Campaigns ─ active" in run.text and "November" in run.text and "Next week" not in run.text
        await run.press("D")
        assert "it is not over; P pauses it, x ends it" in run.toasts
        await run.press("e")
        assert "it has started" in run.toasts
        await run.press("enter")
        assert isinstance(run.app.screen, CampaignMonitor)
        assert run.app.screen.campaign_id == of(campaigned, RUNNING)
        await run.press("escape", "f")
        assert "No campaign matches" in run.text
        await run.press("escape")
        assert "Next week" in run.text and "All campaigns again" in run.text
        await run.press("slash", "d", "r", "a", "f", "enter")
        assert "Draft of the" in run.text and "Next week" not in run.text
        assert listed(run).copy_text() == "Draft of the week  draft  sent 0 of 0, failed 0"


async def test_pause_resume_the_end_and_what_others_do(campaigned: Office) -> None:
    async with opened(campaigned, CampaignsScreen) as run:
        await run.press("down", "P")
        assert "‖ paused" in run.text and "November offer: paused" in run.text
        listed(run).watch_changes.look(at_once=True)  # as it does every few seconds
        await run.settle()
        other = acting_as(campaigned, "root")
        campaigns.resume(other, RUNNING)
        other.close()
        listed(run).watch_changes.look(at_once=True)
        await run.settle()
        assert "▶ active" in run.text
        await run.press("x")
        assert "P pauses it first" in run.toasts
        await run.press("P")
        await run.press("x")
        assert isinstance(run.app.screen, Confirm) and "2 of 8 were not sent and never will be" in run.text
        await run.press("escape")
        assert status(campaigned, RUNNING) == "paused"
        await run.press("x", "y")
        assert status(campaigned, RUNNING) == "cancelled"
        await run.press("R")
        assert "Y makes a copy that can be sent" in run.toasts


async def test_a_copy_a_schedule_and_what_is_deleted(campaigned: Office) -> None:
    async with opened(campaigned, CampaignsScreen) as run:
        await run.press("down", "Y")
        total, rows = campaigns.list_all(campaigned)
        assert total == 4 and rows[0].is_draft and rows[0].template == rows[2].template
        row = listed(run).campaign()
        assert row is not None and row.id == rows[0].id  # the cursor is on what was just made
        await run.press("s")
        assert isinstance(run.app.screen, RecordForm)
        run.app.screen.query_one(Input).value = "someday"
        await run.press("ctrl+s")
        assert "is not a date" in " ".join(run.text.replace("│", " ").split())
        run.app.screen.query_one(Input).value = "tomorrow 9:00"
        await run.press("ctrl+s")
        assert campaigns.get(campaigned, rows[0].id).is_scheduled and "scheduled" in run.text
        await run.press("s")
        run.app.screen.query_one(Input).value = ""
        await run.press("ctrl+s")
        assert status(campaigned, rows[0].id) == "draft" and "not scheduled any more" in run.text
        await run.press("D", "y")
        assert campaigns.list_all(campaigned)[0] == 3
        await run.press("u")
        assert "Taken back" in run.text and campaigns.list_all(campaigned)[0] == 4


async def test_u_asks_where_what_was_done_last_cannot_be_taken_back(campaigned: Office) -> None:
    """A campaign paused, a message sent: `u` means that, and must not silently take back something older."""
    draft = write(campaigned, "Kept draft")
    running = next(row for row in campaigns.list_all(campaigned)[1] if row.name == RUNNING)
    campaigns.pause(campaigned, running.id)
    async with opened(campaigned, CampaignsScreen) as run:
        await run.press("u")
        said = " ".join(run.text.replace("│", " ").split())
        assert "What you did last (campaign: pause) cannot be taken back. Before that: campaign Kept draft" in said
        await run.press("enter")
        assert campaigns.get(campaigned, draft).status == "draft" and "Take back" not in run.text
        await run.press("u", "ctrl+s")
        assert "Taken back: campaign Kept draft" in run.text


async def test_who_may_not_sees_why(campaigned: Office) -> None:
    admin.add_user(campaigned, {"login": "tom", "name": "Tom", "role": "technician"})
    tom = acting_as(campaigned, "tom")
    async with opened(tom, CampaignsScreen) as run:
        assert "Not read: you may not run campaigns" in run.text and "r tries again" not in run.text
        await run.press("n")
        assert "your role may not" in run.toasts
    tom.close()


async def test_untrusted_words_are_only_words_on_every_screen(campaigned: Office) -> None:
    draft, running = of(campaigned, DRAFT), of(campaigned, RUNNING)
    campaigns.edit(campaigned, DRAFT, {"name": NASTY, "template": "{name} " + NASTY})
    with campaigned.write() as tx:
        tx.conn.execute(update(t.message).where(t.message.c.state == "failed").values(error=NASTY))
        tx.conn.execute(update(t.campaign).where(t.campaign.c.id == running).values(name=NASTY, pause_text=NASTY))
    async with opened(campaigned, CampaignsScreen, size=(60, 20)) as run:
        assert "[b]x[/]" in run.text
        for screen in (
            CampaignEditor(draft), RehearsalScreen(draft), CampaignMonitor(running), RecipientsScreen(running, "failed")
        ):  # fmt: skip
            run.app.push_screen(screen)
            await run.settle()
            assert "[b]x[/]" in run.text


def test_when_it_ends_fits_its_column() -> None:
    spans = {0: "now", 60: "in 1 min", 720: "in 12 min", 18_000: "in 5 h", 260_000: "in 3 d", 11_000_000: "in 4 mo"}
    assert {seconds: until(NOW + timedelta(seconds=seconds), NOW) for seconds in spans} == spans


def test_a_bar_is_full_only_when_all_is_done() -> None:
    assert bar(0, 10, 8) == "░" * 8
    assert bar(10, 10, 8) == "█" * 8
    assert bar(1, 100_000, 8) == "▏" + "░" * 7
    assert bar(99_999, 100_000, 8) == "█" * 7 + "▉"
    assert bar(5, 10, 4, plain=True) == "##.."
    assert bar(3, 0, 4) == "░░░░" and bar(1, 2, 0) == ""
    assert [percent(0, 9), percent(1, 1000), percent(999, 1000), percent(9, 9)] == ["0 %", "1 %", "99 %", "100 %"]
