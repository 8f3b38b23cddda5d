"""What a drip is made of, as typed, checked into columns; its steps checked against the office (spec §Q 141)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from leadtui.channels import registry
from leadtui.domain import templates as texts
from leadtui.domain.drips import DripStep, EnrollRule, Until, check_steps
from leadtui.domain.working_hours import QuietHours
from leadtui.errors import Duplicate, Invalid, NotPermitted
from leadtui.store import schema as t
from leadtui.store.presets import slug
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import clean_block, clean_line, fold

from . import automatic
from . import templates as kept
from .campaign_editing import MOST_PER_MINUTE, PER_MINUTE
from .catalogue_values import whom_of
from .drip_events import check_filter
from .drip_rows import live
from .settings import whole_number

KEYS: Final = (
    "name", "key", "description", "channel", "subject", "enroll", "enroll_where", "quiet_hours", "per_minute", "out",
    "draft",
)  # fmt: skip
"""What a drip is told, as typed, beside its steps."""


def columns_of(tx: ReadTx, values: Mapping[str, Any], row: Mapping[Any, Any] | None) -> dict[str, Any]:
    """The columns that typed values mean for a new drip, or for `row`. Raises Invalid with its field, Duplicate."""
    for key in values:
        if key not in KEYS:
            raise Invalid(f"a drip has no '{key[:40]}'", field=key[:40], hint="one of: " + ", ".join(KEYS))
    given = {key: str(value).strip() if value is not None else "" for key, value in values.items()}
    columns: dict[str, Any] = {}
    if "name" in given or row is None:
        columns["name"] = _name(tx, given.get("name", ""), row)
    if row is None:
        columns["key"] = _free_key(tx, given.get("key") or columns["name"])
        columns |= {"per_minute": PER_MINUTE, "channel": "whatsapp", "subject": None, "quiet_hours": None}
    if "description" in given:
        columns["description"] = clean_block(given["description"], field="description", limit=2000) or None
    if "channel" in given:
        columns["channel"] = channel_word(given["channel"] or "whatsapp")
    if "subject" in given:
        columns["subject"] = _line(tx, given["subject"], "subject")
    if "quiet_hours" in values:  # None: the office's; "" or never: none
        said = None if values["quiet_hours"] is None else given["quiet_hours"]
        never = said is not None and fold(said) in {"never", "none", "no"}
        columns["quiet_hours"] = None if said is None else "" if never else str(QuietHours.parse(said))
    if "per_minute" in given:
        number = whole_number(given["per_minute"], "per_minute") if given["per_minute"] else PER_MINUTE
        if not 1 <= number <= MOST_PER_MINUTE:
            raise Invalid(f"{number} a minute cannot be", field="per_minute", hint=f"1 to {MOST_PER_MINUTE:,}")
        columns["per_minute"] = number
    if row is None or {"enroll", "enroll_where", "out"} & given.keys():
        columns["options_json"] = _options(tx, given, row)
    return columns


def _name(tx: ReadTx, typed: str, row: Mapping[Any, Any] | None) -> str:
    name = clean_line(typed, field="name", limit=255)
    if not name:
        raise Invalid("a drip needs a name", field="name", code="required")
    c = t.campaign.c
    for one in tx.conn.execute(select(c.id, c.name).where(live())):
        if fold(one.name) == fold(name) and (row is None or one.id != row["id"]):
            raise Duplicate(f"there is a drip '{one.name}' already", field="name")
    return name


def _free_key(tx: ReadTx, wanted: str) -> str:
    """A key that no campaign has or had."""
    base = slug(wanted)[:50] or "drip"
    c = t.campaign.c
    taken = set(tx.conn.execute(select(c.key).where(c.key.startswith(base, autoescape=True))).scalars())
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    return key


def _options(tx: ReadTx, given: Mapping[str, str], row: Mapping[Any, Any] | None) -> dict[str, Any]:
    options = dict((row or {}).get("options_json") or {})
    if "out" in given:
        options["out"] = str(Path(given["out"]).expanduser().absolute()) if given["out"] else None
    if row is None or {"enroll", "enroll_where"} & given.keys():
        had = EnrollRule.of(options)
        rule = EnrollRule.parse(given.get("enroll", had.text), given.get("enroll_where", had.where))
        options["enroll"] = _checked(tx, rule).as_option()
    return {key: value for key, value in options.items() if value}


def _checked(tx: ReadTx, rule: EnrollRule) -> EnrollRule:
    """The rule, its status by its key. A rule acts on the leads of all, so whoever sets one may do so."""
    check_filter(rule.where, field="enroll_where")
    if rule.on is not None and tx.actor.scope("campaign") != "all":
        raise NotPermitted("a drip that takes leads by itself takes those of everybody", field="enroll",
                           hint="enroll yours by hand")  # fmt: skip
    if rule.on != "status":
        return rule
    found = tx.catalog.find_stages(rule.status or "")
    if not found:
        stage = tx.catalog.find_stage(rule.status or "", tx.catalog.default_pipeline.id, field="enroll")
        found = [stage]
    if found[0].is_lost or found[0].is_converted:
        raise Invalid(f"a drip ends for a lead that is '{found[0].name}'", field="enroll")
    one = len({stage.pipeline_id for stage in found}) == 1
    pipeline = tx.catalog.pipeline_by_id[found[0].pipeline_id].key if one else None
    return EnrollRule("status", found[0].key, pipeline, rule.where)


def _line(tx: ReadTx, typed: str, field: str) -> str | None:
    line = clean_line(typed, field=field, limit=255)
    texts.parse(line, hidden=tx.actor.hidden_fields, field=field)
    return line or None


def channel_word(typed: str, *, field: str = "channel") -> str:
    """A channel by its name, or `whatsapp` for whichever way of WhatsApp the office has. Raises Invalid."""
    word = fold(typed).strip().replace("-", "_")
    if word != "whatsapp" and word not in registry.names():
        hint = "one of: " + ", ".join(("whatsapp", *registry.names()))
        raise Invalid(f"there is no channel '{clean_line(typed[:40], field=field, limit=40)}'", field=field, hint=hint)
    return word


# -- steps -------------------------------------------------------------------------------------------------------------
def checked_steps(tx: ReadTx, steps: Sequence[DripStep], *, channel: str, subject: str | None) -> dict[str, int]:
    """Check steps against the office: texts, templates, channels, people, statuses, filters.

    Answers the ids of the templates they name. Raises Invalid whose field names the step: `steps[2].body`.
    """
    check_steps(steps, channel=channel, subject=subject)
    found: dict[str, int] = {}
    for number, one in enumerate(steps, 1):
        where = f"steps[{number}]"
        word = channel_word(one.channel, field=f"{where}.channel") if one.channel else channel
        for text, field in ((one.subject, "subject"), (one.body, "body")):
            texts.parse(text or "", hidden=tx.actor.hidden_fields, field=f"{where}.{field}")
        if one.to:
            whom_of(tx, one.to, f"{where}.to")
        if one.until is not None:
            _check_until(tx, one.until, f"{where}.until")
        if one.template:
            found[one.template] = template_id(tx, one.template, word, f"{where}.template")
    return found


def template_id(tx: ReadTx, name: str, word: str, field: str) -> int:
    """The id of the template of this name, if it is for this channel. Raises Invalid naming `field`."""
    try:
        row = kept.find(tx, name)
    except Invalid as error:
        raise Invalid(error.message, field=field, hint=error.hint) from error
    if row["channel"] is not None and row["channel"] not in (word, *automatic.candidates(word)):
        raise Invalid(f"the template '{row['name']}' is for {row['channel']}, not for {word}", field=field)
    return int(row["id"])


def _check_until(tx: ReadTx, until: Until, field: str) -> None:
    if until.kind == "where":
        check_filter(until.value, field=field)
    elif until.kind == "status" and not tx.catalog.find_stages(until.value or ""):
        tx.catalog.find_stage(until.value or "", tx.catalog.default_pipeline.id, field=field)
