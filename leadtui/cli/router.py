"""`leadtui router`: the list of routers and what was left open on them; its other verbs live in the files beside it."""

from __future__ import annotations

import importlib
import importlib.util
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import confirm, office, on_terminal, secret_from, warn
from leadtui.cli.output import emit, pairs, table
from leadtui.errors import Invalid, NotFound, RouterError, UsageError

if TYPE_CHECKING:
    from leadtui.services.office import Office

VERBS: Final = ("leadtui.cli.router_ask", "leadtui.cli.router_audit", "leadtui.cli.router_simulate")

app = tree.noun("Routers that customers' users are made on")

Name = Annotated[str, typer.Argument(metavar="NAME", help="the router", autocompletion=complete.routers)]
Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="its name or address")]
Port = Annotated[int | None, typer.Option("--port", help="of its API; else 8728, or 8729 with TLS")]
Tls = Annotated[
    bool | None, typer.Option("--tls/--no-tls", help="encrypted; the certificate is checked against known CAs")
]
TlsPin = Annotated[
    str | None, typer.Option("--tls-pin", metavar="FINGERPRINT", help="encrypted; only this certificate (SHA-256)")
]
TlsCa = Annotated[
    str | None, typer.Option("--tls-ca", metavar="FILE", help="encrypted; a certificate signed by this CA")
]
TlsAnonymous = Annotated[
    bool, typer.Option("--tls-anonymous", help="encrypted, but anybody could answer: routers without a certificate")
]
Account = Annotated[str | None, typer.Option("--username", metavar="NAME", help="its account for this program")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="read the password from standard input")]
ServiceOption = Annotated[
    str | None, typer.Option("--service", metavar="pppoe|hotspot", help="what users usually get there")
]
Branch = Annotated[
    str | None,
    typer.Option(
        "--branch", metavar="NAME", help="whose leads it serves; empty: none", autocompletion=complete.branches
    ),
]
Areas = Annotated[
    list[str] | None,
    typer.Option("--area", metavar="PLACE", help="named in the addresses it serves; several, or empty for none"),
]

PASSWORD_VARIABLE = "LEADTUI_ROUTER_PASSWORD"  # noqa: S105 - the name of a variable


@app.command("add")
def add(
    name: Annotated[str, typer.Option("--name", help="what people call it")],
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="its name or address")],
    username: Annotated[str, typer.Option("--username", metavar="NAME", help="its account for this program")],
    port: Port = None,
    tls: Tls = None,
    tls_pin: TlsPin = None,
    tls_ca: TlsCa = None,
    tls_anonymous: TlsAnonymous = False,
    password_stdin: PasswordStdin = False,
    service: ServiceOption = None,
    branch: Branch = None,
    area: Areas = None,
) -> None:
    """Add a router. The password comes from --password-stdin, LEADTUI_ROUTER_PASSWORD or a prompt."""
    from leadtui.services import routers

    password = secret_from(stdin=password_stdin, env=PASSWORD_VARIABLE, prompt=f"Password of {username} on {name}")
    if not password:
        raise UsageError(
            "standard input holds no password" if password_stdin else "--password-stdin is missing",
            field="password", code="missing_option",
            hint=f"or set {PASSWORD_VARIABLE}, or run it on a terminal to be asked",
        )  # fmt: skip
    values = _given(name=name, host=host, username=username, port=port, service=service, branch=branch)
    values |= _tls(tls, tls_pin, tls_ca, anonymous=tls_anonymous) | _areas(area) | {"password": password}
    with office() as opened:
        record = _reached(opened, routers.add(opened, values))
    emit(record, lambda: _record_text(record))


@app.command("edit")
def edit(
    router: Name,
    name: Annotated[str | None, typer.Option("--name", help="another name")] = None,
    host: Host = None,
    port: Port = None,
    tls: Tls = None,
    tls_pin: TlsPin = None,
    tls_ca: TlsCa = None,
    tls_anonymous: TlsAnonymous = False,
    username: Account = None,
    password_stdin: PasswordStdin = False,
    service: ServiceOption = None,
    branch: Branch = None,
    area: Areas = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="whether it is offered for new users")
    ] = None,
) -> None:
    """Change a router: only what is given."""
    from leadtui.services import routers

    values = _given(name=name, host=host, username=username, port=port, service=service, branch=branch)
    values |= _tls(tls, tls_pin, tls_ca, anonymous=tls_anonymous) | _areas(area)
    if active is not None:
        values["is_active"] = "yes" if active else "no"
    if password_stdin:
        values["password"] = secret_from(stdin=True, env="", prompt="")
        if not values["password"]:
            raise UsageError("no password came on standard input", field="password")
    if not values:
        raise UsageError("nothing to change was given", hint="see: leadtui router edit --help")
    with office() as opened:
        record = routers.edit(opened, router, values)
        if "tls" in values:
            record = _reached(opened, record)
    emit(record, lambda: _record_text(record))


def _given(**values: Any) -> dict[str, str | None]:
    return {key: str(value) for key, value in values.items() if value is not None}


def _tls(tls: bool | None, pin: str | None, ca: str | None, *, anonymous: bool) -> dict[str, str | None]:
    """The TLS mode that the options mean; empty when they say nothing."""
    chosen = [mode for mode, given in (("pin", pin), ("ca", ca), ("anonymous", anonymous)) if given]
    if len(chosen) > 1 or (chosen and tls is False):
        raise UsageError(
            "only one way of TLS can be chosen", field="tls", hint="--tls-pin, --tls-ca or --tls-anonymous"
        )
    if chosen or tls is not None:
        mode = chosen[0] if chosen else "ca" if tls else "plain"
        certificate = str(Path(ca).expanduser().absolute()) if ca else None
        if certificate is not None and not Path(certificate).is_file():
            raise Invalid(f"there is no file {certificate}", field="tls_ca", hint="a CA certificate in PEM")
        return {"tls": mode, "tls_pin": pin, "tls_ca": certificate}
    return {}


def _areas(given: Sequence[str] | None) -> dict[str, str | None]:
    """All `--area` together; empty when none was given."""
    return {} if given is None else {"areas": ",".join(given)}


def _reached(opened: Office, record: dict[str, Any]) -> dict[str, Any]:
    """Say once what the way to the router means; on a terminal a certificate that nobody vouches for can be pinned at
    once. The record as it is then.
    """
    from leadtui.cli.router_ask import offer_trust
    from leadtui.services import routers

    name = str(record["name"])
    if words := routers.tls_warning(record):
        warn(f"{words}: leadtui router trust {shlex.quote(name)}" if record["tls"] == "plain" else words)
    if record["tls"] not in {"ca", "pin"} or not on_terminal():
        return record
    answer = routers.test(opened, name)
    if not answer.ok and not offer_trust(opened, name, answer):
        warn(f"{answer.error} {answer.hint or ''}".strip())
    return routers.get(opened, name)


@app.command("list")
def list_() -> None:
    """The routers, and how they answered last."""
    from leadtui.services import routers

    with office() as opened:
        rows = routers.list_routers(opened)
        emit({"total": len(rows), "routers": rows}, lambda: _list_text(opened, rows))


def _list_text(opened: Office, rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "none; add one with: leadtui router add"
    cells = [
        (r["name"], f"{r['host']}:{r['port']}", r["tls"], r["service"], r["identity"], r["version"], r["users"],
         r["open_jobs"] or "", _when(opened, r["last_ok_at"]),
         r["last_error"] or ("" if r["is_active"] else "inactive"))
        for r in rows
    ]  # fmt: skip
    heads = ("name", "address", "tls", "service", "identity", "version", "users", "open", "last ok", "")
    return table(heads, cells, right=[6, 7])


def _when(opened: Office, at: Any) -> str:
    return "" if at is None else at.astimezone(opened.tz).strftime("%Y-%m-%d %H:%M")


@app.command("show")
def show(router: Name) -> None:
    """One router; its password is never shown."""
    from leadtui.services import routers

    with office() as opened:
        record = routers.get(opened, router)
    emit(record, lambda: _record_text(record))


def _record_text(record: dict[str, Any]) -> str:
    return pairs((key.replace("_", " "), value) for key, value in record.items())


@app.command("remove")
def remove(
    router: Name,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would be removed")] = False,
) -> None:
    """Take a router off the list; nothing is changed on it. Refused while users of ours are on it."""
    from leadtui.services import routers

    with office() as opened:
        record = routers.get(opened, router)
        if dry_run:
            emit({**record, "dry_run": True}, f"would remove {record['name']} ({record['users']} users of ours on it)")
            return
        confirm(f"Remove the router {record['name']} from the list?", yes=yes)
        routers.remove(opened, record["name"])
    emit({"removed": record["name"]}, f"removed {record['name']}")


@app.command("pending")
def pending(
    resolve: Annotated[
        bool, typer.Option("--resolve", help="look at the routers, undo what was left, write it down")
    ] = False,
    job: Annotated[int | None, typer.Option("--job", metavar="ID", help="only this one")] = None,
) -> None:
    """What is under way with routers or was left open; --resolve settles what it can."""
    from leadtui.services import conversion

    with office() as opened:
        if not resolve:
            rows = [_job(row) for row in conversion.pending(opened) if job in (None, row.id)]
            if job is not None and not rows:
                raise NotFound(f"there is no open job {job}", field="job")
            keys = ("id", "kind", "lead_number", "router", "username", "state", "by", "held", "last_error")
            emit(
                {"total": len(rows), "jobs": rows},
                lambda: (
                    table([k.replace("_", " ") for k in keys], [[r[k] for k in keys] for r in rows]) if rows else "none"
                ),
            )
            return
        answers = conversion.resolve(opened, job)
    document = [
        {"job_id": a.job_id, "kind": a.kind, "lead_number": a.lead_number, "router": a.router, "username": a.username,
         "outcome": a.outcome, "message": a.message}
        for a in answers
    ]  # fmt: skip
    text = "\n".join(f"{a.lead_number} on {a.router}: {a.message}" for a in answers) or "nothing is open"
    emit({"total": len(answers), "resolved": document}, text)
    for answer in answers:
        if answer.outcome == "refused":
            warn(f"{answer.router} refused what the store says of {answer.lead_number}: {answer.message}")
    if unknown := [a for a in answers if a.outcome == "unknown"]:
        raise RouterError(
            f"{len(unknown)} of {len(answers)} could not be settled", code="unsettled",
            hint="repeat it when the router answers",
        )  # fmt: skip


def _job(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "kind": row.kind, "lead_number": row.lead_number, "router": row.router, "service": row.service,
        "username": row.username, "state": row.state, "step": row.step, "by": row.by, "since": row.since,
        "attempts": row.attempts, "last_error": row.last_error, "held": row.is_held,
        "recheck_until": row.recheck_until,
    }  # fmt: skip


for _module in VERBS:
    if importlib.util.find_spec(_module) is not None:
        importlib.import_module(_module).register(app)
