"""Progress of long work at the foot of a screen; esc stops it, what is done stays."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from leadtui.background import Job

if TYPE_CHECKING:
    from leadtui.screens.base import LeadScreen
from leadtui.widgets.text import fit, one_line

T = TypeVar("T")
Report = Callable[[int, int, str], None]
SECONDS_BETWEEN = 0.1
"""At most ten reports a second are shown (facts §2.6)."""


class TaskBar(Widget):
    """One line, seen only while its work is under way."""

    DEFAULT_CSS: ClassVar[str] = """
    TaskBar { height: 1; display: none; background: $primary-muted; color: $foreground; }
    TaskBar:ansi { background: ansi_default; text-style: reverse; }
    TaskBar.-busy { display: block; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.job: Job | None = None
        self.title_text = ""
        self.progress: tuple[int, int, str] = (0, 0, "")
        self._reported = self.progress
        self._is_due = False
        self._last = 0.0

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self.job is not None and not self.job.done

    def run(
        self,
        screen: LeadScreen[Any],
        func: Callable[[Report, Callable[[], bool]], T],
        *,
        title: str,
        then: Callable[[T], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
        cancel: Callable[[], None] | None = None,
    ) -> Job:
        """Run `func(report, should_stop)`; it calls `report(done, total, text)` as often as it likes."""
        holder: list[Job] = []
        self._last = 0.0
        self.title_text, self.progress = title, (0, 0, "")
        self._reported = self.progress
        self.add_class("-busy")

        def work() -> T:
            return func(self._report, lambda: bool(holder) and holder[0].should_stop())

        def ended(call: Callable[[Any], object] | None, value: Any) -> None:
            self.remove_class("-busy")
            if call is not None:
                call(value)

        job = screen.run_blocking(
            work,
            then=partial(ended, then),
            failed=partial(ended, failed or screen.lead_app.report),
            title=title,
            cancel=cancel,
        )
        holder.append(job)
        self.job = job
        self.refresh()
        return job

    def stop(self) -> bool:
        """Ask the work to stop. False when there is none."""
        if self.job is None or self.job.done:
            return False
        self.job.stop()
        self.refresh()
        return True

    def _report(self, done: int, total: int, text: str = "") -> None:
        """From the thread."""
        self._reported = (done, total, text)
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN or (total and done >= total):
            self._last = now
            self.call_later(self._show)
        elif not self._is_due:  # the last report before a long silence must not be lost
            self._is_due = True
            self.call_later(self.set_timer, SECONDS_BETWEEN, self._show)

    def _show(self) -> None:
        self._is_due = False
        self.progress = self._reported
        self.refresh()

    def render(self) -> RenderResult:
        """`Importing 3,200 of 10,000 — esc stops`."""
        done, total, text = self.progress
        figures = f" {done:,} of {total:,}" if total else f" {done:,}" if done else ""
        stopping = self.job is not None and self.job.should_stop()
        end = " — stopping" if stopping else " — esc stops"  # however long the text is
        words = one_line(f" {self.title_text}{figures} {text}".rstrip())
        return Content(fit(words, max(1, self.size.width - len(end))).rstrip() + end)
