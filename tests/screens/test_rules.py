"""The screens of the rules: lists, forms with a live count and an example, trying a lead, order, switching."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadtui.screens.confirm import Confirm
from leadtui.screens.figure_leads import FigureLeads
from leadtui.screens.picker import Picker
from leadtui.screens.rule_editor import RuleEditor
from leadtui.screens.rule_try import TryDialog
from leadtui.screens.rules import AssignRulesScreen, ScoreRulesScreen
from leadtui.services import admin, routing_rules, score_rules
from leadtui.services.office import Office
from leadtui.widgets.filter_bar import FilterBar
from leadtui.widgets.form import Form
from leadtui.widgets.sheet import Sheet
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, Run, acting_as, add_lead, copy_of, opened, prepared
from tests.screens.pictures import check


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
    from leadtui.screens import filter_looking

    monkeypatch.setattr(filter_looking, "REST_S", 0.001)


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


async def test_the_list_the_leads_of_a_rule_order_and_one_lead_tried(office: Office) -> None:
    async with opened(office, ScoreRulesScreen) as run:
        check(run.app, "score_rules_80x24")
        await run.pilot.resize_terminal(120, 40)
        await run.settle()
        check(run.app, "score_rules_120x40")
        for name in ("One", "Two"):
            values = {"name": name, "group": "turns", "points": "1", "first_match": "yes", "when": "has_router:yes"}
            score_rules.add(office, values)
        await run.press("r", "G", "minus")
        assert "Two moved up" in run.text and "holds for 1 lead" in run.text
        await run.press("minus")
        assert "It is the first of its group" in run.text
        assert [one.name for one in score_rules.list_all(office) if one.group == "turns"] == ["Two", "One"]
        await run.press("plus")
        assert [one.name for one in score_rules.list_all(office) if one.group == "turns"] == ["One", "Two"]
        await run.press("o")
        assert isinstance(run.app.screen, FigureLeads) and "Achieng" in run.text and "Fatuma" not in run.text
        await run.press("escape", "t")
        assert isinstance(run.app.screen, TryDialog)
        await run.press("enter")
        assert isinstance(run.app.screen, Picker)
        await run.write("Achieng")
        await run.press("enter")
        assert "+1 One" in sheet_of(run, "#lines")


async def test_a_rule_is_written_with_its_count_and_an_example(office: Office) -> None:
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("n")
        form = form_of(run)
        form.set_values({"name": "From Westlands", "group": "place", "points": "a lot"})
        await to_condition(run, "location:Nowhere")
        assert "finds 0 of 5 leads" in run.text
        bar = await to_condition(run, "lokation:Westlands")
        assert "^" in run.text and bar.error
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, RuleEditor) and "lokation" in bar.value, "nothing typed is lost"
        bar = await to_condition(run, "score:>50")
        assert bar.error, "what a rule cannot know is refused, too"
        await to_condition(run, "location:Westlands")
        await run.press("ctrl+s")
        assert form.errors.get("points") and form.value("points") == "a lot"
        form.set_values({"points": "12"})
        await to_condition(run, "location:Westlands ")
        assert "finds 1 of 5 leads; saving scores 5 leads anew" in run.text
        seen = sheet_of(run, "#seen")
        assert "Achieng Odhiambo" in seen and "+12 From Westlands" in seen and "→" in seen
        await run.press("escape", "escape")
        assert isinstance(run.app.screen, Confirm), "leaving the condition is no leaving; leaving asks once"
        await run.press("escape", "ctrl+s")
        assert "From Westlands added; leads are scored anew · u takes it back" in run.text
    rule = score_rules.get(office, "From Westlands")
    assert (rule.when, rule.points, rule.group, rule.mode) == ("location:Westlands", 12, "place", "flat")


async def test_a_rule_is_changed_switched_and_removed(office: Office) -> None:
    first = score_rules.list_all(office)[0]
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("enter")
        assert form_of(run).value("name") == first.name and "finds" in run.text
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, ScoreRulesScreen), "nothing was changed"
        await run.press("e")
        form_of(run).set_values({"points": "3", "mode": "per_unit", "per": "page_views", "cap": "20"})
        await run.press("ctrl+s", "d")
        changed = score_rules.get(office, str(first.id))
        assert (changed.points, changed.per, changed.cap, changed.is_active) == (3, "page_views", 20, False)
        assert "+3 each ≤ 20" in run.text and "is off" in run.text
        await run.press("d")
        assert score_rules.get(office, str(first.id)).is_active
        await run.press("D")
        assert isinstance(run.app.screen, Confirm) and "scored anew" in run.text
        await run.press("y")
        assert "taken away" in run.text
    assert first.id not in {one.id for one in score_rules.list_all(office)}


async def test_an_agent_looks_and_changes_nothing_and_hostile_names_are_names(office: Office) -> None:
    score_rules.add(office, {"name": NASTY[:60], "group": "zz", "points": "5"})
    async with opened(acting_as(office, "asha"), ScoreRulesScreen, size=(60, 20)) as run:
        count = len(score_rules.list_all(office))
        for key in ("n", "e", "d", "D", "R", "plus"):
            await run.press(key)
            assert isinstance(run.app.screen, ScoreRulesScreen)
        assert "your role may not" in run.toasts.lower()
        await run.press("G")
        assert "[b]x[/]" in run.text and "\x1b" not in run.text
        await run.press("tab")
        assert isinstance(run.app.screen, AssignRulesScreen)
    assert len(score_rules.list_all(office)) == count


# -- who gets leads ---------------------------------------------------------------------------------------------------


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
        check(run.app, "assign_rules_80x24")
        await run.pilot.resize_terminal(120, 40)
        await run.settle()
        check(run.app, "assign_rules_120x40")
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
