"""Reads the command line once before Typer: options given anywhere, filter terms that begin with `-`, exact values."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from leadtui.cli.context import Options
from leadtui.errors import UsageError

_BOOL_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass
class Scan:
    """A command line in canonical order: nouns and verb, options as `--name=value`, `--`, then everything else."""

    path: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    wants_help: bool = False

    @property
    def args(self) -> list[str]:
        """What Typer is given."""
        tail = ["--", *self.words] if self.words else []
        return [*self.given, *self.options, *tail]


def peek_json(argv: Sequence[str]) -> bool:
    """Whether errors are wanted as JSON, before anything else is known of the command line."""
    before = argv[: argv.index("--")] if "--" in argv else argv
    return "--json" in before


def scan(argv: Sequence[str], root: Any, found: Options) -> Scan:
    """Walk the tree of commands along `argv`; `--db`, `--as`, `--json` go to `found`. Raises UsageError."""
    result = Scan()
    node, ended = root, False
    tokens = list(argv)
    while tokens:
        token = tokens.pop(0)
        if not ended and token == "--":  # noqa: S105
            ended = True
            continue
        if not ended and len(token) > 1 and token.startswith("-"):
            if _everywhere(token, tokens, found):
                continue
            if token in ("-h", "--help"):
                result.options.append("--help")
                result.wants_help = True
                continue
            node = _descend_for_option(node, token, result)
            _option(node, token, tokens, result)
            continue
        if is_group(node):
            node = _child(node, token, result, tokens)
            continue
        result.words.append(token)
    if is_group(node) and not result.wants_help and _default_of(node) is not None:
        _enter(node, _default_of(node), result)
    if is_group(node) and result.options and not result.wants_help and node is not root:
        raise _missing_verb(node, result)
    return result


def is_group(node: Any) -> bool:
    """Whether a command has commands below it."""
    return hasattr(node, "list_commands")


def takes_filter(node: Any) -> bool:
    """Whether a verb reads filter terms, so that `-tag:vip` is one."""
    return any(p.param_type_name == "argument" and "FILTER" in (p.metavar or "") for p in node.params)


def _everywhere(token: str, tokens: list[str], found: Options) -> bool:
    name, has_value, value = token.partition("=")
    if name == "--json":
        if has_value:
            raise UsageError("--json takes no value", field="json")
        found.json = True
        return True
    if name not in ("--db", "--as"):
        return False
    if not has_value:
        if not tokens:
            raise UsageError(f"{name} needs a value", field=name[2:])
        value = tokens.pop(0)
    if not value.strip():
        raise UsageError(f"{name} needs a value", field=name[2:])
    if name == "--db":
        found.db = value
    else:
        found.as_login = value
    return True


def _default_of(node: Any) -> str | None:
    """The verb of a noun that may be left out (`undo 12` is `undo batch 12`)."""
    name = getattr(node, "default_verb", None)
    return name if isinstance(name, str) else None


def _enter(node: Any, name: str | None, result: Scan) -> Any:
    child = node.get_command(None, name)
    result.path.append(str(name))
    result.given += [*result.options, str(name)]
    result.options.clear()
    return child


def _child(node: Any, token: str, result: Scan, tokens: list[str]) -> Any:
    if node.get_command(None, token) is not None:
        return _enter(node, token, result)
    default = _default_of(node)
    if default is not None:
        tokens.insert(0, token)
        return _enter(node, default, result)
    names = [n for n in node.list_commands(None) if not getattr(node.get_command(None, n), "hidden", False)]
    near = difflib.get_close_matches(token, names, 1, 0.5)
    where = " ".join(["leadtui", *result.path])
    raise UsageError(
        f"there is no command '{where} {token}'", code="unknown_command",
        hint=f"did you mean '{near[0]}'?" if near else f"one of: {', '.join(names)}",
    )  # fmt: skip


def _missing_verb(node: Any, result: Scan) -> UsageError:
    names = ", ".join(node.list_commands(None))
    where = " ".join(["leadtui", *result.path])
    return UsageError(f"'{where}' needs a verb", code="missing_command", hint=f"one of: {names}")


def _descend_for_option(node: Any, token: str, result: Scan) -> Any:
    """An option of the default verb, given without it, belongs to that verb (`undo --dry-run`)."""
    if is_group(node) and _default_of(node) is not None and _find(node, token.partition("=")[0]) is None:
        return _enter(node, _default_of(node), result)
    return node


def _find(node: Any, name: str) -> Any:
    return next(
        (p for p in node.params if p.param_type_name == "option" and name in (*p.opts, *p.secondary_opts)), None
    )


def _option(node: Any, token: str, tokens: list[str], result: Scan) -> None:
    """Put one option, with its value, where Typer wants it; or take it for a filter term."""
    name, has_value, value = token.partition("=")
    param = _find(node, name)
    if param is None:
        if not token.startswith("--") and not is_group(node) and takes_filter(node):
            result.words.append(token)
            return
        raise _no_option(node, name, result)
    if param.is_flag or param.count:
        result.options.append(_flag(node, param, name, value if has_value else None, tokens))
        return
    if not has_value and _metavar(param).startswith("["):  # a value that may be left out is a number
        value = tokens.pop(0) if tokens and tokens[0].isdecimal() else ""
    elif not has_value:
        if not tokens:
            raise UsageError(f"{name} needs a value", field=param.name.strip("_"), hint=f"{name} {_metavar(param)}")
        value = tokens.pop(0)
    result.options.append(f"{name}={value}")


def _flag(node: Any, param: Any, name: str, value: str | None, tokens: list[str]) -> str:
    """A flag; one with an opposite also takes a word (`--has-router no`) where no word could mean anything else."""
    if not param.secondary_opts:
        if value is not None:
            raise UsageError(f"{name} takes no value", field=param.name.strip("_"))
        return name
    alone = not any(p.param_type_name == "argument" for p in node.params)
    if value is None and alone and tokens and tokens[0].lower() in _BOOL_WORDS:
        value = tokens.pop(0)
    if value is None:
        return name
    if value.lower() not in _BOOL_WORDS:
        raise UsageError(f"{name}: '{value}' is not yes or no", field=param.name.strip("_"), hint="write yes or no")
    positive = _BOOL_WORDS[value.lower()] is (name in param.opts)
    return str(param.opts[0] if positive else param.secondary_opts[0])


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _no_option(node: Any, name: str, result: Scan) -> UsageError:
    names = [o for p in node.params if p.param_type_name == "option" for o in (*p.opts, *p.secondary_opts)]
    near = difflib.get_close_matches(name, names, 1, 0.6)
    command = " ".join(["leadtui", *result.path])
    return UsageError(
        f"there is no option '{name}'", field=name.lstrip("-") or None, code="unknown_option",
        hint=f"did you mean {near[0]}?" if near else f"see: {command} --help",
    )  # fmt: skip
