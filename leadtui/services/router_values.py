"""What a person types for a router, checked into columns of its record; what is to be said of its choices. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leadtui.domain.catalog import Catalog
from leadtui.errors import Invalid
from leadtui.router.port import PLAIN_PORT, SERVICES, TLS_MODES, TLS_PORT, Secret
from leadtui.text import clean_line, fold

_TEXTS: Mapping[str, int] = {"name": 63, "host": 255, "username": 63, "tls_pin": 100, "tls_ca": 500, "branch": 255}
AREA_LIMIT = 80
"""Characters of one area."""
AREAS_MOST = 50


def columns_of(
    values: Mapping[str, str | None], row: Any | None, catalog: Catalog
) -> tuple[dict[str, Any], Secret | None]:
    """Checked columns of what was given (of everything for a new router), and the password. Raises Invalid."""
    known = {*_TEXTS, "port", "tls", "service", "password", "is_active", "areas"}
    if unknown := set(values) - known:
        raise Invalid(f"a router has no {sorted(unknown)[0]}", field=sorted(unknown)[0], hint=", ".join(sorted(known)))
    given = {key: clean_line(value or "", field=key, limit=_TEXTS.get(key, 300)) for key, value in values.items()
             if key not in {"password", "tls_ca", "areas"}}  # fmt: skip
    if "tls_ca" in values:
        given["tls_ca"] = (values["tls_ca"] or "").strip()
        if len(given["tls_ca"]) > _TEXTS["tls_ca"]:
            raise Invalid("the CA is too long", field="tls_ca", hint="name its file instead of pasting it")
    columns: dict[str, Any] = {}
    for key in ("name", "host", "username"):
        if key in given or row is None:
            columns[key] = given.get(key, "")
            if not columns[key]:
                raise Invalid(f"a router needs its {key}", field=key)
    if any(c.isspace() for c in columns.get("host", "")) or "/" in columns.get("host", ""):
        raise Invalid("this is not a host", field="host", hint="a name or address such as 10.0.0.1, without http://")
    if "service" in given or row is None:
        columns["service"] = one_of(given.get("service") or "pppoe", SERVICES, "service")
    columns |= _tls_columns(given, row)
    if "branch" in given:
        columns["branch_id"] = catalog.find_branch(given["branch"]).id if given["branch"] else None
    if "areas" in values:
        columns["areas_json"] = areas_of(values["areas"] or "") or None
    if "is_active" in given:
        columns["is_active"] = given["is_active"].lower() in {"yes", "true", "1", "on"}
    password = values.get("password")
    return columns, Secret(password) if password else None


def areas_of(text: str) -> list[str]:
    """Places divided by commas or line ends as a list, each once however it is spelled. Raises Invalid (`areas`)."""
    found: dict[str, str] = {}
    for part in re.split(r"[,;\n\r]", text):
        area = " ".join(clean_line(part, field="areas", limit=AREA_LIMIT).split())
        if area:
            found.setdefault(fold(area), area)
    if len(found) > AREAS_MOST:
        raise Invalid(f"these are {len(found)} areas", field="areas", hint=f"at most {AREAS_MOST}")
    return list(found.values())


def _tls_columns(given: Mapping[str, str], row: Any | None) -> dict[str, Any]:
    from leadtui.router.tls import check_fingerprint

    columns: dict[str, Any] = {}
    mode = one_of(given.get("tls") or (row.tls if row is not None else "plain"), TLS_MODES, "tls")
    if "tls" in given or row is None:
        columns["tls"] = mode
    if "tls_pin" in given or row is None:
        columns["tls_pin"] = check_fingerprint(given["tls_pin"]) if given.get("tls_pin") else None
    if "tls_ca" in given or row is None:
        columns["tls_ca"] = given.get("tls_ca") or None
    if mode == "pin" and not columns.get("tls_pin", row.tls_pin if row is not None else None):
        raise Invalid("pinning needs the fingerprint of the certificate", field="tls_pin",
                      hint="64 hexadecimal digits; leadtui router trust shows the one presented")  # fmt: skip
    if given.get("port"):
        if not given["port"].isdecimal() or not 0 < int(given["port"]) < 65536:
            raise Invalid(
                f"'{given['port']}' is not a port", field="port", hint="1 to 65535; usually 8728, or 8729 for TLS"
            )
        columns["port"] = int(given["port"])
    elif row is None or ("tls" in given and row.port == usual_port(row.tls)):
        columns["port"] = usual_port(mode)
    return columns


def usual_port(tls: str) -> int:
    """The port RouterOS serves its API on, without or with TLS."""
    return PLAIN_PORT if tls == "plain" else TLS_PORT


def is_moved(row: Any, changed: Mapping[str, Any]) -> bool:
    """Whether a change may lead to another box. From the usual plain port to the usual one with TLS is the same box."""
    if "port" in changed and "tls" in changed and "host" not in changed:
        return not (row.port == usual_port(row.tls) and changed["port"] == usual_port(changed["tls"]))
    return bool({"host", "port"} & changed.keys())


def tls_warning(record: Mapping[str, Any]) -> str | None:
    """What a person should know who chose this kind of connection; told once, when it is chosen."""
    if record["tls"] == "plain":
        return f"passwords travel to {record['name']} unencrypted; pinning its certificate protects them"
    if record["tls"] == "anonymous":
        return f"anonymous TLS hides what is sent, but anybody could answer as {record['name']}"
    return None


def one_of(text: str, choices: tuple[str, ...], field: str) -> str:
    """`text` in lower case when it is one of `choices`. Raises Invalid."""
    if (value := text.strip().lower()) in choices:
        return value
    raise Invalid(f"'{text}' is no {field}", field=field, hint="one of: " + ", ".join(choices))
