"""The list of campaigns: how far each is, and everything that can be done with one, by its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from leadtui import clock
from leadtui.domain.campaigns import CampaignRow
from leadtui.screens.campaign_monitor import CampaignMonitor
from leadtui.screens.campaign_rows import in_time
from leadtui.screens.campaigns import CampaignsScreen
from leadtui.screens.confirm import Confirm
from leadtui.screens.record_form import RecordForm
from leadtui.services import admin, campaigns
from leadtui.services.office import Office
from leadtui.widgets.progress import bar, percent
from tests.screens.campaign_help import DRAFT, LATER, RUNNING, copied, fill, of, write
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, acting_as, opened

Snapshot = Callable[[Any, str], None]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests copy it."""
    clock.set_clock(lambda: NOW)
    return fill(tmp_path_factory.mktemp("campaigns"))


@pytest.fixture
def office(database: Path, tmp_path: Path) -> Iterator[Office]:
    """Three campaigns: a draft, one being sent, one for next week."""
    made = copied(database, tmp_path)
    yield made
    made.close()


def status(office: Office, ref: int | str) -> str:
    return campaigns.get(office, ref).status


async def test_the_list_says_how_far_each_is(office: Office, size: tuple[int, int], snapshot: Snapshot) -> None:
    async with opened(office, CampaignsScreen, size=size) as run:
        snapshot(run.app, f"campaigns_{size[0]}x{size[1]}")


async def test_search_and_filter_narrow_the_list(office: Office) -> None:
    async with opened(office, CampaignsScreen) as run:
        await run.press("f")
        assert "Campaigns ─ active" in run.text and "November" in run.text and "Next week" not in run.text
        await run.press("f")
        assert "No campaign matches" in run.text
        await run.press("escape")
        assert "Next week" in run.text and "All campaigns again" in run.text
        await run.press("slash")
        await run.write("draft")
        await run.press("enter")
        assert "Draft of the" in run.text and "Next week" not in run.text
        assert isinstance(run.app.screen, CampaignsScreen)
        assert run.app.screen.copy_text() == "Draft of the week  draft  sent 0 of 0, failed 0"


async def test_what_a_status_forbids_is_said(office: Office) -> None:
    async with opened(office, CampaignsScreen) as run:
        await run.press("R")
        assert "only one that was paused can be resumed" in run.toasts
        await run.press("v")
        assert "nobody was chosen yet" in run.toasts
        await run.press("down", "e")
        assert "it has started" in run.toasts
        await run.press("D")
        assert "it is not over; P pauses it, x ends it" in run.toasts


async def test_pause_resume_and_the_end(office: Office) -> None:
    async with opened(office, CampaignsScreen) as run:
        await run.press("down", "P")
        assert "‖ paused" in run.text and "November offer: paused" in run.text
        await run.press("R")
        assert "▶ active" in run.text
        await run.press("x")
        assert "P pauses it first" in run.toasts
        await run.press("P", "x")
        assert isinstance(run.app.screen, Confirm)
        assert "2 of 8 were not sent and never will be" in run.text
        await run.press("escape")
        assert status(office, RUNNING) == "paused"
        await run.press("x", "y")
        assert status(office, RUNNING) == "cancelled"
        await run.press("R")
        assert "Y makes a copy that can be sent" in run.toasts


async def test_a_copy_a_schedule_and_what_is_deleted(office: Office) -> None:
    async with opened(office, CampaignsScreen) as run:
        await run.press("down", "Y")
        total, rows = campaigns.list_all(office)
        assert total == 4 and rows[0].is_draft and rows[0].template == rows[2].template
        assert rows[0].name in run.text
        screen = run.app.screen
        assert isinstance(screen, CampaignsScreen)
        assert (screen.campaign() or rows[1]).id == rows[0].id  # the cursor is on what was just made
        await run.press("s")
        assert isinstance(run.app.screen, RecordForm)
        await run.write("someday")
        await run.press("ctrl+s")
        assert "is not a date" in " ".join(run.text.replace("│", " ").split())
        run.app.screen.query_one(Input).value = "tomorrow 9:00"
        await run.press("ctrl+s")
        assert campaigns.get(office, rows[0].id).is_scheduled and "scheduled" in run.text
        await run.press("s")
        run.app.screen.query_one(Input).value = ""
        await run.press("ctrl+s")
        assert status(office, rows[0].id) == "draft" and "not scheduled any more" in run.text
        await run.press("D", "y")
        assert campaigns.list_all(office)[0] == 3


async def test_what_others_do_comes_into_sight(office: Office) -> None:
    async with opened(office, CampaignsScreen) as run:
        assert "▶ active" in run.text
        other = acting_as(office, "root")
        campaigns.pause(other, RUNNING)
        other.close()
        screen = run.app.screen
        assert isinstance(screen, CampaignsScreen)
        screen.look()
        await run.settle()
        assert "‖ paused" in run.text


async def test_enter_shows_it_as_it_goes(office: Office) -> None:
    async with opened(office, CampaignsScreen) as run:
        await run.press("down", "enter")
        assert isinstance(run.app.screen, CampaignMonitor)
        assert run.app.screen.campaign_id == of(office, RUNNING)
        await run.press("escape")
        assert isinstance(run.app.screen, CampaignsScreen)


async def test_who_may_not_sees_why(office: Office) -> None:
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "technician"})
    tom = acting_as(office, "tom")
    async with opened(tom, CampaignsScreen) as run:
        assert "campaign" in run.text
        await run.press("n")
        assert "your role may not" in run.toasts
    tom.close()


async def test_untrusted_words_are_only_words(office: Office) -> None:
    write(office, NASTY)
    async with opened(office, CampaignsScreen, size=(60, 20)) as run:
        assert "[b]x[/]" in run.text
        await run.press("D")
        assert "[b]x[/]" in run.text


def test_a_bar_is_full_only_when_all_is_done() -> None:
    assert bar(0, 10, 8) == "░" * 8
    assert bar(10, 10, 8) == "█" * 8
    assert bar(1, 100_000, 8) == "▏" + "░" * 7
    assert bar(99_999, 100_000, 8) == "█" * 7 + "▉"
    assert bar(5, 10, 4, plain=True) == "##.."
    assert bar(3, 0, 4) == "░░░░" and bar(1, 2, 0) == ""
    assert [percent(0, 9), percent(1, 1000), percent(999, 1000), percent(9, 9)] == ["0 %", "1 %", "99 %", "100 %"]


def test_the_campaigns_of_the_fixture(office: Office) -> None:
    rows: dict[str, CampaignRow] = {row.name: row for row in campaigns.list_all(office)[1]}
    assert [rows[one].status for one in (DRAFT, RUNNING, LATER)] == ["draft", "active", "scheduled"]
    assert in_time(NOW, NOW) == "now"
