"""A lead on one screen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leadtui.screens.item_dialog import ItemDialog
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.lead_facts import Facts
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, paint, text, wrapped
from tests.screens.conftest import Run
from tests.screens.office_for_tests import a_file
from tests.screens.pictures import at_rest, dump, press
from tests.screens.test_leads import toasts
from tests.widgets.nasty import RAW

OPEN_FIRST = ("G", "enter")
"""Achieng came in first: she is the last of the list."""


async def test_everything_on_one_screen(run: Run, office: Any, size: tuple[int, int], snapshot: Any) -> None:
    async with run(office, size) as pilot:
        await press(pilot, *OPEN_FIRST)
        snapshot(pilot.app, f"lead_{size[0]}x{size[1]}")
        screen = dump(pilot.app)
        for words in (
            "LD-202611-0001  Achieng Odhiambo", "◐ Interested · 3 days", "0722 000 111 · Westlands, Nairobi · A5",
            "20 Mbps Home", "now with Zuku", "brought in by J. Mwai 0722 111 222", "TP-Link Archer C6", "4,499.00",
            "today", "Contacted → Interested", "asked for the survey", "call · positive", "came in from Caretaker",
            "email achieng@example.ke", "tags flat, vip", "Gate code 4411.",
        ):  # fmt: skip
            assert words in screen, words


async def test_the_nasty_lead_is_only_text(run: Run, office: Any, size: tuple[int, int]) -> None:
    async with run(office, size) as pilot:
        await press(pilot, "enter")
        assert "[b]Zainab[/b] [/x]" in dump(pilot.app)
        for keys in (("down",), ("enter",), ("escape",), ("end",), ("enter",)):
            await press(pilot, *keys)
            assert not RAW & set(dump(pilot.app).replace("\n", ""))
        assert pilot.app.is_running


@pytest.mark.parametrize("tiny", [(60, 20), (40, 12), (20, 6)])
async def test_small_terminals(run: Run, office: Any, tiny: tuple[int, int]) -> None:
    async with run(office, tiny) as pilot:
        await press(pilot, *OPEN_FIRST, *["down"] * 8, "pagedown", "pageup", "end", "enter", "escape", "home")
        assert "0722 000 111" in dump(pilot.app)


async def test_the_cursor_stops_at_items_and_scrolls_to_the_end(run: Run, office: Any) -> None:
    async with run(office, (80, 14)) as pilot:
        await press(pilot, *OPEN_FIRST)
        sheet = pilot.app.screen.query_one(Sheet)
        seen = {sheet.at}
        for _ in range(25):
            await press(pilot, "j")
            seen.add(sheet.at)
        assert len(seen) == len(sheet.items) == 7
        assert "came in from" in dump(pilot.app)
        for _ in range(30):
            await press(pilot, "k")
        assert "0722 000 111" in dump(pilot.app)


async def test_enter_shows_an_item_whole(run: Run, office: Any, snapshot: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, *OPEN_FIRST, "down", "enter")
        assert isinstance(pilot.app.screen, ItemDialog)
        assert "Landlord agrees." in dump(pilot.app)
        assert "Cable through the roof." in dump(pilot.app)
        snapshot(pilot.app, "item_80x24")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, LeadDetailScreen)


async def test_p_shows_every_rule_with_its_points(run: Run, office: Any, snapshot: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, *OPEN_FIRST)
        assert "score 85: Fee agreed +25 · 6 more · P" in dump(pilot.app)
        await press(pilot, "P")
        snapshot(pilot.app, "score_80x24")
        screen = dump(pilot.app)
        assert "score 85, hot" in screen and "Site survey scheduled" in screen and "sum 85" in screen
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, LeadDetailScreen)


async def test_a_follow_up_is_done_from_here(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, *OPEN_FIRST, "enter")
        await pilot.click("#complete")
        await at_rest(pilot)
        screen = dump(pilot.app)
        assert "nothing planned; f sets when to make contact" in screen
        assert "u takes it back" in screen


async def test_walking_through_the_list(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "slash", "text:status:interested", "enter", "enter")
        assert "Fatuma" in dump(pilot.app).splitlines()[0]
        await press(pilot, "left_square_bracket")
        assert "first lead of the list" in toasts(pilot.app)
        await press(pilot, "right_square_bracket")
        assert "Achieng" in dump(pilot.app).splitlines()[0]
        await press(pilot, "right_square_bracket")
        assert "last lead of the list" in toasts(pilot.app)
        await press(pilot, "escape")
        assert pilot.app.screen.lead().name == "Achieng Odhiambo"


async def test_a_change_elsewhere_shows(run: Run, office: Any) -> None:
    from leadtui.services import leads

    async with run(office) as pilot:
        await press(pilot, *OPEN_FIRST)
        await asyncio.to_thread(leads.edit, office, 1, {"location": "Kilimani"})
        pilot.app.screen.changed((2,))
        await at_rest(pilot)
        assert "Kilimani" not in dump(pilot.app)
        pilot.app.screen.changed((1,))
        await at_rest(pilot)
        assert "Kilimani" in dump(pilot.app)


async def test_a_lead_that_is_gone_closes(run: Run, office: Any) -> None:
    from leadtui.services import lifecycle

    async with run(office) as pilot:
        pilot.app.push_screen(LeadDetailScreen(99_999))
        await at_rest(pilot)
        assert not isinstance(pilot.app.screen, LeadDetailScreen)
        assert "not there any more" in toasts(pilot.app)
        await press(pilot, *OPEN_FIRST)
        await asyncio.to_thread(lifecycle.delete, office, 1, "test")
        await press(pilot, "r")
        assert "Deleted" in dump(pilot.app) or "not there any more" in toasts(pilot.app)


@pytest.mark.parametrize(
    ("key", "dialog"),
    [("s", "StatusDialog"), ("a", "AssignDialog"), ("c", "LogDialog"), ("x", "LoseDialog"), ("t", "TagDialog"),
     ("i", "InterestDialog"), ("p", "ProtectDialog"), ("d", "DeleteDialog"), ("o", "AttachDialog"), ("e", "LeadForm"),
     ("C", "ConvertWizard"), ("f", "FollowUpDialog")],
)  # fmt: skip
async def test_keys_open_their_dialogs(run: Run, office: Any, key: str, dialog: str) -> None:
    async with run(office) as pilot:
        await press(pilot, *OPEN_FIRST, key)
        assert type(pilot.app.screen).__name__ == dialog


async def test_documents_and_lost_and_protected(run: Run, office: Any, tmp_path: Path) -> None:
    from leadtui.services import lifecycle

    await asyncio.to_thread(lifecycle.attach, office, 1, a_file(tmp_path))
    await asyncio.to_thread(lifecycle.protect, office, 1, "in court")
    async with run(office, (120, 40)) as pilot:
        await press(pilot, *OPEN_FIRST)
        screen = dump(pilot.app)
        assert "─ Documents" in screen
        assert "id-card.pdf" in screen
        assert "Protected: in court; p lifts it" in screen
        await press(pilot, "d")
        assert "protected" in toasts(pilot.app)
        await press(pilot, "escape", "slash", "text:grace", "enter", "enter")
        assert "went to a competitor" in dump(pilot.app)
        assert "─ Lost" in dump(pilot.app)
        await press(pilot, "x")
        assert type(pilot.app.screen).__name__ == "ReopenDialog"


async def test_a_converted_lead_is_opened_again_by_key(run: Run, office: Any) -> None:
    from leadtui.services import conversion, leads

    await asyncio.to_thread(conversion.convert, office, 1, conversion.ConvertRequest())
    async with run(office) as pilot:
        await press(pilot, *OPEN_FIRST, "x")
        assert type(pilot.app.screen).__name__ == "ReopenDialog"
        assert "a router user stays as it is" in dump(pilot.app)
        await press(pilot, "text:wrong house", "enter")
        assert not leads.get(office, 1).row.is_converted


@pytest.mark.parametrize(("reopen", "refused"), [("all", False), ("own", True), ("none", True)])
def test_who_may_not_reopen_is_told_that_it_is_a_customer(reopen: Any, refused: bool) -> None:
    from leadtui.commands import BY_ID
    from leadtui.domain.permissions import Actor, Grant
    from leadtui.screens.lead_commands import refusal

    row = SimpleNamespace(is_lost=False, is_converted=True, is_deleted=False, is_protected=False,
                          assigned_to_id=9, branch_id=None)  # fmt: skip
    actor = Actor(1, "amos", "Amos", "agent", grants={"lose": Grant("all"), "reopen": Grant(reopen)})
    words = refusal(BY_ID["leads.lose"], row, actor)  # type: ignore[arg-type]
    assert (words == "this lead is a customer already; its status is locked") == refused


async def test_hidden_money_is_not_there(office: Any) -> None:
    from leadtui.services import leads

    detail = await asyncio.to_thread(leads.get, office, 1)
    keys = ("installation_fee", "monthly_fee", "total_amount", "budget", "pre_approved", "pre_approval_in_progress",
            "down_payment_ready")  # fmt: skip
    rows = Facts(detail, office.catalog, frozenset(keys)).sheet(80)
    words = "\n".join("".join(part for _, width, line in row for part, _ in paint(line, width)) for row in rows)
    assert "Money" not in words
    assert "4,499" not in words
    assert "Wants" in words


def test_lines_are_exactly_as_wide_as_asked() -> None:
    from rich.cells import cell_len

    wide = Line(text("漢字漢字漢字", ("b", "muted")), text(("who", "")))
    for width in (1, 2, 5, 20, 79):
        for line in (Line(rule="Timeline"), wide, Line(), Line(text("x" * 99))):
            if width > 3 or not line.right:
                assert cell_len("".join(words for words, _ in paint(line, width))) == width


def test_wrapping_keeps_line_breaks() -> None:
    assert wrapped("a b\n\nc", 20) == ["a b", "", "c"]
    assert max(map(len, wrapped("word " * 50, 30))) <= 30
    assert wrapped("漢" * 25, 20) == ["漢" * 10, "漢" * 10, "漢" * 5]
    assert wrapped("", 20) == []
