"""The plan of a conversion as lines to be read: what is made, changed and left as it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .addresses import show_rate
from .catalog import Pipeline, Stage
from .conversion import PlanStep, RowState, steps_of_people

HIDDEN = "•••"


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the store's part of the plan is made of: all names as a person knows them."""

    pipeline: Pipeline
    stage: Stage
    target: Stage
    customer_type: str
    linked_customer: str | None = None
    documents: int = 0
    router: str | None = None
    bookings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a thing on a router: what it is now (None: the thing is not there) and what it will be."""

    name: str
    before: str | None
    after: str


def store_rows(facts: PlanFacts) -> list[PlanStep]:
    """What becomes of the customer."""
    documents = f"{facts.documents} document{'' if facts.documents == 1 else 's'} copied" if facts.documents else ""
    if facts.linked_customer:
        return [PlanStep("store", f"link to customer {facts.linked_customer}", documents, sign="~")]
    if "customer" in facts.pipeline.conversion_steps:
        return [PlanStep("store", f"customer, {facts.customer_type}, from this lead", documents, sign="+")]
    return []


def lead_rows(facts: PlanFacts) -> list[PlanStep]:
    """What becomes of the lead, and what is left to people."""
    locked = ", locked" if facts.target.is_locked else ""
    later = "a router user can be made later only by reopening" if facts.router is None and locked else ""
    becomes = f"{facts.stage.mark} {facts.stage.name} → {facts.target.mark} {facts.target.name}{locked}"
    rows = [PlanStep("lead", becomes, later, sign="~")]
    if facts.bookings:
        noun = "booking" if len(facts.bookings) == 1 else "bookings"
        rows.append(PlanStep("lead", f"link {noun} {', '.join(facts.bookings)}", sign="~"))
    tasks = steps_of_people(facts.pipeline.conversion_steps, has_booking=bool(facts.bookings)).values()
    return [*rows, *(PlanStep("you", words, "becomes a task, due today", "warn", "+") for words in tasks)]


def thing_rows(
    where: str, thing: str, properties: Sequence[Property], *, note: str = "", state: RowState = "will"
) -> list[PlanStep]:
    """A thing on a router as a diff: one line when it is new, else one for each property that changes."""
    if all(p.before is None for p in properties):
        told = ", ".join(f"{p.name} {p.after}" for p in properties)
        return [PlanStep(where, thing, ", ".join(part for part in (told, note) if part), state, "+")]
    changed = [p for p in properties if p.before != p.after]
    same = [p for p in properties if p.before == p.after]
    rows = [PlanStep(where, thing, note, state, "~" if changed else "=")]
    rows += [PlanStep(where, f"  {p.name}", f"{p.before} → {p.after}", "will", "~") for p in changed]
    if same:
        told = ", ".join(f"{p.name} {p.after}" for p in same)
        rows.append(PlanStep(where, "  unchanged", told, "will", "="))
    return rows


def rates_words(rates: tuple[int, int]) -> str:
    """The limits of a queue, the customer's upload first."""
    return f"{show_rate(rates[0])} up, {show_rate(rates[1])} down"
