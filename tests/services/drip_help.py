"""What tests of drips and triggers share: a drip by channel file, what it wrote, what is to be done."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from leadtui.domain.drips import DripDetail, EnrollmentRow, parse_step
from leadtui.services import drips, events, leads, messages
from leadtui.services.office import Office
from leadtui.store import schema as t


def drip(office: Office, *steps: str, name: str = "Welcome", **values: Any) -> DripDetail:
    """A drip that writes by channel file, at any hour of the day."""
    told = {"name": name, "channel": "file", "quiet_hours": "", **values}
    return drips.create(office, told, [parse_step(one) for one in steps])


def steps_done(office: Office) -> int:
    """One round of due steps, without events."""
    return drips.run_due(office, limit=100, may_go_on=lambda: True)


def written(office: Office, ref: int) -> list[str]:
    """The texts of a lead's messages, the oldest first."""
    return [one.body for one in reversed(messages.of_lead(office, ref))]


def states(office: Office, ref: int) -> list[str]:
    """The states of a lead's messages, the oldest first."""
    return [one.state for one in reversed(messages.of_lead(office, ref))]


def tasks(office: Office, ref: int) -> list[str]:
    """What is to be done with a lead, the oldest first."""
    return [one.subject for one in reversed(leads.get(office, ref).activities) if one.is_open]


def only(office: Office, ref: int) -> EnrollmentRow:
    """The one enrollment of a lead."""
    (found,) = drips.enrollments_of_lead(office, ref)
    return found


def count(office: Office, table: Any) -> int:
    """How many rows a table has."""
    with office.store.engine.connect() as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def emit(office: Office, kind: str, lead_id: int) -> None:
    """Something happened to a lead, now; its handlers are called."""
    with office.as_system() as tx:
        events.emit(tx, kind, lead_id=lead_id, payload={})
    events.handle_open(office)


MESSAGES, ENROLLMENTS = t.message, t.enrollment
