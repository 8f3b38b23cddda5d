"""Renaming profiles with their users, Hotspot profiles that carry no mark, and what is left when an answer is lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from leadtui.errors import DatabaseUnreachable
from leadtui.router.port import tag_for
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import admin, history, leads, package_push
from leadtui.services.office import Office
from leadtui.services.package_push import drift, preview, push
from leadtui.store import schema as t

from .package_help import (
    HOME,
    HOTSPOT,
    PPP,
    ROUTER,
    add_package,
    add_router,
    convert,
    name_on,
    outcomes,
    profile,
    remembered,
    without,
)


def test_renaming_takes_the_users_along(office: Office, simulator: Simulator) -> None:
    package = add_package(office)
    add_router(office, simulator)
    push(office, HOME)
    convert(office, "Achieng Odhiambo", HOME)
    other = convert(office, "Brian Kamau", "20 Mbps Home").router_user
    admin.edit(office, "package", str(package), {"profile": "Fibre", "download": "25M"})
    assert name_on(office) == "FH", "until it is pushed the old name stands there"
    (row,) = [r for r in drift(office) if r.package == HOME]
    assert (row.outcome, [d.field for d in row.differences]) == ("rename", ["name", "rate_limit"])
    assert outcomes(push(office, HOME)) == {ROUTER: "rename"}
    assert (name_on(office), profile(simulator, "Fibre")["rate-limit"]) == ("Fibre", "5M/25M")
    assert {row["name"]: row["profile"] for row in simulator.secrets()}["achieng.odhiambo"] == "Fibre"
    with office.read() as tx:
        user = t.router_user.c
        stored = dict(tx.conn.execute(select(user.username, user.profile)).all())
    assert stored == {"achieng.odhiambo": "Fibre", other.username: "20M"}
    convert(office, "Mercy Wambui", HOME)
    assert "FH" not in {row["name"] for row in simulator.rows(PPP)}


def test_a_name_that_is_taken_is_not_renamed_to(office: Office, simulator: Simulator) -> None:
    package = add_package(office)
    add_router(office, simulator)
    push(office, HOME)
    admin.edit(office, "package", str(package), {"profile": "50M"})
    before = simulator.rows(PPP)
    assert outcomes(push(office, HOME)) == outcomes(preview(office, HOME)) == {ROUTER: "foreign"}
    assert (simulator.rows(PPP), name_on(office)) == (before, "FH")


def test_a_rename_whose_answer_was_lost_is_finished_by_the_next_push(office: Office, simulator: Simulator) -> None:
    package = add_package(office)
    without(office, HOME)
    add_router(office, simulator)
    push(office, HOME)
    convert(office, "Achieng Odhiambo", HOME)
    admin.edit(office, "package", str(package), {"profile": "Fibre"})
    simulator.faults.add(FaultRule("/ppp/profile/set", "drop_after"))
    (row,) = push(office, HOME)
    assert (row.outcome, row.exit_code) == ("error", 6) and "not known" in str(row.error)
    assert "Fibre" in {r["name"] for r in simulator.rows(PPP)}
    assert [(r.outcome, r.differences[0].field) for r in drift(office)] == [("rename", "name")]
    assert outcomes(push(office, HOME)) == {ROUTER: "rename"}
    with office.read() as tx:
        assert tx.conn.execute(select(t.router_user.c.profile)).scalars().all() == ["Fibre"]
    assert (name_on(office), drift(office)) == ("Fibre", ())


def test_nothing_is_renamed_while_users_are_being_made(office: Office, simulator: Simulator) -> None:
    from leadtui.services import provision_jobs

    package = add_package(office)
    add_router(office, simulator)
    push(office, HOME)
    lead = leads.create(office, {"phone": "0722000111"}).lead
    admin.edit(office, "package", str(package), {"profile": "Fibre"})
    with office.write() as tx:
        provision_jobs.begin(tx, kind="convert", lead_id=lead.id, router_id=1, tag=tag_for(lead.number), username="x",
                             request_json={"service": "pppoe"})  # fmt: skip
    (row,) = push(office, HOME)
    assert (row.outcome, row.exit_code) == ("in_use", 5) and "not renamed" in str(row.error)
    assert "FH" in {r["name"] for r in simulator.rows(PPP)}


def test_a_hotspot_profile_is_known_by_prefix_and_store(office: Office, simulator: Simulator) -> None:
    package = add_package(office, pool="hotspot-wl", gateway="10.30.0.1")
    add_router(office, simulator, service="hotspot")
    before = simulator.rows(HOTSPOT)
    assert outcomes(push(office, HOME)) == {ROUTER: "create"}
    made = profile(simulator, "lt-FH", HOTSPOT)
    assert (made["rate-limit"], made["address-pool"]) == ("5M/20M", "hotspot-wl")
    assert (name_on(office, service="hotspot"), name_on(office)) == ("lt-FH", "FH")
    assert convert(office, "Achieng Odhiambo", HOME).router_user.profile == "lt-FH"
    admin.edit(office, "package", str(package), {"profile": "Fibre", "upload": "6M"})
    assert outcomes(push(office, HOME)) == {ROUTER: "rename"}
    assert profile(simulator, "lt-Fibre", HOTSPOT)["rate-limit"] == "6M/20M"
    with office.read() as tx:
        assert tx.conn.execute(select(t.router_user.c.profile)).scalars().all() == ["lt-Fibre"]
    assert [r for r in simulator.rows(HOTSPOT) if r["name"] != "lt-Fibre"] == before
    assert outcomes(push(office, HOME)) == {ROUTER: "same"}
    with office.write() as tx:
        tx.conn.execute(t.router_profile.delete())
    assert outcomes(push(office, HOME)) == {ROUTER: "foreign"}, "without the row nothing says that it is ours"


@pytest.mark.parametrize("action", ["drop_after", "drop_before"])
def test_a_hotspot_profile_whose_answer_was_lost_is_known(office: Office, simulator: Simulator, action: Any) -> None:
    add_package(office)
    add_router(office, simulator)
    simulator.faults.add(FaultRule(f"{HOTSPOT}/add", action))
    (row,) = push(office, HOME, service="hotspot")
    assert row.outcome == "error"
    assert name_on(office, service="hotspot") == "FH", "an intent is no profile yet"
    assert outcomes(push(office, HOME, service="hotspot")) == {ROUTER: "same" if action == "drop_after" else "create"}
    assert name_on(office, service="hotspot") == "lt-FH"


@pytest.mark.parametrize("service", ["pppoe", "hotspot"])
def test_a_store_that_fails_at_the_end_is_caught_up_with(
    office: Office, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    """The profile is on the router, the store could not say so: the next push finds it ours."""
    add_package(office)
    add_router(office, simulator)

    def busy(*_: Any) -> None:
        raise DatabaseUnreachable("the database is busy")

    with monkeypatch.context() as broken:
        broken.setattr(package_push, "_write_truth", busy)
        (row,) = push(office, HOME, service=service)
    assert (row.outcome, row.error) == ("error", "the database is busy")
    assert outcomes(push(office, HOME, service=service)) == {ROUTER: "same"}
    assert [(name, sent is None) for _, name, sent in remembered(office)] == [
        ("lt-FH" if service == "hotspot" else "FH", False)
    ]


def test_a_hotspot_rename_whose_answer_was_lost_is_finished(office: Office, simulator: Simulator) -> None:
    package = add_package(office)
    add_router(office, simulator, service="hotspot")
    push(office, HOME)
    admin.edit(office, "package", str(package), {"profile": "Fibre"})
    simulator.faults.add(FaultRule(f"{HOTSPOT}/set", "rst_after"))
    assert outcomes(push(office, HOME)) == {ROUTER: "error"}
    assert name_on(office, service="hotspot") == "lt-FH"
    assert outcomes(push(office, HOME)) == {ROUTER: "rename"}
    assert (name_on(office, service="hotspot"), outcomes(push(office, HOME))) == ("lt-Fibre", {ROUTER: "same"})


def test_a_router_that_only_says_so_is_not_believed(office: Office, simulator: Simulator) -> None:
    add_package(office)
    add_router(office, simulator)
    simulator.faults.add(FaultRule(f"{PPP}/add", "forget"))
    (row,) = push(office, HOME)
    assert (row.outcome, row.exit_code) == ("error", 6)
    assert remembered(office) == []


def test_a_hotspot_profile_that_was_refused_leaves_no_intent(office: Office, simulator: Simulator) -> None:
    add_package(office)
    add_router(office, simulator)
    simulator.faults.add(FaultRule(f"{HOTSPOT}/add", "no_permission"))
    (row,) = push(office, HOME, service="hotspot")
    assert (row.outcome, row.exit_code) == ("error", 6)
    assert remembered(office) == []
    assert [e.changes["outcome"][1] for e in history.audit(office, entity="package")[1][:2]] == ["error", "create"]
