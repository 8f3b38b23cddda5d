"""The base of screens made of cards and a wall of panels: the cursor goes from panel to panel by arrows and tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on

from leadtui.commands import BY_ID, Command
from leadtui.screens.base import LeadScreen
from leadtui.widgets.cards import Cards
from leadtui.widgets.panel import MOVES, Panel
from leadtui.widgets.wall import Wall

_MOVES: Final = tuple(BY_ID[one] for one in sorted(MOVES))


class WallScreen(LeadScreen[None]):
    """Subclasses yield `Cards` and a `Wall` of panels from `body`, and say what `Panel.Opened` opens."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: Panel | None = None

    @property
    def cards(self) -> Cards:
        """The cards on top."""
        return self.query_one(Cards)

    @property
    def wall(self) -> Wall:
        """The panels below."""
        return self.query_one(Wall)

    @property
    def panels(self) -> Sequence[Panel]:
        """Cards and panels, in the order of tab."""
        return [self.cards, *self.wall.panels]

    @property
    def panel(self) -> Panel:
        """The panel with the cursor; while a line is written, the one that had it."""
        focused = self.focused
        if isinstance(focused, Panel):
            return focused
        return self._kept if self._kept is not None and self._kept.display else self.cards

    def go(self, panel: Panel) -> None:
        """Give a panel the cursor and bring it on the screen."""
        self._kept = panel
        panel.focus(scroll_visible=False)
        if panel is not self.cards:
            self.wall.bring(panel)

    def on_resize(self) -> None:
        """The panel with the cursor stays on the screen."""
        if self.panel is not self.cards:
            self.call_after_refresh(self.wall.bring, self.panel)

    @on(Panel.Left)
    def leave_panel(self, event: Panel.Left) -> None:
        """The cursor goes on in the panel beside, above or below."""
        target: Panel | None
        if event.panel is self.cards:
            target = self.wall.panels[0] if event.dy > 0 and self.wall.panels else None
        else:
            target = self.wall.beside(event.panel, event.dx, event.dy)
            if target is None and event.dy < 0:
                target = self.cards
        if target is not None:
            target.enter_from(event.dx, event.dy)
            self.go(target)

    @on(Panel.Moved)
    def moved(self) -> None:
        """Another figure may be opened, or none."""
        self._refresh_hints()

    def on_descendant_focus(self) -> None:
        """By the mouse too."""
        if isinstance(self.focused, Panel):
            self._kept = self.focused
        self._refresh_hints()

    def do_next_panel(self) -> None:
        """Tab."""
        self._turn(1)

    def do_previous_panel(self) -> None:
        """Shift and tab."""
        self._turn(-1)

    def _turn(self, step: int) -> None:
        panels = list(self.panels)
        place = panels.index(self.panel) if self.panel in panels else 0
        self.go(panels[(place + step) % len(panels)])

    def commands(self) -> tuple[Command, ...]:
        """The moves of a panel too."""
        return (*_MOVES, *super().commands())
