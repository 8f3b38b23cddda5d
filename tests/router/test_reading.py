"""What a router tells of itself: its load, its pools, and who holds which address."""

from __future__ import annotations

import pytest

from leadtui.router import open_router
from leadtui.router.port import WantedQueue
from leadtui.router.simulator import FaultRule, Simulator

SEEDED = {  # the gateway of four profiles, and the leases of those who are online
    "10.20.0.1": "the gateway of the profile 10M",
    "10.20.0.254": "office.backup",
    "10.20.0.253": "jane.w",
}


@pytest.mark.parametrize("version", ["6.42.1", "6.49.10", "7.18.2"])
def test_the_load_is_counted_by_the_router(make_router, version):
    router: Simulator = make_router(version=version)
    router.add("/ip/hotspot/user", name="guest", profile="20M")
    router.log_in("guest")
    with open_router(router.address()) as port:
        load = port.capacity()
    assert (load.probe.identity, load.probe.version) == ("WL-RTR-1", version)
    assert load.sessions == 3
    assert {pool.name: (pool.total, pool.used) for pool in load.pools} == {
        "pppoe-wl": (253, 2),
        "pppoe-wl-2": (253, 0),
        "hotspot-wl": (253, 1),
    }


@pytest.mark.parametrize("version", ["6.49.10", "7.18.2"])
def test_a_menu_that_is_missing_counts_nothing(make_router, version):
    router = make_router(version=version, without=("/ip/hotspot", "/queue", "/ip/pool/used"))
    with open_router(router.address()) as port:
        load = port.capacity()
        assert port.used_addresses() == {"10.20.0.1": "the gateway of the profile 10M"}
    assert load.sessions == 2
    assert {pool.used for pool in load.pools} == {None}


def test_the_router_is_busier_the_more_are_online(router):
    for number in range(50):
        router.state.put("/ppp/active", {"name": f"u{number}", "service": "pppoe", "address": f"10.9.0.{number}"})
    with open_router(router.address()) as port:
        assert port.probe().cpu_load_percent == 5


def test_who_holds_which_address(router, wanted):
    router.add("/ip/hotspot/user", name="guest", address="10.30.0.9", password="of-the-guest")
    router.add("/queue/simple", name="lan", target="10.99.0.0/24")
    router.add("/queue/simple", name="two", target="10.98.0.1,10.98.0.2")
    router.add("/ppp/profile", name="pooled", local_address="pppoe-wl")
    with open_router(router.address()) as port:
        assert port.used_addresses() == {
            **SEEDED, "10.30.0.9": "guest", "10.98.0.1": "two", "10.98.0.2": "two",
        }  # fmt: skip
        port.ensure_user(wanted(ip="10.20.0.7", disabled=True))
        port.ensure_queue(WantedQueue("q.kamau", "10.20.0.7", None, 10_000_000, wanted().tag))
        port.ensure_queue(WantedQueue("q.alone", "10.20.0.8", None, 10_000_000, "leadtui:LD-2"))
        held = port.used_addresses()
    assert held["10.20.0.7"] == "kamau.j"  # a disabled user keeps the address, and comes before its queue
    assert held["10.20.0.8"] == "q.alone"
    assert not {"kq7mRtz3Wd", "of-the-guest"} & set(held.values())


def test_the_leases_of_one_pool(router, wanted):
    router.add("/ip/hotspot/user", name="guest", profile="20M")
    leased = router.log_in("guest")
    with open_router(router.address()) as port:
        assert leased in port.used_addresses("hotspot-wl")
        assert "10.20.0.254" not in port.used_addresses("hotspot-wl")
        assert leased not in port.used_addresses("pppoe-wl")


def test_a_fixed_address_comes_before_the_lease_of_another(router):
    router.add("/ppp/secret", name="fixed", remote_address="10.20.0.253")
    with open_router(router.address()) as port:
        assert port.used_addresses()["10.20.0.253"] == "fixed"


def test_a_router_that_does_not_count_its_leases(router):
    router.faults.add(FaultRule("/ip/pool/used", "refuse", count=-1))
    with open_router(router.address()) as port:
        assert {pool.used for pool in port.capacity().pools} == {None}
