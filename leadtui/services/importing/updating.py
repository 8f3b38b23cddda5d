"""Rows of people who are in the store already: fill the blanks of their lead, or overwrite (`--on-duplicate`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadtui.domain.fields import BY_KEY
from leadtui.errors import LeadtuiError
from leadtui.services import lead_writes as w
from leadtui.services.importing.preparing import Prepared, Preparer, RowError
from leadtui.services.lead_values import PERSON_NAME, PERSON_PHONE
from leadtui.services.leads import edit_row
from leadtui.store import lead_detail
from leadtui.store.unit_of_work import ReadTx, WriteTx

# What an import never changes on a lead that is worked on already, unless told to overwrite.
_NOT_FILLED = frozenset({"status", "pipeline", "source", "assigned_to"})
_BLANK: tuple[Any, ...] = (None, "", False, (), [])


@dataclass(slots=True)
class Updates:
    """What became of the rows."""

    updated: int = 0
    skipped: int = 0
    failed: list[int] = field(default_factory=list)
    lead_ids: list[int] = field(default_factory=list)


def update_leads(
    tx: WriteTx, wanted: Mapping[int, Sequence[int]], rows: Sequence[Prepared], preparer: Preparer, *, overwrite: bool,
    on_row: Callable[[], None] | None = None,
) -> Updates:  # fmt: skip
    """Change the leads in `wanted` (id → rows). A row that is refused leaves its lead as it was."""
    done = Updates()
    for lead_id in sorted(wanted):
        for index in wanted[lead_id]:
            if not _one(tx, lead_id, rows[index], preparer, done, overwrite=overwrite):
                done.failed.append(index)
            if on_row is not None:
                on_row()
    tx.flush()
    return done


def _one(tx: WriteTx, lead_id: int, row: Prepared, preparer: Preparer, done: Updates, *, overwrite: bool) -> bool:
    """Change one lead by one row; False when the row was refused."""
    lead = w.load(tx, lead_id)
    owner = {"assigned_to_id": lead["assigned_to_id"], "branch_id": lead["branch_id"]}
    # A lead of somebody else is left alone, and nothing of it is told (spec AJ34).
    if lead["deleted_at"] is not None or not all(tx.actor.may_on(action, **owner) for action in ("read", "edit")):
        done.skipped += 1
        return True
    changes = _changes(tx, lead, row, preparer.texts(row.record), overwrite=overwrite)
    if not changes:
        done.skipped += 1
        return True
    tx.flush()
    savepoint = tx.conn.begin_nested()
    try:
        changed, _ = edit_row(tx, lead, changes, action="import")
        tx.flush()
    except LeadtuiError as error:
        savepoint.rollback()
        tx.forget_pending()
        row.errors.append(RowError(row.record.line, error.field, error.message, error.hint))
        return False
    savepoint.commit()
    if changed:
        done.updated += 1
        done.lead_ids.append(lead_id)
    else:
        done.skipped += 1
    return True


def _changes(
    tx: ReadTx, lead: Mapping[str, Any], row: Prepared, texts: Mapping[str, str], *, overwrite: bool
) -> dict[str, str]:
    """The texts that would change the lead: its blanks, or with `overwrite` all that differs. Tags are only added."""
    now = lead_detail.field_values(tx, lead)
    custom = w.custom_of(tx, lead["id"]) if row.custom else {}
    changes: dict[str, str] = {}
    for key, text in texts.items():
        if key.startswith("custom."):
            had = custom.get(key[7:])
            if had != (row.custom or {}).get(key[7:]) and (overwrite or not had):
                changes[key] = text
        elif key == "tags":
            tags = dict.fromkeys((*now.get("tags", ()), *row.tags))
            if len(tags) > len(now.get("tags", ())):
                changes["tags"] = ", ".join(tags)
        elif (overwrite or (key not in _NOT_FILLED and now.get(key) in _BLANK)) and not _same(
            key, row.columns, lead, now
        ):
            changes[key] = text
    return changes


def _same(key: str, columns: Mapping[str, Any], lead: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    if key == "brought_in_by":
        return bool(now.get(key) == columns.get(PERSON_NAME))
    if key == "brought_in_by_contact":
        phone = columns.get(PERSON_PHONE)
        return bool(phone and now.get(key) == phone[0])
    column = BY_KEY[key].column or key
    return bool(column in columns and lead[column] == columns[column])
