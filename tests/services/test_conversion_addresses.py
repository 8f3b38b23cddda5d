"""Fixed addresses and queues of converted leads: given, drawn, refused, warned of (issue 3, spec §L2 114)."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, update

from leadtui.errors import Duplicate, Invalid, LeadtuiError, Refused
from leadtui.router.simulator import Simulator
from leadtui.services import addresses, admin, lifecycle
from leadtui.services.conversion import ConversionPlan, convert, convert_many, plan
from leadtui.services.office import Office
from leadtui.store import schema as t

from .conversion_help import ROUTER, Target, add_router, check_agreement, jobs, new_lead, status_of, wanting

FIXED, QUEUE, BARE = "20 Mbps Fixed", "20 Mbps Queue", "20 Mbps Bare"


@pytest.fixture
def ready(office: Office, simulator: Simulator) -> Office:
    """The router on the list, with packages of every kind of addressing."""
    add_router(office, simulator)
    base = {"profile": "20M", "upload": "5M", "download": "20M"}
    admin.add(office, "package", {"name": FIXED, **base, "addressing": "fixed", "pool": "pppoe-wl"})
    admin.add(office, "package", {"name": QUEUE, **base, "addressing": "queue", "pool": "pppoe-wl"})
    admin.add(office, "package", {"name": BARE, **base, "addressing": "fixed"})
    return office


def address_of(simulator: Simulator, username: str) -> str | None:
    return next(row for row in simulator.secrets() if row["name"] == username).get("remote-address")


def told(shown: ConversionPlan) -> list[tuple[str, str]]:
    return [(row.state, row.what) for row in shown.steps if row.where == ROUTER]


def test_a_package_that_asks_for_an_address_gets_the_next_free(ready: Office, simulator: Simulator) -> None:
    simulator.add("/ppp/secret", name="fixed.guest", service="pppoe", profile="20M", remote_address="10.20.0.2")
    lead = new_lead(ready)
    shown = plan(ready, lead.id, wanting(package=FIXED))
    assert shown.is_ready
    assert any("address 10.20.0.3 is free" in what for _, what in told(shown))
    first = convert(ready, lead.id, shown.request)
    assert first.router_user is not None
    assert first.router_user.ip == "10.20.0.3"
    second = convert(ready, new_lead(ready).id, wanting(package=FIXED, ip="next"))
    assert second.router_user is not None
    assert second.router_user.ip == address_of(simulator, second.router_user.username) == "10.20.0.4"
    other = convert(ready, new_lead(ready).id, wanting(package=FIXED, ip="Next: pppoe-wl-2"))
    assert other.router_user is not None
    assert other.router_user.ip == "10.20.1.2"
    assert [job.request_json["ip"] for job in jobs(ready)] == ["10.20.0.3", "10.20.0.4", "10.20.1.2"]
    check_agreement(ready, simulator)


def test_a_dynamic_package_holds_no_address_unless_one_is_given(ready: Office, simulator: Simulator) -> None:
    none = convert(ready, new_lead(ready).id, wanting())
    given = convert(ready, new_lead(ready).id, wanting(ip="10.20.0.77"))
    assert none.router_user is not None
    assert given.router_user is not None
    assert (none.router_user.ip, given.router_user.ip) == (None, "10.20.0.77")
    assert address_of(simulator, none.router_user.username) is None


def test_what_cannot_be_an_address_is_refused_before_the_router_is_asked(ready: Office) -> None:
    lead = new_lead(ready)
    for values in (
        {"package": BARE}, {"package": BARE, "ip": "next"}, {"package": FIXED, "ip": "dynamic"},
        {"ip": "next"}, {"ip": "next:"}, {"ip": ".".join("0000")}, {"ip": "224.0.0.1"}, {"ip": "127.0.0.1"},
        {"ip": "10.20.0.15/24"}, {"ip": "10.20.0"},
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            convert(ready, lead.id, wanting(**values))
        assert caught.value.field == "ip", values
        assert caught.value.hint, values
    assert jobs(ready) == []


def test_an_address_that_somebody_has_is_refused(ready: Office, simulator: Simulator) -> None:
    simulator.add("/ppp/secret", name="fixed.guest", service="any", profile="20M", remote_address="10.20.0.9")
    simulator.add("/queue/simple", name="kiosk", target="10.20.0.10")
    convert(ready, new_lead(ready).id, wanting(ip="10.20.0.8"))
    lead = new_lead(ready, "Kevin Otieno")
    for address, whose in (
        ("10.20.0.8", "achieng.odhiambo"), ("10.20.0.9", "fixed.guest"), ("10.20.0.10", "kiosk"),
        ("10.20.0.254", "office.backup"), ("10.20.0.1", "gateway"),
    ):  # fmt: skip
        with pytest.raises(Duplicate, match=whose) as caught:
            convert(ready, lead.id, wanting(ip=address))
        assert caught.value.field == "ip", address
        assert status_of(ready, lead.id) == "Interested"
        if whose != "achieng.odhiambo":
            shown = plan(ready, lead.id, wanting(ip=address))
            assert any(state == "bad" and whose in what for state, what in told(shown)), address
    with pytest.raises(Invalid, match="no pool nowhere"):
        convert(ready, lead.id, wanting(ip="next:nowhere"))
    check_agreement(ready, simulator)


def test_an_odd_address_is_a_warning(ready: Office) -> None:
    lead = new_lead(ready)
    outside = plan(ready, lead.id, wanting(ip="192.168.7.7"))
    assert outside.is_ready
    assert any("outside every pool" in words for words in outside.warnings)
    leased = plan(ready, lead.id, wanting(ip="10.20.1.7"))  # in the pool that the profile's pool goes on with
    assert any("which the profile leases from" in words for words in leased.warnings)
    hotspot = plan(ready, lead.id, wanting(ip="10.30.0.7"))
    assert hotspot.warnings == ()
    result = convert(ready, lead.id, wanting(ip="192.168.7.7"))
    assert any("outside every pool" in words for words in result.warnings)


def test_a_pool_whose_ranges_are_not_understood_hinders_nothing(ready: Office, simulator: Simulator) -> None:
    simulator.state.put("/ip/pool", {"name": "a.strange.one", "ranges": "whatever-10.20.0.9"})
    typed = convert(ready, new_lead(ready).id, wanting(package=FIXED, ip="10.20.0.77"))
    drawn = convert(ready, new_lead(ready).id, wanting(package=FIXED))
    assert typed.router_user is not None
    assert drawn.router_user is not None
    assert typed.router_user.ip == "10.20.0.77"
    with pytest.raises(Refused, match="no free address"):
        convert(ready, new_lead(ready).id, wanting(package=FIXED, ip="next:a.strange.one"))
    check_agreement(ready, simulator)


def test_a_full_pool_goes_on_with_the_next_and_then_refuses(ready: Office, simulator: Simulator) -> None:
    simulator.add("/ip/pool", name="second", ranges="10.50.0.2")
    simulator.add("/ip/pool", name="first", ranges="10.50.0.1", next_pool="second")
    made = [convert(ready, new_lead(ready).id, wanting(ip="next:first")).router_user for _ in range(2)]
    assert [user.ip for user in made if user is not None] == ["10.50.0.1", "10.50.0.2"]
    lead = new_lead(ready)
    with pytest.raises(Refused, match="no free address") as caught:
        convert(ready, lead.id, wanting(ip="next:first"))
    assert (caught.value.field, caught.value.code) == ("ip", "pool_full")
    check_agreement(ready, simulator)


def test_two_conversions_at_once_draw_two_addresses(ready: Office, simulator: Simulator) -> None:
    """Both have asked the router, and would take the same address: the second draws again."""
    together = threading.Barrier(2)
    asked = addresses.settle_address
    waited = set[int]()

    def both_ask(*args: object, **kwargs: object) -> addresses.AddressFound:
        found = asked(*args, **kwargs)  # type: ignore[arg-type]
        if threading.get_ident() not in waited:
            waited.add(threading.get_ident())
            together.wait(10)
        return found

    failed: list[LeadtuiError] = []

    def work(lead_id: int) -> None:
        try:
            convert(ready, lead_id, wanting(package=QUEUE))
        except LeadtuiError as error:
            failed.append(error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(addresses, "settle_address", both_ask)
        threads = [threading.Thread(target=work, args=(new_lead(ready, name).id,)) for name in ("Ann", "Ben")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert failed == []
    assert {address_of(simulator, "ann"), address_of(simulator, "ben")} == {"10.20.0.2", "10.20.0.3"}
    check_agreement(ready, simulator)


def test_the_database_is_the_last_guard(ready: Office, simulator: Simulator) -> None:
    """An address that turns up in the store in the last moment: told as what it is, and undone."""
    lead = new_lead(ready)

    def taken_meanwhile(event: object) -> None:
        if str(getattr(event, "key", "")) == "customer" and str(getattr(event, "state", "")) == "started":
            with ready.write() as tx:
                values = {"router_id": 1, "username": "sneaky", "service": "hotspot", "tag": "leadtui:X-1"}
                tx.conn.execute(t.router_user.insert().values(**values, ip="10.20.0.60", created_at=tx.now))

    with pytest.raises(Duplicate) as caught:
        convert(ready, lead.id, wanting(ip="10.20.0.60"), on_step=taken_meanwhile)
    assert caught.value.field == "ip"
    assert "removed again" in (caught.value.hint or "")
    assert status_of(ready, lead.id) == "Interested"


def test_a_queue_is_made_changed_and_removed_with_its_user(ready: Office, simulator: Simulator) -> None:
    lead = new_lead(ready)
    shown = plan(ready, lead.id, wanting(package=QUEUE))
    assert any(row.sign == "+" and row.what == "/queue/simple achieng.odhiambo" for row in shown.steps)
    made = convert(ready, lead.id, wanting(package=QUEUE))
    assert made.router_user is not None
    queue = next(row for row in simulator.rows("/queue/simple") if row["name"] == "achieng.odhiambo")
    assert (queue["target"], queue["max-limit"]) == ("10.20.0.2/32", "5000000/20000000")
    with ready.read() as tx:
        row = tx.conn.execute(select(t.router_user)).one()
        product = tx.catalog.product_by_id[row.product_id]
    assert (row.queue_up_bps, row.queue_down_bps, row.ip) == (5_000_000, 20_000_000, "10.20.0.2")
    assert product.name == QUEUE
    check_agreement(ready, simulator)
    lifecycle.reopen(ready, lead.id, "another package")
    again = plan(ready, lead.id, wanting(package=FIXED))
    assert any(row.sign == "-" and "/queue/simple" in row.what for row in again.steps)
    assert any(row.sign == "=" and "address 10.20.0.2" in row.detail for row in again.steps)
    fixed = convert(ready, lead.id, wanting(package=FIXED))
    assert fixed.router_user is not None
    assert fixed.router_user.ip == "10.20.0.2"  # kept
    assert simulator.rows("/queue/simple") == []
    lifecycle.reopen(ready, lead.id, "yet another")
    assert convert(ready, lead.id, wanting()).router_user is not None
    assert address_of(simulator, "achieng.odhiambo") is None  # a dynamic package holds no address
    check_agreement(ready, simulator)


def test_a_queue_of_somebody_else_is_left_alone(ready: Office, simulator: Simulator) -> None:
    simulator.add("/queue/simple", name="achieng.odhiambo", target="10.99.0.1", comment="of the NOC")
    lead = new_lead(ready)
    shown = plan(ready, lead.id, wanting(package=QUEUE))
    assert any(row.state == "bad" and "a queue achieng.odhiambo is there already" in row.what for row in shown.steps)
    with pytest.raises(LeadtuiError) as caught:
        convert(ready, lead.id, wanting(package=QUEUE))
    assert caught.value.code == "router_conflict"
    assert "removed again" in (caught.value.hint or "")  # the user was made before the queue was refused
    assert [row["comment"] for row in simulator.rows("/queue/simple")] == ["of the NOC"]
    check_agreement(ready, simulator)


def test_many_leads_each_get_an_address(ready: Office, simulator: Simulator) -> None:
    made = tuple(new_lead(ready, f"Lead {n}").id for n in range(4))
    result = convert_many(ready, Target(ids=made), wanting(package=QUEUE, ip="next"))
    assert len(result.successful) == 4
    assert {row["target"] for row in simulator.rows("/queue/simple")} == {f"10.20.0.{n}/32" for n in range(2, 6)}
    check_agreement(ready, simulator)


def test_a_queue_package_needs_a_speed(ready: Office) -> None:
    with ready.write() as tx:
        values = {"upload_bps": None, "download_bps": None, "speed": None}
        tx.conn.execute(update(t.product).where(t.product.c.name == QUEUE).values(**values))
        tx.catalog_changed()
    with pytest.raises(Invalid) as caught:
        convert(ready, new_lead(ready).id, wanting(package=QUEUE))
    assert caught.value.field == "package"
