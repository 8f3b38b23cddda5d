"""What was asked of routers and is under way or was left open: conversions, suspensions …; and settling it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.router.port import CancelToken
from leadtui.screens.base import LeadModal
from leadtui.widgets.hints import Hints, TitleLine
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.app import LeadApp
    from leadtui.background import Job
    from leadtui.services.conversion import PendingJob, Resolution

_WORDS = {
    "planned": "nothing was sent yet", "applying": "the router may have been changed",
    "unknown": "the router must be looked at",
    "failed": "undone; looked at again for a late answer",
}  # fmt: skip


class PendingJobs(LeadModal[None]):
    """A few rows at most: shown as text. R settles those that nobody works on."""

    SCOPE = "pending"
    DEFAULT_CSS: ClassVar[str] = """
    PendingJobs #sheet { width: 100%; height: 100%; background: $background; }
    PendingJobs #page { padding: 0 1; height: 1fr; }
    PendingJobs Static { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[PendingJob] = []
        self.is_settling = False
        self._job: Job | None = None
        self._answers: list[str] = []

    def body(self) -> ComposeResult:
        """First row, the jobs, what settling said, hints."""
        with Vertical(id="sheet"):
            yield TitleLine("Left open on routers")
            with VerticalScroll(id="page"):
                yield Static("", id="jobs", markup=False)
                yield Static("", id="answers", markup=False)
            yield Hints(("pending.resolve", "app.back"))

    def office_ready(self) -> None:
        """Read the journal."""
        self.query_one("#page").focus()
        self._load()

    def _load(self) -> None:
        office = self.office

        def read() -> list[PendingJob]:
            from leadtui.services import conversion

            return conversion.pending(office)

        self.run_blocking(read, then=self._show, group="pending")

    def _show(self, jobs: list[PendingJob]) -> None:
        self.jobs = jobs
        self.heading(right=str(len(jobs)) if jobs else "")
        parts: list[Any] = []
        for job in jobs:
            held = ", under way now" if job.is_held else ""
            number = job.lead_number or "a lead of somebody else"
            parts += [
                (number, "bold"),
                f"  {job.noun} of ",
                one_line(f"{job.username} on {job.router}, by {job.by}"),
                "\n",
            ]
            parts += [("  " + _WORDS.get(job.state, job.state) + held, "dim"), "\n"]
            if job.last_error:
                parts += [("  " + one_line(job.last_error), "dim"), "\n"]
        self.query_one("#jobs", Static).update(
            Content.assemble(*parts)
            if parts
            else "Nothing is open. Whether routers and store agree is seen by an audit: a in the list of routers."
        )
        self.lead_app.refresh_hints()

    def why_disabled(self, command: Command) -> str | None:
        """Settling needs something open."""
        if command.id == "pending.resolve":
            if self.is_settling:
                return "The routers are being looked at"
            return None if self.jobs else "Nothing is open"
        return None

    def do_resolve(self) -> None:
        """Look at the routers, in the background."""
        office, token = self.office, CancelToken()
        self.is_settling = True
        self._answers = []
        self._say("Looking at the routers … esc stops")

        def settle() -> list[Resolution]:
            from leadtui.services import conversion

            return conversion.resolve(office, on_answer=partial(self.call_later, self._came), cancel=token)

        self._job = self.run_blocking(
            settle, then=partial(self._settled, token), failed=self._failed, group="settle", cancel=token.cancel,
            title="Settling what was left open",
        )  # fmt: skip

    def do_back(self) -> None:
        """While routers are looked at: give up, and stay to see what came of it. Else leave."""
        if self._job is not None and not self._job.done:
            self._job.stop()
            return
        super().do_back()

    def _say(self, last: str) -> None:
        lines = [*self._answers, last] if last else self._answers
        self.query_one("#answers", Static).update(Content("\n" + "\n".join(lines)))

    def _came(self, answer: Resolution) -> None:
        """One job is settled, or could not be."""
        if self.is_settling:
            self._answers.append(_words(answer))
            self._say(f"{len(self._answers)} of {len(self.jobs)} looked at … esc stops")

    def _settled(self, token: CancelToken, answers: list[Resolution]) -> None:
        self.is_settling = False
        self._answers = [_words(answer) for answer in answers]
        self._say("Given up; what was settled stays" if token.cancelled else "" if answers else "Nothing was open.")
        self.changed(a.lead_id for a in answers)
        self._load()

    def _failed(self, error: Exception) -> None:
        self.is_settling = False
        self.query_one("#answers", Static).update("")
        self.lead_app.report(error)


def _words(answer: Resolution) -> str:
    return one_line(f"{answer.noun} of {answer.lead_number} on {answer.router}: {answer.message}")


def settle_quietly(app: LeadApp) -> None:
    """At the start: settle in the background what an earlier run left open, and say so if there was anything."""
    office = app.office

    def settle() -> list[Resolution]:
        from leadtui.services.conversion import settle_on_start
        from leadtui.services.office import Office

        return settle_on_start(office) if isinstance(office, Office) else []

    def settled(answers: list[Resolution]) -> None:
        if answers:
            first = f"The {answers[0].noun} of {answers[0].lead_number}"
            count = f"{len(answers)} things asked of routers" if len(answers) > 1 else first
            app.say(f"{count} left open by an earlier run: {one_line(answers[0].message)}")
            app.lead_changed.publish(frozenset(a.lead_id for a in answers))

    app.background.start(app, settle, then=settled, failed=app.report, group="settle")
