"""Whatever is done to a router behind our back: after an audit with mending it holds what the store says, and nothing
that is not ours was touched.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadtui.router.simulator import Simulator
from leadtui.router.simulator.menus import Trap
from leadtui.services import router_audit
from leadtui.services.office import Office

from .audit_help import MENUS, PASSWORD, fix_all, mark, place
from .conversion_help import ROUTER, add_router, new_lead

PATHS = (*MENUS.values(), "/queue/simple")
USERS = {"p.one": "pppoe", "p.two": "pppoe", "p.queue": "pppoe", "h.one": "hotspot"}
DAMAGES: dict[str, dict[str, str]] = {
    "profile": {"profile": "50M"}, "address": {"address": "10.20.8.8"}, "disabled": {"disabled": "yes"},
    "password": {"password": "another1"}, "comment": {"comment": "NOC"}, "no comment": {"comment": ""},
    "rename": {"name": "{}.x"}, "other office": {"comment": "leadtui:LD-202611-0001 office:ffffffff"},
    "switched on": {"disabled": "no"},
}  # fmt: skip
ADDED = ("foreign", "other office", "orphan", "orphan of a lead", "hotspot orphan", "queue", "foreign queue")

damages = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(list(USERS)), st.sampled_from([*DAMAGES, "delete", "replaced", "queue", "no queue"])),
        st.tuples(st.just("+"), st.sampled_from(ADDED)),
    ),
    max_size=7,
)


def damage(simulator: Simulator, who: str, what: str, marks: dict[str, str]) -> None:
    """Do it as somebody at the router would; what the router refuses by now is not done."""
    menu = MENUS[USERS.get(who, "pppoe")]
    try:
        if who == "+":
            _add(simulator, what, marks)
        elif what == "delete":
            simulator.remove(menu, who)
        elif what == "replaced":
            simulator.remove(menu, who)
            simulator.add(menu, name=who, password="of-the-noc", comment="NOC")
        elif what == "queue":
            simulator.change("/queue/simple", who, max_limit="1M/1M", disabled="yes")
        elif what == "no queue":
            simulator.remove("/queue/simple", who)
        else:
            words = {key: value.format(who) for key, value in DAMAGES[what].items()}
            if "address" in words and menu == "/ppp/secret":
                words = {"remote_address": words["address"]}
            simulator.change(menu, who, **words)
    except Trap:
        pass


def _add(simulator: Simulator, what: str, marks: dict[str, str]) -> None:
    match what:
        case "foreign":
            simulator.add("/ppp/secret", name="for.eign", password="abcdefgh", comment="of the NOC")
        case "other office":
            simulator.add("/ppp/secret", name="o.ther", password="abcdefgh", comment=marks["other office"])
        case "orphan":
            simulator.add("/ppp/secret", name="or.phan", password="abcdefgh", profile="20M", comment=marks["nobody"])
            simulator.dial_in("or.phan")
        case "orphan of a lead":
            simulator.add("/ppp/secret", name="of.lead", password="abcdefgh", comment=marks["lead"])
        case "hotspot orphan":
            simulator.add("/ip/hotspot/user", name="or.phan", password="abcdefgh", comment=marks["nobody"])
        case "queue":
            simulator.add("/queue/simple", name="or.phan", target="10.20.7.7/32", comment=marks["nobody"])
        case _:
            simulator.add("/queue/simple", name="for.eign", target="10.20.7.8/32", comment="of the NOC")


def is_ours(row: dict[str, str], path: str, office_id: str) -> bool:
    """The rule in a few lines: our mark; or no mark at all, the name of one of ours, and its password."""
    comment = row.get("comment", "")
    if comment.startswith("leadtui:"):
        return comment.split()[1:2] == [f"office:{office_id}"]
    service = next((service for service, menu in MENUS.items() if menu == path), None)
    return USERS.get(row["name"]) == service is not None and row.get("password") == PASSWORD.format(row["name"])


@pytest.fixture
def placed(office: Office, simulator: Simulator) -> dict[str, str]:
    """Four users of ours on a router; the marks that damages use."""
    add_router(office, simulator)
    place(office, simulator, "p.one")
    place(office, simulator, "p.two", ip="10.20.9.2", state="suspended")
    place(office, simulator, "p.queue", ip="10.20.9.3", rates=(5_000_000, 20_000_000))
    place(office, simulator, "h.one", service="hotspot")
    return {
        "other office": "leadtui:LD-202611-0001 office:ffffffff", "nobody": mark(office, "LD-209901-0001"),
        "lead": mark(office, new_lead(office).number),
    }  # fmt: skip


def test_after_mending_the_router_is_as_the_store_says(
    office: Office, simulator: Simulator, placed: dict[str, str]
) -> None:
    pristine = {path: copy.deepcopy(simulator.state._rows[path]) for path in (*PATHS, "/ppp/active")}
    office_id = office.catalog.office_id

    def held(path: str) -> tuple[dict[str, dict[str, str]], list[dict[str, str]]]:
        """Ours by name without ids and what was written behind the mark; the foreign rows as they are."""
        found = simulator.rows(path)
        mine = [row for row in found if is_ours(row, path, office_id)]
        plain = {row["name"]: {k: v for k, v in row.items() if k != ".id"} for row in mine}
        for row in plain.values():
            row["comment"] = " ".join(row.get("comment", "").split()[:2])
        return plain, [row for row in found if row not in mine]

    wanted = {path: held(path)[0] for path in PATHS}

    @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(damages)
    def check(done: list[tuple[str, Any]]) -> None:
        for path, kept in pristine.items():
            simulator.state._rows[path] = copy.deepcopy(kept)
        for who, what in done:
            damage(simulator, who, what, placed)
        foreign = {path: held(path)[1] for path in PATHS}
        report, mended = fix_all(office)
        assert {path: held(path)[1] for path in PATHS} == foreign
        taken = {row["name"] for path in MENUS.values() for row in foreign[path]}  # and then their queues are left too
        for path in PATHS:
            for plain in (after := held(path)[0]), (store := dict(wanted[path])):
                for name in taken & plain.keys():
                    del plain[name]
            assert after == store
        assert all(not finding.is_ours for finding in report.findings)
        assert all(one.ok or not one.fix.is_possible for one in mended)
        assert "or.phan" not in {row["name"] for row in simulator.rows("/ppp/active")}
        again = router_audit.audit(office, ROUTER)
        assert again.findings == report.findings

    check()
