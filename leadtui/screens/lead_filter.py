"""The filter line over leads, as the list and the board have it: / f F, completion, what was used before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on

from leadtui.screens.lead_commands import LeadCommands
from leadtui.screens.lead_pages import FilterWords
from leadtui.widgets.filter_bar import Completion, FilterBar

if TYPE_CHECKING:
    from textual.widget import Widget

LINE_KEYS = "enter to the list · tab completes · ↑ earlier · esc leaves"


class FilteredLeads(LeadCommands):
    """A screen of what a filter finds. Subclasses yield a `FilterBar(self._parse, self._complete)` and say the rest."""

    DEFAULT_CSS: ClassVar[str] = """
    FilteredLeads FilterBar { display: none; }
    FilteredLeads.-filtering FilterBar { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.words: FilterWords | None = None
        self._before = ""

    # What subclasses say

    @property
    def where(self) -> str:
        """The present filter."""
        return ""

    def apply(self, where: str) -> None:
        """Show what a filter finds."""

    def filters_used(self, history: tuple[str, ...]) -> None:
        """A filter was entered: these were used, the last one first."""

    def shown_list(self) -> Widget:
        """What takes the keys when the filter line is left."""
        raise NotImplementedError

    @property
    def marked_count(self) -> int:
        """How many leads are marked."""
        return 0

    def unmark(self) -> None:
        """Take the marks away."""

    # The line

    @property
    def bar(self) -> FilterBar:
        """The filter line."""
        return self.query_one(FilterBar)

    def _parse(self, text: str) -> object:
        return self.words.parse(text) if self.words is not None else None

    def _complete(self, text: str, cursor: int) -> Sequence[Completion]:
        return self.words.complete(text, cursor) if self.words is not None else []

    def _open_bar(self, text: str) -> None:
        if self.words is None:
            return
        self.words = self.words.fresh(self.office.catalog)
        self._before = self.where
        self.add_class("-filtering")
        self.bar.set_value(text)
        self.bar.focus()
        keys = LINE_KEYS if self.size.width >= 80 else LINE_KEYS.rpartition(" · ")[0]
        self.hints.show_status(keys, 3600)

    def do_search(self) -> None:
        """A new line: words are looked for among all leads."""
        self._open_bar("")

    def do_filter(self) -> None:
        """The present filter, to be changed."""
        self._open_bar(f"{self.where} " if self.where else "")

    def do_clear(self) -> None:
        """All leads."""
        self.apply("")

    def do_back(self) -> None:
        """esc: marks go first, then the filter."""
        if count := self.marked_count:
            self.unmark()
            self.done(f"{count:,} marks taken away")
        elif old := self.where:
            self.bar.remember(old)
            self.apply("")
            self.done(f"All leads again; / and ↑ bring back: {old}")

    @on(FilterBar.Changed)
    def filter_typed(self, event: FilterBar.Changed) -> None:
        """The list follows while the filter is typed, but not half the name of a field ("pri" of "priority:")."""
        if self.has_class("-filtering") and self.words is not None and not self.words.begins_field(event.text):
            self.apply(event.text)

    @on(FilterBar.Submitted)
    def filter_entered(self, event: FilterBar.Submitted) -> None:
        """Enter: to the list."""
        self.apply(event.text)
        self._close_bar()
        self.filters_used(tuple(self.bar.history[:50]))

    @on(FilterBar.Left)
    def filter_left(self) -> None:
        """esc or ↓: to the list. A line left empty, or one that cannot be read, leaves the filter as it was."""
        text = self.bar.value.strip()
        if not text:
            self.apply(self._before)
        elif not self.bar.error:
            self.apply(text)
        self._close_bar()

    def _close_bar(self) -> None:
        self.remove_class("-filtering")
        self.hints.show_status("")
        self.shown_list().focus()
