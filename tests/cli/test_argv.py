"""The command line is read once before Typer: shared options anywhere, filter terms with a dash, exact values."""

from __future__ import annotations

import pytest

from leadtui.cli.argv import peek_json, scan
from leadtui.cli.context import Options
from leadtui.cli.tree import root
from leadtui.errors import UsageError


def read(*argv: str) -> tuple[list[str], Options]:
    found = Options()
    return scan(argv, root(), found).args, found


@pytest.mark.parametrize(
    "argv",
    [
        ("--db", "x.db", "--as=jane", "--json", "lead", "list"),
        ("lead", "--db=x.db", "--json", "list", "--as", "jane"),
        ("lead", "list", "--json", "--as", "jane", "--db", "x.db"),
        ("lead", "--as", "jane", "list", "--db", "x.db", "--json"),
    ],
)
def test_shared_options_stand_anywhere(argv: tuple[str, ...]) -> None:
    args, found = read(*argv)
    assert args == ["lead", "list"]
    assert (found.db, found.as_login, found.json) == ("x.db", "jane", True)


def test_a_value_that_looks_like_a_shared_option_is_a_value() -> None:
    args, found = read("lead", "log", "7", "--type", "note", "--subject", "--json")
    assert args == ["lead", "log", "--type=note", "--subject=--json", "--", "7"]
    assert not found.json


@pytest.mark.parametrize(
    "terms",
    [
        ["-tag:vip"],
        ["status:new", "-tag:vip", "-lost"],
        ["-(tag:vip or is:lost)", "assigned:me"],
        ["-0722"],
    ],
)
def test_filter_terms_may_begin_with_a_dash(terms: list[str]) -> None:
    args, _ = read("lead", "list", *terms, "--limit", "5")
    assert args == ["lead", "list", "--limit=5", "--", *terms]
    args, _ = read("lead", "list", "--limit", "5", *terms, "--sort", "-name")
    assert args == ["lead", "list", "--limit=5", "--sort=-name", "--", *terms]
    args, _ = read("lead", "list", "--", *terms)
    assert args == ["lead", "list", "--", *terms]


def test_after_two_dashes_everything_is_a_word() -> None:
    args, found = read("lead", "list", "--json", "--", "--json", "--limit")
    assert args == ["lead", "list", "--", "--json", "--limit"]
    assert found.json


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("undo",), ["undo", "batch"]),
        (("undo", "12"), ["undo", "batch", "--", "12"]),
        (("undo", "--dry-run"), ["undo", "batch", "--dry-run"]),
        (("undo", "12", "--dry-run", "--json"), ["undo", "batch", "--dry-run", "--", "12"]),
        (("undo", "list"), ["undo", "list"]),
        (("undo", "--help"), ["undo", "--help"]),
    ],
)
def test_undo_needs_no_verb(argv: tuple[str, ...], expected: list[str]) -> None:
    assert read(*argv)[0] == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--has-router"], "--has-router"),
        (["--has-router", "yes"], "--has-router"),
        (["--has-router=no"], "--no-has-router"),
        (["--no-has-router"], "--no-has-router"),
        (["--has-router", "false"], "--no-has-router"),
    ],
)
def test_a_flag_with_an_opposite_takes_a_word(typed: list[str], expected: str) -> None:
    assert read("lead", "add", *typed)[0] == ["lead", "add", expected]


@pytest.mark.parametrize(
    ("argv", "field"),
    [
        (("lead", "list", "--bogus"), "bogus"),
        (("lead", "add", "--phone"), "phone"),
        (("lead", "list", "--json=yes"), "json"),
        (("--db",), "db"),
        (("lead", "show", "1", "--db="), "db"),
        (("lead", "show", "-1"), "1"),
        (("lead", "add", "--has-router=perhaps"), "has_router"),
        (("lead", "list", "--limit=", "--help=1"), "help"),
        (("nosuch",), None),
        (("lead", "nosuch"), None),
    ],
)
def test_what_is_not_understood_is_said(argv: tuple[str, ...], field: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        read(*argv)
    assert caught.value.field == field
    assert caught.value.hint or caught.value.message


def test_errors_are_json_even_before_the_line_is_read() -> None:
    assert peek_json(["lead", "--bogus", "--json"])
    assert not peek_json(["lead", "list", "--", "--json"])
