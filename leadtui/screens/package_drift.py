"""Where routers and packages differ, all of them at once; from here a package is pushed to the router that lacks it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken
from leadtui.screens.base import LeadModal
from leadtui.screens.package_push import PackagePush
from leadtui.screens.package_rows import DRIFT_COLUMNS, in_full, row_cell
from leadtui.widgets.hints import Hints, TitleLine
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.services.package_push import PushRow


class PackageDrift(LeadModal[None]):
    """Rows appear as routers answer; esc leaves at once, answered or not."""

    SCOPE = "drift"
    DEFAULT_CSS: ClassVar[str] = """
    PackageDrift #sheet { width: 100%; height: 100%; background: $background; }
    PackageDrift #said { padding: 1 2; height: auto; }
    PackageDrift #detail { padding: 0 1; height: auto; min-height: 3; max-height: 7; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[PushRow] = []
        self.is_asking = False

    def body(self) -> ComposeResult:
        """First row, what is said, the rows, the row under the cursor in full, hints."""
        with Vertical(id="sheet"):
            yield TitleLine("Packages and routers")
            yield Static("", id="said", markup=False)
            yield VirtualTable(
                DRIFT_COLUMNS, row_cell, row_id=lambda row: (row.router, row.service, row.package),
                empty="Routers and packages agree", markable=False, id="rows",
            )  # fmt: skip
            yield Static("", id="detail", markup=False)
            yield Hints(("drift.push", "drift.again", "list.down", "list.up", "app.back"))

    def office_ready(self) -> None:
        """Ask the routers."""
        self.table.focus()
        self.do_again()

    @property
    def table(self) -> VirtualTable[PushRow]:
        """The rows."""
        return self.query_one("#rows", VirtualTable)

    @property
    def row(self) -> PushRow | None:
        """The row under the cursor."""
        found: PushRow | None = self.table.cursor_row
        return found

    def do_again(self) -> None:
        """Ask all routers, beginning anew."""
        office, token = self.office, CancelToken()
        self.rows = []
        self.is_asking = True
        self._say("Asking the routers …")

        def work() -> tuple[PushRow, ...]:
            from leadtui.services import package_push

            return package_push.drift(office, on_row=partial(self.call_later, self._came), cancel=token)

        self.run_blocking(work, then=self._show, failed=self._failed, group="drift", cancel=token.cancel)

    def _came(self, row: PushRow) -> None:
        if self.is_asking:
            self._put([*self.rows, row])
            self.heading(right="asking …")

    def _put(self, rows: list[PushRow]) -> None:
        self._say("")
        self.rows = rows
        self.table.show(ListProvider(rows))

    def _show(self, rows: tuple[PushRow, ...]) -> None:
        self.is_asking = False
        self._put(list(rows))
        count = len(rows)
        self.heading(right="" if not count else "1 difference" if count == 1 else f"{count} differences")
        self.lead_app.refresh_hints()

    def _failed(self, error: Exception) -> None:
        self.is_asking = False
        if isinstance(error, LeadtuiError):
            self._say(one_line(error.message) + (f"\n{one_line(error.hint)}" if error.hint else ""))
        else:
            self.lead_app.report(error)
            self._say("The routers could not be asked")

    def _say(self, words: str) -> None:
        line = self.query_one("#said", Static)
        line.update(Content(words))
        line.display = bool(words)
        self.table.display = not words

    @on(VirtualTable.Highlighted, "#rows")
    @on(VirtualTable.Loaded, "#rows")
    def _looked_at(self) -> None:
        self.query_one("#detail", Static).update(Content(in_full(self.row)))

    def why_disabled(self, command: Command) -> str | None:
        """What needs a row, or the end of asking."""
        if command.id == "drift.again" and self.is_asking:
            return "The routers are being asked"
        if command.id == "drift.push":
            if self.row is None:
                return "There is nothing to push here"
            if not (self.row.package and self.row.router):
                return self.row.error or "There is nothing to push here"
        return None

    @on(VirtualTable.Opened, "#rows")
    def _opened(self) -> None:
        self.lead_app.run_command("drift.push")

    def do_push(self) -> None:
        """Push the package of the row to its router; then look again."""
        if (row := self.row) is None:
            return

        def closed(_: None) -> None:
            self.do_again()

        self.app.push_screen(PackagePush(row.package, (row.router,)), closed)
