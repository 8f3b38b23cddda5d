"""Scoring rules tried on a planted past: the best rule comes first, nothing later is seen, and nothing is written."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadtui.errors import FilterError, Invalid, NotFound, NotPermitted
from leadtui.services import activities, behavior, leads, rehearsal_leads, score_rules
from leadtui.services.activities import LogEntry
from leadtui.services.office import Office
from leadtui.services.rule_rehearsal import Candidate, Change, Stopped, scores
from tests.services.lead_help import ONE_ENGINE, acting_as, add, add_users, everything
from tests.services.rehearsal_help import labels, plant

Move = Callable[[datetime], None]
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CITIES = ("Nairobi", "Mombasa", "Kisumu", "Nakuru")
CHANGES = (
    Change("add", None, {"name": "lives in Kisumu", "when": "city:Kisumu", "points": "20"}),
    Change("add", None, {"name": "owns a router", "when": "has_router:yes", "points": "20"}),
    Change("add", None, {"name": "knows somebody", "when": 'current_isp:"Acme"', "points": "20"}),
    Change("add", None, {"name": "lives in Nakuru", "when": "city:Nakuru", "points": "20"}),
)


def columns(rng: random.Random) -> dict[str, Any]:
    """A lead as it comes in."""
    return {
        "city": rng.choice(CITIES), "has_router": rng.random() < 0.5,
        "current_isp": "Acme" if rng.random() < 0.3 else None,
    }  # fmt: skip


def chance(lead: Any) -> float:
    """What makes leads convert: where they live, most of all."""
    return 0.45 if lead["city"] == "Kisumu" else 0.12 + 0.06 * lead["has_router"]


@ONE_ENGINE
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_the_planted_best_rule_comes_first(office: Office, frozen_clock: Move, seed: int) -> None:
    plant(office, 600, columns, chance, seed=seed)
    before = everything(office)
    found = scores(office, CHANGES)
    assert found.best is not None
    assert found.candidates[0].words == ("+ lives in Kisumu: +20 if city:Kisumu",)
    assert found.best.verdict == "better"
    assert found.best.gain_low is not None and found.best.gain_low > 0
    assert (found.best.quality.lift or 0) > (found.before.lift or 0)
    assert found.rules[0].name == "lives in Kisumu" and found.rules[0].is_new
    assert found.rules[0].certainty == "sure"
    assert found.rules[0].alone.lift is not None and found.rules[0].alone.lift > 2
    by_name = {one.name: one for one in found.rules}
    assert by_name["knows somebody"].certainty == "unsure"
    assert found.leads == 600 and found.converted == sum(band.share.hits for band in found.before.bands)
    assert everything(office) == before  # it writes nothing at all


@ONE_ENGINE
def test_what_each_rule_is_worth(office: Office, frozen_clock: Move) -> None:
    plant(office, 400, columns, chance, seed=4)
    for name, when, active in (("kisumu", "city:Kisumu", False), ("noise", "city:Nairobi", True)):
        score_rules.add(office, {"name": name, "when": when, "points": "30"})
        score_rules.set_active(office, name, active)
    found = scores(office)
    assert found.rules[0].name == "kisumu" and not found.rules[0].is_active
    assert found.best is not None and labels(found.candidates)[0] in {"with kisumu", "without noise"}
    assert {"with kisumu", "without noise"} <= set(labels(found.candidates))
    assert len(found.candidates) == len(score_rules.list_all(office, pipeline="isp"))


@ONE_ENGINE
def test_several_changes_make_one_candidate(office: Office, frozen_clock: Move) -> None:
    plant(office, 150, columns, chance, seed=5)
    score_rules.add(office, {"name": "noise", "when": "city:Nairobi", "points": "60"})
    both = Candidate("both", (Change("disable", "noise"), CHANGES[0]))
    found = scores(office, [Change("edit", "noise", {"points": "-20"}), both, Change("remove", "noise")])
    assert set(labels(found.candidates)) == {"both", "noise: +60 if city:Nairobi → -20 if city:Nairobi", "- noise"}
    one = next(one for one in found.candidates if one.label == "both")
    assert one.words == ("noise off", "+ lives in Kisumu: +20 if city:Kisumu")
    assert one.no_longer_qualified.n == 0 or one.movers
    for mover in one.movers:
        assert (mover.before >= 50) != (mover.after >= 50) or (mover.before > 80) != (mover.after > 80)


def test_later_is_not_seen(office: Office, frozen_clock: Move) -> None:
    """Leads are told apart only by what comes later: no rule may know it."""
    frozen_clock(NOW - timedelta(days=60))
    rule = Change("add", None, {"name": "late", "points": "50", "when": "tag:vip or page_views:>=1 or city:Kisumu"})
    ids = [add(office, f"07221{n:05d}") for n in range(8)]
    frozen_clock(NOW - timedelta(days=55))
    for lead_id in ids[:4]:
        leads.edit(office, lead_id, {"city": "Kisumu", "tags": "vip"})
        behavior.record(office, lead_id, "page_view")
        activities.log(office, lead_id, LogEntry("call", outcome="positive"))
    frozen_clock(NOW)
    seen = scores(office, [rule]).rules
    assert {one.alone.having.n for one in seen if one.name in {"late", "Answered the last call"}} <= {0}
    assert (
        next(one for one in scores(office, [rule], look_ahead_days=6).rules if one.name == "late").alone.having.n == 4
    )


@ONE_ENGINE
def test_a_lead_is_looked_at_before_it_is_decided(office: Office, frozen_clock: Move) -> None:
    """Converted within the look-ahead: seen as it stood before, whatever came with the conversion."""
    from leadtui.services import status
    from leadtui.services.conversion import ConvertRequest, convert

    frozen_clock(NOW - timedelta(days=60))
    lead_id = add(office)
    gone = add(office, "0722000112")
    frozen_clock(NOW - timedelta(days=59))
    status.lose(office, gone, "price")
    convert(office, lead_id, ConvertRequest())
    frozen_clock(NOW)
    rules = [Change("add", None, {"name": "won", "points": "9", "when": "is:converted or is:lost"})]
    found = scores(office, rules)
    assert (found.leads, found.converted, found.lost) == (2, 1, 1)
    assert next(one for one in found.rules if one.name == "won").alone.having.n == 0


@ONE_ENGINE
def test_who_is_left_out(office: Office, frozen_clock: Move) -> None:
    add(office)  # of today
    found = scores(office)
    assert (found.leads, found.left_out) == (0, {"too young: nothing has come of them yet": 1})
    assert found.best is None and found.before.auc is None
    assert "There is no lead of that time to rehearse on." in found.notes
    frozen_clock(NOW + timedelta(days=400))
    assert scores(office).left_out == {}  # it is no lead of the last months


@ONE_ENGINE
def test_one_class_only(office: Office, frozen_clock: Move) -> None:
    plant(office, 40, columns, lambda _: 0.0, seed=6)
    found = scores(office, CHANGES[:2])
    assert found.converted == 0 and found.best is None
    assert {one.verdict for one in found.candidates} == {"unclear"}
    assert found.notes[0] == "None of the 40 leads converted: nothing tells good leads from others."
    assert isinstance(found.as_json(), dict)


@ONE_ENGINE
def test_what_is_refused(office: Office, frozen_clock: Move) -> None:
    add_users(office, "asha:agent")
    with acting_as(office, "asha") as asha, pytest.raises(NotPermitted):
        scores(asha)
    with pytest.raises(FilterError) as refused:
        scores(office, [Change("add", None, {"name": "x", "when": "city:x and score:>5", "points": "1"})])
    assert refused.value.column is not None
    with pytest.raises(NotFound):
        scores(office, [Change("disable", "nothing such")])
    tries: dict[str, Callable[[], object]] = {
        "months": lambda: scores(office, months=0), "look_ahead_days": lambda: scores(office, look_ahead_days=31),
        "settle_days": lambda: scores(office, settle_days=0),
    }  # fmt: skip
    for field, attempt in tries.items():
        with pytest.raises(Invalid) as wrong:
            attempt()
        assert wrong.value.field == field


@ONE_ENGINE
def test_it_says_how_far_it_is_and_stops(office: Office, frozen_clock: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal_leads, "CHUNK", 20)
    plant(office, 22, columns, chance, seed=7)
    seen: list[tuple[int, int]] = []
    scores(office, CHANGES[:1], on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(20, 22), (22, 22)]
    with pytest.raises(Stopped):
        scores(office, should_stop=lambda: True)
