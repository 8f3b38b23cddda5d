"""Who a lead belongs to (spec §J 89): by hand, or by the rules of assignment (`services/routing`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadtui.domain.fields import BY_KEY
from leadtui.domain.records import Done
from leadtui.store.unit_of_work import WriteTx

from . import lead_writes as w
from .lead_values import ValueContext, parse_value
from .office import Office
from .ownership import hand_to
from .routing import Desk, is_auto


def assign(office: Office, ref: str | int, login: str | None) -> Done:
    """Give a lead to a user; None or "none" to nobody, "auto" by the rules. Raises Invalid, NotPermitted, Refused."""
    with office.write() as tx:
        tx.open_batch("assign", f"assigned to {login or 'nobody'}"[:255])
        desk = Desk(tx) if is_auto(login) else None  # its lock comes before that of the lead
        row = w.open_for(tx, ref, "assign")
        told = assignment(tx, row, login, desk=desk)
        changed = w.change(tx, row, told.columns, "assign", extra_after=told.extra)
        lead = w.row_of(tx, row["id"])
    warnings = told.warnings if changed else (*told.warnings, "it is assigned so already")
    return Done(lead, tx.batch_id, warnings, ("assigned_to",) if "assigned_to_id" in changed else ())


@dataclass(frozen=True, slots=True)
class Assigned:
    """What an assignment changes on the lead, what its audit says beside, and what the person is told."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def assignment(
    tx: WriteTx, row: Mapping[Any, Any], login: str | None, *, desk: Desk | None = None, plans: bool = True
) -> Assigned:
    """Assign a locked lead: writes its activity, moves its open follow-ups along; answers what it changes.

    "auto" asks `desk` (made here where there is none), which spreads what one transaction gives away; with `plans` it
    also makes the first follow-up. Raises Refused (`no_agent`) where there is nobody.
    """
    w.allow(tx, row, "assign")
    if is_auto(login):
        columns, extra, warnings = (desk or Desk(tx)).give(row, plans=plans)
        return Assigned(columns, extra, warnings)
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, row["pipeline_id"])
    text = (login or "none").strip() or "none"
    user_id = parse_value(BY_KEY["assigned_to"], text, ctx)["assigned_to_id"]
    if user_id == row["assigned_to_id"]:
        return Assigned()
    return Assigned(hand_to(tx, row, user_id))


def workloads(office: Office) -> dict[str, int]:
    """Open leads of every active user by login, for choosing whom to assign to."""
    with office.read() as tx:
        w.require(tx, "assign")
        counted = w.workload(tx)
        return {u.login: counted.get(u.id, 0) for u in tx.catalog.users if u.is_active and u.login != "system"}
