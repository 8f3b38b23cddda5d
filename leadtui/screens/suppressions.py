"""Addresses that want no messages: they outlive their leads and every import. Search, add, lift with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from leadtui import clock
from leadtui.commands import Command
from leadtui.domain.channel_words import CHANNELS, channel_word
from leadtui.domain.phones import format_phone
from leadtui.errors import Invalid
from leadtui.screens.search_line import SearchLine
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.lead_cells import short_day
from leadtui.widgets.text import one_line
from leadtui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from leadtui.services.suppressions import Imported, SuppressionRow

_REASONS: Final = {
    "stop_word": "wrote STOP", "provider": "the provider said so", "by_hand": "by hand", "bounced": "bounced",
    "stopped_marketing": "stopped marketing", "import": "imported",
}  # fmt: skip
KINDS: Final = (("whatsapp", "WhatsApp"), ("sms", "SMS"), ("email", "email"))
"""Kinds of channels that are refused together; a single channel can be named too."""


class Suppressed:
    """Pages of the list. Every method runs in a thread."""

    def __init__(self, office: Any, words: str) -> None:
        self.office, self.words = office, words

    def fetch(self, offset: int, limit: int) -> Sequence[SuppressionRow]:
        """The rows from `offset` on, newest first."""
        from leadtui.services import suppressions

        return suppressions.list_all(self.office, search=self.words or None, limit=limit, offset=offset)[1]

    def count(self) -> int:
        """How many there are."""
        from leadtui.services import suppressions

        return int(suppressions.list_all(self.office, search=self.words or None, limit=1)[0])


class SuppressionsScreen(SearchLine):
    """The list; below it who put the address there, and why."""

    SCOPE = "suppressions"
    HEADING = "No messages to"
    HINTS: ClassVar[tuple[str, ...]] = (
        "suppressions.search", "suppressions.new", "suppressions.lift", "suppressions.imports",
    )  # fmt: skip
    LOOKS_FOR = "a part of a phone, an email address, or a note"
    COLUMNS = (
        Column("address", "Address", 26, 16, grow=2),
        Column("channel", "On", 12, 8),
        Column("reason", "Because", 20, 12, grow=1),
        Column("at", "Since", 8, 7),
        Column("by", "By", 12, 7, grow=1, drop=1),
        Column("note", "Note", 20, 8, grow=3, drop=2),
    )
    DEFAULT_CSS: ClassVar[str] = """
    SuppressionsScreen #why { height: auto; max-height: 4; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._words = ""

    def body(self) -> ComposeResult:
        """Search line, list, note."""
        yield self.search_bar()
        yield VirtualTable(self.COLUMNS, self._cell, empty="…", markable=False, id="suppressed")
        yield Static("", id="why", markup=False)

    def on_mount(self) -> None:
        """The list takes the keys."""
        self.table.focus()

    def office_ready(self) -> None:
        """Read the first page."""
        self._show()

    @property
    def words(self) -> str:
        """What is looked for."""
        return self._words

    def look_for(self, words: str) -> None:
        """The list of these words."""
        if words != self._words:
            self._words = words
            self._show()

    def _show(self) -> None:
        self.table.empty = "Nothing found; F shows all" if self._words else "Nobody has refused messages"
        self.table.show(Suppressed(self.office, self._words))

    @property
    def row(self) -> SuppressionRow | None:
        """The address under the cursor."""
        return self.table.cursor_row

    def _cell(self, row: SuppressionRow, key: str) -> Cell:
        match key:
            case "address":
                is_phone = row.address.startswith("+")
                return (format_phone(row.address, self.office.catalog.country) if is_phone else row.address), "strong"
            case "channel":
                return _place(row.channel), ""
            case "reason":
                return _REASONS.get(row.reason, row.reason), ""
            case "at":
                return short_day(row.at, clock.now(), self.office.catalog.tz), "muted"
            case "by":
                return row.by, "muted"
            case _:
                return one_line(row.note or ""), "muted"

    @on(VirtualTable.Loaded)
    @on(VirtualTable.Highlighted)
    def _title(self) -> None:
        dash = "-" if self.lead_app.plain else "─"
        words = f"No messages to {dash} {one_line(self._words)}" if self._words else "No messages to"
        self.heading(words, f"{self.table.row_count:,}" if self.table.counted else "…")
        row = self.row
        self.query_one("#why", Static).update(Content("" if row is None else one_line(row.note or "")))
        self.lead_app.refresh_hints()

    @on(VirtualTable.Failed)
    def _unreadable(self, event: VirtualTable.Failed) -> None:
        if isinstance(event.row, Exception):
            self.lead_app.report(event.row)

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r` reads again; a lead may have opted out."""
        if self.office is not None:
            self.table.reload()

    def why_disabled(self, command: Command) -> str | None:
        """What needs an address under the cursor."""
        return "There is no address here" if command.id == "suppressions.lift" and self.row is None else None

    def copy_text(self) -> str:
        """The address."""
        return self.row.address if self.row is not None else ""

    # Commands

    def do_show_all(self) -> None:
        """All of them."""
        self.look_for("")

    def do_back(self) -> None:
        """esc takes the search away first."""
        if self._words:
            self.look_for("")
        else:
            super().do_back()

    def do_new(self) -> None:
        """Somebody wants no messages."""
        from leadtui.screens.record_form import RecordForm

        office = self.office
        specs = (
            FieldSpec("address", "Address", required=True, max_length=255, help="a phone or an email address"),
            FieldSpec("channel", "On", "choice", choices=(*KINDS, *_single()), help="empty: on every channel"),
            FieldSpec("note", "Note", max_length=2000, help="what was said, and when"),
        )

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import suppressions

            return suppressions.add(
                office, values["address"], channel=values.get("channel", ""), note=values.get("note") or None
            )

        form = RecordForm("No messages to", specs, {}, save, new=True)
        self.app.push_screen(form, partial(self._written, "is written to no more"))

    def _written(self, words: str, row: SuppressionRow | None) -> None:
        if row is not None:
            self.changed()
            place = f" on {_place(row.channel)}" if row.channel else ""
            self.done(f"{one_line(row.address)} {words}{place}")

    def do_lift(self) -> None:
        """The address may be written to again."""
        from leadtui.screens.record_form import RecordForm

        row, office = self.row, self.office
        if row is None:
            return
        specs = (FieldSpec("reason", "Reason", required=True, max_length=2000,
                           help="how this person asked for messages again"),)  # fmt: skip

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import suppressions

            return suppressions.lift(office, row.id, reason=values["reason"])

        note = f"{one_line(row.address)} could then be written to again. What the lead itself refused stays refused."
        form = RecordForm("Write to again", specs, {}, save, new=True, note=note)
        self.app.push_screen(form, partial(self._written, "may be written to again"))

    def do_imports(self) -> None:
        """Addresses from a file."""
        from leadtui.screens.record_form import RecordForm

        office = self.office
        specs = (
            FieldSpec("path", "File", required=True, max_length=1000, placeholder="~/opted-out.csv",
                      help="CSV with a column address, phone or email; or one address in each line"),
            FieldSpec("channel", "On", "choice", choices=(*KINDS, *_single()), help="empty: on every channel"),
        )  # fmt: skip

        def save(values: dict[str, str]) -> Any:
            from leadtui.services import suppressions

            path = Path(values["path"].strip()).expanduser()
            return suppressions.import_(office, path, channel=values.get("channel", ""))

        self.app.push_screen(RecordForm("Import addresses", specs, {}, save, new=True), self._imported)

    def do_exports(self) -> None:
        """The whole list, as a file that import reads again."""
        from leadtui.screens.record_form import RecordForm

        office = self.office
        specs = (FieldSpec("path", "To", required=True, max_length=1000, help="a new CSV file"),)

        def save(values: dict[str, str]) -> dict[str, Any]:
            from leadtui.services import suppressions

            path = Path(values["path"].strip()).expanduser()
            try:
                with path.open("xb") as out:  # never over a file that is there
                    return {"count": suppressions.export(office, out), "path": str(path)}
            except OSError as error:
                raise Invalid(f"it cannot be written: {error.strerror}", field="path") from error

        def written(answer: dict[str, Any] | None) -> None:
            if answer:
                self.done(f"{answer['count']:,} addresses written to {answer['path']}")

        form = RecordForm("Export addresses", specs, {"path": "~/opted-out.csv"}, save, new=True)
        form.do = "Write"
        self.app.push_screen(form, written)

    def _imported(self, result: Imported | None) -> None:
        if result is None:
            return
        self.changed()
        parts = [f"{result.added:,} added", f"{result.known:,} known" if result.known else "",
                 f"{result.failed_count:,} not understood" if result.failed_count else ""]  # fmt: skip
        self.done(", ".join(one for one in parts if one))
        for line, text, why in result.failed[:3]:
            self.app.notify(f"Line {line}, {one_line(text)}: {why}", severity="warning")


def _place(channel: str) -> str:
    """A channel or a kind of channels in a word; "" is all of them."""
    return dict(KINDS).get(channel) or (channel_word(channel) if channel else "all")


def _single() -> tuple[tuple[str, str], ...]:
    """Channels that are not a kind of their own, by name."""
    return tuple((name, f"only {word}") for name, word in CHANNELS.items() if name not in dict(KINDS))
