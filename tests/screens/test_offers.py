"""Offers on Today and in notices, nobody's leads, and whom the assign dialog says the rules choose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadtui.screens.assign_dialog import AssignDialog
from leadtui.screens.figure_leads import FigureLeads
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.notifications import NotificationsScreen
from leadtui.screens.offers import OffersDialog
from leadtui.screens.today import TodayScreen
from leadtui.services import admin, leads, lifecycle, offers, routing_rules
from leadtui.services.notifying import notify
from leadtui.services.office import Office
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, acting_as, add_lead, copy_of, opened, prepared


def fill(office: Office) -> None:
    """Two agents; two leads of Westlands that are offered to both, two of Karen that nobody has."""
    for login, area in (("asha", "Westlands"), ("brian", "Westlands")):
        admin.add_user(office, {"login": login, "name": login.title(), "role": "agent", "service_areas": area})
    where = {"name": "Who is first", "kind": "first_to_claim", "minutes": "30", "where": "location:Westlands"}
    routing_rules.add(office, where)
    for place in range(2):
        lifecycle.assign(office, add_lead(office, NASTY, f"073300010{place}", location="Westlands"), "auto")
    for place in range(2):
        add_lead(office, f"Karen {place}", f"073300020{place}", location="Karen")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests take copies."""
    return prepared(tmp_path_factory.mktemp("offers"), fill, NOW)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Iterator[Office]:
    """An isp with two offers."""
    opened_here = copy_of(made, tmp_path)
    yield opened_here
    opened_here.close()


async def test_an_offer_is_claimed_from_today_and_who_was_faster_is_said(office: Office) -> None:
    asha, brian = acting_as(office, "asha"), acting_as(office, "brian")
    first, second = offers.mine(brian)
    async with opened(brian, TodayScreen) as run:
        assert "Offered to you" in run.text and f"{first.lead_number}" in run.text and "Westlands" in run.text
        assert "[b]x" not in run.text, "no more than number, place and interest"
        offers.claim(asha, first.lead_id)
        await run.press("T")
        assert f"{first.lead_number}: asha was faster" in run.toasts
        assert first.lead_number not in run.text.partition("Offered")[2]
        await run.press("enter")
        assert isinstance(run.app.screen, OffersDialog) and second.lead_number in run.text
        await run.press("enter")
        assert isinstance(run.app.screen, LeadDetailScreen) and f"{second.lead_number} is yours" in run.toasts
        await run.press("q")
        assert "Offered to you" not in run.text
        await run.press("T")
        assert "this is not offered to you" in run.toasts
    assert leads.get(brian, second.lead_id).row.assigned_to == "brian"


async def test_an_offer_is_claimed_from_its_notice(office: Office) -> None:
    asha, brian = acting_as(office, "asha"), acting_as(office, "brian")
    async with opened(asha, NotificationsScreen) as run:
        assert "offered" in run.text
        for one in offers.mine(brian):
            offers.claim(brian, one.lead_id)
        await run.press("T")
        assert "The offer is over" in run.toasts
        await run.press("enter")
        assert "Nothing is offered to you now" in run.text


async def test_nobodys_leads_open_in_the_list_and_the_rules_say_whom_they_choose(office: Office) -> None:
    async with opened(office, TodayScreen, size=(120, 40)) as run:
        assert "Nobody's leads" in run.text and "enter: all in the list 4" in run.text
        await run.press("g", "enter")
        assert isinstance(run.app.screen, FigureLeads) and "Karen 1" in run.text
        await run.press("*", "a")
        assert isinstance(run.app.screen, AssignDialog)
        assert "whoever the rules choose" in run.text and "Karen 1: asha" in run.text
        assert "Karen 0: brian" in run.text, "each counts for the next"
        await run.press("escape", "escape")
        karen = leads.search(office, "Karen", sort="name", limit=1).rows[0].id
        run.app.push_screen(AssignDialog((karen,)))
        await run.settle()
        assert "auto · asha" in run.text and "so asha gets it" in run.text
        await run.press("down")
        assert "so asha gets it" not in run.text
        await run.press("up", "enter")
        with office.as_system() as tx:
            notify(tx, office.actor.user_id, "unassigned", "unassigned:1", "3 leads wait for somebody")
        run.app.push_screen(NotificationsScreen())
        await run.settle()
        assert "unassigned" in run.text
        await run.press("enter")
        assert isinstance(run.app.screen, FigureLeads) and "Karen 1" in run.text and "Karen 0" not in run.text
    assert leads.get(office, karen).row.assigned_to == "asha"
