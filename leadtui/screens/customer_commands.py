"""What can be done with a customer from the list and from its own screen: suspend, package, edit, family, password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leadtui.commands import Command
from leadtui.domain.customers import ACTIVE, SUSPENDED
from leadtui.domain.records import CustomerDone, CustomerRow, RouterUserRow
from leadtui.screens.base import LeadScreen
from leadtui.widgets.text import one_line

NO_USER = "this customer has no router user"


class CustomerCommands(LeadScreen[Any]):
    """The commands on one customer. Subclasses say which one is in front, and read again after a change."""

    def customer(self) -> CustomerRow | None:
        """The customer in front, when it is read."""
        return None

    def chosen_user(self) -> RouterUserRow | None:
        """The router user under the cursor, where there is one."""
        return None

    def acted(self) -> None:
        """Something was changed: read again."""

    def why_disabled(self, command: Command) -> str | None:
        """What needs a customer, or a router user of it."""
        if not set(command.scope) & {"customers", "customer"} or command.group in ("Find", "Go to"):
            return None
        row = self.customer()
        if row is None:
            return "there is no customer here"
        if command.id in ("customers.package", "customers.password") and not row.router_users:
            return NO_USER
        return None

    # Service

    def do_suspend(self) -> None:
        """Suspend, or resume; where some of the router users are suspended it is asked which."""
        row = self.customer()
        if row is None:
            return
        if row.state in (ACTIVE, SUSPENDED):
            self._serve(row, "suspend" if row.state == ACTIVE else "resume")
            return
        from leadtui.screens.confirm import Confirm

        def decided(resume: bool | None) -> None:
            if resume is not None:
                self._serve(row, "resume" if resume else "suspend")

        words = f"Some of the router users of {one_line(row.title)} are suspended."
        self.app.push_screen(Confirm(words, yes="Resume them", no="Suspend all"), decided)

    def do_package(self) -> None:
        """Another package for a router user."""
        if (row := self.customer()) is not None:
            user = self.chosen_user()
            self._serve(row, "package", user=user.username if user is not None else None)

    def _serve(self, row: CustomerRow, act: Any, *, user: str | None = None) -> None:
        from leadtui.screens.service_dialog import ServiceDialog

        def done(result: object) -> None:
            if result is not None:
                self.acted()

        self.app.push_screen(ServiceDialog(row.id, act, user=user), done)

    # Fields

    def do_edit(self) -> None:
        """Edit the customer as it is now."""
        self._with_groups(self._edit)

    def do_family(self) -> None:
        """Its family group, or a new one."""
        self._with_groups(self._choose_family)

    def _with_groups(self, show: Callable[[CustomerRow, list[str]], None]) -> None:
        """Read the customer and the family groups, then show a form."""
        front = self.customer()
        if front is None:
            return
        office, customer_id = self.office, front.id

        def read() -> tuple[CustomerRow, list[str]]:
            from leadtui.services import customers

            groups = [group.name for group in customers.family_groups(office)]
            return customers.detail(office, customer_id).customer, groups

        self.run_blocking(read, then=lambda found: show(*found), group="customer.form")

    def _edit(self, row: CustomerRow, groups: list[str]) -> None:
        from leadtui.screens.customer_dialogs import CustomerForm, customer_specs

        catalog = self.office.catalog
        branches = [branch.name for branch in catalog.branches if branch.is_active or branch.name == row.branch]
        specs = customer_specs(groups, branches, self.office.actor.hidden_fields)
        self.app.push_screen(CustomerForm(self.office, row, specs), self._edited)

    def _choose_family(self, row: CustomerRow, groups: list[str]) -> None:
        from leadtui.screens.customer_dialogs import FamilyForm

        self.app.push_screen(FamilyForm(self.office, row, groups), self._edited)

    def _edited(self, done: CustomerDone | None) -> None:
        if not isinstance(done, CustomerDone):
            return
        name = one_line(done.customer.title)
        if done.changed:
            self.changed()
            self.done(f"{name} changed: {', '.join(done.changed).replace('_', ' ')}")

    # The password of a router user

    def do_password(self) -> None:
        """Show the password of a router user, after asking: it is written down who looked."""
        row = self.customer()
        if row is None or not row.router_users:
            return
        user = self.chosen_user()
        if user is not None or len(row.router_users) == 1:
            self._ask_password(user or row.router_users[0])
            return
        from leadtui.screens.picker import Choice, Picker

        users = {str(one.id): one for one in row.router_users}
        choices = [Choice(key, one.username, f"{one.router} · {one.service}") for key, one in users.items()]

        def picked(key: str | None) -> None:
            if key is not None:
                self._ask_password(users[key])

        self.app.push_screen(Picker("Whose password?", choices), picked)

    def _ask_password(self, user: RouterUserRow) -> None:
        from leadtui.screens.confirm import Confirm

        def go(yes: bool | None) -> None:
            if yes:
                self._reveal(user)

        words = f"Show the password of {one_line(user.username)} on {one_line(user.router)}? The history will say so."
        self.app.push_screen(Confirm(words, yes="Show it", no="No"), go)

    def _reveal(self, user: RouterUserRow) -> None:
        office = self.office

        def read() -> Any:
            from leadtui.services import routers

            return routers.reveal(office, user.router, user.service, user.username)

        def show(secret: Any) -> None:
            if secret is None:
                words = f"No password of {one_line(user.username)} is stored here, or you may not convert its lead"
                self.app.notify(words, severity="warning")
                return
            from leadtui.screens.customer_dialogs import FactsDialog

            facts = {"user name": user.username, "router": user.router, "service": user.service}
            dialog = FactsDialog(user.username, facts, secret=secret.reveal(), user=user.username)
            self.app.push_screen(dialog, lambda _: self.acted())

        self.run_blocking(read, then=show, group="customer.password")
