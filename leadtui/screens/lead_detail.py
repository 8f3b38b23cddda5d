"""A lead: everything about it on one screen, its timeline newest first, every key that does something with it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.commands import Command
from leadtui.domain.loans import LoanRow
from leadtui.domain.records import LeadDetail, LeadRow
from leadtui.errors import LeadtuiError, NotFound
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.lead_commands import LeadCommands
from leadtui.screens.lead_facts import Facts
from leadtui.screens.lead_pages import Beside, read_beside, read_lead, read_serving
from leadtui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from leadtui.services.serving import Serving


class LeadDetailScreen(LeadCommands):
    """One lead. `where` and `sort` are the list it was opened from: `[` and `]` go through that list.

    Answers the id of the lead shown last, so that the list can go there.
    """

    SCOPE = "lead"
    HEADING = "A lead"
    HINTS: ClassVar[tuple[str, ...]] = (
        "leads.log",
        "leads.status",
        "leads.edit",
        "leads.follow_up",
        "leads.convert",
        "leads.next",
    )

    def __init__(self, lead_id: int, where: str | None = None, sort: str | None = None) -> None:
        super().__init__()
        self.lead_id = lead_id
        self.where = where
        self.sort = sort
        self.detail: LeadDetail | None = None
        self.serving: Serving | None = None
        self.beside = Beside()
        self.neighbours: tuple[int | None, int | None] = (None, None)
        self.watch_changes = ChangeWatch(self, lambda: self.leads_changed(frozenset()))

    def body(self) -> ComposeResult:
        """One sheet."""
        yield Sheet(id="lead")

    def on_mount(self) -> None:
        """The sheet takes the keys; changes made by others are looked for."""
        self.query_one(Sheet).focus()
        self.watch_changes.start()

    def on_screen_resume(self) -> None:
        """In front again."""
        self.watch_changes.look(at_once=True)

    def office_ready(self) -> None:
        """Read the lead."""
        self._load()

    # Reading

    def _load(self) -> None:
        office, lead_id, where, sort = self.office, self.lead_id, self.where, self.sort

        def read() -> tuple[LeadDetail, tuple[int | None, int | None], Beside]:
            from leadtui.services import leads

            detail = read_lead(office, lead_id)
            around = leads.neighbours(office, where, sort, lead_id) if sort is not None else (None, None)
            return detail, around, read_beside(office, lead_id)

        self.run_blocking(read, then=lambda found: self._show(*found), failed=self._failed, group="lead.read")

    def _show(self, detail: LeadDetail, around: tuple[int | None, int | None], beside: Beside) -> None:
        new = self.detail is None or self.detail.row.id != detail.row.id
        self.detail, self.beside = detail, beside
        # A lead that left the list (its status was changed, say) has no place there: the old neighbours still lead on.
        if new or around != (None, None):
            self.neighbours = around
        if new:
            self.serving = None
        self._draw(detail, keep_place=not new)
        self.lead_app.refresh_hints()
        self._ask_serving(detail.row)

    def _draw(self, detail: LeadDetail, *, keep_place: bool) -> None:
        actor = self.office.actor
        facts = Facts(
            detail, self.office.catalog, actor.hidden_fields, self.lead_app.plain, self.serving,
            self.beside.messages, self.beside.drips,
        )  # fmt: skip
        self.heading(*facts.title())
        self.query_one(Sheet).show(facts.sheet, keep_place=keep_place)

    def _ask_serving(self, row: LeadRow) -> None:
        """Can we serve this door? Read behind the lead, which does not wait for it."""
        if row.is_converted or row.is_lost or row.is_deleted:
            self._show_serving(row.id, None)
            return
        self.run_blocking(
            read_serving, self.office, row.id, then=partial(self._show_serving, row.id), failed=lambda error: None,
            group="lead.serving",
        )  # fmt: skip

    def _show_serving(self, lead_id: int, serving: Serving | None) -> None:
        if self.detail is not None and self.detail.row.id == lead_id and serving != self.serving:
            self.serving = serving
            self._draw(self.detail, keep_place=True)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, NotFound):
            self.app.notify("This lead is not there any more, or not yours to see", severity="warning")
            if self.detail is None or self.detail.row.id != self.lead_id:
                self.dismiss(None)
            return
        self.lead_app.report(error)
        if self.detail is None and isinstance(error, LeadtuiError):
            self.dismiss(None)

    def leads_changed(self, ids: frozenset[int]) -> None:
        """This lead, or any, was changed."""
        if self.office is not None and (not ids or self.lead_id in ids):
            self._load()

    # What the commands need

    def lead(self) -> LeadRow | None:
        """The lead, once it is read."""
        return self.detail.row if self.detail is not None and self.detail.row.id == self.lead_id else None

    def why_disabled(self, command: Command) -> str | None:
        """`[` and `]` only where there is a list; `w` only where there is a customer."""
        if command.id == "leads.customer":
            row = self.lead()
            return "this lead is no customer yet" if row is None or row.customer_id is None else None
        if command.id == "leads.score" and (self.detail is None or self.detail.scored is None):
            return "your role does not show scores" if self.detail is not None else "it is being read"
        if command.id == "leads.stop_drip" and not self.beside.open_drips:
            return "this lead is in no drip"
        step = {"leads.previous": 0, "leads.next": 1}.get(command.id)
        if step is not None:
            if self.sort is None:
                return "this lead was not opened from a list"
            if self.neighbours[step] is None:
                return "this is the last lead of the list" if step else "this is the first lead of the list"
            return None
        return super().why_disabled(command)

    def copy_text(self) -> str:
        """`y`: number, name and phone, as one pastes them into a message."""
        row = self.lead()
        return "" if row is None else "  ".join(one for one in (row.number, row.name, row.phone) if one)

    # Commands

    def do_next(self) -> None:
        """The next lead of the list."""
        self._go(self.neighbours[1])

    def do_previous(self) -> None:
        """The lead before it."""
        self._go(self.neighbours[0])

    def do_customer(self) -> None:
        """The customer that the lead has become."""
        from leadtui.screens.customer_detail import CustomerDetailScreen

        row = self.lead()
        if row is not None and row.customer_id is not None:
            self.app.push_screen(CustomerDetailScreen(row.customer_id))

    def do_score(self) -> None:
        """Every rule with its points."""
        from leadtui.screens.score_dialog import ScoreDialog

        if self.detail is not None and self.detail.scored is not None:
            self.app.push_screen(ScoreDialog(self.detail.scored))

    def do_stop_drip(self) -> None:
        """Take the lead out of the drips it is in."""
        from leadtui.screens.enrollment_dialog import leave_drips

        leave_drips(self, self.beside.open_drips)

    def _go(self, lead_id: int | None) -> None:
        if lead_id is not None:
            self.lead_id = lead_id
            self._load()

    def do_close(self) -> None:
        """Back to the list, which goes to the lead shown last."""
        self.dismiss(self.lead_id)

    @on(Sheet.Opened)
    def open_item(self, event: Sheet.Opened) -> None:
        """Enter on an item shows it whole; what is to be done can be settled there."""
        from leadtui.screens.activity_dialog import ActivityDialog
        from leadtui.screens.item_dialog import ItemDialog

        item: Any = event.item
        if self._open_beside(item):
            return
        if isinstance(item, LoanRow) and item.is_open:
            self.do_promise()
            return
        may_settle = self.detail is not None and "log" in self.detail.allowed and getattr(item, "is_open", False)
        dialog = ActivityDialog if may_settle else ItemDialog
        self.app.push_screen(dialog(item, self.office.catalog))

    def _open_beside(self, item: Any) -> bool:
        """Messages and drips have dialogs of their own; False for anything else."""
        from leadtui.screens.enrollment_dialog import EnrollmentDialog
        from leadtui.screens.message_pages import MessageItem

        if item in self.beside.messages:
            self.app.push_screen(MessageItem(item.id))
        elif item in self.beside.drips:
            self.app.push_screen(EnrollmentDialog(item))
        else:
            return False
        return True
