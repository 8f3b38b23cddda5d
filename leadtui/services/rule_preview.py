"""What rules do, for the screens on which they are kept: as rows, how many leads each finds, what comes of one lead.

A rule that is still being written is checked exactly as it will be when it is saved, but nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from leadtui.domain.records import LeadRow
from leadtui.domain.routing import Choice, RuleStep
from leadtui.domain.scoring import Score, score
from leadtui.errors import LeadtuiError, NotPermitted
from leadtui.store import leads as lead_queries
from leadtui.store.unit_of_work import ReadTx

from . import lead_writes as w
from . import leads, routing, routing_rules, score_facts, score_rules, scoring
from .office import Office

SCORE, ASSIGN = "score", "assign"
UNASSIGNED: Final = "is:unassigned is:active"
"""The filter of the queue."""

_SCORE_KEYS: Final = (
    "id", "key", "name", "group", "mode", "when", "per", "points", "cap", "order", "pipeline", "is_active", "problem",
    "words",
)  # fmt: skip


# -- the lists ------------------------------------------------------------------------------------------------------


def rules(office: Office, kind: str, *, pipeline: str | None = None) -> list[Mapping[str, Any]]:
    """The rules of a list as rows: those of a group together, a group where its first rule stands.

    Every row has id, name, pipeline (None: of every one), when, is_active, problem, where; scoring rules group, mode,
    per, points and cap; steps of assignment kind, does and place, and their own params.
    """
    if kind == SCORE:
        found: list[Mapping[str, Any]] = [_score_row(one) for one in score_rules.list_all(office, pipeline=pipeline)]
        groups: dict[tuple[Any, str], int] = {}
        for one in found:
            groups.setdefault((one["pipeline"], one["group"]), len(groups))
        return sorted(found, key=lambda one: (one["pipeline"] or "", groups[one["pipeline"], one["group"]]))
    rows: list[Mapping[str, Any]] = []
    steps = [dict(one) for one in routing_rules.list_all(office, pipeline=pipeline)]
    places: dict[Any, int] = {}
    for row in steps:
        places[row["pipeline"]] = place = places.get(row["pipeline"], 0) + 1
        row |= {"when": row.get("condition"), "place": place}
        rows.append(row | {"where": where_of(row)})
    return rows


def _score_row(rule: Any) -> dict[str, Any]:
    row = {name: getattr(rule, name) for name in _SCORE_KEYS}
    return row | {"where": where_of(row)}


def where_of(row: Mapping[str, Any]) -> str:
    """The filter text of the leads a rule is about; empty where it is about every lead."""
    when = str(row.get("when") or "").strip()
    per = f"{row['per']}:>0" if row.get("per") else ""
    both = f"({when}) {per}" if when and per else when or per
    pipeline = f"pipeline:{row['pipeline']}" if row.get("pipeline") else ""
    return f"{pipeline} ({both})" if pipeline and both else both or pipeline


def counts(
    office: Office, rows: Sequence[Mapping[str, Any]], should_stop: Callable[[], bool] = lambda: False
) -> dict[int, int]:
    """For how many live leads the condition of each scoring rule holds, by its id; unreadable ones are missing."""
    found: dict[int, int] = {}
    for row in rows:
        if should_stop():
            break
        try:
            found[int(row["id"])] = leads.count(office, row["where"] or None)
        except LeadtuiError:
            continue
    return found


def row_of(kind: str, rule: Any) -> Mapping[str, Any]:
    """What the services answer for one rule, as a row of the list."""
    if kind == SCORE:
        return _score_row(rule)
    row = dict(rule)
    return row | {"when": row.get("condition"), "where": where_of(row | {"when": row.get("condition")})}


def waiting(office: Office) -> int:
    """How many leads are still to be scored anew, because a rule changed."""
    with office.read() as tx:
        return scoring.waiting(tx)


# -- a rule that is being written -----------------------------------------------------------------------------------


def matching(office: Office, kind: str, values: Mapping[str, str]) -> tuple[int, int]:
    """How many live leads a rule is about as it is written now, and how many there are in its pipelines.

    Raises FilterError naming the column.
    """
    when = values.get("where" if kind == ASSIGN else "when", "")
    score_rules.check(office, when)
    row = {"when": when, "per": values.get("per"), "pipeline": values.get("pipeline")}
    every = where_of({"pipeline": values.get("pipeline")})
    return leads.count(office, where_of(row) or None), leads.count(office, every or None)


@dataclass(frozen=True, slots=True)
class Scored:
    """A lead's score by the rules as they stand, and with the rule that is being written. `points`: what that gives."""

    lead: LeadRow
    before: Score
    after: Score
    points: int
    applies: bool
    """Whether the rule is about leads of its pipeline."""


def scored(office: Office, values: Mapping[str, str], *, rule_id: int | None, lead_id: int | None) -> Scored | None:
    """What the rule makes of a lead, of the newest it is about where none is named; None where there is no lead.

    Raises Invalid and FilterError as saving would, NotFound.
    """
    lead_id = lead_id or _newest(office, where_of(values), where_of({"pipeline": values.get("pipeline")}))
    if lead_id is None:
        return None
    with office.read() as tx:
        if "score" in tx.actor.hidden_fields:
            raise NotPermitted("you may not see scores", hint=f"the role '{tx.actor.role}' does not show them")
        row = w.load(tx, w.resolve(tx, lead_id))
        (rule,) = scoring.compiled(tx, [score_rules.draft(tx, values, rule_id)])
        pipeline = values.get("pipeline")
        applies = not pipeline or tx.catalog.find_pipeline(pipeline).id == row["pipeline_id"]
        now = scoring.rules(tx, row["pipeline_id"])
        then = [one for one in now if one.id != rule.id]
        if applies:
            place = next((at for at, one in enumerate(then) if one.order > rule.order), len(then))
            then.insert(place, replace(rule, is_active=True))
        keys = frozenset[str]().union(*(one.keys for one in (*now, *then)))
        facts = score_facts.of(tx, [row["id"]], keys)[row["id"]]
        before, after = (score(by, facts, bonus=row["score_bonus"]) for by in (now, then))
        points = sum(line.points for line in after.lines if line.rule_id == rule.id)
        return Scored(lead_queries.rows(tx, [row["id"]])[0], before, after, points, applies)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whom rules choose for a lead: by login, or None; `offered` those to whom it would be offered."""

    lead: LeadRow
    login: str | None
    offered: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def words(self) -> str:
        """Who, in words."""
        if self.login is not None:
            return self.login
        return f"offered to {', '.join(self.offered)}" if self.offered else "nobody"


@dataclass(frozen=True, slots=True)
class Rerouted:
    """Whom the rules as they stand choose for a lead, and whom with the rule that is being written."""

    before: Chosen
    after: Chosen


def rerouted(office: Office, values: Mapping[str, str], *, rule_id: int | None, lead_id: int | None) -> Rerouted | None:
    """What a step makes of a lead, of the newest nobody has where none is named. Raises as `scored` does."""
    row = {"when": values.get("where"), "pipeline": values.get("pipeline")}
    lead_id = lead_id or _newest(office, _and(where_of(row), UNASSIGNED), where_of(row), UNASSIGNED, "")
    if lead_id is None:
        return None
    with office.read() as tx:
        draft = replace(routing.step_of(routing_rules.draft(tx, values, rule_id)), is_active=True)
        held = w.load(tx, w.resolve(tx, lead_id))
        w.allow(tx, held, "assign")
        now = routing.rules(tx, None)
        then = sorted([*(one for one in now if one.id != draft.id), draft], key=lambda one: one.order)
        return Rerouted(_chosen(tx, held, now), _chosen(tx, held, then))


def first_unassigned(office: Office) -> int | None:
    """The newest lead that nobody has; the newest of all where everybody has his."""
    return _newest(office, UNASSIGNED, "")


def chosen(office: Office, ids: Sequence[int]) -> tuple[Chosen, ...]:
    """Whom the rules would choose for these leads, one after the other: each gives its agent one more."""
    with office.read() as tx:
        desk = routing.Desk(tx, ids)
        answers = []
        for lead_id in ids:
            row = w.load(tx, w.resolve(tx, lead_id))
            w.allow(tx, row, "assign")
            choice = desk.choose(row)
            answers.append(_words_of(tx, row, choice))
            if choice.agent_id is not None and choice.agent_id != row["assigned_to_id"]:
                desk.count(row, choice.agent_id)
        return tuple(answers)


def _chosen(tx: ReadTx, row: Mapping[Any, Any], steps: Sequence[RuleStep]) -> Chosen:
    return _words_of(tx, row, routing.Desk(tx, steps=steps).choose(row))


def _words_of(tx: ReadTx, row: Mapping[Any, Any], choice: Choice) -> Chosen:
    users = tx.catalog.user_by_id
    login = users[choice.agent_id].login if choice.agent_id in users else None
    offered = tuple(users[one].login for one in choice.offered if one in users)
    return Chosen(lead_queries.rows(tx, [row["id"]])[0], login, offered, choice.lines)


def _newest(office: Office, *wheres: str) -> int | None:
    """The newest lead of the first filter that finds one."""
    for where in wheres:
        found = leads.search(office, where or None, sort="-created_at", limit=1, total=False).rows
        if found:
            return found[0].id
    return None


def _and(*filters: str) -> str:
    return " ".join(f"({one})" for one in filters if one)
