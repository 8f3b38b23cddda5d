"""Moving, losing, reopening (spec §E2, §M, AG19, AG20, AJ12, AJ32), on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from leadtui.errors import IllegalMove, Invalid, Locked, NotPermitted, Refused
from leadtui.services import admin, conversion, leads, status
from leadtui.services.conversion_plan import ConvertRequest
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users, dump, history_of

Move = Callable[[datetime], None]


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, tzinfo=UTC)


def test_every_move_is_history_with_who_when_why_and_how_long(office: Office, frozen_clock: Move) -> None:
    lead_id = add(office)
    frozen_clock(at(9, 30))
    done = status.set_status(office, lead_id, "contacted", reason="rang", notes="wants a price")
    assert (done.lead.status, done.changed, done.warnings) == ("Contacted", ("status",), ())
    frozen_clock(at(11))
    status.set_status(office, lead_id, "Site Survey Scheduled")
    detail = leads.get(office, lead_id)
    assert [
        (e.status, e.previous, e.changed_by, e.changed_at, e.reason, e.seconds_in_stage) for e in detail.status_history
    ] == [
        ("New", None, "boss", at(9), None, None),
        ("Contacted", "New", "boss", at(9, 30), "rang", 1800),
        ("Site Survey Scheduled", "Contacted", "boss", at(11), None, 5400),
    ]
    assert detail.fields["stage_changed_at"] == at(11)
    written = [(a.type, a.subject, a.details) for a in detail.activities]
    assert written == [
        ("status_change", "Contacted → Site Survey Scheduled", None),
        ("status_change", "New → Contacted", "rang\nwants a price"),
    ]
    with office.read() as tx:
        probability = tx.conn.exec_driver_sql("SELECT probability FROM lead").scalar_one()
    assert probability == pytest.approx(0.7)  # that of the stage (spec E2 57, AI1)


def test_a_move_to_the_same_status_leaves_nothing(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office)
    before = dump(office, but=())
    done = status.set_status(office, lead_id, "New")
    assert done.warnings == ("it has this status already",)
    assert done.changed == ()
    assert dump(office, but=()) == before


@pytest.mark.parametrize(
    ("target", "reason", "error", "field"),
    [
        ("Converted", None, IllegalMove, "status"),
        ("Converted", "because", IllegalMove, "status"),
        ("Not Interested", None, Invalid, "reason"),
        ("Not Interested", "   ", Invalid, "reason"),
        ("Nowhere", None, Invalid, "status"),
        ("Contacted", "x" * 2001, Invalid, "reason"),
    ],
)
def test_moves_that_are_refused_change_nothing(
    sqlite_office: Office, target: str, reason: str | None, error: type[Refused], field: str
) -> None:
    office = sqlite_office
    lead_id = add(office)
    before = dump(office, but=())
    with pytest.raises(error) as refused:
        status.set_status(office, lead_id, target, reason=reason)
    assert refused.value.field == field
    assert dump(office, but=()) == before


def test_a_step_back_needs_a_reason_only_where_the_pipeline_says_so(sqlite_office: Office) -> None:
    office = sqlite_office
    admin.add_preset(office, "real-estate")
    quick = add(office, "0722000001", status="Interested")
    careful = add(office, "0722000002", pipeline="real-estate", status="Property Shown")
    assert status.set_status(office, quick, "New").lead.status == "New"
    with pytest.raises(Invalid) as refused:
        status.set_status(office, careful, "Qualified")
    assert (refused.value.field, refused.value.code) == ("reason", "reason_required")
    assert status.set_status(office, careful, "Qualified", reason="was never shown").lead.status == "Qualified"
    assert status.set_status(office, careful, "Under Contract").lead.status == "Under Contract"
    assert history_of(office, careful)[-2:] == [("Qualified", "was never shown"), ("Under Contract", None)]


def test_edit_obeys_the_same_rules(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office)
    for target, error in (("Converted", IllegalMove), ("Not Interested", Invalid)):
        with pytest.raises(error):
            leads.edit(office, lead_id, {"status": target, "name": "x"})
    assert leads.get(office, lead_id).row.name is None
    leads.edit(office, lead_id, {"status": "Contacted"})
    assert history_of(office, lead_id) == [("New", None), ("Contacted", None)]


def test_a_converted_lead_is_locked_until_it_is_reopened(office: Office) -> None:
    lead_id = add(office, name="Achieng", status="Interested")
    conversion.convert(office, lead_id, ConvertRequest())
    row = leads.get(office, lead_id).row
    assert (row.status, row.is_converted) == ("Converted", True)
    before = dump(office, but=())
    for act in (
        lambda: status.set_status(office, lead_id, "New", reason="x"),
        lambda: status.lose(office, lead_id, "gone"),
        lambda: leads.edit(office, lead_id, {"status": "Interested"}),
    ):
        with pytest.raises(Locked):
            act()
    with pytest.raises(Invalid):
        status.reopen(office, lead_id, "  ")
    assert dump(office, but=()) == before
    again = status.reopen(office, lead_id, "cheque bounced").lead
    assert (again.status, again.is_converted, again.customer_id) == ("Interested", False, None)
    assert leads.get(office, lead_id).fields["converted_at"] is None
    assert history_of(office, lead_id)[-1] == ("Interested", "cheque bounced")


def test_losing_and_reopening(office: Office, frozen_clock: Move) -> None:
    lead_id = add(office, status="Site Survey Scheduled")
    with pytest.raises(Invalid) as refused:
        status.lose(office, lead_id, " ")
    assert refused.value.field == "reason"
    frozen_clock(at(12))
    lost = status.lose(office, lead_id, "chose a COMPETITOR").lead
    assert (lost.status, lost.is_lost) == ("Not Interested", True)
    detail = leads.get(office, lead_id)
    assert (detail.fields["lost_reason"], detail.fields["lost_at"]) == ("chose a COMPETITOR", at(12))
    with pytest.raises(Refused) as twice:
        status.lose(office, lead_id, "again")
    assert twice.value.code == "already_lost"
    with pytest.raises(Invalid):
        status.reopen(office, lead_id, "back", status="Converted")
    assert status.reopen(office, lead_id, "they rang").lead.status == "Site Survey Scheduled"
    detail = leads.get(office, lead_id)
    assert (detail.fields["lost_reason"], detail.fields["lost_at"]) == (None, None)
    with pytest.raises(Refused) as open_one:
        status.reopen(office, lead_id, "again")
    assert open_one.value.code == "not_closed"


def test_a_known_lost_reason_is_counted_and_free_text_is_kept(sqlite_office: Office) -> None:
    office = sqlite_office
    counted, free = add(office, "0722000001"), add(office, "0722000002")
    status.lose(office, counted, "too expensive")
    status.lose(office, free, "the dog ate the contract")
    with office.read() as tx:
        found = dict(tx.conn.exec_driver_sql("SELECT id, lost_reason_id FROM lead").fetchall())
        named = {r.id: r.name for r in tx.catalog.lost_reasons}
    assert named[found[counted]] == "Too expensive"
    assert found[free] is None
    assert leads.get(office, free).fields["lost_reason"] == "the dog ate the contract"


def test_moving_out_of_lost_by_status_clears_what_lost_left(office: Office) -> None:
    lead_id = add(office)
    status.lose(office, lead_id, "No answer")
    moved = status.set_status(office, lead_id, "Future Prospect").lead
    assert (moved.status, moved.is_lost) == ("Future Prospect", False)
    assert leads.get(office, lead_id).fields["lost_at"] is None
    assert {r.id for r in leads.search(office, "is:parked").rows} == {lead_id}


def test_the_first_active_lost_status_is_taken_unless_one_is_named(sqlite_office: Office) -> None:
    office = sqlite_office
    admin.add(office, "status", {"name": "Unreachable", "lost": "yes"})
    first, second, third = (add(office, f"072200000{n}") for n in range(3))
    assert status.lose(office, first, "x").lead.status == "Not Interested"
    assert status.lose(office, second, "x", status="Unreachable").lead.status == "Unreachable"
    with pytest.raises(Invalid) as refused:
        status.lose(office, third, "x", status="Contacted")
    assert refused.value.field == "status"
    admin.retire(office, "status", "Not Interested")
    assert status.lose(office, third, "x").lead.status == "Unreachable"


def test_a_retired_status_is_offered_to_nobody_and_its_leads_keep_it(sqlite_office: Office) -> None:
    office = sqlite_office
    kept, other = add(office, "0722000001", status="Interested"), add(office, "0722000002")
    admin.retire(office, "status", "Interested")
    assert leads.get(office, kept).row.status == "Interested"
    assert leads.edit(office, kept, {"city": "Nakuru"}).lead.status == "Interested"
    for act in (
        lambda: status.set_status(office, other, "Interested"),
        lambda: add(office, "0722000003", status="Interested"),
    ):
        with pytest.raises(Invalid) as refused:
            act()
        assert refused.value.field == "status"
    # Nor is it the status to which a lead is reopened.
    status.lose(office, kept, "No answer")
    assert status.reopen(office, kept, "again").lead.status == "New"


def test_a_stale_version_refuses_the_move(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office)
    seen = leads.get(office, lead_id).row.version
    leads.edit(office, lead_id, {"city": "Nakuru"})
    with pytest.raises(Refused) as refused:
        status.set_status(office, lead_id, "Contacted", version=seen)
    assert refused.value.code == "edited_elsewhere"
    assert leads.get(office, lead_id).row.status == "New"


def test_a_technician_moves_leads_only_from_or_to_the_survey(sqlite_office: Office) -> None:
    office = sqlite_office
    add_users(office, "tom:technician")
    surveyed = add(office, "0722000001", assigned_to="tom", status="Site Survey Scheduled")
    fresh = add(office, "0722000002", assigned_to="tom")
    with acting_as(office, "tom") as tom:
        with pytest.raises(NotPermitted) as refused:
            status.set_status(tom, fresh, "Interested")
        assert refused.value.field == "status"
        assert status.set_status(tom, fresh, "Site Survey Scheduled").lead.status == "Site Survey Scheduled"
        assert status.set_status(tom, surveyed, "Interested").lead.status == "Interested"
        with pytest.raises(NotPermitted):  # a decline is `lose`, which he may not
            status.set_status(tom, fresh, "Not Interested", reason="no line of sight")
        with pytest.raises(NotPermitted):
            status.set_status(tom, surveyed, "Contacted")


def test_a_status_of_another_pipeline_does_not_exist_here(sqlite_office: Office) -> None:
    admin.add_preset(sqlite_office, "real-estate")
    lead_id = add(sqlite_office)
    with pytest.raises(Invalid) as refused:
        status.set_status(sqlite_office, lead_id, "Under Contract")
    assert "Interested" in (refused.value.hint or "")
