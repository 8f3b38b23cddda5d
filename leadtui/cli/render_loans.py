"""Promises to clear a loan as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leadtui.cli.output import table
from leadtui.domain.loans import LoanRow, LoanTotals, late_words
from leadtui.domain.money import format_money
from leadtui.domain.shapes import loan_json as loan_json

if TYPE_CHECKING:
    from leadtui.cli.render import View


def loans_text(rows: Sequence[LoanRow], view: View) -> str:
    """Promises, for reading."""
    if not rows:
        return "no promises"
    return table(
        ("id", "promised for", "", "amount", "status", "lead", "name", "phone", "who", "note"),
        [
            (r.id, r.promised.isoformat(), _late(r), format_money(r.amount_minor, view.currency), r.status,
             r.lead_number, r.lead_name, r.phone, r.assigned_to, _first_line(r.note))
            for r in rows
        ],
        right=[0, 3],
    )  # fmt: skip


def loans_of_lead_text(rows: Sequence[LoanRow], view: View) -> str:
    """The promises of one lead, for reading."""
    if not rows:
        return "no promises"
    return table(
        ("id", "promised for", "", "amount", "status", "noted", "by", "settled", "by", "note"),
        [
            (r.id, r.promised.isoformat(), _late(r), format_money(r.amount_minor, view.currency), r.status,
             view.local(r.created_at), r.created_by, view.local(r.settled_at), r.settled_by, _first_line(r.note))
            for r in rows
        ],
        right=[0, 3],
    )  # fmt: skip


def totals_text(found: LoanTotals, view: View) -> str:
    """What a list of promises comes to, in a line."""
    words = f"{found.count:,} · {format_money(found.amount_minor, view.currency)} {view.currency}"
    if found.late:
        words += f" · {found.late:,} late: {format_money(found.late_minor, view.currency)}"
    return words


def _late(loan: LoanRow) -> str:
    return "today" if loan.is_today else late_words(loan.days_late)


def _first_line(note: str | None) -> str:
    lines = (note or "").splitlines()
    return lines[0] + (" …" if len(lines) > 1 else "") if lines else ""
