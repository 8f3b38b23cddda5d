"""A campaign before, during and after: the rehearsal and the start, the monitor, every recipient."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, update
from textual.widgets import Input

from leadtui.domain.campaigns import CampaignRow
from leadtui.domain.message_states import Counters
from leadtui.screens.campaign_monitor import CampaignMonitor
from leadtui.screens.campaign_monitor_rows import MonitorRows, Read
from leadtui.screens.campaign_recipients import RecipientsScreen
from leadtui.screens.campaign_rehearsal import RehearsalScreen
from leadtui.screens.campaigns import CampaignsScreen
from leadtui.screens.confirm import Confirm
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.leads_of import LeadsOf
from leadtui.services import campaigns, leads, settings, workers
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.widgets.virtual_table import VirtualTable
from tests.screens.campaign_help import DRAFT, LATER, RUNNING, of, pictures
from tests.screens.conftest import NOW
from tests.screens.dialog_help import Run, acting_as, opened


def words(run: Run) -> str:
    """The screen without line breaks."""
    return " ".join(run.text.replace("│", " ").split())


def states(office: Office) -> list[str]:
    return [row.status for row in campaigns.recipients(office, RUNNING)[1]]


async def test_a_rehearsal_and_the_start_that_asks_for_the_number(campaigned: Office) -> None:
    draft = of(campaigned, DRAFT)
    async with opened(campaigned, CampaignsScreen) as run:
        await run.press("end", "S")
        assert isinstance(run.app.screen, RehearsalScreen)
        await pictures(run, "rehearsal")
        await run.press("enter")
        assert isinstance(run.app.screen, LeadsOf)
        assert "Not written to: does not want to be contacted" in run.text and "Rose Akinyi" in run.text
        await run.press("enter")
        assert isinstance(run.app.screen, LeadDetailScreen)
        await run.press("escape", "escape")
        await run.press("S")
        assert "8 leads get a message by file. What was sent cannot be taken back." in words(run)
        await run.press("9", "enter")
        assert "That is not 8" in run.text and campaigns.get(campaigned, draft).is_draft
        with campaigned.write() as tx:  # somebody says no while the number is typed
            tx.conn.execute(update(t.lead).where(t.lead.c.id == 1).values(consent="refused"))
        await run.press("backspace", "8", "enter")
        assert "it would go to 7 leads, not 8" in run.toasts and campaigns.get(campaigned, draft).is_draft
        assert "7 of 9 leads" in run.text.splitlines()[0]
        await run.press("S")
        await run.press("7", "enter")
        row = campaigns.get(campaigned, draft)
        assert row.is_active and row.counters.total == 7 and row.counters.skipped == 2
        assert isinstance(run.app.screen, CampaignMonitor)
        assert "Draft of the week" in run.text.splitlines()[0] and "0 of 7 sent, 7 to go" in run.text


async def test_those_without_a_value_are_left_out_or_mended(campaigned: Office) -> None:
    campaigns.edit(campaigned, DRAFT, {"template": "Hi {first_name}, mail {email}"})
    leads.edit(campaigned, 1, {"email": "achieng@example.com"})
    draft = of(campaigned, DRAFT)
    async with opened(campaigned, lambda: RehearsalScreen(draft)) as run:
        assert "7 not: a value that the text needs is missing" in run.text
        await run.press("enter")
        assert isinstance(run.app.screen, LeadsOf) and "Brian Kamau" in run.text and "Achieng" not in run.text
        await run.press("escape", "S")
        assert "1 lead gets a message" in words(run) and "7 that lack a value for the text are left out" in words(run)
        await run.press("1", "enter")
        assert run.answer.is_active and run.answer.counters.total == 1


async def test_the_monitor_shows_it_all_and_moves_by_itself(campaigned: Office) -> None:
    running, later = of(campaigned, RUNNING), of(campaigned, LATER)
    async with opened(campaigned, lambda: CampaignMonitor(running)) as run:
        await pictures(run, "campaign_monitor")
        await run.press("w")
        assert isinstance(run.app.screen, RecipientsScreen) and run.text.count("? unknown") == 2
        await run.press("escape", "down", "down", "enter")
        assert "November offer ─ sent" in run.text
        assert run.app.screen.query_one("#recipients", VirtualTable).row_count == 3
        await run.press("escape")
        other = acting_as(campaigned, "root")
        campaigns.pause(other, RUNNING, "the owner wants another text")
        other.close()
        monitor = run.app.screen
        assert isinstance(monitor, CampaignMonitor)
        monitor.tick()  # as it does every two seconds
        await run.settle()
        assert "‖ paused: the owner wants another text" in words(run)
        await run.press("R")
        assert "▶ active" in run.text and campaigns.get(campaigned, RUNNING).is_active
        run.app.push_screen(CampaignMonitor(later))
        await run.settle()
        assert "Starts Fri 27 Nov 2026 10:00, in 6 days. Who gets it is chosen then." in words(run)
        await run.press("v")
        assert "nobody was chosen yet" in run.toasts
        campaigns.unschedule(campaigned, later)
        campaigns.delete(campaigned, later)
        await run.press("r")
        assert "there is no campaign" in run.text


async def test_recipients_are_filtered_opened_and_settled(campaigned: Office) -> None:
    running = of(campaigned, RUNNING)
    async with opened(campaigned, lambda: RecipientsScreen(running)) as run:
        await pictures(run, "recipients")
        await run.press("enter")
        assert "Hi Achieng, our fibre is at Westlands." in words(run)
        await run.press("escape", "f")
        assert "November offer ─ waiting" in run.text and "Omar Said" in run.text and "Achieng" not in run.text
        await run.press("F", "slash", "k", "e", "v", "enter")
        assert "the number is not on WhatsApp" in run.text and "Achieng" not in run.text
        await run.press("o")
        assert isinstance(run.app.screen, LeadDetailScreen)
        await run.press("escape", "F")
        await run.press("w")
        assert "of this one it is known: read" in run.toasts
        await run.press("t")
        assert "this one did not fail" in run.toasts
        run.app.screen.query_one("#recipients", VirtualTable).move_to(4)
        await run.press("w")
        assert isinstance(run.app.screen, Confirm) and "This message went?" in run.text
        await run.press("y")
        assert states(campaigned).count("sent") == 2 and "1 went, as you say" in run.text
        await run.press("asterisk", "n")
        await run.press("y")
        assert states(campaigned).count("failed") == 2
        await run.press("asterisk", "t")
        assert "The 2 that failed in November offer will be tried again" in words(run)
        await run.press("y")
        assert "2 will be sent again" in run.text and states(campaigned).count("failed") == 0


async def test_the_recipients_as_a_file(campaigned: Office, tmp_path: Path) -> None:
    running, path = of(campaigned, RUNNING), tmp_path / "failed.csv"
    path.write_text("somebody else's")
    async with opened(campaigned, lambda: RecipientsScreen(running, "failed")) as run:
        await run.press("X")
        run.app.screen.query_one(Input).value = str(path)
        await run.press("ctrl+s")
        assert "failed.csv exists: again to replace it" in words(run) and path.read_text() == "somebody else's"
        await run.press("ctrl+s")
        assert "1 recipient written" in run.text
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    assert [row["lead_name"] for row in rows] == ["Kevin Otieno"]


async def test_where_only_workers_send_and_none_runs_it_is_said(campaigned: Office) -> None:
    settings.set_setting(campaigned, "scheduler", "worker-only")
    async with opened(campaigned, lambda: CampaignMonitor(of(campaigned, RUNNING))) as run:
        assert "nobody sends now; start: leadtui worker" in words(run) and "· ends" not in words(run)
        holder = "another machine"
        workers.beat(campaigned, workers.Beat(holder, "worker", NOW))
        with campaigned.as_system() as tx:
            tx.conn.execute(
                insert(t.lease).values(name="send", holder=holder, kind="worker", until=NOW + timedelta(minutes=1))
            )
        await run.press("r")
        assert "nobody sends now" not in words(run) and "· ends within a minute" in words(run)


def test_the_words_before_and_between(campaigned: Office) -> None:
    row = campaigns.get(campaigned, RUNNING)

    def shown(changed: CampaignRow, width: int = 80) -> str:
        rows = MonitorRows(Read(changed, (), {}, {}, "File"), campaigned.catalog).sheet(width)
        return "\n".join("".join(words for words, _ in (*line.left, *line.right)) for one in rows for _, _, line in one)

    choosing = replace(row, frozen_at=None, counters=Counters(total=700, skipped=41))
    assert "Choosing who gets it… 741 so far" in shown(choosing)
    nothing = replace(row, started_at=None, frozen_at=None, counters=Counters())
    assert "It has not begun. S shows who would get it" in shown(replace(nothing, status="draft"))
    assert "It was called off before it began." in shown(replace(nothing, status="cancelled"))
    missed = replace(nothing, status="paused", pause_reason="missed")
    assert "its time to start was missed" in shown(missed)
    ended = replace(row, status="completed", completed_at=NOW)
    assert "3 of 8 sent, 2 to go · ended Fri 20 Nov 2026 11:30" in shown(ended)
    long = replace(row, template="\n".join(f"line {n}" for n in range(9)), where="status:new", description="for June")
    assert "and 3 lines more" in shown(long) and "for June" in shown(long) and "status:new" in shown(long)
