"""Texts with places: read strictly, put together literally (spec §P 125; facts/messaging §5.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.sms import segments
from leadtui.domain.templates import PLACEHOLDERS, Place, literal, parse, placeholder, placeholders
from leadtui.errors import Invalid

ANY = st.text(max_size=60)


def test_a_text_is_read_into_pieces_and_put_together_again() -> None:
    read = parse("Hi {first_name|there}, {{{mobile}}} {custom.Plan Speed|-}{name|}!")
    assert read.fields == ("first_name", "phone", "custom.plan speed", "name")
    assert read.required == ("phone",)
    assert read.pieces[1] == Place("first_name", "there")
    assert read.render({"phone": "+254722000111"}).text == "Hi there, {+254722000111} -!"
    assert read.render({"phone": "", "first_name": "Jane"}).missing == ("phone",)
    assert parse("").render({}).text == ""


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("Hi {nmae}", "column 5: 'nmae' is no placeholder", "name"),
        ("Dear\nall {score}", "line 2, column 6: 'score' is no placeholder", "{name}"),
        ("Hi {", "column 4: this '{' is never closed", "{{"),
        ("Hi {name", "column 4: this '{' is never closed", "{{"),
        ("Hi name}", "column 8: a '}' closes nothing", "}}"),
        ("Hi {}", "column 4: the braces are empty", "{name}"),
        ("Hi { | x}", "column 4: the braces are empty", "{name}"),
        ("Hi {na{me}}", "column 7: a '{' inside braces", "{{"),
        ("Hi {name\n}", "line 1, column 4: this '{' is not closed on its line", "{{"),
        ("Hi {name.__class__}", "column 5: 'name.__class__' is no placeholder", "name"),
        ("Hi {0}", "column 5: '0' is no placeholder", "{name}"),
        ("Hi {name!r}", "column 5: 'name!r' is no placeholder", "name"),
        ("Hi {custom.}", "column 5: 'custom.' is no placeholder", "{name}"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, where: str, hint: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert where in refused.value.message
    assert refused.value.field == "template"
    assert hint in (refused.value.hint or "")
    assert text[refused.value.data["position"]] is not None


def test_a_field_hidden_from_a_role_is_unknown_to_it() -> None:
    hidden = frozenset({"monthly_fee", "custom.margin"})
    assert parse("{monthly_fee}").fields == ("monthly_fee",)
    for text in ("{monthly_fee}", "{total_amount}", "{custom.margin}"):
        with pytest.raises(Invalid):
            parse(text, hidden=hidden)
    keys = {one.key for one in placeholders(hidden)}
    assert {"name", "installation_fee"} <= keys
    assert not keys & {"monthly_fee", "total_amount"}


def test_nothing_secret_or_internal_can_be_shown() -> None:
    keys = {one.key for one in PLACEHOLDERS}
    assert not keys & {"id", "score", "remarks", "reason", "passport", "national_id", "status", "consent", "priority"}
    assert all(placeholder(word) == one.key for one in PLACEHOLDERS for word in (one.key, one.key.upper()))
    assert placeholder("Mobile Number") == "phone"


@given(ANY)
def test_a_literal_renders_to_itself(text: str) -> None:
    read = parse(literal(text))
    assert read.fields == ()
    assert read.render({}).text == text


@given(ANY, ANY, st.sampled_from([one.key for one in PLACEHOLDERS]), ANY.filter(bool))
def test_a_value_goes_in_as_it_is_and_is_never_read(before: str, after: str, key: str, value: str) -> None:
    done = parse(literal(before) + "{" + key + "}" + literal(after)).render({key: value})
    assert done.text == before + value + after
    assert done.missing == ()


@given(ANY)
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    read, wrong = None, None
    try:
        read = parse(text)
    except Invalid as refused:
        wrong = refused
    if read is not None:
        assert read.render(dict.fromkeys(read.fields, "x")).missing == ()
    else:
        assert wrong is not None and wrong.hint and 0 <= wrong.data["position"] < len(text)


def test_the_length_of_an_sms() -> None:
    assert (segments("a" * 160).count, segments("a" * 161).count, segments("a" * 307).count) == (1, 2, 3)
    assert segments("").count == 1
    assert segments("€" * 80).count == 1 and segments("€" * 81).count == 2
    assert segments("{" * 153).units == 306
    emoji = segments("👋" * 35)
    assert (emoji.encoding, emoji.count, emoji.units) == ("UCS-2", 1, 70)
    assert segments("👋" * 36).count == 2
    assert segments("Habari {0}").words == "12 places, 1 SMS, 148 left"


@given(st.text(max_size=400))
def test_the_parts_of_an_sms_hold_all_of_it(text: str) -> None:
    found = segments(text)
    assert found.units <= found.count * found.per_segment
    assert found.left >= 0
