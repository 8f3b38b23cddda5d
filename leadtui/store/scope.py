"""The permission scope as SQL: put into every query that reads leads, so that nothing can leak (spec §AA, AI-c)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false, true

from leadtui.domain.permissions import Actor

from . import schema as t


def scope_clause(actor: Actor, action: str = "read", lead: Any = None) -> ColumnElement[bool]:
    """Which leads `actor` may do `action` on. The same rule as `Actor.may_on`, inside the query."""
    c = (t.lead if lead is None else lead).c
    match actor.scope(action):
        case "all":
            return true()
        case "branch":
            return c.branch_id == actor.branch_id if actor.branch_id is not None else false()
        case "team":
            return c.assigned_to_id.in_({*actor.team_user_ids, actor.user_id})
        case "own":
            return c.assigned_to_id == actor.user_id
        case _:
            return false()
