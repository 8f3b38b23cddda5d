"""The dialogs on one lead: keys, bad input, refusals, what is written and what is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, TextArea

from leadtui.screens.act_dialog import ActDialog
from leadtui.screens.assign_dialog import AssignDialog
from leadtui.screens.attach_dialog import AttachDialog, file_size, matching_paths
from leadtui.screens.confirm import Confirm
from leadtui.screens.delete_dialog import DeleteDialog
from leadtui.screens.follow_up_dialog import FollowUpDialog
from leadtui.screens.interest_dialog import InterestDialog
from leadtui.screens.log_dialog import LogDialog
from leadtui.screens.lose_dialog import LoseDialog
from leadtui.screens.protect_dialog import ProtectDialog
from leadtui.screens.reopen_dialog import ReopenDialog
from leadtui.screens.status_dialog import StatusDialog
from leadtui.screens.tag_dialog import TagDialog
from leadtui.services import admin, leads, lifecycle
from leadtui.services.office import Office
from leadtui.widgets.choice_row import ChoiceRow
from leadtui.widgets.keyed_list import KeyedList
from leadtui.widgets.when_input import WhenInput
from tests.screens.dialog_help import NASTY, acting_as, add_lead, new_office, opened


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return new_office(tmp_path)


@pytest.fixture
def lead(office: Office) -> int:
    return add_lead(office)


# Status


async def test_a_number_key_moves_the_lead(office: Office, lead: int) -> None:
    async with opened(office, lambda: StatusDialog((lead,))) as run:
        assert "1 ○ New  is now" in run.text
        await run.press("3")
        assert run.answer.ids == (lead,)
        assert "Achieng Odhiambo moved to Interested · u takes it back" in run.text
        assert frozenset({lead}) in run.home.told
    assert leads.get(office, lead).row.status == "Interested"


async def test_a_lost_status_waits_for_its_reason(office: Office, lead: int) -> None:
    async with opened(office, lambda: StatusDialog((lead,))) as run:
        await run.press("6")
        assert not run.answers and "Why was it lost?" in run.text
        await run.press("enter")
        assert not run.answers
        await run.write("too expensive")
        await run.press("enter")
        assert run.answer.ids == (lead,)
    detail = leads.get(office, lead)
    assert detail.row.is_lost and detail.fields["lost_reason"] == "too expensive"


async def test_a_step_back_asks_where_the_pipeline_does(tmp_path: Path) -> None:
    office = new_office(tmp_path, "real-estate")
    lead = leads.create(office, {"name": "Ann", "phone": "0722000111"}).lead.id
    lifecycle.set_status(office, lead, "Appointment Set")
    async with opened(office, lambda: StatusDialog((lead,))) as run:
        await run.press("1")
        assert not run.answers and "This is a step back. Why?" in run.text
        await run.write("wrong lead")
        await run.press("ctrl+s")
        assert run.answer.ids == (lead,)
    assert leads.get(office, lead).status_history[-1].reason == "wrong lead"


async def test_the_current_status_cannot_be_chosen(office: Office, lead: int) -> None:
    async with opened(office, lambda: StatusDialog((lead,))) as run:
        await run.press("1")
        assert not run.answers
        assert isinstance(run.app.screen, StatusDialog)


async def test_converted_opens_the_wizard(office: Office, lead: int) -> None:
    async with opened(office, lambda: StatusDialog((lead,))) as run:
        await run.press("5")
        assert run.answer is None
        assert type(run.app.screen).__name__ == "ConvertWizard"


async def test_a_change_meanwhile_is_shown_and_the_second_press_goes_through(office: Office, lead: int) -> None:
    async with opened(office, lambda: StatusDialog((lead,))) as run:
        lifecycle.set_status(office, lead, "Contacted")
        await run.press("3")
        assert not run.answers and "Somebody changed this lead" in run.text
        assert "2 ○ Contacted  is now" in run.text
        await run.press("3")
        assert run.answer.ids == (lead,)
    assert leads.get(office, lead).row.status == "Interested"


# Log


async def test_a_quick_answer_and_enter_log_a_call(office: Office) -> None:
    lead = add_lead(office, follow_up="-2d")
    async with opened(office, lambda: LogDialog((lead,))) as run:
        assert "done: 2d late" in run.text
        await run.press("1", "enter")
        assert run.answer.ids == (lead,)
        assert "Achieng Odhiambo logged: call" in run.text
    detail = leads.get(office, lead)
    logged = next(one for one in detail.activities if one.type == "call")
    assert (logged.outcome, logged.subject) == ("no_answer", "No answer")
    assert len(detail.follow_ups) == 1 and not detail.row.next_follow_up_all_day, "the old one is closed, one is set"


async def test_type_outcome_and_text_by_keys(office: Office, lead: int) -> None:
    async with opened(office, lambda: LogDialog((lead,))) as run:
        await run.press("tab", "v")
        assert run.app.screen.query_one("#type", ChoiceRow).value == "site_visit"
        await run.press("minus")
        assert run.app.screen.query_one("#outcome", ChoiceRow).value == "negative"
        await run.write("Roof")
        await run.press("tab")
        await run.write("no line of sight")
        await run.press("ctrl+s")
        assert run.answer.batch is not None
    logged = leads.get(office, lead).activities[0]
    assert (logged.type, logged.subject, logged.details, logged.outcome) == (
        "site_visit", "Roof", "no line of sight", "negative",
    )  # fmt: skip


async def test_a_bad_date_is_said_and_nothing_is_lost(office: Office, lead: int) -> None:
    async with opened(office, lambda: LogDialog((lead,))) as run:
        screen = run.app.screen
        screen.query_one("#details", TextArea).text = "long story"
        screen.query_one(WhenInput).value = "someday"
        await run.press("ctrl+s")
        assert not run.answers and "is not a date" in run.text
        assert screen.query_one("#details", TextArea).text == "long story"
        screen.query_one(WhenInput).value = "fri"
        await run.settle()
        assert "= Fri 27 Nov 2026" in run.text
        await run.press("ctrl+s")
        assert run.answer.ids == (lead,)


async def test_a_next_step_wants_its_day(office: Office, lead: int) -> None:
    async with opened(office, lambda: LogDialog((lead,))) as run:
        await run.press("3", "ctrl+s")
        assert not run.answers and "When is that to be done?" in run.text
        await run.write("+3d")
        await run.press("ctrl+s")
        assert run.answer.ids == (lead,)
        assert "next +3d" in run.text


async def test_leaving_what_was_typed_asks_once(office: Office, lead: int) -> None:
    async with opened(office, lambda: LogDialog((lead,))) as run:
        await run.press("2", "escape")
        assert isinstance(run.app.screen, Confirm)
        await run.press("y")
        assert run.answer is None
    assert not [one for one in leads.get(office, lead).activities if one.type == "call"]


# Assign


async def test_assign_by_typing_a_part_of_a_name(office: Office, lead: int) -> None:
    admin.add_user(office, {"login": "wanjiku", "name": "Wanjiku Mwangi", "role": "agent"})
    add_lead(office, "Other", "0733000111", assigned_to="wanjiku")
    async with opened(office, lambda: AssignDialog((lead,))) as run:
        assert "Wanjiku Mwangi  wanjiku · 1 open lead" in run.text
        await run.write("mwan")
        await run.press("enter")
        assert "assigned to wanjiku" in run.text and run.answer.ids == (lead,)
    assert leads.get(office, lead).row.assigned_to == "wanjiku"


async def test_assign_to_nobody_and_automatically(office: Office) -> None:
    lead = add_lead(office, assigned_to="root")
    async with opened(office, lambda: AssignDialog((lead,))) as run:
        assert "has it now" in run.text
        await run.write("nobody")
        await run.press("enter")
        assert run.answer is not None
    assert leads.get(office, lead).row.assigned_to is None
    async with opened(office, lambda: AssignDialog((lead,))) as run:
        await run.write("auto")
        await run.press("enter")
        assert "assigned to root" in run.text
    assert leads.get(office, lead).row.assigned_to == "root"


async def test_a_name_of_nobody_is_refused(office: Office, lead: int) -> None:
    async with opened(office, lambda: AssignDialog((lead,))) as run:
        await run.write("zzz")
        await run.press("enter")
        assert not run.answers and "There is no such user" in run.text


# Lose, reopen, delete, protect


async def test_lose_wants_a_reason_and_reopen_too(office: Office, lead: int) -> None:
    async with opened(office, lambda: LoseDialog((lead,))) as run:
        await run.press("ctrl+s")
        assert not run.answers and "A reason is required" in run.text
        run.app.screen.query_one("#reason", Input).value = "moved away"
        await run.press("ctrl+s")
        assert "marked as lost" in run.text
    assert leads.get(office, lead).row.is_lost
    async with opened(office, lambda: ReopenDialog((lead,))) as run:
        await run.press("ctrl+s")
        assert not run.answers and "A reason is required" in run.text
        await run.write("is back")
        await run.press("enter")
        assert "opened again" in run.text
    assert leads.get(office, lead).row.status == "New"


async def test_a_counted_reason_takes_one_key(office: Office, lead: int) -> None:
    admin.add(office, "lost_reason", {"name": "Landlord refuses"})
    async with opened(office, lambda: LoseDialog((lead,))) as run:
        keys = {entry.value: entry.key for entry in run.app.screen.query_one("#counted", KeyedList).entries}
        await run.press(keys["Landlord refuses"])
        assert run.answer.ids == (lead,)
    assert leads.get(office, lead).fields["lost_reason"] == "Landlord refuses"


async def test_delete_says_what_happens_and_a_protected_lead_is_refused(office: Office, lead: int) -> None:
    async with opened(office, lambda: DeleteDialog((lead,))) as run:
        assert "brings it back" in run.text
        await run.write("asked for it")
        await run.press("enter")
        assert "Achieng Odhiambo deleted · u takes it back" in run.text
    assert leads.count(office) == 0
    lifecycle.restore(office, lead)
    lifecycle.protect(office, lead, "court case")
    async with opened(office, lambda: DeleteDialog((lead,))) as run:
        assert "This lead is protected: court case" in run.text
        assert run.app.screen.query_one("#do", Button).disabled
        await run.press("ctrl+s")
        assert not run.answers and "cannot be deleted" in run.text


async def test_protect_and_lift(office: Office, lead: int) -> None:
    async with opened(office, lambda: ProtectDialog((lead,))) as run:
        await run.press("ctrl+s")
        assert "A reason is required" in run.text
        await run.write("court case")
        await run.press("enter")
        assert run.answer.ids == (lead,)
    assert leads.get(office, lead).row.is_protected
    async with opened(office, lambda: ProtectDialog((lead,))) as run:
        await run.press("enter")
        assert "no longer protected" in run.text
    assert not leads.get(office, lead).row.is_protected


# Tags, interest, follow-up, files


async def test_tags_are_ticked_and_a_new_one_is_typed(office: Office) -> None:
    lead = add_lead(office, tags="vip")
    async with opened(office, lambda: TagDialog((lead,))) as run:
        assert "[x] vip" in run.text
        await run.press("enter")
        assert "[ ] vip" in run.text
        await run.write("north")
        await run.press("enter", "ctrl+s")
        assert run.answer.batch is not None
    assert leads.get(office, lead).row.tags == ("north",)


async def test_ticks_not_saved_are_asked_about(office: Office) -> None:
    lead = add_lead(office, tags="vip")
    async with opened(office, lambda: TagDialog((lead,))) as run:
        await run.press("enter", "escape")
        assert isinstance(run.app.screen, Confirm)


async def test_interest_shows_prices_and_is_ticked(office: Office, lead: int) -> None:
    async with opened(office, lambda: InterestDialog((lead,))) as run:
        assert "[ ] 50 Mbps Home  package · 3,499.00" in run.text
        await run.write("50")
        await run.press("enter", "ctrl+s")
        assert run.answer.ids == (lead,)
    assert leads.get(office, lead).interests == ("50 Mbps Home",)


async def test_a_follow_up_by_one_key_and_by_words(office: Office, lead: int) -> None:
    async with opened(office, lambda: FollowUpDialog((lead,))) as run:
        assert "No follow-up is set." in run.text
        await run.press("1")
        assert "= Sat 21 Nov 2026" in run.text
        await run.write("ask the landlord")
        await run.press("enter")
        assert "set for tomorrow" in run.text
    assert leads.get(office, lead).follow_ups[0].subject == "ask the landlord"
    async with opened(office, lambda: FollowUpDialog((lead,))) as run:
        assert "Now: tomorrow · ask the landlord" in run.text
        await run.press("ctrl+s")
        assert not run.answers and "When?" in run.text
        await run.write("not a day")
        await run.press("ctrl+s")
        assert not run.answers and "is not a date" in run.text


async def test_a_file_is_found_by_completion_and_kept(office: Office, lead: int, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "id card [b].pdf").write_bytes(b"%PDF-1.4")
    (folder / "other.txt").write_text("x")
    async with opened(office, lambda: AttachDialog((lead,))) as run:
        run.app.screen.query_one("#path", Input).value = f"{folder}/id"
        await run.settle()
        assert "id card [b].pdf" in run.text and "other.txt" not in run.text
        await run.press("enter")
        assert run.app.screen.query_one("#path", Input).value == f"{folder}/id card [b].pdf"
        await run.write("id")
        await run.press("enter")
        assert run.answer.ids == (lead,)
    assert [one.name for one in leads.get(office, lead).documents] == ["id"]


async def test_a_file_that_is_not_there(office: Office, lead: int, tmp_path: Path) -> None:
    async with opened(office, lambda: AttachDialog((lead,))) as run:
        run.app.screen.query_one("#path", Input).value = str(tmp_path / "nothing.pdf")
        await run.settle()
        await run.press("ctrl+s")
        assert not run.answers and "there is no file" in run.text


def test_paths_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "Docs").mkdir()
    (tmp_path / "data.csv").write_bytes(b"x" * 2048)
    (tmp_path / ".hidden").write_text("")
    assert matching_paths(f"{tmp_path}/d") == [(f"{tmp_path}/data.csv", "2.0 KB"), (f"{tmp_path}/Docs/", "")]
    assert all(".hidden" not in path for path, _ in matching_paths(f"{tmp_path}/"))
    assert matching_paths(f"{tmp_path}/.h") == [(f"{tmp_path}/.hidden", "0 B")]
    assert matching_paths("/no/such/folder/x") == []
    assert [file_size(size) for size in (9, 15_000, 25_000_000)] == ["9 B", "15 KB", "25 MB"]


# All of them

EVERY: list[Callable[..., ActDialog]] = [
    StatusDialog, LogDialog, AssignDialog, LoseDialog, ReopenDialog, TagDialog, InterestDialog, AttachDialog,
    DeleteDialog, ProtectDialog, FollowUpDialog,
]  # fmt: skip


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=str)
async def test_every_dialog_shows_a_hostile_name_as_text_and_closes(
    office: Office, make: Callable[..., ActDialog], size: tuple[int, int]
) -> None:
    lead = add_lead(office, NASTY, tags=NASTY[:40].replace(",", ""))
    async with opened(office, lambda: make((lead,)), size=size) as run:
        assert "[b]x[/]" in run.text and "\x1b" not in run.text
        await run.press("escape")
        assert run.answer is None


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
async def test_a_lead_that_is_gone_closes_the_dialog(office: Office, make: Callable[..., ActDialog]) -> None:
    async with opened(office, lambda: make((999,))) as run:
        assert run.answer is None


@pytest.mark.parametrize(
    ("make", "keys"),
    [(AssignDialog, ("a", "enter")), (DeleteDialog, ("ctrl+s",)), (ProtectDialog, ("x", "ctrl+s"))],
    ids=["assign", "delete", "protect"],
)
async def test_a_refusal_by_role_is_said_in_the_dialog(
    office: Office, make: Callable[..., Any], keys: tuple[str, ...]
) -> None:
    admin.add_user(office, {"login": "wanjiku", "name": "Wanjiku", "role": "agent"})
    lead = add_lead(office, assigned_to="wanjiku")
    before = leads.get(office, lead).row
    async with opened(acting_as(office, "wanjiku"), lambda: make((lead,))) as run:
        await run.press(*keys)
        assert not run.answers or run.answer is None
        assert "may not" in run.text + run.toasts
    assert leads.get(office, lead).row == before


async def test_a_quick_answer_offers_the_status_it_means(office: Office, lead: int) -> None:
    async with opened(office, lambda: LogDialog((lead,))) as run:
        assert "move to Interested" not in run.text
        await run.press("2")
        assert "›m move to Interested" in run.text
        await run.press("enter")
        assert run.answer.batch is not None
    detail = leads.get(office, lead)
    assert detail.row.status == "Interested"
    assert any(one.subject == "Answered, interested" for one in detail.activities)
    async with opened(office, lambda: LogDialog((lead,))) as run:
        await run.press("3")
        assert "move to" not in run.text, "a quick answer never moves a lead back"
