"""Filter words about what happened to a lead: the same answer from both databases and from plain Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert, update

from leadtui.domain.areas import area_keys, is_in, place_key
from leadtui.domain.filters import complete
from leadtui.domain.lead_filters import filter_fields
from leadtui.errors import FilterError
from leadtui.services import activities, admin, leads, lifecycle, status
from leadtui.services.activities import LogEntry
from leadtui.services.office import Office
from leadtui.store import catalog as catalogs
from leadtui.store import schema as t
from tests.services.lead_help import add, add_users

pytestmark = pytest.mark.usefixtures("frozen_clock")


def found(office: Office, text: str) -> list[int]:
    return sorted(r.id for r in leads.search(office, text, limit=500).rows)


def test_how_far_leads_got_and_why_they_were_lost(office: Office) -> None:
    new, talked, lost, parked, other = (add(office, f"072200010{n}") for n in range(5))
    for lead_id in (talked, lost, parked):
        status.set_status(office, lead_id, "Contacted")
    status.set_status(office, lost, "Interested")
    status.lose(office, lost, "no ANSWER")
    status.set_status(office, parked, "Future Prospect")
    status.lose(office, other, "the dog ate it")
    assert found(office, "reached:new") == [new, talked, lost, parked, other]
    assert found(office, "reached:contacted") == [talked, lost, parked]
    assert found(office, "reached:interested") == [lost]
    assert found(office, "-reached:contacted") == [new, other]
    silent = next(one.id for one in office.catalog.lost_reasons if one.name == "No answer")
    assert found(office, 'lost_reason:"No answer"') == found(office, f"lost_reason:#{silent}") == [lost]
    assert found(office, "is:lost missing:lost_reason") == [other]
    assert found(office, "lost_reason:none") == [new, talked, parked, other]
    status.reopen(office, lost, "he called")
    assert found(office, "lost_reason:*") == []
    for wrong in ("reached:lost", "reached:nowhere", "lost_reason:nonsense", "reached:#999"):
        with pytest.raises(FilterError):
            leads.count(office, wrong)


def test_ages_are_whole_years_on_the_offices_day(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    born = [date(1990, 11, 20), date(1990, 11, 21), date(2000, 2, 29), date(2026, 11, 21), date(1926, 1, 1), None]
    ids = [add(office, f"072200020{n}", **({"date_of_birth": str(d)} if d else {})) for n, d in enumerate(born[:3])]
    ids += [add(office, f"072200020{n}") for n in (3, 4, 5)]
    said = {add(office, f"072200030{n}", **{"custom.age_stated": str(n)}): n for n in (25, 36, 0)}
    unsaid = add(office, "0722000400", **{"custom.age_stated": "about 25"})
    with office.store.engine.begin() as conn:
        for lead_id, day in zip(ids, born, strict=True):
            conn.execute(update(t.lead).where(t.lead.c.id == lead_id).values(date_of_birth=day))
    texts = ["36", "35", "25,26", ">35", ">=35", "<36", "<=35", "26..36", "25.5", ">25.5", "<25.5", "0", "..30", "30.."]
    # A year without a 29th of February, one with it, and a day of the office that is not the day of UTC.
    for now in (datetime(2026, 11, 20, 9, tzinfo=UTC), datetime(2027, 2, 28, 12, tzinfo=UTC),
                datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2027, 2, 28, 21, 30, tzinfo=UTC)):  # fmt: skip
        frozen_clock(now)
        today = now.astimezone(office.tz).date()
        ages = {i: today.year - d.year - ((today.month, today.day) < (d.month, d.day))
                for i, d in zip(ids, born, strict=True) if d} | said  # fmt: skip
        for text in texts:
            assert found(office, f"age:{text}") == [i for i, n in sorted(ages.items()) if _holds(n, text)], text
    assert found(office, "missing:age") == [ids[-1], unsaid]


def _holds(years: int, text: str) -> bool:
    if ".." in text:
        low, high = text.split("..")
        return (not low or years >= float(low)) and (not high or years <= float(high))
    signs = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
    if sign := next((one for one in signs if text.startswith(one)), ""):
        return bool(signs[sign](years, float(text.removeprefix(sign))))
    return years in {float(one) for one in text.split(",")}


def test_last_call_is_the_last_finished_one(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    twice, never, planned, quiet = (add(office, f"072200030{n}") for n in range(4))
    activities.log(office, twice, LogEntry("call", outcome="positive"))
    frozen_clock(datetime(2026, 11, 20, 10, tzinfo=UTC))
    activities.log(office, twice, LogEntry("call", outcome="no_answer"))
    activities.log(office, twice, LogEntry("email", outcome="neutral"))
    activities.log(office, planned, LogEntry("call", schedule="tomorrow"))
    activities.log(office, quiet, LogEntry("call"))
    assert found(office, "last_call:no_answer") == [twice]
    assert found(office, "last_call:positive,neutral") == []
    assert found(office, "last_call:none") == [never, planned, quiet]


PLACES = [
    ("Nairobi", None), (" nairobi  WEST", None), ("Nairobi-West", ""), ("", "Nairobi_West,"), (None, "nairobi west"),
    ("Mombasa", "Nairobi West"), ("São Paulo", None), ("SÃO PAULO", None), ("Sao   Paulo", None), (None, None),
    ("Nairobi West End", None), ("100%", None), ("Kisumu", None),
    ("Near  Nairobi-West , Kenya", None), (None, ",Kenya,Nairobi"), ("Nairobi, West End", None),
]  # fmt: skip


def test_served_places_are_those_of_the_setting_else_of_the_agents(office: Office) -> None:
    ids = [add(office, f"07220004{n:02d}") for n in range(len(PLACES))]
    add_users(office, "jane:agent", "john:agent")

    def change(statement: object) -> None:
        with office.store.engine.begin() as conn:
            conn.execute(statement)  # type: ignore[call-overload]
            catalogs.touch(conn)

    for lead_id, (city, location) in zip(ids, PLACES, strict=True):
        change(update(t.lead).where(t.lead.c.id == lead_id).values(city=city, location=location))

    def agree(*areas: str) -> list[int]:
        keys = area_keys(areas)
        right = [i for i, place in zip(ids, PLACES, strict=True) if is_in(*place, keys)]
        assert found(office, "is:served") == right
        assert found(office, "-is:served") == [i for i in ids if i not in right]
        return right

    assert agree() == []
    change(update(t.user).where(t.user.c.login == "jane").values(service_areas_json=["Nairobi West", "são paulo"]))
    assert agree("Nairobi West", "são paulo") == [ids[n] for n in (1, 2, 3, 4, 6, 7, 8)]
    change(update(t.user).where(t.user.c.login == "jane").values(is_active=False))
    assert agree() == []
    change(update(t.setting).where(t.setting.c.key == "service_areas").values(value_json=" NAIROBI , 100%,"))
    assert agree("Nairobi", "100%") == [ids[n] for n in (0, 11, 14, 15)]
    many = ["near nairobi west", *(f"place {n}" for n in range(1_500))]
    change(update(t.setting).where(t.setting.c.key == "service_areas").values(value_json=",".join(many)))
    assert agree(*many) == [ids[13]]
    assert place_key("  A - b_C.  d,") == "a b c d"


def test_offers_months_and_rows_of_nothing(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    offered, plain = add(office, "0722000501"), add(office, "0722000502")
    frozen_clock(datetime(2026, 12, 1, 9, tzinfo=UTC))
    late = add(office, "0722000503")
    with office.store.engine.begin() as conn:
        at = datetime(2026, 11, 20, tzinfo=UTC)
        for lead_id, closed in ((offered, None), (plain, at)):
            conn.execute(
                insert(t.lead_offer).values(
                    lead_id=lead_id, user_ids_json=[1], offered_at=at, until=at, closed_at=closed
                )
            )
        conn.execute(update(t.lead).where(t.lead.c.id == plain).values(source_id=None, router_user_at=at))
    assert found(office, "is:offered") == [offered]
    assert found(office, "created:2026-11") == [offered, plain]
    assert found(office, "created:2026-10..2026-11") == [offered, plain]
    assert found(office, "created:2026-12..2027-01") == [late]
    assert found(office, "activated:2026-11") == found(office, "router_user_at:2026-11") == [plain]
    assert found(office, "source:none") == found(office, "missing:source") == [plain]
    assert found(office, "branch:none assigned:none converted_at:none") == [offered, plain, late]
    assert found(office, "in_status_since:2026-12") == found(office, "stage_changed_at:2026-12") == [late]


def test_what_shares_its_name_is_named_by_id_and_hidden_fields_hide_their_words(office: Office) -> None:
    admin.add(office, "source", {"name": "#7"})
    other = add(office, "0722000601", source="#7")
    own = next(one.id for one in office.catalog.sources if one.name == "#7")
    site = add(office, "0722000602")
    assert found(office, f"source:#{own}") == [other]
    assert found(office, f"source:#{office.catalog.find_source('Website').id},#{own}") == [other, site]
    lifecycle.assign(office, site, "boss")
    assert found(office, f"assigned:#{office.actor.user_id}") == [site]
    hidden = filter_fields(frozenset({"status", "date_of_birth", "lost_reason"}))
    assert not {"reached", "age", "lost_reason"} & set(hidden)
    assert {"reached:", "lost_reason:"} <= {c.text for w in ("rea", "lost") for c in complete(w, 9, filter_fields())}
