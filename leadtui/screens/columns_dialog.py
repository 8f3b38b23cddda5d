"""Choosing the columns of the lead list, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from leadtui.domain.fields import BY_KEY
from leadtui.screens.base import LeadModal
from leadtui.widgets.lead_cells import DEFAULT_COLUMNS, LEAD_COLUMNS

NOTE = "space in or out · shift+↑↓ (K J) moves\nenter keeps · r as delivered · esc leaves"


class ColumnsDialog(LeadModal[tuple[str, ...]]):
    """Space takes a column in or out, shift with an arrow moves it, enter keeps. Answers the keys in order."""

    DEFAULT_CSS: ClassVar[str] = """
    ColumnsDialog OptionList { height: auto; max-height: 17; border: none; padding: 0; background: $surface; }
    ColumnsDialog OptionList:focus { border: none; }
    ColumnsDialog:ansi OptionList { background: ansi_default; }
    ColumnsDialog .note { height: auto; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "take", show=False),
        Binding("shift+down,J", "move(1)", show=False),
        Binding("shift+up,K", "move(-1)", show=False),
        Binding("j", "step(1)", show=False),
        Binding("k", "step(-1)", show=False),
        Binding("enter", "keep", show=False, priority=True),
        Binding("r", "reset", show=False),
    ]

    def __init__(self, chosen: Sequence[str], hidden: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._known = [column.key for column in LEAD_COLUMNS if column.key not in hidden]
        self.chosen: list[str] = []
        self.order: list[str] = []
        self._take(chosen)

    def _take(self, chosen: Sequence[str]) -> None:
        self.chosen = [key for key in chosen if key in self._known]
        self.order = [*self.chosen, *(key for key in self._known if key not in self.chosen)]

    def body(self) -> ComposeResult:
        """The columns, chosen ones first."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Columns"
            box.styles.width = 46
            yield OptionList(markup=False)
            yield Static(NOTE, classes="note", markup=False)

    def on_mount(self) -> None:
        """Show them."""
        self._draw(0)
        self.query_one(OptionList).focus()

    def _draw(self, at: int) -> None:
        listed = self.query_one(OptionList)
        listed.clear_options()
        labels = {column.key: column.label for column in LEAD_COLUMNS}
        for key in self.order:
            field = BY_KEY.get(key)
            note = field.label if field and field.label != labels[key] else ""
            mark = "[x]" if key in self.chosen else "[ ]"
            words = Content.assemble(f"{mark} {labels[key]}", (f"  {note}" if note else "", "$text-muted"))
            listed.add_option(Option(words))
        listed.highlighted = max(0, min(at, len(self.order) - 1))

    @property
    def _at(self) -> int:
        return self.query_one(OptionList).highlighted or 0

    def action_take(self) -> None:
        """In or out."""
        key = self.order[self._at]
        if key in self.chosen:
            self.chosen.remove(key)
        else:
            self.chosen.append(key)
        self._draw(self._at + 1)

    def action_move(self, step: int) -> None:
        """Change places with the neighbour."""
        at = self._at
        to = at + step
        if 0 <= to < len(self.order):
            self.order[at], self.order[to] = self.order[to], self.order[at]
            self._draw(to)

    def action_step(self, step: int) -> None:
        """The next one."""
        listed = self.query_one(OptionList)
        listed.highlighted = max(0, min(self._at + step, len(self.order) - 1))

    def action_reset(self) -> None:
        """The columns of spec §V."""
        self._take(DEFAULT_COLUMNS)
        self._draw(0)

    def action_keep(self) -> None:
        """Keep what is chosen, in this order."""
        keys = tuple(key for key in self.order if key in self.chosen)
        if not keys:
            self.app.notify("At least one column must stay", severity="warning")
            return
        self.dismiss(keys)
