"""The conversion wizard by keyboard alone: every outcome, at 80×24 and wide, and leaving it while a router hangs."""

from __future__ import annotations

import time
from typing import Any

import pytest
from textual.pilot import Pilot

from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.convert import ConvertWizard
from leadtui.services import agreement, leads, saga
from leadtui.services.conversion import ConvertRequest, convert, pending
from leadtui.services.provision_jobs import unsettled
from tests.screens.pictures import at_rest, dump, press

ADD = "/ppp/secret/add"
LEAD = 1


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "LOOK_DEADLINE_S", 1.0)


async def opened(pilot: Pilot[Any], lead_id: int = LEAD) -> ConvertWizard:
    """The wizard on the screen."""
    wizard = ConvertWizard(lead_id)
    pilot.app.push_screen(wizard)
    await at_rest(pilot)
    return wizard


async def to_plan(pilot: Pilot[Any]) -> ConvertWizard:
    """The wizard at step 3, everything as suggested."""
    wizard = await opened(pilot)
    await press(pilot, "enter", "ctrl+s")
    assert wizard.step == "plan"
    return wizard


async def reached(pilot: Pilot[Any], wizard: ConvertWizard, step: str) -> None:
    """Wait for a step that does not rest."""
    end = time.monotonic() + 10
    while wizard.step != step:
        assert time.monotonic() < end, wizard.step
        await pilot.pause(0.01)


async def shows(pilot: Pilot[Any], words: str) -> None:
    """Wait until the words stand on the screen."""
    end = time.monotonic() + 10
    while words not in " ".join(dump(pilot.app).split()):
        assert time.monotonic() < end, dump(pilot.app)
        await pilot.pause(0.01)


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)])
async def test_a_lead_becomes_a_customer_by_keyboard_alone(
    run: Any, office: Any, simulator: Simulator, size: tuple[int, int]
) -> None:
    async with run(office, size) as pilot:
        wizard = await opened(pilot)
        first = dump(pilot.app)
        assert "step 1 of 4" in first
        assert "Achieng Odhiambo" in first
        assert "20 Mbps Home" in first
        await press(pilot, "enter")
        assert "Create MikroTik User?" in dump(pilot.app)
        assert "achieng.odhiambo" in str(wizard.form.values())
        await press(pilot, "ctrl+s")
        shown = dump(pilot.app)
        for words in (
            "step 3 of 4",
            "+ /ppp/secret achieng.odhiambo",
            "profile 20M is there ✓",
            "● Converted, locked",
        ):
            assert words in shown, shown
        assert "7.18.2" in shown
        password = wizard.request.router.password.reveal()  # type: ignore[union-attr]
        assert password not in shown
        await press(pilot, "p")
        assert password in dump(pilot.app)
        await press(pilot, "enter")
        end = dump(pilot.app)
        assert "step 4 of 4" in end
        assert "Lead converted to customer successfully" in end
        assert password not in end
        await press(pilot, "p")
        assert password in dump(pilot.app)
        assert wizard.copy_text() == f"achieng.odhiambo\t{password}"
        await press(pilot, "y")
        assert pilot.app.clipboard == f"achieng.odhiambo\t{password}"
        await press(pilot, "enter")
        assert pilot.app.screen is not wizard
    detail = leads.get(office, LEAD)
    assert detail.row.is_converted
    assert detail.row.router_user is not None
    row = next(r for r in simulator.secrets() if r["name"] == "achieng.odhiambo")
    assert row["password"] == password


async def test_without_a_router_user_only_the_customer_is_made(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await opened(pilot)
        await press(pilot, "enter")
        wizard.form.focus_field("router_user")
        await press(pilot, "space")
        assert "User name" not in dump(pilot.app)
        await press(pilot, "ctrl+s")
        assert "/ppp/secret" not in dump(pilot.app)
        await press(pilot, "enter")
        assert "none: only the customer was made" in dump(pilot.app)
    assert leads.get(office, LEAD).row.router_user is None
    assert len(simulator.secrets()) == 3


async def test_what_is_wrong_stands_beside_its_field(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await opened(pilot)
        await press(pilot, "enter")
        wizard.form.set_values({"pan": "nonsense"})
        await press(pilot, "ctrl+s")
        assert wizard.step == "fields"
        assert "ABCDE1234F" in wizard.form.errors["pan"]
        assert wizard.form.focused_key == "pan"
        wizard.form.set_values({"pan": "", "address": "typed", "ip": "pool-1"})
        await press(pilot, "ctrl+s")
        assert set(wizard.form.errors) == {"ip"}


async def test_the_password_can_be_made_anew_and_typed(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await opened(pilot)
        await press(pilot, "enter")
        before = wizard.form.value("password")
        assert before not in dump(pilot.app)
        await press(pilot, "f5")
        after = wizard.form.value("password")
        assert after != before
        assert after in dump(pilot.app)
        await press(pilot, "f3")
        assert after not in dump(pilot.app)
        wizard.form.set_values({"password": "typed-one.1"})
        await press(pilot, "ctrl+s", "enter")
        assert wizard.result is not None
    assert "typed-one.1" in {row["password"] for row in simulator.secrets()}


async def test_a_missing_profile_is_told_before_the_last_step(run: Any, office: Any, simulator: Simulator) -> None:
    simulator.remove("/ppp/profile", "20M")
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        assert "WL-RTR-1 lacks the profile 20M" in dump(pilot.app)
        await press(pilot, "enter")  # not possible as it is
        assert wizard.step == "plan"
        simulator.add("/ppp/profile", name="20M", **{"rate-limit": "20M/20M"})
        await press(pilot, "t")
        assert "profile 20M is there ✓" in dump(pilot.app)
        await press(pilot, "enter")
        assert wizard.step == "result"


async def test_a_foreign_user_of_that_name_is_shown(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await opened(pilot)
        await press(pilot, "enter")
        wizard.form.set_values({"username": "jane.w"})
        await press(pilot, "ctrl+s")
        shown = dump(pilot.app)
        assert "is there already and is not ours" in shown
        assert "moved 2023" in shown
        await press(pilot, "e")
        assert wizard.step == "fields"
        assert wizard.form.value("username") == "jane.w"


async def test_a_failure_says_what_exists_and_offers_three_ways(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        simulator.faults.add(FaultRule(ADD, "refuse", text="failure: no more licences"))
        await press(pilot, "enter")
        shown = dump(pilot.app)
        for words in (
            "It did not work",
            "no more licences",
            "making the router user",
            "is still Interested",
            "nothing of",
        ):
            assert words in shown, shown
        assert not leads.get(office, LEAD).row.is_converted
        await press(pilot, "t", "enter")
        assert wizard.step == "result"


async def test_a_failure_can_end_without_a_router_user(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        simulator.faults.add(FaultRule(ADD, "drop_after"))
        await press(pilot, "enter")
        assert "was removed again" in " ".join(dump(pilot.app).split())
        await press(pilot, "w")
        assert wizard.step == "plan"
        await press(pilot, "enter")
        assert wizard.step == "result"
    assert leads.get(office, LEAD).row.is_converted
    assert len(simulator.secrets()) == 3


async def test_esc_leaves_everything_as_it_is(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is not wizard
    assert leads.get(office, LEAD).row.status == "Interested"
    assert pending(office) == []


async def test_esc_gives_up_a_hanging_router(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        simulator.faults.add(FaultRule(ADD, "hang_after"))
        await pilot.press("enter")
        assert simulator.faults.wait_fired()
        assert wizard.step == "running"
        assert "Adding the user" in dump(pilot.app)
        await pilot.press("escape")
        await reached(pilot, wizard, "failed")
        assert "was removed again" in " ".join(dump(pilot.app).split())
    assert len(simulator.secrets()) == 3
    assert leads.get(office, LEAD).row.status == "Interested"


async def test_quitting_while_a_router_hangs_takes_no_time(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        simulator.faults.add(FaultRule(ADD, "hang_before"))
        await pilot.press("enter")
        assert simulator.faults.wait_fired()
        assert wizard.step == "running"
        await pilot.press("ctrl+q")
        await shows(pilot, "The conversion is under way")
        started = time.monotonic()
        await pilot.press("y")
        while pilot.app.is_running and pilot.app.return_code is None and time.monotonic() < started + 5:
            await pilot.pause(0.01)
    assert time.monotonic() - started < 1.0


async def test_a_router_that_does_not_answer_is_part_of_the_plan(
    run: Any, office: Any, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saga, "ROUTER_DEADLINE_S", 0.3)
    simulator.faults.add(FaultRule("/login", "hang_before"))
    async with run(office) as pilot:
        await to_plan(pilot)
        assert "did not answer within 0.3 s" in " ".join(dump(pilot.app).split())


async def test_a_lead_that_cannot_be_converted_says_so_at_once(run: Any, office: Any) -> None:
    convert(office, LEAD, ConvertRequest())
    async with run(office) as pilot:
        wizard = await opened(pilot)
        assert pilot.app.screen is not wizard


async def test_names_are_text_whatever_they_hold(run: Any, office: Any, simulator: Simulator) -> None:
    from tests.screens.office_for_tests import NASTY_NAME

    lead = leads.create(office, {"name": NASTY_NAME, "phone": "0788 111 333", "package": "20 Mbps Home"}).lead
    async with run(office) as pilot:
        wizard = await opened(pilot, lead.id)
        assert "[b]Zainab[/b]" in dump(pilot.app)
        await press(pilot, "enter", "ctrl+s", "enter")
        assert wizard.step == "result", dump(pilot.app)


async def test_help_lists_the_wizards_keys(run: Any, office: Any) -> None:
    async with run(office) as pilot:
        wizard = await opened(pilot)
        assert {"convert.go", "convert.without", "convert.password"} <= {command.id for command in wizard.commands()}


async def test_no_pending_intent_is_left_by_reading(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        await to_plan(pilot)
    with office.read() as tx:
        assert unsettled(tx) == []
