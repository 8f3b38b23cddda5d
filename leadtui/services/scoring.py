"""Scores of leads: made by the rules in the transaction that changes a lead, and anew for all when a rule changes.

`touch` is called by whatever changes what rules may look at; the lead is scored once, before its transaction ends
(`WriteTx.at_end`). Every state of the rules has a number, the setting `scoring_version`; a lead with an older number is
stale, and the job step `scores` scores it anew. Writing a score is no edit: version, last change and history stay, so
that nobody who types in a lead's form stumbles over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update

from leadtui.domain.catalog import Catalog
from leadtui.domain.conditions import Condition, read
from leadtui.domain.dates import local_day
from leadtui.domain.scoring import Explained, Line, Rule, score, total, unit_of
from leadtui.errors import FilterError, NotPermitted
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import score_facts

if TYPE_CHECKING:
    from .office import Office

VERSION: Final = "scoring_version"
JOB: Final = "scores.daily"
MOST: Final = 500
"""So many leads are scored in one transaction of the job."""

_STORED: Final = ("pipeline_id", "score", "score_raw", "score_bonus", "score_version")
_NEVER: Final = Condition(lambda facts: False, frozenset())
Row = Mapping[Any, Any]


# -- rules -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Ruleset:
    """The active rules of each pipeline, with the facts that all of them look at. `by_time`: some move with the day."""

    catalog: Catalog
    of_pipeline: Mapping[int, tuple[Rule, ...]]
    maker: score_facts.Maker
    by_time: bool
    is_broken: bool
    """A rule names what is not there (any more)."""


_last: Final[dict[str, Ruleset]] = {}
"""The rules of the catalogue that was asked for last: they change only with it."""


def ruleset(tx: ReadTx) -> Ruleset:
    """The rules as this transaction sees them."""
    found = _last.get("")
    if found is None or found.catalog is not tx.catalog:
        found = _last[""] = _read_rules(tx)
    return found


def _read_rules(tx: ReadTx) -> Ruleset:
    c = t.scoring_rule.c
    rows = tx.conn.execute(select(t.scoring_rule).where(c.is_active.is_(True)).order_by(c.order, c.id)).mappings().all()
    rules_ = dict(zip((row["id"] for row in rows), compiled(tx, rows), strict=True))
    of_pipeline = {
        p.id: tuple(rules_[row["id"]] for row in rows if row["pipeline_id"] in (None, p.id))
        for p in tx.catalog.pipelines
    }
    keys = frozenset(key for rule in rules_.values() for key in rule.keys)
    by_time = any(rule.condition.by_time or rule.field == "age" for rule in rules_.values())
    is_broken = any(rule.condition is _NEVER for rule in rules_.values())
    return Ruleset(tx.catalog, of_pipeline, score_facts.Maker(tx.catalog, keys), by_time, is_broken)


def rules(tx: ReadTx, pipeline_id: int) -> tuple[Rule, ...]:
    """The active rules for leads of a pipeline, those for every pipeline among them, in their order."""
    return ruleset(tx).of_pipeline.get(pipeline_id, ())


def compiled(tx: ReadTx, rows: Iterable[Row]) -> tuple[Rule, ...]:
    """Rules from rows of `scoring_rule` (or of its shape). One whose condition cannot be read any more (what it named
    is gone) holds for nobody: `score_rules.list_all` says so.
    """
    return tuple(_rule(row, tx.catalog) for row in rows)


def _rule(row: Row, catalog: Catalog) -> Rule:
    try:
        condition = read(row["condition"] or "", catalog)
    except FilterError:
        condition = _NEVER
    return Rule(
        row["id"], row["key"], row["name"], row["group"], row["mode"], row["points"], row["condition"] or "",
        row["field"], row["cap"], row["order"], row["is_active"], unit_of(row["field"], catalog.currency), condition,
    )  # fmt: skip


def version(tx: ReadTx) -> int:
    """The number of the present state of the rules."""
    return int(tx.catalog.settings.get(VERSION, 1))


def changed(tx: WriteTx) -> None:
    """Say that leads may be worth something else: a rule changed, or what rules look at beside leads (areas, statuses).

    Every lead is stale from now on, until the job has scored it anew. Called behind the change, in its transaction.
    """
    s = t.setting.c
    had = tx.conn.execute(select(s.value_json).where(s.key == VERSION).with_for_update()).scalar()
    if had is None:
        tx.conn.execute(t.setting.insert().values(key=VERSION, value_json=2))
    else:
        tx.conn.execute(update(t.setting).where(s.key == VERSION).values(value_json=int(had) + 1))
    tx.catalog_changed()


_FACTS: Final[Mapping[str, frozenset[str]]] = {
    "status": frozenset({"status", "reached"}), "source": frozenset({"source"}), "package": frozenset({"package"}),
    "branch": frozenset({"branch"}), "pipeline": frozenset({"pipeline"}), "lost_reason": frozenset({"lost_reason"}),
    "tag": frozenset({"tags"}), "person": frozenset({"brought_in_by"}), "user": frozenset({"assigned_to", "manager"}),
}  # fmt: skip
"""What rules look at by the names of a small table."""


def named_anew(tx: WriteTx, noun: str) -> None:
    """Names of a small table, or the order of statuses, are others now: `changed`, where a rule may name them."""
    found = ruleset(tx)
    if noun in _FACTS and (found.is_broken or _FACTS[noun] & found.maker.wants):
        changed(tx)


# -- leads -------------------------------------------------------------------------------------------------------------
def touch(tx: WriteTx, lead_id: int) -> None:
    """Score this lead before the transaction ends."""
    tx.at_end(_at_end, lead_id)


def touch_contact(tx: WriteTx, lead_id: int, kind: str) -> None:
    """`touch` for what was done with a lead: rules look at calls, and perhaps at the moment of the last contact."""
    wants = ruleset(tx).maker.wants
    if (kind == "call" and "last_call" in wants) or "last_activity_at" in wants:
        touch(tx, lead_id)


def settle(tx: WriteTx, lead_id: int) -> None:
    """Score a lead that was touched at once: its score is about to be answered."""
    tx.sooner(_at_end, lead_id)


def _at_end(tx: WriteTx, ids: Sequence[int]) -> None:
    rescore(tx, ids)


def rescore(tx: WriteTx, ids: Sequence[int]) -> int:
    """Score these leads by the present rules; answers how many got another score. Deleted ones keep theirs."""
    tx.flush()
    found, now = ruleset(tx), version(tx)
    moved = 0
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), MOST):
        changes: list[dict[str, Any]] = []
        same: list[int] = []
        for row, facts in score_facts.read(tx, wanted[start : start + MOST], found.maker, _STORED):
            raw, new = points(found, row["pipeline_id"], facts, row["score_bonus"])
            if (new, raw) != (row["score"], row["score_raw"]):
                changes.append({"row_id": row["id"], "new": new, "raw": raw})
            elif row["score_version"] != now:
                same.append(row["id"])
        _write(tx, changes, same, now)
        moved += len(changes)
    return moved


def points(found: Ruleset, pipeline_id: int, facts: Mapping[str, Any], bonus: int) -> tuple[int | None, int | None]:
    """Raw sum and score of a lead; both None where nothing could give it points."""
    raw, new = total(found.of_pipeline.get(pipeline_id, ()), facts, bonus)
    return (None, None) if new is None else (raw, new)


def columns(found: Ruleset, tx: ReadTx, pipeline_id: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the score of a lead that is about to be written (an import)."""
    raw, new = points(found, pipeline_id, facts, 0)
    at = None if new is None else tx.now
    return {"score": new, "score_raw": raw, "score_at": at, "score_bonus": 0, "score_version": version(tx)}


_POSTGRES: Final = (
    "UPDATE lead SET score = u.new, score_raw = u.raw, score_at = %(at)s, score_version = %(version)s "
    "FROM unnest(%(ids)s::int[], %(new)s::int[], %(raw)s::int[]) AS u(id, new, raw) WHERE lead.id = u.id"
)
"""One statement for all: triggers of statements look at them together."""


def _write(tx: WriteTx, changes: Sequence[Mapping[str, Any]], same: Sequence[int], now: int) -> None:
    lead = t.lead.c
    if changes and tx.is_sqlite:
        statement = (
            update(t.lead)
            .where(lead.id == bindparam("row_id"))
            .values(score=bindparam("new"), score_raw=bindparam("raw"), score_at=tx.now, score_version=now)
        )
        tx.conn.execute(statement, list(changes))
    elif changes:
        ids, new, raw = ([one[key] for one in changes] for key in ("row_id", "new", "raw"))
        values = {"ids": ids, "new": new, "raw": raw, "at": tx.now, "version": now}
        tx.conn.exec_driver_sql(_POSTGRES, values)
    if same:
        tx.conn.execute(update(t.lead).where(lead.id.in_(same)).values(score_version=now))


# -- for all, by itself ------------------------------------------------------------------------------------------------
def step(office: Office, *, limit: int, may_go_on: Callable[[], bool]) -> int:
    """Score leads that are stale anew; answers how many. A step of the routine.

    Once a day, where a rule moves with the calendar (an age, a relative date), all of them are.
    """
    from . import job_runs

    with office.store.read() as tx:
        day, by_time = local_day(tx.now, tx.catalog.tz), ruleset(tx).by_time
        if not by_time and not _stale(tx, 1):
            return 0
    if by_time:
        job_runs.once(office, JOB, day.isoformat(), _new_day)
    done = 0
    while done < limit and may_go_on():
        with office.as_system() as tx:
            ids = _stale(tx, min(MOST, limit - done))
            rescore(tx, ids)
        done += len(ids)
        if len(ids) < MOST:
            break
    return done


def _new_day(tx: WriteTx) -> None:
    """Everything is looked at anew. The day a database is scored for the first time it is stale already."""
    changed(tx)


def _stale(tx: ReadTx, limit: int) -> list[int]:
    """Some leads whose score an older state of the rules made."""
    lead = t.lead.c
    query = (
        select(lead.id)
        .where(lead.deleted_at.is_(None), lead.score_version < version(tx))
        .order_by(lead.score_version, lead.id)
        .limit(limit)
    )
    if isinstance(tx, WriteTx):
        query = query.with_for_update(skip_locked=True)
    return list(tx.conn.execute(query).scalars())


def waiting(tx: ReadTx) -> int:
    """How many leads are to be scored anew."""
    lead = t.lead.c
    stale = select(func.count()).where(lead.deleted_at.is_(None), lead.score_version < version(tx))
    return int(tx.conn.execute(stale.select_from(t.lead)).scalar_one())


def catch_up(office: Office, most: int = 2_000) -> int:
    """Score stale leads now, as the machine, if they are so few that nobody waits; the job does the rest."""
    with office.store.read() as tx:
        if not 0 < len(_stale(tx, most + 1)) <= most:
            return 0
    return step(office, limit=most, may_go_on=lambda: True)


# -- looking at one ----------------------------------------------------------------------------------------------------
def explain(office: Office, ref: str | int) -> Explained:
    """Why a lead has its score. Raises NotFound; NotPermitted where the role does not see scores."""
    from . import lead_writes as w

    with office.read() as tx:
        if "score" in tx.actor.hidden_fields:
            raise NotPermitted("you may not see scores", hint=f"the role '{tx.actor.role}' does not show them")
        lead_id = w.resolve(tx, ref)
        found = explained(tx, lead_id)
    if found is None:
        raise w.not_found(ref)
    return found


def explained(tx: ReadTx, lead_id: int) -> Explained | None:
    """`explain` for a lead whose right was checked; None where it is gone. A deleted one as if it were there."""
    found = ruleset(tx)
    read_ = score_facts.read(tx, [lead_id], found.maker, ("number", "pipeline_id", "score_bonus"), deleted=True)
    if not read_:
        return None
    row, facts = read_[0]
    what = score(found.of_pipeline.get(row["pipeline_id"], ()), facts, bonus=row["score_bonus"])
    lines = _seen(tx, found.of_pipeline.get(row["pipeline_id"], ()), what.lines)
    settings = tx.catalog.settings
    return Explained(
        row["id"], row["number"], what.score, None if what.score is None else what.raw, what.bonus,
        what.score is not None and what.score > int(settings.get("score_hot", 80)),
        what.score is not None and what.score >= int(settings.get("score_qualified", 50)), lines,
    )  # fmt: skip


def _seen(tx: ReadTx, by: Sequence[Rule], lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines as the acting role may see them: rules about fields hidden from it would tell what stands there."""
    hidden = {rule.id for rule in by if rule.keys & tx.actor.hidden_fields}
    shown = [line for line in lines if line.rule_id not in hidden]
    more = sum(line.points for line in lines if line.rule_id in hidden)
    return (*shown, Line(0, "", "what your role does not see", "hidden", more)) if more else tuple(shown)
