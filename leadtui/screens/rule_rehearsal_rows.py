"""A rehearsal of rules as lines: the verdict, before and after, who moves, load per agent, what is uncertain. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

from leadtui.widgets.lead_cells import plain_signs
from leadtui.widgets.sheet_lines import Line, Row, Span, stack, text, wrapped
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from leadtui.domain.lift import Share
    from leadtui.services.rehearsal_records import (
        AssignmentRehearsal,
        Quality,
        RoutingCandidate,
        RoutingQuality,
        RuleWorth,
        ScoreCandidate,
        ScoreRehearsal,
    )

BAR: Final = 16
"""Cells of the longest bar."""
_VERDICT: Final = {"better": "success", "worse": "error", "same": "muted", "unclear": "warning"}
_SURE: Final = {"sure": "", "unsure": "warning", "few": "muted", "none": "muted"}


@dataclass(frozen=True, slots=True)
class Opens:
    """A row that enter opens: the lead."""

    lead_id: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """What both kinds of rehearsal share."""

    found: Any
    plain: bool
    tz: tzinfo

    def sheet(self, width: int) -> list[Row]:
        """All of it, for a width."""
        return stack([*self.lines(width)], width)

    def lines(self, width: int) -> Iterable[Line]:
        """The verdict first and what speaks against trusting it, the ground it stands on last."""
        yield from self._candidates(width)
        yield from self._minded(width)
        yield from self._qualities()
        yield from self._ground(width)

    def _qualities(self) -> Iterable[Line]:
        raise NotImplementedError

    def _ground(self, width: int) -> Iterable[Line]:
        raise NotImplementedError

    def _period(self) -> str:
        first, last = (at.astimezone(self.tz).date() for at in (self.found.date_from, self.found.date_to))
        return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"

    def _left_out(self) -> list[Line]:
        return [
            Line(text((f"{count:>7,} ", "muted"), (f"left out: {words}", "muted")))
            for words, count in self.found.left_out.items()
            if count
        ]

    def _minded(self, width: int) -> list[Line]:
        """What is uncertain, in words."""
        lines: list[Line] = []
        for words in self.found.notes:
            first, *rest = wrapped(words, width - 5) or [""]
            lines.append(Line(text(("! ", "warning"), first)))
            lines += [Line(text(f"  {one}")) for one in rest]
        return [Line(rule="What is uncertain"), *lines] if lines else []

    def _candidates(self, width: int) -> list[Line]:
        lines: list[Line] = [Line(rule="In order, the best first")] if len(self.found.candidates) > 1 else []
        for one in self.found.candidates:
            style = _VERDICT.get(one.verdict, "")
            place = f"{one.place:>2}. " if len(self.found.candidates) > 1 else ""
            lines.append(
                Line(
                    text(place, (one_line(one.label), "strong")),
                    text((self._gain(one), ""), (f"  {one.verdict}", style)),
                )
            )
            lines += [Line(text(f"    {part}")) for part in wrapped(one_line(one.says), width - 6)]
        return lines

    def _gain(self, one: Any) -> str:
        raise NotImplementedError

    def _load(self, title: str, load: Sequence[Any]) -> list[Line]:
        """Leads per agent before and after, as bars."""
        if not load:
            return []
        most = max(max(one.before, one.after) for one in load)
        arrow = plain_signs("→", self.plain)
        lines = [Line(rule=title, right=text((f"before {arrow} after", "muted")))]
        for one in load:
            name = fit(one_line(one.name or one.login or "nobody"), 15) + " "
            figures = f" {one.before:,} {arrow} {one.after:,}"
            lines.append(Line(text(name, *self._bars(one.before, one.after, most), figures)))
        return lines

    def _bars(self, before: int, after: int, most: int) -> list[Span]:
        """What stays heavy, what comes on top in another sign, what goes away thin: readable without colour."""
        cells = [round(value / most * BAR) if most else 0 for value in (min(before, after), max(before, after))]
        kept, end = cells
        more = after > before
        signs = ("#", "+", "-") if self.plain else ("▇", "▓", "░")
        change = (signs[1] if more else signs[2]) * (end - kept)
        return [(signs[0] * kept, "accent"), (change, "success" if more else "muted"), (" " * (BAR - end), "")]

    def _lead(self, number: str, name: str | None, words: str, lead_id: int, end: str, style: str) -> Line:
        who = fit(one_line(name or ""), 20) + " "
        return Line(
            text((f"{number}  ", "muted"), who, one_line(words)), text((end, style)), Opens(lead_id), f"l{lead_id}"
        )


@dataclass(frozen=True, slots=True)
class ScoreRows(_Rows):
    """Of scores."""

    found: ScoreRehearsal

    def _ground(self, width: int) -> Iterable[Line]:
        found = self.found
        one = found.candidates[0] if len(found.candidates) == 1 else None
        if one is not None:
            yield from self._load("Hot leads by who had them", one.load)
        yield from self._moves()
        yield from self._worth()
        yield Line(rule="Looked at", right=text((f"{self._period()}, {found.pipeline}", "muted")))
        yield Line(text(f"{found.leads:>7,} leads, {found.converted:,} of them converted, {found.lost:,} lost"))
        yield from self._left_out()

    def _gain(self, one: ScoreCandidate) -> str:
        return "" if one.auc_gain is None else f"AUC {one.auc_gain:+.3f}"

    def _qualities(self) -> list[Line]:
        found = self.found
        base = "" if found.before.base_rate is None else f"{_percent(found.before.base_rate)} of all converted"
        lines = [Line(rule="How well the score tells who converts", right=text((base, "muted")))]
        lines.append(self._quality("rules as they are", found.before))
        lines += [self._quality(one_line(one.label), one.quality) for one in found.candidates[:5]]
        lines.append(
            Line(
                text(
                    (
                        "AUC 0.5 is chance, 1 perfect; lift: what the best fifth converts, against all",
                        "muted",
                    )
                )
            )
        )
        return lines

    def _quality(self, label: str, one: Quality) -> Line:
        auc = "AUC –" if one.auc is None else f"AUC {one.auc:.3f}"
        within = "" if one.auc_low is None or one.auc_high is None else f" ({one.auc_low:.2f}–{one.auc_high:.2f})"
        lift = "lift –" if one.lift is None else f"lift {one.lift:.2f}"
        right = f"{auc}{within}  {lift}  {one.hot.n:,} hot"
        return Line(text(label), text(plain_signs(right, self.plain)))

    def _moves(self) -> list[Line]:
        if len(self.found.candidates) != 1:
            return []
        one = self.found.candidates[0]
        lines = [Line(rule="Who moves")]
        groups = (
            ("become hot", one.became_hot), ("are hot no longer", one.no_longer_hot),
            ("become qualified", one.became_qualified), ("are qualified no longer", one.no_longer_qualified),
        )  # fmt: skip
        for words, group in groups:
            if group.n:
                rate = f", {_percent(group.rate)} of them converted"
                lines.append(Line(text((f"{group.n:>7,} ", "strong"), f"{words}{rate}")))
        arrow = plain_signs("→", self.plain)
        for mover in one.movers:
            became = "converted" if mover.converted else "lost" if mover.lost else "open"
            lines.append(
                self._lead(
                    mover.lead_number, mover.name, f"{_score(mover.before)} {arrow} {_score(mover.after)}",
                    mover.lead_id, became, "success" if mover.converted else "muted",
                )
            )  # fmt: skip
        return (
            lines if len(lines) > 1 else [*lines, Line(text(("Nobody crosses the line to hot or qualified.", "muted")))]
        )

    def _worth(self) -> list[Line]:
        if not self.found.rules:
            return []
        lines = [Line(rule="What each rule is worth", right=text(("had it  converted  lift", "muted")))]
        for one in self.found.rules:
            lines += self._rule(one)
        return lines

    def _rule(self, one: RuleWorth) -> list[Line]:
        style = _SURE.get(one.certainty, "")
        lift = "–" if one.alone.lift is None else f"{one.alone.lift:.2f}"
        words = f"{one.place:>2}. {one_line(one.name)}{'' if one.is_active else ' (off)'}"
        new = (" new", "accent") if one.is_new else ("", "")
        right = plain_signs(f"{one.alone.having.n:>7,}  {_percent(one.alone.having.rate):>9}  {lift:>4}", self.plain)
        lines = [Line(text((words, style), (f"  {one_line(one.gives)}", "muted"), new), text((right, style)))]
        if one.certainty != "sure" or one.unknown:
            lines.append(Line(text((f"      {one_line(one.says)}", "muted"))))
        return lines


@dataclass(frozen=True, slots=True)
class AssignRows(_Rows):
    """Of who gets leads."""

    found: AssignmentRehearsal

    def _ground(self, width: int) -> Iterable[Line]:
        found = self.found
        one = found.candidates[0] if len(found.candidates) == 1 else None
        quality = one.quality if one is not None else found.before
        yield from self._load("Leads per agent: as it was, and as it would have been", quality.load)
        yield from self._moves(one)
        yield Line(rule="Looked at", right=text((f"{self._period()}, {found.pipeline}", "muted")))
        yield Line(text(f"{found.leads:>7,} leads, {found.converted:,} of them converted"))
        yield from self._left_out()

    def _gain(self, one: RoutingCandidate) -> str:
        return "" if one.gain is None else f"{one.gain * 100:+.1f} points"

    def _qualities(self) -> list[Line]:
        found = self.found
        really = f"{_percent(found.real.rate)} of all converted" if found.real.n else ""
        lines = [Line(rule="Where the steps agree with what was done", right=text((really, "muted")))]
        lines.append(self._quality("steps as they are", found.before))
        lines += [self._quality(one_line(one.label), one.quality) for one in found.candidates[:5]]
        return lines

    def _quality(self, label: str, one: RoutingQuality) -> Line:
        matched = one.replay.matched
        nobody = f", {one.nobody:,} to nobody" if one.nobody else ""
        right = f"{matched.n:,} alike, {_percent(matched.rate)} converted{_within(matched)}{nobody}"
        return Line(text(label), text(plain_signs(right, self.plain)))

    def _moves(self, one: RoutingCandidate | None) -> list[Line]:
        if one is None:
            return []
        lines = [Line(rule="Who would have got what", right=text((f"{one.changed:,} go to another", "muted")))]
        arrow = plain_signs("→", self.plain)
        for moved in one.examples:
            words = f"{moved.before or 'nobody'} {arrow} {moved.after or 'nobody'}"
            end = f"really {moved.really or 'nobody'}" + (", converted" if moved.converted else "")
            lines.append(self._lead(moved.lead_number, moved.name, words, moved.lead_id, end, "muted"))
            lines += [Line(text((f"    {one_line(why)}", "muted"))) for why in moved.why[-2:-1]]  # the last says who
        return (
            lines
            if one.examples
            else [*lines, Line(text(("Nobody: every lead goes where it went by the steps as they are.", "muted")))]
        )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f}%"


def _within(share: Share) -> str:
    """Where the true rate lies, with 95 %."""
    return "" if share.interval is None else " ({}–{})".format(*(_percent(one) for one in share.interval))


def _score(score: int | None) -> str:
    return "–" if score is None else str(score)
