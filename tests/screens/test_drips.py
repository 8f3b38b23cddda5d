"""Drips on the screen: the list, one with its leads, its steps as rows, enrolling, what a lead shows of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from leadtui.domain.drips import parse_step
from leadtui.screens.confirm import Confirm
from leadtui.screens.drip_detail import DripScreen
from leadtui.screens.drip_editor import DripEditor
from leadtui.screens.drips import DripsScreen
from leadtui.screens.enroll_dialog import EnrollDialog
from leadtui.screens.enrollment_dialog import EnrollmentDialog
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.services import channels, drips, history
from leadtui.services.office import Office
from tests.screens.conftest import NOW
from tests.screens.dialog_help import NASTY, add_lead, copy_of, opened, prepared

Snapshot = Callable[[Any, str], None]
WIDE = (120, 40)
STEPS = (
    "0h message by file: Hello {first_name|there}, thank you for asking about {package}.",
    "48h task: Call {name} | ask for the best day",
    "5d message by file: {name}, is there anything else we can do?",
)


def _fill(made: Office) -> None:
    """Three leads; a drip that runs with two of them, and one that is a draft."""
    for one in drips.list_all(made):  # those of the preset
        drips.delete(made, one.key)
    for place, (name, package) in enumerate(
        (("Achieng Odhiambo", "20 Mbps Home"), ("Brian Kamau", ""), ("Fatuma Hassan", "20 Mbps Home"))
    ):
        add_lead(made, name, f"072200011{place}", **({"package": package} if package else {}))
    channels.set_account(made, "file", {"path": "/srv/nowhere.jsonl"})
    drips.create(made, {"name": "Welcome", "channel": "file"}, [parse_step(text) for text in STEPS])
    drips.create(made, {"name": "Future prospects", "channel": "file", "draft": "yes"}, [parse_step(STEPS[2])])
    drips.enroll(made, "welcome", [1, 2])
    drips.pause(made, "welcome", leads=[2], reason="on holiday")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once."""
    return prepared(tmp_path_factory.mktemp("office"), _fill, NOW)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Office:
    """A copy."""
    return copy_of(made, tmp_path)


async def test_the_list_and_one_drip(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, DripsScreen) as run:
        await run.press("down")
        snapshot(run.app, "drips_80x24")
        await run.press("enter")
        assert isinstance(run.app.screen, DripScreen)
        snapshot(run.app, "drip_80x24")


async def test_a_drip_is_started_paused_and_stopped(office: Office) -> None:
    async with opened(office, DripsScreen) as run:
        await run.press("S")  # Future prospects
        assert "1 step. Comes in: by hand" in run.text
        await run.press("y")
        assert drips.show(office, "future_prospects").drip.status == "active"
        await run.press("P")
        assert drips.show(office, "future_prospects").drip.status == "paused"
        await run.press("down", "X")
        assert "ends for 2 leads in it" in " ".join(run.text.replace("│", " ").split())
        await run.write("2")
        await run.press("enter")
        assert drips.enrollments(office, "welcome", state="open")[0] == 0


async def test_leads_are_held_let_go_on_and_taken_out(office: Office) -> None:
    async with opened(office, lambda: DripScreen("welcome")) as run:
        rows = {one.lead_id: one for one in drips.enrollments(office, "welcome")[1]}
        while run.app.screen.row.lead_id != 2:
            await run.press("down")
        await run.press("p")
        assert "Brian Kamau: go on" in run.text
        await run.press("x")
        assert {one.lead_id: one.state for one in drips.enrollments(office, "welcome")[1]} == {
            1: "active",
            2: "stopped",
        }
        await run.press("x")
        assert "out of it already" in run.toasts
        await run.press("f")
        assert run.app.screen.table.row_count == 1 and "in it" in run.text.splitlines()[0]
        assert len(rows) == 2


async def test_other_steps_are_a_new_version_for_those_to_come(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, DripsScreen) as run:
        await run.press("down", "e")
        assert isinstance(run.app.screen, DripEditor)
        assert "for Fatuma Hassan" in run.text and "Hello Fatuma, thank you" in run.text
        snapshot(run.app, "drip_editor_80x24")
        await run.press("down", "e")
        snapshot(run.app, "drip_step_80x24")
        form = run.app.screen.form
        form.set_values({"delay": "24h", "subject": "Ring {name}"})
        await run.press("ctrl+s")
        assert "Ring {name}" in run.text and "changed" in run.text.splitlines()[0]
        await run.press("plus")
        assert run.app.screen.steps[2].subject == "Ring {name}"
        await run.press("escape")
        assert "not saved" in run.text
        await run.press("n", "ctrl+s")
        shown = drips.show(office, "welcome")
        assert shown.version == 2 and shown.in_version == {1: 2}
        assert "version 2, for those who come in from now on" in run.text
        assert [step.delay for step in shown.steps] == ["0h", "5d", "24h"]


async def test_a_drip_is_made_from_nothing(office: Office) -> None:
    async with opened(office, DripsScreen) as run:
        await run.press("n")
        await run.write("Birthday")
        run.app.screen.form.set_values({"enroll": "sometimes", "channel": "file"})
        await run.press("ctrl+s")
        assert "enrolls nobody" in run.text
        run.app.screen.form.set_values({"enroll": "created"})
        await run.press("ctrl+s")
        assert isinstance(run.app.screen_stack[-2], DripEditor)  # over it the form of the first step
        run.app.screen.query_one(TextArea).text = "Happy birthday {nam}"
        await run.press("ctrl+s")
        assert "'nam' is no placeholder" in run.text
        await run.press("e")
        run.app.screen.query_one(TextArea).text = "Happy birthday {name}"
        await run.press("ctrl+s", "ctrl+s")
        made = drips.show(office, "birthday")
        assert made.drip.status == "draft" and made.drip.enroll.on == "created"


async def test_marked_leads_are_put_into_a_drip_and_taken_back(office: Office) -> None:
    async with opened(office, lambda: EnrollDialog((1, 3))) as run:
        assert "Future prospects" in run.text
        await run.press("2")
        assert "1 of 2 leads would come in." in run.text
        await run.press("ctrl+s")
        assert drips.enrollments(office, "welcome", lead=3, state="open")[0] == 1
        history.undo(office)
        assert drips.enrollments(office, "welcome", lead=3, state="open")[0] == 0


async def test_the_leads_of_a_filter_after_the_typed_count(office: Office) -> None:
    async with opened(office, lambda: DripScreen("future_prospects")) as run:
        await run.press("E")
        run.app.screen.query_one(Input).value = "name:"
        await run.press("ctrl+s")
        assert "column" in run.text
        run.app.screen.query_one(Input).value = 'package:"20 Mbps Home"'
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, Confirm) and "does not run yet" in run.text
        await run.write("2")
        await run.press("enter")
        assert drips.enrollments(office, "future_prospects")[0] == 2


async def test_a_lead_shows_its_drips_and_leaves_them(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, lambda: LeadDetailScreen(2)) as run:
        snapshot(run.app, "lead_drips_80x24")
        await run.press("enter")
        assert isinstance(run.app.screen, EnrollmentDialog) and "on holiday" in run.text
        await run.press("escape", "S", "y")
        assert drips.enrollments(office, lead=2, state="open")[0] == 0
        assert "stopped for this lead" in run.text
        await run.press("S")
        assert "this lead is in no drip" in run.toasts


async def test_untrusted_words_are_only_words(office: Office) -> None:
    add_lead(office, NASTY, "0722000999")
    drips.create(
        office, {"name": NASTY, "channel": "file", "key": "nasty"}, [parse_step("0h message by file: [b]x[/] {name}")]
    )
    drips.enroll(office, "nasty", [4])
    for make in (
        DripsScreen,
        lambda: DripScreen("nasty"),
        lambda: DripEditor("nasty", {}),
        lambda: LeadDetailScreen(4),
    ):
        async with opened(office, make) as run:
            assert "[b]x[/]" in run.text


async def test_a_wide_terminal(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, DripsScreen, size=WIDE) as run:
        snapshot(run.app, "drips_120x40")
        for make, name in (
            (lambda: DripScreen("welcome"), "drip"), (lambda: DripEditor("welcome", {}), "drip_editor"),
            (lambda: LeadDetailScreen(2), "lead_drips"),
        ):  # fmt: skip
            run.app.push_screen(make())
            await run.settle()
            snapshot(run.app, f"{name}_120x40")
