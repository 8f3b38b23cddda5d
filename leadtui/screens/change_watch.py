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
    """Calls `changed` when the mark of the database moved. Reading the mark is one short query in a thread.

    With `every` (seconds, and seconds on slow lines) it looks that often, whether anybody moves or not: for screens
    where nothing moves under the cursor. `looked` is called after each look that was answered.
    """

    def __init__(
        self,
        screen: LeadScreen[Any],
        changed: Callable[[], None],
        *,
        every: tuple[float, float] | None = None,
        looked: Callable[[], None] | None = None,
    ) -> None:
        self._screen = screen
        self._changed = changed
        self._every = every
        self._looked = looked
        self._touched = monotonic()
        self._mark: object = None
        self._looking = False

    def start(self) -> None:
        """From mounting on."""
        screen = self._screen
        usual, slow = self._every or (SECONDS, SECONDS_SLOW)
        screen.set_interval(slow if screen.lead_app.slow else usual, self.look)
        screen.watch(screen.app, "app_focus", self._focus_changed, init=False)
        if self._every is None:
            screen.lead_app.opening.when_open(screen, self._begin)

    def _begin(self) -> None:
        """The mark before anything is read: what comes between that reading and the first look is a change."""
        self._looking = True
        screen = self._screen
        screen.run_blocking(
            change_mark, screen.office, then=self._began, failed=self._not_seen, group="leads.change_mark"
        )

    def _began(self, mark: object) -> None:
        self._looking = False
        if self._mark is None:
            self._mark = mark

    def touched(self) -> None:
        """The person does something: nothing moves under the cursor now."""
        self._touched = monotonic()

    def known(self, mark: object) -> None:
        """What is shown was read after this mark: whatever came later is a change."""
        self._mark = mark

    def _focus_changed(self, focused: bool) -> None:
        if focused:
            self.look(at_once=True)

    def look(self, *, at_once: bool = False) -> None:
        """Ask for the mark; `at_once` also when somebody moved just now."""
        screen = self._screen
        resting = at_once or self._every is not None or monotonic() - self._touched >= SECONDS
        if screen.lead_app.office is None or not resting or self._looking or screen.app.screen is not screen:
            return
        self._looking = True  # a database that is slow to answer is not asked twice
        screen.run_blocking(
            change_mark, screen.office, then=self._seen, failed=self._not_seen, group="leads.change_mark"
        )

    def _not_seen(self, error: Exception) -> None:
        self._looking = False

    def _seen(self, mark: object) -> None:
        self._looking = False
        known, self._mark = self._mark, mark
        if self._looked is not None:
            self._looked()
        if known is not None and known != mark:
            self._changed()
