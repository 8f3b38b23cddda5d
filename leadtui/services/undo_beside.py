"""Taking back rows that hang on a lead and have a table of their own: bookings, intakes.

The audit of such a row names its table as the entity. What a batch made goes again, what it changed is put back, with
its lead and only with it: a lead that somebody changed since keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, select, update

from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

TABLES: Final[dict[str, Any]] = {
    "booking": t.booking, "intake": t.intake, "loan_commitment": t.loan_commitment, "lead_offer": t.lead_offer,
}  # fmt: skip
"""By the entity of the audit. Each has an id, and the id of its lead."""


@dataclass
class Beside:
    """The rows a batch touched, by table and id: what stood there before, None where the batch made them."""

    rows: dict[tuple[str, int], dict[str, Any] | None] = field(default_factory=dict)

    def note(self, entry: Any) -> bool:
        """Keep what an entry of the audit says, the first of a row wins. False when it is about something else."""
        if entry.entity not in TABLES:
            return False
        self.rows.setdefault((entry.entity, entry.entity_id), entry.before_json)
        return True

    def take_back(self, tx: WriteTx, lead_ids: Collection[int], typed: Callable[[Any, Any], Any]) -> None:
        """Undo the rows of these leads; `typed` makes a column's value from the plain JSON of the audit."""
        for (entity, row_id), before in self.rows.items():
            table = TABLES[entity]
            lead_id = tx.conn.execute(select(table.c.lead_id).where(table.c.id == row_id)).scalar()
            if lead_id not in lead_ids:
                continue
            if before is None or entity in {"intake", "lead_offer"}:
                _forget_notices(tx, entity, row_id, lead_id)
            if before is None:
                if "replaced_by_id" in table.c:  # what it took the place of no longer names it
                    freed = update(table).where(table.c.replaced_by_id == row_id)
                    tx.conn.execute(freed.values(replaced_by_id=None))
                tx.conn.execute(delete(table).where(table.c.id == row_id))
                tx.audit("undo", entity, row_id, None, None)
            else:
                columns = {key: typed(table.c[key], value) for key, value in before.items()}
                tx.conn.execute(update(table).where(table.c.id == row_id).values(**columns))
                tx.audit("undo", entity, row_id, None, before)


def _forget_notices(tx: WriteTx, entity: str, row_id: int, lead_id: int | None) -> None:
    """Nobody need be told of it any more; and what takes its place may have its number (SQLite), and is told anew."""
    n, i = t.notification.c, t.intake.c
    match entity:
        case "loan_commitment":
            told: Any = n.occurrence.like(f"loan:{row_id}:%")
        case "lead_offer":  # told without the lead: who is told may not see it
            told = n.occurrence.like(f"offer:{row_id}:%") | (n.occurrence == f"offer:{row_id}")
            tx.conn.execute(delete(t.notification).where(n.kind == "offer", told))
            return
        case "intake":
            row = tx.conn.execute(select(i.kind, i.external_ref).where(i.id == row_id)).one()
            told = n.occurrence == f"intake:{row.kind}:{row.external_ref}"[:120]
        case _:
            return
    tx.conn.execute(delete(t.notification).where(n.lead_id == lead_id, told))
