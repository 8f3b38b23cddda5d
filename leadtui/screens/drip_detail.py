"""One drip: its steps, and the leads in it, who can be held, let go on, or taken out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.drip_commands import DripCommands
from leadtui.screens.drip_rows import (
    DRIP_STATES,
    ENROLLED_COLUMNS,
    enrolled_cell,
    step_lines,
    version_words,
)
from leadtui.widgets.columns import Cell
from leadtui.widgets.pages import Marks
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import stack
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.domain.drips import DripDetail, DripRow, EnrollmentRow

WHICH: Final[tuple[str | None, ...]] = (None, "active", "paused", "completed", "stopped")
_WORDS: Final = {None: "all", "active": "in it", "paused": "held", "completed": "done", "stopped": "out"}
_AT_A_TIME: Final = 1000


class Enrolled:
    """Pages of the leads of a drip in a state. Every method runs in a thread."""

    def __init__(self, office: Any, key: str, state: str | None) -> None:
        self.office, self.key, self.state = office, key, state

    def fetch(self, offset: int, limit: int) -> Sequence[EnrollmentRow]:
        """The rows from `offset` on."""
        from leadtui.services import drips

        return drips.enrollments(self.office, self.key, state=self.state, limit=limit, offset=offset)[1]

    def count(self) -> int:
        """How many there are."""
        from leadtui.services import drips

        return int(drips.enrollments(self.office, self.key, state=self.state, limit=1)[0])


class DripScreen(DripCommands):
    """One drip: its steps above, the leads in it below."""

    SCOPE = "drip"
    HEADING = "A drip"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "drip.hold", "drip.leave", "drips.edit", "drip.which", "drips.enroll",
    )  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    DripScreen #steps { height: auto; max-height: 8; }
    DripScreen.-tall #steps { max-height: 16; }
    DripScreen #version { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.found: DripDetail | None = None
        self.state: str | None = None
        self.watch_changes = ChangeWatch(self, self._again)

    def body(self) -> ComposeResult:
        """Steps, leads."""
        yield Sheet(cursor=False, id="steps")
        yield Static("", id="version", markup=False)
        yield VirtualTable(ENROLLED_COLUMNS, self._cell, empty="…", id="enrolled")

    @property
    def table(self) -> VirtualTable[EnrollmentRow]:
        """The leads."""
        return self.query_one("#enrolled", VirtualTable)

    @property
    def drip(self) -> DripRow | None:
        """The drip."""
        return self.found.drip if self.found is not None else None

    def on_mount(self) -> None:
        """The list takes the keys."""
        self.table.focus()
        self.watch_changes.start()

    def on_screen_resume(self) -> None:
        """In front again."""
        self.watch_changes.look(at_once=True)

    def office_ready(self) -> None:
        """Read it all."""
        self.read_again()
        self._show_leads()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """A lead left it, or went on."""
        self._again()

    def _again(self) -> None:
        if self.office is not None and self.found is not None:
            self.read_again()

    def read_again(self, key: str | None = None) -> None:
        """Read the drip and its leads."""
        office, name = self.office, self.key

        def read() -> DripDetail:
            from leadtui.services import drips

            return drips.show(office, name)

        self.run_blocking(read, then=self._show, failed=self._gone, group="drip.read")
        if self.found is not None:
            self.table.reload()

    def _gone(self, error: Exception) -> None:
        self.lead_app.report(error)
        if self.found is None:
            self.dismiss(None)

    def _show(self, found: DripDetail) -> None:
        self.found, one = found, found.drip
        sheet = self.query_one("#steps", Sheet)
        sheet.styles.height = len(found.steps)
        sheet.show(lambda width: stack(step_lines(found.steps), width))
        words = f"{version_words(found)} · comes in: {one.enroll.words}"
        self.query_one("#version", Static).update(Content(one_line(words)))
        self._title()

    def _show_leads(self) -> None:
        self.table.empty = "Nobody is in it; E puts leads in" if self.state is None else "Nobody"
        self.table.show(Enrolled(self.office, self.key, self.state))

    @on(VirtualTable.Loaded)
    @on(VirtualTable.MarksChanged)
    def _title(self) -> None:
        one = self.drip
        if one is None:
            return
        marked = f"{self.table.marked_count:,} marked, " if self.table.marks else ""
        count = f"{self.table.row_count:,}" if self.table.counted else "…"
        which = f" {_WORDS[self.state]}" if self.state is not None else ""
        state = DRIP_STATES.get(one.status, (one.status, ""))[0]
        self.heading(f"{one_line(one.name)}  {state}", f"{marked}{count}{which}")
        self.lead_app.refresh_hints()

    @on(VirtualTable.Failed)
    def _unreadable(self, event: VirtualTable.Failed) -> None:
        if isinstance(event.row, Exception):
            self.lead_app.report(event.row)

    @on(VirtualTable.Highlighted)
    def _moved(self) -> None:
        self.watch_changes.touched()

    def _cell(self, row: EnrollmentRow, key: str) -> Cell:
        return enrolled_cell(row, key, self.office.catalog)

    @property
    def row(self) -> EnrollmentRow | None:
        """The lead under the cursor."""
        return self.table.cursor_row

    def why_disabled(self, command: Command) -> str | None:
        """What needs a lead that is still in it."""
        if command.id in ("drip.hold", "drip.leave") and not self.table.marks:
            if self.row is None:
                return "There is no lead here"
            if self.row.state not in ("active", "paused"):
                return "This lead is out of it already"
        return super().why_disabled(command)

    def copy_text(self) -> str:
        """The lead's number."""
        return self.row.lead_number if self.row is not None else ""

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        from leadtui.screens.lead_detail import LeadDetailScreen

        if self.row is not None:
            self.app.push_screen(LeadDetailScreen(self.row.lead_id))

    # Commands

    def do_which(self) -> None:
        """In it, held, done, out, all."""
        self.state = WHICH[(WHICH.index(self.state) + 1) % len(WHICH)]
        self.table.set_marks(Marks())
        self._show_leads()

    def do_hold(self) -> None:
        """Pause the way through, or let it go on: by the state of the one under the cursor."""
        if self.row is not None and self.row.state == "paused":
            self._each("resume", "paused", "go on")
        else:
            self._each("pause", "active", "held: p lets them go on")

    def do_leave(self) -> None:
        """Take them out."""
        self._each("stop", "", "taken out of the drip")

    def _each(self, name: str, state: str, words: str) -> None:
        """Do something with the marked leads that are in the drip, or with the one under the cursor."""
        marks, office, row = self.table.marks, self.office, self.row
        if not marks and row is None:
            return
        find = self._finder(marks)

        def write() -> list[EnrollmentRow]:
            from leadtui.services import drips

            rows = find() if marks else [row] if row is not None else []
            some = [one for one in rows if one.state == state or (not state and one.state in ("active", "paused"))]
            if some:
                getattr(drips, name)(office, self.key, leads=[one.lead_id for one in some])
            return some

        def written(done: list[EnrollmentRow]) -> None:
            self.table.set_marks(Marks())
            self.changed([one.lead_id for one in done])
            who = one_line(done[0].lead_name or done[0].lead_number) if len(done) == 1 else f"{len(done):,} leads"
            self.done(f"{who}: {words}" if done else "Nobody was to be changed")

        def go(yes: bool | None = True) -> None:
            if yes:
                self.run_blocking(write, then=written, group="drip.each", title="Changing who is in the drip")

        count = self.table.marked_count
        if count < 2:
            go()
            return
        from leadtui.screens.confirm import Confirm

        what = f"{count:,} leads: {words.partition(':')[0]}."
        self.app.push_screen(Confirm(what, yes="Do it", no="Leave it", danger=name == "stop", typed=str(count)), go)

    def _finder(self, marks: Marks) -> Callable[[], list[EnrollmentRow]]:
        """Reads the marked rows, in a thread."""
        pages = Enrolled(self.office, self.key, self.state)

        def find() -> list[EnrollmentRow]:
            found, offset = list[Any](), 0
            while rows := pages.fetch(offset, _AT_A_TIME):
                found += [row for row in rows if row.id in marks]
                offset += len(rows)
            return found

        return find
