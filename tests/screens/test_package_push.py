"""Pushing a package from the office screen, and what drifted: marks, preview, question, progress, result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.confirm import Confirm
from leadtui.screens.office import OfficeScreen
from leadtui.screens.package_drift import PackageDrift
from leadtui.screens.package_push import PackagePush
from leadtui.services import admin, package_push, routers
from tests.screens.pictures import dump, press

PPP = "/ppp/profile"
HOME = "20 Mbps Home"


@pytest.fixture
def second(office: Any) -> Iterator[Simulator]:
    """Another training router, on the list as NGONG-RTR, and packages of a new name for both."""
    with Simulator(identity="NGONG-RTR") as running:
        address = {"host": running.host, "port": str(running.port), "username": "admin", "password": "admin"}
        routers.add(office, {"name": "NGONG-RTR"} | address)
        admin.edit(office, "package", HOME, {"profile": "Home20", "upload": "5M"})
        yield running


def names(router: Simulator) -> set[str]:
    """The profiles that a router has."""
    return {row["name"] for row in router.rows(PPP)}


async def test_a_package_is_pushed_to_the_marked_routers(
    run: Any, office: Any, simulator: Simulator, second: Simulator
) -> None:
    async with run(office) as pilot:
        await press(pilot, "5", "j", "p")
        screen = pilot.app.screen
        assert isinstance(screen, PackagePush)
        shown = dump(pilot.app)
        assert shown.count("+ missing") == 2 and "up/down 5M/20M" in shown
        assert screen.table.marked_count == 2, "what would be done is marked"
        await press(pilot, "g", "space", "p")  # not NGONG-RTR
        assert isinstance(pilot.app.screen, Confirm)
        shown = dump(pilot.app)
        assert f"Push {HOME} to 1 router?" in shown and "WL-RTR-1: make Home20: up/down 5M/20M" in shown
        await press(pilot, "n")
        assert "Home20" not in names(simulator) | names(second)
        await press(pilot, "p", "y")
        shown = dump(pilot.app)
        assert "✓ made" in shown and f"{HOME}: 1 done" in shown
    assert "Home20" in names(simulator) and "Home20" not in names(second)


async def test_what_is_left_as_it_is_says_why(run: Any, office: Any, simulator: Simulator) -> None:
    admin.edit(office, "package", "50 Mbps Home", {"upload": "25M"})
    simulator.change(PPP, "50M", rate_limit="[b]50M[/] \x1b[2J\u202e")
    before = simulator.rows(PPP)
    async with run(office) as pilot:
        await press(pilot, "5", "j", "j", "p")
        shown = dump(pilot.app)
        assert "! not ours" in shown and "[b]50M[/]" in shown and "not 25M/50M" in shown
        assert "\x1b" not in shown and "\u202e" not in shown
        assert "was not made by this program" in " ".join(shown.split())
        await press(pilot, "p")
        assert "Mark the routers to push to" in "".join(n.message for n in pilot.app._notifications)
        await press(pilot, "space", "p", "y")
        assert "1 left as it is" in dump(pilot.app)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, OfficeScreen)
    assert simulator.rows(PPP) == before


async def test_a_silent_router_holds_up_nothing_and_can_be_given_up(
    run: Any, office: Any, simulator: Simulator, second: Simulator
) -> None:
    async with run(office) as pilot:
        await press(pilot, "5", "j", "p")
        second.faults.add(FaultRule(PPP, "hang_before", count=-1))
        await pilot.press("p")
        await pilot.pause()
        await pilot.press("y")
        async with asyncio.timeout(20):
            while "✓ made" not in dump(pilot.app):  # the other one is still silent
                await pilot.pause()
        assert "… writing" in dump(pilot.app)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, PackagePush), "one stays to see what came of it"
        shown = dump(pilot.app)
        assert "✗ failed" in shown and "1 done, 1 failed" in shown
        second.faults.clear()
        await press(pilot, "t", "p", "y")
        assert dump(pilot.app).count("✓") >= 2
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, OfficeScreen)
    assert "Home20" in names(simulator) & names(second)


async def test_a_package_that_says_too_little_and_another_service(run: Any, office: Any, simulator: Simulator) -> None:
    admin.edit(office, "package", "10 Mbps Home", {"upload": "", "download": "", "speed": "5M/10M"})
    async with run(office) as pilot:
        await press(pilot, "5", "p")
        assert "does not say which figure is the upload" in " ".join(dump(pilot.app).split())
        await press(pilot, "escape", "j", "p", "s", "s")
        shown = dump(pilot.app)
        assert "Hotspot everywhere" in shown and "lt-20M" in shown
        await press(pilot, "p", "y")
    assert "lt-20M" in {row["name"] for row in simulator.rows("/ip/hotspot/user/profile")}


async def test_drift_over_all_packages_leads_to_a_push(
    run: Any, office: Any, simulator: Simulator, second: Simulator
) -> None:
    package_push.push(office, HOME)
    simulator.change(PPP, "Home20", rate_limit="1M/1M")
    async with run(office) as pilot:
        await press(pilot, "5", "v")
        assert isinstance(pilot.app.screen, PackageDrift)
        shown = dump(pilot.app)
        assert "1 difference" in shown and "WL-RTR-1" in shown and "NGONG-RTR" not in shown
        assert "up/down 1M/1M → 5M/20M" in shown
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, PackagePush) and "NGONG-RTR" not in dump(pilot.app)
        await press(pilot, "p", "y", "escape")
        assert "Routers and packages agree" in dump(pilot.app)
        await press(pilot, "p")
        assert "nothing to push" in "".join(n.message for n in pilot.app._notifications)
    assert next(row["rate-limit"] for row in simulator.rows(PPP) if row["name"] == "Home20") == "5M/20M"


async def test_only_packages_are_pushed_and_only_by_who_may(run: Any, office: Any, simulator: Simulator) -> None:
    from leadtui.services.office import open_office

    async with run(office) as pilot:
        await press(pilot, "5", "tab", "p", "v")
        assert isinstance(pilot.app.screen, OfficeScreen)
        assert "Only packages" in "".join(n.message for n in pilot.app._notifications)
    admin.add_user(office, {"login": "jane", "name": "Jane", "role": "agent"})
    other = open_office(str(office.store.path), as_login="jane")
    async with run(other) as pilot:
        await press(pilot, "5", "p", "v")
        assert isinstance(pilot.app.screen, OfficeScreen)
        assert "your role may not" in "".join(n.message for n in pilot.app._notifications).lower()
    other.close()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_how_it_looks(
    run: Any, office: Any, simulator: Simulator, second: Simulator, snapshot: Any, size: tuple[int, int]
) -> None:
    package_push.push(office, HOME, ["WL-RTR-1"])
    simulator.change(PPP, "Home20", rate_limit="20M/5M", remote_address="pppoe-wl")
    admin.edit(office, "package", "10 Mbps Home", {"upload": "2M"})
    suffix = f"{size[0]}x{size[1]}"
    async with run(office, size) as pilot:
        await press(pilot, "5", "j", "p")
        snapshot(pilot.app, f"package_push_{suffix}")
        await press(pilot, "escape", "v", "g", "j")
        snapshot(pilot.app, f"package_drift_{suffix}")


async def test_a_package_is_given_its_figures(run: Any, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "5", "e")
        form = pilot.app.screen.form  # type: ignore[attr-defined]
        assert (form.value("upload"), form.value("download"), form.value("addressing")) == ("10M", "10M", "dynamic")
        form.set_values({"upload": "quick"})
        await press(pilot, "ctrl+s")
        assert "not a speed" in form.errors["upload"]
        form.set_values({"upload": "2M", "gateway": "10.20.0.1", "addressing": "fixed"})
        await press(pilot, "ctrl+s")
        assert "without a pool" in "".join(n.message for n in pilot.app._notifications)
        assert "2M/10M" in dump(pilot.app)
    record = admin.items(office, "package")[0]
    assert (record["upload"], record["gateway"], record["addressing"]) == ("2M", "10.20.0.1", "fixed")


async def test_a_router_that_hangs_keeps_nobody_from_pushing_to_another(
    run: Any, office: Any, simulator: Simulator, second: Simulator
) -> None:
    second.faults.add(FaultRule("/login", "hang_before", count=-1))
    async with run(office) as pilot:
        await press(pilot, "5", "j")
        await pilot.press("p")
        async with asyncio.timeout(20):
            while "+ missing" not in dump(pilot.app):
                await pilot.pause()
        assert "… asking" in dump(pilot.app)
        await pilot.press("p")
        async with asyncio.timeout(20):
            while not isinstance(pilot.app.screen, Confirm):
                await pilot.pause()
        await press(pilot, "y")
        shown = dump(pilot.app)
        assert "✓ made" in shown
        assert "… asking" not in shown
    assert "Home20" in names(simulator)
