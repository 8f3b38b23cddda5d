"""The list of customers as a table reads it, its columns and cells, and what screens ask of the services."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.customers import ACTIVE, PARTLY, SUSPENDED, CustomerFilter
from leadtui.domain.phones import format_phone
from leadtui.domain.records import CustomerDetail, CustomerRow
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.lead_cells import plain_signs, short_day

if TYPE_CHECKING:
    from leadtui.screens.palette import Place

COLUMNS: Final = (
    Column("name", "Name", 22, 18, grow=3, sort="name"),
    Column("phone", "Phone", 13, 12, grow=1, drop=1),
    Column("package", "Package", 14, 9, grow=1, sort="package", drop=3),
    Column("users", "Router user", 18, 12, grow=2, drop=2),
    Column("state", "State", 11, 11, sort="state"),
    Column("created_at", "Since", 7, 7, sort="created_at", drop=4),
    Column("branch", "Branch", 12, 8, grow=1, drop=6),
    Column("id", "Id", 6, 6, align="right", sort="id", drop=5),
)
STATES: Final = (None, ACTIVE, SUSPENDED, PARTLY)
"""What the state filter goes through."""
MOST_PLACES: Final = 5
"""Customers among what the palette finds."""

_STATES: Final = {
    ACTIVE: ("● active", "success"), SUSPENDED: ("× suspended", "error"), PARTLY: ("◐ partly", "warning")
}  # fmt: skip


def state_cell(state: str, plain: bool = False) -> tuple[str, str]:
    """A mark and a word, and the style that goes with it: never colour alone."""
    words, style = _STATES.get(state, (f"○ {state}", "muted"))
    return plain_signs(words, plain), style


@dataclass(frozen=True, slots=True)
class CustomerCells:
    """Cells of customers in one office."""

    catalog: Catalog
    plain: bool = False

    def __call__(self, row: CustomerRow, key: str) -> Cell:
        """The cell of `row` in the column `key`."""
        words, style = self._cell(row, key)
        return (words, style) if words else (plain_signs("–", self.plain), "muted")

    def _cell(self, row: CustomerRow, key: str) -> tuple[str, str]:
        match key:
            case "name":
                return row.title, ""
            case "phone":
                return format_phone(row.phone, self.catalog.country) if row.phone else "", ""
            case "users":
                return ", ".join(user.username for user in row.router_users), ""
            case "state":
                return state_cell(row.state, self.plain)
            case "created_at":
                return plain_signs(short_day(row.created_at, clock.now(), self.catalog.tz), self.plain), "muted"
        value = getattr(row, key, None)
        return "" if value is None else str(value), ""


@dataclass(frozen=True, slots=True)
class CustomerView:
    """What the list shows: the filter, the order."""

    wanted: CustomerFilter = field(default_factory=CustomerFilter)
    sort: str = "name"
    descending: bool = False

    @property
    def order(self) -> str:
        """As services want it: `-created_at`."""
        return f"-{self.sort}" if self.descending else self.sort

    @property
    def words(self) -> str:
        """The filter for the first row."""
        wanted = self.wanted
        shown = [
            wanted.state or "", "never online" if wanted.never_online is not None else "", wanted.search,
        ]  # fmt: skip
        return " · ".join(one for one in shown if one)

    def narrowed(self, **changes: Any) -> CustomerView:
        """With another filter."""
        return replace(self, wanted=replace(self.wanted, **changes))

    def next_state(self) -> CustomerView:
        """With the next state of the filter."""
        place = STATES.index(self.wanted.state) if self.wanted.state in STATES else 0
        return self.narrowed(state=STATES[(place + 1) % len(STATES)])


class CustomerPages:
    """Pages of a filter in an order. Every method runs in a thread."""

    def __init__(self, office: Any, view: CustomerView) -> None:
        self.office = office
        self.view = view

    def fetch(self, offset: int, limit: int) -> Sequence[CustomerRow]:
        """The rows from `offset` on."""
        from leadtui.services import customers

        view = self.view
        found = customers.page(
            self.office, view.wanted, sort=view.order, limit=limit, offset=offset, total=False
        )  # fmt: skip
        country = self.office.catalog.country
        for row in found.rows:  # what drawing will ask for: the first look at a number is slow
            if row.phone:
                format_phone(row.phone, country)
        return found.rows

    def count(self) -> int:
        """How many customers the filter finds."""
        from leadtui.services import customers

        return customers.count(self.office, self.view.wanted)

    def find(self, row_id: Hashable) -> int | None:
        """Where a customer is in the list."""
        from leadtui.services import customers

        if not isinstance(row_id, int):
            return None
        return customers.position(self.office, self.view.wanted, self.view.order, row_id)


def read_customer(office: Any, customer_id: int) -> CustomerDetail:
    """Everything about a customer. Called in a thread."""
    from leadtui.services import customers

    return customers.detail(office, customer_id)


def customer_places(office: Any, words: str, show: Callable[[int], object]) -> list[Place]:
    """For the palette: customers by name, phone or email; `show(id)` opens one. Called in a thread."""
    from leadtui.errors import LeadtuiError
    from leadtui.screens.palette import Place
    from leadtui.services import customers

    try:
        found = customers.find(office, words, limit=MOST_PLACES, total=False).rows
    except LeadtuiError:  # who may not read customers finds none
        return []
    cells = CustomerCells(office.catalog)
    return [
        Place(f"{row.title}  {cells._cell(row, 'phone')[0]}".rstrip(), f"customer · {row.state}", partial(show, row.id))
        for row in found
    ]
