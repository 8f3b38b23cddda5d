"""Steps of a drip as people and files write them: one line, or a record (spec §Q 141). Pure; see `drip_steps`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import time
from typing import Any, Final, Literal

from leadtui.errors import Invalid
from leadtui.text import clean_block, clean_line, fold, shorten

from .drip_steps import ALERT, CHANNELS, SOURCE_TYPES, STEP_HELP, TYPES, UNTIL_HELP, DripStep, Until
from .follow_up_times import context_of, parse_delay
from .working_hours import WorkingHours

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,19}")
_CLOCK: Final = re.compile(r"(?:(.*?) )?(\d{1,2}):(\d{2})")
_TAIL: Final = re.compile(r"(.*?)(?:\s+within\s+(\S+))?(?:\s+else\s+(stop|go[ _-]?on))?", re.DOTALL | re.IGNORECASE)
_TEMPLATE: Final = re.compile(r"(\S+)\s+(\S+)\s+template\s+(.+)", re.DOTALL | re.IGNORECASE)


# -- as typed ----------------------------------------------------------------------------------------------------------
def parse_step(text: str, *, field: str = "step") -> DripStep:
    """Read a step as typed, see the module's head. Raises Invalid naming `field`."""
    typed = text.strip()
    template = _TEMPLATE.fullmatch(typed)
    if template and ":" not in template[2]:
        return step_from({"delay": template[1], "type": template[2], "template": template[3]}, field=field)
    head, colon, rest = typed.partition(":")
    words = head.split()
    if not colon or len(words) < 2:
        raise Invalid(f"'{shorten(clean_line(typed[:200], field=field, limit=255), 60)}' is no step", field=field,
                      hint=STEP_HELP)  # fmt: skip
    values: dict[str, Any] = {"delay": words[0], "type": words[1]}
    options = words[2:]
    is_message = fold(words[1]) not in TYPES[1:]
    names = {"by": "channel" if is_message else "context", "for": "to"}
    for name, value in zip(options[::2], options[1::2], strict=False):
        if fold(name) not in names or (is_message and fold(name) == "for"):
            raise Invalid(f"'{name}' is not understood before the colon", field=field, hint=STEP_HELP)
        values[names[fold(name)]] = value
    if len(options) % 2:
        raise Invalid(f"'{options[-1]}' is not understood before the colon", field=field, hint=STEP_HELP)
    said = rest.strip()
    if fold(words[1]) == "wait_until":
        return step_from(values | {"until": said}, field=field)
    if not is_message or "email" in {fold(words[1]), fold(str(values.get("channel", "")))}:
        first, bar, more = said.partition(" | ")
        pair = {"subject": first, "body": more} if bar or not is_message else {"body": said}
        return step_from(values | pair, field=field)
    return step_from(values | {"body": said}, field=field)


def parse_until(text: str, *, field: str = "until") -> Until:
    """Read what is waited for. Raises Invalid."""
    typed = clean_line(text, field=field, limit=500)
    clock = _CLOCK.fullmatch(typed)
    if clock:
        minute = int(clock[2]) * 60 + int(clock[3])
        if int(clock[3]) > 59 or minute >= 24 * 60:
            raise Invalid(f"'{clock[2]}:{clock[3]}' is not a time of day", field=field, hint="00:00 to 23:59")
        days: tuple[int, ...] = ()
        if clock[1] and clock[1].strip():
            hours = WorkingHours.parse(f"{clock[1].replace(',', ' ')} 00:00-24:00", field=field)
            days = tuple(day for day, spans in enumerate(hours.days) if spans)
        return Until("time", days if len(days) < 7 else (), time(minute // 60, minute % 60))
    word, _, rest = typed.partition(" ")
    if fold(word) not in {"status", "where"} or not rest.strip():
        raise Invalid(f"'{shorten(typed, 40)}' is nothing to wait for", field=field, hint=UNTIL_HELP)
    found = _TAIL.fullmatch(rest.strip())
    if found is None or not found[1].strip():
        raise Invalid(f"'{shorten(typed, 40)}' is nothing to wait for", field=field, hint=UNTIL_HELP)
    minutes = int(parse_delay(found[2], field=field).total_seconds() // 60) if found[2] else None
    stops = found[3] is not None and fold(found[3]) == "stop"
    kind: Literal["status", "where"] = "status" if fold(word) == "status" else "where"
    return Until(kind, value=found[1].strip(), timeout_minutes=minutes, on_timeout="stop" if stops else "go_on")


def parse_step_delay(value: Any, *, field: str) -> int:
    """Minutes: `0h`, `now`, `30m`, `48h`, `5d`. Raises Invalid."""
    text = fold(str(value)).strip()
    if text in {"", "now", "0", "0m", "0min", "0h", "0d"}:
        return 0
    return int(parse_delay(text, field=field).total_seconds() // 60)


# -- as data -----------------------------------------------------------------------------------------------------------
_KEYS: Final = {
    "delay", "delay_minutes", "delay_hours", "delayhours", "type", "channel", "subject", "body", "text", "content",
    "template", "templateid", "context", "to", "until", "status", "where", "timeout", "on_timeout", "word",
}  # fmt: skip


def step_from(values: Mapping[str, Any], *, field: str = "step") -> DripStep:
    """A step from a record (TOML, JSON, a form): the keys of `DripStep.as_json`, or the source documents' own.

    Beside `until` as typed, `status` or `where` with `timeout` and `on_timeout` say what is waited for. Raises Invalid
    with `field.key`.
    """
    given = {fold(str(k)).replace("-", "_"): v for k, v in values.items() if v is not None and v != ""}
    for key in given:
        if key not in _KEYS:
            raise Invalid(
                f"a step has no '{shorten(key, 30)}'", field=field, hint="one of: " + ", ".join(sorted(_KEYS))
            )
    kind, channel, word = _kind_of(given, field)
    block = clean_block(str(given.get("body") or given.get("content") or ""), field=f"{field}.body", limit=4096)
    subject = clean_line(str(given.get("subject") or ""), field=f"{field}.subject", limit=255)
    told = str(given.get("text") or "") if not (block or subject) else ""
    if told and kind in {"message", "task", "follow_up"} and not given.get("template") and "until" not in given:
        if kind == "message":
            block = clean_block(told, field=f"{field}.text", limit=4096)
        else:
            subject = clean_line(told, field=f"{field}.text", limit=255)
    return DripStep(
        delay_minutes=_delay_of(given, field), type=kind, channel=channel, subject=subject or None, body=block or None,
        template=clean_line(str(given.get("template") or given.get("templateid") or ""), field=f"{field}.template",
                            limit=100) or None,
        context=context_of(str(given["context"])) if "context" in given else None,
        to=fold(clean_line(str(given.get("to") or ""), field=f"{field}.to", limit=50)) or None,
        until=_until_of(given, field), word=word,
    )  # fmt: skip


def _kind_of(given: Mapping[str, Any], field: str) -> tuple[str, str | None, str | None]:
    """The type, the channel, and the source documents' word for it."""
    typed = fold(str(given.get("type") or "message")).strip().replace("-", "_")
    channel = fold(str(given.get("channel") or "")).strip() or None
    if channel is not None and not _WORD.fullmatch(channel):
        raise Invalid(f"'{shorten(channel, 30)}' is no channel", field=f"{field}.channel",
                      hint="one of: " + ", ".join(CHANNELS))  # fmt: skip
    if typed in TYPES:
        return typed, channel, str(given["word"]) if "word" in given else None
    if typed in SOURCE_TYPES:
        return "message", channel or SOURCE_TYPES[typed] or None, typed if typed == ALERT else None
    if typed in CHANNELS:
        return "message", channel or typed, None
    raise Invalid(
        f"'{shorten(typed, 30)}' is no type of step", field=f"{field}.type",
        hint="one of: " + ", ".join((*TYPES, *CHANNELS, "property_alert")),
    )  # fmt: skip


def _delay_of(given: Mapping[str, Any], field: str) -> int:
    name = f"{field}.delay"
    if "delay" in given:
        return parse_step_delay(given["delay"], field=name)
    for key, factor in (("delay_minutes", 1), ("delay_hours", 60), ("delayhours", 60)):
        if key in given:
            try:
                minutes = round(float(given[key]) * factor)
            except (TypeError, ValueError, OverflowError):
                raise Invalid(f"'{shorten(str(given[key]), 30)}' is no delay", field=name, hint="such as 48h") from None
            if not 0 <= minutes <= 366 * 24 * 60:
                raise Invalid("a delay is at most a year", field=name, hint="such as 30m, 48h or 5d")
            return minutes
    return 0


def _until_of(given: Mapping[str, Any], field: str) -> Until | None:
    if "until" in given:
        return parse_until(str(given["until"]), field=f"{field}.until")
    for kind in ("status", "where"):
        if kind in given:
            wait = f" within {given['timeout']}" if "timeout" in given else ""
            then = " else stop" if fold(str(given.get("on_timeout", ""))).strip() == "stop" else ""
            return parse_until(f"{kind} {given[kind]}{wait}{then}", field=f"{field}.until")
    return None


def steps_from_toml(text: str, *, field: str = "steps") -> tuple[DripStep, ...]:
    """The steps of a file with `[[steps]]` tables, or of one with a step as typed on each line. Raises Invalid."""
    if "[[steps]]" not in text:
        lines = [line.strip() for line in text.splitlines()]
        return tuple(
            parse_step(line, field=f"{field}[{number}]")
            for number, line in enumerate((one for one in lines if one and not one.startswith("#")), 1)
        )
    try:
        found = tomllib.loads(text).get("steps")
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"the steps cannot be read: {error}", field=field, hint="TOML with [[steps]] tables") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Invalid("the file has no steps", field=field, hint="a [[steps]] table for each")
    return tuple(step_from(one, field=f"{field}[{number}]") for number, one in enumerate(found, 1))
