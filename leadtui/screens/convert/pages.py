"""What the conversion wizard shows, as styled text: summary, plan, progress, result, failure. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from leadtui.domain.money import format_money
from leadtui.domain.phones import format_phone
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog
    from leadtui.domain.conversion import PlanStep, StepEvent
    from leadtui.errors import LeadtuiError
    from leadtui.services.conversion import ConversionResult
    from leadtui.services.conversion_plan import ConversionPlan, ConvertSuggestion

Part = str | tuple[str, str]

_LABEL = 14
_WIDTH = 77
_MARKS = {
    "will": ("", ""),
    "ok": (" ✓", "$text-success"),
    "warn": (" !", "$text-warning"),
    "bad": (" ✗", "$text-error"),
}
_SIGNS = {"+": "bold $text-success", "~": "bold $text-warning", "-": "bold $text-error", "=": "dim"}
_EVENTS = {"started": ("…", "$text-accent"), "done": ("✓", "$text-success"), "failed": ("✗", "$text-error")}
HIDDEN = "••••••••"


def rule(words: str) -> list[Part]:
    """A heading with a line, as wide as the narrowest screen allows beside a scroll bar."""
    return [(f"─ {words} ", "bold"), ("─" * max(2, 72 - len(words)), "dim"), "\n"]


def row(label: str, text: str, style: str = "") -> list[Part]:
    """A label and a text beside it, however long; foreign text comes without its own line breaks."""
    return [(fit(label, _LABEL), "dim"), (_beside(text) or "–", style), "\n"]


def _beside(text: str, inset: int = 0) -> str:
    """`text` wrapped into the column right of the labels, `inset` further to the right."""
    return f"\n{' ' * (_LABEL + inset)}".join(textwrap.wrap(one_line(text), _WIDTH - _LABEL - inset - 1))


def _content(parts: Sequence[Part]) -> Content:
    return Content.assemble(*parts)


def summary(found: ConvertSuggestion, catalog: Catalog) -> Content:
    """Step 1: the lead, and what a conversion means for it."""
    lead = found.lead
    parts: list[Part] = rule("The lead")
    parts += row("name", lead.name or "–", "bold")
    parts += row("phone", format_phone(lead.phone or "", catalog.country))
    parts += row("email", lead.email or "")
    parts += row("where", ", ".join(part for part in (lead.location, lead.unit_number) if part))
    parts += row("status", lead.status)
    parts += row("wants", lead.package or "no package chosen yet")
    fees = f"{format_money(lead.installation_fee, catalog.currency) or '–'} once, "
    fees += f"{format_money(lead.monthly_fee, catalog.currency) or '–'} a month"
    parts += row(f"fees ({catalog.currency})", fees)
    parts += row("works it", lead.assigned_to or "nobody")
    parts += row("documents", ", ".join(found.documents))
    if found.makes_router_user and found.why_router:
        parts += row("router", f"{found.router}: {found.why_router}" if found.router else found.why_router)
    parts += ["\n", *rule("What will happen")]
    locked = ", and is locked there" if found.is_locked else ""
    parts += [f"The lead becomes {found.target}{locked}.\n"]
    if found.makes_customer:
        parts += ["It is made a customer, with its documents"]
        parts += [" and, if you want, a MikroTik user.\n" if found.makes_router_user else ".\n"]
    for hit in found.duplicate_customers:
        parts += [
            (f"Customer {one_line(hit.label)} has the same {hit.key}: the lead can be linked to it.\n", "$text-warning")
        ]
    if found.warning:
        parts += [(f"{one_line(found.warning)}\n", "$text-warning")]
    return _content(parts)


def plan(found: ConversionPlan, *, show_password: bool) -> Content:
    """Step 3: what will be made, with what the router answered."""
    parts: list[Part] = rule("What will be made")
    last = ""
    for step in found.steps:
        parts += _plan_row(step, "" if step.where == last else step.where)
        last = step.where
    user = found.request.router
    if user is not None and user.password is not None:
        shown = user.password if isinstance(user.password, str) else user.password.reveal()
        parts += row("password", "  " + (shown if show_password else f"{HIDDEN}   p shows it"))
    if not found.is_ready:
        parts += ["\n", ("This cannot be done as it is: ", "bold $text-error")]
        parts += ["e changes it, t asks the router again, w converts without a router user.\n"]
    return _content(parts)


def _plan_row(step: PlanStep, where: str) -> list[Part]:
    """A line of the diff: where, what becomes of it (+ ~ = -), what; the detail beside it or below."""
    mark, style = _MARKS[step.state]
    inset = " " * (len(step.what) - len(step.what.lstrip()))
    what, detail = inset + _beside(step.what.removesuffix(" ✓"), 2), _beside(step.detail.partition("\n")[0], 2)
    sign = f"{step.sign} " if step.sign else "  "
    parts: list[Part] = [
        (fit(one_line(where), _LABEL), "dim"), (sign, _SIGNS.get(step.sign, "")), (what, style), (mark, style),
    ]  # fmt: skip
    if detail and "\n" not in what and cell_len(what + mark + detail) + 4 <= _WIDTH - _LABEL:
        parts += [(f"  {detail}", "dim")]
    elif detail:
        parts += ["\n", " " * (_LABEL + 2), (detail, "dim")]
    return [*parts, "\n"]


def progress(events: Sequence[StepEvent]) -> Content:
    """The steps as they come: one line each, the last word on it stands."""
    latest: dict[str, StepEvent] = {}
    for event in events:
        latest[event.key] = event
    parts: list[Part] = rule("Progress")
    for event in latest.values():
        mark, style = _EVENTS[event.state]
        parts += [(f" {mark} ", style), one_line(event.text), "\n"]
    return _content(parts)


def result(done: ConversionResult, *, show_password: bool) -> Content:
    """Step 4, success: which of the two outcomes it is (spec §AF 220), and what to tell the customer."""
    parts: list[Part] = [("✓ ", "$text-success"), (one_line(done.message), "bold"), "\n\n"]
    parts += row("lead", f"{done.lead.number} {done.lead.title}, {done.lead.status}")
    if (customer := done.customer) is not None:
        parts += row("customer", f"{customer.id} {customer.name}, {customer.type}")
    user = done.router_user
    if user is None:
        parts += row("router user", "none: only the customer was made")
    else:
        parts += ["\n", *rule(f"{'PPPoE' if user.service == 'pppoe' else 'Hotspot'} user on {user.router}")]
        parts += row("user name", user.username, "bold")
        password = done.password.reveal() if done.password is not None else ""
        parts += row(
            "password",
            password if show_password else f"{HIDDEN}   p shows it, y copies",
            "bold" if show_password else "",
        )
        parts += row("profile", user.profile or "")
        parts += row("address", user.ip or "dynamic")
    parts += [part for words in done.warnings for part in ("\n", (one_line(words), "$text-warning"))]
    return _content(parts)


def failure(error: LeadtuiError, status: str) -> Content:
    """Step 4, failure: the step, what the router said, what exists now and what does not (spec §L2 117)."""
    said = getattr(error, "router_said", None)
    exists = str(error.data.get("exists", "nothing was changed"))
    parts: list[Part] = [("✗ ", "$text-error"), ("It did not work.", "bold"), "\n\n"]
    parts += row("what", error.message, "$text-error")
    if said:
        parts += row("router said", str(said))
    parts += row("step", _STEPS.get(str(error.data.get("step", "")), "before anything was sent"))
    parts += row("the lead", f"is still {status}; no customer was made")
    parts += row("the router", exists)
    for line in (error.hint or "").splitlines():
        if exists not in line:
            parts += row("remedy", line)
    parts += ["\n", "t tries again, w converts without a router user, e changes what is made, esc leaves it so.\n"]
    return _content(parts)


_STEPS = {
    "connect": "asking the router, before anything was sent", "user": "making the router user",
    "queue": "making its queue", "sessions": "ending its session", "read_back": "reading it back",
    "customer": "writing the customer",
}  # fmt: skip


def duplicate(error: LeadtuiError) -> Content:
    """A customer with the lead's phone or email is there already: the way on is to link the lead to it (spec AG7)."""
    name = error.data.get("customer_name")
    who = f"customer {error.data.get('customer_id')}" + (f", {one_line(str(name))}" if name else "")
    parts: list[Part] = [("✗ ", "$text-error"), (one_line(error.message), "bold"), "\n\n"]
    parts += row("there is", who)
    parts += row("so", f"no second customer with the same {error.field} can be made; this lead may be its next one")
    parts += ["\n", "l links the lead to it, e changes what is made, esc leaves everything as it is.\n"]
    return _content(parts)
