"""One conversion with a router user: intent → router → read back → the last transaction; on failure undo and say so.

No transaction is open while a router is talked to. The lead becomes converted only in the last transaction, which also
marks the job `verified`: before it nothing is true, after it everything is (spec AG17, AG18, AJ18).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leadtui.domain.conversion import StepEvent
from leadtui.errors import DatabaseUnreachable, LeadtuiError, Refused
from leadtui.router.port import (
    CancelToken,
    EnsureResult,
    Probe,
    RouterFault,
    RouterMismatch,
    RouterPort,
    RouterRefused,
    WantedUser,
)
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import conversion_steps as steps
from . import provision_jobs, routers, settling
from .conversion_steps import ConvertRequest, Finished, Order, UserOrder

if TYPE_CHECKING:
    from .office import Office

ROUTER_DEADLINE_S = 10.0
"""How long the talk with the router may take altogether; below the lease, so that nobody takes the job meanwhile."""

_NAMES_TRIED = 20
_LOG = logging.getLogger("leadtui.conversion")

Tell = Callable[[StepEvent], None]


def refuse_other_box(router: Any, probe: Probe) -> None:
    """Nothing is written to a router that calls itself otherwise than the one that was tested. Raises RouterRefused."""
    if router.identity and router.identity != probe.identity:
        raise RouterRefused(
            f"{router.name} calls itself {probe.identity} now, and {router.identity} before; nothing was sent to it",
            hint=f"if that is right, accept it with: leadtui router test {router.name}",
        )


def answered(probe: Probe) -> str:
    """What a router said of itself, in a line."""
    return f'RouterOS {probe.version}, "{probe.identity}", answered in {max(1, round(probe.latency_ms))} ms'


def free_name(port: RouterPort, tx_of: Callable[[frozenset[str]], str], user: UserOrder) -> str:
    """A user name that the router does not know either; `tx_of` suggests another one besides those taken."""
    name, taken = user.username, set[str]()
    for _ in range(_NAMES_TRIED):
        found = port.read_user(user.service, name)  # type: ignore[arg-type]
        if found is None or found.tag == user.tag:
            return name
        taken.add(name)
        name = tx_of(frozenset(taken))
    return name


@dataclass(frozen=True)
class Provisioned:
    """What came of it: the order as carried out, what the last transaction wrote, what the router did."""

    order: Order
    finished: Finished
    ensured: EnsureResult | None


class Provisioning:
    """The run of one conversion with a router user. `order` was checked and the intent written in one transaction."""

    def __init__(
        self, office: Office, order: Order, user: UserOrder, *, request: ConvertRequest, job_id: int, secret_ref: str,
        tell: Tell, cancel: CancelToken | None,
    ) -> None:  # fmt: skip
        self.office = office
        self.order = order
        self.user = user
        self.request = request
        self.job_id = job_id
        self.secret_ref = secret_ref
        self.tell = tell
        self.cancel = cancel
        self.step = "connect"
        self.is_applying = False
        self.ensured: EnsureResult | None = None
        self.probe: Probe | None = None

    @classmethod
    def begin(
        cls,
        tx: WriteTx,
        office: Office,
        order: Order,
        user: UserOrder,
        *,
        request: ConvertRequest, tell: Tell,
        cancel: CancelToken | None,
    ) -> Provisioning:  # fmt: skip
        """Write the intent: the job `planned`, its password encrypted. Raises Refused when the lead has an open job."""
        secret_ref = steps.store_secret(tx, office, user.password)
        asked = {
            "service": user.service, "profile": user.profile, "package": user.product.name, "ip": user.ip,
            "prior": user.prior is not None,
        }  # fmt: skip
        job_id = provision_jobs.begin(
            tx, lead_id=order.lead.id, router_id=user.router.id, tag=user.tag, username=user.username,
            request_json=asked, secret_ref=secret_ref, step="intent",
        )  # fmt: skip
        told = {**asked, "router": user.router.name, "username": user.username, "lead": order.lead.number}
        tx.audit("plan", "provision_job", job_id, None, told)
        return cls(office, order, user, request=request, job_id=job_id, secret_ref=secret_ref, tell=tell, cancel=cancel)

    def run(self) -> Provisioned:
        """Carry it out. Raises the router's failure, or the store's; then the lead is as it was."""
        with provision_jobs.holding(self.job_id):
            try:
                self._apply()
                return self._finish()
            except BaseException as error:
                if (done := self._undo(error)) is not None:
                    return done
                raise

    # -- the way forward ----------------------------------------------------------------------------------------------
    def _apply(self) -> None:
        router = self.user.router
        self.tell(StepEvent("connect", "started", f"Asking {router.name} who it is"))
        with self.office.read() as tx:
            where = routers.address(tx, self.office, router)
        with routers.connect(where, deadline_s=ROUTER_DEADLINE_S, cancel=self.cancel) as port:
            self.probe = port.probe()
            refuse_other_box(router, self.probe)
            if self.user.auto_name and self.user.prior is None:
                self.user = replace(self.user, username=free_name(port, self._other_name, self.user))
            self.tell(StepEvent("connect", "done", answered(self.probe)))
            self._now_applying()
            self.ensured = port.ensure_user(
                self._wanted(), on_step=lambda text: self.tell(StepEvent("user", "started", text))
            )
        self.tell(StepEvent("user", "done", f"{self.user.username} is on {router.name}, read back"))

    def _wanted(self) -> WantedUser:
        u = self.user
        return WantedUser(u.username, u.password, u.service, u.profile, u.tag, u.ip)  # type: ignore[arg-type]

    def _other_name(self, taken: frozenset[str]) -> str:
        with self.office.read() as tx:
            return steps.suggested_name(tx, self.order.lead, taken)

    def _now_applying(self) -> None:
        """From here on the router may be changed: a process that dies leaves a row that says so."""
        self.step = "user"
        with self.office.write(durable=True) as tx:
            steps.refuse_taken(tx, self.order.lead, self.user.router, self.user.username)
            self._moved(tx, "applying", step="user", username=self.user.username)
        self.is_applying = True

    def _moved(self, tx: WriteTx, state: str, **values: Any) -> None:
        if not provision_jobs.move(tx, self.job_id, state, **values):
            raise Refused(
                f"the conversion of {self.order.lead.number} took so long that it was given up and undone meanwhile",
                code="given_up", hint="try again",
            )  # fmt: skip

    def _finish(self) -> Provisioned:
        """The one transaction that makes the lead a customer; everything is checked again in it."""
        self.step = "customer"
        self.tell(StepEvent("customer", "started", "Writing the customer"))
        fixed = replace(self.request.router, username=self.user.username) if self.request.router else None
        with self.office.write() as tx:
            order = replace(steps.check(tx, self.order.lead.id, replace(self.request, router=fixed)), user=self.user)
            self._moved(tx, "verified", release=True, step="done", secret_ref=None, last_error=None, recheck_until=None)
            finished = steps.finish(tx, order, secret_ref=self.secret_ref)
            self._remember(tx)
            told = {"state": "verified", "outcome": self.ensured.outcome if self.ensured else None}
            tx.audit("apply", "provision_job", self.job_id, {"state": "applying"}, told)
        self.tell(StepEvent("customer", "done", f"{order.lead.number} is {order.target.name}"))
        return Provisioned(order, finished, self.ensured)

    def _remember(self, tx: WriteTx) -> None:
        if (p := self.probe) is not None:
            answer = routers.RouterAnswer(True, p.identity, p.version, p.board, p.latency_ms)
            routers.remember_answer(tx, self.user.router.id, answer)

    # -- the way back -------------------------------------------------------------------------------------------------
    def _undo(self, error: BaseException) -> Provisioned | None:
        """Look at the router, take back what this run made, and write down how it ended.

        Answers what was done when the failure came after all was done: a commit whose confirmation was lost. A store
        that fails now too leaves the job open, for the next start to settle.
        """
        self.tell(StepEvent(self.step, "failed", _said(error)))
        try:
            with self.office.write() as tx:
                job = provision_jobs.read(tx, self.job_id)
                if job is None:
                    return None
                if job.state == "verified":
                    return self._was_done(tx)
                state = "unknown" if self.is_applying else "planned"
                if not provision_jobs.move(tx, self.job_id, state, last_error=_said(error)):
                    return None  # another process settles it
                case = settling.case_of(tx, self.office, job)
            seen = settling.Look("absent")
            if self._must_look(error):
                self.tell(StepEvent("look", "started", f"Looking what {case.router_name} holds now"))
                seen = settling.look(case)
                self.tell(
                    StepEvent("look", "done" if seen.found != "unknown" else "failed", seen.words(case.router_name))
                )
            self._write_failure(error, case, seen)
        except LeadtuiError as second:
            _LOG.warning("job %s stays open: %s", self.job_id, second.message)
            _add_words(error, f"job {self.job_id} stays open and is settled at the next start", "unknown", self)
        return None

    def _must_look(self, error: BaseException) -> bool:
        """Whether this run may have left something on the router."""
        if not self.is_applying:
            return False
        if self.ensured is not None or not isinstance(error, RouterFault):
            return True
        return error.outcome_unknown or isinstance(error, RouterMismatch)

    def _was_done(self, tx: ReadTx) -> Provisioned | None:
        """The job says `verified`: read what our own transaction wrote."""
        lead = steps.read_lead(tx, self.order.lead.id)
        found = tx.conn.execute(steps.batch_of_conversion(lead.id)).scalar()
        return Provisioned(
            replace(self.order, user=self.user), Finished(lead.customer_id, int(found or 0)), self.ensured
        )

    def _write_failure(self, error: BaseException, case: settling.Case, seen: settling.Look) -> None:
        words = seen.words(case.router_name) if self.is_applying else f"nothing was sent to {case.router_name}"
        with self.office.write() as tx:
            settling.record(tx, case, seen, error=_said(error))
            if not self._must_look(error):
                provision_jobs.forget_recheck(tx, self.job_id)
            if isinstance(error, RouterFault) and self.ensured is None and not isinstance(error, RouterMismatch):
                _remember_failure(tx, self.user.router, error)
            said = error.router_said if isinstance(error, RouterFault) else None
            steps.note_attempt(
                tx, self.order.lead.id, f"Conversion failed: {_said(error)}", details=words,
                metadata={
                    "result": "failed", "step": self.step, "router": case.router_name, "router_said": said,
                    "error": error.code if isinstance(error, LeadtuiError) else type(error).__name__,
                    "found": seen.found, "job": self.job_id,
                },
            )  # fmt: skip
        _add_words(error, words, seen.found, self)


def _remember_failure(tx: WriteTx, router: Any, error: RouterFault) -> None:
    """A router that could not be reached shows so in the list; one that merely refused this user does not."""
    if error.code in {"router_unreachable", "router_timeout", "router_login", "router_tls", "router_dropped"}:
        routers.remember_answer(tx, router.id, routers.RouterAnswer(False, error=error.message))


def _said(error: BaseException) -> str:
    if isinstance(error, LeadtuiError):
        return error.message
    return (
        "interrupted" if isinstance(error, KeyboardInterrupt) else f"an error of the program ({type(error).__name__})"
    )


def _add_words(error: BaseException, words: str, found: str, run: Provisioning) -> None:
    """Say with the error what exists now and what does not."""
    if not isinstance(error, LeadtuiError):
        return
    kept = f"{run.order.lead.number} is still {run.order.stage.name}; {words}"
    if isinstance(error, DatabaseUnreachable):
        kept = words
    if found == "unknown":
        kept += "; settle it with: leadtui router pending --resolve"
    error.data |= {"step": run.step, "found": found, "job": run.job_id, "exists": words}
    error.hint = f"{kept}\n{error.hint}" if error.hint else kept


__all__ = ["Provisioned", "Provisioning", "Tell", "answered", "free_name", "refuse_other_box"]
