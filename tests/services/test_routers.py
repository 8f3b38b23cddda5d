"""The list of routers, their secrets, what they answer (spec AH14; contract "router")."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import select, update

from leadtui.errors import Duplicate, Invalid, NotFound, NotPermitted, Refused
from leadtui.router.port import CancelToken
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import routers, secrets
from leadtui.services.conversion import convert
from leadtui.services.office import Office
from leadtui.services.secrets import SecretKeyError
from leadtui.store import schema as t

from .conversion_help import ROUTER, acting, add_router, new_lead, wanting


def test_adding_keeps_the_password_out_of_sight(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator, password="Sup3r-secret")
    record = routers.get(office, "wl-rtr-1")
    assert (record["name"], record["port"], record["tls"]) == (ROUTER, simulator.port, "plain")
    assert "password" not in record
    with office.read() as tx:
        everything = repr([tuple(r) for table in (t.router, t.secret, t.audit) for r in tx.conn.execute(select(table))])
        ref = tx.conn.execute(select(t.router.c.secret_ref)).scalar_one()
        assert secrets.get(tx, office, ref).reveal() == "Sup3r-secret"
    assert "Sup3r-secret" not in everything
    assert stat.S_IMODE(secrets.key_path(office).stat().st_mode) == 0o600


def test_what_is_wrong_is_named(office: Office) -> None:
    wrong = [
        ({"host": ""}, "host"),
        ({"host": "http://10.0.0.1"}, "host"),
        ({"port": "0"}, "port"),
        ({"port": "x"}, "port"),
        ({"tls": "maybe"}, "tls"),
        ({"tls": "pin"}, "tls_pin"),
        ({"tls": "pin", "tls_pin": "abc"}, "tls_pin"),
        ({"service": "dialup"}, "service"),
        ({"password": ""}, "password"),
        ({"colour": "red"}, "colour"),
    ]
    good = {"name": "R", "host": "10.0.0.1", "username": "api", "password": "x"}
    for values, field in wrong:
        with pytest.raises(Invalid) as caught:
            routers.add(office, good | values)
        assert caught.value.field == field
    assert routers.list_routers(office) == []


def test_ports_follow_tls(office: Office) -> None:
    base = {"host": "10.0.0.1", "username": "api", "password": "x"}
    assert routers.add(office, base | {"name": "A"})["port"] == 8728
    assert routers.add(office, base | {"name": "B", "tls": "anonymous"})["port"] == 8729
    assert routers.edit(office, "A", {"tls": "ca"})["port"] == 8729
    assert routers.edit(office, "B", {"port": "9000"})["port"] == 9000
    with pytest.raises(Duplicate):
        routers.add(office, base | {"name": "a"})
    with pytest.raises(Duplicate):
        routers.edit(office, "A", {"name": "b"})
    with pytest.raises(NotFound):
        routers.get(office, "C")


def test_testing_remembers_the_answer(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    answer = routers.test(office, ROUTER)
    assert set(answer.as_json()) == {"ok", "identity", "version", "board", "latency_ms", "error"}
    assert answer.ok
    record = routers.get(office, ROUTER)
    assert (record["identity"], record["last_error"]) == ("WL-RTR-1", None)
    assert record["last_ok_at"] is not None
    simulator.faults.add(FaultRule("/login", "refuse", text="invalid user name or password (6)"))
    assert not routers.test(office, ROUTER).ok
    assert "invalid user name" in routers.get(office, ROUTER)["last_error"]
    routers.edit(office, ROUTER, {"host": "localhost"})
    assert routers.get(office, ROUTER)["identity"] is None


def test_a_cancelled_test_is_not_remembered(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    token = CancelToken()
    token.cancel()
    assert not routers.test(office, ROUTER, cancel=token).ok
    assert routers.get(office, ROUTER)["last_error"] is None


def test_pinned_tls(office: Office) -> None:
    with Simulator(tls=True) as encrypted:
        add_router(office, encrypted, tls="pin", tls_pin=encrypted.fingerprint)
        assert routers.test(office, ROUTER).ok
        other = "00" * 32
        routers.edit(office, ROUTER, {"tls_pin": other})
        answer = routers.test(office, ROUTER)
        assert (answer.ok, answer.fingerprint) == (False, encrypted.fingerprint)


def test_users_and_profiles(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    result = convert(office, lead.id, wanting())
    found = routers.users(office, ROUTER)
    assert (found["total"], found["foreign_count"]) == (1, 3)
    assert found["users"][0] == {
        "username": "achieng.odhiambo", "service": "pppoe", "profile": "20M", "ip": None, "state": "active",
        "lead_number": lead.number, "customer_id": result.lead.customer_id,
    }  # fmt: skip
    secret = routers.reveal(office, ROUTER, "pppoe", "achieng.odhiambo")
    assert secret == result.password
    simulator.remove("/ppp/secret", "achieng.odhiambo")
    simulator.add("/ppp/secret", name="x", password="abcd", service="pppoe", profile="20M", comment="leadtui:LD-1")
    assert {user["username"]: user["state"] for user in routers.users(office, ROUTER)["users"]} == {
        "achieng.odhiambo": "missing", "x": "orphaned",
    }  # fmt: skip
    assert "20M" in {profile["name"] for profile in routers.profiles(office, ROUTER)}


def test_users_of_leads_that_are_not_ones_own_are_only_counted(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    lead = new_lead(office)
    convert(office, lead.id, wanting())
    agent, admin = acting(office, "agent"), acting(office, "admin")
    found = routers.users(agent, ROUTER)
    assert (found["total"], found["users"], found["hidden_count"]) == (0, [], 1)
    (user,) = routers.users(admin, ROUTER)["users"]
    assert (user["username"], user["lead_number"], user["customer_id"]) == ("achieng.odhiambo", None, None)
    with office.write() as tx:
        tx.conn.execute(update(t.lead).values(assigned_to_id=agent.user_id))
    found = routers.users(agent, ROUTER)
    assert ([user["lead_number"] for user in found["users"]], found["hidden_count"]) == ([lead.number], 0)


def test_a_service_is_checked_before_the_router_is_asked(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    simulator.faults.add(FaultRule("/login", "refuse", text="no"))
    with pytest.raises(Invalid) as caught:
        routers.profiles(office, ROUTER, service="dialup")
    assert caught.value.field == "service"


def test_removing(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    add_router(office, simulator, name="spare")
    convert(office, new_lead(office).id, wanting())
    with pytest.raises(Refused, match="1 user of our customers"):
        routers.remove(office, ROUTER)
    routers.remove(office, "spare")
    assert [record["name"] for record in routers.list_routers(office)] == [ROUTER]


def test_open_jobs_keep_a_router(office: Office, simulator: Simulator) -> None:
    from leadtui.router.port import RouterFault

    add_router(office, simulator)
    simulator.faults.add(FaultRule("/ppp/secret/add", "drop_before"))
    with pytest.raises(RouterFault):
        convert(office, new_lead(office).id, wanting())
    for act in (lambda: routers.remove(office, ROUTER), lambda: routers.edit(office, ROUTER, {"port": "1"})):
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.code == "open_jobs"


def test_an_inactive_router_is_not_offered(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    assert routers.edit(office, ROUTER, {"is_active": "no"})["is_active"] is False
    with pytest.raises(Invalid) as caught:
        convert(office, new_lead(office).id, wanting())
    assert caught.value.field == "router"


def test_who_may_see_and_change_routers(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    agent = acting(office, "agent")
    assert [record["name"] for record in routers.list_routers(agent)] == [ROUTER]
    assert routers.test(agent, ROUTER).ok
    for act in (
        lambda: routers.add(agent, {"name": "B", "host": "h", "username": "u", "password": "p"}),
        lambda: routers.edit(agent, ROUTER, {"host": "h"}),
        lambda: routers.remove(agent, ROUTER),
        lambda: routers.list_routers(acting(office, "collections")),
    ):
        with pytest.raises(NotPermitted):
            act()
    assert routers.get(acting(office, "admin"), ROUTER)["name"] == ROUTER


def test_the_key_is_missing_or_another_one(office: Office, simulator: Simulator, tmp_path: Path) -> None:
    add_router(office, simulator)
    key = secrets.key_path(office)
    key.rename(tmp_path / "kept")
    with pytest.raises(SecretKeyError, match="missing") as caught:
        routers.test(office, ROUTER)
    assert "LEADTUI_KEY_FILE" in (caught.value.hint or "")
    with pytest.raises(SecretKeyError):  # no second key is made while secrets of the first are there
        add_router(office, simulator, name="B")
    key.write_text("nonsense")
    with pytest.raises(SecretKeyError, match="not a key"):
        routers.test(office, ROUTER)
    from cryptography.fernet import Fernet

    key.write_bytes(Fernet.generate_key())
    with pytest.raises(SecretKeyError, match="does not open"):
        routers.test(office, ROUTER)
    (tmp_path / "kept").rename(key)
    assert routers.test(office, ROUTER).ok
