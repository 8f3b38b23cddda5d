"""Prepared rows to new leads: what `services.leads.create` would add to what was typed (spec §D, AG10, AI10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leadtui.domain.catalog import Stage
from leadtui.domain.fields import BY_COLUMN, BY_KEY
from leadtui.domain.rules import require_fields
from leadtui.errors import Invalid
from leadtui.services.importing.matching import Decision
from leadtui.services.importing.preparing import Prepared, RowError
from leadtui.services.lead_adding import default_source
from leadtui.services.lead_values import PERSON_NAME, PERSON_PHONE, derived_columns, person_key, tag_key
from leadtui.services.lead_writes import tag_ids
from leadtui.services.scoring import columns as score_columns
from leadtui.services.scoring import ruleset
from leadtui.store.bulk_leads import NewLead, people
from leadtui.store.unit_of_work import ReadTx, WriteTx
from leadtui.text import fold

_COLUMN_OF = {"brought_in_by": PERSON_NAME, "brought_in_by_contact": PERSON_PHONE}
PersonKey = tuple[str, str, tuple[str, str] | None]


def _given(value: Any) -> bool:
    """Whether a cell said something: an amount of 0 does, an unticked box does not."""
    return value is not None and value is not False and value != ""


@dataclass(slots=True)
class Creation:
    """The new leads in the order of the file, and what they bring along that has no id yet."""

    leads: list[NewLead] = field(default_factory=list)
    people: list[PersonKey | None] = field(default_factory=list)
    tags: list[tuple[str, ...]] = field(default_factory=list)
    converted: int = 0
    lost: int = 0


class Creator:
    """Completes rows; knows the office's rules as one transaction saw them."""

    def __init__(self, tx: ReadTx) -> None:
        self._tx = tx
        self._catalog, self._actor = tx.catalog, tx.actor
        self._default = tx.catalog.default_pipeline
        self._source = default_source(tx)
        self._usual = {
            None, *(s.id for s in tx.catalog.stages if s.is_active and not s.is_converted and not s.is_lost)
        }  # fmt: skip
        self._bases: dict[tuple[int, int | None], dict[str, Any]] = {}
        self._needed: dict[int, tuple[str, ...]] = {}
        self._required: dict[tuple[Any, ...], Invalid | None] = {}
        self._owner = tx.actor.user_id if tx.actor.scope("read") in {"own", "team"} else None
        self._may_assign = tx.actor.may("assign")
        self._scoring = ruleset(tx)
        self._branch = tx.actor.branch_id if tx.actor.scope("create") == "branch" else None

    def check(self, row: Prepared) -> None:
        """Add to the row's errors what keeps it from becoming a lead."""
        if row.errors and any(
            error.field is None for error in row.errors
        ):  # not readable: nothing can be said of its cells
            return
        columns = row.columns
        pipeline_id = columns.get("pipeline_id", self._default.id)
        needed = self._needed.get(pipeline_id) or self._needs(pipeline_id)
        pattern = (pipeline_id, *[_given(columns.get(name)) for name in needed])
        if pattern not in self._required:
            self._required[pattern] = self._missing(pipeline_id, columns)
        missing = self._required[pattern]
        if missing is not None and not any(e.field == missing.field for e in row.errors):
            row.fail(missing)
        if columns.get("stage_id") not in self._usual:
            self._check_stage(row, self._catalog.stage_by_id[columns["stage_id"]])
        owner = columns.get("assigned_to_id")
        if owner not in (None, self._actor.user_id) and not self._may_assign:
            row.errors.append(RowError(row.record.line, "assigned_to", "you may not assign leads to others",
                                       "leave it out: a lead you add is yours"))  # fmt: skip
        if self._branch is not None and columns.get("branch_id") not in (None, self._branch):
            row.errors.append(RowError(row.record.line, "branch", "you may add leads only to your own branch"))

    def _needs(self, pipeline_id: int) -> tuple[str, ...]:
        """The columns that decide whether a required field is missing."""
        rules = self._catalog.pipeline_by_id[pipeline_id].field_rules
        keys = {"name", "phone", "email"} | {key for key, rule in rules.items() if rule.rule == "required"}
        keys |= {rule.visible_if for rule in rules.values() if rule.visible_if}
        found = tuple(_COLUMN_OF.get(key) or BY_KEY[key].column or key for key in sorted(keys) if key in BY_KEY)
        self._needed[pipeline_id] = found
        return found

    def _missing(self, pipeline_id: int, columns: dict[str, Any]) -> Invalid | None:
        """What the pipeline requires and rows of this shape lack; asked once a shape."""
        given = {BY_COLUMN[c].key: "yes" for c, v in columns.items() if c in BY_COLUMN and _given(v)}
        given |= {key: "yes" for key, column in _COLUMN_OF.items() if _given(columns.get(column))}
        try:
            require_fields(self._catalog.pipeline_by_id[pipeline_id], given)
        except Invalid as error:
            return error
        return None

    def _check_stage(self, row: Prepared, stage: Stage) -> None:
        """A file may bring leads that were converted or lost long ago, from whoever may convert and lose."""
        action = "convert" if stage.is_converted else "lose" if stage.is_lost else None
        if action is not None and not self._actor.may(action):
            row.errors.append(RowError(row.record.line, "status", f"a new lead cannot begin as '{stage.name}'",
                                       f"it needs the permission '{action}'"))  # fmt: skip
        elif not stage.is_active:
            row.errors.append(RowError(row.record.line, "status", f"the status '{stage.name}' is no longer used"))

    def new_leads(self, rows: Sequence[Prepared], decision: Decision, *, overwrite: bool) -> Creation:
        """The leads to be made, with what later rows of the file add to them."""
        made = Creation()
        for index in decision.create:
            row = rows[index]
            for other in decision.merge.get(index, ()):
                row = _merged(row, rows[other], overwrite=overwrite)
            made.people.append(_person(row.columns))
            made.tags.append(row.tags)
            lead = NewLead(self._columns(row, made), row.record.line, custom=row.custom or {})
            self._score(lead, row.tags, made.people[-1])
            made.leads.append(lead)
        return made

    def _score(self, lead: NewLead, tags: Sequence[str], person: PersonKey | None) -> None:
        """What the rules give it; a lead begins in its status, and nobody called it yet."""
        columns = lead.columns
        stage = self._catalog.stage_by_id[columns["stage_id"]]
        furthest = stage.id if stage.is_step else None
        had = {"has_router": False, "is_protected": False, **columns, "furthest_stage_id": furthest}
        facts = self._scoring.maker.make(
            had, at=self._tx.now, tags=map(tag_key, tags),
            custom={fold(key): value for key, value in lead.custom.items() if value},
            brought_in_by=person_key(person[0]) if person is not None else None,
        )  # fmt: skip
        columns.update(score_columns(self._scoring, self._tx, columns["pipeline_id"], facts))

    def _columns(self, row: Prepared, made: Creation) -> dict[str, Any]:
        given = row.columns
        columns = self._base(given.get("pipeline_id", self._default.id), given.get("stage_id"))
        columns.update(given)
        columns.pop(PERSON_NAME, None)
        columns.pop(PERSON_PHONE, None)
        if columns["assigned_to_id"] is None:
            columns["assigned_to_id"] = self._owner
        if columns["assigned_to_id"] is not None:
            columns["assigned_at"] = self._tx.now
        if row.history or columns["stage_id"] not in self._usual:
            self._past(columns, row.history or {}, made)
        columns.update(derived_columns(columns, number="", phone_unique=self._catalog.phone_unique))
        return columns

    def _base(self, pipeline_id: int, stage_id: int | None) -> dict[str, Any]:
        """A copy of what all leads have that begin in this status."""
        base = self._bases.get((pipeline_id, stage_id))
        if base is None:
            by_id = self._catalog.stage_by_id
            stage = self._catalog.default_stage(pipeline_id) if stage_id is None else by_id[stage_id]
            now, by = self._tx.now, self._actor.user_id
            base = {
                "pipeline_id": pipeline_id, "stage_id": stage.id, "probability": stage.probability,
                "source_id": self._source, "branch_id": self._actor.branch_id, "assigned_to_id": None,
                "stage_changed_at": now, "created_by_id": by, "updated_by_id": by, "created_at": now, "updated_at": now,
            }  # fmt: skip
            self._bases[pipeline_id, stage_id] = base
        return base.copy()

    def _past(self, columns: dict[str, Any], history: dict[str, Any], made: Creation) -> None:
        """What a file tells of the time before leadtui."""
        stage = self._catalog.stage_by_id[columns["stage_id"]]
        since: datetime = history.get("created_at", self._tx.now)
        columns["created_at"] = columns["stage_changed_at"] = since
        if stage.is_converted:
            made.converted += 1
            columns["converted_at"] = columns["stage_changed_at"] = history.get("converted_at", since)
            columns["converted_by_id"] = self._actor.user_id
            columns["conversion_notes"] = history.get("conversion_notes")
        elif stage.is_lost:
            made.lost += 1
            why = history.get("lost_reason") or "imported as lost"
            counted = self._catalog.find_lost_reason(why)
            columns |= {"lost_at": since, "lost_note": why, "lost_reason_id": counted.id if counted else None}


def _merged(row: Prepared, later: Prepared, *, overwrite: bool) -> Prepared:
    """A row with what a later row of the same person adds to its blanks, or overwrites."""
    low, high = (row, later) if overwrite else (later, row)
    return Prepared(
        row.record, {**low.columns, **high.columns}, tuple(dict.fromkeys((*row.tags, *later.tags))),
        {**(low.custom or {}), **(high.custom or {})}, {**(low.history or {}), **(high.history or {})},
    )  # fmt: skip


def _person(columns: dict[str, Any]) -> PersonKey | None:
    name, phone = columns.get(PERSON_NAME), columns.get(PERSON_PHONE)
    if name is None and phone is None:
        return None
    shown = str(name or (phone or ("", ""))[1])
    return shown, fold(shown), phone


def settle(tx: WriteTx, made: Creation) -> None:
    """Give the new leads the ids of their people and tags, making those that are new."""
    wanted = list(dict.fromkeys(p for p in made.people if p is not None))
    ids = dict(zip(wanted, people(tx, wanted), strict=True)) if wanted else {}
    names = {name for tags in made.tags for name in tags}
    tag_by_name = tag_ids(tx, sorted(names)) if names else {}
    for lead, person, tags in zip(made.leads, made.people, made.tags, strict=True):
        if person is not None:
            lead.referrer_id = ids[person]
        lead.tag_ids = tuple(dict.fromkeys(tag_by_name[name] for name in tags))
