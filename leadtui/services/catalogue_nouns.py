"""The office's small tables as data: each noun's columns, how they are typed, and the words the command line has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leadtui.errors import UsageError
from leadtui.store import schema as t

NOUNS: tuple[str, ...] = (
    "package",
    "source",
    "status",
    "pipeline",
    "quick_log",
    "stage_action",
    "milestone",
    "trigger",
    "tag",
    "branch",
    "person",
    "team",
    "lost_reason",
)
OF_PIPELINE = frozenset({"status", "quick_log", "stage_action"})
"""Nouns whose records belong to a pipeline: `pipeline` chooses it when one is added, found or listed. A stage action
belongs to it through its status."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A small table: its columns as (typed key, column, how it is read), and whether its rows can be retired.

    The kinds of reading are those of `catalogue_values`. A column `params_json.text` is the value `text` of a JSON one.
    """

    table: Any
    label: str
    columns: tuple[tuple[str, str, str], ...]
    retires: bool = True


_NOUNS: dict[str, Noun] = {
    "package": Noun(
        t.product,
        "package",
        (
            ("name", "name", "line"),
            ("kind", "kind", "word"),
            ("monthly", "price_minor", "money"),
            ("installation", "install_minor", "money"),
            ("profile", "router_profile", "line"),
            ("speed", "speed", "line"),
            ("upload", "upload_bps", "rate"),
            ("download", "download_bps", "rate"),
            ("pool", "pool", "line"),
            ("gateway", "gateway", "address"),
            ("addressing", "addressing", "addressing"),
        ),
    ),
    "source": Noun(
        t.source,
        "source",
        (
            ("name", "name", "line"),
            ("description", "description", "line"),
            ("aliases", "aliases_json", "list"),
            ("order", "order", "int"),
            ("cost", "cost_minor", "money"),
        ),
    ),
    "status": Noun(
        t.stage,
        "status",
        (
            ("name", "name", "line"),
            ("description", "description", "line"),
            ("color", "color", "line"),
            ("order", "order", "int"),
            ("probability", "probability", "ratio"),
            ("sla_hours", "sla_hours", "int"),
            ("is_default", "is_default", "bool"),
            ("is_converted", "is_converted", "bool"),
            ("is_lost", "is_lost", "bool"),
            ("is_parked", "is_parked", "bool"),
        ),
    ),
    "pipeline": Noun(
        t.pipeline,
        "pipeline",
        (
            ("name", "name", "line"),
            ("is_default", "is_default", "bool"),
            ("require_reason_on_regress", "require_reason_on_regress", "bool"),
        ),
    ),
    "quick_log": Noun(
        t.quick_log,
        "quick log",
        (
            ("name", "name", "line"),
            ("order", "order", "int"),
            ("type", "type", "activity"),
            ("outcome", "outcome", "outcome"),
            ("subject", "subject", "line"),
            ("delay", "delay_minutes", "delay"),
            ("context", "context", "context"),
            ("next_action", "next_action", "line"),
            ("ask", "ask", "word"),
            ("status", "stage_id", "stage"),
        ),
    ),
    "stage_action": Noun(
        t.stage_action,
        "stage action",
        (
            ("name", "name", "line"),
            ("order", "order", "int"),
            ("status", "stage_id", "stage"),
            ("kind", "kind", "action"),
            ("text", "params_json.text", "line"),
            ("body", "params_json.body", "block"),
            ("delay", "params_json.delay", "delay"),
            ("context", "params_json.context", "context"),
            ("to", "params_json.to", "whom"),
            ("channel", "params_json.channel", "word"),
            ("template", "params_json.template", "line"),
        ),
    ),
    "milestone": Noun(
        t.milestone,
        "milestone",
        (
            ("name", "name", "line"),
            ("order", "order", "int"),
            ("types", "condition_json.types", "activities"),
            ("outcomes", "condition_json.outcomes", "outcomes"),
            ("not_outcomes", "condition_json.not_outcomes", "outcomes"),
            ("count", "condition_json.count", "int"),
            ("stage", "condition_json.stage", "word"),
        ),
    ),
    "trigger": Noun(
        t.trigger,
        "trigger",
        (
            ("name", "name", "line"),
            ("order", "order", "int"),
            ("event", "event", "event"),
            ("count", "condition_json.count", "int"),
            ("within", "condition_json.within_hours", "hours"),
            ("same", "condition_json.same", "word"),
            ("consecutive", "condition_json.consecutive", "int"),
            ("daily_for_days", "condition_json.daily_for_days", "int"),
            ("where", "params_json.where", "line"),
            ("cooldown", "cooldown_hours", "hours"),
            ("action", "action", "action"),
            ("text", "params_json.text", "line"),
            ("body", "params_json.body", "block"),
            ("channel", "params_json.channel", "word"),
            ("template", "params_json.template", "line"),
            ("products", "params_json.products", "bool"),
            ("to", "params_json.to", "whom"),
            ("delay", "params_json.delay", "delay"),
            ("context", "params_json.context", "context"),
            ("points", "params_json.points", "int"),
            ("drip", "params_json.drip", "line"),
            ("tag", "params_json.tag", "tag"),
        ),
    ),
    "tag": Noun(t.tag, "tag", (("name", "name", "tag"),)),
    "branch": Noun(t.branch, "branch", (("name", "name", "line"), ("organization", "organization", "line"))),
    "person": Noun(t.person, "person", (("name", "name", "line"), ("phone", "phone_e164", "phone"))),
    "team": Noun(t.team, "team", (("name", "name", "line"),), retires=False),
    "lost_reason": Noun(t.lost_reason, "lost reason", (("name", "name", "line"),)),
}

# The command line's words for the same values.
OTHER_WORDS = {
    "default": "is_default",
    "converted": "is_converted",
    "lost": "is_lost",
    "parked": "is_parked",
    "alias": "aliases",
    "require_reason": "require_reason_on_regress",
    "sla": "sla_hours",
}


def noun_of(noun: str) -> Noun:
    """The table of a noun. Raises UsageError naming the nouns."""
    if noun not in _NOUNS:
        raise UsageError(f"there is no '{noun}' to manage", hint="one of: " + ", ".join(NOUNS))
    return _NOUNS[noun]


def fields_of(noun: str) -> tuple[str, ...]:
    """The names of the values that `add` and `edit` take for a noun."""
    return tuple(key for key, _, _ in noun_of(noun).columns) + (("pipeline",) if noun in OF_PIPELINE else ())
