"""What a person should know of a rehearsal before trusting it, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from leadtui.domain.lift import FEW, Share

_MANY = 5


def notes_of(
    everybody: Share, left_out: Mapping[str, int], candidates: int, *, look_ahead_days: int | None = None
) -> tuple[str, ...]:
    """What is uncertain; `look_ahead_days` where leads were looked at some days after they came."""
    found: list[str] = []
    others = everybody.n - everybody.hits
    if not everybody.n:
        found.append("There is no lead of that time to rehearse on.")
    elif not everybody.hits:
        found.append(f"None of the {everybody.n:,} leads converted: nothing tells good leads from others.")
    elif not others:
        found.append(f"All {everybody.n:,} leads converted: nothing tells good leads from others.")
    elif min(everybody.hits, others) < FEW:
        scarce = f"{everybody.hits:,} converted" if everybody.hits < others else f"{others:,} did not convert"
        found.append(f"Only {scarce} of {everybody.n:,} leads: take the figures as a hint.")
    if everybody.n and look_ahead_days is not None:
        when = "in the moment it came" if not look_ahead_days else f"{look_ahead_days} days after it came"
        found.append(f"Each lead is seen as it stood {when}, or just before it was decided if that was earlier.")
    for reason, count in sorted(left_out.items(), key=lambda one: -one[1]):
        found.append(f"{count:,} {'lead is' if count == 1 else 'leads are'} left out: {reason}.")
    if candidates > _MANY and everybody.hits and others:
        found.append(f"Of {candidates} candidates some look better or worse by chance alone: one in twenty.")
    return tuple(found)
