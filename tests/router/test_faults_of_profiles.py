"""Every way a router fails while profiles and queues are written, and while it is only read: what the caller is told,
and that one retry ends as wanted with nothing foreign touched.
"""

from __future__ import annotations

import pytest

from leadtui.router import open_router
from leadtui.router.port import RouterFault, RouterPort, WantedProfile, WantedQueue, package_tag
from leadtui.router.simulator import FaultRule, Simulator

from .test_faults import APPLIED, DEADLINE_S, FAULTS

PPP = WantedProfile("pppoe", "lt-20", package_tag(7, "aa"), 5_000_000, 20_000_000, "pppoe-wl", "10.20.0.1")
HOTSPOT = WantedProfile("hotspot", "lt-20", package_tag(7, "aa"), 5_000_000, 20_000_000, "hotspot-wl", known_as="lt-20")
QUEUE = WantedQueue("kamau.j", "10.20.9.9", 512_000, 10_000_000, "leadtui:LD-1 office:aa")
THINGS = {
    "/ppp/profile": lambda port: port.ensure_profile(PPP),
    "/ip/hotspot/user/profile": lambda port: port.ensure_profile(HOTSPOT),
    "/queue/simple": lambda port: port.ensure_queue(QUEUE),
}
NAMES = {"/ppp/profile": "lt-20", "/ip/hotspot/user/profile": "lt-20", "/queue/simple": "kamau.j"}
RATE = {"/ppp/profile": "rate_limit", "/ip/hotspot/user/profile": "rate_limit", "/queue/simple": "max_limit"}
READINGS = {
    "capacity": lambda port: port.capacity(),
    "used_addresses": lambda port: port.used_addresses(),
    "queues": lambda port: port.queues(),
    "find_queues": lambda port: port.find_queues(QUEUE.tag),
    "find_profile": lambda port: port.find_profile(PPP),
    "profile_use": lambda port: port.profile_use("pppoe", "20M", "aa"),
    "compare": lambda port: port.compare("pppoe", [], "aa"),
}
# What is missing or not told there is no failure: (reading, action) → commands.
TOLERATED = {
    ("capacity", "no_menu"): ("/ip/pool/used", "/ppp/active", "/ip/hotspot/active"),
    ("capacity", "refuse"): ("/ip/pool/used",),
    ("used_addresses", "no_menu"): ("/",),
}
WAITED_OUT = {"hang_before", "slow_bytes"}
SAME_TO_A_READER = {"hang_after", "late", "forget"}


def rule(command: str, action: str) -> FaultRule:
    return FaultRule(command, action, delay_s=1.0 if action == "late" else 0.2)


def others(router: Simulator, menu: str) -> list[dict[str, str]]:
    return [row for row in router.rows(menu) if row["name"] != NAMES[menu]]


def ours(router: Simulator, menu: str) -> list[dict[str, str]]:
    return [row for row in router.rows(menu) if row["name"] == NAMES[menu]]


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("menu", THINGS)
@pytest.mark.parametrize("action", FAULTS)
def test_a_fault_while_adding(router, menu, action):
    kind, unknown = FAULTS[action]
    before = others(router, menu)
    router.faults.add(rule(f"{menu}/add", action))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(kind) as fault:
        THINGS[menu](port)
    assert type(fault.value) is kind
    assert fault.value.outcome_unknown is unknown
    assert fault.value.message.endswith(".")
    if action != "late":
        assert len(ours(router, menu)) == (action in APPLIED)
    with open_router(router.address()) as port:
        THINGS[menu](port)
    assert len(ours(router, menu)) == 1
    assert others(router, menu) == before


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("menu", THINGS)
@pytest.mark.parametrize("action", FAULTS)
def test_a_fault_while_changing(router, menu, action):
    kind, unknown = FAULTS[action]
    with open_router(router.address()) as port:
        THINGS[menu](port)
    wanted = ours(router, menu)
    router.change(menu, NAMES[menu], **{RATE[menu]: "1M/1M"})
    router.faults.add(rule(f"{menu}/set", action))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(kind) as fault:
        THINGS[menu](port)
    # What is forgotten was read back: what the router holds is known, and named.
    assert fault.value.outcome_unknown is (unknown and action != "forget")
    with open_router(router.address()) as port:
        THINGS[menu](port)
    assert ours(router, menu) == wanted


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("action", [action for action in FAULTS if action != "no_menu"])  # see test_profiles
def test_a_fault_while_clearing(router, action):
    kind, unknown = FAULTS[action]
    with open_router(router.address()) as port:
        port.ensure_profile(PPP)
    bare = WantedProfile("pppoe", "lt-20", PPP.tag, 5_000_000, 20_000_000)
    router.faults.add(rule("/ppp/profile/unset", action))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(kind) as fault:
        port.ensure_profile(bare)
    assert fault.value.outcome_unknown is (unknown and action != "forget")
    with open_router(router.address()) as port:
        assert port.ensure_profile(bare).profile.remote_address is None


def test_a_refusal_after_a_part_was_applied_is_of_unknown_outcome(router):
    with open_router(router.address()) as port:
        port.ensure_profile(PPP)
        router.faults.add(FaultRule("/ppp/profile/unset", "refuse"))
        with pytest.raises(RouterFault) as fault:
            port.ensure_profile(WantedProfile("pppoe", "lt-20", PPP.tag, 1_000_000, 1_000_000, None, "10.20.0.1"))
    assert (fault.value.code, fault.value.outcome_unknown) == ("router_refused", True)
    assert ours(router, "/ppp/profile")[0]["rate-limit"] == "1M/1M"


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("action", FAULTS)
def test_a_fault_while_removing_a_queue(router, action):
    kind, unknown = FAULTS[action]
    with open_router(router.address()) as port:
        port.ensure_queue(QUEUE)
    router.faults.add(rule("/queue/simple/remove", action))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(kind) as fault:
        port.remove_queue(QUEUE.name, QUEUE.tag)
    assert fault.value.outcome_unknown is (unknown and action != "forget")
    with open_router(router.address()) as port:
        port.remove_queue(QUEUE.name, QUEUE.tag)
    assert router.rows("/queue/simple") == []


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("action", ["hang_before", "drop_before", "rst_before", "fatal", "garbage", "slow_bytes"])
@pytest.mark.parametrize(("menu", "before"), [("/ppp/profile", 1), ("/queue/simple", 2)])
def test_a_fault_in_the_read_back_leaves_the_outcome_unknown(router, menu, before, action):
    router.faults.add(FaultRule(f"{menu}/print", action, skip=before, delay_s=0.2))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(RouterFault) as fault:
        THINGS[menu](port)
    assert fault.value.outcome_unknown is True
    assert len(ours(router, menu)) == 1


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("menu", ["/ppp/profile", "/queue/simple"])
def test_a_lost_answer_is_found_by_the_duplicate_trap(router, menu):
    router.faults.add(FaultRule(f"{menu}/add", "late", delay_s=0.8))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(RouterFault):
        THINGS[menu](port)
    router.faults.add(FaultRule(f"{menu}/add", "delay", delay_s=1.5))
    with open_router(router.address()) as port:
        THINGS[menu](port)
    assert len(ours(router, menu)) == 1


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("action", [action for action in FAULTS if action not in SAME_TO_A_READER])
def test_a_fault_while_reading_is_never_of_unknown_outcome(router, reading, action):
    """In every command of the reading in turn; those that are waited out in the last alone."""
    asked = commands_of(router, READINGS[reading])
    numbers = range(len(asked) - 1 if action in WAITED_OUT else 0, len(asked))
    for number in numbers:
        router.faults.clear()
        router.faults.add(FaultRule("/", action, skip=1 + number, delay_s=1.0 if action == "late" else 0.2))
        with open_router(router.address(), deadline_s=DEADLINE_S) as port:
            if asked[number].startswith(TOLERATED.get((reading, action), ("nothing",))):
                READINGS[reading](port)
                continue
            with pytest.raises(RouterFault) as fault:
                READINGS[reading](port)
        assert fault.value.outcome_unknown is False
        assert fault.value.message.endswith(".")


def commands_of(router: Simulator, act) -> list[str]:
    asked: list[str] = []
    take = router.faults.take
    router.faults.take = lambda command: (asked.append(command), take(command))[1]
    port: RouterPort
    with open_router(router.address()) as port:
        act(port)
    router.faults.take = take
    return asked[1:]
