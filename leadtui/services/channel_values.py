"""What a person types for a channel's account, checked into columns, settings and secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leadtui.channels import registry
from leadtui.channels.port import Setting, Spec
from leadtui.domain.money import parse_money
from leadtui.errors import Invalid, UsageError
from leadtui.store.unit_of_work import ReadTx
from leadtui.text import clean_block, clean_line

from .channel_accounts import LIMITS

_TEXT_LIMIT = 500
_BLOCK_LIMIT = 5_000
_LIMIT_MOST = 100_000


def checked(
    tx: ReadTx, spec: Spec, values: Mapping[str, str | None], before: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Checked columns, and all settings as they will be. Raises Invalid."""
    known = {setting.key: setting for setting in spec.settings}
    columns: dict[str, Any] = {}
    config = dict(before)
    for key, typed in values.items():
        text = (typed or "").strip()
        if key in LIMITS:
            columns[LIMITS[key]] = _whole(key, text) if text else None
        elif key == "price":
            columns["price"] = _price(tx, text) if text else None
        elif key not in known:
            hint = "one of: " + ", ".join([*(k for k, s in known.items() if not s.secret), *LIMITS, "price"])
            raise Invalid(f"the channel {spec.name} has no setting '{key}'", field=key, hint=hint)
        elif known[key].secret:
            raise Invalid(f"{key} is a secret: it is not typed on the command line", field=key, hint="--secret-stdin")
        elif text:
            config[key] = _value(known[key], text)
        else:
            config.pop(key, None)
    return columns, config


def _value(setting: Setting, text: str) -> str:
    if setting.kind == "json":
        value = clean_block(text, field=setting.key, limit=_BLOCK_LIMIT)
        try:
            json.loads(value)
        except ValueError as error:
            raise Invalid(f"{setting.key} is not JSON: {error}", field=setting.key) from None
        return value
    value = clean_line(text, field=setting.key, limit=_TEXT_LIMIT)
    if setting.choices and value not in setting.choices:
        hint = "one of: " + ", ".join(setting.choices)
        raise Invalid(f"{setting.key} cannot be '{value}'", field=setting.key, hint=hint)
    if setting.kind == "number":
        return str(_whole(setting.key, value))
    if setting.kind == "url":
        from leadtui.channels.wire import check_url

        return check_url(value, field=setting.key)
    if setting.kind == "file" and not Path(value).expanduser().is_absolute():
        raise Invalid(f"'{value}' does not say where it lies", field=setting.key, hint="a whole path, such as /srv/x")
    return value


def _whole(key: str, text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text[:9]) > _LIMIT_MOST:
        raise Invalid(f"{key} cannot be '{text[:40]}'", field=key, hint=f"a whole number from 0 to {_LIMIT_MOST:,}")
    return int(text)


def _price(tx: ReadTx, text: str) -> str:
    """A price may be finer than the smallest coin: 0.35 of a shilling is a price, 0.355 as well."""
    whole, dot, part = text.partition(".")
    parse_money(whole + dot + part[:2], tx.catalog.currency, field="price")
    if not (whole + part).isdecimal() or len(text) > 20:
        raise Invalid(f"'{text[:40]}' is not a price", field="price", hint="such as 0.80")
    return text


def parse_secrets(name: str, text: str) -> dict[str, str]:
    """Secrets as they are typed or piped in: lines `key=secret`, one JSON object, or the bare secret of a channel that
    has only one. Raises UsageError, never with the text in its words.
    """
    names = [setting.key for setting in registry.spec(name).settings if setting.secret]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not names:
        raise UsageError(f"the channel {name} has no secrets", field="secret")
    if not lines:
        raise UsageError("no secret came on standard input", field="secret", hint="its secrets: " + ", ".join(names))
    if text.lstrip().startswith("{"):
        try:
            loaded = json.loads(text)
        except ValueError:
            raise UsageError("the secrets are not JSON", field="secret") from None
        return {str(key): "" if value is None else str(value) for key, value in loaded.items()}
    pairs = [line.partition("=") for line in lines]
    if all(mark and key.strip() in names for key, mark, _ in pairs):
        return {key.strip(): value.strip() for key, _, value in pairs}
    if len(lines) == 1 and len(names) == 1:
        return {names[0]: lines[0]}
    raise UsageError(
        "it is not clear which secret is which", field="secret",
        hint="write lines such as " + ", ".join(f"{key}=…" for key in names),
    )  # fmt: skip
