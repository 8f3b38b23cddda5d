"""`leadtui rule`: what happens by itself. Stage actions and milestones, with a rehearsal that changes nothing."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from leadtui.cli import complete, tree
from leadtui.cli.catalogue import Noun, Value, make
from leadtui.cli.context import office
from leadtui.cli.output import emit, table
from leadtui.cli.render import View
from leadtui.domain.dates import iso_z

STAGE_ACTION: Final = Noun("stage-action", "stage_actions", "What is done when a lead gets to a status", (
    Value("name", "NAME", "what it is called"),
    Value("status", "STATUS", "the status it belongs to"),
    Value("kind", "KIND", "task, follow_up, notify (people are told) or message (a task: nothing sends by itself)"),
    Value("text", "TEXT", "the subject; may hold {name} {number} {stage} {from} {pipeline} {package} {agent}"),
    Value("body", "TEXT", "what is to be said or done, with the same placeholders"),
    Value("delay", "4h|2d", "when: so long after the move, in working hours"),
    Value("context", "WORD", "or by the rule of this context; see the setting follow_up_delays"),
    Value("to", "WHOM", "assignee, manager, supervisors, a role or a login"),
    Value("channel", "WORD", "how a message is to be sent: whatsapp, email …"),
    Value("order", "N", "its place among those of the status"),
), complete.stage_actions, of_pipeline=True)  # fmt: skip

MILESTONE: Final = Noun("milestone", "milestones", "What is noted once when a lead reaches it", (
    Value("name", "NAME", "what it is called"),
    Value("types", "TYPE,TYPE", "which activities count; all when left out"),
    Value("outcomes", "WORD,WORD", "only those with one of these outcomes"),
    Value("not_outcomes", "WORD,WORD", "none with one of these outcomes"),
    Value("count", "N", "how many there must be"),
    Value("stage", "converted|lost|parked", "what the lead's status must mean"),
    Value("order", "N", "its place"),
), complete.milestones)  # fmt: skip

Ref = Annotated[str, typer.Argument(metavar="REF", help="a lead's number, id or phone")]

app = tree.noun("What happens by itself: rules as data, and what they would do")
_actions, _milestones = make(STAGE_ACTION, switched=True), make(MILESTONE, switched=True)


@_actions.command("rehearse")
def rehearse_actions(
    ref: Ref,
    status: Annotated[
        str | None,
        typer.Option(
            "--status", metavar="STATUS", help="as if it got there now; its present one when left out",
            autocompletion=complete.statuses,
        ),
    ] = None,
) -> None:  # fmt: skip
    """Show what a status would do with a lead that gets there now. Changes nothing."""
    from leadtui.services import stage_actions

    with office() as opened:
        lead, found = stage_actions.rehearse(opened, ref, status=status)
        view = View.of(opened)
    rows = [one | {"at": view.due(one["at"], one["all_day"])} for one in found]
    head = f"{lead['lead_number']} as {lead['status']}"
    emit(
        {**lead, "total": len(rows), "actions": rows},
        lambda: f"{head}: nothing would happen"
        if not found
        else f"{head}\n"
        + table(
            ("name", "kind", "when", "what", "who"),
            [
                (one["name"], one["kind"], view.local(one["at"], one["all_day"]) or "at once", one["subject"],
                 ", ".join(one["assigned_to"]) or "unassigned")
                for one in found
            ],
        ),
    )  # fmt: skip


@_milestones.command("rehearse")
def rehearse_milestones(ref: Ref) -> None:
    """Show how a lead stands with each milestone. Changes nothing."""
    from leadtui.services import milestones

    with office() as opened:
        lead, found = milestones.rehearse(opened, ref)
        view = View.of(opened)
    rows = [one | {"at": iso_z(one["at"]) if one["at"] else None} for one in found]
    words: dict[str, str] = {"now": "would be noted now", "open": ""}

    def state(one: dict[str, Any]) -> str:
        return f"reached {view.local(one['at'])}" if one["at"] else words[one["state"]]

    emit(
        {**lead, "total": len(rows), "milestones": rows},
        lambda: (
            f"{lead['lead_number']}\n"
            + table(("name", "condition", ""), [(one["name"], one["condition"], state(one)) for one in found])
        ),
    )


app.add_typer(_actions, name="stage-action", help=STAGE_ACTION.help)
app.add_typer(_milestones, name="milestone", help=MILESTONE.help)
