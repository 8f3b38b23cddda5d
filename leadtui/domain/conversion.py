"""What a conversion is, with no database and no router: the request's checks, its words (spec §L).

Also the words of the other things asked of routers: they share the journal and its settling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from leadtui.errors import Invalid, Refused

from .catalog import Pipeline, Stage

CUSTOMER_TYPES = ("Retail", "Corporate")
STEPS_OF_PEOPLE = {
    "booking_link": "Link the booking of the new customer",
    "transaction": "Record the transaction of the new customer",
}
"""Steps of a pipeline that nobody can do but a person: each becomes a task, never a silent success (spec AJ27)."""


def steps_of_people(steps: Sequence[str], *, has_booking: bool) -> dict[str, str]:
    """Which of a pipeline's steps become tasks, and their words; a booking that is there needs no person to link it."""
    return {
        step: STEPS_OF_PEOPLE[step]
        for step in steps
        if step in STEPS_OF_PEOPLE and not (step == "booking_link" and has_booking)
    }


SUCCESS = "Lead converted to customer successfully"
"""The words of S1 (spec §L 107)."""

JobKind = Literal["convert", "suspend", "resume", "package", "mend"]
"""What is asked of a router for a lead."""

KIND_NOUNS: Mapping[str, str] = {
    "convert": "conversion", "suspend": "suspension", "resume": "resumption", "package": "change of package",
    "mend": "repair",
}  # fmt: skip
"""The kinds of jobs as nouns."""

KIND_VERBS: Mapping[str, str] = {
    "convert": "converting this lead", "suspend": "suspending this customer", "resume": "resuming this customer",
    "package": "changing this customer's package", "mend": "repairing this customer's router user",
}  # fmt: skip
"""What somebody is doing who holds a job."""

RowState = Literal["will", "ok", "warn", "bad"]
Sign = Literal["", "+", "~", "=", "-"]
"""In a plan: something new · changed · as it is · removed; nothing for what is only said."""

StepState = Literal["started", "done", "failed"]

_SEPARATORS = re.compile(r"[\s./-]+")
_PAN = re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]")
_AADHAR = re.compile(r"[0-9]{12}")
_GST = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]{3}")


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One line of a plan: where, what, what is known of it already, and what becomes of it (`sign`)."""

    where: str
    what: str
    detail: str = ""
    state: RowState = "will"
    sign: Sign = ""


@dataclass(frozen=True, slots=True)
class StepEvent:
    """Progress of something asked of a router; `text` is a short sentence.

    `key`: intent, connect, user, queue, sessions, read_back, customer (the last transaction), look.
    """

    key: str
    state: StepState
    text: str


@dataclass(frozen=True, slots=True)
class TaxIds:
    """The customer's identifiers, normalised; each may be missing."""

    pan: str | None = None
    aadhar: str | None = None
    gst: str | None = None


def customer_type(text: str | None) -> str:
    """`Retail` or `Corporate`, in any case; Retail when nothing is said. Raises Invalid."""
    wanted = (text or CUSTOMER_TYPES[0]).strip().lower()
    for name in CUSTOMER_TYPES:
        if wanted == name.lower():
            return name
    raise Invalid(f"there is no customer type '{text}'", field="type", hint="one of: Retail, Corporate")


def tax_ids(pan: str | None = None, aadhar: str | None = None, gst: str | None = None) -> TaxIds:
    """The tax identifiers in their usual spelling: capitals, no blanks. Raises Invalid naming field and format."""
    return TaxIds(
        _tax_id(pan, _PAN, "pan", "PAN", "five letters, four digits, one letter: ABCDE1234F"),
        _tax_id(aadhar, _AADHAR, "aadhar", "Aadhaar number", "12 digits"),
        _tax_id(gst, _GST, "gst", "GST number", "15 characters: 22ABCDE1234F1Z5"),
    )


def tax_warnings(ids: TaxIds) -> tuple[str, ...]:
    """What looks like a slip of the keys in well-formed identifiers: said, never refused."""
    warnings = []
    if ids.aadhar and not _is_verhoeff(ids.aadhar):
        warnings.append("the Aadhaar number's last digit does not fit the others: compare it with the card")
    if ids.gst and ids.pan and ids.gst[2:12] != ids.pan:
        warnings.append("the GST number holds another PAN than the one given")
    return tuple(warnings)


_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURN = "1576283094"
"""Verhoeff's tables: the multiplication of the dihedral group of ten elements, and what a place does to its digit."""


def _is_verhoeff(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (Verhoeff), as Aadhaar numbers have it."""
    turned, check = "0123456789", 0
    for digit in reversed(digits):
        check = int(_TIMES[check][int(turned[int(digit)])])
        turned = "".join(_TURN[int(one)] for one in turned)
    return check == 0


def _tax_id(text: str | None, pattern: re.Pattern[str], key: str, label: str, example: str) -> str | None:
    value = _SEPARATORS.sub("", text or "").upper()
    if not value:
        return None
    if not value.isascii() or not pattern.fullmatch(value):
        raise Invalid(f"this is no {label}", field=key, hint=example)
    return value


def converted_stage(pipeline: Pipeline, stages: Sequence[Stage]) -> Stage:
    """Where a converted lead of this pipeline goes: its first converted status. Raises Refused when it has none."""
    for stage in stages:
        if stage.is_converted and stage.is_active:
            return stage
    raise Refused(
        f"the pipeline {pipeline.name} has no status for converted leads",
        code="no_converted_status",
        hint="add one with: leadtui status add",
    )


def refuse_finished(number: str, stage: Stage, *, is_converted: bool, is_deleted: bool) -> None:
    """Refuses a lead that cannot be converted (spec §L 106 (1), §AB 190). Raises Refused."""
    if is_deleted:
        raise Refused(f"{number} is deleted", code="deleted", hint="restore it first")
    if is_converted or stage.is_converted:
        raise Refused("Lead already converted", code="already_converted", hint=f"{number} is a customer")
    if stage.is_lost:
        raise Refused("Lead already lost", code="already_lost", hint=f"reopen {number} first")


def refuse_router(pipeline: Pipeline) -> None:
    """Refuses a router user where the pipeline makes none (spec AG16). Raises Invalid."""
    if "router_user" not in pipeline.conversion_steps:
        raise Invalid(f"leads of {pipeline.name} get no router user", field="router", hint="convert without --router")


def success_words(*, customer: bool, username: str | None, router: str | None) -> str:
    """The two outcomes told apart (spec §AF 220), beginning with S1's words."""
    base = SUCCESS if customer else "Lead converted successfully"
    return f"{base}; router user {username} made on {router}" if username else base
