"""`leadtui tui`: the screens, with options for thin lines and plain terminals."""

from __future__ import annotations

from typing import Annotated

import typer

from leadtui.cli import tree
from leadtui.cli.context import options


def start(*, slow: bool = False, mouse: bool = True, plain: bool = False) -> int:
    """Open the screens; the exit code when the person leaves. Textual is imported only here."""
    from leadtui.start import run_tui

    return run_tui(options().db, options().as_login, slow, mouse, plain)


def tui(
    slow: Annotated[bool, typer.Option("--slow", help="fewer repaints, for thin lines")] = False,
    no_mouse: Annotated[bool, typer.Option("--no-mouse", help="leave the mouse to the terminal")] = False,
    plain: Annotated[bool, typer.Option("--ascii", help="no box drawing characters")] = False,
) -> None:
    """Open the screens; `leadtui` alone does the same."""
    from leadtui.errors import UsageError
    from leadtui.start import refuse_terminal

    if options().json:
        raise UsageError("the screens cannot be shown as JSON", field="json", hint="see: leadtui --help")
    if (reason := refuse_terminal()) is not None:
        raise UsageError(reason, code="no_terminal", hint="the command line does everything too: leadtui --help")
    raise typer.Exit(start(slow=slow, mouse=not no_mouse, plain=plain))


app = tree.single(tui)
