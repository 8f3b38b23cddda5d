"""Drips and who is in them as lists show them: status with its sign, steps as lines, why an enrollment waits. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from leadtui import clock
from leadtui.domain.dates import relative
from leadtui.domain.phones import format_phone
from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.sheet_lines import Line, text
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog
    from leadtui.domain.drips import DripDetail, DripRow, DripStep, EnrollmentRow

DRIP_STATES: Final = {
    "draft": ("○ draft", "muted"), "active": ("● running", "success"), "paused": ("◇ paused", "warning"),
    "cancelled": ("× stopped", "muted"),
}  # fmt: skip
STATES: Final = {
    "active": ("● in it", "success"), "paused": ("◇ held", "warning"), "completed": ("✓ done", "muted"),
    "stopped": ("× out", "muted"),
}  # fmt: skip
DRIP_COLUMNS: Final = (
    Column("name", "Drip", 24, 16, grow=2),
    Column("status", "Status", 10, 10),
    Column("steps", "Steps", 5, 5, align="right"),
    Column("active", "In it", 6, 5, align="right"),
    Column("paused", "Held", 5, 4, align="right"),
    Column("completed", "Done", 6, 5, align="right", drop=1),
    Column("stopped", "Out", 6, 4, align="right", drop=2),
    Column("comes", "Comes in", 22, 12, grow=2, drop=1),
)
ENROLLED_COLUMNS: Final = (
    Column("lead", "Lead", 20, 14, grow=2),
    Column("state", "State", 8, 8),
    Column("step", "Step", 5, 5, align="right"),
    Column("next", "Next", 9, 9),
    Column("what", "Then", 28, 24, grow=3),
    Column("phone", "Phone", 14, 12, drop=2),
    Column("version", "Version", 7, 3, align="right", drop=3),
)


def drip_cell(one: DripRow, key: str) -> Cell:
    """A cell of the list of drips."""
    match key:
        case "name":
            return one_line(one.name), "strong"
        case "status":
            return DRIP_STATES.get(one.status, (one.status, ""))
        case "steps":
            return str(one.step_count), ""
        case "comes":
            return one_line(one.enroll.words), "muted"
        case _:
            count = getattr(one, key)
            return f"{count:,}" if count else "–", "" if count else "muted"


def enrolled_cell(one: EnrollmentRow, key: str, catalog: Catalog) -> Cell:
    """A cell of the list of leads in a drip."""
    match key:
        case "lead":
            return one_line(one.lead_name or one.lead_number), "strong"
        case "state":
            return STATES.get(one.state, (one.state, ""))
        case "step":
            return f"{one.current_step}/{one.step_count}", ""
        case "next":
            return when_words(one, catalog)
        case "what":
            return then_words(one), "muted"
        case "phone":
            return format_phone(one.phone, catalog.country) if one.phone else "–", ""
        case _:
            return str(one.version), "muted"


def when_words(one: EnrollmentRow, catalog: Catalog) -> tuple[str, str]:
    """When its next step is due, and the style; nothing for one that waits for a person or has ended."""
    if one.state != "active" or one.next_run_at is None:
        return "–", "muted"
    words = relative(one.next_run_at, False, clock.now(), catalog.tz)
    return words.removesuffix(" late") + (" ago" if words.endswith("late") else ""), ""


def then_words(one: EnrollmentRow) -> str:
    """What comes next, or why nothing does."""
    return one_line(one.why or (one.next_step or "") if one.state != "completed" else "all steps are done")


def step_lines(steps: Sequence[DripStep]) -> list[Line]:
    """The steps, each a line: when, what, which words."""
    return [
        Line(
            text((f"{number:2} ", "muted"), (f"{when_of(one):9} ", "accent"), f"{one.does}  ", (one.says, "muted")),
        )
        for number, one in enumerate(steps, 1)
    ]


def count_words(count: int, noun: str) -> str:
    """ "1 step", "3 steps"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def when_of(one: DripStep) -> str:
    """When a step is done: so long after the one before."""
    return f"+{one.delay}" if one.delay_minutes else "at once"


def version_words(found: DripDetail) -> str:
    """Which version is shown, and who still goes by an older one."""
    older = {version: count for version, count in found.in_version.items() if version != found.version and count}
    words = f"version {found.version}"
    if older:
        words += "; " + ", ".join(f"{count:,} still in version {version}" for version, count in sorted(older.items()))
    return words


def lines_of(enrollments: Sequence[EnrollmentRow], catalog: Catalog) -> list[Line]:
    """The drips a lead is in, for its sheet; nothing where there are none."""
    open_ones = [one for one in enrollments if one.state in ("active", "paused")]
    ended = [one for one in enrollments if one.state not in ("active", "paused")]
    if not enrollments:
        return []
    lines = [Line(rule="Drips")]
    for one in (*open_ones, *ended[:2]):
        sign, style = STATES.get(one.state, (one.state, ""))
        when, _ = when_words(one, catalog)
        due = f"{when}: " if one.state == "active" and when != "–" else ""
        left = text((f"{sign:8} ", style), one_line(one.drip_name), (f"  {due}{then_words(one)}", "muted"))
        lines.append(Line(left, text((f"{one.current_step}/{one.step_count}", "muted")), one, f"e{one.id}"))
    return lines
