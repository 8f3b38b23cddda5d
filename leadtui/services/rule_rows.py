"""What rules of scores and rules of assignment share as rows: listing, finding, writing one; `u` takes it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, delete, func, or_, select, update

from leadtui.domain.conditions import read
from leadtui.errors import Duplicate, FilterError, Invalid, NotFound
from leadtui.store import presets
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import fold

from .office import Office

Row = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class RuleTable:
    """One of the two tables: `kind` is the verb of `leadtui rule`, `words` what a rule is called."""

    table: Table
    kind: str
    words: str

    # -- reading -------------------------------------------------------------------------------------------------------
    def rows(self, tx: ReadTx, pipeline_id: int | None = None) -> list[Row]:
        """The rules, in use or not, in their order: of one pipeline (with those of every one), or all."""
        c, query = self.table.c, select(self.table)
        if pipeline_id is not None:
            query = query.where(or_(c.pipeline_id.is_(None), c.pipeline_id == pipeline_id)).order_by(c.order, c.id)
        else:
            query = query.order_by(func.coalesce(c.pipeline_id, 0), c.order, c.id)
        return list(tx.conn.execute(query).mappings())

    def row(self, tx: ReadTx, row_id: int) -> Row:
        """A rule that is there."""
        return tx.conn.execute(select(self.table).where(self.table.c.id == row_id)).mappings().one()

    def find(self, tx: ReadTx, ref: str, pipeline: str | None = None) -> Row:
        """The rule of that name, key or id; of several, that of the pipeline (the default one, where none is named).

        Raises NotFound, Invalid where several are left.
        """
        wanted = fold(ref).strip()
        of = tx.catalog.find_pipeline(pipeline).id if pipeline else None
        found = [r for r in self.rows(tx, of) if wanted in {fold(r["name"]), r["key"]} or ref.strip() == str(r["id"])]
        found = [r for r in found if fold(r["name"]) == wanted] or found
        if len(found) > 1:
            found = [r for r in found if r["pipeline_id"] == (of or tx.catalog.default_pipeline.id)] or found
        if not found:
            raise NotFound(
                f"there is no {self.words} '{ref[:80]}'", field="rule", hint=f"see: leadtui rule {self.kind} list"
            )
        if len(found) > 1:
            raise Invalid(
                f"several rules are named '{ref[:80]}'", field="rule", hint="say which with --pipeline, or its id"
            )
        return found[0]

    # -- a rule in the making ------------------------------------------------------------------------------------------
    def others(self, tx: ReadTx, row: Row) -> Sequence[Row]:
        """The other rules of the pipeline of one. Raises Duplicate where one of them has its name."""
        beside = [r for r in self.rows(tx) if r["pipeline_id"] == row["pipeline_id"] and r["id"] != row["id"]]
        for one in beside:
            if fold(one["name"]) == fold(row["name"]):
                article = "an" if self.words[0] in "aeiou" else "a"
                raise Duplicate(f"there is {article} {self.words} '{one['name']}' already", field="name")
        return beside

    def free_key(self, tx: ReadTx, name: str) -> str:
        """A key that no rule has yet."""
        taken = {row["key"] for row in self.rows(tx)}
        key = presets.slug(name)[:50] or "rule"
        free, n = key, 2
        while free in taken:
            free, n = f"{key}_{n}", n + 1
        return free

    # -- writing -------------------------------------------------------------------------------------------------------
    def insert(self, tx: WriteTx, columns: Row) -> int:
        """A new rule; answers its id."""
        tx.open_batch("rule", f"new {self.words} {columns['name']}")
        kept = {key: value for key, value in columns.items() if key != "id"}
        row_id = insert_id(tx.conn, self.table, **kept)
        tx.audit("create", self.table.name, row_id, None, kept)
        return row_id

    def change(self, tx: WriteTx, row: Row, columns: Row) -> bool:
        """Write what is new of a rule; whether anything was."""
        changed = {key: value for key, value in columns.items() if row[key] != value}
        if changed:
            self._write(tx, row, changed, "edit", f"{self.words} {columns['name']}")
        return bool(changed)

    def switch(self, tx: WriteTx, row: Row, active: bool) -> bool:
        """Let a rule count again, or rest; whether it did not already."""
        if row["is_active"] == active:
            return False
        words = f"{self.words} {row['name']} {'enabled' if active else 'disabled'}"
        self._write(tx, row, {"is_active": active}, "revive" if active else "retire", words)
        return True

    def delete(self, tx: WriteTx, row: Row) -> None:
        """Take a rule away."""
        tx.open_batch("rule", f"{self.words} {row['name']} removed")
        tx.conn.execute(delete(self.table).where(self.table.c.id == row["id"]))
        tx.audit("delete", self.table.name, row["id"], dict(row), None)

    def _write(self, tx: WriteTx, row: Row, changed: Mapping[str, Any], action: str, label: str) -> None:
        tx.open_batch("rule", label)
        tx.conn.execute(update(self.table).where(self.table.c.id == row["id"]).values(**changed))
        tx.audit(action, self.table.name, row["id"], {key: row[key] for key in changed}, dict(changed))


SCORING: Final = RuleTable(t.scoring_rule, "score", "scoring rule")
ASSIGNMENT: Final = RuleTable(t.assignment_rule, "assign", "assignment rule")
BY_KIND: Final[Mapping[str, RuleTable]] = {one.kind: one for one in (SCORING, ASSIGNMENT)}


def changing(office: Office, dry_run: bool) -> Any:
    """The transaction of a change; one that only reads, where it is only tried."""
    return office.read() if dry_run else office.write()


def problem_of(tx: ReadTx, row: Row) -> str | None:
    """Why a rule counts for no lead: its condition cannot be read (any more)."""
    try:
        read(row["condition"] or "", tx.catalog)
    except FilterError as error:
        return error.message
    return None


def pipeline_key(tx: ReadTx, row: Row) -> str | None:
    """The pipeline a rule is of; None: of every one."""
    return tx.catalog.pipeline_by_id[row["pipeline_id"]].key if row["pipeline_id"] is not None else None
