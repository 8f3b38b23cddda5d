"""One key for an outcome: what it logs, when contact is next made, where the lead goes (spec AI18). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from leadtui.errors import Invalid
from leadtui.text import fold

from .catalog import Stage
from .follow_up_times import show_delay

ASKS: Final = ("when", "reason", "note")
"""What can be asked before it is written. When and why must be answered; a note may stay empty."""


@dataclass(frozen=True, slots=True)
class QuickLogItem:
    """One outcome of a pipeline. The next follow-up is `delay_minutes` from now, or the smart time of `context`."""

    id: int
    pipeline_id: int
    order: int
    name: str
    type: str
    outcome: str | None = None
    subject: str | None = None
    delay_minutes: int | None = None
    context: str | None = None
    next_action: str | None = None
    ask: str | None = None
    stage_id: int | None = None
    stage: str | None = None
    is_active: bool = True

    @property
    def words(self) -> str:
        """What it will do, for a menu: "again in 4h", "→ Interested, by rule: survey call", "when?"."""
        parts = [f"→ {self.stage}"] if self.stage else []
        if self.ask == "when":
            parts.append("when?")
        elif self.delay_minutes is not None:
            parts.append(f"{self.next_action or 'again'} in {show_delay(timedelta(minutes=self.delay_minutes))}")
        elif self.context is not None:
            parts.append(self.next_action or "follow up by rule")
        if self.ask in {"reason", "note"}:
            parts.append(f"{self.ask}?")
        return ", ".join(parts)


def check_quick_log(item: QuickLogItem, stage: Stage | None) -> None:
    """What must be true of one. Raises Invalid with its field."""
    if item.ask is not None and item.ask not in ASKS:
        raise Invalid(f"'{item.ask}' cannot be asked", field="ask", hint="one of: " + ", ".join(ASKS))
    if item.delay_minutes is not None and item.context is not None:
        raise Invalid("the next follow-up has a delay or a context, not both", field="context", hint="leave one empty")
    if stage is None:
        return
    if stage.pipeline_id != item.pipeline_id:
        raise Invalid("the status belongs to another pipeline", field="status")
    if stage.is_converted:
        raise Invalid(f"'{stage.name}' is reached by converting the lead", field="status", hint="another status")
    if stage.is_lost and item.ask != "reason":
        raise Invalid("a lead is lost for a reason: let it be asked", field="ask", hint="reason")


def goes_there(current: Stage, target: Stage) -> bool:
    """Whether an outcome moves a lead from `current` to `target`: ahead, or back into work; never back a step."""
    if target.id == current.id:
        return False
    idle = current.is_lost or current.is_parked
    return idle or target.is_lost or target.is_parked or target.order > current.order


def find_quick_log(items: tuple[QuickLogItem, ...], text: str | int) -> QuickLogItem | None:
    """The item with this id, name (in any case), or a name of which these are the first letters; None if unclear."""
    wanted = fold(str(text)).strip()
    exact = [item for item in items if wanted in {str(item.id), fold(item.name)}]
    if isinstance(text, int):
        return next((item for item in items if item.id == text), None)
    found = [item for item in exact if fold(item.name) == wanted] or exact
    found = found or [item for item in items if wanted and fold(item.name).startswith(wanted)]
    return found[0] if len(found) == 1 else None
