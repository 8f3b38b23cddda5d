"""`leadtui customer suspend|resume|change-package`: what a customer's router users get (contract "customer")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete
from leadtui.cli.context import note, office, warn
from leadtui.cli.output import emit, table
from leadtui.domain.subscriptions import ChangePackage, Resume, Suspend
from leadtui.errors import RouterError

if TYPE_CHECKING:
    from leadtui.domain.subscriptions import Act, ServicePlan, ServiceResult

Ref = Annotated[
    str, typer.Argument(metavar="REF", help="a customer's id or phone, its lead's number, or its router user")
]
User = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="only this router user (or ROUTER/NAME) of the customer")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="ask the routers what would change, and change nothing")]


def register(app: typer.Typer) -> None:
    """Put the verbs on the noun `customer`."""
    app.command("suspend")(suspend)
    app.command("resume")(resume)
    app.command("change-package")(change_package)


def suspend(
    ref: Ref,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="why; kept with the lead")] = None,
    user: User = None,
    dry_run: DryRun = False,
) -> None:
    """Disable the customer's router users and end their sessions; what is so already is left alone."""
    _act(ref, Suspend(reason), user=user, dry_run=dry_run)


def resume(ref: Ref, user: User = None, dry_run: DryRun = False) -> None:
    """Enable the customer's router users again."""
    _act(ref, Resume(), user=user, dry_run=dry_run)


def change_package(
    ref: Ref,
    name: Annotated[str, typer.Argument(metavar="NAME", help="the new package", autocompletion=complete.packages)],
    user: User = None,
    ip: Annotated[
        str | None,
        typer.Option(
            "--ip", metavar="ADDRESS|next|next:POOL|dynamic", help="its address; else what the package asks for"
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Give a router user another package: its profile, address and queue; a suspended one stays suspended."""
    _act(ref, ChangePackage(name, ip), user=user, dry_run=dry_run)


def _act(ref: str, act: Act, *, user: str | None, dry_run: bool) -> None:
    from leadtui.services import settling, subscriptions

    with office() as opened:
        if dry_run:
            shown = subscriptions.preview(opened, ref, act, user=user)
            emit(_plan_json(shown), lambda: _plan_text(shown))
            return
        for settled in settling.settle_on_start(opened):
            warn(f"an earlier {settled.noun} of {settled.lead_number} was left open: {settled.message}")
        result = subscriptions.carry_out(opened, ref, act, user=user, on_step=lambda event: note(f"  {event.text}"))
        for sentence in result.warnings:
            warn(sentence)
        emit(_result_json(result), lambda: _result_text(result))
    _refuse_failed(result)


def _refuse_failed(result: ServiceResult) -> None:
    """End with the failure: one user's own error, or how many failed (exit 6); what was done stays."""
    if not result.failed:
        return
    if not result.done and len(result.failed) == 1:
        raise result.failed[0].error
    raise RouterError(
        result.message, code="partly_done" if result.done else "router",
        hint="the result names each of them; repeating the command does only what is left",
    )  # fmt: skip


def _plan_json(plan: ServicePlan) -> dict[str, Any]:
    rows = [{"where": s.where, "what": s.what, "detail": s.detail, "state": s.state} for s in plan.steps]
    return {
        "dry_run": True, "customer": plan.customer.as_json(), "ready": plan.is_possible,
        "nothing_to_do": plan.nothing_to_do, "sessions": plan.sessions, "steps": rows,
        "problems": list(plan.problems), "warnings": list(plan.warnings),
    }  # fmt: skip


def _plan_text(plan: ServicePlan) -> str:
    rows = [(s.where, f"{s.sign or ' '} {s.what}", s.detail, "" if s.state == "will" else s.state) for s in plan.steps]
    if plan.nothing_to_do:
        end = "nothing to do"
    elif plan.is_possible and not plan.problems:
        end = "nothing was changed"
    else:
        end = (
            "part of it would fail; nothing was changed" if plan.is_possible else "this would fail; nothing was changed"
        )
    return "\n".join(filter(None, (table(("where", "what", "", ""), rows) if rows else "", end)))


def _result_json(result: ServiceResult) -> dict[str, Any]:
    done = [
        {"router": u.router, "username": u.username, "outcome": u.outcome, "sessions_ended": u.sessions_ended}
        for u in result.done
    ]
    failed = [{"router": u.router, "username": u.username, "error": u.error.message} for u in result.failed]
    return {"customer": result.customer.as_json(), "done": done, "failed": failed, "message": result.message}


def _result_text(result: ServiceResult) -> str:
    """What happened, in one line per router user; several, none, or a record changed alone get a line above."""
    lines = [*(user.words for user in result.done), *(user.words for user in result.failed)]
    if len(lines) != 1 or result.marked:
        lines.insert(0, result.message)
    return "\n".join(lines)


__all__ = ["change_package", "register", "resume", "suspend"]
