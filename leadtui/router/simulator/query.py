"""Print queries: `?name=v`, `?name`, `?-name`, `?<name=v`, `?>name=v` and the stack operations `?#…`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


class QueryError(ValueError):
    """A query word that is not one."""


def matches(row: Mapping[str, str], words: Sequence[str]) -> bool:
    """Whether `row` passes all the query `words` (with their `?`). No words: yes. No regular expressions exist."""
    stack: list[bool] = []
    for word in words:
        body = word[1:]
        if body.startswith("#"):
            _operate(stack, body[1:])
        else:
            stack.append(_test(row, body))
    return all(stack)


def _test(row: Mapping[str, str], body: str) -> bool:
    if body.startswith("-") and "=" not in body:
        return body[1:] not in row
    operator = body[0] if body[:1] in ("<", ">", "=") else ""
    name, equals, value = body[len(operator) :].partition("=")
    if not name:
        raise QueryError(body)
    if not equals:
        return name in row
    if name not in row:
        return False
    if operator in ("", "="):
        return row[name] == value
    return _compare(row[name], value) == (1 if operator == ">" else -1)


def _compare(left: str, right: str) -> int:
    if left.isdecimal() and right.isdecimal():
        low, high = int(left), int(right)
        return (low > high) - (low < high)
    return (left > right) - (left < right)


def _operate(stack: list[bool], operations: str) -> None:
    """Figures: an index, whose value is copied or (at the end of the word) replaces all; `!` not, `&` and, `|` or,
    `.` copy of the top.
    """
    if not re.fullmatch(r"[0-9!&|.]*", operations):
        raise QueryError(operations)
    tokens = re.findall(r"\d+|[!&|.]", operations)
    try:
        for position, token in enumerate(tokens):
            if token.isdecimal():
                value = stack[-1 - int(token)]
                if position == len(tokens) - 1:
                    stack[:] = [value]
                else:
                    stack.append(value)
            elif token == "!":  # noqa: S105 - an operator, not a password
                stack[-1] = not stack[-1]
            elif token == ".":  # noqa: S105
                if position == 0 or not tokens[position - 1].isdecimal():
                    stack.append(stack[-1])
            else:
                right, left = stack.pop(), stack.pop()
                stack.append(left and right if token == "&" else left or right)  # noqa: S105
    except IndexError:
        raise QueryError(operations) from None
