"""The same act on many leads: preview with count, examples and refusals → one batch → one undo (spec §X)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from leadtui.domain.fields import BY_KEY
from leadtui.domain.records import BulkResult, Refusal
from leadtui.errors import LeadtuiError, UsageError
from leadtui.store import leads as queries
from leadtui.store.leads import Order
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import lead_writes as w
from .activities import LogEntry, add_follow_up_row, log_row
from .assignment import assignment
from .lead_values import ValueContext, parse_value, split_values
from .leads import as_filter, edit_row
from .lifecycle import delete_row, interest_row, protect_row, restore_row, retag_row, unprotect_row
from .office import Office
from .routing import Desk, is_auto
from .status import lose_row, reopen_row, set_status_row

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Target:
    """Which leads: those marked, or all that a filter finds."""

    ids: tuple[int, ...] = ()
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What to do with each of them; several parts are done in this order, all or none per lead."""

    set: Mapping[str, str | None] = field(default_factory=dict)
    status: str | None = None
    reason: str | None = None
    lose: str | None = None
    reopen: str | None = None
    assign: str | None = None
    tag: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    interest: tuple[str, ...] = ()
    uninterest: tuple[str, ...] = ()
    log: LogEntry | None = None
    follow_up: str | None = None
    follow_up_subject: str | None = None
    protect: str | None = None
    unprotect: bool = False
    delete: bool = False
    restore: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not self.parts

    @property
    def parts(self) -> list[str]:
        """What is asked for, by name. A reason alone is nothing."""
        about = {"reason", "follow_up_subject"}
        return [f.name for f in fields(self) if f.name not in about and getattr(self, f.name)]

    @property
    def kind(self) -> str:
        """The kind of the batch."""
        parts = self.parts
        return parts[0] if len(parts) == 1 and parts[0] in {"status", "assign", "delete", "restore"} else "bulk"

    @property
    def label(self) -> str:
        """The act in words."""
        words: list[str] = []
        if self.set:
            words.append("set " + ", ".join(f"{k}={v or ''}" for k, v in self.set.items()))
        for name, text in (("status", "status {}"), ("assign", "assign {}"), ("follow_up", "follow-up {}")):
            if getattr(self, name):
                words.append(text.format(getattr(self, name)))
        for name, text in (
            ("tag", "tag {}"),
            ("untag", "untag {}"),
            ("interest", "interest {}"),
            ("uninterest", "no interest {}"),
        ):
            if getattr(self, name):
                words.append(text.format(", ".join(getattr(self, name))))
        words += [n for n in ("lose", "reopen", "log", "protect", "unprotect", "delete", "restore") if getattr(self, n)]
        return " · ".join(words)[:255]


def ids_of(tx: ReadTx, office: Office, target: Target, *, deleted: bool = False) -> list[int]:
    """The leads of a target, in scope, oldest first."""
    if target.where is not None:
        node = as_filter(office, target.where)
        if deleted:
            node = as_filter(office, f"is:deleted ({target.where})" if target.where.strip() else "is:deleted")
        return queries.page_ids(tx, node, Order("id", descending=False), limit=None)
    return [w.resolve(tx, i, deleted=deleted) for i in dict.fromkeys(target.ids)]


def preview(office: Office, target: Target, act: Act) -> BulkResult:
    """What `apply` would do: the count, up to ten examples as they would become, and every refusal with its reason."""
    return _run(office, target, act, dry_run=True)


def apply(
    office: Office,
    target: Target,
    act: Act,
    *,
    should_stop: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> BulkResult:
    """Do the act on each lead that allows it, as one batch; the others are named with the reason.

    `should_stop` ends it before the next lead: then nothing at all is kept.
    """
    return _run(office, target, act, dry_run=False, should_stop=should_stop, on_progress=on_progress)


_ACTIONS: Final = {
    "set": "edit", "status": "status", "assign": "assign", "lose": "lose", "log": "log", "delete": "delete",
}  # fmt: skip
"""What a part of an act needs: who may do that nowhere is refused at once, not lead by lead."""


class _NothingKept(Exception):
    """Leaves a transaction without keeping what was done in it."""


def _run(
    office: Office,
    target: Target,
    act: Act,
    *,
    dry_run: bool,
    should_stop: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> BulkResult:
    if act.is_empty:
        raise UsageError("nothing to do", hint="say what to set, assign, tag …")
    result: BulkResult | None = None
    try:
        with office.write() as tx:
            if not (act.kind in {"delete", "restore", "assign"} and len(target.ids) == 1):
                w.require(tx, "bulk")
            refuse_unknown(tx, act)
            tx.open_batch(act.kind, act.label)
            ids = ids_of(tx, office, target, deleted=act.restore)  # first: what is out of sight is not there
            for action in (_ACTIONS[part] for part in act.parts if part in _ACTIONS):
                w.require(tx, action)
            result = _each(tx, ids, act, should_stop, on_progress, dry_run=dry_run)
            if dry_run or result.changed == 0:
                raise _NothingKept
    except _NothingKept:
        assert result is not None  # noqa: S101 - set before the only raise
        return BulkResult(result.matched, result.changed, result.refused, None, result.examples, dry_run=dry_run)
    return result


def refuse_unknown(tx: ReadTx, act: Act) -> None:
    """What names nothing at all is refused as a whole, before any lead is looked at. Raises Invalid with its field.

    A status may stand in some pipelines only: which leads have it is said lead by lead.
    """
    ctx = ValueContext(tx.catalog, tx.actor, tx.now, tx.catalog.default_pipeline.id)
    named = {f: text for f, text in split_values(act.set)[0].items() if f.kind == "lookup"}
    named |= {BY_KEY[key]: text for key, text in (("status", act.status), ("assigned_to", act.assign)) if text}
    for field_, text in named.items():
        somewhere = field_.key == "status" and tx.catalog.find_stages(text or "")
        chosen_later = field_.key == "assigned_to" and is_auto(text)
        if not somewhere and not chosen_later:
            parse_value(field_, text, ctx)
    for name in (*act.interest, *act.uninterest):
        tx.catalog.find_product(name, field="interest")


def _each(
    tx: WriteTx,
    ids: list[int],
    act: Act,
    should_stop: Callable[[], bool] | None,
    on_progress: Callable[[int, int], None] | None,
    *,
    dry_run: bool,
) -> BulkResult:
    changed: list[int] = []
    refused: list[Refusal] = []
    gives = is_auto(act.assign) or is_auto(act.set.get("assigned_to"))
    desk = Desk(tx, ids) if gives else None  # its lock comes before those of the leads
    rows = w.load_many(tx, ids)
    for done, row in enumerate(rows, 1):
        if should_stop is not None and should_stop():
            raise UsageError("stopped: nothing was changed", code="stopped")
        try:
            if _one(tx, row, act, desk):
                changed.append(row["id"])
        except LeadtuiError as error:
            if desk is not None:
                desk.forget(row["id"])
            refused.append(Refusal(row["id"], row["number"], error.message, error.code))
        if on_progress is not None and (done % 50 == 0 or done == len(rows)):
            on_progress(done, len(rows))
    tx.flush()
    examples = tuple(queries.rows_unscoped(tx, changed[:EXAMPLES]))
    return BulkResult(len(rows), len(changed), tuple(refused), tx.batch_id, examples)


def _one(tx: WriteTx, row: Mapping[Any, Any], act: Act, desk: Desk | None) -> bool:
    """Every part of the act on one lead, or nothing of it: a refusal half-way leaves no trace of this lead."""
    savepoint = act_needs_savepoint(act)
    if savepoint:
        tx.flush()  # what waits for the leads before must not be written, and lost, inside this lead's savepoint
    mark = tx.mark()
    with tx.conn.begin_nested() if savepoint else _no_savepoint():
        try:
            return _parts(tx, row, act, desk)
        except LeadtuiError:
            tx.back_to(mark)
            raise


def act_needs_savepoint(act: Act) -> bool:
    """Whether a part may write at once, before a later part refuses. A plain status or assignment only waits."""
    at_once = {"set", "tag", "untag", "interest", "uninterest", "log", "follow_up"}
    return len(act.parts) > 1 or not at_once.isdisjoint(act.parts)


class _no_savepoint:  # noqa: N801 - stands where a context manager function stands
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _parts(tx: WriteTx, row: Mapping[Any, Any], act: Act, desk: Desk | None) -> bool:
    touched = False
    current = row

    def again() -> Mapping[str, Any]:
        tx.flush()
        return w.load(tx, row["id"])

    steps: list[tuple[object, Callable[[Mapping[str, Any]], bool]]] = [
        (act.restore, lambda r: bool(restore_row(tx, r).changed)),
        (act.set, lambda r: _set(tx, r, act, desk)),
        (act.status, lambda r: _status(tx, r, act)),
        (act.lose, lambda r: _lose(tx, r, act.lose or "")),
        (act.reopen, lambda r: _reopen(tx, r, act.reopen or "")),
        (act.assign, lambda r: _assign(tx, r, act, desk)),
        (act.tag or act.untag, lambda r: _tags(tx, r, act)),
        (act.interest, lambda r: _interest(tx, r, act.interest, remove=False)),
        (act.uninterest, lambda r: _interest(tx, r, act.uninterest, remove=True)),
        (act.log, lambda r: log_row(tx, r, act.log or LogEntry("note")) is not None),
        (
            act.follow_up,
            lambda r: add_follow_up_row(tx, r, act.follow_up or "", subject=act.follow_up_subject) is not None,
        ),
        (act.protect, lambda r: bool(protect_row(tx, r, act.protect or "").changed)),
        (act.unprotect, lambda r: bool(unprotect_row(tx, r).changed)),
        (act.delete, lambda r: _delete(tx, r, act.reason)),
    ]
    wanted = [step for asked, step in steps if asked]
    for index, step in enumerate(wanted):
        if index:
            current = again()
        touched = step(current) or touched
    return touched


def _set(tx: WriteTx, row: Mapping[Any, Any], act: Act, desk: Desk | None) -> bool:
    w.allow(tx, row, "edit")
    return bool(edit_row(tx, row, act.set, desk=desk, plans=act.follow_up is None)[0])


def _assign(tx: WriteTx, row: Mapping[Any, Any], act: Act, desk: Desk | None) -> bool:
    told = assignment(tx, row, act.assign, desk=desk, plans=act.follow_up is None)
    return bool(w.change(tx, row, told.columns, "assign", extra_after=told.extra))


def _status(tx: WriteTx, row: Mapping[Any, Any], act: Act) -> bool:
    w.allow(tx, row, "status")
    return bool(set_status_row(tx, row, act.status or "", reason=act.reason).changed)


def _lose(tx: WriteTx, row: Mapping[Any, Any], reason: str) -> bool:
    w.allow(tx, row, "lose")
    return bool(lose_row(tx, row, reason).changed)


def _reopen(tx: WriteTx, row: Mapping[Any, Any], reason: str) -> bool:
    w.allow(tx, row, "reopen")
    return bool(reopen_row(tx, row, reason).changed)


def _tags(tx: WriteTx, row: Mapping[Any, Any], act: Act) -> bool:
    w.allow(tx, row, "edit")
    return bool(retag_row(tx, row, add=act.tag, remove=act.untag).changed)


def _interest(tx: WriteTx, row: Mapping[Any, Any], names: tuple[str, ...], *, remove: bool) -> bool:
    w.allow(tx, row, "edit")
    return bool(interest_row(tx, row, names, remove=remove).changed)


def _delete(tx: WriteTx, row: Mapping[Any, Any], reason: str | None) -> bool:
    w.allow(tx, row, "delete")
    return bool(delete_row(tx, row, reason).changed)
