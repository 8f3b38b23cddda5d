"""Nothing of a lead outside the scope leaks, by any door (spec AA, AF 219, AJ34; contract answer 4)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leadtui.errors import Duplicate, FilterError, NotFound, NotPermitted, UsageError
from leadtui.services import activities, admin, exporting, history, intake, leads, lifecycle, status
from leadtui.services.activities import LogEntry
from leadtui.services.assignment import assign
from leadtui.services.bulk import Act, Target, apply, preview
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users, dump

SECRET = "Zebedee Quux"


@pytest.fixture
def jane(office: Office) -> Iterator[Office]:
    """An agent, on both engines; her colleague `ann` has the lead 2."""
    add_users(office, "jane:agent", "ann:agent")
    add(office, "0722000001", name="Mine", assigned_to="jane")
    add(office, "0722000002", name=SECRET, assigned_to="ann", email="quux@example.com", tags="vip", city="Nakuru",
        brought_in_by="Mr Secret", monthly_fee="777", follow_up="today", **{"custom.pet": "cat"})  # fmt: skip
    activities.log(office, 2, LogEntry("call"))
    with acting_as(office, "jane") as other:
        yield other


MINE, FOREIGN = 1, 2


FILTERS = [
    "", "zebedee", "ebe", "qu", "0722000002", "quux@example.com", "tag:vip", "city:nakuru", "assigned:ann", "by:secret",
    "custom.pet:cat", "monthly_fee:777", "due:today", "status:new", "-status:converted", "is:active or tag:vip",
    "id:2", "name:zeb*", "phone:0722000002", "-name:mine", "missing:priority", "(assigned:ann or assigned:me)",
    "is:deleted or assigned:ann", "LD-",
]  # fmt: skip
"""Each of them finds the colleague's lead."""


def test_no_filter_finds_a_colleagues_lead(jane: Office, office: Office) -> None:
    for where in FILTERS:
        assert FOREIGN in {r.id for r in leads.search(office, where).rows}, where
        found = {r.id for r in leads.search(jane, where, limit=100).rows}
        assert found <= {MINE}, where
        assert leads.count(jane, where) == leads.search(jane, where).total == len(found)
        for sort in ("name", "-status", "brought_in_by", "-assigned_to", "id"):
            assert {r.id for r in leads.search(jane, where, sort=sort).rows} == found


def test_places_in_a_list_are_those_of_the_persons_own_list(jane: Office) -> None:
    assert leads.rows(jane, [FOREIGN, MINE]) == (leads.get(jane, MINE).row,)
    assert leads.position(jane, "", "id", FOREIGN) is None
    assert leads.position(jane, "", "-id", MINE) == 0
    assert leads.neighbours(jane, "", "id", FOREIGN) == (None, None)
    assert leads.neighbours(jane, "", "id", MINE) == (None, None)


CALLS: dict[str, Callable[[Office, Any], object]] = {
    "get": leads.get,
    "edit": lambda o, r: leads.edit(o, r, {"name": "x"}),
    "status": lambda o, r: status.set_status(o, r, "Contacted"),
    "lose": lambda o, r: status.lose(o, r, "x"),
    "reopen": lambda o, r: status.reopen(o, r, "x"),
    "assign": lambda o, r: assign(o, r, "jane"),
    "log": lambda o, r: activities.log(o, r, LogEntry("call")),
    "follow-up": lambda o, r: activities.add_follow_up(o, r, "+1d"),
    "delete": lifecycle.delete,
    "restore": lifecycle.restore,
    "protect": lambda o, r: lifecycle.protect(o, r, "x"),
    "unprotect": lifecycle.unprotect,
    "tag": lambda o, r: lifecycle.tag(o, r, ["x"]),
    "untag": lambda o, r: lifecycle.untag(o, r, ["vip"]),
    "interest": lambda o, r: lifecycle.interest(o, r, ["20 Mbps Home"]),
    "attach": lambda o, r: lifecycle.attach(o, r, Path(__file__)),
    "audit": lambda o, r: history.audit(o, lead_ref=r),
    "id": leads.lead_id_of,
}


def test_a_colleagues_lead_and_none_at_all_sound_alike(jane: Office, office: Office) -> None:
    number = leads.get(office, FOREIGN).row.number
    missing_number = number[:-4] + "0999"
    before = dump(office, but=())
    for name, call in CALLS.items():
        for ref, absent in ((FOREIGN, 999), (number, missing_number), ("0722000002", "0722000999")):
            with pytest.raises(NotFound) as unseen:
                call(jane, ref)
            with pytest.raises(NotFound) as nothing:
                call(jane, absent)
            said, wanted = unseen.value, nothing.value
            assert (name, said.message) == (name, wanted.message.replace(str(absent), str(ref)))
            assert (said.field, said.hint, said.code, said.exit_code) == (wanted.field, wanted.hint, wanted.code, 4)
            assert not said.data
    for target in (Target(ids=(FOREIGN,)), Target(where="assigned:ann")):
        with pytest.raises((NotFound, NotPermitted)):
            apply(jane, target, Act(tag=("x",)))
        with pytest.raises((NotFound, NotPermitted)):
            preview(jane, target, Act(delete=True))
    assert dump(office, but=()) == before


def test_what_may_be_read_but_not_done_is_not_permitted(jane: Office, office: Office) -> None:
    before = dump(office, but=())
    for name in ("assign", "delete", "protect", "unprotect", "reopen"):
        with pytest.raises(NotPermitted) as refused:
            CALLS[name](jane, MINE)
        assert refused.value.exit_code == 3
        assert "agent" in (refused.value.hint or "")
    assert dump(office, but=()) == before


def test_a_duplicate_is_told_without_its_record(jane: Office, office: Office) -> None:
    (hit,) = leads.duplicates(jane, {"phone": "0722 000 002"})
    assert (hit.lead_id, hit.number, hit.name, hit.status) == (None, None, None, None)
    assert (hit.owner, hit.blocks) == ("ann", True)
    assert hit.sentence == "a lead with this phone exists already, owned by ann"
    (by_mail,) = leads.duplicates(jane, {"email": "QUUX@example.com"})
    assert by_mail.sentence == "a lead with this email exists already, owned by ann"
    (own,) = leads.duplicates(jane, {"phone": "0722000001"})
    assert (own.lead_id, own.name) == (MINE, "Mine")
    assert leads.duplicates(jane, {"phone": "0722000001"}, exclude_id=MINE) == ()
    for act in (
        lambda: leads.create(jane, {"phone": "+254722000002"}),
        lambda: leads.edit(jane, MINE, {"phone": "0722000002"}),
        lambda: intake.by_hand(jane, "Website", {"phone": "0722000002", "name": "Other"}),
    ):
        with pytest.raises(Duplicate) as refused:
            act()
        told = f"{refused.value.message} {refused.value.hint} {refused.value.data}"
        assert "owned by ann" in told
        assert SECRET not in told
        assert "LD-" not in told
        assert refused.value.data.get("lead_id") is None
    with pytest.raises(Duplicate) as seen:
        leads.create(office, {"phone": "+254722000002"})
    assert (SECRET in seen.value.message, seen.value.data["lead_id"]) == (True, FOREIGN)


def test_the_audit_shows_an_agent_only_his_leads(jane: Office, office: Office) -> None:
    total, entries = history.audit(jane, limit=100)
    assert {(e.entity, e.entity_id) for e in entries} == {("lead", MINE)}
    assert total == len(entries) == 1
    assert history.audit(jane, entity="user")[0] == history.audit(jane, user="boss", entity="activity")[0] == 0
    assert history.audit(office, limit=1)[0] == 5


def test_a_lead_that_is_given_away_is_gone(jane: Office, office: Office) -> None:
    edited = leads.edit(jane, MINE, {"city": "Kisumu"}).batch
    assign(office, MINE, "ann")
    with pytest.raises(NotFound):
        leads.get(jane, MINE)
    assert leads.count(jane) == 0
    assert history.audit(jane)[0] == 0
    before = dump(office, but=())
    assert history.undo(jane, edited).restored == 0  # and what she did there stays as it is
    assert dump(office, but=()) == before


def test_a_role_taken_away_counts_at_once(jane: Office, office: Office) -> None:
    assert leads.count(jane) == 1
    admin.edit_user(office, "jane", {"role": "collections"})
    assert leads.count(jane) == 2
    with pytest.raises(NotPermitted):
        leads.edit(jane, MINE, {"city": "x"})
    admin.set_user_active(office, "jane", False)
    for act in (lambda: leads.count(jane), lambda: leads.edit(jane, MINE, {"city": "x"})):
        with pytest.raises(NotPermitted) as refused:
            act()
        assert refused.value.code == "disabled_user"


def test_the_teams_scope_is_that_of_all_its_members(office: Office) -> None:
    add_users(office, "jane:agent", "ann:agent", team="West")
    add_users(office, "eve:agent", team="East")
    add_users(office, "loner:agent")
    for n, owner in enumerate(("jane", "ann", "eve", "loner", "none"), 1):
        add(office, f"072200000{n}", assigned_to=owner)
    for action in ("read", "edit"):
        admin.set_role(office, "agent", action, "team")
    for n, (login, visible) in enumerate({"jane": {1, 2}, "ann": {1, 2}, "eve": {3}, "loner": {4}}.items()):
        with acting_as(office, login) as person:
            assert {r.id for r in leads.search(person).rows} == visible
            assert {i for i in range(1, 6) if may(lambda i=i, p=person: edit(p, i))} == visible
            # To read and edit is the team's, to move a lead one's own.
            moved = {i for i in range(1, 6) if may(lambda i=i, p=person: status.set_status(p, i, "Contacted"))}
            assert moved == {n + 1}
            made = leads.create(person, {"phone": f"073300000{n}"}).lead
            assert made.assigned_to == login
            lifecycle.delete(office, made.id)


def test_the_branchs_scope_is_its_leads_and_no_others(office: Office) -> None:
    for branch in ("North", "South"):
        admin.add(office, "branch", {"name": branch})
    add_users(office, "nora:branch_user", branch="North")
    add_users(office, "nobody:branch_user")
    for n, branch in enumerate(("North", "South", ""), 1):
        add(office, f"072200000{n}", branch=branch)
    with acting_as(office, "nora") as nora, acting_as(office, "nobody") as nobody:
        assert {r.id for r in leads.search(nora).rows} == {1}
        assert {i for i in (1, 2, 3) if may(lambda i=i: leads.edit(nora, i, {"city": "x"}))} == {1}
        with pytest.raises(NotPermitted) as moved:
            leads.edit(nora, 1, {"branch": "South"})
        assert moved.value.field == "branch"
        out = io.BytesIO()
        assert exporting.export(nora, out=out) == 1
        # Who belongs to no branch reaches no lead; those without a branch are not his either.
        assert leads.count(nobody) == 0
        assert not any(may(lambda i=i: leads.get(nobody, i)) for i in (1, 2, 3))
        for values in ({}, {"branch": "North"}):
            with pytest.raises(NotPermitted):
                leads.create(nobody, {"phone": "0733000001", **values})


def edit(person: Office, lead_id: int) -> object:
    return leads.edit(person, lead_id, {"city": person.actor.login})


def may(act: Callable[[], object]) -> bool:
    try:
        act()
    except (NotFound, NotPermitted):
        return False
    return True


# -- hidden fields --------------------------------------------------------------------------------------------------


@pytest.fixture
def tom(office: Office) -> Iterator[Office]:
    """A technician, who sees no money; lead 1 is his."""
    add_users(office, "tom:technician")
    add(office, "0722000001", assigned_to="tom", name="Site", installation_fee="2500", monthly_fee="777", budget="99")
    leads.edit(office, 1, {"monthly_fee": "888", "city": "Nakuru"})
    with acting_as(office, "tom") as other:
        yield other


NEVER = datetime(2000, 1, 1, tzinfo=UTC)
MONEY = {"installation_fee", "monthly_fee", "total_amount", "budget"}


def test_a_technician_sees_no_money_anywhere(tom: Office, office: Office) -> None:
    detail = leads.get(tom, 1)
    assert not MONEY & set(detail.fields)
    assert detail.fields["city"] == "Nakuru"
    for row in (detail.row, leads.search(tom).rows[0], leads.rows(tom, [1])[0],
                activities.log(tom, 1, LogEntry("note")).lead):  # fmt: skip
        assert (row.installation_fee, row.monthly_fee, row.total_amount) == (None, None, None)
        assert row.name == "Site"
    for entry in history.audit(tom, lead_ref=1)[1]:
        assert not MONEY & set(entry.changes)
        assert "888" not in str(replace(entry, at=NEVER))  # a moment may hold any digits
        assert "777" not in str(entry)
    assert leads.get(office, 1).row.total_amount == 338800


def test_a_technician_can_neither_ask_for_money_nor_sort_by_it(tom: Office) -> None:
    for where in ("monthly_fee:>1", "monthly:888", "fee:>=1", "installation:2500", "budget:99", "missing:budget",
                  "-monthly_fee:1", "name:site or monthly_fee:888"):  # fmt: skip
        for ask in (leads.search, leads.count):
            with pytest.raises(FilterError):
                ask(tom, where)
    for sort in ("monthly_fee", "-monthly_fee", "fee"):
        with pytest.raises(UsageError) as refused:
            leads.search(tom, sort=sort)
        assert refused.value.field == "sort"
        assert "monthly_fee" not in (refused.value.hint or "")
        with pytest.raises(UsageError):
            leads.position(tom, "", sort, 1)


def test_an_export_leaves_hidden_fields_out(tom: Office, office: Office) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    admin.set_role(office, "technician", "export", "own")
    for name in exporting.FORMATS:
        out = io.BytesIO()
        assert exporting.export(tom, format=name, out=out) == 1
        content = out.getvalue()
        if name == "xlsx":
            sheet = openpyxl.load_workbook(io.BytesIO(content)).active
            content = "\n".join(str(c.value) for row in sheet.iter_rows() for c in row).encode()
        assert b"Site" in content
        for word in (b"888", b"2500", b"monthly", b"budget", b"total"):
            assert word not in content
