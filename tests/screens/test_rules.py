"""What happens by itself, on the screens: its editor, its rehearsal beside a move, milestones and leads that rot."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadtui import clock
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.office import OfficeScreen
from leadtui.screens.office_nouns import NOUNS
from leadtui.screens.record_form import RecordForm
from leadtui.screens.status_dialog import StatusDialog
from leadtui.services import activities, admin, behavior, events, lifecycle, triggers
from leadtui.services.activities import LogEntry
from leadtui.services.office import Office
from leadtui.widgets.form import Form
from tests.screens.dialog_help import Run, add_lead, new_office, opened

SMALL, WIDE = (80, 24), (120, 40)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return new_office(tmp_path)


async def go_to(run: Run, key: str) -> None:
    await run.press(*["]"] * [noun.key for noun in NOUNS].index(key))


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_stage_actions_are_edited_and_switched(office: Office, size: tuple[int, int], snapshot: Any) -> None:
    async with opened(office, OfficeScreen, size=size) as run:
        await go_to(run, "stage_action")
        assert "Survey the site" in run.text and "task for technician" in run.text
        snapshot(run.app, f"stage_actions_{size[0]}x{size[1]}")
        if size == WIDE:
            return
        await run.press("n")
        assert isinstance(run.app.screen, RecordForm)
        form = run.app.screen.query_one(Form)
        form.set_values({"pipeline": "isp", "status": "Contacted", "name": "Ring", "kind": "follow_up", "text": "{x}"})
        await run.press("ctrl+s")
        assert "no placeholder" in form.errors.get("text", "")
        form.set_values({"text": "Ring {name}", "delay": "4h"})
        await run.press("ctrl+s")
        assert "Stage action Ring added" in run.text and "follow-up in 4h" in run.text
        await run.press("e")
        run.app.screen.query_one(Form).set_values({"delay": "", "context": "offer_response"})
        await run.press("ctrl+s")
        assert "follow-up by rule" in run.text
        await run.press("d")
        assert "retired" in run.text
    ring = next(one for one in admin.items(office, "stage_action") if one["name"] == "Ring")
    assert (ring["context"], ring["delay"], ring["is_active"]) == ("offer_response", None, False)


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_milestones_are_edited(office: Office, size: tuple[int, int], snapshot: Any) -> None:
    async with opened(office, OfficeScreen, size=size) as run:
        await go_to(run, "milestone")
        assert "First contact" in run.text
        snapshot(run.app, f"milestones_{size[0]}x{size[1]}")
        if size == WIDE:
            return
        await run.press("n")
        form = run.app.screen.query_one(Form)
        form.set_values({"name": "Two visits"})
        await run.press("ctrl+s")
        assert form.errors.get("types")
        form.set_values({"types": "site-visit", "count": "2"})
        await run.press("ctrl+s")
        assert "Milestone Two visits added" in run.text and "2 × site visit" in run.text


async def test_the_hours_of_a_status(office: Office) -> None:
    async with opened(office, OfficeScreen) as run:
        await go_to(run, "status")
        await run.press("e")
        form = run.app.screen.query_one(Form)
        form.set_values({"sla_hours": "0"})
        await run.press("ctrl+s")
        assert "1 or more" in form.errors.get("sla_hours", "")
        form.set_values({"sla_hours": "36"})
        await run.press("ctrl+s")
        assert "changed" in run.text
    assert next(one for one in admin.items(office, "status") if one["name"] == "New")["sla_hours"] == 36


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_the_status_dialog_says_what_a_status_does(office: Office, size: tuple[int, int], snapshot: Any) -> None:
    lead_id = add_lead(office)
    async with opened(office, lambda: StatusDialog((lead_id,)), size=size) as run:
        assert "By itself then" not in run.text
        await run.press("down", "down")
        assert "By itself then: Survey the site of Achieng Odhiambo" in " ".join(run.text.split())
        snapshot(run.app, f"status_then_{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_a_lead_that_rots_and_what_it_reached(office: Office, size: tuple[int, int], snapshot: Any) -> None:
    lead_id = add_lead(office)
    activities.log(office, lead_id, LogEntry("call"))
    activities.log(office, lead_id, LogEntry("site_visit"))
    lifecycle.set_status(office, lead_id, "Interested")
    later = clock.now() + timedelta(days=9)
    clock.set_clock(lambda: later)
    async with opened(office, lambda: LeadDetailScreen(lead_id), size=size) as run:
        assert "◐ Interested · 9 days, 2 over" in run.text
        assert "★ first contact 20 Nov · first visit 20 Nov" in run.text
        snapshot(run.app, f"rotting_{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_triggers_are_edited_and_leave_leads_alone(office: Office, size: tuple[int, int], snapshot: Any) -> None:
    lead = add_lead(office)
    async with opened(office, OfficeScreen, size=size) as run:
        await go_to(run, "trigger")
        await run.press("n")
        form = run.app.screen.query_one(Form)
        form.set_values({"name": "Curious", "event": "page_view", "count": "2", "within": "24h", "action": "score"})
        shown = form.visible_values()
        assert "points" in shown and "drip" not in shown and "body" not in shown
        await run.press("ctrl+s")
        assert "points" in run.text.lower() and isinstance(run.app.screen, RecordForm)
        form.set_values({"points": "10"})
        await run.press("ctrl+s")
        assert "Trigger Curious added" in run.text and "score +10" in run.text
        snapshot(run.app, f"triggers_{size[0]}x{size[1]}")
        if size == WIDE:
            return
        behavior.record(office, lead, "page_view")
        behavior.record(office, lead, "page_view")
        while events.handle_open(office):
            pass
        await run.press("x")
        assert "LD-202611-0001" in run.text and "Went off" in run.text
        triggers.exclude(office, "Curious", [lead])
        await run.press("escape", "x", "enter")
        assert triggers.exclusions(office, "Curious") == ()
        run.app.screen.query_one("#exclude").press()
        await run.settle()
        await run.press("enter")
        assert [one["lead_id"] for one in triggers.exclusions(office, "Curious")] == [lead]
        snapshot(run.app, f"trigger_{size[0]}x{size[1]}")
