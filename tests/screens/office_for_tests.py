"""The leads of the screen tests, made through the services."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from leadtui import clock

NASTY_NAME = "[b]Zainab[/b] [/x] [@click=app.quit]quit[/] \u202eesrever\u202c 👩\u200d👩\u200d👧 漢字 " + "ä" * 140
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31mred"

LEADS: tuple[tuple[str, str, str, str, str], ...] = (
    # name, phone, source, brought in by, follow-up (days from the frozen now)
    ("Achieng Odhiambo", "0722 000 111", "Caretaker/House Manager", "J. Mwai", "0"),
    ("Brian Kamau", "0733 456 789", "Field Sales", "", "-2"),
    ("Fatuma Hassan", "0711 222 333", "WhatsApp/SMS", "Mama K", "-1"),
    ("Kevin Otieno", "0700 987 654", "Referral", "", "0"),
    ("Mercy Wambui", "0712 345 678", "Website", "", "1"),
    ("Peter Njoroge", "0720 111 222", "Field Sales", "Peter", "5"),
    ("Halima Abdi", "0799 555 444", "Referral", "", ""),
    ("José Müller", "0721 444 333", "Manual Entry", "", "30"),
    ("", "0724 777 888", "Website", "", ""),
    ("Grace Achieng", "0725 100 200", "Caretaker/House Manager", "J. Mwai", ""),
    ("Daniel Kiptoo", "0726 300 400", "Referral", "", ""),
)


def fill(office: Any, now: datetime) -> None:
    """Thirteen leads: some due, one converted, one lost, one nasty, one deleted; the first has a history."""
    from leadtui.services import activities, leads, lifecycle, status

    ids: list[int] = []
    for place, (name, phone, source, by, due) in enumerate(LEADS):
        at = now - timedelta(days=9 - place * 0.5)
        clock.set_clock(lambda at=at: at)
        values = {"name": name, "phone": phone, "source": source, "brought_in_by": by}
        if due:
            values["follow_up"] = (now + timedelta(days=int(due))).date().isoformat()
        if place == 0:
            values |= {
                "package": "20 Mbps Home", "current_isp": "Zuku", "reason": "frequent downtime\nevery evening",
                "brought_in_by_contact": "0722 111 222", "installation_fee": "2500", "monthly_fee": "1999",
                "has_router": "yes", "router_type": "TP-Link Archer C6", "location": "Westlands, Nairobi",
                "unit_number": "A5", "email": "achieng@example.ke", "remarks": "Gate code 4411.\nDog in the yard.",
            }  # fmt: skip
        ids.append(leads.create(office, values).lead.id)
    first = ids[0]

    def at(days: float) -> None:
        moment = now - timedelta(days=days)
        clock.set_clock(lambda: moment)

    at(4)
    activities.log(office, first, activities.LogEntry("call", details="wants it before month end", outcome="positive"))
    at(3.5)
    status.set_status(office, first, "Contacted")
    at(3)
    status.set_status(office, first, "Interested", notes="asked for the survey")
    at(2)
    activities.log(office, first, activities.LogEntry("note", details="Landlord agrees.\nCable through the roof."))
    lifecycle.tag(office, first, ["vip", "flat"])
    status.set_status(office, ids[1], "Contacted")
    status.set_status(office, ids[2], "Interested")
    at(1)
    status.lose(office, ids[9], "went to a competitor")
    nasty = leads.create(
        office,
        {"name": NASTY_NAME + ESCAPES, "phone": "0727 500 600", "source": "Website", "location": f"[link]{ESCAPES}[/]",
         "remarks": f"{NASTY_NAME}\n{ESCAPES}", "brought_in_by": "[/oops]"},
    ).lead.id  # fmt: skip
    activities.log(office, nasty, activities.LogEntry("call", subject="[b]x[/", details=f"back\\ {ESCAPES} [/]"))
    gone = leads.create(office, {"name": "Deleted Person", "phone": "0728 700 800", "source": "Website"}).lead.id
    lifecycle.delete(office, gone, "asked to be forgotten")
    clock.set_clock(lambda: now)
    spoil(office, nasty)


def spoil(office: Any, lead_id: int) -> None:
    """What the door refuses today may lie in a row of long ago: 300 characters, with raw control characters."""
    raw = (NASTY_NAME + ESCAPES + "x" * 300)[:300]
    with sqlite3.connect(office.store.path) as database:
        database.execute("UPDATE lead SET name = ?, remarks = ? WHERE id = ?", (raw, f"{raw}\n{raw}", lead_id))
        database.execute("UPDATE activity SET subject = ?, description = ? WHERE lead_id = ?", (raw, raw, lead_id))
    database.close()


def a_file(folder: Path) -> Path:
    """A document to attach."""
    path = folder / "id-card.pdf"
    path.write_bytes(b"%PDF-1.4 not really\n" * 100)
    return path
