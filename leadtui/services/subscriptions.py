"""What a customer's router users get: suspend, resume, another package — previewed, idempotent, read back.

One job a router user, as for a conversion: intent → router → read back → one transaction. Set first, kick second: the
router asks nobody again about a session that runs (facts/mikrotik §0.9). What is so already is left alone: then no job
is written and the routers are only read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from leadtui.domain.conversion import PlanStep, StepEvent
from leadtui.domain.subscriptions import (
    DONE,
    OUTCOMES,
    Act,
    ChangePackage,
    PackageOffer,
    Resume,
    ServiceChoices,
    ServicePlan,
    ServiceResult,
    Suspend,
    UserDone,
    UserFailed,
    UserOffer,
    ended_words,
    kind_of,
    result_words,
)
from leadtui.errors import LeadtuiError
from leadtui.router.port import CancelToken, RouterCancelled, RouterUnreachable
from leadtui.store import schema as t

from . import addresses, customers, events, provision_jobs, routers, saga, settling
from . import lead_writes as w
from . import subscription_steps as steps
from .subscription_run import EVENTS, RUNS, OnStep, ServiceRun, ends_sessions, marks_of, secret_of, write_marks
from .subscription_steps import Facts, Order, Target

if TYPE_CHECKING:
    from .office import Office


# -- what there is to choose -------------------------------------------------------------------------------------------
def choices(office: Office, ref: str | int, *, user: str | None = None) -> ServiceChoices:
    """The customer's router users (or the one named) and the packages they may get. Raises NotFound, Invalid."""
    with office.read() as tx:
        customer_id = customers.resolve(tx, ref)
        customer = customers.get(tx, customer_id)
        found = steps.chosen(tx, customer_id, user)
        row = found[0].user if len(found) == 1 else None
        own = tx.conn.execute(select(t.customer.c.product_id).where(t.customer.c.id == customer_id)).scalar_one()
        current = row.product_id if row is not None and row.product_id is not None else own
        names = {product.id: product.name for product in tx.catalog.products}
        users = tuple(
            UserOffer(name, target.title, names.get(target.user.product_id), target.user.state)
            for name, target in zip(steps.names(found), found, strict=True)
        )
        offers = tuple(
            PackageOffer(product.name, product.price_minor, product.speed, product.id == current)
            for product in tx.catalog.products
            if product.kind == "package" and (product.is_active or product.id == current)
        )
        return ServiceChoices(customer, tx.catalog.currency, users, offers)


# -- before ----------------------------------------------------------------------------------------------------------
def preview(
    office: Office, ref: str | int, act: Act, *, user: str | None = None, cancel: CancelToken | None = None
) -> ServicePlan:
    """What the act would do, asking each router; writes nothing. `ref`: a customer's id, phone, lead or router user.

    Raises NotFound, NotPermitted, Refused (`busy`), and Invalid for what the store refuses. A router's failure is part
    of the plan: a `bad` row and a problem.
    """
    what = _order(office, ref, act, user)
    rows: list[PlanStep] = []
    problems: list[str] = []
    warnings: list[str] = []
    sessions = todo = able = 0
    silent: dict[int, LeadtuiError] = {}
    for target in what.targets:
        try:
            facts = _look(office, what, target, cancel, silent)
        except LeadtuiError as error:
            rows.append(PlanStep(target.router.name, error.message, error.hint or "", "bad"))
            problems.append(error.message)
            todo += 1
            continue
        ends = len(facts.sessions) if ends_sessions(target, facts, what) else 0
        rows += _rows_of(target, facts, what, ends)
        is_so = not steps.changes(target, facts, what) and not ends and steps.is_so(target, facts.goal)
        todo += not is_so
        able += not is_so and facts.problem is None
        sessions += ends
        warnings += facts.warnings
        problems += [facts.problem.message] if facts.problem is not None and not is_so else []
    with office.read() as tx:
        customer = customers.get(tx, what.customer_id)
        marks = marks_of(tx, what)
    rows += [PlanStep("store", f"customer: {change.words}", sign="~") for change in marks]
    nothing = not todo and not marks
    possible = bool(able or (not todo and marks))
    return ServicePlan(
        customer, act, tuple(rows), tuple(problems), tuple(warnings), possible, nothing, len(what.targets), sessions
    )


def _order(office: Office, ref: str | int, act: Act, user: str | None) -> Order:
    with office.read() as tx:
        what = steps.order(tx, ref, act, user)
        for target in what.targets:
            settling.refuse_held(tx, provision_jobs.open_job_of(tx, target.lead.id))
            steps.goal_of(tx, target, what)  # a plain refusal asks no router
        return what


def _look(
    office: Office, what: Order, target: Target, cancel: CancelToken | None, silent: dict[int, LeadtuiError]
) -> Facts:
    """Ask the router about one user; one that could not be reached is not asked again."""
    if (known := silent.get(target.router.id)) is not None:
        raise known
    with office.read() as tx:
        goal = steps.goal_of(tx, target, what)
        where = routers.address(tx, office, target.router)
        secret = secret_of(tx, office, target)
        taken = tuple(addresses.taken_in_store(tx, target.router.id, target.lead.id))
    try:
        with routers.connect(where, deadline_s=saga.ROUTER_DEADLINE_S, cancel=cancel) as port:
            saga.refuse_other_box(target.router, port.probe())
            return steps.ask(port, target, goal, what, secret, taken)
    except RouterUnreachable as error:
        silent[target.router.id] = error
        raise


def _rows_of(target: Target, facts: Facts, what: Order, ends: int) -> list[PlanStep]:
    where, row = target.router.name, target.user
    if facts.problem is not None:
        hint = (facts.problem.hint or "").partition("\n")[0]
        return [
            PlanStep(where, f"user {row.username}", row.service),
            PlanStep(where, facts.problem.message, hint, "bad"),
        ]
    changed = steps.changes(target, facts, what)
    is_so = not changed and not ends
    user = f"user {row.username}"
    rows = [PlanStep(where, user, "is so already", "ok", "=") if is_so else PlanStep(where, user, row.service)]
    rows += [
        PlanStep(where, change.words, sign="+" if change.before in (None, "missing") else "~") for change in changed
    ]
    if what.product is not None and facts.goal.ip is not None and facts.goal.ip == row.ip:
        rows.append(PlanStep(where, f"address {row.ip} kept", state="ok", sign="="))
    if ends:
        seen = ", ".join(x.address for x in facts.sessions if x.address)
        rows.append(PlanStep(where, ended_words(ends).replace("ended", "will end"), seen, "warn", "-"))
    return rows + [PlanStep(where, words, state="warn") for words in facts.warnings]


# -- carrying out ----------------------------------------------------------------------------------------------------
def carry_out(
    office: Office, ref: str | int, act: Act, *, user: str | None = None, on_step: OnStep | None = None,
    cancel: CancelToken | None = None,
) -> ServiceResult:  # fmt: skip
    """Do it, router user by router user. What fails for one is in `failed`, with words on what exists now.

    Raises what `preview` raises; then nothing was done. `cancel` gives up: the user at work is put back as it was, the
    rest is not tried.
    """
    what = _order(office, ref, act, user)
    done: list[UserDone] = []
    failed: list[UserFailed] = []
    leads: set[int] = set()
    silent: dict[int, LeadtuiError] = {}
    for target in what.targets:
        try:
            if cancel is not None and cancel.cancelled:
                raise RouterCancelled("not tried any more", hint=f"{target.user.username} is as it was")
            one = _one(office, what, target, on_step, cancel, silent)
        except LeadtuiError as error:
            failed.append(UserFailed(target.router.name, target.user.service, target.user.username, error))
            leads.add(target.lead.id)  # the failure stands on its timeline
            continue
        done.append(one)
        leads |= {target.lead.id} if one.outcome != "unchanged" else set()
    noted = None if failed else _mark(office, what)
    with office.read() as tx:
        customer = customers.get(tx, what.customer_id)
    marked = noted is not None
    message = result_words(act, done, failed, marked=marked)
    leads |= set(noted or ())
    return ServiceResult(customer, act, tuple(done), tuple(failed), message, frozenset(leads), marked)


def _one(
    office: Office, what: Order, target: Target, on_step: OnStep | None, cancel: CancelToken | None,
    silent: dict[int, LeadtuiError],
) -> UserDone:  # fmt: skip
    if (known := silent.get(target.router.id)) is not None:
        raise known
    lead_id = target.lead.id
    settling.clear_the_way(office, lead_id, for_router=True, kind=kind_of(what.act))
    with office.read() as tx:
        goal = steps.goal_of(tx, target, what)
    if steps.could_be_so(target, goal):
        facts = _look(office, what, target, cancel, silent)
        ends = facts.sessions and ends_sessions(target, facts, what)
        if steps.is_so(target, facts.goal) and not steps.changes(target, facts, what) and not ends:
            return UserDone(target.router.name, target.user.service, target.user.username, "unchanged")
    run = _begin(office, what, target, on_step, cancel)
    run.tell(StepEvent("intent", "done", "The intent is written down"))
    try:
        return run.run()
    except RouterUnreachable as error:
        silent[target.router.id] = error
        raise


def _begin(
    office: Office, what: Order, target: Target, on_step: OnStep | None, cancel: CancelToken | None
) -> ServiceRun:
    """Write the intent: checked again, with the lead held against everybody else."""
    job_id: int | None = None
    try:
        with office.write(durable=True) as tx:
            held = steps.lock(tx, target)
            settling.refuse_held(tx, provision_jobs.open_job_of(tx, held.lead.id))
            steps.allow(tx, held)
            goal = steps.goal_of(tx, held, what)
            asked = {"service": held.user.service, "act": kind_of(what.act), "profile": goal.profile, "ip": goal.ip}
            asked |= {"package": what.product.name} if what.product is not None else {}
            job_id = provision_jobs.begin(
                tx, kind=kind_of(what.act), lead_id=held.lead.id, router_id=held.router.id, tag=held.user.tag,
                username=held.user.username, request_json=asked,
            )  # fmt: skip
            told = {**asked, "router": held.router.name, "username": held.user.username, "lead": held.lead.number}
            tx.audit("plan", "provision_job", job_id, None, told)
            return RUNS[kind_of(what.act)](office, job_id, held, goal, what, tell=on_step, cancel=cancel)
    except BaseException:
        if job_id is not None:  # rolled back: there is no such job
            provision_jobs.let_go(job_id)
        raise


def _mark(office: Office, what: Order) -> tuple[int, ...] | None:
    """What no router user's run wrote of the customer; the leads it was noted with, None when there was nothing."""
    with office.read() as tx:
        if not marks_of(tx, what):
            return None
    kind = kind_of(what.act)
    with office.write() as tx:
        customers.require(tx, what.customer_id, action="convert")
        lead = t.lead.c
        own = (lead.customer_id == what.customer_id, lead.deleted_at.is_(None))
        ids = tx.conn.execute(select(lead.id).where(*own).order_by(lead.id.desc()).limit(1)).scalars().all()
        tx.open_batch(kind, f"{steps.title_of(what.act, what.product)}: customer {what.customer_id}")
        write_marks(tx, replace(what, targets=()))
        for lead_id in ids:
            to = f" to {what.product.name}" if what.product is not None else ""
            told = {"kind": kind, "result": OUTCOMES[kind], "customer_id": what.customer_id}
            w.add_activity(
                tx, lead_id, "other", f"{DONE[kind]}{to}: the customer's record", what.reason, metadata_json=told
            )
            events.emit(tx, EVENTS[kind], lead_id=lead_id, payload=told)
    return tuple(ids)


__all__ = [
    "Act", "ChangePackage", "Resume", "ServiceChoices", "ServicePlan", "ServiceResult", "Suspend", "UserDone",
    "UserFailed", "carry_out", "choices", "preview",
]  # fmt: skip
