"""Any sequence of acts, undone in reverse order, leaves every table of leads exactly as it was before each act."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from leadtui import clock
from leadtui.errors import LeadtuiError
from leadtui.services import activities, bookings, bulk, history, intake, leads, lifecycle, status
from leadtui.services.activities import LogEntry
from leadtui.services.assignment import assign
from leadtui.services.bulk import Act, Target
from leadtui.services.office import Office, open_office
from leadtui.store import schema as t
from tests.conftest import _copy_of_template
from tests.services.lead_help import LEAD_TABLES, add, add_users, dump

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
LEADS = 3
TABLES = (*LEAD_TABLES, "booking")

texts = st.sampled_from(["", "Nakuru", "[b]x[/]", "Ñandú", "O'Brien; --"])
dates = st.sampled_from(["", "today", "yesterday", "+1d", "+9d", "2026-11-23 10:00"])
stages = st.sampled_from(["New", "Contacted", "Interested", "Site Survey Scheduled", "Future Prospect"])
users = st.sampled_from(["none", "boss", "jane", "ann", "auto"])
tags = st.lists(st.sampled_from(["a", "B", "vip"]), min_size=1, max_size=2).map(tuple)
packages = st.lists(st.sampled_from(["20 Mbps Home", "50 Mbps Home"]), min_size=1, max_size=2).map(tuple)
fields = st.fixed_dictionaries(
    {},
    optional={
        "name": texts, "city": texts, "remarks": texts, "follow_up": dates, "status": stages, "assigned_to": users,
        "tags": tags.map(",".join), "monthly_fee": st.sampled_from(["", "0", "1999.50"]), "custom.k": texts,
        "email": st.sampled_from(["", "A@example.com", "a@example.com"]), "brought_in_by": texts,
        "has_router": st.sampled_from(["yes", "no"]), "date_of_birth": st.sampled_from(["", "1990-05-17"]),
        "phone": st.sampled_from(["0722000001", "+254 722 000 001", "0733000001", "0733000002"]),
        "package": st.sampled_from(["", "20 Mbps Home"]), "priority": st.sampled_from(["", "high"]),
    },
)  # fmt: skip
entries = st.builds(
    LogEntry,
    st.sampled_from(["call", "note", "site_visit"]),
    details=st.sampled_from([None, "said no"]),
    next_at=st.sampled_from([None, "+2d", "today"]),
    complete_due=st.booleans(),
    status=st.sampled_from([None, "Interested", "Not Interested"]),
) | st.builds(LogEntry, st.just("meeting"), schedule=dates.filter(bool))
reasons = st.sampled_from(["No answer", "moved to the moon"])
who = st.integers(1, LEADS + 1)

Do = Callable[[Office], Any]


def _act(call: Callable[..., Any], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Do]:
    return st.tuples(*arguments).map(lambda given: lambda office: call(office, *given))


def _settle(office: Office, lead_id: int, place: int, how: str) -> Any:
    """Complete, cancel or move one of the lead's open follow-ups."""
    open_ones = leads.get(office, lead_id).follow_ups
    chosen = open_ones[place % len(open_ones)].id if open_ones else 10_000
    if how == "move":
        return activities.reschedule(office, chosen, "+4d")
    return getattr(activities, how)(office, chosen)


def _bulk(office: Office, ids: list[int], act: Act) -> Any:
    return bulk.apply(office, Target(ids=tuple(ids)), act)


acts = st.builds(
    Act, set=fields, status=st.none() | stages, assign=st.none() | users, tag=st.just(()) | tags,
    untag=st.just(()) | tags, log=st.none() | entries, follow_up=st.none() | dates.filter(bool),
    interest=st.just(()) | packages,
    protect=st.none() | reasons, lose=st.none() | reasons, delete=st.booleans(), reason=st.none() | reasons,
).filter(lambda act: not act.is_empty)  # fmt: skip
DOINGS: st.SearchStrategy[Do] = st.one_of(
    _act(lambda o, values: leads.create(o, {"phone": "0744000001", **values}), fields.map(dict)),
    _act(leads.edit, who, fields),
    _act(status.set_status, who, stages),
    _act(status.lose, who, reasons),
    _act(status.reopen, who, reasons),
    _act(assign, who, users),
    _act(lifecycle.tag, who, tags),
    _act(lifecycle.untag, who, tags),
    _act(lifecycle.interest, who, packages),
    _act(lambda o, i, names: lifecycle.interest(o, i, names, remove=True), who, packages),
    _act(activities.log, who, entries),
    _act(activities.add_follow_up, who, dates),
    _act(_settle, who, st.integers(0, 2), st.sampled_from(["complete", "cancel", "move"])),
    _act(lifecycle.delete, who),
    _act(lifecycle.restore, who),
    _act(lifecycle.protect, who, reasons),
    _act(lifecycle.unprotect, who),
    _act(lambda o, i: lifecycle.attach(o, i, Path(__file__)), who),
    _act(lambda o, city: intake.by_hand(o, "Website", {"phone": "0722000001", "city": city}), texts),
    _act(
        lambda o, ref, phone: bookings.add(o, ref, {"phone": phone, "name": "Booked", "city": "Kisumu"}),
        st.sampled_from(["B-1", "B-2"]),
        st.sampled_from(["0722000001", "0722000003", "0755000001", "1"]),
    ),
    _act(_bulk, st.lists(who, min_size=1, max_size=3), acts),
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with three leads and two agents."""
    path = tmp_path_factory.mktemp("undo") / "office.db"
    office = _copy_of_template(str(path), None)
    clock.set_clock(lambda: START)
    try:
        add_users(office, "jane:agent", "ann:agent")
        add(office, "0722000001", name="One", follow_up="today", tags="a", assigned_to="jane")
        add(office, "0722000002", name="Two", status="Interested", **{"custom.k": "v"})
        add(office, "0722000003", follow_up="+3d", brought_in_by="Zoe", monthly_fee="1500")
        activities.add_follow_up(office, LEADS, "+3d")
    finally:
        clock.set_clock(None)
    office.close()
    return path


@pytest.fixture
def ticking() -> Iterator[Callable[[], None]]:
    """A clock that moves only when it is called: an hour each time."""
    hours = [0]
    clock.set_clock(lambda: START + timedelta(hours=hours[0]))

    def tick() -> None:
        hours[0] += 1

    yield tick
    clock.set_clock(None)


def attempt(office: Office, do: Do) -> int | None:
    """Do it; the batch it made, or None where it was refused or changed nothing."""
    before = history.batch_count(office)
    try:
        do(office)
    except LeadtuiError:
        assert history.batch_count(office) == before
        return None
    return history.batches(office, limit=1)[0].id if history.batch_count(office) > before else None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(doings=st.lists(DOINGS, min_size=1, max_size=8))
def test_undoing_everything_in_reverse_restores_each_state(
    filled: Path, ticking: Callable[[], None], doings: list[Do]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(filled, Path(folder) / "office.db")
        office = open_office(str(Path(folder) / "office.db"))
        done: list[tuple[int, dict[str, list[str]]]] = []
        for do in doings:
            ticking()
            before = dump(office, TABLES)
            batch = attempt(office, do)
            if batch is not None:
                done.append((batch, before))
            else:
                assert dump(office, TABLES) == before
        for batch, before in reversed(done):
            ticking()
            result = history.undo(office)
            assert (result.batch, result.refused) == (batch, ())
            assert dump(office, TABLES) == before
        office.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(doings=st.lists(DOINGS, min_size=2, max_size=6), place=st.integers(0, 5))
def test_undoing_one_in_the_middle_restores_its_leads_or_names_them(
    filled: Path, ticking: Callable[[], None], doings: list[Do], place: int
) -> None:
    """Every lead of the batch is put back or refused, a refused one is exactly as it stands, others are untouched."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(filled, Path(folder) / "office.db")
        office = open_office(str(Path(folder) / "office.db"))
        done = []
        for do in doings:
            ticking()
            batch = attempt(office, do)
            if batch is not None:
                done.append(batch)
        if done:
            chosen = done[place % len(done)]
            concerned = {e.entity_id for e in history.audit(office, batch=chosen, limit=500)[1] if e.entity == "lead"}
            before = dump(office, but=())
            rehearsed = history.undo(office, chosen, dry_run=True)
            assert dump(office, but=()) == before
            result = history.undo(office, chosen)
            refused = {r.lead_id for r in result.refused}
            assert refused >= {r.lead_id for r in rehearsed.refused}
            assert refused <= concerned
            assert result.restored == len(concerned - refused)
            assert wrong_dates(office) == []
            after = dump(office, but=())
            for lead_id in range(1, 10):
                if lead_id not in concerned - refused:
                    assert of_lead(after, lead_id) == of_lead(before, lead_id)
        office.close()


def wrong_dates(office: Office) -> list[Any]:
    """Leads whose date is not that of their earliest open follow-up."""
    a, lead = t.activity.c, t.lead.c
    first = (
        select(func.min(a.scheduled_at))
        .where(a.lead_id == lead.id, a.completed_at.is_(None), a.cancelled_at.is_(None))
        .scalar_subquery()
    )
    with office.read() as tx:
        return list(tx.conn.execute(select(lead.id).where(lead.next_follow_up_at.is_distinct_from(first))).scalars())


def of_lead(tables: dict[str, list[str]], lead_id: int) -> list[str]:
    """The rows of a dump that belong to one lead."""
    place = {"lead": 0, "lead_tag": 0, "lead_product": 0, "lead_custom": 0}
    return [
        row
        for name, rows in tables.items()
        for row in rows
        if name != "document" and row.strip("(").split(", ")[place.get(name, 1)] == str(lead_id)
    ]
