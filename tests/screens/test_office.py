"""The office screen: kinds, adding, editing, retiring, settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtui.screens.office import Kinds, OfficeScreen
from leadtui.screens.office_nouns import NOUNS
from leadtui.screens.record_form import RecordForm
from leadtui.services import admin
from leadtui.services.office import Office
from leadtui.widgets.form import Form
from tests.screens.dialog_help import NASTY, Run, acting_as, new_office, opened


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return new_office(tmp_path)


async def go_to(run: Run, key: str) -> None:
    """Show a kind by pressing its key."""
    await run.press(*["]"] * [noun.key for noun in NOUNS].index(key))


async def test_every_kind_is_reached_and_shown(office: Office) -> None:
    admin.add(office, "tag", {"name": "vip"})
    async with opened(office, OfficeScreen) as run:
        assert "20 Mbps Home" in run.text and "1,999.00" in run.text
        seen = {}
        for noun in NOUNS:
            seen[noun.key] = run.text
            await run.press("tab")
        assert "20 Mbps Home" in run.text, "after the last comes the first"
    assert "Caretaker, House Manager" in seen["source"]
    assert "Site Survey Scheduled" in seen["status"] and "70%" in seen["status"]
    assert "Internet service" in seen["pipeline"] and "vip" in seen["tag"]
    assert "No branches yet — n adds one" in seen["branch"]
    assert "Africa/Nairobi" in seen["setting"]


async def test_a_package_is_added_changed_and_retired(office: Office) -> None:
    async with opened(office, OfficeScreen) as run:
        await run.press("n")
        await run.write("5 Mbps Home")
        form = run.app.screen.query_one(Form)
        form.set_values({"monthly": "nine"})
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, RecordForm) and form.errors.get("monthly")
        form.set_values({"monthly": "999", "profile": "5M"})
        await run.press("ctrl+s")
        assert "Package 5 Mbps Home added" in run.text
        await run.press("y")
        assert "Copied: 5 Mbps Home" in run.text, "the cursor is on what was just added"
        await run.press("G", "e")
        run.app.screen.query_one(Form).set_values({"monthly": "1,099"})
        await run.press("ctrl+s")
        assert "Package 5 Mbps Home changed" in run.text and "1,099.00" in run.text
        await run.press("G", "d")
        assert "retired" in run.text
        await run.press("G", "d")
        assert "offered again" in run.text
    package = next(item for item in admin.items(office, "package") if item["name"] == "5 Mbps Home")
    assert package["is_active"] and package["monthly"] == "1099.00" and package["profile"] == "5M"


async def test_another_pipeline_comes_from_a_preset(office: Office) -> None:
    async with opened(office, OfficeScreen) as run:
        await go_to(run, "pipeline")
        await run.press("n")
        run.app.screen.query_one(Form).set_values({"preset": "travel"})
        await run.press("ctrl+s")
        assert "travel" in run.text
    assert {item["key"] for item in admin.items(office, "pipeline")} == {"isp", "travel"}


async def test_a_status_is_added_to_its_pipeline(office: Office) -> None:
    async with opened(office, OfficeScreen) as run:
        await go_to(run, "status")
        await run.press("n")
        form = run.app.screen.query_one(Form)
        assert form.value("pipeline") == "isp"
        form.set_values({"name": "Waiting", "probability": "30%"})
        await run.press("ctrl+s")
        assert "Status Waiting added" in run.text
    assert any(item["name"] == "Waiting" for item in admin.items(office, "status", pipeline="isp"))


async def test_a_setting_is_checked_and_changed(office: Office) -> None:
    async with opened(office, OfficeScreen) as run:
        await go_to(run, "setting")
        rows = list(admin.settings(office))
        await run.press(*["j"] * rows.index("phone_unique"), "enter")
        form = run.app.screen.query_one(Form)
        assert form.value("phone_unique") == "block"
        form.set_values({"phone_unique": "perhaps"})
        await run.press("ctrl+s")
        assert "cannot be 'perhaps'" in run.text
        form.set_values({"phone_unique": "warn"})
        await run.press("ctrl+s")
        assert "changed" in run.text
        await run.press("n")
        assert "Settings are changed, not added" in run.toasts
    assert admin.settings(office)["phone_unique"] == "warn"


async def test_the_status_new_leads_begin_in_is_not_retired(office: Office) -> None:
    async with opened(office, OfficeScreen) as run:
        await go_to(run, "status")
        await run.press("d")
        assert "new leads begin in this status" in run.toasts
    assert all(item["is_active"] for item in admin.items(office, "status"))


async def test_an_agent_looks_and_changes_nothing(office: Office) -> None:
    admin.add_user(office, {"login": "wanjiku", "name": "Wanjiku", "role": "agent"})
    async with opened(acting_as(office, "wanjiku"), OfficeScreen) as run:
        assert "20 Mbps Home" in run.text
        for key in ("n", "e", "d"):
            await run.press(key)
            assert isinstance(run.app.screen, OfficeScreen)
        assert "your role may not" in run.toasts.lower()


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_hostile_names_and_narrow_screens(office: Office, size: tuple[int, int]) -> None:
    admin.add(office, "branch", {"name": NASTY[:60]})
    async with opened(office, OfficeScreen, size=size) as run:
        await go_to(run, "branch")
        assert "[b]x[/]" in run.text and "\x1b" not in run.text and "Branches" in run.text


def test_the_line_of_kinds_always_holds_the_shown_one() -> None:
    titles = tuple(noun.title for noun in NOUNS)
    kinds = Kinds(titles)
    for width in (10, 30, 60, 80):
        for place in range(len(titles)):
            kinds.at = place
            window = kinds.window(width)
            assert place in window
    assert len(kinds.window(160)) == len(titles)
