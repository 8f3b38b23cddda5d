"""The kinds and outcomes of activities, and the words people have for them (spec §G, AG14, AG15, AH7)."""

from __future__ import annotations

from typing import Final

from leadtui.errors import Invalid
from leadtui.text import fold, shorten

LOG_TYPES: Final[tuple[str, ...]] = (
    "call",
    "email",
    "meeting",
    "site_visit",
    "whatsapp",
    "sms",
    "note",
    "quotation",
    "other",
)
"""What a person logs."""
TYPES: Final[tuple[str, ...]] = (
    *LOG_TYPES,
    "follow_up",
    "task",
    "status_change",
    "assignment",
    "document",
    "conversion",
    "merge",
    "import",
    "campaign",
    "milestone",
    "loan",
)
"""All there are; the others the program writes."""
OUTCOMES: Final[tuple[str, ...]] = ("positive", "neutral", "negative", "follow_up", "no_answer")
SUBJECTS: Final = {
    "call": "call",
    "email": "email",
    "meeting": "meeting",
    "site_visit": "site visit",
    "whatsapp": "WhatsApp",
    "sms": "SMS",
    "note": "note",
    "quotation": "quotation",
    "other": "contact",
}
"""The subject of a contact that was given none."""
_OTHER_WORDS: Final = {"phone": "call", "phone_call": "call", "mail": "email", "visit": "site_visit", "text": "sms"}


def log_type(text: str, *, field: str = "type") -> str:
    """A kind of contact in any spelling (`Site-Visit`, `site visit`). Raises Invalid naming the kinds."""
    return _word(text, LOG_TYPES, "a kind of contact", field)


def activity_type(text: str, *, field: str = "type") -> str:
    """A kind of activity in any spelling, of those the program writes too. Raises Invalid naming the kinds."""
    return _word(text, TYPES, "a kind of activity", field)


def outcome_of(text: str | None, *, field: str = "outcome") -> str | None:
    """An outcome in any spelling (`follow-up`); None when nothing was given. Raises Invalid naming them."""
    return _word(text, OUTCOMES, "an outcome", field) if (text or "").strip() else None


def _word(text: str | None, choices: tuple[str, ...], what: str, field: str) -> str:
    word = "_".join(fold(text or "").replace("-", " ").replace("_", " ").split())
    word = word if word in choices else _OTHER_WORDS.get(word, word)
    if word not in choices:
        raise Invalid(
            f"'{shorten((text or '').strip(), 40)}' is not {what}", field=field, hint="one of: " + ", ".join(choices)
        )
    return word
