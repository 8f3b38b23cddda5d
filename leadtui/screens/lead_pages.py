"""The list of leads as a table reads it, how its filter line is read and completed, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from leadtui.domain.catalog import Catalog
from leadtui.domain.filters import parse
from leadtui.domain.filters.catalogue import Catalogue
from leadtui.domain.filters.completion import complete
from leadtui.domain.filters.writer import in_quotes
from leadtui.domain.lead_filters import filter_fields, parse_lead_filter
from leadtui.domain.phones import format_phone
from leadtui.domain.records import LeadDetail, LeadRow
from leadtui.widgets.filter_bar import Completion
from leadtui.widgets.lead_cells import COLUMNS_BY_KEY, DEFAULT_COLUMNS
from leadtui.widgets.pages import Marks, TableState

if TYPE_CHECKING:
    from leadtui.domain.drips import EnrollmentRow
    from leadtui.services.messages import MessageRow
    from leadtui.services.serving import Serving

PREFERENCE = "leads.view"
MOST_MARKS = 1000
"""Marks remembered from one session to the next."""


class LeadPages:
    """Pages of a filter in an order. Every method runs in a thread."""

    def __init__(self, office: Any, where: str, sort: str) -> None:
        self.office = office
        self.where = where or None
        self.sort = sort

    def fetch(self, offset: int, limit: int) -> Sequence[LeadRow]:
        """The rows from `offset` on."""
        from leadtui.services import leads

        rows: Sequence[LeadRow] = leads.search(
            self.office, self.where, sort=self.sort, limit=limit, offset=offset, total=False
        ).rows
        country = self.office.catalog.country
        for row in rows:  # what drawing will ask for: the first look at a number is slow
            if row.phone:
                format_phone(row.phone, country)
        return rows

    def count(self) -> int:
        """How many leads the filter finds."""
        from leadtui.services import leads

        return int(leads.count(self.office, self.where))

    def find(self, row_id: Hashable) -> int | None:
        """Where a lead is in the list."""
        from leadtui.services import leads

        return leads.position(self.office, self.where, self.sort, row_id) if isinstance(row_id, int) else None


@dataclass(frozen=True, slots=True)
class View:
    """What is remembered of the list: filter, order, columns, place, marks, filters used before."""

    where: str = ""
    sort: str = "created_at"
    descending: bool = True
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    cursor_id: int | None = None
    marks: tuple[int, ...] = ()
    history: tuple[str, ...] = ()

    @property
    def order(self) -> str:
        """As services want it: `-created_at`."""
        return f"-{self.sort}" if self.descending else self.sort

    def as_preference(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    def with_place(self, state: TableState) -> View:
        """With the place and the marks of the table, but not "everything": tomorrow that is another everything."""
        ids = () if state.marks.all else tuple(one for one in state.marks.ids if isinstance(one, int))[:MOST_MARKS]
        cursor = state.cursor_id if isinstance(state.cursor_id, int) else None
        return replace(self, cursor_id=cursor, marks=ids)

    def state(self) -> TableState:
        """The place, for the table."""
        return TableState(self.cursor_id, 0, 0, 0, self.sort, self.descending, Marks(frozenset(self.marks)))


def view_from(value: object, hidden: frozenset[str] = frozenset()) -> View:
    """The remembered view; whatever cannot be used (another version wrote it, a filter no longer read) is left out."""
    if not isinstance(value, Mapping):
        return View()
    view = View()
    where = value.get("where")
    if isinstance(where, str) and readable(where, hidden):
        view = replace(view, where=where)
    sort = value.get("sort")
    if isinstance(sort, str) and any(column.sort == sort for column in COLUMNS_BY_KEY.values()) and sort not in hidden:
        view = replace(view, sort=sort, descending=bool(value.get("descending")))
    columns = _texts(value.get("columns"))
    if columns := tuple(key for key in columns if key in COLUMNS_BY_KEY):
        view = replace(view, columns=columns)
    cursor = value.get("cursor_id")
    marks = value.get("marks")
    return replace(
        view,
        cursor_id=cursor if isinstance(cursor, int) else None,
        marks=tuple(one for one in marks if isinstance(one, int)) if isinstance(marks, (list, tuple)) else (),
        history=_texts(value.get("history"))[:50],
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, (list, tuple)) else ()


def readable(where: str, hidden: frozenset[str] = frozenset()) -> bool:
    """Whether a filter can be read."""
    from leadtui.errors import LeadtuiError

    try:
        parse_lead_filter(where, hidden)
    except LeadtuiError:
        return False
    return True


def _spelled(names: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names as people may write them in a filter: names first, then keys and aliases, blanks also as `_` and `-`."""
    words = [names_of_one[0] for names_of_one in names] + [word for one in names for word in one]
    plain = [word.replace("_", " ") for word in words]
    joined = [word.replace(" ", sign) for sign in "_-" for word in plain]
    return tuple(dict.fromkeys([*words, *plain, *joined]))


def all_but(where: str, left_out: Sequence[int]) -> str:
    """Everything a filter finds, without some leads: how "all marked but these" is told to services."""
    if not left_out:
        return where
    but = "-id:" + ",".join(str(one) for one in left_out)
    return f"({where}) {but}" if where.strip() else but


_EVERYDAY = frozenset({"status:", "source:", "package:", "assigned_to:", "due:", "tag:", "tags:", "priority:"})
"""Offered before rarer fields that begin alike: "sta" is rather a status than the state of an address."""


class FilterWords:
    """Reads and completes the filter line with the office's own statuses, sources, packages, people and tags."""

    def __init__(self, catalog: Catalog, hidden: frozenset[str], tags: Sequence[str] = ()) -> None:
        self.hidden = hidden
        self.version = catalog.version
        self.tags = tags
        # `#12` is how a figure names what shares its name with another.
        names: dict[str, list[tuple[str, ...]]] = {
            "pipeline": [(one.name, one.key, f"#{one.id}") for one in catalog.pipelines],
            "status": [(one.name, one.key, f"#{one.id}") for one in catalog.stages],
            "reached": [
                (one.name, one.key, f"#{one.id}") for one in catalog.stages if not one.is_lost and not one.is_parked
            ],
            "source": [(one.name, one.key, *one.aliases, f"#{one.id}") for one in catalog.sources],
            "package": [(one.name, f"#{one.id}") for one in catalog.products],
            "branch": [(one.name, f"#{one.id}") for one in catalog.branches],
            "lost_reason": [(one.name, f"#{one.id}") for one in catalog.lost_reasons],
        }
        fields = dict(filter_fields(hidden))
        for key, spellings in names.items():
            if key in fields:
                fields[key] = replace(fields[key], choices=_spelled(spellings))
        self._fields = Catalogue(fields)
        self._offers: dict[str, list[str]] = {
            key: list(dict.fromkeys(words[0] for words in spellings)) for key, spellings in names.items()
        }
        users = [user.login for user in catalog.users if user.is_active]
        self._offers |= {"assigned_to": users, "manager": users, "tags": list(tags)}

    def fresh(self, catalog: Catalog) -> FilterWords:
        """These words, or those of a catalogue that has changed since."""
        return self if catalog.version == self.version else FilterWords(catalog, self.hidden, self.tags)

    def parse(self, text: str) -> object:
        """The tree of a filter. Raises FilterError with the column, also for a name the office does not know."""
        return parse(text, fields=self._fields) if text.strip() else None

    def complete(self, text: str, cursor: int) -> list[Completion]:
        """What could stand at the cursor; nothing before the first letter: no list lies over the leads unasked."""
        found = complete(text, cursor, filter_fields(self.hidden), self._values)
        found.sort(key=lambda one: one.text not in _EVERYDAY)
        typed = text[:cursor].rsplit(None, 1)[-1] if text[:cursor].strip() and not text[:cursor].endswith(" ") else ""
        if not typed:
            return []
        return [Completion(one.start, one.end, one.text, one.label, one.help) for one in found]

    def begins_field(self, text: str) -> bool:
        """Whether the text ends in what may become the name of a field."""
        return any(one.text.endswith((":", ".")) for one in self.complete(text, len(text)))

    def _values(self, field: str, prefix: str) -> list[str]:
        return self._offers.get(field, [])


# What screens ask of the services, to be called in a thread: the import of the services is part of the work.


def read_lead(office: Any, lead_id: int) -> LeadDetail:
    """Everything about a lead."""
    from leadtui.services import leads

    detail: LeadDetail = leads.get(office, lead_id)
    return detail


@dataclass(frozen=True, slots=True)
class Beside:
    """What was written to and by a lead, newest first, and the drips it is or was in."""

    messages: tuple[MessageRow, ...] = ()
    drips: tuple[EnrollmentRow, ...] = ()

    @property
    def open_drips(self) -> tuple[EnrollmentRow, ...]:
        """Those it is in."""
        return tuple(one for one in self.drips if one.state in ("active", "paused"))


def read_beside(office: Any, lead_id: int) -> Beside:
    """Messages and drips of a lead."""
    from leadtui.services import drips, messages

    return Beside(messages.of_lead(office, lead_id), drips.enrollments_of_lead(office, lead_id))


def read_serving(office: Any, lead_id: int) -> Serving | None:
    """Whether the office can connect a lead, by what is known of its routers."""
    from leadtui.services import serving

    return serving.can_serve(office, lead_id)


def find_leads(office: Any, words: str, limit: int = 20) -> Sequence[LeadRow]:
    """Leads that have these words in name, phone, email or number; the words are no filter."""
    from leadtui.services import leads

    quoted = " ".join(in_quotes(word) for word in words.split())
    rows: Sequence[LeadRow] = leads.search(office, quoted, limit=limit).rows
    return rows


def change_mark(office: Any) -> object:
    """A value that is another one when any process has changed leads."""
    from leadtui.services import leads

    return leads.change_mark(office)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is read before the first page."""

    view: View
    words: FilterWords
    hidden: frozenset[str]


def filter_words(office: Any) -> FilterWords:
    """The words of the filter line, as the office has them now."""
    from leadtui.services import admin

    tags = [str(one["name"]) for one in admin.items(office, "tag")]
    return FilterWords(office.catalog, office.actor.hidden_fields, tags)


def read_opening(office: Any) -> Opening:
    """What the person left last time, and the words of the filter line."""
    from leadtui.services import admin

    hidden: frozenset[str] = office.actor.hidden_fields
    words = filter_words(office)
    return Opening(view_from(admin.preference(office, PREFERENCE), hidden), words, hidden)


def remember(office: Any, view: View) -> None:
    """Keep the view for the next visit."""
    from leadtui.services import admin

    admin.set_preference(office, PREFERENCE, view.as_preference())
