"""`leadtui` and `python -m leadtui`: no noun opens the screens at once, without Typer; all else is the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def plain_start(arguments: Sequence[str]) -> tuple[str | None, str | None, bool, bool, bool] | None:
    """(db, login, slow, mouse, ascii) when `arguments` hold only options of a start without a noun; else None."""
    db: str | None = None
    login: str | None = None
    flags = {"--slow": False, "--no-mouse": False, "--ascii": False}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name in flags and not equals:
            flags[name] = True
            continue
        if name not in ("--db", "--as"):
            return None
        if not equals:
            if not rest or rest[0].startswith("--"):
                return None
            value = rest.pop(0)
        if name == "--db":
            db = value
        else:
            login = value
    return db, login, flags["--slow"], not flags["--no-mouse"], flags["--ascii"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # A shell asking for completions calls the program without arguments.
    if "_LEADTUI_COMPLETE" not in os.environ and (start := plain_start(arguments)) is not None:
        from leadtui.start import run_tui

        return run_tui(*start)
    from leadtui.cli import main as cli_main

    return int(cli_main(arguments) or 0)


if __name__ == "__main__":
    raise SystemExit(main())
