"""What a follow-up that the program makes says: title, description, priority, suggested actions (spec §I2 87). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FollowUpWords:
    """What stands in a generated follow-up."""

    title: str
    description: str
    priority: str
    actions: tuple[str, ...]


_CONTEXTS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "property_inquiry": (
        "answer the inquiry", "{lead} asked{about}: answer while the interest is fresh.",
        ("call", "send what fits", "offer a visit"),
    ),
    "showing_followup": (
        "ask how the visit was", "{lead} was visited{about}: ask what was liked, and what stands in the way.",
        ("call", "answer open questions", "prepare the offer"),
    ),
    "offer_response": (
        "ask about the offer", "{lead} has the offer{about}: ask for the decision.",
        ("call", "clear up what is open", "agree on a day for the decision"),
    ),
    "general_nurturing": (
        "stay in touch", "Nothing is due from {lead}: a short word keeps the contact{about}.",
        ("send a message", "ask whether anything has changed"),
    ),
    "overdue_followup": (
        "late: follow up", "A follow-up with {lead} was missed{about}: make contact first, then plan the next step.",
        ("call", "send a message when nobody answers", "plan the next step"),
    ),
}  # fmt: skip
_OTHER: Final = ("follow up", "Follow up with {lead}{about}.", ("call",))


def words_for(context: str | None, lead: str, wants: str | None, priority: str | None, *, hot: bool) -> FollowUpWords:
    """The words of a follow-up: `lead` is what the lead is called, `wants` its package or interest.

    A hot lead and a missed follow-up have a high priority, others that of the lead (medium without one).
    """
    title, description, actions = _CONTEXTS.get(context or "", _OTHER)
    urgent = hot or context == "overdue_followup"
    return FollowUpWords(
        title, description.format(lead=lead, about=f" about {wants}" if wants else ""),
        "high" if urgent else priority or "medium", actions,
    )  # fmt: skip
