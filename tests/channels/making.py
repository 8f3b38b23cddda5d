"""Accounts and messages for the tests of channels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from leadtui.channels.port import Account, Outgoing, Secret

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PHONE = "+254722000111"


def account(channel: str, config: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> Account:
    """An account as a service would hand it over."""
    return Account(channel, dict(config), {key: Secret(text) for key, text in (secrets or {}).items()}, "KES")


def message(**changes: Any) -> Outgoing:
    """A message to Amina."""
    return Outgoing(**{"message_id": 7, "address": PHONE, "text": "Hi Amina", "at": AT, **changes})
