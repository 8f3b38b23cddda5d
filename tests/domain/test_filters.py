"""The filter language by example: every spelling of the contract, what it means, and where errors point."""

from __future__ import annotations

import sys
import time

import pytest

from leadtui.domain.filters import (
    EVERYTHING,
    And,
    Catalogue,
    FilterField,
    Node,
    Not,
    Or,
    Term,
    Text,
    join_arguments,
    parse,
    to_text,
)
from leadtui.errors import FilterError

FIELDS = Catalogue(
    [
        FilterField("name", "name"),
        FilterField("phone", "phone"),
        FilterField("email", "text"),
        FilterField("location", "text"),
        FilterField("status", "choice", aliases=("stage",)),
        FilterField("source", "choice"),
        FilterField("priority", "choice", choices=("low", "medium", "high")),
        FilterField("assigned_to", "user", aliases=("assigned",)),
        FilterField("follow_up", "datetime", aliases=("due",)),
        FilterField("created_at", "datetime", aliases=("created",)),
        FilterField("date_of_birth", "date", aliases=("born",)),
        FilterField("monthly_fee", "money", aliases=("fee",)),
        FilterField("score", "number"),
        FilterField("has_router", "bool"),
        FilterField("brought_in_by", "name", aliases=("by",)),
        FilterField("tags", "tag", aliases=("tag",)),
        FilterField("is", "is"),
        FilterField("missing", "missing"),
        FilterField("custom", "custom", choices=("Rooms", "Colour", "Rent (max)")),
        FilterField("custom.Rooms", "number"),
    ]
)


def read(text: str) -> Node:
    return parse(text, fields=FIELDS)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", EVERYTHING),
        ("  \t\n ", EVERYTHING),
        ("john smith", Text(("john", "smith"))),
        ('john "mary ann" O\'Brien', Text(("john", "mary ann", "O'Brien"))),
        (r'"say \"hi\" \\ \n"', Text((r'say "hi" \ \n',))),
        ("status:interested", Term("status", "eq", ("interested",))),
        ("STAGE:interested,contacted", Term("status", "in", ("interested", "contacted"))),
        ('source:"Field Sales",web', Term("source", "in", ("Field Sales", "web"))),
        ("source:'Field Sales'", Term("source", "eq", ("Field Sales",))),
        ("status!=new", Term("status", "ne", ("new",))),
        ("due:today", Term("follow_up", "eq", ("today",))),
        ("due:overdue", Term("follow_up", "lt", ("today",))),
        ("due:due", Term("follow_up", "le", ("today",))),
        ("due:upcoming", Term("follow_up", "gt", ("today",))),
        ("due:<=today", Term("follow_up", "le", ("today",))),
        ("due<=today", Term("follow_up", "le", ("today",))),
        ("due:none", Term("follow_up", "is_null")),
        ("due:>=2026-11-20T14:00", Term("follow_up", "ge", ("2026-11-20T14:00",))),
        ('due:"2026-11-20 14:00"', Term("follow_up", "eq", ("2026-11-20 14:00",))),
        ("due:>-4h", Term("follow_up", "gt", ("-4h",))),
        ("created:-7d..today", Term("created_at", "between", ("-7d", "today"))),
        ("created:-7d..", Term("created_at", "ge", ("-7d",))),
        ("created:..-7d", Term("created_at", "le", ("-7d",))),
        ('created:"today 14:00".."today 15:00"', Term("created_at", "between", ("today 14:00", "today 15:00"))),
        ("created:this-month", Term("created_at", "eq", ("this-month",))),
        ("created:2026-10,this_month", Term("created_at", "in", ("2026-10", "this_month"))),
        ("assigned:me", Term("assigned_to", "eq", ("me",))),
        ("assigned:none", Term("assigned_to", "is_null")),
        ('assigned:"none"', Term("assigned_to", "eq", ("none",))),
        ("assigned:jane,none", Or((Term("assigned_to", "eq", ("jane",)), Term("assigned_to", "is_null")))),
        ("assigned!=none", Not(Term("assigned_to", "is_null"))),
        ("is:converted", Term("is", "eq", ("converted",))),
        ("is:LOST,hot", Term("is", "in", ("lost", "hot"))),
        ("-tag:vip", Not(Term("tags", "eq", ("vip",)))),
        ("--tag:vip", Term("tags", "eq", ("vip",))),
        ("score:>=50", Term("score", "ge", ("50",))),
        ("score:50..80", Term("score", "between", ("50", "80"))),
        ("score:5,<1,>9", Or((Term("score", "eq", ("5",)), Term("score", "lt", ("1",)), Term("score", "gt", ("9",))))),
        ("score!=1..5", Not(Term("score", "between", ("1", "5")))),
        ("score:-5", Term("score", "eq", ("-5",))),
        ("fee>=2000", Term("monthly_fee", "ge", ("2000",))),
        ("monthly-fee:>2000", Term("monthly_fee", "gt", ("2000",))),
        ('fee:"2,500"', Term("monthly_fee", "eq", ("2,500",))),
        ('by:"John Doe"', Term("brought_in_by", "contains", ("John Doe",))),
        ("name=John", Term("name", "eq", ("John",))),
        ("name:jo*", Term("name", "starts", ("jo",))),
        ('name:"jo*"', Term("name", "contains", ("jo*",))),
        ("location:a..b", Term("location", "contains", ("a..b",))),
        ("email:*", Not(Term("email", "is_null"))),
        ("missing:email", Term("email", "is_null")),
        ("missing:due", Term("follow_up", "is_null")),
        ("priority:HIGH", Term("priority", "eq", ("high",))),
        ("has_router:yes", Term("has_router", "eq", ("true",))),
        ("custom.rooms:>3", Term("custom.Rooms", "gt", ("3",))),
        ("custom.rent_max_:5", Term("custom.Rent (max)", "eq", ("5",))),
        ("custom.colour:red", Term("custom.Colour", "eq", ("red",))),
        ("0722 000 111", Text(("0722 000 111",))),
        ("+254 722 000111 jane", Text(("+254 722 000111", "jane"))),
        ("0722-000-111", Text(("0722-000-111",))),
        ("block 12 345", Text(("block", "12", "345"))),
        ("-7d", Not(Text(("7d",)))),
        ("12:30", Text(("12:30",))),
        ("http://x.y/z?a=b", Text(("http://x.y/z?a=b",))),
        ("AA:BB:CC:DD:EE:0F", Text(("AA:BB:CC:DD:EE:0F",))),
        ("jane@x.com", Text(("jane@x.com",))),
        ("a b or c", Or((Text(("a", "b")), Text(("c",))))),
        ("a AND b", Text(("a", "b"))),
        ('tag:"a"b', And((Term("tags", "eq", ("a",)), Text(("b",))))),
        ("name:~a,b", Term("name", "contains", ("a", "b"))),
        ("name:^a,b", Term("name", "starts", ("a", "b"))),
        ("custom.colour:=a,~b", Or((Term("custom.Colour", "eq", ("a",)), Term("custom.Colour", "contains", ("b",))))),
        ('a "or" b', Text(("a", "or", "b"))),
        ("orlando android", Text(("orlando", "android"))),
        ("(a or b) c", And((Or((Text(("a",)), Text(("b",)))), Text(("c",))))),
        ("((a))", Text(("a",))),
        ("-(tag:vip or is:lost)", Not(Or((Term("tags", "eq", ("vip",)), Term("is", "eq", ("lost",)))))),
        ("\ufeffjane\u202e \x00doe\x1b", Text(("jane", "doe"))),
    ],
)  # fmt: skip
def test_reading(text: str, tree: Node) -> None:
    assert read(text) == tree
    assert read(to_text(tree)) == tree
    assert read(to_text(tree, FIELDS)) == tree


def test_the_line_of_the_specification() -> None:
    line = 'status:interested,contacted source:"Field Sales" due:<=today assigned:me fee>=2000 -tag:vip'
    tree = read(line)
    assert tree == And(
        (
            Term("status", "in", ("interested", "contacted")),
            Term("source", "eq", ("Field Sales",)),
            Term("follow_up", "le", ("today",)),
            Term("assigned_to", "eq", ("me",)),
            Term("monthly_fee", "ge", ("2000",)),
            Not(Term("tags", "eq", ("vip",))),
        )
    )
    assert to_text(tree, FIELDS) == (
        'status:interested,contacted source:"Field Sales" follow_up:<=today assigned_to:me monthly_fee:>=2000 -tags:vip'
    )


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("statu:new", 1, "status"),
        ("jane zzz:red", 6, "a field such as"),
        ("due:tody", 5, "today"),
        ("a due:<=soon", 9, "today"),
        ("due:", 5, "a value"),
        ("due: today", 5, "a value"),
        ("status:new,", 12, "a value"),
        ("status:,new", 8, "a value"),
        ("is:losst", 4, "lost"),
        ("is:none", 4, ""),
        ("score:abc", 7, "a number"),
        ("score:1,x", 9, "a number"),
        ("score:9..1", 7, "smaller"),
        ("score:..", 7, "a..b"),
        ("score:~5", 7, "score:value"),
        ("fee:>=2,500", 8, "without commas"),
        ("fee:lots", 5, "an amount"),
        ("fee:-5", 5, "an amount"),
        ("priority:hihg", 10, "high"),
        ("has_router:maybe", 12, "yes or no"),
        ("due:-4h", 5, ">=-4h"),
        ("born:-4h..", 6, "a day"),
        ("name>5", 5, "name:value"),
        ("custom:5", 1, "custom.FIELD"),
        ("custom.colr:5", 1, "custom.Colour"),
        ("missing:emial", 9, "email"),
        ("status:(a or b)", 8, "commas"),
        ("status:a(b)", 9, "quotes"),
        ('tag:"a""b"', 8, "a comma"),
        ("is:*", 4, "lost"),
        ("score:<10,50", 10, "without commas"),
        ("(a", 1, "a ) after"),
        ("a)", 2, "a ( before"),
        ("()", 2, "a word"),
        ('x "abc', 3, "closing"),
        ('""', 1, "text"),
        ('name:""', 6, "none"),
        ("or a", 1, "a word"),
        ("a or", 5, "a word"),
        ("a or or b", 6, "a word"),
        ("a and", 6, "a word"),
        ("-", 1, "right after"),
        ("a - b", 3, "right after"),
        (">=5", 1, "field:value"),
        ("\x00", 1, ""),
    ],
)
def test_errors_name_the_column_and_what_was_expected(text: str, column: int, expected: str) -> None:
    with pytest.raises(FilterError) as error:
        read(text)
    assert error.value.column == column
    assert expected in error.value.expected
    assert error.value.text == text
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    ["(" * 10_000, "(" * 10_000 + "a" + ")" * 10_000, "-(" * 5_000, "a " * 10_000, "x" * 300_000, '"' * 9_999,
     "a or " * 10_000, "status:" + "a," * 30_000, "1 " * 90_000, "zzz" * 50_000 + ":1", "score:" + "9" * 100_000],
    ids=lambda text: text[:6],
)  # fmt: skip
def test_hostile_text_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(FilterError) as error:
        read(text)
    assert time.process_time() - start < 1
    assert len(error.value.message) < 300


def test_many_minus_signs_are_harmless() -> None:
    assert read("-" * 9_999 + "a") == Not(Text(("a",)))


def test_later_errors_can_point_at_a_value() -> None:
    tree = read("jane status:new,bogus")
    assert isinstance(tree, And)
    term = tree.items[1]
    assert isinstance(term, Term)
    assert (term.column, term.value_columns) == (6, (13, 17))
    error = term.error('no status "bogus"', "New or Lost", index=1)
    assert (error.column, error.expected) == (17, "New or Lost")
    assert Term("status", "eq", ("x",)).error("m", "e").column == 1


def test_what_finds_nothing_has_no_text() -> None:
    for tree in (Or(()), Not(EVERYTHING)):
        with pytest.raises(ValueError, match="nothing"):
            to_text(tree)


def test_reading_is_fast() -> None:
    line = 'status:interested,contacted source:"Field Sales" due:<=today assigned:me fee>=2000 -tag:vip'
    start = time.process_time()
    for _ in range(100):
        read(line)
    assert (time.process_time() - start) / 100 < 0.001


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["source:Field Sales", "jane"], 'source:"Field Sales" jane'),
        (["-source:Field Sales,Walk In,web"], '-source:"Field Sales","Walk In",web'),
        (["by:John O'Doe"], 'by:"John O\'Doe"'),
        (["due:>=2026-11-20 14:00"], 'due:>="2026-11-20 14:00"'),
        (["created:2026-11-20 14:00..today"], 'created:"2026-11-20 14:00"..today'),
        (['source:"Field Sales"', "due:today"], 'source:"Field Sales" due:today'),
        (["status:new due:today"], "status:new due:today"),
        (["status:new -tag:vip"], "status:new -tag:vip"),
        (["status:new or jane"], "status:new or jane"),
        (["-(tag:vip or is:lost)"], "-(tag:vip or is:lost)"),
        (["John Doe", "0722 000 111"], "John Doe 0722 000 111"),
        (["nofield:a b", "status: new"], "nofield:a b status: new"),
        ([], ""),
    ],
)
def test_arguments_get_back_the_quotes_the_shell_took(arguments: list[str], text: str) -> None:
    assert join_arguments(arguments, fields=FIELDS) == text


def test_a_plain_mapping_will_do() -> None:
    fields = {"status": FilterField("status", "choice")}
    assert parse("status:new", fields=fields) == Term("status", "eq", ("new",))


def test_importing_the_parser_loads_nothing_heavy() -> None:
    import subprocess

    code = (
        "import sys, leadtui.domain.filters, leadtui.domain.dates, leadtui.domain.money, leadtui.domain.phones\n"
        "heavy = {'phonenumbers', 'babel', 'rich', 'textual', 'sqlalchemy', 'sqlmodel', 'difflib', 'anyascii'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
