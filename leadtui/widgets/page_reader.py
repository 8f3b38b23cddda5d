"""Reads pages for a virtual table in background threads, one question at a time, and keeps those near the place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from leadtui.background import Background, Node
from leadtui.errors import LeadtuiError, NotPermitted
from leadtui.widgets.pages import PAGE, Finding, PageCache, PageProvider, pages_for

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Row]):
    """What a thread brings back: a page; of a new list also where the cursor's row is, and the count if asked."""

    page: int
    rows: Sequence[Row]
    whole: bool = False
    count: int | None = None
    cursor_index: int | None = None


class PageReader(Generic[Row]):
    """The rows of one provider. `arrived`, `counted_again` and `failed` are called on the UI thread."""

    def __init__(
        self,
        node: Node,
        row_id: Callable[[Row], Hashable],
        arrived: Callable[[Answer[Row]], None],
        counted_again: Callable[[], None],
        failed: Callable[[Exception], None],
        *,
        size: int = PAGE,
    ) -> None:
        """`size` is how many rows a page has."""
        self.node = node
        self.size = size
        self.row_id = row_id
        self.provider: PageProvider[Row] | None = None
        self.count = 0
        self.counted = False
        """Whether the provider was asked; before that `count` is what is known from pages."""
        self._arrived, self._counted_again, self._failed = arrived, counted_again, failed
        self._cache: PageCache[Row] = PageCache(size)
        self._fresh = True
        """False from a reload until its first page is here: the old rows stay on screen, no more of them are read."""
        self._reading: int | None = None
        self._broken: set[int] = set()
        self.failure = ""
        """Why the last question failed; empty once one succeeds."""
        self.is_refused = False
        """Whether it failed for want of a right: asking again does not help."""

    def row(self, index: int) -> Row | None:
        """The row when it is here."""
        return self._cache.row(index)

    def is_broken(self, index: int) -> bool:
        """Whether reading the page of this row failed (it is asked again on reload)."""
        return index // self.size in self._broken

    def holds(self, ids: frozenset[Hashable]) -> bool:
        """Whether any of these rows is here."""
        return any(self.row_id(row) in ids for _, row in self._cache.rows())

    def reload(self, background: Background, page: int, cursor_id: Hashable | None, cursor_index: int) -> None:
        """Read anew from `page` on, or from where the cursor's row is now."""
        self._fresh = False
        self._broken.clear()
        if (provider := self.provider) is None:
            return
        row_id, size = self.row_id, self.size

        def work() -> Answer[Row]:
            wanted, found, total = page, None, None
            if cursor_id is not None and isinstance(provider, Finding):
                found = provider.find(cursor_id)
                if found is not None and abs(found - cursor_index) > size // 4:
                    wanted = found // size
            rows = provider.fetch(wanted * size, size)
            if not rows and wanted:  # the list has become shorter than the place looked at
                total = provider.count()
                wanted = max(total - 1, 0) // size
                rows = provider.fetch(wanted * size, size)
            if found is None and cursor_id is not None:
                found = next((wanted * size + i for i, row in enumerate(rows) if row_id(row) == cursor_id), None)
            return Answer(wanted, rows, True, total, found)

        def whole(answer: Answer[Row]) -> None:
            self._cache.clear()
            self._fresh = True
            full = len(answer.rows) == size
            known = answer.page * size + len(answer.rows)
            self.counted = answer.count is not None or not full
            # Until the count arrives the old one stands where it can be right, so that the scrollbar does not jump.
            self.count = answer.count if answer.count is not None else max(known, self.count) if full else known
            self._take(answer)
            if not self.counted:
                background.start(
                    self.node, provider.count, then=self._count_arrived, failed=self._failed, group="table.count"
                )

        background.stop(self.node, "table.count")
        self._ask(background, page, work, whole)

    def want(self, background: Background, first: int, height: int) -> None:
        """Rows `first`… are on screen: ask for the page most wanted, unless one is being read.

        So fast scrolling asks only where it stops.
        """
        if self._reading is not None or not self._fresh or (provider := self.provider) is None:
            return
        for page in pages_for(first, height, self.count, self.size // 4, self.size):
            if page in self._cache:
                self._cache.touch(page)
            elif page not in self._broken:
                self._ask(background, page, partial(_fetch, provider, page, self.size), self._take)
                return

    def _ask(
        self,
        background: Background,
        page: int,
        work: Callable[[], Answer[Row]],
        then: Callable[[Answer[Row]], None],
    ) -> None:
        self._reading = page
        background.start(self.node, work, then=then, failed=self._page_failed, group="table.pages")

    def _take(self, answer: Answer[Row]) -> None:
        self._reading = None
        self.failure = ""
        self._cache.put(answer.page, answer.rows)
        end = answer.page * self.size + len(answer.rows)
        if len(answer.rows) < self.size or end > self.count:
            self.count = end if answer.rows else min(self.count, end)
        self._arrived(answer)

    def _count_arrived(self, count: int) -> None:
        self.counted = True
        self.count = count
        self._counted_again()

    def _page_failed(self, error: Exception) -> None:
        if self._reading is not None:
            self._broken.add(self._reading)
        self._reading = None
        self._fresh = True
        self.is_refused = isinstance(error, NotPermitted)
        self.failure = error.message if isinstance(error, LeadtuiError) else "something went wrong; see the log"
        self._failed(error)


def _fetch(provider: PageProvider[Row], page: int, size: int) -> Answer[Row]:
    """One page."""
    return Answer(page, provider.fetch(page * size, size))
