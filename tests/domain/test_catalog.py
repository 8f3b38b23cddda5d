"""Looking up names as people type them (spec AG10, AH3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leadtui.domain.catalog import Catalog, FieldRule, Item, Pipeline, Product, RoleItem, Stage, UserItem
from leadtui.domain.permissions import Grant
from leadtui.errors import Invalid


def stage(id_: int, pipeline: int, key: str, name: str, order: int, **flags: Any) -> Stage:
    return Stage(id_, pipeline, key, name, order, id_, 0.5, **flags)


def user(id_: int, login: str, name: str, team: int | None = None) -> UserItem:
    return UserItem(id_, login, name, "agent", 1, 5, team, None, None, None, True, True)


CATALOG = Catalog(
    version=1,
    settings={"country": "KE", "currency": "KES", "timezone": "Africa/Nairobi", "phone_unique": "block"},
    pipelines=(
        Pipeline(1, "isp", "Internet service", False, True, False, (), {"phone": FieldRule("required")}),
        Pipeline(2, "real-estate", "Real estate", True, True, True, (), {}),
        Pipeline(3, "old", "Old", False, False, False, (), {}),
    ),
    stages=(
        stage(3, 1, "site_survey_scheduled", "Site Survey Scheduled", 3),
        stage(1, 1, "new", "New", 1, is_default=True),
        stage(2, 1, "converted", "Converted", 2, is_converted=True, is_active=False),
        stage(4, 2, "new_lead", "New Lead", 1),
        stage(5, 2, "converted", "Converted", 2, is_converted=True),
    ),
    sources=(
        Item(1, "Old Radio", "radio"),
        Item(2, "Caretaker/House Manager", "caretaker_house_manager", ("Caretaker",)),
        Item(3, "Radio", "radio_2"),
        Item(4, "Zeitung", "zeitung", is_active=False),
    ),
    products=(Product(1, "package", "20 Mbps Home", 199900, 250000, "20M", None, True),),
    branches=(Item(1, "Nairobi West"), Item(2, "Kisumu", is_active=False)),
    teams=(Item(1, "West"),),
    lost_reasons=(Item(1, "Too expensive"),),
    users=(user(1, "jane", "Jane Doe", 1), user(2, "ann", "Same Name", 1), user(3, "eve", "Same Name"),
           user(4, "system", "leadtui")),
    roles=(RoleItem(1, "agent", "Senior Agent", {"read": Grant("own")}, frozenset({"budget"})),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("find", "words", "id_"),
    [
        (CATALOG.find_pipeline, ("isp", "ISP", "internet  service"), 1),
        (CATALOG.find_pipeline, ("real-estate", "Real_Estate", "real estate"), 2),
        (lambda w: CATALOG.find_stage(w, 1), ("site survey scheduled", "SITE_SURVEY-SCHEDULED"), 3),
        (lambda w: CATALOG.find_stage(w, 2), ("converted",), 5),
        (CATALOG.find_source, ("caretaker", "Caretaker/House Manager", "caretaker_house_manager"), 2),
        (CATALOG.find_source, ("radio", "Radio", "radio_2"), 3),  # the name goes before another one's key
        (CATALOG.find_source, ("old radio",), 1),
        (CATALOG.find_source, ("zeitung",), 4),
        (CATALOG.find_product, ("20 MBPS home", " 20-mbps_home "), 1),
        (CATALOG.find_branch, ("nairobi west", "Nairobi-West"), 1),
        (CATALOG.find_user, ("jane", "JANE", " jane ", "Jane Doe", "jane doe"), 1),
        (CATALOG.find_role, ("agent", "Senior Agent", "senior_agent"), 1),
    ],
)
def test_names_are_found_in_any_spelling(find: Callable[[str], Any], words: tuple[str, ...], id_: int) -> None:
    assert {w: find(w).id for w in words} == dict.fromkeys(words, id_)


@pytest.mark.parametrize(
    ("find", "word", "field", "offered", "hidden"),
    [
        (CATALOG.find_pipeline, "x", "pipeline", "isp", "zzz"),
        (lambda w: CATALOG.find_stage(w, 1), "New Lead", "status", "Site Survey Scheduled", "Converted"),
        (CATALOG.find_source, "x", "source", "Caretaker", "Zeitung"),
        (CATALOG.find_product, "x", "package", "20 Mbps Home", "zzz"),
        (CATALOG.find_branch, "x", "branch", "Nairobi West", "Kisumu"),
        (CATALOG.find_user, "x", "assigned_to", "jane", "system"),
        (CATALOG.find_user, "Same Name", "assigned_to", "ann", "system"),
        (CATALOG.find_role, "x", "role", "agent", "zzz"),
    ],
)
def test_an_unknown_name_offers_what_there_is_to_choose(
    find: Callable[[str], Any], word: str, field: str, offered: str, hidden: str
) -> None:
    with pytest.raises(Invalid) as unknown:
        find(word)
    assert unknown.value.field == field
    assert word in unknown.value.message
    assert offered in (unknown.value.hint or "")
    assert hidden not in (unknown.value.hint or "")


def test_defaults() -> None:
    assert CATALOG.default_pipeline.id == 2
    assert CATALOG.default_stage(1).id == 1
    assert CATALOG.default_stage(2).id == 4  # none is marked: the first
    assert [s.id for s in CATALOG.stages_of(1)] == [1, 2, 3]
    assert {s.id for s in CATALOG.find_stages("converted")} == {2, 5}
    assert CATALOG.find_stages("nowhere") == []
    assert CATALOG.pipelines[0].rule("phone").rule == "required"
    assert CATALOG.pipelines[0].rule("city").rule == "optional"


def test_a_lost_reason_is_known_or_free_text() -> None:
    found = CATALOG.find_lost_reason("TOO expensive")
    assert found is not None and found.id == 1
    assert CATALOG.find_lost_reason("the dog ate it") is None
    assert CATALOG.find_lost_reason("") is None


def test_the_actor_of_a_user_has_his_roles_rights_and_his_team() -> None:
    jane = CATALOG.actor_for(CATALOG.users[0], is_owner=True)
    assert (jane.login, jane.branch_id, jane.team_user_ids, jane.is_owner) == ("jane", 5, (1, 2), True)
    assert (jane.scope("read"), jane.scope("delete"), jane.hidden_fields) == ("own", "none", {"budget"})
    assert CATALOG.actor_for(CATALOG.users[2]).team_user_ids == (3,)


def test_a_status_shows_its_kind_without_colour() -> None:
    marks = {
        stage(1, 1, "a", "A", 1, is_converted=True).mark,
        stage(1, 1, "a", "A", 1, is_lost=True).mark,
        stage(1, 1, "a", "A", 1, is_parked=True).mark,
        stage(1, 1, "a", "A", 1).mark,
        Stage(1, 1, "a", "A", 1, 1, 0.1).mark,
    }
    assert len(marks) == 5
