"""Rehearsals of rules as text for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Final

from leadtui.cli.output import table
from leadtui.domain.lift import Share
from leadtui.services.rehearsal_records import (
    AssignmentRehearsal,
    Load,
    RoutingCandidate,
    RoutingQuality,
    ScoreCandidate,
    ScoreRehearsal,
)

_MANY: Final = 10


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None else format(value, form)


def _range(share: Share) -> str:
    interval = share.interval
    return "" if interval is None else f"{100 * interval[0]:.0f}–{100 * interval[1]:.0f} %"


def _of(share: Share) -> str:
    return f"{share.n:,} ({share.hits:,} converted)" if share.n else "none"


def _head(found: ScoreRehearsal | AssignmentRehearsal, tz: tzinfo) -> str:
    since = found.date_from.astimezone(tz)
    rate = _percent(found.converted / found.leads if found.leads else None)
    return (
        f"{found.pipeline}: {found.leads:,} leads since {since:%d %b %Y}, "
        f"{found.converted:,} converted ({rate}), {found.lost:,} lost"
    )


def _notes(notes: Iterable[str]) -> list[str]:
    return ["", *(f"- {note}" for note in notes)] if notes else []


def scores_text(found: ScoreRehearsal, tz: tzinfo, *, details: bool) -> str:
    """Candidates and rules, ranked; with `details` what the first candidate does to leads and agents."""
    rows = [("", "as it is", _number(found.before.auc), "", _number(found.before.lift, ".2f"), "")]
    rows += [
        (str(one.place), one.label, _number(one.quality.auc), _number(one.auc_gain, "+.3f"),
         _number(one.quality.lift, ".2f"), one.verdict)
        for one in found.candidates
    ]  # fmt: skip
    parts = [_head(found, tz), "", table(("", "rules", "AUC", "gain", "lift of best fifth", ""), rows, right=[2, 3, 4])]
    if details:
        for one in found.candidates[:1]:
            parts += _score_details(one)
    parts += ["", table(
        ("", "rule by itself", "gives", "has it", "converted", "95 %", "others", ""),
        [
            (str(one.place), one.name + (" (new)" if one.is_new else "" if one.is_active else " (rests)"), one.gives,
             f"{one.alone.having.n:,}", _percent(one.alone.having.rate), _range(one.alone.having),
             _percent(one.alone.rest.rate), _CERTAIN[one.certainty])
            for one in found.rules
        ],
        right=[3, 4, 6],
    )]  # fmt: skip
    return "\n".join([*parts, *_notes(found.notes)])


_CERTAIN: Final = {"sure": "surely", "unsure": "may be chance", "few": "too few", "none": "tells nothing"}


def _score_details(one: ScoreCandidate) -> list[str]:
    parts = ["", f"{one.label}: {one.says}", ""]
    moved = (
        ("become hot", one.became_hot), ("are hot no longer", one.no_longer_hot),
        ("become qualified", one.became_qualified), ("are qualified no longer", one.no_longer_qualified),
    )  # fmt: skip
    parts += [f"  {words}: {_of(share)}" for words, share in moved]
    if one.movers:
        parts += ["", table(
            ("lead", "name", "before", "after", "came of it"),
            [(m.lead_number, m.name or "", m.before, m.after,
              "converted" if m.converted else "lost" if m.lost else "open") for m in one.movers[:_MANY]],
            right=[2, 3],
        )]  # fmt: skip
    return parts + _load("hot leads of", "before", "after", one.load)


def _load(title: str, before: str, after: str, loads: Iterable[Load]) -> list[str]:
    rows = [(load.login or "nobody", f"{load.before:,}", f"{load.after:,}") for load in loads]
    return ["", table((title, before, after), rows, right=[1, 2])] if rows else []


def assignment_text(found: AssignmentRehearsal, tz: tzinfo, *, details: bool) -> str:
    """Lists of rules, ranked by what their choices convert at least; with `details` what the first one does."""
    rows = [_row("", "as it is", found.before, "", "")]
    rows += [
        _row(str(one.place), one.label, one.quality, _number(None if one.gain is None else 100 * one.gain, "+.1f"),
             one.verdict)
        for one in found.candidates
    ]  # fmt: skip
    headers = ("", "rules", "agrees with", "converted", "95 %", "gain", "largest load", "nobody", "")
    parts = [_head(found, tz), "", table(headers, rows, right=[2, 3, 5, 6, 7])]
    if details:
        for one in found.candidates[:1]:
            parts += _routing_details(one)
    else:
        parts += _load("leads of", "really", "by the rules", found.before.load)
    return "\n".join([*parts, *_notes(found.notes)])


def _row(place: str, label: str, quality: RoutingQuality, gain: str, verdict: str) -> tuple[str, ...]:
    matched = quality.replay.matched
    spread = "–" if quality.spread is None else f"{quality.spread:.2f} × mean"
    return (
        place, label, f"{matched.n:,}", _percent(matched.rate), _range(matched), gain, spread, f"{quality.nobody:,}",
        verdict,
    )  # fmt: skip


def _routing_details(one: RoutingCandidate) -> list[str]:
    parts = ["", f"{one.label}: {one.says}", f"  {one.changed:,} leads would have gone to another"]
    parts += _load("leads of", "really", "after", one.quality.load)
    if one.examples:
        parts += ["", table(
            ("lead", "name", "really", "before", "after", "why"),
            [(m.lead_number, m.name or "", m.really or "nobody", m.before or "nobody", m.after or "nobody",
              "; ".join(m.why)) for m in one.examples[:_MANY]],
        )]  # fmt: skip
    return parts
