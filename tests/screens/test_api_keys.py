"""Keys of other programs and website forms on screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtui.screens.api_keys import KeyShown, KeysScreen, WebFormsScreen
from leadtui.screens.users import UsersScreen
from leadtui.services import admin, api_tokens, forms
from leadtui.services.office import Office
from leadtui.widgets.form import Form
from tests.screens.dialog_help import NASTY, acting_as, new_office, opened


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = new_office(tmp_path)
    admin.add_user(made, {"login": "wanjiku", "name": "Wanjiku Mwangi", "role": "agent"})
    return made


async def test_a_key_is_made_for_the_user_under_the_cursor_and_seen_once(office: Office) -> None:
    async with opened(office, UsersScreen) as run:
        await run.press("end", "K")
        assert isinstance(run.app.screen, KeysScreen)
        assert "No keys" in run.text
        await run.press("n")
        form = run.app.screen.query_one(Form)
        assert form.value("login") == "wanjiku"
        form.set_values({"name": "website", "expires": "+90d"})
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, KeyShown)
        (row,) = api_tokens.list_all(office)
        token = run.app.screen.copy_text()
        assert token in run.text
        assert token.startswith(row.prefix)
        await run.press("y")
        assert run.app.clipboard == token
        assert token not in run.toasts
        await run.press("escape")
        assert "website" in run.text and "wanjiku" in run.text and "1 active" in run.text
        assert token not in run.text
        assert api_tokens.enter(office, token).actor.login == "wanjiku"

        await run.press("d", "n")
        assert api_tokens.list_all(office)[0].state == "active"
        await run.press("d", "y")
        assert api_tokens.list_all(office)[0].state == "revoked"
        assert "0 active" in run.text and "revoked" in run.text


async def test_what_is_wrong_is_said_beside_its_field(office: Office) -> None:
    api_tokens.create(office, office.actor.login, name=NASTY)
    async with opened(office, KeysScreen) as run:
        assert "[b]x[/]" in run.text
        await run.press("n")
        run.app.screen.query_one(Form).set_values({"expires": "yesterday"})
        await run.press("ctrl+s")
        assert "this moment has passed" in run.text
        await run.press("escape", "y")
        assert isinstance(run.app.screen, KeysScreen)


async def test_an_agent_sees_and_makes_only_keys_of_his_own(office: Office) -> None:
    api_tokens.create(office, office.actor.login)
    async with opened(acting_as(office, "wanjiku"), KeysScreen) as run:
        assert "No keys" in run.text
        await run.press("n")
        form = run.app.screen.query_one(Form)
        assert form.value("login") == "wanjiku"
        await run.press("ctrl+s", "escape")
        assert "1 active" in run.text
        await run.press("w")
        assert isinstance(run.app.screen, KeysScreen), "the forms are the office's to configure"


async def test_website_forms_are_made_and_removed(office: Office) -> None:
    async with opened(office, WebFormsScreen) as run:
        await run.press("n")
        form = run.app.screen.query_one(Form)
        form.set_values({"name": "Landing page", "redirect": "javascript:x"})
        await run.press("ctrl+s")
        assert "a web address is expected" in run.text
        form.set_values({"redirect": "https://isp.example/thanks"})
        await run.press("ctrl+s")
        (made,) = forms.list_all(office)
        assert made.path in run.text
        await run.press("y")
        assert run.app.clipboard == made.path
        await run.press("d", "y")
        assert forms.list_all(office) == ()
        assert "No forms" in run.text


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_small_terminals(office: Office, size: tuple[int, int]) -> None:
    api_tokens.create(office, "wanjiku", name="website", expires="2027-12-31")
    async with opened(office, KeysScreen, size=size) as run:
        assert "lt_" in run.text and "active" in run.text
