"""The adapter against the training router over a real socket: what each operation does, and what it leaves alone."""

from __future__ import annotations

import logging
import socket
from functools import partial

import pytest

from leadtui.errors import Invalid
from leadtui.router import open_router
from leadtui.router.port import (
    ProfileMissing,
    RouterAddress,
    RouterConflict,
    RouterDropped,
    RouterLoginRefused,
    RouterMismatch,
    RouterPermissionDenied,
    RouterPort,
    RouterRefused,
    RouterUnreachable,
    Secret,
)
from leadtui.router.simulator import FaultRule, Simulator, SimulatorUser

VERSIONS = ("6.42.1 (long-term)", "6.44.3", "6.49.10 (stable)", "7.9.2", "7.18.2 (stable)", "7.24beta1")
SERVICES = ("pppoe", "hotspot")
MENU = {"pppoe": "/ppp/secret", "hotspot": "/ip/hotspot/user"}
ADDRESS = {"pppoe": "remote-address", "hotspot": "address"}


def row_of(router: Simulator, service: str, name: str) -> dict[str, str]:
    (row,) = [row for row in router.rows(MENU[service]) if row["name"] == name]
    return row


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_user_is_made_found_and_removed_in_every_dialect(make_router, wanted, version, service):
    router = make_router(version=version)
    want = wanted(service=service)
    with open_router(router.address()) as port:
        assert isinstance(port, RouterPort)
        assert port.probe().version == version
        assert port.read_user(service, want.username) is None
        made = port.ensure_user(want)
        assert (made.outcome, made.before, made.changed) == ("created", None, ())
        assert made.user.password_matches is True
        assert made.user.tag == want.tag
        again = port.ensure_user(want)
        assert (again.outcome, again.changed) == ("unchanged", ())
        assert again.before == made.user.__class__(**{**_fields(made.user), "password_matches": None})
        assert port.find_tagged(service, want.tag)[0].username == want.username
        assert port.remove_user(service, want.username, want.tag) is True
        assert port.remove_user(service, want.username, want.tag) is False
        assert port.find_tagged(service, want.tag) == ()


def _fields(user):
    return {name: getattr(user, name) for name in user.__slots__}


def test_the_probe_tells_who_the_router_is(router):
    with open_router(router.address()) as port:
        probe = port.probe()
    assert (probe.identity, probe.version, probe.board) == ("WL-RTR-1", "7.18.2 (stable)", "CCR2004-16G-2S+")
    assert probe.latency_ms >= 0
    assert probe.cpu_load_percent == 3


def test_profiles_pools_users_and_sessions(router):
    with open_router(router.address()) as port:
        profiles = {p.name: p for p in port.profiles("pppoe")}
        assert {"default", "default-encryption", "10M", "20M", "50M", "100M"} <= set(profiles)
        assert (profiles["20M"].rate_limit, profiles["20M"].remote_address) == ("20M/20M", "pppoe-wl")
        assert profiles["default"].remote_address is None
        assert {p.name for p in port.profiles("hotspot")} >= {"default", "20M"}
        pools = {p.name: p for p in port.pools()}
        assert (pools["pppoe-wl"].total, pools["pppoe-wl"].used) == (253, 2)
        assert pools["pppoe-wl"].next_pool == "pppoe-wl-2"
        assert {u.username for u in port.users("pppoe")} == {"office.backup", "jane.w", "tower7.cam"}
        assert [s.address for s in port.active("pppoe", "jane.w")] == ["10.20.0.253"]
        assert port.active("hotspot") == ()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("version", ["6.49.10", "7.18.2"])
def test_only_differences_are_set_and_an_address_is_unset(make_router, wanted, version, service):
    router = make_router(version=version)
    with open_router(router.address()) as port:
        port.ensure_user(wanted(service=service, ip="10.20.9.9"))
        router.change(MENU[service], "kamau.j", comment="leadtui:LD-202511-0001 gate code at reception")
        changed = port.ensure_user(wanted(service=service, profile="50M", password="Other4word"))
    assert changed.outcome == "updated"
    assert set(changed.changed) == {"profile", "password", ADDRESS[service]}
    assert (changed.before.profile, changed.before.ip) == ("20M", "10.20.9.9")
    row = row_of(router, service, "kamau.j")
    assert (row["profile"], row["password"]) == ("50M", "Other4word")
    assert ADDRESS[service] not in row
    assert row["comment"] == "leadtui:LD-202511-0001 gate code at reception"


def test_the_address_is_cleared_on_a_router_without_unset(router, wanted):
    with open_router(router.address()) as port:
        port.ensure_user(wanted(ip="10.20.9.9"))
        router.faults.add(FaultRule("/ppp/secret/unset", "no_menu"))
        assert port.ensure_user(wanted()).user.ip is None


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("comment", ["", "put here by hand", "leadtui:LD-202511-0999", "x leadtui:LD-202511-0001"])
def test_a_foreign_user_is_a_conflict_and_stays_as_it_was(router, wanted, service, comment):
    router.add(MENU[service], name="kamau.j", password="theirs", profile="10M", comment=comment)
    before = router.rows(MENU[service])
    with open_router(router.address()) as port:
        for attempt in (
            lambda: port.ensure_user(wanted(service=service)),
            lambda: port.remove_user(service, "kamau.j", "leadtui:LD-202511-0001"),
            lambda: port.set_disabled(service, "kamau.j", "leadtui:LD-202511-0001", True),
        ):
            with pytest.raises(RouterConflict) as conflict:
                attempt()
            assert conflict.value.row.profile == "10M"
            assert conflict.value.outcome_unknown is False
            assert "theirs" not in str(conflict.value) + repr(conflict.value.row)
    assert router.rows(MENU[service]) == before


def test_a_lead_that_has_a_user_under_another_name_gets_it_renamed(router, wanted):
    with open_router(router.address()) as port:
        port.ensure_user(wanted(username="kamau.old"))
        renamed = port.ensure_user(wanted())
    assert (renamed.outcome, renamed.changed, renamed.before.username) == ("updated", ("name",), "kamau.old")
    assert [s["name"] for s in router.secrets() if s.get("comment", "").startswith("leadtui:")] == ["kamau.j"]


def test_two_users_of_one_lead_are_shown_and_not_touched(router, wanted):
    for name in ("a.one", "b.two"):
        router.add("/ppp/secret", name=name, comment="leadtui:LD-202511-0001")
    before = router.secrets()
    with open_router(router.address()) as port, pytest.raises(RouterConflict, match=r"a\.one, b\.two"):
        port.ensure_user(wanted())
    assert router.secrets() == before


@pytest.mark.parametrize("profile", ["15M", "20", "1", "20m", "20M "])
def test_a_profile_must_exist_by_its_exact_name(router, wanted, profile):
    before = router.secrets()
    with open_router(router.address()) as port, pytest.raises(ProfileMissing) as missing:
        port.ensure_user(wanted(profile=profile))
    assert missing.value.profile == profile
    assert "20M" in missing.value.available
    assert router.secrets() == before


def test_a_profile_removed_between_look_and_add(router, wanted):
    router.faults.add(FaultRule("/ppp/secret/add", "refuse", text="input does not match any value of profile"))
    with open_router(router.address()) as port, pytest.raises(ProfileMissing) as missing:
        port.ensure_user(wanted())
    assert missing.value.profile == "20M"


def test_a_renamed_profile_carries_its_users(router, wanted):
    with open_router(router.address()) as port:
        port.ensure_user(wanted())
        router.change("/ppp/profile", "20M", name="Home 20")
        assert port.read_user("pppoe", "kamau.j").profile == "Home 20"
        assert port.ensure_user(wanted(profile="Home 20")).outcome == "unchanged"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"username": "a b"}, "username"),
        ({"username": "777"}, "username"),
        ({"password": "12345"}, "password"),
        ({"password": "true"}, "password"),
        ({"ip": "pppoe-wl"}, "ip"),
        ({"ip": ""}, "ip"),
        ({"ip": "0.0.0.0"}, "ip"),  # noqa: S104 - a value to refuse
        ({"ip": "fe80::1"}, "ip"),
        ({"tag": "LD-1"}, "tag"),
        ({"tag": "leadtui:LD 1"}, "tag"),
        ({"profile": ""}, "profile"),
    ],
)
def test_bad_wishes_never_reach_the_router(router, wanted, values, field):
    before = router.secrets()
    with open_router(router.address()) as port, pytest.raises(Invalid) as refused:
        port.ensure_user(wanted(**values))
    assert refused.value.field == field
    assert router.secrets() == before


@pytest.mark.parametrize("password", ["true", "no", "12345", "007", "päß=wort", "a\r\nb", "nul\0in", "=x=y"])
def test_what_looks_like_another_type_is_read_as_text(router, password):
    router.add("/ppp/secret", name="12345", password=password, profile="10M", comment=f"Renée = {password}")
    with open_router(router.address()) as port:
        user = port.read_user("pppoe", "12345", Secret(password))
        other = port.read_user("pppoe", "12345", Secret(password + "x"))
    assert user.username == "12345"
    assert user.password_matches is True
    assert other.password_matches is False
    assert user.comment.startswith("Renée = ")
    assert "\n" not in user.comment


def test_bytes_that_are_not_utf8_are_shown_and_harm_nothing(router, wanted):
    router.add("/ppp/secret", name=b"Jos\xe9".decode("utf-8", "surrogateescape"), comment="\udcff\udcfe")
    with open_router(router.address()) as port:
        (odd,) = [u for u in port.users("pppoe") if u.username.startswith("Jos")]
        assert (odd.username, odd.comment) == ("Jos\ufffd", "\ufffd\ufffd")
        assert port.ensure_user(wanted()).outcome == "created"


def test_an_injected_line_is_one_value(router):
    with open_router(router.address()) as port:
        assert port.read_user("pppoe", "jane.w\n?name=office.backup") is None
        assert port.read_user("pppoe", "jane.w=") is None
        with pytest.raises(Invalid):
            port.read_user("pppoe", "\ud800")
        assert port.read_user("pppoe", "jane.w") is not None


def test_a_tag_with_words_after_it_is_still_found(router, wanted):
    with open_router(router.address()) as port:
        port.ensure_user(wanted())
        router.change("/ppp/secret", "kamau.j", comment="leadtui:LD-202511-0001\tvip")
        router.add("/ppp/secret", name="other", comment="leadtui:LD-202511-00011")
        (found,) = port.find_tagged("pppoe", "leadtui:LD-202511-0001")
        assert found.username == "kamau.j"


@pytest.mark.parametrize("service", SERVICES)
def test_disable_and_enable_are_idempotent(router, wanted, service):
    tag = "leadtui:LD-202511-0001"
    with open_router(router.address()) as port:
        port.ensure_user(wanted(service=service))
        for disabled in (True, True, False, False):
            assert port.set_disabled(service, "kamau.j", tag, disabled).disabled is disabled
        with pytest.raises(RouterRefused, match="has no user nobody"):
            port.set_disabled(service, "nobody", tag, True)


def test_disconnect_ends_the_sessions_of_one_user(router, wanted):
    with open_router(router.address()) as port:
        port.ensure_user(wanted())
        address = router.dial_in("kamau.j")
        port.set_disabled("pppoe", "kamau.j", "leadtui:LD-202511-0001", True)
        assert [s.address for s in port.active("pppoe", "kamau.j")] == [address]  # disabling does not kick
        assert port.disconnect("pppoe", "kamau.j") == 1
        assert port.disconnect("pppoe", "kamau.j") == 0
        assert len(port.active("pppoe")) == 2


def test_the_steps_are_told_in_order(router, wanted):
    steps: list[str] = []
    with open_router(router.address()) as port:
        port.ensure_user(wanted(), steps.append)
        port.ensure_user(wanted(profile="50M"), steps.append)
    assert steps == [
        "Looking for the profile 20M",
        "Looking for the user kamau.j",
        "Adding the user kamau.j",
        "Reading the user kamau.j back",
        "Looking for the profile 50M",
        "Looking for the user kamau.j",
        "Changing profile of the user kamau.j",
        "Reading the user kamau.j back",
    ]


# Rights and logins


def account(router_password: str, *policies: str) -> SimulatorUser:
    return SimulatorUser(router_password, frozenset({"api", *policies}))


def test_an_account_that_may_not_see_passwords(make_router, wanted):
    router = make_router(users={"api": account("pw-of-api", "read", "write")})
    with open_router(router.address("api", "pw-of-api")) as port:
        assert port.ensure_user(wanted()).user.password_matches is None
        again = port.ensure_user(wanted(password="New4word"))
    assert again.changed == ("password",)
    assert row_of(router, "pppoe", "kamau.j")["password"] == "New4word"


def test_an_account_that_may_not_write(make_router, wanted):
    router = make_router(users={"api": account("pw-of-api", "read")})
    with open_router(router.address("api", "pw-of-api")) as port:
        with pytest.raises(RouterPermissionDenied) as denied:
            port.ensure_user(wanted())
        assert denied.value.outcome_unknown is False
        assert "not enough permissions" in denied.value.router_said
        assert port.probe().identity == "WL-RTR-1"  # a trap leaves the connection in step


@pytest.mark.parametrize("version", ["6.42.1", "6.44", "6.49.10", "7.18.2"])
@pytest.mark.parametrize(("name", "password"), [("admin", "wrong-one"), ("nobody", "admin"), ("no-api", "admin")])
def test_a_refused_login(make_router, version, name, password):
    router = make_router(
        version=version, users={"admin": "admin", "no-api": SimulatorUser("admin", frozenset({"read"}))}
    )
    with pytest.raises(RouterLoginRefused) as refused:
        open_router(router.address(name, password))
    assert refused.value.code == "router_login"
    assert "wrong-one" not in refused.value.message


def test_passwords_that_are_not_ascii_log_in(make_router):
    for version in ("6.42.1", "7.18.2"):
        router = make_router(version=version, users={"admin": "pässwörd"})
        with open_router(router.address("admin", "pässwörd")) as port:
            assert port.probe().identity


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = RouterAddress("127.0.0.1", port, "admin", Secret("admin-secret"), name="WL-RTR-9")
    with pytest.raises(RouterUnreachable, match="WL-RTR-9") as failed:
        open_router(address)
    assert failed.value.outcome_unknown is False
    assert failed.value.exit_code == 6
    assert "admin-secret" not in repr(address)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "bad..name", "x" * 70 + ".example", ""])
def test_a_host_that_cannot_be_found(host):
    with pytest.raises(RouterUnreachable):
        open_router(RouterAddress(host, 1, "admin", Secret("admin")), deadline_s=3)


def test_a_full_router_turns_the_caller_away(make_router):
    router = make_router(max_sessions=1)
    with open_router(router.address()), pytest.raises(RouterDropped) as dropped:
        open_router(router.address())
    assert dropped.value.outcome_unknown is False


def test_a_closed_port_says_so(router):
    with open_router(router.address()) as port:
        port.probe()
    port.close()
    with pytest.raises(RouterDropped, match="closed"):
        port.probe()


@pytest.mark.parametrize("command", ["/ppp/secret/add", "/ppp/secret/set", "/ppp/secret/remove"])
def test_an_acknowledgement_is_not_believed(router, wanted, command):
    with open_router(router.address()) as port:
        if not command.endswith("add"):
            port.ensure_user(wanted(profile="10M"))
        router.faults.add(FaultRule(command, "forget"))
        removing = command.endswith("remove")
        act = partial(port.remove_user, "pppoe", "kamau.j", wanted().tag) if removing else port.ensure_user
        with pytest.raises(RouterMismatch) as mismatch:
            act() if removing else act(wanted())
    if command.endswith("set"):
        assert [(d.field, d.wanted, d.actual) for d in mismatch.value.differences] == [("profile", "20M", "10M")]
    assert (mismatch.value.row is None) is command.endswith("add")


def test_an_unbelievable_duplicate(router, wanted):
    router.faults.add(FaultRule("/ppp/secret/add", "refuse", text="failure: secret with the same name already exists"))
    with open_router(router.address()) as port, pytest.raises(RouterRefused, match="does not show it"):
        port.ensure_user(wanted())


def test_a_router_without_the_menu(make_router):
    router = make_router()
    router.faults.add(FaultRule("/ip/hotspot/user", "no_menu"))
    with open_router(router.address()) as port, pytest.raises(Exception, match="no such command") as missing:
        port.users("hotspot")
    assert missing.value.code == "router_menu_missing"


def test_what_a_router_says_is_cleaned_and_holds_no_secret(router, wanted):
    said = "failure: \x1b[31m kq7mRtz3Wd\r\n\u202eis bad"
    router.faults.add(FaultRule("/ppp/secret/add", "refuse", text=said))
    with open_router(router.address()) as port, pytest.raises(RouterRefused) as refused:
        port.ensure_user(wanted())
    assert refused.value.router_said == "failure: [31m ••• is bad"
    assert refused.value.outcome_unknown is False


@pytest.mark.parametrize("version", ["6.42.1", "7.18.2"])
def test_no_password_is_logged(make_router, wanted, caplog, version):
    caplog.set_level(logging.DEBUG)
    router = make_router(version=version, users={"admin": "the-routers-own"})
    with open_router(router.address("admin", "the-routers-own")) as port:
        port.ensure_user(wanted())
        port.ensure_user(wanted(password="Another4x"))
        port.users("pppoe")
    with pytest.raises(RouterLoginRefused):
        open_router(router.address("admin", "not-the-routers"))
    logged = caplog.text + "".join(repr(record.__dict__) for record in caplog.records)
    assert "/ppp/secret/add" in logged
    for secret in ("the-routers-own", "not-the-routers", "kq7mRtz3Wd", "Another4x", "kept-by-noc"):
        assert secret not in logged
