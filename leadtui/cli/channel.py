"""`leadtui channel`: the ways out to leads, their accounts, whether they would work now."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadtui.cli import tree
from leadtui.cli.context import note, office, on_terminal, warn
from leadtui.cli.output import emit, pairs, table
from leadtui.errors import OtherSide, UsageError

if TYPE_CHECKING:
    from leadtui.services.channels import ChannelRow

app = tree.noun("The ways out to leads: accounts of channels, probes, templates of providers")

SECRET_VARIABLE: Final = "LEADTUI_CHANNEL_SECRET"  # noqa: S105 - the name of a variable


def _names(incomplete: str) -> list[str]:
    from leadtui.channels.registry import BUILT_IN

    return [name for name in BUILT_IN if name.startswith(incomplete)]


Name = Annotated[str, typer.Argument(metavar="NAME", help="the channel", autocompletion=_names)]


def _json(row: ChannelRow) -> dict[str, Any]:
    return {
        "channel": row.channel, "label": row.label, "origin": row.origin, "ready": row.ready, "why_not": row.why_not,
        "is_active": row.is_active, "is_set_up": row.is_set_up, "installed": row.installed,
        "config": dict(row.config), "secrets": list(row.secret_keys_set), "per_minute": row.per_minute,
        "daily": row.daily_unique, "gap": row.gap_s, "price": row.price,
        "stopped": None if row.stopped_code is None else
        {"code": row.stopped_code, "text": row.stopped_text, "at": row.stopped_at},
        "probe": None if row.probe_code is None else
        {"code": row.probe_code, "text": row.probe_text, "at": row.probed_at},
    }  # fmt: skip


def _text(row: ChannelRow) -> str:
    settings = [
        (f"  {s.key}", row.config.get(s.key) or (f"{s.default} (unless set)" if s.default else "–"))
        for s in row.settings
        if not s.secret
    ]
    hidden = [(f"  {s.key}", "•••" if s.key in row.secret_keys_set else "–") for s in row.settings if s.secret]
    probe = f"{row.probe_code}: {row.probe_text}" if row.probe_code else None
    lines = [
        ("channel", f"{row.channel}  {row.label}"), ("ready", "yes" if row.ready else f"no, {row.why_not}"),
        ("install", row.how_to_install), ("settings", " " if settings else None), *settings,
        ("secrets", " " if hidden else None), *hidden,
        ("per minute", _limit(row.per_minute)), ("a day", _limit(row.daily_unique)),
        ("gap", "–" if row.gap_s is None else f"{row.gap_s} s"), ("price", row.price), ("last probe", probe),
        ("note", row.warning),
    ]  # fmt: skip
    return pairs(lines)


def _limit(value: int | None) -> str:
    return "no limit" if value is None else f"{value:,}"


@app.command("list")
def list_() -> None:
    """List the channels, and whether something could be sent on each now."""
    from leadtui.services import channels

    with office() as opened:
        rows = channels.list_all(opened)
    cells = [
        (row.channel, row.label, "ready" if row.ready else row.why_not, _limit(row.per_minute),
         _limit(row.daily_unique), row.probe_code or "")
        for row in rows
    ]  # fmt: skip
    document = {"total": len(rows), "channels": [_json(row) for row in rows]}
    emit(document, lambda: table(("channel", "", "state", "per minute", "a day", "last probe"), cells, right=[3, 4]))


@app.command("show")
def show(name: Name) -> None:
    """Show one channel: what it can be told, what it was told, its limits. Secrets are never shown."""
    from leadtui.services import channels

    with office() as opened:
        row = channels.get(opened, name)
    emit(_json(row), lambda: _text(row))


@app.command("set")
def set_(
    name: Name,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="one setting; several times; empty: default")
    ] = None,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="read secrets from standard input: lines KEY=SECRET, or JSON")
    ] = False,
    ask_secrets: Annotated[bool, typer.Option("--ask", help="be asked for each secret, unseen")] = False,
    per_minute: Annotated[
        str | None, typer.Option("--per-minute", metavar="N", help="so many messages a minute at most; 0: no limit")
    ] = None,
    daily: Annotated[
        str | None, typer.Option("--daily", metavar="N", help="so many different leads in 24 hours; 0: no limit")
    ] = None,
    gap: Annotated[
        str | None, typer.Option("--gap", metavar="SECONDS", help="between two messages to one lead; 0: none")
    ] = None,
    price: Annotated[
        str | None, typer.Option("--price", metavar="AMOUNT", help="of one message, of one part for SMS")
    ] = None,
) -> None:
    """Set up a channel's account. Secrets come from --secret-stdin, LEADTUI_CHANNEL_SECRET or --ask."""
    from leadtui.services import channels

    values: dict[str, str | None] = dict(_pair(text) for text in given or ())
    limits = {"per_minute": per_minute, "daily": daily, "gap": gap, "price": price}
    values |= {key: value for key, value in limits.items() if value is not None}
    secrets = _secrets(name, stdin=secret_stdin, ask_each=ask_secrets)
    if not values and not secrets:
        raise UsageError("nothing to set was given", field="set", hint=f"see: leadtui channel show {name}")
    with office() as opened:
        row = channels.set_account(opened, name, values, secrets)
    if row.warning:
        note(row.warning)
    emit(_json(row), lambda: _text(row))


def _pair(text: str) -> tuple[str, str]:
    key, mark, value = text.partition("=")
    if not mark or not key.strip():
        raise UsageError(f"'{text[:40]}' is no KEY=VALUE", field="set", hint="such as --set host=mail.example.com")
    return key.strip(), value


def _secrets(name: str, *, stdin: bool, ask_each: bool) -> dict[str, str]:
    """Secrets from standard input, typed unseen, or the environment, in this order."""
    from leadtui.services import channels

    if stdin:
        return channels.parse_secrets(name, sys.stdin.read(100_000))
    if ask_each:
        if not on_terminal():
            raise UsageError("nobody is there to be asked", field="ask", hint="use --secret-stdin")
        import getpass

        keys = [setting for setting in channels.fields(name) if setting.secret]
        typed = {s.key: getpass.getpass(f"{s.key} ({s.help}): ", stream=sys.stderr).strip() for s in keys}
        return {key: value for key, value in typed.items() if value}
    if os.environ.get(SECRET_VARIABLE):
        return channels.parse_secrets(name, os.environ[SECRET_VARIABLE])
    return {}


@app.command("probe")
def probe(name: Name) -> None:
    """Try whether a channel would work now; nothing is sent to a lead. Exit 6 when it would not."""
    from leadtui.services import channels

    with office() as opened:
        answer = channels.probe(opened, name)
    document = {"channel": name, "ok": answer.ok, "code": answer.code, "text": answer.text, "hint": answer.hint or None}
    if not answer.ok:
        raise OtherSide(f"{name}: {answer.text}", code=answer.code, field="channel", hint=answer.hint or None)
    emit(document, f"{answer.code}: {answer.text}")


@app.command("resume")
def resume(name: Name) -> None:
    """Let an account that stopped itself go on, once what stopped it was seen to."""
    from leadtui.services import channels

    with office() as opened:
        row = channels.resume(opened, name)
    if not row.ready:
        warn(f"{row.channel} is still not ready: {row.why_not}")
    emit(_json(row), f"{row.channel} goes on")


def _switch(name: str, *, active: bool) -> None:
    from leadtui.services import channels

    with office() as opened:
        row = channels.set_active(opened, name, active)
    emit(_json(row), f"{row.channel} is {'on' if active else 'off'}")


@app.command("enable")
def enable(name: Name) -> None:
    """Switch a channel on."""
    _switch(name, active=True)


@app.command("disable")
def disable(name: Name) -> None:
    """Switch a channel off; what waits on it waits."""
    _switch(name, active=False)


@app.command("templates")
def templates(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="the channel", autocompletion=_names)
    ] = "whatsapp_cloud",
    refresh: Annotated[bool, typer.Option("--refresh", help="ask the provider now, not what it said today")] = False,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="TEMPLATE", help="keep this one as a text of ours, to send by it")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="TEXT", help="for each of its values, in order, such as '{first_name|there}'"),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="TEXT", help="for each value of its header")
    ] = None,
    button: Annotated[
        list[str] | None, typer.Option("--button", metavar="TEXT", help="for the changing end of a button's address")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="CODE", help="which one, if it is there in several")
    ] = None,
    own_name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="what to call it here")] = None,
) -> None:
    """List the templates that the provider approved, and how many values each takes; --keep takes one over."""
    from leadtui.services import approved_templates, channels

    if keep is None and (param or header or button or language or own_name):
        raise UsageError("--keep is missing", field="keep", code="missing_option", hint="--keep TEMPLATE")
    with office() as opened:
        found = channels.templates(opened, name, refresh=refresh)
        if keep is not None:
            row = approved_templates.keep(
                opened, keep, params=param or (), header=header or (), buttons=button or (), language=language,
                name=own_name, channel=name,
            )  # fmt: skip
            emit(
                {"id": row.id, "name": row.name, "channel": row.channel, "body": row.body, "provider": row.provider},
                f"kept {row.name}: {row.body}",
            )
            return
    document = {"total": len(found), "templates": [row.as_json() for row in found]}
    emit(document, lambda: _templates_text(found))


def _templates_text(found: Sequence[Any]) -> str:
    if not found:
        return "none"
    cells = [(row.name, row.language, row.category, row.status, row.params, row.body) for row in found]
    return table(("template", "language", "category", "status", "values", "text"), cells, right=[4])
