"""Pushing a package: the routers with what each needs, those marked are written to after a question, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from leadtui.background import Job
from leadtui.commands import Command
from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken
from leadtui.screens.base import LeadModal
from leadtui.screens.package_rows import PUSH_COLUMNS, Line, in_full, in_short, line_cell
from leadtui.widgets.hints import Hints, TitleLine
from leadtui.widgets.pages import ListProvider, Marks
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.services.package_push import PushRow

_SERVICES: tuple[tuple[str | None, str], ...] = (
    (None, "each router's own service"), ("pppoe", "PPPoE everywhere"), ("hotspot", "Hotspot everywhere"),
)  # fmt: skip


class PackagePush(LeadModal[None]):
    """Looks at every router in use (or those given) at once; a silent one holds up neither the others nor the keys."""

    SCOPE = "push"
    DEFAULT_CSS: ClassVar[str] = """
    PackagePush #sheet { width: 100%; height: 100%; background: $background; }
    PackagePush #said { padding: 1 2; height: auto; }
    PackagePush #detail { padding: 0 1; height: auto; min-height: 3; max-height: 7; color: $text-muted; }
    """

    def __init__(self, package: str, routers: Sequence[str] | None = None) -> None:
        """`package` is its name: an id could be the name of another one."""
        super().__init__()
        self.package = package
        self.routers = routers
        self.lines: dict[str, Line] = {}
        self.service = 0
        self.is_writing = False
        self._job: Job | None = None

    def body(self) -> ComposeResult:
        """First row, why nothing can be pushed, the routers, the row under the cursor in full, hints."""
        with Vertical(id="sheet"):
            yield TitleLine(f"Push {one_line(self.package)}")
            yield Static("", id="said", markup=False)
            yield VirtualTable(
                PUSH_COLUMNS, line_cell, row_id=lambda line: line.router, empty="No router is in use", id="rows"
            )
            yield Static("", id="detail", markup=False)
            yield Hints(("push.go", "list.mark", "push.again", "push.service", "app.back"))

    def on_mount(self) -> None:
        """Nothing speaks against it yet."""
        self._say("")

    def office_ready(self) -> None:
        """Read which routers there are, then ask them."""
        office, names = self.office, self.routers

        def read() -> list[Line]:
            from leadtui.services import routers

            found = routers.list_routers(office, include_inactive=False)
            return [Line(r["name"], r["service"]) for r in found if names is None or r["name"] in names]

        self.run_blocking(read, then=self._start, failed=self._failed, group="push")

    def _start(self, lines: list[Line]) -> None:
        self.lines = {line.router: line for line in lines}
        self._show()
        self.table.focus()
        self.do_again()

    @property
    def table(self) -> VirtualTable[Line]:
        """The routers."""
        return self.query_one("#rows", VirtualTable)

    def _show(self) -> None:
        self.table.show(ListProvider(self.lines.values()))
        self.heading(right=_SERVICES[self.service][1])

    def _say(self, words: str) -> None:
        line = self.query_one("#said", Static)
        line.update(Content(words))
        line.display = bool(words)
        self.table.display = not words

    def _detail(self) -> None:
        line = self.table.cursor_row
        self.query_one("#detail", Static).update(Content(in_full(line.row) if line is not None else ""))

    @on(VirtualTable.Highlighted, "#rows")
    @on(VirtualTable.Loaded, "#rows")
    def _looked_at(self) -> None:
        self._detail()

    def why_disabled(self, command: Command) -> str | None:
        """One thing at a time; but a router that does not answer keeps nobody from writing to the others."""
        busy = "The routers are being written to" if self.is_writing else "The routers are being asked"
        if command.id in ("push.again", "push.service") and self._is_busy:
            return busy
        if command.id == "push.go":
            marked = self._marked()
            if self.is_writing or any(self.lines[name].busy for name in marked) or (self._is_busy and not marked):
                return busy
            return None if marked else "Mark the routers to push to with space"
        return None

    @property
    def _is_busy(self) -> bool:
        return any(line.busy for line in self.lines.values())

    def _marked(self) -> list[str]:
        return [name for name in self.lines if name in self.table.marks]

    # Asking and writing

    def do_again(self) -> None:
        """Ask all routers, beginning anew; what would be done is marked."""
        self._say("")
        self.table.set_marks(Marks())
        self._run("preview", list(self.lines), "asking", self._looked)

    def do_service(self) -> None:
        """The same for another service than each router's own."""
        self.service = (self.service + 1) % len(_SERVICES)
        self.do_again()

    def do_go(self) -> None:
        """Write to the marked routers, after one question."""
        from leadtui.screens.confirm import Confirm

        names = self._marked()
        lines = [self.lines[name] for name in names]
        changes = [f"{one_line(line.router)}: {one_line(_plan(line))}" for line in lines[:8]]
        more = [f"and {len(lines) - 8} more"] if len(lines) > 8 else []
        routers = "1 router" if len(names) == 1 else f"{len(names)} routers"
        words = f"Push {one_line(self.package)} to {routers}?\n\n" + "\n".join([*changes, *more])

        def decided(yes: bool | None) -> None:
            if yes:
                # Who has not answered by now is given up.
                self.lines = {name: replace(line, busy="") for name, line in self.lines.items()}
                self.is_writing = True
                self._run("push", names, "writing", self._pushed, title=f"Pushing {self.package}")

        self.app.push_screen(Confirm(words, yes="Push", no="Leave it"), decided)

    def _run(
        self, act: str, names: list[str], busy: str, then: Callable[[tuple[PushRow, ...]], None], *, title: str = ""
    ) -> None:
        office, package, service = self.office, self.package, _SERVICES[self.service][0]
        token = CancelToken()
        for name in names:
            self.lines[name] = replace(self.lines[name], busy=busy, is_done=False)
        self._show()

        def work() -> tuple[PushRow, ...]:
            from leadtui.services import package_push

            doing = package_push.push if act == "push" else package_push.preview
            came = partial(self.call_later, self._came_of, token)
            return doing(office, package, names, service=service, on_row=came, cancel=token)

        if names:
            self._job = self.run_blocking(
                work, then=then, failed=self._failed, group="push", title=title, cancel=token.cancel
            )
        self.lead_app.refresh_hints()

    def _came_of(self, token: CancelToken, row: PushRow) -> None:
        """One router has answered, unless that was given up meanwhile."""
        if not token.cancelled:
            self._came(row)

    def _came(self, row: PushRow) -> None:
        if row.router not in self.lines:
            return
        self.lines[row.router] = replace(self.lines[row.router], row=row, busy="", is_done=self.is_writing)
        marks = self.table.marks
        if (row.router in marks) != (row.is_change and not self.is_writing):
            self.table.set_marks(marks.toggled(row.router))
        self._show()

    def _looked(self, rows: tuple[PushRow, ...]) -> None:
        for row in rows:
            if self.lines[row.router].busy:
                self._came(row)
        self.lead_app.refresh_hints()

    def _pushed(self, rows: tuple[PushRow, ...]) -> None:
        self._looked(rows)
        self.is_writing = False
        self.done(f"{one_line(self.package)}: {in_short(rows)}")

    def _failed(self, error: Exception) -> None:
        """What concerns the package, not a router."""
        self.is_writing = False
        self.lines = {name: replace(line, busy="") for name, line in self.lines.items()}
        if isinstance(error, LeadtuiError):
            self._say(one_line(error.message) + (f"\n{one_line(error.hint)}" if error.hint else ""))
        else:
            self.lead_app.report(error)
        self.lead_app.refresh_hints()

    def do_back(self) -> None:
        """While routers are written to: give up, and stay to see what came of it. Else leave."""
        if self.is_writing and self._job is not None and not self._job.done:
            self._job.stop()
            return
        super().do_back()


def _plan(line: Line) -> str:
    """What will be done on a router, as far as it was seen."""
    if line.row is None:
        return "not seen yet"
    words = {"create": "make", "change": "change", "rename": "rename"}.get(line.row.outcome)
    if words is None:
        return f"{line.row.error or 'nothing to do'}"
    return f"{words} {line.row.name}: {in_full(replace(line.row, error=None))}"
