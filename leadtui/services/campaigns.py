"""Campaigns: broadcasts to many leads (spec §P). The front of its rooms.

Reading is in `campaign_reading`, writing one in `campaign_editing`, running it in `campaign_running`; to whom it goes
in `audience`, what would happen in `rehearsal`, fixing who gets what in `freezing`, what goes on by itself in
`campaign_due`. The messages themselves are `services.messages`, sending them `services.sending`.
"""

from __future__ import annotations

from .campaign_editing import KEYS, copy, create, delete, edit, schedule, unschedule
from .campaign_reading import (
    errors,
    get,
    list_all,
    recipient_states,
    recipients,
    recipients_csv,
    recipients_file,
    skip_reasons,
)
from .campaign_running import cancel, pause, resolve, resume, retry_failed, start, test

__all__ = [
    "KEYS", "cancel", "copy", "create", "delete", "edit", "errors", "get", "list_all", "pause", "recipient_states",
    "recipients", "recipients_csv", "recipients_file", "resolve", "resume", "retry_failed", "schedule", "skip_reasons",
    "start", "test", "unschedule",
]  # fmt: skip
