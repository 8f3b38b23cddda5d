"""What the person was told and has not dealt with: why, which lead, how long ago; open, snooze, done with."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui import clock
from leadtui.commands import Command
from leadtui.domain.dates import relative
from leadtui.screens.alert_form import ask_own, send_test
from leadtui.screens.base import LeadScreen
from leadtui.screens.reminding import KINDS
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.domain.records import NotificationRow

COLUMNS = (
    Column("kind", "Why", 10, min_width=9),
    Column("lead", "Lead", 20, min_width=14, grow=1),
    Column("text", "What", 26, min_width=16, grow=3),
    Column("at", "Planned", 11, min_width=8, drop=1),
    Column("age", "Told", 8, align="right", drop=2),
)
MOST = 500
_NEEDS_ROW = {"notifications.snooze", "notifications.seen"}


class NotificationsScreen(LeadScreen[None]):
    """Over the screen it was called from; esc goes back there."""

    SCOPE = "notifications"
    HEADING = "Notices"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "notifications.snooze", "notifications.seen", "notifications.all_seen", "notifications.with_seen",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.with_seen = False
        self.rows: tuple[NotificationRow, ...] = ()

    def body(self) -> ComposeResult:
        """One list."""
        yield VirtualTable(
            COLUMNS, self._cell, empty="Nothing is due, and nothing was passed on to you", markable=False, id="notices"
        )

    @property
    def table(self) -> VirtualTable[NotificationRow]:
        """The list."""
        return self.query_one("#notices", VirtualTable)

    @property
    def row(self) -> NotificationRow | None:
        """The notice under the cursor."""
        return self.table.cursor_row

    def office_ready(self) -> None:
        """Read them: no toast need say what the list says."""
        self.lead_app.reminding.hide(again=False)
        self.table.focus()
        self._load()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """What was done with a lead may have done away with its notice."""
        if self.office is not None:
            self._load()

    def notices_came(self) -> None:
        """Something came due while this list is in front: it is shown here, not as a toast over it."""
        self._load()

    def on_screen_resume(self) -> None:
        """Back from a lead."""
        if self.office is not None and self.is_mounted:
            self._load()

    def _load(self) -> None:
        office, with_seen = self.office, self.with_seen

        def read() -> tuple[NotificationRow, ...]:
            from leadtui.services import reminders

            return reminders.mine(office, limit=MOST, seen=with_seen)

        self.run_blocking(read, then=self._show, group="notices")

    def _show(self, rows: tuple[NotificationRow, ...]) -> None:
        self.rows = rows
        self.table.show(ListProvider(rows))
        waiting = sum(row.seen_at is None for row in rows)
        self.heading("Notices" + (", with those dealt with" if self.with_seen else ""), str(waiting or ""))
        self.lead_app.refresh_hints()

    def _cell(self, row: NotificationRow, key: str) -> Cell:
        text = self._text(row, key)
        if row.seen_at is not None:
            return text, "muted"
        if key == "kind":
            return text, "error" if row.kind == "escalation" else "accent"
        return (text, "error") if key == "at" and row.late else text

    def _text(self, row: NotificationRow, key: str) -> str:
        match key:
            case "kind":
                return KINDS.get(row.kind, row.kind)
            case "lead":
                return one_line(row.title or "–")
            case "text":
                return one_line(row.text)
            case "at":
                return "" if row.at is None else relative(row.at, row.all_day, clock.now(), self.office.tz)
            case _:
                return age(row.due_at, clock.now())

    def copy_text(self) -> str:
        """The lead's number."""
        return "" if self.row is None else self.row.lead_number or ""

    # Commands

    def why_disabled(self, command: Command) -> str | None:
        """What needs a notice."""
        if command.id == "today.claim" and (self.row is None or self.row.kind != "offer"):
            return "this notice offers nothing"
        if command.id in _NEEDS_ROW and self.row is None:
            return "There is no notice here"
        if command.id == "notifications.seen" and self.row is not None and self.row.seen_at is not None:
            return "It is dealt with already"
        if command.id == "notifications.all_seen" and not self.table.row_count:
            return "There is no notice here"
        return None

    @on(VirtualTable.Opened, "#notices")
    def _opened(self) -> None:
        if self.row is None:
            return
        if self.row.kind == "offer":
            from leadtui.screens.offers import OffersDialog

            self.app.push_screen(OffersDialog(self.row.text.partition(" ")[0]))
            return
        if self.row.kind == "unassigned":
            from leadtui.screens.figure_leads import FigureLeads

            self.app.push_screen(FigureLeads("is:unassigned is:active", "Nobody's leads"))
            return
        if self.row.lead_id is None:
            self.lead_app.notify(one_line(self.row.text))
            return
        from leadtui.screens.lead_detail import LeadDetailScreen

        self.app.push_screen(LeadDetailScreen(self.row.lead_id))

    def do_claim(self) -> None:
        """Take the lead that the notice under the cursor offers."""
        from leadtui.screens.offers import claim_named

        if (row := self.row) is not None:
            claim_named(self, row.text)

    def do_snooze(self) -> None:
        """Ask until when."""
        from leadtui.screens.snooze_dialog import SnoozeDialog

        if (row := self.row) is not None:
            self.app.push_screen(SnoozeDialog(row), self._snoozed)

    def _snoozed(self, words: str | None) -> None:
        if words is not None:
            self.done(words)
            self._dealt_with()

    def do_seen(self) -> None:
        """The one under the cursor."""
        if (row := self.row) is not None:
            self._write([row.id])

    def do_all_seen(self) -> None:
        """All of them; asks where they are many."""
        count = sum(one.seen_at is None for one in self.rows)
        if count <= 1:
            self._write(None)
            return
        from leadtui.screens.confirm import Confirm

        words = f"All {count} notices are dealt with? The follow-ups themselves stay as they are."
        self.app.push_screen(Confirm(words, yes="All", no="Leave them"), lambda yes: self._write(None) if yes else None)

    def _write(self, ids: list[int] | None) -> None:
        office = self.office

        def write() -> int:
            from leadtui.services import reminders

            return reminders.seen(office, ids)

        def written(count: int) -> None:
            self.done("dealt with" if count == 1 else f"{count} dealt with")
            self._dealt_with()

        self.run_blocking(write, then=written)

    def _dealt_with(self) -> None:
        self._load()
        self.lead_app.reminding.look()

    def do_with_seen(self) -> None:
        """Those dealt with, too, or no more."""
        self.with_seen = not self.with_seen
        self._load()

    def do_addresses(self) -> None:
        """One's own alert addresses."""
        ask_own(self)

    def do_test_alert(self) -> None:
        """Try them out."""
        send_test(self, self.office.actor.login)

    def do_desktop(self) -> None:
        """Notices of the desktop, or none; kept for this user."""
        office, reminding = self.office, self.lead_app.reminding
        wanted = not reminding.on_desktop

        def write() -> bool:
            from leadtui.services import admin, reminders

            admin.set_preference(office, reminders.DESKTOP, wanted)
            return wanted

        def written(answer: bool) -> None:
            reminding.on_desktop = answer
            words = "notices go to the terminal's desktop, too, where it knows them (OSC 9)"
            self.done(words if answer else "notices stay within the program")

        self.run_blocking(write, then=written)


def age(at: datetime, now: datetime) -> str:
    """How long ago, in at most six cells; "in 5m" ahead."""
    minutes = int((now - at).total_seconds() // 60)
    ahead, minutes = ("in " if minutes < 0 else ""), abs(minutes)
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{ahead}{minutes}m"
    return f"{ahead}{minutes // 60}h" if minutes < 48 * 60 else f"{ahead}{minutes // 1440}d"
