"""Can we serve this door: which router is chosen for which lead, and what is said of its room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from leadtui.errors import NotFound
from leadtui.services import admin, routers
from leadtui.services.office import Office
from leadtui.services.serving import RouterChoice, Serving, can_serve, router_for
from leadtui.store import schema as t

from .watch_help import figures, lead, router

POOL = {"name": "pppoe-wl", "total": 254, "used": 193}


def chosen(office: Office, lead_id: int) -> RouterChoice | None:
    with office.read() as tx:
        return router_for(tx, tx.conn.execute(select(t.lead).where(t.lead.c.id == lead_id)).one())


def name_of(office: Office, lead_id: int) -> str | None:
    choice = chosen(office, lead_id)
    return None if choice is None else choice.router.name


def serving(office: Office, lead_id: int) -> Serving:
    found = can_serve(office, lead_id)
    assert found is not None
    return found


def test_without_routers_nothing_is_said(sqlite_office: Office) -> None:
    office = sqlite_office
    one = lead(office)
    assert can_serve(office, one) is None
    router(office, "OLD-1")
    routers.edit(office, "OLD-1", {"is_active": "no"})
    assert can_serve(office, one) is None
    with pytest.raises(NotFound):
        can_serve(office, 999)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"location": "Westlands, Nairobi"}, "WL-AP-3"),
        ({"location": "WESTLÀNDS"}, "WL-AP-3"),
        ({"address": "Flat 4, Ring Road (Westlands)"}, "WL-AP-3"),
        ({"city": "Westlands"}, "WL-AP-3"),
        ({"location": "Westlandsview"}, None),
        ({"location": "West Lands"}, None),
        ({"location": "South B"}, "SB-1"),
        ({"location": "South, B"}, "SB-1"),
        ({"location": "South Bend"}, None),
        ({"location": "South", "address": "B 12"}, None),
        ({"location": "Westlands North, gate 2"}, "WN-1"),
        ({"location": "South B", "city": "Westlands"}, "SB-1"),
        ({"location": "कीव"}, "KI-1"),
        ({"location": "काव"}, None),
        ({}, None),
    ],
)
def test_an_area_is_found_by_whole_words(sqlite_office: Office, values: dict[str, str], expected: str | None) -> None:
    for name, areas in (("WL-AP-3", "Westlands, Parklands"), ("SB-1", "south b"), ("WN-1", "westlands north"),
                        ("KI-1", "कीव")):  # fmt: skip
        router(sqlite_office, name, areas=areas)
    assert name_of(sqlite_office, lead(sqlite_office, **values)) == expected


def test_area_then_branch_then_the_only_one(office: Office) -> None:
    admin.add(office, "branch", {"name": "Nakuru"})
    router(office, "A-1")
    here, there = lead(office, location="Westlands", branch="Nakuru"), lead(office, branch="Nakuru")
    nowhere = lead(office, location="Mombasa")
    only = chosen(office, here)
    assert only is not None
    assert (only.router.name, only.why, only.is_guess) == ("A-1", "the only router", False)
    router(office, "B-1", branch="Nakuru")
    assert [name_of(office, one) for one in (here, there, nowhere)] == ["B-1", "B-1", None]
    routers.edit(office, "A-1", {"areas": "Westlands"})
    found = chosen(office, here)
    assert found is not None
    assert (found.router.name, found.why) == ("A-1", "serves Westlands")
    assert [name_of(office, one) for one in (there, nowhere)] == ["B-1", None]
    assert serving(office, nowhere).verdict == "no router serves Mombasa"
    assert serving(office, lead(office)).verdict == "no router serves this lead: it names no place"
    routers.edit(office, "B-1", {"is_active": "no"})
    guess = chosen(office, nowhere)
    assert guess is not None
    assert (guess.router.name, guess.is_guess) == ("A-1", True)
    assert "Mombasa is none of its areas" in guess.why


def test_among_several_the_roomiest(sqlite_office: Office) -> None:
    office = sqlite_office
    ids = {name: router(office, name, areas="Westlands") for name in ("A-1", "B-1", "C-1")}
    one = lead(office, location="Westlands")
    assert name_of(office, one) == "A-1"  # nothing known: the first by name
    figures(office, ids["A-1"], [{"name": "p", "total": 10, "used": 10}])
    assert name_of(office, one) == "B-1"  # one that was never asked goes before one that is full
    figures(office, ids["C-1"], [{"name": "p", "total": 10, "used": 9}])
    assert name_of(office, one) == "C-1"
    figures(office, ids["B-1"], [{"name": "p", "total": 10, "used": 2}])
    assert name_of(office, one) == "B-1"
    # The pool of the package is what counts where it has one.
    admin.edit(office, "package", "20 Mbps Home", {"pool": "home"})
    figures(office, ids["B-1"], [{"name": "p", "total": 10, "used": 2}, {"name": "home", "total": 4, "used": 4}])
    figures(office, ids["C-1"], [{"name": "home", "total": 4, "used": 1}])
    assert name_of(office, lead(office, location="Westlands", package="20 Mbps Home")) == "C-1"
    assert name_of(office, one) == "B-1"


@pytest.mark.parametrize(
    ("pools", "package", "verdict", "room"),
    [
        ([POOL], "", "can serve: WL-AP-3, 61 of 254 free", (61, 254)),
        ([{**POOL, "used": 254}], "", "WL-AP-3 serves here, has no free address", (0, 254)),
        ([POOL, {"name": "b", "total": 10, "used": 0}], "", "can serve: WL-AP-3, 71 of 264 free", (71, 264)),
        ([POOL, {"name": "b", "total": 10, "used": 0}], "pppoe-wl", "can serve: WL-AP-3, 61 of 254 free", (61, 254)),
        ([{**POOL, "used": 254, "next": "b"}, {"name": "b", "total": 10, "used": 3, "next": "pppoe-wl"}], "pppoe-wl",
         "can serve: WL-AP-3, 7 of 264 free", (7, 264)),
        ([POOL], "elsewhere", "WL-AP-3 serves here, has no pool elsewhere", (None, None)),
        ([{**POOL, "used": 300}], "", "WL-AP-3 serves here, has no free address", (0, 254)),
        ([{**POOL, "used": None}], "", "can serve: WL-AP-3, 254 addresses", (None, 254)),
        ([], "", "can serve: WL-AP-3", (None, None)),
    ],
)  # fmt: skip
def test_the_verdict(
    sqlite_office: Office, pools: list[dict[str, Any]], package: str, verdict: str, room: tuple[int | None, int | None]
) -> None:
    office = sqlite_office
    wl = router(office, "WL-AP-3", areas="Westlands")
    if package:
        admin.edit(office, "package", "20 Mbps Home", {"pool": package})
    one = lead(office, location="Westlands", package="20 Mbps Home")
    assert serving(office, one).verdict == "WL-AP-3 serves here; it was not asked yet"
    figures(office, wl, pools)
    found = serving(office, one)
    assert (found.verdict, (found.free, found.total)) == (verdict, room)
    assert (found.router, found.why, found.place, found.pool) == (
        "WL-AP-3", "serves Westlands", "Westlands", package or None,
    )  # fmt: skip
    assert (found.sessions, found.cpu_percent, found.error) == (7, 12, None)


def test_the_age_of_the_figures(office: Office, frozen_clock: Callable[[datetime], None]) -> None:
    at = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    wl = router(office, "WL-AP-3")
    one = lead(office)
    figures(office, wl, [POOL], at=at)
    admin.set_setting(office, "router_poll_minutes", "5")
    for minutes, is_stale in ((15, False), (16, True)):
        frozen_clock(at + timedelta(minutes=minutes))
        found = serving(office, one)
        assert (found.is_stale, found.verdict.endswith("; the figures are old")) == (is_stale, is_stale)
    admin.set_setting(office, "router_poll_minutes", "0")  # asked only by hand: an hour
    assert not serving(office, one).is_stale
    frozen_clock(at + timedelta(minutes=61))
    assert serving(office, one).is_stale
    figures(office, wl, [POOL], at=at, error="WL-AP-3 cannot be reached.")
    found = serving(office, one)
    assert found.verdict == "can serve: WL-AP-3, 61 of 254 free; it did not answer the last time"
    assert found.error == "WL-AP-3 cannot be reached."


def test_only_who_may_see_the_lead(office: Office, acting: Callable[[str], Office]) -> None:
    admin.add_user(office, {"login": "jane", "name": "Jane", "role": "agent"})
    router(office, "WL-AP-3")
    mine, other = lead(office, assigned_to="jane"), lead(office)
    jane = acting("jane")
    assert serving(jane, mine).router == "WL-AP-3"
    with pytest.raises(NotFound):
        can_serve(jane, other)


def test_the_words_tell_no_field_that_the_role_does_not_see(office: Office, acting: Callable[[str], Office]) -> None:
    admin.add_user(office, {"login": "tom", "name": "Tom", "role": "technician"})
    with office.as_system() as tx:
        hidden = ["location", "city", "address", "state", "branch"]
        tx.conn.execute(t.role.update().where(t.role.c.key == "technician").values(hidden_fields_json=hidden))
        tx.catalog_changed()
    admin.add(office, "branch", {"name": "Nakuru"})
    wl = router(office, "WL-AP-3", areas="Westlands")
    ids = [
        lead(office, location="Westlands", assigned_to="tom"), lead(office, location="Mombasa", assigned_to="tom"),
        lead(office, branch="Nakuru", location="Mombasa", assigned_to="tom"),
    ]  # fmt: skip
    figures(office, wl, [POOL])
    tom = acting("tom")
    seen = [serving(tom, one) for one in ids]
    router(office, "NK-1", branch="Nakuru")
    seen += [serving(tom, one) for one in ids]
    assert [one.router for one in seen] == ["WL-AP-3"] * 4 + [None, "NK-1"]
    for one in seen:
        assert one.place == ""
        assert not {"Westlands", "Mombasa", "Nakuru"} & set((one.why + " " + one.verdict).replace(";", " ").split())
    assert seen[4].verdict == "no router serves this place"
