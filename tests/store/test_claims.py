"""Claims: each row is one process's, in order, never more than asked for."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from sqlalchemy import select

from leadtui.services import events
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.claims import claim

OPEN = t.event.c.handled_at.is_(None)


def make(office: Office, count: int) -> list[int]:
    with office.as_system() as tx:
        return [events.emit(tx, events.CONVERTED, lead_id=None) for _ in range(count)]


def test_in_order_and_no_more_than_the_limit(office: Office) -> None:
    """On a table whose statistics are fresh, where an IN (SELECT … LIMIT) took 830 rows for 10."""
    ids = make(office, 300)
    order = (t.event.c.at.desc(), t.event.c.id.desc())
    with office.as_system() as tx:
        assert claim(tx, t.event, OPEN, order=order, limit=10, values={"handled_at": tx.now}) == ids[:-11:-1]
        assert claim(tx, t.event, [OPEN, t.event.c.id > ids[50]], order=t.event.c.id, limit=3) == ids[51:54]
        assert claim(tx, t.event, OPEN, order=t.event.c.id, limit=0, values={"handled_at": tx.now}) == []
    with office.as_system() as tx:
        handled = tx.conn.execute(select(t.event.c.id).where(t.event.c.handled_at.is_not(None))).scalars()
        assert sorted(handled) == ids[-10:]
        assert claim(tx, t.event, OPEN, order=t.event.c.id, limit=1000) == ids[:-10]


def test_what_a_transaction_gives_up_may_be_claimed_again(office: Office) -> None:
    ids = make(office, 5)
    got: list[int] = []

    def breaks_off() -> None:
        with office.as_system() as tx:
            got.extend(claim(tx, t.event, OPEN, order=t.event.c.id, limit=5, values={"handled_at": tx.now}))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    assert got == ids
    with office.as_system() as tx:
        assert claim(tx, t.event, OPEN, order=t.event.c.id, limit=5, values={"handled_at": tx.now}) == ids


@pytest.mark.parametrize("db_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_what_another_holds_is_passed_over(office: Office) -> None:
    """A process that is frozen in the middle of its transaction keeps nobody from the rest."""
    ids = make(office, 6)
    with office.as_system() as frozen, office.as_system() as other:
        assert claim(frozen, t.event, OPEN, order=t.event.c.id, limit=2, values={"attempts": 1}) == ids[:2]
        assert claim(other, t.event, OPEN, order=t.event.c.id, limit=3, values={"handled_at": other.now}) == ids[2:5]
        assert claim(other, t.event, OPEN, order=t.event.c.id, limit=3) == [ids[5]]


def test_each_row_goes_to_one_of_many(office: Office) -> None:
    ids = make(office, 120)
    gate = threading.Barrier(4)
    got: list[list[int]] = [[] for _ in range(4)]

    def work(mine: list[int]) -> None:
        gate.wait(10)
        while True:
            with office.as_system() as tx:
                found = claim(tx, t.event, OPEN, order=t.event.c.id, limit=7, values={"handled_at": tx.now})
            if not found:
                return
            mine.extend(found)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(one for mine in got for one in mine) == Counter(ids)
