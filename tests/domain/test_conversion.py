"""The pure part of a conversion: tax ids, customer types, refusals, the rows of the plan."""

from __future__ import annotations

import pytest

from leadtui.domain.catalog import Pipeline, Stage
from leadtui.domain.conversion import (
    converted_stage,
    customer_type,
    refuse_finished,
    refuse_router,
    success_words,
    tax_ids,
    tax_warnings,
)
from leadtui.domain.conversion_plan import PlanFacts, Property, lead_rows, rates_words, store_rows, thing_rows
from leadtui.errors import Invalid, Refused

ISP = Pipeline(1, "isp", "Internet", True, True, False, ("customer", "router_user"), {})
HOUSES = Pipeline(2, "houses", "Houses", False, True, False, ("transaction",), {})
NEW = Stage(1, 1, "new", "New", 1, 1, 0.05, is_default=True)
DONE = Stage(2, 1, "converted", "Converted", 2, 2, 1.0, is_converted=True, is_locked=True)
LOST = Stage(3, 1, "lost", "Lost", 3, 3, 0.0, is_lost=True)


def test_tax_ids_in_their_usual_spelling() -> None:
    ids = tax_ids(" abcde 1234f ", "1234-5678-9012", "22abcde1234f1z5")
    assert (ids.pan, ids.aadhar, ids.gst) == ("ABCDE1234F", "123456789012", "22ABCDE1234F1Z5")
    assert tax_ids("", None, "  ") == tax_ids()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"pan": "ABCDE12345"}, "pan"),
        ({"pan": "ÄBCDE1234F"}, "pan"),
        ({"aadhar": "12345678901"}, "aadhar"),
        ({"aadhar": "١٢٣٤٥٦٧٨٩٠١٢"}, "aadhar"),
        ({"gst": "22ABCDE1234F1Z"}, "gst"),
        ({"gst": "XXABCDE1234F1Z5"}, "gst"),
    ],
)
def test_a_wrong_tax_id_is_refused_with_its_format(values: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        tax_ids(**values)
    assert caught.value.field == field
    assert caught.value.hint


def test_customer_types() -> None:
    assert (customer_type("retail"), customer_type("CORPORATE"), customer_type(None)) == (
        "Retail",
        "Corporate",
        "Retail",
    )
    with pytest.raises(Invalid):
        customer_type("wholesale")


def test_which_leads_cannot_be_converted() -> None:
    refuse_finished("LD-1", NEW, is_converted=False, is_deleted=False)
    for stage, deleted, code in (
        (DONE, False, "already_converted"),
        (LOST, False, "already_lost"),
        (NEW, True, "deleted"),
    ):
        with pytest.raises(Refused) as caught:
            refuse_finished("LD-1", stage, is_converted=stage.is_converted, is_deleted=deleted)
        assert caught.value.code == code


def test_the_target_is_the_first_active_converted_status() -> None:
    assert converted_stage(ISP, [NEW, DONE, LOST]) is DONE
    with pytest.raises(Refused):
        converted_stage(ISP, [NEW, LOST])


def test_only_some_pipelines_make_router_users() -> None:
    refuse_router(ISP)
    with pytest.raises(Invalid) as caught:
        refuse_router(HOUSES)
    assert caught.value.field == "router"


def test_a_slip_of_the_keys_in_a_tax_id_is_said() -> None:
    assert tax_warnings(tax_ids("ABCDE1234F", "234123412346", "22ABCDE1234F1Z5")) == ()
    turned = tax_warnings(tax_ids(aadhar="234123412364"))  # two digits changed places
    assert len(turned) == 1
    assert "last digit" in turned[0]
    assert "another PAN" in tax_warnings(tax_ids("ABCDE1234F", None, "22ABCDE9999F1Z5"))[0]


def test_the_rows_of_the_store() -> None:
    facts = PlanFacts(ISP, NEW, DONE, "Retail", documents=2, router="R")
    assert [(row.sign, row.what, row.detail) for row in store_rows(facts)] == [
        ("+", "customer, Retail, from this lead", "2 documents copied")
    ]
    assert [(row.sign, row.what, row.detail) for row in lead_rows(facts)] == [("~", "○ New → ● Converted, locked", "")]
    alone = lead_rows(PlanFacts(ISP, NEW, DONE, "Retail"))
    assert "only by reopening" in alone[0].detail
    linked = store_rows(PlanFacts(ISP, NEW, DONE, "Retail", linked_customer="5 Ann", documents=1))
    assert [(row.sign, row.what, row.detail) for row in linked] == [
        ("~", "link to customer 5 Ann", "1 document copied")
    ]
    houses = PlanFacts(HOUSES, NEW, DONE, "Retail")
    assert store_rows(houses) == []
    assert [(row.where, row.sign) for row in lead_rows(houses)] == [("lead", "~"), ("you", "+")]


def test_a_thing_on_a_router_is_shown_as_a_diff() -> None:
    new = thing_rows("R", "/ppp/secret ann", [Property("profile", None, "20M"), Property("address", None, "dynamic")])
    assert [(row.sign, row.what, row.detail) for row in new] == [
        ("+", "/ppp/secret ann", "profile 20M, address dynamic")
    ]
    changed = thing_rows("R", "/ppp/secret ann", [Property("profile", "10M", "20M"), Property("address", "a", "a")])
    assert [(row.sign, row.what.strip(), row.detail) for row in changed] == [
        ("~", "/ppp/secret ann", ""), ("~", "profile", "10M → 20M"), ("=", "unchanged", "address a"),
    ]  # fmt: skip
    same = thing_rows("R", "/queue/simple ann", [Property("limits", "1M", "1M")])
    assert [row.sign for row in same] == ["=", "="]
    assert rates_words((5_000_000, 20_000_000)) == "5M up, 20M down"


def test_the_two_outcomes_are_told_apart() -> None:
    alone = success_words(customer=True, username=None, router=None)
    assert alone == "Lead converted to customer successfully"
    assert success_words(customer=True, username="ann", router="R").startswith(alone + ";")
