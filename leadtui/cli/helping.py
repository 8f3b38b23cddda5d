"""The text of `--help`: usage, what it does, the arguments, one line per option, the verbs."""

from __future__ import annotations

import inspect
from typing import Any

_SHARED = frozenset({"--db", "--as", "--json", "--help"})
_WIDTH = 26

_MOST = 60
"""Cells of verbs in a line of usage; more of them stand below it only."""


def help_text(command: Any, path: str) -> str:
    """The whole help of a command that is called as `path`."""
    parts = [f"Usage: {usage(command, path)}", _indented(inspect.cleandoc(command.help or ""))]
    parts += [f"{title}:\n{_rows(rows)}" for title, rows in sections(command) if rows]
    return "\n\n".join(part for part in parts if part)


def usage(command: Any, path: str) -> str:
    """The line that says how it is written."""
    default = _default(command)
    if default is not None:
        ways = [f"{path} {' '.join(_pieces(default))}"]
        if verbs := _verbs(command):
            written = "|".join(verbs)
            ways.append(f"{path} {written if len(written) <= _MOST else 'VERB'}")
        return "  |  ".join(ways)
    if hasattr(command, "list_commands"):
        return f"{path} [OPTIONS] {'COMMAND' if path == 'leadtui' else 'VERB'} …"
    return " ".join([path, *_pieces(command)])


def sections(command: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, rows of name and sentence) of arguments, options, verbs and what every command has."""
    shown = _default(command) or command
    arguments = [(argument_name(p), p.help or "") for p in shown.params if p.param_type_name == "argument"]
    options = [p for p in shown.params if p.param_type_name == "option" and not p.hidden]
    own = [_option_row(p) for p in options if not _SHARED & set(p.opts)]
    everywhere = [_option_row(p) for p in options if _SHARED & set(p.opts)] + [("--help", "show this")]
    verbs: list[tuple[str, str]] = []
    if hasattr(command, "list_commands"):
        found = [(name, command.get_command(None, name)) for name in command.list_commands(None)]
        verbs = [(name, _short(child.help or "")) for name, child in found if not child.hidden]
    title = "Commands" if command.name == "leadtui" else "Verbs"
    return [("Arguments", arguments), (title, verbs), ("Options", own), ("Everywhere", everywhere)]


def argument_name(param: Any) -> str:
    """An argument as the usage line writes it."""
    name = str(param.metavar or param.name.upper())
    if name.startswith("["):
        return name
    name = f"{name}…" if param.nargs != 1 and not name.endswith(("…", "...")) else name
    return name if param.required else f"[{name}]"


def _pieces(command: Any) -> list[str]:
    pieces = [argument_name(p) for p in command.params if p.param_type_name == "argument"]
    required = [
        f"{p.opts[0]} {_metavar(p)}".strip()
        for p in command.params
        if p.param_type_name == "option" and p.required and not p.hidden
    ]
    return [*pieces, *required, "[OPTIONS]"]


def _metavar(param: Any) -> str:
    if param.is_flag or param.count:
        return ""
    return str(param.metavar or param.name.upper())


def _option_row(param: Any) -> tuple[str, str]:
    name = "|".join([*param.opts[:1], *param.secondary_opts[:1]])
    extra = []
    if param.required:
        extra.append("required")
    if param.multiple:
        extra.append("may be repeated")
    default = param.default
    if param.show_default and default not in (None, False, (), []) and not callable(default):
        extra.append(f"default {default}")
    return f"{name} {_metavar(param)}".strip(), (param.help or "") + (f" ({', '.join(extra)})" if extra else "")


def _rows(rows: list[tuple[str, str]]) -> str:
    width = min(max(max((len(name) for name, _ in rows), default=0), 10), _WIDTH)
    return "\n".join(f"  {name.ljust(width)}  {_first_line(text)}".rstrip() for name, text in rows)


def _first_line(text: str) -> str:
    return inspect.cleandoc(text).partition("\n\n")[0].replace("\n", " ").rstrip(".") if text else ""


def _short(text: str) -> str:
    """The first sentence, where several commands stand under each other."""
    sentence = _first_line(text).partition(". ")[0]
    return sentence if len(sentence) <= 84 else sentence[:83].rstrip() + "…"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def _default(command: Any) -> Any:
    name = getattr(command, "default_verb", None)
    return command.get_command(None, name) if isinstance(name, str) else None


def _verbs(command: Any) -> list[str]:
    found = [(name, command.get_command(None, name)) for name in command.list_commands(None)]
    return [name for name, child in found if not child.hidden]
