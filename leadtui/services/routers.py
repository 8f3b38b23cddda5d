"""The routers an office may write to: the list, how to reach them, what they answer (spec AH14).

Anyone who may convert may see and test them; changing the list needs `config`. Passwords are stored encrypted
(`services.secrets`) and never answered; every act leaves an audit row without secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, update

from leadtui.errors import Duplicate, Invalid, NotFound, NotPermitted, Refused, RouterError
from leadtui.router.port import (
    SERVICES,
    CancelToken,
    RouterAddress,
    RouterPort,
    RouterTlsError,
    Secret,
)
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import fold

from . import secrets
from .provision_jobs import OPEN_STATES
from .router_values import columns_of, one_of

if TYPE_CHECKING:
    from .office import Office


TEST_DEADLINE_S = 8.0
READ_DEADLINE_S = 15.0


@dataclass(frozen=True, slots=True)
class RouterAnswer:
    """What a router said when asked who it is; `error` says why it did not. `hint` and `fingerprint` help further."""

    ok: bool
    identity: str | None = None
    version: str | None = None
    board: str | None = None
    latency_ms: float | None = None
    error: str | None = None
    hint: str | None = None
    fingerprint: str | None = None
    warning: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The object of the contract."""
        shown = ("ok", "identity", "version", "board", "latency_ms", "error")
        return {key: value for key, value in asdict(self).items() if key in shown}


# -- looking ---------------------------------------------------------------------------------------------------------
def list_routers(office: Office, *, include_inactive: bool = True) -> list[dict[str, Any]]:
    """Every router as a JSON-ready record, by name; no secrets. Needs `convert` or `config`."""
    with office.read() as tx:
        _may_look(tx)
        users = _counts(tx, t.router_user.c.router_id)
        pending = _counts(tx, t.provision_job.c.router_id, t.provision_job.c.state.in_(OPEN_STATES))
        rows = tx.conn.execute(select(t.router).order_by(func.lower(t.router.c.name))).all()
    return [
        _record(row, users.get(row.id, 0), pending.get(row.id, 0)) for row in rows if include_inactive or row.is_active
    ]


def get(office: Office, name: str) -> dict[str, Any]:
    """One router by its name. Raises NotFound."""
    with office.read() as tx:
        _may_look(tx)
        row = find(tx, name)
        users = _counts(tx, t.router_user.c.router_id).get(row.id, 0)
        pending = _counts(tx, t.provision_job.c.router_id, t.provision_job.c.state.in_(OPEN_STATES)).get(row.id, 0)
    return _record(row, users, pending)


def find(tx: ReadTx, name: str, *, field: str | None = None) -> Any:
    """The row of the router of that name, in any case. NotFound, or Invalid when the name is the value of `field`."""
    rows = tx.conn.execute(select(t.router).order_by(t.router.c.id)).all()
    wanted = name.strip()
    for row in rows:
        if row.name == wanted:
            return row
    for row in rows:
        if fold(row.name) == fold(wanted):
            return row
    names = ", ".join(r.name for r in rows if r.is_active)
    hint = f"one of: {names}" if names else "add one first: leadtui router add"
    if field is None:
        raise NotFound(f"there is no router '{wanted}'", hint=hint)
    raise Invalid(f"there is no router '{wanted}'", field=field, hint=hint)


def address(tx: ReadTx, office: Office, row: Any) -> RouterAddress:
    """How to reach a router, its password decrypted. Raises SecretKeyError."""
    return RouterAddress(
        host=row.host, port=row.port, username=row.username, password=secrets.get(tx, office, row.secret_ref),
        tls=row.tls, tls_pin=row.tls_pin, tls_ca=row.tls_ca, name=row.name,
    )  # fmt: skip


def connect(where: RouterAddress, *, deadline_s: float, cancel: CancelToken | None = None) -> RouterPort:
    """Open one job's conversation with a router. Raises a RouterFault."""
    from leadtui.router import open_router

    return open_router(where, deadline_s=deadline_s, cancel=cancel)


def _may_look(tx: ReadTx) -> None:
    if not (tx.actor.may("convert") or tx.actor.may("config")):
        raise NotPermitted("you may not see the routers", hint="those who convert leads may")


def _may_change(tx: ReadTx) -> None:
    if not tx.actor.may("config"):
        raise NotPermitted("you may not change the routers", hint="it needs the right to configure the office")


def _counts(tx: ReadTx, column: Any, *where: Any) -> dict[int, int]:
    query = select(column, func.count()).where(*where).group_by(column)
    return {int(key): int(count) for key, count in tx.conn.execute(query)}


def _record(row: Any, users: int, pending: int) -> dict[str, Any]:
    fields = (
        "id", "name", "host", "port", "tls", "tls_pin", "tls_ca", "username", "service", "is_active", "identity",
        "version", "board", "last_ok_at", "last_error",
    )  # fmt: skip
    record: dict[str, Any] = {key: getattr(row, key) for key in fields}
    return {**record, "users": users, "open_jobs": pending}


# -- changing --------------------------------------------------------------------------------------------------------
def add(office: Office, values: Mapping[str, str | None]) -> dict[str, Any]:
    """A new router. Keys: name host port tls tls_pin tls_ca username password service. Raises Invalid, Duplicate."""
    with office.write() as tx:
        _may_change(tx)
        columns, password = columns_of(values, None)
        _refuse_taken(tx, columns["name"], None)
        if password is None:
            raise Invalid("a router needs the password of its account", field="password")
        ref = secrets.new_ref("router")
        secrets.put(tx, office, ref, password)
        row_id = insert_id(tx.conn, t.router, **columns, secret_ref=ref, is_active=True, created_at=tx.now)
        tx.open_batch("router", f"add router {columns['name']}")
        tx.audit("create", "router", row_id, None, columns)
    return get(office, columns["name"])


def edit(office: Office, name: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    """Change a router: the keys of `add`, and `is_active` (yes/no). Only what is given changes. Raises Refused."""
    with office.write() as tx:
        _may_change(tx)
        row = find(tx, name)
        columns, password = columns_of(values, row)
        before = {key: getattr(row, key) for key in columns}
        changed = {key: value for key, value in columns.items() if value != before[key]}
        if "name" in changed:
            _refuse_taken(tx, changed["name"], row.id)
        if {"host", "port"} & changed.keys():
            _refuse_open(tx, row, "moved to another address")
            changed |= {"identity": None, "version": None, "board": None, "last_ok_at": None, "last_error": None}
        if password is not None:
            secrets.put(tx, office, row.secret_ref, password)
        if not changed and password is None:
            return _record(row, 0, 0)
        tx.open_batch("router", f"edit router {row.name}")
        if changed:
            tx.conn.execute(update(t.router).where(t.router.c.id == row.id).values(**changed))
        after = {k: v for k, v in changed.items() if k in columns}
        if password is not None:
            after["password"] = "changed"  # noqa: S105
        tx.audit("edit", "router", row.id, {k: before.get(k) for k in after}, after)
        name = str(changed.get("name", row.name))
    return get(office, name)


def remove(office: Office, name: str) -> None:
    """Forget a router. Refused while users of ours or unsettled jobs refer to it."""
    with office.write() as tx:
        _may_change(tx)
        row = find(tx, name)
        users = _counts(tx, t.router_user.c.router_id).get(row.id, 0)
        if users:
            raise Refused(
                f"{row.name} holds {users} user{'' if users == 1 else 's'} of our customers", code="in_use",
                hint=f"to stop using it: leadtui router edit {row.name} --inactive",
            )  # fmt: skip
        _refuse_open(tx, row, "removed")
        tx.open_batch("router", f"remove router {row.name}")
        tx.conn.execute(delete(t.provision_job).where(t.provision_job.c.router_id == row.id))
        tx.conn.execute(delete(t.router).where(t.router.c.id == row.id))
        secrets.drop(tx, row.secret_ref)
        tx.audit("delete", "router", row.id, {"name": row.name, "host": row.host, "port": row.port}, None)


def _refuse_open(tx: ReadTx, row: Any, done: str) -> None:
    job = t.provision_job.c
    query = select(func.count()).where(
        job.router_id == row.id, or_(job.state.in_(OPEN_STATES), job.recheck_until.is_not(None))
    )
    if tx.conn.execute(query).scalar():
        raise Refused(
            f"{row.name} cannot be {done}: conversions on it are not settled", code="open_jobs",
            hint="settle them first: leadtui router pending --resolve",
        )  # fmt: skip


def _refuse_taken(tx: ReadTx, name: str, own_id: int | None) -> None:
    for row in tx.conn.execute(select(t.router.c.id, t.router.c.name)):
        if row.id != own_id and fold(row.name) == fold(name):
            raise Duplicate(f"there is a router {row.name} already", field="name", hint="choose another name")


# -- asking the router -------------------------------------------------------------------------------------------------
def test(office: Office, name: str, *, cancel: CancelToken | None = None) -> RouterAnswer:  # noqa: PT028
    """Ask a router who it is, with a deadline, and remember the answer. A router that fails is an answer, no error."""
    with office.read() as tx:
        _may_look(tx)
        row = find(tx, name)
        where = address(tx, office, row)
    try:
        with connect(where, deadline_s=TEST_DEADLINE_S, cancel=cancel) as port:
            probe = port.probe()
    except RouterError as fault:
        result = RouterAnswer(
            ok=False, error=fault.message, hint=fault.hint,
            fingerprint=fault.fingerprint if isinstance(fault, RouterTlsError) else None,
        )  # fmt: skip
        if cancel is not None and cancel.cancelled:
            return result
    else:
        other = row.identity is not None and row.identity != probe.identity
        result = RouterAnswer(
            ok=True, identity=probe.identity, version=probe.version, board=probe.board, latency_ms=probe.latency_ms,
            warning=f"it called itself {row.identity} before" if other else None,
        )  # fmt: skip
    with office.write() as tx:
        remember_answer(tx, row.id, result)
        told = {k: v for k, v in result.as_json().items() if k != "latency_ms"}
        tx.audit("test", "router", row.id, None, told)
    return result


def remember_answer(tx: WriteTx, router_id: int, result: RouterAnswer) -> None:
    """Keep what a router said of itself, or why it did not answer, with its record."""
    values: dict[str, Any] = {"last_error": result.error}
    if result.ok:
        values |= {"identity": result.identity, "version": result.version, "board": result.board, "last_ok_at": tx.now}
    tx.conn.execute(update(t.router).where(t.router.c.id == router_id).values(**values))


def profiles(office: Office, name: str, *, service: str | None = None) -> list[dict[str, Any]]:
    """The profiles of a router, as it answers. Raises a RouterFault."""
    with office.read() as tx:
        _may_look(tx)
        row = find(tx, name)
        where = address(tx, office, row)
    with connect(where, deadline_s=READ_DEADLINE_S) as port:
        found = port.profiles(one_of(service or row.service, SERVICES, "service"))  # type: ignore[arg-type]
    return [asdict(profile) for profile in found]


def users(office: Office, name: str, *, cancel: CancelToken | None = None) -> dict[str, Any]:
    """The users this program made on a router, as they stand there now: `{"total", "users", "foreign_count"}`.

    `state` is active, disabled, orphaned (on the router, unknown here) or missing (here, not on the router). What
    other people made is only counted. Leads outside the actor's scope are not named. Raises a RouterFault.
    """
    from leadtui.store.scope import scope_clause

    with office.read() as tx:
        _may_look(tx)
        row = find(tx, name)
        where = address(tx, office, row)
        user = t.router_user
        seen = select(t.lead.c.id, t.lead.c.number).where(scope_clause(tx.actor, "read")).subquery()
        query = (
            select(user, seen.c.number.label("lead_number"))
            .outerjoin(seen, seen.c.id == user.c.lead_id)
            .where(user.c.router_id == row.id)
            .order_by(user.c.username)
        )
        known = {(r.service, r.username): r for r in tx.conn.execute(query)}
    answer: list[dict[str, Any]] = []
    foreign = 0
    services = {row.service, *(service for service, _ in known)}
    with connect(where, deadline_s=READ_DEADLINE_S, cancel=cancel) as port:
        for service in SERVICES:
            if service not in services:
                continue
            for found in port.users(service):
                if found.tag is None:
                    foreign += 1
                    continue
                ours = known.pop((service, found.username), None)
                state = "orphaned" if ours is None else "disabled" if found.disabled else "active"
                answer.append(_user(ours, found.username, service, found.profile, found.ip, state))
    answer += [_user(r, r.username, r.service, r.profile, r.ip, "missing") for r in known.values()]
    answer.sort(key=lambda u: str(u["username"]))
    return {"total": len(answer), "users": answer, "foreign_count": foreign}


def reveal(office: Office, name: str, service: str, username: str) -> Secret | None:
    """The stored password of a router user, for who may convert its lead; None otherwise. Leaves an audit row."""
    with office.write() as tx:
        _may_look(tx)
        router = find(tx, name)
        user = t.router_user
        query = (
            select(user.c.id, user.c.secret_ref, t.lead.c.assigned_to_id, t.lead.c.branch_id)
            .join(t.lead, t.lead.c.id == user.c.lead_id)
            .where(user.c.router_id == router.id, user.c.service == service, user.c.username == username)
        )
        row = tx.conn.execute(query).one_or_none()
        if row is None or row.secret_ref is None:
            return None
        if not tx.actor.may_on("convert", assigned_to_id=row.assigned_to_id, branch_id=row.branch_id):
            return None
        tx.audit("reveal", "router_user", row.id, None, {"username": username, "router": router.name})
        return secrets.get(tx, office, row.secret_ref)


def _user(
    row: Any | None, username: str, service: str, profile: str | None, ip: str | None, state: str
) -> dict[str, Any]:
    return {
        "username": username, "service": service, "profile": profile, "ip": ip, "state": state,
        "lead_number": row.lead_number if row is not None else None,
        "customer_id": row.customer_id if row is not None else None,
    }  # fmt: skip


__all__ = [
    "OPEN_STATES",
    "RouterAnswer",
    "add",
    "address",
    "connect",
    "edit",
    "find",
    "get",
    "list_routers",
    "profiles",
    "remember_answer",
    "remove",
    "reveal",
    "test",
    "users",
]  # fmt: skip
