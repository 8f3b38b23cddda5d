"""Promises to clear a loan: made, replaced, cleared, called off, overdue (spec §N; AH16, AJ21, AJ22).

A lead has at most one open promise; a new one closes the old as `replaced` and the old ones stay as its history. The
amount is in no line of the timeline: that is read by roles that see no money.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from leadtui.domain.dates import parse_when
from leadtui.domain.loans import CANCELLED, CLEARED, OPEN, PENDING, REPLACED, WHICH, LoanRow, LoanTotals, day_words
from leadtui.domain.money import parse_money
from leadtui.domain.records import Done
from leadtui.errors import Invalid, Refused, UsageError
from leadtui.store import leads as lead_queries
from leadtui.store import loans as queries
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import lead_writes as w
from .leads import as_filter
from .loans_overdue import late_count, mark_overdue, occurrence
from .office import Office

__all__ = [
    "cancel", "clear", "history", "late_count", "list_loans", "list_open", "mark_overdue", "page", "position",
    "promise", "totals",
]  # fmt: skip

KIND = "loan"
"""The kind of the batches, of the activities, and of what the audit of a lead says of its promises."""

_SETTLED = {CLEARED: "cleared", CANCELLED: "called off"}


# -- lists ------------------------------------------------------------------------------------------------------------


def list_open(
    office: Office,
    *,
    overdue: bool = False,
    mine: bool = False,
    where: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[int, tuple[LoanRow, ...]]:
    """The open promises with their count, overdue ones first, then by their day; with `overdue` only those."""
    which = "overdue" if overdue else "open"
    return list_loans(office, which, mine=mine, where=where, limit=limit, offset=offset)


def list_loans(
    office: Office,
    which: str = "open",
    *,
    mine: bool = False,
    where: str | None = None,
    batch: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[int, tuple[LoanRow, ...]]:
    """Promises of leads whose loans the actor may note, with their count: one of `WHICH`.

    `mine` are those of leads assigned to the acting user; `where` narrows the leads; `batch` names the act that made
    them. The overdue come first, each kind by its day; of `all` the newest.
    Raises NotPermitted, UsageError, FilterError.
    """
    node = as_filter(office, where)
    with office.read() as tx:
        found = _condition(tx, which, mine, node)
        if batch is not None:
            found = and_(found, t.loan_commitment.c.batch_id == batch)
        count = select(func.count()).select_from(queries.joined()).where(found)
        total = int(tx.conn.execute(count).scalar_one())
        return total, tuple(queries.rows(tx, found, order=_order(which), limit=limit, offset=offset))


def page(
    office: Office,
    which: str = "open",
    *,
    mine: bool = False,
    where: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[LoanRow, ...]:
    """`list_loans` without the count."""
    node = as_filter(office, where)
    with office.read() as tx:
        found = _condition(tx, which, mine, node)
        return tuple(queries.rows(tx, found, order=_order(which), limit=limit, offset=offset))


def _order(which: str) -> tuple[Any, ...]:
    c = t.loan_commitment.c
    return (c.id.desc(),) if which == "all" else ()


def totals(office: Office, which: str = "open", *, mine: bool = False, where: str | None = None) -> LoanTotals:
    """How many promises such a list has and what they come to, in minor units. Raises as `list_loans` does."""
    node = as_filter(office, where)
    with office.read() as tx:
        return queries.totals(tx, _condition(tx, which, mine, node))


def position(office: Office, which: str, loan_id: int, *, mine: bool = False, where: str | None = None) -> int | None:
    """Where a promise stands in such a list (0 is the first), None when it is not in it."""
    node = as_filter(office, where)
    with office.read() as tx:
        found = _condition(tx, which, mine, node)
        c = t.loan_commitment.c
        of_it = select(c.status, c.promised_clear_date).select_from(queries.joined()).where(found, c.id == loan_id)
        one = tx.conn.execute(of_it).one_or_none()
        if one is None:
            return None
        if which == "all":
            before = c.id > loan_id
        else:
            day = c.promised_clear_date
            earlier = or_(day < one.promised_clear_date, and_(day == one.promised_clear_date, c.id < loan_id))
            before = or_(c.status < one.status, and_(c.status == one.status, earlier))
        query = select(func.count()).select_from(queries.joined()).where(found, before)
        return int(tx.conn.execute(query).scalar_one())


def _condition(tx: ReadTx, which: str, mine: bool, node: Any) -> ColumnElement[bool]:
    w.require(tx, "loans")
    terms = [queries.permitted(tx.actor), lead_queries.condition(tx, node), _which(tx, which)]
    if mine:
        terms.append(t.lead.c.assigned_to_id == tx.actor.user_id)
    return and_(*terms)


def _which(tx: ReadTx, which: str) -> ColumnElement[bool]:
    c = t.loan_commitment.c
    match which:
        case "open":
            return c.status.in_(OPEN)
        case "overdue":
            return c.status == "overdue"
        case "due":
            return and_(c.status.in_(OPEN), c.promised_clear_date <= queries.today(tx))
        case "all":
            return c.id > 0
        case _:
            raise UsageError(f"there are no '{which[:40]}' promises", field="which", hint="one of: " + ", ".join(WHICH))


def history(office: Office, ref: str | int) -> tuple[LoanRow, ...]:
    """All promises of a lead, the open one first, then the newest. Raises NotFound, NotPermitted."""
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        w.allow(tx, row, "loans")
        return queries.of_lead(tx, row["id"])


# -- what a person does -----------------------------------------------------------------------------------------------


def promise(office: Office, ref: str | int, amount: str, day: str, note: str | None = None) -> Done:
    """Note that a lead promised to pay `amount` (as typed) by `day`; an open promise of it is replaced by this one.

    A past day is taken with a warning (contract answer 8). Raises Invalid (`amount`, `date`, `note`), NotPermitted.
    """
    with office.write() as tx:
        tx.open_batch(KIND, "loan promise")
        row = w.open_for(tx, ref, "loans")
        return w.answer(tx, row, promise_row(tx, row, amount, day, note))


def promise_row(tx: WriteTx, row: Mapping[Any, Any], amount: str, day: str, note: str | None = None) -> w.Outcome:
    """`promise` on a locked row."""
    w.allow(tx, row, "loans")
    minor = parse_money(amount, tx.catalog.currency, field="amount")
    if minor <= 0:
        raise Invalid("a promise needs an amount", field="amount", hint="what is to be paid, such as 20000")
    promised = parse_when(day, tz=tx.catalog.tz, now=tx.now, field="date").day
    said = w.reason_text(note, field="note")
    old = _open_one(tx, row["id"])
    if old is not None:  # first, for there is only room for one that is open
        _set(tx, old, {"status": REPLACED, "settled_at": tx.now, "settled_by_id": tx.actor.user_id})
    values = {
        "lead_id": row["id"],
        "amount_minor": minor,
        "promised_clear_date": promised,
        "status": PENDING,
        "note": said,
        "created_by_id": tx.actor.user_id,
    }
    new_id = insert_id(tx.conn, t.loan_commitment, **values, created_at=tx.now, updated_at=tx.now, batch_id=tx.batch_id)
    # Undo goes through the audit in this order: the new one must be gone before the old one is open again.
    tx.audit("promise", "loan_commitment", new_id, None, values)
    before = None
    if old is not None:
        _set(tx, old, {"replaced_by_id": new_id})
        after = {"status": REPLACED, "settled_at": tx.now, "settled_by_id": tx.actor.user_id, "replaced_by_id": new_id}
        _audit(tx, REPLACED, old, after)
        before = _short(old["status"], old["promised_clear_date"])
        _deal_with_notices(tx, old)
    words = f"to be cleared by {day_words(promised)}"
    w.add_activity(tx, row["id"], KIND, words if old is None else f"{words} instead of {_day(old)}", said)
    tx.audit(KIND, "lead", row["id"], {"loan": before}, {"loan": _short(PENDING, promised)})
    late = promised < queries.today(tx)
    return w.Outcome(("loan",), ("the promised day lies in the past: the promise is overdue",) if late else ())


def clear(office: Office, ref: str | int, *, note: str | None = None) -> Done:
    """The lead has paid: its open promise is cleared. Raises Refused when there is none, NotPermitted."""
    return _settle(office, ref, CLEARED, note)


def cancel(office: Office, ref: str | int, *, note: str | None = None) -> Done:
    """Call the open promise of a lead off: it is not awaited any more. Raises as `clear` does."""
    return _settle(office, ref, CANCELLED, note)


def _settle(office: Office, ref: str | int, status: str, note: str | None) -> Done:
    with office.write() as tx:
        tx.open_batch(KIND, f"loan promise {_SETTLED[status]}")
        row = w.open_for(tx, ref, "loans")
        one = _open_one(tx, row["id"])
        if one is None:
            raise Refused(
                "this lead has no open promise", code="no_promise", field="ref", hint="note one: leadtui loan promise"
            )
        said = w.reason_text(note, field="note")
        columns: dict[str, Any] = {"status": status, "settled_at": tx.now, "settled_by_id": tx.actor.user_id}
        if said:
            columns["note"] = "\n".join(part for part in (one["note"], said) if part)
        _set(tx, one, columns)
        _audit(tx, status, one, columns)
        w.add_activity(tx, row["id"], KIND, f"{_SETTLED[status]}; it was promised for {_day(one)}", said)
        short = _short(one["status"], one["promised_clear_date"])
        tx.audit(KIND, "lead", row["id"], {"loan": short}, {"loan": _short(status, one["promised_clear_date"])})
        _deal_with_notices(tx, one)
        return w.answer(tx, row, w.Outcome(("loan",)))


def _open_one(tx: WriteTx, lead_id: int) -> Mapping[Any, Any] | None:
    """The open promise of a locked lead."""
    c = t.loan_commitment.c
    query = select(t.loan_commitment).where(c.lead_id == lead_id, c.status.in_(OPEN)).with_for_update()
    return tx.conn.execute(query).mappings().one_or_none()


def _set(tx: WriteTx, one: Mapping[Any, Any], columns: Mapping[str, Any]) -> None:
    values = {**columns, "updated_at": tx.now}
    tx.conn.execute(update(t.loan_commitment).where(t.loan_commitment.c.id == one["id"]).values(**values))


def _audit(tx: WriteTx, action: str, one: Mapping[Any, Any], columns: Mapping[str, Any]) -> None:
    keys = [*columns, "updated_at"]
    tx.audit(action, "loan_commitment", one["id"], {k: one[k] for k in keys}, {**columns, "updated_at": tx.now})


def _deal_with_notices(tx: WriteTx, one: Mapping[Any, Any]) -> None:
    """Nobody need be told any more that it is overdue."""
    n = t.notification.c
    mine = and_(n.lead_id == one["lead_id"], n.occurrence == occurrence(one["id"], one["promised_clear_date"]))
    tx.conn.execute(update(t.notification).where(mine, n.seen_at.is_(None)).values(seen_at=tx.now))


def _short(status: str, day: date) -> str:
    return f"{status}, {day.isoformat()}"


def _day(one: Mapping[Any, Any]) -> str:
    return day_words(one["promised_clear_date"])
