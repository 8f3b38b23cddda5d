"""Bulk conversion: many single ones with a result list; one that fails never stops the rest (spec §L 109, AG17)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import select

from leadtui.domain.conversion import CUSTOMER_TYPES
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.errors import LeadtuiError, RouterError
from leadtui.router.port import CancelToken, RouterFault, Secret
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t
from leadtui.store.scope import scope_clause

from . import conversion_order as orders
from . import lead_writes as w
from . import routers
from .conversion_one import convert
from .conversion_order import ConvertRequest
from .conversion_plan import PackageChoice, RouterChoice, package_choices, router_choices

if TYPE_CHECKING:
    from .office import Office

SILENT_AFTER = 3
"""So many leads in a row that the router could not be reached for: then it is asked by itself whether it is there."""

PATIENCE_S: Sequence[float] = (0.0, 1.0, 2.0, 4.0, 8.0)
"""The pauses before each such question. A router that answers none of them is not asked for the rest of the leads."""

_ASKING_DEADLINE_S = 5.0
_SILENT = frozenset({"router_unreachable", "router_login", "router_tls", "router_timeout"})
_LOG = logging.getLogger("leadtui.conversion")


@dataclass(frozen=True, slots=True)
class Converted:
    """One lead of a bulk conversion that became a customer."""

    lead_id: int
    customer_id: int | None
    lead_number: str
    password: Secret | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class NotConverted:
    """One lead of a bulk conversion that did not, and why."""

    lead_id: int
    error: str
    lead_number: str
    code: str = "refused"


@dataclass(frozen=True, slots=True)
class BulkConversion:
    """The result of S1 (spec §L 109). `stopped`: the person ended it; the rest was not tried."""

    total: int
    successful: tuple[Converted, ...] = ()
    failed: tuple[NotConverted, ...] = ()
    stopped: bool = False

    def as_json(self) -> dict[str, Any]:
        """The object of the contract."""
        return {
            "total": self.total,
            "successful": [
                {"lead_id": c.lead_id, "customer_id": c.customer_id, "lead_number": c.lead_number}
                for c in self.successful
            ],
            "failed": [{"lead_id": n.lead_id, "error": n.error, "lead_number": n.lead_number} for n in self.failed],
        }


class Targets(Protocol):
    """Which leads: their ids, or everything a filter finds (`services.bulk.Target`)."""

    @property
    def ids(self) -> Sequence[int]: ...

    @property
    def where(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class ManyChoices:
    """What a person chooses from for many leads at once."""

    count: int
    routers: tuple[RouterChoice, ...]
    packages: tuple[PackageChoice, ...]
    types: tuple[str, ...] = CUSTOMER_TYPES


def choices(office: Office, target: Targets) -> ManyChoices:
    """How many leads it is about, and what there is to choose from. Raises NotPermitted."""
    ids, _ = _begin(office, target)
    with office.read() as tx:
        return ManyChoices(len(ids), router_choices(tx), package_choices(tx))


def find_targets(office: Office, target: Targets) -> list[int]:
    """The leads a bulk conversion would try: those named, or what the filter finds, oldest first."""
    if target.where is None:
        return list(dict.fromkeys(target.ids))
    node = parse_lead_filter(target.where, office.actor.hidden_fields)
    with office.read() as tx:
        return lead_queries.page_ids(tx, node, lead_queries.Order("created_at", False), limit=None)


def convert_many(
    office: Office, target: Targets, request: ConvertRequest, *,
    on_progress: Callable[[int, int, str], object] | None = None, should_stop: Callable[[], bool] | None = None,
    cancel: CancelToken | None = None,
) -> BulkConversion:  # fmt: skip
    """Many single conversions: one that fails never stops the rest. Needs `bulk` beside `convert`.

    User names, passwords and addresses are made for each lead; a request that names them is for one lead only.
    """
    ids, numbers = _begin(office, target)
    patience = _Patience(office, request, should_stop, cancel)
    done: list[Converted] = []
    failed: list[NotConverted] = []
    for index, lead_id in enumerate(ids):
        if (should_stop is not None and should_stop()) or (cancel is not None and cancel.cancelled):
            return BulkConversion(len(ids), tuple(done), tuple(failed), stopped=True)
        number = numbers.get(lead_id, str(lead_id))
        try:
            patience.check()
            result = convert(office, lead_id, request, cancel=cancel)
        except Exception as error:  # noqa: BLE001 - the rest must go on, whatever one lead meets
            refusal = _refusal(lead_id, number, error)
            patience.note(error)
            failed.append(refusal)
            told = f"{number}: {refusal.error}"
        else:
            patience.note(None)
            user = result.router_user
            name = user.username if user is not None else None
            done.append(Converted(lead_id, result.lead.customer_id, number, result.password, name))
            told = f"{number} {name}" if name else number
        if on_progress is not None:
            on_progress(index + 1, len(ids), told)
    return BulkConversion(len(ids), tuple(done), tuple(failed))


def preview_many(office: Office, target: Targets, request: ConvertRequest) -> BulkConversion:
    """What the store would refuse of a bulk conversion, lead by lead; writes nothing and asks no router."""
    ids, numbers = _begin(office, target)
    done: list[Converted] = []
    failed: list[NotConverted] = []
    for lead_id in ids:
        number = numbers.get(lead_id, str(lead_id))
        try:
            with office.read() as tx:
                order = orders.check(tx, lead_id, request)
            done.append(Converted(lead_id, order.link_to, number))
        except LeadtuiError as error:
            failed.append(_refusal(lead_id, number, error))
    return BulkConversion(len(ids), tuple(done), tuple(failed))


def _begin(office: Office, target: Targets) -> tuple[list[int], dict[int, str]]:
    """The leads to try, and their numbers as far as the actor may see them."""
    with office.read() as tx:
        w.require(tx, "convert")
        w.require(tx, "bulk")
    ids = find_targets(office, target)
    numbers: dict[int, str] = {}
    with office.read() as tx:
        for start in range(0, len(ids), 5_000):
            some = t.lead.c.id.in_(ids[start : start + 5_000])
            query = select(t.lead.c.id, t.lead.c.number).where(some, scope_clause(tx.actor, "read"))
            numbers |= {row.id: row.number for row in tx.conn.execute(query)}
    return ids, numbers


def _refusal(lead_id: int, number: str, error: Exception) -> NotConverted:
    if isinstance(error, LeadtuiError):
        return NotConverted(lead_id, error.message, number, error.code)
    _LOG.error("the conversion of %s met an error of the program: %s", number, type(error).__name__)
    return NotConverted(lead_id, f"an error of the program ({type(error).__name__}); see the log", number, "bug")


class _Patience:
    """A router that is gone is not asked a thousand times for as many deadlines; one that merely stumbles is.

    Only when several leads in a row could not reach it, it is asked by itself, with growing pauses; when it answers
    once, all is as before, else every further lead fails with its words.
    """

    def __init__(
        self, office: Office, request: ConvertRequest, should_stop: Callable[[], bool] | None,
        cancel: CancelToken | None,
    ) -> None:  # fmt: skip
        self._office = office
        self._router = request.router.router if request.router is not None else None
        self._should_stop = should_stop
        self._cancel = cancel
        self._in_a_row = 0
        self._gone: LeadtuiError | None = None

    def note(self, error: Exception | None) -> None:
        """How the last lead ended."""
        is_silent = isinstance(error, RouterFault) and error.code in _SILENT
        self._in_a_row = self._in_a_row + 1 if is_silent else 0

    def check(self) -> None:
        """Raises the router's own words when it is gone."""
        if self._gone is None and self._router is not None and self._in_a_row >= SILENT_AFTER:
            self._gone = self._ask()
            self._in_a_row = 0
        if self._gone is not None:
            raise self._gone

    def _ask(self) -> LeadtuiError | None:
        last: LeadtuiError | None = None
        for pause in PATIENCE_S:
            if not self._wait(pause):
                return None  # stopped: the caller sees it too
            try:
                with self._office.read() as tx:
                    where = routers.address(tx, self._office, routers.find(tx, self._router or ""))
                with routers.connect(where, deadline_s=_ASKING_DEADLINE_S, cancel=self._cancel) as port:
                    port.probe()
                return None
            except RouterError as error:
                last = error
            except LeadtuiError:
                return None  # the lead itself will say what is wrong
        if last is None:
            return None
        gone = RouterError(f"not tried, for {self._router} is gone: {last.message}", hint=last.hint)
        gone.code = last.code
        return gone

    def _wait(self, seconds: float) -> bool:
        """Whether to go on after so long."""
        end, never = time.monotonic() + seconds, threading.Event()
        while True:
            if (self._should_stop is not None and self._should_stop()) or (
                self._cancel is not None and self._cancel.cancelled
            ):
                return False
            left = end - time.monotonic()
            if left <= 0:
                return True
            never.wait(min(left, 0.2))


__all__ = [
    "PATIENCE_S", "BulkConversion", "Converted", "ManyChoices", "NotConverted", "choices", "convert_many",
    "find_targets", "preview_many",
]  # fmt: skip
