"""The frame of everything asked of a router: intent → router → read back → the last transaction; a failure is undone.

No transaction is open while a router is talked to. What was asked for becomes true only in the last transaction, which
also marks the job `verified`: before it nothing is true, after it everything is (spec AG17, AG18, AJ18). Before each
step the job's row says which step it is, so that a process that dies leaves a row that tells where.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from leadtui.domain.conversion import KIND_NOUNS, JobKind, StepEvent
from leadtui.errors import DatabaseUnreachable, LeadtuiError, Refused
from leadtui.router.port import CancelToken, Probe, RouterFault, RouterMismatch, RouterPort
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import agreement, provision_jobs, routers, settling
from .agreement import refuse_other_box

if TYPE_CHECKING:
    from .office import Office

ROUTER_DEADLINE_S = 10.0
"""How long the talk with the router may take altogether; below the lease, so that nobody takes the job meanwhile."""

_UNREACHED = frozenset({"router_unreachable", "router_timeout", "router_login", "router_tls", "router_dropped"})

_LOG = logging.getLogger("leadtui.saga")

Tell = Callable[[StepEvent], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom and what it is about. `router` is a row of the table; `tag` the mark of the lead's things there."""

    lead_id: int
    lead_number: str
    router: Any
    service: str
    username: str
    tag: str


def answered(probe: Probe) -> str:
    """What a router said of itself, in a line."""
    return f'RouterOS {probe.version}, "{probe.identity}", answered in {max(1, round(probe.latency_ms))} ms'


def tell_safely(listener: Tell | None, event: StepEvent) -> None:
    """Tell a listener; one that fails (its screen is gone) must not fail what it listens to."""
    if listener is None:
        return
    try:
        listener(event)
    except Exception as error:  # noqa: BLE001 - whatever a listener does
        _LOG.warning("a listener failed: %s", type(error).__name__)


class Saga(Generic[T]):
    """One run. Make it in the transaction that writes the intent, so that nobody takes its job in between.

    A kind of job says in a subclass what is read (`prepare`), checked (`guard`), written to the router (`apply`) and
    true in the end (`truth`).
    """

    kind: ClassVar[JobKind]

    def __init__(
        self, office: Office, job_id: int, subject: Subject, *, tell: Tell | None = None,
        cancel: CancelToken | None = None,
    ) -> None:  # fmt: skip
        self.office = office
        self.job_id = job_id
        self.subject = subject
        self.cancel = cancel
        self.probe: Probe | None = None
        self.step = "connect"
        self.is_applying = False
        self._tell = tell
        self._writes = 0
        self._has_applied = False
        provision_jobs.hold(job_id)

    # -- what a kind fills in -----------------------------------------------------------------------------------------
    def prepare(self, port: RouterPort) -> None:
        """Read what must be known before anything is sent; what it raises ends the run with nothing sent."""

    def guard(self, tx: WriteTx) -> Mapping[str, Any]:
        """The last checks, in the transaction that marks the job `applying`; answers columns of the job to set."""
        return {}

    def apply(self, port: RouterPort) -> None:
        """Write to the router and read back, calling `at` before each step."""
        raise NotImplementedError

    def truth(self, tx: WriteTx) -> T:
        """Write what is true now: the last transaction, which also closes the job. Lock the lead first."""
        raise NotImplementedError

    def was_done(self, tx: ReadTx) -> T:
        """Read what `truth` wrote: its commit went through, but the confirmation was lost."""
        raise NotImplementedError

    def closing_words(self, done: T) -> str:
        """What is said when all is done."""
        return f"{self.subject.username} is as the store says"

    # -- what a kind uses ---------------------------------------------------------------------------------------------
    def tell(self, event: StepEvent) -> None:
        """Tell the listener."""
        tell_safely(self._tell, event)

    def at(self, step: str, words: str) -> None:
        """The next step begins: into the journal, then to the listener. Raises Refused when the job is not ours."""
        with self.office.write() as tx:
            self._move(tx, "applying" if self.is_applying else "planned", step=step)
        self.step = step
        self._writes += self.is_applying
        self.tell(StepEvent(step, "started", words))

    # -- the run ------------------------------------------------------------------------------------------------------
    def run(self) -> T:
        """Carry it out. Raises the router's failure, or the store's; then everything is as it was, or the job says so.

        The error's `data` has step, found, job and exists; its hint says what exists now and what does not.
        """
        try:
            try:
                self._talk()
                return self._finish()
            except BaseException as error:
                if (done := self._undo(error)) is not None:
                    return done
                raise
        finally:
            provision_jobs.let_go(self.job_id)

    def _talk(self) -> None:
        router = self.subject.router
        self.at("connect", f"Asking {router.name} who it is")
        with self.office.read() as tx:
            where = routers.address(tx, self.office, router)
        with routers.connect(where, deadline_s=ROUTER_DEADLINE_S, cancel=self.cancel) as port:
            self.probe = port.probe()
            refuse_other_box(router, self.probe)
            self.prepare(port)
            self.tell(StepEvent("connect", "done", answered(self.probe)))
            self.start_applying(port)
            self.apply(port)
            self._has_applied = True

    def start_applying(self, port: RouterPort) -> None:
        """From here on the router may be changed: a process that dies leaves a row that says so."""
        with self.office.write(durable=True) as tx:
            values = self.guard(tx)
            self._move(tx, "applying", **values)
        self.is_applying = True

    def _move(self, tx: WriteTx, state: str, **values: Any) -> None:
        if not provision_jobs.move(tx, self.job_id, state, **values):
            raise Refused(
                f"the {KIND_NOUNS[self.kind]} of {self.subject.lead_number} took so long that it was given up and "
                "undone meanwhile",
                code="given_up", hint="try again",
            )  # fmt: skip

    def _finish(self) -> T:
        """The one transaction that makes it true; the lead is locked before the job, as settling does."""
        self.at("customer", "Writing it down")
        with self.office.write() as tx:
            done = self.truth(tx)
            self._move(tx, "verified", release=True, step="done", secret_ref=None, last_error=None, recheck_until=None)
            if (p := self.probe) is not None:
                answer = routers.RouterAnswer(True, p.identity, p.version, p.board, p.latency_ms)
                routers.remember_answer(tx, self.subject.router.id, answer)
            tx.audit("apply", "provision_job", self.job_id, {"state": "applying"}, {"state": "verified"})
        self.tell(StepEvent("customer", "done", self.closing_words(done)))
        return done

    # -- the way back -------------------------------------------------------------------------------------------------
    def _undo(self, error: BaseException) -> T | None:
        """Look at the router, take back what this run made, and write down how it ended.

        Answers what was done when the failure came after all was done: a commit whose confirmation was lost. A store
        that fails now too leaves the job open, for the next settling.
        """
        self.tell(StepEvent(self.step, "failed", said(error)))
        try:
            with self.office.write() as tx:
                job = provision_jobs.read(tx, self.job_id)
                if job is None:
                    return None
                if job.state == "verified":
                    return self.was_done(tx)
                state = "unknown" if self.is_applying else "planned"
                if not provision_jobs.move(tx, self.job_id, state, last_error=said(error)):
                    # Another process settles it, or has: what we sent may have come after its look.
                    if self.is_applying:
                        provision_jobs.look_again(tx, self.job_id)
                    return None
                case = agreement.case_of(tx, self.office, job)
            seen: agreement.Look | None = None
            if self._must_look(error, case):
                self.tell(StepEvent("look", "started", f"Looking what {case.router_name} holds now"))
                seen = agreement.look(case)
                words = seen.words(case.router_name)
                self.tell(StepEvent("look", "failed" if seen.found in {"unknown", "refused"} else "done", words))
            self._write_failure(error, case, seen)
        except LeadtuiError as second:
            _LOG.warning("job %s stays open: %s", self.job_id, second.message)
            self._add_words(error, f"job {self.job_id} stays open and is settled at the next start", "unknown")
        return None

    def _must_look(self, error: BaseException, case: agreement.Case) -> bool:
        """Whether this run may have left something on the router: all but a plain refusal of its first step.

        Where a user of the store is there already, what stands there is looked at and said in any case; but a repair
        that was refused is not tried again.
        """
        if not self.is_applying:
            return False
        if (
            (case.restores and self.kind != "mend")
            or self._has_applied
            or self._writes > 1
            or not isinstance(error, RouterFault)
        ):
            return True
        return error.outcome_unknown or isinstance(error, RouterMismatch)

    def _write_failure(self, error: BaseException, case: agreement.Case, looked: agreement.Look | None) -> None:
        unseen = agreement.Look("refused", (self.subject.username,), said(error))
        seen = looked or (unseen if case.restores and self.is_applying else agreement.Look("absent"))
        words = seen.words(case.router_name) if self.is_applying else f"nothing was sent to {case.router_name}"
        with self.office.write() as tx:
            settling.record(tx, case, seen, error=said(error))
            if looked is None:
                provision_jobs.forget_recheck(tx, self.job_id)
            if isinstance(error, RouterFault) and not self._has_applied and error.code in _UNREACHED:
                # A router that could not be reached shows so in the list; one that merely refused this does not.
                answer = routers.RouterAnswer(False, error=error.message)
                routers.remember_answer(tx, self.subject.router.id, answer)
            settling.note_attempt(
                tx, self.kind, self.subject.lead_id,
                f"{KIND_NOUNS[self.kind].capitalize()} failed: {said(error)}", details=words,
                metadata={
                    "result": "failed", "step": self.step, "router": case.router_name,
                    "router_said": error.router_said if isinstance(error, RouterFault) else None,
                    "error": error.code if isinstance(error, LeadtuiError) else type(error).__name__,
                    "found": seen.found, "job": self.job_id,
                },
            )  # fmt: skip
        self._add_words(error, words, seen.found)

    def unchanged_words(self) -> str:
        """What is as it was before, for the end of a failure's hint."""
        return f"{self.subject.username} is as it was"

    def _add_words(self, error: BaseException, words: str, found: str) -> None:
        """Say with the error what exists now and what does not."""
        if not isinstance(error, LeadtuiError):
            return
        kept = words if isinstance(error, DatabaseUnreachable) else f"{self.unchanged_words()}; {words}"
        if found == "unknown":
            kept += "; settle it with: leadtui router pending --resolve"
        error.data |= {"step": self.step, "found": found, "job": self.job_id, "exists": words}
        error.hint = f"{kept}\n{error.hint}" if error.hint else kept


def said(error: BaseException) -> str:
    """An error in a sentence, without anything that could hold a secret."""
    if isinstance(error, LeadtuiError):
        return error.message
    return (
        "interrupted" if isinstance(error, KeyboardInterrupt) else f"an error of the program ({type(error).__name__})"
    )


__all__ = ["ROUTER_DEADLINE_S", "Saga", "Subject", "Tell", "answered", "refuse_other_box", "said", "tell_safely"]
