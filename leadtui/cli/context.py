"""What every command shares: the options given everywhere, the open office, warnings, questions and secrets."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadtui.errors import UsageError
from leadtui.text import strip_controls

if TYPE_CHECKING:
    from leadtui.services.office import Office

MANY = 100
"""More rows than this are asked about, or need `--yes` (contract "Everywhere")."""


@dataclass
class Options:
    """The options that are accepted anywhere: `--db`, `--as`, `--json`."""

    db: str | None = None
    as_login: str | None = None
    json: bool = False


_current = Options()


def options() -> Options:
    """The options of this run."""
    return _current


def reset_options() -> Options:
    """Forget the options of an earlier run in this process (tests)."""
    global _current  # noqa: PLW0603 - the one place where they are held
    _current = Options()
    return _current


@contextlib.contextmanager
def office() -> Iterator[Office]:
    """The office that `--db` and `--as` say, open for the length of one command."""
    from leadtui.services.office import open_office

    open_log()
    opened = open_office(_current.db, as_login=_current.as_login, origin="cli")
    try:
        yield opened
    finally:
        opened.close()


def open_log() -> None:
    """Let what services log go to the file of the settings, never to the terminal."""
    from leadtui.config import load_settings, setup_logging

    setup_logging(load_settings())


def warn(sentence: str) -> None:
    """Tell something on standard error; the command goes on."""
    print(f"warning: {strip_controls(sentence)}", file=sys.stderr)  # noqa: T201


def note(sentence: str) -> None:
    """A remark on standard error, left out with `--json`."""
    if not _current.json:
        print(strip_controls(sentence), file=sys.stderr)  # noqa: T201


def on_terminal() -> bool:
    """Whether a person sits there to be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def ask(question: str) -> str:
    """Ask on standard error and read one line."""
    print(strip_controls(question), end=" ", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().strip()


def confirm_many(count: int, *, yes: bool, what: str) -> None:
    """Let an act on more than a hundred rows pass only with `--yes`, or when a person types the count.

    Raises UsageError otherwise; nothing has been changed then.
    """
    if yes or count <= MANY:
        return
    if not on_terminal():
        raise UsageError(
            f"this would {what} {count:,} leads: more than {MANY} need --yes", field="yes",
            hint="look at it with --dry-run first, then add --yes",
        )  # fmt: skip
    if ask(f"This will {what} {count:,} leads. Type {count} to go on:").replace(",", "") != str(count):
        raise UsageError("not confirmed; nothing was changed", field="yes", code="not_confirmed")


def confirm(question: str, *, yes: bool) -> None:
    """Ask about something that cannot be taken back, where there is somebody to ask. Raises UsageError on no."""
    if yes or not on_terminal():
        return
    if ask(f"{question} [y/N]").lower() not in {"y", "yes"}:
        raise UsageError("not confirmed; nothing was changed", field="yes", code="not_confirmed")


def secret_from(*, stdin: bool, env: str, prompt: str) -> str | None:
    """A secret from standard input, else the environment, else typed unseen; None when none of them is there."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if os.environ.get(env):
        return os.environ[env]
    if not on_terminal():
        return None
    import getpass

    return getpass.getpass(f"{prompt}: ", stream=sys.stderr)
