"""Actions × scopes on one lead (spec AA, AG27)."""

from __future__ import annotations

import pytest

from leadtui.domain.permissions import ACTIONS, OFFICE_ACTIONS, SCOPES, Actor, Grant


def actor(scope: str, **more: object) -> Actor:
    values = {"branch_id": 1, "team_id": 1, "team_user_ids": (7, 8), "grants": {"read": Grant(scope)}, **more}
    return Actor(7, "jane", "Jane", "agent", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "mine", "team_mates", "strangers_in_my_branch", "elsewhere", "nobodys"),
    [
        ("all", True, True, True, True, True),
        ("branch", True, True, True, False, False),
        ("team", True, True, False, False, False),
        ("own", True, False, False, False, False),
        ("none", False, False, False, False, False),
        ("nonsense", False, False, False, False, False),
    ],
)
def test_a_scope_reaches_these_leads(
    scope: str, mine: bool, team_mates: bool, strangers_in_my_branch: bool, elsewhere: bool, nobodys: bool
) -> None:
    one = actor(scope)
    reached = [
        one.may_on("read", assigned_to_id=owner, branch_id=branch)
        for owner, branch in ((7, 1), (8, 1), (9, 1), (9, 2), (None, None))
    ]
    assert reached == [mine, team_mates, strangers_in_my_branch, elsewhere, nobodys]


def test_own_is_by_person_whatever_the_branch() -> None:
    assert actor("own").may_on("read", assigned_to_id=7, branch_id=2)
    assert not actor("branch").may_on("read", assigned_to_id=7, branch_id=2)


def test_who_belongs_to_no_branch_reaches_none() -> None:
    assert not actor("branch", branch_id=None).may_on("read", assigned_to_id=7, branch_id=None)


def test_without_a_team_one_is_ones_own_team() -> None:
    alone = actor("team", team_user_ids=())
    assert alone.may_on("read", assigned_to_id=7, branch_id=None)
    assert not alone.may_on("read", assigned_to_id=8, branch_id=None)


def test_silence_is_no() -> None:
    for action in ACTIONS:
        if action != "read":
            assert actor("all").scope(action) == "none"
            assert not actor("all").may(action)
            assert not actor("all").may_on(action, assigned_to_id=7, branch_id=1)


def test_the_words_of_the_specification_are_known() -> None:
    wanted = "read create edit status log assign convert lose delete bulk export import campaign stats config"
    assert set(wanted.split()) <= set(ACTIONS)
    assert {"users", "backups", "impersonate", "config"} == OFFICE_ACTIONS <= set(ACTIONS)
    assert SCOPES == ("all", "branch", "team", "own", "none")
