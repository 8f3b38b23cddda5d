"""Every way a router or this process fails while a customer is suspended or gets another package.

What the store says stays until all is read back; after the next settling the router says it too (facts/mikrotik §0).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadtui.errors import LeadtuiError, Refused
from leadtui.router.port import CancelToken
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import leads
from leadtui.services.conversion import pending, resolve
from leadtui.services.office import Office
from leadtui.services.subscriptions import Act, ChangePackage, Resume, Suspend, UserFailed, carry_out
from tests.hangs import Hangs, hanging_ends_at_once

from .conversion_help import jobs, wait_until
from .subscription_help import SECRETS, check_service, on_router, ready, sessions, set_package, state_of, stored

SET, KICK = "/ppp/secret/set", "/ppp/active/remove"
ACTIONS = ("refuse", "hang_before", "hang_after", "drop_before", "drop_after")
SCRIPT = Path(__file__).with_name("serve_and_wait.py")
BACK = ChangePackage("20 Mbps Home")
QUEUE = ChangePackage("50 Mbps Home")


@pytest.fixture(autouse=True)
def hangs(monkeypatch: pytest.MonkeyPatch) -> Hangs:
    return hanging_ends_at_once(monkeypatch)


def queue_package(office: Office) -> None:
    """50 Mbps means a fixed address and a queue."""
    rates = {"upload_bps": 5_000_000, "download_bps": 50_000_000}
    set_package(office, "50 Mbps Home", addressing="queue", pool="pppoe-wl-2", **rates)


def failure(office: Office, customer_id: int, act: Act, **more: object) -> UserFailed:
    """The one failure of an act."""
    done = carry_out(office, customer_id, act, **more)  # type: ignore[arg-type]
    assert (done.done, len(done.failed)) == ((), 1)
    return done.failed[0]


@pytest.mark.parametrize("command", [SET, KICK, "/ppp/active/print", "/login"])
def test_a_fault_leaves_store_and_router_agreeing(office: Office, simulator: Simulator, command: str) -> None:
    made = ready(office, simulator)
    for action in ACTIONS:
        if not sessions(simulator, made.username):
            simulator.dial_in(made.username)
        simulator.faults.add(FaultRule(command, action, text="failure: no"))  # type: ignore[arg-type]
        failed = failure(office, made.id, Suspend())
        assert failed.error.exit_code == 6
        assert f"{made.username} stays active" in (failed.error.hint or ""), action
        assert failed.error.data["exists"], action
        assert (stored(office, made.username).state, state_of(office, made.id)) == ("active", "active")
        told = leads.get(office, made.lead.id).activities[0]
        assert told.subject.startswith("Suspension failed"), action
        assert (told.metadata["result"], told.metadata["error"]) == ("failed", failed.error.code)
        check_service(office, simulator)
        assert resolve(office) or jobs(office)[-1].recheck_until is None
        check_service(office, simulator)
    assert [user.outcome for user in carry_out(office, made.id, Suspend()).done] == ["suspended"]
    check_service(office, simulator)


@pytest.mark.parametrize("command", [SET, "/queue/simple/add", KICK])
def test_a_fault_leaves_the_old_package(office: Office, simulator: Simulator, command: str) -> None:
    made = ready(office, simulator)
    queue_package(office)
    for action in ("refuse", "drop_before", "drop_after", "forget"):
        if not sessions(simulator, made.username):
            simulator.dial_in(made.username)
        if (command, action) == (KICK, "forget"):  # an enabled user may be online: nothing was to be read back
            continue
        simulator.faults.add(FaultRule(command, action, text="failure: no"))  # type: ignore[arg-type]
        failed = failure(office, made.id, QUEUE)
        assert failed.error.data["step"] == {SET: "user", KICK: "sessions"}.get(command, "queue"), action
        assert (stored(office, made.username).profile, stored(office, made.username).ip) == ("20M", None)
        resolve(office)
        check_service(office, simulator)
    assert [user.outcome for user in carry_out(office, made.id, QUEUE).done] == ["changed"]
    check_service(office, simulator)
    simulator.faults.add(FaultRule("/queue/simple/remove", "drop_after"))
    failure(office, made.id, BACK)
    resolve(office)
    check_service(office, simulator)


@pytest.mark.parametrize("rule", [FaultRule(SET, "drop_after"), FaultRule(KICK, "drop_before")])
def test_a_router_that_is_gone_leaves_an_open_job(office: Office, simulator: Simulator, rule: FaultRule) -> None:
    made = ready(office, simulator)
    simulator.faults.add(rule)
    simulator.faults.add(FaultRule("/login", "refuse", skip=1, count=-1, text="invalid user name or password (6)"))
    failed = failure(office, made.id, Suspend())
    assert "router pending --resolve" in (failed.error.hint or "")
    assert [(job.kind, job.state) for job in jobs(office)][1:] == [("suspend", "unknown")]
    assert on_router(simulator, made.username)["disabled"] == "true"  # set first, kick second
    assert sessions(simulator, made.username) == 1
    again = failure(office, made.id, Suspend())
    assert again.error.code == "unsettled"
    simulator.faults.clear()
    assert [row.outcome for row in resolve(office)] == ["kept"]
    check_service(office, simulator)
    assert on_router(simulator, made.username)["disabled"] == "false"


def test_the_next_act_settles_what_was_left_open(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    simulator.faults.add(FaultRule(SET, "drop_after"))
    simulator.faults.add(FaultRule("/login", "refuse", skip=1, count=1, text="no"))
    failure(office, made.id, QUEUE)
    assert jobs(office)[-1].state == "unknown"
    assert [user.outcome for user in carry_out(office, made.id, Suspend()).done] == ["suspended"]
    assert [(job.kind, job.state) for job in jobs(office)][1:] == [("package", "failed"), ("suspend", "verified")]
    check_service(office, simulator)


def test_a_late_answer_is_taken_back(office: Office, simulator: Simulator, hangs: Hangs) -> None:
    made = ready(office, simulator)
    simulator.faults.add(FaultRule(SET, "late"))
    hangs.hold()
    failure(office, made.id, Suspend())
    assert [row.outcome for row in resolve(office)] == ["kept"]
    hangs.let_go()
    wait_until(lambda: on_router(simulator, made.username)["disabled"] == "true")
    assert [row.outcome for row in resolve(office)] == ["kept"]
    assert on_router(simulator, made.username)["disabled"] == "false"
    check_service(office, simulator)


def test_another_box_under_the_address_gets_nothing(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    simulator.state.identity = "SOMEBODY-ELSE"
    assert "SOMEBODY-ELSE" in failure(sqlite_office, made.id, Suspend()).error.message
    assert on_router(simulator, made.username)["disabled"] == "false"


def test_giving_up_puts_it_back(sqlite_office: Office, simulator: Simulator, hangs: Hangs) -> None:
    made = ready(sqlite_office, simulator)
    hangs.counting = False
    simulator.faults.add(FaultRule(KICK, "hang_after"))
    token = CancelToken()

    def step(event: object) -> None:
        if str(getattr(event, "text", "")).startswith("Ending"):
            token.cancel()

    failed = failure(sqlite_office, made.id, Suspend(), cancel=token, on_step=step)
    assert failed.error.code == "router_cancelled"
    check_service(sqlite_office, simulator)
    assert failure(sqlite_office, made.id, Suspend(), cancel=token).error.code == "router_cancelled"
    assert len(jobs(sqlite_office)) == 2


def test_a_listener_that_fails_hinders_nothing(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)

    def step(event: object) -> None:
        raise LeadtuiError("the screen is gone")

    assert not carry_out(sqlite_office, made.id, Suspend(), on_step=step).failed
    check_service(sqlite_office, simulator)


# -- killed ------------------------------------------------------------------------------------------------------------
POINTS = (
    ("", "intent done", "planned"),
    ("", "sessions started", "applying"),
    ("50 Mbps Home", "queue started", "applying"),
    ("50 Mbps Home", "customer started", "applying"),
)


def test_killed_at_any_step_the_next_settling_puts_it_right(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    queue_package(office)
    db = office.store.url.render_as_string(hide_password=False)
    for package, words, state in POINTS if office.store.is_sqlite else POINTS[1:2]:
        if not sessions(simulator, made.username):
            simulator.dial_in(made.username)
        command = [sys.executable, str(SCRIPT), db, str(made.id), package, words]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "REACHED\n"
            with pytest.raises(Refused, match="boss"):
                carry_out(office, made.id, Resume())
            process.kill()
            process.wait(10)
        assert [(row.state, row.is_held) for row in pending(office) if row.state != "failed"] == [(state, False)], words
        assert (stored(office, made.username).state, stored(office, made.username).profile) == ("active", "20M")
        resolve(office)
        check_service(office, simulator)
    assert on_router(simulator, made.username)["profile"] == "20M"


# -- any sequence ----------------------------------------------------------------------------------------------------
ACTS = st.sampled_from([Suspend(), Suspend("again"), Resume(), QUEUE, BACK, ChangePackage("10 Mbps Home", "next")])
FAULTS = st.none() | st.builds(
    FaultRule,
    st.sampled_from([SET, KICK, "/ppp/secret", "/ppp/active", "/queue/simple", "/login", "/ppp/profile"]),
    st.sampled_from(["refuse", "no_permission", "drop_before", "drop_after", "rst_after", "fatal_after", "forget"]),
    count=st.integers(1, 3), skip=st.integers(0, 2), text=st.just("failure: no"),
).filter(lambda rule: rule.action != "forget" or "active" not in rule.command)  # fmt: skip
"""A session that outlives its removal is told as a warning, and nothing that could be settled."""


def test_any_sequence_with_any_faults_ends_in_agreement(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    queue_package(sqlite_office)
    set_package(sqlite_office, "10 Mbps Home", pool="pppoe-wl-2")

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(st.tuples(ACTS, FAULTS, st.booleans()), min_size=1, max_size=5))
    def play(steps: list[tuple[Act, FaultRule | None, bool]]) -> None:
        for act, fault, online in steps:
            if online and on_router(simulator, made.username)["disabled"] == "false":
                simulator.dial_in(made.username)
            if fault is not None:
                simulator.faults.add(fault)
            done = carry_out(sqlite_office, made.id, act)
            assert len(done.done) + len(done.failed) == 1
            simulator.faults.clear()
        resolve(sqlite_office)
        check_service(sqlite_office, simulator)
        assert not [job for job in jobs(sqlite_office) if job.state in ("planned", "applying", "unknown")]
        row = stored(sqlite_office, made.username)
        assert state_of(sqlite_office, made.id) == row.state
        last, fault, _ = steps[-1]
        if fault is None:
            assert done.failed == ()
            assert isinstance(last, ChangePackage) or (row.state == "active") == isinstance(last, Resume)

    play()
    assert [row["name"] for row in simulator.rows(SECRETS) if "leadtui" in row.get("comment", "")] == [made.username]
