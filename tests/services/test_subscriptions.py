"""Suspending, resuming and changing the package: on the router and in the store, read back, idempotent, previewed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from leadtui.errors import Invalid, NotFound, NotPermitted, Refused
from leadtui.router.port import ProfileMissing, RouterConflict
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import customers, history, leads, lifecycle, users
from leadtui.services.conversion import ConvertRequest, convert, pending
from leadtui.services.office import Office
from leadtui.services.subscriptions import ChangePackage, Resume, Suspend, carry_out, choices, preview
from leadtui.store import schema as t

from .conversion_help import ROUTER, add_router, jobs, new_lead
from .subscription_help import (
    ACTIVE,
    HOTSPOT,
    SECRETS,
    Held,
    check_service,
    new_customer,
    on_router,
    ready,
    sessions,
    set_package,
    state_of,
    stored,
    written,
)

FIFTY = ChangePackage("50 Mbps Home")


def test_suspending_disables_first_and_kicks_then(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    done = carry_out(office, made.id, Suspend("  has not paid\nsince May "))
    assert [(u.router, u.username, u.outcome, u.sessions_ended) for u in done.done] == [
        (ROUTER, made.username, "suspended", 1)
    ]
    assert done.message == f"Suspended: {made.username} on {ROUTER}, 1 session ended"
    assert (done.failed, done.customer.state, done.warnings) == ((), "suspended", ())
    assert on_router(simulator, made.username)["disabled"] == "true"
    assert sessions(simulator, made.username) == 0
    check_service(office, simulator)
    assert (stored(office, made.username).state, state_of(office, made.id)) == ("suspended", "suspended")
    told = next(a for a in leads.get(office, made.lead.id).activities if a.type == "other")
    assert told.subject == f"Suspended: {made.username} on {ROUTER}, 1 session ended"
    assert told.details == "has not paid\nsince May"
    job = jobs(office)[-1]
    assert (job.kind, job.state, job.lead_id) == ("suspend", "verified", made.lead.id)
    _, rows = history.audit(office, limit=20)
    changes = {row.entity: row.changes["state"] for row in rows if row.action == "suspend"}
    assert changes == {"router_user": ("active", "suspended"), "customer": ("active", "suspended")}
    with office.read() as tx:
        event = tx.conn.execute(select(t.event).order_by(t.event.c.id.desc()).limit(1)).one()
    assert (event.kind, event.lead_id) == ("customer.suspended", made.lead.id)
    assert event.payload_json["sessions_ended"] == 1


def test_each_act_is_undone_by_its_opposite_only(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    for act, remedy in ((Suspend(), "resume"), (Resume(), "suspend"), (FIFTY, "change-package")):
        carry_out(sqlite_office, made.id, act)
        batch = history.batches(sqlite_office, 1)[0]
        assert not batch.can_undo
        with pytest.raises(Refused) as caught:
            history.undo(sqlite_office, batch.id)
        assert remedy in (caught.value.hint or "")


def test_what_is_so_already_is_left_alone(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    for act in (Suspend("unpaid"), Resume(), FIFTY, ChangePackage("50 mbps home")):
        carry_out(office, made.id, act)
        before, rows = written(office), simulator.secrets()
        again = carry_out(office, made.id, act)
        assert [user.outcome for user in again.done] == ["unchanged"]
        assert again.message == "nothing to do"
        assert not again.changed
        assert preview(office, made.id, act).nothing_to_do
        assert (written(office), simulator.secrets()) == (before, rows)


@pytest.mark.parametrize("how", ["enabled", "online"])
def test_a_router_that_drifted_is_put_right(office: Office, simulator: Simulator, how: str) -> None:
    made = ready(office, simulator)
    carry_out(office, made.id, Suspend())
    if how == "enabled":
        simulator.change(SECRETS, made.username, disabled="no")
    else:
        row = {"name": made.username, "service": "pppoe", "address": "10.20.0.77", "uptime": "1s"}
        simulator.state.put(ACTIVE["pppoe"], row)
    plan = preview(office, made.id, Suspend())
    assert plan.is_possible
    assert not plan.nothing_to_do
    assert [user.outcome for user in carry_out(office, made.id, Suspend()).done] == ["suspended"]
    check_service(office, simulator)


def test_a_record_that_drifted_is_put_right(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    carry_out(sqlite_office, made.id, Suspend())
    with sqlite_office.write() as tx:
        tx.conn.execute(t.customer.update().values(state="active"))
    assert preview(sqlite_office, made.id, Suspend()).is_possible
    done = carry_out(sqlite_office, made.id, Suspend())
    assert ([user.outcome for user in done.done], done.changed) == (["unchanged"], True)
    assert done.customer.state == "suspended"
    assert len(jobs(sqlite_office)) == 2


def test_resuming_enables_again(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    carry_out(sqlite_office, made.lead.number, Suspend())
    done = carry_out(sqlite_office, made.username, Resume())
    assert [user.outcome for user in done.done] == ["resumed"]
    assert (done.customer.state, state_of(sqlite_office, made.id)) == ("active", "active")
    simulator.dial_in(made.username)
    check_service(sqlite_office, simulator)


def test_another_package_is_another_profile(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    plan = preview(office, made.id, FIFTY)
    assert "profile 20M (20M/20M) → 50M (50M/50M)" in {step.what for step in plan.steps}
    assert (plan.sessions, plan.is_possible, plan.problems) == (1, True, ())
    done = carry_out(office, made.id, FIFTY)
    assert done.done[0].changes == ("profile 20M (20M/20M) → 50M (50M/50M)",)
    assert done.done[0].sessions_ended == 1
    assert done.customer.package == "50 Mbps Home"
    check_service(office, simulator)
    row = stored(office, made.username)
    assert (row.profile, row.product_id) == ("50M", office.catalog.find_product("50 Mbps Home").id)
    simulator.dial_in(made.username)
    with office.read() as tx:
        assert customers.get(tx, made.id).package == "50 Mbps Home"


def test_a_suspended_customer_gets_another_package_and_stays_suspended(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    carry_out(office, made.id, Suspend())
    carry_out(office, made.id, FIFTY)
    row = on_router(simulator, made.username)
    assert (row["profile"], row["disabled"]) == ("50M", "true")
    check_service(office, simulator)


# -- whom it concerns ------------------------------------------------------------------------------------------------
def test_a_customer_without_router_users_is_only_marked(office: Office) -> None:
    customer = convert(office, new_lead(office).id, ConvertRequest()).customer
    assert customer is not None
    done = carry_out(office, customer.id, Suspend("unpaid"))
    assert (done.done, done.customer.state) == ((), "suspended")
    assert "no router user" in done.message
    before = written(office)
    assert not carry_out(office, customer.id, Suspend()).changed
    assert written(office) == before
    assert preview(office, customer.id, Suspend()).nothing_to_do
    assert carry_out(office, customer.id, Resume()).customer.state == "active"
    assert carry_out(office, customer.id, FIFTY).customer.package == "50 Mbps Home"


def test_several_users_go_together_unless_one_is_named(office: Office, simulator: Simulator) -> None:
    first = ready(office, simulator)
    second = new_customer(office, "Achieng Shop", link=first.id)
    assert second.id == first.id
    done = carry_out(office, first.id, Suspend(), user=second.username)
    assert done.customer.state == "partly"
    assert [user.username for user in done.done] == [second.username]
    check_service(office, simulator)
    done = carry_out(office, first.id, Suspend())
    assert [user.outcome for user in done.done] == ["suspended", "unchanged"]
    assert done.customer.state == "suspended"
    assert carry_out(office, first.id, Resume()).message == "Resumed: 2 router users"
    with pytest.raises(Invalid) as caught:
        carry_out(office, first.id, FIFTY)
    assert caught.value.field == "user"
    assert second.username in (caught.value.hint or "")
    carry_out(office, first.id, FIFTY, user=f"{ROUTER}/{second.username}")
    assert (stored(office, first.username).profile, stored(office, second.username).profile) == ("20M", "50M")
    with pytest.raises(Invalid):
        carry_out(office, first.id, Suspend(), user="nobody")
    check_service(office, simulator)
    offered = choices(office, first.id)
    assert [(user.name, user.package) for user in offered.users] == [
        (first.username, "20 Mbps Home"), (second.username, "50 Mbps Home"),
    ]  # fmt: skip


def test_a_dead_router_does_not_hinder_the_other(sqlite_office: Office, simulator: Simulator) -> None:
    first = ready(sqlite_office, simulator)
    with Simulator() as other:
        add_router(sqlite_office, other, "KE-RTR-2")
        lead = new_lead(sqlite_office, "Achieng Shop")
        from .conversion_help import wanting

        request = wanting("KE-RTR-2")
        convert(sqlite_office, lead.id, ConvertRequest(customer_id=first.id, router=request.router))
    plan = preview(sqlite_office, first.id, Suspend())
    assert plan.is_possible
    assert len(plan.problems) == 1
    done = carry_out(sqlite_office, first.id, Suspend())
    assert [user.outcome for user in done.done] == ["suspended"]
    assert [(user.router, user.error.exit_code) for user in done.failed] == [("KE-RTR-2", 6)]
    assert "settle it" not in (done.failed[0].error.hint or "")  # nothing was sent
    assert (done.customer.state, done.message) == ("partly", "Suspension failed for 1 of 2 router users")
    check = stored(sqlite_office, first.username)
    assert check.state == "suspended"
    assert pending(sqlite_office) == []


def test_who_may_not_convert_the_lead_may_not(
    office: Office, simulator: Simulator, acting: Callable[[str], Office]
) -> None:
    made = ready(office, simulator)
    users.add_user(office, {"login": "jane", "name": "Jane", "role": "agent"})
    users.add_user(office, {"login": "tom", "name": "Tom", "role": "technician"})
    with pytest.raises(NotFound):
        carry_out(acting("jane"), made.id, Suspend())
    lifecycle.assign(office, made.lead.id, "tom")
    with pytest.raises(NotPermitted):
        carry_out(acting("tom"), made.id, Suspend())
    with pytest.raises(NotPermitted):
        preview(acting("tom"), made.id, Suspend())
    with pytest.raises(NotFound):
        carry_out(office, 4711, Suspend())
    check_service(office, simulator)


def test_what_the_store_refuses_asks_no_router(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    set_package(sqlite_office, "100 Mbps Business", router_profile=None)
    set_package(sqlite_office, "10 Mbps Home", is_active=False)
    simulator.faults.add(FaultRule("/", "hang_before", count=-1))
    for act, field in (
        (ChangePackage("100 Mbps Business"), "package"), (ChangePackage("10 Mbps Home"), "package"),
        (ChangePackage("5 Gbps"), "package"), (ChangePackage(""), "package"),
        (ChangePackage("50 Mbps Home", "10.20.0"), "ip"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            carry_out(sqlite_office, made.id, act)
        assert caught.value.field == field
    assert simulator.faults.fired == []
    assert [job.kind for job in jobs(sqlite_office)] == ["convert"]


# -- what the router holds otherwise ---------------------------------------------------------------------------------
def test_the_preview_writes_nothing(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    before, rows = written(sqlite_office), simulator.secrets()
    plan = preview(sqlite_office, made.id, Suspend())
    assert {"disabled no → yes", "1 session will end", "customer: state active → suspended"} <= {
        step.what for step in plan.steps
    }
    assert (plan.users, plan.sessions) == (1, 1)
    assert (written(sqlite_office), simulator.secrets(), sessions(simulator, made.username)) == (before, rows, 1)


def test_a_missing_profile_names_the_push(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    simulator.remove("/ppp/profile", "50M")
    plan = preview(sqlite_office, made.id, FIFTY)
    assert not plan.is_possible
    assert any("package push" in step.detail for step in plan.steps if step.state == "bad")
    failed = carry_out(sqlite_office, made.id, FIFTY).failed
    assert isinstance(failed[0].error, ProfileMissing)
    assert "package push" in (failed[0].error.hint or "")
    check_service(sqlite_office, simulator)
    assert [job.state for job in jobs(sqlite_office)] == ["verified", "failed"]
    simulator.remove("/ppp/profile", "20M")  # who is suspended need not have a profile
    assert [user.outcome for user in carry_out(sqlite_office, made.id, Suspend()).done] == ["suspended"]


def test_a_user_that_is_gone_is_made_anew(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    password = on_router(simulator, made.username)["password"]
    simulator.hang_up(made.username)
    simulator.remove(SECRETS, made.username)
    carry_out(sqlite_office, made.id, Suspend())
    row = on_router(simulator, made.username)
    assert (row["disabled"], row["password"]) == ("true", password)
    check_service(sqlite_office, simulator)


def test_a_user_renamed_on_the_router_is_found_by_its_mark(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    simulator.hang_up(made.username)
    simulator.change(SECRETS, made.username, name="renamed.by.hand")
    simulator.dial_in("renamed.by.hand")
    shown = {step.what for step in preview(sqlite_office, made.id, Suspend()).steps}
    assert {"user name renamed.by.hand → achieng.odhiambo", "1 session will end"} <= shown
    assert carry_out(sqlite_office, made.id, Suspend()).done[0].sessions_ended == 1
    assert sessions(simulator, "renamed.by.hand") == 0
    check_service(sqlite_office, simulator)


def test_a_foreign_user_of_that_name_stays_untouched(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    simulator.change(SECRETS, made.username, comment="of somebody else")
    for act in (Suspend(), FIFTY):
        assert not preview(sqlite_office, made.id, act).is_possible
        failed = carry_out(sqlite_office, made.id, act).failed
        assert isinstance(failed[0].error, RouterConflict)
    row = on_router(simulator, made.username)
    assert (row["disabled"], row["profile"], row["comment"]) == ("false", "20M", "of somebody else")
    assert state_of(sqlite_office, made.id) == "active"


def test_a_session_that_does_not_end_is_said(sqlite_office: Office, simulator: Simulator) -> None:
    made = ready(sqlite_office, simulator)
    simulator.faults.add(FaultRule("/ppp/active/remove", "forget"))
    done = carry_out(sqlite_office, made.id, Suspend())
    assert done.done[0].sessions_ended == 0
    assert "still runs" in done.warnings[0]
    told = next(a for a in leads.get(sqlite_office, made.lead.id).activities if a.type == "other")
    assert "still runs" in (told.details or "")
    again = carry_out(sqlite_office, made.id, Suspend())  # it is not settled: the next try ends it
    assert (again.done[0].outcome, again.done[0].sessions_ended) == ("suspended", 1)


def test_hotspot_users_lose_all_their_sessions(sqlite_office: Office, simulator: Simulator) -> None:
    simulator.change("/ip/hotspot/user/profile", "20M", **{"shared-users": "3"})
    made = ready(sqlite_office, simulator, service="hotspot")
    for mac in ("02:00:00:00:00:01", "02:00:00:00:00:02"):
        simulator.log_in(made.username, mac)
    assert preview(sqlite_office, made.id, Suspend()).sessions == 2
    assert carry_out(sqlite_office, made.id, Suspend()).done[0].sessions_ended == 2
    assert on_router(simulator, made.username, HOTSPOT)["disabled"] == "true"
    carry_out(sqlite_office, made.id, FIFTY)
    carry_out(sqlite_office, made.id, Resume())
    check_service(sqlite_office, simulator)


def test_the_second_is_told_who_is_first(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    held = Held(office, made.id, Suspend(), "Disabling")
    for act in (Suspend(), Resume(), FIFTY):
        with pytest.raises(Refused, match="boss") as caught:
            carry_out(office, made.id, act)
        assert caught.value.code == "busy"
    held.finish()
    assert held.failed == []
    check_service(office, simulator)
    assert state_of(office, made.id) == "suspended"
