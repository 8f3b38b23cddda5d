"""Many leads made customers at once: what for, what the store says to it, progress, and who was refused why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from leadtui.commands import Command, bindings_for
from leadtui.router.port import CancelToken
from leadtui.screens.convert import pages
from leadtui.screens.paged import PagedModal
from leadtui.widgets.form import FieldSpec, FieldState, Form
from leadtui.widgets.hints import Hints, TitleLine
from leadtui.widgets.task_bar import Report, TaskBar
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadtui.services.conversion import BulkConversion, ConvertRequest
    from leadtui.services.conversion_many import ManyChoices

Step = Literal["reading", "fields", "looking", "preview", "running", "result"]

_HINTS: dict[Step, tuple[str, ...]] = {
    "reading": ("app.back",), "fields": ("convert.forward", "app.back"), "looking": ("app.back",),
    "preview": ("convert.go", "convert.change", "app.back"), "running": ("app.back",),
    "result": ("convert.go", "app.back"),
}  # fmt: skip


def specs_for(found: ManyChoices) -> tuple[FieldSpec, ...]:
    """The fields: what is the same for all; name, password and address are made for each."""
    routers = tuple((r.name, one_line(r.name)) for r in found.routers)
    packages = (("", "each lead's own"), *((p.name, one_line(p.name)) for p in found.packages))
    addresses = (("", "as its package means"), ("next", "next free of its package's pool"))
    group = "MikroTik users"
    return (
        FieldSpec("type", "Type", "choice", choices=tuple((name, name) for name in found.types), group="Customers"),
        FieldSpec(
            "router_user", "Create MikroTik users?", "bool", group=group, help="" if routers else "no router yet"
        ),
        FieldSpec("router", "Router", "choice", choices=routers, group=group),
        FieldSpec("package", "Package", "choice", choices=packages, group=group),
        FieldSpec("address", "Address", "choice", choices=addresses, group=group),
        FieldSpec("notes", "Notes", group="Leads", max_length=5000, help="why now; kept with each lead"),
    )


def rules(values: dict[str, str]) -> Mapping[str, FieldState]:
    """The router's fields show when the tick is set."""
    ticked = bool(values.get("router_user"))
    return {"router": FieldState(ticked, ticked)} | {
        key: FieldState(required=False, visible=ticked) for key in ("package", "address")
    }


def request_of(values: Mapping[str, str]) -> ConvertRequest:
    """What the form asks for, for each lead."""
    from leadtui.services.conversion import ConvertRequest, RouterRequest

    def text(key: str) -> str | None:
        return values.get(key, "").strip() or None

    router = None
    if values.get("router_user"):
        router = RouterRequest(text("router") or "", package=text("package"), ip=text("address"))
    return ConvertRequest(notes=text("notes"), type=text("type"), router=router)


class ConvertMany(PagedModal["BulkConversion"]):
    """Answers what was done, or None when nothing was."""

    SCOPE = "convert"
    BINDINGS: ClassVar[list[BindingType]] = [it for it in bindings_for("app") if it.id == "app.close"]
    DEFAULT_CSS: ClassVar[str] = """
    ConvertMany Form { height: 1fr; }
    ConvertMany FieldBox .field-label { width: 24; }
    ConvertMany FieldBox .field-note { margin-left: 25; }
    """

    def __init__(self, ids: Sequence[int], where: str | None) -> None:
        super().__init__()
        self.ids, self.where = tuple(ids), where
        self.step: Step = "reading"
        self.request: ConvertRequest | None = None
        self.found: BulkConversion | None = None
        self.result: BulkConversion | None = None

    def body(self) -> ComposeResult:
        """First row, the page or the form, progress, hints."""
        with Vertical(id="sheet"):
            yield TitleLine("Convert")
            with VerticalScroll(id="page"):
                yield Static("Reading …", id="text", markup=False)
            yield Vertical(id="fields")
            yield TaskBar()
            yield Hints(_HINTS["reading"])

    def on_mount(self) -> None:
        """Nothing but the first page shows."""
        self._show("reading")

    def office_ready(self) -> None:
        """Count the leads and read what there is to choose from."""
        office, target = self.office, self._target()

        def read() -> ManyChoices:
            from leadtui.services import conversion_many

            return conversion_many.choices(office, target)

        self.run_blocking(read, then=self._begin, failed=self._cannot, group="convert")

    def _target(self) -> Any:
        from leadtui.services.bulk import Target

        return Target(self.ids, self.where)

    def _cannot(self, error: Exception) -> None:
        self.dismiss(None)
        self.lead_app.report(error)

    def _begin(self, found: ManyChoices) -> None:
        self.heading(f"Convert {found.count:,} leads")
        one = found.routers[0].name if len(found.routers) == 1 else ""
        values = {"type": found.types[0], "router": one, "router_user": "yes" if one else ""}
        self.query_one("#fields").mount(Form(specs_for(found), values, rules=rules, id="form"))
        self._show("fields")

    # What is shown

    @property
    def form(self) -> Form:
        """The fields."""
        return self.query_one("#form", Form)

    def _show(self, step: Step) -> None:
        self.step = step
        self.query_one("#page").display = step != "fields"
        self.query_one("#fields").display = step == "fields"
        self.draw()
        self.to_top()
        self.hints.show_hints(_HINTS[step])
        self.lead_app.refresh_hints()
        if step == "fields":
            self.form.focus_first()
        else:
            self.query_one("#page").focus()

    def draw(self) -> None:
        """Show what the present step has to say."""
        text = self.query_one("#text", Static)
        match self.step:
            case "reading":
                text.update("Reading …")
            case "looking":
                text.update("Looking at the leads …")
            case "preview" if self.found is not None and self.request is not None:
                text.update(pages.many(self.found, self.request, self.page_width))
            case "running":
                text.update("Each lead is converted by itself; one that fails does not stop the others.")
            case "result" if self.result is not None:
                text.update(pages.many_done(self.result, self.request, self.page_width))

    def unsaved(self) -> str | None:
        """What was typed, and what is under way."""
        if self.step == "running":
            return "The conversions are under way: those that are done stay, the one in work is undone"
        if self.step == "fields" and self.form.dirty:
            return "What you chose for the conversions will be lost; the leads stay as they are"
        return None

    def why_disabled(self, command: Command) -> str | None:
        """What makes no sense at this step, in words."""
        match command.name:
            case "go" | "forward" if self.step in {"reading", "looking", "running"}:
                return "It is being worked on; esc stops it"
            case "go" if self.step == "preview" and not self._count:
                return "None of these leads can be converted"
            case "change" if self.step != "preview":
                return "There is nothing to change now"
            case "password" | "reveal" | "generate" | "again" | "without" | "link":
                return "That is for one lead"
            case _:
                return None

    @property
    def _count(self) -> int:
        return len(self.found.successful) if self.found is not None else 0

    # Commands

    def do_go(self) -> None:
        """To the next step; before anything is done the number of leads is typed."""
        match self.step:
            case "fields":
                self._look()
            case "preview":
                from leadtui.screens.confirm import Confirm

                users = f", each with a user on {self.request.router.router}" if self._asks_router() else ""  # type: ignore[union-attr]
                words = f"{self._count:,} leads become customers{users}. u does not take it back."
                self.app.push_screen(
                    Confirm(words, yes="Convert", danger=True, typed=str(self._count)),
                    lambda yes: self._convert() if yes else None,
                )
            case "result":
                self.do_close()

    def do_forward(self) -> None:
        """The same, from within a field."""
        self.lead_app.run_command("convert.go")

    def do_change(self) -> None:
        """Back to the fields."""
        self._show("fields")

    def do_back(self) -> None:
        """Esc: from work stop it, from the preview go back to the fields."""
        if self.step == "preview":
            self._show("fields")
        else:
            super().do_back()

    def do_close(self) -> None:
        """With what was done, if anything was."""
        if self.step == "result":
            self.dismiss(self.result)
            if self.result is not None:
                self.app.call_later(self.lead_app.say, pages.many_words(self.result))
        else:
            super().do_close()

    @on(Form.Submitted)
    def _entered(self) -> None:
        if self.form.focused_key == self.form.specs[-1].key:
            self.do_go()
        else:
            self.focus_next()

    def _asks_router(self) -> bool:
        return self.request is not None and self.request.router is not None

    # Work

    def _look(self) -> None:
        """What the store would refuse; no router is asked yet."""
        if not self.form.check():
            return
        request = self.request = request_of(self.form.visible_values())
        office, target = self.office, self._target()
        self._show("looking")

        def look() -> BulkConversion:
            from leadtui.services import conversion

            return conversion.preview_many(office, target, request)

        self.run_blocking(look, then=self._looked, failed=self._refused, group="convert")

    def _refused(self, error: Exception) -> None:
        self._show("fields")
        self.lead_app.report(error)

    def _looked(self, found: BulkConversion) -> None:
        self.found = found
        self._show("preview")

    def _convert(self) -> None:
        request, office, target, token = self.request, self.office, self._target(), CancelToken()
        if request is None:
            return

        def work(report: Report, should_stop: Callable[[], bool]) -> BulkConversion:
            from leadtui.services import conversion

            return conversion.convert_many(
                office, target, request, on_progress=report, should_stop=should_stop, cancel=token
            )

        self._show("running")
        bar = self.query_one(TaskBar)
        bar.run(self, work, title="Converting", then=self._done, failed=self._refused, cancel=token.cancel)

    def _done(self, result: BulkConversion) -> None:
        self.result = result
        self._show("result")
        self.changed(one.lead_id for one in result.successful)
