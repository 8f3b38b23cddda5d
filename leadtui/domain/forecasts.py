"""What open leads are likely to bring, and how true the likelihoods have proved: the arithmetic. Pure.

A forecast weighs what stands in a status by the status' probability. A back-test asks of each status what share of
those that ever came into it became customers, with the interval in which the true share lies (Wilson), and which of two
predictions came nearer to what happened (Brier: the mean squared distance, 0 is perfect, 0.25 is a coin).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final

Z: Final = 1.959964
"""Of a two-sided interval that holds the truth 95 times in 100."""


def wilson(hits: int, cases: int) -> tuple[float, float]:
    """The Wilson interval of a share, both ends within 0 and 1; everything where there are no cases."""
    if cases <= 0:
        return 0.0, 1.0
    share, zz = hits / cases, Z * Z
    middle = share + zz / (2 * cases)
    reach = Z * sqrt(share * (1 - share) / cases + zz / (4 * cases * cases))
    below = 1 + zz / cases
    low = 0.0 if hits == 0 else max(0.0, (middle - reach) / below)
    high = 1.0 if hits == cases else min(1.0, (middle + reach) / below)
    return low, high


def brier(judged: Sequence[tuple[int, int, float]]) -> float | None:
    """The Brier score of predictions: each is (hits, cases, predicted probability); None without cases."""
    cases = sum(n for _, n, _ in judged)
    if not cases:
        return None
    return sum(k * (1 - p) ** 2 + (n - k) * p**2 for k, n, p in judged) / cases


def median(values: Sequence[int]) -> float | None:
    """The middle of sorted values, the mean of the middle two where they are even in number; None of nothing."""
    if not values:
        return None
    half, odd = divmod(len(values), 2)
    return float(values[half]) if odd else (values[half - 1] + values[half]) / 2
