"""What the rules make of one lead, line by line: whom it goes to, or how its score comes about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, stack, text, wrapped
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.scoring import Explained
    from leadtui.services.rule_preview import Chosen


class TryDialog(LeadModal[None]):
    """Begins with the newest lead that nobody has; "Another lead" chooses. `kind`: score or assign."""

    CSS = """
    TryDialog > .dialog { width: 90; height: 18; }
    TryDialog.-tall > .dialog { height: 26; }
    TryDialog Sheet { height: 1fr; }
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def body(self) -> ComposeResult:
        """The lines, buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Who gets it" if self.kind == "assign" else "How the score comes about"
            yield Sheet(cursor=False, id="lines")
            with Horizontal(classes="buttons"):
                yield Button("Another lead", id="other", variant="primary")
                yield Button("Close", id="close")

    def office_ready(self) -> None:
        """The first lead."""
        self.query_one("#other", Button).focus()
        self._try(None)

    def _try(self, lead_id: int | None) -> None:
        office, kind = self.office, self.kind

        def read() -> Any:
            from leadtui.services import rule_preview, scoring

            chosen = lead_id or rule_preview.first_unassigned(office)
            if chosen is None:
                return None
            return rule_preview.chosen(office, [chosen])[0] if kind == "assign" else scoring.explain(office, chosen)

        self.run_blocking(read, then=self._came, failed=self._refused, group="rule.try")

    def _refused(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError):
            self._show([Line(text((error.message, "error")))])
        else:
            self.lead_app.report(error)

    def _came(self, found: Any) -> None:
        if found is None:
            self._show([Line(text(("There is no lead yet.", "muted")))])
            return
        width = self.query_one(Sheet).size.width - 4
        self._show(_who(found, width) if self.kind == "assign" else _score(found))

    def _show(self, lines: Sequence[Line]) -> None:
        self.query_one(Sheet).show(lambda width: stack(list(lines), width), keep_place=False)

    @on(Button.Pressed, "#other")
    def other(self) -> None:
        """Which lead."""
        from leadtui.screens.loan_dialogs import find_leads
        from leadtui.screens.picker import Picker

        office = self.office
        action = "assign" if self.kind == "assign" else "read"

        def chosen(lead_id: str | None) -> None:
            if lead_id is not None:
                self._try(int(lead_id))

        self.app.push_screen(Picker("Which lead?", lambda words: find_leads(office, words, action)), chosen)

    @on(Button.Pressed, "#close")
    def close_it(self) -> None:
        """Back."""
        self.dismiss(None)


def choice_lines(found: Chosen, width: int) -> list[Line]:
    """How the rules come to their choice, a line per rule."""
    return [Line(text(f"  {part}")) for one in found.lines for part in wrapped(one_line(one), max(width, 20))]


def _who(found: Chosen, width: int) -> list[Line]:
    lead = found.lead
    name = "" if lead.title == lead.number else one_line(lead.title)
    head = Line(text((f"{lead.number} ", "muted"), name), text(("goes to ", "muted"), (found.words, "strong")))
    return [head, Line(), *choice_lines(found, width)]


def _score(found: Explained) -> list[Line]:
    shown = "–" if found.score is None else str(found.score)
    cut = f"  (sum {found.raw})" if found.raw not in (None, found.score) else ""
    head = Line(text((found.lead_number, "muted")), text(("score ", "muted"), (shown, "strong"), (cut, "muted")))
    lines = [
        Line(
            text((f"{line.points:>+6} " if line.points else "     – ", "" if line.points else "muted"),
                 (one_line(line.name), "" if line.points else "muted")),
            text((one_line(line.group), "muted")),
        )
        for line in found.lines
    ]  # fmt: skip
    bonus = [Line(text(f"{found.bonus:>+6} given by triggers"))] if found.bonus else []
    return [head, Line(), *lines, *bonus]
