"""The import and export dialogs over a real office: choosing a file, seeing what would happen, doing it, stopping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Static

from leadtui.screens.export_dialog import ExportDialog
from leadtui.screens.import_dialog import ImportDialog
from leadtui.services import leads
from leadtui.widgets.choice_row import ChoiceRow
from tests.screens.dialog_help import NASTY, Run, acting_as, add_lead, new_office, opened

GOOD = "Name,Simu,Source\nAsha,0722000222,Website\nBen,0722000333,Referral\n"
BAD = "Name,Phone,Source\nAsha,0722000222,Website\nBad,12,Website\n"


@pytest.fixture
def office(tmp_path: Path) -> Any:
    """An office with one lead."""
    made = new_office(tmp_path)
    add_lead(made)
    yield made
    made.close()


async def choose(run: Run, path: Path) -> None:
    """Write a path into the line and take it."""
    line: Any = run.app.screen.query_one("#path")
    line.value = str(path)
    line.cursor_position = len(line.value)
    await run.settle()
    await run.press("enter")


def shown(run: Run, selector: str) -> str:
    """The text of a line of the dialog."""
    return str(run.app.screen.query_one(selector, Static).content)


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_a_file_is_looked_at_first(office: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "new.csv"
    file.write_text(GOOD.replace("Simu", "Phone"))
    async with opened(office, ImportDialog, size=size) as run:
        await choose(run, file)
        assert "2 new" in shown(run, "#counts")
        assert leads.count(office) == 1
        await run.press("f2")
        assert run.answer.batch is not None
    assert leads.count(office) == 3


async def test_a_column_can_be_given_another_meaning(office: Any, tmp_path: Path) -> None:
    file = tmp_path / "simu.csv"
    file.write_text(GOOD)
    async with opened(office, ImportDialog) as run:
        await choose(run, file)
        assert "phone is required" in shown(run, "#counts")
        assert run.app.screen.query_one("#do", Button).disabled
        run.app.screen.query_one("#columns").focus()
        await run.press("down", "enter")
        await run.write("phone")
        await run.press("enter")
        assert "2 new" in shown(run, "#counts")
        await run.press("f2")
        assert run.answer.batch is not None
    assert leads.search(office, "asha").rows[0].phone == "+254722000222"


async def test_bad_rows_refuse_the_file_or_go_to_a_rejects_file(office: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(BAD)
    async with opened(office, ImportDialog) as run:
        await choose(run, file)
        assert "line 3, phone" in shown(run, "#counts")
        assert run.app.screen.query_one("#do", Button).disabled
        run.app.screen.query_one("#bad", ChoiceRow).focus()
        await run.press("g")
        await run.press("f2")
        assert "bad.rejects.csv" in shown(run, ".problem")
        await run.press("f2")
        assert run.answer.batch is not None
    assert leads.count(office) == 2
    assert "reject_reason" in (tmp_path / "bad.rejects.csv").read_text()


async def test_duplicates_are_treated_as_chosen(office: Any, tmp_path: Path) -> None:
    file = tmp_path / "same.csv"
    file.write_text("phone,location\n0722000111,Ruaka\n")
    async with opened(office, ImportDialog) as run:
        await choose(run, file)
        assert "1 skipped" in shown(run, "#counts")
        run.app.screen.query_one("#policy", ChoiceRow).focus()
        await run.press("f")
        assert "1 changed" in shown(run, "#counts")
        await run.press("f2")
        assert run.answer.batch is not None
    assert leads.search(office, "").rows[0].location == "Ruaka"


async def test_a_hostile_file_name_and_cells_are_plain_text(office: Any, tmp_path: Path) -> None:
    file = tmp_path / "[b]x[@click=app.quit].csv"
    file.write_text(f"name,phone,{NASTY}\n{NASTY},0722000444,x\n")
    async with opened(office, ImportDialog) as run:
        await choose(run, file)
        assert "[b]x" in run.text
        assert "\x1b" not in run.text
        await run.press("escape")
        assert run.answer is None
    assert leads.count(office) == 1


async def test_a_missing_file_says_so(office: Any, tmp_path: Path) -> None:
    async with opened(office, ImportDialog) as run:
        dialog = run.app.screen
        assert isinstance(dialog, ImportDialog)
        dialog._look(tmp_path / "nothing.csv")
        await run.settle()
        assert "there is no file" in shown(run, ".problem")


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_export_writes_what_the_filter_finds(office: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    add_lead(office, "Ben", "0722000333")
    file = tmp_path / "out.csv"
    async with opened(office, lambda: ExportDialog("name:ben"), size=size) as run:
        assert "1 lead: name:ben" in shown(run, "#what")
        await choose(run, file)
        assert run.answers == [None]
    lines = file.read_text().splitlines()
    assert len(lines) == 2
    assert "Ben,+254722000333" in lines[1]


async def test_an_existing_file_is_replaced_only_when_asked_twice(office: Any, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("mine")
    async with opened(office, lambda: ExportDialog("")) as run:
        await choose(run, file)
        assert "exists" in shown(run, ".problem")
        assert file.read_text() == "mine"
        await run.press("f2")
    assert "number,name" in file.read_text()


async def test_the_format_changes_the_ending(office: Any, tmp_path: Path) -> None:
    async with opened(office, lambda: ExportDialog("")) as run:
        run.app.screen.query_one("#format", ChoiceRow).focus()
        await run.press("v")
        line: Any = run.app.screen.query_one("#path")
        assert line.value.endswith("leads.vcf")


async def test_who_may_not_export_is_told(office: Any, tmp_path: Path) -> None:
    from leadtui.services import admin

    admin.add_user(office, {"login": "agent", "name": "Agent", "role": "agent"})
    agent = acting_as(office, "agent")
    async with opened(agent, lambda: ExportDialog("")) as run:
        await choose(run, tmp_path / "out.csv")
        assert "may not export" in shown(run, ".problem")
    assert not (tmp_path / "out.csv").exists()
    agent.close()
