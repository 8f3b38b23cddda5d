"""Customers on the screen: the list and its filters, one with everything, what the keys do, who may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from leadtui import clock
from leadtui.domain.records import AuditRow
from leadtui.router.port import Secret
from leadtui.screens.confirm import Confirm
from leadtui.screens.conflict import ConflictScreen
from leadtui.screens.customer_detail import CustomerDetailScreen
from leadtui.screens.customer_dialogs import CustomerForm, FactsDialog, FamilyForm
from leadtui.screens.customers import CustomersScreen
from leadtui.screens.item_dialog import ItemDialog
from leadtui.screens.lead_detail import LeadDetailScreen
from leadtui.screens.picker import Picker
from leadtui.screens.service_dialog import ServiceDialog
from leadtui.services import admin, customers, lifecycle, secrets
from leadtui.services.conversion import ConvertRequest, convert
from tests.screens.conftest import NOW
from tests.screens.pictures import at_rest, check, dump, press
from tests.services.customer_help import a_router, a_user, set_state

ACHIENG, BRIAN, FATUMA, NASTY = 1, 2, 3, 4
PASSWORD = "tatu-PILI-98"


@pytest.fixture
def shop(office: Any, tmp_path: Any) -> Any:
    """Four customers: one with two router users (one suspended), one suspended, two without any; a family of three."""
    document = tmp_path / "id-card.pdf"
    document.write_bytes(b"%PDF-1.4")
    lifecycle.attach(office, 1, document)
    convert(office, 1, ConvertRequest(pan="ABCDE1234F", aadhar="123456789012", type="Corporate"))
    for lead in (2, 3, 12):
        convert(office, lead, ConvertRequest())
    router = a_router(office, "WL-RTR-1")
    with office.write() as tx:
        secrets.put(tx, office, "router-user:1", Secret(PASSWORD))
    seen = {"first_online_at": NOW - timedelta(days=1), "first_online_ip": "10.20.0.9"}
    a_user(office, ACHIENG, "achieng.odhiambo", router, ip="10.20.0.9", secret_ref="router-user:1", **seen)
    a_user(office, ACHIENG, "achieng.shop", router, profile="50m", state="suspended")
    a_user(office, BRIAN, "brian.kamau", router, created_at=NOW - timedelta(days=9))
    set_state(office, ACHIENG, "partly")
    set_state(office, FATUMA, "suspended")
    customers.add_family_group(office, "Odhiambo [b]")
    for one in (ACHIENG, FATUMA, NASTY):
        customers.edit(office, one, {"family_group": "Odhiambo [b]"})
    return office


@pytest.fixture
def as_user(shop: Any) -> Iterator[Any]:
    """`as_user("carl", "collections")`: the office as somebody else sees it."""
    from leadtui.services.office import open_office

    opened: list[Any] = []

    def act(login: str, role: str) -> Any:
        admin.add_user(shop, {"login": login, "name": login.title(), "role": role})
        opened.append(open_office(str(shop.store.path), as_login=login))
        return opened[-1]

    yield act
    for one in opened:
        one.close()


def names(app: Any) -> list[str]:
    """The first words of the rows."""
    table = app.screen.table
    return [row.name.split()[0] for row in map(table._reader.row, range(table.row_count))]


async def detail(pilot: Any, customer: int) -> CustomerDetailScreen:
    """The screen of a customer."""
    screen = CustomerDetailScreen(customer)
    pilot.app.push_screen(screen)
    await at_rest(pilot)
    return screen


# -- the list ---------------------------------------------------------------------------------------------------------


async def test_the_list(run: Any, shop: Any, size: tuple[int, int]) -> None:
    async with run(shop, size) as pilot:
        await press(pilot, "2", "j")
        assert isinstance(pilot.app.screen, CustomersScreen)
        check(pilot.app, f"customers_{size[0]}x{size[1]}")


async def test_search_filters_and_order_by_key(run: Any, shop: Any) -> None:
    async with run(shop, (60, 20)) as pilot:
        await press(pilot, "2")
        assert names(pilot.app) == ["[b]Zainab[/b]", "Achieng", "Brian", "Fatuma"]
        await press(pilot, "f")
        assert (names(pilot.app), "active" in dump(pilot.app).splitlines()[0]) == (["[b]Zainab[/b]", "Brian"], True)
        await press(pilot, "f")
        assert names(pilot.app) == ["Fatuma"]
        await press(pilot, "f")
        assert names(pilot.app) == ["Achieng"]
        await press(pilot, "f", "N")
        assert names(pilot.app) == ["Brian"]
        assert "never online" in dump(pilot.app).splitlines()[0]
        await press(pilot, "N", "slash", "text:0722 000")
        assert names(pilot.app) == ["Achieng"]
        await press(pilot, "enter")
        assert pilot.app.screen.table.has_focus
        await press(pilot, "f", "f")
        assert "No customer matches; esc shows all" in dump(pilot.app)
        await press(pilot, "escape")
        assert len(names(pilot.app)) == 4
        await press(pilot, "slash", "text:fatuma", "escape")
        assert names(pilot.app) == ["Fatuma"]
        await press(pilot, "F", "less_than_sign")
        assert names(pilot.app) == ["Fatuma", "Brian", "Achieng", "[b]Zainab[/b]"]


async def test_an_empty_list_says_what_to_do(run: Any, empty_office: Any) -> None:
    async with run(empty_office) as pilot:
        await press(pilot, "2")
        assert "No customers yet: C on a lead (1) makes one" in dump(pilot.app)
        await press(pilot, "enter", "e", "S", "P", "p", "a")
        assert isinstance(pilot.app.screen, CustomersScreen)


async def test_who_may_not_read_is_told_in_place(run: Any, as_user: Any) -> None:
    async with run(as_user("ada", "admin")) as pilot:
        await press(pilot, "2")
        assert "Not read: you may not see leads" in dump(pilot.app)


async def test_a_conversion_elsewhere_appears(run: Any, shop: Any) -> None:
    async with run(shop) as pilot:
        await press(pilot, "2")
        await asyncio.to_thread(convert, shop, 4, ConvertRequest())
        await press(pilot, "r")
        assert "Kevin" in names(pilot.app)


async def test_the_palette_finds_customers(run: Any, shop: Any) -> None:
    async with run(shop) as pilot:
        found = await asyncio.to_thread(pilot.app.find_places, "kamau")
        [place] = [one for one in found if one.help.startswith("customer")]
        assert place.label == "Brian Kamau  0733 456 789"
        place.go()
        await at_rest(pilot)
        assert pilot.app.screen.customer_id == BRIAN


# -- one customer -----------------------------------------------------------------------------------------------------


async def test_one_with_everything(run: Any, shop: Any, size: tuple[int, int]) -> None:
    async with run(shop, size) as pilot:
        await press(pilot, "2", "j", "enter")
        assert pilot.app.screen.customer_id == ACHIENG
        check(pilot.app, f"customer_{size[0]}x{size[1]}")


async def test_markup_in_names_is_only_text(run: Any, shop: Any) -> None:
    async with run(shop, (60, 20)) as pilot:
        await detail(pilot, NASTY)
        assert "[b]Zainab[/b] [/x]" in dump(pilot.app)
        assert "Family Odhiambo [b]" in dump(pilot.app)
        for key in ("e", "a"):
            await press(pilot, key)
            assert "[b]Zainab[/b]" in dump(pilot.app)
            await press(pilot, "escape")
        await detail(pilot, ACHIENG)
        assert "[b]Zainab[/b] [/x]" in dump(pilot.app)


async def test_from_item_to_item(run: Any, shop: Any) -> None:
    async with run(shop) as pilot:
        await detail(pilot, ACHIENG)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, FactsDialog)
        for words in ("WL-RTR-1", "10.20.0.9", "first online 19 Nov 11:30 with 10.20.0.9"):
            assert words in dump(pilot.app)
        await press(pilot, "enter", "down", "down", "enter")
        assert isinstance(pilot.app.screen, LeadDetailScreen)
        await press(pilot, "escape", "down", "enter")
        member: Any = pilot.app.screen
        assert (member.customer_id, "suspended" in dump(pilot.app)) == (FATUMA, True)
        await press(pilot, "escape", "o")
        assert isinstance(pilot.app.screen, ItemDialog)
        assert "id-card.pdf" in dump(pilot.app)
        await press(pilot, "escape", "end", "up", "up", "enter")
        assert isinstance(pilot.app.screen, FactsDialog)
        assert pilot.app.screen.facts["family group"] == "Odhiambo [b]"
        assert "edit: family group" in dump(pilot.app)


async def test_between_lead_and_customer(run: Any, shop: Any) -> None:
    async with run(shop) as pilot:
        pilot.app.push_screen(LeadDetailScreen(1))
        await at_rest(pilot)
        await press(pilot, "O")
        assert pilot.app.screen.customer_id == ACHIENG
        await press(pilot, "l")
        assert pilot.app.screen.lead_id == 1
        pilot.app.push_screen(LeadDetailScreen(4))
        await at_rest(pilot)
        assert pilot.app.disabled_reason("leads.customer") == "this lead is no customer yet"
        await press(pilot, "O")
        assert pilot.app.screen.lead_id == 4


async def test_a_customer_that_is_gone_closes_its_screen(run: Any, shop: Any, as_user: Any) -> None:
    agent = as_user("jane", "agent")
    async with run(agent) as pilot:
        pilot.app.push_screen(CustomerDetailScreen(ACHIENG))
        await at_rest(pilot)
        assert not isinstance(pilot.app.screen, CustomerDetailScreen)


# -- changing ---------------------------------------------------------------------------------------------------------


async def test_editing(run: Any, shop: Any) -> None:
    async with run(shop) as pilot:
        await press(pilot, "2", "j", "e")
        form = pilot.app.screen
        assert isinstance(form, CustomerForm)
        form.form.set_values({"pan": "nonsense"})
        await press(pilot, "ctrl+s")
        assert "ABCDE1234F" in form.form.errors["pan"]
        form.form.set_values({"pan": "", "phone": "0733 456 789"})
        await press(pilot, "ctrl+s")
        assert "Duplicate customer mobile" in form.form.errors["phone"]
        form.form.set_values({"phone": "0710 000 001", "name": "Achieng [i]O[/i]"})
        await press(pilot, "ctrl+s")
        assert isinstance(pilot.app.screen, CustomersScreen)
        assert "Achieng [i]O[/i]" in dump(pilot.app)
        assert "0710 000 001" in dump(pilot.app)
    row = customers.detail(shop, ACHIENG).customer
    assert (row.pan, row.phone) == (None, "+254710000001")


async def test_anothers_change_is_shown_field_by_field(run: Any, shop: Any) -> None:
    async with run(shop) as pilot:
        await detail(pilot, BRIAN)
        await press(pilot, "e")
        await asyncio.to_thread(customers.edit, shop, BRIAN, {"name": "Theirs", "email": "theirs@x.ke"})
        pilot.app.screen.form.set_values({"name": "Mine", "email": "mine@x.ke", "type": "Corporate"})
        await press(pilot, "ctrl+s")
        assert isinstance(pilot.app.screen, ConflictScreen)
        assert "theirs@x.ke" in dump(pilot.app)
        await press(pilot, "space", "ctrl+s")  # the name: theirs; the email: mine
        assert isinstance(pilot.app.screen, CustomerDetailScreen)
    row = customers.detail(shop, BRIAN).customer
    assert (row.name, row.email, row.type) == ("Theirs", "mine@x.ke", "Corporate")


async def test_a_family_is_made_chosen_and_left(run: Any, shop: Any) -> None:
    async with run(shop) as pilot:
        await detail(pilot, BRIAN)
        await press(pilot, "a")
        assert isinstance(pilot.app.screen, FamilyForm)
        pilot.app.screen.form.set_values({"new": "Kamau"})
        await press(pilot, "ctrl+s")
        assert "Family Kamau" in dump(pilot.app)
        assert "nobody else yet" in dump(pilot.app)
        await press(pilot, "a")
        pilot.app.screen.form.set_values({"group": "Odhiambo [b]"})
        await press(pilot, "ctrl+s")
        assert "Fatuma Hassan" in dump(pilot.app)
        await press(pilot, "a")
        pilot.app.screen.form.set_values({"group": ""})
        await press(pilot, "ctrl+s")
        assert "Fatuma" not in dump(pilot.app)


async def test_the_keys_of_the_service_open_its_dialog(run: Any, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServiceDialog, "office_ready", lambda self: None)  # what it does is tested with it
    async with run(shop) as pilot:
        await press(pilot, "2")

        async def asked(*keys: str) -> tuple[object, ...]:
            await press(pilot, *keys)
            dialog = pilot.app.screen
            assert isinstance(dialog, ServiceDialog)
            found = (dialog.customer, dialog.kind, dialog.user)
            dialog.dismiss(None)
            await at_rest(pilot)
            return found

        assert await asked("g", "S") == (NASTY, "suspend", None)
        assert await asked("G", "S") == (FATUMA, "resume", None)
        assert await asked("g", "j", "S", "y") == (ACHIENG, "resume", None)
        assert await asked("S", "n") == (ACHIENG, "suspend", None)
        assert await asked("P") == (ACHIENG, "package", None)
        await press(pilot, "S", "escape", "G", "P")
        assert isinstance(pilot.app.screen, CustomersScreen)  # Fatuma has no router user
        await detail(pilot, ACHIENG)
        assert await asked("down", "P") == (ACHIENG, "package", "achieng.shop")


async def test_a_password_is_asked_for_shown_and_written_down(
    run: Any, shop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with run(shop, (60, 20)) as pilot:
        await press(pilot, "2", "j", "p")
        assert isinstance(pilot.app.screen, Picker)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Confirm)
        await press(pilot, "n")
        assert isinstance(pilot.app.screen, CustomersScreen)
        assert all(one.action != "reveal" for one in customers.detail(shop, ACHIENG).history)
        await press(pilot, "p", "enter", "y")
        assert isinstance(pilot.app.screen, FactsDialog)
        assert PASSWORD in dump(pilot.app)
        await press(pilot, "enter")
        assert PASSWORD not in dump(pilot.app)
        await detail(pilot, ACHIENG)
        await press(pilot, "down", "p", "y")  # the other one has none stored
        [said] = [one.message for one in pilot.app._notifications]
        assert said.startswith("No password of achieng.shop is stored here")
    found = customers.detail(shop, ACHIENG).history
    assert [one.action for one in found if one.entity == "router_user"] == ["reveal"]
    assert PASSWORD not in str(found) + caplog.text


async def test_who_may_only_read(run: Any, shop: Any, as_user: Any) -> None:
    async with run(as_user("carl", "collections")) as pilot:
        await detail(pilot, ACHIENG)
        assert "PAN ******234F" in dump(pilot.app)
        for key in ("e", "a", "p", "S", "P"):
            await press(pilot, key)
            assert isinstance(pilot.app.screen, CustomerDetailScreen)
        assert pilot.app.disabled_reason("customers.edit") == "your role may not convert leads"


async def test_a_technician_sees_no_money(run: Any, shop: Any, as_user: Any) -> None:
    lifecycle.assign(shop, 1, None)
    tom = as_user("tom", "technician")
    lifecycle.assign(shop, 1, "tom")
    async with run(shop) as pilot:
        await detail(pilot, ACHIENG)
        assert "1,999.00" in dump(pilot.app)
    async with run(tom) as pilot:
        await press(pilot, "2")
        assert names(pilot.app) == ["Achieng"]
        await press(pilot, "enter")
        assert "1,999" not in dump(pilot.app)
        assert "2 more, not yours to see" in dump(pilot.app)


@pytest.mark.parametrize(
    ("entity", "action", "changes", "words"),
    [
        ("customer", "suspend", {"state": ("active", "suspended")}, "suspended"),
        ("router_user", "resume", {"state": ("suspended", "active")}, "router user resumed"),
        ("customer", "package", {"package": ("10 Mbps", "50 Mbps")}, "package 10 Mbps → 50 Mbps"),
        ("customer", "edit", {"family_group": (None, "Kamau")}, "edit: family group"),
    ],
)
def test_a_line_of_the_history_reads_as_words(entity: str, action: str, changes: Any, words: str) -> None:
    from leadtui.screens.customer_facts import happened

    assert happened(AuditRow(1, clock.now(), "grace", "tui", action, entity, 1, changes, None)) == words
