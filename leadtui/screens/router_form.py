"""The fields of a router's form, and which of them a choice of encryption needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from leadtui.widgets.form import FieldSpec, FieldState

TLS_CHOICES: Final = (
    ("plain", "none: passwords travel in clear"),
    ("pin", "only the certificate pinned below"),
    ("ca", "a certificate signed by a known CA"),
    ("anonymous", "encrypted, but anybody could answer"),
)
NEW: Final[Mapping[str, str]] = {"service": "pppoe", "tls": "plain"}
"""What a new router begins with."""


def specs(branches: Sequence[str], *, new: bool) -> tuple[FieldSpec, ...]:
    """The fields; `branches` may be chosen."""
    services = (("pppoe", "PPPoE"), ("hotspot", "Hotspot"))
    keep = "" if new else "empty keeps the one stored"
    found = [
        FieldSpec("name", "Name", required=True, max_length=63),
        FieldSpec("host", "Address", required=True, max_length=255, placeholder="10.0.0.1 or a name"),
        FieldSpec("username", "Account", required=True, max_length=63, help="its group needs api, read and write"),
        FieldSpec("password", "Password", "password", required=new, placeholder=keep),
        FieldSpec("service", "Service", "choice", choices=services),
        FieldSpec("tls", "Encryption", "choice", choices=TLS_CHOICES),
        FieldSpec("tls_pin", "Pinned certificate", max_length=100, placeholder="SHA-256; P shows the one presented"),
        FieldSpec("tls_ca", "CA file", max_length=500, placeholder="a PEM file; empty: the system's CAs"),
        FieldSpec("port", "Port", max_length=5, placeholder="8728, or 8729 encrypted"),
        FieldSpec("areas", "Serves", max_length=4000, placeholder="Westlands, Parklands",
                  help="places, as they are named in addresses of leads"),
    ]  # fmt: skip
    if branches:
        found.append(FieldSpec("branch", "Branch", "choice", choices=tuple((name, name) for name in branches)))
    if not new:
        found.append(FieldSpec("is_active", "In use", "bool", help="offered for new users"))
    return tuple(found)


def rules(values: Mapping[str, str]) -> dict[str, FieldState]:
    """A pin or a CA is asked for only where it is used."""
    return {
        "tls_pin": FieldState(required=False, visible=values.get("tls") == "pin"),
        "tls_ca": FieldState(required=False, visible=values.get("tls") == "ca"),
    }


def values_of(router: Mapping[str, Any], fields: Sequence[FieldSpec]) -> dict[str, str]:
    """A record as the texts of the form."""
    return {spec.key: _as_text(router.get(spec.key)) for spec in fields if spec.key != "password"}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)
