"""The lead form: rules and total live, duplicates while typing, errors beside fields, two writers."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from leadtui.screens import lead_form_found
from leadtui.screens.act_dialog import Acted
from leadtui.screens.confirm import Confirm
from leadtui.screens.conflict import ConflictScreen
from leadtui.screens.lead_form import LeadForm
from leadtui.screens.lead_form_fields import computed
from leadtui.services import admin, leads
from leadtui.services.office import Office
from leadtui.widgets.form import Form
from tests.screens.dialog_help import NASTY, acting_as, add_lead, new_office, opened


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(lead_form_found, "DEBOUNCE_SECONDS", 0.001)
    return new_office(tmp_path)


async def test_a_new_lead_by_keyboard(office: Office) -> None:
    async with opened(office, LeadForm) as run:
        await run.write("0722000111")
        await run.press("tab")
        await run.write("Achieng Odhiambo")
        await run.press("ctrl+s")
        assert isinstance(run.answer, Acted)
        assert "Achieng Odhiambo added · u takes it back" in run.text
        assert run.home.told == [frozenset(run.answer.ids)]
    row = leads.get(office, run.answer.ids[0]).row
    assert (row.name, row.phone, row.source) == ("Achieng Odhiambo", "+254722000111", "Manual Entry")


async def test_the_save_button_is_reached_with_tab(office: Office) -> None:
    async with opened(office, LeadForm) as run:
        await run.write("0722000111")
        await run.press("shift+tab", "shift+tab")
        assert run.app.focused is not None and run.app.focused.id == "save"
        await run.press("enter")
        assert run.answer.ids


async def test_a_missing_phone_is_said_beside_the_field_and_nothing_is_lost(office: Office) -> None:
    async with opened(office, LeadForm) as run:
        await run.press("tab")
        await run.write("Brian")
        await run.press("ctrl+s")
        assert not run.answers
        form = run.app.screen.query_one(Form)
        assert form.errors == {"phone": "Phone is missing"}
        assert form.value("name") == "Brian"
        assert form.focused_key == "phone"
        assert "Phone is missing" in run.text


async def test_the_services_words_stand_beside_the_field(office: Office) -> None:
    async with opened(office, LeadForm) as run:
        await run.write("12")
        await run.press("ctrl+s")
        form = run.app.screen.query_one(Form)
        assert "phone" in form.errors and form.value("phone") == "12"
        form.set_values({"phone": "0722000111", "email": "nonsense"})
        await run.press("ctrl+s")
        assert "is not an email address" in form.errors["email"]
        assert "is not an email address" in run.text


async def test_router_type_is_shown_only_with_a_router(office: Office) -> None:
    async with opened(office, LeadForm, size=(80, 50)) as run:
        form = run.app.screen.query_one(Form)
        assert "Router type" not in run.text
        form.focus_field("has_router")
        await run.press("space")
        assert "Router type" in run.text
        await run.press("space")
        assert "Router type" not in run.text


async def test_total_and_fees_follow_the_package(office: Office) -> None:
    async with opened(office, LeadForm, size=(80, 50)) as run:
        form = run.app.screen.query_one(Form)
        form.focus_field("package")
        await run.press("enter", "down", "down", "enter")
        first = form.values()
        assert first["package"] == "20 Mbps Home"
        assert (first["installation_fee"], first["monthly_fee"]) == ("2,500.00", "1,999.00")
        assert first["total_amount"] == "4,499.00"
        form.focus_field("monthly_fee")
        await run.settle()
        focused = run.app.focused
        assert isinstance(focused, Input)
        focused.value = "1500"
        await run.settle()
        assert form.value("total_amount") == "4,000.00"
        form.focus_field("package")
        await run.press("enter", "down", "enter")
        assert form.value("package") == "50 Mbps Home"
        assert form.value("monthly_fee") == "1500", "a fee typed by hand is not overwritten"


def test_total_with_missing_fees() -> None:
    """With one fee missing the total is the other; with none it is empty (spec AJ17)."""
    assert computed({"installation_fee": "", "monthly_fee": ""}, "KES") == {"total_amount": ""}
    assert computed({"installation_fee": "2500", "monthly_fee": ""}, "KES") == {"total_amount": "2,500.00"}
    assert computed({"installation_fee": "x", "monthly_fee": "1"}, "KES") == {"total_amount": "…"}


async def test_a_duplicate_is_found_while_the_phone_is_typed_and_linked(office: Office) -> None:
    known = add_lead(office, "Brian Kamau", "0733456789")
    async with opened(office, LeadForm) as run:
        await run.write("0733 456 789")
        assert "Brian Kamau has this phone already" in run.text
        await run.press("tab", "tab")
        await run.write("brian@example.com")
        await run.press("ctrl+l")
        assert run.answer.ids == (known,)
    assert leads.get(office, known).row.email == "brian@example.com"
    assert leads.count(office) == 1


async def test_an_agent_is_told_of_a_duplicate_without_its_record(office: Office) -> None:
    admin.add_user(office, {"login": "wanjiku", "name": "Wanjiku", "role": "agent"})
    admin.add_user(office, {"login": "otieno", "name": "Otieno", "role": "agent"})
    add_lead(office, "Secret Name", "0733456789", assigned_to="otieno")
    async with opened(acting_as(office, "wanjiku"), LeadForm) as run:
        await run.write("0733456789")
        assert "owned by otieno" in run.text
        assert "Secret Name" not in run.text
        assert "open it" not in run.text
        await run.press("ctrl+s")
        assert not run.answers


async def test_leaving_a_changed_form_asks_once(office: Office) -> None:
    async with opened(office, LeadForm) as run:
        await run.write("07")
        await run.press("escape")
        assert isinstance(run.app.screen, Confirm)
        await run.press("n")
        assert run.app.screen.query_one(Form).value("phone") == "07"
        await run.press("escape", "y")
        assert run.answer is None


async def test_an_untouched_form_closes_without_a_question(office: Office) -> None:
    async with opened(office, LeadForm) as run:
        await run.press("escape")
        assert run.answer is None


async def test_editing_shows_and_changes_values(office: Office) -> None:
    lead = add_lead(office, follow_up="2027-03-04", has_router="yes", router_type="TP-Link", tags="vip, north")
    async with opened(office, lambda: LeadForm(lead), size=(80, 50)) as run:
        form = run.app.screen.query_one(Form)
        values = form.values()
        assert values["phone"].replace(" ", "") == "0722000111"
        assert values["follow_up"] == "2027-03-04"
        assert {word.strip() for word in values["tags"].split(",")} == {"vip", "north"}
        assert "TP-Link" in run.text
        assert "status" not in values, "an existing lead is moved by the status dialog"
        form.focus_field("unit_number")
        await run.write("A5")
        await run.press("ctrl+s")
        assert "changed (1 field)" in run.text
    assert leads.get(office, lead).row.unit_number == "A5"


async def test_saving_without_a_change_writes_nothing(office: Office) -> None:
    lead = add_lead(office)
    before = leads.get(office, lead).row.version
    async with opened(office, lambda: LeadForm(lead)) as run:
        await run.press("ctrl+s")
        assert run.answer is None
    assert leads.get(office, lead).row.version == before


async def test_two_writers_on_different_fields_lose_nothing(office: Office) -> None:
    lead = add_lead(office)
    async with opened(office, lambda: LeadForm(lead)) as run:
        leads.edit(office, lead, {"email": "other@example.com"})
        form = run.app.screen.query_one(Form)
        form.focus_field("unit_number")
        await run.write("A5")
        await run.press("ctrl+s")
        assert run.answer.ids == (lead,)
    row = leads.get(office, lead).row
    assert (row.email, row.unit_number) == ("other@example.com", "A5")


@pytest.mark.parametrize(("key", "kept"), [("m", "Mine"), ("t", "Theirs")])
async def test_two_writers_on_one_field_choose(office: Office, key: str, kept: str) -> None:
    lead = add_lead(office, "Old")
    async with opened(office, lambda: LeadForm(lead)) as run:
        form = run.app.screen.query_one(Form)
        form.set_values({"name": "Mine", "unit_number": "A5"})
        leads.edit(office, lead, {"name": "Theirs"})
        await run.press("ctrl+s")
        assert isinstance(run.app.screen, ConflictScreen)
        assert "mine    Mine" in run.text and "theirs  Theirs" in run.text and "root" in run.text
        assert "20 Nov 11:30" in run.text, "by the clock of the office, which is three hours ahead of UTC"
        await run.press(key, "ctrl+s")
        assert run.answer.ids == (lead,)
    row = leads.get(office, lead).row
    assert (row.name, row.unit_number) == (kept, "A5")


async def test_space_turns_one_field_and_escape_goes_back_to_the_form(office: Office) -> None:
    lead = add_lead(office, "Old")
    async with opened(office, lambda: LeadForm(lead)) as run:
        form = run.app.screen.query_one(Form)
        form.set_values({"name": "Mine"})
        leads.edit(office, lead, {"name": "Theirs"})
        await run.press("ctrl+s", "space")
        assert isinstance(run.app.screen, ConflictScreen) and run.app.screen.theirs == {"name"}
        await run.press("escape")
        assert run.app.screen.query_one(Form).value("name") == "Mine"
        assert "Not saved" in run.text
    assert leads.get(office, lead).row.name == "Theirs"


async def test_a_pipeline_is_chosen_for_a_new_lead(office: Office) -> None:
    admin.add_preset(office, "travel")
    async with opened(office, LeadForm, size=(80, 60)) as run:
        form = run.app.screen.query_one(Form)
        assert "Passport" not in run.text
        form.focus_field("pipeline")
        pipelines = [value for value, _ in next(spec for spec in form.specs if spec.key == "pipeline").choices]
        downs = pipelines.index("travel") - pipelines.index(form.value("pipeline"))
        await run.press("enter", *["down"] * downs, "enter")
        assert form.value("pipeline") == "travel"
        assert "Passport" in run.text
        assert form.value("status") == "New"


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (200, 50)])
async def test_hostile_values_are_plain_text_at_every_size(office: Office, size: tuple[int, int]) -> None:
    lead = add_lead(office, NASTY, remarks=f"{NASTY}\nsecond", tags="vip")
    async with opened(office, lambda: LeadForm(lead), size=size) as run:
        assert "[b]x[/]" in run.text
        assert "\x1b" not in run.text
        assert "Save" in run.text
        await run.press("escape")
        assert run.answer is None


async def test_what_is_typed_before_the_fields_are_there_is_not_lost(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LeadForm.office_ready
    monkeypatch.setattr(LeadForm, "office_ready", lambda self: None)
    async with opened(office, LeadForm) as run:
        await run.write("0722")
        form = run.app.screen
        assert isinstance(form, LeadForm) and not form.built
        real(form)
        await run.settle()
        await run.write("000111")
        assert form.form.value("phone") == "0722000111"


async def test_each_bad_field_is_told_when_it_is_left_and_all_of_them_on_saving(office: Office) -> None:
    async with opened(office, LeadForm) as run:
        await run.press("tab", "tab")
        await run.write("nobody")
        await run.press("tab")
        form = run.app.screen.query_one(Form)
        assert "not an email address" in form.errors["email"]
        await run.write("12")
        await run.press("ctrl+s")
        assert form.errors["phone"] == "Phone is missing"
        assert "not an email" in form.errors["email"] and "too short" in form.errors["alt_phone"]
        form.set_values({"phone": "nonsense"})
        await run.press("ctrl+s")
        assert set(form.errors) == {"phone", "email", "alt_phone"}
        assert (form.value("email"), form.value("alt_phone")) == ("nobody", "12")
