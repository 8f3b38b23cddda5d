"""The routers of the office: how they answered last, test, add, edit, remove, the users on them, what is left open."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken
from leadtui.screens.base import LeadScreen
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.pages import ListProvider
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.services.routers import RouterAnswer

RouterDict = Mapping[str, Any]

COLUMNS = (
    Column("name", "Router", 12, min_width=8, grow=1),
    Column("address", "Address", 21, min_width=17, grow=1),
    Column("state", "Last answer", 22, min_width=18, grow=3),
    Column("service", "Service", 7, drop=2),
    Column("version", "Version", 7, drop=3),
    Column("identity", "Says it is", 14, min_width=10, grow=1, drop=5),
    Column("users", "Users", 5, align="right", drop=4),
    Column("open_jobs", "Open", 4, align="right"),
)
TLS_CHOICES = (
    ("plain", "none: passwords travel in clear"),
    ("pin", "only the certificate pinned below"),
    ("ca", "a certificate signed by a known CA"),
    ("anonymous", "encrypted, but anybody could answer"),
)


class RoutersScreen(LeadScreen[None]):
    """Main screen 2."""

    SCOPE = "routers"
    HEADING = "Routers"
    HINTS: ClassVar[tuple[str, ...]] = (
        "list.open", "routers.test", "routers.new", "routers.edit", "routers.pending", "routers.remove",
    )  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = "RoutersScreen #refused { padding: 1 2; height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self.testing: set[str] = set()
        """The names of the routers that are being asked now."""

    def body(self) -> ComposeResult:
        """The list, or why there is none."""
        yield Static("", id="refused", markup=False)
        yield VirtualTable(
            COLUMNS, self._cell, row_id=lambda row: row["name"], empty="No routers yet: n adds one", markable=False,
            id="routers",
        )  # fmt: skip

    def on_mount(self) -> None:
        """Nothing is refused yet."""
        self.query_one("#refused").display = False

    def office_ready(self) -> None:
        """Read the routers."""
        self._load()
        self.table.focus()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """A conversion may have made users or left jobs."""
        self._load()

    @property
    def table(self) -> VirtualTable[RouterDict]:
        """The list."""
        return self.query_one("#routers", VirtualTable)

    @property
    def router(self) -> RouterDict | None:
        """The router under the cursor."""
        row: RouterDict | None = self.table.cursor_row
        return row

    def _cell(self, row: Any, key: str) -> Cell:
        match key:
            case "address":
                lock = "" if row["tls"] == "plain" else f" {row['tls']}"
                return one_line(f"{row['host']}:{row['port']}{lock}")
            case "open_jobs":
                return (str(row["open_jobs"]), "warning") if row["open_jobs"] else ("–", "muted")
            case "state":
                return self._state(row)
        text = one_line(row.get(key) if row.get(key) is not None else "–")
        if key == "version":
            text = text.split(" ")[0]
        return text if row["is_active"] else (text, "muted")

    def _state(self, row: Any) -> Cell:
        """A mark and a word: never colour alone."""
        if row["name"] in self.testing:
            return "… asking", "accent"
        if not row["is_active"]:
            return "not in use", "muted"
        if row["last_error"]:
            return f"✗ {one_line(row['last_error'])}", "error"
        if row["last_ok_at"] is None:
            return "never asked: t", "muted"
        return f"✓ {self._ago(row['last_ok_at'])}", "success"

    def _ago(self, at: Any) -> str:
        from leadtui import clock

        minutes = int((clock.now() - at).total_seconds() // 60)
        if minutes < 1:
            return "just now"
        if minutes < 120:
            return f"{minutes} min ago"
        return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"

    def _load(self) -> None:
        office = self.office

        def read() -> list[dict[str, Any]]:
            from leadtui.services import routers

            return routers.list_routers(office)

        self.run_blocking(read, then=self._show, failed=self._unreadable, group="routers")

    def _show(self, rows: list[dict[str, Any]]) -> None:
        self.query_one("#refused").display = False
        self.table.display = True
        self.table.show(ListProvider(rows))
        left = sum(row["open_jobs"] for row in rows)
        self.heading("Routers", f"{len(rows)} · {left} left open: p" if left else str(len(rows)))

    def _unreadable(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        line = self.query_one("#refused", Static)
        line.update(Content(f"{error.message}\n{error.hint or ''}"))
        line.display = True
        self.table.display = False

    def why_disabled(self, command: Command) -> str | None:
        """What needs a router under the cursor."""
        needs = {"routers.edit", "routers.test", "routers.show_users", "routers.remove"}
        if command.id in needs and self.router is None:
            return "There is no router here: n adds one"
        if command.id == "routers.test" and self.router is not None and self.router["name"] in self.testing:
            return "It is being asked already"
        return None

    def copy_text(self) -> str:
        """The address."""
        return f"{self.router['host']}:{self.router['port']}" if self.router is not None else ""

    # Commands

    @on(VirtualTable.Opened, "#routers")
    def _opened(self) -> None:
        self.lead_app.run_command("routers.show_users")

    def do_test(self) -> None:
        """Ask the router who it is; other routers and the keys are not held up."""
        if (router := self.router) is None:
            return
        office, name, token = self.office, str(router["name"]), CancelToken()
        self.testing.add(name)
        self.table.reload()

        def ask() -> RouterAnswer:
            from leadtui.services import routers

            return routers.test(office, name, cancel=token)

        def failed(error: Exception) -> None:
            self.testing.discard(name)
            self._load()
            self.lead_app.report(error)

        self.run_blocking(
            ask, then=partial(self._tested, name), failed=failed, group=f"test {name}", cancel=token.cancel
        )

    def _tested(self, name: str, answer: RouterAnswer) -> None:
        self.testing.discard(name)
        self._load()
        if answer.ok:
            words = f'{name}: RouterOS {answer.version}, "{answer.identity}", {answer.board}, {answer.latency_ms:g} ms'
            self.done(f"{words}; {answer.warning}" if answer.warning else words)
            return
        if answer.fingerprint and self.office.actor.may("config"):
            self._offer_pin(name, answer)
            return
        words = "\n".join(part for part in (answer.error, answer.hint) if part)
        self.app.notify(words, severity="error", timeout=10)

    def _offer_pin(self, name: str, answer: RouterAnswer) -> None:
        """Trust on first use, decided by a person who compares."""
        from leadtui.screens.confirm import Confirm

        words = (
            f"{answer.error}\n\nThe certificate that {name} shows has the SHA-256\n{answer.fingerprint}\n\n"
            "If the router itself shows the same, pin it: only this certificate is accepted then."
        )
        changes = {"tls": "pin", "tls_pin": str(answer.fingerprint)}

        def decided(yes: bool | None) -> None:
            if yes:
                self._edit(name, changes, then=lambda _: self._edited(name, "pinned"))

        self.app.push_screen(Confirm(words, yes="Pin it", no="No"), decided)

    def _edit(self, name: str, changes: dict[str, str], *, then: Any) -> None:
        office = self.office

        def write() -> Any:
            from leadtui.services import routers

            return routers.edit(office, name, changes)

        self.run_blocking(write, then=then)

    def _edited(self, name: str, words: str) -> None:
        self._load()
        self.done(f"Router {name} {words}")

    def _specs(self, *, new: bool) -> tuple[FieldSpec, ...]:
        services = (("pppoe", "PPPoE"), ("hotspot", "Hotspot"))
        keep = "" if new else "empty keeps the one stored"
        specs = [
            FieldSpec("name", "Name", required=True, max_length=63),
            FieldSpec("host", "Address", required=True, max_length=255, placeholder="10.0.0.1 or a name"),
            FieldSpec("username", "Account", required=True, max_length=63, help="its group needs api, read and write"),
            FieldSpec("password", "Password", "password", required=new, placeholder=keep),
            FieldSpec("service", "Service", "choice", choices=services),
            FieldSpec("tls", "Encryption", "choice", choices=TLS_CHOICES),
            FieldSpec("port", "Port", max_length=5, placeholder="8728, or 8729 encrypted"),
            FieldSpec("tls_pin", "Pinned certificate", max_length=100, placeholder="SHA-256, when pinned"),
            FieldSpec("tls_ca", "CA file", max_length=500, placeholder="a PEM file; empty: the system's CAs"),
        ]
        if not new:
            specs.append(FieldSpec("is_active", "In use", "bool", help="offered for new users"))
        return tuple(specs)

    def do_new(self) -> None:
        """Add a router, and ask it at once who it is."""
        from leadtui.screens.record_form import RecordForm

        office = self.office

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import routers

            return routers.add(office, values)

        given = {"service": "pppoe", "tls": "plain"}
        self.app.push_screen(RecordForm("New router", self._specs(new=True), given, save, new=True), self._added)

    def _added(self, answer: Any) -> None:
        if answer is None:
            return
        self.table.aim(answer["name"])
        self._edited(answer["name"], "added; t asks who it is")

    def do_edit(self) -> None:
        """Edit the router under the cursor."""
        from leadtui.screens.record_form import RecordForm

        if (router := self.router) is None:
            return
        office, name = self.office, str(router["name"])
        specs = self._specs(new=False)
        values = {spec.key: _as_text(router.get(spec.key)) for spec in specs if spec.key != "password"}

        def save(changed: dict[str, str]) -> Any:
            from leadtui.services import routers

            return routers.edit(office, name, changed)

        def saved(answer: Any) -> None:
            if answer is not None:
                self._edited(str(answer.get("name", name)), "changed")

        self.app.push_screen(RecordForm(f"Router {name}", specs, values, save, new=False), saved)

    def do_remove(self) -> None:
        """Take the router off the list; nothing is done on it."""
        from leadtui.screens.confirm import Confirm

        if (router := self.router) is None:
            return
        office, name = self.office, str(router["name"])

        def write() -> None:
            from leadtui.services import routers

            routers.remove(office, name)

        def go(yes: bool | None) -> None:
            if yes:
                self.run_blocking(write, then=lambda _: self._edited(name, "removed from the list"))

        words = f"{one_line(name)} leaves the list; nothing is changed on the router itself."
        self.app.push_screen(Confirm(words, yes="Remove", no="Keep it", danger=True), go)

    def do_show_users(self) -> None:
        """The users this program made on it."""
        from leadtui.screens.router_users import RouterUsers

        if self.router is not None:
            self.app.push_screen(RouterUsers(str(self.router["name"])))

    def do_pending(self) -> None:
        """Conversions under way or left open."""
        from leadtui.screens.pending_jobs import PendingJobs

        def closed(_: None) -> None:
            self._load()

        self.app.push_screen(PendingJobs(), closed)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
