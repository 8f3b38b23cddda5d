"""Reaching a lead by one channel after another, the best first: which text, what would go when, then doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static

from leadtui import clock
from leadtui.domain.channel_words import channel_word
from leadtui.screens.act_dialog import ActDialog, Acted, Read
from leadtui.widgets.keyed_list import Entry, KeyedList, numbered
from leadtui.widgets.lead_cells import moment
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.orchestration import ReachPlan, ReachStep
    from leadtui.domain.records import LeadDetail


class ReachDialog(ActDialog):
    """One key chooses the text and shows the plan; enter then does it: one batch, one undo."""

    HEADING: ClassVar[str] = "Reach by all channels, the best first"
    DO: ClassVar[str] = "Reach"
    CSS = """
    ReachDialog > .dialog { width: 84; }
    ReachDialog KeyedList { max-height: 9; }
    ReachDialog #steps { height: auto; max-height: 8; margin-top: 1; padding-left: 1; }
    """

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None) -> None:
        super().__init__(lead_ids, where)
        self.found: ReachPlan | None = None

    def fields(self) -> ComposeResult:
        """The texts, the steps."""
        yield KeyedList(id="template")
        yield Static("", id="steps", markup=False)

    def read_more(self, office: Any, detail: LeadDetail | None) -> Any:
        """Templates that do not belong to one channel."""
        from leadtui.services import templates

        return [one for one in templates.list_all(office) if one.channel is None]

    def ready(self, read: Read) -> None:
        """Offer them."""
        entries = [Entry(one.name, one_line(one.name), one_line(one.body)) for one in read.more or []]
        self.query_one(KeyedList).show_entries(numbered(entries))
        if not entries:
            self.refuse("There is no template for every channel yet: 9, t, n makes one")
            self.query_one("#cancel").focus()
            return
        self.query_one(KeyedList).focus()

    @on(KeyedList.Chosen)
    def _chosen(self, event: KeyedList.Chosen) -> None:
        event.stop()
        office, lead_id, name = self.office, self.lead_ids[0], event.value
        self.found = None
        self.refuse("")

        def read() -> ReachPlan:
            from leadtui.services import orchestration

            return orchestration.plan(office, lead_id, template=name)

        self.run_blocking(read, then=self._would, failed=self._failed, group="reach.plan")

    def _would(self, found: ReachPlan) -> None:
        self.found = found
        lines = [self._words(one) for one in found.steps]
        left = ", ".join(f"{channel} ({one_line(why)})" for channel, why in found.left_out)
        if left:
            lines.append(f"not by {left}")
        self.query_one("#steps", Static).update(Content("\n".join(lines)))
        missing = sorted({key for one in found.steps for key in one.missing})
        if missing:
            self.refuse("The lead has no " + ", ".join(f"{{{key}}}" for key in missing))
        button = self.query_one("#do", Button)
        button.disabled = not found.steps or bool(missing)
        (button if not button.disabled else self.query_one(KeyedList)).focus()

    def _words(self, one: ReachStep) -> str:
        now, tz = clock.now(), self.office.catalog.tz
        when = "now" if one.at <= now else moment(one.at, now, tz).strip()
        by = channel_word(one.by) if one.by else one.channel
        how = f"{by} to {one_line(one.address or '')}" if one.kind == "message" else f"{by}: a task for a person"
        known = f" · {one.responded} of {one.sent} answered" if one.sent else ""
        return f"{when}  {how}{known}"

    def do_save(self) -> None:
        """Do as planned; without a plan, plan first."""
        found, office, lead_id = self.found, self.office, self.lead_ids[0]
        if self._busy:
            return
        if found is None:
            if (value := self.query_one(KeyedList).value) is not None:
                self.query_one(KeyedList).post_message(KeyedList.Chosen(self.query_one(KeyedList), value))
            return
        template = found.template or ""
        self._set_busy(True)

        def write() -> tuple[ReachPlan, int | None]:
            from leadtui.services import orchestration

            return orchestration.reach(office, lead_id, template=template)

        self.run_blocking(write, then=self._reached, failed=self._failed, group="reach.do")

    def _reached(self, done: tuple[ReachPlan, int | None]) -> None:
        found, batch = done
        words = ", then ".join(one.channel for one in found.steps)
        row = self.row
        name = one_line(row.title) if row is not None else found.lead_number
        self.finish(Acted(self.lead_ids, batch, f"{name} is reached by {words}"))
