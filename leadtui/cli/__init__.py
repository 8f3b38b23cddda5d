"""The command line: `main` runs one command and answers with its exit code (see `docs/commands.md`)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

COMPLETE_VARIABLE = "_LEADTUI_COMPLETE"
"""Set by the shell's completion script."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. No exception and no traceback ever leaves."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.stdin is None:  # closed by the caller: it holds nothing
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:  # else `print` would put errors among the results
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        if COMPLETE_VARIABLE in os.environ:
            from leadtui.cli.complete import answer_shell

            return answer_shell(COMPLETE_VARIABLE)
        return _run(arguments)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        return _nobody_reads()


def _interrupted() -> int:
    from leadtui.cli.context import options

    if not options().json:
        print("interrupted", file=sys.stderr)  # noqa: T201
    else:
        from leadtui.cli.output import print_error
        from leadtui.errors import LeadtuiError

        print_error(LeadtuiError("interrupted", code="interrupted"))
    return 130


def _nobody_reads() -> int:
    """`| head` has seen enough; Python would complain once more when it flushes at the end."""
    from leadtui.cli.output import silence_stdout

    silence_stdout()
    return 0


def _run(argv: list[str]) -> int:
    from leadtui.cli.argv import peek_json
    from leadtui.cli.context import reset_options
    from leadtui.cli.output import prepare_streams, print_error
    from leadtui.errors import LeadtuiError

    prepare_streams()
    reset_options().json = peek_json(argv)
    try:
        return _dispatch(argv)
    except LeadtuiError as error:
        print_error(error)
        return error.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except OSError as error:
        return _system_refused(error)
    except Exception as error:  # noqa: BLE001 - the last door: a person never sees a traceback
        return _our_bug(error)


def _dispatch(argv: list[str]) -> int:
    import typer

    from leadtui.cli.argv import is_group, peek_json, scan
    from leadtui.cli.context import options
    from leadtui.cli.tree import root
    from leadtui.errors import UsageError

    program = root()
    options().json = False
    try:
        found = scan(argv, program, options())
    except UsageError:
        options().json = peek_json(argv)
        raise
    if not found.args:
        return _no_noun()
    command: Any = program
    for name in found.path:
        command = command.get_command(None, name)
    if found.wants_help:
        return _help(command, found.path)
    if is_group(command) and found.path and not found.options:
        return _which_verb(command, found.path)
    # Typer brings its own Click or uses the installed one: its kinds of error are reached through the public one.
    kinds: Any = typer.BadParameter.__mro__
    usage, click_error = kinds[1], kinds[2]
    try:
        with program.make_context("leadtui", found.args) as context:
            program.invoke(context)
    except typer.Exit as done:
        return int(done.exit_code)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except usage as error:
        raise _translated(error, found.path) from None
    except click_error as error:
        raise UsageError(_sentence(error)) from None
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    return 0


def _no_noun() -> int:
    """No noun was named: the screens. With `--json` that is no answer."""
    from leadtui.cli.context import options
    from leadtui.errors import UsageError

    if options().json:
        raise UsageError("--json needs a command", code="missing_command", hint="see: leadtui --help")
    from leadtui.cli.tui import start

    return start()


def _help(command: Any, path: list[str]) -> int:
    from leadtui.cli.helping import help_text
    from leadtui.cli.output import emit

    shown = path[:-1] if getattr(command, "hidden", False) else path
    text = help_text(command, " ".join(["leadtui", *shown]))
    emit({"help": text}, text)
    return 0


def _which_verb(command: Any, path: list[str]) -> int:
    """A noun alone: its help, as an error."""
    from leadtui.cli.context import options
    from leadtui.cli.helping import help_text
    from leadtui.errors import UsageError

    where = " ".join(["leadtui", *path])
    if options().json:
        names = ", ".join(command.list_commands(None))
        raise UsageError(f"'{where}' needs a verb", code="missing_command", hint=f"one of: {names}")
    print(help_text(command, where), file=sys.stderr)  # noqa: T201
    return 2


def _translated(error: Any, path: list[str]) -> Exception:
    """A usage error of Typer in our words, with the field it concerns."""
    from leadtui.cli.helping import argument_name
    from leadtui.errors import UsageError

    param = getattr(error, "param", None)
    field = None if param is None else _field_of(param)
    hint = f"see: leadtui {' '.join(path)} --help"
    if type(error).__name__ == "MissingParameter" and param is not None:
        if param.param_type_name == "option":
            return UsageError(f"{param.opts[0]} is missing", field=field, code="missing_option", hint=hint)
        return UsageError(f"{argument_name(param)} is missing", field=field, code="missing_argument", hint=hint)
    if param is not None:
        said = str(error.message)
        words = said.removeprefix("Input ").rstrip(".")
        for kind, ours in (("valid integer", "a whole number is expected"), ("valid number", "a number is expected")):
            words = ours if kind in said else words
        name = param.opts[0] if param.param_type_name == "option" else argument_name(param)
        return UsageError(f"{name}: {words}", field=field, hint=hint)
    sentence = _sentence(error)
    if extra := re.fullmatch(r"Got unexpected extra arguments? ?\(?s?\)? \((.*)\)", sentence, re.DOTALL):
        return UsageError(f"too many words: '{extra[1][:60]}' is not expected", hint=hint)
    return UsageError(sentence, field=field, hint=hint)


def _field_of(param: Any) -> str | None:
    """What a parameter is called in errors: as it is typed, not as the function that takes it names it."""
    typed = param.opts[0] if param.param_type_name == "option" else param.name
    return str(typed).strip("-_").replace("-", "_") or None


def _sentence(error: Any) -> str:
    return str(error.format_message()).strip().rstrip(".") or "the command is not understood"


def _system_refused(error: OSError) -> int:
    """A folder that cannot be written, a file that is gone: nobody's bug, said in the system's words."""
    from leadtui.cli.output import print_error
    from leadtui.errors import OtherSide

    path = _write_log(error)
    words = error.strerror or type(error).__name__
    message = f"{error.filename}: {words}" if error.filename else words
    print_error(OtherSide(message, code="system", hint=f"the log is at {path}"))
    return OtherSide.exit_code


def _our_bug(error: Exception) -> int:
    """Something we did not think of: one sentence and where the log is; the details go there only."""
    from leadtui.cli.output import print_error
    from leadtui.errors import LeadtuiError

    path = _write_log(error)
    print_error(LeadtuiError("something went wrong inside leadtui", code="internal", hint=f"the log is at {path}"))
    return 1


def _write_log(error: Exception) -> Path:
    """Put an error into the log; a log that cannot be written must not hide it. Returns where the log is."""
    import logging

    from leadtui.config import Settings, load_settings, log_path, setup_logging
    from leadtui.errors import LeadtuiError

    try:
        settings = load_settings()
    except LeadtuiError:
        settings = Settings()
    path = log_path(settings)
    try:
        path = setup_logging(settings)
        logging.getLogger("leadtui.cli").exception("the command line failed", exc_info=error)
    except Exception:  # noqa: BLE001, S110 - see above
        pass
    return path
