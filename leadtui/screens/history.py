"""The history: acts that can be taken back, and every single entry of the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from leadtui.commands import Command
from leadtui.domain.records import AuditRow, BatchRow
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal, LeadScreen
from leadtui.screens.history_rows import (
    AUDIT_COLUMNS,
    BATCH_COLUMNS,
    AuditPages,
    BatchPages,
    Wanted,
    audit_cell,
    batch_cell,
    changes_in_words,
    what_words,
)
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from leadtui.domain.records import UndoResult


class HistoryScreen(LeadScreen[None]):
    """Main screen 6."""

    SCOPE = "history"
    HEADING = "History"
    HINTS: ClassVar[tuple[str, ...]] = ("list.open", "history.undo_batch", "history.entries", "history.search")
    DEFAULT_CSS: ClassVar[str] = """
    HistoryScreen #search { height: 1; }
    HistoryScreen #note { height: auto; padding: 0 1; color: $text-warning; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.tz: ZoneInfo | None = None
        self.entries = False
        """Whether single entries are shown instead of acts."""
        self.pages: BatchPages | None = None

    def body(self) -> ComposeResult:
        """The search line (while used), the two lists."""
        yield Input(id="search", placeholder="words, user:wanjiku, entity:lead, LD-202611-0042", compact=True)
        yield Static("", id="note", markup=False)
        yield VirtualTable(BATCH_COLUMNS, self._batch_cell, empty="Nothing was done yet", markable=False, id="batches")
        yield VirtualTable(AUDIT_COLUMNS, self._audit_cell, empty="No entries", markable=False, id="audit")

    def on_mount(self) -> None:
        """Acts first."""
        self.query_one("#search").display = False
        self.query_one("#note").display = False
        self.query_one("#audit").display = False

    def _batch_cell(self, row: Any, key: str) -> Any:
        return batch_cell(row, key, self.office.catalog.tz)

    def _audit_cell(self, row: Any, key: str) -> Any:
        return audit_cell(row, key, self.office.catalog.tz)

    @property
    def table(self) -> VirtualTable[Any]:
        """The list that is shown."""
        return self.query_one("#audit" if self.entries else "#batches", VirtualTable)

    def office_ready(self) -> None:
        """Read what was done."""
        self._load()
        self.table.focus()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Something was done: it is the newest entry now."""
        if self.office is not None:
            self._load()

    @property
    def wanted(self) -> Wanted:
        """What the search line asks for."""
        return Wanted.read(self.query_one("#search", Input).value)

    def _load(self) -> None:
        if self.entries:
            self.table.show(AuditPages(self.office, self.wanted))
            self.heading("History ─ every entry", "")
        else:
            self.pages = BatchPages(self.office, self.wanted)
            self.table.show(self.pages)
            self.heading("History ─ what was done", "")

    @on(VirtualTable.Failed)
    def _page_failed(self, event: VirtualTable.Failed) -> None:
        if isinstance(event.row, Exception):
            self._unreadable(event.row)

    @on(VirtualTable.Loaded)
    def _loaded(self, event: VirtualTable.Loaded) -> None:
        self._note("")
        if event.table is not self.table:
            return
        shown = f"{self.table.row_count:,}"
        of = None if self.entries or self.pages is None else self.pages.of
        self.heading(right=shown if of in (None, self.table.row_count) else f"{shown} of {of:,}")

    def _unreadable(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError):
            self._note(error.message if error.hint is None else f"{error.message} ({error.hint})")
        else:
            self.lead_app.report(error)

    def _note(self, text: str) -> None:
        line = self.query_one("#note", Static)
        line.update(Content(text))
        line.display = bool(text)

    def why_disabled(self, command: Command) -> str | None:
        """What cannot be taken back."""
        if command.id != "history.undo_batch":
            return None
        row = self.table.cursor_row
        if self.entries:
            return (
                None
                if isinstance(row, AuditRow) and row.batch
                else "This entry is part of no act that can be taken back"
            )
        if row is None:
            return "There is nothing here"
        if row.undone_at is not None:
            return "This was taken back already"
        return None if row.can_undo else "This cannot be taken back"

    def copy_text(self) -> str:
        """The line under the cursor."""
        row = self.table.cursor_row
        if isinstance(row, BatchRow):
            return row.label
        return "; ".join(changes_in_words(row.changes)) if isinstance(row, AuditRow) else ""

    # Commands

    def do_search(self) -> None:
        """Write what to look for."""
        line = self.query_one("#search", Input)
        line.display = True
        line.focus()

    def do_back(self) -> None:
        """Out of the search line, and the search away."""
        line = self.query_one("#search", Input)
        if line.display:
            line.value = ""
            line.display = False
            self._load()
            self.table.focus()
            return
        super().do_back()

    def do_entries(self) -> None:
        """Acts, or every single entry."""
        self.entries = not self.entries
        self.query_one("#batches").display = not self.entries
        self.query_one("#audit").display = self.entries
        self._note("")
        self._load()
        self.table.focus()

    @on(Input.Changed, "#search")
    def _searched(self) -> None:
        if self.office is not None:
            self._load()

    @on(Input.Submitted, "#search")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self.query_one("#search").display = False
        self.table.focus()

    def on_key(self, event: events.Key) -> None:
        """Down leaves the search line for the list."""
        if event.key == "down" and self.query_one("#search").has_focus:
            event.stop()
            self.table.focus()

    def do_undo_batch(self) -> None:
        """Take back the act under the cursor, after a look at what that would do."""
        from leadtui.screens.undo_preview import UndoPreview

        row = self.table.cursor_row
        if isinstance(row, BatchRow):
            self.app.push_screen(UndoPreview(row.id, f"{row.label} · {row.by}"))
        elif isinstance(row, AuditRow) and row.batch is not None:
            self.app.push_screen(UndoPreview(row.batch, f"the act of {row.user} that this entry belongs to"))

    @on(VirtualTable.Opened)
    def _opened(self, event: VirtualTable.Opened) -> None:
        row = event.row
        if isinstance(row, BatchRow):
            self.app.push_screen(BatchEntries(row))
        elif isinstance(row, AuditRow):
            self.app.push_screen(EntryScreen(row))


class BatchEntries(LeadScreen[None]):
    """What one act changed, row by row."""

    SCOPE = "history"
    HEADING = "What was done"
    HINTS: ClassVar[tuple[str, ...]] = ("list.open", "history.undo_batch", "app.back")

    def __init__(self, act: BatchRow) -> None:
        super().__init__()
        self.act = act

    def body(self) -> ComposeResult:
        """The entries."""
        yield VirtualTable(
            AUDIT_COLUMNS,
            lambda row, key: audit_cell(row, key, self.office.catalog.tz),
            empty="No entries of this act may be seen",
            markable=False,
        )

    def office_ready(self) -> None:
        """Read them."""
        rows = f"{self.act.count:,} {'row' if self.act.count == 1 else 'rows'}"
        self.heading(f"{one_line(self.act.label)}", f"{one_line(self.act.by)} · {rows}")
        table = self.query_one(VirtualTable)
        table.show(AuditPages(self.office, batch=self.act.id))
        table.focus()

    def why_disabled(self, command: Command) -> str | None:
        """An act is taken back once; the rest belongs to the history."""
        if command.id == "history.undo_batch":
            if self.act.undone_at is not None:
                return "This was taken back already"
            return None if self.act.can_undo else "This cannot be taken back"
        if command.id in ("history.search", "history.entries"):
            return "Go back to the history for that"
        return None

    def do_undo_batch(self) -> None:
        """Take it back; then there is nothing left to see here."""
        from leadtui.screens.undo_preview import UndoPreview

        screen = UndoPreview(self.act.id, f"{self.act.label} · {self.act.by}")

        def closed(result: UndoResult | None) -> None:
            if result is not None:
                self.dismiss(None)

        self.app.push_screen(screen, closed)

    @on(VirtualTable.Opened)
    def _opened(self, event: VirtualTable.Opened) -> None:
        if isinstance(event.row, AuditRow):
            self.app.push_screen(EntryScreen(event.row))


class EntryScreen(LeadModal[None]):
    """One entry in full."""

    def __init__(self, row: AuditRow) -> None:
        super().__init__()
        self.row = row

    def body(self) -> ComposeResult:
        """Who, when, from where; then each field before and after."""
        row = self.row
        at = row.at.astimezone(self.office.catalog.tz)
        with VerticalScroll(classes="dialog") as box:
            box.border_title = Content(what_words(row))
            yield Static(Content(f"{at:%Y-%m-%d %H:%M:%S}  {one_line(row.user)}  ({one_line(row.origin)})"))
            yield Static(Content("\n".join(changes_in_words(row.changes)) or "No field was changed."), id="changes")
            with Horizontal(classes="buttons"):
                yield Button("Close", id="close")

    def on_mount(self) -> None:
        """esc and enter close."""
        self.query_one("#close").focus()

    def copy_text(self) -> str:
        """All of it."""
        return "\n".join(changes_in_words(self.row.changes))

    @on(Button.Pressed)
    def _pressed(self) -> None:
        self.dismiss(None)
