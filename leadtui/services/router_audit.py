"""The audit of routers: what stands on them against what the store says must. Reads only; mending is `router_mending`.

Whoever may convert leads or configure the office may audit. Every audit leaves a row with its counts, from which the
list of routers says when each was looked at last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from leadtui import clock
from leadtui.errors import DatabaseUnreachable, LeadtuiError, RouterError
from leadtui.router.port import CancelToken, Probe
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from . import agreement, provision_jobs, settling
from .router_findings import AuditReport, Finding, FindingKind, Judged, judge, numbers_to_know
from .router_fixes import Fix, fixes, of_kind
from .router_mending import Mended, mend, mend_all
from .router_probe import RouterAnswer, remember_answer
from .router_records import find, may_look
from .router_standing import READ_DEADLINE_S, busy_since, leads_named, read_router, read_store
from .side_by_side import side_by_side

if TYPE_CHECKING:
    from .office import Office

OnReport = Callable[[AuditReport], object]

SETTLE_WITHIN_S = 20.0
"""How long what was left open on a router may take to be settled before its audit; the rest stays open."""

AUDIT_WITHIN_S = SETTLE_WITHIN_S + agreement.LOOK_DEADLINE_S + READ_DEADLINE_S + 4.0
"""How long a whole audit may take; what is not here then is not waited for."""

_CHECK = "check"
"""The action of the audit row that an audit leaves with its router."""


@dataclass(frozen=True, slots=True)
class LastAudit:
    """When a router was audited last, how many users were not as they should be, and why it could not be asked."""

    at: datetime
    found: int
    error: str | None = None


# -- auditing ----------------------------------------------------------------------------------------------------------
def audit(office: Office, name: str, *, cancel: CancelToken | None = None) -> AuditReport:
    """Audit one router. A router that fails is a report with `error`. Raises NotFound, NotPermitted, Refused."""
    with office.read() as tx:
        may_look(tx)
        router = find(tx, name)
    return _audit(office, cancel or CancelToken(), router)


def to_ask(office: Office) -> tuple[str, ...]:
    """The names of the routers that `audit_all` would ask, in its order."""
    with office.read() as tx:
        may_look(tx)
        return tuple(row.name for row in _in_use(tx))


def audit_all(
    office: Office, *, names: Sequence[str] | None = None, on_report: OnReport | None = None,
    cancel: CancelToken | None = None,
) -> list[AuditReport]:  # fmt: skip
    """Audit routers side by side, a thread and a deadline for each, so that none delays another; by name.

    Without `names` those that are in use or hold users of ours. `on_report` is called in this thread with each report
    as it comes. `cancel` ends it at once: what has not answered by then is not in the result. Raises NotPermitted,
    NotFound, and what the store raises.
    """
    token = cancel or CancelToken()
    with office.read() as tx:
        may_look(tx)
        routers = _in_use(tx) if names is None else list({r.id: r for r in (find(tx, name) for name in names)}.values())
    reports: dict[int, AuditReport] = {}
    ask = partial(_audit, office, token)
    try:
        for router, answer in side_by_side(routers, ask, cancel=token, within_s=AUDIT_WITHIN_S, name="audit"):
            report = _late(router, answer) if isinstance(answer, Exception) else answer
            reports[router.id] = report
            if on_report is not None:
                on_report(report)
    except BaseException:
        token.cancel()  # the others are not waited for
        raise
    return [reports[router.id] for router in routers if router.id in reports]


def _late(router: Any, error: Exception) -> AuditReport:
    """A router whose time is over is a report like any other failure of a router; what the store raised is raised."""
    if not isinstance(error, TimeoutError):
        raise error
    return AuditReport(router.name, clock.now(), error=f"{router.name} did not answer within {AUDIT_WITHIN_S:g} s.")


def _in_use(tx: ReadTx) -> list[Any]:
    holds = select(t.router_user.c.router_id)
    query = select(t.router).where(or_(t.router.c.is_active.is_(True), t.router.c.id.in_(holds)))
    return list(tx.conn.execute(query.order_by(func.lower(t.router.c.name))))


def _audit(office: Office, cancel: CancelToken, router: Any) -> AuditReport:
    """One router, in whatever thread. Raises nothing that a router can cause."""
    try:
        _settle(office, router.id, cancel)
        probe, judged = _look(office, router, cancel)
    except DatabaseUnreachable:
        raise
    except LeadtuiError as error:
        report = AuditReport(router.name, clock.now(), error=error.message, hint=error.hint)
        is_theirs = isinstance(error, RouterError)
        if not cancel.cancelled:
            _remember(office, router, report, RouterAnswer(False, error=error.message) if is_theirs else None)
        return report
    report = AuditReport(
        router.name, clock.now(), judged.matched, judged.findings, judged.foreign, judged.in_work,
        judged.passwords_unseen,
    )  # fmt: skip
    _remember(office, router, report, RouterAnswer.of(probe))
    return report


def _settle(office: Office, router_id: int, cancel: CancelToken) -> None:
    """What was left open on the router, or may still be answered late, is looked at first (contract answer 10).

    A router that does not answer is asked once: the audit itself says why.
    """
    with office.read() as tx:
        jobs = [
            job
            for job in provision_jobs.unsettled(tx)
            if job.router_id == router_id and not provision_jobs.is_held(job, tx.now)
        ]
    end = time.monotonic() + SETTLE_WITHIN_S
    for job in jobs:
        if cancel.cancelled or time.monotonic() > end:
            return
        if settling.settle(office, job.id, cancel=cancel).outcome == "unknown":
            return


def _look(office: Office, router: Any, cancel: CancelToken) -> tuple[Probe, Judged]:
    with office.read() as tx:
        side = read_store(tx, office, router)
    seen = read_router(side, cancel=cancel)
    with office.read() as tx:
        leads = leads_named(tx, numbers_to_know(seen, side.office_id))
        busy = busy_since(tx, side)
    return seen.probe, judge(side, seen, leads, busy)


# -- when it was looked at last ----------------------------------------------------------------------------------------
def _remember(office: Office, router: Any, report: AuditReport, answer: RouterAnswer | None) -> None:
    counts = {
        "matched": report.matched, "missing": len(report.missing), "orphaned": len(report.orphaned),
        "drifted": len(report.drifted), "foreign": report.foreign_count,
    }  # fmt: skip
    with office.write() as tx:
        if answer is not None:
            remember_answer(tx, router.id, answer)
        tx.audit(_CHECK, "router", router.id, None, {"error": report.error} if report.error else counts)


def last(office: Office) -> Mapping[str, LastAudit]:
    """The last audit of each router that had one, by the router's name. Needs `convert` or `config`."""
    a = t.audit.c
    newest = select(func.max(a.id)).where(a.entity == "router", a.action == _CHECK).group_by(a.entity_id)
    query = (
        select(t.router.c.name, a.at, a.after_json).join(t.router, t.router.c.id == a.entity_id).where(a.id.in_(newest))
    )
    with office.read() as tx:
        may_look(tx)
        return {
            row.name: LastAudit(
                row.at, sum(int(row.after_json.get(kind, 0)) for kind in ("missing", "orphaned", "drifted")),
                row.after_json.get("error"),
            )
            for row in tx.conn.execute(query)
        }  # fmt: skip


__all__ = [
    "AuditReport", "Finding", "FindingKind", "Fix", "LastAudit", "Mended", "audit", "audit_all", "fixes", "last",
    "mend", "mend_all", "of_kind", "to_ask",
]  # fmt: skip
