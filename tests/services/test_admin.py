"""The office's small tables and its settings (spec AH1–AH4, AJ32)."""

from __future__ import annotations

import pytest

from leadtui.errors import Duplicate, Invalid, LeadtuiError, NotFound, NotPermitted, Refused, UsageError
from leadtui.services import admin, history, leads
from leadtui.services.office import Office
from tests.services.lead_help import acting_as, add, add_users, everything

NEW = {
    "package": {"name": "Gold", "monthly": "1,999.50", "installation": "0", "profile": "G", "speed": "50M/50M"},
    "source": {"name": "Radio", "aliases": "FM, wireless", "cost": "100"},
    "status": {"name": "Warm", "probability": "35%", "order": "2"},
    "tag": {"name": "VIP"},
    "branch": {"name": "North", "organization": "Acme"},
    "person": {"name": "John Doe", "phone": "0722000111"},
    "team": {"name": "West"},
    "lost_reason": {"name": "Went to sea"},
}


@pytest.mark.parametrize("noun", NEW)
def test_an_entry_is_added_found_changed_and_retired(sqlite_office: Office, noun: str) -> None:
    office = sqlite_office
    made = admin.add(office, noun, NEW[noun])
    name = NEW[noun]["name"]
    assert (made["name"], made["is_active"]) == (name, True)
    assert made in admin.items(office, noun)
    if noun != "person":  # two people may have one name
        with pytest.raises(Duplicate) as twice:
            admin.add(office, noun, {"name": name.upper()})
        assert twice.value.field == "name"
    renamed = admin.edit(office, noun, name.lower(), {"name": f"New {name}"})
    assert (renamed["id"], renamed["name"]) == (made["id"], f"New {name}")
    if noun in ("source", "status"):  # they keep their key, and are found by it until another one has the name
        assert admin.edit(office, noun, name, {})["id"] == made["id"]
    else:
        with pytest.raises(NotFound):
            admin.edit(office, noun, name, {"name": "x"})
    for bad in ({"name": ""}, {"name": "x" * 256}, {"colour of money": "x"}):
        with pytest.raises(Invalid) as refused:
            admin.edit(office, noun, str(made["id"]), bad)
        assert refused.value.field in bad
        with pytest.raises(Invalid):
            admin.add(office, noun, {"name": "Other", **bad})
    if noun == "team":
        with pytest.raises(Refused):
            admin.retire(office, noun, renamed["name"])
        return
    assert admin.retire(office, noun, renamed["name"])["is_active"] is False
    assert made["id"] not in {i["id"] for i in admin.items(office, noun, include_retired=False)}
    assert made["id"] in {i["id"] for i in admin.items(office, noun)}
    assert admin.retire(office, noun, str(made["id"]), active=True)["is_active"] is True
    actions = [e.action for e in history.audit(office, entity=noun)[1]]
    assert actions == ["revive", "retire", "edit", "create"]


def test_the_values_are_kept_as_meant(sqlite_office: Office) -> None:
    office = sqlite_office
    package = admin.add(office, "package", NEW["package"])
    assert (package["monthly"], package["installation"], package["profile"]) == ("1999.50", "0.00", "G")
    figures = {"upload": "5 Mbps", "download": "0.5G", "pool": "p", "gateway": "10.0.0.1", "addressing": "Fixed"}
    kept = {"upload": "5M", "download": "500M", "pool": "p", "gateway": "10.0.0.1", "addressing": "fixed"}
    assert kept.items() <= admin.edit(office, "package", "Gold", figures).items()
    product = office.catalog.find_product("Gold")
    assert (product.upload_bps, product.download_bps, product.addressing) == (5_000_000, 500_000_000, "fixed")
    cleared = admin.edit(office, "package", "Gold", dict.fromkeys(figures, ""))
    assert [cleared[key] for key in figures] == [None, None, None, None, "dynamic"]
    assert admin.add(office, "source", NEW["source"])["aliases"] == ["FM", "wireless"]
    assert leads.create(office, {"phone": "0722000111", "source": "fm"}).lead.source == "Radio"
    assert admin.add(office, "status", NEW["status"])["probability"] == pytest.approx(0.35)
    assert admin.add(office, "person", NEW["person"])["phone"] == "+254722000111"


@pytest.mark.parametrize(
    ("noun", "values", "field"),
    [
        ("package", {"monthly": "-1"}, "monthly"),
        ("package", {"monthly": "lots"}, "monthly"),
        ("package", {"upload": "quick", "download": "20M"}, "upload"),
        ("package", {"upload": "5M"}, "download"),
        ("package", {"download": "20M"}, "upload"),
        ("package", {"upload": "5", "download": "20"}, "upload"),
        ("package", {"gateway": "10.0.0.256"}, "gateway"),
        ("package", {"gateway": "fe80::1"}, "gateway"),
        ("package", {"addressing": "static"}, "addressing"),
        ("package", {"addressing": "queue"}, "upload"),
        ("source", {"order": "first"}, "order"),
        ("status", {"probability": "1.5"}, "probability"),
        ("status", {"probability": "likely"}, "probability"),
        ("status", {"is_lost": "perhaps"}, "is_lost"),
        ("status", {"sla_hours": "1e9"}, "sla_hours"),
        ("status", {"converted": "yes", "lost": "yes"}, "is_lost"),
        ("status", {"default": "yes"}, "is_default"),
        ("status", {"pipeline": "bakery"}, "pipeline"),
        ("person", {"phone": "12"}, "phone"),
        ("tag", {"name": "x" * 51}, "name"),
        ("pipeline", {}, "preset"),
    ],
)
def test_bad_values_are_refused_with_their_field(
    sqlite_office: Office, noun: str, values: dict[str, str], field: str
) -> None:
    before = everything(sqlite_office)
    with pytest.raises(Invalid) as refused:
        admin.add(sqlite_office, noun, {"name": "Some", **values})
    assert refused.value.field == field
    assert everything(sqlite_office) == before


def test_an_unknown_noun_is_a_usage_error(sqlite_office: Office) -> None:
    for act in (lambda: admin.items(sqlite_office, "planet"), lambda: admin.add(sqlite_office, "planet", {})):
        with pytest.raises(UsageError):
            act()


def test_a_pipeline_keeps_a_default_a_converted_and_a_lost_status(sqlite_office: Office) -> None:
    office = sqlite_office
    for name in ("New", "Converted", "Not Interested"):
        with pytest.raises(Refused) as needed:
            admin.retire(office, "status", name)
        assert needed.value.code == "in_use"
    with pytest.raises(Refused):
        admin.edit(office, "status", "New", {"default": "no"})
    with pytest.raises(Refused):
        admin.edit(office, "status", "Not Interested", {"lost": "no"})
    with pytest.raises(Invalid):
        admin.edit(office, "status", "Converted", {"lost": "yes"})
    admin.edit(office, "status", "Contacted", {"default": "yes"})
    assert [s["name"] for s in admin.items(office, "status") if s["is_default"]] == ["Contacted"]
    assert leads.create(office, {"phone": "0722000111"}).lead.status == "Contacted"
    admin.retire(office, "status", "New")
    with pytest.raises(Refused):  # a retired one cannot become the default: no lead could be added any more
        admin.edit(office, "status", "New", {"default": "yes"})
    admin.add(office, "status", {"name": "Gone", "lost": "yes"})
    assert admin.retire(office, "status", "Not Interested")["is_active"] is False


def test_what_a_status_means_does_not_change_under_its_leads(sqlite_office: Office) -> None:
    office = sqlite_office
    add(office, status="Interested")
    with pytest.raises(Refused) as used:
        admin.edit(office, "status", "Interested", {"lost": "yes"})
    assert used.value.code == "in_use"
    assert admin.edit(office, "status", "Interested", {"name": "Keen"})["name"] == "Keen"
    assert leads.search(office).rows[0].status == "Keen"
    assert admin.edit(office, "status", "Contacted", {"lost": "yes"})["is_lost"]


def test_names_shared_by_pipelines_need_the_pipeline(sqlite_office: Office) -> None:
    office = sqlite_office
    admin.add_preset(office, "insurance")
    with pytest.raises(Invalid):
        admin.edit(office, "status", "Contacted", {"color": "red"})
    changed = admin.edit(office, "status", "Contacted", {"color": "red"}, pipeline="insurance")
    assert (changed["pipeline"], changed["color"]) == ("insurance", "red")
    assert admin.add(office, "status", {"name": "Qualified"})["pipeline"] == "isp"
    with pytest.raises(Duplicate):
        admin.add(office, "status", {"name": "qualified", "pipeline": "insurance"})


def test_a_name_goes_before_the_key_that_another_one_kept(sqlite_office: Office) -> None:
    office = sqlite_office
    admin.add(office, "source", {"name": "Radio"})
    admin.edit(office, "source", "Radio", {"name": "Old Radio"})
    new = admin.add(office, "source", {"name": "Radio"})
    assert leads.create(office, {"phone": "0722000111", "source": "radio"}).lead.source == "Radio"
    assert admin.edit(office, "source", "radio", {"cost": "5"})["id"] == new["id"]


def test_the_longest_names_fit_on_both_databases(office: Office) -> None:
    """PostgreSQL refuses what is longer than its column, SQLite does not; folding makes some letters eighteen."""
    long_letter = "\ufdfa"
    limits = {"package": 100, "source": 100, "status": 50, "tag": 50, "branch": 100, "person": 255, "team": 100,
              "lost_reason": 100}  # fmt: skip
    for noun, limit in limits.items():
        for letter in ("n", long_letter):
            assert len(admin.add(office, noun, {"name": letter * limit})["name"]) == limit
        with pytest.raises(Invalid) as refused:
            admin.add(office, noun, {"name": "m" * (limit + 1)})
        assert refused.value.field == "name"
    others = (("status", "color", 30), ("branch", "organization", 100), ("package", "speed", 40),
              ("package", "profile", 63), ("package", "pool", 63), ("package", "kind", 20),
              ("source", "description", 255))  # fmt: skip
    for noun, key, limit in others:
        admin.add(office, noun, {"name": f"{noun} {key}", key: "k" * limit})
        with pytest.raises(Invalid) as refused:
            admin.add(office, noun, {"name": f"{noun} {key} 2", key: "k" * (limit + 1)})
        assert refused.value.field == key
    longest = {"name": 255, "passport": 50, "brought_in_by": 255, "tags": 50, "custom.long": 1000, "city": 100}
    made = leads.create(office, {"phone": "0722000111"} | {k: long_letter * n for k, n in longest.items()}).lead
    assert made.name == long_letter * 255
    assert leads.count(office, f"name:{long_letter * 30}") == leads.count(office, "by:" + long_letter * 9) == 1


def test_the_default_pipeline(sqlite_office: Office) -> None:
    office = sqlite_office
    admin.add_preset(office, "insurance")
    with pytest.raises(Refused):
        admin.retire(office, "pipeline", "isp")
    with pytest.raises(Refused):
        admin.edit(office, "pipeline", "isp", {"default": "no"})
    admin.edit(office, "pipeline", "insurance", {"default": "yes"})
    assert leads.create(office, {"phone": "0722000111", "name": "A"}).lead.pipeline == "insurance"
    kept = leads.create(office, {"phone": "0722000222", "pipeline": "isp"}).lead
    admin.retire(office, "pipeline", "isp")
    assert leads.edit(office, kept.id, {"city": "Nakuru"}).lead.pipeline == "isp"
    with pytest.raises(Invalid) as retired:
        leads.create(office, {"phone": "0722000333", "pipeline": "isp"})
    assert retired.value.field == "pipeline"
    with pytest.raises(Refused):
        admin.edit(office, "pipeline", "isp", {"default": "yes"})


def test_a_lead_without_a_source_gets_one_that_is_in_use(sqlite_office: Office) -> None:
    office = sqlite_office
    assert leads.create(office, {"phone": "0722000001"}).lead.source == "Manual Entry"
    admin.set_setting(office, "default_source", "field sales")
    assert leads.create(office, {"phone": "0722000002"}).lead.source == "Field Sales"
    names = [s["name"] for s in admin.items(office, "source")]
    admin.retire(office, "source", "Field Sales")
    assert leads.create(office, {"phone": "0722000003"}).lead.source == names[0]
    for name in names[:-1]:
        admin.retire(office, "source", name)
    with pytest.raises(Refused):
        admin.retire(office, "source", names[-1])
    assert leads.create(office, {"phone": "0722000004"}).lead.source == names[-1]


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("country", "ke", "KE"), ("country", "XX", None), ("country", "", None),
        ("timezone", "Africa/Kampala", "Africa/Kampala"), ("timezone", "Mars/Base", None), ("timezone", "../x", None),
        ("currency", "ugx", "UGX"), ("currency", "shillings", None),
        ("phone_unique", "warn", "warn"), ("phone_unique", "maybe", None),
        ("number_period", "year", "year"), ("number_period", "day", None),
        ("number_prefix", "ac", "AC"), ("number_prefix", "A1", "A1"), ("number_prefix", "1A", None),
        ("number_prefix", "12", None), ("number_prefix", "", None), ("number_prefix", "A-B", None),
        ("number_prefix", "TOOLONGPREFIX", None),
        ("score_hot", "100", 100), ("score_hot", "101", None), ("score_qualified", "-1", None),
        ("score_qualified", "many", None),
        ("page_size", "25", 25), ("page_size", "0", None), ("page_size", "501", None), ("page_size", "1.5", None),
        ("quiet_hours", "22:00 - 7:00", "22:00-07:00"), ("quiet_hours", "22:00-07:30", "22:00-07:30"),
        ("quiet_hours", "night", None), ("quiet_hours", "06:00-20:00", None),
        ("quiet_hours", "00:00-24:00", None), ("quiet_hours", "", ""),
        ("working_hours", "Mon-Fri 8:00-17:00", "mon-fri 08:00-17:00"), ("working_hours", "", ""),
        ("working_hours", "mon 22:00-23:00", None), ("working_hours", "weekdays", None),
        ("holidays", "12-26, 2026-12-25", "12-26, 2026-12-25"), ("holidays", "boxing day", None),
        ("follow_up_delays", "offer_response 30m, default 2d", "offer_response 30m, default 48h"),
        ("follow_up_delays", "offer_response 30m", None),
        ("escalate_after", "60", "60"), ("escalate_after", "week", None),
        ("alert_after_minutes", "0", 0), ("alert_after_minutes", "-1", None),
        ("digest_at", "", ""), ("digest_at", "07:15", "07:15"), ("digest_at", "25:00", None),
        ("scheduler", "worker-only", "worker-only"), ("scheduler", "me", None),
        ("stage_word", "Stage", "Stage"), ("stage_word", "", None), ("stage_word", "x" * 41, None),
        ("consent", "required", "required"), ("consent", "never", None),
        ("frequency_cap", "0", 0), ("frequency_cap", "-1", None), ("max_failures", "3", 3), ("max_failures", "x", None),
        ("start_grace_minutes", "0", 0), ("start_grace_minutes", "99999", None),
        ("stop_words", "stop; acha", "STOP, ACHA"), ("stop_words", " , ", None),
        ("orchestration", "channels 3, delay 12h", "channels 3, delay 12h"), ("orchestration", "pigeons", None),
        ("default_source", "website", "Website"), ("default_source", "nowhere", None),
    ],
)  # fmt: skip
def test_every_setting_is_checked(sqlite_office: Office, key: str, value: str, kept: object) -> None:
    before = admin.settings(sqlite_office)[key]
    if kept is None:
        with pytest.raises(Invalid) as refused:
            admin.set_setting(sqlite_office, key, value)
        assert refused.value.field == key
        assert admin.settings(sqlite_office)[key] == before
        return
    assert admin.set_setting(sqlite_office, key, value) == {key: kept}
    assert admin.settings(sqlite_office)[key] == kept
    if kept != before:
        (entry,) = history.audit(sqlite_office, entity="setting")[1]
        assert dict(entry.changes) == {key: (before, kept)}


def test_every_prefix_that_is_accepted_can_be_found_again(sqlite_office: Office) -> None:
    for n, prefix in enumerate(("A1", "LEADS", "x")):
        admin.set_setting(sqlite_office, "number_prefix", prefix)
        made = leads.get(sqlite_office, add(sqlite_office, f"072200000{n}")).row
        assert made.number.startswith(f"{prefix.upper()}-")
        assert leads.get(sqlite_office, made.number.lower()).row.id == made.id
        assert [r.id for r in leads.search(sqlite_office, made.number).rows] == [made.id]


def test_the_currency_stays_once_there_are_amounts(sqlite_office: Office) -> None:
    admin.set_setting(sqlite_office, "currency", "UGX")
    add(sqlite_office, monthly_fee="100")
    assert admin.set_setting(sqlite_office, "currency", "UGX") == {"currency": "UGX"}
    with pytest.raises(Refused) as refused:
        admin.set_setting(sqlite_office, "currency", "KES")
    assert refused.value.code == "in_use"


def test_numbers_by_the_year(office: Office) -> None:
    admin.set_setting(office, "number_period", "year")
    made = leads.get(office, add(office)).row.number
    assert len(made) == len("LD-2026-0001")
    assert leads.get(office, made).row.number == made


def test_an_unknown_setting_is_a_usage_error(sqlite_office: Office) -> None:
    for key in ("colour", "owner_os_account", ""):
        with pytest.raises(UsageError):
            admin.set_setting(sqlite_office, key, "x")


def test_config_needs_its_right_and_reading_does_not(sqlite_office: Office) -> None:
    office = sqlite_office
    add_users(office, "jane:agent")
    before = everything(office)
    with acting_as(office, "jane") as jane:
        for act in (
            lambda: admin.add(jane, "tag", {"name": "x"}),
            lambda: admin.edit(jane, "source", "Website", {"name": "x"}),
            lambda: admin.retire(jane, "source", "Website"),
            lambda: admin.set_setting(jane, "page_size", "5"),
        ):
            with pytest.raises(NotPermitted):
                act()
        assert everything(office) == before
        assert len(admin.items(jane, "source")) == 6
        assert admin.settings(jane)["page_size"] == 15


def test_preferences_are_each_persons_own(office: Office) -> None:
    add_users(office, "jane:agent")
    with acting_as(office, "jane") as jane:
        admin.set_preference(jane, "columns", ["name"])
        admin.set_preference(office, "columns", ["phone", {"sort": None}])
        admin.set_preference(jane, "columns", ["name", "due"])
        assert admin.preference(jane, "columns") == ["name", "due"]
        assert admin.preference(office, "columns") == ["phone", {"sort": None}]
        assert admin.preference(jane, "other", 7) == 7
        admin.set_preference(jane, "columns", None)
        assert admin.preference(jane, "columns", 7) is None


def test_no_error_of_the_office_is_our_bug(sqlite_office: Office) -> None:
    """Odd but possible texts in every place end in one of our own errors or in a record."""
    odd = ["", " ", "\x00", "\u202e", "x" * 5000, "'; DROP TABLE lead; --", "1e400", "\ud800", "٣", "½"]
    for noun in NEW:
        for key in admin.fields_of(noun):
            for text in odd:
                try:
                    made = admin.add(sqlite_office, noun, {"name": f"n{hash((noun, key, text)) % 10**9}", key: text})
                except LeadtuiError:
                    continue
                assert "\x00" not in str(made)
    assert add(sqlite_office) == 1
