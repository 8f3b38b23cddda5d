"""The steps of the conversion wizard: their numbers, their hints, and what makes no sense at which."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

from leadtui.errors import LeadtuiError

Step = Literal["reading", "summary", "fields", "asking", "duplicate", "plan", "running", "result", "failed"]

NUMBERS: dict[Step, int] = {
    "reading": 1, "summary": 1, "fields": 2, "asking": 3, "duplicate": 3, "plan": 3, "running": 3, "result": 4,
    "failed": 4,
}  # fmt: skip
HINTS: dict[Step, tuple[str, ...]] = {
    "reading": ("app.back",),
    "summary": ("convert.go", "app.back"),
    "fields": ("convert.forward", "convert.reveal", "convert.generate", "app.back"),
    "asking": ("app.back",),
    "duplicate": ("convert.link", "convert.change", "app.back"),
    "plan": ("convert.go", "convert.change", "convert.password", "convert.again", "convert.without", "app.back"),
    "running": ("app.back",),
    "result": ("convert.go", "convert.password", "app.copy"),
    "failed": ("convert.again", "convert.without", "convert.change", "app.back"),
}


@contextmanager
def lead_as_it_is(office: Any, lead_id: int) -> Iterator[None]:
    """A refusal carries the lead's row as it is by then (`data["lead_now"]`): others work on it too. In a thread."""
    try:
        yield
    except LeadtuiError as error:
        from leadtui.services import leads

        with suppress(LeadtuiError):
            error.data["lead_now"] = leads.get(office, lead_id).row
        raise


def is_taken(error: Exception | None) -> bool:
    """Whether somebody else has converted the lead meanwhile."""
    now = error.data.get("lead_now") if isinstance(error, LeadtuiError) else None
    return now is not None and bool(now.is_converted)


def why_not(
    command: str, step: Step, *, is_ready: bool, asks_router: bool, can_link: bool, is_taken: bool = False
) -> str | None:
    """Why a command (its last word) makes no sense now, in words for a person; None when it does."""
    match command:
        case "go" | "again" | "without" | "change" if step == "failed" and is_taken:
            return "The lead is a customer already; esc leaves it so"
        case "go" if step in {"reading", "asking", "running"}:
            return "It is being worked on; esc gives it up"
        case "go" if step == "plan" and not is_ready:
            return "This cannot be done as it is: e changes it, t asks again, w leaves the router user out"
        case "go" if step == "failed":
            return "t tries again"
        case "go" if step == "duplicate":
            return "l links the lead to that customer"
        case "link" if not can_link:
            return "No customer with the same phone or email stands in the way"
        case "change" if step not in {"plan", "failed", "summary", "duplicate"}:
            return "There is nothing to change now"
        case "again" if step not in {"plan", "failed"}:
            return "There is nothing to try again"
        case "without" if step not in {"plan", "failed"} or not asks_router:
            return "No router user is asked for"
        case "password" | "generate" | "copy" if step not in {"fields", "plan", "result"}:
            return "There is no password here"
        case "generate" if step != "fields":
            return "e goes back, where another password can be made"
        case _:
            return None
