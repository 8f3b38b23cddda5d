"""Starts the screens: the terminal is looked at and TEXTUAL_* set before Textual is imported."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from leadtui.config import Settings, default_db, load_settings, setup_logging
from leadtui.errors import LeadtuiError

if TYPE_CHECKING:
    from leadtui.opening import JobsLike


SWITCH_S = 0.0005
"""How long one thread keeps the interpreter while another wants it, in seconds."""


class DemoHandle(Protocol):
    """A demo that runs beside the screens: its database, and how to end it."""

    db: str

    def close(self) -> None:
        """Stop the training router and throw the database away."""


def refuse_terminal() -> str | None:
    """Why the screens cannot be shown here, or None."""
    if os.environ.get("TERM", "") == "dumb":
        return "this terminal cannot show screens (TERM=dumb)"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "screens need a terminal on standard input and output"
    return None


def run_tui(
    db: str | None = None,
    as_login: str | None = None,
    slow: bool = False,
    mouse: bool = True,
    ascii: bool = False,
    *,
    demo: DemoHandle | None = None,
) -> int:
    """Open the screens and return the exit code when the person leaves."""
    if (reason := refuse_terminal()) is not None:
        sys.stderr.write(f"leadtui: {reason}; the command line does everything too: leadtui --help\n")
        return 2
    # A thread that reads a flood from a router gives the interpreter back after this long, not after ten times as long:
    # a key needs it several times over (bench/hanging.py).
    sys.setswitchinterval(SWITCH_S)
    # Nothing that a start makes is garbage; looking for it costs a tenth of the time to the first rows.
    gc.disable()
    try:
        settings = load_settings()
        settings = replace(
            settings,
            db=demo.db if demo is not None else db or settings.db,
            slow=slow or settings.slow,
            ascii=ascii or settings.ascii,
            mouse=mouse and settings.mouse,
        )
        prepare_environment(settings)
        if settings.keys:
            from leadtui.commands import check_keymap

            settings = replace(settings, keys=check_keymap(settings.keys, str(settings.file)))
    except LeadtuiError as error:
        hint = f" ({error.hint})" if error.hint else ""
        sys.stderr.write(f"leadtui: {error.message}{hint}\n")
        return error.exit_code
    setup_logging(settings)
    from leadtui.app import LeadApp

    app = LeadApp(
        settings,
        opener(settings.db, as_login),
        first_run=demo is None and nothing_there(settings.db),
        make_jobs=jobs_beside_screens,
    )
    try:
        code = app.run(mouse=settings.mouse)
    finally:
        at_rest = app.jobs is None or app.jobs.stop()
        # Where work still hangs, closing would wait for it; the process simply ends.
        if app.office is not None and app.background.idle and at_rest:
            app.office.close()
        if demo is not None:
            demo.close()
    return app.return_code or code or 0


def prepare_environment(settings: Settings) -> None:
    """Textual reads these when it is imported (facts §2.9); what the person has set stays."""
    if settings.slow:
        os.environ.setdefault("TEXTUAL_FPS", "15")
        os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
        os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")


def nothing_there(db: str | None) -> bool:
    """Whether there is certainly no database yet: a path, and no file at it. Answers at once, without the store."""
    if db is None:
        return not default_db().exists()
    if "://" in db:
        return False
    return not os.path.exists(os.path.expanduser(db))


def jobs_beside_screens(office: Any) -> JobsLike:
    """The work that goes on by itself, in threads of this process; a worker elsewhere goes before it."""
    from leadtui.jobs.runner import Runner

    return Runner(office, "tui", first_slow_after_s=10.0)  # what an earlier run left open is settled before, and told


def opener(db: str | None, as_login: str | None) -> Callable[[], Any]:
    """What opens the office, in a thread after the first paint."""

    def open_now() -> Any:
        from leadtui.services.office import open_office

        return open_office(db, as_login=as_login, origin="tui")

    return open_now
