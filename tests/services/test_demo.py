"""The demo: sound, believable, the same from the same seed, with a training router that knows its users."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from leadtui.errors import Invalid, Refused
from leadtui.services import capacity, customer_finding, first_online, leads, milestones, package_push, routers
from leadtui.services.demo import build_demo, recorded_router, start_demo
from leadtui.services.office import open_office
from leadtui.store import migrate
from leadtui.store import schema as t
from leadtui.store.presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_a_sound_demo(tmp_path: Path, preset: str) -> None:
    info = build_demo(tmp_path / "demo.db", leads=120, preset=preset)
    office = open_office(str(info.db))
    assert leads.count(office) == 120
    assert migrate.check(office.store) == []
    statuses = Counter(row.status for row in leads.search(office, limit=120).rows)
    stages = {s.name for s in office.catalog.stages}
    assert len(statuses) >= len(stages) - 2
    assert {"director", "agent"} <= {u.role for u in office.catalog.users}
    assert (info.router is not None) == (preset == "isp")
    with office.write() as tx:
        ids = list(tx.conn.execute(select(t.lead.c.id)).scalars())
        assert tx.conn.execute(select(func.count()).select_from(t.lead_milestone)).scalar_one() > 60
        assert milestones.check_many(tx, ids) == [], "what the stories reached is written down already"
    office.close()


def test_the_days_of_an_office_are_believable(tmp_path: Path) -> None:
    info = build_demo(tmp_path / "demo.db", leads=400)
    office = open_office(str(info.db))
    for question in ("due:overdue", "due:today", "is:unassigned", "is:converted", "is:lost", "is:parked", "tag:vip",
                     "missing:name", "by:a", "created:this-month", "created:-240d..-60d"):  # fmt: skip
        assert leads.count(office, question) > 0, question
    for row in leads.search(office, limit=400).rows:
        history = leads.get(office, row.id).status_history
        times = [entry.changed_at for entry in history]
        assert times == sorted(times)
        assert times[0] == row.created_at
        assert history[-1].status == row.status
    office.close()


def test_a_new_lead_gets_the_next_number(tmp_path: Path) -> None:
    info = build_demo(tmp_path / "demo.db", leads=50)
    office = open_office(str(info.db))
    numbers = {row.number for row in leads.search(office, limit=100).rows}
    made = leads.create(office, {"phone": "0202000111"}).lead
    assert made.number not in numbers
    office.close()


def test_the_same_seed_tells_the_same_stories(tmp_path: Path) -> None:
    told = []
    for name in ("a", "b"):
        office = open_office(str(build_demo(tmp_path / f"{name}.db", leads=40).db))
        told.append([(r.name, r.phone, r.status) for r in leads.search(office, sort="id", limit=40).rows])
        office.close()
    assert told[0] == told[1]


def test_the_router_runs_with_the_demo_and_knows_its_users(tmp_path: Path) -> None:
    demo = start_demo(leads=150)
    folder = Path(demo.db).parent
    try:
        office = open_office(demo.db)
        name = demo.info.router.name if demo.info.router else ""
        assert routers.test(office, name).ok
        recorded = recorded_router(office)
        assert recorded == demo.info.router
        found = routers.users(office, name)
        assert found["total"] > 3
        (changed,) = package_push.drift(office)
        assert (changed.package, changed.outcome) == ("100 Mbps Business", "change"), "one was changed by hand"
        assert package_push.push(office, changed.package)[0].is_change
        assert package_push.drift(office) == ()
        assert leads.search(office, "is:converted").rows[0].router_user is not None
        office.close()
    finally:
        demo.close()
    assert not folder.exists()


def test_customers_are_found_and_stand_in_order(tmp_path: Path) -> None:
    office = open_office(str(build_demo(tmp_path / "demo.db").db))
    names = [row.name for row in customer_finding.find(office, limit=200).rows]
    assert names == sorted(names, key=str.casefold)
    assert names[-1] in [row.name for row in customer_finding.find(office, names[-1].split()[-1]).rows]
    office.close()


def test_most_customers_are_online_and_a_few_never_were(tmp_path: Path) -> None:
    demo = start_demo()
    try:
        office = open_office(demo.db)
        everybody = customer_finding.find(office).total or 0
        unseen = first_online.never_online(office)
        assert 0 < len(unseen) < everybody / 5
        (load,) = capacity.poll(office)
        assert load.sessions is not None and everybody / 2 < load.sessions < everybody
        assert load.first_seen == 0, "who is online now was seen before"
        customer = customer_finding.detail(office, 1)
        known = leads.get(office, customer.leads[0].id).activities
        online = [a for a in known if a.type == "milestone" and "milestone" not in a.metadata]
        assert [one.completed_at for one in online] == [user.first_online_at for user in customer.users]
        office.close()
    finally:
        demo.close()


def test_what_is_not_a_demo_records_no_router(tmp_path: Path) -> None:
    from leadtui.services.office import create_office

    office = create_office(str(tmp_path / "x.db"), preset="isp", admin="boss")
    assert recorded_router(office) is None
    office.close()
    with pytest.raises(Refused):
        build_demo(tmp_path / "x.db")
    for bad in (0, 10**9):
        with pytest.raises(Invalid):
            build_demo(tmp_path / "y.db", leads=bad)
    with pytest.raises(Invalid):
        build_demo(tmp_path / "y.db", preset="nothing")


def test_it_is_built_before_one_grows_impatient(tmp_path: Path) -> None:
    """Not a benchmark: a guard against going row by row (500 leads in about a second on a slow machine)."""
    start = time.process_time()
    build_demo(tmp_path / "demo.db")
    assert time.process_time() - start < 30
