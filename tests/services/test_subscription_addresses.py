"""A change of package and the address it means: drawn, named, kept, given back; two who draw at once."""

from __future__ import annotations

import pytest

from leadtui.errors import Duplicate
from leadtui.router.simulator import Simulator
from leadtui.services.office import Office
from leadtui.services.subscriptions import ChangePackage, carry_out, preview

from .conversion_help import ROUTER
from .subscription_help import (
    QUEUES,
    Held,
    check_service,
    new_customer,
    on_router,
    ready,
    set_package,
    stored,
    written,
)

FIFTY = ChangePackage("50 Mbps Home")


def test_to_an_address_with_a_queue_and_back(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    other = new_customer(office, "Wanjiru Kamau")
    rates = {"upload_bps": 5_000_000, "download_bps": 20_000_000}
    set_package(office, "50 Mbps Home", addressing="queue", pool="pppoe-wl-2", **rates)
    done = carry_out(office, made.id, FIFTY)
    assert {"address dynamic → 10.20.1.2", "queue none → 5M/20M"} <= set(done.done[0].changes)
    check_service(office, simulator)
    assert stored(office, made.username).ip == "10.20.1.2"
    carry_out(office, other.id, FIFTY)
    assert stored(office, other.username).ip == "10.20.1.3"
    check_service(office, simulator)
    set_package(office, "50 Mbps Home", upload_bps=10_000_000)
    plan = preview(office, made.id, FIFTY)
    assert "queue 5M/20M → 10M/20M" in {step.what for step in plan.steps}
    assert plan.sessions == 0  # a queue counts at once
    carry_out(office, made.id, FIFTY)
    check_service(office, simulator)
    back = carry_out(office, made.id, ChangePackage("20 Mbps Home"))
    assert {"address 10.20.1.2 → dynamic", "queue 10M/20M → none"} <= set(back.done[0].changes)
    check_service(office, simulator)
    assert {row["name"] for row in simulator.rows(QUEUES)} == {other.username}


def test_an_address_can_be_named_or_drawn_and_is_kept(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    other = new_customer(office, "Wanjiru Kamau")
    carry_out(office, made.id, ChangePackage("20 Mbps Home", "10.20.0.40"))
    assert on_router(simulator, made.username)["remote-address"] == "10.20.0.40"
    with pytest.raises(Duplicate) as caught:
        carry_out(office, other.id, ChangePackage("20 Mbps Home", "10.20.0.40"))
    assert caught.value.field == "ip"
    carry_out(office, other.id, ChangePackage("20 Mbps Home", "10.20.1.9"))
    before = written(office)
    assert not carry_out(office, other.id, ChangePackage("20 Mbps Home", "next:pppoe-wl-2")).changed  # it has one of it
    assert (written(office), stored(office, other.username).ip) == (before, "10.20.1.9")
    carry_out(office, made.id, FIFTY)  # the address was not the package's: it stays the customer's
    assert stored(office, made.username).ip == "10.20.0.40"
    carry_out(office, made.id, ChangePackage("50 Mbps Home", "dynamic"))
    assert stored(office, made.username).ip is None
    check_service(office, simulator)


def test_two_who_draw_at_once_get_two_addresses(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    other = new_customer(office, "Wanjiru Kamau")
    held = Held(office, made.id, ChangePackage("20 Mbps Home", "next:pppoe-wl-2"), "Writing the user")
    carry_out(office, other.id, ChangePackage("20 Mbps Home", "next:pppoe-wl-2"))
    held.finish()
    assert held.failed == []
    assert {stored(office, x.username).ip for x in (made, other)} == {"10.20.1.2", "10.20.1.3"}
    check_service(office, simulator)


def test_an_address_that_went_meanwhile_is_not_given_twice(office: Office, simulator: Simulator) -> None:
    made = ready(office, simulator)
    other = new_customer(office, "Wanjiru Kamau")
    drawn = ChangePackage("20 Mbps Home", "next:pppoe-wl-2")
    held = Held(office, made.id, drawn, "RouterOS")  # it has drawn, and has not written it down
    carry_out(office, other.id, drawn)
    held.finish()
    assert held.failed == [f"the address 10.20.1.2 is {other.username}'s on {ROUTER}"]
    check_service(office, simulator)
    carry_out(office, made.id, drawn)
    assert stored(office, made.username).ip == "10.20.1.3"
    check_service(office, simulator)
