"""The channels of the office: what there is, setting up their accounts, trying them, letting a stopped one go on.

Changing needs `config`; who may write to leads sees them. Secrets are stored encrypted and never answered. What the
engine asks of an account is in `channel_accounts`, and called by the names here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import update

from leadtui import clock
from leadtui.channels import registry
from leadtui.channels.port import Account, Caps, Probe, Setting, Spec
from leadtui.channels.provider_templates import ApprovedTemplate, CanListTemplates
from leadtui.errors import Invalid, NotPermitted, Refused
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import lead_writes as w
from . import secrets as safe
from .channel_accounts import (
    LIMITS,
    Limits,
    account,
    caps,
    ensure,
    is_open,
    limits,
    limits_of,
    missing_packages,
    missing_values,
    open_for,
    plain_account,
    price_minor,
    problem,
    row_of,
    secret_keys,
    settings_of,
    stop,
    webhook_account,
    why_not,
)
from .channel_values import checked, parse_secrets

if TYPE_CHECKING:
    from .office import Office

__all__ = [
    "ChannelRow",
    "Limits",
    "account",
    "caps",
    "fields",
    "get",
    "is_open",
    "limits",
    "list_all",
    "open_for",
    "parse_secrets",
    "price_minor",
    "probe",
    "problem",
    "resume",
    "set_account",
    "set_active",
    "stop",
    "templates",
    "webhook_account",
]

_TEMPLATES_FOR: Final = timedelta(days=1)
_TEMPLATES: Final = "templates"


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel and its account as a person sees them; no secrets."""

    channel: str
    label: str
    origin: str
    is_active: bool
    is_set_up: bool
    ready: bool
    why_not: str
    """Why nothing can be sent on it now; "" when it can."""
    config: Mapping[str, str]
    """Its settings; only for who may configure the office."""
    secret_keys_set: tuple[str, ...]
    per_minute: int | None
    daily_unique: int | None
    gap_s: int | None
    """The limits in force; `own_limits` are those set for the account."""
    own_limits: Mapping[str, int | None]
    price: str | None
    """Of one message (of one segment for SMS), in major units."""
    stopped_code: str | None
    stopped_text: str | None
    stopped_at: datetime | None
    probed_at: datetime | None
    probe_code: str | None
    probe_text: str | None
    installed: bool
    how_to_install: str
    caps: Caps
    settings: tuple[Setting, ...] = field(repr=False)

    @property
    def warning(self) -> str:
        """What a person should know before using it."""
        return self.caps.warning


# -- looking -----------------------------------------------------------------------------------------------------------
def list_all(office: Office) -> tuple[ChannelRow, ...]:
    """Every channel there is, also those never set up and broken plug-ins. For who may write to leads or configure."""
    with office.read() as tx:
        _may_look(tx)
        return tuple(_row(tx, office, name) for name in registry.names())


def get(office: Office, name: str) -> ChannelRow:
    """One channel. Raises NotFound."""
    with office.read() as tx:
        _may_look(tx)
        return _row(tx, office, registry.found(name).name)


def fields(name: str) -> tuple[Setting, ...]:
    """What an account of a channel is told, in the order of a form; `secret` ones are typed unseen. Raises NotFound."""
    return registry.spec(name).settings


def _may_look(tx: ReadTx) -> None:
    if not any(tx.actor.may(action) for action in ("campaign", "log", "config")):
        raise NotPermitted("you may not see the channels", hint="those who write to leads may")


def _row(tx: ReadTx, office: Office, name: str) -> ChannelRow:
    found, row = registry.found(name), row_of(tx, name)
    can = registry.caps(name, plain_account(office, name, row))
    now = limits_of(row, can)
    reason = why_not(found, row, office)
    gone = missing_packages(can)
    kept = ("price", "stopped_code", "stopped_text", "stopped_at", "probed_at", "probe_code", "probe_text")
    return ChannelRow(
        channel=name, label=found.spec.title, origin=found.origin, is_active=now.is_active,
        is_set_up=found.plugin is not None and not missing_values(found.spec, row),
        ready=not reason, why_not=reason, config=settings_of(row) if tx.actor.may("config") else {},
        secret_keys_set=secret_keys(row), per_minute=now.per_minute, daily_unique=now.daily_unique, gap_s=now.gap_s,
        own_limits={key: getattr(row, key) if row is not None else None for key in LIMITS.values()},
        **{key: getattr(row, key) if row is not None else None for key in kept},
        installed=not gone, how_to_install=(registry.missing(found.spec, gone[0]).hint or "") if gone else "",
        caps=can, settings=_settings(office, name, row),
    )  # fmt: skip


def _settings(office: Office, name: str, row: Any) -> tuple[Setting, ...]:
    """What an account can be told; of channel `file` with where it writes when it is told nothing."""
    where = plain_account(office, name, row).config
    return tuple(
        replace(one, default=where[one.key]) if one.kind == "file" and where.get(one.key) else one
        for one in registry.spec(name).settings
    )


# -- setting up --------------------------------------------------------------------------------------------------------
def set_account(
    office: Office, name: str, values: Mapping[str, str | None], secrets: Mapping[str, str] | None = None
) -> ChannelRow:
    """Change a channel's account: only what is given. Keys of `values`: the channel's settings, and per_minute, daily,
    gap (0: no limit; empty: the channel's own), price. `secrets`: by their keys; an empty one is forgotten.

    What was set for another provider stays. Raises Invalid naming the field, NotPermitted, NotFound, Refused.
    """
    made = registry.plugin(name)
    spec = made.spec
    with office.write() as tx:
        w.require(tx, "config")
        ensure(tx, spec.name)
        row = row_of(tx, spec.name)
        before = settings_of(row)
        columns, config = checked(tx, spec, values, before)
        kept = _with_secrets(tx, office, spec, row, secrets or {})
        told_before, told = _differences(spec.name, row, before, config, columns)
        if secrets:
            told[f"{spec.name}.secrets"] = "changed: " + ", ".join(sorted(secrets))
        if told:
            columns |= {"config_json": {"settings": config, "secrets": sorted(kept.keys)}, "secret_ref": kept.ref}
            _write(tx, spec.name, {**columns, "updated_at": tx.now})
            tx.audit("edit", "channel", None, told_before, told)
        return _row(tx, office, spec.name)


@dataclass(frozen=True, slots=True)
class _Safe:
    ref: str | None
    keys: frozenset[str]


def _with_secrets(tx: WriteTx, office: Office, spec: Spec, row: Any, given: Mapping[str, str]) -> _Safe:
    """Store the secrets given beside those there are, as one. Raises Invalid for one that the channel does not know."""
    ref: str | None = row.secret_ref
    if not given:
        return _Safe(ref, frozenset(secret_keys(row)))
    names = [setting.key for setting in spec.settings if setting.secret]
    if unknown := sorted(set(given) - set(names)):
        raise Invalid(
            f"the channel {spec.name} has no secret '{unknown[0][:40]}'", field="secret",
            hint="its secrets: " + (", ".join(names) or "none"),
        )  # fmt: skip
    known: dict[str, str] = {}
    if ref is not None and set(given) < set(names):
        known = json.loads(safe.get(tx, office, ref).reveal())
    known |= given
    known = {key: value for key, value in known.items() if value}
    if not known:
        safe.drop(tx, ref)
        return _Safe(None, frozenset())
    ref = ref or safe.new_ref("channel")
    safe.put(tx, office, ref, json.dumps(known))
    return _Safe(ref, frozenset(known))


def _differences(
    name: str, row: Any, before: Mapping[str, str], after: Mapping[str, str], columns: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changes, before and after, as the audit tells it."""
    old = {**before, **{key: getattr(row, key) for key in columns}}
    new = {**after, **columns}
    changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    return {f"{name}.{key}": old.get(key) for key in changed}, {f"{name}.{key}": new.get(key) for key in changed}


def _write(tx: WriteTx, name: str, columns: Mapping[str, Any]) -> None:
    tx.conn.execute(update(t.channel_account).where(t.channel_account.c.channel == name).values(**columns))


# -- on, off, stopped --------------------------------------------------------------------------------------------------
def set_active(office: Office, name: str, active: bool) -> ChannelRow:
    """Switch a channel on or off; what waits on it waits. Raises NotPermitted, NotFound."""
    found = registry.found(name)
    with office.write() as tx:
        w.require(tx, "config")
        ensure(tx, found.name)
        row = row_of(tx, found.name)
        if row is not None and bool(row.is_active) != active:
            _write(tx, found.name, {"is_active": active, "updated_at": tx.now})
            key = f"{found.name}.is_active"
            tx.audit("edit", "channel", None, {key: not active}, {key: active})
        return _row(tx, office, found.name)


def resume(office: Office, name: str) -> ChannelRow:
    """Let an account that stopped itself go on. Its campaigns are resumed one by one. Raises NotPermitted, NotFound."""
    found = registry.found(name)
    with office.write() as tx:
        w.require(tx, "config")
        _unstop(tx, found.name)
        return _row(tx, office, found.name)


def _unstop(tx: WriteTx, name: str) -> None:
    row = row_of(tx, name)
    if row is None or row.stopped_code is None:
        return
    _write(tx, name, {"stopped_code": None, "stopped_text": None, "stopped_at": None})
    tx.audit("resume", "channel", None, {f"{name}.stopped": row.stopped_code}, {f"{name}.stopped": None})


def probe(office: Office, name: str) -> Probe:
    """Try a channel without writing to a lead. A good answer lets a stopped account go on, for who may configure."""
    found = registry.found(name)
    with office.read() as tx:
        _may_look(tx)
        try:
            opened: Account | Refused = account(tx, office, found.name)
        except Refused as error:  # the key of its secrets is not here
            opened = error
    answer = (
        Probe(False, opened.code, opened.message, opened.hint or "")
        if isinstance(opened, Refused)
        else registry.probe(found.name, opened)
    )
    with office.write() as tx:
        ensure(tx, found.name)
        _write(tx, found.name, {"probed_at": tx.now, "probe_code": answer.code[:60], "probe_text": answer.text[:2000]})
        if answer.ok and tx.actor.may("config"):
            _unstop(tx, found.name)
    return answer


# -- templates of the provider -----------------------------------------------------------------------------------------
def templates(office: Office, name: str = "whatsapp_cloud", *, refresh: bool = False) -> Sequence[ApprovedTemplate]:
    """The templates a provider has approved or not, as told within the last day; `refresh` asks now.

    Raises Refused for a channel without such templates or not set up, OtherSide when the provider does not answer.
    """
    with office.read() as tx:
        _may_look(tx)
        opened = account(tx, office, registry.found(name).name)
    if not refresh and (kept := opened.keeper.get(_TEMPLATES)) is not None:
        return tuple(ApprovedTemplate.of(row) for row in kept)
    channel = registry.open(name, opened)
    try:
        if not isinstance(channel, CanListTemplates):
            raise Refused(f"the channel {name} has no templates of its provider", code="no_templates", field="channel")
        found = channel.approved_templates()
    finally:
        channel.close()
    opened.keeper.put(_TEMPLATES, [row.as_json() for row in found], clock.now() + _TEMPLATES_FOR)
    return found
