"""Verbs that act on one lead: add, edit, status, log, lose, reopen, purge, protect, tag, attach, interest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadtui.cli import complete
from leadtui.cli.context import confirm, office, warn
from leadtui.cli.lead_fields import OPTION_OF, with_fields
from leadtui.cli.lead_find import Ref
from leadtui.cli.output import emit
from leadtui.errors import Invalid, UsageError

if TYPE_CHECKING:
    from leadtui.domain.records import Done
    from leadtui.services.office import Office

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="why")]
OptionalReason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="why")]


def answer(opened: Office, done: Done) -> None:
    """Print the lead as it is now, and what the service warns of."""
    from leadtui.cli import render

    for sentence in done.warnings:
        warn(sentence)
    view = render.View.of(opened)
    emit(render.lead_json(done.lead, view), lambda: render.lead_line(done.lead, view))


@with_fields
def add(
    values: dict[str, str],
    *,
    assign: Annotated[
        str | None, typer.Option(metavar="LOGIN|auto", help="who works it", autocompletion=complete.assignees)
    ] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="instead of the first", autocompletion=complete.statuses)
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option(metavar="KEY", help="instead of the default", autocompletion=complete.pipelines)
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="put on", autocompletion=complete.tags)] = None,
    allow_duplicate: Annotated[
        bool, typer.Option("--allow-duplicate", help="even if the phone is known (where the office allows it)")
    ] = False,
) -> None:
    """Add a lead and print it."""
    from leadtui.services import leads

    values = dict(values)
    for key, typed in (("assigned_to", assign), ("status", status), ("pipeline", pipeline)):
        if typed is None:
            continue
        if values.get(key, typed) != typed:
            raise UsageError(f"{key} is given twice", field=key)
        values[key] = typed
    with office() as opened:
        try:
            done = leads.create(opened, values, tags=tuple(tag or ()), allow_duplicate=allow_duplicate)
        except Invalid as error:
            option = OPTION_OF.get(error.field or "")
            if option is not None and error.field not in values:
                raise UsageError(
                    f"{option} is missing: {error.message}", field=error.field, code="missing_option",
                    hint=error.hint,
                ) from None  # fmt: skip
            raise
        answer(opened, done)


@with_fields
def edit(
    values: dict[str, str],
    ref: Ref,
    version: Annotated[int | None, typer.Option(metavar="N", help="refuse if it is no longer this version")] = None,
) -> None:
    """Change fields of a lead; an empty value clears one."""
    from leadtui.services import leads

    if not values:
        raise UsageError("nothing to change", field="set", code="missing_option", hint="add --set FIELD=VALUE")
    with office() as opened:
        answer(opened, leads.edit(opened, ref, values, version=version))


def status(
    ref: Ref,
    status_: Annotated[
        str, typer.Argument(metavar="STATUS", help="where it is to move", autocompletion=complete.statuses)
    ],
    reason: OptionalReason = None,
    version: Annotated[int | None, typer.Option(metavar="N", help="refuse if it is no longer this version")] = None,
) -> None:
    """Move a lead to another status."""
    from leadtui.services import lifecycle

    with office() as opened:
        answer(opened, lifecycle.set_status(opened, ref, status_, reason=reason, version=version))


def log(
    ref: Ref,
    *,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="call, email, meeting, site_visit, whatsapp, note …",
                                 autocompletion=complete.log_types)
    ] = None,
    subject: Annotated[str | None, typer.Option(metavar="TEXT", help="one line")] = None,
    quick: Annotated[
        str | None, typer.Option(metavar="NAME", help="a one-key outcome instead; see quick-log list",
                                 autocompletion=complete.quick_logs)
    ] = None,
    details: Annotated[str | None, typer.Option(metavar="TEXT", help="what was said")] = None,
    outcome: Annotated[
        str | None, typer.Option(metavar="WORD", help="positive, neutral, negative, follow_up or no_answer",
                                 autocompletion=complete.outcomes)
    ] = None,
    next_action: Annotated[str | None, typer.Option(metavar="TEXT", help="what is to be done next")] = None,
    next_at: Annotated[
        str | None, typer.Option(metavar="WHEN|smart", help="and when: the next follow-up; smart: by rule")
    ] = None,
    context: Annotated[
        str | None, typer.Option(metavar="WORD", help="which delay a smart time goes by",
                                 autocompletion=complete.contexts)
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="with --quick: why it was lost")] = None,
    at: Annotated[str | None, typer.Option(metavar="WHEN", help="when it happened, if not now")] = None,
    schedule: Annotated[str | None, typer.Option(metavar="WHEN", help="it is still to happen, then")] = None,
) -> None:  # fmt: skip
    """Log a contact with a lead, plan one with --schedule, or write all that an outcome means with --quick."""
    from leadtui.services import activities

    if at is not None and schedule is not None:
        raise UsageError("--at and --schedule cannot go together", field="schedule")
    if quick is not None:
        given = {"type": type_, "subject": subject, "outcome": outcome, "next_action": next_action,
                 "context": context, "at": at, "schedule": schedule}  # fmt: skip
        _log_quick(ref, quick, next_at=next_at, reason=reason, details=details, given=given)
        return
    for option, value in (("type", type_), ("subject", subject)):
        if value is None:
            raise UsageError(f"--{option} is missing", field=option, code="missing_option", hint="or --quick NAME")
    if reason is not None:
        raise UsageError("--reason goes with --quick", field="reason", hint="--details says what was said")
    entry = activities.LogEntry(
        type=type_ or "", subject=subject or "", details=details, outcome=outcome, next_action=next_action,
        next_at=next_at, at=at, schedule=schedule, context=context,
    )  # fmt: skip
    with office() as opened:
        answer(opened, activities.log(opened, ref, entry))


def _log_quick(
    ref: str, quick: str, *, next_at: str | None, reason: str | None, details: str | None,
    given: dict[str, str | None],
) -> None:  # fmt: skip
    from leadtui.services import quick_log

    for option, value in given.items():
        if value is not None:
            raise UsageError(f"--quick says the {option.replace('_', ' ')} already", field=option)
    with office() as opened:
        try:
            done = quick_log.apply(opened, ref, quick, when=next_at, reason=reason, note=details)
        except Invalid as error:
            asked = {"when": "next_at", "reason": "reason"}.get(error.field or "")
            if asked is None or error.code not in {"required", "reason_required"}:
                raise
            words = f"--{asked.replace('_', '-')} is missing: {error.message}"
            raise UsageError(words, field=asked, code="missing_option", hint=error.hint) from None
        answer(opened, done)


def lose(
    ref: Ref,
    reason: Reason,
    status_: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help="which lost status, if there are several",
                                 autocompletion=complete.statuses)
    ] = None,
) -> None:  # fmt: skip
    """Mark a lead as lost."""
    from leadtui.services import lifecycle

    with office() as opened:
        answer(opened, lifecycle.lose(opened, ref, reason, status=status_))


def reopen(
    ref: Ref,
    reason: Reason,
    status_: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help="where it goes on",
                                 autocompletion=complete.statuses)
    ] = None,
) -> None:  # fmt: skip
    """Take a lost or converted lead up again; the router is not touched."""
    from leadtui.services import lifecycle

    with office() as opened:
        answer(opened, lifecycle.reopen(opened, ref, reason, status=status_))


def purge(
    ref: Annotated[str, typer.Argument(metavar="REF", help="number, id or phone of a deleted lead")],
    reason: OptionalReason = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be removed")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Remove a deleted lead and everything about it for good; this cannot be undone."""
    from leadtui.cli import render
    from leadtui.services import lifecycle

    with office() as opened:
        found = lifecycle.purge(opened, ref, reason, dry_run=True).lead
        view = render.View.of(opened)
        if dry_run:
            document = {"dry_run": True, "lead": render.lead_json(found, view)}
            emit(document, lambda: f"would remove {render.lead_line(found, view)}")
            return
        confirm(f"Remove {found.number} {found.title} for good?", yes=yes)
        answer(opened, lifecycle.purge(opened, found.id, reason))


def protect(ref: Ref, reason: Reason) -> None:
    """Protect a lead from being deleted."""
    from leadtui.services import lifecycle

    with office() as opened:
        answer(opened, lifecycle.protect(opened, ref, reason))


def unprotect(ref: Ref) -> None:
    """Let a protected lead be deleted again."""
    from leadtui.services import lifecycle

    with office() as opened:
        answer(opened, lifecycle.unprotect(opened, ref))


def tag(
    ref: Ref, tags: Annotated[list[str], typer.Argument(metavar="TAG", help="tags to put on",
                                                        autocompletion=complete.tags)]
) -> None:  # fmt: skip
    """Put tags on a lead."""
    from leadtui.services import lifecycle

    with office() as opened:
        answer(opened, lifecycle.tag(opened, ref, tags))


def untag(
    ref: Ref, tags: Annotated[list[str], typer.Argument(metavar="TAG", help="tags to take off",
                                                        autocompletion=complete.tags)]
) -> None:  # fmt: skip
    """Take tags off a lead."""
    from leadtui.services import lifecycle

    with office() as opened:
        answer(opened, lifecycle.untag(opened, ref, tags))


def attach(
    ref: Ref,
    file: Annotated[str, typer.Argument(metavar="FILE", help="the file to keep a copy of")],
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="what to call it")] = None,
) -> None:
    """Keep a copy of a file with a lead."""
    from leadtui.cli import render
    from leadtui.services import lifecycle

    path = Path(file).expanduser()
    with office() as opened:
        if not path.is_file():
            raise Invalid(f"there is no file {file}", field="file")
        document = lifecycle.attach(opened, ref, path, name=name)
    emit(render.document_json(document), f"kept {document.name} ({document.bytes:,} bytes)")


def interest(
    ref: Ref,
    products: Annotated[
        list[str], typer.Argument(metavar="PRODUCT", help="packages or units", autocompletion=complete.packages)
    ],
    remove: Annotated[bool, typer.Option("--remove", help="no longer interested in them")] = False,
) -> None:
    """Note which products or units a lead is interested in."""
    from leadtui.services import lifecycle

    with office() as opened:
        answer(opened, lifecycle.interest(opened, ref, products, remove=remove))


def register(app: typer.Typer) -> None:
    """Put the verbs on `lead`."""
    for verb in (add, edit, status, log, lose, reopen, purge, protect, unprotect, tag, untag, attach, interest):
        app.command(verb.__name__)(verb)
