"""Campaigns, their recipients and their rehearsal as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leadtui.cli.output import pairs, table
from leadtui.domain.message_states import mark
from leadtui.domain.money import format_money

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.domain.campaigns import CampaignRow, RecipientRow
    from leadtui.services.rehearsal import Rehearsal


def campaigns_text(rows: Sequence[CampaignRow], view: View) -> str:
    """Campaigns under each other."""
    if not rows:
        return "no campaigns"
    return table(
        ("id", "name", "status", "channel", "sent", "of", "failed", "unknown", "when"),
        [
            (r.id, r.name, r.status, r.channel, f"{r.counters.sent:,}", f"{r.counters.total:,}",
             f"{r.counters.failed:,}", f"{r.counters.unknown:,}", view.local(r.started_at or r.scheduled_at))
            for r in rows
        ],
        right=[0, 4, 5, 6, 7],
    )  # fmt: skip


def campaign_line(row: CampaignRow) -> str:
    """A campaign on one line, as every act on it answers."""
    counted = row.counters
    parts = [f"{row.id}  {row.name}", row.status, row.channel]
    if counted.total or counted.skipped:
        parts.append(f"{counted.sent:,} of {counted.total:,} sent")
    parts += [f"{count:,} {word}" for word, count in (
        ("failed", counted.failed), ("unknown", counted.unknown), ("skipped", counted.skipped)
    ) if count]  # fmt: skip
    return "  ".join(part for part in (*parts, row.why_paused) if part)


def campaign_text(row: CampaignRow, view: View) -> str:
    """Everything about one campaign."""
    counted, rates = row.counters, row.rates
    rate = f"{row.per_minute:,} a minute" + (f", {row.daily_unique:,} leads a day" if row.daily_unique else "")
    retries = f"up to {row.max_retries} times" if row.auto_retry and row.max_retries else "never by itself"
    quiet = "as the office" if row.quiet_hours is None else row.quiet_hours or "never"
    return pairs((
        ("id", row.id), ("name", row.name), ("description", row.description),
        ("status", f"{row.mark} {row.status}"), ("", row.why_paused), ("channel", row.channel),
        ("to", row.where or "every active lead"), ("subject", row.subject), ("text", row.template),
        ("file", row.attachment_name), ("written to", row.out), ("rate", rate), ("tried again", retries),
        ("quiet hours", quiet), ("scheduled", view.local(row.scheduled_at)), ("begun", view.local(row.started_at)),
        ("done", view.local(row.completed_at)), ("last one at", view.local(row.eta)),
        ("leads", f"{counted.total:,}" + (f", {counted.skipped:,} left out" if counted.skipped else "")),
        ("sent", f"{counted.sent:,}"), ("delivered", f"{counted.delivered:,}"), ("read", f"{counted.read:,}"),
        ("failed", f"{counted.failed:,}"), ("waiting", f"{counted.pending:,}"), ("unknown", f"{counted.unknown:,}"),
        ("success", rates.success.words), ("delivery", rates.delivery.words), ("read rate", rates.read.words),
        ("failure", rates.failure.words), ("by", row.created_by),
    ))  # fmt: skip


def recipients_text(rows: Sequence[RecipientRow], view: View) -> str:
    """Recipients under each other."""
    if not rows:
        return "no recipients"
    return table(
        ("lead", "name", "address", "", "status", "sent", "delivered", "read", "tries", "why"),
        [
            (r.lead_number, r.lead_name, r.address or r.phone, mark(r.status)[0], mark(r.status)[1],
             view.local(r.sent_at), view.local(r.delivered_at), view.local(r.read_at), r.retry_count or "", r.error)
            for r in rows
        ],
        right=[8],
        whole=[0],
    )  # fmt: skip


def rehearsal_text(told: Rehearsal, view: View) -> str:
    """What would happen, for reading."""
    from leadtui.services.consent import words

    cost = "not known" if told.cost_minor is None else f"{format_money(told.cost_minor, view.currency)} {view.currency}"
    lines = [pairs((
        ("campaign", told.name), ("channel", told.channel),
        ("goes to", f"{told.to_send:,} of {told.found:,} leads"),
        *((f"  {count:,}", words(code)) for code, count in told.by_reason.items()),
        ("lacking", ", ".join(f"{{{key}}} {count:,}" for key, count in told.missing.items())),
        ("rate", f"{told.per_minute:,} a minute"), ("a day", f"{told.daily_unique:,}" if told.daily_unique else ""),
        ("quiet hours", told.quiet_hours or "none"), ("from", view.local(told.begins_at)),
        ("until", view.local(told.ends_at)), ("cost", cost), ("longest", told.longest.words if told.longest else ""),
    ))]  # fmt: skip
    for one in told.samples:
        head = "  ".join(part for part in (one.lead_number, one.lead_name, one.address) if part)
        lines.append(f"\n{head}\n" + "\n".join(part for part in (one.subject, one.text) if part))
    lines += [f"\nmind: {one}" for one in told.warnings]
    lines += [f"\nit would not start: {one}" for one in told.problems]
    return "\n".join(lines)
