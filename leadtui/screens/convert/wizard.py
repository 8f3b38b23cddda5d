"""The conversion wizard: summary → what will be made → the plan, and its progress → the result (spec §L2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from leadtui.commands import Command, bindings_for
from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken
from leadtui.screens.convert import fields, pages
from leadtui.screens.convert.steps import HINTS, NUMBERS, Step, is_taken, lead_as_it_is, why_not
from leadtui.screens.page_text import progress
from leadtui.screens.paged import PagedModal
from leadtui.widgets.form import Form
from leadtui.widgets.hints import Hints, TitleLine
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog
    from leadtui.domain.conversion import StepEvent
    from leadtui.services.conversion import ConversionResult, ConvertRequest
    from leadtui.services.conversion_plan import ConversionPlan, ConvertSuggestion


class ConvertWizard(PagedModal["ConversionResult"]):
    """Answers what was made, or None when everything was left as it is. Keyboard only; never waits on the UI thread."""

    SCOPE = "convert"
    BINDINGS: ClassVar[list[BindingType]] = [it for it in bindings_for("app") if it.id in {"app.copy", "app.close"}]
    DEFAULT_CSS: ClassVar[str] = """
    ConvertWizard Form { height: 1fr; }
    ConvertWizard FieldBox .field-label { width: 23; }
    ConvertWizard FieldBox .field-note { margin-left: 24; }
    """

    def __init__(self, lead_id: int) -> None:
        super().__init__()
        self.lead_id = lead_id
        self.step: Step = "reading"
        self.found: ConvertSuggestion | None = None
        self.plan: ConversionPlan | None = None
        self.request: ConvertRequest | None = None
        self.result: ConversionResult | None = None
        self.error: LeadtuiError | None = None
        self.events: list[StepEvent] = []
        self.shows_password = False
        self._catalog: Catalog | None = None
        self._token = CancelToken()
        self._giving_up = False
        self._link: str | None = None

    def body(self) -> ComposeResult:
        """First row, the page or the form, what is wrong, hints."""
        with Vertical(id="sheet"):
            yield TitleLine("Convert")
            with VerticalScroll(id="page"):
                yield Static("", id="text", markup=False)
                yield Static("", id="progress", markup=False)
            yield Vertical(id="fields")
            yield Static("", id="problem", markup=False)
            yield Hints(HINTS["reading"])

    def on_mount(self) -> None:
        """Nothing but the first page shows."""
        self._show("reading")

    def office_ready(self) -> None:
        """Read the lead and everything to choose from."""
        office = self.office

        def read() -> tuple[ConvertSuggestion, Catalog]:
            from leadtui.services import conversion

            return conversion.suggest(office, self.lead_id), office.catalog

        self.run_blocking(read, then=lambda answer: self._begin(*answer), failed=self._cannot, group="convert")

    def _cannot(self, error: Exception) -> None:
        self.dismiss(None)
        self.lead_app.report(error)

    def _begin(self, found: ConvertSuggestion, catalog: Catalog) -> None:
        self.found, self._catalog = found, catalog
        form = Form(fields.specs_for(found), fields.values_for(found), rules=fields.rules_for(found), id="form")
        self.query_one("#fields").mount(form)
        self._show("summary")

    # What is shown

    @property
    def form(self) -> Form:
        """The fields of step 2."""
        return self.query_one("#form", Form)

    def _show(self, step: Step) -> None:
        self.step = step
        self.query_one("#page").display = step != "fields"
        self.query_one("#fields").display = step == "fields"
        self.query_one("#progress").display = step in {"asking", "running"}
        self.problem("")
        self.draw()
        self.to_top()
        self.hints.show_hints(HINTS[step])
        self.lead_app.refresh_hints()
        if step == "fields":
            self.form.focus_first()
        else:
            self.query_one("#page").focus()

    def draw(self) -> None:
        """Show what the present step has to say."""
        text = self.query_one("#text", Static)
        found, catalog = self.found, self._catalog
        if found is None or catalog is None:
            text.update("Reading …")
            return
        self.query_one(TitleLine).show(
            f"Convert {found.lead.number} {one_line(found.lead.name or '')}", f"step {NUMBERS[self.step]} of 4"
        )
        shows, width = self.shows_password, self.page_width
        match self.step:
            case "summary":
                text.update(pages.summary(found, catalog, width))
            case "plan" | "running" if self.plan is not None:
                text.update(pages.plan(self.plan, width, show_password=shows))
            case "running":
                text.update("Converting without a router user")
            case "asking":
                router = self.request.router.router if self.request and self.request.router else ""
                text.update(f"Asking {router} …" if router else "Looking …")
            case "result" if self.result is not None:
                text.update(pages.result(self.result, width, show_password=shows))
            case "duplicate" if self.error is not None:
                text.update(pages.duplicate(self.error, width))
            case "failed" if self.error is not None:
                text.update(pages.failure(self.error, found.lead.status, width))
        self.query_one("#progress", Static).update(progress(self.events, self.page_width) if self.events else "")

    def unsaved(self) -> str | None:
        """Esc leaves everything as it is; only what was typed is worth a question."""
        if self.step == "fields" and self.form.dirty:
            return "What you typed for the conversion will be lost; the lead stays as it is"
        if self.step == "running" and not self._giving_up:
            return "The conversion is under way. Leaving gives it up: what was done is undone, the lead stays as it is"
        return None

    def do_close(self) -> None:
        """As everywhere; what ended while the question stood there is shown, not thrown away."""
        if self.step == "result":
            self._leave_with_result()
        elif self.step != "running" or (words := self.unsaved()) is None:
            super().do_close()
        else:
            from leadtui.screens.confirm import Confirm

            self.app.push_screen(Confirm(words, yes="Give up", no="Go on"), self._give_up)

    def _give_up(self, yes: bool | None) -> None:
        if yes and self.step == "running":
            self._token.cancel()
            self.dismiss(None)

    def why_disabled(self, command: Command) -> str | None:
        """What makes no sense at this step, in words."""
        return why_not(
            command.name, self.step, is_ready=self.plan is not None and self.plan.is_ready,
            asks_router=self.request is not None and self.request.router is not None,
            can_link=self._other_customer is not None, is_taken=is_taken(self.error),
        )  # fmt: skip

    # Commands

    def do_go(self) -> None:
        """To the next step."""
        match self.step:
            case "summary":
                self._show("fields")
            case "fields":
                self._ask()
            case "plan":
                self._convert()
            case "result":
                self._leave_with_result()

    def do_forward(self) -> None:
        """The same, from within a field."""
        self.lead_app.run_command("convert.go")

    def do_reveal(self) -> None:
        """Show or hide the password, from within a field."""
        self.lead_app.run_command("convert.password")

    def do_change(self) -> None:
        """Back to the fields."""
        self._show("fields")

    def do_again(self) -> None:
        """Look again what would be made; from there it is one key to convert."""
        if self.request is not None:
            self._ask(self.request)

    def do_without(self) -> None:
        """The same without a router user; the plan is shown first."""
        if self.request is None:
            return
        if "router_user" in self.form.values():
            self.form.set_values({"router_user": ""})
        self._ask(replace(self.request, router=None))

    @property
    def _other_customer(self) -> str | None:
        """The customer that has the lead's phone or email, where that was what stood in the way."""
        data = self.error.data if self.error is not None and self.step in {"duplicate", "failed"} else {}
        return str(data["customer_id"]) if "customer_id" in data else None

    def do_link(self) -> None:
        """The lead becomes one of that customer's; the plan is shown first."""
        customer = self._other_customer
        if customer is None or self.request is None:
            return
        if "customer" in self.form.values():
            self.form.set_values({"customer": customer})
        self._link = customer
        self._ask(replace(self.request, customer_id=customer))

    def do_password(self) -> None:
        """Show or hide the password."""
        self.shows_password = not self.shows_password
        if self.step == "fields":
            self._show_typed_password()
        else:
            self.draw()

    def _show_typed_password(self) -> None:
        from textual.widgets import Input

        for field in self.form.query("FieldBox.-password Input").results(Input):
            field.password = not self.shows_password

    def do_generate(self) -> None:
        """Another password, and shown."""
        from leadtui.router.credentials import generate_password

        self.form.set_values({"password": generate_password()})
        self.shows_password = True
        self._show_typed_password()

    def copy_text(self) -> str:
        """The user name, and the password where it is shown."""
        if self.result is None or self.result.router_user is None:
            return ""
        name = self.result.router_user.username
        secret = self.result.password
        return f"{name}\t{secret.reveal()}" if secret is not None and self.shows_password else name

    def do_copy(self) -> None:
        """Copy them; the password is not repeated on the bottom line."""
        if text := self.copy_text():
            self.app.copy_to_clipboard(text)
            self.done("User name and password copied" if "\t" in text else "User name copied; p shows the password")

    def do_back(self) -> None:
        """Esc: from work under way give it up, from a result go with it, else leave everything as it is."""
        if self.step == "running" and not self._giving_up:
            self._giving_up = True
            self._token.cancel()
            self.problem("Giving up: what was done is being undone. esc leaves this screen, the undoing goes on.")
        elif self.step == "asking":
            self._token.cancel()
            self.lead_app.background.stop(self, "convert")
            self._show("fields")
        elif self.step == "result":
            self._leave_with_result()
        else:
            super().do_back()

    def _leave_with_result(self) -> None:
        self.dismiss(self.result)
        if self.result is not None:
            self.app.call_later(self.lead_app.say, self.result.message)

    @on(Form.Submitted)
    def _entered(self) -> None:
        """Enter goes from field to field; from the last it goes on."""
        if self.form.focused_key == self.form.specs[-1].key:
            self.do_go()
        else:
            self.focus_next()

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        """Another router has another usual service, another package another way to an address."""
        if self.found is None:
            return
        if event.key == "router":
            services = {router.name: router.service for router in self.found.routers}
            self.form.set_values({"service": services.get(event.values["router"], "pppoe")})
        elif event.key == "package":
            choices = fields.address_choices(self.found, event.values["package"])
            self.form.set_choices("address", choices)
            if event.values.get("address") not in {value for value, _ in choices[1:]}:
                self.form.set_values({"address": choices[0][0]})

    # Work

    def _ask(self, request: ConvertRequest | None = None) -> None:
        """Make the plan, asking the router; what the store refuses is shown beside its field."""
        if request is None:
            if not self.form.check():
                return
            request = fields.request_of(self.form.visible_values(), link=self._link)
        office, token = self.office, CancelToken()
        self.request, self._token, self.events = request, token, []
        self.shows_password = False
        self._show_typed_password()
        self._show("asking")

        def look() -> ConversionPlan:
            from leadtui.services import conversion

            with lead_as_it_is(office, self.lead_id):
                return conversion.plan(office, self.lead_id, request, cancel=token)

        self.run_blocking(look, then=self._planned, failed=self._refused, group="convert", cancel=token.cancel)

    def _planned(self, plan: ConversionPlan) -> None:
        self.plan, self.request = plan, plan.request
        self._show("plan")

    def _refused(self, error: Exception) -> None:
        """The store refuses: back to the fields, with the words where they belong; a customer can be linked to."""
        if isinstance(error, LeadtuiError) and "customer_id" in error.data:
            self.error = error
            self._show("duplicate")
            return
        if is_taken(error):
            self._failed(error)
            return
        self._show("fields")
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        words = f"{error.message} ({error.hint})" if error.hint else error.message
        shown = self.form.visible_values()
        field = "address" if error.field == "ip" and "ip" not in shown else str(error.field)
        if field in shown:
            self.form.set_errors({field: words})
        else:
            self.problem(words)

    def _convert(self) -> None:
        request = self.request
        if request is None:
            return
        office, token = self.office, CancelToken()
        self._token, self._giving_up, self.events = token, False, []
        self._show("running")

        def step(event: StepEvent) -> None:
            self.call_later(self._progress, token, event)

        def work() -> ConversionResult:
            from leadtui.services import conversion

            with lead_as_it_is(office, self.lead_id):
                return conversion.convert(office, self.lead_id, request, on_step=step, cancel=token)

        self.run_blocking(work, then=self._converted, failed=self._failed, group="convert", cancel=token.cancel)

    def _progress(self, token: CancelToken, event: Any) -> None:
        if token is self._token and self.step == "running":
            self.events.append(event)
            self.query_one("#progress", Static).update(progress(self.events, self.page_width))
            self.query_one("#page", VerticalScroll).scroll_end(animate=False)

    def _converted(self, result: ConversionResult) -> None:
        self.result = result
        self.shows_password = False
        self._show("result")
        self.changed((self.lead_id,))

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            error = LeadtuiError("something went wrong inside leadtui", hint="the log has the details")
        self.error = error
        self._show("failed")
        self.changed((self.lead_id,))
