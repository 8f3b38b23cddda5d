"""The filter line of a rule: the words of leads' filters that a rule may use, and no others."""

from __future__ import annotations

from leadtui.domain import conditions
from leadtui.domain.catalog import Catalog
from leadtui.screens.lead_pages import FilterWords
from leadtui.widgets.filter_bar import Completion


class RuleWords(FilterWords):
    """As on the leads screen, but what a rule cannot know is refused where it stands."""

    def __init__(self, catalog: Catalog, hidden: frozenset[str], tags: tuple[str, ...] = ()) -> None:
        super().__init__(catalog, hidden, tags)
        self._catalog = catalog

    def parse(self, text: str) -> object:
        """The tree. Raises FilterError with the column."""
        tree = super().parse(text)
        conditions.read(text, self._catalog)
        return tree

    def complete(self, text: str, cursor: int) -> list[Completion]:
        """What could stand at the cursor, of what rules may ask."""
        known = conditions.fields()
        offered = super().complete(text, cursor)
        return [one for one in offered if not one.text.endswith(":") or known.find(one.text[:-1].lstrip("-"))]
