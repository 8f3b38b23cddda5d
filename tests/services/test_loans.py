"""Promises to clear a loan: one open per lead, its history, overdue by the office's date, who is told, undo."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.domain.loans import late_words
from leadtui.errors import FilterError, Invalid, NotFound, NotPermitted, Refused, UsageError
from leadtui.services import admin, history, leads, lifecycle, loans, reminders
from leadtui.services.assignment import assign
from leadtui.services.demo.building import build_demo
from leadtui.services.loans_overdue import step
from leadtui.services.office import Office, open_office
from leadtui.services.status import lose
from leadtui.store import schema as t
from tests.services.lead_help import LEAD_TABLES, acting_as, add, add_users, dump, everything

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""Friday noon in Nairobi, as `frozen_clock` holds it."""
pytestmark = pytest.mark.usefixtures("frozen_clock")
Clock = Callable[[datetime], None]


def open_ones(office: Office, which: str = "open", **more: Any) -> list[tuple[str, int, str]]:
    total, rows = loans.list_loans(office, which, **more)
    assert total == len(rows)
    return [(one.promised.isoformat()[5:], one.amount_minor, one.status) for one in rows]


def told(office: Office) -> list[tuple[str, str, str]]:
    with office.store.read() as tx:
        n, users = t.notification.c, tx.catalog.user_by_id
        query = select(n.user_id, n.kind, n.occurrence).order_by(n.id)
        return [(users[r.user_id].login, r.kind, r.occurrence) for r in tx.conn.execute(query)]


def run(office: Office) -> int:
    return step(office, limit=100, may_go_on=lambda: True)


def test_a_promise_is_kept_in_history_when_another_takes_its_place(office: Office) -> None:
    lead = add(office, name="Achieng")
    first = loans.promise(office, lead, "KES 20,000", "fri", "after the harvest")
    assert (first.warnings, first.lead.id) == ((), lead)
    loans.promise(office, lead, "15000.50", "2026-12-01", "half now")
    newest, old = loans.history(office, lead)
    assert (newest.status, newest.amount_minor, newest.promised, newest.note) == (
        "pending", 1_500_050, date(2026, 12, 1), "half now",
    )  # fmt: skip
    assert (old.status, old.amount_minor, old.promised, old.note) == (
        "replaced", 2_000_000, date(2026, 11, 27), "after the harvest",
    )  # fmt: skip
    assert (old.settled_at, old.settled_by, old.is_open, newest.is_open) == (NOW, "boss", False, True)
    assert leads.get(office, lead).loans == (newest, old)
    loans.clear(office, lead, note="paid by M-Pesa")
    cleared = loans.history(office, lead)[0]
    assert (cleared.status, cleared.note, cleared.settled_by) == ("cleared", "half now\npaid by M-Pesa", "boss")
    with pytest.raises(Refused) as refused:
        loans.clear(office, lead)
    assert refused.value.code == "no_promise"
    loans.promise(office, lead, "1", "tomorrow")
    loans.cancel(office, lead, note="sold the house")
    assert [one.status for one in loans.history(office, lead)] == ["cancelled", "cleared", "replaced"]
    subjects = [one.subject for one in leads.get(office, lead).activities]
    assert subjects == [
        "called off; it was promised for Sat 21 Nov 2026",
        "to be cleared by Sat 21 Nov 2026",
        "cleared; it was promised for Tue 1 Dec 2026",
        "to be cleared by Tue 1 Dec 2026 instead of Fri 27 Nov 2026",
        "to be cleared by Fri 27 Nov 2026",
    ]
    assert not any(ch in " ".join(subjects) for ch in ("20,000", "15,000"))


@pytest.mark.parametrize(
    ("amount", "day", "field"),
    [("0", "today", "amount"), ("-5", "today", "amount"), ("much", "today", "amount"), ("5", "someday", "date")],
)
def test_what_is_no_promise_is_refused(office: Office, amount: str, day: str, field: str) -> None:
    lead = add(office)
    before = everything(office)
    with pytest.raises(Invalid) as refused:
        loans.promise(office, lead, amount, day)
    assert refused.value.field == field
    assert everything(office) == before
    with pytest.raises(NotFound):
        loans.promise(office, 99, "5", "today")


def test_lists_of_what_is_awaited(office: Office) -> None:
    for phone, amount, day in (("1", "100", "2026-11-25"), ("2", "200", "2026-11-18"), ("3", "300", "today"),
                               ("4", "400", "yesterday"), ("5", "500", "2026-11-30")):  # fmt: skip
        done = loans.promise(office, add(office, f"072200011{phone}"), amount, day)
        assert bool(done.warnings) == (phone in "24")
    loans.clear(office, "0722000115")
    expected = [("11-18", 20_000), ("11-19", 40_000), ("11-20", 30_000), ("11-25", 10_000)]
    assert [one[:2] for one in open_ones(office)] == expected
    assert [one[:2] for one in open_ones(office, "due")] == expected[:3]
    assert open_ones(office, "overdue") == []
    assert loans.mark_overdue(office, dry_run=True) == 2
    assert loans.mark_overdue(office) == 2
    assert open_ones(office, "overdue") == [("11-18", 20_000, "overdue"), ("11-19", 40_000, "overdue")]
    assert len(open_ones(office, "all")) == 5
    assert loans.list_open(office, overdue=True)[0] == 2
    late, today = loans.list_open(office)[1][0], loans.list_open(office)[1][2]
    assert (late.days_late, late.is_today, today.days_late, today.is_today) == (2, False, 0, True)
    sums = loans.totals(office)
    assert (sums.count, sums.amount_minor, sums.late, sums.late_minor) == (4, 100_000, 2, 60_000)
    total, page = loans.list_open(office, limit=2, offset=1)
    assert (total, [one.promised.day for one in page]) == (4, [19, 20])
    for which in ("open", "all"):
        rows = loans.list_loans(office, which)[1]
        assert [loans.position(office, which, one.id) for one in rows] == list(range(len(rows)))
    assert loans.position(office, "overdue", today.id) is None
    assert [one[0] for one in open_ones(office, where="phone:0722000114")] == ["11-19"]
    for wrong in ("someday", "late"):
        with pytest.raises(UsageError):
            loans.list_loans(office, wrong)
    with pytest.raises(FilterError):
        loans.list_open(office, where="colour:red")


def test_leads_are_found_by_their_promises(office: Office) -> None:
    late, kept, paid, none = (add(office, f"072200011{n}", name=f"n{n}") for n in range(4))
    loans.promise(office, late, "5", "yesterday")
    loans.promise(office, kept, "5", "tomorrow")
    loans.promise(office, paid, "5", "tomorrow")
    loans.clear(office, paid)
    loans.mark_overdue(office)

    def found(where: str) -> set[int]:
        return {one.id for one in leads.search(office, where).rows}

    assert found("loan:overdue") == {late}
    assert found("loan:pending") == {kept}
    assert found("loan:open") == found("loan:pending,overdue") == found("-loan:none") == {late, kept}
    assert found("loan:none") == {paid, none}
    assert found("promise:cleared") == {paid}
    with pytest.raises(FilterError):
        found("loan:maybe")
    add_users(office, "tom:technician")
    for lead in (late, none):
        assign(office, lead, "tom")
    with acting_as(office, "tom") as tom:  # who may not see promises does not find them either
        assert leads.count(tom, "loan:open") == 0


# -- overdue ----------------------------------------------------------------------------------------------------------


def test_overdue_is_by_the_date_of_the_office_and_marked_once(office: Office, frozen_clock: Clock) -> None:
    add_users(office, "ann:agent", "cora:collections")
    lead = add(office)
    assign(office, lead, "ann")
    loans.promise(office, lead, "5", "today")
    frozen_clock(datetime(2026, 11, 20, 20, 59, tzinfo=UTC))  # 23:59 in Nairobi
    assert (run(office), loans.mark_overdue(office)) == (0, 0)
    frozen_clock(datetime(2026, 11, 20, 21, 0, tzinfo=UTC))  # midnight
    assert (run(office), run(office), loans.mark_overdue(office)) == (1, 0, 0)
    one = loans.history(office, lead)[0]
    assert (one.status, one.overdue_at, one.days_late) == ("overdue", datetime(2026, 11, 20, 21, tzinfo=UTC), 1)
    key = f"loan:{one.id}:2026-11-20"
    assert told(office) == [("ann", "loan", key), ("cora", "loan", key)]
    after = everything(office)
    assert (run(office), loans.mark_overdue(office)) == (0, 0)
    assert everything(office) == after
    assert [one.type for one in leads.get(office, lead).activities].count("loan") == 2
    with acting_as(office, "cora") as cora:
        assert [row.lead_number for row in reminders.mine(cora)] == ["LD-202611-0001"]
        loans.clear(cora, lead)
        assert reminders.mine(cora) == ()  # nobody need be told any more


def test_what_is_noted_late_on_the_same_day_is_marked_too(office: Office) -> None:
    lead = add(office)
    assert run(office) == 0
    loans.promise(office, lead, "5", "2026-11-01")
    assert loans.history(office, lead)[0].status == "pending"
    assert run(office) == 1
    with office.store.read() as tx:
        runs = tx.conn.execute(select(t.job_run.c.job, t.job_run.c.occurrence, t.job_run.c.state)).all()
    assert [tuple(one) for one in runs if one.job == "loans.overdue"] == [("loans.overdue", "2026-11-20", "done")]


def test_days_of_downtime_are_caught_up_at_once(office: Office, frozen_clock: Clock) -> None:
    for number in range(60):
        loans.promise(office, add(office, f"07220{number:05}"), "5", f"+{number % 3}d")
    frozen_clock(NOW + timedelta(days=30))
    assert step(office, limit=100, may_go_on=lambda: False) == 0
    assert run(office) == 60
    assert run(office) == 0 and open_ones(office, "overdue")[0] == ("11-20", 500, "overdue")
    assert loans.totals(office).late == 60


def test_many_at_once_mark_each_promise_once(office: Office) -> None:
    add_users(office, "cora:collections")
    for number in range(12):
        loans.promise(office, add(office, f"07220{number:05}"), "5", "yesterday")
    url = office.store.url.render_as_string(hide_password=False)
    marked: list[int] = []

    def mark() -> None:
        other = open_office(url)
        marked.append(loans.mark_overdue(other))
        other.close()

    threads = [threading.Thread(target=mark) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert loans.mark_overdue(office) + sum(marked) == 12
    assert sorted(who for who, _, _ in told(office)) == ["cora"] * 12
    assert len(set(told(office))) == 12


def test_who_is_told_when_nobody_is_assigned_and_who_is_not(office: Office) -> None:
    add_users(office, "ben:agent", "cora:collections", "gone:collections")
    admin.set_user_active(office, "gone", False)
    nobodys, deleted = add(office), add(office, "0722000112")
    assign(office, nobodys, None)
    for lead in (nobodys, deleted):
        loans.promise(office, lead, "5", "yesterday")
    lifecycle.delete(office, deleted)
    assert loans.mark_overdue(office) == 2  # the state is a fact of the day; of a deleted lead nobody is told
    assert [who for who, _, _ in told(office)] == ["cora"]
    admin.set_user_active(office, "cora", False)
    loans.promise(office, nobodys, "5", "2026-11-18")
    loans.mark_overdue(office)
    assert [who for who, _, _ in told(office)] == ["cora", "boss"]


def test_lost_leads_keep_their_promises(office: Office) -> None:
    lead = add(office)
    loans.promise(office, lead, "5", "yesterday")
    lose(office, lead, "Too expensive")
    assert loans.mark_overdue(office) == 1
    loans.promise(office, lead, "6", "tomorrow")
    assert [one.status for one in loans.history(office, lead)] == ["pending", "replaced"]


# -- who may ----------------------------------------------------------------------------------------------------------


def test_each_sees_and_settles_what_the_matrix_says(office: Office) -> None:
    admin.add(office, "branch", {"name": "Karen"})
    add_users(office, "ann:agent", "cora:collections", "tom:technician", "adi:admin")
    add_users(office, "bob:branch_user", branch="Karen")
    anns, karens, bosses = add(office), add(office, "0722000112", branch="Karen"), add(office, "0722000113")
    assign(office, anns, "ann")
    for lead in (anns, karens, bosses):
        loans.promise(office, lead, "5", "yesterday")
    with acting_as(office, "ann") as ann:
        assert [one.lead_id for one in loans.list_open(ann)[1]] == [anns]
        assert loans.list_open(ann, mine=True)[0] == 1
        with pytest.raises(NotFound):
            loans.clear(ann, bosses)
    with acting_as(office, "bob") as bob:
        assert [one.lead_id for one in loans.list_open(bob)[1]] == [karens]
        loans.promise(bob, karens, "7", "today")
    with acting_as(office, "cora") as cora:
        assert loans.list_open(cora)[0] == 3
        assert loans.list_open(cora, mine=True)[0] == 0
        loans.clear(cora, bosses)
        assert leads.get(cora, bosses).loans[0].settled_by == "cora"
    assign(office, anns, "tom")
    with acting_as(office, "tom") as tom:
        assert leads.get(tom, anns).loans == ()
        for act in (lambda: loans.list_open(tom), lambda: loans.history(tom, anns), lambda: loans.mark_overdue(tom),
                    lambda: loans.promise(tom, anns, "5", "today"), lambda: loans.clear(tom, anns)):  # fmt: skip
            with pytest.raises(NotPermitted):
                act()
        assert not any(one.entity == "loan_commitment" for one in history.audit(tom)[1])
    with acting_as(office, "adi") as adi:  # configures the office, and sees no lead
        assert loans.mark_overdue(adi) == 1
        with pytest.raises(NotPermitted):
            loans.list_open(adi)
        assert not any(one.entity == "loan_commitment" for one in history.audit(adi)[1])


# -- undo, purge ------------------------------------------------------------------------------------------------------

KEPT = (*LEAD_TABLES, "loan_commitment")
BUT = ("lead.version",)


def test_every_act_is_taken_back_exactly(office: Office) -> None:
    lead = add(office)
    acts: list[Callable[[], Any]] = [
        lambda: loans.promise(office, lead, "5", "yesterday", "one"),
        lambda: loans.promise(office, lead, "6", "tomorrow", "two"),
        lambda: loans.clear(office, lead, note="paid"),
    ]
    states = []
    for act in acts:
        states.append(dump(office, KEPT, but=BUT))
        act()
    for state in reversed(states):
        history.undo(office)
        assert dump(office, KEPT, but=BUT) == state
    loans.promise(office, lead, "5", "today")
    before = dump(office, KEPT, but=BUT)
    loans.cancel(office, lead)
    history.undo(office)
    assert dump(office, KEPT, but=BUT) == before


def test_undo_sees_what_happened_to_the_promises_since_and_only_that(office: Office) -> None:
    lead = add(office)
    first = loans.promise(office, lead, "5", "yesterday").batch
    assert loans.mark_overdue(office) == 1  # the machine's, by the date: hinders nothing
    cleared = loans.clear(office, lead).batch
    assert history.undo(office, first).refused[0].error.startswith("changed since: loan")
    second = loans.promise(office, lead, "6", "tomorrow").batch
    assert history.undo(office, cleared).refused  # there is another open one now
    history.undo(office, second)
    history.undo(office, cleared)
    assert loans.history(office, lead)[0].status == "overdue"
    edited = leads.edit(office, lead, {"name": "Zed"}).batch
    loans.clear(office, lead)
    assert not history.undo(office, edited).refused  # a promise hinders no undo of other things
    created = add(office, "0722000112")
    loans.promise(office, created, "5", "today")
    batch = next(one for one in history.batches(office) if one.kind == "create" and not one.undone_at)
    assert history.undo(office, batch.id).refused


def test_a_promise_undone_before_it_was_marked_again_is_marked_by_the_next_run(office: Office) -> None:
    lead = add(office)
    loans.promise(office, lead, "5", "yesterday")
    loans.promise(office, lead, "6", "tomorrow")
    assert run(office) == 0
    history.undo(office)
    assert (run(office), loans.history(office, lead)[0].status) == (1, "overdue")


def test_what_was_told_of_a_promise_goes_with_it(office: Office) -> None:
    """And the next one, which has its number again on SQLite, is told like the first."""
    add_users(office, "tom:collections")
    lead = add(office)
    for _ in range(2):
        loans.promise(office, lead, "5", "yesterday")
        assert run(office) == 1
        assert [login for login, *_ in told(office)] == ["tom"]
        history.undo(office)
        assert told(office) == []


def test_a_purge_takes_the_promises_with_it(office: Office) -> None:
    lead = add(office)
    loans.promise(office, lead, "5", "yesterday", "after the harvest")
    loans.promise(office, lead, "6", "yesterday")
    loans.mark_overdue(office)
    lifecycle.delete(office, lead)
    lifecycle.purge(office, lead)
    assert dump(office, ("loan_commitment", "notification")) == {"loan_commitment": [], "notification": []}
    assert "harvest" not in str(everything(office))


def test_the_audit_names_what_changed(office: Office) -> None:
    lead = add(office)
    loans.promise(office, lead, "20000", "yesterday")
    loans.mark_overdue(office)
    loans.clear(office, lead)
    entries = history.audit(office, entity="loan_commitment")[1]
    assert [(one.action, one.user, one.changes.get("status")) for one in entries] == [
        ("cleared", "boss", ("overdue", "cleared")), ("overdue", "system", ("pending", "overdue")),
        ("promise", "boss", (None, "pending")),
    ]  # fmt: skip
    assert entries[-1].changes["amount"] == (None, "20000.00")
    of_lead = history.audit(office, lead_ref=lead)[1]
    assert of_lead[0].changes["loan"] == ("overdue, 2026-11-19", "cleared, 2026-11-19")


def test_untrusted_words_are_cleaned(office: Office) -> None:
    lead = add(office)
    loans.promise(office, lead, "5", "today", "a\x1b[31m\u202eb\r\nc")
    assert loans.history(office, lead)[0].note == "a[31mb\nc"
    with pytest.raises(Invalid):
        loans.clear(office, lead, note="x" * 3000)


def test_late_words_say_how_late() -> None:
    assert [late_words(days) for days in (-1, 0, 1, 2, 1200)] == [
        "",
        "",
        "1 day late",
        "2 days late",
        "1,200 days late",
    ]


def test_a_demo_of_travel_has_promises_to_look_at(tmp_path: Path) -> None:
    build_demo(tmp_path / "demo.db", leads=60, preset="travel")
    with contextlib.closing(open_office(str(tmp_path / "demo.db"))) as demo:
        found = loans.totals(demo)
        assert found.count > found.late > 0
        assert leads.count(demo, 'status:"Loan Promised"') == found.count
        assert loans.mark_overdue(demo, dry_run=True) == 0
