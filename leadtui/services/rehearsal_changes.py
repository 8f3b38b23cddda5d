"""Rules as they would be after a change that is only tried: rows in memory, checked as if they were saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from leadtui.errors import Invalid, NotFound
from leadtui.store.unit_of_work import ReadTx

from .rehearsal_records import Candidate, Change
from .rule_rows import Row, RuleTable

Draft = Callable[[ReadTx, Mapping[str, str | None], Any], dict[str, Any]]
ACTS: Final = ("add", "edit", "enable", "disable", "switch", "remove")


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between rules of scores and of assignment.

    `find` names the id of a rule, `draft` checks texts (on a row, or for a new rule), `words` say what a row does.
    """

    find: Callable[[str], Row]
    draft: Callable[[Mapping[str, str], Row | None], dict[str, Any]]
    words: Callable[[Row], str]

    @classmethod
    def of(cls, tx: ReadTx, rules: RuleTable, pipeline: str, draft: Draft, words: Callable[[Row], str]) -> Kind:
        """The rules of a table; a new one is for the pipeline that is rehearsed, unless it says another."""

        def drafted(values: Mapping[str, str], base: Row | None) -> dict[str, Any]:
            given = values if base is not None or "pipeline" in values else {**values, "pipeline": pipeline}
            return draft(tx, given, base)

        return cls(lambda ref: rules.find(tx, ref, pipeline), drafted, words)


@dataclass(frozen=True, slots=True)
class Trial:
    """A list of rules that is tried: those of now with some changes, in their order, inactive ones among them."""

    label: str
    words: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def active(self) -> tuple[Row, ...]:
        """The rules that count."""
        return tuple(row for row in self.rows if row["is_active"])


def trials(rows: Sequence[Row], changes: Sequence[Change | Candidate], kind: Kind) -> tuple[Trial, ...]:
    """One trial per candidate; without any, each active rule left out and each inactive one let in.

    Raises Invalid, FilterError, NotFound as saving such a change would.
    """
    if not changes:
        return tuple(_switched(rows, row, kind) for row in rows)
    return tuple(_trial(rows, one, kind, place) for place, one in enumerate(changes))


def _switched(rows: Sequence[Row], row: Row, kind: Kind) -> Trial:
    changed, words = _after(rows, Change("switch", row["id"]), kind, 0)
    return Trial(f"{'without' if row['is_active'] else 'with'} {row['name']}", (words,), changed)


def _trial(rows: Sequence[Row], one: Change | Candidate, kind: Kind, place: int) -> Trial:
    changes = one.changes if isinstance(one, Candidate) else (one,)
    if not changes:
        raise Invalid("nothing is changed", field="changes", hint="say what to add, edit, enable or disable")
    now: tuple[Row, ...] = tuple(rows)
    words: list[str] = []
    for step, change in enumerate(changes):
        now, said = _after(now, change, kind, place * 1_000 + step)
        words.append(said)
    label = one.label if isinstance(one, Candidate) and one.label.strip() else "; ".join(words)
    return Trial(label, tuple(words), now)


def _after(rows: Sequence[Row], change: Change, kind: Kind, number: int) -> tuple[tuple[Row, ...], str]:
    """The rules after one change, and the change in words. What is new has a negative id: it is like no other."""
    if change.act not in ACTS:
        raise Invalid(f"'{change.act}' is no change of a rule", field="act", hint="one of: " + ", ".join(ACTS))
    if change.act == "add":
        made = kind.draft(change.values, None)
        made["id"] = -1 - number
        return _ordered([*rows, made]), f"+ {made['name']}: {kind.words(made)}"
    row = _found(rows, change, kind)
    others = [one for one in rows if one["id"] != row["id"]]
    match change.act:
        case "remove":
            return tuple(others), f"- {row['name']}"
        case "edit":
            made = kind.draft(change.values, row)
            before, after = kind.words(row), kind.words(made)
            said = f"{before} → {after}" if before != after else f"{after}, place {row['order']} → {made['order']}"
            return _ordered([*others, made]), f"{made['name']}: {said}"
        case _:
            on = change.act == "enable" if change.act != "switch" else not row["is_active"]
            switched = {**row, "is_active": on}
            return _ordered([*others, switched]), f"{row['name']} {'on' if switched['is_active'] else 'off'}"


def _found(rows: Sequence[Row], change: Change, kind: Kind) -> Row:
    named = kind.find(str(change.rule if change.rule is not None else ""))
    for row in rows:
        if row["id"] == named["id"]:
            return row
    raise NotFound(f"the rule '{named['name']}' is not one of this pipeline", field="rule", hint="--pipeline NAME")


def _ordered(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (row["order"], row["id"] < 0, abs(row["id"]))))
