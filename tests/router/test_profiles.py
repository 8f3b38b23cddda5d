"""Packages' profiles on a router: made, renamed, changed; never a foreign one, never while foreign users have it."""

from __future__ import annotations

from typing import Any

import pytest

from leadtui.errors import Invalid
from leadtui.router import open_router
from leadtui.router.matching import match_profile, profile_differences
from leadtui.router.port import (
    Profile,
    ProfileInUse,
    ProfileUse,
    RouterConflict,
    RouterMenuMissing,
    RouterMismatch,
    RouterPermissionDenied,
    RouterRefused,
    WantedProfile,
    package_tag,
)
from leadtui.router.simulator import FaultRule, Simulator, SimulatorUser

MENU = {"pppoe": "/ppp/profile", "hotspot": "/ip/hotspot/user/profile"}
USERS = {"pppoe": "/ppp/secret", "hotspot": "/ip/hotspot/user"}
POOL = {"pppoe": "remote-address", "hotspot": "address-pool"}
TAG = package_tag(7, "aa")
SERVICES = ("pppoe", "hotspot")
NAME = "lt-home-20"


def profile(service: str = "pppoe", **values: Any) -> WantedProfile:
    defaults: dict[str, Any] = {
        "name": NAME,
        "tag": TAG,
        "upload_bps": 5_000_000,
        "download_bps": 20_000_000,
        "pool": "pppoe-wl",
        "gateway": "10.20.0.1" if service == "pppoe" else None,
        "known_as": NAME,
    }
    return WantedProfile(service, **{**defaults, **values})


def row_of(router: Simulator, service: str, name: str = NAME) -> dict[str, str]:
    (row,) = [row for row in router.rows(MENU[service]) if row["name"] == name]
    return row


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("version", ["6.42.1", "6.49.10", "7.9.2", "7.18.2"])
def test_a_profile_is_made_once_with_the_upload_first(make_router, service, version):
    router = make_router(version=version)
    want = profile(service)
    with open_router(router.address()) as port:
        assert port.find_profile(want) == (None, False)
        made = port.ensure_profile(want)
        assert (made.outcome, made.before, made.changed) == ("created", None, ())
        assert port.find_profile(want) == (made.profile, True)
        again = port.ensure_profile(want)
        assert (again.outcome, again.before, again.changed) == ("unchanged", made.profile, ())
    row = row_of(router, service)
    assert (row["rate-limit"], row[POOL[service]]) == ("5M/20M", "pppoe-wl")
    assert row.get("comment") == (TAG if service == "pppoe" else None)
    assert row.get("local-address") == ("10.20.0.1" if service == "pppoe" else None)
    assert made.profile.rate_limit == "5M/20M"


@pytest.mark.parametrize("service", SERVICES)
def test_only_differences_are_set_and_what_is_not_wanted_is_unset(router, service):
    with open_router(router.address()) as port:
        port.ensure_profile(profile(service))
        router.change(MENU[service], NAME, session_timeout="1h")
        changed = port.ensure_profile(profile(service, upload_bps=None, download_bps=None, pool=None, gateway=None))
        back = port.ensure_profile(profile(service, upload_bps=10**9, download_bps=None))
    gateway = ("gateway",) if service == "pppoe" else ()
    assert (changed.outcome, changed.changed) == ("updated", ("rate_limit", "pool", *gateway))
    assert (changed.profile.rate_limit, changed.profile.remote_address, changed.profile.local_address) == (None,) * 3
    assert back.changed == ("rate_limit", "pool", *gateway)
    row = row_of(router, service)
    assert (row["rate-limit"], row["session-timeout"]) == ("1000M/0", "1h")  # what is not ours to say stays


def test_a_router_without_unset(router):
    with open_router(router.address()) as port:
        port.ensure_profile(profile())
        router.faults.add(FaultRule("/ppp/profile/unset", "no_menu", count=-1))
        assert port.ensure_profile(profile(pool=None, gateway=None)).profile.remote_address is None


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("spelling", ["5000000/20000000", "5000k/20M", "5m/20m"])
def test_another_spelling_of_the_same_speed_is_no_difference(router, service, spelling):
    with open_router(router.address()) as port:
        port.ensure_profile(profile(service))
        router.change(MENU[service], NAME, rate_limit=spelling)
        assert port.ensure_profile(profile(service)).outcome == "unchanged"
        router.change(MENU[service], NAME, rate_limit=f"{spelling} 10M/40M 0/0 0/0 8")
        assert port.ensure_profile(profile(service)).changed == ("rate_limit",)  # bursts make it another one


@pytest.mark.parametrize("service", SERVICES)
def test_a_renamed_package_renames_its_profile_and_the_users_follow(router, wanted, service):
    with open_router(router.address()) as port:
        port.ensure_profile(profile(service, name="lt-old"))
        port.ensure_user(wanted(service=service, profile="lt-old", tag="leadtui:LD-1 office:aa"))
        renamed = port.ensure_profile(profile(service, known_as="lt-old"))
        assert (renamed.outcome, renamed.changed, renamed.before.name) == ("updated", ("name",), "lt-old")
        assert port.read_user(service, "kamau.j").profile == NAME
        assert "lt-old" not in {p.name for p in port.profiles(service)}


def test_what_a_person_wrote_behind_the_mark_stays(router):
    router.add("/ppp/profile", name=NAME, comment="leadtui:package:7 ask Ann", local_address="10.20.0.1")
    with open_router(router.address()) as port:
        assert port.ensure_profile(profile()).changed == ("rate_limit", "pool", "comment")
    assert row_of(router, "pppoe")["comment"] == f"{TAG} ask Ann"


# Foreign profiles


@pytest.mark.parametrize(
    "comment", ["", "made by NOC", "leadtui:package:8 office:aa", "leadtui:package:7 office:bb", f"x {TAG}"]
)
def test_a_foreign_ppp_profile_is_a_conflict_and_stays_as_it_was(router, comment):
    router.add("/ppp/profile", name=NAME, rate_limit="1M/1M", comment=comment)
    before = router.rows("/ppp/profile")
    with open_router(router.address()) as port:
        assert port.find_profile(profile())[1] is False
        with pytest.raises(RouterConflict) as conflict:
            port.ensure_profile(profile())
    assert (conflict.value.field, conflict.value.row.name) == ("profile", NAME)
    assert conflict.value.outcome_unknown is False
    assert router.rows("/ppp/profile") == before


@pytest.mark.parametrize("known_as", [None, "lt-gone", "20M"])
def test_a_foreign_hotspot_profile_is_a_conflict_and_stays_as_it_was(router, known_as):
    """Its name is all there is: what the store does not know is not ours, and a name without lt- never is."""
    router.add(MENU["hotspot"], name=NAME, rate_limit="1M/1M")
    before = router.rows(MENU["hotspot"])
    with open_router(router.address()) as port, pytest.raises(RouterConflict):
        port.ensure_profile(profile("hotspot", known_as=known_as))
    assert router.rows(MENU["hotspot"]) == before


@pytest.mark.parametrize("service", SERVICES)
def test_a_name_that_somebody_has_stops_a_renaming(router, service):
    with open_router(router.address()) as port:
        port.ensure_profile(profile(service, name="lt-old", known_as="lt-old"))
        router.add(MENU[service], name=NAME)
        before = router.rows(MENU[service])
        with pytest.raises(RouterConflict):
            port.ensure_profile(profile(service, known_as="lt-old"))
    assert router.rows(MENU[service]) == before


def test_a_hotspot_renaming_whose_answer_was_lost_is_known_again(router):
    with open_router(router.address()) as port:
        port.ensure_profile(profile("hotspot"))
        assert port.ensure_profile(profile("hotspot", known_as="lt-old")).outcome == "unchanged"
        assert port.find_profile(profile("hotspot", known_as="lt-old", pool=None))[1] is False


# Users that are not ours


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("comment", ["", "moved 2023", "leadtui:LD-1 office:bb"])
def test_a_profile_that_foreign_users_have_is_not_changed(router, wanted, service, comment):
    with open_router(router.address()) as port:
        port.ensure_profile(profile(service))
        port.ensure_user(wanted(service=service, profile=NAME, tag="leadtui:LD-1 office:aa"))
        port.ensure_user(wanted(service=service, profile=NAME, tag="leadtui:LD-2", username="old.one"))
        assert port.profile_use(service, NAME, "aa") == ProfileUse(ours=2, foreign=0)
        router.add(USERS[service], name="theirs", profile=NAME, comment=comment)
        assert port.profile_use(service, NAME, "aa") == ProfileUse(ours=2, foreign=1)
        before = router.rows(MENU[service])
        for change in ({"upload_bps": 1_000_000}, {"pool": None}, {"name": "lt-new"}):
            with pytest.raises(ProfileInUse) as used:
                port.ensure_profile(profile(service, **change))
            assert (used.value.foreign, used.value.ours, used.value.outcome_unknown) == (1, 2, False)
            assert (used.value.code, used.value.exit_code) == ("profile_in_use", 6)
            assert "theirs" not in used.value.message + str(used.value.hint) + str(used.value.data)
        assert port.ensure_profile(profile(service)).outcome == "unchanged"  # nothing to change disturbs nobody
    assert router.rows(MENU[service]) == before


# Refusals


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("exists", [False, True])
def test_an_unknown_pool_is_refused_with_the_names_there_are(router, service, exists):
    with open_router(router.address()) as port:
        if exists:
            port.ensure_profile(profile(service))
        before = router.rows(MENU[service])
        with pytest.raises(RouterRefused, match="no address pool pppoe-w;") as refused:
            port.ensure_profile(profile(service, pool="pppoe-w"))  # a prefix, which a router would complete
    assert refused.value.field == "pool"
    assert refused.value.hint == "it has: pppoe-wl-2, pppoe-wl, hotspot-wl"
    assert router.rows(MENU[service]) == before


@pytest.mark.parametrize(
    ("service", "values", "field"),
    [
        ("pppoe", {"name": ""}, "profile"),
        ("pppoe", {"name": "*1"}, "profile"),
        ("pppoe", {"name": "a,b"}, "profile"),
        ("pppoe", {"name": "Básico"}, "profile"),
        ("pppoe", {"name": "x" * 64}, "profile"),
        ("pppoe", {"name": "20M "}, "profile"),
        ("hotspot", {"name": "20M"}, "profile"),
        ("pppoe", {"tag": "package:7"}, "tag"),
        ("pppoe", {"upload_bps": 0}, "upload"),
        ("pppoe", {"download_bps": -1}, "download"),
        ("pppoe", {"pool": ""}, "pool"),
        ("pppoe", {"pool": "10.0.0.1"}, "pool"),
        ("pppoe", {"gateway": "pppoe-wl"}, "gateway"),
        ("pppoe", {"gateway": "0.0.0.0"}, "gateway"),  # noqa: S104 - a value to refuse
    ],
)
def test_bad_wishes_never_reach_the_router(router, service, values, field):
    before = router.rows(MENU[service])
    with open_router(router.address()) as port, pytest.raises(Invalid) as refused:
        port.ensure_profile(profile(service, **values))
    assert refused.value.field == field
    assert router.rows(MENU[service]) == before


def test_a_name_that_the_router_calls_taken_and_does_not_show(router):
    taken = "failure: profile with the same name already exists"
    router.faults.add(FaultRule("/ppp/profile/add", "refuse", text=taken))
    with open_router(router.address()) as port, pytest.raises(RouterRefused, match="does not show it"):
        port.ensure_profile(profile())


def test_an_account_that_may_not_write(make_router):
    router = make_router(users={"api": SimulatorUser("pw", frozenset({"api", "read"}))})
    with open_router(router.address("api", "pw")) as port, pytest.raises(RouterPermissionDenied):
        port.ensure_profile(profile())


@pytest.mark.parametrize("version", ["6.49.10", "7.18.2"])
def test_a_router_without_hotspot(make_router, version):
    router = make_router(version=version, without=("/ip/hotspot",))
    with open_router(router.address()) as port:
        with pytest.raises(RouterMenuMissing):
            port.ensure_profile(profile("hotspot"))
        assert port.ensure_profile(profile()).outcome == "created"


@pytest.mark.parametrize("command", ["add", "set", "unset"])
def test_an_acknowledgement_is_not_believed(router, command):
    with open_router(router.address()) as port:
        if command != "add":
            port.ensure_profile(profile())
        router.faults.add(FaultRule(f"/ppp/profile/{command}", "forget"))
        with pytest.raises(RouterMismatch) as mismatch:
            port.ensure_profile(profile(pool=None, upload_bps=1_000_000))
    fields = {"add": [], "set": ["rate_limit"], "unset": ["pool"]}[command]
    assert [difference.field for difference in mismatch.value.differences] == fields
    assert mismatch.value.outcome_unknown is (command == "add")


def test_the_steps_are_told_in_order(router):
    steps: list[str] = []
    with open_router(router.address()) as port:
        port.ensure_profile(profile(name="lt-old"), steps.append)
        port.ensure_profile(profile(), steps.append)
    assert steps == [
        "Looking for the profile lt-old",
        "Adding the profile lt-old",
        "Reading the profile lt-old back",
        f"Looking for the profile {NAME}",
        "Changing name of the profile lt-old",
        f"Reading the profile {NAME} back",
    ]


# The judgement by itself, as a preview uses it


def test_of_two_profiles_of_one_package_the_one_with_the_name_counts():
    other, named = Profile("other", comment=TAG), Profile(NAME, comment=TAG)
    assert match_profile(profile(), [other, named]) == (named, True)
    assert match_profile(profile(), [other, Profile(NAME)]) == (other, True)
    assert match_profile(profile(), []) == (None, False)


def test_differences_are_in_our_words():
    there = Profile("x", rate_limit="20M/5M", local_address="10.0.0.1", comment="leadtui:package:7")
    assert [(d.field, d.wanted, d.actual) for d in profile_differences(profile(), there)] == [
        ("name", NAME, "x"),
        ("rate_limit", "5M/20M", "20M/5M"),
        ("pool", "pppoe-wl", ""),
        ("gateway", "10.20.0.1", "10.0.0.1"),
        ("comment", TAG, "leadtui:package:7"),
    ]
    unlimited = profile(upload_bps=None, download_bps=None)
    assert [d.field for d in profile_differences(unlimited, Profile(NAME, "0/0", "10.20.0.1", "pppoe-wl", TAG))] == []
