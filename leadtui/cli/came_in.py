"""What came in from elsewhere, of one kind: list, show, retry, drop; the same verbs for bookings and for forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete
from leadtui.cli.context import note, office, warn
from leadtui.cli.lead_fields import assignments
from leadtui.cli.output import emit, pairs, table
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.domain.records import IntakeRow
    from leadtui.services.intake import IntakeResult
    from leadtui.services.office import Office

Id = Annotated[str, typer.Argument(metavar="ID|REF", help="its id, or its reference")]
Lead = Annotated[str | None, typer.Option("--lead", metavar="REF", help="it is this lead's: do not look for one")]


def verbs(app: typer.Typer, kind: str, plural: str, *, list_verb: str = "list") -> None:
    """Put the verbs on a noun; `list_verb` where the noun lists something else."""

    @app.command(list_verb, help=f"List {plural} that came in, newest first.")
    def list_(
        failed: Annotated[bool, typer.Option("--failed", help="only those that wait for you")] = False,
        state: Annotated[
            str | None, typer.Option(metavar="WORD", help="created, linked, failed or dropped",
                                     autocompletion=complete.intake_states)
        ] = None,
        limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="on a page")] = 50,
        page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page")] = 1,
    ) -> None:  # fmt: skip
        from leadtui.cli.render import View
        from leadtui.services import intake

        if failed and state not in (None, "failed"):
            raise UsageError("--failed and --state cannot go together", field="state")
        with office() as opened:
            total, found = intake.list_all(
                opened, kind=kind, state="failed" if failed else state, limit=limit, offset=(page - 1) * limit
            )
            view = View.of(opened)
        emit({"total": total, plural: [intake_json(one) for one in found]}, lambda: _list_text(found, view, plural))
        if found and total > len(found):
            note(f"{len(found):,} of {total:,}")

    @app.command("show", help=f"Show a {kind} with all that came, and what became of it.")
    def show(id_: Id) -> None:
        from leadtui.cli.render import View
        from leadtui.services import intake

        with office() as opened:
            one = intake.get(opened, id_, kind=kind)
            view = View.of(opened)
        emit(intake_json(one), lambda: _show_text(one, view))

    @app.command("retry", help=f"Try a {kind} again that failed or was dropped, with corrected values.")
    def retry(
        id_: Id,
        set_: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="FIELD=VALUE", help="the right value; an empty one takes it away",
                         autocompletion=complete.field_names),
        ] = None,
        lead: Lead = None,
        ref: Annotated[str | None, typer.Option("--ref", metavar="REF", help="call it this from now on")] = None,
    ) -> None:  # fmt: skip
        from leadtui.services import intake

        with office() as opened:
            one = intake.get(opened, id_, kind=kind)
            answer(opened, intake.retry(opened, one.id, assignments(set_), lead=lead, ref=ref))

    @app.command("drop", help=f"Give up a {kind} that failed; it stays to be read, and can still be retried.")
    def drop(id_: Id, reason: Annotated[str, typer.Option(metavar="TEXT", help="why")]) -> None:
        from leadtui.services import intake

        with office() as opened:
            one = intake.drop(opened, intake.get(opened, id_, kind=kind).id, reason)
        emit(intake_json(one), f"{kind} {one.ref} dropped")


def answer(opened: Office, result: IntakeResult, *, dry_run: bool = False) -> None:
    """Print what became of it, or raise why it is only kept (exit 5)."""
    from leadtui.cli.render import View

    if dry_run and result.error is not None:
        raise result.error
    if (refused := result.refusal()) is not None:
        raise refused
    for sentence in result.warnings:
        warn(sentence)
    view = View.of(opened)
    document = _result_json(result, view) | ({"dry_run": True} if dry_run else {})
    emit(document, lambda: _result_text(result, view, dry_run=dry_run))


# -- words ------------------------------------------------------------------------------------------------------------
def intake_json(one: IntakeRow) -> dict[str, Any]:
    """It as it came in."""
    return {
        "id": one.id, "ref": one.ref, "state": one.state, "lead_number": one.lead_number, "lead_name": one.lead_name,
        "error": one.error, "field": one.field, "attempts": one.attempts, "by": one.by, "at": one.at,
        "tried_at": one.tried_at, "payload": dict(one.payload), "corrections": dict(one.corrections),
    }  # fmt: skip


def _result_json(result: IntakeResult, view: View) -> dict[str, Any]:
    from leadtui.cli.render import lead_json

    return {
        "id": result.intake.id, "ref": result.intake.ref, "result": result.outcome,
        "lead_id": result.lead.id if result.lead else None,
        "lead_number": result.lead.number if result.lead else None, "batch": result.batch,
        "warnings": list(result.warnings), "lead": lead_json(result.lead, view) if result.lead else None,
    }  # fmt: skip


def _result_text(result: IntakeResult, view: View, *, dry_run: bool) -> str:
    from leadtui.cli.render import lead_line

    words = {"created": "new lead", "linked": "linked to", "known": "known already"}[result.outcome]
    said = " (dry run, nothing was written)" if dry_run else ""
    head = f"{result.intake.kind} {result.intake.ref}: {words}{said}"
    return head + ("\n" + lead_line(result.lead, view) if result.lead else "")


def _list_text(found: tuple[IntakeRow, ...], view: View, plural: str) -> str:
    if not found:
        return f"no {plural}"
    return table(
        ("id", "ref", "when", "state", "lead", "name", "why"),
        [(o.id, o.ref, view.local(o.at), o.state, o.lead_number, o.lead_name, o.error) for o in found],
        right=[0], whole=[1],
    )  # fmt: skip


def _show_text(one: IntakeRow, view: View) -> str:
    facts = [
        ("id", one.id), ("state", one.state), ("lead", one.lead_number and f"{one.lead_number} {one.lead_name or ''}"),
        ("why", one.error), ("came in", f"{view.local(one.at)} by {one.by}"),
        ("tried", f"{one.attempts}×, last {view.local(one.tried_at)}"),
    ]  # fmt: skip
    parts = [f"{one.kind} {one.ref}", pairs(facts), "As it came\n" + pairs(one.payload.items())]
    if one.corrections:
        parts.append("Corrected\n" + pairs((key, text or "(taken away)") for key, text in one.corrections.items()))
    return "\n\n".join(parts)
