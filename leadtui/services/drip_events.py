"""What happened to a lead, and its drips: rules that enroll by themselves, and what ends them (spec §Q).

Handlers of `services.events`: each runs as `system`, in the transaction that closes its event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select

from leadtui.domain.drips import EnrollRule
from leadtui.domain.filters import And, Node, Not, Or, Term
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.errors import Invalid
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from .drip_enrolling import ended_reason, insert, judged, stop_all
from .drip_rows import live, steps_of


# -- by a rule ---------------------------------------------------------------------------------------------------------
def on_created(tx: WriteTx, event: Any) -> None:
    """Handler: a lead was added."""
    _by_rule(tx, event, lambda rule: rule.on == "created")


def on_stage(tx: WriteTx, event: Any) -> None:
    """Handler: a lead moved. It comes into the drips of its new status, if it is still there, and out of all drips
    when it is lost or converted.
    """
    row = locked(tx, event.lead_id)
    if row is None or row["stage_id"] != (event.payload_json or {}).get("to"):
        return
    reason = ended_reason(tx, row)
    if reason is not None:
        stop_all(tx, row["id"], reason, cause=(event.payload_json or {}).get("batch"))
        return
    stage = tx.catalog.stage_by_id[row["stage_id"]]
    pipeline = tx.catalog.pipeline_by_id[stage.pipeline_id].key

    def fits(rule: EnrollRule) -> bool:
        named = {stage.name, stage.key}
        return rule.on == "status" and rule.status in named and rule.pipeline in (None, pipeline)

    _by_rule(tx, event, fits)


def _by_rule(tx: WriteTx, event: Any, fits: Callable[[EnrollRule], bool]) -> None:
    c = t.campaign.c
    drips = tx.conn.execute(select(t.campaign).where(live(), c.status == "active").order_by(c.id)).mappings().all()
    drips = [one for one in drips if EnrollRule.of(one["options_json"]).on is not None]
    row = locked(tx, event.lead_id) if drips else None
    if row is None or row["deleted_at"] is not None:
        return
    batch_id = (event.payload_json or {}).get("batch")
    for drip in drips:
        rule = EnrollRule.of(drip["options_json"])
        if not fits(rule) or not matches(tx, row["id"], rule.where):
            continue
        steps = steps_of(tx, drip["id"], drip["current_version"])
        fit, _ = judged(tx, drip, steps, [row["id"]], again=False)
        insert(tx, drip, steps, fit, batch_id=batch_id, by_hand=False)


def locked(tx: WriteTx, lead_id: int | None) -> Mapping[Any, Any] | None:
    """The lead, locked: always before its enrollments, so that nobody waits in a ring."""
    query = select(t.lead).where(t.lead.c.id == lead_id).with_for_update()
    return tx.conn.execute(query).mappings().one_or_none()


# -- what ends them ---
def on_reply(tx: WriteTx, event: Any) -> None:
    """Handler: the lead answered; the program is silent, and a person goes on."""
    _stop(tx, event, "reply")


def on_opt_out(tx: WriteTx, event: Any) -> None:
    """Handler: the lead wants no messages."""
    _stop(tx, event, "opt_out")


def on_deleted(tx: WriteTx, event: Any) -> None:
    """Handler: the lead was deleted; where it was brought back meanwhile, its drips go on."""
    row = locked(tx, event.lead_id)
    if row is not None and row["deleted_at"] is not None:
        stop_all(tx, row["id"], "deleted", cause=(event.payload_json or {}).get("batch"))


def on_converted(tx: WriteTx, event: Any) -> None:
    """Handler: the lead became a customer."""
    row = locked(tx, event.lead_id)
    if row is not None and ended_reason(tx, row) == "converted":
        stop_all(tx, row["id"], "converted")


def _stop(tx: WriteTx, event: Any, reason: str) -> None:
    if event.lead_id is not None and locked(tx, event.lead_id) is not None:
        stop_all(tx, event.lead_id, reason, before=event.at)


# -- filters of rules -------------------------------------------------------------------------------------------------
def matches(tx: ReadTx, lead_id: int, where: str | None) -> bool:
    """Whether a filter finds this lead, deleted ones only where it asks for them. Raises FilterError."""
    if not where:
        return True
    condition = lead_queries.condition(tx, parse_lead_filter(where, frozenset()))
    return tx.conn.execute(select(t.lead.c.id).where(t.lead.c.id == lead_id, condition)).first() is not None


def check_filter(where: str | None, *, field: str) -> None:
    """Whether a rule's filter can be read. Raises FilterError; Invalid for one that means whoever reads it."""
    if where and _says_me(parse_lead_filter(where, frozenset())):
        raise Invalid("a rule is nobody's own: 'me' means nobody here", field=field, hint="name a login instead")


def _says_me(node: Node | None) -> bool:
    match node:
        case And(items) | Or(items):
            return any(_says_me(one) for one in items)
        case Not(item):
            return _says_me(item)
        case Term(_, _, values):
            return "me" in values
        case _:
            return False
