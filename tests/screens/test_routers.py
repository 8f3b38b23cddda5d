"""The routers screen: list and facts, tests and load of many at once, certificates, other boxes, add, edit, remove."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.confirm import Confirm
from leadtui.screens.pending_jobs import PendingJobs
from leadtui.screens.record_form import RecordForm
from leadtui.screens.router_users import RouterUsers
from leadtui.screens.routers import RoutersScreen
from leadtui.services import admin, leads, routers
from leadtui.services.conversion import ConvertRequest, RouterRequest, convert, pending
from leadtui.store import schema as t
from tests.screens.conftest import NOW
from tests.screens.pictures import at_rest, dump, press

ROUTER = "WL-RTR-1"
GIVEN = {"host": "10.0.0.1", "username": "api", "password": "s3cret"}


def put(office: Any, simulator: Simulator, name: str, **values: str) -> None:
    address = {"host": simulator.host, "port": str(simulator.port), "username": "admin", "password": "admin"}
    routers.add(office, {"name": name} | address | values)


@pytest.fixture
def three(office: Any) -> Iterator[dict[str, Simulator]]:
    """Three training routers on the list: A, B, C."""
    with ExitStack() as stack:
        running = {name: stack.enter_context(Simulator(identity=f"BOX-{name}")) for name in "ABC"}
        for name, simulator in running.items():
            put(office, simulator, name)
        yield running


async def until(pilot: Any, is_so: Callable[[], bool]) -> None:
    """Let the program work until it is so; at rest it will not be while a router hangs."""
    async with asyncio.timeout(10):
        while not is_so():
            await pilot.pause()


def toasts(app: Any) -> str:
    return "\n".join(note.message for note in app._notifications)


def states(app: Any) -> dict[str, str]:
    """What the list says of each router."""
    screen = app.screen
    found = {row["name"]: screen.cell(row, "state") for row in screen.rows}
    return {name: cell if isinstance(cell, str) else cell[0] for name, cell in found.items()}


# -- the list ----------------------------------------------------------------------------------------------------------
def fill(office: Any) -> None:
    """Routers in every state, with load and audit, without a router that answers."""
    admin.add(office, "branch", {"name": "Westlands"})
    listed: dict[str, dict[str, str]] = {
        "WL-RTR-1": {"areas": "Westlands, Parklands", "branch": "Westlands"},
        "WL-AP-3": {"host": "10.0.0.3", "tls": "pin", "tls_pin": "ab" * 32},
        "KAREN": {"host": "karen.example.net", "tls": "anonymous", "service": "hotspot"},
        "OLD": {},
        "[b]NEW[/b]": {},
    }
    for name, values in listed.items():
        routers.add(office, {"name": name} | GIVEN | values)
    routers.edit(office, "OLD", {"is_active": "no"})
    silent = (
        "WL-AP-3 (10.0.0.3:8729) did not answer within 5 s, and this sentence goes on [b]and on[/b] until it is cut"
    )
    with office.write() as tx:
        ids = {row.name: row.id for row in tx.conn.execute(t.router.select())}

        def known(name: str, **values: Any) -> None:
            tx.conn.execute(update(t.router).where(t.router.c.id == ids[name]).values(**values))

        def load(name: str, minutes: int, **values: Any) -> None:
            at = NOW - timedelta(minutes=minutes)
            tx.conn.execute(insert(t.router_capacity).values(router_id=ids[name], answered_at=at, **values))

        def audited(name: str, **found: int) -> None:
            tx.audit("check", "router", ids[name], None, {"missing": 0, "orphaned": 0, "drifted": 0} | found)

        ago = [NOW - timedelta(minutes=minutes) for minutes in (2, 180, 0)]
        known("WL-RTR-1", identity="WL-RTR-1", version="7.18.2 (stable)", board="CCR2004-16G-2S+", last_ok_at=ago[0])
        known("WL-AP-3", identity="WL-AP-3", version="6.49.10", board="RB4011", last_ok_at=ago[1], last_error=silent)
        known("KAREN", identity="Karen", version="7.9", board="hEX", last_ok_at=ago[2])
        pools = [{"name": "pppoe-wl", "total": 253, "used": 193, "next": "pppoe-2"}, {"name": "pppoe-2", "total": 1}]
        load("WL-RTR-1", 2, asked_at=ago[0], sessions=193, cpu_percent=7, uptime="3w4d2h", free_addresses=61,
             total_addresses=254, pools_json=pools)  # fmt: skip
        load("WL-AP-3", 180, asked_at=ago[0], error="it did not answer", sessions=41, cpu_percent=97, uptime="1d",
             free_addresses=4, total_addresses=65022, pools_json=[{"name": "[b]x", "total": 65022, "used": 65018}],
             )  # fmt: skip
        audited("WL-RTR-1")
        audited("KAREN", missing=1, drifted=2)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_list_and_everything_known_of_a_router(
    run: Any, office: Any, size: tuple[int, int], snapshot: Callable[[Any, str], None]
) -> None:
    fill(office)
    name = f"{size[0]}x{size[1]}"
    async with run(office, size) as pilot:
        await press(pilot, "3", "G")
        snapshot(pilot.app, f"routers_{name}")
        await press(pilot, "k")
        snapshot(pilot.app, f"routers_error_{name}")
        shown = " ".join(dump(pilot.app).split())
        assert "and this sentence goes on" in shown
        assert states(pilot.app) == {
            "WL-RTR-1": "✓ ok, 2 min", "KAREN": "✓ ok, now", "OLD": "○ not in use", "[b]NEW[/b]": "· never asked",
            "WL-AP-3": states(pilot.app)["WL-AP-3"],
        }  # fmt: skip
        assert states(pilot.app)["WL-AP-3"].startswith("✗ error: WL-AP-3")


async def test_facts_that_do_not_fit_are_scrolled(run: Any, office: Any) -> None:
    fill(office)
    async with run(office, (60, 20)) as pilot:
        await press(pilot, "3", "G", "k")
        assert "ab" * 32 not in "".join(dump(pilot.app).split())
        await press(pilot, "tab", *"jjjjjjjj")
        shown = "".join(dump(pilot.app).split())
        assert "0ofours" in shown
        await press(pilot, "shift+tab", "k")
        assert pilot.app.screen.record["name"] == "OLD"


# -- asking ------------------------------------------------------------------------------------------------------------
async def test_a_test_by_key(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        await press(pilot, "3")
        assert isinstance(pilot.app.screen, RoutersScreen)
        assert "never asked" in dump(pilot.app)
        await press(pilot, "t")
        shown = dump(pilot.app)
        assert "✓ ok, now" in shown
        assert 'RouterOS 7.18.2 (stable), "WL-RTR-1"' in shown
        simulator.faults.add(FaultRule("/login", "refuse", text="invalid user name or password (6)"))
        await press(pilot, "t")
        shown = " ".join(dump(pilot.app).split())
        assert "✗ error" in shown
        assert "invalid user name" in shown
    assert "invalid user name" in routers.get(office, ROUTER)["last_error"]


async def test_keys_act_while_a_router_hangs(run: Any, office: Any, three: dict[str, Simulator]) -> None:
    """No wait for anything here: the router answers only when this test lets it."""
    three["A"].faults.add(FaultRule("/login", "hang_before"))
    async with run(office) as pilot:
        await press(pilot, "3")
        screen = pilot.app.screen
        await pilot.press("t")
        assert await asyncio.to_thread(three["A"].faults.wait_fired)
        assert states(pilot.app)["A"] == "… asking"
        assert "esc stops" in dump(pilot.app)
        await pilot.press("j")
        assert screen.record["name"] == "B"
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, RecordForm))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("1")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.press("3")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("t")  # another one is asked meanwhile, and answers
        await until(pilot, lambda: states(pilot.app)["B"] == "✓ ok, now")
        assert states(pilot.app)["A"] == "… asking"
        three["A"].stop()
        await at_rest(pilot)
        assert states(pilot.app)["A"].startswith("✗ error")


async def test_all_are_asked_side_by_side_and_esc_gives_up(run: Any, office: Any, three: dict[str, Simulator]) -> None:
    three["A"].faults.add(FaultRule("/system/identity", "hang_before"))
    async with run(office) as pilot:
        await press(pilot, "3")
        await pilot.press("T")
        assert await asyncio.to_thread(three["A"].faults.wait_fired)
        expected = {"A": "… asking", "B": "✓ ok, now", "C": "✓ ok, now"}
        await until(pilot, lambda: states(pilot.app) == expected)
        assert "waiting for 1 of 3 · esc stops" in dump(pilot.app)
        await pilot.press("escape")
        await at_rest(pilot)
        assert isinstance(pilot.app.screen, RoutersScreen)
        assert states(pilot.app) == expected | {"A": "· never asked"}
        assert "Given up" in dump(pilot.app)
        await press(pilot, "T")
        assert "3 of 3 answered" in dump(pilot.app)
    assert [record["identity"] for record in routers.list_routers(office)] == ["BOX-A", "BOX-B", "BOX-C"]


async def test_the_load_of_all(run: Any, office: Any, three: dict[str, Simulator]) -> None:
    routers.edit(office, "B", {"is_active": "no"})
    three["C"].faults.add(FaultRule("/login", "refuse", text="no", count=-1))
    async with run(office, (120, 40)) as pilot:
        await press(pilot, "3", "c")
        shown = dump(pilot.app)
        assert "The load of 1 of 2 is known; not of C" in shown
        screen = pilot.app.screen
        load = screen.rows[0]["load"]
        assert load.sessions is not None
        assert f"{load.sessions:,} online" in shown
        assert screen.rows[1]["load"] is None
        assert "▁" in shown  # a bar for a pool


async def test_the_load_that_somebody_else_read_appears_by_itself(
    run: Any, office: Any, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker elsewhere asks the routers; the list in front is read anew without a key."""
    from leadtui.services import capacity

    monkeypatch.setattr("leadtui.screens.routers.REREAD_S", 0.05)
    async with run(office, (120, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(pilot.app.screen, RoutersScreen) and bool(pilot.app.screen.rows))
        screen = pilot.app.screen
        assert screen.rows[0]["load"] is None
        await asyncio.to_thread(capacity.poll, office)
        await until(pilot, lambda: screen.rows[0]["load"] is not None)


async def test_another_box_is_shown_and_accepted_by_a_person(run: Any, office: Any, simulator: Simulator) -> None:
    routers.test(office, ROUTER)
    simulator.state.identity = "OTHER"
    async with run(office) as pilot:
        await press(pilot, "3", "t")
        assert isinstance(pilot.app.screen, Confirm)
        assert "“OTHER” now, and “WL-RTR-1” before" in " ".join(dump(pilot.app).replace("│", "").split())
        await press(pilot, "n")
        assert "not accepted yet" in dump(pilot.app)
        assert routers.get(office, ROUTER)["identity"] == "WL-RTR-1"
        await press(pilot, "t", "y")
        assert states(pilot.app) == {ROUTER: "✓ ok, now"}
    assert routers.get(office, ROUTER)["identity"] == "OTHER"


# -- certificates ------------------------------------------------------------------------------------------------------
async def test_an_unknown_certificate_is_shown_and_can_be_pinned(run: Any, office: Any) -> None:
    with Simulator(tls=True) as encrypted:
        put(office, encrypted, "R", tls="pin", tls_pin="00" * 32)
        async with run(office) as pilot:
            await press(pilot, "3", "t")
            assert encrypted.fingerprint in "".join(dump(pilot.app).split()).replace("│", "")
            await press(pilot, "y")  # and it is asked again at once: the old error is not true any more
            assert states(pilot.app) == {"R": "✓ ok, now"}


async def test_a_certificate_is_offered_when_the_router_is_added_and_by_key(run: Any, office: Any) -> None:
    with Simulator(tls=True) as encrypted:
        async with run(office) as pilot:
            await press(pilot, "3", "n")
            form = pilot.app.screen.form
            address = {"name": "R", "host": encrypted.host, "port": str(encrypted.port), "username": "admin"}
            form.set_values(address | {"password": "admin", "tls": "ca"})
            await press(pilot, "ctrl+s")
            assert isinstance(pilot.app.screen, Confirm)
            assert encrypted.fingerprint in "".join(dump(pilot.app).split()).replace("│", "")
            await press(pilot, "n")
            assert routers.get(office, "R")["tls"] == "ca"
            await press(pilot, "P", "y")
            record = routers.get(office, "R")
            assert (record["tls"], record["tls_pin"]) == ("pin", encrypted.fingerprint)


# -- the records -------------------------------------------------------------------------------------------------------
async def test_adding_editing_and_removing(run: Any, office: Any) -> None:
    admin.add(office, "branch", {"name": "Westlands"})
    async with run(office, (60, 20)) as pilot:
        await press(pilot, "3")
        assert "No routers yet" in dump(pilot.app)
        await press(pilot, "n")
        form = pilot.app.screen
        assert isinstance(form, RecordForm)
        assert "tls_pin" not in form.form.visible_values()
        form.form.set_values({"tls": "pin"})
        assert "tls_pin" in form.form.visible_values()
        form.form.set_values(
            {"tls": "plain", "name": "R1", "areas": "Karen, karen , Langata", "branch": "Westlands"} | GIVEN
        )
        await press(pilot, "ctrl+s")
        shown = dump(pilot.app)
        assert "10.0.0.1:8728" in shown
        assert "Karen, Langata; branch Westlands" in shown
        assert "unencrypted" in toasts(pilot.app)
        pilot.app.clear_notifications()
        await press(pilot, "e")
        form = pilot.app.screen
        assert isinstance(form, RecordForm)
        form.form.set_values({"port": "99999"})
        await press(pilot, "ctrl+s")
        assert "not a port" in form.form.errors["port"]
        form.form.set_values({"port": "9000", "areas": "Karen", "is_active": ""})
        await press(pilot, "ctrl+s")
        assert "not in use" in dump(pilot.app)
        assert toasts(pilot.app) == ""  # told once, when it was chosen
        assert routers.get(office, "R1")["areas"] == ["Karen"]
        await press(pilot, "d", "y")
        assert "No routers yet" in dump(pilot.app)
    assert routers.list_routers(office) == []


async def test_a_router_just_added_is_under_the_cursor_and_its_keys_are_not_dimmed(run: Any, office: Any) -> None:
    await asyncio.to_thread(routers.add, office, {"name": "A1", **GIVEN})
    async with run(office) as pilot:
        await press(pilot, "3")
        screen = pilot.app.screen
        styles = {span.style for span in screen.hints.render().spans}
        assert "dim" not in styles
        await press(pilot, "n")
        pilot.app.screen.form.set_values({"name": "B2", **GIVEN})
        await press(pilot, "ctrl+s")
        assert screen.record["name"] == "B2"


# -- what stands on it, what was left open -----------------------------------------------------------------------------
async def test_users_on_a_router(run: Any, office: Any, simulator: Simulator) -> None:
    result = convert(office, 1, ConvertRequest(router=RouterRequest(ROUTER)))
    async with run(office) as pilot:
        await press(pilot, "3", "enter")
        assert isinstance(pilot.app.screen, RouterUsers)
        shown = dump(pilot.app)
        for words in ("achieng.odhiambo", "✓ active", result.lead.number, "1 of ours"):
            assert words in shown
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, RoutersScreen)


async def test_what_was_left_open_is_settled(run: Any, office: Any, simulator: Simulator) -> None:
    from leadtui.errors import LeadtuiError

    simulator.faults.add(FaultRule("/ppp/secret/add", "drop_after"))
    simulator.faults.add(FaultRule("/login", "refuse", skip=1, text="no"))
    with pytest.raises(LeadtuiError):
        convert(office, 1, ConvertRequest(router=RouterRequest(ROUTER)))
    async with run(office) as pilot:
        await press(pilot, "3")
        assert "1 left open" in dump(pilot.app)
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, PendingJobs)
        assert "the router must be looked at" in dump(pilot.app)
        await press(pilot, "R")
        shown = " ".join(dump(pilot.app).split())
        assert "was removed again" in shown
        assert "Nothing is open" in shown
    assert pending(office) == []
    assert len(simulator.secrets()) == 3
    assert leads.get(office, 1).row.status == "Interested"


async def test_settling_says_how_far_it_is_and_esc_gives_it_up(
    run: Any, office: Any, three: dict[str, Simulator]
) -> None:
    from leadtui.services import provision_jobs

    with office.write() as tx:
        for lead_id, router in ((1, "A"), (2, "B")):
            provision_jobs.begin(
                tx, lead_id=lead_id, router_id=routers.find(tx, router).id, tag=f"leadtui:{lead_id}", username="a.b",
                request_json={"service": "pppoe"},
            )  # fmt: skip
        tx.conn.execute(update(t.provision_job).values(state="unknown", pid=0, lease_until=tx.now, updated_at=tx.now))
    three["A"].faults.add(FaultRule("/login", "hang_before", count=-1))
    async with run(office) as pilot:
        await press(pilot, "3", "p")
        screen = pilot.app.screen
        await pilot.press("R")
        await until(pilot, lambda: "1 of 2 looked at … esc stops" in dump(pilot.app))
        assert await asyncio.to_thread(three["A"].faults.wait_fired)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert "Given up; what was settled stays" in dump(pilot.app)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, RoutersScreen)


async def test_the_start_settles_what_an_earlier_run_left(run: Any, office: Any, simulator: Simulator) -> None:
    from leadtui.services import provision_jobs

    number = leads.get(office, 1).row.number
    with office.write() as tx:
        tag = f"leadtui:{number}"
        provision_jobs.begin(tx, lead_id=1, router_id=1, tag=tag, username="a.b", request_json={"service": "pppoe"})
        tx.conn.execute(update(t.provision_job).values(state="applying", process_started="x/1"))
    simulator.add("/ppp/secret", name="a.b", password="abcd", service="pppoe", profile="20M", comment=tag)
    with office.write() as tx:
        tx.conn.execute(update(t.provision_job).values(lease_until=tx.now))
    async with run(office) as pilot:
        async with asyncio.timeout(10):
            while "left open by an earlier run" not in dump(pilot.app):
                await pilot.pause()
    assert len(simulator.secrets()) == 3
    assert pending(office) == []


async def test_audits_by_key(run: Any, office: Any, simulator: Simulator) -> None:
    from leadtui.screens.router_audit import RouterAuditScreen

    async with run(office) as pilot:
        await press(pilot, "3")
        for key in ("a", "A"):
            await press(pilot, key)
            assert isinstance(pilot.app.screen, RouterAuditScreen)
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, RoutersScreen)
        assert "clean now" in dump(pilot.app)


async def test_who_may_not_see_routers_reads_why(run: Any, office: Any) -> None:
    from leadtui.services.office import Office

    with office.write() as tx:
        role_id = tx.catalog.find_role("collections").id
        values = {"login": "col", "name": "Col", "role_id": role_id, "is_active": True, "is_available": True}
        user_id = tx.conn.execute(t.user.insert().values(**values, created_at=tx.now)).inserted_primary_key[0]
        tx.catalog_changed()
    other = Office(office.store, int(user_id), origin="test")
    async with run(other) as pilot:
        await press(pilot, "3")
        assert "may not see the routers" in dump(pilot.app)
