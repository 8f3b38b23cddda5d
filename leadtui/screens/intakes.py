"""What came in from elsewhere and failed (bookings, forms): the payload as it came, to correct, retry or drop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leadtui.commands import Command
from leadtui.screens.booking_dialog import booking_form, correction_form, drop_form
from leadtui.screens.record_list import Record, RecordList
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.lead_cells import moment
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.domain.records import IntakeRow
    from leadtui.services.intake import IntakeResult

MOST: Final = 500
"""So many are shown; the first row says how many there are."""
_STATES: Final[dict[str, tuple[str, str]]] = {
    "created": ("+ new lead", "success"), "linked": ("= linked", "success"), "failed": ("! failed", "warning"),
    "dropped": ("– dropped", "muted"),
}  # fmt: skip


class IntakesScreen(RecordList):
    """The list above, all that came with the one under the cursor below."""

    SCOPE = "intakes"
    HEADING = "Came in and failed"
    HINTS: ClassVar[tuple[str, ...]] = (
        "intakes.edit", "intakes.retry", "intakes.drop", "intakes.new", "intakes.every",
    )  # fmt: skip
    TABLE = "intakes"
    COLUMNS = (
        Column("title", "What", 22, min_width=12, grow=1),
        Column("at", "Came in", 13, min_width=12, drop=1),
        Column("state", "State", 11, min_width=10),
        Column("why", "Why, or whose", 30, min_width=14, grow=3),
    )
    KEY = "key"
    EMPTY = "Nothing failed: everything that came in has its lead"
    NEEDS = frozenset({"intakes.edit", "intakes.retry", "intakes.drop"})
    NONE_HERE = "There is nothing here"
    DEFAULT_CSS: ClassVar[str] = """
    IntakesScreen #came { height: 9; padding: 0 1; border-top: solid $primary-muted; }
    IntakesScreen.-tall #came { height: 16; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.every = False
        """Whether those that have their lead, or were dropped, are shown too."""
        self.total: int | None = None

    def on_screen_resume(self) -> None:
        """In front again: programs bring things in while one looks elsewhere."""
        if self.office is not None and self.total is not None:
            self.load()

    def body(self) -> ComposeResult:
        """The list, the payload."""
        yield from super().body()
        with VerticalScroll(id="came", can_focus=False):
            yield Static("", id="payload", markup=False)

    # The list

    def read(self, office: Any) -> list[Record]:
        """What failed, or everything."""
        from leadtui.services import intake

        self.total, found = intake.list_all(office, state=None if self.every else "failed", limit=MOST)
        return [{"key": str(one.id), "intake": one} for one in found]

    def shown(self, rows: list[Record]) -> None:
        """The records are on the screen."""
        self.heading("Came in" if self.every else "Came in and failed", f"{self.total or 0:,}")
        self._show_payload()
        self.lead_app.refresh_hints()

    def cell(self, row: Any, key: str) -> Cell:
        """A cell of the list."""
        from leadtui import clock

        one: IntakeRow = row["intake"]
        match key:
            case "title":
                return one_line(one.title), "strong"
            case "at":
                return moment(one.at, clock.now(), self.office.catalog.tz).strip(), "muted"
            case "state":
                return _STATES[one.state]
            case _:
                return one_line(one.error or " ".join(part for part in (one.lead_number, one.lead_name) if part))

    @property
    def one(self) -> IntakeRow | None:
        """What is under the cursor."""
        return None if self.record is None else self.record["intake"]

    @on(VirtualTable.Highlighted, "#intakes")
    @on(VirtualTable.Loaded, "#intakes")
    def _show_payload(self) -> None:
        one = self.one
        words = Content("") if one is None else payload_words(one)
        self.query_one("#payload", Static).update(words)

    @on(VirtualTable.Opened, "#intakes")
    def _open(self) -> None:
        """Enter opens the lead; without one, the form to correct."""
        from leadtui.screens.lead_detail import LeadDetailScreen

        one = self.one
        if one is not None and one.lead_id is not None:
            self.app.push_screen(LeadDetailScreen(one.lead_id))
        elif one is not None:
            self.lead_app.run_command("intakes.edit")

    def why_disabled(self, command: Command) -> str | None:
        """What has its lead is corrected there."""
        if (reason := super().why_disabled(command)) is not None:
            return reason
        one = self.one
        if command.id in self.NEEDS and one is not None and one.state not in ("failed", "dropped"):
            return "It has its lead already; enter opens it"
        if command.id == "intakes.drop" and one is not None and one.state == "dropped":
            return "It is dropped already; t takes it after all"
        return None

    def copy_text(self) -> str:
        """All that came, as text."""
        one = self.one
        return "" if one is None else f"{one.title}\n" + "\n".join(f"{k}: {v}" for k, v in one.payload.items())

    # Commands

    def do_every(self) -> None:
        """Show everything that came in, or only what failed."""
        self.every = not self.every
        self.load()

    def do_edit(self) -> None:
        """Correct what came, and try again."""
        if (one := self.one) is not None:
            self.app.push_screen(correction_form(self.office, one), self._tried)

    def do_new(self) -> None:
        """A booking by hand."""
        self.app.push_screen(booking_form(self.office), self._tried)

    def do_retry(self) -> None:
        """Try again as it is."""
        one, office = self.one, self.office
        if one is None:
            return

        def retry() -> IntakeResult:
            from leadtui.services import intake

            return intake.retry(office, one.id)

        self.run_blocking(retry, then=self._tried, failed=self._refused, group="intake")

    def do_drop(self) -> None:
        """Give it up, with the reason."""
        if (one := self.one) is not None:
            self.app.push_screen(drop_form(self.office, one), lambda done: self._dropped(one, done))

    def _dropped(self, one: IntakeRow, done: object) -> None:
        if done is not None:
            self.load()
            self.done(f"{one.title} dropped; v shows it, t takes it after all")
        else:
            self.load()

    def _tried(self, result: IntakeResult | None) -> None:
        self.load()  # a try that failed is kept, too
        if result is None:
            return
        if result.error is not None:
            self.app.notify(f"{result.intake.title}: {result.error.message}", severity="warning")
            return
        self.changed([result.lead.id] if result.lead is not None else ())
        self.done(said(result), undo=result.batch is not None)

    def _refused(self, error: Exception) -> None:
        self.lead_app.report(error)
        self.load()


def said(result: IntakeResult) -> str:
    """What became of it, in a few words."""
    lead = one_line(result.lead.title) if result.lead is not None else "a lead that is not yours to see"
    words = {"created": f"{lead} is a new lead", "linked": f"linked to {lead}", "known": f"known already: {lead}"}
    return f"{result.intake.title}: {words[result.outcome]}"


def payload_words(one: IntakeRow) -> Content:
    """Everything that came with it, and what was corrected."""
    parts: list[Any] = []
    if one.error:
        parts += [(f"{one.error}\n", "$text-warning")]
    width = max((len(key) for key in one.payload), default=0)
    for key, value in one.payload.items():
        parts += [(f"{one_line(key):{min(width, 20)}}  ", "$text-muted"), f"{one_line(str(value))}\n"]
    for key, text in one.corrections.items():
        parts += [("corrected ", "$text-accent"), (f"{one_line(key)}  ", "$text-muted"),
                  f"{one_line(text) or '(taken away)'}\n"]  # fmt: skip
    tried = f"tried {one.attempts} time{'' if one.attempts == 1 else 's'}"
    parts.append((f"brought in by {one.by}, {tried}", "$text-muted"))
    return Content.assemble(*parts)
