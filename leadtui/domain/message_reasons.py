"""Why a message is not sent, in words: the codes of `message.reason` and of whoever judges a lead. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REASONS: Final[Mapping[str, str]] = {
    "deleted": "deleted",
    "no_address": "has no address for this channel",
    "suppressed": "the address is on the suppression list",
    "refused": "does not want to be contacted",
    "no_consent": "has not agreed to be contacted",
    "converted": "is a customer already",
    "lost": "is lost",
    "frequency_cap": "had a message lately",
    "duplicate": "the same address as another lead of this campaign",
    "missing_value": "a value that the text needs is missing",
    "cancelled": "the campaign was called off",
    "enrollment_ended": "the drip ended for this lead",
    "no_channel": "the channel is not there any more",
    "too_long": "the text is too long for the channel",
    "not_permitted": "who asked for it may not write to this lead any more",
    "withdrawn": "taken back before it was sent",
    "not_sent": "did not go, as a person said",
}
"""Why one is not written to, in words behind "it" or a lead's name."""


def words(reason: str | None) -> str:
    """A reason in words; an unknown one as it is."""
    return REASONS.get(reason or "", (reason or "").replace("_", " "))
