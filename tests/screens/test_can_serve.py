"""Can we serve this door? One line on a lead's screen, read behind it."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.services import lifecycle, routers, serving
from leadtui.store import schema as t
from tests.screens.conftest import NOW
from tests.screens.pictures import at_rest, dump, press

LINE = "can serve: WL-AP-3, 61 of 254 free, 2 min ago"


def put_router(office: Any, free: int = 61) -> None:
    """A router that serves Westlands, where the first lead is, and its figures."""
    given = {"name": "WL-AP-3", "host": "10.0.0.3", "username": "api", "password": "x", "areas": "Westlands"}
    made = routers.add(office, given)
    at = NOW - timedelta(minutes=2)
    pools = [{"name": "pppoe-wl", "total": 254, "used": 254 - free}]
    with office.write() as tx:
        row = {"router_id": made["id"], "asked_at": at, "answered_at": at, "free_addresses": free}
        tx.conn.execute(insert(t.router_capacity).values(**row, total_addresses=254, pools_json=pools))


def one_line(app: Any) -> str:
    return " ".join(dump(app).split())


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)], ids=str)
async def test_the_line_stands_among_the_facts(run: Any, office: Any, size: tuple[int, int]) -> None:
    put_router(office)
    async with run(office, size) as pilot:
        pilot.app.push_screen(LeadDetailScreen(1))
        await at_rest(pilot)
        shown = "".join(pilot.app.screen.query_one("#lead").lines)
        assert LINE in " ".join(shown.split()) or all(part in shown for part in ("can serve: WL-AP-3,", "2 min ago"))
        lifecycle.lose(office, 1, "went elsewhere")
        await press(pilot, "r")
        assert "can serve" not in one_line(pilot.app)


async def test_a_full_router_is_said_so(run: Any, office: Any) -> None:
    put_router(office, free=0)
    async with run(office) as pilot:
        pilot.app.push_screen(LeadDetailScreen(1))
        await at_rest(pilot)
        assert "has no free address, 2 min ago" in one_line(pilot.app)


async def test_without_routers_there_is_no_line(run: Any, office: Any) -> None:
    async with run(office) as pilot:
        pilot.app.push_screen(LeadDetailScreen(1))
        await at_rest(pilot)
        assert "serve" not in one_line(pilot.app)


async def test_the_lead_does_not_wait_for_it(run: Any, office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put_router(office)
    asked, go = threading.Event(), threading.Event()
    real = serving.can_serve

    def slow(*args: Any) -> Any:
        asked.set()
        assert go.wait(10)
        return real(*args)

    monkeypatch.setattr(serving, "can_serve", slow)
    with office.read() as tx:
        number = tx.conn.execute(select(t.lead.c.number).where(t.lead.c.id == 1)).scalar_one()
    async with run(office) as pilot:
        pilot.app.push_screen(LeadDetailScreen(1))
        assert await asyncio.to_thread(asked.wait, 10)
        async with asyncio.timeout(10):
            while number not in dump(pilot.app):
                await pilot.pause()
        await pilot.press("down", "up")
        assert "can serve" not in one_line(pilot.app)
        go.set()
        await at_rest(pilot)
        assert LINE in one_line(pilot.app)
