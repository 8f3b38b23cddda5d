"""The database engine: SQLite tuned for many processes, or PostgreSQL (facts/messaging §4.3)."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from leadtui.errors import DatabaseUnreachable, UsageError

# How long a writer waits for another writer. An import of 100,000 rows holds the lock for some seconds.
BUSY_TIMEOUT_MS = 20_000

# Of one process; they are opened as they are needed, and few of them are kept. A server has 16 threads at work.
MOST_CONNECTIONS = 32

_PRAGMAS = (
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "foreign_keys=ON",
    "synchronous=NORMAL",
    "cache_size=-16000",
)


def database_url(text: str) -> URL:
    """The URL for `--db`: an SQLAlchemy URL, or the path of an SQLite file. Raises UsageError."""
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise UsageError(
            "the database address cannot be read",
            field="db",
            hint="a path such as ~/leads.db, or postgresql+psycopg://user@host/name",
        ) from error
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise UsageError(
            f"'{url.get_backend_name()}' is not a database leadtui can use",
            field="db",
            hint="a path for SQLite, or postgresql+psycopg://…",
        )
    return url


def make_engine(url: URL) -> Engine:
    """An engine for `url`; on SQLite every write transaction is BEGIN IMMEDIATE. Opens no connection yet."""
    if url.get_backend_name() == "postgresql":
        try:
            return create_engine(
                url,
                pool_pre_ping=True,
                pool_size=4,
                max_overflow=MOST_CONNECTIONS - 4,
                connect_args={"connect_timeout": 5, "application_name": "leadtui"},
            )
        except ModuleNotFoundError as error:
            raise DatabaseUnreachable(
                "PostgreSQL needs its driver", field="db", hint="install it with: pip install 'leadtui[postgres]'"
            ) from error
    engine = create_engine(
        url, creator=lambda: _connect_sqlite(str(url.database)), pool_size=5, max_overflow=MOST_CONNECTIONS - 5
    )
    engine.dialect.statement_compiler = _Compiler
    event.listen(engine, "begin", _begin_sqlite)
    return engine


class _Compiler(SQLiteCompiler):
    """Lets `with_hint(table, "INDEXED BY …", "sqlite")` reach the database."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """What follows the name of the table."""
        return text


def _connect_sqlite(path: str) -> sqlite3.Connection:
    """A connection to a file that exists: one that vanished is an error, not a new empty database."""
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode=rw",
        uri=True,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_MS / 1000,
        isolation_level=None,
    )
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def use_wal(connection: sqlite3.Connection) -> None:
    """Let readers and writers work side by side. The file keeps it: only for databases that are known to be ours."""
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        connection.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    # The driver's own deferred BEGIN fails at once under load when a reader becomes a writer (facts/field §4).
    readonly = connection.get_execution_options().get("readonly", False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def sqlite_path(url: URL) -> Path | None:
    """The file of an SQLite database; None for PostgreSQL."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database)


def files_of(url: URL) -> Path:
    """The folder beside the database where its documents are kept. Raises UsageError on PostgreSQL without one."""
    path = sqlite_path(url)
    if path is not None:
        return path.with_name(path.name + ".files")
    folder = os.environ.get("LEADTUI_FILES")
    if folder:
        return Path(folder)
    from platformdirs import user_data_path

    return user_data_path("leadtui") / "files" / (url.database or "leadtui")
