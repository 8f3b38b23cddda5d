"""Service areas: whether the office serves where a lead lives. One meaning for filters, scores and assignment. Pure.

An area is words as typed ("Westlands", "South B"). Cities and locations are compared by their words with A–Z lowered,
which SQLite, PostgreSQL and Python do alike (spec AH24); other letters match in the usual cases, and without accents.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leadtui.text import fold

from .keys import ascii_lower

BETWEEN_WORDS = ("-", "_", ",", ".")
"""Signs that stand between words like a blank does."""


def place_key(text: str) -> str:
    """A place as compared: A–Z in lower case, words apart by one blank. `store.lead_words.served` says it in SQL."""
    lowered = ascii_lower(text)
    for sign in BETWEEN_WORDS:
        lowered = lowered.replace(sign, " ")
    return " ".join(part for part in lowered.split(" ") if part)


def place_parts(place: str | None) -> frozenset[str]:
    """Where a lead is, as areas are compared with: the place as a whole, and what stands between its commas."""
    parts = (place or "", *(place or "").split(","))
    return frozenset(key for key in map(place_key, parts) if key)


def area_keys(areas: Iterable[str]) -> frozenset[str]:
    """What places may look like to be in one of these areas."""
    return frozenset(key for area in areas for one in _cases(area) if (key := place_key(one)))


def _cases(text: str) -> tuple[str, ...]:
    return text, text.lower(), text.upper(), text.title(), fold(text)


def office_areas(settings: Any, users: Iterable[Any]) -> frozenset[str]:
    """The keys of the areas the office serves: its setting, else those of the active users (`service_areas`)."""
    named = str(settings.get("service_areas") or "")
    if named.strip():
        return area_keys(named.split(","))
    return area_keys(area for user in users if user.is_active for area in getattr(user, "service_areas", ()) or ())


def is_in(city: str | None, location: str | None, keys: frozenset[str]) -> bool:
    """Whether a lead's city, or without one its location, is in an area of these keys."""
    return not place_parts(city or location).isdisjoint(keys)
