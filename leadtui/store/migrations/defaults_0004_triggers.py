"""What migration 0004 gives to databases made before it, frozen as plain data: rules about behaviour.

It leaves alone what is there already.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from .defaults_0004 import pipelines

_Trigger = tuple[str, str, str, dict[str, Any], str, dict[str, Any]]

_TRIGGERS: dict[str, tuple[_Trigger, ...]] = {
    "isp": (
        ("increase_lead_score", "Opens our mails", "email_open", {"consecutive": 3}, "score", {"points": 10}),
        (
            "call_the_interested",
            "Looks at our offers",
            "page_view",
            {"count": 3, "within_hours": 24},
            "task",
            {"text": "Call {name}: looked at our offers several times within a day"},
        ),
        (
            "schedule_call_task",
            "Visits the web page daily",
            "website_visit",
            {"daily_for_days": 7},
            "task",
            {"text": "Call {name}: on our web page every day for a week"},
        ),
    ),
    "insurance": (
        ("increase_lead_score", "Opens our mails", "email_open", {"consecutive": 3}, "score", {"points": 10}),
        (
            "call_the_interested",
            "Looks at our offers",
            "page_view",
            {"count": 3, "within_hours": 24},
            "task",
            {"text": "Call {name}: looked at our offers several times within a day"},
        ),
        (
            "schedule_call_task",
            "Visits the web page daily",
            "website_visit",
            {"daily_for_days": 7},
            "task",
            {"text": "Call {name}: on our web page every day for a week"},
        ),
    ),
    "real-estate": (
        (
            "send_property_info_email",
            "Send property information",
            "property_view",
            {"count": 3, "within_hours": 24},
            "message",
            {
                "text": "The homes you looked at",
                "body": "Dear {first_name|Sir or Madam},\n"
                "\n"
                "you looked at several of our homes today. Shall we send you the "
                "plans, or show you one? Answer this mail, and we will\n"
                "call you.\n"
                "\n"
                "Stop these mails by answering STOP.",
                "channel": "email",
            },
        ),
        ("increase_lead_score", "Opens our mails", "email_open", {"consecutive": 3}, "score", {"points": 10}),
        (
            "schedule_call_task",
            "Visits the web page daily",
            "website_visit",
            {"daily_for_days": 7},
            "task",
            {"text": "Call {name}: on our web page every day for a week"},
        ),
        (
            "send_matching_properties",
            "Searches for the same again and again",
            "search_performed",
            {"count": 5, "same": "criteria"},
            "message",
            {
                "text": "Homes that fit what you search",
                "body": "Dear {first_name|Sir or Madam},\n"
                "\n"
                "these may be what you are looking for. Answer this mail, and we "
                "will show you what you like.\n"
                "\n"
                "Stop these mails by answering STOP.",
                "channel": "email",
                "products": True,
            },
        ),
    ),
    "estate": (
        ("increase_lead_score", "Opens our mails", "email_open", {"consecutive": 3}, "score", {"points": 10}),
        (
            "call_the_interested",
            "Looks at properties",
            "property_view",
            {"count": 3, "within_hours": 24},
            "task",
            {"text": "Call {name}: looked at our offers several times within a day"},
        ),
        (
            "schedule_call_task",
            "Visits the web page daily",
            "website_visit",
            {"daily_for_days": 7},
            "task",
            {"text": "Call {name}: on our web page every day for a week"},
        ),
    ),
    "travel": (
        ("increase_lead_score", "Opens our mails", "email_open", {"consecutive": 3}, "score", {"points": 10}),
        (
            "call_the_interested",
            "Looks at our offers",
            "page_view",
            {"count": 3, "within_hours": 24},
            "task",
            {"text": "Call {name}: looked at our offers several times within a day"},
        ),
        (
            "schedule_call_task",
            "Visits the web page daily",
            "website_visit",
            {"daily_for_days": 7},
            "task",
            {"text": "Call {name}: on our web page every day for a week"},
        ),
    ),
}
"""By the pipeline's key: key, name, event, condition, action, what the action needs."""


def triggers(conn: sa.Connection) -> None:
    """The rules about what leads do (spec §S)."""
    names = ("id", "order", "key", "name", "event", "action", "cooldown_hours", "is_active")
    jsons = tuple(sa.column(name, sa.JSON()) for name in ("condition_json", "params_json"))
    trigger = sa.table("trigger", *(sa.column(name) for name in names), *jsons)
    known = set(conn.execute(sa.select(trigger.c.key)).scalars())
    order = conn.execute(sa.select(sa.func.coalesce(sa.func.max(trigger.c.order), 0))).scalar_one()
    for pipeline in pipelines(conn):
        for key, name, event, condition, action, params in _TRIGGERS.get(pipeline, ()):
            if key in known:
                continue
            known.add(key)
            order += 1
            conn.execute(
                sa.insert(trigger).values(
                    order=order, key=key, name=name, event=event, condition_json=condition, action=action,
                    params_json=params, cooldown_hours=24, is_active=True,
                )
            )  # fmt: skip
