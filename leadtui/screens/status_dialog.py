"""Moving leads to another status: the pipeline's statuses with their marks, a reason where one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from leadtui.errors import IllegalMove
from leadtui.screens.act_dialog import ActDialog, Plan, Read
from leadtui.widgets.keyed_list import Entry, KeyedList, numbered
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import Stage


class StatusDialog(ActDialog):
    """One key moves the lead; a status that asks for a reason waits for it. Converted opens the conversion."""

    HEADING: ClassVar[str] = "Move to another status"
    DO: ClassVar[str] = "Move"
    DEFAULT_CSS: ClassVar[str] = "StatusDialog #then { height: auto; max-height: 2; display: none; }"

    def __init__(self, lead_ids: tuple[int, ...] | int = (), where: str | None = None, to: int | None = None) -> None:
        """`to` is the status that was chosen already: only its reason is missing."""
        super().__init__(lead_ids, where)
        self._to = to
        self._then: dict[int, tuple[str, ...]] = {}

    def fields(self) -> ComposeResult:
        """The statuses, then the reason."""
        yield KeyedList(id="status")
        yield Static("", classes="note", id="then", markup=False)
        yield Static("", classes="note", id="asks", markup=False)
        yield Input(placeholder="reason", id="reason")

    def ready(self, read: Read) -> None:
        """Show the statuses, the current one marked."""
        current = self.row.stage_id if self.row is not None else None
        may = self.office.actor.may
        entries = []
        for stage in self.stages():
            notes = [self._flag(stage)]
            closed = stage.is_converted and (not self.single or not may("convert"))
            if stage.id == current:
                notes = ["is now"]
            elif stage.is_converted:
                notes = ["opens the conversion"] if not closed else ["one lead at a time, by the conversion"]
                if self.single and closed:
                    notes = ["your role may not convert"]
            elif not self._within_limits(stage):
                notes, closed = ["your role may not"], True
            note = ", ".join(filter(None, notes))
            entries.append(
                Entry(str(stage.id), f"{stage.mark} {stage.name}", note, disabled=stage.id == current or closed)
            )
        statuses = self.query_one("#status", KeyedList)
        statuses.show_entries(numbered(entries), self._next(current) if self._to is None else str(self._to))
        if self._to is not None:
            self.query_one("#reason").focus()
        elif not self.query_one("#reason").has_focus:
            statuses.focus()
        self._show_asks()
        self._rehearse()

    def _rehearse(self) -> None:
        """What each status would do by itself with this lead; of several leads nothing is said."""
        if not self.single or self._then:
            return
        office, lead_id = self.office, self.lead_ids[0]

        def read() -> dict[int, tuple[str, ...]]:
            from leadtui.services import stage_actions

            return stage_actions.rehearse_moves(office, lead_id)

        def show(found: dict[int, tuple[str, ...]]) -> None:
            self._then = found
            self._show_asks()

        self.run_blocking(read, then=show, failed=lambda error: None, group="status.then")

    def _within_limits(self, stage: Stage) -> bool:
        """Some roles move leads only from or to certain statuses (spec AI14)."""
        allowed = self.office.actor.grant("status").stages
        if not allowed or self.read is None or self.row is None:
            return True
        now = self.read.catalog.stage_by_id[self.row.stage_id]
        return now.key in allowed or stage.key in allowed

    def _flag(self, stage: Stage) -> str:
        if stage.is_lost:
            return "lost: with the reason"
        return "for later" if stage.is_parked else ""

    def _next(self, current: int | None) -> str | None:
        """The status after the current one: where most leads go."""
        stages = [stage for stage in self.stages() if not (stage.is_lost or stage.is_parked)]
        ids = [stage.id for stage in stages]
        if current in ids and ids.index(current) + 1 < len(ids):
            return str(ids[ids.index(current) + 1])
        return None

    @property
    def chosen(self) -> Stage | None:
        """The status under the cursor."""
        value = self.query_one("#status", KeyedList).value
        return next((stage for stage in self.stages() if str(stage.id) == value), None)

    def asks_reason(self, stage: Stage) -> str:
        """Why this move wants a reason; empty when it does not (spec E2 56, AG20)."""
        if stage.is_lost:
            return "Why was it lost?"
        read, row = self.read, self.row
        if read is None or row is None:
            return ""
        pipeline = read.catalog.pipeline_by_id[row.pipeline_id]
        now = read.catalog.stage_by_id[row.stage_id]
        if now.is_lost:
            return "Why is it opened again?"
        if pipeline.require_reason_on_regress and stage.order < now.order and not stage.is_parked:
            return "This is a step back. Why?"
        return ""

    def _show_asks(self) -> None:
        asks = self.asks_reason(self.chosen) if self.chosen is not None else ""
        self.query_one("#asks", Static).update(Content(asks or "Reason or note, if there is one (tab):"))
        subjects = self._then.get(self.chosen.id, ()) if self.chosen is not None else ()
        then = self.query_one("#then", Static)
        then.update(Content(one_line("By itself then: " + "; ".join(subjects))))
        then.display = bool(subjects)

    @on(KeyedList.OptionHighlighted)
    def _moved(self) -> None:
        self._show_asks()

    @on(KeyedList.Chosen, "#status")
    def _took(self, event: KeyedList.Chosen) -> None:
        """A key or enter on a status: do it, unless a reason is wanted first."""
        event.stop()
        stage = self.chosen
        if stage is None:
            return
        self._show_asks()
        if self.asks_reason(stage) and not self._reason:
            self.query_one("#reason").focus()
            return
        self.do_save()

    @property
    def _reason(self) -> str:
        return self.query_one("#reason", Input).value.strip()

    def do_save(self) -> None:
        """Converted leaves for the wizard; anything else is written."""
        stage = self.chosen
        if stage is not None and stage.is_converted and self.single:
            from leadtui.screens.convert import ConvertWizard

            app, lead_id = self.lead_app, self.lead_ids[0]
            self.dismiss(None)
            app.push_screen(ConvertWizard(lead_id))
            return
        super().do_save()

    def plan(self) -> Plan | None:
        """The move."""
        stage, reason = self.chosen, self._reason
        if stage is None:
            self.refuse("Choose a status", "#status")
            return None
        if (asks := self.asks_reason(stage)) and not reason:
            self.refuse(asks, "#reason")
            return None
        version = self.row.version if self.row is not None else None
        name, lost = stage.name, stage.is_lost

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import lifecycle

            if lost:
                return lifecycle.lose(office, ref, reason, status=name)
            return lifecycle.set_status(office, ref, name, reason=reason or None, version=version)

        return Plan(one, {"status": name, "reason": reason or None}, f"moved to {name}")

    def failed(self, error: Exception) -> None:
        """A move that lacks its reason waits for it."""
        super().failed(error)
        if isinstance(error, IllegalMove) and not self._reason:
            self.query_one("#reason").focus()
