"""Packages as profiles on routers: preview, push, drift (facts/mikrotik: rate-limit, "What must be better" 1, 6, 7)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadtui.domain.addresses import parse_rate, read_rate_limit
from leadtui.errors import Invalid, NotFound, NotPermitted
from leadtui.router.port import CancelToken, package_tag, tag_for
from leadtui.router.simulator import FaultRule, Simulator
from leadtui.services import admin, history, routers
from leadtui.services.office import Office
from leadtui.services.package_push import PushRow, drift, preview, push

from .lead_help import acting_as, add_users
from .package_help import HOME, HOTSPOT, PPP, ROUTER, add_package, add_router, outcomes, profile, remembered, without


@pytest.fixture
def make_router(office: Office) -> Iterator[Callable[..., Simulator]]:
    """Starts training routers, puts them on the list, stops them all at the end."""
    with contextlib.ExitStack() as stack:

        def make(name: str, **values: str) -> Simulator:
            running = stack.enter_context(Simulator(identity=name))
            add_router(office, running, name=name, **values)
            return running

        yield make


def test_the_first_figure_on_the_wire_is_the_customers_upload(office: Office, simulator: Simulator) -> None:
    package = add_package(office, pool="pppoe-wl", gateway="10.20.0.1")
    add_router(office, simulator)
    before = simulator.rows(PPP)
    (row,) = preview(office, HOME)
    assert (row.outcome, simulator.rows(PPP)) == ("create", before)
    assert {(d.field, d.wanted, d.actual) for d in row.differences} == {
        ("rate_limit", "5M/20M", ""), ("pool", "pppoe-wl", ""), ("gateway", "10.20.0.1", ""),
    }  # fmt: skip
    seen: list[PushRow] = []
    assert push(office, HOME, on_row=seen.append) == tuple(seen) == (row,)
    made = profile(simulator, "FH")
    assert (made["rate-limit"], made["local-address"], made["remote-address"]) == ("5M/20M", "10.20.0.1", "pppoe-wl")
    assert made["comment"] == package_tag(package, office.catalog.office_id)
    assert [r for r in simulator.rows(PPP) if r["name"] != "FH"] == before
    assert remembered(office) == [
        ("pppoe", "FH", {"upload_bps": 5_000_000, "download_bps": 20_000_000, "pool": "pppoe-wl",
                         "gateway": "10.20.0.1"}),
    ]  # fmt: skip
    told = [e.changes for e in history.audit(office, entity="package")[1] if e.action in ("plan", "push")]
    assert [(e["router"][1], e["outcome"][1], e["rate_limit"][1]) for e in told] == [(ROUTER, "create", "5M/20M")] * 2


def test_pushing_again_does_nothing_and_drift_is_empty(office: Office, simulator: Simulator) -> None:
    add_package(office)
    without(office, HOME)
    add_router(office, simulator)
    push(office, HOME)
    before = simulator.rows(PPP)
    entries = history.audit(office, entity="package")[0]
    assert outcomes(push(office, HOME)) == outcomes(preview(office, HOME)) == {ROUTER: "same"}
    assert (simulator.rows(PPP), history.audit(office, entity="package")[0]) == (before, entries)
    assert drift(office) == ()


def test_what_somebody_changed_is_shown_and_put_right(office: Office, simulator: Simulator) -> None:
    add_package(office)
    without(office, HOME)
    add_router(office, simulator)
    push(office, HOME)
    simulator.change(PPP, "FH", rate_limit="20M/5M", remote_address="pppoe-wl")
    (row,) = drift(office)
    assert (row.router, row.package, row.outcome) == (ROUTER, HOME, "change")
    assert [(d.field, d.wanted, d.actual) for d in row.differences] == [
        ("rate_limit", "5M/20M", "20M/5M"), ("pool", "", "pppoe-wl"),
    ]  # fmt: skip
    assert outcomes(push(office, HOME)) == {ROUTER: "change"}
    put = profile(simulator, "FH")
    assert (put["rate-limit"], put.get("remote-address")) == ("5M/20M", None)
    simulator.change(PPP, "FH", rate_limit="5000k/20000000")  # the same in other words
    assert drift(office) == ()


def test_the_profile_of_somebody_else_is_left_byte_for_byte(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    admin.edit(office, "package", "20 Mbps Home", {"upload": "5M"})
    before = simulator.rows(PPP)
    (row,) = push(office, "20 Mbps Home")
    assert (row.outcome, row.exit_code) == ("foreign", 5)
    assert [(d.field, d.wanted, d.actual) for d in row.differences] == [("rate_limit", "5M/20M", "20M/20M")]
    assert "not made by this program" in str(row.error) and "rate limit is 20M/20M, not the package's" in str(row.error)
    assert package_tag(2, office.catalog.office_id) in str(row.hint)
    (fits,) = push(office, "50 Mbps Home")
    assert (fits.outcome, fits.differences) == ("foreign", ())
    assert simulator.rows(PPP) == before
    assert remembered(office) == []
    assert [(r.package, r.outcome) for r in drift(office)] == [("20 Mbps Home", "foreign")], "what fits is no drift"


def test_a_profile_handed_over_by_its_comment_is_ours(office: Office, simulator: Simulator) -> None:
    add_router(office, simulator)
    (row,) = preview(office, "100 Mbps Business")
    simulator.change(PPP, "100M", comment=str(row.hint).partition("to: ")[2])
    assert outcomes(push(office, "100 Mbps Business")) == {ROUTER: "change"}
    assert "remote-address" not in profile(simulator, "100M")
    assert drift(office) == ()


@pytest.mark.parametrize(("comment", "words"), [
    ("leadtui:package:1 office:{office}", "is the profile of the package 10 Mbps Home"),
    ("leadtui:package:99 office:{office}", "a package that is gone"),
    ("leadtui:package:5 office:ffffffff", "another office's database"),
])  # fmt: skip
def test_whose_a_profile_is(sqlite_office: Office, simulator: Simulator, comment: str, words: str) -> None:
    office = sqlite_office
    assert add_package(office) == 5
    add_router(office, simulator)
    simulator.add(PPP, name="FH", rate_limit="1M/1M", comment=comment.format(office=office.catalog.office_id))
    before = simulator.rows(PPP)
    (row,) = push(office, HOME)
    assert row.outcome == "foreign" and words in str(row.error)
    assert simulator.rows(PPP) == before


def test_a_profile_that_others_use_is_not_changed(office: Office, simulator: Simulator) -> None:
    package = add_package(office)
    add_router(office, simulator)
    push(office, HOME)
    mark = office.catalog.office_id
    for name, comment in (("ours", tag_for("LD-1", mark)), ("plain", "NOC"), ("theirs", tag_for("LD-1", "ffff0000"))):
        simulator.add("/ppp/secret", name=name, password="abcd", service="pppoe", profile="FH", comment=comment)
    assert outcomes(push(office, HOME)) == {ROUTER: "same"}, "nothing has to change: users of others hinder nobody"
    admin.edit(office, "package", str(package), {"upload": "9M"})
    before = simulator.rows(PPP)
    for row in (*preview(office, HOME), *push(office, HOME)):
        assert (row.outcome, row.foreign_users, row.exit_code) == ("in_use", 2, 5)
    assert simulator.rows(PPP) == before
    for name in ("plain", "theirs"):
        simulator.change("/ppp/secret", name, profile="default")
    assert outcomes(push(office, HOME)) == {ROUTER: "change"}
    assert profile(simulator, "FH")["rate-limit"] == "9M/20M"


def test_a_router_without_the_pool(office: Office, simulator: Simulator) -> None:
    add_package(office, pool="nowhere")
    add_router(office, simulator)
    before = simulator.rows(PPP)
    for row in (*preview(office, HOME), *push(office, HOME)):
        assert (row.outcome, row.exit_code) == ("missing_pool", 5)
        assert "nowhere" in str(row.error) and "pppoe-wl" in str(row.hint)
    assert simulator.rows(PPP) == before
    simulator.add("/ip/pool", name="nowhere", ranges="10.99.0.2-10.99.0.9")
    assert outcomes(push(office, HOME)) == {ROUTER: "create"}


def test_a_queue_package_has_no_limit_in_its_profile(office: Office, simulator: Simulator) -> None:
    package = add_package(office)
    add_router(office, simulator)
    push(office, HOME)
    admin.edit(office, "package", str(package), {"addressing": "queue"})
    (row,) = push(office, HOME)
    assert [(d.field, d.wanted, d.actual) for d in row.differences] == [("rate_limit", "", "5M/20M")]
    assert "rate-limit" not in profile(simulator, "FH")


@pytest.mark.parametrize(("values", "field"), [
    ({"upload": "", "download": "", "speed": "5M/20M"}, "upload"),
    ({"upload": "", "download": "", "speed": "fast"}, "upload"),
    ({"upload": "", "download": "", "speed": ""}, "upload"),
    ({"profile": ""}, "profile"),
])  # fmt: skip
def test_what_a_package_must_say(
    sqlite_office: Office, simulator: Simulator, values: dict[str, str], field: str
) -> None:
    office = sqlite_office
    add_package(office, **values)
    add_router(office, simulator)
    before = simulator.rows(PPP)
    for act in (preview, push):
        with pytest.raises(Invalid) as refused:
            act(office, HOME)
        assert refused.value.field == field and refused.value.hint
    assert simulator.rows(PPP) == before
    rows = [row for row in drift(office) if row.package == HOME]
    found = [(row.router, row.outcome, row.exit_code) for row in rows]
    assert found == ([("", "error", 5)] if values.get("profile") != "" else []), "without a profile it is on no router"


@pytest.mark.parametrize("speed", ["20M/20M", "20 Mbps", "20M", "20 Mbit/s / 20000k"])
def test_a_speed_that_says_one_thing_will_do(sqlite_office: Office, simulator: Simulator, speed: str) -> None:
    add_package(sqlite_office, upload="", download="", speed=speed)
    add_router(sqlite_office, simulator)
    push(sqlite_office, HOME)
    assert profile(simulator, "FH")["rate-limit"] == "20M/20M"


def test_a_router_that_hangs_delays_no_other(office: Office, make_router: Callable[..., Simulator]) -> None:
    add_package(office)
    quick, dead = make_router("QUICK"), make_router("DEAD")
    dead.faults.add(FaultRule("/ppp/profile", "hang_before", count=-1))
    token, seen = CancelToken(), list[str]()

    def came(row: PushRow) -> None:
        seen.append(row.router)
        if row.router == "QUICK":  # its row is here while the other one still hangs
            assert dead.faults.wait_fired()
            token.cancel()

    rows = push(office, HOME, on_row=came, cancel=token)
    assert seen == ["QUICK", "DEAD"]
    assert outcomes(rows) == {"DEAD": "error", "QUICK": "create"}
    assert [row.exit_code for row in rows] == [6, 0]
    assert profile(quick, "FH")["rate-limit"] == "5M/20M"
    assert "FH" not in {row["name"] for row in dead.rows(PPP)}


def test_a_router_that_is_off_is_a_row(office: Office, make_router: Callable[..., Simulator]) -> None:
    add_package(office)
    without(office, HOME)
    make_router("A")
    make_router("B").stop()
    assert outcomes(push(office, HOME)) == {"A": "create", "B": "error"}
    rows = drift(office)
    assert [(row.router, row.package, row.outcome, row.exit_code) for row in rows] == [("B", HOME, "error", 6)]
    assert routers.get(office, "A")["identity"] == "A"


def test_another_box_at_the_address_is_not_written_to(office: Office, simulator: Simulator) -> None:
    add_package(office)
    add_router(office, simulator)
    assert routers.test(office, ROUTER).ok
    simulator.state.rename("SOMEBODY-ELSE")
    before = simulator.rows(PPP)
    (row,) = push(office, HOME)
    assert (row.outcome, row.exit_code) == ("error", 6) and "SOMEBODY-ELSE" in str(row.error)
    assert simulator.rows(PPP) == before


def test_which_routers(office: Office, make_router: Callable[..., Simulator]) -> None:
    add_package(office)
    for name in ("A", "B", "C"):
        make_router(name)
    routers.edit(office, "C", {"is_active": "no"})
    assert outcomes(preview(office, HOME)) == {"A": "create", "B": "create"}
    assert outcomes(preview(office, HOME, ["b", "B"])) == {"B": "create"}
    for names in (["C"], ["A", "Z"]):
        with pytest.raises(Invalid) as refused:
            push(office, HOME, names)
        assert refused.value.field == "router"
    with pytest.raises(Invalid) as service:
        push(office, HOME, service="dialup")
    assert service.value.field == "service"
    with pytest.raises(NotFound):
        preview(office, "No Such Package")
    assert outcomes(push(office, HOME, ["A"])) == {"A": "create"}
    assert {row.router for row in drift(office, "A") if row.package == HOME} == set()
    assert {row.router for row in drift(office) if row.package == HOME} == {"B"}


def test_retired_packages_touch_no_router_and_stay_looked_after(office: Office, simulator: Simulator) -> None:
    add_package(office)
    without(office, HOME)
    add_router(office, simulator)
    push(office, HOME)
    before = simulator.rows(PPP)
    admin.retire(office, "package", HOME)
    assert (simulator.rows(PPP), drift(office)) == (before, ())
    simulator.change(PPP, "FH", rate_limit="1M/1M")
    assert [(r.package, r.outcome) for r in drift(office)] == [(HOME, "change")], "its customers still have it"


def test_who_may(office: Office, simulator: Simulator) -> None:
    add_package(office)
    add_router(office, simulator)
    add_users(office, "jane:agent", "dora:director")
    for login in ("jane", "dora"):
        with acting_as(office, login) as other:
            for act in (lambda: preview(other, HOME), lambda: push(other, HOME), lambda: drift(other)):
                with pytest.raises(NotPermitted):
                    act()
    assert "FH" not in {row["name"] for row in simulator.rows(PPP)}


def test_two_pushes_at_once_make_one_profile(office: Office, simulator: Simulator) -> None:
    add_package(office)
    add_router(office, simulator)
    start, rows = threading.Barrier(2), list[PushRow]()

    def one() -> None:
        start.wait(10)
        rows.extend(push(office, HOME))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(rows) == 2 and {row.outcome for row in rows} <= {"create", "same"}
    assert profile(simulator, "FH")["rate-limit"] == "5M/20M"
    assert len(remembered(office)) == 1


RATES = st.integers(1, 4000).flatmap(lambda n: st.sampled_from([f"{n}k", f"{n}M", f"{n} Mbps", str(n * 1000)]))


@given(
    upload=RATES, download=RATES, pool=st.sampled_from(["", "pppoe-wl", "hotspot-wl"]),
    gateway=st.sampled_from(["", "10.20.0.1", "192.168.88.1"]), service=st.sampled_from(["pppoe", "hotspot"]),
    addressing=st.sampled_from(["dynamic", "fixed", "queue"]),
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,20}[A-Za-z0-9]", fullmatch=True),
    letters=st.sampled_from(["", "5/20 ", "a: b & c ", "(x) ", "@+"]),
)  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_pushed_reads_back_as_the_same(
    sqlite_office: Office, simulator: Simulator, upload: str, download: str, pool: str, gateway: str, addressing: str,
    name: str, service: str, letters: str,
) -> None:  # fmt: skip
    """Whatever a package becomes, pushing brings the one profile there: drift is empty and the figures read back."""
    office = sqlite_office
    if not routers.list_routers(office):
        add_router(office, simulator)
        add_package(office)
        without(office, HOME)
    given = {"upload": upload, "download": download, "pool": pool, "gateway": gateway, "addressing": addressing}
    name = f"p-{letters}{name}"  # the router's own profiles begin otherwise: no name is taken
    record = admin.edit(office, "package", HOME, given | {"profile": name})
    (row,) = push(office, HOME, service=service)
    assert row.is_fine, row
    assert [r for r in drift(office) if r.service == service] == []
    path = PPP if service == "pppoe" else HOTSPOT
    held = profile(simulator, ("lt-" if service == "hotspot" else "") + name, path)
    limit = None if addressing == "queue" else (parse_rate(upload), parse_rate(download))
    assert (read_rate_limit(held["rate-limit"]) if "rate-limit" in held else None) == limit
    assert held.get("remote-address" if service == "pppoe" else "address-pool", "") == pool
    assert (parse_rate(record["upload"]), parse_rate(record["download"])) == (parse_rate(upload), parse_rate(download))
