"""Every figure is what opening it lists and what a slow recount says: after any acts, any scope, both databases."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from leadtui.domain.figures import Question
from leadtui.errors import FilterError, Invalid, LeadtuiError, NotPermitted
from leadtui.services import admin, bulk, figures, history, importing, leads, lifecycle, status
from leadtui.services.assignment import assign
from leadtui.services.bulk import Act, Target
from leadtui.services.conversion import ConvertRequest, convert
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store import tallies
from tests.services.figure_help import check
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users

HOSTILE = ['Field "Sales"', "a,b or (c)", "-none", "none", "x:y..z", "back\\slash'", "[b]bold[/b]", "*", "#1", "ⅸ Ñ 漢"]
"""Names of sources that a filter must not take for its own words."""
STATUSES = ("New", "Contacted", "Interested", "Site Survey Scheduled", "Future Prospect")
QUESTIONS = (
    Question(),
    Question(date_from="2026-01-15", date_to="2026-09-03", year=2026),
    Question("source:Website,none or assigned:jane -is:lost", pipeline="isp"),
    Question("-status:New created:2026-02..2026-08", date_to="2026-06-10"),
    Question("tag:vip or monthly_fee:>1000", date_from="2026-03"),
    Question("created:this-month"),
)


def some_act(office: Office, rnd: random.Random, n: int) -> None:
    """One thing people do, as likely as not refused."""
    ids = [row.id for row in leads.search(office, "is:active or is:lost or is:converted", limit=500).rows] or [1]
    one, some = rnd.choice(ids), rnd.sample(ids, min(len(ids), 3))
    what = rnd.randrange(12)
    if what <= 2:
        values = {
            "phone": f"07220{n:05d}", "source": rnd.choice(["Website", "Referral", HOSTILE[0], HOSTILE[1]]),
            "assigned_to": rnd.choice(["jane", "ann", "none"]), "status": rnd.choice(STATUSES),
            "tags": rnd.choice(["", "vip"]), "monthly_fee": rnd.choice(["", "1499.50", "2000"]),
            "installation_fee": rnd.choice(["", "2500"]), "follow_up": rnd.choice(["", "yesterday", "+9d"]),
        }  # fmt: skip
        leads.create(office, {key: value for key, value in values.items() if value})
    elif what == 3:
        status.set_status(office, one, rnd.choice(STATUSES))
    elif what == 4:
        status.lose(office, one, rnd.choice(["No answer", "too expensive", "the moon"]))
    elif what == 5:
        status.reopen(office, one, "called back")
    elif what == 6:
        convert(office, one, ConvertRequest())
    elif what == 7:
        assign(office, one, rnd.choice(["jane", "ann", "none"]))
    elif what == 8:
        (lifecycle.delete if rnd.random() < 0.7 else lambda o, i: lifecycle.purge(o, i, "asked"))(office, one)
    elif what == 9:
        history.undo(office)
    elif what == 10:
        act = rnd.choice([Act(status="Interested"), Act(assign="ann"), Act(lose="No answer"), Act(delete=True)])
        bulk.apply(office, Target(ids=tuple(some)), act)
    else:
        rows = "".join(f"Im {n}-{i},07330{n:04d}{i},Referral,{rnd.choice(STATUSES)}\n" for i in range(3))
        importing.run_import(office, ("name,phone,source,status\n" + rows).encode())


def test_every_figure_equals_its_leads_and_a_slow_recount(
    office: Office, frozen_clock: Callable[[datetime], None]
) -> None:
    rnd = random.Random(20)
    branch = admin.add(office, "branch", {"name": "West"})["id"]
    team = admin.add(office, "team", {"name": "A"})["id"]
    add_users(office, "jane:agent", "ann:agent", "sue:collections", "bob:branch_user")
    with office.as_system() as tx:
        mine = {"branch_id": branch, "team_id": team}
        tx.conn.execute(update(t.user).where(t.user.c.login.in_(["jane", "sue", "bob"])).values(**mine))
        tx.conn.execute(insert(t.source), [
            {"key": f"k{n}", "name": name, "order": 50 + n, "is_active": True} for n, name in enumerate(HOSTILE)
        ])  # fmt: skip
        touch(tx)
    now = datetime(2025, 12, 20, 8, tzinfo=UTC)
    done = 0
    for n in range(60):
        now += timedelta(hours=rnd.randrange(1, 190))
        frozen_clock(now)
        try:
            some_act(office, rnd, n)
            done += 1
        except LeadtuiError:
            continue
        if n == 30:  # what was noted until now is summed up, what comes later is not
            figures.settle(office)
    assert done > 30
    with office.as_system() as tx:
        tx.conn.execute(update(t.lead).where(t.lead.c.id % 3 == 0).values(branch_id=branch, source_id=None))
        tx.conn.execute(update(t.lead).where(t.lead.c.id % 5 == 0).values(budget_minor=123_457))
        for column, name in ((t.lead.c.id % 7, HOSTILE[2]), (t.lead.c.id % 11, HOSTILE[8])):
            source = tx.conn.execute(select(t.source.c.id).where(t.source.c.name == name)).scalar_one()
            tx.conn.execute(update(t.lead).where(column == 0).values(source_id=source))
    totals = [check(office, question).total for question in QUESTIONS]
    assert totals[0] > 25
    assert len(set(totals)) > 4, totals
    seen = set()
    for login, scope in (("jane", "own"), ("sue", "team"), ("bob", "branch")):
        if login == "sue":
            admin.set_role(office, "collections", "stats", "team")
        with acting_as(office, login) as other:
            assert other.actor.scope("stats") == scope
            seen.add(check(other, Question(date_from="2026-01-10")).total)
    assert len(seen) > 1, seen
    assert 0 not in seen


def touch(tx: Any) -> None:
    from leadtui.store import catalog

    catalog.touch(tx.conn)


@ONE_ENGINE
def test_names_that_look_like_filters_open_their_leads(office: Office) -> None:
    with office.as_system() as tx:
        tx.conn.execute(insert(t.source), [
            {"key": f"k{n}", "name": name, "order": 50 + n, "is_active": True} for n, name in enumerate(HOSTILE)
        ])  # fmt: skip
        tx.conn.execute(insert(t.lost_reason), [{"name": name, "is_active": True} for name in HOSTILE])
        touch(tx)
    office.catalog  # noqa: B018 - read anew
    for n in range(len(HOSTILE)):
        lead = add(office, f"07220009{n:02d}")
        status.lose(office, lead, "x")
        with office.as_system() as tx:
            source = tx.conn.execute(select(t.source.c.id).where(t.source.c.name == HOSTILE[n])).scalar_one()
            reason = tx.conn.execute(select(t.lost_reason.c.id).where(t.lost_reason.c.name == HOSTILE[n])).scalar_one()
            tx.conn.execute(update(t.lead).where(t.lead.c.id == lead).values(source_id=source, lost_reason_id=reason))
    found = check(office, Question())
    assert sorted(one.name for one in found.sources) == sorted(HOSTILE)
    assert {one.total.value for one in found.sources} == {one.value for one in found.reasons} == {1}
    twins = next(one for one in found.sources if one.name == "#1")
    assert twins.total.filter != "source:#1", "that is the id of another"


@ONE_ENGINE
def test_statuses_of_one_name_in_two_pipelines(make_office: Callable[..., Office]) -> None:
    office = make_office("isp")
    admin.add_preset(office, "insurance")
    for n, values in enumerate(({}, {"pipeline": "insurance", "name": "B"}, {"pipeline": "insurance", "name": "C"})):
        leads.create(office, {"phone": f"072200010{n}", "source": "Website", **values})
    status.set_status(office, 2, "Contacted")
    assert check(office, Question()).total == 3
    both = check(office, Question(pipeline="insurance"))
    assert (both.total, {one.pipeline for one in both.funnel}) == (2, {"insurance"})


@ONE_ENGINE
def test_what_is_refused_and_what_a_role_may_not_see(office: Office) -> None:
    add_users(office, "tom:technician", "jane:agent", "bob:branch_user")
    add(office, "0722000111", monthly_fee="1000", assigned_to="jane")
    for question, kind, field in (
        (Question("is:deleted"), Invalid, "where"), (Question(date_from="never"), Invalid, "from"),
        (Question(date_from="2026", date_to="2025"), Invalid, "to"), (Question(pipeline="nope"), Invalid, "pipeline"),
        (Question(year=1200), Invalid, "year"), (Question("status:nope"), FilterError, None),
    ):  # fmt: skip
        with pytest.raises(kind) as refused:
            figures.ask(office, question)
        assert field is None or refused.value.field == field
    with acting_as(office, "tom") as tom, pytest.raises(NotPermitted):
        figures.ask(tom)
    with acting_as(office, "bob") as bob:  # who has no branch
        assert figures.ask(bob).total == figures.ask(bob, Question(date_from="2026-11-03")).total == 0
    role = office.catalog.role_by_id[next(u.role_id for u in office.catalog.users if u.login == "jane")]
    with office.as_system() as tx:
        hidden = ["monthly_fee", "source", "lost_reason", "follow_up"]
        tx.conn.execute(update(t.role).where(t.role.c.id == role.id).values(hidden_fields_json=hidden))
        touch(tx)
    with acting_as(office, "jane") as jane:
        found = check(jane, Question())
        assert found.total == 1
        assert {"revenue_monthly", "value", "forecast", "overdue"}.isdisjoint(one.key for one in found.cards)
        assert (found.sources, found.reasons, found.agents[0].overdue) == ((), (), None)
        with pytest.raises(FilterError):
            figures.ask(jane, Question("monthly_fee:>1"))


def test_many_notes_are_summed_up_and_it_is_right_all_the_same(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "CHUNK", 3)
    for n in range(6):
        add(office, f"072200020{n}")
    with office.read() as tx:
        assert tallies.waiting(tx) >= 6

    def refuse(*_: object, **__: object) -> int:
        raise LeadtuiError("somebody else writes")

    with monkeypatch.context() as locked:
        locked.setattr(tallies, "settle", refuse)
        assert figures.ask(office).total == 6
    assert figures.ask(office).total == 6
    while figures.settle(office, limit=2):
        pass
    with office.read() as tx:
        assert figures.waiting(tx) == 0
    assert figures.ask(office).total == 6
