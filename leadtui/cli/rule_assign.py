"""`leadtui rule assign`: the rules of who gets leads, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import office
from leadtui.cli.output import emit, pairs, table
from leadtui.cli.rule_options import DryRun, NewOf, Of, Order, typed
from leadtui.errors import UsageError

app = tree.noun("Who gets leads: rules that narrow and order the agents")

Rule = Annotated[
    str, typer.Argument(metavar="RULE", help="its name, key or id", autocompletion=complete.assignment_rules)
]
Kind = typer.Option(
    "--kind",
    metavar="KIND",
    help="what the step looks at, of those named above",
    autocompletion=complete.assignment_kinds,
)
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="what it is called; else its kind")]
Where = Annotated[
    str | None, typer.Option("--where", metavar="FILTER", help="counts only for these leads, such as 'source:Referral'")
]
Users = Annotated[
    str | None, typer.Option("--users", metavar="LOGIN,LOGIN", help="of the kind source: whom its leads go to")
]
Sources = Annotated[
    str | None, typer.Option("--sources", metavar="NAME,NAME", help="of the kind source: which; all without it")
]
Rate = Annotated[
    str | None, typer.Option("--rate", metavar="0.15|15%", help="of the kind performance: the conversion rate")
]
Minutes = Annotated[
    str | None, typer.Option("--minutes", metavar="N", help="of the kind first_to_claim: how long it is offered")
]
IfAny = Annotated[
    bool | None,
    typer.Option(
        "--only-if-any/--strict", help="where no agent fits: all stay (the usual way), or nobody gets the lead"
    ),
]


def _show(rule: Mapping[str, Any], verb: str) -> None:
    emit(dict(rule), f"{verb} assignment rule {rule['name']}: {rule['does']}")


@app.command("add")
def add(
    kind: Annotated[str, Kind], *, name: Name = None, where: Where = None, users: Users = None, sources: Sources = None,
    rate: Rate = None, minutes: Minutes = None, only_if_any: IfAny = None, order: Order = None,
    pipeline: NewOf = None,
    dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Add a rule; behind the others, unless --order says where.

    Kinds: area, type, price, source, branch, language (who may have the lead) · workload, performance,
    round_robin (who comes first) · first_to_claim (several are asked).
    """
    from leadtui.services import routing_rules

    values = typed(
        kind=kind, name=name, where=where, users=users, sources=sources, rate=rate, minutes=minutes,
        only_if_any=only_if_any, order=order, pipeline=pipeline,
    )  # fmt: skip
    with office() as opened:
        _show(routing_rules.add(opened, values, dry_run=dry_run), "would add" if dry_run else "added")


@app.command("edit")
def edit(
    rule: Rule, *, kind: Annotated[str | None, Kind] = None, name: Name = None, where: Where = None,
    users: Users = None, sources: Sources = None, rate: Rate = None, minutes: Minutes = None,
    only_if_any: IfAny = None, order: Order = None, pipeline: Of = None, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Change a rule; an empty value clears.

    Kinds: area, type, price, source, branch, language, workload, performance, round_robin, first_to_claim.
    """
    from leadtui.services import routing_rules

    values = typed(
        kind=kind, name=name, where=where, users=users, sources=sources, rate=rate, minutes=minutes,
        only_if_any=only_if_any, order=order,
    )  # fmt: skip
    if not values:
        raise UsageError("nothing to change", field="name", code="missing_option", hint="see --help")
    with office() as opened:
        changed = routing_rules.edit(opened, rule, values, pipeline=pipeline, dry_run=dry_run)
        _show(changed, "would change" if dry_run else "changed")


@app.command("list")
def list_(pipeline: Of = None) -> None:
    """List the rules in the order in which they are asked."""
    from leadtui.services import routing_rules

    with office() as opened:
        found = routing_rules.list_all(opened, pipeline=pipeline)
    rows = [
        (str(r["order"]), r["name"], r["does"], r["condition"] or "", r["pipeline"] or "all",
         "" if r["is_active"] else "rests", r["problem"] or "")
        for r in found
    ]  # fmt: skip
    heads = ("", "name", "does", "for leads", "pipeline", "", "problem")
    emit(
        {"total": len(found), "rules": list(found)},
        lambda: table(heads, rows) if rows else "no assignment rules: whoever has least gets a lead",
    )


@app.command("show")
def show(rule: Rule, pipeline: Of = None) -> None:
    """Show a rule."""
    from leadtui.services import routing_rules

    with office() as opened:
        found = routing_rules.get(opened, rule, pipeline=pipeline)
    facts = [
        ("name", found["name"]), ("key", found["key"]), ("does", found["does"]),
        ("for leads", found["condition"] or "all"), ("pipeline", found["pipeline"] or "all"),
        ("place", str(found["order"])), ("state", "in use" if found["is_active"] else "rests"),
        ("problem", found["problem"] or ""),
    ]  # fmt: skip
    emit(dict(found), lambda: pairs([(label, value) for label, value in facts if value]))


@app.command("enable")
def enable(rule: Rule, pipeline: Of = None) -> None:
    """Let a rule count again."""
    from leadtui.services import routing_rules

    with office() as opened:
        _show(routing_rules.set_active(opened, rule, True, pipeline=pipeline), "enabled")


@app.command("disable")
def disable(rule: Rule, pipeline: Of = None) -> None:
    """Let a rule rest."""
    from leadtui.services import routing_rules

    with office() as opened:
        _show(routing_rules.set_active(opened, rule, False, pipeline=pipeline), "disabled")


@app.command("remove")
def remove(rule: Rule, pipeline: Of = None) -> None:
    """Take a rule away; undo brings it back."""
    from leadtui.services import routing_rules

    with office() as opened:
        _show(routing_rules.remove(opened, rule, pipeline=pipeline), "removed")
