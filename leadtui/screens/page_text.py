"""A page of a wizard or a dialog as styled text: headings, labelled rows, plans as a diff, progress. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual.content import Content

from leadtui.widgets.sheet_lines import wrapped
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from leadtui.domain.conversion import PlanStep, StepEvent
    from leadtui.errors import LeadtuiError

Part = str | tuple[str, str]

LABEL: Final = 14
"""Cells of the labels at the left."""
_MARKS: Final = {
    "will": ("", ""),
    "ok": (" ✓", "$text-success"),
    "warn": (" !", "$text-warning"),
    "bad": (" ✗", "$text-error"),
}
_SIGNS: Final = {"+": "bold $text-success", "~": "bold $text-warning", "-": "bold $text-error", "=": "dim"}
_EVENTS: Final = {"started": ("…", "$text-accent"), "done": ("✓", "$text-success"), "failed": ("✗", "$text-error")}


class Page:
    """A page in the making, for `width` cells: what is too long goes on below itself, in its own column.

    Foreign text comes as one line, without controls, and is never markup.
    """

    def __init__(self, width: int) -> None:
        self.width = max(width, 30)
        self.parts: list[Part] = []

    def content(self) -> Content:
        """The page."""
        return Content.assemble(*self.parts)

    def rule(self, words: str) -> None:
        """A heading with a line to the right edge."""
        words = fit(words, min(cell_len(words), self.width - 6))
        self.parts += [(f"─ {words} ", "bold"), ("─" * (self.width - cell_len(words) - 3), "dim"), "\n"]

    def gap(self) -> None:
        """An empty line."""
        self.parts.append("\n")

    def say(self, words: str, style: str = "") -> None:
        """A sentence, from the left edge."""
        self.parts += [("\n".join(wrapped(words, self.width)), style), "\n"]

    def row(self, label: str, text: str, style: str = "", *, left: int = LABEL) -> None:
        """A label and a text beside it, which begins at cell `left`."""
        self.parts += [(fit(one_line(label), left - 1), "dim"), " ", (self._beside(text, left) or "–", style), "\n"]

    def exactly(self, label: str, text: str, *, left: int = LABEL) -> None:
        """The same for what is copied sign by sign, such as a password: no blank of it is lost."""
        self.parts += [(fit(one_line(label), left - 1), "dim"), " ", (text, "bold"), "\n"]

    def _beside(self, text: str, left: int) -> str:
        """`text` in the column that begins at cell `left`."""
        return f"\n{' ' * left}".join(wrapped(one_line(text), self.width - left))

    def plan(self, steps: Iterable[PlanStep]) -> None:
        """What would be made or changed, as a diff: where, what becomes of it (+ ~ = -), what, what is known of it."""
        last = ""
        for step in steps:
            self._step(step, "" if step.where == last else step.where)
            last = step.where

    def _step(self, step: PlanStep, where: str) -> None:
        mark, style = _MARKS[step.state]
        mark = "" if step.sign == "-" else mark  # what goes is said by its sign
        words = one_line(step.what.rstrip().removesuffix("✓").rstrip())
        left = LABEL + 2 + len(words) - len(words.lstrip())
        what = " " * (left - LABEL - 2) + self._beside(words + mark, left)
        detail = one_line(step.detail.partition("\n")[0])
        self.parts += [
            (fit(one_line(where), LABEL - 1), "dim"), " ", (f"{step.sign or ' '} ", _SIGNS.get(step.sign, "")),
            (what, style),
        ]  # fmt: skip
        if detail and "\n" not in what and LABEL + 4 + cell_len(what) + cell_len(detail) <= self.width:
            self.parts.append((f"  {detail}", "dim"))
        elif detail:
            self.parts.append((f"\n{' ' * left}{self._beside(detail, left)}", "dim"))
        self.gap()

    def circumstances(self, error: LeadtuiError, *, steps: dict[str, str], nothing: str = "") -> None:
        """Of a failure: what the router said, at which step, what exists now. `nothing`: said where that is unknown."""
        if said := getattr(error, "router_said", None):
            self.row("router said", str(said))
        if step := steps.get(str(error.data.get("step", "")), steps.get("", "")):
            self.row("step", step)
        if exists := str(error.data.get("exists") or nothing):
            self.row("the router", exists)


def progress(events: Sequence[StepEvent], width: int) -> Content:
    """The steps as they come: one line each, the last word on it stands."""
    latest = {event.key: event for event in events}
    page = Page(width)
    page.rule("Progress")
    for event in latest.values():
        mark, style = _EVENTS[event.state]
        page.parts += [(f" {mark} ", style), page._beside(event.text, 3), "\n"]
    return page.content()
