"""Filters as SQL: the same answers on both engines, by index or by scan, and a negation is the rest (spec AH24)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import func, select

from leadtui.domain.keys import custom_key, squeeze
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.errors import FilterError
from leadtui.services import leads, lifecycle, status
from leadtui.services.office import Office
from leadtui.store import leads as queries
from leadtui.store import schema as t
from leadtui.store.where import match_any, mentions_deleted, needles, text_words, where
from leadtui.text import fold
from tests.services.lead_help import add, add_users

pytestmark = pytest.mark.usefixtures("frozen_clock")

NAMES = [
    "Achieng Odhiambo", "achieng", "José Ñandú", "JOSE NANDU", "Müller & Söhne", "Strauß", "O'Brien", "100% Fibre",
    "under_score", "back\\slash", 'say "hi"', "漢字 名前", "[b]x[/]", "a*b", "A.B (x)", "İstanbul", "Ωμέγα", "فاطمة",
    "ab", "x", "%", "_", "- minus", "or and not", "ﬁsh",
]  # fmt: skip


@pytest.fixture
def filled(office: Office) -> Office:
    """Leads with awkward names and most of the fields empty in some of them."""
    add_users(office, "jane:agent")
    for n, name in enumerate(NAMES):
        values = {
            "name": name,
            "city": NAMES[-n] if n % 2 else "",
            "email": f"{n}@Example.COM" if n % 3 == 0 else "",
            "monthly_fee": str(n * 100) if n % 4 else "",
            "follow_up": f"+{n % 7}d" if n % 5 else "",
            "assigned_to": ("jane", "boss", "none")[n % 3],
            "priority": ("low", "high", "")[n % 3],
            "status": ("New", "Contacted", "Interested", "Future Prospect")[n % 4],
            "tags": ("vip", "a,b", "")[n % 3],
            "brought_in_by": ("Zoe", "")[n % 2],
            "has_router": ("yes", "no")[n % 2],
            "pre_approved": ("yes", "no", "")[n % 3],
            "date_of_birth": f"19{70 + n}-01-31" if n % 2 else "",
            "page_views": str(n) if n % 3 else "",
            "passport": f"AB-{n:03d} x" if n % 4 == 0 else "",
            "custom.size": ("5", "12", "100", "about 7", "")[n % 5],
        }
        add(office, f"07220001{n:02d}", **{k: v for k, v in values.items() if v})
    status.lose(office, 3, "No answer")
    lifecycle.protect(office, 5, "x")
    lifecycle.delete(office, len(NAMES))
    return office


def found(office: Office, text: str) -> set[int]:
    return {r.id for r in leads.search(office, text, limit=500).rows}


TERMS = [
    "name:ach*", "name:ss", "name:nandu", "email:example", "missing:email", "missing:name", "city:b", "missing:city",
    "status:new", "status:contacted,interested", "source:website", "priority:high", "missing:priority",
    "assigned:jane", "assigned:none", "assigned:me", "missing:assigned_to", "tag:vip", "tag:a,vip", "missing:tags",
    "by:zoe", "by:zo*", "missing:brought_in_by", "monthly_fee:>1000", "monthly_fee:<=1000", "monthly_fee:300..900",
    "monthly_fee:500,600", "missing:monthly_fee", "due:today", "due:overdue", "due:<=today", "due:+1d..+3d",
    "due:>tomorrow", "missing:due", "created:today", "created:yesterday", "has_router:yes", "has_router:no",
    "pre_approved:yes", "pre_approved:no", "missing:pre_approved", "date_of_birth:1975", "date_of_birth:<1980-01-01",
    "missing:date_of_birth", "page_views:>=10", "page_views:7", "missing:page_views", "passport:ab004", "is:lost",
    "is:active", "is:parked", "is:hot", "is:qualified", "is:unassigned", "is:mine", "is:overdue", "is:protected",
    "is:converted", "custom.size:>5", "custom.size:12", "custom.size:5..100", "missing:custom.size", "custom.size:ab*",
    "id:3", "id:>20", "score:>5", "missing:score", "branch:none", "pipeline:isp", "jos", "o'b", "%", "_", "0722",
]  # fmt: skip


def parsable(text: str) -> bool:
    try:
        parse_lead_filter(text)
    except FilterError:
        return False
    return True


def test_a_negation_finds_exactly_the_rest(filled: Office) -> None:
    """Also where a value is missing, which SQL calls neither true nor false."""
    everything = found(filled, "")
    assert everything == set(range(1, len(NAMES)))
    asked = 0
    sizes = set()
    for term in filter(parsable, TERMS):
        try:
            here = found(filled, term)
        except FilterError:
            continue  # a name that this office has not: branch:none
        rest = found(filled, f"-{term}")
        assert (term, here | rest, here & rest) == (term, everything, set())
        assert leads.count(filled, term) == len(here)
        assert leads.count(filled, f"-(-{term})") == len(here)
        sizes.add(len(here))
        asked += 1
    assert asked >= len(TERMS) - 4
    assert len(sizes) > 10


def test_and_or_are_intersection_and_union(filled: Office) -> None:
    some = ["status:new", "-tag:vip", "missing:monthly_fee", "monthly_fee:>1000", "is:mine", "due:<=today", "jos", "a"]
    alone = {term: found(filled, term) for term in some}
    for a, b in product(some, some):
        assert found(filled, f"{a} {b}") == alone[a] & alone[b]
        assert found(filled, f"{a} or {b}") == alone[a] | alone[b]
        assert found(filled, f"-({a} or {b})") == found(filled, f"-({a}) -({b})")


WORDS = [
    "achieng", "ACH", "jose", "JOSÉ", "ñandú", "nandu", "muller", "Söhne", "strauss", "STRAUSS", "o'brien", "100%", "%",
    "_", "under_score", "\\", "back\\sl", '"hi"', "漢字", "名", "[b]", "*", "a*b", "(x)", "istanbul", "ωμεγα", "فاطمة",
    "ab", "a", "x", "fish", "ﬁ", "ld-", "0722 000 1", "254722", "@example", "25@", "zzz", "or and", "and not",
]  # fmt: skip


def test_a_word_finds_what_holds_it_whatever_its_letters(filled: Office) -> None:
    """Against a plain search in Python: trigram index, plain scan and both engines must all say the same."""
    texts = {r.id: fold(r.name or "") for r in leads.search(filled, limit=500).rows}
    for word in WORDS:
        text = '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if not parsable(text):
            continue
        here = found(filled, text)
        assert here >= {i for i, name in texts.items() if fold(word) in name}, word
        node = parse_lead_filter(text)
        with filled.read() as tx:
            by = {}
            for search in ("index", "scan"):
                lookup = replace(queries.lookup_of(tx), search=search)
                query = select(t.lead.c.id).where(t.lead.c.deleted_at.is_(None), where(node, lookup))
                by[search] = set(tx.conn.execute(query).scalars())
        assert by["index"] == by["scan"] == here, word


def test_names_of_this_office_only(filled: Office) -> None:
    for text, column in (("status:nonsense", 8), ("source:x", 8), ("assigned:ghost", 10), ("package:Titanium", 9),
                         ("city:a branch:Nowhere", 15), ("status:new,nonsense", 12)):  # fmt: skip
        with pytest.raises(FilterError) as wrong:
            leads.search(filled, text)
        assert (text, wrong.value.column) == (text, column)


def test_a_long_list_pages_alike_by_walking_and_by_sorting(sqlite_office: Office) -> None:
    """SQLite walks a list in its order for some thousand rows, then asks the indexes: no seam may show."""
    from leadtui.services.importing import run_import

    rows = (
        (f"0722{n:06d}", "Field Sales" if n % 7 else "Website", f"Name {n % 50}", "vip" if n % 1000 == 3 else "", n % 9)
        for n in range(2600)
    )
    lines = "\n".join(",".join(map(str, row[:4])) + f",{row[4] or ''}" for row in rows)
    assert run_import(sqlite_office, f"phone,source,name,tags,monthly_fee\n{lines}\n".encode()).created == 2600
    sizes = {"source:website": 372, "tag:vip": 3, 'name:"name 49"': 52, "-tag:vip": 2597, "zzz": 0}
    for text, count in sizes.items():
        for sort in ("-created_at", "name", "-monthly_fee", "monthly_fee", "phone"):
            whole = [r.id for r in leads.search(sqlite_office, text, sort=sort, limit=3000).rows]
            assert len(whole) == count
            for offset in {0, 5, count // 2, max(0, count - 3), 990, 1200}:
                page = leads.search(sqlite_office, text, sort=sort, limit=5, offset=offset)
                assert ([r.id for r in page.rows], page.total) == (whole[offset : offset + 5], count)
    with sqlite_office.read() as tx:
        assert tx.conn.execute(select(func.count()).select_from(t.lead)).scalar_one() == 2600


def test_a_folded_and_a_squeezed_value() -> None:
    assert squeeze("AB-12 3/x") == "ab123x"
    assert needles("0722 000 111") == ["0722 000 111", "0722000111"]
    assert needles("Achiéng") == ["achieng"]
    assert needles("\x00") == []
    assert match_any(['a"b', "c"]) == '"a""b" OR "c"'


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [("5", "12"), ("5", "5.5"), ("5.05", "5.5"), ("0", "1"), ("99", "100"), ("1.20", "1.3"), ("007", "8")],
)
def test_numbers_in_custom_fields_compare_as_numbers(smaller: str, larger: str) -> None:
    assert custom_key(smaller) < custom_key(larger)


def test_equal_numbers_of_other_spelling_are_equal() -> None:
    assert custom_key("5.0") == custom_key("5") == custom_key("005") == custom_key(" 5.000 ")
    assert custom_key("1.2.3") == "1.2.3"
    assert custom_key("½") == fold("½")


def test_which_filters_speak_of_deleted_leads() -> None:
    for text, expected in (("is:deleted", True), ("a is:deleted", True), ("a or is:deleted", True), ("a", False),
                           ("", False), ("deleted:today", True), ("missing:deleted_at", False)):  # fmt: skip
        if text.startswith("missing:deleted") and not parsable(text):
            continue
        assert (text, mentions_deleted(parse_lead_filter(text))) == (text, expected)
    assert text_words(parse_lead_filter("a b status:new")) == ["a", "b"]
    assert text_words(parse_lead_filter("a or b")) == []
