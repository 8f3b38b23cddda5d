"""Bookings of other programs, each linked to its lead (spec §O 123, AH16). They come in through `services.intake`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from leadtui.domain.conversion import STEPS_OF_PEOPLE
from leadtui.domain.records import BookingRow
from leadtui.store import schema as t
from leadtui.store.lead_detail import bookings as of_lead
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id

from . import lead_writes as w

if TYPE_CHECKING:
    from .intake import IntakeResult
    from .office import Office

KIND: Final = "booking"
"""What bookings are called among all that comes in."""
LINK_TASK: Final = STEPS_OF_PEOPLE["booking_link"]
"""The task of a conversion that found no booking."""


def add(
    office: Office,
    ref: str,
    values: Mapping[str, Any],
    *,
    lead: str | int | None = None,
    dry_run: bool = False,
) -> IntakeResult:
    """A booking comes in: creates its lead or links to the one that is there; `lead` says which.

    The same `ref` again answers the same lead. See `services.intake.receive` for what fails and how it is kept.
    """
    from .intake import receive

    return receive(office, KIND, ref, values, lead=lead, dry_run=dry_run)


def keep(tx: WriteTx, lead_id: int, ref: str, details: Mapping[str, Any]) -> bool:
    """Link a booking to a lead in an open transaction; a task that waited for it is done. True when one was."""
    booking_id = insert_id(
        tx.conn, t.booking, lead_id=lead_id, external_ref=ref, payload_json=dict(details), at=tx.now,
        batch_id=tx.batch_id,
    )  # fmt: skip
    tx.audit("create", "booking", booking_id, None, {"lead_id": lead_id, "external_ref": ref})
    waiting = [one for one in w.open_follow_ups(tx, lead_id) if one["type"] == "task" and one["subject"] == LINK_TASK]
    for one in waiting:
        w.change_activity(tx, one, {"completed_at": tx.now, "outcome_note": f"booking {ref}"[:2000]}, "complete")
    return bool(waiting)


def refs_of(tx: ReadTx, lead_id: int) -> tuple[str, ...]:
    """The references of a lead's bookings, the oldest first."""
    b = t.booking.c
    return tuple(tx.conn.execute(select(b.external_ref).where(b.lead_id == lead_id).order_by(b.id)).scalars())


def list_of(office: Office, ref: str | int) -> tuple[BookingRow, ...]:
    """The bookings of the lead that `ref` names, the newest first. Raises NotFound."""
    with office.read() as tx:
        return tuple(of_lead(tx, w.resolve(tx, ref)))
