"""Cleaning and folding of foreign text (contract answer 11, facts/textual §3.6)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.errors import Invalid
from leadtui.text import clean_block, clean_line, fold, shorten, slug, strip_controls, strip_segment

HOSTILE = st.text(alphabet=st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Jane Doe ", "Jane Doe"),
        ("Jane\r\nDoe", "Jane Doe"),
        ("Jane\nDoe\tX\u2028Y\u0085Z", "Jane Doe X Y Z"),
        ("a\x00b\x07c\x7fd\x9be", "abcde"),
        ("\x1b[2Jwiped", "[2Jwiped"),
        ("abc\u202egpj.exe\u2066x\u2069", "abcgpj.exex"),
        ("\ufeffname", "name"),
        ("=SUM(A1)", "=SUM(A1)"),
        ("[bold]x[/]", "[bold]x[/]"),
        ("👩\u200d👩\u200d👧 \u200fשלום", "👩\u200d👩\u200d👧 \u200fשלום"),
        ("bad\udcff", "bad\ufffd"),
    ],
)
def test_a_line_keeps_what_is_visible_and_nothing_else(typed: str, kept: str) -> None:
    assert clean_line(typed, field="name", limit=100) == kept


def test_a_block_keeps_line_breaks_and_tabs() -> None:
    assert clean_block("a\r\nb\rc\n\td\x0be\x1b\x00\n", field="note", limit=100) == "a\nb\nc\n\td\ne"


@pytest.mark.parametrize("clean", [clean_line, clean_block])
def test_too_long_is_refused_with_field_and_limit(clean: type) -> None:
    assert clean("x" * 255 + "  ", field="unit_number", limit=255) == "x" * 255
    with pytest.raises(Invalid) as refusal:
        clean("x" * 256, field="unit_number", limit=255)
    assert refusal.value.field == "unit_number"
    assert "255" in refusal.value.message and "unit number" in refusal.value.message


@given(HOSTILE)
def test_cleaning_leaves_no_control_and_changes_nothing_twice(text: str) -> None:
    line = clean_line(text, field="name", limit=1000)
    block = clean_block(text, field="name", limit=1000)
    for cleaned, allowed in ((line, ""), (block, "\n\t"), (strip_controls(text), "\n\t"), (strip_segment(text), "")):
        assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs") and c not in allowed]
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(cleaned)
        cleaned.encode()
    assert clean_line(line, field="name", limit=1000) == line
    assert clean_block(block, field="name", limit=1000) == block
    visible = [c for c in text if c.isprintable() and not c.isspace() and c not in line]
    assert not [c for c in visible if unicodedata.category(c) not in ("Cf",)]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Müller", "MULLER"),
        ("Mu\u0308ller", "muller"),
        ("Straße", "STRASSE"),
        ("Łódź", "lodz"),
        ("İstanbul", "istanbul"),
        ("Jane\u00a0Doe", "jane doe"),
        ("Ｊａｎｅ", "jane"),
        ("O’Brien", "o'brien"),
        ("مُحَمَّد", "محمد"),
    ],
)
def test_folding_makes_one_of_spellings(a: str, b: str) -> None:
    assert fold(a) == fold(b)


def test_folding_keeps_letters_apart() -> None:
    assert fold("कि") != fold("क")  # a vowel sign, not an accent
    assert fold("が") != fold("か")


@given(HOSTILE)
def test_folding_is_settled_after_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text.lower()) == fold(fold(text.lower()))


def test_slug() -> None:
    assert slug("Field  Sales & Más!") == "field-sales-mas"
    assert slug("Привет мир") == "privet-mir"
    assert slug("—") == ""


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("hello", 5, "hello"),
        ("hello!", 5, "hell…"),
        ("hello", 0, ""),
        ("日本語", 5, "日本…"),
        ("日本語", 6, "日本語"),
        ("ab", 1, "…"),
    ],
)
def test_shortening_counts_cells(text: str, width: int, shown: str) -> None:
    assert shorten(text, width) == shown


@given(st.text(max_size=40), st.integers(0, 30))
def test_shortened_text_fits(text: str, width: int) -> None:
    from rich.cells import cell_len

    assert cell_len(shorten(text, width)) <= width
