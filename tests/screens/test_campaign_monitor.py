"""A campaign before, during and after: the rehearsal and the start, the monitor, every recipient."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from textual.widgets import Input

from leadtui import clock
from leadtui.screens.campaign_monitor import CampaignMonitor
from leadtui.screens.campaign_recipients import RecipientsScreen
from leadtui.screens.campaign_rehearsal import RehearsalScreen
from leadtui.screens.campaigns import CampaignsScreen
from leadtui.screens.confirm import Confirm
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.leads_of import LeadsOf
from leadtui.services import campaigns, leads
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.widgets.virtual_table import VirtualTable
from tests.screens.campaign_help import DRAFT, LATER, RUNNING, copied, fill, of
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, Run, acting_as, opened

Snapshot = Callable[[Any, str], None]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests copy it."""
    clock.set_clock(lambda: NOW)
    return fill(tmp_path_factory.mktemp("monitor"))


@pytest.fixture
def office(database: Path, tmp_path: Path) -> Iterator[Office]:
    """Ten leads; a draft, one being sent, one for next week."""
    made = copied(database, tmp_path)
    yield made
    made.close()


def words(run: Run) -> str:
    """The screen without line breaks."""
    return " ".join(run.text.replace("│", " ").split())


def states(office: Office) -> list[str]:
    return [row.status for row in campaigns.recipients(office, RUNNING)[1]]


# Before


async def test_a_rehearsal_says_who_when_and_what(office: Office, size: tuple[int, int], snapshot: Snapshot) -> None:
    async with opened(office, lambda: RehearsalScreen(of(office, DRAFT)), size=size) as run:
        snapshot(run.app, f"rehearsal_{size[0]}x{size[1]}")
        await run.press("enter")
        assert isinstance(run.app.screen, LeadsOf)
        assert "Not written to: does not want to be contacted" in run.text and "Rose Akinyi" in run.text
        await run.press("enter")
        assert isinstance(run.app.screen, LeadDetailScreen)
        await run.press("escape", "escape", "down", "enter")
        assert isinstance(run.app.screen, LeadDetailScreen) and "Achieng" in run.text  # the lead of a message


async def test_the_start_asks_for_the_number(office: Office) -> None:
    async with opened(office, CampaignsScreen) as run:
        await run.press("end", "S")
        assert isinstance(run.app.screen, RehearsalScreen)
        await run.press("S")
        assert "8 leads get a message by file. What was sent cannot be taken back." in words(run)
        await run.write("9")
        await run.press("enter")
        assert "That is not 8" in run.text and campaigns.get(office, DRAFT).is_draft
        await run.press("backspace", "8", "enter")
        row = campaigns.get(office, DRAFT)
        assert row.is_active and row.counters.total == 8 and row.counters.skipped == 1
        assert isinstance(run.app.screen, CampaignMonitor)
        assert "Draft of the week" in run.text.splitlines()[0] and "0 of 8 sent, 8 to go" in run.text


async def test_those_without_a_value_are_left_out_or_mended(office: Office) -> None:
    campaigns.edit(office, DRAFT, {"template": "Hi {first_name}, mail {email}"})
    leads.edit(office, 1, {"email": "achieng@example.com"})
    async with opened(office, lambda: RehearsalScreen(of(office, DRAFT))) as run:
        assert "7 not: a value that the text needs is missing" in run.text
        await run.press("enter")
        assert isinstance(run.app.screen, LeadsOf) and "Brian Kamau" in run.text and "Achieng" not in run.text
        await run.press("escape", "S")
        assert "1 lead gets a message" in words(run) and "7 that lack a value for the text are left out" in words(run)
        await run.press("1", "enter")
        assert run.answer.is_active and run.answer.counters.total == 1


async def test_what_was_looked_at_has_changed_meanwhile(office: Office) -> None:
    async with opened(office, lambda: RehearsalScreen(of(office, DRAFT))) as run:
        other = acting_as(office, "root")
        with other.write() as tx:
            tx.conn.execute(update(t.lead).where(t.lead.c.id == 1).values(consent="refused"))
        other.close()
        await run.press("S", "8", "enter")
        assert "it would go to 7 leads, not 8" in run.toasts and campaigns.get(office, DRAFT).is_draft
        assert "7 of 9 leads" in run.text.splitlines()[0]


# During


async def test_the_monitor_shows_it_all(office: Office, size: tuple[int, int], snapshot: Snapshot) -> None:
    async with opened(office, lambda: CampaignMonitor(of(office, RUNNING)), size=size) as run:
        snapshot(run.app, f"campaign_monitor_{size[0]}x{size[1]}")
        await run.press("w")
        assert isinstance(run.app.screen, RecipientsScreen) and run.text.count("? unknown") == 2
        await run.press("escape", "down", "down", "enter")
        assert (
            "November offer ─ sent" in run.text and run.app.screen.query_one("#recipients", VirtualTable).row_count == 3
        )


async def test_why_it_stands_still_comes_by_itself(office: Office) -> None:
    async with opened(office, lambda: CampaignMonitor(of(office, RUNNING)), size=(60, 20)) as run:
        assert "▶ active" in run.text
        other = acting_as(office, "root")
        campaigns.pause(other, RUNNING, "the owner wants another text")
        other.close()
        screen = run.app.screen
        assert isinstance(screen, CampaignMonitor)
        screen.tick()
        await run.settle()
        assert "‖ paused: the owner wants another text" in words(run)
        await run.press("R")
        assert "▶ active" in run.text and campaigns.get(office, RUNNING).is_active


async def test_one_that_has_not_begun_says_when(office: Office) -> None:
    async with opened(office, lambda: CampaignMonitor(of(office, LATER))) as run:
        assert "Starts Fri 27 Nov 2026 10:00, in 6 days. Who gets it is chosen then." in words(run)
        await run.press("v")
        assert "nobody was chosen yet" in run.toasts
        campaigns.unschedule(office, LATER)
        campaigns.delete(office, LATER)
        await run.press("r")
        assert "there is no campaign" in run.text


# Every recipient


async def test_recipients_are_filtered_and_opened(office: Office, size: tuple[int, int], snapshot: Snapshot) -> None:
    async with opened(office, lambda: RecipientsScreen(of(office, RUNNING)), size=size) as run:
        snapshot(run.app, f"recipients_{size[0]}x{size[1]}")
        await run.press("enter")
        assert "Hi Achieng, our fibre is at Westlands." in words(run)
        await run.press("escape", "f")
        assert "November offer ─ waiting" in run.text and "Omar Said" in run.text and "Achieng" not in run.text
        await run.press("F", "slash")
        await run.write("kevin")
        await run.press("enter")
        assert "the number is not on WhatsApp" in run.text and "Achieng" not in run.text
        await run.press("o")
        assert isinstance(run.app.screen, LeadDetailScreen)


async def test_unknown_ones_are_settled_by_a_person(office: Office) -> None:
    async with opened(office, lambda: RecipientsScreen(of(office, RUNNING), "unknown")) as run:
        await run.press("w")
        assert isinstance(run.app.screen, Confirm) and "This message went?" in run.text
        await run.press("y")
        assert states(office).count("sent") == 2 and "1 went, as you say" in run.text
        await run.press("asterisk", "n", "y")
        assert states(office).count("failed") == 2 and "Nobody here; esc shows all" in run.text
        await run.press("F", "w")
        assert "of this one it is known: read" in run.toasts


async def test_what_failed_is_tried_again(office: Office) -> None:
    async with opened(office, lambda: RecipientsScreen(of(office, RUNNING))) as run:
        await run.press("t")
        assert "this one did not fail" in run.toasts
        await run.press("asterisk", "t")
        assert "The one that failed in November offer will be tried again" in words(run)
        await run.press("y")
        assert "1 will be sent again" in run.text and states(office).count("failed") == 0


async def test_the_recipients_as_a_file(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "failed.csv"
    async with opened(office, lambda: RecipientsScreen(of(office, RUNNING), "failed")) as run:
        for expected in ("1 recipient written", "failed.csv exists: again to replace it", "1 recipient written"):
            if "exists" in expected or "exists" not in run.text:
                await run.press("X")
                run.app.screen.query_one(Input).value = str(path)
            await run.press("ctrl+s")
            assert expected in words(run)
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    assert [row["lead_name"] for row in rows] == ["Kevin Otieno"]


async def test_untrusted_words_are_only_words(office: Office) -> None:
    campaign_id = of(office, RUNNING)
    with office.write() as tx:
        tx.conn.execute(update(t.message).where(t.message.c.state == "failed").values(error=NASTY))
        tx.conn.execute(update(t.campaign).where(t.campaign.c.name == RUNNING).values(name=NASTY, pause_text=NASTY))
    for make in (CampaignMonitor, RecipientsScreen, RehearsalScreen):
        async with opened(office, partial(make, campaign_id), size=(60, 20)) as run:
            assert "[b]x[/]" in run.text
