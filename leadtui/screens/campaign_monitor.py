"""One campaign as it goes: how far, how fast, what failed, why it stands still; looked at anew by itself."""

from __future__ import annotations

from time import monotonic
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.domain.campaigns import CampaignRow
from leadtui.errors import LeadtuiError
from leadtui.screens.campaign_commands import CampaignCommands, what_now
from leadtui.screens.campaign_monitor_rows import MonitorRows, Read, State
from leadtui.screens.campaign_rows import status_words
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, stack, text
from leadtui.widgets.text import one_line

MOVING_S, MOVING_S_SLOW = 2.0, 10.0
"""So often it is looked at while it is being sent; otherwise (reports come in for days) every fifth time."""
SELDOM = 5
WORDS_S = 20.0
"""Words about time ("in 5 minutes") are drawn anew after so long, though nothing else has changed."""


class CampaignMonitor(CampaignCommands):
    """Answers nothing."""

    SCOPE = "campaign"
    HEADING = "Campaign"
    HINTS: ClassVar[tuple[str, ...]] = ("app.back",)

    def __init__(self, campaign_id: int) -> None:
        super().__init__()
        self.campaign_id = campaign_id
        self.read: Read | None = None
        self._ticks = 0
        self._drawn = 0.0
        self._reading = False

    def body(self) -> ComposeResult:
        """The sheet."""
        yield Sheet(id="monitor")

    @property
    def sheet(self) -> Sheet:
        """What is shown."""
        return self.query_one("#monitor", Sheet)

    def on_mount(self) -> None:
        """Nobody needs to press a key to see it move."""
        self.sheet.focus()
        self.set_interval(MOVING_S_SLOW if self.lead_app.slow else MOVING_S, self.tick)

    def office_ready(self) -> None:
        """Read it."""
        self._load()

    # Reading

    def tick(self) -> None:
        """Look again while it moves, and now and then when it does not."""
        self._ticks += 1
        if self.read is None or self.app.screen is not self or self._reading:
            return
        row = self.read.row
        if row.is_active or row.is_freezing or row.counters.in_hand or self._ticks % SELDOM == 0:
            self._load()

    def _load(self) -> None:
        office, campaign_id = self.office, self.campaign_id
        self._reading = True

        def read() -> Read:
            from leadtui.services import audience, campaigns, channels, workers

            row = campaigns.get(office, campaign_id)
            return Read(
                row,
                tuple(campaigns.errors(office, campaign_id)),
                dict(campaigns.skip_reasons(office, campaign_id)),
                audience.REASONS,
                channels.get(office, row.channel).label,
                row.is_active and workers.is_nobody_sending(office),
            )

        self.run_blocking(read, then=self._came, failed=self._unreadable, group="monitor")

    def _unreadable(self, error: Exception) -> None:
        self._reading = False
        if not isinstance(error, LeadtuiError):
            self.lead_app.report(error)
            return
        words = [error.message, error.hint or ""]
        self.read = None
        self.sheet.show(lambda width: stack([Line(text(one)) for one in words if one], width))

    def _came(self, read: Read) -> None:
        self._reading = False
        if read == self.read and monotonic() - self._drawn < WORDS_S:
            return  # nothing moved: nothing is sent to the terminal
        first, self.read, self._drawn = self.read is None, read, monotonic()
        rows = MonitorRows(read, self.office.catalog, self.lead_app.plain)
        self.sheet.show(rows.sheet, keep_place=not first)
        self.heading(one_line(read.row.name), status_words(read.row, self.lead_app.plain))
        self._hint(read.row)
        self.lead_app.refresh_hints()

    def _hint(self, row: CampaignRow) -> None:
        """What one would do next."""
        counted = row.counters
        asks = {"campaigns.unsettled": counted.unknown, "campaigns.retry": counted.failed}
        wanted = ["list.open", *what_now(row), *(command for command, count in asks.items() if count)]
        self.hints.show_hints((*wanted[:5], "app.back"))

    def leads_changed(self, ids: frozenset[int]) -> None:
        """`r`, or something was done."""
        if self.read is not None and not ids:
            self._load()

    def on_screen_resume(self) -> None:
        """In front again."""
        if self.read is not None:
            self._load()

    # What the commands need

    def campaign(self) -> CampaignRow | None:
        """The campaign."""
        return self.read.row if self.read is not None else None

    def acted(self, row: CampaignRow | None) -> None:
        """A copy is another campaign: it is shown in the place of this one."""
        self.changed()
        if row is not None and row.id != self.campaign_id:
            self.campaign_id = row.id
            self.read = None
        self._load()

    @on(Sheet.Moved)
    def moved(self) -> None:
        """Another line."""
        self.lead_app.refresh_hints()

    @on(Sheet.Opened)
    def opened(self, event: Sheet.Opened) -> None:
        """Those behind a figure."""
        item: Any = event.item
        if isinstance(item, State):
            self.show_recipients(item.state)

    def do_handed(self) -> None:
        """Confirm what was handed over, of this campaign."""
        from leadtui.screens.handing_over import HandingOver

        self.app.push_screen(HandingOver(campaign_id=self.campaign_id), lambda _: self.acted(None))
