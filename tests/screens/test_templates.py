"""Templates: the list, the editor that shows how a lead reads them, placeholders from a list, retiring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import TextArea

from leadtui.channels.provider_templates import ApprovedTemplate
from leadtui.screens.template_editor import TemplateEditor
from leadtui.screens.templates import TemplatesScreen
from leadtui.services import admin, channels, templates
from leadtui.services.office import Office
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, acting_as, add_lead, copy_of, opened, prepared

Snapshot = Callable[[Any, str], None]
WIDE = (120, 40)


def _fill(made: Office) -> None:
    """A lead and three templates."""
    add_lead(made, package="20 Mbps Home")
    templates.add(made, {"name": "Welcome", "body": "Hello {first_name|there}, your {package} is on its way.\nJuma"})
    templates.add(made, {"name": "Offer", "channel": "sms", "body": "Hi {name}, 20% off today. Reply YES."})
    old = templates.add(made, {"name": "Old", "channel": "email", "subject": "News", "body": "Nothing new."})
    templates.retire(made, old.id)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once."""
    return prepared(tmp_path_factory.mktemp("office"), _fill, NOW)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Office:
    """A copy."""
    return copy_of(made, tmp_path)


async def test_the_list_shows_the_text_below(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, TemplatesScreen) as run:
        snapshot(run.app, "templates_80x24")
        await run.press("G", "e")
        assert "It is retired; d offers it again" in run.toasts
        await run.press("d")
        assert "Template Old offered again" in run.text
        assert all(one.is_active for one in templates.list_all(office, retired=True))


async def test_the_editor_shows_how_a_lead_reads_it(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, TemplatesScreen) as run:
        await run.press("down", "enter")
        assert isinstance(run.app.screen, TemplateEditor)
        assert "Hello Achieng, your 20 Mbps Home is on its way." in run.text
        snapshot(run.app, "template_editor_80x24")
        area = run.app.screen.query_one(TextArea)
        area.focus()
        area.text = "Hello {nmae}"
        await run.settle()
        assert "'nmae' is no placeholder (name" in " ".join(run.text.replace("│", " ").split())
        area.text = "Hello "
        area.move_cursor(area.document.end)
        await run.press("ctrl+o")
        await run.write("agent_phone")
        await run.press("enter")
        assert area.text == "Hello {agent_phone}"
        await run.press("escape")
        assert "What you typed here will be lost" in run.text


async def test_a_new_template_and_what_is_wrong_with_it(office: Office) -> None:
    async with opened(office, TemplatesScreen) as run:
        await run.press("n")
        await run.write("Reminder")
        area = run.app.screen.query_one(TextArea)
        area.text = "Dear {first_name}, {braces"
        await run.press("ctrl+s")
        assert "never closed" in run.text
        area.text = "Dear {first_name}, see you {{soon}}"
        await run.press("ctrl+s")
        assert "Template Reminder added" in run.text
        assert templates.get(office, "Reminder").body == "Dear {first_name}, see you {{soon}}"


async def test_untrusted_words_are_only_words(office: Office) -> None:
    add_lead(office, NASTY, "0722000999")
    templates.add(office, {"name": "[b]x[/] [@click=app.quit]", "body": "{name} [/oops] [red]"})
    async with opened(office, TemplatesScreen) as run:
        await run.press("enter")
        assert "[b]x[/]" in run.text and "[/oops] [red]" in run.text


async def test_who_may_not_sees_why(office: Office) -> None:
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "collections"})
    async with opened(acting_as(office, "tom"), TemplatesScreen) as run:
        await run.press("n")
        assert isinstance(run.app.screen, TemplatesScreen)
        assert "your role may not run campaigns" in run.toasts


async def test_an_approved_template_is_taken_over(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    known = (
        ApprovedTemplate("offer", "en", "MARKETING", "APPROVED", "Hi {{1}}, {{2}} is yours for less.", params=2),
        ApprovedTemplate("news", "en", "MARKETING", "REJECTED", "No."),
    )
    monkeypatch.setattr(channels, "templates", lambda *arguments, **options: known)
    async with opened(office, TemplatesScreen) as run:
        await run.press("a")
        assert "offer  en" in run.text and "news" not in run.text
        await run.press("enter")
        form = run.app.screen.form
        form.set_values({"param0": "{first_name|there}"})
        await run.press("ctrl+s")
        assert "Value 2 is missing" in run.text
        form.set_values({"param1": "{package}"})
        await run.press("ctrl+s")
        assert "Template offer taken over" in run.text and "approved" in run.text
        assert templates.get(office, "offer").body == "Hi {first_name|there}, {package} is yours for less."


async def test_a_wide_terminal(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, TemplatesScreen, size=WIDE) as run:
        snapshot(run.app, "templates_120x40")
        await run.press("down", "enter")
        snapshot(run.app, "template_editor_120x40")
