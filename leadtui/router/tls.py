"""TLS towards a router: by certificate authority, by pinned fingerprint, or anonymous by explicit choice.

RouterOS without a certificate on `api-ssl` offers only anonymous Diffie-Hellman, which encrypts but authenticates
nobody; a self-signed certificate that is pinned does both (facts/mikrotik §b, Protocol).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl

from leadtui.errors import Invalid
from leadtui.router.line import Deadline, Line, dial
from leadtui.router.port import (
    CancelToken,
    RouterAddress,
    RouterCancelled,
    RouterFault,
    RouterTimeout,
    RouterTlsError,
)

_HINT = "check that the port is the api-ssl one and that the service has a certificate"
_HINT_ANONYMOUS = "check that the port is the api-ssl one; if the service has a certificate, pin it instead"


def fingerprint_of(certificate_der: bytes) -> str:
    """The SHA-256 of a certificate, 64 lower-case hex digits."""
    return hashlib.sha256(certificate_der).hexdigest()


def check_fingerprint(text: str) -> str:
    """A pasted fingerprint (colons, blanks, capitals, `sha256:` allowed) as 64 hex digits, or `Invalid`."""
    plain = re.sub(r"[:\s-]", "", re.sub(r"(?i)^\s*sha-?256\s*[:=/]", "", text)).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", plain):
        raise Invalid(
            "The fingerprint is not a SHA-256 of 64 hexadecimal digits.", field="tls_pin", hint="AA:BB:… or aabb…"
        )
    return plain


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _context(address: RouterAddress) -> ssl.SSLContext:
    if address.tls == "anonymous":
        context = _unverified()
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # anonymous suites do not exist in TLS 1.3
        context.set_ciphers("ADH:@SECLEVEL=0")
        return context
    if address.tls == "pin":
        return _unverified()  # the fingerprint is checked after the handshake, before anything is sent
    try:
        if address.tls_ca and "-----BEGIN" in address.tls_ca:
            return ssl.create_default_context(cadata=address.tls_ca)
        return ssl.create_default_context(cafile=address.tls_ca)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise Invalid(
            f"The CA certificates of {address.label} cannot be read.", field="tls_ca", hint="a PEM file"
        ) from error


def secure(line: Line, address: RouterAddress) -> None:
    """Start TLS on `line` as `address.tls` asks. `RouterTlsError` when it fails or the certificate is the wrong one."""
    pin = check_fingerprint(address.tls_pin or "") if address.tls == "pin" else ""
    context = _context(address)
    hint = _HINT_ANONYMOUS if address.tls == "anonymous" else _HINT
    certificate = _handshake(line, context, address.host, address.label, hint)
    if address.tls != "pin":
        return
    shown = fingerprint_of(certificate) if certificate else None
    if shown is None or not hmac.compare_digest(shown, pin):
        raise RouterTlsError(
            f"{address.label} shows another certificate than the pinned one; nothing was sent.",
            fingerprint=shown,
            hint="if the router's certificate was renewed, compare the new fingerprint and pin it",
        )


def _handshake(line: Line, context: ssl.SSLContext, host: str, label: str, hint: str = _HINT) -> bytes | None:
    try:
        return line.start_tls(context, host)
    except TimeoutError as error:
        raise RouterTimeout(f"{label} did not finish the TLS handshake in time.") from error
    except ssl.SSLCertVerificationError as error:
        raise RouterTlsError(
            f"The certificate of {label} is not trusted: {error.verify_message}.", hint="pin its fingerprint instead"
        ) from error
    except (OSError, ValueError) as error:
        raise RouterTlsError(f"No TLS connection to {label}: the handshake failed.", hint=hint) from error


def read_fingerprint(host: str, port: int, *, deadline_s: float = 5.0, cancel: CancelToken | None = None) -> str:
    """The SHA-256 of the certificate that `host:port` presents. Nothing is trusted and nothing else is sent."""
    token = cancel or CancelToken()
    label = f"{host}:{port}"
    line = dial(host, port, Deadline(deadline_s), token, label)
    try:
        certificate = _handshake(line, _unverified(), host, label)
    except RouterFault as fault:
        if token.cancelled:
            raise RouterCancelled(f"Connecting to {label} was cancelled.") from fault
        raise
    finally:
        line.close()
    if certificate is None:
        raise RouterTlsError(f"{label} showed no certificate.", hint="the router's api-ssl service needs a certificate")
    return fingerprint_of(certificate)
