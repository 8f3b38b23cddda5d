"""The rows of routers: finding one, how to reach it, who may look and change, the record that is shown of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from leadtui.errors import Invalid, NotFound, NotPermitted
from leadtui.router.port import CancelToken, RouterAddress, RouterPort
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import fold

from . import secrets
from .provision_jobs import OPEN_STATES

if TYPE_CHECKING:
    from .office import Office

_FIELDS = (
    "id", "name", "host", "port", "tls", "tls_pin", "tls_ca", "username", "service", "is_active", "identity",
    "version", "board", "last_ok_at", "last_error",
)  # fmt: skip


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


def may_look(tx: ReadTx) -> None:
    """Raise NotPermitted unless the actor may see the routers."""
    if not (tx.actor.may("convert") or tx.actor.may("config")):
        raise NotPermitted("you may not see the routers", hint="those who convert leads may")


def may_change(tx: ReadTx) -> None:
    """Raise NotPermitted unless the actor may change the routers."""
    if not tx.actor.may("config"):
        raise NotPermitted("you may not change the routers", hint="it needs the right to configure the office")


def users_on(tx: ReadTx) -> dict[int, int]:
    """Router id → how many users of ours the store has on it."""
    return _counts(tx, t.router_user.c.router_id)


def open_jobs(tx: ReadTx) -> dict[int, int]:
    """Router id → how many jobs on it are not settled."""
    return _counts(tx, t.provision_job.c.router_id, t.provision_job.c.state.in_(OPEN_STATES))


def _counts(tx: ReadTx, column: Any, *where: Any) -> dict[int, int]:
    query = select(column, func.count()).where(*where).group_by(column)
    return {int(key): int(count) for key, count in tx.conn.execute(query)}


def records(tx: ReadTx, rows: list[Any]) -> list[dict[str, Any]]:
    """Rows as JSON-ready records, without secrets."""
    users, pending = users_on(tx), open_jobs(tx)
    branches = tx.catalog.branch_by_id
    found: list[dict[str, Any]] = []
    for row in rows:
        record: dict[str, Any] = {key: getattr(row, key) for key in _FIELDS}
        branch = branches.get(row.branch_id)
        record |= {"branch": branch.name if branch else None, "areas": list(row.areas_json or ())}
        found.append({**record, "users": users.get(row.id, 0), "open_jobs": pending.get(row.id, 0)})
    return found


def for_audit(tx: ReadTx, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as an audit row names them: a branch by its name."""
    told = {key.removesuffix("_json"): value for key, value in columns.items() if key != "branch_id"}
    if "branch_id" in columns:
        branch = tx.catalog.branch_by_id.get(columns["branch_id"])
        told["branch"] = branch.name if branch else None
    return told
