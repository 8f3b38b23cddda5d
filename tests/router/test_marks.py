"""The mark: whose a row is, and how the adapter treats rows of this office, of another, of none and of nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.router import open_router
from leadtui.router.marks import marked
from leadtui.router.port import (
    RouterConflict,
    is_marked,
    is_of_office,
    number_of,
    office_of,
    owner_tag,
    package_tag,
    tag_for,
)
from leadtui.router.simulator import Simulator

MENU = {"pppoe": "/ppp/secret", "hotspot": "/ip/hotspot/user"}
OLD = "leadtui:LD-1"
OURS = "leadtui:LD-1 office:aa"
THEIRS = "leadtui:LD-1 office:bb"
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


def test_tags():
    assert tag_for("LD-202611-0001", "1a2b3c4d") == "leadtui:LD-202611-0001 office:1a2b3c4d"
    assert tag_for("LD-202611-0001") == "leadtui:LD-202611-0001"
    assert package_tag(7, "1a2b3c4d") == "leadtui:package:7 office:1a2b3c4d"
    assert number_of(package_tag(7, "x")) == "package:7"


@pytest.mark.parametrize(
    ("comment", "mark"),
    [
        ("leadtui:LD-1 more words", OLD),
        ("leadtui:LD-1\toffice:aa  gate code", OURS),
        ("leadtui:LD-1 gate office:aa", OLD),
        ("leadtui:LD-1 office: aa", OLD),
        ("", None),
        ("x leadtui:LD-1", None),
        ("leadtui:", None),
        ("leadtui: LD-1", None),
        ("LEADTUI:LD-1", None),
        ("leadtuix:1", None),
    ],
)
def test_the_mark_is_the_first_words(comment, mark):
    assert owner_tag(comment) == mark
    assert number_of(comment) == ("LD-1" if mark else "")
    assert office_of(comment) == ("aa" if mark == OURS else "")


@pytest.mark.parametrize(
    ("comment", "tag", "is_ours"),
    [
        (OURS, OURS, True),
        (f"{OURS} vip", OURS, True),
        (OLD, OURS, True),  # of a version before offices had an id
        (f"{OLD} vip", OURS, True),
        (THEIRS, OURS, False),
        (OLD, OLD, True),
        (OURS, OLD, False),
        ("leadtui:LD-11 office:aa", OURS, False),
        ("", OURS, False),
        ("LD-1", OURS, False),
        ("", "", False),
    ],
)
def test_whose_a_comment_is(comment, tag, is_ours):
    assert is_marked(comment, tag) is is_ours


def test_offices():
    assert [is_of_office(mark, "aa") for mark in (OURS, OLD, THEIRS, None)] == [True, True, False, False]
    assert [is_of_office(mark, "") for mark in (OURS, OLD, THEIRS, None)] == [False, True, False, False]


@given(WORDS, st.just("") | WORDS, st.text(max_size=30))
def test_a_mark_is_read_back_and_keeps_what_was_written_behind_it(number, office, note):
    tag = tag_for(number, office)
    comment = marked(f"leadtui:{number} {note}", tag)
    if not note.strip().startswith("office:"):
        assert owner_tag(comment) == tag
        assert comment.removeprefix(tag).split() == note.split()
    assert marked(comment, tag) == comment


# On the wire


def comment_of(router: Simulator, service: str, name: str) -> str:
    (comment,) = [row["comment"] for row in router.rows(MENU[service]) if row["name"] == name]
    return comment


@pytest.mark.parametrize("service", MENU)
def test_a_user_of_an_earlier_version_is_ours_and_gets_the_whole_mark(router, wanted, service):
    with open_router(router.address()) as port:
        port.ensure_user(wanted(service=service, tag=OLD))
        router.change(MENU[service], "kamau.j", comment=f"{OLD} gate code at reception")
        found = port.find_tagged(service, OURS)
        changed = port.ensure_user(wanted(service=service, tag=OURS))
        again = port.ensure_user(wanted(service=service, tag=OURS))
    assert [user.username for user in found] == ["kamau.j"]
    assert (changed.outcome, changed.changed) == ("updated", ("comment",))
    assert comment_of(router, service, "kamau.j") == f"{OURS} gate code at reception"
    assert again.outcome == "unchanged"


@pytest.mark.parametrize("old", [OLD, OURS])
def test_an_earlier_attempt_under_another_name_is_renamed(router, wanted, old):
    with open_router(router.address()) as port:
        port.ensure_user(wanted(username="kamau.old", tag=old))
        port.ensure_user(wanted(tag=OURS))
        assert [user.username for user in port.find_tagged("pppoe", OURS)] == ["kamau.j"]
    assert comment_of(router, "pppoe", "kamau.j") == OURS


@pytest.mark.parametrize("service", MENU)
def test_what_carries_another_offices_mark_is_foreign(router, wanted, service):
    with open_router(router.address()) as port:
        port.ensure_user(wanted(service=service, tag=THEIRS))
        before = router.rows(MENU[service])
        assert port.find_tagged(service, OURS) == ()
        for attempt in (
            lambda: port.ensure_user(wanted(service=service, tag=OURS)),
            lambda: port.ensure_user(wanted(service=service, tag=OURS), reclaim=True),
            lambda: port.remove_user(service, "kamau.j", OURS),
            lambda: port.set_disabled(service, "kamau.j", OURS, True),
        ):
            with pytest.raises(RouterConflict, match=r"belongs to another office \(bb\)"):
                attempt()
        # Two databases that number their leads alike each get their own user.
        port.ensure_user(wanted(service=service, tag=OURS, username="kamau.2"))
        assert port.remove_user(service, "kamau.2", OURS)
    assert router.rows(MENU[service]) == before


@pytest.mark.parametrize("service", MENU)
@pytest.mark.parametrize("note", ["", "gate code"])
def test_a_lost_mark_is_given_again_only_on_demand_and_by_the_password(router, wanted, service, note):
    with open_router(router.address()) as port:
        port.ensure_user(wanted(service=service, tag=OURS))
        router.change(MENU[service], "kamau.j", comment=note)
        with pytest.raises(RouterConflict):
            port.ensure_user(wanted(service=service, tag=OURS))
        with pytest.raises(RouterConflict):
            port.ensure_user(wanted(service=service, tag=OURS, password="Another4x"), reclaim=True)
        mended = port.ensure_user(wanted(service=service, tag=OURS), reclaim=True)
    assert mended.changed == ("comment",)
    assert comment_of(router, service, "kamau.j") == f"{OURS} {note}".strip()
