"""What must stand on a router for a lead, and the one function that makes the router agree with it (`agree`).

The store says what must be there: the rows of `router_user`. Whatever else carries the lead's mark goes, and nothing
without that mark is ever touched (facts/mikrotik §c 1–4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select

from leadtui.errors import Invalid, LeadtuiError
from leadtui.router.port import (
    SERVICES,
    CancelToken,
    Probe,
    ProfileInUse,
    ProfileMissing,
    RouterAddress,
    RouterConflict,
    RouterMenuMissing,
    RouterPort,
    RouterRefused,
    Secret,
    WantedQueue,
    WantedUser,
)
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx

from . import routers, secrets

if TYPE_CHECKING:
    from .office import Office

Found = Literal["absent", "removed", "kept", "refused", "unknown"]

LOOK_DEADLINE_S = 6.0
"""How long the look at a router may take altogether; below the lease."""

_CERTAIN = (RouterConflict, ProfileMissing, ProfileInUse, RouterRefused, Invalid)
"""The router, or the port before it, said no and nothing was written: asking again would not help."""

FELT = frozenset({"name", "profile", "remote-address", "address"})
"""What a running session keeps as it was, until it ends (facts/mikrotik §0.9)."""

SUSPENDED = "suspended"
"""The state of a router user that is switched off."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the router found and did. `names` are users and queues.

    `error` is why it could not be asked (unknown), or why it holds something else than the store says (refused).
    """

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
                return f"the user {', '.join(self.names)} on {router} is as the store says"
            case "refused":
                return f"{router} refuses what the store says of the user {', '.join(self.names)}: {self.error}"
            case _:
                return f"what {router} holds now is not known, for it could not be asked"


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a look needs, read while the job was taken: no transaction is open during the look."""

    job: Any
    lead_number: str
    router_name: str
    where: RouterAddress | None
    expected: tuple[tuple[Any, Secret | None], ...]
    problem: str | None = None
    router: Any = None

    @property
    def kind(self) -> str:
        """What was asked for."""
        return str(self.job.kind)

    @property
    def tag(self) -> str:
        """The mark of the lead's things."""
        return str(self.job.tag)

    @property
    def asked(self) -> dict[str, Any]:
        """What the job wrote down."""
        return dict(self.job.request_json or {})

    @property
    def service(self) -> str:
        """The service the user was asked for."""
        return str(self.asked.get("service", "pppoe"))

    @property
    def services(self) -> tuple[Any, ...]:
        """Where things of the lead may be: the service asked for, and those of its users in the store."""
        named = {self.service, *self.asked.get("services", ()), *(row.service for row, _ in self.expected)}
        return tuple(service for service in SERVICES if service in named)

    @property
    def restores(self) -> bool:
        """Whether the job may have changed a user of the store: a first conversion never did (AG18)."""
        return self.kind != "convert" or bool(self.asked.get("prior"))

    @property
    def has_queues(self) -> bool:
        """Whether a simple queue may belong to it."""
        return (
            self.kind in {"package", "mend"}
            or bool(self.asked.get("queue"))
            or any(row.queue_up_bps or row.queue_down_bps for row, _ in self.expected)
        )


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
    return Case(job, number, router.name, where, expected, problem, router)


def wanted_of(row: Any, secret: Secret) -> WantedUser:
    """A row of `router_user` as the router must hold it."""
    return WantedUser(
        row.username, secret, row.service, row.profile or "", row.tag, row.ip, disabled=row.state == SUSPENDED
    )


def queue_of(row: Any) -> WantedQueue | None:
    """The simple queue that belongs to a row of `router_user`; None when it has none."""
    if row.ip is None or row.queue_up_bps is None or row.queue_down_bps is None:
        return None
    return WantedQueue(row.username, row.ip, row.queue_up_bps, row.queue_down_bps, row.tag)


def refuse_other_box(router: Any, probe: Probe) -> None:
    """Nothing is written to a router that calls itself otherwise than the one that was tested. Raises RouterRefused."""
    if router.identity and router.identity != probe.identity[:255]:  # as much as is kept
        raise RouterRefused(
            f"{router.name} calls itself {probe.identity} now, and {router.identity} before; nothing was sent to it",
            hint=f"if that is right, accept it with: leadtui router test {router.name} --accept",
        )


def look(case: Case, *, cancel: CancelToken | None = None) -> Look:
    """On a fresh connection, make the router agree with the store for this lead. Never raises a router's failure."""
    if case.where is None:
        return Look("unknown", error=case.problem)
    try:
        with routers.connect(case.where, deadline_s=LOOK_DEADLINE_S, cancel=cancel) as port:
            if case.router is not None:
                refuse_other_box(case.router, port.probe())
            return agree(port, case)
    except LeadtuiError as error:
        return Look("unknown", error=error.message)


def agree(port: RouterPort, case: Case) -> Look:
    """Make the router agree with the store for the case's lead, on the case's router. Raises a RouterFault.

    What carries the lead's mark and is not in the store goes: sessions ended first, so that nobody stays online
    unseen. What is in the store is put as it stands there; where the router says no to that, the answer is `refused`,
    for asking again would not help. Doing it twice does no more.
    """
    removed: list[str] = []
    known_as: dict[tuple[str, str], str] = {}
    for service in case.services:
        strays, renamed = _strays(port, case, service)
        known_as |= renamed
        removed += [name for name in strays if _remove_stray(port, case, service, name)]
    if case.has_queues:
        removed += _remove_queues(port, case)
    kept: list[str] = []
    if case.restores:
        for row, secret in case.expected:
            try:
                _restore(port, case, row, secret, known_as.get((row.service, row.username)))
            except _CERTAIN as error:
                return Look("refused", (row.username,), error.message)
            kept.append(row.username)
    if removed:
        return Look("removed", tuple(dict.fromkeys(removed)))
    return Look("kept", tuple(kept)) if kept else Look("absent")


def _strays(port: RouterPort, case: Case, service: Any) -> tuple[list[str], dict[tuple[str, str], str]]:
    """The users that carry the mark and are not in the store; and the user of the store that has another name there."""
    ours = {row.username: secret for row, secret in case.expected if row.service == service}
    found = port.find_tagged(service, case.tag)
    strays = [user.username for user in found if user.username not in ours]
    missing = set(ours) - {user.username for user in found}
    if case.restores and len(strays) == len(missing) == 1 and ours[name := missing.pop()] is not None:
        return [], {(service, name): strays[0]}  # it is renamed, and keeps its row and counters
    return strays, {}


def _remove_stray(port: RouterPort, case: Case, service: Any, username: str) -> bool:
    if is_online(port, service, username):
        port.set_disabled(service, username, case.tag, True)  # or he dials in again at once
        port.disconnect(service, username)
    return port.remove_user(service, username, case.tag)


def _remove_queues(port: RouterPort, case: Case) -> list[str]:
    wanted = {row.username for row, _ in case.expected if queue_of(row) is not None}
    return [
        queue.name
        for queue in port.find_queues(case.tag)
        if queue.name not in wanted and port.remove_queue(queue.name, case.tag)
    ]


def _restore(port: RouterPort, case: Case, row: Any, secret: Secret | None, known_as: str | None) -> None:
    """Put one user, and its queue, as the store says; a session that would keep something else is ended."""
    is_off = row.state == SUSPENDED
    changed: tuple[str, ...] = ()
    if secret is not None:
        reclaim = case.kind == "mend" and bool(case.asked.get("reclaim"))
        changed = port.ensure_user(wanted_of(row, secret), reclaim=reclaim, known_as=known_as).changed
    else:
        port.set_disabled(row.service, row.username, row.tag, is_off)  # its password is not known: all that can be put
    if (queue := queue_of(row)) is not None:
        port.ensure_queue(queue)
    if (is_off or FELT & set(changed)) and is_online(port, row.service, row.username):
        port.disconnect(row.service, row.username)


def is_online(port: RouterPort, service: Any, username: str) -> bool:
    """Whether the user has a running session; a router without the menu has none."""
    try:
        return bool(port.active(service, username))
    except RouterMenuMissing:
        return False
