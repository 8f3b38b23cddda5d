"""Writing a campaign: the audience counted, the text shown for a lead while it is typed, nothing typed ever lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from leadtui import clock
from leadtui.screens import campaign_editor_looking
from leadtui.screens.campaign_editor import CampaignEditor
from leadtui.screens.campaign_editor_fields import for_service, template_problem
from leadtui.screens.campaign_rehearsal import RehearsalScreen
from leadtui.screens.confirm import Confirm
from leadtui.screens.picker import Picker
from leadtui.services import campaigns, templates
from leadtui.services.office import Office
from tests.screens.campaign_help import DRAFT, copied, fill, of
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, Run, acting_as, opened

Snapshot = Callable[[Any, str], None]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests copy it."""
    clock.set_clock(lambda: NOW)
    return fill(tmp_path_factory.mktemp("editor"))


@pytest.fixture
def office(database: Path, tmp_path: Path) -> Iterator[Office]:
    """Ten leads; a draft, one being sent, one for next week."""
    made = copied(database, tmp_path)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audience is counted at once."""
    monkeypatch.setattr(campaign_editor_looking, "REST_S", 0.001)


def words(run: Run) -> str:
    """The screen without line breaks."""
    return " ".join(run.text.replace("│", " ").replace("▊", " ").split())


def editor(run: Run) -> CampaignEditor:
    assert isinstance(run.app.screen, CampaignEditor), run.text
    return run.app.screen


async def rest(run: Run) -> None:
    """What was put in by the test has gone through all widgets, and the timers it set have rung."""
    for _ in range(4):
        await run.settle()


async def put(run: Run, text: str) -> None:
    """Paste a text where the focus is."""
    focused = run.app.focused
    if isinstance(focused, TextArea):
        focused.insert(text)
    elif isinstance(focused, Input):
        focused.insert_text_at_cursor(text)
    await rest(run)


async def test_a_campaign_is_written(office: Office, size: tuple[int, int], snapshot: Snapshot) -> None:
    async with opened(office, CampaignEditor, size=size) as run:
        assert "8 will get it; 1 of 9 not: 1 does not want to be contacted" in words(run)
        await put(run, "Fibre in Westlands")
        editor(run).bar.focus()
        await run.write("achi")
        assert "1 will get it" in words(run)
        await run.press("enter", "tab")
        await put(run, "Hi ")
        await run.press("ctrl+o")
        assert isinstance(run.app.screen, Picker)
        await run.write("first")
        await run.press("enter")
        await put(run, ", {package|fibre} is here.")
        assert editor(run).rest.value("template") == "Hi {first_name}, {package|fibre} is here."
        assert "Hi Achieng, fibre is here." in words(run)
        snapshot(run.app, f"campaign_editor_{size[0]}x{size[1]}")
        await run.press("ctrl+s")
        row = run.answer.campaign
        assert (row.name, row.where, row.status) == ("Fibre in Westlands", "achi", "draft")
        assert row.template == "Hi {first_name}, {package|fibre} is here."


async def test_the_text_is_shown_for_any_lead(office: Office) -> None:
    async with opened(office, lambda: CampaignEditor(of(office, DRAFT))) as run:
        assert "For Achieng Odhiambo" in run.text and "Hi Achieng, our fibre is at Westlands." in run.text
        await run.press("ctrl+n")
        assert "For Brian Kamau" in run.text and "Hi Brian" in run.text
        await run.press("ctrl+r", "f8")
        assert "That is the first one" in run.text and "Hi Achieng" in run.text
        await run.press("ctrl+t")
        await run.write("samuel")
        await run.press("enter")
        assert "For Samuel Njoroge" in run.text and "not sent: is lost" in run.text
        await run.press("escape")
        assert run.answers == [None]  # nothing was typed: nothing is asked


async def test_errors_are_pointed_at_and_nothing_is_lost(office: Office) -> None:
    async with opened(office, lambda: CampaignEditor(of(office, DRAFT)), size=(60, 20)) as run:
        area = editor(run).query_one(TextArea)
        area.load_text("Hi\n{nam}")
        await rest(run)
        assert "line 2, column 2 · 'nam' is no placeholder — perhaps name" in words(run)
        await run.press("ctrl+s")
        assert "is no placeholder" in words(run) and campaigns.get(office, DRAFT).template != area.text
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


async def test_two_people_change_the_same_one(office: Office) -> None:
    async with opened(office, lambda: CampaignEditor(of(office, DRAFT))) as run:
        await put(run, " of mine")
        other = acting_as(office, "root")
        campaigns.edit(other, DRAFT, {"per_minute": "10"})
        other.close()
        await run.press("ctrl+s")
        assert "was changed since. Save again" in words(run)
        await run.press("ctrl+s")
        row = run.answer.campaign
        assert row.per_minute == 10 and row.name == "Draft of the week of mine"


async def test_a_template_is_taken_and_what_was_written_is_asked_about(office: Office) -> None:
    made = templates.add(office, {"name": "Hello", "body": "Hello {name}!", "channel": None})
    async with opened(office, lambda: CampaignEditor(of(office, DRAFT))) as run:
        form = editor(run).rest
        form.set_values({"template_id": str(made.id)})
        editor(run)._take_template()
        await run.settle()
        assert isinstance(run.app.screen, Confirm) and "in place of what is written" in words(run)
        await run.press("y")
        assert form.value("template") == "Hello {name}!" and "Hello Achieng Odhiambo!" in run.text


async def test_fields_are_those_of_the_channel(office: Office) -> None:
    async with opened(office, CampaignEditor, size=(120, 40)) as run:
        assert "Written to" in run.text and "Subject" not in run.text
        editor(run).head._boxes["channel"].take("email")
        await rest(run)
        assert "Written to" not in run.text and "Subject" in run.text and "written, not started" in run.text
        assert "9 has no address for this channel" in words(run)
        editor(run).head._boxes["channel"].take("sms")
        editor(run).query_one(TextArea).load_text("x" * 161)
        await rest(run)
        assert "2 SMS, 145 left" in run.text


async def test_what_is_written_is_rehearsed_before_it_is_saved(office: Office) -> None:
    async with opened(office, lambda: CampaignEditor(of(office, DRAFT))) as run:
        editor(run).query_one(TextArea).load_text("Another text for {first_name}")
        await run.press("ctrl+g")
        assert isinstance(run.app.screen, RehearsalScreen)
        assert "Another text for Achieng" in run.text
        await run.press("S")
        assert "it is not saved yet" in run.toasts
        await run.press("escape")
        assert editor(run).query_one(TextArea).text == "Another text for {first_name}"


async def test_untrusted_words_are_only_words(office: Office) -> None:
    campaign_id = of(office, DRAFT)
    campaigns.edit(office, DRAFT, {"name": NASTY, "template": "{name} " + NASTY})
    async with opened(office, lambda: CampaignEditor(campaign_id), size=(60, 20)) as run:
        assert "[b]x[/]" in run.text


async def test_one_that_has_gone_is_said(office: Office) -> None:
    campaign_id = of(office, DRAFT)
    campaigns.delete(office, DRAFT)
    async with opened(office, lambda: CampaignEditor(campaign_id)) as run:
        assert run.answers == [None] and "there is no campaign" in run.toasts


def test_texts_become_values() -> None:
    assert for_service({"quiet_hours": " ", "retries": "0"}) == {"quiet_hours": None, "no_retry": True}
    assert for_service({"quiet_hours": "Never", "retries": "2"}) == {
        "quiet_hours": "", "retries": "2", "no_retry": False
    }  # fmt: skip
    assert template_problem("Hi {name}", frozenset()) == ("", "")
    place, what = template_problem("Hi {name", frozenset())
    assert place == "line 1, column 4" and "never closed" in what
    assert template_problem("{name}", frozenset({"name"}))[1]
