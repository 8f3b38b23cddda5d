"""The journey of a lead on one screen: its statuses and their durations, contacts, conversion, idle times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui import clock
from leadtui.errors import LeadtuiError
from leadtui.screens.base import LeadScreen
from leadtui.screens.change_watch import ChangeWatch
from leadtui.screens.journey_rows import sheet, title
from leadtui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from leadtui.domain.journeys import Journey, Stay


def _read(office: Any, lead_id: int) -> Journey:
    """In a thread: the import is part of the work."""
    from leadtui.services import journeys

    return journeys.of(office, lead_id)


class JourneyScreen(LeadScreen[None]):
    """Answers nothing; esc goes back to where it was opened."""

    HEADING = "The way of a lead"
    HINTS: ClassVar[tuple[str, ...]] = ("list.down", "list.up", "app.copy", "app.back")

    def __init__(self, lead_id: int) -> None:
        super().__init__()
        self.lead_id = lead_id
        self.found: Journey | None = None
        self.watch_changes = ChangeWatch(self, lambda: self.leads_changed(frozenset()))

    def body(self) -> ComposeResult:
        """One sheet."""
        yield Sheet(id="journey")

    def on_mount(self) -> None:
        """The sheet takes the keys."""
        self.query_one(Sheet).focus()
        self.watch_changes.start()

    def office_ready(self) -> None:
        """Read it."""
        self._load()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """This lead, or any, was changed."""
        if self.office is not None and (not ids or self.lead_id in ids):
            self._load()

    def _load(self) -> None:
        self.run_blocking(_read, self.office, self.lead_id, then=self._show, failed=self._failed, group="journey")

    def _show(self, found: Journey) -> None:
        self.found = found
        self.heading(*title(found))
        tz, plain = self.office.tz, self.lead_app.plain
        self.query_one(Sheet).show(lambda width: sheet(found, width, clock.now(), tz, plain))

    def _failed(self, error: Exception) -> None:
        self.lead_app.report(error)
        if self.found is None and isinstance(error, LeadtuiError):
            self.dismiss(None)

    @on(Sheet.Opened)
    def opened(self, event: Sheet.Opened) -> None:
        """Enter on a status says all of it: a long reason does not fit beside the bar."""
        stay: Any = event.item
        self.app.notify(_in_full(stay), title=stay.stage.name)

    def copy_text(self) -> str:
        """`y`: the sheet as it stands."""
        return "\n".join([*title(self.found), *self.query_one(Sheet).lines]) if self.found else ""


def _in_full(stay: Stay) -> str:
    how = "reopened by" if stay.reopened else "moved back by" if stay.moved_back else "moved by"
    return f"{how} {stay.by}" + (f": {stay.reason}" if stay.reason else "")
