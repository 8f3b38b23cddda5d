"""Putting leads into a drip from the list or from a lead: which drip, and what that would do, before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from leadtui.screens.act_dialog import ActDialog, Acted, Read, label
from leadtui.screens.drip_commands import enroll_words
from leadtui.screens.drip_rows import count_words
from leadtui.widgets.choice_row import ChoiceRow, Key
from leadtui.widgets.keyed_list import Entry, KeyedList, numbered
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.drips import DripRow, EnrollResult
    from leadtui.domain.records import LeadDetail


WHO = (Key("n", "", "who was never in it"), Key("a", "again", "once more, too"))
"""A lead goes through a drip once, unless somebody says otherwise."""


class EnrollDialog(ActDialog):
    """One key chooses the drip and says who would come in; enter then does it: one batch, one undo."""

    HEADING: ClassVar[str] = "Put into a drip"
    DO: ClassVar[str] = "Enroll"
    CSS = """
    EnrollDialog KeyedList { max-height: 9; }
    EnrollDialog #would { height: auto; max-height: 6; padding-left: 1; margin-top: 1; }
    EnrollDialog ChoiceRow { width: 1fr; }
    """

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None) -> None:
        super().__init__(lead_ids, where)
        self.result: EnrollResult | None = None

    def fields(self) -> ComposeResult:
        """The drips, once more or not, what it would do."""
        yield KeyedList(id="drip")
        with Horizontal(classes="row"):
            yield label("who")
            yield ChoiceRow(WHO, id="again")
        yield Static("", id="would", markup=False)

    def read_more(self, office: Any, detail: LeadDetail | None) -> Any:
        """The drips that can take leads."""
        from leadtui.services import drips

        return [one for one in drips.list_all(office) if one.status != "cancelled"]

    def ready(self, read: Read) -> None:
        """Show them."""
        found: list[DripRow] = read.more or []
        entries = [Entry(one.key, one_line(one.name), _note(one)) for one in found]
        self.query_one(KeyedList).show_entries(numbered(entries))
        if not found:
            self.refuse("There is no drip yet: 9, d, n makes one")
            self.query_one("#cancel").focus()
            return
        self.query_one(KeyedList).focus()

    def typed(self) -> bool:
        """Nothing is typed here."""
        return False

    @property
    def drip(self) -> DripRow | None:
        """The one under the cursor."""
        key = self.query_one(KeyedList).value
        return next((one for one in (self.read.more if self.read is not None else []) if one.key == key), None)

    @on(KeyedList.Chosen)
    def _chosen(self, event: KeyedList.Chosen) -> None:
        event.stop()
        self._look()

    @on(ChoiceRow.Chosen, "#again")
    def _again(self, event: ChoiceRow.Chosen) -> None:
        event.stop()
        if self.result is not None:
            self._look()

    def _look(self) -> None:
        """What it would do; the button then does it."""
        one = self.drip
        if one is None:
            return
        self.result = None
        self.query_one("#would", Static).update("…")
        self.refuse("")
        self.run_blocking(
            self._enroll, one.key, self._once_more, True, then=self._would, failed=self._failed, group="enroll.look"
        )

    @property
    def _once_more(self) -> bool:
        return bool(self.query_one("#again", ChoiceRow).value)

    def _enroll(self, key: str, again: bool, dry_run: bool) -> EnrollResult:
        """In a thread."""
        from leadtui.services import drips

        if self.where is not None:
            return drips.enroll(self.office, key, where=self.where, again=again, dry_run=dry_run)
        return drips.enroll(self.office, key, self.lead_ids, again=again, dry_run=dry_run)

    def _would(self, result: EnrollResult) -> None:
        self.result, one = result, self.drip
        words = enroll_words(result)
        if one is not None and one.status != "active":
            words += f"\nThe drip does not run yet ({one.status_word}); they begin when it is started."
        self.query_one("#would", Static).update(Content(words))
        button = self.query_one("#do", Button)
        button.disabled = not result.enrolled
        (button if result.enrolled else self.query_one(KeyedList)).focus()

    def do_save(self) -> None:
        """Enroll what was looked at; without a look, look first."""
        one, result = self.drip, self.result
        if self._busy or one is None:
            return
        if result is None:
            self._look()
            return
        if result.enrolled > 1:
            from leadtui.screens.confirm import Confirm

            self.app.push_screen(
                Confirm(enroll_words(result), yes="Enroll", no="Leave it", typed=str(result.enrolled)),
                lambda yes: self._go(one) if yes else None,
            )
            return
        self._go(one)

    def _go(self, one: DripRow) -> None:
        self._set_busy(True)

        def done(result: EnrollResult) -> None:
            ids = self.lead_ids if self.where is None else ()
            row = self.row
            who = one_line(row.title) if row is not None else count_words(result.enrolled, "lead")
            self.finish(Acted(ids, result.batch, f"{who} put into {one_line(one.name)}"))

        again = self._once_more
        self.run_blocking(self._enroll, one.key, again, False, then=done, failed=self._failed, title="Enrolling leads")


def _note(one: DripRow) -> str:
    steps = count_words(one.step_count, "step")
    return steps if one.status == "active" else f"{steps}, {one.status_word}"
