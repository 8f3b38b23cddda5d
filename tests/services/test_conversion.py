"""Conversion in the store: permissions, refusals, customers, documents, history; and the plan (spec §L, AG16–AG19)."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from leadtui.errors import Duplicate, Invalid, LeadtuiError, NotFound, NotPermitted, Refused
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import activities, customers, leads, lifecycle, routers
from leadtui.services.conversion import (
    ConvertRequest,
    RouterRequest,
    convert,
    pending,
    plan,
    suggest,
)
from leadtui.services.office import Office
from leadtui.store import schema as t

from .conversion_help import (
    MENUS,
    ROUTER,
    acting,
    add_router,
    check_agreement,
    jobs,
    new_lead,
    secrets_stored,
    status_of,
    wanting,
)


def test_a_lead_becomes_a_customer_without_a_router_user(office: Office) -> None:
    lead = new_lead(office, email="Achieng@Example.com")
    result = convert(office, lead.number, ConvertRequest(notes="signed today", pan="abcde 1234f", type="corporate"))
    assert result.success
    assert result.message == "Lead converted to customer successfully"
    assert (result.lead.status, result.lead.is_converted, result.lead.version) == ("Converted", True, 2)
    assert result.router_user is None
    assert result.password is None
    customer = result.customer
    assert customer is not None
    assert (customer.name, customer.type, customer.phone) == (lead.name, "Corporate", lead.phone)
    assert (customer.pan, customer.package, result.lead.customer_id) == ("ABCDE1234F", "20 Mbps Home", customer.id)
    detail = leads.get(office, lead.id)
    assert [entry.status for entry in detail.status_history][-1] == "Converted"
    assert {"conversion", "status_change"} <= {activity.type for activity in detail.activities}
    with office.read() as tx:
        audited = {
            (r.entity, r.action) for r in tx.conn.execute(select(t.audit).where(t.audit.c.batch_id == result.batch))
        }
    assert {("lead", "convert"), ("customer", "create")} <= audited


def test_what_is_wrong_is_named_and_changes_nothing(office: Office) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({"pan": "ABCD1234F"}, "pan"),
        ({"aadhar": "12345678901"}, "aadhar"),
        ({"gst": "22ABCDE1234F1Z"}, "gst"),
        ({"type": "wholesale"}, "type"),
        ({"family_group": "nobody"}, "family_group"),
        ({"customer_id": "99"}, "customer"),
        ({"customer_id": "x"}, "customer"),
        ({"router": RouterRequest("nowhere")}, "router"),
        ({"router": RouterRequest("  ")}, "router"),
    ]
    lead = new_lead(office)
    for values, field in wrong:
        with pytest.raises(Invalid) as caught:
            convert(office, lead.id, ConvertRequest(**values))  # type: ignore[arg-type]
        assert (caught.value.field, caught.value.exit_code) == (field, 5)
    assert status_of(office, lead.id) == "Interested"


def test_a_router_user_is_checked_before_anything_is_sent(office: Office, simulator: Simulator) -> None:
    wrong = [
        ({"package": "No Such"}, "package"),
        ({"service": "dialup"}, "service"),
        ({"username": "mit blank"}, "username"),
        ({"username": "12345"}, "username"),
        ({"password": "äöü123"}, "password"),
        ({"ip": "10.0.0.300"}, "ip"),
        ({"ip": "pppoe-pool"}, "ip"),
    ]
    lead = new_lead(office)
    add_router(office, simulator)
    for values, field in wrong:
        with pytest.raises(Invalid) as caught:
            convert(office, lead.id, wanting(**values))
        assert caught.value.field == field
    assert jobs(office) == []


def test_a_package_without_a_profile_and_a_lead_without_a_package(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    bare = leads.create(office, {"phone": "0733000001", "source": "Referral"}).lead
    with pytest.raises(Invalid, match="needs a package") as caught:
        convert(office, bare.id, wanting())
    assert caught.value.field == "package"
    with office.write() as tx:
        tx.conn.execute(update(t.product).where(t.product.c.name == "10 Mbps Home").values(router_profile=None))
        tx.catalog_changed()
    with pytest.raises(Invalid, match="no router profile"):
        convert(office, bare.id, wanting(package="10 Mbps Home"))
    result = convert(office, bare.id, wanting(package="50 Mbps Home"))
    assert result.router_user is not None
    assert result.router_user.profile == "50M"
    assert not any(char.isdigit() and "733" in result.router_user.username for char in result.router_user.username)


def test_a_finished_lead_is_refused_with_the_words_of_s1(office: Office) -> None:
    lead = new_lead(office)
    convert(office, lead.id, ConvertRequest())
    with pytest.raises(Refused, match="Lead already converted"):
        convert(office, lead.id, ConvertRequest())
    lost = new_lead(office)
    lifecycle.lose(office, lost.id, "moved away")
    with pytest.raises(Refused, match="already lost"):
        convert(office, lost.id, ConvertRequest())
    gone = new_lead(office)
    lifecycle.delete(office, gone.id)
    with pytest.raises(NotFound):
        convert(office, gone.id, ConvertRequest())


def test_a_duplicate_customer_is_refused_and_can_be_linked(office: Office) -> None:
    first = new_lead(office, email="one@example.com")
    customer = convert(office, first.id, ConvertRequest(pan="ABCDE1234F")).customer
    assert customer is not None
    second = new_lead(office, "A. Odhiambo", email="ONE@example.com")
    assert [hit.id for hit in suggest(office, second.id).duplicate_customers] == [customer.id]
    with pytest.raises(Duplicate, match="Duplicate customer email") as caught:
        convert(office, second.id, ConvertRequest())
    assert caught.value.data["customer_id"] == customer.id
    assert "--customer" in (caught.value.hint or "")
    with pytest.raises(Invalid) as other:
        convert(office, second.id, ConvertRequest(customer_id=customer.id, pan="ABCDE9999F"))
    assert other.value.field == "pan"
    linked = convert(office, second.id, ConvertRequest(customer_id=customer.id, aadhar="1234 5678 9012"))
    assert linked.lead.customer_id == customer.id
    assert linked.customer is not None
    assert (linked.customer.pan, linked.customer.aadhar) == ("ABCDE1234F", "123456789012")


def test_a_family_group_must_exist(office: Office) -> None:
    group = customers.add_family_group(office, "Odhiambo")
    assert customers.add_family_group(office, "odhiambo") == group
    result = convert(office, new_lead(office).id, ConvertRequest(family_group="odhiambo"))
    assert result.customer is not None
    assert result.customer.family_group == "Odhiambo"


def test_documents_are_copied_once(office: Office) -> None:
    lead = new_lead(office)
    with office.write() as tx:
        values = {"name": "id.pdf", "path": "x/id.pdf", "mime": "application/pdf", "bytes": 3, "sha256": "a" * 64}
        tx.conn.execute(
            t.document.insert().values(**values, lead_id=lead.id, uploaded_by_id=tx.actor.user_id, at=tx.now)
        )
    result = convert(office, lead.id, ConvertRequest())
    lifecycle.reopen(office, lead.id, "a mistake")
    again = convert(office, lead.id, ConvertRequest())
    assert again.lead.customer_id == result.lead.customer_id
    with office.read() as tx:
        rows = tx.conn.execute(select(t.document).where(t.document.c.customer_id == result.lead.customer_id)).all()
    assert [(row.name, row.lead_id, row.path) for row in rows] == [("id.pdf", None, "x/id.pdf")]


@pytest.mark.parametrize(("role", "allowed"), [("director", True), ("agent_junior", False), ("technician", False)])
def test_who_may_convert(office: Office, role: str, allowed: bool) -> None:
    lead = new_lead(office)
    somebody = acting(office, role)
    with office.write() as tx:
        tx.conn.execute(update(t.lead).where(t.lead.c.id == lead.id).values(assigned_to_id=somebody.actor.user_id))
    if allowed:
        assert convert(somebody, lead.id, ConvertRequest()).success
        return
    for act in (suggest, lambda o, i: plan(o, i, ConvertRequest()), lambda o, i: convert(o, i, ConvertRequest())):
        with pytest.raises(NotPermitted):
            act(somebody, lead.id)  # type: ignore[operator]
    assert status_of(office, lead.id) == "Interested"


def test_a_lead_out_of_scope_is_not_found(office: Office) -> None:
    lead = new_lead(office)
    agent = acting(office, "agent")
    with pytest.raises(NotFound):
        convert(agent, lead.number, ConvertRequest())
    assert convert_error(agent, lead.id).exit_code == 4


def convert_error(office: Office, lead_id: int) -> LeadtuiError:
    with pytest.raises(LeadtuiError) as caught:
        convert(office, lead_id, ConvertRequest())
    return caught.value


def test_the_pipeline_lists_the_steps(office: Office) -> None:
    from leadtui.services import admin

    admin.add_preset(office, "real-estate")
    lead = leads.create(office, {"name": "B", "phone": "0733000002", "pipeline": "real-estate"}).lead
    with pytest.raises(Invalid) as caught:
        convert(office, lead.id, ConvertRequest(router=RouterRequest("any")))
    assert caught.value.field == "router"
    result = convert(office, lead.id, ConvertRequest())
    assert (result.lead.status, result.customer) == ("Closed", None)
    assert result.warnings
    task = next(a for a in leads.get(office, lead.id).activities if a.type == "task")
    assert "transaction" in task.subject
    assert task.completed_at is None
    assert result.lead.next_follow_up is not None  # it stands in the list of what is due
    activities.complete(office, task.id)
    assert leads.get(office, lead.id).row.next_follow_up is None


def test_a_pipeline_may_list_every_step(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    steps = ["customer", "router_user", "booking_link", "transaction"]
    with office.write() as tx:
        tx.conn.execute(update(t.pipeline).values(conversion_steps_json=steps))
        tx.catalog_changed()
    lead = new_lead(office)
    shown = plan(office, lead.id, wanting())
    assert [row.where for row in shown.steps if row.sign == "+"] == ["store", ROUTER, "you", "you"]
    result = convert(office, lead.id, wanting())
    assert result.customer is not None
    assert result.router_user is not None
    open_tasks = {a.subject for a in leads.get(office, lead.id).activities if a.completed_at is None}
    assert open_tasks == {"Link the booking of the new customer", "Record the transaction of the new customer"}


def test_a_slip_in_a_tax_id_is_a_warning(office: Office) -> None:
    lead = new_lead(office)
    request = ConvertRequest(aadhar="1234 5678 9012")
    assert any("last digit" in words for words in plan(office, lead.id, request).warnings)
    assert any("last digit" in words for words in convert(office, lead.id, request).warnings)


def test_reopening_touches_no_router(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    convert(office, lead.id, wanting())
    before = {menu: simulator.rows(menu) for menu in MENUS}
    sessions: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routers, "connect", lambda where, **_: sessions.append(where.name))
        done = lifecycle.reopen(office, lead.id, "a mistake")
    assert any("stays on the router" in words for words in done.warnings)
    assert sessions == []
    assert {menu: simulator.rows(menu) for menu in MENUS} == before


# -- with the router -----------------------------------------------------------------------------------------------
def test_a_router_user_is_made_read_back_and_kept(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    shown = plan(office, lead.id, wanting(ip="10.20.0.77"))
    assert shown.is_ready
    assert [(row.sign, row.state) for row in shown.steps if row.where == ROUTER] == [
        ("", "ok"), ("=", "ok"), ("", "ok"), ("", "warn"), ("+", "will"),
    ]  # fmt: skip
    events: list[tuple[str, str]] = []
    result = convert(office, lead.id, shown.request, on_step=lambda e: events.append((e.key, e.state)))
    assert "router user achieng.odhiambo made on WL-RTR-1" in result.message
    row = next(r for r in simulator.secrets() if r["name"] == "achieng.odhiambo")
    assert (row["profile"], row["service"], row["remote-address"]) == ("20M", "pppoe", "10.20.0.77")
    assert result.password is not None
    assert row["password"] == result.password.reveal()
    assert row["password"] not in repr(result) + repr(shown)
    assert row["comment"] == f"leadtui:{lead.number} office:{office.catalog.office_id}"
    assert result.lead.router_user is not None
    assert result.lead.router_user.username == "achieng.odhiambo"
    assert [e for e in events if e[1] == "done"] == [
        (key, "done") for key in ("intent", "connect", "user", "read_back", "customer")
    ]
    assert [job.state for job in jobs(office)] == ["verified"]
    assert len(secrets_stored(office)) == 1
    assert pending(office) == []
    check_agreement(office, simulator)


def test_no_password_is_ever_written_in_clear(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    convert(office, new_lead(office).id, wanting(password="Gr3at-secret"))
    with office.read() as tx:
        for table in t.metadata.sorted_tables:
            for row in tx.conn.execute(select(table)):
                assert "Gr3at-secret" not in repr(tuple(row))


def test_names_are_unique_in_the_store_and_on_the_router(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    convert(office, new_lead(office, "Ann Wanjiru").id, wanting())
    second = convert(office, new_lead(office, "Ann Wanjiru").id, wanting())
    assert second.router_user is not None
    assert second.router_user.username == "ann.wanjiru2"
    with pytest.raises(Duplicate) as caught:
        convert(office, new_lead(office).id, wanting(username="ann.wanjiru"))
    assert caught.value.field == "username"
    third = convert(office, new_lead(office, "Jane W").id, wanting())  # jane.w is somebody else's on the router
    assert third.router_user is not None
    assert third.router_user.username == "jane.w2"
    check_agreement(office, simulator)


def test_the_plan_warns_before_the_last_step(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    simulator.remove("/ppp/profile", "20M")
    lacks = plan(office, lead.id, wanting())
    assert not lacks.is_ready
    assert any("lacks the profile 20M" in warning for warning in lacks.warnings)
    foreign = plan(office, lead.id, wanting(username="jane.w", package="10 Mbps Home"))
    assert not foreign.is_ready
    assert any("moved 2023" in row.detail for row in foreign.steps)
    simulator.faults.add(FaultRule("/login", "refuse", text="invalid user name or password (6)"))
    closed = plan(office, lead.id, wanting())
    assert closed.problem is not None
    assert closed.problem.exit_code == 6
    assert jobs(office) == []


def test_a_reopened_lead_adopts_its_user_again(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    first = convert(office, lead.id, wanting())
    lifecycle.reopen(office, lead.id, "wrong package")
    again = convert(office, lead.id, wanting(package="50 Mbps Home"))
    assert first.router_user is not None
    assert again.router_user is not None
    assert (again.router_user.username, again.router_user.profile) == (first.router_user.username, "50M")
    assert again.lead.customer_id == first.lead.customer_id
    assert first.customer is not None
    assert again.customer is not None
    assert (first.customer.package, again.customer.package) == ("20 Mbps Home", "50 Mbps Home")
    assert len(secrets_stored(office)) == 1
    check_agreement(office, simulator)


def test_a_second_line_leaves_the_customer_its_package(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    first = convert(office, new_lead(office).id, wanting()).customer
    assert first is not None
    linked = ConvertRequest(customer_id=first.id, router=wanting(package="50 Mbps Home").router)
    second = convert(office, new_lead(office, "B. Odhiambo").id, linked)
    assert second.router_user is not None
    assert second.customer is not None
    assert (second.router_user.profile, second.customer.package) == ("50M", "20 Mbps Home")


def test_hotspot(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator, service="hotspot")
    result = convert(office, new_lead(office).id, wanting())
    assert result.router_user is not None
    assert result.router_user.service == "hotspot"
    assert "achieng.odhiambo" in {row["name"] for row in simulator.rows("/ip/hotspot/user")}
