"""How old a lead is: from the birth date, else as it was stated (spec AG22). Pure."""

from __future__ import annotations

from datetime import date
from typing import Final

from .keys import custom_key

AGE_STATED: Final = "age_stated"
"""The custom field of an age without a birth date."""
MAX_STATED: Final = 150


def age_of(born: date | None, stated: str | None, today: date) -> int | None:
    """Whole years since birth; without a birth date the stated age, where that is a plain whole number."""
    if born is not None:
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    key = custom_key(stated or "")
    if len(key) == len(custom_key("0")) and key.isascii() and key.isdigit() and int(key) <= MAX_STATED:
        return int(key)
    return None
