"""The nouns of the office: packages, sources, statuses, users, roles, settings, history, the database."""

from __future__ import annotations

import shutil
import sqlite3

import pytest

from .conftest import Office


@pytest.mark.parametrize(
    ("noun", "plural", "add", "edit", "after"),
    [
        ("package", "packages",
         ["--monthly", "2,500", "--installation", "1000", "--profile", "p20", "--speed", "20 Mbps"],
         ["--monthly", "3000"], "X 1"),
        ("source", "sources", [], ["--name", "X 2"], "X 2"),
        ("tag", "tags", [], ["--name", "X 2"], "X 2"),
        ("branch", "branches", [], ["--name", "X 2"], "X 2"),
        ("person", "people", ["--phone", "0733000111"], ["--name", "X 2"], "X 2"),
        ("status", "statuses", ["--pipeline", "isp"], ["--pipeline", "isp", "--name", "X 2"], "X 2"),
    ],
)  # fmt: skip
def test_small_tables(office: Office, noun: str, plural: str, add: list[str], edit: list[str], after: str) -> None:
    before = office.json(noun, "list")
    assert set(before) == {"total", plural}
    made = office.json(noun, "add", "--name", "X 1", *add)
    assert made["name"] == "X 1"
    found = office.json(noun, "list")
    assert found["total"] == before["total"] + 1 == len(found[plural])
    edited = office.json(noun, "edit", "X 1", *edit)
    assert edited["name"] == after
    scope = ["--pipeline", "isp"] if noun == "status" else []
    retired = office.json(noun, "retire", after, *scope)
    assert retired["is_active"] is False
    assert office.json(noun, "list", "--active")["total"] == before["total"]
    assert office(noun, "list").out.count("\n") >= 1
    assert office(noun, "edit", "No Such Thing", "--name", "Y").code in (4, 5)
    assert office.fails(noun, "edit", "X", code=2)["code"] == "missing_option"


def test_package_prices_are_decimal_strings(office: Office) -> None:
    made = office.json("package", "add", "--name", "Gold", "--monthly", "2,500.50", "--installation", "1000")
    assert made["monthly"] == "2500.50"
    assert made["installation"] == "1000.00"
    assert office.lead(package="Gold")["package"] == "Gold"
    assert office.fails("package", "add", "--name", "Gold", code=5)["field"] == "name"


def test_a_preset_can_be_added(office: Office) -> None:
    office.json("pipeline", "add", "--preset", "insurance")
    keys = {pipeline["key"] for pipeline in office.json("pipeline", "list")["pipelines"]}
    assert keys == {"isp", "insurance"}
    lead = office.json("lead", "add", "--phone", "0722000111", "--name", "Jane", "--pipeline", "insurance")
    assert lead["status"] == "New Lead"
    names = [status["name"] for status in office.json("status", "list", "--pipeline", "insurance")["statuses"]]
    assert names == ["New Lead", "Contacted", "Qualified", "Converted", "Lost"]


def test_users_and_roles(staffed: Office) -> None:
    listed = staffed.json("user", "list")
    assert {"boss", "jane", "ann", "dora", "tom"} <= {user["login"] for user in listed["users"]}
    assert listed["total"] == len(listed["users"])
    made = staffed.json("user", "add", "--login", "joe", "--name", "Joe", "--role", "agent", "--phone", "0733111222",
                        "--email", "joe@example.com", "--os-account", "joe-at-home")  # fmt: skip
    assert (made["login"], made["role"], made["os_account"]) == ("joe", "agent", "joe-at-home")
    assert staffed.json("user", "edit", "joe", "--role", "director")["role"] == "director"
    assert staffed.json("user", "disable", "joe")["is_active"] is False
    assert staffed.fails("lead", "list", "--as", "joe", code=3)["code"] == "disabled_user"
    assert staffed.json("user", "enable", "joe")["is_active"] is True
    assert staffed.fails("user", "add", "--login", "joe", "--name", "J", "--role", "agent", code=5)["field"] == "login"
    assert staffed.fails("user", "add", "--login", "bo", "--name", "J", "--role", "king", code=5)["field"] == "role"

    roles = staffed.json("role", "list")
    assert {"principal", "director", "agent", "technician", "admin"} <= {role["key"] for role in roles["roles"]}
    staffed.lead()
    staffed.fails("lead", "show", "1", "--as", "jane", code=4)
    staffed.json("role", "set", "agent", "read", "all")
    assert staffed.json("lead", "show", "1", "--as", "jane")["id"] == 1
    assert staffed.json("role", "show", "agent")["key"] == "agent"
    assert staffed.fails("role", "set", "agent", "fly", "all", code=5)["field"] == "action"
    assert staffed.fails("role", "set", "agent", "read", "moon", code=5)["field"] == "scope"
    for argv in (("role", "list"), ("role", "show", "agent"), ("user", "list")):
        assert staffed(*argv).code == 0


def test_who_may_do_what(staffed: Office) -> None:
    hers = staffed.json("lead", "add", "--phone", "0722000111", "--as", "jane")
    assert hers["assigned_to"] == "jane"
    other = staffed.lead("0722000222")
    ref = hers["number"]
    assert staffed.json("lead", "list", "--as", "jane")["total"] == 1
    assert staffed.json("lead", "list", "--as", "dora")["total"] == 2
    hidden = staffed.fails("lead", "show", other["number"], "--as", "jane", code=4)["message"]
    none = staffed.fails("lead", "show", "LD-209901-0001", "--as", "jane", code=4)["message"]
    assert hidden.replace(other["number"], "…") == none.replace("LD-209901-0001", "…")
    assert staffed.fails("lead", "delete", ref, "--as", "jane", code=3)["code"] == "not_permitted"
    staffed.fails("lead", "assign", ref, "--to", "ann", "--as", "jane", code=3)
    staffed.fails("lead", "delete", ref, "--as", "dora", code=3)
    staffed.fails("lead", "purge", ref, "--as", "dora", code=3)
    staffed.fails("lead", "bulk", ref, "--tag", "x", "--as", "jane", code=3)
    staffed.fails("user", "add", "--login", "x", "--name", "X", "--role", "agent", "--as", "dora", code=3)
    staffed.fails("role", "set", "agent", "read", "all", "--as", "dora", code=3)
    staffed.fails("package", "add", "--name", "x", "--as", "jane", code=3)
    staffed.fails("config", "set", "currency", "USD", "--as", "jane", code=3)
    assert staffed.json("lead", "assign", ref, "--to", "ann", "--as", "dora")["assigned_to"] == "ann"


def test_hidden_fields_are_left_out(staffed: Office) -> None:
    staffed.lead(monthly_fee="2500", assign="tom")
    lead = staffed.json("lead", "show", "1", "--as", "tom")
    assert "phone" in lead
    assert not {"monthly_fee", "installation_fee", "total_amount", "budget"} & set(lead)
    listed = staffed("lead", "list", "--columns", "name,monthly_fee", "--as", "tom")
    assert "2,500" not in listed.out


def test_bulk_is_one_batch_with_one_undo(staffed: Office) -> None:
    refs = [staffed.lead(f"072200000{i}")["number"] for i in range(4)]
    staffed.json("lead", "protect", refs[0], "--reason", "court")
    shown = staffed.json("lead", "bulk", *refs, "--set", "city=Nairobi", "--status", "Contacted", "--tag", "vip",
                         "--assign", "jane", "--dry-run")  # fmt: skip
    assert (shown["matched"], shown["changed"], shown["refused"], shown["dry_run"]) == (4, 4, [], True)
    assert staffed.json("lead", "list", "tag:vip")["total"] == 0
    done = staffed.json("lead", "bulk", "--where", "status:new", "--set", "city=Nairobi", "--status", "Contacted",
                        "--tag", "vip", "--assign", "jane")  # fmt: skip
    assert set(done) == {"matched", "changed", "refused", "batch"}
    assert (done["matched"], done["changed"]) == (4, 4)
    assert staffed.json("lead", "list", "tag:vip city:nairobi assigned:jane status:contacted")["total"] == 4
    rehearsed = staffed.json("undo", str(done["batch"]), "--dry-run")
    assert (rehearsed["restored"], rehearsed["dry_run"]) == (4, True)
    undone = staffed.json("undo")
    assert (undone["batch"], undone["restored"], undone["refused"]) == (done["batch"], 4, [])
    assert staffed.json("lead", "list", "status:new -tag:vip assigned:none")["total"] == 4
    batches = staffed.json("undo", "list")
    assert batches["batches"][0].keys() >= {"batch", "kind", "by", "at", "count", "undone_at", "can_undo"}

    partly = staffed("lead", "delete", *refs, "--json")
    assert partly.code == 5
    assert (partly.json["changed"], len(partly.json["refused"])) == (3, 1)
    assert set(partly.json["refused"][0]) == {"lead_id", "lead_number", "error"}
    assert partly.json["refused"][0]["lead_number"] == refs[0]
    assert partly.error["code"] == "partly_done"
    restored = staffed.json("lead", "restore", *refs[1:])
    assert restored["changed"] == 3
    many = staffed.json("lead", "assign", *refs, "--to", "auto")
    assert many["changed"] == 4


def test_undo_leaves_what_changed_since(office: Office) -> None:
    first, second = office.lead("0722000001")["number"], office.lead("0722000002")["number"]
    batch = office.json("lead", "bulk", first, second, "--set", "name=Both")["batch"]
    office.json("lead", "edit", first, "--name", "Later")
    found = office("undo", str(batch), "--json")
    assert found.code == 5
    assert (found.json["restored"], [r["lead_number"] for r in found.json["refused"]]) == (1, [first])
    assert office.json("lead", "show", first)["name"] == "Later"
    assert office.json("lead", "show", second)["name"] is None
    office.fails("undo", "99999", code=4)
    assert office.fails("undo", "soon", code=2)["field"] == "batch"


def test_audit(office: Office) -> None:
    ref = office.lead(name="Jane")["number"]
    office.json("lead", "edit", ref, "--name", "Janet")
    found = office.json("audit", "list", ref)
    assert set(found) == {"total", "page", "limit", "entries"}
    entry = found["entries"][0]
    assert set(entry) == {"id", "at", "user", "origin", "action", "entity", "entity_id", "changes", "batch"}
    assert (entry["user"], entry["entity"], entry["changes"]["name"]) == ("boss", "lead", ["Jane", "Janet"])
    assert office.json("audit", "list", "--user", "boss", "--entity", "lead", "--limit", "1")["limit"] == 1
    assert office("audit", "list").code == 0
    office.fails("audit", "list", "LD-209901-0001", code=4)


def test_settings_of_program_and_office(office: Office) -> None:
    shown = office.json("config", "show")
    assert set(shown) == {"file", "program", "office"}
    assert shown["office"]["currency"] == "KES"
    assert office.json("config", "set", "slow", "yes") == {
        "key": "slow", "value": True, "file": str(office.folder / "config.toml")
    }  # fmt: skip
    assert office.json("config", "show", "slow")["value"] is True
    office.json("config", "set", "currency", "USD")
    assert office.json("config", "show", "currency")["value"] == "USD"
    assert office.json("config", "path")["path"] == str(office.folder / "config.toml")
    assert office("config", "path").out == f"{office.folder / 'config.toml'}\n"
    assert office.fails("config", "set", "currency", "XYZZY", code=5)["field"] == "currency"
    assert office("config", "set", "no.such", "1").code in (2, 5)
    assert office.fails("config", "set", "slow", "perhaps", code=5)
    assert office("config", "show").code == 0


def test_a_password_in_an_address_is_not_shown(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADTUI_DB", "postgresql+psycopg://me:s3cret@127.0.0.1:1/x")
    for argv in (("config", "path", "--json"), ("lead", "list", "--json"), ("db", "status")):
        found = office(*argv)
        assert "s3cret" not in found.out + found.err
        assert found.code in (0, 6)


def test_the_database_itself(office: Office) -> None:
    status = office.json("db", "status")
    assert status["state"] == "current"
    assert office.json("db", "check") == {"db": str(office.db), "ok": True, "problems": []}
    assert office.json("db", "upgrade")["changed"] is False
    copy = office.folder / "newer.db"
    shutil.copy(office.db, copy)
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert office.json("db", "status", "--db", str(copy))["state"] == "newer"
    for verb in ("upgrade", "check"):
        assert office.fails("db", verb, "--db", str(copy), code=5)["code"] == "newer_database"
    assert office.json("db", "status", "--db", str(office.folder / "none.db"))["state"] == "none"
    assert office.fails("db", "check", "--db", str(office.folder / "none.db"), code=6)["code"] == "no_database"
    assert not (office.folder / "none.db").exists()
