"""The work that goes on by itself: who does it, what waits, what failed, and trying that again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.screens import jobs_rows
from leadtui.screens.record_list import Record, RecordList
from leadtui.widgets.columns import Cell
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.jobs.routine import Tally
    from leadtui.jobs.status import Failure, Status

REREAD_S, REREAD_S_SLOW = 4.0, 20.0
"""While the screen is in front it is read anew."""


class JobsScreen(RecordList):
    """Main screen 8: programs and queue above, what failed below, the words of the row under the cursor last."""

    SCOPE = "jobs"
    HEADING = "Jobs"
    HINTS: ClassVar[tuple[str, ...]] = ("jobs.retry", "jobs.retry_all", "jobs.give_up", "jobs.work_now")
    TABLE = "failures"
    COLUMNS = jobs_rows.COLUMNS
    KEY = "key"
    EMPTY = "Nothing failed"
    NEEDS = frozenset({"jobs.retry", "jobs.give_up"})
    NONE_HERE = "Nothing failed: there is nothing to try again"
    DEFAULT_CSS: ClassVar[str] = """
    JobsScreen #who { height: 5; max-height: 11; }
    JobsScreen.-tall #who { max-height: 18; }
    JobsScreen #why { height: auto; max-height: 4; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.status: Status | None = None
        self.is_working = False
        """Whether everything due is being done because the person asked for it."""

    def body(self) -> ComposeResult:
        """Who and what, the list, the words."""
        yield Sheet(cursor=False, id="who")
        yield from super().body()
        yield Static("", id="why", markup=False)

    def on_mount(self) -> None:
        """Programs live and die while one looks at them."""
        self.set_interval(REREAD_S_SLOW if self.lead_app.slow else REREAD_S, self._look_again)

    def _look_again(self) -> None:
        if self.office is not None and self.app.screen is self:
            self.load()

    def on_screen_resume(self) -> None:
        """In front again."""
        if self.office is not None and self.status is not None:
            self.load()

    # The list

    def load(self) -> None:
        """Read it all again; what is shown stays until it is here."""

        def read(office: Any) -> Status:
            from leadtui.jobs.status import status

            return status(office)

        self.run_blocking(read, self.office, then=self._came, failed=self._unreadable, group="records")

    def _came(self, found: Status) -> None:
        self.status = found
        self._arrived([{"key": one.id or f"step {one.what}", "failure": one} for one in found.failures])

    def shown(self, rows: list[Record]) -> None:
        """The records are on the screen."""
        found = self.status
        if found is None:
            return
        self.heading("Jobs", jobs_rows.heading(found))
        who = self.query_one("#who", Sheet)
        who.styles.height = len(jobs_rows.who(found, self.size.width))
        who.show(lambda width: jobs_rows.who(found, width))
        self._show_why()
        self.lead_app.refresh_hints()

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        return jobs_rows.cell(row["failure"], key, self.office.catalog.tz)

    @property
    def failure(self) -> Failure | None:
        """What failed and is under the cursor."""
        return None if self.record is None else self.record["failure"]

    @on(VirtualTable.Highlighted, "#failures")
    @on(VirtualTable.Loaded, "#failures")
    def _show_why(self) -> None:
        one = self.failure
        words = "" if one is None else f"{one.what}: {one.error}"
        self.query_one("#why", Static).update(Content(one_line(words)))

    def why_disabled(self, command: Command) -> str | None:
        """What needs a failure under the cursor, and what repeats itself."""
        if (reason := super().why_disabled(command)) is not None:
            return reason
        one = self.failure
        if command.id in self.NEEDS and one is not None and not one.id:
            return "This is tried again by itself, every few seconds"
        if command.id == "jobs.retry_all" and (self.status is None or not self.status.failed):
            return self.NONE_HERE
        if command.id == "jobs.work_now" and self.is_working:
            return "It is being done"
        return None

    def copy_text(self) -> str:
        """The words of the failure under the cursor."""
        one = self.failure
        return "" if one is None else f"{one.id} {one.what}: {one.error}".strip()

    # Commands

    def do_retry(self) -> None:
        """Let the one under the cursor be tried again."""
        if (one := self.failure) is not None:
            self._retry(one.id)

    def do_retry_all(self) -> None:
        """Let everything that failed be tried again."""
        self._retry("all")

    def _retry(self, which: str) -> None:
        office = self.office

        def retry() -> int:
            from leadtui.jobs.status import retry

            return retry(office, which)

        def done(count: int) -> None:
            self.load()
            self.done(f"{count:,} will be tried again")

        self.run_blocking(retry, then=done, failed=self._refused, group="retry")

    def do_give_up(self) -> None:
        """Let the one under the cursor rest, after a question."""
        from leadtui.screens.confirm import Confirm

        one, office = self.failure, self.office
        if one is None:
            return

        def give_up() -> int:
            from leadtui.jobs.status import give_up

            return give_up(office, one.id)

        def done(_count: int) -> None:
            self.load()
            self.done(f"{one.id} is not tried again")

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_blocking(give_up, then=done, failed=self._refused, group="retry")

        words = f"{one.what} failed: {one.error}\n\nShall it never be tried again?"
        self.app.push_screen(Confirm(words, yes="Give it up", no="Keep it", danger=True), answered)

    def _refused(self, error: Exception) -> None:
        self.lead_app.report(error)
        self.load()

    def do_work_now(self) -> None:
        """Do everything that is due, here, whoever else is at work."""
        from leadtui.jobs.runner import Runner

        runner = Runner(self.office, "worker")
        self.is_working = True
        self.lead_app.refresh_hints()

        def work() -> Tally:
            try:
                return runner.once()
            finally:
                runner.stop()

        self.run_blocking(work, then=self._worked, failed=self._not_worked, group="work", cancel=runner.ask_to_stop)

    def _worked(self, done: Tally) -> None:
        from leadtui.jobs.status import did_words

        self.is_working = False
        self.load()
        self.changed()
        self.done(f"Done: {did_words(done.done()) or 'nothing was due'}")

    def _not_worked(self, error: Exception) -> None:
        self.is_working = False
        self._refused(error)
