"""Two at work on one lead, one name, one package, one router at the same moment: what each does stays done."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select, text, update

from leadtui.errors import LeadtuiError
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.router.simulator.commands import ALL_POLICIES, SimulatorUser
from leadtui.services import admin, conversion_steps, provision_jobs, router_audit, settling
from leadtui.services.conversion import StepEvent, convert, resolve
from leadtui.services.office import Office
from leadtui.services.subscriptions import Suspend, carry_out
from leadtui.store import schema as t

from .audit_help import fix_all
from .conversion_help import ROUTER, add_router, check_agreement, jobs, new_lead, wait_until, wanting
from .subscription_help import QUEUES, SECRETS, check_service, new_customer, on_router, ready, set_package, stored

NAME = "achieng.odhiambo"


# -- settling beside other work ----------------------------------------------------------------------------------------
def test_settling_an_old_attempt_does_not_undo_the_one_that_ends_meanwhile(
    office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look at the failed job is begun while the second attempt's last transaction is written, but not committed."""
    add_router(office, simulator)
    lead = new_lead(office)
    simulator.faults.add(FaultRule("/ppp/secret/add", "drop_before"))
    with pytest.raises(LeadtuiError):
        convert(office, lead.id, wanting())
    (old,) = jobs(office)
    assert old.recheck_until is not None
    finish = conversion_steps.finish
    found: list[str] = []
    other = threading.Thread(target=lambda: found.append(settling.settle(office, old.id).outcome))

    def finishing(tx: Any, *args: Any, **more: Any) -> Any:
        done = finish(tx, *args, **more)
        other.start()
        if not tx.is_sqlite:  # there the other one cannot even begin
            waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            wait_until(lambda: bool(tx.conn.execute(waits).scalar_one()))
        return done

    monkeypatch.setattr(conversion_steps, "finish", finishing)
    assert convert(office, lead.id, wanting()).success
    other.join(10)
    assert found == ["absent"]
    check_agreement(office, simulator)


def test_a_job_that_one_thread_settles_is_held_against_the_others(
    office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    simulator.faults.add(FaultRule("/ppp/secret/add", "drop_before"))
    with pytest.raises(LeadtuiError):
        convert(office, lead.id, wanting())
    seen = []
    claim = provision_jobs.claim

    def claiming(tx: Any, job: Any) -> bool:
        done = claim(tx, job)
        row = provision_jobs.read(tx, job.id)
        seen.append(lambda: provision_jobs.is_held(row, tx.now))
        return done

    look = settling.look

    def looking(*args: Any, **more: Any) -> Any:
        assert seen[0]()  # from the moment on that others can read the claim
        return look(*args, **more)

    monkeypatch.setattr(provision_jobs, "claim", claiming)
    monkeypatch.setattr(settling, "look", looking)
    assert [one.outcome for one in resolve(office)] == ["absent"]
    assert not seen[0]()


def test_what_is_sent_after_it_was_given_up_is_looked_for_again(
    office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that slept: its job was settled elsewhere, then it wakes up and goes on writing."""
    add_router(office, simulator)
    lead = new_lead(office)

    def step(event: StepEvent) -> None:
        if (event.key, event.state) == ("user", "started") and event.text.startswith("Adding"):
            with office.write() as tx:
                values = {"state": "failed", "pid": 0, "recheck_until": None}
                tx.conn.execute(update(t.provision_job).values(**values))

    with pytest.raises(LeadtuiError) as failed:
        convert(office, lead.id, wanting(), on_step=step)
    assert failed.value.code == "given_up"
    assert any(row["name"] == NAME for row in simulator.secrets())
    assert [one.outcome for one in resolve(office)] == ["removed"]
    check_agreement(office, simulator)


# -- names -------------------------------------------------------------------------------------------------------------
def test_a_name_of_ours_that_another_takes_meanwhile_is_chosen_anew(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    simulator.add(SECRETS, name=NAME, password="hers", service="pppoe", profile="20M", comment="of 2022")
    first, second = new_lead(office), new_lead(office, "Somebody Else")

    def step(event: StepEvent) -> None:
        if (event.key, event.state) == ("connect", "done"):  # chosen, and not yet written down
            assert convert(office, second.id, wanting(username=f"{NAME}2")).success

    done = convert(office, first.id, wanting(), on_step=step)
    assert done.router_user is not None
    assert done.router_user.username == f"{NAME}3"
    simulator.remove(SECRETS, NAME)
    check_agreement(office, simulator)


def test_a_name_that_a_person_typed_is_never_changed(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    first, second = new_lead(office), new_lead(office, "Somebody Else")

    def step(event: StepEvent) -> None:
        if (event.key, event.state) == ("intent", "done"):
            with pytest.raises(LeadtuiError, match="is taken"):
                convert(office, second.id, wanting(username="typed.name"))

    assert convert(office, first.id, wanting(username="typed.name"), on_step=step).success
    check_agreement(office, simulator)


# -- marks that a person wrote on in ----------------------------------------------------------------------------------
def test_a_user_renamed_and_written_on_stays_one_user(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    row = on_router(simulator, made.username)
    for deed in (lambda: fix_all(office), lambda: carry_out(office, made.id, Suspend())):
        noted = f"{row['comment']} moved to tower 7"
        simulator.change(SECRETS, made.username, name="by.hand", comment=noted)
        deed()
        there = on_router(simulator, made.username)
        assert (there[".id"], there["comment"]) == (row[".id"], noted)
        check_service(office, simulator)


def test_a_second_user_of_a_mark_goes_though_somebody_wrote_on_in_it(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    tag = stored(office, made.username).tag
    values = {"password": "abcd-1", "service": "pppoe", "profile": "20M"}
    simulator.add(SECRETS, name="a.copy", comment=f"{tag} copied by hand", **values)
    after, mended = fix_all(office)
    assert [one.ok for one in mended] == [True]
    assert after.is_clean
    check_service(office, simulator)


def test_a_missing_user_without_a_password_is_not_called_right(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    with office.write() as tx:
        tx.conn.execute(update(t.router_user).values(secret_ref=None))
    simulator.faults.add(FaultRule("/ppp/secret/set", "drop_after"))
    simulator.faults.add(FaultRule("/login", "refuse", skip=1, text="no"))
    assert carry_out(office, made.id, Suspend()).failed
    simulator.remove(SECRETS, made.username)
    (settled,) = resolve(office)
    assert settled.outcome == "refused"
    assert f"has no user {made.username}" in settled.message


# -- what is said when it fails ----------------------------------------------------------------------------------------
def test_a_plain_refusal_does_not_say_that_the_user_is_gone(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    simulator.faults.add(FaultRule("/ppp/secret/set", "refuse", text="failure: no"))
    (failed,) = carry_out(office, made.id, Suspend()).failed
    assert failed.error.data["exists"] == f"the user {made.username} on {ROUTER} is as the store says"


# -- a package with a queue gets another speed ------------------------------------------------------------------------
QUEUE = "50 Mbps Home"


@pytest.fixture
def queued(office: Office, simulator: Simulator) -> str:
    """Two customers, one with a queue; its name."""
    add_router(office, simulator)
    new_customer(office, "Plain Customer")
    set_package(office, QUEUE, addressing="queue", pool="pppoe-wl-2", upload_bps=5_000_000, download_bps=50_000_000)
    return new_customer(office, package=QUEUE).username


def test_a_new_speed_reaches_the_queues_by_the_audit(office: Office, simulator: Simulator, queued: str) -> None:
    assert router_audit.audit(office, ROUTER).is_clean
    assert admin.edit(office, "package", QUEUE, {"gateway": "10.20.0.1"}).get("queues_behind") is None
    record = admin.edit(office, "package", QUEUE, {"upload": "10M", "download": "80M"})
    assert record["queues_behind"] == 1
    report = router_audit.audit(office, ROUTER)
    ((found,),) = [finding.differences for finding in report.drifted]
    assert (found.field, found.wanted.split()[1], found.actual.split()[1]) == ("queue", "10M/80M", "5M/50M")
    after, mended = fix_all(office)
    assert [one.ok for one in mended] == [True]
    assert after.is_clean
    assert on_router(simulator, queued, QUEUES)["max-limit"] == "10000000/80000000"
    check_service(office, simulator)


@pytest.mark.parametrize("deed", ["suspend", "convert"])
def test_a_new_speed_is_not_taken_back_by_what_began_before(
    office: Office, simulator: Simulator, queued: str, deed: str
) -> None:
    edited = []

    def step(event: StepEvent) -> None:
        if event.key == "user" and not edited:
            edited.append(admin.edit(office, "package", QUEUE, {"upload": "10M", "download": "80M"}))

    if deed == "suspend":
        customer = stored(office, queued).customer_id
        assert not carry_out(office, customer, Suspend(), on_step=step).failed
    else:
        assert convert(office, new_lead(office, "Third").id, wanting(package=QUEUE), on_step=step).success
    assert edited
    with office.read() as tx:
        rates = tx.conn.execute(select(t.router_user.c.queue_down_bps)).scalars().all()
    assert set(rates) == {None, 80_000_000}
    after, mended = fix_all(office)
    assert {one.ok for one in mended} == {True}
    assert after.is_clean
    check_service(office, simulator)


# -- a login that may not see passwords -------------------------------------------------------------------------------
def test_passwords_that_could_not_be_compared_are_said(office: Office) -> None:
    blind = SimulatorUser("admin", ALL_POLICIES - {"sensitive"})
    with Simulator(users={"admin": blind}) as simulator:
        made = ready(office, simulator)
        new_customer(office, "Second Customer")
        simulator.change(SECRETS, made.username, password="another-one")
        report = router_audit.audit(office, ROUTER)
        assert (report.matched, report.findings, report.passwords_unseen) == (2, (), 2)
        assert report.unseen_words == (
            f"the passwords of 2 users could not be compared: the login of {ROUTER} lacks the policy sensitive"
        )
        assert report.as_json()["passwords_unseen"] == 2
