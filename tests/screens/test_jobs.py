"""The Jobs screen: who does the work, what waits, what failed; trying again, giving up, doing it now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from leadtui.errors import Refused
from leadtui.jobs.lease import NETWORK, NOW, Lease
from leadtui.screens.confirm import Confirm
from leadtui.screens.jobs import JobsScreen
from leadtui.services import admin, events, job_runs, settings, workers
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.screens import conftest
from tests.screens.dialog_help import NASTY, acting_as, new_office, opened
from tests.screens.pictures import check, press

HERE, ELSEWHERE = "reception/4711/5e1fb00c/4026531836/17/1", "nairobi-2/815/5e1fb00d/4026531836/4/1"


def program(office: Office, holder: str, kind: str, *, works: bool = False, silent: bool = False) -> None:
    """A program that lives on another machine."""
    at = conftest.NOW
    tally = {"did": {"at": at.isoformat(), "events": 12, "errors": 1}, "total": {}, "failing": {}} if works else None
    workers.beat(office, workers.Beat(holder, kind, at - timedelta(hours=2), at if works else None, 12, tally))
    if works:
        for terms in (NOW, NETWORK):
            assert Lease(office, kind, terms, holder=holder).take(insist=True)  # type: ignore[arg-type]
    if silent:
        with office.as_system() as tx:
            mine = t.worker.c.holder == holder
            tx.conn.execute(update(t.worker).where(mine).values(beat_at=at - timedelta(minutes=4)))


def broken_event(office: Office, error: str = "the printer is on fire") -> int:
    with office.as_system() as tx:
        event_id = events.emit(tx, events.CONVERTED, lead_id=1)
        values = {"attempts": events.TRIES, "last_error": error}
        tx.conn.execute(update(t.event).where(t.event.c.id == event_id).values(**values))
    return event_id


def broken_run(office: Office) -> None:
    def fails(tx: object) -> None:
        raise Refused("the disk is full")

    assert not job_runs.once(office, "digest", "2026-11-20/wanjiku", fails)


async def test_pictures(office: Any, run: Any, size: tuple[int, int]) -> None:
    program(office, HERE, "worker", works=True)
    program(office, ELSEWHERE, "tui", silent=True)
    program(office, ELSEWHERE + "1", "tui")
    broken_event(office)
    broken_run(office)
    async with run(office, size) as pilot:
        await press(pilot, "8")
        assert isinstance(pilot.app.screen, JobsScreen)
        check(pilot.app, f"jobs-{size[0]}x{size[1]}")


async def test_nobody_works_and_nothing_failed(empty_office: Any, run: Any) -> None:
    async with run(empty_office) as pilot:
        await press(pilot, "8")
        check(pilot.app, "jobs-empty-80x24")
        await press(pilot, "t")
        assert "Nothing failed" in "\n".join(note.message for note in pilot.app._notifications)


async def test_try_again_and_give_up(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    event_id = broken_event(office)
    broken_run(office)
    async with opened(office, JobsScreen) as shown:
        assert "2 failed" in shown.text and "the printer is on fire" in shown.text and "! your turn" in shown.text
        await shown.press("t")
        assert "1 will be tried again" in shown.text
        assert "! your turn" not in shown.text
        await shown.press("T")
        assert "2 will be tried again" in shown.text
        await shown.press("g", "x")
        assert isinstance(shown.app.screen, Confirm)
        await shown.press("n")
        assert "2 failed" in shown.text
        await shown.press("x", "y")
        await shown.press("x", "y")
        assert "nothing failed" in shown.text and "Nothing failed" in shown.text
    with office.store.read() as tx:
        event = tx.conn.execute(select(t.event).where(t.event.c.id == event_id)).one()
        assert event.handled_at is not None and event.last_error == "the printer is on fire"
        assert tx.conn.execute(select(t.job_run.c.state)).scalar_one() == "dropped"


async def test_done_meanwhile_by_another(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    broken_event(office)
    async with opened(office, JobsScreen) as shown:
        with office.as_system() as tx:
            tx.conn.execute(update(t.event).values(handled_at=tx.now))
        await shown.press("t")
        assert "nothing that failed has the id" in shown.toasts
        assert "nothing failed" in shown.text


async def test_do_it_now(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    settings.set_setting(office, "digest_at", "")
    with office.as_system() as tx:
        events.emit(tx, events.CONVERTED, lead_id=None)
    other = Lease(office, "worker")
    assert other.take()
    async with opened(office, JobsScreen) as shown:
        assert "1 events to handle" in shown.text
        await shown.press("w")
        assert "Done: 1 events" in shown.text
        assert "nothing: all that was due is done" in shown.text
    assert other.take()  # it was given back


async def test_who_may_not_configure_sees_who_works_and_no_failures(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "agent"})
    broken_event(office)
    program(office, HERE, "worker", works=True)
    async with opened(acting_as(office, "tom"), JobsScreen) as shown:
        assert "reception/4711" in shown.text and "printer" not in shown.text
        await shown.press("w")
        assert "your role may not" in shown.toasts


async def test_words_from_outside_are_plain(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    broken_event(office, NASTY)
    async with opened(office, JobsScreen) as shown:
        assert "[b]x[/]" in shown.text and "\x1b" not in shown.text


async def test_a_step_that_fails_tries_itself_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = new_office(tmp_path)
    assert Lease(office, "worker", holder=HERE).take()
    tally = {"did": {}, "total": {}, "failing": {"events": "no luck today"}}
    workers.beat(office, workers.Beat(HERE, "worker", conftest.NOW, conftest.NOW, 5, tally))
    async with opened(office, JobsScreen) as shown:
        assert "no luck today" in shown.text and "1 failed" in shown.text
        await shown.press("t")
        assert "tried again by itself" in shown.toasts
