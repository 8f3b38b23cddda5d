"""Can we serve this door? Which router a lead would be connected to, and whether it has room (issue 3).

Chosen by rows alone, no router is asked: a place that a router serves named in the lead's address, then the lead's
branch, then the only router there is; among several, the one with the most free addresses known.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import fold

from . import lead_writes as w
from .capacity import PoolLoad, is_stale, pools_of

if TYPE_CHECKING:
    from .office import Office

_PLACES = (("location", "address"), ("city",), ("state",))
"""Where a lead says where it is: a name nearer to the door goes before one of a whole city."""


@dataclass(frozen=True, slots=True)
class RouterChoice:
    """The router that serves a lead (its row), and why, in words. `is_guess`: none of its areas names the place."""

    router: Any
    why: str
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Serving:
    """Whether a lead can be served. `free` and `total` are addresses of the package's pool, or of all pools.

    `verdict` says it in words. Figures are of `answered_at`; `asked_at` is the last time the router was asked, `error`
    why it did not answer then. `router` is None when none serves the place.
    """

    router: str | None
    why: str
    place: str
    verdict: str
    free: int | None = None
    total: int | None = None
    pool: str | None = None
    sessions: int | None = None
    cpu_percent: int | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    is_stale: bool = True
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For the command line."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Room:
    """How much room a router has in the pool that counts. `missing`: the router has no such pool."""

    free: int | None = None
    total: int | None = None
    missing: bool = False


def can_serve(office: Office, lead_ref: str | int) -> Serving | None:
    """Whether the office can connect this lead; None when it has no router in use. Raises NotFound."""
    with office.read() as tx:
        row = tx.conn.execute(select(t.lead).where(t.lead.c.id == w.resolve(tx, lead_ref))).one()
        if not _in_use(tx):
            return None
        place = _place(tx, row)
        choice = router_for(tx, row)
        if choice is None:
            names_one = any(getattr(row, name) for fields in _PLACES for name in fields)
            words = f"no router serves {place or ('this place' if names_one else 'this lead: it names no place')}"
            return Serving(None, "no router serves this place or branch", place, words)
        pool = _pool(tx, row)
        known = _known(tx).get(choice.router.id)
        if known is None:
            return Serving(
                choice.router.name, choice.why, place, f"{choice.router.name} serves here; it was not asked yet",
                pool=pool,
            )  # fmt: skip
        room = _room(pools_of(known.pools_json), pool)
        old = is_stale(tx, known.answered_at)
        return Serving(
            router=choice.router.name, why=choice.why, place=place, verdict=_verdict(choice, known, room, pool, old),
            free=room.free, total=room.total, pool=pool, sessions=known.sessions, cpu_percent=known.cpu_percent,
            asked_at=known.asked_at, answered_at=known.answered_at, is_stale=old, error=known.error,
        )  # fmt: skip


def router_for(tx: ReadTx, lead: Any) -> RouterChoice | None:
    """The router that serves a lead (a row of the table), whoever acts; None when no rule names one."""
    routers = _in_use(tx)
    if not routers:
        return None
    for fields in _PLACES:
        text = " | ".join(" ".join(_words(getattr(lead, name) or "")) for name in fields)  # no area has such a word
        named = [(len(_words(area)), area, r) for r in routers for area in r.areas_json or () if _names(text, area)]
        if named:
            longest = max(count for count, _, _ in named)  # "Westlands North" says more than "Westlands"
            areas = {r.id: area for count, area, r in named if count == longest}
            best = _roomiest(tx, lead, [r for r in routers if r.id in areas])
            is_told = not tx.actor.hidden_fields.intersection(fields)
            return RouterChoice(best, f"serves {areas[best.id]}" if is_told else "serves this place")
    of_branch = [r for r in routers if r.branch_id is not None and r.branch_id == lead.branch_id]
    if of_branch:
        branch = tx.catalog.branch_by_id.get(lead.branch_id)
        best = _roomiest(tx, lead, of_branch)
        if branch is None or "branch" in tx.actor.hidden_fields:
            return RouterChoice(best, "serves the branch")
        return RouterChoice(best, f"serves the branch {branch.name}")
    if len(routers) == 1:
        only = routers[0]
        is_guess = bool(only.areas_json and any(getattr(lead, name) for fields in _PLACES for name in fields))
        place = _place(tx, lead) or "the lead's place"
        why = f"the only router; {place} is none of its areas" if is_guess else "the only router"
        return RouterChoice(only, why, is_guess)
    return None


def _in_use(tx: ReadTx) -> list[Any]:
    query = select(t.router).where(t.router.c.is_active.is_(True)).order_by(t.router.c.name, t.router.c.id)
    return list(tx.conn.execute(query))


def _known(tx: ReadTx) -> dict[int, Any]:
    return {row.router_id: row for row in tx.conn.execute(select(t.router_capacity))}


def _place(tx: ReadTx, lead: Any) -> str:
    """The place as the lead names it, the best word for it that the actor may see; empty when there is none."""
    seen = [name for name in ("location", "city", "address", "state") if name not in tx.actor.hidden_fields]
    return next((str(text) for name in seen if (text := getattr(lead, name))), "")


def _pool(tx: ReadTx, lead: Any) -> str | None:
    product = tx.catalog.product_by_id.get(lead.product_id)
    return product.pool if product is not None and product.pool else None


# -- words of a place --------------------------------------------------------------------------------------------------
def _words(text: str) -> list[str]:
    """The folded words: everything between blanks, punctuation and signs (vowel signs of a script are letters)."""
    plain = "".join(" " if unicodedata.category(char)[0] in "PSZC" else char for char in fold(text))
    return plain.split()


def _names(text: str, area: str) -> bool:
    """Whether the area's words stand in the text (folded words with blanks), in a row."""
    words = " ".join(_words(area))
    return bool(words) and f" {words} " in f" {text} "


# -- room --------------------------------------------------------------------------------------------------------------
def _roomiest(tx: ReadTx, lead: Any, routers: Sequence[Any]) -> Any:
    """The router with the most free addresses known; one that was never asked goes before one that is full."""
    if len(routers) == 1:
        return routers[0]
    pool, known = _pool(tx, lead), _known(tx)

    def rank(router: Any) -> tuple[bool, int]:
        row = known.get(router.id)
        free = None if row is None else _room(pools_of(row.pools_json), pool).free
        return free != 0, free or 0

    return max(routers, key=rank)  # the first of equals: they come by name


def _room(pools: Sequence[PoolLoad], wanted: str | None) -> _Room:
    """Free and total addresses of the pool and of those it falls back on, or of all pools."""
    by_name = {pool.name: pool for pool in pools}
    counted: list[PoolLoad] = []
    if wanted is None:
        counted = list(pools)
    elif wanted not in by_name:
        return _Room(missing=bool(pools))
    else:
        name: str | None = wanted
        while name is not None and name in by_name and by_name[name] not in counted:
            counted.append(by_name[name])
            name = by_name[name].next
    if not counted:
        return _Room()
    total = sum(pool.total for pool in counted)
    return _Room(None if any(pool.free is None for pool in counted) else sum(p.free or 0 for p in counted), total)


def _verdict(choice: RouterChoice, known: Any, room: _Room, pool: str | None, old: bool) -> str:
    """The answer in a sentence."""
    name = choice.router.name
    if known.answered_at is None:
        return f"{name} serves here; it did not answer yet"
    if room.missing:
        return f"{name} serves here, has no pool {pool}"
    if room.free == 0:
        words = f"{name} serves here, has no free address"
    elif room.free is not None:
        words = f"can serve: {name}, {room.free:,} of {room.total:,} free"
    else:
        words = f"can serve: {name}" + (f", {room.total:,} addresses" if room.total else "")
    if choice.is_guess:
        words += f"; it is {choice.why}"
    if known.error:
        return words + "; it did not answer the last time"
    return words + ("; the figures are old" if old else "")
