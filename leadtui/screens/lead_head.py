"""The head of a lead: number and status, how to reach it, its score with the reasons, warnings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from rich.cells import cell_len

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.fields import BY_KEY
from leadtui.domain.money import format_money
from leadtui.domain.phones import format_phone
from leadtui.domain.records import LeadDetail
from leadtui.widgets.lead_cells import LeadCells, moment, plain_signs, stay_words
from leadtui.widgets.sheet_lines import Line, Span, text

NARROW = 40
"""Below this width the score gives way to how to reach the lead: it stands on a line of its own."""

_PENDING: Final = {
    "planned": "it was about to begin", "applying": "it is under way", "unknown": "the router's answer is not known",
}  # fmt: skip


@dataclass(frozen=True)
class LeadHead:
    """One lead: its values as words, and what stands on top of it. `hidden` are the fields the role may not see."""

    detail: LeadDetail
    catalog: Catalog
    hidden: frozenset[str] = frozenset()
    plain: bool = False

    # Values

    def value(self, key: str) -> Any:
        """The typed value of a field; None when hidden."""
        return None if key in self.hidden else self.detail.fields.get(key)

    def say(self, key: str) -> str:
        """The value of a field in words; "" when there is none."""
        value = self.value(key)
        if value is None or value in ("", (), []):
            return ""
        field = BY_KEY.get(key)
        kind = field.kind if field else "line"
        if kind == "money":
            return format_money(value, self.catalog.currency)
        if kind == "phone":
            return format_phone(str(value), self.catalog.country)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, datetime):
            return self.signs(moment(value, clock.now(), self.catalog.tz)).strip()
        if isinstance(value, date):
            return f"{value.day} {value:%b %Y}"
        if isinstance(value, (tuple, list, set, frozenset)):
            return ", ".join(str(one) for one in value)
        return str(value).replace("_", " ") if kind == "choice" else str(value)

    def signs(self, words: str) -> str:
        """Our own signs as this terminal can show them."""
        return plain_signs(words, self.plain)

    def amount(self, key: str) -> str:
        """Money of the row; "" when none or hidden."""
        return "" if key in self.hidden else format_money(getattr(self.detail.row, key), self.catalog.currency)

    # Head

    def title(self) -> tuple[str, str]:
        """Number and name; status and for how long."""
        row = self.detail.row
        status, _ = LeadCells(self.catalog, self.plain).status(row)
        since = self.detail.fields.get("stage_changed_at")
        stage = None if row.is_deleted else self.catalog.stage_by_id.get(row.stage_id)
        if not isinstance(since, datetime):
            return f"{row.number}  {row.title}", status
        span, late = stay_words(stage, since, clock.now())
        status = status.removesuffix(" !") if late else status  # the words say it
        return f"{row.number}  {row.title}", self.signs(f"{status} · {span}")

    def head(self, width: int, *, reasons: bool = False) -> list[Line]:
        """How to reach the lead, the score (with its reasons), and what one must know before doing anything."""
        row = self.detail.row
        phone = format_phone(row.phone, self.catalog.country) if row.phone else row.phone_raw or ""
        places = [phone, self.say("location"), self.say("unit_number")]
        reach, score = self.signs(" · ").join(one for one in places if one) or "no phone", self._score(width)
        shown = sum(cell_len(words) for words, _ in score)
        if width < NARROW and cell_len(reach) + shown + 3 > width:  # a phone is dialled: it is never cut
            lines = [Line(text((reach, "strong"))), Line(score)]
        else:
            lines = [Line(text((reach, "strong")), self._score_with_reasons(width, reach) if reasons else score)]
        if self.detail.pending_job:
            state = _PENDING.get(self.detail.pending_job, self.detail.pending_job)
            lines.append(Line(text((f"Conversion not settled: {state}; 3 then p settles it", "warning"))))
        if row.is_deleted:
            lines.append(Line(text(("Deleted; D restores it", "warning"))))
        if row.is_protected:
            why = self.say("protected_reason")
            lines.append(Line(text(("Protected" + (f": {why}" if why else "") + "; p lifts it", "warning"))))
        return lines

    def _score(self, width: int) -> tuple[Span, ...]:
        score = self.detail.row.score
        if score is None or "score" in self.hidden:
            return ()
        full = max(0, min(round(score / 10), 10))
        bar = self.signs("▇" * full), self.signs("▁" * (10 - full))
        return text(f"score {score} ", (bar[0], "accent"), (bar[1], "muted")) if width >= 60 else text(f"score {score}")

    def _score_with_reasons(self, width: int, reach: str) -> tuple[Span, ...]:
        """The score beside how to reach the lead: with what made it where there is room, else drawn as a bar."""
        scored, bar = self.detail.scored, self._score(width)
        if scored is None or not bar:
            return bar
        number = f"score {scored.score}" + (f" of {scored.raw}" if scored.raw != scored.score else "")
        reasons = self._why(width - cell_len(reach) - cell_len(number) - 6)
        return text(f"{number}: ", *reasons) if reasons else (*bar, *text((" P", "muted")))

    def _why(self, room: int) -> tuple[Span, ...]:
        """What the score is made of, as much as `room` cells hold, what counts most first; P shows every rule."""
        scored = self.detail.scored
        reasons = scored.reasons() if scored is not None and "score" not in self.hidden else []
        for count in range(len(reasons), 0, -1):
            more = f" · {len(reasons) - count} more" if count < len(reasons) else ""
            words = " · ".join(f"{name} {points:+d}" for name, points in reasons[:count])
            said = self.signs(f"{words}{more} · P")
            if cell_len(said) <= room:
                return text((said, "muted"))
        return ()
