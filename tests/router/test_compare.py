"""A router's users against those that should be there: every kind of difference, and what is nobody's business."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from leadtui.router import open_router
from leadtui.router.port import Comparison, Drift, RouterMenuMissing, Secret, WantedUser, tag_for
from leadtui.router.simulator import Simulator, SimulatorUser

MENU = {"pppoe": "/ppp/secret", "hotspot": "/ip/hotspot/user"}
ADDRESS = {"pppoe": "remote_address", "hotspot": "address"}
FOREIGN = {"pppoe": 3, "hotspot": 1}  # what a fresh training router holds
SERVICES = ("pppoe", "hotspot")
OFFICE = "aa"


def user(number: int, service: str = "pppoe", **values: Any) -> WantedUser:
    password = values.pop("password", f"Secret-{number}")
    defaults = {"username": f"user.{number}", "profile": "20M", "tag": tag_for(f"LD-{number}", OFFICE)}
    return WantedUser(service=service, password=Secret(password), **{**defaults, **values})


def stand(router: Simulator, want: WantedUser, **values: str) -> None:
    """Put a user on the router as wanted, but for `values`."""
    row = {"name": want.username, "password": want.password.reveal(), "profile": want.profile, "comment": want.tag}
    if want.service == "pppoe":
        row["service"] = "pppoe"
    router.add(MENU[want.service], **{**row, **values})


def compared(router: Simulator, service: str, *wanted: WantedUser, office: str = OFFICE) -> Comparison:
    with open_router(router.address()) as port:
        return port.compare(service, wanted, office)


def told(drift: Drift) -> list[tuple[str, str, str]]:
    return [(d.field, d.wanted, d.actual) for d in drift.differences]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("version", ["6.49.10", "7.18.2"])
def test_what_stands_as_wanted_is_only_counted(make_router, service, version):
    router = make_router(version=version)
    users = [user(1, service), user(2, service, ip="10.20.0.7"), user(3, service, disabled=True)]
    with open_router(router.address()) as port:
        for want in users:
            port.ensure_user(want)
        router.change(MENU[service], "user.1", comment=f"{users[0].tag} gate code")
        assert port.compare(service, users, OFFICE) == Comparison(3, (), (), (), FOREIGN[service])
        assert port.compare(service, [], "bb").foreign == FOREIGN[service] + 3


@pytest.mark.parametrize("service", SERVICES)
def test_every_difference_is_named_in_our_words(router, service):
    want = user(1, service, ip="10.20.0.7")
    stand(
        router, want, name="other", password="changed", profile="10M", disabled="yes", comment="leadtui:LD-1 vip",
        **{ADDRESS[service]: "10.20.0.8"}, **({"service": "any"} if service == "pppoe" else {}),
    )  # fmt: skip
    (drift,) = compared(router, service, want).drifted
    assert (drift.username, drift.row.username, drift.is_ours) == ("user.1", "other", True)
    assert sorted(told(drift)) == sorted([
        ("username", "user.1", "other"),
        ("password", "•••", "•••"),
        *([("service", "pppoe", "any")] if service == "pppoe" else []),
        ("profile", "20M", "10M"),
        ("disabled", "no", "yes"),
        ("ip", "10.20.0.7", "10.20.0.8"),
        ("comment", "leadtui:LD-1 office:aa", "leadtui:LD-1"),
    ])  # fmt: skip
    assert drift.row.password_matches is False
    assert "changed" not in repr(drift)


@pytest.mark.parametrize("service", SERVICES)
def test_mending_what_differs_makes_it_match(router, service):
    want = user(1, service)
    stand(router, want, name="other", profile="10M", **{ADDRESS[service]: "10.20.0.8"})
    with open_router(router.address()) as port:
        port.ensure_user(want)
        assert port.compare(service, [want], OFFICE) == Comparison(1, (), (), (), FOREIGN[service])


def test_missing_and_orphaned(router):
    stand(router, user(1))
    stand(router, user(2))
    stand(router, user(3), comment="leadtui:LD-3")  # of a version before offices had an id
    stand(router, user(4), comment=tag_for("LD-4", "bb"))
    found = compared(router, "pppoe", user(1), user(9))
    assert (found.matched, found.missing, found.drifted) == (1, (user(9),), ())
    assert [row.username for row in found.orphaned] == ["user.2", "user.3"]
    assert found.foreign == FOREIGN["pppoe"] + 1
    without = compared(router, "pppoe", office="")
    assert [row.username for row in without.orphaned] == ["user.3"]


@pytest.mark.parametrize("names", [("user.1", "user.1b"), ("user.1b", "user.1")])
def test_of_two_with_one_mark_the_one_with_the_name_counts(router, names):
    for name in names:
        stand(router, user(1), name=name)
    found = compared(router, "pppoe", user(1))
    assert (found.matched, found.drifted) == (1, ())
    assert [row.username for row in found.orphaned] == ["user.1b"]


def test_of_two_with_one_mark_and_other_names_the_first_counts(router):
    for name in ("one", "two"):
        stand(router, user(1), name=name)
    found = compared(router, "pppoe", user(1))
    assert [told(drift) for drift in found.drifted] == [[("username", "user.1", "one")]]
    assert [row.username for row in found.orphaned] == ["two"]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("comment", "password", "is_ours"),
    [
        ("", "Secret-1", True),  # it lost its mark: nobody else knows the password
        ("gate code", "Secret-1", True),
        ("", "theirs", False),
        ("leadtui:LD-1 office:bb", "Secret-1", False),  # whatever carries another's mark is never ours
        ("leadtui:LD-2 office:bb", "Secret-1", False),
    ],
)
def test_a_name_without_our_mark(router, service, comment, password, is_ours):
    want = user(1, service)
    stand(router, want, comment=comment, password=password)
    found = compared(router, service, want)
    (drift,) = found.drifted
    assert drift.is_ours is is_ours
    assert told(drift)[-1][:2] == ("comment", want.tag)
    assert (found.matched, found.missing, found.orphaned, found.foreign) == (0, (), (), FOREIGN[service])
    with open_router(router.address()) as port:
        mend = partial(port.ensure_user, want, reclaim=True)
        if is_ours:
            mend()
            assert port.compare(service, [want], OFFICE).matched == 1
        else:
            with pytest.raises(Exception, match="left as it is"):
                mend()


def test_a_name_that_an_orphan_of_ours_has_is_both(router):
    stand(router, user(1), comment=tag_for("LD-7", OFFICE))
    found = compared(router, "pppoe", user(1))
    assert [(drift.username, drift.is_ours) for drift in found.drifted] == [("user.1", False)]
    assert [row.tag for row in found.orphaned] == [tag_for("LD-7", OFFICE)]
    assert (found.matched, found.missing, found.foreign) == (0, (), FOREIGN["pppoe"])


def test_a_name_that_another_wanted_user_has_by_its_mark(router):
    """Two users that exchanged their names: each is found by its mark, none is taken for a stranger."""
    stand(router, user(1), name="user.2")
    stand(router, user(2), name="user.1")
    found = compared(router, "pppoe", user(1), user(2))
    assert [(drift.username, drift.row.username, drift.is_ours) for drift in found.drifted] == [
        ("user.1", "user.2", True),
        ("user.2", "user.1", True),
    ]
    assert (found.matched, found.missing, found.orphaned) == (0, (), ())


def test_two_wanted_of_one_name_and_one_row(router):
    stand(router, user(1), comment="")
    found = compared(router, "pppoe", user(1), user(2, username="user.1"))
    assert (found.matched, len(found.drifted), found.missing) == (0, 1, (user(2, username="user.1"),))


@pytest.mark.parametrize("service", SERVICES)
def test_a_password_that_the_account_may_not_see_is_no_difference(make_router, service):
    router = make_router(users={"api": SimulatorUser("pw", frozenset({"api", "read"}))})
    stand(router, user(1, service), password="changed")
    stand(router, user(2, service), comment="")
    with open_router(router.address("api", "pw")) as port:
        found = port.compare(service, [user(1, service), user(2, service)], OFFICE)
    assert found.matched == 1
    assert [(drift.username, drift.is_ours) for drift in found.drifted] == [("user.2", False)]


def test_a_user_without_any_password_differs_when_passwords_may_be_seen(router):
    stand(router, user(1, "hotspot"))
    stand(router, user(2, "hotspot"))
    router.state.unset(_menu("hotspot"), "user.1", "password")
    found = compared(router, "hotspot", user(1, "hotspot"), user(2, "hotspot"))
    assert [told(drift) for drift in found.drifted] == [[("password", "•••", "•••")]]


def _menu(service: str) -> Any:
    from leadtui.router.simulator.menus import MENUS

    return MENUS[MENU[service]]


def test_users_of_the_other_service_are_left_out(router):
    found = compared(router, "pppoe", user(1, "hotspot"))
    assert found == Comparison(0, (), (), (), FOREIGN["pppoe"])


@pytest.mark.parametrize("version", ["6.49.10", "7.18.2"])
def test_a_router_without_the_menu(make_router, version):
    with pytest.raises(RouterMenuMissing):
        compared(make_router(version=version, without=("/ip/hotspot",)), "hotspot", user(1, "hotspot"))


def test_text_that_is_no_text_harms_nothing(router):
    odd = "\udcff\n\x1b[31m"
    stand(router, user(1), name=f"x{odd}", comment=f"leadtui:LD-1 office:aa {odd}", profile="10M")
    router.add("/ppp/secret", name=f"y{odd}", comment=f"leadtui:{odd}")
    found = compared(router, "pppoe", user(1))
    for shown in (
        *(text for drift in found.drifted for entry in told(drift) for text in entry),
        found.orphaned[0].comment,
    ):
        assert shown.isprintable()


def test_one_listing_of_five_thousand_users(router):
    """In one print: the number of commands does not grow with the users, and neither does a look for each."""
    prototype = user(0)
    stand(router, prototype)
    (template,) = [row for row in router.secrets() if row["name"] == "user.0"]
    users = [user(number) for number in range(1, 5001)]
    for want in users:
        row = {**template, "name": want.username, "password": want.password.reveal(), "comment": want.tag}
        row.pop(".id")
        router.state.put("/ppp/secret", {**row, "profile": "*2"})
    profile = next(row["profile"] for row in router.secrets() if row["name"] == "user.1")
    asked: list[str] = []
    take = router.faults.take
    router.faults.take = lambda command: (asked.append(command), take(command))[1]  # type: ignore[method-assign]
    with open_router(router.address()) as port:
        found = port.compare("pppoe", [user(number, profile=profile) for number in range(1, 5001)], OFFICE)
    assert (found.matched, len(found.orphaned)) == (5000, 1)
    assert asked == ["/login", "/ppp/secret/print"]
