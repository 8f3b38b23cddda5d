"""The history: acts with undo, every entry in words, searching, who may see what."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadtui import clock
from leadtui.screens.history import BatchEntries, EntryScreen, HistoryScreen
from leadtui.screens.history_rows import Wanted, changes_in_words, moment
from leadtui.screens.undo_preview import UndoPreview
from leadtui.services import admin, bulk, history, leads, lifecycle
from leadtui.services.office import Office
from tests.screens.dialog_help import NASTY, acting_as, add_lead, new_office, opened


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return new_office(tmp_path)


async def test_the_newest_act_is_taken_back_after_a_look(office: Office) -> None:
    lead = add_lead(office)
    lifecycle.set_status(office, lead, "Contacted")
    async with opened(office, HistoryScreen) as run:
        assert "status Contacted" in run.text and "new lead" in run.text
        await run.press("x")
        assert isinstance(run.app.screen, UndoPreview)
        assert "1 change will be taken back." in run.text
        assert leads.get(office, lead).row.status == "Contacted", "looking changes nothing"
        await run.press("enter")
        assert "Taken back: status Contacted" in run.text
        assert "taken back" in run.text
        await run.press("j", "x")
        assert leads.get(office, lead).row.status == "New"


async def test_what_changed_since_is_named_and_stays(office: Office) -> None:
    ids = tuple(add_lead(office, f"Lead {n}", f"0722{n:06}") for n in range(3))
    result = bulk.apply(office, bulk.Target(ids), bulk.Act(status="Contacted"))
    lifecycle.set_status(office, ids[1], "Interested")
    number = leads.get(office, ids[1]).row.number
    async with opened(office, lambda: UndoPreview(result.batch or 0, "status Contacted")) as run:
        assert "2 changes will be taken back." in run.text
        assert "1 changed since and will stay" in run.text and number in run.text
        await run.press("enter")
        assert run.answer.restored == 2
        assert "1 changed since and stay" in run.text
        assert run.home.told[-1] == frozenset()
    assert [leads.get(office, lead).row.status for lead in ids] == ["New", "Interested", "New"]


async def test_an_act_opens_to_its_entries_and_one_entry_in_full(office: Office) -> None:
    lead = add_lead(office)
    leads.edit(office, lead, {"name": "Achieng O.", "unit_number": "A5"})
    async with opened(office, HistoryScreen) as run:
        await run.press("enter")
        assert isinstance(run.app.screen, BatchEntries)
        assert "Name: Achieng Odhiambo → " in run.text
        await run.press("enter")
        assert isinstance(run.app.screen, EntryScreen)
        assert "Unit: A5" in run.text and "root" in run.text
        await run.press("escape", "escape")
        assert isinstance(run.app.screen, HistoryScreen)


async def test_entries_are_searched_by_user_and_lead(office: Office) -> None:
    first, second = add_lead(office), add_lead(office, "Brian", "0733000111")
    lifecycle.set_status(office, second, "Contacted")
    other, number = leads.get(office, first).row.number, leads.get(office, second).row.number
    async with opened(office, HistoryScreen) as run:
        await run.press("v")
        assert "every entry" in run.text and "Status: New → Contacted" in run.text
        assert f"{other} create" in run.text
        await run.press("/")
        await run.write(number)
        await run.press("enter")
        assert f"{number} status" in run.text and f"{other} create" not in run.text
        await run.press("escape")
        assert f"{other} create" in run.text
        await run.press("/")
        await run.write("user:nobody")
        await run.press("enter")
        assert "there is no user 'nobody'" in run.text


async def test_acts_are_searched_by_words(office: Office) -> None:
    lead = add_lead(office)
    lifecycle.set_status(office, lead, "Contacted")
    async with opened(office, HistoryScreen) as run:
        await run.press("/")
        await run.write("contacted")
        await run.press("enter")
        assert "status Contacted" in run.text and "new lead" not in run.text and "1 of 2" in run.text


async def test_what_was_taken_back_cannot_be_again(office: Office) -> None:
    lead = add_lead(office)
    batch = lifecycle.set_status(office, lead, "Contacted").batch
    async with opened(office, HistoryScreen) as run:
        history.undo(office, batch)
        await run.press("r", "g", "j", "x")
        assert isinstance(run.app.screen, HistoryScreen)
        assert "taken back already" in run.toasts


async def test_an_agent_sees_his_own_acts_only(office: Office) -> None:
    admin.add_user(office, {"login": "wanjiku", "name": "Wanjiku", "role": "agent"})
    add_lead(office, "Secret Name", "0733000111")
    agents = acting_as(office, "wanjiku")
    mine = add_lead(agents, "Mine")
    lifecycle.set_status(agents, mine, "Contacted")
    async with opened(agents, HistoryScreen) as run:
        assert "root" not in run.text and "status Contacted" in run.text
        await run.press("v")
        assert "Secret" not in run.text and "Mine" in run.text


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_hostile_text(office: Office, size: tuple[int, int]) -> None:
    lead = add_lead(office)
    leads.edit(office, lead, {"name": NASTY})
    async with opened(office, HistoryScreen, size=size) as run:
        await run.press("v")
        await run.press("enter")
        assert "[b]x[/]" in run.text and "\x1b" not in run.text


def test_words() -> None:
    assert changes_in_words({"status": ("New", "Contacted"), "has_router": (None, True)}) == [
        "Status: New → Contacted", "Has router: yes",
    ]  # fmt: skip
    assert Wanted.read("user:root LD-202611-0001 odd words") == Wanted(
        user="root", lead="LD-202611-0001", words=("odd", "words")
    )
    assert Wanted.read("entity:setting 0722000111") == Wanted(entity="setting", lead="0722000111")
    now, zone = datetime(2026, 11, 20, 8, 30, tzinfo=UTC), ZoneInfo("Africa/Nairobi")
    clock.set_clock(lambda: now)
    said = [moment(now - timedelta(days=days), zone) for days in (0, 2, 20, 700)]
    assert said == ["11:30", "Wed 11:30", "31 Oct 11:30", "20 Dec 2024"]


async def test_a_long_undo_says_so_and_ends_also_when_its_dialog_was_left(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = add_lead(office)
    batch = lifecycle.set_status(office, lead, "Contacted").batch
    real, go_on = history.undo, threading.Event()

    def slow(office: Office, batch: int | None, *, dry_run: bool = False) -> Any:
        if not dry_run:
            go_on.wait(10)
        return real(office, batch, dry_run=dry_run)

    monkeypatch.setattr(history, "undo", slow)
    async with opened(office, lambda: UndoPreview(batch or 0, "status Contacted")) as run:
        await run.pilot.press("enter")
        await run.pilot.pause()
        assert "Taking back 1 change …" in run.text
        assert any(job.title for job in run.app.background.jobs), "leaving the program asks"
        await run.pilot.press("escape")
        await run.pilot.pause()
        assert run.app.screen is run.home
        go_on.set()
        await run.settle()
        assert "Taken back: status Contacted" in run.text and run.home.told
    assert leads.get(office, lead).row.status == "New"
