"""Rules rehearsed on screen: from a form and from the list, what is found, stopping, saving, going back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.rule_editor import RuleEditor
from leadtui.screens.rule_rehearsal import RuleRehearsalScreen
from leadtui.screens.rules import AssignRulesScreen, ScoreRulesScreen
from leadtui.services import admin, rule_rehearsal, score_rules
from leadtui.services.office import Office
from leadtui.widgets.filter_bar import FilterBar
from leadtui.widgets.sheet import Sheet
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, Run, copy_of, opened, prepared
from tests.screens.pictures import check
from tests.services.rehearsal_help import plant


def fill(office: Office) -> None:
    """Leads of the last months: those from Westlands convert, whoever has them."""
    for login, area in (("asha", "Westlands"), ("brian", "Karen")):
        admin.add_user(office, {"login": login, "name": login.title(), "role": "agent", "service_areas": area})
    ids = [user.id for user in office.catalog.users if user.login in ("asha", "brian")]

    def columns(rng: random.Random) -> dict[str, Any]:
        return {"city": rng.choice(["Westlands", "Karen"]), "name": NASTY[:40], "assigned_to_id": rng.choice(ids)}

    plant(office, 120, columns, lambda lead: 0.7 if lead["city"] == "Westlands" else 0.05, seed=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests take copies."""
    return prepared(tmp_path_factory.mktemp("past"), fill, NOW)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Iterator[Office]:
    """An isp with a planted past."""
    opened_here = copy_of(made, tmp_path)
    yield opened_here
    opened_here.close()


def lines_of(run: Run) -> str:
    """The sheet of the rehearsal."""
    assert isinstance(run.app.screen, RuleRehearsalScreen), run.text
    return "\n".join(run.app.screen.query_one(Sheet).lines)


async def test_a_written_rule_is_rehearsed_and_then_saved(office: Office) -> None:
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("n")
        editor = run.app.screen
        assert isinstance(editor, RuleEditor)
        editor.form.set_values({"name": "From Westlands", "group": "place", "points": "90"})
        editor.query_one(FilterBar).set_value("city:Westlands", quiet=False)
        await run.settle()
        await run.press("f5")
        found = lines_of(run)
        assert "with From Westlands" in found and "better" in found and "AUC" in found and "Who moves" in found
        assert "no lead has it" in found and "Hot leads by who had them" in found and "\x1b" not in found
        check(run.app, "rule_rehearsal_80x24")
        await run.pilot.resize_terminal(120, 40)
        await run.settle()
        check(run.app, "rule_rehearsal_120x40")
        await run.press("enter")
        assert isinstance(run.app.screen, LeadDetailScreen), "who moves opens"
        await run.press("q", "escape")
        assert isinstance(run.app.screen_stack[-1], RuleEditor), "back to the form"
        assert editor.form.value("points") == "90", "everything is kept"
        await run.press("f5")
        await run.press("s")
        assert "From Westlands added" in run.text
    assert score_rules.get(office, "From Westlands").points == 90


async def test_months_and_days_are_chosen_and_what_is_under_way_stops(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    real = rule_rehearsal.scores

    def scores(opened_here: Office, changes: Any, **options: Any) -> Any:
        asked.append((options["months"], options["look_ahead_days"]))
        return real(opened_here, changes, **options)

    def stopped(opened_here: Office, changes: Any, **options: Any) -> Any:
        raise rule_rehearsal.Stopped

    monkeypatch.setattr(rule_rehearsal, "scores", scores)
    async with opened(office, ScoreRulesScreen) as run:
        await run.press("W")
        found = lines_of(run)
        assert "In order, the best first" in found and "without Has a router" in found
        await run.press("s")
        assert "Nothing is changed here" in run.toasts
        await run.press("m")
        assert "12 months" in run.text
        await run.press("d")
        assert "7 days after" in run.text and asked == [(6, 3), (12, 3), (12, 7)]
        monkeypatch.setattr(rule_rehearsal, "scores", stopped)
        await run.press("m")
        assert "Stopped; nothing was changed" in run.text
        await run.press("escape")
        assert isinstance(run.app.screen, ScoreRulesScreen)


async def test_a_step_switched_off_is_rehearsed_and_taken_over(office: Office) -> None:
    async with opened(office, AssignRulesScreen, size=(120, 40)) as run:
        await run.press("R")
        found = lines_of(run)
        assert "without Area" in found and "Who would have got what" in found and "Leads per agent" in found
        check(run.app, "step_rehearsal_120x40")
        await run.press("d")
        assert "given away when they come in" in run.toasts
        await run.press("s")
        assert "is off" in run.text
