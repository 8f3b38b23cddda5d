"""The routers screen: list, test, add, edit, remove, the users on a router, and what was left open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from leadtui.router.simulator import FaultRule, Simulator
from leadtui.screens.pending_jobs import PendingJobs
from leadtui.screens.record_form import RecordForm
from leadtui.screens.router_users import RouterUsers
from leadtui.screens.routers import RoutersScreen
from leadtui.services import leads, routers
from leadtui.services.conversion import ConvertRequest, RouterRequest, convert, pending
from leadtui.store import schema as t
from tests.screens.pictures import dump, press

ROUTER = "WL-RTR-1"


async def test_the_list_and_a_test_by_key(run: Any, office: Any, simulator: Simulator) -> None:
    async with run(office) as pilot:
        await press(pilot, "2")
        assert isinstance(pilot.app.screen, RoutersScreen)
        assert "never asked" in dump(pilot.app)
        await press(pilot, "t")
        shown = dump(pilot.app)
        assert "✓ just now" in shown
        assert 'RouterOS 7.18.2 (stable), "WL-RTR-1"' in shown
        simulator.faults.add(FaultRule("/login", "refuse", text="invalid user name or password (6)"))
        await press(pilot, "t")
        assert "✗" in dump(pilot.app)
    assert "invalid user name" in routers.get(office, ROUTER)["last_error"]


async def test_adding_editing_and_removing(run: Any, office: Any) -> None:
    async with run(office, (60, 20)) as pilot:
        await press(pilot, "2")
        assert "No routers yet" in dump(pilot.app)
        await press(pilot, "n")
        form = pilot.app.screen
        assert isinstance(form, RecordForm)
        form.form.set_values({"name": "R1", "host": "10.0.0.1", "username": "api", "password": "s3cret"})
        await press(pilot, "ctrl+s")
        assert "10.0.0.1:8728" in dump(pilot.app)
        await press(pilot, "e")
        form = pilot.app.screen
        assert isinstance(form, RecordForm)
        form.form.set_values({"port": "99999"})
        await press(pilot, "ctrl+s")
        assert "not a port" in form.form.errors["port"]
        form.form.set_values({"port": "9000", "is_active": ""})
        await press(pilot, "ctrl+s")
        assert "not in use" in dump(pilot.app)
        await press(pilot, "d", "y")
        assert "No routers yet" in dump(pilot.app)
    assert routers.list_routers(office) == []


async def test_a_router_just_added_is_under_the_cursor_and_its_keys_are_not_dimmed(run: Any, office: Any) -> None:
    given = {"host": "10.0.0.1", "username": "api", "password": "s3cret"}
    await asyncio.to_thread(routers.add, office, {"name": "A1", **given})
    async with run(office) as pilot:
        await press(pilot, "2")
        screen = pilot.app.screen
        styles = {span.style for span in screen.hints.render().spans}
        assert "dim" not in styles
        await press(pilot, "n")
        pilot.app.screen.form.set_values({"name": "B2", **given})
        await press(pilot, "ctrl+s")
        assert screen.router["name"] == "B2"


async def test_users_on_a_router(run: Any, office: Any, simulator: Simulator) -> None:
    result = convert(office, 1, ConvertRequest(router=RouterRequest(ROUTER)))
    async with run(office) as pilot:
        await press(pilot, "2", "enter")
        assert isinstance(pilot.app.screen, RouterUsers)
        shown = dump(pilot.app)
        for words in ("achieng.odhiambo", "✓ active", result.lead.number, "1 of ours · 3 of others"):
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
        await press(pilot, "2")
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


async def test_an_unknown_certificate_is_shown_and_can_be_pinned(run: Any, office: Any) -> None:
    with Simulator(tls=True) as encrypted:
        values = {"name": "R", "host": encrypted.host, "port": str(encrypted.port), "username": "admin"}
        routers.add(office, values | {"password": "admin", "tls": "pin", "tls_pin": "00" * 32})
        async with run(office) as pilot:
            await press(pilot, "2", "t")
            assert encrypted.fingerprint in "".join(dump(pilot.app).split()).replace("│", "")
            await press(pilot, "y", "t")
            assert "✓ just now" in dump(pilot.app)


async def test_who_may_not_see_routers_reads_why(run: Any, office: Any) -> None:
    from leadtui.services.office import Office

    with office.write() as tx:
        role_id = tx.catalog.find_role("collections").id
        values = {"login": "col", "name": "Col", "role_id": role_id, "is_active": True, "is_available": True}
        user_id = tx.conn.execute(t.user.insert().values(**values, created_at=tx.now)).inserted_primary_key[0]
        tx.catalog_changed()
    other = Office(office.store, int(user_id), origin="test")
    async with run(other) as pilot:
        await press(pilot, "2")
        assert "may not see the routers" in dump(pilot.app)
