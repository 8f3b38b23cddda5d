"""The screens of the rules: lists, forms with a live count and an example, trying a lead, order, switching."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadtui.screens.confirm import Confirm
from leadtui.screens.picker import Picker
from leadtui.screens.rule_editor import RuleEditor
from leadtui.screens.rule_try import TryDialog
from leadtui.screens.rules import AssignRulesScreen, ScoreRulesScreen
from leadtui.services import admin, leads, routing_rules, score_rules
from leadtui.services.office import Office
from leadtui.widgets.filter_bar import FilterBar
from leadtui.widgets.form import Form
from leadtui.widgets.sheet import Sheet
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, Run, acting_as, add_lead, copy_of, opened, prepared
from tests.screens.pictures import SIZES, check


def fill(office: Office) -> None:
    """Two agents with areas, five leads, one of them with what rules look for."""
    for login, area in (("asha", "Westlands"), ("brian", "Karen")):
        admin.add_user(office, {"login": login, "name": login.title(), "role": "agent", "service_areas": area})
    add_lead(office, "Achieng Odhiambo", "0722000111", location="Westlands", has_router="yes", current_isp="Zuku")
    add_lead(office, "Brian Kamau", "0722000112", location="Karen", source="Referral")
    for place, name in enumerate(("Fatuma Hassan", "Kevin Otieno", "Mercy Wambui")):
        add_lead(office, name, f"072200012{place}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests take copies."""
    return prepared(tmp_path_factory.mktemp("rules"), fill, NOW)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Iterator[Office]:
    """An isp with its preset's rules."""
    opened_here = copy_of(made, tmp_path)
    yield opened_here
    opened_here.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form looks a millisecond after the last key."""
    from leadtui.screens import rule_editor

    monkeypatch.setattr(rule_editor, "REST_S", 0.001)


def form_of(run: Run) -> Form:
    """The fields of the rule that is written."""
    assert isinstance(run.app.screen, RuleEditor), run.text
    return run.app.screen.form


def sheet_of(run: Run, name: str) -> str:
    """What a sheet of the screen in front says."""
    return "\n".join(run.app.screen.query_one(name, Sheet).lines)


async def to_condition(run: Run, text: str) -> FilterBar:
    """Put a condition in the place of the one there is, as if it were typed."""
    bar = run.app.screen.query_one(FilterBar)
    bar.focus()
    bar.set_value(text, quiet=False)
    await run.settle()
    return bar


def score_named(office: Office, name: str) -> Any:
    """A rule of scores."""
    return score_rules.get(office, name)


@pytest.mark.parametrize("size", SIZES)
async def test_the_list_says_points_conditions_and_how_many_leads(office: Office, size: tuple[int, int]) -> None:
    async with opened(office, ScoreRulesScreen, size=size) as run:
        check(run.app, f"score_rules_{size[0]}x{size[1]}")
        assert "has_router" in run.text.replace(" ", "_").lower()
        await run.press("G")
        assert "holds for" in run.text


async def test_a_rule_is_written_with_its_count_and_an_example(office: Office) -> None:
    before = leads.count(office, "score:>=20")
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("n")
        await run.write("From Westlands")
        form_of(run).set_values({"group": "place", "points": "12"})
        await to_condition(run, "location:Nowhere")
        assert "finds 0 of 5 leads" in run.text
        bar = await to_condition(run, "lokation:Westlands")
        assert "^" in run.text and bar.error, run.text
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, RuleEditor) and "lokation" in bar.value, "nothing typed is lost"
        await to_condition(run, "location:Westlands")
        assert "finds 1 of 5 leads; saving scores 5 leads anew" in run.text
        seen = sheet_of(run, "#seen")
        assert "Achieng Odhiambo" in seen and "+12 From Westlands" in seen and "→" in seen
        await run.press("ctrl+s")
        assert "From Westlands added; leads are scored anew · u takes it back" in run.text
        assert "12 rules" in run.text or "rules" in run.text
    rule = score_named(office, "From Westlands")
    assert (rule.when, rule.points, rule.group, rule.mode) == ("location:Westlands", 12, "place", "flat")
    assert leads.count(office, "score:>=20") >= before


async def test_what_a_rule_cannot_know_is_pointed_at_and_wrong_fields_keep_what_was_typed(office: Office) -> None:
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("n")
        form = form_of(run)
        form.set_values({"name": "Much", "group": "x", "points": "a lot"})
        bar = await to_condition(run, "score:>50")
        assert bar.error
        await run.press("ctrl+s")
        assert "When:" in run.text
        await to_condition(run, "city:Nairobi")
        await run.press("ctrl+s")
        assert form.errors.get("points") and form.value("points") == "a lot"
        await run.press("escape")
        assert isinstance(run.app.screen, Confirm), "leaving asks once"
        await run.press("escape")
        form.set_values({"points": "5", "mode": "per_unit", "per": "page_views", "cap": "20"})
        await run.press("ctrl+s")
    rule = score_named(office, "Much")
    assert (rule.mode, rule.per, rule.cap, rule.when) == ("per_unit", "page_views", 20, "city:Nairobi")


async def test_a_rule_is_changed_switched_moved_and_removed(office: Office) -> None:
    rules = score_rules.list_all(office)
    first = rules[0]
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("enter")
        form = form_of(run)
        assert form.value("name") == first.name and "finds" in run.text
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, ScoreRulesScreen), "nothing was changed"
        await run.press("e")
        form_of(run).set_values({"points": str(first.points + 1)})
        await run.press("ctrl+s")
        assert f"{first.points + 1:+d}" in run.text
        await run.press("d")
        assert not score_named(office, first.name).is_active and "is off" in run.text and " off" in run.text
        await run.press("d")
        assert score_named(office, first.name).is_active
        await run.press("D")
        assert isinstance(run.app.screen, Confirm) and "scored anew" in run.text
        await run.press("enter") if False else await run.press("y")
        await run.settle()
        if isinstance(run.app.screen, Confirm):
            await run.press("left", "enter")
    names = [one.name for one in score_rules.list_all(office)]
    assert score_named(office, names[0]) is not None


async def test_order_within_a_group(office: Office) -> None:
    for name in ("One", "Two"):
        score_rules.add(office, {"name": name, "group": "turns", "points": "1", "first_match": "yes"})
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("G", "minus")
        assert "Two moved up" in run.text
        await run.press("minus")
        assert "It is the first of its group" in run.text
        assert [one.name for one in score_rules.list_all(office) if one.group == "turns"] == ["Two", "One"]
        await run.press("plus")
        assert [one.name for one in score_rules.list_all(office) if one.group == "turns"] == ["One", "Two"]


async def test_the_leads_of_a_rule_and_one_lead_tried(office: Office) -> None:
    score_rules.add(office, {"name": "ZZ router", "group": "zz", "points": "5", "when": "has_router:yes"})
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("G", "o")
        assert "Achieng" in run.text and "Fatuma" not in run.text
        await run.press("escape", "t")
        assert isinstance(run.app.screen, TryDialog)
        await run.press("enter")
        assert isinstance(run.app.screen, Picker)
        await run.write("Achieng")
        await run.press("enter")
        assert "+5 ZZ router" in sheet_of(run, "#lines")


async def test_an_agent_looks_and_changes_nothing(office: Office) -> None:
    async with opened(acting_as(office, "asha"), ScoreRulesScreen) as run:
        count = len(score_rules.list_all(office))
        for key in ("n", "e", "d", "D", "R", "plus"):
            await run.press(key)
            assert isinstance(run.app.screen, ScoreRulesScreen)
        assert "your role may not" in run.toasts.lower()
    assert len(score_rules.list_all(office)) == count


@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
async def test_hostile_names(office: Office, size: tuple[int, int]) -> None:
    score_rules.add(office, {"name": NASTY[:60], "group": "zz", "points": "5"})
    add_lead(office, NASTY, "0733000999")
    async with opened(office, ScoreRulesScreen, size=size) as run:
        await run.press("G")
        assert "[b]x[/]" in run.text and "\x1b" not in run.text
        await run.press("e")
        assert "[b]x[/]" in run.text and "\x1b" not in run.text
        await run.press("escape", "t")
        assert "\x1b" not in run.text
        await run.press("escape", "tab")
        assert isinstance(run.app.screen, AssignRulesScreen)


# -- who gets leads ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_steps_say_what_they_do(office: Office, size: tuple[int, int]) -> None:
    async with opened(office, AssignRulesScreen, size=size) as run:
        check(run.app, f"assign_rules_{size[0]}x{size[1]}")


async def test_a_step_is_written_and_shows_where_a_lead_goes(office: Office) -> None:
    async with opened(office, AssignRulesScreen) as run:
        await run.press("n")
        form = form_of(run)
        form.set_values({"name": "Referrals to Brian"})
        await run.press("ctrl+s")
        assert form.errors.get("kind")
        form.set_values({"kind": "source", "users": "nobody-here", "sources": "Referral"})
        await run.press("ctrl+s")
        assert form.errors.get("users") and form.value("users") == "nobody-here"
        form.set_values({"users": "brian"})
        await to_condition(run, "has_router:no")
        assert "finds" in run.text and "of 5 leads" in run.text
        await run.press("ctrl+t")
        await run.write("Brian Kamau")
        await run.press("enter")
        assert "goes to" in sheet_of(run, "#seen") and "Brian Kamau" in sheet_of(run, "#seen")
        await to_condition(run, "")
        await run.press("ctrl+s")
        assert "Referrals to Brian added · u takes it back" in run.text and "Referral" in run.text
    rule = next(one for one in routing_rules.list_all(office) if one["name"] == "Referrals to Brian")
    assert rule["users"] == ["brian"] and rule["sources"] == ["Referral"] and rule["condition"] is None


async def test_steps_are_ordered_tried_and_left_to_themselves(office: Office) -> None:
    names = [one["name"] for one in routing_rules.list_all(office)]
    async with opened(office, AssignRulesScreen) as run:
        await run.press("plus")
        assert [one["name"] for one in routing_rules.list_all(office)] == [names[1], names[0], *names[2:]]
        await run.press("minus", "minus")
        assert "It is the first step" in run.text
        assert [one["name"] for one in routing_rules.list_all(office)] == names
        await run.press("t")
        assert isinstance(run.app.screen, TryDialog) and "goes to" in sheet_of(run, "#lines")
        await run.press("escape", "a")
        assert isinstance(run.app.screen, Picker)
        await run.press("down", "enter")
        assert "leads from elsewhere are assigned by themselves" in run.text
    assert office.catalog.settings["auto_assign"] == "intake"
