"""Looks now and then whether another process changed leads, while a screen is in front and nobody is moving in it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from leadtui.screens.base import LeadScreen
from leadtui.screens.lead_pages import change_mark

SECONDS, SECONDS_SLOW = 5.0, 15.0
"""Between two looks; also how long nobody must have moved."""


class ChangeWatch:
    """Calls `changed` when the mark of the database moved. Reading the mark is one short query in a thread."""

    def __init__(self, screen: LeadScreen[Any], changed: Callable[[], None]) -> None:
        self._screen = screen
        self._changed = changed
        self._touched = monotonic()
        self._mark: object = None

    def start(self) -> None:
        """From mounting on."""
        screen = self._screen
        screen.set_interval(SECONDS_SLOW if screen.lead_app.slow else SECONDS, self.look)
        screen.watch(screen.app, "app_focus", self._focus_changed, init=False)

    def touched(self) -> None:
        """The person does something: nothing moves under the cursor now."""
        self._touched = monotonic()

    def _focus_changed(self, focused: bool) -> None:
        if focused:
            self.look(at_once=True)

    def look(self, *, at_once: bool = False) -> None:
        """Ask for the mark; `at_once` also when somebody moved just now."""
        screen = self._screen
        resting = at_once or monotonic() - self._touched >= SECONDS
        if screen.lead_app.office is None or not resting or screen.app.screen is not screen:
            return
        screen.run_blocking(
            change_mark, screen.office, then=self._seen, failed=lambda error: None, group="leads.change_mark"
        )

    def _seen(self, mark: object) -> None:
        known, self._mark = self._mark, mark
        if known is not None and known != mark:
            self._changed()
