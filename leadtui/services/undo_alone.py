"""Taking back what stands alone, on no lead: campaigns before they are begun, templates, measured probabilities,
rules of scores.

The audit names the table as the entity. What a batch made goes again, what it changed is put back; not where somebody
changed it since, and a campaign that was begun is never taken back: what was sent is final.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import and_, delete, insert, or_, select, update

from leadtui.domain.records import Refusal
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import probabilities, scoring

TABLES: Final[Mapping[str, Any]] = {
    "campaign": t.campaign, "template": t.template, "status": t.stage, "scoring_rule": t.scoring_rule,
    "assignment_rule": t.assignment_rule,
}  # fmt: skip
"""By the entity of the audit."""

_OF_OFFICE: Final[Mapping[str, str]] = {
    "status": "statuses", "scoring_rule": "rules of scores", "assignment_rule": "rules of assignment",
}  # fmt: skip
"""What only those put back who may set up the office."""

Key = tuple[str, int]


@dataclass
class Alone:
    """The rows a batch touched, by table and id: what stood there before, None where the batch made them."""

    rows: dict[Key, dict[str, Any] | None] = field(default_factory=dict)

    def note(self, entry: Any) -> bool:
        """Keep what an entry of the audit says, the first of each column wins. False: it is about something else."""
        if entry.entity not in TABLES or entry.entity_id is None:
            return False
        key = (entry.entity, entry.entity_id)
        before = self.rows.setdefault(key, entry.before_json)
        for name, value in (entry.before_json or {}).items():
            if before is not None:
                before.setdefault(name, value)
        return True

    def refuse_changed(self, tx: ReadTx, batch_id: int, last_audit_id: int) -> list[Refusal]:
        """Take those out that cannot be put back any more, and say why."""
        refused: list[Refusal] = []
        for entity, row_id in list(self.rows):
            why = self._changed(tx, entity, row_id, batch_id, last_audit_id) or self._held(tx, entity, row_id)
            if why:
                refused.append(Refusal(0, f"{entity} {row_id}", why, "changed_since"))
                del self.rows[entity, row_id]
        return refused

    def _changed(self, tx: ReadTx, entity: str, row_id: int, batch_id: int, last_audit_id: int) -> str:
        a, b, table = t.audit.c, t.batch.c, TABLES[entity]
        if isinstance(tx, WriteTx):  # from here on nobody changes it
            tx.conn.execute(select(table.c.id).where(table.c.id == row_id).with_for_update())
        standing = or_(a.batch_id.is_(None), and_(b.kind != "undo", b.undone_at.is_(None)))
        query = (
            select(a.action, a.user_id, a.at)
            .select_from(t.audit.outerjoin(t.batch, b.id == a.batch_id))
            .where(a.entity == entity, a.entity_id == row_id, a.id > last_audit_id, standing)
            .where(a.batch_id.is_distinct_from(batch_id))
            .order_by(a.id)
        )
        found = tx.conn.execute(query).first()
        if found is None:
            return ""
        when = found.at.astimezone(tx.catalog.tz).strftime("%d %b %H:%M")
        return f"changed since: {found.action} by {tx.catalog.user_by_id[found.user_id].login}, {when}"

    def _held(self, tx: ReadTx, entity: str, row_id: int) -> str:
        """Why a row cannot be put back by this actor, or one that the batch made cannot go; empty when it can."""
        if entity in _OF_OFFICE and not tx.actor.may("config"):
            return f"you may not change the {_OF_OFFICE[entity]}"
        if self.rows[entity, row_id] is not None or entity != "template":
            return ""
        used = tx.conn.execute(select(t.campaign.c.id).where(t.campaign.c.template_id == row_id).limit(1)).first()
        return "campaigns are made with it: retire it instead" if used else ""

    def take_back(self, tx: WriteTx, typed: Callable[[Any, Any], Any]) -> None:
        """Undo them; `typed` makes a column's value from the plain JSON of the audit."""
        for (entity, row_id), before in self.rows.items():
            table = TABLES[entity]
            if before is None:
                if entity == "assignment_rule":  # what it offered stays offered
                    offered = update(t.lead_offer).where(t.lead_offer.c.rule_id == row_id)
                    tx.conn.execute(offered.values(rule_id=None))
                tx.conn.execute(delete(table).where(table.c.id == row_id))
                tx.audit("undo", entity, row_id, None, None)
                continue
            columns = {name: typed(table.c[name], value) for name, value in before.items() if name in table.c}
            if "version" in table.c:
                columns["version"] = table.c.version + 1
            if "updated_at" in table.c:
                columns["updated_at"] = tx.now
            done = tx.conn.execute(update(table).where(table.c.id == row_id).values(columns)).rowcount
            if not done:  # it was removed
                tx.conn.execute(insert(table).values(columns))
            tx.audit("undo", entity, row_id, None, before)
        self._statuses(tx)
        if any(entity == "scoring_rule" for entity, _ in self.rows):
            scoring.changed(tx)

    def _statuses(self, tx: WriteTx) -> None:
        """Statuses are in the catalogue, and their leads carry their probability."""
        ids = [row_id for entity, row_id in self.rows if entity == "status"]
        if ids:
            probabilities.changed(tx, ids)
            tx.catalog_changed()
