"""`leadtui db`: the database itself, as it stands on disk or on its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadtui.cli import tree
from leadtui.cli.context import open_log, options
from leadtui.cli.output import emit, pairs

if TYPE_CHECKING:
    from leadtui.store.migrate import SchemaState
    from leadtui.store.unit_of_work import Store

app = tree.noun("The database itself: where it is, its version, whether it is sound")


def _store() -> Store:
    from leadtui.services.office import default_db
    from leadtui.store.unit_of_work import Store

    open_log()
    return Store(options().db or default_db())


def _status(state: SchemaState) -> dict[str, Any]:
    words = "newer" if state.is_newer else "current" if state.is_current else "older" if state.current else "none"
    return {
        "db": state.name, "engine": state.engine, "schema": state.current, "program": state.head, "state": words,
    }  # fmt: skip


def _required(store: Store) -> SchemaState:
    """The state of a database that is there and not newer. Raises DatabaseUnreachable or Refused."""
    from leadtui.store import migrate

    return migrate.require_current(store, upgrade_it=False)


@app.command("status")
def status() -> None:
    """Where the database is, and which version of it this program needs."""
    from leadtui.store import migrate

    store = _store()
    try:
        found = _status(migrate.state(store))
    finally:
        store.close()
    emit(found, lambda: pairs([(key, value) for key, value in found.items()]))


@app.command("upgrade")
def upgrade() -> None:
    """Bring the database to this program's version; SQLite after a backup copy."""
    from leadtui.store import migrate

    store = _store()
    try:
        before = _required(store)
        backup = migrate.upgrade(store)
        after = migrate.state(store)
    finally:
        store.close()
    done = {
        "db": after.name, "from": before.current, "to": after.current, "changed": before.current != after.current,
        "backup": None if backup is None else str(backup),
    }  # fmt: skip
    lines = [f"{after.name} is at version {after.current}" + ("" if done["changed"] else " already")]
    lines += [f"the copy from before is {backup}"] if backup else []
    emit(done, "\n".join(lines))


@app.command("check")
def check() -> None:
    """Look for damage and contradictions in the database; changes nothing."""
    from leadtui.errors import Refused
    from leadtui.store import migrate

    store = _store()
    try:
        state = _required(store)
        problems = migrate.check(store) if state.is_current else [f"it is of version {state.current}: run db upgrade"]
    finally:
        store.close()
    text = f"{state.name} is sound" if not problems else "\n".join(problems)
    emit({"db": state.name, "ok": not problems, "problems": problems}, text)
    if problems:
        raise Refused(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found", code="unsound")
