"""What migration 0003 gives to databases made before it, frozen as plain data: SLA hours, stage actions, milestones.

One function per part; each leaves alone what is there already.
"""

from __future__ import annotations

import sqlalchemy as sa

_SLA_HOURS: dict[str, dict[str, int]] = {
    "isp": {"new": 24, "contacted": 72, "interested": 168, "site_survey_scheduled": 96},
    "insurance": {"new_lead": 24, "contacted": 72, "qualified": 168},
    "real-estate": {
        "new_lead": 24,
        "qualified": 72,
        "appointment_set": 120,
        "property_shown": 96,
        "offer_prepared": 120,
        "under_contract": 1440,
    },
    "estate": {"new": 24, "contacted": 72, "qualified": 168, "negotiation": 240},
    "travel": {"new": 24, "follow_up": 96, "loan_promised": 336},
}
"""By the pipeline's key: hours a lead may stay in a status, by the status's key."""

_STAGE_ACTIONS: dict[str, tuple[tuple[str, str, str, dict[str, str | int]], ...]] = {
    "isp": (
        (
            "interested",
            "Quote the package",
            "message",
            {"text": "Send {name} the quotation for {package}", "channel": "whatsapp", "delay": 120},
        ),
        (
            "site_survey_scheduled",
            "Survey the site",
            "task",
            {
                "text": "Survey the site of {name} ({number})",
                "body": "Signal, power, cable way, place of the router; note what was found.",
                "to": "technician",
            },
        ),
        (
            "site_survey_scheduled",
            "Confirm the survey",
            "message",
            {
                "text": "Confirm the survey with {name}",
                "body": "Hello {name}, our technician will visit you for the site survey.",
                "channel": "whatsapp",
            },
        ),
        ("converted", "Ask how the service is", "follow_up", {"text": "Ask {name} how the service is", "delay": 10080}),
        (
            "future_prospect",
            "Look again",
            "follow_up",
            {"text": "Ask {name} whether anything has changed", "delay": 43200},
        ),
    ),
    "insurance": (
        ("qualified", "Prepare the quotation", "task", {"text": "Prepare the quotation for {name}"}),
        (
            "qualified",
            "Send the product information",
            "message",
            {"text": "Send {name} the product information", "channel": "email"},
        ),
        (
            "converted",
            "Welcome the customer",
            "message",
            {"text": "Send {name} the welcome letter", "channel": "email"},
        ),
        ("converted", "Review of the policy", "follow_up", {"text": "Review the policy with {name}", "delay": 43200}),
    ),
    "real-estate": (
        (
            "qualified",
            "Schedule qualification call",
            "follow_up",
            {"text": "Qualification call with {name}", "context": "property_inquiry"},
        ),
        (
            "qualified",
            "Send welcome packet",
            "message",
            {"text": "Send the welcome packet to {name}", "channel": "email"},
        ),
        (
            "appointment_set",
            "Send appointment confirmation",
            "message",
            {"text": "Send {name} the appointment confirmation", "channel": "email"},
        ),
        (
            "appointment_set",
            "Create preparation tasks",
            "task",
            {"text": "Prepare the appointment with {name}: papers, keys, way there"},
        ),
        (
            "property_shown",
            "Follow-up call after 24 hours",
            "follow_up",
            {"text": "Call {name}: how was the visit?", "delay": 1440},
        ),
        (
            "property_shown",
            "Send property information",
            "message",
            {"text": "Send {name} the property information", "channel": "email"},
        ),
        (
            "offer_prepared",
            "Notify lender",
            "message",
            {"text": "Notify the lender of the offer for {name}", "channel": "email"},
        ),
        ("offer_prepared", "Prepare contract documents", "task", {"text": "Prepare the contract documents for {name}"}),
        ("under_contract", "Create transaction record", "task", {"text": "Create the transaction record for {name}"}),
        ("under_contract", "Schedule inspections", "task", {"text": "Schedule the inspections for {name}"}),
        (
            "closed",
            "Closing congratulations",
            "message",
            {"text": "Congratulate {name} on the closing", "channel": "email"},
        ),
        (
            "closed",
            "Schedule post-closing follow-up",
            "follow_up",
            {"text": "Ask {name} how the move went", "delay": 20160},
        ),
        (
            "closed",
            "Request review",
            "message",
            {"text": "Ask {name} for a review", "channel": "email", "delay": 10080},
        ),
    ),
    "estate": (
        ("qualified", "Choose units to show", "task", {"text": "Choose the units to show to {name}"}),
        ("negotiation", "Prepare the terms", "task", {"text": "Prepare the terms for {name}"}),
        (
            "converted",
            "Welcome the customer",
            "message",
            {"text": "Send {name} the welcome letter", "channel": "email"},
        ),
        ("converted", "Ask how the move went", "follow_up", {"text": "Ask {name} how the move went", "delay": 20160}),
    ),
    "travel": (
        ("follow_up", "Send the offer", "message", {"text": "Send {name} the offer", "channel": "whatsapp"}),
        (
            "loan_promised",
            "Remind of the promise",
            "follow_up",
            {"text": "Remind {name} of the promise", "delay": 4320},
        ),
        (
            "converted",
            "Send the travel papers",
            "message",
            {"text": "Send {name} the travel papers", "channel": "whatsapp"},
        ),
    ),
}
"""By the pipeline's key: the status's key, name, kind, parameters."""

_MILESTONES: tuple[tuple[str, str, dict[str, object]], ...] = (
    (
        "first_contact",
        "First contact",
        {"types": ["call", "email", "meeting", "site_visit", "whatsapp", "sms"], "not_outcomes": ["no_answer"]},
    ),
    ("first_visit", "First visit", {"types": ["site_visit"]}),
    ("first_quote", "First quotation", {"types": ["quotation"]}),
    ("converted", "Converted", {"stage": "converted"}),
    (
        "5_touchpoints",
        "5 touchpoints",
        {"types": ["call", "email", "meeting", "site_visit", "whatsapp", "sms"], "count": 5},
    ),
)
"""Key, name, condition."""


def sla_hours(conn: sa.Connection) -> None:
    """How long a lead may stay in a status, where nobody has said so."""
    for pipeline_id, key in _pipelines(conn):
        stage = sa.table("stage", *(sa.column(name) for name in ("pipeline_id", "key", "sla_hours")))
        mine = (stage.c.pipeline_id == pipeline_id, stage.c.sla_hours.is_(None))
        for stage_key, hours in _SLA_HOURS.get(key, {}).items():
            conn.execute(sa.update(stage).where(*mine, stage.c.key == stage_key).values(sla_hours=hours))


def stage_actions(conn: sa.Connection) -> None:
    """What happens by itself when a lead gets to a status (spec §T)."""
    stage = sa.table("stage", *(sa.column(name) for name in ("id", "pipeline_id", "key")))
    action = sa.table(
        "stage_action",
        *(sa.column(name) for name in ("stage_id", "order", "name", "kind", "is_active")),
        sa.column("params_json", sa.JSON()),
    )
    for pipeline_id, key in _pipelines(conn):
        found = conn.execute(sa.select(stage.c.key, stage.c.id).where(stage.c.pipeline_id == pipeline_id))
        stages = {r.key: r.id for r in found}
        for order, (stage_key, name, kind, params) in enumerate(_STAGE_ACTIONS.get(key, ()), 1):
            if stage_key in stages:
                values = {"order": order, "name": name, "kind": kind, "params_json": params, "is_active": True}
                conn.execute(sa.insert(action).values(stage_id=stages[stage_key], **values))


def milestones(conn: sa.Connection) -> None:
    """What is noted when a lead reaches it; a new database gets its own."""
    milestone = sa.table(
        "milestone",
        *(sa.column(name) for name in ("key", "name", "order", "is_active")),
        sa.column("condition_json", sa.JSON()),
    )
    if not _pipelines(conn):
        return
    for order, (key, name, condition) in enumerate(_MILESTONES, 1):
        values = {"key": key, "name": name, "order": order, "condition_json": condition, "is_active": True}
        conn.execute(sa.insert(milestone).values(**values))


def _pipelines(conn: sa.Connection) -> list[tuple[int, str]]:
    pipeline = sa.table("pipeline", sa.column("id"), sa.column("key"))
    return [(r.id, r.key) for r in conn.execute(sa.select(pipeline.c.id, pipeline.c.key))]
