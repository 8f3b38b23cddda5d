"""The audit of routers: what stands on them otherwise than the store says, as they answer; mended one by one or all.

One router that is silent holds up neither the others nor the keys. esc gives up what is under way, then leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken
from leadtui.screens.base import LeadScreen
from leadtui.screens.router_audit_rows import (
    COLUMNS,
    FixLine,
    Line,
    RouterLine,
    cell,
    failures,
    fixes_of,
    in_full,
    lines_of,
)
from leadtui.widgets.pages import ListProvider, Marks
from leadtui.widgets.task_bar import Report, TaskBar
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.services.router_audit import AuditReport, Fix, Mended


class RouterAuditScreen(LeadScreen[None]):
    """One router, or all that are in use or hold users of ours."""

    SCOPE = "audit"
    HEADING = "Audit"
    HINTS: ClassVar[tuple[str, ...]] = ("audit.mend", "list.mark", "audit.mend_all", "app.refresh", "app.back")
    DEFAULT_CSS: ClassVar[str] = """
    RouterAuditScreen #refused { padding: 1 2; height: auto; }
    RouterAuditScreen #detail { padding: 0 1; height: 5; border-top: solid $panel; overflow-y: auto; }
    RouterAuditScreen.-short #detail { height: 4; }
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.router = name
        self.names: tuple[str, ...] = ()
        """The routers of this audit, in order."""
        self.found: dict[str, list[Line]] = {}
        """The lines of each router."""
        self.token = CancelToken()
        self._failed: dict[str, str] = {}
        self._auditing: set[str] = set()

    def body(self) -> ComposeResult:
        """Why it cannot be, or the list; what is under way."""
        yield Static("", id="refused", markup=False)
        yield VirtualTable(COLUMNS, cell, empty="No routers yet", id="findings")
        yield Static("", id="detail", markup=False)
        yield TaskBar()

    def on_mount(self) -> None:
        """Nothing is refused yet, nothing found."""
        self.query_one("#refused").display = False
        self.query_one("#detail").display = False

    def on_unmount(self) -> None:
        """Nobody waits for the answers any more."""
        self.token.cancel()

    def office_ready(self) -> None:
        """Ask the routers."""
        self.table.focus()
        self._audit(None if self.router is None else (self.router,))

    def leads_changed(self, ids: frozenset[int]) -> None:
        """What the store says may have changed; `r` asks the routers again: nothing is sent behind a person's back."""

    @property
    def table(self) -> VirtualTable[Line]:
        """The list."""
        return self.query_one("#findings", VirtualTable)

    @property
    def bar(self) -> TaskBar:
        """What is under way."""
        return self.query_one(TaskBar)

    @property
    def lines(self) -> list[Line]:
        """Everything shown, in order."""
        return [line for name in self.names for line in self.found.get(name, ())]

    # Auditing

    def do_refresh(self) -> None:
        """Ask the routers again."""
        if not self.bar.busy:
            self._failed.clear()
            self._audit(None if self.router is None else (self.router,))

    def _audit(self, names: Sequence[str] | None, then: Callable[[], object] | None = None) -> None:
        office, token = self.office, CancelToken()
        self.token = token

        def work(report: Report, should_stop: Callable[[], bool]) -> None:
            from leadtui.services import router_audit

            asked = router_audit.to_ask(office) if names is None else tuple(names)
            self.call_later(self._begun, asked, names is None)
            waiting = {name.casefold(): name for name in asked}

            def arrived(one: AuditReport) -> None:
                waiting.pop(one.router.casefold(), None)
                left = one_line(", ".join(waiting.values()))
                report(len(asked) - len(waiting), len(asked), f"· waiting for {left}" if left else "")
                self.call_later(self._arrived, one, router_audit.fixes(office, one))

            router_audit.audit_all(office, names=asked, on_report=arrived, cancel=token)

        def ended(_: None) -> None:
            self._stopped()
            if then is not None:
                then()

        title = "Asking the routers" if names is None or len(names) != 1 else f"Asking {names[0]}"
        self.bar.run(self, work, title=title, then=ended, failed=self._refused, cancel=token.cancel)

    def _begun(self, asked: Sequence[str], is_all: bool) -> None:
        if is_all or not self.names:
            self.names = tuple(asked)
            self.found = {name: self.found.get(name, []) for name in asked}
        self._auditing = set(asked)
        for name in asked:  # what was found before stays until it is known anew, and the cursor on it
            self.found[name] = [RouterLine(name, "asking"), *(x for x in self.found[name] if isinstance(x, FixLine))]
        self._show()

    def _arrived(self, report: AuditReport, fixes: Sequence[Fix]) -> None:
        name = report.router
        if name not in self.names:  # a name as typed, in another case
            self.names = tuple(name if known.casefold() == name.casefold() else known for known in self.names)
        self._auditing = {other for other in self._auditing if other.casefold() != name.casefold()}
        self.found[name] = lines_of(report, fixes, self._failed)
        self._show()

    def _stopped(self) -> None:
        """Whoever has not answered when it ends was given up."""
        for name in self._auditing:
            self.found[name] = [RouterLine(name, "stopped", "r asks again")]
        self._auditing = set()
        self._show()

    def _refused(self, error: Exception) -> None:
        self._auditing = set()
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        line = self.query_one("#refused", Static)
        line.update(Content(f"{error.message}\n{error.hint or ''}"))
        line.display = True
        self.table.display = self.query_one("#detail").display = False

    def _show(self) -> None:
        lines = self.lines
        ids = {line.id for line in lines}
        marks = self.table.marks
        if not marks.all and not marks.ids <= ids:
            self.table.set_marks(Marks(frozenset(marks.ids & ids)))
        self.query_one("#refused").display = False
        self.table.display = True
        self.table.show(ListProvider(lines))
        possible = sum(isinstance(line, FixLine) and line.fix.is_possible for line in lines)
        answered = sum(isinstance(line, RouterLine) and line.state in ("clean", "found") for line in lines)
        words = f"{answered} of {len(self.names)} answered" if answered < len(self.names) else ""
        to_mend = f"{possible:,} to mend" if possible else "" if self._auditing or not answered else "nothing to mend"
        left = "Audit of all routers" if self.router is None else f"Audit of {self.router}"
        self.heading(left, " · ".join(part for part in (words, to_mend) if part))

    # Mending

    def why_disabled(self, command: Command) -> str | None:
        """What stands in the way of mending."""
        if command.id == "app.refresh":
            return "Something is under way: esc stops it" if self.bar.busy else None
        if command.id not in {"audit.mend", "audit.mend_all"}:
            return None
        if self.bar.busy:
            return "Something is under way: esc stops it"
        if command.id == "audit.mend_all":
            return None if self._chosen() else "There is nothing that could be mended"
        line = self.table.cursor_row
        if not isinstance(line, FixLine):
            return "This line is a router: go to something that was found on it"
        return None if line.fix.is_possible else one_line(line.fix.why_not)

    def copy_text(self) -> str:
        """The line under the cursor in words."""
        line = self.table.cursor_row
        if isinstance(line, FixLine):
            return f"{line.router}: {line.fix.words}"
        return f"{line.router}: {line.words}" if line is not None else ""

    @on(VirtualTable.Opened, "#findings")
    def _opened(self) -> None:
        self.lead_app.run_command("audit.mend")

    @on(VirtualTable.Highlighted, "#findings")
    @on(VirtualTable.Loaded, "#findings")
    def _moved(self) -> None:
        detail = self.query_one("#detail", Static)
        detail.display = self.table.display and bool(self.names)
        # Its height is fixed: nothing on the screen has to be placed anew for every row the cursor passes.
        detail.update(Content(in_full(self.table.cursor_row)), layout=False)

    @on(VirtualTable.MarksChanged, "#findings")
    def _marked(self) -> None:
        self._refresh_hints()

    def _chosen(self) -> list[Fix]:
        """What is marked; without marks everything."""
        lines = self.lines
        marks = self.table.marks
        return fixes_of(lines, [line for line in lines if line.id in marks] if marks else lines)

    def do_mend(self) -> None:
        """Show what would be done about the row under the cursor, and do it."""
        from leadtui.screens.confirm import Confirm

        line = self.table.cursor_row
        if not isinstance(line, FixLine):
            return
        fix = line.fix

        def decided(yes: bool | None) -> None:
            if yes:
                self._mend([fix])

        words = "\n".join(one_line(words) for words in fix.words.splitlines())
        of = f" ({fix.lead_number})" if fix.lead_number else ""
        text = f"On {one_line(fix.router)}{of}:\n\n{words}"
        self.app.push_screen(Confirm(text, yes="Mend it", no="Leave it", danger=fix.is_danger), decided)

    def do_mend_all(self) -> None:
        """Mend what is marked, or everything, once the count is typed."""
        from leadtui.screens.confirm import Confirm

        chosen = self._chosen()
        count = str(len(chosen))

        def decided(yes: bool | None) -> None:
            if yes:
                self._mend(chosen)

        routers = len({fix.router for fix in chosen})
        verbs = (("create", "made anew"), ("change", "set as the store says"), ("remark", "marked again"),
                 ("remove", "removed"))  # fmt: skip
        parts = [f"{n:,} {words}" for kind, words in verbs if (n := sum(fix.kind == kind for fix in chosen))]
        where = f"on {routers} routers" if routers > 1 else f"on {one_line(chosen[0].router)}"
        text = f"{', '.join(parts)} {where}, one after the other; each is read back."
        danger = any(fix.is_danger for fix in chosen)
        self.app.push_screen(Confirm(text, yes="Mend them", no="Leave them", danger=danger, typed=count), decided)

    def _mend(self, chosen: Sequence[Fix]) -> None:
        office, token = self.office, CancelToken()
        self.token = token
        title = f"Mending {one_line(chosen[0].username)}" if len(chosen) == 1 else f"Mending {len(chosen):,} users"

        def work(report: Report, should_stop: Callable[[], bool]) -> list[Mended]:
            from leadtui.services import router_audit

            done = 0

            def mended(one: Mended) -> None:
                nonlocal done
                done += 1
                report(done, len(chosen), one.fix.username)

            return router_audit.mend_all(office, chosen, on_mended=mended, should_stop=should_stop, cancel=token)

        self.bar.run(self, work, title=title, then=self._mended, cancel=token.cancel)

    def _mended(self, mended: list[Mended]) -> None:
        """Say what came of it, and look again at the routers where something was tried."""
        self.table.set_marks(Marks())
        failed = failures(mended)
        self._failed = {**self._failed, **failed}
        for one in mended:
            if one.ok:
                self._failed.pop(one.fix.id, None)
        self.changed(one.fix.lead_id for one in mended if one.fix.lead_id is not None)
        tried = tuple(dict.fromkeys(one.fix.router for one in mended))
        if tried:
            self._audit(tried, then=lambda: self._say(mended))

    def _say(self, mended: Sequence[Mended]) -> None:
        if len(mended) == 1:
            one: Any = mended[0]
            self.done(one_line(one.message)) if one.ok else self.app.notify(
                "\n".join(part for part in (one.message, one.hint) if part), severity="error", timeout=10
            )
            return
        good = sum(one.ok for one in mended)
        bad = len(mended) - good
        self.done(f"{good:,} mended" + (f", {bad:,} could not be" if bad else ""))
