"""All five presets side by side: every value of spec §E, §F, AI-a, AI-b is there, word for word (AK1, AK2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadtui.errors import Duplicate, Invalid, NotPermitted, Refused
from leadtui.services import admin, leads, status
from leadtui.services.office import Office, create_office, preset_choices
from leadtui.text import fold
from tests.services.lead_help import acting_as, add, add_users

# Written out from the specification: name, probability, flag.
STAGES: dict[str, list[tuple[str, float, str]]] = {
    "isp": [("New", 0.05, "default"), ("Contacted", 0.15, ""), ("Interested", 0.4, ""),
            ("Site Survey Scheduled", 0.7, ""), ("Converted", 1.0, "converted"), ("Not Interested", 0, "lost"),
            ("Future Prospect", 0.1, "parked")],
    "insurance": [("New Lead", 0.1, "default"), ("Contacted", 0.25, ""), ("Qualified", 0.5, ""),
                  ("Converted", 1.0, "converted"), ("Lost", 0, "lost")],
    "real-estate": [("New Lead", 0.1, "default"), ("Qualified", 0.25, ""), ("Appointment Set", 0.4, ""),
                    ("Property Shown", 0.6, ""), ("Offer Prepared", 0.8, ""), ("Under Contract", 0.9, ""),
                    ("Closed", 1.0, "converted"), ("Lost", 0, "lost")],
    "estate": [("new", 0.1, "default"), ("contacted", 0.25, ""), ("qualified", 0.5, ""), ("negotiation", 0.75, ""),
               ("converted", 1.0, "converted"), ("lost", 0, "lost")],
    "travel": [("New", -1, "default"), ("Follow-up", -1, ""), ("Loan Promised", -1, ""), ("Converted", -1, "converted"),
               ("Lost", -1, "lost")],  # the specification names no probabilities for these
}  # fmt: skip
SOURCES: dict[str, list[str]] = {
    "isp": ["Caretaker/House Manager", "Field Sales", "Referral", "Website", "WhatsApp/SMS", "Manual Entry"],
    "insurance": ["Website", "Referral", "Facebook", "Google Ads", "Campaign"],
    "real-estate": ["Website Forms", "Social Media", "Referrals", "Cold Calls", "Open Houses", "Online Ads", "Walk-ins",
                    "Partner Referrals"],
    "estate": ["Website Forms", "Social Media", "Referrals", "Cold Calls", "Open Houses", "Online Ads", "Walk-ins",
               "Partner Referrals"],
    "travel": ["Walk-in", "Referral", "Booking", "Website"],
}  # fmt: skip
STEPS = {"isp": ["customer", "router_user"], "insurance": ["customer"], "real-estate": ["transaction"],
         "estate": ["customer"], "travel": ["booking_link"]}  # fmt: skip
PHONE = {"isp": "block", "insurance": "warn", "real-estate": "warn", "estate": "warn", "travel": "warn"}
NEEDED = {"isp": {"phone"}, "insurance": {"name", "phone"}}  # beside the source, which has a default (AG10)


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One office with all five, begun as an isp."""
    office = create_office(str(tmp_path_factory.mktemp("five") / "office.db"), preset="isp", admin="boss")
    for preset in ("insurance", "real-estate", "estate", "travel"):
        admin.add_preset(office, preset)
    yield office
    office.close()


@pytest.mark.parametrize("preset", STAGES)
def test_every_status_is_there_in_its_order(five: Office, preset: str) -> None:
    found = admin.items(five, "status", pipeline=preset)
    assert [s["name"] for s in found] == [name for name, _, _ in STAGES[preset]]
    for stage, (_, probability, flag) in zip(found, STAGES[preset], strict=True):
        flags = [f for f in ("default", "converted", "lost", "parked") if stage[f"is_{f}"]]
        assert (stage["name"], flags) == (stage["name"], [flag] if flag else [])
        assert stage["is_locked"] == (flag == "converted")
        assert 0 <= stage["probability"] <= 1
        if probability >= 0:
            assert (stage["name"], stage["probability"]) == (stage["name"], pytest.approx(probability))
    assert [s["order"] for s in found] == sorted({s["order"] for s in found})


@pytest.mark.parametrize("preset", SOURCES)
def test_every_source_is_there(tmp_path: Path, five: Office, preset: str) -> None:
    alone = create_office(str(tmp_path / "alone.db"), preset=preset, admin="boss")
    assert [s["name"] for s in admin.items(alone, "source")] == SOURCES[preset]
    assert alone.catalog.settings["phone_unique"] == PHONE[preset]
    assert add_any(alone) == 1
    alone.close()
    names = {s.name for s in five.catalog.sources}
    for name in SOURCES[preset]:
        found = five.catalog.find_source(name)
        assert name in (found.name, *found.aliases)
        # `Referrals` of one and `Referral` of another preset are one source: figures by source do not fall apart.
        assert sum(fold(name) in map(fold, (s.name, *s.aliases)) for s in five.catalog.sources) == 1
    assert len(names) == len(five.catalog.sources)


def add_any(office: Office) -> int:
    return leads.create(office, {"phone": "+254722000111", "name": "A"}).lead.id


def test_the_alias_of_the_sample_record(five: Office) -> None:
    for word in ("Caretaker", "house manager", "CARETAKER/HOUSE MANAGER", "caretaker_house_manager"):
        assert five.catalog.find_source(word).name == "Caretaker/House Manager"
    assert five.catalog.find_source("WhatsApp").name == five.catalog.find_source("sms").name == "WhatsApp/SMS"


def test_the_pipelines_side_by_side(five: Office) -> None:
    found = {p["key"]: p for p in admin.items(five, "pipeline")}
    assert set(found) == set(STAGES)
    assert [key for key, p in found.items() if p["is_default"]] == ["isp"]
    assert {key: p["conversion_steps"] for key, p in found.items()} == STEPS
    assert [key for key, p in found.items() if p["require_reason_on_regress"]] == ["real-estate"]
    assert admin.preset_choices(five) == []
    ids = {}
    for n, preset in enumerate(STAGES):
        done = leads.create(five, {"name": "A", "phone": f"+25472200000{n}", "pipeline": preset})
        ids[preset] = done.lead.id
        assert (done.lead.pipeline, done.lead.status) == (preset, STAGES[preset][0][0])
    assert leads.count(five, "is:active") == len(ids)
    for preset, lead_id in ids.items():
        assert {r.id for r in leads.search(five, f"pipeline:{preset}").rows} == {lead_id}
        # A status that several pipelines have is found in all of them.
        wanted = STAGES[preset][0][0].lower()
        same = {i for p, i in ids.items() if STAGES[p][0][0].lower() == wanted}
        assert {r.id for r in leads.search(five, f'status:"{wanted}"').rows} == same
    for preset, lead_id in ids.items():
        lost = next(name for name, _, flag in STAGES[preset] if flag == "lost")
        assert status.lose(five, lead_id, "No answer").lead.status == lost
    assert leads.count(five, "is:lost") == len(ids)
    assert leads.count(five, "is:active") == 0


@pytest.mark.parametrize("preset", STAGES)
def test_what_a_pipeline_requires(five: Office, preset: str) -> None:
    states = leads.field_rules(five, preset, {})
    required = {key for key, state in states.items() if state.required}
    assert required - {"source"} == NEEDED.get(preset, required - {"source"})
    assert "source" in required
    for key in required - {"source"}:
        values = {"name": "A", "phone": "+254733000111", "email": "a@example.com", "pipeline": preset}
        del values[key]
        with pytest.raises(Invalid) as refused:
            leads.create(five, values)
        assert refused.value.field == key
    with pytest.raises(Invalid):  # something to call it by is needed in every pipeline
        leads.create(five, {"city": "Nairobi", "pipeline": preset})


def test_the_router_type_shows_only_with_a_router(five: Office) -> None:
    assert not leads.field_rules(five, "isp", {})["router_type"].visible
    for yes in ("yes", "true", "1", True):
        assert leads.field_rules(five, "isp", {"has_router": yes})["router_type"].visible
    for no in ("no", "", "0", False, None):
        assert not leads.field_rules(five, "isp", {"has_router": no})["router_type"].visible
    assert not leads.field_rules(five, "real-estate", {"has_router": "yes"})["router_type"].visible


def test_a_preset_is_added_once_and_only_by_who_may(office: Office) -> None:
    before = len(office.catalog.sources)
    assert [key for key, _ in admin.preset_choices(office)] == ["insurance", "real-estate", "estate", "travel"]
    made = admin.add_preset(office, "travel")
    assert (made["key"], made["stages"]) == ("travel", [name for name, _, _ in STAGES["travel"]])
    assert len(office.catalog.sources) == before + 2  # Walk-in and Booking; the others were there
    for preset in ("travel", "isp"):
        with pytest.raises(Refused) as twice:
            admin.add_preset(office, preset)
        assert (twice.value.code, twice.value.field) == ("duplicate", "preset")
    with pytest.raises(Invalid) as unknown:
        admin.add_preset(office, "bakery")
    assert unknown.value.field == "preset"
    add_users(office, "dora:director")
    with acting_as(office, "dora") as dora, pytest.raises(NotPermitted):
        admin.add_preset(dora, "estate")
    assert len(office.catalog.pipelines) == 2


def test_the_choices_before_there_is_an_office() -> None:
    assert [p.key for p in preset_choices()] == list(STAGES)
    assert all(p.name and p.sentence and p.country and p.currency and p.timezone for p in preset_choices())


# -- phone policies -------------------------------------------------------------------------------------------------


def test_the_phone_rule_can_be_changed_and_holds_from_then_on(office: Office) -> None:
    first = add(office, "0722000111")
    with pytest.raises(Duplicate):
        add(office, "0722000111")
    admin.set_setting(office, "phone_unique", "warn")
    warned = leads.create(office, {"phone": "0722000111"})
    assert any("has this phone already" in text for text in warned.warnings)
    admin.set_setting(office, "phone_unique", "off")
    silent = leads.create(office, {"phone": "0722000111"})
    assert silent.warnings == ()
    with pytest.raises(Refused) as shared:
        admin.set_setting(office, "phone_unique", "block")
    assert "+254722000111" in shared.value.message
    assert admin.settings(office)["phone_unique"] == "off"
    from leadtui.services import lifecycle

    for one in (warned.lead.id, silent.lead.id):
        lifecycle.delete(office, one)
    admin.set_setting(office, "phone_unique", "block")
    with pytest.raises(Duplicate):
        add(office, "0722000111")
    for one in (warned.lead.id, silent.lead.id):  # deleted under the old rule, they come back under the new one
        with pytest.raises(Refused):
            lifecycle.restore(office, one)
    lifecycle.delete(office, first)
    assert add(office, "0722000111")


def test_block_holds_in_the_database_itself(make_office: Callable[..., Office]) -> None:
    """Also against a program that does not ask first: leads made under `warn` are keyed when the rule turns."""
    from sqlalchemy import update
    from sqlalchemy.exc import IntegrityError

    from leadtui.store import schema as t

    office = make_office("insurance", country="KE")
    one = leads.create(office, {"name": "A", "phone": "0722000111"}).lead.id
    two = leads.create(office, {"name": "B", "phone": "0722000222"}).lead.id
    admin.set_setting(office, "phone_unique", "block")
    with pytest.raises(IntegrityError), office.store.engine.begin() as conn:
        conn.execute(update(t.lead).where(t.lead.c.id == two).values(phone_key="+254722000111"))
    admin.set_setting(office, "phone_unique", "warn")
    with office.store.engine.begin() as conn:
        assert set(conn.execute(t.lead.select().with_only_columns(t.lead.c.phone_key)).scalars()) == {None}
    assert leads.edit(office, two, {"phone": "0722000111"}).warnings != ()
    assert leads.get(office, one).row.phone == leads.get(office, two).row.phone
