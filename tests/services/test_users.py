"""Users and the permission matrix: nobody locks everybody out, nobody lifts himself up (spec AH10, AI15)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadtui.domain.permissions import ACTIONS
from leadtui.errors import Duplicate, Invalid, LeadtuiError, NotFound, NotPermitted, Refused
from leadtui.services import admin, history, leads
from leadtui.services.office import Office, open_office
from tests.services.lead_help import acting_as, add, add_users, everything


@pytest.fixture
def office(sqlite_office: Office) -> Office:
    return sqlite_office


@pytest.fixture
def ada(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An administrator who does not own the database."""
    admin.add_user(office, {"login": "ada", "name": "Ada", "role": "admin", "os_account": "ada-at-work"})
    monkeypatch.setattr("leadtui.services.office.os_account", lambda: "ada-at-work")
    other = open_office(office.store.url.render_as_string(hide_password=False))
    yield other
    other.close()


def test_a_user_is_added_and_changed(office: Office) -> None:
    admin.add(office, "branch", {"name": "North"})
    made = admin.add_user(
        office,
        {"login": "jane.doe", "name": "Jane Doe", "role": "Senior Agent", "branch": "north", "team": "West",
         "phone": "0722000111", "email": "jane@example.com", "os_account": "jane"},
    )  # fmt: skip
    assert made == {
        "id": made["id"], "login": "jane.doe", "name": "Jane Doe", "role": "agent", "branch": "North", "team": "West",
        "is_active": True, "is_available": True, "phone": "+254722000111", "email": "jane@example.com",
        "os_account": "jane", "timezone": None, "working_hours": None, "service_areas": [], "specializations": [],
        "languages": [], "min_price": None, "max_price": None, "capacity": None,
    }  # fmt: skip
    changed = admin.edit_user(office, "JANE.DOE", {"role": "director", "team": "", "available": "no", "phone": ""})
    assert (changed["role"], changed["team"], changed["phone"]) == ("director", None, None)
    assert changed["is_available"] is False
    assert [u["login"] for u in admin.users(office)] == ["boss", "jane.doe"]
    entries = history.audit(office, entity="user")[1]
    assert [e.action for e in entries] == ["edit", "create"]
    assert dict(entries[0].changes)["is_available"] == (True, False)
    admin.add_user(office, {"login": "ann", "name": "Ann", "role": "agent", "team": "WEST"})
    assert len(office.catalog.teams) == 1


def test_a_user_has_a_zone_and_hours_of_his_own(office: Office) -> None:
    values = {"login": "ny", "name": "New York", "role": "agent", "timezone": "America/New_York",
              "working_hours": "Monday-Friday 9:00-17:00"}  # fmt: skip
    made = admin.add_user(office, values)
    assert (made["timezone"], made["working_hours"]) == ("America/New_York", "mon-fri 09:00-17:00")
    assert str(office.catalog.zone_of(made["id"])) == "America/New_York"
    for key, text in (("timezone", "Mars/Olympus"), ("working_hours", "whenever")):
        with pytest.raises(Invalid) as caught:
            admin.edit_user(office, "ny", {key: text})
        assert caught.value.field == key
    cleared = admin.edit_user(office, "ny", {"timezone": "", "working_hours": ""})
    assert (cleared["timezone"], cleared["working_hours"]) == (None, None)
    assert office.catalog.zone_of(made["id"]) == office.catalog.tz


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({"login": ""}, Invalid, "login"),
        ({"login": "two words"}, Invalid, "login"),
        ({"login": "-x"}, Invalid, "login"),
        ({"login": "x" * 51}, Invalid, "login"),
        ({"login": "me"}, Invalid, "login"),
        ({"login": "None"}, Invalid, "login"),
        ({"login": "auto"}, Invalid, "login"),
        ({"login": "BOSS"}, Duplicate, "login"),
        ({"login": "system"}, Duplicate, "login"),
        ({"name": " "}, Invalid, "name"),
        ({"name": "x" * 256}, Invalid, "name"),
        ({"role": ""}, Invalid, "role"),
        ({"role": "emperor"}, Invalid, "role"),
        ({"branch": "Atlantis"}, Invalid, "branch"),
        ({"phone": "12"}, Invalid, "phone"),
        ({"email": "nobody"}, Invalid, "email"),
        ({"colour": "red"}, Invalid, "colour"),
    ],
)
def test_bad_values_are_refused_with_their_field(
    office: Office, values: dict[str, str], error: type[Refused], field: str
) -> None:
    before = everything(office)
    with pytest.raises(error) as refused:
        admin.add_user(office, {"login": "jane", "name": "Jane", "role": "agent", **values})
    assert refused.value.field == field
    assert everything(office) == before


def test_one_account_is_one_user(office: Office) -> None:
    add_users(office, "jane:agent", os_account="jane")
    with pytest.raises(Duplicate) as taken:
        admin.add_user(office, {"login": "ann", "name": "Ann", "role": "agent", "os_account": "jane"})
    assert (taken.value.field, "jane" in taken.value.message) == ("os_account", True)
    assert admin.edit_user(office, "jane", {"os_account": "jane"})["os_account"] == "jane"


def test_the_last_principal_stays_and_nobody_disables_himself(office: Office) -> None:
    with pytest.raises(Refused) as last:
        admin.edit_user(office, "boss", {"role": "director"})
    assert last.value.code == "last_principal"
    with pytest.raises(Refused):
        admin.set_user_active(office, "boss", False)
    add_users(office, "dora:principal")
    with pytest.raises(Refused):
        admin.set_user_active(office, "boss", False)  # herself, still
    admin.set_user_active(office, "dora", False)
    with pytest.raises(Refused):  # a disabled principal does not count
        admin.edit_user(office, "boss", {"role": "director"})
    admin.set_user_active(office, "dora", True)
    assert admin.edit_user(office, "boss", {"role": "director"})["role"] == "director"
    with acting_as(office, "dora") as dora, pytest.raises(Refused) as now_last:
        admin.edit_user(dora, "dora", {"role": "agent"})
    assert now_last.value.code == "last_principal"


def test_the_machine_is_no_user_to_manage(office: Office) -> None:
    for act in (
        lambda: admin.edit_user(office, "system", {"name": "x"}),
        lambda: admin.set_user_active(office, "system", True),
        lambda: admin.edit_user(office, "nobody-here", {"name": "x"}),
    ):
        with pytest.raises(NotFound) as missing:
            act()
        assert missing.value.field == "login"
    with pytest.raises(NotPermitted):
        open_office(str(office.store.path), as_login="system")
    with pytest.raises(Invalid):
        add(office, assigned_to="system")


def test_a_disabled_user_keeps_leads_and_gets_no_new_ones(office: Office) -> None:
    add_users(office, "jane:agent")
    lead_id = add(office, "0722000001", assigned_to="jane")
    admin.set_user_active(office, "jane", False)
    assert leads.get(office, lead_id).row.assigned_to == "jane"
    with pytest.raises(Invalid) as refused:
        add(office, "0722000002", assigned_to="jane")
    assert refused.value.field == "assigned_to"
    assert add(office, "0722000003", assigned_to="auto")
    assert leads.count(office, "assigned:boss") == 1
    admin.set_user_active(office, "jane", True)
    assert [e.action for e in history.audit(office, entity="user")[1]] == ["enable", "disable", "create"]


def test_an_administrator_makes_nobody_principal_nor_himself_more(ada: Office, office: Office) -> None:
    add_users(office, "dora:principal", "jane:agent")
    before = everything(office)
    for act in (
        lambda: admin.edit_user(ada, "ada", {"role": "principal"}),
        lambda: admin.edit_user(ada, "jane", {"role": "principal"}),
        lambda: admin.add_user(ada, {"login": "x", "name": "X", "role": "principal"}),
        lambda: admin.edit_user(ada, "dora", {"role": "agent"}),
        lambda: admin.edit_user(ada, "dora", {"os_account": "ada-too"}),
        lambda: admin.set_user_active(ada, "dora", False),
        lambda: admin.set_role(ada, "admin", "reopen", "all"),
        lambda: admin.set_role(ada, "admin", "purge", "all"),
        lambda: admin.set_role(ada, "agent", "reopen", "own"),
    ):
        with pytest.raises(NotPermitted) as refused:
            act()
        assert refused.value.field in ("role", "action")
    assert everything(office) == before
    assert admin.edit_user(ada, "jane", {"role": "technician"})["role"] == "technician"
    assert admin.add_user(ada, {"login": "new", "name": "New", "role": "agent"})["login"] == "new"
    assert admin.set_user_active(ada, "jane", False)["is_active"] is False


def test_only_who_manages_users_sees_their_accounts(office: Office) -> None:
    add_users(office, "jane:agent", os_account="jane", phone="0722000111")
    with acting_as(office, "jane") as jane:
        (row,) = [u for u in admin.users(jane) if u["login"] == "jane"]
        assert not {"phone", "email", "os_account"} & set(row)
        assert row["name"] == "Jane"
        for act in (
            lambda: admin.add_user(jane, {"login": "x", "name": "X", "role": "agent"}),
            lambda: admin.edit_user(jane, "jane", {"role": "principal"}),
            lambda: admin.set_user_active(jane, "boss", False),
            lambda: admin.set_role(jane, "agent", "read", "all"),
        ):
            with pytest.raises(NotPermitted):
                act()


# -- the matrix -----------------------------------------------------------------------------------------------------


def test_a_cell_is_changed_and_counts_at_once(office: Office) -> None:
    add_users(office, "jane:agent")
    add(office)
    with acting_as(office, "jane") as jane:
        assert leads.count(jane) == 0
        changed = admin.set_role(office, "agent", "lead.read", "ALL")
        assert changed["permissions"]["read"] == "all"
        assert leads.count(jane) == 1
        admin.set_role(office, "agent", "read", "none")
        assert leads.count(jane) == 0
    (entry, *_) = history.audit(office, entity="role")[1]
    assert dict(entry.changes) == {"agent.read": ("all", "none")}


def test_a_limit_on_stages_outlives_a_change_of_scope(office: Office) -> None:
    assert admin.set_role(office, "technician", "status", "all")["limits"] == {"status": ["site_survey_scheduled"]}
    add_users(office, "tom:technician")
    admin.set_role(office, "technician", "read", "all")
    lead_id = add(office)
    from leadtui.services import status

    with acting_as(office, "tom") as tom, pytest.raises(NotPermitted):
        status.set_status(tom, lead_id, "Contacted")


@pytest.mark.parametrize(
    ("role", "action", "scope", "error", "field"),
    [
        ("agent", "fly", "all", Invalid, "action"),
        ("agent", "read", "everything", Invalid, "scope"),
        ("agent", "config", "own", Invalid, "scope"),
        ("agent", "users", "branch", Invalid, "scope"),
        ("emperor", "read", "all", NotFound, "role"),
        ("principal", "read", "none", Refused, "role"),
        ("principal", "users", "none", Refused, "role"),
    ],
)
def test_a_bad_cell_is_refused(
    office: Office, role: str, action: str, scope: str, error: type[LeadtuiError], field: str
) -> None:
    with pytest.raises(error) as refused:
        admin.set_role(office, role, action, scope)
    assert refused.value.field == field


def test_roles_list_every_action_and_their_people(office: Office) -> None:
    add_users(office, "jane:agent", "ann:agent")
    found = {r["key"]: r for r in admin.roles(office)}
    assert list(found) == [
        "principal", "director", "agent", "agent_junior", "collections", "branch_user", "technician", "admin",
    ]  # fmt: skip
    assert all(set(r["permissions"]) == set(ACTIONS) for r in found.values())
    assert found["agent"]["users"] == ["jane", "ann"]
    assert found["technician"]["hidden_fields"] == ["budget", "installation_fee", "monthly_fee", "total_amount"]
    assert admin.role(office, "Sales Director")["key"] == "director"
    with pytest.raises(NotFound):
        admin.role(office, "emperor")
