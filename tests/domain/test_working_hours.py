"""Working hours, holidays, quiet hours and the smart follow-up time, over changes of the clocks (spec §I2, AJ3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadtui.domain.follow_up_times import DELAYS, Delays, next_working, parse_delay, show_delay, smart_time
from leadtui.domain.working_hours import Holidays, QuietHours, WorkingHours, first_where
from leadtui.errors import Invalid

NAIROBI, CAIRO, NEW_YORK = ZoneInfo("Africa/Nairobi"), ZoneInfo("Africa/Cairo"), ZoneInfo("America/New_York")
HAVANA, LORD_HOWE = ZoneInfo("America/Havana"), ZoneInfo("Australia/Lord_Howe")
OFFICE = WorkingHours.parse("mon-fri 08:00-18:00, sat 09:00-13:00")
NONE, NIGHT = Holidays(), QuietHours.parse("21:00-08:00")
FRIDAY = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)  # 14:00 in Nairobi


def local(at: datetime | None, tz: ZoneInfo = NAIROBI) -> str:
    return "never" if at is None else at.astimezone(tz).strftime("%a %Y-%m-%d %H:%M %z")


def smart(now: datetime = FRIDAY, context: str | None = None, **more: object) -> datetime:
    given_: dict[str, object] = {
        "delays": Delays.parse(DELAYS), "score": None, "hot": 80, "preferred_hour": None, "hours": OFFICE,
        "holidays": NONE, "quiet": NIGHT, "tz": NAIROBI,
    }  # fmt: skip
    return smart_time(now, context=context, **(given_ | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("mon-fri 08:00-18:00, sat 09:00-13:00", "mon-fri 08:00-18:00, sat 09:00-13:00"),
        ("Monday - x", None),
        ("monday 8:00-12:00 13:00-17:00", "mon 08:00-12:00 13:00-17:00"),
        ("daily 00:00-24:00", "mon-sun 00:00-24:00"),
        ("fri-mon 10:00-11:00", "mon 10:00-11:00, fri-sun 10:00-11:00"),
        ("sat 22:00-02:00", "sat 22:00-24:00, sun 00:00-02:00"),
        ("mon 08:00-12:00, 13:00-17:00", "mon 08:00-12:00 13:00-17:00"),
        ("mon 08:00-12:00, mon 11:00-17:00", "mon 08:00-17:00"),
        ("", ""),
        ("mon", None),
        ("08:00-18:00", None),
        ("mon 08:00-08:00", None),
        ("mon 25:00-26:00", None),
        ("mon 08:00-18:00 or so", None),
        ("mo 08:00-18:00", None),
    ],
)
def test_hours_are_read_as_typed_and_written_in_one_way(typed: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(Invalid) as caught:
            WorkingHours.parse(typed)
        assert (caught.value.field, caught.value.hint is not None) == ("working_hours", True)
        return
    assert str(WorkingHours.parse(typed)) == kept
    assert WorkingHours.parse(kept) == WorkingHours.parse(typed)


def test_holidays_are_dates_and_days_of_every_year() -> None:
    days = Holidays.parse("2026-12-25, 12-26; 02-29")
    assert str(days) == "02-29, 12-26, 2026-12-25"
    found = [days.is_holiday(day) for day in (date(2026, 12, 25), date(2027, 12, 25), date(2031, 12, 26))]
    assert found == [True, False, True]
    for bad in ("christmas", "13-01", "2026-02-30"):
        with pytest.raises(Invalid):
            Holidays.parse(bad)


def test_delays_are_read_and_written() -> None:
    delays = Delays.parse(DELAYS)
    assert (str(delays), delays.of("offer_response"), delays.of("overdue_followup")) == (
        DELAYS, timedelta(hours=4), timedelta(hours=24),
    )  # fmt: skip
    assert [show_delay(parse_delay(text, field="x")) for text in ("90m", "4 h", "5d")] == ["90m", "4h", "5d"]
    for bad in ("property_inquiry 2h", "default", "default 0h", "default 2 weeks", "default 900d", "! 2h, default 1h"):
        with pytest.raises(Invalid):
            Delays.parse(bad)


def test_the_delay_of_the_context_within_working_hours() -> None:
    assert local(smart(context="property_inquiry")) == "Fri 2026-11-20 16:00 +0300"
    assert local(smart(context="offer_response")) == "Sat 2026-11-21 09:00 +0300"  # 18:00 is no working hour any more
    assert local(smart(context="showing_followup")) == "Mon 2026-11-23 08:00 +0300"
    assert local(smart(context="showing_followup", holidays=Holidays.parse("11-23"))) == "Tue 2026-11-24 08:00 +0300"
    assert local(smart(context="unheard of")) == local(smart(context="showing_followup"))


def test_the_preferred_hour_is_met_after_the_delay_and_a_hot_lead_does_not_wait_for_it() -> None:
    monday = datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC)  # 09:00:30
    assert local(smart(monday, preferred_hour=10)) == "Tue 2026-11-24 10:00 +0300"
    assert local(smart(monday, preferred_hour=9)) == "Tue 2026-11-24 09:01 +0300"
    assert local(smart(monday, "property_inquiry", preferred_hour=10)) == "Tue 2026-11-24 10:00 +0300"
    assert local(smart(monday, "property_inquiry", preferred_hour=10, score=81)) == "Mon 2026-11-23 10:01 +0300"
    assert local(smart(monday, "property_inquiry", score=80)) == "Mon 2026-11-23 11:01 +0300"
    # A Sunday is no working day: the next day on which the hour is worked, not the first hour of Monday.
    assert local(smart(FRIDAY, preferred_hour=15)) == "Mon 2026-11-23 15:00 +0300"
    # An hour that is never worked counts only as "not before".
    assert local(smart(monday, preferred_hour=20)) == "Wed 2026-11-25 08:00 +0300"
    assert local(smart(monday, preferred_hour=8, hours=WorkingHours.parse("mon-fri 08:30-17:00"))).endswith(
        "08:30 +0300"
    )


def test_a_hot_lead_never_waits_less_than_an_hour_nor_longer_than_another() -> None:
    delays = Delays.parse("quick 30m, soon 90m, default 24h")
    assert [local(smart(FRIDAY, context, delays=delays, score=99)) for context in ("quick", "soon")] == [
        "Fri 2026-11-20 14:30 +0300", "Fri 2026-11-20 15:00 +0300",
    ]  # fmt: skip


def test_a_person_elsewhere_works_by_another_clock_but_the_lead_is_not_disturbed() -> None:
    # Nine in New York is five in the afternoon in Nairobi; from 21:00 on nobody is called there.
    found = smart(FRIDAY, "property_inquiry", hours_tz=NEW_YORK, hours=WorkingHours.parse("mon-fri 09:00-17:00"))
    assert local(found) == "Fri 2026-11-20 17:00 +0300"
    late = smart(FRIDAY, "quick", delays=Delays.parse("quick 8h, default 1h"), hours_tz=NEW_YORK,
                 hours=WorkingHours.parse("mon-fri 09:00-17:00"))  # fmt: skip
    assert local(late) == "Mon 2026-11-23 17:00 +0300"


def test_with_no_hour_left_the_delay_alone_counts() -> None:
    nights = WorkingHours.parse("mon-sun 22:00-23:00")
    assert smart(FRIDAY, "property_inquiry", hours=nights) == FRIDAY + timedelta(hours=2)
    rules = {"hours": nights, "holidays": NONE, "quiet": NIGHT, "tz": NAIROBI}
    assert next_working(FRIDAY, **rules) == FRIDAY  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tz", "now", "hours", "expected"),
    [
        # Cairo: 00:00 of 24 April 2026 does not exist, the clocks jump to 01:00.
        (CAIRO, "2026-04-23 20:30", "daily 00:30-05:00", "Fri 2026-04-24 01:00 +0300"),
        # 29 October: midnight comes twice.
        (CAIRO, "2026-10-29 19:30", "fri 00:00-06:00", "Fri 2026-10-30 00:00 +0200"),
        # New York: 02:30 does not exist on 8 March 2026 …
        (NEW_YORK, "2026-03-08 06:30", "sun 02:30-05:00", "Sun 2026-03-08 03:00 -0400"),
        # … and 01:15 comes twice on 1 November: after 01:59 EDT it is 01:00 EST, and the hours begin again.
        (NEW_YORK, "2026-11-01 05:40", "sun 01:15-01:30", "Sun 2026-11-01 01:15 -0500"),
        (NAIROBI, "2026-11-20 15:00", "mon-fri 08:00-18:00", "Mon 2026-11-23 08:00 +0300"),
    ],
)
def test_the_next_open_hour_over_a_change_of_the_clocks(tz: ZoneInfo, now: str, hours: str, expected: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert local(WorkingHours.parse(hours).next_open(at, tz), tz) == expected


SPAN = st.tuples(st.integers(0, 95), st.integers(1, 24)).map(lambda x: (x[0] * 15, min(1440, x[0] * 15 + x[1] * 15)))
DAYS = st.lists(SPAN, max_size=2).map(lambda spans: tuple(sorted(spans)))
ZONES = st.sampled_from([NAIROBI, CAIRO, NEW_YORK, HAVANA, LORD_HOWE])
# Days around changes of the clocks in those zones, and any others.
TIMES = st.sampled_from([
    datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 4, 22, tzinfo=UTC),
    datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 6, 1, tzinfo=UTC),
]).flatmap(lambda base: st.integers(0, 4000).map(lambda minutes: base + timedelta(minutes=minutes)))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[DAYS] * 7), TIMES, ZONES)
def test_the_next_open_moment_is_the_first_one(days: tuple, at: datetime, tz: ZoneInfo) -> None:  # type: ignore[type-arg]
    hours = WorkingHours(days)
    found = hours.next_open(at, tz)
    if not any(days):
        assert found is None
        return
    assert found is not None and hours.is_open(found, tz)
    slow = at
    while slow < found:  # every quarter of an hour: spans begin at those, and no zone here is off them
        assert not hours.is_open(slow, tz), (slow, found)
        slow += timedelta(minutes=15)


@settings(max_examples=60, deadline=None)
@given(
    TIMES, ZONES, st.none() | st.integers(0, 23), st.none() | st.integers(0, 100),
    st.sampled_from(["property_inquiry", "showing_followup", "offer_response", "general_nurturing", "other"]),
)  # fmt: skip
def test_a_smart_time_is_never_early_never_outside_and_at_the_hour_wished(
    at: datetime, tz: ZoneInfo, hour: int | None, score: int | None, context: str
) -> None:
    delays, holidays = Delays.parse(DELAYS), Holidays.parse("2026-10-31, 03-09")
    found = smart_time(
        at, context=context, delays=delays, score=score, hot=80, preferred_hour=hour, hours=OFFICE, holidays=holidays,
        quiet=NIGHT, tz=tz,
    )  # fmt: skip
    there = found.astimezone(tz)
    hot = score is not None and score > 80
    wait = delays.of(context) / (2 if hot else 1)
    assert found - at >= max(wait, timedelta(hours=1))
    assert OFFICE.is_open(found, tz) and not NIGHT.is_quiet(found, tz) and not holidays.is_holiday(there.date())
    if hour is not None and not hot and 8 <= hour < 18:
        assert there.hour == hour
        earlier = first_where(at + wait, tz, (hour * 60,), lambda x: x.hour == hour)
        while earlier is not None and earlier < found - timedelta(minutes=1):  # each one before was not to be had
            when = earlier.astimezone(tz)
            assert not OFFICE.is_open(earlier, tz) or holidays.is_holiday(when.date()), (earlier, found)
            earlier = first_where(earlier + timedelta(hours=2), tz, (hour * 60,), lambda x: x.hour == hour)
    if hot or hour is None:
        assert found - at <= wait + timedelta(days=5)
