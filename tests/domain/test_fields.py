"""The one table of lead fields: its words are one-to-one, and it holds what the specification lists."""

from __future__ import annotations

import pytest

from leadtui.domain.fields import BY_KEY, EDITABLE, LEAD_FIELDS, LEAD_OBJECT, find_field, header_key
from leadtui.domain.lead_filters import filter_fields, parse_lead_filter
from leadtui.errors import FilterError
from leadtui.store import schema as t

# The fields of spec §B, §C, AH5, AH6 and contract answer 13 that a person may set, written out.
SETTABLE = [
    "name", "phone", "alt_phone", "email", "date_of_birth", "address", "city", "state", "pincode",
    "unit_number", "location", "occupation", "employment_status", "passport", "national_id", "remarks",
    "branch", "product_interest", "package", "property_type", "current_isp", "reason", "brought_in_by",
    "brought_in_by_contact", "installation_fee", "monthly_fee", "has_router", "router_type", "budget",
    "timeline", "pre_approved", "pre_approval_in_progress", "down_payment_ready", "source", "priority",
    "status", "assigned_to", "manager", "follow_up", "tags", "lat", "lon", "pipeline", "page_views",
    "property_views", "searches", "email_opens", "email_clicks", "social", "avg_response_min", "communications",
    "has_appointment",
]  # fmt: skip


def test_every_field_of_the_specification_can_be_set() -> None:
    assert set(SETTABLE) <= {f.key for f in EDITABLE}


@pytest.mark.parametrize("key", ["number", "total_amount", "age", "score", "is_converted", "created_at", "customer_id"])
def test_what_the_system_derives_cannot_be_set(key: str) -> None:
    assert not BY_KEY[key].editable


def test_keys_and_columns_are_one_to_one() -> None:
    keys = [f.key for f in LEAD_FIELDS]
    columns = [f.column for f in LEAD_FIELDS if f.column]
    assert len(keys) == len(set(keys))
    assert len(columns) == len(set(columns))
    assert {c for c in columns if c not in t.lead.c} == set()


def test_no_word_means_two_fields() -> None:
    meaning: dict[str, str] = {}
    for field in LEAD_FIELDS:
        for word in (field.key, *field.aliases):
            assert meaning.setdefault(header_key(word), field.key) == field.key, word
            found = find_field(word)
            # `converted` is a time in filters, and the label of the tick in headers; neither can be set.
            assert found is not None and (found.key == field.key or word == "converted"), word


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("Lead Name", "name"), ("phoneNumber", "phone"), ("MOBILE_NUMBER", "phone"), ("alternate-mobile", "alt_phone"),
        ("unitNumber", "unit_number"), ("CNIC", "national_id"), ("currentIsp", "current_isp"),
        ("Brought In By", "brought_in_by"), ("Agreed Installation Fee", "installation_fee"),
        ("Agreed Monthly Subscription", "monthly_fee"), ("Customer Has Router", "has_router"),
        ("followUpDate", "follow_up"), ("next_followup_date", "follow_up"), ("Lead Source", "source"),
        ("pageViews", "page_views"), ("averageResponseTime", "avg_response_min"), ("Desired Package", "package"),
        ("stage", "status"), ("relationship_manager", "manager"), ("employmentStatus", "employment_status"),
    ],
)  # fmt: skip
def test_the_seeds_own_words_are_understood(word: str, key: str) -> None:
    found = find_field(word)
    assert found is not None and found.key == key


def test_an_unknown_word_is_none() -> None:
    assert find_field("colour") is None
    assert find_field("") is None


def test_limits_are_those_of_the_specification() -> None:
    limits = {"name": 255, "email": 255, "city": 100, "state": 100, "pincode": 10, "occupation": 255,
              "product_interest": 255}  # fmt: skip
    assert {k: BY_KEY[k].limit for k in limits} == limits


def test_the_lead_object_is_made_of_fields() -> None:
    elsewhere = {"id", "version", "router_user", "next_follow_up"}
    assert {k for k in LEAD_OBJECT if k not in BY_KEY} == elsewhere


def test_every_filter_of_the_contract_parses() -> None:
    for text in (
        "status:interested,contacted", 'source:"Field Sales"', "due:<=today", "assigned:me", "fee>=2000", "-tag:vip",
        "due:overdue", "created:-7d..today", "created:this-month", "assigned:none", "score:>=50", "monthly_fee:>2000",
        'by:"brought in name"', "missing:email", "custom.FIELD:value", "-(tag:vip or is:lost)",
        *(f"is:{w}" for w in ("converted", "lost", "active", "hot", "unassigned", "deleted")),
    ):  # fmt: skip
        assert parse_lead_filter(text) is not None


def test_a_hidden_field_is_unknown_by_any_of_its_names() -> None:
    hidden = frozenset({"monthly_fee", "budget"})
    for word in ("monthly_fee", "fee", "monthly", "subscription", "budget"):
        parse_lead_filter(f"{word}:5")
        with pytest.raises(FilterError):
            parse_lead_filter(f"{word}:5", hidden)
    with pytest.raises(FilterError):
        parse_lead_filter("missing:budget", hidden)
    assert "budget" not in filter_fields(hidden)
    assert "budget" in filter_fields()
