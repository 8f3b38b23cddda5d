"""Who does the work that goes on by itself: one process at a time, by a row that is renewed (facts/messaging §4.3).

The row names the holder, how long it may go without a sign of life, and a token that rises with every change of hands.
Every move is one short transaction that compares what was read and sets. A holder that was frozen, and comes back when
somebody else has taken over, finds its token passed by: `keep` and `holds` answer False, and it writes nothing more.

There are three: `NOW`, for what only needs the database (reminders, events), `NETWORK`, for what talks to routers and
alert addresses and may take its time, and `SEND`, for messages to leads. How long a holder may be silent follows from
what waits for it. A reminder may wait some seconds: 15 s, renewed every 5 s by the one that works (facts/messaging
§4.3); a minute would be felt, and a shorter time would pass from hand to hand whenever an import keeps the writers of
SQLite waiting. A talk with all routers takes up to 10 s in which nobody can be asked: 60 s. A holder of this machine
that has ended, or is stopped (ctrl+z), is not waited for. The 15 s of contract answer 10 are another matter: how long
an order to a router belongs to the process that gave it.
"""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import insert, select, update

from leadtui.errors import LeadtuiError, Refused
from leadtui.services.provision_jobs import me
from leadtui.services.workers import cannot_work
from leadtui.store import schema as t
from leadtui.store.claims import moment
from leadtui.store.unit_of_work import ReadTx, WriteTx

if TYPE_CHECKING:
    from leadtui.services.office import Office

Kind = Literal["worker", "tui"]


@dataclass(frozen=True, slots=True)
class Terms:
    """A lease by its name: how long its holder may be silent, and after what time he renews it."""

    name: str
    ttl: timedelta
    renew_after: timedelta


NOW = Terms("routine", timedelta(seconds=15), timedelta(seconds=5))
NETWORK = Terms("network", timedelta(seconds=60), timedelta(seconds=20))
SEND = Terms("send", timedelta(seconds=60), timedelta(seconds=20))

_numbers = itertools.count(1)
_LOG = logging.getLogger("leadtui.jobs")


@dataclass(frozen=True, slots=True)
class Standing:
    """The lease as it stands. `holder` is `host/pid/start/number`; `until` passed: nobody holds it."""

    holder: str
    kind: str
    token: int
    until: datetime
    ticked_at: datetime | None

    def ran_out(self, now: datetime, ttl: timedelta) -> bool:
        """Whether anybody may take it. One that lies too far ahead was written before a clock was put back."""
        return self.until <= now or self.until > now + 2 * ttl

    @property
    def is_idle(self) -> bool:
        """Whether the holder is a process of this machine that has ended, or is stopped."""
        return cannot_work(self.holder)


class Lease:
    """One contender. Not for use by two threads at once."""

    def __init__(self, office: Office, kind: Kind, terms: Terms = NOW, *, holder: str | None = None) -> None:
        """`holder` is made of this process when not given: two contenders of one process are two holders."""
        self._office = office
        self._kind = kind
        self._terms = terms
        self.holder = holder or new_holder()
        self.token: int | None = None
        """The token we hold, None while somebody else works."""

    def take(self, *, insist: bool = False) -> bool:
        """Take or renew the lease; True when it is ours. Writes nothing when there is nothing to take or renew.

        A worker takes over from a TUI at once, everybody when the lease ran out or its holder has ended or is stopped.
        A TUI takes nothing where the office has said "worker-only". `insist` takes it even from a working worker: a
        person asked for the work to be done now, and the other one takes it back when that is done.
        """
        with self._office.store.read() as tx:
            seen, now, welcome = self._read(tx), moment(tx), self._is_welcome(tx)
        ours = seen is not None and self._is_ours(seen)
        if not welcome:
            if ours:
                self.release()
            return False
        if seen is not None and ours:
            return True if self._is_fresh(seen, now) else self._write(seen, seen.token)
        self.token = None
        free = seen is None or insist or seen.ran_out(now, self._terms.ttl) or seen.is_idle
        if not free and seen is not None:
            free = self._kind == "worker" and seen.kind == "tui"
        return free and self._write(seen, 1 if seen is None else seen.token + 1)

    def keep(self) -> bool:
        """Whether the lease is still ours, renewed when it is time: to be asked between pieces of work."""
        if self.token is None:
            return False
        with self._office.store.read() as tx:
            seen, now = self._read(tx), moment(tx)
        if seen is None or not self._is_ours(seen):
            self.token = None
            return False
        return True if self._is_fresh(seen, now) else self._write(seen, seen.token)

    def holds(self, tx: WriteTx) -> bool:
        """Whether the lease is ours until this transaction ends: for results that nobody else may write meanwhile."""
        query = select(t.lease.c.token).where(
            t.lease.c.name == self._terms.name, t.lease.c.holder == self.holder, t.lease.c.token == (self.token or 0)
        )
        return tx.conn.execute(query.with_for_update(read=True)).first() is not None

    def release(self) -> None:
        """Let the next one take over at once. A database that cannot be written is no obstacle: the lease runs out."""
        token, self.token = self.token, None
        if token is None:
            return
        lease = t.lease.c
        ours = (lease.name == self._terms.name, lease.holder == self.holder, lease.token == token)
        try:
            with self._office.as_system() as tx:
                tx.conn.execute(update(t.lease).where(*ours).values(until=moment(tx)))
        except LeadtuiError as error:
            _LOG.warning("the lease was not given back: %s", error.message)

    def _is_ours(self, seen: Standing) -> bool:
        return seen.holder == self.holder and seen.token == self.token

    def _is_fresh(self, seen: Standing, now: datetime) -> bool:
        return seen.until - now > self._terms.ttl - self._terms.renew_after

    def _is_welcome(self, tx: ReadTx) -> bool:
        return self._kind == "worker" or tx.catalog.settings.get("scheduler") != "worker-only"

    def _read(self, tx: ReadTx) -> Standing | None:
        return _standing(tx, self._terms.name)

    def _write(self, seen: Standing | None, token: int) -> bool:
        """Set the row to ours, if it still is what was read; False when somebody was faster."""
        lease = t.lease.c
        try:
            with self._office.as_system() as tx:
                now = moment(tx)
                values = {
                    "holder": self.holder, "kind": self._kind, "token": token, "until": now + self._terms.ttl,
                    "ticked_at": now,
                }  # fmt: skip
                if seen is None:
                    tx.conn.execute(insert(t.lease).values(name=self._terms.name, **values))
                    done = True
                else:
                    unmoved = (lease.holder == seen.holder, lease.token == seen.token, lease.until == seen.until)
                    change = update(t.lease).where(lease.name == self._terms.name, *unmoved).values(**values)
                    done = bool(tx.conn.execute(change).rowcount)
        except Refused as error:  # the very first lease of this database, made by two in the same instant
            if error.code != "conflict":
                raise
            done = False
        self.token = token if done else None
        return done


def standing(office: Office, terms: Terms = NOW) -> Standing | None:
    """Who holds the lease, whether or not it ran out; None when nobody ever did."""
    with office.store.read() as tx:
        return _standing(tx, terms.name)


def new_holder() -> str:
    """A name for one more contender of this process: `host/pid/start/number`."""
    here = me()
    return f"{here.host[:150]}/{here.pid}/{here.started}/{next(_numbers)}"


def _standing(tx: ReadTx, name: str) -> Standing | None:
    row = tx.conn.execute(select(t.lease).where(t.lease.c.name == name)).one_or_none()
    return None if row is None else Standing(row.holder, row.kind, row.token, row.until, row.ticked_at)
