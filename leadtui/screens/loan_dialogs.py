"""A lead's promise to clear a loan: noted, replaced by a new one, cleared, called off; choosing the lead first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from leadtui import clock
from leadtui.domain.dates import local_day, parse_when
from leadtui.domain.loans import LoanRow, day_words, late_words
from leadtui.domain.money import format_money, parse_money
from leadtui.errors import Invalid
from leadtui.screens.act_dialog import ActDialog, Plan, Read, label
from leadtui.screens.picker import Choice, Picker
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.text import one_line
from leadtui.widgets.when_input import WhenInput

if TYPE_CHECKING:
    from leadtui.domain.records import Done

PROMISE, CLEAR, CANCEL = "promise", "clear", "cancel"
WHAT = (Key("1", PROMISE, "a new promise"), Key("2", CLEAR, "paid: clear it"), Key("3", CANCEL, "call it off"))
_BUTTONS = {PROMISE: "Note", CLEAR: "Clear", CANCEL: "Call off"}
_MOST = 20


class LoanDialog(ActDialog):
    """What is open is shown; it can be cleared, called off or replaced. Where nothing is open, a promise is noted."""

    HEADING: ClassVar[str] = "Loan promise"
    DO: ClassVar[str] = "Note"

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None, what: str = PROMISE) -> None:
        super().__init__(lead_ids, where)
        self.wanted = what

    def fields(self) -> ComposeResult:
        """What is open, what to do, amount, day, note."""
        yield Static("", classes="note", id="now", markup=False)
        yield ChoiceRow(WHAT, self.wanted, id="what")
        with Horizontal(classes="row promise"):
            yield label("amount")
            yield Input(id="amount", placeholder="20000")
        with Horizontal(classes="row promise"):
            yield label("by")
            yield WhenInput(id="date", field="date")
        with Horizontal(classes="row"):
            yield label("note")
            yield Input(id="note", placeholder="what was said", max_length=2000)

    @property
    def open_one(self) -> LoanRow | None:
        """The promise that is open."""
        detail = self.read.detail if self.read is not None else None
        return next((one for one in detail.loans if one.is_open), None) if detail is not None else None

    @property
    def what(self) -> str:
        """What is to be done."""
        return self.query_one("#what", ChoiceRow).value or PROMISE

    def ready(self, read: Read) -> None:
        """Say what is open."""
        one, currency = self.open_one, read.catalog.currency
        self.query_one("#date", WhenInput).use_zone(read.catalog.tz)
        words = f"No promise is open. Amounts are in {currency}."
        if one is not None:
            late = late_words(one.days_late)
            words = f"Open: {format_money(one.amount_minor, currency)} {currency} by {day_words(one.promised)}"
            words += (f", {late}" if late else ", today" if one.is_today else "") + (
                f" · {one_line(one.note)}" if one.note else ""
            )
        self.query_one("#now", Static).update(Content(words))
        row = self.query_one("#what", ChoiceRow)
        row.display = one is not None
        if one is None:
            row.value = PROMISE
        self._show_fields()
        self.query_one("#amount" if self.what == PROMISE else "#note").focus()

    @on(ChoiceRow.Chosen, "#what")
    def _chosen(self, event: ChoiceRow.Chosen) -> None:
        event.stop()
        self._show_fields()
        self.query_one("#amount" if self.what == PROMISE else "#note").focus()

    def _show_fields(self) -> None:
        for row in self.query(".promise"):
            row.display = self.what == PROMISE
        button = self.query_one("#do", Button)
        button.label = Content(_BUTTONS[self.what])
        button.refresh(layout=True)

    def plan(self) -> Plan | None:
        """The promise, or what becomes of the open one."""
        note = self.query_one("#note", Input).value.strip() or None
        if self.read is None:
            return None
        if self.what != PROMISE:
            return self._settling(self.what, note)
        amount, when = self.query_one("#amount", Input).value.strip(), self.query_one("#date", WhenInput)
        currency = self.read.catalog.currency
        try:
            minor = parse_money(amount, currency, field="amount") if amount else 0
        except Invalid as error:
            self.refuse(f"{error.message} ({error.hint})" if error.hint else error.message, "#amount")
            return None
        if minor <= 0:
            self.refuse("How much was promised?", "#amount")
            return None
        if not when.value:
            self.refuse("By when? A day such as fri, +2w or 2026-11-27", "#date")
            return None
        if problem := when.error():
            self.refuse(problem, "#date")
            return None
        day = when.value

        def one(office: Any, ref: int) -> Done:
            from leadtui.services import loans

            return loans.promise(office, ref, amount, day, note)

        tz, now = self.read.catalog.tz, clock.now()
        shown = day_words(local_day(parse_when(day, tz=tz, now=now, field="date").at, tz))
        return Plan(one, {}, f"promised {format_money(minor, currency)} {currency} by {shown}")

    def _settling(self, what: str, note: str | None) -> Plan:
        def one(office: Any, ref: int) -> Done:
            from leadtui.services import loans

            return (loans.clear if what == CLEAR else loans.cancel)(office, ref, note=note)

        return Plan(one, {}, "has paid: cleared" if what == CLEAR else "is awaited to pay no more")


class LeadPicker(Picker):
    """The lead whose promise is noted, by name, phone or number; answers its id as text."""

    def __init__(self, office: Any) -> None:
        super().__init__("Whose promise?", lambda words: find_leads(office, words))


def find_leads(office: Any, words: str, action: str = "loans") -> Sequence[Choice]:
    """Leads by name, phone, email or number on which the person may do `action`. In a thread."""
    from leadtui.domain.filters.writer import in_quotes
    from leadtui.services import leads

    where = " ".join(in_quotes(word) for word in words.split()) or None
    rows = leads.search(office, where, limit=_MOST, total=False).rows
    may = [
        row for row in rows
        if office.actor.may_on(action, assigned_to_id=row.assigned_to_id, branch_id=row.branch_id)
    ]  # fmt: skip
    return [
        Choice(str(row.id), row.title, " · ".join(one for one in (row.number, row.phone, row.status) if one))
        for row in may
    ]
