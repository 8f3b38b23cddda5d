"""Polls: every router in its own time, figures kept with their age, another box's figures never taken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadtui.errors import NotFound, NotPermitted
from leadtui.router.port import CancelToken
from leadtui.router.simulator import FaultPlan, FaultRule, Simulator
from leadtui.services import admin, capacity, routers
from leadtui.services.capacity import Capacity, due, latest, poll, poll_due
from leadtui.services.office import Office
from leadtui.store import schema as t

from .watch_help import customer_user, online, router, rows, user_row

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def simulators() -> Iterator[Callable[..., Simulator]]:
    """Make training routers that end with the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Simulator(*args, **options))


def one(answers: list[Capacity], name: str) -> Capacity:
    return next(answer for answer in answers if answer.router == name)


def test_what_a_router_says_is_kept(office: Office, simulator: Simulator) -> None:
    router(office, "WL-1", simulator)
    assert latest(office) == []
    seen: list[str] = []
    answers = poll(office, on_answer=lambda answer: seen.append(answer.router))
    kept = one(answers, "WL-1")
    assert (seen, answers) == (["WL-1"], latest(office))
    assert (kept.error, kept.is_stale, kept.sessions) == (None, False, 2)
    assert kept.answered_at is not None and kept.answered_at >= kept.asked_at
    assert {pool.name: (pool.total, pool.used, pool.next) for pool in kept.pools} == {
        "pppoe-wl": (253, 2, "pppoe-wl-2"), "pppoe-wl-2": (253, 0, None), "hotspot-wl": (253, 0, None),
    }  # fmt: skip
    assert (kept.free, kept.total_addresses) == (757, 759)
    assert kept.cpu_percent is not None and kept.uptime
    record = routers.get(office, "WL-1")
    assert (record["identity"], record["last_error"]) == (simulator.state.identity, None)
    assert record["last_ok_at"] is not None


def test_a_dead_router_beside_live_ones(sqlite_office: Office, simulators: Callable[..., Simulator]) -> None:
    office = sqlite_office
    faults = FaultPlan([FaultRule("/system", "hang_before", -1)])
    silent = simulators(faults=faults)
    router(office, "A-SILENT", silent)
    live = [simulators() for _ in range(3)]
    for number, simulator in enumerate(live):
        router(office, f"B-{number}", simulator)
    refusing = router(office, "C-REFUSING")
    came: list[str] = []
    token = CancelToken()

    def on_answer(answer: Capacity) -> None:
        came.append(answer.router)
        if len(came) == 4:  # all but the silent one, which would go on for its whole deadline
            assert faults.wait_fired()
            token.cancel()

    answers = poll(office, cancel=token, on_answer=on_answer)
    assert sorted(came) == ["B-0", "B-1", "B-2", "C-REFUSING"] == [answer.router for answer in answers]
    assert [answer.error is None for answer in answers] == [True, True, True, False]
    assert [row.router_id for row in rows(office, t.router_capacity) if row.error] == [refusing]
    assert routers.get(office, "A-SILENT")["last_error"] is None  # it was cut off by us, which says nothing of it


def test_an_error_keeps_the_figures_of_before(
    office: Office, simulators: Callable[..., Simulator], frozen_clock: Callable[[datetime], None]
) -> None:
    faults = FaultPlan()
    router(office, "WL-1", simulators(faults=faults))
    before = one(poll(office), "WL-1")
    frozen_clock(AT + timedelta(minutes=16))
    faults.add(FaultRule("/system/resource", "drop_before"))
    after = one(poll(office, ["wl-1"]), "WL-1")
    assert after.error is not None and "broke" in after.error
    assert (after.asked_at, after.answered_at) == (AT + timedelta(minutes=16), AT)
    assert (after.free, after.pools, after.sessions) == (before.free, before.pools, before.sessions)
    assert (before.is_stale, after.is_stale) == (False, True)
    assert routers.get(office, "WL-1")["last_error"] == after.error
    again = one(poll(office), "WL-1")
    assert (again.error, again.is_stale) == (None, False)
    assert routers.get(office, "WL-1")["last_error"] is None


def test_a_router_never_reached_has_no_figures(sqlite_office: Office) -> None:
    office = sqlite_office
    router(office, "WL-1")
    found = one(poll(office), "WL-1")
    assert (found.answered_at, found.free, found.is_stale, found.pools) == (None, None, True, ())
    assert found.error


def test_another_box_at_the_address(sqlite_office: Office, simulator: Simulator) -> None:
    office = sqlite_office
    router_id = router(office, "WL-1", simulator)
    poll(office)
    user = customer_user(office, router_id, "achieng")
    simulator.state.rename("NBO-9")
    online(simulator, "achieng")
    answer = one(poll(office), "WL-1")
    assert answer.error is not None and "NBO-9" in answer.error and "WL-RTR-1" in answer.error
    assert answer.first_seen == 0
    assert user_row(office, user).first_online_at is None
    record = routers.get(office, "WL-1")
    assert record["identity"] == "WL-RTR-1"
    assert "NBO-9" in str(record["last_error"])


def test_a_poll_that_comes_too_late_changes_nothing(
    office: Office, simulator: Simulator, frozen_clock: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was frozen in the middle of its poll: what another one asked for later stands."""
    router(office, "WL-1", simulator)
    fresh: list[Capacity] = []
    original = capacity.side_by_side

    def and_meanwhile(*arguments: Any, **options: Any) -> Iterator[Any]:
        for found in original(*arguments, **options):
            monkeypatch.setattr(capacity, "side_by_side", original)
            frozen_clock(AT + timedelta(minutes=1))
            fresh.extend(poll(office))
            yield found

    monkeypatch.setattr(capacity, "side_by_side", and_meanwhile)
    stale = poll(office)
    assert (len(fresh), stale) == (1, [])
    assert latest(office) == fresh
    # A clock that was put back: what lies ahead of now is not believed to be newer.
    frozen_clock(AT - timedelta(hours=1))
    assert one(poll(office), "WL-1").asked_at == AT - timedelta(hours=1)


def test_a_router_that_was_removed_meanwhile(sqlite_office: Office, simulator: Simulator) -> None:
    office = sqlite_office
    router(office, "WL-1", simulator)
    router(office, "WL-2")

    def remove(answer: Capacity) -> None:
        if answer.router == "WL-2":
            assert faults.wait_fired()
            routers.remove(office, "WL-1")

    faults = simulator.faults
    faults.add(FaultRule("/system/identity", "delay", delay_s=0.3))
    assert [answer.router for answer in poll(office, on_answer=remove)] == ["WL-2"]


def test_due_by_the_setting(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    router(office, "WL-1")
    router(office, "WL-2")
    routers.edit(office, "WL-2", {"is_active": "no"})
    assert due(office) == ["WL-1"]
    poll(office)
    assert due(office) == []
    for seconds, expected in ((299, []), (300, ["WL-1"]), (-1, ["WL-1"])):  # a clock put back asks anew
        frozen_clock(AT + timedelta(seconds=seconds))
        assert due(office) == expected, seconds
    admin.set_setting(office, "router_poll_minutes", "0")
    frozen_clock(AT + timedelta(days=9))
    assert (due(office), poll_due(office)) == ([], [])


def test_a_new_customer_is_looked_for_every_minute(
    sqlite_office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    office = sqlite_office
    wl, other = router(office, "WL-1"), router(office, "WL-2")
    poll(office)
    customer_user(office, wl, "achieng")
    customer_user(office, other, "brian", state="suspended")
    frozen_clock(AT + timedelta(seconds=59))
    assert due(office) == []
    frozen_clock(AT + timedelta(seconds=60))
    assert due(office) == ["WL-1"]
    frozen_clock(AT + timedelta(minutes=59))
    poll(office)
    frozen_clock(AT + timedelta(minutes=60))  # new no longer: from here on as all the others
    assert due(office) == []
    frozen_clock(AT + timedelta(minutes=64))
    assert due(office) == ["WL-1", "WL-2"]


def test_a_password_that_cannot_be_opened_stops_one_router(
    sqlite_office: Office, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = sqlite_office
    monkeypatch.setenv("LEADTUI_KEY_FILE", str(tmp_path / "some.key"))
    router(office, "WL-1", simulator)
    router(office, "WL-2", simulator)
    with office.as_system() as tx:
        tx.conn.execute(
            t.secret.update()
            .where(t.secret.c.ref == t.router.select().with_only_columns(t.router.c.secret_ref)
                   .where(t.router.c.name == "WL-2").scalar_subquery())
            .values(token="broken")
        )  # fmt: skip
    answers = poll_due(office)
    assert [(answer.router, answer.error is None) for answer in answers] == [("WL-1", True), ("WL-2", False)]
    assert "open the stored passwords" in (one(answers, "WL-2").error or "")
    assert routers.get(office, "WL-2")["last_error"] is None  # the router did nothing
    assert due(office) == []  # and is not tried again at once


def test_permissions(office: Office, acting: Callable[[str], Office]) -> None:
    router(office, "WL-1")
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "technician"})
    tom = acting("tom")
    for ask in (poll, latest, due):
        with pytest.raises(NotPermitted):
            ask(tom)  # type: ignore[operator]
    assert [answer.router for answer in poll_due(tom)] == ["WL-1"]  # the machine asks, whoever sits before it
    with pytest.raises(NotFound):
        poll(office, ["WL-9"])


def test_two_first_polls_at_once(office: Office, simulators: Callable[..., Simulator]) -> None:
    faults = FaultPlan()
    router(office, "WL-1", simulators(faults=faults))
    start = threading.Barrier(3)
    found: list[list[Capacity]] = []

    def ask() -> None:
        start.wait(10)
        found.append(poll(office))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    start.wait(10)
    for thread in threads:
        thread.join(20)
    assert len(found) == 2
    assert len(rows(office, t.router_capacity)) == 1
    assert latest(office)[0].error is None
