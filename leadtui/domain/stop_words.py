"""Whether an answer means that no more messages are wanted: all of it is one of the office's words (AJ28). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from leadtui.errors import Invalid
from leadtui.text import fold

LIMIT = 40
_MOST = 50

_NO_WORD = re.compile(r"[^\w]+|_+")


def parse(text: str, *, field: str = "stop_words") -> tuple[str, ...]:
    """The words of a list `STOP, ACHA`, each once, in capitals. Raises Invalid."""
    found = dict.fromkeys(
        " ".join(word.split()).upper() for word in text.replace(";", ",").replace("\n", ",").split(",")
    )
    words = tuple(word for word in found if _plain(word))
    if not words:
        raise Invalid(
            "there must be a word by which people stop messages", field=field, hint="such as STOP, UNSUBSCRIBE"
        )
    if len(words) > _MOST or any(len(word) > LIMIT for word in words):
        raise Invalid(f"at most {_MOST} words of {LIMIT} letters", field=field)
    return words


def is_stop(text: str, words: str | Iterable[str]) -> bool:
    """Whether the whole message is one of the words, in any case, accent and punctuation: "Stop." "«stop»", " STOP !".

    A longer message is for a person: "please don't stop the router" stops nothing.
    """
    if len(text) > 4 * LIMIT:
        return False
    plain = _plain(text)
    return bool(plain) and plain in _known(words if isinstance(words, str) else ",".join(words))


@lru_cache(maxsize=8)
def _known(words: str) -> frozenset[str]:
    return frozenset(_plain(word) for word in words.split(",")) - {""}


def _plain(text: str) -> str:
    return " ".join(_NO_WORD.sub(" ", fold(text)).split())
