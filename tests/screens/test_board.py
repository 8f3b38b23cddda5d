"""The pipeline board: where cards stand, how keys move them, and that only what is seen is read."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadtui.services import admin, leads, lifecycle
from leadtui.services import board as service
from leadtui.services.office import open_office
from tests.screens.conftest import Run
from tests.screens.pictures import at_rest, dump, press
from tests.widgets.nasty import RAW


@pytest.fixture
def office(template: Path, tmp_path: Path) -> Iterator[Any]:
    """The office of the screen tests, its first leads with something that is worth something."""
    shutil.copytree(template, tmp_path / "office")
    with sqlite3.connect(tmp_path / "office" / "office.db") as database:
        database.execute("UPDATE lead SET budget_minor = 4500000, score = 91 WHERE id IN (2, 4)")
        database.execute("UPDATE lead SET score = 12 * (id % 6), score_version = 999 WHERE id NOT IN (2, 4)")
    database.close()
    opened = open_office(str(tmp_path / "office" / "office.db"), origin="tui")
    yield opened
    opened.close()


def status(office: Any, lead_id: int) -> str:
    return leads.get(office, lead_id).row.status


def under(app: Any) -> str | None:
    """The name under the cursor."""
    row = app.screen.lead()
    return None if row is None else row.title


async def to(pilot: Any, lead_id: int) -> None:
    """Put the cursor on a lead."""
    pilot.app.screen.follow(lead_id)
    await at_rest(pilot)
    assert pilot.app.screen.lead().id == lead_id


async def test_the_board(run: Run, office: Any, size: tuple[int, int], snapshot: Any) -> None:
    async with run(office, size) as pilot:
        await press(pilot, "number_sign", "right", "down")
        snapshot(pilot.app, f"board_{size[0]}x{size[1]}")
        screen = dump(pilot.app)
        assert "3 open" not in screen
        assert "11 open" in screen.splitlines()[0]
        assert "◐ Interested" in screen
        assert "2d late" in screen
        assert "26.5k × 40% = 10.6k" in screen  # 2,500 + 12 × 1,999 = 26,488
        await press(pilot, "end")
        # columns further right come into view; closed ones are folded to their count until v unfolds them
        await press(pilot, *["right"] * 6)
        assert pilot.app.screen.stage().name == "Not Interested"
        assert under(pilot.app) is None
        await press(pilot, "v")
        snapshot(pilot.app, f"board_unfolded_{size[0]}x{size[1]}")
        assert under(pilot.app) == "Grace Achieng"
        await press(pilot, "v")
        assert under(pilot.app) is None


async def test_a_card_moves_on_the_cursor_follows_and_u_puts_it_back(run: Run, office: Any, snapshot: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "number_sign")
        await to(pilot, 4)
        await press(pilot, "greater_than_sign")
        assert status(office, 4) == "Contacted"
        assert under(pilot.app) == "Kevin Otieno"
        assert pilot.app.screen.stage().name == "Contacted"
        snapshot(pilot.app, "board_moved_80x24")
        assert "Kevin Otieno moved to Contacted · u takes it back" in dump(pilot.app).splitlines()[-1]
        await press(pilot, "less_than_sign")  # this pipeline asks for no reason
        assert status(office, 4) == "New"
        assert pilot.app.screen.stage().name == "New"
        await press(pilot, "u")
        assert status(office, 4) == "Contacted"
        # at the edge nothing happens, and that is said
        await to(pilot, 5)
        await press(pilot, "shift+left")
        assert "No status stands left of New" in dump(pilot.app).splitlines()[-1]
        # two steps pressed at once are two statuses
        await pilot.press("greater_than_sign", "greater_than_sign")
        await at_rest(pilot)
        assert status(office, 5) == "Interested"
        assert under(pilot.app) == "Mercy Wambui"


async def test_a_step_back_asks_why_where_the_pipeline_does(run: Run, office: Any) -> None:
    admin.edit(office, "pipeline", "isp", {"require_reason_on_regress": "yes"})
    async with run(office) as pilot:
        await press(pilot, "number_sign")
        await to(pilot, 3)
        await press(pilot, "less_than_sign")
        assert "This is a step back. Why?" in dump(pilot.app)
        await press(pilot, "escape")
        assert status(office, 3) == "Interested"
        await press(pilot, "less_than_sign", "text:wrong", "enter")
        assert status(office, 3) == "Contacted"
        assert leads.get(office, 3).status_history[-1].reason == "wrong"
        assert under(pilot.app) == "Fatuma Hassan"


async def test_to_converted_opens_the_conversion_and_to_lost_asks_why(run: Run, office: Any) -> None:
    lifecycle.set_status(office, 4, "Site Survey Scheduled")
    lifecycle.set_status(office, 5, "Future Prospect")
    async with run(office) as pilot:
        await press(pilot, "number_sign")
        await to(pilot, 4)
        await press(pilot, "greater_than_sign")
        assert type(pilot.app.screen).__name__ == "ConvertWizard"
        await press(pilot, "escape")
        assert status(office, 4) == "Site Survey Scheduled"
        await press(pilot, "right", "right", "v")
        assert under(pilot.app) == "Mercy Wambui"
        await press(pilot, "greater_than_sign")
        assert "Mark as lost: why?" in dump(pilot.app)
        await press(pilot, "tab", "text:away", "enter")
        assert status(office, 5) == "Not Interested"
        # the lost column is folded: the cursor stays
        assert pilot.app.screen.stage().name == "Future Prospect"
        await press(pilot, "u")
        assert status(office, 5) == "Future Prospect"
        # back from there is the last status that leads go through, not Converted
        await press(pilot, "less_than_sign")
        assert status(office, 5) == "Site Survey Scheduled"


async def test_marked_cards_move_together_after_a_preview(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "number_sign", "space", "space")
        assert "2 marked, 11 open" in dump(pilot.app).splitlines()[0]
        marked = set(pilot.app.screen.board.marks.ids)
        await press(pilot, "greater_than_sign")
        assert "2 of 2 leads will be moved to Contacted" in dump(pilot.app)
        await press(pilot, "enter")
        assert {status(office, int(one)) for one in marked} == {"Contacted"}
        assert not pilot.app.screen.board.marks
        # all of a column, but one
        await press(pilot, "right", "asterisk", "space")
        assert pilot.app.screen.target().count == 2
        assert leads.count(office, pilot.app.screen.target().where) == 2
        await press(pilot, "escape")
        assert not pilot.app.screen.board.marks


async def test_the_list_hands_its_filter_over_and_the_board_remembers_it(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        pilot.app.screen.apply("source:referral")
        await press(pilot, "number_sign")
        assert "Board ─ Internet service ─ source:referral" in dump(pilot.app)
        assert "Kevin Otieno" in dump(pilot.app)
        assert "Mercy Wambui" not in dump(pilot.app)
        await press(pilot, "f", "text:due:today", "enter")
        assert "source:referral due:today" in dump(pilot.app).splitlines()[0]
        assert dump(pilot.app).splitlines()[1].split()[:3] == ["▸○", "New", "1│"]
    async with run(office) as pilot:
        await press(pilot, "0", "number_sign")  # from elsewhere: as it was left
        assert "source:referral due:today" in dump(pilot.app).splitlines()[0]
        await press(pilot, "F")
        assert "Mercy Wambui" in dump(pilot.app)
        await press(pilot, "slash", "text:njo", "enter")
        assert under(pilot.app) == "Peter Njoroge"
        await press(pilot, "enter")
        assert type(pilot.app.screen).__name__ == "LeadDetailScreen"
        await press(pilot, "escape")
        assert under(pilot.app) == "Peter Njoroge"


def grow(office: Any, count: int) -> None:
    """So many more new leads, past the services: only that they are many matters here."""
    with sqlite3.connect(office.store.path) as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(lead)")]
        kept = [name for name in names if name not in ("id", "number", "phone_key", "next_follow_up_at", "name")]
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            f"INSERT INTO lead (number, name, {', '.join(kept)}) "
            f"SELECT 'X-' || i, 'Lead ' || i, {', '.join(kept)} FROM n, lead WHERE lead.id = 5",
            (count,),
        )
    database.close()


async def test_of_thousands_of_cards_only_what_is_seen_is_read(
    run: Run, office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(office, 2_000)
    read: list[int] = []
    real = service.cards

    def counted(*arguments: Any) -> Any:
        found = real(*arguments)
        read.append(len(found))
        return found

    monkeypatch.setattr(service, "cards", counted)
    async with run(office) as pilot:
        await press(pilot, "number_sign")
        assert "2,008" in dump(pilot.app).splitlines()[1]
        assert sum(read) <= 50  # one page of the long column, and the few cards of the others in view
        before = sum(read)
        await press(pilot, "end")
        assert under(pilot.app) == "Halima Abdi"
        assert sum(read) - before <= 80
        await press(pilot, "pageup", "pageup", "k")
        assert under(pilot.app).startswith("Lead ")
        await press(pilot, "home")
        before = sum(read)
        for _ in range(12):
            await pilot.press("pagedown")
        await at_rest(pilot)
        assert sum(read) - before <= 12 * 6 + 2 * 40
        # a card deep in the column is found again after somebody else's change
        here = under(pilot.app)
        await asyncio.to_thread(leads.edit, office, 1, {"location": "elsewhere"})
        pilot.app.screen.leads_changed(frozenset())
        await at_rest(pilot)
        assert under(pilot.app) == here


async def test_what_somebody_else_moved_is_not_moved_over(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "number_sign")
        await to(pilot, 4)
        screen = pilot.app.screen
        screen.watch_changes.look(at_once=True)
        await at_rest(pilot)
        await asyncio.to_thread(lifecycle.set_status, office, 4, "Interested")
        await press(pilot, "greater_than_sign")
        assert status(office, 4) == "Interested"
        assert any("Somebody changed this lead" in one.message for one in pilot.app._notifications)
        # a change of another program shows by itself
        await asyncio.to_thread(leads.edit, office, 3, {"name": "Renamed Elsewhere"})
        screen.watch_changes.look(at_once=True)
        await at_rest(pilot)
        assert "Renamed Elsewhere" in dump(pilot.app)


async def test_who_may_not_move_is_told_why(run: Run, office: Any) -> None:
    role = {"login": "cole", "name": "Cole", "role": "collections"}
    admin.add_user(office, role)
    other = open_office(str(office.store.path), as_login="cole", origin="tui")
    try:
        async with run(other) as pilot:
            await press(pilot, "number_sign")
            await press(pilot, "greater_than_sign")
            assert any("your role may not" in one.message for one in pilot.app._notifications)
            assert pilot.app.disabled_reason("board.forward") is not None
    finally:
        other.close()


async def test_names_are_only_text_and_small_terminals_do(run: Run, office: Any) -> None:
    async with run(office, (24, 8)) as pilot:
        await press(pilot, "number_sign", "right", "left", "end", "space", "escape", "pagedown")
        assert not RAW & set(dump(pilot.app).replace("\n", ""))
        pilot.app.screen.follow(12)
        await at_rest(pilot)
        assert "[b]Zainab" in dump(pilot.app)


async def test_an_office_without_leads_and_another_pipeline(run: Run, empty_office: Any) -> None:
    admin.add_preset(empty_office, "travel")
    async with run(empty_office) as pilot:
        await press(pilot, "number_sign", "greater_than_sign", "enter", "space")
        assert "0 open · 0 → 0" in dump(pilot.app).splitlines()[0]
        assert any("there is no lead here" in one.message for one in pilot.app._notifications)
        await press(pilot, "p", "down", "enter")
        assert "Internet service" not in dump(pilot.app).splitlines()[0]
