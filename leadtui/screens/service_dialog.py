"""Suspending and resuming a customer, changing the package: what would change, the run, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from leadtui.commands import Command
from leadtui.domain.subscriptions import Act, ChangePackage, Resume, Suspend
from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken
from leadtui.screens import service_pages as pages
from leadtui.screens.page_text import progress
from leadtui.screens.paged import PagedModal
from leadtui.widgets.hints import Hints, TitleLine
from leadtui.widgets.keyed_list import KeyedList
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.conversion import StepEvent
    from leadtui.domain.subscriptions import ServiceChoices, ServicePlan, ServiceResult

Kind = Literal["suspend", "resume", "package"]
Step = Literal["reading", "user", "package", "asking", "plan", "running", "result", "failed"]

_HINTS: dict[Step, tuple[str, ...]] = {
    "reading": ("app.back",),
    "user": ("service.go", "app.back"),
    "package": ("service.go", "app.back"),
    "asking": ("app.back",),
    "plan": ("service.go", "service.change", "service.again", "app.back"),
    "running": ("app.back",),
    "result": ("service.go", "service.again"),
    "failed": ("service.again", "service.change", "app.back"),
}


class ServiceDialog(PagedModal["ServiceResult"]):
    """Answers what was done, or None when all was left as it is. Never waits on the UI thread; esc gives up."""

    SCOPE = "service"
    DEFAULT_CSS: ClassVar[str] = """
    ServiceDialog #choose { height: 1fr; padding: 0 1; }
    ServiceDialog #choose KeyedList { background: $background; max-height: 100%; height: auto; }
    ServiceDialog .label { height: 1; color: $text-muted; padding: 0 1; }
    """

    def __init__(self, customer: int | str, act: Kind, *, user: str | None = None) -> None:
        """`customer`: its id, or what else names it. `user`: only this router user; else all, or a choice."""
        super().__init__()
        self.customer = customer
        self.kind: Kind = act
        self.user = user
        self.step: Step = "reading"
        self.found: ServiceChoices | None = None
        self.plan: ServicePlan | None = None
        self.result: ServiceResult | None = None
        self.error: LeadtuiError | None = None
        self.events: list[StepEvent] = []
        self._package = ""
        self._token = CancelToken()
        self._giving_up = False

    def body(self) -> ComposeResult:
        """First row, the page or the choice, a line to type in, what is wrong, hints."""
        with Vertical(id="sheet"):
            yield TitleLine(pages.TITLES[self.kind])
            with VerticalScroll(id="page"):
                yield Static("", id="text", markup=False)
                yield Static("", id="progress", markup=False)
            with Vertical(id="choose"):
                yield Static("", classes="label", id="which", markup=False)
                yield KeyedList(id="list")
            yield Static("", classes="label", id="typed-label", markup=False)
            yield Input(id="typed", max_length=2000)
            yield Static("", id="problem", markup=False)
            yield Hints(_HINTS["reading"])

    def on_mount(self) -> None:
        """Nothing but the first page shows."""
        words = {
            "suspend": ("why? e writes it (kept with the lead)", "reason"),
            "package": ("address", "as the package asks; or 10.20.0.15, next, next:POOL"),
        }
        label, placeholder = words.get(self.kind, ("", ""))
        self.query_one("#typed-label", Static).update(label)
        self.query_one("#typed", Input).placeholder = placeholder
        self._show("reading")

    def office_ready(self) -> None:
        """Packages are chosen first; otherwise the routers are asked at once."""
        if self.kind != "package":
            self._ask()
            return
        office, user = self.office, self.user

        def read() -> ServiceChoices:
            from leadtui.services import subscriptions

            return subscriptions.choices(office, self.customer, user=user)

        self.run_blocking(read, then=self._chosen_from, failed=self._refused, group="service")

    def _chosen_from(self, found: ServiceChoices) -> None:
        self.found = found
        self._show("user" if len(found.users) > 1 else "package")

    # What is shown

    def _show(self, step: Step) -> None:
        self.step = step
        chooses = step in {"user", "package"}
        self.query_one("#page").display = not chooses
        self.query_one("#choose").display = chooses
        self.query_one("#progress").display = step == "running"
        types = (step == "plan" and self.kind == "suspend" and self._can_go) or step == "package"
        for widget in ("#typed", "#typed-label"):
            self.query_one(widget).display = types
        self.problem("")
        self.draw()
        self.to_top()
        self.hints.show_hints(_HINTS[step])
        self.lead_app.refresh_hints()
        self.query_one("#list" if chooses else "#page").focus()

    def draw(self) -> None:
        """Show what the present step has to say."""
        named = self.result or self.plan or self.found
        if named is not None:
            self.query_one(TitleLine).show(f"{pages.TITLES[self.kind]} {one_line(named.customer.name)}", self._package)
        text = self.query_one("#text", Static)
        match self.step:
            case "user" | "package" if self.found is not None:
                is_user = self.step == "user"
                self.query_one("#which", Static).update("which router user?" if is_user else "which package?")
                entries = pages.users(self.found) if is_user else pages.packages(self.found)
                current = next((offer.name for offer in self.found.packages if offer.is_current), None)
                self.query_one(KeyedList).show_entries(entries, None if is_user else self._package or current)
            case "reading":
                text.update("Reading …")
            case "asking":
                text.update("Asking the router what is there now …")
            case "plan" | "running" if self.plan is not None:
                text.update(pages.plan(self.plan, self.page_width))
            case "result" if self.result is not None:
                text.update(pages.result(self.result, self.page_width))
            case "failed" if self.error is not None:
                text.update(pages.failure(self.error, self.page_width))
        self.query_one("#progress", Static).update(progress(self.events, self.page_width) if self.events else "")

    @property
    def _can_go(self) -> bool:
        return self.plan is not None and self.plan.is_possible and not self.plan.nothing_to_do

    def why_disabled(self, command: Command) -> str | None:
        """What makes no sense at this step, in words."""
        match command.name:
            case "go" if self.step in {"reading", "asking", "running"}:
                return "It is being worked on; esc gives it up"
            case "go" if self.step == "failed":
                return "t tries again"
            case "go" if self.step == "plan" and self.plan is not None and self.plan.nothing_to_do:
                return "There is nothing to do; esc leaves"
            case "go" if self.step == "plan" and not self._can_go:
                return "This cannot be done as it is; t asks the router again"
            case "change" if self.kind == "resume" or self.step not in {"plan", "failed"}:
                return "There is nothing to change"
            case "change" if self.kind == "suspend" and not self.query_one("#typed").display:
                return "There is nothing to change"
            case "again" if self.step == "result" and self.result is not None and not self.result.failed:
                return "Everything was done"
            case "again" if self.step not in {"plan", "failed", "result"}:
                return "There is nothing to ask again"
            case _:
                return None

    def unsaved(self) -> str | None:
        """Nothing typed here is worth a question."""
        return None

    # Commands

    def do_go(self) -> None:
        """To the next step; on the plan: do it."""
        match self.step:
            case "user" | "package":
                self.query_one(KeyedList).action_select()
            case "plan":
                self._confirm()
            case "result":
                self._leave()

    def do_change(self) -> None:
        """Another package, or the reason."""
        if self.kind == "suspend":
            self.query_one("#typed").focus()
        else:
            self._token.cancel()
            self._show("package")

    def do_again(self) -> None:
        """Ask the routers again; from there it is one key."""
        if self.kind == "package" and self.found is None:
            self._show("reading")
            self.office_ready()
        else:
            self._ask()

    def do_back(self) -> None:
        """Esc: from a field to the page, from work under way give it up, from a result go with it, else leave."""
        typed = self.query_one("#typed")
        if typed.has_focus:
            self.query_one("#list" if self.step == "package" else "#page").focus()
        elif self.step == "running" and not self._giving_up:
            self._giving_up = True
            self._token.cancel()
            self.problem("Giving up: what was done is being undone. esc leaves this screen, the undoing goes on.")
        elif self.step == "asking" and self.kind == "package":
            self._token.cancel()
            self.lead_app.background.stop(self, "service")
            self._show("package")
        elif self.step == "result":
            self._leave()
        else:
            super().do_back()

    def _leave(self) -> None:
        done = self.result
        self.dismiss(done if done is not None and done.changed else None)
        if done is not None:
            self.app.call_later(self.lead_app.say, done.message)

    @on(KeyedList.Chosen)
    def _picked(self, event: KeyedList.Chosen) -> None:
        event.stop()
        if self.step == "user":
            self.user = event.value
            self.step = "reading"
            self.office_ready()
        elif self.step == "package":
            self._package = event.value
            self._ask()

    @on(Input.Submitted, "#typed")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        self.lead_app.run_command("service.go")

    # Work

    def _act(self) -> Act:
        typed = self.query_one("#typed", Input).value.strip()
        if self.kind == "suspend":
            return Suspend(typed or None)
        return Resume() if self.kind == "resume" else ChangePackage(self._package, typed or None)

    def _ask(self) -> None:
        """Look what would change; what the store refuses is shown where it can be mended."""
        office, token, act, user = self.office, CancelToken(), self._act(), self.user
        self._token, self.events, self.plan, self.result = token, [], None, None
        self._show("asking")

        def look() -> ServicePlan:
            from leadtui.services import subscriptions

            return subscriptions.preview(office, self.customer, act, user=user, cancel=token)

        self.run_blocking(look, then=self._planned, failed=self._refused, group="service", cancel=token.cancel)

    def _planned(self, plan: ServicePlan) -> None:
        self.plan = plan
        self._show("plan")

    def _refused(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            error = LeadtuiError("something went wrong inside leadtui", hint="the log has the details")
        self.error = error
        if error.field == "ip" and self.found is not None:
            self._show("package")
            self.problem(f"{error.message} ({error.hint})" if error.hint else error.message)
            self.query_one("#typed").focus()
            return
        self._show("failed")

    def _confirm(self) -> None:
        """Somebody's service ends: that is asked once more; the rest was read a moment ago."""
        if self.plan is None:
            return
        if self.kind != "suspend":
            self._run()
            return
        from leadtui.screens.confirm import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self._run()

        self.app.push_screen(Confirm(pages.question(self.plan), yes="Suspend", no="Leave it", danger=True), answered)

    def _run(self) -> None:
        office, token, act, user = self.office, CancelToken(), self._act(), self.user
        self._token, self._giving_up, self.events = token, False, []
        self._show("running")

        def step(event: StepEvent) -> None:
            self.call_later(self._progress, token, event)

        def work() -> ServiceResult:
            from leadtui.services import subscriptions

            return subscriptions.carry_out(office, self.customer, act, user=user, on_step=step, cancel=token)

        self.run_blocking(work, then=self._done, failed=self._refused, group="service", cancel=token.cancel)

    def _progress(self, token: CancelToken, event: Any) -> None:
        if token is self._token and self.step == "running":
            self.events.append(event)
            self.query_one("#progress", Static).update(progress(self.events, self.page_width))
            self.query_one("#page", VerticalScroll).scroll_end(animate=False)

    def _done(self, result: ServiceResult) -> None:
        self.result = result
        self._show("result")
        if result.lead_ids:
            self.changed(result.lead_ids)
