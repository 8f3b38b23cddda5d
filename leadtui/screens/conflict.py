"""Two people changed one lead: field by field, mine or theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from leadtui import clock
from leadtui.domain.fields import BY_KEY
from leadtui.screens.base import LeadModal
from leadtui.widgets.lead_cells import moment
from leadtui.widgets.text import one_line


class ConflictScreen(LeadModal[frozenset[str]]):
    """Answers the fields for which theirs stands; None when the person wants to think.

    `conflicts` are those of `EditedElsewhere`: `{field, label, mine, theirs, by, at}`. `typed` are the texts of the
    form, shown as mine where there are any.
    """

    SCOPE = "form"
    BINDINGS: ClassVar[list[BindingType]] = [("space", "turn", ""), ("m", "all(False)", ""), ("t", "all(True)", "")]
    CSS = """
    ConflictScreen > .dialog { width: 80; }
    ConflictScreen OptionList { height: auto; max-height: 15; border: none; padding: 0; background: $surface; }
    ConflictScreen OptionList:ansi > .option-list--option-highlighted { text-style: bold reverse; }
    ConflictScreen .note { height: auto; color: $text-muted; }
    """

    def __init__(
        self, conflicts: Sequence[Mapping[str, Any]], typed: Mapping[str, str] | None = None, tz: tzinfo = UTC
    ) -> None:
        """`tz` is the clock of the office."""
        super().__init__()
        self.tz = tz
        self.conflicts = tuple(conflicts)
        self.typed = dict(typed or {})
        self.theirs: set[str] = set()

    def body(self) -> ComposeResult:
        """Who it was, the fields, the ways on."""
        people = sorted({one_line(str(conflict.get("by") or "somebody")) for conflict in self.conflicts})
        with VerticalScroll(classes="dialog", can_focus=False) as box:
            box.border_title = Content("Changed by two people")
            yield Static(
                Content(f"While you were typing, {' and '.join(people)} changed the same fields. Which shall stand?"),
                classes="note",
            )
            yield OptionList(*[Option(self._line(conflict)) for conflict in self.conflicts], markup=False)
            yield Static(Content("space the other one · m all mine · t all theirs · esc goes back"), classes="note")
            with Horizontal(classes="buttons"):
                yield Button("Save", id="save", variant="primary")
                yield Button("Back", id="back")

    def on_mount(self) -> None:
        """The first field."""
        fields = self.query_one(OptionList)
        fields.focus()
        fields.highlighted = 0

    def _line(self, conflict: Mapping[str, Any]) -> Content:
        key = str(conflict["field"])
        label = conflict.get("label") or (BY_KEY[key].label if key in BY_KEY else key)
        mine = self.typed.get(key) or _words(conflict.get("mine"))
        theirs = _words(conflict.get("theirs"))
        at = conflict.get("at")
        when = moment(at, clock.now(), self.tz).strip() if isinstance(at, datetime) else str(at or "")
        by = one_line(str(conflict.get("by") or "somebody"))
        is_theirs = key in self.theirs
        return Content.assemble(
            (f"{one_line(str(label))}\n", "bold"),
            ("  ( ) " if is_theirs else "  (•) ", "" if is_theirs else "$accent"),
            (f"mine    {one_line(mine)}\n", "dim" if is_theirs else ""),
            ("  (•) " if is_theirs else "  ( ) ", "$accent" if is_theirs else ""),
            (f"theirs  {one_line(theirs)}", "" if is_theirs else "dim"),
            (f"  {by} {when}", "dim"),
        )

    def _show(self) -> None:
        fields = self.query_one(OptionList)
        for place, conflict in enumerate(self.conflicts):
            fields.replace_option_prompt_at_index(place, self._line(conflict))

    def action_turn(self) -> None:
        """The other one for the field under the cursor."""
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self.theirs ^= {str(self.conflicts[place]["field"])}
            self._show()

    def action_all(self, theirs: bool) -> None:
        """All of one side."""
        self.theirs = {str(conflict["field"]) for conflict in self.conflicts} if theirs else set()
        self._show()

    @on(OptionList.OptionSelected)
    def _turned(self) -> None:
        self.action_turn()

    def do_save(self) -> None:
        """The choice is made."""
        self.dismiss(frozenset(self.theirs))

    @on(Button.Pressed, "#save")
    def _pressed_save(self) -> None:
        self.do_save()

    @on(Button.Pressed, "#back")
    def _pressed_back(self) -> None:
        self.dismiss(None)


def _words(value: Any) -> str:
    """A value in words."""
    if value is None or value == "":
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
