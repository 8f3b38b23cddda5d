"""Days and moments, with the clocks that jump (contract "Dates", answers 2 and 8)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain import dates
from leadtui.errors import Invalid

NAIROBI, CAIRO, NEW_YORK = ZoneInfo("Africa/Nairobi"), ZoneInfo("Africa/Cairo"), ZoneInfo("America/New_York")
HAVANA, APIA = ZoneInfo("America/Havana"), ZoneInfo("Pacific/Apia")
NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)  # a Friday, 14:00 in Nairobi
ZONES = st.sampled_from([NAIROBI, CAIRO, NEW_YORK, HAVANA, APIA, ZoneInfo("Asia/Kolkata"), ZoneInfo("UTC")])
DAYS = st.dates(date(1970, 1, 2), date(2100, 1, 1))


def when(text: str, tz: ZoneInfo = NAIROBI, now: datetime = NOW) -> dates.When:
    return dates.parse_when(text, tz=tz, now=now, field="at")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-20", "2026-11-20"),
        ("2026-1-5", "2026-01-05"),
        ("today", "2026-11-20"),
        (" Tomorrow ", "2026-11-21"),
        ("yesterday", "2026-11-19"),
        ("+3d", "2026-11-23"),
        ("-7d", "2026-11-13"),
        ("+2w", "2026-12-04"),
        ("sat", "2026-11-21"),
        ("fri", "2026-11-27"),
        ("Friday", "2026-11-27"),
        ("thurs", "2026-11-26"),
    ],
)
def test_days(text: str, day: str) -> None:
    read = when(text)
    assert (read.all_day, read.day.isoformat()) == (True, day)
    assert read.at == dates.day_start(read.day, NAIROBI)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-20 14:00", "2026-11-20T11:00:00Z"),
        ("2026-11-20T14:00", "2026-11-20T11:00:00Z"),
        ("2026-11-20T14:00:30", "2026-11-20T11:00:30Z"),
        ("2026-11-20T14:00Z", "2026-11-20T14:00:00Z"),
        ("2026-11-20T14:00:00.123Z", "2026-11-20T14:00:00Z"),
        ("2026-11-20T14:00+05:30", "2026-11-20T08:30:00Z"),
        ("2026-11-20 14:00 -0500", "2026-11-20T19:00:00Z"),
        ("today 14:00", "2026-11-20T11:00:00Z"),
        ("fri 9:30", "2026-11-27T06:30:00Z"),
        ("tomorrow 2pm", "2026-11-21T11:00:00Z"),
        ("+3d 09:00", "2026-11-23T06:00:00Z"),
        ("15:00", "2026-11-20T12:00:00Z"),
        ("14:00", "2026-11-21T11:00:00Z"),
        ("12am", "2026-11-20T21:00:00Z"),
        ("+4h", "2026-11-20T15:00:00Z"),
        ("+30m", "2026-11-20T11:30:00Z"),
        ("-90min", "2026-11-20T09:30:00Z"),
    ],
)
def test_moments(text: str, utc: str) -> None:
    read = when(text)
    assert not read.all_day
    assert dates.iso_z(read.at) == utc
    assert read.day == dates.local_day(read.at, NAIROBI)


@pytest.mark.parametrize(
    "text",
    ["", "x", "2026-02-30", "2026-13-01", "25:00", "13pm", "0am", "+999999d", "+99999999d", "1899-12-31", "9999-12-31",
     "20/11/2026", "2026-11", "today today", "tomorrow t", "2026-11-20T", "today 2026", "2026-11-20 14:00 99:99"],
)  # fmt: skip
def test_refusals_name_the_field(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        when(text)
    assert refusal.value.field == "at"
    assert "2026-11-20" in (refusal.value.hint or "")


def test_clocks_that_jump_over_midnight() -> None:
    start, end = dates.day_bounds(date(2026, 4, 24), CAIRO)
    assert dates.iso_z(start) == "2026-04-23T22:00:00Z"
    assert start.astimezone(CAIRO).hour == 1
    assert end - start == timedelta(hours=23)
    start, end = dates.day_bounds(date(2026, 10, 29), CAIRO)
    assert end - start == timedelta(hours=25)


def test_midnight_that_comes_twice_starts_the_day_once() -> None:
    start, end = dates.day_bounds(date(2026, 11, 1), HAVANA)
    assert end - start == timedelta(hours=25)


def test_wall_clock_times_skipped_or_repeated() -> None:
    skipped = when("2026-03-08 02:30", NEW_YORK)
    assert skipped.at.astimezone(NEW_YORK).strftime("%H:%M") == "03:30"
    repeated = when("2026-11-01 01:30", NEW_YORK)
    assert dates.iso_z(repeated.at) == "2026-11-01T05:30:00Z"


@given(DAYS, ZONES)
def test_days_join_without_gap_or_overlap(day: date, tz: ZoneInfo) -> None:
    start, end = dates.day_bounds(day, tz)
    assert start.tzinfo is UTC
    assert end == dates.day_start(day + timedelta(days=1), tz)
    assert start <= end
    if start < end:  # Apia had no 30 December 2011
        assert dates.local_day(start, tz) == day
        assert dates.local_day(end - timedelta(microseconds=1), tz) == day
        assert dates.local_day(start - timedelta(microseconds=1), tz) < day


@given(st.integers(1970, 2099), st.integers(1, 12), ZONES)
def test_months_join(year: int, month: int, tz: ZoneInfo) -> None:
    start, end = dates.month_bounds(year, month, tz)
    assert end == dates.month_bounds(year + month // 12, month % 12 + 1, tz)[0]
    assert dates.parse_day_range(f"{year}-{month:02}", tz=tz, now=NOW) == (start, end)


@given(DAYS, ZONES, st.times())
def test_a_moment_written_with_its_zone_is_read_back(day: date, tz: ZoneInfo, clock: object) -> None:
    at = datetime.combine(day, clock, tzinfo=UTC).replace(microsecond=0)  # type: ignore[arg-type]
    assert when(dates.iso_z(at), tz).at == at
    assert when(day.isoformat(), tz).day == day


@given(st.text(max_size=20) | st.text(alphabet="0123456789-+:dwhmTZ today", max_size=16), ZONES)
def test_any_text_is_a_date_or_refused(text: str, tz: ZoneInfo) -> None:
    for read in (when, lambda t, z: dates.parse_day_range(t, tz=z, now=NOW)):
        try:
            read(text, tz)
        except Invalid:
            continue


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("today", "2026-11-20", "2026-11-21"),
        ("yesterday", "2026-11-19", "2026-11-20"),
        ("-7d", "2026-11-13", "2026-11-14"),
        ("fri", "2026-11-27", "2026-11-28"),
        ("this-week", "2026-11-16", "2026-11-23"),
        ("last-week", "2026-11-09", "2026-11-16"),
        ("this_month", "2026-11-01", "2026-12-01"),
        ("Last Month", "2026-10-01", "2026-11-01"),
        ("next-month", "2026-12-01", "2027-01-01"),
        ("this-year", "2026-01-01", "2027-01-01"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2025", "2025-01-01", "2026-01-01"),
        ("2026-11-20", "2026-11-20", "2026-11-21"),
    ],
)
def test_ranges(text: str, first: str, after: str) -> None:
    expected = tuple(dates.day_start(date.fromisoformat(day), NAIROBI) for day in (first, after))
    assert dates.parse_day_range(text, tz=NAIROBI, now=NOW) == expected


def test_ranges_finer_than_a_day() -> None:
    start, end = dates.parse_day_range("2026-11-20 14:00", tz=NAIROBI, now=NOW)
    assert (start, end - start) == (NOW, timedelta(minutes=1))
    start, end = dates.parse_day_range("09:00", tz=NAIROBI, now=NOW)
    assert dates.iso_z(start) == "2026-11-20T06:00:00Z"  # today's, though it has passed
    assert dates.parse_day_range("-4h", tz=NAIROBI, now=NOW) == (NOW - timedelta(hours=4),) * 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("today", "today"),
        ("tomorrow", "tomorrow"),
        ("yesterday", "1d late"),
        ("-2d", "2d late"),
        ("tue", "Tue"),
        ("+6d", "Thu"),
        ("+7d", "27 Nov"),
        ("2027-01-12", "12 Jan 2027"),
        ("2025-01-12", "12 Jan 2025"),
        ("today 16:30", "16:30"),
        ("today 14:00", "14:00"),
        ("today 13:30", "30m late"),
        ("today 09:00", "5h late"),
        ("yesterday 23:00", "1d late"),
    ],
)
def test_relative(text: str, shown: str) -> None:
    read = when(text)
    assert dates.relative(read.at, read.all_day, NOW, NAIROBI) == shown


def test_json_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        dates.iso_z(datetime(2026, 1, 1))  # noqa: DTZ001 - the point
