"""A modal over the whole screen that shows a page of text: drawn anew at every width, what is wrong below it."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leadtui.screens.base import LeadModal

Result = TypeVar("Result")


class PagedModal(LeadModal[Result]):
    """Subclasses yield `#sheet` with `VerticalScroll#page`, in it `Static#text`; `draw` fills it."""

    DEFAULT_CSS: ClassVar[str] = """
    PagedModal #sheet { width: 100%; height: 100%; background: $background; }
    PagedModal #page { height: 1fr; padding: 0 1; }
    PagedModal #text, PagedModal #progress { height: auto; }
    PagedModal #progress { margin-top: 1; }
    PagedModal #problem { height: auto; max-height: 4; color: $text-error; padding: 0 1; }
    """

    @property
    def page_width(self) -> int:
        """Cells of a page: what padding and a scroll bar leave."""
        return self.size.width - 4

    def on_resize(self) -> None:
        """Lines wrap where the window ends."""
        if self.query("#text"):
            self.draw()

    def draw(self) -> None:
        """Show what the present step has to say."""

    def to_top(self) -> None:
        """Another page begins at its first line, wherever the one before was scrolled to."""
        self.query_one("#page", VerticalScroll).scroll_home(animate=False)

    def problem(self, words: str) -> None:
        """What is wrong, above the hints; nothing takes the line away."""
        line = self.query_one("#problem", Static)
        line.update(Content(words))
        line.display = bool(words)
