"""Asking routers: all side by side, who they are, other boxes, versions, certificates, areas and branches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import insert, select

from leadtui.errors import Invalid, NotFound, NotPermitted
from leadtui.router.port import CancelToken, RouterTlsError
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import admin, routers, secrets
from leadtui.services.office import Office
from leadtui.store import schema as t

Acting = Callable[[str], Office]


def put(office: Office, simulator: Simulator, name: str, **values: str) -> None:
    address = {"host": simulator.host, "port": str(simulator.port), "username": "admin", "password": "admin"}
    routers.add(office, {"name": name} | address | values)


@pytest.fixture
def three(office: Office) -> Iterator[dict[str, Simulator]]:
    """Three training routers on the list of the office: A, B, C."""
    with ExitStack() as stack:
        running = {name: stack.enter_context(Simulator(identity=f"BOX-{name}")) for name in "ABC"}
        for name, simulator in running.items():
            put(office, simulator, name)
        yield running


def last_audit(office: Office, entity: str = "router") -> Any:
    with office.read() as tx:
        query = select(t.audit).where(t.audit.c.entity == entity).order_by(t.audit.c.id.desc()).limit(1)
        return tx.conn.execute(query).one()


@pytest.fixture
def agent(office: Office, acting: Acting) -> Office:
    admin.add_user(office, {"login": "ann", "name": "Ann", "role": "agent"})
    return acting("ann")


# -- side by side ----------------------------------------------------------------------------------------------------
def test_a_hanging_router_delays_no_other(office: Office, three: dict[str, Simulator]) -> None:
    three["A"].faults.add(FaultRule("/login", "hang_before"))
    order: list[str] = []

    def on_answer(name: str, answer: routers.RouterAnswer) -> None:
        order.append(name)
        assert routers.get(office, name)["identity"] == (answer.identity if answer.ok else None)
        if len(order) == 2:
            assert set(order) == {"B", "C"}
            three["A"].stop()  # only now it lets go: were A waited for first, it would answer by its deadline

    answers = routers.probe_all(office, on_answer)
    assert order[2] == "A"
    assert {name: answer.identity for name, answer in answers.items()} == {"B": "BOX-B", "C": "BOX-C", "A": None}
    assert "within" not in (answers["A"].error or "")
    assert routers.get(office, "A")["last_error"] == answers["A"].error


def test_all_hang_at_once_and_cancel_ends_it(office: Office, three: dict[str, Simulator]) -> None:
    for simulator in three.values():
        simulator.faults.add(FaultRule("/system/identity", "hang_before"))
    token = CancelToken()
    answered: list[str] = []
    asked = threading.Thread(
        target=lambda: routers.probe_all(office, lambda name, _: answered.append(name), cancel=token)
    )
    asked.start()
    for simulator in three.values():  # each hangs while the others do: they are asked side by side
        assert simulator.faults.wait_fired()
    token.cancel()
    asked.join(5)
    assert not asked.is_alive()
    assert answered == []
    assert [record["last_error"] for record in routers.list_routers(office)] == [None, None, None]


def test_which_routers_are_asked(office: Office, three: dict[str, Simulator]) -> None:
    def nobody(name: str, answer: routers.RouterAnswer) -> None: ...

    routers.edit(office, "B", {"is_active": "no"})
    assert set(routers.probe_all(office, nobody)) == {"A", "C"}
    assert set(routers.probe_all(office, nobody, names=["b", "B"])) == {"B"}
    with pytest.raises(NotFound):
        routers.probe_all(office, nobody, names=["A", "nowhere"])


def test_a_password_that_cannot_be_opened_stops_one_router(office: Office, three: dict[str, Simulator]) -> None:
    with office.write() as tx:
        ref = tx.conn.execute(select(t.router.c.secret_ref).where(t.router.c.name == "A")).scalar_one()
        secrets.drop(tx, ref)
    answers = routers.probe_all(office, lambda *_: None)
    assert (answers["A"].ok, answers["B"].ok, answers["C"].ok) == (False, True, True)
    assert "not stored" in (answers["A"].error or "")
    assert routers.get(office, "A")["last_error"] is None


def test_what_the_listener_raises_ends_the_asking(office: Office, three: dict[str, Simulator]) -> None:
    def broken(name: str, answer: routers.RouterAnswer) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        routers.probe_all(office, broken)


def test_who_may_ask(office: Office, acting: Acting) -> None:
    admin.add_user(office, {"login": "col", "name": "Col", "role": "collections"})
    with pytest.raises(NotPermitted):
        routers.probe_all(acting("col"), lambda *_: None)


# -- who it is -------------------------------------------------------------------------------------------------------
def test_another_box_is_never_taken_over_silently(office: Office, three: dict[str, Simulator], agent: Office) -> None:
    assert routers.test(office, "A").known_as is None
    three["A"].state.identity = "SOMEBODY-ELSE"
    for answer in (routers.test(office, "A"), routers.probe_all(office, lambda *_: None)["A"]):
        assert (answer.ok, answer.identity, answer.known_as) == (True, "SOMEBODY-ELSE", "BOX-A")
        assert "SOMEBODY-ELSE" in (answer.warning or "")
        record = routers.get(office, "A")
        assert record["identity"] == "BOX-A"
        assert "not accepted yet" in record["last_error"]
    with pytest.raises(NotPermitted):
        routers.test(agent, "A", accept=True)
    with pytest.raises(NotPermitted):
        routers.accept_identity(agent, "A", answer)
    assert routers.get(office, "A")["identity"] == "BOX-A"
    accepted = routers.test(office, "A", accept=True)
    assert (accepted.known_as, accepted.warnings) == (None, ())
    record = routers.get(office, "A")
    assert (record["identity"], record["last_error"]) == ("SOMEBODY-ELSE", None)
    row = last_audit(office)
    assert row.action == "accept"
    assert (row.before_json["identity"], row.after_json["identity"]) == ("BOX-A", "SOMEBODY-ELSE")
    assert routers.test(office, "A").warnings == ()


def test_a_box_that_came_back_is_no_longer_in_doubt(office: Office, three: dict[str, Simulator]) -> None:
    routers.test(office, "A")
    three["A"].state.identity = "SOMEBODY-ELSE"
    routers.test(office, "A")
    three["A"].state.identity = "BOX-A"
    assert routers.test(office, "A").warnings == ()
    assert routers.get(office, "A")["last_error"] is None


@pytest.mark.parametrize(
    ("before", "now", "warned"),
    [
        ("7.18.2 (stable)", "7.19 (stable)", "7.19 (stable) now, and 7.18.2"),
        ("6.39.3", "6.39.3", "before 6.40"),
        ("6.40", "6.40", None),
        ("next generation", "next generation", "cannot be read"),
    ],
)
def test_versions(sqlite_office: Office, before: str, now: str, warned: str | None) -> None:
    with Simulator(version=before) as first:
        put(sqlite_office, first, "A")
        routers.test(sqlite_office, "A")
        first.stop()
        with Simulator(version=now, port=first.port):
            answer = routers.test(sqlite_office, "A")
    assert answer.ok
    assert (answer.warning is None) == (warned is None)
    assert (warned or "") in (answer.warning or "")
    assert routers.get(sqlite_office, "A")["version"] == now


def test_what_a_router_says_fits_its_record(office: Office, three: dict[str, Simulator]) -> None:
    three["A"].state.identity = "x" * 290
    assert routers.test(office, "A").ok
    assert routers.test(office, "A").known_as is None
    assert len(routers.get(office, "A")["identity"]) == 255


# -- certificates ----------------------------------------------------------------------------------------------------
def test_trusting_the_certificate_that_is_shown_now(office: Office, agent: Office) -> None:
    with Simulator(tls=True) as encrypted:
        put(office, encrypted, "A B", tls="ca")
        answer = routers.test(office, "A B")
        assert (answer.ok, answer.fingerprint) == (False, encrypted.fingerprint)
        assert f"leadtui router trust 'A B' --fingerprint {encrypted.fingerprint}" in (answer.hint or "")
        assert routers.fingerprint(agent, "A B") == encrypted.fingerprint
        with pytest.raises(NotPermitted):
            routers.trust(agent, "A B", encrypted.fingerprint)
        with pytest.raises(Invalid) as invalid:
            routers.trust(office, "A B", "beef")
        assert invalid.value.field == "fingerprint"
        with pytest.raises(RouterTlsError) as caught:
            routers.trust(office, "A B", "00" * 32)
        assert caught.value.fingerprint == encrypted.fingerprint
        assert routers.get(office, "A B")["tls"] == "ca"
        spelled = ":".join(encrypted.fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
        record = routers.trust(office, "A B", spelled)
        assert (record["tls"], record["tls_pin"], record["port"]) == ("pin", encrypted.fingerprint, encrypted.port)
        row = last_audit(office)
        assert (row.action, row.before_json["tls"], row.after_json["tls"]) == ("trust", "ca", "pin")
        assert routers.test(office, "A B").ok


def test_a_renewed_certificate_is_not_accepted(office: Office) -> None:
    with Simulator(tls=True) as first:
        put(office, first, "A", tls="pin", tls_pin=first.fingerprint)
        assert routers.test(office, "A").ok
        first.stop()
        with Simulator(tls=True, port=first.port) as second:
            answer = routers.test(office, "A")
            assert (answer.ok, answer.fingerprint) == (False, second.fingerprint)
            assert routers.get(office, "A")["last_error"]
            routers.trust(office, "A", second.fingerprint)
            assert routers.get(office, "A")["last_error"] is None
            assert routers.test(office, "A").ok


def test_from_plain_to_a_pinned_certificate_is_the_same_box(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual ports: 8728 plain, 8729 with TLS; what was known of the box stays known."""
    asked: list[tuple[str, int]] = []

    def shown(host: str, port: int, **_: Any) -> str:
        asked.append((host, port))
        return "ab" * 32

    monkeypatch.setattr("leadtui.services.router_probe.read_fingerprint", shown)
    routers.add(sqlite_office, {"name": "A", "host": "10.0.0.1", "username": "api", "password": "x"})
    with sqlite_office.write() as tx:
        tx.conn.execute(t.router.update().values(identity="BOX-A"))
    record = routers.trust(sqlite_office, "A", "ab" * 32)
    assert asked == [("10.0.0.1", 8729)]
    assert (record["tls"], record["port"], record["identity"]) == ("pin", 8729, "BOX-A")
    assert routers.edit(sqlite_office, "A", {"tls": "plain"})["identity"] == "BOX-A"
    assert routers.edit(sqlite_office, "A", {"tls": "pin", "port": "9000"})["identity"] is None


def test_warnings_of_how_a_router_is_reached() -> None:
    said = {tls: routers.tls_warning({"name": "A", "tls": tls}) for tls in ("plain", "anonymous", "pin", "ca")}
    assert "unencrypted" in (said["plain"] or "")
    assert "anybody" in (said["anonymous"] or "")
    assert (said["pin"], said["ca"]) == (None, None)


# -- areas and branches ----------------------------------------------------------------------------------------------
def test_areas_and_branch(office: Office) -> None:
    admin.add(office, "branch", {"name": "Westlands"})
    given = {"name": "A", "host": "10.0.0.1", "username": "api", "password": "x"}
    made = routers.add(
        office, given | {"areas": " Westlands,parklands ;\nWESTLANDS, \x1b[2JRiver  side ,", "branch": "westlands"}
    )
    assert (made["areas"], made["branch"]) == (["Westlands", "parklands", "[2JRiver side"], "Westlands")
    assert routers.edit(office, "A", {"areas": "Karen"})["areas"] == ["Karen"]
    assert routers.get(office, "A")["branch"] == "Westlands"
    row = last_audit(office)
    assert row.before_json == {"areas": ["Westlands", "parklands", "[2JRiver side"]}
    assert row.after_json == {"areas": ["Karen"]}
    emptied = routers.edit(office, "A", {"areas": "", "branch": ""})
    assert (emptied["areas"], emptied["branch"]) == ([], None)
    for values, field in (({"branch": "nowhere"}, "branch"), ({"areas": "x" * 81}, "areas")):
        with pytest.raises(Invalid) as caught:
            routers.edit(office, "A", values)
        assert caught.value.field == field
    with pytest.raises(Invalid):
        routers.edit(office, "A", {"areas": ",".join(f"place {n}" for n in range(51))})


def test_what_is_known_of_a_router_goes_with_it(office: Office) -> None:
    """Figures of a box are not those of another, and a removed router leaves no rows behind."""
    given = {"host": "10.0.0.1", "username": "api", "password": "x"}
    for name in ("A", "B"):
        made = routers.add(office, {"name": name} | given)
        with office.write() as tx:
            tx.conn.execute(insert(t.router_capacity).values(router_id=made["id"], asked_at=tx.now, sessions=7))
            product = next(iter(tx.catalog.products))
            values = {"router_id": made["id"], "product_id": product.id, "service": "pppoe", "name": "20M"}
            tx.conn.execute(insert(t.router_profile).values(**values, pushed_at=tx.now))
    routers.edit(office, "A", {"host": "10.0.0.2"})
    routers.remove(office, "B")
    with office.read() as tx:
        assert tx.conn.execute(select(t.router_capacity.c.router_id)).all() == []
        assert len(tx.conn.execute(select(t.router_profile.c.router_id)).all()) == 1
