"""Writing a campaign before it runs: create, edit, copy, put away, set its time (spec §P 125–130)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from leadtui.channels import registry
from leadtui.domain.campaigns import BROADCAST, CampaignDone, CampaignRow, check_move
from leadtui.domain.dates import local_day, parse_when
from leadtui.domain.templates import MOST_CHARS, parse
from leadtui.domain.working_hours import QuietHours
from leadtui.errors import IllegalMove, Invalid, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import clean_block, clean_line

from . import audience, campaign_files, templates
from . import lead_writes as w
from .campaign_rows import ENTITY, Row, change, check_version, found, row_of
from .office import Office

PER_MINUTE: Final = 60
MOST_PER_MINUTE: Final = 6_000
RETRIES: Final = 3
MOST_RETRIES: Final = 20
MOST_DAILY: Final = 1_000_000

KEYS: Final = (
    "name", "template", "template_name", "template_id", "channel", "subject", "description", "where", "criteria",
    "attachment", "per_minute", "retries", "no_retry", "quiet_hours", "daily", "out", "skip_missing", "provider", "at",
)  # fmt: skip
"""What a campaign is told, as typed."""

_EDITABLE: Final = ("draft", "scheduled")


def create(office: Office, values: Mapping[str, Any], *, dry_run: bool = False) -> CampaignDone:
    """Write a new campaign, a draft; with `at` it is scheduled at once. Values are those of KEYS, as typed.

    Raises Invalid naming the key (and for a text its column), FilterError for the audience, NotPermitted.
    """
    kept = _keep_file(office, values, None, dry_run=dry_run)
    try:
        with office.write() as tx:
            columns = columns_of(tx, values) | kept
            made = _insert(tx, columns, f"campaign {columns['name']}")
            warnings = _set_time(tx, found(tx, made), str(values["at"])) if values.get("at") else ()
            done = CampaignDone(row_of(tx, made), None if dry_run else tx.batch_id, warnings, dry_run)
            if dry_run:
                raise _Looked(done)
    except _Looked as looked:
        return looked.done
    return done


class _Looked(Exception):
    """Takes a transaction back that only showed what it would do."""

    def __init__(self, done: CampaignDone) -> None:
        super().__init__()
        self.done = done


def edit(office: Office, ref: str | int, values: Mapping[str, Any], *, version: int | None = None) -> CampaignDone:
    """Change a draft or a scheduled campaign: what is named in `values`; "" takes back to the default.

    Raises as `create` does; NotFound, EditedElsewhere, and IllegalMove once it was started.
    """
    with office.read() as tx:
        channel = templates.channel_name(str(values["channel"])) if values.get("channel") else found(tx, ref)["channel"]
    kept = _keep_file(office, values, channel)
    with office.write() as tx:
        row = found(tx, ref)
        check_version(tx, row, version)
        if row["status"] not in _EDITABLE:
            hint = "copy it, and edit the copy: leadtui campaign copy"
            raise IllegalMove(f"a campaign that is {row['status']} is not edited any more", field="status", hint=hint)
        columns = columns_of(tx, values, row) | kept
        _check_file(columns, row)
        tx.open_batch(ENTITY, f"campaign {columns.get('name') or row['name']}: edit")
        change(tx, row, columns, "edit")
        warnings: tuple[str, ...] = ()
        if values.get("at"):
            warnings = _set_time(tx, found(tx, row["id"]), str(values["at"]))
        elif "at" in values and row["status"] == "scheduled":
            change(tx, found(tx, row["id"]), {"status": "draft", "scheduled_at": None}, "unschedule")
        return CampaignDone(row_of(tx, row["id"]), tx.batch_id, warnings)


def copy(office: Office, ref: str | int, name: str | None = None) -> CampaignDone:
    """A new draft like this one, in whatever status it is."""
    with office.write() as tx:
        row = found(tx, ref)
        options = {key: (row["options_json"] or {}).get(key) for key in ("out", "skip_missing")}
        same = (
            "description", "channel", "subject", "template", "template_id", "provider_json", "attachment_path",
            "attachment_name", "attachment_type", "where_text", "criteria_json", "per_minute", "auto_retry",
            "max_retries", "daily_unique", "quiet_hours",
        )  # fmt: skip
        title = clean_line(name or f"Copy of {row['name']}"[:255], field="name", limit=255)
        columns = {key: row[key] for key in same} | {
            "name": title, "options_json": {key: value for key, value in options.items() if value},
        }  # fmt: skip
        made = _insert(tx, columns, f"campaign {title}")
        return CampaignDone(row_of(tx, made), tx.batch_id)


def delete(office: Office, ref: str | int, *, dry_run: bool = False) -> CampaignDone:
    """Put a campaign away. What was sent stays on the leads' timelines and in their messages.

    Raises Refused while it is being sent or stands still: it is called off first.
    """
    if dry_run:
        with office.read() as tx:
            return CampaignDone(_deletable(tx, found(tx, ref)), dry_run=True)
    with office.write() as tx:
        row = found(tx, ref)
        shown = _deletable(tx, row)
        tx.open_batch(ENTITY, f"campaign {row['name']}: delete")
        change(tx, row, {"deleted_at": tx.now}, "delete")
        return CampaignDone(shown, tx.batch_id)


def _deletable(tx: ReadTx, row: Row) -> CampaignRow:
    shown = row_of(tx, row["id"])
    if shown.can_delete:
        return shown
    raise Refused(
        f"'{row['name']}' is {row['status']}: call it off first", code="running", field="status",
        hint="leadtui campaign cancel" if shown.is_paused else "leadtui campaign pause, then cancel",
    )  # fmt: skip


def schedule(office: Office, ref: str | int, at: str, *, version: int | None = None) -> CampaignDone:
    """Let it start by itself at a time (`fri 9:00`, `+2h`); a day alone begins when its quiet hours are over.

    A time that has passed is taken with a warning: it is due at once, or missed. Raises Invalid (`at`), IllegalMove.
    """
    with office.write() as tx:
        row = found(tx, ref)
        check_version(tx, row, version)
        tx.open_batch(ENTITY, f"campaign {row['name']}: schedule")
        warnings = _set_time(tx, row, at)
        return CampaignDone(row_of(tx, row["id"]), tx.batch_id, warnings)


def unschedule(office: Office, ref: str | int) -> CampaignDone:
    """Take its time away: it is a draft again. Raises IllegalMove."""
    with office.write() as tx:
        row = found(tx, ref)
        check_move(row["status"], "draft")
        tx.open_batch(ENTITY, f"campaign {row['name']}: unschedule")
        change(tx, row, {"status": "draft", "scheduled_at": None}, "unschedule")
        return CampaignDone(row_of(tx, row["id"]), tx.batch_id)


def _set_time(tx: WriteTx, row: Row, at: str) -> tuple[str, ...]:
    """Schedule a locked campaign; warnings."""
    if row["status"] != "scheduled":
        check_move(row["status"], "scheduled")
    due = _due(tx, row, at)
    options = {**(row["options_json"] or {}), "acting": tx.actor.user_id}
    change(tx, row, {"status": "scheduled", "scheduled_at": due, "options_json": options}, "schedule")
    return ("the time lies in the past: it is due now",) if due < tx.now else ()


def _due(tx: ReadTx, row: Row, at: str) -> datetime:
    when = parse_when(at, tz=tx.catalog.tz, now=tx.now, field="at")
    if not when.all_day:
        return when.at
    quiet = QuietHours.parse(row["quiet_hours"] if row["quiet_hours"] is not None else _office_quiet(tx))
    begin = quiet.next_open(when.at, tx.catalog.tz) or when.at
    return max(begin, tx.now) if when.day == local_day(tx.now, tx.catalog.tz) else begin


def _office_quiet(tx: ReadTx) -> str:
    return str(tx.catalog.settings.get("quiet_hours") or "")


# -- what was typed ------------------------------------------------------------------------------------------------
def _insert(tx: WriteTx, columns: Mapping[str, Any], label: str) -> int:
    tx.open_batch(ENTITY, label)
    values = {"options_json": None, **columns, "kind": BROADCAST, "status": "draft"}
    stamp = {
        "created_by_id": tx.actor.user_id, "created_at": tx.now, "updated_at": tx.now, "failure_streak": 0,
        "current_version": 1, "version": 1,
    }  # fmt: skip
    new_id = insert_id(tx.conn, t.campaign, **values, **stamp)
    tx.audit("create", ENTITY, new_id, None, values)
    return new_id


def columns_of(tx: ReadTx, values: Mapping[str, Any], row: Row | None = None) -> dict[str, Any]:
    """What was typed as columns of a campaign; those of a new one (`row` None) with their defaults. Raises Invalid."""
    w.require(tx, "campaign")
    for key in values:
        if key not in KEYS:
            raise Invalid(
                f"a campaign has no '{str(key)[:40]}'", field=str(key)[:40], hint="one of: " + ", ".join(KEYS)
            )
    columns = _texts(tx, values, row) | _audience(tx, values) | _manner(values)
    options = _options(values, columns.get("channel") or (row or {}).get("channel"), row)
    if options is not None:
        columns["options_json"] = options
    if row is None:
        defaults = {"channel": "file", "per_minute": PER_MINUTE, "auto_retry": True, "max_retries": RETRIES}
        columns = defaults | columns
    for key, label in (("name", "a name"), ("template", "a text")):
        if (row is None or key in columns) and not columns.get(key):
            raise Invalid(f"a campaign needs {label}", field=key)
    return columns


def _texts(tx: ReadTx, values: Mapping[str, Any], row: Row | None) -> dict[str, Any]:
    hidden, columns = tx.actor.hidden_fields, dict[str, Any]()
    if "name" in values:
        columns["name"] = clean_line(_text(values["name"]), field="name", limit=255)
    if "description" in values:
        columns["description"] = clean_block(_text(values["description"]), field="description", limit=2000) or None
    if "channel" in values:
        columns["channel"] = templates.channel_name(_text(values["channel"]) or "file")
    kept = values.get("template_id") or values.get("template_name")
    if kept:
        known = templates.find(tx, kept)
        columns |= {
            "template": known["body"], "subject": known["subject"], "template_id": known["id"],
            "provider_json": known["provider_json"],
        }  # fmt: skip
    if values.get("template") is not None:
        body = clean_block(_text(values["template"]), field="template", limit=MOST_CHARS)
        if kept is None and (row is None or body != row["template"]):
            columns |= {"template_id": None}
        columns["template"] = body
    if "subject" in values:
        columns["subject"] = clean_line(_text(values["subject"]), field="subject", limit=255) or None
    if "provider" in values:
        columns["provider_json"] = templates.provider_json(values["provider"], hidden)
    parse(columns.get("template") or "", hidden=hidden)
    parse(columns.get("subject") or "", hidden=hidden, field="subject")
    return columns


def _audience(tx: ReadTx, values: Mapping[str, Any]) -> dict[str, Any]:
    if "where" not in values and "criteria" not in values:
        return {}
    where = values.get("where")
    node, typed, criteria = audience.node_of(
        tx.catalog, tx.actor, None if where is None else str(where), values.get("criteria")
    )
    audience.condition(tx, node)  # names that name nothing are refused now, not when it starts
    return {"where_text": typed, "criteria_json": criteria}


def _manner(values: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "per_minute" in values:
        columns["per_minute"] = _number(values["per_minute"], "per_minute", 1, MOST_PER_MINUTE) or PER_MINUTE
    if "retries" in values:
        most = _number(values["retries"], "retries", 0, MOST_RETRIES)
        columns["max_retries"] = RETRIES if most is None else most
    if "no_retry" in values:
        columns["auto_retry"] = not _truth(values["no_retry"], "no_retry")
    if "daily" in values:
        columns["daily_unique"] = _number(values["daily"], "daily", 1, MOST_DAILY)
    if "quiet_hours" in values:
        word = None if values["quiet_hours"] is None else str(values["quiet_hours"]).strip().lower()
        if word in {None, "office"}:
            columns["quiet_hours"] = None
        else:
            columns["quiet_hours"] = str(QuietHours.parse("" if word in {"never", "none", "off"} else word or ""))
    return columns


def _options(values: Mapping[str, Any], channel: str | None, row: Row | None) -> dict[str, Any] | None:
    if "out" not in values and "skip_missing" not in values:
        return {} if row is None else None
    options = dict((row or {}).get("options_json") or {})
    if "out" in values:
        out = _text(values["out"])
        if out and channel not in {"file", None}:
            raise Invalid(f"only the channel file writes to a file, not {channel}", field="out")
        options["out"] = str(Path(out).expanduser().absolute()) if out else None
    if "skip_missing" in values:
        options["skip_missing"] = _truth(values["skip_missing"], "skip_missing")
    return {key: value for key, value in options.items() if value}


def _keep_file(
    office: Office, values: Mapping[str, Any], channel: str | None, *, dry_run: bool = False
) -> dict[str, Any]:
    """The columns of the file that goes along, copied in before the transaction; nothing where none was named."""
    if "attachment" not in values:
        return {}
    path = str(values["attachment"] or "").strip()
    if not path:
        return {"attachment_path": None, "attachment_name": None, "attachment_type": None}
    with office.read() as tx:
        w.require(tx, "campaign")
    kept = campaign_files.keep(
        office, path, channel or templates.channel_name(_text(values.get("channel")) or "file"), dry_run=dry_run
    )
    return {"attachment_path": kept.path, "attachment_name": kept.name, "attachment_type": kept.type}


def _check_file(columns: Mapping[str, Any], row: Row) -> None:
    """A file that was there already must go with a channel that is new."""
    now = {**row, **columns}
    if (
        now["attachment_path"]
        and "channel" in columns
        and not campaign_files.takes(now["channel"], now["attachment_type"])
    ):
        media = registry.caps(now["channel"]).media
        hint = ", ".join(media) if media else "leave the file out"
        raise Invalid(f"{now['channel']} does not take {now['attachment_type']}", field="attachment", hint=hint)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _number(value: Any, key: str, low: int, high: int) -> int | None:
    """A whole number as typed; None where nothing was. Raises Invalid."""
    text = _text(value).replace(",", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise Invalid(f"{key.replace('_', ' ')} cannot be '{text[:20]}'", field=key, hint=f"{low:,} to {high:,}")
    return int(text)


def _truth(value: Any, key: str) -> bool:
    if isinstance(value, bool):
        return value
    word = _text(value).lower()
    if word in {"", "no", "false", "0", "off"}:
        return False
    if word in {"yes", "true", "1", "on"}:
        return True
    raise Invalid(f"{key.replace('_', ' ')} cannot be '{word[:20]}'", field=key, hint="yes or no")
