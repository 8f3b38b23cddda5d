"""Every way a router fails, at every write: what the caller is told, and that one retry ends with exactly one user."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from leadtui.router import open_router
from leadtui.router.port import (
    CancelToken,
    RouterAddress,
    RouterCancelled,
    RouterDropped,
    RouterFault,
    RouterMenuMissing,
    RouterMismatch,
    RouterPermissionDenied,
    RouterProtocolError,
    RouterRefused,
    RouterTimeout,
    Secret,
)
from leadtui.router.simulator import FaultPlan, FaultRule

MENU = {"pppoe": "/ppp/secret", "hotspot": "/ip/hotspot/user"}
TAG = "leadtui:LD-202511-0001"

# action → (what is raised, whether the outcome of a write is unknown)
FAULTS = {
    "refuse": (RouterRefused, False),
    "no_permission": (RouterPermissionDenied, False),
    "no_menu": (RouterMenuMissing, False),
    "hang_before": (RouterTimeout, True),
    "hang_after": (RouterTimeout, True),
    "drop_before": (RouterDropped, True),
    "drop_after": (RouterDropped, True),
    "rst_before": (RouterDropped, True),
    "rst_after": (RouterDropped, True),
    "fatal": (RouterDropped, True),
    "fatal_after": (RouterDropped, True),
    "garbage": (RouterProtocolError, True),
    "garbage_after": (RouterProtocolError, True),
    "truncate": (RouterDropped, True),
    "slow_bytes": (RouterTimeout, True),
    "late": (RouterTimeout, True),
    "forget": (RouterMismatch, True),
}
APPLIED = {"hang_after", "drop_after", "rst_after", "fatal_after", "garbage_after", "truncate", "slow_bytes"}
DEADLINE_S = 20.0
"""Of the fixture `hangs`: a router that hangs ends it at once."""


def ours(router, service):
    return [row for row in router.rows(MENU[service]) if row.get("comment", "").startswith("leadtui:")]


def foreign(router, service):
    return [row for row in router.rows(MENU[service]) if not row.get("comment", "").startswith("leadtui:")]


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("service", ["pppoe", "hotspot"])
@pytest.mark.parametrize("action", FAULTS)
def test_a_fault_while_adding(router, wanted, service, action):
    kind, unknown = FAULTS[action]
    before = foreign(router, service)
    router.faults.add(FaultRule(f"{MENU[service]}/add", action, delay_s=1.0 if action == "late" else 0.2))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(kind) as fault:
        port.ensure_user(wanted(service=service))
    assert type(fault.value) is kind
    assert fault.value.outcome_unknown is unknown
    assert fault.value.message.endswith(".")
    assert "kq7mRtz3Wd" not in fault.value.message
    if action != "late":
        assert len(ours(router, service)) == (action in APPLIED)
    with open_router(router.address()) as port:
        again = port.ensure_user(wanted(service=service))
    if action != "late":
        assert again.outcome == ("unchanged" if action in APPLIED else "created")
    assert [row["name"] for row in ours(router, service)] == ["kamau.j"]
    assert foreign(router, service) == before


# Without `unset` the adapter clears the address in another way: that is no failure, see test_adapter.
@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize(
    ("verb", "action"), [(v, a) for v in ("set", "unset") for a in FAULTS if (v, a) != ("unset", "no_menu")]
)
def test_a_fault_while_changing(router, wanted, verb, action):
    kind, unknown = FAULTS[action]
    with open_router(router.address()) as port:
        port.ensure_user(wanted(ip="10.20.9.9"))
    router.faults.add(FaultRule(f"/ppp/secret/{verb}", action, delay_s=1.0 if action == "late" else 0.2))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(kind) as fault:
        port.ensure_user(wanted(profile="50M"))
    if action == "forget":
        unknown = False  # it was read back: what it holds is known, and named
    # An unset that is refused comes after a set that was applied.
    assert fault.value.outcome_unknown is (unknown or (verb == "unset" and action != "forget"))
    with open_router(router.address()) as port:
        port.ensure_user(wanted(profile="50M"))
    (row,) = ours(router, "pppoe")
    assert row["profile"] == "50M"
    assert "remote-address" not in row


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("action", FAULTS)
def test_a_fault_while_removing(router, wanted, action):
    kind, _ = FAULTS[action]
    with open_router(router.address()) as port:
        port.ensure_user(wanted())
    router.faults.add(FaultRule("/ppp/secret/remove", action, delay_s=1.0 if action == "late" else 0.2))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(kind):
        port.remove_user("pppoe", "kamau.j", TAG)
    with open_router(router.address()) as port:
        port.remove_user("pppoe", "kamau.j", TAG)
    assert ours(router, "pppoe") == []


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("action", [a for a in FAULTS if a != "forget"])
@pytest.mark.parametrize("command", ["/login", "/ppp/profile/print", "/ppp/secret/print"])
def test_a_fault_before_any_write_is_never_of_unknown_outcome(router, wanted, command, action):
    router.faults.add(FaultRule(command, action, delay_s=1.0 if action == "late" else 0.2))
    with pytest.raises(RouterFault) as fault, open_router(router.address(), deadline_s=DEADLINE_S) as port:
        port.ensure_user(wanted())
    assert fault.value.outcome_unknown is False
    assert ours(router, "pppoe") == []


@pytest.mark.usefixtures("hangs")
@pytest.mark.parametrize("action", ["hang_before", "drop_before", "rst_before", "fatal", "garbage", "slow_bytes"])
def test_a_fault_in_the_read_back_leaves_the_outcome_unknown(router, wanted, action):
    router.faults.add(FaultRule("/ppp/secret/print", action, skip=2, delay_s=0.2))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(RouterFault) as fault:
        port.ensure_user(wanted())
    assert fault.value.outcome_unknown is True
    assert len(ours(router, "pppoe")) == 1


@pytest.mark.usefixtures("hangs")
def test_a_lost_answer_is_found_by_the_duplicate_trap(router, wanted):
    """Our first add takes effect only after we looked again: the router's refusal leads to a re-read, not a failure."""
    router.faults.add(FaultRule("/ppp/secret/add", "late", delay_s=0.8))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port, pytest.raises(RouterTimeout):
        port.ensure_user(wanted())
    router.faults.add(FaultRule("/ppp/secret/add", "delay", delay_s=1.5))
    with open_router(router.address()) as port:
        result = port.ensure_user(wanted())
    assert result.outcome == "unchanged"
    assert len(ours(router, "pppoe")) == 1


def test_two_leads_after_one_name_get_one_user_and_one_conflict(router, wanted):
    results: list[object] = []
    start = threading.Barrier(2)

    def run(tag: str) -> None:
        with open_router(router.address()) as port:
            start.wait()
            try:
                results.append(port.ensure_user(wanted(tag=tag)).outcome)
            except RouterFault as fault:
                results.append(fault.code)

    threads = [threading.Thread(target=run, args=(f"leadtui:LD-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(map(str, results)) == ["created", "router_conflict"]
    assert len(ours(router, "pppoe")) == 1


@pytest.mark.usefixtures("hangs")
def test_after_a_timeout_the_connection_is_gone(router):
    """Otherwise the next call would get the answer of the one that timed out (facts/mikrotik §0.1)."""
    router.faults.add(FaultRule("/system/identity", "late", delay_s=0.5))
    with open_router(router.address(), deadline_s=DEADLINE_S) as port:
        with pytest.raises(RouterTimeout):
            port.probe()
        with pytest.raises(RouterDropped):
            port.users("pppoe")


def test_the_deadline_is_for_the_whole_job_however_the_bytes_dribble(router):
    router.faults.add(FaultRule("/ppp/secret/print", "slow_bytes", delay_s=0.05))
    started = time.monotonic()
    with pytest.raises(RouterTimeout, match=r"0\.5 s"), open_router(router.address(), deadline_s=0.5) as port:
        port.users("pppoe")
    assert time.monotonic() - started < 20


def test_the_deadline_covers_several_calls(router):
    router.faults.add(FaultRule("/system/", "delay", count=-1, delay_s=0.2))
    started = time.monotonic()
    with pytest.raises(RouterTimeout), open_router(router.address(), deadline_s=0.7) as port:
        list(iter(port.probe, None))
    assert time.monotonic() - started < 20


# Cancelling


def test_cancel_unblocks_a_hanging_call(router, wanted):
    router.faults.add(FaultRule("/ppp/secret/add", "hang_before"))
    port = open_router(router.address(), deadline_s=60)
    timer = threading.Thread(target=lambda: (router.faults.wait_fired(), port.cancel()))
    timer.start()
    started = time.monotonic()
    with port, pytest.raises(RouterCancelled) as cancelled:
        port.ensure_user(wanted())
    assert cancelled.value.outcome_unknown is True
    assert time.monotonic() - started < 20
    timer.join(5)


@pytest.mark.parametrize("tls", [False, True])
def test_cancel_unblocks_the_login(make_router, tls):
    router = make_router(tls=tls, faults=FaultPlan([FaultRule("/login", "hang_before")]))
    token = CancelToken()
    timer = threading.Thread(target=lambda: (router.faults.wait_fired(), token.cancel()))
    timer.start()
    with pytest.raises(RouterCancelled):
        open_router(router.address(), deadline_s=60, cancel=token)
    timer.join(5)


@pytest.mark.parametrize("mode", ["plain", "pin"])
def test_cancel_unblocks_a_peer_that_never_speaks(mode):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = RouterAddress(
            "127.0.0.1", silent.getsockname()[1], "admin", Secret("admin"), tls=mode, tls_pin="00" * 32
        )
        token = CancelToken()
        accepted = threading.Event()
        held: list[object] = []  # an accepted socket that nobody holds would be closed
        threading.Thread(target=lambda: (held.append(silent.accept()), accepted.set()), daemon=True).start()
        timer = threading.Thread(target=lambda: (accepted.wait(10), token.cancel()))
        timer.start()
        with pytest.raises(RouterCancelled):
            open_router(address, deadline_s=60, cancel=token)
        timer.join(5)


def test_cancel_unblocks_connecting(monkeypatch):
    asked, released = threading.Event(), threading.Event()

    def stuck(*_args, **_options):
        asked.set()
        released.wait(30)
        raise OSError("given up")

    monkeypatch.setattr(socket, "create_connection", stuck)
    token = CancelToken()
    timer = threading.Thread(target=lambda: (asked.wait(10), token.cancel()))
    timer.start()
    started = time.monotonic()
    with pytest.raises(RouterCancelled):
        open_router(RouterAddress("10.255.255.1", 8728, "a", Secret("b")), deadline_s=60, cancel=token)
    assert time.monotonic() - started < 4
    released.set()
    timer.join(5)


def test_a_token_cancelled_before_is_not_used():
    token = CancelToken()
    token.cancel()
    token.cancel()
    with pytest.raises(RouterCancelled):
        open_router(RouterAddress("127.0.0.1", 1, "a", Secret("b")), cancel=token)


def test_stopping_the_simulator_ends_every_fault_at_once(make_router, wanted):
    router = make_router(faults=FaultPlan([FaultRule("/ppp/secret/add", "delay", delay_s=600)]))
    failed: list[RouterFault] = []

    def run() -> None:
        with open_router(router.address(), deadline_s=60) as port:
            try:
                port.ensure_user(wanted())
            except RouterFault as fault:
                failed.append(fault)

    client = threading.Thread(target=run)
    client.start()
    assert router.faults.wait_fired()
    started = time.monotonic()
    router.stop()
    client.join(10)
    assert time.monotonic() - started < 20
    assert [fault.code for fault in failed] == ["router_dropped"]


# Peers that are no routers at all


def serve_once(data: bytes, *, keep_open: bool = False) -> tuple[RouterAddress, threading.Thread]:
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with server, server.accept()[0] as peer:
            peer.recv(4096)
            peer.sendall(data)
            while keep_open and peer.recv(4096):
                pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return RouterAddress("127.0.0.1", server.getsockname()[1], "admin", Secret("admin")), thread


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", RouterDropped),
        (b"\x06!fatal\0", RouterDropped),
        (b"\x05!done\x04.tag", RouterDropped),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200, RouterProtocolError),
        (b"\xff\xff\xff\xff", RouterProtocolError),
        (b"\xef\xff\xff\xff" + b"x" * 100, RouterProtocolError),
        (b"\x04!foo\0", RouterProtocolError),
        (b"\x05!done\x06=ret=z\0", RouterProtocolError),
        (b"\0\0\x05!trap\0\x05!done\0", RouterFault),
    ],
)
def test_answers_that_are_not_the_protocol(data, kind):
    address, thread = serve_once(data, keep_open=kind is not RouterDropped)
    with pytest.raises(kind) as fault:
        open_router(address, deadline_s=5)
    assert fault.value.outcome_unknown is False
    thread.join(5)


def test_a_flood_of_empty_rows_is_cut_off_long_before_the_deadline(monkeypatch):
    """A row without words takes memory, too: what has no end must not be collected until the deadline."""
    monkeypatch.setattr("leadtui.router.mikrotik._MAX_REPLY_BYTES", 4000)
    address, thread = serve_once(b"\x03!re\0" * 1000, keep_open=True)
    with pytest.raises(RouterProtocolError):
        open_router(address, deadline_s=5)
    thread.join(5)


def test_odd_but_legal_answers_are_understood():
    """Empty sentences, a tag after the reply word, unknown attributes, a word without a second `=` (facts §a, §b)."""
    address, thread = serve_once(b"\0\0\x05!done\x06.tag=1\x02=x\x05=a=b=\0", keep_open=True)
    open_router(address, deadline_s=5).close()
    thread.join(5)
