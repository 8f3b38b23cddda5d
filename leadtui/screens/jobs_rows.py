"""What the Jobs screen shows: who does the work, what waits, and each thing that failed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.sheet_lines import Line, Row, Span, stack, text
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.jobs.status import Failure, Status
    from leadtui.services.workers import Program

COLUMNS: Final = (
    Column("id", "Id", 10, min_width=8),
    Column("what", "What", 26, min_width=14, grow=2),
    Column("tried", "Tried", 5, align="right", drop=1),
    Column("again", "Again", 12, min_width=9),
    Column("why", "Why", 20, min_width=10, grow=3),
)

MOST: Final = 6
"""So many programs are named; an office with more sees how many there are."""


def cell(one: Failure, key: str, tz: ZoneInfo) -> Cell:
    """A cell of the list of what failed."""
    match key:
        case "id":
            return (one.id, "strong") if one.id else ("–", "muted")
        case "what":
            return one_line(one.what)
        case "tried":
            return f"{one.attempts}×"
        case "again":
            return again(one, tz)
        case _:
            return one_line(one.error), "error"


def again(one: Failure, tz: ZoneInfo) -> Cell:
    """When it is tried again; what a person must decide is marked by a word, not by colour alone."""
    if one.is_stuck:
        return "! your turn", "warning"
    if one.retry_at is None:
        return "soon", "muted"
    return f"{one.retry_at.astimezone(tz):%H:%M:%S}", "muted"


def heading(found: Status) -> str:
    """The right side of the first row."""
    failed = f"{found.failed:,} failed" if found.failed else "nothing failed"
    return f"{failed} · {_tick(found)}" if found.at_work else f"{failed} · nobody works"


def _tick(found: Status) -> str:
    from leadtui.jobs.status import ago

    return f"last tick {ago(found.ticked_at, found.at)}" if found.ticked_at else "no tick yet"


def who(found: Status, width: int) -> list[Row]:
    """Who does the work, what the others do, and what waits."""
    lines = [Line(rule="Who does it", right=text(_rule(found)))]
    if found.at_work is None:
        lines.append(Line(left=text(("✗ nobody does the work now", "error"), _remedy(found))))
    for one in found.programs[:MOST]:
        lines += _program(one, found)
    if (more := len(found.programs) - MOST) > 0:
        lines.append(Line(left=text((f"and {more:,} more", "muted"))))
    lines.append(Line(rule="What waits"))
    words = [f"{one.count:,} {one.words}" for one in found.queue if one.count]
    lines.append(Line(left=text(" · ".join(words) if words else ("nothing: all that was due is done", "muted"))))
    return stack(lines, width)


def _rule(found: Status) -> str:
    return "only workers may" if found.scheduler == "worker-only" else "workers first, then open screens"


def _remedy(found: Status) -> Span:
    if found.scheduler == "worker-only":
        return "; start: leadtui worker", "muted"
    return "; an open screen takes over within seconds", "muted"


def _program(one: Program, found: Status) -> list[Line]:
    from leadtui.jobs.status import ago, did_words

    seen = f"seen {ago(one.beat_at, found.at)}"
    if not one.is_alive:
        mark, does, style = "✗", "gives no sign of life", "error"
    elif one.does:
        mark, does, style = "●", ", ".join(one.does), "success"
    else:
        mark, does, style = "○", "stands by", "muted"
    name = one_line(f"{one.kind} of {one.user or '?'} on {one.host}/{one.pid}")
    lines = [Line(left=text((f"{mark} ", style), name, (f"  {does}", style)), right=text((seen, "muted")))]
    did: dict[str, Any] = dict(one.tally.get("did") or {})
    if one.does and (words := did_words(did)):
        lines.append(Line(left=text((f"    did last: {words}", "muted"))))
    return lines
