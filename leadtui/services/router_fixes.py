"""What would be done about an audit's findings, as a diff: one fix for each lead on a router. Writes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select

from leadtui.router.port import number_of, office_of
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from .router_findings import QUEUE, AuditReport, Finding, FindingKind

if TYPE_CHECKING:
    from .office import Office

FixKind = Literal["create", "change", "remove", "remark"]

_MANY = 500
_FIELD_WORDS: Mapping[str, str] = {"username": "name", "ip": "address", "comment": "mark"}
_ENDS_SESSIONS = frozenset({"username", "profile", "ip"})
_WITHOUT_PASSWORD = frozenset({"disabled", QUEUE})
"""What can be put right without knowing the password."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What would be done for one lead (or one unknown mark) on one router; `id` is its own within an audit.

    `words` say it as a diff, a line for each finding. `is_danger`: something is removed. `why_not` says why it cannot
    be done by the program, and what a person can do.
    """

    id: str
    router: str
    kind: FixKind
    username: str
    words: str
    is_danger: bool
    findings: tuple[Finding, ...]
    why_not: str | None = None
    lead_number: str | None = None
    lead_id: int | None = field(default=None, repr=False)

    @property
    def is_possible(self) -> bool:
        """Whether the program can do it."""
        return self.why_not is None

    @property
    def kinds(self) -> frozenset[FindingKind]:
        """What was found: missing, orphaned, drifted."""
        return frozenset(finding.kind for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For `--dry-run`."""
        return {
            "router": self.router, "username": self.username, "kind": self.kind, "lead_number": self.lead_number,
            "words": self.words, "possible": self.is_possible, "why_not": self.why_not,
        }  # fmt: skip


def fixes(office: Office, report: AuditReport) -> tuple[Fix, ...]:
    """What can be done about a report, and why something cannot; in the order of its findings. Writes nothing."""
    groups: dict[Any, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        groups[finding.lead_id or number_of(finding.mark)].append(finding)
    with office.read() as tx:
        may = _permitted(tx, [f.lead_id for f in report.findings if f.lead_id is not None])
        office_id = tx.catalog.office_id
    found = [_fix(report.router, tuple(some), may, office_id) for some in groups.values()]
    return tuple(found)


def of_kind(found: Iterable[Fix], only: FindingKind | None) -> tuple[Fix, ...]:
    """The fixes that mend nothing but this kind of finding; all of them without one."""
    return tuple(fix for fix in found if only is None or fix.kinds == {only})


def _permitted(tx: ReadTx, lead_ids: Sequence[int]) -> Callable[[int | None], bool]:
    """Whether the actor may mend what belongs to a lead: with `config` everything, else what he may convert."""
    if tx.actor.may("config"):
        return lambda _: True
    lead = t.lead.c
    ids = sorted(set(lead_ids))
    allowed: set[int] = set()
    for start in range(0, len(ids), _MANY):
        query = select(lead.id, lead.assigned_to_id, lead.branch_id).where(lead.id.in_(ids[start : start + _MANY]))
        for row in tx.conn.execute(query):
            if tx.actor.may_on("convert", assigned_to_id=row.assigned_to_id, branch_id=row.branch_id):
                allowed.add(row.id)
    return lambda lead_id: lead_id in allowed


def _fix(router: str, some: tuple[Finding, ...], may: Callable[[int | None], bool], office_id: str) -> Fix:
    first = some[0]
    return Fix(
        id=f"{router}/{first.service}/{first.username}", router=router, kind=_kind_of(some), username=first.username,
        words="\n".join(_words_of(finding) for finding in some),
        is_danger=any(finding.kind == "orphaned" for finding in some), findings=some,
        why_not=next((words for finding in some if (words := _why_not(finding, office_id))), None)
        or (None if may(first.lead_id) else "you may not: it needs the right to configure, or to convert its lead"),
        lead_number=first.lead_number, lead_id=first.lead_id,
    )  # fmt: skip


def _kind_of(some: Sequence[Finding]) -> FixKind:
    kinds = {finding.kind for finding in some}
    if "missing" in kinds:
        return "create"
    if "drifted" in kinds:
        fields = {d.field for finding in some for d in finding.differences}
        return "remark" if fields == {"comment"} else "change"
    return "remove"


def _words_of(finding: Finding) -> str:
    """A line of the diff."""
    name = finding.username
    if finding.service == QUEUE:
        return f"- queue {name}  for {finding.ip or 'nobody'}"
    about = (
        f"{finding.service}, profile {finding.profile or '–'}, {f'address {finding.ip}' if finding.ip else 'dynamic'}"
    )
    if finding.kind == "missing":
        return f"+ {name}  {about}"
    if finding.kind == "orphaned":
        return f"- {name}  {about}; its sessions end"
    changes = ", ".join(_change(d.field, d.actual, d.wanted) for d in finding.differences)
    fields = {d.field for d in finding.differences}
    ends = fields & _ENDS_SESSIONS or any(d.field == "disabled" and d.wanted == "yes" for d in finding.differences)
    return f"~ {name}  {changes}" + ("; its session ends" if ends else "")


def _change(name: str, actual: str, wanted: str) -> str:
    if name == "password":
        return "password set again"
    nothing = "dynamic" if name == "ip" else "none"
    return f"{_FIELD_WORDS.get(name, name)} {actual or nothing} → {wanted or nothing}"


def _why_not(finding: Finding, office_id: str) -> str | None:
    """What stands in the way of mending this, and what a person can do about it."""
    if not finding.is_ours:
        if finding.kind == "orphaned":
            return "a user of ours has the same name: remove the other one at the router"
        there = next((d.actual for d in finding.differences if d.field == "comment"), "")
        if (of := office_of(there)) and of != office_id:
            return "the name is taken by a user of another database: rename that one at the router"
        if number_of(there):
            return "it carries the mark of another lead: put its comment right at the router"
        return (
            "the name is taken by a user that is not ours: rename that one at the router, or put our mark into its "
            "comment if it is ours after all"
        )
    if not finding.is_queue_ours:
        return "the name of its queue is taken by one that is not ours: rename that one at the router"
    settable = {d.field for d in finding.differences} <= _WITHOUT_PASSWORD and finding.kind == "drifted"
    if finding.kind != "orphaned" and not finding.has_password and not settable:
        return "its password is not stored, or cannot be read: put back the key file of this database"
    return None
