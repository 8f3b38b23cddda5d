"""The run of an act for one router user: what is asked of the router, and what is true in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import select, update

from leadtui.domain.conversion import JobKind, StepEvent
from leadtui.domain.subscriptions import (
    DONE,
    OUTCOMES,
    Change,
    ChangePackage,
    Resume,
    Suspend,
    UserDone,
    ended_words,
    kind_of,
)
from leadtui.router.port import CancelToken, RouterPort, Secret
from leadtui.store import customers as customer_rows
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import addresses, agreement, events, provision_jobs, saga, secrets
from . import lead_writes as w
from . import subscription_steps as steps
from .subscription_steps import Facts, Goal, Order, Target

if TYPE_CHECKING:
    from .office import Office

OnStep = Callable[[StepEvent], None]

EVENTS = {"suspend": "customer.suspended", "resume": "customer.resumed", "package": "customer.package_changed"}
"""What is told to whoever listens, by the kind of the act."""


def secret_of(tx: ReadTx, office: Office, target: Target) -> Secret | None:
    """The stored password; None when there is none, or none that can be opened: most acts do without."""
    try:
        return secrets.get(tx, office, target.user.secret_ref) if target.user.secret_ref else None
    except secrets.SecretKeyError:
        return None


def ends_sessions(target: Target, facts: Facts, what: Order) -> bool:
    """A disabled user must not stay online; another profile counts from the next session on."""
    if facts.goal.state == agreement.SUSPENDED and not isinstance(what.act, Resume):
        return True
    changed = {change.what for change in steps.changes(target, facts, what)}
    return what.product is not None and bool(changed & {"profile", "address", "user name", "password", "disabled"})


class ServiceRun(saga.Saga[UserDone]):
    """The run for one router user. Make it in the transaction that writes its intent."""

    def __init__(
        self, office: Office, job_id: int, target: Target, goal: Goal, what: Order, *, tell: OnStep | None,
        cancel: CancelToken | None,
    ) -> None:  # fmt: skip
        row = target.user
        subject = saga.Subject(target.lead.id, target.lead.number, target.router, row.service, row.username, row.tag)
        super().__init__(office, job_id, subject, tell=tell, cancel=cancel)
        self.target = target
        self.goal = goal
        self.what = what
        self.facts: Facts | None = None
        self.ended = 0
        self.warnings: list[str] = []
        self._secret: Secret | None = None
        self._done: UserDone | None = None

    # -- the router ---------------------------------------------------------------------------------------------------
    def prepare(self, port: RouterPort) -> None:
        """Look at what is there, and settle the address."""
        with self.office.read() as tx:
            self._secret = secret_of(tx, self.office, self.target)
            taken = tuple(addresses.taken_in_store(tx, self.target.router.id, self.target.lead.id))
        self.facts = steps.ask(port, self.target, self.goal, self.what, self._secret, taken)
        if self.facts.problem is not None:
            raise self.facts.problem
        self.goal = self.facts.goal
        self.warnings += self.facts.warnings

    def guard(self, tx: WriteTx) -> Mapping[str, Any]:
        """The address must still be free, and is written down, so that nobody else draws it."""
        target = self.target
        if self.goal.ip is None or self.goal.ip == target.user.ip:
            return {}
        # Two who draw from one pool of one router at once: the second waits here and sees what the first wrote.
        tx.conn.execute(select(t.router.c.id).where(t.router.c.id == target.router.id).with_for_update())
        addresses.refuse_taken_address(tx, target.router, self.goal.ip, target.lead.id)
        job = provision_jobs.read(tx, self.job_id)
        asked = dict(job.request_json) if job is not None else {}
        return {"request_json": {**asked, "ip": self.goal.ip}}

    def apply(self, port: RouterPort) -> None:
        """Set first, kick second."""
        facts, row = self._known(), self.target.user
        off = self.goal.state == agreement.SUSPENDED
        touched = True
        if self.what.product is None and facts.row is not None and facts.row.username == row.username:
            self.at("user", f"{'Disabling' if off else 'Enabling'} the user {row.username}")
            port.set_disabled(row.service, row.username, row.tag, off)
        else:
            touched = self._write_user(port)
        self.tell(StepEvent("user", "done", f"{row.username} is {'disabled' if off else 'enabled'}, read back"))
        if off or (touched and self.what.product is not None):
            for name in dict.fromkeys((facts.row.username if facts.row is not None else row.username, row.username)):
                self._kick(port, name, off=off)

    def _write_user(self, port: RouterPort) -> bool:
        """The user and its queue exactly as the store will say; whether the user changed."""
        facts, row = self._known(), self.target.user
        if self._secret is None:
            raise RuntimeError("a user without a stored password was to be written")
        user, queue = steps.wanted(self.target, self.goal, self._secret)
        self.at("user", f"Writing the user {row.username}")
        known_as = facts.row.username if facts.row is not None else None
        ensured = port.ensure_user(
            user, on_step=lambda text: self.tell(StepEvent("user", "started", text)), known_as=known_as
        )
        for old in facts.queues:
            if queue is None or old.name != queue.name:
                self.at("queue", f"Removing the queue {old.name}")
                port.remove_queue(old.name, row.tag)
        if queue is not None:
            self.at("queue", f"Writing the queue {queue.name}")
            port.ensure_queue(queue)
            self.tell(StepEvent("queue", "done", f"the queue {queue.name} is there, read back"))
        return ensured.outcome != "unchanged"

    def _kick(self, port: RouterPort, username: str, *, off: bool) -> None:
        """End the sessions and look whether they ended: removing one row of a hotspot user may end several."""
        service, router = self.target.user.service, self.target.router.name
        before = len(port.active(service, username))
        if not before:
            return
        self.at("sessions", f"Ending {before} session{'' if before == 1 else 's'} of {username}")
        ended = port.disconnect(service, username)
        left = len(port.active(service, username))
        # Who is not disabled dials in again at once: then only the count of the removals says anything.
        self.ended += max(0, before - left) if off else max(ended, before - left)
        if off and left:
            running = "a session" if left == 1 else f"{left} sessions"
            self.warnings.append(
                f"{running} of {username} still runs on {router} although it is disabled: end it there"
            )
        self.tell(StepEvent("sessions", "failed" if off and left else "done", ended_words(self.ended)))

    def _known(self) -> Facts:
        if self.facts is None:
            raise RuntimeError("the router was not asked")
        return self.facts

    # -- the store ----------------------------------------------------------------------------------------------------
    def truth(self, tx: WriteTx) -> UserDone:
        """The router user, the customer, the timeline, the audit and the event, in one transaction."""
        target, what, kind = steps.lock(tx, self.target), self.what, kind_of(self.what.act)
        steps.allow(tx, target)
        changed = self._said_changes()
        self._done = UserDone(
            target.router.name, target.user.service, target.user.username, OUTCOMES[kind], self.ended, changed,
            tuple(self.warnings),
        )  # fmt: skip
        tx.open_batch(kind, f"{steps.title_of(what.act, what.product)}: {target.title}")
        before = {name: getattr(target.user, name) for name in steps.COLUMNS}
        after = {name: value for name, value in self._columns(tx).items() if value != before[name]}
        if after:
            tx.conn.execute(update(t.router_user).where(t.router_user.c.id == target.user.id).values(**after))
            tx.audit(kind, "router_user", target.user.id, {name: before[name] for name in after}, after)
        write_marks(tx, what)
        to = f" to {what.product.name}" if what.product is not None else ""
        said = [target.title, *changed, *([ended_words(self.ended)] if self.ended else [])]
        told = {
            "kind": kind, "result": OUTCOMES[kind], "customer_id": what.customer_id, "router": target.router.name,
            "username": target.user.username, "sessions_ended": self.ended, "job": self.job_id,
        }  # fmt: skip
        w.add_activity(
            tx, target.lead.id, "other", f"{DONE[kind]}{to}: {', '.join(said)}",
            "\n".join(filter(None, (what.reason, *self.warnings))) or None, metadata_json=told,
        )  # fmt: skip
        package = {"package": what.product.name} if what.product is not None else {}
        events.emit(tx, EVENTS[kind], lead_id=target.lead.id, payload={**told, **package})
        return self._done

    def _columns(self, tx: WriteTx) -> dict[str, Any]:
        """What is true now of the router user; its package may have got another speed meanwhile."""
        goal = self.goal
        up, down = goal.queue_up_bps, goal.queue_down_bps
        given = (up, down) if up is not None and down is not None else None
        up, down = addresses.rates_now(tx, goal.product_id, given) or (None, None)
        return goal.columns() | {"queue_up_bps": up, "queue_down_bps": down}

    def _said_changes(self) -> tuple[str, ...]:
        found = steps.changes(self.target, self._known(), self.what)
        return tuple(change.words for change in found if change.what != "disabled")

    def was_done(self, tx: ReadTx) -> UserDone:
        """The commit went through, though its confirmation was lost."""
        if self._done is None:
            raise RuntimeError("the last transaction did not run here")
        return self._done

    def unchanged_words(self) -> str:
        """What a failure leaves as it was."""
        row = self.target.user
        return f"{row.username} stays {'suspended' if row.state == agreement.SUSPENDED else 'active'} in the records"


class SuspendRun(ServiceRun):
    """Disable, then drop the session."""

    kind: ClassVar[JobKind] = "suspend"


class ResumeRun(ServiceRun):
    """Enable again."""

    kind: ClassVar[JobKind] = "resume"


class PackageRun(ServiceRun):
    """Another profile, address and queue."""

    kind: ClassVar[JobKind] = "package"


RUNS: Mapping[str, type[ServiceRun]] = {run.kind: run for run in (SuspendRun, ResumeRun, PackageRun)}


# -- the customer's own record ---------------------------------------------------------------------------------------
def marks_of(tx: ReadTx, what: Order) -> list[Change]:
    """What the act will change of the customer itself, as far as its router users do not say it."""
    row = tx.conn.execute(select(t.customer).where(t.customer.c.id == what.customer_id)).one()
    changed = []
    state = _state_after(tx, what)
    if state is not None and state != row.state:
        changed.append(Change("state", row.state, state))
    if what.product is not None and row.product_id != what.product.id:
        old = tx.catalog.product_by_id.get(row.product_id)
        changed.append(Change("package", old.name if old is not None else None, what.product.name))
    return changed


def _state_after(tx: ReadTx, what: Order) -> str | None:
    """The customer's state when the act is done for every user it means; None where it does not change it."""
    if isinstance(what.act, ChangePackage):
        return None
    goal = agreement.SUSPENDED if isinstance(what.act, Suspend) else "active"
    meant = {target.user.id for target in what.targets}
    rest = [target.user.state for target in steps.targets(tx, what.customer_id) if target.user.id not in meant]
    return goal if all(state == goal for state in rest) else "partly"


def write_marks(tx: WriteTx, what: Order) -> None:
    """Bring the customer's state in line with its users, and its package with the act; the audit says what changed."""
    customer = t.customer
    row = tx.conn.execute(select(customer).where(customer.c.id == what.customer_id).with_for_update()).one()
    users = bool(what.targets) or bool(steps.targets(tx, what.customer_id))
    state = customer_rows.keep_state(tx, what.customer_id) if users else (_state_after(tx, what) or row.state)
    after: dict[str, Any] = {"state": state}
    if what.product is not None:
        after["product_id"] = what.product.id
    changed = {name: value for name, value in after.items() if value != getattr(row, name)}
    if changed:
        tx.conn.execute(update(customer).where(customer.c.id == what.customer_id).values(**changed))
        tx.audit(kind_of(what.act), "customer", what.customer_id, {k: getattr(row, k) for k in changed}, changed)
