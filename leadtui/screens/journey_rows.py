"""The journey of a lead as lines of a sheet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from leadtui.domain.journeys import EVENT_WORDS, DropOff, Journey, Stay, span_words
from leadtui.widgets.lead_cells import moment, plain_signs
from leadtui.widgets.sheet_lines import Line, Row, Span, beside, stack, text, wrapped

WIDE = 110
"""From this width on what happened stands beside the way."""
_SPAN = 8
"""Cells of a duration: "123d 23h"."""
_BAR = "▇"


def sheet(found: Journey, width: int, now: datetime, tz: tzinfo, plain: bool = False) -> list[Row]:
    """Everything, in one column or two."""
    made = _Lines(found, now, tz, plain)
    if width >= WIDE:
        half = int((width - 2) * 0.55)
        return beside([*made.head(), *made.way(half)], [*made.contacts(), *made.events(), *made.gaps()], width, 0.55)
    lines = [*made.head(), *made.way(width), *made.contacts(), *made.events(), *made.gaps()]
    return stack(lines, width)


def title(found: Journey) -> tuple[str, str]:
    """The first row: which lead; how long in all."""
    ended = {"open": "so far", "converted": "to the conversion", "lost": "until lost"}[found.state]
    return f"{found.number}  {found.title}", f"{span_words(found.total_s)} {ended}"


class _Lines:
    def __init__(self, found: Journey, now: datetime, tz: tzinfo, plain: bool) -> None:
        self.found, self.now, self.tz, self.plain = found, now, tz, plain

    def when(self, at: datetime) -> str:
        return moment(at, self.now, self.tz)

    def sign(self, words: str) -> str:
        return plain_signs(words, self.plain)

    def head(self) -> list[Line]:
        found = self.found
        answer = found.first_response_s
        lines = [
            Line(text(("first response ", "muted"), *_answered(answer))),
            Line(text(("contacts       ", "muted"), f"{len(found.touches) - found.incoming:,} to the lead, "
                      f"{found.incoming:,} from it")),
        ]  # fmt: skip
        if found.drop_off is not None:
            lines.append(Line(text(*self._left_off(found.drop_off))))
        return [*lines, Line()]

    def _left_off(self, drop: DropOff) -> list[str | Span]:
        if drop.kind == "lost":
            where = f"from {drop.status}" if drop.status else "as it came in"
            stood = f" after {span_words(drop.seconds)}" if drop.seconds is not None else ""
            reason = f" · {drop.reason}" if drop.reason else ""
            return [("lost           ", "muted"), (self.sign(f"{where}{stood}"), "error"), self.sign(reason)]
        late = f" · {span_words(drop.over_s)} too long"
        return [("stands still   ", "muted"), f"in {drop.status} for {span_words(drop.seconds)}",
                (self.sign(late), "warning")]  # fmt: skip

    # The statuses one below the other, each with its share of the time as a bar

    def way(self, width: int) -> list[Line]:
        stays = self.found.stays
        name = max((len(one.stage.name) for one in stays), default=0) + 2
        # when, name, duration and who stand beside the bar
        room = max(width - 14 - (name + 2) - (_SPAN + 1) - 4 - 14, 0)
        longest = max((one.seconds or 0 for one in stays), default=0)
        lines = [Line(rule="The way")]
        for place, stay in enumerate(stays):
            if place:
                lines.append(Line(text((" " * 14 + self.sign("│"), "muted"), *self._turn(stay))))
            lines.append(self._stay(stay, name, min(room, 40), longest))
            lines += [
                Line(text((" " * 14 + self.sign("│ "), "muted"), (one, "muted")))
                for one in wrapped(stay.reason or "", width - 18)[:2]
            ]
        return [*lines, Line()]

    def _turn(self, stay: Stay) -> list[Span]:
        if stay.reopened:
            return [(" reopened", "warning")]
        return [(self.sign(" ← moved back"), "warning")] if stay.moved_back else []

    def _stay(self, stay: Stay, name: int, room: int, longest: int) -> Line:
        style = "success" if stay.stage.is_converted else "error" if stay.stage.is_lost else ""
        status = f"{self.sign(stay.stage.mark)} {stay.stage.name}"
        cells = round(room * (stay.seconds or 0) / longest) if longest else 0
        bar = self.sign(_BAR) * max(cells, 1 if stay.seconds and room else 0)
        here = " now" if stay.left_at is None and stay.seconds is not None else ""
        return Line(
            text(
                (f"{self.when(stay.entered_at):<13} ", "muted"), (f"{status:<{name}}  ", style),
                f"{span_words(stay.seconds):>{_SPAN}} ", (bar, "accent"), (here, "strong"),
            ),
            (((f" {stay.by}", "muted"),)),
            item=stay, key=("stay", stay.entered_at, stay.stage.id),
        )  # fmt: skip

    def contacts(self) -> list[Line]:
        lines = [Line(rule="Contacts", right=text(f"{len(self.found.touches):,}"))]
        if not self.found.touches:
            lines.append(Line(text(("nobody was in touch with it", "muted"))))
        for kind, count in self.found.by_type.items():
            words = f"{count['out']:>5,} out" + (f" {count['in']:>5,} in" if count["in"] else "")
            lines.append(Line(text(f"{kind.replace('_', ' '):<12}", words)))
        return [*lines, Line()]

    def events(self) -> list[Line]:
        if not self.found.events:
            return []
        lines = [Line(rule="Conversion")]
        for one in self.found.events:
            style = "warning" if one.event == "reopened" else "success"
            words = text((f"{self.when(one.at):<13} ", "muted"), (f"{EVENT_WORDS[one.event]:<18}", style), one.detail)
            lines.append(Line(words))
        return [*lines, Line()]

    def gaps(self) -> list[Line]:
        if not self.found.gaps:
            return []
        lines = [Line(rule="Nothing happened for more than a week")]
        for one in self.found.gaps:
            until = self.when(one.until) if one.until is not None else "now"
            span = (f"{self.when(one.since):<13} {self.sign('→')} {until.strip():<13}", "muted")
            lines.append(Line(text(span, (f"{span_words(one.seconds):>{_SPAN}}", "warning"), f"  {one.status}")))
        return lines


def _answered(seconds: int | None) -> Sequence[str | Span]:
    return [("nobody yet", "warning")] if seconds is None else [f"after {span_words(seconds)}"]
