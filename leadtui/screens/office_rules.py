"""The fields of what happens by itself, on the office screen: stage actions, triggers, milestones. Data, no screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from leadtui.domain.milestones import STAGE_WORDS
from leadtui.domain.stage_actions import PLACEHOLDERS, TO_WORDS
from leadtui.domain.triggers import EVENTS
from leadtui.widgets.form import FieldSpec, FieldState

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog

KINDS = (
    ("task", "a task"), ("follow_up", "a follow-up"), ("notify", "people are told"),
    ("message", "a message to the lead"),
)  # fmt: skip
ACTION_NOTE = "Texts may hold " + " ".join(f"{{{name}}}" for name in PLACEHOLDERS) + "."
TRIGGER_KINDS = (
    ("message", "a message to the lead"), ("task", "a task"), ("score", "points of the score"),
    ("enroll", "the lead goes into a drip"), ("notify", "people are told"), ("tag", "the lead gets a tag"),
)  # fmt: skip
TRIGGER_NOTE = "When leads behave in a way. x: what it did, and the leads it leaves alone."
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
        FieldSpec("channel", "Sent by", help="of a message: whatsapp, email, sms", max_length=40),
        FieldSpec("template", "Template", help="what a message says, instead of the text below", max_length=100),
        FieldSpec("order", "Place"),
        FieldSpec("body", "Details", "block", max_length=2000),
    )


def stage_action_rules(values: Mapping[str, str]) -> dict[str, FieldState]:
    """What belongs to what it makes: only a message has a channel and a template."""
    is_message = values.get("kind") == "message"
    return {"channel": FieldState(False, is_message), "template": FieldState(False, is_message)}


def trigger_specs(catalog: Catalog, new: bool) -> tuple[FieldSpec, ...]:
    """A trigger's form: what a lead does, how often, and what is done then."""
    return (
        FieldSpec("name", "Name", required=True, max_length=100),
        FieldSpec("event", "When a lead does", required=True, max_length=40, help=", ".join(EVENTS)),
        FieldSpec("count", "So often", placeholder="1", help="or one of the two below"),
        FieldSpec("within", "Within", placeholder="24h", help="30m, 24h, 2d"),
        FieldSpec("same", "The same", max_length=40, help="counted together where this word of the event is the same"),
        FieldSpec("consecutive", "In a row", help="so often, with nothing of the contrary between"),
        FieldSpec("daily_for_days", "Daily for", help="so many days, once at least on each"),
        FieldSpec("where", "Only leads", max_length=1000, placeholder="status:interested", help="a filter"),
        FieldSpec("cooldown", "Then not for", placeholder="24h", help="for the same lead; 0h: no pause"),
        FieldSpec("action", "Makes", "choice", required=True, choices=TRIGGER_KINDS),
        FieldSpec("channel", "Sent by", help="whatsapp, email, sms", max_length=40),
        FieldSpec("template", "Template", help="what is written, instead of the text below", max_length=100),
        FieldSpec("text", "Subject", max_length=255),
        FieldSpec(
            "to", "For", placeholder="assignee", help=", ".join((*TO_WORDS[:2], "a role, a login")), max_length=50
        ),
        FieldSpec("delay", "In", placeholder="4h", help="after that, in working hours"),
        FieldSpec("context", "Or by rule", help="a context of the setting follow_up_delays", max_length=40),
        FieldSpec("points", "Points", placeholder="10", help="added to the score; -5 takes away"),
        FieldSpec("drip", "Drip", help="its key, as on the list of drips", max_length=60),
        FieldSpec("tag", "Tag", max_length=50),
        FieldSpec(
            "products", "And products", "bool", help="behind the text, what the office offers that fits the lead"
        ),
        FieldSpec("body", "Text", "block", max_length=2000, help="{first_name|there} and the other placeholders"),
        FieldSpec("order", "Place"),
    )


_OF_ACTION = {
    "message": ("channel", "template", "text", "body", "products"),
    "task": ("text", "body", "to", "delay", "context"),
    "score": ("points",),
    "enroll": ("drip",),
    "notify": ("text", "to"),
    "tag": ("tag",),
}


def trigger_rules(values: Mapping[str, str]) -> dict[str, FieldState]:
    """What belongs to what it makes."""
    mine = _OF_ACTION.get(values.get("action", ""), ())
    return {key: FieldState(False, key in mine) for keys in _OF_ACTION.values() for key in keys}


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
