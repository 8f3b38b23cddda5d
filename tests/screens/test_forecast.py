"""Forecast and back-test on the screen, with real keys; the way of a lead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.widgets import Button, Input

from leadtui.domain.figures import Question
from leadtui.errors import UsageError
from leadtui.screens.confirm import Confirm
from leadtui.screens.figure_leads import FigureLeads
from leadtui.screens.forecast import ForecastScreen
from leadtui.screens.journey import JourneyScreen
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.leads_of import LeadsOf
from leadtui.services import activities, admin, backtest, leads
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.task_bar import TaskBar
from tests.screens.conftest import NOW
from tests.screens.dialog_help import acting_as, copy_of, opened, prepared
from tests.services.test_backtest import Way, plant

Snapshot = Callable[[Any, str], None]
WIDE = (120, 40)


def _ways() -> list[Way]:
    """In Interested 30 in 100 convert; some are open."""
    ways: list[Way] = []
    for n in range(100):
        won = n % 10 < 3
        end = "Converted" if won else "Not Interested"
        ways.append([("New", 250.0 - n), ("Contacted", 249.0 - n), ("Interested", 247.0 - n), (end, 240.0 - n)])
    ways += [[("New", 20.0 + n), ("Interested", 10.0 + n)] for n in range(3)]
    ways.append([("New", 60.0), ("Interested", 40.0), ("Contacted", 35.5), ("Not Interested", 30.0), ("New", 2.0)])
    return [*ways, [("New", 4.0)]]


def _fill(made: Office) -> None:
    """Leads with histories; the open ones have fees, and belong to somebody."""
    admin.add_user(made, {"login": "amy", "name": "Amy Wangui", "role": "agent"})
    plant(made, _ways())
    with made.write() as tx:
        amy = made.catalog.find_user("amy").id
        lead = t.lead.c
        some = t.lead.update().where(lead.id > 100)
        tx.conn.execute(some.values(installation_fee_minor=250_000, monthly_fee_minor=199_900))
        tx.conn.execute(t.lead.update().where(lead.id.in_([101, 104])).values(assigned_to_id=amy))
        tx.conn.execute(t.lead.update().where(lead.id == 104).values(name="[b]Achieng[/b] Odhiambo"))
    activities.log(made, 104, activities.LogEntry("call", outcome="positive"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("office"), _fill, NOW)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Office:
    return copy_of(made, tmp_path)


async def test_both_beside_each_other_and_what_is_behind_each_row(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, ForecastScreen, size=WIDE) as run:
        snapshot(run.app, "forecast_120x40")
        await run.press("down", "enter")
        behind = run.app.screen
        assert isinstance(behind, FigureLeads) and behind.view.where == "status:Interested"
        assert behind.table.row_count == leads.count(office, "status:Interested") == 3
        await run.press("escape", "right", "enter")
        assert isinstance(run.app.screen, LeadsOf) and run.app.screen.title_words.startswith("Came into ")
        came = run.app.screen.table.row_count
        await run.press("escape")
        assert isinstance(run.app.screen, ForecastScreen)
        test = run.app.screen.shown.test
        assert test is not None and came in {one.entered for one in test.rows}


async def test_the_measured_ones_are_used_and_taken_back(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, ForecastScreen) as run:
        snapshot(run.app, "forecast_80x24")
        await run.press("U")
        assert isinstance(run.app.screen, Confirm)
        assert "Interested: 40.0 → 30.0 %   (30 of 100 converted)" in run.text
        await run.press("n")
        assert office.catalog.find_stage("Interested", 1).probability == 0.4
        await run.press("U", "y")
        assert "3 probabilities changed · u takes it back" in run.text
        with office.read() as tx:
            assert tx.catalog.find_stage("Interested", 1).probability == 0.3
        screen = run.app.screen
        assert isinstance(screen, ForecastScreen) and screen.shown.test is not None
        assert not screen.shown.test.changes
        await run.press("U")
        assert "no status has another share" in run.toasts
        await run.press("u")
        assert "3 changes will be taken back" in run.text
        await run.press("enter")
        with office.read() as tx:
            assert tx.catalog.find_stage("Interested", 1).probability == 0.4
        assert screen.shown.test.changes  # measured anew


async def test_another_past_another_pipeline(office: Office) -> None:
    admin.add_preset(office, "insurance")
    async with opened(office, lambda: ForecastScreen(Question("assigned:amy"))) as run:
        screen = run.app.screen
        assert isinstance(screen, ForecastScreen) and screen.shown.forecast is not None
        assert screen.shown.forecast.count == 2 and "assigned:amy" in run.text
        await run.press("d")
        fields = run.app.screen.query(Input)
        fields[0].value = "soon"
        run.app.screen.query_one("#save", Button).press()
        await run.settle()
        assert "is not a date" in run.text
        await run.press("escape", "y")
        assert run.app.screen is screen and screen.shown.test is not None
        entered = [one.entered for one in screen.shown.test.rows]
        await run.press("d")
        for field, typed in zip(run.app.screen.query(Input), ("2026-11-01", "today", "30", "2"), strict=True):
            field.value = typed
        run.app.screen.query_one("#save", Button).press()
        await run.settle()
        assert screen.shown.test is not None and screen.shown.test.age_days == 30
        assert [one.entered for one in screen.shown.test.rows] != entered
        await run.press("p", "p")
        assert screen.shown.test is not None and screen.shown.test.pipeline == "insurance"
        assert screen.shown.forecast is not None and screen.shown.forecast.rows == ()


async def test_measuring_can_be_stopped(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = Event()

    def slow(*_: Any, should_stop: Callable[[], bool], **__: Any) -> Any:
        while not should_stop():
            stopping.wait(0.01)
        raise UsageError("stopped: nothing was measured", code="stopped")

    async with opened(office, ForecastScreen) as run:
        monkeypatch.setattr(backtest, "measure", slow)
        await run.pilot.press("r")
        await run.pilot.pause()
        screen = run.app.screen
        assert isinstance(screen, ForecastScreen) and screen.query_one(TaskBar).busy
        await run.press("escape")
        assert run.app.screen is screen and screen.shown.test is None
        assert "stopped: nothing was measured; r tries again" in " ".join(screen.query_one(Sheet).lines)


async def test_an_agent_sees_his_own_and_changes_nothing(office: Office) -> None:
    async with opened(acting_as(office, "amy"), ForecastScreen) as run:
        screen = run.app.screen
        assert isinstance(screen, ForecastScreen) and screen.shown.forecast is not None
        assert screen.shown.forecast.count == 2 and "your own" in run.text
        await run.press("U")
        assert isinstance(run.app.screen, ForecastScreen)
        assert "your role may not" in run.toasts or "you see only a part" in run.toasts


async def test_the_way_of_a_lead(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, lambda: LeadDetailScreen(104)) as run:
        await run.press("J")
        assert isinstance(run.app.screen, JourneyScreen)
        snapshot(run.app, "journey_80x24")
        lines = run.app.screen.query_one(Sheet).lines
        assert any("Nothing happened" in one for one in lines)
        assert "[b]Achieng[/b] Odhiambo" in run.text
        await run.press("down", "enter")
        assert "moved by root" in run.toasts
        await run.press("escape")
        assert isinstance(run.app.screen, LeadDetailScreen)


async def test_the_way_of_a_lead_on_a_wide_screen(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, lambda: JourneyScreen(104), size=WIDE) as run:
        snapshot(run.app, "journey_120x40")
        activities.log(office, 104, activities.LogEntry("whatsapp"))
        run.app.screen.leads_changed(frozenset({104}))
        await run.settle()
        assert "whatsapp" in run.text
        assert run.app.screen.copy_text().startswith("LD-104")
