"""The pane beside the list of leads on wide terminals: the lead under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.timer import Timer

from leadtui.domain.records import LeadDetail, LeadRow
from leadtui.screens.lead_facts import Facts
from leadtui.screens.lead_pages import read_lead
from leadtui.widgets.lead_cells import LeadCells
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, stack, text

if TYPE_CHECKING:
    from leadtui.app import LeadApp

REST_SECONDS, REST_SECONDS_SLOW = 0.12, 0.5
"""How long the cursor must rest on a lead before it is read."""


class Preview(Sheet):
    """Facts, what comes next, the last three contacts. Shows; takes no keys. Reads only while it is in sight."""

    DEFAULT_CSS: ClassVar[str] = """
    Preview { width: 40; display: none; border-left: tall $panel; overflow-y: hidden; }
    Preview:ansi { border-left: solid ansi_default; }
    .-wide Preview, .-broad Preview { display: block; }
    .-broad Preview { width: 58; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(cursor=False, id=id)
        self.lead_id: int | None = None
        """The lead that is shown."""
        self._cells: LeadCells | None = None
        self._row: LeadRow | None = None
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """A line that plain terminals can show."""
        if self._lead_app.plain:
            self.styles.border_left = ("ascii", self.styles.border_left[1])

    @property
    def _lead_app(self) -> LeadApp:
        return cast("LeadApp", self.app)

    def follow(self, row: LeadRow | None, cells: LeadCells) -> None:
        """Show this lead: at once what the list knows, the rest when the cursor rests."""
        self._row, self._cells = row, cells
        if self._timer is not None:
            self._timer.stop()
        if row is None:
            self.lead_id = None
            self.show(lambda width: [], keep_place=False)
            return
        if not self.display:
            return
        if not self._lead_app.slow:
            self._show_row(row, cells)
        self._timer = self.set_timer(REST_SECONDS_SLOW if self._lead_app.slow else REST_SECONDS, self.read)

    def _show_row(self, row: LeadRow, cells: LeadCells) -> None:
        if self.lead_id == row.id:
            return
        self.lead_id = row.id
        lines = [
            Line(text((f"{row.number}  {row.title}", "strong"))),
            Line(text(cells.status(row)[0])),
            Line(text((cells.phone(row), "strong"))),
        ]
        self.show(lambda width: stack(lines, width), keep_place=False)

    def read(self) -> None:
        """Read the lead anew."""
        app, row = self._lead_app, self._row
        if row is None or app.office is None or not self.display:
            return
        app.background.start(
            self, read_lead, app.office, row.id, then=self._arrived, failed=lambda error: None, group="preview"
        )

    def _arrived(self, detail: LeadDetail) -> None:
        if self._row is None or self._cells is None or self._row.id != detail.row.id:
            return
        same = self.lead_id == detail.row.id
        self.lead_id = detail.row.id
        actor = self._lead_app.office.actor
        facts = Facts(detail, self._cells.catalog, actor.hidden_fields, self._cells.plain)
        self.show(facts.preview, keep_place=same)

    def on_show(self) -> None:
        """In sight (the terminal was made wider)."""
        if self._row is not None and self.lead_id != self._row.id:
            self.read()
