"""Channel `manual`: the link opens the right chat with the right text, and nothing claims that it was sent."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui import clock
from leadtui.channels import manual, registry
from leadtui.channels.port import Account, Final, HandedOff, Outgoing


def message(text: str, address: str = "+254722000111") -> Outgoing:
    return Outgoing(message_id=7, address=address, text=text, at=clock.now())


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_text_arrives_as_it_was_written(text: str) -> None:
    parts = urlsplit(manual.link("+254 722 000-111", text))
    assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("https", "wa.me", "/254722000111", "")
    assert parse_qs(parts.query, keep_blank_values=True, strict_parsing=True) == {"text": [text]}


def test_it_is_handed_over_and_no_more() -> None:
    channel = registry.open("manual", Account("manual"))
    answer = channel.send(message("Hi Amina é 👋!\nsee you & yours"), 5)
    assert isinstance(answer, HandedOff)
    assert (
        answer.link == "https://wa.me/254722000111?text=Hi%20Amina%20%C3%A9%20%F0%9F%91%8B%21%0Asee%20you%20%26%20yours"
    )
    assert channel.probe().ok
    assert channel.caps().by_hand and not channel.caps().can_confirm


@pytest.mark.parametrize(
    ("text", "address", "code"), [("x" * 4097, "+254722000111", "too_long"), ("x", "", "bad_address")]
)
def test_what_no_link_can_carry(text: str, address: str, code: str) -> None:
    answer = registry.open("manual", Account("manual")).send(message(text, address), 5)
    assert isinstance(answer, Final) and answer.code == code and not answer.suppress
