"""Conversion: one act that makes a lead a customer, and the router user with it, or leaves everything as it was.

`suggest` and `plan` write nothing; `convert` does one lead; `convert_many` many single ones (spec §L, AG16–AG18).
What a process left open is settled by `resolve`, and by `settle_on_start` at the next start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import select

from leadtui.domain.conversion import STEPS_OF_PEOPLE, PlanStep, StepEvent, success_words
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.records import LeadRow, RouterUserRow
from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken, RouterFault, Secret
from leadtui.store import leads as lead_queries
from leadtui.store import schema as t

from . import conversion_steps as steps
from . import customers, provision_jobs, settling
from . import lead_writes as w
from .conversion_plan import ConversionPlan, ConvertSuggestion, plan, suggest
from .conversion_steps import ConvertRequest, Order, RouterRequest
from .customers import CustomerRow
from .provisioning import Provisioning
from .settling import PendingJob, Resolution, pending, resolve, settle_on_start

if TYPE_CHECKING:
    from .office import Office

OnStep = Callable[[StepEvent], None]

_GIVEN_UP_AFTER = 3
"""So many leads in a row that the router could not be reached for end the tries; the rest fail with its words."""

_LOG = logging.getLogger("leadtui.conversion")


@dataclass(frozen=True, slots=True)
class ConversionResult:
    """What came of a conversion. `password` is shown once, on demand; it hides itself in every other text."""

    success: bool
    message: str
    lead: LeadRow
    customer: CustomerRow | None
    router_user: RouterUserRow | None
    password: Secret | None
    batch: int | None
    warnings: tuple[str, ...] = ()


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


# -- one lead ----------------------------------------------------------------------------------------------------------
def convert(
    office: Office, ref: str | int, request: ConvertRequest, *, on_step: OnStep | None = None,
    cancel: CancelToken | None = None,
) -> ConversionResult:  # fmt: skip
    """Make a lead a customer, with a router user when the request asks for one.

    `on_step` is called from this thread with each step. `cancel` gives up the talk with the router; what was done is
    undone. Raises a kind of Refused, NotFound, NotPermitted, or the router's failure: then the lead is exactly as it
    was, and the error's hint says what exists and what does not.
    """
    tell = _careful(on_step)
    with office.read() as tx:
        lead_id = w.resolve(tx, ref)
        steps.check(tx, lead_id, request)  # a plain refusal costs no write lock
    warning = settling.clear_the_way(office, lead_id, for_router=request.router is not None)
    run: Provisioning | None = None
    with office.write(durable=True) as tx:
        settling.refuse_held(tx, provision_jobs.open_job_of(tx, lead_id))
        order = steps.check(tx, lead_id, request)
        if order.user is None:
            finished = steps.finish(tx, order)
        else:
            run = Provisioning.begin(tx, office, order, order.user, request=request, tell=tell, cancel=cancel)
    if run is not None:
        tell(StepEvent("intent", "done", "The intent is written down"))
        done = run.run()
        order, finished = done.order, done.finished
    else:
        tell(StepEvent("customer", "done", f"{order.lead.number} is {order.target.name}"))
    return _result(office, order, finished.customer_id, finished.batch, warning)


def _careful(on_step: OnStep | None) -> OnStep:
    """A listener that fails (its screen is gone) must not fail the conversion."""

    def tell(event: StepEvent) -> None:
        if on_step is None:
            return
        try:
            on_step(event)
        except Exception as error:  # noqa: BLE001 - whatever a listener does
            _LOG.warning("a listener of conversions failed: %s", type(error).__name__)

    return tell


def _result(office: Office, order: Order, customer_id: int | None, batch: int, warning: str | None) -> ConversionResult:
    with office.read() as tx:
        lead = w.row_of(tx, order.lead.id)
        customer = customers.get(tx, customer_id) if customer_id is not None else None
        user = order.user
        row = tx.conn.execute(select(t.router_user).where(t.router_user.c.lead_id == order.lead.id)).first()
    made = None
    if user is not None and row is not None:
        made = RouterUserRow(
            row.id, user.router.name, row.username, row.service, row.profile, row.ip, row.state, lead.number,
            row.customer_id,
        )  # fmt: skip
    tasks = tuple(
        f"left for a person, as a task: {words}"
        for step in order.pipeline.conversion_steps
        if (words := STEPS_OF_PEOPLE.get(step))
    )
    return ConversionResult(
        success=True,
        message=success_words(
            customer=customer is not None, username=user.username if user else None,
            router=user.router.name if user else None,
        ),
        lead=lead, customer=customer, router_user=made, password=user.password if user else None, batch=batch,
        warnings=(*((warning,) if warning else ()), *tasks),
    )  # fmt: skip


# -- many leads --------------------------------------------------------------------------------------------------------
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
    """Many single conversions: one that fails never stops the rest (spec AG17). Needs `bulk` beside `convert`.

    User names and passwords are made for each lead; a request that names them is for one lead only.
    """
    with office.read() as tx:
        w.require(tx, "convert")
        w.require(tx, "bulk")
    ids = find_targets(office, target)
    done: list[Converted] = []
    failed: list[NotConverted] = []
    unreachable: list[RouterFault] = []
    for index, lead_id in enumerate(ids):
        if should_stop is not None and should_stop():
            return BulkConversion(len(ids), tuple(done), tuple(failed), stopped=True)
        try:
            if len(unreachable) >= _GIVEN_UP_AFTER:
                raise unreachable[-1]
            result = convert(office, lead_id, request, cancel=cancel)
        except LeadtuiError as error:
            is_silent = isinstance(error, RouterFault) and error.code in {"router_unreachable", "router_login"}
            unreachable = [*unreachable, error] if is_silent and isinstance(error, RouterFault) else []
            failed.append(NotConverted(lead_id, error.message, _number(office, lead_id), error.code))
            said = error.message
        else:
            unreachable = []
            user = result.router_user
            done.append(
                Converted(
                    lead_id,
                    result.lead.customer_id,
                    result.lead.number,
                    result.password,
                    user.username if user else None,
                )
            )
            said = result.lead.number
        if on_progress is not None:
            on_progress(index + 1, len(ids), said)
    return BulkConversion(len(ids), tuple(done), tuple(failed))


def preview_many(office: Office, target: Targets, request: ConvertRequest) -> BulkConversion:
    """What the store would refuse of a bulk conversion, lead by lead; writes nothing and asks no router."""
    with office.read() as tx:
        w.require(tx, "convert")
        w.require(tx, "bulk")
    ids = find_targets(office, target)
    done: list[Converted] = []
    failed: list[NotConverted] = []
    for lead_id in ids:
        try:
            with office.read() as tx:
                order = steps.check(tx, lead_id, request)
            done.append(Converted(lead_id, order.link_to, order.lead.number))
        except LeadtuiError as error:
            failed.append(NotConverted(lead_id, error.message, _number(office, lead_id), error.code))
    return BulkConversion(len(ids), tuple(done), tuple(failed))


def _number(office: Office, lead_id: int) -> str:
    with office.read() as tx:
        found = lead_queries.rows(tx, [lead_id])
    return found[0].number if found else str(lead_id)


__all__ = [
    "BulkConversion", "ConversionPlan", "ConversionResult", "ConvertRequest", "ConvertSuggestion", "Converted",
    "NotConverted", "PendingJob", "PlanStep", "Resolution", "RouterRequest", "StepEvent", "convert", "convert_many",
    "find_targets", "pending", "plan", "preview_many", "resolve", "settle_on_start", "suggest",
]  # fmt: skip
