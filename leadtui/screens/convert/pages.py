"""What the conversion wizard shows, as styled text: summary, plan, progress, result, failure. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from leadtui.domain.money import format_money
from leadtui.domain.phones import format_phone
from leadtui.screens.convert.steps import is_taken
from leadtui.screens.page_text import LABEL, Page
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog
    from leadtui.errors import LeadtuiError
    from leadtui.services.conversion import BulkConversion, ConversionResult, ConvertRequest
    from leadtui.services.conversion_plan import ConversionPlan, ConvertSuggestion

HIDDEN: Final = "••••••••"
_NAMED_MAX: Final = 200
_NUMBER: Final = 17
"""Cells of the lead numbers at the left, with a blank or two behind them."""
_STEPS: Final = {
    "": "before anything was sent", "connect": "asking the router, before anything was sent",
    "user": "making the router user", "queue": "making its queue", "sessions": "ending its session",
    "read_back": "reading it back", "customer": "writing the customer",
}  # fmt: skip


def summary(found: ConvertSuggestion, catalog: Catalog, width: int) -> Content:
    """Step 1: the lead, and what a conversion means for it."""
    lead, page = found.lead, Page(width)
    page.rule("The lead")
    page.row("name", lead.name or "", "bold")
    page.row("phone", format_phone(lead.phone or "", catalog.country))
    page.row("email", lead.email or "")
    page.row("where", ", ".join(part for part in (lead.location, lead.unit_number) if part))
    page.row("status", lead.status)
    page.row("wants", lead.package or "no package chosen yet")
    once, monthly = (format_money(fee, catalog.currency) for fee in (lead.installation_fee, lead.monthly_fee))
    agreed = [*([f"{once} once"] if once else []), *([f"{monthly} a month"] if monthly else [])]
    page.row(f"fees ({catalog.currency})", ", ".join(agreed) or "nothing agreed yet")
    page.row("works it", lead.assigned_to or "nobody")
    page.row("documents", ", ".join(found.documents) or "none")
    if found.makes_router_user and found.why_router:
        page.row("router", f"{found.router}: {found.why_router}" if found.router else found.why_router)
    page.gap()
    page.rule("What will happen")
    page.say(f"The lead becomes {found.target}{', and is locked there' if found.is_locked else ''}.")
    if found.makes_customer:
        documents = ", with its documents" if found.documents else ""
        user = f"{',' if documents else ''} and, if you want, a MikroTik user" if found.makes_router_user else ""
        page.say(f"It is made a customer{documents}{user}.")
    for hit in found.duplicate_customers:
        page.say(f"Customer {hit.label} has the same {hit.key}: the lead can be linked to it.", "$text-warning")
    if found.warning:
        page.say(found.warning, "$text-warning")
    return page.content()


def plan(found: ConversionPlan, width: int, *, show_password: bool) -> Content:
    """Step 3: what will be made, with what the router answered."""
    page = Page(width)
    page.rule("What will be made")
    page.plan(found.steps)
    user = found.request.router
    if user is not None and user.password is not None:
        password = user.password if isinstance(user.password, str) else user.password.reveal()
        _password(page, password if show_password else "", LABEL + 2)
    if not found.is_ready:
        page.gap()
        page.say("This cannot be done as it is.", "bold $text-error")
        page.say("e changes it, t asks the router again, w converts without a router user.")
    return page.content()


def _password(page: Page, shown: str, left: int) -> None:
    if shown:
        page.exactly("password", shown, left=left)
    else:
        page.row("password", f"{HIDDEN} (p shows it)", left=left)


def result(done: ConversionResult, width: int, *, show_password: bool) -> Content:
    """Step 4, success: which of the two outcomes it is (spec §AF 220), and what to tell the customer."""
    page = Page(width)
    page.say(f"✓ {done.message}", "bold $text-success")
    page.gap()
    page.row("lead", f"{done.lead.number} {done.lead.title}, {done.lead.status}")
    if (customer := done.customer) is not None:
        page.row("customer", f"{customer.id} {customer.name}, {customer.type}")
    user = done.router_user
    if user is None:
        page.row("router user", "none: only the customer was made")
    else:
        page.gap()
        page.rule(f"{'PPPoE' if user.service == 'pppoe' else 'Hotspot'} user on {one_line(user.router)}")
        page.exactly("user name", user.username)
        _password(page, done.password.reveal() if done.password is not None and show_password else "", LABEL)
        page.row("profile", user.profile or "")
        page.row("address", user.ip or "dynamic")
    for words in done.warnings:
        page.gap()
        page.say(words, "$text-warning")
    return page.content()


def failure(error: LeadtuiError, status: str, width: int) -> Content:
    """Step 4, failure: the step, what the router said, what exists now and what does not (spec §L2 117)."""
    page = Page(width)
    page.say("✗ It did not work.", "bold $text-error")
    page.gap()
    page.row("what", error.message, "$text-error")
    page.circumstances(error, steps=_STEPS, nothing="nothing was changed")
    now = error.data.get("lead_now")
    if now is not None and now.is_converted:
        page.row("the lead", f"is {now.status}, customer {now.customer_id}: somebody else was quicker")
    elif now is not None and now.status != status:
        page.row("the lead", f"is {now.status} by now; no customer was made")
    else:
        page.row("the lead", f"is still {status}; no customer was made")
    for line in (error.hint or "").splitlines():
        if str(error.data.get("exists", "nothing was changed")) not in line:
            page.row("remedy", line)
    page.gap()
    ways = "t tries again, w converts without a router user, e changes what is made, "
    page.say(f"{'' if is_taken(error) else ways}esc leaves it so.")
    return page.content()


def duplicate(error: LeadtuiError, width: int) -> Content:
    """A customer with the lead's phone or email is there already: the way on is to link the lead to it (spec AG7)."""
    name, page = error.data.get("customer_name"), Page(width)
    page.say(f"✗ {error.message}", "bold $text-error")
    page.gap()
    page.row("there is", f"customer {error.data.get('customer_id')}" + (f", {name}" if name else ""))
    page.row("so", f"no second customer with the same {error.field} can be made; this lead may be its next one")
    page.gap()
    page.say("l links the lead to it, e changes what is made, esc leaves everything as it is.")
    return page.content()


# -- many leads --------------------------------------------------------------------------------------------------------
def many(found: BulkConversion, request: ConvertRequest, width: int) -> Content:
    """What would be made of many leads, and which the store refuses."""
    page = Page(width)
    page.rule("What will be made")
    page.row("store", f"{len(found.successful):,} of {found.total:,} leads become customers")
    if (router := request.router) is not None:
        page.row(router.router, "a user for each: name and password are made, the router is asked lead by lead")
    _refusals(page, found, "Not converted")
    return page.content()


def many_done(found: BulkConversion, request: ConvertRequest | None, width: int) -> Content:
    """What came of it; each refused lead with its reason."""
    page = Page(width)
    head = many_words(found)
    page.say(f"✓ {head}" if found.successful else f"✗ {head}", "bold")
    if request is not None and request.router is not None and found.successful:
        page.gap()
        page.say("Each password is shown with its customer (2), when asked for.")
    _refusals(page, found, "Not converted, as they were before")
    return page.content()


def many_words(found: BulkConversion) -> str:
    """What was done with many, in a line."""
    stopped = ", stopped before the rest" if found.stopped else ""
    return f"{len(found.successful):,} of {found.total:,} leads were converted{stopped}"


def _refusals(page: Page, found: BulkConversion, title: str) -> None:
    """Each refused lead with its reason."""
    if not found.failed:
        return
    page.gap()
    page.rule(f"{title}: {len(found.failed):,}")
    for one in found.failed[:_NAMED_MAX]:
        page.row(one.lead_number, one.error, left=_NUMBER)
    if len(found.failed) > _NAMED_MAX:
        page.say(f"… and {len(found.failed) - _NAMED_MAX:,} more")
