"""The rows of the audit screen: a line for each router, and below it one for each thing that can be mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leadtui.widgets.columns import Cell, Column
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.services.router_audit import AuditReport, Fix, Mended

COLUMNS = (
    Column("found", "Found", 12, min_width=12),
    Column("username", "User", 14, min_width=10, grow=1),
    Column("what", "What would be done", 30, min_width=20, grow=4),
    Column("lead", "Lead", 14, min_width=14, drop=1),
)

State = Literal["asking", "stopped", "failed", "clean", "found"]

_STATES: Mapping[State, Cell] = {
    "asking": ("… asking", "accent"), "stopped": ("– stopped", "muted"), "failed": ("✗ failed", "error"),
    "clean": ("✓ agrees", "success"), "found": ("! differs", "warning"),
}  # fmt: skip
_FOUND: Mapping[str, Cell] = {
    "missing": ("  ✗ missing", "error"), "drifted": ("  ~ drifted", "warning"), "orphaned": ("  ! orphaned", "warning"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RouterLine:
    """A router: how far its audit is, and its counts in words."""

    router: str
    state: State
    words: str = ""

    @property
    def id(self) -> str:
        """Its name."""
        return self.router


@dataclass(frozen=True, slots=True)
class FixLine:
    """Something found on the router above. `failed` is why it could not be mended when that was tried."""

    router: str
    fix: Fix
    failed: str | None = None

    @property
    def id(self) -> str:
        """The fix's own."""
        return self.fix.id


Line = RouterLine | FixLine


def lines_of(report: AuditReport, fixes: Sequence[Fix], failed: Mapping[str, str]) -> list[Line]:
    """A router and what was found on it."""
    if report.error is not None:
        return [RouterLine(report.router, "failed", report.error)]
    head = RouterLine(report.router, "found" if report.findings else "clean", counts(report))
    return [head, *(FixLine(report.router, fix, failed.get(fix.id)) for fix in fixes)]


def counts(report: AuditReport) -> str:
    """What an audit counted, in words."""
    found = (("missing", report.missing), ("drifted", report.drifted), ("orphaned", report.orphaned))
    parts = [f"{len(some):,} {name}" for name, some in found if some]
    parts += [f"{report.in_work:,} being worked on"] if report.in_work else []
    parts += [f"{report.matched:,} right"]
    parts += ["passwords not seen (the login lacks the policy sensitive)"] if report.passwords_unseen else []
    return " · ".join([*parts, f"{report.foreign_count:,} of others, left alone"])


def in_full(line: Line | None) -> str:
    """Everything about a line: what its cells have no room for."""
    if line is None:
        return ""
    if isinstance(line, RouterLine):
        return one_line(line.words)
    words = "\n".join(one_line(words) for words in line.fix.words.splitlines())
    if line.failed is not None:
        return f"{words}\n✗ {one_line(line.failed)}"
    return words if line.fix.is_possible else f"{words}\n✗ {one_line(line.fix.why_not)}"


def cell(line: Line, key: str) -> Cell:
    """A cell; what is not as it should be is said in a mark and a word."""
    if isinstance(line, RouterLine):
        match key:
            case "found":
                return _STATES[line.state]
            case "username":
                return one_line(line.router), "strong"
            case "what":
                return one_line(line.words), "error" if line.state == "failed" else "muted"
        return ""
    fix = line.fix
    match key:
        case "found":
            kinds = [kind for kind in ("missing", "drifted", "orphaned") if kind in fix.kinds]
            return _FOUND[kinds[0]]
        case "username":
            return one_line(fix.username)
        case "what":
            return _what(line)
    return one_line(fix.lead_number or "–")


def _what(line: FixLine) -> Cell:
    if line.failed is not None:
        return f"✗ {one_line(line.failed)}", "error"
    if not line.fix.is_possible:
        return f"✗ {one_line(line.fix.why_not)}", "muted"
    # The name stands in its own column; it is said again only where another one is changed too.
    name = f" {line.fix.username}  "
    return one_line(" · ".join(words.replace(name, " ", 1) for words in line.fix.words.splitlines()))


def fixes_of(lines: Iterable[Line], chosen: Iterable[Line]) -> list[Fix]:
    """What can be mended of the chosen lines; a router's line stands for everything found on it."""
    chosen = list(chosen)
    whole = {line.router for line in chosen if isinstance(line, RouterLine)}
    ids = {line.id for line in chosen}
    return [
        line.fix
        for line in lines
        if isinstance(line, FixLine) and line.fix.is_possible and (line.router in whole or line.id in ids)
    ]


def failures(mended: Iterable[Mended]) -> dict[str, str]:
    """What could not be mended, by the fix's id."""
    return {one.fix.id: one.message for one in mended if not one.ok}
