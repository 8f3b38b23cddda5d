"""The tree of commands: nouns are imported when they are named; every command has the same help and shared options."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from leadtui.cli.context import options

NOUNS: Final[dict[str, tuple[str, str]]] = {
    "tui": ("leadtui.cli.tui", "open the screens (what `leadtui` alone does)"),
    "init": ("leadtui.cli.init", "make a new database from a preset"),
    "demo": ("leadtui.cli.demo", "a throw-away database with believable leads, to look around"),
    "lead": ("leadtui.cli.lead", "leads: add, find, edit, move on, convert"),
    "activity": ("leadtui.cli.activity", "what was done with leads, and what is to be done"),
    "followup": ("leadtui.cli.followup", "what is due, the next one, a calendar file"),
    "loan": ("leadtui.cli.loan", "promises to clear a loan: note, clear, what is overdue"),
    "message": ("leadtui.cli.message", "one message to one lead; what became of messages"),
    "notification": ("leadtui.cli.notification", "what you were told; deal with it, or show it again later"),
    "booking": ("leadtui.cli.booking", "bookings of other programs, each with its lead; those that failed"),
    "campaign": ("leadtui.cli.campaign", "messages to many leads: write, rehearse, start, watch"),
    "template": ("leadtui.cli.template", "texts that are sent again and again"),
    "suppression": ("leadtui.cli.suppression", "who wants no messages: list, add, lift, import, export"),
    "customer": ("leadtui.cli.customer", "customers: find, show, edit, suspend, resume, change their package"),
    "package": ("leadtui.cli.package", "packages that leads are interested in, and their profiles on routers"),
    "source": ("leadtui.cli.catalogue", "where leads come from"),
    "status": ("leadtui.cli.catalogue", "the statuses of a pipeline"),
    "pipeline": ("leadtui.cli.catalogue", "pipelines"),
    "quick-log": ("leadtui.cli.catalogue", "one-key outcomes of work mode"),
    "drip": ("leadtui.cli.drip", "one step after another for each lead: messages, tasks"),
    "rule": ("leadtui.cli.rule", "what happens by itself: stage actions, triggers, milestones"),
    "tag": ("leadtui.cli.catalogue", "tags"),
    "branch": ("leadtui.cli.catalogue", "branches"),
    "person": ("leadtui.cli.catalogue", "people who bring leads in"),
    "router": ("leadtui.cli.router", "routers, the users on them, and the training router"),
    "channel": ("leadtui.cli.channel", "the ways out to leads: accounts, probes, limits"),
    "user": ("leadtui.cli.user", "who works here"),
    "role": ("leadtui.cli.role", "what each role may do, and with which leads"),
    "undo": ("leadtui.cli.history", "take back the last act, or a batch"),
    "audit": ("leadtui.cli.history", "who changed what, and when"),
    "stats": ("leadtui.cli.stats", "leads in figures: by status, month, source and user; what became of them"),
    "worker": ("leadtui.cli.worker", "the work that goes on by itself, without a screen"),
    "form": ("leadtui.cli.form", "forms of websites that may send leads; what came in by them, what failed"),
    "serve": ("leadtui.cli.serve", "what comes in over HTTP: the API, website forms, webhooks"),
    "db": ("leadtui.cli.db", "the database itself"),
    "config": ("leadtui.cli.configure", "settings of this program and of the office"),
}
"""Noun → (module, one line). A module holds `app`, or `apps[noun]` where it serves several."""


class Root(TyperGroup):
    """`leadtui`: finds a noun in the table and imports its module only then."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The nouns that are there, in the order of the table."""
        return [name for name, (module, _) in NOUNS.items() if _exists(module)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The noun, imported now; None when there is none of this name."""
        return load(cmd_name)


@lru_cache(maxsize=64)
def _exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@lru_cache(maxsize=64)
def load(name: str) -> Any:
    """The command of a noun, with shared options and help put in."""
    module, sentence = NOUNS.get(name, ("", ""))
    if not module or not _exists(module):
        return None
    loaded = importlib.import_module(module)
    app: typer.Typer = loaded.apps[name] if hasattr(loaded, "apps") else loaded.app
    info = app.registered_commands
    alone = len(info) == 1 and info[0].name == SINGLE
    command: Any = typer.main.get_command(app) if alone else typer.main.get_group(app)
    command.name = name
    command.help = command.help or sentence
    command.default_verb = getattr(app, "default_verb", None)
    _finish(command)
    return command


SINGLE: Final = "-"
"""The inner name of a command that is no noun: `leadtui init`."""


def noun(sentence: str) -> typer.Typer:
    """A noun, to register verbs on."""
    return typer.Typer(help=sentence, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def single(function: Callable[..., Any]) -> typer.Typer:
    """A command without verbs, such as `init`; its docstring is its help."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    app.command(SINGLE)(function)
    return app


# -- what every command has ------------------------------------------------------------------------------------------
def _set_db(value: str | None) -> None:
    if value:
        options().db = value


def _set_as(value: str | None) -> None:
    if value:
        options().as_login = value


def _set_json(value: bool) -> None:
    if value:
        options().json = True


def _logins(incomplete: str) -> list[str]:
    from leadtui.cli.complete import logins

    return logins(incomplete)


def _everywhere(
    _db: Annotated[
        str | None,
        typer.Option("--db", metavar="PATH|URL", help="the database", callback=_set_db, expose_value=False),
    ] = None,
    _as: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="LOGIN", help="act as this user", callback=_set_as, expose_value=False,
            autocompletion=_logins,
        ),
    ] = None,
    _json: Annotated[
        bool, typer.Option("--json", help="print one JSON document", callback=_set_json, expose_value=False)
    ] = False,
) -> None:  # fmt: skip
    """Hold the shared options."""


@lru_cache(maxsize=1)
def _shared() -> tuple[Any, ...]:
    app = typer.Typer(add_completion=False)
    app.command()(_everywhere)
    command: Any = typer.main.get_command(app)
    return tuple(command.params)


SHARED: Final = frozenset({"--db", "--as", "--json", "--help"})


def _finish(command: Any) -> None:
    """Put in the shared options and the help of one line per option, here and below."""
    from leadtui.cli.helping import help_text

    command.params = [*command.params, *_shared()]
    command.get_help = lambda ctx: help_text(command, _path(ctx))
    for child in getattr(command, "commands", {}).values():
        _finish(child)


def _path(ctx: Any) -> str:
    names: list[str] = []
    while ctx is not None:
        names.insert(0, str(ctx.info_name))
        ctx = ctx.parent
    return " ".join(names)


def _version(value: bool) -> None:
    if value:
        from leadtui import __version__
        from leadtui.cli.output import emit

        emit({"version": __version__}, f"leadtui {__version__}")
        raise typer.Exit(0)


@lru_cache(maxsize=1)
def root() -> Any:
    """The whole program as one command."""
    app = typer.Typer(
        cls=Root, name="leadtui", rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True,
        help="Lead management in the terminal, from first call to a working MikroTik user.",
    )  # fmt: skip

    @app.callback()
    def _program(
        version: Annotated[
            bool, typer.Option("--version", help="print the version", callback=_version, is_eager=True)
        ] = False,
    ) -> None:
        """Lead management in the terminal, from first call to a working MikroTik user."""

    command = typer.main.get_command(app)
    _finish(command)
    return command
