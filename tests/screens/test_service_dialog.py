"""Suspending, resuming and changing the package by keyboard alone, at two sizes; leaving a router that hangs."""

from __future__ import annotations

import time
from typing import Any

import pytest
from textual.pilot import Pilot

from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.confirm import Confirm
from leadtui.screens.service_dialog import ServiceDialog
from leadtui.services import agreement, conversion, leads, saga
from leadtui.services.conversion import ConvertRequest, RouterRequest
from tests.screens.pictures import at_rest, check, dump, press

LEAD = 1
USER = "achieng.odhiambo"
SIZES = [(80, 24), (60, 20)]


@pytest.fixture
def customer(office: Any, simulator: Simulator) -> int:
    """Lead 1 is a customer, online with 20 Mbps."""
    done = conversion.convert(office, LEAD, ConvertRequest(router=RouterRequest("WL-RTR-1", package="20 Mbps Home")))
    assert done.customer is not None
    simulator.dial_in(USER)
    return done.customer.id


async def opened(pilot: Pilot[Any], customer: int, act: Any, **more: Any) -> tuple[ServiceDialog, list[Any]]:
    """The dialog on the screen, and where its answer goes."""
    answers: list[Any] = []
    dialog = ServiceDialog(customer, act, **more)
    pilot.app.push_screen(dialog, answers.append)
    await at_rest(pilot)
    return dialog, answers


async def reached(pilot: Pilot[Any], dialog: ServiceDialog, step: str) -> None:
    """Wait for a step that does not rest."""
    end = time.monotonic() + 10
    while dialog.step != step:
        assert time.monotonic() < end, dialog.step
        await pilot.pause(0.01)


def row(simulator: Simulator) -> dict[str, str]:
    return next(r for r in simulator.secrets() if r["name"] == USER)


def flat(app: Any) -> str:
    return " ".join(dump(app).split())


@pytest.mark.parametrize("size", SIZES)
async def test_suspending(run: Any, office: Any, simulator: Simulator, customer: int, size: tuple[int, int]) -> None:
    async with run(office, size) as pilot:
        dialog, answers = await opened(pilot, customer, "suspend")
        shown = dump(pilot.app)
        for words in (
            "Suspend Achieng Odhiambo",
            "disabled no → yes",
            "1 session will end",
            "state active → suspended",
        ):
            assert words in shown, shown
        check(pilot.app, f"service_suspend_{size[0]}x{size[1]}")
        await press(pilot, "e", "text:unpaid", "enter")
        assert isinstance(pilot.app.screen, Confirm)
        assert "Suspend Achieng Odhiambo?" in dump(pilot.app)
        await press(pilot, "n")
        assert row(simulator)["disabled"] == "false"
        await press(pilot, "escape", "enter", "y")
        assert dialog.step == "result"
        assert "1 session ended" in flat(pilot.app)
        await press(pilot, "enter")
        assert pilot.app.screen is not dialog
    assert row(simulator)["disabled"] == "true"
    assert [answer.customer.state for answer in answers] == ["suspended"]
    assert next(a for a in leads.get(office, LEAD).activities if a.type == "other").details == "unpaid"


async def test_what_is_so_already_cannot_be_done_again(run: Any, office: Any, customer: int) -> None:
    async with run(office) as pilot:
        dialog, answers = await opened(pilot, customer, "resume")
        assert "Nothing to do" in dump(pilot.app)
        await press(pilot, "enter")
        assert dialog.step == "plan"
        await press(pilot, "escape")
        assert answers == [None]


@pytest.mark.parametrize("size", SIZES)
async def test_another_package(
    run: Any, office: Any, simulator: Simulator, customer: int, size: tuple[int, int]
) -> None:
    async with run(office, size) as pilot:
        dialog, answers = await opened(pilot, customer, "package")
        assert dialog.step == "package"
        lines = dump(pilot.app).splitlines()
        assert any("20 Mbps Home" in line and "now · KES" in line for line in lines)
        check(pilot.app, f"service_package_{size[0]}x{size[1]}")
        await press(pilot, "3")
        shown = dump(pilot.app)
        assert "profile 20M (20M/20M) → 50M (50M/50M)" in shown
        check(pilot.app, f"service_package_plan_{size[0]}x{size[1]}")
        await press(pilot, "e")
        assert dialog.step == "package"
        await press(pilot, "enter", "enter")
        assert dialog.step == "result"
        await press(pilot, "escape")
    assert answers[0].customer.package == "50 Mbps Home"
    assert row(simulator)["profile"] == "50M"


async def test_an_address_that_is_wrong_stands_beside_its_field(
    run: Any, office: Any, simulator: Simulator, customer: int
) -> None:
    async with run(office) as pilot:
        dialog, _ = await opened(pilot, customer, "package")
        await press(pilot, "tab", "text:10.20.0", "enter")
        assert dialog.step == "package"
        assert "is not an IPv4 address" in dump(pilot.app)
        await press(pilot, "text:10.20.0.44", "enter")
        assert "address dynamic → 10.20.0.44" in dump(pilot.app)
        await press(pilot, "enter")
    assert row(simulator)["remote-address"] == "10.20.0.44"


async def test_the_user_is_chosen_first_where_there_are_several(
    run: Any, office: Any, simulator: Simulator, customer: int
) -> None:
    lead = leads.create(office, {"name": "Achieng Shop", "phone": "0788 111 444"}).lead
    request = ConvertRequest(customer_id=customer, router=RouterRequest("WL-RTR-1", package="10 Mbps Home"))
    conversion.convert(office, lead.id, request)
    async with run(office) as pilot:
        dialog, _ = await opened(pilot, customer, "package")
        assert dialog.step == "user"
        assert "achieng.shop on WL-RTR-1" in dump(pilot.app)
        await press(pilot, "2")
        assert dialog.step == "package"
        await press(pilot, "3", "enter")
    assert row(simulator)["profile"] == "20M"
    assert {r["profile"] for r in simulator.secrets() if r["name"] == "achieng.shop"} == {"50M"}


async def test_a_missing_profile_says_how_to_push_it(
    run: Any, office: Any, simulator: Simulator, customer: int
) -> None:
    simulator.remove("/ppp/profile", "50M")
    async with run(office) as pilot:
        dialog, _ = await opened(pilot, customer, "package")
        await press(pilot, "3")
        assert "lacks the profile 50M" in flat(pilot.app)
        assert "package push" in flat(pilot.app)
        await press(pilot, "enter")
        assert dialog.step == "plan"
        simulator.add("/ppp/profile", name="50M")
        await press(pilot, "t", "enter")
        assert dialog.step == "result"


async def test_a_failure_says_what_exists_and_is_tried_again(
    run: Any, office: Any, simulator: Simulator, customer: int
) -> None:
    async with run(office) as pilot:
        dialog, answers = await opened(pilot, customer, "suspend")
        simulator.faults.add(FaultRule("/ppp/secret/set", "refuse", text="failure: no licence"))
        await press(pilot, "enter", "y")
        shown = flat(pilot.app)
        for words in ("no licence", "writing the router user", "stays active"):
            assert words in shown, shown
        await press(pilot, "t", "enter", "y")
        assert dialog.step == "result"
        assert dialog.result is not None
        assert not dialog.result.failed
        await press(pilot, "escape")
        assert len(answers) == 1
    assert row(simulator)["disabled"] == "true"


async def test_esc_gives_up_a_hanging_router(
    run: Any, office: Any, simulator: Simulator, customer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "LOOK_DEADLINE_S", 1.0)
    async with run(office) as pilot:
        dialog, answers = await opened(pilot, customer, "suspend")
        simulator.faults.add(FaultRule("/ppp/active/remove", "hang_before"))
        await press(pilot, "enter")
        await pilot.press("y")
        assert simulator.faults.wait_fired()
        await reached(pilot, dialog, "running")
        assert "Ending 1 session" in dump(pilot.app)
        await pilot.press("escape")
        await reached(pilot, dialog, "result")
        await at_rest(pilot)
        assert "given up" in flat(pilot.app) or "cancelled" in flat(pilot.app), dump(pilot.app)
        await press(pilot, "escape")
        assert answers == [None]
    assert row(simulator)["disabled"] == "false"


async def test_esc_leaves_while_a_router_is_asked(run: Any, office: Any, simulator: Simulator, customer: int) -> None:
    simulator.faults.add(FaultRule("/login", "hang_before"))
    async with run(office) as pilot:
        dialog = ServiceDialog(customer, "suspend")
        pilot.app.push_screen(dialog)
        await reached(pilot, dialog, "asking")
        assert simulator.faults.wait_fired()
        started = time.monotonic()
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen is not dialog
        assert time.monotonic() - started < saga.ROUTER_DEADLINE_S / 2
        await at_rest(pilot)


async def test_who_may_not_is_told(run: Any, office: Any, customer: int) -> None:
    async with run(office) as pilot:
        dialog, _ = await opened(pilot, 4711, "suspend")
        assert dialog.step == "failed"
        assert "It cannot be done" in dump(pilot.app)
        await press(pilot, "escape")
        assert pilot.app.screen is not dialog


async def test_names_are_text_whatever_they_hold(run: Any, office: Any, simulator: Simulator) -> None:
    from tests.screens.office_for_tests import NASTY_NAME

    lead = leads.create(office, {"name": NASTY_NAME, "phone": "0788 111 333", "package": "20 Mbps Home"}).lead
    done = conversion.convert(office, lead.id, ConvertRequest(router=RouterRequest("WL-RTR-1")))
    assert done.customer is not None
    async with run(office) as pilot:
        await opened(pilot, done.customer.id, "suspend")
        assert "[b]Zainab[/b]" in dump(pilot.app)
        await press(pilot, "enter", "y", "enter")
