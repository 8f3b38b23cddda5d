"""Settling what was asked of routers, of every kind: the router agrees with the store, or the job says why not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from leadtui import clock
from leadtui.errors import Refused
from leadtui.router.port import CancelToken
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import agreement, leads, lifecycle, provision_jobs, secrets, settling
from leadtui.services.conversion import convert, pending, resolve
from leadtui.services.office import Office
from leadtui.store import schema as t

from .conversion_help import ROUTER, add_router, check_agreement, foreign_rows, jobs, new_lead, wanting

NAME = "achieng.odhiambo"


@pytest.fixture
def customer(office: Office, simulator: Simulator) -> int:
    """A lead with a router user; its id."""
    add_router(office, simulator)
    lead = new_lead(office)
    convert(office, lead.id, wanting())
    return lead.id


def left_open(office: Office, lead_id: int, kind: str, **asked: Any) -> int:
    """A job of this kind whose process died after it had reached the router."""
    with office.write() as tx:
        user = tx.conn.execute(select(t.router_user).where(t.router_user.c.lead_id == lead_id)).one()
        job_id = provision_jobs.begin(
            tx, kind=kind, lead_id=lead_id, router_id=user.router_id, tag=user.tag, username=user.username,  # type: ignore[arg-type]
            request_json={"service": user.service, **asked},
        )  # fmt: skip
        job = t.provision_job.c
        tx.conn.execute(update(t.provision_job).where(job.id == job_id).values(state="applying", pid=999_999_999))
    return job_id


def secret(simulator: Simulator, name: str = NAME) -> dict[str, str]:
    return next(row for row in simulator.secrets() if row["name"] == name)


def job_of(office: Office, job_id: int) -> Any:
    return next(job for job in jobs(office) if job.id == job_id)


@pytest.mark.parametrize(
    ("kind", "noun"),
    [("suspend", "suspension"), ("resume", "resumption"), ("package", "change of package"), ("mend", "repair")],
)
def test_every_kind_is_put_as_the_store_says(
    office: Office, simulator: Simulator, customer: int, kind: str, noun: str
) -> None:
    foreign = foreign_rows(simulator)
    job_id = left_open(office, customer, kind)
    simulator.change("/ppp/secret", NAME, disabled="yes", profile="50M", password="of-the-attempt")
    assert [(job.kind, job.noun, job.is_held) for job in pending(office)] == [(kind, noun, False)]
    (settled,) = resolve(office)
    assert (settled.outcome, settled.kind, settled.noun) == ("kept", kind, noun)
    assert settled.message == f"the user {NAME} on {ROUTER} is as the store says"
    row = secret(simulator)
    with office.read() as tx:
        user = tx.conn.execute(select(t.router_user)).one()
        password = secrets.get(tx, office, user.secret_ref)
    assert (row["disabled"], row["profile"], row["password"]) == ("false", "20M", password.reveal())
    assert job_of(office, job_id).state == "failed"
    noted = [a for a in leads.get(office, customer).activities if a.type == "other"]
    assert [a.subject for a in noted] == [
        f"Interrupted {noun} settled: the user {NAME} on {ROUTER} is as the store says"
    ]
    assert foreign_rows(simulator) == foreign
    check_agreement(office, simulator)


def test_a_suspended_user_is_switched_off_and_disconnected(office: Office, simulator: Simulator, customer: int) -> None:
    with office.write() as tx:
        tx.conn.execute(update(t.router_user).values(state="suspended"))
    left_open(office, customer, "resume")
    simulator.dial_in(NAME)
    assert [one.outcome for one in resolve(office)] == ["kept"]
    assert secret(simulator)["disabled"] == "true"
    assert NAME not in {row["name"] for row in simulator.rows("/ppp/active")}


def test_a_session_that_would_keep_its_old_speed_is_ended(office: Office, simulator: Simulator, customer: int) -> None:
    simulator.dial_in(NAME)
    left_open(office, customer, "package")
    resolve(office)
    assert NAME in {row["name"] for row in simulator.rows("/ppp/active")}  # nothing was changed: he stays online
    left_open(office, customer, "package")
    simulator.change("/ppp/secret", NAME, profile="50M")
    resolve(office)
    assert NAME not in {row["name"] for row in simulator.rows("/ppp/active")}


def test_a_user_under_another_name_is_renamed_and_others_go(
    office: Office, simulator: Simulator, customer: int
) -> None:
    row_id = secret(simulator)[".id"]
    simulator.change("/ppp/secret", NAME, name="renamed.by.hand")
    left_open(office, customer, "mend")
    assert [one.outcome for one in resolve(office)] == ["kept"]
    assert secret(simulator)[".id"] == row_id
    tag = secret(simulator)["comment"]
    for name in ("stray.one", "stray.two"):
        simulator.add("/ppp/secret", name=name, password="abcd", service="pppoe", profile="20M", comment=tag)
    simulator.dial_in("stray.one")
    simulator.add("/queue/simple", name="stray.queue", target="10.77.0.1", comment=tag)
    (settled,) = resolve(office, left_open(office, customer, "mend"))
    assert settled.outcome == "removed"
    assert "stray.one" not in {row["name"] for row in simulator.rows("/ppp/active")}
    assert simulator.rows("/queue/simple") == []
    check_agreement(office, simulator)


def test_what_the_router_refuses_for_certain_is_closed_and_said(
    office: Office, simulator: Simulator, customer: int
) -> None:
    job_id = left_open(office, customer, "package")
    simulator.change("/ppp/secret", NAME, profile="50M")
    simulator.remove("/ppp/profile", "20M")
    (settled,) = resolve(office)
    assert settled.outcome == "refused"
    assert "has no profile 20M" in settled.message
    job = job_of(office, job_id)
    assert job.state == "failed"
    assert "has no profile 20M" in job.last_error
    with office.read() as tx:
        assert provision_jobs.open_job_of(tx, customer) is None  # the lead is not locked


def test_another_box_is_not_written_to(office: Office, simulator: Simulator, customer: int) -> None:
    job_id = left_open(office, customer, "suspend")
    simulator.change("/ppp/secret", NAME, disabled="yes")
    simulator.state.identity = "SOMEBODY-ELSE"
    (settled,) = resolve(office)
    assert settled.outcome == "unknown"
    assert "SOMEBODY-ELSE" in settled.message
    assert secret(simulator)["disabled"] == "true"
    assert job_of(office, job_id).state == "unknown"


def test_a_user_whose_password_is_lost_is_at_least_switched(
    office: Office, simulator: Simulator, customer: int
) -> None:
    password = secret(simulator)["password"]
    with office.write() as tx:
        tx.conn.execute(update(t.router_user).values(secret_ref=None))
    left_open(office, customer, "suspend")
    simulator.change("/ppp/secret", NAME, disabled="yes")
    assert [one.outcome for one in resolve(office)] == ["kept"]
    assert (secret(simulator)["disabled"], secret(simulator)["password"]) == ("false", password)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("suspend", "is suspending this customer"), ("package", "is changing this customer's package")],
)
def test_who_comes_second_is_told_what_is_going_on(office: Office, customer: int, kind: str, words: str) -> None:
    job_id = left_open(office, customer, kind)
    with office.write() as tx:
        here = provision_jobs.me()
        values = {"host": "elsewhere", "pid": here.pid}
        tx.conn.execute(update(t.provision_job).where(t.provision_job.c.id == job_id).values(**values))
    with pytest.raises(Refused, match=words):
        settling.clear_the_way(office, customer, for_router=True, kind="resume")


def test_marks_of_before_offices_had_an_id_go_on_working(office: Office, simulator: Simulator, customer: int) -> None:
    number = leads.get(office, customer).row.number
    with office.write() as tx:
        tx.conn.execute(update(t.router_user).values(tag=f"leadtui:{number}"))
    simulator.change("/ppp/secret", NAME, comment=f"leadtui:{number}")
    left_open(office, customer, "suspend")
    simulator.change("/ppp/secret", NAME, disabled="yes")
    assert [one.outcome for one in resolve(office)] == ["kept"]
    assert secret(simulator)["disabled"] == "false"
    lifecycle.reopen(office, customer, "another package")
    assert convert(office, customer, wanting(package="50 Mbps Home")).success
    assert secret(simulator)["profile"] == "50M"
    with office.read() as tx:
        assert (
            tx.conn.execute(select(t.router_user.c.tag)).scalar() == f"leadtui:{number} office:{tx.catalog.office_id}"
        )


def test_the_machine_settles_with_growing_pauses_and_stops_when_told(
    office: Office, simulator: Simulator, customer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "LOOK_DEADLINE_S", 1.0)
    job_id = left_open(office, customer, "suspend")
    assert settling.settle_due(office, may_go_on=lambda: False) == []
    gone = CancelToken()
    gone.cancel()
    assert settling.settle_due(office, cancel=gone) == []
    assert job_of(office, job_id).state == "applying"
    simulator.faults.add(FaultRule("/login", "refuse", count=-1, text="no"))
    now = clock.now()
    try:
        waited = []
        for pause in (0, 30, 60, 120):
            clock.set_clock(lambda at=now + timedelta(seconds=pause - 1): at)
            early = settling.settle_due(office) if pause else []
            clock.set_clock(lambda at=now + timedelta(seconds=pause): at)
            waited.append((len(early), [one.outcome for one in settling.settle_due(office)]))
            now += timedelta(seconds=pause)
        assert waited == [(0, ["unknown"])] * 4
        simulator.faults.clear()
        assert [one.outcome for one in resolve(office)] == ["kept"]  # a person need not wait
    finally:
        clock.set_clock(None)


def test_a_router_that_hangs_delays_no_other(office: Office, simulator: Simulator, customer: int) -> None:
    """The job of the first router hangs; the second is settled meanwhile, and cancelling ends the waiting at once."""
    stuck = left_open(office, customer, "suspend")
    simulator.faults.add(FaultRule("/login", "hang_before", count=-1))
    with Simulator() as second:
        add_router(office, second, name="R2")
        other = new_lead(office, phone="0722 000 222", name="Brian Kamau")
        convert(office, other.id, wanting(router="R2"))
        left_open(office, other.id, "suspend")
        token = CancelToken()
        told: list[str] = []

        def answered(one: settling.Resolution) -> None:
            told.append(one.router)
            assert simulator.faults.wait_fired()
            token.cancel()

        answers = resolve(office, on_answer=answered, cancel=token)
    assert told == ["R2"]
    assert [(one.router, one.outcome) for one in answers] == [("R2", "kept")]
    assert job_of(office, stuck).state != "verified"
