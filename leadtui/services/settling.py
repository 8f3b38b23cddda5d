"""Settling what was asked of routers and did not end: look at the router by name and mark, undo, write down.

A job whose process died is always undone, never completed: the person saw no success, the lead may have been edited,
reassigned or refused since, and what stands in the store is what everyone was told. Only the last transaction makes a
thing true, and it marks the job `verified` in the same breath; so whatever is still open has not happened, and the
router is brought back to what the store says (`agreement.agree`; facts/mikrotik §c 3 and 4, contract answer 10).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select

from leadtui.domain.conversion import KIND_NOUNS, KIND_VERBS, JobKind
from leadtui.errors import LeadtuiError, NotFound, NotPermitted, Refused
from leadtui.router.port import CancelToken, RouterUnreachable
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import lead_writes as w
from . import provision_jobs, secrets
from .agreement import Case, Found, Look, agree, case_of, look, queue_of, wanted_of
from .side_by_side import side_by_side

if TYPE_CHECKING:
    from .office import Office

Outcome = Literal["absent", "removed", "kept", "refused", "unknown", "busy", "settled"]

_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
"""Nobody but a person asks a router again that could not be asked so shortly before; each pause is twice as long."""

_LONGEST_S = 3600.0
"""Every question to a router has its own deadline; this is only the end of all waiting for them."""

OnResolution = Callable[["Resolution"], object]

_LOG = logging.getLogger("leadtui.settling")


@dataclass(frozen=True, slots=True)
class PendingJob:
    """Something asked of a router that is under way or was left open. `is_held`: somebody is at work on it now."""

    id: int
    kind: str
    lead_id: int
    lead_number: str | None
    router: str
    service: str
    username: str
    state: str
    step: str | None
    by: str
    since: datetime
    attempts: int
    last_error: str | None
    is_held: bool
    recheck_until: datetime | None

    @property
    def noun(self) -> str:
        """What was asked for, as a noun."""
        return KIND_NOUNS.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What settling one job came to; `message` is a sentence for a person."""

    job_id: int
    lead_id: int
    lead_number: str
    router: str
    username: str
    outcome: Outcome
    message: str
    kind: str = "convert"

    @property
    def noun(self) -> str:
        """What had been asked for, as a noun."""
        return KIND_NOUNS.get(self.kind, self.kind)


def record(tx: WriteTx, case: Case, seen: Look, *, error: str | None = None) -> bool:
    """Write what the look found into the job, which this process holds. False when it is not ours any more."""
    job = case.job
    if seen.found == "unknown":
        state = "failed" if job.state == "failed" else "unknown"
        return provision_jobs.move(tx, job.id, state, release=True, last_error=error or seen.error)
    watch = job.recheck_until or tx.now + provision_jobs.RECHECK
    if seen.found == "removed" or watch <= tx.now:
        watch = None
    last = seen.error if seen.found == "refused" else error or job.last_error
    done = provision_jobs.move(
        tx, job.id, "failed", release=True, recheck_until=watch, secret_ref=None, last_error=last
    )
    if done:
        secrets.drop(tx, job.secret_ref)
        told = {"state": "failed", "router": case.router_name, "username": job.username, "found": seen.found}
        if seen.found == "refused":
            told["router_holds"] = seen.words(case.router_name)
        tx.audit("settle", "provision_job", job.id, {"state": job.state}, told)
    return done


def settle(office: Office, job_id: int, *, cancel: CancelToken | None = None) -> Resolution:
    """Settle one job that nobody holds. Raises NotFound; a router that fails is an outcome (`unknown`), no error."""
    with contextlib.ExitStack() as until_done:
        with office.as_system() as tx:
            job = provision_jobs.read(tx, job_id)
            if job is None:
                raise NotFound(f"there is no job {job_id}")
            case = case_of(tx, office, job)
            if job.state not in provision_jobs.OPEN_STATES and job.recheck_until is None:
                return _resolution(case, "settled", "it is settled already")
            if provision_jobs.is_held(job, tx.now):
                return _resolution(case, "busy", "somebody is at work on it now")
            if not provision_jobs.claim(tx, job):
                return _resolution(case, "busy", "somebody else took it just now")
            until_done.enter_context(provision_jobs.holding(job_id))  # before another thread of ours can see it taken
            # Behind the lead's lock: what another job made true while we waited for it must not be undone.
            case = case_of(tx, office, job)
            if job.state == "planned":  # written before anything is sent
                record(tx, case, seen := Look("absent"))
                provision_jobs.forget_recheck(tx, job.id)
                _note(tx, case, seen)
                return _resolution(case, "absent", f"nothing had been sent to {case.router_name}")
        seen = look(case, cancel=cancel)
        with office.as_system() as tx:
            if not record(tx, case, seen):
                return _resolution(case, "busy", "somebody else took it meanwhile")
            if seen.found == "removed" or (seen.found != "unknown" and job.state != "failed"):
                _note(tx, case, seen)
    words = seen.words(case.router_name) + (f": {seen.error}" if seen.error and seen.found == "unknown" else "")
    return _resolution(case, seen.found, words)


def _note(tx: WriteTx, case: Case, seen: Look) -> None:
    note_attempt(
        tx, case.kind, case.job.lead_id,
        f"Interrupted {KIND_NOUNS.get(case.kind, case.kind)} settled: {seen.words(case.router_name)}",
        metadata={"result": "settled", "found": seen.found, "router": case.router_name, "job": case.job.id},
    )  # fmt: skip


def note_attempt(
    tx: WriteTx, kind: str, lead_id: int, subject: str, *, details: str | None = None, metadata: Mapping[str, Any]
) -> None:
    """What did not come about, on the lead's timeline; the lead itself stays untouched (spec AG18)."""
    w.add_activity(
        tx, lead_id, "conversion" if kind == "convert" else "other", subject, details,
        metadata_json={"kind": kind, **metadata},
    )  # fmt: skip


def _resolution(case: Case, outcome: Outcome, words: str) -> Resolution:
    job = case.job
    return Resolution(job.id, job.lead_id, case.lead_number, case.router_name, job.username, outcome, words, case.kind)


# -- every open job ----------------------------------------------------------------------------------------------------
def pending(office: Office) -> list[PendingJob]:
    """What is under way or was left open, of every kind, oldest first. Leads outside the scope are not named."""
    with office.read() as tx:
        if not (tx.actor.may("convert") or tx.actor.may("config")):
            raise NotPermitted("you may not see what is open on the routers")
        jobs = provision_jobs.unsettled(tx)
        names = {row.id: row.name for row in tx.conn.execute(select(t.router.c.id, t.router.c.name))}
        query = select(t.lead.c.id, t.lead.c.number).where(
            t.lead.c.id.in_([job.lead_id for job in jobs]), scope_clause(tx.actor, "read")
        )
        numbers = {row.id: row.number for row in tx.conn.execute(query)} if jobs else {}
        users = tx.catalog.user_by_id
        return [
            PendingJob(
                id=job.id, kind=job.kind, lead_id=job.lead_id, lead_number=numbers.get(job.lead_id),
                router=names[job.router_id], service=(job.request_json or {}).get("service", "pppoe"),
                username=job.username, state=job.state, step=job.step, by=users[job.created_by_id].login,
                since=job.created_at, attempts=job.attempts, last_error=job.last_error,
                is_held=provision_jobs.is_held(job, tx.now), recheck_until=job.recheck_until,
            )
            for job in jobs
        ]  # fmt: skip


def resolve(
    office: Office, job_id: int | None = None, *, on_answer: OnResolution | None = None,
    cancel: CancelToken | None = None,
) -> list[Resolution]:  # fmt: skip
    """Settle every job that nobody holds, or one. A router that could not be asked once is not asked again.

    `on_answer` is told each answer as it comes, in whatever thread has asked that router.
    """
    with office.read() as tx:
        if not (tx.actor.may("convert") or tx.actor.may("config")):
            raise NotPermitted("you may not settle what is open on the routers")
        jobs = provision_jobs.unsettled(tx)
    if job_id is not None:
        jobs = [job for job in jobs if job.id == job_id]
        if not jobs:
            raise NotFound(f"there is no open job {job_id}", field="job")
    return _settle_all(office, jobs, cancel=cancel, on_answer=on_answer)


def _settle_all(
    office: Office, jobs: Sequence[Any], *, cancel: CancelToken | None = None,
    may_go_on: Callable[[], bool] | None = None, on_answer: OnResolution | None = None,
) -> list[Resolution]:  # fmt: skip
    """The routers side by side, for one that hangs must not delay another; the answers in the order of the jobs.

    Cancelled, it ends at once, without the routers that have not answered.
    """
    token = cancel or CancelToken()
    of_router: dict[int, list[Any]] = {}
    for job in jobs:
        of_router.setdefault(job.router_id, []).append(job)

    found: dict[int, Resolution] = {}

    def came(job_id: int, answer: Resolution) -> None:
        if token.cancelled and answer.outcome == "unknown":
            return  # it was cut off by us, and says nothing of the router
        found[job_id] = answer
        if on_answer is not None:
            on_answer(answer)

    def settle_router(its: list[Any]) -> None:
        _settle_router(office, its, token, may_go_on, came)

    if len(of_router) == 1:
        settle_router(list(jobs))
    else:
        for _, failed in side_by_side(
            list(of_router.values()), settle_router, cancel=token, within_s=_LONGEST_S, name="settle"
        ):
            if failed is not None:
                raise failed
    return [found[job.id] for job in jobs if job.id in found]


def _settle_router(
    office: Office, jobs: Sequence[Any], cancel: CancelToken, may_go_on: Callable[[], bool] | None,
    came: Callable[[int, Resolution], None],
) -> None:  # fmt: skip
    """The jobs of one router, one after the other; once it could not be asked it is not asked again."""
    silent: Resolution | None = None
    for job in jobs:
        if cancel.cancelled or (may_go_on is not None and not may_go_on()):
            break
        if silent is not None and job.state != "planned":
            with office.store.read() as tx:
                case = case_of(tx, office, job)
            came(job.id, _resolution(case, "unknown", silent.message))
            continue
        answer = settle(office, job.id, cancel=cancel)
        if answer.outcome == "unknown":
            silent = answer
        came(job.id, answer)


def settle_due(
    office: Office, *, cancel: CancelToken | None = None, may_go_on: Callable[[], bool] | None = None
) -> list[Resolution]:
    """Settle what nobody works on, for the machine: no permission is asked, failures wait for the next time.

    One query, and nothing written, when nothing is due. `may_go_on` is asked before each job.
    """
    try:
        with office.store.read() as tx:
            jobs = [
                job
                for job in provision_jobs.unsettled(tx)
                if not provision_jobs.is_held(job, tx.now) and job.updated_at + _pause(job) <= tx.now
            ]
        return _settle_all(office, jobs, cancel=cancel, may_go_on=may_go_on)
    except LeadtuiError as error:
        _LOG.warning("what is open on routers was not settled: %s", error.message)
        return []


def _pause(job: Any) -> timedelta:
    """How long a job is left alone after its last move: one that was never looked at not at all."""
    if job.state in {"planned", "applying"}:
        return timedelta(0)
    if job.state == "failed":  # looked at for a late answer, a few times
        return _PAUSE
    doublings = min(max(int(job.attempts) - 2, 0), 10)
    return min(_PAUSE * (1 << doublings), _LONGEST_PAUSE)


def settle_on_start(office: Office) -> list[Resolution]:
    """Settle what an earlier process left open, where the person at work may convert."""
    try:
        with office.read() as tx:
            if not tx.actor.may("convert"):
                return []
    except LeadtuiError:
        return []
    return settle_due(office)


# -- before something is asked of a router -----------------------------------------------------------------------------
def clear_the_way(office: Office, lead_id: int, *, for_router: bool, kind: JobKind = "convert") -> str | None:
    """Before anything is asked: nobody may be at work on the lead, and an open job must be settled first (AJ18).

    Where no router is to be asked (`for_router` false) the open job stays, and its words are answered as a warning.
    Raises Refused (`busy`), RouterUnreachable (`unsettled`).
    """
    with office.read() as tx:
        job = provision_jobs.open_job_of(tx, lead_id)
        if job is None:
            return None
        refuse_held(tx, job)
        router = tx.conn.execute(select(t.router.c.name).where(t.router.c.id == job.router_id)).scalar_one()
    if not for_router:
        noun = KIND_NOUNS.get(job.kind, job.kind)
        return (
            f"{router} may still hold the user {job.username} of an earlier {noun}; "
            "it is put right by: leadtui router pending --resolve"
        )
    answer = settle(office, job.id)
    if answer.outcome in {"unknown", "busy"}:
        raise unsettled_error(answer, kind)
    return None


def unsettled_error(answer: Resolution, kind: JobKind = "convert") -> LeadtuiError:
    """Why an earlier attempt stands in the way of what is wanted now (`kind`)."""
    if answer.outcome == "busy":
        return busy_error(answer.lead_number)
    stands = RouterUnreachable(
        f"an earlier attempt with {answer.lead_number} must be settled first: {answer.message}",
        hint=f"try again when {answer.router} answers"
        + (", or convert without a router user" if kind == "convert" else ""),
        data={"job": answer.job_id},
    )
    stands.code = "unsettled"
    return stands


def busy_error(lead_number: str) -> LeadtuiError:
    """Somebody settles what was open of this lead, just now."""
    return Refused(f"{lead_number} is being settled at the moment", code="busy", hint="try again in a moment")


def refuse_held(tx: ReadTx, job: Any | None) -> None:
    """Two people at one lead: the second is told who the first is. Raises Refused."""
    if job is not None and provision_jobs.is_held(job, tx.now):
        who = tx.catalog.user_by_id[job.created_by_id]
        raise Refused(
            f"{who.name} ({who.login}) is {KIND_VERBS.get(job.kind, 'working on this lead')} at the moment",
            code="busy", hint="look again in a moment", data={"login": who.login},
        )  # fmt: skip


__all__ = [
    "Case", "Found", "Look", "Outcome", "PendingJob", "Resolution", "agree", "busy_error", "case_of", "clear_the_way",
    "look", "note_attempt", "pending", "queue_of", "record", "refuse_held", "resolve", "settle", "settle_due",
    "settle_on_start", "unsettled_error", "wanted_of",
]  # fmt: skip
