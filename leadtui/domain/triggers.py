"""Rules about how leads behave: three properties looked at within a day, a visit each day of a week (spec §S). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from leadtui.errors import Invalid
from leadtui.text import clean_line, fold, shorten

EVENTS: Final[tuple[str, ...]] = (
    "page_view", "website_visit", "property_view", "search_performed", "email_open", "email_click", "social",
)  # fmt: skip
"""What other programs tell most often; any other word is taken as well."""

COUNTERS: Final[Mapping[str, str]] = {
    "page_view": "page_views", "website_visit": "page_views", "property_view": "property_views",
    "search_performed": "searches", "search": "searches", "email_open": "email_opens", "email_click": "email_clicks",
    "social": "social", "social_engagement": "social", "social_share": "social",
}  # fmt: skip
"""Which counter of the lead an event adds to (spec AH6)."""

ACTIONS: Final[tuple[str, ...]] = ("message", "task", "score", "enroll", "notify", "tag")
"""message: written to the lead · task: somebody does something · score: points are added · enroll: into a drip ·
notify: people are told · tag: the lead gets one."""

MOST_POINTS: Final = 100
MOST_COUNT: Final = 1_000
MOST_DAYS: Final = 60

_EVENT: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_BREAKS: Final = ("_ignored", "_unopened", "_bounced", "_unsubscribed")


def event_name(text: str, *, field: str = "event") -> str:
    """The name of an event as kept: `Email Open` is `email_open`. Raises Invalid."""
    typed = "_".join(fold(clean_line(text, field=field, limit=40)).replace("-", " ").replace("_", " ").split())
    if not _EVENT.fullmatch(typed):
        raise Invalid(f"'{shorten(typed or text.strip(), 30)}' is no name of an event", field=field,
                      hint="such as " + ", ".join(EVENTS[:4]))  # fmt: skip
    return typed


def breaking(event: str) -> tuple[str, ...]:
    """The events that end a run of this one: of `email_open` an `email_ignored`, an `email_bounced` …"""
    family = event.partition("_")[0]
    return tuple(family + end for end in _BREAKS)


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule goes off; exactly one of `count` (within hours, of the `same` thing where named), `consecutive`,
    `daily_for_days`.
    """

    count: int | None = None
    within_hours: int | None = None
    same: str | None = None
    consecutive: int | None = None
    daily_for_days: int | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> Condition:
        """From `condition_json`."""
        found = data or {}
        return cls(*(found.get(key) for key in ("count", "within_hours", "same", "consecutive", "daily_for_days")))

    @property
    def needs(self) -> int:
        """How many events it takes."""
        return self.count or self.consecutive or self.daily_for_days or 1

    @property
    def words(self) -> str:
        """For a list: "3 within 24h", "3 in a row", "daily for 7 days", "5 with the same criteria"."""
        if self.consecutive:
            return f"{self.consecutive} in a row"
        if self.daily_for_days:
            return f"daily for {self.daily_for_days} days"
        same = f" with the same {self.same}" if self.same else ""
        within = f" within {show_hours(self.within_hours)}" if self.within_hours else ""
        return f"{self.count or 1}{same}{within}"


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of a lead."""

    event: str
    at: datetime
    metadata: Mapping[str, Any] | None = None


def goes_off(condition: Condition, now: Seen, before: Sequence[Seen], days: frozenset[date], today: date) -> bool:
    """Whether the event `now` makes the rule go off.

    `before` are the lead's earlier events of the same name, and those that break a run of it, newest first, since the
    rule went off last: what made it go off does not count again. `days` are the local days with such an event,
    `today` that of `now`.
    """
    if condition.daily_for_days:
        return all(today - timedelta(days=back) in days for back in range(condition.daily_for_days))
    if condition.consecutive:
        run = 1
        for one in before:
            if one.event != now.event:
                break
            run += 1
        return run >= condition.consecutive
    same = [one for one in before if one.event == now.event]
    if condition.within_hours:
        start = now.at - timedelta(hours=condition.within_hours)
        same = [one for one in same if one.at > start]
    if condition.same:
        wanted = what_of(now.metadata, condition.same)
        same = [one for one in same if what_of(one.metadata, condition.same) == wanted]
    return len(same) + 1 >= (condition.count or 1)


def what_of(metadata: Mapping[str, Any] | None, key: str) -> str:
    """What an event was about: the value under `key`, else all that it says; the same in any order and case."""
    found: Any = (metadata or {}).get(key, metadata or {})
    return fold(json.dumps(found, sort_keys=True, ensure_ascii=False, default=str))


# -- the rule ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class TriggerItem:
    """One rule. `params` say what its action needs: text, body, channel, template, to, context, delay, points, drip,
    tag, products, where.
    """

    id: int
    order: int
    key: str
    name: str
    event: str
    condition: Condition
    action: str
    params: Mapping[str, Any]
    cooldown_hours: int = 24
    is_active: bool = True

    @property
    def when(self) -> str:
        """When it goes off, in words: "property_view: 3 within 24h"."""
        return f"{self.event}: {self.condition.words}"

    @property
    def does(self) -> str:
        """What it does, in words."""
        p = self.params
        match self.action:
            case "score":
                return f"score {p.get('points', 0):+d}"
            case "enroll":
                return f"into the drip {p.get('drip')}"
            case "tag":
                return f"tag {p.get('tag')}"
            case "notify":
                return f"tells {p.get('to') or 'the assignee'}"
            case "message":
                return f"message by {p.get('channel') or 'whatsapp'}"
            case _:
                return "task" + (f" for {p['to']}" if p.get("to") else "")

    @property
    def cooldown(self) -> timedelta:
        """Not again for the same lead before so long."""
        return timedelta(hours=self.cooldown_hours)


def item_from(row: Mapping[Any, Any]) -> TriggerItem:
    """A row of the table."""
    return TriggerItem(
        row["id"], row["order"], row["key"], row["name"], row["event"], Condition.of(row["condition_json"]),
        row["action"], row["params_json"] or {}, row["cooldown_hours"], row["is_active"],
    )  # fmt: skip


def check_trigger(item: TriggerItem) -> None:
    """What must be true of a rule. Raises Invalid with its field."""
    event_name(item.event)
    _check_condition(item.condition)
    if item.cooldown_hours < 0:
        raise Invalid("a pause cannot be negative", field="cooldown", hint="such as 24h; 0 for none")
    p = item.params
    match item.action:
        case "message" if bool(p.get("body")) == bool(p.get("template")):
            raise Invalid("a message has its own text (body) or a template", field="body", code="required")
        case "task" | "notify" if not p.get("text"):
            raise Invalid("say what is to be done", field="text", code="required")
        case "score" if not p.get("points") or abs(int(p["points"])) > MOST_POINTS:
            raise Invalid("how many points?", field="points", hint=f"1 to {MOST_POINTS}, or less than nothing")
        case "enroll" if not p.get("drip"):
            raise Invalid("into which drip?", field="drip", code="required")
        case "tag" if not p.get("tag"):
            raise Invalid("which tag?", field="tag", code="required")
        case action if action not in ACTIONS:
            raise Invalid(f"'{action}' is no kind of action", field="action", hint="one of: " + ", ".join(ACTIONS))


def _check_condition(c: Condition) -> None:
    said = [key for key in ("count", "consecutive", "daily_for_days") if getattr(c, key) is not None]
    if len(said) != 1:
        hint = "count (with within, same), consecutive, or daily_for_days"
        raise Invalid("when does it go off? Exactly one condition is needed", field="count", code="required", hint=hint)
    most = MOST_DAYS if said[0] == "daily_for_days" else MOST_COUNT
    if not 1 <= int(getattr(c, said[0])) <= most:
        raise Invalid(f"{said[0]} cannot be {getattr(c, said[0])}", field=said[0], hint=f"1 to {most}")
    for key, field in (("within_hours", "within"), ("same", "same")):
        if getattr(c, key) is not None and c.count is None:
            raise Invalid(f"only a count has '{field}'", field=field, hint="leave it empty")


def show_hours(hours: int | None) -> str:
    """Hours as typed: `24h`, `30d`."""
    if not hours:
        return "0h"
    return f"{hours // 24}d" if hours % 24 == 0 and hours > 72 else f"{hours}h"
