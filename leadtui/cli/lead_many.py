"""Verbs that act on many leads as one batch with one undo: assign, bulk, delete, restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from leadtui.cli import complete
from leadtui.cli.context import confirm_many, office
from leadtui.cli.lead_fields import assignments
from leadtui.cli.lead_find import filter_text, pointed_at
from leadtui.cli.lead_one import OptionalReason, answer
from leadtui.cli.output import emit, emit_partly
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.services.bulk import Act, Target
    from leadtui.services.office import Office

Refs = Annotated[list[str] | None, typer.Argument(metavar="[REF]...", help="numbers, ids or phones of leads")]
SomeRefs = Annotated[list[str], typer.Argument(metavar="REF", help="numbers, ids or phones of leads")]
Where = Annotated[
    str | None,
    typer.Option(
        "--where", metavar="FILTER", help="instead of REFs: all leads found", autocompletion=complete.filter_terms
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only show what would change")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask, also for more than 100")]


def target_of(opened: Office, refs: list[str] | None, where: str | None, *, deleted: bool = False) -> Target:
    """The leads that a command names: REFs, or a filter. Raises UsageError for neither or both, NotFound."""
    from leadtui.services import leads
    from leadtui.services.bulk import Target

    if bool(refs) == (where is not None):
        raise UsageError(
            "name leads, or find them with --where" if not refs else "REFs and --where cannot go together",
            field="where", code="missing_argument" if not refs else "usage",
            hint=None if not refs else "a filter of several words is one value: --where 'status:new source:website'",
        )  # fmt: skip
    if where is not None:
        if not where.strip():
            raise UsageError("--where is empty: that would be every lead", field="where")
        return Target(where=filter_text(opened, [where]))
    ids = [leads.lead_id_of(opened, ref, deleted=deleted) for ref in refs or []]
    return Target(ids=tuple(dict.fromkeys(ids)))


def run(
    opened: Office, target: Target, act: Act, *, dry_run: bool, yes: bool, what: str, why: Sequence[str] = ()
) -> None:
    """Show or do a bulk act; exit 5 when rows were refused, after the result that names them.

    `why` explains a rehearsal of one lead.
    """
    from leadtui.cli import render_many
    from leadtui.cli.render import View
    from leadtui.services import bulk

    view = View.of(opened)
    if dry_run:
        with pointed_at(target.where):
            shown = bulk.preview(opened, target, act)
        document = render_many.bulk_json(shown, view) | ({"explanation": list(why)} if why else {})
        emit(document, lambda: "\n".join((render_many.bulk_text(shown, view), *why)))
        return
    if not yes:
        with pointed_at(target.where):
            confirm_many(_count(opened, target), yes=yes, what=what)
    with pointed_at(target.where):
        done = bulk.apply(opened, target, act)
    document = render_many.bulk_json(done, view)
    emit_partly(document, lambda: render_many.bulk_text(done, view), len(done.refused), done.matched)


def _count(opened: Office, target: Target) -> int:
    from leadtui.services import leads

    return len(target.ids) if target.where is None else leads.count(opened, target.where)


def assign(
    to: Annotated[
        str, typer.Option("--to", metavar="LOGIN|auto", help="who works them; none for nobody",
                          autocompletion=complete.assignees)
    ],
    refs: Refs = None,
    where: Where = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:  # fmt: skip
    """Give leads to somebody; `auto` by the rules of assignment (see: leadtui rule assign list)."""
    from leadtui.services import lifecycle, routing
    from leadtui.services.bulk import Act

    with office() as opened:
        if refs and len(refs) == 1 and where is None and not dry_run:
            answer(opened, lifecycle.assign(opened, refs[0], to))
            return
        why = routing.preview(opened, refs[0]).lines if refs and len(refs) == 1 and routing.is_auto(to) else ()
        target = target_of(opened, refs, where)
        run(opened, target, Act(assign=to), dry_run=dry_run, yes=yes, what="assign", why=why)


def bulk(
    refs: Refs = None,
    where: Where = None,
    *,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="set a field",
                                       autocompletion=complete.field_names)
    ] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="move to", autocompletion=complete.statuses)
    ] = None,
    reason: OptionalReason = None,
    assign_: Annotated[
        str | None, typer.Option("--assign", metavar="LOGIN|auto", help="give to", autocompletion=complete.assignees)
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="put on", autocompletion=complete.tags)] = None,
    untag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="take off", autocompletion=complete.tags)
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:  # fmt: skip
    """Change many leads as one batch, which one undo takes back."""
    from leadtui.services.bulk import Act

    act = Act(
        set=assignments(set_), status=status, reason=reason, assign=assign_, tag=tuple(tag or ()),
        untag=tuple(untag or ()),
    )  # fmt: skip
    if not (act.set or act.status or act.assign or act.tag or act.untag):
        raise UsageError(
            "nothing to change", field="set", code="missing_option",
            hint="add --set FIELD=VALUE, --status, --assign, --tag or --untag",
        )  # fmt: skip
    with office() as opened:
        run(opened, target_of(opened, refs, where), act, dry_run=dry_run, yes=yes, what="change")


def delete(refs: SomeRefs, reason: OptionalReason = None, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Delete leads; `lead restore` and `undo` bring them back."""
    from leadtui.services import lifecycle
    from leadtui.services.bulk import Act

    with office() as opened:
        if len(refs) == 1 and not dry_run:
            answer(opened, lifecycle.delete(opened, refs[0], reason))
            return
        act = Act(delete=True, reason=reason)
        run(opened, target_of(opened, refs, None), act, dry_run=dry_run, yes=yes, what="delete")


def restore(refs: SomeRefs, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Bring deleted leads back."""
    from leadtui.services import lifecycle
    from leadtui.services.bulk import Act

    with office() as opened:
        if len(refs) == 1 and not dry_run:
            answer(opened, lifecycle.restore(opened, refs[0]))
            return
        target = target_of(opened, refs, None, deleted=True)
        run(opened, target, Act(restore=True), dry_run=dry_run, yes=yes, what="restore")


def register(app: typer.Typer) -> None:
    """Put the verbs on `lead`."""
    for verb in (assign, bulk, delete, restore):
        app.command(verb.__name__)(verb)
