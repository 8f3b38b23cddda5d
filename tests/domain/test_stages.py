"""Moves from status to status as a pure rule (spec §E2, §M, AG19, AG20, AJ12)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadtui.domain.catalog import Pipeline, Stage
from leadtui.domain.stages import check_move, first_lost, needs_reason
from leadtui.errors import IllegalMove, Invalid, LeadtuiError, Locked

EASY = Pipeline(1, "e", "Easy", True, True, False, (), {})
STRICT = replace(EASY, require_reason_on_regress=True)


def stage(name: str, order: int, **flags: bool) -> Stage:
    return Stage(order, 1, name.lower(), name, order, order, 0.5, **flags)  # type: ignore[arg-type]


NEW, WARM, HOT = stage("New", 1, is_default=True), stage("Warm", 2), stage("Hot", 3)
WON = stage("Won", 4, is_converted=True, is_locked=True)
LOST, GONE = stage("Lost", 5, is_lost=True), stage("Gone", 6, is_lost=True)
PARKED = stage("Parked", 7, is_parked=True)
RETIRED = replace(stage("Old", 8), is_active=False)


def outcome(pipeline: Pipeline, current: Stage, target: Stage, reason: str | None) -> type[LeadtuiError] | None:
    try:
        check_move(pipeline, current, target, reason)
    except LeadtuiError as error:
        return type(error)
    return None


@pytest.mark.parametrize("pipeline", [EASY, STRICT], ids=["easy", "strict"])
@pytest.mark.parametrize("reason", [None, "", "because"])
def test_every_move(pipeline: Pipeline, reason: str | None) -> None:
    """The whole table, against the rules in the order in which the specification gives them."""
    stages = (NEW, WARM, HOT, WON, LOST, GONE, PARKED, RETIRED)
    for current in stages:
        for target in stages:
            wanted: type[LeadtuiError] | None = None
            if current is WON:
                wanted = Locked
            elif target is WON:
                wanted = IllegalMove
            else:
                back = pipeline is STRICT and target.order < current.order
                if target is RETIRED or ((target.is_lost or back) and not reason):
                    wanted = Invalid
            assert (current.name, target.name, outcome(pipeline, current, target, reason)) == (
                current.name, target.name, wanted,
            )  # fmt: skip


def test_who_is_asked_for_a_reason() -> None:
    assert needs_reason(EASY, NEW, LOST)
    assert not needs_reason(EASY, HOT, NEW)
    assert needs_reason(STRICT, HOT, NEW)
    assert not needs_reason(STRICT, NEW, HOT)
    assert not needs_reason(STRICT, NEW, replace(HOT, order=1))


def test_a_refusal_names_its_field_and_says_what_to_do() -> None:
    for current, target, field in ((WON, NEW, "status"), (NEW, WON, "status"), (NEW, RETIRED, "status"),
                                   (NEW, LOST, "reason"), (HOT, NEW, "reason")):  # fmt: skip
        with pytest.raises(LeadtuiError) as refused:
            check_move(STRICT, current, target, None)
        assert refused.value.field == field
        assert refused.value.hint
        assert refused.value.exit_code == 5


def test_the_first_active_lost_status() -> None:
    assert first_lost([NEW, WON, LOST, GONE]) is LOST
    assert first_lost([NEW, replace(LOST, is_active=False), GONE]) is GONE
    with pytest.raises(Invalid):
        first_lost([NEW, WON, replace(LOST, is_active=False)])
