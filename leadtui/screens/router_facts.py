"""Everything known of one router as lines of a sheet, what is wrong with it first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from leadtui.screens.router_cells import RouterDict, ago, audit_words, state
from leadtui.widgets.sheet_lines import Line, Row, Span, beside, stack, text, wrapped
from leadtui.widgets.text import one_line

_LABEL: Final = 12
"""Cells of the words before a fact."""
_BAR: Final = 10
_TWO_COLUMNS: Final = 130
_TLS: Final = {
    "plain": "not encrypted: passwords travel in clear",
    "ca": "TLS, a certificate signed by a known authority",
    "pin": "TLS, only the pinned certificate",
    "anonymous": "TLS without a certificate: anybody could answer",
}
_SERVICES: Final = {"pppoe": "PPPoE", "hotspot": "Hotspot"}


def facts(row: RouterDict, width: int, asked: str = "") -> list[Row]:
    """The sheet of a router in this width."""
    words, style = _pair(state(row, asked))
    heading = words if not row["last_error"] or asked else "✗ error"
    lines = [Line(rule=str(row["name"]), right=text((heading, style)))]
    if row["last_error"]:
        said = row["last_error"] + (f" (answered {ago(row['last_ok_at'])})" if row["last_ok_at"] else "")
        lines += _fact("error", said, width, "error")
    rows = stack([*lines, *_load(row, width)], width) + _pools(row, width)
    lines = _box(row, width) + _tls(row, width)
    areas = ", ".join(row["areas"])
    serves = "; ".join(one for one in (areas, f"branch {row['branch']}" if row["branch"] else "") if one)
    lines += _fact("serves", serves or "no places named", width, "" if serves else "muted")
    return rows + stack([*lines, *_ours(row, width)], width)


def _pair(cell: Any) -> Span:
    return cell if isinstance(cell, tuple) else (cell, "")


def _fact(label: str, words: str, width: int, style: str = "") -> list[Line]:
    """A label and words, on as many lines as the words need."""
    said = wrapped(one_line(words), width - _LABEL - 1)
    return [
        Line(text(((label if index == 0 else "").ljust(_LABEL), "muted"), (part, style)))
        for index, part in enumerate(said)
    ]


def _load(row: RouterDict, width: int) -> list[Line]:
    load = row.get("load")
    if load is None:
        return _fact("load", "not asked yet: c asks", width, "muted")
    parts = []
    if load.sessions is not None:
        parts.append(f"{load.sessions:,} online")
    if load.free is not None and load.total_addresses is not None:
        parts.append(f"{load.free:,} of {load.total_addresses:,} addresses free")
    if load.cpu_percent is not None:
        parts.append(f"CPU {load.cpu_percent}%")
    if load.uptime:
        parts.append(f"up {load.uptime}")
    lines: list[Line] = []
    if load.answered_at is not None:
        age = f"{ago(load.answered_at)}{', old' if load.is_stale else ''}"
        lines = _fact("load", f"{age}: {' · '.join(parts)}", width, "warning" if load.is_stale else "")
    if load.error and load.error != row["last_error"]:
        lines += _fact("" if lines else "load", f"{ago(load.asked_at)}: {load.error}", width, "error")
    return lines


def _box(row: RouterDict, width: int) -> list[Line]:
    if row["identity"] is None:
        return _fact("is", "not known yet: t asks", width, "muted")
    version = f"RouterOS {row['version']}" if row["version"] else ""
    parts = [f"“{row['identity']}”", version, str(row["board"] or "")]
    return _fact("is", " · ".join(part for part in parts if part), width)


def _tls(row: RouterDict, width: int) -> list[Line]:
    where = f"{row['host']}:{row['port']} as {row['username']} · {_SERVICES.get(row['service'], row['service'])}"
    style = "warning" if row["tls"] in {"plain", "anonymous"} else ""
    lines = _fact("address", where, width) + _fact("encryption", _TLS.get(str(row["tls"]), "?"), width, style)
    if row["tls_pin"]:
        lines += _fact("pin", row["tls_pin"], width)
    if row["tls_ca"]:
        lines += _fact("CA", row["tls_ca"], width)
    return lines


def _ours(row: RouterDict, width: int) -> list[Line]:
    count, left = row["users"], row["open_jobs"]
    words = f"{count:,} of ours" + (f" · {left} left open: p settles" if left else "")
    lines = _fact("users", words, width, "warning" if left else "")
    if (last := row.get("audit")) is not None:
        said, style = _pair(audit_words(last, whole=True))
        lines += _fact("audit", f"{said}{': ' + last.error if last.error else ''}", width, style)
    return lines


def _pools(row: RouterDict, width: int) -> list[Row]:
    load = row.get("load")
    if load is None or not load.pools:
        return []
    if width < _TWO_COLUMNS:
        return stack([_pool(pool, width) for pool in load.pools], width)
    half = (len(load.pools) + 1) // 2
    left, right = (_column(part, width // 2 - 1) for part in (load.pools[:half], load.pools[half:]))
    return beside(left, right, width)


def _column(pools: Sequence[Any], width: int) -> list[Line]:
    return [_pool(pool, width) for pool in pools]


def _pool(pool: Any, width: int) -> Line:
    """`pool  ▇▇▇▁▁▁▁▁▁▁ 61 of 254 used  pppoe-wl`."""
    label = ("pool".ljust(_LABEL), "muted")
    name = one_line(pool.name) + (f", then {one_line(pool.next)}" if pool.next else "")
    if pool.used is None or not pool.total:
        count = f"{pool.total:,} address{'' if pool.total == 1 else 'es'}  "
        return Line(text(label, count, (name, "strong")))
    full = min(max(round(pool.used / pool.total * _BAR), 1 if pool.used else 0), _BAR)
    style = "warning" if (pool.total - pool.used) * 20 < pool.total else "accent"
    figures = f" {pool.used:,} of {pool.total:,} used  "
    return Line(text(label, ("▇" * full, style), ("▁" * (_BAR - full), "muted"), figures, (name, "strong")))
