"""What comes in from outside: kept once, applied by the worker, tried again, seen where it failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from leadtui.errors import Invalid, NotPermitted
from leadtui.jobs import status as jobs_status
from leadtui.services import admin, forms, inbox, intake, leads
from leadtui.services.office import Office
from leadtui.store import schema as t
from tests.services.lead_help import ONE_ENGINE, add, add_users

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def apply_all(office: Office) -> dict[str, int]:
    """One call of the step."""
    return dict(inbox.apply_open(office, limit=100, may_go_on=lambda: True))


def rows(office: Office) -> list[Any]:
    """Every event."""
    with office.read() as tx:
        return list(tx.conn.execute(select(t.inbox_event).order_by(t.inbox_event.c.id)))


def booking(ref: str, **values: str) -> dict[str, Any]:
    return {"ref": ref, "values": values}


def test_the_same_thing_is_kept_once(office: Office) -> None:
    assert inbox.store(office, "booking", "B-1", "booking", booking("B-1", phone="0722000111"))
    assert not inbox.store(office, "booking", "B-1", "booking", booking("B-1", phone="0722000999"))
    assert inbox.store(office, "other", "B-1", "booking", booking("B-1b", phone="0722000222"))
    twice = [("k", "form", {}), ("k", "form", {}), ("l", "form", {})]
    assert inbox.store_many(office, "form", twice) == 2
    assert inbox.store_many(office, "form", twice) == 0
    assert inbox.store(office, "form", "x" * 400, "form", {})
    assert inbox.store(office, "form", "a\0b\ud800", "form", {"text": "a\0b"})
    assert not inbox.store(office, "form", "a\0b\ud800", "form", {})
    with pytest.raises(Invalid):
        inbox.store(office, "form", "big", "form", {"text": "x" * inbox.MOST_BYTES})
    with pytest.raises(Invalid):
        inbox.store(office, "form", "nan", "form", {"number": float("nan")})


def test_bookings_and_forms_become_leads_once(office: Office) -> None:
    inbox.store(office, "booking", "B-1", "booking", booking("B-1", phone="0722000111", name="Amina"))
    assert forms.take(
        office, "website", {"phone": "0722 000 222", "name": "Otieno", "budget size": "L"}, by=office.user_id
    )
    assert apply_all(office) == {"inbox": 2, "errors": 0}
    assert apply_all(office) == {"inbox": 0, "errors": 0}
    found = {one.phone: one for one in leads.search(office).rows}
    assert {phone: one.source for phone, one in found.items()} == {
        "+254722000111": "Manual Entry", "+254722000222": "Website",
    }  # fmt: skip
    assert all(row.handled_at is not None and row.last_error is None for row in rows(office))
    assert "budget size: L" in (leads.get(office, "0722000222").activities[0].details or "")


@ONE_ENGINE
def test_what_intake_cannot_place_is_its_own_failure_not_the_inboxs(office: Office) -> None:
    inbox.store(office, "booking", "B-1", "booking", booking("B-1", phone="not a phone"))
    assert apply_all(office) == {"inbox": 1, "errors": 0}
    assert intake.list_failed(office)[0] == 1
    assert jobs_status.status(office).failed == 0


@ONE_ENGINE
def test_behaviour_counts_once_by_its_name_and_needs_the_right_to_log(office: Office) -> None:
    add_users(office, "jane:agent", "carl:collections")
    lead = add(office, "0722000111", email="amina@example.com", assigned_to="boss")
    ids = {user.login: user.id for user in office.catalog.users}

    def tell(key: str, ref: str, by: int | None) -> None:
        payload = {
            "lead": ref,
            "event": "page_view",
            "metadata": {"page": "/"},
            "at": NOON.isoformat(),
            "external_ref": key,
        }
        inbox.store(office, "behaviour", key, "event", payload, by=by)

    tell("e1", "Amina@Example.com ", ids["boss"])
    tell("e1", "amina@example.com", ids["boss"])
    tell("e2", "0722000111", None)
    tell("e3", "0722000111", ids["jane"])  # not her lead: she cannot see it
    tell("e4", "0722000111", ids["carl"])  # he sees it, and may not log
    assert apply_all(office) == {"inbox": 4, "errors": 2}
    assert leads.get(office, lead).fields["page_views"] == 2
    words = {row.external_key: row.last_error for row in rows(office) if row.last_error}
    assert words["e3"].startswith("there is no lead")
    assert words["e4"].startswith("you may not")


@ONE_ENGINE  # PostgreSQL goes by its own clock
def test_a_failure_is_tried_again_with_pauses_and_then_waits_for_a_person(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    payload = {
        "lead": "0722000111",
        "event": "page_view",
        "metadata": None,
        "at": NOON.isoformat(),
        "external_ref": "e",
    }
    inbox.store(office, "behaviour", "e", "event", payload)
    now, pauses = NOON, []
    for _ in range(inbox.TRIES):
        assert apply_all(office)["errors"] == 1
        assert apply_all(office) == {"inbox": 0, "errors": 0}  # not before its pause is over
        (row,) = rows(office)
        pauses.append(None if row.retry_at is None else (row.retry_at - now).total_seconds())
        now += timedelta(minutes=15)
        frozen_clock(now)
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, None]
    (failure,) = jobs_status.status(office).failures
    assert (failure.id, failure.what, failure.is_stuck) == (f"inbox:{row.id}", "event from behaviour", True)

    add(office, "0722000111")
    assert apply_all(office)["inbox"] == 0
    assert jobs_status.retry(office, failure.id) == 1
    assert apply_all(office) == {"inbox": 1, "errors": 0}
    assert jobs_status.status(office).failed == 0


@ONE_ENGINE
def test_a_person_gives_one_up(office: Office) -> None:
    payload = {"lead": "0722000111", "event": "page_view", "metadata": None, "at": None, "external_ref": "e"}
    inbox.store(office, "behaviour", "e", "event", payload)
    apply_all(office)
    (failure,) = jobs_status.status(office).failures
    assert jobs_status.give_up(office, failure.id) == 1
    assert jobs_status.status(office).failed == 0
    with office.read() as tx:
        assert inbox.waiting(tx) == 0


@ONE_ENGINE
def test_one_that_breaks_hinders_no_other(office: Office) -> None:
    inbox.store(office, "whatsapp_cloud", "bad", "status", {"what": "is this"})
    inbox.store(office, "booking", "B-1", "booking", booking("B-1", phone="0722000111"))
    assert apply_all(office) == {"inbox": 2, "errors": 1}
    assert leads.count(office) == 1
    assert rows(office)[0].last_error.startswith("an error of the program (KeyError)")


@ONE_ENGINE  # PostgreSQL goes by its own clock
def test_what_was_applied_long_ago_is_forgotten(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    inbox.store(office, "booking", "old", "booking", booking("old", phone="0722000111"))
    apply_all(office)
    form = forms.add(office, "site")
    frozen_clock(NOON + inbox.KEPT - timedelta(hours=1))
    forms.take(office, "site", {"phone": "0722000222"}, form=form, address="10.0.0.9")
    apply_all(office)
    frozen_clock(NOON + inbox.KEPT + timedelta(days=2))
    apply_all(office)
    assert [row.source for row in rows(office)] == ["form"]
    with office.read() as tx:
        assert tx.conn.execute(select(func.count()).select_from(t.throttle)).scalar_one() == 0


# -- forms ------------------------------------------------------------------------------------------------------------
@ONE_ENGINE
def test_a_stranger_fills_only_what_he_may_say_of_himself(office: Office) -> None:
    form = forms.add(office, "Landing Page", source="Referral", origins=["https://ISP.example/contact"])
    assert (form.name, form.origins) == ("landing-page", ("https://isp.example",))
    posted = {
        "Phone Number": "0722 000 111", "name": "Amina", "status": "Converted", "assigned_to": "boss", "score": "99",
        "monthly_fee": "1", "custom.vip": "yes", "message": "call me", "_csrf": "x",
    }  # fmt: skip
    assert forms.take(office, form.name, posted, form=form, address="10.0.0.1")
    assert not forms.take(office, form.name, posted, form=form, address="10.0.0.1")  # the button was pressed twice
    apply_all(office)
    lead = leads.get(office, "0722000111")
    assert (lead.row.status, lead.row.assigned_to, lead.row.source, lead.row.monthly_fee) == (
        "New", None, "Referral", None,
    )  # fmt: skip
    assert lead.custom == {}
    told = lead.activities[0].details or ""
    assert {"status: Converted", "message: call me", "custom.vip: yes"} <= set(told.splitlines())
    assert "_csrf" not in told
    assert lead.row.phone == "+254722000111"


@ONE_ENGINE
def test_a_program_that_fills_in_what_nobody_sees_is_thanked_and_forgotten(office: Office) -> None:
    form = forms.add(office, "site")
    assert not forms.take(office, "site", {"phone": "0722000111", "_gotcha": "http://spam"}, form=form, address="a")
    assert rows(office) == []
    with pytest.raises(Invalid):
        forms.take(office, "site", {"phone": " ", "_x": "y"}, form=form, address="a")


@ONE_ENGINE  # PostgreSQL goes by its own clock
def test_an_address_sends_ten_at_once_then_one_in_six_seconds(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    form = forms.add(office, "site")

    def post(number: int, address: str = "10.0.0.1") -> bool:
        return forms.take(office, "site", {"phone": f"07220001{number:02d}"}, form=form, address=address)

    assert all(post(number) for number in range(forms.BURST))
    with pytest.raises(forms.TooMany) as refused:
        post(10)
    assert refused.value.data["after_s"] == 7
    assert post(11, "10.0.0.2")
    frozen_clock(NOON + timedelta(seconds=7))
    assert post(12)
    with pytest.raises(forms.TooMany):
        post(13)
    assert post(20, "2001:db8::1")
    for number in range(21, 30):  # a whole network of IPv6 is one customer's
        post(number, f"2001:db8::{number}")
    with pytest.raises(forms.TooMany):
        post(30, "2001:db8::ffff")


@ONE_ENGINE
def test_forms_are_the_offices_to_configure(office: Office) -> None:
    add_users(office, "dora:director")
    dora = office.acting(office.catalog.find_user("dora").id)
    for act in (lambda: forms.add(dora, "site"), lambda: forms.list_all(dora), lambda: forms.remove(dora, "site")):
        with pytest.raises(NotPermitted):
            act()
    form = forms.add(office, "site", redirect="https://isp.example/thanks")
    assert forms.find(office, "site", form.key) == form
    for name, key in (("site", "wrong"), ("other", form.key), ("site", "\ud800")):
        with pytest.raises(NotPermitted):
            forms.find(office, name, key)
    for options in ({"redirect": "javascript:alert(1)"}, {"origins": ["isp.example"]}, {"source": "Moon"}):
        with pytest.raises(Invalid):
            forms.add(office, "another", **options)  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        forms.add(office, "???")
    forms.remove(office, "site")
    assert forms.list_all(office) == ()
    assert "forms" not in admin.settings(office)


# -- once for each key ------------------------------------------------------------------------------------------------
def test_a_lead_is_made_once_for_a_key(office: Office) -> None:
    values = {"phone": "0722000111", "name": "Amina"}
    first, is_new = leads.create_once(office, "k1", values)
    again, is_new_again = leads.create_once(office, "k1", values)
    assert (is_new, is_new_again) == (True, False)
    assert again.lead.id == first.lead.id
    assert leads.count(office) == 1
    with pytest.raises(Exception, match="another lead") as reused:
        leads.create_once(office, "k1", {"phone": "0722000222"})
    assert reused.value.code == "key_reused"  # type: ignore[attr-defined]
    with pytest.raises(Invalid):
        leads.create_once(office, "k2", {"phone": "x"})
    leads.create_once(office, "k2", {"phone": "0722000333"})  # what failed did not use the key up
    assert apply_all(office)["inbox"] == 0
