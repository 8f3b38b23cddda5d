"""What a virtual table reads: a provider of rows by offset, and the cache of pages around the place looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, runtime_checkable

Row = TypeVar("Row")
RowT_co = TypeVar("RowT_co", covariant=True)

PAGE = 200
"""Rows per page."""
KEPT = 16
"""Pages kept."""


class PageProvider(Protocol[RowT_co]):
    """A list of rows in an order, of any length. Called in a background thread; each call has its own short session."""

    def fetch(self, offset: int, limit: int) -> Sequence[RowT_co]:
        """The rows from `offset` on, at most `limit`."""

    def count(self) -> int:
        """How many rows there are."""


@runtime_checkable
class Finding(Protocol):
    """A provider that can also say where a row is, so that the cursor stays on it when order or filter change."""

    def find(self, row_id: Hashable) -> int | None:
        """The offset of the row, or None when it is not in the list."""


class ListProvider(Generic[Row]):
    """A provider over rows already in memory, for short lists."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)

    def fetch(self, offset: int, limit: int) -> Sequence[Row]:
        """A slice."""
        return self.rows[offset : offset + limit]

    def count(self) -> int:
        """The length."""
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Marks:
    """Which rows are marked. With `all`, everything the filter finds is, except `ids`: no list of a million ids."""

    ids: frozenset[Hashable] = frozenset()
    all: bool = False

    def __contains__(self, row_id: object) -> bool:
        return (row_id in self.ids) != self.all

    def __bool__(self) -> bool:
        return self.all or bool(self.ids)

    def count(self, total: int) -> int:
        """How many rows are marked, of `total` that match."""
        return max(total - len(self.ids), 0) if self.all else len(self.ids)

    def toggled(self, row_id: Hashable) -> Marks:
        """With this row marked the other way."""
        return Marks(self.ids ^ {row_id}, self.all)


@dataclass(frozen=True, slots=True)
class TableState:
    """The place in a table, to come back to."""

    cursor_id: Hashable | None = None
    cursor_index: int = 0
    scroll_x: int = 0
    scroll_y: int = 0
    sort: str = ""
    descending: bool = False
    marks: Marks = field(default_factory=Marks)


class PageCache(Generic[Row]):
    """The pages read last."""

    def __init__(self, size: int = PAGE) -> None:
        self.size = size
        self._pages: OrderedDict[int, Sequence[Row]] = OrderedDict()

    def __contains__(self, page: int) -> bool:
        return page in self._pages

    def __len__(self) -> int:
        return len(self._pages)

    def row(self, index: int) -> Row | None:
        """The row at `index` when its page is here."""
        page, offset = divmod(index, self.size)
        rows = self._pages.get(page)
        if rows is None or offset >= len(rows):
            return None
        return rows[offset]

    def put(self, page: int, rows: Sequence[Row]) -> None:
        """Keep a page; the one not used for longest goes."""
        self._pages[page] = rows
        self._pages.move_to_end(page)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)

    def touch(self, page: int) -> None:
        """The page is being looked at."""
        if page in self._pages:
            self._pages.move_to_end(page)

    def clear(self) -> None:
        """Forget all."""
        self._pages.clear()

    def rows(self) -> Iterable[tuple[int, Row]]:
        """(index, row) of everything here."""
        for page, rows in self._pages.items():
            for offset, row in enumerate(rows):
                yield page * self.size + offset, row


def pages_for(first: int, height: int, count: int, near: int = 50, size: int = PAGE) -> list[int]:
    """The pages wanted when rows `first`… are on screen: those seen first, then a neighbour within `near` rows."""
    last = max(min(first + height, count) - 1, 0)
    seen = list(range(max(first, 0) // size, last // size + 1))
    wanted = list(seen)
    if last + near < count and (last + near) // size not in wanted:
        wanted.append((last + near) // size)
    if first - near >= 0 and (first - near) // size not in wanted:
        wanted.append((first - near) // size)
    return wanted
