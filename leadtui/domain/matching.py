"""Which of the office's products a lead may like (spec §Q `property_alert`, §S `send_matching_properties`). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from leadtui.text import fold

from .catalog import Product

MOST: Final = 5
_OVER: Final = 1.1
"""What costs a tenth more than the budget is still shown: budgets move."""


def fitting(products: Iterable[Product], *, budget_minor: int | None, wanted: str | None) -> tuple[Product, ...]:
    """Those that fit a budget and what is wanted ("villa"), the nearest to the budget first, at most MOST.

    Nothing for a lead of whom neither is known: a list of everything is no match.
    """
    word = fold(wanted or "").strip()
    if budget_minor is None and not word:
        return ()
    found = [one for one in products if one.is_active and _fits(one, budget_minor, word)]
    found.sort(key=lambda one: (abs((one.price_minor or 0) - (budget_minor or 0)), fold(one.name)))
    return tuple(found[:MOST])


def _fits(one: Product, budget_minor: int | None, word: str) -> bool:
    if one.price_minor is None or (budget_minor is not None and one.price_minor > budget_minor * _OVER):
        return False
    return not word or word in fold(one.name) or word == fold(one.kind)
