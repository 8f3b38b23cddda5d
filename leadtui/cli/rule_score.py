"""`leadtui rule score`: the rules that make scores; and `leadtui lead score`: why a lead has its score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import office
from leadtui.cli.lead_find import Ref
from leadtui.cli.output import emit, pairs, table
from leadtui.cli.rule_options import DryRun, NewOf, Of, Order, typed
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.domain.scoring import Explained
    from leadtui.services.score_rules import ScoreRule

app = tree.noun("What leads are worth: rules that give points")

Rule = Annotated[str, typer.Argument(metavar="RULE", help="its name, key or id", autocompletion=complete.scoring_rules)]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="what it is called", show_default=False)]
NewName = Annotated[str | None, typer.Option("--name", metavar="NAME", help="what it is called")]
Group = Annotated[str | None, typer.Option("--group", metavar="WORD", help="what it belongs to, such as engagement")]
When = Annotated[
    str | None, typer.Option("--when", metavar="FILTER", help="for which leads, such as 'city:Nairobi'; all without it")
]
Points = Annotated[int | None, typer.Option("--points", metavar="N", help="how many; -5 takes away")]
Per = Annotated[
    str | None,
    typer.Option("--per", metavar="FIELD", help="for each whole unit of a number, such as page_views",
                 autocompletion=complete.counted_fields),
]  # fmt: skip
Cap = Annotated[str | None, typer.Option("--cap", metavar="N", help="with --per: at most so many points in all")]
First = Annotated[
    bool | None,
    typer.Option("--first-match/--no-first-match", help="of such rules of its group only the first that holds counts"),
]


def _show(rule: ScoreRule, verb: str) -> None:
    emit(rule.as_json(), f"{verb} scoring rule {rule.name}: {rule.words}")


@app.command("add")
def add(
    name: Name, *, points: Points = None, group: Group = None, when: When = None, per: Per = None, cap: Cap = None,
    first_match: First = None, order: Order = None,
    pipeline: NewOf = None,
    dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Add a rule."""
    from leadtui.services import score_rules

    if points is None:
        raise UsageError("--points is missing", field="points", code="missing_option", hint="such as --points 10")
    values = typed(
        name=name, group=group, when=when, points=points, per=per, cap=cap, first_match=first_match, order=order,
        pipeline=pipeline,
    )  # fmt: skip
    with office() as opened:
        _show(score_rules.add(opened, values, dry_run=dry_run), "would add" if dry_run else "added")


@app.command("edit")
def edit(
    rule: Rule, *, name: NewName = None, points: Points = None, group: Group = None, when: When = None,
    per: Per = None, cap: Cap = None, first_match: First = None, order: Order = None, pipeline: Of = None,
    dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Change a rule; an empty value clears."""
    from leadtui.services import score_rules

    values = typed(
        name=name, group=group, when=when, points=points, per=per, cap=cap, first_match=first_match, order=order
    )
    if not values:
        raise UsageError("nothing to change", field="name", code="missing_option", hint="see --help")
    with office() as opened:
        changed = score_rules.edit(opened, rule, values, pipeline=pipeline, dry_run=dry_run)
        _show(changed, "would change" if dry_run else "changed")


@app.command("list")
def list_(
    active: Annotated[bool, typer.Option("--active", help="without those that rest")] = False, pipeline: Of = None
) -> None:
    """List the rules in the order in which they are asked."""
    from leadtui.services import score_rules

    with office() as opened:
        found = score_rules.list_all(opened, pipeline=pipeline, include_inactive=not active)
    rows = [
        (r.name, r.group, r.words, r.pipeline or "all", "" if r.is_active else "rests", r.problem or "") for r in found
    ]
    emit(
        {"total": len(found), "rules": [r.as_json() for r in found]},
        lambda: table(("name", "group", "gives", "pipeline", "", "problem"), rows) if rows else "no scoring rules",
    )


@app.command("show")
def show(rule: Rule, pipeline: Of = None) -> None:
    """Show a rule, and how many leads it holds for."""
    from leadtui.services import score_rules

    with office() as opened:
        found = score_rules.get(opened, rule, pipeline=pipeline)
        count = None
        if found.problem is None:
            count = score_rules.check(opened, found.when or "", pipeline=found.pipeline)
    document = found.as_json() | {"matching": count.matching if count else 0, "leads": count.total if count else None}
    facts = [
        ("name", found.name), ("key", found.key), ("group", found.group), ("gives", found.words),
        ("pipeline", found.pipeline or "all"), ("place", str(found.order)),
        ("state", "in use" if found.is_active else "rests"), ("problem", found.problem or ""),
        ("holds for", f"{count.matching:,} of {count.total:,} leads" if count and count.matching is not None else ""),
    ]  # fmt: skip
    emit(document, lambda: pairs([(label, value) for label, value in facts if value]))


@app.command("enable")
def enable(rule: Rule, pipeline: Of = None) -> None:
    """Let a rule count again."""
    from leadtui.services import score_rules

    with office() as opened:
        _show(score_rules.set_active(opened, rule, True, pipeline=pipeline), "enabled")


@app.command("disable")
def disable(rule: Rule, pipeline: Of = None) -> None:
    """Let a rule rest."""
    from leadtui.services import score_rules

    with office() as opened:
        _show(score_rules.set_active(opened, rule, False, pipeline=pipeline), "disabled")


@app.command("remove")
def remove(rule: Rule, pipeline: Of = None) -> None:
    """Take a rule away; undo brings it back."""
    from leadtui.services import score_rules

    with office() as opened:
        _show(score_rules.remove(opened, rule, pipeline=pipeline), "removed")


# -- a lead ------------------------------------------------------------------------------------------------------------
def score(ref: Ref) -> None:
    """Show why a lead has its score: every rule with its points, and the raw sum."""
    from leadtui.services import scoring

    with office() as opened:
        found = scoring.explain(opened, ref)
    emit(found.as_json(), lambda: score_text(found))


def score_text(found: Explained) -> str:
    """Every rule with its points, those that gave none too, then the sum."""
    if found.score is None:
        return f"{found.lead_number}  no score: no rule gives points to leads of its pipeline"
    word = "hot" if found.hot else "qualified" if found.qualified else ""
    head = f"{found.lead_number}  score {found.score}{f', {word}' if word else ''}"
    rows = [(x.name, x.group, f"{x.points:+d}" if x.points else "") for x in found.lines]
    if found.bonus:
        rows.append(("given by triggers", "triggers", f"{found.bonus:+d}"))
    raw = "" if found.raw == found.score else f", kept within 0 to 100: {found.score}"
    return f"{head}\n\n{table(('rule', 'group', 'points'), rows, right=[2])}\n\nsum {found.raw}{raw}"


def register(lead: typer.Typer) -> None:
    """Put the verb on `lead`."""
    lead.command("score")(score)
