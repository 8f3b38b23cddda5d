"""`leadtui lead convert`: leads become customers, with a router user when asked for (contract, spec §L)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete
from leadtui.cli.context import confirm_many, note, office, secret_from, warn
from leadtui.cli.lead_many import DryRun, Refs, Where, Yes, target_of
from leadtui.cli.output import emit, emit_partly, table
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.services.bulk import Target
    from leadtui.services.conversion import BulkConversion, ConversionPlan, ConversionResult, ConvertRequest
    from leadtui.services.office import Office


def register(app: typer.Typer) -> None:
    """Put the verb on the noun `lead`."""
    app.command("convert")(convert)


def convert(
    refs: Refs = None,
    notes: Annotated[str | None, typer.Option("--notes", metavar="TEXT", help="why; kept with the lead")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", metavar="Retail|Corporate", help="of the new customer (default Retail)")
    ] = None,
    pan: Annotated[str | None, typer.Option("--pan", metavar="ABCDE1234F", help="the customer's PAN")] = None,
    aadhar: Annotated[str | None, typer.Option("--aadhar", metavar="DIGITS", help="12 digits")] = None,
    gst: Annotated[str | None, typer.Option("--gst", metavar="NUMBER", help="15 characters")] = None,
    family_group: Annotated[
        str | None, typer.Option("--family-group", metavar="NAME|ID", help="a group of customers")
    ] = None,
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="ID", help="link to this customer instead of making one")
    ] = None,
    router: Annotated[
        str | None,
        typer.Option(
            "--router", metavar="NAME", help="make a user on this router too", autocompletion=complete.routers
        ),
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="pppoe|hotspot", help="else the router's usual one")
    ] = None,
    package: Annotated[
        str | None,
        typer.Option("--package", metavar="NAME", help="else the lead's desired one", autocompletion=complete.packages),
    ] = None,
    username: Annotated[
        str | None, typer.Option("--username", metavar="NAME", help="else made from the lead's name")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="read the user's password from standard input; else one is made")
    ] = False,
    ip: Annotated[
        str | None,
        typer.Option("--ip", metavar="IPv4|next|next:POOL", help="a fixed address, or the next free one of a pool"),
    ] = None,
    where: Where = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    show_secret: Annotated[bool, typer.Option("--show-secret", help="print the router users' passwords")] = False,
) -> None:
    """Convert leads to customers; with --router each gets a user there.

    One lead: all or nothing. Several: each by itself; exit 5 when any failed.
    """
    from leadtui.services.conversion import ConvertRequest, RouterRequest, settle_on_start

    several = where is not None or len(refs or []) > 1
    _check_usage(
        router, {"--service": service, "--package": package, "--username": username, "--ip": ip,
                 "--password-stdin": password_stdin or None},
        several=several,
    )  # fmt: skip
    if customer is not None and kind is not None:
        warn(f"--type is for a new customer: customer {customer} stays as it is (leadtui customer edit changes it)")
    asked = None
    if router is not None:
        password = secret_from(stdin=True, env="", prompt="") if password_stdin else None
        if password_stdin and not password:
            raise UsageError("no password came on standard input", field="password")
        asked = RouterRequest(router, username, password, service, package, ip)
    request = ConvertRequest(notes, kind or "Retail", pan, aadhar, gst, family_group, customer, asked)
    with office() as opened:
        target = target_of(opened, refs, where)
        for settled in settle_on_start(opened):
            warn(f"an earlier {settled.noun} of {settled.lead_number} was left open: {settled.message}")
        if several:
            _many(opened, target, request, dry_run=dry_run, yes=yes, show_secret=show_secret)
        else:
            _one(opened, target.ids[0], request, dry_run=dry_run, show_secret=show_secret)


def _check_usage(router: str | None, of_router: dict[str, Any], *, several: bool) -> None:
    given = [option for option, value in of_router.items() if value is not None]
    if given and router is None:
        raise UsageError(
            f"{given[0]} is for a router user: name the router with --router", field="router", code="missing_option"
        )
    own = [option for option in given if option in {"--username", "--password-stdin"}]
    if (ip := of_router.get("--ip")) is not None and not str(ip).strip().lower().startswith(("next", "dynamic")):
        own.append("--ip")
    if several and own:
        raise UsageError(
            f"{own[0]} is for one lead only", field=own[0].strip("-").replace("-", "_"),
            hint="several leads get names and passwords made for them, and addresses with --ip next",
        )  # fmt: skip


# -- one ---------------------------------------------------------------------------------------------------------------
def _one(opened: Office, lead_id: int, request: ConvertRequest, *, dry_run: bool, show_secret: bool) -> None:
    from leadtui.domain.shapes import View, conversion_json
    from leadtui.services import conversion

    if dry_run:
        shown = conversion.plan(opened, lead_id, request)
        emit(_plan_json(shown), lambda: _plan_text(shown))
        return
    result = conversion.convert(opened, lead_id, request, on_step=lambda event: note(f"  {event.text}"))
    for sentence in result.warnings:
        warn(sentence)
    document = conversion_json(result, View.of(opened), show_secret=show_secret)
    emit(document, lambda: _result_text(result, show_secret))


def _plan_json(plan: ConversionPlan) -> dict[str, Any]:
    rows = [
        {"where": s.where, "sign": s.sign, "what": s.what.strip(), "detail": s.detail, "state": s.state}
        for s in plan.steps
    ]
    return {"dry_run": True, "ready": plan.is_ready, "steps": rows, "warnings": list(plan.warnings)}


def _plan_text(plan: ConversionPlan) -> str:
    rows = [(s.where, s.sign, s.what, s.detail, "" if s.state == "will" else s.state) for s in plan.steps]
    lines = [table(("where", "", "what", "", ""), rows)]
    lines.append("nothing was changed" if plan.is_ready else "this would fail; nothing was changed")
    return "\n".join(lines)


def _result_text(result: ConversionResult, show_secret: bool) -> str:
    lines = [result.message]
    if result.customer is not None:
        lines.append(f"customer {result.customer.id}  {result.customer.name}, {result.customer.type}")
    if (user := result.router_user) is not None and result.password is not None:
        address = user.ip or "dynamic address"
        lines.append(f"{user.service} {user.username} on {user.router}, profile {user.profile}, {address}")
        hidden = f"hidden; see it with: leadtui router users {user.router} --show-secret"
        lines.append(f"password  {result.password.reveal() if show_secret else hidden}")
    return "\n".join(lines)


# -- several -----------------------------------------------------------------------------------------------------------
def _many(
    opened: Office, target: Target, request: ConvertRequest, *, dry_run: bool, yes: bool, show_secret: bool
) -> None:
    from leadtui.services import conversion

    if dry_run:
        _preview(opened, target, request)
        return
    confirm_many(len(conversion.find_targets(opened, target)), yes=yes, what="convert")
    done = conversion.convert_many(
        opened, target, request, on_progress=lambda at, total, said: note(f"  {at:,} of {total:,}  {said}")
    )
    document = done.as_json()
    if show_secret:
        for row, made in zip(document["successful"], done.successful, strict=True):
            row |= {"username": made.username, "password": made.password.reveal() if made.password else None}
    emit_partly(document, lambda: _many_text(done, show_secret), len(done.failed), done.total)


def _preview(opened: Office, target: Target, request: ConvertRequest) -> None:
    """What the store would refuse, lead by lead; routers are not asked."""
    from leadtui.services import conversion

    found = conversion.preview_many(opened, target, request)
    document = {**found.as_json(), "dry_run": True}
    text = f"would convert {len(found.successful):,} of {found.total:,} leads"
    emit(document, lambda: "\n".join([text, *_failures(found)]))


def _many_text(done: BulkConversion, show_secret: bool) -> str:
    lines = [f"converted {len(done.successful):,} of {done.total:,} leads"]
    if show_secret:
        rows = [(c.lead_number, c.username, c.password.reveal()) for c in done.successful if c.password]
        lines += [table(("lead", "user name", "password"), rows)] if rows else []
    return "\n".join([*lines, *_failures(done)])


def _failures(done: BulkConversion) -> list[str]:
    return [f"not {n.lead_number}: {n.error}" for n in done.failed[:50]] + (
        [f"… and {len(done.failed) - 50:,} more"] if len(done.failed) > 50 else []
    )


__all__ = ["convert", "register"]
