"""The only place where a transaction begins.

    with store.read() as tx: …            a snapshot, never the write lock
    with store.write(actor, origin) as tx: …   BEGIN IMMEDIATE on SQLite; commit at the end, roll back on any error

`actor` is a function of the catalogue, so that a role taken away a second ago counts in this very transaction.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Date, bindparam, insert, update
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.permissions import Actor
from leadtui.errors import DatabaseUnreachable, Duplicate, Refused

from . import catalog as catalogs
from . import schema as t
from .engine import database_url, files_of, make_engine, sqlite_path
from .turns import Turns
from .types import UtcDateTime

_STOOD_STILL = "25P03"
"""PostgreSQL closed the connection of a program that was stopped in the middle of a transaction."""

ActorOf = Callable[[Catalog], Actor]


def nobody(_catalog: Catalog) -> Actor:
    """An actor who may do nothing: for reads that are not on a person's behalf."""
    return Actor(user_id=0, login="", name="", role="")


@dataclass
class ReadTx:
    """An open read transaction: the connection, the catalogue as it stands in it, and the moment it began."""

    conn: Connection
    catalog: Catalog
    now: datetime
    actor: Actor

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.conn.dialect.name == "sqlite"


@dataclass
class WriteTx(ReadTx):
    """An open write transaction, with the batch and the audit of what it changes."""

    origin: str = ""
    batch_id: int | None = None
    _pending: dict[str, tuple[Any, list[dict[str, Any]]]] = field(default_factory=dict)
    _touched: dict[tuple[str, int | None], None] = field(default_factory=dict)
    _leads_touched: int = 0
    _counted: int = -1
    _at_end: dict[Callable[[WriteTx, Sequence[int]], None], dict[int, None]] = field(default_factory=dict)

    def open_batch(self, kind: str, label: str, *, undoes_id: int | None = None) -> int:
        """Begin the batch that `undo` takes back as a whole; returns its id. Once per transaction."""
        if self.batch_id is None:
            self.batch_id = insert_id(
                self.conn,
                t.batch,
                kind=kind,
                label=label[:255],
                by_id=self.actor.user_id,
                at=self.now,
                count=0,
                undoes_id=undoes_id,
            )
        return self.batch_id

    def audit(
        self,
        action: str,
        entity: str,
        entity_id: int | None,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        """Record one changed row: only the columns that changed, as plain JSON values, never a secret."""
        self.later(
            t.audit,
            at=self.now,
            user_id=self.actor.user_id,
            origin=self.origin,
            action=action,
            entity=entity,
            entity_id=entity_id,
            before_json=plain(before),
            after_json=plain(after),
            batch_id=self.batch_id,
        )
        if (entity, entity_id) not in self._touched:
            self._touched[entity, entity_id] = None
            self._leads_touched += entity == "lead"

    def later(self, table: Any, **values: Any) -> None:
        """Insert this row when the transaction is flushed: many rows of one table go in one statement.

        Rows of one table must name the same columns.
        """
        self._pending.setdefault(f"{table.name}:{','.join(values)}", (table, []))[1].append(values)

    def update_later(self, table: Any, row_id: int, values: dict[str, Any]) -> None:
        """Update this row when the transaction is flushed. The row must be locked: read in this write transaction."""
        key = f"update {table.name}:{','.join(sorted(values))}"
        renamed = {f"v_{k}": v for k, v in values.items()}
        self._pending.setdefault(key, (table, []))[1].append({"row_id": row_id, **renamed})

    def at_end(self, work: Callable[[WriteTx, Sequence[int]], None], lead_id: int) -> None:
        """Before the transaction ends, do `work` once with all the leads it was asked for.

        It must look for itself at what is to be done: a part of a bulk act may have been refused meanwhile.
        """
        self._at_end.setdefault(work, {})[lead_id] = None

    def sooner(self, work: Callable[[WriteTx, Sequence[int]], None], lead_id: int) -> None:
        """Do now for this lead what `at_end` was asked for, if it was: its outcome is about to be looked at."""
        asked = self._at_end.get(work, {})
        if lead_id in asked:
            del asked[lead_id]
            work(self, (lead_id,))

    def finish(self) -> None:
        """What `at_end` was asked for; then everything that waits is written."""
        self.flush()
        while self._at_end:
            asked, self._at_end = self._at_end, {}
            for work, ids in asked.items():
                if ids:
                    work(self, tuple(ids))
        self.flush()

    def mark(self) -> dict[str, int]:
        """How much waits to be written and counts for the batch, for `back_to`."""
        return {key: len(rows) for key, (_, rows) in self._pending.items()} | {"": len(self._touched)}

    def back_to(self, mark: dict[str, int]) -> None:
        """Forget what was put behind `mark`: the part of a bulk act that was refused."""
        self._counted = -1
        for key in list(self._pending):
            del self._pending[key][1][mark.get(key, 0) :]
            if not self._pending[key][1]:
                del self._pending[key]
        while len(self._touched) > mark.get("", 0):
            (entity, _), _ = self._touched.popitem()
            self._leads_touched -= entity == "lead"

    def flush(self) -> None:
        """Write what waits, in the order of its first row."""
        pending, self._pending = self._pending, {}
        for key, (table, rows) in pending.items():
            if key.startswith("update "):
                columns = [name[2:] for name in rows[0] if name != "row_id"]
                statement = (
                    update(table)
                    .where(table.c.id == bindparam("row_id"))
                    .values({c: bindparam(f"v_{c}", type_=table.c[c].type) for c in columns})
                )
                self.conn.execute(statement, rows)
            else:
                self.conn.execute(insert(table), rows)
        if self.batch_id is not None and pending:
            size = self._leads_touched or len(self._touched)
            if size == self._counted:
                return
            self._counted = size
            self.conn.execute(update(t.batch).where(t.batch.c.id == self.batch_id).values(count=size))

    def forget_pending(self) -> None:
        """Drop what waits to be written: after a savepoint was rolled back."""
        self._pending.clear()
        self._counted = -1

    def catalog_changed(self) -> None:
        """A small table was changed: let this transaction and every process read it anew."""
        catalogs.touch(self.conn)
        self.catalog = catalogs.load(self.conn)


def plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Column values as JSON keeps them: times and dates as ISO text."""
    if values is None:
        return None
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in values.items()}


def typed(column: Any, value: Any) -> Any:
    """A column's value from the plain JSON of the audit: what `plain` made of it."""
    if value is None or not isinstance(value, str):
        return value
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    return value


def insert_id(conn: Connection, table: Any, **values: Any) -> int:
    """Insert one row and return its id."""
    result = conn.execute(insert(table).values(**values))
    key = result.inserted_primary_key
    if key is None:
        raise RuntimeError("the database returned no id")
    return int(key[0])


class Store:
    """One database. Opens connections as needed; safe to use from many threads."""

    def __init__(self, url: str | URL) -> None:
        self.url = database_url(url) if isinstance(url, str) else url
        self.engine: Engine = make_engine(self.url)
        self._catalog: Catalog | None = None
        self._lock = threading.Lock()
        self._turns = Turns(self.path) if self.path is not None else None

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database."""
        return sqlite_path(self.url)

    @property
    def files(self) -> Path:
        """The folder of the leads' documents."""
        return files_of(self.url)

    @property
    def name(self) -> str:
        """How to name the database to a person: its path, or its URL without the password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _cached(self, conn: Connection) -> Catalog:
        current = catalogs.version(conn)
        known = self._catalog
        if known is None or known.version != current:
            known = catalogs.load(conn, current)
            with self._lock:
                self._catalog = known
        return known

    @contextmanager
    def read(self, actor: ActorOf = nobody) -> Iterator[ReadTx]:
        """A read transaction: one snapshot, no write lock. Raises DatabaseUnreachable."""
        with _translated(self), self.engine.connect() as raw:
            conn = raw.execution_options(readonly=True)
            with conn.begin():
                if not self.is_sqlite:
                    conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                catalog = self._cached(conn)
                yield ReadTx(conn, catalog, clock.now(), actor(catalog))

    @contextmanager
    def write(self, actor: ActorOf, origin: str, *, durable: bool = False) -> Iterator[WriteTx]:
        """A write transaction. Everything in it is kept, or nothing. Raises DatabaseUnreachable.

        `durable` writes it through to the disk, so that not even a power cut takes it back (SQLite; PostgreSQL always
        does): for an intent that is followed by a call to the outside.
        """
        turn = self._turns.turn() if self._turns is not None else contextlib.nullcontext()
        with _translated(self), turn, self.engine.connect() as conn, _synchronous(conn, durable), conn.begin():
            catalog = self._cached(conn)
            tx = WriteTx(conn, catalog, clock.now(), actor(catalog), origin)
            yield tx
            tx.finish()


@contextmanager
def _synchronous(conn: Connection, durable: bool) -> Iterator[None]:
    if not durable or conn.dialect.name != "sqlite":
        yield
        return
    raw: Any = conn.connection.dbapi_connection  # outside a transaction: SQLite ignores the change within one
    raw.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        raw.execute("PRAGMA synchronous=NORMAL")


@contextmanager
def _translated(store: Store) -> Iterator[None]:
    """Database errors as a person can understand them; what is our own bug passes through."""
    try:
        yield
    except IntegrityError as error:
        if "phone_key" in str(error.orig):  # PostgreSQL: another process added the phone in the same instant
            raise Duplicate(
                "a lead with this phone was added just now", field="phone", hint="open that lead, or change the number"
            ) from error
        raise Refused(
            "somebody else wrote the same thing at the same moment", code="conflict", hint="look again, then repeat"
        ) from error
    except PoolTimeout as error:
        raise DatabaseUnreachable(
            "too much is asked of the database at once", code="database_busy", hint="try again in a moment"
        ) from error
    except (OperationalError, InterfaceError) as error:
        text = str(error.orig)
        if "locked" in text:
            raise DatabaseUnreachable(
                "the database is busy: another program has been writing to it for a long time",
                code="database_busy",
                hint="try again in a moment",
            ) from error
        if store.is_sqlite and "no such table" in text:
            raise DatabaseUnreachable(
                f"{store.name} is not a leadtui database", code="not_a_database", hint="make one with: leadtui init"
            ) from error
        if store.path is not None and not store.path.exists():
            raise DatabaseUnreachable(
                f"the database {store.name} is gone", code="no_database", field="db",
                hint="put the file back (its -wal file with it), or restore a backup",
            ) from error  # fmt: skip
        raise DatabaseUnreachable(
            f"the database {store.name} cannot be used: {text.splitlines()[0] if text else 'no answer'}",
            hint="check --db, its folder's rights and free space, or whether the server runs",
        ) from error
    except DBAPIError as error:
        text = str(error.orig)
        if error.connection_invalidated or getattr(error.orig, "sqlstate", None) == _STOOD_STILL:
            raise DatabaseUnreachable(
                f"the connection to {store.name} was closed", hint="try again; the program may have stood still"
            ) from error
        if store.is_sqlite and ("not a database" in text or "malformed" in text):
            raise DatabaseUnreachable(
                f"{store.name} is not a database, or is damaged",
                code="not_a_database",
                hint="check it with: leadtui db check",
            ) from error
        raise
