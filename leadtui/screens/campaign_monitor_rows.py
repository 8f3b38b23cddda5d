"""A campaign as it goes, as lines of a sheet: how far, how fast, why it stands still, states, rates, errors. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from leadtui import clock
from leadtui.domain.campaigns import CampaignRow
from leadtui.domain.catalog import Catalog
from leadtui.screens.campaign_rows import in_time, rate_words
from leadtui.widgets.lead_cells import moment, plain_signs
from leadtui.widgets.progress import bar, percent
from leadtui.widgets.sheet_lines import Line, Row, beside, stack, text, wrapped
from leadtui.widgets.text import one_line
from leadtui.widgets.when_input import moment_words

TWO_COLUMNS: Final = 76
"""From this many cells on, states and rates stand side by side."""
TEXT_LINES: Final = 6
"""Of the text so many lines are shown; the editor and each message have it whole."""

ErrorLine = tuple[str, int, datetime | None]
"""What went wrong, how often, when last."""


@dataclass(frozen=True, slots=True)
class State:
    """A line of the sheet that has recipients behind it: `state` is what `recipients` takes."""

    state: str


@dataclass(frozen=True, slots=True)
class Read:
    """What the monitor reads at once."""

    row: CampaignRow
    errors: Sequence[ErrorLine]
    skipped: Mapping[str, int]
    reasons: Mapping[str, str]
    channel: str
    """Its channel's name for people."""
    is_nobody_sending: bool = False
    """No program that may send runs."""


@dataclass(frozen=True, slots=True)
class MonitorRows:
    """The lines, in one office."""

    read: Read
    catalog: Catalog
    plain: bool = False

    def sheet(self, width: int) -> list[Row]:
        """All of it, for a width."""
        rows = stack([*self._progress(width), *self._stands(), *self._paused(width)], width)
        if self.read.row.started_at is not None:
            states, rates = self._states(), self._rates()
            if width >= TWO_COLUMNS:
                rows += beside(states, rates, width, 0.5)
            else:
                rows += stack([*states, *rates], width)
            rows += stack([*self._left_out(), *self._errors(width)], width)
        return rows + stack(self._about(width), width)

    # How far

    def _progress(self, width: int) -> list[Line]:
        row, counted = self.read.row, self.read.row.counters
        if row.is_freezing:
            words = f"{counted.total + counted.skipped:,} so far; sending begins when all are"
            return [Line(text(("Choosing who gets it… ", "accent"), words))]
        if not counted.total:
            return [Line(text((self._before(), "muted")))]
        done = counted.sent + counted.failed + counted.unknown
        share = percent(done, counted.total)
        cells = max(width - len(share) - 4, 8)
        drawn = bar(done, counted.total, cells, self.plain)
        style = "success" if row.is_active else "warning" if row.is_paused else "muted"
        return [Line(text((drawn, style), f" {share}")), *self._speed(width)]

    def _before(self) -> str:
        row = self.read.row
        if row.scheduled_at is not None and row.is_scheduled:
            now = clock.now()
            at = moment_words(row.scheduled_at, self.catalog.tz)
            return f"Starts {at}, {in_time(row.scheduled_at, now)}. Who gets it is chosen then."
        if row.is_cancelled:
            return "It was called off before it began."
        return "It has not begun. S shows who would get it, and starts it."

    def _speed(self, width: int) -> list[Line]:
        """How many went, how fast, until when: in one line where it is wide enough."""
        row, tz, now = self.read.row, self.catalog.tz, clock.now()
        counted = row.counters
        sent = f"{counted.sent:,} of {counted.total:,} sent"
        if counted.pending:
            sent += f", {counted.pending:,} to go"
        if not row.is_active:
            ends = f" · ended {moment_words(row.completed_at, tz)}" if row.completed_at is not None else ""
            return [Line(text((sent, "strong"), (ends, "muted")))]
        eta = ""
        if row.eta is not None and not self.read.is_nobody_sending:
            soon = in_time(row.eta, now)  # what is still to go is not over "now"
            eta = f" · ends {soon}, {moment(row.eta, now, tz).strip()}" if soon != "now" else " · ends within a minute"
        rate = f"{row.rate_now:,} in the last minute, at most {row.per_minute:,}"
        if len(sent) + len(rate) + len(eta) + 4 <= width:
            return [Line(text((sent, "strong"), f" · {rate}{eta}"))]
        return [Line(text((sent, "strong"), eta)), Line(text((rate, "muted")))]

    def _stands(self) -> list[Line]:
        if not (self.read.row.is_active and self.read.is_nobody_sending):
            return []
        sign = plain_signs("✗ ", self.plain)
        return [
            Line(text((f"{sign}nobody sends now", "error"), ("; start: leadtui worker (8 shows who works)", "muted")))
        ]

    def _paused(self, width: int) -> list[Line]:
        row = self.read.row
        if not row.is_paused:
            return []
        why = row.why_paused or "paused"
        first, *rest = wrapped(why if why.startswith("paused") else f"paused: {why}", width - 5) or [""]
        lines = [Line(text((plain_signs("‖ ", self.plain), "warning"), (first, "warning")))]
        return lines + [Line(text((f"  {one}", "warning"))) for one in rest]

    # States and rates

    def _states(self) -> list[Line]:
        counted = self.read.row.counters
        lines = [Line(rule="Messages")]
        for state, words, count, style in (
            ("waiting", "waiting", counted.waiting, ""),
            ("in_hand", "being sent", counted.in_hand, "accent"),
            ("retry", "tried again later", counted.retrying, "warning"),
            ("handed_off", "handed over, not confirmed", counted.handed_off, "warning"),
            ("sent", "sent", counted.sent, "success"),
            ("delivered", "delivered", counted.delivered, "success"),
            ("read", "read", counted.read, "success"),
            ("failed", "failed", counted.failed, "error"),
            ("unknown", "unknown: did it go?", counted.unknown, "warning"),
            ("skipped", "left out", counted.skipped, "muted"),
        ):
            always = state in ("waiting", "sent", "delivered", "read", "failed")
            if count or always:
                figure = (f"{count:,}", style if count else "muted")
                lines.append(Line(text(words), (figure, (" ", "")), State(state), f"s{state}"))
        return lines

    def _rates(self) -> list[Line]:
        rates = self.read.row.rates
        lines = [Line(rule="Rates")]
        for label, rate, of in (
            ("success", rates.success, "of sent"),
            ("delivery", rates.delivery, "of all"),
            ("read", rates.read, "of delivered"),
            ("failure", rates.failure, "of all"),
        ):
            words = plain_signs(rate.words, self.plain)
            lines.append(Line(text(f"{label:9}", (f" {of}", "muted")), ((words, "strong"), (" ", ""))))
        return lines

    def _left_out(self) -> list[Line]:
        found = self.read.skipped
        if not found:
            return []
        lines = [Line(rule="Left out")]
        for code, count in sorted(found.items(), key=lambda item: -item[1]):
            words = self.read.reasons.get(code, code.replace("_", " "))
            lines.append(Line(text((f"{count:>7,} ", "muted"), words)))
        return lines

    def _errors(self, width: int) -> list[Line]:
        if not self.read.errors:
            return []
        now, tz = clock.now(), self.catalog.tz
        lines = [Line(rule="Last errors")]
        for number, (words, count, at) in enumerate(self.read.errors):
            when = moment(at, now, tz).strip() if at is not None else ""
            times = f"{count:,} times" if count > 1 else "once"
            left = text(one_line(words))
            lines.append(Line(left, ((f"{times}  {when} ", "muted"),), State("failed"), f"e{number}"))
        return lines

    # What it is

    def _about(self, width: int) -> list[Line]:
        row, tz = self.read.row, self.catalog.tz
        audience = row.where or ("by criteria" if row.criteria else "all leads")
        quiet = {None: "as the office", "": "none"}.get(row.quiet_hours, row.quiet_hours or "")
        retries = f"{row.max_retries}" if row.auto_retry else "none"
        facts = [
            ("by", f"{self.read.channel}, {rate_words(row.per_minute)}, quiet hours {quiet}, retries {retries}"),
            ("to", audience),
            ("started", moment_words(row.started_at, tz) if row.started_at is not None else ""),
            ("file", row.attachment_name or ""),
            ("written by", row.created_by),
            ("note", row.description or ""),
            ("subject", row.subject or ""),
        ]
        lines = [Line(rule="What")]
        for label, words in facts:
            if words:
                first, *rest = wrapped(words, width - 14) or [""]
                lines.append(Line(text((f"{label:12}", "muted"), first)))
                lines += [Line(text(f"{'':12}{one}")) for one in rest]
        body = wrapped(row.template, width - 14)
        for number, words in enumerate(body[:TEXT_LINES]):
            lines.append(Line(text(("text        " if number == 0 else " " * 12, "muted"), words)))
        if len(body) > TEXT_LINES:
            lines.append(Line(text((f"{'':12}and {len(body) - TEXT_LINES} lines more", "muted"))))
        return lines
