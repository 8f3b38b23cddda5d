"""Users and roles on screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import DataTable

from leadtui.screens.confirm import Confirm
from leadtui.screens.record_form import RecordForm
from leadtui.screens.role_matrix import RoleMatrix
from leadtui.screens.users import UsersScreen
from leadtui.services import admin
from leadtui.services.office import Office
from leadtui.widgets.form import Form
from tests.screens.dialog_help import NASTY, acting_as, new_office, opened


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = new_office(tmp_path)
    admin.add_user(made, {"login": "wanjiku", "name": "Wanjiku Mwangi", "role": "agent"})
    return made


async def test_the_users_are_listed(office: Office) -> None:
    async with opened(office, UsersScreen) as run:
        assert "Wanjiku Mwangi" in run.text and "agent" in run.text and "principal" in run.text
        assert "system" not in run.text


async def test_a_user_is_added_by_keyboard(office: Office) -> None:
    async with opened(office, UsersScreen) as run:
        await run.press("n")
        await run.write("otieno")
        await run.press("tab")
        await run.write("Kevin Otieno")
        await run.press("tab", "enter", "down", "enter", "ctrl+s")
        assert isinstance(run.app.screen, UsersScreen), run.text
        assert "User otieno added" in run.text and "Kevin Otieno" in run.text
        await run.press("y")
        assert "Copied: otieno" in run.text, "the cursor is on what was just added"
    assert any(user["login"] == "otieno" for user in admin.users(office))


async def test_bad_input_is_said_beside_its_field_and_nothing_is_lost(office: Office) -> None:
    async with opened(office, UsersScreen) as run:
        await run.press("n")
        await run.press("ctrl+s")
        assert "Login is missing" in run.text
        await run.write("wanjiku")
        form = run.app.screen.query_one(Form)
        form.set_values({"name": "Another", "role": "agent"})
        await run.press("ctrl+s")
        assert "there is a user 'wanjiku' already" in run.text
        assert form.value("name") == "Another"
        await run.press("escape")
        assert isinstance(run.app.screen, Confirm)
        await run.press("y")
        assert isinstance(run.app.screen, UsersScreen)


async def test_a_user_is_changed(office: Office) -> None:
    async with opened(office, UsersScreen) as run:
        await run.press("G", "e")
        assert isinstance(run.app.screen, RecordForm)
        form = run.app.screen.query_one(Form)
        form.set_values({"phone": "0722 000 111"})
        await run.press("ctrl+s")
        assert "User wanjiku changed" in run.text
    assert next(user for user in admin.users(office) if user["login"] == "wanjiku")["phone"] == "+254722000111"


async def test_disable_asks_and_enable_does_not(office: Office) -> None:
    async with opened(office, UsersScreen) as run:
        await run.press("G", "d")
        assert "can no longer open the program" in run.text
        await run.press("y")
        assert "User wanjiku disabled" in run.text and "disabled" in run.text
        await run.press("G", "d")
        assert "User wanjiku enabled" in run.text


async def test_nobody_disables_himself(office: Office) -> None:
    async with opened(office, UsersScreen) as run:
        await run.press("g", "d", "y")
        assert "you cannot disable yourself" in run.toasts


async def test_an_agent_sees_colleagues_and_changes_nothing(office: Office) -> None:
    async with opened(acting_as(office, "wanjiku"), UsersScreen) as run:
        assert "Wanjiku Mwangi" in run.text
        await run.press("n")
        assert isinstance(run.app.screen, UsersScreen)
        assert "your role may not" in run.toasts.lower()
        await run.press("e", "d")
        assert isinstance(run.app.screen, UsersScreen)


async def test_a_cell_of_the_matrix_is_changed_by_a_letter(office: Office) -> None:
    async with opened(office, RoleMatrix) as run:
        assert "princ" in run.text and "convert" in run.text
        table = run.app.screen.query_one(DataTable)
        keys = [role["key"] for role in admin.roles(office)]
        table.move_cursor(row=5, column=keys.index("agent") + 1)
        await run.settle()
        assert "assign leads: no" in run.text
        await run.press("o")
        assert "agent: assign none → own" in run.text
    assert admin.role(office, "agent")["permissions"]["assign"] == "own"


async def test_the_principal_keeps_its_rights(office: Office) -> None:
    async with opened(office, RoleMatrix) as run:
        await run.press("n")
        assert "cannot be taken away" in run.toasts
    assert admin.role(office, "principal")["permissions"]["read"] == "all"


async def test_an_agent_may_look_at_the_matrix_only(office: Office) -> None:
    async with opened(acting_as(office, "wanjiku"), RoleMatrix) as run:
        await run.press("right", "n")
        assert "Your role may not change this" in run.toasts
    assert admin.role(office, "director")["permissions"]["read"] == "all"


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_hostile_names(office: Office, size: tuple[int, int]) -> None:
    admin.add_user(office, {"login": "nasty", "name": NASTY, "role": "agent"})
    async with opened(office, UsersScreen, size=size) as run:
        assert "[b]x[/]" in run.text and "\x1b" not in run.text
        await run.press("o")
        assert "What each role may do" in run.text
        await run.press("escape")
        assert isinstance(run.app.screen, UsersScreen)
