"""The one door for leads from elsewhere: a booking, a form, another program (spec §O 123, 124, AJ24).

What comes in is linked to the lead that is there already, else creates one; in one transaction, and once for each
(kind, reference), whoever sends it again and however many at once. What fails is kept as it came, with the reason,
until a person corrects it and tries again, or drops it.

| the lead found | what happens |
|---|---|
| none, or only deleted ones | a new lead; where nobody has it, those who may assign are told |
| open | blanks filled, a note, a task for its assignee |
| converted (a customer returns) | the same; a task that waits for the booking of the conversion is done instead |
| lost | the same; it is not reopened: the task asks whether it should be |
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import func, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from leadtui.domain.records import Done, IntakeRow, LeadRow
from leadtui.errors import Duplicate, Invalid, LeadtuiError, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx, insert_id
from leadtui.text import clean_block, clean_line, fold, shorten

from . import intake_rows
from . import lead_writes as w
from .intake_matching import find_lead
from .intake_placing import Item, Placed, fill, place, touch
from .intake_rows import get, list_all, list_failed, name_of
from .lead_adding import create_in
from .office import Office

Outcome = Literal["created", "linked", "known", "failed"]

_KIND: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")
_LOG = logging.getLogger("leadtui.intake")

__all__ = [
    "IntakeResult", "Outcome", "by_hand", "drop", "get", "list_all", "list_failed", "receive", "retry",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of something that came in. `known`: it had come before, nothing was written.

    `error` is why it failed; `intake` is then kept for a retry. `lead` is None when it failed, or is not the actor's to
    see. `batch` is what undo takes back.
    """

    outcome: Outcome
    intake: IntakeRow
    lead: LeadRow | None = None
    batch: int | None = None
    warnings: tuple[str, ...] = ()
    error: LeadtuiError | None = None

    def refusal(self) -> Refused | None:
        """The failure as an error that says where the thing is kept; None when it did not fail."""
        if self.error is None:
            return None
        return Refused(
            f"{self.error.message}; the {self.intake.kind} is kept as number {self.intake.id}, not lost",
            code="intake_failed", field=self.error.field,
            hint=f"{self.error.hint + '; ' if self.error.hint else ''}correct it: leadtui {self.intake.kind} retry "
            f"{self.intake.id} --set FIELD=VALUE",
            data={"intake": self.intake.id, "reason": self.error.code},
        )  # fmt: skip


# -- what comes in ----------------------------------------------------------------------------------------------------
def receive(
    office: Office,
    kind: str,
    external_ref: str,
    payload: Mapping[str, Any],
    *,
    lead: str | int | None = None,
    unreadable: str | None = None,
    dry_run: bool = False,
) -> IntakeResult:
    """Something comes in. What fails is no exception but a result: it is kept (see `IntakeResult.refusal`).

    `lead` says whose it is, where a person knows. `unreadable` is why the payload cannot be used at all: it is only
    kept. `dry_run` writes nothing. Raises NotPermitted (without the right to add leads), Invalid (a kind or reference
    that cannot be, a payload that is too long), NotFound (no such `lead`), Refused (code `dropped`).
    """
    kind, ref, came = _kind(kind), _reference(external_ref), intake_rows.as_came(payload)
    because = Invalid(unreadable, field="payload", hint="correct it by hand") if unreadable else None
    try:
        with office.write() as tx:
            w.require(tx, "create")
            _one_at_a_time(tx)
            row = _find(tx, kind, ref)
            lead_id = _named(tx, lead)
            if row is not None and row["state"] in {"created", "linked"}:
                return _known(tx, row, lead_id)
            if row is not None and row["state"] == "dropped":
                raise Refused(
                    f"the {kind} {ref} was dropped: {shorten(row['last_error'] or '', 200)}", code="dropped",
                    field="ref", hint=f"to take it after all: leadtui {kind} retry {row['id']}",
                )  # fmt: skip
            result = _try(tx, Item(kind, ref, came, {}, lead_id), row, because)
            if dry_run:
                raise _Rehearsed(result)
    except _Rehearsed as rehearsed:
        return rehearsed.result
    return result


class _Rehearsed(Exception):
    """No error: it rolls everything back and carries what would have been."""

    def __init__(self, result: IntakeResult) -> None:
        super().__init__()
        self.result = result


def retry(
    office: Office,
    wanted: str | int,
    corrections: Mapping[str, str] | None = None,
    *,
    lead: str | int | None = None,
    ref: str | None = None,
) -> IntakeResult:
    """Try again what failed (or was dropped), with the values a person corrected; an empty one takes a value away.

    `lead` says whose it is, `ref` gives it another reference. It fails as `receive` does, and what was corrected is
    kept. Raises NotFound, NotPermitted, Refused (it has its lead already).
    """
    with office.write() as tx:
        w.require(tx, "create")
        _one_at_a_time(tx)
        row = _open_row(tx, wanted)
        kept = row["payload_json"]
        corrected = {**(kept.get("corrected") or {}), **_corrections(corrections or {})}
        new_ref = _reference(ref) if ref else row["external_ref"]
        other = _find(tx, row["kind"], new_ref)
        if other is not None and other["id"] != row["id"]:
            raise Refused(f"there is a {row['kind']} {new_ref} already", code="duplicate", field="ref")
        lead_id = _named(tx, lead)
        return _try(tx, Item(row["kind"], new_ref, kept.get("came") or {}, corrected, lead_id), row, None)


def drop(office: Office, wanted: str | int, reason: str) -> IntakeRow:
    """Give up something that failed; it stays to be read, and can still be retried. Raises as `retry` does."""
    with office.write() as tx:
        w.require(tx, "create")
        why = w.reason_text(reason, required=True)
        row = _open_row(tx, wanted)
        now = {"state": "dropped", "last_error": why, "tried_at": tx.now}
        tx.conn.execute(update(t.intake).where(t.intake.c.id == row["id"]).values(**now))
        tx.audit("drop", "intake", row["id"], {key: row[key] for key in now}, now)
        return _row(tx, row["id"])


def by_hand(office: Office, source: str | None, values: Mapping[str, str | None], *, note: str | None = None) -> Done:
    """The same door for what a person types and looks at: links to the lead that is there, else creates it.

    Linking fills only what is blank and leaves a note on the timeline. Nothing is kept when it is refused.
    """
    given = {k: str(v) for k, v in values.items() if v is not None and str(v).strip()}
    if source:
        given.setdefault("source", source)
    with office.write() as tx:
        w.require(tx, "create")
        tx.open_batch("intake", f"intake from {source or 'elsewhere'}")
        found = find_lead(tx, given)
        if found is None:
            row, warnings = create_in(tx, given)
            return Done(row, tx.batch_id, tuple(warnings))
        words = note or "\n".join(f"{k}: {v}" for k, v in given.items() if k != "source")
        lead = fill(tx, found["id"], given)
        w.add_activity(tx, lead["id"], "note", f"came in again from {source or 'elsewhere'}"[:255], words)
        touch(tx, lead, {})
        return Done(w.row_of(tx, lead["id"]), tx.batch_id, (f"linked to {lead['number']}",))


# -- one try ----------------------------------------------------------------------------------------------------------
def _try(tx: WriteTx, item: Item, row: Mapping[Any, Any] | None, because: LeadtuiError | None) -> IntakeResult:
    """Place it, or keep it with the reason why not."""
    made = because or _safely(tx, lambda: place(tx, item))
    failed = made if isinstance(made, LeadtuiError) else None
    now: dict[str, Any] = {
        "state": made.state if isinstance(made, Placed) else "failed",
        "lead_id": made.lead.id if isinstance(made, Placed) else None,
        "attempts": (row["attempts"] if row is not None else 0) + 1,
        "last_error": f"{failed.message} ({failed.hint})" if failed and failed.hint else failed and failed.message,
        "tried_at": tx.now,
        "batch_id": tx.batch_id,
        "external_ref": item.ref,
    }
    kept = {"came": item.came, "corrected": item.corrected, "field": failed.field if failed else None}
    if row is None:
        values = {"kind": item.kind, "by_id": tx.actor.user_id, "at": tx.now, **now}
        intake_id = insert_id(tx.conn, t.intake, payload_json=kept, **values)
        tx.audit("receive", "intake", intake_id, None, values)
    else:
        intake_id = int(row["id"])
        tx.conn.execute(update(t.intake).where(t.intake.c.id == intake_id).values(payload_json=kept, **now))
        tx.audit("retry", "intake", intake_id, {key: row[key] for key in now}, now)
    if isinstance(made, LeadtuiError):
        return IntakeResult("failed", _row(tx, intake_id), error=made)
    return IntakeResult(made.state, _row(tx, intake_id), made.lead, tx.batch_id, made.warnings)


def _safely(tx: WriteTx, work: Callable[[], Placed]) -> Placed | LeadtuiError:
    """Do it, or undo all of it and answer why it failed; what concerns the database itself is raised."""
    for last in (False, True):
        mark, savepoint = tx.mark(), tx.conn.begin_nested()
        try:
            made = work()
            tx.flush()
        except Exception as error:
            if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | DataError):
                raise
            savepoint.rollback()
            tx.back_to(mark)
            tx.batch_id = None
            if isinstance(error, IntegrityError) and not last:  # the lead was added in this very instant: it is there
                continue
            return _reason(error)
        savepoint.commit()
        return made
    raise AssertionError("the second try answers")


def _reason(error: Exception) -> LeadtuiError:
    match error:
        case LeadtuiError():
            return error
        case IntegrityError():
            return Refused("somebody else wrote the same thing at the same moment", code="conflict", hint="try again")
        case DataError():
            return Invalid("a value is longer or larger than the database takes", field="payload")
        case _:
            _LOG.exception("something that came in was not understood")
            return Refused(f"an error of the program ({type(error).__name__})", code="bug", hint="please report it")


# -- rows and words ---------------------------------------------------------------------------------------------------
def _one_at_a_time(tx: WriteTx) -> None:
    """On PostgreSQL let no two look for a lead and make it at once; SQLite has one writer anyway."""
    if not tx.is_sqlite:
        tx.conn.execute(select(func.pg_advisory_xact_lock(0x1EAD0C06)))


def _find(tx: WriteTx, kind: str, ref: str) -> Mapping[Any, Any] | None:
    i = t.intake.c
    return tx.conn.execute(select(t.intake).where(i.kind == kind, i.external_ref == ref)).mappings().one_or_none()


def _named(tx: WriteTx, lead: str | int | None) -> int | None:
    """The lead that a person says it belongs to. Raises NotFound."""
    return None if lead is None or lead == "" else w.resolve(tx, lead)


def _open_row(tx: WriteTx, wanted: str | int) -> Mapping[Any, Any]:
    """The row that failed or was dropped, locked. Raises NotFound, Refused."""
    i = t.intake.c
    query = select(t.intake).where(i.id == intake_rows.id_of(tx, wanted)).with_for_update()
    row = tx.conn.execute(query).mappings().one()
    if row["state"] not in {"failed", "dropped"}:
        raise Refused(
            f"the {row['kind']} {row['external_ref']} has its lead already", code="already_done", field="id",
            hint=f"see: leadtui {row['kind']} show {row['id']}",
        )  # fmt: skip
    return row


def _row(tx: WriteTx, intake_id: int) -> IntakeRow:
    (row,) = intake_rows.rows(tx, t.intake.c.id == intake_id)
    return row


def _known(tx: WriteTx, row: Mapping[Any, Any], wanted_id: int | None) -> IntakeResult:
    """It came before: the same lead, and what became of that. Raises Duplicate where another lead was named."""
    shown = _row(tx, row["id"])
    if wanted_id is not None and wanted_id != row["lead_id"]:
        whose = f" to {shown.lead_number}" if shown.lead_number else ", to a lead that you may not see"
        raise Duplicate(f"the {row['kind']} {row['external_ref']} belongs{whose} already", field="ref")
    if shown.lead_id is None:
        return IntakeResult("known", shown, warnings=("it came in before; its lead is not yours to see",))
    lead = w.row_of(tx, shown.lead_id)
    gone = (f"its lead {lead.number} was deleted since",) if lead.is_deleted else ()
    return IntakeResult("known", shown, lead, warnings=(f"the {row['kind']} came in before", *gone))


def _kind(text: str) -> str:
    kind = "_".join(fold(text).split())
    if not _KIND.fullmatch(kind):
        raise Invalid(f"'{shorten(text.strip(), 40)}' is no kind of intake", field="kind", hint="a word: booking")
    return kind


def _reference(text: str) -> str:
    ref = clean_line(text, field="ref", limit=100)
    if not ref:
        raise Invalid("a reference is needed", field="ref", code="required", hint="what the other program calls it")
    return ref


def _corrections(given: Mapping[str, str]) -> dict[str, str]:
    return {name_of(key): clean_block(text, field=name_of(key), limit=4000) for key, text in given.items()}
