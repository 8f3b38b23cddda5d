"""Brings a database to this program's version: on start, after a backup copy, once even if many start together."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from leadtui import clock
from leadtui.errors import DatabaseUnreachable, Refused

from .engine import use_wal
from .migrations import HEAD
from .unit_of_work import Store, _translated

_ADVISORY_LOCK = 7_203_115


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Where a database stands: `current` is None when it holds no leadtui tables."""

    current: str | None
    head: str
    name: str
    engine: str

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        return self.current == self.head

    @property
    def is_newer(self) -> bool:
        """Whether a newer program wrote this database."""
        return self.current is not None and self.current > self.head


def state(store: Store) -> SchemaState:
    """Where the database stands. Creates nothing. Raises DatabaseUnreachable."""
    if store.path is not None and (not store.path.exists() or store.path.stat().st_size == 0):
        return SchemaState(None, HEAD, store.name, "sqlite")
    with _translated(store), store.engine.connect() as raw:
        conn = raw.execution_options(readonly=True)
        with conn.begin():
            return SchemaState(_current(conn), HEAD, store.name, store.url.get_backend_name())


def _current(conn: Connection) -> str | None:
    if conn.dialect.name == "sqlite":
        found = conn.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").scalar()
    else:
        found = conn.execute(text("SELECT to_regclass('alembic_version')")).scalar()
    if not found:
        return None
    value = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(value) if value else None


def require_current(store: Store, *, upgrade_it: bool = True) -> SchemaState:
    """Make sure the database can be used, upgrading it if it is older.

    Raises DatabaseUnreachable when there is none, Refused when it is newer than this program.
    """
    found = state(store)
    if found.current is None:
        raise DatabaseUnreachable(
            f"there is no leadtui database at {store.name}",
            code="no_database",
            field="db",
            hint="make one with: leadtui init --preset isp   (or look around with: leadtui demo)",
        )
    if found.is_newer:
        raise Refused(
            f"{store.name} was written by a newer leadtui (schema {found.current}, this program knows {HEAD})",
            code="newer_database",
            field="db",
            hint="install the newer leadtui; nothing was changed",
        )
    if not found.is_current and upgrade_it:
        upgrade(store)
        found = state(store)
    _let_work_side_by_side(store)
    return found


def _let_work_side_by_side(store: Store) -> None:
    """On SQLite, readers must not wait for writers. A file that may only be read stays as it is."""
    if store.path is None:
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(store.engine.raw_connection()) as raw:
        use_wal(cast(sqlite3.Connection, raw.driver_connection))


def upgrade(store: Store) -> Path | None:
    """Run the migrations that are missing; returns the backup copy made first (SQLite with data)."""
    found = state(store)
    if found.is_newer:
        require_current(store)
    if found.is_current:
        return None
    backup = None
    if store.path is not None:
        try:
            store.path.parent.mkdir(parents=True, exist_ok=True)
            # Names and phones of people: only for the account that made it, until an admin opens it to a group.
            os.close(os.open(store.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise DatabaseUnreachable(f"{store.path} cannot be made: {error.strerror}", field="db") from error
        if found.current is not None:
            backup = copy_sqlite(store.path, _backup_name(store.path, found.current))
    _let_work_side_by_side(store)
    with _translated(store), store.engine.connect() as conn, conn.begin():
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        _run(conn)
    return backup


def _run(conn: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def _backup_name(path: Path, revision: str) -> Path:
    stamp = clock.now().strftime("%Y%m%d-%H%M%S")
    return path.with_name(f"{path.name}.before-{HEAD}-from-{revision}-{stamp}.bak")


def copy_sqlite(source: Path, target: Path) -> Path:
    """Copy a live SQLite database by the backup API, and open the copy to prove it."""
    with sqlite3.connect(source) as src, sqlite3.connect(target) as dst:
        src.backup(dst)
        (answer,) = dst.execute("PRAGMA quick_check").fetchone()
    src.close()
    dst.close()
    if answer != "ok":
        raise DatabaseUnreachable(f"the backup copy {target} is damaged: {answer}")
    return target


def check(store: Store) -> list[str]:
    """Problems found in the database itself; empty when it is sound."""
    problems: list[str] = []
    with store.read() as tx:
        if tx.is_sqlite:
            problems += [str(r[0]) for r in tx.conn.exec_driver_sql("PRAGMA integrity_check") if r[0] != "ok"]
            problems += [
                f"{r[0]} row {r[1]} refers to a {r[2]} that does not exist"
                for r in tx.conn.exec_driver_sql("PRAGMA foreign_key_check")
            ]
        missing = set(_expected_tables()) - set(inspect(tx.conn).get_table_names())
        problems += [f"table {name} is missing" for name in sorted(missing)]
        problems += _check_rules(tx.conn)
    return problems


def _expected_tables() -> list[str]:
    from .schema import metadata

    return list(metadata.tables)


_RULES = (
    (
        "SELECT count(*) FROM lead l JOIN stage s ON s.id = l.stage_id WHERE s.pipeline_id <> l.pipeline_id",
        "{n} leads have a status of another pipeline",
    ),
    (
        "SELECT count(*) FROM lead l JOIN stage s ON s.id = l.stage_id WHERE s.is_converted AND l.converted_at IS NULL",
        "{n} converted leads lack the time of conversion",
    ),
    (
        "SELECT count(*) FROM lead l JOIN stage s ON s.id = l.stage_id WHERE s.is_lost AND l.lost_at IS NULL",
        "{n} lost leads lack the time they were lost",
    ),
    (
        "SELECT count(*) FROM lead l WHERE NOT EXISTS (SELECT 1 FROM stage_change c WHERE c.lead_id = l.id)",
        "{n} leads have no status history",
    ),
)


def _check_rules(conn: Connection) -> list[str]:
    found = []
    for sql, sentence in _RULES:
        n = conn.exec_driver_sql(sql).scalar()
        if n:
            found.append(sentence.format(n=n))
    return found
