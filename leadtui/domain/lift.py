"""How well a score, a rule or a list of rules tells who becomes a customer: lift, AUC, certainty. Pure, no database.

Leads are given as counts, not one by one: `Counts` says of each score how many leads had it and how many of them
became customers, so that a hundred thousand leads are a hundred numbers. Rates are shares from 0 to 1, None where
nothing can be said.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

Z: Final = 1.959964
"""Of a 95 % interval."""
TOP: Final = 0.2
"""The best part by score that lift is measured on: a fifth."""
FEW: Final = 30
"""Of fewer leads nothing is said with certainty."""
EDGES: Final[tuple[int, ...]] = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90)
"""Where the bands of the gain table begin."""

Counts = Mapping[float, tuple[int, int]]
"""score → (how many leads, how many of them converted)."""
Pairs = Mapping[tuple[float, float, bool], int]
"""(score before, score after, converted) → how many leads."""


def counted(pairs: Iterable[tuple[float, bool]]) -> dict[float, tuple[int, int]]:
    """(score, converted) of leads as `Counts`."""
    found: dict[float, tuple[int, int]] = {}
    for score, converted in pairs:
        n, hits = found.get(score, (0, 0))
        found[score] = n + 1, hits + converted
    return found


@dataclass(frozen=True, slots=True)
class Share:
    """Of `n` leads `hits` became customers."""

    n: int = 0
    hits: int = 0

    @property
    def rate(self) -> float | None:
        """The share; None of nobody."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies with 95 % (Wilson's score interval: right for few cases and for 0 and 100 %)."""
        return wilson(self.hits, self.n)

    def __add__(self, other: Share) -> Share:
        return Share(self.n + other.n, self.hits + other.hits)

    def __sub__(self, other: Share) -> Share:
        return Share(self.n - other.n, self.hits - other.hits)

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it, rates in percent."""
        low, high = self.interval or (None, None)
        return {
            "n": self.n, "converted": self.hits, "rate": percent(self.rate), "low": percent(low), "high": percent(high),
        }  # fmt: skip


def percent(share: float | None) -> float | None:
    """A share in percent with one decimal, as all rates of the program are given."""
    return None if share is None else round(100 * share, 1)


def wilson(hits: int, n: int, z: float = Z) -> tuple[float, float] | None:
    """Wilson's score interval of a share of `n`; None when `n` is 0."""
    if n <= 0:
        return None
    share, square = hits / n, z * z / n
    middle = share + square / 2
    reach = z * sqrt(share * (1 - share) / n + square / (4 * n))
    low, high = (middle - reach) / (1 + square), (middle + reach) / (1 + square)
    # The ends are exact in mathematics and a hair off in floating point.
    return (0.0 if hits == 0 else max(0.0, low)), (1.0 if hits == n else min(1.0, high))


def total(counts: Counts) -> Share:
    """All of them."""
    return Share(sum(n for n, _ in counts.values()), sum(hits for _, hits in counts.values()))


def ratio(part: float | None, whole: float | None) -> float | None:
    """Lift: how many times as good as all of them; None where that says nothing."""
    return None if part is None or not whole else part / whole


def auc(counts: Counts) -> float | None:
    """How often a converted lead has the higher score than one that is not, of all such pairs; ties count half.

    0.5: the score says nothing. None where all or none converted.
    """
    everybody = total(counts)
    lost = everybody.n - everybody.hits
    if not everybody.hits or not lost:
        return None
    below = 0
    twice = 0  # twice the pairs won, so that ties stay whole numbers
    for score in sorted(counts):
        n, hits = counts[score]
        others = n - hits
        twice += hits * (2 * below + others)
        below += others
    return twice / (2 * everybody.hits * lost)


def top(counts: Counts, share: float = TOP) -> float | None:
    """The conversion rate of the best part by score. Of leads that tie at its edge a part counts, all alike."""
    everybody = total(counts)
    if not everybody.n:
        return None
    room = wanted = everybody.n * share
    hits = 0.0
    for score in sorted(counts, reverse=True):
        n, had = counts[score]
        taken = min(float(n), room)
        hits += had * taken / n if n else 0.0
        room -= taken
        if room <= 0:
            break
    return hits / wanted


@dataclass(frozen=True, slots=True)
class Band:
    """Leads whose score is from `low` to `high`, both included."""

    low: int
    high: int
    share: Share
    lift: float | None

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"from": self.low, "to": self.high, **self.share.as_json(), "lift": rounded(self.lift)}


def rounded(value: float | None, digits: int = 3) -> float | None:
    """A figure without decimals that mean nothing."""
    return None if value is None else round(value, digits)


def bands(counts: Counts, edges: Sequence[int] = EDGES) -> tuple[Band, ...]:
    """The gain table: of each band of the score, how many, how many converted. The last goes up to 100."""
    found = [Share()] * len(edges)
    for score, (n, hits) in counts.items():
        place = max(0, bisect_right(edges, score) - 1)
        found[place] += Share(n, hits)
    base = total(counts).rate
    ends = [*(edge - 1 for edge in edges[1:]), 100]
    return tuple(
        Band(low, high, share, ratio(share.rate, base)) for low, high, share in zip(edges, ends, found, strict=True)
    )


def at_least(counts: Counts, line: float) -> Share:
    """Those with this score or a higher one."""
    n = hits = 0
    for score, (many, had) in counts.items():
        if score >= line:
            n, hits = n + many, hits + had
    return Share(n, hits)


# -- two scores of the same leads -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """AUC of two scores over the same leads, and what lies between them, with the errors of all three."""

    before: float | None
    after: float | None
    before_error: float = 0.0
    after_error: float = 0.0
    gain_error: float = 0.0

    @property
    def gain(self) -> float | None:
        """How much better the second is."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def gain_interval(self) -> tuple[float, float] | None:
        """Where the true gain lies with 95 %."""
        return None if self.gain is None else (self.gain - Z * self.gain_error, self.gain + Z * self.gain_error)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the AUC of the second lies with 95 %."""
        return around(self.after, self.after_error)


def around(value: float | None, error: float) -> tuple[float, float] | None:
    """The 95 % interval of a share with this standard error."""
    return None if value is None else (max(0.0, value - Z * error), min(1.0, value + Z * error))


def compare(pairs: Pairs) -> Compared:
    """Two scores of the same leads, by DeLong, DeLong and Clarke-Pearson (1988): the errors know that they are alike.

    A lead's part in an AUC is the share of the other class that it beats; the errors are those of means of such parts.
    """
    sides: list[dict[float, tuple[int, int]]] = [{}, {}]
    for (before, after, converted), n in pairs.items():
        for side, score in zip(sides, (before, after), strict=True):
            many, hits = side.get(score, (0, 0))
            side[score] = many + n, hits + n * converted
    areas = [auc(side) for side in sides]
    if areas[0] is None or areas[1] is None:
        return Compared(areas[0], areas[1])
    beats = [_beats(side) for side in sides]
    errors = [0.0, 0.0, 0.0]
    for converted in (True, False):
        n = sum(many for (_, _, had), many in pairs.items() if had == converted)
        if n < 2:
            return Compared(areas[0], areas[1], 0.5, 0.5, 0.5)
        sums = [0.0] * 3
        squares = [0.0] * 3
        for (before, after, had), many in pairs.items():
            if had != converted:
                continue
            first, second = beats[0][before][converted], beats[1][after][converted]
            for place, value in enumerate((first, second, second - first)):
                sums[place] += many * value
                squares[place] += many * value * value
        for place in range(3):
            spread = max(0.0, squares[place] - sums[place] ** 2 / n) / (n - 1)
            errors[place] += spread / n
    return Compared(areas[0], areas[1], *(sqrt(error) for error in errors))


def _beats(counts: Counts) -> dict[float, dict[bool, float]]:
    """By score: the share of leads of the other class that one of this class wins against; ties half."""
    everybody = total(counts)
    hits, others = everybody.hits, everybody.n - everybody.hits
    found: dict[float, dict[bool, float]] = {}
    below_hits = below_others = 0
    for score in sorted(counts):
        n, had = counts[score]
        rest = n - had
        found[score] = {
            True: (below_others + rest / 2) / others,
            False: 1 - (below_hits + had / 2) / hits,
        }
        below_hits, below_others = below_hits + had, below_others + rest
    return found


# -- one rule alone, and words for it --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alone:
    """What one rule tells by itself: of the leads it gives points to, against all the others."""

    having: Share
    rest: Share

    @property
    def lift(self) -> float | None:
        """Conversion of those who have it, against those without."""
        return ratio(self.having.rate, self.rest.rate)

    @property
    def certainty(self) -> str:
        """none: nobody, or everybody, has it · few: too few to say · sure: the intervals lie apart · unsure."""
        mine, others = self.having.interval, self.rest.interval
        if mine is None or others is None:
            return "none"
        if min(self.having.n, self.rest.n) < FEW:
            return "few"
        return "sure" if mine[0] > others[1] or mine[1] < others[0] else "unsure"

    @property
    def says(self) -> str:
        """One sentence for a person."""
        if self.certainty == "none":
            return "every lead has it, so it tells nothing" if self.having.n else "no lead has it"
        said = f"{_percent(self.having.rate)} of {self.having.n:,} converted, {_percent(self.rest.rate)} of the others"
        match self.certainty:
            case "few":
                return f"{said}; too few cases to say"
            case "unsure":
                return f"{said}; may be chance"
            case _:
                return said


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f} %"


def verdict(gain: float | None, interval: tuple[float, float] | None, *, least: float = 0.0005) -> str:
    """better, worse, same (it makes no difference) or unclear (it may be chance), of a gain and its interval."""
    if gain is None or interval is None:
        return "unclear"
    if abs(gain) < least and interval[1] - interval[0] < 0.01:
        return "same"
    if interval[0] > 0:
        return "better"
    return "worse" if interval[1] < 0 else "unclear"


# -- who gets what: replay of decisions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replayed:
    """A way to decide, held against what happened: `matched` are the leads it would have given to whom they went.

    Of those what came of them is known; of the others it is what somebody else made of them.
    """

    matched: Share
    others: Share

    @property
    def everybody(self) -> Share:
        """All leads that were replayed."""
        return self.matched + self.others

    @property
    def lift(self) -> float | None:
        """Conversion where it agrees with what happened, against all."""
        return ratio(self.matched.rate, self.everybody.rate)

    @property
    def at_least(self) -> float:
        """What its decisions convert at least, with 95 %: what lists are ranked by. Few matches promise little."""
        interval = self.matched.interval
        return 0.0 if interval is None else interval[0]


def difference(one: Share, other: Share) -> tuple[float, float, float] | None:
    """How much better the rate of `other` is: (gain, low, high), the 95 % interval by Newcombe from Wilson's."""
    if one.rate is None or other.rate is None:
        return None
    (low_a, high_a), (low_b, high_b) = one.interval or (0.0, 1.0), other.interval or (0.0, 1.0)
    gain = other.rate - one.rate
    down = sqrt((other.rate - low_b) ** 2 + (high_a - one.rate) ** 2)
    up = sqrt((high_b - other.rate) ** 2 + (one.rate - low_a) ** 2)
    return gain, gain - down, gain + up


def spread(loads: Iterable[int]) -> float | None:
    """How uneven loads are: the largest against the mean; 1.0 is even."""
    found = list(loads)
    everything = sum(found)
    return None if not everything else max(found) * len(found) / everything
