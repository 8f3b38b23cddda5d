"""The first start: a database from nothing, or the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button

from leadtui.config import Settings
from leadtui.screens.first_run import FirstRunScreen
from leadtui.screens.first_run_places import Place, guess, lists, place_of
from leadtui.screens.leads import LeadsScreen
from leadtui.widgets.form import Form
from tests.screens.conftest import Run
from tests.screens.pictures import at_rest, dump, press


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does not say where it is."""
    from leadtui.screens import first_run

    monkeypatch.setattr(first_run, "guess", Place)
    monkeypatch.setattr("leadtui.services.office.os_account", lambda: "wanjiku")


def there(tmp_path: Path) -> Settings:
    return Settings(db=str(tmp_path / "new.db"))


async def test_what_is_asked(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: Any) -> None:
    monkeypatch.chdir(tmp_path)
    async with run(None, settings=Settings(db="new.db"), first_run=True) as pilot:
        assert isinstance(pilot.app.screen, FirstRunScreen)
        snapshot(pilot.app, "first_run_80x24")
        screen = dump(pilot.app)
        assert "Kenya (KE)" in screen
        assert "Africa/Nairobi" in screen
        assert "wanjiku" in screen
        await press(pilot, "3")
        assert "United States (US)" in dump(pilot.app)
        assert "Start with Real estate" in dump(pilot.app)


async def test_a_database_in_two_keys(run: Run, tmp_path: Path) -> None:
    async with run(None, settings=there(tmp_path), first_run=True) as pilot:
        await press(pilot, "1", "enter")
        await at_rest(pilot)
        assert isinstance(pilot.app.screen, LeadsScreen)
        assert "No leads yet; n adds the first" in dump(pilot.app)
        assert pilot.app.office.country == "KE"
        assert pilot.app.office.actor.login == "wanjiku"
        pilot.app.office.close()


async def test_a_country_brings_currency_and_zone(run: Run, tmp_path: Path) -> None:
    async with run(None, settings=there(tmp_path), first_run=True) as pilot:
        await press(pilot, "1", "shift+tab", "shift+tab", "shift+tab", "shift+tab", "enter", "text:ugan", "enter")
        values = pilot.app.screen.query_one(Form).values()
        assert (values["country"], values["currency"], values["timezone"]) == ("UG", "UGX", "Africa/Kampala")
        await press(pilot, "ctrl+s")
        await at_rest(pilot)
        assert pilot.app.office.currency == "UGX"
        pilot.app.office.close()


async def test_a_bad_login_is_told_at_its_field_and_nothing_is_made(run: Run, tmp_path: Path) -> None:
    async with run(None, settings=there(tmp_path), first_run=True) as pilot:
        pilot.app.screen.query_one(Form).set_values({"admin": "no way!"})
        await press(pilot, "ctrl+s")
        await at_rest(pilot)
        assert isinstance(pilot.app.screen, FirstRunScreen)
        assert "cannot be a login" in dump(pilot.app)
        pilot.app.screen.query_one(Form).set_values({"admin": ""})
        await press(pilot, "ctrl+s")
        assert "missing" in dump(pilot.app)
        assert not (tmp_path / "new.db").exists()


async def test_a_place_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    settings = Settings(db=str(tmp_path / "file" / "sub" / "new.db"))
    async with run(None, settings=settings, first_run=True) as pilot:
        await press(pilot, "1", "enter")
        await at_rest(pilot)
        assert isinstance(pilot.app.screen, FirstRunScreen)
        assert pilot.app.screen.query_one("#said").display
        assert not pilot.app.screen._busy


async def test_leaving_leaves(run: Run, tmp_path: Path) -> None:
    async with run(None, settings=there(tmp_path), first_run=True) as pilot:
        await press(pilot, "escape")
        assert pilot.app.return_code == 0
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("tiny", [(60, 20), (40, 12)])
async def test_small_terminals(run: Run, tmp_path: Path, tiny: tuple[int, int]) -> None:
    async with run(None, tiny, settings=there(tmp_path), first_run=True) as pilot:
        await press(pilot, "2")
        pilot.app.screen.query_one("#start", Button).scroll_visible(animate=False)
        await at_rest(pilot)
        assert "Start with Insurance" in dump(pilot.app)


async def test_the_demo_opens(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with run(None, settings=there(tmp_path), first_run=True) as pilot:
        await press(pilot, "6")
        assert "Open the demo" in dump(pilot.app)
        await press(pilot, "enter")
        await at_rest(pilot, 60)
        assert isinstance(pilot.app.screen, LeadsScreen)
        assert dump(pilot.app).splitlines()[0].endswith("500")
        pilot.app.office.close()


# The guess


def test_the_zone_says_the_country(tmp_path: Path) -> None:
    assert guess({"TZ": "Africa/Nairobi"}, tmp_path) == Place("KE", "KES", "Africa/Nairobi")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/timezone").write_text("Asia/Kolkata\n")
    assert guess({}, tmp_path) == Place("IN", "INR", "Asia/Kolkata")


def test_a_server_on_utc_says_nothing_but_its_language_may(tmp_path: Path) -> None:
    assert guess({"TZ": "Etc/UTC", "LANG": "C.UTF-8"}, tmp_path) == Place()
    assert guess({"LANG": "en_UG.UTF-8"}, tmp_path) == Place("UG", "UGX", "Africa/Kampala")
    assert guess({"TZ": "No/Such", "LANG": "tlh_XX@x"}, tmp_path).timezone == ""


def test_the_link_of_the_clock(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Africa/Lagos")
    assert guess({}, tmp_path) == Place("NG", "NGN", "Africa/Lagos")


def test_all_that_is_guessed_can_be_chosen() -> None:
    known = lists()
    zones, currencies = dict(known.timezones), dict(known.currencies)
    for country, _ in known.countries:
        place = place_of(country)
        assert place.timezone == "" or place.timezone in zones, country
        assert place.currency == "" or place.currency in currencies, country
