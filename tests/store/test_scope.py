"""The scope in SQL and the scope of one lead already read are one rule (spec AA, AI-c)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from leadtui.domain.permissions import SCOPES, Actor, Grant
from leadtui.services import admin
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from tests.services.lead_help import add, add_users

BRANCHES = ("North", "South", "")
OWNERS = ("jane", "ann", "boss", "none")


@pytest.fixture
def filled(office: Office) -> Office:
    for branch in BRANCHES[:2]:
        admin.add(office, "branch", {"name": branch})
    add_users(office, "jane:agent", "ann:agent")
    for n, (branch, owner) in enumerate((b, o) for b in BRANCHES for o in OWNERS):
        add(office, f"07220001{n:02d}", branch=branch, assigned_to=owner)
    return office


def test_sql_and_python_agree_for_every_scope(filled: Office) -> None:
    users = {u.login: u.id for u in filled.catalog.users}
    branches = [*(b.id for b in filled.catalog.branches), None]
    lead = t.lead.c
    sizes: dict[str, set[int]] = {scope: set() for scope in SCOPES}
    with filled.read() as tx:
        everything = tx.conn.execute(select(lead.id, lead.assigned_to_id, lead.branch_id)).all()
        assert len(everything) == 12
        for scope in SCOPES:
            for login in OWNERS[:3]:
                for branch_id in branches:
                    for team in ((), (users["jane"],), (users["jane"], users["ann"])):
                        actor = Actor(
                            users[login], login, login, "x", branch_id, 1, team, {"read": Grant(scope), "edit": Grant()}
                        )
                        found = set(tx.conn.execute(select(lead.id).where(scope_clause(actor))).scalars())
                        wanted = {
                            r.id
                            for r in everything
                            if actor.may_on("read", assigned_to_id=r.assigned_to_id, branch_id=r.branch_id)
                        }
                        assert found == wanted
                        sizes[scope].add(len(found))
                        for action in ("edit", "delete"):  # none, and silent
                            nothing = select(lead.id).where(scope_clause(actor, action))
                            assert tx.conn.execute(nothing).first() is None
    assert sizes == {"all": {12}, "branch": {0, 4}, "team": {3, 6, 9}, "own": {3}, "none": {0}}


def test_nobodys_leads_are_no_ones_own(filled: Office) -> None:
    """A lead without assignee or branch is in nobody's own, team or branch."""
    actor = Actor(0, "", "", "", None, None, (), {"read": Grant("own"), "edit": Grant("branch"), "log": Grant("team")})
    with filled.read() as tx:
        for action in ("read", "edit", "log"):
            assert tx.conn.execute(select(t.lead.c.id).where(scope_clause(actor, action))).first() is None
            assert not actor.may_on(action, assigned_to_id=None, branch_id=None)
