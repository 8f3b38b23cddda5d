"""One conversion with a router user: what the frame of `saga` is filled with.

connect (who it is, a free name, an address) → user → queue → read back → the customer, in the last transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from leadtui.domain.conversion import JobKind, StepEvent
from leadtui.errors import Duplicate
from leadtui.router.port import (
    CancelToken,
    Difference,
    ProfileMissing,
    RouterMismatch,
    RouterPort,
    WantedQueue,
    WantedUser,
    is_marked,
)
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import addresses, customers, provision_jobs
from . import conversion_order as orders
from . import conversion_steps as steps
from .agreement import FELT, is_online
from .conversion_order import ConvertRequest, Order, UserOrder
from .conversion_steps import Finished
from .package_profiles import push_hint
from .saga import Saga, Subject, Tell

if TYPE_CHECKING:
    from .office import Office

_NAMES_TRIED = 20
_ADDRESSES_TRIED = 20


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What came of it: the order as carried out, what the last transaction wrote, what a person should know."""

    order: Order
    finished: Finished
    warnings: tuple[str, ...] = ()


class TakenMeanwhile(Duplicate):
    """The name or address we chose was taken by another conversion before it was written down: choose again."""


def free_name(port: RouterPort, another: Callable[[frozenset[str]], str], user: UserOrder) -> str:
    """A user name that the router does not know either; `another` suggests one besides those taken."""
    name, taken = user.username, set[str]()
    for _ in range(_NAMES_TRIED):
        found = port.read_user(user.service, name)  # type: ignore[arg-type]
        if found is None or is_marked(found.comment, user.tag):
            return name
        taken.add(name)
        name = another(frozenset(taken))
    return name


def profile_pool(port: RouterPort, user: UserOrder) -> str | None:
    """Where the user's profile leases addresses from."""
    found = next((p for p in port.profiles(user.service) if p.name == user.profile), None)  # type: ignore[arg-type]
    return found.remote_address if found is not None else None


def wanted_user(user: UserOrder) -> WantedUser:
    """The user as the router must hold it."""
    return WantedUser(user.username, user.password, user.service, user.profile, user.tag, user.ip)  # type: ignore[arg-type]


def wanted_queue(user: UserOrder) -> WantedQueue | None:
    """The simple queue beside it, named like the user; None when the package asks for none."""
    if user.queue is None or user.ip is None:
        return None
    return WantedQueue(user.username, user.ip, *user.queue, user.tag)


class Provisioning(Saga[Provisioned]):
    """The run of one conversion. `order` was checked and the intent written in one transaction (`begin`)."""

    kind: ClassVar[JobKind] = "convert"

    def __init__(
        self, office: Office, job_id: int, order: Order, user: UserOrder, *, request: ConvertRequest, secret_ref: str,
        tell: Tell | None, cancel: CancelToken | None,
    ) -> None:  # fmt: skip
        subject = Subject(order.lead.id, order.lead.number, user.router, user.service, user.username, user.tag)
        super().__init__(office, job_id, subject, tell=tell, cancel=cancel)
        self.order = order
        self.user = user
        self.request = request
        self.secret_ref = secret_ref
        self.warnings: tuple[str, ...] = ()

    @classmethod
    def begin(
        cls, tx: WriteTx, office: Office, order: Order, user: UserOrder, *, request: ConvertRequest,
        tell: Tell | None, cancel: CancelToken | None,
    ) -> Provisioning:  # fmt: skip
        """Write the intent: the job `planned`, its password encrypted."""
        secret_ref = steps.store_secret(tx, office, user.password)
        job_id = provision_jobs.begin(
            tx, kind=cls.kind, lead_id=order.lead.id, router_id=user.router.id, tag=user.tag, username=user.username,
            request_json=_asked(user), secret_ref=secret_ref,
        )  # fmt: skip
        told = {**_asked(user), "router": user.router.name, "username": user.username, "lead": order.lead.number}
        tx.audit("plan", "provision_job", job_id, None, told)
        return cls(office, job_id, order, user, request=request, secret_ref=secret_ref, tell=tell, cancel=cancel)

    # -- the way forward ----------------------------------------------------------------------------------------------
    def prepare(self, port: RouterPort) -> None:
        """A name and an address that are free on the router too."""
        self._choose_name(port)
        self._draw(port)

    @property
    def _chooses_name(self) -> bool:
        return self.user.auto_name and self.user.prior is None

    def _choose_name(self, port: RouterPort) -> None:
        if self._chooses_name:
            self.user = replace(self.user, username=free_name(port, self._other_name, self.user))

    def _other_name(self, taken: frozenset[str]) -> str:
        with self.office.read() as tx:
            return orders.suggested_name(tx, self.order.lead, taken)

    def _draw(self, port: RouterPort) -> None:
        user = self.user
        if not user.address.is_fixed:
            return
        with self.office.read() as tx:
            taken = addresses.taken_in_store(tx, user.router.id, self.order.lead.id)
        found = addresses.settle_address(
            port, user.address, router=user.router.name, username=user.username,
            profile_pool=profile_pool(port, user), taken=taken,
        )  # fmt: skip
        self.user = replace(user, ip=found.ip)
        self.warnings = found.warnings

    def start_applying(self, port: RouterPort) -> None:
        """As for every job; a name or an address that another conversion took in this very moment is chosen again."""
        for _ in range(_ADDRESSES_TRIED):
            try:
                return super().start_applying(port)
            except TakenMeanwhile as error:
                if error.field == "username":
                    self.user = replace(self.user, username=self._other_name(frozenset()))
                    self._choose_name(port)
                self._draw(port)
        return super().start_applying(port)

    def guard(self, tx: WriteTx) -> Mapping[str, Any]:
        """Name and address are still free among ours; both are written down before anything is sent."""
        user, lead = self.user, self.order.lead
        customers.one_at_a_time(tx)
        try:
            orders.refuse_taken(tx, lead, user.router, user.username)
            if user.ip is not None:
                addresses.refuse_taken_address(tx, user.router, user.ip, lead.id)
        except Duplicate as error:
            if self._chooses_name if error.field == "username" else user.address.ip is None:
                raise TakenMeanwhile(error.message, field=error.field, hint=error.hint) from None
            raise
        return {"username": user.username, "request_json": _asked(user)}

    def apply(self, port: RouterPort) -> None:
        """The user, its queue where the package asks for one, and both read once more."""
        user, router = self.user, self.user.router.name
        wanted, queue = wanted_user(user), wanted_queue(user)
        self.at("user", f"Making the user {user.username}")
        try:
            made = port.ensure_user(wanted, on_step=lambda text: self.tell(StepEvent("user", "started", text)))
        except ProfileMissing as error:
            error.hint = f"{push_hint(user.product.name, router)}; or choose another package"
            raise
        self.tell(StepEvent("user", "done", f"{user.username} is on {router}"))
        if queue is not None:
            self.at("queue", f"Making the queue {queue.name}")
            port.ensure_queue(queue, on_step=lambda text: self.tell(StepEvent("queue", "started", text)))
            self.tell(StepEvent("queue", "done", f"the queue {queue.name} is on {router}"))
        elif self._had_queue:
            self.at("queue", f"Removing the queue {user.username}")
            for old in port.find_queues(user.tag):
                port.remove_queue(old.name, user.tag)
            self.tell(StepEvent("queue", "done", f"no queue of {user.username} is on {router} any more"))
        if FELT & set(made.changed) and is_online(port, wanted.service, wanted.username):
            self.at("sessions", f"Ending the session of {user.username}, which keeps what it had")
            port.disconnect(wanted.service, wanted.username)
        self.at("read_back", f"Reading {user.username} back")
        read_back(port, wanted, queue, router)
        self.tell(StepEvent("read_back", "done", f"{router} holds what it was given"))

    @property
    def _had_queue(self) -> bool:
        prior = self.user.prior
        return prior is not None and bool(prior.queue_up_bps or prior.queue_down_bps)

    # -- the last transaction -----------------------------------------------------------------------------------------
    def truth(self, tx: WriteTx) -> Provisioned:
        """The lead becomes a customer; everything is checked again."""
        user = self.user
        fixed = None
        if self.request.router is not None:
            fixed = replace(self.request.router, username=user.username, ip=user.ip or self.request.router.ip)
        checked = orders.check(tx, self.order.lead.id, replace(self.request, router=fixed))
        prior = checked.user.prior if checked.user is not None else None
        order = replace(checked, user=replace(user, prior=prior))
        return Provisioned(order, steps.finish(tx, order, secret_ref=self.secret_ref), self.warnings)

    def was_done(self, tx: ReadTx) -> Provisioned:
        """Read what our own last transaction wrote."""
        lead = orders.read_lead(tx, self.order.lead.id)
        found = tx.conn.execute(steps.batch_of_conversion(lead.id)).scalar()
        return Provisioned(
            replace(self.order, user=self.user), Finished(lead.customer_id, int(found or 0)), self.warnings
        )

    def closing_words(self, done: Provisioned) -> str:
        """The lead's new status."""
        return f"{done.order.lead.number} is {done.order.target.name}"

    def unchanged_words(self) -> str:
        """The lead keeps the status it has (AG18)."""
        return f"{self.order.lead.number} is still {self.order.stage.name}"


def read_back(port: RouterPort, wanted: WantedUser, queue: WantedQueue | None, router: str) -> None:
    """Read user and queue once more when all is written, and compare. Raises RouterMismatch."""
    user = port.read_user(wanted.service, wanted.username, wanted.password)
    if user is None or not is_marked(user.comment, wanted.tag):
        raise RouterMismatch(f"{router} does not hold the user {wanted.username} any more.", row=user)
    pairs = (
        ("profile", wanted.profile, user.profile), ("address", wanted.ip or "", user.ip or ""),
        ("disabled", str(wanted.disabled), str(user.disabled)),
        ("password", "•••", "other" if user.password_matches is False else "•••"),
    )  # fmt: skip
    found = tuple(Difference(name, want, have) for name, want, have in pairs if want != have)
    if found:
        names = ", ".join(one.field for one in found)
        raise RouterMismatch(
            f"{router} holds the user {wanted.username} with another {names} than it was given.", row=user,
            differences=found,
        )  # fmt: skip
    if queue is not None and not any(have.name == queue.name for have in port.find_queues(queue.tag)):
        raise RouterMismatch(f"{router} does not hold the queue {queue.name} any more.", row=None)


def _asked(user: UserOrder) -> dict[str, Any]:
    """What the journal says was asked for; never the password."""
    prior = user.prior
    had_queue = prior is not None and bool(prior.queue_up_bps or prior.queue_down_bps)
    return {
        "service": user.service, "profile": user.profile, "package": user.product.name, "ip": user.ip,
        "pool": user.address.pool, "queue": user.queue is not None or had_queue, "prior": prior is not None,
    }  # fmt: skip
