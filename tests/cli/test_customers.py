"""`leadtui customer`: list, show, edit, family groups; shapes and exit codes of the contract."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from leadtui.cli import complete
from leadtui.domain.customers import STATES
from tests.cli.conftest import Office

ROW = [
    "id", "name", "type", "phone", "email", "pan", "aadhar", "gst", "family_group", "package", "branch", "state",
    "created_at", "leads", "router_users",
]  # fmt: skip


@pytest.fixture
def shop(staffed: Office) -> Office:
    """Three customers: two of jane, one of ann; the first has a router user made long ago."""
    staffed.json("user", "add", "--login", "carl", "--name", "Carl", "--role", "collections")
    for name, phone, agent in (
        ("Peter [b]Kamau[/b]", "0722000111", "jane"), ("Achieng O", "0733456789", "jane"),
        ("José M", "0721444333", "ann"),
    ):  # fmt: skip
        lead = staffed.lead(phone, name=name, assign=agent, monthly_fee="1999")
        staffed.json("lead", "convert", lead["number"], "--pan", "ABCDE1234F")
    with closing(sqlite3.connect(staffed.db)) as db:
        db.execute(
            "INSERT INTO router (id, name, host, port, tls, username, secret_ref, service, is_active, created_at)"
            " VALUES (1, 'R1', 'x', 1, 'plain', 'x', 'x', 'pppoe', 1, '2026-01-01 00:00:00')"
        )
        db.execute(
            "INSERT INTO router_user (router_id, customer_id, lead_id, username, service, tag, state, created_at)"
            " VALUES (1, 1, 1, 'peter.kamau', 'pppoe', 'x', 'active', '2020-01-01 00:00:00')"
        )
        db.commit()
    return staffed


def test_the_list_and_its_filters(shop: Office) -> None:
    found = shop.json("customer", "list")
    assert list(found) == ["total", "page", "limit", "customers"]
    assert [list(row) for row in found["customers"]] == [ROW] * 3
    assert [row["id"] for row in found["customers"]] == [2, 3, 1]
    assert found["customers"][2]["router_users"] == [
        {"router": "R1", "username": "peter.kamau", "service": "pppoe", "profile": None, "ip": None, "state": "active",
         "first_online_at": None}
    ]  # fmt: skip
    assert found["customers"][2]["leads"] == [shop.json("lead", "show", "1")["number"]]
    assert found["customers"][2]["created_at"].endswith("Z")

    def ids(*argv: str) -> list[int]:
        return [row["id"] for row in shop.json("customer", "list", *argv)["customers"]]

    assert ids("0722", "000", "111") == ids("[b]") == ids("--router", "r1") == [1]
    assert ids("--never-online") == ids("--never-online", "30") == ids("--never-online=30", "peter") == [1]
    assert ids("--never-online", "--state", "suspended") == []
    assert ids("--never-online", "3650") == []
    assert ids("--sort", "-id", "--limit", "1", "--page", "2") == [2]
    assert ids("--state", "active", "--type", "retail", "jose") == [3]
    page = shop.json("customer", "list", "--limit", "2", "--page", "9")
    assert (page["total"], page["page"], page["customers"]) == (3, 9, [])
    text = shop("customer", "list", "kamau").out
    assert "Peter [b]Kamau[/b]" in text
    assert "peter.kamau" in text


def test_what_is_wrong_with_the_list_ends_as_the_contract_says(shop: Office) -> None:
    for argv, code, field in (
        (("--state", "shut"), 5, "state"), (("--router", "nope"), 5, "router"), (("--package", "nope"), 5, "package"),
        (("--group", "nope"), 5, "family_group"), (("--sort", "shoe"), 2, "sort"), (("--limit", "0"), 2, "limit"),
        (("--never-online", "99999999"), 2, "never_online"), (("--never-online=x",), 2, "never_online"),
        (("--created", "x"), 5, "created"),
    ):  # fmt: skip
        assert shop.fails("customer", "list", *argv, code=code)["field"] == field, argv


def test_show_by_any_name_it_has(shop: Office) -> None:
    number = shop.json("lead", "show", "1")["number"]
    for ref in ("1", number, "0722 000 111", "+254722000111", "peter.kamau"):
        assert shop.json("customer", "show", ref)["id"] == 1
    found = shop.json("customer", "show", "1")
    assert set(found) == {*ROW, "documents", "family", "history", "allowed"}
    [lead] = found["leads"]
    assert (lead["number"], lead["status"], lead["monthly_fee"]) == (number, "Converted", "1999.00")
    assert found["router_users"][0]["lead_number"] == number
    assert found["history"][0]["entity"] == "customer"
    assert "ABCDE1234F" not in str(found["history"])
    text = shop("customer", "show", "1").out
    for words in ("customer 1  Peter [b]Kamau[/b]", "ABCDE1234F", "never online", number, "History"):
        assert words in text
    unknown = shop.fails("customer", "show", "99", code=4)["message"]
    assert shop.fails("customer", "show", "3", "--as", "jane", code=4)["message"] == unknown.replace("99", "3")


def test_roles(shop: Office) -> None:
    assert [row["id"] for row in shop.json("customer", "list", "--as", "jane")["customers"]] == [2, 1]
    masked = shop.json("customer", "show", "1", "--as", "carl")
    assert (masked["pan"], masked["allowed"]) == ("******234F", [])
    assert shop.fails("customer", "edit", "1", "--set", "name=X", "--as", "carl", code=3)["code"] == "not_permitted"
    assert shop.json("customer", "edit", "1", "--set", "name=Peter K", "--as", "jane")["name"] == "Peter K"
    shop.json("lead", "assign", "1", "--to", "tom")
    assert "monthly_fee" not in shop.json("customer", "show", "1", "--as", "tom")["leads"][0]
    assert "1999" not in shop("customer", "show", "1", "--as", "tom").out


def test_edit_and_groups(shop: Office) -> None:
    made = shop.json("customer", "group", "add", "Kamau family")
    assert made == {"id": made["id"], "name": "Kamau family", "members": 0}
    assert shop.json("customer", "group", "add", "kamau FAMILY")["id"] == made["id"]
    done = shop.json(
        "customer", "edit", "1", "--set", "family_group=Kamau family", "--set", "email=p@x.ke", "--set", "pan="
    )
    assert (done["family_group"], done["email"], done["pan"]) == ("Kamau family", "p@x.ke", None)
    groups = shop.json("customer", "group", "list")
    assert groups == {"total": 1, "groups": [{"id": made["id"], "name": "Kamau family", "members": 1}]}
    assert [row["id"] for row in shop.json("customer", "list", "--group", "kamau family")["customers"]] == [1]
    assert shop.fails("customer", "edit", "2", "--set", "phone=0722 000 111", code=5)["code"] == "duplicate"
    assert shop.fails("customer", "edit", "2", "--set", "package=x", code=5)["field"] == "package"
    assert shop.fails("customer", "edit", "2", "--set", "nonsense", code=2)["field"] == "set"
    assert shop.fails("customer", "edit", "2", code=2)["code"] == "missing_option"
    assert shop.fails("undo", code=5)["code"] == "final"
    assert shop("customer", "group").code == 2


def test_completion(shop: Office) -> None:
    shop.json("customer", "group", "add", "Kamau family")
    assert complete.family_groups("kam") == ["kamau family"]
    assert complete.customer_states("") == list(STATES)
    assert "pan=" in complete.customer_fields("p")
