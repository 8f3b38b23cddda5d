"""Opening the office behind the first paint: who waits for it, and what is shown when it cannot be opened."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from leadtui.config import log_path
from leadtui.errors import LeadtuiError

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from leadtui.app import LeadApp


REST_S = 1.5
"""How long after the office is open everything that can wait waits, so that the first rows come first."""


class OfficeLike(Protocol):
    """What the shell itself needs of the services' Office."""

    @property
    def actor(self) -> Any:
        """Who acts; has `may(action)`."""

    def close(self) -> None:
        """Give the database back."""


class JobsLike(Protocol):
    """What the shell needs of the jobs beside the screens (`leadtui.jobs.runner`)."""

    def start(self) -> None:
        """Begin; called in a thread, for it loads the scheduler."""

    def ask_to_stop(self) -> None:
        """Begin to end; returns at once."""

    def stop(self) -> bool:
        """End, waiting for less than a second; whether all of it ended."""


class Opening:
    """The way from the first paint to an open office."""

    def __init__(
        self,
        app: LeadApp,
        open_office: Callable[[], OfficeLike] | None,
        make_jobs: Callable[[Any], JobsLike] | None = None,
    ) -> None:
        self.app = app
        self.open_office = open_office
        self.make_jobs = make_jobs
        self._waiting: list[tuple[DOMNode, Callable[[], None]]] = []

    def start(self) -> None:
        """Open the office in a thread; the database is imported there."""
        if self.open_office is not None and self.app.office is None:
            self.app.background.start(
                self.app, self.open_office, then=self.opened, failed=self._failed, group="office.open"
            )

    def opened(self, office: OfficeLike) -> None:
        """The office is open: whoever waited loads."""
        self.app.office = office
        waiting, self._waiting = self._waiting, []
        for node, call in waiting:
            if node.is_running:
                node.call_later(call)
        self.app.refresh_hints()
        self.app.set_timer(REST_S, self._at_rest)

    def _at_rest(self) -> None:
        """The first rows are shown: what they did not need is done now."""
        # What was imported stays for good; the collector was off while it came (see start.py).
        gc.freeze()
        gc.enable()
        from leadtui.screens.pending_jobs import settle_quietly

        settle_quietly(self.app)
        self.app.reminding.start()
        if self.make_jobs is not None and self.app.jobs is None and not self.app.leaving:
            self.app.jobs = self.make_jobs(self.app.office)
            self.app.background.start(self.app, self.app.jobs.start, group="jobs.start")

    def when_open(self, node: DOMNode, call: Callable[[], None]) -> None:
        """Call at once when the office is open, else when it is."""
        if self.app.office is None:
            self._waiting.append((node, call))
        else:
            node.call_later(call)

    def first_run(self) -> None:
        """No database yet: make one, or open the demo. The screen answers with a way to open the office, or None."""
        from leadtui.screens.first_run import FirstRunScreen

        def chosen(open_office: Callable[[], OfficeLike] | None) -> None:
            if open_office is None:
                self.app.exit(0)
            else:
                self.open_office = open_office
                self.start()

        self.app.push_screen(FirstRunScreen(), chosen)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError) and error.code == "no_database":
            self.first_run()
            return
        from leadtui.screens.problem import Problem

        self.app.push_screen(Problem(error, self.start, log_path(self.app.settings)))
