"""Making an office, opening it, and who acts in it (contract "Everywhere", answers 4 and 6)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from leadtui.errors import DatabaseUnreachable, Invalid, LeadtuiError, NotPermitted, Refused
from leadtui.services import admin, history, leads
from leadtui.services.office import Office, create_office, default_db, open_office, os_account
from tests.services.lead_help import add, add_users, everything

Become = Callable[[str], None]


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Become:
    """Run as another OS account."""
    return lambda account: monkeypatch.setattr("leadtui.services.office.os_account", lambda: account)


def who(db: str, as_login: str | None = None) -> str:
    office = open_office(db, as_login=as_login)
    try:
        return office.actor.login
    finally:
        office.close()


def test_init_makes_its_account_owner_and_first_principal(make_office: Callable[..., Office], db_url: str) -> None:
    office = make_office("isp")
    (boss,) = admin.users(office)
    assert (boss["login"], boss["role"], boss["os_account"]) == ("boss", "principal", os_account())
    assert office.is_owner
    assert (office.country, office.currency, office.tz.key) == ("KE", "KES", "Africa/Nairobi")
    assert leads.count(office) == 0
    with pytest.raises(Refused) as twice:
        create_office(db_url, preset="insurance")
    assert (twice.value.code, twice.value.field) == ("exists", "db")
    assert [p.key for p in office.catalog.pipelines] == ["isp"]


def test_init_takes_the_country_currency_and_zone(tmp_path: Path) -> None:
    office = create_office(str(tmp_path / "a.db"), preset="estate", admin="ann", country="gb", currency="gbp",
                           timezone="Europe/London")  # fmt: skip
    assert (office.country, office.currency, office.tz.key) == ("GB", "GBP", "Europe/London")
    assert office.actor.login == "ann"
    office.close()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"preset": "bakery"}, "preset"),
        ({"country": "XX"}, "country"),
        ({"currency": "gold"}, "currency"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"admin": "two words"}, "login"),
    ],
)
def test_a_bad_option_leaves_no_database(tmp_path: Path, options: dict[str, str], field: str) -> None:
    db = tmp_path / "a.db"
    with pytest.raises(Invalid) as refused:
        create_office(str(db), **{"preset": "isp", "admin": "boss", **options})
    assert refused.value.field == field
    assert not db.exists()


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    db = tmp_path / "letter.txt"
    db.write_text("Dear Sir")
    with pytest.raises(LeadtuiError):
        create_office(str(db), preset="isp", admin="boss")
    with pytest.raises(LeadtuiError):
        open_office(str(db))
    assert db.read_text() == "Dear Sir"


def test_opening_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable) as missing:
        open_office(str(tmp_path / "none.db"))
    assert missing.value.code == "no_database"
    assert not (tmp_path / "none.db").exists()


def test_where_the_database_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Option, environment, file, default (contract)."""
    (tmp_path / "config.toml").write_text(f'db = "{tmp_path}/from-file.db"\n')
    assert default_db().endswith("leadtui.db")
    monkeypatch.setenv("LEADTUI_CONFIG", str(tmp_path / "config.toml"))
    assert default_db() == f"{tmp_path}/from-file.db"
    monkeypatch.setenv("LEADTUI_DB", "elsewhere.db")
    assert default_db() == "elsewhere.db"


# -- who acts -------------------------------------------------------------------------------------------------------


def test_the_account_decides_who_acts(office: Office, db_url: str, become: Become) -> None:
    add_users(office, "jane:agent", os_account="jane-at-work")
    assert who(db_url) == "boss"
    become("jane-at-work")
    assert who(db_url) == "jane"
    become("a-stranger")
    with pytest.raises(NotPermitted) as unknown:
        open_office(db_url)
    assert unknown.value.code == "unknown_user"
    assert "a-stranger" in unknown.value.message


def test_as_is_for_the_owner_for_principals_and_administrators(office: Office, db_url: str, become: Become) -> None:
    roles = ("principal", "director", "agent", "agent_junior", "collections", "branch_user", "technician", "admin")
    for role in roles:
        add_users(office, f"{role}:{role}", os_account=f"{role}-account")
    assert who(db_url, "agent") == "agent"
    for role in roles:
        become(f"{role}-account")
        assert who(db_url, role) == role  # oneself needs no right
        if role in ("principal", "admin"):
            assert who(db_url, "agent") == "agent"
            with pytest.raises(Invalid) as nobody:
                open_office(db_url, as_login="nobody-here")
            assert nobody.value.field == "as"
        else:
            for login in ("boss", "nobody-here"):  # who may not is not told either who there is
                with pytest.raises(NotPermitted) as refused:
                    open_office(db_url, as_login=login)
                assert refused.value.field == "as"
    become("a-stranger")
    with pytest.raises(NotPermitted):
        open_office(db_url, as_login="boss")


def test_the_owner_may_act_as_anybody_even_when_he_is_no_user_any_more(
    office: Office, db_url: str, become: Become
) -> None:
    add_users(office, "dora:principal")
    admin.edit_user(office, "boss", {"os_account": "somebody-else"})
    with pytest.raises(NotPermitted) as unknown:
        open_office(db_url)
    assert "--as" in (unknown.value.hint or "")
    assert who(db_url, "dora") == "dora"


def test_a_disabled_user_neither_acts_nor_is_acted_for(office: Office, db_url: str, become: Become) -> None:
    add_users(office, "jane:agent", "ada:admin")
    admin.edit_user(office, "jane", {"os_account": "jane"})
    admin.edit_user(office, "ada", {"os_account": "ada"})
    for login in ("jane", "ada"):
        admin.set_user_active(office, login, False)
        with pytest.raises(NotPermitted) as refused:
            open_office(db_url, as_login=login)
        assert refused.value.code == "disabled_user"
    become("jane")
    with pytest.raises(NotPermitted):
        open_office(db_url)
    become("ada")  # an administrator who was sent away impersonates nobody
    with pytest.raises(NotPermitted):
        open_office(db_url, as_login="boss")


def test_the_environment_says_as_too_and_the_option_goes_first(
    office: Office, db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_users(office, "jane:agent", "ann:agent")
    monkeypatch.setenv("LEADTUI_AS", "jane")
    assert who(db_url) == "jane"
    assert who(db_url, "ann") == "ann"
    monkeypatch.setenv("LEADTUI_AS", "")
    assert who(db_url) == "boss"


def test_the_account_is_not_what_the_environment_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os_account()
    for name in ("USER", "LOGNAME", "USERNAME", "LNAME"):
        monkeypatch.setenv(name, "root-or-so")
    assert os_account() == real


def test_the_audit_tells_who_really_acted(office: Office, db_url: str, become: Become) -> None:
    add_users(office, "jane:agent")
    jane = open_office(db_url, as_login="jane", origin="tui")
    add(jane)
    jane.close()
    (entry,) = history.audit(office, entity="lead")[1]
    assert (entry.user, entry.origin) == ("jane", f"tui:{os_account()} as jane")
    become("x" * 200)
    admin.edit_user(office, "jane", {"os_account": "x" * 100})
    become("x" * 100)
    long = open_office(db_url)
    add(long, "0722000222")
    long.close()
    assert len(history.audit(office, entity="lead")[1][0].origin) == 100


def test_a_failed_write_leaves_nothing(office: Office) -> None:
    before = everything(office)

    def fail_half_way() -> None:
        with office.write() as tx:
            tx.open_batch("edit", "x")
            tx.audit("edit", "lead", 1, None, {"x": 1})
            tx.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert everything(office) == before
