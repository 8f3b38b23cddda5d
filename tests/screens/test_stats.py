"""The wall of figures: every figure opens the leads it counts; others' changes are seen; year, filter, days, export."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from leadtui import clock
from leadtui.config import Settings
from leadtui.domain.figure_words import opened
from leadtui.screens import stats as stats_module
from leadtui.screens.campaign_monitor import CampaignMonitor
from leadtui.screens.figure_leads import FigureLeads
from leadtui.screens.stats import StatsScreen
from leadtui.screens.stats_rows import PANELS, Behind
from leadtui.services import admin, conversion, figures, leads, lifecycle
from leadtui.services.conversion_plan import ConvertRequest
from leadtui.services.office import open_office
from leadtui.widgets.area_chart import AreaChart
from leadtui.widgets.bars import Bars
from leadtui.widgets.filter_bar import FilterBar
from tests.screens.conftest import NOW, Run
from tests.screens.dialog_help import acting_as
from tests.screens.pictures import check, dump, press

SUMS = ("fees", "value", "forecast")
HOSTILE = '[/b] "q" or,-(x) =cmd\' <b>&'


def fill(office: Any) -> None:
    """Leads of last year too, two agents, converted and lost ones, a source with a hostile name."""
    for login, name in (("brian", "Brian [b]K[/b]"), ("faith", "Faith Wanjiru")):
        admin.add_user(office, {"login": login, "name": name, "role": "agent"})
    admin.add(office, "source", {"name": HOSTILE})
    clock.set_clock(lambda: NOW - timedelta(days=400))
    old = [
        leads.create(office, {"name": f"Old {n}", "phone": f"07401001{n:02}", "source": HOSTILE}).lead.id
        for n in range(4)
    ]
    clock.set_clock(lambda: NOW)
    ids = {row.name or "": row.id for row in leads.search(office, limit=50).rows}
    lifecycle.assign(office, ids["Brian Kamau"], "brian")
    lifecycle.assign(office, old[0], "faith")
    values = {"package": "20 Mbps Home", "installation_fee": "2500", "monthly_fee": "1999"}
    leads.edit(office, ids["Kevin Otieno"], values)
    conversion.convert(office, ids["Kevin Otieno"], ConvertRequest())
    conversion.convert(office, old[1], ConvertRequest())


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The office so filled, once."""
    folder = tmp_path_factory.mktemp("busy") / "office"
    shutil.copytree(template, folder)
    try:
        with closing(open_office(str(folder / "office.db"), origin="tui")) as office:
            fill(office)
    finally:
        clock.set_clock(None)
    return folder


@pytest.fixture
def busy(made: Path, tmp_path: Path) -> Iterator[Any]:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "office")
    with closing(open_office(str(tmp_path / "office" / "office.db"), origin="tui")) as office:
        yield office


def value(text: str) -> int:
    """A count as it stands on the screen."""
    return int(text.replace(",", ""))


def everything_behind(screen: StatsScreen) -> list[tuple[str, Behind]]:
    """(panel, what enter opens) of every figure of the wall."""
    found = [("cards", card.item) for card in screen.cards.cards]
    for panel in screen.wall.panels:
        if isinstance(panel, AreaChart):
            spots = [spot for one in panel.chart.series for spot in one.spots]
        else:
            assert isinstance(panel, Bars)
            spots = [spot for row in panel.table.rows for spot in row.spots]
        found += [(panel.id or "", spot.item) for spot in spots]
    return [(panel, item) for panel, item in found if isinstance(item, Behind)]


async def test_every_figure_opens_the_leads_it_counts(busy: Any, run: Run) -> None:
    async with run(busy, (120, 40)) as pilot:
        await press(pilot, "%")
        screen = pilot.app.screen
        assert isinstance(screen, StatsScreen)
        behind = everything_behind(screen)
        assert {panel for panel, _ in behind} >= {
            "cards",
            "time",
            "sources",
            "funnel",
            "agents",
            "open",
            "ageing",
            "lost",
        }
        counted = 0
        for panel, item in behind:
            if item.shown.replace(",", "").isdigit() and not any(word in item.title for word in SUMS):
                assert leads.count(busy, item.filter or None) == value(item.shown), (panel, item)
                counted += 1
        assert counted > 60
        # By hand: a card, a month, converted ones of a source with a hostile name.
        for keys, words in ((["right", "right"], "Converted"), (["tab"], "new in Nov 2026")):
            await press(pilot, *keys)
            shown = value(screen.panel.current.shown)
            await press(pilot, "enter")
            listed = pilot.app.screen
            assert isinstance(listed, FigureLeads)
            assert listed.table.row_count == shown
            assert words in dump(pilot.app).splitlines()[0]
            await press(pilot, "escape")
            assert pilot.app.screen is screen
        await press(pilot, "tab")
        sources = screen.panel
        assert sources.id == "sources"
        place = [row.label for row in sources.table.rows].index(HOSTILE)
        await press(pilot, *["j"] * place, "right")
        assert screen.panel.caption == f"Sources: {HOSTILE} won 1"
        await press(pilot, "Y")
        assert "is:converted" in pilot.app.clipboard
        await press(pilot, "enter")
        assert (pilot.app.screen.table.row_count, pilot.app.screen.lead().name) == (1, "Old 1")
    assert admin.preference(busy, "leads.view") is None or "Old" not in str(admin.preference(busy, "leads.view"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=["80x24", "120x40", "200x50"])
async def test_pictures(busy: Any, run: Run, size: tuple[int, int]) -> None:
    async with run(busy, size) as pilot:
        await press(pilot, "%", "tab")
        check(pilot.app, f"stats_{size[0]}x{size[1]}")
        if size == (200, 50):
            assert pilot.app.screen.wall.max_scroll_y == 0  # everything at once
            return
        await press(pilot, *["tab"] * 7)
        assert pilot.app.screen.panel.id == "campaigns"
        assert "Campaigns" in dump(pilot.app)
        if size == (80, 24):
            check(pilot.app, "stats_below_80x24")  # the cards stay where they are


async def test_the_arrows_go_everywhere_and_ascii_says_the_same(busy: Any, run: Run) -> None:
    async with run(busy, (60, 20), settings=Settings(ascii=True)) as pilot:
        await press(pilot, "%")
        screen = pilot.app.screen
        seen = [screen.panel.id]
        while screen.panel.id != "campaigns":
            screen.panel.action_last_row()
            await pilot.press("down")
            if screen.panel.id != seen[-1]:
                seen.append(screen.panel.id)
        assert seen == ["cards", *(one for one in PANELS if one != "activations")]
        assert all(not "\u2500" <= sign <= "\u28ff" for sign in dump(pilot.app))
        screen.go(screen.query_one("#time"))
        await press(pilot, "up", "up")
        assert screen.panel.id == "cards"


async def test_year_filter_days_and_all_again(busy: Any, run: Run) -> None:
    async with run(busy, (120, 40)) as pilot:
        await press(pilot, "%")
        screen = pilot.app.screen
        assert screen.figures.years == (2025, 2026)
        await press(pilot, "y", "down", "enter")
        assert screen.figures.year == 2025
        assert "Stats ─ 2025 · all leads" in dump(pilot.app)
        assert screen.query_one("#time", AreaChart).chart.series[0].values[9] == 4
        await press(pilot, "]", "]")
        assert screen.figures.year == 2026
        assert "no leads of 2027" in dump(pilot.app)

        bar = screen.query_one(FilterBar)
        await press(pilot, "f")
        bar.set_value("statuss:new", quiet=False)
        await press(pilot, "enter")
        assert bar.error and "^" in dump(pilot.app)
        before = screen.figures.total
        await press(pilot, "escape")
        assert screen.figures.total == before == 16
        await press(pilot, "f")
        assert bar.value == "statuss:new"  # what was typed is there
        bar.set_value("is:converted", quiet=False)
        await press(pilot, "enter")
        assert screen.figures.total == 2
        assert "2026 · is:converted" in dump(pilot.app)
        assert all("is:converted" in item.filter for _, item in everything_behind(screen))

        await press(pilot, "d")
        first = pilot.app.screen.query_one("#from", Input)
        first.value = "2026-13"
        await press(pilot, "enter")
        assert "is not a date" in dump(pilot.app) and screen.question.date_from is None
        first.value = "2026"
        await press(pilot, "enter")
        assert screen.figures.total == 1
        assert "created from 1 Jan 2026" in dump(pilot.app)
        await press(pilot, "F")
        assert screen.figures.total == 16 and "all leads" in dump(pilot.app)
        await press(pilot, "p")
        assert "only one pipeline" in " ".join(one.message for one in pilot.app._notifications)
        admin.add_preset(busy, "insurance")
        await press(pilot, "p", "down", "down", "enter")
        assert (screen.figures.question.pipeline, screen.figures.total) == ("Insurance", 0)
        assert "Stats ─ 2026 · Insurance · all leads" in dump(pilot.app)


async def test_a_lead_of_another_program_is_seen_at_once(busy: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats_module, "LOOK_S", 1.0)
    async with run(busy, (80, 24)) as pilot:
        await pilot.press("%")
        screen = pilot.app.screen
        while screen.figures is None:
            await pilot.pause(0.02)
        await pilot.press("tab", "tab", "j")
        key = screen.panel.table.rows[screen.panel.row].key
        code = (
            "import sys; from leadtui.services.office import open_office; from leadtui.services import leads\n"
            "office = open_office(sys.argv[1])\n"
            "leads.create(office, {'name': 'From afar', 'phone': '0741999888', 'source': 'Website'}); office.close()\n"
        )
        other = subprocess.Popen([sys.executable, "-c", code, str(busy.store.path)])
        while other.poll() is None:
            await asyncio.sleep(0.02)
        assert other.returncode == 0
        end = time.monotonic() + 30
        while screen.cards.cards[0].text != "17":
            assert time.monotonic() < end, "never seen"
            await asyncio.sleep(0.02)
        assert screen.panel.table.rows[screen.panel.row].key == key  # the cursor stays on its row


async def test_an_agent_sees_his_own_figures_and_who_may_not_is_told(busy: Any, run: Run) -> None:
    with closing(acting_as(busy, "brian")) as mine:
        async with run(mine, (80, 24)) as pilot:
            await press(pilot, "%")
            assert "my own leads" in dump(pilot.app)
            assert pilot.app.screen.figures.total == 1
            assert all(leads.count(mine, item.filter or None) <= 1 for _, item in everything_behind(pilot.app.screen))
    admin.add(busy, "branch", {"name": "West, or (none)"})
    admin.edit_user(busy, "brian", {"branch": "West, or (none)"})
    admin.set_role(busy, "agent", "read", "all")  # more than is counted for him: a figure opens only what it counts
    with closing(acting_as(busy, "brian")) as mine:
        assert leads.count(mine, opened("is:active or is:lost", mine.actor)) == 1
        for scope in ("team", "branch"):
            admin.set_role(busy, "agent", "stats", scope)
            total = figures.ask(mine).total
            assert leads.count(mine, opened("", mine.actor)) == total == (1 if scope == "team" else 0)
    admin.set_role(busy, "agent", "stats", "none")
    with closing(acting_as(busy, "brian")) as mine:
        async with run(mine, (80, 24)) as pilot:
            await press(pilot, "%")
            assert pilot.app.current_mode == "leads"
            assert "may not see statistics" in " ".join(one.message for one in pilot.app._notifications)
            await pilot.app.switch_mode("stats")
            await press(pilot, "tab", "enter", "y", "r")
            assert "may not" in dump(pilot.app) and "Leads over time" not in dump(pilot.app)


async def test_an_empty_office(empty_office: Any, run: Run) -> None:
    async with run(empty_office, (120, 40)) as pilot:
        await press(pilot, "%", "tab", "tab", "enter", "down", "right", "enter")
        assert isinstance(pilot.app.screen, StatsScreen)
        assert "No lead yet" in dump(pilot.app)
        check(pilot.app, "stats_empty_120x40")


async def test_a_campaign_opens_its_monitor_and_figures_go_to_a_file(campaigned: Any, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "figures.html"
    async with run(campaigned, (120, 40)) as pilot:
        await press(pilot, "%", *["tab"] * 8, "enter")
        assert isinstance(pilot.app.screen, CampaignMonitor)
        await press(pilot, "q", "x")
        assert "Figures of 10 leads: 2026 · all leads" in dump(pilot.app)
        line = pilot.app.screen.query_one("#path", Input)
        line.value = str(file)
        await press(pilot, "f2")
        assert isinstance(pilot.app.screen, StatsScreen)
        assert "Figures exported to" in dump(pilot.app)
    assert file.read_text().startswith("<!DOCTYPE html>")
