"""What a follow-up that the program makes says: title, description, priority, suggested actions (spec §I2 87). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OVERDUE: Final = "overdue_followup"
"""The context of what is made in the place of a missed one (spec §I3)."""


@dataclass(frozen=True, slots=True)
class FollowUpWords:
    """What stands in a generated follow-up."""

    title: str
    description: str
    priority: str
    actions: tuple[str, ...]


_CONTEXTS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "property_inquiry": (
        "answer the inquiry", "{lead} asked: answer while the interest is fresh.",
        ("call", "send what fits", "offer a visit"),
    ),
    "showing_followup": (
        "ask how the visit was", "{lead} was visited: ask what was liked, and what stands in the way.",
        ("call", "answer open questions", "prepare the offer"),
    ),
    "offer_response": (
        "ask about the offer", "{lead} has the offer: ask for the decision.",
        ("call", "clear up what is open", "agree on a day for the decision"),
    ),
    "general_nurturing": (
        "stay in touch", "{lead}: nothing is due; a short word keeps the contact.",
        ("send a message", "ask whether anything has changed"),
    ),
    OVERDUE: (
        "late: follow up", "{lead}: a follow-up was missed; make contact first, then plan the next step.",
        ("call", "send a message when nobody answers", "plan the next step"),
    ),
}  # fmt: skip
_OTHER: Final = ("follow up", "Follow up with {lead}.", ("call",))


def words_for(context: str | None, lead: str, wants: str | None, priority: str | None, *, hot: bool) -> FollowUpWords:
    """The words of a follow-up: `lead` is what the lead is called, `wants` its package or interest.

    A hot lead and a missed follow-up have a high priority, others that of the lead (medium without one).
    """
    title, description, actions = _CONTEXTS.get(context or "", _OTHER)
    urgent = hot or context == OVERDUE
    whom = f"{lead} ({wants})" if wants else lead
    return FollowUpWords(title, description.format(lead=whom), "high" if urgent else priority or "medium", actions)
