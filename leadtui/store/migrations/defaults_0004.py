"""What migration 0004 gives to databases made before it, frozen as plain data: drips, as drafts.

It leaves alone what is there already.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from leadtui.store.types import UtcDateTime

_Drip = tuple[str, str, str, str, dict[str, str], tuple[tuple[int, str, str | None, str | None, str | None], ...]]

_DRIPS: dict[str, tuple[_Drip, ...]] = {
    "isp": (
        (
            "new_lead_welcome",
            "Welcome a new lead",
            "The first word to a new lead, a call after two days, a question after five more.",
            "whatsapp",
            {"on": "created"},
            (
                (
                    0,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, thank you for asking about our internet. We will call "
                        "you to agree on a day to look at your site. Answer STOP to get no messages."
                    ),
                ),
                (2880, "task", None, "Call {name}: is a survey agreed on?", None),
                (
                    7200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, do you still want to be connected? Answer here, and we "
                        "will call you. Answer STOP to get no messages."
                    ),
                ),
            ),
        ),
        (
            "future_prospect",
            "Stay in touch",
            ("A word after a month to somebody who may want it later, a call two months after that."),
            "whatsapp",
            {"on": "status", "status": "future_prospect", "pipeline": "isp"},
            (
                (
                    43200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, is a connection of interest to you by now? Answer "
                        "here, and we will send you what we offer at your place. Answer STOP to get no "
                        "messages."
                    ),
                ),
                (86400, "task", None, "Call {name}: has anything changed?", None),
            ),
        ),
    ),
    "insurance": (
        (
            "new_lead_welcome",
            "Welcome a new lead",
            ("The first word to a new lead, a call after two days, a question after five more."),
            "whatsapp",
            {"on": "created"},
            (
                (
                    0,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, thank you for your interest. We will call you to "
                        "hear what you want to insure. Answer STOP to get no messages."
                    ),
                ),
                (2880, "task", None, "Call {name}: what is to be insured?", None),
                (
                    7200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, do you still look for an insurance? Answer here, "
                        "and we will call you. Answer STOP to get no messages."
                    ),
                ),
            ),
        ),
        (
            "future_prospect",
            "Stay in touch",
            ("A word after a month to somebody who may want it later, a call two months after that."),
            "whatsapp",
            {},
            (
                (
                    43200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, may we make you an offer for your insurance by "
                        "now? Answer here, and we will call you. Answer STOP to get no messages."
                    ),
                ),
                (86400, "task", None, "Call {name}: has anything changed?", None),
            ),
        ),
    ),
    "real-estate": (
        (
            "new_lead_welcome",
            "Welcome a new lead",
            ("The first word to a new lead, a call after two days, a question after five more."),
            "whatsapp",
            {"on": "created"},
            (
                (
                    0,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, thank you for your inquiry. We will call you "
                        "to hear what you are looking for. Answer STOP to get no messages."
                    ),
                ),
                (2880, "task", None, "Call {name}: which homes, where, and when?", None),
                (
                    7200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, are you still looking for a home? Answer here, "
                        "and we will show you what fits. Answer STOP to get no messages."
                    ),
                ),
            ),
        ),
        (
            "future_prospect",
            "Stay in touch",
            ("A word after a month to somebody who may want it later, a call two months after that."),
            "whatsapp",
            {},
            (
                (
                    43200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, are you looking again? Answer here, and we "
                        "will show you what is new. Answer STOP to get no messages."
                    ),
                ),
                (86400, "task", None, "Call {name}: has anything changed?", None),
            ),
        ),
    ),
    "estate": (
        (
            "new_lead_welcome",
            "Welcome a new lead",
            ("The first word to a new lead, a call after two days, a question after five more."),
            "whatsapp",
            {"on": "created"},
            (
                (
                    0,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, thank you for your interest in our units. We will "
                        "call you to agree on a visit. Answer STOP to get no messages."
                    ),
                ),
                (2880, "task", None, "Call {name}: is a visit agreed on?", None),
                (
                    7200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, would you still like to see the units? Answer here, "
                        "and we will agree on a day. Answer STOP to get no messages."
                    ),
                ),
            ),
        ),
        (
            "future_prospect",
            "Stay in touch",
            ("A word after a month to somebody who may want it later, a call two months after that."),
            "whatsapp",
            {},
            (
                (
                    43200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, units have become free since we spoke. Answer here, "
                        "and we will send you a list. Answer STOP to get no messages."
                    ),
                ),
                (86400, "task", None, "Call {name}: has anything changed?", None),
            ),
        ),
    ),
    "travel": (
        (
            "new_lead_welcome",
            "Welcome a new lead",
            ("The first word to a new lead, a call after two days, a question after five more."),
            "whatsapp",
            {"on": "created"},
            (
                (
                    0,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, thank you for your inquiry. We will call you about "
                        "your journey. Answer STOP to get no messages."
                    ),
                ),
                (2880, "task", None, "Call {name}: which journey, when, for how many?", None),
                (
                    7200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, do you still plan your journey? Answer here, and we "
                        "will make you an offer. Answer STOP to get no messages."
                    ),
                ),
            ),
        ),
        (
            "future_prospect",
            "Stay in touch",
            ("A word after a month to somebody who may want it later, a call two months after that."),
            "whatsapp",
            {},
            (
                (
                    43200,
                    "message",
                    "whatsapp",
                    None,
                    (
                        "Hello {first_name|there}, do you plan a journey this season? Answer here, and "
                        "we will make you an offer. Answer STOP to get no messages."
                    ),
                ),
                (86400, "task", None, "Call {name}: has anything changed?", None),
            ),
        ),
    ),
}
"""By the pipeline's key: key, name, description, channel, who comes in by itself, and of each step the delay in
minutes, the type, the channel, the subject, the text."""


def drips(conn: sa.Connection, now: datetime) -> None:
    """The drips of the presets, as drafts that a person starts (spec AI17); they belong to the user `system`."""
    user = sa.table("user", sa.column("id"), sa.column("login"))
    names = ("id", "kind", "key", "name", "description", "channel", "status", "per_minute", "auto_retry",
             "max_retries", "failure_streak", "current_version", "version", "created_by_id")  # fmt: skip
    moments = tuple(sa.column(name, UtcDateTime()) for name in ("created_at", "updated_at"))
    campaign = sa.table(
        "campaign", *(sa.column(name) for name in names), sa.column("options_json", sa.JSON()), *moments
    )
    columns = ("campaign_id", "version", "order", "delay_minutes", "type", "channel", "subject", "body")
    step = sa.table("campaign_step", *(sa.column(name) for name in columns))
    system = conn.execute(sa.select(user.c.id).where(user.c.login == "system")).scalar()
    if system is None:
        return
    known = set(conn.execute(sa.select(campaign.c.key)).scalars())
    for pipeline in pipelines(conn):
        for key, name, description, channel, enroll, steps in _DRIPS.get(pipeline, ()):
            if key in known:
                continue
            known.add(key)
            conn.execute(
                sa.insert(campaign).values(
                    kind="drip", key=key, name=name, description=description, channel=channel, status="draft",
                    per_minute=60, auto_retry=True, max_retries=3, failure_streak=0, current_version=1, version=1,
                    created_by_id=system, created_at=now, updated_at=now,
                    options_json={"enroll": enroll} if enroll else {},
                )
            )  # fmt: skip
            drip_id = conn.execute(sa.select(campaign.c.id).where(campaign.c.key == key)).scalar_one()
            rows = [dict(zip(columns, (drip_id, 1, order, *one), strict=True)) for order, one in enumerate(steps)]
            conn.execute(sa.insert(step), rows)


def pipelines(conn: sa.Connection) -> list[str]:
    """The keys of the pipelines that are here, in their order."""
    pipeline = sa.table("pipeline", sa.column("id"), sa.column("key"))
    return list(conn.execute(sa.select(pipeline.c.key).order_by(pipeline.c.id)).scalars())
