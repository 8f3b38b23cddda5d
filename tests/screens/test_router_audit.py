"""The audit screen: findings as the routers answer, mending one or many, errors in place, giving up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.confirm import Confirm
from leadtui.screens.router_audit import RouterAuditScreen
from leadtui.screens.router_users import RouterUsers
from leadtui.services import provision_jobs, router_audit, routers
from tests.screen_help import settled
from tests.screens.pictures import at_rest, dump, press
from tests.services.audit_help import mark, place

ROUTER = "WL-RTR-1"


@pytest.fixture
def spoilt(office: Any, simulator: Simulator) -> Simulator:
    """Three users of ours: one gone, one changed, one as it should be; and one that nobody knows."""
    for name in ("achieng.o", "brian.k", "fatuma.h"):
        place(office, simulator, name)
    simulator.remove("/ppp/secret", "achieng.o")
    simulator.change("/ppp/secret", "brian.k", profile="10M", disabled="yes")
    simulator.add("/ppp/secret", name="stray", password="abcdefgh", profile="50M", comment=mark(office, "LD-209901-1"))
    simulator.dial_in("stray")
    return simulator


@pytest.fixture
def second(office: Any) -> Iterator[Simulator]:
    """Another router on the list."""
    with Simulator(identity="R2") as running:
        values = {"name": "R2", "host": running.host, "port": str(running.port), "username": "admin"}
        routers.add(office, values | {"password": "admin"})
        yield running


async def opened(pilot: Any, name: str | None = None) -> RouterAuditScreen:
    screen = RouterAuditScreen(name)
    pilot.app.push_screen(screen)
    await at_rest(pilot)
    return screen


def names(simulator: Simulator) -> set[str]:
    return {row["name"] for row in simulator.secrets()}


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_was_found(
    run: Any, office: Any, spoilt: Simulator, second: Simulator, snapshot: Any, size: tuple[int, int]
) -> None:
    routers.edit(office, "R2", {"port": "1"})
    async with run(office, size) as pilot:
        await opened(pilot)
        snapshot(pilot.app, f"router_audit_{size[0]}x{size[1]}")


async def test_one_is_mended_after_a_look(run: Any, office: Any, spoilt: Simulator) -> None:
    async with run(office) as pilot:
        screen = await opened(pilot, ROUTER)
        assert "3 to mend" in dump(pilot.app)
        await press(pilot, "f")  # the first line is the router itself
        assert not isinstance(pilot.app.screen, Confirm)
        await press(pilot, "down", "f")
        assert isinstance(pilot.app.screen, Confirm)
        assert "+ achieng.o" in dump(pilot.app)
        await press(pilot, "n")
        assert "achieng.o" not in names(spoilt)
        await press(pilot, "enter", "y")
        assert "achieng.o" in names(spoilt)
        shown = dump(pilot.app)
        assert "achieng.o was made on WL-RTR-1 again" in shown
        assert "2 to mend" in shown
        assert screen is pilot.app.screen
        assert "stray" in getattr(screen.table.cursor_row, "id", "")  # the next finding, not the top of the list
        assert {"stray", "brian.k"} <= names(spoilt)


async def test_the_marked_and_then_all_after_typing_how_many(run: Any, office: Any, spoilt: Simulator) -> None:
    async with run(office) as pilot:
        await opened(pilot)
        await press(pilot, "down", "space", "F")  # marks the first finding
        assert "1 made anew" in dump(pilot.app)
        await press(pilot, "text:7", "enter")
        assert "That is not 1" in dump(pilot.app)
        await press(pilot, "backspace", "text:1", "enter")
        assert "achieng.o" in names(spoilt)
        assert "stray" in names(spoilt)
        await press(pilot, "F", "text:2", "enter")
        shown = dump(pilot.app)
        assert "2 mended" in shown
        assert "✓ agrees" in shown
        assert "nothing to mend" in shown
        await press(pilot, "F")
        assert not isinstance(pilot.app.screen, Confirm)
    assert router_audit.audit(office, ROUTER).is_clean


async def test_a_failure_is_said_in_its_line(run: Any, office: Any, spoilt: Simulator) -> None:
    spoilt.faults.add(FaultRule("/ppp/secret/add", "refuse", text="failure: no room"))
    async with run(office, (120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "F", "text:3", "enter")
        shown = dump(pilot.app)
        assert "2 mended, 1 could not be" in shown
        assert "✗ WL-RTR-1 could not add the user: failure: no room" in shown
        await press(pilot, "r")
        assert "no room" not in dump(pilot.app)
        assert "+ pppoe, profile 20M" in dump(pilot.app)


async def test_what_is_not_ours_cannot_be_mended(run: Any, office: Any, spoilt: Simulator) -> None:
    spoilt.remove("/ppp/secret", "stray")
    spoilt.change("/ppp/secret", "brian.k", comment="NOC", password="of-the-noc")
    before = spoilt.rows("/ppp/secret")
    async with run(office, (120, 40)) as pilot:
        await opened(pilot)
        assert "1 to mend" in dump(pilot.app)
        await press(pilot, "end", "f")
        assert not isinstance(pilot.app.screen, Confirm)
        assert "the name is taken by a user that is not ours" in dump(pilot.app)
    assert spoilt.rows("/ppp/secret") == before


async def test_routers_appear_as_they_answer_and_esc_gives_up_the_rest(
    run: Any, office: Any, spoilt: Simulator, second: Simulator
) -> None:
    second.faults.add(FaultRule("/login", "hang_before", count=-1))
    async with run(office) as pilot:
        screen = RouterAuditScreen()
        pilot.app.push_screen(screen)
        async with asyncio.timeout(20):
            while "! differs" not in dump(pilot.app):
                await pilot.pause()
        shown = dump(pilot.app)
        assert "… asking" in shown
        assert "1 of 2 answered · 3 to mend" in shown
        assert screen.bar.busy
        async with asyncio.timeout(5):
            while "Asking the routers 1 of 2 · waiting for R2 — esc stops" not in dump(pilot.app):
                await pilot.pause()
        await pilot.press("f", "F")  # not while something is under way
        assert not isinstance(pilot.app.screen, Confirm)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert "– stopped" in dump(pilot.app)
        second.faults.clear()
        await press(pilot, "r")
        assert "✓ agrees" in dump(pilot.app)
        await press(pilot, "escape")
        assert pilot.app.screen is not screen
    assert routers.get(office, "R2")["last_error"] is None


async def test_a_router_that_failed_is_not_counted_as_answered(run: Any, office: Any, spoilt: Simulator) -> None:
    spoilt.faults.add(FaultRule("/login", "garbage", count=-1))
    async with run(office) as pilot:
        await opened(pilot)
        shown = dump(pilot.app)
        assert "✗ failed" in shown
        assert "0 of 1 answered" in shown
        assert "nothing to mend" not in shown


async def test_the_cursor_moves_nothing_but_itself(run: Any, office: Any, spoilt: Simulator, second: Simulator) -> None:
    """Rows have words of different length, a router that is still being asked none: the list keeps its height."""
    second.faults.add(FaultRule("/login", "hang_before", count=-1))
    async with run(office) as pilot:
        screen = RouterAuditScreen()
        pilot.app.push_screen(screen)
        async with asyncio.timeout(20):
            while "! differs" not in dump(pilot.app):
                await pilot.pause()
        heights = set()
        for key in ("home", "end", *["k"] * 4):
            await pilot.press(key)
            await pilot.pause()
            heights.add(screen.table.size.height)
        assert len(heights) == 1
        await press(pilot, "escape", "escape")


async def test_leaving_gives_up_what_is_under_way(run: Any, office: Any, simulator: Simulator) -> None:
    simulator.faults.add(FaultRule("/login", "hang_before", count=-1))
    async with run(office) as pilot:
        pilot.app.push_screen(screen := RouterAuditScreen(ROUTER))
        await pilot.pause()
        assert await asyncio.to_thread(simulator.faults.wait_fired)
        await pilot.press("q")
        await settled(pilot)
        assert pilot.app.screen is not screen
        assert screen.token.cancelled
    assert router_audit.last(office) == {}


async def test_a_mend_that_hangs_is_given_up_and_undone(run: Any, office: Any, spoilt: Simulator) -> None:
    spoilt.faults.add(FaultRule("/ppp/secret/add", "hang_before"))
    async with run(office) as pilot:
        await opened(pilot)
        await press(pilot, "down", "f")
        await pilot.press("y")
        assert await asyncio.to_thread(spoilt.faults.wait_fired)
        assert "Mending achieng.o" in dump(pilot.app)
        await press(pilot, "escape")
        assert "Mending" not in dump(pilot.app)
    assert router_audit.audit(office, ROUTER).error is None
    with office.read() as tx:
        assert all(job.state not in provision_jobs.OPEN_STATES for job in provision_jobs.unsettled(tx))


async def test_who_may_not_audit_reads_why(run: Any, office: Any, simulator: Simulator) -> None:
    from tests.services.test_conversion import acting

    async with run(acting(office, "collections")) as pilot:
        await opened(pilot)
        assert "you may not see the routers" in dump(pilot.app)


async def test_no_routers_and_names_with_markup(run: Any, office: Any) -> None:
    async with run(office, (60, 20)) as pilot:
        await opened(pilot)
        assert "No routers yet" in dump(pilot.app)
    with Simulator() as odd:
        values = {"name": "[b]R[/b]", "host": odd.host, "port": str(odd.port), "username": "admin", "password": "admin"}
        routers.add(office, values)
        nasty = "[@click=app.quit]x[/]\x1b[2J"
        odd.add("/ppp/secret", name=nasty, password="abcdefgh", comment=mark(office, "LD-209901-0001"))
        async with run(office) as pilot:
            await opened(pilot)
            await press(pilot, "down", "f")
            shown = dump(pilot.app)
            assert "- [@click=app.quit]x[/]" in shown
            assert "\x1b" not in shown
            await press(pilot, "y")
            assert "✓ agrees" in dump(pilot.app)


async def test_the_list_of_users_says_what_is_odd(run: Any, office: Any, spoilt: Simulator) -> None:
    spoilt.change("/ppp/secret", "fatuma.h", comment="")
    spoilt.change("/ppp/secret", "brian.k", name="brian")
    async with run(office) as pilot:
        pilot.app.push_screen(RouterUsers(ROUTER))
        await at_rest(pilot)
        shown = dump(pilot.app)
        for words in ("✗ missing", "! orphaned", "! unmarked", "! renamed", "4 of ours · 3 of others"):
            assert words in shown


async def test_keys_are_never_held_up(run: Any, office: Any, simulator: Simulator) -> None:
    """While a router hangs the screen answers: the thread that waits is not the one that draws."""
    simulator.faults.add(FaultRule("/login", "hang_before", count=-1))
    async with run(office) as pilot:
        screen = RouterAuditScreen()
        pilot.app.push_screen(screen)
        await pilot.pause()
        assert await asyncio.to_thread(simulator.faults.wait_fired)
        assert not any(thread is threading.main_thread() for thread in _talking())
        await pilot.press("?")
        await pilot.pause()
        assert pilot.app.screen is not screen
        await pilot.press("escape")
        screen.token.cancel()
        await at_rest(pilot)


def _talking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "leadtui-audit"]
