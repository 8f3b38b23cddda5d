"""What was known of leads at a moment: the facts rules are asked about, as they stood then and never later.

The mapping is that of `score_facts`, made by the same `Maker`, so that a rule cannot know which it is given; where the
pieces come from is told in `past_rows`. Service areas, statuses and rules are those of now: they are the office's, not
the lead's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leadtui.domain.fields import BY_COLUMN
from leadtui.store.unit_of_work import ReadTx

from . import past_rows
from .lead_values import tag_key
from .past_rows import LATER, NO_RECORD
from .score_facts import CHUNK, Maker, people

__all__ = ["LATER", "NO_RECORD", "PastFacts", "at", "read"]

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    **{column: (one.key,) for column, one in BY_COLUMN.items()},
    "lost_reason_id": ("lost_reason",),
    "date_of_birth": ("date_of_birth", "age"),
}
"""The facts that are made of a column, where they are not named like it."""
MORE: Final = ("assigned_to_id", "score_bonus")


@dataclass(frozen=True, slots=True)
class PastFacts:
    """A lead at a moment: its facts, who had it, the points triggers had given it on top.

    `unknown`: the facts that cannot be told as of then; they are empty in `facts`.
    """

    facts: Mapping[str, Any]
    assigned_to_id: int | None
    bonus: int
    unknown: frozenset[str] = frozenset()


def at(tx: ReadTx, moments: Mapping[int, datetime], keys: Collection[str] | None = None) -> dict[int, dict[str, Any]]:
    """The facts of these leads, each at its moment; of `keys`, else all. Those without a past then are not there."""
    return {lead_id: dict(one.facts) for lead_id, one in read(tx, moments, keys)[0].items()}


def read(
    tx: ReadTx, moments: Mapping[int, datetime], keys: Collection[str] | None = None
) -> tuple[dict[int, PastFacts], dict[int, str]]:
    """`at` with what is known beside the facts; and of the other leads why they have no past."""
    maker = Maker(tx.catalog, keys)
    found: dict[int, PastFacts] = {}
    left_out: dict[int, str] = {}
    ids: Sequence[int] = sorted(moments)
    for start in range(0, len(ids), CHUNK):
        some = {lead_id: moments[lead_id] for lead_id in ids[start : start + CHUNK]}
        past = _read(tx, some, maker)
        left_out |= past.left_out
        names = people(tx, [lead.row for lead in past.leads.values()]) if "brought_in_by" in maker.wants else {}
        for lead_id, lead in past.leads.items():
            facts = maker.make(
                lead.row, at=some[lead_id], tags=map(tag_key, lead.tags), custom=lead.custom,
                last_call=lead.last_call, brought_in_by=names.get(lead.row.get("referrer_id")),
            )  # fmt: skip
            found[lead_id] = PastFacts(
                facts,
                lead.row["assigned_to_id"],
                lead.row["score_bonus"] or 0,
                frozenset(key for one in lead.unknown for key in _KEYS.get(one, (one,))),
            )
    return found, left_out


def _read(tx: ReadTx, moments: Mapping[int, datetime], maker: Maker) -> past_rows.Past:
    columns = {*maker.columns, *MORE} | ({"last_call"} & maker.wants)
    beside = maker.all_custom or bool(maker.custom) or "tags" in maker.wants
    return past_rows.read(tx, moments, columns, beside=beside)
