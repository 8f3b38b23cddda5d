"""First online: written once, with its moment, on the lead's timeline; and who never was."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from leadtui.errors import NotPermitted
from leadtui.router.port import ActiveSession
from leadtui.router.simulator import FaultPlan, FaultRule, Simulator
from leadtui.services import admin, leads, lifecycle
from leadtui.services.capacity import poll, poll_due
from leadtui.services.first_online import began_at, never_online, note_sessions
from leadtui.services.office import Office
from leadtui.store import schema as t

from .watch_help import customer_user, online, router, rows, user_row

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def events(office: Office) -> list[tuple[str, int | None]]:
    return [(row.kind, row.lead_id) for row in rows(office, t.event, t.event.c.kind == "customer.first_online")]


def test_the_first_session_is_a_milestone(
    office: Office, simulator: Simulator, frozen_clock: Callable[[datetime], None]
) -> None:
    wl = router(office, "WL-1", simulator)
    user = customer_user(office, wl, "achieng", made=AT - timedelta(hours=1))
    poll(office)
    assert user_row(office, user).first_online_at is None
    online(simulator, "achieng", address="10.20.0.77", uptime="4m10s")
    (answer,) = poll(office)
    assert (answer.error, answer.first_seen) == (None, 1)
    row = user_row(office, user)
    assert (row.first_online_at, row.first_online_ip) == (AT - timedelta(minutes=4, seconds=10), "10.20.0.77")
    (told,) = [one for one in leads.get(office, row.lead_id).activities if one.type == "milestone"]
    assert told.subject == "First online at 2026-11-20 11:55"  # the office's time: Nairobi
    assert told.details == "achieng on WL-1 with 10.20.0.77; up 4m10s when seen"
    assert (told.completed_at, told.created_by) == (row.first_online_at, "system")
    assert events(office) == [("customer.first_online", row.lead_id)]
    (event,) = rows(office, t.event)
    assert event.payload_json == {
        "customer_id": row.customer_id, "router": "WL-1", "username": "achieng", "service": "pppoe",
        "ip": "10.20.0.77", "uptime": "4m10s", "at": row.first_online_at.isoformat(),
    }  # fmt: skip
    (audit,) = rows(office, t.audit, t.audit.c.action == "first_online")
    assert (audit.entity, audit.entity_id, audit.user_id) == ("router_user", user, event.by_id)
    frozen_clock(AT + timedelta(hours=3))  # another session, another time: it was the first only once
    assert poll(office)[0].first_seen == 0
    assert user_row(office, user) == row
    assert len(events(office)) == 1


def test_two_pollers_write_it_once(office: Office, simulator: Simulator) -> None:
    wl = router(office, "WL-1", simulator)
    ids = [customer_user(office, wl, f"user{number}") for number in range(4)]
    for number in range(4):
        online(simulator, f"user{number}")
    gate = threading.Barrier(2)
    seen: list[int] = []

    def ask() -> None:
        gate.wait(10)
        seen.append(sum(answer.first_seen for answer in poll(office)))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(seen), sum(seen)) == (2, 4)
    assert len(events(office)) == 4
    assert all(user_row(office, one).first_online_at is not None for one in ids)
    assert len(rows(office, t.activity, t.activity.c.type == "milestone")) == 4


def test_between_the_look_and_the_write(office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that comes second finds it set although it was not when it looked."""
    wl = router(office, "WL-1", simulator)
    user = customer_user(office, wl, "achieng")
    session = ActiveSession("achieng", "pppoe", "10.20.0.77", uptime="1m")
    now = datetime.now(UTC)
    original = Office.as_system
    counts: list[int] = []

    def late(self: Office) -> object:
        monkeypatch.setattr(Office, "as_system", original)
        counts.append(note_sessions(office, wl, "pppoe", [session], now))
        return original(self)

    monkeypatch.setattr(Office, "as_system", late)
    counts.append(note_sessions(office, wl, "pppoe", [session], now + timedelta(minutes=9)))
    assert counts == [1, 0]
    assert len(events(office)) == 1
    first = user_row(office, user).first_online_at
    assert abs(first - now) <= timedelta(minutes=1)


def test_only_who_is_meant(sqlite_office: Office, simulator: Simulator) -> None:
    office = sqlite_office
    wl, other = router(office, "WL-1", simulator), router(office, "WL-2")
    hotspot = customer_user(office, wl, "achieng", service="hotspot")
    elsewhere = customer_user(office, other, "brian")
    mine = customer_user(office, wl, "chao")
    session = [ActiveSession(name, "pppoe", None, uptime="1s") for name in ("achieng", "brian", "jane.w", "CHAO")]
    assert note_sessions(office, wl, "pppoe", session, datetime.now(UTC)) == 0
    assert [user_row(office, one).first_online_at for one in (hotspot, elsewhere, mine)] == [None] * 3
    assert events(office) == []


def test_hotspot_sessions_are_seen_too(sqlite_office: Office, simulator: Simulator) -> None:
    office = sqlite_office
    wl = router(office, "WL-1", simulator)
    user = customer_user(office, wl, "achieng", service="hotspot")
    row = {"user": "achieng", "address": "10.30.0.9", "mac-address": "4C:5E:0C:00:00:02", "uptime": "7s"}
    simulator.state.put("/ip/hotspot/active", row)
    assert poll_due(office)[0].first_seen == 1
    assert user_row(office, user).first_online_ip == "10.30.0.9"


def test_a_router_without_hotspot(sqlite_office: Office) -> None:
    office = sqlite_office
    faults = FaultPlan([FaultRule("/ip/hotspot/active", "no_menu", -1)])
    with Simulator(faults=faults) as simulator:
        wl = router(office, "WL-1", simulator)
        customer_user(office, wl, "achieng", service="hotspot")
        user = customer_user(office, wl, "brian")
        online(simulator, "brian")
        (answer,) = poll(office)
    assert (answer.error, answer.first_seen) == (None, 1)
    assert user_row(office, user).first_online_at is not None


@pytest.mark.parametrize(
    ("uptime", "seconds"),
    [
        ("4m10s", 250), ("1w2d3h4m5s", 788_645), ("3d4h12m", 274_320), ("59s", 59), ("00:04:10", 250),
        ("1d02:00:00", 93_600), ("2w1d00:00:01", 1_296_001), ("250ms", 0), ("1s500ms", 1), ("", 0), ("soon", 0),
        ("-5s", 0), ("٣m", 0), ("99999w99999w", 0), ("4m10s\x1b[31m", 0),
    ],
)  # fmt: skip
def test_when_a_session_began(uptime: str, seconds: int) -> None:
    assert began_at(uptime, AT, AT - timedelta(days=99_999 * 7)) == AT - timedelta(seconds=seconds)


def test_it_began_not_before_the_user_was_made() -> None:
    made = AT - timedelta(minutes=5)
    assert began_at("3d", AT, made) == made
    assert began_at("9999w9999d99999h", AT, made) == made
    assert began_at("1s", AT, AT + timedelta(hours=1)) == AT  # made by a machine whose clock goes ahead


def test_never_online(
    office: Office, acting: Callable[[str], Office], frozen_clock: Callable[[datetime], None]
) -> None:
    for login in ("jane", "ann"):
        admin.add_user(office, {"login": login, "name": login.title(), "role": "agent"})
    admin.add_user(office, {"login": "adm", "name": "Adm", "role": "admin"})
    wl = router(office, "WL-1")
    days = timedelta(days=1)
    customer_user(office, wl, "young", made=AT - 2 * days)
    customer_user(office, wl, "old", made=AT - 9 * days, assign="jane")
    customer_user(office, wl, "older", made=AT - 12 * days, assign="ann")
    customer_user(office, wl, "suspended", made=AT - 9 * days, state="suspended")
    came = customer_user(office, wl, "came", made=AT - 9 * days)
    customer_user(office, wl, "exactly", made=AT - 3 * days)
    note_sessions(office, wl, "pppoe", [ActiveSession("came", "pppoe", uptime="1s")], AT)
    assert user_row(office, came).first_online_at is not None
    found = never_online(office)
    assert [(one.username, one.days, one.assigned_to) for one in found] == [
        ("older", 12, "ann"), ("old", 9, "jane"), ("exactly", 3, None),
    ]  # fmt: skip
    (oldest, *_) = found
    assert (oldest.customer, oldest.router, oldest.service, oldest.since) == ("older", "WL-1", "pppoe", AT - 12 * days)
    assert oldest.lead_number == leads.get(office, oldest.lead_id or 0).row.number
    assert [one.username for one in never_online(office, 10)] == ["older"]
    assert [one.username for one in never_online(office, 0)] == ["older", "old", "exactly", "young"]
    admin.set_setting(office, "never_online_days", "10")
    assert [one.username for one in never_online(office)] == ["older"]
    assert [one.username for one in never_online(acting("jane"), 1)] == ["old"]
    with pytest.raises(NotPermitted):
        never_online(acting("adm"))
    frozen_clock(AT + timedelta(days=8))
    assert [one.username for one in never_online(office)] == ["older", "old", "exactly", "young"]


def test_a_lead_that_was_reopened_is_no_customer(sqlite_office: Office) -> None:
    office = sqlite_office
    from leadtui.services.conversion import ConvertRequest, convert

    wl = router(office, "WL-1")
    lead_id = leads.create(office, {"name": "Achieng", "phone": "0722600100", "source": "Caretaker"}).lead.id
    convert(office, lead_id, ConvertRequest())
    customer_user(office, wl, "achieng", lead_id=lead_id, made=datetime.now(UTC) - timedelta(days=9))
    assert [one.lead_id for one in never_online(office)] == [lead_id]
    lifecycle.reopen(office, lead_id, "moved away")
    assert never_online(office) == ()
