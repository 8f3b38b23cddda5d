"""The routers of the office: how each answered last, how busy it is, and everything one can do with it."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.commands import Command
from leadtui.screens import router_cells
from leadtui.screens.record_list import Record, RecordList
from leadtui.screens.router_asking import RouterAsking
from leadtui.screens.router_facts import facts
from leadtui.widgets.columns import Cell
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

REREAD_S, REREAD_S_SLOW = 15.0, 60.0
"""While the screen is in front the list is read anew: somebody else's worker asks the routers too."""


class RoutersScreen(RecordList):
    """Main screen 3: the list above, everything known of the router under the cursor below."""

    SCOPE = "routers"
    HEADING = "Routers"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "routers.test", "routers.capacity", "routers.audit", "routers.pending", "routers.test_all",
    )  # fmt: skip
    TABLE = "routers"
    COLUMNS = router_cells.COLUMNS
    EMPTY = "No routers yet: n adds one"
    NEEDS = frozenset(
        f"routers.{name}" for name in ("edit", "test", "test_all", "capacity", "audit", "audit_all", "trust",
                                       "show_users", "remove")
    )  # fmt: skip
    NONE_HERE = "There is no router here: n adds one"
    DEFAULT_CSS: ClassVar[str] = """
    RoutersScreen #facts { height: 13; overflow-y: scroll; }
    RoutersScreen.-tall #facts { height: 18; }
    RoutersScreen.-narrow #facts { height: 10; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.asking = RouterAsking(self)
        self.rows: list[Record] = []
        self._facts_of: object = None

    def body(self) -> ComposeResult:
        """List and facts; tab goes from one to the other."""
        yield from super().body()
        yield Sheet(id="facts")

    def on_mount(self) -> None:
        """Figures grow old while one looks at them."""
        self.set_interval(REREAD_S_SLOW if self.lead_app.slow else REREAD_S, self._look_again)

    def _look_again(self) -> None:
        if self.office is not None and self.app.screen is self:
            self.load()

    def on_screen_resume(self) -> None:
        """In front again: an audit, a conversion may have changed things."""
        if self.office is not None and self.rows:
            self.load()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """A conversion may have made users or left jobs."""
        self.load()

    # The list

    def read(self, office: Any) -> list[Record]:
        """The routers with their load and their last audits."""
        from leadtui.services import capacity, router_audit, routers

        rows = routers.list_routers(office)
        loads = {one.router: one for one in capacity.latest(office)}
        audits = router_audit.last(office)
        return [{**row, "load": loads.get(row["name"]), "audit": audits.get(row["name"])} for row in rows]

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        return router_cells.cell(row, key, self.asking.words(row["name"]))

    def shown(self, rows: list[Record]) -> None:
        """The records are on the screen."""
        self.rows = rows
        self._show_heading()

    def _show_heading(self) -> None:
        left = sum(row["open_jobs"] for row in self.rows)
        words = f"{len(self.rows)} · {left} left open: p" if left else str(len(self.rows))
        if asked := len(self.asking.asked):
            words = f"waiting for {asked} of {len(self.rows)} · esc stops"
        self.heading("Routers", words)

    def asking_changed(self) -> None:
        """Something is being asked, or was answered: only drawing, nothing is read."""
        if not self.is_mounted:
            return
        self.table.refresh()
        self._show_heading()
        self._show_facts()
        self.lead_app.refresh_hints()

    @on(VirtualTable.Highlighted, "#routers")
    @on(VirtualTable.Loaded, "#routers")
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        row, sheet = self.record, self.query_one("#facts", Sheet)
        sheet.display = row is not None and self.table.display
        if row is None:
            return
        same, self._facts_of = self._facts_of == row["name"], row["name"]
        sheet.show(lambda width: facts(row, width, self.asking.words(row["name"])), keep_place=same)

    def why_disabled(self, command: Command) -> str | None:
        """What needs a router under the cursor, and what is being asked already."""
        if (reason := super().why_disabled(command)) is not None:
            return reason
        if command.id in {"routers.test", "routers.trust"} and self.asking.words((self.record or {}).get("name")):
            return "It is being asked already"
        if command.id in {"routers.test_all", "routers.capacity"} and not self._idle():
            in_use = any(row["is_active"] for row in self.rows)
            return "They are being asked already" if in_use else "No router is in use"
        return None

    def _idle(self) -> list[str]:
        """The routers in use that are not being asked."""
        return [str(row["name"]) for row in self.rows if row["is_active"] and not self.asking.words(row["name"])]

    def copy_text(self) -> str:
        """The address."""
        return f"{self.record['host']}:{self.record['port']}" if self.record is not None else ""

    # Commands: asking

    def do_back(self) -> None:
        """What is being asked is given up first."""
        if not self.asking.stop():
            super().do_back()

    def do_test(self) -> None:
        """Ask the router who it is; other routers and the keys are not held up."""
        if self.record is not None:
            self.asking.test(str(self.record["name"]))

    def do_test_all(self) -> None:
        """Ask all routers in use who they are."""
        self.asking.test_all(self._idle())

    def do_capacity(self) -> None:
        """Ask all routers in use how busy they are."""
        self.asking.read_load(self._idle())

    def do_trust(self) -> None:
        """Show the certificate, and pin it if the person says that it is the right one."""
        if self.record is not None:
            self.asking.show_certificate(str(self.record["name"]))

    def do_audit(self) -> None:
        """Compare the users on the router with the store."""
        if self.record is not None:
            self._audit(str(self.record["name"]))

    def do_audit_all(self) -> None:
        """Compare the users on all routers with the store."""
        self._audit(None)

    def _audit(self, name: str | None) -> None:
        from leadtui.screens.router_audit import RouterAuditScreen

        self.app.push_screen(RouterAuditScreen(name))

    # Commands: what stands on it, what was left open

    @on(VirtualTable.Opened, "#routers")
    def _opened(self) -> None:
        self.lead_app.run_command("routers.show_users")

    def do_show_users(self) -> None:
        """The users this program made on it."""
        from leadtui.screens.router_users import RouterUsers

        if self.record is not None:
            self.app.push_screen(RouterUsers(str(self.record["name"])))

    def do_pending(self) -> None:
        """What is under way or was left open."""
        from leadtui.screens.pending_jobs import PendingJobs

        self.app.push_screen(PendingJobs())

    # Commands: the list

    def do_new(self) -> None:
        """Add a router; a certificate that nobody vouches for can be pinned at once."""
        from leadtui.screens import router_form
        from leadtui.screens.record_form import RecordForm

        office = self.office

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import routers

            return routers.add(office, values)

        fields = router_form.specs(self._branches(), new=True)
        form = RecordForm("New router", fields, router_form.NEW, save, new=True, rules=router_form.rules)
        self.app.push_screen(form, partial(self._saved, "added; t asks who it is", tls=True))

    def do_edit(self) -> None:
        """Edit the router under the cursor."""
        from leadtui.screens import router_form
        from leadtui.screens.record_form import RecordForm

        if (router := self.record) is None:
            return
        office, name = self.office, str(router["name"])
        fields = router_form.specs(self._branches(), new=False)
        tls = False

        def save(changed: dict[str, str]) -> Any:
            nonlocal tls
            from leadtui.services import routers

            tls = "tls" in changed
            return routers.edit(office, name, changed)

        def saved(answer: Any) -> None:
            self._saved("changed", answer, tls=tls)

        given = router_form.values_of(router, fields)
        form = RecordForm(f"Router {name}", fields, given, save, new=False, rules=router_form.rules)
        self.app.push_screen(form, saved)

    def _branches(self) -> list[str]:
        return [branch.name for branch in self.office.catalog.branches if branch.is_active]

    def _saved(self, words: str, answer: Any, *, tls: bool) -> None:
        """The record was written; `tls` says that somebody chose how to reach it: what that means is told once."""
        if not answer:
            return
        name = str(answer["name"])
        self.changed_record(name, f"Router {name} {words}")
        if not tls:
            return
        if answer["tls"] in {"ca", "pin"}:  # whether its certificate is trusted shows now, while one thinks of it
            self.asking.test(name)
            return
        from leadtui.services.router_values import tls_warning

        more = "\nP shows its certificate and pins it." if answer["tls"] == "plain" else ""
        self.app.notify(f"{tls_warning(answer)}{more}", severity="warning", timeout=10)

    def do_remove(self) -> None:
        """Take the router off the list; nothing is done on it."""
        from leadtui.screens.confirm import Confirm

        if (router := self.record) is None:
            return
        office, name = self.office, str(router["name"])

        def write() -> None:
            from leadtui.services import routers

            routers.remove(office, name)

        def go(yes: bool | None) -> None:
            if yes:
                done = f"Router {name} removed from the list"
                self.run_blocking(write, then=lambda _: self.changed_record(None, done))

        words = f"{one_line(name)} leaves the list; nothing is changed on the router itself."
        self.app.push_screen(Confirm(words, yes="Remove", no="Keep it", danger=True), go)
