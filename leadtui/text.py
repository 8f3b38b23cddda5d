"""Foreign text at the door and on the way out: cleaning, folding for comparison, shortening to a cell width."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from leadtui.errors import Invalid

# Overrides, embeddings and isolates can make "gpj.exe" read "exe.jpg" and reorder a whole table row. The marks LRM, RLM
# and ALM stay: mixed Arabic or Hebrew names need them and they cannot reorder anything beyond themselves.
_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = (*range(0x20), 0x7F, *range(0x80, 0xA0))
_LINE_BREAKS = (0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029)
_BYTE_ORDER_MARK = 0xFEFF
_SURROGATES = range(0xD800, 0xE000)  # undecodable bytes of a command line; no database can store them

_DELETED: dict[int, str | None] = dict.fromkeys((*_CONTROLS, *_BIDI, _BYTE_ORDER_MARK))
_ONE_LINE: dict[int, str | None] = _DELETED | dict.fromkeys((*_LINE_BREAKS, 0x09), " ")
_BLOCK: dict[int, str | None] = (
    _DELETED | {0x0A: "\n", 0x09: "\t"} | dict.fromkeys((0x0B, 0x0C, 0x85, 0x2028, 0x2029), "\n")
)
_OUTPUT: dict[int, str | None] = _DELETED | {0x0A: "\n", 0x09: "\t"}
_SEGMENT: dict[int, str | None] = _DELETED | {0x2028: None, 0x2029: None}
for _table in (_ONE_LINE, _BLOCK, _OUTPUT, _SEGMENT):
    _table.update(dict.fromkeys(_SURROGATES, "\ufffd"))

_RETURNS = re.compile(r"\r\n?")


def clean_line(value: str, *, field: str, limit: int) -> str:
    """Return `value` as a one-line field may hold it (contract answer 11).

    Line breaks and tabs become a blank (CR LF one blank), control characters (C0, C1, NUL) and bidirectional overrides
    and isolates go, a byte that was not text becomes U+FFFD, the ends are stripped. Everything visible stays as typed:
    markup and formulas are somebody's text.

    Raises:
        Invalid: longer than `limit` characters after cleaning; names `field` and the limit.
    """
    if not value.isprintable():
        value = _RETURNS.sub("\n", value).translate(_ONE_LINE)
    return _within(value.strip(), field, limit)


def clean_block(value: str, *, field: str, limit: int) -> str:
    r"""Return `value` as a multi-line field may hold it: as `clean_line`, but `\n` and `\t` stay and every other line
    break is written `\n` (contract answer 11).

    Raises:
        Invalid: longer than `limit` characters after cleaning; names `field` and the limit.
    """
    if not value.isprintable():
        value = _RETURNS.sub("\n", value).translate(_BLOCK)
    return _within(value.strip(), field, limit)


def _within(value: str, field: str, limit: int) -> str:
    if len(value) > limit:
        label = field.replace("_", " ")
        raise Invalid(
            f"{label} is too long: {len(value):,} characters, the limit is {limit:,}",
            field=field,
            hint=f"at most {limit:,} characters",
        )
    return value


def strip_controls(text: str) -> str:
    r"""Return `text` safe to print on a terminal: no C0, C1 or bidirectional controls; `\n` and `\t` stay.

    For command-line output, where old rows and router replies may hold what the door refuses today (facts/textual
    §3.6).
    """
    # isprintable() is false for every control and format character, so nearly all text takes this exit.
    return text if text.isprintable() else text.translate(_OUTPUT)


def scrub(text: str) -> str:
    """Return `text` without NUL and half characters, which no database takes; all else stays as it came."""
    if text.isprintable():
        return text
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def scrub_all(value: Any) -> Any:
    """Return what JSON holds with every string scrubbed, keys too."""
    match value:
        case str():
            return scrub(value)
        case list() | tuple():
            return [scrub_all(one) for one in value]
        case Mapping():
            return {scrub(key) if isinstance(key, str) else key: scrub_all(one) for key, one in value.items()}
        case _:
            return value


def strip_segment(text: str) -> str:
    """Return `text` with every control deleted, line breaks and tabs too: for one piece of one screen line.

    The deleted characters are zero cells wide, so a Textual `LineFilter` may do this after layout (facts/textual §3.6).
    """
    return text if text.isprintable() else text.translate(_SEGMENT)


# Letters that Unicode does not decompose though readers think of them as an accented or joined plain letter.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ħ": "h", "ŧ": "t", "ŋ": "n"}
    | dict.fromkeys("’‘ʼ`´", "'")
)
_INVISIBLE = frozenset("\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")


def fold(text: str) -> str:
    """Return `text` for comparing and searching: no case, no accents, compatibility forms and odd blanks made plain.

    Müller, MULLER and the spelling with a separate accent are one; ß is ss, ø is o. Vowel signs of Indic, Thai and Lao
    scripts are letters to their readers and stay. Folding a folded text changes nothing. The store keeps folded columns
    so that SQLite and PostgreSQL answer alike (spec AH24).
    """
    if text.isascii():
        return text.lower()
    return _fold_short(text) if len(text) <= 80 else _fold(text)


def _fold(text: str) -> str:
    previous = ""
    # Twice at most: case folding can bring out characters that decompose once more (as in U+1E9E or U+0345).
    while text != previous:
        previous = text
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        kept = "".join(char for char in decomposed if not _is_accent(char) and char not in _INVISIBLE)
        text = unicodedata.normalize("NFC", kept.translate(_PLAIN))
    return text


# Names repeat; whole notes do not and would only fill the memory.
_fold_short = lru_cache(maxsize=8192)(_fold)


def _is_accent(char: str) -> bool:
    """Accents have combining class 200 and up, Hebrew and Arabic points 10 to 36; classes between are vowel signs."""
    combining = unicodedata.combining(char)
    return combining >= 200 or 10 <= combining <= 36


_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Return `text` as lower-case ASCII words joined by `-` ("Field Sales" → "field-sales"); other scripts are spelled
    out.

    Returns an empty string when nothing in `text` can be spelled.
    """
    folded = fold(text)
    if not folded.isascii():
        from anyascii import anyascii

        folded = anyascii(folded).lower()
    return _NOT_SLUG.sub("-", folded).strip("-")


def shorten(text: str, width: int) -> str:
    """Return `text` cut to at most `width` terminal cells, its end replaced by `…` when something was cut.

    A wide character (CJK, emoji) that would straddle the edge is left out whole; zero-width marks stay with their
    letter.
    """
    if width <= 0:
        return ""
    if text.isascii() and text.isprintable():
        return text if len(text) <= width else text[: width - 1] + "…"
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    # The longest prefix that leaves one cell for the ellipsis: prefix widths never fall, so halving finds it.
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if cell_len(text[:middle]) <= width - 1:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…"
