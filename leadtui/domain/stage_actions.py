"""What happens by itself when a lead gets to a status: the kinds, the texts with placeholders, the rules (spec §T).
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from leadtui.errors import Invalid

from .follow_up_times import show_delay

KINDS: Final[tuple[str, ...]] = ("task", "follow_up", "notify", "message")
"""task: something to be done by a person · follow_up: the next contact, by delay or the smart time of a context ·
notify: people of the office are told · message: with a body (or template) and a channel the office has, it is written
to the lead; without, or where the lead may not be written to, it is a task for a person, with the reason: never a
silent success (spec AJ27)."""

PLACEHOLDERS: Final[tuple[str, ...]] = ("name", "number", "stage", "from", "pipeline", "package", "agent")
"""What a text may hold in braces."""

TO_WORDS: Final[tuple[str, ...]] = ("assignee", "manager", "supervisors")
"""Whom an action is for, beside a role's key and a login; nothing means the assignee."""

_PLACE: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class StageActionItem:
    """One action of a status. `delay_minutes` or `context` say when; `text` is the subject, `body` what is to be said.

    `channel` says how a message is to be sent, in a person's words (whatsapp, email, post).
    """

    id: int
    stage_id: int
    order: int
    name: str
    kind: str
    text: str | None = None
    body: str | None = None
    delay_minutes: int | None = None
    context: str | None = None
    to: str | None = None
    channel: str | None = None
    is_active: bool = True
    template: str | None = None

    @property
    def subject(self) -> str:
        """The words it begins with, still with placeholders."""
        return self.text or self.name

    @property
    def words(self) -> str:
        """What it does, for a list: "follow-up in 24h", "task for technician", "message by whatsapp: a task"."""
        if self.kind == "notify":
            return f"tells {self.to or 'the assignee'}"
        what = {"task": "task", "follow_up": "follow-up", "message": "message"}[self.kind]
        if self.kind == "message" and self.channel:
            what += f" by {self.channel}"
        if self.to:
            what += f" for {self.to}"
        if self.delay_minutes is not None:
            return f"{what} in {show_delay(timedelta(minutes=self.delay_minutes))}"
        if self.kind == "follow_up" or self.context:
            return f"{what} by rule" + (f" ({self.context})" if self.context else "")
        return f"{what} today"


def item_from(row: Mapping[Any, Any]) -> StageActionItem:
    """A row of the table: what is not a column of its own stands in `params_json`."""
    params: Mapping[str, Any] = row["params_json"] or {}
    return StageActionItem(
        row["id"], row["stage_id"], row["order"], row["name"], row["kind"], params.get("text"), params.get("body"),
        params.get("delay"), params.get("context"), params.get("to"), params.get("channel"), row["is_active"],
        params.get("template"),
    )  # fmt: skip


def check_stage_action(item: StageActionItem) -> None:
    """What must be true of one. Raises Invalid with its field."""
    if item.kind not in KINDS:
        raise Invalid(f"'{item.kind}' is no kind of action", field="kind", hint="one of: " + ", ".join(KINDS))
    if item.delay_minutes is not None and item.context is not None:
        raise Invalid("an action has a delay or a context, not both", field="context", hint="leave one empty")
    if item.kind == "notify" and (item.delay_minutes is not None or item.context is not None):
        raise Invalid("people are told at once", field="delay", hint="leave it empty, or make it a task")
    if item.channel is not None and item.kind != "message":
        raise Invalid("only a message goes by a channel", field="channel", hint="leave it empty")
    if item.template is not None and (item.kind != "message" or item.body):
        words = "only a message has a template" if item.kind != "message" else "a body or a template, not both"
        raise Invalid(words, field="template", hint="leave it empty")
    for field, text in (("text", item.text), ("body", item.body), ("name", item.name)):
        for name in _PLACE.findall(text or ""):
            if name not in PLACEHOLDERS:
                hint = "one of: " + ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
                raise Invalid(f"'{{{name}}}' is no placeholder", field=field, hint=hint)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled; one without a value goes away, and what a value holds is not looked at."""
    return " ".join(_PLACE.sub(lambda found: values.get(found[1], found[0]), text).split())


def fill_block(text: str, values: Mapping[str, str]) -> str:
    """As `fill`, line by line."""
    return "\n".join(fill(line, values) for line in text.splitlines()).strip()
