"""The leads behind a figure: the list of leads with the figure's filter, over the screen that showed the figure."""

from __future__ import annotations

from dataclasses import replace

from leadtui.screens.lead_pages import Opening, View, read_opening
from leadtui.screens.leads import LeadsScreen
from leadtui.widgets.pages import Marks


class FigureLeads(LeadsScreen):
    """Everything of the list works here; the list itself keeps its own filter and place, and remembers nothing of this.

    `title` says in words what these leads are; it stands before the filter that finds them.
    """

    def __init__(self, where: str, title: str = "") -> None:
        super().__init__()
        self.first = where
        self.title_words = title

    def office_ready(self) -> None:
        """The words of the filter line, the person's columns and order; then what the filter finds."""
        self.run_blocking(read_opening, self.office, then=self._opened, group="leads.open")

    def _opened(self, opened: Opening) -> None:
        view = View(where=self.first, columns=opened.view.columns, history=opened.view.history)
        super()._opened(replace(opened, view=view))

    def _title(self) -> None:
        super()._title()
        if self.title_words and self.view.where == self.first:
            dash = "-" if self.lead_app.plain else "─"
            self.heading(f"{self.title_words} {dash} {self.view.where}" if self.view.where else self.title_words)

    def _remember(self) -> None:
        """Nothing: this was a look, not a change of the list."""

    def do_back(self) -> None:
        """esc: marks go first, then back to the figure."""
        if self.table.marks:
            self.table.set_marks(Marks())
        else:
            self.dismiss(None)
