"""The fields of what happens by itself, on the office screen: stage actions and milestones. Data, no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadtui.domain.milestones import STAGE_WORDS
from leadtui.domain.stage_actions import PLACEHOLDERS, TO_WORDS
from leadtui.widgets.form import FieldSpec

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog

KINDS = (
    ("task", "a task"), ("follow_up", "a follow-up"), ("notify", "people are told"),
    ("message", "a message: a task, nothing sends by itself"),
)  # fmt: skip
ACTION_NOTE = "Texts may hold " + " ".join(f"{{{name}}}" for name in PLACEHOLDERS) + "."
MILESTONE_NOTE = "Noted once, when a lead reaches it."


def stage_action_specs(catalog: Catalog, new: bool) -> tuple[FieldSpec, ...]:
    """A stage action's form."""
    pipelines = tuple((pipeline.key, pipeline.name) for pipeline in catalog.pipelines)
    first = (FieldSpec("pipeline", "Pipeline", "choice", required=True, choices=pipelines),) if new else ()
    names = dict.fromkeys(s.name for s in catalog.stages if s.is_active and not s.is_lost)
    roles = ", ".join((*TO_WORDS[:2], "a role, a login"))
    return (
        *first,
        FieldSpec("status", "Status", "choice", required=True, choices=tuple((name, name) for name in names)),
        FieldSpec("name", "Name", required=True, max_length=100),
        FieldSpec("kind", "Makes", "choice", required=True, choices=KINDS),
        FieldSpec("text", "Subject", help="else its name", max_length=255),
        FieldSpec("delay", "In", placeholder="24h", help="30m, 4h, 2d after the move, in working hours"),
        FieldSpec("context", "Or by rule", help="a context of the setting follow_up_delays", max_length=40),
        FieldSpec("to", "For", placeholder="assignee", help=roles, max_length=50),
        FieldSpec("channel", "Sent by", help="of a message: whatsapp, email", max_length=40),
        FieldSpec("order", "Place"),
        FieldSpec("body", "Details", "block", max_length=2000),
    )


def milestone_specs(catalog: Catalog, new: bool) -> tuple[FieldSpec, ...]:
    """A milestone's form."""
    means = {"converted": "a converted lead", "lost": "a lost lead", "parked": "a lead for later"}
    return (
        FieldSpec("name", "Name", required=True, max_length=100),
        FieldSpec("types", "Counts", help="call, email, meeting, site_visit, whatsapp, sms, note, quotation, document"),
        FieldSpec("count", "How many", placeholder="1"),
        FieldSpec("outcomes", "With", help="only these outcomes: positive, neutral, negative, follow_up, no_answer"),
        FieldSpec("not_outcomes", "Without", help="none of these outcomes"),
        FieldSpec("stage", "And is", "choice", choices=tuple((word, means[word]) for word in STAGE_WORDS)),
        FieldSpec("order", "Place"),
    )
