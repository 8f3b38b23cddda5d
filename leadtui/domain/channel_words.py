"""Channels in a word, for a sentence or a narrow column. Pure."""

from __future__ import annotations

from typing import Final

CHANNELS: Final = {
    "whatsapp_cloud": "WhatsApp", "whatsapp_web": "WhatsApp Web", "manual": "by hand", "sms": "SMS", "email": "email",
    "file": "file", "http": "HTTP",
}  # fmt: skip


def channel_word(channel: str) -> str:
    """A channel in a word; an unknown one by its name."""
    return CHANNELS.get(channel, channel)
