"""What a lead did elsewhere is noted on its screen, as by the command: counted, refused beside the field."""

from __future__ import annotations

from pathlib import Path

from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.leads import LeadsScreen
from leadtui.services import leads
from tests.screens.dialog_help import new_office, opened


async def test_what_a_lead_did_is_noted_by_hand(tmp_path: Path) -> None:
    office = new_office(tmp_path)
    made = leads.create(office, {"phone": "0722000111", "name": "Achieng Odhiambo", "source": "Referral"}).lead
    async with opened(office, LeadsScreen) as shown:
        shown.app.push_screen(LeadDetailScreen(made.id))
        await shown.settle()
        await shown.press("V")
        await shown.write("property_view")
        await shown.press("tab")
        await shown.write("B12")
        await shown.press("f2")
        assert "not a word with a value" in shown.text, "nothing is written, what was typed stays"
        await shown.write("=seen")
        await shown.press("f2")
        assert "property view noted" in shown.text
        assert leads.get(office, made.id).fields["property_views"] == 1
