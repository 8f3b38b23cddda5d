"""Whom something that came in from elsewhere belongs to: the house's rules for duplicates, decided without a person.

1. An identity paper (national id, passport), else a phone (first or second), else an email that is equal to that of a
   live lead names it. Deleted leads are not looked at.
2. Where the office shares phones (`phone_unique` off) a phone counts only if the names do not contradict it.
3. A lead that has another identity paper of the same kind is somebody else.
4. A paper and a phone that name two leads, or several leads equal in all this, are for a person to decide. Of several
   the one of that name is taken, else the only one that is neither converted nor lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select

from leadtui.domain.fields import BY_KEY
from leadtui.errors import Duplicate, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import fold

from .duplicates import hit_of
from .lead_values import ValueContext, parse_value

PAPERS: Final = ("national_id", "passport")
_MOST: Final = 20
"""So many leads of one phone or email are looked at: more is a shared one, and for a person to decide."""

Row = Mapping[Any, Any]


def find_lead(tx: ReadTx, values: Mapping[str, str | None]) -> Row | None:
    """The live lead that `values` (key of a field → text) mean, None when there is none.

    Raises Invalid for a value that cannot be read, Duplicate for a lead that the actor may not see, Refused (code
    `several_leads`).
    """
    keys = _Keys(tx, values)
    for key in PAPERS:
        if keys.norm[key]:
            keys.look("paper", key, t.lead.c[f"{key}_norm"], keys.norm[key])
    for key, e164 in keys.phones.items():
        for column in (t.lead.c.phone_e164, t.lead.c.alt_phone_e164):
            keys.look("phone", key, column, e164)
    if keys.email:
        keys.look("email", "email", t.lead.c.email_norm, keys.email)
    by_paper, by_phone = keys.found["paper"], keys.found["phone"]
    if by_paper and by_phone and not by_paper.keys() & by_phone.keys():
        raise _several(tx, [*by_paper.values(), *by_phone.values()])
    found = by_paper or by_phone or keys.found["email"]
    if by_paper and len(by_paper.keys() & by_phone.keys()) == 1:
        found = {row_id: row for row_id, row in by_paper.items() if row_id in by_phone}
    rows = list(found.values())
    chosen = rows[0] if len(rows) == 1 else _only(tx, rows, values.get("name"))
    if chosen is None:
        return None
    if not tx.actor.may_on("read", assigned_to_id=chosen["assigned_to_id"], branch_id=chosen["branch_id"]):
        key = keys.key_of[chosen["id"]]
        hit = hit_of(tx, chosen, BY_KEY[key].label.lower(), key)
        raise Duplicate(hit.sentence, field=key, hint="ask its owner, or a supervisor")
    return chosen


class _Keys:
    """The values by which a lead is known, normalised, and the leads that have them."""

    def __init__(self, tx: ReadTx, values: Mapping[str, str | None]) -> None:
        ctx = ValueContext(tx.catalog, tx.actor, tx.now, tx.catalog.default_pipeline.id)
        self._tx = tx
        self.name = fold(values.get("name") or "").strip()
        self.norm = {key: parse_value(BY_KEY[key], values.get(key), ctx)[f"{key}_norm"] for key in PAPERS}
        phones = {key: parse_value(BY_KEY[key], values.get(key), ctx)[f"{key}_e164"] for key in ("phone", "alt_phone")}
        self.phones: dict[str, str] = {key: e164 for key, e164 in phones.items() if e164}
        self.email = parse_value(BY_KEY["email"], values.get("email"), ctx)["email_norm"]
        self.found: dict[str, dict[int, Row]] = {"paper": {}, "phone": {}, "email": {}}
        self.key_of: dict[int, str] = {}

    def look(self, kind: str, key: str, column: Any, value: str) -> None:
        """Find the live leads with this value, but those that are somebody else."""
        lead = t.lead.c
        query = select(t.lead).where(column == value, lead.deleted_at.is_(None)).order_by(lead.id).limit(_MOST)
        for row in self._tx.conn.execute(query).mappings():
            if not self._is_somebody_else(row, kind):
                self.found[kind].setdefault(row["id"], row)
                self.key_of.setdefault(row["id"], key)

    def _is_somebody_else(self, row: Row, kind: str) -> bool:
        if any(self.norm[key] and row[f"{key}_norm"] not in (None, self.norm[key]) for key in PAPERS):
            return True
        shares = kind == "phone" and self._tx.catalog.phone_unique == "off"
        return bool(shares and self.name and row["name"] and fold(row["name"]).strip() != self.name)


def _only(tx: ReadTx, rows: list[Row], name: str | None) -> Row | None:
    """The one of several that is meant. Raises Refused when that is not clear."""
    if not rows:
        return None
    same = [row for row in rows if name and row["name"] and fold(row["name"]).strip() == fold(name).strip()]
    some = same or rows
    stages = tx.catalog.stage_by_id
    still_open = [r for r in some if not (stages[r["stage_id"]].is_converted or stages[r["stage_id"]].is_lost)]
    for choice in (some, still_open):
        if len(choice) == 1:
            return choice[0]
    raise _several(tx, rows)


def _several(tx: ReadTx, rows: list[Row]) -> Refused:
    seen = [
        str(row["number"])
        for row in {row["id"]: row for row in rows}.values()
        if tx.actor.may_on("read", assigned_to_id=row["assigned_to_id"], branch_id=row["branch_id"])
    ]
    hidden = len({row["id"] for row in rows}) - len(seen)
    names = ", ".join(seen[:5]) + (f" and {hidden} that you may not see" if hidden else "")
    return Refused(
        f"several leads match: {names.removeprefix(' and ')}", code="several_leads", field="lead",
        hint="say which one is meant",
    )  # fmt: skip
