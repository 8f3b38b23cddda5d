"""The rules that make scores: list, add, change, switch, remove; a condition tried on the leads there are.

Every change is a batch that `u` takes back, and makes all scores stale (`scoring.changed`): the few leads of a small
office are scored at once, the many of a large one by the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select

from leadtui.domain.conditions import fields, read
from leadtui.domain.filters import Catalogue
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.scoring import NUMBER_FIELDS, check_rule, rule_words
from leadtui.errors import Invalid
from leadtui.store import leads as lead_queries
from leadtui.store import presets
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import clean_line, fold

from . import lead_writes as w
from . import scoring
from .catalogue_values import yes_or_no
from .office import Office
from .rule_rows import SCORING, Row, changing, pipeline_key, problem_of
from .settings import whole_number

VALUES: Final = ("name", "group", "when", "points", "per", "cap", "first_match", "order", "pipeline")
"""What `add` and `edit` take, as text; `pipeline` empty: of every pipeline."""


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """A rule as it is listed. `problem` says why it holds for nobody: its condition cannot be read any more."""

    id: int
    key: str
    name: str
    group: str
    mode: str
    when: str | None
    per: str | None
    points: int
    cap: int | None
    order: int
    pipeline: str | None
    is_active: bool
    words: str
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "id": self.id, "key": self.key, "name": self.name, "group": self.group, "mode": self.mode,
            "when": self.when, "per": self.per, "points": self.points, "cap": self.cap,
            "first_match": self.mode == "first_match", "order": self.order, "pipeline": self.pipeline,
            "is_active": self.is_active, "words": self.words, "problem": self.problem,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """How many of the leads one may see a condition finds; None where it asks what one's role does not see."""

    matching: int | None
    total: int


# -- reading -----------------------------------------------------------------------------------------------------------
def list_all(office: Office, *, pipeline: str | None = None, include_inactive: bool = True) -> tuple[ScoreRule, ...]:
    """The rules in the order they are asked, pipeline by pipeline; of one pipeline those for every one, too."""
    with office.read() as tx:
        wanted = tx.catalog.find_pipeline(pipeline).id if pipeline else None
        return tuple(
            _record(tx, row) for row in SCORING.rows(tx, wanted) if row["is_active"] or include_inactive
        )  # fmt: skip


def get(office: Office, ref: str, *, pipeline: str | None = None) -> ScoreRule:
    """One rule by name, key or id. Raises NotFound, Invalid where several are named so."""
    with office.read() as tx:
        return _record(tx, SCORING.find(tx, ref, pipeline))


def _record(tx: ReadTx, row: Row) -> ScoreRule:
    return ScoreRule(
        row["id"], row["key"], row["name"], row["group"], row["mode"], row["condition"], row["field"], row["points"],
        row["cap"], row["order"], pipeline_key(tx, row), row["is_active"], rule_words(row), problem_of(tx, row),
    )  # fmt: skip


def catalogue(office: Office) -> Catalogue:
    """The words a condition may use, to complete what is typed (`filters.complete`)."""
    return fields()


def check(office: Office, when: str, *, pipeline: str | None = None) -> Checked:
    """How many leads in scope a condition would find. Raises FilterError naming the column."""
    with office.read() as tx:
        asks = read(when, tx.catalog).keys
        of = t.lead.c.pipeline_id == tx.catalog.find_pipeline(pipeline).id if pipeline else t.lead.c.id.is_not(None)
        count = select(func.count()).select_from(t.lead)
        everything = count.where(lead_queries.condition(tx, None), of)
        total = int(tx.conn.execute(everything).scalar_one())
        if asks & tx.actor.hidden_fields:
            return Checked(None, total)
        found = count.where(lead_queries.condition(tx, parse_lead_filter(when)), of)
        return Checked(int(tx.conn.execute(found).scalar_one()), total)


# -- changing ----------------------------------------------------------------------------------------------------------
def add(office: Office, values: Mapping[str, str | None], *, dry_run: bool = False) -> ScoreRule:
    """A new rule from texts (see VALUES). Raises Invalid with its field, FilterError, Duplicate, NotPermitted."""
    with changing(office, dry_run) as tx:
        w.require(tx, "config")
        columns = draft(tx, values)
        if dry_run:
            return _record(tx, columns)
        made = _record(tx, SCORING.row(tx, SCORING.insert(tx, columns)))
        scoring.changed(tx)
    scoring.catch_up(office)
    return made


def edit(
    office: Office, ref: str, values: Mapping[str, str | None], *, pipeline: str | None = None, dry_run: bool = False
) -> ScoreRule:
    """Change a rule; an empty text clears. `values["pipeline"]` moves it. Raises as `add` does, and NotFound."""
    with changing(office, dry_run) as tx:
        w.require(tx, "config")
        row = SCORING.find(tx, ref, pipeline)
        columns = draft(tx, values, row)
        if dry_run:
            return _record(tx, columns)
        if SCORING.change(tx, row, columns):
            scoring.changed(tx)
        made = _record(tx, SCORING.row(tx, row["id"]))
    scoring.catch_up(office)
    return made


def set_active(office: Office, ref: str, active: bool, *, pipeline: str | None = None) -> ScoreRule:
    """Let a rule count again, or rest. Raises NotFound, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "config")
        row = SCORING.find(tx, ref, pipeline)
        if SCORING.switch(tx, row, active):
            scoring.changed(tx)
        made = _record(tx, SCORING.row(tx, row["id"]))
    scoring.catch_up(office)
    return made


def remove(office: Office, ref: str, *, pipeline: str | None = None) -> ScoreRule:
    """Take a rule away for good (undo brings it back). Raises NotFound, NotPermitted."""
    with office.write() as tx:
        w.require(tx, "config")
        row = SCORING.find(tx, ref, pipeline)
        gone = _record(tx, row)
        SCORING.delete(tx, row)
        scoring.changed(tx)
    scoring.catch_up(office)
    return gone


# -- a rule from texts -------------------------------------------------------------------------------------------------
def draft(tx: ReadTx, values: Mapping[str, str | None], base: Row | int | None = None) -> dict[str, Any]:
    """The row that a rule would be: checked, not written. `base` is the row (or id) that the texts change; without it
    a new one, whose `id` is 0. Raises Invalid with its field, FilterError naming the column, Duplicate.
    """
    had = dict(SCORING.row(tx, base) if isinstance(base, int) else base) if base is not None else _new(tx)
    unknown = [key for key in values if key not in VALUES]
    if unknown:
        raise Invalid(f"a scoring rule has no '{unknown[0]}'", field=unknown[0], hint="one of: " + ", ".join(VALUES))
    row = had | _columns(tx, values, had)
    if not row["key"]:
        row["key"] = SCORING.free_key(tx, row["name"])
    if base is None and "order" not in values:
        row["order"] = max((r["order"] for r in SCORING.rows(tx, row["pipeline_id"])), default=0) + 1
    check_rule(row)
    if row["condition"] != had["condition"]:
        read(row["condition"] or "", tx.catalog)
    SCORING.others(tx, row)
    return row


def _new(tx: ReadTx) -> dict[str, Any]:
    return {
        "id": 0, "pipeline_id": tx.catalog.default_pipeline.id, "key": "", "name": "", "group": "general",
        "mode": "flat", "condition": None, "field": None, "points": None, "cap": None, "order": 1, "is_active": True,
    }  # fmt: skip


def _columns(tx: ReadTx, values: Mapping[str, str | None], had: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    per, first = had["field"], had["mode"] == "first_match"
    for key, text in values.items():
        typed = (text or "").strip()
        match key:
            case "name":
                found["name"] = clean_line(typed, field=key, limit=120)
            case "group":
                found["group"] = presets.slug(clean_line(typed, field=key, limit=40))[:40]
            case "when":
                found["condition"] = clean_line(typed, field=key, limit=4_000) or None
            case "points":
                found["points"] = _signed(typed, key) if typed else None
            case "cap":
                found["cap"] = whole_number(typed, key) if typed else None
            case "order":
                found["order"] = whole_number(typed, key) if typed else had["order"]
            case "per":
                per = _number_field(typed) if typed else None
            case "first_match":
                first = bool(typed) and yes_or_no(typed, key)
            case "pipeline":
                found["pipeline_id"] = tx.catalog.find_pipeline(typed).id if typed else None
    if {"per", "first_match"} & values.keys():
        if per and "first_match" not in values:
            first = False
        elif first and "per" not in values:
            per = None
        found |= {"field": per, "mode": "first_match" if first else "per_unit" if per else "flat"}
        if found["mode"] != "per_unit" and "cap" not in values:
            found["cap"] = None
    return found


def _signed(text: str, key: str) -> int:
    sign = -1 if text.startswith("-") else 1
    return sign * whole_number(text.lstrip("+-"), key)


def _number_field(text: str) -> str:
    """The field that is counted, by its key, alias or label."""
    entry = fields().find(text)
    by_label = {fold(label): key for key, label in NUMBER_FIELDS.items()}
    return entry.key if entry is not None else by_label.get(fold(text), clean_line(text, field="per", limit=60))
