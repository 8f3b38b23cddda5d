"""Creating, finding, editing leads, on SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from leadtui.errors import Duplicate, EditedElsewhere, FilterError, Invalid, NotFound, Refused
from leadtui.services import admin, history, intake, leads, lifecycle
from leadtui.services.office import Office, open_office


def add(office: Office, phone: str, **values: str) -> int:
    return leads.create(office, {"phone": phone, "source": "Website", **values}).lead.id


def test_create_keeps_what_was_typed_and_computes_the_rest(office: Office) -> None:
    done = leads.create(
        office,
        {
            "name": "Achieng [b]Odhiambo[/b]",
            "phone": "0722 000 111",
            "source": "Caretaker",
            "package": "20 mbps home",
            "brought_in_by": "J. Mwai",
            "brought_in_by_contact": "0722 111 222",
            "installation_fee": "2,500",
            "monthly_fee": "1999.50",
            "has_router": "yes",
            "router_type": "TP-Link",
            "tags": "vip, landlord",
            "custom.tower": "WL-3",
        },
    )
    lead = done.lead
    assert lead.number.startswith("LD-")
    assert lead.number.endswith("-0001")
    assert (lead.name, lead.phone, lead.phone_raw) == ("Achieng [b]Odhiambo[/b]", "+254722000111", "0722 000 111")
    assert (lead.source, lead.status, lead.package) == ("Caretaker/House Manager", "New", "20 Mbps Home")
    assert (lead.installation_fee, lead.monthly_fee, lead.total_amount) == (250000, 199950, 449950)
    assert (lead.brought_in_by, lead.brought_in_by_contact) == ("J. Mwai", "+254722111222")
    assert lead.tags == ("landlord", "vip")
    detail = leads.get(office, lead.number)
    assert detail.custom == {"tower": "WL-3"}
    assert [(e.status, e.changed_by) for e in detail.status_history] == [("New", "boss")]


def test_numbers_count_up_and_are_not_reused(office: Office) -> None:
    first = leads.get(office, add(office, "0722000001")).row.number
    lifecycle.delete(office, first)
    second = leads.get(office, add(office, "0722000002")).row.number
    assert int(second[-4:]) == int(first[-4:]) + 1


def test_a_phone_that_exists_is_refused_in_any_spelling_and_free_once_deleted(office: Office) -> None:
    first = add(office, "0722000111")
    for spelling in ("+254 722 000 111", "00254722000111", "0722-000-111"):
        with pytest.raises(Duplicate) as refused:
            add(office, spelling)
        assert refused.value.field == "phone"
    lifecycle.delete(office, first)
    second = add(office, "0722000111")
    with pytest.raises(Refused):
        lifecycle.restore(office, first)
    assert leads.get(office, "0722000111").row.id == second


def test_warn_policy_lets_a_duplicate_pass_with_a_warning(make_office: Callable[..., Office]) -> None:
    office = make_office("insurance", country="KE")
    values = {"name": "A", "phone": "0722000111", "source": "Website"}
    assert leads.create(office, values).warnings == ()
    assert any("already" in text for text in leads.create(office, values).warnings)
    with pytest.raises(NotFound):
        leads.get(office, "0722000111")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"source": "Website"}, "phone"),
        ({"phone": "12", "source": "Website"}, "phone"),
        ({"phone": "0722000111", "source": "Nowhere"}, "source"),
        ({"phone": "0722000111", "email": "no-at-sign"}, "email"),
        ({"phone": "0722000111", "monthly_fee": "-5"}, "monthly_fee"),
        ({"phone": "0722000111", "follow_up": "someday"}, "follow_up"),
        ({"phone": "0722000111", "priority": "urgent"}, "priority"),
        ({"phone": "0722000111", "name": "x" * 256}, "name"),
        ({"phone": "0722000111", "status": "Converted"}, "status"),
        ({"phone": "0722000111", "assigned_to": "nobody-here"}, "assigned_to"),
        ({"phone": "0722000111", "colour": "red"}, "colour"),
        ({"phone": "0722000111", "total_amount": "5"}, "total_amount"),
        ({"phone": "0722000111", "page_views": "-1"}, "page_views"),
    ],
)
def test_a_bad_value_is_refused_with_its_field_and_nothing_is_written(
    office: Office, values: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        leads.create(office, values)
    assert refused.value.field == field
    assert leads.count(office) == 0


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", {1, 2, 3}),
        ("achieng", {1}),
        ("JOSÉ", {2}),
        ("jose", {2}),
        ("0722 000 111", {1}),
        ("722000", {1}),
        ("+254733", {2}),
        ("00254 733 456", {2}),
        ("@example", {2}),
        ("ld-", {1, 2, 3}),
        ("ac", {1, 3}),
        ("status:new", {1, 3}),
        ("status:contacted,interested", {2}),
        ("-status:new", {2}),
        ("source:caretaker", {1}),
        ("tag:vip", {1}),
        ("-tag:vip", {2, 3}),
        ("monthly_fee:>2000", {2}),
        ("monthly_fee>=1999", {1, 2}),
        ("missing:monthly_fee", {3}),
        ("-monthly_fee:>2000", {1, 3}),
        ("due:<=today", {3}),
        ("due:today", {3}),
        ("due:tomorrow", {2}),
        ("due:overdue", set()),
        ("missing:due", {1}),
        ("created:today", {1, 2, 3}),
        ("created:-7d..today", {1, 2, 3}),
        ("created:last-month", set()),
        ("assigned:none", {1, 3}),
        ("assigned:me", {2}),
        ("by:mwai", {1}),
        ("custom.tower:wl-3", {1}),
        ("custom.floor:>5", {2}),
        ("missing:email", {1, 3}),
        ("city:nairobi", {3}),
        ("phone:0722000111", {1}),
        ("is:unassigned (tag:vip or city:nairobi)", {1, 3}),
        ("is:active", {1, 2, 3}),
        ("is:deleted", set()),
        ("name:ach*", {1}),
        ("has_router:yes", {1}),
        ("date_of_birth:1990", {3}),
        ("zzz", set()),
    ],
)
@pytest.mark.usefixtures("frozen_clock")
def test_filters_find_the_same_on_both_databases(office: Office, where: str, expected: set[int]) -> None:
    add(
        office,
        "0722000111",
        name="Achieng Odhiambo",
        source="Caretaker",
        tags="VIP",
        monthly_fee="1999",
        brought_in_by="J. Mwai",
        has_router="yes",
        **{"custom.tower": "WL-3", "custom.floor": "2"},
    )
    add(
        office,
        "0733456789",
        name="José Ñandú",
        email="Jose@Example.com",
        status="Contacted",
        monthly_fee="2500",
        follow_up="tomorrow",
        assigned_to="boss",
        **{"custom.floor": "12"},
    )
    add(office, "0700987654", name="Jack Otieno", follow_up="today", city="NAIROBI", date_of_birth="1990-05-17")
    assert {r.id for r in leads.search(office, where, limit=50).rows} == expected
    assert leads.count(office, where) == len(expected)


def test_an_unknown_value_points_at_its_column(office: Office) -> None:
    with pytest.raises(FilterError) as wrong:
        leads.search(office, "source:website status:intrested")
    assert wrong.value.column == len("source:website status:") + 1
    assert "Interested" in wrong.value.expected


SORTS = (
    "name", "phone", "status", "source", "assigned_to", "package", "brought_in_by", "follow_up", "created_at",
    "monthly_fee", "score", "number", "priority", "branch", "email", "id",
)  # fmt: skip


def test_every_sort_pages_through_all_leads_once(office: Office) -> None:
    packages = ["10 Mbps Home", "50 Mbps Home", ""]
    people = ["Zed", "", "Abe", ""]
    statuses = ["New", "Contacted", "Interested"]
    for i in range(17):
        add(
            office,
            f"07220001{i:02d}",
            name=f"N{(i * 7) % 10}",
            status=statuses[i % 3],
            package=packages[i % 3],
            brought_in_by=people[i % 4],
            monthly_fee=str(i % 4 * 100) if i % 4 else "",
            follow_up=f"+{i % 5}d" if i % 3 else "",
            priority=["low", "high", ""][i % 3],
        )
    for sort, where in itertools.product(SORTS, ("", "is:active", "n")):
        for direction in ("", "-"):
            whole = [r.id for r in leads.search(office, where, sort=direction + sort, limit=100).rows]
            paged = [
                r.id
                for o in range(0, 20, 5)
                for r in leads.search(office, where, sort=direction + sort, limit=5, offset=o).rows
            ]
            assert paged == whole, (sort, direction, where)
            assert sorted(whole) == list(range(1, 18))
            some = range(0, 17, 4)
            assert [leads.position(office, where, direction + sort, whole[i]) for i in some] == list(some)


def test_status_sorts_in_the_order_of_the_pipeline(office: Office) -> None:
    for i, status in enumerate(("Interested", "New", "Site Survey Scheduled", "Contacted")):
        add(office, f"072200010{i}", status=status)
    found = [r.status for r in leads.search(office, sort="status").rows]
    assert found == ["New", "Contacted", "Interested", "Site Survey Scheduled"]


def test_edit_changes_only_what_was_given_and_undo_puts_it_back_exactly(office: Office) -> None:
    lead_id = add(office, "0722000111", name="A", tags="x", follow_up="+2d")
    before = leads.get(office, lead_id)
    done = leads.edit(
        office,
        lead_id,
        {
            "name": "B",
            "tags": "y,z",
            "follow_up": "+5d",
            "custom.k": "v",
            "brought_in_by": "Zoe",
            "status": "contacted",
        },
    )
    assert set(done.changed) == {"name", "tags", "follow_up", "custom.k", "brought_in_by", "status"}
    history.undo(office)
    after = leads.get(office, lead_id)
    assert after.fields == before.fields
    assert after.custom == before.custom
    assert after.status_history == before.status_history
    assert after.activities == before.activities
    assert after.row.version > before.row.version


def test_two_agents_editing_one_lead_lose_nothing(office: Office, db_url: str) -> None:
    lead_id = add(office, "0722000111", name="A", city="Nakuru")
    mine = leads.get(office, lead_id)
    admin.add_user(office, {"login": "jane", "name": "Jane", "role": "director"})
    jane = open_office(db_url, as_login="jane")
    leads.edit(jane, lead_id, {"city": "Kisumu"})
    merged = leads.edit(office, lead_id, {"name": "B"}, version=mine.row.version, base=mine.fields)
    assert merged.lead.name == "B"
    assert leads.get(office, lead_id).fields["city"] == "Kisumu"
    with pytest.raises(EditedElsewhere) as refused:
        leads.edit(office, lead_id, {"city": "Mombasa"}, version=mine.row.version, base=mine.fields)
    (conflict,) = refused.value.data["conflicts"]
    assert (conflict["field"], conflict["mine"], conflict["theirs"], conflict["by"]) == (
        "city", "Mombasa", "Kisumu", "jane",
    )  # fmt: skip
    with pytest.raises(EditedElsewhere):
        leads.edit(office, lead_id, {"name": "C"}, version=mine.row.version)
    jane.close()


def test_a_required_field_cannot_be_cleared(office: Office) -> None:
    lead_id = add(office, "0722000111")
    with pytest.raises(Invalid) as refused:
        leads.edit(office, lead_id, {"phone": ""})
    assert refused.value.field == "phone"


@pytest.mark.parametrize("key", ["source", "package", "branch"])
def test_what_is_no_longer_offered_is_kept_but_not_chosen(sqlite_office: Office, key: str) -> None:
    office = sqlite_office
    admin.add(office, key, {"name": "Old"})
    had = leads.create(office, {"phone": "0722000111", key: "Old"}).lead.id
    other = leads.create(office, {"phone": "0722000222"}).lead.id
    admin.retire(office, key, "Old")
    for choose in (
        lambda: leads.create(office, {"phone": "0722000333", key: "Old"}),
        lambda: leads.edit(office, other, {key: "Old"}),
    ):
        with pytest.raises(Invalid, match="no longer used") as refused:
            choose()
        assert refused.value.field == key
    assert leads.edit(office, had, {key: "Old", "name": "Ann"}).lead.name == "Ann"


def test_intake_links_to_a_known_lead_and_fills_only_blanks(office: Office) -> None:
    lead_id = add(office, "0722000111", name="Known")
    linked = intake.by_hand(office, "WhatsApp", {"phone": "+254722000111", "name": "Other", "city": "Nakuru"})
    assert linked.lead.id == lead_id
    detail = leads.get(office, lead_id)
    assert (detail.row.name, detail.fields["city"], detail.row.source) == ("Known", "Nakuru", "Website")
    assert any(a.type == "note" for a in detail.activities)
    made = intake.by_hand(office, "WhatsApp", {"phone": "0733000111"})
    assert made.lead.id != lead_id
    assert made.lead.source == "WhatsApp/SMS"
