"""One act on many leads: preview, the count typed above 100, stop, refusals, one undo."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input

from leadtui.screens.assign_dialog import AssignDialog
from leadtui.screens.bulk import BulkScreen
from leadtui.screens.delete_dialog import DeleteDialog
from leadtui.screens.follow_up_dialog import FollowUpDialog
from leadtui.screens.interest_dialog import InterestDialog
from leadtui.screens.log_dialog import LogDialog
from leadtui.screens.lose_dialog import LoseDialog
from leadtui.screens.status_dialog import StatusDialog
from leadtui.screens.tag_dialog import TagDialog
from leadtui.services import admin, bulk, history, leads, lifecycle
from leadtui.services.office import Office
from tests.screens.dialog_help import NASTY, acting_as, add_lead, new_office, opened


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return new_office(tmp_path)


def some(office: Office, count: int, first: int = 0) -> tuple[int, ...]:
    return tuple(add_lead(office, f"Lead {first + n}", f"0722{first + n:06}") for n in range(count))


def statuses(office: Office, ids: tuple[int, ...]) -> list[str]:
    return [leads.get(office, lead).row.status for lead in ids]


async def test_three_marked_leads_are_previewed_moved_and_taken_back_together(office: Office) -> None:
    ids = some(office, 3)
    async with opened(office, lambda: StatusDialog(ids)) as run:
        assert "3 leads: Lead 0, Lead 1, Lead 2" in run.text
        await run.press("3")
        assert isinstance(run.app.screen, BulkScreen)
        assert "3 of 3 leads will be moved to Interested" in run.text and "Lead 1" in run.text
        assert statuses(office, ids) == ["New"] * 3, "a preview changes nothing"
        await run.press("enter")
        assert run.answer.ids == ids
        assert "3 leads moved to Interested · u takes it back" in run.text
    assert statuses(office, ids) == ["Interested"] * 3
    assert history.undo(office, run.answer.batch).restored == 3
    assert statuses(office, ids) == ["New"] * 3


async def test_refused_rows_are_named_before_and_after(office: Office) -> None:
    ids = some(office, 3)
    lifecycle.protect(office, ids[1], "court case")
    number = leads.get(office, ids[1]).row.number
    async with opened(office, lambda: DeleteDialog(ids)) as run:
        await run.press("ctrl+s")
        assert "2 of 3 leads will be deleted · 1 refused" in run.text and number in run.text
        await run.press("enter")
        assert not run.answers, "what was refused is read before it closes"
        assert "1 was refused" in run.text and number in run.text
        assert number in run.app.screen.copy_text()  # type: ignore[attr-defined]
        await run.press("enter")
        assert "2 leads deleted, 1 refused" in run.text
    assert leads.count(office) == 1


async def test_nothing_to_do_is_said(office: Office) -> None:
    ids = some(office, 2)
    async with opened(office, lambda: BulkScreen(ids, None, {"status": "New"}, "moved to New")) as run:
        assert "0 of 2 leads" in run.text and "2 are so already" in run.text
        assert run.app.screen.query_one("#do", Button).disabled
        await run.press("escape")
        assert run.answer is None


async def test_above_a_hundred_the_count_is_typed(office: Office) -> None:
    some(office, 101)
    async with opened(office, lambda: AssignDialog((), "name:lead")) as run:
        assert "101 leads" in run.text
        await run.write("root")
        await run.press("enter")
        assert "type 101 to go on" in run.text
        await run.press("enter")
        assert isinstance(run.app.screen, BulkScreen) and "or leave with esc" in run.text
        await run.write("101")
        await run.press("enter")
        assert "101 leads assigned to root" in run.text
        assert run.home.told[-1] == frozenset(), "a filter may have changed any lead"
    assert leads.count(office, "assigned:root") == 101


async def test_esc_stops_and_nothing_is_kept(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = some(office, 3)
    going, stopped = threading.Event(), threading.Event()
    real = bulk.apply

    def slow(*args: Any, should_stop: Any, on_progress: Any, **more: Any) -> Any:
        on_progress(1, 3)
        going.set()
        stopped.wait(5)
        return real(*args, should_stop=should_stop, on_progress=on_progress, **more)

    monkeypatch.setattr(bulk, "apply", slow)
    async with opened(office, lambda: BulkScreen(ids, None, {"status": "Contacted"}, "moved")) as run:
        await run.pilot.press("enter")
        going.wait(5)
        await run.pilot.pause()
        assert "1 of 3 done · esc stops" in run.text
        assert [job.title for job in run.app.background.jobs] == ["Changing 3 leads"]
        await run.pilot.press("escape")
        stopped.set()
        await run.settle()
        assert run.answer is None
        assert "Stopped: nothing was changed" in run.text
    assert statuses(office, ids) == ["New"] * 3


async def test_a_contact_is_logged_with_many(office: Office) -> None:
    ids = some(office, 2)
    async with opened(office, lambda: LogDialog(ids)) as run:
        await run.press("6", "enter", "enter")
        assert "2 leads logged: WhatsApp" in run.text
    for lead in ids:
        assert leads.get(office, lead).activities[0].type in ("whatsapp", "follow_up")


@pytest.mark.parametrize("make", [LoseDialog, TagDialog, InterestDialog, FollowUpDialog])
async def test_every_act_reaches_many(office: Office, make: Any) -> None:
    ids = some(office, 2)
    keys: dict[Any, tuple[str, ...]] = {
        LoseDialog: ("ctrl+s",),
        TagDialog: ("v", "i", "p", "enter", "ctrl+s"),
        InterestDialog: ("enter", "ctrl+s"),
        FollowUpDialog: ("1", "ctrl+s"),
    }
    async with opened(office, lambda: make(ids)) as run:
        if make is LoseDialog:
            run.app.screen.query_one("#reason", Input).value = "moved"
        await run.press(*keys[make])
        assert isinstance(run.app.screen, BulkScreen), run.text
        assert "2 of 2 leads" in run.text
        await run.press("enter")
        assert run.answer.batch is not None
    rows = leads.rows(office, ids)
    checks = {
        LoseDialog: lambda row: row.is_lost,
        TagDialog: lambda row: row.tags == ("vip",),
        InterestDialog: lambda row: leads.get(office, row.id).interests == ("10 Mbps Home",),
        FollowUpDialog: lambda row: row.next_follow_up is not None,
    }
    assert all(checks[make](row) for row in rows)


async def test_an_agent_may_not_change_many(office: Office) -> None:
    admin.add_user(office, {"login": "wanjiku", "name": "Wanjiku", "role": "agent"})
    ids = tuple(add_lead(office, f"Lead {n}", f"0722{n:06}", assigned_to="wanjiku") for n in range(2))
    async with opened(acting_as(office, "wanjiku"), lambda: StatusDialog(ids)) as run:
        await run.press("3")
        assert "Nothing can be done." in run.text
        assert run.app.screen.query_one("#do", Button).disabled
        await run.press("escape")
        assert isinstance(run.app.screen, StatusDialog)
    assert statuses(office, ids) == ["New", "New"]


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_hostile_names_in_the_preview(office: Office, size: tuple[int, int]) -> None:
    ids = (add_lead(office, NASTY), add_lead(office, "Other", "0733000111"))
    async with opened(office, lambda: BulkScreen(ids, None, {"status": "Contacted"}, "moved"), size=size) as run:
        assert "[b]x[/]" in run.text and "\x1b" not in run.text
        assert "Do it" in run.text
