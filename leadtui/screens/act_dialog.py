"""What the dialogs on leads share: which leads are meant, how one or many are written, what is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadModal
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from textual.widget import Widget

    from leadtui.domain.catalog import Catalog, Stage
    from leadtui.domain.records import BulkResult, Done, LeadDetail, LeadRow


@dataclass(frozen=True, slots=True)
class Acted:
    """What a dialog did: the leads it changed (empty: "any"), the batch that undo takes back, and the words for it."""

    ids: tuple[int, ...] = ()
    batch: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a filled-in dialog will do.

    `one(office, ref)` writes a single lead; `act` are the arguments of `services.bulk.Act` for several (none: one lead
    after the other); `words` says what was done ("moved to Interested").
    """

    one: Callable[[Any, int], Any]
    act: Mapping[str, Any]
    words: str


@dataclass(frozen=True, slots=True)
class Read:
    """What a dialog read before it can be filled in."""

    catalog: Catalog
    rows: tuple[LeadRow, ...]
    matched: int
    detail: LeadDetail | None
    more: Any = None


class ActDialog(LeadModal[Acted]):
    """A dialog that does one thing to one lead, to several, or to everything a filter finds.

    Subclasses set `HEADING`, `DO`, yield their widgets from `fields`, fill them in `ready`, and answer with `plan`
    (None after `refuse`). Several leads go through the preview of `BulkScreen`: one batch, one undo.
    """

    SCOPE = "form"
    HEADING: ClassVar[str] = ""
    DO: ClassVar[str] = "Save"
    DANGER: ClassVar[bool] = False
    DEFAULT_CSS: ClassVar[str] = """
    ActDialog .who { height: auto; text-style: bold; }
    ActDialog .label { height: 1; color: $text-muted; padding-left: 1; }
    ActDialog .problem { height: auto; color: $text-error; padding-left: 1; }
    ActDialog .note { height: auto; color: $text-muted; padding-left: 1; }
    ActDialog TextArea { height: 4; background: $boost; }
    ActDialog .row { height: 1; }
    ActDialog .row > .label { width: 10; }
    ActDialog .row > Input { width: 1fr; }
    ActDialog .buttons { margin-top: 1; }
    """

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None) -> None:
        super().__init__()
        self.lead_ids = (lead_ids,) if isinstance(lead_ids, int) else tuple(lead_ids)
        self.where = where
        self.read: Read | None = None
        self._busy = False

    # What subclasses fill in

    def fields(self) -> ComposeResult:
        """The widgets between the heading and the buttons."""
        yield from ()

    def read_more(self, office: Any, detail: LeadDetail | None) -> Any:
        """More to read, in the same thread; found in `read.more`."""
        return None

    def ready(self, read: Read) -> None:
        """Everything is read: fill the widgets."""

    def plan(self) -> Plan | None:
        """What to do with what was filled in; None after `refuse`."""
        return None

    def typed(self) -> bool:
        """Whether something typed would be lost by leaving."""
        return any(widget.value.strip() for widget in self.query(Input))

    # Shell

    @property
    def single(self) -> bool:
        """Whether one lead is meant."""
        return self.where is None and len(self.lead_ids) == 1

    @property
    def row(self) -> LeadRow | None:
        """The lead, when one is meant."""
        return self.read.rows[0] if self.read is not None and self.single and self.read.rows else None

    def stages(self) -> list[Stage]:
        """The statuses of the pipeline of the leads (of the first one's, when several are meant)."""
        if self.read is None or not self.read.rows:
            return []
        return [stage for stage in self.read.catalog.stages_of(self.read.rows[0].pipeline_id) if stage.is_active]

    def body(self) -> ComposeResult:
        """The box: heading, fields, what is wrong, buttons."""
        with VerticalScroll(classes="dialog -danger" if self.DANGER else "dialog", can_focus=False) as box:
            box.border_title = Content(self.HEADING)
            yield Static(Content("…"), classes="who")
            yield from self.fields()
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(Content(self.DO), id="do", variant="error" if self.DANGER else "primary")
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        """An empty line for errors takes no room."""
        self.query_one(".problem").display = False

    def office_ready(self) -> None:
        """Read the leads meant."""
        self.run_blocking(self._read, self.office, then=self._loaded, failed=self._unreadable, group="dialog.read")

    def _read(self, office: Any) -> Read:
        from leadtui.services import leads

        detail = None
        if self.where is not None:
            page = leads.search(office, self.where, limit=5)
            matched, rows = page.total or 0, page.rows
        elif self.single:
            detail = leads.get(office, self.lead_ids[0])
            matched, rows = 1, (detail.row,)
        else:
            rows = leads.rows(office, self.lead_ids[:5])
            matched = len(self.lead_ids)
        return Read(office.catalog, tuple(rows), matched, detail, self.read_more(office, detail))

    def _loaded(self, read: Read) -> None:
        self.read = read
        self.query_one(".who", Static).update(self._who(read))
        self.ready(read)

    def _unreadable(self, error: Exception) -> None:
        self.dismiss(None)
        self.lead_app.report(error)

    def _who(self, read: Read) -> Content:
        if (row := self.row) is not None:
            stage = read.catalog.stage_by_id.get(row.stage_id)
            mark = f"{stage.mark} " if stage else ""
            name = "" if row.title == row.number else one_line(row.title)
            return Content.assemble(
                (f"{row.number} ", "dim"), name, ("  ", ""), (f"{mark}{one_line(row.status)}", "$text-accent")
            )
        names = ", ".join(one_line(row.title) for row in read.rows[:3])
        rest = read.matched - min(len(read.rows), 3)
        text = f"{read.matched:,} leads" + (f": {names}" if names else "") + (f" and {rest:,} more" if rest > 0 else "")
        return Content(text)

    def unsaved(self) -> str | None:
        """Leaving asks once when something was typed."""
        return "What you typed here will be lost" if self.typed() else None

    # Saying what is wrong

    def refuse(self, text: str, widget: str = "") -> None:
        """Say what is wrong, and go there; returns None so that `plan` can return it."""
        line = self.query_one(".problem", Static)
        line.update(Content(text))
        line.display = bool(text)
        if text and widget:
            self.focus_on(widget)

    def focus_on(self, selector: str) -> None:
        """Put the focus there when it exists."""
        for found in self.query(selector):
            found.focus()
            return

    # Doing it

    def do_save(self) -> None:
        """Carry the dialog out: one lead at once, several after a preview."""
        if self._busy or self.read is None:
            return
        self.refuse("")
        plan = self.plan()
        if plan is None:
            return
        if self.single or not plan.act:
            self._set_busy(True)
            self.run_blocking(
                self._one_by_one, plan, self.office, then=lambda done: self.written(plan, done), failed=self._failed
            )
            return
        from leadtui.screens.bulk import BulkScreen

        screen = BulkScreen(self.lead_ids, self.where, plan.act, plan.words)
        self.app.push_screen(screen, lambda result: self.bulk_written(plan, result))

    def _one_by_one(self, plan: Plan, office: Any) -> Any:
        done = None
        for lead_id in self.lead_ids:
            done = plan.one(office, lead_id)
        return done

    def written(self, plan: Plan, done: Done | Any) -> None:
        """One lead was written (or several, for acts without a bulk form)."""
        self._set_busy(False)
        row = self.row
        name = one_line(row.title) if row is not None else f"{len(self.lead_ids):,} leads"
        text = f"{name} {plan.words}"
        for warning in getattr(done, "warnings", ()):
            self.lead_app.notify(warning, severity="warning")
        self.finish(Acted(self.lead_ids, getattr(done, "batch", None), text))

    def bulk_written(self, plan: Plan, result: BulkResult | None) -> None:
        """Several leads were written, or the preview was left."""
        if result is None:
            return
        noun = "lead" if result.changed == 1 else "leads"
        ids = self.lead_ids if self.where is None else ()
        refused = f", {len(result.refused):,} refused" if result.refused else ""
        self.finish(Acted(ids, result.batch, f"{result.changed:,} {noun} {plan.words}{refused}"))

    def finish(self, acted: Acted) -> None:
        """Close, tell the other screens, and leave one quiet line."""
        self.changed(acted.ids)
        app = self.lead_app
        self.dismiss(acted)
        app.say(f"{acted.text} · u takes it back" if acted.batch is not None else acted.text)

    def _failed(self, error: Exception) -> None:
        self._set_busy(False)
        self.failed(error)

    def failed(self, error: Exception) -> None:
        """The service refused: its words stay beside what was typed."""
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        if error.code == "edited_elsewhere":
            self.office_ready()
            self.refuse("Somebody changed this lead a moment ago: look again, then repeat")
            return
        self.refuse(
            f"{error.message} ({error.hint})" if error.hint else error.message, f"#{error.field}" if error.field else ""
        )

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        for button in self.query("#do"):
            button.disabled = busy

    @on(Button.Pressed, "#do")
    def _pressed_do(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#cancel")
    def _pressed_cancel(self) -> None:
        self.do_back()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Enter in the last line of a dialog carries it out; in another it goes on."""
        event.stop()
        inputs = [widget for widget in self.query(Input) if widget.display]
        if event.input is inputs[-1]:
            self.do_save()
        else:
            self.focus_next()


def label(text: str) -> Widget:
    """The muted words over or beside a field."""
    return Static(Content(text), classes="label")
