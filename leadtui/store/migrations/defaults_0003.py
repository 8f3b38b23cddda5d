"""What migration 0003 gives to databases made before it, frozen as plain data: presets change, a migration does not.

One function per part; each leaves alone what is there already.
"""

from __future__ import annotations

import sqlalchemy as sa

_QUICK_LOGS: dict[str, tuple[tuple[str | int | None, ...], ...]] = {
    "isp": (
        ("No answer", "call", "no_answer", "No answer", 240, None, "try again", None, None),
        (
            "Interested",
            "call",
            "positive",
            "Answered, interested",
            None,
            "interested",
            "call about the survey",
            None,
            "interested",
        ),
        ("Call back", "call", "follow_up", "Answered, call back", None, None, "call back", "when", "contacted"),
        ("Not interested", "call", "negative", "Not interested", None, None, None, "reason", "not_interested"),
        (
            "Visited",
            "site_visit",
            "positive",
            "Visited the site",
            None,
            "showing_followup",
            "ask for the decision",
            "note",
            None,
        ),
        (
            "WhatsApp sent",
            "whatsapp",
            "neutral",
            "WhatsApp sent",
            None,
            "message_sent",
            "look for the answer",
            None,
            "contacted",
        ),
    ),
    "insurance": (
        ("No answer", "call", "no_answer", "No answer", 240, None, "try again", None, None),
        (
            "Interested",
            "call",
            "positive",
            "Answered, interested",
            None,
            "interested",
            "send the quotation",
            None,
            "qualified",
        ),
        ("Call back", "call", "follow_up", "Answered, call back", None, None, "call back", "when", "contacted"),
        ("Not interested", "call", "negative", "Not interested", None, None, None, "reason", "lost"),
        (
            "Visited",
            "site_visit",
            "positive",
            "Visited the site",
            None,
            "showing_followup",
            "ask for the decision",
            "note",
            None,
        ),
        (
            "WhatsApp sent",
            "whatsapp",
            "neutral",
            "WhatsApp sent",
            None,
            "message_sent",
            "look for the answer",
            None,
            "contacted",
        ),
        (
            "Quotation sent",
            "quotation",
            "positive",
            "Quotation sent",
            None,
            "offer_response",
            "ask about the quotation",
            None,
            None,
        ),
    ),
    "real-estate": (
        ("No answer", "call", "no_answer", "No answer", 240, None, "try again", None, None),
        (
            "Interested",
            "call",
            "positive",
            "Answered, interested",
            None,
            "interested",
            "agree on a visit",
            None,
            "qualified",
        ),
        ("Call back", "call", "follow_up", "Answered, call back", None, None, "call back", "when", None),
        ("Not interested", "call", "negative", "Not interested", None, None, None, "reason", "lost"),
        (
            "Visited",
            "site_visit",
            "positive",
            "Visited the site",
            None,
            "showing_followup",
            "ask for the decision",
            "note",
            "property_shown",
        ),
        (
            "WhatsApp sent",
            "whatsapp",
            "neutral",
            "WhatsApp sent",
            None,
            "message_sent",
            "look for the answer",
            None,
            None,
        ),
        (
            "Offer sent",
            "quotation",
            "positive",
            "Offer sent",
            None,
            "offer_response",
            "ask about the offer",
            None,
            "offer_prepared",
        ),
    ),
    "estate": (
        ("No answer", "call", "no_answer", "No answer", 240, None, "try again", None, None),
        (
            "Interested",
            "call",
            "positive",
            "Answered, interested",
            None,
            "interested",
            "agree on a visit",
            None,
            "qualified",
        ),
        ("Call back", "call", "follow_up", "Answered, call back", None, None, "call back", "when", "contacted"),
        ("Not interested", "call", "negative", "Not interested", None, None, None, "reason", "lost"),
        (
            "Visited",
            "site_visit",
            "positive",
            "Visited the site",
            None,
            "showing_followup",
            "ask for the decision",
            "note",
            None,
        ),
        (
            "WhatsApp sent",
            "whatsapp",
            "neutral",
            "WhatsApp sent",
            None,
            "message_sent",
            "look for the answer",
            None,
            "contacted",
        ),
        (
            "Offer sent",
            "quotation",
            "positive",
            "Offer sent",
            None,
            "offer_response",
            "ask about the offer",
            None,
            "negotiation",
        ),
    ),
    "travel": (
        ("No answer", "call", "no_answer", "No answer", 240, None, "try again", None, None),
        (
            "Interested",
            "call",
            "positive",
            "Answered, interested",
            None,
            "interested",
            "send the offer",
            None,
            "follow_up",
        ),
        ("Call back", "call", "follow_up", "Answered, call back", None, None, "call back", "when", "follow_up"),
        ("Not interested", "call", "negative", "Not interested", None, None, None, "reason", "lost"),
        (
            "Visited",
            "site_visit",
            "positive",
            "Visited the site",
            None,
            "showing_followup",
            "ask for the decision",
            "note",
            None,
        ),
        (
            "WhatsApp sent",
            "whatsapp",
            "neutral",
            "WhatsApp sent",
            None,
            "message_sent",
            "look for the answer",
            None,
            "follow_up",
        ),
    ),
}
"""By the pipeline's key: name, type, outcome, subject, delay in minutes, context, next action, what is asked, stage."""


def quick_logs(conn: sa.Connection) -> None:
    """The one-key outcomes of work mode, for pipelines that have none (spec AI18)."""
    pipeline = sa.table("pipeline", sa.column("id"), sa.column("key"))
    stage = sa.table("stage", sa.column("id"), sa.column("pipeline_id"), sa.column("key"))
    names = ("id", "pipeline_id", "order", "name", "type", "outcome", "subject", "delay_minutes", "context",
             "next_action", "ask", "stage_id", "is_active")  # fmt: skip
    quick_log = sa.table("quick_log", *(sa.column(name) for name in names))
    for pipeline_id, key in conn.execute(sa.select(pipeline.c.id, pipeline.c.key)).all():
        has = sa.select(quick_log.c.id).where(quick_log.c.pipeline_id == pipeline_id).limit(1)
        if conn.execute(has).first():
            continue
        stages = {
            r.key: r.id
            for r in conn.execute(sa.select(stage.c.key, stage.c.id).where(stage.c.pipeline_id == pipeline_id))
        }
        for order, (*columns, stage_key) in enumerate(_QUICK_LOGS.get(key, ()), 1):
            values = dict(zip(names[3:11], columns, strict=True))
            target = stages.get(str(stage_key))
            if columns[7] == "reason" and target is None:
                continue  # this office has no such status: an outcome that asks why a lead was lost would lose nothing
            conn.execute(
                sa.insert(quick_log).values(
                    pipeline_id=pipeline_id, order=order, stage_id=target, is_active=True, **values
                )
            )
