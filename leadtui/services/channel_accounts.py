"""The rows of channel accounts: what the engine asks of one, in its own transactions and without a permission.

What a person sees and changes of them is in `services.channels`.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from leadtui import clock
from leadtui.channels import registry
from leadtui.channels.port import Account, Caps, Channel, Spec
from leadtui.domain.hidden import Secret
from leadtui.domain.money import exponent
from leadtui.domain.sms import segments
from leadtui.errors import LeadtuiError
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from . import secrets

if TYPE_CHECKING:
    from .office import Office

_LOG = logging.getLogger("leadtui.channels")

LIMITS: Final = {"per_minute": "per_minute", "daily": "daily_unique", "gap": "gap_s"}
"""What a person calls a limit → its column, and the attribute of `Caps` that holds the channel's default."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force on an account: its own, else the channel's; None: no limit."""

    per_minute: int | None
    daily_unique: int | None
    gap_s: int | None
    spaced: bool
    caps: Caps
    is_active: bool
    stopped_code: str | None


def row_of(tx: ReadTx, name: str) -> Any | None:
    """The row of a channel's account; None when it was never set up."""
    return tx.conn.execute(select(t.channel_account).where(t.channel_account.c.channel == name)).one_or_none()


def settings_of(row: Any | None) -> dict[str, str]:
    """The settings of an account, without secrets."""
    return dict((row.config_json or {}).get("settings") or {}) if row is not None else {}


def secret_keys(row: Any | None) -> tuple[str, ...]:
    """Which secrets an account has."""
    return tuple((row.config_json or {}).get("secrets") or ()) if row is not None else ()


def config_of(office: Office, name: str, row: Any | None) -> dict[str, str]:
    """The settings as the channel gets them: the account's, and where channel `file` writes on this machine."""
    config = settings_of(row)
    if name == "file":
        config["path"] = _file_path(office, config.get("path", ""))
    return config


def _file_path(office: Office, own: str) -> str:
    """The config file of this machine, else the account, else a file beside the database."""
    from leadtui.config import data_dir, load_settings

    if chosen := load_settings().channels_file_path or own:
        return chosen
    database = office.store.path
    return str(database.with_name(database.name + ".messages.jsonl") if database else data_dir() / "messages.jsonl")


def account(tx: ReadTx, office: Office, name: str) -> Account:
    """How to send on a channel, its secrets decrypted. Raises SecretKeyError, NotFound for an unknown channel."""
    name = registry.found(name).name
    row = row_of(tx, name)
    kept: Mapping[str, str] = {}
    if row is not None and row.secret_ref:
        kept = json.loads(secrets.get(tx, office, row.secret_ref).reveal())
    return Account(
        channel=name, config=config_of(office, name, row), secrets={key: Secret(value) for key, value in kept.items()},
        currency=tx.catalog.currency, keeper=_Kept(office, name),
    )  # fmt: skip


def open_for(office: Office, name: str) -> Channel:
    """A channel ready to send; the caller closes it. Reads in a transaction of its own. Raises Refused
    (`channel_missing`, `channel_setup`, `channel_broken`), SecretKeyError, NotFound.
    """
    with office.store.read() as tx:
        found = account(tx, office, name)
    return registry.open(name, found)


def webhook_account(office: Office, name: str) -> Account:
    """What is needed to check that a report really comes from the provider. Raises as `account` does."""
    with office.store.read() as tx:
        return account(tx, office, name)


def plain_account(office: Office, name: str, row: Any | None) -> Account:
    """The account without its secrets: enough to ask what the channel can do."""
    return Account(channel=name, config=config_of(office, name, row))


def caps(tx: ReadTx, name: str) -> Caps:
    """What a channel can do as it is set up; works also where its extra is missing. Raises NotFound."""
    return registry.caps(name, Account(channel=name, config=settings_of(row_of(tx, name))))


def limits(tx: ReadTx, name: str) -> Limits:
    """The limits in force on a channel's account; works also where its extra is missing. Raises NotFound."""
    return limits_of(row_of(tx, name), caps(tx, name))


def limits_of(row: Any | None, can: Caps) -> Limits:
    """The limits that a row and the channel's own defaults make; a limit of 0 in the row means none at all."""
    chosen: dict[str, int | None] = {}
    for column in LIMITS.values():
        own = getattr(row, column) if row is not None else None
        chosen[column] = getattr(can, column) if own is None else own or None
    return Limits(
        **chosen, spaced=can.spaced, caps=can, is_active=row is None or bool(row.is_active),
        stopped_code=row.stopped_code if row is not None else None,
    )  # fmt: skip


def is_open(tx: ReadTx, name: str) -> bool:
    """Whether the account is neither switched off nor stopped."""
    row = row_of(tx, name)
    return row is None or (bool(row.is_active) and row.stopped_code is None)


def problem(tx: ReadTx, office: Office, name: str) -> str:
    """Why nothing can be sent on a channel now, in words; "" when it can. Asks the database only."""
    return why_not(registry.found(name), row_of(tx, name), office)


def why_not(found: registry.Found, row: Any | None, office: Office) -> str:
    """Why nothing can be sent on a channel with this row; "" when it can."""
    if found.plugin is None:
        return f"broken: {found.error}"
    can = registry.caps(found.name, plain_account(office, found.name, row))
    if gone := missing_packages(can):
        return registry.missing(found.spec, gone[0]).message
    if lacks := missing_values(found.spec, row):
        return f"not set up: {', '.join(lacks)} missing" if lacks[0] else "not set up"
    if row is not None and not row.is_active:
        return "switched off"
    if row is not None and row.stopped_code:
        return f"stopped: {row.stopped_text or row.stopped_code}"
    return ""


def missing_packages(can: Caps) -> list[str]:
    """Packages of a channel that are not installed here."""
    return [name for name in can.packages if importlib.util.find_spec(name) is None]


def missing_values(spec: Spec, row: Any | None) -> list[str]:
    """What an account still needs before anything can be sent on it."""
    if row is None:
        return [""] if spec.needs_account else []
    config, known = settings_of(row), secret_keys(row)
    defaults = {setting.key: setting.default for setting in spec.settings}
    return [
        setting.key
        for setting in spec.settings
        if setting.required
        and (setting.only is None or (config.get(setting.only[0]) or defaults[setting.only[0]]) == setting.only[1])
        and not (setting.key in known if setting.secret else config.get(setting.key) or setting.default)
    ]


def price_minor(tx: ReadTx, name: str, text: str) -> Decimal | None:
    """What a text costs on a channel, in minor units of the office's currency, by segments for SMS; None: not known."""
    row = row_of(tx, name)
    if row is None or not row.price:
        return None
    try:
        price = Decimal(row.price)
    except InvalidOperation:
        return None
    count = segments(text).count if caps(tx, name).segments else 1
    return (price * count).scaleb(exponent(tx.catalog.currency))


def stop(tx: WriteTx, name: str, code: str, text: str) -> bool:
    """Let nothing more go out on an account until a person or a good probe says so. True when it was not stopped yet.

    A channel without an account gets a row, so that its stop is known to all processes.
    """
    a = t.channel_account
    ensure(tx, name)
    free = (a.c.channel == name, a.c.stopped_code.is_(None))
    values = {"stopped_code": code[:60], "stopped_text": text[:2000], "stopped_at": tx.now}
    if not tx.conn.execute(update(a).where(*free).values(**values)).rowcount:
        return False
    tx.audit("stop", "channel", None, None, {"channel": name, "code": code[:60], "text": text[:500]})
    return True


def ensure(tx: WriteTx, name: str) -> None:
    """Make the row of a channel's account where there is none."""
    if row_of(tx, name) is None:
        tx.conn.execute(t.channel_account.insert().values(channel=name, is_active=True, updated_at=tx.now))


class _Kept:
    """What a channel remembers, in its row: shared by all processes, and no loss when it is gone."""

    def __init__(self, office: Office, name: str) -> None:
        self._office, self._name = office, name

    def get(self, key: str) -> Any:
        """What is kept and not over yet."""
        with self._office.store.read() as tx:
            row = row_of(tx, self._name)
        entry = ((row.kept_json if row is not None else None) or {}).get(key)
        return entry["value"] if entry and datetime.fromisoformat(entry["until"]) > clock.now() else None

    def put(self, key: str, value: Any, until: datetime) -> None:
        """Keep it, and forget what is over."""
        a = t.channel_account
        try:
            with self._office.as_system() as tx:
                query = select(a.c.kept_json).where(a.c.channel == self._name).with_for_update()
                known = tx.conn.execute(query).scalar() or {}
                kept = {k: v for k, v in known.items() if datetime.fromisoformat(v["until"]) > tx.now}
                kept[key] = {"value": value, "until": until.isoformat()}
                tx.conn.execute(update(a).where(a.c.channel == self._name).values(kept_json=kept))
        except LeadtuiError as error:
            _LOG.warning("the channel %s could not keep something: %s", self._name, error.message)
