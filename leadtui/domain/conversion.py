"""What a conversion is, with no database and no router: the request's checks, the plan, its words (spec §L)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from leadtui.errors import Invalid, Refused

from .catalog import Pipeline, Stage

CUSTOMER_TYPES = ("Retail", "Corporate")
STEPS_OF_PEOPLE = {
    "booking_link": "Link the booking of the new customer",
    "transaction": "Record the transaction of the new customer",
}
"""Steps of a pipeline that nobody can do but a person: each becomes a task, never a silent success (spec AJ27)."""

SUCCESS = "Lead converted to customer successfully"
"""The words of S1 (spec §L 107)."""

RowState = Literal["will", "ok", "warn", "bad"]
StepState = Literal["started", "done", "failed"]

_SEPARATORS = re.compile(r"[\s./-]+")
_PAN = re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]")
_AADHAR = re.compile(r"[0-9]{12}")
_GST = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]{3}")


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One line of the plan: where something will be made, what, and what is known of it already."""

    where: str
    what: str
    detail: str = ""
    state: RowState = "will"


@dataclass(frozen=True, slots=True)
class StepEvent:
    """Progress of a running conversion. `key`: intent, connect, user, look, customer; `text` is a short sentence."""

    key: str
    state: StepState
    text: str


@dataclass(frozen=True, slots=True)
class TaxIds:
    """The customer's identifiers, normalised; each may be missing."""

    pan: str | None = None
    aadhar: str | None = None
    gst: str | None = None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the plan is made of: all names as a person knows them."""

    number: str
    title: str
    pipeline: Pipeline
    stage: Stage
    target: Stage
    customer_type: str
    linked_customer: str | None = None
    documents: int = 0
    router: str | None = None
    service: str = "pppoe"
    username: str = ""
    profile: str = ""
    ip: str | None = None
    tag: str = ""
    extra: Sequence[str] = field(default_factory=tuple)


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


def _tax_id(text: str | None, pattern: re.Pattern[str], key: str, label: str, example: str) -> str | None:
    value = _SEPARATORS.sub("", text or "").upper()
    if not value:
        return None
    if not value.isascii() or not pattern.fullmatch(value):
        raise Invalid(f"this is not a {label}", field=key, hint=example)
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


def plan_rows(facts: PlanFacts) -> list[PlanStep]:
    """The plan as it stands before any router was asked."""
    rows = []
    documents = f"{facts.documents} document{'' if facts.documents == 1 else 's'} copied" if facts.documents else ""
    if facts.linked_customer:
        rows.append(PlanStep("store", f"link to customer {facts.linked_customer}", documents))
    elif "customer" in facts.pipeline.conversion_steps:
        rows.append(PlanStep("store", f"customer, {facts.customer_type}, from this lead", documents))
    if facts.router is not None:
        menu = "/ppp/secret" if facts.service == "pppoe" else "/ip/hotspot/user"
        address = f"address {facts.ip}" if facts.ip else "dynamic address"
        rows.append(
            PlanStep(
                facts.router, f"{menu}  + {facts.username}", f"profile {facts.profile}, {address}, comment {facts.tag}"
            )
        )
    locked = ", locked" if facts.target.is_locked else ""
    rows.append(
        PlanStep(
            "lead",
            f"{facts.stage.mark} {facts.stage.name} → {facts.target.mark} {facts.target.name}{locked}",
            "a router user can be made later only by reopening" if facts.router is None and locked else "",
        )
    )
    rows += [
        PlanStep("you", STEPS_OF_PEOPLE[step], "becomes a task", "warn")
        for step in facts.pipeline.conversion_steps
        if step in STEPS_OF_PEOPLE
    ]
    return rows


def success_words(*, customer: bool, username: str | None, router: str | None) -> str:
    """The two outcomes told apart (spec §AF 220), beginning with S1's words."""
    base = SUCCESS if customer else "Lead converted successfully"
    return f"{base}; router user {username} made on {router}" if username else base


def first_free(wanted: str, is_taken: Sequence[str] | frozenset[str] | set[str], longest: int = 32) -> str:
    """`wanted`, or it with the first number from 2 that makes it free."""
    candidate, number = wanted, 1
    while candidate in is_taken:
        number += 1
        suffix = str(number)
        candidate = wanted[: longest - len(suffix)].rstrip(".") + suffix
    return candidate
