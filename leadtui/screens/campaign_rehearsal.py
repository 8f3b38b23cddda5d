"""Before a campaign starts: who would get it and who not, when, for how much, as they would read it; then the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult

from leadtui.commands import Command
from leadtui.domain.campaigns import CampaignRow
from leadtui.errors import LeadtuiError, Refused
from leadtui.screens.base import LeadScreen
from leadtui.screens.campaign_rehearsal_rows import Dropped, RehearsalRows
from leadtui.screens.leads_of import LeadsOf
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, stack, text
from leadtui.widgets.task_bar import Report, TaskBar
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.campaigns import CampaignDone
    from leadtui.services.rehearsal import Rehearsal, Sample

UNSAVED = "it is not saved yet: esc, then ^s"


@dataclass(frozen=True, slots=True)
class Read:
    """What is shown: the rehearsal, and the campaign when it is saved already."""

    rehearsal: Rehearsal
    row: CampaignRow | None
    channel: Any
    reasons: Mapping[str, str]


class RehearsalScreen(LeadScreen["CampaignRow | None"]):
    """Of a campaign, or of `values` that are still being written. Answers the campaign when it was started."""

    SCOPE = "rehearsal"
    HEADING = "Rehearsal"
    HINTS: ClassVar[tuple[str, ...]] = ("rehearsal.go", "list.open", "campaigns.test", "app.refresh", "app.back")

    def __init__(self, campaign_id: int | None = None, *, values: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.campaign_id = campaign_id
        self.what: int | Mapping[str, Any] = campaign_id if campaign_id is not None else values or {}
        self.read: Read | None = None

    def body(self) -> ComposeResult:
        """The sheet; below it how far the start is."""
        yield Sheet(id="rehearsal")
        yield TaskBar()

    @property
    def sheet(self) -> Sheet:
        """What would happen."""
        return self.query_one("#rehearsal", Sheet)

    # Reading

    def office_ready(self) -> None:
        """Go through the audience."""
        self.sheet.focus()
        self._say("Looking at every lead of the audience…")
        self._load()

    def _load(self) -> None:
        office, campaign_id, what = self.office, self.campaign_id, self.what

        def read() -> Read:
            from leadtui.services import audience, campaigns, channels, rehearsal

            row = campaigns.get(office, campaign_id) if campaign_id is not None else None
            found = rehearsal.rehearse(office, what)
            return Read(found, row, channels.get(office, found.channel), audience.REASONS)

        self.run_blocking(read, then=self._came, failed=self._unreadable, group="rehearsal")

    def _unreadable(self, error: Exception) -> None:
        if isinstance(error, LeadtuiError):
            self._say(error.message, error.hint or "")
        else:
            self.lead_app.report(error)

    def _say(self, *words: str) -> None:
        lines = [Line(text(one)) for one in words if one]
        self.sheet.show(lambda width: stack(lines, width), keep_place=False)

    def _came(self, read: Read) -> None:
        first, self.read = self.read is None, read
        rows = RehearsalRows(
            read.rehearsal, read.channel, read.reasons, self.office.catalog, self.lead_app.plain
        )  # fmt: skip
        self.sheet.show(rows.sheet, keep_place=not first)
        dash = "-" if self.lead_app.plain else "─"
        found = read.rehearsal
        self.heading(f"Rehearsal {dash} {one_line(found.name)}", f"{found.to_send:,} of {found.found:,} leads")
        self.lead_app.refresh_hints()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """Leads were mended, or `r`."""
        if self.read is not None:
            self._load()

    # What is under the cursor

    @on(Sheet.Opened)
    def opened(self, event: Sheet.Opened) -> None:
        """The leads left out for a reason; the lead of a message."""
        item: Any = event.item
        if isinstance(item, Dropped):
            self._show_dropped(item)
        elif item is not None:
            self._show_lead(item)

    def _show_lead(self, sample: Sample) -> None:
        from leadtui.screens.lead_detail import LeadDetailScreen

        self.app.push_screen(LeadDetailScreen(sample.lead_id))

    def _show_dropped(self, item: Dropped) -> None:
        office, of = self.office, self.what

        def read() -> tuple[int, ...]:
            from leadtui.services import rehearsal

            return rehearsal.leads_of(office, of, item.code)

        def show(ids: tuple[int, ...]) -> None:
            self.app.push_screen(LeadsOf(f"Not written to: {item.words}", ids))

        self.run_blocking(read, then=show, group="rehearsal.leads")

    def copy_text(self) -> str:
        """`y`: the whole sheet."""
        return "\n".join(self.sheet.lines)

    # Starting

    def why_disabled(self, command: Command) -> str | None:
        """What speaks against the start."""
        if command.id == "campaigns.test":
            return UNSAVED if self.campaign_id is None else None
        if command.id != "rehearsal.go":
            return None
        if self.read is None:
            return "the leads are still being looked at"
        if self.read.row is None:
            return UNSAVED
        if self.query_one(TaskBar).busy:
            return "it is being started"
        found = self.read.rehearsal
        lacking = bool(found.missing_count) and not found.skip_missing
        against = found.problems[:-1] if lacking else found.problems  # those that lack a value can be left out
        return against[0] if against else None

    def do_test(self) -> None:
        """One message to oneself."""
        from leadtui.screens.campaign_dialogs import push_test_form

        if self.read is not None and self.read.row is not None:
            push_test_form(self, self.read.row)

    def do_go(self) -> None:
        """Start it, after the number of messages was typed."""
        from leadtui.screens.confirm import Confirm

        if self.read is None or self.read.row is None:
            return
        found, campaign_id = self.read.rehearsal, self.read.row.id
        count, lack = found.to_send, found.missing_count
        left_out = f"\n\n{lack:,} that lack a value for the text are left out." if lack else ""
        leads = "1 lead gets" if count == 1 else f"{count:,} leads get"
        words = f"{leads} a message by {one_line(found.channel)}. What was sent cannot be taken back.{left_out}"

        def answered(yes: bool | None) -> None:
            if yes:
                self._start(campaign_id, count, skip_missing=bool(lack))

        self.app.push_screen(Confirm(words, yes="Start", no="Not yet", danger=True, typed=str(count)), answered)

    def _start(self, campaign_id: int, count: int, *, skip_missing: bool) -> None:
        office = self.office

        def work(report: Report, should_stop: Callable[[], bool]) -> CampaignDone:
            from leadtui.services import campaigns

            def progress(done: int, total: int) -> None:
                report(done, total, "leads")

            return campaigns.start(
                office, campaign_id, confirm=count, skip_missing=skip_missing, on_progress=progress,
                should_stop=should_stop,
            )  # fmt: skip

        self.query_one(TaskBar).run(
            self, work, title="Choosing and writing", then=self._started, failed=self._not_started
        )

    def _started(self, done: CampaignDone) -> None:
        row = done.campaign
        self.changed()
        self.dismiss(row)
        later = "; a worker goes on choosing" if row.is_freezing else ""
        self.lead_app.say(f"{one_line(row.name)} is {row.status}{later}")

    def _not_started(self, error: Exception) -> None:
        """Somebody changed something since it was looked at: look again."""
        self.lead_app.report(error)
        if isinstance(error, Refused):
            self._load()
