"""What the tests of the campaign screens share: leads, campaigns in several statuses, messages in every state."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, update

from leadtui import clock
from leadtui.services import campaigns, lifecycle
from leadtui.services.office import Office, open_office
from leadtui.store import schema as t
from tests.screens.dialog_help import Run, add_lead, new_office
from tests.screens.pictures import check

NAMES: Final = (
    "Achieng Odhiambo", "Brian Kamau", "Fatuma Hassan", "Kevin Otieno", "Mercy Wambui", "Njeri Mwangi", "Omar Said",
    "Peter Kiprono", "Rose Akinyi", "Samuel Njoroge",
)  # fmt: skip
TEXT: Final = "Hi {first_name}, {package|our fibre} is at {location|your place}."
DRAFT, RUNNING, LATER = "Draft of the week", "November offer", "Next week"
"""The campaigns of `fill`."""
STATES: Final = ("read", "delivered", "sent", "failed", "unknown", "unknown", "pending", "retry")


def fill(folder: Path) -> Path:
    """An office with ten leads (one has said no, one is lost) and three campaigns; answers its database."""
    office = new_office(folder)
    ids = [add_lead(office, name, f"07220001{place:02}", location="Westlands") for place, name in enumerate(NAMES)]
    with office.write() as tx:
        tx.conn.execute(update(t.lead).where(t.lead.c.id == ids[8]).values(consent="refused"))
    lifecycle.lose(office, ids[9], "price")
    write(office, DRAFT, where="status:new")
    running = write(office, RUNNING, out=str(folder / "out.jsonl"))
    campaigns.start(office, running)
    in_states(office, running, STATES)
    write(office, LATER, at="2026-11-27 10:00")
    office.close()
    return folder / "test.db"


async def pictures(run: Run, name: str) -> None:
    """The screen in front at both sizes, as it was opened at 80x24."""
    await run.pilot.resize_terminal(120, 40)
    await run.settle()
    check(run.app, f"{name}_120x40")
    await run.pilot.resize_terminal(80, 24)
    await run.settle()
    check(run.app, f"{name}_80x24")


def copied(database: Path, folder: Path) -> Office:
    """A copy of that office, to do with as one likes."""
    for path in database.parent.glob(f"{database.name}*"):
        if path.is_file():
            shutil.copy(path, folder / path.name)
    return open_office(str(folder / database.name), as_login="root", origin="test")


def of(office: Office, name: str) -> int:
    """The id of a campaign."""
    return campaigns.get(office, name).id


def write(office: Office, name: str, **values: Any) -> int:
    """A draft."""
    return campaigns.create(office, {"name": name, "template": TEXT, "channel": "file", **values}).campaign.id


def in_states(office: Office, campaign_id: int, states: tuple[str, ...]) -> None:
    """Put the messages of a started campaign into these states, in order, a minute apart."""
    now, m = clock.now(), t.message.c
    with office.write() as tx:
        query = select(m.id).where(m.campaign_id == campaign_id, m.state != "skipped").order_by(m.id)
        for place, (message_id, state) in enumerate(zip(tx.conn.execute(query).scalars(), states, strict=False)):
            at = now - timedelta(minutes=len(states) - place)
            values: dict[str, Any] = {"state": state}
            if state not in ("pending", "retry"):
                values["sending_at"] = at
            if state in ("sent", "delivered", "read"):
                values["sent_at"] = at
            if state == "failed":
                values |= {"reason": "not_on_channel", "error": "the number is not on WhatsApp"}
            if state == "unknown":
                values["error"] = "the connection broke after it was sent"
            if state == "retry":
                values |= {"retry_count": 1, "next_at": now + timedelta(minutes=5), "error": "busy, try later"}
            tx.conn.execute(update(t.message).where(t.message.c.id == message_id).values(**values))
