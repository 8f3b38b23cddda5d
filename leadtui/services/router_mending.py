"""Mending what an audit found: one fix for each lead on a router, each journalled, carried out alone and read back.

A fix makes the router agree with the store for that lead by the one function that settling uses (`agreement.agree`),
so that a process that dies in the middle is finished by the next settling or audit. What is foreign is never touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from leadtui.domain.conversion import JobKind, StepEvent
from leadtui.errors import LeadtuiError, NotPermitted, Refused
from leadtui.router.port import CancelToken, RouterPort, RouterRefused, Secret, is_marked, number_of, tag_for
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import provision_jobs, secrets, settling
from .router_findings import QUEUE
from .router_fixes import Fix, FixKind
from .router_records import address, connect, find
from .saga import ROUTER_DEADLINE_S, Saga, Subject, refuse_other_box

if TYPE_CHECKING:
    from typing import ClassVar

    from .office import Office

OnStep = Callable[[StepEvent], None]
OnMended = Callable[["Mended"], object]

_GIVEN_UP_AFTER = 2
"""So many fixes in a row that a router could not be reached for end the tries on it; the rest fail with its words."""

_SILENT = frozenset(
    {"router_unreachable", "router_timeout", "router_dropped", "router_login", "router_tls", "unsettled"}
)

_DONE: Mapping[FixKind, str] = {
    "create": "{user} was made on {router} again, read back",
    "change": "{user} on {router} is as the store says again, read back",
    "remark": "{user} on {router} carries its mark again, read back",
    "remove": "{user} is gone from {router}, read back",
}


@dataclass(frozen=True, slots=True)
class Mended:
    """What came of a fix. `exit_code` and `code` are those of the error when it failed."""

    fix: Fix
    ok: bool
    message: str
    code: str = ""
    exit_code: int = 0
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """An entry of `fixed`."""
        return {
            "router": self.fix.router, "username": self.fix.username, "kind": self.fix.kind, "ok": self.ok,
            "message": self.message,
        }  # fmt: skip


def mend(office: Office, fix: Fix, *, on_step: OnStep | None = None, cancel: CancelToken | None = None) -> Mended:
    """Carry a fix out, as things stand now in the store. A failure is an outcome, no error: the next goes on.

    Needs `config`, or `convert` on the lead. Doing it twice does no more.
    """
    try:
        if fix.why_not is not None:
            raise Refused(fix.why_not, code="not_mendable")
        if fix.lead_id is None:
            message = _mend_without_lead(office, fix, cancel)
        else:
            message = _mend_lead(office, fix, fix.lead_id, on_step, cancel)
    except LeadtuiError as error:
        return Mended(fix, False, error.message, error.code, error.exit_code, error.hint)
    return Mended(fix, True, message)


def mend_all(
    office: Office, chosen: Sequence[Fix], *, on_mended: OnMended | None = None, on_step: OnStep | None = None,
    should_stop: Callable[[], bool] | None = None, cancel: CancelToken | None = None,
) -> list[Mended]:  # fmt: skip
    """Carry fixes out one after the other; one that fails never stops the next, a router that is gone is not asked on.

    Ends early when stopped or cancelled: what was not begun is not in the answer.
    """
    done: list[Mended] = []
    silent: dict[str, list[Mended]] = defaultdict(list)
    for fix in chosen:
        if (should_stop is not None and should_stop()) or (cancel is not None and cancel.cancelled):
            break
        failed = silent[fix.router]
        if len(failed) >= _GIVEN_UP_AFTER and fix.is_possible:
            last = failed[-1]
            mended = Mended(fix, False, last.message, last.code, last.exit_code, last.hint)
        else:
            mended = mend(office, fix, on_step=on_step, cancel=cancel)
            if mended.code in _SILENT:
                failed.append(mended)
            elif mended.ok:
                failed.clear()
        done.append(mended)
        if on_mended is not None:
            on_mended(mended)
    return done


def _require(tx: ReadTx, lead: Any | None) -> None:
    """Raise NotPermitted unless the actor may configure, or convert this lead."""
    if tx.actor.may("config"):
        return
    if lead is None or not tx.actor.may_on("convert", assigned_to_id=lead.assigned_to_id, branch_id=lead.branch_id):
        raise NotPermitted("you may not mend this", hint="it needs the right to configure, or to convert its lead")


def _taken_by_now(tx: ReadTx, router: Any, fix: Fix) -> str | None:
    """Of a fix that only removes: who of the store has come to own the name meanwhile, in words."""
    if fix.kinds != {"orphaned"}:
        return None
    user = t.router_user.c
    for finding in fix.findings:
        query = select(user.id).where(
            user.router_id == router.id, user.service == finding.service, user.username == finding.username
        )
        if finding.service != QUEUE and tx.conn.execute(query).first() is not None:
            return f"{finding.username} belongs to a customer by now; it was left as it is"
    return None


def _services(fix: Fix, router: Any) -> list[str]:
    return list(dict.fromkeys(f.service for f in fix.findings if f.service != QUEUE)) or [router.service]


def _asked(fix: Fix, router: Any) -> dict[str, Any]:
    """What the job writes down: where to look, and whether a mark that was lost may be given back."""
    services = _services(fix, router)
    reclaims = any(d.field == "comment" for finding in fix.findings for d in finding.differences)
    return {"service": services[0], "services": services, "queue": True, "reclaim": reclaims, "mend": fix.kind}


def _mend_lead(office: Office, fix: Fix, lead_id: int, on_step: OnStep | None, cancel: CancelToken | None) -> str:
    settling.clear_the_way(office, lead_id, for_router=True, kind="mend")
    with office.write(durable=True) as tx:
        lead = tx.conn.execute(select(t.lead).where(t.lead.c.id == lead_id).with_for_update()).one_or_none()
        _require(tx, lead)
        if lead is None:
            raise Refused("its lead is gone by now", code="changed", hint="audit the router again")
        settling.refuse_held(tx, provision_jobs.open_job_of(tx, lead_id))
        router = find(tx, fix.router)
        if (words := _taken_by_now(tx, router, fix)) is not None:
            return words
        tag = tag_for(lead.number, tx.catalog.office_id)
        asked = _asked(fix, router)
        job_id = provision_jobs.begin(
            tx, kind="mend", lead_id=lead_id, router_id=router.id, tag=tag, username=fix.username, request_json=asked
        )
        told = {"router": router.name, "username": fix.username, "lead": lead.number, "mend": fix.kind}
        tx.audit("plan", "provision_job", job_id, None, told)
        subject = Subject(lead_id, lead.number, router, asked["service"], fix.username, tag)
        run = _Mending(office, job_id, subject, fix, tell=on_step, cancel=cancel)
    return run.run()


class _Mending(Saga[str]):
    """One lead on one router is made to agree with the store."""

    kind: ClassVar[JobKind] = "mend"

    def __init__(self, office: Office, job_id: int, subject: Subject, fix: Fix, **options: Any) -> None:
        super().__init__(office, job_id, subject, **options)
        self.fix = fix
        self.case: settling.Case | None = None

    def guard(self, tx: WriteTx) -> Mapping[str, Any]:
        """Read once more what the store says: it is what counts now."""
        self.case = settling.case_of(tx, self.office, provision_jobs.read(tx, self.job_id))
        if self.case.problem is not None:
            raise Refused(self.case.problem, code="secret_key")
        return {}

    def apply(self, port: RouterPort) -> None:
        """Put there what must stand, take away what must not."""
        self.at("user", f"Making {self.subject.router.name} agree with the store for {self.fix.username}")
        if self.case is not None:
            _agree(port, self.case)

    def truth(self, tx: WriteTx) -> str:
        """The store is as it was: only that it was done is written down."""
        tx.conn.execute(select(t.lead.c.id).where(t.lead.c.id == self.subject.lead_id).with_for_update())
        _note(tx, self.subject.router, self.fix)
        return _done_words(self.fix)

    def was_done(self, tx: ReadTx) -> str:
        """The same words."""
        return _done_words(self.fix)

    def closing_words(self, done: str) -> str:
        """What was done."""
        return done


@dataclass(frozen=True, slots=True)
class _NoJob:
    """In the place of a journal's row where there is no lead to write one for: the audit's rows stand before and after,
    and the next audit finds again what a process left that died in between.
    """

    tag: str
    request_json: Mapping[str, Any]
    kind: str = "mend"
    state: str = "applying"


def _mend_without_lead(office: Office, fix: Fix, cancel: CancelToken | None) -> str:
    """What carries the mark of a lead that this database does not know, or is of no lead."""
    number = number_of(fix.findings[0].mark)
    with office.write(durable=True) as tx:
        _require(tx, None)
        if tx.conn.execute(select(t.lead.c.id).where(t.lead.c.number == number)).first() is not None:
            raise Refused("there is a lead of that number by now", code="changed", hint="audit the router again")
        router = find(tx, fix.router)
        if (words := _taken_by_now(tx, router, fix)) is not None:
            return words
        tag = tag_for(number, tx.catalog.office_id)
        where = address(tx, office, router)
        expected = _rows_marked(tx, office, router, tag)
        tx.audit("plan", "router", router.id, None, {"username": fix.username, "mend": fix.kind})
    case = settling.Case(_NoJob(tag, _asked(fix, router)), number, router.name, where, expected)
    with connect(where, deadline_s=ROUTER_DEADLINE_S, cancel=cancel) as port:
        refuse_other_box(router, port.probe())
        _agree(port, case)
    with office.write() as tx:
        _note(tx, router, fix)
    return _done_words(fix)


def _rows_marked(tx: ReadTx, office: Office, router: Any, tag: str) -> tuple[tuple[Any, Secret | None], ...]:
    """The users of the store with this mark: one that belongs to no lead, if any."""
    user = t.router_user
    rows = tx.conn.execute(select(user).where(user.c.router_id == router.id, user.c.lead_id.is_(None)))
    mine = [row for row in rows if is_marked(row.tag, tag)]
    opened = secrets.get_many(tx, office, (row.secret_ref for row in mine if row.secret_ref))
    return tuple((row, opened.get(row.secret_ref)) for row in mine)


def _agree(port: RouterPort, case: settling.Case) -> None:
    """Make the router agree; what it says no to is raised. Raises a RouterFault."""
    seen = settling.agree(port, case)
    if seen.found == "refused":
        raise RouterRefused(
            seen.error or f"{case.router_name} refused it",
            hint="put that right at the router, or push the package to it",
        )


def _done_words(fix: Fix) -> str:
    return _DONE[fix.kind].format(user=fix.username, router=fix.router)


def _note(tx: WriteTx, router: Any, fix: Fix) -> None:
    """An audit row for each finding that was mended, without secrets."""
    user = t.router_user.c
    for finding in fix.findings:
        before: dict[str, Any] | None = {d.field: d.actual for d in finding.differences}
        after: dict[str, Any] | None = {d.field: d.wanted for d in finding.differences}
        if finding.kind != "drifted":
            shown = {"username": finding.username, "service": finding.service, "profile": finding.profile}
            before, after = (None, shown) if finding.kind == "missing" else (shown, None)
        query = select(user.id).where(
            user.router_id == router.id, user.service == finding.service, user.username == finding.username
        )
        row_id = tx.conn.execute(query).scalar() if finding.kind != "orphaned" else None
        entity = ("router_user", row_id) if row_id is not None else ("router", router.id)
        tx.audit("mend", *entity, before, after)
