"""Channels as a list and a form show them: state, limits, everything known, the fields to set one up. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from textual.content import Content

from leadtui import clock
from leadtui.widgets.form import FieldSpec, FieldState
from leadtui.widgets.lead_cells import moment
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.channels.port import Setting
    from leadtui.services.channels import ChannelRow

LIMITS: Final = (
    FieldSpec("per_minute", "A minute", group="Limits", help="messages at most; 0: no limit; empty: the channel's own"),
    FieldSpec("daily", "Leads a day", group="Limits", help="different leads in 24 hours; 0: no limit"),
    FieldSpec("gap", "Gap (seconds)", group="Limits", help="between two messages to one address"),
    FieldSpec("price", "Price", group="Limits", help="of one message, of one part of an SMS: for the rehearsal"),
)
OWN: Final = {"per_minute": "per_minute", "daily": "daily_unique", "gap": "gap_s"}


def state_of(one: ChannelRow) -> tuple[str, str]:
    """The state with its sign, and the style."""
    if one.stopped_code is not None:
        return "! stopped", "error"
    if not one.is_active:
        return "– off", "muted"
    if one.ready:
        return "● ready", "success"
    if not one.installed:
        return "○ not there", "muted"
    return "○ not set up" if not one.is_set_up else "× not ready", "muted" if not one.is_set_up else "warning"


def limit_words(one: ChannelRow) -> str:
    """The limits in force: "60/min · 30 a day · 6 s gap"."""
    parts = [f"{one.per_minute:,}/min" if one.per_minute else "", f"{one.daily_unique:,} a day" if one.daily_unique
             else "", f"{one.gap_s} s gap" if one.gap_s else ""]  # fmt: skip
    return " · ".join(part for part in parts if part)


def about(one: ChannelRow, tz: Any) -> Content:
    """Everything that can be said of a channel, a line for each thing."""
    now = clock.now()
    lines: list[tuple[str, str]] = []
    if one.stopped_code is not None:
        since = f" since {moment(one.stopped_at, now, tz).strip()}" if one.stopped_at else ""
        lines.append((f"Stopped{since}: {one.stopped_text or one.stopped_code}. R lets it go on.", "$text-error"))
    elif one.why_not:
        lines.append((one.why_not, "$text-warning"))
    if not one.installed and one.how_to_install:
        lines.append((f"Install it: {one.how_to_install}", ""))
    if one.probed_at is not None:
        tried = f"Tried {moment(one.probed_at, now, tz).strip()}: {one.probe_text or one.probe_code or ''}"
        lines.append((tried, "$text-muted"))
    if words := limit_words(one):
        lines.append((f"At most {words}" + (f", {one.price} each" if one.price else ""), "$text-muted"))
    known = [f"{key} {value}" for key, value in one.config.items() if value]
    known += [f"{key} is set" for key in one.secret_keys_set]
    lines += [(" · ".join(known), "$text-muted"), (one.warning, "")]
    said = [(one_line(words), style) for words, style in lines if words]
    return Content("\n").join(Content.styled(words, style) for words, style in said)


def spec_of(setting: Setting, one: ChannelRow) -> FieldSpec:
    """A setting as a field of a form; what is secret is typed unseen, and stays when nothing is typed."""
    label = setting.key.replace("_", " ").capitalize()
    needed = setting.required and setting.only is None
    if setting.secret:
        known = setting.key in one.secret_keys_set
        how = "it is set: type here only to change it" if known else "typed unseen"
        return FieldSpec(setting.key, label, "password", required=needed and not known, group="Secrets",
                         help=f"{setting.help}; {how}" if setting.help else how)  # fmt: skip
    if setting.choices:
        return FieldSpec(setting.key, label, "choice", required=needed and not setting.default, help=setting.help,
                         choices=tuple((choice, choice) for choice in setting.choices), group="Settings")  # fmt: skip
    kind = "block" if setting.kind == "json" else "line"
    return FieldSpec(setting.key, label, kind, required=needed and not setting.default, help=setting.help,
                     placeholder=setting.default, group="Settings")  # fmt: skip


def rules_of(settings: tuple[Setting, ...]) -> Any:
    """Settings that matter only where another one has a value are shown only then."""
    conditional = [setting for setting in settings if setting.only is not None]
    defaults = {setting.key: setting.default for setting in settings}

    def rules(values: dict[str, str]) -> dict[str, FieldState]:
        states = {}
        for setting in conditional:
            key, wanted = setting.only or ("", "")
            shown = (values.get(key, "") or defaults.get(key, "")) == wanted
            states[setting.key] = FieldState(setting.required and shown and not setting.default and not setting.secret,
                                             shown)  # fmt: skip
        return states

    return rules
