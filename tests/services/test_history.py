"""Batches, undo and the audit: what was changed since is never overwritten (contract answer 12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadtui.errors import NotFound, Refused
from leadtui.services import activities, bulk, conversion, history, intake, leads, lifecycle, status
from leadtui.services.activities import LogEntry
from leadtui.services.bulk import Act, Target
from leadtui.services.conversion_plan import ConvertRequest
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users, dump, everything

Move = Callable[[datetime], None]


def last_batch(office: Office) -> int:
    return history.batches(office, limit=1)[0].id


# -- undo -------------------------------------------------------------------------------------------------------------


def test_undo_takes_the_last_act_back_then_the_one_before(office: Office) -> None:
    lead_id = add(office, name="A")
    leads.edit(office, lead_id, {"name": "B"})
    status.set_status(office, lead_id, "Contacted")
    kinds = [history.undo(office).kind for _ in range(3)]
    assert kinds == ["status", "edit", "create"]
    assert leads.count(office) == leads.count(office, "is:deleted") == 0
    with pytest.raises(NotFound) as nothing:
        history.undo(office)
    assert nothing.value.code == "nothing_to_undo"


def test_an_undone_batch_is_not_undone_twice_nor_is_an_undo(office: Office) -> None:
    add(office)
    created = last_batch(office)
    history.undo(office, created)
    undoing = last_batch(office)
    assert undoing != created
    before = everything(office)
    with pytest.raises(Refused) as twice:
        history.undo(office, created)
    assert twice.value.code == "already_undone"
    with pytest.raises(Refused) as again:
        history.undo(office, undoing)
    assert again.value.code == "final"
    for batch in (999, 0, -5):
        with pytest.raises(NotFound):
            history.undo(office, batch)
    assert everything(office) == before
    by_id = {b.id: b for b in history.batches(office)}
    assert (by_id[created].can_undo, by_id[undoing].can_undo) == (False, False)
    assert by_id[created].undone_at is not None


def test_what_is_final_says_what_to_do_instead(office: Office) -> None:
    converted = add(office, "0722000001", name="A")
    conversion.convert(office, converted, ConvertRequest())
    purged = add(office, "0722000002")
    lifecycle.delete(office, purged)
    lifecycle.purge(office, purged)
    finals = {b.kind: b.id for b in history.batches(office) if b.kind in ("convert", "purge")}
    assert set(finals) == {"convert", "purge"}
    for batch in finals.values():
        with pytest.raises(Refused) as refused:
            history.undo(office, batch)
        assert refused.value.code == "final"
        assert refused.value.hint


def test_rows_changed_since_are_listed_and_left_and_the_others_restored(office: Office, frozen_clock: Move) -> None:
    ids = [add(office, f"072200000{n}", city="Nairobi") for n in range(3)]
    done = bulk.apply(office, Target(ids=tuple(ids)), Act(set={"city": "Nakuru"}))
    add_users(office, "dora:director")
    with acting_as(office, "dora") as dora:
        frozen_clock(datetime(2026, 11, 20, 10, 15, tzinfo=UTC))
        leads.edit(dora, ids[1], {"name": "Meanwhile"})
    before = dump(office, but=())
    rehearsed = history.undo(office, done.batch, dry_run=True)
    assert dump(office, but=()) == before
    result = history.undo(office, done.batch)
    assert (result.batch, result.kind, result.restored, result.dry_run) == (done.batch, "bulk", 2, False)
    assert (rehearsed.restored, rehearsed.refused, rehearsed.dry_run) == (2, result.refused, True)
    (refused,) = result.refused
    assert (refused.lead_id, refused.code) == (ids[1], "changed_since")
    assert refused.error == "changed since: name (edit by dora, 20 Nov 13:15)"
    assert [leads.get(office, i).fields["city"] for i in ids] == ["Nairobi", "Nakuru", "Nairobi"]
    assert leads.get(office, ids[1]).row.name == "Meanwhile"


def test_a_change_that_an_undo_left_standing_still_stands(office: Office) -> None:
    """X set two leads, Y one of them; undoing X left that one. Undoing what was before X must leave it too."""
    one, two = add(office, "0722000001"), add(office, "0722000002")
    both = Target(ids=(one, two))
    first = bulk.apply(office, both, Act(set={"city": "First"}))
    x = bulk.apply(office, both, Act(set={"remarks": "X"}))
    y = leads.edit(office, two, {"name": "Y"})
    assert [r.lead_id for r in history.undo(office, x.batch).refused] == [two]
    history.undo(office, y.batch)
    assert leads.get(office, two).fields["remarks"] == "X"
    result = history.undo(office, first.batch)
    assert (result.restored, [r.lead_id for r in result.refused]) == (1, [two])
    assert leads.get(office, one).fields["city"] is None
    assert (leads.get(office, two).fields["city"], leads.get(office, two).fields["remarks"]) == ("First", "X")


def test_an_undo_that_could_restore_nothing_may_be_tried_again(office: Office) -> None:
    old = add(office)
    lifecycle.delete(office, old)
    deleted = last_batch(office)
    new = add(office)  # the phone is taken now
    result = history.undo(office, deleted)
    assert (result.restored, [r.code for r in result.refused]) == (0, ["duplicate"])
    leads.edit(office, new, {"phone": "0733000111"})
    assert history.undo(office, deleted).restored == 1
    assert leads.get(office, old).row.phone == "+254722000111"


def test_a_phone_that_is_taken_meanwhile_is_not_put_back(office: Office) -> None:
    first = add(office, "0722000111")
    changed = leads.edit(office, first, {"phone": "0733000111"}).batch
    second = add(office, "0722000111")
    result = history.undo(office, changed)
    assert (result.restored, [(r.lead_id, r.code) for r in result.refused]) == (0, [(first, "duplicate")])
    assert leads.get(office, "0722000111").row.id == second


@pytest.mark.parametrize(
    "later",
    [
        lambda o, i, a: leads.edit(o, i, {"city": "X"}),
        lambda o, i, a: status.set_status(o, i, "Contacted"),
        lambda o, i, a: lifecycle.assign(o, i, "none"),
        lambda o, i, a: lifecycle.tag(o, i, ["x"]),
        lambda o, i, a: lifecycle.interest(o, i, ["20 Mbps Home"]),
        lambda o, i, a: lifecycle.protect(o, i, "x"),
        lambda o, i, a: lifecycle.delete(o, i),
        lambda o, i, a: status.lose(o, i, "No answer"),
        lambda o, i, a: activities.add_follow_up(o, i, "+1d"),
        lambda o, i, a: activities.complete(o, a),
        lambda o, i, a: activities.cancel(o, a),
        lambda o, i, a: activities.reschedule(o, a, "+30d"),
        lambda o, i, a: leads.edit(o, i, {"custom.x": "1"}),
    ],
    ids=["edit", "status", "assign", "tag", "interest", "protect", "delete", "lose", "follow-up", "complete", "cancel",
         "reschedule", "custom"],
)  # fmt: skip
def test_every_later_change_is_a_conflict(sqlite_office: Office, later: Callable[[Office, int, int], object]) -> None:
    """Also one that touches only a follow-up which this batch made, and which is not the lead's next one."""
    office = sqlite_office
    lead_id = add(office, assigned_to="boss", follow_up="+2d")
    batch = activities.add_follow_up(office, lead_id, "+9d").batch
    far = leads.get(office, lead_id).follow_ups[1].id
    later(office, lead_id, far)
    before = dump(office, but=())
    result = history.undo(office, batch)
    assert (result.restored, [r.lead_id for r in result.refused]) == (0, [lead_id])
    assert dump(office, but=()) == before


def test_a_log_or_a_document_since_hinders_no_undo_and_stays(
    office: Office, tmp_path: Path, frozen_clock: Move
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    lead_id = add(office, city="Nairobi")
    first = activities.log(office, lead_id, LogEntry("call")).batch
    edited = leads.edit(office, lead_id, {"city": "Nakuru"}).batch
    frozen_clock(datetime(2026, 11, 20, 10, tzinfo=UTC))
    activities.log(office, lead_id, LogEntry("email"))
    lifecycle.attach(office, lead_id, file)
    for batch in (edited, first):
        assert history.undo(office, batch).refused == ()
    detail = leads.get(office, lead_id)
    assert detail.fields["city"] == "Nairobi"
    assert [a.type for a in detail.activities] == ["document", "email"]
    assert detail.fields["last_activity_at"] == datetime(2026, 11, 20, 10, tzinfo=UTC)  # not that of the first call


def test_the_next_follow_up_after_an_undo_is_the_earliest_that_is_open_then(
    sqlite_office: Office, frozen_clock: Move
) -> None:
    """A log that added one behind the lead's date says nothing of the date, and hinders no undo."""
    office = sqlite_office
    frozen_clock(datetime(2026, 11, 20, 6, tzinfo=UTC))
    lead_id = add(office)
    activities.log(office, lead_id, LogEntry("call", schedule="2026-11-25 10:00"))
    first = last_batch(office)
    activities.log(office, lead_id, LogEntry("email", next_at="2026-11-27 10:00"))
    assert leads.get(office, lead_id).row.next_follow_up == datetime(2026, 11, 25, 7, tzinfo=UTC)
    assert history.undo(office, first).refused == ()
    assert leads.get(office, lead_id).row.next_follow_up == datetime(2026, 11, 27, 7, tzinfo=UTC)
    assert history.undo(office).restored == 1
    assert leads.get(office, lead_id).row.next_follow_up is None


def test_a_lead_with_anything_since_is_not_uncreated(office: Office) -> None:
    lead_id = add(office)
    created = last_batch(office)
    activities.log(office, lead_id, LogEntry("call"))
    result = history.undo(office, created)
    assert (result.restored, [r.lead_id for r in result.refused]) == (0, [lead_id])
    assert leads.get(office, lead_id).row.id == lead_id


def test_an_intake_that_linked_can_be_undone(office: Office) -> None:
    known = add(office, name="Known")
    before = dump(office)
    for values in ({"phone": "0722000111"}, {"phone": "0722000111", "city": "Nakuru"}):
        done = intake.by_hand(office, "Website", values)
        assert done.lead.id == known
        _, entries = history.audit(office, batch=done.batch)
        assert {e.entity_id for e in entries} == {known}
        assert any(a.type == "note" for a in leads.get(office, known).activities)
        assert history.undo(office, done.batch).restored == 1
        assert dump(office) == before


def test_a_phone_typed_another_way_is_kept_as_typed_and_can_be_undone(office: Office) -> None:
    lead_id = add(office, "0722000111")
    before = dump(office)
    done = leads.edit(office, lead_id, {"phone": "+254 722 000 111"})
    assert done.changed == ("phone",)
    assert (done.lead.phone, done.lead.phone_raw) == ("+254722000111", "+254 722 000 111")
    history.undo(office, done.batch)
    assert dump(office) == before


def test_an_edit_that_changes_nothing_is_no_batch(office: Office) -> None:
    lead_id = add(office, name="A", tags="x", **{"custom.k": "v"})
    before = everything(office)
    done = leads.edit(office, lead_id, {"name": "A", "tags": "x", "custom.k": "v", "phone": "0722000111"})
    assert (done.changed, done.batch) == ((), None)
    assert everything(office) == before


# -- who sees what --------------------------------------------------------------------------------------------------


def test_an_agent_sees_and_undoes_only_his_own_batches(sqlite_office: Office) -> None:
    office = sqlite_office
    add_users(office, "jane:agent", "dora:director")
    lead_id = add(office, assigned_to="jane")
    foreign = last_batch(office)
    with acting_as(office, "jane") as jane, acting_as(office, "dora") as dora:
        assert history.batches(jane) == []
        assert history.batch_count(jane) == 0
        with pytest.raises(NotFound) as nothing:
            history.undo(jane)
        assert nothing.value.code == "nothing_to_undo"
        for dry_run in (True, False):
            with pytest.raises(NotFound) as unseen:
                history.undo(jane, foreign, dry_run=dry_run)
            with pytest.raises(NotFound) as absent:
                history.undo(jane, 999, dry_run=dry_run)
            assert unseen.value.message == absent.value.message.replace("999", str(foreign))
        own = leads.edit(jane, lead_id, {"city": "Nakuru"}).batch
        assert [b.id for b in history.batches(jane)] == [own]
        assert {b.id for b in history.batches(dora)} == {foreign, own}
        assert history.undo(jane).batch == own
        assert leads.get(office, lead_id).fields["city"] is None
        again = leads.edit(jane, lead_id, {"city": "Kisumu"}).batch
        assert history.undo(dora, again).restored == 1


# -- audit ----------------------------------------------------------------------------------------------------------


def test_the_audit_says_who_did_what_from_where_in_words(office: Office, frozen_clock: Move) -> None:
    add_users(office, "jane:agent")
    lead_id = add(office, name="A", monthly_fee="1000")
    frozen_clock(datetime(2026, 11, 20, 10, tzinfo=UTC))
    changes = {"name": "B", "monthly_fee": "1999.5", "package": "20 Mbps Home", "assigned_to": "jane", "tags": "x",
               "brought_in_by": "Zoe", "status": "Contacted", "follow_up": "2026-11-25"}  # fmt: skip
    batch = leads.edit(office, lead_id, changes).batch
    total, entries = history.audit(office, lead_ref=lead_id)
    assert (total, [e.action for e in entries]) == (2, ["edit", "create"])
    entry = entries[0]
    assert (entry.user, entry.entity, entry.entity_id, entry.batch) == ("boss", "lead", lead_id, batch)
    assert entry.origin.startswith("cli:")
    assert entry.at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert dict(entry.changes) == {
        "name": ("A", "B"),
        "monthly_fee": ("1000.00", "1999.50"),
        "package": (None, "20 Mbps Home"),
        "assigned_to": (None, "jane"),
        "tags": ([], ["x"]),
        "brought_in_by": (None, "Zoe"),
        "status": ("New", "Contacted"),
        "follow_up": (None, "2026-11-25"),
    }


def test_the_audit_is_filtered_and_paged(office: Office) -> None:
    add_users(office, "jane:agent")
    for n in range(5):
        add(office, f"072200000{n}")
    with acting_as(office, "jane") as jane:
        add(jane, "0733000001")
    total, page = history.audit(office, entity="lead", limit=2, offset=1)
    assert total == 6
    assert [e.entity_id for e in page] == [5, 4]
    assert history.audit(office, user="jane")[0] == 1
    assert history.audit(office, user="JANE", entity="user")[0] == 0
    assert [e.action for e in history.audit(office, entity="user")[1]] == ["create"]
    assert history.audit(office, text="creat")[0] == 7
    assert history.audit(office, text="%")[0] == 0
    assert history.audit(office, text="as jane")[0] == 1
    assert history.audit(office, batch=last_batch(office))[0] == 1


def test_a_deleted_leads_audit_is_still_there(office: Office) -> None:
    lead_id = add(office)
    number = leads.get(office, lead_id).row.number
    lifecycle.delete(office, lead_id)
    assert [e.action for e in history.audit(office, lead_ref=number)[1]] == ["delete", "create"]
