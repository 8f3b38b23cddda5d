"""The database itself, as it stands on disk or on its server: where it is, its version, whether it is sound."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leadtui.store import migrate
from leadtui.store.migrate import SchemaState
from leadtui.store.unit_of_work import Store

from .office import default_db


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did. `backup` is the copy made first (SQLite)."""

    name: str
    before: str | None
    after: str | None
    backup: Path | None


@contextlib.contextmanager
def _opened(db: str | None) -> Iterator[Store]:
    store = Store(db or default_db())
    try:
        yield store
    finally:
        store.close()


def status(db: str | None) -> SchemaState:
    """Where the database stands; it may be missing, older or newer. Raises DatabaseUnreachable."""
    with _opened(db) as store:
        return migrate.state(store)


def upgrade(db: str | None) -> Upgrade:
    """Bring the database to this program's version. Raises DatabaseUnreachable, Refused (newer)."""
    with _opened(db) as store:
        before = migrate.require_current(store, upgrade_it=False)
        backup = migrate.upgrade(store)
        return Upgrade(before.name, before.current, migrate.state(store).current, backup)


def check(db: str | None) -> tuple[SchemaState, list[str]]:
    """Where it stands, and what is wrong with it; changes nothing. Raises DatabaseUnreachable, Refused (newer)."""
    with _opened(db) as store:
        state = migrate.require_current(store, upgrade_it=False)
        if not state.is_current:
            return state, [f"it is of version {state.current}: run db upgrade"]
        return state, migrate.check(store)
