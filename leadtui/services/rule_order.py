"""The order of rules: one place up or down among those it stands with. The same for both kinds of rules."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from leadtui.errors import NotFound

from . import lead_writes as w
from . import scoring
from .office import Office
from .rule_rows import BY_KIND


def move(office: Office, kind: str, rule_id: int, steps: int, *, pipeline: str | None = None) -> bool:
    """Move a rule up (`steps` < 0) or down among the rules of its pipeline, a scoring rule among those of its group.

    With a `pipeline` the steps of assignment that count for every pipeline stand among its own, as they do when a lead
    is given away. False: it is at the end already. Raises NotFound, NotPermitted.
    """
    rules = BY_KIND[kind]
    table = rules.table
    c = table.c
    with office.write() as tx:
        w.require(tx, "config")
        rows = [dict(one) for one in tx.conn.execute(select(table).order_by(c.order, c.id)).mappings()]
        mine = next((one for one in rows if one["id"] == rule_id), None)
        if mine is None:
            raise NotFound("the rule is gone", field="rule")
        shown = {mine["pipeline_id"]}
        if kind == "assign" and pipeline is not None:
            shown |= {None, tx.catalog.find_pipeline(pipeline).id}
        beside = [
            one for one in rows
            if one["pipeline_id"] in shown and (kind == "assign" or one["group"] == mine["group"])
        ]  # fmt: skip
        at = beside.index(mine)
        to = at + steps
        if not 0 <= to < len(beside):
            return False
        wanted = [*beside[:at], *beside[at + 1 :]]
        wanted.insert(to, mine)
        # The places that were theirs are theirs again, so that nobody else moves; alike ones are told apart first.
        places = sorted(one["order"] for one in beside)
        if len(set(places)) < len(places):
            places = list(range(places[0], places[0] + len(places)))
        tx.open_batch("rule", f"{rules.words} {mine['name']} moved")
        for one, place in zip(wanted, places, strict=True):
            if one["order"] != place:
                tx.conn.execute(update(table).where(c.id == one["id"]).values(order=place))
                tx.audit("edit", table.name, one["id"], {"order": one["order"]}, {"order": place})
        _looked_at_anew(tx, kind, [one for one in beside if one["is_active"]])
        tx.catalog_changed()
    scoring.catch_up(office)
    return True


def _looked_at_anew(tx: Any, kind: str, beside: list[dict[str, Any]]) -> None:
    """Only where the first that holds counts is the order worth points."""
    if kind == "score" and any(one["mode"] == "first_match" for one in beside):
        scoring.changed(tx)
