"""How values of leads are compared that are not compared as they stand: identity papers, custom fields. Pure."""

from __future__ import annotations

from leadtui.text import fold


def squeeze(text: str) -> str:
    """An identity paper's number as compared: folded, only letters and digits (spec AJ23)."""
    return "".join(c for c in fold(text) if c.isalnum())


def custom_key(value: str) -> str:
    """A custom value as compared: folded; a plain number padded, so that text order is the order of numbers."""
    folded = fold(value).strip()
    whole, _, fraction = folded.partition(".")
    if whole.isascii() and whole.isdigit() and (not fraction or (fraction.isascii() and fraction.isdigit())):
        return f"{int(whole):020d}" + (f".{fraction.rstrip('0')}" if fraction.rstrip("0") else "")
    return folded


def ascii_lower(value: str) -> str:
    """A–Z lowered and nothing else: what both databases do alike (spec AH24)."""
    return "".join(c.lower() if c.isascii() else c for c in value)
