"""Follow-ups as a calendar that a phone subscribes to: what stands in it, and how it learns of changes (spec §I)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from leadtui.errors import Invalid, NotPermitted
from leadtui.services import activities, admin, calendar_file, history, leads
from leadtui.services.activities import LogEntry
from leadtui.services.assignment import assign
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def events(office: Office, **more: Any) -> dict[str, Any]:
    """The entries by their summary, read back by the library."""
    from icalendar import Calendar

    data = calendar_file.export(office, **more)
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    return {str(event["SUMMARY"]): event for event in Calendar.from_ical(data).walk("VEVENT")}


def test_moments_are_utc_and_days_are_dates(sqlite_office: Office) -> None:
    office = sqlite_office
    admin.set_setting(office, "timezone", "Africa/Cairo")
    lead = add(office, name="Achieng, the 1st; \\ “x”", location="Westlands", unit_number="A5", package="20 Mbps Home")
    activities.add_follow_up(office, lead, "2026-04-24", subject="whole day")  # its midnight does not exist in Cairo
    activities.add_follow_up(office, lead, "2026-11-24 14:00", subject="a moment")
    activities.add_follow_up(office, lead, "smart", context="offer_response")
    found = events(office)
    name = "Achieng, the 1st; \\ “x”"
    day, moment = found[f"whole day: {name}"], found[f"a moment: {name}"]
    assert (day.decoded("DTSTART"), day.decoded("DTEND")) == (date(2026, 4, 24), date(2026, 4, 25))
    assert moment["DTSTART"].to_ical() == b"20261124T120000Z"
    assert (moment["STATUS"], moment["SEQUENCE"], moment["LOCATION"]) == ("CONFIRMED", 0, "A5, Westlands")
    assert str(moment["DESCRIPTION"]) == "LD-202611-0001\n+254722000111\nNew"
    (alarm,) = moment.walk("VALARM")
    assert (alarm["ACTION"], alarm.decoded("TRIGGER")) == ("DISPLAY", timedelta(minutes=-10))
    assert day.walk("VALARM")[0].decoded("TRIGGER") == timedelta(hours=9)
    smart = found[f"ask about the offer: {name}"]
    assert smart["PRIORITY"] == 5
    assert "ask for the decision" in str(smart["DESCRIPTION"])


def test_an_entry_keeps_its_uid_and_tells_what_became_of_it(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    lead = add(office, name="Achieng")
    for subject in ("moved", "done", "off"):
        activities.add_follow_up(office, lead, "tomorrow 10:00", subject=subject)
    activities.log(office, lead, LogEntry("call", "a call that was logged"))  # never a plan: not in a calendar
    first = events(office)
    assert calendar_file.export(office) == calendar_file.export(office)
    uids = {name: str(event["UID"]) for name, event in first.items()}
    assert len(set(uids.values())) == len(uids) == 3
    ids = {one.subject: one.id for one in leads.get(office, lead).follow_ups}
    activities.reschedule(office, ids["moved"], "+3d")
    activities.complete(office, ids["done"])
    activities.cancel(office, ids["off"])
    found = events(office)
    assert {str(e["UID"]) for e in found.values()} == set(uids.values())
    moved, done, off = (found[name] for name in ("moved: Achieng", "✓ done: Achieng", "off: Achieng"))
    assert (moved["SEQUENCE"], moved.decoded("DTSTART"), moved["STATUS"]) == (1, date(2026, 11, 23), "CONFIRMED")
    assert (done["SEQUENCE"], done["STATUS"], done["TRANSP"], done.walk("VALARM")) == (
        1,
        "CONFIRMED",
        "TRANSPARENT",
        [],
    )
    assert (off["SEQUENCE"], off["STATUS"], off.walk("VALARM")) == (1, "CANCELLED", [])
    history.undo(office)  # the calling off
    again = events(office)["off: Achieng"]
    assert (again["SEQUENCE"], again["STATUS"]) == (2, "CONFIRMED")
    frozen_clock(NOW + timedelta(days=31))
    assert set(events(office)) == {"moved: Achieng", "off: Achieng"}


def test_everybody_may_have_his_own_and_the_others_need_the_right_to_export(office: Office) -> None:
    add_users(office, "ann:agent", "ben:agent")
    for i, login in enumerate(("ann", "ben", None)):
        lead = add(office, f"072200020{i}", name=f"of {login}", follow_up="tomorrow")
        if login:
            assign(office, lead, login)
    assert set(events(office)) == {"follow up: of ann", "follow up: of ben", "follow up: of None"}
    assert "follow up: of None" in events(office, mine=True)
    mine = add(office, "0722000210", name="hers", assigned_to="ann")
    activities.add_follow_up(office, mine, "today", subject="visit")
    assert set(events(office, user="ann")) >= {"visit: hers"}
    with acting_as(office, "ann") as ann:
        assert "visit: hers" in events(ann)
        assert events(ann) == events(ann, mine=True)
        with pytest.raises(NotPermitted):
            events(ann, user="ben")
    with pytest.raises(Invalid):
        events(office, user="nobody")


def test_what_the_role_does_not_see_is_not_in_the_calendar(sqlite_office: Office) -> None:
    office = sqlite_office
    from sqlalchemy import text

    add(office, name="Achieng", location="Westlands", follow_up="tomorrow")
    with office.store.engine.begin() as conn:
        hidden = '["phone", "name", "location", "status"]'
        conn.execute(text("UPDATE role SET hidden_fields_json = :h WHERE key = 'director'"), {"h": hidden})
    add_users(office, "dora:director")
    with acting_as(office, "dora") as dora:
        data = calendar_file.export(dora)
        assert b"LD-202611-0001" in data
        assert not any(word in data for word in (b"Achieng", b"254722", b"Westlands", b"New"))
