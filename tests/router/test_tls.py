"""TLS: pinned, by CA, anonymous by choice; wrong certificates stop everything before a word is sent."""

from __future__ import annotations

import dataclasses
import socket
import threading

import pytest

from leadtui.errors import Invalid
from leadtui.router import open_router, read_fingerprint
from leadtui.router.port import RouterAddress, RouterLoginRefused, RouterTimeout, RouterTlsError, RouterUnreachable
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.router.simulator.certificate import _ffdhe2048_prime
from leadtui.router.tls import check_fingerprint


@pytest.mark.parametrize("mode", ["pin", "ca"])
def test_the_right_certificate(make_router, wanted, mode):
    router = make_router(tls=True)
    with open_router(router.address(tls=mode)) as port:
        assert port.ensure_user(wanted()).outcome == "created"


def by_ca(router: Simulator, file: object) -> RouterAddress:
    """The router's address with a file of certificates to trust."""
    return dataclasses.replace(router.address(tls="ca"), tls_ca=str(file))


def every_login_counts(router: Simulator) -> Simulator:
    """From now on a login leaves its trace in `faults.fired`: that none came can be seen."""
    router.faults.add(FaultRule("/login", "refuse", text="no", count=-1))
    return router


def test_a_login_would_be_seen(make_router):
    router = every_login_counts(make_router(tls=True))
    with pytest.raises(RouterLoginRefused):
        open_router(router.address())
    assert router.faults.fired == [("/login", "refuse")]


def test_a_ca_file(make_router, tmp_path):
    router = make_router(tls=True)
    file = tmp_path / "ca.pem"
    file.write_text(router.certificate_pem)
    with open_router(by_ca(router, file)) as p:
        assert p.probe().identity


def test_a_certificate_for_another_host_is_refused_though_its_ca_is_trusted(tmp_path):
    router = every_login_counts(Simulator(host="127.0.0.2", tls=True))
    router.host = "127.0.0.1"  # its certificate is made already
    file = tmp_path / "ca.pem"
    file.write_text(router.certificate_pem)
    with router, pytest.raises(RouterTlsError, match=r"not trusted: .*127\.0\.0\.1"):
        open_router(by_ca(router, file))
    assert router.faults.fired == []


def test_the_wrong_pin_sends_nothing_and_shows_the_fingerprint(make_router):
    router, other = every_login_counts(make_router(tls=True)), make_router(tls=True)
    pinned = dataclasses.replace(router.address(), tls_pin=other.fingerprint)
    with pytest.raises(RouterTlsError, match="another certificate") as refused:
        open_router(pinned)
    assert refused.value.fingerprint == router.fingerprint
    assert router.faults.fired == []


def test_a_certificate_that_changed_since_it_was_pinned(make_router):
    first = make_router(tls=True)
    pinned = first.address()
    open_router(pinned).close()
    first.stop()
    second = every_login_counts(make_router(tls=True, port=first.port))
    with pytest.raises(RouterTlsError, match="another certificate") as refused:
        open_router(pinned)
    assert refused.value.fingerprint == second.fingerprint != first.fingerprint
    assert second.faults.fired == []


def test_an_unknown_certificate_by_ca(make_router):
    router, other = every_login_counts(make_router(tls=True)), make_router(tls=True)
    with pytest.raises(RouterTlsError, match="not trusted"):
        open_router(dataclasses.replace(router.address(tls="ca"), tls_ca=other.certificate_pem))
    assert router.faults.fired == []


def test_anonymous_towards_a_router_with_a_certificate_says_to_pin_it(make_router):
    """No fallback in either direction; what is advised fits what was tried."""
    router = every_login_counts(make_router(tls=True))
    with pytest.raises(RouterTlsError, match="handshake") as refused:
        open_router(router.address(tls="anonymous"))
    assert "pin" in (refused.value.hint or "")
    assert router.faults.fired == []


def test_anonymous_only_by_choice(make_router, wanted):
    router = make_router(tls="anonymous")
    with open_router(router.address()) as port:
        assert port.ensure_user(wanted()).outcome == "created"
    router.fingerprint = "00" * 32
    with pytest.raises(RouterTlsError, match="handshake"):
        open_router(router.address(tls="pin"))


def test_tls_towards_a_plain_port(router):
    router.fingerprint = "00" * 32
    with pytest.raises((RouterTlsError, RouterTimeout)):
        open_router(router.address(tls="pin"), deadline_s=0.5)


def test_a_handshake_that_hangs_has_the_same_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        held: list[object] = []  # an accepted socket that nobody holds would be closed
        threading.Thread(target=lambda: held.append(silent.accept()), daemon=True).start()
        with pytest.raises(RouterTimeout):
            read_fingerprint("127.0.0.1", silent.getsockname()[1], deadline_s=0.3)


def test_reading_a_fingerprint_to_pin_it(make_router):
    router = make_router(tls=True)
    assert read_fingerprint(router.host, router.port) == router.fingerprint
    router.stop()
    with pytest.raises(RouterUnreachable):
        read_fingerprint(router.host, router.port)


@pytest.mark.parametrize("spelling", ["AB" * 32, ":".join(["ab"] * 32), "sha256:" + "ab" * 32, " SHA-256=" + "aB" * 32])
def test_spellings_of_a_fingerprint(spelling):
    assert check_fingerprint(spelling) == "ab" * 32


@pytest.mark.parametrize("bad", ["", "ab" * 20, "xy" * 32])
def test_bad_fingerprints(bad):
    with pytest.raises(Invalid) as refused:
        check_fingerprint(bad)
    assert refused.value.field == "tls_pin"


def test_bad_ca_files(make_router, tmp_path):
    router = make_router(tls=True)
    for text in ("-----BEGIN CERTIFICATE-----\nnonsense", str(tmp_path / "absent.pem")):
        router.certificate_pem = text
        with pytest.raises(Invalid) as refused:
            open_router(router.address(tls="ca"))
        assert refused.value.field == "tls_ca"


def test_the_anonymous_group_is_a_safe_prime():
    prime = _ffdhe2048_prime()
    assert prime.bit_length() == 2048
    assert pow(2, prime - 1, prime) == 1
    assert pow(3, (prime - 1) // 2 - 1, (prime - 1) // 2) == 1
