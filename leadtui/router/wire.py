"""The RouterOS API on the wire: words, sentences, text as bytes, and foreign text made fit to show. Pure.

Format: a word is a length prefix of 1 to 5 bytes and that many bytes; an empty word ends a sentence. Values are
bytes without a declared encoding, so text goes out as UTF-8 and comes in as UTF-8 with undecodable bytes kept as
lone surrogates (facts/mikrotik §0.4 and "Protocol").
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

MAX_WORD_BYTES = 4 * 1024 * 1024
"""No sane value is longer; a longer prefix is garbage, and believing it would let a peer fill the memory."""

_SHOWN_MAX = 300
_KEPT_FORMAT_CHARS = {"\u200c", "\u200d"}  # joiners that Arabic and Indic scripts need


class WireError(ValueError):
    """Bytes that are not API words."""


def encode_length(length: int) -> bytes:
    """The length prefix for a word of `length` bytes."""
    for limit, size, mark in ((0x80, 1, 0), (0x4000, 2, 0x80), (0x200000, 3, 0xC0), (0x10000000, 4, 0xE0)):
        if length < limit:
            return (length | mark << 8 * (size - 1)).to_bytes(size, "big")
    if length <= 0xFFFFFFFF:
        return b"\xf0" + length.to_bytes(4, "big")
    raise WireError(f"a word of {length} bytes cannot be sent")


def encode_sentence(words: Iterable[bytes]) -> bytes:
    """The words and the empty word that ends a sentence. An empty word inside is impossible on this wire."""
    out = bytearray()
    for word in words:
        if not word:
            raise WireError("an empty word would end the sentence")
        out += encode_length(len(word)) + word
    return bytes(out) + b"\x00"


def read_length(read: Callable[[int], bytes], limit: int = MAX_WORD_BYTES) -> int:
    """Read one length prefix with `read(n)` (exactly n bytes) ; `WireError` beyond `limit` or malformed."""
    first = read(1)[0]
    for below, more, mask in ((0x80, 0, 0x7F), (0xC0, 1, 0x3F), (0xE0, 2, 0x1F), (0xF0, 3, 0x0F)):
        if first < below:
            length = int.from_bytes(bytes([first & mask]) + (read(more) if more else b""), "big")
            break
    else:
        if first != 0xF0:
            raise WireError(f"control byte {first:#04x} is not a length")
        length = int.from_bytes(read(4), "big")
    if length > limit:
        raise WireError(f"a word of {length} bytes is announced, more than {limit}")
    return length


def read_sentence(read: Callable[[int], bytes], limit: int = MAX_WORD_BYTES) -> list[bytes]:
    """The words up to the next empty one; an empty list is an empty sentence, which peers may send and all ignore."""
    words = []
    while length := read_length(read, limit):
        words.append(read(length))
    return words


def to_bytes(text: str) -> bytes:
    """Text as it goes out: UTF-8; surrogates from `to_text` become the bytes they were. `WireError` for any other."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise WireError("half of a surrogate pair cannot be sent") from None


def to_text(raw: bytes) -> str:
    """Bytes as text, losslessly: what is not UTF-8 is kept as lone surrogates. For comparing, not for showing."""
    return raw.decode("utf-8", "surrogateescape")


def storable(text: str) -> str:
    """`text` with each undecodable byte replaced by U+FFFD, so that databases, JSON and terminals accept it."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that never was a byte
        raw = text.encode("utf-8", "replace")
    return raw.decode("utf-8", "replace")


def shown(text: str, limit: int = _SHOWN_MAX) -> str:
    """What a router said, as one line fit to show and log: controls and line ends become a blank, bidirectional and
    other invisible marks go, and more than `limit` characters are cut with an ellipsis.
    """
    out = []
    for char in storable(text):
        category = unicodedata.category(char)
        if category in ("Cc", "Zl", "Zp"):
            out.append(" ")
        elif category == "Cs" or (category == "Cf" and char not in _KEPT_FORMAT_CHARS):
            continue
        else:
            out.append(char)
    line = " ".join("".join(out).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
