"""Settings: a TOML file and the environment become one frozen `Settings`; wrong entries are named by file and key."""

from __future__ import annotations

import difflib
import logging
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leadtui.errors import Invalid, UsageError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

APP: Final = "leadtui"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person can set. Order: option, environment, file, default; options are laid over by the caller."""

    db: str | None = None
    """A SQLite path or a database address; None means `leadtui.db` in the data folder."""
    theme: str | None = None
    slow: bool = False
    """For thin lines: fewer and smaller repaints."""
    ascii: bool = False
    """No box drawing, no braille: for terminals without UTF-8."""
    mouse: bool = True
    log_file: str | None = None
    secrets_key_file: str | None = None
    """Where the key lies that opens stored router passwords."""
    channels_file_path: str | None = None
    """Where the channel `file` appends its messages."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Command id → keys (see `leadtui.commands`), checked when a screen is opened."""
    file: Path | None = None
    """The file these settings were read from."""


# Key in the file → (attribute, type, environment variable or None, sentence for `config show`)
KEYS: Final[Mapping[str, tuple[str, type, str | None, str]]] = {
    "db": ("db", str, "LEADTUI_DB", "database: a path or postgresql+psycopg://…"),
    "theme": ("theme", str, "LEADTUI_THEME", "colours of the screens"),
    "slow": ("slow", bool, "LEADTUI_SLOW", "fewer repaints, for thin lines"),
    "ascii": ("ascii", bool, "LEADTUI_ASCII", "no box drawing characters"),
    "mouse": ("mouse", bool, "LEADTUI_MOUSE", "whether the mouse is used"),
    "log_file": ("log_file", str, "LEADTUI_LOG", "where the log is written"),
    "secrets.key_file": ("secrets_key_file", str, "LEADTUI_KEY_FILE", "the key that opens stored router passwords"),
    "channels.file.path": ("channels_file_path", str, None, "where the channel `file` writes messages"),
}
_SECTIONS: Final = frozenset({"secrets", "channels", "channels.file", "keys"})
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})


def config_path() -> Path:
    """The config file, whether or not it exists."""
    if given := os.environ.get("LEADTUI_CONFIG"):
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_path(APP, appauthor=False)) / "config.toml"


def data_dir() -> Path:
    """Where the default database lives."""
    import platformdirs

    return Path(platformdirs.user_data_path(APP, appauthor=False))


def state_dir() -> Path:
    """Where the log lives, and what the program remembers for itself."""
    import platformdirs

    return Path(platformdirs.user_state_path(APP, appauthor=False))


def default_db() -> Path:
    """The database when none is named."""
    return data_dir() / "leadtui.db"


def log_path(settings: Settings | None = None) -> Path:
    """The log file in use."""
    if settings is not None and settings.log_file:
        return Path(settings.log_file).expanduser()
    return state_dir() / "leadtui.log"


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read file and environment. Raises UsageError (unreadable TOML, unknown key) or Invalid (wrong value)."""
    environ = os.environ if environ is None else environ
    given = path is not None or "LEADTUI_CONFIG" in environ
    path = path or config_path()
    values: dict[str, Any] = {}
    found = path.is_file()
    if found:
        values = _read_file(path)
    elif given and "LEADTUI_CONFIG" in environ and path.exists():
        raise UsageError(f"{path}: this is not a file", field="LEADTUI_CONFIG")
    for attribute, kind, variable, _ in KEYS.values():
        if variable and variable in environ and environ[variable] != "":
            values[attribute] = _from_text(environ[variable], kind, variable)
    return Settings(**values, file=path if found else None)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}", field="config") from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = "the file is TOML, for example: slow = true"
        raise UsageError(f"{path}: {error}", field="config", hint=hint) from None
    values: dict[str, Any] = {}
    keymap: dict[str, str] = {}
    for key, value in _flat(document):
        where = f"{path}{_line(text, key)}: {key}"
        if key.startswith("keys."):
            keymap[key.removeprefix("keys.")] = _keys_value(value, where, key)
        elif key in KEYS:
            attribute, kind, _, _ = KEYS[key]
            if not isinstance(value, kind):
                hint = f"write {_example(key, kind)}"
                raise Invalid(f"{where}: {value!r} is not {_words(kind)}", field=key, hint=hint)
            values[attribute] = value
        else:
            raise UsageError(f"{where}: there is no such setting", field=key, hint=_suggest(key))
    if keymap:
        values["keys"] = keymap
    return values


def _keys_value(value: object, where: str, key: str) -> str:
    """The keys of one command: a string, or a list of strings."""
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return ",".join(value)
    raise Invalid(f"{where}: {value!r} is not a key", field=key, hint='write "ctrl+k" or ["ctrl+k", "K"]')


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted keys and values; everything below `keys` is one command id."""
    rows: list[tuple[str, Any]] = []
    for key, value in table.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, dict) and (dotted in _SECTIONS or dotted.startswith("keys.")):
            rows += _flat(value, f"{dotted}.")
        else:
            rows.append((dotted, value))
    return rows


def _line(text: str, key: str) -> str:
    """`, line N` where the key's last part is assigned; empty when that cannot be told."""
    wanted = [key, key.rpartition(".")[2], key.split(".", 1)[-1]]
    for number, line in enumerate(text.splitlines(), 1):
        name = re.match(r"\s*([\"'\w.\-]+)\s*=", line)
        if name and name[1].replace('"', "").replace("'", "") in wanted:
            return f", line {number}"
    return ""


def _from_text(text: str, kind: type, where: str) -> Any:
    """A value from the environment or the command line."""
    if kind is not bool:
        return text
    if (lower := text.strip().lower()) in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise Invalid(f"{where}: {text!r} is not yes or no", field=where, hint="write true or false")


def _words(kind: type) -> str:
    return "true or false" if kind is bool else "a text"


def _example(key: str, kind: type) -> str:
    return f"{key} = true" if kind is bool else f'{key} = "…"'


def _suggest(key: str) -> str:
    near = difflib.get_close_matches(key, [*KEYS, "keys"], 1, 0.5)
    return f"did you mean {near[0]}?" if near else "known settings: " + ", ".join([*KEYS, "keys.COMMAND"])


def set_value(key: str, value: str, path: Path | None = None) -> Path:
    """Write one setting into the file, keeping comments and order; an empty value takes it out. Returns the file."""
    import tomlkit

    path = path or config_path()
    keyed = key.startswith("keys.")
    if keyed:
        from leadtui.commands import check_keymap

        if value:
            check_keymap({key.removeprefix("keys."): value}, str(path))
        typed: Any = value
    elif key in KEYS:
        typed = _from_text(value, KEYS[key][1], key) if value else ""
    else:
        raise UsageError(f"{key}: there is no such setting", field=key, hint=_suggest(key))
    if path.exists():
        _read_file(path)  # refuse to add to a file that is wrong already
        document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    else:
        document = tomlkit.document()
    # The id of a command is one quoted key: [keys] "leads.convert" = "K"
    parts = ["keys", key.removeprefix("keys.")] if keyed else key.split(".")
    _put(document, parts, None if value == "" else typed)
    place = path.resolve()  # a link into somebody's dotfiles stays a link
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_suffix(".new")
    temporary.write_text(tomlkit.dumps(document), encoding="utf-8")
    if path.exists():
        temporary.chmod(path.stat().st_mode & 0o777)
    temporary.replace(place)
    return path


def _put(document: TOMLDocument, parts: list[str], value: Any) -> None:
    import tomlkit

    table: Any = document
    for part in parts[:-1]:
        if part not in table:
            if value is None:
                return
            table[part] = tomlkit.table()
        table = table[part]
    if value is None:
        table.pop(parts[-1], None)
    else:
        table[parts[-1]] = value


def describe(settings: Settings) -> list[tuple[str, Any, str]]:
    """(key, value, sentence) of every setting, for `config show`."""
    names = {attribute: key for key, (attribute, *_) in KEYS.items()}
    rows: list[tuple[str, Any, str]] = [
        (names[item.name], getattr(settings, item.name), KEYS[names[item.name]][3])
        for item in fields(settings)
        if item.name in names
    ]
    return rows + [(f"keys.{command}", keys, "keys of a command") for command, keys in settings.keys.items()]


class _NoLocals(logging.Formatter):
    """Tracebacks as file, line and function only; the message's first line. Locals and parameters stay out."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        import traceback

        frames = "".join(f"\n  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(ei[2]))
        return f"{ei[0].__name__ if ei[0] else 'error'}: {str(ei[1]).partition(chr(10))[0][:300]}{frames}"


def setup_logging(settings: Settings) -> Path:
    """Log to a rotating file that only its owner can read; one that cannot be written is no error. Returns its path."""
    from logging.handlers import RotatingFileHandler

    path = log_path(settings)
    root = logging.getLogger("leadtui")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        path.chmod(0o600)

        handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
        handler.setFormatter(_NoLocals("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
    except OSError:
        root.addHandler(logging.NullHandler())
    root.setLevel(logging.INFO)
    root.propagate = False
    return path
