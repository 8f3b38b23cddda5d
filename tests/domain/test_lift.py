"""Lift, AUC and certainty: by hand, and beside slow recounts (field M12)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain import lift
from leadtui.domain.lift import Alone, Replayed, Share

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=30)
TRIPLES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=2, max_size=25)


@given(PAIRS)
def test_auc_is_how_often_the_better_one_wins(pairs: list[tuple[int, bool]]) -> None:
    won = [score for score, converted in pairs if converted]
    lost = [score for score, converted in pairs if not converted]
    found = lift.auc(lift.counted(pairs))
    if not won or not lost:
        assert found is None
    else:
        wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in won for b in lost)
        assert found == pytest.approx(wins / (len(won) * len(lost)))


@given(PAIRS)
def test_the_best_fifth_counts_ties_in_part(pairs: list[tuple[int, bool]]) -> None:
    counts = lift.counted(pairs)
    found = lift.top(counts)
    if not pairs:
        assert found is None
        return
    assert lift.top(counts, 1.0) == pytest.approx(lift.total(counts).rate)
    assert found is not None and -1e-9 <= found <= 1 + 1e-9
    assert sum(band.share.n for band in lift.bands(counts)) == len(pairs)


def test_the_best_fifth_by_hand() -> None:
    assert lift.top({90: (10, 8), 50: (30, 6), 10: (60, 0)}) == pytest.approx((8 + 6 * 10 / 30) / 20)
    assert lift.top({0: (50, 5)}) == pytest.approx(0.1)  # all alike: as good as any
    table = lift.bands({0: (2, 1), 9: (1, 0), 80: (3, 3), 100: (4, 2)})
    assert [(band.low, band.high, band.share.n) for band in table if band.share.n] == [
        (0, 9, 3),
        (80, 89, 3),
        (90, 100, 4),
    ]
    assert lift.at_least({50: (4, 1), 81: (2, 2), 80: (1, 0)}, 81) == Share(2, 2)


@given(TRIPLES)
def test_errors_are_those_of_the_parts(triples: list[tuple[int, int, bool]]) -> None:
    """DeLong's errors beside a slow one from all pairs; of a score with itself there is no gain and no error."""
    found = lift.compare(Counter(triples))
    won = [t for t in triples if t[2]]
    lost = [t for t in triples if not t[2]]
    assert lift.compare(Counter((a, a, c) for a, _, c in triples)).gain_error in (0.0, 0.5)
    if not won or not lost:
        assert found.gain is None
        return
    if min(len(won), len(lost)) < 2:
        assert found.gain_error == 0.5  # nothing is known of the error of one case
        return

    def beats(
        mine: list[tuple[int, int, bool]], others: list[tuple[int, int, bool]], side: int, sign: int
    ) -> list[float]:
        return [
            sum(1.0 if sign * (a[side] - b[side]) > 0 else 0.5 if a[side] == b[side] else 0.0 for b in others)
            / len(others)
            for a in mine
        ]

    def variance(values: list[float]) -> float:
        mean = sum(values) / len(values)
        return sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values)

    gains = [
        [
            after - before
            for before, after in zip(beats(mine, others, 0, sign), beats(mine, others, 1, sign), strict=True)
        ]
        for mine, others, sign in ((won, lost, 1), (lost, won, -1))
    ]
    assert found.gain_error**2 == pytest.approx(sum(map(variance, gains)), abs=1e-9)


def test_wilson_by_hand() -> None:
    low, high = lift.wilson(10, 100) or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)
    assert lift.wilson(0, 0) is None
    none, all_ = lift.wilson(0, 5), lift.wilson(5, 5)
    assert none is not None and all_ is not None and none[0] == 0.0 and all_[1] == 1.0


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_rate(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = lift.wilson(hits, n) or (1, 0)
    assert 0 <= low <= hits / n <= high <= 1


def test_what_is_said_of_a_rule() -> None:
    sure = Alone(Share(400, 200), Share(600, 60))
    assert (sure.certainty, sure.lift) == ("sure", 5.0)
    assert sure.says == "50.0 % of 400 converted, 10.0 % of the others"
    assert Alone(Share(3, 3), Share(600, 60)).certainty == "few"
    assert Alone(Share(100, 11), Share(600, 60)).certainty == "unsure"
    assert Alone(Share(), Share(9, 3)).says == "no lead has it"
    assert Alone(Share(9, 3), Share()).says == "every lead has it, so it tells nothing"
    assert Alone(Share(40, 20), Share(40, 0)).lift is None


def test_verdicts() -> None:
    assert lift.verdict(0.05, (0.01, 0.09)) == "better"
    assert lift.verdict(-0.05, (-0.09, -0.01)) == "worse"
    assert lift.verdict(0.05, (-0.01, 0.11)) == "unclear"
    assert lift.verdict(0.0, (0.0, 0.0)) == "same"
    assert lift.verdict(None, None) == "unclear"


def test_replay_ranks_by_what_is_sure() -> None:
    lucky = Replayed(Share(2, 2), Share(98, 18))
    steady = Replayed(Share(40, 24), Share(60, 0))
    assert steady.at_least > lucky.at_least
    assert steady.lift == pytest.approx(0.6 / 0.24)
    assert Replayed(Share(), Share(3, 1)).at_least == 0.0
    gain, low, high = lift.difference(Share(100, 20), Share(100, 40)) or (0, 0, 0)
    assert gain == pytest.approx(0.2) and 0 < low < gain < high
    assert lift.difference(Share(), Share(1, 1)) is None
    assert lift.spread([3, 3, 3]) == 1.0 and lift.spread([6, 0, 0]) == 3.0 and lift.spread([]) is None
