"""TLS: pinned, by CA, anonymous by choice; wrong certificates stop everything before a word is sent."""

from __future__ import annotations

import socket
import threading

import pytest

from leadtui.errors import Invalid
from leadtui.router import open_router, read_fingerprint
from leadtui.router.port import RouterTimeout, RouterTlsError, RouterUnreachable
from leadtui.router.simulator.certificate import _ffdhe2048_prime
from leadtui.router.tls import check_fingerprint


@pytest.mark.parametrize("mode", ["pin", "ca"])
def test_the_right_certificate(make_router, wanted, mode):
    router = make_router(tls=True)
    with open_router(router.address(tls=mode)) as port:
        assert port.ensure_user(wanted()).outcome == "created"


def test_a_ca_file(make_router, tmp_path):
    router = make_router(tls=True)
    file = tmp_path / "ca.pem"
    file.write_text(router.certificate_pem)
    address = router.address(tls="ca")
    with open_router(
        type(address)(**{**{n: getattr(address, n) for n in address.__slots__}, "tls_ca": str(file)})
    ) as p:
        assert p.probe().identity


def test_the_wrong_pin_sends_nothing_and_shows_the_fingerprint(make_router):
    router, other = make_router(tls=True), make_router(tls=True)
    router.fingerprint, right = other.fingerprint, router.fingerprint
    with pytest.raises(RouterTlsError, match="another certificate") as refused:
        open_router(router.address())
    assert refused.value.fingerprint == right
    assert router.faults.fired == []


def test_an_unknown_certificate_by_ca(make_router):
    router, other = make_router(tls=True), make_router(tls=True)
    router.certificate_pem = other.certificate_pem
    with pytest.raises(RouterTlsError, match="not trusted"):
        open_router(router.address(tls="ca"))


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
