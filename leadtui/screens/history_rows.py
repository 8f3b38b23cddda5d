"""How batches and audit entries are written in lists and in full. Pure functions, and what the lists read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from leadtui import clock
from leadtui.domain.dates import local_day
from leadtui.domain.fields import BY_KEY
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.records import AuditRow, BatchRow

BATCH_COLUMNS = (
    Column("at", "When", 12),
    Column("by", "Who", 12, min_width=8),
    Column("label", "What", 34, grow=1),
    Column("count", "Rows", 6, align="right"),
    Column("state", "", 12, min_width=10),
)
AUDIT_COLUMNS = (
    Column("at", "When", 12, min_width=10),
    Column("user", "Who", 9, min_width=7),
    Column("what", "What", 22, min_width=14),
    Column("changes", "Changes", 30, min_width=14, grow=1),
)


def moment(at: datetime, tz: tzinfo) -> str:
    """A past moment in at most twelve cells: "14:05", "Tue 14:05", "19 Nov 14:05", "19 Nov 2024"."""
    local, today = at.astimezone(tz), local_day(clock.now(), tz)
    days = (today - local.date()).days
    if days == 0:
        return f"{local:%H:%M}"
    if 0 < days < 7:
        return f"{local:%a %H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def batch_cell(row: BatchRow, key: str, tz: tzinfo) -> Cell:
    """A cell of the list of acts."""
    style = "muted" if row.undone_at is not None else ""
    match key:
        case "at":
            return moment(row.at, tz), style or "muted"
        case "by":
            return one_line(row.by), style
        case "label":
            return one_line(row.label), style
        case "count":
            return f"{row.count:,}", style
        case _:
            return ("taken back", "muted") if row.undone_at is not None else ("" if row.can_undo else "stays", "muted")


def audit_cell(row: AuditRow, key: str, tz: tzinfo) -> Cell:
    """A cell of the list of entries."""
    match key:
        case "at":
            return moment(row.at, tz), "muted"
        case "user":
            return one_line(row.user)
        case "what":
            return what_words(row)
        case _:
            return one_line("; ".join(changes_in_words(row.changes)))


def what_words(row: AuditRow) -> str:
    """ "LD-202611-0042 status", "user 3 edit": a lead by its number, everything else by kind and id."""
    named = row.lead_number or f"{row.entity} {row.entity_id if row.entity_id is not None else ''}".strip()
    return one_line(f"{named} {row.action}".replace("_", " "))


def changes_in_words(changes: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """ "Status: Contacted → Interested", one for each field."""
    lines = []
    for key, pair in changes.items():
        before, after = (pair[0], pair[1]) if isinstance(pair, (tuple, list)) and len(pair) == 2 else (None, pair)
        label = BY_KEY[key].label if key in BY_KEY else key.replace("_", " ").capitalize()
        if before in (None, ""):
            lines.append(f"{label}: {value_in_words(after)}")
        else:
            lines.append(f"{label}: {value_in_words(before)} → {value_in_words(after)}")
    return lines


def value_in_words(value: Any) -> str:
    """A value of an audit entry."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(value_in_words, value)) or "–"
    return str(value)


@dataclass(frozen=True)
class Wanted:
    """What the search line of the history asks for: `user:` and `entity:` words, a lead, other words."""

    user: str | None = None
    entity: str | None = None
    lead: str | None = None
    words: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Wanted:
        """From what was typed; a word with digits and no letters but a number's is a lead."""
        found: dict[str, Any] = {}
        words: list[str] = []
        for word in text.split():
            name, colon, value = word.partition(":")
            if colon and value and name in ("user", "by"):
                found["user"] = value
            elif colon and value and name in ("entity", "of"):
                found["entity"] = value
            elif colon and value and name == "lead":
                found["lead"] = value
            elif _looks_like_lead(word):
                found["lead"] = word
            else:
                words.append(word.casefold())
        return cls(**found, words=tuple(words))

    @property
    def of_batches(self) -> tuple[str, ...]:
        """What acts are looked for by: an act knows who, what kind and its words."""
        return (*self.words, *(word for word in (self.user, self.entity, self.lead) if word))


def _looks_like_lead(word: str) -> bool:
    digits = sum(char.isdigit() for char in word)
    return digits >= 4 and all(char.isdigit() or char in "+-" or char.isupper() for char in word)


@dataclass
class BatchPages:
    """The acts by page, for a virtual table."""

    office: Any
    wanted: Wanted = field(default_factory=Wanted)
    of: int | None = None
    """How many there are without the search, once read."""

    def fetch(self, offset: int, limit: int) -> Sequence[BatchRow]:
        """A page, newest first."""
        from leadtui.services import history

        if self.of is None and self.wanted.of_batches:
            self.of = history.batch_count(self.office)
        return history.batches(self.office, limit, offset, words=self.wanted.of_batches)

    def count(self) -> int:
        """How many there are."""
        from leadtui.services import history

        return history.batch_count(self.office, words=self.wanted.of_batches)


@dataclass
class AuditPages:
    """The entries of the audit by page, for a virtual table."""

    office: Any
    wanted: Wanted = field(default_factory=Wanted)
    batch: int | None = None
    _total: int | None = None

    def _read(self, limit: int, offset: int) -> tuple[int, Sequence[AuditRow]]:
        from leadtui.services import history

        more: dict[str, Any] = {"batch": self.batch} if self.batch is not None else {}
        if self.wanted.words:
            more["text"] = " ".join(self.wanted.words)
        total, rows = history.audit(
            self.office,
            lead_ref=self.wanted.lead,
            entity=self.wanted.entity,
            user=self.wanted.user,
            limit=limit,
            offset=offset,
            **more,
        )
        self._total = total
        return total, rows

    def fetch(self, offset: int, limit: int) -> Sequence[AuditRow]:
        """A page, newest first."""
        return self._read(limit, offset)[1]

    def count(self) -> int:
        """How many there are."""
        return self._total if self._total is not None else self._read(1, 0)[0]
