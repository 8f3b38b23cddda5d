"""The pure part of a conversion: tax ids, customer types, refusals, the rows of the plan."""

from __future__ import annotations

import pytest

from leadtui.domain.catalog import Pipeline, Stage
from leadtui.domain.conversion import (
    PlanFacts,
    converted_stage,
    customer_type,
    plan_rows,
    refuse_finished,
    refuse_router,
    success_words,
    tax_ids,
)
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


def test_the_rows_of_the_plan() -> None:
    facts = PlanFacts(
        "LD-1",
        "Ann",
        ISP,
        NEW,
        DONE,
        "Retail",
        documents=2,
        router="R",
        username="ann",
        profile="20M",
        tag="leadtui:LD-1",
    )
    rows = plan_rows(facts)
    assert [row.where for row in rows] == ["store", "R", "lead"]
    assert rows[0].detail == "2 documents copied"
    assert rows[1].what == "/ppp/secret  + ann"
    assert rows[2].what == "○ New → ● Converted, locked"
    assert [row.where for row in plan_rows(PlanFacts("LD-1", "Ann", HOUSES, NEW, DONE, "Retail"))] == ["lead", "you"]


def test_the_two_outcomes_are_told_apart() -> None:
    alone = success_words(customer=True, username=None, router=None)
    assert alone == "Lead converted to customer successfully"
    assert success_words(customer=True, username="ann", router="R").startswith(alone + ";")
