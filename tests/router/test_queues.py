"""Simple queues: made, found by mark, changed, removed; a foreign one is never touched."""

from __future__ import annotations

from typing import Any

import pytest

from leadtui.errors import Invalid
from leadtui.router import open_router
from leadtui.router.port import Queue, RouterConflict, RouterMenuMissing, RouterMismatch, RouterRefused, WantedQueue
from leadtui.router.simulator import FaultRule

MENU = "/queue/simple"
TAG = "leadtui:LD-1 office:aa"


def queue(**values: Any) -> WantedQueue:
    defaults: dict[str, Any] = {
        "name": "kamau.j",
        "address": "10.20.9.9",
        "upload_bps": 512_000,
        "download_bps": 10_000_000,
        "tag": TAG,
    }
    return WantedQueue(**{**defaults, **values})


@pytest.mark.parametrize("version", ["6.42.1", "6.49.10", "7.9.2", "7.18.2"])
def test_a_queue_is_made_found_and_removed_in_every_dialect(make_router, version):
    router = make_router(version=version)
    with open_router(router.address()) as port:
        made = port.ensure_queue(queue())
        assert made == Queue("kamau.j", "10.20.9.9/32", 512_000, 10_000_000, False, TAG)
        assert made.tag == TAG
        assert port.ensure_queue(queue()) == made
        assert port.queues() == port.find_queues(TAG) == (made,)
        assert port.remove_queue("kamau.j", TAG) is True
        assert port.remove_queue("kamau.j", TAG) is False
        assert port.queues() == ()


def test_nothing_is_written_when_nothing_differs(router):
    with open_router(router.address()) as port:
        port.ensure_queue(queue())
        for verb in ("add", "set"):
            router.faults.add(FaultRule(f"{MENU}/{verb}", "refuse"))
        port.ensure_queue(queue())
    assert router.rows(MENU)[0]["max-limit"] == "512000/10000000"  # the upload first


@pytest.mark.parametrize(
    "values",
    [
        {"upload_bps": None},
        {"download_bps": 10**9},
        {"address": "10.20.9.10"},
        {"name": "kamau.2"},
        {"tag": "leadtui:LD-1 office:aa", "name": "kamau.3", "address": "10.20.9.11"},
    ],
)
def test_what_differs_is_set(router, values):
    with open_router(router.address()) as port:
        port.ensure_queue(queue())
        steps: list[str] = []
        changed = port.ensure_queue(queue(**values), steps.append)
    want = queue(**values)
    assert changed == Queue(want.name, f"{want.address}/32", want.upload_bps, want.download_bps, False, TAG)
    assert len(router.rows(MENU)) == 1
    assert [step.split()[0] for step in steps] == ["Looking", "Changing", "Reading"]


def test_a_disabled_queue_limits_nobody_and_is_enabled(router):
    with open_router(router.address()) as port:
        port.ensure_queue(queue())
        router.change(MENU, "kamau.j", disabled="yes")
        assert port.queues()[0].disabled is True
        assert port.ensure_queue(queue()).disabled is False


def test_a_queue_of_an_earlier_version_gets_the_whole_mark(router):
    router.add(MENU, name="kamau.j", target="10.20.9.9", max_limit="512k/10M", comment="leadtui:LD-1 roof")
    with open_router(router.address()) as port:
        assert port.find_queues(TAG)[0].name == "kamau.j"
        assert port.ensure_queue(queue()).comment == f"{TAG} roof"


@pytest.mark.parametrize("comment", ["", "by hand", "leadtui:LD-1 office:bb", "leadtui:LD-2 office:aa"])
def test_a_foreign_queue_is_a_conflict_and_stays_as_it_was(router, comment):
    router.add(MENU, name="kamau.j", target="10.20.9.9", max_limit="1M/1M", comment=comment)
    before = router.rows(MENU)
    with open_router(router.address()) as port:
        assert port.find_queues(TAG) == ()
        for attempt in (lambda: port.ensure_queue(queue()), lambda: port.remove_queue("kamau.j", TAG)):
            with pytest.raises(RouterConflict) as conflict:
                attempt()
            assert (conflict.value.field, conflict.value.row.target) == ("queue", "10.20.9.9/32")
            assert conflict.value.outcome_unknown is False
    assert router.rows(MENU) == before


def test_two_queues_of_one_lead_are_shown_and_not_touched(router):
    for name in ("a.one", "b.two"):
        router.add(MENU, name=name, target="10.0.0.1", comment=TAG)
    before = router.rows(MENU)
    with open_router(router.address()) as port, pytest.raises(RouterConflict, match=r"a\.one, b\.two"):
        port.ensure_queue(queue())
    assert router.rows(MENU) == before


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "queue"),
        ({"name": "*3"}, "queue"),
        ({"address": "10.20.9.0/24"}, "ip"),
        ({"address": ""}, "ip"),
        ({"upload_bps": None, "download_bps": None}, "download"),
        ({"upload_bps": 0}, "upload"),
        ({"tag": "LD-1"}, "tag"),
    ],
)
def test_bad_wishes_never_reach_the_router(router, values, field):
    with open_router(router.address()) as port, pytest.raises(Invalid) as refused:
        port.ensure_queue(queue(**values))
    assert refused.value.field == field
    assert router.rows(MENU) == []


@pytest.mark.parametrize("verb", ["add", "set", "remove"])
def test_an_acknowledgement_is_not_believed(router, verb):
    with open_router(router.address()) as port:
        if verb != "add":
            port.ensure_queue(queue())
        router.faults.add(FaultRule(f"{MENU}/{verb}", "forget"))
        with pytest.raises(RouterMismatch) as mismatch:
            port.remove_queue("kamau.j", TAG) if verb == "remove" else port.ensure_queue(queue(address="10.20.9.8"))
    assert mismatch.value.outcome_unknown is (verb == "add")
    assert [d.field for d in mismatch.value.differences] == (["target"] if verb == "set" else [])


def test_a_queue_that_appears_between_look_and_add(router):
    with open_router(router.address()) as port:
        router.faults.add(FaultRule(f"{MENU}/add", "refuse", text="failure: already have such name"))
        with pytest.raises(RouterRefused, match="does not show it"):
            port.ensure_queue(queue())


def test_a_router_without_queues(make_router):
    with open_router(make_router(without=("/queue",)).address()) as port, pytest.raises(RouterMenuMissing):
        port.queues()
