"""What came in from elsewhere and failed: read, corrected, retried, dropped; bookings by hand; a lead's bookings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leadtui.screens.intakes import IntakesScreen
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.services import admin, bookings, intake, leads
from leadtui.services.office import Office
from tests.screens.dialog_help import NASTY, acting_as, add_lead, new_office, opened
from tests.screens.pictures import at_rest, check, press


def fail_some(office: Office) -> None:
    bookings.add(office, "SF-2026/118", {"name": "Asha Patel", "phone": "12", "tour": "Mara, 3 days", "seats": 2})
    bookings.add(office, "SF-2026/119", {"name": NASTY, "phone": "0722 999 111", "source": NASTY, NASTY: NASTY})
    intake.receive(office, "web_form", "77", {"line": "nonsense"}, unreadable="the line is no JSON object")


async def test_pictures(office: Any, run: Any, size: tuple[int, int]) -> None:
    fail_some(office)
    async with run(office, size) as pilot:
        await press(pilot, "b", "down")
        assert isinstance(pilot.app.screen, IntakesScreen)
        check(pilot.app, f"intakes-{size[0]}x{size[1]}")
        await press(pilot, "G", "e")
        check(pilot.app, f"intakes-correct-{size[0]}x{size[1]}")


async def test_a_lead_with_a_booking(office: Any, run: Any, size: tuple[int, int]) -> None:
    bookings.add(office, "SF-1", {"details": {"tour": "Mara, 3 days", "seats": "2"}}, lead=1)
    async with run(office, size) as pilot:
        pilot.app.push_screen(LeadDetailScreen(1))
        await at_rest(pilot)
        check(pilot.app, f"lead-booking-{size[0]}x{size[1]}")


async def test_correct_and_retry(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    fail_some(office)
    async with opened(office, IntakesScreen) as shown:
        assert "! failed" in shown.text and "is not a phone number" not in shown.text  # the newest is in front
        await shown.press("G")
        assert "seats" in shown.text and '"12" is not a phone number' in shown.text
        await shown.press("t")
        assert "is not a phone number" in shown.toasts
        assert "tried 2 times" in shown.text
        await shown.press("e", "end", "ctrl+u")
        await shown.write("13")
        await shown.press("f2")
        assert "13" in shown.text and "too short" in shown.text  # the form stays, with the reason
        await shown.press("end", "ctrl+u")
        await shown.write("0722000111")
        await shown.press("f2")
        assert "Asha Patel is a new lead" in shown.text
        assert "u takes it back" in shown.text
        assert leads.search(office, "").rows[0].phone == "+254722000111"
        await shown.press("u")
        assert leads.count(office) == 0
        await shown.press("r", "v")
        assert intake.list_failed(office)[0] == 3


async def test_drop_show_all_and_open(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    fail_some(office)
    made = bookings.add(office, "OK-1", {"phone": "0722000111", "name": "Asha"})
    assert made.lead is not None
    async with opened(office, IntakesScreen) as shown:
        assert "OK-1" not in shown.text
        await shown.press("d")
        await shown.write("twice the same")
        await shown.press("f2")
        assert "dropped" in shown.text
        assert intake.list_failed(office)[0] == 2
        await shown.press("v")
        assert "OK-1" in shown.text and "– dropped" in shown.text and "twice the same" in shown.text
        await shown.press("g", "t")
        assert "has its lead already" in shown.toasts
        await shown.press("enter")
        assert isinstance(shown.app.screen, LeadDetailScreen)
        assert shown.app.screen.lead_id == made.lead.id


async def test_a_booking_by_hand(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    lead_id = add_lead(office)
    async with opened(office, IntakesScreen) as shown:
        assert "Nothing failed" in shown.text
        await shown.press("n")
        await shown.write("B-1")
        await shown.press("tab", "tab")
        await shown.write("0722 000 111")
        await shown.press("f2")
        assert "linked to Achieng Odhiambo" in shown.text
        shown.app.push_screen(LeadDetailScreen(lead_id))
        await shown.settle()
        await shown.press("B")
        await shown.write("B-1")
        await shown.press("f2")
        assert "booking B-2" not in shown.text
        await shown.press("B")
        await shown.write("B-2")
        await shown.press("tab")
        await shown.write("Mara for two")
        await shown.press("f2")
        assert "booking B-2 · u takes it back" in shown.text
        assert [b.ref for b in bookings.list_of(office, lead_id)] == ["B-2", "B-1"]
        await shown.press("u")
        assert [b.ref for b in bookings.list_of(office, lead_id)] == ["B-1"]


async def test_who_may_not_add_leads_is_told_so(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "technician"})
    fail_some(office)
    async with opened(acting_as(office, "tom"), IntakesScreen) as shown:
        assert "you may not add leads" in shown.text
        assert "SF-2026" not in shown.text
