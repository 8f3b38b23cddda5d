"""A customer: router users, leads, family, documents and history on one screen, every key that does something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from leadtui.commands import Command
from leadtui.domain.records import CustomerDetail, CustomerLead, CustomerRow, DocumentRow, RouterUserRow
from leadtui.errors import LeadtuiError, NotFound
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.customer_commands import CustomerCommands
from leadtui.screens.customer_facts import CustomerFacts, Member, facts_of
from leadtui.screens.customer_pages import read_customer
from leadtui.widgets.sheet import Sheet

_NOT_YOURS = "it needs the right to convert one of the customer's leads"


class CustomerSheet(Sheet, inherit_bindings=False):
    """A sheet whose `l` and `h` are free: `l` opens the lead here. The arrows still go to the other column."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(one for one in Sheet.BINDINGS if getattr(one, "id", "") not in ("list.left", "list.right")),
        ("left", "columns_left", ""),
        ("right", "columns_right", ""),
    ]


class CustomerDetailScreen(CustomerCommands):
    """One customer, by its id."""

    SCOPE = "customer"
    HEADING = "A customer"
    HINTS: ClassVar[tuple[str, ...]] = (
        "customers.suspend", "customers.package", "customers.edit", "customers.password", "customers.lead",
        "customers.documents",
    )  # fmt: skip

    def __init__(self, customer_id: int) -> None:
        super().__init__()
        self.customer_id = customer_id
        self.detail: CustomerDetail | None = None
        self.watch_changes = ChangeWatch(self, self.acted)

    def body(self) -> ComposeResult:
        """One sheet."""
        yield CustomerSheet(id="customer")

    @property
    def sheet(self) -> Sheet:
        """The sheet."""
        return self.query_one(Sheet)

    def on_mount(self) -> None:
        """The sheet takes the keys; changes made by others are looked for."""
        self.sheet.focus()
        self.watch_changes.start()

    def on_screen_resume(self) -> None:
        """In front again."""
        self.watch_changes.look(at_once=True)

    def office_ready(self) -> None:
        """Read the customer."""
        self.acted()

    # Reading

    def acted(self) -> None:
        """Read (again)."""
        if self.office is not None:
            self.run_blocking(
                read_customer, self.office, self.customer_id, then=self._show, failed=self._failed,
                group="customer.read",
            )  # fmt: skip

    def leads_changed(self, ids: frozenset[int]) -> None:
        """A lead of this customer, or any, was changed."""
        if not ids or self.detail is None or ids & {one.id for one in self.detail.leads}:
            self.acted()

    def _show(self, detail: CustomerDetail) -> None:
        new, self.detail = self.detail is None, detail
        facts = self._facts(detail)
        self.heading(*facts.title())
        self.sheet.show(facts.sheet, keep_place=not new)
        self.lead_app.refresh_hints()

    def _facts(self, detail: CustomerDetail) -> CustomerFacts:
        return CustomerFacts(detail, self.office.catalog, self.office.actor.hidden_fields, self.lead_app.plain)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, NotFound):
            self.app.notify("This customer is not there any more, or not yours to see", severity="warning")
            self.dismiss(None)
            return
        self.lead_app.report(error)
        if self.detail is None and isinstance(error, LeadtuiError):
            self.dismiss(None)

    # What the commands need

    def customer(self) -> CustomerRow | None:
        """The customer, once it is read."""
        return self.detail.customer if self.detail is not None else None

    def chosen_user(self) -> RouterUserRow | None:
        """The router user under the cursor."""
        item = self.sheet.current
        return item if isinstance(item, RouterUserRow) else None

    def why_disabled(self, command: Command) -> str | None:
        """What this person may not do with this customer, or what is not there."""
        if self.detail is None:
            return super().why_disabled(command)
        if command.permission == "convert" and "edit" not in self.detail.allowed:
            return _NOT_YOURS
        if command.id == "customers.lead" and not self.detail.leads:
            return "there is no lead here that you may see"
        if command.id == "customers.documents" and not self.detail.documents:
            return "no documents: those of a lead are copied when it is converted"
        return super().why_disabled(command)

    def copy_text(self) -> str:
        """`y`: name and phone, as one pastes them into a message."""
        row = self.customer()
        return "" if row is None else "  ".join(one for one in (row.name, row.phone) if one)

    # Going on

    @on(Sheet.Opened)
    def opened(self, event: Sheet.Opened) -> None:
        """Enter on an item: its lead, its member, or all about it."""
        item = event.item
        if isinstance(item, CustomerLead):
            self._open_lead(item.id)
        elif isinstance(item, Member):
            self.app.push_screen(CustomerDetailScreen(item.id))
        elif isinstance(item, DocumentRow):
            self._show_document(item)
        elif self.detail is not None:
            from leadtui.screens.customer_dialogs import FactsDialog

            self.app.push_screen(FactsDialog(*facts_of(item, self._facts(self.detail))))

    def do_lead(self) -> None:
        """The lead under the cursor, else the only one, else a choice."""
        if self.detail is None or not self.detail.leads:
            return
        item = self.sheet.current
        if isinstance(item, CustomerLead):
            self._open_lead(item.id)
            return
        self._choose("Which lead?", self.detail.leads, lambda one: (one.number, one.status), self._open_lead)

    def _open_lead(self, lead: int | CustomerLead) -> None:
        from leadtui.screens.lead_detail import LeadDetailScreen

        self.app.push_screen(LeadDetailScreen(lead if isinstance(lead, int) else lead.id))

    def do_documents(self) -> None:
        """The document under the cursor, else the only one, else a choice."""
        if self.detail is None or not self.detail.documents:
            return
        item = self.sheet.current
        if isinstance(item, DocumentRow):
            self._show_document(item)
            return
        self._choose("Which document?", self.detail.documents, lambda one: (one.name, one.mime), self._show_document)

    def _show_document(self, document: DocumentRow) -> None:
        from leadtui.screens.item_dialog import ItemDialog

        self.app.push_screen(ItemDialog(document, self.office.catalog))

    def _choose(self, title: str, items: Sequence[Any], words: Any, then: Any) -> None:
        """The only one at once; else the one that is picked."""
        if len(items) == 1:
            then(items[0])
            return
        from leadtui.screens.picker import Choice, Picker

        by_key = {str(one.id): one for one in items}
        choices = [Choice(key, *words(one)) for key, one in by_key.items()]
        self.app.push_screen(Picker(title, choices), lambda key: then(by_key[key]) if key is not None else None)
