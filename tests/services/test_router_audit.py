"""The audit of routers: every kind of finding and its mending, with a real training router, on both databases."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from leadtui.errors import NotFound, NotPermitted
from leadtui.router.port import CancelToken
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import provision_jobs, router_audit, routers, secrets, settling
from leadtui.services.conversion import StepEvent, convert
from leadtui.services.office import Office
from leadtui.store import schema as t

from .audit_help import MENUS, PASSWORD, audit_entries, fix_all, mark, place, rows
from .conversion_help import FOREIGN, ROUTER, add_router, jobs, new_lead, wanting
from .test_conversion import acting

CONTRACT = {
    "router", "matched", "missing", "orphaned", "drifted", "foreign_count",
    "passwords_unseen", "error", "checked_at",
}  # fmt: skip


@pytest.fixture
def there(office: Office, simulator: Simulator) -> Simulator:
    """The training router on the list, with two users of ours."""
    add_router(office, simulator)
    place(office, simulator, "ann.bee")
    place(office, simulator, "cee.dee", ip="10.20.9.1")
    return simulator


def drift_of(office: Office) -> dict[str, tuple[str, str]]:
    """What drifted by field, of one user."""
    found = router_audit.audit(office, ROUTER).as_json()["drifted"]
    assert len({entry["username"] for entry in found}) <= 1
    return {entry["field"]: (entry["expected"], entry["actual"]) for entry in found}


# -- what is found, and mending it -------------------------------------------------------------------------------------
def test_a_router_that_agrees(office: Office, there: Simulator) -> None:
    lead = new_lead(office)
    convert(office, lead.id, wanting())
    report = router_audit.audit(office, ROUTER.lower())
    assert report.is_clean
    document = report.as_json()
    assert set(document) == CONTRACT
    assert (document["router"], document["matched"], document["foreign_count"]) == (ROUTER, 3, 3)
    assert (document["missing"], document["orphaned"], document["drifted"], document["error"]) == ([], [], [], None)
    assert router_audit.fixes(office, report) == ()


def test_every_kind_is_found_and_mended(office: Office, there: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    before = rows(there)
    lead = place(office, there, "gone.user", service="hotspot")
    place(office, there, "kept.hot", service="hotspot", ip="10.20.9.7")
    there.remove("/ip/hotspot/user", "gone.user")
    there.change("/ppp/secret", "ann.bee", profile="10M", disabled="yes")
    there.change("/ppp/secret", "cee.dee", comment="was moved", remote_address="10.20.9.9")
    stray = mark(office, "LD-209901-0001")
    there.add("/ppp/secret", name="stray", password="whatever1", profile="20M", comment=f"{stray} old tower")
    there.dial_in("stray")
    with caplog.at_level(logging.DEBUG):
        report = router_audit.audit(office, ROUTER)
        document = report.as_json()
        assert document["matched"] == 1
        assert document["missing"] == [
            {"username": "gone.user", "service": "hotspot", "profile": "20M", "ip": None,
             "lead_number": lead.number, "customer_id": None}
        ]  # fmt: skip
        assert [(o["username"], o["service"], o["lead_number"]) for o in document["orphaned"]] == [
            ("stray", "pppoe", None)
        ]
        assert {(d["username"], d["field"]): (d["expected"], d["actual"]) for d in document["drifted"]} == {
            ("ann.bee", "profile"): ("20M", "10M"),
            ("ann.bee", "disabled"): ("no", "yes"),
            ("cee.dee", "comment"): (mark(office, _number_of(office, "cee.dee")), "was moved"),
            ("cee.dee", "ip"): ("10.20.9.1", "10.20.9.9"),
        }
        fixes = router_audit.fixes(office, report)
        assert {fix.username: (fix.kind, fix.is_danger, fix.is_possible) for fix in fixes} == {
            "gone.user": ("create", False, True), "stray": ("remove", True, True),
            "ann.bee": ("change", False, True), "cee.dee": ("change", False, True),
        }  # fmt: skip
        steps: list[StepEvent] = []
        mended = [router_audit.mend(office, fix, on_step=steps.append) for fix in fixes]
    assert [(one.ok, one.code) for one in mended] == [(True, "")] * 4
    assert {"connect", "user", "customer"} <= {step.key for step in steps}
    assert router_audit.audit(office, ROUTER).is_clean
    assert not any(row["name"] == "stray" for row in there.rows("/ppp/active"))
    left = {row["name"]: row.get("comment") for row in there.secrets()}
    assert left.pop("cee.dee") == f"{mark(office, _number_of(office, 'cee.dee'))} was moved"
    assert [row["name"] for row in before if row["name"] not in {*left, "cee.dee", "default-trial"}] == []
    assert "stray" not in left
    everything = caplog.text + repr(report) + repr(fixes) + repr(mended) + json.dumps(document, default=str)
    with office.read() as tx:
        everything += repr([tuple(row) for table in (t.audit, t.provision_job, t.activity)
                            for row in tx.conn.execute(select(table))])  # fmt: skip
    assert "Kept-secret" not in everything
    assert "whatever1" not in everything


def _number_of(office: Office, username: str) -> str:
    query = select(t.lead.c.number).join(t.router_user, t.router_user.c.lead_id == t.lead.c.id)
    with office.read() as tx:
        return str(tx.conn.execute(query.where(t.router_user.c.username == username)).scalar_one())


DAMAGES: list[tuple[str, dict[str, str], str, tuple[str, str] | None]] = [
    # whose, what somebody did in Winbox, the field, (expected, actual)
    ("u.ser", {"name": "renamed"}, "username", ("u.ser", "renamed")),
    ("u.ser", {"password": "s0mething"}, "password", ("•••", "•••")),
    ("u.ser", {"service": "any"}, "service", ("pppoe", "any")),
    ("u.ser", {"profile": "50M"}, "profile", ("20M", "50M")),
    ("u.ser", {"remote_address": "10.20.9.99"}, "ip", ("10.20.9.5", "10.20.9.99")),
    ("u.ser", {"disabled": "yes"}, "disabled", ("no", "yes")),
    ("u.ser", {"comment": "NOC"}, "comment", None),
    ("h.ot", {"name": "renamed"}, "username", ("h.ot", "renamed")),
    ("h.ot", {"password": "s0mething"}, "password", ("•••", "•••")),
    ("h.ot", {"profile": "50M"}, "profile", ("20M", "50M")),
    ("h.ot", {"address": "10.20.9.99"}, "ip", ("10.20.9.6", "10.20.9.99")),
    ("h.ot", {"comment": ""}, "comment", None),
]


def test_each_field_that_drifts_is_named_and_put_back(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    place(office, simulator, "u.ser", ip="10.20.9.5")
    place(office, simulator, "h.ot", service="hotspot", ip="10.20.9.6")
    before = rows(simulator)
    for username, damage, field, words in DAMAGES:
        menu = MENUS["hotspot" if username == "h.ot" else "pppoe"]
        simulator.change(menu, username, **damage)
        found = drift_of(office)
        assert set(found) == {field}, damage
        assert words is None or found[field] == words
        report, mended = fix_all(office)
        assert [(one.ok, one.fix.kind) for one in mended] == [(True, "remark" if field == "comment" else "change")]
        assert report.is_clean
        after = next(row["comment"] for row in simulator.rows(menu) if row["name"] == username)
        assert after == mark(office, _number_of(office, username)) + (" NOC" if damage == {"comment": "NOC"} else "")
        simulator.change(menu, username, comment=after.removesuffix(" NOC"))
        assert rows(simulator) == before


def test_a_suspended_user_that_somebody_switched_on_is_switched_off_and_loses_its_session(
    office: Office, simulator: Simulator
) -> None:
    add_router(office, simulator)
    place(office, simulator, "s.us", state="suspended")
    assert router_audit.audit(office, ROUTER).is_clean
    simulator.change("/ppp/secret", "s.us", disabled="no")
    simulator.dial_in("s.us")
    assert drift_of(office) == {"disabled": ("yes", "no")}
    report, _ = fix_all(office)
    assert report.is_clean
    assert "s.us" not in {row["name"] for row in simulator.rows("/ppp/active")}


def test_queues_are_part_of_what_must_stand(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    for name, ip in (("q.one", "10.20.9.1"), ("q.two", "10.20.9.2"), ("q.three", "10.20.9.3")):
        place(office, simulator, name, ip=ip, rates=(5_000_000, 20_000_000))
    place(office, simulator, "d.ynamic")
    assert router_audit.audit(office, ROUTER).matched == 4
    before = rows(simulator)
    simulator.remove("/queue/simple", "q.one")
    simulator.change("/queue/simple", "q.two", max_limit="5M/5M")
    simulator.change("/queue/simple", "q.three", disabled="yes", name="qqq")
    simulator.add("/queue/simple", name="left", target="10.20.9.8/32", comment=mark(office, "LD-209901-0002"))
    simulator.add(
        "/queue/simple", name="extra", target="10.20.9.7/32", comment=mark(office, _number_of(office, "d.ynamic"))
    )
    simulator.add("/queue/simple", name="theirs", target="10.1.1.1/32", comment="NOC")
    document = router_audit.audit(office, ROUTER).as_json()
    assert document["matched"] == 0
    assert {d["username"]: (d["field"], d["expected"], d["actual"]) for d in document["drifted"]} == {
        "q.one": ("queue", "10.20.9.1 5M/20M", ""),
        "q.two": ("queue", "10.20.9.2 5M/20M", "10.20.9.2 5M/5M"),
        "q.three": ("queue", "10.20.9.3 5M/20M", "10.20.9.3 5M/20M disabled named qqq"),
        "d.ynamic": ("queue", "", "10.20.9.7 –/–"),
    }
    assert [(o["username"], o["service"], o["ip"]) for o in document["orphaned"]] == [("left", "queue", "10.20.9.8")]
    report, mended = fix_all(office)
    assert [one.message for one in mended if not one.ok] == []
    assert report.is_clean
    assert [row for row in rows(simulator) if row["name"] != "theirs"] == before


def test_fixing_twice_does_nothing_more(office: Office, there: Simulator) -> None:
    there.remove("/ppp/secret", "ann.bee")
    there.change("/ppp/secret", "cee.dee", profile="10M")
    report, mended = fix_all(office)
    assert report.is_clean
    standing, done = there.rows("/ppp/secret"), len(audit_entries(office, "mend", "plan"))
    again = [router_audit.mend(office, one.fix) for one in mended]  # a report of before, carried out once more
    assert [one.ok for one in again] == [True, True]
    assert there.rows("/ppp/secret") == standing
    report, mended = fix_all(office)
    assert (report.is_clean, mended) == (True, [])
    assert there.rows("/ppp/secret") == standing
    assert len(audit_entries(office, "mend", "plan")) == done + 4


# -- whose a thing is --------------------------------------------------------------------------------------------------
def test_what_is_foreign_stays_byte_for_byte(office: Office, there: Simulator) -> None:
    there.remove("/ppp/secret", "ann.bee")
    there.add("/ppp/secret", name="ann.bee", password="of-the-noc", profile="50M", comment="do not touch")
    there.change("/ppp/secret", "cee.dee", comment=f"leadtui:{_number_of(office, 'cee.dee')} office:ffffffff")
    there.add("/ppp/secret", name="other.db", password="abcdefgh", comment="leadtui:LD-202611-0001 office:ffffffff")
    there.add("/queue/simple", name="other.db", target="10.9.9.9/32", comment="leadtui:LD-202611-0001 office:ffffffff")
    before = there.rows("/ppp/secret"), there.rows("/queue/simple"), there.rows("/ip/hotspot/user")
    report, mended = fix_all(office)
    assert (there.rows("/ppp/secret"), there.rows("/queue/simple"), there.rows("/ip/hotspot/user")) == before
    assert (report.matched, report.foreign_count, report.orphaned) == (0, 4, ())
    assert {d["username"]: d["field"] for d in report.as_json()["drifted"]} == {
        "ann.bee": "comment", "cee.dee": "comment"
    }  # fmt: skip
    assert [(one.ok, one.code, one.exit_code) for one in mended] == [(False, "not_mendable", 5)] * 2
    assert "not ours" in mended[0].message
    assert "another database" in mended[1].message
    assert jobs(office) == []


def test_a_name_with_the_mark_of_another_lead_is_left_to_a_person(office: Office, there: Simulator) -> None:
    there.change("/ppp/secret", "ann.bee", comment=mark(office, "LD-209901-0009"))
    before = there.rows("/ppp/secret")
    report, mended = fix_all(office)
    assert report.orphaned == ()
    assert [(one.ok, one.fix.username) for one in mended] == [(False, "ann.bee")]
    assert there.rows("/ppp/secret") == before


def test_marks_without_an_office_are_ours_and_completed(office: Office, there: Simulator) -> None:
    number = _number_of(office, "ann.bee")
    there.change("/ppp/secret", "ann.bee", comment=f"leadtui:{number}")
    assert drift_of(office) == {"comment": (mark(office, number), f"leadtui:{number}")}
    report, _ = fix_all(office)
    assert report.is_clean
    assert next(r["comment"] for r in there.secrets() if r["name"] == "ann.bee") == mark(office, number)


def test_an_orphan_of_a_lead_we_know_is_journalled_one_of_nobody_is_audited(office: Office, there: Simulator) -> None:
    known = new_lead(office)
    there.add("/ppp/secret", name="of.known", password="abcdefgh", comment=mark(office, known.number))
    there.add("/ppp/secret", name="of.nobody", password="abcdefgh", comment=mark(office, "LD-209901-0003"))
    first = router_audit.audit(office, ROUTER)
    assert {f.username: f.lead_number for f in first.orphaned} == {"of.known": known.number, "of.nobody": None}
    report, mended = fix_all(office)
    assert report.is_clean
    assert {one.fix.username: one.ok for one in mended} == {"of.known": True, "of.nobody": True}
    assert [(job.kind, job.state, job.lead_id) for job in jobs(office)] == [("mend", "verified", known.id)]
    told = [(row.action, row.entity) for row in audit_entries(office, "plan", "mend")]
    assert told == [("plan", "provision_job"), ("mend", "router"), ("plan", "router"), ("mend", "router")]


def test_an_orphan_that_became_a_customers_meanwhile_is_left(office: Office, there: Simulator) -> None:
    lead = new_lead(office)
    there.add("/ppp/secret", name="late", password=PASSWORD.format("late"), comment=mark(office, lead.number),
              service="pppoe", profile="20M")  # fmt: skip
    (fix,) = router_audit.fixes(office, router_audit.audit(office, ROUTER))
    there.remove("/ppp/secret", "late")
    place(office, there, "late", lead=lead)
    mended = router_audit.mend(office, fix)
    assert (mended.ok, "by now" in mended.message) == (True, True)
    assert router_audit.audit(office, ROUTER).is_clean


def test_a_lost_password_is_not_compared_and_what_needs_it_is_not_mended(office: Office, there: Simulator) -> None:
    place(office, there, "by.hand", with_secret=False)
    with office.write() as tx:
        user = t.router_user.c
        ref = tx.conn.execute(select(user.secret_ref).where(user.username == "ann.bee")).scalar_one()
        secrets.drop(tx, ref)
    there.change("/ppp/secret", "ann.bee", password="changed-since")
    assert router_audit.audit(office, ROUTER).is_clean
    there.change("/ppp/secret", "by.hand", disabled="yes")
    there.remove("/ppp/secret", "ann.bee")
    report, mended = fix_all(office)
    assert {one.fix.username: one.ok for one in mended} == {"ann.bee": False, "by.hand": True}
    assert [finding.username for finding in report.findings] == ["ann.bee"]


def test_without_the_key_everything_but_passwords_is_compared(office: Office, there: Simulator) -> None:
    with office.read() as tx:
        router = tx.conn.execute(select(t.router)).one()
        refs = list(tx.conn.execute(select(t.router_user.c.secret_ref)).scalars())
        assert secrets.get_many(tx, office, [router.secret_ref, *refs]).keys() == {router.secret_ref, *refs}
        secrets.key_path(office).unlink()
        assert secrets.get_many(tx, office, refs) == {}
    report = router_audit.audit(office, ROUTER)
    assert "key" in str(report.error)  # the router's own password lies under the same key
    assert (report.matched, report.findings) == (0, ())
    assert routers.get(office, ROUTER)["last_error"] is None


# -- who may -----------------------------------------------------------------------------------------------------------
def test_leads_outside_the_scope_are_counted_and_not_named(office: Office, there: Simulator) -> None:
    there.change("/ppp/secret", "ann.bee", comment="NOC")
    there.remove("/ppp/secret", "cee.dee")
    numbers = {_number_of(office, name) for name in ("ann.bee", "cee.dee")}
    agent, admin = acting(office, "agent"), acting(office, "admin")
    for somebody in (agent, admin):
        report = router_audit.audit(somebody, ROUTER)
        fixes = router_audit.fixes(somebody, report)
        shown = json.dumps([report.as_json(), [fix.as_json() for fix in fixes]], default=str) + repr((report, fixes))
        assert not any(number in shown for number in numbers)
        assert len(report.findings) == 2
    assert [fix.is_possible for fix in router_audit.fixes(agent, router_audit.audit(agent, ROUTER))] == [False, False]
    with office.write() as tx:  # one of the leads becomes the agent's
        tx.conn.execute(update(t.lead).where(t.lead.c.number == _number_of(office, "ann.bee"))
                        .values(assigned_to_id=agent.user_id))  # fmt: skip
    assert {one.fix.username: (one.ok, one.code) for one in fix_all(agent)[1]} == {
        "ann.bee": (True, ""), "cee.dee": (False, "not_mendable")
    }  # fmt: skip
    (fix,) = router_audit.fixes(office, router_audit.audit(office, ROUTER))  # what a principal may, tried by the agent
    assert router_audit.mend(agent, fix).code == "not_permitted"
    assert fix_all(admin)[0].is_clean


def test_who_neither_converts_nor_configures_may_not_look(office: Office, there: Simulator) -> None:
    somebody = acting(office, "collections")
    for call in (
        lambda: router_audit.audit(somebody, ROUTER), lambda: router_audit.audit_all(somebody),
        lambda: router_audit.last(somebody), lambda: router_audit.to_ask(somebody),
    ):  # fmt: skip
        with pytest.raises(NotPermitted):
            call()
    with pytest.raises(NotFound):
        router_audit.audit(office, "nowhere")


# -- what is open, what is under way -----------------------------------------------------------------------------------
def test_what_was_left_open_is_settled_first(office: Office, there: Simulator) -> None:
    lead, late = new_lead(office), new_lead(office)
    with office.write() as tx:
        for of, state in ((lead, "applying"), (late, "failed")):
            job = provision_jobs.begin(
                tx, lead_id=of.id, router_id=1, tag=mark(office, of.number), username="half",
                request_json={"service": "pppoe"},
            )  # fmt: skip
            there.add("/ppp/secret", name=f"half.{of.id}", password="abcdefgh", comment=mark(office, of.number))
            tx.conn.execute(
                update(t.provision_job)
                .where(t.provision_job.c.id == job)
                .values(state=state, pid=0, recheck_until=tx.now + provision_jobs.RECHECK)
            )
    assert router_audit.audit(office, ROUTER).is_clean
    assert {job.state for job in jobs(office)} == {"failed"}
    assert settling.pending(office) == []
    assert not any(name.startswith("half") for name in (row["name"] for row in there.secrets()))


def test_a_lead_being_converted_now_is_no_finding(office: Office, there: Simulator) -> None:
    lead = new_lead(office)
    is_made, may_go_on = threading.Event(), threading.Event()

    def step(event: StepEvent) -> None:
        if (event.key, event.state) == ("customer", "started"):  # the user is on the router, the lead not converted yet
            is_made.set()
            may_go_on.wait(20)

    worker = threading.Thread(target=convert, args=(office, lead.id, wanting()), kwargs={"on_step": step})
    worker.start()
    try:
        assert is_made.wait(20)
        report = router_audit.audit(office, ROUTER)
        assert (report.matched, report.findings, report.in_work) == (2, (), 1)
    finally:
        may_go_on.set()
        worker.join(20)
    assert router_audit.audit(office, ROUTER).matched == 3


def test_a_conversion_between_reading_the_store_and_the_router_is_no_finding(
    office: Office, there: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = new_lead(office)
    read_store = router_audit.read_store

    def read_and_convert(tx: Any, *arguments: Any) -> Any:
        side = read_store(tx, *arguments)
        worker = threading.Thread(target=convert, args=(office, lead.id, wanting()))
        worker.start()
        worker.join(20)
        return side

    monkeypatch.setattr(router_audit, "read_store", read_and_convert)
    report = router_audit.audit(office, ROUTER)
    assert (report.findings, report.in_work) == ((), 1)


def test_a_mend_of_a_lead_that_is_being_worked_on_says_by_whom(office: Office, there: Simulator) -> None:
    there.remove("/ppp/secret", "ann.bee")
    (fix,) = router_audit.fixes(office, router_audit.audit(office, ROUTER))
    with office.write() as tx:
        job = provision_jobs.begin(
            tx, kind="suspend", lead_id=fix.lead_id or 0, router_id=1, tag=mark(office, "x"), username="ann.bee",
            request_json={"service": "pppoe"},
        )  # fmt: skip
    with provision_jobs.holding(job):
        mended = router_audit.mend(office, fix)
    assert (mended.ok, mended.code, "suspending" in mended.message) == (False, "busy", True)
    assert "ann.bee" not in {row["name"] for row in there.secrets()}


# -- routers that fail -------------------------------------------------------------------------------------------------
def test_another_box_under_the_address_is_not_judged_nor_written_to(office: Office, there: Simulator) -> None:
    there.remove("/ppp/secret", "ann.bee")
    there.add("/ppp/secret", name="stray", password="abcdefgh", comment=mark(office, "LD-209901-0001"))
    first = router_audit.audit(office, ROUTER)  # remembers who it is
    there.state.rename("SOMEBODY-ELSE")
    there.remove("/ppp/secret", "cee.dee")
    report = router_audit.audit(office, ROUTER)
    assert "SOMEBODY-ELSE" in str(report.error)
    assert (report.matched, report.findings, report.foreign_count) == (0, (), 0)
    before = there.rows("/ppp/secret")
    mended = router_audit.mend_all(office, router_audit.fixes(office, first))
    assert [(one.ok, one.exit_code) for one in mended] == [(False, 6)] * 2
    assert there.rows("/ppp/secret") == before
    assert "SOMEBODY-ELSE" in str(routers.get(office, ROUTER)["last_error"])


def test_a_router_without_a_menu(office: Office, there: Simulator) -> None:
    there.faults.add(FaultRule("/ip/hotspot/user/print", "no_menu", count=-1))
    there.faults.add(FaultRule("/queue/simple/print", "no_menu", count=2))
    report = router_audit.audit(office, ROUTER)
    assert (report.error, report.matched) == (None, 2)
    assert routers.users(office, ROUTER)["total"] == 2
    place(office, there, "q.ue", ip="10.20.9.4", rates=(1_000_000, 1_000_000))
    assert router_audit.audit(office, ROUTER).error is not None
    there.faults.clear()
    there.faults.add(FaultRule("/ip/hotspot/user/print", "no_menu", count=-1))
    place(office, there, "h.ot", service="hotspot")
    report = router_audit.audit(office, ROUTER)
    assert (report.error is not None, report.findings) == (True, ())


def test_a_router_that_dies_in_the_middle_of_mending(office: Office, there: Simulator) -> None:
    for name in ("a.one", "b.two", "c.three", "d.four"):
        place(office, there, name)
        there.remove("/ppp/secret", name)
    there.faults.add(FaultRule("/ppp/secret/add", "drop_after", skip=1))
    there.faults.add(FaultRule("/login", "drop_before", skip=3, count=-1))
    report = router_audit.audit(office, ROUTER)  # the first login
    mended = router_audit.mend_all(office, router_audit.fixes(office, report))
    assert [one.ok for one in mended] == [True, False, False, False]
    assert {one.exit_code for one in mended if not one.ok} == {6}
    assert len(there.faults.fired) == 1 + 2  # …and the last fix did not ask a router that is gone
    there.faults.clear()
    report, mended = fix_all(office)
    assert report.is_clean
    assert all(one.ok for one in mended)
    names = [row["name"] for row in there.secrets()]
    assert len(names) == len(set(names))


def test_a_refusal_names_its_reason_and_stops_nothing_else(office: Office, there: Simulator) -> None:
    place(office, there, "no.profile", profile="100M")
    for name in ("no.profile", "ann.bee"):
        there.remove("/ppp/secret", name)
    there.remove("/ppp/profile", "100M")
    report, mended = fix_all(office)
    assert {one.fix.username: one.ok for one in mended} == {"no.profile": False, "ann.bee": True}
    failed = next(one for one in mended if not one.ok)
    assert ("100M" in failed.message, failed.exit_code) == (True, 6)
    assert [finding.username for finding in report.findings] == ["no.profile"]
    assert settling.pending(office) == [] or all(job.state == "failed" for job in settling.pending(office))
    there.add("/ppp/profile", name="100M")
    assert fix_all(office)[0].is_clean


def test_what_a_killed_process_left_of_a_mend_is_finished_by_the_next_audit(
    office: Office, db_url: str, there: Simulator
) -> None:
    there.change("/ppp/secret", "ann.bee", comment="NOC", profile="10M")
    step = "customer started" if "://" in db_url else "user started"  # all was sent; nothing was sent yet
    argv = [sys.executable, "-m", "tests.services.mend_and_wait", db_url, ROUTER, step]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "REACHED\n"
        process.kill()
    assert [(job.kind, job.state) for job in jobs(office)] == [("mend", "applying")]
    assert router_audit.audit(office, ROUTER).is_clean
    row = next(row for row in there.secrets() if row["name"] == "ann.bee")
    assert (row["profile"], row["comment"]) == ("20M", f"{mark(office, _number_of(office, 'ann.bee'))} NOC")
    assert all(job.state == "failed" for job in jobs(office))


def test_a_listener_that_ends_the_run_leaves_no_open_job(office: Office, there: Simulator) -> None:
    there.remove("/ppp/secret", "ann.bee")
    (fix,) = router_audit.fixes(office, router_audit.audit(office, ROUTER))

    def leave(event: StepEvent) -> None:
        if (event.key, event.state) == ("user", "started"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        router_audit.mend(office, fix, on_step=leave)
    assert not [job for job in jobs(office) if job.state in provision_jobs.OPEN_STATES]
    assert router_audit.audit(office, ROUTER).is_clean


# -- many --------------------------------------------------------------------------------------------------------------
def test_a_dead_router_delays_nobody(office: Office, there: Simulator) -> None:
    with Simulator(identity="R2") as second, Simulator(identity="R3") as third:
        add_router(office, second, "R2")
        add_router(office, third, "R3")
        third.faults.add(FaultRule("/login", "hang_before", count=-1))
        arrived: list[str] = []

        def came(report: router_audit.AuditReport) -> None:
            arrived.append(report.router)
            if len(arrived) == 2:  # both that live are here while the third still hangs: now it may end
                third.stop()

        reports = router_audit.audit_all(office, on_report=came)
    assert (set(arrived[:2]), arrived[2]) == ({ROUTER, "R2"}, "R3")
    assert [(one.router, one.error is None) for one in reports] == [("R2", True), ("R3", False), (ROUTER, True)]
    assert routers.get(office, "R3")["last_error"]
    looked = router_audit.last(office)
    assert {name: (one.found, one.error is None) for name, one in looked.items()} == {
        ROUTER: (0, True), "R2": (0, True), "R3": (0, False)
    }  # fmt: skip


def test_cancelling_keeps_what_came_and_remembers_nothing_of_the_rest(office: Office, there: Simulator) -> None:
    with Simulator(identity="R3") as third:
        add_router(office, third, "R3")
        third.faults.add(FaultRule("/login", "hang_before", count=-1))
        token = CancelToken()
        reports = router_audit.audit_all(office, on_report=lambda _: token.cancel(), cancel=token)
    assert [one.router for one in reports] == [ROUTER]
    assert set(router_audit.last(office)) == {ROUTER}
    assert routers.get(office, "R3")["last_error"] is None


def test_which_routers_are_asked(office: Office, there: Simulator) -> None:
    add_router(office, there, "idle")
    add_router(office, there, "spare")
    routers.edit(office, "idle", {"is_active": "no"})
    routers.edit(office, ROUTER, {"is_active": "no"})
    assert router_audit.to_ask(office) == ("spare", ROUTER)  # out of use, but it holds users of ours
    reports = router_audit.audit_all(office, names=["IDLE", "idle"])
    assert [one.router for one in reports] == ["idle"]


def test_two_who_mend_at_once(office: Office, there: Simulator) -> None:
    names = [f"u.{number}" for number in range(6)]
    for name in names:
        place(office, there, name)
        there.remove("/ppp/secret", name)
    fixes = router_audit.fixes(office, router_audit.audit(office, ROUTER))
    other = Office(office.store, office.user_id, origin="other")
    both = threading.Barrier(2)
    done: dict[str, list[router_audit.Mended]] = {}

    def run(who: Office) -> None:
        both.wait(20)
        done[who.origin] = router_audit.mend_all(who, fixes)

    workers = [threading.Thread(target=run, args=(who,)) for who in (office, other)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    failed = [one for some in done.values() for one in some if not one.ok]
    assert {one.code for one in failed} <= {"busy", "conflict"}
    for some in zip(*done.values(), strict=True):
        assert any(one.ok for one in some)
    assert router_audit.audit(office, ROUTER).is_clean
    assert sorted(row["name"] for row in there.secrets()) == sorted([*names, "ann.bee", "cee.dee", *FOREIGN])


def test_mending_stops_when_asked(office: Office, there: Simulator) -> None:
    for name in ("ann.bee", "cee.dee"):
        there.remove("/ppp/secret", name)
    fixes = router_audit.fixes(office, router_audit.audit(office, ROUTER))
    done: list[str] = []
    mended = router_audit.mend_all(
        office, fixes, on_mended=lambda one: done.append(one.fix.username), should_stop=lambda: len(done) == 1
    )
    assert (len(mended), [one.ok for one in mended]) == (1, [True])
    token = CancelToken()
    token.cancel()
    assert router_audit.mend_all(office, fixes, cancel=token) == []


# -- the list of users -------------------------------------------------------------------------------------------------
def test_the_list_of_users_says_the_same(office: Office, there: Simulator) -> None:
    place(office, there, "re.named")
    place(office, there, "un.marked")
    place(office, there, "off.line", state="suspended")
    there.remove("/ppp/secret", "ann.bee")
    there.change("/ppp/secret", "re.named", name="other.name")
    there.change("/ppp/secret", "un.marked", comment="NOC")
    there.add("/ppp/secret", name="stray", password="abcdefgh", comment=mark(office, "LD-209901-0001"))
    there.add("/ppp/secret", name="of.b", password="abcdefgh", comment="leadtui:LD-202611-0001 office:ffffffff")
    found = routers.users(office, ROUTER)
    assert {user["username"]: user["state"] for user in found["users"]} == {
        "ann.bee": "missing", "cee.dee": "active", "off.line": "disabled", "other.name": "renamed",
        "stray": "orphaned", "un.marked": "unmarked",
    }  # fmt: skip
    report = router_audit.audit(office, ROUTER)
    assert found["foreign_count"] == report.foreign_count == 4
    assert found["total"] == 6
    with office.write() as tx:
        tx.conn.execute(delete(t.router_user))
    assert {user["state"] for user in routers.users(office, ROUTER)["users"]} == {"orphaned"}
