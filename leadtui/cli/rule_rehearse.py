"""`leadtui rule score rehearse` and `leadtui rule assign rehearse`: rules tried on the past before they go live."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadtui.cli import complete
from leadtui.cli.context import office
from leadtui.cli.importing import progress
from leadtui.cli.output import emit
from leadtui.cli.rule_assign import IfAny, Minutes, Rate, Sources, Users, Where
from leadtui.cli.rule_options import Of, Order, typed
from leadtui.cli.rule_score import Cap, First, Group, Per, When
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.services.rule_rehearsal import Candidate, Change

MOST_TRIED: Final = 50
"""So many candidates may come from a file."""
_MOST_CHARS: Final = 1_000_000

Months = Annotated[int, typer.Option("--months", metavar="N", help="on the leads of so many months")]
Settle = Annotated[
    int, typer.Option("--settle", metavar="DAYS", help="an open lead older than this counts as not converted")
]
Enable = Annotated[bool | None, typer.Option("--enable/--disable", help="with the rule in use, or resting")]
Tried = Annotated[
    Path | None,
    typer.Option(
        "--changes", metavar="FILE|-",
        help="several candidates, ranked, as a JSON list (see above)",
    ),
]  # fmt: skip


def changes_of(
    rule: str | None, add: str | None, values: Mapping[str, str], active: bool | None, tried: Path | None
) -> list[Change | Candidate]:
    """What the options ask to try. A rule named without a change is tried switched over. Raises UsageError."""
    from leadtui.services.rule_rehearsal import Candidate, Change

    if tried is not None:
        if rule or add or values or active is not None:
            raise UsageError("--changes stands alone", field="changes", hint="or name one rule and its change")
        return _from_file(tried)
    if add is not None:
        if rule is not None or active is not None:
            raise UsageError("a new rule or one that is there, not both", field="add", hint="RULE or --add NAME")
        return [Change("add", None, {**values, "name": add})]
    if rule is None:
        if values or active is not None:
            raise UsageError("which rule?", field="rule", code="missing_argument", hint="RULE, or --add NAME")
        return []
    parts = [Change("edit", rule, values)] if values else []
    if active is not None:
        parts.append(Change("enable" if active else "disable", rule))
    if not parts:
        parts.append(Change("switch", rule))
    return [parts[0] if len(parts) == 1 else Candidate("", tuple(parts))]


def _from_file(path: Path) -> list[Change | Candidate]:
    from leadtui.services.rule_rehearsal import Candidate

    try:
        text = sys.stdin.read(_MOST_CHARS + 1) if str(path) == "-" else path.read_text("utf-8")[: _MOST_CHARS + 1]
        data = json.loads(text) if len(text) <= _MOST_CHARS else None
    except (OSError, UnicodeError) as error:
        raise UsageError(f"'{path}' cannot be read: {error}", field="changes") from None
    except (ValueError, RecursionError):
        raise UsageError(f"'{path}' is no JSON", field="changes", hint="a list of candidates") from None
    if not isinstance(data, list) or not 0 < len(data) <= MOST_TRIED:
        raise UsageError(f"--changes wants a list of 1 to {MOST_TRIED} candidates", field="changes")
    return [
        Candidate(str(one.get("label") or ""), tuple(_change(part) for part in one["changes"]))
        if isinstance(one, dict) and isinstance(one.get("changes"), list)
        else _change(one)
        for one in data
    ]


def _change(data: Any) -> Change:
    from leadtui.services.rule_rehearsal import Change

    if not isinstance(data, dict) or not isinstance(data.get("act"), str):
        raise UsageError("a change is an object with act, rule and values", field="changes")
    values, rule = data.get("values") or {}, data.get("rule")
    if not isinstance(values, dict) or not isinstance(rule, str | int | None):
        raise UsageError("values of a change are texts by name, its rule a key, name or id", field="changes")
    return Change(data["act"], rule, {str(key): "" if text is None else str(text) for key, text in values.items()})


def scores(
    rule: Annotated[
        str | None,
        typer.Argument(metavar="[RULE]", help="the rule that is changed", autocompletion=complete.scoring_rules),
    ] = None,
    *,
    add: Annotated[str | None, typer.Option("--add", metavar="NAME", help="a new rule of this name instead")] = None,
    points: Annotated[int | None, typer.Option("--points", metavar="N", help="as if it gave so many")] = None,
    group: Group = None,
    when: When = None,
    per: Per = None,
    cap: Cap = None,
    first_match: First = None,
    order: Order = None,
    active: Enable = None,
    changes: Tried = None,
    months: Months = 6,
    look_ahead: Annotated[
        int, typer.Option("--look-ahead", metavar="DAYS", help="each lead as it stood so long after it came")
    ] = 3,
    settle: Settle = 30,
    pipeline: Of = None,
) -> None:
    """Try scoring rules on the leads of the last months: which tell best who converts. Changes nothing.

    Without a change every rule is tried switched over, and the list says what each is worth.
    The FILE holds [{"label": "A", "changes": [{"act": "edit", "rule": "KEY", "values": {"points": "20"}}]}];
    act is add, edit, enable, disable or remove.
    """
    from leadtui.cli.render_rehearsals import scores_text
    from leadtui.services import rule_rehearsal

    values = typed(
        points=points, group=group, when=when, per=per, cap=cap, first_match=first_match, order=order
    )  # fmt: skip
    asked = changes_of(rule, add, values, active, changes)
    with office() as opened, progress("rehearsing") as tell:
        found = rule_rehearsal.scores(
            opened, asked, months=months, look_ahead_days=look_ahead, settle_days=settle, pipeline=pipeline,
            on_progress=None if tell is None else lambda done, total: tell(done, total, "rehearsing"),
        )  # fmt: skip
        tz = opened.catalog.tz
    emit(found.as_json(), lambda: scores_text(found, tz, details=bool(asked)))


def assignment(
    rule: Annotated[
        str | None,
        typer.Argument(metavar="[RULE]", help="the rule that is changed", autocompletion=complete.assignment_rules),
    ] = None,
    *,
    add: Annotated[str | None, typer.Option("--add", metavar="NAME", help="a new rule of this name instead")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="KIND", help="as `rule assign add` has them", autocompletion=complete.assignment_kinds
        ),
    ] = None,
    where: Where = None,
    users: Users = None,
    sources: Sources = None,
    rate: Rate = None,
    minutes: Minutes = None,
    only_if_any: IfAny = None,
    order: Order = None,
    active: Enable = None,
    changes: Tried = None,
    months: Months = 6,
    settle: Settle = 30,
    pipeline: Of = None,
) -> None:
    """Try assignment rules on the leads of the last months: who gets which, and what came of it. Changes nothing.

    Without a change every rule is tried switched over.
    The FILE holds [{"label": "A", "changes": [{"act": "add", "values": {"kind": "area", "name": "B"}}]}];
    act is add, edit, enable, disable or remove.
    """
    from leadtui.cli.render_rehearsals import assignment_text
    from leadtui.services import rule_rehearsal

    values = typed(
        kind=kind, where=where, users=users, sources=sources, rate=rate, minutes=minutes, only_if_any=only_if_any,
        order=order,
    )  # fmt: skip
    asked: Sequence[Change | Candidate] = changes_of(rule, add, values, active, changes)
    with office() as opened, progress("rehearsing") as tell:
        found = rule_rehearsal.assignment(
            opened, asked, months=months, settle_days=settle, pipeline=pipeline,
            on_progress=None if tell is None else lambda done, total: tell(done, total, "rehearsing"),
        )  # fmt: skip
        tz = opened.catalog.tz
    emit(found.as_json(), lambda: assignment_text(found, tz, details=bool(asked)))


def register(score: typer.Typer, assign: typer.Typer) -> None:
    """Put the verb on both kinds of rules."""
    score.command("rehearse")(scores)
    assign.command("rehearse")(assignment)
