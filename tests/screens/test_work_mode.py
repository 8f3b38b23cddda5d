"""Work mode: the next lead comes by itself, one key logs, saving goes on behind, undo goes back to the lead."""

from __future__ import annotations

from typing import Any

import pytest

from leadtui.errors import Refused
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.today import TodayScreen
from leadtui.screens.work_ask import Ask
from leadtui.screens.work_mode import WorkMode
from leadtui.services import history, leads, quick_log, work_queue
from tests.screens.conftest import Run
from tests.screens.pictures import check, dump, press
from tests.screens.test_today import a_day


async def test_the_card_of_a_lead(office: Any, run: Run, size: tuple[int, int]) -> None:
    a_day(office)
    async with run(office, size) as pilot:
        await press(pilot, "0", "v", "W")
        assert isinstance(pilot.app.screen, WorkMode)
        check(pilot.app, f"work_{size[0]}x{size[1]}")


async def test_a_call_with_outcome_next_date_and_status_in_one_key(office: Any, run: Run) -> None:
    ids = a_day(office)
    async with run(office) as pilot:
        await press(pilot, "0", "v", "W")
        work = pilot.app.screen
        first = work.lead().id
        assert first == ids["Brian Kamau"]
        await press(pilot, "2")
        detail = leads.get(office, first)
        assert detail.row.status == "Interested"
        assert detail.row.next_follow_up is not None
        assert "call" in [one.type for one in detail.activities]
        assert work.lead().id == ids["Fatuma Hassan"]
        assert "Brian Kamau: Interested · Interested · next tomorrow" in dump(pilot.app)
        assert work.tally.keys == 1


async def test_what_is_asked_is_typed_in_a_line_and_undo_goes_back_to_the_lead(office: Any, run: Run) -> None:
    ids = a_day(office)
    async with run(office) as pilot:
        await press(pilot, "0", "v", "W", "3")
        work, ask = pilot.app.screen, pilot.app.screen.query_one(Ask)
        assert ask.is_open
        assert "2026-11-21 10:00" in dump(pilot.app)
        await press(pilot, "enter")  # two keys: tomorrow at ten
        row = leads.get(office, ids["Brian Kamau"]).row
        assert (row.status, row.next_follow_up.isoformat()) == ("Contacted", "2026-11-21T07:00:00+00:00")
        assert work.tally.keys == 2
        await press(pilot, "4", "enter")
        assert "something must be said" in dump(pilot.app)
        await press(pilot, "text:too dear", "enter")
        assert leads.get(office, ids["Fatuma Hassan"]).row.is_lost
        await press(pilot, "u")
        assert work.lead().id == ids["Fatuma Hassan"]
        assert not leads.get(office, ids["Fatuma Hassan"]).row.is_lost
        await press(pilot, "u")
        assert work.lead().id == ids["Brian Kamau"]
        assert leads.get(office, ids["Brian Kamau"]).row.next_follow_up != row.next_follow_up
        assert (work.tally.logged, work.tally.keys) == (0, 0)
        await press(pilot, "3", "text:+2d", "enter")  # what is typed replaces what was suggested
        row = leads.get(office, ids["Brian Kamau"]).row
        assert row.next_follow_up.astimezone(office.catalog.tz).date().isoformat() == "2026-11-22"
        assert work.lead().id == ids["Fatuma Hassan"]


async def test_a_note_and_another_time_go_with_the_outcome(office: Any, run: Run) -> None:
    ids = a_day(office)
    async with run(office) as pilot:
        await press(pilot, "0", "v", "W", "n", "text:gate is blue", "enter", "f", "text:+5d", "enter")
        assert "gate is blue" in dump(pilot.app)
        await press(pilot, "1")
        detail = leads.get(office, ids["Brian Kamau"])
        assert detail.row.next_follow_up.astimezone(office.catalog.tz).date().isoformat() == "2026-11-25"
        assert "gate is blue" in [one.details for one in detail.activities]
        await press(pilot, "n", "text:moved house", "enter", "s")  # skipped: a note of its own
        assert "moved house" in [one.details for one in leads.get(office, ids["Fatuma Hassan"]).activities]
        assert pilot.app.screen.tally.skipped == 1


async def test_a_failure_brings_the_lead_back_with_what_was_typed(
    office: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = a_day(office)
    good = quick_log.apply

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise Refused("the disk is full", code="full", hint="make room")

    async with run(office) as pilot:
        await press(pilot, "0", "v", "W", "n", "text:wants fibre", "enter")
        monkeypatch.setattr(quick_log, "apply", refuse)
        await press(pilot, "1")
        work = pilot.app.screen
        assert work.lead().id == ids["Brian Kamau"]
        shown = dump(pilot.app)
        assert "Not saved: the disk is full (make room)" in shown
        assert "wants fibre" in shown
        assert work.tally.logged == 0
        monkeypatch.setattr(quick_log, "apply", good)
        await press(pilot, "1")
        assert "wants fibre" in [one.details for one in leads.get(office, ids["Brian Kamau"]).activities]
        assert work.lead().id == ids["Fatuma Hassan"]


async def test_the_end_and_the_summary(office: Any, run: Run) -> None:
    a_day(office)
    async with run(office) as pilot:
        await press(pilot, "1", "f", "text:Kamau", "enter", "W")
        assert isinstance(pilot.app.screen, WorkMode)
        assert "of 1" in dump(pilot.app)
        await press(pilot, "1")
        shown = dump(pilot.app)
        assert "That was all." in shown
        assert "1  No answer" in shown
        assert "1 logged, 1.0 keys each" in shown
        await press(pilot, "u")
        assert pilot.app.screen.lead().name == "Brian Kamau"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, LeadDetailScreen)
        await press(pilot, "q", "s", "escape")
        assert not isinstance(pilot.app.screen, WorkMode)
        assert history.batches(office)[0].kind == "undo"
    assert work_queue.count(office, work_queue.Queue(where="Kamau")) == 1


async def test_stopping_goes_back_to_the_day(office: Any, run: Run) -> None:
    a_day(office)
    async with run(office, (60, 20)) as pilot:
        await press(pilot, "0", "v", "W")
        check(pilot.app, "work_60x20")
        await press(pilot, "5", "escape")  # out of the line
        assert not pilot.app.screen.query_one(Ask).is_open
        await press(pilot, "1", "escape")
        assert "Stopped." in dump(pilot.app)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, TodayScreen)
        assert "Brian Kamau" not in dump(pilot.app).partition("Due now")[0]
        check(pilot.app, "today_60x20")
