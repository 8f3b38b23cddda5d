"""`leadtui db`: the database itself, as it stands on disk or on its server."""

from __future__ import annotations

from leadtui.cli import tree
from leadtui.cli.context import open_log, options
from leadtui.cli.output import emit, pairs

app = tree.noun("The database itself: where it is, its version, whether it is sound")


@app.command("status")
def status() -> None:
    """Where the database is, and which version of it this program needs."""
    from leadtui.services import database

    open_log()
    state = database.status(options().db)
    words = "newer" if state.is_newer else "current" if state.is_current else "older" if state.current else "none"
    found = {
        "db": state.name, "engine": state.engine, "schema": state.current, "program": state.head, "state": words,
    }  # fmt: skip
    emit(found, lambda: pairs(list(found.items())))


@app.command("upgrade")
def upgrade() -> None:
    """Bring the database to this program's version; SQLite after a backup copy."""
    from leadtui.services import database

    open_log()
    done = database.upgrade(options().db)
    changed = done.before != done.after
    document = {
        "db": done.name, "from": done.before, "to": done.after, "changed": changed,
        "backup": None if done.backup is None else str(done.backup),
    }  # fmt: skip
    lines = [f"{done.name} is at version {done.after}" + ("" if changed else " already")]
    lines += [f"the copy from before is {done.backup}"] if done.backup else []
    emit(document, "\n".join(lines))


@app.command("check")
def check() -> None:
    """Look for damage and contradictions in the database; changes nothing."""
    from leadtui.errors import Refused
    from leadtui.services import database

    open_log()
    state, problems = database.check(options().db)
    text = f"{state.name} is sound" if not problems else "\n".join(problems)
    emit({"db": state.name, "ok": not problems, "problems": problems}, text)
    if problems:
        raise Refused(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found", code="unsound")
