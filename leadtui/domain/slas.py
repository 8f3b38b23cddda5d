"""How long a lead may stay in its status, and by how much it has stayed too long (spec AH3 `sla_hours`). Pure.

The hours are hours of the clock, not of work: a lead that waits over a weekend waits.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .catalog import Stage


def has_limit(stage: Stage) -> bool:
    """Whether leads can stay too long in it: an open status, not for later, with a number of hours."""
    return bool(stage.sla_hours) and not (stage.is_converted or stage.is_lost or stage.is_parked)


def over(stage: Stage, since: datetime, now: datetime) -> timedelta | None:
    """How much longer than allowed a lead has been in its status; None while it has not."""
    if not has_limit(stage) or stage.sla_hours is None:
        return None
    late = now - since - timedelta(hours=stage.sla_hours)
    return late if late > timedelta(0) else None
