"""One value of a filter against the kind of its field: what can be checked without a database is checked here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from leadtui.domain.filters.catalogue import (
    BOOL_WORDS,
    DATES,
    IS_WORDS,
    NEVER_MISSING,
    ORDERED,
    TEXTUAL,
    FilterField,
    listing,
    nearest,
    quoted,
)
from leadtui.domain.filters.nodes import Op
from leadtui.errors import Invalid
from leadtui.text import fold

_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,6})?|[+-]?\.\d{1,6}")
# Any moment will do to learn whether a text is a date; a Wednesday at noon in the middle of a month.
_SAMPLE_NOW = datetime(2025, 1, 15, 12, tzinfo=UTC)


class ValueRefusedError(Exception):
    """A value does not fit its field: `args` are the message and what was expected."""

    @property
    def message(self) -> str:
        """What is wrong, as a sentence without a full stop."""
        return str(self.args[0])

    @property
    def expected(self) -> str:
        """What could stand there."""
        return str(self.args[1])


def check(entry: FilterField, op: Op, value: str) -> str:
    """Return `value` as the tree carries it: a choice in its own spelling, a boolean as "true" or "false", else as
    typed.

    Raises:
        ValueRefusedError: the kind of `entry` can never take it.
    """
    kind = entry.kind
    if kind in DATES:
        _check_date(entry, op, value)
    elif kind == "number":
        if not _NUMBER.fullmatch(value):
            raise ValueRefusedError(f"{quoted(value)} is not a number", f"a number after {entry.key}")
    elif kind == "money":
        _check_money(entry, value)
    elif kind == "bool":
        if fold(value) not in BOOL_WORDS:
            raise ValueRefusedError(f"{entry.key} is yes or no, not {quoted(value)}", "yes or no")
        return BOOL_WORDS[fold(value)]
    elif kind == "is" or entry.choices is not None:
        return _choice(entry, entry.choices or IS_WORDS, value)
    return value


def check_order(entry: FilterField, low: str, high: str) -> None:
    """Refuse a range of numbers that runs backwards; of dates only the query's moment can tell.

    Raises:
        ValueRefusedError: `low` is above `high`.
    """
    both_plain = _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high)
    if entry.kind in ("number", "money") and both_plain and Decimal(low) > Decimal(high):
        raise ValueRefusedError(f"the range {low}..{high} holds nothing", "the smaller value first")


def check_op(entry: FilterField, op: Op) -> None:
    """Refuse an operator that values of this kind do not have: an order, a part to find, being missing.

    Raises:
        ValueRefusedError: `op` does not go with the kind of `entry`.
    """
    if op in ("lt", "le", "gt", "ge", "between") and entry.kind not in ORDERED:
        raise ValueRefusedError(f"{entry.key} has no order to compare by", f"{entry.key}:value")
    if op in ("contains", "starts") and entry.kind not in TEXTUAL:
        raise ValueRefusedError(f"{entry.key} cannot be searched by a part", f"{entry.key}:value")
    if op == "is_null" and entry.kind in NEVER_MISSING:
        raise ValueRefusedError(f"{entry.key} always has a value", f"{entry.key}:value")


def _check_date(entry: FilterField, op: Op, value: str) -> None:
    from leadtui.domain.dates import RANGE_HELP, parse_day_range

    try:
        start, end = parse_day_range(value, tz=UTC, now=_SAMPLE_NOW)
    except Invalid:
        raise ValueRefusedError(f"{quoted(value)} is not a date", RANGE_HELP) from None
    if start == end and op in ("eq", "ne", "in"):
        raise ValueRefusedError(
            f"{quoted(value)} is an instant, nothing happens exactly then", f"{entry.key}:>={value} or a day"
        )
    if entry.kind == "date" and end - start < timedelta(hours=1):
        raise ValueRefusedError(f"{entry.key} is a day without a time", "a day such as 2026-11-20 or today")


def _check_money(entry: FilterField, value: str) -> None:
    from leadtui.domain.money import parse_money

    if _NUMBER.fullmatch(value) and not value.startswith("-"):
        return
    try:
        parse_money(value, "KES", field=entry.key)
    except Invalid:
        raise ValueRefusedError(f"{quoted(value)} is not an amount", "an amount such as 2000 or 2500.50") from None


def _choice(entry: FilterField, choices: tuple[str, ...], value: str) -> str:
    wanted = fold(value)
    for choice in choices:
        if fold(choice) == wanted:
            return choice
    known = nearest(value, choices) or listing(choices[:12])
    raise ValueRefusedError(f"{quoted(value)} is not a value of {entry.key}", known)
