"""One try to place what came in: its lead found or made, and everything that belongs to it written (spec §O 123, 124).

Used by `services.intake` inside its transaction; nothing here begins or ends one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from leadtui.domain.dates import day_bounds, local_day
from leadtui.domain.fields import BY_KEY
from leadtui.domain.records import LeadRow
from leadtui.errors import NotFound
from leadtui.store import lead_detail
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx
from leadtui.text import fold

from . import bookings, events, follow_ups, routing
from . import lead_writes as w
from .intake_matching import find_lead
from .intake_rows import name_of, split_payload
from .lead_adding import create_in
from .lead_editing import edit_row
from .lead_values import ValueContext, custom_value, parse_value, split_values
from .notifying import notify, supervisors_of

_SOURCES: Final = {bookings.KIND: "Booking", "form": "Website"}
"""Where a lead comes from that names no source, by the kind of what came in; else the office's usual source."""
_OWN_RULES: Final = frozenset({"status", "pipeline", "assigned_to"})
"""Fields of a new lead only: one that is there keeps its own."""
_NOT_FILLED: Final = _OWN_RULES | {"source"}


@dataclass(frozen=True, slots=True)
class Item:
    """What is tried. `lead_id`: whose it is, where a person said so."""

    kind: str
    ref: str
    came: dict[str, Any]
    corrected: dict[str, str]
    lead_id: int | None = None

    def payload(self) -> dict[str, Any]:
        """What came, with the corrections in the place of what they correct."""
        names = {name_of(key) for key in self.corrected}
        kept = {key: value for key, value in self.came.items() if name_of(key) not in names}
        return {**kept, **{key: text for key, text in self.corrected.items() if text.strip()}}


@dataclass(frozen=True, slots=True)
class Placed:
    state: Literal["created", "linked"]
    lead: LeadRow
    warnings: tuple[str, ...]


def place(tx: WriteTx, item: Item) -> Placed:
    """Find or make its lead, and write what belongs to it. Raises a LeadtuiError."""
    tx.open_batch("intake", f"{item.kind} {item.ref}")
    values, details, strange = split_payload(item.payload())
    found = w.load(tx, item.lead_id) if item.lead_id is not None else find_lead(tx, values)
    warnings = [f"'{name}' is no field of a lead; it is kept with the {item.kind}" for name in strange]
    if found is None:
        if "source" not in values and (usual := _usual_source(tx, item.kind)):
            values["source"] = usual
        made, more = create_in(tx, values, came_in=True)
        lead = w.load(tx, made.id)
        state: Literal["created", "linked"] = "created"
        warnings += more
    else:
        _check(tx, values, found["pipeline_id"])
        lead = fill(tx, found["id"], values)
        state = "linked"
    news = details if found is None else {**_news(tx, lead, values), **details}
    w.add_activity(
        tx, lead["id"], "note", f"{item.kind} {item.ref} came in"[:255],
        "\n".join(f"{name}: {text}" for name, text in news.items())[:4000] or None,
    )  # fmt: skip
    is_awaited = item.kind == bookings.KIND and bookings.keep(tx, lead["id"], item.ref, {**values, **details})
    is_routed = found is None and routing.takes_new(tx, values.get("assigned_to"), came_in=True)  # who has it knows
    is_own = item.lead_id is not None and lead["assigned_to_id"] == tx.actor.user_id
    if not (is_awaited or is_routed or is_own):
        _hand_over(tx, item, lead, is_new=found is None, has_date=found is None and "follow_up" in values)
    tx.flush()
    touch(tx, lead, w.next_follow_up(tx, lead["id"]))
    events.emit(tx, events.CAME_IN, lead_id=lead["id"], payload={"kind": item.kind, "ref": item.ref, "result": state})
    return Placed(state, w.row_of(tx, lead["id"]), tuple(warnings))


def fill(tx: WriteTx, lead_id: int, given: Mapping[str, str]) -> Mapping[Any, Any]:
    """Fill the blanks of a lead that is there; answers its row as it is then."""
    row = w.load(tx, lead_id)
    if row["deleted_at"] is not None:
        raise NotFound("this lead was deleted a moment ago", field="lead", hint="try again")
    now = lead_detail.field_values(tx, row) | {f"custom.{k}": v for k, v in w.custom_of(tx, lead_id).items()}
    blanks = {k: v for k, v in given.items() if k not in _NOT_FILLED and now.get(k) in (None, "", False, ())}
    if blanks and tx.actor.may_on("edit", assigned_to_id=row["assigned_to_id"], branch_id=row["branch_id"]):
        edit_row(tx, row, blanks, action="intake")
        tx.flush()
    return w.load(tx, lead_id)


def _news(tx: WriteTx, row: Mapping[Any, Any], values: Mapping[str, str]) -> dict[str, str]:
    """What came with it and is not what the lead says: a person should read it."""
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, row["pipeline_id"])
    custom = w.custom_of(tx, row["id"])
    news: dict[str, str] = {}
    for key, text in values.items():
        if key.startswith("custom."):
            if custom.get(key[7:]) != text:
                news[key] = text
            continue
        if key in _OWN_RULES:
            news[BY_KEY[key].label] = text
            continue
        parsed = parse_value(BY_KEY[key], text, ctx)
        columns = {k: v for k, v in parsed.items() if not k.endswith("_raw")}
        if any(k not in row or row[k] != v for k, v in columns.items()):
            news[BY_KEY[key].label] = text
    return news


def _check(tx: WriteTx, values: Mapping[str, str], pipeline_id: int) -> None:
    """A value that cannot be read fails, whether the lead needs it or not. Raises Invalid."""
    fields, custom = split_values(values)
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, pipeline_id)
    for field, text in fields.items():
        if field.key not in _OWN_RULES:
            parse_value(field, text, ctx)
    for name, text in custom.items():
        custom_value(name, text or "")


def _hand_over(tx: WriteTx, item: Item, lead: Mapping[Any, Any], *, is_new: bool, has_date: bool) -> None:
    """A task for the lead's assignee, and a word to them; to those who may assign where nobody has it.

    A new lead that nobody has stands among the unassigned ones by itself.
    """
    owner = lead["assigned_to_id"]
    noun, stage = f"{item.kind} {item.ref}", tx.catalog.stage_by_id[lead["stage_id"]]
    if stage.is_converted:
        words = f"{noun} of a returning customer"
    elif stage.is_lost:
        words = f"{noun} of a lost lead: reopen it?"
    else:
        words = f"{noun} came in: make contact"
    subject = words[:1].upper() + words[1:]
    if (owner is not None or not is_new) and not has_date:
        day = local_day(follow_ups.working_time_for(tx, tx.now, assigned_to_id=owner), tx.catalog.tz)
        w.add_activity(
            tx, lead["id"], "task", subject, scheduled_at=day_bounds(day, tx.catalog.tz)[0], all_day=True,
            completed_at=None, assigned_to_id=owner,
        )  # fmt: skip
    for user_id in (owner,) if owner is not None else supervisors_of(tx, lead):
        if user_id != tx.actor.user_id:
            told = f"{subject} (nobody has the lead)" if owner is None else subject
            notify(tx, user_id, "intake", f"intake:{item.kind}:{item.ref}", told, lead_id=lead["id"])


def touch(tx: WriteTx, row: Mapping[Any, Any], follow_up: Mapping[str, Any]) -> None:
    """Keep the lead's derived dates; a moved follow-up is a change that an editor must know of."""
    if any(row[key] != value for key, value in follow_up.items()):
        w.change(tx, row, {**follow_up, "last_activity_at": tx.now}, "log")
        return
    tx.update_later(t.lead, row["id"], {"last_activity_at": tx.now})
    tx.audit("log", "lead", row["id"], {"last_activity_at": row["last_activity_at"]}, {"last_activity_at": tx.now})


def _usual_source(tx: WriteTx, kind: str) -> str | None:
    wanted = fold(_SOURCES.get(kind, ""))
    return next((s.name for s in tx.catalog.sources if s.is_active and fold(s.name) == wanted), None)
