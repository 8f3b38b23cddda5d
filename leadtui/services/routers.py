"""The routers an office may write to: the list, changing it, what stands on them (spec AH14).

Anyone who may convert may see and test them; changing the list needs `config`. Passwords are stored encrypted
(`services.secrets`) and never answered; every act leaves an audit row without secrets. Asking them who they are is in
`router_probe`, finding and reaching one in `router_records`; both are called by the names here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, update

from leadtui.errors import Duplicate, Invalid, Refused
from leadtui.router.port import SERVICES, CancelToken, Secret
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, insert_id
from leadtui.text import fold

from . import secrets
from .provision_jobs import OPEN_STATES
from .router_probe import (
    TEST_DEADLINE_S,
    OnAnswer,
    RouterAnswer,
    accept_identity,
    fingerprint,
    probe_all,
    remember_answer,
    test,
    trust,
)
from .router_records import address, connect, find, for_audit, may_change, may_look, records, users_on
from .router_values import columns_of, is_moved, one_of, tls_warning

if TYPE_CHECKING:
    from .office import Office

READ_DEADLINE_S = 15.0


# -- looking ---------------------------------------------------------------------------------------------------------
def list_routers(office: Office, *, include_inactive: bool = True) -> list[dict[str, Any]]:
    """Every router as a JSON-ready record, by name; no secrets. Needs `convert` or `config`."""
    with office.read() as tx:
        may_look(tx)
        rows = tx.conn.execute(select(t.router).order_by(func.lower(t.router.c.name))).all()
        return records(tx, [row for row in rows if include_inactive or row.is_active])


def get(office: Office, name: str) -> dict[str, Any]:
    """One router by its name. Raises NotFound."""
    with office.read() as tx:
        may_look(tx)
        return records(tx, [find(tx, name)])[0]


# -- changing --------------------------------------------------------------------------------------------------------
def add(office: Office, values: Mapping[str, str | None]) -> dict[str, Any]:
    """A new router. Keys: name host port tls tls_pin tls_ca username password service branch areas (divided by
    commas). Raises Invalid, Duplicate.
    """
    with office.write() as tx:
        may_change(tx)
        columns, password = columns_of(values, None, tx.catalog)
        _refuse_taken(tx, columns["name"], None)
        if password is None:
            raise Invalid("a router needs the password of its account", field="password")
        ref = secrets.new_ref("router")
        secrets.put(tx, office, ref, password)
        row_id = insert_id(tx.conn, t.router, **columns, secret_ref=ref, is_active=True, created_at=tx.now)
        tx.open_batch("router", f"add router {columns['name']}")
        tx.audit("create", "router", row_id, None, for_audit(tx, columns))
        return records(tx, [find(tx, columns["name"])])[0]


def edit(office: Office, name: str, values: Mapping[str, str | None]) -> dict[str, Any]:
    """Change a router: the keys of `add`, and `is_active` (yes/no). Only what is given changes. Raises Refused."""
    with office.write() as tx:
        may_change(tx)
        row = find(tx, name)
        columns, password = columns_of(values, row, tx.catalog)
        before = {key: getattr(row, key) for key in columns}
        changed = {key: value for key, value in columns.items() if value != before[key]}
        if "name" in changed:
            _refuse_taken(tx, changed["name"], row.id)
        forgotten: dict[str, Any] = {}
        if is_moved(row, changed):
            _refuse_open(tx, row, "moved to another address")
            forgotten = dict.fromkeys(("identity", "version", "board", "last_ok_at", "last_error"))
            tx.conn.execute(delete(t.router_capacity).where(t.router_capacity.c.router_id == row.id))
        if password is not None:
            secrets.put(tx, office, row.secret_ref, password)
        if changed or password is not None:
            tx.open_batch("router", f"edit router {row.name}")
            told = for_audit(tx, changed) | ({"password": "changed"} if password is not None else {})
            tx.audit("edit", "router", row.id, for_audit(tx, {key: before[key] for key in changed}), told)
        if changed:
            tx.conn.execute(update(t.router).where(t.router.c.id == row.id).values(**changed, **forgotten))
        return records(tx, [find(tx, str(changed.get("name", row.name)))])[0]


def remove(office: Office, name: str) -> None:
    """Forget a router. Refused while users of ours or unsettled jobs refer to it."""
    with office.write() as tx:
        may_change(tx)
        row = find(tx, name)
        users = users_on(tx).get(row.id, 0)
        if users:
            raise Refused(
                f"{row.name} holds {users} user{'' if users == 1 else 's'} of our customers", code="in_use",
                hint=f"to stop using it: leadtui router edit {row.name} --inactive",
            )  # fmt: skip
        _refuse_open(tx, row, "removed")
        tx.open_batch("router", f"remove router {row.name}")
        for table in (t.provision_job, t.router_capacity, t.router_profile):
            tx.conn.execute(delete(table).where(table.c.router_id == row.id))
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
            f"{row.name} cannot be {done}: something asked of it is not settled", code="open_jobs",
            hint="settle them first: leadtui router pending --resolve",
        )  # fmt: skip


def _refuse_taken(tx: ReadTx, name: str, own_id: int | None) -> None:
    for row in tx.conn.execute(select(t.router.c.id, t.router.c.name)):
        if row.id != own_id and fold(row.name) == fold(name):
            raise Duplicate(f"there is a router {row.name} already", field="name", hint="choose another name")


# -- what stands on it -------------------------------------------------------------------------------------------------
def profiles(office: Office, name: str, *, service: str | None = None) -> list[dict[str, Any]]:
    """The profiles of a router, as it answers. Raises a RouterFault."""
    with office.read() as tx:
        may_look(tx)
        row = find(tx, name)
        asked: Any = one_of(service or row.service, SERVICES, "service")
        where = address(tx, office, row)
    with connect(where, deadline_s=READ_DEADLINE_S) as port:
        found = port.profiles(asked)
    return [asdict(profile) for profile in found]


def users(office: Office, name: str, *, cancel: CancelToken | None = None) -> dict[str, Any]:
    """The users this program made on a router, as they stand there now; see `router_standing.users`."""
    from . import router_standing

    return router_standing.users(office, name, cancel=cancel)


def reveal(office: Office, name: str, service: str, username: str) -> Secret | None:
    """The stored password of a router user, for who may convert its lead; None otherwise. Leaves an audit row."""
    with office.write() as tx:
        may_look(tx)
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


__all__ = [
    "OPEN_STATES",
    "TEST_DEADLINE_S",
    "OnAnswer",
    "RouterAnswer",
    "accept_identity",
    "add",
    "address",
    "connect",
    "edit",
    "find",
    "fingerprint",
    "get",
    "list_routers",
    "probe_all",
    "profiles",
    "remember_answer",
    "remove",
    "reveal",
    "test",
    "tls_warning",
    "trust",
    "users",
]
