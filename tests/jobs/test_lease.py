"""The lease: one works at a time, whoever dies, is frozen, or comes first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from leadtui import clock
from leadtui.errors import DatabaseUnreachable
from leadtui.jobs.lease import NETWORK, NOW, Lease, new_holder, standing
from leadtui.services import settings
from leadtui.services.office import Office
from leadtui.services.provision_jobs import me
from leadtui.services.workers import has_ended
from leadtui.store import schema as t

from .conftest import Contender

Contenders = Callable[[str], Contender]
TTL, RENEW_AFTER = NOW.ttl, NOW.renew_after

GoesBy = Callable[[float], None]


def holder(office: Office) -> tuple[str, int]:
    found = standing(office)
    assert found is not None
    return found.kind, found.token


def test_the_first_takes_it_and_a_tui_waits_for_its_end(office: Office, goes_by: GoesBy) -> None:
    assert standing(office) is None
    first, second = Lease(office, "tui"), Lease(office, "tui")
    assert first.holder != second.holder
    assert (first.take(), second.take()) == (True, False)
    assert (first.token, second.token) == (1, None)
    goes_by(TTL.total_seconds() - 1)
    assert not second.take()
    goes_by(1)
    assert (second.take(), second.token) == (True, 2)
    assert (first.keep(), first.token) == (False, None)
    assert not first.take()
    assert holder(office) == ("tui", 2)


def test_a_worker_goes_before_a_tui(office: Office) -> None:
    tui, worker, another = Lease(office, "tui"), Lease(office, "worker"), Lease(office, "worker")
    assert tui.take()
    assert (worker.take(), worker.token) == (True, 2)
    assert not tui.keep()
    assert not tui.take()
    assert not another.take()
    worker.release()
    assert (another.take(), another.token) == (True, 3)
    worker.release()  # it has nothing to give back
    assert another.keep()
    another.release()
    assert (tui.take(), tui.token) == (True, 4)


def test_a_person_who_insists_goes_before_a_worker(sqlite_office: Office) -> None:
    office = sqlite_office
    worker, person = Lease(office, "worker"), Lease(office, "worker")
    assert worker.take()
    assert (person.take(insist=True), person.token) == (True, 2)
    assert not worker.keep()
    assert not worker.take()
    person.release()
    assert (worker.take(), worker.token) == (True, 3)


def test_it_is_renewed_no_sooner_than_needed(office: Office, goes_by: GoesBy, monkeypatch: pytest.MonkeyPatch) -> None:
    lease, other = Lease(office, "worker"), Lease(office, "tui")
    assert lease.take()
    before = standing(office)

    def no_write(self: Office) -> AbstractContextManager[Any]:
        raise AssertionError("nothing was to be written")

    with monkeypatch.context() as patch:
        patch.setattr(Office, "as_system", no_write)
        assert (lease.take(), lease.keep(), other.take(), other.keep()) == (True, True, False, False)
    assert standing(office) == before
    goes_by(RENEW_AFTER.total_seconds())
    assert lease.keep()
    after = standing(office)
    assert before is not None and after is not None
    assert (after.token, after.until >= before.until) == (1, True)
    assert after.ticked_at is not None and before.ticked_at is not None and after.ticked_at > before.ticked_at
    goes_by(TTL.total_seconds() + 5)  # it ran out, and nobody wanted it
    assert (lease.take(), lease.token) == (True, 1)


def test_a_clock_that_was_put_back(office: Office, goes_by: GoesBy) -> None:
    lease, other = Lease(office, "tui"), Lease(office, "tui")
    assert lease.take()
    goes_by(-2 * TTL.total_seconds())
    assert (other.take(), other.token) == (True, 2)


def test_a_holder_that_is_killed(office: Office, contender: Contenders, goes_by: GoesBy) -> None:
    """Even in the middle of a write: what it held of the database is free at once, and so is the lease."""
    worker, tui = contender("worker"), Lease(office, "tui")
    assert worker.ask("take") == "True 1"
    found = standing(office)
    assert found is not None and not found.is_idle
    assert worker.ask("die holding the write lock") == "HOLDING"
    while not has_ended(found.holder):  # an end that its parent has not fetched is one
        os.sched_yield()
    worker.process.wait(10)
    assert found.is_idle
    assert (tui.take(), tui.token) == (True, 2)


def test_a_holder_of_another_machine_is_waited_for(office: Office, goes_by: GoesBy) -> None:
    host, pid, started, number = new_holder().partition("/")[0], "999999999", "12345678/4026531836/17", "1"
    for holder in (f"elsewhere/{pid}/{started}/{number}", f"{host}/{pid}/{started}/{number}", "somebody", "a/b/c/d"):
        assert not has_ended(holder)  # of another boot, or of a process namespace that is not ours
        with office.as_system() as tx:
            tx.conn.execute(t.lease.delete())
        assert Lease(office, "tui", holder=holder).take()
        mine = Lease(office, "tui")
        assert not mine.take()
        goes_by(TTL.total_seconds())
        assert mine.take()
    here = me()
    assert has_ended(f"{here.host}/999999999/{here.place}/17/1")
    assert has_ended(f"{here.host}/{here.pid}/{here.place}/17/1")  # the number was given to another process since


def test_only_workers_where_the_office_says_so(office: Office) -> None:
    tui, worker = Lease(office, "tui"), Lease(office, "worker")
    assert tui.take()
    settings.set_setting(office, "scheduler", "worker-only")
    assert not tui.take()
    assert (tui.token, tui.keep()) == (None, False)
    assert (worker.take(), worker.token) == (True, 2)
    worker.release()
    assert not tui.take()
    settings.set_setting(office, "scheduler", "any")
    assert (tui.take(), tui.token) == (True, 3)


def test_a_holder_that_is_frozen_finds_its_token_passed_by(office: Office, contender: Contenders) -> None:
    frozen, tui = contender("worker"), Lease(office, "tui")
    assert frozen.ask("take") == "True 1"
    assert frozen.ask("holds") == "True 1"
    frozen.freeze()
    frozen.say("holds")  # it sits in its input when the process comes back
    while not tui.take():  # the kernel stops it in its own time
        os.sched_yield()
    assert tui.token == 2
    frozen.thaw()
    assert frozen.answer() == "False 1"
    assert frozen.ask("keep") == "False None"
    with office.as_system() as tx:
        assert tui.holds(tx)
    assert frozen.ask("take") == "True 3"  # a worker goes before a TUI
    assert not tui.keep()


def test_frozen_between_the_look_and_the_write(
    office: Office, goes_by: GoesBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is compared in the write: whoever came meanwhile stays."""
    lease, other = Lease(office, "tui"), Lease(office, "tui")
    assert lease.take()
    original = Office.as_system

    def meanwhile(do: Callable[[], bool]) -> Callable[[Office], AbstractContextManager[Any]]:
        def late(self: Office) -> AbstractContextManager[Any]:
            monkeypatch.setattr(Office, "as_system", original)
            assert do()
            return original(self)

        return late

    goes_by(TTL.total_seconds())
    monkeypatch.setattr(Office, "as_system", meanwhile(other.take))  # we renew, and another takes over
    assert (lease.keep(), lease.token) == (False, None)
    assert (other.token, holder(office)) == (2, ("tui", 2))
    goes_by(TTL.total_seconds())
    monkeypatch.setattr(Office, "as_system", meanwhile(other.keep))  # we take over, and the other renews
    assert not lease.take()
    assert holder(office) == ("tui", 2)


def test_the_very_first_lease_is_made_once(office: Office) -> None:
    leases = [Lease(office, "tui") for _ in range(6)]
    gate = threading.Barrier(len(leases))
    taken: list[bool] = []

    def take(lease: Lease) -> None:
        gate.wait(10)
        taken.append(lease.take())

    threads = [threading.Thread(target=take, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == [False] * 5 + [True]
    assert holder(office) == ("tui", 1)


def test_made_by_another_in_the_same_instant(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    lease, other = Lease(office, "tui"), Lease(office, "tui")
    original = Office.as_system

    def late(self: Office) -> AbstractContextManager[Any]:
        monkeypatch.setattr(Office, "as_system", original)
        assert other.take()
        return original(self)

    monkeypatch.setattr(Office, "as_system", late)
    assert (lease.take(), lease.token) == (False, None)
    assert other.keep()


def test_leases_of_other_names_are_others(sqlite_office: Office) -> None:
    office = sqlite_office
    assert Lease(office, "tui").take()
    assert Lease(office, "tui", NETWORK).take()


def test_giving_back_what_cannot_be_written(sqlite_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office = sqlite_office
    lease = Lease(office, "tui")
    assert lease.take()

    def busy(self: Office) -> AbstractContextManager[Any]:
        raise DatabaseUnreachable("the database is busy", code="database_busy")

    monkeypatch.setattr(Office, "as_system", busy)
    lease.release()
    assert lease.token is None


@pytest.mark.parametrize("db_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_the_moment_is_the_servers(office: Office) -> None:
    """A machine whose clock goes wrong on PostgreSQL: the lease does not follow it."""
    lease, other = Lease(office, "tui"), Lease(office, "tui")
    assert lease.take()
    clock.set_clock(lambda: datetime.now(UTC) + timedelta(hours=9))
    try:
        assert not other.take()
        with office.as_system() as tx:
            tx.conn.execute(update(t.lease).values(until=datetime.now(UTC)))
        assert other.take()
    finally:
        clock.set_clock(None)
    found = standing(office)
    assert found is not None and found.until < datetime.now(UTC) + 2 * TTL
