"""TLS for the training router: a self-signed certificate made on the spot, or anonymous Diffie-Hellman."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import ssl
import tempfile
from fractions import Fraction
from pathlib import Path

from leadtui import clock

_VALID_DAYS = 365


def self_signed(host: str, name: str) -> tuple[str, str]:
    """A fresh key and certificate for `host` (an IP address or a name) and `localhost`: (certificate PEM, key PEM)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64] or "router")])
    alternatives: list[x509.GeneralName] = [x509.DNSName("localhost")]
    try:
        alternatives.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        alternatives.append(x509.DNSName(host))
    today = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), key_pem.decode()


def server_context(certificate_pem: str, key_pem: str) -> ssl.SSLContext:
    """A server context with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # the ssl module reads keys from files only
        file = Path(folder) / "router.pem"
        file.touch(mode=0o600)
        file.write_text(certificate_pem + key_pem)
        context.load_cert_chain(file)
    return context


def anonymous_context() -> ssl.SSLContext:
    """A server context without certificate, as RouterOS has before one is set: anonymous Diffie-Hellman, TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ADH:@SECLEVEL=0")
    with tempfile.TemporaryDirectory() as folder:  # the ssl module reads parameters from files only
        file = Path(folder) / "dh.pem"
        file.write_text(_dh_parameters_pem())
        context.load_dh_params(str(file))
    return context


def _dh_parameters_pem() -> str:
    """The group as PEM: DER of SEQUENCE { INTEGER prime, INTEGER 2 }; a leading zero keeps the prime positive."""
    prime = b"\0" + _ffdhe2048_prime().to_bytes(256, "big")
    body = b"\x02\x82" + len(prime).to_bytes(2, "big") + prime + b"\x02\x01\x02"
    text = base64.encodebytes(b"\x30\x82" + len(body).to_bytes(2, "big") + body).decode()
    return f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n"


def _ffdhe2048_prime() -> int:
    """The prime of the group ffdhe2048 by its definition in RFC 7919, appendix A.1 (e is Euler's number)."""
    e, term = Fraction(0), Fraction(1)
    for n in range(1, 400):  # 1/400! is below 2^-2800, far past the 1918 bits that are needed
        e += term
        term /= n
    return 2**2048 - 2**1984 + (int(e * 2**1918) + 560316) * 2**64 - 1
