"""Dates as strangers' tables write them (12/05/2026, 3-Nov-26, a spreadsheet's day number), made ISO for the parser."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

_NUMERIC = re.compile(r"(\d{1,2})([/.\-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T,]+(.*))?")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?:[ T]+(.*))?")
_NAMED = re.compile(
    r"(?:[a-z]{3,9},? )?(?:(\d{1,2})(?:st|nd|rd|th)?[ \-./]+([a-z]{3,9})\.?|([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?)"
    r"[ ,\-./]+(\d{4}|\d{2})(?:[ T,]+(.*))?",
    re.IGNORECASE,
)
_SERIAL = re.compile(r"[2-6]\d{4}(?:\.\d+)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH = date(1899, 12, 30)  # day 0 of spreadsheets


def day_first(texts: Iterable[str], *, country: str) -> tuple[bool, bool]:
    """Whether a column writes the day before the month, and whether that is a guess.

    One date that can only be read one way decides for the column; the office's country decides where none does.
    """
    guess, numeric = country.upper() != "US", False
    for text in texts:
        found = _NUMERIC.fullmatch(text.strip())
        if found:
            first, second = int(found[1]), int(found[3])
            if first > 12 >= second:
                return True, False
            if second > 12 >= first:
                return False, False
            numeric = numeric or first != second
    return guess, numeric


def to_iso(text: str, *, day_is_first: bool, born: bool = False) -> str:
    """`text` as `YYYY-MM-DD[ time]` where it is one of the known spellings, else as it is: the parser judges it.

    `born`: a two-digit year that would lie ahead is of the last century.
    """
    stripped = " ".join(text.split())
    if found := _NUMERIC.fullmatch(stripped):
        day, month = (found[1], found[3]) if day_is_first else (found[3], found[1])
        return _iso(found[4], month, day, found[5], born=born)
    if found := _YEAR_FIRST.fullmatch(stripped):
        return _iso(found[1], found[2], found[3], found[4])
    if found := _NAMED.fullmatch(stripped):
        name = (found[2] or found[3])[:3].casefold()
        if name in _MONTHS:
            return _iso(found[5], str(_MONTHS.index(name) + 1), found[1] or found[4], found[6], born=born)
    if _SERIAL.fullmatch(stripped):
        return (_EPOCH + timedelta(days=int(float(stripped)))).isoformat()
    return text


def _iso(year: str, month: str, day: str, rest: str | None, *, born: bool = False) -> str:
    if len(year) == 2:
        full = 2000 + int(year)
        year = str(full - 100 if full > (date.today().year if born else 2069) else full)  # noqa: DTZ011 - the century
    iso = f"{year}-{int(month):02d}-{int(day):02d}"
    return f"{iso} {rest}" if rest and rest.strip(" 0:.") else iso
