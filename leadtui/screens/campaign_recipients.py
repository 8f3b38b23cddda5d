"""To whom a campaign goes, and what became of each message: filtered by state, settled, tried again, exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.domain.campaigns import CampaignRow, RecipientRow
from leadtui.domain.message_states import ASKS, mark
from leadtui.screens.campaign_recipient_rows import COLUMNS, STATES, RecipientCells, RecipientPages, RecipientView
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.message_rows import SURE
from leadtui.screens.search_line import SearchLine
from leadtui.widgets.columns import Cell
from leadtui.widgets.pages import Marks
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadtui.services.messages import Resolved

MOVING_S, MOVING_S_SLOW = 3.0, 15.0


class RecipientsScreen(SearchLine):
    """Answers nothing. `state` is the group it begins with; "" are all."""

    SCOPE = "recipients"
    HEADING = "Recipients"
    LOOKS_FOR = "name, phone or number of the lead"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "recipients.which", "recipients.went", "recipients.not_gone", "campaigns.retry", "app.back",
    )  # fmt: skip

    DEFAULT_CSS: ClassVar[str] = """
    RecipientsScreen #why { height: auto; max-height: 2; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, campaign_id: int, state: str = "") -> None:
        super().__init__()
        self.campaign_id = campaign_id
        self.view = RecipientView(state)
        self.row: CampaignRow | None = None
        self.cells: RecipientCells | None = None
        self.watch_changes = ChangeWatch(self, self._again)

    def body(self) -> ComposeResult:
        """Search line (while it is used), list."""
        yield self.search_bar()
        yield VirtualTable(COLUMNS, self._cell, empty="…", id="recipients")
        yield Static("", id="why", markup=False)

    @property
    def table(self) -> VirtualTable[RecipientRow]:
        """The list."""
        return self.query_one("#recipients", VirtualTable)

    def on_mount(self) -> None:
        """The list takes the keys; messages move while one looks."""
        self.table.focus()
        self.watch_changes.start()
        self.set_interval(MOVING_S_SLOW if self.lead_app.slow else MOVING_S, self._look)

    def office_ready(self) -> None:
        """Read the campaign, then the first page."""
        office, campaign_id = self.office, self.campaign_id

        def read() -> tuple[CampaignRow, Mapping[str, str]]:
            from leadtui.services import audience, campaigns

            return campaigns.get(office, campaign_id), audience.REASONS

        self.run_blocking(read, then=self._came, group="recipients.campaign")

    def _came(self, found: tuple[CampaignRow, Mapping[str, str]]) -> None:
        first = self.row is None
        self.row, reasons = found
        self.cells = RecipientCells(self.office.catalog, reasons, self.lead_app.plain)
        if first:
            self._show()
        else:
            self.table.reload()
        self.lead_app.refresh_hints()

    def _cell(self, row: RecipientRow, key: str) -> Cell:
        return self.cells(row, key) if self.cells is not None else ""

    def _show(self) -> None:
        self.table.empty = "Nobody here; esc shows all" if not self.view.is_plain else "Nobody was chosen yet"
        self.table.show(RecipientPages(self.office, self.campaign_id, self.view), keep_place=False)
        self._title()

    @on(VirtualTable.Loaded, "#recipients")
    @on(VirtualTable.MarksChanged, "#recipients")
    def _title(self) -> None:
        table, dash = self.table, "-" if self.lead_app.plain else "─"
        name = one_line(self.row.name) if self.row is not None else ""
        marked = f"{table.marked_count:,} marked, " if table.marks else ""
        count = f"{table.row_count:,}" if table.counted else "…"
        self.heading(f" {dash} ".join(one for one in (name, self.view.shown) if one), f"{marked}{count}")
        self._say_why()
        self.lead_app.refresh_hints()

    def _say_why(self) -> None:
        """Why the message under the cursor did not go, in full."""
        row = self.message
        words = self.cells.why(row) if row is not None and self.cells is not None else ""
        line = self.query_one("#why", Static)
        line.update(Content(one_line(words)))
        line.display = bool(words)

    # Search and filter

    @property
    def words(self) -> str:
        """What is looked for."""
        return self.view.words

    def look_for(self, words: str) -> None:
        """Those with these words."""
        self.apply(replace(self.view, words=words))

    def apply(self, view: RecipientView) -> None:
        """Show another list; marks were for the one before."""
        if view != self.view:
            self.view = view
            self.table.set_marks(Marks())
            if self.cells is not None:  # else it is shown as soon as the campaign is read
                self._show()

    def do_which(self) -> None:
        """The next group in which there is anybody."""
        start = STATES.index(self.view.state) if self.view.state in STATES else 0
        for step in range(1, len(STATES) + 1):
            state = STATES[(start + step) % len(STATES)]
            if not state or self.row is None or getattr(self.row.counters, state):
                break
        self.apply(replace(self.view, state=state))

    def do_show_all(self) -> None:
        """All of them."""
        self.apply(RecipientView())

    def do_back(self) -> None:
        """esc: marks go first, then search and filter, then the screen."""
        if self.table.marks:
            self.table.set_marks(Marks())
        elif self.view.words:
            self.apply(replace(self.view, words=""))
        else:
            self.do_close()

    # One message, or the marked ones

    @property
    def message(self) -> RecipientRow | None:
        """The row under the cursor."""
        return self.table.cursor_row

    def why_disabled(self, command: Command) -> str | None:
        """What the row under the cursor does not allow; of marked ones the service knows."""
        row = self.message
        if command.id not in ("recipients.lead", "recipients.went", "recipients.not_gone", "campaigns.retry"):
            return None
        if row is None:
            return "there is nobody here"
        if command.id == "recipients.lead" or self.table.marks:
            return None
        if command.id == "campaigns.retry":
            return None if row.status == "failed" else "this one did not fail; mark those that did, or * for all"
        return None if row.status in ASKS else f"of this one it is known: {mark(row.status)[1]}"

    @on(VirtualTable.Opened, "#recipients")
    def opened(self) -> None:
        """The text as it was written to this lead, and every event."""
        from leadtui.screens.message_pages import MessageItem

        if self.message is not None:
            self.app.push_screen(MessageItem(self.message.message_id), lambda did: self._again() if did else None)

    def do_lead(self) -> None:
        """The lead in full."""
        from leadtui.screens.lead_detail import LeadDetailScreen

        if self.message is not None:
            self.app.push_screen(LeadDetailScreen(self.message.lead_id))

    def _with_ids(self, asks: str | None, then: Callable[[tuple[int, ...]], None]) -> None:
        """The messages that are meant, of those in state `asks` or any that a person may settle."""
        marks, row = self.table.marks, self.message
        states = frozenset({asks}) if asks else ASKS
        if not marks:
            then((row.message_id,) if row is not None else ())
            return
        pages = RecipientPages(self.office, self.campaign_id, self.view)

        def read() -> tuple[int, ...]:
            _, rows = pages.read(None)
            return tuple(one.message_id for one in rows if one.message_id in marks and one.status in states)

        self.run_blocking(read, then=then, group="recipients.ids")

    def do_went(self) -> None:
        """It went."""
        self._with_ids(None, lambda ids: self._settle(ids, went=True))

    def do_not_gone(self) -> None:
        """It did not go."""
        self._with_ids(None, lambda ids: self._settle(ids, went=False))

    def _settle(self, ids: tuple[int, ...], *, went: bool) -> None:
        from leadtui.screens.confirm import Confirm

        if not ids:
            self.done("None of the marked ones is unknown or handed over")
            return
        office, campaign_id = self.office, self.campaign_id
        what = "This message" if len(ids) == 1 else f"These {len(ids):,} messages"
        words = f"{what} {'went' if went else 'did not go'}?\n\n{SURE}"

        def settle() -> Resolved:
            from leadtui.services import campaigns

            return campaigns.resolve(office, campaign_id, ids, went)

        def done(settled: Resolved) -> None:
            self.table.set_marks(Marks())
            self.changed()
            not_so = f"; {len(settled.refused):,} not: {settled.refused[0][1]}" if settled.refused else ""
            self.done(f"{settled.count:,} {'went' if went else 'did not go'}, as you say{not_so}")

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_blocking(settle, then=done, group="recipients.act")

        self.app.push_screen(Confirm(words, yes="It went" if went else "It did not", no="Not sure"), answered)

    def do_retry(self) -> None:
        """Those that failed go again, where that can help."""
        from leadtui.screens.campaign_dialogs import ask_retry

        def ask(ids: tuple[int, ...]) -> None:
            if self.row is not None and ids:
                ask_retry(self, self.row, ids, lambda _: self._retried())
            else:
                self.done("None of the marked ones failed")

        self._with_ids("failed", ask)

    def _retried(self) -> None:
        self.table.set_marks(Marks())
        self.changed()

    def do_exports(self) -> None:
        """What is shown, as a file."""
        from leadtui.screens.campaign_dialogs import push_export_form

        if self.row is not None:
            push_export_form(self, self.row, self.view.state or None)

    def copy_text(self) -> str:
        """`y`: number, name, address, state."""
        row = self.message
        parts = () if row is None else (row.lead_number, row.lead_name, row.address, mark(row.status)[1], row.error)
        return "  ".join(one for one in parts if one)

    # Changes

    @on(VirtualTable.Highlighted, "#recipients")
    def moved(self) -> None:
        """Somebody moves: nothing changes under the cursor now."""
        self.watch_changes.touched()
        self._say_why()

    def _look(self) -> None:
        """Messages are being sent."""
        row = self.row
        if row is not None and self.app.screen is self and (row.is_active or row.counters.in_hand):
            self._again()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r`, or something was done."""
        if not ids:
            self._again()

    def on_screen_resume(self) -> None:
        """In front again."""
        self._again()

    def _again(self) -> None:
        """Read again what is on screen."""
        if self.cells is not None:
            self.office_ready()
