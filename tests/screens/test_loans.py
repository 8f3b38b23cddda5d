"""Promises on the screen: the list for those who collect, the dialog on a lead, what a lead shows of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from leadtui.screens.item_dialog import ItemDialog
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.loan_dialogs import LeadPicker, LoanDialog
from leadtui.screens.loans import LoansScreen
from leadtui.services import admin, history, loans
from leadtui.services.assignment import assign
from leadtui.services.office import Office
from tests.screens.dialog_help import NASTY, acting_as, add_lead, new_office, opened

Snapshot = Callable[[Any, str], None]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office on a Friday noon."""
    return new_office(tmp_path)


@pytest.fixture
def owed(office: Office) -> Office:
    """Four promises: two late and marked, one for today, one to come that took the place of another; one cleared."""
    names = ("Achieng Odhiambo", "Brian Kamau", "Fatuma Hassan", "Kevin Otieno", "Mercy Wambui")
    for place, (name, amount, day, note) in enumerate(
        zip(
            names,
            ("20000", "7500", "1250.50", "90000", "100"),
            ("2026-11-17", "2026-11-19", "today", "2026-12-04", "2026-11-25"),
            ("after the harvest", "", "", "sells a plot", ""),
            strict=True,
        )
    ):
        lead = add_lead(office, name, f"07220001{place:02}")
        if place == 3:
            loans.promise(office, lead, "95000", "2026-11-15", "first word")
        loans.promise(office, lead, amount, day, note)
    loans.clear(office, "0722000104")
    admin.add_user(office, {"login": "cora", "name": "Cora", "role": "collections"})
    assign(office, "0722000101", "root")
    loans.mark_overdue(office)
    return office


async def test_the_list_shows_what_is_late_first(owed: Office, size: tuple[int, int], snapshot: Snapshot) -> None:
    async with opened(acting_as(owed, "cora"), LoansScreen, size=size) as run:
        snapshot(run.app, f"loans_{size[0]}x{size[1]}")
        for expected in ("overdue", "due by today", "all, settled ones too", "Promises"):
            await run.press("f")
            assert expected in run.text.splitlines()[0]
        await run.press("o")
        assert "No promise matches" in run.text
        await run.press("escape")
        assert "Achieng" in run.text and "All open promises again" in run.text


async def test_search_and_the_lead_behind_a_row(owed: Office) -> None:
    async with opened(owed, LoansScreen) as run:
        await run.press("slash")
        await run.write("kevin")
        await run.press("enter")
        assert "Kevin" in run.text and "Achieng" not in run.text
        assert isinstance(run.app.screen, LoansScreen)
        assert run.app.screen.copy_text() == "Kevin Otieno  +254722000103  90,000.00  Fri 4 Dec 2026"
        await run.press("enter")
        assert isinstance(run.app.screen, LeadDetailScreen)
        await run.press("escape", "escape")
        assert "Achieng" in run.text


async def test_a_call_clears_calls_off_and_puts_off(owed: Office) -> None:
    async with opened(acting_as(owed, "cora"), LoansScreen) as run:
        await run.press("c")
        dialog = run.app.screen
        assert isinstance(dialog, LoanDialog)
        assert "Open: 20,000.00 KES by Tue 17 Nov 2026, 3 days late · after the" in run.text
        await run.write("M-Pesa")
        await run.press("enter")
        assert "has paid: cleared · u takes it back" in run.text
        assert loans.history(owed, "0722000100")[0].note == "after the harvest\nM-Pesa"
        assert "Brian" in run.text and "Achieng" not in run.text.splitlines()[2]
        await run.press("x", "ctrl+s")
        assert loans.history(owed, "0722000101")[0].status == "cancelled"
        await run.press("m")
        await run.write("1300")
        await run.press("tab")
        await run.write("+1w")
        await run.press("ctrl+s")
        assert [(one.status, one.amount_minor) for one in loans.history(owed, "0722000102")] == [
            ("pending", 130_000), ("replaced", 125_050),
        ]  # fmt: skip
        for _ in range(3):
            history.undo(acting_as(owed, "cora"))
        assert loans.totals(owed).count == 4


async def test_a_promise_of_any_lead(owed: Office) -> None:
    async with opened(owed, LoansScreen) as run:
        await run.press("n")
        assert isinstance(run.app.screen, LeadPicker)
        await run.write("mercy")
        await run.press("enter")
        assert "No promise is open. Amounts are in KES." in run.text
        await run.press("ctrl+s")
        assert "How much was promised?" in run.text
        await run.write("much")
        await run.press("ctrl+s")
        assert "only plain amounts in KES" in " ".join(run.text.replace("│", " ").split())
        run.app.screen.query_one("#amount", Input).value = "4 000"
        await run.press("ctrl+s")
        assert "By when?" in run.text
        await run.write("someday")
        await run.press("ctrl+s")
        assert "is not a date" in " ".join(run.text.replace("│", " ").split())
        run.app.screen.query_one("#date Input", Input).value = "yesterday"
        await run.press("ctrl+s")
        assert "the promised day lies in the past" in run.toasts
        assert "promised 4,000.00 KES by Thu 19 Nov 2026" in run.text


async def test_a_lead_shows_its_promise_and_what_became_of_others(
    owed: Office, size: tuple[int, int], snapshot: Snapshot
) -> None:
    async with opened(owed, lambda: LeadDetailScreen(4), size=size) as run:
        snapshot(run.app, f"lead_loans_{size[0]}x{size[1]}")
        await run.press("m")
        snapshot(run.app, f"loan_dialog_{size[0]}x{size[1]}")
        await run.press("escape")
        await run.press("enter")
        assert isinstance(run.app.screen, LoanDialog)  # what is open can be settled
        await run.press("escape", "down", "enter")
        assert isinstance(run.app.screen, ItemDialog)  # what is settled is shown whole
        assert "95,000.00 KES" in run.text and "first word" in run.text and "replaced" in run.text


async def test_untrusted_words_are_only_words(office: Office) -> None:
    lead = add_lead(office, NASTY)
    loans.promise(office, lead, "5", "yesterday", NASTY)
    loans.promise(office, lead, "5", "today", NASTY)
    for make in (LoansScreen, lambda: LeadDetailScreen(lead), lambda: LoanDialog((lead,))):
        async with opened(office, make) as run:
            assert "[b]x[/]" in run.text


async def test_who_may_not_sees_why(owed: Office) -> None:
    admin.add_user(owed, {"login": "tom", "name": "Tom", "role": "technician"})
    assign(owed, "0722000100", "tom")
    async with opened(acting_as(owed, "tom"), LoansScreen) as run:
        assert "you may not manage loans" in " ".join(run.text.split())
    async with opened(acting_as(owed, "tom"), lambda: LeadDetailScreen(1)) as run:
        assert "20,000" not in run.text
        await run.press("m")
        assert isinstance(run.app.screen, LeadDetailScreen)
        assert "your role may not manage loans" in run.toasts
