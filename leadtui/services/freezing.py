"""Fixing the audience of a campaign: for every lead a row with the text it gets, or why it gets none (facts §5.1–5.2).

The leads are read in the order of their ids within one read transaction, so that the audience is that of one moment,
and written in small transactions, so that nobody waits long for the database. Every lead leaves a row, so whoever goes
on after a crash begins behind the last one; two that go on at once find out in the transaction, under the lock of the
campaign's row, and one begins anew. Nothing is sent before `frozen_at` is set with the last row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final

from sqlalchemy import func, select, update

from leadtui.channels import registry
from leadtui.domain.campaigns import BROADCAST
from leadtui.domain.templates import literal
from leadtui.store import schema as t
from leadtui.store.many_rows import among
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import messages
from .audience import DUPLICATE, Judged, Look, Texts, acting, stored_node
from .campaign_rows import Row
from .messages import Draft
from .office import Office

Progress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]

FIRST, LEAST, MOST = 500, 100, 1_000
"""So many leads go into one write transaction: at first, and within which bounds that is fitted to the machine."""
GOAL_S: Final = 0.050
"""So long a write transaction may hold the database; another writer waits for it."""


class _MovedOn(Exception):
    """Somebody else has written behind our back, or the campaign is not to be frozen any more."""


@dataclass(slots=True)
class Written:
    """How far it got. `done`: to the end; `leads` were written in this call, `total` is of the whole audience."""

    done: bool = False
    leads: int = 0
    total: int = 0


def freeze(
    office: Office,
    campaign_id: int,
    on_progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    *,
    most: int | None = None,
) -> Written:
    """Write down the audience of a campaign that was started, or what is missing of it; at most `most` leads.

    Raises NotPermitted when whoever started it may no more, Invalid or FilterError when its audience or text names
    something that is gone.
    """
    written = Written()
    while not written.done:
        try:
            _go_on(office, campaign_id, written, on_progress, should_stop, most)
            break
        except _MovedOn:
            if not _is_open(office, campaign_id):
                break
    return written


def _is_open(office: Office, campaign_id: int) -> bool:
    with office.store.read() as tx:
        row = _open_row(tx, campaign_id)
        return row is not None


def _open_row(tx: ReadTx, campaign_id: int) -> Row | None:
    """The campaign, if its audience is to be written down."""
    c = t.campaign.c
    query = select(t.campaign).where(
        c.id == campaign_id, c.status == "active", c.started_at.is_not(None), c.frozen_at.is_(None),
        c.deleted_at.is_(None),
    )  # fmt: skip
    if isinstance(tx, WriteTx):
        query = query.with_for_update()
    return tx.conn.execute(query).mappings().one_or_none()


def _last(tx: ReadTx, campaign_id: int) -> int:
    """The last lead that was written down."""
    m = t.message.c
    query = select(func.max(m.lead_id)).where(m.campaign_id == campaign_id, m.purpose == BROADCAST)
    return int(tx.conn.execute(query).scalar() or 0)


def _go_on(
    office: Office,
    campaign_id: int,
    written: Written,
    on_progress: Progress | None,
    should_stop: ShouldStop | None,
    most: int | None,
) -> None:
    with office.store.read() as plain:
        row = _open_row(plain, campaign_id)
        if row is None:
            return
        options: dict[str, Any] = row["options_json"] or {}
        actor = acting(plain.catalog, options.get("acting") or row["created_by_id"])
    with office.store.read(lambda _: actor) as tx:
        last = _last(tx, campaign_id)
        provider = row["provider_json"]
        texts = Texts.read(row["template"], subject_of(row), provider, actor.hidden_fields)
        look = Look(tx, stored_node(row["criteria_json"], actor), row["channel"], texts)
        upto = options.get("upto")
        if on_progress is not None and not written.total:
            written.total = look.count(upto=upto)
        before = look.count(upto=last) if on_progress is not None and last and not written.leads else 0
        size, waiting = FIRST, list[Judged]()

        def put(some: Sequence[Judged], *, is_end: bool) -> None:
            nonlocal last, size
            drafts = [_draft(row, texts, provider, one) for one in some]
            took = _write(office, campaign_id, drafts, last, actor.user_id, is_end=is_end)
            last = drafts[-1].lead_id or last if drafts else last
            written.leads += len(drafts)
            if on_progress is not None:
                on_progress(min(before + written.leads, written.total), written.total)
            if not tx.is_sqlite:  # there it holds nobody up
                size = MOST
            elif took > GOAL_S:
                size = max(LEAST, size // 2)
            elif took < GOAL_S / 2:
                size = min(MOST, size * 2)

        for chunk in look.chunks(after=last, upto=upto):
            waiting += chunk
            while len(waiting) >= size:
                some, waiting = waiting[:size], waiting[size:]
                put(some, is_end=False)
                if (should_stop is not None and should_stop()) or (most is not None and written.leads >= most):
                    return
        put(waiting, is_end=True)
        written.done = True


def _write(
    office: Office, campaign_id: int, drafts: Sequence[Draft], last: int, user_id: int, *, is_end: bool
) -> float:
    """Write some rows, if nobody wrote behind `last`; answers for how long that held the database, in seconds."""
    with office.store.write(lambda catalog: acting(catalog, user_id), f"{office.origin}:freeze"[:100]) as tx:
        begun = perf_counter()
        if _open_row(tx, campaign_id) is None or _last(tx, campaign_id) != last:
            raise _MovedOn
        messages.enqueue_many(tx, _without_duplicates(tx, drafts))
        columns = {"updated_at": tx.now} | ({"frozen_at": tx.now} if is_end else {})
        tx.conn.execute(update(t.campaign).where(t.campaign.c.id == campaign_id).values(**columns))
    return perf_counter() - begun


def _without_duplicates(tx: WriteTx, drafts: Sequence[Draft]) -> list[Draft]:
    """Whose address stands among the recipients already gets no second message: the row says so."""
    keys = [one.dedupe_key for one in drafts if one.dedupe_key is not None]
    m = t.message.c
    seen = (
        set(tx.conn.execute(select(m.dedupe_key).where(among(m.dedupe_key, keys, sqlite=tx.is_sqlite))).scalars())
        if keys
        else set()
    )
    found: list[Draft] = []
    nothing: dict[str, Any] = {"body": "", "subject": None, "provider_json": None, "attachment_path": None}
    for one in drafts:
        if one.dedupe_key is None:
            found.append(one)
        elif one.dedupe_key in seen:
            found.append(replace(one, dedupe_key=None, state="skipped", reason=DUPLICATE, **nothing))
        else:
            seen.add(one.dedupe_key)
            found.append(one)
    return found


def subject_of(row: Row) -> str | None:
    """The template of the subject, where the channel has one: the campaign's name without another."""
    if not registry.caps(row["channel"]).has_subject:
        return None
    return str(row["subject"] or literal(row["name"]))


def _draft(row: Row, texts: Texts, provider: Any, one: Judged) -> Draft:
    """The message of a lead, or the row that says why it gets none."""
    same = {
        "purpose": BROADCAST, "channel": row["channel"], "campaign_id": row["id"], "lead_id": one.row["id"],
        "address": one.address, "address_key": one.key, "created_by_id": row["created_by_id"],
    }  # fmt: skip
    if one.reason is not None:
        error = "no " + ", ".join(one.missing) if one.missing else None
        return Draft(**same, state="skipped", reason=one.reason, error=error)
    body, subject, params = texts.render(one.values, provider)
    key = f"c{row['id']}:{one.key}"[:120]
    return Draft(
        **same, body=body, subject=subject, provider_json=params, attachment_path=row["attachment_path"], dedupe_key=key
    )
