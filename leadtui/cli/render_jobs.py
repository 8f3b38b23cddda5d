"""How the work that goes on by itself stands, as text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from leadtui.cli.output import table
from leadtui.jobs.status import ago, did_words

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.jobs.status import Status


def status_text(found: Status, view: View) -> str:
    """Who does the work, what waits, what failed."""
    parts = [_who(found)]
    if found.programs:
        rows = [
            (
                one.kind, one.user or "", f"{one.host}/{one.pid}", ", ".join(one.does) or "stands by",
                ago(one.beat_at, found.at) if one.is_alive else f"silent since {view.local(one.beat_at)}",
                did_words(one.tally.get("did") or {}),
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


def again(at: datetime | None, is_stuck: bool, view: View) -> str:
    """When something is tried again."""
    if is_stuck:
        return "given to you"
    return f"at {view.local(at)}" if at else "soon"
