"""What the conversion wizard looks like, page by page, at three sizes; nothing runs out of its column."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from leadtui.domain.conversion import PlanStep
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.convert import ConvertMany
from leadtui.screens.page_text import LABEL, Page
from leadtui.services import leads, saga
from leadtui.services.conversion import ConvertRequest, convert
from tests.screens.pictures import at_rest, check, dump, press
from tests.screens.test_convert import ADD, opened
from tests.screens.test_convert_ways import more_leads, reached_in

SIZES = [(80, 24), (60, 20), (120, 40)]
CJK = "王小明 株式会社日本電信電話 田中太郎さん " * 3


@pytest.fixture(autouse=True)
def same_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A router that answers equally fast every time."""
    words = saga.answered
    monkeypatch.setattr(saga, "answered", lambda probe: words(probe).rpartition("in ")[0] + "in 12 ms")


def page_of(app: Any) -> list[str]:
    """The lines between the first row and the hints."""
    return dump(app).splitlines()[1:-1]


@pytest.mark.parametrize("size", SIZES)
async def test_the_wizard(run: Any, office: Any, simulator: Simulator, size: tuple[int, int]) -> None:
    name = f"{size[0]}x{size[1]}"
    async with run(office, size) as pilot:
        wizard: Any = await opened(pilot)
        check(pilot.app, f"convert_lead_{name}")
        await press(pilot, "enter")
        check(pilot.app, f"convert_fields_{name}")
        await press(pilot, "ctrl+s")
        check(pilot.app, f"convert_plan_{name}")
        simulator.faults.add(FaultRule(ADD, "refuse", text="failure: no more licences"))
        await press(pilot, "enter")
        assert wizard.step == "failed"
        check(pilot.app, f"convert_failed_{name}")
        await press(pilot, "w")
        assert wizard.step == "plan"
        await press(pilot, "e")
        wizard.form.set_values({"router_user": "yes"})
        await press(pilot, "ctrl+s", "enter")
        assert wizard.step == "result"
        check(pilot.app, f"convert_done_{name}")


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_many(run: Any, office: Any, simulator: Simulator, size: tuple[int, int]) -> None:
    ids, name = more_leads(office, 4), f"{size[0]}x{size[1]}"
    convert(office, ids[0], ConvertRequest())
    simulator.faults.add(FaultRule(ADD, "refuse", skip=1, text="failure: no more licences"))
    async with run(office, size) as pilot:
        screen = ConvertMany(ids, None)
        pilot.app.push_screen(screen)
        await at_rest(pilot)
        check(pilot.app, f"convert_many_{name}")
        await press(pilot, "ctrl+s")
        check(pilot.app, f"convert_many_plan_{name}")
        await press(pilot, "enter", "3", "enter")
        await reached_in(pilot, screen, "result")
        await at_rest(pilot)
        check(pilot.app, f"convert_many_done_{name}")


@pytest.mark.parametrize("name", ["Very Long Name " * 12, CJK, "x" * 180])
async def test_a_long_name_stays_in_its_column_and_the_end_begins_at_the_top(
    run: Any, office: Any, simulator: Simulator, name: str
) -> None:
    lead = leads.create(office, {"name": name, "phone": "0788 111 333", "package": "20 Mbps Home"}).lead
    async with run(office, (60, 20)) as pilot:
        wizard = await opened(pilot, lead.id)
        lines = page_of(pilot.app)
        first = next(at for at, line in enumerate(lines) if line.startswith(" name"))
        last = next(at for at, line in enumerate(lines) if line.startswith(" phone"))
        assert last > first + 1
        assert all(line.startswith(" " * (LABEL + 1)) for line in lines[first + 1 : last]), lines
        await press(pilot, "enter", "ctrl+s", "enter")
        assert wizard.step == "result"
        assert "Lead converted to customer successfully" in page_of(pilot.app)[0]


async def test_another_width_is_another_page(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office, (120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "ctrl+s")
        await pilot.resize_terminal(60, 20)
        await at_rest(pilot)
        assert [line for line in page_of(pilot.app) if line and not line.startswith(" ")] == []
        check(pilot.app, "convert_plan_60x20")


def test_a_password_loses_no_blank() -> None:
    page = Page(30)
    page.exactly("password", "a  b   c")
    assert page.content().plain.endswith(" a  b   c\n")


@pytest.mark.parametrize("width", [30, 56, 76, 116])
@pytest.mark.parametrize("text", ["a b " * 60, CJK, "x" * 200, ""])
def test_no_line_is_wider_than_its_page(width: int, text: str) -> None:
    page = Page(width)
    page.rule(text)
    page.say(text)
    page.row("label", text)
    page.plan([PlanStep("WL-RTR-1", f"  {text}", text, "ok", "+"), PlanStep("WL-RTR-1", "short", text, "bad", "~")])
    assert max(cell_len(line) for line in page.content().plain.splitlines()) <= width
