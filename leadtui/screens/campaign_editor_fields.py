"""The fields of a campaign as a form shows them: which there are on a channel, texts from a campaign and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from leadtui.domain.campaigns import CampaignRow
from leadtui.domain.templates import parse, placeholders
from leadtui.errors import Invalid
from leadtui.screens.picker import Choice
from leadtui.widgets.form import FieldSpec, FieldState

HEAD: Final = (
    FieldSpec("name", "Name", required=True, max_length=255, help="for yourselves; leads do not see it"),
    FieldSpec("channel", "Channel", "choice", required=True),
)
"""Before the audience."""
REST: Final = (
    FieldSpec("template_id", "Template", "choice", help="begin with a text you have used before"),
    FieldSpec("subject", "Subject", visible=False, max_length=255, help="places such as {name} work here, too"),
    FieldSpec("template", "Text", "block", required=True, help="^o puts in a place for a name, a package …"),
    FieldSpec("attachment", "Attachment", visible=False, help="path of a file on this machine", placeholder="none"),
    FieldSpec(
        "out", "Written to", visible=False, help="each message becomes a line of this file", placeholder="as configured"
    ),
    FieldSpec("at", "Starts", "date", help="empty: when you start it; who gets it is chosen at the start"),
    FieldSpec("per_minute", "Per minute", help="never more than so many go in any minute"),
    FieldSpec("retries", "Retries", help="of what may work later; 0: none"),
    FieldSpec(
        "quiet_hours", "Quiet hours", placeholder="as the office", help="such as 21:00-08:00; never: at any hour"
    ),
    FieldSpec("daily", "Most a day", placeholder="as the channel", help="so many different leads in 24 hours"),
    FieldSpec("description", "Note", max_length=2000, help="for yourselves"),
)
"""After it."""
KEYS: Final = frozenset(spec.key for spec in (*HEAD, *REST))
NEW: Final = {"channel": "file", "per_minute": "60", "retries": "3"}
"""What a new one begins with."""


def shown(channel: Any | None) -> dict[str, FieldState]:
    """Which fields there are on a channel (a ChannelRow; None while they are not read)."""
    caps = channel.caps if channel is not None else None
    has_out = channel is not None and channel.channel == "file"
    return {
        "subject": FieldState(visible=caps is not None and caps.has_subject),
        "attachment": FieldState(visible=caps is not None and bool(caps.media)),
        "out": FieldState(visible=has_out),
    }


def channel_choices(channels: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Those that can send first; why another cannot stands behind its name."""
    ready = sorted(channels, key=lambda one: not one.ready)
    return tuple((one.channel, one.label if one.ready else f"{one.label} (not ready)") for one in ready)


def values_of(row: CampaignRow, tz: tzinfo) -> dict[str, str]:
    """A campaign as texts for the form."""
    quiet = {None: "", "": "never"}.get(row.quiet_hours, row.quiet_hours or "")
    return {
        "name": row.name,
        "channel": row.channel,
        "template_id": str(row.template_id or ""),
        "subject": row.subject or "",
        "template": row.template,
        "attachment": row.attachment_name or "",
        "out": row.out or "",
        "at": row.scheduled_at.astimezone(tz).strftime("%Y-%m-%d %H:%M") if row.scheduled_at else "",
        "per_minute": str(row.per_minute),
        "retries": str(row.max_retries if row.auto_retry else 0),
        "quiet_hours": quiet,
        "daily": str(row.daily_unique or ""),
        "description": row.description or "",
    }


def for_service(texts: Mapping[str, str]) -> dict[str, Any]:
    """Texts of the form as the services want them: "never" is no quiet hours, 0 retries are none."""
    values: dict[str, Any] = dict(texts)
    if "quiet_hours" in values:
        typed = values["quiet_hours"].strip()
        values["quiet_hours"] = None if not typed else "" if typed.casefold() == "never" else typed
    if "retries" in values:
        values["no_retry"] = values["retries"].strip() in ("", "0")
        if values["no_retry"]:
            del values["retries"]
    return values


def criteria_words(row: CampaignRow) -> str:
    """An audience that was not given as a filter, so that it is seen."""
    if row.where or not row.criteria:
        return ""
    return f"{json.dumps(row.criteria, ensure_ascii=False)} (a filter typed here replaces it)"


def template_problem(text: str, hidden: frozenset[str], field: str = "template") -> tuple[str, str]:
    """What is wrong with a text: the part of its line with a ^ below it, and words; two empty texts when nothing is."""
    try:
        parse(text, hidden=hidden, field=field)
    except Invalid as error:
        words = error.message.partition(": ")[2] or error.message
        guess = "perhaps " if error.code == "unknown_placeholder" and " " not in (error.hint or " ") else ""
        hint = f" — {guess}{error.hint}" if error.hint else ""
        data = error.data
        if "line" not in data:
            return "", f"{error.message}{hint}"
        line, column = int(data["line"]), int(data["column"])
        return f"line {line}, column {column}", f"{words}{hint}"
    return "", ""


def place_choices(hidden: frozenset[str]) -> list[Choice]:
    """The places of a text, for the picker."""
    return [
        Choice(f"{{{one.key}}}", f"{{{one.key}}}", f"{one.label}, such as {one.example}")
        for one in placeholders(hidden)
    ]
