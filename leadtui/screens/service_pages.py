"""The pages of the service dialog as text: what would change, how it goes, what came of it. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from leadtui.domain.money import format_money
from leadtui.screens.convert.pages import Part, row
from leadtui.widgets.keyed_list import Entry, numbered
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from leadtui.domain.conversion import PlanStep
    from leadtui.domain.subscriptions import ServiceChoices, ServicePlan, ServiceResult, UserFailed
    from leadtui.errors import LeadtuiError

TITLES: Final = {"suspend": "Suspend", "resume": "Resume", "package": "Change the package of"}
"""What the dialog is about, before the customer's name."""

_WHERE = 12
_INDENT = _WHERE + 3
_SIGNS: Final = {"+": "$text-success", "~": "$text-accent", "-": "$text-warning", "=": "$text-muted"}
_STEPS: Final = {
    "connect": "connecting to the router", "user": "writing the router user", "queue": "writing the queue",
    "sessions": "ending the sessions", "read_back": "reading it back", "customer": "writing it down",
}  # fmt: skip
_OUTCOMES: Final = {"suspended": "off", "resumed": "on", "changed": "changed", "unchanged": "was so already"}


def packages(found: ServiceChoices) -> list[Entry]:
    """The packages as a list to choose from: which one it is now, price, speed."""
    entries = []
    for offer in found.packages:
        price = format_money(offer.price_minor, found.currency)
        notes = ["now" * offer.is_current, f"{found.currency} {price}" if price else "no price", offer.speed or ""]
        note = " · ".join(one_line(part) for part in notes if part)
        entries.append(Entry(offer.name, fit(one_line(offer.name), 24), note))
    return numbered(entries)


def users(found: ServiceChoices) -> list[Entry]:
    """The router users as a list to choose from."""
    return numbered(
        Entry(user.name, one_line(user.title), one_line(" · ".join(filter(None, (user.package, user.state)))))
        for user in found.users
    )


def plan(found: ServicePlan, width: int) -> Content:
    """What would change, as a diff, with what each router answered; `width` in cells."""
    parts: list[Part] = [("─ What will change ", "bold"), ("─" * max(2, width - 19), "dim"), "\n"]
    last = ""
    for step in found.steps:
        parts += _step(step, "" if step.where == last else step.where, width)
        last = step.where
    if not found.users:
        parts += ["The customer has no router user: only its record changes.\n"]
    parts.append("\n")
    if found.nothing_to_do:
        parts += [("Nothing to do: ", "bold"), "records and routers are so already. esc leaves.\n"]
    elif not found.is_possible:
        parts += [("This cannot be done as it is. ", "bold $text-error"), "t asks again, esc leaves all as it is.\n"]
    elif found.problems:
        parts += [("For the rest it can be done. ", "bold $text-warning"), "enter does that, t asks again.\n"]
    return Content.assemble(*parts)


def _step(step: PlanStep, where: str, width: int) -> list[Part]:
    """One line of the diff; what does not fit goes on below itself."""
    style = {"bad": "$text-error", "warn": "$text-warning"}.get(step.state, "")
    sign = "✗" if step.state == "bad" else step.sign or ("!" if step.state == "warn" else " ")
    detail = one_line(step.detail.partition("\n")[0])
    what = _beside(step.what, width)
    beside = "\n" not in what and detail and _INDENT + len(what) + len(detail) + 2 <= width
    parts: list[Part] = [
        (fit(one_line(where), _WHERE), "dim"), " ", (f"{sign} ", style or _SIGNS.get(step.sign, "")), (what, style),
    ]  # fmt: skip
    if detail:
        parts.append((f"  {detail}" if beside else f"\n{' ' * _INDENT}{_beside(detail, width)}", "dim"))
    return [*parts, "\n"]


def _beside(text: str, width: int) -> str:
    return f"\n{' ' * _INDENT}".join(textwrap.wrap(one_line(text), max(20, width - _INDENT)))


def result(done: ServiceResult) -> Content:
    """What came of it, user by user; for those that failed what exists now."""
    mark: Part = ("✗ ", "$text-error") if done.failed else ("✓ ", "$text-success")
    parts: list[Part] = [mark, (one_line(done.message), "bold"), "\n\n"]
    for user in done.done:
        parts += row("done", f"{user.username} on {user.router}: {_OUTCOMES[user.outcome]}", "$text-success")
        ended = user.sessions_ended
        if said := [*user.changes, *([f"{ended} session{'' if ended == 1 else 's'} ended"] if ended else [])]:
            parts += row("", ", ".join(said))
    for failed in done.failed:
        parts += _failed(failed)
    for words in done.warnings:
        parts += ["\n", (f"! {one_line(words)}", "$text-warning"), "\n"]
    return Content.assemble(*parts)


def _failed(user: UserFailed) -> list[Part]:
    error = user.error
    parts: list[Part] = row("failed", f"{user.username} on {user.router}", "$text-error")
    parts += [*row("what", error.message, "$text-error"), *_circumstances(error)]
    return parts


def failure(error: LeadtuiError) -> Content:
    """What was refused before anything was done."""
    parts: list[Part] = [("✗ ", "$text-error"), ("It cannot be done.", "bold"), "\n\n"]
    parts += [*row("what", error.message, "$text-error"), *_circumstances(error)]
    return Content.assemble(*parts, "\nt tries again, esc leaves all as it is.\n")


def _circumstances(error: LeadtuiError) -> list[Part]:
    """The step, what the router said, what exists now, and the remedy."""
    parts: list[Part] = []
    if said := getattr(error, "router_said", None):
        parts += row("router said", str(said))
    if step := _STEPS.get(str(error.data.get("step", ""))):
        parts += row("step", step)
    if exists := error.data.get("exists"):
        parts += row("the router", str(exists))
    for line in (error.hint or "").splitlines():
        parts += row("", line)
    return parts


def question(found: ServicePlan) -> str:
    """What is asked before somebody's service ends."""
    who = "the router user" if found.users == 1 else f"{found.users} router users"
    ends = {0: "nobody is online", 1: "1 session ends"}.get(found.sessions, f"{found.sessions} sessions end")
    what = f"{who} will be switched off; {ends}" if found.users else "only the record changes"
    return f"Suspend {one_line(found.customer.name)}? {what[0].upper()}{what[1:]}."


__all__: Sequence[str] = ["TITLES", "failure", "packages", "plan", "question", "result", "users"]
