"""How the work that goes on by itself stands, as text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from leadtui.cli.output import table

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.jobs.status import Status
    from leadtui.services.workers import Program


def status_text(found: Status, view: View) -> str:
    """Who does the work, what waits, what failed."""
    parts = [_who(found)]
    if found.programs:
        rows = [
            (
                one.kind, one.user or "", f"{one.host}/{one.pid}", ", ".join(one.does) or "stands by",
                ago(one.beat_at, found.at) if one.is_alive else f"silent since {view.local(one.beat_at)}", last(one),
            )
            for one in found.programs
        ]  # fmt: skip
        parts.append(table(("program", "user", "where", "does", "seen", "did last"), rows))
    parts.append("waiting: " + ", ".join(f"{one.count:,} {one.words}" for one in found.queue))
    if found.failures:
        failed = [
            (one.id or "–", one.what, f"{one.attempts}×", again(one.retry_at, one.is_stuck, view), one.error)
            for one in found.failures
        ]
        parts.append(f"{found.failed:,} failed; try again with: leadtui worker retry ID|all")
        parts.append(table(("id", "what", "tried", "again", "why"), failed))
    elif found.may_act:
        parts.append("nothing failed")
    return "\n".join(parts)


def _who(found: Status) -> str:
    rule = "; only workers may work (setting scheduler)" if found.scheduler == "worker-only" else ""
    one = found.at_work
    if one is None:
        return f"nobody does the work now{rule}; open the screens, or start: leadtui worker"
    when = f", last tick {ago(found.ticked_at, found.at)}" if found.ticked_at else ""
    return f"a {one.kind} does the work: {one.host}/{one.pid}{when}{rule}"


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max(0, round((now - at).total_seconds()))
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name} ago"
    return f"{seconds} s ago"


def again(at: datetime | None, is_stuck: bool, view: View) -> str:
    """When something is tried again."""
    if is_stuck:
        return "given to you"
    return f"at {view.local(at)}" if at else "soon"


def last(one: Program) -> str:
    """What a program did last, in words."""
    from leadtui.jobs.routine import WORDS

    did = one.tally.get("did") or {}
    parts = [f"{did[name]:,} {words}" for name, words in WORDS.items() if did.get(name)]
    if did.get("errors"):
        parts.append(f"{did['errors']:,} not done")
    return ", ".join(parts)
