"""The Today screen: parts with counts, a reason in each row, keys on the lead of a row, whose work, more on demand."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

from leadtui import clock
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.log_dialog import LogDialog
from leadtui.screens.today import TodayScreen
from leadtui.services import activities, admin, escalation, follow_ups, lead_writes, leads, work_queue
from tests.screens.conftest import NOW, Run
from tests.screens.dialog_help import acting_as
from tests.screens.pictures import at_rest, check, dump, press


def a_day(office: Any) -> dict[str, int]:
    """Something in every part of the day; lead ids by name."""
    ids = {row.name or "": row.id for row in leads.search(office, limit=50).rows}
    activities.add_follow_up(office, ids["Brian Kamau"], "2026-11-18 10:00", subject="ask about the landlord")
    activities.add_follow_up(office, ids["Halima Abdi"], "2026-11-20 10:15", subject="send the price list")
    activities.add_follow_up(office, ids["Mercy Wambui"], "2026-11-20 16:30", subject="survey date")
    with office.write() as tx:
        row = lead_writes.load(tx, ids["Kevin Otieno"])
        at = NOW - timedelta(days=1)
        follow_ups.schedule_smart(tx, row, None, subject="copy of the ID card", type="task", at=at)
    return ids


async def test_the_day(office: Any, run: Run, size: tuple[int, int]) -> None:
    a_day(office)
    async with run(office, size) as pilot:
        await press(pilot, "0")
        assert isinstance(pilot.app.screen, TodayScreen)
        check(pilot.app, f"today_{size[0]}x{size[1]}")


async def test_every_row_says_why_and_its_keys_are_for_its_lead(office: Any, run: Run) -> None:
    ids = a_day(office)
    async with run(office, (120, 40)) as pilot:
        await press(pilot, "0", "j")
        screen = pilot.app.screen
        assert screen.row.reason == "follow-up was due Wednesday 10:00 — ask about the landlord"
        assert "Brian Kamau: follow-up was due Wednesday 10:00 — ask about the landlord (wanjiku)" in dump(pilot.app)
        assert screen.copy_text().startswith("LD-")
        await press(pilot, "c")
        assert isinstance(pilot.app.screen, LogDialog)
        await press(pilot, "escape", "enter")
        assert isinstance(pilot.app.screen, LeadDetailScreen)
        assert pilot.app.screen.lead_id == ids["Brian Kamau"]
        await press(pilot, "q")
        assert isinstance(pilot.app.screen, TodayScreen)
        activities.log(office, ids["Brian Kamau"], activities.LogEntry("call", complete_due=True))
        pilot.app.screen.changed([ids["Brian Kamau"]])
        await press(pilot, "k")
        assert "Brian Kamau" not in dump(pilot.app).partition("Due now")[0]


async def test_more_on_demand_and_whose_work(office: Any, run: Run) -> None:
    a_day(office)
    async with run(office, (120, 40)) as pilot:
        await press(pilot, "0", "G")
        assert "… 5 more" in dump(pilot.app)
        await press(pilot, "enter")
        assert "more" not in dump(pilot.app).replace("one more", "")
        assert len(pilot.app.screen.today.sections[-1].rows) == 11
        await press(pilot, "v")
        assert "Today ─ my work" in dump(pilot.app)
        assert "Nobody's leads" not in dump(pilot.app)
    assert admin.preference(office, "today.whose") == "mine"


async def test_time_alone_makes_things_due(office: Any, run: Run) -> None:
    a_day(office)
    async with run(office, (120, 40)) as pilot:
        await press(pilot, "0")
        screen = pilot.app.screen
        assert screen.today.count("later") == 1
        clock.set_clock(lambda: NOW + timedelta(hours=6))
        screen._minute_passed()
        await press(pilot, "j")
        assert (screen.today.count("later"), screen.today.count("now")) == (0, 4)


async def test_an_agent_sees_only_what_is_his(office: Any, run: Run) -> None:
    ids = a_day(office)
    admin.add_user(office, {"login": "brian", "name": "Brian", "role": "agent"})
    from leadtui.services import lifecycle

    lifecycle.assign(office, ids["Mercy Wambui"], "brian")
    with closing(acting_as(office, "brian")) as mine:
        async with run(mine, (60, 20)) as pilot:
            await press(pilot, "0")
            shown = dump(pilot.app)
            assert [part.key for part in pilot.app.screen.today.sections] in (["later"], ["later", "new"])
            assert "Mercy" in shown
            assert "Kevin" not in shown
            await press(pilot, "v")
            assert "own leads only" in " ".join(n.message for n in pilot.app._notifications)


async def test_what_was_passed_on_says_since_when_it_waits(office: Any, run: Run) -> None:
    ids = a_day(office)
    activities.add_follow_up(office, ids["Daniel Kiptoo"], "2026-11-17 09:00", subject="ask about the fibre")
    assert escalation.process_overdue(office) > 0
    async with run(office, (120, 40)) as pilot:
        reason = work_queue.card(office, ids["Daniel Kiptoo"]).reason
        assert "late since Tuesday 09:00 — ask about the fibre" in reason
        pilot.app.push_screen(LeadDetailScreen(ids["Daniel Kiptoo"]))
        await at_rest(pilot)
        await press(pilot, "j")
        await at_rest(pilot)
        check(pilot.app, "lead_passed_on_120x40")
