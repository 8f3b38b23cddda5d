"""What the list of routers shows: a router with its load and its last audit, as columns and cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from leadtui import clock
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.text import one_line

RouterDict = Mapping[str, Any]
"""A record of `services.routers`, with `load` (a Capacity or None) and `audit` (a LastAudit or None)."""

COLUMNS: Final = (
    Column("name", "Router", 14, min_width=9, grow=2),
    Column("state", "State", 20, min_width=13, grow=3),
    Column("users", "Users", 5, align="right", drop=4),
    Column("sessions", "Online", 6, align="right", drop=3),
    Column("free", "Free", 11, min_width=9, align="right", drop=1),
    Column("cpu", "CPU", 4, align="right", drop=5),
    Column("age", "Age", 6, align="right", drop=2),
    Column("open_jobs", "Open", 4, align="right"),
    Column("audit", "Last audit", 13, min_width=11, drop=6),
    Column("version", "Version", 7, drop=7),
    Column("identity", "Says it is", 12, min_width=8, grow=1, drop=8),
)
NONE: Final = ("–", "muted")


def state(row: RouterDict, asked: str = "") -> Cell:
    """A mark and a word: never colour alone. `asked` is what is being asked of it now."""
    if asked:
        return f"… {asked}", "accent"
    if not row["is_active"]:
        return "○ not in use", "muted"
    if row["last_error"]:
        return f"✗ error: {one_line(row['last_error'])}", "error"
    if row["last_ok_at"] is None:
        return "· never asked", "muted"
    return f"✓ ok, {short_age(row['last_ok_at'])}", "success"


def cell(row: RouterDict, key: str, asked: str = "") -> Cell:
    """A cell of the list."""
    load = row.get("load")
    match key:
        case "state":
            return state(row, asked)
        case "open_jobs":
            return (str(row["open_jobs"]), "warning") if row["open_jobs"] else NONE
        case "sessions":
            return _figure(row, None if load is None else load.sessions, "")
        case "cpu":
            return _figure(row, None if load is None else load.cpu_percent, "%")
        case "free":
            return _free(row, load)
        case "age":
            return _age(load)
        case "audit":
            return audit_words(row.get("audit"))
        case "version":
            return _plain(row, one_line(row["version"] or "–").split(" ")[0])
    value = row.get(key)
    return _plain(row, one_line("–" if value is None else value))


def _plain(row: RouterDict, words: str) -> Cell:
    return words if row["is_active"] else (words, "muted")


def _figure(row: RouterDict, value: int | None, unit: str) -> Cell:
    return NONE if value is None else _plain(row, f"{value:,}{unit}")


def _free(row: RouterDict, load: Any) -> Cell:
    if load is None or load.free is None or load.total_addresses is None:
        return NONE
    words = f"{short_count(load.free)}/{short_count(load.total_addresses)}"  # whole at 80 columns too: 716/759
    return (words, "warning") if load.free * 20 < load.total_addresses else _plain(row, words)


def _age(load: Any) -> Cell:
    if load is None or load.answered_at is None:
        return NONE
    words = short_age(load.answered_at)
    return (words, "warning") if load.is_stale else (words, "muted")


def short_count(number: int) -> str:
    """A number of addresses in at most five cells: 254, 9,999, 65k, 4.2M."""
    if number < 10_000:
        return f"{number:,}"
    return f"{number // 1000}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def audit_words(last: Any, *, whole: bool = False) -> Cell:
    """How the last audit ended, and when; `whole` as in a sentence."""
    if last is None:
        return NONE
    words, style = (
        ("failed", "error")
        if last.error
        else (f"{last.found} found", "warning")
        if last.found
        else ("clean", "success")
    )
    return f"{words}, {ago(last.at)}" if whole else f"{words} {short_age(last.at)}", style


def _minutes(at: datetime) -> int:
    return max(int((clock.now() - at).total_seconds() // 60), 0)


def short_age(at: datetime) -> str:
    """An age in six cells: now, 12 min, 5 h, 3 d."""
    minutes = _minutes(at)
    if minutes < 120:
        return f"{minutes} min" if minutes else "now"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def ago(at: datetime) -> str:
    """The same in a sentence."""
    age = short_age(at)
    return "just now" if age == "now" else f"{age} ago"
