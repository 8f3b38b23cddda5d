"""What happened with a lead, newest first: activities, messages, status changes and documents as one list. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from leadtui.domain.catalog import Catalog
from leadtui.domain.channel_words import channel_word
from leadtui.domain.loans import LoanRow
from leadtui.domain.message_states import mark
from leadtui.domain.records import ActivityRow, DocumentRow, LeadDetail, StatusEntry
from leadtui.screens.message_rows import not_sent_words, why_words

if TYPE_CHECKING:
    from leadtui.services.messages import MessageRow

Source: TypeAlias = ActivityRow | StatusEntry | DocumentRow | LoanRow

SIGNS: Final = {
    "call": "☏",
    "phone": "☏",
    "email": "✉",
    "note": "✎",
    "meeting": "⌂",
    "visit": "⌂",
    "site-visit": "⌂",
    "whatsapp": "✉",
    "sms": "✉",
    "document": "▤",
    "quotation": "▤",
    "assignment": "→",
    "follow-up": "◷",
    "milestone": "★",
}
"""A sign of one cell for each kind; the word stands beside it."""

_SAME: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline; `source` is the record behind it, `details` what is shown in quotes."""

    at: datetime
    sign: str
    words: str
    details: str
    who: str
    source: Source | MessageRow
    key: str


def happenings(detail: LeadDetail, catalog: Catalog, messages: Sequence[MessageRow] = ()) -> list[Happening]:
    """Newest first. What is still to be done is not among them: that is what comes next.

    A message that is here tells its own state; the activity that was written when it had gone says no more.
    """
    known = {one.id for one in messages}
    found = [_status(detail, _with_notes(entry, detail.activities), catalog) for entry in detail.status_history]
    found += [_document(document) for document in detail.documents]
    found += [_message(one) for one in messages]
    moments = {
        "status_change": [entry.changed_at for entry in detail.status_history],
        "document": [document.at for document in detail.documents],
    }
    for activity in detail.activities:
        told = any(abs(moment - activity.created_at) <= _SAME for moment in moments.get(activity.type, ()))
        if not activity.is_open and not told and activity.metadata.get("message") not in known:
            found.append(_activity(activity))
    # Of the same moment (an import writes many things at once) the status stands on top of what led to it.
    return sorted(found, key=lambda one: (one.at, one.key), reverse=True)


def contacts(detail: LeadDetail, count: int = 3) -> list[Happening]:
    """The last times somebody spoke to the lead or noted something, newest first."""
    spoken = [
        _activity(activity)
        for activity in detail.activities
        if not activity.is_open and activity.type not in ("status_change", "assignment", "document", "milestone")
    ]
    return sorted(spoken, key=lambda one: (one.at, one.key), reverse=True)[:count]


def _with_notes(entry: StatusEntry, activities: Iterable[ActivityRow]) -> StatusEntry:
    """The notes typed with a change of status are kept with the activity that was written for it."""
    for activity in activities:
        near = abs(activity.created_at - entry.changed_at) <= _SAME
        if activity.type == "status_change" and near and activity.details and activity.subject.endswith(entry.status):
            return replace(entry, reason=activity.details) if not entry.reason else entry
    return entry


def _status(detail: LeadDetail, entry: StatusEntry, catalog: Catalog) -> Happening:
    stage = next(
        (one for one in catalog.stages_of(detail.row.pipeline_id) if one.name.casefold() == entry.status.casefold()),
        None,
    )
    if entry.previous is None:
        source = f" from {detail.row.source}" if detail.row.source else ""
        words, sign = f"came in{source}", "+"
        if stage is not None and not stage.is_default:
            words += f" · {entry.status}"
    else:
        words, sign = f"{entry.previous} → {entry.status}", stage.mark if stage else "○"
    return Happening(
        entry.changed_at, sign, words, entry.reason or "", entry.changed_by, entry, f"s{entry.changed_at.isoformat()}"
    )


def _document(document: DocumentRow) -> Happening:
    return Happening(document.at, "▤", "document", document.name, document.uploaded_by, document, f"d{document.id}")


def _message(row: MessageRow) -> Happening:
    sign, word, _ = mark(row.state)
    parts = [channel_word(row.channel), word + not_sent_words(row), why_words(row)]
    at = row.sending_at or row.created_at
    words = " · ".join(part for part in parts if part)
    return Happening(at, sign, words, row.body, row.created_by or "", row, f"m{row.id:09}")


def kind_words(kind: str) -> str:
    """A kind of activity as a word: `follow_up` → `follow-up`."""
    return kind.replace("_", "-").casefold()


def _without_repeats(parts: Iterable[str]) -> list[str]:
    """The parts that say something new: a subject that only names the kind or the outcome says nothing."""
    told: set[str] = set()
    kept: list[str] = []
    for part in parts:
        plain = part.casefold().replace("_", " ").replace("-", " ").strip()
        if plain and plain not in told:
            told.add(plain)
            kept.append(part)
    return kept


def _activity(activity: ActivityRow) -> Happening:
    kind = kind_words(activity.type)
    parts = [kind, activity.subject]
    if activity.escalated_at is not None:
        parts.append("late, planned anew")
    elif activity.cancelled_at is not None:
        parts.append("called off")
    elif kind == "follow-up" and activity.completed_at is not None:
        parts.append("done")
    parts.append((activity.outcome or "").replace("_", " "))
    said = activity.details or activity.outcome_note or ""
    return Happening(
        activity.completed_at or activity.cancelled_at or activity.created_at,
        SIGNS.get(kind, "·"),
        " · ".join(_without_repeats(parts)),
        said,
        activity.created_by,
        activity,
        f"a{activity.id:09}",
    )
