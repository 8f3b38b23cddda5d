"""The base of lists with a search line that is seen only while it is used: words are looked for while one types."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on

from leadtui.screens.base import LeadScreen
from leadtui.widgets.filter_bar import FilterBar
from leadtui.widgets.virtual_table import VirtualTable


class SearchLine(LeadScreen[Any]):
    """Subclasses yield `search_bar()` first, say what is looked for now (`words`), and show the list of other words."""

    LOOKS_FOR: ClassVar[str] = "words"
    DEFAULT_CSS: ClassVar[str] = """
    SearchLine FilterBar { display: none; }
    SearchLine.-filtering FilterBar { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._before = ""

    # What subclasses fill in

    @property
    def words(self) -> str:
        """What is looked for now."""
        return ""

    def look_for(self, words: str) -> None:
        """Show the list of these words."""

    @property
    def table(self) -> VirtualTable[Any]:
        """The list."""
        return self.query_one(VirtualTable)

    # The line

    def search_bar(self) -> FilterBar:
        """The line, for `body`."""
        return FilterBar(lambda text: text, placeholder=self.LOOKS_FOR)

    def do_search(self) -> None:
        """Write what to look for."""
        self._before = self.words
        self.add_class("-filtering")
        bar = self.query_one(FilterBar)
        bar.set_value("")
        bar.focus()
        self.hints.show_status("enter to the list · ↑ earlier · esc leaves", 3600)

    @on(FilterBar.Changed)
    def typed(self, event: FilterBar.Changed) -> None:
        """The list follows while one types."""
        if self.has_class("-filtering"):
            self.look_for(event.text.strip())

    @on(FilterBar.Submitted)
    def entered(self, event: FilterBar.Submitted) -> None:
        """Enter: to the list."""
        self.look_for(event.text.strip())
        self._close_bar()

    @on(FilterBar.Left)
    def left(self) -> None:
        """esc or ↓: to the list. A line left empty leaves the search as it was."""
        self.look_for(self.query_one(FilterBar).value.strip() or self._before)
        self._close_bar()

    def _close_bar(self) -> None:
        self.remove_class("-filtering")
        self.hints.show_status("")
        self.table.focus()
