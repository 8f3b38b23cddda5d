"""Rules about customers, with no database: what is searched, the state, masked tax ids, what a form holds."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from leadtui.errors import Invalid, LeadtuiError, UsageError
from leadtui.text import fold

from . import phones
from .records import CustomerRow

ACTIVE, PARTLY, SUSPENDED = "active", "partly", "suspended"
STATES: Final = (ACTIVE, SUSPENDED, PARTLY)
"""`partly`: some of the customer's router users are suspended."""

SORTS: Final = ("name", "created_at", "id", "package", "state")
TAX_IDS: Final = ("pan", "aadhar", "gst")
EDITABLE: Final = ("name", "type", "phone", "email", *TAX_IDS, "family_group", "branch")
LABELS: Final = {
    "name": "Name", "type": "Type", "phone": "Phone", "email": "Email", "pan": "PAN", "aadhar": "Aadhaar",
    "gst": "GST", "family_group": "Family group", "branch": "Branch", "package": "Package", "state": "State",
}  # fmt: skip
MOST_DAYS: Final = 3650

_PHONE_PART = re.compile(r"[0-9+\-().\/]*[0-9][0-9+\-().\/]*")
_SEEN: Final = 4
"""Characters of a masked tax id that stay readable."""


@dataclass(frozen=True, slots=True)
class Order:
    """How the list is sorted; ties are broken by name, then id."""

    field: str = "name"
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> Order:
        """`name` or `-created_at`. Raises UsageError naming what can be sorted by."""
        word = text.lstrip("+-").strip()
        if word not in SORTS:
            hint = f"one of: {', '.join(SORTS)}"
            raise UsageError(f"customers cannot be sorted by '{word}'", field="sort", hint=hint)
        return cls(word, text.startswith("-"))


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers are wanted, as typed; None and "" ask for nothing.

    `never_online` is a number of days, -1 the office's setting. `created` is a span as filters write it.
    """

    search: str = ""
    state: str | None = None
    package: str | None = None
    router: str | None = None
    branch: str | None = None
    type: str | None = None
    group: str | None = None
    never_online: int | None = None
    created: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every customer is wanted."""
        return all(getattr(self, one.name) in (None, "") for one in fields(self))


def state_word(text: str) -> str:
    """A state as typed. Raises Invalid."""
    word = text.strip().lower()
    if word not in STATES:
        raise Invalid(f"there is no state '{text}'", field="state", hint=f"one of: {', '.join(STATES)}")
    return word


def days_of(text: str, *, field: str = "never_online") -> int:
    """A number of days as typed; nothing typed is -1, the office's setting. Raises UsageError."""
    word = text.strip()
    if not word:
        return -1
    if not (word.isascii() and word.isdecimal()) or int(word) > MOST_DAYS:
        raise UsageError(f"'{word}' is not a number of days", field=field, hint=f"0 to {MOST_DAYS:,}")
    return int(word)


def state_of(users: Collection[str], known: str = ACTIVE) -> str:
    """The state of a customer by the states of its router users; `known` where it has none."""
    if not users:
        return known
    on = sum(state == ACTIVE for state in users)
    return ACTIVE if on == len(users) else PARTLY if on else SUSPENDED


# -- search -----------------------------------------------------------------------------------------------------------
def search_text(name: str, email: str | None, phone: str | None) -> str:
    """What substring search looks at and the list by name follows: folded name, email and digits, a line each."""
    digits = phones.digits_for_search(phone, phones.national_digits(phone)) if phone else ""
    return "\n".join((fold(name)[:255], fold(email or "")[:255], digits))


def needles(search: str, region: str) -> list[list[list[str]]]:
    """What must be found: for each part of the search one of the ways, of each way every text.

    Words that look like pieces of one phone are also taken together: `0722 000 111` is a phone in the spelling of
    `region`, or three words.
    """
    parts: list[list[list[str]]] = []
    run: list[str] = []
    for word in [*search.replace("\x00", "").split(), ""]:
        if word and _PHONE_PART.fullmatch(word):
            run.append(word)
            continue
        if run:
            parts += _phone_ways(run, region)
            run = []
        if folded := fold(word).strip():
            parts.append([[folded]])
    return parts


def _phone_ways(run: Sequence[str], region: str) -> list[list[list[str]]]:
    """The ways to find pieces of a phone: a whole number as it is stored, else all of them together, else each."""
    joined = "".join(run)
    with contextlib.suppress(LeadtuiError):
        phone = phones.parse(joined, region)
        if phone.is_valid:
            return [[[phone.e164[1:]]]]
    pieces = [[phones.search_digits(word) or fold(word) for word in run]]
    digits = phones.search_digits(joined)
    return [pieces + ([[digits]] if digits and [digits] not in pieces else [])]


# -- tax ids ----------------------------------------------------------------------------------------------------------
def masked(value: str | None) -> str | None:
    """A tax id of which only the last four characters can be read. A GST number holds the PAN: it is masked too."""
    if not value:
        return value
    return "*" * max(len(value) - _SEEN, 0) + value[-_SEEN:]


def audited(values: Mapping[str, Any]) -> dict[str, Any]:
    """Column values as the audit keeps them: everybody who reads it may not read tax ids whole."""
    return {key: masked(value) if key in TAX_IDS else value for key, value in values.items()}


# -- the form ---------------------------------------------------------------------------------------------------------
def key_of(column: str) -> str:
    """What a column of a customer or router user is called to people."""
    return {"phone_e164": "phone", "product_id": "package"}.get(column, column.removesuffix("_id"))


def form_values(row: CustomerRow) -> dict[str, str]:
    """What may be edited, as the texts a form begins with; also what an edit compares with what it saw."""
    return {key: str(getattr(row, key) or "") for key in EDITABLE}


def check_keys(keys: Collection[str], hidden: Collection[str] = ()) -> None:
    """Raises Invalid for a field that a customer has not, that the role does not see, or that another act changes."""
    elsewhere = {
        "package": "change it with: leadtui customer change-package",
        "state": "change it with: leadtui customer suspend, or resume",
    }
    offered = [key for key in EDITABLE if key not in hidden]
    for key in keys:
        if key in elsewhere and key not in hidden:
            raise Invalid(f"{LABELS[key].lower()} is not edited here", field=key, hint=elsewhere[key])
        if key not in offered:
            raise Invalid(f"a customer has no field '{key}'", field=key, hint=f"one of: {', '.join(offered)}")
