"""`leadtui config`: settings of this program (a file) and of the office (in the database). Their names never clash."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from leadtui.cli import tree
from leadtui.cli.complete import setting_keys
from leadtui.cli.context import office, options
from leadtui.cli.output import emit, table, words

app = tree.noun("Settings of this program (a file) and of the office (in the database)")

_PASSWORD = re.compile(r"(://[^:/@\s]+):[^@\s]*@")


def _shown(value: Any) -> Any:
    """A value without the password that a database address may hold."""
    return _PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value


def _is_program_key(key: str) -> bool:
    from leadtui.config import KEYS

    return key in KEYS or key.startswith("keys.")


def _office_settings() -> dict[str, Any] | None:
    """Settings of the office; None where there is no database yet."""
    from leadtui.errors import DatabaseUnreachable
    from leadtui.services import admin

    try:
        with office() as opened:
            return admin.settings(opened)
    except DatabaseUnreachable as error:
        if error.code != "no_database":
            raise
        return None


@app.command("show")
def show(
    key: Annotated[str | None, typer.Argument(help="only this setting", autocompletion=setting_keys)] = None,
) -> None:
    """Show every setting, or one."""
    from leadtui.config import config_path, describe, load_settings
    from leadtui.errors import UsageError
    from leadtui.services.office import default_db

    settings = load_settings()
    program = {name: _shown(value) for name, value, _ in describe(settings)}
    program["db"] = _shown(options().db or default_db())
    in_office = None if key is not None and key in program else _office_settings()
    if key is not None:
        found = program if key in program else in_office or {}
        if key not in found:
            raise UsageError(f"there is no setting '{key}'", field="key", hint="see: leadtui config show")
        emit({"key": key, "value": found[key]}, words(found[key]))
        return
    document = {"file": str(config_path()), "program": program, "office": in_office}
    rows = [(name, value, "program") for name, value in program.items()]
    rows += [(name, value, "office") for name, value in (in_office or {}).items()]
    emit(document, lambda: table(("setting", "value", "of"), rows))


@app.command("set")
def set_(
    key: Annotated[str, typer.Argument(help="its name, see config show", autocompletion=setting_keys)],
    value: Annotated[str, typer.Argument(help='the new value; "" takes it out of the file')],
) -> None:
    """Change one setting: in the file, or in the database when it is the office's."""
    if _is_program_key(key):
        from leadtui.config import describe, load_settings, set_value

        path = set_value(key, value)
        now = _shown(next((v for name, v, _ in describe(load_settings()) if name == key), None))
        emit({"key": key, "value": now, "file": str(path)}, f"{key} = {words(now)}   in {path}")
        return
    from leadtui.services import admin

    with office() as opened:
        changed = admin.set_setting(opened, key, value)
        now = changed.get(key, changed.get("value", value))
        name = opened.store.name
    emit({"key": key, "value": now, "db": name}, f"{key} = {words(now)}   in {name}")


@app.command("path")
def path() -> None:
    """Print where the settings file is, or would be."""
    from leadtui.config import config_path, load_settings, log_path
    from leadtui.services.office import default_db

    settings = load_settings()
    found = {
        "path": str(config_path()), "exists": config_path().is_file(),
        "db": _shown(options().db or default_db()), "log": str(log_path(settings)),
    }  # fmt: skip
    emit(found, str(config_path()))
