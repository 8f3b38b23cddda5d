"""The forms of a drip: what is said of it, and one of its steps. They answer values; nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from leadtui.domain.drips import DripDetail, DripStep, EnrollRule, step_from
from leadtui.errors import LeadtuiError
from leadtui.screens.record_form import RecordForm
from leadtui.widgets.form import FieldSpec, FieldState

TYPES: Final = (
    ("message", "a message"), ("task", "a task"), ("follow_up", "a follow-up"), ("wait_until", "wait until"),
)  # fmt: skip
CHANNELS: Final = (
    ("whatsapp", "WhatsApp, whichever way"), ("whatsapp_cloud", "WhatsApp Cloud"), ("whatsapp_web", "WhatsApp Web"),
    ("manual", "by hand"), ("sms", "SMS"), ("email", "email"), ("http", "HTTP"), ("file", "file"),
)  # fmt: skip
ENROLL: Final = "created, or status:Interested; empty: by hand"


def about_values(found: DripDetail) -> dict[str, str]:
    """What is said of a drip, as its form holds it."""
    one = found.drip
    return {
        "name": one.name, "description": one.description or "", "channel": one.channel, "subject": one.subject or "",
        "enroll": one.enroll.text, "enroll_where": one.enroll.where or "", "quiet_hours": one.quiet_hours or "",
    }  # fmt: skip


def about_form(values: Mapping[str, str], *, new: bool = True) -> RecordForm:
    """Name, channel, who comes in. Answers the values; nothing is written yet."""
    specs = (
        FieldSpec("name", "Name", required=True, max_length=255),
        FieldSpec("description", "For", max_length=2000, help="what it is for, in your words"),
        FieldSpec("channel", "Messages by", "choice", choices=CHANNELS, help="where a step says nothing else"),
        FieldSpec("subject", "Subject", max_length=255, help="of mails whose step has none"),
        FieldSpec("enroll", "Comes in", max_length=120, placeholder="by hand", help=ENROLL),
        FieldSpec("enroll_where", "Only", max_length=1000, placeholder="source:Website", help="leads of this filter"),
        FieldSpec("quiet_hours", "Quiet", max_length=60, placeholder="21:00-08:00", help="empty: the office's"),
    )

    def check(typed: dict[str, str]) -> dict[str, str]:
        now = {**values, **typed}
        EnrollRule.parse(now.get("enroll"), now.get("enroll_where"))
        return typed

    return RecordForm("New drip" if new else "Drip", specs, values, check, new=new)


def step_form(step: DripStep | None, templates: Sequence[str]) -> RecordForm:
    """A step: when, what, and what belongs to that. Answers {"step": DripStep}."""
    names = tuple((name, name) for name in templates)
    specs = (
        FieldSpec("delay", "After", placeholder="at once", help="30m, 48h, 5d: since the step before", max_length=20),
        FieldSpec("type", "What", "choice", required=True, choices=TYPES),
        FieldSpec("channel", "By", "choice", choices=CHANNELS, help="empty: the drip's own"),
        FieldSpec("template", "Template", "choice", choices=names, help="or the text below"),
        FieldSpec("until", "Wait for", max_length=500, help="mon-fri 09:00 · status Interested within 7d else stop"),
        FieldSpec("subject", "Subject", max_length=255, help="what is to be done; of a mail its subject"),
        FieldSpec("to", "For", max_length=50, placeholder="assignee", help="assignee, manager, a role, a login"),
        FieldSpec("context", "By rule", max_length=40, help="a context of the setting follow_up_delays"),
        FieldSpec("body", "Text", "block", max_length=4096, help="{first_name|there} and the other placeholders"),
    )
    given = {key: str(value) for key, value in (step.as_json() if step is not None else {}).items() if value}
    values = {spec.key: given.get(spec.key, "") for spec in specs}
    if step is None:
        values |= {"type": "message", "delay": "0h"}

    def read(changed: dict[str, str]) -> dict[str, DripStep]:
        now = {**values, **changed}
        shown = rules(now)
        kept = {key: text for key, text in now.items() if text.strip() and (key not in shown or shown[key].visible)}
        try:
            return {"step": step_from(kept)}
        except LeadtuiError as error:
            error.field = (error.field or "").rpartition(".")[2] or None
            raise

    return RecordForm("New step" if step is None else "Step", specs, values, read, new=False, rules=rules)


def rules(values: Mapping[str, str]) -> dict[str, FieldState]:
    """What belongs to the type of step."""
    kind = values.get("type") or "message"
    is_message, is_wait, is_task = kind == "message", kind == "wait_until", kind in ("task", "follow_up")
    has_subject = is_task or (is_message and values.get("channel", "") in ("", "email", "http", "file"))
    return {
        "channel": FieldState(False, is_message),
        "template": FieldState(False, is_message),
        "until": FieldState(is_wait, is_wait),
        "subject": FieldState(is_task, has_subject and not (is_message and bool(values.get("template")))),
        "to": FieldState(False, is_task),
        "context": FieldState(False, is_task),
        "body": FieldState(False, not is_wait and not (is_message and bool(values.get("template")))),
    }
