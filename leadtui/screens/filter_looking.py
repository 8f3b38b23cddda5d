"""A form with a line for a filter: what it finds is counted, and an example made, a moment after each key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from leadtui.screens.base import LeadScreen
from leadtui.screens.lead_pages import FilterWords
from leadtui.screens.picker import Picker
from leadtui.widgets.filter_bar import Completion, FilterBar

REST_S, REST_S_SLOW = 0.3, 0.8
"""After the last key: then it is counted, and the example is made anew."""

Result = TypeVar("Result")


class FilterLooking(LeadScreen[Result]):
    """The filter's line and what is said of it. The editor yields the widgets: a FilterBar, and `#counted` below it."""

    WHICH_LEAD: ClassVar[str] = "Show it for whom?"

    def __init__(self) -> None:
        super().__init__()
        self.filter_words: FilterWords | None = None
        self.lead_id: int | None = None
        """The lead the example is of; None: the newest that the filter finds."""
        self._timer: Timer | None = None

    # What subclasses fill in

    def look(self, step: int = 0) -> None:
        """Count, and show the example; of the lead that is `step` further on, where it is asked so."""
        raise NotImplementedError

    def behind_filter(self) -> None:
        """Focus what follows the filter's line."""
        raise NotImplementedError

    def filter_typed(self) -> None:
        """Another filter is in the line."""

    # The line

    @property
    def bar(self) -> FilterBar:
        """The filter's line."""
        return self.query_one(FilterBar)

    def parse(self, typed: str) -> object:
        """The filter; None before its words are there."""
        return self.filter_words.parse(typed) if self.filter_words is not None else None

    def complete(self, typed: str, cursor: int) -> Sequence[Completion]:
        """What may follow."""
        return self.filter_words.complete(typed, cursor) if self.filter_words is not None else []

    @on(FilterBar.Changed)
    def _filter_changed(self) -> None:
        self.filter_typed()
        self.look_soon()

    @on(FilterBar.Submitted)
    @on(FilterBar.Left)
    def _filter_left(self, event: FilterBar.Submitted | FilterBar.Left) -> None:
        event.stop()
        self.look_soon()
        self.behind_filter()

    def on_descendant_blur(self) -> None:
        """What is wrong with the filter lies over the form only while it is typed; then it is below its line."""
        if self.is_mounted:
            self.bar.add_class("-left")
            if self.bar.error:
                self.say_counted(self.bar.error, wrong=True)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Typed again: it points at the place."""
        if self.bar in event.widget.ancestors:
            self.bar.remove_class("-left")

    # What is made of it

    def look_soon(self) -> None:
        """A moment after the last key."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(REST_S_SLOW if self.lead_app.slow else REST_S, self.look)

    def say_counted(self, words: str, *, wrong: bool = False) -> None:
        """What the filter finds, or what is wrong with it."""
        line = self.query_one("#counted", Static)
        line.update(Content(words))
        line.set_class(wrong, "-error")

    def do_to_lead(self) -> None:
        """The example of any lead, whether the filter finds it or not."""
        from leadtui.screens.loan_dialogs import find_leads

        office = self.office

        def chosen(lead_id: str | None) -> None:
            if lead_id is not None:
                self.lead_id = int(lead_id)
                self.look()

        self.app.push_screen(Picker(self.WHICH_LEAD, lambda words: find_leads(office, words, "read")), chosen)
