"""The kinds of entry the office screen shows: their columns and the fields of their forms. Data, no screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from leadtui.screens.office_rules import (
    ACTION_NOTE,
    MILESTONE_NOTE,
    TRIGGER_NOTE,
    milestone_specs,
    stage_action_rules,
    stage_action_specs,
    trigger_rules,
    trigger_specs,
)
from leadtui.widgets.columns import Column
from leadtui.widgets.form import FieldSpec, FieldState
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.catalog import Catalog

Specs = Callable[["Catalog", bool], tuple[FieldSpec, ...]]


@dataclass(frozen=True, slots=True)
class Noun:
    """One kind. `specs(catalog, new)` are the fields of its form; `key` is what `services.admin` calls it."""

    key: str
    title: str
    one: str
    columns: tuple[Column, ...]
    specs: Specs
    can_retire: bool = True
    note: str = ""
    rules: Callable[[dict[str, str]], Mapping[str, FieldState]] | None = None
    """Which fields are shown, by what the others say."""


def _always(*specs: FieldSpec) -> Specs:
    return lambda catalog, new: specs


def _pipelines(catalog: Catalog) -> tuple[tuple[str, str], ...]:
    return tuple((pipeline.key, pipeline.name) for pipeline in catalog.pipelines)


NAME = FieldSpec("name", "Name", required=True, max_length=100)
STATE = Column("state", "", 9)


ADDRESSING = (
    ("dynamic", "any of the pool"),
    ("fixed", "one of its own"),
    ("queue", "one of its own, with a simple queue"),
)
"""Where a customer's address comes from."""


def _package(catalog: Catalog, new: bool) -> tuple[FieldSpec, ...]:
    return (
        NAME,
        FieldSpec("monthly", f"Monthly ({catalog.currency})", "money"),
        FieldSpec("installation", f"Installation ({catalog.currency})", "money"),
        FieldSpec("profile", "Router profile", help="its name on routers; p brings it there", max_length=63),
        FieldSpec("speed", "Speed", placeholder="20 Mbps", max_length=40),
        FieldSpec("upload", "Upload", placeholder="5M", help="what the customer can send"),
        FieldSpec("download", "Download", placeholder="20M", help="what the customer can receive"),
        FieldSpec("pool", "Address pool", help="its name on routers", max_length=63),
        FieldSpec("gateway", "Gateway", placeholder="10.20.0.1", help="the router's own address towards customers"),
        FieldSpec("addressing", "Address", "choice", required=True, choices=ADDRESSING),
        FieldSpec("kind", "Kind", placeholder="package", help="package, insurance, unit, property or tour"),
    )


def _status(catalog: Catalog, new: bool) -> tuple[FieldSpec, ...]:
    first = (FieldSpec("pipeline", "Pipeline", "choice", required=True, choices=_pipelines(catalog)),) if new else ()
    return (
        *first,
        FieldSpec("name", "Name", required=True, max_length=50),
        FieldSpec("order", "Place", help="1 is the first of the pipeline"),
        FieldSpec("probability", "Probability", placeholder="0.4", help="from 0 to 1"),
        FieldSpec("sla_hours", "Hours at most", placeholder="72", help="longer here, and a lead counts as rotting"),
        FieldSpec("is_default", "For new leads", "bool"),
        FieldSpec("is_converted", "Means converted", "bool"),
        FieldSpec("is_lost", "Means lost", "bool"),
        FieldSpec("is_parked", "Means for later", "bool"),
        FieldSpec("description", "Description", "line"),
    )


TYPES = (
    ("call", "call"), ("email", "email"), ("meeting", "meeting"), ("site_visit", "site visit"),
    ("whatsapp", "WhatsApp"), ("sms", "SMS"), ("note", "note"), ("quotation", "quotation"), ("other", "other"),
)  # fmt: skip
OUTCOMES = tuple((key, key.replace("_", " ")) for key in ("positive", "neutral", "negative", "follow_up", "no_answer"))
ASKS = (("when", "when the next contact is"), ("reason", "why the lead was lost"), ("note", "a note"))


def _quick_log(catalog: Catalog, new: bool) -> tuple[FieldSpec, ...]:
    first = (FieldSpec("pipeline", "Pipeline", "choice", required=True, choices=_pipelines(catalog)),) if new else ()
    names = dict.fromkeys(s.name for s in catalog.stages if s.is_active and not s.is_converted)
    return (
        *first,
        FieldSpec("name", "Name", required=True, max_length=60),
        FieldSpec("order", "Place", help="its key in work mode"),
        FieldSpec("type", "Logs a", "choice", required=True, choices=TYPES),
        FieldSpec("outcome", "Outcome", "choice", choices=OUTCOMES),
        FieldSpec("subject", "Subject", help="what stands on the timeline; else its name", max_length=255),
        FieldSpec("delay", "Again in", placeholder="4h", help="30m, 4h, 2d: in working hours"),
        FieldSpec("context", "Or by rule", help="a context of the setting follow_up_delays", max_length=40),
        FieldSpec("next_action", "To do then", max_length=255),
        FieldSpec("ask", "Asks", "choice", choices=ASKS),
        FieldSpec("status", "Goes to", "choice", choices=tuple((name, name) for name in names),
                  help="if that is ahead"),
    )  # fmt: skip


def _pipeline(catalog: Catalog, new: bool) -> tuple[FieldSpec, ...]:
    if new:
        return (
            FieldSpec("preset", "Preset", "choice", required=True,
                      choices=tuple((key, f"{key}: {words}") for key, words in PRESETS.items())),
        )  # fmt: skip
    return (
        NAME,
        FieldSpec("is_default", "For new leads", "bool"),
        FieldSpec("require_reason_on_regress", "Reason to go back", "bool", help="a step back wants a reason"),
    )


PRESETS: Mapping[str, str] = {
    "isp": "internet service provider",
    "insurance": "insurance",
    "real-estate": "real estate, with probabilities",
    "estate": "estate agency",
    "travel": "travel agency, with loan promises",
}
"""The pipelines that can be added; the data lies in `leadtui/presets`."""

NOUNS: tuple[Noun, ...] = (
    Noun(
        "package", "Packages", "package",
        (Column("name", "Name", 22, min_width=18, grow=2), Column("monthly", "Monthly", 12, min_width=9, align="right"),
         Column("installation", "Installation", 12, min_width=12, align="right"),
         Column("profile", "Profile", 12, min_width=7, drop=1),
         Column("rates", "Up/down", 10, min_width=9, drop=2), STATE),
        _package,
    ),
    Noun(
        "source", "Sources", "source",
        (Column("name", "Name", 24, grow=1), Column("aliases", "Also written", 24, grow=1), STATE),
        _always(NAME, FieldSpec("aliases", "Also written", help="other spellings in files, with commas between them"),
                FieldSpec("description", "Description")),
    ),
    Noun(
        "status", "Statuses", "status",
        (Column("pipeline", "Pipeline", 12, drop=1), Column("order", "#", 2, align="right"),
         Column("name", "Name", 24, min_width=21, grow=1), Column("probability", "Chance", 6, align="right"),
         Column("sla_hours", "Hours", 5, align="right", drop=2), Column("meaning", "Means", 20), STATE),
        _status,
    ),
    Noun(
        "pipeline", "Pipelines", "pipeline",
        (Column("key", "Key", 12), Column("name", "Name", 24, grow=1), Column("meaning", "", 26), STATE),
        _pipeline,
        note="Another pipeline comes from a preset, with its statuses, sources and products.",
    ),
    Noun(
        "quick_log", "Quick logs", "quick log",
        (Column("pipeline", "Pipeline", 11, min_width=9, drop=1), Column("order", "#", 2, align="right"),
         Column("name", "Name", 16, min_width=15, grow=1), Column("type", "Logs", 10, min_width=9, drop=3),
         Column("outcome", "Outcome", 10, min_width=9, drop=2), Column("next", "Next", 16, min_width=16, grow=1),
         Column("status", "Goes to", 14, min_width=14), Column("ask", "Asks", 6), STATE),
        _quick_log,
        note="One key each, in work mode and in the log dialog.",
    ),
    Noun(
        "stage_action", "Stage actions", "stage action",
        (Column("pipeline", "Pipeline", 11, min_width=9, drop=1), Column("status", "At", 21, min_width=15),
         Column("name", "Name", 20, min_width=18, grow=2), Column("does", "Makes", 25, min_width=25, grow=1), STATE),
        stage_action_specs,
        note=ACTION_NOTE,
        rules=stage_action_rules,
    ),
    Noun(
        "trigger", "Triggers", "trigger",
        (Column("name", "Name", 24, min_width=18, grow=2), Column("when", "When", 30, min_width=22, grow=2),
         Column("does", "Makes", 24, min_width=18, grow=1), Column("cooldown", "Not again", 9, 9, drop=1), STATE),
        trigger_specs,
        note=TRIGGER_NOTE,
        rules=trigger_rules,
    ),
    Noun(
        "milestone", "Milestones", "milestone",
        (Column("name", "Name", 20, min_width=16, grow=1), Column("condition", "When", 40, min_width=30, grow=3),
         STATE),
        milestone_specs,
        note=MILESTONE_NOTE,
    ),
    Noun("tag", "Tags", "tag", (Column("name", "Name", 30, grow=1), STATE),
         _always(FieldSpec("name", "Name", required=True, max_length=50))),
    Noun(
        "branch", "Branches", "branch",
        (Column("name", "Name", 24, grow=1), Column("organization", "Organisation", 24, grow=1), STATE),
        _always(NAME, FieldSpec("organization", "Organisation", max_length=100)),
    ),
    Noun(
        "person", "People", "person",
        (Column("name", "Name", 26, grow=1), Column("phone", "Phone", 18), STATE),
        _always(FieldSpec("name", "Name", required=True, max_length=255),
                FieldSpec("phone", "Phone", "phone", placeholder=" ")),
        note="People who bring leads in.",
    ),
    Noun("lost_reason", "Reasons", "reason for losing", (Column("name", "Name", 40, grow=1), STATE), _always(NAME)),
    Noun("team", "Teams", "team", (Column("name", "Name", 40, grow=1), STATE), _always(NAME)),
    Noun(
        "setting", "Settings", "setting",
        (Column("name", "Setting", 17), Column("value", "Value", 15),
         Column("meaning", "", 38, min_width=20, grow=1, drop=1)),
        _always(FieldSpec("value", "Value")),
        can_retire=False,
    ),
)  # fmt: skip

SETTINGS: Mapping[str, str] = {
    "country": "phones without + are read as of this country (KE, IN …)",
    "currency": "the one currency (KES, INR …); kept amounts are not converted",
    "timezone": "days begin and end by this clock (Africa/Nairobi)",
    "phone_unique": "block, warn or off: may two leads have one phone?",
    "number_prefix": "lead numbers begin with it",
    "number_period": "month or year: when numbers begin at 1 again",
    "default_source": "the source of leads typed in by staff",
    "page_size": "rows of a page on the command line",
    "quiet_hours": "no messages between these hours",
    "consent": "required, or unless_refused: who may be written to",
    "score_qualified": "from this score on a lead counts as qualified",
    "score_hot": "from this score on a lead counts as hot",
    "stage_word": "what a status is called on screen",
    "never_online_days": "a new customer not online for so many days is listed",
    "working_hours": "when follow-ups may lie: mon-fri 08:00-18:00, sat 09:00-13:00",
    "holidays": "days without work: 2026-12-25, or 12-26 for every year",
    "follow_up_delays": "how long to wait, by context; default for all others",
    "escalate_after": "day: late from the next day on; or minutes after the time",
    "alert_after_minutes": "an unseen reminder goes to the person's alert addresses; 0: never",
    "digest_at": "when each morning's list is sent; empty: never",
    "scheduler": "any: screens do the work where no worker lives; worker-only: never",
    "frequency_cap": "messages a day to one lead that no person wrote; 0: no limit",
    "stop_words": "who answers one of these wants no more messages",
    "start_grace_minutes": "a campaign that is so many minutes late asks before it starts",
    "max_failures": "so many failures one after another pause a campaign; 0: never",
    "orchestration": "how a lead is reached: channels 2, delay 24h",
    "company": "what {company} is in messages to leads",
    "router_poll_minutes": "how often routers are asked for their load; 0: never",
}
"""What the settings mean; the order they are shown in. Others follow, without words."""

MAY_BE_EMPTY = frozenset({"working_hours", "holidays", "quiet_hours", "digest_at", "company"})
"""Settings where nothing is an answer: at any time, none, never."""


def meaning(row: Mapping[str, Any]) -> str:
    """The flags of a status or pipeline in words."""
    words = (
        ("is_default", "for new leads"), ("is_converted", "converted"), ("is_lost", "lost"), ("is_parked", "for later"),
        ("require_reason_on_regress", "reason to go back"),
    )  # fmt: skip
    return ", ".join(text for key, text in words if row.get(key))


def cell_text(row: Mapping[str, Any], key: str) -> str:
    """The text of a cell."""
    if key == "state":
        return "" if row.get("is_active", True) else "retired"
    if key == "next":
        return one_line(row.get("delay") or (str(row.get("context") or "").replace("_", " ")))
    if key in {"type", "outcome"}:
        return one_line(str(row.get(key) or "").replace("_", " "))
    if key == "meaning":
        return one_line(row.get("meaning") or meaning(row))
    if key == "rates":
        given = row.get("upload") and row.get("download")
        return f"{row['upload']}/{row['download']}" if given else one_line(row.get("speed") or "")
    value = row.get(key)
    if key in ("monthly", "installation") and value:
        return f"{Decimal(str(value)):,}"
    if key == "probability" and isinstance(value, (int, float)):
        return f"{value:.0%}"
    if isinstance(value, (list, tuple)):
        return one_line(", ".join(map(str, value)))
    return "" if value is None else one_line(value)


def form_values(row: Mapping[str, Any]) -> dict[str, str]:
    """A record as the form holds it."""
    values: dict[str, str] = {}
    for key, value in row.items():
        if isinstance(value, bool):
            values[key] = "yes" if value else ""
        elif isinstance(value, (list, tuple)):
            values[key] = ", ".join(map(str, value))
        else:
            values[key] = "" if value is None else str(value)
    return values
