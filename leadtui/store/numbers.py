"""Lead numbers `LD-YYYYMM-XXXX`, drawn inside the insert's own transaction (spec §D)."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from . import schema as t
from .unit_of_work import WriteTx


def draw(tx: WriteTx, count: int = 1) -> list[str]:
    """The next `count` numbers of the present month (office time). Numbers are never reused, deleted or not.

    The counter's row is locked until the transaction ends, so two processes can never draw the same number; one that
    was drawn and rolled back is drawn again by the next.
    """
    prefix = str(tx.catalog.settings.get("number_prefix", "LD"))
    local = tx.now.astimezone(tx.catalog.tz)
    period = "%Y" if tx.catalog.settings.get("number_period", "month") == "year" else "%Y%m"
    stem = f"{prefix}-{local.strftime(period)}"
    last = _advance(tx, f"lead:{stem}", count)
    return [f"{stem}-{n:04d}" for n in range(last - count + 1, last + 1)]


def _advance(tx: WriteTx, key: str, count: int) -> int:
    c = t.counter.c
    step = update(t.counter).where(c.key == key).values(value=c.value + count)
    if not tx.conn.execute(step).rowcount:
        try:
            with tx.conn.begin_nested():
                tx.conn.execute(t.counter.insert().values(key=key, value=0))
        except IntegrityError:  # PostgreSQL: another process opened the month in the same instant
            pass
        tx.conn.execute(step)
    return int(tx.conn.execute(select(c.value).where(c.key == key)).scalar_one())
