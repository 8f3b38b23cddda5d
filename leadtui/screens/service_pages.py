"""The pages of the service dialog as text: what would change, how it goes, what came of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from leadtui.domain.money import format_money
from leadtui.screens.page_text import Page
from leadtui.widgets.keyed_list import Entry, numbered
from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from leadtui.domain.subscriptions import ServiceChoices, ServicePlan, ServiceResult
    from leadtui.errors import LeadtuiError

TITLES: Final = {"suspend": "Suspend", "resume": "Resume", "package": "Change the package of"}
"""What the dialog is about, before the customer's name."""

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
    page = Page(width)
    page.rule("What will change")
    page.plan(found.steps)
    if not found.users:
        page.say("The customer has no router user: only its record changes.")
    page.gap()
    if found.nothing_to_do:
        page.say("Nothing to do: records and routers are so already. esc leaves.", "bold")
    elif not found.is_possible:
        page.say("This cannot be done as it is.", "bold $text-error")
        page.say("t asks again, esc leaves all as it is.")
    elif found.problems:
        page.say("For the rest it can be done.", "bold $text-warning")
        page.say("enter does that, t asks again.")
    return page.content()


def result(done: ServiceResult, width: int) -> Content:
    """What came of it, user by user; for those that failed what exists now."""
    page = Page(width)
    page.say(f"{'✗' if done.failed else '✓'} {done.message}", f"bold $text-{'error' if done.failed else 'success'}")
    page.gap()
    for user in done.done:
        page.row("done", f"{user.username} on {user.router}: {_OUTCOMES[user.outcome]}", "$text-success")
        ended = user.sessions_ended
        if said := [*user.changes, *([f"{ended} session{'' if ended == 1 else 's'} ended"] if ended else [])]:
            page.row("", ", ".join(said))
    for failed in done.failed:
        page.row("failed", f"{failed.username} on {failed.router}", "$text-error")
        _what(page, failed.error)
    for words in done.warnings:
        page.gap()
        page.say(f"! {words}", "$text-warning")
    return page.content()


def failure(error: LeadtuiError, width: int) -> Content:
    """What was refused before anything was done."""
    page = Page(width)
    page.say("✗ It cannot be done.", "bold $text-error")
    page.gap()
    _what(page, error)
    page.gap()
    page.say("t tries again, esc leaves all as it is.")
    return page.content()


def _what(page: Page, error: LeadtuiError) -> None:
    """What failed, the step, what the router said, what exists now, and the remedy."""
    page.row("what", error.message, "$text-error")
    page.circumstances(error, steps=_STEPS)
    for line in (error.hint or "").splitlines():
        page.row("", line)


def question(found: ServicePlan) -> str:
    """What is asked before somebody's service ends."""
    who = "the router user" if found.users == 1 else f"{found.users} router users"
    ends = {0: "nobody is online", 1: "1 session ends"}.get(found.sessions, f"{found.sessions} sessions end")
    what = f"{who} will be switched off; {ends}" if found.users else "only the record changes"
    return f"Suspend {one_line(found.customer.name)}? {what[0].upper()}{what[1:]}."


__all__: Sequence[str] = ["TITLES", "failure", "packages", "plan", "question", "result", "users"]
