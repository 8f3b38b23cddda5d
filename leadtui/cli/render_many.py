"""What acts on many leads, undo and the audit answer, as JSON objects and as text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from leadtui.cli.output import table, words
from leadtui.cli.render import View, lead_table
from leadtui.domain.dates import iso_z
from leadtui.domain.records import AuditRow, BatchRow, BulkResult, Refusal, UndoResult
from leadtui.domain.shapes import bulk_json as bulk_json
from leadtui.domain.shapes import refusal_json

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


def bulk_text(result: BulkResult, view: View) -> str:
    """The same in words."""
    verb = "would change" if result.dry_run else "changed"
    lines = [f"{verb} {result.changed:,} of {result.matched:,} leads"]
    if result.dry_run and result.examples:
        lines.append(lead_table(result.examples, ("number", "name", "phone", "status", "assigned_to"), view))
    lines += _refused_lines(result.refused)
    if result.batch is not None and result.changed:
        lines.append(f"take it back with: leadtui undo {result.batch}")
    return "\n".join(lines)


def _refused_lines(refused: Collection[Refusal], limit: int = 50) -> list[str]:
    lines = [f"refused {r.lead_number}: {r.error}" for r in list(refused)[:limit]]
    return lines + ([f"… and {len(refused) - limit:,} more"] if len(refused) > limit else [])


def undo_json(result: UndoResult) -> dict[str, Any]:
    """What an undo restored, and what it left."""
    return {
        "batch": result.batch, "kind": result.kind, "label": result.label, "restored": result.restored,
        "refused": [refusal_json(refusal) for refusal in result.refused], "dry_run": result.dry_run,
    }  # fmt: skip


def undo_text(result: UndoResult) -> str:
    """The same in words."""
    verb = "would restore" if result.dry_run else "restored"
    first = f"{verb} {result.restored:,} (batch {result.batch}, {result.label or result.kind})"
    return "\n".join([first, *_refused_lines(result.refused)])


def batch_json(batch: BatchRow) -> dict[str, Any]:
    """A batch in `undo list`."""
    return {
        "batch": batch.id, "kind": batch.kind, "label": batch.label, "by": batch.by, "at": iso_z(batch.at),
        "count": batch.count, "undone_at": iso_z(batch.undone_at) if batch.undone_at else None,
        "can_undo": batch.can_undo,
    }  # fmt: skip


def audit_json(row: AuditRow) -> dict[str, Any]:
    """A line of the audit (answer 7)."""
    return {
        "id": row.id, "at": iso_z(row.at), "user": row.user, "origin": row.origin, "action": row.action,
        "entity": row.entity, "entity_id": row.entity_id,
        "changes": {field: [_moment(value) for value in change] for field, change in row.changes.items()},
        "batch": row.batch,
    }  # fmt: skip


def _moment(value: Any) -> Any:
    """A moment that was kept as text, written as every other moment is."""
    if isinstance(value, str) and _ISO.fullmatch(value):
        return iso_z(datetime.fromisoformat(value))
    return value


def _subject(row: AuditRow) -> str:
    return f"{row.entity} {row.lead_number or row.entity_id or ''}".strip()


def audit_text(rows: Sequence[AuditRow], view: View) -> str:
    """The audit, newest first, a line each."""
    cells = [
        (view.local(row.at), row.user, row.action, _subject(row), _changes(row.changes), row.batch) for row in rows
    ]
    return table(("when", "who", "did", "to", "changes", "batch"), cells)


def _changes(changes: Mapping[str, tuple[Any, Any]]) -> str:
    shown = ((field, _moment(before), _moment(after)) for field, (before, after) in changes.items())
    parts = ((field, words(before) or "–", words(after) or "–") for field, before, after in shown)
    return "; ".join(f"{field}: {before} → {after}" for field, before, after in parts)
