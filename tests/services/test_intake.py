"""The one door for leads from elsewhere: once per reference, linked or created by the house's rules, never lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select, update

from leadtui.errors import Duplicate, Invalid, NotFound, NotPermitted, Refused
from leadtui.services import admin, bookings, conversion, history, intake, leads, lifecycle, status
from leadtui.services.conversion_plan import ConvertRequest
from leadtui.services.office import Office, open_office
from leadtui.store import schema as t
from tests.services.lead_help import LEAD_TABLES, acting_as, add, add_users, dump
from tests.services.test_two_at_once import together

TABLES = (*LEAD_TABLES, "booking", "intake")
BOOKED = {"phone": "0722 000 111", "name": "Asha", "details": {"tour": "Mara"}}


def set_phone_rule(office: Office, rule: str) -> None:
    admin.set_setting(office, "phone_unique", rule)


def tasks(office: Office, lead_id: int) -> list[tuple[str, str | None]]:
    """What is to be done with a lead: words and who."""
    return [(a.subject, a.assigned_to) for a in leads.get(office, lead_id).follow_ups]


def notes(office: Office, lead_id: int) -> list[tuple[str, str | None]]:
    return [(a.subject, a.details) for a in leads.get(office, lead_id).activities if a.type == "note"]


# -- created, linked, known -------------------------------------------------------------------------------------------
def test_a_booking_creates_its_lead_and_comes_in_once(office: Office) -> None:
    made = bookings.add(office, "B-1", BOOKED)
    assert (made.outcome, made.intake.state, made.error, made.warnings) == ("created", "created", None, ())
    assert made.lead is not None
    assert (made.lead.name, made.lead.phone, made.lead.source) == ("Asha", "+254722000111", "Manual Entry")
    detail = leads.get(office, made.lead.id)
    assert [(b.ref, b.details["tour"]) for b in detail.bookings] == [("B-1", "Mara")]
    assert notes(office, made.lead.id) == [("booking B-1 came in", "tour: Mara")]
    assert tasks(office, made.lead.id) == []  # it stands among the leads that nobody has
    before = dump(office, TABLES)
    again = bookings.add(office, " B-1 ", {"phone": "0733 000 999"})
    assert (again.outcome, again.lead and again.lead.id, again.batch) == ("known", made.lead.id, None)
    assert dump(office, TABLES) == before
    assert intake.list_all(office)[0] == 1


def test_a_booking_links_to_the_lead_that_is_there(office: Office) -> None:
    add_users(office, "jane:agent")
    known = add(office, name="Asha M", assigned_to="jane")
    done = bookings.add(office, "B-1", {**BOOKED, "city": "Nakuru", "seats": 2})
    assert (done.outcome, done.lead and done.lead.id) == ("linked", known)
    assert done.warnings == ("'seats' is no field of a lead; it is kept with the booking",)
    detail = leads.get(office, known)
    assert (detail.fields["city"], detail.row.name, detail.row.source) == ("Nakuru", "Asha M", "Website")
    assert notes(office, known) == [("booking B-1 came in", "Name: Asha\ntour: Mara\nseats: 2")]
    assert tasks(office, known) == [("Booking B-1 came in: make contact", "jane")]
    assert detail.row.next_follow_up is not None
    second = bookings.add(office, "B-2", BOOKED)
    assert second.lead is not None
    assert (second.lead.id, len(bookings.list_of(office, known))) == (known, 2)


def test_who_has_the_lead_is_told_else_those_who_may_assign(office: Office) -> None:
    add_users(office, "jane:agent", "dora:director")
    known = add(office, assigned_to="jane")
    bookings.add(office, "B-1", BOOKED)
    bookings.add(office, "B-2", {"phone": "0733 000 111"})
    with office.read() as tx:
        n = t.notification.c
        told = tx.conn.execute(select(n.user_id, n.lead_id, n.text).order_by(n.id)).all()
        login = {user.id: user.login for user in tx.catalog.users}
    assert [(login[user], lead == known, text) for user, lead, text in told] == [
        ("jane", True, "Booking B-1 came in: make contact"),
        ("dora", False, "Booking B-2 came in: make contact (nobody has the lead)"),
    ]


@pytest.mark.parametrize(
    ("known", "comes", "linked"),
    [
        ({"phone": "0722000111"}, {"phone": "+254 722 000 111"}, True),
        ({"alt_phone": "0722000111", "phone": "0733000000"}, {"phone": "0722000111"}, True),
        ({"email": "A@x.org"}, {"email": "a@X.org", "phone": "0733000001"}, True),
        ({"national_id": "12-345"}, {"CNIC": "12 345", "phone": "0733000001"}, True),
        ({"passport": "ab 1"}, {"passport": "AB1", "phone": "0733000001"}, True),
        ({"email": "a@x.org", "passport": "1"}, {"email": "a@x.org", "passport": "2", "phone": "0733000001"}, False),
        ({"city": "Nakuru"}, {"city": "Nakuru", "phone": "0733000001"}, False),
    ],
)  # fmt: skip
def test_whom_it_belongs_to(sqlite_office: Office, known: dict[str, str], comes: dict[str, str], linked: bool) -> None:
    lead_id = add(sqlite_office, **{"phone": "0711000000", **known})
    done = bookings.add(sqlite_office, "B", comes)
    assert done.error is None, done.error
    assert done.outcome == ("linked" if linked else "created")
    assert (done.lead is not None and done.lead.id == lead_id) is linked


@pytest.mark.parametrize(
    ("rule", "name", "outcome"),
    [("block", "Zed", "linked"), ("warn", "Zed", "linked"), ("off", "Zed", "created"), ("off", "ASHA", "linked")],
)
def test_the_house_rule_for_phones(sqlite_office: Office, rule: str, name: str, outcome: str) -> None:
    set_phone_rule(sqlite_office, rule)
    add(sqlite_office, name="Asha")
    assert bookings.add(sqlite_office, "B", {**BOOKED, "name": name}).outcome == outcome


def test_another_paper_is_another_person_who_may_not_share_a_blocked_phone(sqlite_office: Office) -> None:
    add(sqlite_office, national_id="1")
    comes = {**BOOKED, "national_id": "2"}
    refused = bookings.add(sqlite_office, "B-1", comes)
    assert (refused.outcome, refused.intake.field) == ("failed", "phone")
    set_phone_rule(sqlite_office, "warn")
    done = intake.retry(sqlite_office, refused.intake.id)
    assert (done.outcome, len(done.warnings)) == ("created", 1)


def test_of_several_the_clear_one_is_taken_or_a_person_decides(office: Office) -> None:
    set_phone_rule(office, "warn")
    one, two = add(office, name="Asha", national_id="7"), add(office, name="Brian")
    assert bookings.add(office, "by-name", {**BOOKED, "name": "brian"}).lead == leads.get(office, two).row
    by_paper = bookings.add(office, "by-paper", {**BOOKED, "name": "X", "national_id": "7"})
    assert by_paper.lead is not None
    assert by_paper.lead.id == one
    failed = bookings.add(office, "which", {**BOOKED, "name": "X"})
    assert failed.error is not None
    assert (failed.error.code, failed.error.field) == ("several_leads", "lead")
    done = intake.retry(office, failed.intake.id, lead=two)
    assert (done.outcome, done.lead and done.lead.id) == ("linked", two)
    status.lose(office, two, "No answer")
    still_open = bookings.add(office, "open", {**BOOKED, "name": "X"})
    assert still_open.lead is not None
    assert still_open.lead.id == one
    add(office, "0733000222", national_id="8")
    split = bookings.add(office, "split", {"phone": "0733000222", "national_id": "7"})
    assert split.error is None  # who has another paper is somebody else: only the paper counts
    assert split.lead is not None
    assert split.lead.id == one


# -- leads that are no longer open ------------------------------------------------------------------------------------
def test_a_returning_customer_a_lost_lead_a_deleted_one(office: Office) -> None:
    ids = {n: add(office, f"072200000{n}") for n in (1, 2, 3)}
    conversion.convert(office, ids[1], ConvertRequest())
    status.lose(office, ids[2], "No answer")
    lifecycle.delete(office, ids[3])
    done = {n: bookings.add(office, f"B-{n}", {"phone": f"072200000{n}", "email": f"a{n}@x.org"}) for n in ids}
    assert [done[n].outcome for n in ids] == ["linked", "linked", "created"]
    assert tasks(office, ids[1]) == [("Booking B-1 of a returning customer", None)]
    assert tasks(office, ids[2]) == [("Booking B-2 of a lost lead: reopen it?", None)]
    assert leads.get(office, ids[1]).row.is_converted
    lost = leads.get(office, ids[2]).row
    assert (lost.is_lost, lost.email) == (True, "a2@x.org")
    assert done[3].lead is not None
    assert done[3].lead.id not in ids.values()


def test_a_known_booking_whose_lead_was_deleted_brings_nothing_back(sqlite_office: Office) -> None:
    done = bookings.add(sqlite_office, "B-1", BOOKED)
    assert done.lead is not None
    lifecycle.delete(sqlite_office, done.lead.id)
    again = bookings.add(sqlite_office, "B-1", BOOKED)
    assert (again.outcome, again.lead and again.lead.is_deleted) == ("known", True)
    assert any("deleted" in words for words in again.warnings)


# -- what fails is kept -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("payload", "field", "right"),
    [
        ({"phone": "12", "name": "Asha"}, "phone", {"phone": "0722000111"}),
        ({"name": "Asha"}, "phone", {"phone": "0722000111"}),
        ({"phone": "0722000111", "source": "Nowhere"}, "source", {"source": ""}),
        ({"phone": "0722000111", "email": "x"}, "email", {"email": "a@x.org"}),
        ({"phone": "0722000111", "Mobile number": "0733000111"}, "phone", {"phone": "0733000111"}),
        ({"phone": "0722000111", "name": "x" * 300}, "name", {"name": "X"}),
    ],
)
def test_what_fails_is_kept_as_it_came_and_corrected(
    sqlite_office: Office, payload: dict[str, Any], field: str, right: dict[str, str]
) -> None:
    before = dump(sqlite_office, LEAD_TABLES)
    failed = bookings.add(sqlite_office, "B-1", payload)
    assert (failed.outcome, failed.lead, failed.batch) == ("failed", None, None)
    assert (failed.intake.state, dict(failed.intake.payload), failed.intake.field) == ("failed", payload, field)
    refusal = failed.refusal()
    assert refusal is not None
    assert (refusal.exit_code, refusal.field, refusal.data["intake"]) == (5, field, failed.intake.id)
    assert f"number {failed.intake.id}" in refusal.message
    assert dump(sqlite_office, LEAD_TABLES) == before
    assert history.batch_count(sqlite_office) == 0
    assert [one.id for one in intake.list_failed(sqlite_office)[1]] == [failed.intake.id]
    worse = intake.retry(sqlite_office, failed.intake.id, {"phone": "1"})
    assert (worse.outcome, worse.intake.attempts, dict(worse.intake.payload)) == ("failed", 2, payload)
    assert worse.intake.corrections == {"phone": "1"}
    done = intake.retry(sqlite_office, failed.intake.id, {"phone": "0722000111", **right})
    assert (done.outcome, done.intake.state, done.intake.error) == ("created", "created", None)
    assert dict(done.intake.payload) == payload
    assert intake.list_failed(sqlite_office) == (0, ())
    with pytest.raises(Refused, match="has its lead already"):
        intake.retry(sqlite_office, failed.intake.id)
    with pytest.raises(Refused, match="has its lead already"):
        intake.drop(sqlite_office, failed.intake.id, "why")


def test_a_failed_one_that_is_sent_again_is_tried_again(sqlite_office: Office) -> None:
    failed = bookings.add(sqlite_office, "B-1", {"phone": "1"})
    assert bookings.add(sqlite_office, "B-1", {"phone": "2"}).intake.attempts == 2
    done = bookings.add(sqlite_office, "B-1", BOOKED)
    assert (done.outcome, done.intake.id, done.intake.attempts) == ("created", failed.intake.id, 3)


def test_a_dropped_one_stays_dropped_until_a_person_takes_it(sqlite_office: Office) -> None:
    failed = bookings.add(sqlite_office, "B-1", {"phone": "1"})
    with pytest.raises(Invalid):
        intake.drop(sqlite_office, failed.intake.id, " ")
    assert intake.drop(sqlite_office, "B-1", "spam").error == "spam"
    assert intake.list_failed(sqlite_office) == (0, ())
    with pytest.raises(Refused, match="was dropped: spam") as refused:
        bookings.add(sqlite_office, "B-1", BOOKED)
    assert refused.value.code == "dropped"
    assert intake.retry(sqlite_office, "B-1", {"phone": "0722000111"}).outcome == "created"


def test_hostile_payloads_lose_nothing(office: Office) -> None:
    nasty: dict[str, Any] = {
        "phone": "0722000111", "name": "[b]A[/]\x00\x1b[2J\u202e", "x" * 200: "\x00\ud800", "n": float("nan"),
        "big": 10**40, "deep": {"a": [{"b": [1, None, True]}]}, "Custom": {"k": "v"}, "remarks": "a\nb", "when": object,
    }  # fmt: skip
    done = bookings.add(office, "B\n1\x00", nasty)
    assert (done.outcome, done.intake.ref) == ("created", "B 1")
    assert done.lead is not None
    assert (done.lead.name or "").startswith("[b]A[/]")
    assert "\x1b" not in (done.lead.name or "")
    assert leads.get(office, done.lead.id).custom == {"k": "v"}
    with pytest.raises(Invalid):
        bookings.add(office, "B-2", {"phone": "1", "file": "x" * 300_000})
    for ref in ("", "  ", "x" * 101):
        with pytest.raises(Invalid):
            bookings.add(office, ref, BOOKED)
    with pytest.raises(Invalid):
        intake.receive(office, "a b; c", "1", BOOKED)


def test_a_mistake_of_the_program_loses_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    before = dump(office, LEAD_TABLES)
    with monkeypatch.context() as patched:
        patched.setattr("leadtui.services.bookings.keep", broken)
        failed = bookings.add(office, "B-1", BOOKED)
    assert failed.error is not None
    assert (failed.error.code, "ZeroDivisionError" in failed.error.message) == ("bug", True)
    assert dump(office, LEAD_TABLES) == before
    assert intake.retry(office, "B-1").outcome == "created"


def test_a_rehearsal_writes_nothing(office: Office) -> None:
    before = dump(office, t.metadata.tables, but=())
    assert bookings.add(office, "B-1", BOOKED, dry_run=True).outcome == "created"
    assert bookings.add(office, "B-1", {"phone": "1"}, dry_run=True).outcome == "failed"
    assert dump(office, t.metadata.tables, but=()) == before


def test_a_booking_by_hand_belongs_to_the_lead_named(office: Office) -> None:
    one, two = add(office), add(office, "0733000222")
    done = bookings.add(office, "B-1", {"details": {"what": "Mara"}}, lead=two)
    assert (done.outcome, done.lead and done.lead.id, len(tasks(office, two))) == ("linked", two, 1)
    with pytest.raises(Duplicate, match="belongs to LD-"):
        bookings.add(office, "B-1", {}, lead=one)
    with pytest.raises(NotFound):
        bookings.add(office, "B-2", {}, lead=99)
    mine = add(office, "0733000333", assigned_to="boss")
    bookings.add(office, "B-3", {}, lead=mine)
    assert tasks(office, mine) == []  # who noted it knows it


# -- the conversion step ----------------------------------------------------------------------------------------------
def with_booking_step(office: Office) -> None:
    with office.write() as tx:
        tx.conn.execute(update(t.pipeline).values(conversion_steps_json=["customer", "booking_link"]))
        tx.catalog_changed()


def test_a_conversion_links_the_booking_that_is_there(office: Office) -> None:
    with_booking_step(office)
    done = bookings.add(office, "B-1", BOOKED)
    assert done.lead is not None
    shown = conversion.plan(office, done.lead.id, ConvertRequest())
    assert [row.what for row in shown.steps][-1] == "link booking B-1"
    converted = conversion.convert(office, done.lead.id, ConvertRequest())
    assert converted.warnings == ()
    told = next(a for a in leads.get(office, done.lead.id).activities if a.type == "conversion")
    assert told.subject.endswith(", booking B-1")
    assert told.metadata["bookings"] == ["B-1"]
    assert all("Link the booking" not in subject for subject, _ in tasks(office, done.lead.id))


def test_a_booking_that_comes_after_the_conversion_does_its_task(office: Office) -> None:
    with_booking_step(office)
    lead_id = add(office)
    conversion.convert(office, lead_id, ConvertRequest())
    assert tasks(office, lead_id) == [("Link the booking of the new customer", "boss")]
    done = bookings.add(office, "B-1", BOOKED)
    assert (done.outcome, tasks(office, lead_id)) == ("linked", [])
    assert leads.get(office, lead_id).row.next_follow_up is None
    history.undo(office, done.batch)
    assert tasks(office, lead_id) == [("Link the booking of the new customer", "boss")]


# -- undo, delete, purge ----------------------------------------------------------------------------------------------
def test_undo_takes_back_lead_booking_and_reference(office: Office) -> None:
    known = add(office, "0733000111", assigned_to="boss")
    start = dump(office, TABLES)
    for phone in ("0722000111", "0733000111"):
        done = bookings.add(office, "B-1", {"phone": phone, "city": "Nakuru"})
        assert done.error is None
        assert history.undo(office, done.batch).refused == ()
        assert dump(office, TABLES) == start
    failed = bookings.add(office, "B-1", {"phone": "1"})
    before = dump(office, TABLES, but=("lead.version", "intake.payload_json"))
    done = intake.retry(office, failed.intake.id, {"phone": "0733000111"})
    history.undo(office, done.batch)
    assert dump(office, TABLES, but=("lead.version", "intake.payload_json")) == before
    done = intake.retry(office, failed.intake.id)
    leads.edit(office, known, {"name": "Asha"})
    assert history.undo(office, done.batch).restored == 0  # the lead moved on: it keeps its booking
    assert len(bookings.list_of(office, known)) == 1


def test_a_purge_leaves_nothing_of_the_booking(office: Office) -> None:
    done = bookings.add(office, "B-1", {**BOOKED, "details": {"tour": "SECRETWORD"}})
    assert done.lead is not None
    lifecycle.delete(office, done.lead.id)
    assert dump(office, ["booking"])["booking"] != []  # deleted leads keep what they have
    lifecycle.purge(office, done.lead.id)
    assert "SECRETWORD" not in str(dump(office, t.metadata.tables, but=()))
    assert dump(office, ["booking", "intake"]) == {"booking": [], "intake": []}
    assert bookings.add(office, "B-1", BOOKED).outcome == "created"


# -- who may --------------------------------------------------------------------------------------------------------
def test_who_may_and_who_sees(office: Office) -> None:
    add_users(office, "jane:agent", "ann:agent", "tom:technician")
    foreign = add(office, assigned_to="ann", name="SECRETWORD")
    with acting_as(office, "tom") as tom:
        for call in (lambda: bookings.add(tom, "B", BOOKED), lambda: intake.list_all(tom), lambda: intake.get(tom, 1)):
            with pytest.raises(NotPermitted):
                call()
        assert intake.list_failed(tom) == (0, ())
    with acting_as(office, "jane") as jane:
        told = bookings.add(jane, "B-1", BOOKED)
        assert told.error is not None
        assert "owned by ann" in told.error.message
        assert "SECRETWORD" not in f"{told}"
        assert intake.list_failed(jane)[0] == 1
        own = bookings.add(jane, "B-2", {"phone": "0733000111"})
        assert own.lead is not None
        assert own.lead.assigned_to == "jane"
    with acting_as(office, "ann") as ann:
        assert intake.list_all(ann) == (0, ())
        with pytest.raises(NotFound):
            intake.get(ann, told.intake.id)
        with pytest.raises(NotFound):
            intake.retry(ann, told.intake.id)
        with pytest.raises(NotFound):
            intake.drop(ann, told.intake.id, "x")
    done = intake.retry(office, told.intake.id)
    assert (done.outcome, done.lead and done.lead.id) == ("linked", foreign)
    with acting_as(office, "jane") as jane:
        again = bookings.add(jane, "B-1", BOOKED)
        assert (again.outcome, again.lead, again.intake.lead_number) == ("known", None, None)
    with acting_as(office, "ann") as ann:
        assert [one.ref for one in intake.list_all(ann)[1]] == ["B-1"]


# -- many at once -----------------------------------------------------------------------------------------------------
def test_one_reference_and_one_phone_from_many_sides_at_once(office: Office) -> None:
    set_phone_rule(office, "warn")
    same = together(*(lambda: bookings.add(office, "B-1", BOOKED) for _ in range(4)))
    assert sorted(r.outcome for r in same) == ["created", "known", "known", "known"]
    assert len({r.lead.id for r in same}) == 1
    others = together(*(lambda n=n: bookings.add(office, f"C-{n}", {"phone": "0733000111"}) for n in range(4)))
    assert sorted(r.outcome for r in others) == ["created", "linked", "linked", "linked"]
    assert leads.count(office) == 2


_ADD = """
import os, signal, sys
from leadtui.services import bookings, intake_placing
from leadtui.services.office import open_office
office = open_office(sys.argv[1], as_login="boss", origin="test")
if sys.argv[2] == "die":
    keep = bookings.keep
    def dying(tx, *args):
        keep(tx, *args)
        tx.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    bookings.keep = dying
print("READY", flush=True)
sys.stdin.readline()
print(bookings.add(office, "B-1", {"phone": "0722000111"}).outcome, flush=True)
"""


def test_two_processes_and_one_that_dies_in_the_middle(office: Office, db_url: str) -> None:
    start = dump(office, TABLES)
    office.close()

    def process(how: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", _ADD, db_url, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ),
        )  # fmt: skip

    dying, *living = [process("die"), process("live"), process("live")]
    for one in (dying, *living):
        assert one.stdout is not None
        assert one.stdout.readline() == "READY\n"
    assert dying.communicate("go\n", timeout=60)[0] == ""
    assert dying.returncode == -signal.SIGKILL
    assert dump(office, TABLES) == start  # all of it is gone, and the reference is free
    for one in living:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = sorted(one.communicate(timeout=60)[0].strip() for one in living)
    assert said == ["created", "known"]
    with_it = open_office(db_url)
    try:
        assert (leads.count(with_it), intake.list_all(with_it)[0]) == (1, 1)
    finally:
        with_it.close()


def test_the_event_is_written_with_it_and_closed(office: Office) -> None:
    from leadtui.services import events

    bookings.add(office, "B-1", BOOKED)
    bookings.add(office, "B-2", {"phone": "1"})
    with office.read() as tx:
        kinds = list(tx.conn.execute(select(t.event.c.kind).where(t.event.c.kind == events.CAME_IN)).scalars())
    assert kinds == [events.CAME_IN]
    events.handle_open(office)
    with office.read() as tx:
        assert events.waiting(tx) == 0
