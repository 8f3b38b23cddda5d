"""Two people at one lead, at one phone, at one tag, in the same instant, on both engines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from leadtui.errors import Duplicate, EditedElsewhere, LeadtuiError, NotFound, Refused
from leadtui.services import activities, history, leads, lifecycle, status
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in threads that set off at the same moment; what each returned, or the error it raised."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait(timeout=30)
        try:
            return call()
        except LeadtuiError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_editors_of_different_fields_lose_nothing(office: Office) -> None:
    add_users(office, "jane:director")
    lead_id = add(office, name="A")
    seen = leads.get(office, lead_id)
    version, base = seen.row.version, seen.fields
    with acting_as(office, "jane") as jane:
        results = together(
            *(
                lambda o=o, n=n: leads.edit(o, lead_id, {f"custom.k{n}": "v"}, version=version, base=base)
                for n, o in enumerate((office, jane) * 4)
            ),
            lambda: leads.edit(office, lead_id, {"city": "Nakuru"}, version=version, base=base),
            lambda: leads.edit(jane, lead_id, {"name": "B"}, version=version, base=base),
            lambda: lifecycle.tag(jane, lead_id, ["x"]),
        )
    assert [r for r in results if isinstance(r, LeadtuiError)] == []
    after = leads.get(office, lead_id)
    assert after.custom == {f"k{n}": "v" for n in range(8)}
    assert (after.fields["city"], after.row.name, after.row.tags) == ("Nakuru", "B", ("x",))
    assert after.row.version == version + 11


def test_of_two_editors_of_one_field_the_second_is_told_whose_it_is(office: Office) -> None:
    add_users(office, "jane:director")
    lead_id = add(office, name="A")
    seen = leads.get(office, lead_id)
    with acting_as(office, "jane") as jane:
        results = together(
            lambda: leads.edit(office, lead_id, {"name": "boss"}, version=seen.row.version, base=seen.fields),
            lambda: leads.edit(jane, lead_id, {"name": "jane"}, version=seen.row.version, base=seen.fields),
        )
    (lost,) = [r for r in results if isinstance(r, EditedElsewhere)]
    (won,) = [r for r in results if not isinstance(r, LeadtuiError)]
    (conflict,) = lost.data["conflicts"]
    assert conflict["by"] == conflict["theirs"] == won.lead.name == leads.get(office, lead_id).row.name
    assert {conflict["mine"], conflict["theirs"]} == {"boss", "jane"}


def test_one_phone_is_let_in_once(office: Office) -> None:
    spellings = ("0722000111", "+254722000111", "00254 722 000 111", "722-000-111")
    results = together(*(lambda s=s: add(office, s) for s in spellings))
    refused = [r for r in results if isinstance(r, LeadtuiError)]
    assert len(refused) == 3
    assert {(type(r), r.field, r.code) for r in refused} == {(Duplicate, "phone", "duplicate")}
    assert leads.count(office) == 1


def test_two_leads_do_not_change_to_one_phone(office: Office) -> None:
    first, second = add(office, "0722000001"), add(office, "0722000002")
    results = together(*(lambda i=i: leads.edit(office, i, {"phone": "0733000111"}) for i in (first, second)))
    assert sorted(isinstance(r, Duplicate) for r in results) == [False, True]
    assert leads.count(office, "phone:0733000111") == 1


def test_a_status_is_left_once(office: Office) -> None:
    """Whoever comes second moves from where the first went: the history is one unbroken chain."""
    lead_id = add(office)
    together(
        *(lambda s=s: status.set_status(office, lead_id, s) for s in ("Contacted", "Interested", "Future Prospect")),
        lambda: status.lose(office, lead_id, "No answer"),
    )
    entries = leads.get(office, lead_id).status_history
    assert len(entries) == 5
    assert [e.previous for e in entries] == [None, *(e.status for e in entries[:-1])]
    assert leads.get(office, lead_id).row.status == entries[-1].status


def test_a_follow_up_is_done_once(office: Office) -> None:
    lead_id = add(office, follow_up="+1d")
    (one,) = leads.get(office, lead_id).follow_ups
    results = together(*(lambda: activities.complete(office, one.id) for _ in range(3)))
    refused = [r for r in results if isinstance(r, LeadtuiError)]
    assert [r.code for r in refused] == ["already_done"] * 2
    assert len([e for e in history.audit(office, entity="activity")[1] if e.action == "complete"]) == 1


def test_a_batch_is_undone_once(office: Office) -> None:
    lead_id = add(office, name="A")
    batch = leads.edit(office, lead_id, {"name": "B"}).batch
    results = together(*(lambda: history.undo(office, batch) for _ in range(3)))
    assert sum(not isinstance(r, LeadtuiError) and r.restored == 1 for r in results) == 1
    assert leads.get(office, lead_id).row.name == "A"
    assert sum(b.kind == "undo" for b in history.batches(office)) == 1


def test_nothing_is_written_to_a_lead_that_was_deleted_meanwhile(office: Office) -> None:
    lead_id = add(office)
    results = together(
        lambda: lifecycle.delete(office, lead_id),
        *(lambda n=n: leads.edit(office, lead_id, {"city": f"C{n}"}) for n in range(3)),
    )
    assert not isinstance(results[0], LeadtuiError)
    assert all(isinstance(r, NotFound) or not isinstance(r, LeadtuiError) for r in results[1:])
    actions = [e.action for e in history.audit(office, lead_ref=lead_id)[1]]
    assert actions[0] == "delete"  # nothing came after


def test_a_lead_is_attached_to_by_many_at_once(office: Office, tmp_path: Path) -> None:
    lead_id = add(office)
    file = tmp_path / "a.txt"
    file.write_text("x")
    results = together(*(lambda: lifecycle.attach(office, lead_id, file) for _ in range(4)))
    assert len({r.id for r in results}) == 4
    assert len(list(office.store.files.iterdir())) == 1


@pytest.mark.postgres
def test_a_new_tag_made_in_the_same_instant_is_one_tag(postgres_office: Office) -> None:
    """The second waits for the first to commit, on the unique index, and then takes the first one's tag."""
    from leadtui.services import lead_writes as w

    office = postgres_office
    one, two = add(office, "0722000001"), add(office, "0722000002")
    with ThreadPoolExecutor(1) as pool:
        with office.write() as tx:
            w.set_tags(tx, one, ["vip"])
            tx.flush()
            waiting = pool.submit(lifecycle.tag, office, two, ["VIP"])
            blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not waiting.done() and not tx.conn.execute(blocked).scalar_one():
                pass
        assert waiting.result(timeout=30).lead.tags == ("vip",)
    assert {r.id for r in leads.search(office, "tag:vip").rows} == {one, two}


@pytest.fixture
def postgres_office(postgres_url: str, postgres_server: str) -> Any:
    """An isp office on PostgreSQL only."""
    from tests.conftest import _copy_of_template

    office = _copy_of_template(postgres_url, postgres_server)
    yield office
    office.close()


def test_the_answer_to_a_lost_race_is_no_bug_of_ours() -> None:
    assert {Duplicate.exit_code, EditedElsewhere.exit_code, Refused.exit_code} == {5}
