"""Open activities settled from the screens, quick answers as data, smart times, and the tab where outcomes are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from leadtui.screens.activity_dialog import ActivityDialog
from leadtui.screens.follow_up_dialog import FollowUpDialog
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.lead_form import LeadForm
from leadtui.screens.log_dialog import LogDialog
from leadtui.screens.office import OfficeScreen
from leadtui.screens.users import UsersScreen
from leadtui.services import activities, admin, leads
from leadtui.services.office import Office
from leadtui.widgets.form import Form
from leadtui.widgets.when_input import WhenInput
from tests.screens.dialog_help import NASTY, acting_as, add_lead, new_office, opened
from tests.screens.test_office import go_to

WIDE = (120, 40)
"""The size at which only the picture is looked at."""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return new_office(tmp_path)


@pytest.fixture
def lead(office: Office) -> int:
    lead_id = add_lead(office)
    activities.add_follow_up(office, lead_id, "2026-11-18 10:00", subject="ask about the landlord")
    return lead_id


def planned(office: Office, lead_id: int) -> Any:
    return leads.get(office, lead_id).follow_ups[0]


def dialog(office: Office, lead_id: int) -> ActivityDialog:
    return ActivityDialog(planned(office, lead_id), office.catalog)


async def test_a_follow_up_is_done_with_what_came_of_it(
    office: Office, lead: int, size: tuple[int, int], snapshot: Any
) -> None:
    async with opened(office, lambda: dialog(office, lead), size=size) as run:
        assert "ask about the landlord" in run.text and "2d late" in run.text
        snapshot(run.app, f"activity_{size[0]}x{size[1]}")
        if size == WIDE:
            return
        await run.press("plus", "tab")
        await run.write("he agrees")
        await run.press("enter")
        assert run.answer is True
        assert "ask about the landlord: done · u takes it back" in run.text
        assert run.home.told == [frozenset({lead})]
    done = next(one for one in leads.get(office, lead).activities if one.type == "follow_up")
    assert (done.outcome, done.outcome_note, done.completed_at is not None) == ("positive", "he agrees", True)


async def test_it_is_moved_by_a_time_or_by_rule(office: Office, lead: int) -> None:
    async with opened(office, lambda: dialog(office, lead)) as run:
        await run.pilot.click("#reschedule")
        await run.settle()
        assert not run.answers and "When?" in run.text
        await run.write("someday")
        await run.press("enter")
        assert not run.answers and "is not a date" in run.text
        run.app.screen.query_one(WhenInput).value = "smart"
        await run.settle()
        assert "= by rule, in working" in run.text
        await run.press("ctrl+s")
        assert run.answer is True and "moved to smart" in run.text
    assert f"{planned(office, lead).scheduled_at:%d %H:%M}" == "21 08:30"  # 24 h on, 11:30 in Nairobi


async def test_it_is_called_off_and_who_comes_second_is_told(office: Office, lead: int) -> None:
    screen = dialog(office, lead)
    async with opened(office, lambda: dialog(office, lead)) as run:
        await run.press("tab")
        await run.write("moved away")
        await run.pilot.click("#cancel")
        await run.settle()
        assert run.answer is True and "called off" in run.text
    assert leads.get(office, lead).activities[0].outcome_note == "moved away"
    async with opened(office, lambda: screen) as run:
        await run.press("ctrl+s")
        assert run.answer is None
        assert "this activity is called off already" in run.toasts


async def test_a_lead_that_is_seen_but_not_logged_shows_its_plan_only(office: Office, lead: int) -> None:
    admin.add_user(office, {"login": "cora", "name": "Cora", "role": "collections"})
    activities.add_follow_up(office, lead, "2026-11-17", subject=NASTY)
    for login, settles in (("cora", False), ("root", True)):
        async with opened(acting_as(office, login), lambda: LeadDetailScreen(lead)) as run:
            await run.press("enter")
            assert isinstance(run.app.screen, ActivityDialog) == settles
            assert "[b]x[/]" in run.text and "\x1b" not in run.text


async def test_quick_answers_are_those_of_the_pipeline(
    office: Office, lead: int, size: tuple[int, int], snapshot: Any
) -> None:
    admin.edit(office, "quick_log", "Interested", {"name": "Wants it", "next_action": "send the offer"})
    admin.add(office, "quick_log", {"name": "Left a note", "type": "note", "delay": "2h"})
    async with opened(office, lambda: LogDialog((lead,)), size=size) as run:
        assert "2 Wants it" in run.text and "7 Left a note" in run.text
        await run.press("2")
        screen = run.app.screen
        assert screen.query_one("#next_action", Input).value == "send the offer"
        assert screen.query_one(WhenInput).value == "2026-11-21 11:30"  # in a day, within working hours
        snapshot(run.app, f"log_quick_{size[0]}x{size[1]}")
    if size == WIDE:
        return
    async with opened(office, lambda: LogDialog((lead,)), size=size) as run:
        await run.press("7", "enter")
        assert run.answer.batch is not None and "next 2026-11-20 13:30" in run.text


async def test_a_quick_answer_that_loses_the_lead_asks_why(office: Office, lead: int) -> None:
    activities.add_follow_up(office, lead, "+9d", subject="far away")
    async with opened(office, lambda: LogDialog((lead,))) as run:
        await run.press("4", "ctrl+s")
        assert not run.answers and "Why was it lost?" in run.text
        run.app.screen.query_one("#details", TextArea).text = "too dear"
        await run.press("ctrl+s")
        assert run.answer.batch is not None
    detail = leads.get(office, lead)
    assert (detail.row.status, detail.follow_ups, detail.fields["lost_reason"]) == ("Not Interested", (), "too dear")


async def test_the_next_contact_by_rule(office: Office, lead: int) -> None:
    leads.edit(office, lead, {"preferred_hour": "16"})
    async with opened(office, lambda: FollowUpDialog((lead,))) as run:
        await run.press("5")
        assert "= Mon 23 Nov 2026 16:00" in run.text  # on Saturdays work ends at one
        await run.press("ctrl+s")
        assert "set by rule" in run.text
    assert [f"{one.scheduled_at:%d %H}" for one in leads.get(office, lead).follow_ups] == ["18 07", "23 13"]


async def test_outcomes_are_kept_on_the_office_screen(office: Office, size: tuple[int, int], snapshot: Any) -> None:
    async with opened(office, OfficeScreen, size=size) as run:
        await go_to(run, "quick_log")
        snapshot(run.app, f"quick_logs_{size[0]}x{size[1]}")
        if size == WIDE:
            return
        await run.press("n")
        form = run.app.screen.query_one(Form)
        assert form.values()["pipeline"] == "isp"
        form.set_values({"name": "Busy", "outcome": "no_answer", "delay": "soon"})
        await run.press("ctrl+s")
        assert form.errors.get("delay")
        form.set_values({"delay": "1h", "status": "Contacted"})
        await run.press("ctrl+s")
        assert "Quick log Busy added" in run.text
        await run.press("G", "e")
        run.app.screen.query_one(Form).set_values({"delay": "", "context": "offer_response"})
        await run.press("ctrl+s")
        assert "Quick log Busy changed" in run.text
        await run.press("G", "d")
        assert "retired" in run.text
    busy = admin.items(office, "quick_log")[-1]
    assert (busy["name"], busy["context"], busy["status"], busy["is_active"]) == (
        "Busy", "offer_response", "Contacted", False,
    )  # fmt: skip


async def test_a_setting_that_may_be_empty_is_emptied(office: Office) -> None:
    admin.set_setting(office, "holidays", "12-25")
    async with opened(office, OfficeScreen) as run:
        await go_to(run, "setting")
        screen = run.app.screen
        assert isinstance(screen, OfficeScreen)
        screen.table.aim("holidays")
        screen._load()
        await run.settle()
        await run.press("e")
        run.app.screen.query_one(Form).set_values({"holidays": ""})
        await run.press("ctrl+s")
        assert "Setting changed" in run.text
    assert admin.settings(office)["holidays"] == ""


async def test_a_users_zone_and_hours_and_a_leads_best_hour(office: Office, lead: int) -> None:
    async with opened(office, UsersScreen) as run:
        await run.press("e")
        form = run.app.screen.query_one(Form)
        form.set_values({"timezone": "Mars", "working_hours": "mon-fri 9:00-17:00"})
        await run.press("ctrl+s")
        assert form.errors.get("timezone")
        form.set_values({"timezone": "America/New_York"})
        await run.press("ctrl+s")
        assert "User root changed" in run.text
    user = office.catalog.find_user("root")
    assert admin.users(office)[0]["working_hours"] == "mon-fri 09:00-17:00"
    assert str(office.catalog.zone_of(user.id)) == "America/New_York"
    async with opened(office, lambda: LeadForm(lead)) as run:
        form = run.app.screen.query_one(Form)
        form.set_values({"preferred_hour": "24"})
        await run.press("ctrl+s")
        assert form.errors.get("preferred_hour")
        form.set_values({"preferred_hour": "9"})
        await run.press("ctrl+s")
    assert leads.get(office, lead).fields["preferred_hour"] == 9
