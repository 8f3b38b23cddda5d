"""The conversion wizard: leaving while it works, addresses, duplicates, the plan as a diff."""

from __future__ import annotations

import time
from typing import Any

import pytest
from textual.pilot import Pilot

from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.convert import ConvertMany
from leadtui.services import admin, leads, lifecycle
from leadtui.services.conversion import ConvertRequest, RouterRequest, convert, pending
from tests.screens.pictures import at_rest, dump, press
from tests.screens.test_convert import ADD, LEAD, opened, reached, shows, to_plan
from tests.services.conversion_help import wait_until


@pytest.mark.parametrize("answer", ["y", "n"])
async def test_q_asks_while_a_conversion_is_under_way(run: Any, office: Any, simulator: Simulator, answer: str) -> None:
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        simulator.faults.add(FaultRule(ADD, "hang_after"))
        await pilot.press("enter")
        assert simulator.faults.wait_fired()
        await pilot.press("q")
        await shows(pilot, "The conversion is under way")
        await pilot.press(answer)
        if answer == "n":
            await pilot.pause()
            assert pilot.app.screen is wizard
            assert wizard.step == "running"
            await pilot.press("escape")
            await reached(pilot, wizard, "failed")
        else:
            await pilot.pause()
            assert pilot.app.screen is not wizard
    wait_until(lambda: pending(office) == [])  # removed again: no late answer is expected
    assert len(simulator.secrets()) == 3
    assert leads.get(office, LEAD).row.status == "Interested"


async def test_what_ended_meanwhile_is_shown_although_leaving_was_asked_about(
    run: Any, office: Any, simulator: Simulator
) -> None:
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        simulator.faults.add(FaultRule(ADD, "delay", delay_s=0.5))
        await pilot.press("enter")
        assert simulator.faults.wait_fired()
        await pilot.press("q")
        await reached(pilot, wizard, "result")
        await press(pilot, "y")
        assert pilot.app.screen is wizard
        assert "Lead converted to customer successfully" in dump(pilot.app)


async def test_a_duplicate_that_turns_up_later_is_linked_in_one_key(
    run: Any, office: Any, simulator: Simulator
) -> None:
    async with run(office) as pilot:
        wizard = await opened(pilot)
        other = leads.create(
            office, {"name": "Achieng's shop", "phone": "0788 111 222", "email": "achieng@example.ke"}
        ).lead
        customer = convert(office, other.id, ConvertRequest()).customer
        assert customer is not None
        await press(pilot, "enter", "ctrl+s")
        assert wizard.step == "duplicate"
        shown = dump(pilot.app)
        for words in ("Duplicate customer email", f"customer {customer.id}, Achieng's shop", "l links the lead to it"):
            assert words in shown, shown
        await press(pilot, "l")
        assert wizard.step == "plan"
        assert f"~ link to customer {customer.id}" in dump(pilot.app)
        await press(pilot, "enter")
        assert wizard.step == "result"
    assert leads.get(office, LEAD).row.customer_id == customer.id


async def test_an_address_may_be_dynamic_drawn_or_typed(run: Any, office: Any, simulator: Simulator) -> None:
    values = {"profile": "20M", "upload": "5M", "download": "20M", "addressing": "queue", "pool": "pppoe-wl"}
    admin.add(office, "package", {"name": "Office Line", **values})
    async with run(office) as pilot:
        wizard = await opened(pilot)
        await press(pilot, "enter")
        assert wizard.form.value("address") == "dynamic"
        assert "ip" not in wizard.form.visible_values()
        wizard.form.set_values({"address": "typed", "ip": "10.20.0.77"})
        await press(pilot, "ctrl+s")
        assert "address 10.20.0.77 is free" in dump(pilot.app)
        await press(pilot, "e")
        wizard.form.set_values({"package": "Office Line"})
        await pilot.pause()
        assert wizard.form.value("address") == "typed"
        wizard.form.set_values({"address": "next"})
        await press(pilot, "ctrl+s")
        shown = " ".join(dump(pilot.app).split())
        for words in (
            "address 10.20.0.2 is free ✓ the next free one of pppoe-wl", "+ /ppp/secret achieng.odhiambo",
            "+ /queue/simple achieng.odhiambo limits 5M up, 20M down, target 10.20.0.2",
        ):  # fmt: skip
            assert words in shown, shown
        await press(pilot, "enter")
        assert "10.20.0.2" in dump(pilot.app)
    assert [row["target"] for row in simulator.rows("/queue/simple")] == ["10.20.0.2/32"]


async def test_a_lead_converted_again_is_shown_as_a_diff(run: Any, office: Any, simulator: Simulator) -> None:
    convert(office, LEAD, ConvertRequest(router=RouterRequest("WL-RTR-1")))
    lifecycle.reopen(office, LEAD, "a faster package")
    async with run(office) as pilot:
        wizard = await opened(pilot)
        await press(pilot, "enter")
        wizard.form.set_values({"package": "50 Mbps Home"})
        await press(pilot, "ctrl+s")
        shown = " ".join(dump(pilot.app).split())
        for words in ("~ /ppp/secret achieng.odhiambo", "~ profile 20M → 50M", "= unchanged address dynamic"):
            assert words in shown, shown


async def test_a_duplicate_customer_can_be_linked(run: Any, office: Any) -> None:
    other = leads.create(
        office, {"name": "Achieng's shop", "phone": "0788 111 222", "email": "achieng@example.ke"}
    ).lead
    customer = convert(office, other.id, ConvertRequest()).customer
    assert customer is not None
    async with run(office) as pilot:
        wizard = await opened(pilot)
        assert "has the same email" in dump(pilot.app)
        await press(pilot, "enter")
        assert wizard.form.value("customer") == str(customer.id)
        wizard.form.set_values({"router_user": ""})
        await press(pilot, "ctrl+s")
        assert f"link to customer {customer.id}" in dump(pilot.app)
        await press(pilot, "enter")
    assert leads.get(office, LEAD).row.customer_id == customer.id


@pytest.mark.parametrize("at", ["fields", "plan"])
async def test_a_lead_that_another_agent_converted_meanwhile_is_not_said_to_be_as_before(
    run: Any, office: Any, simulator: Simulator, at: str
) -> None:
    async with run(office) as pilot:
        wizard = await opened(pilot)
        await press(pilot, "enter", *(["ctrl+s"] if at == "plan" else []))
        customer = convert(office, LEAD, ConvertRequest()).customer
        assert customer is not None
        await press(pilot, "enter" if at == "plan" else "ctrl+s")
        assert wizard.step == "failed"
        shown = " ".join(dump(pilot.app).split())
        assert f"is Converted, customer {customer.id}: somebody else was quicker" in shown
        assert "no customer was made" not in shown
        assert "tries again" not in shown
        await press(pilot, "w", "t", "e")
        assert wizard.step == "failed"
        await press(pilot, "escape")
        assert pilot.app.screen is not wizard
    assert [row["name"] for row in simulator.secrets() if row.get("comment", "").startswith("leadtui:")] == []


async def test_typing_in_an_open_menu_finds_the_choice(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        wizard = await opened(pilot)
        await press(pilot, "enter")
        wizard.form.focus_field("package")
        await press(pilot, "enter", "text:50 mb", "enter")
        assert wizard.form.value("package") == "50 Mbps Home"


async def test_a_profile_that_is_slower_than_the_package_is_told(run: Any, office: Any, simulator: Simulator) -> None:
    admin.edit(office, "package", "20 Mbps Home", {"upload": "5M", "download": "20M"})
    async with run(office) as pilot:
        wizard = await to_plan(pilot)
        shown = " ".join(dump(pilot.app).split())
        assert "profile 20M is there !" in shown
        assert "the package means 5M/20M" in shown
        await press(pilot, "enter")
        assert wizard.step == "result"  # told, not forbidden


# -- many leads --------------------------------------------------------------------------------------------------------
async def many(pilot: Pilot[Any], ids: list[int]) -> ConvertMany:
    screen = ConvertMany(ids, None)
    pilot.app.push_screen(screen)
    await at_rest(pilot)
    return screen


def more_leads(office: Any, count: int) -> list[int]:
    values = {"package": "20 Mbps Home", "status": "Interested"}
    return [
        leads.create(office, {**values, "name": f"L {n}", "phone": f"07222220{n:02}"}).lead.id for n in range(count)
    ]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_many_leads_are_converted_after_a_preview(
    run: Any, office: Any, simulator: Simulator, size: tuple[int, int]
) -> None:
    ids = more_leads(office, 4)
    convert(office, ids[0], ConvertRequest())
    simulator.faults.add(FaultRule(ADD, "refuse", skip=1, text="failure: no more licences"))
    async with run(office, size) as pilot:
        screen = await many(pilot, ids)
        assert "Create MikroTik users?" in dump(pilot.app)
        await press(pilot, "ctrl+s")
        shown = " ".join(dump(pilot.app).split())
        for words in ("3 of 4 leads become customers", "Lead already converted"):
            assert words in shown, shown
        await press(pilot, "enter")
        assert "Type 3 to go on" in dump(pilot.app)
        await press(pilot, "3", "enter")
        await reached_in(pilot, screen, "result")
        shown = " ".join(dump(pilot.app).split())
        for words in ("2 of 4 leads were converted", "no more licences", "Lead already converted"):
            assert words in shown, shown
        await press(pilot, "enter")
        assert pilot.app.screen is not screen
        assert "2 of 4 leads were converted" in dump(pilot.app)
    assert [leads.get(office, one).row.is_converted for one in ids] == [True, True, False, True]
    assert sum(row.get("comment", "").startswith("leadtui:") for row in simulator.secrets()) == 2


async def test_many_conversions_can_be_stopped(run: Any, office: Any, simulator: Simulator) -> None:
    ids = more_leads(office, 3)
    async with run(office) as pilot:
        screen = await many(pilot, ids)
        await press(pilot, "ctrl+s", "enter")
        simulator.faults.add(FaultRule(ADD, "hang_after", skip=1))
        await pilot.press("3", "enter")
        await shows(pilot, "Converting 1 of 3")
        assert simulator.faults.wait_fired()
        await pilot.press("escape")
        await reached_in(pilot, screen, "result")
        assert "1 of 3 leads were converted, stopped before the rest" in " ".join(dump(pilot.app).split())
    assert [leads.get(office, one).row.is_converted for one in ids] == [True, False, False]
    assert [job for job in pending(office) if job.state != "failed"] == []
    assert sum(row.get("comment", "").startswith("leadtui:") for row in simulator.secrets()) == 1


async def test_marked_leads_are_converted_from_the_list(run: Any, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "space", "space", "C")
        assert isinstance(pilot.app.screen, ConvertMany)
        assert "Convert 2 leads" in dump(pilot.app)


async def reached_in(pilot: Pilot[Any], screen: ConvertMany, step: str) -> None:
    end = time.monotonic() + 10
    while screen.step != step:
        assert time.monotonic() < end, screen.step
        await pilot.pause(0.01)
