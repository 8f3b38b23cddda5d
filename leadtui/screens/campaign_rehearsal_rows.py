"""A rehearsal as lines of a sheet: who, who not and why, when, how much, three messages, what to mind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.money import format_money
from leadtui.screens.campaign_preview import length_words
from leadtui.screens.campaign_rows import rate_words
from leadtui.widgets.lead_cells import how_long, plain_signs
from leadtui.widgets.sheet_lines import Line, Row, stack, text, wrapped
from leadtui.widgets.when_input import moment_words

if TYPE_CHECKING:
    from leadtui.services.rehearsal import Rehearsal, Sample

LABEL = 10
"""Cells of the words at the left."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Leads that would not get it, for one reason."""

    code: str
    words: str
    count: int


@dataclass(frozen=True, slots=True)
class RehearsalRows:
    """The lines, in one office. `channel` is the ChannelRow it goes by, `reasons` the words of reasons."""

    found: Rehearsal
    channel: Any
    reasons: Mapping[str, str]
    catalog: Catalog
    plain: bool = False

    def sheet(self, width: int) -> list[Row]:
        """All of it, for a width."""
        lines = [*self._minded(width), *self._who(), *self._when(), *self._messages(width)]
        return stack(lines, width)

    def _minded(self, width: int) -> list[Line]:
        """What forbids the start, and what to think of before it."""
        lines: list[Line] = []
        for sign, style, words in (
            *(("×", "error", one) for one in self.found.problems),
            *(("!", "warning", one) for one in self.found.warnings),
        ):
            first, *rest = wrapped(words, width - 5) or [""]
            lines.append(Line(text((f"{plain_signs(sign, self.plain)} ", style), (first, style))))
            lines += [Line(text(f"  {one}")) for one in rest]
        return [Line(rule="Mind"), *lines] if lines else []

    def _who(self) -> list[Line]:
        found = self.found
        lines = [Line(rule="Who"), Line(text((f"{found.to_send:>7,} ", "strong"), "will get it"))]
        for code, count in sorted(found.by_reason.items(), key=lambda item: -item[1]):
            words = self.reasons.get(code, code.replace("_", " "))
            item = Dropped(code, words, count)
            lines.append(Line(text((f"{count:>7,} ", "warning"), f"not: {words}"), (), item, f"r{code}"))
        for key, count in sorted(found.missing.items(), key=lambda item: -item[1]):
            lines.append(Line(text((f"{count:>11,} ", "muted"), (f"have no value for {{{key}}}", "muted"))))
        return lines

    def _when(self) -> list[Line]:
        found, tz, now = self.found, self.catalog.tz, clock.now()
        begins = "now" if found.begins_at <= now + timedelta(minutes=1) else moment_words(found.begins_at, tz)
        lines = [Line(rule="When"), self._row("begins", begins)]
        if found.ends_at is not None:
            lasts = how_long(found.ends_at - found.begins_at)
            ends = moment_words(found.ends_at, tz)
            lines.append(self._row("ends", f"{ends}, it takes {lasts}" if lasts != "just now" else "within a minute"))
        speed = [rate_words(found.per_minute)]
        if found.daily_unique:
            speed.append(f"{found.daily_unique:,} leads a day")
        if found.quiet_hours:
            speed.append(f"quiet {found.quiet_hours}")
        lines.append(self._row("by", f"{self.channel.label}, {', '.join(speed)}"))
        if found.cost_minor is not None:
            cost = f"{format_money(found.cost_minor, self.catalog.currency)} {self.catalog.currency}"
            lines.append(self._row("costs", f"{cost}, for {found.messages:,} messages"))
        elif found.longest is not None and self.channel.caps.segments:
            lines.append(self._row("length", f"{found.messages:,} SMS in all; the longest {found.longest.words}"))
        return lines

    @staticmethod
    def _row(label: str, words: str) -> Line:
        return Line(text((f" {label:{LABEL}}", "muted"), words))

    def _messages(self, width: int) -> list[Line]:
        lines = [Line(rule="As they will read it")] if self.found.samples else []
        for sample in self.found.samples:
            lines += self._message(sample, width)
        return lines

    def _message(self, sample: Sample, width: int) -> list[Line]:
        who = text((sample.lead_name or sample.lead_number, "strong"), (f"  {sample.address or ''}", "muted"))
        long = text((length_words(sample, self.channel.caps), "muted"))
        lines = [Line(who, long, sample, f"s{sample.lead_id}")]
        if sample.subject:
            lines.append(Line(text("   ", (sample.subject, "strong"))))
        lines += [Line(text(f"   {one}")) for one in wrapped(sample.text, width - 5)]
        return lines
