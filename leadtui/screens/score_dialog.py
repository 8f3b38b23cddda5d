"""Why a lead has its score: every rule with its points, those that triggers gave, the sum."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.domain.scoring import BONUS, Explained
from leadtui.screens.base import LeadModal
from leadtui.widgets.text import fit, one_line

_NAME, _GROUP, _POINTS = 38, 14, 7
"""Cells of a row's parts."""


class ScoreDialog(LeadModal[None]):
    """The rules in the order they are asked; what gave nothing is dim."""

    DEFAULT_CSS: ClassVar[str] = """
    ScoreDialog VerticalScroll { height: auto; max-height: 15; }
    ScoreDialog .rule { height: 1; }
    ScoreDialog .sum { height: 1; margin-top: 1; }
    ScoreDialog .buttons { margin-top: 1; }
    """

    def __init__(self, scored: Explained) -> None:
        super().__init__()
        self.scored = scored

    def body(self) -> ComposeResult:
        """A row for each rule, then the sum."""
        found = self.scored
        score = "no score" if found.score is None else f"score {found.score}"
        word = "hot" if found.hot else "qualified" if found.qualified else ""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(f"{one_line(found.lead_number)}: {score}{f', {word}' if word else ''}")
            with VerticalScroll(id="rules"):
                if not found.lines and not found.bonus:
                    yield Static("no rule gives points to leads of its pipeline", classes="rule")
                for line in found.lines:
                    yield _row(line.name, line.group, line.points)
                if found.bonus:
                    yield _row(BONUS, "triggers", found.bonus)
            if found.raw is not None:
                kept = f", kept within 0 to 100: {found.score}" if found.raw != found.score else ""
                yield Static(Content(f"sum {found.raw}{kept}"), classes="sum")
            with Horizontal(classes="buttons"):
                yield Button("Close", id="close")

    def on_mount(self) -> None:
        """Long lists can be scrolled at once."""
        self.query_one("#rules" if len(self.scored.lines) > 15 else "#close").focus()

    @on(Button.Pressed, "#close")
    def close_it(self) -> None:
        """Back."""
        self.dismiss(None)


def _row(name: str, group: str, points: int) -> Static:
    shown = f"{points:+d}" if points else ""
    words = Content.assemble(
        (fit(one_line(name), _NAME), "" if points else "$text-muted"), " ",
        (fit(one_line(group).replace("_", " "), _GROUP), "$text-muted"), shown.rjust(_POINTS),
    )  # fmt: skip
    return Static(words, classes="rule")
