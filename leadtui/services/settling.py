"""Settling conversions that did not end: look at the router by name and tag, undo, and write down what is there.

A job whose process died is always undone, never completed: the person saw no success, the lead may have been edited,
reassigned or refused since, and what stands in the store (not converted) is what everyone was told. Only the last
transaction makes a conversion, and it marks the job `verified` in the same breath; so whatever is still open has not
happened, and the router is brought back to what the store says: no user of ours for a lead that has none
(facts/mikrotik §c 3 and 4, contract answer 10).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select

from leadtui.errors import LeadtuiError, NotFound, NotPermitted, Refused
from leadtui.router.port import CancelToken, RouterAddress, RouterPort, Secret, WantedUser
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import conversion_steps, provision_jobs, routers, secrets

if TYPE_CHECKING:
    from .office import Office

Found = Literal["absent", "removed", "kept", "unknown"]
Outcome = Literal["absent", "removed", "kept", "unknown", "busy", "settled"]

LOOK_DEADLINE_S = 6.0
"""How long the look at a router may take altogether; below the lease."""

_PAUSE = timedelta(seconds=30)
"""A start does not ask a router again that could not be asked so shortly before."""

_LOG = logging.getLogger("leadtui.settling")


@dataclass(frozen=True, slots=True)
class PendingJob:
    """A conversion that is under way or was left open. `is_held`: somebody is at work on it now."""

    id: int
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


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the router found and did. `error` is why it could not be asked."""

    found: Found
    names: tuple[str, ...] = ()
    error: str | None = None

    def words(self, router: str) -> str:
        """The end of a sentence for a person."""
        match self.found:
            case "absent":
                return f"nothing of it is on {router}"
            case "removed":
                return f"the user {', '.join(self.names)} that it had made on {router} was removed again"
            case "kept":
                return f"the user {', '.join(self.names)} that it had before on {router} is as it was"
            case _:
                return f"whether {router} holds the user is not known, for it could not be asked"


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a look needs, read while the job was taken: no transaction is open during the look."""

    job: Any
    lead_number: str
    router_name: str
    where: RouterAddress | None
    expected: tuple[tuple[Any, Secret | None], ...]
    problem: str | None = None

    @property
    def service(self) -> str:
        """The service the user was asked for."""
        return str((self.job.request_json or {}).get("service", "pppoe"))


def case_of(tx: ReadTx, office: Office, job: Any) -> Case:
    """Read what the store says must be on the router for the job's lead."""
    user = t.router_user
    router = tx.conn.execute(select(t.router).where(t.router.c.id == job.router_id)).one()
    number = tx.conn.execute(select(t.lead.c.number).where(t.lead.c.id == job.lead_id)).scalar_one()
    rows = tx.conn.execute(select(user).where(user.c.lead_id == job.lead_id, user.c.router_id == job.router_id)).all()
    problem: str | None = None
    where: RouterAddress | None = None
    expected: tuple[tuple[Any, Secret | None], ...] = ()
    try:
        where = routers.address(tx, office, router)
        expected = tuple((row, secrets.get(tx, office, row.secret_ref) if row.secret_ref else None) for row in rows)
    except LeadtuiError as error:  # the key is not there: nothing can be looked at, and that is worth saying
        where, problem = None, error.message
    return Case(job, number, router.name, where, expected, problem)


def look(case: Case, *, cancel: CancelToken | None = None) -> Look:
    """On a fresh connection, make the router agree with the store for this lead. Never raises a router's failure."""
    if case.where is None:
        return Look("unknown", error=case.problem)
    try:
        with routers.connect(case.where, deadline_s=LOOK_DEADLINE_S, cancel=cancel) as port:
            return _agree(port, case)
    except LeadtuiError as error:
        return Look("unknown", error=error.message)


def _agree(port: RouterPort, case: Case) -> Look:
    service: Any = case.service
    ours = {row.username: (row, secret) for row, secret in case.expected if row.service == service}
    removed: list[str] = []
    for found in port.find_tagged(service, case.job.tag):
        if found.username not in ours and port.remove_user(service, found.username, case.job.tag):
            removed.append(found.username)
    # A lead converted anew after it was reopened has its old user, which the attempt may have changed.
    restore = ours if (case.job.request_json or {}).get("prior") and case.job.state != "failed" else {}
    for row, secret in restore.values():
        if secret is not None:
            is_off = row.state == "suspended"
            port.ensure_user(
                WantedUser(row.username, secret, service, row.profile or "", row.tag, row.ip, disabled=is_off)
            )
    if removed:
        return Look("removed", tuple(removed))
    return Look("kept", tuple(restore)) if restore else Look("absent")


def record(tx: WriteTx, case: Case, seen: Look, *, error: str | None = None) -> bool:
    """Write what the look found into the job, which this process holds. False when it is not ours any more."""
    job = case.job
    if seen.found == "unknown":
        state = "failed" if job.state == "failed" else "unknown"
        return provision_jobs.move(tx, job.id, state, release=True, last_error=error or seen.error)
    watch = job.recheck_until or tx.now + provision_jobs.RECHECK
    if seen.found == "removed" or watch <= tx.now:
        watch = None
    done = provision_jobs.move(
        tx, job.id, "failed", release=True, recheck_until=watch, secret_ref=None, last_error=error or job.last_error
    )
    if done:
        secrets.drop(tx, job.secret_ref)
        told = {"state": "failed", "router": case.router_name, "username": job.username, "found": seen.found}
        tx.audit("settle", "provision_job", job.id, {"state": job.state}, told)
    return done


def settle(office: Office, job_id: int) -> Resolution:
    """Settle one job that nobody holds. Raises NotFound; a router that fails is an outcome (`unknown`), no error."""
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
        if job.state == "planned":  # written before anything is sent
            record(tx, case, seen := Look("absent"))
            provision_jobs.forget_recheck(tx, job.id)
            _note(tx, case, seen)
            return _resolution(case, "absent", f"nothing had been sent to {case.router_name}")
    with provision_jobs.holding(job_id):
        seen = look(case)
        with office.as_system() as tx:
            if not record(tx, case, seen):
                return _resolution(case, "busy", "somebody else took it meanwhile")
            if seen.found == "removed" or (seen.found != "unknown" and job.state != "failed"):
                _note(tx, case, seen)
    words = seen.words(case.router_name) + (f": {seen.error}" if seen.error else "")
    return _resolution(case, seen.found, words)


def _note(tx: WriteTx, case: Case, seen: Look) -> None:
    conversion_steps.note_attempt(
        tx, case.job.lead_id, f"Interrupted conversion settled: {seen.words(case.router_name)}",
        metadata={"result": "settled", "found": seen.found, "router": case.router_name, "job": case.job.id},
    )  # fmt: skip


def _resolution(case: Case, outcome: Outcome, words: str) -> Resolution:
    job = case.job
    return Resolution(job.id, job.lead_id, case.lead_number, case.router_name, job.username, outcome, words)


def pending(office: Office) -> list[PendingJob]:
    """Conversions under way or left open, oldest first. Leads outside the actor's scope are not named."""
    with office.read() as tx:
        if not (tx.actor.may("convert") or tx.actor.may("config")):
            raise NotPermitted("you may not see the open conversions")
        jobs = provision_jobs.unsettled(tx)
        names = {row.id: row.name for row in tx.conn.execute(select(t.router.c.id, t.router.c.name))}
        query = select(t.lead.c.id, t.lead.c.number).where(
            t.lead.c.id.in_([job.lead_id for job in jobs]), scope_clause(tx.actor, "read")
        )
        numbers = {row.id: row.number for row in tx.conn.execute(query)} if jobs else {}
        users = tx.catalog.user_by_id
        return [
            PendingJob(
                id=job.id,
                lead_id=job.lead_id,
                lead_number=numbers.get(job.lead_id),
                router=names[job.router_id],
                service=(job.request_json or {}).get("service", "pppoe"),
                username=job.username,
                state=job.state,
                step=job.step,
                by=users[job.created_by_id].login,
                since=job.created_at,
                attempts=job.attempts,
                last_error=job.last_error,
                is_held=provision_jobs.is_held(job, tx.now),
                recheck_until=job.recheck_until,
            )
            for job in jobs
        ]  # fmt: skip


def resolve(office: Office, job_id: int | None = None) -> list[Resolution]:
    """Settle every job that nobody holds, or one. A router that could not be asked once is not asked again."""
    with office.read() as tx:
        if not (tx.actor.may("convert") or tx.actor.may("config")):
            raise NotPermitted("you may not settle conversions")
        jobs = provision_jobs.unsettled(tx)
    if job_id is not None:
        jobs = [job for job in jobs if job.id == job_id]
        if not jobs:
            raise NotFound(f"there is no open job {job_id}")
    return _settle_all(office, jobs)


def _settle_all(office: Office, jobs: Sequence[Any]) -> list[Resolution]:
    answers: list[Resolution] = []
    silent: dict[int, Resolution] = {}
    for job in jobs:
        if job.router_id in silent and job.state != "planned":
            known = silent[job.router_id]
            with office.read() as tx:
                case = case_of(tx, office, job)
            answers.append(_resolution(case, "unknown", known.message))
            continue
        answer = settle(office, job.id)
        if answer.outcome == "unknown":
            silent[job.router_id] = answer
        answers.append(answer)
    return answers


def settle_on_start(office: Office) -> list[Resolution]:
    """Settle what an earlier process left open: one query when there is nothing. Failures wait for the next start."""
    try:
        with office.read() as tx:
            if not tx.actor.may("convert"):
                return []
            jobs = [
                job
                for job in provision_jobs.unsettled(tx)
                if not provision_jobs.is_held(job, tx.now)
                and (job.state in {"planned", "applying"} or job.updated_at + _PAUSE < tx.now)
            ]
        return _settle_all(office, jobs)
    except LeadtuiError as error:
        _LOG.warning("open conversions were not settled: %s", error.message)
        return []


def clear_the_way(office: Office, lead_id: int, *, for_router: bool) -> str | None:
    """Before a conversion: nobody may be at work on the lead, and an open job must be settled first (AJ18).

    Without a router user nothing needs to be asked of the router: the open job stays, and its words are answered as a
    warning. Raises Refused (`busy`, `unsettled`).
    """
    with office.read() as tx:
        job = provision_jobs.open_job_of(tx, lead_id)
        if job is None:
            return None
        refuse_held(tx, job)
        router = tx.conn.execute(select(t.router.c.name).where(t.router.c.id == job.router_id)).scalar_one()
    if not for_router:
        return (
            f"{router} may still hold the user {job.username}; it will be removed by: leadtui router pending --resolve"
        )
    answer = settle(office, job.id)
    if answer.outcome in {"unknown", "busy"}:
        raise unsettled_error(answer)
    return None


def unsettled_error(answer: Resolution) -> LeadtuiError:
    """Why an earlier attempt stands in the way."""
    if answer.outcome == "busy":
        return Refused(
            f"{answer.lead_number} is being settled at the moment", code="busy", hint="try again in a moment"
        )
    from leadtui.router.port import RouterUnreachable

    return RouterUnreachable(
        f"an earlier attempt with {answer.lead_number} must be settled first: {answer.message}",
        hint=f"try again when {answer.router} answers, or convert without a router user",
        data={"job": answer.job_id},
    )


def refuse_held(tx: ReadTx, job: Any | None) -> None:
    """Two people convert one lead: the second is told who the first is. Raises Refused."""
    if job is not None and provision_jobs.is_held(job, tx.now):
        who = tx.catalog.user_by_id[job.created_by_id]
        raise Refused(
            f"{who.name} ({who.login}) is converting this lead at the moment", code="busy",
            hint="look again in a moment", data={"login": who.login},
        )  # fmt: skip
