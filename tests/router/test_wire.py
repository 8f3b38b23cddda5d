"""The words on the wire, against the library's own coding, and foreign text made fit to show."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librouteros.protocol import decode_length, encode_length

from leadtui.router import wire

LENGTHS = st.one_of(
    st.integers(0, 300),
    st.sampled_from([0x7F, 0x80, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000, 0xFFFFFFF]),
    st.integers(0, 0xFFFFFFF),
)
WORDS = st.lists(st.binary(min_size=1, max_size=400), max_size=8)


@given(LENGTHS)
def test_lengths_agree_with_the_library(length: int) -> None:
    raw = wire.encode_length(length)
    assert raw == encode_length(length)
    assert decode_length(raw) == length
    assert wire.read_length(io.BytesIO(raw).read, 2**32) == length


def test_five_byte_lengths() -> None:
    raw = wire.encode_length(0x10000000)
    assert raw == b"\xf0\x10\0\0\0"
    assert wire.read_length(io.BytesIO(raw).read, 2**32) == 0x10000000
    with pytest.raises(wire.WireError):
        wire.encode_length(2**32)


@given(st.lists(WORDS, max_size=5))
def test_sentences_come_back_as_they_went(sentences: list[list[bytes]]) -> None:
    stream = io.BytesIO(b"".join(map(wire.encode_sentence, sentences)))
    assert [wire.read_sentence(stream.read) for _ in sentences] == sentences


def test_an_empty_word_cannot_be_sent() -> None:
    with pytest.raises(wire.WireError):
        wire.encode_sentence([b"/login", b""])


@given(st.binary(min_size=1, max_size=60))
def test_garbage_is_words_or_an_error_and_never_a_giant_read(data: bytes) -> None:
    stream = io.BytesIO(data)
    asked = []

    def read(length: int) -> bytes:
        asked.append(length)
        got = stream.read(length)
        if len(got) < length:
            raise EOFError
        return got

    with contextlib.suppress(wire.WireError, EOFError):
        wire.read_sentence(read)
    assert max(asked) <= wire.MAX_WORD_BYTES


@given(st.binary(max_size=200))
def test_any_bytes_survive_as_text_and_are_storable(raw: bytes) -> None:
    text = wire.to_text(raw)
    assert wire.to_bytes(text) == raw
    wire.storable(text).encode("utf-8")


@given(st.text())
def test_shown_is_one_clean_line(text: str) -> None:
    line = wire.shown(text)
    assert len(line) <= 300
    assert "\n" not in line
    assert "\x1b" not in line
    line.encode("utf-8")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("bad value:\r\n    pool x", "bad value: pool x"),
        ("\x1b[31mred", "[31mred"),
        ("a\u202eb", "ab"),
        (b"Jos\xe9".decode("utf-8", "surrogateescape"), "Jos\ufffd"),
        ("\ud800x", "?x"),
    ],
)
def test_shown_examples(said: str, line: str) -> None:
    assert wire.shown(said) == line


def test_half_a_surrogate_pair_is_not_sent() -> None:
    with pytest.raises(wire.WireError):
        wire.to_bytes("\ud800")
