"""The one clock: every `now` of the program is asked here, so that a test can hold it still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def _system_now() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system_now


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return _source()


def set_clock(source: Callable[[], datetime] | None) -> None:
    """Replace the clock (tests); `None` puts the system clock back."""
    global _source  # noqa: PLW0603 - the one place where the clock is held
    _source = source or _system_now
