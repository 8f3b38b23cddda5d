"""What a rule about behaviour does with a lead when it goes off (spec §S, AJ27). Each answers what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import select, update

from leadtui.domain.triggers import TriggerItem
from leadtui.errors import Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import WriteTx

from . import automatic, drip_enrolling, drip_rows, scoring
from .lifecycle import retag_row
from .notifying import notify
from .whom import to_tell

Row = Mapping[Any, Any]


def carry_out(tx: WriteTx, item: TriggerItem, lead: Row, run_id: int) -> str:
    """Do what the rule says with this locked lead; answers the words of its log. Raises what cannot be done."""
    return _ACTIONS[item.action](tx, item, lead, run_id)


def _because(item: TriggerItem, run_id: int) -> dict[str, Any]:
    return {"trigger": item.key, "run": run_id}


def _message(tx: WriteTx, item: TriggerItem, lead: Row, run_id: int) -> str:
    """Write to the lead; where the office cannot, or a value is missing, a person is asked to."""
    p = item.params
    by = automatic.way(tx, p.get("channel") or "whatsapp", lead, purpose="trigger")
    if by.reason not in {None, automatic.NO_CHANNEL, "no_address"}:
        return f"not written: {by.words}"
    text = automatic.text_of(tx, lead, body=p.get("body"), subject=p.get("text"), template=p.get("template"))
    lacks = ", ".join(f"{{{one}}}" for one in text.missing)
    if p.get("products"):
        offered = automatic.products_for(tx, lead)
        text = text.with_more(offered)
        lacks = lacks or ("" if offered else "products that fit")
    if by.reason is not None or lacks:
        automatic.task_instead(
            tx, lead, by, text, because=_because(item, run_id), to=p.get("to"),
            why=f"{lacks} missing" if lacks else None,
        )  # fmt: skip
        return f"a task instead of a message: {f'{lacks} missing' if lacks else by.words}"
    message_id = automatic.write(tx, lead, by, text, purpose="trigger", dedupe_key=f"t{run_id}")
    return f"message {message_id} by {by.channel}"


def _task(tx: WriteTx, item: TriggerItem, lead: Row, run_id: int) -> str:
    p = item.params
    details = automatic.line_of(tx, lead, p["body"]) if p.get("body") else None
    automatic.task(
        tx, lead, automatic.line_of(tx, lead, p["text"]), details, because=_because(item, run_id), to=p.get("to"),
        delay_minutes=p.get("delay"), context=p.get("context"),
    )  # fmt: skip
    return "task"


def _score(tx: WriteTx, item: TriggerItem, lead: Row, run_id: int) -> str:
    """Points on top of those that rules give, kept whenever the lead is scored anew; its history says for what."""
    points, had, bonus = int(item.params["points"]), lead["score"], lead["score_bonus"]
    column = t.lead.c
    tx.conn.execute(update(t.lead).where(column.id == lead["id"]).values(score_bonus=column.score_bonus + points))
    scoring.rescore(tx, [lead["id"]])
    now = tx.conn.execute(select(column.score, column.score_bonus).where(column.id == lead["id"])).one()
    after = {"score": now.score, "score_bonus": now.score_bonus, **_because(item, run_id)}
    tx.audit("score", "lead", lead["id"], {"score": had, "score_bonus": bonus}, after)
    return f"score {points:+d}: {had or 0} → {now.score or 0}"


def _enroll(tx: WriteTx, item: TriggerItem, lead: Row, run_id: int) -> str:
    drip = drip_rows.find(tx, str(item.params["drip"]))
    if drip["status"] != "active":
        raise Refused(f"the drip '{drip['name']}' is not running", code="not_running", field="drip")
    steps = drip_rows.steps_of(tx, drip["id"], drip["current_version"])
    fit, refused = drip_enrolling.judged(tx, drip, steps, [lead["id"]], again=False)
    drip_enrolling.insert(tx, drip, steps, fit, batch_id=None, by_hand=False)
    return f"into {drip['key']}" if fit else f"not into {drip['key']}: {refused[0]['error'] if refused else 'no lead'}"


def _notify(tx: WriteTx, item: TriggerItem, lead: Row, run_id: int) -> str:
    """Tell people; the notice calls the lead by its number, for its reader may not see the name."""
    words = automatic.line_of(tx, {**lead, "name": None}, item.params["text"])
    told = [
        user_id
        for user_id in to_tell(tx, lead, item.params.get("to"))
        if notify(tx, user_id, "trigger", f"trigger:{run_id}", words, lead_id=lead["id"])
    ]
    users = tx.catalog.user_by_id
    return "told " + (", ".join(users[i].login for i in told) or "nobody")


def _tag(tx: WriteTx, item: TriggerItem, lead: Row, run_id: int) -> str:
    changed = retag_row(tx, lead, add=[str(item.params["tag"])]).changed
    return f"tag {item.params['tag']}" + ("" if changed else " (it had it)")


_ACTIONS: Final[Mapping[str, Callable[[WriteTx, TriggerItem, Row, int], str]]] = {
    "message": _message, "task": _task, "score": _score, "enroll": _enroll, "notify": _notify, "tag": _tag,
}  # fmt: skip
