"""`leadtui rule`: what happens by itself. Stage actions and milestones, with a rehearsal that changes nothing."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from leadtui.cli import complete, rule_assign, rule_rehearse, rule_score, tree
from leadtui.cli.catalogue import Noun, Value, make
from leadtui.cli.context import office
from leadtui.cli.output import emit, table
from leadtui.cli.render import View
from leadtui.domain.dates import iso_z

STAGE_ACTION: Final = Noun("stage-action", "stage_actions", "What is done when a lead gets to a status", (
    Value("name", "NAME", "what it is called"),
    Value("status", "STATUS", "the status it belongs to"),
    Value("kind", "KIND", "task, follow_up, notify (people are told) or message (written to the lead, else a task)"),
    Value("text", "TEXT", "the subject; may hold {name} {number} {stage} {from} {pipeline} {package} {agent}"),
    Value("body", "TEXT", "what is to be said or done, with the same placeholders"),
    Value("delay", "4h|2d", "when: so long after the move, in working hours"),
    Value("context", "WORD", "or by the rule of this context; see the setting follow_up_delays"),
    Value("to", "WHOM", "assignee, manager, supervisors, a role or a login"),
    Value("channel", "WORD", "how a message is sent: whatsapp, email …"),
    Value("template", "NAME", "what a message says, instead of a body"),
    Value("order", "N", "its place among those of the status"),
), complete.stage_actions, of_pipeline=True)  # fmt: skip

TRIGGER: Final = Noun("trigger", "triggers", "What is done when leads behave in a way", (
    Value("name", "NAME", "what it is called"),
    Value("event", "EVENT", "what a lead does: property_view, email_open, website_visit, search_performed …"),
    Value("count", "N", "goes off when it was so often"),
    Value("within", "24h", "within so long, with --count"),
    Value("same", "WORD", "about the same thing, with --count: which --meta says so, such as criteria"),
    Value("consecutive", "N", "or: so often in a row"),
    Value("daily_for_days", "N", "or: each day for so many days"),
    Value("action", "ACTION", "message, task, score, enroll, notify or tag"),
    Value("text", "TEXT", "what is to be done or told; the subject of a mail"),
    Value("body", "TEXT", "what is written to the lead, or more about a task"),
    Value("template", "NAME", "what is written, instead of a body"),
    Value("channel", "WORD", "how: whatsapp, email, sms …"),
    Value("products", "", "behind it, what the office offers that fits the lead", flag=True),
    Value("to", "WHOM", "assignee, manager, supervisors, a role or a login"),
    Value("delay", "4h|2d", "a task's time, so long from then"),
    Value("context", "WORD", "or by the rule of this context"),
    Value("points", "N", "added to the score"),
    Value("drip", "DRIP", "into which drip"),
    Value("tag", "TAG", "which tag"),
    Value("where", "FILTER", "only for leads that it finds"),
    Value("cooldown", "24h", "not again for the same lead before; 0h for no pause"),
    Value("order", "N", "its place"),
), complete.triggers, columns=("key", "name", "when", "does", "cooldown", "is_active"))  # fmt: skip

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
_actions, _milestones, _triggers = (make(one, switched=True) for one in (STAGE_ACTION, MILESTONE, TRIGGER))
Trigger = Annotated[
    str, typer.Argument(metavar="TRIGGER", help="its name, key or id", autocompletion=complete.triggers)
]
Refs = Annotated[list[str], typer.Argument(metavar="REF...", help="leads: numbers, ids or phones")]


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
                 f"written by {one['channel']}" if one["channel"] else ", ".join(one["assigned_to"]) or "unassigned")
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


@_triggers.command("rehearse")
def rehearse_triggers(
    ref: Ref,
    event: Annotated[
        str | None,
        typer.Option("--event", metavar="EVENT", help="only rules about this", autocompletion=complete.behaviors),
    ] = None,
) -> None:
    """Show which rules would go off if a lead did it now. Changes nothing."""
    from leadtui.services import triggers

    with office() as opened:
        lead, found = triggers.rehearse(opened, ref, event)
    emit(
        {**lead, "total": len(found), "triggers": found},
        lambda: (
            f"{lead['lead_number']}\n"
            + table(
                ("name", "when", "does", ""),
                [
                    (one["name"], one["when"], one["does"], "would go off" if one["would"] else one["why"])
                    for one in found
                ],
            )
        ),
    )


@_triggers.command("exclude")
def exclude(trigger: Trigger, refs: Refs) -> None:
    """Let a rule leave these leads alone."""
    from leadtui.services import triggers

    with office() as opened:
        count = triggers.exclude(opened, trigger, refs)
    emit({"trigger": trigger, "excluded": count}, f"{count:,} excluded")


@_triggers.command("include")
def include(trigger: Trigger, refs: Refs) -> None:
    """Let a rule look at these leads again."""
    from leadtui.services import triggers

    with office() as opened:
        count = triggers.include(opened, trigger, refs)
    emit({"trigger": trigger, "included": count}, f"{count:,} included again")


@_triggers.command("excluded")
def excluded(trigger: Trigger) -> None:
    """List the leads that a rule leaves alone."""
    from leadtui.services import triggers

    with office() as opened:
        found = triggers.exclusions(opened, trigger)
    emit(
        {"total": len(found), "leads": list(found)},
        lambda: table(("lead", "name"), [(one["lead_number"], one["lead_name"] or "") for one in found]),
    )


@_triggers.command("runs")
def runs(
    trigger: Annotated[
        str | None, typer.Argument(metavar="[TRIGGER]", help="all of them without", autocompletion=complete.triggers)
    ] = None,
    lead: Annotated[str | None, typer.Option(metavar="REF", help="only for this lead")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="so many")] = 50,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page")] = 1,
) -> None:
    """List what rules did, the newest first."""
    from leadtui.services import triggers

    with office() as opened:
        total, found = triggers.runs(opened, ref=trigger, lead=lead, limit=limit, offset=(page - 1) * limit)
        view = View.of(opened)
    emit(
        {"total": total, "runs": [one | {"at": iso_z(one["at"])} for one in found]},
        lambda: table(
            ("when", "rule", "lead", "event", "result"),
            [(view.local(one["at"]), one["trigger"], one["lead_number"], one["event"], one["result"]) for one in found],
        ),
    )


rule_rehearse.register(rule_score.app, rule_assign.app)
app.add_typer(rule_score.app, name="score", help="What leads are worth: rules that give points")
app.add_typer(rule_assign.app, name="assign", help="Who gets leads: rules that narrow and order the agents")
app.add_typer(_actions, name="stage-action", help=STAGE_ACTION.help)
app.add_typer(_triggers, name="trigger", help=TRIGGER.help)
app.add_typer(_milestones, name="milestone", help=MILESTONE.help)
