"""The journey of a lead and the arithmetic of back-tests, as pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.backtests import CONVERTED, LOST, OLD, YOUNG, Asked, Count, back_test
from leadtui.domain.catalog import Stage
from leadtui.domain.forecasts import brier, median, wilson
from leadtui.domain.journeys import Event, Journey, Move, Past, Touch, journey, span_words

T0 = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
NEW = Stage(1, 1, "new", "New", 1, 1, 0.05, is_default=True, sla_hours=24)
CONTACTED = Stage(2, 1, "contacted", "Contacted", 2, 2, 0.15)
INTERESTED = Stage(3, 1, "interested", "Interested", 3, 3, 0.4)
WON = Stage(4, 1, "converted", "Converted", 4, 4, 1.0, is_converted=True)
GONE = Stage(5, 1, "lost", "Not Interested", 5, 5, 0.0, is_lost=True)
LATER = Stage(6, 1, "later", "Future Prospect", 6, 6, 0.1, is_parked=True)
DAY = timedelta(days=1)


def way(*moves: tuple[float, Stage], touches: tuple[Touch, ...] = (), now: float = 30, **more: object) -> Journey:
    """The journey through (day, status), seen from day `now`."""
    made, before = [], None
    for day, stage in moves:
        made.append(Move(T0 + day * DAY, before, stage, "wanjiku", "why" if stage.is_lost else None))
        before = stage
    assert before is not None
    past = Past(7, "LD-1", "Achieng", T0, before, made[-1].at, made, touches)
    return journey(replace(past, **more), T0 + now * DAY)  # type: ignore[arg-type]


def touch(day: float, kind: str = "call", is_in: bool = False) -> Touch:
    return Touch(T0 + day * DAY, kind, is_in, "wanjiku")


def test_an_open_lead_goes_on_until_now() -> None:
    found = way((0, NEW), (2, CONTACTED), (5, INTERESTED), now=9)
    assert [(one.stage.name, one.seconds) for one in found.stays] == [
        ("New", 2 * 86_400), ("Contacted", 3 * 86_400), ("Interested", 4 * 86_400),
    ]  # fmt: skip
    assert found.state == "open" and found.ended_at is None
    assert found.total_s == sum(one.seconds or 0 for one in found.stays) == 9 * 86_400
    assert found.drop_off is None


def test_a_converted_lead_ends_at_its_conversion() -> None:
    made = (Event("customer_made", T0 + 6 * DAY, "Achieng"), Event("first_online", T0 + 8 * DAY, "achieng"))
    found = way((0, NEW), (6, WON), made=made)
    assert found.total_s == 6 * 86_400 and found.ended_at == T0 + 6 * DAY
    assert found.stays[-1].seconds is None
    assert [one.event for one in found.events] == ["converted", "customer_made", "first_online"]
    assert found.drop_off is None and found.gaps == ()


def test_back_reopened_and_skipped() -> None:
    found = way((0, INTERESTED), (1, NEW), (2, GONE), (3, CONTACTED), (4, LATER), (5, NEW))
    assert [(one.moved_back, one.reopened) for one in found.stays] == [
        (False, False), (True, False), (False, False), (False, True), (False, False), (False, False),
    ]  # fmt: skip
    again = way((0, NEW), (1, WON), (2, INTERESTED))
    assert [one.event for one in again.events] == ["converted", "reopened"] and again.state == "open"


def test_where_a_lost_lead_left_off() -> None:
    other = replace(GONE, id=8, name="No coverage", order=7)
    found = way((0, NEW), (3, INTERESTED), (5, GONE), (6, other), lost_reason="Too expensive").drop_off
    assert found is not None
    assert (found.kind, found.status, found.at, found.seconds, found.reason) == (
        "lost", "Interested", T0 + 5 * DAY, 2 * 86_400, "Too expensive",
    )  # fmt: skip
    came_in_lost = way((0, GONE)).drop_off
    assert came_in_lost is not None and came_in_lost.status is None and came_in_lost.reason == "why"


def test_a_lead_that_rots_stands_where_it_is() -> None:
    found = way((0, NEW), now=3).drop_off
    assert found is not None
    assert (found.kind, found.status, found.over_s) == ("rotting", "New", 2 * 86_400)
    assert way((0, NEW), now=1).drop_off is None


def test_contacts_are_counted_by_kind_and_direction() -> None:
    found = way((0, NEW), touches=(touch(3), touch(1, "whatsapp", True), touch(2, "whatsapp"), touch(4)))
    assert found.by_type == {"call": {"out": 2, "in": 0}, "whatsapp": {"out": 1, "in": 1}}
    assert found.first_response_s == 2 * 86_400 and found.incoming == 1
    assert found.as_json()["touchpoints"] == 4
    assert way((0, NEW), touches=(touch(1, is_in=True),)).first_response_s is None


def test_gaps_are_stretches_of_more_than_a_week_while_open() -> None:
    found = way((0, NEW), (8, CONTACTED), touches=(touch(15),), now=30).gaps
    assert [((one.since - T0) / DAY, one.until and (one.until - T0) / DAY, one.status) for one in found] == [
        (0, 8, "New"), (15, None, "Contacted"),
    ]  # fmt: skip
    assert way((0, NEW), (1, GONE), (20, NEW), now=21).gaps == ()  # lost, it was not idle


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0, "0s"), (59, "59s"), (60, "1m"), (7_500, "2h 5m"), (7_200, "2h"), (273_600, "3d 4h")],
)
def test_durations_in_words(seconds: int | None, words: str) -> None:
    assert span_words(seconds) == words


STAGES = (NEW, CONTACTED, INTERESTED, LATER, WON, GONE)


@given(
    st.lists(st.tuples(st.floats(0, 40), st.sampled_from(STAGES)), min_size=1, max_size=8),
    st.lists(st.floats(0, 60), max_size=6),
)
def test_any_journey_adds_up(moves: list[tuple[float, Stage]], calls: list[float]) -> None:
    moves = sorted(moves, key=lambda one: one[0])
    found = way(*moves, touches=tuple(touch(day) for day in calls), now=60)
    spent = sum(one.seconds or 0 for one in found.stays)
    assert abs(found.total_s - spent - int((found.stays[0].entered_at - T0).total_seconds())) <= len(moves) + 1
    assert all(one.seconds > 7 * 86_400 for one in found.gaps)
    assert sum(one.seconds for one in found.gaps) <= found.total_s + len(found.gaps)
    found.as_json()


# -- back-tests --------------------------------------------------------------------------------------------------------
def test_wilson_intervals_known_from_the_books() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 10)[0] == 0.0 and wilson(10, 10)[1] == 1.0 and wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(case: tuple[int, int]) -> None:
    hits, cases = case
    low, high = wilson(hits, cases)
    assert 0 <= low <= hits / cases <= high <= 1


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 1.0])), min_size=1, max_size=30))
def test_brier_from_counts_is_the_mean_squared_distance(cases: list[tuple[bool, float]]) -> None:
    slow = sum((hit - p) ** 2 for hit, p in cases) / len(cases)
    assert brier([(int(hit), 1, p) for hit, p in cases]) == pytest.approx(slow)
    assert brier([]) is None


def test_the_middle() -> None:
    assert median([]) is None and median([4]) == 4 and median([1, 2, 9]) == 2 and median([1, 2, 4, 9]) == 3


def test_a_status_is_judged_on_later_leads_than_it_was_measured_on() -> None:
    counts = [
        Count(3, 100, CONVERTED, 30), Count(3, 100, LOST, 10), Count(3, 110, CONVERTED, 12), Count(3, 110, OLD, 4),
        Count(3, 110, YOUNG, 50), Count(2, 100, LOST, 5),
    ]  # fmt: skip
    found = back_test(Asked(1, "isp"), (NEW, CONTACTED, INTERESTED, WON, GONE), counts, {3: [100, 200, 900]})
    rows = {one.stage.name: one for one in found.rows}
    one = rows["Interested"]
    assert (one.entered, one.cases, one.converted, one.young) == (106, 56, 42, 50)
    assert one.share == 0.75 and one.new == 0.75 and one.is_off and one.median_s == 200
    # measured 0.75 on day 100, judged on the 16 cases of day 110: 12 of them converted
    assert one.judged == 16 and one.brier_measured == pytest.approx(0.75 * 0.25)
    assert one.brier_in_use == pytest.approx((12 * 0.36 + 4 * 0.16) / 16)
    assert (rows["Contacted"].new, rows["Contacted"].why_not) == (None, "only 5 of 20 cases")
    assert rows["Converted"].new is None and rows["Not Interested"].new is None
    assert [one.stage.name for one in found.changes] == ["Interested"]
    assert found.judged == 16 and found.split is not None


def test_nothing_is_judged_where_all_leads_are_of_one_day() -> None:
    found = back_test(Asked(1, "isp"), (INTERESTED,), [Count(3, 5, CONVERTED, 40)], {})
    assert found.split is None and found.brier_in_use is None and found.rows[0].new == 1.0
