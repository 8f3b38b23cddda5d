"""A text that must not be seen: passwords and tokens on their way from the store to the wire."""

from __future__ import annotations

import hmac
from typing import Never, Self


class Secret:
    """A text that never shows itself: `repr`, `str`, formatting, `asdict` and pickling hide it, `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Call it only where it goes onto the wire or before the eyes of who asked for it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('•••')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash(self._value)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> Never:
        raise TypeError("a Secret is not pickled")
