"""Verbs of `leadtui router` that ask a router: test, trust, capacity, profiles, users."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete
from leadtui.cli.context import ask, note, office, on_terminal, options, warn
from leadtui.cli.output import emit, say, table
from leadtui.errors import RouterError, UsageError

if TYPE_CHECKING:
    from leadtui.services.office import Office
    from leadtui.services.routers import RouterAnswer

Name = Annotated[str, typer.Argument(metavar="NAME", help="the router", autocompletion=complete.routers)]
OptionalName = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="the router", autocompletion=complete.routers)
]
ServiceOption = Annotated[str | None, typer.Option("--service", metavar="pppoe|hotspot", help="of which service")]

WHERE_SHOWN = "the router itself shows it with: /certificate print detail"


# -- test --------------------------------------------------------------------------------------------------------------
def probe(
    router: OptionalName = None,
    every: Annotated[bool, typer.Option("--all", help="all routers in use, side by side")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="take over the name it gives itself now; needs the right to configure")
    ] = False,
) -> None:
    """Ask a router who it is and how fast it answers; exit 6 when it does not."""
    if every == (router is not None):
        raise UsageError("name a router, or say --all", field="name", hint="see: leadtui router test --help")
    if every and accept:
        raise UsageError("--accept is for one router", field="accept")
    with office() as opened:
        if router is None:
            _test_all(opened)
        else:
            _test_one(opened, router, accept=accept)


def _test_one(opened: Office, router: str, *, accept: bool) -> None:
    from leadtui.services import routers

    answer = routers.test(opened, router, accept=accept)
    if not answer.ok and answer.fingerprint and offer_trust(opened, router, answer):
        answer = routers.test(opened, router)
    if answer.known_as is not None and on_terminal() and opened.actor.may("config"):
        question = f"{router} calls itself {answer.identity} now, and {answer.known_as} before. Is that right? [y/N]"
        if ask(question).lower() in {"y", "yes"}:
            answer = routers.accept_identity(opened, router, answer)
    for sentence in answer.warnings:
        warn(sentence)
    if answer.known_as is not None:
        note(f"  if that is right, accept it with: leadtui router test {shlex.quote(router)} --accept")
    if answer.ok:
        emit(answer.as_json(), _said(router, answer))
        return
    if options().json:
        emit(answer.as_json(), "")
    raise RouterError(answer.error or "no answer", hint=answer.hint)


def _said(router: str, answer: RouterAnswer) -> str:
    if not answer.ok:
        return f"{router}: {answer.error}"
    return f'{router}: RouterOS {answer.version}, "{answer.identity}", {answer.board}, {answer.latency_ms:g} ms'


def _test_all(opened: Office) -> None:
    from leadtui.services import routers

    rows: list[dict[str, Any]] = []

    def came(name: str, answer: RouterAnswer) -> None:
        rows.append({"router": name, **answer.as_json()})
        for sentence in answer.warnings:
            warn(sentence)
        if not options().json:  # each at once: the last may take its whole time
            say(_said(name, answer))

    routers.probe_all(opened, came)
    if options().json:
        rows.sort(key=lambda row: str(row["router"]).casefold())
        emit({"total": len(rows), "routers": rows}, "")
    elif not rows:
        say("no router is in use")
    raise_for([row["router"] for row in rows if not row["ok"]], len(rows))


def raise_for(silent: list[str], total: int) -> None:
    """End with exit 6 when routers did not answer."""
    if silent:
        raise RouterError(
            f"{len(silent)} of {total} did not answer: {', '.join(silent)}", code="router_silent",
            hint="the result says of each why",
        )  # fmt: skip


# -- trust -------------------------------------------------------------------------------------------------------------
def trust(
    router: Name,
    fingerprint: Annotated[
        str | None, typer.Option("--fingerprint", metavar="SHA256", help="pin it if the router shows just this one now")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="pin whatever it shows now, without comparing")] = False,
) -> None:
    """Pin the certificate that a router shows: from then on no other is accepted."""
    from leadtui.services import routers

    with office() as opened:
        if fingerprint is None:
            name = routers.get(opened, router)["name"]
            fingerprint = routers.fingerprint(opened, router)
            if not yes:
                _compare(name, fingerprint)
        record = routers.trust(opened, router, fingerprint)
    shown = {"router": record["name"], "fingerprint": record["tls_pin"], "tls": record["tls"], "port": record["port"]}
    emit(shown, f"{record['name']}: only the certificate {record['tls_pin']} is accepted now, on port {record['port']}")


def _compare(router: str, fingerprint: str) -> None:
    """Let a person compare. Raises UsageError where there is none, or when they are not the same."""
    if not on_terminal():
        raise UsageError(
            f"{router} shows the certificate {fingerprint}; it was not pinned", field="fingerprint",
            code="missing_option",
            hint=f"compare it ({WHERE_SHOWN}), then: leadtui router trust {shlex.quote(router)} --fingerprint "
            f"{fingerprint}",
        )  # fmt: skip
    if not _same(router, fingerprint):
        raise UsageError("not confirmed; nothing was changed", field="fingerprint", code="not_confirmed")


def _same(router: str, fingerprint: str) -> bool:
    question = f"{router} shows the certificate\n  {fingerprint}\n  {WHERE_SHOWN}\nAre they the same? [y/N]"
    return ask(question).lower() in {"y", "yes"}


def offer_trust(opened: Office, router: str, answer: RouterAnswer) -> bool:
    """Trust on first use: on a terminal, who may change routers is asked whether the certificate shown is the right
    one. Whether it was pinned.
    """
    from leadtui.services import routers

    if not (answer.fingerprint and on_terminal() and opened.actor.may("config")):
        return False
    warn(answer.error or "the certificate is not trusted")
    if not _same(router, answer.fingerprint):
        return False
    routers.trust(opened, router, answer.fingerprint)
    return True


# -- capacity ----------------------------------------------------------------------------------------------------------
def capacity(
    router: OptionalName = None,
    now: Annotated[bool, typer.Option("--now", help="ask the routers first; else what is known")] = False,
) -> None:
    """How busy the routers are: sessions, free addresses, processor, and the age of it."""
    from leadtui.services import capacity as figures
    from leadtui.services import routers

    with office() as opened:
        listed = routers.list_routers(opened) if router is None else [routers.get(opened, router)]
        names = [row["name"] for row in listed if row["is_active"] or router is not None]
        if now:
            figures.poll(opened, names)
        known = {one.router: one.as_json() for one in figures.latest(opened)}
    rows = [_figures(name, known.get(name)) for name in names]
    emit({"total": len(rows), "routers": rows}, lambda: _capacity_text(rows))
    if now:
        raise_for([row["router"] for row in rows if row["error"]], len(rows))


def _figures(name: str, known: Mapping[str, Any] | None) -> dict[str, Any]:
    """The figures of a router with their age; empty ones for a router that was never asked."""
    from leadtui import clock

    keys = ("sessions", "free", "total_addresses", "cpu_percent", "uptime", "asked_at", "answered_at")
    found = {key: known[key] if known else None for key in keys}
    at = found["answered_at"]
    age = None if at is None else max(0, int((clock.now() - at).total_seconds()))
    error, pools = (known["error"], list(known["pools"])) if known else (None, [])
    return {"router": name, **found, "age_seconds": age, "error": error, "pools": pools}


def _capacity_text(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no router is in use"
    cells = [
        (row["router"], row["sessions"], of_total(row["free"], row["total_addresses"]), percent(row["cpu_percent"]),
         row["uptime"], age_words(row["age_seconds"]), row["error"])
        for row in rows
    ]  # fmt: skip
    return table(("router", "sessions", "free addresses", "cpu", "uptime", "age", ""), cells, right=[1])


def of_total(free: int | None, total: int | None) -> str:
    """How many of the addresses are free, in words."""
    if total is None:
        return ""
    return f"{total:,} in all" if free is None else f"{free:,} of {total:,}"


def percent(value: int | None) -> str:
    """A share in words."""
    return "" if value is None else f"{value} %"


def age_words(seconds: int | None) -> str:
    """An age in words."""
    if seconds is None:
        return "never"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min" if minutes else "just now"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


# -- what stands on it -------------------------------------------------------------------------------------------------
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
            warn(f"an earlier {settled.noun} of {settled.lead_number} was left open: {settled.message}")
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
            f"{found['total']} of ours, {found['foreign_count']} of others"
            + (f", {found['hidden_count']} of leads that are not yours" if found["hidden_count"] else ""),
        )),
    )  # fmt: skip


def register(app: typer.Typer) -> None:
    """Put the verbs on `router`."""
    for name, verb in (
        ("test", probe), ("trust", trust), ("capacity", capacity), ("profiles", profiles), ("users", users),
    ):  # fmt: skip
        app.command(name)(verb)
