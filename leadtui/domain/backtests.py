"""How true the probabilities of statuses have proved, from what became of the leads that came into each. Pure.

A lead counts once for a status, from the first time it came into it. What became of it is what it is now: converted,
lost, or undecided. An undecided one that came in long ago (`age`) counts as not converted; a younger one is left out,
for it may still become anything. Moves back and reopened leads change nothing of that, and a lead that jumped over a
status never came into it.

The measured share is compared with the probability in use by predictions made for others: the leads are cut in two by
the moment they were created, the share is measured on the first two thirds of the cases, and both are judged on the
rest (Brier), so that no measurement judges itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from .catalog import Stage
from .forecasts import brier, median, wilson

CONVERTED, LOST, OLD, YOUNG = "converted", "lost", "old", "young"
"""What became of a lead: undecided ones are old (not converted) or young (left out)."""

AGE_DAYS: Final = 90
"""After so many days in and behind a status, a lead that is not decided counts as not converted."""
MIN_CASES: Final = 20
"""A share measured on fewer is never used: its interval would be 40 points wide."""
DIGITS: Final = 3
"""Of a probability that is written: a tenth of a percent."""
EPOCH: Final = date(1970, 1, 1)

_FIRST_PART: Final = 2 / 3


@dataclass(frozen=True, slots=True)
class Count:
    """`n` leads of a status that were created on one day (since 1970) and of which the same became."""

    stage_id: int
    day: int
    outcome: str
    n: int


@dataclass(frozen=True, slots=True)
class StatusTest:
    """One status: how many came into it, what became of them, and the two predictions.

    `median_s` is the time from coming in to the conversion, of the converted ones. `new` is the probability to be
    written when the measured ones are used; None with the reason in `why_not`.
    """

    stage: Stage
    converted: int
    lost: int
    old: int
    young: int
    median_s: float | None
    brier_in_use: float | None
    brier_measured: float | None
    judged: int
    new: float | None
    why_not: str

    @property
    def entered(self) -> int:
        """All that ever came in, those left out among them."""
        return self.cases + self.young

    @property
    def cases(self) -> int:
        """Those that count."""
        return self.converted + self.lost + self.old

    @property
    def share(self) -> float | None:
        """The measured share that converted; None without cases."""
        return self.converted / self.cases if self.cases else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies, 95 times in 100 (Wilson)."""
        return wilson(self.converted, self.cases) if self.cases else None

    @property
    def difference(self) -> float | None:
        """The measured share less the probability in use."""
        return None if self.share is None else self.share - self.stage.probability

    @property
    def is_off(self) -> bool:
        """Whether the probability in use lies outside of the interval."""
        return self.interval is not None and not self.interval[0] <= self.stage.probability <= self.interval[1]

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it; shares from 0 to 1, four decimals."""
        interval = self.interval
        return {
            "status": self.stage.name, "entered": self.entered, "cases": self.cases, "converted": self.converted,
            "lost": self.lost, "undecided_old": self.old, "left_out": self.young, "measured": _four(self.share),
            "interval": None if interval is None else [_four(one) for one in interval],
            "in_use": self.stage.probability, "difference": _four(self.difference),
            "median_time_to_conversion_s": self.median_s, "brier_in_use": _four(self.brier_in_use),
            "brier_measured": _four(self.brier_measured), "judged": self.judged, "new": self.new,
            "why_not": self.why_not or None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class BackTest:
    """A pipeline's probabilities beside what was measured. `split` is the first day (UTC) of the leads judged on."""

    pipeline_id: int
    pipeline: str
    date_from: str | None
    date_to: str | None
    age_days: int
    min_cases: int
    rows: tuple[StatusTest, ...]
    split: date | None
    judged: int
    brier_in_use: float | None
    brier_measured: float | None

    @property
    def changes(self) -> tuple[StatusTest, ...]:
        """The statuses that would be given another probability."""
        return tuple(one for one in self.rows if one.new is not None and one.new != one.stage.probability)

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "pipeline": self.pipeline, "from": self.date_from, "to": self.date_to, "age_days": self.age_days,
            "min_cases": self.min_cases, "statuses": [one.as_json() for one in self.rows],
            "split": None if self.split is None else self.split.isoformat(), "judged": self.judged,
            "brier_in_use": _four(self.brier_in_use), "brier_measured": _four(self.brier_measured),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What a back-test was asked: the pipeline, the days as typed, and from where on there are cases enough."""

    pipeline_id: int
    pipeline: str
    date_from: str | None = None
    date_to: str | None = None
    age_days: int = AGE_DAYS
    min_cases: int = MIN_CASES


def back_test(
    asked: Asked, stages: Sequence[Stage], counts: Iterable[Count], seconds: Mapping[int, Sequence[int]]
) -> BackTest:
    """Put counts together. `seconds`: by status, sorted, the times from coming in to the conversion."""
    counted = list(counts)
    split = _split(counted)
    rows, judged = [], []
    for stage in stages:
        whole, first, rest = _sums(counted, stage.id), (0, 0), (0, 0)
        if split is not None:
            first = _cases(_sums((one for one in counted if one.day < split), stage.id))
            rest = _cases(_sums((one for one in counted if one.day >= split), stage.id))
        both = _judge(stage, first, rest, asked.min_cases)
        judged += [] if both is None else [(rest, stage.probability, first[0] / first[1])]
        new, why_not = _new(stage, whole, asked.min_cases)
        rows.append(
            StatusTest(
                stage, whole[CONVERTED], whole[LOST], whole[OLD], whole[YOUNG], median(seconds.get(stage.id, ())),
                *(both or (None, None)), rest[1] if both else 0, new, why_not,
            )
        )  # fmt: skip
    return BackTest(
        asked.pipeline_id, asked.pipeline, asked.date_from, asked.date_to, asked.age_days, asked.min_cases,
        tuple(one for one in rows if one.stage.is_active or one.entered),
        None if split is None else EPOCH + timedelta(days=split),
        sum(rest[1] for rest, _, _ in judged),
        brier([(*rest, p) for rest, p, _ in judged]), brier([(*rest, p) for rest, _, p in judged]),
    )  # fmt: skip


def _split(counts: Iterable[Count]) -> int | None:
    """The first day whose leads are judged on: about two thirds of the cases lie before it; None where that cannot be.

    All statuses share it, so that no lead is on both sides.
    """
    by_day: dict[int, int] = {}
    for one in counts:
        if one.outcome != YOUNG:
            by_day[one.day] = by_day.get(one.day, 0) + one.n
    days, before, wanted = sorted(by_day), 0, sum(by_day.values()) * _FIRST_PART
    for day in days[:-1]:
        before += by_day[day]
        if before >= wanted:
            return day + 1
    return days[-1] if len(days) > 1 else None


def _sums(counts: Iterable[Count], stage_id: int) -> dict[str, int]:
    found = dict.fromkeys((CONVERTED, LOST, OLD, YOUNG), 0)
    for one in counts:
        if one.stage_id == stage_id:
            found[one.outcome] += one.n
    return found


def _cases(sums: Mapping[str, int]) -> tuple[int, int]:
    """Hits and cases."""
    return sums[CONVERTED], sums[CONVERTED] + sums[LOST] + sums[OLD]


def _judge(
    stage: Stage, first: tuple[int, int], rest: tuple[int, int], min_cases: int
) -> tuple[float | None, float | None] | None:
    """Both Brier scores on the rest; None where the first part says too little, or nothing is left to judge on."""
    if is_fixed(stage) or first[1] < min_cases or not rest[1]:
        return None
    return brier([(*rest, stage.probability)]), brier([(*rest, first[0] / first[1])])


def is_fixed(stage: Stage) -> bool:
    """Whether the probability of a status follows from what it means: converted is 1, lost is 0."""
    return stage.is_converted or stage.is_lost


def _new(stage: Stage, whole: Mapping[str, int], min_cases: int) -> tuple[float | None, str]:
    hits, cases = _cases(whole)
    if is_fixed(stage):
        return None, "it is decided there"
    if cases < min_cases:
        return None, f"only {cases:,} of {min_cases:,} cases"
    return round(hits / cases, DIGITS), ""


def _four(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
