"""One conversion: a lead becomes a customer, with a router user if asked for, or all is as it was (spec §L)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from leadtui.domain.conversion import StepEvent, success_words, tax_warnings
from leadtui.domain.records import CustomerRow, LeadRow, RouterUserRow
from leadtui.router.port import CancelToken, Secret
from leadtui.store import schema as t

from . import conversion_order as orders
from . import conversion_steps as steps
from . import customers, provision_jobs, settling
from . import lead_writes as w
from .conversion_order import ConvertRequest, Order
from .provisioning import Provisioning
from .saga import tell_safely

if TYPE_CHECKING:
    from .office import Office

OnStep = Callable[[StepEvent], None]


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
    with office.read() as tx:
        lead_id = w.resolve(tx, ref)
        orders.check(tx, lead_id, request)  # a plain refusal costs no write lock
    warning = settling.clear_the_way(office, lead_id, for_router=request.router is not None)
    run: Provisioning | None = None
    with office.write(durable=True) as tx:
        order = orders.check(tx, lead_id, request)  # locks the lead: of two at once the second waits, and then sees
        job = provision_jobs.open_job_of(tx, lead_id)
        settling.refuse_held(tx, job)
        if order.user is None:
            finished = steps.finish(tx, order)
        elif job is not None:
            raise settling.busy_error(order.lead.number)
        else:
            run = Provisioning.begin(tx, office, order, order.user, request=request, tell=on_step, cancel=cancel)
    warnings = (warning,) if warning else ()
    if run is not None:
        run.tell(StepEvent("intent", "done", "The intent is written down"))
        done = run.run()
        order, finished, warnings = done.order, done.finished, (*warnings, *done.warnings)
    else:
        tell_safely(on_step, StepEvent("customer", "done", f"{order.lead.number} is {order.target.name}"))
    return _result(office, order, finished.customer_id, finished.batch, warnings)


def _result(
    office: Office, order: Order, customer_id: int | None, batch: int, warnings: tuple[str, ...]
) -> ConversionResult:
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
    tasks = tuple(f"left for a person, as a task: {words}" for words in order.left_to_people.values())
    return ConversionResult(
        success=True,
        message=success_words(
            customer=customer is not None, username=user.username if user else None,
            router=user.router.name if user else None,
        ),
        lead=lead, customer=customer, router_user=made, password=user.password if user else None, batch=batch,
        warnings=(*warnings, *tax_warnings(order.ids), *tasks),
    )  # fmt: skip
