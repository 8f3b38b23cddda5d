"""What migration 0005 gives to databases made before it, frozen as plain data: the rules of scores.

A rule as (name, group, points, condition, counted field, cap, first match of its group).
"""

from __future__ import annotations

import sqlalchemy as sa

_Rule = tuple[str, str, int, str | None, str | None, int | None, bool]

_RULES: dict[str, tuple[_Rule, ...]] = {
    "isp": (
        ("Wants a package", "interest", 15, "package:*", None, None, False),
        ("Has another provider", "interest", 10, "current_isp:*", None, None, False),
        ("Said why", "interest", 10, "reason:*", None, None, False),
        ("Fee agreed", "money", 25, "installation_fee:* or monthly_fee:*", None, None, False),
        ("Site survey scheduled", "progress", 25, "reached:site_survey_scheduled", None, None, False),
        ("Has a router", "interest", 5, "has_router:yes", None, None, False),
        (
            "Answered the last call",
            "engagement",
            10,
            "last_call:positive,neutral,negative,follow_up",
            None,
            None,
            False,
        ),
        (
            "Brought by a caretaker or a referral",
            "origin",
            10,
            "source:caretaker_house_manager,referral",
            None,
            None,
            False,
        ),
    ),
    "insurance": (
        ("Says what to insure", "interest", 15, "product_interest:*", None, None, False),
        ("Age 25 to 60", "demographics", 10, "age:25..60", None, None, False),
        ("Employed", "demographics", 10, "employment_status:employed*", None, None, False),
        ("Gave a mail address", "contact", 5, "email:*", None, None, False),
        ("Answered the last call", "engagement", 15, "last_call:positive,neutral,follow_up", None, None, False),
        ("Refused in the last call", "engagement", -10, "last_call:negative", None, None, False),
        ("Named a budget", "money", 10, "budget:*", None, None, False),
        ("Qualified", "progress", 20, "reached:qualified", None, None, False),
        ("Referred by somebody", "origin", 15, "source:referral or brought_in_by:*", None, None, False),
        ("Page views", "behavior", 1, None, "page_views", 10, False),
        ("Links in mails followed", "behavior", 3, None, "email_clicks", 15, False),
    ),
    "real-estate": (
        ("In a service area", "demographics", 15, "is:served", None, None, False),
        ("Age 25 to 45", "demographics", 10, "age:25..45", None, None, False),
        ("Employed", "demographics", 10, "employment_status:employed*", None, None, False),
        ("Page views", "behavior", 2, None, "page_views", 20, False),
        ("Property views", "behavior", 3, None, "property_views", None, False),
        ("Searches", "behavior", 2, None, "searches", None, False),
        ("Mails opened", "behavior", 1, None, "email_opens", None, False),
        ("Links in mails followed", "behavior", 3, None, "email_clicks", None, False),
        ("Social media", "behavior", 2, None, "social", None, False),
        ("Answers within an hour", "engagement", 15, "avg_response_min:<60", None, None, True),
        ("Answers within four hours", "engagement", 10, "avg_response_min:<240", None, None, True),
        ("Answers within a day", "engagement", 5, "avg_response_min:<1440", None, None, True),
        ("Communications", "engagement", 1, None, "communications", 10, False),
        ("Has an appointment", "engagement", 20, "has_appointment:yes", None, None, False),
        ("Buys at once", "timeline", 25, "timeline:immediate", None, None, True),
        ("Buys within 3 months", "timeline", 20, "timeline:3_months", None, None, True),
        ("Buys within 6 months", "timeline", 15, "timeline:6_months", None, None, True),
        ("Buys within a year", "timeline", 10, "timeline:1_year", None, None, True),
        ("Buys later, or did not say", "timeline", 5, None, None, None, True),
        ("Credit approved", "financial", 25, "pre_approved:yes", None, None, True),
        ("Credit being approved", "financial", 15, "pre_approval_in_progress:yes", None, None, True),
        ("Budget from 200,000", "financial", 10, "budget:>=200000", None, None, False),
        ("Down payment ready", "financial", 15, "down_payment_ready:yes", None, None, False),
    ),
    "estate": (
        ("In a service area", "demographics", 10, "is:served", None, None, False),
        ("Says what kind of place", "interest", 10, "property_type:*", None, None, False),
        ("Named a budget", "money", 15, "budget:*", None, None, False),
        ("Credit approved", "money", 20, "pre_approved:yes", None, None, True),
        ("Credit being approved", "money", 10, "pre_approval_in_progress:yes", None, None, True),
        ("Down payment ready", "money", 10, "down_payment_ready:yes", None, None, False),
        ("Buys at once", "timeline", 20, "timeline:immediate", None, None, True),
        ("Buys within 3 months", "timeline", 15, "timeline:3_months", None, None, True),
        ("Buys within 6 months", "timeline", 10, "timeline:6_months", None, None, True),
        ("Has an appointment", "engagement", 15, "has_appointment:yes", None, None, False),
        ("Answered the last call", "engagement", 10, "last_call:positive,neutral,follow_up", None, None, False),
        ("Refused in the last call", "engagement", -10, "last_call:negative", None, None, False),
        ("Property views", "behavior", 2, None, "property_views", 20, False),
        (
            "Referred by somebody",
            "origin",
            10,
            "source:referrals,partner_referrals or brought_in_by:*",
            None,
            None,
            False,
        ),
    ),
    "travel": (
        ("Passport given", "papers", 20, "passport:*", None, None, False),
        ("National id given", "papers", 10, "national_id:*", None, None, False),
        ("Says where to", "interest", 15, "product_interest:*", None, None, False),
        ("Named a budget", "money", 10, "budget:*", None, None, False),
        ("Promised to pay", "progress", 25, "reached:loan_promised", None, None, False),
        ("Answered the last call", "engagement", 15, "last_call:positive,neutral,follow_up", None, None, False),
        ("Refused in the last call", "engagement", -10, "last_call:negative", None, None, False),
        ("Came in or was referred", "origin", 10, "source:walk_in,referral or brought_in_by:*", None, None, False),
        ("Links in mails followed", "behavior", 3, None, "email_clicks", 15, False),
    ),
}
"""By the key of the pipeline."""


def scoring_rules(conn: sa.Connection) -> None:
    """The rules of the pipelines there are."""
    pipeline = sa.table("pipeline", sa.column("id"), sa.column("key"))
    table = sa.table(
        "scoring_rule",
        *map(
            sa.column,
            (
                "pipeline_id",
                "key",
                "name",
                "group",
                "mode",
                "condition",
                "field",
                "points",
                "cap",
                "order",
                "is_active",
            ),
        ),
    )
    rows = [
        {
            "pipeline_id": pipeline_id, "key": _key(name), "name": name, "group": group,
            "mode": "per_unit" if per else "first_match" if first else "flat", "condition": when, "field": per,
            "points": points, "cap": cap, "order": order, "is_active": True,
        }
        for pipeline_id, key in conn.execute(sa.select(pipeline.c.id, pipeline.c.key).order_by(pipeline.c.id)).all()
        for order, (name, group, points, when, per, cap, first) in enumerate(_RULES.get(key, ()), 1)
    ]  # fmt: skip
    if rows:
        conn.execute(sa.insert(table), rows)


def _key(name: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
