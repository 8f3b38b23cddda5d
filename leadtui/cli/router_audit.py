"""`leadtui router audit`: routers against the store, and with --fix their mending, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete
from leadtui.cli.context import MANY, ask, note, office, on_terminal, options
from leadtui.cli.output import emit, say, table
from leadtui.errors import Invalid, LeadtuiError, PartlyDone, RouterError, UsageError

if TYPE_CHECKING:
    from leadtui.services.office import Office
    from leadtui.services.router_audit import AuditReport, Fix, Mended

_KINDS = ("missing", "drifted", "orphaned")


def register(app: typer.Typer) -> None:
    """Put the verb on `router`."""
    app.command("audit")(audit)


def audit(
    router: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="the router; without it all of them", autocompletion=complete.routers),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="mend what was found, one by one")] = False,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="KIND", help="mend only what is missing, drifted or orphaned"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what --fix would do")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask, also for more than 100")] = False,
) -> None:
    """Compare what stands on the routers with what the store says; exit 6 when one of them could not be asked.

    Users that others made are counted and never touched. With --fix: made anew, set, marked again or removed as
    the store says, each read back; exit 6 when a router failed at it, 5 when something could not be mended.
    """
    from leadtui.services import router_audit

    if only is not None and only not in _KINDS:
        raise Invalid(f"'{only}' is no kind of finding", field="only", hint="one of: " + ", ".join(_KINDS))
    if only is not None and not (fix or dry_run):
        raise UsageError("--only chooses what is mended: it needs --fix or --dry-run", field="only")
    with office() as opened:
        names = None if router is None else [router]
        shows_each = not options().json and not dry_run
        reports = router_audit.audit_all(
            opened, names=names, on_report=(lambda report: say(report_text(report))) if shows_each else None
        )
        if not reports and shows_each:
            say("no routers; add one with: leadtui router add")
        chosen = _fixes(opened, reports, only) if fix or dry_run else ()
        if dry_run:
            emit(_document(router, reports, fixes=[one.as_json() for one in chosen]), lambda: _plan(reports, chosen))
        elif fix:
            mended = _mend(opened, chosen, yes=yes)
            reports = _again(opened, reports, mended)
            emit(
                _document(router, reports, fixed=[one.as_json() for one in mended]),
                lambda: _after(reports, chosen, mended),
            )
            _end_of_mending(mended, reports)
        else:
            emit(_document(router, reports), "")
    _end_of_asking(reports)


# -- mending -----------------------------------------------------------------------------------------------------------
def _fixes(opened: Office, reports: Sequence[AuditReport], only: Any) -> tuple[Fix, ...]:
    from leadtui.services import router_audit

    return tuple(one for report in reports for one in router_audit.of_kind(router_audit.fixes(opened, report), only))


def _mend(opened: Office, chosen: Sequence[Fix], *, yes: bool) -> list[Mended]:
    from leadtui.services import router_audit

    possible = sum(one.is_possible for one in chosen)
    if on_terminal() and not yes:
        return _one_by_one(opened, chosen)
    if possible > MANY and not yes:
        raise UsageError(
            f"this would mend {possible:,} users: more than {MANY} need --yes", field="yes",
            hint="look at them with --dry-run first, then add --yes",
        )  # fmt: skip
    return router_audit.mend_all(opened, chosen, on_mended=lambda mended: note(_mended_text(mended)))


def _one_by_one(opened: Office, chosen: Sequence[Fix]) -> list[Mended]:
    """Show each, and ask: yes, no, all that follow, quit."""
    from leadtui.services import router_audit

    mended: list[Mended] = []
    for index, one in enumerate(chosen):
        note(_fix_text(one))
        answer = ask("mend it? [y/N/a/q]").lower()[:1] if one.is_possible else "y"
        if answer == "q":
            break
        if answer == "a":
            rest = chosen[index:]
            return mended + router_audit.mend_all(opened, rest, on_mended=lambda done: note(_mended_text(done)))
        if answer == "y":
            mended.append(router_audit.mend(opened, one))
            if one.is_possible:
                note(_mended_text(mended[-1]))
    return mended


def _again(opened: Office, reports: list[AuditReport], mended: Sequence[Mended]) -> list[AuditReport]:
    """The reports as things stand now: routers on which something was tried are audited once more."""
    from leadtui.services import router_audit

    tried = {one.fix.router for one in mended if one.fix.is_possible}
    if not tried:
        return reports
    new = {report.router: report for report in router_audit.audit_all(opened, names=sorted(tried))}
    return [new.get(report.router, report) for report in reports]


def _end_of_mending(mended: Sequence[Mended], reports: Sequence[AuditReport]) -> None:
    """Exit 6 when a router failed at a fix, 5 when something else stood in the way of one."""
    failed = [one for one in mended if not one.ok]
    by_router = [one for one in failed if one.exit_code == RouterError.exit_code]
    if by_router:
        raise RouterError(
            f"{len(by_router):,} of {len(mended):,} could not be mended: {by_router[0].message}", code="not_mended",
            hint=by_router[0].hint or "repeat it when the router answers",
        )  # fmt: skip
    _end_of_asking(reports)
    if failed:
        raise PartlyDone(
            f"{len(failed):,} of {len(mended):,} could not be mended", hint="the result names each of them and why",
            data={"failed": len(failed), "total": len(mended)},
        )  # fmt: skip


def _end_of_asking(reports: Sequence[AuditReport]) -> None:
    """Exit 6 when a router could not be asked; the others have been printed."""
    silent = [report for report in reports if report.error is not None]
    if not silent:
        return
    if len(reports) == 1:
        raise RouterError(str(silent[0].error), code="not_asked", hint=silent[0].hint)
    names = ", ".join(report.router for report in silent)
    error: LeadtuiError = RouterError(
        f"{len(silent)} of {len(reports)} routers could not be asked: {names}", code="not_asked",
        hint="the others stand in the result",
    )  # fmt: skip
    raise error


# -- what is printed ---------------------------------------------------------------------------------------------------
def _document(router: str | None, reports: Sequence[AuditReport], **more: Any) -> Any:
    """One object for a router that was named; else a list, or with more to say an object that holds it."""
    found = [report.as_json() for report in reports]
    if router is not None:
        return {**found[0], **more} if found else more
    return {"reports": found, **more} if more else found


def report_text(report: AuditReport) -> str:
    """A router: one line when all is well, else a table of what is not."""
    if report.error is not None:
        return f"{report.router}: could not be asked: {report.error}"
    others = f"{report.foreign_count:,} of others"
    if report.in_work:
        others += f", {report.in_work:,} being worked on now"
    unseen = f"\n{report.router}: {report.unseen_words}" if report.unseen_words else ""
    if not report.findings:
        return f"{report.router}: all {report.matched:,} as they should be ({others}){unseen}"
    counts = ", ".join(
        f"{len(found):,} {word}"
        for word, found in zip(_KINDS, (report.missing, report.drifted, report.orphaned), strict=True)
        if found
    )
    rows = [(f.kind, f.username, f.service, f.lead_number, f.words) for f in report.findings]
    head = f"{report.router}: {counts}; {report.matched:,} as they should be ({others})"
    return f"{head}{unseen}\n{table(('finding', 'user', 'service', 'lead', 'what'), rows, whole=(0,))}"


def _fix_text(one: Fix) -> str:
    words = "\n".join(f"{one.router}: {line}" for line in one.words.splitlines())
    return words if one.why_not is None else f"{words}\n  cannot be mended: {one.why_not}"


def _mended_text(done: Mended) -> str:
    return f"{'✓' if done.ok else '✗'} {done.fix.router}: {done.fix.username}: {done.message}"


def _plan(reports: Sequence[AuditReport], chosen: Sequence[Fix]) -> str:
    """What --fix would do."""
    silent = [report_text(report) for report in reports if report.error is not None]
    possible = sum(one.is_possible for one in chosen)
    if not chosen:
        return "\n".join([*silent, "nothing to mend"])
    return "\n".join([*silent, *map(_fix_text, chosen), f"would mend {possible:,} of {len(chosen):,}"])


def _after(reports: Sequence[AuditReport], chosen: Sequence[Fix], mended: Sequence[Mended]) -> str:
    """How things stand now; what was done has been said on the way."""
    if not mended:
        return "nothing was mended" if chosen else "nothing to mend"
    return "\n".join(report_text(report) for report in reports)
