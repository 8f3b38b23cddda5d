"""What a tick does: what is due, each step for itself, and nothing once the lease is lost."""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadtui.errors import DatabaseUnreachable, Refused
from leadtui.jobs import routine as routine_module
from leadtui.jobs.lease import Lease, standing
from leadtui.jobs.routine import STEPS, WORDS, Routine, Step, Tally
from leadtui.router.port import CancelToken
from leadtui.router.simulator import Simulator
from leadtui.services import capacity, events, leads, settling
from leadtui.services.conversion import ConvertRequest, RouterRequest, convert
from leadtui.services.first_online import never_online
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.services.watch_help import customer_user, lead, online, router, rows, user_row


def routine(office: Office, kind: Any = "worker", cancel: CancelToken | None = None) -> Routine:
    """Both lanes in one: what routers answer makes events."""
    slow_first = sorted(STEPS, key=lambda step: step.lane == "now")
    return Routine(office, Lease(office, kind), cancel or CancelToken(), steps=slow_first)


def test_from_the_conversion_to_the_first_session(office: Office, simulator: Simulator) -> None:
    """All of it at once: converted, told, polled, seen; and a second tick changes nothing."""
    router(office, "WL-1", simulator)
    lead_id = lead(office, package="20 Mbps Home", status="Interested")
    done = convert(office, lead_id, ConvertRequest(router=RouterRequest("WL-1")))
    assert done.success and done.router_user is not None
    work = routine(office)
    assert work.tick() == Tally(ticks=1, polled=1, events=2)  # the conversion, and its move
    assert [one.lead_id for one in never_online(office, 0)] == [lead_id]
    simulator.dial_in(done.router_user.username)
    assert work.tick() == Tally(ticks=1)  # it was asked a moment ago
    with office.as_system() as tx:
        before = datetime.now(UTC) - timedelta(minutes=1)
        tx.conn.execute(t.router_capacity.update().values(asked_at=before))
    assert work.tick() == Tally(ticks=1, polled=1, first_online=1, events=1)
    assert never_online(office, 0) == ()
    subjects = [one.subject for one in leads.get(office, lead_id).activities if one.type == "milestone"]
    assert len([one for one in subjects if one.startswith("First online at ")]) == 1
    assert work.tick() == Tally(ticks=1)


def test_who_does_not_hold_the_lease_does_nothing(
    office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    router(office, "WL-1", simulator)
    worker = Lease(office, "worker")
    assert worker.take()
    monkeypatch.setattr(Office, "as_system", lambda self: pytest.fail("nothing was to be written"))
    assert routine(office, "tui").tick() == Tally(ticks=1)
    assert routine(office, "worker").tick() == Tally(ticks=1)


def test_nothing_is_written_when_nothing_is_due(sqlite_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    work = routine(sqlite_office)
    assert work.tick() == Tally(ticks=1)
    monkeypatch.setattr(Office, "as_system", lambda self: pytest.fail("nothing was to be written"))
    assert work.tick() == Tally(ticks=1)


def test_a_person_who_insists(sqlite_office: Office) -> None:
    worker = Lease(sqlite_office, "worker")
    assert worker.take()
    work = routine(sqlite_office)
    customer_user(sqlite_office, router(sqlite_office, "WL-1"), "achieng")
    assert work.tick(insist=True) == Tally(ticks=1, errors=1)  # nobody answers at that address
    assert not worker.keep()


@pytest.mark.parametrize("failing", ["settle", "poll", "events"])
def test_a_step_that_fails_stops_no_other(
    sqlite_office: Office, simulator: Simulator, failing: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    office = sqlite_office
    wl = router(office, "WL-1", simulator)
    customer_user(office, wl, "achieng")
    online(simulator, "achieng")
    with office.as_system() as tx:
        events.emit(tx, events.CONVERTED, lead_id=None, payload={})

    def broken(*arguments: Any, **options: Any) -> Any:
        password = "hunter2-hunter2"
        raise RuntimeError(f"no luck\n{password}")

    where = {"settle": (settling, "settle_due"), "poll": (capacity, "poll_due"), "events": (events, "handle_open")}
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(*where[failing], broken)
        done = routine(office).tick()
    handled = {"settle": 2, "poll": 1, "events": 0}  # the event above, and that of the poll
    assert (done.errors, done["polled"], done["events"]) == (1, failing != "poll", handled[failing])
    assert "RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_lease_lost_in_the_middle_ends_the_tick(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frozen in the middle of a step: what comes after it is the other one's."""
    monkeypatch.setattr(routine_module, "SURE_S", 0.0)
    router(office, "WL-1")
    other = Lease(office, "worker")
    asked: list[str] = []

    def takes_long(office: Office, *, cancel: CancelToken, may_go_on: Callable[[], bool]) -> list[Any]:
        asked.append("settle")
        assert may_go_on()
        assert other.take(insist=True)
        assert not may_go_on()
        return []

    monkeypatch.setattr(settling, "settle_due", takes_long)
    monkeypatch.setattr(capacity, "poll_due", lambda *a, **o: asked.append("poll"))
    monkeypatch.setattr(events, "handle_open", lambda *a, **o: asked.append("events"))
    assert routine(office).tick() == Tally(ticks=1)
    assert asked == ["settle"]
    found = standing(office)
    assert found is not None and found.token == other.token


def test_cancelled(sqlite_office: Office) -> None:
    token = CancelToken()
    token.cancel()
    router(sqlite_office, "WL-1")
    assert routine(sqlite_office, cancel=token).tick() == Tally(ticks=1)
    assert standing(sqlite_office) is None


def test_a_database_out_of_reach_is_said(sqlite_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(self: Lease, *, insist: bool = False) -> bool:
        raise DatabaseUnreachable("the database is busy", code="database_busy")

    monkeypatch.setattr(Lease, "take", busy)
    with pytest.raises(DatabaseUnreachable):
        routine(sqlite_office).tick()


def test_more_events_than_go_at_once(sqlite_office: Office) -> None:
    with sqlite_office.as_system() as tx:
        for _ in range(120):
            events.emit(tx, events.CONVERTED, lead_id=None, payload={})
    assert routine(sqlite_office).tick() == Tally(ticks=1, events=120)


def test_twice_in_a_row_changes_nothing_the_second_time(office: Office, simulator: Simulator) -> None:
    user = customer_user(office, router(office, "WL-1", simulator), "achieng")
    online(simulator, "achieng")
    work = routine(office)
    assert work.tick() == Tally(ticks=1, polled=1, first_online=1, events=1)

    def everything() -> list[Any]:
        return [rows(office, table) for table in (t.activity, t.audit, t.event, t.router_capacity)]

    before = (everything(), user_row(office, user))
    assert work.tick() == Tally(ticks=1)
    assert (everything(), user_row(office, user)) == before


# -- the table of steps ------------------------------------------------------------------------------------------------
ASKED: list[tuple[str, int]] = []
"""What the steps of these tests were asked for."""
LEFT: dict[str, int] = {}


def some(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """A step with so many rows to do."""
    assert may_go_on()
    done = min(limit, LEFT["some"])
    LEFT["some"] -= done
    ASKED.append(("some", done))
    return done


def more(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    done = min(limit, LEFT["more"])
    LEFT["more"] -= done
    ASKED.append(("more", done))
    return done


def refuses(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> dict[str, int]:
    raise Refused("the step has its day off")


HERE = f"{__name__}:"


@pytest.fixture
def asked() -> list[tuple[str, int]]:
    ASKED.clear()
    LEFT.clear()
    return ASKED


def test_steps_take_turns_until_nothing_is_left(sqlite_office: Office, asked: list[tuple[str, int]]) -> None:
    LEFT.update(some=25, more=8)
    steps = [Step("some", HERE + "some", "some", limit=10), Step("more", HERE + "more", "more", limit=5)]
    work = Routine(sqlite_office, Lease(sqlite_office, "tui"), CancelToken(), steps=steps)
    done = work.tick()
    assert (done["some"], done["more"]) == (25, 8)
    assert asked == [("some", 10), ("more", 5), ("some", 10), ("more", 3), ("some", 5), ("more", 0)]


def test_a_tick_ends_in_time_and_the_next_goes_on(
    sqlite_office: Office, asked: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    LEFT.update(some=25)
    monkeypatch.setattr(routine_module, "MOST_S", -1.0)
    step = Step("some", HERE + "some", "some", limit=10)
    work = Routine(sqlite_office, Lease(sqlite_office, "tui"), CancelToken(), steps=[step])
    assert [work.tick()["some"], work.tick()["some"], work.tick()["some"]] == [10, 10, 5]
    LEFT.update(some=55)
    assert work.tick(to_the_end=True)["some"] == 55


def test_a_step_that_fails_is_named_until_it_does_not(
    sqlite_office: Office, asked: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Step("refuses", HERE + "refuses", "refusals")
    work = Routine(sqlite_office, Lease(sqlite_office, "tui"), CancelToken(), steps=[step])
    assert work.tick().errors == 1
    assert work.failing == {"refuses": "the step has its day off"}
    monkeypatch.setattr(sys.modules[__name__], "refuses", lambda *a, **o: {"refuses": 1, "errors": 2})
    done = work.tick()
    assert (done["refuses"], done.errors, work.failing) == (1, 2, {})


def test_every_step_of_the_table_is_there() -> None:
    """Each names a function that takes what a step is given; what it counts has words."""
    names = [step.name for step in STEPS]
    assert len(names) == len(set(names))
    for step in STEPS:
        module, _, function = step.does.partition(":")
        parameters = inspect.signature(getattr(importlib.import_module(module), function)).parameters
        wanted = {"limit", "may_go_on"} | ({"cancel"} if step.cancel else set())
        assert wanted <= set(parameters), step.name
        assert WORDS.get(step.name, "") == step.words
