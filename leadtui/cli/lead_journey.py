"""`lead journey`: how a lead went through its statuses, who was in touch with it, where it left off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from leadtui.cli.context import office
from leadtui.cli.lead_find import Ref
from leadtui.cli.output import emit, pairs, table, terminal_width
from leadtui.domain.journeys import EVENT_WORDS, Stay, span_words

if TYPE_CHECKING:
    from leadtui.domain.journeys import Journey
    from leadtui.domain.shapes import View


def journey(ref: Ref) -> None:
    """Show a lead's way: its statuses with their durations, contacts, conversion, where it left off, idle times."""
    from leadtui.cli import render
    from leadtui.services import journeys

    with office() as opened:
        found = journeys.of(opened, ref)
        view = render.View.of(opened)
    emit(found.as_json(), lambda: _text(found, view))


def _text(found: Journey, view: View) -> str:
    parts = [f"{found.number}  {found.title}", _trail(found.stays), _facts(found, view), _stays(found, view)]
    if found.touches:
        counts = [(kind.replace("_", " "), n["out"], n["in"]) for kind, n in found.by_type.items()]
        parts.append("Contacts\n" + table(("kind", "to the lead", "from it"), counts, right=[1, 2]))
    if found.events:
        events = [(view.local(e.at), EVENT_WORDS[e.event], e.detail) for e in found.events]
        parts.append("Conversion\n" + table(("when", "what", ""), events))
    if found.gaps:
        gaps = [
            (view.local(g.since), view.local(g.until) or "now", span_words(g.seconds), g.status) for g in found.gaps
        ]
        parts.append("Nothing happened\n" + table(("from", "to", "for", "status"), gaps, right=[2]))
    return "\n\n".join(parts)


def _trail(stays: tuple[Stay, ...]) -> str:
    """The statuses on one drawn line, which goes on below where the terminal ends: `○ New ─2d─ ○ Contacted …`."""
    from rich.cells import cell_len

    room = terminal_width()
    lines = [""]
    for stay in stays:
        piece = f"{'← ' if stay.moved_back else ''}{stay.stage.mark} {stay.stage.name}"
        if stay.left_at is not None:
            piece += f" ─{span_words(stay.seconds)}─ "
        elif stay.seconds is not None:
            piece += f" ─{span_words(stay.seconds)}─▶"
        if room is not None and lines[-1] and cell_len(lines[-1] + piece) > room:
            lines.append("  ")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _facts(found: Journey, view: View) -> str:
    out = len(found.touches) - found.incoming
    ended = {"open": "so far", "converted": "to the conversion", "lost": "until it was lost"}[found.state]
    answered = span_words(found.first_response_s) if found.first_response_s is not None else "nobody yet"
    drop = found.drop_off
    left_off = None
    if drop is not None and drop.kind == "lost":
        left_off = f"{drop.status or 'at once'} · {view.local(drop.at)}" + (f" · {drop.reason}" if drop.reason else "")
    elif drop is not None:
        left_off = f"{drop.status} · there for {span_words(drop.seconds)}, {span_words(drop.over_s)} too long"
    return pairs(
        (
            ("In all", f"{span_words(found.total_s)} {ended}"),
            ("First response", answered),
            ("Contacts", f"{len(found.touches):,} ({out:,} to the lead, {found.incoming:,} from it)"),
            ("Lost from" if found.state == "lost" else "Stands still in", left_off),
        )
    )


def _stays(found: Journey, view: View) -> str:
    rows = [
        (stay.stage.name, view.local(stay.entered_at), span_words(stay.seconds), stay.by, _how(stay), stay.reason)
        for stay in found.stays
    ]
    return "Statuses\n" + table(("status", "since", "for", "by", "", "reason"), rows, right=[2])


def _how(stay: Stay) -> str:
    return "reopened" if stay.reopened else "moved back" if stay.moved_back else ""


def register(app: typer.Typer) -> None:
    """Put the verb on `lead`."""
    app.command("journey")(journey)
