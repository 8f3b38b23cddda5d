"""User names and passwords for the router: what is allowed, what to suggest, what to generate. Pure functions.

The limits are ours, inside what PAP/CHAP (one length byte), RADIUS (name 253, password 128) and old clients take;
the look-alikes of numbers and booleans are refused because API clients cast them (facts/mikrotik §0.3,
"Characters and lengths").
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Container

from leadtui.errors import Invalid

USERNAME_MAX = 63
PASSWORD_MIN = 4
PASSWORD_MAX = 63
SUGGESTED_MAX = 32
READABLE_ALPHABET = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ2346789"
"""Letters and digits that stay apart on paper and on the telephone: without 0 O o, 1 l I i, 5 S, and B (8)."""

_ALLOWED = re.compile(r"[A-Za-z0-9._@-]+")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._@+/:&()-]*[A-Za-z0-9._@+/:&()-])?")
_NOT_SUGGESTED = re.compile(r"[^a-z0-9]+")
_LOOKS_BOOLEAN = frozenset({"yes", "no", "true", "false"})
_FALLBACK = "user"


def _check(value: str, *, field: str, what: str, shortest: int, longest: int) -> str:
    if len(value) < shortest:
        needs = "cannot be empty" if shortest == 1 else f"needs at least {shortest} characters"
        raise Invalid(f"The {what} {needs}.", field=field, hint=f"{shortest} to {longest} characters")
    if len(value) > longest:
        raise Invalid(
            f"The {what} has {len(value)} characters, more than {longest}.",
            field=field,
            hint=f"at most {longest} characters",
        )
    if not _ALLOWED.fullmatch(value):
        raise Invalid(
            f"The {what} may hold only unaccented letters, digits and . _ @ -",
            field=field,
            hint="A-Z a-z 0-9 . _ @ -",
        )
    if value.isdigit():
        raise Invalid(f"The {what} cannot be digits only.", field=field, hint="add a letter")
    if value.lower() in _LOOKS_BOOLEAN:
        raise Invalid(
            f"The {what} cannot be yes, no, true or false.", field=field, hint="routers read these words as a switch"
        )
    return value


def check_username(value: str) -> str:
    """`value` itself when it can be a router user name, else `Invalid` with field `username`."""
    return _check(value, field="username", what="user name", shortest=1, longest=USERNAME_MAX)


def check_password(value: str) -> str:
    """`value` itself when it can be a router user's password, else `Invalid` with field `password`; never quotes it."""
    return _check(value, field="password", what="password", shortest=PASSWORD_MIN, longest=PASSWORD_MAX)


def check_name(value: str, *, field: str, what: str) -> str:
    """`value` itself when a profile or a queue can be called so, else `Invalid` with `field`.

    Printable ASCII that begins with a letter or a digit: `*1` would be an id, and a comma separates names.
    """
    if not value or len(value) > USERNAME_MAX:
        raise Invalid(f"The {what} needs 1 to {USERNAME_MAX} characters.", field=field)
    if not _NAME.fullmatch(value):
        raise Invalid(
            f"The {what} may hold only unaccented letters, digits, blanks and . _ @ + - / : & ( )",
            field=field,
            hint="it begins with a letter or a digit and does not end with a blank",
        )
    return value


def suggest_username(name: str, taken: Callable[[str], bool] | Container[str] = ()) -> str:
    """A free user name made from a person's name: transliterated, lower case, words joined by dots, at most 32 long.

    `taken` says what is in use already (a function or a container); a number from 2 is added then. A name that
    leaves nothing usable (empty, only signs, only digits, a boolean word) becomes or begins with `user`.
    """
    from anyascii import anyascii  # a table of all scripts: loaded only when a name is really suggested

    is_taken = taken if callable(taken) else taken.__contains__
    base = _NOT_SUGGESTED.sub(".", anyascii(name.replace("'", "").replace("’", "")).lower()).strip(".")
    if not base or base in _LOOKS_BOOLEAN or base.replace(".", "").isdigit():
        base = f"{_FALLBACK}.{base}" if base else _FALLBACK
    base = base[:SUGGESTED_MAX].rstrip(".")
    candidate, number = base, 1
    while is_taken(candidate):
        number += 1
        suffix = str(number)
        candidate = base[: SUGGESTED_MAX - len(suffix)].rstrip(".") + suffix
    return candidate


def generate_password(length: int = 10) -> str:
    """A random password from `READABLE_ALPHABET`, with at least one letter and one digit, from the system's source.

    `length` is 6 to 63; anything else is a ValueError, for it is the program that asks and not a person.
    """
    if not 6 <= length <= PASSWORD_MAX:
        raise ValueError(f"password length {length} is outside 6..{PASSWORD_MAX}")
    while True:
        password = "".join(secrets.choice(READABLE_ALPHABET) for _ in range(length))
        if any(c.isdigit() for c in password) and any(c.isalpha() for c in password):
            return password
