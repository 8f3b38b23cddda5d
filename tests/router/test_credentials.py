"""User names and passwords: suggestions, generation, refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.errors import Invalid
from leadtui.router.credentials import (
    READABLE_ALPHABET,
    SUGGESTED_MAX,
    check_password,
    check_username,
    generate_password,
    suggest_username,
)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("John Kamau", "john.kamau"),
        ("José  Ñandú", "jose.nandu"),
        ("Conan O'Brien", "conan.obrien"),
        ("李小龙", "lixiaolong"),
        ("=cmd|x", "cmd.x"),
        ("", "user"),
        ("...", "user"),
        ("12345", "user.12345"),
        ("True", "user.true"),
        ("x" * 90, "x" * 32),
    ],
)
def test_suggested_name(name: str, suggested: str) -> None:
    assert suggest_username(name) == suggested


def test_taken_names_get_the_next_number() -> None:
    taken = {"john.kamau", "john.kamau2"}
    assert suggest_username("John Kamau", taken) == "john.kamau3"
    assert suggest_username("John Kamau", taken.__contains__) == "john.kamau3"
    assert suggest_username("x" * 40, {"x" * 32}) == "x" * 31 + "2"


@given(st.text(max_size=60), st.integers(0, 12))
def test_every_suggestion_is_acceptable_and_free(name: str, already: int) -> None:
    taken: set[str] = set()
    for _ in range(already + 1):
        suggestion = suggest_username(name, taken)
        assert suggestion not in taken
        assert check_username(suggestion) == suggestion
        assert len(suggestion) <= SUGGESTED_MAX
        assert suggestion == suggestion.lower()
        taken.add(suggestion)


@pytest.mark.parametrize("length", [6, 10, 63])
def test_passwords_are_readable_and_accepted(length: int) -> None:
    made = {generate_password(length) for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert len(password) == length
        assert set(password) <= set(READABLE_ALPHABET)
        assert check_password(password) == password


def test_the_alphabet_has_no_lookalikes() -> None:
    assert not set(READABLE_ALPHABET) & set("0Oo1lIi5S")
    assert len(set(READABLE_ALPHABET)) == len(READABLE_ALPHABET)


@pytest.mark.parametrize("length", [5, 64])
def test_unreasonable_lengths_are_a_programming_error(length: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        generate_password(length)


@pytest.mark.parametrize("bad", ["", "12345", "No", "TRUE", "a b", "josé", "a=b", "a\nb", "a\0b", "x" * 64, "a/b"])
def test_bad_user_names(bad: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_username(bad)
    assert refused.value.field == "username"


@pytest.mark.parametrize("bad", ["", "abc", "12345", "false", "with blank", "pässword", "x" * 64, "\ud800abc"])
def test_bad_passwords_are_refused_without_being_quoted(bad: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_password(bad)
    assert refused.value.field == "password"
    if len(bad) > 3 and bad != "false":
        assert bad not in refused.value.message
