"""Many leads at once: one batch, refused rows listed, the rest done; a preview changes nothing (spec §X, AG17)."""

from __future__ import annotations

from typing import Any

import pytest

from leadtui.errors import FilterError, Invalid, NotFound, NotPermitted, UsageError
from leadtui.services import bulk, history, leads, lifecycle, status
from leadtui.services.activities import LogEntry
from leadtui.services.bulk import Act, Target
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users, dump, everything

ALL = Target(where="")


def some(office: Office, count: int, **values: str) -> list[int]:
    return [add(office, f"0722{n:06d}", **values) for n in range(count)]


def test_one_batch_one_undo(office: Office) -> None:
    ids = some(office, 3)
    before = dump(office)
    done = bulk.apply(office, Target(where="status:new"), Act(status="Contacted", set={"city": "Nakuru"}, tag=("vip",)))
    assert (done.matched, done.changed, done.refused, done.dry_run) == (3, 3, (), False)
    assert [r.id for r in done.examples] == ids
    assert {(r.status, r.tags) for r in leads.search(office).rows} == {("Contacted", ("vip",))}
    assert leads.count(office, "city:nakuru") == 3
    (last,) = history.batches(office, limit=1)
    assert (last.id, last.count, last.can_undo) == (done.batch, 3, True)
    assert history.undo(office).restored == 3
    assert dump(office) == before


def test_refused_rows_are_listed_and_the_rest_is_done(office: Office) -> None:
    first, second, third = some(office, 3)
    lifecycle.protect(office, second, "court case")
    done = bulk.apply(office, Target(ids=(third, second, first, first)), Act(delete=True, reason="clean up"))
    assert (done.matched, done.changed) == (3, 2)
    (refused,) = done.refused
    assert (refused.lead_id, refused.lead_number, refused.code) == (
        second, leads.get(office, second).row.number, "protected",
    )  # fmt: skip
    assert "court case" in refused.error
    assert [r.id for r in leads.search(office).rows] == [second]
    assert history.batches(office, limit=1)[0].count == 2
    restored = bulk.apply(office, Target(where="is:deleted"), Act(restore=True))
    assert (restored.matched, restored.changed) == (2, 2)


@pytest.mark.parametrize(
    "act",
    [
        Act(set={"city": "Nakuru", "custom.x": "1", "tags": "a,b", "brought_in_by": "New Person", "follow_up": "+2d"}),
        Act(status="Contacted", assign="boss", tag=("new tag",)),
        Act(lose="No answer", follow_up="+3d", protect="because"),
        Act(log=LogEntry("call", next_at="+1d"), interest=("20 Mbps Home",)),
        Act(delete=True),
        Act(assign="auto"),
    ],
    ids=lambda act: act.label,
)
def test_a_preview_changes_nothing_and_tells_what_would_be(office: Office, act: Act) -> None:
    some(office, 3, follow_up="today")
    before = everything(office)
    seen = bulk.preview(office, ALL, act)
    assert everything(office) == before
    assert (seen.matched, seen.changed, seen.refused, seen.batch, seen.dry_run) == (3, 3, (), None, True)
    done = bulk.apply(office, ALL, act)
    assert (done.matched, done.changed, done.refused) == (seen.matched, seen.changed, seen.refused)
    hide: Any = {"updated_at": None, "stage_changed_at": None}
    assert [vars_of(r) | hide for r in done.examples] == [vars_of(r) | hide for r in seen.examples]


def vars_of(row: object) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}  # type: ignore[attr-defined]


def test_examples_are_ten_at_most(sqlite_office: Office) -> None:
    ids = some(sqlite_office, 12)
    assert [r.id for r in bulk.preview(sqlite_office, ALL, Act(tag=("x",))).examples] == ids[:10]


@pytest.mark.parametrize(
    "act",
    [
        Act(set={"city": "Nakuru", "custom.x": "1", "tags": "a", "follow_up": "+2d"}, status="Contacted"),
        Act(set={"follow_up": "+2d", "status": "Contacted"}),
        Act(log=LogEntry("call", next_at="+1d"), delete=True),
        Act(tag=("a",), delete=True),
        Act(interest=("20 Mbps Home",), delete=True),
        Act(follow_up="+1d", delete=True),
        Act(assign="none", delete=True),
        Act(protect="so that it stays", delete=True),
        Act(lose="No answer", assign="none", delete=True),
        Act(status="Contacted", delete=True),
        Act(assign="none", status="Contacted"),
    ],
    ids=lambda act: act.label,
)
def test_a_lead_refused_half_way_has_no_trace_of_the_act_and_its_neighbours_all_of_it(office: Office, act: Act) -> None:
    """The refused lead stands between two that are changed: neither takes part in its fate."""
    add_users(office, "jane:agent")
    first, middle, last = some(office, 3, assigned_to="jane", follow_up="+9d")
    if act.delete:
        lifecycle.protect(office, middle, "court case")
    else:
        leads.edit(office, middle, {"name": "Lost One"})
        status.lose(office, middle, "No answer")
        retire_everything_open(office)
    before = dump(office, but=())
    if act.protect:  # then every one of them refuses
        done = bulk.apply(office, ALL, act)
        assert (done.changed, len(done.refused), done.batch) == (0, 3, None)
        assert dump(office, but=()) == before
        return
    alone = bulk.preview(office, Target(ids=(first, last)), act)
    assert alone.changed == 2
    done = bulk.apply(office, ALL, act)
    assert done.changed == 2
    assert [r.lead_id for r in done.refused] == [middle]
    assert rows_of(office, middle) == rows_in(before, middle)
    changed = dump(office, but=())
    for lead_id in (first, last):
        assert rows_in(changed, lead_id) != rows_in(before, lead_id)
    assert [entry.entity_id for entry in history.audit(office, batch=done.batch)[1] if entry.entity_id == middle] == []
    assert history.batches(office, limit=1)[0].count == 2
    same = leads.search(office, "is:deleted" if act.delete else "-is:lost", sort="id").rows
    assert [r.id for r in same] == [first, last]
    hidden = {"updated_at": None, "stage_changed_at": None}
    assert [vars_of(r) | hidden for r in same] == [vars_of(r) | hidden for r in alone.examples]


def retire_everything_open(office: Office) -> None:
    """From a lost status nothing leads to `Contacted` any more: only the lost lead refuses the move."""
    from sqlalchemy import update

    from leadtui.store import schema as t

    with office.write() as tx:
        lost = t.stage.c.name == "Not Interested"
        tx.conn.execute(update(t.stage).where(lost).values(is_locked=True))
        tx.catalog_changed()


def rows_in(tables: dict[str, list[str]], lead_id: int) -> list[str]:
    """The rows of a dump that begin with this lead's id, or carry it second, after their own."""
    found = list(tables["lead"])
    of_lead = [row for row in found if row.startswith(f"({lead_id}, ")]
    for name in ("lead_tag", "lead_product", "lead_custom"):
        of_lead += [row for row in tables[name] if row.startswith(f"({lead_id}, ")]
    for name in ("activity", "stage_change", "document"):
        of_lead += [row for row in tables[name] if row.split(", ")[1] == str(lead_id)]
    return of_lead


def rows_of(office: Office, lead_id: int) -> list[str]:
    return rows_in(dump(office, but=()), lead_id)


def test_auto_assignment_spreads_and_counts_what_agents_have(office: Office) -> None:
    add_users(office, "jane:agent", "ann:agent", "tom:technician", "dora:director")
    add(office, "0733000001", assigned_to="jane")
    add(office, "0733000002", assigned_to="jane")
    ids = some(office, 4)
    for act in (Act(assign="auto"), Act(set={"assigned_to": "auto"})):
        seen = bulk.preview(office, Target(ids=tuple(ids)), act)
        assert sorted(str(r.assigned_to) for r in seen.examples) == ["ann", "ann", "ann", "jane"]
    bulk.apply(office, Target(ids=tuple(ids)), Act(assign="auto"))
    loads = lifecycle.workloads(office)
    assert (loads["jane"], loads["ann"]) == (3, 3)
    assert add(office, "0744000001", assigned_to="auto")
    assert lifecycle.workloads(office)["jane"] == 4  # of equals the one with the lower id


def test_auto_without_an_agent_is_refused_in_words(sqlite_office: Office) -> None:
    from leadtui.services import admin

    lead_id = add(sqlite_office)
    admin.edit_user(sqlite_office, "boss", {"available": "no"})
    done = bulk.apply(sqlite_office, Target(ids=(lead_id,)), Act(assign="auto"))
    assert (done.changed, [r.code for r in done.refused]) == (0, ["no_agent"])


def test_stopping_keeps_nothing(office: Office) -> None:
    some(office, 5)
    before = everything(office)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) == 4

    with pytest.raises(UsageError) as stopped:
        bulk.apply(office, ALL, Act(set={"city": "Nakuru"}), should_stop=stop)
    assert stopped.value.code == "stopped"
    assert len(asked) == 4
    assert everything(office) == before


def test_progress_is_told_up_to_the_end(sqlite_office: Office) -> None:
    some(sqlite_office, 120)
    told: list[tuple[int, int]] = []
    bulk.apply(sqlite_office, ALL, Act(tag=("x",)), on_progress=lambda done, total: told.append((done, total)))
    assert told == [(50, 120), (100, 120), (120, 120)]


def test_nothing_to_do_is_no_batch(office: Office) -> None:
    some(office, 2, city="Nakuru")
    for act in (Act(), Act(reason="why"), Act(follow_up_subject="x")):
        with pytest.raises(UsageError):
            bulk.apply(office, ALL, act)
    before = everything(office)
    for act, target in (
        (Act(set={"city": "Nakuru"}), ALL),
        (Act(untag=("nobody has it",)), ALL),
        (Act(status="New"), ALL),
        (Act(assign="none"), ALL),
        (Act(tag=("x",)), Target(where="city:mombasa")),
        (Act(tag=("x",)), Target()),
    ):
        done = bulk.apply(office, target, act)
        assert (done.changed, done.refused, done.batch) == (0, (), None)
    assert everything(office) == before


def test_a_bad_value_refuses_every_lead_and_a_bad_filter_the_act(office: Office) -> None:
    ids = some(office, 2)
    done = bulk.apply(office, ALL, Act(set={"monthly_fee": "-1"}))
    assert (done.changed, done.batch) == (0, None)
    assert [(r.lead_id, r.code) for r in done.refused] == [(i, "invalid") for i in ids]
    with pytest.raises(FilterError):
        bulk.apply(office, Target(where="status:nonsense"), Act(tag=("x",)))
    with pytest.raises(NotFound):
        bulk.apply(office, Target(ids=(ids[0], 999)), Act(tag=("x",)))
    assert leads.count(office, "tag:x") == 0


def test_a_filter_that_the_act_itself_changes_finds_its_leads_once(office: Office) -> None:
    some(office, 3)
    done = bulk.apply(office, Target(where="status:new"), Act(status="Contacted", log=LogEntry("call")))
    assert (done.matched, done.changed) == (3, 3)


def test_bulk_reaches_only_what_the_person_may_see(sqlite_office: Office) -> None:
    from leadtui.services import admin

    office = sqlite_office
    add_users(office, "jane:agent")
    mine, foreign = add(office, "0722000001", assigned_to="jane"), add(office, "0722000002", assigned_to="boss")
    with acting_as(office, "jane") as jane:
        with pytest.raises(NotPermitted):
            bulk.apply(jane, ALL, Act(tag=("x",)))
        with pytest.raises(NotFound):
            bulk.apply(jane, Target(ids=(foreign,)), Act(delete=True))
    admin.set_role(office, "agent", "bulk", "own")
    with acting_as(office, "jane") as jane:
        for where in ("", "phone:0722000002 or phone:0722000001", "assigned:boss or assigned:me"):
            seen = bulk.preview(jane, Target(where=where), Act(tag=("x",)))
            assert [r.id for r in seen.examples] == [mine]
            assert seen.matched == 1
        with pytest.raises(NotFound) as missing:
            bulk.apply(jane, Target(ids=(mine, foreign)), Act(tag=("x",)))
        with pytest.raises(NotFound) as absent:
            bulk.apply(jane, Target(ids=(mine, 999)), Act(tag=("x",)))
        assert missing.value.message == absent.value.message.replace("999", str(foreign))
    assert leads.count(office, "tag:x") == 0


@pytest.mark.parametrize(
    ("count", "act"),
    [
        (2000, Act(status="Contacted", reason="all of them")),
        (200, Act(set={"city": "Nakuru"}, status="Contacted", tag=("vip",))),
    ],
    ids=["plain", "savepoints"],
)
def test_a_large_bulk_and_its_undo(sqlite_office: Office, count: int, act: Act) -> None:
    from leadtui.services.importing import run_import

    lines = "\n".join(f"0722{n:06d},Website,L{n}" for n in range(count))
    assert run_import(sqlite_office, f"phone,source,name\n{lines}\n".encode()).created == count
    before = dump(sqlite_office)
    done = bulk.apply(sqlite_office, ALL, act)
    assert (done.matched, done.changed, done.refused) == (count, count, ())
    assert leads.count(sqlite_office, "status:contacted") == count
    assert leads.count(sqlite_office, "tag:vip city:nakuru") == (count if act.tag else 0)
    assert history.undo(sqlite_office, done.batch).restored == count
    assert dump(sqlite_office) == before


def test_the_kind_and_the_words_of_an_act() -> None:
    assert Act(status="Contacted", reason="x").kind == "status"
    assert Act(assign="jane").kind == "assign"
    assert Act(status="Contacted", tag=("a",)).kind == "bulk"
    assert Act(set={"city": "X"}).kind == "bulk"
    assert Act(set={"city": None}, assign="jane", tag=("a", "b")).label == "set city= · assign jane · tag a, b"
    assert len(Act(tag=("x" * 40,) * 20).label) == 255


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (Act(set={"colour": "red"}), "colour"),
        (Act(set={"source": "Nowhere"}), "source"),
        (Act(set={"package": "Nothing"}), "package"),
        (Act(set={"status": "Nope"}), "status"),
        (Act(status="Nope"), "status"),
        (Act(assign="ghost"), "assigned_to"),
        (Act(interest=("Nothing",)), "interest"),
    ],
)
def test_what_names_nothing_is_refused_as_a_whole(sqlite_office: Office, act: Act, field: str) -> None:
    """The field is named (contract, answer 4), also where no lead is found."""
    lead_id = add(sqlite_office)
    for target in (Target(ids=(lead_id,)), Target(where="is:lost")):
        for run in (bulk.preview, bulk.apply):
            with pytest.raises(Invalid) as refused:
                run(sqlite_office, target, act)
            assert refused.value.field == field


def test_a_status_of_another_pipeline_is_refused_lead_by_lead(sqlite_office: Office) -> None:
    from leadtui.services import admin

    admin.add_preset(sqlite_office, "insurance")
    lead_id = add(sqlite_office)
    done = bulk.apply(sqlite_office, Target(ids=(lead_id,)), Act(status="Qualified"))
    assert [r.lead_id for r in done.refused] == [lead_id]
