"""What open leads are likely to bring, and how true the likelihoods have proved: the arithmetic. Pure.

A forecast weighs what stands in a status by the status' probability. A back-test asks of each status what share of
those that ever came into it became customers, with the interval in which the true share lies (Wilson), and which of two
predictions came nearer to what happened (Brier: the mean squared distance, 0 is perfect, 0.25 is a coin).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Any, Final

from .dates import iso_z
from .money import to_json

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


@dataclass(frozen=True, slots=True)
class Standing:
    """Open leads of one status with one user and from one source: how many, and their sums in minor units."""

    stage_id: int
    user_id: int
    source_id: int
    n: int
    value_minor: int
    installation_minor: int
    monthly_minor: int


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """A status, with what its leads are likely to bring. Money is None where the role does not see it.

    `customers` is how many of them are likely to convert; installation and monthly fees are the expected ones, apart
    (spec AJ30). `filter` finds exactly these leads.
    """

    pipeline: str
    status: str
    mark: str
    count: int
    probability: float
    customers: float
    value_minor: int | None
    weighted_minor: int | None
    installation_minor: int | None
    monthly_minor: int | None
    filter: str


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """The same of a user or a source; `login` of a user. `filter` finds these leads."""

    name: str
    login: str | None
    count: int
    customers: float
    value_minor: int | None
    weighted_minor: int | None
    filter: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What open leads are likely to bring. `filter` finds all of them."""

    currency: str
    rows: tuple[ForecastRow, ...]
    users: tuple[ForecastLine, ...]
    sources: tuple[ForecastLine, ...]
    filter: str
    asked_at: datetime

    @property
    def count(self) -> int:
        """Open leads."""
        return sum(one.count for one in self.rows)

    @property
    def customers(self) -> float:
        """Likely to convert."""
        return sum(one.customers for one in self.rows)

    @property
    def value_minor(self) -> int | None:
        """What all of them would bring."""
        return _all(one.value_minor for one in self.rows)

    @property
    def weighted_minor(self) -> int | None:
        """What they are likely to bring: the sum of the rows, as rounded there."""
        return _all(one.weighted_minor for one in self.rows)

    @property
    def installation_minor(self) -> int | None:
        """Installation fees likely to come in."""
        return _all(one.installation_minor for one in self.rows)

    @property
    def monthly_minor(self) -> int | None:
        """Monthly fees likely to come in each month."""
        return _all(one.monthly_minor for one in self.rows)

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it: money as decimal strings of major units, customers with two decimals."""
        return {
            "currency": self.currency, "open_leads": self.count, "expected_customers": round(self.customers, 2),
            "value": self._money(self.value_minor), "weighted": self._money(self.weighted_minor),
            "expected_installation": self._money(self.installation_minor),
            "expected_monthly": self._money(self.monthly_minor), "filter": self.filter,
            "asked_at": iso_z(self.asked_at),
            "statuses": [
                {"pipeline": one.pipeline, "status": one.status, "count": one.count, "probability": one.probability,
                 "expected_customers": round(one.customers, 2), "value": self._money(one.value_minor),
                 "weighted": self._money(one.weighted_minor),
                 "expected_installation": self._money(one.installation_minor),
                 "expected_monthly": self._money(one.monthly_minor), "filter": one.filter}
                for one in self.rows
            ],
            "by_user": [{"user_name": one.name, "login": one.login} | self._line(one) for one in self.users],
            "by_source": [{"source_name": one.name} | self._line(one) for one in self.sources],
        }  # fmt: skip

    def _line(self, one: ForecastLine) -> dict[str, Any]:
        return {
            "count": one.count, "expected_customers": round(one.customers, 2), "value": self._money(one.value_minor),
            "weighted": self._money(one.weighted_minor), "filter": one.filter,
        }  # fmt: skip

    def _money(self, minor: int | None) -> str | None:
        return to_json(minor, self.currency)


def _all(values: Iterable[int | None]) -> int | None:
    """The sum; None where one of them must not be seen."""
    known = list(values)
    return None if any(one is None for one in known) else sum(one or 0 for one in known)
