"""What a lead is worth, and what that is worth given how likely it is to convert (spec AJ30). Pure, in minor units."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def value_minor(installation: int | None, monthly: int | None, budget: int | None) -> int | None:
    """The agreed installation fee and twelve monthly fees where one of them is agreed, else the budget, else None.

    In SQL the same rule stands in `store.tally_sql.expressions`, where nothing counts as 0.
    """  # fmt: skip
    if installation is None and monthly is None:
        return budget
    return (installation or 0) + 12 * (monthly or 0)


def weighted_minor(value: int, probability: float) -> int:
    """A value times the probability of its status, halves rounded up; 0.1 is what is written, not its float."""
    return int((value * Decimal(str(probability))).quantize(Decimal(1), ROUND_HALF_UP))
