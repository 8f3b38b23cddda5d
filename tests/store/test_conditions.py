"""A condition asked of facts in Python finds exactly the leads that the same filter finds in SQL, on both databases."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from leadtui.domain import conditions
from leadtui.domain.keys import custom_key
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.errors import FilterError
from leadtui.services import score_facts
from leadtui.services.lead_values import derived_columns
from leadtui.services.office import Office
from leadtui.services.settings import set_setting
from leadtui.store import leads as queries
from leadtui.store import schema as t
from leadtui.text import fold
from tests.services.lead_help import add, add_users

pytestmark = pytest.mark.usefixtures("frozen_clock")
LEADS = 60

TERMS = (
    "city:nairobi", "city:=Nairobi", "city:nai*", "-city:nairobi", "missing:city", "city:*", "location:\"south b\"",
    "name:jo", "name:jo*", "name:ñ", "email:example", "missing:email", "phone:0722", "phone:\"0722 000 001\"",
    "missing:alt_phone", "alt_phone:*", "status:new", "status:new,interested", "-status:new", "status:!=new",
    "source:referral", "missing:source",
    "package:\"20 Mbps Home\"", "package:none", "priority:high,low", "priority:none",
    "assigned_to:jane", "assigned_to:none", "is:unassigned", "is:active", "is:lost", "is:converted", "is:parked",
    "is:protected", "is:served", "-is:served", "reached:contacted", "reached:interested,contacted", "reached:none",
    "lost_reason:\"No answer\"", "missing:lost_reason", "last_call:positive", "last_call:positive,no_answer",
    "last_call:none", "-last_call:positive", "age:25..45", "age:<30", "age:30", "age:none", "age:>=29.5",
    "budget:>=200000", "budget:<2500", "budget:1000..3000", "budget:none", "monthly_fee:2500.50", "monthly_fee:!=2500",
    "page_views:>5", "page_views:0", "page_views:none", "avg_response_min:<60", "communications:1..3",
    "has_router:yes", "has_router:no", "pre_approved:yes", "pre_approved:no", "pre_approved:none", "has_appointment:*",
    "timeline:immediate,3_months", "timeline:none", "tag:vip", "tag:VIP,b", "tag:none", "-tag:vip", "brought_in_by:zoe",
    "brought_in_by:z*", "brought_in_by:none", "custom.k:v", "custom.k:10", "custom.k:>9", "custom.k:~1",
    "custom.k:none",     "custom.k:2..10", "created:today", "created:-3d", "created:>=-7d", "created:2026-11",
    "created:2026-10..2026-11",
    "created:this-month", "created:<2026-11-18", "date_of_birth:1996", "date_of_birth:<2000-01-01",
    "date_of_birth:none",     "last_activity_at:<-2d", "last_activity_at:none", "stage_changed_at:today",
    "passport:ab12", "passport:none",
    "lat:>0", "lat:-1.5..1.5", "employment_status:employed*", "remarks:O'Brien", "pipeline:isp", "consent:given",
    "is:active,lost", "tag:vip or city:nairobi", "(tag:vip or city:nairobi) -is:lost", "-(budget:>=1000 age:>20)",
)  # fmt: skip


def _random_leads(office: Office, rnd: random.Random) -> None:
    """Leads of every shape, written straight into the tables."""
    catalog = office.catalog
    people = {"zoe": 0, "Ñandú Zed": 0}
    some: Any = rnd.choice
    with office.store.engine.begin() as conn:
        for name in people:
            people[name] = conn.execute(
                insert(t.person).values(name=name, name_key=fold(name), is_active=True).returning(t.person.c.id)
            ).scalar_one()
        new_tag = insert(t.tag).returning(t.tag.c.id)
        tags = [conn.execute(new_tag.values(name=n, key=fold(n), is_active=True)).scalar_one() for n in ("vip", "B")]
        base = conn.execute(select(t.lead).limit(1)).mappings().one()
        users = [u.id for u in catalog.users]
        for n in range(LEADS):
            now = datetime(2026, 11, 20, 9, tzinfo=UTC)
            at = some([now, now - timedelta(days=3, hours=5), now - timedelta(days=9), now - timedelta(days=40)])
            name = some([None, "Jo Ann", "ñandú", "[b]x[/]", "JOHN"])
            passport = some([None, None, "AB-12 3"])
            phone = some([None, f"+25472200{n:04d}", f"+2547330{n:05d}"])
            columns = {
                **base, "id": 100 + n, "number": f"LD-X-{n}", "name": name,
                "phone_e164": phone, "phone_key": None, "phone_raw": phone,
                "alt_phone_e164": some([None, None, "+254722000001"]),
                "city": some([None, "", "Nairobi", "NAIROBI west"]),
                "email": some([None, "A@Example.com"]), "location": some([None, "South B", "south-b", "Karen"]),
                "employment_status": some([None, "employed", "Unemployed"]), "remarks": some([None, "O'Brien; --"]),
                "stage_id": some(catalog.stages).id, "source_id": some([None, *(s.id for s in catalog.sources)]),
                "product_id": some([None, *(p.id for p in catalog.products)]), "priority": some([None, "low", "high"]),
                "assigned_to_id": some([None, *users]),
                "date_of_birth": some([None, date(1996, 11, 20), date(2001, 2, 28)]),
                "budget_minor": some([None, 0, 200_000, 20_000_000]),
                "monthly_fee_minor": some([None, 250_050, 250_000]),
                "page_views": some([None, 0, 5, 12]), "avg_response_min": some([None, 45, 60, 2000]),
                "communications": some([None, 0, 3]), "has_router": some([True, False]),
                "pre_approved": some([None, True, False]), "has_appointment": some([None, True, False]),
                "timeline": some([None, "immediate", "3_months", "later"]), "created_at": at, "stage_changed_at": at,
                "last_activity_at": some([None, at]), "passport": passport,
                "passport_norm": "ab123" if passport else None, "lat": some([None, 1.5, -1.5, 0.0]),
                "referrer_id": some([None, *people.values()]), "is_protected": some([True, False]),
                "lost_reason_id": some([None, *(r.id for r in catalog.lost_reasons)]), "consent": some([None, "given"]),
                "email_norm": None, "deleted_at": some([None] * 9 + [now]),
            }  # fmt: skip
            columns["email_norm"] = fold(columns["email"]) if columns["email"] else None
            columns |= derived_columns(columns, number=columns["number"], phone_unique="off")
            conn.execute(insert(t.lead).values(**columns))
            for tag_id in rnd.sample(tags, rnd.randint(0, 2)):
                conn.execute(insert(t.lead_tag).values(lead_id=100 + n, tag_id=tag_id))
            own = {"k": some(["", "v", "10", "9.5", "Vv 1"]), "age_stated": some(["", "31", "old"])}
            for key, value in own.items():
                if value:
                    conn.execute(insert(t.lead_custom).values(
                        lead_id=100 + n, key=key, value=value, value_key=custom_key(value)))  # fmt: skip
            for stage in rnd.sample(list(catalog.stages), rnd.randint(0, 3)):
                conn.execute(
                    insert(t.stage_change).values(lead_id=100 + n, to_stage_id=stage.id, by_id=users[0], at=at)
                )
            for _ in range(rnd.randint(0, 3)):
                outcome = some([None, "positive", "no_answer"])
                conn.execute(insert(t.activity).values(
                    lead_id=100 + n, type=some(["call", "note"]), subject="x", outcome=outcome, all_day=False,
                    completed_at=some([None, at, now]), cancelled_at=some([None, None, now]), created_by_id=users[0],
                    created_at=at, updated_at=at))  # fmt: skip


def test_python_and_sql_find_the_same_leads(office: Office) -> None:
    add_users(office, "jane:agent")
    set_setting(office, "service_areas", "Nairobi, South B")
    add(office, "0722999999", pipeline="isp")
    rnd = random.Random(7)
    _random_leads(office, rnd)
    mixed = [f"({rnd.choice(TERMS)}) {rnd.choice(('or ', '', '-'))}({rnd.choice(TERMS)})" for _ in range(60)]
    found_any = 0
    with office.read() as tx:
        ids = sorted(tx.conn.execute(select(t.lead.c.id)).scalars())
        facts = score_facts.of(tx, ids)
        for text in (*TERMS, *mixed):
            condition = conditions.read(text, tx.catalog)
            sql = queries.page_ids(tx, parse_lead_filter(text), queries.Order("id", False), limit=None)
            assert sorted(i for i, known in facts.items() if condition.holds(known)) == sql, text
            few = score_facts.of(tx, ids, condition.keys)
            assert sorted(i for i, known in few.items() if condition.holds(known)) == sql, f"{text} by its own facts"
            found_any += bool(sql)
    assert found_any > len(TERMS)


def test_what_moves_with_the_day_says_so(sqlite_office: Office) -> None:
    with sqlite_office.read() as tx:
        by_time = {text: conditions.read(text, tx.catalog).by_time for text in (
            "age:>30", "created:today", "created:>=-7d", "created:2026-11", "city:x", "(city:x or created:this-month)",
        )}  # fmt: skip
    assert list(by_time.values()) == [True, True, True, False, False, True]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("score:>5", 1), ("city:x is:hot", 11), ("is:mine", 4), ("assigned_to:me", 13), ("due:today", 1), ("john", 1),
        ("city:x loan:open", 8), ("is:rotting", 4), ("is:offered", 4), ("created:-4h", 9), ("status:nowhere", 8),
        ("source:nowhere", 8), ("nonsense:1", 1), ("activated:today", 1), ("is:deleted", 4), ("id:5", 1),
    ],
)  # fmt: skip
def test_what_rules_cannot_know_is_refused_with_its_column(text: str, column: int, sqlite_office: Office) -> None:
    with sqlite_office.read() as tx, pytest.raises(FilterError) as caught:
        conditions.read(text, tx.catalog)
    assert caught.value.column == column


def test_unknown_facts_hold_nothing(sqlite_office: Office) -> None:
    with sqlite_office.read() as tx:
        now = {"now": tx.now}
        for text in TERMS:
            if not any(word in text for word in ("-", "none", "missing", "!=", "unassigned", "jane")):
                assert not conditions.read(text, tx.catalog).holds(now), text
        assert conditions.read("", tx.catalog).holds(now)
