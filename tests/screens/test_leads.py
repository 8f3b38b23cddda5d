"""The list of leads: what a person presses, and what the screen then shows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from leadtui.config import Settings
from leadtui.domain.records import LeadRow
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.lead_pages import FilterWords, View, all_but, view_from
from leadtui.screens.leads import LeadsScreen
from leadtui.screens.preview import Preview
from leadtui.widgets.pages import Marks
from tests.screens.conftest import Run
from tests.screens.pictures import at_rest, dump, press
from tests.widgets.nasty import RAW


def names(app: Any) -> list[str]:
    """The names on screen, from the top."""
    rows = [line[3:19].strip() for line in dump(app).splitlines()[2:-1]]
    return [name for name in rows if name]


async def test_the_first_look(run: Run, office: Any, size: tuple[int, int], snapshot: Any) -> None:
    async with run(office, size) as pilot:
        snapshot(pilot.app, f"leads_{size[0]}x{size[1]}")
        lines = dump(pilot.app).splitlines()
        assert lines[0].startswith(" Leads")
        assert lines[0].endswith("12")
        assert all(word in lines[1] for word in ("Name", "Phone", "Source", "Status", "By", "Due", "Added"))
        assert "0722 000 111" in dump(pilot.app)
        assert "2d late" in dump(pilot.app)
        assert "◐ Interested" in dump(pilot.app)
        assert "Deleted Person" not in dump(pilot.app)


async def test_a_lead_without_a_name_shows_its_phone(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        assert "+254724777888" in names(pilot.app)


@pytest.mark.parametrize("tiny", [(60, 20), (40, 12), (20, 6)])
async def test_small_terminals(run: Run, office: Any, tiny: tuple[int, int]) -> None:
    async with run(office, tiny) as pilot:
        await press(pilot, "j", "slash", "text:kam", "enter", "v", "escape", "enter", "escape")
        assert "Brian" in dump(pilot.app)


async def test_nothing_of_a_name_reaches_the_terminal_raw(run: Run, office: Any, size: tuple[int, int]) -> None:
    async with run(office, size) as pilot:
        assert names(pilot.app)[0].startswith("[b]Zainab[/b]")
        for keys in ((), ("enter",), ("down", "enter")):
            await press(pilot, *keys)
            assert not RAW & set(dump(pilot.app).replace("\n", ""))
            assert pilot.app.is_running


async def test_search_shows_who_is_meant_and_esc_brings_all_back(run: Run, office: Any, snapshot: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "slash", "text:0733 456")
        assert names(pilot.app)[1:] == ["Brian Kamau"]  # the first line is the filter's own
        await press(pilot, "enter")
        assert " Leads ─ 0733 456" in dump(pilot.app)
        assert dump(pilot.app).splitlines()[0].endswith("1 of 12")
        snapshot(pilot.app, "leads_search_80x24")
        await press(pilot, "escape")
        assert dump(pilot.app).splitlines()[0].endswith("12")
        assert len(names(pilot.app)) == 12


async def test_a_filter_that_cannot_be_read_points_at_the_column_and_keeps_the_list(
    run: Run, office: Any, snapshot: Any
) -> None:
    async with run(office) as pilot:
        await press(pilot, "f", "text:status:interested", "enter")
        assert sorted(names(pilot.app)) == ["Achieng Odhiambo", "Fatuma Hassan"]
        await press(pilot, "f", "text:priority:huge", "enter")
        screen = dump(pilot.app)
        assert "column" in screen
        assert "^" in screen
        assert "1 marked" not in screen
        assert " Leads ─ status:interested " in screen.splitlines()[0]
        snapshot(pilot.app, "leads_bad_filter_80x24")
        await press(pilot, "escape")
        assert sorted(names(pilot.app)) == ["Achieng Odhiambo", "Fatuma Hassan"]


async def test_a_status_the_office_does_not_have_is_told_where_it_stands(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "f", "text:name:a status:intrested", "enter")
        assert "Interested" in pilot.app.screen.bar.error or "Interested" in dump(pilot.app)
        assert "^" in dump(pilot.app)


async def test_completion_offers_the_offices_own_words(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "f", "text:source:car")
        assert "Caretaker/House Manager" in dump(pilot.app)
        await press(pilot, "tab", "enter")
        assert (
            pilot.app.screen.view.where == "source:Caretaker/House Manager"
            or '"Caretaker' in pilot.app.screen.view.where
        )
        assert sorted(names(pilot.app)) == ["Achieng Odhiambo", "Grace Achieng"]


async def test_esc_in_an_empty_search_line_leaves_the_filter(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "f", "text:status:contacted", "enter", "slash", "escape")
        assert names(pilot.app) == ["Brian Kamau"]


async def test_nothing_found_and_nothing_there_say_what_to_do(run: Run, office: Any, empty_office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "slash", "text:nobodyofthisname", "enter")
        assert "No lead matches; esc shows all leads" in dump(pilot.app)
    async with run(empty_office) as pilot:
        assert "No leads yet; n adds the first" in dump(pilot.app)
        await press(pilot, "s", "enter", "y", "space", "asterisk")
        assert "there is no lead here" in toasts(pilot.app)


def toasts(app: Any) -> str:
    """What the toasts say."""
    return "\n".join(note.message for note in app._notifications)


async def test_sort_keeps_the_cursor_on_its_lead(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "slash", "text:odhiambo", "enter", "escape", "G")
        assert pilot.app.screen.lead().name == "Achieng Odhiambo"
        await press(pilot, "greater_than_sign")  # by name
        assert "Name ▲" in dump(pilot.app)
        assert pilot.app.screen.lead().name == "Achieng Odhiambo"
        assert names(pilot.app)[:3] != ["[b]Zainab[/b] [", "Daniel Kiptoo", "Grace Achieng"]
        await press(pilot, "less_than_sign")
        assert "Name ▼" in dump(pilot.app)


async def test_marks_and_whom_a_command_is_for(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        screen: LeadsScreen = pilot.app.screen
        assert screen.target().count == 1
        await press(pilot, "j", "space", "space")
        assert "2 marked, 12" in dump(pilot.app).splitlines()[0]
        assert screen.target().count == 2
        assert screen.target().where is None
        await press(pilot, "escape")
        assert "marked" not in dump(pilot.app).splitlines()[0]
        await press(pilot, "f", "text:status:new", "enter", "asterisk", "space")
        assert screen.target().where.startswith("(status:new) -id:")
        assert screen.target().count == screen.table.row_count - 1
        await press(pilot, "s")
        assert type(pilot.app.screen).__name__ == "StatusDialog"
        assert pilot.app.screen.where == screen.target().where


async def test_marks_for_everything_do_not_survive_another_filter(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "asterisk", "slash", "text:kam", "enter")
        assert not pilot.app.screen.table.marks
        assert pilot.app.screen.target().count == 1


@pytest.mark.parametrize(
    ("key", "dialog"),
    [("s", "StatusDialog"), ("a", "AssignDialog"), ("c", "LogDialog"), ("x", "LoseDialog"), ("t", "TagDialog"),
     ("i", "InterestDialog"), ("p", "ProtectDialog"), ("d", "DeleteDialog"), ("o", "AttachDialog"), ("n", "LeadForm"),
     ("e", "LeadForm"), ("C", "ConvertWizard"), ("I", "ImportDialog"), ("X", "ExportDialog"), ("v", "ColumnsDialog")],
)  # fmt: skip
async def test_keys_open_their_dialogs_on_the_current_lead(run: Run, office: Any, key: str, dialog: str) -> None:
    async with run(office) as pilot:
        await press(pilot, "j", key)
        assert type(pilot.app.screen).__name__ == dialog
        assert pilot.app.is_running


async def test_a_dialog_writes_the_row_follows_and_u_takes_it_back(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "slash", "text:kiptoo", "enter", "x")
        await press(pilot, "3", "f2")
        assert "× Not Inter" in dump(pilot.app)
        assert "u takes it back" in dump(pilot.app)
        await press(pilot, "u")
        assert "○ New" in dump(pilot.app)


async def test_changes_of_other_processes_show(run: Run, office: Any) -> None:
    from leadtui.services import leads

    async with run(office) as pilot:
        screen: LeadsScreen = pilot.app.screen
        # also what is changed before the first look, of a screen that was left at once
        await asyncio.to_thread(leads.edit, office, 2, {"name": "Brian Changed"})
        assert "Brian Kamau" in dump(pilot.app)
        screen.watch_changes.look(at_once=True)
        await at_rest(pilot)
        assert "Brian Changed" in dump(pilot.app)


async def test_columns_are_chosen_and_remembered(run: Run, office: Any, snapshot: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "v")
        snapshot(pilot.app, "columns_80x24")
        await press(pilot, "down", "down", "space", "enter")
        assert "Source" not in dump(pilot.app).splitlines()[1]
    async with run(office) as pilot:
        assert "Source" not in dump(pilot.app).splitlines()[1]
        await press(pilot, "v", "r", "enter")
        assert "Source" in dump(pilot.app).splitlines()[1]


async def test_filter_order_place_and_marks_come_back(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "f", "text:status:new", "enter", "greater_than_sign", "j", "j", "space", "k")
        where, current = pilot.app.screen.view.where, pilot.app.screen.lead().id
        shown = names(pilot.app)
        await press(pilot, "6", "1")
        assert pilot.app.screen.lead().id == current
    async with run(office) as pilot:
        assert pilot.app.screen.view.where == where
        assert names(pilot.app) == shown
        assert pilot.app.screen.lead().id == current
        assert "1 marked" in dump(pilot.app).splitlines()[0]


async def test_enter_opens_and_the_cursor_follows_the_walk(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "j", "enter")
        assert isinstance(pilot.app.screen, LeadDetailScreen)
        assert "Daniel Kiptoo" in dump(pilot.app).splitlines()[0]
        await press(pilot, "right_square_bracket", "right_square_bracket", "escape")
        assert isinstance(pilot.app.screen, LeadsScreen)
        assert pilot.app.screen.lead().phone == "+254724777888"


async def test_copy_takes_the_row(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "slash", "text:fatuma", "enter", "y")
        assert pilot.app.clipboard.startswith(
            "Fatuma Hassan\t0711 222 333\tWhatsApp/SMS\t◐ Interested\tMama K\t1d late"
        )


async def test_the_preview_follows_the_cursor(run: Run, office: Any) -> None:
    async with run(office, (120, 40)) as pilot:
        preview = pilot.app.screen.query_one(Preview)
        await press(pilot, "G")
        text = "\n".join(preview.lines)
        assert "Achieng Odhiambo" in text
        assert "call · positive “wants" in text
        assert "─ Next" in text
        await press(pilot, "k")
        assert "Brian Kamau" in "\n".join(preview.lines)
        assert "wants it" not in "\n".join(preview.lines)


async def test_no_preview_no_reading(run: Run, office: Any) -> None:
    async with run(office, (100, 30)) as pilot:
        await press(pilot, "G", "k")
        assert pilot.app.screen.query_one(Preview).lead_id is None
        await pilot.resize_terminal(130, 40)
        await at_rest(pilot)
        assert "Brian Kamau" in "\n".join(pilot.app.screen.query_one(Preview).lines)


async def test_ascii_terminals_get_ascii(run: Run, office: Any) -> None:
    async with run(office, settings=Settings(ascii=True)) as pilot:
        await press(pilot, "j", "space")
        for keys in ((), ("enter",)):
            await press(pilot, *keys)
            # The ellipsis is the tables' own matter.
            own = "".join(line for line in dump(pilot.app).splitlines() if "Zainab" not in line and "José" not in line)
            own = own.replace("…", "")
            assert own.isascii(), sorted({sign for sign in own if not sign.isascii()})


async def test_thin_lines(run: Run, office: Any) -> None:
    async with run(office, settings=Settings(slow=True)) as pilot:
        await press(pilot, "j", "enter", "escape", "slash", "text:kam", "enter")
        assert "Brian Kamau" in dump(pilot.app)


async def test_an_agent_is_told_why_not(run: Run, office: Any) -> None:
    from leadtui.services import admin
    from leadtui.services.office import open_office

    await asyncio.to_thread(admin.add_user, office, {"login": "juma", "name": "Juma", "role": "agent"})
    agent = await asyncio.to_thread(open_office, str(office.store.path), as_login="juma")
    async with run(agent) as pilot:
        assert "No leads yet" in dump(pilot.app)
    from leadtui.services import assignment

    await asyncio.to_thread(assignment.assign, office, 1, "juma")
    async with run(agent) as pilot:
        assert names(pilot.app) == ["Achieng Odhiambo"]
        for key, words in (("a", "may not assign"), ("d", "may not delete"), ("X", "may not export")):
            await press(pilot, key)
            assert isinstance(pilot.app.screen, LeadsScreen)
            assert words in toasts(pilot.app)
    agent.close()


async def test_a_customer_cannot_be_converted_again(run: Run, office: Any) -> None:
    from leadtui.services import conversion

    await asyncio.to_thread(conversion.convert, office, 1, conversion.ConvertRequest())
    async with run(office) as pilot:
        await press(pilot, "slash", "text:odhiambo", "enter", "C")
        assert "customer already" in toasts(pilot.app)
        await press(pilot, "enter")
        assert "without router user" in dump(pilot.app)


# What is pure


def test_all_but() -> None:
    assert all_but("", ()) == ""
    assert all_but("a or b", (1, 2)) == "(a or b) -id:1,2"
    assert all_but("", (7,)) == "-id:7"


@pytest.mark.parametrize(
    "junk", [None, 3, "x", [], {}, {"where": 5}, {"columns": "name", "marks": "all", "history": [1], "sort": {}}]
)
def test_a_remembered_view_that_cannot_be_read_is_the_plain_one(junk: object) -> None:
    assert view_from(junk) == View()


def test_a_view_survives_its_preference() -> None:
    view = View("status:new", "name", False, ("name", "score"), 7, (1, 2), ("a", "b"))
    assert view_from(view.as_preference()) == view
    assert view_from({**view.as_preference(), "where": "nosuch:1", "sort": "nosuch"}).where == ""
    assert view_from(view.as_preference(), frozenset({"name"})).sort == "created_at"
    assert view.state().marks == Marks(frozenset({1, 2}))


def test_filter_words_know_every_spelling(office: Any) -> None:
    words = FilterWords(office.catalog, frozenset())
    for text in (
        "status:site_survey_scheduled",
        'status:"Site Survey Scheduled"',
        "status:site-survey-scheduled",
        "status:INTERESTED,new",
        "source:none",
        "source:Caretaker",
        "assigned:me",
        "package:10_mbps_home",
        "",
    ):
        words.parse(text)
    offered = [one.text for one in words.complete("status:int", 10)]
    assert offered == ["Interested", '"Not Interested"']
    assert words.complete("", 0) == []


async def test_a_status_added_meanwhile_can_be_filtered(run: Run, office: Any) -> None:
    from leadtui.services import admin

    async with run(office) as pilot:
        values = {"name": "Wavering", "pipeline": "isp", "probability": "0.2"}
        await asyncio.to_thread(admin.add, office, "status", values)
        await press(pilot, "r", "f", "text:status:wavering", "enter")
        assert "No lead matches" in dump(pilot.app)
        assert not pilot.app.screen.bar.error


def test_rows_are_rows(office: Any) -> None:
    from leadtui.services import leads

    assert all(isinstance(row, LeadRow) for row in leads.search(office).rows)


async def test_the_palette_finds_leads(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        found = await asyncio.to_thread(pilot.app.find_places, "odhiambo")
        assert [one.label for one in found] == ["Achieng Odhiambo  0722 000 111"]
        assert await asyncio.to_thread(pilot.app.find_places, "status:new )(") == []
        found[0].go()
        await at_rest(pilot)
        assert "Achieng Odhiambo" in dump(pilot.app).splitlines()[0]


async def test_refusals_do_not_pile_up(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "D", "D", "D")
        assert len(pilot.app._notifications) == 1


async def test_a_status_is_offered_before_the_state_of_an_address(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "f", "text:stat", "tab")
        assert pilot.app.screen.bar.value == "status:"


async def test_the_filter_line_names_keys_that_work_while_typing(run: Run, office: Any) -> None:
    async with run(office) as pilot:
        await press(pilot, "f")
        last = dump(pilot.app).splitlines()[-1]
        assert "f1 all keys" in last and "…" not in last
        await press(pilot, "escape")
        assert "? all keys" in dump(pilot.app).splitlines()[-1]
