"""Writing a campaign: the audience counted, the text shown for a lead while it is typed, nothing typed ever lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from leadtui.screens import filter_looking
from leadtui.screens.campaign_editor import CampaignEditor
from leadtui.screens.campaign_editor_fields import for_service, template_problem
from leadtui.screens.campaign_rehearsal import RehearsalScreen
from leadtui.screens.confirm import Confirm
from leadtui.screens.leads import LeadsScreen
from leadtui.screens.picker import Picker
from leadtui.services import campaigns, templates
from leadtui.services.office import Office
from tests.screens.campaign_help import DRAFT, of
from tests.screens.dialog_help import Run, acting_as, opened

Snapshot = Callable[[Any, str], None]


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audience is counted at once."""
    monkeypatch.setattr(filter_looking, "REST_S", 0.001)


def words(run: Run) -> str:
    """The screen without line breaks."""
    return " ".join(run.text.replace("│", " ").replace("▊", " ").split())


def editor(run: Run) -> CampaignEditor:
    assert isinstance(run.app.screen, CampaignEditor), run.text
    return run.app.screen


async def rest(run: Run) -> None:
    """What the test put in has gone through all widgets, and the timers it set have rung."""
    for _ in range(3):
        await run.settle()


async def put(run: Run, text: str) -> None:
    """Paste a text where the focus is."""
    focused = run.app.focused
    if isinstance(focused, TextArea):
        focused.insert(text)
    elif isinstance(focused, Input):
        focused.insert_text_at_cursor(text)
    await rest(run)


async def test_a_campaign_is_written(campaigned: Office, snapshot: Snapshot) -> None:
    async with opened(campaigned, CampaignEditor) as run:
        assert "8 will get it; 1 of 9 not: does not want to be contacted" in words(run)
        await put(run, "Fibre in Westlands")
        await run.press("tab", "tab")
        await put(run, "achi")
        while "1 will get it" not in words(run):  # the timer of the filter line, then the count in a thread
            await run.pilot.pause(0.02)
        await run.press("enter", "tab")
        await put(run, "Hi ")
        await run.press("ctrl+o")
        assert isinstance(run.app.screen, Picker)
        await put(run, "first")
        await run.press("enter")
        await put(run, ", {package|fibre} is here.")
        assert "Hi Achieng, fibre is here." in words(run)
        snapshot(run.app, "campaign_editor_80x24")
        await run.press("ctrl+s")
        row = run.answer.campaign
        assert (row.name, row.where, row.status) == ("Fibre in Westlands", "achi", "draft")
        assert row.template == "Hi {first_name}, {package|fibre} is here."


async def test_an_audience_that_cannot_be_read_covers_no_other_field(campaigned: Office) -> None:
    async with opened(campaigned, CampaignEditor) as run:
        await run.press("tab", "tab")
        await put(run, "status:nowhere")
        assert "expected" in words(run)
        editor(run).rest.query_one(TextArea).focus()
        await rest(run)
        await put(run, "First line of the text")
        assert "First line of the text" in run.text and "Template" in run.text
        assert '"nowhere" is not a value of status' in words(run), "it is said below its line"


async def test_the_text_is_shown_for_any_lead_and_rehearsed_before_it_is_saved(campaigned: Office) -> None:
    made = templates.add(campaigned, {"name": "Hello", "body": "Hello {name}!", "channel": None})
    draft = of(campaigned, DRAFT)
    async with opened(campaigned, lambda: CampaignEditor(draft)) as run:
        assert "For Achieng Odhiambo" in run.text and "Hi Achieng, our fibre is at Westlands." in run.text
        await run.press("ctrl+n")
        assert "For Brian Kamau" in run.text and "Hi Brian" in run.text
        await run.press("ctrl+r")
        await run.press("f8")
        assert "That is the first one" in run.text and "Hi Achieng" in run.text
        await run.press("ctrl+t")
        await put(run, "samuel")
        await run.press("enter")
        assert "For Samuel Njoroge" in run.text and "not sent: is lost" in run.text
        editor(run).rest._boxes["template_id"].take(str(made.id))
        await rest(run)
        assert isinstance(run.app.screen, Confirm) and "in place of what is written" in words(run)
        await run.press("y")
        assert editor(run).rest.value("template") == "Hello {name}!"
        await run.press("ctrl+g")
        assert isinstance(run.app.screen, RehearsalScreen) and "Hello Achieng Odhiambo!" in run.text
        await run.press("S")
        assert "it is not saved yet" in run.toasts
        await run.press("escape")
        assert editor(run).rest.value("template") == "Hello {name}!" and not run.answers


async def test_errors_are_pointed_at_and_nothing_is_lost(campaigned: Office) -> None:
    draft = of(campaigned, DRAFT)
    async with opened(campaigned, lambda: CampaignEditor(draft), size=(60, 20)) as run:
        await put(run, " of mine")
        area = editor(run).query_one(TextArea)
        area.focus()
        area.load_text("Hi\n{nam}")
        await rest(run)
        assert "line 2, column 2 · 'nam' is no placeholder — perhaps name" in words(run)
        await run.press("ctrl+s")
        assert "is no placeholder" in words(run) and campaigns.get(campaigned, draft).template != area.text
        area.load_text("Hi {name}")
        editor(run).bar.set_value("status:nix", quiet=False)
        await rest(run)
        await run.press("ctrl+s")
        assert "Audience:" in run.text
        editor(run).bar.set_value("status:new", quiet=False)
        editor(run).rest.set_values({"per_minute": "many"})
        await run.press("ctrl+s")
        assert "per minute cannot be 'many'" in words(run)
        await run.press("escape")
        assert isinstance(run.app.screen, Confirm) and "What you wrote here will be lost" in run.text
        await run.press("escape")
        assert editor(run).query_one(TextArea).text == "Hi {name}"
        editor(run).rest.set_values({"per_minute": "60"})
        other = acting_as(campaigned, "root")
        campaigns.edit(other, draft, {"per_minute": "10"})
        other.close()
        await run.press("ctrl+s")
        assert "was changed since. Save again" in words(run)
        await run.press("ctrl+s")
        row = run.answer.campaign
        assert (row.per_minute, row.name, row.template) == (10, "Draft of the week of mine", "Hi {name}")


async def test_fields_are_those_of_the_channel(campaigned: Office, snapshot: Snapshot) -> None:
    draft = of(campaigned, DRAFT)
    async with opened(campaigned, lambda: CampaignEditor(draft), size=(120, 40)) as run:
        snapshot(run.app, "campaign_editor_120x40")
        assert "Written to" in run.text and "Subject" not in run.text
        editor(run).head._boxes["channel"].take("email")
        await rest(run)
        assert "Written to" not in run.text and "Subject" in run.text and "written, not started" in run.text
        assert "9 of 9 not: has no address for this channel" in words(run)
        editor(run).head._boxes["channel"].take("sms")
        editor(run).query_one(TextArea).load_text("x" * 161)
        await rest(run)
        assert "2 SMS, 145 left" in run.text
        campaigns.delete(campaigned, draft)
        run.app.push_screen(CampaignEditor(draft))
        await run.settle()
        assert "there is no campaign" in run.toasts and "2 SMS" in run.text


async def test_it_begins_with_what_the_list_of_leads_shows(campaigned: Office) -> None:
    async with opened(campaigned, LeadsScreen) as run:
        screen = run.app.screen
        assert isinstance(screen, LeadsScreen)
        screen.apply("kamau")
        await run.settle()
        await run.press("M")
        assert editor(run).bar.value == "kamau" and "1 will get it" in words(run)
        await run.press("escape")
        assert run.app.screen is screen


def test_texts_become_values() -> None:
    assert for_service({"quiet_hours": " ", "retries": "0"}) == {"quiet_hours": None, "no_retry": True}
    assert for_service({"quiet_hours": "Never", "retries": "2"}) == {
        "quiet_hours": "", "retries": "2", "no_retry": False
    }  # fmt: skip
    assert template_problem("Hi {name}", frozenset()) == ("", "")
    place, what = template_problem("Hi {name", frozenset())
    assert place == "line 1, column 4" and "never closed" in what
    assert template_problem("{name}", frozenset({"name"}))[1]
