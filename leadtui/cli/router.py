"""`leadtui router`: the list of routers, what they answer, what was left open on them, and the training router."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import confirm, office, options, secret_from, warn
from leadtui.cli.output import emit, pairs, say, table
from leadtui.errors import Invalid, LeadtuiError, RouterError, UsageError

if TYPE_CHECKING:
    from leadtui.services.office import Office

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
    values = _given(name=name, host=host, username=username, port=port, service=service)
    values |= _tls(tls, tls_pin, tls_ca, anonymous=tls_anonymous) | {"password": password}
    with office() as opened:
        record = routers.add(opened, values)
    _warn_of_tls(record)
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
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="whether it is offered for new users")
    ] = None,
) -> None:
    """Change a router: only what is given."""
    from leadtui.services import routers

    values = _given(name=name, host=host, username=username, port=port, service=service)
    values |= _tls(tls, tls_pin, tls_ca, anonymous=tls_anonymous)
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
        _warn_of_tls(record)
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


def _warn_of_tls(record: dict[str, Any]) -> None:
    if record["tls"] == "plain":
        warn(f"passwords travel to {record['name']} unencrypted; --tls-pin or --tls-ca protect them")
    elif record["tls"] == "anonymous":
        warn(f"anonymous TLS hides what is sent, but anybody could answer as {record['name']}")


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


@app.command("test")
def test(router: Name) -> None:
    """Ask a router who it is and how fast it answers; exit 6 when it does not."""
    from leadtui.services import routers

    with office() as opened:
        answer = routers.test(opened, router)
    if answer.warning:
        warn(answer.warning)
    if answer.ok:
        emit(
            answer.as_json(),
            f'{router}: RouterOS {answer.version}, "{answer.identity}", {answer.board}, {answer.latency_ms:g} ms',
        )
        return
    if options().json:
        emit(answer.as_json(), "")
    shown = f"the certificate it shows: {answer.fingerprint}" if answer.fingerprint else None
    hint = "\n  ".join(part for part in (answer.hint, shown) if part)
    raise RouterError(answer.error or "no answer", hint=hint or None)


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


@app.command("profiles")
def profiles(router: Name, service: ServiceOption = None) -> None:
    """The profiles a router has; in a rate limit the first figure is the customer's upload."""
    from leadtui.services import routers

    with office() as opened:
        rows = routers.profiles(opened, router, service=service)
    keys = ("name", "rate_limit", "local_address", "remote_address", "comment")
    emit(
        {"total": len(rows), "profiles": rows},
        lambda: table([key.replace("_", " ") for key in keys], [[row[key] for key in keys] for row in rows]),
    )


@app.command("users")
def users(
    router: Name,
    show_secret: Annotated[
        bool, typer.Option("--show-secret", help="with their passwords, of leads you may convert; this is recorded")
    ] = False,
) -> None:
    """The users this program made on a router, as they stand there now; those of others are counted."""
    from leadtui.services import routers
    from leadtui.services.conversion import settle_on_start

    with office() as opened:
        for settled in settle_on_start(opened):
            warn(f"an earlier conversion of {settled.lead_number} was left open: {settled.message}")
        found = routers.users(opened, router)
        if show_secret:
            for user in found["users"]:
                secret = routers.reveal(opened, router, user["service"], user["username"])
                user["password"] = secret.reveal() if secret is not None else None
    keys = ["username", "service", "profile", "ip", "state", "lead_number", "customer_id"]
    keys += ["password"] if show_secret else []
    emit(
        found,
        lambda: "\n".join((
            table([key.replace("_", " ") for key in keys], [[user[key] for key in keys] for user in found["users"]]),
            f"{found['total']} of ours, {found['foreign_count']} of others",
        )),
    )  # fmt: skip


@app.command("pending")
def pending(
    resolve: Annotated[
        bool, typer.Option("--resolve", help="look at the routers, undo what was left, write it down")
    ] = False,
    job: Annotated[int | None, typer.Option("--job", metavar="ID", help="only this one")] = None,
) -> None:
    """Conversions that are under way or were left open; --resolve settles those that nobody works on."""
    from leadtui.services import conversion

    with office() as opened:
        if not resolve:
            rows = [_job(row) for row in conversion.pending(opened) if job in (None, row.id)]
            keys = ("id", "lead_number", "router", "username", "state", "by", "held", "last_error")
            emit(
                {"total": len(rows), "jobs": rows},
                lambda: (
                    table([k.replace("_", " ") for k in keys], [[r[k] for k in keys] for r in rows]) if rows else "none"
                ),
            )
            return
        answers = conversion.resolve(opened, job)
    document = [
        {"job_id": a.job_id, "lead_number": a.lead_number, "router": a.router, "username": a.username,
         "outcome": a.outcome, "message": a.message}
        for a in answers
    ]  # fmt: skip
    text = "\n".join(f"{a.lead_number} on {a.router}: {a.message}" for a in answers) or "nothing is open"
    emit({"total": len(answers), "resolved": document}, text)
    if unknown := [a for a in answers if a.outcome == "unknown"]:
        raise RouterError(
            f"{len(unknown)} of {len(answers)} could not be settled", code="unsettled",
            hint="repeat it when the router answers",
        )  # fmt: skip


def _job(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "lead_number": row.lead_number, "router": row.router, "service": row.service,
        "username": row.username, "state": row.state, "step": row.step, "by": row.by, "since": row.since,
        "attempts": row.attempts, "last_error": row.last_error, "held": row.is_held,
        "recheck_until": row.recheck_until,
    }  # fmt: skip


@app.command("simulate")
def simulate(
    port: Annotated[int | None, typer.Option("--port", help="0 for any free one")] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="where it keeps its users; else in memory")
    ] = None,
) -> None:
    """Serve a training RouterOS on this machine (admin/admin) until interrupted.

    With a demo's database it answers where the demo recorded it.
    """
    import signal
    import threading

    from leadtui.router.simulator import run_simulator

    identity: dict[str, str] = {}
    if port is None and state is None:
        port, state, identity = _recorded()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    run_simulator(port or 0, state, on_listening=lambda at: say(f"LISTENING {at}"), stop=stop, **identity)


def _recorded() -> tuple[int | None, Path | None, dict[str, Any]]:
    """Port, state file and name of the demo's router, when the database is a demo's."""
    import os

    if not options().db and not os.environ.get("LEADTUI_DB"):
        return None, None, {}
    try:
        with office() as opened:
            from leadtui.services.demo import recorded_router

            found = recorded_router(opened)
    except (ImportError, LeadtuiError):
        return None, None, {}
    return (found.port, found.state_file, {"identity": found.name}) if found is not None else (None, None, {})
