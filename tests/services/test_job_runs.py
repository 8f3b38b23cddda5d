"""Work once per occurrence: however many try, whatever fails, and after any downtime."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from leadtui.domain.dates import local_day
from leadtui.errors import NotFound, NotPermitted, Refused
from leadtui.services import events, job_failures, job_runs
from leadtui.services.alerts import SENDING
from leadtui.services.job_runs import day_of, done_of, in_parts, once, pause
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

DAY = "2026-11-20"


def note(tx: WriteTx) -> dict[str, int]:
    """Work that leaves a trace."""
    events.emit(tx, "moon.rose", lead_id=None)
    return {"rows": 1}


def traces(office: Office) -> int:
    with office.store.read() as tx:
        return len(tx.conn.execute(select(t.event.c.id)).all())


def run(office: Office) -> Any:
    with office.store.read() as tx:
        return tx.conn.execute(select(t.job_run)).one()


def let_pass(office: Office, **values: Any) -> None:
    with office.as_system() as tx:
        tx.conn.execute(update(t.job_run).values(**values))


def test_once_and_not_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert once(office, "digest", DAY, note)
    assert (run(office).state, run(office).attempts, run(office).result_json) == ("done", 1, {"rows": 1})
    monkeypatch.setattr(Office, "as_system", lambda self: pytest.fail("nothing was to be written"))
    assert not once(office, "digest", DAY, note)
    assert traces(office) == 1
    assert done_of(office, "digest") == done_of(office, "digest", "2026-") == {DAY}
    assert done_of(office, "digest", "2025") == done_of(office, "other") == frozenset()


def test_once_by_many(office: Office) -> None:
    gate = threading.Barrier(6)
    done: list[bool] = []

    def work() -> None:
        gate.wait(10)
        done.append(once(office, "digest", DAY, note))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (sorted(done), traces(office)) == ([False] * 5 + [True], 1)


@pytest.mark.parametrize("db_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_one_that_is_frozen_in_the_middle_is_not_waited_for(office: Office) -> None:
    asked: list[bool] = []

    def meanwhile(tx: WriteTx) -> None:
        asked.append(once(office, "digest", DAY, note))  # as another process would: it must not hang here

    assert once(office, "digest", DAY, meanwhile)
    assert (asked, traces(office)) == ([False], 0)


def test_what_fails_is_kept_and_tried_again(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    def fails(tx: WriteTx) -> None:
        note(tx)
        raise Refused("no paper")

    assert not once(office, "digest", DAY, fails)
    found = run(office)
    assert (found.state, found.attempts, found.error, traces(office)) == ("failed", 1, "no paper", 0)
    assert found.retry_at - found.ended_at == timedelta(minutes=1)
    assert done_of(office, "digest") == {DAY}  # not to be done now
    assert not once(office, "digest", DAY, note)  # left alone for a minute
    let_pass(office, retry_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert done_of(office, "digest") == frozenset()
    assert not once(office, "digest", DAY, lambda tx: 1 / 0)
    found = run(office)
    assert (found.attempts, found.error) == (2, "an error of the program (ZeroDivisionError); the log has more")
    assert found.retry_at - found.ended_at == timedelta(minutes=2)
    let_pass(office, retry_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert once(office, "digest", DAY, note)
    found = run(office)
    assert (found.state, found.attempts, found.error, found.retry_at) == ("done", 3, None, None)


def test_after_many_failures_a_person_decides(sqlite_office: Office) -> None:
    office = sqlite_office
    assert not once(office, "digest", DAY, lambda tx: 1 / 0)
    let_pass(office, attempts=job_runs.TRIES - 1, retry_at=None)
    assert not once(office, "digest", DAY, lambda tx: 1 / 0)
    assert (run(office).attempts, run(office).retry_at) == (job_runs.TRIES, None)
    assert not once(office, "digest", DAY, note)
    with office.read() as tx:
        count, (failure,) = job_failures.failed(tx)
    assert (count, failure.what, failure.is_stuck) == (1, f"digest of {DAY}", True)
    assert job_failures.retry(office, failure.id) == 1
    assert once(office, "digest", DAY, note)
    assert job_failures.retry(office) == 0


def test_given_up(sqlite_office: Office) -> None:
    office = sqlite_office
    assert not once(office, "digest", DAY, lambda tx: 1 / 0)
    assert job_failures.give_up(office, f"run:{run(office).id}") == 1
    assert not once(office, "digest", DAY, note)
    assert run(office).state == "dropped"
    with pytest.raises(NotFound):
        job_failures.retry(office, f"run:{run(office).id}")


def test_only_who_may_configure_decides(office: Office, acting: Callable[[str], Office]) -> None:
    from leadtui.services import admin

    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "agent"})
    tom = acting("tom")
    assert not once(office, "digest", DAY, lambda tx: 1 / 0)
    with tom.read() as tx:
        assert job_failures.failed(tx) == (0, [])
    for act in (job_failures.retry, job_failures.give_up):
        with pytest.raises(NotPermitted):
            act(tom, f"run:{run(office).id}")
    with office.as_system() as tx:
        for login in ("tom", "boss"):
            tx.conn.execute(
                t.notification.insert().values(
                    user_id=tx.catalog.find_user(login).id, kind="reminder", occurrence=login, text="x", due_at=tx.now,
                    created_at=tx.now, snoozes=0, alert_error="no such address",
                )
            )  # fmt: skip
    with tom.read() as tx:
        assert [one.what for one in job_failures.failed(tx)[1]] == ["reminder to tom"]
    with office.read() as tx:
        assert job_failures.failed(tx)[0] == 3
    with office.as_system() as tx:  # the program that sent it ended
        tx.conn.execute(update(t.notification).where(t.notification.c.occurrence == "boss").values(alert_error=SENDING))
    assert job_failures.retry(tom) == 1  # his own
    with office.read() as tx:
        count, found = job_failures.failed(tx)
    assert (count, len(found)) == (2, 2)
    assert job_failures.retry(office) == 1  # it may have arrived: a person decides
    (alert,) = [one.id for one in found if one.kind == "alert"]
    assert job_failures.retry(office, alert) == 1


# -- in parts ----------------------------------------------------------------------------------------------------------
def test_in_parts_until_nothing_is_left(office: Office) -> None:
    left = [250]

    def part(_office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
        done = min(limit, left[0])
        left[0] -= done
        return done

    assert in_parts(office, "loans", DAY, part, limit=100, may_go_on=lambda: True) == 250
    assert (run(office).state, run(office).result_json) == ("done", {"rows": 250})
    left[0] = 5
    assert in_parts(office, "loans", DAY, part, limit=100, may_go_on=lambda: True) == 0
    assert in_parts(office, "loans", "2026-11-21", part, limit=100, may_go_on=lambda: True) == 5


def test_parts_that_are_broken_off_go_on_later(office: Office) -> None:
    left, on_fire = [250], [True]

    def part(_office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
        if left[0] == 150 and on_fire[0]:
            raise Refused("the row is on fire")
        done = min(limit, left[0])
        left[0] -= done
        return done

    def parts(may: Callable[[], bool] = lambda: True) -> int:
        return in_parts(office, "loans", DAY, part, limit=50, may_go_on=may)

    answers = iter([True, False])
    on_fire[0] = False
    assert (parts(lambda: next(answers)), left) == (100, [150])  # the lease was lost
    assert (run(office).state, run(office).attempts) == ("failed", 0)  # announced, and not a failure
    on_fire[0] = True
    assert (parts(), run(office).error) == (0, "the row is on fire")
    on_fire[0] = False
    assert parts() == 0  # left alone for a while
    let_pass(office, retry_at=None)
    assert (parts(), left, run(office).state) == (150, [0], "done")


# -- which day ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("now", "zone", "at", "within", "day"),
    [
        ("2026-11-20T04:29:59", "Africa/Nairobi", "07:30", None, "2026-11-19"),
        ("2026-11-20T04:30:00", "Africa/Nairobi", "07:30", None, "2026-11-20"),
        ("2026-11-20T07:30:00", "Africa/Nairobi", "07:30", 4, "2026-11-20"),  # three hours of downtime
        ("2026-11-20T03:00:00", "Africa/Nairobi", "07:30", 4, None),  # yesterday's is too old
        ("2026-11-19T21:00:00", "Africa/Nairobi", "00:00", None, "2026-11-20"),
        # Cairo, 29/30 October 2026: the hour from 23:00 to 24:00 comes twice; 23:30 is the first of the two
        ("2026-10-29T20:29:00", "Africa/Cairo", "23:30", None, "2026-10-28"),
        ("2026-10-29T20:30:00", "Africa/Cairo", "23:30", None, "2026-10-29"),
        ("2026-10-29T21:30:00", "Africa/Cairo", "23:30", None, "2026-10-29"),
        # New York, 14 March 2027: 02:30 does not exist; it comes at 03:30 EDT
        ("2027-03-14T07:29:00", "America/New_York", "02:30", None, "2027-03-13"),
        ("2027-03-14T07:30:00", "America/New_York", "02:30", None, "2027-03-14"),
    ],
)
def test_the_day_whose_hour_has_come(now: str, zone: str, at: str, within: int | None, day: str | None) -> None:
    limit = None if within is None else timedelta(hours=within)
    found = day_of(datetime.fromisoformat(now).replace(tzinfo=UTC), ZoneInfo(zone), at, limit)
    assert found == (None if day is None else date.fromisoformat(day))


MOMENTS = st.integers(0, 2 * 365 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
ZONES = st.sampled_from(["Africa/Cairo", "America/New_York", "Africa/Nairobi", "Asia/Kathmandu"]).map(ZoneInfo)


@given(MOMENTS, ZONES, st.times().map(lambda at: f"{at:%H:%M}"), st.timedeltas(timedelta(0), timedelta(hours=30)))
def test_days_go_forward_and_none_is_left_out(now: datetime, tz: ZoneInfo, at: str, later: timedelta) -> None:
    first, second = day_of(now, tz, at), day_of(now + later, tz, at)
    assert first is not None and second is not None
    assert first <= second <= first + timedelta(days=2)
    assert local_day(now, tz) - first in (timedelta(0), timedelta(days=1))


@given(st.integers(-5, 10_000))
def test_pauses_grow_and_end(tries: int) -> None:
    first, longest = timedelta(seconds=5), timedelta(minutes=15)
    assert first <= pause(tries, first, longest) <= pause(tries + 1, first, longest) <= longest
