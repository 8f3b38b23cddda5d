"""Customers of the training router: going online and offline, queues, menus that are missing, files of before."""

from __future__ import annotations

import json

import pytest

from leadtui.errors import Refused
from leadtui.router import open_router
from leadtui.router.simulator import Simulator
from leadtui.router.simulator.menus import MENUS, Trap


def leases(router: Simulator) -> dict[str, str]:
    return {row["info"]: row["address"] for row in router.rows("/ip/pool/used")}


def test_a_fixed_address_comes_before_the_pool(router):
    router.add("/ppp/secret", name="fixed", profile="20M", remote_address="10.20.0.9")
    router.add("/ppp/profile", name="one", remote_address="10.20.0.10")
    router.add("/ppp/secret", name="of.profile", profile="one")
    assert [router.dial_in(name) for name in ("fixed", "of.profile")] == ["10.20.0.9", "10.20.0.10"]
    assert set(leases(router)) == {"office.backup", "jane.w"}


def test_a_pool_gives_the_next_free_and_goes_on_in_the_next_pool(router):
    router.add("/ip/pool", name="small", ranges="10.5.0.1-10.5.0.2", next_pool="pppoe-wl-2")
    router.add("/ppp/profile", name="small", remote_address="small")
    for number in range(3):
        router.add("/ppp/secret", name=f"u{number}", profile="small")
    assert [router.dial_in(f"u{n}") for n in range(3)] == ["10.5.0.1", "10.5.0.2", "10.20.1.2"]
    router.change("/ip/pool", "pppoe-wl-2", next_pool="small")  # a circle ends
    router.change("/ip/pool", "pppoe-wl-2", ranges="10.20.1.2")
    router.add("/ppp/secret", name="last", profile="small")
    with pytest.raises(Refused, match="no free address"):
        router.dial_in("last")


def test_a_session_that_ends_gives_its_address_back(router):
    router.add("/ppp/secret", name="a", profile="20M")
    router.add("/ip/hotspot/user", name="a", profile="20M")
    first = router.dial_in("a", uptime="4m10s")
    with open_router(router.address()) as port:
        assert port.active("pppoe", "a")[0].uptime == "4m10s"
        assert port.disconnect("pppoe", "a") == 1
    assert "a" not in leases(router)
    assert router.dial_in("a") == first
    assert router.dial_in("a") == first  # only-one: the former session ends
    router.log_in("a")
    assert router.hang_up("a") == 2
    assert router.hang_up("a") == 0
    assert set(leases(router)) == {"office.backup", "jane.w"}


@pytest.mark.parametrize("service", ["pppoe", "hotspot"])
def test_who_is_not_let_in(router, service):
    menu, profiles, enter = {
        "pppoe": ("/ppp/secret", "/ppp/profile", router.dial_in),
        "hotspot": ("/ip/hotspot/user", "/ip/hotspot/user/profile", router.log_in),
    }[service]
    with pytest.raises(Refused):
        enter("nobody")
    router.add(menu, name="kamau", profile="20M", disabled="yes")
    with pytest.raises(Refused):
        enter("kamau")
    router.change(menu, "kamau", disabled="no")
    router.remove(profiles, "20M")
    with pytest.raises(Refused) as refused:
        enter("kamau")
    assert refused.value.field == "profile"
    router.change(menu, "kamau", profile="default")  # no pool
    with pytest.raises(Refused, match="no free address"):
        enter("kamau")


def test_a_hotspot_profile_says_how_many_may_be_logged_in(router):
    router.add("/ip/hotspot/user", name="guest", profile="20M", address="10.30.0.77")
    assert router.log_in("guest") == "10.30.0.77"
    with pytest.raises(Refused, match="No more sessions"):
        router.log_in("guest")
    router.change("/ip/hotspot/user/profile", "20M", shared_users="2")
    router.log_in("guest")
    with open_router(router.address()) as port:
        assert [session.address for session in port.active("hotspot", "guest")] == ["10.30.0.77"] * 2


# Queues


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("target", "10.0.0.5", "10.0.0.5/32"),
        ("target", "10.0.0.5/32,10.1.0.0/24", "10.0.0.5/32,10.1.0.0/24"),
        ("max_limit", "10M/512k", "10000000/512000"),
        ("max_limit", "1g", "1000000000/1000000000"),
        ("max_limit", "0/0", "0/0"),
    ],
)
def test_queues_store_normalised_values(router, name, given, stored):
    router.add("/queue/simple", **{"name": "q", "target": "10.0.0.1", name: given})
    assert router.rows("/queue/simple")[0][name.replace("_", "-")] == stored


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"target": "10.0.0.1"}, "missing =="),
        ({"name": "q"}, "missing =="),
        ({"name": "taken", "target": "10.0.0.1"}, "failure: already have such name"),
        ({"name": "q", "target": "lan"}, "invalid value for argument target"),
        ({"name": "q", "target": "10.0.0.1", "max_limit": "fast"}, "invalid value for argument max-limit"),
        ({"name": "q", "target": "10.0.0.1", "max_limit": "1M/1M/1M"}, "invalid value for argument max-limit"),
        (
            {"name": "q", "target": "10.0.0.1", "max_limit": "1M/5M", "limit_at": "2M/1M"},
            "failure: upload-max-limit less than upload-limit",
        ),
    ],
)
def test_queues_that_are_refused(router, values, text):
    router.add("/queue/simple", name="taken", target="10.0.0.1")
    with pytest.raises(Trap) as refused:
        router.add("/queue/simple", **values)
    assert refused.value.traps[0][0].startswith(text)
    assert len(router.rows("/queue/simple")) == 1


# Menus and files


def test_an_empty_comment_is_none(router):
    router.add("/ppp/secret", name="x", comment="")
    router.change("/ppp/secret", "jane.w", comment="")
    for name in ("x", "jane.w"):
        (row,) = [row for row in router.secrets() if row["name"] == name]
        assert "comment" not in row
    with open_router(router.address()) as port:
        assert port.find_tagged("pppoe", "leadtui:LD-1") == ()


def test_a_state_file_of_before_is_read_and_what_it_lacks_is_empty(tmp_path):
    file = tmp_path / "router.json"
    Simulator(file).add("/ppp/secret", name="kept", password="pw")
    stored = json.loads(file.read_text())
    del stored["menus"]["/queue/simple"]
    next(iter(stored["menus"]["/ppp/secret"]["rows"].values()))["comment"] = ""
    file.write_text(json.dumps(stored))
    router = Simulator(file)
    assert router.rows("/queue/simple") == []
    assert [row["name"] for row in router.secrets()][-1] == "kept"
    assert "comment" not in router.secrets()[0]
    assert router.add("/queue/simple", name="q", target="10.0.0.1") == "*1"
    assert [row["name"] for row in Simulator(file).rows("/queue/simple")] == ["q"]


def test_queries_of_stored_and_of_shown_values_agree(router):
    menu = MENUS["/ppp/secret"]
    for queries in (
        ["?name=jane.w", "?comment=NOC", "?#|"],
        ["?>comment="],
        ["?-comment"],
        ["?comment=NOC", "?profile=50M"],
        ["?profile=20M"],
        ["?disabled=false", "?#!"],
    ):
        rows = list(router.state.print_rows(menu, (), secrets=True))
        from leadtui.router.simulator.query import matches

        assert list(router.state.print_rows(menu, queries, secrets=True)) == [r for r in rows if matches(r, queries)]
