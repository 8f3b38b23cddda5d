"""`leadtui worker`: the work that goes on by itself, without a screen; how it stands, and what failed."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leadtui.cli import tree
from leadtui.cli.context import note, open_log, options
from leadtui.cli.context import office as opened_office
from leadtui.cli.output import emit
from leadtui.cli.until_told import signals, wait
from leadtui.errors import NotPermitted, UsageError

if TYPE_CHECKING:
    from leadtui.jobs.routine import Tally
    from leadtui.services.office import Office

_LONGEST_S: Final = 366 * 86_400.0
app = tree.noun("The work that goes on by itself, without a screen")
app.default_verb = "run"  # type: ignore[attr-defined]  # `worker --once` is `worker run --once`


@app.command("run", hidden=True)
def worker(
    once: Annotated[bool, typer.Option("--once", help="do everything that is due, and end")] = False,
    for_s: Annotated[float | None, typer.Option("--for", metavar="SECONDS", help="end after this time")] = None,
) -> None:
    """Do the work that goes on by itself, without a screen, until stopped.

    Every 2 seconds: reminders, overdue follow-ups and promises, events, messages to leads as their rate
    permits. Every 15 seconds: settles what broke off on routers, asks routers for their load, notes who
    comes online for the first time, sends alerts. Any number may run: one of them works, the others stand
    by, and open screens leave the work to it. --once does what is due now, whoever else is at work. It
    needs the right to configure the office, or the owner of the database.
    """
    from leadtui.services.office import open_office

    if once and for_s is not None:
        raise UsageError("either --once or --for", field="for")
    if for_s is not None and not 0 < for_s <= _LONGEST_S:
        raise UsageError("--for: a number of seconds is expected", field="for", hint="such as --for 60")
    open_log()
    office = open_office(options().db, as_login=options().as_login, origin="worker")
    try:
        if not (office.is_owner or office.actor.may("config")):
            raise NotPermitted("you may not run the worker", hint="it needs the right to configure the office")
        done, came = _work(office, once=once, for_s=for_s)
    finally:
        office.close()
    emit(done.as_json(), lambda: _words(done))
    if came == signal.SIGINT:
        raise KeyboardInterrupt


def _work(office: Office, *, once: bool, for_s: float | None) -> tuple[Tally, int]:
    """Work until done, told to stop, or out of time: what was done, and the signal that came (0: none)."""
    from leadtui.jobs.routine import Tally
    from leadtui.jobs.runner import Runner

    total = Tally()
    failed: list[BaseException] = []

    def count(tally: Tally) -> None:
        total.add(tally)
        if not once and not tally.is_empty:
            with contextlib.suppress(OSError):
                note(_words(tally))

    runner = Runner(office, "worker", on_tick=count)
    with signals() as (pipe, tell):

        def all_at_once() -> None:
            try:
                count(runner.once())
            except BaseException as error:  # noqa: BLE001 - raised again in the main thread
                failed.append(error)
            tell()

        if once:
            threading.Thread(target=all_at_once, daemon=True, name="leadtui-once").start()
        else:
            runner.start()
        came = wait(pipe, for_s)
        runner.stop()
    if failed:
        raise failed[0]
    return total, came


def _words(done: Tally) -> str:
    """A tally for a person."""
    from leadtui.jobs.status import did_words

    return f"{done.ticks:,} tick{'' if done.ticks == 1 else 's'}: " + (did_words(done.done()) or "nothing was due")


@app.command("status")
def status() -> None:
    """Show who does the work, what it did last, what waits and what failed."""
    from leadtui.cli.render import View
    from leadtui.cli.render_jobs import status_text
    from leadtui.jobs import status as jobs_status

    with opened_office() as office:
        found = jobs_status.status(office)
        view = View.of(office)
    emit(found.as_json(), lambda: status_text(found, view))


@app.command("retry")
def retry(
    which: Annotated[str, typer.Argument(metavar="ID|all", help="an id of `worker status`, such as event:12")],
) -> None:
    """Let something that failed be tried again with the next tick."""
    from leadtui.jobs import status as jobs_status

    with opened_office() as office:
        done = jobs_status.retry(office, which)
    emit({"retried": done}, lambda: f"{done:,} will be tried again" if done else "nothing had failed")


@app.command("give-up")
def give_up(
    which: Annotated[str, typer.Argument(metavar="ID", help="an id of `worker status`, such as event:12")],
) -> None:
    """Let something that failed rest: it is not tried again."""
    from leadtui.jobs import status as jobs_status

    with opened_office() as office:
        done = jobs_status.give_up(office, which)
    emit({"given_up": done}, lambda: f"{which} is not tried again")
